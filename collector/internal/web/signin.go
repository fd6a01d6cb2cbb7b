package web

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/people"
)

const (
	maxSignIn = 8 << 10
	maxHint   = 3800                 // bytes; browsers don't keep cookies of 4096
	badgeAge  = 400 * 24 * time.Hour // browsers keep nothing longer
	ticketAge = 10 * time.Minute
)

// peopleRoutes are the pages of who may what.
func (s *site) peopleRoutes(mux *routing, packed func(http.HandlerFunc) http.HandlerFunc) {
	if s.Door == nil {
		return
	}
	form := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxSignIn)
			next(w, r)
		}
	}
	mux.HandleFunc("GET /sign-in", packed(s.signInPage))
	mux.HandleFunc("POST /sign-in", form(s.signIn))
	mux.HandleFunc("GET /sign-in/provider", s.leave)
	mux.HandleFunc("GET /sign-in/back", s.comeBack)
	mux.HandleFunc("POST /sign-out", form(s.signOut))
	mux.HandleFunc("GET /account", packed(s.accountPage))
	mux.HandleFunc("POST /account/password", form(s.changePassword))
	mux.HandleFunc("POST /account/sessions", form(s.endSessions))
	mux.HandleFunc("GET /people", packed(admins(s.peoplePage)))
	mux.HandleFunc("POST /people", change(ledger.AdminRole, maxForm, s.addUser))
	mux.HandleFunc("GET /people/{name}", packed(admins(s.userPage)))
	mux.HandleFunc("POST /people/{name}", change(ledger.AdminRole, maxForm, s.saveUser))
	mux.HandleFunc("POST /people/{name}/password", change(ledger.AdminRole, maxForm, s.resetPassword))
	mux.HandleFunc("POST /people/{name}/sign-out", change(ledger.AdminRole, maxForm, s.signOutUser))
	mux.HandleFunc("POST /people/{name}/remove", change(ledger.AdminRole, maxForm, s.removeUser))
	mux.HandleFunc("GET /audit", packed(admins(s.auditPage)))
}

// admins lets only those who may say who may what see a page.
func admins(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !readerOf(r).May(ledger.AdminRole) {
			http.Error(w, "this page is for the role admin", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

// signInPage is where people sign in, or read why they can't.
type signInPage struct {
	frame
	Name, Password field
	Next           string
	Provider       string // what it is called; empty: there is none
	Goodbye        string // URL by which one is signed out of it, too; only just after signing out here
	Out            bool
	Refusal        string
}

func (s *site) signInPage(w http.ResponseWriter, r *http.Request) {
	if readerOf(r).May(ledger.ReaderRole) {
		s.done(w, r, local(r.URL.Query().Get("next")))
		return
	}
	any, err := s.Door.AnyUser(r.Context())
	switch {
	case err != nil:
		s.refusal(w, r, http.StatusInternalServerError, s.unknown(err))
	case !any && s.Provider == nil && s.Access.local() && !forwarded(r):
		s.done(w, r, "/")
	case !any && s.Provider == nil:
		s.refusal(w, r, http.StatusForbidden, errFirst)
	default:
		p := s.newSignIn(r)
		p.Out = r.URL.Query().Has("out")
		if p.Out && s.Provider != nil && r.URL.Query().Get("out") == "provider" {
			p.Goodbye = s.Provider.Goodbye(s.Access.External.JoinPath("/sign-in").String(), s.hint(r))
		}
		s.Render(w, http.StatusOK, "signin.html", p)
	}
}

func (s *site) newSignIn(r *http.Request) signInPage {
	p := signInPage{Next: local(r.FormValue("next"))}
	s.around(&p.frame, r, wire.TimeOf(time.Now()), "title.sign.in", "next")
	p.Here = "/sign-in"
	p.Name = p.input("name", "user.name", "username")
	p.Name.Value = r.PostFormValue("name")
	p.Password = p.input("password", "user.password", "current-password")
	p.Password.Type = "password"
	if s.Provider != nil {
		p.Provider = s.Provider.Name
	}
	return p
}

// input is a field that must be filled in.
func (f frame) input(name, label, autofill string) field {
	text, err := f.T(label)
	if err != nil {
		text = label
	}
	return field{Name: name, Label: text, Required: true, Autofill: autofill}
}

// local is a path of this site to which somebody wanted to go; the first page for whatever leads elsewhere.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(u.Path, "//") || u.Path == "/sign-in" || strings.HasPrefix(u.Path, "/sign-in/") {
		return "/"
	}
	return next
}

func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	name, err := people.Name(r.PostFormValue("name"))
	var u ledger.User
	if err != nil {
		err = people.ErrWrong
	} else {
		u, err = s.Door.Enter(r.Context(), name, r.PostFormValue("password"), s.caller(r, name))
	}
	if err != nil {
		s.refuseSignIn(w, r, err)
		return
	}
	s.keepCookie(w, r, s.badgeCookie(r), people.Badge(u), badgeAge)
	s.admit(w, r, ledger.Session{Name: u.Name, Role: u.Role, Establishments: u.Establishments}, local(r.PostFormValue("next")))
}

func (s *site) refuseSignIn(w http.ResponseWriter, r *http.Request, why error) {
	p := s.newSignIn(r)
	status := http.StatusUnauthorized
	var wait people.Wait
	switch {
	case errors.As(why, &wait):
		status = http.StatusTooManyRequests
		length, _ := p.Length(max(time.Duration(wait), time.Second).Round(time.Second))
		p.Refusal, _ = p.T("sign.in.wait", length)
	case errors.Is(why, people.ErrWrong):
		p.Refusal, _ = p.T("sign.in.wrong")
	default:
		status = http.StatusInternalServerError
		s.Log.Error("sign in", "error", why)
		p.Refusal, _ = p.T("sign.in.fault")
	}
	s.Render(w, status, "signin.html", p)
}

// admit opens a session, always a new one, and forgets the one that the browser held.
func (s *site) admit(w http.ResponseWriter, r *http.Request, session ledger.Session, next string) {
	from := s.caller(r, "")
	session.Address, session.Browser = from.Address, from.Browser
	if old := readerOf(r).session; old.ID != "" {
		if err := s.Door.CloseSessions(r.Context(), author(r), old); err != nil {
			s.refuseSignIn(w, r, err)
			return
		}
	}
	token, err := s.Door.Admit(r.Context(), session)
	if err != nil {
		s.refuseSignIn(w, r, err)
		return
	}
	s.keepCookie(w, r, s.cookie(r), token, 0)
	s.done(w, r, next)
}

// leave sends a browser to the provider.
func (s *site) leave(w http.ResponseWriter, r *http.Request) {
	if s.Provider == nil {
		http.NotFound(w, r)
		return
	}
	to, ticket, err := s.Provider.Begin(r.Context(), local(r.URL.Query().Get("next")))
	if err != nil {
		s.refuseProvider(w, r, http.StatusBadGateway, "provider.down", err)
		return
	}
	ticket.Language = r.URL.Query().Get("lang")
	data, err := json.Marshal(ticket)
	if err != nil {
		s.refuseProvider(w, r, http.StatusInternalServerError, "sign.in.fault", err)
		return
	}
	s.keepCookie(w, r, s.ticketCookie(r), base64.RawURLEncoding.EncodeToString(data), ticketAge)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// comeBack is where the provider sends a browser.
func (s *site) comeBack(w http.ResponseWriter, r *http.Request) {
	if s.Provider == nil {
		http.NotFound(w, r)
		return
	}
	var ticket people.Ticket
	if cookie, err := r.Cookie(s.ticketCookie(r)); err == nil {
		if data, err := base64.RawURLEncoding.DecodeString(cookie.Value); err == nil {
			_ = json.Unmarshal(data, &ticket) // a broken one opens nothing
		}
	}
	s.keepCookie(w, r, s.ticketCookie(r), "", -time.Second)
	session, hint, err := s.Provider.Finish(r.Context(), ticket, r.URL.Query())
	r = r.Clone(r.Context()) // what follows is said on the page and in the language in which it began
	r.URL = &url.URL{Path: "/sign-in"}
	if ticket.Language != "" {
		r.URL.RawQuery = url.Values{"lang": {ticket.Language}}.Encode()
	}
	switch {
	case err == nil:
		s.keepHint(w, r, hint, 0)
		s.admit(w, r, session, local(ticket.Next))
	case errors.Is(err, people.ErrNoGroup):
		if err := s.Door.NoteRefusal(r.Context(), session.Name+" ("+s.Provider.Name+")", s.address(r), "no group"); err != nil {
			s.Log.Error("note that somebody was refused", "error", err)
		}
		s.refuseProvider(w, r, http.StatusForbidden, "provider.no.group", err, session.Name)
	case errors.Is(err, people.ErrTicket):
		s.refuseProvider(w, r, http.StatusBadRequest, "provider.ticket", err)
	default:
		s.refuseProvider(w, r, http.StatusBadGateway, "provider.fault", err)
	}
}

// hint is what a browser keeps to be signed out of the provider by, too; empty where it has none.
func (s *site) hint(r *http.Request) string {
	cookie, err := r.Cookie(s.hintCookie(r))
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (s *site) keepHint(w http.ResponseWriter, r *http.Request, hint string, age time.Duration) {
	if hint == "" || len(hint) > maxHint {
		hint, age = "", -time.Second
	}
	s.keepCookie(w, r, s.hintCookie(r), hint, age)
}

func (s *site) refuseProvider(w http.ResponseWriter, r *http.Request, status int, key string, why error, args ...any) {
	s.Log.Warn("sign-in by the identity provider", "address", s.address(r), "error", why)
	p := s.newSignIn(r)
	p.Refusal, _ = p.T(key, append([]any{s.Provider.Name}, args...)...)
	s.Render(w, status, "signin.html", p)
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	session := readerOf(r).session
	out := "here"
	if session.ID != "" {
		if err := s.Door.CloseSessions(r.Context(), author(r), session); err != nil {
			s.refusal(w, r, http.StatusInternalServerError, s.unknown(err))
			return
		}
		if session.Provider != "" {
			out = "provider"
			s.keepHint(w, r, s.hint(r), ticketAge)
		}
	}
	s.keepCookie(w, r, s.cookie(r), "", -time.Second)
	s.done(w, r, "/sign-in?out="+out)
}

// refusalPage says why there is nothing to see.
type refusalPage struct {
	frame
	Why     string
	Command string // that helps
}

func (s *site) refusal(w http.ResponseWriter, r *http.Request, status int, why error) {
	var p refusalPage
	s.around(&p.frame, r, wire.TimeOf(time.Now()), "title.refusal")
	command := "zerofax-collector user add NAME --role admin"
	if s.Access.Config != "" {
		command += " --config " + s.Access.Config
	}
	var wait people.Wait
	key := "refusal.sign.in"
	switch {
	case errors.Is(why, errFirst):
		key, p.Command = "refusal.first", command
	case errors.Is(why, errHost):
		key, p.Command = "refusal.host", command
	case errors.Is(why, errMustChange):
		key = "refusal.must.change"
	case errors.Is(why, errBooksClosed):
		key = "books.fault"
	case errors.As(why, &wait):
		key = "sign.in.fault"
	}
	p.Why, _ = p.T(key)
	s.Render(w, status, "refusal.html", p)
}
