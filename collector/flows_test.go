package main

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// journals books an import of messages, "from to" of each, one each five days.
func (h *hospital) journals(name string, at time.Time, messages ...string) (id int64) {
	h.Helper()
	id, err := h.BeginImport(h.Context(), ledger.Author{Who: "test"}, ledger.Import{Journal: name, Profile: "hylafax", Source: name + ".log"})
	if err != nil {
		h.Fatal(err)
	}
	var events []wire.Event
	for i, m := range messages {
		from, to, _ := strings.Cut(m, " ")
		witness := wire.Sender
		if strings.HasPrefix(from, "09") {
			witness = wire.Receiver
		}
		events = append(events, wire.Event{
			Journal: name, Key: fmt.Sprint(name, at.Unix(), " ", i), At: wire.TimeOf(at.Add(time.Duration(i) * 5 * 24 * time.Hour)), Unit: wire.Message,
			Witness: witness, From: from, To: to, Pages: 2, Result: wire.Done,
		})
	}
	if _, err := h.BookEvents(h.Context(), id, events, 0, 0); err != nil {
		h.Fatal(err)
	}
	if err := h.EndImport(h.Context(), id); err != nil {
		h.Fatal(err)
	}
	return id
}

// messages are those of each projection by "service direction".
func (h *hospital) messages() map[string]totals {
	all := map[string]totals{"metrics": {}, "indicators": {}, "indicators, months together": {}}
	for _, m := range h.families()["zerofax_faxes_total"].Metric {
		labels := map[string]string{}
		for _, l := range m.Label {
			labels[l.GetName()] = l.GetValue()
		}
		all["metrics"].add(labels["service"], labels["direction"], int64(m.Counter.GetValue()))
	}
	for name, per := range map[string]string{"indicators": "&per=month", "indicators, months together": ""} {
		for _, f := range data[struct {
			Scope     struct{ Service string }
			Indicator string
			Value     *int64
			Basis     struct{ Parts []struct{ Measure string } }
		}](h, "/api/v1/indicators?from=2026-03&to=2026-05&by=service"+per) {
			way, fax := strings.CutPrefix(f.Indicator, "fax_")
			if fax && f.Value != nil && len(f.Basis.Parts) > 0 && !strings.HasSuffix(f.Basis.Parts[0].Measure, "_pages") {
				all[name].add(f.Scope.Service, way, *f.Value)
			}
		}
	}
	return all
}

func TestMessagesOfJournalsAgreeEverywhereAndUndoingAnImportRestoresTheCounters(t *testing.T) {
	h := newHospital(t)
	h.declares(func(r *ledger.Register) {
		r.Establishments["chu"] = ledger.Establishment{ID: "chu", Name: "CHU"}
		for line, service := range map[string]string{"0241354000": "saas", "0241354001": "onco"} {
			r.Services[service] = ledger.Service{ID: service, Establishment: "chu", Name: service}
			r.Lines[line] = []ledger.Declaration{{Line: line, Number: line, Device: "kyocera-" + line[9:], Place: ledger.Place{Establishment: "chu", Service: service}}}
		}
	})
	for _, device := range []string{"kyocera-0", "kyocera-1"} {
		h.reads(device, 1, map[wire.Measure]int64{wire.FaxSent: 0, wire.FaxReceived: 0})
	}
	h.reads("kyocera-0", 20, map[wire.Measure]int64{wire.FaxSent: 9, wire.FaxReceived: 1})
	h.reads("kyocera-1", 0, map[wire.Measure]int64{wire.FaxSent: 4, wire.FaxReceived: 6})
	h.now = h.now.AddDate(0, 1, 0)
	counted := totals{"saas sent": 9, "saas received": 1, "onco sent": 4, "onco received": 6}
	h.agreeOnMessages("only counters", counted)

	march := time.Date(2026, 3, 3, 8, 0, 0, 0, time.UTC)
	id := h.journals("serveur", march, "0241354000 0912345678", "0241354000 0912345678", "0241354000 0241354001", "0912345678 0241354000", "0241354000 0241354001")
	h.agreeOnMessages("a journal tells of the one line; the other's counter has the two internal ones, too", totals{
		"saas sent": 2, "saas received": 1, "saas internal": 2, "onco sent": 4, "onco received": 4,
	})
	var inFile int64
	rows, err := csv.NewReader(strings.NewReader(strings.ReplaceAll(h.get("/flows.csv?from=2026-03&to=2026-04"), ";", ","))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		n, _ := strconv.ParseInt(row[7], 10, 64)
		inFile += n
	}
	if inFile != 5 {
		t.Errorf("got %d messages in the file of flows, want all 5", inFile)
	}
	if page := h.get("/flows?from=2026-03&to=2026-04"); !strings.Contains(page, "<strong>5</strong>") {
		t.Error("the page of flows doesn't tell 5 messages in all")
	}
	if page := h.get("/lines/0241354000"); !strings.Contains(page, "dont 2 internes") || !strings.Contains(page, "9 messages") {
		t.Error("the line's page doesn't tell what its journal says beside its counter")
	}

	if _, err := h.UndoImport(h.Context(), ledger.Author{Who: "test"}, id); err != nil {
		t.Fatal(err)
	}
	h.agreeOnMessages("undone", counted)
}

func (h *hospital) agreeOnMessages(when string, want totals) {
	h.Helper()
	for name, got := range h.messages() {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			h.Errorf("%s, %s: got %v, want %v", when, name, got, want)
		}
	}
}
