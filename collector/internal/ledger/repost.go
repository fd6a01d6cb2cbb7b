package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Re-posting puts right where activity counts when it turns out to belong elsewhere.

const (
	postAtOnce = 20_000             // activities in memory
	few        = 100                // devices whose activity is looked up one by one; that of more is found by reading all
	near       = wire.Time(600_000) // activities that happened within it are looked at together
)

// repost posts anew what belongs elsewhere since this transaction.
func (s *store) repost(ctx context.Context, b *books) error {
	if len(b.changes.moved) == 0 {
		return nil
	}
	r := reposter{store: s, books: b, counters: make(map[int64]*counter), accounts: make(map[int64]*account)}
	for _, d := range b.devices {
		for _, c := range d.counters {
			r.counters[c.number] = c
		}
	}
	for _, a := range b.accounts {
		r.accounts[a.number] = a
	}
	if err := r.repost(ctx); err != nil {
		return fmt.Errorf("post anew: %w", err)
	}
	clear(b.changes.moved)
	return nil
}

// reposter posts anew, some activities at a time.
type reposter struct {
	*store
	*books
	counters map[int64]*counter
	accounts map[int64]*account
	one      *device // whose activity is looked at; nil: that of all
}

func (r *reposter) repost(ctx context.Context) error {
	if len(r.changes.moved) > few {
		return r.batches(ctx, "", r.batch)
	}
	for _, d := range slices.SortedFunc(maps.Keys(r.changes.moved), func(x, y *device) int { return cmp.Compare(x.number, y.number) }) {
		r.one = d
		for _, c := range d.counters {
			where := fmt.Sprintf("counter = %d AND to_at >= %d AND ", c.number, r.changes.moved[d])
			if err := r.batches(ctx, where, r.batch); err != nil {
				return err
			}
		}
	}
	return nil
}

// where is the condition for postings to be of interest. Its accounts grow with what is posted anew.
func (r *reposter) where() string {
	if r.one == nil {
		return ""
	}
	var numbers []string
	for _, a := range r.accounts {
		if a.Device == r.one.id {
			numbers = append(numbers, fmt.Sprint(a.number))
		}
	}
	return " AND account IN (" + strings.Join(numbers, ", ") + ")"
}

// batches reads activities, in their order.
func (r *reposter) batches(ctx context.Context, where string, do func(context.Context, []activity) error) error {
	gone, err := readPurged(ctx, r.conn)
	if err != nil {
		return err
	}
	last := gone["activity"].ID
	for {
		var batch []activity
		query := fmt.Sprintf("SELECT id, counter, from_at, to_at, count, flags FROM activity WHERE %s id > %d ORDER BY id LIMIT %d",
			where, last, postAtOnce)
		if err := each(ctx, r.conn, query, func(read func(...any) error) error {
			var x activity
			err := read(&x.number, &x.counter, &x.from, &x.to, &x.count, &x.flags)
			if r.counters[x.counter] == nil {
				return errors.Join(err, fmt.Errorf("activity %d has no counter", x.number))
			}
			batch = append(batch, x)
			return err
		}); err != nil {
			return err
		}
		if len(batch) == 0 {
			return nil
		}
		last = batch[len(batch)-1].number
		if err := do(ctx, batch); err != nil {
			return err
		}
		if err := r.writePostings(ctx, r.books); err != nil {
			return err
		}
	}
}

// batch posts some activities anew.
func (r *reposter) batch(ctx context.Context, all []activity) error {
	all = slices.DeleteFunc(all, func(x activity) bool {
		since, moved := r.changes.moved[r.counters[x.counter].device]
		return !moved || x.to < since
	})
	slices.SortStableFunc(all, func(x, y activity) int { return cmp.Compare(x.to, y.to) })
	taken, where := make(map[slot]bool), r.where()
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].to-all[0].to <= near {
			n++
		}
		if err := r.together(ctx, all[:n], where, taken); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// slot is an instant in a series.
type slot struct {
	account int64
	series
	at wire.Time
}

type holding struct{ activity, account int64 }

// together posts anew activities that happened near each other, and tells what instants are taken.
func (r *reposter) together(ctx context.Context, all []activity, where string, taken map[slot]bool) error {
	held := make(map[holding]int64)
	holders := make(map[int64]int64)
	query := fmt.Sprintf("SELECT activity, account, counter, postings.at, postings.count FROM postings JOIN activity ON activity.id = activity "+
		"WHERE postings.at >= %d AND postings.at <= %d", all[0].to, all[len(all)-1].to+crowdedFor) + where
	if err := each(ctx, r.conn, query, func(read func(...any) error) error {
		var h holding
		var number, count int64
		var at wire.Time
		err := read(&h.activity, &h.account, &number, &at, &count)
		if c := r.counters[number]; c != nil {
			taken[slot{h.account, c.series(), at}] = true
		}
		held[h] += count
		return err
	}); err != nil {
		return err
	}
	for h, count := range held {
		if count != 0 {
			holders[h.activity] = h.account
		}
	}
	for _, x := range all {
		c := r.counters[x.counter]
		from, to := r.accounts[holders[x.number]], r.accountOf(c.device, x.to, x.flags)
		if from == nil {
			return fmt.Errorf("activity %d is in no account", x.number)
		}
		if from == to {
			continue
		}
		r.accounts[to.number] = to
		r.move(x, c.series(), from, -held[holding{x.number, from.number}], taken)
		r.move(x, c.series(), to, held[holding{x.number, from.number}], taken)
	}
	return nil
}

// move posts at the first instant that is free.
func (r *reposter) move(x activity, s series, a *account, count int64, taken map[slot]bool) {
	at := slot{a.number, s, x.to}
	for taken[at] {
		at.at++
	}
	taken[at] = true
	r.changes.postings = append(r.changes.postings, posting{x.number, a, s, at.at, count})
	r.sum(x, a, count)
}

// postAll posts all activity: the books were kept before there were postings.
func (s *store) postAll(ctx context.Context, b *books) error {
	if b.changes.unposted == 0 {
		return nil
	}
	r := reposter{store: s, books: b, counters: make(map[int64]*counter)}
	for _, d := range b.devices {
		for _, c := range d.counters {
			r.counters[c.number] = c
			d.curves = append(d.curves, seriesEnd{c.series(), -crowdedFor}) // the first of a series is the one that counts
		}
	}
	err := r.batches(ctx, fmt.Sprintf("id <= %d AND ", b.changes.unposted), func(_ context.Context, all []activity) error {
		for _, x := range all {
			c := r.counters[x.counter]
			b.post(x, c, b.accountOf(c.device, x.to, x.flags), x.count)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("post all activity: %w", err)
	}
	b.changes.unposted = 0
	return nil
}

// redoMonths, before anything else is posted, moves what lies in another month since the time zone of its account changed. That is
// so for little; what is no longer there in full, since only its sums are kept, stays.
func (s *store) redoMonths(ctx context.Context, b *books) error {
	if len(b.changes.rezoned) == 0 {
		return nil
	}
	gone, err := readPurged(ctx, s.conn)
	if err != nil {
		return err
	}
	accounts := make(map[int64]*account)
	numbers := make([]string, 0, len(b.changes.rezoned))
	for a := range b.changes.rezoned {
		accounts[a.number] = a
		numbers = append(numbers, fmt.Sprint(a.number))
	}
	query := "SELECT account, counter, from_at, to_at, postings.count FROM postings JOIN activity ON activity.id = activity " +
		fmt.Sprintf("WHERE activity.id > %d AND account IN (%s)", gone["activity"].ID, strings.Join(numbers, ", "))
	if err := each(ctx, s.conn, query, func(read func(...any) error) error {
		var x activity
		var number int64
		err := read(&number, &x.counter, &x.from, &x.to, &x.count)
		a := accounts[number]
		was := monthSum(b.calendar(b.changes.rezoned[a]), x)
		if is := monthSum(a.calendar, x); is != was {
			key := postedKey{number, x.counter}
			b.changes.addMonth(key, is, x.count)
			b.changes.addMonth(key, was, -x.count)
		}
		return err
	}); err != nil {
		return fmt.Errorf("months: %w", err)
	}
	clear(b.changes.rezoned)
	return s.writeSums(ctx, &b.changes)
}

// behind tells whether the file was kept before there were postings, or with another time zone.
func (s *store) behind(ctx context.Context, location string) (behind bool, err error) {
	const query = "SELECT EXISTS (SELECT 1 FROM activity) AND NOT EXISTS (SELECT 1 FROM postings) OR " +
		"EXISTS (SELECT 1 FROM accounts LEFT JOIN sites ON sites.id = accounts.site " +
		"WHERE zone <> COALESCE(NULLIF(time_zone, ''), ?))"
	err = each(ctx, s.conn, query, func(read func(...any) error) error { return read(&behind) }, location)
	return behind, err
}
