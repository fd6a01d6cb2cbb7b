package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// aimMonths are how many months a trajectory shows before the present one.
const aimMonths = 12

// targetsPage is what each indicator is to come to and how far it is, by scope.
type targetsPage struct {
	frame
	Tabs   []pageLink
	Names  []string // of the seven indicators
	Scopes []aimedScope
	Latest string // the last complete month, of which flows are shown
	Of     aimedScope
	Aim    *aim // the indicator that is looked at more closely; nil: none is
}

// aimedScope is a scope with its seven indicators.
type aimedScope struct {
	ID, Name, Within, Link string
	Chosen                 bool
	Cells                  []aimCell

	level indicators.Level
	scope indicators.Scope
}

// aimCell is one indicator of a scope: its target, value and how far apart they are.
type aimCell struct {
	Name, Unit, Link string
	Target, Since    string // the present one; empty: none
	Value            string // empty: unknown
	When             string // the month of the value; empty: now
	Gap              string // of value and target of that month; empty: one of them isn't known
	Other            string // that target, where it is not the present one
	Whole            string // how complete the value is; empty: wholly
	Reach            reach
}

// reach says whether a target is met.
type reach string

// The reaches.
const (
	reached   reach = "reached"
	notYet    reach = "missed"
	unproven  reach = "unproven" // it looks so, but something isn't known
	aimless   reach = "none"     // there is no target
	unreadAim reach = "unknown"  // the value isn't known
)

// Mood is how a page shows it.
func (r reach) Mood() string {
	switch r {
	case reached:
		return "ok"
	case notYet:
		return "bad"
	case unproven:
		return "warn"
	}
	return ""
}

// stands tells whether an indicator is a state, which is known now, rather than what came together in a month.
func stands(i indicators.Indicator) bool {
	return i == indicators.ActiveLines || i == indicators.MSSanteAddresses
}

// reachOf tells whether a figure has come to its target. What may be more than is known proves only what is to grow.
func reachOf(f *indicators.Figure) reach {
	switch {
	case f == nil || f.Value == nil && f.Target != nil:
		return unreadAim
	case f.Target == nil:
		return aimless
	}
	more, sure := rises(f.Indicator), f.Basis.Certainty != indicators.AtLeast && knownShare(f) >= 1
	switch met := *f.Gap == 0 || more == (*f.Gap > 0); {
	case met && (more || sure):
		return reached
	case met, more && !sure:
		return unproven
	}
	return notYet
}

// knownShare is how much of its days a figure knows, of 1. What machines count is never watched to the last minute.
func knownShare(f *indicators.Figure) float64 {
	if f.Completeness.Days == 0 {
		return 0
	}
	if part := f.Completeness.Watched / float64(f.Completeness.Days); part < 0.99 {
		return part
	}
	return 1
}

// aimBooks are the books of the months that a page of targets shows.
type aimBooks struct {
	ledger.Snapshot
	first, present ledger.Month
	heard          indicators.Books // without their months
	months         map[ledger.Month][]ledger.MonthSum
}

// aimBooks reads the present month and n before it.
func (s *site) aimBooks(r *http.Request, books ledger.Snapshot, n int) (b aimBooks, err error) {
	b.Snapshot, b.present = books, s.presentMonth(books)
	b.first = b.present.Add(-n)
	b.heard = indicators.Books{At: books.At, Register: &books.Register, Lines: books.Lines}
	var sums []ledger.MonthSum
	group, ctx := errgroup.WithContext(r.Context())
	group.Go(func() (err error) { sums, err = s.books(r).Months(ctx, b.first, b.present); return err })
	group.Go(func() (err error) { b.heard.MSSante, err = s.books(r).MSSante(ctx, b.first, b.present); return err })
	group.Go(func() (err error) { b.heard.Journals, err = s.books(r).Journals(ctx, b.first, b.present); return err })
	err = group.Wait()
	b.heard = b.heard.Heard(b.first, b.present)
	b.months = make(map[ledger.Month][]ledger.MonthSum, n+1)
	for begin, end := 0, 0; begin < len(sums); begin = end {
		for end = begin; end < len(sums) && sums[end].Month == sums[begin].Month; end++ {
		}
		b.months[sums[begin].Month] = append(b.months[sums[begin].Month], sums[begin:end]...)
	}
	return b, err
}

func (s *site) presentMonth(books ledger.Snapshot) ledger.Month {
	return cmp.Or(books.Month, ledger.MonthOf(books.At, s.Location))
}

// figures are those of one month.
func (b *aimBooks) figures(month ledger.Month, level indicators.Level) []indicators.Figure {
	of := b.heard
	of.Months = b.months[month]
	return indicators.Compute(of, month, month, level)
}

// kitFigure is a scope's figure that a target is of.
func kitFigure(all []indicators.Figure, scope indicators.Scope, indicator indicators.Indicator) *indicators.Figure {
	scope.Name = ""
	for i := range all {
		f := &all[i]
		of := f.Scope
		of.Name = ""
		pages := indicator != indicators.FaxReceived && indicator != indicators.FaxSent || f.Of == "pages"
		if of == scope && f.Indicator == indicator && pages {
			return f
		}
	}
	return nil
}

// targetsPage shows the targets.
func (s *site) targetsPage(w http.ResponseWriter, r *http.Request) {
	s.showTargets(w, r, nil)
}

// showTargets shows the targets, and a form that was not taken.
func (s *site) showTargets(w http.ResponseWriter, r *http.Request, refused *aimForm) {
	f, books := s.frame(r, "title.targets", "of", "indicator")
	p := targetsPage{frame: f}
	if refused != nil {
		p.Here, p.Faults, p.Conflicts = "/targets", refused.faults, refused.conflicts
	}
	if !p.Fault {
		if err := s.fillTargets(r, &p, books, refused); err != nil {
			s.Log.Error("make the page of targets", "error", err)
			p.Fault = true
		}
	}
	s.Render(w, p.status(), "targets.html", p)
}

func (s *site) fillTargets(r *http.Request, p *targetsPage, books ledger.Snapshot, refused *aimForm) (err error) {
	if p.Tabs, err = p.targetTabs(); err != nil {
		return err
	}
	q := r.URL.Query()
	of, indicator := q.Get("of"), indicators.Indicator(q.Get("indicator"))
	if refused != nil {
		of, indicator = refused.of, refused.indicator
	}
	looked := slices.Contains(indicators.Kit(), indicator)
	months := 1
	if looked {
		months = aimMonths
	}
	b, err := s.aimBooks(r, books, months)
	if err != nil {
		return err
	}
	if p.Latest, err = p.monthName(b.present.Add(-1)); err != nil {
		return err
	}
	for _, i := range indicators.Kit() {
		name, err := p.T("indicator." + string(i))
		if err != nil {
			return err
		}
		p.Names = append(p.Names, name)
	}
	if err := p.scopes(&b, of); err != nil {
		return err
	}
	if looked && p.Of.Name != "" {
		p.Aim, err = p.aim(&b, indicator, refused)
	}
	return err
}

// targetTabs are the pages of targets and of what is collected.
func (f frame) targetTabs() (tabs []pageLink, err error) {
	for _, x := range []struct{ path, name string }{
		{"/targets", "targets.tab"}, {"/targets/collection", "collection.tab"}, {"/targets/months", "months.tab"},
	} {
		tab := pageLink{Path: f.link(x.path)}
		if x.path == f.Here {
			tab.Current = "page"
		} else if x.path != "/targets" && strings.HasPrefix(f.Here, x.path+"/") {
			tab.Current = "true"
		}
		if tab.Name, err = f.T(x.name); err != nil {
			return nil, err
		}
		tabs = append(tabs, tab)
	}
	return tabs, nil
}

// scopes fills in all scopes that can have targets: the whole, establishments, pôles. of is the chosen one.
func (p *targetsPage) scopes(b *aimBooks, of string) (err error) {
	whole, err := p.T("aims.whole")
	if err != nil {
		return err
	}
	if len(p.reader.Establishments) == 0 {
		p.Scopes = append(p.Scopes, aimedScope{ID: "whole", Name: whole, level: indicators.Whole})
	}
	r := &b.Register
	for _, id := range slices.Sorted(maps.Keys(r.Establishments)) {
		if len(p.Scopes) == 0 || len(r.Establishments) > 1 || hasTargets(r, id) { // the only one is the whole
			p.Scopes = append(p.Scopes, aimedScope{
				ID: "establishment:" + id, Name: r.Establishments[id].Name, level: indicators.Structure, scope: indicators.Scope{Establishment: id},
			})
		}
		for _, pole := range slices.Sorted(maps.Keys(r.Poles)) {
			if r.Poles[pole].Establishment == id {
				p.Scopes = append(p.Scopes, aimedScope{
					ID: "pole:" + pole, Name: r.Poles[pole].Name, Within: r.Establishments[id].Name, level: indicators.Pole,
					scope: indicators.Scope{Establishment: id, Pole: pole},
				})
			}
		}
	}
	now, last := map[indicators.Level][]indicators.Figure{}, map[indicators.Level][]indicators.Figure{}
	for _, level := range []indicators.Level{indicators.Whole, indicators.Structure, indicators.Pole} {
		now[level], last[level] = b.figures(b.present, level), b.figures(b.present.Add(-1), level)
	}
	for i := range p.Scopes {
		x := &p.Scopes[i]
		x.Link = p.link("/targets", "of", x.ID)
		x.Chosen = x.ID == of
		if x.Cells, err = p.cells(b, x, now[x.level], last[x.level]); err != nil {
			return err
		}
		if x.Chosen || i == 0 {
			p.Of = *x
		}
	}
	return nil
}

// hasTargets tells whether an establishment has targets of its own.
func hasTargets(r *ledger.Register, establishment string) bool {
	for key := range r.Targets {
		if key.Establishment == establishment {
			return true
		}
	}
	return false
}

// cells are the seven indicators of a scope: those that stand as of now, the others of the last complete month.
func (p *targetsPage) cells(b *aimBooks, x *aimedScope, now, last []indicators.Figure) (cells []aimCell, err error) {
	for i, indicator := range indicators.Kit() {
		month, figures := b.present.Add(-1), last
		if stands(indicator) {
			month, figures = b.present, now
		}
		cell := aimCell{Name: p.Names[i], Link: p.link("/targets", "of", x.ID, "indicator", string(indicator)) + "#aim"}
		f := kitFigure(figures, x.scope, indicator)
		if err := p.value(&cell, f); err != nil {
			return nil, err
		}
		if !stands(indicator) {
			cell.When = p.Latest
		}
		if err := p.target(&cell, &b.Register, x.key(indicator), b.present, month); err != nil {
			return nil, err
		}
		cells = append(cells, cell)
	}
	return cells, nil
}

// value fills in what a figure says.
func (p *targetsPage) value(cell *aimCell, f *indicators.Figure) (err error) {
	cell.Reach = reachOf(f)
	if f == nil {
		cell.Reach = aimless
		return nil
	}
	if cell.Unit, err = p.T("aims.unit." + f.Of); err != nil || f.Value == nil {
		return err
	}
	if cell.Value, err = p.T("aims.number", *f.Value); err != nil {
		return err
	}
	if f.Basis.Certainty == indicators.AtLeast {
		if cell.Value, err = p.T("aims.at.least", cell.Value); err != nil {
			return err
		}
	}
	if part := knownShare(f); part < 1 && !stands(f.Indicator) {
		if cell.Whole, err = p.T("aims.share", int64(100*part)); err != nil {
			return err
		}
	}
	if f.Gap != nil {
		cell.Gap = signed(p.speech, *f.Gap)
	}
	return nil
}

// target fills in the present target, and that of the value's month where it was another one.
func (p *targetsPage) target(cell *aimCell, r *ledger.Register, key ledger.TargetKey, present, month ledger.Month) error {
	value, ok := r.TargetAt(key, present)
	then, was := r.TargetAt(key, month)
	var err error
	if ok {
		if cell.Target, err = p.T("aims.number", value); err != nil {
			return err
		}
		for _, t := range r.Targets[key] {
			if t.From <= present {
				if cell.Since, err = p.since(t.From); err != nil {
					return err
				}
			}
		}
	}
	if was && (!ok || then != value) {
		cell.Other, err = p.T("aims.other", cell.When, then)
	}
	return err
}

// since says from which month on a target holds.
func (s speech) since(from ledger.Month) (string, error) {
	if from == 0 {
		return s.T("aims.always")
	}
	name, err := s.monthName(from)
	if err != nil {
		return "", err
	}
	return s.T("aims.since", name)
}

// key is what a target of the scope is of.
func (x *aimedScope) key(indicator indicators.Indicator) ledger.TargetKey {
	k := ledger.TargetKey{Indicator: string(indicator), Establishment: x.scope.Establishment, Pole: x.scope.Pole}
	if k.Pole != "" {
		k.Establishment = ""
	}
	return k
}

// aim is one indicator of one scope: all its targets against its figures.
type aim struct {
	Title     string
	Chart     chart
	Rows      []aimRow // its targets, the earliest first
	Add       aimRow
	Revision  string
	Of        string
	Indicator indicators.Indicator
	Mine      bool // the reader may change them
}

// aimRow is a target with the form that changes it.
type aimRow struct {
	Was         string // month in which it begins, 2026-10, or always; new: it is to be added
	From, Value field
	Since, Says string
}

// aim makes the closer look.
func (p *targetsPage) aim(b *aimBooks, indicator indicators.Indicator, refused *aimForm) (a *aim, err error) {
	key := p.Of.key(indicator)
	targets := b.Register.Targets[key]
	a = &aim{
		Of: p.Of.ID, Indicator: indicator, Revision: revision(targets),
		Mine: p.MayEdit() && p.reader.Sees(b.Register.Complete(ledger.Place{Establishment: key.Establishment, Pole: key.Pole}).Establishment),
	}
	name, err := p.T("indicator." + string(indicator))
	if err != nil {
		return nil, err
	}
	a.Title = joined(" · ", name, p.Of.Name)
	for i := range targets {
		row, err := p.aimRow(&targets[i])
		if err != nil {
			return nil, err
		}
		a.Rows = append(a.Rows, row)
	}
	if a.Add, err = p.newRow(); err != nil {
		return nil, err
	}
	if refused != nil {
		refused.into(a)
	}
	a.Chart, err = p.trajectory(b, a.Title, key, indicator)
	return a, err
}

// trajectory draws an indicator of the chosen scope against all its targets, also those of months to come.
func (p *targetsPage) trajectory(b *aimBooks, title string, key ledger.TargetKey, indicator indicators.Indicator) (c chart, err error) {
	until := b.present
	for _, t := range b.Register.Targets[key] {
		until = max(until, min(t.From.Add(1), b.present.Add(aimMonths)))
	}
	c = chart{speech: p.speech, ID: "trajectory", Title: title}
	values, aims := series{Kind: barSeries}, series{Kind: stepSeries}
	if values.Name, err = p.T("aims.done"); err != nil {
		return c, err
	}
	if aims.Name, err = p.T("aims.target"); err != nil {
		return c, err
	}
	if c.Across, err = p.T("aims.month"); err != nil {
		return c, err
	}
	part := b.of(&p.Of)
	for month := b.present.Add(-aimMonths); month <= until; month = month.Add(1) {
		label, failed := p.shortMonth(month)
		if failed != nil {
			return c, failed
		}
		c.Labels = append(c.Labels, label)
		var value *float64
		if month <= b.present {
			if f := kitFigure(part.figures(month, p.Of.level), p.Of.scope, indicator); f != nil {
				value = knownIf(f.Value)
				if c.Unit, err = p.T("aims.unit." + f.Of); err != nil {
					return c, err
				}
			}
		}
		values.Values = append(values.Values, value)
		var aimed *float64
		if n, ok := b.Register.TargetAt(key, month); ok {
			aimed = known(n)
		}
		aims.Values = append(aims.Values, aimed)
	}
	c.Series = []series{values, aims}
	c.Note, err = p.T("aims.note")
	return c, err
}

// of are the books of one scope: the lines that ever stood there, and what was counted there.
func (b *aimBooks) of(x *aimedScope) *aimBooks {
	if x.level == indicators.Whole {
		return b
	}
	part := *b
	wanted := func(place ledger.Place) bool {
		place = b.Register.Complete(place)
		if x.scope.Pole != "" {
			return place.Pole == x.scope.Pole
		}
		return place.Establishment == x.scope.Establishment
	}
	part.heard = within(b.heard, wanted).Heard(b.first, b.present)
	part.months = make(map[ledger.Month][]ledger.MonthSum, len(b.months))
	for month, sums := range b.months {
		part.months[month] = keep(sums, func(m *ledger.MonthSum) bool {
			return wanted(ledger.Place{Establishment: m.Establishment, Pole: m.Pole, Service: m.Service})
		})
	}
	return &part
}
