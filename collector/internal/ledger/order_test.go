package ledger

import (
	"testing"
	"time"
)

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
