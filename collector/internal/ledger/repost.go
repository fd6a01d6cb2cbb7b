package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
)

// Re-posting puts right where activity counts when it turns out to belong elsewhere. It is done by
// device, so that no more than one device's postings are in memory.

// repost posts anew what belongs elsewhere since this transaction.
func (s *store) repost(ctx context.Context, b *books) error {
	moved := slices.SortedFunc(maps.Keys(b.changes.moved), func(x, y *device) int { return int(x.number - y.number) })
	for _, d := range moved {
		if err := s.repostDevice(ctx, b, d); err != nil {
			return fmt.Errorf("post anew %s: %w", d.id, err)
		}
	}
	return s.redoMonths(ctx, b)
}

// held is activity as an account holds it.
type held struct {
	activity
	account *account
}

func (s *store) repostDevice(ctx context.Context, b *books, d *device) error {
	all, places, err := s.heldBy(ctx, d)
	if err != nil {
		return err
	}
	counters := make(map[int64]*counter, len(d.counters))
	for _, c := range d.counters {
		counters[c.number] = c
	}
	for _, h := range all {
		to := b.accountOf(d, h.to, h.flags)
		if to == h.account {
			continue
		}
		c := counters[h.counter].series()
		for _, p := range []posting{
			{h.number, h.account, c, places.free(h.account, c, h.to), -h.count},
			{h.number, to, c, places.free(to, c, h.to), h.count},
		} {
			b.changes.postings = append(b.changes.postings, p)
			b.sum(h.activity, p.account, p.count)
		}
	}
	return s.writePostings(ctx, b)
}

// places are the instants that are taken, by series of an account.
type places map[placeKey]bool

type placeKey struct {
	account int64
	series
	at wire.Time
}

// free takes the first free instant from at on.
func (p places) free(a *account, s series, at wire.Time) wire.Time {
	for p[placeKey{a.number, s, at}] {
		at++
	}
	p[placeKey{a.number, s, at}] = true
	a.follows(s, at)
	return at
}

// heldBy is all activity of a device, in its order, each in the account where it is, and what
// instants are taken there.
func (s *store) heldBy(ctx context.Context, d *device) ([]held, places, error) {
	type key struct{ activity, account int64 }
	sums := make(map[key]*held)
	taken := make(places)
	counters := make(map[int64]series, len(d.counters))
	for _, c := range d.counters {
		counters[c.number] = c.series()
	}
	gone, err := readPurged(ctx, s.conn)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range d.accounts {
		const query = "SELECT activity.id, counter, from_at, to_at, flags, postings.at, postings.count " +
			"FROM postings JOIN activity ON activity.id = activity WHERE account = %d AND activity.id > %d"
		err := each(ctx, s.conn, fmt.Sprintf(query, a.number, gone["activity"].ID), func(read func(...any) error) error {
			var x activity
			var at wire.Time
			var count int64
			if err := read(&x.number, &x.counter, &x.from, &x.to, &x.flags, &at, &count); err != nil {
				return err
			}
			taken[placeKey{a.number, counters[x.counter], at}] = true
			h := sums[key{x.number, a.number}]
			if h == nil {
				h = &held{x, a}
				sums[key{x.number, a.number}] = h
			}
			h.count += count
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	all := make([]held, 0, len(sums))
	for _, h := range sums {
		if h.count != 0 {
			all = append(all, *h)
		}
	}
	slices.SortFunc(all, func(x, y held) int { return int(x.number - y.number) })
	return all, taken, nil
}

// rezoned is an account that has another time zone than before.
type rezoned struct {
	*account
	before, after *calendar
	last          int64 // posting by the zone before; whoever changes zones has posted nothing yet
}

// redoMonths cuts the months of accounts anew whose time zone changed. What was given up stays as it was cut.
func (s *store) redoMonths(ctx context.Context, b *books) error {
	if len(b.changes.rezoned) == 0 {
		return nil
	}
	gone, err := readPurged(ctx, s.conn)
	if err != nil {
		return err
	}
	if err := s.writePostings(ctx, b); err != nil { // the accounts
		return err
	}
	for _, a := range b.changes.rezoned {
		const query = "SELECT counter, from_at, to_at, postings.count FROM postings JOIN activity ON activity.id = activity " +
			"WHERE account = %d AND activity.id > %d AND postings.id <= %d"
		if err := each(ctx, s.conn, fmt.Sprintf(query, a.number, gone["activity"].ID, a.last), func(read func(...any) error) error {
			var x activity
			err := read(&x.counter, &x.from, &x.to, &x.count)
			key := postedKey{a.number, x.counter}
			b.changes.addMonth(a.before, key, x, -x.count)
			b.changes.addMonth(a.after, key, x, x.count)
			return err
		}); err != nil {
			return fmt.Errorf("months of account %d: %w", a.number, err)
		}
		if err := s.writeSums(ctx, &b.changes); err != nil {
			return err
		}
	}
	return nil
}

// postAll posts all activity: the books were kept before there were postings.
func (s *store) postAll(ctx context.Context, b *books) error {
	counters := make(map[int64]*counter)
	for _, d := range b.devices {
		for _, c := range d.counters {
			counters[c.number] = c
		}
	}
	const atOnce = 20_000
	const query = "SELECT id, counter, from_at, to_at, count, flags FROM activity WHERE id > %d ORDER BY id LIMIT %d"
	last := int64(0)
	for n := atOnce; n == atOnce; {
		n = 0
		if err := each(ctx, s.conn, fmt.Sprintf(query, last, atOnce), func(read func(...any) error) error {
			var x activity
			if err := read(&x.number, &x.counter, &x.from, &x.to, &x.count, &x.flags); err != nil {
				return err
			}
			n, last = n+1, x.number
			c := counters[x.counter]
			if c == nil {
				return fmt.Errorf("activity %d has no counter", x.number)
			}
			b.post(x, c, b.accountOf(c.device, x.to, x.flags), x.count)
			return nil
		}); err != nil {
			return fmt.Errorf("post all activity: %w", err)
		}
		if err := s.writePostings(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// behind tells whether the file was kept before there were postings, or with another time zone.
func (s *store) behind(ctx context.Context, location string) (behind bool, err error) {
	const query = "SELECT EXISTS (SELECT 1 FROM activity) AND NOT EXISTS (SELECT 1 FROM postings) OR " +
		"EXISTS (SELECT 1 FROM accounts LEFT JOIN sites ON sites.id = accounts.site " +
		"WHERE zone <> COALESCE(NULLIF(time_zone, ''), ?))"
	rows, err := s.conn.QueryContext(ctx, query, location)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&behind)
	}
	return behind, errors.Join(err, rows.Err())
}
