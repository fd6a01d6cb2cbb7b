package register

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// PlanTargets says what a table of targets changes: of the seven indicators, for the structure as a
// whole, an establishment or a pole, each from a month on. A target that the table doesn't name stays.
// Establishments and poles must be known. The error is Faults.
func PlanTargets(r ledger.Register, t *Table, o Options) (Plan, error) {
	d := &targetDraft{draft: newDraft(r, t, o), rows: make(map[ledger.Target]Row)}
	for _, column := range []string{"indicator", "value"} {
		if !t.has(column) {
			d.fault(Row{Number: 1}, "", "there is no column %s; want the columns indicator (indicateur) and value (objectif)", column)
		}
	}
	if len(d.faults) == 0 {
		for _, row := range t.Rows {
			d.row(row)
		}
	}
	if o.Replace {
		d.removeOthers()
	}
	return d.planOf("target", targetSights(&d.before), targetSights(d.Register))
}

type targetDraft struct {
	*draft
	rows map[ledger.Target]Row // by what it is of and month
}

func (d *targetDraft) row(row Row) {
	x := ledger.Target{}
	text, _ := d.get(row, "indicator")
	var err error
	if x.Indicator, err = indicatorWords.find(text); err != nil {
		d.fault(row, "indicator", "%v", err)
	}
	x.Establishment, x.Pole = d.of(row)
	from, _ := d.get(row, "from")
	if x.From, err = ReadMonth(from); err != nil {
		d.fault(row, "from", "%v, or nothing for always", err)
	}
	before, twice := d.rows[x]
	if twice && x.Indicator != "" {
		d.fault(row, "indicator", "the same target is in row %d too; want it once, or from another month", before.Number)
	}
	d.rows[x] = row
	value, _ := d.get(row, "value")
	if x.None = value == ""; !x.None {
		if x.Value, err = readCount(value); err != nil {
			d.fault(row, "value", "%v, or nothing where there is no target any more", err)
		}
	}
	d.put(x)
}

// of is what a row's target is of. A pole has its establishment, and keeps it to itself: it may get another one.
func (d *targetDraft) of(row Row) (in, division string) {
	text, _ := d.get(row, "establishment")
	in = d.one(row, establishment, "", text)
	text, _ = d.get(row, "pole")
	if division = d.one(row, pole, in, text); division != "" {
		in = ""
	}
	return in, division
}

// put takes a target over. What ends a target where there is none is none.
func (d *targetDraft) put(x ledger.Target) {
	targets := slices.Clone(d.Targets[x.Key()])
	i, found := slices.BinarySearchFunc(targets, x, ledger.Target.Compare)
	if found {
		targets[i] = x
	} else {
		targets = slices.Insert(targets, i, x)
	}
	for len(targets) > 0 && targets[0].None {
		targets = targets[1:]
	}
	d.keep(x.Key(), targets)
}

func (d *targetDraft) keep(key ledger.TargetKey, targets []ledger.Target) {
	if len(targets) == 0 {
		delete(d.Targets, key)
		return
	}
	d.Targets[key] = targets
}

// removeOthers removes the targets that the table doesn't name.
func (d *targetDraft) removeOthers() {
	if len(d.Rows) == 0 {
		d.fault(Row{}, "", "has no targets, and all others would be removed; want at least one")
	}
	for _, key := range slices.Collect(maps.Keys(d.Targets)) {
		d.keep(key, slices.DeleteFunc(slices.Clone(d.Targets[key]), func(x ledger.Target) bool {
			x.Value, x.None = 0, false
			_, named := d.rows[x]
			return !named
		}))
	}
}

// targetID is a target's indicator, place and month: active_lines of pole urgences since 2026-10.
func targetID(x ledger.Target) string {
	id := x.Indicator
	switch {
	case x.Pole != "":
		id += " of pole " + x.Pole
	case x.Establishment != "":
		id += " of " + x.Establishment
	}
	if x.From != 0 {
		id += " since " + writtenMonth(x.From)
	}
	return id
}

func targetSights(r *ledger.Register) map[thingKey]sight {
	sights := make(map[thingKey]sight)
	for _, versions := range r.Targets {
		for _, x := range versions {
			sights[thingKey{"target", targetID(x)}] = plain("value", cmp.Or(writtenTarget(x), "none"))
		}
	}
	return sights
}

func writtenTarget(x ledger.Target) string {
	if x.None {
		return ""
	}
	return strconv.FormatInt(x.Value, 10)
}

// ExportTargets are the rows of the table of targets, by indicator, place and month.
func ExportTargets(r ledger.Register) [][]string {
	d := newDirectory(&r)
	var rows [][]string
	for _, w := range indicatorWords {
		for _, x := range targetsOf(r, w.name) {
			p := d.words(r.Complete(ledger.Place{Establishment: x.Establishment, Pole: x.Pole}))
			rows = append(rows, []string{x.Indicator, p.Establishment, p.Pole, writtenTarget(x), writtenMonth(x.From)})
		}
	}
	return rows
}

// targetsOf are all targets of an indicator, by place and month.
func targetsOf(r ledger.Register, indicator string) (all []ledger.Target) {
	for key, targets := range r.Targets {
		if key.Indicator == indicator {
			all = append(all, targets...)
		}
	}
	slices.SortFunc(all, ledger.Target.Compare)
	return all
}

// WithoutTarget is a register without the target of the same indicator, place and month. What ended that one ends
// nothing any more, and goes with it.
func WithoutTarget(r ledger.Register, x ledger.Target) ledger.Register {
	r = r.Clone()
	left := slices.DeleteFunc(r.Targets[x.Key()], func(t ledger.Target) bool { return t.From == x.From })
	for len(left) > 0 && left[0].None {
		left = left[1:]
	}
	if r.Targets[x.Key()] = left; len(left) == 0 {
		delete(r.Targets, x.Key())
	}
	return r
}
