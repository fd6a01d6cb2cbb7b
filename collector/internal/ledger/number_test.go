package ledger_test

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

func TestABookKeepsTheNewestNumberThatAPortToldOfItself(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	number := func() string {
		t.Helper()
		s, err := c.Snapshot(t.Context())
		if err != nil || len(s.Devices) != 1 || len(s.Devices[0].Ports) != 1 {
			t.Fatalf("got %+v, %v; want one port", s.Devices, err)
		}
		for i := range s.Lines {
			if s.Lines[i].Declared || s.Lines[i].Number != "" {
				t.Errorf("got line %+v, want none declared by what a machine says of itself", s.Lines[i])
			}
		}
		return s.Devices[0].Ports[0].Number
	}
	for _, step := range []struct {
		told wire.Number
		want string
	}{{"", ""}, {"4512", "4512"}, {"", "4512"}, {"4513", "4513"}} {
		c.now = c.now.Add(time.Minute)
		c.say("ps-01", wire.Reading{Device: "audiocodes-1", OK: true, Lines: []wire.Line{
			{Port: "1", Status: wire.LineIdle, Fax: wire.Yes, Number: step.told},
		}})
		if got := number(); got != step.want {
			t.Errorf("told %q: got %q, want %q", step.told, got, step.want)
		}
	}
	c.reopen()
	if got := number(); got != "4513" {
		t.Errorf("opened again: got %q, want 4513", got)
	}
	s, err := c.Snapshot(t.Context())
	if err != nil || s.Devices[0].Ports[0].Since != wire.TimeOf(start.Add(2*time.Minute)) || s.Devices[0].Ports[0].Status != wire.LineIdle {
		t.Errorf("got %+v, %v; want its status as of the first look: another number is no other status", s.Devices[0].Ports, err)
	}
}
