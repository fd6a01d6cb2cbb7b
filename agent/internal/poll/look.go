package poll

import (
	"context"
	"errors"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// look asks whatever is at t what is due, and puts a reading of it into the batch. While
// nobody knows which device that is there is no reading; then Silent says why.
func (p *Poller) look(ctx context.Context, t *target) {
	if p.leavesAlone(t) {
		return
	}
	t.begun, t.looked = t.looked, max(p.since(), 1)
	within, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	reading, err := p.read(within, t)
	if ctx.Err() != nil {
		return // the agent is stopping, which is no fault of the device
	}
	t.took = p.since() - t.looked
	p.Looked(t.took, err == nil)
	if err != nil {
		p.missed(t, err)
		return
	}
	if t.failures >= lastStraw {
		p.Log.Info("device answers again", "device", t.is.ID, "address", t.Address)
	}
	t.failures, t.trouble = 0, reading.Error
	if reading.Device != "" {
		p.tell(t, reading)
	}
}

// leavesAlone tells whether t's device is not to be asked at present, and says so in a reading.
func (p *Poller) leavesAlone(t *target) bool {
	leader := p.machines.leader(t)
	if leader != nil && leader != t {
		return leader.rests(p.since())
	}
	if !t.rests(p.since()) {
		return false
	}
	t.trouble = t.restarts.why
	if leader == t {
		p.tell(t, p.failed(t, t.trouble))
	}
	return true
}

// read asks who the device is, if need be, and then what is due. Where the answer shows
// that the device is not what it was it asks again, once. Of a device that is read elsewhere
// there is neither a reading nor an error.
func (p *Poller) read(ctx context.Context, t *target) (wire.Reading, error) {
	suspect := t.suspect(p.since())
	if t.is == nil || p.since() >= t.again && !suspect {
		if err := p.identify(ctx, t); err != nil && t.is == nil {
			return wire.Reading{}, err
		} else if err != nil {
			t.again = p.since() + hourly // it is known; asking who it is can wait
		}
	} else if t.failures >= lastStraw {
		// If what is asked were too much for it, this at least would tell that it restarts.
		if _, err := p.get(ctx, t, 0); err != nil {
			return wire.Reading{}, err
		}
	}
	due, result, err := p.ask(ctx, t)
	if err != nil {
		return wire.Reading{}, err
	}
	restarted := result.Reading.UptimeMS > 0 && result.Reading.UptimeMS < t.uptime && !suspect
	if restarted && p.since() < t.identified+patience { // many a machine seems to each time it wakes
		t.again = min(t.again, t.identified+patience)
		restarted = false
	}
	stale := result.Stale && p.since() >= t.search
	switch {
	case result.Stranger:
		p.forget(t)
	case !stale && !restarted:
		return p.accept(t, due, result), nil
	}
	err = p.identify(ctx, t)
	if stale {
		if t.searches++; err == nil || t.searches == mostSearches { // else the next look searches again
			t.search, t.searches = p.since()+patience, 0
		}
	}
	if err != nil {
		if stale || t.is == nil {
			return wire.Reading{}, err
		}
		t.again = min(t.again, p.since()+patience) // who it is can wait until it is fully up
		return p.accept(t, due, result), nil
	}
	if due, result, err = p.ask(ctx, t); err != nil {
		return wire.Reading{}, err
	}
	if result.Stranger {
		p.forget(t)
		return wire.Reading{}, errors.New("two machines answer by turns at this address; want one")
	}
	return p.accept(t, due, result), nil
}

// ask is the one GET of an ordinary look. A device that is read elsewhere is only asked
// whether it is still there.
func (p *Poller) ask(ctx context.Context, t *target) (due mibs.Due, result mibs.Result, err error) {
	if p.machines.leader(t) == t {
		due = mibs.Lines
		if t.counters <= p.since() {
			due |= mibs.Counters
		}
	}
	result, err = p.get(ctx, t, due)
	return due, result, err
}

func (p *Poller) get(ctx context.Context, t *target, due mibs.Due) (result mibs.Result, err error) {
	err = t.Ask(ctx, t.is.Quirks(), func(asker mibs.Asker) error {
		answers, err := clocked{asker, p, t}.Get(ctx, t.is.OIDs(due))
		if err != nil {
			return err
		}
		at := wire.TimeOf(p.Now())
		if result = t.is.Read(at, due, answers); !result.Stranger {
			t.last.add(pack(t.is, due, at, answers))
		}
		return nil
	})
	return result, err
}

// accept takes an answer as one of t's device, and gives the reading if it is to be told. It
// plans the next look at the counters: soon, if it wasn't sure whose they were.
func (p *Poller) accept(t *target, due mibs.Due, result mibs.Result) wire.Reading {
	if result.Reading.UptimeMS > 0 {
		t.uptime = result.Reading.UptimeMS
	}
	every := p.Counters
	if result.Reading.OK {
		t.answered = t.looked
		p.saw(t)
	} else {
		p.handOver(p.machines.missed(t))
		every = p.shortest()
	}
	switch {
	case p.machines.leader(t) != t:
		t.told, t.counters = 0, 0
		return wire.Reading{}
	case due == 0: // it leads since this answer
		p.hurry(t)
		return wire.Reading{}
	case due&mibs.Counters != 0:
		t.counters = t.slot(every, p.since())
	}
	return result.Reading
}

// saw notes that t's device answered there just now. Where it is read elsewhere it may have
// moved, so that other target is looked at without delay: once it misses a look, or finds
// another machine, this one leads.
func (p *Poller) saw(t *target) {
	leader, fresh := p.machines.seen(t, t.is.ID)
	if fresh && leader != t {
		p.Log.Info("device answers at another address", "device", t.is.ID, "address", t.Address, "polled", leader.Address)
		p.hurry(leader)
	}
}

// handOver lets heir, if there is one, read what was read elsewhere up to now.
func (p *Poller) handOver(heir *target) {
	if heir != nil {
		p.Log.Info("device is read at another address from now on", "address", heir.Address)
		p.hurry(heir)
	}
}

// frank is an asker that leaves out for a while what was missing, and tells what is broken. Who a
// device is is asked afresh, since it may be another one by now. A device that is new is given
// some time to be well: what it doesn't tell when it is identified isn't asked for a day.
type frank interface {
	Afresh()
	Trouble() error
}

// identify asks who the device is.
func (p *Poller) identify(ctx context.Context, t *target) error {
	var quirks mibs.Quirks
	if t.is != nil {
		quirks = t.is.Quirks()
	}
	var is *mibs.Device
	err := t.Ask(ctx, quirks, func(asker mibs.Asker) (err error) {
		f, knows := asker.(frank)
		if knows {
			f.Afresh()
		}
		is, err = p.Profiles.Identify(ctx, clocked{asker, p, t})
		if knows && err == nil && t.is == nil && t.failures < lastStraw {
			err = f.Trouble()
		}
		return err
	})
	if err != nil {
		return err
	}
	is = is.After(t.is)
	if err := p.check(t, is); err != nil {
		return err
	}
	if t.is != nil && t.is.ID != is.ID {
		p.forget(t)
	}
	p.remember(t, is)
	p.saw(t)
	return nil
}

// settles tells whether t's device has just booted, so that rows may be missing. If nothing is
// known of it yet, its counters can wait: read by a lesser rule, they would begin an epoch of
// that rule, and another one when the rows are there.
func (p *Poller) settles(t *target) bool {
	return t.clocked == t.looked && t.up < settling
}

// check refuses devices that can't be told from others. A known device that says no serial
// for a while, booting perhaps, stays what it was. Were it taken for another that is known
// by its MAC address, what it counts meanwhile would count twice.
func (p *Poller) check(t *target, is *mibs.Device) error {
	patient := t.failures == 0 || p.since()-t.answered < patience
	switch {
	case t.is != nil && t.is.Identity.Serial != "" && is.Identity.Serial == "" && patient:
		return errors.New("it doesn't tell its serial number at present")
	case is.ID == "" && is.Profile == "":
		p.forget(t)
		return errors.New(is.Why)
	case is.ID == "":
		p.forget(t)
		return errors.New(is.Unnamed)
	case t.Refuses != nil && t.Refuses(is) != "":
		p.forget(t)
		return errors.New("not polled: " + t.Refuses(is))
	}
	return nil
}

func (p *Poller) remember(t *target, is *mibs.Device) {
	if t.is == nil || t.is.Identity != is.Identity {
		t.told = 0
	}
	if t.is == nil {
		p.Log.Info("device found", "device", is.ID, "address", t.Address, "profile", is.Profile, "fax", is.Fax)
	}
	now := p.since()
	t.identified, t.again = now, now+daily+phase(t.Address)
	if t.is == nil && p.settles(t) {
		t.again = min(now+settling-t.up, now+settlings*p.shortest())
		t.counters = t.again
	}
	t.is = is
}

// forget is for a target whose device is not there any more.
func (p *Poller) forget(t *target) {
	p.handOver(p.machines.left(t))
	t.is, t.last = nil, heard{}
	t.told, t.uptime, t.counters, t.answered = 0, 0, 0, 0
	t.search, t.searches = 0, 0
	t.restarts = nil
	t.resting.Store(0)
}

// lastStraw is the number of failed looks in a row that is worth a line in the log.
const lastStraw = 3

// missed tells of a failed look, unless the device is read elsewhere.
func (p *Poller) missed(t *target, err error) {
	t.failures++
	t.trouble = wire.Shorten(err.Error())
	p.handOver(p.machines.missed(t))
	if t.is == nil {
		if t.failures == 1 {
			p.Log.Warn("no device known at this address", "address", t.Address, "error", t.trouble)
		}
		return
	}
	if p.machines.leader(t) != t {
		t.told, t.counters = 0, 0
		return
	}
	if t.failures == lastStraw {
		p.Log.Warn("device silent", "device", t.is.ID, "address", t.Address, "error", t.trouble)
	}
	_, waits := p.next(t, true, p.since())
	p.tell(t, p.failed(t, because(t.trouble, waits)))
}

// failed is the reading of a look that told nothing.
func (p *Poller) failed(t *target, why string) wire.Reading {
	return wire.Reading{
		Device: t.is.ID, At: wire.TimeOf(p.Now()), Error: wire.Shorten(why), Profile: t.is.Profile, Fax: t.is.Fax,
	}
}

// tell puts a reading into the batch, now and then with the device's identity.
func (p *Poller) tell(t *target, r wire.Reading) {
	if p.machines.leader(t) != t {
		return // another target took over during a long look, or this one was dropped
	}
	if err := r.Check(); err != nil { // the profile let something through; the look counts for nothing
		p.Log.Debug("reading not acceptable", "device", t.is.ID, "error", err)
		r = p.failed(t, "its answers make no sense: "+err.Error())
	}
	now := p.since()
	if t.told == 0 || now-t.told >= hourly {
		identity := t.is.Identity
		identity.Address = t.Address
		r.Identity, t.told = &identity, max(now, 1)
	}
	p.batch.add(&r)
}
