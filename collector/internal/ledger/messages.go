package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
)

// MailboxCount is how many mailboxes of a service are in a state.
type MailboxCount struct {
	Month         Month // at its end, or now; 0 in a snapshot: now
	Establishment string
	Service       string
	State         MailboxState // also NoMailbox: that there were some is known
	Count         int64
}

// MSSante is what was declared of MSSanté for some months.
type MSSante struct {
	Mailboxes []MailboxCount // by month
	Messages  []Volume       // apart: they can be added up
}

// MSSante is what was declared for the months from and to and those between.
func (l *Ledger) MSSante(ctx context.Context, from, to Month) (m MSSante, err error) {
	err = l.read(ctx, "MSSanté", func(q querier, now wire.Time) error {
		if m.Mailboxes, err = readMailboxCounts(ctx, q, from, min(to, MonthOf(now, l.zone))); err != nil {
			return err
		}
		during := fmt.Sprintf("month >= %d AND month <= %d", from, to)
		volumes, err := readVolumes(ctx, q, during)
		if err != nil {
			return err
		}
		sums, err := readMailboxSums(ctx, q, during)
		m.Messages = Apart(volumes, sums)
		return err
	})
	return m, err
}

// Apart takes what was declared for services out of what was declared for all of their establishment, and that
// out of what was declared for the structure as a whole: then each message counts once, and services and what is
// left add up to the whole. Likewise what mailboxes have is taken out of what their service, or whatever they belong
// to, is said to have. Where the parts are more than the whole, they hold. What is left of a domain may be what was
// declared for services beyond their mailboxes, so only what goes beyond that, too, counts as more. Both lists are in
// their order.
func Apart(declared []Volume, mailboxes []MailboxSum) []Volume {
	apart, all := slices.Clone(declared), make([]claimed, len(declared))
	for i, v := range declared {
		all[i].declared = v
	}
	for _, s := range mailboxes {
		key := Volume{Month: s.Month, Establishment: s.Establishment, Service: s.Service}
		i, found := slices.BinarySearchFunc(apart, key, Volume.Compare)
		if !found {
			apart, all = slices.Insert(apart, i, key), slices.Insert(all, i, claimed{})
		}
		all[i].mailboxes = s
	}
	for first, last := 0, 0; first < len(apart); first = last {
		for last = first; last < len(apart) && apart[last].Month == apart[first].Month; last++ {
		}
		separate(apart[first:last], all[first:last])
	}
	return apart
}

// claimed is all that is said of a place and month.
type claimed struct {
	declared  Volume
	mailboxes MailboxSum
}

// parts are what is known of what lies within a place, and how much of it mailboxes have.
type parts struct{ all, mailboxes int64 }

func (p *parts) add(n, mailboxes *int64) {
	p.all, p.mailboxes = p.all+orZero(n), p.mailboxes+orZero(mailboxes)
}

// separate does so for one month. The structure as a whole comes first in it, and is what is left in the end.
func separate(month []Volume, said []claimed) {
	sent, received := make(map[string]parts), make(map[string]parts) // of each establishment
	add := func(to string, v *Volume, of *MailboxSum) {
		s, r := sent[to], received[to]
		s.add(v.Sent, of.Sent)
		r.add(v.Received, of.Received)
		sent[to], received[to] = s, r
	}
	for i := len(month) - 1; i >= 0; i-- {
		v, c := &month[i], &said[i]
		within, withinReceived := sent[v.Establishment], received[v.Establishment]
		if v.Service != "" {
			within, withinReceived = parts{}, parts{}
		}
		v.Sent = left(c.declared.Sent, c.mailboxes.Sent, c.mailboxes.RestSent, within)
		v.Received = left(c.declared.Received, c.mailboxes.Received, c.mailboxes.RestReceived, withinReceived)
		if v.Service != "" {
			add(v.Establishment, v, &c.mailboxes)
		}
		if v.Establishment != "" {
			add("", v, &c.mailboxes)
		}
	}
}

// left is what belongs to a place and to nothing within it; nil where nothing is said.
func left(declared, mailboxes, rest *int64, within parts) *int64 {
	if declared == nil && mailboxes == nil && rest == nil {
		return nil
	}
	n := orZero(mailboxes)
	if rest != nil {
		n += max(0, *rest-(within.all-within.mailboxes))
	}
	if declared != nil {
		n = max(n, *declared-within.all)
	}
	return &n
}

// less is what is left of a number that may not be known.
func less(n *int64, parts int64) *int64 {
	if n == nil {
		return nil
	}
	left := max(0, *n-parts)
	return &left
}

func orZero(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// Totals are the sums of all months, by place, of volumes in their order.
func Totals(declared []Volume, mailboxes []MailboxSum) (totals []Volume) {
	for _, v := range Apart(declared, mailboxes) {
		v.Month = 0
		i, known := slices.BinarySearchFunc(totals, v, Volume.Compare)
		if !known {
			totals = slices.Insert(totals, i, Volume{Establishment: v.Establishment, Service: v.Service})
		}
		totals[i].Sent, totals[i].Received = plus(totals[i].Sent, v.Sent), plus(totals[i].Received, v.Received)
	}
	return totals
}

// plus adds numbers of which either may not be known.
func plus(a, b *int64) *int64 {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	sum := *a + *b
	return &sum
}

// readTotals are the sums of all months, by place.
func readTotals(ctx context.Context, q querier) (totals []Volume, err error) {
	err = each(ctx, q, "SELECT "+totalsTable.columns+" FROM mssante_totals", func(read func(...any) error) error {
		var x Volume
		var sent, received sql.NullInt64
		err := read(&x.Establishment, &x.Service, &sent, &received)
		x.Sent, x.Received = known(sent), known(received)
		totals = append(totals, x)
		return err
	})
	slices.SortFunc(totals, Volume.Compare)
	return totals, err
}

// readMailboxesNow counts the mailboxes as they are now.
func readMailboxesNow(ctx context.Context, q querier) (counts []MailboxCount, err error) {
	query := "SELECT establishment, service, state, COUNT(*) FROM mssante_addresses WHERE until_month = 0 GROUP BY establishment, service, state " +
		"ORDER BY establishment, service, state"
	err = each(ctx, q, query, func(read func(...any) error) error {
		var x MailboxCount
		err := read(&x.Establishment, &x.Service, &x.State, &x.Count)
		counts = append(counts, x)
		return err
	})
	return counts, err
}

// readMailboxCounts counts the mailboxes at the end of each of some months: those that came in it and before, less
// those that went.
func readMailboxCounts(ctx context.Context, q querier, from, to Month) (counts []MailboxCount, err error) {
	const query = "SELECT %[1]s_month, establishment, service, state, COUNT(*) FROM mssante_addresses " +
		"WHERE %[1]s_month > 0 AND %[1]s_month <= %[2]d GROUP BY %[1]s_month, establishment, service, state"
	standing := make(map[MailboxCount]int64) // by place and state
	moves := make(map[Month][]MailboxCount)
	for which, sign := range map[string]int64{"from": 1, "until": -1} {
		err := each(ctx, q, fmt.Sprintf(query, which, to), func(read func(...any) error) error {
			var x MailboxCount
			var month Month
			err := read(&month, &x.Establishment, &x.Service, &x.State, &x.Count)
			x.Count *= sign
			moves[max(from, month)] = append(moves[max(from, month)], x)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	for m := from; m <= to; m = m.Add(1) {
		for _, x := range moves[m] {
			n := x.Count
			x.Count = 0
			if standing[x] += n; standing[x] == 0 {
				delete(standing, x)
			}
		}
		for x, n := range standing {
			x.Month, x.Count = m, n
			counts = append(counts, x)
		}
	}
	return counts, nil
}
