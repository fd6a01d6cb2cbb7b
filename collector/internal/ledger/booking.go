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

var (
	partiesTable    = table{"parties", "id, pseudonym, mask, name, line", 0, false}
	pairsTable      = table{"pairs", "id, unit, from_party, to_party, witnesses", 1, false}
	rowsTable       = table{"journal_rows", "id, digest, pair, at, journal, witness, done, pages, seconds, imports", 0, false}
	importRowsTable = table{"import_rows", "import, first_row, last_row", 2, false}
	pairMonthsTable = table{"pair_months", "pair, month, done, failed, pages, paged", 2, true}
	flowMonthsTable = table{"flow_months", "month, unit, from_line, to_line, done, failed, pages, paged", 4, true}
	flowChanges     = table{"flow_changes", "month, revision", 1, false}
	journalParties  = table{"journal_parties", "journal, unit, party, first_at", 3, false}
)

// booking is one change of the books of journals, in one transaction.
type booking struct {
	*store
	*phoneBook
	calendar calendar

	newParties []newParty
	pairsSeen  map[int64]*pair // new ones, and those with a new witness
	rows       []*sighting     // new
	told       map[toldOf]wire.Time
	books      map[pairMonth]*faxTally // what changes
	months     map[Month]bool          // that changed
}

type newParty struct {
	*party
	pseudonym, mask string
}

type pairMonth struct {
	pair  *pair
	month Month
}

// toldOf is of whom a journal tells.
type toldOf struct {
	journal int64
	unit    string
	party   int64
}

func (l *Ledger) booking(ctx context.Context, s *store) (*booking, error) {
	phones, err := l.phones(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("phone book: %w", err)
	}
	if len(phones.parties) > mostRemembered || len(phones.pairs) > mostRemembered {
		if err := phones.load(ctx, s); err != nil {
			return nil, err
		}
	}
	return &booking{
		store: s, phoneBook: phones, calendar: calendar{zone: l.zone}, pairsSeen: make(map[int64]*pair),
		told: make(map[toldOf]wire.Time), books: make(map[pairMonth]*faxTally), months: make(map[Month]bool),
	}, nil
}

// take books what an import read.
func (w *booking) take(ctx context.Context, l *Ledger, x *Import, events []wire.Event) error {
	fresh := make(map[string]*wire.Event, len(events))
	for i := range events {
		e := &events[i]
		switch {
		case e.Check() != nil:
			x.Rejected++
			continue
		case int64(e.At) < w.horizon: // its row is purged, if it ever was read; its month is booked
			x.Skipped++
			continue
		}
		x.First, x.Last = cmp.Or(min(x.First, e.At), e.At), max(x.Last, e.At)
		if digest := digestOf(e.Key); fresh[digest] == nil {
			fresh[digest] = e
		} else {
			x.Known++
		}
	}
	known, err := w.knownRows(ctx, slices.Sorted(maps.Keys(fresh)))
	if err != nil {
		return err
	}
	again, contained := make([]int64, 0, len(known)), make([]int64, 0, len(known))
	for digest, row := range known {
		delete(fresh, digest)
		contained = append(contained, row)
	}
	x.Known += int64(len(known))
	x.New += int64(len(fresh))
	if again, err = w.notContained(ctx, x.ID, contained); err != nil {
		return err
	}
	first := w.last.row + 1
	if err := w.sight(ctx, l, fresh); err != nil {
		return err
	}
	if err := w.change(ctx, w.rows, +1); err != nil {
		return err
	}
	if err := w.containAgain(ctx, again); err != nil {
		return err
	}
	return w.contain(ctx, x.ID, again, first)
}

// sight makes rows of events that are not in the books.
func (w *booking) sight(ctx context.Context, l *Ledger, fresh map[string]*wire.Event) error {
	events := make([]*sighting, 0, len(fresh))
	for digest, e := range fresh {
		x := &sighting{digest: digest, at: e.At, witness: witnessBit(e.Witness), done: e.Result == wire.Done, pages: e.Pages, seconds: e.Seconds}
		events = append(events, x)
	}
	sortSightings(events) // so that numbers follow time where the file does
	for _, x := range events {
		e := fresh[x.digest]
		from, err := w.end(ctx, l, e.From, e.Site)
		if err != nil {
			return err
		}
		to, err := w.end(ctx, l, e.To, e.Site)
		if err != nil {
			return err
		}
		if x.pair, err = w.pairOf(ctx, string(e.Unit), from, to, true); err != nil {
			return err
		}
		if x.pair.witnesses&x.witness == 0 {
			x.pair.witnesses |= x.witness
			w.pairsSeen[x.pair.id] = x.pair
		}
		if x.journal, err = w.journal(ctx, e.Journal); err != nil {
			return err
		}
		w.last.row++
		x.row = w.last.row
		w.rows = append(w.rows, x)
		w.tells(x)
	}
	return nil
}

func (w *booking) end(ctx context.Context, l *Ledger, text, site string) (*party, error) {
	if text == "" {
		return nil, nil
	}
	return w.partyOf(ctx, l.identityOf(text, site))
}

func (w *booking) journal(ctx context.Context, name string) (int64, error) {
	if id := w.journals[name]; id != 0 {
		return id, nil
	}
	w.phoneBook.last.journal++
	w.journals[name] = w.phoneBook.last.journal
	return w.phoneBook.last.journal, w.exec(ctx, "INSERT INTO journals (id, name) VALUES (?, ?)", w.phoneBook.last.journal, name)
}

// tells notes of whom a journal tells: a machine of what it sends and receives itself, an exchange of both ends.
func (w *booking) tells(x *sighting) {
	note := func(p *party) {
		if p != nil {
			of := toldOf{x.journal, x.pair.unit, p.id}
			w.told[of] = cmp.Or(min(w.told[of], x.at), x.at)
		}
	}
	if x.witness != byReceiver {
		note(x.pair.from)
	}
	if x.witness != bySender {
		note(x.pair.to)
	}
}

// ends are between whom twins are looked for.
type ends struct {
	unit     string
	from, to string
	done     bool
}

func endOf(p *party) string {
	switch {
	case p == nil:
		return ""
	case p.line != "":
		return p.line
	}
	return fmt.Sprintf("#%d", p.id)
}

// change books rows that come, or that go: what their pairs' faxes were before is taken back, what they are after is
// added. The rows themselves are not in the file yet, or still.
func (w *booking) change(ctx context.Context, rows []*sighting, sign int64) error {
	groups := make(map[ends][]*sighting)
	for _, x := range rows {
		of := ends{x.pair.unit, endOf(x.pair.from), endOf(x.pair.to), x.done}
		groups[of] = append(groups[of], x)
	}
	for _, group := range groups {
		if err := w.changeGroup(ctx, group, sign); err != nil {
			return err
		}
	}
	return nil
}

func (w *booking) changeGroup(ctx context.Context, group []*sighting, sign int64) error {
	siblings, err := w.siblings(ctx, group[0].pair)
	if err != nil {
		return err
	}
	witnesses := int64(0)
	for _, p := range siblings {
		witnesses |= p.witnesses
	}
	sortSightings(group)
	if witnesses&(witnesses-1) == 0 { // one alone has no twins
		for _, x := range group {
			w.book(fax{first: x, pages: x.pages}, sign)
		}
		return nil
	}
	before, err := w.around(ctx, siblings, group)
	if err != nil {
		return err
	}
	after := before
	if sign > 0 {
		after = append(slices.Clone(before), group...)
		sortSightings(after)
	} else {
		gone := make(map[int64]bool, len(group))
		for _, x := range group {
			gone[x.row] = true
		}
		after = slices.DeleteFunc(slices.Clone(before), func(x *sighting) bool { return gone[x.row] })
	}
	for _, f := range faxes(before) {
		w.book(f, -1)
	}
	for _, f := range faxes(after) {
		w.book(f, +1)
	}
	return nil
}

// book adds a fax, or takes it back.
func (w *booking) book(f fax, sign int64) {
	month, _ := w.calendar.monthOf(f.first.at)
	w.sum(pairMonth{f.first.pair, month}).add(f.tally(), sign)
}

// sum is by how much a month of a pair changes.
func (w *booking) sum(of pairMonth) *faxTally {
	if w.books[of] == nil {
		w.books[of] = new(faxTally)
	}
	return w.books[of]
}

// around are the rows in the file of some pairs from the first to the last of a group, and so much farther that none of
// them can have a twin beyond.
func (w *booking) around(ctx context.Context, pairs []*pair, group []*sighting) ([]*sighting, error) {
	first, last := group[0].at, group[len(group)-1].at
	for reach := twinWindow; ; reach *= 4 {
		from, to := first.Add(-reach), last.Add(reach)
		rows, err := w.readRows(ctx, pairs, group[0].done, from, to)
		if err != nil {
			return nil, err
		}
		left, right := first, last
		i := len(rows)
		for k := len(rows) - 1; k >= 0; k-- {
			if rows[k].at >= first || left.Sub(rows[k].at) <= twinWindow {
				left, i = min(left, rows[k].at), k
			}
		}
		j := len(rows)
		for k := range rows {
			if rows[k].at <= last || rows[k].at.Sub(right) <= twinWindow {
				right, j = max(right, rows[k].at), k+1
			}
		}
		if left.Add(-twinWindow) >= from && right.Add(twinWindow) <= to {
			return rows[min(i, j):j], nil
		}
	}
}

func (w *booking) readRows(ctx context.Context, pairs []*pair, done bool, from, to wire.Time) (rows []*sighting, err error) {
	byID, ids := make(map[int64]*pair, len(pairs)), make([]int64, 0, len(pairs))
	for _, p := range pairs {
		byID[p.id], ids = p, append(ids, p.id)
	}
	query := "SELECT id, digest, pair, at, witness, pages FROM journal_rows WHERE pair IN (" + numberList(ids) + ") AND at >= ? AND at <= ? AND done = ?"
	err = each(ctx, w.conn, query, func(read func(...any) error) error {
		x := &sighting{done: done}
		var pair int64
		err := read(&x.row, &x.digest, &pair, &x.at, &x.witness, &x.pages)
		x.pair = byID[pair]
		rows = append(rows, x)
		return err
	}, int64(max(from, wire.Time(w.horizon))), int64(to), flag(done))
	sortSightings(rows)
	return rows, err
}

// readAtOnce is how many things are named in one statement.
const readAtOnce = 500

// knownRows are the rows whose digests are in the books.
func (w *booking) knownRows(ctx context.Context, digests []string) (map[string]int64, error) {
	known := make(map[string]int64)
	for some := range slices.Chunk(digests, readAtOnce) {
		query := "SELECT digest, id FROM journal_rows WHERE digest IN ('" + strings.Join(some, "','") + "')" // of hexadecimal digits
		if err := each(ctx, w.conn, query, func(read func(...any) error) error {
			var digest string
			var row int64
			err := read(&digest, &row)
			known[digest] = row
			return err
		}); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// notContained are those of some rows that an import doesn't contain yet.
func (w *booking) notContained(ctx context.Context, id int64, rows []int64) (others []int64, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	var spans [][2]int64
	err = each(ctx, w.conn, "SELECT first_row, last_row FROM import_rows WHERE import = ? AND first_row <= ? AND last_row >= ? ORDER BY first_row",
		func(read func(...any) error) error {
			var x [2]int64
			err := read(&x[0], &x[1])
			spans = append(spans, x)
			return err
		}, id, slices.Max(rows), slices.Min(rows))
	slices.Sort(rows)
	for _, row := range rows {
		for len(spans) > 0 && spans[0][1] < row {
			spans = spans[1:]
		}
		if len(spans) == 0 || row < spans[0][0] {
			others = append(others, row)
		}
	}
	return others, err
}

// containAgain notes that one import more contains some rows.
func (w *booking) containAgain(ctx context.Context, rows []int64) error {
	for some := range slices.Chunk(rows, readAtOnce) {
		if err := w.exec(ctx, "UPDATE journal_rows SET imports = imports + 1 WHERE id IN ("+numberList(some)+")"); err != nil {
			return err
		}
	}
	return nil
}

// contain notes that an import contains some rows, in order, and those booked now, from fresh on.
func (w *booking) contain(ctx context.Context, id int64, rows []int64, fresh int64) error {
	var spans [][2]int64
	for _, row := range rows {
		if n := len(spans); n > 0 && row == spans[n-1][1]+1 {
			spans[n-1][1] = row
			continue
		}
		spans = append(spans, [2]int64{row, row})
	}
	if len(w.rows) > 0 {
		spans = append(spans, [2]int64{fresh, w.last.row})
	}
	return w.write(ctx, importRowsTable, len(spans), func(i int, to []any) []any { return append(to, id, spans[i][0], spans[i][1]) })
}

// flush writes what a booking changed.
func (w *booking) flush(ctx context.Context) error {
	pairs := slices.SortedFunc(maps.Values(w.pairsSeen), func(a, b *pair) int { return cmp.Compare(a.id, b.id) })
	return errors.Join(
		w.write(ctx, partiesTable, len(w.newParties), func(i int, to []any) []any {
			p := &w.newParties[i]
			return append(to, p.id, p.pseudonym, p.mask, "", p.line)
		}),
		w.write(ctx, pairsTable, len(pairs), func(i int, to []any) []any {
			p := pairs[i]
			return append(to, p.id, p.unit, numberOf(p.from), numberOf(p.to), p.witnesses)
		}),
		w.write(ctx, rowsTable, len(w.rows), func(i int, to []any) []any {
			x := w.rows[i]
			return append(to, x.row, x.digest, x.pair.id, int64(x.at), x.journal, x.witness, flag(x.done), x.pages, x.seconds, 1)
		}),
		w.writeTold(ctx),
		w.writeNewest(ctx),
		w.writePairMonths(ctx),
		w.writeFlowMonths(ctx),
		w.writeRevision(ctx),
	)
}

// writeTold notes since when journals tell of whom, where it is earlier than was known.
func (w *booking) writeTold(ctx context.Context) error {
	const query = "INSERT INTO journal_parties (journal, unit, party, first_at) VALUES (?, ?, ?, ?) ON CONFLICT (journal, unit, party) " +
		"DO UPDATE SET first_at = excluded.first_at WHERE excluded.first_at < journal_parties.first_at"
	for of, at := range w.told {
		if err := w.exec(ctx, query, of.journal, of.unit, of.party, int64(at)); err != nil {
			return err
		}
	}
	return nil
}

type flowKey struct {
	month          Month
	unit, from, to string
}

func (k flowKey) compare(other flowKey) int {
	return cmp.Or(cmp.Compare(k.month, other.month), strings.Compare(k.unit, other.unit), strings.Compare(k.from, other.from), strings.Compare(k.to, other.to))
}

// writePairMonths writes by how much months of pairs change.
func (w *booking) writePairMonths(ctx context.Context) error {
	maps.DeleteFunc(w.books, func(_ pairMonth, sum *faxTally) bool { return *sum == (faxTally{}) })
	pairs := slices.SortedFunc(maps.Keys(w.books), func(a, b pairMonth) int {
		return cmp.Or(cmp.Compare(a.pair.id, b.pair.id), cmp.Compare(a.month, b.month))
	})
	return w.write(ctx, pairMonthsTable, len(pairs), func(i int, to []any) []any {
		sum := w.books[pairs[i]]
		w.months[pairs[i].month] = true
		return append(to, pairs[i].pair.id, int64(pairs[i].month), sum.done, sum.failed, sum.pages, sum.paged)
	})
}

// writeFlowMonths writes by how much months of lines change.
func (w *booking) writeFlowMonths(ctx context.Context) error {
	flows := make(map[flowKey]*faxTally)
	for of, sum := range w.books {
		from, to := of.pair.lines()
		if from == "" && to == "" {
			continue
		}
		key := flowKey{of.month, of.pair.unit, from, to}
		if flows[key] == nil {
			flows[key] = new(faxTally)
		}
		flows[key].add(*sum, +1)
	}
	keys := slices.SortedFunc(maps.Keys(flows), flowKey.compare)
	return w.write(ctx, flowMonthsTable, len(keys), func(i int, to []any) []any {
		k, sum := keys[i], flows[keys[i]]
		return append(to, int64(k.month), k.unit, k.from, k.to, sum.done, sum.failed, sum.pages, sum.paged)
	})
}

// writeRevision notes which months changed.
func (w *booking) writeRevision(ctx context.Context) error {
	w.revision++
	months := slices.Sorted(maps.Keys(w.months))
	return errors.Join(
		w.exec(ctx, "UPDATE journal_state SET revision = ?, last_row = ?", w.revision, w.last.row),
		w.write(ctx, flowChanges, len(months), func(i int, to []any) []any { return append(to, int64(months[i]), w.revision) }),
	)
}
