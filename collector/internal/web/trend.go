package web

import (
	"context"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// scopePart is what a page is of: an establishment, a pôle, or all that the reader sees.
type scopePart struct{ Establishment, Pole string }

func (x scopePart) whole() bool { return x == scopePart{} }

// has tells whether something that belongs there is of the part.
func (x scopePart) has(establishment, pole string) bool {
	return (x.Establishment == "" || x.Establishment == establishment) && (x.Pole == "" || x.Pole == pole)
}

// level is by what figures of the part are told apart.
func (x scopePart) level() indicators.Level {
	switch {
	case x.Pole != "":
		return indicators.Pole
	case x.Establishment != "":
		return indicators.Structure
	}
	return indicators.Whole
}

// of are the figures that are the part's.
func (x scopePart) of(figures []indicators.Figure) []indicators.Figure {
	return slices.DeleteFunc(figures, func(f indicators.Figure) bool {
		return x.Pole != "" && f.Scope.Pole != x.Pole || x.Pole == "" && f.Scope.Establishment != x.Establishment
	})
}

// trend are the figures of some months, each by itself.
type trend struct {
	Months  []ledger.Month // oldest first
	Figures [][]indicators.Figure
}

// trendOf computes the figures of a part of the books in each month from one to another.
func trendOf(ctx context.Context, from Books, books *ledger.Snapshot, first, last ledger.Month, of scopePart) (t trend, err error) {
	var sums []ledger.MonthSum
	var mssante ledger.MSSante
	var journals ledger.Journals
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() (err error) { sums, err = from.Months(reading, first, last); return err })
	group.Go(func() (err error) { mssante, err = from.MSSante(reading, first, last); return err })
	group.Go(func() (err error) { journals, err = from.Journals(reading, first, last); return err })
	if err := group.Wait(); err != nil {
		return t, err
	}
	for month := first; month <= last; month = month.Add(1) {
		t.Months = append(t.Months, month)
	}
	t.Figures = make([][]indicators.Figure, len(t.Months))
	b := indicators.Books{At: books.At, Register: &books.Register, Lines: books.Lines, MSSante: mssante, Journals: journals}.Heard(first, last)
	computing := errgroup.Group{}
	computing.SetLimit(runtime.GOMAXPROCS(0))
	for i, month := range t.Months {
		computing.Go(func() error {
			b := b
			b.Months = indicators.InMonth(sums, month)
			t.Figures[i] = of.of(indicators.Compute(b, month, month, of.level()))
			return nil
		})
	}
	return t, computing.Wait()
}

// figure is an indicator in the ith month; nil where it isn't told. Of faxes it is their pages, or, where no month's are
// known, their messages: journals tell those of fax servers that no machine counts.
func (t trend) figure(i int, indicator indicators.Indicator) *indicators.Figure {
	if i < 0 || i >= len(t.Figures) {
		return nil
	}
	for j := range t.Figures[i] {
		if f := &t.Figures[i][j]; f.Indicator == indicator && (f.Of != "faxes") == (t.unitOf(indicator) != "faxes") {
			return f
		}
	}
	return nil
}

// unitOf is in what an indicator is told; of lines and mailboxes it is empty.
func (t trend) unitOf(indicator indicators.Indicator) string {
	if indicator == indicators.FaxInternal {
		return "faxes"
	}
	known := ""
	for i := range t.Figures {
		for j := range t.Figures[i] {
			switch f := &t.Figures[i][j]; {
			case f.Indicator != indicator || f.Value == nil:
			case f.Of == "pages":
				return "pages"
			case f.Of == "faxes":
				known = "faxes"
			}
		}
	}
	return known
}

// values are an indicator's, month by month, nil where unknown.
func (t trend) values(indicator indicators.Indicator) []*float64 {
	values := make([]*float64, len(t.Months))
	for i := range t.Months {
		if f := t.figure(i, indicator); f != nil {
			values[i] = knownIf(f.Value)
		}
	}
	return values
}

// points are what a forecast of some indicators' sum rests on, in the first n months. A month counts as watched as
// well as the best one was: lines that no machine tells of stay out of all months alike. One of the indicators that
// is told in some month is missed in any other.
func (t trend) points(n int, of ...indicators.Indicator) []indicators.Point {
	told := slices.DeleteFunc(slices.Clone(of), func(x indicators.Indicator) bool {
		return !slices.ContainsFunc(t.values(x)[:n], func(v *float64) bool { return v != nil })
	})
	points := make([]indicators.Point, n)
	best := t.best(n)
	for i := range points {
		points[i] = t.point(i, told)
		if best > 0 {
			points[i].Watched /= best
		}
	}
	return points
}

// watched is of how much of a month its lines were watched.
func (t trend) watched(i int) float64 {
	if lines := t.figure(i, indicators.ActiveLines); lines != nil {
		return share(lines)
	}
	return 0
}

// best is how well the best watched of the first n months was.
func (t trend) best(n int) (best float64) {
	for i := range n {
		best = max(best, t.watched(i))
	}
	return best
}

// drawn are an indicator's values in the first n months, without those of lines and faxes in months that were watched
// worse than a forecast would have them: what was counted in a few days is no month's.
func (t trend) drawn(n int, indicator indicators.Indicator) []*float64 {
	values := t.values(indicator)[:n]
	if rises(indicator) {
		return values // people declare it
	}
	best := t.best(n)
	for i := range values {
		if t.watched(i) < indicators.EnoughWatched*best {
			values[i] = nil
		}
	}
	return values
}

func (t trend) point(i int, of []indicators.Indicator) indicators.Point {
	p := indicators.Point{Month: t.Months[i], Watched: t.watched(i)}
	var sum int64
	for _, x := range of {
		f := t.figure(i, x)
		if f == nil || f.Value == nil {
			return p
		}
		sum += *f.Value
	}
	if len(of) > 0 {
		p.Value = &sum
	}
	return p
}

// share is of how much of a figure's time there is knowledge.
func share(f *indicators.Figure) float64 {
	if f.Completeness.Days == 0 {
		return 0
	}
	return f.Completeness.Watched / float64(f.Completeness.Days)
}

// shortMonth says a month where there is little room.
func (s speech) shortMonth(m ledger.Month) (string, error) {
	name, err := s.T(shortMonths[int(m)%100-1])
	return name + " " + strconv.Itoa(int(m)/100), err
}

// shortMonths are the texts of the months' short names, January first.
var shortMonths = [12]string{"mon.01", "mon.02", "mon.03", "mon.04", "mon.05", "mon.06", "mon.07", "mon.08", "mon.09", "mon.10", "mon.11", "mon.12"}

// shortMonthNames says several.
func (s speech) shortMonthNames(months []ledger.Month) (names []string, err error) {
	names = make([]string, len(months))
	for i, m := range months {
		if names[i], err = s.shortMonth(m); err != nil {
			return nil, err
		}
	}
	return names, nil
}
