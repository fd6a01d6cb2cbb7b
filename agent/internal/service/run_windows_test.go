package service

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/windows/svc"

	"github.com/zerofax/zerofax/agent/program"
)

// events are those of a test. It reads them when the service has ended.
type events []string

func (e *events) Info(_ uint32, text string) error    { *e = append(*e, "info: "+text); return nil }
func (e *events) Warning(_ uint32, text string) error { *e = append(*e, "warning: "+text); return nil }

func (e *events) Error(_ uint32, text string) error { *e = append(*e, "error: "+text); return nil }

// manager is Windows' service manager, with one service.
type manager struct {
	requests chan svc.ChangeRequest
	status   chan svc.Status
	ended    chan [2]uint32 // specific, code
	events   events
}

func serviceThat(t *testing.T, work Work) *manager {
	m := &manager{requests: make(chan svc.ChangeRequest), status: make(chan svc.Status), ended: make(chan [2]uint32, 1)}
	s := windowsService{ctx: t.Context(), log: slog.New(slog.NewTextHandler(os.Stderr, nil)), events: &m.events, work: work}
	go func() {
		specific, code := s.Execute(nil, m.requests, m.status)
		ended := [2]uint32{0, code}
		if specific {
			ended[0] = 1
		}
		m.ended <- ended
	}()
	return m
}

func (m *manager) wants(t *testing.T, state svc.State) {
	t.Helper()
	if got := <-m.status; got.State != state {
		t.Errorf("state %d, want %d", got.State, state)
	}
}

func (m *manager) ends(t *testing.T, specific, code uint32, wants ...string) {
	t.Helper()
	if got := <-m.ended; got != [2]uint32{specific, code} {
		t.Errorf("ended with %v, want %d %d", got, specific, code)
	}
	wants = append([]string{"info: zerofax-agent " + program.Version() + " started"}, wants...)
	if !slices.Equal(m.events, wants) {
		t.Errorf("events %q, want %q", m.events, wants)
	}
}

func TestTheServiceManagerIsAnsweredBeforeAnyWorkIsDone(t *testing.T) {
	begun := make(chan struct{})
	m := serviceThat(t, func(ctx context.Context, log *slog.Logger, reload <-chan os.Signal) error {
		close(begun)
		log.Info("not for administrators")
		<-reload
		log.Warn("configuration refused", "fault", "line 3")
		<-ctx.Done()
		return nil
	})
	m.wants(t, svc.StartPending)
	select {
	case <-begun:
		t.Error("work began before the manager knew that the service runs")
	default:
	}
	m.wants(t, svc.Running)
	running := svc.Status{State: svc.Running, Accepts: accepts}
	for _, cmd := range []svc.Cmd{svc.Interrogate, svc.ParamChange, svc.ParamChange} {
		m.requests <- svc.ChangeRequest{Cmd: cmd, CurrentStatus: running}
		m.wants(t, svc.Running)
	}
	m.requests <- svc.ChangeRequest{Cmd: svc.Stop, CurrentStatus: running}
	m.wants(t, svc.StopPending)
	m.ends(t, 0, 0, `warning: level=WARN msg="configuration refused" fault="line 3"`, "info: zerofax-agent stopped")
}

func TestAServiceThatAPersonStoppedIsNotStartedAgain(t *testing.T) {
	m := serviceThat(t, func(ctx context.Context, _ *slog.Logger, _ <-chan os.Signal) error {
		<-ctx.Done()
		return errors.New("did not stop within 10s")
	})
	m.wants(t, svc.StartPending)
	m.wants(t, svc.Running)
	m.requests <- svc.ChangeRequest{Cmd: svc.Stop}
	m.wants(t, svc.StopPending)
	m.ends(t, 0, 0, "error: zerofax-agent stopped: did not stop within 10s")
}

func TestAFaultyConfigurationEndsTheServiceWithACodeOfItsOwn(t *testing.T) {
	m := serviceThat(t, func(context.Context, *slog.Logger, <-chan os.Signal) error {
		return program.Usage(errors.New("agent.yml:1: unknown key"))
	})
	m.wants(t, svc.StartPending)
	m.wants(t, svc.Running)
	m.ends(t, 1, 2, "error: zerofax-agent stopped: agent.yml:1: unknown key")
}
