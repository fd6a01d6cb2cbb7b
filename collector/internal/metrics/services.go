package metrics

import (
	"cmp"
	"maps"
	"slices"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// internal is a fax both ends of which are ours; only a journal can tell.
const internal ledger.Direction = "internal"

// Faxes are messages that journals tell of a service one way, less those that machines counted, too.
type Faxes struct {
	Establishment, Pole, Service string
	Direction                    ledger.Direction
	Count                        int64
}

// service is where something belongs; all empty while nobody has assigned it. That one is
// always told, so that its series are there before the first device is.
type service struct{ establishment, pole, name string }

func (s service) compare(other service) int {
	return cmp.Or(cmp.Compare(s.establishment, other.establishment), cmp.Compare(s.pole, other.pole), cmp.Compare(s.name, other.name))
}

type tally struct {
	lines        map[ledger.LineState]int64
	active       int64 // whatever was planned or allowed
	unseen       int64 // may be active
	pages, faxes ways
}

// services tells lines and faxes by service: where the books have posted them. All units of pages
// are added up, whatever a machine calls them, or a unit that changes would look like a fall.
//
// What is first assigned to a service moves there with all that was counted before, out of the
// unassigned: those series alone can fall, as their sums in the books do. Sums over all services
// stay right at every instant, and so do differences of them (x - x offset 30d); increase() takes
// the fall for a new beginning. So it is with messages when a journal is imported of months that a counter told, too.
func services(out *exposition, books ledger.Snapshot, faxes []Faxes) {
	byService := map[service]*tally{}
	at := func(s service) *tally {
		if byService[s] == nil {
			byService[s] = &tally{lines: map[ledger.LineState]int64{}, pages: ways{}, faxes: ways{}}
		}
		return byService[s]
	}
	at(service{})
	for id := range books.Register.Services {
		p := books.Register.Complete(ledger.Place{Service: id})
		at(service{p.Establishment, p.Pole, p.Service})
	}
	for i := range books.Lines {
		l := &books.Lines[i]
		t := at(service{l.Establishment, l.Pole, l.Service})
		t.lines[l.State]++
		if l.Active() {
			t.active++
		}
		if l.Unseen() {
			t.unseen++
		}
	}
	for i := range books.Sums {
		if s := &books.Sums[i]; !s.Evidence {
			at(service{s.Establishment, s.Pole, s.Service}).add(s)
		}
	}
	for i := range faxes {
		f := &faxes[i]
		at(service{f.Establishment, f.Pole, f.Service}).faxes[f.Direction] += f.Count
	}
	for _, s := range slices.SortedFunc(maps.Keys(byService), service.compare) {
		byService[s].tell(out, s)
	}
}

func (t *tally) add(s *ledger.Sum) {
	way := ledger.DirectionOf(s.Measure)
	if ledger.IsPages(s.Measure) {
		t.pages[way] += s.Count
	} else {
		t.faxes[way] += s.Count
	}
}

func (t *tally) tell(out *exposition, of service) {
	out.gauge(activeLines, float64(t.active), of.establishment, of.pole, of.name)
	out.gauge(unseenLines, float64(t.unseen), of.establishment, of.pole, of.name)
	for _, state := range ledger.LineStates() {
		out.gauge(linesByState, float64(t.lines[state]), of.establishment, of.pole, of.name, string(state))
	}
	for _, way := range ledger.Directions() {
		out.counter(faxPages, t.pages[way], of.establishment, of.pole, of.name, string(way))
	}
	for _, way := range append(ledger.Directions(), internal) {
		out.counter(faxes, t.faxes[way], of.establishment, of.pole, of.name, string(way))
	}
}

// names tells what ids are called, for joins: names change, ids don't.
func names(out *exposition, r *ledger.Register) {
	for _, id := range slices.Sorted(maps.Keys(r.Establishments)) {
		x := r.Establishments[id]
		out.gauge(establishmentInfo, 1, x.ID, x.Name, x.FINESS)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Sites)) {
		x := r.Sites[id]
		out.gauge(siteInfo, 1, x.Establishment, x.ID, x.Name)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Poles)) {
		x := r.Poles[id]
		out.gauge(poleInfo, 1, x.Establishment, x.ID, x.Name)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Services)) {
		x := r.Services[id]
		p := r.Complete(ledger.Place{Service: x.ID})
		out.gauge(serviceInfo, 1, p.Establishment, p.Pole, x.ID, x.Name)
	}
}
