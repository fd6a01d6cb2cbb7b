// Package journals takes fax journals into the books: files that people name or hand in become events, which the ledger
// books a chunk at a time, so that readings of machines come in meanwhile. What is cancelled, or can't be read to its end,
// leaves nothing behind.
package journals

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Books is what an import needs of the ledger.
type Books interface {
	BeginImport(ctx context.Context, by ledger.Author, i ledger.Import) (int64, error)
	BookEvents(ctx context.Context, id int64, events []wire.Event, skipped, rejected int64) (ledger.Import, error)
	EndImport(ctx context.Context, id int64) error
	CancelImport(ctx context.Context, by ledger.Author, id int64) error
	KeepRejects(ctx context.Context, id int64, rejects []ledger.Reject) error
	FinishUndoing(ctx context.Context) error
}

// Rows hands the rows of a journal to each, which may end it by an error. Any other error is that it can't be read to its
// end.
type Rows func(each func(journal.Row) error) error

const (
	chunk = 5000 // rows booked at once
	// hopeless is how many rows may be rejected before any is understood: then it is another kind of file.
	hopeless = 200
	// undoTime is how long an import that is cut short may take to undo what it booked.
	undoTime = 10 * time.Minute
)

// Tally is what came of the rows of a journal.
type Tally struct {
	Events, Skipped, Rejected int64
	Rejects                   []ledger.Reject // the first ledger.MostRejects
	Unowned                   int64           // events that don't tell which line of ours it was
	last                      int64           // row
	seen                      int64           // rows, headers and blank lines, too
}

// Rows is how many were read.
func (t Tally) Rows() int64 { return t.Events + t.Skipped + t.Rejected }

// ErrUnreadable is of a file that can't be read in the way that was asked for, or not to its end.
var ErrUnreadable = errors.New("it can't be read by this profile")

// ErrLeft is of an import that was cut short and could not be undone: what was booked of it still counts.
var ErrLeft = errors.New("cut short, and not undone: --undo takes it back")

// count adds a row. The error is ErrUnreadable where hopeless rows can't be read, and none can.
func (t *Tally) count(row journal.Row) error {
	t.last = row.Line
	t.seen++
	switch row.Verdict {
	case journal.Taken:
		t.Events++
		if Unowned(row.Event) {
			t.Unowned++
		}
	case journal.Skipped:
		t.Skipped++
	case journal.Rejected, journal.Refused:
		t.Rejected++
		t.reject(row.Line, row.Reason())
		if t.Rejected >= hopeless {
			return t.hopeless()
		}
	}
	return nil
}

// Unowned tells whether an event leaves open which line it was of: the journal doesn't say, and nobody said it for it.
func Unowned(e wire.Event) bool {
	return e.Witness == wire.Sender && e.From == "" || e.Witness == wire.Receiver && e.To == ""
}

func (t *Tally) reject(row int64, reason string) {
	if len(t.Rejects) < ledger.MostRejects {
		t.Rejects = append(t.Rejects, ledger.Reject{Row: row, Reason: reason})
	}
}

// kept are the rejects as the books keep them: without what stands in the rows, which may be numbers and names.
func (t *Tally) kept() []ledger.Reject {
	kept := slices.Clone(t.Rejects)
	for i := range kept {
		kept[i].Reason, _, _ = strings.Cut(kept[i].Reason, `: "`)
	}
	return kept
}

// hopeless is an error if there are rows and none tells a fax, nor are they those of others: by chance one of another
// kind of file may look like one of those.
func (t *Tally) hopeless() error {
	if t.Rejected == 0 || t.Events > 0 || 10*t.Skipped > t.Rejected {
		return nil
	}
	first := t.Rejects[0]
	return fmt.Errorf("%w: row %d: %s", ErrUnreadable, first.Row, first.Reason)
}

// run counts the rows of a journal, each of which is done something with.
func (t *Tally) run(rows Rows, do func(journal.Row) error) error {
	var ours error
	err := rows(func(row journal.Row) error {
		if ours = t.count(row); ours == nil {
			ours = do(row)
		}
		return ours
	})
	switch {
	case ours != nil:
		return ours
	case err != nil:
		t.reject(t.last+1, err.Error())
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return t.hopeless()
}

// Try reads a journal as Take does, and books nothing.
func Try(ctx context.Context, rows Rows) (t Tally, err error) {
	err = t.run(rows, func(journal.Row) error { return ctx.Err() })
	return t, err
}

// Take reads a journal into the books. begun, which may be nil, is told the import's number. Where the journal can't be
// read to its end, or ctx ends before that, what was booked of it is undone. Somebody else may cancel it, too: then the
// books take no more of it.
func Take(ctx context.Context, books Books, by ledger.Author, what ledger.Import, rows Rows, begun func(id int64)) (ledger.Import, Tally, error) {
	id, err := books.BeginImport(ctx, by, what)
	if err != nil {
		return what, Tally{}, err
	}
	what.ID = id
	if begun != nil {
		begun(id)
	}
	x := taking{books: books, standing: what, events: make([]wire.Event, 0, chunk)}
	err = x.run(rows, func(row journal.Row) error { return x.row(ctx, row) })
	if err == nil {
		err = x.book(ctx)
	}
	after, done := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer done()
	if len(x.Rejects) > 0 {
		err = errors.Join(err, books.KeepRejects(after, id, x.kept()))
	}
	if err == nil {
		err = books.EndImport(ctx, id)
	}
	if ended := ctx.Err(); ended != nil && err != nil {
		err = ended // whatever it broke off
	}
	if err != nil {
		err = errors.Join(err, x.undo(after, by, context.Cause(ctx)))
	}
	return x.standing, x.Tally, err
}

// Cancelled is the cause with which somebody ends the context of an import.
type Cancelled struct{ By ledger.Author }

func (c Cancelled) Error() string { return "cancelled by " + c.By.Who }

// taking is an import on its way.
type taking struct {
	books    Books
	standing ledger.Import
	events   []wire.Event // that aren't booked yet
	rows     []int64      // where they stand
	booked   struct{ rows, skipped, rejected int64 }
	Tally
}

func (x *taking) row(ctx context.Context, row journal.Row) error {
	if err := ctx.Err(); err != nil { // a packed file may hold blank lines without end, of which nothing is booked
		return err
	}
	if row.Verdict == journal.Taken {
		x.events, x.rows = append(x.events, row.Event), append(x.rows, row.Line)
	}
	if x.Rows()-x.booked.rows < chunk {
		return nil
	}
	return x.book(ctx)
}

// book books what was read since it did so last.
func (x *taking) book(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if x.Rows() == x.booked.rows {
		return nil
	}
	standing, err := x.books.BookEvents(ctx, x.standing.ID, x.events, x.Skipped-x.booked.skipped, x.Rejected-x.booked.rejected)
	if err != nil {
		return err
	}
	for _, i := range standing.Ahead {
		x.Events--
		x.Rejected++
		x.reject(x.rows[i], string(journal.Ahead))
	}
	x.standing, x.events, x.rows = standing, x.events[:0], x.rows[:0]
	x.booked.rows, x.booked.skipped, x.booked.rejected = x.Rows(), x.Skipped, x.Rejected
	return nil
}

// undo undoes what was booked, unless somebody else did.
func (x *taking) undo(ctx context.Context, by ledger.Author, why error) error {
	if c := (Cancelled{}); errors.As(why, &c) {
		by = c.By
	}
	err := x.books.CancelImport(ctx, by, x.standing.ID)
	if err == nil || errors.Is(err, ledger.ErrImportOver) {
		return nil
	}
	return fmt.Errorf("import %d: %w: %w", x.standing.ID, ErrLeft, err)
}
