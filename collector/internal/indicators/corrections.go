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
	t := newTold(&b, month, month)
	if t == nil {
		return nil
	}
	at := make(map[Correction]int64) // without its count
	add := func(p ledger.Place, way ledger.Direction, n int64) {
		at[Correction{Place: ledger.Place{Establishment: p.Establishment, Pole: p.Pole, Service: p.Service}, Direction: way}] += n
	}
	for i := range b.Months {
		if m := &b.Months[i]; m.Month == month && !m.Evidence && t.replaces(m) {
			add(ledger.Place{Establishment: m.Establishment, Pole: m.Pole, Service: m.Service}, ledger.DirectionOf(m.Measure), t.left(m)-m.Count)
		}
	}
	for i := range t.messages {
		m := &t.messages[i]
		place := t.homes.In(m.Line, month)
		for _, way := range ways {
			if t.believes(m.Line, month, way.measure) {
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
