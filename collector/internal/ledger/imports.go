package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// What stands in the way of an import.
var (
	ErrNoImport   = errors.New("there is no such import")
	ErrImportOver = errors.New("the import is over")
)

// brokenAfter is how long a running import may book nothing: its program has ended. One that books again runs again.
const brokenAfter = 2 * time.Minute

// undoAtOnce is how many rows one transaction takes back: so long booking waits for it.
const undoAtOnce = 5000

const agentSource = "agent "

const selectImports = "SELECT id, journal, profile, source, who, started_at, touched_at, ended_at, state, row_count, new_rows, known, skipped, rejected, first_at, last_at FROM journal_imports"

// BeginImport begins the reading of a journal. What is read is booked by BookEvents.
func (l *Ledger) BeginImport(ctx context.Context, by Author, x Import) (id int64, err error) {
	if !wire.ValidAgent(x.Journal) {
		return 0, fmt.Errorf("begin import: journal %q: want [a-z0-9-]{1,63}", x.Journal)
	}
	err = l.transact(ctx, func(b *books) error {
		x.Who, x.State, x.StartedAt = by.Who, ImportRunning, wire.TimeOf(b.now())
		if err := l.store.addImport(ctx, &x); err != nil {
			return err
		}
		subject := importSubject(x.ID)
		b.log(by, subject, "journal", "", x.Journal)
		b.log(by, subject, "source", "", x.Source)
		return nil
	})
	return x.ID, err
}

func importSubject(id int64) string { return fmt.Sprintf("journal_imports %d", id) }

func (s *store) addImport(ctx context.Context, x *Import) (err error) {
	if x.ID, err = readNumber(ctx, s.conn, "SELECT COALESCE(MAX(id), 0) + 1 FROM journal_imports"); err != nil {
		return err
	}
	return s.exec(ctx, "INSERT INTO journal_imports (id, journal, profile, source, who, started_at, touched_at, ended_at, state, row_count, new_rows, known, skipped, rejected, first_at, last_at) "+
		"VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, 0, 0, 0, 0, 0, 0, 0)", x.ID, x.Journal, x.Profile, x.Source, x.Who, int64(x.StartedAt), int64(x.StartedAt), string(x.State))
}

// BookEvents books what an import read next, in one transaction: a few thousand events keep it short. skipped and
// rejected are the rows among them that gave no event. It returns the import as it stands; ErrImportOver: nothing was
// booked.
func (l *Ledger) BookEvents(ctx context.Context, id int64, events []wire.Event, skipped, rejected int64) (x Import, err error) {
	err = l.alter(ctx, "book events", func(s *store) error {
		if x, err = s.readImport(ctx, id); err != nil {
			return err
		}
		if x.State != ImportRunning {
			return fmt.Errorf("import %d: %w, it is %s", id, ErrImportOver, x.State)
		}
		return l.bookEvents(ctx, s, &x, events, skipped, rejected)
	})
	return x, err
}

// bookEvents is BookEvents within a transaction.
func (l *Ledger) bookEvents(ctx context.Context, s *store, x *Import, events []wire.Event, skipped, rejected int64) error {
	w, err := l.booking(ctx, s)
	if err != nil {
		return err
	}
	x.Skipped += skipped
	x.Rejected += rejected
	if err := w.take(ctx, l, x, events); err != nil {
		return err
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	x.Rows = x.New + x.Known + x.Skipped + x.Rejected
	return s.exec(ctx, "UPDATE journal_imports SET touched_at = ?, row_count = ?, new_rows = ?, known = ?, skipped = ?, rejected = ?, first_at = ?, last_at = ? WHERE id = ?",
		int64(wire.TimeOf(l.now())), x.Rows, x.New, x.Known, x.Skipped, x.Rejected, int64(x.First), int64(x.Last), x.ID)
}

// EndImport notes that all of a journal is read.
func (l *Ledger) EndImport(ctx context.Context, id int64) error {
	return l.alter(ctx, "end import", func(s *store) error {
		x, err := s.readImport(ctx, id)
		if err == nil && x.State != ImportRunning {
			err = fmt.Errorf("import %d: %w, it is %s", id, ErrImportOver, x.State)
		}
		if err != nil {
			return err
		}
		return s.endImport(ctx, id, ImportDone, wire.TimeOf(l.now()))
	})
}

// endImport notes what became of an import, and when that was over; 0: it goes on.
func (s *store) endImport(ctx context.Context, id int64, state ImportState, at wire.Time) error {
	return s.exec(ctx, "UPDATE journal_imports SET state = ?, ended_at = ? WHERE id = ?", string(state), int64(at), id)
}

// UndoImport takes an import out of the books, but for what another one contains too: the books are then as if it had
// never been. Months whose rows are purged stay. It may be interrupted: until it is over the import has no end, and
// FinishUndoing goes on. An import that is undone already is returned as it stands.
func (l *Ledger) UndoImport(ctx context.Context, by Author, id int64) (Import, error) {
	return l.retract(ctx, by, id, ImportUndone)
}

// CancelImport ends an import that runs, and takes back what it has booked.
func (l *Ledger) CancelImport(ctx context.Context, by Author, id int64) error {
	_, err := l.retract(ctx, by, id, ImportCancelled)
	return err
}

// FinishUndoing goes on where taking back an import ended midway, because the program did.
func (l *Ledger) FinishUndoing(ctx context.Context) error {
	ids, err := readNumbers(ctx, l.readers, fmt.Sprintf("SELECT id FROM journal_imports WHERE state IN ('%s', '%s') AND ended_at = 0 ORDER BY id", ImportCancelled, ImportUndone))
	if err != nil {
		return fmt.Errorf("find imports to take back: %w", err)
	}
	for _, id := range ids {
		if _, err := l.retract(ctx, Author{}, id, ImportUndone); err != nil {
			return err
		}
	}
	return nil
}

// retract first notes what becomes of an import, so that nothing more is booked for it, and then takes it back in pieces.
func (l *Ledger) retract(ctx context.Context, by Author, id int64, state ImportState) (x Import, err error) {
	if err := l.transact(ctx, func(b *books) error {
		if x, err = l.store.readImport(ctx, id); err != nil {
			return err
		}
		switch {
		case x.State == ImportUndone || x.State == ImportCancelled:
			return nil
		case state == ImportCancelled && x.State != ImportRunning:
			return fmt.Errorf("cancel import %d: %w, it is %s", id, ErrImportOver, x.State)
		}
		b.log(by, importSubject(id), "state", string(x.State), string(state))
		x.State, x.EndedAt = state, 0
		return l.store.endImport(ctx, id, state, 0)
	}); err != nil || x.EndedAt != 0 {
		return x, err
	}
	for more := true; more; {
		if err := l.alter(ctx, "take back import", func(s *store) error {
			more, err = l.takeBack(ctx, s, id)
			return err
		}); err != nil {
			return x, fmt.Errorf("import %d: %w", id, err)
		}
	}
	if err := l.afterwards(ctx, x); err != nil {
		return x, fmt.Errorf("import %d: %w", id, err)
	}
	err = l.read(ctx, "import", func(q querier, _ wire.Time) error {
		x, err = readImport(ctx, q, id)
		return err
	})
	return x, err
}

// takeBack takes back some rows of an import, and tells whether there are more.
func (l *Ledger) takeBack(ctx context.Context, s *store, id int64) (more bool, err error) {
	var first, last int64
	err = each(ctx, s.conn, "SELECT first_row, last_row FROM import_rows WHERE import = ? ORDER BY first_row DESC LIMIT 1",
		func(read func(...any) error) error { return read(&first, &last) }, id)
	if err != nil || last == 0 {
		return false, err
	}
	from := max(first, last-undoAtOnce+1)
	w, err := l.booking(ctx, s)
	if err != nil {
		return false, err
	}
	rows, shared, err := w.rowsBetween(ctx, from, last)
	if err != nil {
		return false, err
	}
	booked := slices.DeleteFunc(slices.Clone(rows), func(x *sighting) bool { return int64(x.at) < w.horizon }) // the latter are being purged
	if err := w.change(ctx, booked, -1); err != nil {
		return false, err
	}
	gone := make([]int64, len(rows))
	for i, x := range rows {
		gone[i] = x.row
	}
	if err := errors.Join(w.remove(ctx, gone), w.leave(ctx, shared), w.flush(ctx)); err != nil {
		return false, err
	}
	if from == first {
		err = s.exec(ctx, "DELETE FROM import_rows WHERE import = ? AND first_row = ?", id, first)
	} else {
		err = s.exec(ctx, "UPDATE import_rows SET last_row = ? WHERE import = ? AND first_row = ?", from-1, id, first)
	}
	return true, err
}

// rowsBetween are rows that only one import contains, and the numbers of those that others contain too.
func (w *booking) rowsBetween(ctx context.Context, first, last int64) (alone []*sighting, shared []int64, err error) {
	pairs := make(map[int64]*pair)
	of := make(map[int64]int64) // pair by row
	err = each(ctx, w.conn, "SELECT id, digest, pair, at, witness, done, pages, imports, ahead FROM journal_rows WHERE id >= ? AND id <= ? ORDER BY id",
		func(read func(...any) error) error {
			x := new(sighting)
			var pair, imports int64
			err := read(&x.row, &x.digest, &pair, &x.at, &x.witness, &x.done, &x.pages, &imports, &x.ahead)
			if imports > 1 {
				shared = append(shared, x.row)
				return err
			}
			pairs[pair], of[x.row] = nil, pair
			alone = append(alone, x)
			return err
		}, first, last)
	if err == nil {
		err = w.pairsByID(ctx, pairs)
	}
	for _, x := range alone {
		x.pair = pairs[of[x.row]]
	}
	return alone, shared, err
}

// pairsByID fills in pairs by their numbers.
func (w *booking) pairsByID(ctx context.Context, pairs map[int64]*pair) error {
	ids := make([]int64, 0, len(pairs))
	for id := range pairs {
		ids = append(ids, id)
	}
	type row struct {
		id, from, to int64
		unit         string
	}
	var rows []row
	parties := make(map[int64]*party)
	for some := range slices.Chunk(ids, readAtOnce) {
		if err := each(ctx, w.conn, "SELECT id, unit, from_party, to_party FROM pairs WHERE id IN ("+numberList(some)+")", func(read func(...any) error) error {
			var x row
			err := read(&x.id, &x.unit, &x.from, &x.to)
			rows = append(rows, x)
			parties[x.from], parties[x.to] = nil, nil
			return err
		}); err != nil {
			return err
		}
	}
	delete(parties, 0)
	if err := w.partiesByID(ctx, parties); err != nil {
		return err
	}
	for _, x := range rows {
		p, err := w.pairOf(ctx, x.unit, parties[x.from], parties[x.to], true)
		if err != nil {
			return err
		}
		pairs[x.id] = p
	}
	return nil
}

func (w *booking) partiesByID(ctx context.Context, parties map[int64]*party) error {
	var unknown []int64
	for id := range parties {
		if parties[id] = w.byID[id]; parties[id] == nil {
			unknown = append(unknown, id)
		}
	}
	for some := range slices.Chunk(unknown, readAtOnce) {
		if err := each(ctx, w.conn, "SELECT id, pseudonym, line FROM parties WHERE id IN ("+numberList(some)+")", func(read func(...any) error) error {
			x := new(party)
			var pseudonym string
			err := read(&x.id, &pseudonym, &x.line)
			w.know(pseudonym, x)
			parties[x.id] = x
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// remove takes rows out of the file.
func (w *booking) remove(ctx context.Context, rows []int64) error {
	for some := range slices.Chunk(rows, readAtOnce) {
		if err := w.store.remove(ctx, "journal_rows", some); err != nil {
			return err
		}
	}
	return nil
}

// leave notes that one import less contains some rows.
func (w *booking) leave(ctx context.Context, rows []int64) error {
	for some := range slices.Chunk(rows, readAtOnce) {
		if err := w.exec(ctx, "UPDATE journal_rows SET imports = imports - 1 WHERE id IN ("+numberList(some)+")"); err != nil {
			return err
		}
	}
	return nil
}

// afterwards puts right what sums can't tell once rows are gone: when faxes were last, and of whom a journal tells since
// when. Then the import is over.
func (l *Ledger) afterwards(ctx context.Context, x Import) error {
	if x.First == 0 {
		return l.alter(ctx, "end import", func(s *store) error { return s.endImport(ctx, x.ID, x.State, wire.TimeOf(l.now())) })
	}
	for month := MonthOf(x.First, l.zone); month <= MonthOf(x.Last, l.zone); month = month.Add(1) {
		if err := l.alter(ctx, "last faxes", func(s *store) error { return l.lastOfMonth(ctx, s, month) }); err != nil {
			return err
		}
	}
	return l.alter(ctx, "coverage", func(s *store) error {
		return errors.Join(l.tellAgain(ctx, s, x.Journal), s.endImport(ctx, x.ID, x.State, wire.TimeOf(l.now())))
	})
}

// lastOfMonth finds anew when each pair faxed last in a month whose rows are kept.
func (l *Ledger) lastOfMonth(ctx context.Context, s *store, month Month) error {
	begin, end := month.In(l.zone), month.Add(1).In(l.zone)
	horizon, err := readNumber(ctx, s.conn, "SELECT COALESCE(MAX(horizon), 0) FROM journal_state")
	if err != nil || int64(begin) < horizon {
		return err
	}
	if err := s.exec(ctx, "DELETE FROM pair_months WHERE id >= ? AND id < ? AND done = 0 AND failed = 0", monthID(month, 0), monthID(month.Add(1), 0)); err != nil {
		return err
	}
	const query = "SELECT id, last FROM (SELECT id, last_at, COALESCE((SELECT MAX(at) FROM journal_rows WHERE pair = pair_months.id % 4294967296 AND at >= ? AND at < ? AND done = 1 AND ahead = 0), 0) AS last " +
		"FROM pair_months WHERE id >= ? AND id < ?) AS lasts WHERE last <> last_at"
	var changed [][2]int64
	if err := each(ctx, s.conn, query, func(read func(...any) error) error {
		var x [2]int64
		err := read(&x[0], &x[1])
		changed = append(changed, x)
		return err
	}, int64(begin), int64(end), monthID(month, 0), monthID(month.Add(1), 0)); err != nil {
		return err
	}
	for _, x := range changed {
		if err := s.exec(ctx, "UPDATE pair_months SET last_at = ? WHERE id = ?", x[1], x[0]); err != nil {
			return err
		}
	}
	return nil
}

// tellAgain finds anew of whom a journal tells since when, by the rows that its imports contain.
func (l *Ledger) tellAgain(ctx context.Context, s *store, journal string) error {
	w, err := l.booking(ctx, s)
	if err != nil {
		return err
	}
	const query = "SELECT unit, from_party, to_party, witness, MIN(at) FROM journal_imports JOIN import_rows ON import_rows.import = journal_imports.id " +
		"JOIN journal_rows ON journal_rows.id BETWEEN first_row AND last_row JOIN pairs ON pairs.id = pair WHERE journal = ? AND ahead = 0 GROUP BY 1, 2, 3, 4"
	if err := each(ctx, s.conn, query, func(read func(...any) error) error {
		x := sighting{pair: &pair{from: new(party), to: new(party)}}
		if err := read(&x.pair.unit, &x.pair.from.id, &x.pair.to.id, &x.witness, &x.at); err != nil {
			return err
		}
		w.tells(journal, &x)
		return nil
	}, journal); err != nil {
		return err
	}
	journaled, err := readJournaled(ctx, s.conn)
	if err != nil {
		return err
	}
	lines := make(map[string]bool)
	for of := range journaled {
		lines[of.line] = true
	}
	return errors.Join(
		s.exec(ctx, "DELETE FROM journal_parties WHERE journal = ? AND first_at >= ?", journal, w.horizon),
		w.writeTold(ctx),
		w.findNewest(ctx, lines),
		w.writeRevision(ctx),
	)
}

func (s *store) readImport(ctx context.Context, id int64) (Import, error) {
	return readImport(ctx, s.conn, id)
}

func readImport(ctx context.Context, q querier, id int64) (x Import, err error) {
	err = each(ctx, q, selectImports+" WHERE id = ?", func(read func(...any) error) error {
		x, _, err = scanImport(read)
		return err
	}, id)
	if err == nil && x.ID == 0 {
		err = fmt.Errorf("import %d: %w", id, ErrNoImport)
	}
	return x, err
}

func scanImport(read func(...any) error) (x Import, touched wire.Time, err error) {
	err = read(&x.ID, &x.Journal, &x.Profile, &x.Source, &x.Who, &x.StartedAt, &touched, &x.EndedAt, &x.State,
		&x.Rows, &x.New, &x.Known, &x.Skipped, &x.Rejected, &x.First, &x.Last)
	return x, touched, err
}

// Imports are all imports, newest first. One of a file that has booked nothing for minutes is broken: its program ended.
func (l *Ledger) Imports(ctx context.Context) (all []Import, err error) {
	err = l.read(ctx, "imports", func(q querier, now wire.Time) error {
		return each(ctx, q, selectImports+" ORDER BY id DESC", func(read func(...any) error) error {
			x, touched, err := scanImport(read)
			if x.State == ImportRunning && !x.byAgent() && now.Sub(touched) > brokenAfter {
				x.State, x.EndedAt = ImportBroken, touched
			}
			all = append(all, x)
			return err
		})
	})
	return all, err
}

// byAgent tells whether it is what an agent follows, which goes on for good.
func (x *Import) byAgent() bool { return strings.HasPrefix(x.Source, agentSource) && x.Profile == "" }

// agentEvents are what an agent told of a journal.
type agentEvents struct {
	agent, journal string
	events         []wire.Event
}

// followed collects the events of an envelope by journal.
func (b *books) followed(agent string, events []wire.Event) {
	for i := range events {
		e := &events[i]
		of := b.changes.followed
		if n := len(of); n == 0 || of[n-1].agent != agent || of[n-1].journal != e.Journal {
			b.changes.followed = append(b.changes.followed, agentEvents{agent: agent, journal: e.Journal})
		}
		last := &b.changes.followed[len(b.changes.followed)-1]
		last.events = append(last.events, *e)
	}
}

// bookFollowed books what agents follow, in the transaction of their envelopes.
func (l *Ledger) bookFollowed(ctx context.Context, followed []agentEvents) error {
	for _, f := range followed {
		x := Import{Journal: f.journal, Source: agentSource + f.agent, Who: f.agent, State: ImportRunning, StartedAt: wire.TimeOf(l.now())}
		err := each(ctx, l.store.conn, selectImports+" WHERE source = ? AND journal = ? AND state = ?", func(read func(...any) error) (err error) {
			x, _, err = scanImport(read)
			return err
		}, x.Source, x.Journal, string(ImportRunning))
		if err == nil && x.ID == 0 {
			err = l.store.addImport(ctx, &x)
		}
		if err == nil {
			err = l.bookEvents(ctx, l.store, &x, f.events, 0, 0)
		}
		if err != nil {
			return fmt.Errorf("journal %s of %s: %w", f.journal, f.agent, err)
		}
	}
	return nil
}
