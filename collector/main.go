// Command zerofax-collector keeps the books of fax lines: it takes what zerofax-agents read
// from the machines, and shows it as pages, an API and Prometheus metrics.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

const program = "zerofax-collector"

// Exit codes.
const (
	exitOK    = 0
	exitError = 1 // what was asked for did not work
	exitUsage = 2 // the command line or the config file is wrong
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// commandLine is what kong reads the arguments into. Flags may stand anywhere after the command.
type commandLine struct {
	Config    string `placeholder:"FILE" help:"Config file (YAML). Without it: the built-in defaults, loopback only."`
	LogLevel  string `enum:"debug,info,warn,error" default:"info" help:"debug, info, warn or error."`
	LogFormat string `enum:"text,json" default:"text" help:"text or json."`

	Run     runCommand     `cmd:"" help:"Run the collector until it is told to stop."`
	Check   checkCommand   `cmd:"" help:"Check the config file and say what run would do."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// streams are where commands write to.
type streams struct{ out, err io.Writer }

// run is the whole program. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var line commandLine
	helped := false
	parser, err := kong.New(&line,
		kong.Name(program),
		kong.Description("Keeps the books of fax lines, and shows them as pages, an API and Prometheus metrics."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }),
	)
	if err != nil {
		panic(err) // commandLine itself is wrong
	}
	parsed, err := parser.Parse(args)
	if helped {
		return exitOK
	}
	if err != nil {
		return usage(parser, err, stderr)
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(&line, streams{stdout, stderr})
	var faults configError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &faults):
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "%s: %v\n", program, err)
	return exitError
}

func usage(parser *kong.Kong, err error, stderr io.Writer) int {
	fmt.Fprintf(stderr, "%s: %v\n\n", program, err)
	parser.Stdout = stderr
	var fault *kong.ParseError
	if errors.As(err, &fault) {
		_ = fault.Context.PrintUsage(false)
	}
	return exitUsage
}

func (l *commandLine) log(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.LogLevel)) // kong lets only names of levels through
	options := &slog.HandlerOptions{Level: level}
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

type runCommand struct{}

// Run implements `run`.
func (runCommand) Run(ctx context.Context, line *commandLine, to streams) error {
	c, err := load(line.Config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := line.log(to.err)
	for _, key := range c.idle {
		log.Warn("this version does nothing with it yet", "key", key)
	}
	return serve(ctx, c, log, func(at addresses) {
		log.Info("ready", "page", at.page, "metrics", at.page+"metrics", "mqtt", at.mqtt, "data", c.DataDir)
	})
}

type versionCommand struct{}

// Run implements `version`.
func (versionCommand) Run(to streams) error {
	_, err := fmt.Fprintf(to.out, "%s %s\n", program, versionText())
	return err
}
