package status

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/zerofax/zerofax/agent/wire"
)

func scrape(t *testing.T, p *Page) string {
	t.Helper()
	w := ask(p, http.MethodGet, "/metrics")
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got, want := w.Header().Get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8"; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	return w.Body.String()
}

// broken tells a metric that none can be made of.
type broken struct{}

func (broken) Describe(chan<- *prometheus.Desc) {}

func (broken) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.NewInvalidMetric(targets, errors.New("two of a kind"))
}

func TestMetricsThatCannotBeGatheredAreAnError(t *testing.T) {
	w, registry := httptest.NewRecorder(), prometheus.NewRegistry()
	registry.MustRegister(broken{})
	exposed(registry, slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "two of a kind") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestMetricsTellWhatThePageTells(t *testing.T) {
	a := ward()
	a.link.Certificate = &wire.CertificateState{Serial: "4a01", NotAfter: noon.Add(30 * 24 * time.Hour)}
	p := newPage(t, a)
	p.Figures.Looked(20*time.Millisecond, true)
	p.Figures.Looked(6*time.Second, false)
	got := scrape(t, p)
	for _, want := range []string{
		`zerofax_agent_build_info{agent="ps-01",goversion="go1`, `zerofax_agent_targets{state="silent"} 2`, `zerofax_agent_targets{state="answering"} 3`,
		"zerofax_agent_devices_up 4\n", "zerofax_agent_spool_envelopes 3\n", "zerofax_agent_spool_bytes 45678\n", "zerofax_agent_spool_max_bytes 2.56e+08\n",
		"zerofax_agent_spool_oldest_timestamp_seconds 1.79085591e+09\n", "zerofax_agent_spool_dropped_total 0\n", "zerofax_agent_spool_damaged_total 0\n",
		"zerofax_agent_spool_fault 0\n", "zerofax_agent_disk_free_bytes 1.2345678901e+10\n", "zerofax_agent_link_up 1\n", "zerofax_agent_envelopes_sent_total 322\n",
		"zerofax_agent_acks_total 321\n", "zerofax_agent_snmp_requests_total 1000\n",
		"zerofax_agent_snmp_retries_total 12\n", "zerofax_agent_snmp_rediscoveries_total 1\n", "zerofax_agent_last_ack_timestamp_seconds 1.790855998e+09\n",
		"zerofax_agent_certificate_not_after_timestamp_seconds 1.793448e+09\n",
		`zerofax_agent_polls_total{result="answered"} 1`, `zerofax_agent_polls_total{result="failed"} 1`, `zerofax_agent_poll_seconds_bucket{le="1"} 1`,
		"zerofax_agent_poll_seconds_count 2\n", "go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(got, want) && !strings.HasPrefix(want, "process_") { // only where the system tells
			t.Errorf("lacks %q", want)
		}
	}
}

func TestWhatIsNotKnownIsNoMetric(t *testing.T) {
	a := linked()
	a.link, a.spool.Free = Link{}, -1
	got := scrape(t, newPage(t, a))
	for _, unknown := range []string{"zerofax_agent_certificate_not_after_timestamp_seconds", "zerofax_agent_last_ack_timestamp_seconds", "zerofax_agent_spool_oldest_timestamp_seconds", "zerofax_agent_disk_free_bytes"} {
		if strings.Contains(got, unknown) {
			t.Errorf("%s is told", unknown)
		}
	}
	if !strings.Contains(got, "zerofax_agent_link_up 0\n") || !strings.Contains(got, `zerofax_agent_polls_total{result="failed"} 0`) {
		t.Error("what is 0 isn't told")
	}
}

func TestMetricsDontGrowWithTheFleet(t *testing.T) {
	few, many := strings.Count(scrape(t, newPage(t, fleet(1))), "\n"), strings.Count(scrape(t, newPage(t, fleet(500))), "\n")
	if few != many {
		t.Errorf("%d lines for 1 device, %d for 500", few, many)
	}
}

func TestMetricsAreCleanByPromlint(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, newPage(t, ward())))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		if strings.HasPrefix(problem.Metric, "zerofax_") {
			t.Errorf("%s: %s", problem.Metric, problem.Text)
		}
	}
	if err := prometheus.NewPedanticRegistry().Register(figuresOf{newPage(t, ward())}); err != nil {
		t.Error(err)
	}
}
