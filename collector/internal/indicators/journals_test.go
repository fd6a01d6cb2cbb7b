package indicators_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// journal covers lines from a day to another.
func journal(from, to ledger.Day, lines ...string) ledger.JournalSpan {
	return ledger.JournalSpan{Journal: "hylafax", Unit: wire.Message, From: from, To: to, Lines: lines}
}

// inWords is a figure of a service in a month: value, source, certainty and days.
func inWords(b indicators.Books, month ledger.Month, service string, indicator indicators.Indicator) string {
	for _, f := range indicators.Compute(b, month, month, indicators.Service) {
		if f.Scope.Service != service || f.Indicator != indicator || f.Of != "faxes" {
			continue
		}
		value := "unknown"
		if f.Value != nil {
			value = fmt.Sprint(*f.Value)
		}
		return fmt.Sprintf("%s, %s, %s, %.1f of %d", value, f.Basis.Source, f.Basis.Certainty, f.Completeness.Watched, f.Completeness.Days)
	}
	return "no figure"
}

// one leaves saas only the line whose machine counts messages.
func one(b indicators.Books) indicators.Books {
	b.Lines = append(b.Lines[:1:1], b.Lines[2:]...)
	return b
}

func TestMessagesOfALineComeFromItsJournalOrItsCounterAndNeverFromBoth(t *testing.T) {
	told := ledger.LineMessages{Month: 202609, Line: "0241354000", Sent: 25, Received: 9, InternalSent: 4}
	for name, c := range map[string]struct {
		journals              ledger.Journals
		sent, received, inner string
	}{
		"no journal": {
			ledger.Journals{},
			"31, counters, certain, 30.0 of 30", "no figure", "unknown, no_source, unknown, 0.0 of 30",
		},
		"all of the month": {
			ledger.Journals{Messages: []ledger.LineMessages{told}, Coverage: []ledger.JournalSpan{journal("2026-08-15", "2026-10-02", told.Line)}},
			"25, journals, certain, 30.0 of 30", "9, journals, certain, 30.0 of 30", "4, journals, certain, 30.0 of 30",
		},
		"two journals that overlap": {
			ledger.Journals{Messages: []ledger.LineMessages{told}, Coverage: []ledger.JournalSpan{
				journal("2026-09-01", "2026-09-20", told.Line), journal("2026-09-10", "2026-09-30", told.Line),
			}},
			"25, journals, certain, 30.0 of 30", "9, journals, certain, 30.0 of 30", "4, journals, certain, 30.0 of 30",
		},
		"two thirds of it": {
			ledger.Journals{Messages: []ledger.LineMessages{told}, Coverage: []ledger.JournalSpan{journal("2026-09-11", "2026-09-30", told.Line)}},
			"25, journals, at_least, 20.0 of 30", "9, journals, at_least, 20.0 of 30", "4, journals, at_least, 20.0 of 30",
		},
		"its last days only: the counter, less what both know": {
			ledger.Journals{Messages: []ledger.LineMessages{told}, Coverage: []ledger.JournalSpan{journal("2026-09-28", "2026-09-30", told.Line)}},
			"27, counters, certain, 30.0 of 30", "9, journals, at_least, 3.0 of 30", "4, journals, at_least, 3.0 of 30",
		},
		"only the other end's": {
			ledger.Journals{
				Messages: []ledger.LineMessages{{Month: 202609, Line: told.Line, InternalSent: 4}},
				Coverage: []ledger.JournalSpan{journal("2026-09-01", "2026-09-30", "0262000001")},
			},
			"27, counters, certain, 30.0 of 30", "no figure", "4, journals, at_least, 0.0 of 30",
		},
		"of calls": {
			ledger.Journals{Coverage: []ledger.JournalSpan{{Journal: "pabx", Unit: wire.Call, From: "2026-09-01", To: "2026-09-30", Lines: []string{told.Line}}}},
			"31, counters, certain, 30.0 of 30", "no figure", "unknown, not_watched, unknown, 0.0 of 30",
		},
		"all of the month, and there was nothing": {
			ledger.Journals{Coverage: []ledger.JournalSpan{journal("2026-09-01", "2026-09-30", told.Line)}},
			"0, journals, certain, 30.0 of 30", "0, journals, certain, 30.0 of 30", "0, journals, certain, 30.0 of 30",
		},
	} {
		b := one(hospital(t))
		b.Journals = c.journals
		for indicator, want := range map[indicators.Indicator]string{
			indicators.FaxSent: c.sent, indicators.FaxReceived: c.received, indicators.FaxInternal: c.inner,
		} {
			if got := inWords(b, 202609, "saas", indicator); got != want {
				t.Errorf("%s: %s: got %s, want %s", name, indicator, got, want)
			}
		}
	}
}

func TestWhatJournalsDoNotTellOfOtherLinesIsSaid(t *testing.T) {
	b := hospital(t)
	b.Journals = ledger.Journals{
		Messages: []ledger.LineMessages{{Month: 202609, Line: "0241354001", Received: 6}},
		Coverage: []ledger.JournalSpan{journal("2026-09-01", "2026-09-30", "0241354001")},
	}
	for indicator, want := range map[indicators.Indicator]string{
		indicators.FaxSent:     "31, journals_and_counters, certain, 30.0 of 30",
		indicators.FaxReceived: "6, journals, at_least, 15.0 of 30", // half of the lines
		indicators.FaxInternal: "0, journals, at_least, 15.0 of 30",
	} {
		if got := inWords(b, 202609, "saas", indicator); got != want {
			t.Errorf("%s: got %s, want %s", indicator, got, want)
		}
	}
	if got, want := inWords(b, 202609, "archives", indicators.FaxInternal), "unknown, not_watched, unknown, 0.0 of 30"; got != want {
		t.Errorf("a service without lines: got %s, want %s", got, want)
	}
}

func TestAMachineOfSeveralLinesDoesNotCountAgainWhatAJournalTells(t *testing.T) {
	b := one(hospital(t))
	for i := range b.Lines[0].History {
		b.Lines[0].History[i].Device = "kyocera-7"
	}
	b.Months = []ledger.MonthSum{{Account: ledger.Account{Establishment: "nord", Pole: "urgences", Service: "saas", Device: "kyocera-7"}, Month: 202609, Measure: wire.FaxSent, Unit: "faxes", Count: 31}}
	b.Journals = ledger.Journals{
		Messages: []ledger.LineMessages{{Month: 202609, Line: "0241354000", Sent: 12}},
		Coverage: []ledger.JournalSpan{journal("2026-09-01", "2026-09-30", "0241354000")},
	}
	if got, want := inWords(b, 202609, "saas", indicators.FaxSent), "12, journals, certain, 30.0 of 30"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// network are flows of all kinds: between services, within one, of a line that is unassigned, and of one that is no more.
func network() []ledger.FlowSum {
	sum := func(month ledger.Month, from, to string, count int64) ledger.FlowSum {
		return ledger.FlowSum{Month: month, Unit: wire.Message, From: from, To: to, Count: count, Failed: 1, Pages: 2 * count, Paged: count}
	}
	return []ledger.FlowSum{
		sum(202606, "", "0241354002", 3), sum(202606, "0241354000", "0241354002", 5), sum(202606, "0241354002", "0241354000", 2),
		sum(202609, "", "0241354009", 7), sum(202609, "0241354000", "", 20), sum(202609, "0241354000", "0241354001", 4),
		sum(202609, "0241354002", "0262000001", 6), sum(202609, "kyocera-1", "0241354002", 1), sum(202609, "0241354009", "", 8),
	}
}

func TestTheLevelsAgreeOnWhatJournalsTell(t *testing.T) {
	b := hospital(t)
	b.Journals = ledger.Journals{Messages: ledger.ByLine(network()), Coverage: []ledger.JournalSpan{
		journal("2026-06-01", "2026-09-30", "0241354000", "0241354001", "0241354002", "0241354009", "0262000001", "kyocera-1"),
	}}
	for _, level := range indicators.Levels() {
		sums := map[indicators.Indicator]int64{}
		for _, month := range []ledger.Month{202606, 202609} {
			for _, f := range indicators.Compute(b, month, month, level) {
				if f.Of == "faxes" && f.Value != nil {
					sums[f.Indicator] += *f.Value
				}
			}
		}
		got := fmt.Sprint(sums[indicators.FaxSent], sums[indicators.FaxReceived], sums[indicators.FaxInternal])
		if want := "28 10 18"; got != want {
			t.Errorf("by %s: got %s sent, received and internal; want %s", level, got, want)
		}
	}
}

func TestFiguresOfSeveralMonthsAreTheSameWhenJournalsAreHeardOnce(t *testing.T) {
	b := hospital(t)
	b.Journals = ledger.Journals{Messages: ledger.ByLine(network()), Coverage: []ledger.JournalSpan{
		journal("2026-06-01", "2026-06-30", "0241354000", "0241354002"), journal("2026-09-28", "2026-09-30", "0241354000", "0241354009"),
	}}
	first, last := ledger.Month(202606), ledger.Month(202609)
	heard := b.Heard(first, last)
	for _, level := range indicators.Levels() {
		var months sync.WaitGroup
		for month := first; month <= last; month = month.Add(1) {
			months.Go(func() {
				for range 2 { // nothing of one figure is left in the next one
					if got, want := indicators.Compute(heard, month, month, level), indicators.Compute(b, month, month, level); !reflect.DeepEqual(got, want) {
						t.Errorf("%d by %s: got %+v, want %+v", month, level, got, want)
					}
				}
			})
		}
		months.Wait()
		for _, p := range [][2]ledger.Month{{first, last}, {202608, last}, {202605, 202607}} {
			if got, want := indicators.Compute(heard, p[0], p[1], level), indicators.Compute(b, p[0], p[1], level); !reflect.DeepEqual(got, want) {
				t.Errorf("%v by %s: got %+v, want %+v", p, level, got, want)
			}
		}
	}
}

func TestFlowsBelongWhereTheirLinesStoodAndNoneIsLost(t *testing.T) {
	b := hospital(t)
	var got []string
	for _, f := range indicators.Traffic(b.Register, b.Lines, network(), indicators.Pole, true) {
		name := func(e indicators.End) string {
			if e.Kind == indicators.Outside {
				return "outside"
			}
			return e.Establishment + "/" + e.Pole
		}
		got = append(got, fmt.Sprintf("%s %s→%s %d", f.From, name(f.Source), name(f.Destination), f.Count))
	}
	want := []string{
		"2026-06 nord/urgences→nord/urgences 7", // oncology belonged there
		"2026-06 outside→nord/urgences 3",
		"2026-09 /→nord/medecine 1", // of a machine that nobody assigned
		"2026-09 /→outside 8",       // of a line that is no more
		"2026-09 nord/medecine→sud/rein 6",
		"2026-09 nord/urgences→nord/urgences 4",
		"2026-09 nord/urgences→outside 20",
		"2026-09 outside→/ 7",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, level := range indicators.Levels() {
		for _, each := range []bool{true, false} {
			var sum ledger.FlowSum
			for _, f := range indicators.Traffic(b.Register, b.Lines, network(), level, each) {
				sum.Count, sum.Failed, sum.Pages, sum.Paged = sum.Count+f.Count, sum.Failed+f.Failed, sum.Pages+f.Pages, sum.Paged+f.Paged
			}
			if want := (ledger.FlowSum{Count: 56, Failed: 9, Pages: 112, Paged: 56}); sum != want {
				t.Errorf("by %s: got %+v, want %+v", level, sum, want)
			}
		}
	}
}

func TestFlowsAreTheSameInWhateverOrderTheirSumsCome(t *testing.T) {
	b := hospital(t)
	sums := append(network(), ledger.FlowSum{Month: 202606, Unit: wire.Call, From: "0241354000", To: "0241354002", Count: 9})
	for _, each := range []bool{true, false} {
		want := fmt.Sprint(indicators.Traffic(b.Register, b.Lines, sums, indicators.Service, each))
		for range 20 {
			rand.Shuffle(len(sums), func(i, j int) { sums[i], sums[j] = sums[j], sums[i] })
			if got := fmt.Sprint(indicators.Traffic(b.Register, b.Lines, sums, indicators.Service, each)); got != want {
				t.Fatalf("of %v:\ngot  %s\nwant %s", sums, got, want)
			}
		}
	}
}

func TestServicesAreRankedAndInternalFaxesAddUpBothWays(t *testing.T) {
	b := hospital(t)
	parties := indicators.Parties(indicators.Traffic(b.Register, b.Lines, network(), indicators.Service, false))
	var sent, received int64
	for _, p := range parties {
		sent, received = sent+p.InternalSent, received+p.InternalReceived
	}
	if sent != 18 || received != 18 {
		t.Errorf("got %d internal faxes sent and %d received, want 18 of both", sent, received)
	}
	var got []string
	for _, p := range indicators.Top(parties, 3, (*indicators.Party).Out) {
		got = append(got, fmt.Sprintf("%s %d", p.Name, p.Out()))
	}
	if want := "SAAS 29,  9, Oncologie 8"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

func TestHowMuchOfTheTimeJournalsTellOf(t *testing.T) {
	b := hospital(t)
	b.Journals.Coverage = []ledger.JournalSpan{journal("2026-09-21", "2026-09-30", "0241354000", "0262000001")}
	nord := func(p ledger.Place) bool { return p.Establishment == "nord" }
	days, of, lines := indicators.Told(b, wire.Message, 202609, 202609, nord)
	if got, want := fmt.Sprintf("%.0f of %.0f days, %d lines", days, of, lines), "10 of 90 days, 1 lines"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
