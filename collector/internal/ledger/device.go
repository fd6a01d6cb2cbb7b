package ledger

import (
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// device is what the books know of a device.
type device struct {
	number     int64
	id         string
	identity   wire.Identity
	profile    string
	fax        wire.Answer
	service    wire.FaxService
	faxed      bool   // a fax counter was ever above 0
	lead       string // the agent whose readings count
	firstSeen  wire.Time
	countsFrom wire.Time // of its first counters, 0 = none yet
	failure    string
	corrected  bool
	stale      int64
	staleSince wire.Time
	order      order
	lookAt     wire.Time
	readAt     wire.Time
	countersAt wire.Time
	linesAt    wire.Time
	poll       time.Duration
	counters   []*counter
	ports      []*port

	stays  []stay      // where its activity belongs, by time
	curves []seriesEnd // how far its postings reach, as far as that is known since they were loaded

	dirty, looked bool      // to be written: what it is, when it was looked at
	astray        bool      // to be located anew
	ends          wire.Time // the earliest deadline of lines that ever hung on it, 0 = none; not kept
}

type counter struct {
	number     int64
	device     *device
	measure    wire.Measure
	unit, rule string
	present    bool
	tally      tally
	lastAt     wire.Time // end of its last activity
	inStep     bool      // tally.At is the device's countersAt, so it needs no writing
	dirty      bool      // the tally is to be written
	defined    bool      // the rest is to be written
}

type port struct {
	wire.Line
	firstSeen, since, goneAt wire.Time
	dirty                    bool
}

// told is the status as of now: what a device told that doesn't name the port any more is none.
func (p *port) told() wire.LineStatus {
	if p.goneAt != 0 {
		return wire.LineUnknown
	}
	return p.Status
}

type statusOf struct {
	*device
	Status
}

type portOf struct {
	*device
	*port
}

// seen is a reading with what is known of its time.
type seen struct {
	moment
	said  *wire.Reading
	Clock bool          // At was corrected
	Error time.Duration // by how much At may be off
}

// reading books one reading of an applied envelope.
func (b *books) reading(a *agent, s *stream, r *wire.Reading, receipt wire.Time) {
	v := seen{said: r}
	v.Stream, v.Raw, v.Uptime, v.Receipt = s.number, r.At, uptime(r), receipt
	v.At, v.Trusted, v.Clock = stamp(r.At, a.offset, receipt)
	if v.Trusted { // else it is our own time
		v.Error = clockError(a.offset)
	}
	s.lastAt = v.At
	d := b.device(r.Device, a.id, receipt)
	b.backFromFuture(d, v)
	if d.lead != a.id {
		if !r.OK || !takesOver(v.At, d.readAt, d.poll) {
			b.claim(d, a.id, v.At)
			return
		}
		d.lead = b.text(a.id)
		b.rewrite(d)
		if d.failure == "" {
			b.status(d, "", DeviceUp, deviceUp, v.At)
		}
	}
	switch relation := d.order.relation(v.moment); {
	case relation == repeated:
		d.stale++
		b.rewrite(d)
	case !r.OK:
		if relation == newer {
			b.look(d, v)
		}
	case b.count(d, v, relation == newer) || relation == newer:
		b.look(d, v)
	}
}

// backFromFuture brings the times from which a device's next interval and lead are judged down to
// now where our own clock ran ahead and was set back: else nobody could take its lead over, and its
// faxes would be booked at that future time. If it is the present clock that is wrong, the next
// interval is too wide, but true. When a fax was seen stays: nothing must look dormant by mistake.
func (b *books) backFromFuture(d *device, v seen) {
	if d.lookAt <= v.Receipt.Add(clockTrusted) {
		return
	}
	d.order.At = min(d.order.At, v.Receipt)
	d.lookAt, d.readAt, d.countersAt = min(d.lookAt, v.At), min(d.readAt, v.At), min(d.countersAt, v.At)
	for _, c := range d.counters {
		c.tally.At = min(c.tally.At, v.At)
		c.tally.Open = slices.Clone(c.tally.Open)
		for i := range c.tally.Open {
			c.tally.Open[i].At = min(c.tally.Open[i].At, v.At)
		}
		c.inStep = c.tally.At == d.countersAt
		b.note(c)
	}
	b.relook(d)
}

// count steps all counters of a reading. It tells whether a counter's growth or the passing of
// time proves that the reading is newer than those before it, which its clock could not.
func (b *books) count(d *device, v seen, isNew bool) (proven bool) {
	stale := false
	if !isNew && d.staleSince != 0 && v.Receipt.Sub(d.staleSince) >= staleWindow {
		isNew, proven = true, true
	}
	also := d.alsoReceives(v)
	for i := range v.said.Counters {
		told := &v.said.Counters[i]
		l := look{
			Value: told.Value, At: v.At, Trusted: v.Trusted, Clock: v.Clock, Error: v.Error,
			Newer: isNew, Uptime: v.Uptime, Receipt: v.Receipt,
		}
		grown, old := b.counter(d, told, l, also)
		proven = proven || grown
		stale = stale || old
	}
	switch {
	case stale && d.staleSince == 0:
		d.staleSince = v.Receipt
	case !stale && isNew && d.staleSince != 0:
		d.staleSince = 0
		b.rewrite(d)
	}
	if stale {
		d.stale++
		b.rewrite(d)
	}
	return proven
}

// staleWindow is how long only older readings may come before they are taken for the truth: the
// clock was set back, and the device lost its counts.
const staleWindow = 24 * time.Hour

// alsoReceives tells whether what is printed since the last reading is also counted as received. A
// reading with which the device begins to tell that is only its baseline; and where it gave up
// telling it a day ago, nothing but paper tells of what comes in.
func (d *device) alsoReceives(v seen) bool {
	c := d.present(wire.FaxReceivedPages)
	if c == nil {
		return false
	}
	told := slices.ContainsFunc(v.said.Counters, func(told wire.Counter) bool { return told.Measure == wire.FaxReceivedPages })
	return told || v.At.Sub(c.tally.At) <= day
}

// counter books one counter of a reading; also tells whether what is printed is counted as received too.
func (b *books) counter(d *device, told *wire.Counter, l look, also bool) (grown, stale bool) {
	c := d.present(told.Measure)
	if c == nil || c.unit != told.Unit || c.rule != told.Rule {
		if !l.Newer {
			return false, true
		}
		b.begin(d, c, told, l)
		return true, false
	}
	before := c.tally
	var e effect
	c.tally, e = step(c.tally, l)
	if e.Stale {
		return false, true
	}
	if e.Opened != "" {
		b.excursion(c, told.Value, l, e)
	}
	for _, x := range e.Closed {
		b.close(x.Anomaly, x.Outcome, l.Receipt)
		if x.Outcome == Glitch && d.ends != 0 {
			b.changes.review.glitches = append(b.changes.review.glitches, x.Anomaly)
		}
	}
	if told.Value > 0 {
		b.faxed(d)
	}
	if e.Booked > 0 {
		b.book(c, e, told.Value, also)
	}
	grown = c.tally.Value != before.Value || len(e.Closed) > 0
	if grown || !c.inStep && c.tally.At != before.At || c.tally.Error != before.Error {
		b.note(c)
	}
	return grown, false
}

// begin starts counting by another rule or unit, or for the first time: what is told now is the
// baseline, and nothing is counted.
func (b *books) begin(d *device, old *counter, told *wire.Counter, l look) {
	c := d.find(told)
	if c == nil {
		b.last.counter++
		c = &counter{
			number: b.last.counter, device: d, measure: wire.Measure(b.text(string(told.Measure))),
			unit: b.text(told.Unit), rule: b.text(told.Rule),
		}
		d.counters = append(d.counters, c)
	}
	if old != nil {
		b.end(old, c, l)
	}
	c.present = true
	c.tally = baseline(c.tally, l)
	b.define(c)
	b.note(c)
	b.relocate(d)
	if d.countsFrom == 0 {
		d.countsFrom = l.At
		b.rewrite(d)
		b.relocateAll(d)
	}
	if told.Value > 0 {
		b.faxed(d)
	}
}

// faxed notes that a device has faxed.
func (b *books) faxed(d *device) {
	if !d.faxed {
		d.faxed = true
		b.rewrite(d)
		b.relocate(d)
	}
}

// end closes the epoch of a counter that another one replaces.
func (b *books) end(old, next *counter, l look) {
	for _, x := range old.tally.Open {
		if !x.Jump {
			b.close(x.Anomaly, Settled, l.Receipt)
		}
	}
	b.open(Anomaly{
		Kind: RuleChanged, Device: old.device.id, Agent: old.device.lead, Measure: old.measure, Unit: next.unit,
		From: old.tally.At, To: l.At, Before: old.tally.Value, After: l.Value,
		Note:     old.rule + " (" + old.unit + ") → " + next.rule + " (" + next.unit + ")",
		OpenedAt: l.Receipt, ClosedAt: l.Receipt, Outcome: Noted,
	})
	old.present, old.tally.Open = false, nil
	b.define(old)
	b.note(old)
}

// excursion records the anomaly of a counter's fall or jump.
func (b *books) excursion(c *counter, value int64, l look, e effect) {
	number := b.open(Anomaly{
		Kind: e.Opened, Device: c.device.id, Agent: c.device.lead, Measure: c.measure, Unit: c.unit,
		From: e.From, To: e.To, Before: e.Before, After: value, Amount: e.Amount, OpenedAt: l.Receipt, counter: c.number, inexact: e.Clock, error: e.Error,
	})
	c.tally.Open[len(c.tally.Open)-1].Anomaly = number
	x := b.changes.anomalies[len(b.changes.anomalies)-1]
	if e.Opened == Jump {
		b.heldBack(c, x)
	} else if g, counts := b.growthOfReset(c, x); counts {
		b.judge(g)
	}
}

// book writes growth into the books, and posts it; also tells whether what is printed is counted as
// received too.
func (b *books) book(c *counter, e effect, value int64, also bool) {
	x := activity{counter: c.number, from: e.From, to: e.To, count: e.Booked, value: value, error: e.Error}
	if e.To.Sub(e.From) > time.Hour {
		x.flags |= wideInterval
	}
	if e.Clock {
		x.flags |= inexactEnd
	}
	if also && c.measure == wire.FaxPrintedPages {
		x.flags |= alsoReceived
	}
	b.last.activity++
	x.number = b.last.activity
	b.changes.activities = append(b.changes.activities, x)
	b.post(x, c, b.accountOf(c.device, x.to, x.flags), x.count)
	c.lastAt = max(c.lastAt, e.To)
	if g, counts := b.growthOf(c, &x); counts {
		b.judge(g)
	}
}

// look takes over what an accepted reading says of the device beside its counts.
func (b *books) look(d *device, v seen) {
	if d.order.accept(v.moment) {
		b.rewrite(d)
	}
	b.reachable(d, v)
	d.poll = pollInterval(d.lookAt, v.At)
	d.lookAt = v.At
	b.relook(d)
	failure := v.said.Error
	if v.said.OK {
		failure = ""
	}
	if d.failure != failure || d.corrected != v.Clock {
		d.failure, d.corrected = failure, v.Clock
		b.rewrite(d)
	}
	if !v.said.OK {
		return
	}
	d.readAt = v.At
	b.describe(d, v)
	if len(v.said.Lines) > 0 {
		b.lines(d, v)
	}
	if len(v.said.Counters) > 0 {
		d.countersAt = max(d.countersAt, v.At)
		for _, c := range d.counters {
			b.pace(c)
		}
	}
}

// The values of DeviceUp.
const (
	deviceUp     = "1"
	deviceDown   = "0"
	deviceUnseen = ""
)

// unseenAfter is how long nobody may look at a device until it is unknown how it was in between.
const unseenAfter = time.Hour

// reachable notes whether a device answers, where that is new.
func (b *books) reachable(d *device, v seen) {
	unseen := d.lookAt != 0 && v.At.Sub(d.lookAt) > unseenAfter
	if unseen {
		b.status(d, "", DeviceUp, deviceUnseen, d.lookAt)
	}
	if up := v.said.OK; unseen || d.lookAt == 0 || up != (d.failure == "") {
		value := deviceDown
		if up {
			value = deviceUp
		}
		b.status(d, "", DeviceUp, value, v.At)
	}
}

// pace sees to it that a counter's time is written if it isn't the device's.
func (b *books) pace(c *counter) {
	inStep := c.tally.At == c.device.countersAt
	if inStep != c.inStep {
		b.note(c)
	}
	c.inStep = inStep
}

// describe takes over who the device is and what it says of its fax function.
func (b *books) describe(d *device, v seen) {
	before := d.identity
	if v.said.Identity != nil {
		b.identify(d, *v.said.Identity)
		b.moved(d, before.Address, v)
	}
	profile, fax, service := d.profile, d.fax, d.service
	if v.said.Profile != "" {
		profile = v.said.Profile
	}
	if v.said.Fax != "" {
		fax = v.said.Fax
	}
	if v.said.FaxService != "" {
		service = v.said.FaxService
	}
	if fax != d.fax {
		b.relocate(d)
	}
	if profile != d.profile || fax != d.fax || service != d.service || before != d.identity {
		d.profile, d.fax, d.service = b.text(profile), fax, service
		b.rewrite(d)
	}
}

// identify takes over who the device is. What is declared may call it by its serial.
func (b *books) identify(d *device, identity wire.Identity) {
	if identity.Serial == d.identity.Serial {
		d.identity = identity
		return
	}
	b.relocateAll(d)
	b.where.unname(d)
	d.identity = identity
	b.where.name(d)
	b.relocateAll(d)
}

// moved keeps track of who is at an address; another machine at a known one is an anomaly.
func (b *books) moved(d *device, from string, v seen) {
	to := d.identity.Address
	if to == "" || to == from {
		return
	}
	if key := [2]string{d.lead, from}; b.addresses[key] == d {
		delete(b.addresses, key)
	}
	key := [2]string{d.lead, to}
	if other := b.addresses[key]; other != nil && other != d {
		b.open(Anomaly{
			Kind: DeviceChanged, Device: d.id, Agent: d.lead, From: other.lookAt, To: v.At,
			Note: to + ": " + other.id + " → " + d.id, OpenedAt: v.Receipt, ClosedAt: v.Receipt, Outcome: Noted,
		})
		b.replaced(d, other, to, v.At)
	}
	b.addresses[key] = d
}

// lines takes over the phone lines as the device tells them.
func (b *books) lines(d *device, v seen) {
	told := 0
	for i := range v.said.Lines {
		line := v.said.Lines[i]
		if line.Fax == "" {
			line.Fax = wire.Unknown
		}
		p := d.port(line.Port)
		if p != nil && line.Number == "" { // looks that say none don't take it back
			line.Number = p.Number
		}
		if p == nil {
			p = &port{firstSeen: v.At, since: v.At}
			p.Port = line.Port
			d.ports = append(d.ports, p)
		} else if p.Line == line && p.goneAt == 0 {
			told++
			continue
		}
		if p.Status != line.Status {
			p.since = v.At
		}
		if p.told() != line.Status {
			b.status(d, p.Port, LineStatus, string(line.Status), v.At)
		}
		if p.Fax != line.Fax {
			b.relocate(d)
		}
		p.Line, p.goneAt = line, 0
		told++
		b.port(d, p)
	}
	if told < len(d.ports) {
		b.gone(d, v)
	}
	d.linesAt = v.At
}

// gone marks the ports that a device doesn't name any more.
func (b *books) gone(d *device, v seen) {
	named := make(map[string]bool, len(v.said.Lines))
	for i := range v.said.Lines {
		named[v.said.Lines[i].Port] = true
	}
	for _, p := range d.ports {
		if !named[p.Port] && p.goneAt == 0 {
			if p.Status != wire.LineUnknown {
				b.status(d, p.Port, LineStatus, string(wire.LineUnknown), v.At)
			}
			p.goneAt = v.At
			b.port(d, p)
		}
	}
}

// claim notes that another agent sees the device too.
func (b *books) claim(d *device, agent string, at wire.Time) {
	key := claimKey{d.number, agent}
	b.changes.claims[key] = max(b.changes.claims[key], at)
}

// device is the device; a new one is led by the agent that tells of it.
func (b *books) device(id, agent string, receipt wire.Time) *device {
	if d := b.devices[id]; d != nil {
		return d
	}
	b.last.device++
	d := &device{
		number: b.last.device, id: id, lead: b.text(agent), firstSeen: receipt,
		fax: wire.Unknown, service: wire.ServiceUnknown, poll: shortestPoll,
	}
	b.devices[d.id] = d
	b.where.name(d)
	b.rewrite(d)
	b.relook(d)
	b.relocateAll(d)
	return d
}

// status notes a change of what is known of a line or a device.
func (b *books) status(d *device, port string, kind StatusKind, value string, at wire.Time) {
	b.last.status++
	b.changes.statuses = append(b.changes.statuses, statusOf{d, Status{
		ID: b.last.status, At: at, Port: port, Kind: kind, Value: value, Agent: d.lead,
	}})
}

func (b *books) rewrite(d *device) { mark(&d.dirty, &b.changes.devices, d) }

func (b *books) relook(d *device) { mark(&d.looked, &b.changes.looks, d) }

func (b *books) define(c *counter) { mark(&c.defined, &b.changes.counters, c) }

func (b *books) note(c *counter) { mark(&c.dirty, &b.changes.tallies, c) }

func (b *books) port(d *device, p *port) { mark(&p.dirty, &b.changes.ports, portOf{d, p}) }

func (d *device) present(m wire.Measure) *counter {
	for _, c := range d.counters {
		if c.present && c.measure == m {
			return c
		}
	}
	return nil
}

func (d *device) find(told *wire.Counter) *counter {
	for _, c := range d.counters {
		if c.measure == told.Measure && c.unit == told.Unit && c.rule == told.Rule {
			return c
		}
	}
	return nil
}

func (d *device) port(name string) *port {
	for _, p := range d.ports {
		if p.Port == name {
			return p
		}
	}
	return nil
}
