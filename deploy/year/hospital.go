// Package year is a scripted year of a group of hospitals in four time zones, and its truth:
// what the books, the alerts and the messages about it must be, by the rules of the design and
// by nobody's code. It imports nothing of the collector. Whoever runs the script hands each
// step to a collector and compares.
package year

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
	_ "time/tzdata" // the same rules on every machine

	"github.com/zerofax/zerofax/agent/wire"
)

// Plan says which year.
type Plan struct {
	Seed  uint64
	Size  int           // about so many lines
	Every time.Duration // between two looks of an agent at all its machines
	From  time.Time     // UTC midnight
	Days  int
	Office
}

// Hospital is what stands there, in whatever state it is.
type Hospital struct {
	Sites    []*Site
	Agents   []*Agent
	Machines []*Machine // gateways too
	Lines    []*Line
}

// Site is one of the four places.
type Site struct {
	ID, Establishment, Commune string
	Zone                       *time.Location
	Pole                       string
	Services                   []string
	prefix                     string // of its numbers
}

// Agent looks at the machines of a site, or of half of it.
type Agent struct {
	ID   string
	Site *Site
}

// Line is a phone line that someone declares sooner or later.
type Line struct {
	Number      string // national; its id
	Site        *Site
	Machine     *Machine // the one at the beginning of the year; nil: only a gateway's port
	Gateway     *Machine
	GatewayPort string
	Service     string
	Support     string
	Cut         time.Time // as it is planned at first
	story       story
}

// Machine is a fax machine, or a gateway, which has ports and counts nothing.
type Machine struct {
	ID, Serial, Address string
	Agent               *Agent
	Kind                Kind
	Ports               []Port
	Counts              map[wire.Measure]int64 // as it shows them
	Installed, Removed  time.Time              // zero: always there

	faxes []fax // still to come, in order
	off   bool
}

// Port is a line's end at a gateway.
type Port struct {
	Name   string
	Status wire.LineStatus
}

// Kind is what a machine counts.
type Kind string

// The kinds. Letters are those of the measures: s sent, r received, p printed, u unknown, m messages.
const (
	SentReceived        Kind = "sr"
	SentPrinted         Kind = "sp" // as a Kyocera: originals scanned, and sheets printed
	SentReceivedPrinted Kind = "srp"
	Undirected          Kind = "u"
	Messages            Kind = "m"
	Gateway             Kind = "gateway"
)

// meter is a counter of a machine.
type meter struct {
	measure wire.Measure
	unit    string
}

var meters = map[Kind][]meter{
	SentReceived:        {{wire.FaxSentPages, "pages"}, {wire.FaxReceivedPages, "pages"}},
	SentPrinted:         {{wire.FaxSentPages, "images"}, {wire.FaxPrintedPages, "pages"}},
	SentReceivedPrinted: {{wire.FaxSentPages, "pages"}, {wire.FaxReceivedPages, "pages"}, {wire.FaxPrintedPages, "pages"}},
	Undirected:          {{wire.FaxPages, "pages"}},
	Messages:            {{wire.FaxSent, "faxes"}, {wire.FaxReceived, "faxes"}},
}

// fax is one that really went through.
type fax struct {
	at    time.Time
	sent  bool
	pages int64
}

// count shows a fax on the machine's meters.
func (m *Machine) count(f fax) {
	for _, meter := range meters[m.Kind] {
		switch meter.measure {
		case wire.FaxSentPages:
			if f.sent {
				m.Counts[meter.measure] += f.pages
			}
		case wire.FaxReceivedPages, wire.FaxPrintedPages:
			if !f.sent {
				m.Counts[meter.measure] += f.pages
			}
		case wire.FaxPages:
			m.Counts[meter.measure] += f.pages
		case wire.FaxSent:
			if f.sent {
				m.Counts[meter.measure]++
			}
		case wire.FaxReceived:
			if !f.sent {
				m.Counts[meter.measure]++
			}
		}
	}
}

// present tells whether the machine stands there at t.
func (m *Machine) present(t time.Time) bool {
	return !t.Before(m.Installed) && (m.Removed.IsZero() || t.Before(m.Removed))
}

// build draws the hospital of a plan.
func build(p Plan, rng *rand.Rand) *Hospital {
	h := &Hospital{}
	for i, place := range []struct{ id, zone, prefix, commune string }{
		{"angers", "Europe/Paris", "02413", "49007"},
		{"saint-denis", "Indian/Reunion", "02629", "97411"},
		{"fort-de-france", "America/Martinique", "05965", "97209"},
		{"saint-pierre", "America/Miquelon", "05084", "97502"},
	} {
		zone, err := time.LoadLocation(place.zone)
		if err != nil {
			panic(err) // time/tzdata has it
		}
		s := &Site{
			ID: place.id, Establishment: "ch-" + place.id, Commune: place.commune, Zone: zone,
			Pole: "pole-" + place.id, prefix: place.prefix,
		}
		for n := range max(2, p.Size/40) {
			s.Services = append(s.Services, fmt.Sprintf("service-%d%02d", i+1, n+1))
		}
		h.Sites = append(h.Sites, s)
		h.Agents = append(h.Agents, &Agent{fmt.Sprintf("ps-%d-a", i+1), s}, &Agent{fmt.Sprintf("ps-%d-b", i+1), s})
	}
	for i := range max(1, p.Size/50) {
		h.gateway(i, rng)
	}
	for i := range max(2, p.Size/16) {
		h.machine(i, 2+i%2, rng)
	}
	for len(h.Lines) < p.Size {
		h.machine(len(h.Lines), 1, rng)
	}
	return h
}

// gateway adds one with eight ports, six of which are declared lines; the others are free for
// lines that have a machine too.
func (h *Hospital) gateway(i int, rng *rand.Rand) {
	g := h.device(Gateway, h.Agents[i%len(h.Agents)])
	for n := range 8 {
		g.Ports = append(g.Ports, Port{Name: fmt.Sprint(n + 1), Status: wire.LineIdle})
		if n < 6 {
			line := h.line(g.Agent.Site, rng)
			line.Gateway, line.GatewayPort, line.Support = g, g.Ports[n].Name, "sip"
		}
	}
}

// machine adds one with so many lines on it.
func (h *Hospital) machine(i, lines int, rng *rand.Rand) {
	kinds := []Kind{SentReceived, SentPrinted, SentReceivedPrinted, Undirected, Messages, SentReceived, SentPrinted}
	m := h.device(kinds[i%len(kinds)], h.Agents[i%len(h.Agents)])
	for range lines {
		h.line(m.Agent.Site, rng).Machine = m
	}
	if free, ok := h.freePort(m.Agent); ok && lines == 1 && i%5 == 0 {
		line := h.Lines[len(h.Lines)-1]
		line.Gateway, line.GatewayPort, line.Support = free.gateway, free.port, "sip"
	}
}

type portOf struct {
	gateway *Machine
	port    string
}

func (h *Hospital) freePort(a *Agent) (portOf, bool) {
	for _, g := range h.Machines {
		for _, p := range g.Ports {
			taken := slices.ContainsFunc(h.Lines, func(l *Line) bool { return l.Gateway == g && l.GatewayPort == p.Name })
			if g.Agent == a && !taken {
				return portOf{g, p.Name}, true
			}
		}
	}
	return portOf{}, false
}

var vendors = map[Kind]string{
	SentReceived: "ricoh", SentPrinted: "kyocera", SentReceivedPrinted: "xerox",
	Undirected: "brother", Messages: "sharp", Gateway: "audiocodes",
}

func (h *Hospital) device(k Kind, a *Agent) *Machine {
	n := len(h.Machines)
	m := &Machine{
		Serial: fmt.Sprintf("X%05dZ", n), Address: fmt.Sprintf("10.%d.%d.%d", 1+n%4, n/200, 1+n%200),
		Agent: a, Kind: k, Counts: map[wire.Measure]int64{},
	}
	m.ID = fmt.Sprintf("%s-x%05dz", vendors[k], n)
	for i, meter := range meters[k] {
		m.Counts[meter.measure] = int64(1000 + 100*n + 10*i)
	}
	h.Machines = append(h.Machines, m)
	return m
}

func (h *Hospital) line(s *Site, rng *rand.Rand) *Line {
	n := len(h.Lines)
	l := &Line{
		Number: fmt.Sprintf("%s%05d", s.prefix, n), Site: s,
		Service: s.Services[rng.IntN(len(s.Services))], Support: []string{"analogique", "T0", "sip", "analogique"}[n%4],
	}
	h.Lines = append(h.Lines, l)
	return l
}
