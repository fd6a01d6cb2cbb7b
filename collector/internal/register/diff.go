package register

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Diff is what is another between two registers, as people see it: by things, not by versions.
type Diff struct {
	Changes   []Change // by what they are and id
	Unchanged int      // of what the table is of

	of string
}

// Change is what happened to a thing.
type Change struct {
	Done   string // new, changed, removed
	What   string // establishment, site, pole, service, UF, line, machine, target, address, month
	ID     string
	Fields []FieldChange // empty where it was removed
}

// FieldChange is what happened to a field. Things have names, and days are as in 2026-12-31.
type FieldChange struct {
	Field, Before, After string
}

// Compare tells what is another.
func Compare(before, after ledger.Register) Diff {
	return compare("line", sights(&before), sights(&after), [2]directory{newDirectory(&before), newDirectory(&after)})
}

// compare tells what is another, and how many things of one kind are not.
func compare(of string, old, now map[thingKey]sight, names [2]directory) Diff {
	diff := Diff{of: of}
	for _, key := range slices.SortedFunc(maps.Keys(now), byOrder) {
		was, known := old[key]
		done := "changed"
		if !known {
			done = "new"
		}
		fields := changedFields(was, now[key], names)
		switch {
		case len(fields) > 0 || !known:
			diff.Changes = append(diff.Changes, Change{done, key.what, key.id, fields})
		case key.what == of:
			diff.Unchanged++
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(old), byOrder) {
		if _, still := now[key]; !still {
			diff.Changes = append(diff.Changes, Change{Done: "removed", What: key.what, ID: key.id})
		}
	}
	return diff
}

// thingKey tells things apart.
type thingKey struct{ what, id string }

var order = []string{"establishment", "site", "pole", "service", "UF", "line", "machine", "target", "address", "month"}

func byOrder(a, b thingKey) int {
	return cmp.Or(cmp.Compare(slices.Index(order, a.what), slices.Index(order, b.what)), cmp.Compare(a.id, b.id))
}

// sight is a thing as people see it: what its fields are and were.
type sight []trait

type trait struct {
	field string
	past  []point // oldest first; empty where nothing was ever said
}

// point is a value from a time on.
type point struct {
	from  wire.Time
	value string
}

func sights(r *ledger.Register) map[thingKey]sight {
	all := make(map[thingKey]sight)
	for id, x := range r.Establishments {
		all[thingKey{"establishment", id}] = plain("name", x.Name, "FINESS", x.FINESS)
	}
	for id, x := range r.Sites {
		all[thingKey{"site", id}] = plain("name", x.Name, "establishment", x.Establishment, "commune", x.Commune, "time_zone", x.TimeZone)
	}
	for id, x := range r.Poles {
		all[thingKey{"pole", id}] = plain("name", x.Name, "establishment", x.Establishment)
	}
	for id, x := range r.Services {
		all[thingKey{"service", id}] = plain("name", x.Name, "establishment", x.Establishment, "pole", x.Pole)
	}
	for key, versions := range r.UFs {
		all[thingKey{"UF", strings.TrimPrefix(key, "/")}] = append(unitFields.sight(versions), openings(versions)...)
	}
	for id, versions := range r.Lines {
		if now, ok := ledger.Present(versions); ok && !now.Removed {
			all[thingKey{"line", id}] = lineFields.sight(versions)
		}
	}
	for id, versions := range r.Devices {
		all[thingKey{"machine", id}] = deviceFields.sight(versions)
	}
	return all
}

// openings are when a functional unit opened and closed, in each of its versions.
func openings(versions []ledger.UF) sight {
	time := func(at wire.Time) string {
		if at == 0 {
			return ""
		}
		return at.String()
	}
	var closed []point
	for _, v := range versions {
		closed = append(closed, point{v.From, time(v.To)})
	}
	return sight{{"opened", past(point{0, time(versions[0].From)})}, {"closed", past(closed...)}}
}

func plain(pairs ...string) (s sight) {
	for i := 0; i < len(pairs); i += 2 {
		s = append(s, trait{pairs[i], past(point{0, pairs[i+1]})})
	}
	return s
}

func (f fields[T]) sight(versions []T) (s sight) {
	for _, field := range f.all {
		points := make([]point, 0, len(versions))
		for i := range versions {
			points = append(points, point{*f.from(&versions[i]), *field.at(&versions[i])})
		}
		if field.timeless {
			points = []point{{0, points[len(points)-1].value}}
		}
		s = append(s, trait{field.name, past(points...)})
	}
	return s
}

// past leaves out what says the same as before.
func past(points ...point) []point {
	points = slices.CompactFunc(points, func(a, b point) bool { return a.value == b.value })
	if len(points) == 1 && points[0].value == "" {
		return nil
	}
	return points
}

// changedFields are the fields that are another, named by the directories before and after.
func changedFields(before, after sight, names [2]directory) (fields []FieldChange) {
	for i, now := range after {
		var was []point
		if i < len(before) {
			was = before[i].past
		}
		if slices.Equal(was, now.past) {
			continue
		}
		old, value := names[0].newest(now.field, was), names[1].newest(now.field, now.past)
		if old == value || len(was) == 0 && now.past[0].value == "" { // a first value that doesn't hold for all times
			old, value = names[0].story(now.field, was), names[1].story(now.field, now.past)
		}
		fields = append(fields, FieldChange{now.field, old, value})
	}
	return fields
}

// newest is the last value, as people know it.
func (d directory) newest(field string, past []point) string {
	if len(past) == 0 {
		return ""
	}
	return d.word(field, past[len(past)-1].value)
}

// story is all values with their beginnings.
func (d directory) story(field string, past []point) string {
	words := make([]string, len(past))
	for i, p := range past {
		words[i] = orEmpty(d.word(field, p.value))
		if p.from != 0 {
			words[i] += " since " + p.from.Std().Format(time.RFC3339)
		}
	}
	return strings.Join(words, ", ")
}

func (d directory) word(field, value string) string {
	switch k := kind(field); k {
	case establishment, site, pole, service:
		return d.name(k, value)
	}
	return value
}

func orEmpty(value string) string {
	return cmp.Or(value, "(empty)")
}

// Empty tells whether there is no change.
func (d Diff) Empty() bool { return len(d.Changes) == 0 }

// Print writes the diff for people to read.
func (d Diff) Print(w io.Writer) error {
	if err := printChanges(w, d.Changes); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, d.Summary())
	return err
}

func printChanges(w io.Writer, changes []Change) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range changes {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.Done, c.What, c.ID, c.in(0))
		for i := 1; i < len(c.Fields) && c.Done == "changed"; i++ {
			fmt.Fprintf(table, "\t\t\t%s\n", c.in(i))
		}
	}
	return table.Flush()
}

// in is a change's field i as text; of a new thing all fields.
func (c Change) in(i int) string {
	switch {
	case len(c.Fields) == 0:
		return ""
	case c.Done == "changed":
		f := c.Fields[i]
		return fmt.Sprintf("%s: %s → %s", f.Field, orEmpty(f.Before), orEmpty(f.After))
	}
	words := make([]string, 0, len(c.Fields))
	for _, f := range c.Fields {
		if f.After != c.ID {
			words = append(words, strings.TrimSpace(f.Field+" "+f.After))
		}
	}
	return strings.Join(words, ", ")
}

func many(what string) string {
	if strings.HasSuffix(what, "s") {
		return what + "es"
	}
	return what + "s"
}

// Summary counts: « lines: 3 new, 1 changed, 0 removed, 12 unchanged ».
func (d Diff) Summary() string {
	counts := make(map[[2]string]int)
	for _, c := range d.Changes {
		counts[[2]string{c.What, c.Done}]++
	}
	var parts []string
	for _, what := range order {
		added, changed, removed := counts[[2]string{what, "new"}], counts[[2]string{what, "changed"}], counts[[2]string{what, "removed"}]
		switch {
		case what == d.of:
			parts = append(parts, fmt.Sprintf("%s: %d new, %d changed, %d removed, %d unchanged", many(what), added, changed, removed, d.Unchanged))
		case added+changed+removed > 0:
			parts = append(parts, fmt.Sprintf("%s: %d new, %d changed, %d removed", many(what), added, changed, removed))
		}
	}
	return strings.Join(parts, "; ")
}
