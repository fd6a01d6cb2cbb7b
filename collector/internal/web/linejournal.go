package web

import (
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// journaledMonth is one way of a line in a month: what journals tell, what the machine counted, and why they disagree.
type journaledMonth struct {
	Name, Way                string
	Journal, Counter, Calls  string // empty: unknown
	JournalNote, CounterNote string
	Gap                      string // what the counter has more; empty: nothing to compare
	Why                      string
}

// journaled are the months of which journals tell anything.
func (p *linePage) journaled(flows []ledger.FlowSum, sums []ledger.MonthSum, coverage []ledger.JournalSpan, last ledger.Month) error {
	for month := last; month > last.Add(-storyMonths); month = month.Add(-1) {
		name, err := p.monthName(month)
		if err != nil {
			return err
		}
		sent, received := indicators.LineMonthOf(&p.Line, month, p.Now, flows, sums, coverage)
		for _, way := range []struct {
			name string
			of   *indicators.LineWay
		}{{"sent", &sent}, {"received", &received}} {
			if way.of.Journal.Messages == nil && way.of.Calls == nil {
				continue
			}
			x, err := p.oneWay(way.of)
			if err != nil {
				return err
			}
			x.Name, x.Way = name, way.name
			p.Journaled = append(p.Journaled, x)
		}
	}
	return nil
}

// oneWay words one way of a month.
func (s speech) oneWay(w *indicators.LineWay) (x journaledMonth, err error) {
	if x.Journal, x.JournalNote, err = s.amountTold(&w.Journal, w.Days); err != nil {
		return x, err
	}
	if w.Internal > 0 {
		inner, err := s.T("line.inner", w.Internal)
		if err != nil {
			return x, err
		}
		x.JournalNote = joined(" · ", inner, x.JournalNote)
	}
	if x.Counter, x.CounterNote, err = s.amountTold(&w.Counter, w.Days); err != nil {
		return x, err
	}
	if w.Calls != nil {
		if x.Calls, err = s.Count("line.calls", *w.Calls); err != nil {
			return x, err
		}
	}
	by, in, why := indicators.Disagree(w.Journal, w.Counter, w.Days)
	if why == indicators.NotComparable {
		return x, nil
	}
	if by != 0 {
		amount, err := s.Amount(max(by, -by), in)
		if err != nil {
			return x, err
		}
		x.Gap = map[bool]string{true: "−", false: "+"}[by < 0] + amount
	}
	x.Why, err = s.T("disagree." + string(why))
	return x, err
}

// amountTold words what a source tells, and of how many days where these aren't all.
func (s speech) amountTold(a *indicators.Amount, days float64) (text, note string, err error) {
	messages, pages := "", ""
	if a.Messages != nil {
		if messages, err = s.Count("line.messages", *a.Messages); err != nil {
			return "", "", err
		}
	}
	if a.Pages != nil {
		if pages, err = s.Count("line.pages", *a.Pages); err != nil {
			return "", "", err
		}
	}
	text = joined(" · ", messages, pages)
	if text == "" || a.Days >= days-0.05 {
		return text, "", nil
	}
	told, err := s.days(a.Days)
	if err != nil {
		return "", "", err
	}
	of, err := s.days(days)
	if err != nil {
		return "", "", err
	}
	note, err = s.T("line.days.told", told, of)
	return text, note, err
}
