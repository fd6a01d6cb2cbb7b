package web

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/people"
)

// peoplePage is who may sign in, and who is signed in by the identity provider.
type peoplePage struct {
	frame
	Users    []userRow
	Guests   []sessionRow // whom the identity provider vouches for
	Provider string
	Form     userForm // of a new user
	Once     once
}

type userRow struct {
	ledger.User
	Rights   string
	Sessions int64
	You      bool
}

// once is a password that is shown once.
type once struct{ Name, Password string }

// userForm is what may be said of a user.
type userForm struct {
	Name     field
	Role     field
	Places   []field
	Disabled field
	Revision string
}

func (s *site) peoplePage(w http.ResponseWriter, r *http.Request) {
	s.people(w, r, ledger.User{Role: ledger.ReaderRole}, nil, once{})
}

// people shows the page, with a new user as far as typed and what is wrong with it, or with a new one's password.
func (s *site) people(w http.ResponseWriter, r *http.Request, typed ledger.User, wrong faults, fresh once) {
	p := peoplePage{Once: fresh}
	s.around(&p.frame, r, wire.TimeOf(time.Now()), "title.people")
	p.Here, p.Faults = "/people", wrong
	if s.Provider != nil {
		p.Provider = s.Provider.Name
	}
	register, err := s.registerFor(r)
	if err == nil {
		err = p.list(r, s.Door, register)
	}
	if err == nil {
		p.Form, err = p.userForm(register, typed)
	}
	if err != nil {
		s.Log.Error("read the users", "error", err)
		p.Fault = true
	}
	s.Render(w, p.status(), "people.html", p)
}

func (p *peoplePage) list(r *http.Request, door *people.Door, register ledger.Register) error {
	users, err := door.Users(r.Context())
	if err != nil {
		return err
	}
	sessions, err := door.Sessions(r.Context(), "", "")
	if err != nil {
		return err
	}
	open := map[string]int64{}
	for _, x := range sessions {
		if x.Provider == "" {
			open[x.Name]++
		} else {
			p.Guests = append(p.Guests, sessionRow{x, x.ID == p.reader.session.ID})
		}
	}
	for _, u := range users {
		row := userRow{User: u, Sessions: open[u.Name], You: p.reader.session.Provider == "" && p.reader.session.Name == u.Name}
		if row.Rights, err = p.rights(register, u.Role, u.Establishments); err != nil {
			return err
		}
		p.Users = append(p.Users, row)
	}
	return nil
}

// Rights words what a guest may.
func (p peoplePage) Rights(s sessionRow) (string, error) {
	return p.rights(p.register, s.Role, s.Establishments)
}

// userForm is the form of what a user may.
func (f frame) userForm(register ledger.Register, u ledger.User) (form userForm, err error) {
	said := func(key string) string {
		text, fault := f.T(key)
		err = cmp.Or(err, fault)
		return text
	}
	form.Name = field{Name: "name", Label: said("user.name"), Value: u.Name, Required: true, Hint: said("user.name.rule"), Fault: f.Faults["name"]}
	form.Role = field{Name: "role", Label: said("user.role"), Type: "select", Value: string(u.Role), Fault: f.Faults["role"]}
	for _, role := range ledger.Roles() {
		form.Role.Options = append(form.Role.Options, option{Value: string(role), Name: said("role." + string(role))})
	}
	ids := slices.Sorted(maps.Keys(register.Establishments))
	for _, id := range u.Establishments {
		if !slices.Contains(ids, id) {
			ids = append(ids, id) // it is no more
		}
	}
	for i, name := range namesOf(register, ids) {
		form.Places = append(form.Places, field{
			Name: "establishment", ID: "establishment-" + ids[i], Type: "checkbox", Label: name, Value: ids[i], Checked: slices.Contains(u.Establishments, ids[i]),
		})
	}
	form.Disabled = field{Name: "disabled", Type: "checkbox", Label: said("user.disabled"), Checked: u.Disabled, Fault: f.Faults["disabled"]}
	form.Revision = userRevision(u)
	return form, err
}

// userRevision tells states of what may be said of a user apart.
func userRevision(u ledger.User) string {
	u.SignedInAt = 0
	return revision(u)
}

// typedUser takes what the form says into a user.
func typedUser(r *http.Request, u *ledger.User) {
	u.Role = ledger.Role(r.PostFormValue("role"))
	u.Establishments = slices.Sorted(slices.Values(r.PostForm["establishment"]))
	if u.Role == ledger.AdminRole && len(u.Establishments) == 0 {
		u.Establishments = nil
	}
	u.Disabled = r.PostFormValue("disabled") != ""
}

// faultsOf words what is wrong with a user; nil where that is no fault of the form.
func (s *site) faultsOf(r *http.Request, why error) faults {
	speech := s.speech(r, wire.TimeOf(time.Now()))
	for _, x := range []struct {
		is         error
		field, key string
	}{
		{people.ErrName, "name", "user.name.rule"},
		{people.ErrTaken, "name", "user.taken"},
		{people.ErrRole, "role", "user.role"},
		{people.ErrNarrow, "role", "user.narrow"},
		{people.ErrPlace, "", "user.place"},
		{ledger.ErrLastAdmin, "", "user.last.admin"},
		{errFirstAdmin, "role", "user.first.admin"},
	} {
		if errors.Is(why, x.is) {
			text, _ := speech.T(x.key)
			return faults{x.field: text}
		}
	}
	return nil
}

// errFirstAdmin is of a first user after whom nobody could say who may what.
var errFirstAdmin = errors.New("the first user has to be an admin")

func (s *site) addUser(w http.ResponseWriter, r *http.Request) {
	var u ledger.User
	name, err := people.Name(r.PostFormValue("name"))
	typedUser(r, &u)
	u.Name, u.MustChange = name, true
	var fresh once
	if err == nil {
		fresh.Name = name
		fresh.Password, u.Hash, err = s.Door.Once(name)
	}
	if err == nil && author(r).Who == openPage && u.Role != ledger.AdminRole && s.Provider == nil {
		err = errFirstAdmin
	}
	if err == nil {
		err = people.Add(r.Context(), s.Door, author(r), u, wire.TimeOf(time.Now()))
	}
	if err != nil {
		u.Name = r.PostFormValue("name")
		s.refuseUser(w, r, err, func(wrong faults) { s.people(w, r, u, wrong, once{}) })
		return
	}
	s.people(w, r, ledger.User{Role: ledger.ReaderRole}, nil, fresh)
}

// refuseUser shows a form again, with what is wrong with it.
func (s *site) refuseUser(w http.ResponseWriter, r *http.Request, why error, again func(faults)) {
	wrong := s.faultsOf(r, why)
	switch {
	case wrong != nil:
		again(wrong)
	case errors.Is(why, people.ErrNobody):
		http.NotFound(w, r)
	default:
		s.refusal(w, r, http.StatusInternalServerError, s.unknown(why))
	}
}

// userPage is one user.
type userPage struct {
	frame
	User     ledger.User
	Form     userForm
	Sessions []sessionRow
	Once     once
}

func (s *site) userPage(w http.ResponseWriter, r *http.Request) { s.user(w, r, nil, nil, nil, once{}) }

// user shows the page, with what was typed, what is wrong with it and what differs from what stands, or with a new password.
func (s *site) user(w http.ResponseWriter, r *http.Request, typed *ledger.User, wrong faults, differ func(frame, ledger.Register, ledger.User) []difference, fresh once) {
	p := userPage{Once: fresh}
	s.around(&p.frame, r, wire.TimeOf(time.Now()), "title.people")
	name := r.PathValue("name")
	p.Here, p.Title, p.Faults = "/people/"+name, name, wrong
	users, err := s.Door.Users(r.Context())
	at := slices.IndexFunc(users, func(u ledger.User) bool { return u.Name == name })
	if err == nil && at < 0 {
		http.NotFound(w, r)
		return
	}
	var register ledger.Register
	if err == nil {
		p.User = users[at]
		register, err = s.registerFor(r)
	}
	if err == nil {
		p.Sessions, err = s.sessionsOf(r, name, "")
	}
	if err == nil {
		shown := p.User
		if typed != nil {
			shown.Role, shown.Establishments, shown.Disabled = typed.Role, typed.Establishments, typed.Disabled
		}
		p.Form, err = p.userForm(register, shown)
		p.Form.Revision = userRevision(p.User)
		if differ != nil {
			p.Conflicts = differ(p.frame, register, p.User)
		}
	}
	if err != nil {
		s.Log.Error("read the user", "error", err)
		p.Fault = true
	}
	s.Render(w, p.status(), "user.html", p)
}

func (s *site) saveUser(w http.ResponseWriter, r *http.Request) {
	var typed ledger.User
	err := people.Alter(r.Context(), s.Door, author(r), r.PathValue("name"), func(u *ledger.User) error {
		was := *u
		was.SignedInAt = 0
		typed = *u
		typedUser(r, &typed)
		if err := unchanged(r, was); err != nil {
			return err
		}
		*u = typed
		return nil
	})
	switch {
	case err == nil:
		s.done(w, r, "/people/"+url.PathEscape(r.PathValue("name"))+"?done=saved")
	case errors.Is(err, errChanged):
		s.user(w, r, &typed, nil, func(f frame, register ledger.Register, stands ledger.User) []difference {
			return f.userDifferences(register, typed, stands)
		}, once{})
	default:
		s.refuseUser(w, r, err, func(wrong faults) { s.user(w, r, &typed, wrong, nil, once{}) })
	}
}

// userDifferences are at least empty: that somebody was faster is told even where both want the same.
func (f frame) userDifferences(register ledger.Register, typed, stands ledger.User) []difference {
	said := func(key string) string {
		text, err := f.T(key)
		if err != nil {
			return key
		}
		return text
	}
	rights := func(u ledger.User) string {
		text, err := f.rights(register, u.Role, u.Establishments)
		if err != nil {
			return string(u.Role)
		}
		return text
	}
	state := func(u ledger.User) string {
		return said(map[bool]string{true: "user.is.disabled", false: "user.is.enabled"}[u.Disabled])
	}
	list := differ([]difference{}, said("user.role"), rights(typed), rights(stands))
	return differ(list, said("column.state"), state(typed), state(stands))
}

func (s *site) resetPassword(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	password, err := s.Door.Reset(r.Context(), author(r), name)
	if err != nil {
		s.refuseUser(w, r, err, func(wrong faults) { s.user(w, r, nil, wrong, nil, once{}) })
		return
	}
	if readerOf(r).session.Name == name && readerOf(r).session.Provider == "" { // who reset the own one is signed out by it
		r = as(r, reader{Name: name, Role: ledger.AdminRole})
	}
	s.user(w, r, nil, nil, nil, once{name, password})
}

func (s *site) signOutUser(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	open, err := s.Door.Sessions(r.Context(), name, r.PostFormValue("provider"))
	if err == nil {
		err = s.Door.CloseSessions(r.Context(), author(r), open...)
	}
	if err != nil {
		s.refusal(w, r, http.StatusInternalServerError, s.unknown(err))
		return
	}
	s.done(w, r, "/people?done=signed.out")
}

func (s *site) removeUser(w http.ResponseWriter, r *http.Request) {
	if err := people.Remove(r.Context(), s.Door, author(r), r.PathValue("name")); err != nil {
		s.refuseUser(w, r, err, func(wrong faults) { s.user(w, r, nil, wrong, nil, once{}) })
		return
	}
	s.done(w, r, "/people?done=removed")
}
