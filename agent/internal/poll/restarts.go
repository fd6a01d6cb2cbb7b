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
// after a look, give or take a fortieth of the interval, happens once in 2 000 times. Machines
// that restart each night would get there some time: only restarts of one day prove something.
//
// Many a machine falls asleep some time after it was asked last, and counts its uptime from when
// it wakes because it is asked again. That, too, comes always as long after the look that it
// answered last, but first of all soon after one that it didn't answer until it was awake.
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
	lately      = 24 * time.Hour  // how far restarts may lie apart to prove anything, at ordinary intervals
	inexact     = 2 * time.Second // how far an uptime may be off
)

// restarts are those of one device that came soon after a look.
type restarts struct {
	last  []restart
	rests int           // how many times it was left alone
	trial time.Duration // until then one more restart is enough, by the schedule's clock
	why   string        // it is left alone
}

type restart struct {
	at    time.Duration // by the schedule's clock
	after time.Duration // from the last look before it that was answered,
	asked time.Duration // and from the last one of all: less if that wasn't answered, or not before the restart
}

// add takes in a restart, and tells whether asking the device has to be suspected: every is from
// look to look.
func (r *restarts) add(one restart, every time.Duration) (suspect bool) {
	if one.after > every+longestBoot || every < window*tick { // looks come at ticks only
		return false
	}
	if one.at >= r.trial && r.rests > 0 {
		*r = restarts{}
	}
	r.last = slices.DeleteFunc(append(r.last, one), func(old restart) bool {
		return r.rests == 0 && one.at-old.at > max(lately, 2*enough*every)
	})
	if len(r.last) > enough {
		r.last = slices.Delete(r.last, 0, 1)
	}
	if len(r.last) < enough || spread(r.last, restart.fromAnswer) >= min(every/window, widest) || r.wakes(every) {
		return false
	}
	r.rests++
	return true
}

// wakes tells whether the device seems to have been woken by a look each time. The look after a
// crash comes at any time: that it would seem so four times happens to one of sixteen at most.
func (r *restarts) wakes(every time.Duration) bool {
	answered := slices.ContainsFunc(r.last, func(one restart) bool { return one.asked == one.after })
	return !answered && spread(r.last, restart.fromLook) < every/4
}

func (r restart) fromAnswer() time.Duration { return r.after }
func (r restart) fromLook() time.Duration   { return r.asked }

func spread(all []restart, of func(restart) time.Duration) time.Duration {
	least, most := of(all[0]), of(all[0])
	for _, one := range all[1:] {
		least, most = min(least, of(one)), max(most, of(one))
	}
	return most - least
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
	one := restart{at: now, after: booted - before, asked: booted - t.lookBefore(booted, before)}
	if t.restarts.add(one, p.interval(t)) {
		p.leaveAlone(t)
	}
}

// lookBefore is when the last look began before t's device booted, answered or not.
func (t *target) lookBefore(booted, answered time.Duration) time.Duration {
	switch {
	case t.looked <= booted+inexact:
		return t.looked
	case t.begun <= booted:
		return max(t.begun, answered)
	}
	return answered
}

// leaveAlone has t's device not asked for some time.
func (p *Poller) leaveAlone(t *target) {
	r, now := t.restarts, p.since()
	rest := r.rest()
	until := p.Now().Add(rest)
	r.trial = now + rest + leftAlone
	r.why = fmt.Sprintf("left alone until %s: it restarted %d times, each time %s after it was asked, so asking it may be why; restart the agent to have it asked sooner",
		until.UTC().Format("2006-01-02 15:04 MST"), enough+r.rests-1, r.last[0].after.Round(time.Second))
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
