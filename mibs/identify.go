package mibs

import (
	"context"
	"fmt"
	"slices"
	"unique"

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
	maxStates     = 8  // rows that tell of one fax service
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
	d := &Device{Profile: fit.name, Why: fit.why, Fax: wire.Unknown, layout: new(layout)}
	ticks, ok := v.answers[sysUpTime].Number()
	d.young = ok && ticks*10 < settled
	d.Identity = fit.identity(v)
	if fit.name != "" {
		v.ask(fit.fixedOIDs()...)
		d.name(v, fit)
		d.findFax(v, fit)
		d.findCounters(v, fit)
		d.countersProve(v)
		d.findStates(v, fit)
		d.labelProves()
		d.findNumber(v, fit)
		if len(d.counters) > 0 {
			d.checkSums(v, fit)
		}
		d.quirks = fit.quirks()
	}
	if v.err != nil {
		return nil, fmt.Errorf("identify: %w", v.err)
	}
	d.settle(v, fit)
	d.layout = s.layouts.shared(fit.name, d.layout)
	d.Why = unique.Make(d.Why).Value() // is mostly said of many
	return d, nil
}

// name gives the device its identity and its id.
func (d *Device) name(v *survey, f fit) {
	texts := [4]string{}
	for n := range texts { // the fifth list, MAC addresses, is for those without a serial
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
		d.nameByMAC(v, f)
	}
	if d.ID == "" {
		d.Unnamed = "it tells neither a serial number nor a MAC address to know it by"
	}
	d.waitForName(v, f)
}

// waitForName gives no name yet to a device that has just booted, unless it tells it where its
// profile looks first. Parts of it may not answer yet, among them those that tell its make and
// serial number: for a while it would be another device, with counters of its own.
func (d *Device) waitForName(v *survey, f fit) {
	if !d.young || d.ID == "" || !f.doubted && d.self.oid == f.home(v) {
		return
	}
	d.ID, d.self = "", self{}
	d.Unnamed = "it has just booted and doesn't yet tell who it is where such a device does; it may do so within 10 minutes"
	d.warnings = append(d.warnings, d.Unnamed)
}

// home is the object by which devices of the profile are named if they can be.
func (f *fit) home(v *survey) string {
	for _, p := range f.profiles {
		for _, rule := range slices.Concat(p.Identity.Serial, p.Identity.MAC) {
			oid, _, _ := v.resolveOne(p, rule.OID)
			return oid
		}
	}
	return ""
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
	d.ID, d.self = d.Identity.Vendor+"-"+id, self{oid: oid, rule: rule, slug: id, was: value.keep()}
	return text
}

func (d *Device) nameByMAC(v *survey, f fit) {
	for _, p := range f.profiles {
		for _, rule := range p.Identity.MAC {
			if oid, _, ok := v.resolveOne(p, rule.OID); ok && d.takeMAC(v.answers[oid], oid) {
				return
			}
		}
	}
	for _, vb := range v.column(ifPhysAddr, maxInterfaces) {
		if d.takeMAC(vb.Value, vb.OID) {
			return
		}
	}
}

func (d *Device) takeMAC(value Value, oid string) bool {
	mac := macSlug(macOf(value))
	if mac != "" {
		d.ID, d.self = d.Identity.Vendor+"-mac-"+mac, self{oid: oid, mac: true, slug: mac, was: value.keep()}
	}
	return mac != ""
}

// findCounters takes, of each measure, the first rule whose objects the device answers.
func (d *Device) findCounters(v *survey, f fit) {
	var wanted []string
	for _, m := range wire.Measures() {
		for _, rule := range f.measures(m, d.Fax) {
			if !v.joins(rule.profile) {
				continue
			}
			if oids, guards := v.resolve(rule.profile, rule.OID); len(oids) > 0 {
				wanted = append(append(wanted, oids...), guarded(guards)...)
				break
			}
		}
	}
	v.ask(append(wanted, v.behind...)...) // in one request, for the loop below
	for _, m := range wire.Measures() {
		for rank, rule := range f.measures(m, d.Fax) {
			if !v.joins(rule.profile) {
				continue
			}
			c, ok := v.counter(rule)
			if c.warning != "" {
				d.warnings = append(d.warnings, c.warning)
			}
			if ok {
				c.rank = rank
				d.counters = append(d.counters, c)
				break
			}
		}
	}
	d.next = v.next()
}

type measureRule struct {
	*measure
	profile *profile
}

// name is how readings call the rule: always the same, wherever the row stands.
func (m measureRule) name() string { return m.profile.Name + "/" + m.Measure + "." + m.Rule }

// measures are the rules for m that make sense for a machine that can fax, or can't.
func (f *fit) measures(m wire.Measure, fax wire.Answer) []measureRule {
	var rules []measureRule
	for _, p := range f.profiles {
		for i := range p.Measures {
			if p.Measures[i].Measure == string(m) && !(p.Measures[i].Network && fax == wire.No) {
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
	if rule.UnitOID != "" && !s.units(&c, rule) {
		return counter{warning: c.warning}, false
	}
	s.supported(&c)
	_, told := c.sum(s.answers)
	return c, told
}

// units finds the unit in which a counter counts. Rows in another one are left out, as they
// may count the same pages once more.
func (s *survey) units(c *counter, rule measureRule) (ok bool) {
	at, _ := s.resolve(rule.profile, rule.UnitOID)
	s.ask(at...)
	if len(at) != len(c.oids) {
		return false
	}
	said := make([]string, len(at))
	for i, oid := range at {
		switch said[i] = rule.UnitMap[s.answers[oid].Text()]; {
		case said[i] == noUnit:
			return false
		case said[i] == "":
			if v, told := s.answers[c.oids[i]]; told && v.Kind != Null {
				c.warning = fmt.Sprintf("%s is not used: its unit, %q, is none that the profile knows", c.rule, s.answers[oid].Text())
			}
			return false
		case c.unit == "" || slices.Index(units, said[i]) < slices.Index(units, c.unit):
			c.unit = said[i]
		}
	}
	var same []string
	for i, oid := range c.oids {
		if said[i] == c.unit {
			same = append(same, oid)
		}
	}
	if len(same) < len(c.oids) {
		c.warning = fmt.Sprintf("%s counts only rows in %s: %d in another unit are left out", c.rule, c.unit, len(c.oids)-len(same))
	}
	c.oids = same
	c.rule += "." + c.unit // another unit is another epoch
	return c.unit != ""
}

const notSupported = -1

// supported leaves those parts of a sum out that the device says it doesn't have.
func (s *survey) supported(c *counter) {
	all := len(c.oids)
	c.oids = slices.DeleteFunc(slices.Clone(c.oids), func(oid string) bool {
		n, ok := s.answers[oid].Number()
		return ok && n == notSupported
	})
	if missing := all - len(c.oids); missing > 0 {
		c.rule += fmt.Sprintf(".without_%d", missing) // so that a part that comes begins another epoch, and is not activity
	}
}

// findFax concludes from the profiles' rules whether the machine can fax.
func (d *Device) findFax(v *survey, f fit) {
	for _, p := range f.profiles {
		for i := range p.Fax {
			if v.joins(p) && v.evidence(p, &p.Fax[i]) {
				d.Fax, d.FaxWhy = wire.Answer(p.Fax[i].Answer), p.Fax[i].Because
				return
			}
		}
	}
}

// countersProve concludes that a machine that has counted faxes can fax, whatever else it says.
func (d *Device) countersProve(v *survey) {
	for i := range d.counters {
		if n, _ := d.counters[i].sum(v.answers); n > 0 {
			d.Fax, d.FaxWhy = wire.Yes, fmt.Sprintf("its counter %s stands at %d", d.counters[i].measure.Measure, n)
			return
		}
	}
	if d.Fax == wire.No && len(d.counters) > 0 {
		d.warnings = append(d.warnings, "it can't fax ("+d.FaxWhy+"): a 0 in its fax counters proves nothing")
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
