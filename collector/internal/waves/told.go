package waves

import (
	"cmp"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// told is on which days journals tell of lines: of those that they tell of for leastWatched days at least.
type told map[string][]stretch

// stretch is the days from one to before another one, counted from the first that matters.
type stretch struct{ from, to int }

// told is when journals of a unit tell of lines in these months.
func (b *Books) told(unit wire.EventUnit) told {
	lines := make(told)
	first := ledger.Day(b.From.String() + "-01")
	end := first.Until(ledger.Day(b.To.Add(1).String() + "-01"))
	for i := range b.Told {
		span := &b.Told[i]
		s := stretch{max(0, first.Until(span.From)), min(end, first.Until(span.To)+1)}
		if span.Unit != unit || s.from >= s.to {
			continue
		}
		for _, line := range span.Lines {
			lines[line] = append(lines[line], s)
		}
	}
	for line, days := range lines {
		if length(days) < leastWatched {
			delete(lines, line)
		}
	}
	return lines
}

// of tells whether journals tell of a line.
func (t told) of(l *ledger.Line) bool { return t[l.ID] != nil }

// ofAll tells whether journals tell of all lines that are still to be cut.
func (t told) ofAll(lines []*ledger.Line) bool {
	return !slices.ContainsFunc(lines, func(l *ledger.Line) bool { return l.State != ledger.Cut && l.State != ledger.Kept && !t.of(l) })
}

// monthly is the month's mean of what two lines faxed each other, on the days on which either is told of.
func (t told) monthly(n int64, from, to string) float64 {
	return float64(n) / float64(length(slices.Concat(t[from], t[to]))) * daysAMonth
}

// length is how many days there are in stretches, each once.
func length(all []stretch) (days int) {
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	end := 0
	for _, s := range all {
		days += max(0, s.to-max(s.from, end))
		end = max(end, s.to)
	}
	return days
}
