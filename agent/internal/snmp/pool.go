package snmp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zerofax/zerofax/mibs"
)

// Options of a Pool. Zero values take the defaults.
type Options struct {
	Sessions int              // conversations at the same time; default 64
	Timeout  time.Duration    // of one try; default 2s
	Retries  int              // more tries after the first; default 0
	Pause    time.Duration    // between the requests of a Walk; default 0
	Log      *slog.Logger     // of SNMPv3 engines that change; default none
	Now      func() time.Time // default time.Now
}

// Pool holds the sessions that devices are asked with. The most that were needed at once
// stay open until Close.
type Pool struct {
	Options
	free chan struct{} // a token for each session that may be used

	salt          atomic.Uint64 // of SNMPv3's encryption: never twice the same
	rediscoveries atomic.Int64
	traffic       traffic

	mu     sync.Mutex
	idle   []*session // the last used is used first
	closed bool
}

// traffic counts what was sent, by all sessions of a pool.
type traffic struct{ requests, retries atomic.Int64 }

// Traffic is how many requests were sent so far, and how many of them again because no answer
// had come in time.
func (p *Pool) Traffic() (requests, retries int64) {
	return p.traffic.requests.Load(), p.traffic.retries.Load()
}

// NewPool makes a pool. It opens no socket yet.
func NewPool(o Options) *Pool {
	if o.Sessions <= 0 {
		o.Sessions = 64
	}
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Pool{Options: o, free: make(chan struct{}, o.Sessions)}
	p.salt.Store(rand.Uint64())
	return p
}

// Close closes the idle sessions, and those in use as soon as they aren't any more.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, s := range p.idle {
		errs = append(errs, s.udp.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}

var errClosed = errors.New("SNMP sessions are closed")

// take waits for its turn. Who got a session gives it back.
func (p *Pool) take(ctx context.Context) (*session, error) {
	select {
	case p.free <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s, err := p.reuse()
	if s == nil && err == nil {
		s, err = openSession(p.Timeout, p.Retries, &p.traffic)
	}
	if err != nil {
		<-p.free
	}
	return s, err
}

func (p *Pool) reuse() (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if len(p.idle) == 0 {
		return nil, nil
	}
	s := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return s, nil
}

func (p *Pool) give(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || s.spent {
		s.udp.Close()
	} else {
		p.idle = append(p.idle, s)
	}
	<-p.free
}

// Device is a device to be asked, and what was learned about its limits. It costs little;
// keep it as long as the device is polled. Its methods may be called from any goroutine.
type Device struct {
	pool   *Pool
	target Target

	rediscoveries atomic.Int64

	mu     sync.Mutex
	most   int               // OIDs in a request; 0 = not known
	mostAt time.Time         // when that was found out
	absent map[string]absent // SNMPv1: what it doesn't have, and of any version what it can't read; nil = nothing
	engine *engine           // of SNMPv3; nil = not known
}

// Device prepares to ask a target. Nothing is sent.
func (p *Pool) Device(t Target) *Device { return &Device{pool: p, target: t} }

// Ask holds one conversation, in which look asks one thing after the other. It waits for
// its turn if all sessions are in use; ctx bounds that and the whole conversation. The
// error is look's, or says why there was no conversation. The Asker ends with look.
func (d *Device) Ask(ctx context.Context, quirks mibs.Quirks, look func(mibs.Asker) error) error {
	if err := d.target.Credentials.Check(); err != nil {
		return fmt.Errorf("ask %s: %w", d.target, err)
	}
	at, err := d.target.resolve(ctx)
	if err != nil {
		return err
	}
	s, err := d.pool.take(ctx)
	if err != nil {
		return fmt.Errorf("ask %s: %w", d.target, err)
	}
	defer d.pool.give(s)
	s.device = at
	return look(&asker{device: d, session: s, quirks: quirks})
}
