//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/freeport"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs/sim"
)

// hospital is a ward of simulated machines, an agent, a collector and a broker between them.
type hospital struct {
	t         *testing.T
	dir       string
	ward      *sim.Ward
	url       string // of the collector's pages
	status    string // URL of the agent's page
	mqttPort  int
	agent     *program
	collector *program
	mosquitto *program // nil if the collector's own broker is used
}

// setUp is what differs between hospitals.
type setUp struct {
	devices   int
	mosquitto bool
	spool     string // max_size; default 256MB
	counters  string // how often; default 1s, as for lines
}

// wards numbers the wards, so that each has addresses of its own.
var wards atomic.Uint32

func newHospital(t *testing.T, s setUp) *hospital {
	t.Helper()
	models, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ward, err := sim.Start(ctx, sim.Plan{
		Devices: s.devices, Of: models,
		First: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 99, byte(wards.Add(1)), 1}), 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := ward.Wait(); err != nil {
			t.Error(err)
		}
	})
	h := &hospital{t: t, dir: t.TempDir(), ward: ward, mqttPort: freeport.Must(t)}
	httpPort := freeport.Must(t)
	h.url = fmt.Sprintf("http://127.0.0.1:%d", httpPort)
	mqtt := fmt.Sprintf("{embedded: {listen: 127.0.0.1:%d}}", h.mqttPort)
	if s.mosquitto {
		mqtt = fmt.Sprintf("{url: mqtt://127.0.0.1:%d}", h.mqttPort)
		writeFile(t, filepath.Join(h.dir, "mosquitto.conf"), fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\npersistence false\n", h.mqttPort))
		h.startMosquitto()
	}
	writeFile(t, filepath.Join(h.dir, "collector.yml"), fmt.Sprintf(
		"data_dir: books\nmqtt: %s\nhttp: {listen: 127.0.0.1:%d}\n", mqtt, httpPort))
	h.writeAgentConfig(cmp.Or(s.spool, "256MB"), cmp.Or(s.counters, "1s"))
	return h
}

func (h *hospital) writeAgentConfig(spool, counters string) {
	var b strings.Builder
	fmt.Fprintf(&b, "agent: ps-01\ncollector: {url: mqtt://127.0.0.1:%d}\n", h.mqttPort)
	b.WriteString("snmp:\n  timeout: 300ms\n  retries: 1\n  credentials:\n    - {name: legacy, version: 2c, community: public}\n")
	page := fmt.Sprintf("127.0.0.1:%d", freeport.Must(h.t))
	h.status = "http://" + page
	fmt.Fprintf(&b, "poll: {lines: 1s, counters: %s}\nspool: {dir: spool, max_size: %s}\nhttp: {listen: %s}\ntargets:\n", counters, spool, page)
	for _, bed := range h.ward.Devices {
		fmt.Fprintf(&b, "  - {host: %s, port: %d, credentials: legacy}\n", bed.Addr.Addr(), bed.Addr.Port())
	}
	writeFile(h.t, filepath.Join(h.dir, "agent.yml"), b.String())
}

func (h *hospital) startMosquitto() {
	h.mosquitto = start(h.t, h.dir, "mosquitto", "-c", "mosquitto.conf")
}

func (h *hospital) startCollector() {
	h.collector = start(h.t, h.dir, "zerofax-collector", "run", "--config", "collector.yml")
}

func (h *hospital) startAgent() {
	// The agent's clock is its own plus what stands in this file (build tag testclock).
	h.agent = startWith(h.t, h.dir, []string{"ZEROFAX_CLOCK_FILE=" + filepath.Join(h.dir, "clock")},
		"zerofax-agent", "run", "--config", "agent.yml")
}

// turnClock moves the agent's clock by d from now on.
func (h *hospital) turnClock(d time.Duration) {
	path := filepath.Join(h.dir, "clock")
	writeFile(h.t, path+".new", d.String())
	if err := os.Rename(path+".new", path); err != nil {
		h.t.Fatal(err)
	}
}

// open starts everything and waits until the books know every machine that can tell
// something, so that counting from zero begins on both sides.
func (h *hospital) open() {
	h.t.Helper()
	h.startCollector()
	h.startAgent()
	h.wantTotals(60 * time.Second)
}

// device is what these tests read of /api/v1/devices.
type device struct {
	ID     string
	Up     bool
	Agent  string
	Totals map[wire.Measure]int64
}

func (h *hospital) devices() []device { return list[device](h.url + "/api/v1/devices") }

// truth is the simulator's own count, by device and measure.
func (h *hospital) truth() map[string]map[wire.Measure]int64 {
	truth := map[string]map[wire.Measure]int64{}
	for _, bed := range h.ward.Devices {
		counts := map[wire.Measure]int64{}
		for _, measure := range bed.Description().Measures() {
			counts[measure] = bed.Count(measure)
		}
		truth[bed.ID()] = counts
	}
	return truth
}

// counting are the machines that tell how much they fax.
func (h *hospital) counting() []sim.Bed {
	return slices.DeleteFunc(slices.Clone(h.ward.Devices), func(bed sim.Bed) bool { return len(bed.Description().Measures()) == 0 })
}

// wantTotals waits until the books' totals equal the simulator's own count exactly.
func (h *hospital) wantTotals(within time.Duration) {
	h.t.Helper()
	truth := h.truth()
	eventually(h.t, within, "totals equal the machines' own counts", func() string { return h.difference(truth) })
}

// stays watches for a while that what equals the machines' counts goes on to do so.
func (h *hospital) stays(span time.Duration) {
	h.t.Helper()
	truth := h.truth()
	for end := time.Now().Add(span); time.Now().Before(end); <-time.After(200 * time.Millisecond) {
		if wrong := h.difference(truth); wrong != "" {
			h.t.Fatalf("totals equalled the machines' own counts, and then no more: %s", wrong)
		}
	}
}

func (h *hospital) difference(truth map[string]map[wire.Measure]int64) string {
	got := map[string]map[wire.Measure]int64{}
	for _, d := range h.devices() {
		got[d.ID] = d.Totals
	}
	var wrong []string
	for _, id := range slices.Sorted(maps.Keys(truth)) {
		if _, known := got[id]; !known {
			wrong = append(wrong, id+": not in the books")
		}
		for _, measure := range wire.Measures() {
			if count := got[id][measure]; count != truth[id][measure] { // what a machine can't tell must stay 0
				wrong = append(wrong, fmt.Sprintf("%s: got %s %d, want %d", id, measure, count, truth[id][measure]))
			}
		}
	}
	for id := range got {
		if _, ok := truth[id]; !ok {
			wrong = append(wrong, id+": no such machine")
		}
	}
	return strings.Join(wrong, "\n")
}

// metric is the value of a metric of the collector without labels or with exactly these; -1 if it isn't there.
func (h *hospital) metric(name string) float64 { return number(get(h.url+"/metrics"), name) }

func number(metrics, name string) float64 {
	for line := range strings.Lines(metrics) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			var v float64
			fmt.Sscan(rest, &v)
			return v
		}
	}
	return -1
}

// command runs the collector's program beside the collector and returns what it printed.
func (h *hospital) command(args ...string) string {
	h.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "zerofax-collector"), append(args, "--config", "collector.yml")...)
	cmd.Dir = h.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// balanced wants that the books agree with each other.
func (h *hospital) balanced() {
	h.t.Helper()
	if out := h.command("verify"); !strings.HasPrefix(out, "books balance: ") {
		h.t.Errorf("verify: got %s", out)
	}
}
