package ledger

import (
	"sync"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// The rules of "did anyone fax after the cut-off": dates and what a counter did go in, how sure it
// is comes out. Nothing here reads a clock or a disk.
//
// All that is known of a fax is that it happened in (from, to], between two looks. So a fax is after
// an instant only if the earlier look was, and may be where the instant lies between the two.

// Cutoff is when a line is cut.
type Cutoff struct {
	Planned wire.Time // 00:00 of the planned day in the line's zone; 0 where none is declared
	Done    wire.Time // the end of the day on which it was really cut; 0 where it wasn't
	Kept    bool      // it is an exception
	Lifted  wire.Time // when it ceased to be one; 0 if it never was
}

// At is the instant after which nobody should fax: the earlier of both, but not while the line was
// an exception; 0 where there is none.
func (c Cutoff) At() wire.Time {
	at := earliest(c.Planned, c.Done)
	if c.Kept || at == 0 {
		return 0
	}
	return max(at, c.Lifted)
}

// earliest is the earlier of two times, of which 0 is none.
func earliest(a, b wire.Time) wire.Time {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// CutoffOf is when a line is cut, by its versions, in the zone of its site.
func CutoffOf(versions []Declaration, zone *time.Location) Cutoff {
	d := lasting(versions)
	return Cutoff{Planned: d.Cutoff.In(zone), Done: d.CutOn.End(zone), Kept: d.KeptReason != "", Lifted: lifted(versions)}
}

// lifted is when a line ceased to be an exception. What was faxed on it until then was allowed.
func lifted(versions []Declaration) (at wire.Time) {
	kept := false
	for _, v := range versions {
		if kept && v.KeptReason == "" {
			at = v.From
		}
		kept = v.KeptReason != ""
	}
	return at
}

// deadline is when a line should have ended.
type deadline struct {
	Cutoff
	copper wire.Time // with the copper network; 0 if it doesn't hang on it, or if nobody knows
}

// of is the instant that matters to a kind of episode.
func (d deadline) of(kind EpisodeKind) wire.Time {
	if kind == AfterCopper {
		return d.copper
	}
	return d.At()
}

func (r *Register) deadline(line string, zones *Zones) deadline {
	last := lasting(r.Lines[line])
	site := r.Sites[last.Site]
	zone := zones.Of(site.TimeZone)
	d := deadline{Cutoff: CutoffOf(r.Lines[line], zone)}
	if OnCopper(last.Support) {
		d.copper = r.Copper[site.Commune].Technical.End(zone)
	}
	return d
}

// deadlines are those of all lines that have any.
func (r *Register) deadlines(zones *Zones) map[string]deadline {
	all := make(map[string]deadline)
	for line := range r.Lines {
		if d := r.deadline(line, zones); d.At() != 0 || d.copper != 0 {
			all[line] = d
		}
	}
	return all
}

// lastEnding is the line that ends last, if all of them do: nobody knows by which of them a fax went.
func lastEnding(kind EpisodeKind, lines []string, deadlines map[string]deadline) (line string, at wire.Time) {
	for _, id := range lines {
		t := deadlines[id].of(kind)
		switch {
		case t == 0:
			return "", 0
		case t > at || t == at && id < line:
			line, at = id, t
		}
	}
	return line, at
}

// lasting is the version of a line whose dates hold for all times: the newest that isn't its removal.
func lasting(versions []Declaration) (d Declaration) {
	for _, v := range versions {
		if !v.Removed || d.Line == "" {
			d = v
		}
	}
	return d
}

// End is the end of the day in a zone, 0 for none.
func (d Day) End(zone *time.Location) wire.Time {
	begin := d.In(zone)
	if begin == 0 {
		return 0
	}
	t := begin.Std().In(zone)
	return wire.TimeOf(time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, zone))
}

// Zones are time zones by their IANA names. Its methods may be called concurrently.
type Zones struct {
	fallback *time.Location
	mu       sync.Mutex
	known    map[string]*time.Location
}

// NewZones are zones; what has none of its own is in the given one.
func NewZones(fallback *time.Location) *Zones {
	return &Zones{fallback: fallback, known: map[string]*time.Location{"": fallback}}
}

// Of is a zone by its name: for an empty or unknown one it is the fallback.
func (z *Zones) Of(name string) *time.Location {
	z.mu.Lock()
	defer z.mu.Unlock()
	zone := z.known[name]
	if zone == nil {
		var err error
		if zone, err = time.LoadLocation(name); err != nil {
			zone = z.fallback
		}
		z.known[name] = zone
	}
	return zone
}

// growth is what a counter grew by in (from, to], or that it began anew there.
type growth struct {
	activity, anomaly int64 // which of both it is; the other is 0
	device            *device
	journal           string // that tells it, where no machine does
	measure           wire.Measure
	unit              string
	from, to          wire.Time
	slack             time.Duration // by how much both may be off: clocks were wrong
	count             int64
	value             int64 // of the counter, where it began anew
}

// machine is the device that counted it, empty where a journal tells it.
func (g *growth) machine() string {
	if g.device == nil {
		return ""
	}
	return g.device.id
}

// Doubt is why something is unsure.
type Doubt string

// The doubts.
const (
	NoDoubt   Doubt = ""
	Straddles Doubt = "straddles" // nobody looked at the instant of the cut-off
	ClocksOff Doubt = "clock"     // the instant lies within the error of the clocks
	BeganAnew Doubt = "reset"     // the counter began anew, and is above 0
	InWindow  Doubt = "window"    // it may have been an announced test
	OnlyCall  Doubt = "call"      // a telephone exchange recorded a call: whether it was a fax nobody knows
	CountedBy Doubt = "counted"   // a journal tells it, and the line's machine counts faxes itself
)

// lateFor is how long a machine may keep a fax that came before the cut-off until it prints it.
const lateFor = 24 * time.Hour

// judgement is how sure it is that something happened after an instant; the zero one is that it didn't.
type judgement struct {
	Certainty
	Doubt
}

// after judges whether growth happened after an instant, of which 0 is none.
func (g *growth) after(t wire.Time) judgement {
	switch {
	case t == 0 || g.to.Add(g.slack) <= t:
		return judgement{}
	case g.anomaly != 0:
		return judgement{Unsure, BeganAnew}
	case g.from < t && t < g.to:
		return judgement{Unsure, Straddles}
	case g.from.Add(-g.slack) < t:
		return judgement{Unsure, ClocksOff}
	case g.measure == wire.FaxPrintedPages && g.from.Add(-g.slack) < t.Add(lateFor):
		return judgement{Certainty: Probable}
	}
	return judgement{Certainty: Certain}
}

// window is an announced test.
type window struct {
	number   int64
	line     string
	from, to wire.Time
	reason   string
	who      string
}

// tested is the judgement in view of an announced test: wholly within it nothing is a fax; what
// only touches it may be.
func (j judgement) tested(g *growth, w window) judgement {
	switch {
	case j.Certainty == "" || j.Certainty == Test:
		return j
	case w.from <= g.from.Add(-g.slack) && g.to.Add(g.slack) <= w.to:
		return judgement{Certainty: Test}
	case j.Certainty != Unsure && g.from.Add(-g.slack) < w.to && w.from < g.to.Add(g.slack):
		return judgement{Unsure, InWindow}
	}
	return j
}

// clockError is by how much a time may be off, when what was measured of the agent's clock is
// offset: the clock may have been right when the reading was taken, and wrong later, or the other
// way round. It is in whole minutes, so that it seldom changes; errors that nobody is shown are
// none, and beyond a day it is another clock's matter: that one was never right.
func clockError(offset time.Duration) time.Duration {
	if offset.Abs() <= clockShown {
		return 0
	}
	return min((offset.Abs() + time.Minute - 1).Truncate(time.Minute), day)
}
