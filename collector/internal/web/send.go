package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// mostDoors is how many published addresses the page shows of a search.
const mostDoors = 40

// leastSought is how many letters of a name are looked for at least.
const leastSought = 2

// directoryBooks is what the pages need of what national directories publish. It is everybody's to see.
type directoryBooks interface {
	PublicFiles(ctx context.Context) ([]ledger.PublicFile, error)
	FindPublished(ctx context.Context, s ledger.Search) (found []ledger.Published, more bool, err error)
	Known(ctx context.Context, ids []int64) (map[int64]ledger.Known, error)
	PartiesOf(ctx context.Context, numbers []string) (map[string]int64, error)
	TakePublished(ctx context.Context, by ledger.Author, f ledger.PublicFile, read func(keep func(ledger.Published) error) (int64, error)) (ledger.PublicNews, error)
}

func (s scope) PublicFiles(ctx context.Context) ([]ledger.PublicFile, error) {
	return s.all.PublicFiles(ctx)
}

func (s scope) FindPublished(ctx context.Context, search ledger.Search) ([]ledger.Published, bool, error) {
	return s.all.FindPublished(ctx, search)
}

// Known is of parties that the reader was shown.
func (s scope) Known(ctx context.Context, ids []int64) (map[int64]ledger.Known, error) {
	return s.all.Known(ctx, ids)
}

func (s scope) PartiesOf(ctx context.Context, numbers []string) (map[string]int64, error) {
	return s.all.PartiesOf(ctx, numbers)
}

func (s scope) TakePublished(context.Context, ledger.Author, ledger.PublicFile, func(func(ledger.Published) error) (int64, error)) (ledger.PublicNews, error) {
	return ledger.PublicNews{}, errNotAll
}

// sendPage leads whoever wants to send a document with health data to the way that isn't fax.
type sendPage struct {
	frame
	Directory  ledger.PublicFile // of no day: none is in the books
	Age        int               // its days
	Stale      bool
	Services   []option
	Service    string // that was asked for
	Inside     []ledger.Mailbox
	Person     []field
	Team       []field
	Asked      bool
	Hint       string // what is wrong with the search
	Found      []holder
	More       bool
	Elsewhere  bool // not where it was looked for
	Procedures []procedure
}

// Dated says of which day the directory is, and how long ago that was.
func (p sendPage) Dated() string {
	return p.sayOf("send.day", p.Age, p.Date(p.Directory.Day), p.Age)
}

// holder is who has published addresses: a person, or a place with its teams.
type holder struct {
	Name, About, Number string
	Doors               []door
}

// door is an address of a holder and where it leads.
type door struct {
	Address, Kind, Where string
	Paperless            bool
}

// procedure is one of the structure's own that helps here.
type procedure struct{ Name, Version, Link string }

func (s *site) sendPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "send.title", "surname", "forename", "place", "rpps", "structure", "team", "service")
	p := sendPage{frame: f}
	if !p.Fault {
		if err := p.fill(s, r, &books); err != nil {
			s.Log.Error("read the directory for the page", "error", err)
			p.Fault = true
		}
	}
	s.Render(w, p.status(), "send.html", p)
}

func (p *sendPage) fill(s *site, r *http.Request, books *ledger.Snapshot) error {
	b, get := s.books(r), func(name string) string { return oneLine(r.URL.Query().Get(name)) }
	files, err := b.PublicFiles(r.Context())
	if err != nil {
		return err
	}
	p.Directory = files[slices.IndexFunc(files, func(f ledger.PublicFile) bool { return f.Source == ledger.Mailboxes })]
	p.Age, p.Stale = p.Directory.Day.Until(s.today(books.At)), p.Directory.Stale(books.At)
	if err := p.inside(r.Context(), b, get("service")); err != nil {
		return err
	}
	if err := p.procedures(r.Context(), b); err != nil {
		return err
	}
	for _, name := range []string{"surname", "forename", "place", "rpps"} {
		p.Person = append(p.Person, field{Name: name, Label: p.say("send." + name), Value: get(name)})
	}
	p.Person[2].Hint = p.say("send.place.hint")
	for _, name := range []string{"structure", "team"} {
		p.Team = append(p.Team, field{Name: name, Label: p.say("send." + name), Value: get(name)})
	}
	p.Team[0].Hint = p.say("send.structure.hint")
	search, key := searchOf(get)
	if p.Asked = key != ""; !p.Asked || p.Directory.Day == "" {
		return nil
	}
	if p.Hint = p.hint(search, get("rpps")); p.Hint != "" {
		return nil
	}
	return p.search(r.Context(), b, search)
}

// searchOf is what was asked for: a person by number or name, else the teams of a place. key is of what; empty: nothing was.
func searchOf(get func(string) string) (search ledger.Search, key string) {
	search.Most = mostDoors
	rpps, surname, structure := strings.ReplaceAll(get("rpps"), " ", ""), get("surname"), get("structure")
	switch {
	case rpps != "":
		if len(rpps) == 12 && rpps[0] == '8' { // as cards write it
			rpps = rpps[1:]
		}
		search.Person = rpps
		return search, "rpps"
	case surname != "" || get("forename") != "":
		search.Surname, search.Forename = register.SoughtPerson(surname, ""), register.SoughtPerson("", get("forename"))
		search.Place = register.SoughtPlace(get("place"))
		return search, "surname"
	case structure != "" || get("team") != "":
		search.Place, search.Service = register.SoughtPlace(structure), register.SoughtPlace(get("team"))
		if compact := strings.ReplaceAll(structure, " ", ""); register.IsFINESS(compact) {
			search.Place, search.Structure = "", strings.ToUpper(compact)
		}
		return search, "structure"
	}
	return search, ""
}

// hint says why a search can't find what is meant.
func (p *sendPage) hint(search ledger.Search, rpps string) string {
	switch {
	case rpps != "" && !register.IsRPPS(search.Person):
		return p.say("send.rpps.bad")
	case rpps == "" && search.Service == "" && search.Structure == "" && len(search.Place) < leastSought && len(search.Surname) < leastSought:
		return p.say("send.short")
	case search.Forename != "" && len(search.Surname) < leastSought:
		return p.say("send.short")
	}
	return ""
}

func (p *sendPage) search(ctx context.Context, b Books, search ledger.Search) error {
	found, more, err := b.FindPublished(ctx, search)
	if err == nil && len(found) == 0 && search.Surname != "" && search.Place != "" {
		search.Place, p.Elsewhere = "", true
		found, more, err = b.FindPublished(ctx, search)
	}
	p.Found, p.More = holdersOf(found), more
	p.Elsewhere = p.Elsewhere && len(found) > 0
	return err
}

// holdersOf brings together the addresses of each person, and of each place the teams', in their order.
func holdersOf(found []ledger.Published) (list []holder) {
	at := make(map[string]int)
	for _, m := range found {
		where := joined(", ", m.At.Name, joined(" ", m.At.Postcode, m.At.Town))
		h, d := holder{joined(" ", m.Surname, m.Forename), m.Calling, m.Person, nil}, door{m.Address, m.Kind, where, m.Paperless}
		if m.Person == "" {
			h, d.Where = holder{cmp.Or(m.At.Name, m.Address), joined(" ", m.At.Postcode, m.At.Town), m.At.Structure, nil}, m.Service
		}
		key := strings.Join([]string{m.Person, h.Name, h.Number}, "\n")
		i, known := at[key]
		if !known {
			i = len(list)
			at[key], list = i, append(list, h)
		}
		list[i].Doors = append(list[i].Doors, d)
	}
	return list
}

// inside are the services of the structure, and the addresses of the one that was asked for.
func (p *sendPage) inside(ctx context.Context, b Books, service string) error {
	mailboxes, err := b.Mailboxes(ctx)
	present := presentMailboxes(mailboxes)
	for id, x := range p.register.Services {
		name := joined(" · ", cmp.Or(x.Name, id), p.register.Establishments[x.Establishment].Name)
		p.Services = append(p.Services, option{id, name, id == service})
	}
	slices.SortFunc(p.Services, func(a, b option) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	if _, known := p.register.Services[service]; !known {
		return err
	}
	p.Service = service
	for _, m := range present[service] {
		if m.Kind != "APP" && m.State != ledger.MailboxCreated { // those of software take no letters, and who made one need not read it yet
			p.Inside = append(p.Inside, m)
		}
	}
	return err
}

// procedures are the structure's own, of which the team noted where they stand.
func (p *sendPage) procedures(ctx context.Context, b Books) error {
	all, err := b.Followups(ctx)
	for _, subject := range []string{"sending", "unknown_address", "outage"} {
		i := slices.IndexFunc(all, func(f ledger.Followup) bool {
			return f.Kind == ledger.Procedure && f.Subject == subject && reachable(f.Link) != ""
		})
		if i >= 0 {
			p.Procedures = append(p.Procedures, procedure{p.say("about.procedure." + subject), all[i].Version, reachable(all[i].Link)})
		}
	}
	return err
}

// Kind is a mailbox's kind with its name.
func (p sendPage) Kind(kind string) option {
	if name, err := p.T("send." + kind); err == nil {
		return option{Value: kind, Name: name}
	}
	return option{Value: kind, Name: kind}
}

// Numbered says a number of a holder: RPPS or FINESS; of others only the number.
func (p sendPage) Numbered(number string) (string, error) {
	switch {
	case len(number) == 11:
		return p.T("send.rpps.number", number)
	case register.IsFINESS(number):
		return p.T("send.finess.number", number)
	}
	return number, nil
}
