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

func TestOrderOfReadings(t *testing.T) {
	at := func(stream int64, minute int, uptime time.Duration) moment {
		raw := t0.Add(time.Duration(minute) * time.Minute)
		return moment{Stream: stream, Raw: raw, At: raw, Uptime: uptime, Trusted: true, Receipt: raw}
	}
	future := func(m moment) moment {
		m.Trusted, m.Receipt = false, t0.Add(15*time.Minute)
		return m
	}
	set := func(m moment) moment {
		m.Receipt = t0.Add(15 * time.Minute)
		return m
	}
	const up = time.Hour
	for _, c := range []struct {
		name   string
		before []moment
		m      moment
		want   relation
	}{
		{"the first", nil, at(1, 0, 0), newer},
		{"later in the same stream, whatever the clock says", []moment{at(1, 10, 0)}, at(1, 5, 0), newer},
		{"another stream, later", []moment{at(1, 10, 0)}, at(2, 11, 0), newer},
		{"another stream, earlier", []moment{at(1, 10, 0)}, at(2, 9, 0), older},
		{"another stream, the same instant", []moment{at(1, 10, 0)}, at(2, 10, 0), older},
		{"another stream, same boot, more uptime", []moment{at(1, 10, up)}, at(2, 11, up+time.Minute), newer},
		{"another stream, same boot, less uptime", []moment{at(1, 10, up)}, at(2, 9, up-time.Minute), repeated},
		{"another stream, the very same reading", []moment{at(1, 10, up)}, at(2, 10, up), repeated},
		{"another stream, rebooted since", []moment{at(1, 10, up)}, at(2, 20, time.Minute), newer},
		{"another stream, a reading from before the last reboot", []moment{at(1, 10, up), at(1, 20, time.Minute)}, at(2, 9, up-time.Minute), repeated},
		{"another stream, from the future", []moment{at(1, 10, 0)}, future(at(2, 9999, 0)), older},
		{"another stream, from the future but the same boot", []moment{at(1, 10, up)}, future(at(2, 11, up+time.Minute)), newer},
		{"the last time was from the future: it freezes nothing", []moment{at(1, 10, 0), future(at(1, 9999, 0))}, at(2, 16, 0), newer},
		{"the last time was from the future: who knows what came before its receipt", []moment{at(1, 10, 0), future(at(1, 9999, 0))}, at(2, 11, 0), older},
		{"the last time was set back: who knows what came before its receipt", []moment{at(1, 10, 0), set(at(1, -500_000, 0))}, at(2, 11, 0), older},
		{"said while the clock was wrong by years, and said again since", []moment{at(1, 10, up), at(1, 3_000_000, up+time.Minute), at(1, 12, up+2*time.Minute)}, at(2, 3_000_000, up+time.Minute), repeated},
	} {
		t.Run(c.name, func(t *testing.T) {
			var o order
			for _, m := range c.before {
				o.accept(m)
			}
			if got := o.relation(c.m); got != c.want {
				t.Errorf("got %d, want %d (order %+v)", got, c.want, o)
			}
		})
	}
}

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
