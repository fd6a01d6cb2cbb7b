// Command zerofax-demo shows zerofax at work without a hospital: it starts the built
// collector and agent beside it on their defaults, and a simulated ward of fax machines
// for the agent to poll. Interrupted, it ends both and leaves nothing behind.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
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
	if err := demo(ctx, *pace, stdout, stderr); err != nil {
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
	if err := os.WriteFile(filepath.Join(dir, "agent.yml"), agentConfig(ward), 0o600); err != nil {
		return fmt.Errorf("write the agent's configuration: %w", err)
	}
	group.Go(func() error { return program(ctx, dir, stderr, "zerofax-collector", "run") })
	if err := ready(ctx); err != nil {
		return err
	}
	group.Go(func() error { return program(ctx, dir, stderr, "zerofax-agent", "run", "--config", "agent.yml") })
	group.Go(func() error { ward.Bustle(ctx, rand.New(rand.NewPCG(rand.Uint64(), 0)), pace); return nil })

	fmt.Fprintf(stdout, `
  A ward of %d simulated fax machines is being polled every 5 seconds.

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

func agentConfig(ward *sim.Ward) []byte {
	var b strings.Builder
	b.WriteString("agent: demo\nsnmp:\n  credentials:\n    - {name: demo, version: 2c, community: public}\n" +
		"poll: {lines: 5s, counters: 5s}\ntargets:\n")
	for _, bed := range ward.Devices {
		fmt.Fprintf(&b, "  - {host: %s, port: %d, credentials: demo}\n", bed.Addr.Addr(), bed.Addr.Port())
	}
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

// program runs a program that lies beside this one until ctx ends. Its end before is an error.
func program(ctx context.Context, dir string, stderr io.Writer, name string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(self), name), append(args, "--log-level", "error")...)
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

// ready waits until the collector answers.
func ready(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-late:
			return errors.New("the collector doesn't answer within 30 s")
		case <-tick.C:
			resp, err := http.Get("http://" + webAddress + "/-/ready")
			if err != nil {
				continue
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
}
