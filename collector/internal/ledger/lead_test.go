package ledger

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

func TestLead(t *testing.T) {
	if takesOver(t0.Add(15*time.Minute), t0, 5*time.Minute) {
		t.Error("another agent took over before the lead missed 3 polls")
	}
	if !takesOver(t0.Add(15*time.Minute+time.Second), t0, 5*time.Minute) {
		t.Error("nobody took over although the lead missed 3 polls")
	}
	for previous, want := range map[wire.Time]time.Duration{
		0: time.Minute, t0: time.Minute, t0.Add(-time.Second): time.Minute, t0.Add(-5 * time.Minute): 5 * time.Minute,
		t0.Add(-72 * time.Hour): time.Hour, t0.Add(time.Hour): time.Minute,
	} {
		if got := pollInterval(previous, t0); got != want {
			t.Errorf("interval from %v to %v: got %v, want %v", previous, t0, got, want)
		}
	}
}
