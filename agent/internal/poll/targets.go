package poll

import (
	"container/heap"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zerofax/zerofax/mibs"
)

// target is a Target and what is known of it. It is kept small: there may be ten thousand.
type target struct {
	Target
	phase   time.Duration        // places its looks in every interval
	view    atomic.Pointer[view] // after its last look; nil before the first
	dropped atomic.Bool
	resting atomic.Int64 // until when its device is left alone, by the schedule's clock

	// Guarded by Poller.mu.
	due    time.Duration // next look, by the schedule's clock like all durations here
	queued *queue        // where it waits, or waited last
	place  int           // in that queue, -1 while it is looked at
	hurry  bool          // to be looked at again at once
	heir   *Target       // that takes its place when the present look is over

	// Guarded by machines.mu.
	machine *machine // the device that was seen here last; nil if none is known
	lost    bool     // it didn't answer in the last look

	// The rest belongs to the worker that looks at it.
	is         *mibs.Device  // nil until it said who it is, or if it is gone
	counters   time.Duration // next look at counters
	search     time.Duration // not to be asked before who it is because a row has moved
	searches   int           // for such a row, in vain
	identified time.Duration // when it last said who it is
	again      time.Duration // when to ask that whatever happens
	told       time.Duration // when its identity was told; 0 = not yet
	looked     time.Duration // when the last look began
	begun      time.Duration // when the one before it did
	took       time.Duration // how long it took
	answered   time.Duration // when the last look that was answered began
	clocked    time.Duration // when the last look that told an uptime began
	up         time.Duration // that uptime
	uptime     int64         // milliseconds, in the last reading
	restarts   *restarts     // nil before the first
	failures   int           // looks in a row
	trouble    string        // why the last look failed, or why there is no reading of it
	last       heard
}

func newTarget(t Target, due time.Duration) *target {
	return &target{Target: t, phase: phase(t.Address), due: due, place: -1}
}

// Add polls one target more from now on. It may be called at any time. False means that there
// is a target of that address already, which stays as it is.
func (p *Poller) Add(t Target) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	had := p.byAddress[t.Address]
	switch {
	case had == nil:
		p.addLocked(t, p.soon())
	case had.dropped.Load() && had.heir == nil:
		had.heir = &t // or there would be two looks at once
	default:
		return false
	}
	return true
}

// soon is when to look at one more target first: not at all those at once that come together, as after a start.
func (p *Poller) soon() time.Duration {
	p.added = max(p.since(), p.added+min(firstLooks, p.shortest()/time.Duration(len(p.all)+1)))
	return p.added
}

func (p *Poller) addLocked(one Target, due time.Duration) {
	t := newTarget(one, due)
	p.byAddress[t.Address] = t
	p.all = append(p.all, t)
	p.pushLocked(t, &p.doubtful)
}

// Drop ends the polling of a target that Add added with a Source; others stay. It may be called at
// any time. A device that answers elsewhere too is read there at once.
func (p *Poller) Drop(address string) {
	if t := p.remove(address); t != nil {
		p.hurry(p.machines.left(t))
	}
}

func (p *Poller) remove(address string) *target {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.byAddress[address]
	if t == nil || t.Source == "" {
		return nil
	}
	if t.dropped.Load() {
		t.heir = nil
		return nil
	}
	t.dropped.Store(true)
	p.all = slices.DeleteFunc(p.all, func(other *target) bool { return other == t })
	if t.place >= 0 {
		heap.Remove(t.queued, t.place)
		delete(p.byAddress, address)
	}
	return t
}

// Targets is how many targets there are.
func (p *Poller) Targets() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all)
}

// targets are all targets in the order in which they were added.
func (p *Poller) targets() []*target {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all)
}

// hurry has t looked at as soon as possible. t may be nil.
func (p *Poller) hurry(t *target) {
	if t == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.place < 0 {
		t.hurry = true
		return
	}
	t.due = p.since()
	heap.Fix(t.queued, t.place)
}
