package program

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

func newLog(out io.Writer, f flags) *slog.Logger {
	var least slog.Level
	_ = least.UnmarshalText([]byte(f.LogLevel)) // one of four, all known to slog
	options := &slog.HandlerOptions{Level: least}
	switch {
	case f.LogFormat == "json":
		return slog.New(slog.NewJSONHandler(out, options))
	case out == os.Stderr && toJournal():
		return slog.New(Lines(options, journalTo(out)))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// toJournal tells whether systemd's journal reads stderr.
func toJournal() bool {
	is, err := journal.StderrIsJournalStream()
	return err == nil && is
}

// journalTo puts a line's priority in front of it, as the journal takes it (sd-daemon(3)).
func journalTo(out io.Writer) func(slog.Level, []byte) error {
	return func(level slog.Level, line []byte) error {
		_, err := fmt.Fprintf(out, "<%d>%s", priority(level), line)
		return err
	}
}

func priority(level slog.Level) journal.Priority {
	switch {
	case level >= slog.LevelError:
		return journal.PriErr
	case level >= slog.LevelWarn:
		return journal.PriWarning
	case level >= slog.LevelInfo:
		return journal.PriInfo
	}
	return journal.PriDebug
}

// Lines is a handler for logs of the system that keep time and level themselves: it gives write each record as a line of
// text without its time. Lines come one after the other, and are overwritten when write has returned.
func Lines(o *slog.HandlerOptions, write func(level slog.Level, line []byte) error) slog.Handler {
	var l linesShared
	l.write = write
	return lines{slog.NewTextHandler(&l.line, o), &l}
}

type lines struct {
	slog.Handler // writes into line
	*linesShared
}

type linesShared struct {
	mu    sync.Mutex
	line  bytes.Buffer
	write func(slog.Level, []byte) error
}

// Handle writes a record.
func (l lines) Handle(ctx context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line.Reset()
	r.Time = time.Time{} // left out
	if err := l.Handler.Handle(ctx, r); err != nil {
		return err
	}
	return l.write(r.Level, l.line.Bytes())
}

// WithAttrs has the attributes in every line.
func (l lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return lines{l.Handler.WithAttrs(attrs), l.linesShared}
}

// WithGroup has all that follows in a group.
func (l lines) WithGroup(name string) slog.Handler {
	return lines{l.Handler.WithGroup(name), l.linesShared}
}
