package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// brief are statuses as "08:01 ps-01 up=1" or "08:01 ps-01 line2=busy".
func brief(statuses []ledger.Status) (all []string) {
	for _, s := range statuses {
		all = append(all, fmt.Sprintf("%s %s %s%s=%s", s.At.Std().Format("15:04"), s.Agent, s.Kind, s.Port, s.Value))
	}
	return all
}

func TestTheLogOfStatusesSaysFromWhenOnNobodyKnows(t *testing.T) {
	c := newCollector(t)
	read := func(status wire.LineStatus) wire.Reading {
		return wire.Reading{Device: "audiocodes-1", OK: true, Lines: []wire.Line{{Port: "2", Status: status, Fax: wire.Yes}}}
	}
	c.say("ps-01", read(wire.LineIdle))
	c.say("ps-01", read(wire.LineBusy))
	c.now = c.now.Add(59 * time.Minute) // an hour without a look
	c.say("ps-01", read(wire.LineBusy))
	c.now = c.now.Add(2 * time.Hour)
	c.say("ps-01", read(wire.LineIdle))
	c.say("ps-01", wire.Reading{Device: "audiocodes-1", Error: "timeout"})
	c.now = c.now.Add(5 * time.Hour)
	c.say("ps-01", wire.Reading{Device: "audiocodes-1", Error: "timeout"})
	c.say("ps-02", read(wire.LineIdle)) // takes over
	c.now = c.now.Add(30 * time.Minute)
	c.say("ps-01", read(wire.LineIdle)) // takes it back
	want := []string{
		"08:01 ps-01 up=1", "08:01 ps-01 line2=idle", "08:02 ps-01 line2=busy",
		"09:02 ps-01 up=", "11:03 ps-01 up=1", "11:03 ps-01 line2=idle",
		"11:04 ps-01 up=0", "11:04 ps-01 up=", "16:05 ps-01 up=0",
		"16:06 ps-02 up=1", "16:37 ps-01 up=1",
	}
	statuses, err := c.Statuses(context.Background(), 0, 100)
	if got := brief(statuses); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	standing, err := c.Standing(context.Background(), 4)
	if got, want := brief(standing), []string{"08:02 ps-01 line2=busy", "09:02 ps-01 up="}; err != nil || !slices.Equal(got, want) {
		t.Errorf("up to the fourth: got %q (%v), want %q", got, err, want)
	}
	if _, status, err := c.Newest(context.Background()); err != nil || status != int64(len(want)) {
		t.Errorf("the newest is %d (%v), want %d", status, err, len(want))
	}
	looks, err := c.Looks(context.Background())
	if got := looks["audiocodes-1"].Std().Format("15:04"); err != nil || got != "16:37" {
		t.Errorf("last looked at at %s (%v), want 16:37", got, err)
	}
}

func TestWhatAProjectionCannotHandOnIsKept(t *testing.T) {
	c := newCollector(t)
	refused := ledger.Quarantine{Stream: "influxdb", Index: -1, Reason: "400: no", ReceivedAt: wire.TimeOf(c.now), Payload: []byte("fax_activity count=1i 1")}
	if err := c.Quarantine(context.Background(), []ledger.Quarantine{refused, refused}); err != nil {
		t.Fatal(err)
	}
	c.reopen()
	if err := c.Quarantine(context.Background(), []ledger.Quarantine{refused}); err != nil {
		t.Fatal(err)
	}
	kept, err := c.Quarantined(context.Background(), 10)
	if err != nil || len(kept) != 3 || kept[0].Reason != refused.Reason || string(kept[0].Payload) != string(refused.Payload) {
		t.Errorf("kept is %+v (%v), want it three times", kept, err)
	}
}
