package mibs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Device is an identified device: who it is and where its values stand. It never changes.
type Device struct {
	ID       string        // vendor-serial, vendor-mac-…; empty: unidentified, never to be merged with any other
	Identity wire.Identity // Address is left to who asked
	Profile  string        // empty if none fits
	Why      string        // why it fits, or why none does: a sentence
	Unnamed  string        // why it has no ID
	Fax      wire.Answer   // whether it can fax at all,
	FaxWhy   string        // because of this; empty if unknown

	*layout
	numbers  []wire.Number // of its lines, in their order; shorter where the last ones have none
	self     self
	warnings []string
	young    bool // had just booted when it was identified
	kept     int  // identifications that told less, and were not believed
}

// doubts is how many identifications that tell less than before are not believed.
const doubts = 5

// After is who the device is, given who it was before (nil if that isn't known). Rows go
// missing while a machine boots or is busy. If its count then went on by another rule, in
// another epoch, what it counted at both changes would be lost; so while it is the same
// device and tells less than it did, it stays what it was, and asks in vain for what is
// missing. Only if that lasts is it believed.
func (d *Device) After(before *Device) *Device {
	if before != nil && before.ID != "" && d.ID == "" && d.young {
		return before // by its own object every poll sees whether it is
	}
	if before == nil || before.kept == doubts || !d.renamed(before) && (before.ID != d.ID || !d.lacks(before) || d.moved(before)) {
		return d
	}
	kept := *before
	kept.kept++
	return &kept
}

// moved tells whether a port stands elsewhere than before: what stands there now is another's
// state, and must not be taken for this one's.
func (d *Device) moved(before *Device) bool {
	return slices.ContainsFunc(before.lines, func(was line) bool {
		return slices.ContainsFunc(d.lines, func(is line) bool { return is.port == was.port && is.movedFrom(&was) })
	})
}

func (l *line) movedFrom(was *line) bool {
	return slices.ContainsFunc(was.states, func(old state) bool {
		return slices.ContainsFunc(l.states, func(st state) bool { return st.rule.OID == old.rule.OID && st.oid != old.oid })
	})
}

// renamed tells whether it has another name than before only because it was named by something
// else: what named it may just be silent. A reading is not made of it meanwhile.
func (d *Device) renamed(before *Device) bool {
	return before.ID != "" && before.ID != d.ID && before.Identity.Vendor == d.Identity.Vendor && before.self.oid != d.self.oid
}

// lacks tells whether a measure is missing that was there before, or is told by a lesser
// rule, by fewer rows or in another unit; or a line or a state.
func (d *Device) lacks(before *Device) bool {
	for i := range before.counters {
		was := &before.counters[i]
		if !slices.ContainsFunc(d.counters, func(is counter) bool {
			return is.measure.Measure == was.measure.Measure && (is.rank < was.rank ||
				is.rank == was.rank && (len(is.oids) > len(was.oids) || len(is.oids) == len(was.oids) && is.rule == was.rule))
		}) {
			return true
		}
	}
	return len(d.service) < len(before.service) || slices.ContainsFunc(before.lines, func(was line) bool {
		return !slices.ContainsFunc(d.lines, func(is line) bool { return is.port == was.port })
	})
}

// self is the object by which a device proves that it is still the same.
type self struct {
	oid  string
	rule textRule
	mac  bool
	slug string
	was  Value // what slug was made of
}

func (s *self) of(v Value) string {
	if v.equal(s.was) { // as it nearly always is
		return s.slug
	}
	if s.mac {
		return macSlug(macOf(v))
	}
	return serialSlug(s.rule.text(v))
}

// counter is a measure of this device: the sum of its objects (nearly always one).
type counter struct {
	measure *measure
	rank    int // of its rule, among those of the measure: 0 is the best
	unit    string
	rule    string
	oids    []string
	guards  []guard
	warning string
}

// sum is the counter's value; told is false if an object is missing, no number or negative.
func (c *counter) sum(answers Answers) (sum int64, told bool) {
	if c.measure.As == asFloat {
		return c.floor(answers)
	}
	for _, oid := range c.oids {
		n, ok := answers[oid].Number()
		if !ok || n < 0 || sum+n < 0 {
			return 0, false
		}
		sum += n
	}
	return sum, len(c.oids) > 0
}

// floor is the sum of fractions without what isn't a whole page yet: it never claims more
// than was counted and, as the sum only grows, never falls.
func (c *counter) floor(answers Answers) (sum int64, told bool) {
	total := 0.0
	for _, oid := range c.oids {
		f, ok := answers[oid].float()
		if !ok {
			return 0, false
		}
		total += f
	}
	return int64(total), len(c.oids) > 0
}

type state struct {
	rule   *stateRule
	oid    string
	guards []guard
}

// line is a port with its states, or a machine's only line with its alerts.
type line struct {
	port      string
	own       bool // a machine's own line with states
	fax       wire.Answer
	states    []state
	notes     string // what is told of it beside its states: begins with a comma
	alerts    *alerts
	alertOIDs []string
}

// Due is what a poll is to find out.
type Due uint8

// What can be due, to be combined with |.
const (
	Lines Due = 1 << iota // lines and fax service
	Counters
)

// settled is when a device that has booted is taken to have all its rows.
const settled = 10 * 60 * 1000 // ms of sysUpTime

// OIDs is the one GET that finds out what is due: sysUpTime and the serial first. Not to be changed.
func (d *Device) OIDs(due Due) []string { return d.steady[due&(Lines|Counters)] }

// Has tells whether the device can be asked for any of what is due.
func (d *Device) Has(due Due) bool {
	return due&Counters != 0 && len(d.counters)+len(d.next) > 0 || due&Lines != 0 && (len(d.service) > 0 || len(d.lines) > 0)
}

// Young tells whether it had just booted when it was identified: what it tells may not be all.
func (d *Device) Young() bool { return d.young }

// Quirks are what the device can't take.
func (d *Device) Quirks() Quirks { return d.quirks }

// settle works out, once, what every later poll needs.
func (d *Device) settle(v *survey, f fit) {
	d.unknown = d.cannotTell(v, f)
	d.warnings = slices.Clip(d.warnings) // each reading appends its own
	for due := range d.steady {
		d.steady[due] = d.oids(Due(due))
	}
}

func (d *Device) oids(due Due) []string {
	oids := []string{sysUpTime}
	add := func(more ...string) {
		for _, oid := range more {
			if oid != "" && !slices.Contains(oids, oid) {
				oids = append(oids, oid)
			}
		}
	}
	add(d.self.oid)
	if due&Counters != 0 {
		for i := range d.counters {
			add(d.counters[i].oids...)
			add(guarded(d.counters[i].guards)...)
		}
		add(d.next...)
	}
	if due&Lines != 0 {
		for i := range d.service {
			add(d.service[i].oid)
			add(guarded(d.service[i].guards)...)
		}
		for i := range d.lines {
			for j := range d.lines[i].states {
				add(d.lines[i].states[j].oid)
			}
			add(d.lines[i].alertOIDs...)
		}
	}
	return oids
}

func guarded(guards []guard) []string {
	oids := make([]string, len(guards))
	for i := range guards {
		oids[i] = guards[i].oid
	}
	return oids
}

func (d *Device) cannotTell(v *survey, f fit) []string {
	if d.Profile == "" || d.Fax == wire.No {
		return nil
	}
	tells := func(measures ...wire.Measure) bool {
		return slices.ContainsFunc(d.counters, func(c counter) bool {
			return slices.Contains(measures, wire.Measure(c.measure.Measure))
		})
	}
	var unknown []string
	add := func(when bool, what string) {
		if when {
			unknown = append(unknown, what)
		}
	}
	add(d.Fax == wire.Unknown && len(d.lines) == 0, "whether it can fax")
	add(slices.ContainsFunc(d.lines, func(l line) bool { return l.fax == wire.Unknown }), "which of its ports have a fax machine")
	add(!tells(wire.FaxSentPages), "pages sent")
	add(!tells(wire.FaxReceivedPages, wire.FaxPrintedPages), "pages received")
	add(tells(wire.FaxPrintedPages) && !tells(wire.FaxReceivedPages), "received pages that were not printed")
	add(!tells(wire.FaxSent, wire.FaxReceived), "the number of faxes, apart from their pages")
	add(tells(wire.FaxSent) && !tells(wire.FaxReceived), "the number of faxes received")
	add(d.noLine(), "the state of its phone line")
	add(len(d.lines) > 0 && d.lines[0].alerts != nil, "whether its phone line works while no alert says that it doesn't")
	add(len(d.lines) > 0 && d.lines[0].own, "whether its phone line works while no call goes over it")
	add(d.noLine() && len(d.service) == 0, "the state of its fax function")
	add(len(d.lines) > 0 && d.lines[0].alerts != nil, "whether its fax function works while no alert says that it doesn't")
	for _, p := range f.profiles {
		if !p.OnlyProven || v.proven[p] {
			unknown = append(unknown, p.CannotTell...)
		}
	}
	return unknown
}

// noLine tells whether nothing shows the state of a phone line: of a machine's own, at most its number is known.
func (d *Device) noLine() bool {
	return len(d.lines) == 0 || len(d.lines) == 1 && d.lines[0].port == "" && len(d.lines[0].states) == 0 && d.lines[0].alerts == nil
}

// Result is what was made of one answer.
type Result struct {
	Reading  wire.Reading // without Identity; failed if it isn't sure who answered
	Unknown  []string     // what it can't tell: short English phrases
	Warnings []string
	Stale    bool // a label no longer fits, a row has come, or the device has settled after booting: identify it again
	Stranger bool // another device answered: there is no reading of this one
}

// Measured is one counter with its origin.
type Measured struct {
	Measure   wire.Measure
	Unit      string
	OID       string // joined by " + " where it is a sum
	Certainty string // mib+walk, mib, walk, tool or unverified
	Note      string // what else to know, often empty
	Rule      string
	Value     int64
}

// Measures are the counters of a reading of this device, with their origin.
func (d *Device) Measures(r wire.Reading) []Measured {
	var measures []Measured
	for _, told := range r.Counters {
		i := slices.IndexFunc(d.counters, func(c counter) bool { return c.rule == told.Rule })
		if i < 0 {
			continue
		}
		c := &d.counters[i]
		measures = append(measures, Measured{
			Measure: told.Measure, Unit: told.Unit, OID: strings.Join(c.oids, " + "), Certainty: c.measure.Certainty,
			Note: c.measure.Note, Rule: told.Rule, Value: told.Value,
		})
	}
	return measures
}

// Read makes a reading of the answers to OIDs(due). It is pure: at is the reading's time.
func (d *Device) Read(at wire.Time, due Due, answers Answers) Result {
	r := Result{Unknown: d.unknown, Warnings: d.warnings}
	r.Reading = wire.Reading{Device: d.ID, At: at, OK: true, Profile: d.Profile, Fax: d.Fax}
	if ticks, ok := answers[sysUpTime].Number(); ok && ticks >= 0 && ticks <= maxTicks {
		r.Reading.UptimeMS = ticks * 10
		r.Stale = d.young && r.Reading.UptimeMS >= settled
	}
	if d.self.oid != "" {
		switch slug := d.self.of(answers[d.self.oid]); slug {
		case d.self.slug:
		case "":
			r.Stale, r.Reading.OK = true, false
			r.Reading.Error = "it doesn't tell its serial number or MAC address at present, so it may be another machine"
			return r
		default:
			return Result{Stranger: true}
		}
	}
	if due&Counters != 0 {
		d.readCounters(&r, answers)
	}
	if due&Lines != 0 {
		d.readService(&r, answers)
		d.readLines(&r, answers)
	}
	return r
}

const maxTicks = 1<<32 - 1 // TimeTicks wrap there

func (d *Device) readCounters(r *Result, answers Answers) {
	r.Reading.Counters = slices.Grow(r.Reading.Counters, len(d.counters))
	for i := range d.counters {
		c := &d.counters[i]
		if !r.hold(c.guards, answers, c.rule) {
			continue
		}
		value, told := c.sum(answers)
		if !told {
			r.Warnings = append(r.Warnings, c.rule+" is not told at present")
			continue
		}
		if value > 0 {
			r.Reading.Fax = wire.Yes
		}
		m := wire.Measure(c.measure.Measure)
		r.Reading.Counters = append(r.Reading.Counters, wire.Counter{Measure: m, Unit: c.unit, Rule: c.rule, Value: value})
	}
	for _, oid := range d.next {
		r.Stale = r.Stale || answers[oid].Kind != Null
	}
}

func (d *Device) readService(r *Result, answers Answers) {
	if len(d.service) == 0 {
		return
	}
	r.Reading.FaxService = wire.ServiceUnknown
	worst := -1
	for i := range d.service {
		s := &d.service[i]
		if worst >= 0 && s.rule != d.service[i-1].rule { // one has said something
			break
		}
		if !r.hold(s.guards, answers, "fax service") {
			r.Reading.FaxService = wire.ServiceUnknown
			return
		}
		if state, ok := s.rule.state(answers[s.oid], serviceRank); ok {
			worst = max(worst, slices.Index(serviceRank, state))
			r.Reading.FaxService = wire.FaxService(serviceRank[worst])
		}
	}
}

func (d *Device) readLines(r *Result, answers Answers) {
	r.Reading.Lines = slices.Grow(r.Reading.Lines, len(d.lines))
	for i := range d.lines {
		l := &d.lines[i]
		told := l.read(answers)
		if i < len(d.numbers) {
			told.Number = d.numbers[i]
		}
		r.Reading.Lines = append(r.Reading.Lines, told)
		if l.alerts != nil && len(l.alerts.Service) > 0 && len(d.service) == 0 {
			_, rank := l.worst(l.alerts.Service, serviceRank, answers)
			r.Reading.FaxService = wire.FaxService(serviceRank[max(rank, 0)])
		}
	}
}

// hold tells whether the rows are still those that were found.
func (r *Result) hold(guards []guard, answers Answers, what string) bool {
	for i := range guards {
		v, ok := answers[guards[i].oid]
		if !ok || !guards[i].holds(v) {
			r.Stale = true
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s is not used: %s now says %q", what, guards[i].oid, cut(v.Text(), 80)))
			return false
		}
	}
	return true
}

// read tells a line's state: by the first of its states that says something.
func (l *line) read(answers Answers) wire.Line {
	told := wire.Line{Port: l.port, Status: wire.LineUnknown, Fax: l.fax}
	if l.alerts != nil {
		l.readAlerts(&told, answers)
		return told
	}
	decided, silent := false, false
	evidence := make([]byte, 0, 64)
	for i := range l.states {
		v, ok := answers[l.states[i].oid]
		if !ok {
			silent = true // it goes before the rest: it may be what would say that the line is down
			continue
		}
		evidence = append(evidence, l.states[i].rule.says(v)...)
		if state, ok := l.states[i].rule.state(v, lineRank); ok && !decided {
			decided = true
			if status := wire.LineStatus(state); !silent || status != wire.LineIdle {
				told.Status = status
			}
		}
	}
	told.Evidence = cut(strings.TrimPrefix(string(append(evidence, l.notes...)), ", "), wire.MaxText)
	return told
}

func (l *line) readAlerts(told *wire.Line, answers Answers) {
	told.Evidence = "no alert about the line, which proves nothing"
	if code, rank := l.worst(l.alerts.Map, lineRank, answers); rank >= 0 {
		told.Status, told.Evidence = wire.LineStatus(lineRank[rank]), "alert "+code
	}
}

// worst is the alert that means the worst state, -1 if none means any.
func (l *line) worst(states map[string]string, order []string, answers Answers) (code string, rank int) {
	rank = -1
	for _, oid := range l.alertOIDs {
		says := answers[oid].Text()
		if state, known := states[says]; known && slices.Index(order, state) > rank {
			code, rank = says, slices.Index(order, state)
		}
	}
	return code, rank
}
