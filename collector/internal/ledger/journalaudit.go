package ledger

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// summedRows compares what the rows of journals come to with the months of their pairs, as far as rows are kept. It is
// each pair's sum over these months that is compared: in whose time zone they are isn't known here.
func (a *auditor) summedRows() error {
	horizon, err := readNumber(a.ctx, a.conn, "SELECT COALESCE(MAX(horizon), 0) FROM journal_state")
	if err != nil {
		return err
	}
	pairs, err := a.pairs()
	if err != nil {
		return err
	}
	since, month := wire.Time(0), Month(0) // of which all rows are kept
	if horizon > 0 {
		since = wire.Time(horizon).Add(day)
		month = MonthOf(since.Add(14*time.Hour), time.UTC) // where it began is no zone farther from
	}
	byRows := make(map[*pair]*faxTally, len(pairs))
	w := booking{store: &store{conn: a.conn}, phoneBook: &phoneBook{horizon: horizon}}
	if err := w.eachFax(a.ctx, pairs, "", func(f fax) {
		if f.first.at < since {
			return
		}
		if byRows[f.first.pair] == nil {
			byRows[f.first.pair] = new(faxTally)
		}
		byRows[f.first.pair].add(f.tally(), +1)
	}); err != nil {
		return err
	}
	if err := each(a.ctx, a.conn, "SELECT id % 4294967296, SUM(done), SUM(failed), SUM(pages), SUM(paged) FROM pair_months WHERE id >= ? GROUP BY 1", func(read func(...any) error) error {
		var id int64
		var x faxTally
		err := read(&id, &x.done, &x.failed, &x.pages, &x.paged)
		p := pairs[id]
		rows := faxTally{}
		if byRows[p] != nil {
			rows = *byRows[p]
			delete(byRows, p)
		}
		if rows.last = 0; rows != x {
			a.disagree("pair %d: %s, by its rows %s; the pages of flows are wrong", id, x, rows)
		}
		return err
	}, monthID(month, 0)); err != nil {
		return err
	}
	for _, p := range slices.SortedFunc(maps.Keys(byRows), func(p, q *pair) int { return int(p.id - q.id) }) {
		a.disagree("pair %d: nothing, by its rows %s; the pages of flows are wrong", p.id, byRows[p])
	}
	return nil
}

func (t faxTally) String() string {
	return fmt.Sprintf("%d faxes, %d failed, %d pages of %d", t.done, t.failed, t.pages, t.paged)
}

// pairs are all, by number.
func (a *auditor) pairs() (map[int64]*pair, error) {
	parties := make(map[int64]*party)
	if err := each(a.ctx, a.conn, "SELECT id, line FROM parties", func(read func(...any) error) error {
		x := new(party)
		err := read(&x.id, &x.line)
		parties[x.id] = x
		return err
	}); err != nil {
		return nil, err
	}
	pairs := make(map[int64]*pair)
	return pairs, each(a.ctx, a.conn, "SELECT id, unit, from_party, to_party FROM pairs", func(read func(...any) error) error {
		x := new(pair)
		var from, to int64
		err := read(&x.id, &x.unit, &from, &to)
		x.from, x.to = parties[from], parties[to]
		pairs[x.id] = x
		return err
	})
}

// contained compares how many imports contain each row, by its own count, with the imports.
func (a *auditor) contained() error {
	const containing = "SELECT id, imports, (SELECT COUNT(*) FROM import_rows WHERE first_row <= journal_rows.id AND last_row >= journal_rows.id) AS containing FROM journal_rows WHERE imports > 1"
	if err := a.agree("%d imports contain it, by its own count %d; undoing one of them would take it away too early or too late",
		"SELECT 'journal row ' || id, containing, imports FROM ("+containing+") AS rows_of_many WHERE containing <> imports"); err != nil {
		return err
	}
	return a.agree("imports contain %d of them, by their own counts %d; undoing one of them would leave rows, or take away others'",
		"SELECT 'journal rows', by_imports, by_rows FROM (SELECT COUNT(*) AS by_imports FROM import_rows JOIN journal_rows ON id BETWEEN first_row AND last_row) AS x, "+
			"(SELECT COALESCE(SUM(imports), 0) AS by_rows FROM journal_rows) AS y WHERE by_imports <> by_rows")
}
