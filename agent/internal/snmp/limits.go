package snmp

import (
	"slices"
	"time"
)

// absent is an object that is left out for some time, since a SNMPv1 device said that it doesn't
// have it, or any device answered it with an error. Each of them costs a request of its own
// when it is asked again.
type absent struct {
	since time.Time
	wait  time.Duration
}

// An object may be missing only once, as while a device boots. It is left out for a while, and for
// twice as long each time that it is still missing.
const (
	askAgain  = 30 * time.Second
	askSeldom = 15 * time.Minute
	askMore   = 24 * time.Hour // a device isn't asked for more objects than it once took
)

// limit is how many OIDs to ask for at once.
func (d *Device) limit(most int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.most > 0 && past(d.mostAt, askMore, d.pool.Now()) {
		d.most = 0
	}
	limit := maxOIDs
	for _, n := range []int{most, d.most} {
		if n > 0 {
			limit = min(limit, n)
		}
	}
	return limit
}

func (d *Device) learnLimit(most int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.most == 0 || most < d.most {
		d.most, d.mostAt = most, d.pool.Now()
	}
}

// past tells whether d has passed since then, or the clock was turned.
func past(then time.Time, d time.Duration, now time.Time) bool {
	age := now.Sub(then)
	return age < 0 || age >= d
}

func (d *Device) learnAbsent(oids ...string) {
	if len(oids) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.absent == nil {
		d.absent = map[string]absent{}
	}
	for _, oid := range oids {
		d.absent[oid] = absent{since: d.pool.Now(), wait: min(max(2*d.absent[oid].wait, askAgain), askSeldom)}
	}
}

func (d *Device) forgetAbsent() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.absent = nil
}

// present leaves out what is absent for now. What wasn't found missing again for long is as any other.
func (d *Device) present(oids []string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.absent == nil {
		return oids
	}
	now := d.pool.Now()
	for oid, a := range d.absent {
		if past(a.since, a.wait+askSeldom, now) {
			delete(d.absent, oid)
		}
	}
	if len(d.absent) == 0 {
		d.absent = nil
	}
	return slices.DeleteFunc(slices.Clone(oids), func(oid string) bool {
		a, gone := d.absent[oid]
		return gone && !past(a.since, a.wait, now)
	})
}
