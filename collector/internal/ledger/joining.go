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
	if err := w.pairsByID(ctx, pairs); err != nil || len(pairs) == 0 {
		return err
	}
	if err := w.takeBackMonths(ctx, pairs); err != nil {
		return err
	}
	return w.bookAnew(ctx, pairs)
}

// takeBackMonths takes back what is booked of some pairs in the months whose rows are kept.
func (w *booking) takeBackMonths(ctx context.Context, pairs map[int64]*pair) error {
	kept := keptFrom(wire.Time(w.horizon), w.calendar.zone)
	for some := range slices.Chunk(slices.Sorted(maps.Keys(pairs)), readAtOnce) {
		query := "SELECT pairs.id, month, done, failed, pages, paged FROM pairs" + theirMonths + "WHERE pairs.id IN (" + numberList(some) + ")"
		if err := each(ctx, w.conn, query, func(read func(...any) error) error {
			var pair int64
			var month Month
			var x faxTally
			err := read(&pair, &month, &x.done, &x.failed, &x.pages, &x.paged)
			w.sum(pairMonth{pairs[pair], month}).add(x, -1)
			return err
		}, int64(kept), int64(endOfTime)); err != nil {
			return err
		}
	}
	return nil
}

// bookAnew books all rows of some pairs, in the months whose rows are kept.
func (w *booking) bookAnew(ctx context.Context, pairs map[int64]*pair) error {
	kept := keptFrom(wire.Time(w.horizon), w.calendar.zone)
	return w.eachFax(ctx, pairs, " AND pair IN ("+numberList(slices.Sorted(maps.Keys(pairs)))+")", func(f fax) {
		if MonthOf(f.first.at, w.calendar.zone) >= kept {
			w.book(f, +1)
		}
	})
}

// eachFax hands the faxes of some pairs, by number, to take; which tells which rows are meant. It goes through time once,
// and keeps of each two who fax each other only the rows that may still find a twin.
func (w *booking) eachFax(ctx context.Context, pairs map[int64]*pair, which string, take func(fax)) error {
	open := make(map[ends][]*sighting)
	close := func(of ends) {
		sortSightings(open[of])
		for _, f := range faxes(open[of]) {
			take(f)
		}
		delete(open, of)
	}
	query := "SELECT id, digest, pair, at, witness, done, pages FROM journal_rows WHERE at >= ? AND ahead = 0" + which + " ORDER BY at"
	err := each(ctx, w.conn, query, func(read func(...any) error) error {
		x := new(sighting)
		var pair int64
		if err := read(&x.row, &x.digest, &pair, &x.at, &x.witness, &x.done, &x.pages); err != nil {
			return err
		}
		if x.pair = pairs[pair]; x.pair == nil { // the file is damaged, which others tell
			return nil
		}
		of := ends{x.pair.unit, endOf(x.pair.from), endOf(x.pair.to), x.done}
		if last := open[of]; len(last) > 0 && x.at.Sub(last[len(last)-1].at) > twinWindow {
			close(of)
		}
		open[of] = append(open[of], x)
		return nil
	}, w.horizon)
	for of := range open {
		close(of)
	}
	return err
}

// reflow sums up anew which line faxes which, and which others.
func (w *booking) reflow(ctx context.Context) error {
	if err := w.writePairMonths(ctx); err != nil {
		return err
	}
	if err := each(ctx, w.conn, "SELECT month FROM flow_changes", func(read func(...any) error) error {
		var month Month
		err := read(&month)
		w.months[month] = true
		return err
	}); err != nil {
		return err
	}
	for month := range w.months {
		span := []any{int64(month), monthID(month, 0), monthID(month+1, 0)}
		if err := errors.Join(
			w.exec(ctx, "DELETE FROM flow_months WHERE month = ?", int64(month)),
			w.sumFlows(ctx, month),
			w.exec(ctx, "DELETE FROM party_months WHERE month = ?", int64(month)),
			w.exec(ctx, "INSERT INTO party_months (month, unit, party, sent, received) "+sumParties, span...),
		); err != nil {
			return err
		}
	}
	return nil
}

// sumFlows sums up anew which line faxed which in a month of which none is there.
func (w *booking) sumFlows(ctx context.Context, month Month) error {
	flows := make(map[senderMonth][]receiver)
	err := eachFlow(ctx, w.conn, month, func(s senderMonth, r receiver) { flows[s] = append(flows[s], r) })
	return errors.Join(err, w.writeSenders(ctx, flows))
}

// eachFlow calls take for what lines come to in a month by its pairs, in no order.
func eachFlow(ctx context.Context, q querier, month Month, take func(senderMonth, receiver)) error {
	return each(ctx, q, sumFlows, func(read func(...any) error) error {
		s, r := senderMonth{month: month}, receiver{}
		err := read(&s.unit, &s.line, &r.line, &r.sum.done, &r.sum.failed, &r.sum.pages, &r.sum.paged)
		take(s, r)
		return err
	}, monthID(month, 0), monthID(month+1, 0))
}

// sumsOfPairs is what the pairs of a month come to, with the lines at their ends.
const sumsOfPairs = "(SELECT unit, from_party, to_party, done, failed, pages, paged, COALESCE(sender.line, '') AS from_line, COALESCE(receiver.line, '') AS to_line " +
	"FROM pair_months JOIN pairs ON pairs.id = pair_months.id % 4294967296 LEFT JOIN parties AS sender ON sender.id = from_party " +
	"LEFT JOIN parties AS receiver ON receiver.id = to_party WHERE pair_months.id >= ? AND pair_months.id < ? AND (done <> 0 OR failed <> 0)) AS sums"

// What lines and others come to in a month, by its pairs.
const (
	sumFlows = "SELECT unit, from_line, to_line, SUM(done), SUM(failed), SUM(pages), SUM(paged) FROM " + sumsOfPairs +
		" WHERE from_line <> '' OR to_line <> '' GROUP BY unit, from_line, to_line"
	sumParties = "SELECT ? AS month, unit, CASE WHEN from_line = '' THEN from_party ELSE to_party END AS party, SUM(CASE WHEN to_line = '' THEN done ELSE 0 END) AS sent, " +
		"SUM(CASE WHEN from_line = '' THEN done ELSE 0 END) AS received FROM " + sumsOfPairs + " WHERE from_line = '' AND to_line <> '' AND from_party <> 0 " +
		"OR from_line <> '' AND to_line = '' AND to_party <> 0 GROUP BY unit, party"
)
