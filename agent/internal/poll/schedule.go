package poll

import (
	"container/heap"
	"hash/fnv"
	"time"

	"github.com/zerofax/zerofax/mibs"
)

// How the schedule treats devices. Devices and not people are what these go easy on.
//
//	answers promptly          each interval; counters that are due are asked together with lines
//	answered in over 1 s      the same, but waits with the silent ones, and rests four times as long as its look took
//	no answer, refused, wrong credentials, unreadable, no serial number any more
//	                          after 1, 2, 4 … intervals, up to 5 minutes (or an interval, if that is longer),
//	                          from the third time on first for nothing but its uptime and serial
//	is read at another target only whether it is still there, each 5 minutes
//	restarts when asked       not for a day or more (see restarts.go)
//
// Five minutes, since a machine that is switched on in the morning should soon be seen, and
// what was faxed before then, in which interval, stays open; asking a machine that is off
// costs three datagrams. Where so many are silent that half of the workers can't ask them all
// in that time, it takes them longer.
const (
	tick         = 500 * time.Millisecond
	firstLooks   = 20 * time.Millisecond // from first look to first look after a start
	longest      = 5 * time.Minute       // between looks at a device without readings, unless polled even less often
	slow         = time.Second           // a look that takes longer makes its device wait with the silent ones
	restful      = 4                     // from look to look, in times that the last one took
	budget       = time.Minute           // for everything asked in one look
	patience     = 10 * time.Minute      // from asking who a device is because a row moved, or it restarted, to asking so again
	mostSearches = 3                     // for a row that moved, look after look, where they come to nothing
	daily        = 24 * time.Hour        // from asking who a device is to asking again
	hourly       = time.Hour             // from telling who a device is, or why it isn't asked, to telling again
	settling     = 10 * time.Minute      // after booting, until a device has all its rows (as mibs.Device sees it)
	settlings    = 10                    // looks that a device that was never seen before has for that at most
	batchEvery   = time.Second           // readings wait that long for others to share a batch
)

// phase spreads devices over every interval, the same way after each start.
func phase(address string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(address))
	return time.Duration(h.Sum32()) * time.Microsecond // up to 71 minutes; longer intervals needn't be spread further
}

// shortest is the shorter of both intervals.
func (p *Poller) shortest() time.Duration { return min(p.Lines, p.Counters) }

// next is when to look at t again, and why that is later than its interval says. A look
// that was missed isn't made up for.
func (p *Poller) next(t *target, leads bool, now time.Duration) (due time.Duration, why string) {
	every := p.shortest()
	switch {
	case t.rests(now): // said hourly
		return min(time.Duration(t.resting.Load()), now+hourly), t.restarts.why
	case t.failures > 0 || t.is == nil:
		wait := p.backOff(t.failures)
		if wait > every {
			why = "looked at every " + wait.String() + " until it answers"
		}
		return t.slot(every, now+wait-every), why
	case !leads:
		return t.slot(max(longest, every), now), "only looked at now and then, to see whether it is still there"
	}
	due = p.nextOf(t, now)
	if rest := now + (restful-1)*t.took; t.took > slow && due < rest {
		return rest, "it answers slowly: the last look took " + t.took.Round(time.Second).String()
	}
	return due, ""
}

// interval is from look to look at t, while all is well.
func (p *Poller) interval(t *target) time.Duration {
	switch {
	case t.is == nil || t.is.Has(mibs.Lines) && t.is.Has(mibs.Counters):
		return p.shortest()
	case t.is.Has(mibs.Lines):
		return p.Lines
	}
	return p.Counters
}

// nextOf is when what t can tell is due.
func (p *Poller) nextOf(t *target, now time.Duration) time.Duration {
	switch {
	case !t.is.Has(mibs.Lines):
		return t.counters
	case !t.is.Has(mibs.Counters):
		return t.slot(p.Lines, now)
	}
	return min(t.counters, t.slot(p.Lines, now))
}

// backOff is how long a device is left alone after so many failed looks in a row.
func (p *Poller) backOff(failures int) time.Duration {
	wait := p.shortest()
	for range failures - 1 {
		if wait >= longest {
			return wait
		}
		wait = min(2*wait, longest)
	}
	return wait
}

// slot is the device's first place in an interval that is at least half an interval after
// now. Slots of an interval and of its multiples fall together.
func (t *target) slot(every, now time.Duration) time.Duration {
	soonest := now + every/2
	phase := t.phase % every
	return phase + (soonest-phase+every-1)/every*every
}

func (t *target) doubtful() bool { return t.failures > 0 || t.took > slow || t.is == nil }

// take is the next target that is due, nil if none is or as many are being looked at as may be.
func (p *Poller) take() *target {
	now := p.since()
	p.mu.Lock()
	defer p.mu.Unlock()
	doubt := p.doubters < (p.AtOnce+1)/2
	from := &p.prompt
	if doubt && (!p.prompt.due(now) || p.doubtful.due(now-p.shortest())) {
		from = &p.doubtful
	}
	if p.busy == p.AtOnce || !from.due(now) {
		return nil
	}
	if from == &p.doubtful {
		p.doubters++
	}
	p.busy++
	return heap.Pop(from).(*target)
}

// giveBack puts t into a queue until its next look.
func (p *Poller) giveBack(t *target) {
	leader := p.machines.leader(t)
	due, why := p.next(t, leader == t, p.since())
	into := &p.prompt
	if t.doubtful() {
		into = &p.doubtful
	}
	t.view.Store(t.seenAs(leader, due, why))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if t.queued == &p.doubtful {
		p.doubters--
	}
	if t.dropped.Load() {
		p.replaceLocked(t)
		return
	}
	t.due = due
	if t.hurry {
		t.due, t.hurry = p.since(), false
	}
	p.pushLocked(t, into)
}

// replaceLocked is for a target that was dropped while it was looked at.
func (p *Poller) replaceLocked(t *target) {
	delete(p.byAddress, t.Address)
	if t.heir != nil {
		p.addLocked(*t.heir, p.since())
	}
}

func (p *Poller) pushLocked(t *target, into *queue) {
	t.queued = into
	heap.Push(into, t)
}

// queue is a heap of targets by when they are due.
type queue []*target

func (q queue) due(now time.Duration) bool { return len(q) > 0 && q[0].due <= now }

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due < q[j].due }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *queue) Push(t any) {
	t.(*target).place = len(*q)
	*q = append(*q, t.(*target))
}

func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	last.place = -1
	(*q)[len(*q)-1] = nil
	*q = (*q)[:len(*q)-1]
	return last
}
