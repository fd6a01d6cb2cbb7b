package ledger

import (
	"cmp"
	"maps"
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
	devices  []Device             // by id
	named    map[string][]*Device // by all that a person may call them: id and serial, lower case
	gaps     map[string][]Span    // by device: what its counters can't prove
	zones    map[string]*time.Location
}

func newPark(now wire.Time, zone *time.Location, r *Register, devices []Device, gaps map[string][]Span) *park {
	p := &park{
		now: now, zone: zone, register: r, devices: devices, gaps: gaps,
		named: make(map[string][]*Device, 2*len(devices)), zones: map[string]*time.Location{"": zone},
	}
	for i := range devices {
		d := &devices[i]
		p.name(d.ID, d)
		if serial := strings.ToLower(d.Serial); serial != d.ID {
			p.name(serial, d)
		}
	}
	return p
}

func (p *park) name(name string, d *Device) {
	if name != "" {
		p.named[name] = append(p.named[name], d)
	}
}

// find is the one machine that a declaration means, nil with the reason why there is none.
func (p *park) find(declared string) (*Device, []Fact) {
	found := p.named[strings.ToLower(declared)]
	switch {
	case declared == "":
		return nil, nil
	case len(found) == 0:
		return nil, []Fact{{Code: FactMachineUnseen, Text: declared}}
	case len(found) > 1:
		return nil, []Fact{{Code: FactMachineAmbiguous, Text: declared, Count: int64(len(found))}}
	}
	return found[0], nil
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
	var lines []Line
	hung := make(map[string][]string) // ports that are declared, by device
	for _, id := range slices.Sorted(maps.Keys(p.register.Lines)) {
		versions := p.register.Lines[id]
		v, ok := ValidAt(versions, p.now)
		if !ok || v.Removed {
			continue
		}
		line := p.declaredLine(v, versions)
		for _, at := range [][2]string{{line.Device, line.Port}, {line.Gateway, line.GatewayPort}} {
			if at[0] != "" {
				hung[at[0]] = append(hung[at[0]], at[1])
			}
		}
		lines = append(lines, line)
	}
	shares := make(map[string]int, len(hung))
	for device, ports := range hung {
		shares[device] = len(ports)
	}
	for i := range p.devices {
		d := &p.devices[i]
		for _, line := range undeclared(linesOf(d), hung[d.ID]) {
			p.assign(&line, d)
			shares[d.ID]++
			lines = append(lines, line)
		}
	}
	for i := range lines {
		p.witness(&lines[i], shares)
	}
	slices.SortFunc(lines, func(a, b Line) int { return cmp.Compare(a.ID, b.ID) })
	return lines
}

// undeclared leaves out the lines that a declaration replaces: that of its port; the only one, if it
// names no port.
func undeclared(lines []Line, declared []string) []Line {
	return slices.DeleteFunc(lines, func(l Line) bool {
		return slices.Contains(declared, l.Port) || len(declared) > 0 && (l.Port == "" || len(lines) == 1 && slices.Contains(declared, ""))
	})
}

// declaredLine is a line as people declared it: v is what holds now, the end of the line is as the
// newest version has it.
func (p *park) declaredLine(v Declaration, versions []Declaration) Line {
	newest := lasting(versions)
	place := p.register.Complete(v.Place)
	l := Line{
		ID: v.Line, Declared: true, Number: v.Number, Extension: v.Extension,
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
			*reference = d.ID
		}
	}
	if l.Device == "" && l.Gateway == "" {
		l.Why = append(l.Why, Fact{Code: FactNoMachine})
	}
	for i, version := range versions {
		if to := end(versions, i, p.now); !version.Removed && version.From < to {
			d, _ := p.find(cmp.Or(version.Device, version.Gateway))
			l.History = append(l.History, p.stretch(Span{version.From, to}, version.Place, d))
		}
	}
	return l
}

// end is when a version ends, now at the latest.
func end[T dated](versions []T, i int, now wire.Time) wire.Time {
	if i+1 < len(versions) {
		return min(versions[i+1].from(), now)
	}
	return now
}

// stretch is a time of a line at a place on a device, nil where it isn't known.
func (p *park) stretch(s Span, place Place, d *Device) Stretch {
	stretch := Stretch{Span: s, Place: p.register.Complete(place)}
	if d == nil {
		return stretch
	}
	stretch.Device = d.ID
	for _, c := range d.Counters {
		if !slices.Contains(stretch.Measures, c.Measure) {
			stretch.Measures = append(stretch.Measures, c.Measure)
		}
	}
	if len(stretch.Measures) > 0 {
		stretch.Watched = s.Within(Span{d.FirstSeen, d.LastCount}).without(p.gaps[d.ID])
	}
	return stretch
}

// assign gives an undeclared line the place that is declared of its machine.
func (p *park) assign(l *Line, d *Device) {
	l.Zone = p.zone
	versions := p.register.Devices[d.ID]
	if versions == nil {
		versions = p.register.Devices[strings.ToLower(d.Serial)]
	}
	if len(versions) == 0 {
		l.History = []Stretch{p.stretch(Span{0, p.now}, Place{}, d)}
		return
	}
	for i, v := range versions {
		if to := end(versions, i, p.now); v.From < to {
			l.History = append(l.History, p.stretch(Span{v.From, to}, v.Place, d))
		}
	}
	if n := len(l.History); n > 0 {
		place := l.History[n-1].Place
		l.Establishment, l.Site, l.Pole, l.Service, l.UF = place.Establishment, place.Site, place.Pole, place.Service, place.UF
		l.Zone = p.zoneOf(place.Site)
	}
}

// witness takes over what a line's machine and its gateway's port tell of it.
func (p *park) witness(l *Line, shares map[string]int) {
	machine, _ := p.find(l.Device)
	gateway, _ := p.find(l.Gateway)
	if gateway == machine {
		gateway = nil
	}
	for _, at := range []struct {
		*Device
		port string
	}{{machine, l.Port}, {gateway, l.GatewayPort}} { // of a status the gateway's is the better evidence
		if at.Device == nil {
			continue
		}
		if l.FirstSeen == 0 || at.FirstSeen < l.FirstSeen {
			l.FirstSeen = at.FirstSeen
		}
		l.LastReading = max(l.LastReading, at.LastReading)
		p.status(l, at.Device, at.port)
	}
	counting := machine
	if counting == nil || len(counting.Counters) == 0 {
		counting = gateway
	}
	if counting != nil && len(counting.Counters) > 0 {
		l.Sharing, l.counted = max(shares[counting.ID], 1), counting.LastCount
		p.count(l, counting)
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

// count takes over when a device counted a fax last.
func (p *park) count(l *Line, d *Device) {
	for _, s := range l.History {
		machine, _ := p.find(s.Device)
		if machine == nil {
			continue
		}
		for _, c := range machine.Counters {
			if c.Last > s.To || c.Last <= s.From {
				continue // it was of another line
			}
			l.life = max(l.life, c.Last)
			if l.Sharing == 1 {
				l.faxed(c)
			}
		}
	}
}

func (l *Line) faxed(c Counter) {
	l.LastFax = max(l.LastFax, c.Last)
	switch c.Measure {
	case wire.FaxSentPages, wire.FaxSent:
		l.LastSent = max(l.LastSent, c.Last)
	case wire.FaxReceivedPages, wire.FaxPrintedPages, wire.FaxReceived:
		l.LastReceived = max(l.LastReceived, c.Last)
	}
}

// linesOf are the lines that a device shows by itself: each port that it labels fax, else one for
// the device. Ports of which nobody says that a fax hangs on them are none.
func linesOf(d *Device) []Line {
	if !d.FaxCapable {
		return nil
	}
	var lines []Line
	for _, p := range d.Ports {
		if p.Fax == wire.Yes && p.Port != "" {
			lines = append(lines, Line{
				ID: d.ID + ":" + p.Port, Device: d.ID, Port: p.Port, Gateway: d.ID, FirstSeen: p.FirstSeen,
				Status: wire.LineUnknown, Totals: map[wire.Measure]int64{},
			})
		}
	}
	if len(lines) == 0 {
		lines = append(lines, Line{
			ID: d.ID, Device: d.ID, FirstSeen: d.FirstSeen, Status: wire.LineUnknown, Totals: map[wire.Measure]int64{},
		})
	}
	return lines
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
	if s, ok := r.Services[p.Service]; ok {
		p.Establishment, p.Pole = cmp.Or(p.Establishment, s.Establishment), cmp.Or(p.Pole, s.Pole)
	}
	p.Establishment = cmp.Or(p.Establishment, r.Poles[p.Pole].Establishment, r.Sites[p.Site].Establishment)
	return p
}
