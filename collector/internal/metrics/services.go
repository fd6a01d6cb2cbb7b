package metrics

import (
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
func services(out emitter, books ledger.Snapshot) {
	byService := map[service]*sums{}
	at := func(s service) *sums {
		if byService[s] == nil {
			byService[s] = &sums{map[ledger.LineState]int64{}, map[ledger.Direction]int64{}, map[ledger.Direction]int64{}}
		}
		return byService[s]
	}
	unassigned := at(service{})
	for i := range books.Devices {
		unassigned.add(&books.Devices[i])
	}
	for _, l := range books.Lines {
		at(service{l.Establishment, l.Pole, l.Service}).lines[l.State]++
	}
	for s, sum := range byService {
		sum.tell(out, s)
	}
}

func (s *sums) add(d *ledger.Device) {
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

func (s *sums) tell(out emitter, of service) {
	out.gauge(activeLines, float64(s.lines[ledger.Active]), of.establishment, of.pole, of.name)
	for _, state := range ledger.LineStates() {
		out.gauge(lines, float64(s.lines[state]), of.establishment, of.pole, of.name, string(state))
	}
	for _, way := range ledger.Directions() {
		out.counter(faxPages, s.pages[way], of.establishment, of.pole, of.name, string(way))
	}
	for _, way := range append(ledger.Directions(), internal) {
		out.counter(faxes, s.faxes[way], of.establishment, of.pole, of.name, string(way))
	}
}
