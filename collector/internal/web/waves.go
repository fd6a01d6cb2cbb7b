package web

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/waves"
)

// planBooks is what the pages of waves need of the ledger.
type planBooks interface {
	Plan(ctx context.Context) (ledger.Plan, error)
	ServiceNotes(ctx context.Context) (map[string]ledger.ServiceNote, error)
	Acquainted(ctx context.Context, from, to ledger.Month, unit wire.EventUnit) (map[string][]int64, error)
	DeclarePlan(ctx context.Context, by ledger.Author, change func(ledger.Register, ledger.Plan) (ledger.Plan, error)) error
	DeclareServiceNote(ctx context.Context, by ledger.Author, service string, change func(ledger.Register, ledger.ServiceNote) (ledger.ServiceNote, error)) error
}

// Plan is the waves that some service of the reader's is in, without the others' services and what is noted for all,
// and the milestones of these and of the structure as a whole.
func (s scope) Plan(ctx context.Context) (ledger.Plan, error) {
	view, err := s.view(ctx)
	if err != nil {
		return ledger.Plan{}, err
	}
	all, err := s.all.Plan(ctx)
	return ofPlan(all, func(w ledger.Wave) (ledger.Wave, bool) {
		mine := keep(w.Services, func(id *string) bool { return view.Register.Services[*id].ID != "" })
		if len(mine) < len(w.Services) {
			w.Note = ""
		}
		w.Services = mine
		return w, len(mine) > 0
	}, true), err
}

// ofPlan is a part of a plan: some waves with their milestones.
func ofPlan(all ledger.Plan, part func(ledger.Wave) (ledger.Wave, bool), whole bool) (some ledger.Plan) {
	in := map[int64]bool{ledger.WholeStructure: whole}
	for _, w := range all.Waves {
		if w, ok := part(w); ok {
			some.Waves = append(some.Waves, w)
			in[w.Number] = true
		}
	}
	some.Milestones = keep(all.Milestones, func(m *ledger.Milestone) bool { return in[m.Wave] })
	return some
}

func (s scope) ServiceNotes(ctx context.Context) (map[string]ledger.ServiceNote, error) {
	view, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.all.ServiceNotes(ctx)
	return only(all, func(id string) bool { return view.Register.Services[id].ID != "" }), err
}

// Acquainted is of the reader's lines.
func (s scope) Acquainted(ctx context.Context, from, to ledger.Month, unit wire.EventUnit) (map[string][]int64, error) {
	view, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.all.Acquainted(ctx, from, to, unit)
	return only(all, func(line string) bool { return view.lines[line] }), err
}

// wholly tells whether all services of a wave are of the reader's establishments, and it has some.
func (s scope) wholly(r *ledger.Register, w *ledger.Wave) bool {
	return len(w.Services) > 0 && !slices.ContainsFunc(w.Services, func(id string) bool { return !s.who.Sees(r.Services[id].Establishment) })
}

// DeclarePlan hands change the waves that are the reader's wholly, with their milestones, and takes no others back. An
// empty wave is nobody's but of those who see all.
func (s scope) DeclarePlan(ctx context.Context, by ledger.Author, change func(ledger.Register, ledger.Plan) (ledger.Plan, error)) error {
	return s.all.DeclarePlan(ctx, by, func(r ledger.Register, all ledger.Plan) (ledger.Plan, error) {
		isMine := func(w ledger.Wave) (ledger.Wave, bool) { return w, s.wholly(&r, &w) }
		others := ofPlan(all, func(w ledger.Wave) (ledger.Wave, bool) { return w, !s.wholly(&r, &w) }, true)
		mine := ofPlan(all, isMine, false)
		after, err := change(seen(&r, s.who), mine)
		if err != nil {
			return all, err
		}
		theirs := map[int64]bool{ledger.WholeStructure: true}
		for _, w := range others.Waves {
			theirs[w.Number] = true
			for _, id := range w.Services {
				if slices.ContainsFunc(after.Waves, func(x ledger.Wave) bool { return slices.Contains(x.Services, id) }) {
					return all, errNotYours
				}
			}
		}
		if slices.ContainsFunc(after.Waves, func(w ledger.Wave) bool {
			return theirs[w.Number] && w.Number != 0 || len(w.Services) > 0 && !s.wholly(&r, &w)
		}) ||
			slices.ContainsFunc(after.Milestones, func(m ledger.Milestone) bool { return theirs[m.Wave] }) {
			return all, errNotYours
		}
		return ledger.Plan{Waves: append(others.Waves, after.Waves...), Milestones: append(others.Milestones, after.Milestones...)}, nil
	})
}

func (s scope) DeclareServiceNote(ctx context.Context, by ledger.Author, service string, change func(ledger.Register, ledger.ServiceNote) (ledger.ServiceNote, error)) error {
	return s.all.DeclareServiceNote(ctx, by, service, func(r ledger.Register, was ledger.ServiceNote) (ledger.ServiceNote, error) {
		if err := s.mine(&r, service); err != nil {
			return was, err
		}
		return change(seen(&r, s.who), was)
	})
}

func (s *site) waveRoutes(mux *routing, packed func(http.HandlerFunc) http.HandlerFunc) {
	form := func(next http.HandlerFunc) http.HandlerFunc { return change(ledger.EditorRole, maxForm, next) }
	mux.HandleFunc("/waves", packed(s.wavesPage))
	mux.HandleFunc("GET /waves/new", packed(s.waveNew))
	mux.HandleFunc("POST /waves/new", form(s.saveWave))
	mux.HandleFunc("GET /waves/{number}", packed(s.wavePage))
	mux.HandleFunc("GET /waves/{number}/edit", packed(s.waveEdit))
	mux.HandleFunc("POST /waves/{number}/edit", form(s.saveWave))
	mux.HandleFunc("POST /waves/{number}/remove", form(s.dropWave))
	mux.HandleFunc("GET /waves/{number}/lines", packed(s.waveLinesPage))
	mux.HandleFunc("POST /waves/{number}/lines", form(s.applyWave))
	mux.HandleFunc("POST /waves/{number}/backward", form(s.planBackward))
	mux.HandleFunc("GET /waves/proposals", packed(s.proposalsPage))
	mux.HandleFunc("POST /waves/proposals", form(s.takeProposal))
	mux.HandleFunc("GET /waves/whatif", packed(s.whatIfPage))
	mux.HandleFunc("POST /waves/whatif", form(s.moveService))
	mux.HandleFunc("GET /waves/pilot", packed(s.pilotPage))
	mux.HandleFunc("GET /services/{id}/planning", packed(s.noteEdit))
	mux.HandleFunc("POST /services/{id}/planning", form(s.saveNote))
	mux.HandleFunc("GET /waves/planning", packed(s.calendarPage))
	mux.HandleFunc("GET /waves/planning.ics", packed(s.calendarFile))
	mux.HandleFunc("GET /milestones/new", packed(s.milestoneNew))
	mux.HandleFunc("POST /milestones/new", form(s.saveMilestone))
	mux.HandleFunc("GET /milestones/{id}", packed(s.milestoneEdit))
	mux.HandleFunc("POST /milestones/{id}", form(s.saveMilestone))
	mux.HandleFunc("POST /milestones/{id}/remove", form(s.dropMilestone))
}

// planning is what the pages of waves are made of.
type planning struct {
	frame
	Plan     ledger.Plan
	Notes    map[string]ledger.ServiceNote
	Today    ledger.Day
	Hospital waves.Hospital // only where it was asked for
	Turns    waves.Turns

	books  ledger.Snapshot
	lines  map[string][]*ledger.Line // by service
	common map[int64]bool            // waves that have services of others than the reader, too
}

// planning reads the plan. Where the books can't be read its Fault is set.
func (s *site) planning(r *http.Request, title string, kept ...string) (p planning) {
	p.frame, p.books = s.frame(r, title, kept...)
	if p.Fault {
		return p
	}
	var err error
	if p.Plan, err = s.books(r).Plan(r.Context()); err == nil {
		p.Notes, err = s.books(r).ServiceNotes(r.Context())
	}
	if err == nil && len(p.reader.Establishments) > 0 {
		p.common, err = s.common(r.Context(), p.Plan.Waves)
	}
	if err != nil {
		s.Log.Error("read the plan", "error", err)
		p.Fault = true
	}
	p.Today, p.Turns = s.today(p.books.At), waves.TurnsOf(p.Plan.Waves)
	p.lines = linesByService(p.books.Lines)
	return p
}

// planMonths are those of which services' faxes are told.
const planMonths = 12

// gathered is gather for a page to be shown: where the books can't be read the page says so, and it is false.
func (s *site) gathered(r *http.Request, p *planning, partners bool) bool {
	if p.Fault {
		return false
	}
	if err := s.gather(r, p, partners); err != nil {
		s.Log.Error("read the books for the page", "error", err)
		p.Fault = true
	}
	return !p.Fault
}

// gather reads what services fax, in the last complete months, and with how many outside where that is wanted.
func (s *site) gather(r *http.Request, p *planning, partners bool) error {
	to := s.presentMonth(p.books).Add(-1)
	from := to.Add(1 - planMonths)
	b := waves.Books{Register: &p.books.Register, Lines: p.books.Lines, Devices: p.books.Devices, Notes: p.Notes, From: from, To: to}
	figures := indicators.Books{At: p.books.At, Register: &p.books.Register, Lines: p.books.Lines}
	group, ctx := errgroup.WithContext(r.Context())
	group.Go(func() (err error) { figures.Months, err = s.books(r).Period(ctx, from, to); return err })
	group.Go(func() (err error) { figures.Journals, err = s.books(r).Journals(ctx, from, to); return err })
	group.Go(func() (err error) { b.Flows, err = s.books(r).Flows(ctx, from, to); return err })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("read what services fax: %w", err)
	}
	b.Told = figures.Journals.Coverage
	if unit := b.Unit(); partners && unit != "" {
		var err error
		if b.Partners, err = s.books(r).Acquainted(r.Context(), from, to, unit); err != nil {
			return fmt.Errorf("read with whom services fax: %w", err)
		}
	}
	b.Figures = indicators.Compute(figures, from, to, indicators.Service)
	p.Hospital = waves.Gather(b)
	return nil
}

// WaveName is what a wave is called: its number, and its name where it has one.
func (f frame) WaveName(w ledger.Wave) string {
	if w.Number == 0 {
		return f.say("wave.none")
	}
	return joined(" – ", f.say("wave.number", w.Number), w.Name)
}

// WaveLink is a wave's page.
func (f frame) WaveLink(number int64) string {
	return f.link("/waves/" + strconv.FormatInt(number, 10))
}

// wave is the one of a number.
func (p *planning) wave(number int64) (ledger.Wave, bool) {
	i := slices.IndexFunc(p.Plan.Waves, func(w ledger.Wave) bool { return w.Number == number })
	if i < 0 {
		return ledger.Wave{}, false
	}
	return p.Plan.Waves[i], true
}

// numbered is the wave of the request's path.
func (p *planning) numbered(r *http.Request) (ledger.Wave, bool) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		return ledger.Wave{}, false
	}
	return p.wave(number)
}

// mayEditWave tells whether the reader may change a wave: one whose services are all theirs.
func (p *planning) mayEditWave(w ledger.Wave) bool {
	return p.MayEdit() && !p.common[w.Number]
}

// When says a day and how far it is away.
func (p planning) When(d ledger.Day) string {
	if d == "" {
		return p.say("wave.undated")
	}
	return p.Date(d) + ", " + p.Away(d)
}

// Away says how far a day is away.
func (p planning) Away(d ledger.Day) string {
	switch n := p.Today.Until(d); {
	case n == 0:
		return p.say("wave.today")
	case n > 0:
		return p.sayOf("wave.ahead", n, n)
	default:
		return p.sayOf("wave.past", -n, -n)
	}
}

// Rate says a figure a month: whole from ten on.
func (f frame) Rate(v float64) string {
	tenths := math.Round(v * 10)
	if v >= 10 || v == 0 || tenths > 0 && math.Mod(tenths, 10) == 0 {
		return f.say("chart.whole", int64(v+0.5))
	}
	if tenths < 1 {
		return f.say("wave.tiny")
	}
	return f.say("chart.tenth", v)
}

// Known says an amount, or that it isn't known.
func (f frame) Known(a waves.Amount) string {
	if !a.Known {
		return f.say("unknown")
	}
	return f.Rate(a.Value)
}

// wavesPage is the list of waves.
type wavesPage struct {
	planning
	Rows    []waveRow
	Without []linkTo // services with lines to cut and no wave
}

// waveRow is a wave in the list.
type waveRow struct {
	ledger.Wave
	Lines, Open int    // lines, and those of them that are still to be cut
	Differing   int    // of these, with another planned day than the wave's
	Copper      int    // of these, whose copper closes before
	Past, Steps int    // milestones: those that are done, and all
	Next        string // the next one
	Late        bool   // and its day is over
}

// linkTo is a thing with its page.
type linkTo struct{ Name, Link string }

func (s *site) wavesPage(w http.ResponseWriter, r *http.Request) {
	p := wavesPage{planning: s.planning(r, "nav.waves")}
	if !p.Fault {
		for _, x := range p.Plan.Waves {
			p.Rows = append(p.Rows, p.row(x))
		}
		p.Without = p.without()
	}
	s.Render(w, p.status(), "waves.html", p)
}

func (p *planning) row(w ledger.Wave) waveRow {
	row := waveRow{Wave: w}
	lines := p.linesOf(w)
	for _, l := range lines {
		row.Lines++
		if l.State == ledger.Cut || l.State == ledger.Kept {
			continue
		}
		row.Open++
		if w.Cutoff != "" && cmp.Or(l.CutOn, l.Cutoff) != w.Cutoff {
			row.Differing++
		}
	}
	for _, x := range waves.Copper(lines, w.Cutoff).Near {
		if x.Before {
			row.Copper++
		}
	}
	for _, m := range p.Plan.Milestones {
		if m.Wave != w.Number {
			continue
		}
		row.Steps++
		switch {
		case m.Done != "":
			row.Past++
		case row.Next == "":
			what := p.Date(m.Day) + " · " + p.Milestone(m)
			if row.Late = m.Day < p.Today; row.Late {
				row.Next = p.say("waves.late", what)
			} else {
				row.Next = p.say("waves.next", what)
			}
		}
	}
	return row
}

// linesOf are the lines of a wave's services.
func (p *planning) linesOf(w ledger.Wave) (lines []*ledger.Line) {
	for _, id := range w.Services {
		lines = append(lines, p.lines[id]...)
	}
	return lines
}

// without are the services that have lines to cut and are in no wave, by name.
func (p *planning) without() (list []linkTo) {
	for id := range p.register.Services {
		open := slices.ContainsFunc(p.lines[id], func(l *ledger.Line) bool { return l.State != ledger.Cut && l.State != ledger.Kept })
		if open && p.Turns[id].Number == 0 {
			list = append(list, linkTo{p.ServiceName(id), p.link("/services/" + id)})
		}
	}
	slices.SortFunc(list, func(a, b linkTo) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Link, b.Link)) })
	return list
}

// Milestone is what a milestone is called.
func (f frame) Milestone(m ledger.Milestone) string {
	if m.Title != "" {
		return m.Title
	}
	return f.say("milestone." + string(m.Kind))
}

// comingWave is a wave whose day is ahead.
type comingWave struct{ Text, Link string }

// committeeShown is how many waves stand on the committee's page.
const committeeShown = 3

// committeeWaves are the waves that come next, of the establishment that the page is of.
func (s *site) committeeWaves(r *http.Request, p *committeePage, books ledger.Snapshot) error {
	plan, err := s.books(r).Plan(r.Context())
	if err != nil {
		return err
	}
	if of := p.Report.Establishment; of != "" {
		plan = ofPlan(plan, func(w ledger.Wave) (ledger.Wave, bool) {
			w.Services = keep(w.Services, func(id *string) bool { return p.register.Services[*id].Establishment == of })
			return w, len(w.Services) > 0
		}, true)
	}
	in := planning{frame: p.frame, Plan: plan, Today: s.today(books.At), books: books, lines: linesByService(books.Lines)}
	p.Waves, p.MoreWaves = in.coming(committeeShown)
	return nil
}

// coming are the waves that come next, at most so many of them, and how many more there are.
func (p *planning) coming(most int) (list []comingWave, more int) {
	all := keep(p.Plan.Waves, func(w *ledger.Wave) bool { return w.Cutoff >= p.Today })
	slices.SortStableFunc(all, func(a, b ledger.Wave) int { return strings.Compare(string(a.Cutoff), string(b.Cutoff)) })
	for _, w := range all[:min(len(all), most)] {
		list = append(list, comingWave{p.say("committee.wave", p.WaveName(w), p.When(w.Cutoff), p.sayOf("count.departments", len(w.Services), len(w.Services)), p.sayOf("count.lines", p.row(w).Open, p.row(w).Open)), p.WaveLink(w.Number)})
	}
	return list, len(all) - len(list)
}

func linesByService(all []ledger.Line) map[string][]*ledger.Line {
	lines := make(map[string][]*ledger.Line)
	for i := range all {
		lines[all[i].Service] = append(lines[all[i].Service], &all[i])
	}
	return lines
}
