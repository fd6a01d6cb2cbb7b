package broker_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/broker"
)

// A store that can't be written once takes nothing any more, until the broker is started anew.
func TestABrokerThatTakesNothingIsStartedAnewWhereItWas(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	dir, again := t.TempDir(), make(chan struct{})
	log := slog.New(slog.NewTextHandler(awaited{t, "it takes messages again", again, new(sync.Once)}, nil))
	b, err := broker.Start(t.Context(), broker.Options{
		Dir: dir, Listen: "127.0.0.1:0", Log: log, ProbeEvery: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	kept := make(chan struct{})
	go func() { defer close(kept); b.Keep(ctx) }()
	defer func() { stop(); <-kept; closed(t, b) }()

	c := connect(t, b, "ps-01")
	finished(t, c.Publish("zerofax/v1/agents/ps-01/state", 1, true, "before"))
	addr := b.Addr()
	if err := os.RemoveAll(filepath.Join(dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-again:
	case <-time.After(time.Minute):
		t.Fatal("it isn't started anew within a minute")
	}
	if b.Addr() != addr {
		t.Errorf("it listens on %s, want %s as before", b.Addr(), addr)
	}
	c = connect(t, b, "ps-02")
	finished(t, c.Publish("zerofax/v1/agents/ps-02/state", 1, true, "after"))
	if got := hear(t, b, "zerofax/v1/agents/ps-02/state", 10*time.Second); got != "after" {
		t.Errorf("got %q, want what was published afterwards", got)
	}
}

// awaited closes a channel once a line with a text is logged.
type awaited struct {
	testing.TB
	text string
	seen chan struct{}
	once *sync.Once
}

func (a awaited) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(a.text)) {
		a.once.Do(func() { close(a.seen) })
	}
	return a.Output().Write(line)
}
