package indicators

import (
	"maps"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Feed is one of the sources that figures are collected from each month.
type Feed string

// The feeds.
const (
	MachineFeed Feed = "machines"  // counters and statuses that agents read
	VolumeFeed  Feed = "volumes"   // messages of MSSanté, handed in month by month
	AddressFeed Feed = "addresses" // mailboxes of MSSanté
)

const (
	smallestPart = 0.0005  // of a whole, that is none: of a month 22 minutes
	latestWatch  = 1. / 24 // days: so long may it be, in a month that isn't over, since a line was read last
)

// Feeds are all of them.
func Feeds() []Feed { return []Feed{MachineFeed, VolumeFeed, AddressFeed} }

// Standing is how complete a feed is in a month.
type Standing string

// The standings.
const (
	Complete Standing = "complete"
	Partial  Standing = "partial"
	Absent   Standing = "absent"
	Ahead    Standing = "ahead"   // the month, or what is due at its end, is still to come
	Needless Standing = "nothing" // there was nothing to collect
)

// Delivery is what a feed brought of an establishment for a month.
type Delivery struct {
	Month    ledger.Month
	Running  bool // the month isn't over
	Feed     Feed
	Standing Standing
	Share    float64 // of 1: of the days of all lines those watched, of all services those declared
	Told, Of float64 // the share's numerator and denominator: days of lines, or services
	Together bool    // it was declared for all services at once only
}

// Collection is what was delivered of one establishment, by feed and month.
type Collection struct {
	Establishment string // id; empty: what belongs to none, where there is any
	Name          string
	Deliveries    map[Feed][]Delivery // a month each, the oldest first
}

// Collect says what was delivered for the months from and to and of those between, by establishment. A line that is cut
// needs no watching from then on.
func Collect(b Books, from, to ledger.Month) (all []Collection) {
	at := make(map[string]*Collection)
	for id, x := range b.Register.Establishments {
		at[id] = &Collection{Establishment: id, Name: x.Name, Deliveries: map[Feed][]Delivery{}}
	}
	var months []*gathering
	for month := from; month <= to; month = month.Add(1) {
		g := gather(&b, month)
		months = append(months, g)
		for id := range g.lines {
			if at[id] == nil {
				at[id] = &Collection{Establishment: id, Name: id, Deliveries: map[Feed][]Delivery{}}
			}
		}
	}
	for _, g := range months {
		for id, c := range at {
			for _, feed := range Feeds() {
				c.Deliveries[feed] = append(c.Deliveries[feed], g.delivery(id, feed))
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(at)) {
		all = append(all, *at[id])
	}
	return all
}

// gathering is what was collected for one month.
type gathering struct {
	now       wire.Time
	month     ledger.Month
	lines     map[string]*watching
	services  map[string]int             // of each establishment
	volumes   map[string]map[string]bool // services of an establishment, for which volumes were declared
	mailboxes map[string]map[string]bool
	together  map[string]bool // establishments whose volumes were declared at once; "": the structure's were
}

// watching is how long lines stood and were watched.
type watching struct {
	lines          float64
	stood, watched time.Duration
}

func gather(b *Books, month ledger.Month) *gathering {
	g := &gathering{
		now: b.At, month: month, lines: map[string]*watching{}, services: map[string]int{},
		volumes: map[string]map[string]bool{}, mailboxes: map[string]map[string]bool{}, together: map[string]bool{},
	}
	for _, s := range b.Register.Services {
		g.services[s.Establishment]++
	}
	spans := make(map[*time.Location]ledger.Span)
	for i := range b.Lines {
		zone := b.Lines[i].Zone
		if _, ok := spans[zone]; !ok {
			spans[zone] = ledger.Span{From: month.In(zone), To: min(month.Add(1).In(zone), b.At)}
		}
		g.line(b.Register, &b.Lines[i], spans[zone])
	}
	for i := range b.MSSante.Messages {
		if v := &b.MSSante.Messages[i]; v.Month == month && (v.Sent != nil || v.Received != nil) {
			g.volume(b.Register, v)
		}
	}
	for _, x := range b.MSSante.Mailboxes {
		if x.Month == month {
			note(g.mailboxes, placeOf(b.Register, x.Establishment, x.Service), x.Service)
		}
	}
	return g
}

// line takes in how long a line stood in the month, and was watched there, until it was cut.
func (g *gathering) line(r *ledger.Register, l *ledger.Line, span ledger.Span) {
	if l.KeptReason == "" && l.CutOn != "" {
		span.To = min(span.To, l.CutOn.In(l.Zone).Add(24*time.Hour))
	}
	if span.To <= span.From {
		return
	}
	for i := range l.History {
		s := &l.History[i]
		in := s.Within(span)
		if in.Length() == 0 {
			continue
		}
		id := r.Complete(s.Place).Establishment
		if g.lines[id] == nil {
			g.lines[id] = new(watching)
		}
		g.lines[id].lines++
		g.lines[id].stood += in.Length()
		g.lines[id].watched += ledger.Watched(s.Watched, in)
	}
}

func (g *gathering) volume(r *ledger.Register, v *ledger.Volume) {
	id := placeOf(r, v.Establishment, v.Service)
	note(g.volumes, id, v.Service)
	if v.Service == "" {
		g.together[id] = true
	}
}

// placeOf is the establishment of a service, where it is known.
func placeOf(r *ledger.Register, establishment, service string) string {
	if s, ok := r.Services[service]; ok {
		return s.Establishment
	}
	return establishment
}

func note(all map[string]map[string]bool, establishment, service string) {
	if all[establishment] == nil {
		all[establishment] = make(map[string]bool)
	}
	if service != "" {
		all[establishment][service] = true
	}
}

// delivery is what a feed brought of an establishment.
func (g *gathering) delivery(id string, feed Feed) Delivery {
	d := Delivery{Month: g.month, Running: g.now < g.month.Add(1).In(time.UTC), Feed: feed}
	switch feed {
	case MachineFeed:
		if w := g.lines[id]; w != nil {
			d.Told, d.Of = w.watched.Hours()/24, w.stood.Hours()/24
			if d.Running && d.Of-d.Told <= w.lines*latestWatch {
				d.Told = d.Of
			}
		}
	case VolumeFeed:
		d.Told, d.Of = float64(len(g.volumes[id])), float64(g.services[id])
		if whole := g.together[id] || g.together[""]; whole && d.Told < d.Of {
			d.Together, d.Told = true, d.Of
		}
	case AddressFeed:
		d.Told, d.Of = float64(len(g.mailboxes[id])), float64(g.services[id])
	}
	d.Standing = g.standing(&d)
	return d
}

func (g *gathering) standing(d *Delivery) Standing {
	if d.Of > 0 {
		d.Share = min(1, d.Told/d.Of)
	}
	switch {
	case g.now < g.month.In(time.UTC), d.Running && d.Feed == VolumeFeed && d.Told == 0:
		return Ahead
	case d.Of == 0:
		return Needless
	case d.Share >= 1-smallestPart:
		return Complete
	case d.Share <= smallestPart:
		return Absent
	}
	return Partial
}
