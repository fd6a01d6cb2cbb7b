package indicators

import (
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Internal is the way of a fax both ends of which are ours.
const Internal ledger.Direction = "internal"

// Correction is what journals add to the messages that machines counted of a place, below 0 what they take away because
// they tell of it themselves.
type Correction struct {
	ledger.Place
	Direction ledger.Direction
	Count     int64
}

// Corrections are those of one month. Counters and corrections of all months together are the messages that Compute gives.
func Corrections(b Books, month ledger.Month) (list []Correction) {
	t := toldOf(&b, month, month)
	if t == nil {
		return nil
	}
	at, out := make(map[Correction]int64), taken{} // without its count
	add := func(p ledger.Place, way ledger.Direction, n int64) {
		at[Correction{Place: ledger.Place{Establishment: p.Establishment, Pole: p.Pole, Service: p.Service}, Direction: way}] += n
	}
	for i := range b.Months {
		if m := &b.Months[i]; m.Month == month && !m.Evidence && t.replaces(m) {
			add(ledger.Place{Establishment: m.Establishment, Pole: m.Pole, Service: m.Service}, ledger.DirectionOf(m.Measure), t.left(m, out)-m.Count)
		}
	}
	for _, l := range t.lines {
		m := l.months[month.Since(t.from)].messages
		if m == nil {
			continue
		}
		place := t.homes.at(l.line, l.id, month)
		for i, way := range ways {
			if t.believes(l, month, i) {
				add(place, ledger.DirectionOf(way.measure), way.count(m))
			}
		}
		add(place, Internal, m.InternalSent)
	}
	for c, n := range at {
		if c.Count = n; n != 0 {
			list = append(list, c)
		}
	}
	return list
}
