package web

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/report"
)

// trendMonths are what the dashboard looks back on: a year, and the same month of the year before.
const trendMonths = 13

// dashboardPage is what the team opens each morning: where they stand, what needs a look, when zero comes.
type dashboardPage struct {
	frame
	Part                  scopePart
	Establishments, Poles field
	PartName              string // of the part; empty: all of it
	Month                 string // the last complete one
	Tiles                 []tile
	Concerns              []concern
	Plan                  plan
	Moved                 int64 // lines that were cut, whose faxes go by way of their neighbours
	Faxed                 chart
	Forecasts             []outlook
}

// dashboard shows all, or with ?establishment= or ?pole= a part.
func (s *site) dashboard(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.dashboard", "establishment", "pole")
	p := dashboardPage{frame: f}
	if !p.Fault {
		if err := s.fillDashboard(r, &p, books); err != nil {
			s.Log.Error("read the books for the page", "error", err)
			p.Fault = true
		}
	}
	s.Render(w, p.status(), "dashboard.html", p)
}

func (s *site) fillDashboard(r *http.Request, p *dashboardPage, books ledger.Snapshot) error {
	p.choose(r.URL.Query())
	if err := p.name(); err != nil {
		return err
	}
	other, err := s.waiting(r, books)
	if err != nil {
		return err
	}
	books.Month = s.presentMonth(books)
	t, err := trendOf(r.Context(), s.books(r), &books, books.Month.Add(-trendMonths), books.Month, p.Part)
	if err != nil {
		return err
	}
	base := trend{}
	if month := report.Baseline(books, s.Location); month != 0 && month < books.Month.Add(-1) {
		if base, err = trendOf(r.Context(), s.books(r), &books, month, month, p.Part); err != nil {
			return err
		}
	}
	books.Lines = linesOf(books.Lines, p.Part)
	if p.Moved, err = s.moved(r, &books); err != nil {
		return err
	}
	for _, fill := range []func() error{
		func() error { return p.tiles(t, base) },
		func() error {
			return p.concerns(&books, other, t)
		},
		func() error { return p.plan(&books) },
		func() error { return p.outlook(t) },
	} {
		if err := fill(); err != nil {
			return err
		}
	}
	return nil
}

// waiting reads what needs a look and isn't in a snapshot.
func (s *site) waiting(r *http.Request, books ledger.Snapshot) (w waiting, err error) {
	watch, err := s.books(r).Watch(r.Context(), 1)
	if err != nil || len(books.Lines) == 0 {
		return waiting{anomalies: watch.OpenCount}, err
	}
	first, err := s.books(r).FirstMonth(r.Context())
	if err != nil {
		return w, err
	}
	closings, err := s.books(r).Closings(r.Context())
	return waiting{watch.OpenCount, unclosed(closings, first, s.presentMonth(books).Add(-1))}, err
}

// choose takes the part that is asked for. A pôle says which establishment's it is.
func (p *dashboardPage) choose(q url.Values) {
	if e := q.Get("establishment"); p.register.Establishments[e].ID != "" {
		p.Part.Establishment = e
	}
	pole, known := p.register.Poles[q.Get("pole")]
	if known && (p.Part.Establishment == "" || p.Part.Establishment == pole.Establishment) {
		p.Part = scopePart{pole.Establishment, pole.ID}
	}
}

// name fills in the lists to choose from and what the part is called.
func (p *dashboardPage) name() (err error) {
	p.Establishments, p.Poles = field{Name: "establishment", Type: "select"}, field{Name: "pole", Type: "select"}
	all, err := p.T("all")
	if err != nil {
		return err
	}
	for _, e := range p.register.Establishments {
		p.Establishments.Options = append(p.Establishments.Options, option{e.ID, cmp.Or(e.Name, e.ID), e.ID == p.Part.Establishment})
	}
	for _, x := range p.register.Poles {
		if p.Part.Establishment == "" || p.Part.Establishment == x.Establishment {
			p.Poles.Options = append(p.Poles.Options, option{x.ID, cmp.Or(x.Name, x.ID), x.ID == p.Part.Pole})
		}
	}
	for label, f := range map[string]*field{"establishment": &p.Establishments, "pole": &p.Poles} {
		if f.Label, err = p.T(label); err != nil {
			return err
		}
		slices.SortFunc(f.Options, func(a, b option) int { return strings.Compare(a.Name, b.Name) })
		f.Options = append([]option{{Name: all}}, f.Options...)
	}
	if e, ok := p.register.Establishments[p.Part.Establishment]; ok {
		p.PartName = cmp.Or(e.Name, e.ID)
	}
	if x, ok := p.register.Poles[p.Part.Pole]; ok {
		p.PartName = joined(" · ", cmp.Or(x.Name, x.ID), p.PartName)
	}
	return nil
}

// Choosable tells whether there is more than one part to choose.
func (p dashboardPage) Choosable() bool {
	return len(p.Establishments.Options) > 2 || len(p.Poles.Options) > 1
}

func linesOf(lines []ledger.Line, part scopePart) []ledger.Line {
	if part.whole() {
		return lines
	}
	return slices.DeleteFunc(slices.Clone(lines), func(l ledger.Line) bool { return !part.has(l.Establishment, l.Pole) })
}

// tile is one of the seven indicators.
type tile struct {
	ID, Name string
	Known    bool
	Value    string // of the last complete month, with its unit
	AtLeast  bool   // there may be more that nobody saw
	Why      string // nothing is known, or what it rests on
	Complete string
	Target   string // and how far it is
	Met      bool   // the target
	Missed   bool
	Now      string // this month so far
	Changes  []string
	Trend    spark
}

// tiles fills in the seven indicators, compared with the baseline where there is one. The last month of the trend is the present one, which isn't over.
func (p *dashboardPage) tiles(t, base trend) (err error) {
	last := len(t.Months) - 2
	if p.Month, err = p.shortMonth(t.Months[last]); err != nil {
		return err
	}
	for _, indicator := range indicators.Kit() {
		x := tile{ID: string(indicator)}
		if x.Name, err = p.T("indicator." + string(indicator)); err != nil {
			return err
		}
		if err := p.tile(&x, t, base, indicator, last); err != nil {
			return err
		}
		p.Tiles = append(p.Tiles, x)
	}
	return nil
}

func (p *dashboardPage) tile(x *tile, t, base trend, indicator indicators.Indicator, last int) (err error) {
	f, now := t.figure(last, indicator), t.figure(last+1, indicator)
	if f == nil {
		x.Value, err = p.T("unknown")
		return err
	}
	if x.Value, x.Known, err = p.amountOf(f); err != nil {
		return err
	}
	if x.Why, err = p.basis(f); err != nil {
		return err
	}
	x.AtLeast = f.Basis.Certainty == indicators.AtLeast
	if x.Known {
		if x.Complete, err = p.complete(f); err != nil {
			return err
		}
	}
	if err := p.aimed(x, f); err != nil {
		return err
	}
	if now != nil {
		amount, _, err := p.amountOf(now)
		if err != nil {
			return err
		}
		if x.Now, err = p.T("month.so.far", amount); err != nil {
			return err
		}
	}
	if err := p.changed(x, f, t.figure(last-1, indicator)); err != nil {
		return err
	}
	if b := base.figure(0, indicator); b != nil && b.From != t.Months[last-1] {
		if err := p.changed(x, f, b); err != nil {
			return err
		}
	}
	values := t.drawn(last+1, indicator)
	label, err := p.T("trend.of", x.Name, len(values))
	if err != nil {
		return err
	}
	x.Trend = newSpark(label, values, knownIf(f.Target))
	return nil
}

// amountOf is a figure with its unit, or a word where it is unknown.
func (s speech) amountOf(f *indicators.Figure) (text string, known bool, err error) {
	if f.Value == nil {
		text, err = s.T("unknown")
		return text, false, err
	}
	text, err = s.Amount(*f.Value, f.Unit)
	return text, true, err
}

// basis says what a figure rests on, or why nothing is known of it.
func (s speech) basis(f *indicators.Figure) (string, error) {
	said, err := s.T("basis." + string(f.Basis.Source))
	if f.Indicator == indicators.FaxInternal && f.Basis.Source == indicators.Nothing {
		said, err = s.T("basis.journal")
	}
	if err != nil {
		return said, err
	}
	printed, unseen := "", ""
	if f.Basis.Certainty == indicators.Probable {
		printed, err = s.T("basis.printed")
	}
	if f.Basis.Unseen > 0 && err == nil {
		unseen, err = s.Count("basis.unseen", f.Basis.Unseen)
	}
	return joined(" · ", said, printed, unseen), err
}

// complete says of how much of its time a figure tells.
func (s speech) complete(f *indicators.Figure) (string, error) {
	key := "watched.share"
	if f.Basis.Source == indicators.Declared {
		key = "declared.share"
	}
	return s.T(key, int64(math.Floor(share(f)*100+1e-9)))
}

// rises tells of which indicators more is better.
func rises(indicator indicators.Indicator) bool {
	return indicator == indicators.MSSanteAddresses || indicator == indicators.MSSanteReceived || indicator == indicators.MSSanteSent
}

// missed tells whether a figure is on the wrong side of its target.
func missed(f *indicators.Figure) bool {
	return f.Gap != nil && (rises(f.Indicator) && *f.Gap < 0 || !rises(f.Indicator) && *f.Gap > 0)
}

// aimed words the target and how far the figure is from it.
func (p *dashboardPage) aimed(x *tile, f *indicators.Figure) (err error) {
	switch {
	case f.Target == nil:
		x.Target, err = p.T("target.none")
	case f.Gap == nil:
		x.Target, err = p.T("target.unknown", *f.Target)
	case missed(f):
		x.Missed = true
		x.Target, err = p.T("target.missed", *f.Target, signed(p.speech, *f.Gap))
	default:
		x.Met = true
		x.Target, err = p.T("target.met", *f.Target, signed(p.speech, *f.Gap))
	}
	return err
}

// changed words the difference to an earlier month, where both are known in the same unit.
func (p *dashboardPage) changed(x *tile, f, before *indicators.Figure) error {
	if before == nil || f.Value == nil || before.Value == nil || f.Unit != before.Unit {
		return nil
	}
	name, err := p.shortMonth(before.From)
	if err != nil {
		return err
	}
	by := signed(p.speech, *f.Value-*before.Value)
	switch *before.Value {
	case *f.Value:
		text, err := p.T("same.month", name)
		x.Changes = append(x.Changes, text)
		return err
	case 0: // of nothing there are no hundredths
	default:
		percent := float64(*f.Value-*before.Value) / float64(*before.Value) * 100
		by += fmt.Sprintf(" (%s %%)", signed(p.speech, int64(math.Round(percent))))
	}
	text, err := p.T("since.month", by, name)
	x.Changes = append(x.Changes, text)
	return err
}

// signed is a difference with its sign.
func signed(s speech, n int64) string {
	sign := map[bool]string{true: "−", false: "+"}[n < 0]
	if n == 0 {
		sign = "±"
	}
	text, err := s.T("chart.whole", max(n, -n))
	if err != nil {
		return ""
	}
	return sign + text
}
