package indicators

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// neighbourhood knows all machines of a hospital, where they stand and what they fax.
type neighbourhood struct {
	*WeekBooks
	machines map[string]*neighbour
	ids      []string                           // in order
	own      map[string]map[ledger.Week]float64 // by line, what it is known to have faxed itself
	rests    map[restKey]*rest
	spans    []ledger.Span // of the weeks
	bounds   bounds
}

// neighbour is a machine.
type neighbour struct {
	id       string
	at       ledger.Place
	location []string // site, building, floor, as far as known
	said     []string // the same as people wrote it
	faxes    bool     // it counts messages only
	lines    []*ledger.Line
	first    ledger.Week // of those below
	counts   []float64
	watched  []bool
	moves    []wire.Time // when it came to another service
	cuts     []wire.Time // of its lines
}

func newNeighbourhood(b *WeekBooks) *neighbourhood {
	n := &neighbourhood{WeekBooks: b, machines: map[string]*neighbour{}, own: map[string]map[ledger.Week]float64{}, rests: map[restKey]*rest{}, bounds: bounds{}}
	for w := b.From; w <= b.To; w++ {
		n.spans = append(n.spans, w.Span(b.Zone))
	}
	for i := range b.Lines {
		n.line(&b.Lines[i])
	}
	for i := range b.Devices {
		if m := n.machines[b.Devices[i].ID]; m != nil {
			n.locate(m, &b.Devices[i])
		}
	}
	for _, sum := range b.Weeks {
		n.sum(sum)
	}
	n.ids = slices.Sorted(maps.Keys(n.machines))
	return n
}

// line takes in what a line tells of the machines on which it hung.
func (n *neighbourhood) line(l *ledger.Line) {
	for i := range l.History {
		s := &l.History[i]
		if s.Device == "" || len(s.Measures) == 0 {
			continue
		}
		m := n.machines[s.Device]
		if m == nil {
			m = &neighbour{id: s.Device, counts: make([]float64, len(n.spans)), watched: make([]bool, len(n.spans)), first: n.From, faxes: true}
			n.machines[s.Device] = m
		}
		m.faxes = m.faxes && !slices.ContainsFunc(s.Measures, ledger.IsPages)
		if s.Span.To >= n.At { // it stands there now
			m.at = n.Register.Complete(s.Place)
			m.lines = append(m.lines, l)
		}
		if i > 0 && s.Span.From > 0 && l.History[i-1].Device == s.Device && l.History[i-1].Service != s.Service {
			m.moves = append(m.moves, s.Span.From)
		}
	}
	for i := range l.History {
		if s := &l.History[i]; n.machines[s.Device] != nil && len(s.Measures) > 0 {
			n.watch(n.machines[s.Device], s)
		}
	}
	if at := cutAt(l, n.At); at != 0 && n.machines[l.Device] != nil {
		n.machines[l.Device].cuts = append(n.machines[l.Device].cuts, at)
	}
}

// watch notes the weeks of a stretch that were watched nearly whole.
func (n *neighbourhood) watch(m *neighbour, s *ledger.Stretch) {
	for i, span := range n.spans {
		m.watched[i] = m.watched[i] || float64(ledger.Watched(s.Watched, span)) >= nearlyWhole*float64(span.Length())
	}
}

// locate finds out where a machine stands: as people declared it, else as it says itself.
func (n *neighbourhood) locate(m *neighbour, d *ledger.Device) {
	said := d.Location
	for _, name := range []string{d.Serial, d.ID} {
		if declared, ok := ledger.Present(n.Register.Devices[strings.ToLower(name)]); ok && name != "" && declared.Location != "" {
			said = declared.Location
		}
	}
	for part := range strings.SplitSeq(said, ">") {
		if part = strings.TrimSpace(part); part != "" {
			m.said = append(m.said, part)
			m.location = append(m.location, strings.ToLower(part))
		}
	}
}

func (n *neighbourhood) sum(s ledger.WeekSum) {
	m := n.machines[s.Device]
	if m == nil || s.Week < n.From || s.Week > n.To {
		return
	}
	m.counts[s.Week-n.From] += m.unit(s)
	if s.Line != "" {
		if n.own[s.Line] == nil {
			n.own[s.Line] = map[ledger.Week]float64{}
		}
		n.own[s.Line][s.Week] += m.unit(s)
	}
}

// unit is what a machine counts of a sum.
func (m *neighbour) unit(s ledger.WeekSum) float64 {
	if m.faxes {
		return float64(s.Faxes)
	}
	return float64(s.Pages)
}

// count is what a machine faxed in a week; ok is false where it wasn't watched.
func (m *neighbour) count(w ledger.Week) (count float64, ok bool) {
	if i := int(w - m.first); i >= 0 && i < len(m.watched) && m.watched[i] {
		return m.counts[i], true
	}
	return 0, false
}

// period are the weeks around a cut: those before it, and those after it that are over.
type period struct{ first, cut, after, end ledger.Week } // before: first … cut−1; after: after … end−1

func (n *neighbourhood) period(at wire.Time) period {
	cut := ledger.WeekOf(at, n.Zone)
	p := period{first: cut - PastWeeks, cut: cut, after: cut}
	if cut.In(n.Zone) < at { // the week of the cut is neither
		p.after++
	}
	p.end = max(p.after, min(p.after+AfterWeeks, ledger.WeekOf(n.At, n.Zone)))
	return p
}

func (p period) span(zone *time.Location) ledger.Span {
	return ledger.Span{From: p.first.In(zone), To: p.end.In(zone)}
}

// circle are the nearest neighbours of a line of which some can be looked at, and the others beside them.
func (n *neighbourhood) circle(l *ledger.Line, p period, d *Displacement) (circle []*neighbour, near Near) {
	home := n.home(l)
	for _, near := range []Near{SameFloor, SameBuilding, SamePole} {
		var list []NeighbourMachine
		var place string
		for _, id := range n.ids {
			m := n.machines[id]
			if id == l.Device || len(m.lines) == 0 || !home.near(m, near) {
				continue
			}
			x := NeighbourMachine{Device: id, Service: m.at.Service, Left: n.left(m, p)}
			place = n.place(m, near)
			if list = append(list, x); x.Left == "" {
				circle = append(circle, m)
			}
		}
		if len(list) == 0 || len(circle) == 0 && d.Machines != nil {
			continue
		}
		d.Machines, d.Near, d.Place = list, near, place
		if len(circle) > 0 {
			slices.SortStableFunc(d.Machines, func(x, y NeighbourMachine) int { return cmp.Compare(min(1, len(x.Left)), min(1, len(y.Left))) })
			d.Doubt = ""
			return circle, near
		}
		d.Doubt = cmp.Or(d.Doubt, list[0].Left)
	}
	return nil, ""
}

// home is where a line that was cut stands, by its machine where that is known.
func (n *neighbourhood) home(l *ledger.Line) *neighbour {
	home := &neighbour{at: n.Register.Complete(ledger.Place{Establishment: l.Establishment, Site: l.Site, Pole: l.Pole, Service: l.Service})}
	if m := n.machines[l.Device]; m != nil {
		home.location = m.location
	}
	return home
}

// near tells whether a machine is a neighbour of that kind.
func (m *neighbour) near(other *neighbour, near Near) bool {
	if m.at.Establishment == "" || m.at.Establishment != other.at.Establishment {
		return false
	}
	depth := 3
	switch near {
	case SamePole:
		return m.at.Pole != "" && m.at.Pole == other.at.Pole && (m.at.Site == "" || other.at.Site == "" || m.at.Site == other.at.Site)
	case SameBuilding:
		depth = 2
	}
	return len(m.location) >= depth && len(other.location) >= depth && slices.Equal(m.location[:depth], other.location[:depth])
}

// place is what neighbours of that kind have in common.
func (n *neighbourhood) place(m *neighbour, near Near) string {
	switch near {
	case SameFloor:
		return strings.Join(m.said[:3], " > ")
	case SameBuilding:
		return strings.Join(m.said[:2], " > ")
	}
	return cmp.Or(n.Register.Poles[m.at.Pole].Name, m.at.Pole)
}

// left is why a machine can't be looked at, empty if it can: it was cut or moved itself, or not watched enough.
func (n *neighbourhood) left(m *neighbour, p period) Doubt {
	span := p.span(n.Zone)
	within := func(t wire.Time) bool { return span.From < t && t < span.To }
	if slices.ContainsFunc(m.cuts, within) || slices.ContainsFunc(m.moves, within) {
		return Changed
	}
	before, after := 0, 0
	for w := p.first; w < p.end; w++ {
		switch _, ok := m.count(w); {
		case !ok:
		case w < p.cut:
			before++
		case w >= p.after:
			after++
		}
	}
	switch {
	case before < leastWeeks:
		return ShortPast
	case p.end-p.after >= 2 && after < 2:
		return Unwatched
	}
	return ""
}

// restKey are cuts that have the same rest of an establishment, but for their own neighbours.
type restKey struct {
	establishment string
	period
}

// rest is how busy the rest of an establishment was.
type rest struct {
	machines     int
	first        ledger.Week
	count, usual []float64 // by week, from the first on, of the machines that were watched in a week: what they faxed, and what they use to
	of           map[string]float64
}

// rest is that of an establishment without a line's machine and its neighbours.
func (n *neighbourhood) rest(l *ledger.Line, p period, circle []*neighbour) *rest {
	key := restKey{n.home(l).at.Establishment, p}
	whole := n.rests[key]
	if whole == nil {
		whole = n.establishment(key)
		n.rests[key] = whole
	}
	r := &rest{machines: whole.machines, first: p.first, count: slices.Clone(whole.count), usual: slices.Clone(whole.usual)}
	r.without(n.machines[l.Device], whole, p)
	for _, m := range circle {
		r.without(m, whole, p)
	}
	return r
}

// establishment is all that can be compared with: machines that nobody cut or moved in the time.
func (n *neighbourhood) establishment(key restKey) *rest {
	weeks := int(key.end - key.first)
	r := &rest{first: key.first, count: make([]float64, weeks), usual: make([]float64, weeks), of: map[string]float64{}}
	for _, id := range n.ids {
		m := n.machines[id]
		if m.at.Establishment != key.establishment || n.left(m, key.period) != "" {
			continue
		}
		usual := m.usual(key.period)
		if usual == 0 {
			continue
		}
		r.of[id] = usual
		r.machines++
		for w := key.first; w < key.end; w++ {
			if count, ok := m.count(w); ok {
				r.count[w-r.first] += count
				r.usual[w-r.first] += usual
			}
		}
	}
	return r
}

// usual is what a machine faxed a week before the cut.
func (m *neighbour) usual(p period) (mean float64) {
	weeks := 0.0
	for w := p.first; w < p.cut; w++ {
		if count, ok := m.count(w); ok {
			mean, weeks = mean+count, weeks+1
		}
	}
	return mean / max(weeks, 1)
}

// without takes a machine out.
func (r *rest) without(m *neighbour, whole *rest, p period) {
	if m == nil {
		return
	}
	usual, in := whole.of[m.id]
	if !in {
		return
	}
	r.machines--
	for w := p.first; w < p.end; w++ {
		if count, ok := m.count(w); ok {
			r.count[w-r.first] -= count
			r.usual[w-r.first] -= usual
		}
	}
}

// busy is how busy the rest was in a week; ok is false where that isn't known.
func (r *rest) busy(w ledger.Week) (part float64, ok bool) {
	if r.machines < leastRest || r.usual[w-r.first] < 1e-6 || r.count[w-r.first] < .5 {
		return 0, false
	}
	return r.count[w-r.first] / r.usual[w-r.first], true
}
