package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Rows of journals are personal data of others, and are given up after a time; what they add up to stays. They go by
// whole months. Of the day before the first month that is kept rows stay, too: a fax may have been seen before midnight
// by one witness and after it by the other.

// settleFor is how long rows stay however old they are once a file was imported: until then people may import the other
// journals of the same time, undo, and find twins.
const settleFor = 31 * day

// Forgotten is how much was given up of journals.
type Forgotten struct {
	Rows    int64
	Parties int64 // who faxed with us no more
}

// PurgeJournals gives up rows from before an instant, and numbers of others without a fax since. It also ends undoings
// that were interrupted. It can be interrupted at any time; the next one goes on.
func (l *Ledger) PurgeJournals(ctx context.Context, before time.Time) (f Forgotten, err error) {
	if err := l.FinishUndoing(ctx); err != nil {
		return f, fmt.Errorf("give up journals: %w", err)
	}
	horizon, err := l.giveUpRows(ctx, wire.TimeOf(before))
	if err == nil && horizon > 0 {
		f.Rows, err = l.forgetRows(ctx, horizon)
	}
	if err == nil && f.Rows > 0 {
		err = l.alter(ctx, "which rows imports contain", func(s *store) error {
			return s.exec(ctx, "DELETE FROM import_rows WHERE last_row < (SELECT COALESCE(MIN(id), 0) FROM journal_rows)")
		})
	}
	if err == nil && horizon > 0 {
		f.Parties, err = l.forgetParties(ctx, horizon)
	}
	if err != nil {
		return f, fmt.Errorf("give up journals: %w", err)
	}
	return f, nil
}

// giveUpRows notes from when on rows are kept, if there are any from before; 0: all ever booked are.
func (l *Ledger) giveUpRows(ctx context.Context, before wire.Time) (horizon wire.Time, err error) {
	lately := int64(wire.TimeOf(l.now()).Add(-settleFor))
	settling, err := readNumber(ctx, l.readers, fmt.Sprintf("SELECT COALESCE(MIN(first_at), %d) FROM journal_imports WHERE first_at > 0 AND touched_at > %d AND "+
		"NOT (profile = '' AND source LIKE '%s%%')", int64(before), lately, agentSource))
	if err != nil {
		return 0, err
	}
	to := MonthOf(min(before, wire.Time(settling)), l.zone).In(l.zone).Add(-day)
	old, err := readNumber(ctx, l.readers, fmt.Sprintf("SELECT COUNT(*) FROM (SELECT id FROM journal_rows WHERE at < %d LIMIT 1) AS one", int64(to)))
	if err != nil {
		return 0, err
	}
	err = l.alter(ctx, "note how far", func(s *store) error {
		if old > 0 {
			if err := s.exec(ctx, "UPDATE journal_state SET horizon = ?, revision = revision + 1 WHERE horizon < ?", int64(to), int64(to)); err != nil {
				return err
			}
		}
		now, err := readNumber(ctx, s.conn, "SELECT COALESCE(MAX(horizon), 0) FROM journal_state")
		horizon = wire.Time(now)
		return err
	})
	return horizon, err
}

func (l *Ledger) forgetRows(ctx context.Context, horizon wire.Time) (n int64, err error) {
	for after := int64(0); ; {
		ids, err := readNumbers(ctx, l.readers, fmt.Sprintf("SELECT id FROM journal_rows WHERE id > %d AND at < %d ORDER BY id LIMIT %d", after, int64(horizon), findAtOnce))
		if err != nil || len(ids) == 0 {
			return n, err
		}
		for some := range slices.Chunk(ids, purgeAtOnce) {
			if err := l.alter(ctx, "journal rows", func(s *store) error { return s.remove(ctx, "journal_rows", some) }); err != nil {
				return n, err
			}
		}
		after, n = ids[len(ids)-1], n+int64(len(ids))
	}
}

// forgetParties gives up whose numbers others are that faxed with nobody in the months that are kept.
func (l *Ledger) forgetParties(ctx context.Context, horizon wire.Time) (n int64, err error) {
	err = l.alter(ctx, "correspondents", func(s *store) error {
		lively := make(map[int64]bool)
		if err := each(ctx, s.conn, "SELECT from_party, to_party FROM pair_months JOIN pairs ON pairs.id = pair_months.id % 4294967296 WHERE pair_months.id >= ?",
			func(read func(...any) error) error {
				var from, to int64
				err := read(&from, &to)
				lively[from], lively[to] = true, true
				return err
			}, monthID(keptFrom(horizon, l.zone), 0)); err != nil {
			return err
		}
		quiet := make(map[int64]bool)
		if err := each(ctx, s.conn, "SELECT id FROM parties WHERE line = '' AND mask <> ''", func(read func(...any) error) error {
			var id int64
			err := read(&id)
			if !lively[id] {
				quiet[id] = true
			}
			return err
		}); err != nil || len(quiet) == 0 {
			return err
		}
		n = int64(len(quiet))
		for some := range slices.Chunk(slices.Sorted(maps.Keys(quiet)), readAtOnce) {
			if err := s.exec(ctx, "UPDATE parties SET pseudonym = 'gone ' || id, mask = '', name = '' WHERE id IN ("+numberList(some)+")"); err != nil {
				return err
			}
		}
		return s.exec(ctx, "UPDATE journal_state SET revision = revision + 1")
	})
	return n, err
}

// keptFrom is the first month of which all rows are kept.
func keptFrom(horizon wire.Time, zone *time.Location) Month {
	if horizon == 0 {
		return 0
	}
	return MonthOf(horizon.Add(day), zone)
}

// journals compares the books of journals with each other.
func (a *auditor) journals() error {
	for _, r := range []struct{ from, column, to string }{
		{"journal_rows", "pair", "pairs"}, {"journal_rows", "import", "journal_imports"}, {"import_rows", "import", "journal_imports"},
	} {
		if err := a.agree("%d rows of "+r.from+" are of none that is there; restore a backup",
			"SELECT '"+r.to+" ' || "+r.column+", COUNT(*) FROM "+r.from+" WHERE "+r.column+" NOT IN (SELECT id FROM "+r.to+") GROUP BY 1"); err != nil {
			return err
		}
	}
	if err := a.contained(); err != nil {
		return err
	}
	if err := a.summedRows(); err != nil {
		return err
	}
	months, err := readNumbers(a.ctx, a.conn, "SELECT month FROM flow_changes ORDER BY month")
	if err != nil {
		return err
	}
	for _, month := range months {
		if err := a.flows(Month(month)); err != nil {
			return err
		}
	}
	return nil
}

// flows compares what lines and others come to in a month with what its pairs do.
func (a *auditor) flows(month Month) error {
	kept, err := a.senders(month)
	if err != nil {
		return err
	}
	summed := make(map[string][4]int64)
	if err := eachFlow(a.ctx, a.conn, month, func(s senderMonth, r receiver) { summed[flowName(s, r.line)] = r.sum.four() }); err != nil {
		return err
	}
	differ(a, "flow", kept, summed)
	others, err := a.twoSums("SELECT month || ' ' || unit || ' ' || party, sent, received FROM party_months WHERE month = ?", int64(month))
	if err != nil {
		return err
	}
	counted, err := a.twoSums("SELECT month || ' ' || unit || ' ' || party, sent, received FROM ("+sumParties+") AS y",
		int64(month), monthID(month, 0), monthID(month+1, 0))
	differ(a, "correspondent", others, counted)
	return err
}

func flowName(s senderMonth, to string) string {
	return fmt.Sprintf("%d %s %s > %s", s.month, s.unit, s.line, to)
}

func (t *faxTally) four() [4]int64 { return [...]int64{t.done, t.failed, t.pages, t.paged} }

// senders are the flows that are kept of a month.
func (a *auditor) senders(month Month) (map[string][4]int64, error) {
	kept := make(map[string][4]int64)
	return kept, each(a.ctx, a.conn, "SELECT unit, from_line, receivers FROM flow_months WHERE month = ?", func(read func(...any) error) error {
		s, row := senderMonth{month: month}, ""
		if err := read(&s.unit, &s.line, &row); err != nil {
			return err
		}
		if err := s.eachReceiver(row, func(r receiver) { kept[flowName(s, r.line)] = r.sum.four() }); err != nil {
			a.disagree("%v", err)
		}
		return nil
	}, int64(month))
}

// differ tells of sums that are kept otherwise than pairs of numbers tell.
func differ[T comparable](a *auditor, what string, kept, summed map[string]T) {
	var none T
	for _, key := range slices.Sorted(maps.Keys(kept)) {
		if kept[key] != summed[key] {
			a.disagree("%s %s: %v, by pairs of numbers %v; the pages of flows are wrong", what, key, kept[key], summed[key])
		}
		delete(summed, key)
	}
	for _, key := range slices.Sorted(maps.Keys(summed)) {
		if summed[key] != none {
			a.disagree("%s %s: missing, by pairs of numbers %v; the pages of flows are wrong", what, key, summed[key])
		}
	}
}

func (a *auditor) twoSums(query string, args ...any) (map[string][2]int64, error) {
	sums := make(map[string][2]int64)
	err := each(a.ctx, a.conn, query, func(read func(...any) error) error {
		var key string
		var x [2]int64
		err := read(&key, &x[0], &x[1])
		sums[key] = x
		return err
	}, args...)
	return sums, errors.Join(err)
}
