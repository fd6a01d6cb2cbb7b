package ledger

import (
	"context"
	"fmt"
	"maps"

	"github.com/zerofax/zerofax/agent/wire"
)

// balanced checks that the postings of each activity add up to it, are in one account in the end,
// and that all sums are those of the postings; computed here by maps, in memory.
func balanced(t interface{ Fatalf(string, ...any) }, l *Ledger) {
	ctx := context.Background()
	scan := func(query string, scan func(read func(...any) error) error) {
		if err := each(ctx, l.readers, query, scan); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	open := make(map[int64]int64) // by activity: what is not posted
	scan("SELECT id, count FROM activity", func(read func(...any) error) error {
		var id, count int64
		err := read(&id, &count)
		open[id] = count
		return err
	})
	zones := make(map[int64]string)
	scan("SELECT id, zone FROM accounts", func(read func(...any) error) error {
		var id int64
		var zone string
		err := read(&id, &zone)
		zones[id] = zone
		return err
	})
	held := make(map[string]int64)
	taken := make(map[string]bool)
	want := make(map[string]int64)
	b := books{location: l.zone, calendars: make(map[string]*calendar)}
	scan("SELECT activity, account, counter, postings.at, postings.count, from_at, to_at, measure, unit FROM postings "+
		"JOIN activity ON activity.id = activity JOIN counters ON counters.id = counter", func(read func(...any) error) error {
		var activity, account, counter, count int64
		var at, from, to wire.Time
		var measure wire.Measure
		var unit string
		err := read(&activity, &account, &counter, &at, &count, &from, &to, &measure, &unit)
		open[activity] -= count
		held[fmt.Sprint(activity, " ", account)] += count
		key := fmt.Sprint(account, DirectionOf(measure), unit, at)
		if taken[key] || at < to || at > to+1000 {
			t.Fatalf("posting at %d of %d: taken already, or too far away", at, to)
		}
		taken[key] = true
		zone := b.calendar(zones[account])
		month := MonthOf(to, zone.zone)
		want[fmt.Sprint("ever ", account, counter)] += count
		want[fmt.Sprint("hour ", account, counter, int64(to-to%hour))] += count
		want[fmt.Sprint("month ", account, counter, month)] += count
		if from < month.In(zone.zone) {
			want[fmt.Sprint("straddling ", account, counter, month)] += count
		}
		return err
	})
	maps.DeleteFunc(open, func(_, n int64) bool { return n == 0 })
	maps.DeleteFunc(held, func(_ string, n int64) bool { return n == 0 })
	if activities := count(l, "activity"); len(open) > 0 || len(held) != activities {
		t.Fatalf("activities: %d, of which in one account: %d, not posted: %v", activities, len(held), open)
	}
	got := make(map[string]int64)
	scan("SELECT account, counter, count FROM posted", func(read func(...any) error) error {
		var account, counter, count int64
		err := read(&account, &counter, &count)
		got[fmt.Sprint("ever ", account, counter)] += count
		return err
	})
	scan("SELECT account, counter, hour, count FROM posted_hours", func(read func(...any) error) error {
		var account, counter, hour, count int64
		err := read(&account, &counter, &hour, &count)
		got[fmt.Sprint("hour ", account, counter, hour)] += count
		return err
	})
	scan("SELECT account, counter, month, count, straddling FROM posted_months", func(read func(...any) error) error {
		var account, counter, count, straddling int64
		var month Month
		err := read(&account, &counter, &month, &count, &straddling)
		got[fmt.Sprint("month ", account, counter, month)] += count
		got[fmt.Sprint("straddling ", account, counter, month)] += straddling
		return err
	})
	for _, m := range []map[string]int64{got, want} {
		maps.DeleteFunc(m, func(_ string, n int64) bool { return n == 0 })
	}
	if !maps.Equal(got, want) {
		t.Fatalf("sums:\ngot  %v\nwant %v", got, want)
	}
}

// count is how many rows a table has.
func count(l *Ledger, table string) (n int) {
	err := each(context.Background(), l.readers, "SELECT COUNT(*) FROM "+table, func(read func(...any) error) error { return read(&n) })
	if err != nil {
		panic(err)
	}
	return n
}
