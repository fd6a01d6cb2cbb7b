package register

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Options are how a table is understood.
type Options struct {
	Now      time.Time
	Zone     *time.Location // of what has no site, or a site without a zone
	Since    Since
	Replace  bool // what the table doesn't name is removed
	Devices  []ledger.Device
	Dialling Dialling
}

// Since is when what a table says begins. The zero value is now.
type Since struct {
	Always bool
	Day    ledger.Day // from 00:00 of that day, in the site's zone
}

// ReadSince reads « always » or a day that isn't in the future; empty is now.
func ReadSince(text string, now time.Time, zone *time.Location) (Since, error) {
	if text == "always" {
		return Since{Always: true}, nil
	}
	day, err := ReadDay(text)
	switch {
	case err != nil:
		return Since{}, fmt.Errorf("%w, or always", err)
	case day > dayOf(now, zone):
		return Since{}, fmt.Errorf("%s lies in the future; want a day until today, or always", text)
	}
	return Since{Day: day}, nil
}

// Plan is what a table changes.
type Plan struct {
	Register ledger.Register // afterwards
	Diff     Diff
	Nothing  bool   // changes
	Warnings []Note // don't stop it
}

// draft is a plan that is being made.
type draft struct {
	*Table
	o         Options
	before    ledger.Register
	r         ledger.Register // changes
	directory                 // of r
	machines  machines
	faults    Faults
	warnings  []Note
	told      map[attribute]telling
	warned    map[string]bool
	units     map[string][]string // keys of functional units by their code without zeros before it
}

// attribute is something that many rows say of one thing.
type attribute struct {
	kind      kind
	id, field string
}

type telling struct {
	value string
	row   Row
}

func newDraft(r ledger.Register, t *Table, o Options) *draft {
	d := &draft{
		Table: t, o: o, before: r.Clone(), r: r, machines: known(o.Devices),
		told: make(map[attribute]telling), warned: make(map[string]bool), units: make(map[string][]string),
	}
	for _, key := range slices.Sorted(maps.Keys(r.UFs)) {
		code := strings.TrimLeft(r.UFs[key][0].Code, "0")
		d.units[code] = append(d.units[code], key)
	}
	d.directory = newDirectory(&d.r)
	return d
}

// plan is what came of it. The error is Faults.
func (d *draft) plan() (Plan, error) {
	if err := d.settled(); err != nil {
		return Plan{}, err
	}
	return Plan{d.r, Compare(d.before, d.r), reflect.DeepEqual(d.before, d.r), d.warnings}, nil
}

// planOf is what came of a table that leaves the register as it is, apart from things of one kind.
func (d *draft) planOf(what string, before, after map[thingKey]sight) (Plan, error) {
	if err := d.settled(); err != nil {
		return Plan{}, err
	}
	diff := compare(what, before, after, [2]directory{d.directory, d.directory})
	return Plan{d.r, diff, diff.Empty(), d.warnings}, nil
}

// settled puts what is to be said in the order of the rows.
func (d *draft) settled() error {
	slices.SortStableFunc(d.faults, func(a, b Note) int { return cmp.Compare(a.Row, b.Row) })
	d.faults = slices.Compact(d.faults) // a block of numbers says the same of each
	slices.SortFunc(d.warnings, func(a, b Note) int { return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Text, b.Text)) })
	return d.faults.err()
}

func (d *draft) fault(row Row, column, format string, args ...any) {
	d.faults = append(d.faults, d.note(row, column, format, args...))
}

// warn says something once.
func (d *draft) warn(row Row, column, format string, args ...any) {
	if note := d.note(row, column, format, args...); !d.warned[note.Text] {
		d.warned[note.Text] = true
		d.warnings = append(d.warnings, note)
	}
}

// since is when what is said begins at a site, never after now.
func (d *draft) since(site string) wire.Time {
	now := wire.TimeOf(d.o.Now)
	switch {
	case d.o.Since.Always:
		return 0
	case d.o.Since.Day != "":
		return min(now, d.o.Since.Day.In(d.zone(site)))
	}
	return now
}

func (d *draft) now() wire.Time { return wire.TimeOf(d.o.Now) }

// zone is the time zone at a site.
func (d *draft) zone(site string) *time.Location {
	if name := d.r.Sites[site].TimeZone; name != "" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return d.o.Zone
}

// tell notes what a row says of a thing that other rows may name too: they must not contradict
// each other, but may say nothing.
func (d *draft) tell(row Row, column string, k kind, id, value string) {
	key := attribute{k, id, column}
	before, known := d.told[key]
	switch {
	case !known || before.value == "":
		d.told[key] = telling{value, row}
	case value != "" && value != before.value:
		d.fault(row, column, "%s %s has %s here and %s in row %d; want one of them",
			k, d.name(k, id), d.shown(column, value), d.shown(column, before.value), before.row.Number)
	}
}

// shown is a value as people know it.
func (d *draft) shown(column, value string) string {
	switch column {
	case "pole", "service", "site", "establishment":
		return fmt.Sprintf("%q", d.name(kind(column), value))
	}
	return fmt.Sprintf("%q", value)
}

// member is the id of the thing of a kind that a cell names within an establishment, a new one if
// there is none. It is empty where the cell is, and where it is at fault.
func (d *draft) member(row Row, k kind, in, text string) string {
	if text == "" {
		return ""
	}
	switch found := d.find(k, in, text); len(found) {
	case 1:
		return found[0]
	case 0:
		if orphans := d.find(k, "", text); in != "" && len(orphans) == 1 {
			if _, of, _ := d.thing(k, orphans[0]); of == "" {
				return orphans[0] // to be adopted
			}
		}
		if in == "" && k != establishment && len(d.Establishments) == 1 {
			in = d.ids(establishment)[0]
		}
		d.doubt(row, k, in, text)
		return d.add(k, in, text, "")
	default:
		d.fault(row, string(k), "%q may be %s; want an id, or the establishment", text, strings.Join(found, " or "))
		return ""
	}
}

// one is the id of the thing of a kind that a cell names within an establishment; what isn't known is a
// fault. It is empty where the cell is, and where it is at fault.
func (d *draft) one(row Row, k kind, in, text string) string {
	if text == "" {
		return ""
	}
	found := d.find(k, in, text)
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		d.fault(row, string(k), "%s", d.unknown(k, text))
	default:
		d.fault(row, string(k), "%q may be %s; want an id, or the establishment", text, strings.Join(found, " or "))
	}
	return ""
}

// unknown says that nothing is called so, and what may have been meant.
func (d *draft) unknown(k kind, text string) string {
	var names []string
	for _, id := range d.ids(k) {
		names = append(names, d.name(k, id))
	}
	if near := nearest(text, names); near != "" {
		return fmt.Sprintf("no %s is called %q; did you mean %q?", k, text, near)
	}
	return fmt.Sprintf("no %s is called %q; import structure makes it known", k, text)
}

// doubt warns of a new name that differs by a letter or two from one that is there.
func (d *draft) doubt(row Row, k kind, in, name string) {
	numbers := func(text string) string { return strings.Trim(text, "abcdefghijklmnopqrstuvwxyz") }
	for _, id := range d.ids(k) {
		other, of, _ := d.thing(k, id)
		a, b := letters(name), letters(other)
		if (k == establishment || of == in) && min(len(a), len(b)) > 5 && numbers(a) == numbers(b) && distance(a, b) <= 2 {
			d.warn(row, string(k), "%q is new, and nearly what another %s is called: %q", name, k, other)
		}
	}
}

// day is a cell's day.
func (d *draft) day(row Row, column string) ledger.Day {
	text, _ := d.get(row, column)
	day, err := ReadDay(text)
	if err != nil {
		d.fault(row, column, "%v", err)
	}
	return day
}

// machines are the known devices by what people may call them, in lower case.
type machines map[string][]string

func known(devices []ledger.Device) machines {
	m := make(machines)
	for _, d := range devices {
		for _, name := range []string{d.ID, d.Serial} {
			key := strings.ToLower(name)
			if name != "" && !slices.Contains(m[key], d.ID) {
				m[key] = append(m[key], d.ID)
			}
		}
	}
	return m
}

// same tells whether two names mean one machine.
func (m machines) same(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	return a == b || len(m[a]) == 1 && len(m[b]) == 1 && m[a][0] == m[b][0]
}

// machine is a machine that a cell names: an id or a serial. Where that means the one named
// before, its name stays as it was.
func (d *draft) machine(row Row, column, text, before string) string {
	switch found := d.machines[strings.ToLower(text)]; {
	case text == "":
		return ""
	case len(found) > 1:
		d.fault(row, column, "%q may be %s; want its id", text, strings.Join(found, " or "))
	case d.machines.same(text, before):
		return before
	case len(found) == 0:
		d.warn(row, column, "no machine %q has been seen yet; want an id or a serial number, unless it is still to come", text)
	}
	return text
}
