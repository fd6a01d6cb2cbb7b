package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/internal/discover"
	"github.com/zerofax/zerofax/agent/internal/poll"
	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/agent/polling"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs/sim"
)

// faxes are n machines that can all fax, at addresses from first on, which answer until the test ends.
func faxes(t *testing.T, n int, first string) *sim.Ward {
	t.Helper()
	if runtime.GOOS == "darwin" {
		t.Skip("its loopback is one address")
	}
	models, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	can := models[:0]
	for _, m := range models {
		if len(m.Measures()) > 0 {
			can = append(can, m)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ward, err := sim.Start(ctx, sim.Plan{Devices: n, Of: can, First: netip.MustParseAddrPort(first)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := ward.Wait(); err != nil {
			t.Error(err)
		}
	})
	return ward
}

func TestADiscoveryOfAThousandAddressesWithSixtyMachinesTakesLessThan40Seconds(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 25 s")
	}
	ward := faxes(t, 60, "127.4.1.100:0")
	port := ward.Devices[0].Addr.Port()
	var out, logged bytes.Buffer
	begin := time.Now()
	if code := run(t.Context(), []string{"discover", "127.4.0.0/22", "--port", strconv.Itoa(int(port)), "--format", "json"}, &out, &logged); code != 0 {
		t.Fatalf("exit %d: %s", code, &logged)
	}
	took := time.Since(begin)
	var got discoverJSON
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d machines in %s, of %d addresses", len(got.Targets), took.Round(100*time.Millisecond), got.Done)
	if took > 40*time.Second || len(got.Targets) != 60 || got.Done != 1022 {
		t.Errorf("got %d machines of %d addresses in %s, want 60 of 1022 in less than 40s", len(got.Targets), got.Done, took)
	}
}

func TestWhatMachinesSayOfThemselvesBreaksNeitherTableNorYAML(t *testing.T) {
	r := report{complete: true, all: true, found: []discover.Found{
		{
			At: netip.MustParseAddrPort("[fd00::7]:161"), Credentials: "on", Device: "kyocera-a1",
			Model: "e\xffvil\ntargets:\n  - {host: 1.2.3.4}\x1b[31m", Location: "2e étage\t", Fax: wire.Yes,
		},
		{At: netip.MustParseAddrPort("10.0.0.1:1161"), Credentials: "Étage 2", Device: "kyocera-a2", Fax: wire.Unknown},
		{At: netip.MustParseAddrPort("10.0.0.2:161"), Model: "a\nb", Refused: "no\nreason"},
	}}
	var yaml, table bytes.Buffer
	if err := r.print(&yaml, "yaml"); err != nil {
		t.Fatal(err)
	}
	if err := r.print(&table, "table"); err != nil {
		t.Fatal(err)
	}
	want := `# 2 to poll, 1 others answered, of 0 addresses
targets:
  - {host: "fd00::7", credentials: "on"}  # kyocera-a1, e?vil targets: - {host: 1.2.3.4} [31m, 2e étage
  - {host: 10.0.0.1, port: 1161, credentials: "Étage 2"}  # kyocera-a2
# not to be polled:
#   10.0.0.2  a b: no reason
`
	if yaml.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &yaml, want)
	}
	if lines := strings.Count(table.String(), "\n"); lines != 9 || strings.Contains(table.String(), "\x1b") {
		t.Errorf("got %d lines, want 9 without control characters:\n%s", lines, &table)
	}
	file := write(t, map[string]string{"agent.yml": "snmp: {credentials: [{name: on, version: 1, community: a}, {name: Étage 2, version: 1, community: a}]}\n" + yaml.String()})
	if c, err := loadConfig(file); err != nil || len(c.Hosts()) != 2 || c.Hosts()[0].Host != "fd00::7" || c.Hosts()[0].Credentials[0] != "on" {
		t.Errorf("got %v, %v, want both targets as they are", c, err)
	}
}

func TestTheBarFitsIntoALineOfATerminal(t *testing.T) {
	var drawn bytes.Buffer
	o := discover.Options{Rate: 50}
	p := discover.Progress{Of: 262136, Done: 100000, Found: 1234}
	(&bar{out: &drawn, o: o}).draw(p)
	if want := "\r[#######.............] 100000 of 262136 addresses, 1234 found, 54m3s left"; drawn.String() != want {
		t.Errorf("got %q, want %q", &drawn, want)
	}
	drawn.Reset()
	o.Window, _ = polling.ParseWindow(clock().Add(2*time.Hour).Format("15:04") + "-" + clock().Add(3*time.Hour).Format("15:04"))
	(&bar{out: &drawn, o: o}).draw(p)
	if !strings.Contains(drawn.String(), "waits for ") || drawn.Len() > 80 {
		t.Errorf("got %q, want at most 79 characters, and what it waits for", &drawn)
	}
}

func TestCredentialsThatAreNotTheSameHaveOtherFingerprints(t *testing.T) {
	one := snmp.Credentials{Version: snmp.V3, User: "u", Auth: "SHA", AuthPassword: "topsecret", Privacy: "AES", PrivacyPassword: "topsecret"}
	for what, change := range map[string]func(*snmp.Credentials){
		"version": func(c *snmp.Credentials) { c.Version = snmp.V2c }, "community": func(c *snmp.Credentials) { c.Community = "x" },
		"user": func(c *snmp.Credentials) { c.User = "v" }, "auth": func(c *snmp.Credentials) { c.Auth = "MD5" },
		"password": func(c *snmp.Credentials) { c.AuthPassword = "topsecres" }, "privacy": func(c *snmp.Credentials) { c.Privacy = "DES" },
		"privacy password": func(c *snmp.Credentials) { c.PrivacyPassword = "topsecres" },
	} {
		other := one
		if change(&other); fingerprint(other) == fingerprint(one) {
			t.Errorf("%s: got the same, want another", what)
		}
	}
}

func TestARangeTriesItsCredentialsFromVersion3To1(t *testing.T) {
	c, err := loadConfig(write(t, withSecrets(`
snmp:
  credentials:
    - {name: a, version: 1, community: x}
    - {name: b, version: 2c, community: x}
    - {name: c, version: 3, user: u}
    - {name: d, version: 2c, community: y}
targets:
  - range: 10.0.0.0/24
  - {range: 10.0.1.0/24, credentials: [b, c]}
  - {range: 10.0.2.0/24, port: 1161, credentials: a}
`)))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"[2 1 3 0]", "[2 1]", "[0]"} {
		if got := fmt.Sprint(c.sweepRanges()[i].Credentials); got != want {
			t.Errorf("range %d: got %s, want %s", i, got, want)
		}
	}
	if got := c.sweepRanges()[2].Port; got != 1161 {
		t.Errorf("got port %d, want 1161", got)
	}
}

// What run does with ranges: machines in them are polled; a target that a person named is
// left to that person.
func TestMachinesInConfiguredRangesArePolled(t *testing.T) {
	ward := faxes(t, 3, "127.5.0.1:0")
	port := ward.Devices[0].Addr.Port()
	file := write(t, map[string]string{"agent.yml": fmt.Sprintf(`
snmp: {timeout: 300ms}
targets:
  - {host: 127.5.0.2, port: %d}
  - {range: 127.5.0.0/29, port: %[1]d}
discovery: {rate: 1000}
poll: {lines: 1s, counters: 1s}
spool: {dir: data}
`, port)})
	settings, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(settings.Spool.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from its list
		pool := newPool(settings.config, slog.New(slog.DiscardHandler))
		poller := poll.New(poll.Options{
			Targets: targets(settings.config, pool), Profiles: settings.profiles, Lines: time.Second, Counters: time.Second, AtOnce: 8,
			Put: func([]byte, int) error { return nil }, Log: slog.New(slog.DiscardHandler),
		})
		finder := newFinder(settings, pool, poller, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		go func() { ended <- poller.Run(ctx) }()
		go func() { ended <- finder.Run(ctx) }()
		want := fmt.Sprintf("127.5.0.1:%d 127.5.0.0/29 %s; 127.5.0.2:%[1]d  %[3]s; 127.5.0.3:%[1]d 127.5.0.0/29 %[4]s; ",
			port, ward.Devices[0].ID(), ward.Devices[1].ID(), ward.Devices[2].ID())
		got := ""
		for deadline := time.Now().Add(20 * time.Second); got != want && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			got = polledText(poller)
		}
		if got != want {
			t.Errorf("got targets %s, want %s", got, want)
		}
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	}
}

// polledText is what is polled: address, source, device, by address.
func polledText(poller *poll.Poller) string {
	states := map[string]string{}
	for _, s := range poller.Snapshot() {
		states[s.Address] = fmt.Sprintf("%s %s %s; ", s.Address, s.Source, s.Device)
	}
	var text strings.Builder
	for last := range 8 {
		for address, state := range states {
			if strings.HasPrefix(address, fmt.Sprintf("127.5.0.%d:", last)) {
				text.WriteString(state)
			}
		}
	}
	return text.String()
}

func TestAddressesAreReadAsTheyWereWritten(t *testing.T) {
	for _, text := range []string{"10.0.0.1:161", "10.0.0.1:1161", "[fd00::1]:161", "[fd00::1]:1161"} {
		at := netip.MustParseAddrPort(text)
		if got := parseAddress(addressOf(at)); got != at {
			t.Errorf("got %s, want %s", got, at)
		}
	}
}
