// Command ward simulates fax machines and gateways for an agent to be tried on: machines of
// all makes, or those that recordings were made of. Each is at a loopback address of its
// own, all on one port; interrupted, it ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/zerofax/zerofax/mibs"
	"github.com/zerofax/zerofax/mibs/sim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("ward", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "ward [flags] [RECORDING…]: machines that answer SNMP as recorded, or else one of each simulated make")
		flags.PrintDefaults()
	}
	first := flags.String("listen", "127.2.0.1:0", "`address:port` of the first machine; port 0 takes a free one")
	devices := flags.Int("n", 0, "how many `machines`; 0 = one of each")
	pace := flags.Duration("pace", 0, "`time` between two faxes of the ward; 0 = nobody faxes")
	community := flags.String("community", "public", "`community` that they answer to")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	plan := sim.Plan{Devices: *devices, Community: *community}
	var err error
	if plan.First, err = loopback(*first); err == nil {
		plan.Of, err = models(flags.Args())
	}
	if err != nil {
		fmt.Fprintln(stderr, "ward:", err)
		return 2
	}
	if err := serve(ctx, plan, *pace, stdout); err != nil {
		fmt.Fprintln(stderr, "ward:", err)
		return 1
	}
	return 0
}

func loopback(text string) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(text)
	if err == nil && (!at.Addr().Is4() || !at.Addr().IsLoopback()) {
		err = errors.New("a ward is for trying out, on loopback addresses only")
	}
	if err != nil {
		return at, fmt.Errorf("listen %q; want something like 127.2.0.1:1161: %w", text, err)
	}
	return at, nil
}

func models(recordings []string) ([]*sim.Description, error) {
	if len(recordings) == 0 {
		return sim.Builtin()
	}
	var of []*sim.Description
	for _, name := range recordings {
		model, err := replay(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		of = append(of, model)
	}
	return of, nil
}

func replay(name string) (*sim.Description, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	recording, err := mibs.ParseRecording(file)
	if err != nil {
		return nil, err
	}
	return sim.FromRecording(filepath.Base(name), recording), nil
}

func serve(ctx context.Context, plan sim.Plan, pace time.Duration, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ward, err := sim.Start(ctx, plan)
	if err != nil {
		return err
	}
	for _, bed := range ward.Devices {
		fmt.Fprintf(stdout, "%s %s\n", bed.Addr, bed.Description().Name)
	}
	if pace > 0 {
		ward.Bustle(ctx, rand.New(rand.NewPCG(rand.Uint64(), 0)), pace)
	}
	return ward.Wait()
}
