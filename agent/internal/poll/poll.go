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
	tick       = 500 * time.Millisecond
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

	mu sync.Mutex
	// Devices that answer promptly wait in one queue; those that are silent, slow or not known
	// yet in the other, and get half of the workers at most: whoever doesn't answer holds a
	// worker for seconds, and must not delay the others. They wait for the others, but not
	// for ever where there is more to do than can be done.
	prompt, doubtful queue
	busy, doubters   int      // devices being looked at, and the doubtful ones among them
	idle             int      // workers that wait
	silent           []string // by target: why no device is known there; "" if one is
}

// New makes a Poller; Run starts it.
func New(o Options) *Poller {
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Poller{
		Options: o,
		silent:  make([]string, len(o.Targets)),
		claims:  claims{of: make(map[string]*claim)},
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
			queued: &p.doubtful,
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

// schedule gives each device that is due to a worker. It looks only now and then what is
// due, not at every moment when something is: requests that leave together cost less than
// half of what each costs alone, when processor and caches were asleep in between.
func (p *Poller) schedule(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	jobs := make(chan *device)
	for {
		for d := p.take(); d != nil; d = p.take() {
			if p.waiting() {
				select {
				case jobs <- d:
				case <-ctx.Done():
				}
			} else { // few are ever needed where devices are prompt
				workers.Go(func() { p.work(ctx, d, jobs) })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// work looks at d, then at what else is due and had to wait for a worker, and so on with
// what comes from jobs. Meanwhile a device belongs to its worker alone.
func (p *Poller) work(ctx context.Context, d *device, jobs <-chan *device) {
	for {
		for d != nil && ctx.Err() == nil {
			p.look(ctx, d)
			p.giveBack(d)
			d = p.take()
		}
		p.wait()
		select {
		case d = <-jobs:
		case <-ctx.Done():
			return
		}
	}
}

// wait says that a worker is about to wait.
func (p *Poller) wait() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle++
}

// waiting tells whether a worker waits, and counts on it.
func (p *Poller) waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle == 0 {
		return false
	}
	p.idle--
	return true
}

// take is the next device that is due, nil if none is or as many are being looked at as may be.
func (p *Poller) take() *device {
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
	return heap.Pop(from).(*device)
}

// giveBack puts d into a queue until its next look.
func (p *Poller) giveBack(d *device) {
	wasDoubtful := d.queued == &p.doubtful
	d.due = p.next(d, p.since())
	d.queued = &p.prompt
	if d.doubtful() {
		d.queued = &p.doubtful
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if wasDoubtful {
		p.doubters--
	}
	heap.Push(d.queued, d)
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
	claim    *claim       // on is
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
	queued   *queue        // where it waits, or waited last
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
