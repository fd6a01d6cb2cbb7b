package ledger

import (
	"context"
	"fmt"

	"github.com/zerofax/zerofax/agent/wire"
)

// Newest are the numbers of the last posting and the last status, also where these are given up; 0 if there
// never was one.
func (l *Ledger) Newest(ctx context.Context) (posting, status int64, err error) {
	err = l.read(ctx, "newest", func(q querier, _ wire.Time) error {
		posting, err = newest(ctx, q, "postings")
		if err == nil {
			status, err = newest(ctx, q, "statuses")
		}
		return err
	})
	return posting, status, err
}

// newest is the last number that was given in a table, also where its row is gone.
func newest(ctx context.Context, q querier, table string) (int64, error) {
	return readNumber(ctx, q, fmt.Sprintf("SELECT MAX(id) FROM (SELECT COALESCE(MAX(id), 0) AS id FROM %[1]s "+
		"UNION ALL SELECT id FROM purged WHERE name = '%[1]s') AS given", table))
}

// Standing is what the log said last of each port and device, up to the status of a number.
func (l *Ledger) Standing(ctx context.Context, status int64) (statuses []Status, err error) {
	where := fmt.Sprintf("statuses.id IN (SELECT MAX(id) FROM statuses WHERE id <= %d GROUP BY device, port, kind)", status)
	err = l.read(ctx, "statuses", func(q querier, _ wire.Time) error {
		statuses, err = readStatuses(ctx, q, where)
		return err
	})
	return statuses, err
}

// Looks are the times of the last look at each device, successful or not.
func (l *Ledger) Looks(ctx context.Context) (looks map[string]wire.Time, err error) {
	looks = make(map[string]wire.Time)
	err = l.read(ctx, "looks", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT devices.device, look_at FROM looks JOIN devices ON devices.id = looks.device", func(read func(...any) error) error {
			var device string
			var at wire.Time
			err := read(&device, &at)
			looks[device] = at
			return err
		})
	})
	return looks, err
}

// Gone is how far what happened is gone posting by posting.
type Gone struct {
	Before            wire.Time // what happened then or later is still there; the beginning of an hour, 0 = nothing is gone
	Activity, Posting int64     // the last ones that are gone, or about to go
}

// Gone is how far what happened is gone now.
func (l *Ledger) Gone(ctx context.Context) (gone Gone, err error) {
	err = l.read(ctx, "what is gone", func(q querier, _ wire.Time) error {
		all, err := readPurged(ctx, q)
		activity, postings := all["activity"], all["postings"]
		gone = Gone{Before: max(activity.At, postings.At), Activity: activity.ID, Posting: postings.ID}
		return err
	})
	return gone, err
}

// GoneHours are the sums of what isn't there posting by posting any more, by the hour (UTC): of the
// hours that begin at from or later, and before to.
func (l *Ledger) GoneHours(ctx context.Context, from, to wire.Time) (sums []HourSum, err error) {
	// A posting is at most some ms later than what it posts, and so within the next hour.
	query := fmt.Sprintf("SELECT hour, count - COALESCE((SELECT SUM(postings.count) FROM postings JOIN activity ON activity.id = activity "+
		"WHERE account = posted_hours.account AND postings.at >= hour AND postings.at < hour + 2 * %[1]d "+
		"AND activity.counter = posted_hours.counter AND to_at >= hour AND to_at < hour + %[1]d), 0), "+
		counterColumns+", "+accountColumns+
		" FROM posted_hours JOIN counters ON counters.id = counter JOIN accounts ON accounts.id = account"+
		" WHERE hour >= %[2]d AND hour < %[3]d ORDER BY hour, account, counter", hour, from, to)
	err = l.read(ctx, "hours that are gone", func(q querier, _ wire.Time) error {
		return each(ctx, q, query, func(read func(...any) error) error {
			var s HourSum
			err := read(append([]any{&s.Hour, &s.Count, &s.Measure, &s.Unit}, s.fields()...)...)
			if s.Count != 0 {
				sums = append(sums, s)
			}
			return err
		})
	})
	return sums, err
}

// Quarantine keeps what a projection could not hand on. Agent is empty, Stream says which one it was.
func (l *Ledger) Quarantine(ctx context.Context, refused []Quarantine) error {
	return l.transact(ctx, func(b *books) error {
		for _, x := range refused {
			b.last.quarantine++
			x.ID = b.last.quarantine
			b.changes.quarantine = append(b.changes.quarantine, x)
		}
		return nil
	})
}
