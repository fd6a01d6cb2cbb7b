// Command zerofax-agent polls fax machines over SNMP and sends what they said to the
// collector. It only ever reads from devices. This package wires the parts together and
// decides nothing:
//
//	devices ─▶ snmp.Pool ─▶ poll ─▶ spool ─▶ uplink ─▶ MQTT
//	             mibs ───────┘        ▲         │
//	                                  └── ack ──┘
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// version is set by the linker.
var version = ""

// commands are what the program can do, and the flags that all of them take.
type commands struct {
	Config    string `placeholder:"FILE" help:"Configuration (agent.yml). Without it: embedded defaults, loopback only."`
	LogLevel  string `enum:"debug,info,warn,error" default:"info" help:"Least important messages to log: debug, info, warn, error."`
	LogFormat string `enum:"text,json" default:"text" help:"How to log: text, json."`
	Help      usage  `short:"h" help:"Show what can be said here."`

	Run     runCommand     `cmd:"" help:"Poll devices and send readings to the collector, until stopped."`
	Check   checkCommand   `cmd:"" help:"Check the configuration and say what run would do."`
	Probe   probeCommand   `cmd:"" help:"Ask one device once and show what it tells."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// program is what commands work with.
type program struct {
	ctx            context.Context
	stdout, stderr io.Writer
	config         string
	log            *slog.Logger
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // the command line or the configuration is wrong
)

// configError is a fault of the configuration: all its lines name file and line.
type configError struct{ error }

var errHelped = errors.New("help was shown")

// usage is the flag -h, --help.
type usage bool

// BeforeReset shows the help before anything that is missing is complained about.
func (usage) BeforeReset(parsed *kong.Context) error {
	if err := parsed.PrintUsage(false); err != nil {
		return err
	}
	return errHelped
}

// run is the whole program: args in, exit code out. It ends when ctx does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	parser, err := kong.New(&c,
		kong.Name("zerofax-agent"), kong.NoDefaultHelp(), kong.Writers(stdout, stderr),
		kong.Description("Polls fax machines over SNMP and sends what they said to the zerofax collector."),
	)
	if err != nil {
		panic(err) // the table of commands above is wrong
	}
	parsed, err := parser.Parse(args)
	switch {
	case errors.Is(err, errHelped):
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "zerofax-agent: %v\nzerofax-agent --help shows what can be said.\n", err)
		return exitUsage
	}
	err = parsed.Run(&program{
		ctx: ctx, stdout: stdout, stderr: stderr, config: c.Config, log: newLog(stderr, c.LogLevel, c.LogFormat),
	})
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(configError)):
		_, _ = fmt.Fprintln(stderr, err)
		return exitUsage
	}
	_, _ = fmt.Fprintf(stderr, "zerofax-agent: %v\n", err)
	return exitFailed
}

func newLog(out io.Writer, level, format string) *slog.Logger {
	var least slog.Level
	_ = least.UnmarshalText([]byte(level)) // one of four, all known to slog
	options := &slog.HandlerOptions{Level: least}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// load reads the configuration that --config names.
func (p *program) load() (*config, error) {
	c, err := loadConfig(p.config)
	if err != nil {
		return nil, configError{err}
	}
	return c, nil
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(p *program) error {
	_, err := fmt.Fprintf(p.stdout, "zerofax-agent %s\n", versionText())
	return err
}

// versionText is what the linker was told, else the commit it was built from.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return info.Main.Version
}
