//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// enrolledHospital is one whose broker lets in enrolled agents alone, and whose machines the collector names.
func enrolledHospital(t *testing.T) *hospital {
	t.Helper()
	h := newHospital(t, setUp{devices: 6})
	writeFile(t, filepath.Join(h.dir, "collector.yml"), fmt.Sprintf(
		"data_dir: books\nmqtt: {external_url: 'mqtts://localhost:%d', embedded: {listen: 127.0.0.1:%[1]d}}\nhttp: {listen: %s}\n",
		h.mqttPort, strings.TrimPrefix(h.url, "http://")))
	writeFile(t, filepath.Join(h.dir, "snmp.yml"), "snmp: {credentials: [{name: ward, version: 2c, community: public}]}\n")
	var agents strings.Builder
	agents.WriteString("agents:\n  ps-02:\n    poll: {lines: 1s, counters: 1s}\n    targets:\n")
	for _, bed := range h.ward.Devices {
		fmt.Fprintf(&agents, "      - {host: %s, port: %d, credentials: ward}\n", bed.Addr.Addr(), bed.Addr.Port())
	}
	writeFile(t, filepath.Join(h.dir, "agents.yml"), agents.String())
	h.startCollector()
	eventually(t, 20*time.Second, "the collector is ready", func() string {
		if get(h.url+"/-/ready") == "" {
			return "it isn't"
		}
		return ""
	})
	return h
}

// bundleWith enrols ps-02, and writes ps-02.bundle.
func (h *hospital) bundleWith(more ...string) {
	h.t.Helper()
	h.command(append([]string{"enroll", "ps-02", "--credentials", "snmp.yml", "-o", "ps-02.bundle", "--force"}, more...)...)
}

// runBundle starts ps-02 with nothing but its bundle.
func (h *hospital) runBundle() {
	h.agent = start(h.t, h.dir, "zerofax-agent", "run", "--bundle", "ps-02.bundle")
}

func TestABundleMakesAnAgentThatRenewsItsCertificateUntilItIsRevoked(t *testing.T) {
	t.Parallel()
	h := enrolledHospital(t)
	h.bundleWith("--valid", "5m") // less than a third of its life, which began an hour ago
	h.runBundle()
	eventually(t, 20*time.Second, "the certificate is renewed, and the agent shows the new one", func() string {
		said := h.agent.out.String()
		if strings.Count(said, "certificate renewed") != 1 || strings.Count(said, "asking for the next certificate") != 1 {
			return "the agent said: " + said
		}
		if _, after, _ := strings.Cut(said, "certificate renewed"); !strings.Contains(after, "connected to the broker") {
			return "the agent said: " + said
		}
		return ""
	})
	var certificates struct{ Data []struct{ Serial string } }
	if err := json.Unmarshal([]byte(h.command("enroll", "--list", "ps-02", "--all", "--json")), &certificates); err != nil || len(certificates.Data) != 2 {
		t.Errorf("got %+v, %v; want the first and the renewed certificate", certificates, err)
	}

	h.command("import", "agents", "agents.yml")
	h.wantTotals(time.Minute)
	for i, bed := range h.ward.Devices {
		bed.Fax(1+i, 2)
	}
	h.wantTotals(time.Minute)

	h.command("enroll", "ps-02", "--revoke", "--reason", "test")
	eventually(t, 20*time.Second, "the agent is cut off", func() string {
		if said := h.agent.out.String(); !strings.Contains(said, "no link to the broker") {
			return "the agent said: " + said
		}
		return ""
	})
	before := h.truth()
	for _, bed := range h.ward.Devices {
		bed.Fax(1, 1)
	}
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); <-time.After(200 * time.Millisecond) {
		if wrong := h.difference(before); wrong != "" {
			t.Fatalf("a revoked agent is still believed: %s", wrong)
		}
	}
	if code := h.agent.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	h.bundleWith() // again: what was read meanwhile waited in the spool
	h.runBundle()
	h.wantTotals(time.Minute)
}
