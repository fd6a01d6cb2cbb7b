package poll

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// Status is how a target stands. Zero times mean never.
type Status struct {
	Address  string
	Source   string // the range it was found in; empty: configured
	Device   string // id; empty while nobody knows what is there
	Identity wire.Identity
	Profile  string
	Why      string // it is that profile, or none
	Fax      wire.Answer
	FaxWhy   string // because of this; empty if unknown

	LastLook   time.Time
	Took       time.Duration // the last look
	LastAnswer time.Time
	Next       time.Time // look
	Error      string    // of the last look, empty if it was answered
	Failures   int       // looks in a row
	Rests      bool      // it is left alone, since it restarts when it is asked
	Waits      string    // why Next is later than its interval says; empty if it isn't
	DoubleOf   string    // the address of the target where readings of this device come from, if not this one
}

// view is what a target is shown as, from one look to the next. It never changes.
type view struct {
	is       *mibs.Device
	leader   string // the address where readings of it come from, empty if that is here
	looked   time.Duration
	took     time.Duration
	answered time.Duration // 0 = never
	due      time.Duration
	trouble  string
	failures int
	waits    string
	last     heard
}

func (t *target) seenAs(leader *target, due time.Duration, waits string) *view {
	v := &view{
		is: t.is, looked: t.looked, took: t.took, answered: t.answered, due: due,
		trouble: t.trouble, failures: t.failures, waits: waits, last: t.last,
	}
	if leader != nil && leader != t {
		v.leader = leader.Address
	}
	return v
}

// Snapshot tells how all targets stand, in the order in which they were added.
func (p *Poller) Snapshot() []Status { return slices.Collect(p.All()) }

// All is Snapshot without the memory for it: each status is made when it is its turn.
func (p *Poller) All() iter.Seq[Status] {
	return func(yield func(Status) bool) {
		now, since := p.Now(), p.since()
		for _, t := range p.targets() {
			if !yield(t.status(now, since)) {
				return
			}
		}
	}
}

// status is how t stands now, which is since by the schedule's clock.
func (t *target) status(now time.Time, since time.Duration) Status {
	s := Status{Address: t.Address, Source: t.Source}
	v := t.view.Load()
	if v == nil {
		return s
	}
	at := func(d time.Duration) time.Time {
		if d == 0 {
			return time.Time{}
		}
		return now.Add(d - since)
	}
	s.LastLook, s.LastAnswer, s.Next = at(v.looked), at(v.answered), at(v.due)
	s.Took, s.Rests = v.took, t.rests(since)
	s.Error, s.Failures, s.Waits, s.DoubleOf = v.trouble, v.failures, v.waits, v.leader
	if v.is != nil {
		s.Device, s.Profile, s.Why, s.Fax, s.FaxWhy = v.is.ID, v.is.Profile, v.is.Why, v.is.Fax, v.is.FaxWhy
		s.Identity = v.is.Identity
		s.Identity.Address = t.Address
	}
	return s
}

// Silent tells the targets of which there are no readings, in their order, at most 100.
func (p *Poller) Silent() []wire.Silent {
	var silent []wire.Silent
	for _, t := range p.targets() {
		v := t.view.Load()
		if v == nil {
			continue
		}
		if why := v.silent(t.Source == ""); why != "" && len(silent) < 100 {
			silent = append(silent, wire.Silent{Address: t.Address, Error: wire.Shorten(why)})
		}
	}
	return silent
}

// silent is why there are no readings of a target, empty if there are some. Of what was
// discovered, a second address is no fault, and one that a machine left is soon dropped.
func (v *view) silent(configured bool) string {
	switch {
	case v.is == nil:
		return because(v.trouble, v.waits)
	case v.leader == "" || !configured:
		return ""
	case v.failures == 0:
		return fmt.Sprintf("it is %s, which is polled at %s; want one target a machine", v.is.ID, v.leader)
	}
	return fmt.Sprintf("%s, which was here, is at %s by now: %s", v.is.ID, v.leader, because(v.trouble, v.waits))
}

// because is an error with what follows from it for the next look.
func because(trouble, waits string) string {
	if trouble == "" || waits == "" || trouble == waits {
		return trouble
	}
	return trouble + "; " + waits
}

// Last is what a target last answered, and what was made of it.
type Last struct {
	Looks []Look // the last one that was answered, and the last at counters if that is another one
}

// Look is one GET and its reading.
type Look struct {
	At       time.Time
	Answers  []Answer // in the order asked
	Result   mibs.Result
	Measures []mibs.Measured
}

// Answer is what a device said of one object.
type Answer struct {
	OID   string
	Value mibs.Value
	Told  bool   // else it doesn't have it
	Use   string // what it is for, in a few words
}

// Last tells the last answers of the target with that address; ok is false if there is none.
func (p *Poller) Last(address string) (last Last, ok bool) {
	p.mu.Lock()
	t := p.byAddress[address]
	p.mu.Unlock()
	if t == nil || t.dropped.Load() {
		return Last{}, false
	}
	v := t.view.Load()
	if v == nil {
		return Last{}, true
	}
	if newest := cmp.Or(v.last.latest, v.last.counters); newest != nil {
		last.Looks = append(last.Looks, newest.unpack())
	}
	if v.last.counters != nil && v.last.counters != v.last.latest {
		last.Looks = append(last.Looks, v.last.counters.unpack())
	}
	return last, true
}
