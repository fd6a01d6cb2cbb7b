package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// The books are written twice: every sum can be computed again from what it is the sum of. Verify
// does that, for all of them.

// Balance is what a comparison of all books with each other found.
type Balance struct {
	Devices, Counters, Activities, Postings, Episodes, Events, Anomalies int64

	Disagreements []string // each says who is concerned, what the books say, and what follows
}

// ErrUnbalanced means that the books contradict themselves.
var ErrUnbalanced = errors.New("the books don't balance")

// Err is ErrUnbalanced with the disagreements, nil if there are none.
func (b *Balance) Err() error {
	if len(b.Disagreements) == 0 {
		return nil
	}
	return fmt.Errorf("%w:\n  %s", ErrUnbalanced, strings.Join(b.Disagreements, "\n  "))
}

// String is what there is, in one line.
func (b *Balance) String() string {
	return fmt.Sprintf("%d devices, %d counters, %d activities, %d postings, %d anomalies, %d episodes, %d events",
		b.Devices, b.Counters, b.Activities, b.Postings, b.Anomalies, b.Episodes, b.Events)
}

// Verify checks every page of the ledger at path, and then all its books against each other, as they are
// at one instant, while others may write. Whether they agree is for Balance to say; an error means
// that it can't be told, or with ErrDamaged that the file is damaged.
func Verify(ctx context.Context, path string) (b Balance, err error) {
	db, err := openReaders(ctx, path)
	if err != nil {
		return b, fmt.Errorf("verify %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := inspect(ctx, db, "integrity_check"); err != nil {
		return b, fmt.Errorf("verify %s: %w", path, err)
	}
	if b, err = balance(ctx, db); err != nil {
		return b, fmt.Errorf("verify %s: %w", path, err)
	}
	return b, nil
}

// balance compares the books in one reading transaction.
func balance(ctx context.Context, db *sql.DB) (b Balance, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return b, judged(err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return b, judged(err)
	}
	defer func() {
		_, end := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		err = errors.Join(err, end)
	}()
	now, newest, err := schemas(ctx, conn)
	if err != nil || now != newest {
		return b, errors.Join(judged(err), wantSchema(now, newest))
	}
	a := auditor{ctx: ctx, conn: conn}
	if a.purged, err = readPurged(ctx, conn); err != nil {
		return b, judged(err)
	}
	for _, check := range []func(*auditor) error{(*auditor).count, (*auditor).sums, (*auditor).references, (*auditor).numbers, (*auditor).memory} {
		if err := check(&a); err != nil {
			return a.Balance, judged(err)
		}
	}
	return a.Balance, nil
}

func wantSchema(now, newest int64) error {
	switch {
	case now > newest:
		return fmt.Errorf("schema %d, this program knows %d: %w", now, newest, ErrNewer)
	case now < newest:
		return fmt.Errorf("schema %d, this program wants %d: start the collector with this version first", now, newest)
	}
	return nil
}

// auditor compares the books.
type auditor struct {
	ctx    context.Context
	conn   *sql.Conn
	purged map[string]purged
	Balance
}

// enough is how many disagreements of a kind are told one by one.
const enough = 20

// agree runs a query that finds disagreements: each row is who is concerned and the numbers that format takes.
func (a *auditor) agree(query, format string) error {
	found := 0
	err := each(a.ctx, a.conn, query, func(read func(...any) error) error {
		var subject string
		numbers := make([]any, strings.Count(format, "%d"))
		to := []any{&subject}
		for i := range numbers {
			numbers[i] = new(int64)
			to = append(to, numbers[i])
		}
		if err := read(to...); err != nil {
			return err
		}
		for i, n := range numbers {
			numbers[i] = *n.(*int64)
		}
		if found++; found <= enough {
			a.Disagreements = append(a.Disagreements, subject+": "+fmt.Sprintf(format, numbers...))
		}
		return nil
	})
	if found > enough {
		a.Disagreements = append(a.Disagreements, fmt.Sprintf("… and %d more like the last", found-enough))
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

// ofCounter names the counter c whose number is in column.
func ofCounter(column string) string {
	return fmt.Sprintf("COALESCE((SELECT devices.device || ' ' || measure || ' by ' || rule FROM counters JOIN devices ON devices.id = counters.device "+
		"WHERE counters.id = %[1]s), 'counter ' || %[1]s)", column)
}

// sums adds up again whatever is a sum.
func (a *auditor) sums() error {
	gone := a.purged["activity"]
	raw := fmt.Sprintf("(SELECT counter, to_at - to_at %% 3600000 AS hour, count FROM activity WHERE id > %d)", gone.ID)
	return errors.Join(
		a.agree("SELECT "+ofCounter("tallies.counter")+", total, COALESCE(hours, 0) FROM tallies LEFT JOIN "+
			"(SELECT counter, SUM(count) AS hours FROM posted_hours GROUP BY counter) AS kept ON kept.counter = tallies.counter "+
			"WHERE total <> COALESCE(hours, 0)",
			"its total is %d, its hours add up to %d; one of them is wrong in all that is shown"),
		a.agree("SELECT "+ofCounter("tallies.counter")+", total, count FROM tallies WHERE total < count",
			"its total is %d, but %d was counted; faxes are missing in all that is shown"),
		a.agree("SELECT "+ofCounter("counter")+", hour, SUM(raw), SUM(kept) FROM ("+
			"SELECT counter, hour, count AS raw, 0 AS kept FROM "+raw+" AS rows UNION ALL SELECT counter, hour, 0, count FROM posted_hours) AS both "+
			fmt.Sprintf("WHERE hour >= %d GROUP BY counter, hour HAVING SUM(raw) <> SUM(kept)", gone.At),
			"in the hour of %d its activity adds up to %d, the hour says %d; one of them is wrong"),
		a.agree("SELECT "+ofCounter("rows.counter")+", rows.hour, SUM(rows.count), COALESCE(MAX(kept.count), 0) FROM "+raw+" AS rows "+
			"LEFT JOIN (SELECT counter, hour, SUM(count) AS count FROM posted_hours GROUP BY counter, hour) AS kept ON kept.counter = rows.counter AND kept.hour = rows.hour "+
			fmt.Sprintf("WHERE rows.hour < %d GROUP BY rows.counter, rows.hour HAVING SUM(rows.count) > COALESCE(MAX(kept.count), 0)", gone.At),
			"in the hour of %d its activity adds up to %d, the hour says only %d"),
		a.agree("SELECT "+ofCounter("counter")+", id, count, from_at, to_at FROM activity WHERE count <= 0 OR from_at > to_at",
			"activity %d counts %d from %d to %d, which can't be"),
		a.agree("SELECT "+ofCounter("tallies.counter")+", tallies.last_at, MAX(to_at) FROM tallies JOIN activity ON activity.counter = tallies.counter "+
			"GROUP BY tallies.counter, tallies.last_at HAVING MAX(to_at) > tallies.last_at",
			"its last activity is said to be at %d, but there is one at %d; its line may look dormant"),
		a.agree("SELECT line, pages + faxes, COALESCE(total, 0) FROM after_cutoff LEFT JOIN "+
			"(SELECT line AS events_line, SUM(count) AS total FROM events WHERE counted = 1 GROUP BY line) AS kept ON events_line = line "+
			"WHERE pages + faxes <> COALESCE(total, 0)",
			"its total after the cut-off is %d, its events add up to %d; one of them is wrong"),
		a.agree("SELECT line, COUNT(*) FROM episodes WHERE closed_at = 0 AND kind IN ('after_cutoff', 'after_copper') "+
			"GROUP BY line, kind HAVING COUNT(*) > 1",
			"of one kind %d episodes are open, where there can be only one"),
	)
}

// references follows every number that points to a row of another table.
func (a *auditor) references() error {
	for _, r := range []struct{ from, column, to, key, but string }{
		{"counters", "device", "devices", "id", ""},
		{"tallies", "counter", "counters", "id", ""},
		{"counters", "id", "tallies", "counter", ""},
		{"looks", "device", "devices", "id", ""},
		{"devices", "id", "looks", "device", ""},
		{"ports", "device", "devices", "id", ""},
		{"claims", "device", "devices", "id", ""},
		{"streams", "agent", "agents", "id", ""},
		{"holes", "agent", "agents", "id", ""},
		{"activity", "counter", "counters", "id", ""},
		{"postings", "account", "accounts", "id", ""},
		{"posted", "account", "accounts", "id", ""},
		{"posted", "counter", "counters", "id", ""},
		{"posted_hours", "account", "accounts", "id", ""},
		{"posted_hours", "counter", "counters", "id", ""},
		{"posted_months", "account", "accounts", "id", ""},
		{"posted_months", "counter", "counters", "id", ""},
		{"anomalies", "counter", "counters", "id", "counter = 0"},
		{"events", "episode", "episodes", "id", "episode = 0"},
		{"agents", "too_new", "anomalies", "id", "too_new = 0"},
	} {
		query := fmt.Sprintf("SELECT '%[1]s', COUNT(*) FROM %[1]s WHERE NOT (%[5]s) AND %[2]s NOT IN (SELECT %[4]s FROM %[3]s) HAVING COUNT(*) > 0",
			r.from, r.column, r.to, r.key, orText(r.but, "FALSE"))
		if err := a.agree(query, fmt.Sprintf("%%d rows name a %s that is not in %s; what they say is lost", r.column, r.to)); err != nil {
			return err
		}
	}
	return nil
}

// numbers looks for rows that vanished: rows are numbered one by one.
func (a *auditor) numbers() error {
	for _, table := range []string{"activity", "anomalies", "holes", "audit", "events", "episodes", "test_windows"} {
		gone := a.purged[table].ID
		query := fmt.Sprintf("SELECT '%[1]s', MAX(id), COUNT(*) FROM %[1]s WHERE id > %[2]d HAVING MAX(id) - %[2]d <> COUNT(*)", table, gone)
		if err := a.agree(query, fmt.Sprintf("the last number is %%d, but after %d there are %%d rows; some vanished", gone)); err != nil {
			return err
		}
	}
	return nil
}

// memory loads the books as the collector does, and looks at what is still open.
func (a *auditor) memory() error {
	b, err := (&store{conn: a.conn}).load(a.ctx)
	if err != nil {
		a.Disagreements = append(a.Disagreements, fmt.Sprintf("the present state can't be loaded: %v; the collector can't book anything", err))
		return nil
	}
	open := make(map[int64]bool)
	if err := each(a.ctx, a.conn, "SELECT id FROM anomalies WHERE closed_at = 0 AND kind <> 'update_collector'", func(read func(...any) error) error {
		var id int64
		err := read(&id)
		open[id] = true
		return err
	}); err != nil {
		return err
	}
	for _, d := range b.devices {
		for _, c := range d.counters {
			a.excursions(d, c, open)
		}
	}
	return a.decided(open)
}

// excursions checks that each fall of a counter that may prove to be a glitch waits in the list of anomalies.
func (a *auditor) excursions(d *device, c *counter, open map[int64]bool) {
	for _, x := range c.tally.Open {
		if !open[x.Anomaly] && !x.Jump {
			a.Disagreements = append(a.Disagreements, fmt.Sprintf("%s %s by %s: its fall at %s may prove to be a glitch, but anomaly %d is closed or missing",
				d.id, c.measure, c.rule, x.Since, x.Anomaly))
		}
		delete(open, x.Anomaly)
	}
}

// decided checks that what is still undecided can be decided: falls by the counter, jumps by a person.
func (a *auditor) decided(open map[int64]bool) error {
	return each(a.ctx, a.conn, "SELECT id, kind, device FROM anomalies WHERE closed_at = 0", func(read func(...any) error) error {
		var id int64
		var kind AnomalyKind
		var device string
		err := read(&id, &kind, &device)
		if open[id] && kind != Jump {
			a.Disagreements = append(a.Disagreements, fmt.Sprintf("%s: anomaly %d (%s) is open, but nothing will ever close it", device, id, kind))
		}
		return err
	})
}

// purged is how far the raw rows of a table are gone.
type purged struct {
	ID int64     // rows up to it
	At wire.Time // what happened then or later is all there
}

func readPurged(ctx context.Context, q querier) (map[string]purged, error) {
	all := make(map[string]purged)
	return all, each(ctx, q, "SELECT name, id, at FROM purged", func(read func(...any) error) error {
		var name string
		var p purged
		err := read(&name, &p.ID, &p.At)
		all[name] = p
		return err
	})
}

func orText(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
