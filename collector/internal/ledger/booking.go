package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

var (
	partiesTable    = table{"parties", "id, pseudonym, mask, name, line", 0, false}
	pairsTable      = table{"pairs", "id, unit, from_party, to_party, witnesses", 1, false}
	rowsTable       = table{"journal_rows", "id, digest, pair, at, import, witness, done, pages, seconds, imports, ahead", 0, false}
	importRowsTable = table{"import_rows", "import, first_row, last_row", 2, false}
	spansTable      = table{"import_spans", "import, first_at, last_at", 2, false}
	pairMonthsTable = table{"pair_months", "id, done, failed, pages, paged, last_at", 1, true}
	partyMonths     = table{"party_months", "month, unit, party, sent, received", 3, true}
	flowMonthsTable = table{"flow_months", "month, unit, from_line, receivers", 3, false}
	flowChanges     = table{"flow_changes", "month, revision", 1, false}
)

// booking is one change of the books of journals, in one transaction.
type booking struct {
	*store
	*phoneBook
	calendar calendar
	believed wire.Time // until when rows are, now: clocks of machines may be ahead by hours, not by more

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
	journal string
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
		store: s, phoneBook: phones, calendar: calendar{zone: l.zone}, believed: wire.TimeOf(l.now()).Add(day), pairsSeen: make(map[int64]*pair),
		told: make(map[toldOf]wire.Time), books: make(map[pairMonth]*faxTally), months: make(map[Month]bool),
	}, nil
}

// take books what an import read.
func (w *booking) take(ctx context.Context, l *Ledger, x *Import, events []wire.Event) error {
	fresh := make(map[string]int, len(events)) // by key
	for i := range events {
		e := &events[i]
		_, twice := fresh[e.Key]
		switch {
		case e.Check() != nil:
			x.Rejected++
		case int64(e.At) < w.horizon: // its row is purged, if it ever was read; its month is booked
			x.Skipped++
		case twice:
			x.Known++
		default:
			fresh[e.Key] = i
		}
	}
	sights, err := w.sight(ctx, l, x, events, fresh)
	if err != nil {
		return err
	}
	known, err := w.settle(ctx, sights)
	if err != nil {
		return err
	}
	x.Ahead = nil
	for _, s := range sights {
		if s.ahead && s.row != 0 {
			x.Ahead = append(x.Ahead, s.event)
		}
	}
	slices.Sort(x.Ahead)
	x.Known += int64(len(known))
	x.New += int64(len(w.rows) - len(x.Ahead))
	x.Rejected += int64(len(x.Ahead))
	again, err := w.notContained(ctx, x.ID, known)
	if err != nil {
		return err
	}
	return errors.Join(w.change(ctx, w.rows, +1), w.containAgain(ctx, again), w.contain(ctx, x.ID, again), w.cover(ctx, x, sights))
}

// sighted is an event, and where its row may be.
type sighted struct {
	*sighting
	digests []string
	event   int // how many are before it among those that are booked
}

// sight says who faxes whom in those events that are to be looked at, by key, in the order of time.
func (w *booking) sight(ctx context.Context, l *Ledger, x *Import, events []wire.Event, which map[string]int) ([]sighted, error) {
	all := make([]sighted, 0, len(which))
	keys := slices.SortedFunc(maps.Keys(which), func(a, b string) int {
		return cmp.Or(cmp.Compare(events[which[a]].At, events[which[b]].At), strings.Compare(a, b))
	})
	for _, key := range keys {
		e := &events[which[key]]
		from, err := w.end(ctx, l, e.From, e.Site)
		if err != nil {
			return nil, err
		}
		to, err := w.end(ctx, l, e.To, e.Site)
		if err != nil {
			return nil, err
		}
		row := sighted{&sighting{at: e.At, witness: witnessBit(e.Witness), done: e.Result == wire.Done, pages: e.Pages, seconds: e.Seconds, of: x.ID, ahead: e.At > w.believed}, nil, which[key]}
		if row.pair, err = w.pairOf(ctx, string(e.Unit), from, to, true); err != nil {
			return nil, err
		}
		for _, stretch := range stretchesOf(e.At) {
			row.digests = append(row.digests, digestOf(key, stretch))
		}
		row.digest = row.digests[0]
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b sighted) int { return a.compare(b.sighting) })
	return all, nil
}

// settle tells which rows are in the books, and gives numbers to the others: those of now. What was dated in the future
// when it was booked is so for ever.
func (w *booking) settle(ctx context.Context, all []sighted) (known []int64, err error) {
	var digests []string
	for _, x := range all {
		digests = append(digests, x.digests...)
	}
	slices.Sort(digests)
	rows, err := w.knownRows(ctx, digests)
	if err != nil {
		return nil, err
	}
	for _, x := range all {
		i := slices.IndexFunc(x.digests, func(digest string) bool { return rows[digest].id != 0 })
		if i >= 0 {
			row := rows[x.digests[i]]
			known, x.ahead = append(known, row.id), row.ahead
			continue
		}
		if x.pair.witnesses&x.witness == 0 {
			x.pair.witnesses |= x.witness
			w.pairsSeen[x.pair.id] = x.pair
		}
		w.last.row++
		x.row = w.last.row
		w.rows = append(w.rows, x.sighting)
	}
	return known, nil
}

func (w *booking) end(ctx context.Context, l *Ledger, text, site string) (*party, error) {
	if text == "" {
		return nil, nil
	}
	return w.partyOf(ctx, l.identityOf(text, site))
}

// tells notes of whom a journal tells: a machine of what it sends and receives itself, an exchange of both ends.
func (w *booking) tells(journal string, x *sighting) {
	note := func(p *party) {
		if p != nil {
			of := toldOf{journal, x.pair.unit, p.id}
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

// group are rows that come or go, of two who fax each other.
type group struct {
	pairs  []*pair // of these two
	rows   []*sighting
	before []*sighting // in the file, as far as they may be twins of theirs
}

// change books rows that come, or that go: what their pairs' faxes were before is taken back, what they are after is
// added. The rows themselves are not in the file yet, or still. Those that are dated ahead of their time are in no sum.
func (w *booking) change(ctx context.Context, rows []*sighting, sign int64) error {
	all := make(map[ends]*group)
	for _, x := range rows {
		if x.ahead {
			continue
		}
		of := ends{x.pair.unit, endOf(x.pair.from), endOf(x.pair.to), x.done}
		if all[of] == nil {
			all[of] = new(group)
		}
		all[of].rows = append(all[of].rows, x)
	}
	var twins []*group
	for _, g := range all {
		var err error
		if g.pairs, err = w.siblings(ctx, g.rows[0].pair); err != nil {
			return err
		}
		witnesses := int64(0)
		for _, p := range g.pairs {
			witnesses |= p.witnesses
		}
		if witnesses&(witnesses-1) != 0 {
			twins = append(twins, g)
			continue
		}
		for _, x := range g.rows { // one alone has no twins
			w.book(fax{first: x, pages: x.pages}, sign)
		}
	}
	return w.changeTwins(ctx, twins, sign)
}

func (w *booking) changeTwins(ctx context.Context, twins []*group, sign int64) error {
	read, err := w.around(ctx, twins)
	if err != nil {
		return err
	}
	for _, g := range twins {
		after, read := g.after(sign), slices.Clip(read)
		for reach := 4 * readAround; ; reach *= 4 {
			all := g.before
			if sign > 0 {
				all = after
			}
			if whole(all, g.rows, read) {
				break
			}
			span := Span{g.rows[0].at.Add(-reach), g.rows[len(g.rows)-1].at.Add(reach)}
			if g.before, err = w.readRows(ctx, g.pairs, g.rows[0].done, span); err != nil {
				return err
			}
			after, read = g.after(sign), append(read, span)
		}
		for _, f := range faxes(g.before) {
			w.book(f, -1)
		}
		for _, f := range faxes(after) {
			w.book(f, +1)
		}
	}
	return nil
}

// after are the rows of a group once its own have come, or gone.
func (g *group) after(sign int64) []*sighting {
	if sign > 0 {
		after := slices.Concat(g.before, g.rows)
		sortSightings(after)
		return after
	}
	gone := make(map[int64]bool, len(g.rows))
	for _, x := range g.rows {
		gone[x.row] = true
	}
	return slices.DeleteFunc(slices.Clone(g.before), func(x *sighting) bool { return gone[x.row] })
}

// pair is the one of a number.
func (g *group) pair(id int64) *pair {
	i := slices.IndexFunc(g.pairs, func(p *pair) bool { return p.id == id })
	return g.pairs[i]
}

// readAround is how far around rows others are read that may be their twins. Who needs more is asked for one by one.
const readAround = 3 * twinWindow

// around reads the rows in the file that may be twins of those of some groups, all together: they are of about the same
// time. It returns of which time.
func (w *booking) around(ctx context.Context, groups []*group) (read []Span, err error) {
	of := make(map[int64][2]*group) // by pair; failed and done
	asked := make(map[int64][]Span) // by pair
	for _, g := range groups {
		sortSightings(g.rows)
		for _, p := range g.pairs {
			both := of[p.id]
			both[flag(g.rows[0].done)] = g
			of[p.id] = both
			for _, x := range g.rows {
				asked[p.id] = append(asked[p.id], Span{x.at.Add(-readAround), x.at.Add(readAround)})
			}
		}
		for _, x := range g.rows {
			read = append(read, Span{x.at.Add(-readAround), x.at.Add(readAround)})
		}
	}
	read = joinSpans(read, 0)
	pairs := make([][]int64, len(read)) // that ask for each
	for pair, spans := range asked {
		for _, s := range spans {
			i, _ := slices.BinarySearchFunc(read, s.To, func(r Span, to wire.Time) int { return cmp.Compare(r.To, to) })
			if n := len(pairs[i]); n == 0 || pairs[i][n-1] != pair {
				pairs[i] = append(pairs[i], pair)
			}
		}
	}
	for i, span := range read {
		slices.Sort(pairs[i])
		err = errors.Join(err, w.eachRow(ctx, slices.Compact(pairs[i]), span, func(pair int64, x *sighting) {
			if g := of[pair][flag(x.done)]; g != nil {
				x.pair = g.pair(pair)
				g.before = append(g.before, x)
			}
		}))
	}
	for _, g := range groups {
		sortSightings(g.before)
	}
	return read, err
}

// joinSpans are spans in order, those that touch, or are at most so far apart, in one.
func joinSpans(spans []Span, apart time.Duration) (joined []Span) {
	sortSpans(spans)
	for _, s := range spans {
		if n := len(joined); n > 0 && s.From <= joined[n-1].To.Add(apart) {
			joined[n-1].To = max(joined[n-1].To, s.To)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// eachRow calls take for the rows of some pairs in a time, in no order.
func (w *booking) eachRow(ctx context.Context, pairs []int64, span Span, take func(pair int64, x *sighting)) error {
	query := "SELECT id, digest, pair, at, witness, done, pages FROM journal_rows WHERE at >= ? AND at <= ? AND ahead = 0 AND pair IN (" + numberList(pairs) + ")"
	return each(ctx, w.conn, query, func(read func(...any) error) error {
		x := new(sighting)
		var pair int64
		err := read(&x.row, &x.digest, &pair, &x.at, &x.witness, &x.done, &x.pages)
		take(pair, x)
		return err
	}, max(int64(span.From), w.horizon), int64(span.To))
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

// readRows are the rows of some pairs that ended alike, in their order.
func (w *booking) readRows(ctx context.Context, pairs []*pair, done bool, span Span) (rows []*sighting, err error) {
	byID, ids := make(map[int64]*pair, len(pairs)), make([]int64, 0, len(pairs))
	for _, p := range pairs {
		byID[p.id], ids = p, append(ids, p.id)
	}
	err = w.eachRow(ctx, ids, span, func(pair int64, x *sighting) {
		if x.pair = byID[pair]; x.done == done {
			rows = append(rows, x)
		}
	})
	sortSightings(rows)
	return rows, err
}

// readAtOnce is how many things are named in one statement.
const readAtOnce = 500

type knownRow struct {
	id    int64
	ahead bool
}

// knownRows are the rows whose digests are in the books.
func (w *booking) knownRows(ctx context.Context, digests []string) (map[string]knownRow, error) {
	known := make(map[string]knownRow)
	for some := range slices.Chunk(digests, readAtOnce) {
		query := "SELECT digest, id, ahead FROM journal_rows WHERE digest IN ('" + strings.Join(some, "','") + "')" // of hexadecimal digits
		if err := each(ctx, w.conn, query, func(read func(...any) error) error {
			var digest string
			var row knownRow
			err := read(&digest, &row.id, &row.ahead)
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

// contain notes that an import contains some rows, in order, and those booked now.
func (w *booking) contain(ctx context.Context, id int64, rows []int64) error {
	var spans [][2]int64
	for _, row := range rows {
		if n := len(spans); n > 0 && row == spans[n-1][1]+1 {
			spans[n-1][1] = row
			continue
		}
		spans = append(spans, [2]int64{row, row})
	}
	if n := len(w.rows); n > 0 {
		now := [2]int64{w.rows[0].row, w.rows[n-1].row}
		if err := each(ctx, w.conn, "SELECT first_row, last_row FROM import_rows WHERE import = ? ORDER BY first_row DESC LIMIT 1", func(read func(...any) error) error {
			var last [2]int64
			err := read(&last[0], &last[1])
			if last[1] == now[0]-1 { // it goes on there: an agent books a few rows at a time, for years
				now[0] = last[0]
			}
			return err
		}, id); err != nil {
			return err
		}
		spans = append(spans, now)
	}
	return w.write(ctx, importRowsTable, len(spans), func(i int, to []any) []any { return append(to, id, spans[i][0], spans[i][1]) })
}

// silent is how long a journal may tell nothing and still be one of that time. Longer it wasn't kept, or the row behind or
// before was dated by a wrong clock; then nobody knows of the days between.
const silent = 92 * day

// cover notes of whom and of which time an import tells, by what was read of it now.
func (w *booking) cover(ctx context.Context, x *Import, read []sighted) error {
	before, err := w.spansOf(ctx, x.ID)
	if err != nil {
		return err
	}
	now := slices.Clone(before)
	for _, row := range read {
		if !row.ahead {
			w.tells(x.Journal, row.sighting)
			now = append(now, Span{row.at, row.at})
		}
	}
	if now = joinSpans(now, silent); len(now) == 0 || slices.Equal(now, before) {
		return nil
	}
	x.First, x.Last = now[0].From, now[len(now)-1].To
	return errors.Join(
		w.exec(ctx, "DELETE FROM import_spans WHERE import = ?", x.ID),
		w.write(ctx, spansTable, len(now), func(i int, to []any) []any { return append(to, x.ID, int64(now[i].From), int64(now[i].To)) }),
	)
}

func (w *booking) spansOf(ctx context.Context, id int64) (spans []Span, err error) {
	err = each(ctx, w.conn, "SELECT first_at, last_at FROM import_spans WHERE import = ? ORDER BY first_at", func(read func(...any) error) error {
		var s Span
		err := read(&s.From, &s.To)
		spans = append(spans, s)
		return err
	}, id)
	return spans, err
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
			return append(to, x.row, x.digest, x.pair.id, int64(x.at), x.of, x.witness, flag(x.done), x.pages, x.seconds, 1, flag(x.ahead))
		}),
		w.writeTold(ctx),
		w.writeNewest(ctx),
		w.writePairMonths(ctx),
		w.writeFlowMonths(ctx),
		w.writePartyMonths(ctx),
		w.writeRevision(ctx),
	)
}

// writeTold notes since when journals tell of whom, where it is earlier than was known.
func (w *booking) writeTold(ctx context.Context) error {
	const query = "INSERT INTO journal_parties (journal, unit, party, first_at) VALUES (?, ?, ?, ?) ON CONFLICT (journal, unit, party) " +
		"DO UPDATE SET first_at = excluded.first_at WHERE excluded.first_at < journal_parties.first_at"
	for of, at := range w.told {
		if err := (often{w.store}).exec(ctx, query, of.journal, of.unit, of.party, int64(at)); err != nil {
			return err
		}
	}
	return nil
}

// monthID is the number of a pair's month.
func monthID(m Month, pair int64) int64 { return int64(m)<<32 + pair }

// writePairMonths writes by how much months of pairs change.
func (w *booking) writePairMonths(ctx context.Context) error {
	maps.DeleteFunc(w.books, func(_ pairMonth, sum *faxTally) bool {
		return sum.none()
	})
	pairs := slices.SortedFunc(maps.Keys(w.books), func(a, b pairMonth) int {
		return cmp.Or(cmp.Compare(a.pair.id, b.pair.id), cmp.Compare(a.month, b.month))
	})
	return w.write(ctx, pairMonthsTable, len(pairs), func(i int, to []any) []any {
		sum := w.books[pairs[i]]
		w.months[pairs[i].month] = true
		return append(to, monthID(pairs[i].month, pairs[i].pair.id), sum.done, sum.failed, sum.pages, sum.paged, int64(sum.last))
	})
}

// writeFlowMonths writes by how much months of lines change.
func (w *booking) writeFlowMonths(ctx context.Context) error {
	flows := make(map[senderMonth][]receiver)
	for of, sum := range w.books {
		if from, to := of.pair.lines(); from != "" || to != "" {
			s := senderMonth{of.month, of.pair.unit, from}
			flows[s] = append(flows[s], receiver{to, *sum})
		}
	}
	return w.writeSenders(ctx, flows)
}

type partyMonth struct {
	month Month
	unit  string
	party int64
}

// writePartyMonths writes by how much months of others change.
func (w *booking) writePartyMonths(ctx context.Context) error {
	sums := make(map[partyMonth]*[2]int64) // sent and received
	add := func(of pairMonth, p *party, way int, count int64) {
		key := partyMonth{of.month, of.pair.unit, p.id}
		if sums[key] == nil {
			sums[key] = new([2]int64)
		}
		sums[key][way] += count
	}
	for of, sum := range w.books {
		switch from, to := of.pair.lines(); {
		case from != "" && to == "" && of.pair.to != nil:
			add(of, of.pair.to, 0, sum.done)
		case to != "" && from == "" && of.pair.from != nil:
			add(of, of.pair.from, 1, sum.done)
		}
	}
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b partyMonth) int {
		return cmp.Or(cmp.Compare(a.month, b.month), strings.Compare(a.unit, b.unit), cmp.Compare(a.party, b.party))
	})
	return w.write(ctx, partyMonths, len(keys), func(i int, to []any) []any {
		k, sum := keys[i], sums[keys[i]]
		return append(to, int64(k.month), k.unit, k.party, sum[0], sum[1])
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
