package indicators

import (
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Amount is what one source tells of one way of a line in a month.
type Amount struct {
	Messages *int64  // nil: it doesn't tell
	Pages    *int64  // likewise; of a journal: or not of all messages
	Days     float64 // of the month that it tells of
}

// Reason is why two sources tell different amounts of the same.
type Reason string

// The reasons.
const (
	Agree          Reason = "agree"           // they don't
	JournalPartly  Reason = "journal_partly"  // journals tell of fewer days
	CounterPartly  Reason = "counter_partly"  // the counter was watched on fewer days
	PagesUntold    Reason = "pages_untold"    // the counter counts pages, and journals don't tell those of all messages
	MoreByCounter  Reason = "more_by_counter" // what journals never see: faxes that don't pass where they are written
	MoreByJournals Reason = "more_by_journal" // what the machine never sees: faxes of a fax server, sent in the line's name
	NotComparable  Reason = ""                // one of them tells nothing
)

// dayMissed is how many days may be missing before a difference is put down to them.
const dayMissed = 0.5

// Disagree says how many more the counter tells than journals, in messages where both count them, else in pages, and why.
func Disagree(journal, counter Amount, days float64) (by int64, in string, why Reason) {
	var a, b *int64
	switch {
	case journal.Messages == nil || counter.Messages == nil && counter.Pages == nil:
		return 0, "", NotComparable
	case counter.Messages != nil:
		a, b, in = journal.Messages, counter.Messages, "faxes"
	case journal.Pages == nil:
		return 0, "", PagesUntold
	default:
		a, b, in = journal.Pages, counter.Pages, "pages"
	}
	by = *b - *a
	switch {
	case by == 0:
		why = Agree
	case by > 0 && journal.Days < days-dayMissed:
		why = JournalPartly
	case by < 0 && counter.Days < days-dayMissed:
		why = CounterPartly
	case by > 0:
		why = MoreByCounter
	default:
		why = MoreByJournals
	}
	return by, in, why
}

// LineWay is one way of a line in a month, as each source tells it.
type LineWay struct {
	Journal, Counter Amount
	Internal         int64 // of the journal's messages, those with a line of ours
	Calls            *int64
	Days             float64 // of the month, that are over
}

// LineMonthOf is what journals and counters tell of a line in a month: sent, and received. flows are those that touch it,
// sums those of its own account.
func LineMonthOf(l *ledger.Line, month ledger.Month, now wire.Time, flows []ledger.FlowSum, sums []ledger.MonthSum, coverage []ledger.JournalSpan) (sent, received LineWay) {
	span := ledger.Span{From: month.In(l.Zone), To: min(now, month.Add(1).In(l.Zone))}
	told := map[wire.EventUnit]float64{}
	for _, unit := range []wire.EventUnit{wire.Message, wire.Call} {
		told[unit] = inDays(ledger.Watched(coveredOf(coverage, unit, l), span))
	}
	for _, way := range []struct {
		to       *LineWay
		measures []wire.Measure
		mine     func(*ledger.FlowSum) bool
	}{
		{&sent, []wire.Measure{wire.FaxSent, wire.FaxSentPages}, func(f *ledger.FlowSum) bool { return f.From == l.ID }},
		{&received, []wire.Measure{wire.FaxReceived, wire.FaxReceivedPages, wire.FaxPrintedPages}, func(f *ledger.FlowSum) bool { return f.To == l.ID }},
	} {
		way.to.Days = inDays(span.Length())
		way.to.journal(month, flows, told, way.mine)
		way.to.counter(l, span, month, sums, way.measures)
	}
	return sent, received
}

func (w *LineWay) journal(month ledger.Month, flows []ledger.FlowSum, told map[wire.EventUnit]float64, mine func(*ledger.FlowSum) bool) {
	var messages, calls, pages, paged int64
	heard := map[wire.EventUnit]bool{wire.Message: told[wire.Message] > 0, wire.Call: told[wire.Call] > 0}
	for i := range flows {
		f := &flows[i]
		if f.Month != month || !mine(f) {
			continue
		}
		heard[f.Unit] = true
		if f.Unit == wire.Call {
			calls += f.Count
			continue
		}
		messages, pages, paged = messages+f.Count, pages+f.Pages, paged+f.Paged
		if f.From != "" && f.To != "" {
			w.Internal += f.Count
		}
	}
	if heard[wire.Message] {
		w.Journal = Amount{Messages: &messages, Days: told[wire.Message]}
		if paged == messages {
			w.Journal.Pages = &pages
		}
	}
	if heard[wire.Call] {
		w.Calls = &calls
	}
}

func (w *LineWay) counter(l *ledger.Line, span ledger.Span, month ledger.Month, sums []ledger.MonthSum, measures []wire.Measure) {
	add := func(to **int64, n int64) {
		if *to == nil {
			*to = new(int64)
		}
		**to += n
	}
	of := func(m wire.Measure) **int64 {
		if ledger.IsPages(m) {
			return &w.Counter.Pages
		}
		return &w.Counter.Messages
	}
	for _, measure := range measures {
		days := 0.
		for i := range l.History {
			if s := &l.History[i]; slices.Contains(s.Measures, measure) {
				days += inDays(ledger.Watched(s.Watched, s.Within(span)))
			}
		}
		if days > 0 {
			add(of(measure), 0)
			w.Counter.Days = max(w.Counter.Days, days)
		}
	}
	for i := range sums {
		if s := &sums[i]; s.Month == month && !s.Evidence && slices.Contains(measures, s.Measure) {
			add(of(s.Measure), s.Count)
		}
	}
}

func inDays(d time.Duration) float64 { return d.Hours() / 24 }
