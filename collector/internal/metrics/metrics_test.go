package metrics_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/metrics"
)

var update = flag.Bool("update", false, "write the golden files")

type books struct {
	snapshot ledger.Snapshot
	err      error
	open     int64  // anomalies
	key      []byte // by which numbers are hidden
	notReady error
}

func (b books) Snapshot(context.Context) (ledger.Snapshot, error) { return b.snapshot, b.err }

func (b books) Watch(context.Context, int) (ledger.Watch, error) {
	return ledger.Watch{OpenCount: b.open}, nil
}

func (b books) ready() error { return b.notReady }

var noon = wire.TimeOf(time.Date(2026, 10, 1, 12, 0, 0, 500e6, time.UTC))

// ward has a machine that counts both ways, one that counts what it printed, one that can't
// tell the direction, and one that was never read.
func ward() ledger.Snapshot {
	kyocera := ledger.Account{Device: "kyocera-vcf1", Line: "kyocera-vcf1"}
	printed := kyocera
	printed.Evidence = true
	saas := ledger.Account{Establishment: "chu", Site: "nord", Pole: "urgences", Service: "saas", Device: "xerox-3359", Line: "0241354000"}
	shared := ledger.Account{Establishment: "chu", Pole: "urgences", Device: "lexmark-7016"}
	return ledger.Snapshot{
		At: noon, Month: 202610,
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
				Totals: map[wire.Measure]int64{wire.FaxPrintedPages: 5, wire.FaxReceived: 2},
				Counters: []ledger.Counter{
					{Measure: wire.FaxPrintedPages, Unit: "images", Rule: "r", Current: true, Total: 5},
					{Measure: wire.FaxReceived, Unit: "faxes", Rule: "r", Current: true, Total: 2},
				},
			},
			{
				ID: "lexmark-7016", Vendor: "lexmark", Agent: "ps-02", FaxService: wire.ServiceUnknown,
				Totals:   map[wire.Measure]int64{wire.FaxPages: 250},
				Counters: []ledger.Counter{{Measure: wire.FaxPages, Unit: "pages", Rule: "r", Current: true, Total: 250}},
			},
			{ID: "ricoh-w1", Vendor: "ricoh", Agent: "ps-02", FaxService: wire.ServiceUnavailable},
		},
		Lines: []ledger.Line{
			{ID: "kyocera-vcf1", Device: "kyocera-vcf1", State: ledger.Active, Status: wire.LineIdle, LastFax: noon, LastReading: noon.Add(time.Second)},
			{ID: "ricoh-w1", Device: "ricoh-w1", State: ledger.Blind, Observed: ledger.Blind, Status: wire.LineUnknown, CutOn: "2027-01-31", KeptUntil: "2027-06-30", Zone: time.UTC},
			{
				ID: "0241354000", Declared: true, Number: "0241354000", Device: "xerox-3359", Establishment: "chu", Site: "nord", Pole: "urgences", Service: "saas",
				State: ledger.Overdue, Observed: ledger.Active, Status: wire.LineBusy, CutoffAt: noon.Add(-time.Hour),
				AfterCutoff: ledger.AfterTotals{Pages: 3, Noticed: noon.Add(-time.Minute)},
			},
		},
		Sums: []ledger.Sum{
			{Account: kyocera, Measure: wire.FaxSentPages, Unit: "pages", Count: 30},
			{Account: kyocera, Measure: wire.FaxReceivedPages, Unit: "pages", Count: 4},
			{Account: kyocera, Measure: wire.FaxSent, Unit: "faxes", Count: 7},
			{Account: printed, Measure: wire.FaxPrintedPages, Unit: "sides", Count: 99},
			{Account: saas, Measure: wire.FaxPrintedPages, Unit: "images", Count: 5},
			{Account: saas, Measure: wire.FaxSentPages, Unit: "pages", Count: 0},
			{Account: saas, Measure: wire.FaxReceived, Unit: "faxes", Count: 2},
			{Account: shared, Measure: wire.FaxPages, Unit: "pages", Count: 250},
		},
		Register: ledger.Register{
			Establishments: map[string]ledger.Establishment{"chu": {ID: "chu", Name: "CHU d'Angers", FINESS: "490000031"}},
			Sites:          map[string]ledger.Site{"nord": {ID: "nord", Establishment: "chu", Name: "Site nord"}},
			Poles:          map[string]ledger.Pole{"urgences": {ID: "urgences", Establishment: "chu", Name: "Urgences"}},
			Services: map[string]ledger.Service{
				"saas":     {ID: "saas", Establishment: "chu", Pole: "urgences", Name: "SAAS"},
				"archives": {ID: "archives", Establishment: "chu", Name: "Archives"},
			},
			Targets: map[ledger.TargetKey][]ledger.Target{
				{Indicator: "active_lines"}:                           {{Value: 20}, {From: 202610, Value: 0}, {From: 202701, Value: 5}},
				{Indicator: "fax_sent", Pole: "urgences"}:             {{From: 202601, Value: 50}},
				{Indicator: "mssante_sent", Establishment: "chu"}:     {{Value: 1200}},
				{Indicator: "fax_received", Establishment: "chu"}:     {{Value: 40}, {From: 202609, None: true}}, // no more
				{Indicator: "mssante_received", Establishment: "chu"}: {{From: 202611, Value: 40}},               // not yet
			},
		},
		Mailboxes: []ledger.MailboxCount{
			{Establishment: "chu", State: ledger.MailboxPublished, Count: 3},
			{Service: "saas", State: ledger.MailboxUsed, Count: 2},
			{Establishment: "chu", Service: "saas", State: ledger.MailboxUsed, Count: 1},
			{Establishment: "chu", Service: "archives", State: ledger.NoMailbox, Count: 1},
		},
		Messages: []ledger.Volume{
			{Establishment: "chu", Received: number(900)},
			{Establishment: "chu", Service: "saas", Sent: number(0), Received: number(40)},
		},
		Agents: []ledger.Agent{
			{ID: "ps-01", Up: true, LastSeen: noon, Version: "0.1.0", OS: "linux/amd64", Session: "s", Spool: wire.SpoolState{Envelopes: 3}, Dropped: 12, ClockMS: -1500},
			{ID: "ps-02", Session: "s"},
		},
		Certified: map[string]wire.Time{"ps-01": noon.Add(700 * 24 * time.Hour), "ps-03": noon.Add(-time.Hour)},
		Open: []ledger.OpenEpisode{
			{Kind: ledger.AfterCutoff, Line: "0241354000", Certainty: ledger.Probable, OpenedAt: noon.Add(-time.Minute)},
			{Kind: ledger.AgentSilent, OpenedAt: noon},
		},
		Envelopes: map[ledger.Verdict]int64{ledger.Applied: 100, ledger.Duplicate: 5},
	}
}

func number(n int64) *int64 { return &n }

// handler is what Prometheus asks.
func handler(t testing.TB, b books) http.Handler {
	t.Helper()
	x := metrics.New(metrics.Options{Books: b, Dropped: func() int64 { return 9 }, Ready: b.ready, Version: "0.1.0", LineKey: b.key})
	x.Ingested(20 * time.Millisecond)
	return x.Handler()
}

func scrape(t *testing.T, b books) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	handler(t, b).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w
}

func TestTheExpositionIsTheContract(t *testing.T) {
	for name, b := range map[string]books{"ward": {snapshot: ward(), open: 2}, "empty": {notReady: errors.New("disk full")}} {
		t.Run(name, func(t *testing.T) {
			got := exposition(t, b)
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

func exposition(t *testing.T, b books) string {
	t.Helper()
	w := scrape(t, b)
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("got %d, %q, want 200 and Prometheus's text format:\n%s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return regexp.MustCompile(`goversion="[^"]*"`).ReplaceAllString(w.Body.String(), `goversion="GO"`)
}

func TestNamesAndHelpPassPromlint(t *testing.T) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(exposition(t, books{snapshot: ward()})))
	if err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(prometheus.GathererFunc(gathering(families)))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func gathering[F any](families map[string]*F) func() ([]*F, error) {
	return func() ([]*F, error) { return slices.Collect(maps.Values(families)), nil }
}

func TestAScrapeFailsAsAWholeWhenTheBooksCannotBeRead(t *testing.T) {
	got := scrape(t, books{err: errors.New("disk on fire")})
	if got.Code != http.StatusInternalServerError || !strings.Contains(got.Body.String(), "disk on fire") {
		t.Errorf("got %d, %q, want 500 and the reason", got.Code, got.Body)
	}
}

// A scraper refuses everything when one series comes twice or one label is no text.
func TestStrangeNamesSpoilNoScrape(t *testing.T) {
	b := books{snapshot: ward()}
	strange := "a \"b\" \\c\nd\r\te\x00 é \xff}"
	b.snapshot.Devices[0].Model, b.snapshot.Lines[0].Service, b.snapshot.Agents[0].Version = strange, strange, strange
	b.snapshot.Devices = append(b.snapshot.Devices, ledger.Device{})
	b.snapshot.Lines = append(b.snapshot.Lines, ledger.Line{})
	b.snapshot.Agents = append(b.snapshot.Agents, ledger.Agent{})
	text := exposition(t, b)

	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for name, family := range families {
		for _, m := range family.Metric {
			series := fmt.Sprint(name, m.Label)
			if seen[series] {
				t.Errorf("%s comes twice", series)
			}
			seen[series] = true
		}
	}
	want := strings.ReplaceAll(strange, "\xff", "\uFFFD")
	if !strings.Contains(fmt.Sprint(families["zerofax_device_info"].Metric), fmt.Sprintf("value:%q", want)) {
		t.Errorf("got the models %v, want one of them %q", families["zerofax_device_info"].Metric, want)
	}
}

func TestWhatAnAgentHoldsIsUnknownUntilItSaysSo(t *testing.T) {
	text := exposition(t, books{snapshot: ledger.Snapshot{Agents: []ledger.Agent{{ID: "ps-01", Up: true, LastSeen: noon}}}})
	if !strings.Contains(text, `zerofax_agent_up{agent="ps-01"} 1`) || strings.Contains(text, "zerofax_agent_spool_envelopes") {
		t.Errorf("got:\n%s\nwant the agent up and nothing of its spool", text)
	}
}

// A fall of a sum over many devices would look like a restart from 0 of them all.
func TestASumKeepsWhatWasCountedInAnotherUnit(t *testing.T) {
	account := ledger.Account{Device: "lexmark-1"}
	text := exposition(t, books{snapshot: ledger.Snapshot{Sums: []ledger.Sum{
		{Account: account, Measure: wire.FaxPrintedPages, Unit: "sheets", Count: 5000},
		{Account: account, Measure: wire.FaxPrintedPages, Unit: "sides", Count: 2},
	}}})
	want := `zerofax_fax_pages_total{direction="received",establishment="",pole="",service=""} 5002`
	if !strings.Contains(text, want) {
		t.Errorf("got:\n%s\nwant %s", text, want)
	}
}

func TestHiddenNumbersStandInNoLabel(t *testing.T) {
	text := exposition(t, books{snapshot: ward(), key: []byte("key of this hospital")})
	if strings.Contains(text, "0241354000") {
		t.Error("the number of a line stands in the exposition")
	}
	name := regexp.MustCompile(`zerofax_line_pages_after_cutoff_total{line="([0-9a-f]{16})"} 3`).FindStringSubmatch(text)
	if name == nil || !strings.Contains(text, `line="kyocera-vcf1"`) {
		t.Fatalf("got:\n%s\nwant 16 hexadecimal digits for the number, and a machine's own line by its name", text)
	}
	other := exposition(t, books{snapshot: ward(), key: []byte("key of another one")})
	if strings.Contains(other, name[1]) {
		t.Error("two keys give the same hash")
	}
}

// BenchmarkScrape is a scrape of 10 000 devices without the reading of the ledger.
func BenchmarkScrape(b *testing.B) {
	s := ledger.Snapshot{At: noon}
	for i := range 10_000 {
		id := fmt.Sprintf("kyocera-%06d", i)
		totals := map[wire.Measure]int64{wire.FaxSentPages: 1, wire.FaxReceivedPages: 2}
		s.Devices = append(s.Devices, ledger.Device{ID: id, Vendor: "kyocera", Model: "TASKalfa", Agent: "ps-01", Totals: totals, Counters: []ledger.Counter{
			{Measure: wire.FaxSentPages, Unit: "pages", Current: true, Total: 1}, {Measure: wire.FaxReceivedPages, Unit: "pages", Current: true, Total: 2},
		}})
		s.Lines = append(s.Lines, ledger.Line{ID: id, Device: id, State: ledger.Active, LastReading: noon})
		for _, m := range []wire.Measure{wire.FaxSentPages, wire.FaxReceivedPages} {
			s.Sums = append(s.Sums, ledger.Sum{Account: ledger.Account{Device: id, Line: id}, Measure: m, Unit: "pages", Count: 1})
		}
	}
	metrics := handler(b, books{snapshot: s})
	w := &nowhere{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		metrics.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	}
	b.SetBytes(w.size / int64(b.N))
}

type nowhere struct {
	header http.Header
	size   int64
}

func (n *nowhere) Header() http.Header { return n.header }
func (n *nowhere) WriteHeader(int)     {}
func (n *nowhere) Write(p []byte) (int, error) {
	n.size += int64(len(p))
	return len(p), nil
}

// slow is a ledger that is being read until it is told to end.
type slow struct{ begun, end chan struct{} }

func (s slow) Snapshot(context.Context) (ledger.Snapshot, error) {
	s.begun <- struct{}{}
	<-s.end
	return ledger.Snapshot{}, nil
}

func (s slow) Watch(context.Context, int) (ledger.Watch, error) { return ledger.Watch{}, nil }

func TestScrapesDoNotPileUp(t *testing.T) {
	b := slow{make(chan struct{}), make(chan struct{})}
	x := metrics.New(metrics.Options{Books: b, Dropped: func() int64 { return 0 }}).Handler()
	ask := func() int {
		w := httptest.NewRecorder()
		x.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return w.Code
	}
	codes := make(chan int)
	for range 2 {
		go func() { codes <- ask() }()
		<-b.begun
	}
	if got := ask(); got != http.StatusServiceUnavailable {
		t.Errorf("a third scrape at once: got %d, want 503", got)
	}
	close(b.end)
	for range 2 {
		if got := <-codes; got != http.StatusOK {
			t.Errorf("got %d, want 200", got)
		}
	}
}

func TestWhatOtherPartsTellIsThereToo(t *testing.T) {
	r := prometheus.NewRegistry()
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "other", Help: "Another part's."}, func() float64 { return 3 }))
	x := metrics.New(metrics.Options{Books: books{}, Others: r, Dropped: func() int64 { return 0 }})
	w := httptest.NewRecorder()
	x.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if text := w.Body.String(); !strings.Contains(text, "\nother 3\n") || !strings.Contains(text, "\nzerofax_active_lines{") {
		t.Errorf("got:\n%s\nwant other 3, and the books", text)
	}
}

func TestWhetherAnAgentPollsWhatIsDeclaredIsToldOnlyWhereSomethingIs(t *testing.T) {
	agents := []ledger.Agent{
		{ID: "current", LastSeen: noon, Config: ledger.ConfigView{Standing: ledger.ConfigCurrent, Declared: true}},
		{ID: "refusing", LastSeen: noon, Config: ledger.ConfigView{Standing: ledger.ConfigRefused, Declared: true}},
		{ID: "own", LastSeen: noon, Config: ledger.ConfigView{Standing: ledger.ConfigOwn}},
		{ID: "never-heard", Config: ledger.ConfigView{Standing: ledger.ConfigPending, Declared: true}},
	}
	text := exposition(t, books{snapshot: ledger.Snapshot{Agents: agents}})
	for agent, want := range map[string]string{"current": "1", "refusing": "0", "never-heard": "0"} {
		if line := `zerofax_agent_config_current{agent="` + agent + `"} ` + want; !strings.Contains(text, line) {
			t.Errorf("no %s", line)
		}
	}
	for _, absent := range []string{`config_current{agent="own"}`, `agent_up{agent="never-heard"}`, `dropped_readings_total{agent="never-heard"}`} {
		if strings.Contains(text, absent) {
			t.Errorf("%s is told, want it absent", absent)
		}
	}
}
