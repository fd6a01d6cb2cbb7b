package mibs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

const (
	sysDescr    = "1.3.6.1.2.1.1.1.0"
	sysObjectID = "1.3.6.1.2.1.1.2.0"
	sysUpTime   = "1.3.6.1.2.1.1.3.0"
	ifPhysAddr  = "1.3.6.1.2.1.2.2.1.6"
	enterprises = "1.3.6.1.4.1"
)

const (
	maxInterfaces = 16
	maxPorts      = 300 // the largest analog gateways
	maxAlerts     = 16
	maxSum        = 32 // rows of one measure: each costs two objects in every poll
)

// Identify finds out what a device is, which profile fits and where its values stand: a GET of
// the system group, a GET of what the profiles in question want, the columns that name their
// rows, and a GET of the values. A device that no profile fits is no error: its Profile is empty
// and Why says so. An error is the asker's.
func (s *Set) Identify(ctx context.Context, asker Asker) (*Device, error) {
	v := newSurvey(ctx, asker)
	v.ask(sysDescr, sysObjectID, sysUpTime)
	fit := s.fit(v)
	d := &Device{Profile: fit.name, Why: fit.why, Fax: wire.Unknown}
	d.Identity = fit.identity(v)
	if fit.name != "" {
		v.ask(fit.fixedOIDs()...)
		d.name(v, fit)
		d.findCounters(v, fit)
		d.findFax(v, fit)
		d.findStates(v, fit)
		if len(d.counters) > 0 {
			d.checkSums(v, fit)
		}
		d.quirks = fit.quirks()
	}
	if v.err != nil {
		return nil, fmt.Errorf("identify: %w", v.err)
	}
	d.settle(v, fit)
	return d, nil
}

// fit is the outcome of matching: the profiles that together read a device, the vendor's first.
type fit struct {
	name     string
	vendor   string
	why      string
	profiles []*profile
}

func (s *Set) fit(v *survey) fit {
	objectID, descr := v.answers[sysObjectID].Text(), cut(v.answers[sysDescr].Text(), 80)
	candidates := s.candidates(objectID, v.answers[sysDescr].Text())
	for _, p := range candidates {
		if proof, ok := v.proof(p); ok {
			return fit{p.Name, p.Vendor, p.why(objectID, descr, proof), append([]*profile{p}, s.neutral...)}
		}
	}
	lie := ""
	if len(candidates) > 0 {
		lie = fmt.Sprintf(" (not even that of %s, whose sysObjectID or sysDescr it has, but not the objects)", candidates[0].Title)
	}
	for _, p := range s.neutral {
		if proof, ok := v.proof(p); ok {
			why := fmt.Sprintf("no vendor's profile fits%s, but it answers %s of the %s", lie, proof, p.Title)
			return fit{p.Name, s.vendorOf(objectID, "printer"), why, s.neutral}
		}
	}
	nothing := fmt.Sprintf("no profile fits%s: it says %s and answers neither the Printer MIB nor the objects of a known fax machine or gateway",
		lie, said(objectID, descr))
	if vendor := s.vendorOf(objectID, ""); vendor != "" {
		return fit{vendor: vendor, why: nothing + ", so nothing can be told of its faxes"}
	}
	return fit{why: nothing + ", so it is no fax device as far as can be told"}
}

func (p *profile) why(objectID, descr, proof string) string {
	return fmt.Sprintf("%s is that of %s, and it answers %s, which proves it", said(objectID, descr), p.Title, proof)
}

func said(objectID, descr string) string {
	switch {
	case objectID == "" && descr == "":
		return "nothing of itself"
	case objectID == "":
		return fmt.Sprintf("sysDescr %q", descr)
	case descr == "":
		return "sysObjectID " + objectID
	}
	return fmt.Sprintf("sysObjectID %s (%q)", objectID, descr)
}

// proof finds the first object of the profile's proofs that the device answers.
func (s *survey) proof(p *profile) (oid string, ok bool) {
	var exact []string
	for _, proof := range p.Match.Proof {
		if !strings.HasSuffix(proof, ".*") {
			exact = append(exact, proof)
		}
	}
	s.ask(exact...)
	for _, proof := range p.Match.Proof {
		if stem, any := strings.CutSuffix(proof, ".*"); any {
			if column := s.column(stem, 1); len(column) > 0 {
				return column[0].OID, true
			}
		} else if _, ok := s.value(proof); ok {
			return proof, true
		}
	}
	return "", false
}

// vendorOf names the vendor by the enterprise number, if that is known.
func (s *Set) vendorOf(objectID, otherwise string) string {
	number := ""
	if below(enterprises, objectID) {
		number = firstNumbers(objectID[len(enterprises)+1:], 1)
	}
	for _, p := range s.neutral {
		if vendor := p.Vendors[number]; vendor != "" {
			return vendor
		}
	}
	return otherwise
}

// fixedOIDs are all OIDs of the fitting vendor's profile that need no row, so that one GET fetches them.
func (f *fit) fixedOIDs() []string {
	var oids []string
	add := func(oid string) {
		if oid != "" && !strings.Contains(oid, "{") && !slices.Contains(oids, oid) {
			oids = append(oids, oid)
		}
	}
	for n, p := range f.profiles {
		for _, rules := range p.Identity.lists() {
			for _, rule := range *rules {
				add(rule.OID)
			}
		}
		if n > 0 || p.Neutral {
			continue
		}
		for i := range p.Measures {
			add(p.Measures[i].OID)
		}
		for i := range p.Fax {
			add(p.Fax[i].OID)
		}
		for i := range p.FaxService {
			add(p.FaxService[i].OID)
		}
		for i := range p.Checks {
			add(p.Checks[i].Total)
			for _, part := range p.Checks[i].Parts {
				add(part)
			}
		}
	}
	return oids
}

func (f *fit) quirks() Quirks {
	q := f.profiles[0].Quirks
	return Quirks{V1: q.V1, NoBulk: !q.Bulk, MaxOIDs: q.MaxOIDs}
}

// identity reads what the system group alone tells of a device that no profile fits.
func (f *fit) identity(v *survey) wire.Identity {
	id := wire.Identity{Vendor: f.vendor}
	if f.name == "" {
		var plain textRule
		id.Model = cut(plain.text(v.answers[sysDescr]), 80)
	}
	return id
}

// name gives the device its identity and its id.
func (d *Device) name(v *survey, f fit) {
	texts := [4]string{}
	for n := range texts {
		for _, p := range f.profiles {
			for _, rule := range *p.Identity.lists()[n] {
				if texts[n] == "" {
					texts[n] = d.identityText(v, p, rule, n == 0)
				}
			}
		}
	}
	d.Identity.Serial, d.Identity.Model, d.Identity.Name, d.Identity.Location = texts[0], texts[1], texts[2], texts[3]
	if d.Identity.Serial == "" {
		d.nameByMAC(v)
	}
}

func (d *Device) identityText(v *survey, p *profile, rule textRule, serial bool) string {
	oid, _, ok := v.resolveOne(p, rule.OID)
	if !ok {
		return ""
	}
	value, _ := v.value(oid)
	text := rule.text(value)
	if !serial {
		return text
	}
	id := serialSlug(text)
	if id == "" {
		return ""
	}
	d.ID, d.self = d.Identity.Vendor+"-"+id, self{oid: oid, rule: rule, slug: id}
	return text
}

func (d *Device) nameByMAC(v *survey) {
	for _, vb := range v.column(ifPhysAddr, maxInterfaces) {
		if mac := macSlug(vb.Value.Bytes); mac != "" {
			d.ID, d.self = d.Identity.Vendor+"-mac-"+mac, self{oid: vb.OID, mac: true, slug: mac}
			return
		}
	}
}

// findCounters takes, of each measure, the first rule whose objects the device answers.
func (d *Device) findCounters(v *survey, f fit) {
	var wanted []string
	for _, m := range wire.Measures() {
		for _, rule := range f.measures(m) {
			if oids, _ := v.resolve(rule.profile, rule.OID); len(oids) > 0 {
				wanted = append(wanted, oids...)
				break
			}
		}
	}
	v.ask(wanted...) // in one request, for the loop below
	for _, m := range wire.Measures() {
		for _, rule := range f.measures(m) {
			if c, ok := v.counter(rule); ok {
				d.counters = append(d.counters, c)
				break
			} else if c.warning != "" {
				d.warnings = append(d.warnings, c.warning)
			}
		}
	}
}

type measureRule struct {
	*measure
	profile *profile
}

// name is how readings call the rule: always the same, wherever the row stands.
func (m measureRule) name() string { return m.profile.Name + "/" + m.Measure + "." + m.Rule }

func (f *fit) measures(m wire.Measure) []measureRule {
	var rules []measureRule
	for _, p := range f.profiles {
		for i := range p.Measures {
			if p.Measures[i].Measure == string(m) {
				rules = append(rules, measureRule{&p.Measures[i], p})
			}
		}
	}
	return rules
}

func (s *survey) counter(rule measureRule) (c counter, ok bool) {
	oids, guards := s.resolve(rule.profile, rule.OID)
	if len(oids) > maxSum {
		return counter{warning: fmt.Sprintf("%s is not used: %d rows are too many to ask for", rule.name(), len(oids))}, false
	}
	c = counter{measure: rule.measure, oids: oids, guards: guards, unit: rule.Unit, rule: rule.name()}
	s.ask(oids...)
	if _, told := c.sum(s.answers); !told {
		return counter{}, false
	}
	if rule.UnitOID == "" {
		return c, true
	}
	units, _ := s.resolve(rule.profile, rule.UnitOID)
	s.ask(units...)
	for _, oid := range units {
		unit := rule.UnitMap[s.answers[oid].Text()]
		if unit == "" || c.unit != "" && unit != c.unit {
			return counter{warning: fmt.Sprintf("%s is not used: its unit, %q, is none that the profile knows", c.rule, s.answers[oid].Text())}, false
		}
		c.unit = unit
	}
	c.rule += "." + c.unit // another unit is another epoch
	return c, c.unit != ""
}

// findFax concludes whether the machine can fax.
func (d *Device) findFax(v *survey, f fit) {
	for i := range d.counters {
		if n, _ := d.counters[i].sum(v.answers); n > 0 {
			d.Fax, d.FaxWhy = wire.Yes, fmt.Sprintf("its counter %s stands at %d", d.counters[i].measure.Measure, n)
			return
		}
	}
	for _, p := range f.profiles {
		for i := range p.Fax {
			if v.evidence(p, &p.Fax[i]) {
				d.Fax, d.FaxWhy = wire.Answer(p.Fax[i].Answer), p.Fax[i].Because
				if d.Fax == wire.No && len(d.counters) > 0 {
					d.warnings = append(d.warnings, "it can't fax ("+d.FaxWhy+"): a 0 in its fax counters proves nothing")
				}
				return
			}
		}
	}
}

// evidence tells whether all conditions of a rule hold.
func (s *survey) evidence(p *profile, f *faxRule) bool {
	if f.Row != "" && len(s.row(p, f.Row).indexes) == 0 || f.NoRow != "" && !s.row(p, f.NoRow).absent {
		return false
	}
	if f.OID == "" {
		return true
	}
	oids, _ := s.resolve(p, f.OID)
	s.ask(oids...)
	return slices.ContainsFunc(oids, func(oid string) bool {
		value, ok := s.answers[oid]
		return ok && f.fits(value)
	})
}

// findStates finds where fax service and lines are told. A machine that can't fax has neither.
func (d *Device) findStates(v *survey, f fit) {
	if d.Fax == wire.No {
		return
	}
	for _, p := range f.profiles {
		if len(d.service) == 0 && d.Fax == wire.Yes {
			d.service = v.states(p, p.FaxService)
		}
		switch {
		case p.Lines == nil || len(d.lines) > 0:
		case p.Lines.Ports != "":
			d.lines = v.ports(p)
		case d.Fax == wire.Yes:
			d.lines = []line{v.alertLine(p.Lines.Alerts)}
		}
	}
}

func (s *survey) states(p *profile, rules []stateRule) []state {
	var states []state
	for i := range rules {
		if oid, guards, ok := s.resolveOne(p, rules[i].OID); ok {
			states = append(states, state{rule: &rules[i], oid: oid, guards: guards})
		}
	}
	return s.answered(states)
}

// answered keeps those states whose objects the device has.
func (s *survey) answered(states []state) []state {
	var oids []string
	for i := range states {
		oids = append(oids, states[i].oid)
	}
	s.ask(oids...)
	return slices.DeleteFunc(states, func(st state) bool { _, ok := s.value(st.oid); return !ok })
}

func (s *survey) ports(p *profile) []line {
	var lines []line
	var all []string
	for _, vb := range s.column(p.Lines.Ports, maxPorts) {
		index := vb.OID[len(p.Lines.Ports)+1:]
		l := line{port: firstNumbers(index, p.Lines.PortNumbers), fax: wire.Unknown}
		if len(l.port) > 63 || slices.ContainsFunc(lines, func(other line) bool { return other.port == l.port }) {
			continue
		}
		for i := range p.Lines.Status {
			rule := &p.Lines.Status[i]
			l.states = append(l.states, state{rule: rule, oid: strings.ReplaceAll(rule.OID, "{port}", index)})
			all = append(all, l.states[i].oid)
		}
		lines = append(lines, l)
	}
	s.ask(all...)
	for i := range lines {
		lines[i].states = s.answered(lines[i].states)
	}
	return lines
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
