package ledger

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// park is all that lines hang on, at one instant.
type park struct {
	now      wire.Time
	zone     *time.Location // where a site names none
	register *Register
	where    *whereabouts
	devices  []*device // by id
	views    map[string]*Device
	gaps     map[string][]Span // by device: what its counters can't prove
	zones    map[string]*time.Location
	newest   map[lineUnit]lastFaxes // as journals tell
}

func newPark(s *Snapshot, devices []*device, zone *time.Location, gaps map[string][]Span, newest map[lineUnit]lastFaxes) *park {
	p := &park{
		now: s.At, zone: zone, register: &s.Register, devices: devices, gaps: gaps, newest: newest,
		views: make(map[string]*Device, len(devices)), zones: map[string]*time.Location{"": zone},
	}
	byID := make(map[string]*device, len(devices))
	for i, d := range devices {
		byID[d.id], p.views[d.id] = d, &s.Devices[i]
	}
	p.where = newWhereabouts(s.Register, byID)
	return p
}

// find is the one machine that a declaration means, nil with the reason why there is none.
func (p *park) find(declared string) (*device, []Fact) {
	d := p.where.device(declared)
	if d != nil || declared == "" {
		return d, nil
	}
	if n := len(p.where.devices[strings.ToLower(declared)]); n > 1 {
		return nil, []Fact{{Code: FactMachineAmbiguous, Text: declared, Count: int64(n)}}
	}
	return nil, []Fact{{Code: FactMachineUnseen, Text: declared}}
}

// zoneOf is the zone of a site.
func (p *park) zoneOf(site string) *time.Location {
	name := p.register.Sites[site].TimeZone
	zone := p.zones[name]
	if zone == nil {
		var err error
		if zone, err = time.LoadLocation(name); err != nil {
			zone = p.zone
		}
		p.zones[name] = zone
	}
	return zone
}

// lines are all lines: those declared, and those that machines show and nobody declared.
func (p *park) lines() []Line {
	lines := make([]Line, 0, len(p.register.Lines)+len(p.devices))
	for id, versions := range p.register.Lines {
		if v, ok := ValidAt(versions, p.now); ok && !v.Removed {
			lines = append(lines, p.declaredLine(id, v, versions))
		}
	}
	shares := make(map[string]int, len(p.devices))
	for _, d := range p.devices {
		wired := p.where.linesOf(d, p.now)
		shares[d.id] = len(wired)
		for _, own := range wired {
			if own.declared == nil {
				lines = append(lines, p.ownLine(own, d))
			}
		}
	}
	for i := range lines {
		p.witness(&lines[i], shares)
		lines[i].journaled(p.newest, p.now)
	}
	slices.SortFunc(lines, func(a, b Line) int { return cmp.Compare(a.ID, b.ID) })
	return lines
}

// ownLine is a line that a device shows and nobody declared.
func (p *park) ownLine(own wired, d *device) Line {
	l := Line{ID: own.line, Device: d.id, Port: own.port, Status: wire.LineUnknown, Totals: map[wire.Measure]int64{}}
	if own.port != "" {
		l.Gateway = d.id
	}
	p.assign(&l, d)
	return l
}

// declaredLine is a line as people declared it: v is what holds now, the end of the line is as the
// newest version has it.
func (p *park) declaredLine(id string, v Declaration, versions []Declaration) Line {
	newest := lasting(versions)
	place := p.register.Complete(v.Place)
	l := Line{
		ID: id, Declared: true, Number: v.Number, Extension: v.Extension,
		Device: v.Device, Port: v.Port, Gateway: v.Gateway, GatewayPort: v.GatewayPort,
		Establishment: place.Establishment, Site: place.Site, Pole: place.Pole, Service: place.Service, UF: place.UF,
		Support: v.Support, Contact: v.Contact, Cutoff: newest.Cutoff, CutOn: newest.CutOn,
		KeptReason: newest.KeptReason, KeptUntil: newest.KeptUntil, Status: wire.LineUnknown,
		Totals: map[wire.Measure]int64{}, Zone: p.zoneOf(place.Site),
	}
	l.CutoffAt = CutoffOf(versions, l.Zone).At()
	l.Copper = copperOf(p.register, l.Support, place.Site, p.now, l.Zone)
	for _, reference := range []*string{&l.Device, &l.Gateway} {
		d, missing := p.find(*reference)
		l.Why = append(l.Why, missing...)
		if d != nil {
			*reference = d.id
		}
	}
	if l.Device == "" && l.Gateway == "" {
		l.Why = append(l.Why, Fact{Code: FactNoMachine})
	}
	for i, version := range versions {
		if to := end(versions, i, p.now); !version.Removed && version.From < to {
			l.History = append(l.History, p.stretch(Span{version.From, to}, version.Place, p.counting(version.Device, version.Gateway)))
		}
	}
	return l
}

// counting is what tells of a line's faxes: its machine if that counts, else its gateway if that does.
// Where neither counts, it is what is known of both; nil if nothing is.
func (p *park) counting(machine, gateway string) *device {
	m, g := p.where.device(machine), p.where.device(gateway)
	if m == nil || len(m.counters) == 0 && g != nil && len(g.counters) > 0 {
		return g
	}
	return m
}

// end is when a version ends, now at the latest.
func end[T dated](versions []T, i int, now wire.Time) wire.Time {
	if i+1 < len(versions) {
		return min(versions[i+1].from(), now)
	}
	return now
}

// stretch is a time of a line at a place on a device, nil where it isn't known.
func (p *park) stretch(s Span, place Place, d *device) Stretch {
	stretch := Stretch{Span: s, Place: p.register.Complete(place)}
	if d == nil {
		return stretch
	}
	stretch.Device = d.id
	for _, c := range d.counters {
		if !slices.Contains(stretch.Measures, c.measure) {
			stretch.Measures = append(stretch.Measures, c.measure)
		}
	}
	if len(stretch.Measures) > 0 {
		stretch.Watched = s.Within(Span{cmp.Or(d.countsFrom, d.firstSeen), d.countersAt}).without(p.gaps[d.id])
	}
	return stretch
}

// assign gives a line that nobody declared the place that is declared of its machine.
func (p *park) assign(l *Line, d *device) {
	versions := []DeclaredDevice{{}}
	for _, name := range d.names() {
		if declared := p.register.Devices[name]; len(declared) > 0 && p.where.device(name) == d {
			versions = declared
			break
		}
	}
	for i, v := range versions {
		if to := end(versions, i, p.now); v.From < to {
			l.History = append(l.History, p.stretch(Span{v.From, to}, v.Place, d))
		}
	}
	var place Place
	if n := len(l.History); n > 0 {
		place = l.History[n-1].Place
	}
	l.Establishment, l.Site, l.Pole, l.Service, l.UF = place.Establishment, place.Site, place.Pole, place.Service, place.UF
	l.Zone = p.zoneOf(place.Site)
}

// witness takes over what a line's machine and its gateway's port tell of it.
func (p *park) witness(l *Line, shares map[string]int) {
	machine, gateway := p.where.device(l.Device), p.where.device(l.Gateway)
	if gateway == machine {
		gateway = nil
	}
	for _, at := range []struct {
		*device
		port string
	}{{machine, l.Port}, {gateway, l.GatewayPort}} { // of a status the gateway's is the better evidence
		if at.device == nil {
			continue
		}
		if l.FirstSeen == 0 || at.firstSeen < l.FirstSeen {
			l.FirstSeen = at.firstSeen
		}
		l.LastReading = max(l.LastReading, at.readAt)
		p.status(l, p.views[at.id], at.port)
	}
	if counting := p.counting(l.Device, l.Gateway); counting != nil && len(counting.counters) > 0 {
		l.Sharing, l.counted = max(shares[counting.id], 1), counting.countersAt
		p.count(l)
	} else if n := len(l.History); n > 0 && l.told != 0 {
		l.History[n-1].Watched = []Span{l.History[n-1].Within(Span{l.FirstSeen, l.told})}
	}
}

// status takes over what a device tells of a port.
func (p *park) status(l *Line, d *Device, name string) {
	port, named := d.ownPort(), false
	for _, candidate := range d.Ports {
		if candidate.Port == name {
			port, named = candidate, true
		}
	}
	if name != "" && !named {
		if len(d.Ports) > 0 {
			l.Why = append(l.Why, Fact{Code: FactPortUnseen, Text: name})
		}
		return
	}
	if port.Gone || port.Status == wire.LineUnknown || port.Status == "" { // what was told last is no evidence any more
		return
	}
	l.Status, l.Evidence, l.StatusSince, l.told = port.Status, port.Evidence, port.Since, max(port.Last, l.told)
}

// count takes over when the line's machines counted a fax last. A machine that went elsewhere and faxed
// there hides when it did so here last: then it may have been up to the day on which it went.
func (p *park) count(l *Line) {
	for _, s := range l.History {
		d := p.where.device(s.Device)
		if d == nil {
			continue
		}
		for _, c := range d.counters {
			if c.lastAt > s.From && DirectionOf(c.measure) != Sent {
				l.MayReceived = max(l.MayReceived, min(c.lastAt, s.To))
			}
			switch {
			case c.lastAt > s.To:
				l.life = max(l.life, s.To)
			case c.lastAt > s.From:
				l.faxed(c)
			}
		}
	}
}

// faxed takes over when a counter of the line's machine grew last; of one that other lines share
// nobody knows whether it was on this line.
func (l *Line) faxed(c *counter) {
	l.life, l.lastFax = max(l.life, c.lastAt), max(l.lastFax, c.lastAt)
	if l.Sharing > 1 {
		return
	}
	l.LastFax = max(l.LastFax, c.lastAt)
	switch DirectionOf(c.measure) {
	case Sent:
		l.LastSent = max(l.LastSent, c.lastAt)
	case Received:
		l.LastReceived = max(l.LastReceived, c.lastAt)
	}
}

// ownPort is what a machine with one line tells of it.
func (d *Device) ownPort() Port {
	if len(d.Ports) == 1 {
		return d.Ports[0]
	}
	for _, p := range d.Ports {
		if p.Port == "" {
			return p
		}
	}
	return Port{Status: wire.LineUnknown}
}

// Complete fills in what follows from the rest: a service has a pole, and both an establishment.
func (r *Register) Complete(p Place) Place {
	if p.Establishment != "" && p.Pole != "" {
		return p
	}
	if s, ok := r.Services[p.Service]; ok {
		p.Establishment, p.Pole = cmp.Or(p.Establishment, s.Establishment), cmp.Or(p.Pole, s.Pole)
	}
	p.Establishment = cmp.Or(p.Establishment, r.Poles[p.Pole].Establishment, r.Sites[p.Site].Establishment)
	return p
}
