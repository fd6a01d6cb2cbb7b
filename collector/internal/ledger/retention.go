package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// What happened is kept fax by fax for a time only; its sums by the hour and the month stay for good, and
// so does every total. Activity is given up in the order of its numbers: first it is noted how far,
// and from then on nobody looks at rows up to there; then they go, some at a time, so that booking never waits
// for long. Their room in the file is used again; the file doesn't get smaller.

// Outlets are projections that must have come past a row before it is given up, by their cursors' names.
type Outlets struct {
	Postings, Statuses []string
}

// Purged is how much was given up.
type Purged struct {
	Activities, Postings, Statuses, Messages int64
}

const (
	purgeAtOnce = 1000    // rows go in one transaction: a few milliseconds
	findAtOnce  = 100_000 // are looked for at once
)

// Purge gives up the details of what happened before an instant. It can be interrupted at any
// time; the next one goes on.
func (l *Ledger) Purge(ctx context.Context, before time.Time, o Outlets) (p Purged, err error) {
	at := wire.TimeOf(before)
	at -= at % hour
	to, err := l.giveUp(ctx, at, o.Postings)
	if err != nil {
		return p, fmt.Errorf("give up details: %w", err)
	}
	for _, part := range []struct {
		n     *int64
		purge func() (int64, error)
	}{
		{&p.Postings, func() (int64, error) { return l.purgePostings(ctx, to) }},
		{&p.Activities, func() (int64, error) { return l.purgeActivity(ctx, to.ID) }},
		{&p.Statuses, func() (int64, error) { return l.purgeStatuses(ctx, at, o.Statuses) }},
		{&p.Messages, func() (int64, error) { return l.purgeMessages(ctx, at) }},
	} {
		if *part.n, err = part.purge(); err != nil {
			return p, fmt.Errorf("give up details: %w", err)
		}
	}
	return p, nil
}

// giveUp notes how far activity is given up: all up to a number, of which none is later than at, and
// whose postings every outlet has.
func (l *Ledger) giveUp(ctx context.Context, at wire.Time, outlets []string) (to purged, err error) {
	err = l.alter(ctx, "note how far", func(s *store) error {
		all, err := readPurged(ctx, s.conn)
		if err != nil {
			return err
		}
		to = all["activity"]
		last, err := readNumber(ctx, s.conn, fmt.Sprintf("SELECT COALESCE((SELECT id FROM activity WHERE to_at >= %d ORDER BY id LIMIT 1), "+
			"(SELECT COALESCE(MAX(id), 0) + 1 FROM activity)) - 1", at))
		if err != nil {
			return err
		}
		passed, err := leastCursor(ctx, s.conn, outlets)
		if err != nil {
			return err
		}
		held, err := readNumber(ctx, s.conn, fmt.Sprintf("SELECT COALESCE(MIN(activity), %d) FROM postings WHERE id > %d", last+1, passed))
		if err != nil {
			return err
		}
		if last = min(last, held-1); last <= to.ID {
			return nil
		}
		to = purged{last, max(to.At, at)}
		return s.notePurged(ctx, "activity", to)
	})
	return to, err
}

// leastCursor is how far all of some projections have come.
func leastCursor(ctx context.Context, q querier, names []string) (least int64, err error) {
	least = math.MaxInt64
	for _, name := range names {
		var at int64 // one that never said has come nowhere
		if err := each(ctx, q, "SELECT at FROM cursors WHERE name = ?", func(read func(...any) error) error { return read(&at) }, name); err != nil {
			return 0, err
		}
		least = min(least, at)
	}
	return least, nil
}

// notePurged notes how far the rows of a table are gone. So no number is given twice.
func (s *store) notePurged(ctx context.Context, name string, p purged) error {
	all, err := readPurged(ctx, s.conn)
	if err != nil {
		return err
	}
	p.ID, p.At = max(p.ID, all[name].ID), max(p.At, all[name].At)
	return s.write(ctx, purgedTable, 1, func(_ int, to []any) []any { return append(to, name, p.ID, int64(p.At)) })
}

var purgedTable = table{"purged", "name, id, at", 1, false}

// purgePostings removes the postings of activity up to a number. They stand mostly, but not all, at the beginning.
func (l *Ledger) purgePostings(ctx context.Context, to purged) (n int64, err error) {
	left, err := readNumber(ctx, l.readers, fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1 FROM activity WHERE id <= %d LIMIT 1) AS some", to.ID))
	if err != nil || left == 0 {
		return 0, err
	}
	for after := int64(0); ; {
		ids, err := readNumbers(ctx, l.readers,
			fmt.Sprintf("SELECT id FROM postings WHERE id > %d AND activity <= %d ORDER BY id LIMIT %d", after, to.ID, findAtOnce))
		if err != nil || len(ids) == 0 {
			return n, err
		}
		after = ids[len(ids)-1]
		if err := l.purgeRows(ctx, "postings", to.At, ids); err != nil {
			return n, err
		}
		n += int64(len(ids))
	}
}

func (l *Ledger) purgeActivity(ctx context.Context, last int64) (n int64, err error) {
	return l.purgeAll(ctx, "activity", 0, fmt.Sprintf("SELECT id FROM activity WHERE id <= %d ORDER BY id LIMIT %d", last, findAtOnce))
}

// purgeStatuses removes the statuses before an instant, but not what stood then.
func (l *Ledger) purgeStatuses(ctx context.Context, at wire.Time, outlets []string) (n int64, err error) {
	passed, err := leastCursor(ctx, l.readers, outlets)
	if err != nil {
		return 0, err
	}
	old := fmt.Sprintf("FROM statuses WHERE at < %d AND id <= %d", at, passed)
	return l.purgeAll(ctx, "statuses", at,
		fmt.Sprintf("SELECT id %[1]s AND id NOT IN (SELECT MAX(id) %[1]s GROUP BY device, port, kind) ORDER BY id LIMIT %d", old, findAtOnce))
}

// purgeMessages removes messages that went out or were given up. How many there were is kept, and what they told: nothing
// is told twice. The last one stays, so that no number is given twice.
func (l *Ledger) purgeMessages(ctx context.Context, at wire.Time) (n int64, err error) {
	for {
		ids, err := readNumbers(ctx, l.readers, fmt.Sprintf("SELECT id FROM messages WHERE created_at < %d AND NOT (%s) AND "+
			"id < (SELECT MAX(id) FROM messages) ORDER BY id LIMIT %d", at, waiting, purgeAtOnce))
		if err != nil || len(ids) == 0 {
			return n, err
		}
		if err := l.alter(ctx, "messages", func(s *store) error {
			return errors.Join(
				s.exec(ctx, "INSERT INTO messages_gone (channel, sent, count) SELECT channel, CASE WHEN sent_at > 0 THEN 1 ELSE 0 END, COUNT(*) FROM messages "+
					"WHERE id IN ("+numberList(ids)+") GROUP BY 1, 2 ON CONFLICT (channel, sent) DO UPDATE SET count = messages_gone.count + excluded.count"),
				s.remove(ctx, "messages", ids),
			)
		}); err != nil {
			return n, err
		}
		n += int64(len(ids))
	}
}

// purgeAll removes the rows of a table that a query finds, until it finds none. All
// that happened at an instant or later stays.
func (l *Ledger) purgeAll(ctx context.Context, table string, at wire.Time, query string) (n int64, err error) {
	for {
		ids, err := readNumbers(ctx, l.readers, query)
		if err != nil || len(ids) == 0 {
			return n, err
		}
		if err := l.purgeRows(ctx, table, at, ids); err != nil {
			return n, err
		}
		n += int64(len(ids))
	}
}

// purgeRows removes rows by their numbers, some at a time.
func (l *Ledger) purgeRows(ctx context.Context, table string, at wire.Time, ids []int64) error {
	for some := range slices.Chunk(ids, purgeAtOnce) {
		if err := l.alter(ctx, table, func(s *store) error {
			if err := s.remove(ctx, table, some); err != nil {
				return err
			}
			return s.notePurged(ctx, table, purged{some[len(some)-1], at})
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) remove(ctx context.Context, table string, ids []int64) error {
	return s.exec(ctx, "DELETE FROM "+table+" WHERE id IN ("+numberList(ids)+")")
}

func readNumbers(ctx context.Context, q querier, query string) (numbers []int64, err error) {
	err = each(ctx, q, query, func(read func(...any) error) error {
		var n int64
		err := read(&n)
		numbers = append(numbers, n)
		return err
	})
	return numbers, err
}

func numberList(numbers []int64) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(numbers)), ", "), "[]")
}
