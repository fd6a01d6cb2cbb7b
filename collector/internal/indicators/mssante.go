package indicators

import (
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// declared is what people declared of something in a scope.
type declared struct {
	value    int64
	known    bool
	services map[ledger.Month]map[string]bool // those for which it is declared
	whole    map[ledger.Month]bool            // it is declared for all of them at once
}

func (d *declared) add(n int64, month ledger.Month, service string) {
	d.value += n
	d.known = true
	if d.services == nil {
		d.services, d.whole = map[ledger.Month]map[string]bool{}, map[ledger.Month]bool{}
	}
	if d.services[month] == nil {
		d.services[month] = map[string]bool{}
	}
	if service != "" {
		d.services[month][service] = true
	}
}

// mssante takes in what was declared of MSSanté. Mailboxes are those at the end of the time, now at the latest.
func (p *pivot) mssante(m *ledger.MSSante) {
	for id := range p.register.Services {
		p.services[p.scope(ledger.Place{Service: id})]++
	}
	var last ledger.Month
	for _, x := range m.Mailboxes {
		if p.from <= x.Month && x.Month <= p.to {
			last = max(last, x.Month)
		}
	}
	for _, x := range m.Mailboxes {
		if x.Month != last {
			continue
		}
		used := int64(0)
		if x.State == ledger.MailboxUsed {
			used = x.Count
		}
		d := &p.at(ledger.Place{Establishment: x.Establishment, Service: x.Service}).mailboxes
		for month := p.from; month <= p.to; month = month.Add(1) {
			d.add(used, month, x.Service)
			used = 0
		}
	}
	for i := range m.Messages {
		if v := &m.Messages[i]; p.from <= v.Month && v.Month <= p.to {
			p.messages(v, v.Sent, func(t *tally) *declared { return &t.sent })
			p.messages(v, v.Received, func(t *tally) *declared { return &t.received })
		}
	}
}

// messages takes in those that went one way. What was declared for all of an establishment, less what its services
// have, is in its own figure and in that of the whole; in poles and services it is of none of them.
func (p *pivot) messages(v *ledger.Volume, n *int64, way func(*tally) *declared) {
	if n == nil || v.Service == "" && *n == 0 && (p.level == Pole || p.level == Service) {
		return
	}
	d := way(p.at(ledger.Place{Establishment: v.Establishment, Service: v.Service}))
	d.add(*n, v.Month, v.Service)
	switch {
	case v.Service != "":
	case p.level == Structure, v.Establishment == "":
		d.whole[v.Month] = true
	case p.level == Whole:
		for id, s := range p.register.Services {
			if s.Establishment == v.Establishment {
				d.services[v.Month][id] = true
			}
		}
	}
}

// figure is what was declared. It is complete where it was declared for each service and month.
func (d *declared) figure(p *pivot, f Figure) Figure {
	if !d.known {
		f.Basis = Basis{Source: Nothing, Certainty: Unknown}
		return f
	}
	f.Value, f.Basis = &d.value, Basis{Source: Declared, Certainty: Certain}
	var passed, told float64
	for month := p.from; month <= p.to; month = month.Add(1) {
		days := p.passed(month)
		passed += days
		told += days * d.share(month, p.services[f.Scope])
	}
	f.Completeness.Watched = float64(int(told*10)) / 10
	if told < passed {
		f.Basis.Certainty = AtLeast
	}
	return f
}

// share is of how many of so many services it is known for a month.
func (d *declared) share(month ledger.Month, services int) float64 {
	of, told := d.services[month]
	switch {
	case !told:
		return 0
	case d.whole[month], services == 0:
		return 1
	}
	return min(1, float64(len(of))/float64(services))
}

// passed is how many days of a month are over.
func (p *pivot) passed(month ledger.Month) float64 {
	begin, end := month.In(time.UTC), month.Add(1).In(time.UTC)
	return max(0, min(end, p.instant).Sub(begin).Hours()/24)
}
