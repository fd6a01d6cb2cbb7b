//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/freeport"
)

// rewritten is a file of the repository, below deploy, for a test: with other addresses and a shorter patience.
func rewritten(t *testing.T, name, as string, oldnew ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			t.Fatalf("%s: no %q to put %q for", name, oldnew[i], oldnew[i+1])
		}
		text = strings.ReplaceAll(text, oldnew[i], oldnew[i+1])
	}
	writeFile(t, as, text)
	return as
}

// checked runs a program that checks files, and returns what it says.
func checked(t *testing.T, name string, args ...string) string {
	t.Helper()
	stdout, stderr, code := run(t, name, args...)
	if code != 0 {
		t.Fatalf("%s %s: exit %d\n%s%s", name, strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

func deployed(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAlertmanagerSendsEachAlertToWhomItConcerns(t *testing.T) {
	t.Parallel()
	config := deployed(t, "alertmanager/alertmanager.yml")
	checked(t, "amtool", "check-config", config)
	const late = "team=project severity=warning alertname=ZerofaxLinesOverdue"
	for labels, want := range map[string]string{
		late + " service=oncologie": "oncologie",
		late + " service=saas":      "urgences",
		late + " service=archives":  "project",
		late:                        "project",
		"team=project severity=critical told_by=collector alertname=ZerofaxFaxAfterCutoff service=oncologie": "shown",
		"team=project severity=warning told_by=collector alertname=ZerofaxCutLineBlind":                      "shown",
		"team=operations severity=critical alertname=ZerofaxFaxAfterCutoffUntold service=oncologie":          "operations",
		"team=operations severity=warning told_by=collector alertname=ZerofaxAgentSilent agent=ps-01":        "operations",
		"team=operations severity=critical alertname=ZerofaxCollectorDown":                                   "operations",
		"team=operations severity=info alertname=ZerofaxDeviceDown":                                          "operations",
		// what the collector hands in itself
		"episode=7 kind=after_cutoff severity=critical alertname=ZerofaxFaxAfterCutoff service=oncologie line=0241354000": "oncologie",
		"episode=8 kind=after_cutoff severity=critical alertname=ZerofaxFaxAfterCutoff service=ccu line=0241354001":       "project",
		"episode=9 kind=agent_silent severity=warning alertname=ZerofaxAgentSilent agent=ps-01":                           "operations",
	} {
		said := checked(t, "amtool", append([]string{"config", "routes", "test", "--config.file=" + config}, strings.Fields(labels)...)...)
		if got := strings.TrimSpace(said); got != want {
			t.Errorf("%s: goes to %q, want %q", labels, got, want)
		}
	}
}

// told is what a collector would say to Prometheus: mails that wait for 2 hours, lines past their date, and a fax after
// a cut-off that it was told to have sent mails of before.
const told = `zerofax_line_info{line="0241354000",device="xerox-1",establishment="chu",site="nord",pole="onco",service="oncologie"} 1
zerofax_line_after_cutoff_noticed_timestamp_seconds{line="0241354000"} %[1]d
zerofax_line_info{line="0241354001",device="xerox-2",establishment="chu",site="nord",pole="onco",service="oncologie"} 1
zerofax_line_info{line="0241354002",device="xerox-3",establishment="chu",site="nord",pole="onco",service="oncologie"} 1
zerofax_line_cutoff_timestamp_seconds{line="0241354001"} %[3]d
zerofax_line_cutoff_timestamp_seconds{line="0241354002"} %[3]d
zerofax_line_state{line="0241354001",state="overdue"} 1
zerofax_line_state{line="0241354002",state="overdue"} 1
zerofax_collector_messages_sent_total{channel="email"} 12
zerofax_collector_messages_oldest_timestamp_seconds{channel="email"} %[2]d
zerofax_collector_ready 1
zerofax_agent_up{agent="ps-01"} 1
`

// TestRealPrometheusAndAlertmanagerMailWhatTheCollectorDoesNot lets the very files of deploy and dashboards run.
func TestRealPrometheusAndAlertmanagerMailWhatTheCollectorDoesNot(t *testing.T) {
	t.Parallel()
	dir, post := t.TempDir(), startMailServer(t, time.Now)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, told, time.Now().Add(-time.Minute).Unix(), time.Now().Add(-2*time.Hour).Unix(), time.Now().Add(-48*time.Hour).Unix())
	}))
	t.Cleanup(collector.Close)

	am := fmt.Sprintf("127.0.0.1:%d", freeport.Must(t))
	writeFile(t, filepath.Join(dir, "mail-ca.pem"), string(post.ca))
	writeFile(t, filepath.Join(dir, "smtp_password"), "s3cret")
	rewritten(t, "alertmanager/zerofax.tmpl", filepath.Join(dir, "zerofax.tmpl"))
	rewritten(t, "alertmanager/alertmanager.yml", filepath.Join(dir, "alertmanager.yml"),
		"smtp.chu-exemple.fr:587", post.address, "/run/secrets/smtp_password", filepath.Join(dir, "smtp_password"),
		"group_wait: 1m", "group_wait: 1s", "group_wait: 30s", "group_wait: 1s",
		", active_time_intervals: [office]", "", "      active_time_intervals: [office]\n", "")
	startWith(t, dir, []string{"SSL_CERT_FILE=" + filepath.Join(dir, "mail-ca.pem"), "TZ=Europe/Paris"}, "prometheus-alertmanager",
		"--config.file=alertmanager.yml", "--storage.path=am", "--web.listen-address="+am, "--cluster.listen-address=")

	if err := os.Symlink(deployed(t, "../dashboards/prometheus"), filepath.Join(dir, "rules")); err != nil {
		t.Fatal(err)
	}
	rewritten(t, "prometheus/prometheus.yml", filepath.Join(dir, "prometheus.yml"),
		"collector:8780", strings.TrimPrefix(collector.URL, "http://"), "alertmanager:9093", am,
		"/run/secrets/collector_password", filepath.Join(dir, "collector_password"),
		"_interval: 30s", "_interval: 1s", "scrape_timeout: 10s", "scrape_timeout: 1s")
	writeFile(t, filepath.Join(dir, "collector_password"), "nobody asks for it\n")
	checked(t, "promtool", "check", "config", filepath.Join(dir, "prometheus.yml"))
	start(t, dir, "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=metrics",
		fmt.Sprintf("--web.listen-address=127.0.0.1:%d", freeport.Must(t)))

	mailed := func(to, subject string) *letter {
		for _, l := range post.all() {
			if slices.Contains(l.To, to) && l.Subject == subject {
				return &l
			}
		}
		return nil
	}
	eventually(t, 40*time.Second, "the mails are there", func() string {
		if mailed("exploitation@chu-exemple.fr", "[zerofax] Les messages du collecteur ne partent pas (email)") == nil ||
			mailed("secretariat-onco@chu-exemple.fr", "[zerofax] Coupure en retard : 2 lignes, service oncologie") == nil {
			return fmt.Sprintf("got %+v\n%s", post.all(), get("http://"+am+"/api/v2/alerts"))
		}
		return ""
	})
	text := mailed("exploitation@chu-exemple.fr", "[zerofax] Les messages du collecteur ne partent pas (email)").text
	for _, want := range []string{"personne n’apprend qu’un fax est passé après une coupure", "Gravité : critique", "runbook.fr.md#zerofaxmessageswaiting", "messages don’t get out (email)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the mail to operators has no %q:\n%s", want, text)
		}
	}
	eventually(t, 20*time.Second, "the fax after the cut-off is shown", func() string {
		alerts := get("http://" + am + "/api/v2/alerts?receiver=shown")
		if !strings.Contains(alerts, `"alertname":"ZerofaxFaxAfterCutoff"`) || !strings.Contains(alerts, `"service":"oncologie"`) {
			return alerts
		}
		return ""
	})
	for _, l := range post.all() {
		if strings.Contains(l.Subject, "Fax après coupure") {
			t.Errorf("mailed to %v: %s; want that left to the collector", l.To, l.Subject)
		}
	}

	// What the collector hands in itself stands for what the rules say of the same, and what follows from another thing is muted.
	body := `[{"labels":{"alertname":"ZerofaxFaxAfterCutoff","episode":"7","kind":"after_cutoff","line":"0241354000","agent":"ps-01","service":"oncologie","severity":"critical"},
		"annotations":{"summary":"Fax après coupure : 02 41 35 40 00 (Oncologie) – 3 pages, certain","description":"…"}},
		{"labels":{"alertname":"ZerofaxAgentSilent","agent":"ps-02","severity":"warning","team":"operations","told_by":"collector"}},
		{"labels":{"alertname":"ZerofaxDeviceDown","agent":"ps-02","device":"kyocera-1","severity":"info","team":"operations"}}]`
	response, err := http.Post("http://"+am+"/api/v2/alerts", "application/json", strings.NewReader(body))
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("hand in alerts: %v, %v", response, err)
	}
	_ = response.Body.Close()
	eventually(t, 20*time.Second, "one speaks for both", func() string {
		suppressed := get("http://" + am + "/api/v2/alerts?active=false&silenced=false")
		if strings.Count(suppressed, `"fingerprint"`) != 2 || !strings.Contains(suppressed, `"device":"kyocera-1"`) || !strings.Contains(suppressed, `"told_by":"collector"`) {
			return "suppressed are " + suppressed
		}
		if mailed("secretariat-onco@chu-exemple.fr", "[zerofax] Fax après coupure : 02 41 35 40 00 (Oncologie) – 3 pages, certain") == nil {
			return fmt.Sprintf("got %+v", post.all())
		}
		return ""
	})
}
