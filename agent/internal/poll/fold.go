package poll

import (
	"errors"
	"fmt"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
)

// ErrTooLarge means that batches can't become one: even folded they don't fit into an envelope.
var ErrTooLarge = errors.New("too large for one envelope")

// Fold makes one batch of several, oldest first: payloads are JSON arrays of readings and
// events, and so is what comes out. Events all stay as they are, behind the readings: each
// is its own fax. It drops a reading only if nothing is lost with it: whatever that
// reading tells (reachable or why not, counters, lines, fax service), the device's reading
// before it that tells of the same thing and the one after it say the same. So both
// readings around every change and every failure span stay, and no interval in which
// something happened grows. A reading that stays stands for those dropped behind it (Seen).
//
// Readings of lines alone stand between those of counters, so each is compared with its
// own kind: else a device polled for lines each minute would hardly fold at all.
func Fold(payloads [][]byte) (payload []byte, records int, err error) {
	var readings []wire.Reading
	var events []wire.Event
	for i, payload := range payloads {
		some, others, err := wire.DecodeReadings(payload)
		if err != nil {
			return nil, 0, fmt.Errorf("fold batch %d of %d: %w", i+1, len(payloads), err)
		}
		readings, events = append(readings, some...), append(events, others...)
	}
	kept := fold(readings)
	payload, err = wire.EncodeReadings(kept, events...)
	if err != nil {
		return nil, 0, fmt.Errorf("fold %d readings: %w", len(readings), err)
	}
	if most := wire.MaxEnvelope - wire.Overhead; len(payload) > most {
		return nil, 0, fmt.Errorf("fold %d readings: %d bytes, at most %d: %w", len(readings), len(payload), most, ErrTooLarge)
	}
	return payload, len(kept) + len(events), nil
}

// fold shortens readings in place.
func fold(readings []wire.Reading) []wire.Reading {
	keep := make([]bool, len(readings))
	traces := make(map[string]*trace)
	for i := range readings {
		t := traces[readings[i].Device]
		if t == nil {
			t = new(trace)
			traces[readings[i].Device] = t
		}
		t.follow(readings, i, keep)
	}
	for _, t := range traces {
		t.end(keep)
	}
	kept := readings[:0]
	standsFor := make(map[string]int, len(traces)) // device → place in kept of its latest
	for i, r := range readings {
		if keep[i] {
			standsFor[r.Device] = len(kept)
			kept = append(kept, r)
			continue
		}
		before := &kept[standsFor[r.Device]]
		before.Seen = looks(before) + looks(&r)
	}
	return kept
}

func looks(r *wire.Reading) int { return max(1, r.Seen) }

// An aspect is one of the things that a reading may tell.
type aspect struct {
	told func(*wire.Reading) bool
	same func(a, b *wire.Reading) bool
}

var aspects = [...]aspect{
	{ // whether the device could be looked at, and as what
		func(*wire.Reading) bool { return true },
		func(a, b *wire.Reading) bool {
			return a.OK == b.OK && a.Error == b.Error && a.Profile == b.Profile
		},
	},
	{ // a look at lines alone may not know what the counters prove
		func(r *wire.Reading) bool { return r.Fax == wire.Yes || r.Fax == wire.No },
		func(a, b *wire.Reading) bool { return a.Fax == b.Fax },
	},
	{
		func(r *wire.Reading) bool { return len(r.Counters) > 0 },
		func(a, b *wire.Reading) bool { return slices.Equal(a.Counters, b.Counters) },
	},
	{
		func(r *wire.Reading) bool { return len(r.Lines) > 0 },
		func(a, b *wire.Reading) bool { return slices.Equal(a.Lines, b.Lines) },
	},
	{
		func(r *wire.Reading) bool { return r.FaxService != "" },
		func(a, b *wire.Reading) bool { return a.FaxService == b.FaxService },
	},
}

// trace follows one device through its readings.
type trace struct {
	latest   [len(aspects)]mark // the latest reading that told each aspect
	uptime   int64              // told last
	identity *wire.Identity     // told last
	life     int                // goes up when the device restarted or says another identity
}

type mark struct {
	told bool
	at   int // place among the readings
	life int
}

// follow takes readings[i] in and keeps the readings at both sides of each change.
func (t *trace) follow(readings []wire.Reading, i int, keep []bool) {
	r := &readings[i]
	t.live(r)
	for a := range aspects {
		if !aspects[a].told(r) {
			continue
		}
		before := t.latest[a]
		if !before.told || before.life != t.life || !aspects[a].same(&readings[before.at], r) {
			keep[i] = true
			if before.told {
				keep[before.at] = true
			}
		}
		t.latest[a] = mark{told: true, at: i, life: t.life}
	}
}

// live notices a restart and a changed identity. An identity that was told before is
// forgotten, so that it doesn't keep its reading.
func (t *trace) live(r *wire.Reading) {
	if r.UptimeMS > 0 {
		if r.UptimeMS < t.uptime {
			t.life++
		}
		t.uptime = r.UptimeMS
	}
	if r.Identity == nil {
		return
	}
	if t.identity != nil && *t.identity == *r.Identity {
		r.Identity = nil
		return
	}
	t.identity = r.Identity
	t.life++
}

// end keeps the last reading of each aspect: what follows is not known yet.
func (t *trace) end(keep []bool) {
	for _, latest := range t.latest {
		if latest.told {
			keep[latest.at] = true
		}
	}
}
