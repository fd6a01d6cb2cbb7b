package indicators_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// exchange is one service in September 2026 whose line l1 counts pages and, if told, messages both ways; l2 counts pages.
func exchange(t *testing.T, faxes bool, second int64, mssante *int64) indicators.Books {
	t.Helper()
	now := at(t, time.UTC, "2026-10-10")
	month := ledger.Month(202609)
	span := ledger.Span{From: month.In(time.UTC), To: now}
	place := ledger.Place{Establishment: "chu", Service: "onco"}
	b := indicators.Books{At: now, Register: &ledger.Register{
		Establishments: map[string]ledger.Establishment{"chu": {ID: "chu", Name: "CHU"}},
		Services:       map[string]ledger.Service{"onco": {ID: "onco", Establishment: "chu", Name: "Oncologie"}},
	}}
	pages := []wire.Measure{wire.FaxSentPages, wire.FaxReceivedPages}
	for _, id := range []string{"l1", "l2"} {
		b.Lines = append(b.Lines, ledger.Line{
			ID: id, Zone: time.UTC, Establishment: "chu", Service: "onco", Sharing: 1, State: ledger.Active, Observed: ledger.Active,
			History: []ledger.Stretch{{Span: span, Place: place, Measures: pages, Watched: []ledger.Span{span}}},
		})
	}
	sum := func(line string, m wire.Measure, n int64) {
		b.Months = append(b.Months, ledger.MonthSum{Account: ledger.Account{Establishment: "chu", Service: "onco", Line: line}, Measure: m, Unit: "pages", Month: month, Count: n})
	}
	for _, way := range []struct{ pages, messages wire.Measure }{{wire.FaxSentPages, wire.FaxSent}, {wire.FaxReceivedPages, wire.FaxReceived}} {
		sum("l1", way.pages, 60)
		if faxes {
			sum("l1", way.messages, 30)
		}
		if second > 0 {
			sum("l2", way.pages, second)
		}
	}
	if mssante != nil {
		b.MSSante.Messages = []ledger.Volume{{Month: month, Establishment: "chu", Service: "onco", Sent: mssante, Received: mssante}}
	}
	return b
}

func TestMSSanteIsComparedWithFaxOnlyInMessages(t *testing.T) {
	n := int64(30)
	for name, c := range map[string]struct {
		books   indicators.Books
		faxes   int64 // -1: unknown
		certain bool
		share   float64 // -1: unknown
	}{
		"machines count messages":             {exchange(t, true, 0, &n), 60, true, 0.5},
		"one counts pages only":               {exchange(t, true, 30, &n), 90, false, 0.4},
		"none counts messages":                {exchange(t, false, 30, &n), -1, false, -1},
		"nothing was declared of MSSanté":     {exchange(t, true, 0, nil), 60, true, -1},
		"nobody used MSSanté, which was said": {exchange(t, true, 0, new(int64)), 60, true, 0},
	} {
		list := indicators.Substitutions(c.books, 202609, indicators.Structure)
		if len(list) != 1 {
			t.Errorf("%s: got %d scopes, want 1", name, len(list))
			continue
		}
		got := list[0]
		if c.faxes < 0 != (got.Faxes == nil) || got.Faxes != nil && (*got.Faxes != c.faxes || got.Certain != c.certain) {
			t.Errorf("%s: got %v faxes, certain %v; want %d, %v", name, got.Faxes, got.Certain, c.faxes, c.certain)
		}
		if c.share < 0 != (got.Share == nil) || got.Share != nil && *got.Share != c.share {
			t.Errorf("%s: got a share of %v, want %v", name, got.Share, c.share)
		}
		if got.Pages == nil {
			t.Errorf("%s: the pages are unknown", name)
		}
	}
}

func TestPagesOfBothWaysAreUnknownWhereOneWayIs(t *testing.T) {
	sum := func(line string, m wire.Measure, n int64) ledger.MonthSum {
		return ledger.MonthSum{Account: ledger.Account{Establishment: "chu", Service: "onco", Line: line}, Measure: m, Unit: "pages", Month: 202609, Count: n}
	}
	for name, c := range map[string]struct {
		sums []ledger.MonthSum
		want string
	}{
		"both ways":                    {[]ledger.MonthSum{sum("l1", wire.FaxSentPages, 60), sum("l1", wire.FaxReceivedPages, 40)}, "100"},
		"one machine doesn't tell way": {[]ledger.MonthSum{sum("l1", wire.FaxSentPages, 60), sum("l1", wire.FaxReceivedPages, 40), sum("l2", wire.FaxPages, 7)}, "107"},
		"no machine tells way":         {[]ledger.MonthSum{sum("l2", wire.FaxPages, 7)}, "7"},
		"nothing of one way":           {[]ledger.MonthSum{sum("l1", wire.FaxSentPages, 60), sum("l2", wire.FaxPages, 7)}, "unknown"},
	} {
		n := int64(30)
		b := exchange(t, false, 0, &n)
		b.Months, b.Lines = c.sums, nil
		got := "unknown"
		if list := indicators.Substitutions(b, 202609, indicators.Structure); len(list) == 1 && list[0].Pages != nil {
			got = fmt.Sprint(*list[0].Pages)
		}
		if got != c.want {
			t.Errorf("%s: got %s pages, want %s", name, got, c.want)
		}
	}
}

func TestAShareOfWhatSomeServicesDeclaredIsTheLeastThatItMayBe(t *testing.T) {
	n := int64(30)
	b := exchange(t, true, 0, &n)
	if list := indicators.Substitutions(b, 202609, indicators.Structure); len(list) != 1 || list[0].AtLeast {
		t.Errorf("all services declared: got %+v, want nothing missing", list)
	}
	b.Register.Services["saas"] = ledger.Service{ID: "saas", Establishment: "chu", Name: "SAAS"}
	if list := indicators.Substitutions(b, 202609, indicators.Structure); len(list) != 1 || !list[0].AtLeast {
		t.Errorf("one of two services declared: got %+v, want at least that", list)
	}
}
