package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/metrics"
)

// told books what a journal tells of a line: a fax to a number outside on each of some days.
func (h *hospital) told(line string, days ...string) {
	h.Helper()
	id, err := h.BeginImport(h.Context(), ledger.Author{Who: "test"}, ledger.Import{Journal: "fax", Profile: "hylafax", Source: days[0]})
	if err != nil {
		h.Fatal(err)
	}
	var events []wire.Event
	for _, day := range days {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			h.Fatal(err)
		}
		events = append(events, wire.Event{
			Journal: "fax", Key: strings.Repeat("0", 54) + day, At: wire.TimeOf(at.Add(8 * time.Hour)), Unit: wire.Message, Witness: wire.Sender, Result: wire.Done,
			Pages: 1, From: line, To: "0155550001",
		})
	}
	if _, err := h.BookEvents(h.Context(), id, events, 0, 0); err != nil {
		h.Fatal(err)
	}
	if err := h.EndImport(h.Context(), id); err != nil {
		h.Fatal(err)
	}
}

func TestWhatJournalsChangeInTheMetricsIsTheSameWhetherItIsKeptOrNot(t *testing.T) {
	h := newHospital(t)
	kept := &journaled{books: h.Ledger}
	of := func(j *journaled) (list []metrics.Faxes) {
		t.Helper()
		books, err := h.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if list, err = j.faxes(t.Context(), &books); err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(list, func(a, b metrics.Faxes) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return slices.DeleteFunc(list, func(f metrics.Faxes) bool { return f.Count == 0 })
	}
	check := func(what string, want ...metrics.Faxes) {
		t.Helper()
		if got, anew := of(kept), of(&journaled{books: h.Ledger}); !slices.Equal(got, want) || !slices.Equal(anew, want) {
			t.Errorf("%s: got %+v, and anew %+v; want %+v", what, got, anew, want)
		}
	}
	const line = "0241354000"
	declare := func(service string) {
		h.declares(func(r *ledger.Register) {
			r.Establishments["chu"] = ledger.Establishment{ID: "chu"}
			r.Services[service] = ledger.Service{ID: service, Establishment: "chu"}
			r.Lines[line] = []ledger.Declaration{{Line: line, Number: line, Device: "kyocera-1", Place: ledger.Place{Service: service}}}
		})
	}
	sent := func(service string, n int64) metrics.Faxes {
		return metrics.Faxes{Establishment: "chu", Service: service, Direction: ledger.Sent, Count: n}
	}
	declare("saas")
	h.reads("kyocera-1", 0, map[wire.Measure]int64{wire.FaxSent: 10})
	h.reads("kyocera-1", 1, map[wire.Measure]int64{wire.FaxSent: 15})
	check("no journal tells anything")
	h.told(line, "2026-03-02", "2026-03-03")
	check("a journal tells of two where the machine counted five", sent("saas", -3))
	h.reads("kyocera-1", 0, map[wire.Measure]int64{wire.FaxSent: 19})
	check("the machine counted four more", sent("saas", -7))
	h.told(line, "2026-03-01")
	check("the journal tells of one more", sent("saas", -6))
	declare("radio")
	check("the line is another service's", sent("radio", -6))
}
