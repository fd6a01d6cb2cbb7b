//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs/sim"
)

// TestTheCollectorDecidesWhatAnAgentPolls plays an administrator who never touches the agent's machine again.
func TestTheCollectorDecidesWhatAnAgentPolls(t *testing.T) {
	t.Parallel()
	h := newHospital(t, setUp{devices: 3})
	h.enrol()
	first, second, third := h.ward.Devices[0], h.ward.Devices[1], h.ward.Devices[2]
	h.startCollector()
	h.startAgent()
	h.agentsSay("ps-01 +up .* own ")

	h.import_(0, pollAs("legacy", first), "agents: 1 new")
	h.agentsSay("ps-01 +up .* current 20")
	h.looksAt(first)
	if text := get(h.url + "/metrics"); !strings.Contains(text, `zerofax_agent_config_current{agent="ps-01"} 1`) {
		t.Error("the metric doesn't say that the agent polls what is declared")
	}

	// A faulty one is refused, told with its line, and changes nothing.
	h.import_(0, pollAs("v9", second), "agents: 0 new, 1 changed")
	h.agentsSay("ps-01 +up .* refused 20")
	h.agentsSay(`"v9" is not among snmp.credentials; want one of: legacy`)
	h.agentsSay(`host: ` + second.Addr.Addr().String())
	h.looksAt(first)

	// Somebody else's, or an older one, is no order: neither from a neighbour on the broker nor kept there.
	neighbour := h.neighbour()
	neighbour(wire.Encode(wire.Signed{V: 1, Signed: wire.Encode(wire.AgentConfig{V: 1, Agent: "ps-01", Revision: 1 << 52, Config: pollAs("legacy", third)}), Signature: []byte("x")}))
	h.looksAt(first)

	// Without a collector the agent goes on with what it took, also after its own restart.
	h.import_(0, pollAs("legacy", second), "agents: 0 new, 1 changed")
	h.agentsSay("ps-01 +up .* current 20")
	h.collector.kill()
	h.agent.kill()
	before := first.Requests().All()
	h.startAgent()
	h.looksAt(second)
	if stdout, _, _ := run(t, "zerofax-agent", "check", "--config", filepath.Join(h.dir, "agent.yml")); !strings.Contains(stdout, "the collector's configuration of 20") {
		t.Errorf("check says:\n%s", stdout)
	}
	if text := get(h.status + "/?lang=en"); !strings.Contains(text, "central, of ") {
		t.Errorf("the agent's page doesn't say that the central configuration holds:\n%s", text)
	}

	// A change made while nothing runs arrives once all does; the end of it too.
	h.import_(0, pollAs("legacy", second, third), "agents: 0 new, 1 changed")
	h.startCollector()
	h.looksAt(third)
	if n := first.Requests().All() - before + third.Requests().Sets; n != 0 {
		t.Errorf("%s was asked %d times more, want never", first.ID(), n)
	}
	h.import_(0, "agents: {}\n", "agents: 0 new, 0 changed, 1 removed", "--replace")
	h.agentsSay("ps-01 +up .* own ")
	eventually(t, 10*time.Second, "the agent has no target left: its own file names none", func() string {
		agents := list[polledBy](h.url + "/api/v1/agents")
		if len(agents) == 1 && agents[0].Targets == 0 {
			return ""
		}
		return fmt.Sprint(agents)
	})
}

// polledBy is what the API tells of how much an agent polls.
type polledBy struct{ Targets int }

// enrol lets the agent believe the collector, and takes its own targets away.
func (h *hospital) enrol() {
	h.t.Helper()
	file := filepath.Join(h.dir, "ps-01.bundle")
	if _, stderr, code := run(h.t, "zerofax-collector", "enroll", "ps-01", "-o", file, "--config", filepath.Join(h.dir, "collector.yml")); code != 0 {
		h.t.Fatal(stderr)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		h.t.Fatal(err)
	}
	b, err := bundle.Decode(file, data)
	if err != nil {
		h.t.Fatal(err)
	}
	writeFile(h.t, filepath.Join(h.dir, "authority.pem"), b.Authority)
	path := filepath.Join(h.dir, "agent.yml")
	if data, err = os.ReadFile(path); err != nil {
		h.t.Fatal(err)
	}
	own, _, _ := strings.Cut(string(data), "targets:")
	writeFile(h.t, path, own+"central: {authority_file: authority.pem}\n")
}

func pollAs(credentials string, beds ...sim.Bed) string {
	var text strings.Builder
	text.WriteString("agents:\n  ps-01:\n    poll: {lines: 1s, counters: 1s}\n    targets:\n")
	for _, bed := range beds {
		fmt.Fprintf(&text, "      - {host: %s, port: %d, credentials: %s}\n", bed.Addr.Addr(), bed.Addr.Port(), credentials)
	}
	return text.String()
}

// import_ declares what agents poll, and wants that said.
func (h *hospital) import_(code int, text, said string, flags ...string) {
	h.t.Helper()
	file := filepath.Join(h.dir, "agents.yml")
	writeFile(h.t, file, text)
	args := append([]string{"import", "agents", file, "--config", filepath.Join(h.dir, "collector.yml")}, flags...)
	stdout, stderr, got := run(h.t, "zerofax-collector", args...)
	if got != code || !strings.Contains(stdout, said) {
		h.t.Fatalf("import agents: exit code %d, want %d and %q:\n%s%s", got, code, said, stdout, stderr)
	}
}

// agentsSay waits until `agents` prints something that fits.
func (h *hospital) agentsSay(pattern string) {
	h.t.Helper()
	wants := regexp.MustCompile(pattern)
	eventually(h.t, 30*time.Second, "zerofax-collector agents says "+pattern, func() string {
		stdout, stderr, _ := run(h.t, "zerofax-collector", "agents", "--config", filepath.Join(h.dir, "collector.yml"))
		if wants.MatchString(stdout) {
			return ""
		}
		return "\n" + stdout + stderr
	})
}

// looksAt waits until a machine was asked twice more.
func (h *hospital) looksAt(bed sim.Bed) {
	h.t.Helper()
	before := bed.Requests().All()
	eventually(h.t, 30*time.Second, bed.ID()+" is polled", func() string {
		if n := bed.Requests().All() - before; n < 2 {
			return fmt.Sprintf("asked %d times", n)
		}
		return ""
	})
}

// neighbour is somebody on the broker who may publish whatever they like.
func (h *hospital) neighbour() func(payload []byte) {
	h.t.Helper()
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(fmt.Sprintf("mqtt://127.0.0.1:%d", h.mqttPort)).SetClientID("neighbour"))
	if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		h.t.Fatal(token.Error())
	}
	h.t.Cleanup(func() { client.Disconnect(100) })
	return func(payload []byte) {
		h.t.Helper()
		if token := client.Publish(wire.Topic("ps-01", wire.KindConfig), 1, true, payload); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
			h.t.Fatal(token.Error())
		}
	}
}
