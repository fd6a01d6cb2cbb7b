package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
	"github.com/zerofax/zerofax/collector/internal/waves"
)

// wavePage is one wave.
type wavePage struct {
	planning
	waveRow
	Edits      bool
	Services   []waveService
	Cuts       []waves.Cut // with services that aren't switched off with it, those that cost most first
	CutsOf     waves.Sum
	Silent     []string // services of which no journal tells whom they fax
	Partly     []string // of which journals tell some lines only
	Ends       waves.CopperEnds
	Milestones []ledger.Milestone
}

// waveService is a service of the wave.
type waveService struct {
	waves.Service
	Link        string
	Urgency     string
	Lines, Open int
	Days        string // planned ones of its lines, where they aren't the wave's
}

// cutsShown is how many flows stand on a page.
const cutsShown = 20

func (s *site) wavePage(w http.ResponseWriter, r *http.Request) {
	p := wavePage{planning: s.planning(r, "nav.waves")}
	x, known := p.numbered(r)
	if !p.Fault && !known {
		http.NotFound(w, r)
		return
	}
	if s.gathered(r, &p.planning, false) {
		p.fill(x)
	}
	s.Render(w, p.status(), "wave.html", p)
}

func (p *wavePage) fill(x ledger.Wave) {
	p.Title, p.waveRow, p.Edits = p.WaveName(x), p.row(x), p.mayEditWave(x)
	for _, id := range x.Services {
		p.Services = append(p.Services, p.service(id, x.Cutoff))
	}
	slices.SortFunc(p.Services, func(a, b waveService) int { return strings.Compare(p.ServiceName(a.ID), p.ServiceName(b.ID)) })
	for _, c := range waves.Cuts(p.Hospital.Flows, p.Turns) {
		if c.FromWave == x.Number || c.ToWave == x.Number {
			p.Cuts = append(p.Cuts, c)
		}
	}
	p.CutsOf = waves.SumOf(p.Cuts)
	p.Silent, p.Partly = p.namesIn(x, p.Hospital.Silent), p.namesIn(x, p.Hospital.Partly)
	p.Ends = waves.Copper(p.linesOf(x), x.Cutoff)
	p.Milestones = keep(p.Plan.Milestones, func(m *ledger.Milestone) bool { return m.Wave == x.Number })
}

// namesIn are those services that are in a wave, by name.
func (p *planning) namesIn(x ledger.Wave, services []string) (names []string) {
	for _, id := range services {
		if slices.Contains(x.Services, id) {
			names = append(names, p.ServiceName(id))
		}
	}
	return names
}

// service is one of the wave's with what is known of it.
func (p *wavePage) service(id string, cutoff ledger.Day) waveService {
	x := waveService{Service: waves.Service{ID: id}, Link: p.link("/services/" + id), Urgency: p.Urgency(p.Notes[id].Urgency), Lines: len(p.lines[id])}
	if i := slices.IndexFunc(p.Hospital.Services, func(s waves.Service) bool { return s.ID == id }); i >= 0 {
		x.Service = p.Hospital.Services[i]
	}
	var days []string
	for _, l := range p.lines[id] {
		if l.State == ledger.Cut || l.State == ledger.Kept {
			continue
		}
		x.Open++
		if day := cmp.Or(l.CutOn, l.Cutoff); day != "" && day != cutoff {
			days = append(days, string(day))
		}
	}
	slices.Sort(days)
	var said []string
	for _, day := range slices.Compact(days) {
		said = append(said, p.Date(ledger.Day(day)))
	}
	x.Days = strings.Join(said, ", ")
	return x
}

// Cut says a flow that is cut, and by what.
func (p planning) Cut(c waves.Cut) string {
	text := p.say("cut.flow", p.ServiceName(c.From), p.ServiceName(c.To), p.Rate(c.Count))
	switch {
	case c.First == "":
		return text + p.say("cut.undated")
	case c.Until == "":
		return text + p.say("cut.open", p.ServiceName(c.First), p.Date(c.Since))
	}
	return text + p.say("cut.days", p.ServiceName(c.First), p.Date(c.Since), p.Date(c.Until), p.Rate(c.Lost.Value))
}

// cutList are flows that are cut in words, and how many more there are.
type cutList struct {
	Texts []string
	More  string
}

// CutList words the first of some flows.
func (p planning) CutList(cuts []waves.Cut) (list cutList) {
	for _, c := range cuts[:min(len(cuts), cutsShown)] {
		list.Texts = append(list.Texts, p.Cut(c))
	}
	if more := len(cuts) - cutsShown; more > 0 {
		list.More = p.say("wave.more", more)
	}
	return list
}

// Join lists names.
func (p planning) Join(names []string) string { return strings.Join(names, ", ") }

// FewEnds are the ends of copper that stand on the page.
func (p wavePage) FewEnds() []waves.CopperEnd { return p.Ends.Near[:min(len(p.Ends.Near), maxRows)] }

// MoreEnds is how many don't.
func (p wavePage) MoreEnds() int { return max(0, len(p.Ends.Near)-maxRows) }

// FewChanges are the lines that stand on the page, of those that change.
func (v waveLines) FewChanges() []lineDay { return v.Changes[:min(len(v.Changes), maxRows)] }

// MoreChanges is how many don't.
func (v waveLines) MoreChanges() int { return max(0, len(v.Changes)-maxRows) }

// FewLeft are the lines that stand on the page, of those that are left.
func (v waveLines) FewLeft() []leftLine { return v.Left[:min(len(v.Left), maxRows)] }

// MoreLeft is how many don't.
func (v waveLines) MoreLeft() int { return max(0, len(v.Left)-maxRows) }

// FaxesLabel names how much services fax, by what it is counted in.
func (p planning) FaxesLabel() string {
	if p.Hospital.Counted == "pages" {
		return p.say("wave.faxes.pages")
	}
	return p.say("wave.faxes")
}

// SumOf says what flows that are cut come to.
func (p planning) SumOf(s waves.Sum) string {
	if s.Flows == 0 {
		return p.say("cut.none")
	}
	if s.Undated == s.Flows { // how many faxes that is isn't known
		return p.sayOf("cut.open.sum", s.Flows, s.Flows, p.Rate(s.Month))
	}
	text := p.sayOf("cut.sum", s.Flows, s.Flows, p.Rate(s.Month), p.Rate(s.Lost))
	if s.Undated > 0 {
		text += p.sayOf("cut.sum.undated", s.Undated, s.Undated)
	}
	return text
}

// Called is how people call a line.
func (p planning) Called(l *ledger.Line) string { return cmp.Or(l.Number, l.ID) }

// waveLines is which lines a wave's day would be given.
type waveLines struct {
	planning
	Wave     ledger.Wave
	Changes  []lineDay
	Already  int // have it
	Left     []leftLine
	Confirm  []string // what is to be said yes to
	Revision string
	Problem  string
	answer   string // revision of what was said yes to
}

type lineDay struct {
	Name, Link, Service string
	Before              ledger.Day
}

// leftLine is a line that keeps its day, and why.
type leftLine struct{ Name, Link, Service, Why string }

// waveLines tells which lines get the wave's day. Those that are cut, kept, or about to be cut really on a day are
// left, and lines that nobody declared have none.
func (p *planning) waveLines(x ledger.Wave) (v waveLines) {
	v = waveLines{planning: *p, Wave: x}
	for _, l := range p.linesOf(x) {
		link, service := p.lineLink(l.ID), p.ServiceName(l.Service)
		why := ""
		switch {
		case l.State == ledger.Cut:
			why = p.say("apply.cut", p.Date(l.CutOn))
		case l.State == ledger.Kept:
			why = p.say("apply.kept", l.KeptReason)
		case l.CutOn != "":
			why = p.say("apply.cut.on", p.Date(l.CutOn))
		case !l.Declared:
			why = p.say("apply.undeclared")
		case l.Cutoff == x.Cutoff:
			v.Already++
			continue
		default:
			v.Changes = append(v.Changes, lineDay{p.Called(l), link, service, l.Cutoff})
			continue
		}
		v.Left = append(v.Left, leftLine{p.Called(l), link, service, why})
	}
	return v
}

// ids are the lines that would get the day.
func (p *planning) ids(x ledger.Wave, r *ledger.Register) (ids []string) {
	for _, l := range p.linesOf(x) {
		d, declared := ledger.Present(r.Lines[l.ID])
		if declared && !d.Removed && l.State != ledger.Cut && d.KeptReason == "" && d.CutOn == "" && d.Cutoff != x.Cutoff {
			ids = append(ids, l.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func (s *site) waveLinesPage(w http.ResponseWriter, r *http.Request) {
	p := s.planning(r, "apply.title")
	x, known := p.numbered(r)
	if !p.Fault && (!known || !p.mayEditWave(x)) {
		http.NotFound(w, r)
		return
	}
	s.showWaveLines(w, p.waveLines(x))
}

func (s *site) showWaveLines(w http.ResponseWriter, v waveLines) {
	v.Title += v.Colon() + v.WaveName(v.Wave)
	v.Revision = v.promise(&v.register)
	s.Render(w, v.status(), "wavelines.html", v)
}

// promise tells apart what the page promises: the wave's day and the lines that get it, as they stand.
func (v *waveLines) promise(now *ledger.Register) string {
	ids := v.ids(v.Wave, now)
	return revision([]any{v.Wave.Cutoff, ids, versionsOfAll(*now, ids)})
}

// applyWave gives a wave's lines its day.
func (s *site) applyWave(w http.ResponseWriter, r *http.Request) {
	p := s.planning(r, "apply.title")
	x, known := p.numbered(r)
	if !p.Fault && (!known || !p.mayEditWave(x)) {
		http.NotFound(w, r)
		return
	}
	v := p.waveLines(x)
	done := 0
	err := s.books(r).Declare(r.Context(), author(r), func(now ledger.Register) (ledger.Register, error) {
		mine := asSeen(r, now)
		if r.PostFormValue("revision") != v.promise(&mine) {
			return now, errChanged
		}
		var rows []map[string]string
		for _, id := range v.ids(x, &mine) {
			rows = append(rows, map[string]string{"number": id, "cutoff": string(x.Cutoff)})
		}
		if done = len(rows); done == 0 || x.Cutoff == "" {
			return now, errNothing
		}
		return v.plan(s, r, now, rows)
	})
	var wrong register.Faults
	switch {
	case errors.Is(err, errChanged):
		v.Problem = v.say("apply.changed")
		v.Conflicts = []difference{}
		s.showWaveLines(w, v)
	case errors.Is(err, errConfirm):
		s.showWaveLines(w, v)
	case errors.As(err, &wrong):
		v.Faults = faults{}
		for _, note := range wrong {
			v.Faults[fmt.Sprint(note.Row, note.Column)] = note.In(v.language())
		}
		s.showWaveLines(w, v)
	default:
		s.taken(w, r, fmt.Sprintf("/waves/%d?done=saved", x.Number), err)
	}
}

// plan plans the rows as an import would, and asks for a yes to each doubt.
func (v *waveLines) plan(s *site, r *http.Request, now ledger.Register, rows []map[string]string) (ledger.Register, error) {
	table, err := register.Typed(register.Lines, rows...)
	if err != nil {
		return now, err
	}
	o := s.planOptions(v.books.Devices, v.books.At)
	done, err := planSeen(r, now, func(all ledger.Register) (register.Plan, error) { return register.ReviseLines(all, table, o) })
	if err != nil {
		return now, err
	}
	for _, note := range done.Warnings {
		v.Confirm = append(v.Confirm, note.In(v.language()))
	}
	if v.answer = revision(v.Confirm); len(v.Confirm) > 0 && r.PostFormValue("confirmed") != v.answer {
		return now, errConfirm
	}
	return done.Register, nil
}

// Confirmed is what the form sends for a yes.
func (v waveLines) Confirmed() string { return v.answer }
