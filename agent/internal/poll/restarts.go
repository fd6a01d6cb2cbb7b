package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zerofax/zerofax/mibs"
)

// Polling has crashed real machines. Whether it does can't be seen from one restart: at a
// look a minute every restart follows some look within a minute. But one that a look caused
// follows it after always the same time, which is how long the machine takes to crash and to
// boot, while any other comes after a look by chance. To keep it so where machines restart by
// a clock, as our looks do, the device's looks are moved within the interval, as if by dice,
// after each restart. So that the last four restarts all come by chance at the same time
// after a look, give or take a fortieth of the interval, happens once in 2 000 times.
//
// Such a device is left alone for a day, then looked at again, and if it restarts once more
// in the same way left alone for twice as long, and so on. Its readings say so all the while.
const (
	enough      = 4               // restarts
	window      = 20              // part of the interval in which they come after a look
	widest      = 5 * time.Second // window, at long intervals
	longestBoot = 5 * time.Minute // a machine that is gone for longer was switched off
	leftAlone   = 24 * time.Hour  // at first
	mostRests   = 3               // doublings: 8 days
)

// restarts are those of one device that came soon after a look.
type restarts struct {
	after []time.Duration // from the look before, the last ones
	rests int             // how many times it was left alone
	trial time.Duration   // until then one more restart is enough, by the schedule's clock
	why   string          // it is left alone
}

// add takes in a restart that came so long after the last look that the device answered, and
// tells whether asking it has to be suspected: every is from look to look.
func (r *restarts) add(after, every time.Duration, now time.Duration) (suspect bool) {
	if after > every+longestBoot || every < window*tick { // looks come at ticks only
		return false
	}
	if now >= r.trial && r.rests > 0 {
		*r = restarts{}
	}
	r.after = append(r.after, after)
	if len(r.after) > enough {
		r.after = slices.Delete(r.after, 0, 1)
	}
	if len(r.after) < enough || slices.Max(r.after)-slices.Min(r.after) >= min(every/window, widest) {
		return false
	}
	r.rests++
	return true
}

// rest is how long the device is left alone now.
func (r *restarts) rest() time.Duration { return leftAlone << min(r.rests-1, mostRests) }

const (
	sysUpTime = "1.3.6.1.2.1.1.3.0" // in hundredths of a second,
	maxTicks  = 1<<32 - 1           // where it starts again from 0
)

// clocked notes the uptimes that a device tells, also of one that never gets so far as to
// say who it is.
type clocked struct {
	mibs.Asker
	p *Poller
	t *target
}

// Get is part of mibs.Asker. It asks nothing more of a device that is to be left alone.
func (c clocked) Get(ctx context.Context, oids []string) (mibs.Answers, error) {
	if c.t.rests(c.p.since()) {
		return nil, errors.New(c.t.restarts.why)
	}
	answers, err := c.Asker.Get(ctx, oids)
	if ticks, ok := answers[sysUpTime].Number(); ok && ticks >= 0 && ticks <= maxTicks {
		c.p.clock(c.t, time.Duration(ticks)*10*time.Millisecond)
	}
	return answers, err
}

// clock notes how long t's device has been up, and has it left alone if its restarts are our
// doing.
func (p *Poller) clock(t *target, up time.Duration) {
	now := p.since()
	booted, before, was := now-up, t.clocked, t.up
	t.clocked, t.up = t.looked, up
	if before == 0 || booted <= before || up == was {
		return
	}
	t.phase = phase(t.Address + booted.String()) // as if by dice
	if up > was {
		return // perhaps its clock goes slow; another time, other looks will tell
	}
	if t.restarts == nil {
		t.restarts = new(restarts)
	}
	if t.restarts.add(booted-before, p.interval(t), now) {
		p.leaveAlone(t)
	}
}

// leaveAlone has t's device not asked for some time.
func (p *Poller) leaveAlone(t *target) {
	r, now := t.restarts, p.since()
	rest := r.rest()
	until := p.Now().Add(rest)
	r.trial = now + rest + leftAlone
	r.why = fmt.Sprintf("left alone until %s: it restarted %d times, each time %s after it was asked, so asking it may be why; restart the agent to have it asked sooner",
		until.UTC().Format("2006-01-02 15:04 MST"), enough+r.rests-1, r.after[0].Round(time.Second))
	t.resting.Store(int64(now + rest))
	t.clocked = 0 // if it has restarted once more by then, that was no fault of the look to come
	p.hurry(t)    // to tell of it
	p.Log.Error("device restarts after it was asked; left alone", "address", t.Address, "restarts", enough+r.rests-1, "until", until)
}

// rests tells whether t's device is left alone at present.
func (t *target) rests(now time.Duration) bool { return now < time.Duration(t.resting.Load()) }

// suspect tells whether it was left alone, and may have to be again: it is only asked what is
// due, not who it is.
func (t *target) suspect(now time.Duration) bool {
	return t.restarts != nil && t.restarts.rests > 0 && now < t.restarts.trial
}
