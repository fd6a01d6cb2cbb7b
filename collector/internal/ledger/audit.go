package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// auditor compares the books with each other. Raw rows are looked at as far as they are kept.
type auditor struct {
	ctx   context.Context
	conn  *sql.Conn
	books *books
	gone  map[string]purged
	Balance
}

// enough is how many disagreements of a kind are told one by one.
const enough = 20

// disagree notes a disagreement.
func (a *auditor) disagree(format string, args ...any) {
	a.Disagreements = append(a.Disagreements, fmt.Sprintf(format, args...))
}

// agree runs a query that finds disagreements: each row is who is concerned, and then what format
// takes: a number for %d, an instant for %s.
func (a *auditor) agree(format, query string, args ...any) error {
	var verbs []byte
	for i := range format {
		if format[i] == '%' {
			verbs = append(verbs, format[i+1])
		}
	}
	found := 0
	err := each(a.ctx, a.conn, query, func(read func(...any) error) error {
		var subject string
		numbers := make([]int64, len(verbs))
		to, told := []any{&subject}, make([]any, len(verbs))
		for i := range numbers {
			to = append(to, &numbers[i])
		}
		if err := read(to...); err != nil {
			return err
		}
		for i, n := range numbers {
			told[i] = n
			if verbs[i] == 's' {
				told[i] = wire.Time(n)
			}
		}
		if found++; found <= enough {
			a.disagree("%s: %s", subject, fmt.Sprintf(format, told...))
		}
		return nil
	}, args...)
	if found > enough {
		a.disagree("… and %d more like that", found-enough)
	}
	if err != nil {
		return fmt.Errorf("compare (%s): %w", format, err)
	}
	return nil
}

// count says how much there is.
func (a *auditor) count() error {
	for _, x := range []struct {
		table string
		to    *int64
	}{
		{"devices", &a.Devices},
		{"counters", &a.Counters},
		{"activity", &a.Activities},
		{"postings", &a.Postings},
		{"anomalies", &a.Anomalies},
		{"episodes", &a.Episodes},
		{"events", &a.Events},
	} {
		n, err := readNumber(a.ctx, a.conn, "SELECT COUNT(*) FROM "+x.table)
		if err != nil {
			return err
		}
		*x.to = n
	}
	return nil
}

// references follows every number and id that points to a row of another table.
func (a *auditor) references() error {
	kept := fmt.Sprintf("activity <= %d", a.gone["activity"].ID)
	for _, r := range []struct{ from, column, to, key, but string }{
		{"counters", "device", "devices", "id", "FALSE"},
		{"tallies", "counter", "counters", "id", "FALSE"},
		{"counters", "id", "tallies", "counter", "FALSE"},
		{"looks", "device", "devices", "id", "FALSE"},
		{"devices", "id", "looks", "device", "FALSE"},
		{"ports", "device", "devices", "id", "FALSE"},
		{"claims", "device", "devices", "id", "FALSE"},
		{"statuses", "device", "devices", "id", "FALSE"},
		{"streams", "agent", "agents", "id", "FALSE"},
		{"holes", "agent", "agents", "id", "FALSE"},
		{"activity", "counter", "counters", "id", "FALSE"},
		{"anomalies", "counter", "counters", "id", "counter = 0"},
		{"agents", "too_new", "anomalies", "id", "too_new = 0"},
		{"accounts", "device", "devices", "device", "FALSE"},
		{"postings", "activity", "activity", "id", kept},
		{"postings", "account", "accounts", "id", "FALSE"},
		{"posted", "account", "accounts", "id", "FALSE"},
		{"posted", "counter", "counters", "id", "FALSE"},
		{"posted_hours", "account", "accounts", "id", "FALSE"},
		{"posted_hours", "counter", "counters", "id", "FALSE"},
		{"posted_months", "account", "accounts", "id", "FALSE"},
		{"posted_months", "counter", "counters", "id", "FALSE"},
		{"events", "episode", "episodes", "id", "episode = 0"},
		{"events", "activity", "activity", "id", kept},
		{"events", "anomaly", "anomalies", "id", "anomaly = 0"},
		{"episodes", "anomaly", "anomalies", "id", "anomaly = 0"},
		{"copper", "file", "copper_files", "id", "FALSE"},
	} {
		query := fmt.Sprintf("SELECT '%[1]s', COUNT(*), MIN(%[2]s) FROM %[1]s WHERE NOT (%[5]s) AND %[2]s NOT IN (SELECT %[4]s FROM %[3]s) HAVING COUNT(*) > 0",
			r.from, r.column, r.to, r.key, r.but)
		format := fmt.Sprintf("%%d rows name a %s that is not in %s, the first of them %%d; what they say is lost", r.column, r.to)
		if r.column == "agent" || r.from == "accounts" { // these are named by ids
			query = strings.Replace(query, ", MIN("+r.column+")", "", 1)
			format = fmt.Sprintf("%%d rows name a %s that is not in %s; what they say is lost", r.column, r.to)
		}
		if err := a.agree(format, query); err != nil {
			return err
		}
	}
	return nil
}

// numbers looks for rows that vanished: rows are numbered one by one.
func (a *auditor) numbers() error {
	for _, table := range []string{
		"activity", "postings", "statuses", "accounts", "anomalies", "holes", "audit", "episodes", "events", "test_windows",
	} {
		gone := a.gone[table].ID
		if err := a.agree(fmt.Sprintf("the last number is %%d, but after %d there are %%d rows; some vanished", gone),
			fmt.Sprintf("SELECT '%[1]s', MAX(id), COUNT(*) FROM %[1]s WHERE id > %[2]d HAVING MAX(id) - %[2]d <> COUNT(*)", table, gone)); err != nil {
			return err
		}
	}
	return nil
}

// counterNamed names the counter whose number is in a column.
func counterNamed(column string) string {
	return fmt.Sprintf("COALESCE((SELECT devices.device || ' ' || measure || ' (' || rule || ')' FROM counters "+
		"JOIN devices ON devices.id = counters.device WHERE counters.id = %[1]s), 'counter ' || %[1]s)", column)
}

// accountNamed names the account whose number is in a column.
func accountNamed(column string) string {
	return fmt.Sprintf("'account ' || %[1]s || COALESCE((SELECT ' (' || TRIM(service || ' ' || device || ' ' || line) || ')' FROM accounts WHERE id = %[1]s), '')", column)
}

// counters compares what is known of each counter with the sums of what it brought.
func (a *auditor) counters() error {
	return errors.Join(
		a.agree("its total is %d, but %d is posted; one of them is wrong in all that is shown",
			"SELECT "+counterNamed("tallies.counter")+", total, COALESCE(sum, 0) FROM tallies LEFT JOIN "+
				"(SELECT counter, SUM(count) AS sum FROM posted GROUP BY counter) AS sums ON sums.counter = tallies.counter WHERE total <> COALESCE(sum, 0)"),
		a.agree("its total is %d, but %d was counted; faxes are missing in all that is shown",
			"SELECT "+counterNamed("counter")+", total, count FROM tallies WHERE total < count"),
		a.agree("its last activity is said to be at %s, but one is at %s; its line may look dormant",
			"SELECT "+counterNamed("tallies.counter")+", tallies.last_at, MAX(to_at) FROM tallies JOIN activity ON activity.counter = tallies.counter "+
				"GROUP BY tallies.counter, tallies.last_at HAVING MAX(to_at) > tallies.last_at"),
	)
}

// activity compares each activity with its postings.
func (a *auditor) activity() error {
	gone := a.gone["activity"].ID
	return errors.Join(
		a.agree("activity %d counts %d from %s to %s, which can't be",
			"SELECT "+counterNamed("counter")+", id, count, from_at, to_at FROM activity WHERE id > ? AND (count <= 0 OR from_at > to_at)", gone),
		a.agree("activity %d counts %d, its postings add up to %d; its place has too much or too little",
			"SELECT "+counterNamed("counter")+", activity.id, activity.count, COALESCE(SUM(postings.count), 0) FROM activity "+
				"LEFT JOIN postings ON postings.activity = activity.id WHERE activity.id > ? "+
				"GROUP BY activity.id HAVING activity.count <> COALESCE(SUM(postings.count), 0)", gone),
		a.agree("activity %d is posted at %s, which isn't where it ended, %s",
			"SELECT "+counterNamed("counter")+", activity.id, postings.at, to_at FROM postings JOIN activity ON activity.id = activity "+
				"WHERE activity.id > ? AND (postings.at < to_at OR postings.at > to_at + 60000)", gone),
		a.agree("%d postings of one direction and unit are at %s; in InfluxDB one hides the other",
			"SELECT "+accountNamed("account")+", COUNT(*), postings.at FROM postings JOIN activity ON activity.id = activity JOIN counters ON counters.id = counter "+
				"WHERE activity.id > ? GROUP BY account, postings.at, unit, CASE measure WHEN 'fax_sent_pages' THEN 1 WHEN 'fax_sent' THEN 1 "+
				"WHEN 'fax_pages' THEN 2 ELSE 3 END HAVING COUNT(*) > 1", gone),
	)
}

// posted compares the sums of accounts, ever and by the hour, with the postings.
func (a *auditor) posted() error {
	gone := a.gone["activity"]
	return errors.Join(
		a.agree("of counter %d %d is posted, its hours add up to %d; hours or total are wrong",
			"SELECT "+accountNamed("account")+", counter, SUM(ever), SUM(hours) FROM (SELECT account, counter, count AS ever, 0 AS hours FROM posted "+
				"UNION ALL SELECT account, counter, 0, count FROM posted_hours) AS both GROUP BY account, counter HAVING SUM(ever) <> SUM(hours)"),
		a.agree("of counter %d %d is posted, its months add up to %d; months or total are wrong",
			"SELECT "+accountNamed("account")+", counter, SUM(ever), SUM(months) FROM (SELECT account, counter, count AS ever, 0 AS months FROM posted "+
				"UNION ALL SELECT account, counter, 0, count FROM posted_months) AS both GROUP BY account, counter HAVING SUM(ever) <> SUM(months)"),
		a.agree("of counter %d, in the hour of %s, the postings add up to %d, the hour says %d",
			"SELECT "+accountNamed("account")+", counter, hour, SUM(raw), SUM(kept) FROM ("+
				"SELECT account, counter, to_at - to_at % 3600000 AS hour, postings.count AS raw, 0 AS kept FROM postings JOIN activity ON activity.id = activity "+
				"WHERE activity.id > ? AND to_at >= ? UNION ALL SELECT account, counter, hour, 0, count FROM posted_hours WHERE hour >= ?) AS both "+
				"GROUP BY account, counter, hour HAVING SUM(raw) <> SUM(kept)", gone.ID, gone.At, gone.At),
	)
}

// zonesApart is how much earlier a month may begin in one time zone than in another.
const zonesApart = 26 * hour

// months compares the months that are wholly kept with the postings. They are cut in each account's time zone;
// what was given up before that changed stays in the month of the old one.
func (a *auditor) months() error {
	gone := a.gone["activity"]
	accounts := make(map[int64]*calendar)
	for _, x := range a.books.accounts {
		if accounts[x.number] = a.books.calendar(x.zone); accounts[x.number] == nil {
			a.disagree("account %d: its time zone %q can't be; its months can't be told", x.number, x.zone)
		}
		if zone := a.books.register.Sites[x.Site].TimeZone; zone != "" && zone != x.zone && a.books.calendar(zone) != nil {
			a.disagree("account %d: its months are cut in %s, its site %s is in %s", x.number, x.zone, x.Site, zone)
		}
	}
	diff := make(map[monthKey]monthCount)
	whole := func(k monthKey) bool {
		c := accounts[k.account]
		return c != nil && k.month.In(c.zone) >= gone.At+zonesApart
	}
	err := each(a.ctx, a.conn, "SELECT month, account, counter, count, straddling FROM posted_months", func(read func(...any) error) error {
		var k monthKey
		var n monthCount
		err := read(&k.month, &k.account, &k.counter, &n.count, &n.straddling)
		if n != (monthCount{}) && whole(k) {
			diff[k] = n
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("compare months: %w", err)
	}
	err = each(a.ctx, a.conn, "SELECT account, counter, from_at, to_at, postings.count FROM postings JOIN activity ON activity.id = activity "+
		"WHERE activity.id > ?", func(read func(...any) error) error {
		var k monthKey
		var from, to wire.Time
		var count int64
		if err := read(&k.account, &k.counter, &from, &to, &count); err != nil || accounts[k.account] == nil {
			return err
		}
		var begin wire.Time
		k.month, begin = accounts[k.account].monthOf(to)
		if !whole(k) {
			return nil
		}
		n := diff[k]
		n.count -= count
		if from < begin {
			n.straddling -= count
		}
		if diff[k] = n; n == (monthCount{}) {
			delete(diff, k)
		}
		return nil
	}, gone.ID)
	for _, k := range sortedKeys(diff, func(x, y monthKey) int { return int(x.account - y.account) }) {
		a.disagree("account %d, counter %d: its month %d says %d (straddling %d) more than its postings",
			k.account, k.counter, k.month, diff[k].count, diff[k].straddling)
	}
	return err
}

// places asks the register where each activity belongs.
func (a *auditor) places() error {
	devices := make(map[int64]*device)
	for _, d := range a.books.devices {
		for _, c := range d.counters {
			devices[c.number] = d
		}
	}
	wrong := 0
	err := each(a.ctx, a.conn, "SELECT activity.id, counter, to_at, flags, "+accountColumns+" FROM postings JOIN activity ON activity.id = activity "+
		"JOIN accounts ON accounts.id = account WHERE activity.id > ? GROUP BY activity.id, account HAVING SUM(postings.count) <> 0",
		func(read func(...any) error) error {
			var x activity
			var is Account
			if err := read(append([]any{&x.number, &x.counter, &x.to, &x.flags}, is.fields()...)...); err != nil {
				return err
			}
			d := devices[x.counter]
			if d == nil {
				return nil // told by references
			}
			should := d.stays[d.stayAt(x.to)].account
			should.Evidence = should.Evidence || x.flags&alsoReceived != 0
			if is != should {
				if wrong++; wrong <= enough {
					a.disagree("%s: activity %d of %s is posted to %+v, but belongs to %+v", d.id, x.number, x.to, is, should)
				}
			}
			return nil
		}, a.gone["activity"].ID)
	if wrong > enough {
		a.disagree("… and %d more that are elsewhere", wrong-enough)
	}
	return err
}

// events compares what was judged with what it was judged from, and with what follows.
func (a *auditor) events() error {
	const after = "SELECT line, SUM(count) AS sum FROM events WHERE counted = 1 AND measure %s IN ('fax_sent', 'fax_received') GROUP BY line"
	follows := func(column, not string) string {
		return "SELECT 'line ' || line, SUM(said), SUM(sum) FROM (SELECT line, " + column + " AS said, 0 AS sum FROM after_cutoff UNION ALL " +
			"SELECT line, 0, sum FROM (" + fmt.Sprintf(after, not) + ") AS sums) AS both GROUP BY line HAVING SUM(said) <> SUM(sum)"
	}
	return errors.Join(
		a.agree("event %d says %d from %s to %s, its activity says otherwise",
			"SELECT 'line ' || line, events.id, events.count, events.from_at, events.to_at FROM events JOIN activity ON activity.id = events.activity "+
				"WHERE events.count <> activity.count OR events.from_at <> activity.from_at OR events.to_at <> activity.to_at"),
		a.agree("event %d is of another device than its activity %d",
			"SELECT 'line ' || line, events.id, events.activity FROM events JOIN activity ON activity.id = events.activity "+
				"JOIN counters ON counters.id = activity.counter JOIN devices ON devices.id = counters.device WHERE devices.device <> events.device"),
		a.agree("%d pages after its cut-off are told, its events add up to %d", follows("pages", "NOT")),
		a.agree("%d messages after its cut-off are told, its events add up to %d", follows("faxes", "")),
	)
}

// episodes compares each episode with its events.
func (a *auditor) episodes() error {
	if err := errors.Join(
		a.agree("%d of them are open at once; what comes next belongs to one only",
			"SELECT kind || ' ' || line || device || agent, COUNT(*) FROM episodes WHERE closed_at = 0 AND kind <> 'device_changed' "+
				"GROUP BY kind, line, agent, anomaly, CASE line || agent WHEN '' THEN device ELSE '' END HAVING COUNT(*) > 1"),
		a.agree("episode %d and another have the same revision %d; one of them is not told",
			"SELECT MAX(kind), MAX(id), revision FROM episodes GROUP BY revision HAVING COUNT(*) > 1"),
		a.agree("episode %d is open, but anomaly %d is closed",
			"SELECT episodes.kind, episodes.id, anomaly FROM episodes JOIN anomalies ON anomalies.id = anomaly "+
				"WHERE episodes.closed_at = 0 AND anomalies.closed_at <> 0"),
	); err != nil {
		return err
	}
	var all []*episode
	if err := each(a.ctx, a.conn, selectEpisodes+" ORDER BY id", func(read func(...any) error) error {
		e, err := readEpisode(read)
		all = append(all, e)
		return err
	}); err != nil {
		return fmt.Errorf("compare episodes: %w", err)
	}
	r := reviewer{ctx: a.ctx, store: &store{conn: a.conn}}
	for _, e := range all {
		if !e.Kind.eventful() {
			continue
		}
		again := *e
		if err := r.addUp(&again); err != nil {
			return fmt.Errorf("add up episode %d: %w", e.ID, err)
		}
		again.conclude()
		if !slices.Equal(e.sums, again.sums) || e.Count != again.Count || e.Certainty != again.Certainty || e.Unit != again.Unit {
			a.disagree("line %s: episode %d says %d %s, %s; its events say %d %s, %s", e.Line, e.ID, e.Count, e.Unit, e.Certainty,
				again.Count, again.Unit, again.Certainty)
		}
	}
	return nil
}

// cursors checks that no projection believes to have come further than there is.
func (a *auditor) cursors() error {
	return each(a.ctx, a.conn, "SELECT name, at FROM cursors ORDER BY name", func(read func(...any) error) error {
		var name string
		var at int64
		if err := read(&name, &at); err != nil {
			return err
		}
		last, what := int64(-1), ""
		switch {
		case strings.HasPrefix(name, "series/") && strings.HasSuffix(name, "/postings"):
			last, what = a.books.last.posting, "posting"
		case strings.HasPrefix(name, "series/") && strings.HasSuffix(name, "/statuses"):
			last, what = a.books.last.status, "status"
		case name == "alert":
			last, what = a.books.last.revision, "revision"
		}
		if what != "" && at > last || at < 0 {
			a.disagree("cursor %s: it is at %d, but the last %s is %d; what comes next will not be told", name, at, what, last)
		}
		return nil
	})
}

// present looks at what is still open in the present state: each fall that may prove to be a glitch waits
// among the anomalies, and what waits there is known to its counter, or for a person to decide.
func (a *auditor) present() error {
	waits := make(map[int64]bool)
	if err := each(a.ctx, a.conn, "SELECT id FROM anomalies WHERE closed_at = 0", func(read func(...any) error) error {
		var id int64
		err := read(&id)
		waits[id] = true
		return err
	}); err != nil {
		return err
	}
	known := make(map[int64]bool)
	for _, x := range a.books.agents {
		known[x.tooNew] = true
	}
	for _, d := range a.books.devices {
		for _, c := range d.counters {
			for _, x := range c.tally.Open {
				if known[x.Anomaly] = true; !waits[x.Anomaly] && !x.Jump {
					a.disagree("%s %s (%s): its fall of %s may prove to be a glitch, but anomaly %d is closed or missing", d.id, c.measure, c.rule, x.Since, x.Anomaly)
				}
			}
		}
	}
	return each(a.ctx, a.conn, "SELECT id, kind, device, agent FROM anomalies WHERE closed_at = 0", func(read func(...any) error) error {
		var id int64
		var kind AnomalyKind
		var device, agent string
		err := read(&id, &kind, &device, &agent)
		if !known[id] && kind != Jump {
			a.disagree("%s: anomaly %d (%s) is open, but nothing will ever close it", device+agent, id, kind)
		}
		return err
	})
}
