package metrics

import (
	"cmp"
	"maps"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// internal is a fax both ends of which are ours; only a journal can tell.
const internal ledger.Direction = "internal"

// service is where a line belongs; all empty while nobody has assigned it. That one is
// always told, so that its series are there before the first device is.
type service struct{ establishment, pole, name string }

type sums struct {
	lines        map[ledger.LineState]int64
	pages, faxes map[ledger.Direction]int64
}

// services tells lines and faxes by service. What devices counted stays with the
// unassigned one until the books assign it.
func services(out *exposition, books ledger.Snapshot) {
	sum := map[service]sums{}
	at := func(s service) sums {
		if _, known := sum[s]; !known {
			sum[s] = sums{map[ledger.LineState]int64{}, map[ledger.Direction]int64{}, map[ledger.Direction]int64{}}
		}
		return sum[s]
	}
	unassigned := at(service{})
	for i := range books.Devices {
		unassigned.add(&books.Devices[i])
	}
	for _, l := range books.Lines {
		at(service{l.Establishment, l.Pole, l.Service}).lines[l.State]++
	}
	all := slices.SortedFunc(maps.Keys(sum), func(a, b service) int {
		return cmp.Or(cmp.Compare(a.establishment, b.establishment), cmp.Compare(a.pole, b.pole), cmp.Compare(a.name, b.name))
	})
	each(out, activeLines, all, func(s *service) { out.count(sum[*s].lines[ledger.Active], s.establishment, s.pole, s.name) })
	each(out, lines, all, func(s *service) {
		for _, state := range ledger.LineStates() {
			out.count(sum[*s].lines[state], s.establishment, s.pole, s.name, string(state))
		}
	})
	each(out, faxPages, all, func(s *service) {
		for _, way := range ledger.Directions() {
			out.count(sum[*s].pages[way], s.establishment, s.pole, s.name, string(way))
		}
	})
	each(out, faxes, all, func(s *service) {
		for _, way := range append(ledger.Directions(), internal) {
			out.count(sum[*s].faxes[way], s.establishment, s.pole, s.name, string(way))
		}
	})
}

func (s sums) add(d *ledger.Device) {
	for _, way := range ledger.Directions() {
		if _, measure, ok := d.Pages(way); ok {
			s.pages[way] += ever(d, measure)
		}
		if _, measure, ok := d.Faxes(way); ok {
			s.faxes[way] += ever(d, measure)
		}
	}
}

// ever is all that a measure counted, in whatever units it was told: when a device's unit
// changes, what it counted before must not fall out of a sum over many devices, or Prometheus
// takes the whole sum for growth.
func ever(d *ledger.Device, measure wire.Measure) (total int64) {
	for _, c := range d.Counters {
		if c.Measure == measure {
			total += c.Total
		}
	}
	return total
}
