package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// sheetPage is the kit's sheet of a service: how it stands, by its people and by the books.
type sheetPage struct {
	frame
	Service  ledger.Service
	Belongs  string
	Edits    bool         // the reader may
	Sheet    ledger.Sheet // as of the day asked for
	Said     bool         // something was said by then
	Old      bool         // and something else since
	Versions []ledger.Sheet
	Planning []string       // when its lines are cut
	Moved    []neighbourRow // lines whose faxes went to neighbours after the cut
	sheetFacts
	Checks   []check
	Progress string
}

// sheetFacts is what the books say of a service.
type sheetFacts struct {
	Lines     []string // how many in each state
	Months    []sheetMonth
	Mailboxes []string
	Own       []ledger.Episode // its open alerts, the newest few
	OwnCount  int64            // all of them
	Aims      []string         // how far its pôle, or else its structure, is from targets
}

// sheetMonth is what went through a service in a month.
type sheetMonth struct {
	Name  string
	Cells []sheetCell
}

type sheetCell struct{ Label, Text, Note string }

func (s *site) sheetPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "nav.services", "at")
	p := sheetPage{frame: f}
	var known bool
	if p.Service, known = books.Register.Services[r.PathValue("id")]; !known && !f.Fault {
		http.NotFound(w, r)
		return
	}
	if !f.Fault {
		if err := s.fillSheet(r, &p, &books); err != nil {
			s.Log.Error("read the books for the page", "service", p.Service.ID, "error", err)
			p.Fault = true
		}
	}
	s.Render(w, p.status(), "sheet.html", p)
}

func (s *site) fillSheet(r *http.Request, p *sheetPage, books *ledger.Snapshot) (err error) {
	p.Title = cmp.Or(p.Service.Name, p.Service.ID)
	p.Belongs = belongs(&books.Register, p.Service)
	p.Edits = p.MayEdit() && p.reader.Sees(p.Service.Establishment)
	if p.Versions, err = s.books(r).SheetHistory(r.Context(), p.Service.ID); err != nil {
		return err
	}
	at := ledger.Day(r.URL.Query().Get("at"))
	for i, v := range p.Versions {
		if !p.Said && (at == "" || v.Day <= at) {
			p.Sheet, p.Said, p.Old = v, true, i > 0
		}
	}
	p.Old = p.Old || !p.Said && len(p.Versions) > 0
	lines := linesIn(books, p.Service.ID)
	if p.Planning, err = p.plan(lines, s.today(books.At)); err != nil {
		return err
	}
	if err := s.fillFacts(r, p, books, lines); err != nil {
		return err
	}
	for i := range lines {
		if row, err := s.neighbourHint(r, p.frame, books, lines[i].ID); err != nil {
			return err
		} else if row != nil && row.Finding == indicators.Displaced {
			p.Moved = append(p.Moved, *row)
		}
	}
	known, err := s.readExit(r)
	if err != nil {
		return err
	}
	p.Checks, p.Progress, err = p.checks(known.of(p.Service.ID, lines, books.At, s.today(books.At)))
	return err
}

// today is the day of an instant where the collector is.
func (s *site) today(at wire.Time) ledger.Day {
	return ledger.Day(at.Std().In(s.Location).Format(time.DateOnly))
}

// belongs is where a service stands: pôle, establishment.
func belongs(r *ledger.Register, s ledger.Service) string {
	return joined(" · ", cmp.Or(r.Poles[s.Pole].Name, s.Pole), cmp.Or(r.Establishments[s.Establishment].Name, s.Establishment))
}

func linesIn(books *ledger.Snapshot, service string) (lines []ledger.Line) {
	for i := range books.Lines {
		if books.Lines[i].Service == service {
			lines = append(lines, books.Lines[i])
		}
	}
	return lines
}

// counted is Count of a text with more to say before the number.
func (s speech) counted(key string, n int64, before ...any) (string, error) {
	form := ".other"
	if n == 1 || n == 0 && s.French {
		form = ".one"
	}
	return s.T(key+form, append(before, n)...)
}

// plan says when the lines of a service are cut, as stands with them.
func (s speech) plan(lines []ledger.Line, today ledger.Day) (list []string, err error) {
	dates := make(map[ledger.Day]int64)
	counts := make(map[string]int64)
	for i := range lines {
		switch l := &lines[i]; {
		case l.State == ledger.Cut:
			counts["stop.cut"]++
		case l.State == ledger.Kept:
			counts["stop.kept"]++
		case cmp.Or(l.CutOn, l.Cutoff) == "":
			counts["stop.open"]++
		default:
			dates[cmp.Or(l.CutOn, l.Cutoff)]++
		}
	}
	add := func(text string, failed error) {
		list, err = append(list, text), cmp.Or(err, failed)
	}
	for _, day := range slices.Sorted(maps.Keys(dates)) {
		key := "stop.on"
		if day <= today {
			key = "stop.passed"
		}
		add(s.counted(key, dates[day], s.Date(day)))
	}
	for _, key := range []string{"stop.open", "stop.kept", "stop.cut"} {
		if counts[key] > 0 {
			add(s.Count(key, counts[key]))
		}
	}
	return list, err
}

// monthsShown are the running month and those before it.
const monthsShown = 4

func (s *site) fillFacts(r *http.Request, p *sheetPage, books *ledger.Snapshot, lines []ledger.Line) (err error) {
	from, to := books.Month.Add(1-monthsShown), books.Month
	of := indicators.Books{At: books.At, Register: &books.Register, Lines: books.Lines}
	if of.Months, err = s.books(r).Months(r.Context(), from, to); err != nil {
		return err
	}
	if of.MSSante, err = s.books(r).MSSante(r.Context(), from, to); err != nil {
		return err
	}
	if of.Journals, err = s.books(r).Journals(r.Context(), from, to); err != nil {
		return err
	}
	for _, e := range p.Alerts {
		if e.Service == p.Service.ID {
			if p.OwnCount++; len(p.Own) < few {
				p.Own = append(p.Own, e)
			}
		}
	}
	if err := p.states(lines); err != nil {
		return err
	}
	if err := p.mailboxes(books.Mailboxes); err != nil {
		return err
	}
	own := within(of, func(x ledger.Place) bool { return x.Service == p.Service.ID }).Heard(from, to)
	for m := to; m >= from; m = m.Add(-1) {
		month, err := p.month(indicators.Compute(own, m, m, indicators.Service), m, m == to)
		if err != nil {
			return err
		}
		p.Months = append(p.Months, month)
	}
	p.Aims, err = p.aims(of, books.Month)
	return err
}

// within are the books as far as they are of places: the others' figures needn't be computed.
func within(b indicators.Books, wanted func(ledger.Place) bool) indicators.Books {
	others := make(map[string]bool, len(b.Lines))
	b.Lines = keep(b.Lines, func(l *ledger.Line) bool {
		mine := wanted(ledger.Place{Establishment: l.Establishment, Pole: l.Pole, Service: l.Service}) ||
			slices.ContainsFunc(l.History, func(x ledger.Stretch) bool { return wanted(x.Place) })
		others[l.ID] = !mine
		return mine
	})
	b.Journals.Messages = keep(b.Journals.Messages, func(m *ledger.LineMessages) bool { return !others[m.Line] })
	b.Months = keep(b.Months, func(m *ledger.MonthSum) bool {
		return wanted(ledger.Place{Establishment: m.Establishment, Pole: m.Pole, Service: m.Service})
	})
	return b
}

func (p *sheetPage) states(lines []ledger.Line) error {
	counts := make(map[ledger.LineState]int64)
	for i := range lines {
		counts[lines[i].State]++
	}
	for _, state := range byUrgency() {
		if counts[state] == 0 {
			continue
		}
		text, err := p.Count("in."+string(state), counts[state])
		if err != nil {
			return err
		}
		p.Lines = append(p.Lines, text)
	}
	return nil
}

func (p *sheetPage) mailboxes(counts []ledger.MailboxCount) error {
	for _, state := range ledger.MailboxStates() {
		for _, x := range counts {
			if x.Service != p.Service.ID || x.State != state {
				continue
			}
			text, err := p.Count("mailbox."+string(state), x.Count)
			if err != nil {
				return err
			}
			p.Mailboxes = append(p.Mailboxes, text)
		}
	}
	return nil
}

// month words what went through the service in a month.
func (p *sheetPage) month(figures []indicators.Figure, month ledger.Month, running bool) (m sheetMonth, err error) {
	m.Name = p.Month(month)
	if running {
		note, err := p.T("facts.month.running")
		if err != nil {
			return m, err
		}
		m.Name += " (" + note + ")"
	}
	for _, column := range []struct {
		label string
		which indicators.Indicator
	}{
		{"facts.fax.received", indicators.FaxReceived},
		{"facts.fax.sent", indicators.FaxSent},
		{"facts.mssante.received", indicators.MSSanteReceived},
		{"facts.mssante.sent", indicators.MSSanteSent},
	} {
		cell := sheetCell{}
		if cell.Label, err = p.T(column.label); err != nil {
			return m, err
		}
		for _, f := range figures {
			if f.Indicator != column.which || f.Scope.Service != p.Service.ID || f.Value == nil {
				continue
			}
			text, note, err := p.figure(f)
			if err != nil {
				return m, err
			}
			cell.Text, cell.Note = joined(", ", cell.Text, text), cmp.Or(cell.Note, note)
		}
		if cell.Text == "" {
			if cell.Text, err = p.T("unknown"); err != nil {
				return m, err
			}
		}
		m.Cells = append(m.Cells, cell)
	}
	return m, nil
}

// figure words a known figure, and how well it is known.
func (s speech) figure(f indicators.Figure) (text, note string, err error) {
	if f.Basis.Source == indicators.Declared {
		if text, err = s.T("aim.below", *f.Value); err != nil {
			return "", "", err
		}
		note, err = s.T("facts.declared")
		return text, note, err
	}
	if text, err = s.Amount(*f.Value, f.Unit); err != nil {
		return "", "", err
	}
	watched, err := s.days(f.Completeness.Watched)
	if err != nil {
		return "", "", err
	}
	note, err = s.T("facts.watched", watched, f.Completeness.Days)
	return text, note, err
}

// Month says a month of the calendar, as 10/2026.
func (s speech) Month(m ledger.Month) string {
	t := time.Date(int(m)/100, time.Month(int(m)%100), 1, 0, 0, 0, 0, time.UTC)
	if s.French {
		return t.Format("01/2006")
	}
	return t.Format("Jan 2006")
}

// aims say how far the service's pôle is from its targets, else its structure: lines and addresses now, what flows
// in the last whole month.
func (p *sheetPage) aims(b indicators.Books, month ledger.Month) (list []string, err error) {
	for _, level := range []indicators.Level{indicators.Pole, indicators.Structure} {
		of := within(b, func(x ledger.Place) bool {
			if level == indicators.Pole {
				return x.Pole == p.Service.Pole
			}
			return x.Establishment == p.Service.Establishment
		})
		for _, f := range slices.Concat(indicators.Compute(of, month, month, level), indicators.Compute(of, month.Add(-1), month.Add(-1), level)) {
			stands := f.Of == "lines" || f.Of == "addresses"
			mine := f.Scope.Establishment == p.Service.Establishment && (level == indicators.Structure || f.Scope.Pole == p.Service.Pole && p.Service.Pole != "")
			if f.Target == nil || !mine || stands != (f.From == month) {
				continue
			}
			text, err := p.aim(f)
			if err != nil {
				return nil, err
			}
			list = append(list, text)
		}
		if len(list) > 0 {
			break
		}
	}
	return list, nil
}

// aim words how far a figure is from its target.
func (p *sheetPage) aim(f indicators.Figure) (string, error) {
	name, err := p.T("aim." + string(f.Indicator))
	if err != nil {
		return "", err
	}
	unknown, err := p.T("unknown")
	if err != nil {
		return "", err
	}
	number := func(n *int64, key string) string {
		if n == nil {
			return unknown
		}
		text, failed := p.T(key, *n)
		err = cmp.Or(err, failed)
		return text
	}
	sign := "aim.below"
	if f.Gap != nil && *f.Gap > 0 {
		sign = "aim.above"
	}
	text, failed := p.T("facts.target", name, f.Scope.Name, number(f.Value, "aim.below"), number(f.Target, "aim.below"), number(f.Gap, sign))
	return text, cmp.Or(err, failed)
}

// Listed are the lines of a text.
func (p sheetPage) Listed(text string) []string { return strings.Split(text, "\n") }

// SavedOn is when a version was saved.
func (p sheetPage) SavedOn(s ledger.Sheet) (string, error) {
	return p.T("sheet.saved", p.At(s.SavedAt), s.SavedBy)
}
