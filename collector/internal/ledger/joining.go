package ledger

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// A number that a journal named before anybody declared its line becomes that line's once it is declared, and no line's
// when its declaration is taken back.

// linesDeclared tells whether a transaction changes what is declared of lines.
func (c *changes) linesDeclared() bool {
	line := func(r record) bool { return r.table == &linesTable }
	return slices.ContainsFunc(c.declared, line) || slices.ContainsFunc(c.undeclared, line)
}

// joined is a party that is another line's than before.
type joined struct {
	id           int64
	line, before string
}

// joinLines gives numbers to the lines that are declared now.
func (l *Ledger) joinLines(ctx context.Context) error {
	any, err := readNumber(ctx, l.store.conn, "SELECT COUNT(*) FROM (SELECT id FROM parties LIMIT 1) AS one")
	if err != nil || any == 0 {
		return err
	}
	w, err := l.booking(ctx, l.store) // the audit log has grown: its lines are those declared now
	if err != nil {
		return err
	}
	moved, err := w.moved(ctx)
	if err != nil || len(moved) == 0 {
		return err
	}
	affected := make(map[string]bool) // lines with several numbers, before or after
	if err := w.severalNumbers(ctx, moved, affected); err != nil {
		return err
	}
	lines := make(map[string]bool)
	for _, x := range moved {
		lines[x.line], lines[x.before] = true, true
		if err := w.exec(ctx, "UPDATE parties SET line = ? WHERE id = ?", x.line, x.id); err != nil {
			return err
		}
	}
	if err := w.severalNumbers(ctx, moved, affected); err != nil {
		return err
	}
	l.phoneBook = nil
	if w, err = l.booking(ctx, l.store); err != nil {
		return err
	}
	return errors.Join(w.regroup(ctx, moved, affected), w.reflow(ctx), w.findNewest(ctx, lines), w.writeRevision(ctx))
}

// moved are the parties that are of another line than they were.
func (w *booking) moved(ctx context.Context) (moved []joined, err error) {
	check := func(read func(...any) error) error {
		var x joined
		var pseudonym string
		err := read(&x.id, &pseudonym, &x.before)
		if x.line = w.lines[pseudonym]; x.line != x.before {
			moved = append(moved, x)
		}
		return err
	}
	if err := each(ctx, w.conn, "SELECT id, pseudonym, line FROM parties WHERE line <> ''", check); err != nil {
		return nil, err
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(w.lines)), readAtOnce) {
		query := "SELECT id, pseudonym, line FROM parties WHERE line = '' AND pseudonym IN ('" + strings.Join(some, "','") + "')" // of hexadecimal digits
		if err := each(ctx, w.conn, query, check); err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// severalNumbers notes of which lines several parties are, among those that some left or joined.
func (w *booking) severalNumbers(ctx context.Context, moved []joined, lines map[string]bool) error {
	ids := make([]int64, len(moved))
	for i, x := range moved {
		ids[i] = x.id
	}
	for some := range slices.Chunk(ids, readAtOnce) {
		query := "SELECT line FROM parties WHERE line IN (SELECT line FROM parties WHERE line <> '' AND id IN (" + numberList(some) + ")) GROUP BY line HAVING COUNT(*) > 1"
		if err := each(ctx, w.conn, query, func(read func(...any) error) error {
			var line string
			err := read(&line)
			lines[line] = true
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// regroup looks for twins anew among the pairs of some parties and lines, in the months whose rows are kept.
func (w *booking) regroup(ctx context.Context, moved []joined, lines map[string]bool) error {
	if len(lines) == 0 {
		return nil
	}
	parties := make(map[int64]bool)
	for _, x := range moved {
		parties[x.id] = true
	}
	for line := range lines {
		for _, p := range w.ofLine[line] {
			parties[p.id] = true
		}
	}
	pairs := make(map[int64]*pair)
	for some := range slices.Chunk(slices.Sorted(maps.Keys(parties)), readAtOnce) {
		list := numberList(some)
		if err := each(ctx, w.conn, "SELECT id FROM pairs WHERE from_party IN ("+list+") OR to_party IN ("+list+")", func(read func(...any) error) error {
			var id int64
			err := read(&id)
			pairs[id] = nil
			return err
		}); err != nil {
			return err
		}
	}
	if err := w.pairsByID(ctx, pairs); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(pairs)) {
		if p := pairs[id]; p != nil {
			if err := w.regroupPair(ctx, p, pairs); err != nil {
				return err
			}
		}
	}
	return nil
}

// regroupPair does so for a pair and its siblings, which it takes off the list.
func (w *booking) regroupPair(ctx context.Context, p *pair, pairs map[int64]*pair) error {
	siblings, err := w.siblings(ctx, p)
	if err != nil {
		return err
	}
	ids := make([]int64, len(siblings))
	for i, x := range siblings {
		ids[i] = x.id
		delete(pairs, x.id)
	}
	kept, _ := w.calendar.monthOf(wire.Time(w.horizon))
	if err := each(ctx, w.conn, "SELECT pair, month, done, failed, pages, paged FROM pair_months WHERE pair IN ("+numberList(ids)+") AND month >= ?",
		func(read func(...any) error) error {
			var id int64
			var month Month
			var x faxTally
			err := read(&id, &month, &x.done, &x.failed, &x.pages, &x.paged)
			for _, s := range siblings {
				if s.id == id {
					w.sum(pairMonth{s, month}).add(x, -1)
				}
			}
			return err
		}, int64(kept)); err != nil {
		return err
	}
	for _, done := range []bool{false, true} {
		rows, err := w.readRows(ctx, siblings, done, wire.Time(w.horizon), endOfTime.In(w.calendar.zone))
		if err != nil {
			return err
		}
		for _, f := range faxes(rows) {
			w.book(f, +1)
		}
	}
	return nil
}

// reflow sums up anew which line faxes which.
func (w *booking) reflow(ctx context.Context) error {
	if err := w.writePairMonths(ctx); err != nil {
		return err
	}
	if err := w.exec(ctx, "DELETE FROM flow_months"); err != nil {
		return err
	}
	if err := w.exec(ctx, "INSERT INTO flow_months (month, unit, from_line, to_line, done, failed, pages, paged) "+sumFlows); err != nil {
		return err
	}
	return each(ctx, w.conn, "SELECT DISTINCT month FROM pair_months", func(read func(...any) error) error {
		var month Month
		err := read(&month)
		w.months[month] = true
		return err
	})
}

// sumFlows makes the flows of lines of those of pairs.
const sumFlows = "SELECT month, unit, COALESCE(sender.line, ''), COALESCE(receiver.line, ''), SUM(done), SUM(failed), SUM(pages), SUM(paged) " +
	"FROM pair_months JOIN pairs ON pairs.id = pair_months.pair LEFT JOIN parties AS sender ON sender.id = from_party LEFT JOIN parties AS receiver ON receiver.id = to_party " +
	"WHERE COALESCE(sender.line, '') <> '' OR COALESCE(receiver.line, '') <> '' GROUP BY 1, 2, 3, 4"
