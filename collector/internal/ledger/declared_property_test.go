package ledger

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
)

// People declare lines and devices at any time, for any time, and change their minds.

func (w *world) declare() {
	change := w.newDeclaration()
	err := w.ledger.Declare(context.Background(), Author{Who: "anne"}, func(r Register) (Register, error) {
		change(&r)
		return r, nil
	})
	if err != nil {
		w.Fatalf("declare: %v", err)
	}
}

// newDeclaration draws a change of the register.
func (w *world) newDeclaration() func(*Register) {
	pick := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(w.T, what) }
	device := func(what string) string {
		return pick(what, "", "KYOCERA-X0", "kyocera-x1", "kyocera-x2", "s1", "S2", "s3")
	}
	place := Place{
		Establishment: pick("establishment", "", "chu"), Site: pick("site", "", "paris", "reunion"),
		Pole: pick("pole", "", "p1"), Service: pick("service", "", "s1", "s2"),
	}
	from := wire.TimeOf(w.now.Add(time.Duration(rapid.IntRange(-7200, 3600).Draw(w.T, "from")) * time.Second))
	switch pick("kind", "line", "line", "line", "no line", "device", "zone") {
	case "line":
		v := Declaration{
			Line: pick("line", "l1", "l2", "l3"), Device: device("device"), Place: place,
			Removed: rapid.IntRange(0, 4).Draw(w.T, "removed") == 0,
		}
		if rapid.IntRange(0, 2).Draw(w.T, "has gateway") == 0 {
			v.Gateway, v.GatewayPort = device("gateway"), "1"
		}
		return func(r *Register) {
			if versions := r.Lines[v.Line]; len(versions) > 0 {
				v.From = max(from, versions[len(versions)-1].From+1)
			}
			r.Lines[v.Line] = append(r.Lines[v.Line], v)
		}
	case "no line":
		line := pick("line", "l1", "l2", "l3")
		return func(r *Register) { delete(r.Lines, line) }
	case "device":
		v := DeclaredDevice{Device: pick("device", "kyocera-x0", "s1"), Place: place}
		return func(r *Register) {
			if versions := r.Devices[v.Device]; len(versions) > 0 {
				v.From = max(from, versions[len(versions)-1].From+1)
			}
			r.Devices[v.Device] = append(r.Devices[v.Device], v)
		}
	}
	zone := pick("zone", "", "Indian/Reunion", "Europe/Paris", "nowhere")
	return func(r *Register) { r.Sites["reunion"] = Site{ID: "reunion", TimeZone: zone} }
}

// placed checks that all activity is where it belongs by what is declared and known now: so it makes no
// difference when any of that was declared or found out.
func (w *world) placed() {
	if w.purges { // verified does it for what is left
		return
	}
	b, err := w.ledger.store.load(context.Background())
	if err != nil {
		w.Fatalf("load: %v", err)
	}
	devices := make(map[int64]*device)
	for _, d := range b.devices {
		for _, c := range d.counters {
			devices[c.number] = d
		}
	}
	query := "SELECT activity.id, counter, to_at, flags, " + accountColumns + " FROM postings JOIN activity ON activity.id = activity " +
		"JOIN accounts ON accounts.id = account GROUP BY activity.id, account HAVING SUM(postings.count) <> 0"
	err = each(context.Background(), w.ledger.readers, query, func(read func(...any) error) error {
		var x activity
		var got Account
		if err := read(append([]any{&x.number, &x.counter, &x.to, &x.flags}, got.fields()...)...); err != nil {
			return err
		}
		d := devices[x.counter]
		want := b.where.account(d, x.to)
		want.Evidence = want.Evidence || x.flags&alsoReceived != 0
		if got != want {
			w.Fatalf("activity %d of %s, which ended at %d:\ngot  %+v\nwant %+v", x.number, d.id, x.to, got, want)
		}
		return nil
	})
	if err != nil {
		w.Fatalf("placed: %v", err)
	}
}

// counted checks that what is posted of a device in one direction, wherever that is, is what it really
// did. Of a gateway whose lines end at machines that count it is less.
func (w *world) counted(m *machine, way Direction, want int64) {
	if w.purges || slices.ContainsFunc(w.ledger.books.devices[m.id].stays, func(s stay) bool { return s.account.Evidence }) {
		return
	}
	s, err := w.ledger.Snapshot(context.Background())
	if err != nil {
		w.Fatalf("snapshot: %v", err)
	}
	var got int64
	for _, x := range s.Sums {
		if x.Device == m.id && DirectionOf(x.Measure) == way && !x.Evidence {
			got += x.Count
		}
	}
	if got != want {
		w.Fatalf("%s %s: got %d posted, want %d\n%s", m.id, way, got, want, w.dump())
	}
}

// audited checks that the audit log tells all: who reads it from the beginning knows what is declared.
func (w *world) audited(r *Register) {
	log, err := w.ledger.Audit(context.Background(), math.MaxInt32)
	if err != nil {
		w.Fatalf("audit: %v", err)
	}
	told := make(map[string]map[string]string) // fields by subject
	for i := len(log) - 1; i >= 0; i-- {
		x := log[i]
		if told[x.Subject] == nil {
			told[x.Subject] = versionBefore(x.Subject, told)
		}
		if told[x.Subject][x.Field] = x.After; x.After == "" {
			delete(told[x.Subject], x.Field)
		}
		if len(told[x.Subject]) == 0 {
			delete(told, x.Subject)
		}
	}
	want := make(map[string]map[string]string)
	records := r.records()
	histories := versions(records)
	for key, row := range records {
		want[key] = row.told()
		if row.table.keys > 1 && told[key] == nil { // a new version that changes nothing
			if before := row.predecessor(histories[thing(key)]); before.table != nil && maps.Equal(want[key], before.told()) {
				told[key] = want[key]
			}
		}
	}
	if !maps.EqualFunc(told, want, maps.Equal) {
		w.Fatalf("audit log\nsays %v\nwant %v", told, want)
	}
}

// told are the fields of a row that the audit log tells.
func (r record) told() map[string]string {
	fields := make(map[string]string)
	for i, field := range strings.Split(r.table.columns, ", ") {
		if value := r.text(i); value != "" && (r.table.keys == 1 || i != r.table.keys-1) {
			fields[field] = value
		}
	}
	return fields
}

// versionBefore is what a new version of a thing begins with: what was told of the one before.
func versionBefore(subject string, told map[string]map[string]string) map[string]string {
	last := ""
	for other := range told {
		if thing(other) == thing(subject) && versionOf(other) < versionOf(subject) && (last == "" || versionOf(other) > versionOf(last)) {
			last = other
		}
	}
	if last == "" {
		return make(map[string]string)
	}
	return maps.Clone(told[last])
}

// versionOf is since when a version is valid, as its row is called; what has no versions has none before.
func versionOf(subject string) int64 {
	from, _ := strconv.ParseInt(subject[strings.LastIndexByte(subject, ' ')+1:], 10, 64)
	return from
}
