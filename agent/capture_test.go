package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/mibs"
	"github.com/zerofax/zerofax/mibs/sim"
)

// TestACaptureReadsAsItsDevice: for every simulated machine, capture → replay tells what probe
// tells, and so does a simulator that plays the recording.
func TestACaptureReadsAsItsDevice(t *testing.T) {
	t.Parallel()
	models, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, model := range models {
		if testing.Short() && seen[model.Vendor] {
			continue
		}
		seen[model.Vendor] = true
		t.Run(model.Name, func(t *testing.T) {
			t.Parallel()
			bed := oneBed(t, model)
			bed.Fax(3, 2)
			live := probeJSONOf(t, "127.0.0.1", "--port", fmt.Sprint(bed.Addr.Port()))
			file := filepath.Join(t.TempDir(), "x.snmprec")
			if code, said := agentRun("capture", "127.0.0.1", "--port", fmt.Sprint(bed.Addr.Port()), "--pause", "0s", "-o", file); code != 0 {
				t.Fatalf("capture: exit %d: %s", code, said)
			}
			replayed := probeJSONOf(t, "--replay", file)
			if got, want := butIdentity(replayed), butIdentity(live); got != want {
				t.Errorf("replayed:\n%s\nwant, as probed:\n%s", got, want)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, private := range []string{bed.Serial(), live.Device.Name, live.Device.Location} {
				if len(private) > 3 && private != live.Device.Model && bytes.Contains(text, []byte(private)) {
					t.Errorf("%q is in the recording", private)
				}
			}
			recording, err := mibs.ParseRecording(bytes.NewReader(text))
			if err != nil || len(recording.Warnings) > 0 {
				t.Fatalf("%v, %q", err, recording.Warnings)
			}
			played := oneBed(t, sim.FromRecording("played", recording))
			if got, want := butIdentity(probeJSONOf(t, "127.0.0.1", "--port", fmt.Sprint(played.Addr.Port()))), butIdentity(replayed); got != want {
				t.Errorf("played by the simulator:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func oneBed(t *testing.T, model *sim.Description) sim.Bed {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ward, err := sim.Start(ctx, sim.Plan{Of: []*sim.Description{model}, First: netip.MustParseAddrPort("127.0.0.1:0"), OneAddress: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := ward.Wait(); err != nil {
			t.Error(err)
		}
	})
	return ward.Devices[0]
}

func agentRun(args ...string) (code int, said string) {
	var out bytes.Buffer
	code = run(context.Background(), args, &out, &out)
	return code, out.String()
}

func probeJSONOf(t *testing.T, args ...string) (p probeJSON) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(context.Background(), append([]string{"probe", "--json"}, args...), &out, &errs); code != 0 {
		t.Fatalf("probe %q: exit %d: %s", args, code, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

var label = regexp.MustCompile(`label [^,]*`)

// butIdentity is all but who it is, which masking hides.
func butIdentity(p probeJSON) string {
	if p.Device.ID != "" {
		p.Device.ID = "known"
	}
	p.Device.Serial, p.Device.Name, p.Device.Location = "", "", ""
	for i := range p.Lines { // labels of ports name wards and people
		p.Lines[i].Evidence = label.ReplaceAllString(p.Lines[i].Evidence, "")
	}
	text, _ := json.MarshalIndent(p, "", "  ")
	return string(text)
}

func TestACaptureOfASilentAddressSaysWhatToCheck(t *testing.T) {
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "agent.yml")
	if err := os.WriteFile(config, []byte("snmp: {timeout: 100ms, retries: 0}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(silent.LocalAddr().String(), ":")
	code, said := agentRun("capture", "127.0.0.1", "--port", port, "--config", config, "-o", filepath.Join(dir, "x.snmprec"))
	if code != 1 || !strings.Contains(said, "Is SNMP switched on") {
		t.Errorf("exit %d: %s", code, said)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "x*")); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}

func TestWhoStopsACaptureGetsAWholeFile(t *testing.T) {
	models, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	bed := oneBed(t, models[slices.IndexFunc(models, func(d *sim.Description) bool { return d.Vendor == "xerox" })])
	ctx, cancel := context.WithCancel(t.Context())
	file := filepath.Join(t.TempDir(), "x.snmprec")
	done := make(chan string)
	go func() {
		var out bytes.Buffer
		code := run(ctx, []string{"capture", "127.0.0.1", "--port", fmt.Sprint(bed.Addr.Port()), "--pause", "100ms", "-o", file}, &out, &out)
		done <- fmt.Sprintf("exit %d\n%s", code, out.String())
	}()
	eventually(t, "the walk has begun", func() string { return fewer(bed.Requests().Bulks, 30) })
	cancel()
	if said := <-done; !strings.HasPrefix(said, "exit 0\n") || !strings.Contains(said, "stopped in") {
		t.Error(said)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(text, []byte("# Recorded by zerofax-agent ")) || !bytes.Contains(text, []byte("\n# Note: stopped in ")) {
		t.Errorf("it begins with %.200s", text)
	}
	if got, want := len(probeJSONOf(t, "--replay", file).Measures), len(bed.Description().Measures()); got != want {
		t.Errorf("got %d measures, want the %d that the machine tells", got, want)
	}
}

func TestAMachineThatOnlySpeaksSNMPv1IsCapturedWithoutGetBulk(t *testing.T) {
	models, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	bed := oneBed(t, models[0])
	bed.SetFault(sim.Fault{OnlyV1: true})
	config := filepath.Join(t.TempDir(), "agent.yml")
	if err := os.WriteFile(config, []byte("snmp: {timeout: 200ms, retries: 0, credentials: [{name: old, version: 1, community: public}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.snmprec")
	code, said := agentRun("capture", "127.0.0.1", "--port", fmt.Sprint(bed.Addr.Port()), "--config", config, "--pause", "0s", "-o", file)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	if asked := bed.Requests(); asked.Bulks > 0 || asked.Sets > 0 {
		t.Errorf("got %+v, want neither GETBULK nor SET", asked)
	}
	live, replayed := probeJSONOf(t, "127.0.0.1", "--port", fmt.Sprint(bed.Addr.Port()), "--config", config), probeJSONOf(t, "--replay", file)
	if got, want := butIdentity(replayed), butIdentity(live); got != want {
		t.Errorf("replayed:\n%s\nwant:\n%s", got, want)
	}
}
