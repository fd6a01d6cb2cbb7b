// Package poll decides when to look at which device and makes a reading of every look. A
// failed look is a reading too. It never asks a device two things at once, and it leaves
// the silent alone for longer and longer.
package poll

import (
	"container/heap"
	"context"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// Target is an address behind which a device is expected.
type Target struct {
	Address string // as people wrote it; no two targets have the same
	// Ask opens a conversation with whatever is there. It returns the error of look, or why
	// there was no conversation.
	Ask func(ctx context.Context, quirks mibs.Quirks, look func(mibs.Asker) error) error
}

// Profiles find out what a device is.
type Profiles interface {
	Identify(context.Context, mibs.Asker) (*mibs.Device, error)
}

// Options of a Poller. Now is optional.
type Options struct {
	Targets  []Target
	Profiles Profiles
	Lines    time.Duration // from look to look at line and fax service states
	Counters time.Duration // from look to look at counters; lines are always asked with them
	AtOnce   int           // most looks at the same time
	// Put keeps a batch of readings: a JSON array at most as large as an envelope can carry,
	// which is overwritten when Put has returned.
	Put func(payload []byte, records int) error
	Log *slog.Logger
	Now func() time.Time // what readings are dated with; the schedule follows the monotonic clock
}

// How the schedule treats devices. Devices and not people are what these go easy on.
const (
	firstLooks = 20 * time.Millisecond // from first look to first look after a start
	longest    = 15 * time.Minute      // between looks at a silent device, unless polled even less often
	slow       = time.Second           // a look that takes longer makes its device wait with the silent ones
	budget     = time.Minute           // for everything asked in one look
	patience   = 10 * time.Minute      // from asking who a device is to asking again because a row moved
	daily      = 24 * time.Hour        // from asking who a device is to asking again
	hourly     = time.Hour             // from telling who a device is to telling again
	batchEvery = time.Second           // readings wait that long for others to share a batch
)

// Poller looks at targets, each when it is due.
type Poller struct {
	Options
	start  time.Time
	batch  batch
	claims claims

	// The queues belong to schedule. Devices that answer promptly are in one; those that are
	// silent, slow or not known yet in the other, which gets half of the workers at most:
	// whoever doesn't answer holds a worker for seconds, and must not delay the others.
	prompt, doubtful queue

	mu     sync.Mutex
	silent []string // by target: why no device is known there; "" if one is
}

// New makes a Poller; Run starts it.
func New(o Options) *Poller {
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Poller{
		Options: o,
		silent:  make([]string, len(o.Targets)),
		claims:  claims{of: make(map[string]claim)},
	}
	p.batch.init(o.Put, o.Log)
	apart := firstLooks
	if n := len(o.Targets); n > 0 {
		apart = min(apart, p.shortest()/time.Duration(n))
	}
	for i := range o.Targets {
		p.doubtful = append(p.doubtful, &device{
			target: &o.Targets[i],
			place:  i,
			phase:  phase(o.Targets[i].Address),
			due:    time.Duration(i) * apart, // ascending, so it is a heap
		})
	}
	return p
}

// phase spreads devices over every interval, the same way after each start.
func phase(address string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(address))
	return time.Duration(h.Sum32()) * time.Microsecond // up to 71 minutes; longer intervals needn't be spread further
}

// shortest is the shorter of both intervals.
func (p *Poller) shortest() time.Duration { return min(p.Lines, p.Counters) }

// since is the schedule's clock: it never jumps.
func (p *Poller) since() time.Duration { return time.Since(p.start) }

// Silent tells the targets behind which no device is known, in their order, at most 100.
func (p *Poller) Silent() []wire.Silent {
	p.mu.Lock()
	defer p.mu.Unlock()
	var silent []wire.Silent
	for i, why := range p.silent {
		if why != "" && len(silent) < 100 {
			silent = append(silent, wire.Silent{Address: p.Targets[i].Address, Error: why})
		}
	}
	return silent
}

func (p *Poller) setSilent(d *device, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent[d.place] = why
}

// Run polls until ctx ends, and then keeps what was read.
func (p *Poller) Run(ctx context.Context) error {
	p.start = time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.batch.flushEvery(ctx, batchEvery) })
	g.Go(func() error { p.schedule(ctx); return nil })
	err := g.Wait()
	p.batch.flush()
	return err
}

// schedule hands each device that is due to a worker, and plans its next look when the
// worker is done with it. In between, a device belongs to the worker alone.
func (p *Poller) schedule(ctx context.Context) {
	var (
		jobs, done              = make(chan *device), make(chan *device)
		workers                 sync.WaitGroup
		started, busy, doubters int
		wake                    = time.NewTimer(0)
	)
	defer workers.Wait()
	defer close(jobs)
	defer wake.Stop()
	for {
		now := p.since()
		for busy < p.AtOnce {
			d := p.take(now, doubters)
			if d == nil {
				break
			}
			if busy == started { // few workers are ever needed where devices are prompt
				started++
				workers.Go(func() { p.work(ctx, jobs, done) })
			}
			busy++
			if d.doubted = d.doubtful(); d.doubted {
				doubters++
			}
			jobs <- d // one is free: never more are busy than started
		}
		if busy < p.AtOnce {
			wake.Reset(p.idle(now, doubters))
		}
		select {
		case <-ctx.Done():
			return
		case <-wake.C:
		case d := <-done:
			busy--
			if d.doubted {
				doubters--
			}
			p.plan(d)
		}
	}
}

func (p *Poller) work(ctx context.Context, jobs <-chan *device, done chan<- *device) {
	for d := range jobs {
		p.look(ctx, d)
		select {
		case done <- d:
		case <-ctx.Done():
			return
		}
	}
}

// mayDoubt tells whether one more worker may be given to the doubtful.
func (p *Poller) mayDoubt(doubters int) bool { return doubters < (p.AtOnce+1)/2 }

// take is the next device that is due now, nil if none is.
func (p *Poller) take(now time.Duration, doubters int) *device {
	if p.prompt.due(now) {
		return heap.Pop(&p.prompt).(*device)
	}
	if p.mayDoubt(doubters) && p.doubtful.due(now) {
		return heap.Pop(&p.doubtful).(*device)
	}
	return nil
}

// idle is how long nothing is due.
func (p *Poller) idle(now time.Duration, doubters int) time.Duration {
	next := now + time.Hour
	if len(p.prompt) > 0 {
		next = min(next, p.prompt[0].due)
	}
	if len(p.doubtful) > 0 && p.mayDoubt(doubters) {
		next = min(next, p.doubtful[0].due)
	}
	return max(0, next-now)
}

// plan puts d back into a queue.
func (p *Poller) plan(d *device) {
	d.due = p.next(d, p.since())
	if d.doubtful() {
		heap.Push(&p.doubtful, d)
	} else {
		heap.Push(&p.prompt, d)
	}
}

// next is when to look at d again. A look that was missed isn't made up for.
func (p *Poller) next(d *device, now time.Duration) time.Duration {
	switch {
	case d.failures > 0 || d.is == nil:
		every := p.shortest()
		return d.slot(every, now+p.backOff(d.failures)-every)
	case !d.is.Has(mibs.Lines):
		return d.counters
	case !d.is.Has(mibs.Counters):
		return d.slot(p.Lines, now)
	}
	return min(d.counters, d.slot(p.Lines, now))
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

// device is what is known of a target. It is kept small: there may be ten thousand.
type device struct {
	target   *Target
	is       *mibs.Device // nil until it said who it is
	identity *wire.Identity
	place    int           // among the targets
	phase    time.Duration // places its looks in every interval
	due      time.Duration // next look, by the schedule's clock like all that follow
	counters time.Duration // next look at counters
	asked    time.Duration // when it was asked who it is
	told     time.Duration // when its identity was told; 0 = not yet
	uptime   int64         // milliseconds, at the last look
	failures int           // looks in a row
	slow     bool          // the last look took long
	doubted  bool          // it was taken from the doubtful
}

func (d *device) doubtful() bool { return d.failures > 0 || d.slow || d.is == nil }

// slot is the device's first place in an interval that is at least half an interval after
// now. Slots of an interval and of its multiples fall together.
func (d *device) slot(every, now time.Duration) time.Duration {
	soonest := now + every/2
	phase := d.phase % every
	return phase + (soonest-phase+every-1)/every*every
}

// queue is a heap of devices by when they are due.
type queue []*device

func (q queue) due(now time.Duration) bool { return len(q) > 0 && q[0].due <= now }

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due < q[j].due }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(d any)        { *q = append(*q, d.(*device)) }

func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = nil
	*q = (*q)[:len(*q)-1]
	return last
}
