package web

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var errNoFollowup = errors.New("it is no more")

// followupForm is the form of one thing that the team has or did.
type followupForm struct {
	frame
	Kind     ledger.FollowupKind
	ID       int64 // 0: a new one
	Revision string
	Fields   []field
	Places   choices // the services that can be chosen
}

func (s *site) followupNew(w http.ResponseWriter, r *http.Request) {
	kind := ledger.FollowupKind(r.URL.Query().Get("kind"))
	if !slices.Contains(ledger.FollowupKinds(), kind) {
		http.NotFound(w, r)
		return
	}
	s.showFollowup(w, r, ledger.Followup{Kind: kind})
}

func (s *site) followupEdit(w http.ResponseWriter, r *http.Request) {
	all, err := s.books(r).Followups(r.Context())
	i := slices.IndexFunc(all, func(f ledger.Followup) bool { return fmt.Sprint(f.ID) == r.PathValue("id") })
	switch {
	case err != nil:
		s.refused(w, r, err)
	case i < 0 || !readerOf(r).Sees(all[i].Establishment):
		http.NotFound(w, r)
	default:
		s.showFollowup(w, r, all[i])
	}
}

// showFollowup shows the form of a followup as it stands.
func (s *site) showFollowup(w http.ResponseWriter, r *http.Request, f ledger.Followup) {
	p := followupForm{Kind: f.Kind, ID: f.ID, Revision: revision(f)}
	p.frame, _ = s.frame(r, "followup."+string(f.Kind), "kind")
	if !p.MayEdit() {
		http.Error(w, "you may not change this; ask for the role editor", http.StatusForbidden)
		return
	}
	p.fill(&f)
	s.Render(w, p.status(), "followup.html", p)
}

// fill fills the form in with a followup.
func (p *followupForm) fill(f *ledger.Followup) {
	for _, name := range shapeOf(p.Kind) {
		if name == "places" {
			continue
		}
		x := p.control(f, name)
		x.Name, x.Label, x.Fault = name, p.labelOf(p.Kind, name), p.Faults[name]
		p.Fields = append(p.Fields, x)
	}
	whole := field{Name: "establishment", Label: p.say("followup.establishment"), Type: "select", Fault: p.Faults["establishment"]}
	if len(p.reader.Establishments) == 0 {
		whole.Options = append(whole.Options, option{"", p.say("places.structure"), f.Establishment == ""})
	}
	for _, id := range slices.Sorted(maps.Keys(p.register.Establishments)) {
		whole.Options = append(whole.Options, option{id, cmp.Or(p.register.Establishments[id].Name, id), f.Establishment == id})
	}
	p.Fields = append(p.Fields, whole)
	p.Places = p.serviceChoices(p.say("followup.services"), f.Services, func(string) string { return "" })
}

// control is the control of a field.
func (p *followupForm) control(f *ledger.Followup, name string) field {
	switch name {
	case "subject":
		options := []option{{}}
		for _, subject := range p.Kind.Subjects() {
			options = append(options, option{subject, p.subject(p.Kind, subject), subject == f.Subject})
		}
		return field{Type: "select", Options: options, Required: true}
	case "who":
		return field{Value: f.Who, Required: p.Kind == ledger.Partner || p.Kind == ledger.Contact}
	case "contact":
		return field{Value: f.Contact}
	case "day":
		return field{Type: "date", Value: string(f.Day), Required: p.Kind == ledger.Incident}
	case "until":
		return field{Type: "date", Value: string(f.Until)}
	case "version":
		return field{Value: f.Version}
	case "link":
		return field{Value: f.Link}
	case "equipped":
		return field{Type: "select", Options: []option{
			{"", p.say("equipped.unknown"), f.Equipped == ""},
			{"yes", p.say("equipped.yes"), f.Equipped == wire.Yes},
			{"no", p.say("equipped.no"), f.Equipped == wire.No},
		}}
	case "attendance":
		x := field{Type: "number", Min: "0", Step: "1"}
		if f.Attendance != nil {
			x.Value = fmt.Sprint(*f.Attendance)
		}
		return x
	}
	return field{Type: "textarea", Value: f.Note, Required: p.Kind == ledger.Incident}
}

func (s *site) saveFollowup(w http.ResponseWriter, r *http.Request) {
	p := followupForm{Kind: ledger.FollowupKind(r.PostFormValue("kind"))}
	if !slices.Contains(ledger.FollowupKinds(), p.Kind) {
		http.Error(w, "no such kind", http.StatusBadRequest)
		return
	}
	p.frame, _ = s.frame(r, "followup."+string(p.Kind), "kind")
	p.ID, _ = strconv.ParseInt(r.PathValue("id"), 10, 64)
	p.Revision = r.PostFormValue("revision")
	typed := p.read(r)
	if p.Faults != nil {
		p.fill(&typed)
		s.Render(w, p.status(), "followup.html", p)
		return
	}
	var standing ledger.Followup
	err := s.books(r).DeclareFollowups(r.Context(), author(r), func(_ ledger.Register, all []ledger.Followup) ([]ledger.Followup, error) {
		if p.ID == 0 {
			return append(all, typed), nil
		}
		i := slices.IndexFunc(all, func(f ledger.Followup) bool { return f.ID == p.ID })
		if i < 0 {
			return nil, errNoFollowup
		}
		standing, all[i] = all[i], typed
		return all, unchanged(r, standing)
	})
	if errors.Is(err, errChanged) && p.differs(&typed, &standing) {
		p.Revision = revision(standing)
		p.fill(&typed)
		s.Render(w, p.status(), "followup.html", p)
		return
	}
	s.followed(w, r, p.Kind, "saved", err)
}

func (s *site) dropFollowup(w http.ResponseWriter, r *http.Request) {
	var kind ledger.FollowupKind
	err := s.books(r).DeclareFollowups(r.Context(), author(r), func(_ ledger.Register, all []ledger.Followup) ([]ledger.Followup, error) {
		i := slices.IndexFunc(all, func(f ledger.Followup) bool { return fmt.Sprint(f.ID) == r.PathValue("id") })
		if i < 0 {
			return nil, errNoFollowup
		}
		kind = all[i].Kind
		if err := unchanged(r, all[i]); err != nil {
			return nil, err
		}
		return slices.Delete(all, i, i+1), nil
	})
	if errors.Is(err, errChanged) { // to be looked at before it goes
		s.done(w, r, "/support/"+r.PathValue("id")+"?done=changed")
		return
	}
	s.followed(w, r, kind, "removed", err)
}

// followed answers a form of a followup that was taken, or couldn't be.
func (s *site) followed(w http.ResponseWriter, r *http.Request, kind ledger.FollowupKind, done string, err error) {
	switch {
	case err == nil, errors.Is(err, errChanged):
		s.done(w, r, "/support?"+url.Values{"kind": {string(kind)}, "done": {done}}.Encode())
	case errors.Is(err, errNoFollowup):
		http.NotFound(w, r)
	default:
		s.refused(w, r, err)
	}
}

// read is the followup that a form says.
func (p *followupForm) read(r *http.Request) ledger.Followup {
	get := func(name string) string { return p.limited(name, oneLine(r.PostFormValue(name)), shortText) }
	f := ledger.Followup{
		ID: p.ID, Kind: p.Kind, Establishment: r.PostFormValue("establishment"), Subject: get("subject"), Who: get("who"), Contact: get("contact"),
		Version: get("version"), Link: get("link"), Equipped: wire.Answer(get("equipped")),
		Day: p.day("day", r.PostFormValue("day")), Until: p.day("until", r.PostFormValue("until")),
		Note: p.limited("note", someLines(r.PostFormValue("note")), longText),
	}
	if text := get("attendance"); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if f.Attendance = &n; err != nil || n < 0 {
			p.wrong("attendance", "fault.number")
		}
	}
	p.place(&f, r.PostForm["service"])
	p.check(&f)
	return f
}

// place takes over which services a followup is of: all of one establishment.
func (p *followupForm) place(f *ledger.Followup, services []string) {
	for _, id := range services {
		x, known := p.register.Services[id]
		switch {
		case !known:
			p.wrong("establishment", "fault.choice")
		case f.Establishment == "" || len(f.Services) == 0 && x.Establishment != f.Establishment:
			f.Establishment = x.Establishment
		case x.Establishment != f.Establishment:
			p.wrong("establishment", "fault.services")
		}
		f.Services = append(f.Services, id)
	}
	if _, known := p.register.Establishments[f.Establishment]; f.Establishment != "" && !known || !p.reader.Sees(f.Establishment) {
		p.wrong("establishment", "fault.choice")
	}
}

// check wants what a followup can't be without.
func (p *followupForm) check(f *ledger.Followup) {
	if subjects := p.Kind.Subjects(); subjects != nil && !slices.Contains(subjects, f.Subject) {
		p.wrong("subject", "fault.choice")
	}
	if f.Equipped != "" && f.Equipped != wire.Yes && f.Equipped != wire.No {
		p.wrong("equipped", "fault.choice")
	}
	if (p.Kind == ledger.Partner || p.Kind == ledger.Contact) && f.Who == "" {
		p.wrong("who", "fault.missing")
	}
	if p.Kind == ledger.Incident && f.Day == "" && p.Faults["day"] == "" {
		p.wrong("day", "fault.missing")
	}
	if p.Kind == ledger.Incident && f.Note == "" {
		p.wrong("note", "fault.missing")
	}
}

// differs notes what of a followup is other than what stands by now, and tells whether anything is.
func (p *followupForm) differs(typed, standing *ledger.Followup) bool {
	words := supportPage{frame: p.frame}
	for _, name := range shapeOf(p.Kind) {
		p.Conflicts = differ(p.Conflicts, p.labelOf(p.Kind, name), words.cell(typed, name, nil).Text, words.cell(standing, name, nil).Text)
	}
	return p.Conflicts != nil
}
