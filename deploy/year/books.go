package year

import (
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// What the books must hold. Machines are believed by what really happened to them, not by
// what their numbers look like: whether 0 is a glitch or a reset is known here beforehand.

// Activity is what was faxed between two looks that showed the truth.
type Activity struct {
	Machine  *Machine
	Measure  wire.Measure
	Unit     string
	From, To time.Time
	Count    int64 // 0 with Reset
	Reset    int64 // what the counter began anew with, above 0
	Noticed  time.Time
	Error    time.Duration // of the clock by which From and To are known
}

// evidence tells whether the same faxes count by another measure too.
func (a *Activity) evidence() bool {
	return a.Measure == wire.FaxPrintedPages && a.Machine.Kind == SentReceivedPrinted
}

// counter is what is known of a machine's counter.
type counter struct {
	at    time.Time     // of the last look that showed the truth; zero before the first
	off   time.Duration // by how much that may be wrong
	grown int64         // what lost looks would have shown
	lie   Lie           // that lost looks would have told
	held  *Activity     // a jump that waits for a person
}

type meterOf struct {
	machine *Machine
	measure wire.Measure
}

// lose takes note of a look that will never arrive.
func (c *counter) lose(s Shown) {
	switch s.Lie {
	case Glitch:
		return
	case Reset:
		c.grown, c.lie = 0, Reset
	case Jump:
		c.lie = Jump
	}
	c.grown += s.Faxed
}

// look says what a look that arrived brings into the books, nil if nothing. Its time may be
// off by so much.
func (c *counter) look(l Look, s Shown, off time.Duration) *Activity {
	if s.Lie == Glitch {
		return nil
	}
	lie := s.Lie
	if lie == None {
		lie = c.lie
	}
	a := &Activity{Machine: l.Machine, Measure: s.Measure, Unit: s.Unit, From: c.at, To: l.At, Count: c.grown + s.Faxed}
	a.Error = max(c.off, off)
	first := c.at.IsZero()
	c.at, c.off, c.grown, c.lie = l.At, off, 0, None
	switch {
	case first:
		return nil
	case lie == Reset:
		a.Count, a.Reset = 0, s.Value
	case lie == Jump:
		c.held = a
		return nil
	}
	if a.Count == 0 && a.Reset == 0 {
		return nil
	}
	return a
}

// declared is what people say of a line, each column with its history.
type declared struct {
	number string
	since  map[string][]value
	zone   *time.Location
	cutAt  time.Time // as ends works it out
}

type value struct {
	from time.Time
	text string
}

// set takes over a cell: a first value always held, another one holds from then on.
func (d *declared) set(column, text string, from time.Time) {
	history := d.since[column]
	assigned := slices.ContainsFunc(history, func(v value) bool { return v.text != "" })
	switch {
	case d.now(column) == text:
	case !assigned:
		d.since[column] = []value{{text: text}}
	default:
		d.since[column] = append(history, value{from, text})
	}
}

// now is the newest value.
func (d *declared) now(column string) string {
	if history := d.since[column]; len(history) > 0 {
		return history[len(history)-1].text
	}
	return ""
}

// then is the value at a time.
func (d *declared) then(column string, t time.Time) (text string) {
	for _, v := range d.since[column] {
		if !v.from.After(t) {
			text = v.text
		}
	}
	return text
}

// cut is the instant after which nobody should fax on the line; ok is false if there is none.
func (d *declared) cut() (time.Time, bool) { return d.cutAt, !d.cutAt.IsZero() }

// ends works it out.
func (d *declared) ends() (t time.Time, ok bool) {
	if d.now("kept_reason") != "" {
		return t, false
	}
	if day, given := d.day("cutoff"); given {
		t, ok = day, true
	}
	if day, given := d.day("cut_on"); given {
		if end := day.AddDate(0, 0, 1); !ok || end.Before(t) {
			t, ok = end, true
		}
	}
	return later(t, d.lifted()), ok
}

// lifted is when the line ceased to be an exception: what was faxed until then was allowed.
func (d *declared) lifted() (at time.Time) {
	before := ""
	for _, v := range d.since["kept_reason"] {
		if before != "" && v.text == "" {
			at = v.from
		}
		before = v.text
	}
	return at
}

// day is the beginning of the day in a column, in the line's zone.
func (d *declared) day(column string) (time.Time, bool) { return dayIn(d.now(column), d.zone) }

func dayIn(text string, zone *time.Location) (time.Time, bool) {
	layout := time.DateOnly
	if strings.Contains(text, "/") {
		layout = "02/01/2006"
	}
	t, err := time.ParseInLocation(layout, text, zone)
	return t, err == nil
}

// Account is where activity counts.
type Account struct {
	Establishment, Site, Pole, Service string
	Machine, Line                      string
	Evidence                           bool
	Measure                            wire.Measure
	Unit                               string
}

// account is where an activity counts by what is declared now.
func (t *Truth) account(a *Activity) Account {
	x := Account{Machine: a.Machine.ID, Evidence: a.evidence(), Measure: a.Measure, Unit: a.Unit}
	lines := t.linesOn(a.Machine, a.To)
	place := func(column string) string { return common(lines, column, a.To) }
	x.Establishment, x.Site, x.Pole, x.Service = place("establishment"), place("site"), place("pole"), place("service")
	switch len(lines) {
	case 0:
		x.Line = a.Machine.ID // as long as nobody declares a line of it
	case 1:
		x.Line = lines[0].number
	}
	return x
}

// common is what a column says of all lines at a time, empty where they differ.
func common(lines []*declared, column string, at time.Time) (text string) {
	for i, d := range lines {
		value := d.then(column, at)
		if i > 0 && value != text {
			return ""
		}
		text = value
	}
	return text
}

// linesOn are the declared lines whose machine is m at a time, by number. A machine is named by its
// serial number or its id, whatever the case.
func (t *Truth) linesOn(m *Machine, at time.Time) (lines []*declared) {
	for _, name := range []string{strings.ToLower(m.Serial), m.ID} {
		for _, number := range t.named[name] {
			if d := t.lines[number]; strings.EqualFold(d.then("device", at), name) {
				lines = append(lines, d)
			}
		}
	}
	slices.SortFunc(lines, func(a, b *declared) int { return strings.Compare(a.number, b.number) })
	return lines
}

// Sums are what every account holds.
func (t *Truth) Sums() map[Account]int64 {
	sums := map[Account]int64{}
	for _, a := range t.Activities {
		if a.Count > 0 {
			sums[t.account(a)] += a.Count
		}
	}
	return sums
}

// Monthly is a sum of one account and one month of its line's zone.
type Monthly struct {
	Account
	Month int // 202610
}

// Months are the sums of months.
func (t *Truth) Months() map[Monthly]int64 {
	sums := map[Monthly]int64{}
	for _, a := range t.Activities {
		local := a.To.In(a.Machine.Agent.Site.Zone)
		if len(t.linesOn(a.Machine, a.To)) == 0 {
			continue // of a machine without lines nobody says where it stands
		}
		if a.Count > 0 {
			sums[Monthly{t.account(a), local.Year()*100 + int(local.Month())}] += a.Count
		}
	}
	return sums
}
