package mibs

import (
	"fmt"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
)

// findStates finds where fax service and lines are told. A machine that can't fax has neither.
func (d *Device) findStates(v *survey, f fit) {
	if d.Fax == wire.No {
		return
	}
	for _, p := range f.profiles {
		if len(d.service) == 0 && d.Fax == wire.Yes && len(p.FaxService) > 0 && v.joins(p) {
			d.service = v.states(p, p.FaxService, v.numberOIDs(f)...)
		}
		switch {
		case p.Lines == nil || len(d.lines) > 0 || !v.joins(p):
		case len(p.Lines.Ports) > 0:
			d.lines, d.numbers = v.ports(p.Lines, d.Fax)
		case d.Fax != wire.Yes:
		case p.Lines.Alerts != nil:
			d.lines = []line{v.alertLine(p.Lines.Alerts)}
		default:
			if states := v.portStates(p.Lines, port{}); len(states) > 0 {
				d.lines = []line{{own: true, fax: wire.Yes, states: states}}
			}
		}
	}
}

// labelProves concludes that a gateway can fax if it says of one of its ports that a fax hangs on it.
func (d *Device) labelProves() {
	at := slices.IndexFunc(d.lines, func(l line) bool { return l.fax == wire.Yes })
	if at >= 0 && d.Fax == wire.Unknown {
		d.Fax, d.FaxWhy = wire.Yes, "it says itself that a fax hangs on its port "+d.lines[at].port+d.lines[at].notes
	}
}

// states finds those that rules tell of, and asks for what else is wanted in the same request.
func (s *survey) states(p *profile, rules []stateRule, beside ...string) []state {
	var states []state
	for i := range rules {
		oids, guards := s.resolve(p, rules[i].OID)
		for _, oid := range oids[:min(len(oids), maxStates)] {
			states = append(states, state{rule: &rules[i], oid: oid, guards: guards})
		}
	}
	return s.answered(states, beside...)
}

// answered keeps those states whose objects the device has.
func (s *survey) answered(states []state, beside ...string) []state {
	oids := slices.Clone(beside)
	for i := range states {
		oids = append(oids, states[i].oid)
	}
	s.ask(oids...)
	return slices.DeleteFunc(states, func(st state) bool { _, ok := s.value(st.oid); return !ok })
}

func (s *survey) alertLine(a *alerts) line {
	l := line{fax: wire.Yes, alerts: a}
	for n := range a.First {
		l.alertOIDs = append(l.alertOIDs, fmt.Sprintf("%s.%d", a.Column, n+1))
	}
	for _, vb := range s.column(a.Column, maxAlerts) {
		if lastNumber(vb.OID) > a.First {
			l.alertOIDs = append(l.alertOIDs, vb.OID)
		}
	}
	return l
}

func (d *Device) checkSums(v *survey, f fit) {
	for _, p := range f.profiles {
		for i := range p.Checks {
			if warning := v.checkSum(p, &p.Checks[i]); warning != "" {
				d.warnings = append(d.warnings, warning)
			}
		}
	}
}

func (s *survey) checkSum(p *profile, k *check) (warning string) {
	total, _, ok := s.resolveOne(p, k.Total)
	oids := []string{total}
	for _, part := range k.Parts {
		oid, _, found := s.resolveOne(p, part)
		oids, ok = append(oids, oid), ok && found
	}
	if !ok {
		return ""
	}
	s.ask(oids...)
	var sum, want int64
	for i, oid := range oids {
		n, isNumber := s.answers[oid].Number()
		if !isNumber || n < 0 {
			return ""
		}
		if i == 0 {
			want = n
		} else {
			sum += n
		}
	}
	if sum == want {
		return ""
	}
	return fmt.Sprintf("a sum doesn't close: %s is %d, its parts make %d; the counters may mean something else on this model", total, want, sum)
}
