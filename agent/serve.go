package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/internal/identity"
	"github.com/zerofax/zerofax/agent/internal/poll"
	"github.com/zerofax/zerofax/agent/internal/service"
	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

type runCommand struct {
	bundled
	Service bool `hidden:"" help:"Windows' service manager starts it."`
}

// gcPercent lets the heap grow a little less than to twice its size from collection to
// collection: ten thousand devices then take well below 60 MB, and a poll not more than it
// should. At 50 a poll took a fifth more time. GOGC, where it is set, counts.
const gcPercent = 80

// Run polls and sends until the program is told to stop.
func (r *runCommand) Run(call *program.Call) error {
	file, err := r.file(call)
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	return service.Run(call.Ctx, call.Log, r.Service, func(ctx context.Context, log *slog.Logger, reload <-chan os.Signal) error {
		r := runner{config: file, log: log, reload: reload}
		return r.serve(ctx)
	})
}

// settings are all that a person can get wrong.
type settings struct {
	*config          // in force
	file     *config // as it was read
	profiles *mibs.Set

	central wire.AgentConfig // in force; without a revision none was ever taken
	payload []byte           // that it came in, signed
}

func load(path string) (*settings, error) {
	c, err := loadConfig(path)
	if err != nil {
		return nil, err
	}
	profiles, err := loadProfiles(c)
	if err != nil {
		return nil, err
	}
	return &settings{config: c, file: c, profiles: profiles}, nil
}

// inForce is what run would poll after, for a command beside it.
func inForce(call *program.Call) (*settings, error) {
	c, err := load(call.Config)
	if err != nil {
		return nil, err
	}
	if c, err = c.recalled(); err != nil {
		call.Log.Warn("what the collector wants polled isn't known here, the file's own targets count", "error", err)
	}
	return c, nil
}

// runner keeps the agent's parts running, and starts them anew when the configuration has changed.
type runner struct {
	config string
	log    *slog.Logger
	reload <-chan os.Signal

	central *central
	who     *identity.Identity // of proven
	proven  proven
}

// proven is by what an identity differs from another.
type proven struct {
	agent, dir, url string
	proof           proof
	authority       string
}

// identity outlives parts: what it has asked the collector for it can still be given.
func (r *runner) identity(c *config) *identity.Identity {
	of := proven{agent: c.Agent, dir: c.Spool.Dir, url: c.Collector.URL, proof: c.proof}
	if c.Central.authority != nil {
		of.authority = string(c.Central.authority.Raw)
	}
	if of != r.proven {
		r.who, r.proven = identityOf(c, r.log), of
	}
	return r.who
}

// stopsWithin is how long parts may take to stop. Nothing depends on it: what isn't in the books is on disk.
const stopsWithin = 10 * time.Second

// notUp is why parts never began to run.
type notUp struct{ error }

func (e notUp) Unwrap() error { return e.error }

// serve runs the parts until ctx ends or one of them fails.
func (r *runner) serve(ctx context.Context) error {
	now, err := load(r.config)
	if err != nil {
		return err
	}
	r.central = newCentral(r.log)
	r.central.follows(now)
	if now, err = now.recalled(); err != nil {
		r.central.refuse(err)
	}
	var before *settings // which did run
	for {
		next, err := r.runUntilReload(ctx, now)
		switch {
		case errors.As(err, new(notUp)) && before != nil:
			r.log.Error("the new configuration does not work, back to the old one", "error", err)
			if now.central.Revision > before.central.Revision {
				r.central.refuse(refusal{now.central.Revision, err})
			}
			now, before = before, nil
		case next == nil:
			return err
		default:
			before, now = now, next
		}
	}
}

// runUntilReload gives the settings to go on with, nil when it is time to end.
func (r *runner) runUntilReload(ctx context.Context, c *settings) (next *settings, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	up, ended, hung := make(chan health, 1), make(chan error, 1), make(chan error, 1)
	r.central.follows(c)
	who := r.identity(c.config)
	go func() { ended <- runParts(ctx, r.log, c, r.central, who, up) }()
	select {
	case err := <-ended:
		return nil, notUp{err}
	case <-ctx.Done():
		return nil, r.wait(ended)
	case look := <-up:
		go func() { hung <- program.Watch(ctx, look) }()
	}
	r.central.keep(c)
	for {
		select {
		case err := <-ended:
			return nil, err
		case err := <-hung:
			if ctx.Err() == nil {
				return nil, err // what hangs isn't waited for
			}
		case <-ctx.Done():
			program.Stopping()
			return nil, r.wait(ended)
		case <-r.reload:
			next = r.again(c)
		case payload := <-r.central.came:
			next = r.central.offered(c, payload)
		}
		if next != nil {
			stop()
			if err := r.wait(ended); err != nil {
				return nil, err
			}
			return next, nil
		}
	}
}

// wait is for parts that were told to stop.
func (r *runner) wait(ended <-chan error) error {
	select {
	case err := <-ended:
		return err
	case <-time.After(stopsWithin):
		return fmt.Errorf("did not stop within %s", stopsWithin)
	}
}

// again reads the configuration again. A faulty one is refused, and nil.
func (r *runner) again(now *settings) *settings {
	program.Reloading()
	next, err := load(r.config)
	if err == nil {
		next, err = r.stillLed(next, now)
	}
	if err == nil {
		return next
	}
	for fault := range strings.Lines(err.Error()) {
		r.log.Error("new configuration refused, the old one goes on", "fault", strings.TrimSpace(fault))
	}
	program.Unchanged()
	return nil
}

// stillLed is a file that was read again under what the collector wants polled. If that is nothing
// that the file lets an agent believe, its own targets hold, as at a start.
func (r *runner) stillLed(file, now *settings) (*settings, error) {
	next, err := file.after(now)
	if errors.As(err, new(refusal)) {
		return nil, err
	}
	r.central.forgive()
	if err != nil {
		r.central.refuse(err)
	}
	return next, nil
}

// health says in a few words how the agent is, or why it can't be called alive. A dead broker and dead devices are no
// reason: starting the agent again would not help.
type health func() (string, error)

// stale is an age that the schedule's last tick has only when it hangs.
const stale = 10 * time.Second

func healthOf(poller *poll.Poller, state func() wire.AgentState) health {
	return func() (string, error) {
		if still := clock().Sub(poller.Alive()); still > stale {
			return "", errors.New("the polling schedule stands still")
		}
		s := state() // waits for the spool: hangs when that does
		return fmt.Sprintf("targets %d, silent %d, batches to send %d", s.Targets, len(s.Silent), s.Spool.Envelopes), nil
	}
}
