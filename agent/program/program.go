// Package program is what both programs have in common at the command line: the flags of
// every command, logs, exit codes, the version, how they are told to stop, and what systemd is told.
package program

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

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // what was asked for did not work
	exitUsage  = 2 // the command line or the configuration is wrong
)

// Program is one of them.
type Program struct {
	Name  string
	About string // a sentence
	// Commands is a pointer to a struct of kong commands. Their Run methods take a *Call.
	Commands any
}

// Call is what a command works with.
type Call struct {
	Ctx            context.Context // ends when the program is told to stop
	Stdout, Stderr io.Writer
	Config         string // file; "" = the embedded defaults
	Log            *slog.Logger
}

// UsageError is a fault of the command line or the configuration. It says where, and what
// would be right.
type UsageError struct{ error }

// Usage makes a fault of an error.
func Usage(err error) error { return UsageError{err} }

// flags stand anywhere after the command, or before it.
type flags struct {
	Config    string `placeholder:"FILE" help:"Configuration (YAML). Without it: embedded defaults, loopback only."`
	LogLevel  string `enum:"debug,info,warn,error" default:"info" help:"Least important messages to log: debug, info, warn, error."`
	LogFormat string `enum:"text,json" default:"text" help:"How to log: text, json."`
}

// Run is the whole program: args in, exit code out. It ends when ctx does, or with the first
// signal to stop; a second one ends the process at once.
func (p Program) Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	var f flags
	helped := false
	parser, err := kong.New(&f, kong.Name(p.Name), kong.Description(p.About), kong.Embed(p.Commands),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }))
	if err != nil {
		panic(err) // the commands themselves are wrong
	}
	parsed, err := parser.Parse(args)
	switch {
	case helped:
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "%s: %v\n%[1]s --help shows what can be said.\n", p.Name, err)
		return exitUsage
	}
	err = parsed.Run(&Call{Ctx: ctx, Stdout: stdout, Stderr: stderr, Config: f.Config, Log: newLog(stderr, f)})
	code := ExitCode(err)
	switch code {
	case exitUsage:
		_, _ = fmt.Fprintln(stderr, err)
	case exitFailed:
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
	}
	return code
}

// ExitCode is what a program ends with whose command gave err.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(UsageError)):
		return exitUsage
	}
	return exitFailed
}
