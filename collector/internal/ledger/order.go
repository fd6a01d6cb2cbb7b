package ledger

import (
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Readings are ordered by their number within a stream, never by a clock. But an agent that was
// rolled back says old readings again in a new stream, another agent may take a device over, and
// then only the device's uptime and the clocks can tell an old reading from a new one.

// order is what the books know of a device's last accepted reading.
type order struct {
	Stream int64     // 0: none yet
	At     wire.Time // it was certainly not taken later than that
	Boot             // of the last reading that told its uptime
	Past   []Boot    // earlier ones, latest last
}

// Boot is one stretch of a device's uptime as an agent's clock shows it. A clock that jumps makes
// a new one of it, which is as good: what was said in a stretch is known when it is said again.
type Boot struct {
	Started wire.Time     `json:"started"` // raw time − uptime; moves along with the clocks' drift
	Uptime  time.Duration `json:"uptime"`  // the longest seen
}

// moment is when a reading was taken, by all that is told about it.
type moment struct {
	Stream  int64
	Raw     wire.Time // by the agent's clock
	Uptime  time.Duration
	At      wire.Time // corrected
	Trusted bool      // At can be relied upon
	Receipt wire.Time
}

type relation uint8

const (
	older    relation = iota // or unknown: only a value can prove it newer
	repeated                 // certainly nothing new
	newer
)

const (
	sameBoot  = wire.Time(5000) // boot instants within these ms are the same boot
	maxPast   = 6
	maxUptime = 10 * 365 * 24 * time.Hour // beyond it nothing was told: sysUpTime ends after 497 days
)

// relation tells how m stands to the last accepted reading.
func (o *order) relation(m moment) relation {
	if o.Stream == 0 || o.Stream == m.Stream {
		return newer
	}
	if m.Uptime > 0 {
		if o.Boot.holds(m) {
			if m.Uptime > o.Uptime {
				return newer
			}
			return repeated
		}
		for _, b := range o.Past {
			if b.holds(m) && m.Uptime <= b.Uptime {
				return repeated
			}
		}
	}
	if m.Trusted && m.At > o.At {
		return newer
	}
	return older
}

// accept makes m the last accepted reading. It tells whether Past changed.
func (o *order) accept(m moment) (past bool) {
	o.Stream = m.Stream
	if m.Trusted && m.At >= o.At {
		o.At = m.At
	} else { // its clock was wrong, but it came before its receipt
		o.At = max(o.At, m.Receipt)
	}
	if m.Uptime == 0 {
		return false
	}
	started := m.Raw.Add(-m.Uptime)
	if o.Boot.holds(m) {
		o.Boot = Boot{Started: started, Uptime: max(o.Uptime, m.Uptime)}
		return false
	}
	if o.Uptime > 0 {
		o.Past = append(slices.Clone(o.Past), o.Boot)
		o.Past = o.Past[max(0, len(o.Past)-maxPast):]
		past = true
	}
	o.Boot = Boot{Started: started, Uptime: m.Uptime}
	return past
}

// holds tells whether m was taken in this stretch of uptime.
func (b Boot) holds(m moment) bool {
	if b.Uptime == 0 || m.Uptime == 0 {
		return false
	}
	apart := m.Raw.Add(-m.Uptime) - b.Started
	return -sameBoot <= apart && apart <= sameBoot
}

// uptime is what a reading tells of its device's uptime, 0 if nothing that can be true.
func uptime(r *wire.Reading) time.Duration {
	if r.UptimeMS > maxUptime.Milliseconds() {
		return 0
	}
	return time.Duration(r.UptimeMS) * time.Millisecond
}
