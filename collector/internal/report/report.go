// Package report says what a project committee looks at: one month of the whole structure, or of one of
// its establishments. It is pure: books in, a Report out; page, XLSX file and command show the same Report
// and so can't disagree. What is not known is never 0, units are never added together, and no figure is
// of a single person.
package report

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// trendMonths is how many months are shown side by side: a year, and the month of the year before.
const trendMonths = 13

// most is how long the lists of the largest are.
const most = 10

// ErrNoEstablishment is of an establishment that nobody declared.
var ErrNoEstablishment = errors.New("no such establishment")

// Books is what a report is made of.
type Books struct {
	Snapshot ledger.Snapshot
	Months   []ledger.MonthSum // of the months of the trend and of the baseline, by month
	MSSante  ledger.MSSante    // likewise
	Journals ledger.Journals   // likewise
	After    []ledger.AfterSum // in the month
	Sheets   []ledger.Sheet    // that held when the committee met
	Zone     *time.Location    // the collector's

	Closed         []ledger.Closing // that hold, of the same months, with the figures of the report's level
	ClosedServices []ledger.Closing // that of the month, with the figures of services
}

// Report is what the committee looks at.
type Report struct {
	Month         ledger.Month
	Baseline      ledger.Month // with which the month is compared; 0: there is no whole month before
	Establishment string       // id; empty: the structure as a whole
	Name          string       // of the establishment, or of the only one that there is; empty: several
	At            wire.Time    // when the books were read; what machines show is as of then
	Until         wire.Time    // last instant of the month, At where it isn't over: what follows from dates is as of then

	Closing     *ledger.Closing         // without figures; nil: the month isn't closed, or what was frozen isn't of this scope
	Corrections []indicators.Difference // what its figures would be now, where that is something else

	Indicators []Indicator // the kit's seven in its order
	Trend      []Past      // the month and the twelve before it, oldest first
	Progress   Progress
	States     []StateCount
	Activities []Activity // poles, or services where there are none
	Late       []Late
	After      []AfterLine
	Senders    Ranking
	Receivers  Ranking
	Exceptions []Exception
	Cuts       []CutDay // to come, the next first
	Blind      []ledger.Line
	Gains      []Gain
	Forecast   indicators.Forecast // of active lines
	Weather    []Weather           // the worst first
	Unsaid     int                 // so many services with lines have no sheet
	Services   []Service
	Lines      []ledger.Line // by establishment, pole, service and number

	Register *ledger.Register // for names
}

// Key tells figures apart: what an indicator is of, and what it counts (lines, pages, faxes, addresses, messages).
type Key struct {
	Indicator indicators.Indicator
	Of        string
}

// KeyOf is that of a figure.
func KeyOf(f *indicators.Figure) Key { return Key{f.Indicator, f.Of} }

// Figures are those of one month and scope.
type Figures map[Key]indicators.Figure

// Past is a month of the trend.
type Past struct {
	Month  ledger.Month
	Closed bool // its figures are those that were frozen
	Figures
}

// Indicator is a figure of the month, of the month before and of the baseline.
type Indicator struct {
	Key
	Now, Before, Base indicators.Figure
}

// Change is how far the month is from another figure; nil where one isn't known or they count in other units.
func (x *Indicator) Change(from *indicators.Figure) *int64 {
	if x.Now.Value == nil || from.Value == nil || x.Now.Unit != from.Unit {
		return nil
	}
	change := *x.Now.Value - *from.Value
	return &change
}

// Over tells whether the month is.
func (r *Report) Over() bool { return r.Until < r.At }

// New makes the report of a month.
func New(b Books, month ledger.Month, establishment string) (Report, error) {
	register := &b.Snapshot.Register
	if _, known := register.Establishments[establishment]; establishment != "" && !known {
		return Report{}, ErrNoEstablishment
	}
	r := Report{
		Month: month, Baseline: Baseline(b.Snapshot, b.Zone), Establishment: establishment, At: b.Snapshot.At,
		Until: min(b.Snapshot.At, month.Add(1).In(b.Zone)-1), Register: register,
	}
	if r.Baseline >= month {
		r.Baseline = 0
	}
	r.Name = r.called()
	r.lines(b.Snapshot.Lines)
	r.figures(b)
	r.services(b)
	r.after(b.After)
	r.weather(b.Sheets)
	return r, nil
}

// called is what the committee's structure is called.
func (r *Report) called() string {
	all := r.Register.Establishments
	if r.Establishment != "" {
		return cmp.Or(all[r.Establishment].Name, r.Establishment)
	}
	if len(all) == 1 {
		for id, only := range all {
			return cmp.Or(only.Name, id)
		}
	}
	return ""
}

// of tells whether the report is of what belongs to an establishment.
func (r *Report) of(establishment string) bool {
	return r.Establishment == "" || r.Establishment == establishment
}

// figures fills in all that the indicators tell. Of a closed month they are those of its closing.
func (r *Report) figures(b Books) {
	computed := r.computed(b)
	for n := range trendMonths {
		month := r.Month.Add(n - trendMonths + 1)
		past := Past{Month: month}
		live := computed[month]
		frozen, closing := r.frozen(b.Closed, month, levelOf(r.Establishment))
		if past.Closed = closing != nil; past.Closed {
			past.Figures = r.keyed(frozen)
		} else {
			past.Figures = r.keyed(live)
		}
		r.Trend = append(r.Trend, past)
		if past.Closed && month == r.Month {
			r.Closing = closing
			r.Corrections = slices.DeleteFunc(indicators.Compare(r.own(frozen), r.own(live)), func(d indicators.Difference) bool { return !d.Revalued() })
		}
	}
	now, before := r.Trend[trendMonths-1].Figures, r.Trend[trendMonths-2].Figures
	var base Figures
	if r.Baseline != 0 {
		frozen, closing := r.frozen(b.Closed, r.Baseline, levelOf(r.Establishment))
		if closing == nil {
			frozen = computed[r.Baseline]
		}
		base = r.keyed(frozen)
	}
	for _, key := range r.Keys() {
		r.Indicators = append(r.Indicators, Indicator{key, now.of(key), before.of(key), base.of(key)})
	}
	r.gains()
	r.forecast(computed)
}

// computed are the figures of all months of the trend, and of the baseline, as the books have them now.
func (r *Report) computed(b Books) map[ledger.Month][]indicators.Figure {
	var months []ledger.Month
	for n := range trendMonths {
		months = append(months, r.Month.Add(-n))
	}
	if r.Baseline != 0 && !slices.Contains(months, r.Baseline) {
		months = append(months, r.Baseline)
	}
	heard := b.of(r.Month).Heard(r.Month.Add(1-trendMonths), r.Month)
	figures := make([][]indicators.Figure, len(months))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, month := range months {
		group.Go(func() error {
			of := heard
			of.Months = indicators.InMonth(b.Months, month)
			figures[i] = indicators.Compute(of, month, month, levelOf(r.Establishment))
			return nil
		})
	}
	_ = group.Wait()
	at := make(map[ledger.Month][]indicators.Figure, len(months))
	for i, month := range months {
		at[month] = figures[i]
	}
	return at
}

// of are the books that the figures of a month are computed from.
func (b *Books) of(month ledger.Month) indicators.Books {
	return indicators.Books{
		At: b.Snapshot.At, Register: &b.Snapshot.Register, Lines: b.Snapshot.Lines, Months: indicators.InMonth(b.Months, month), MSSante: b.MSSante,
		Journals: b.Journals,
	}
}

// levelOf is that of a report of an establishment, or of the structure as a whole.
func levelOf(establishment string) indicators.Level {
	if establishment == "" {
		return indicators.Whole
	}
	return indicators.Structure
}

// frozen are the figures of a month's closing; the closing is nil where there is none, or it has none of the scope.
func (r *Report) frozen(closed []ledger.Closing, month ledger.Month, level indicators.Level) ([]indicators.Figure, *ledger.Closing) {
	for i := range closed {
		if closed[i].Month != month {
			continue
		}
		figures := indicators.Thaw(&closed[i], level)
		if len(r.own(figures)) > 0 {
			closing := closed[i]
			closing.Figures = nil
			return figures, &closing
		}
	}
	return nil, nil
}

// own are the figures of the report's scope.
func (r *Report) own(figures []indicators.Figure) (own []indicators.Figure) {
	for _, f := range figures {
		if r.of(f.Scope.Establishment) {
			own = append(own, f)
		}
	}
	return own
}

func (r *Report) keyed(figures []indicators.Figure) Figures {
	keyed := Figures{}
	for _, f := range r.own(figures) {
		keyed[KeyOf(&f)] = f
	}
	return keyed
}

// of is a figure; one that isn't told is unknown.
func (f Figures) of(key Key) indicators.Figure {
	if figure, told := f[key]; told {
		return figure
	}
	return indicators.Figure{
		Indicator: key.Indicator, Unit: key.Of, Of: key.Of,
		Basis: indicators.Basis{Source: indicators.Nothing, Certainty: indicators.Unknown},
	}
}

// Keys are what is shown of each month: the kit's seven in its order, each in all that machines count it
// in, and pages of which no machine tells the direction.
func (r *Report) Keys() (keys []Key) {
	for _, indicator := range append(indicators.Kit(), indicators.FaxUnknown) {
		for _, of := range []string{"lines", "addresses", "pages", "faxes", "messages"} {
			key := Key{indicator, of}
			if slices.ContainsFunc(r.Trend, func(p Past) bool { _, told := p.Figures[key]; return told }) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// At is a figure of a month of the trend.
func (p Past) At(key Key) indicators.Figure { return p.Figures.of(key) }

// forecast looks at the months that are over, as the books have them now: what came in after a month was closed is
// part of the way down, too. As on the dashboard a month counts as watched as well as the best one was: lines that no
// machine tells of stay out of all months alike.
func (r *Report) forecast(computed map[ledger.Month][]indicators.Figure) {
	var points []indicators.Point
	best := 0.0
	for _, past := range r.Trend {
		if past.Month < r.Month || r.Over() {
			f := r.keyed(computed[past.Month]).of(Key{indicators.ActiveLines, "lines"})
			point := indicators.Point{Month: past.Month, Value: f.Value}
			if f.Completeness.Days > 0 {
				point.Watched = f.Completeness.Watched / float64(f.Completeness.Days)
			}
			points, best = append(points, point), max(best, point.Watched)
		}
	}
	for i := range points {
		if best > 0 {
			points[i].Watched /= best
		}
	}
	r.Forecast = indicators.ForecastZero(points)
}

// Gain is what paper was not printed or scanned because less was faxed than in the baseline month.
type Gain struct {
	Key
	Base, Now int64
	Avoided   int64 // less than nothing where more is faxed
	Unit      string
}

// gains are told only where both months are known and count in the same unit.
func (r *Report) gains() {
	for i := range r.Indicators {
		x := &r.Indicators[i]
		fax := x.Indicator == indicators.FaxSent || x.Indicator == indicators.FaxReceived
		if change := x.Change(&x.Base); fax && x.Of == "pages" && change != nil {
			r.Gains = append(r.Gains, Gain{x.Key, *x.Base.Value, *x.Now.Value, -*change, x.Now.Unit})
		}
	}
}
