package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// supportPage is what the team has and does to lead services away from fax, kind by kind.
type supportPage struct {
	frame
	Only      string // the kind that is shown alone; empty: all, the newest of each
	Sections  []supportSection
	Referents []referent
}

// supportSection are followups of one kind.
type supportSection struct {
	Kind    ledger.FollowupKind
	Title   string
	Hint    string
	Columns []string // headers
	Rows    []supportRow
	All     int // how many there are
}

// supportRow is one followup.
type supportRow struct {
	ID    int64
	Edits bool // the reader may
	Cells []supportCell
}

type supportCell struct {
	Label, Text, Note, Link string
	Unknown                 bool
}

// referent is who stands for the move in a service.
type referent struct{ Service, Name, Who string }

// supportShown is how many of each kind stand on the page of all.
const supportShown = 10

// shapeOf are the fields that a kind has, in their order.
func shapeOf(kind ledger.FollowupKind) []string {
	switch kind {
	case ledger.Contact:
		return []string{"subject", "who", "contact", "places", "note"}
	case ledger.Procedure:
		return []string{"subject", "version", "who", "link", "day", "places"}
	case ledger.Training:
		return []string{"subject", "day", "places", "who", "attendance", "note"}
	case ledger.Communication:
		return []string{"subject", "day", "places", "link", "note"}
	case ledger.Partner:
		return []string{"who", "contact", "equipped", "note", "until", "places"}
	case ledger.Incident:
		return []string{"day", "note", "who", "places", "until"}
	}
	return []string{"subject", "day", "places", "who", "note"}
}

func (s *site) supportPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "nav.support", "kind")
	p := supportPage{frame: f}
	if kind := r.URL.Query().Get("kind"); slices.Contains(ledger.FollowupKinds(), ledger.FollowupKind(kind)) {
		p.Only = kind
	}
	if !p.Fault {
		if err := s.fillSupport(r, &p, &books); err != nil {
			s.Log.Error("read the books for the page", "error", err)
			p.Fault = true
		}
	}
	s.Render(w, p.status(), "support.html", p)
}

func (s *site) fillSupport(r *http.Request, p *supportPage, books *ledger.Snapshot) error {
	all, err := s.books(r).Followups(r.Context())
	if err != nil {
		return err
	}
	sheets, err := s.books(r).Sheets(r.Context(), "")
	if err != nil {
		return err
	}
	for _, sheet := range sheets {
		if sheet.Referent != "" {
			p.Referents = append(p.Referents, referent{sheet.Service, p.ServiceName(sheet.Service), sheet.Referent})
		}
	}
	first := firstCutoffs(books)
	for _, kind := range ledger.FollowupKinds() {
		if p.Only != "" && p.Only != string(kind) {
			continue
		}
		p.Sections = append(p.Sections, p.section(kind, keep(all, func(x *ledger.Followup) bool { return x.Kind == kind }), first))
	}
	return nil
}

// firstCutoffs are the days on which the first line of each service is cut, or was.
func firstCutoffs(books *ledger.Snapshot) map[string]ledger.Day {
	first := make(map[string]ledger.Day)
	for i := range books.Lines {
		l := &books.Lines[i]
		day := cmp.Or(l.CutOn, l.Cutoff)
		if known := first[l.Service]; day != "" && (known == "" || day < known) {
			first[l.Service] = day
		}
	}
	return first
}

func (p *supportPage) section(kind ledger.FollowupKind, all []ledger.Followup, first map[string]ledger.Day) supportSection {
	x := supportSection{Kind: kind, Title: p.say("followup." + string(kind)), Hint: p.say("followup." + string(kind) + ".hint"), All: len(all)}
	for _, name := range shapeOf(kind) {
		x.Columns = append(x.Columns, p.labelOf(kind, name))
	}
	shown := maxRows
	if p.Only == "" {
		shown = supportShown
	}
	for i := range all[:min(len(all), shown)] {
		f := &all[i]
		row := supportRow{ID: f.ID, Edits: p.MayEdit() && p.reader.Sees(f.Establishment)}
		for _, name := range shapeOf(kind) {
			row.Cells = append(row.Cells, p.cell(f, name, first))
		}
		x.Rows = append(x.Rows, row)
	}
	return x
}

// labelOf is what a field of a kind is called.
func (f frame) labelOf(kind ledger.FollowupKind, name string) string {
	if own, err := f.T("followup." + string(kind) + "." + name); err == nil {
		return own
	}
	return f.say("followup." + name)
}

// cell is a field of a followup in words.
func (p *supportPage) cell(f *ledger.Followup, name string, first map[string]ledger.Day) supportCell {
	c := supportCell{Label: p.labelOf(f.Kind, name)}
	switch name {
	case "subject":
		c.Text = p.subject(f.Kind, f.Subject)
	case "who":
		c.Text = f.Who
	case "contact":
		if c.Text = f.Contact; f.Kind == ledger.Partner && !p.MayEdit() {
			c.Text = ledger.Masked(f.Contact)
		}
	case "places":
		c.Text = p.places(f)
	case "day":
		c.Text, c.Note = p.Date(f.Day), p.timely(f, first)
	case "until":
		c.Text = p.Date(f.Until)
	case "version":
		c.Text = f.Version
	case "link":
		c.Text, c.Link = f.Link, reachable(f.Link)
	case "note":
		c.Text = f.Note
	case "equipped":
		c.Text = p.say("equipped." + string(cmp.Or(f.Equipped, wire.Unknown)))
	case "attendance":
		if c.Text, c.Unknown = p.say("unknown"), true; f.Attendance != nil {
			c.Text, c.Unknown = p.say("chart.whole", *f.Attendance), false
		}
	}
	return c
}

// subject is what a followup is about, in words.
func (f frame) subject(kind ledger.FollowupKind, subject string) string {
	if subject == "" {
		return ""
	}
	if words, err := f.T("about." + string(kind) + "." + subject); err == nil {
		return words
	}
	return subject
}

// places names whom a followup concerns.
func (f frame) places(x *ledger.Followup) string {
	names := make([]string, len(x.Services))
	for i, id := range x.Services {
		names[i] = f.ServiceName(id)
	}
	if len(names) > 0 {
		return strings.Join(names, ", ")
	}
	if x.Establishment == "" {
		return f.say("places.structure")
	}
	return f.say("places.all", cmp.Or(f.register.Establishments[x.Establishment].Name, x.Establishment))
}

// timely says whether correspondents were told before their service's first line was cut.
func (p *supportPage) timely(f *ledger.Followup, first map[string]ledger.Day) string {
	if f.Kind != ledger.Communication || f.Day == "" || !outward(f.Subject) {
		return ""
	}
	var cut ledger.Day
	for id, day := range first {
		if f.Concerns(p.register.Services[id].Establishment, id) && (cut == "" || day < cut) {
			cut = day
		}
	}
	switch {
	case cut == "":
		return ""
	case f.Day < cut:
		return p.say("timely.before", p.Date(cut))
	}
	return p.say("timely.after", p.Date(cut))
}

// outward tells whether a channel reaches those outside.
func outward(channel string) bool {
	return strings.HasPrefix(channel, "partners_") || channel == "website" || channel == "social"
}

// reachable is a link that a browser may follow; whatever else people note stays text.
func reachable(link string) string {
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return link
	}
	return ""
}

// matrixPage shows which service still lacks what.
type matrixPage struct {
	frame
	Lacking bool // only services that lack something
	Columns []string
	Rows    []matrixRow
	Found   int
}

type matrixRow struct {
	ID, Name string
	Cells    []matrixCell
	Lacks    int
}

type matrixCell struct{ Label, Look, Text string }

// duty is something that each service should have had.
type duty struct {
	kind     ledger.FollowupKind
	label    string
	subjects []string // any of them
}

// duties are the five procedures, the three trainings, and to have told those inside and outside.
func duties() (all []duty) {
	for _, kind := range []ledger.FollowupKind{ledger.Procedure, ledger.Training} {
		for _, subject := range kind.Subjects() {
			all = append(all, duty{kind, "about." + string(kind) + "." + subject, []string{subject}})
		}
	}
	channels := ledger.Communication.Subjects()
	return append(all,
		duty{ledger.Communication, "matrix.inside", slices.DeleteFunc(slices.Clone(channels), outward)},
		duty{ledger.Communication, "matrix.outside", slices.DeleteFunc(slices.Clone(channels), func(c string) bool { return !outward(c) })})
}

func (s *site) matrixPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "matrix.title", "q", "lacking")
	p := matrixPage{frame: f, Lacking: r.URL.Query().Get("lacking") != ""}
	p.Searching = p.say("matrix.search")
	if !p.Fault {
		all, err := s.books(r).Followups(r.Context())
		if err != nil {
			s.Log.Error("read the books for the page", "error", err)
			p.Fault = true
		}
		p.fill(all, s.today(books.At))
	}
	s.Render(w, p.status(), "matrix.html", p)
}

func (p *matrixPage) fill(all []ledger.Followup, today ledger.Day) {
	byKind := make(map[ledger.FollowupKind][]ledger.Followup)
	for _, f := range all {
		byKind[f.Kind] = append(byKind[f.Kind], f)
	}
	for _, d := range duties() {
		p.Columns = append(p.Columns, p.say(d.label))
	}
	for id, service := range p.register.Services {
		if !fitsAll(p.Query, id, service.Name, belongs(&p.register, service)) {
			continue
		}
		row := matrixRow{ID: id, Name: p.ServiceName(id)}
		for i, d := range duties() {
			cell := p.duty(d, byKind[d.kind], service, today)
			cell.Label = p.Columns[i]
			if row.Cells = append(row.Cells, cell); cell.Look != "yes" {
				row.Lacks++
			}
		}
		if !p.Lacking || row.Lacks > 0 {
			p.Rows = append(p.Rows, row)
		}
	}
	slices.SortFunc(p.Rows, func(a, b matrixRow) int {
		return cmp.Or(b.Lacks-a.Lacks, strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	p.Found = len(p.Rows)
	p.Rows = p.Rows[:min(p.Found, maxRows)]
}

// duty says whether a service had something: the first day on which it did, else for when it is planned.
func (p *matrixPage) duty(d duty, all []ledger.Followup, service ledger.Service, today ledger.Day) matrixCell {
	var had ledger.Day
	for i := range all {
		f := &all[i]
		if f.Day != "" && slices.Contains(d.subjects, f.Subject) && f.Concerns(service.Establishment, service.ID) && (had == "" || f.Day < had) {
			had = f.Day
		}
	}
	switch {
	case had == "":
		return matrixCell{Look: "no", Text: p.say("matrix.lacks")}
	case had > today:
		return matrixCell{Look: "unknown", Text: p.say("matrix.planned", p.Date(had))}
	}
	return matrixCell{Look: "yes", Text: p.Date(had)}
}
