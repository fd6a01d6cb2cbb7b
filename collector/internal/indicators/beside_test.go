package indicators_test

import (
	"fmt"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestWhyAJournalAndACounterDisagree(t *testing.T) {
	n := func(n int64) *int64 { return &n }
	for name, c := range map[string]struct {
		journal, counter indicators.Amount
		want             string
	}{
		"no counter":                         {indicators.Amount{Messages: n(3), Days: 30}, indicators.Amount{}, "0  "},
		"the same":                           {indicators.Amount{Messages: n(3), Days: 30}, indicators.Amount{Messages: n(3), Days: 30}, "0 faxes agree"},
		"a journal since the 20th":           {indicators.Amount{Messages: n(3), Days: 10}, indicators.Amount{Messages: n(9), Days: 30}, "6 faxes journal_partly"},
		"a machine that was off":             {indicators.Amount{Messages: n(9), Days: 30}, indicators.Amount{Messages: n(3), Days: 12}, "-6 faxes counter_partly"},
		"faxes sent at the machine":          {indicators.Amount{Messages: n(3), Days: 30}, indicators.Amount{Messages: n(9), Days: 30}, "6 faxes more_by_counter"},
		"faxes sent from computers":          {indicators.Amount{Messages: n(9), Pages: n(20), Days: 30}, indicators.Amount{Pages: n(3), Days: 30}, "-17 pages more_by_journal"},
		"a journal that doesn't count pages": {indicators.Amount{Messages: n(9), Days: 30}, indicators.Amount{Pages: n(3), Days: 30}, "0  pages_untold"},
	} {
		by, in, why := indicators.Disagree(c.journal, c.counter, 30)
		if got := fmt.Sprint(by, " ", in, " ", why); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestALinesMonthAsJournalsAndItsCounterTellIt(t *testing.T) {
	b := hospital(t)
	l := &b.Lines[0]
	flows := []ledger.FlowSum{
		{Month: 202609, Unit: wire.Message, From: l.ID, Count: 20, Pages: 60, Paged: 20},
		{Month: 202609, Unit: wire.Message, From: l.ID, To: "0241354001", Count: 4, Pages: 8, Paged: 4},
		{Month: 202609, Unit: wire.Call, From: l.ID, Count: 30},
		{Month: 202609, Unit: wire.Message, To: l.ID, Count: 5, Pages: 8, Paged: 4},
	}
	coverage := []ledger.JournalSpan{journal("2026-09-01", "2026-09-15", l.ID)}
	var sums []ledger.MonthSum
	for _, m := range b.Months {
		if m.Line == l.ID {
			sums = append(sums, m)
		}
	}
	sent, received := indicators.LineMonthOf(l, 202609, b.At, flows, sums, coverage)
	words := func(w indicators.LineWay) string {
		n := func(n *int64) any {
			if n == nil {
				return "?"
			}
			return *n
		}
		return fmt.Sprintf("journal %v messages, %v pages, %.0f days, %d internal; counter %v messages, %v pages, %.0f days; %v calls",
			n(w.Journal.Messages), n(w.Journal.Pages), w.Journal.Days, w.Internal, n(w.Counter.Messages), n(w.Counter.Pages), w.Counter.Days, n(w.Calls))
	}
	for got, want := range map[string]string{
		words(sent):     "journal 24 messages, 68 pages, 15 days, 4 internal; counter 31 messages, 100 pages, 30 days; 30 calls",
		words(received): "journal 5 messages, ? pages, 15 days, 0 internal; counter ? messages, 50 pages, 30 days; ? calls",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
