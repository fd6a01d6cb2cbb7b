package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/mibs/sim"
)

// logText is a log that can be read while it is written.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// running is an agent that can be told that its configuration has changed.
type running struct {
	t      *testing.T
	config string
	log    logText
	reload chan os.Signal
}

// serve runs an agent until the test ends, which must be its end without a fault.
func serve(t *testing.T, config string) *running {
	a := &running{t: t, config: config, reload: make(chan os.Signal, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	r := runner{config: config, log: slog.New(slog.NewTextHandler(&a.log, nil)), reload: a.reload}
	go func() { ended <- r.serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	return a
}

// change gives it another configuration, and waits until the log says text once more.
func (a *running) change(config, text string) {
	a.t.Helper()
	if err := os.WriteFile(a.config, []byte(config), 0o600); err != nil {
		a.t.Fatal(err)
	}
	a.again(text)
}

func (a *running) again(text string) {
	a.t.Helper()
	had := a.log.count(text)
	a.reload <- syscall.SIGHUP
	eventually(a.t, fmt.Sprintf("the log says %q", text), func() string {
		return fewer(a.log.count(text), had+1)
	})
}

func TestANewConfigurationLosesNoFax(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	ward, config, port := setUp(t)
	startBroker(t, port)
	b := newBooks()
	collect(t, fmt.Sprintf("mqtt://127.0.0.1:%d", port), b)
	agent := serve(t, config)
	eachLookedAt(t, ward, b, 1)
	for i := range 4 {
		for _, bed := range ward.Devices {
			bed.Fax(1, i)
		}
		agent.again("msg=starting")
	}
	eventually(t, "each fax is booked", func() string { return b.equal(ward) })
	if lost := b.givenUp(); lost != 0 {
		t.Errorf("%d readings lost", lost)
	}
}

func TestANewConfigurationChangesWhoIsAsked(t *testing.T) {
	ward, config, port := setUp(t)
	broker := fmt.Sprintf("mqtt://127.0.0.1:%d", port)
	startBroker(t, port)
	b := newBooks()
	collect(t, broker, b)
	beds := counting(ward)
	gone, stays, comes := beds[0], beds[1], beds[2]
	of := func(beds ...sim.Bed) string {
		var addrs []netip.AddrPort
		for _, bed := range beds {
			addrs = append(addrs, bed.Addr)
		}
		return configFor(addrs, time.Second, broker)
	}
	if err := os.WriteFile(config, []byte(of(gone, stays)), 0o600); err != nil {
		t.Fatal(err)
	}
	agent := serve(t, config)
	looks := func(bed sim.Bed, times int) {
		t.Helper()
		eventually(t, bed.ID()+" is looked at", func() string { return fewer(b.looks(bed.ID()), times) })
	}
	looks(gone, 1)
	agent.change(of(stays, comes), "msg=starting")
	asked := gone.Requests().All()
	looks(comes, 2)
	looks(stays, b.looks(stays.ID())+2)
	if again := gone.Requests().All() - asked; again != 0 {
		t.Errorf("%s is asked %d times more, want never", gone.ID(), again)
	}
}

func TestAFaultyNewConfigurationIsRefusedAndTheOldOneGoesOn(t *testing.T) {
	ward, config, port := setUp(t)
	good, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	startBroker(t, port)
	b := newBooks()
	collect(t, fmt.Sprintf("mqtt://127.0.0.1:%d", port), b)
	agent := serve(t, config)
	eachLookedAt(t, ward, b, 1)

	faulty := strings.Replace(string(good), "poll: {lines: 1s", "pull: {lines: 1x", 1)
	agent.change(faulty, "new configuration refused, the old one goes on")
	if want := fmt.Sprintf("%s:3: unknown key", config); agent.log.count(want) != 1 {
		t.Errorf("no %q in the log", want)
	}
	noFolder := strings.Replace(string(good), "dir: spool", "dir: agent.yml", 1)
	agent.change(noFolder, "the new configuration does not work, back to the old one")
	if want := filepath.Join(filepath.Dir(config), "agent.yml"); agent.log.count(want) == 0 {
		t.Errorf("the log doesn't name %s", want)
	}

	for _, bed := range ward.Devices {
		bed.Fax(2, 1)
	}
	eventually(t, "each fax is booked", func() string { return b.equal(ward) })
	agent.change(strings.Replace(string(good), "agent: bench", "agent: other", 1), "agent=other")
}

func TestAFolderThatMayNotBeWrittenIsToldWithTheAccountThatWantsTo(t *testing.T) {
	who, err := user.Current()
	if err != nil {
		t.Skip(err)
	}
	denied := &fs.PathError{Op: "mkdir", Path: "/srv/spool", Err: fs.ErrPermission}
	got := mayNotWrite(fmt.Errorf("open spool: %w", denied), "/srv/spool").Error()
	want := "open spool: mkdir /srv/spool: permission denied; " + who.Username + " wants to write to /srv/spool"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	other := errors.New("open spool: another agent runs")
	if got := mayNotWrite(other, "/srv/spool"); !errors.Is(got, other) || got.Error() != other.Error() {
		t.Errorf("got %v, want %v as it is", got, other)
	}
}
