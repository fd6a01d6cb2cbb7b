package ledger

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

func TestClockOffsetIsTheLeastOfTenMinutes(t *testing.T) {
	type message struct{ receipt, sent time.Duration } // after t0; sent by the agent's clock
	for _, c := range []struct {
		name     string
		messages []message
		want     time.Duration
	}{
		{"nothing heard", nil, 0},
		{"on time", []message{{time.Second, time.Second}}, 0},
		{"the fastest message tells", []message{{10 * time.Second, 5 * time.Second}, {11 * time.Second, 10900 * time.Millisecond}, {20 * time.Second, 12 * time.Second}}, 100 * time.Millisecond},
		{"an agent that is two hours behind", []message{{2 * time.Hour, 0}, {2*time.Hour + time.Minute, time.Minute}}, 2 * time.Hour},
		{"an agent that is two hours ahead", []message{{0, 2 * time.Hour}}, -2 * time.Hour},
		{"older than ten minutes is forgotten", []message{{0, 0}, {11 * time.Minute, 11*time.Minute - 3*time.Second}}, 3 * time.Second},
		{"a clock that was set back years counts at once", []message{{0, 0}, {time.Minute, -9 * year}}, time.Minute + 9*year},
		{"a clock that was set right again counts at once", []message{{0, 9 * year}, {time.Minute, time.Minute}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k clock
			for _, m := range c.messages {
				k.observe(t0.Add(m.receipt), t0.Add(m.sent))
			}
			if got := k.offset(); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestStamp(t *testing.T) {
	receipt := t0
	for _, c := range []struct {
		name               string
		raw                wire.Time
		offset             time.Duration
		at                 wire.Time
		trusted, corrected bool
	}{
		{"in time", t0.Add(-time.Second), 0, t0.Add(-time.Second), true, false},
		{"a little ahead: not after its receipt", t0.Add(30 * time.Second), -40 * time.Second, t0, true, false},
		{"an hour behind, corrected", t0.Add(-time.Hour), time.Hour, t0, true, true},
		{"years ahead, corrected", t0.Add(9*year - time.Minute), -9 * year, t0.Add(-time.Minute), true, true},
		{"waited for a week", t0.Add(-7 * day), 0, t0.Add(-7 * day), true, false},
		{"from the future", t0.Add(2 * time.Minute), 0, t0, false, true},
		{"from before anyone watched", t0.Add(-500 * day), 0, t0, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, trusted, corrected := stamp(c.raw, c.offset, receipt)
			if at != c.at || trusted != c.trusted || corrected != c.corrected {
				t.Errorf("got %v, trusted %v, corrected %v, want %v, %v, %v", at, trusted, corrected, c.at, c.trusted, c.corrected)
			}
		})
	}
}
