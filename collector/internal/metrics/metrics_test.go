package metrics_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/metrics"
)

var update = flag.Bool("update", false, "write the golden files")

type books struct {
	snapshot ledger.Snapshot
	err      error
}

func (b books) Snapshot(context.Context) (ledger.Snapshot, error) { return b.snapshot, b.err }

var noon = wire.TimeOf(time.Date(2026, 10, 1, 12, 0, 0, 500e6, time.UTC))

// ward has a machine that counts both ways, one that counts what it printed, one that can't
// tell the direction, and one that was never read.
func ward() ledger.Snapshot {
	return ledger.Snapshot{
		At: noon,
		Devices: []ledger.Device{
			{
				ID: "kyocera-vcf1", Vendor: "kyocera", Model: "TASKalfa 3253ci", Agent: "ps-01", Up: true, FaxService: wire.ServiceReady,
				Totals: map[wire.Measure]int64{wire.FaxSentPages: 30, wire.FaxReceivedPages: 4, wire.FaxPrintedPages: 99, wire.FaxSent: 7},
				Counters: []ledger.Counter{
					{Measure: wire.FaxSentPages, Unit: "pages", Rule: "old", Total: 10},
					{Measure: wire.FaxSentPages, Unit: "pages", Rule: "new", Current: true, Total: 20},
					{Measure: wire.FaxReceivedPages, Unit: "pages", Rule: "r", Current: true, Total: 4},
					{Measure: wire.FaxPrintedPages, Unit: "sides", Rule: "r", Current: true, Total: 99},
					{Measure: wire.FaxSent, Unit: "faxes", Rule: "r", Current: true, Total: 7},
				},
				Anomalies: map[ledger.AnomalyKind]int64{ledger.RuleChanged: 1},
			},
			{
				ID: "xerox-3359", Vendor: "xerox", Model: `AltaLink "C8055"`, Agent: "ps-01", Up: true, FaxService: wire.ServiceAttention,
				Totals:   map[wire.Measure]int64{wire.FaxPrintedPages: 5, wire.FaxReceived: 2},
				Counters: []ledger.Counter{{Measure: wire.FaxPrintedPages, Unit: "images", Rule: "r", Current: true, Total: 5}},
			},
			{ID: "lexmark-7016", Vendor: "lexmark", Agent: "ps-02", FaxService: wire.ServiceUnknown, Totals: map[wire.Measure]int64{wire.FaxPages: 250}},
			{ID: "ricoh-w1", Vendor: "ricoh", Agent: "ps-02", FaxService: wire.ServiceUnavailable},
		},
		Lines: []ledger.Line{
			{
				ID: "kyocera-vcf1", Device: "kyocera-vcf1", State: ledger.Active, Status: wire.LineIdle, LastFax: noon, LastReading: noon.Add(time.Second),
				Totals: map[wire.Measure]int64{wire.FaxSentPages: 30, wire.FaxReceivedPages: 4},
			},
			{ID: "ricoh-w1", Device: "ricoh-w1", State: ledger.Blind, Status: wire.LineUnknown},
			{
				ID: "0241354000", Device: "xerox-3359", Establishment: "490000031", Site: "nord", Pole: "urgences", Service: "saas",
				State: ledger.Overdue, Status: wire.LineBusy, Cutoff: noon.Add(-time.Hour),
			},
		},
		Agents: []ledger.Agent{
			{ID: "ps-01", Up: true, LastSeen: noon, Version: "0.1.0", OS: "linux/amd64", Spool: wire.SpoolState{Envelopes: 3}, Dropped: 12},
			{ID: "ps-02"},
		},
		Envelopes: map[ledger.Verdict]int64{ledger.Applied: 100, ledger.Duplicate: 5},
	}
}

func registry(t *testing.T, b books) *prometheus.Registry {
	t.Helper()
	c := metrics.New(b, func() int64 { return 9 }, "0.1.0")
	c.Ingested(20 * time.Millisecond)
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(c); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheExpositionIsTheContract(t *testing.T) {
	for name, b := range map[string]books{"ward": {snapshot: ward()}, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			got := exposition(t, registry(t, b))
			golden := "testdata/" + name + ".prom"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant as in %s", got, golden)
			}
		})
	}
}

func exposition(t *testing.T, r *prometheus.Registry) string {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	return regexp.MustCompile(`goversion="[^"]*"`).ReplaceAllString(text.String(), `goversion="GO"`)
}

func TestNamesAndHelpPassPromlint(t *testing.T) {
	problems, err := testutil.GatherAndLint(registry(t, books{snapshot: ward()}))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestAScrapeFailsAsAWholeWhenTheBooksCannotBeRead(t *testing.T) {
	_, err := registry(t, books{err: errors.New("disk on fire")}).Gather()
	if err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("got %v, want the reason", err)
	}
}
