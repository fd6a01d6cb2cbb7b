package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestALoopGoesOnThroughFailuresAndLogsThemOnce(t *testing.T) {
	var said bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	rounds := 0
	every(ctx, "watchdog", time.Millisecond, slog.New(slog.NewTextHandler(&said, nil)), func(context.Context) error {
		switch rounds++; {
		case rounds == 5:
			cancel()
		case rounds > 1 && rounds < 4:
			return errors.New("disk full")
		}
		return nil
	})
	if rounds != 5 {
		t.Errorf("got %d rounds, want 5", rounds)
	}
	for text, want := range map[string]int{"watchdog doesn't work": 1, "disk full": 1, "watchdog works again": 1} {
		if got := strings.Count(said.String(), text); got != want {
			t.Errorf("%q: said %d times, want %d\n%s", text, got, want, &said)
		}
	}
}
