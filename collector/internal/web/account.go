package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/people"
)

// accountPage is what somebody may, and where they are signed in.
type accountPage struct {
	frame
	Rights     string // in words
	Local      bool   // signs in by a password here
	MustChange bool
	Fields     []field // of the password's form
	Sessions   []sessionRow
	Others     bool // there are sessions besides this one
}

// sessionRow is a session as it is shown.
type sessionRow struct {
	ledger.Session
	Own bool // the one that asks
}

// Short is what the browser calls itself, in short.
func (s sessionRow) Short() string {
	for _, name := range []string{"Edg/", "Firefox/", "Chrome/", "Safari/"} {
		if strings.Contains(s.Browser, name) {
			system := ""
			for _, x := range []string{"Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux"} {
				if system == "" && strings.Contains(s.Browser, x) {
					system = x
				}
			}
			return joined(" · ", strings.TrimSuffix(strings.Replace(name, "Edg/", "Edge/", 1), "/"), system)
		}
	}
	return s.Browser
}

func (s *site) accountPage(w http.ResponseWriter, r *http.Request) {
	if readerOf(r).session.ID == "" { // nobody has to sign in yet
		s.done(w, r, "/")
		return
	}
	s.account(w, r, nil, http.StatusOK)
}

// account shows the page with what is wrong with the passwords typed.
func (s *site) account(w http.ResponseWriter, r *http.Request, wrong map[string]string, status int) {
	who := readerOf(r)
	p := accountPage{Local: who.session.ID != "" && who.session.Provider == "", MustChange: who.session.MustChange}
	s.around(&p.frame, r, wire.TimeOf(time.Now()), "title.account")
	p.Here = "/account"
	register, err := s.registerFor(r)
	if err == nil {
		p.Rights, err = p.rights(register, who.session.Role, who.session.Establishments)
	}
	if err == nil && who.session.ID != "" {
		p.Sessions, err = s.sessionsOf(r, who.session.Name, who.session.Provider)
	}
	if err != nil {
		s.Log.Error("read the account", "error", err)
		p.Fault, status = true, http.StatusInternalServerError
	}
	p.Others = len(p.Sessions) > 1
	for _, x := range []struct{ name, label, autofill string }{
		{"present", "user.password.present", "current-password"}, {"next", "user.password.next", "new-password"}, {"again", "user.password.again", "new-password"},
	} {
		f := p.input(x.name, x.label, x.autofill)
		f.Type, f.Fault = "password", wrong[x.name]
		if x.name == "next" {
			f.Hint, _ = p.T("user.password.rule")
		}
		p.Fields = append(p.Fields, f)
	}
	s.Render(w, status, "account.html", p)
}

// registerFor is the register as the reader sees it.
func (s *site) registerFor(r *http.Request) (ledger.Register, error) {
	books, err := s.books(r).Snapshot(r.Context())
	return books.Register, err
}

func (s *site) sessionsOf(r *http.Request, name, provider string) (rows []sessionRow, err error) {
	open, err := s.Door.Sessions(r.Context(), name, provider)
	for _, x := range open {
		rows = append(rows, sessionRow{x, x.ID == readerOf(r).session.ID})
	}
	return rows, err
}

// rights words what a role is for.
func (f frame) rights(register ledger.Register, role ledger.Role, establishments []string) (string, error) {
	said, err := f.T("role." + string(role))
	if err != nil || len(establishments) == 0 {
		return said, err
	}
	return f.T("role.of", said, strings.Join(namesOf(register, establishments), ", "))
}

// namesOf are the names of establishments, their ids where they have none.
func namesOf(register ledger.Register, ids []string) []string {
	names := slices.Clone(ids)
	for i, id := range ids {
		if name := register.Establishments[id].Name; name != "" {
			names[i] = name
		}
	}
	return names
}

// changePassword ends all sessions of the user, and opens a new one here.
func (s *site) changePassword(w http.ResponseWriter, r *http.Request) {
	who := readerOf(r)
	if who.session.ID == "" || who.session.Provider != "" {
		http.Error(w, "there is no password of yours here", http.StatusForbidden)
		return
	}
	name, next := who.session.Name, r.PostFormValue("next")
	var err error
	if next != r.PostFormValue("again") {
		err = errTwice
	} else {
		err = s.Door.Change(r.Context(), author(r), name, r.PostFormValue("present"), next, s.caller(r, name))
	}
	if err != nil {
		s.refusePassword(w, r, err)
		return
	}
	u, err := s.Door.Enter(r.Context(), name, next, s.caller(r, name))
	if err != nil {
		s.refuseSignIn(w, r, err)
		return
	}
	s.keepCookie(w, r, s.badgeCookie(r), people.Badge(u), badgeAge)
	s.admit(w, as(r, reader{Name: who.Name}), ledger.Session{Name: u.Name, Role: u.Role, Establishments: u.Establishments}, "/account?done=password")
}

var errTwice = errors.New("the two new passwords differ")

func (s *site) refusePassword(w http.ResponseWriter, r *http.Request, why error) {
	speech := s.speech(r, wire.TimeOf(time.Now()))
	name, key, status := "next", "", http.StatusUnprocessableEntity
	var wait people.Wait
	switch {
	case errors.As(why, &wait):
		name, key, status = "present", "user.password.wait", http.StatusTooManyRequests
	case errors.Is(why, people.ErrWrong):
		name, key = "present", "user.password.wrong"
	case errors.Is(why, errTwice):
		name, key = "again", "user.password.twice"
	case errors.Is(why, people.ErrSame):
		key = "user.password.same"
	case errors.Is(why, people.ErrShort):
		key = "user.password.short"
	case errors.Is(why, people.ErrLong):
		key = "user.password.long"
	case errors.Is(why, people.ErrGuessed):
		key = "user.password.guessed"
	default:
		s.Log.Error("change password", "error", why)
		key, status = "sign.in.fault", http.StatusInternalServerError
	}
	text, _ := speech.T(key)
	s.account(w, r, map[string]string{name: text}, status)
}

// endSessions ends one of the reader's own sessions, or all but the one that asks.
func (s *site) endSessions(w http.ResponseWriter, r *http.Request) {
	who := readerOf(r)
	if who.session.ID == "" {
		http.Error(w, "you aren't signed in", http.StatusForbidden)
		return
	}
	open, err := s.Door.Sessions(r.Context(), who.session.Name, who.session.Provider)
	if err == nil {
		one := r.PostFormValue("session")
		ending := slices.DeleteFunc(open, func(x ledger.Session) bool { return x.ID == who.session.ID || one != "" && x.ID != one })
		err = s.Door.CloseSessions(r.Context(), author(r), ending...)
	}
	if err != nil {
		s.refusal(w, r, http.StatusInternalServerError, s.unknown(err))
		return
	}
	s.done(w, r, "/account?done=signed.out")
}
