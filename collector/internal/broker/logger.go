package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// logger hands nats-server's lines to slog. What it calls a notice is of no interest to
// people who didn't ask for a NATS server.
type logger struct {
	log *slog.Logger

	mu      sync.Mutex
	first   error
	faulted time.Time // when a client's fault was last told
}

func (l *logger) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }
func (l *logger) Warnf(format string, v ...any)   { l.say(slog.LevelInfo, format, v) }
func (l *logger) Debugf(string, ...any)           {}
func (l *logger) Tracef(string, ...any)           {}

// Errorf tells what clients do wrong once a minute: whoever has no good certificate, or tries what it may not,
// does so on and on. Whom the door refuses is told by the door.
func (l *logger) Errorf(format string, v ...any) {
	level, text := slog.LevelWarn, fmt.Sprintf(format, v...)
	switch {
	case strings.Contains(text, server.ErrAuthentication.Error()):
		level = slog.LevelDebug
	case strings.Contains(text, "TLS handshake error"), strings.Contains(text, "Violation"):
		l.mu.Lock()
		if now := time.Now(); now.Sub(l.faulted) < time.Minute {
			level = slog.LevelDebug
		} else {
			l.faulted = now
		}
		l.mu.Unlock()
	}
	l.say(level, "%s", []any{text})
}

// Fatalf must not end the process: the error is kept for whoever starts the broker.
func (l *logger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first = errors.Join(l.first, fmt.Errorf(format, v...))
}

func (l *logger) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first
}

func (l *logger) say(level slog.Level, format string, v []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "broker: "+strings.TrimSpace(fmt.Sprintf(format, v...)))
	}
}
