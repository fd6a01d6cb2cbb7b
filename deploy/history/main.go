// Command history starts a collector that has lived through two years of two small hospitals, with an
// InfluxDB and a Prometheus beside it, for whoever works on dashboards or rules:
//
//	go run ./deploy/history          # everything that can happen; two of three agents live
//	go run ./deploy/history empty    # a collector that was installed a moment ago
//	go run ./deploy/history dead     # all agents are gone
//
// It builds the collector of the folder that it is started in; InfluxDB and Prometheus come with `make
// tools`. Interrupted, it ends all and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/zerofax/zerofax/deploy/stage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := stage.Options{Mode: stage.Full, Log: slog.New(slog.NewTextHandler(stderr, nil))}
	flags := flag.NewFlagSet("history", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Uint64Var(&o.Seed, "seed", 2026, "another `number` is another history")
	flags.StringVar(&o.Pages, "http", "", "`address` of the collector's pages; default: where there is room")
	flags.StringVar(&o.PrometheusAt, "prometheus", "", "`address` of Prometheus")
	flags.StringVar(&o.InfluxDBAt, "influxdb", "", "`address` of InfluxDB")
	flags.StringVar(&o.Rules, "rules", "", "rule `files` for Prometheus, such as dashboards/prometheus/*.rules.yml")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if mode := flags.Arg(0); mode != "" {
		o.Mode = stage.Mode(mode)
	}
	if !slices.Contains(stage.Modes(), o.Mode) || flags.NArg() > 1 {
		fmt.Fprintf(stderr, "history: %q; want one of %q, after the flags\n", flags.Args(), stage.Modes())
		return 2
	}
	if err := show(ctx, o, stdout); err != nil && ctx.Err() == nil {
		fmt.Fprintln(stderr, "history:", err)
		return 1
	}
	return 0
}

func show(ctx context.Context, o stage.Options, stdout io.Writer) (err error) {
	if o.Dir, err = os.MkdirTemp("", "zerofax-history-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	if err := programs(ctx, &o); err != nil {
		return err
	}
	if o.Rules != "" {
		if o.Rules, err = filepath.Abs(o.Rules); err != nil {
			return fmt.Errorf("find the rules: %w", err)
		}
	}
	s, err := stage.Open(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintf(stdout, `
  pages       %s/
  Prometheus  %s
  InfluxDB    %s   database %s, no password

  Ctrl-C ends it and leaves nothing behind.

`, s.CollectorURL(), s.PrometheusURL(), s.InfluxDBURL(), stage.Database)
	return s.Wait(ctx)
}

// programs builds the collector and finds the others.
func programs(ctx context.Context, o *stage.Options) error {
	o.Collector = filepath.Join(o.Dir, "zerofax-collector")
	build := exec.CommandContext(ctx, "go", "build", "-tags", "testclock", "-o", o.Collector, "./collector")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the collector, from the folder of go.mod: %w\n%s", err, out)
	}
	var err error
	if o.Prometheus, err = exec.LookPath("prometheus"); err != nil {
		return fmt.Errorf("%w; run: make tools", err)
	}
	o.InfluxDB, err = stage.BuiltTool("influxd", "1.8.10")
	return err
}
