package poll

import (
	"context"
	"errors"
	"fmt"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// look asks d whatever is due, and puts a reading of it into the batch. While nobody knows
// which device d is there is no reading; then Silent says why.
func (p *Poller) look(ctx context.Context, d *device) {
	started := p.since()
	if d.is != nil && !p.claims.holds(d.claim) {
		p.forget(d) // another target leads to it by now
	}
	within, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	reading, err := p.read(within, d)
	if ctx.Err() != nil {
		return // the agent is stopping, which is no fault of the device
	}
	d.slow = p.since()-started > slow
	if err != nil {
		p.missed(d, err)
		return
	}
	if d.failures >= lastStraw {
		p.Log.Info("device answers again", "device", d.is.ID, "address", d.target.Address)
	}
	if d.failures > 0 {
		d.failures = 0
		p.claims.missed(d.claim, 0)
	}
	p.tell(d, reading)
}

// read asks who the device is, if need be, and then what is due. Where the answer shows
// that the device is not what it was it asks again, once.
func (p *Poller) read(ctx context.Context, d *device) (wire.Reading, error) {
	if d.is == nil || p.since()-d.asked > daily+d.phase {
		if err := p.identify(ctx, d); err != nil && d.is == nil {
			return wire.Reading{}, err
		} else if err != nil {
			d.asked += hourly // it is known; asking who it is can wait
		}
	}
	due, result, err := p.ask(ctx, d)
	if err != nil {
		return wire.Reading{}, err
	}
	restarted := result.Reading.UptimeMS > 0 && result.Reading.UptimeMS < d.uptime
	stale := result.Stale && p.since()-d.asked >= patience
	switch {
	case result.Stranger:
		p.forget(d)
	case !stale && !restarted:
		return p.accept(d, due, result), nil
	}
	if err := p.identify(ctx, d); err != nil {
		if result.Stranger || stale {
			return wire.Reading{}, err
		}
		return p.accept(d, due, result), nil // who it is can wait until it is fully up
	}
	if due, result, err = p.ask(ctx, d); err != nil {
		return wire.Reading{}, err
	}
	if result.Stranger {
		p.forget(d)
		return wire.Reading{}, errors.New("two machines answer by turns at this address; want one")
	}
	return p.accept(d, due, result), nil
}

// accept plans the next look at the counters: soon, if it wasn't sure whose they were.
func (p *Poller) accept(d *device, due mibs.Due, result mibs.Result) wire.Reading {
	d.uptime = result.Reading.UptimeMS
	switch {
	case due&mibs.Counters == 0:
	case result.Reading.OK:
		d.counters = d.slot(p.Counters, p.since())
	default:
		d.counters = d.slot(p.shortest(), p.since())
	}
	return result.Reading
}

// ask is the one GET of an ordinary look.
func (p *Poller) ask(ctx context.Context, d *device) (due mibs.Due, result mibs.Result, err error) {
	due = mibs.Lines
	if d.counters <= p.since() {
		due |= mibs.Counters
	}
	err = d.target.Ask(ctx, d.is.Quirks(), func(asker mibs.Asker) error {
		answers, err := asker.Get(ctx, d.is.OIDs(due))
		if err == nil {
			result = d.is.Read(wire.TimeOf(p.Now()), due, answers)
		}
		return err
	})
	return due, result, err
}

// identify asks who the device is. A device that another target leads to already is not
// polled here as well, or each fax would be read twice.
func (p *Poller) identify(ctx context.Context, d *device) error {
	var quirks mibs.Quirks
	if d.is != nil {
		quirks = d.is.Quirks()
	}
	var is *mibs.Device
	err := d.target.Ask(ctx, quirks, func(asker mibs.Asker) (err error) {
		is, err = p.Profiles.Identify(ctx, asker)
		return err
	})
	if err != nil {
		return err
	}
	is = is.After(d.is)
	if err := p.check(d, is); err != nil {
		return err
	}
	if d.is != nil && d.is.ID != is.ID {
		p.forget(d)
	}
	claim, leader := p.claims.take(is.ID, d.place)
	if claim == nil {
		p.forget(d)
		return fmt.Errorf("it is %s, which is polled at %s; want one target a machine", is.ID, p.Targets[leader].Address)
	}
	d.claim = claim
	p.remember(d, is)
	return nil
}

// check refuses devices that can't be told from others. A known device that says no serial
// for a while, booting perhaps, stays what it was. Were it taken for another that is known
// by its MAC address, what it counts meanwhile would count twice.
func (p *Poller) check(d *device, is *mibs.Device) error {
	patient := d.failures == 0 || p.backOff(d.failures) < longest
	switch {
	case d.is != nil && d.is.Identity.Serial != "" && is.Identity.Serial == "" && patient:
		return errors.New("it doesn't tell its serial number at present")
	case is.ID == "" && is.Profile == "":
		p.forget(d)
		return errors.New(is.Why)
	case is.ID == "":
		p.forget(d)
		return errors.New("it tells neither a serial number nor a MAC address to know it by")
	}
	return nil
}

func (p *Poller) remember(d *device, is *mibs.Device) {
	identity := is.Identity
	identity.Address = d.target.Address
	if d.identity == nil || *d.identity != identity {
		d.identity, d.told = &identity, 0
	}
	if d.is == nil {
		p.setSilent(d, "")
		p.Log.Info("device found", "device", is.ID, "address", d.target.Address, "profile", is.Profile, "fax", is.Fax)
	}
	d.is, d.asked = is, p.since()
}

// forget is for a target whose device is not there any more.
func (p *Poller) forget(d *device) {
	if d.is == nil {
		return
	}
	p.claims.release(d.claim)
	d.is, d.claim, d.identity = nil, nil, nil
	d.uptime, d.counters = 0, 0
}

// lastStraw is the number of failed looks in a row that is worth a line in the log.
const lastStraw = 3

// missed tells of a failed look.
func (p *Poller) missed(d *device, err error) {
	d.failures++
	why := err.Error()
	if wait := p.backOff(d.failures); wait > p.shortest() {
		why = fmt.Sprintf("%s; looked at every %s until it answers", why, wait)
	}
	why = wire.Shorten(why)
	if d.is == nil {
		p.setSilent(d, why)
		if d.failures == 1 {
			p.Log.Warn("no device known at this address", "address", d.target.Address, "error", why)
		}
		return
	}
	if d.failures == lastStraw {
		p.Log.Warn("device silent", "device", d.is.ID, "address", d.target.Address, "error", why)
	}
	p.claims.missed(d.claim, d.failures)
	p.tell(d, wire.Reading{
		Device: d.is.ID, At: wire.TimeOf(p.Now()), Error: why, Profile: d.is.Profile, Fax: d.is.Fax,
	})
}

// tell puts a reading into the batch, now and then with the device's identity.
func (p *Poller) tell(d *device, r wire.Reading) {
	if !p.claims.holds(d.claim) {
		return // another target took over during a long look
	}
	if err := r.Check(); err != nil { // the profile let something through; the look counts for nothing
		p.Log.Debug("reading not acceptable", "device", d.is.ID, "error", err)
		r = wire.Reading{Device: r.Device, At: r.At, Error: wire.Shorten("its answers make no sense: " + err.Error()), Profile: d.is.Profile, Fax: d.is.Fax}
	}
	now := p.since()
	if d.told == 0 || now-d.told >= hourly {
		r.Identity, d.told = d.identity, max(now, 1)
	}
	p.batch.add(&r)
}
