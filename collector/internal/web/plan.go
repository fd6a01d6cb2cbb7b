package web

import (
	"cmp"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/report"
)

// plan is how many lines are cut, and how many should be by now.
type plan struct {
	Lines, Cut, Kept int64
	Late             int64 // should be cut by now, and aren't
	Undated          int64 // are declared, and nobody said when they are to go
	Chart            chart
}

// Share is the part that is cut of all lines, kept ones too, as the kit counts it: in percent to a tenth.
func (p plan) Share() float64 {
	percent, _ := report.Progress{Lines: p.Lines}.Share(p.Cut)
	return percent
}

// plan adds up cut-offs, planned and done, month by month.
func (p *dashboardPage) plan(books *ledger.Snapshot) error {
	planned, done := map[ledger.Month]int64{}, map[ledger.Month]int64{}
	x := &p.Plan
	for i := range books.Lines {
		l := &books.Lines[i]
		x.Lines++
		if l.State == ledger.Kept {
			x.Kept++
			continue
		}
		switch l.State {
		case ledger.Cut:
			x.Cut++
			done[monthOfDay(l.CutOn)]++
		case ledger.Overdue:
			x.Late++
		}
		// Where nobody planned it, it was planned for when it is done.
		if day := cmp.Or(l.Cutoff, l.CutOn); day != "" {
			planned[monthOfDay(day)]++
		} else if l.Declared {
			x.Undated++
		}
	}
	return p.planChart(planned, done, books.Month)
}

// monthOfDay is a day's month.
func monthOfDay(d ledger.Day) ledger.Month { return ledger.MonthOf(d.In(time.UTC), time.UTC) }

// The plan's chart shows a year back and two ahead at most.
const (
	planBack  = 12
	planAhead = 24
)

func (p *dashboardPage) planChart(planned, done map[ledger.Month]int64, now ledger.Month) (err error) {
	first, last := now, now
	for _, months := range []map[ledger.Month]int64{planned, done} {
		for m := range months {
			first, last = min(first, m), max(last, m)
		}
	}
	first, last = max(first, now.Add(-planBack)), min(last, now.Add(planAhead))
	if first == last {
		first = last.Add(-1)
	}
	sumPlanned, sumDone := before(planned, first), before(done, first)
	c := chart{speech: p.speech, ID: "plan-chart", Size: "low"}
	wanted, cut := series{Kind: stepSeries}, series{Kind: lineSeries}
	var months []ledger.Month
	for m := first; m <= last; m = m.Add(1) {
		months = append(months, m)
		sumPlanned += planned[m]
		wanted.Values = append(wanted.Values, known(sumPlanned))
		sumDone += done[m]
		if m <= now {
			cut.Values = append(cut.Values, known(sumDone))
		}
	}
	if c.Labels, err = p.shortMonthNames(months); err != nil {
		return err
	}
	for key, text := range map[string]*string{
		"plan.chart": &c.Title, "unit.lines": &c.Unit, "column.month": &c.Across, "plan.planned": &wanted.Name, "plan.done": &cut.Name,
	} {
		if *text, err = p.T(key); err != nil {
			return err
		}
	}
	c.Series = []series{wanted, cut}
	p.Plan.Chart = c
	return nil
}

// before is what there was before a month.
func before(counts map[ledger.Month]int64, month ledger.Month) (sum int64) {
	for m, n := range counts {
		if m < month {
			sum += n
		}
	}
	return sum
}
