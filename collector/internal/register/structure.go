package register

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// PlanStructure says what a table of establishments, sites, poles, services and functional units
// changes. A row names one or several of them, each within the one before; an id column beside a
// name renames. What the table doesn't name stays. The error is Faults.
func PlanStructure(r ledger.Register, t *Table, o Options) (Plan, error) {
	d := &structureDraft{draft: newDraft(r, t, o), names: make(map[attribute]telling), drafted: make(map[string][]draftedUnit)}
	for _, row := range t.Rows {
		d.row(row)
	}
	d.settle(true)
	for _, key := range slices.Sorted(maps.Keys(d.drafted)) {
		d.unitIs(key, d.drafted[key])
	}
	return d.plan()
}

type structureDraft struct {
	*draft
	names   map[attribute]telling
	drafted map[string][]draftedUnit // by key
}

// draftedUnit is what a row says of a functional unit.
type draftedUnit struct {
	row            Row
	opened, closed ledger.Day
	ledger.UF
}

func (d *structureDraft) row(row Row) {
	in := d.named(row, establishment, "")
	if text, given := d.get(row, "finess"); given && in == "" && text != "" {
		if found := d.byFINESS(text); len(found) == 1 {
			in = found[0]
		} else {
			d.fault(row, "finess", "%q belongs to an establishment; want the column establishment (établissement)", text)
		}
	} else if given && in != "" {
		code, doubt := finess(text)
		if doubt != "" {
			d.warn(row, "finess", "%s", doubt)
		}
		d.tell(row, "finess", establishment, in, code)
	}
	if !d.has("establishment") && !d.has("establishment_id") && in == "" && len(d.Establishments) == 1 {
		in = d.ids(establishment)[0]
	}
	p := ledger.Place{Establishment: in}
	p.Site = d.named(row, site, in)
	d.adopt(site, p.Site, &p)
	d.describe(row, &p)
	p.Service = d.named(row, service, p.Establishment)
	d.adopt(service, p.Service, &p)
	p.Pole = d.named(row, pole, p.Establishment)
	d.adopt(pole, p.Pole, &p)
	for _, k := range []kind{site, service, pole} {
		d.within(row, k, &p)
	}
	if p.Service != "" && (d.has("pole") || d.has("pole_id")) {
		d.tell(row, "pole", service, p.Service, p.Pole)
	}
	d.unitOf(row, p)
}

// named is the thing of a kind that a row names, by id or by name.
func (d *structureDraft) named(row Row, k kind, in string) string {
	name, _ := d.get(row, string(k))
	id, _ := d.get(row, string(k)+"_id")
	if id == "" {
		return d.member(row, k, in, name)
	}
	before, _, known := d.thing(k, id)
	switch {
	case !known && !isID(id):
		d.fault(row, string(k)+"_id", "%q is no id; want small letters, digits and - only", id)
		return ""
	case !known:
		d.add(k, in, name, id)
	case name != "" && name != before:
		d.tellName(row, k, in, id, name)
	}
	return id
}

// tellName renames a thing; two rows must not give it two names.
func (d *structureDraft) tellName(row Row, k kind, in, id, name string) {
	key := attribute{k, id, "name"}
	if before, twice := d.names[key]; twice && before.value != name {
		d.fault(row, string(k), "%s %s is called %q here and %q in row %d; want one of them", k, id, name, before.value, before.row.Number)
		return
	}
	if others := d.find(k, in, name); k != establishment && slices.ContainsFunc(others, func(other string) bool { return other != id }) {
		d.fault(row, string(k), "%q is the name of %s already; want another name for %s", name, strings.Join(others, ", "), id)
		return
	}
	d.names[key] = telling{name, row}
	d.rename(k, id, name)
}

// unitOf reads a row's functional unit.
func (d *structureDraft) unitOf(row Row, p ledger.Place) {
	code, _ := d.get(row, "uf")
	name, _ := d.get(row, "uf_name")
	u := draftedUnit{row: row, UF: ledger.UF{Establishment: p.Establishment, Code: code, Service: p.Service, Name: name}}
	u.opened, u.closed = d.day(row, "opened"), d.day(row, "closed")
	switch {
	case code == "" && (name != "" || u.opened != "" || u.closed != ""):
		d.fault(row, "uf", "is empty; want the code of the functional unit")
	case code == "":
	case u.closed != "" && u.closed <= u.opened:
		d.fault(row, "closed", "%s is not after its opening, %s", u.closed, u.opened)
	default:
		if u.closed >= "2200" { // 31/12/9999: for good
			u.closed = ""
		}
		u.From, u.To = max(0, u.opened.In(d.o.Zone)), max(0, u.closed.In(d.o.Zone))
		d.drafted[u.Key()] = append(d.drafted[u.Key()], u)
	}
}

// unitIs gives a functional unit what its rows say: one row is what it is at present, several are
// all its versions.
func (d *structureDraft) unitIs(key string, rows []draftedUnit) {
	before := d.UFs[key]
	var after []ledger.UF
	if len(rows) == 1 {
		after = d.oneVersion(rows[0], before)
	} else {
		after = d.allVersions(rows, before)
	}
	d.UFs[key] = after
	d.moveWith(before, after)
}

func (d *structureDraft) oneVersion(u draftedUnit, before []ledger.UF) []ledger.UF {
	if len(before) == 0 {
		return []ledger.UF{u.UF}
	}
	values := make(map[string]string)
	if d.has("uf_name") {
		values["name"] = u.Name
	}
	if d.has("service") || d.has("service_id") {
		values["service"] = u.Service
	}
	after := unitFields.revise(before, d.since(""), d.now(), values)
	if d.has("opened") && !d.sameDay(after[0].From, u.opened) && (len(after) == 1 || u.From < after[1].From) {
		after[0].From = u.From
	}
	if last := &after[len(after)-1]; d.has("closed") && !d.sameDay(last.To, u.closed) {
		last.To = u.To
	}
	return after
}

// allVersions are those that rows list. An instant within the day that a row says stays.
func (d *structureDraft) allVersions(rows []draftedUnit, before []ledger.UF) []ledger.UF {
	slices.SortStableFunc(rows, func(a, b draftedUnit) int { return cmp.Compare(a.From, b.From) })
	var after []ledger.UF
	for i, u := range rows {
		if i > 0 && u.UF == rows[i-1].UF { // listed for each site, or the like
			continue
		}
		if i > 0 && (u.From == rows[i-1].From || rows[i-1].To > u.From) {
			d.fault(u.row, "uf", "functional unit %s is in row %d too, for the same time; want each time once, by opened and closed", u.Code, rows[i-1].row.Number)
			return nil
		}
		for _, old := range before {
			if d.sameDay(old.From, u.opened) {
				u.From = old.From
			}
			if old.To != 0 && d.sameDay(old.To, u.closed) {
				u.To = old.To
			}
		}
		after = append(after, u.UF)
	}
	return after
}

func (d *structureDraft) sameDay(at wire.Time, day ledger.Day) bool {
	if at == 0 {
		return day == ""
	}
	return dayOf(at.Std(), d.o.Zone) == day
}

// moveWith moves what has a functional unit, and the service that it had, to its new service.
func (d *structureDraft) moveWith(before, after []ledger.UF) {
	old, known := ledger.Present(before)
	now, _ := ledger.Present(after)
	if !known || old.Service == now.Service || now.Service == "" {
		return
	}
	d.follow(func(p ledger.Place) bool {
		return p.UF == now.Code && p.Establishment == now.Establishment && p.Service == old.Service
	}, map[string]string{"service": now.Service, "pole": d.Services[now.Service].Pole})
}

// ExportStructure are the rows of the table of structure: each thing, in what it belongs to. Days
// are those of a zone.
func ExportStructure(r ledger.Register, zone *time.Location) [][]string {
	d := newDirectory(&r)
	var rows [][]string
	seen := make(map[thingKey]bool)
	day := func(at wire.Time) string {
		if at == 0 {
			return ""
		}
		return string(dayOf(at.Std(), zone))
	}
	add := func(p ledger.Place, u ledger.UF) {
		at := r.Sites[p.Site]
		seen[thingKey{"establishment", p.Establishment}], seen[thingKey{"pole", p.Pole}], seen[thingKey{"service", p.Service}] = true, true, true
		rows = append(rows, []string{
			r.Establishments[p.Establishment].Name, p.Establishment, r.Establishments[p.Establishment].FINESS,
			at.Name, p.Site, at.Commune, at.TimeZone,
			r.Poles[p.Pole].Name, p.Pole, r.Services[p.Service].Name, p.Service,
			u.Code, u.Name, day(u.From), day(u.To),
		})
	}
	for _, id := range d.ids(site) {
		add(ledger.Place{Establishment: r.Sites[id].Establishment, Site: id}, ledger.UF{})
	}
	for _, key := range slices.Sorted(maps.Keys(r.UFs)) {
		for _, u := range r.UFs[key] {
			add(ledger.Place{Establishment: u.Establishment, Pole: r.Services[u.Service].Pole, Service: u.Service}, u)
		}
	}
	for _, id := range d.ids(service) {
		if x := r.Services[id]; !seen[thingKey{"service", id}] {
			add(ledger.Place{Establishment: x.Establishment, Pole: x.Pole, Service: id}, ledger.UF{})
		}
	}
	for _, id := range d.ids(pole) {
		if !seen[thingKey{"pole", id}] {
			add(ledger.Place{Establishment: r.Poles[id].Establishment, Pole: id}, ledger.UF{})
		}
	}
	for _, id := range d.ids(establishment) {
		if !seen[thingKey{"establishment", id}] {
			add(ledger.Place{Establishment: id}, ledger.UF{})
		}
	}
	return rows
}
