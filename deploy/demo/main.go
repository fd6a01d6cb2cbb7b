// Command zerofax-demo shows zerofax at work without a hospital: it lets the built collector
// live through a year of two made-up hospitals, whose agents go on, and starts beside it the
// built agent and a simulated ward of fax machines for it to poll. Interrupted, it ends all and
// leaves nothing behind.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/deploy/stage"
	"github.com/zerofax/zerofax/mibs/sim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The addresses on which the programs listen without a config file.
const (
	webAddress    = "127.0.0.1:8780"
	statusAddress = "127.0.0.1:8781"
	mqttAddress   = "127.0.0.1:1883"
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("zerofax-demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pace := flags.Duration("pace", 2*time.Second, "`time` between two faxes of the ward")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if err := demo(ctx, *pace, stdout, stderr); err != nil && ctx.Err() == nil {
		fmt.Fprintln(stderr, "zerofax-demo:", err)
		return 1
	}
	return 0
}

func demo(ctx context.Context, pace time.Duration, stdout, stderr io.Writer) (err error) {
	for _, address := range []string{webAddress, statusAddress, mqttAddress} {
		if err := free(address); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "zerofax-demo-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	defer func() {
		cancel()
		err = errors.Join(err, group.Wait())
	}()
	ward, err := startWard(ctx)
	if err != nil {
		return err
	}
	group.Go(ward.Wait)
	hospital, err := history(ctx, dir, stdout)
	if err != nil {
		return err
	}
	defer hospital.Close()
	if err := os.WriteFile(filepath.Join(dir, "agent.yml"), agentConfig(ward, hospital.Modems()), 0o600); err != nil {
		return fmt.Errorf("write the agent's configuration: %w", err)
	}
	group.Go(func() error { return hospital.Journal(ctx, filepath.Join(dir, faxServerLog), 5*pace) })
	group.Go(func() error { return hospital.Wait(ctx) })
	group.Go(func() error { return program(ctx, dir, stderr, "zerofax-agent", "run", "--config", "agent.yml") })
	group.Go(func() error { ward.Bustle(ctx, rand.New(rand.NewPCG(rand.Uint64(), 0)), pace); return nil })
	if err := admit(ctx, dir, len(ward.Devices)); err != nil {
		return err
	}

	fmt.Fprintf(stdout, `
  Two made-up hospitals have a year behind them, and a ward of %d simulated fax
  machines is being polled every 5 seconds, and a fax server's journal followed.

    page      http://%[2]s/          (English: http://%[2]s/?lang=en)
    metrics   http://%[2]s/metrics
    API       http://%[2]s/api/v1/devices
    agent     http://%[3]s/

  Ctrl-C ends it and leaves nothing behind.

`, len(ward.Devices), webAddress, statusAddress)
	<-ctx.Done()
	return nil
}

// startWard starts 12 machines, each on a loopback address of its own where the system
// has more than one.
func startWard(ctx context.Context) (*sim.Ward, error) {
	models, err := sim.Builtin()
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(models, func(a, b *sim.Description) int { // those that count most, then gateways and printers
		return cmp.Compare(len(b.Measures()), len(a.Measures()))
	})
	made := map[string]bool{}
	models = slices.DeleteFunc(models, func(d *sim.Description) bool { // one of each make
		maker, _, _ := strings.Cut(d.Name, "-")
		again := made[maker]
		made[maker] = true
		return again
	})
	silent := slices.IndexFunc(models, func(d *sim.Description) bool { return len(d.Measures()) == 0 })
	models = slices.Concat(models[:9], models[silent:silent+3])
	plan := sim.Plan{Devices: len(models), Of: models, First: netip.MustParseAddrPort("127.42.0.1:0")}
	if runtime.GOOS == "darwin" {
		plan.First, plan.OneAddress = netip.MustParseAddrPort("127.0.0.1:0"), true
	}
	return sim.Start(ctx, plan)
}

// faxServerLog is what the agent follows.
const faxServerLog = "fax/xferfaxlog"

func agentConfig(ward *sim.Ward, modems [][2]string) []byte {
	var b strings.Builder
	b.WriteString("agent: demo\nsnmp:\n  credentials:\n    - {name: demo, version: 2c, community: public}\n" +
		"poll: {lines: 5s, counters: 5s}\ntargets:\n")
	for _, bed := range ward.Devices {
		fmt.Fprintf(&b, "  - {host: %s, port: %d, credentials: demo}\n", bed.Addr.Addr(), bed.Addr.Port())
	}
	fmt.Fprintf(&b, "journals:\n  - {name: %s, path: %s, profile: hylafax, time_zone: Europe/Paris, lines: {", stage.FaxServer, faxServerLog)
	for i, m := range modems {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s: %q", m[0], m[1])
	}
	b.WriteString("}}\n")
	return []byte(b.String())
}

// free tells whether address can be listened on.
func free(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("%s is in use: the demo needs it; stop what listens there and try again (%w)", address, err)
	}
	return l.Close()
}

// beside is the path of a program that lies beside this one.
func beside(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find %s: %w", name, err)
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(filepath.Dir(self), name), nil
}

// program runs a program that lies beside this one until ctx ends. Its end before is an error.
func program(ctx context.Context, dir string, stderr io.Writer, name string, args ...string) error {
	path, err := beside(name)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, append(args, "--log-level", "error")...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, stderr, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		err = errors.New("exit 0")
	}
	return fmt.Errorf("%s ended: %w", name, err)
}

// history lets the collector live through a year, and go on in the present.
func history(ctx context.Context, dir string, stdout io.Writer) (*stage.Stage, error) {
	o := stage.Options{
		Mode: stage.Full, Flows: true, Seed: 2026, Months: historyMonths, Dir: dir, Log: slog.New(slog.DiscardHandler),
		Pages: webAddress, MQTT: mqttAddress,
	}
	var err error
	if o.Collector, err = beside("zerofax-collector-testclock"); err != nil {
		return nil, err
	}
	if o.Present, err = beside("zerofax-collector"); err != nil {
		return nil, err
	}
	const wide = 40
	last := -1
	o.Told = func(part float64) {
		done := int(part * wide)
		if done == last {
			return
		}
		last = done
		fmt.Fprintf(stdout, "\r  A year goes by  %s%s", strings.Repeat("█", done), strings.Repeat("░", wide-done))
		if done == wide {
			fmt.Fprintln(stdout)
		}
	}
	return stage.Open(ctx, o)
}

// historyMonths is a year of whole months, and the present one.
const historyMonths = 13

// admitted are lines of the ward that people declared, each with the service of the hospital to which it belongs. Of the
// other machines there is a line to be declared.
var admitted = []struct{ number, service string }{
	{"02 61 91 40 91", "Urgences"},
	{"02 61 91 40 92", "Cardiologie"},
	{"02 61 91 40 93", "Pédiatrie"},
	{"02 61 91 40 94", "Maternité"},
	{"02 61 91 40 95", "Oncologie"},
}

// admit waits until the ward's machines are seen, and declares lines of some.
func admit(ctx context.Context, dir string, machines int) error {
	var seen []seenDevice
	if err := until(ctx, 30*time.Second, func() (err error) {
		seen, err = wardDevices(ctx)
		if err == nil && len(seen) < machines {
			err = fmt.Errorf("the collector sees %d of the ward's %d machines", len(seen), machines)
		}
		return err
	}); err != nil {
		return err
	}
	seen = slices.DeleteFunc(seen, func(d seenDevice) bool { return !d.FaxCapable || len(d.Counters) == 0 })
	var table strings.Builder
	table.WriteString("Numéro;Machine;Établissement;Service;Support\n")
	for i, x := range admitted[:min(len(admitted), len(seen))] {
		fmt.Fprintf(&table, "%s;%s;CHU de l'Exemple;%s;analogique\n", x.number, seen[i].ID, x.service)
	}
	if err := os.WriteFile(filepath.Join(dir, "ward.csv"), []byte(table.String()), 0o600); err != nil {
		return fmt.Errorf("write the ward's lines: %w", err)
	}
	path, err := beside("zerofax-collector")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, "import", "lines", "ward.csv", "--by", "camille.exemple", "--config", "collector.yml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("declare the ward's lines: %w\n%s", err, out)
	}
	return nil
}

type seenDevice struct {
	ID         string
	Agent      string
	FaxCapable bool `json:"fax_capable"`
	Counters   []any
}

// wardDevices are those that the demo's agent reads.
func wardDevices(ctx context.Context) ([]seenDevice, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+webAddress+"/api/v1/devices", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var list struct{ Data []seenDevice }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("read machines: %w", err)
	}
	return slices.DeleteFunc(list.Data, func(d seenDevice) bool { return d.Agent != "demo" }), nil
}

// until repeats f until it succeeds.
func until(ctx context.Context, limit time.Duration, f func() error) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	late := time.After(limit)
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return err
		case <-tick.C:
		}
	}
}
