package ledger

import (
	"context"
	"fmt"

	"github.com/zerofax/zerofax/agent/wire"
)

const (
	accountColumns = "accounts.establishment, accounts.site, accounts.pole, accounts.service, accounts.device, accounts.line, accounts.evidence"
	counterColumns = "counters.measure, counters.unit"
)

func (a *Account) fields() []any {
	return []any{&a.Establishment, &a.Site, &a.Pole, &a.Service, &a.Device, &a.Line, &a.Evidence}
}

// Postings are the postings after a number, in their order, at most limit.
func (l *Ledger) Postings(ctx context.Context, after int64, limit int) (postings []Posting, err error) {
	query := "SELECT postings.id, " + counterColumns + ", from_at, to_at, postings.at, postings.count, value, flags, " + accountColumns +
		" FROM postings JOIN activity ON activity.id = activity JOIN counters ON counters.id = counter JOIN accounts ON accounts.id = account" +
		fmt.Sprintf(" WHERE postings.id > %d ORDER BY postings.id LIMIT %d", after, limit)
	err = l.read(ctx, "postings", func(q querier, _ wire.Time) error {
		return each(ctx, q, query, func(read func(...any) error) error {
			var p Posting
			var flags int64
			err := read(append([]any{&p.ID, &p.Measure, &p.Unit, &p.From, &p.To, &p.At, &p.Count, &p.Value, &flags}, p.Account.fields()...)...)
			p.Wide, p.Inexact = flags&wideInterval != 0, flags&inexactEnd != 0
			postings = append(postings, p)
			return err
		})
	})
	return postings, err
}

// Months are the sums of the months from and to and of those between, by month. Of each account
// its own months, those of its site's time zone.
func (l *Ledger) Months(ctx context.Context, from, to Month) (sums []MonthSum, err error) {
	err = l.months(ctx, from, to, func(m *monthRow) { sums = append(sums, m.MonthSum) })
	return sums, err
}

// FirstMonth is the first month of which anything is known, 0 if nothing is.
func (l *Ledger) FirstMonth(ctx context.Context) (month Month, err error) {
	err = l.read(ctx, "first month", func(q querier, _ wire.Time) error {
		month, err = firstMonth(ctx, q)
		return err
	})
	return month, err
}

func firstMonth(ctx context.Context, q querier) (month Month, err error) {
	return month, each(ctx, q, "SELECT COALESCE(MIN(month), 0) FROM (SELECT MIN(month) AS month FROM posted_months UNION ALL SELECT MIN(month) FROM mssante_volumes "+
		"UNION ALL SELECT MIN(month) FROM mssante_mailbox_volumes UNION ALL SELECT MIN(from_month) FROM mssante_addresses) AS months",
		func(read func(...any) error) error { return read(&month) })
}

// Period is the same, all months together as if they were the first: what straddles is what may belong
// to the month before it.
func (l *Ledger) Period(ctx context.Context, from, to Month) (sums []MonthSum, err error) {
	at := make(map[postedKey]int)
	err = l.months(ctx, from, to, func(m *monthRow) {
		i, known := at[m.key]
		switch {
		case !known:
			at[m.key] = len(sums)
			sums = append(sums, m.MonthSum)
			if i = len(sums) - 1; m.Month != from {
				sums[i].Month, sums[i].Straddling = from, 0
			}
		default:
			sums[i].Count += m.Count
		}
	})
	return sums, err
}

// monthRow is a row of posted_months.
type monthRow struct {
	key postedKey
	MonthSum
}

// months calls take for each row of some months, by month.
func (l *Ledger) months(ctx context.Context, from, to Month, take func(*monthRow)) error {
	query := fmt.Sprintf("SELECT month, account, counter, count, straddling FROM posted_months "+
		"WHERE month >= %d AND month <= %d ORDER BY month, account, counter", from, to)
	return l.read(ctx, "months", func(q querier, _ wire.Time) error {
		// Joined here, since there are many months of few accounts, and texts are slow to read.
		accounts, err := readAccounts(ctx, q)
		if err != nil {
			return err
		}
		counters, err := readCounted(ctx, q)
		if err != nil {
			return err
		}
		var m monthRow
		to := []any{&m.Month, &m.key.account, &m.key.counter, &m.Count, &m.Straddling}
		return each(ctx, q, query, func(read func(...any) error) error {
			err := read(to...)
			c := counters[m.key.counter]
			m.Account, m.Measure, m.Unit = accounts[m.key.account], c.measure, c.unit
			take(&m)
			return err
		})
	})
}

// readAccounts are all accounts by number.
func readAccounts(ctx context.Context, q querier) (map[int64]Account, error) {
	accounts := make(map[int64]Account)
	var number int64
	var a Account
	to := append([]any{&number}, a.fields()...)
	return accounts, each(ctx, q, "SELECT id, "+accountColumns+" FROM accounts", func(read func(...any) error) error {
		err := read(to...)
		accounts[number] = a
		return err
	})
}

// counted is what a counter counts.
type counted struct {
	measure wire.Measure
	unit    string
}

// readCounted is what all counters count, by number.
func readCounted(ctx context.Context, q querier) (map[int64]counted, error) {
	counters := make(map[int64]counted)
	var number int64
	var c counted
	to := []any{&number, &c.measure, &c.unit}
	return counters, each(ctx, q, "SELECT id, "+counterColumns+" FROM counters", func(read func(...any) error) error {
		err := read(to...)
		counters[number] = c
		return err
	})
}

// Hours are the sums of the hours (UTC) that begin at from or later, and before to, by hour.
func (l *Ledger) Hours(ctx context.Context, from, to wire.Time) (sums []HourSum, err error) {
	query := "SELECT hour, count, " + counterColumns + ", " + accountColumns +
		" FROM posted_hours JOIN counters ON counters.id = counter JOIN accounts ON accounts.id = account" +
		fmt.Sprintf(" WHERE hour >= %d AND hour < %d ORDER BY hour, account, counter", from, to)
	err = l.read(ctx, "hours", func(q querier, _ wire.Time) error {
		return each(ctx, q, query, func(read func(...any) error) error {
			var s HourSum
			err := read(append([]any{&s.Hour, &s.Count, &s.Measure, &s.Unit}, s.fields()...)...)
			sums = append(sums, s)
			return err
		})
	})
	return sums, err
}

func readSums(ctx context.Context, q querier) (sums []Sum, err error) {
	accounts, err := readAccounts(ctx, q)
	if err != nil {
		return nil, err
	}
	counters, err := readCounted(ctx, q)
	if err != nil {
		return nil, err
	}
	var account, counter, count int64
	to := []any{&account, &counter, &count}
	err = each(ctx, q, "SELECT account, counter, count FROM posted ORDER BY account, counter", func(read func(...any) error) error {
		err := read(to...)
		c := counters[counter]
		sums = append(sums, Sum{accounts[account], c.measure, c.unit, count})
		return err
	})
	return sums, err
}

// Statuses are the changes of status after a number, in their order, at most limit.
func (l *Ledger) Statuses(ctx context.Context, after int64, limit int) (statuses []Status, err error) {
	err = l.read(ctx, "statuses", func(q querier, _ wire.Time) error {
		statuses, err = readStatuses(ctx, q, fmt.Sprintf("statuses.id > %d ORDER BY statuses.id LIMIT %d", after, limit))
		return err
	})
	return statuses, err
}

func readStatuses(ctx context.Context, q querier, which string) (statuses []Status, err error) {
	query := "SELECT statuses.id, statuses.at, devices.device, port, line, kind, value, statuses.agent " +
		"FROM statuses JOIN devices ON devices.id = statuses.device WHERE " + which
	err = each(ctx, q, query, func(read func(...any) error) error {
		var s Status
		err := read(&s.ID, &s.At, &s.Device, &s.Port, &s.Line, &s.Kind, &s.Value, &s.Agent)
		statuses = append(statuses, s)
		return err
	})
	return statuses, err
}

// Cursor is how far a projection has come, 0 if it never said.
func (l *Ledger) Cursor(ctx context.Context, name string) (at int64, err error) {
	err = l.read(ctx, "cursor", func(q querier, _ wire.Time) error {
		rows, err := q.QueryContext(ctx, "SELECT at FROM cursors WHERE name = ?", name)
		if err != nil {
			return err
		}
		defer rows.Close()
		if rows.Next() {
			if err := rows.Scan(&at); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	return at, err
}

// SetCursor keeps how far a projection has come.
func (l *Ledger) SetCursor(ctx context.Context, name string, at int64) error {
	return l.transact(ctx, func(b *books) error {
		b.changes.cursors[name] = at
		return nil
	})
}
