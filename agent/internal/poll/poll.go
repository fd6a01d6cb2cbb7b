// Package poll decides when to look at which device and makes a reading of every look. A
// failed look is a reading too. It never asks a device two things at once, and it leaves
// the silent alone for longer and longer.
package poll

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/mibs"
)

// Target is an address behind which a device is expected.
type Target struct {
	Address string // as people wrote it; no two targets have the same
	Source  string // the range it was found in; empty: configured
	// Refuses says why a device that comes to be at this address is not to be polled, if it isn't. Optional.
	Refuses func(*mibs.Device) string
	// Ask opens a conversation with whatever is there. It returns the error of look, or why
	// there was no conversation.
	Ask func(ctx context.Context, quirks mibs.Quirks, look func(mibs.Asker) error) error
}

// Profiles find out what a device is.
type Profiles interface {
	Identify(context.Context, mibs.Asker) (*mibs.Device, error)
}

// Options of a Poller. Looked and Now are optional.
type Options struct {
	Targets  []Target
	Profiles Profiles
	Lines    time.Duration // from look to look at line and fax service states
	Counters time.Duration // from look to look at counters; lines are always asked with them
	AtOnce   int           // most looks at the same time
	// Put keeps a batch of readings: a JSON array at most as large as an envelope can carry,
	// which is overwritten when Put has returned.
	Put    func(payload []byte, records int) error
	Looked func(took time.Duration, answered bool) // called after each look, by many at once
	Log    *slog.Logger
	Now    func() time.Time // what readings are dated with; the schedule follows the monotonic clock
}

// Poller looks at targets, each when it is due.
type Poller struct {
	Options
	start    time.Time
	batch    batch
	machines machines
	alive    atomic.Int64 // when it last looked what is due, by the schedule's clock

	mu        sync.Mutex
	all       []*target // in the order in which they came
	byAddress map[string]*target
	added     time.Duration // first look at the target that was added last
	// Targets that answer promptly wait in one queue; those that are silent, slow or not known
	// yet in the other, and get half of the workers at most: whoever doesn't answer holds a
	// worker for seconds, and must not delay the others. They wait for the others, but not
	// for ever where there is more to do than can be done.
	prompt, doubtful queue
	busy, doubters   int // targets being looked at, and the doubtful ones among them
	idle             int // workers that wait
}

// New makes a Poller; Run starts it.
func New(o Options) *Poller {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Looked == nil {
		o.Looked = func(time.Duration, bool) {}
	}
	p := &Poller{
		Options:   o,
		start:     time.Now(),
		machines:  machines{of: make(map[string]*machine)},
		byAddress: make(map[string]*target, len(o.Targets)),
	}
	p.batch.init(o.Put, o.Log)
	apart := firstLooks
	if n := len(o.Targets); n > 0 {
		apart = min(apart, p.shortest()/time.Duration(n))
	}
	for i, t := range o.Targets {
		p.addLocked(t, time.Duration(i)*apart)
	}
	p.Options.Targets = nil
	return p
}

// since is the schedule's clock: it never jumps.
func (p *Poller) since() time.Duration { return time.Since(p.start) }

// Alive is when the schedule last looked what is due: twice a second while all is well.
func (p *Poller) Alive() time.Time {
	return p.Now().Add(time.Duration(p.alive.Load()) - p.since())
}

// Run polls until ctx ends, and then keeps what was read.
func (p *Poller) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.batch.flushEvery(ctx, batchEvery) })
	g.Go(func() error { p.schedule(ctx); return nil })
	err := g.Wait()
	p.batch.flush()
	return err
}

// schedule gives each target that is due to a worker. It looks only now and then what is
// due, not at every moment when something is: requests that leave together cost less than
// half of what each costs alone, when processor and caches were asleep in between.
func (p *Poller) schedule(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	jobs := make(chan *target)
	for {
		p.alive.Store(int64(p.since()))
		for t := p.take(); t != nil; t = p.take() {
			if p.waiting() {
				select {
				case jobs <- t:
				case <-ctx.Done():
				}
			} else { // few are ever needed where devices are prompt
				workers.Go(func() { p.work(ctx, t, jobs) })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// work looks at t, then at what else is due and had to wait for a worker, and so on with
// what comes from jobs. Meanwhile a target belongs to its worker alone.
func (p *Poller) work(ctx context.Context, t *target, jobs <-chan *target) {
	for {
		for t != nil && ctx.Err() == nil {
			p.look(ctx, t)
			p.giveBack(t)
			t = p.take()
		}
		p.wait()
		select {
		case t = <-jobs:
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
