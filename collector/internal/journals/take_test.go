package journals_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/journals"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// books remember what an import did to them.
type books struct {
	journals.Books
	booked    int64
	chunks    []int
	rejects   []ledger.Reject
	ended     bool
	cancelled string // by whom
	over      bool   // somebody else cancelled it
	full      error  // why nothing can be undone
	after     func() // each chunk
	ahead     []int  // of each chunk
}

func (b *books) BeginImport(context.Context, ledger.Author, ledger.Import) (int64, error) {
	return 7, nil
}

func (b *books) BookEvents(_ context.Context, id int64, events []wire.Event, skipped, rejected int64) (ledger.Import, error) {
	if b.over {
		return ledger.Import{}, fmt.Errorf("import %d: %w", id, ledger.ErrImportOver)
	}
	b.booked += int64(len(events))
	b.chunks = append(b.chunks, len(events)+int(skipped+rejected))
	if b.after != nil {
		b.after()
	}
	return ledger.Import{ID: id, New: b.booked, Ahead: b.ahead}, nil
}

func (b *books) EndImport(context.Context, int64) error {
	b.ended = true
	return nil
}

func (b *books) CancelImport(ctx context.Context, by ledger.Author, _ int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.over {
		return ledger.ErrImportOver
	}
	if b.full != nil {
		return b.full
	}
	b.cancelled = by.Who
	return nil
}

func (b *books) FinishUndoing(context.Context) error { return nil }

func (b *books) KeepRejects(_ context.Context, _ int64, rejects []ledger.Reject) error {
	b.rejects = rejects
	return nil
}

// list are rows that somebody thought of; err follows them.
func list(rows []journal.Row, err error) journals.Rows {
	return func(each func(journal.Row) error) error {
		for _, row := range rows {
			if err := each(row); err != nil {
				return err
			}
		}
		return err
	}
}

var anne = ledger.Author{Who: "anne", Source: "xferfaxlog"}

func faxes(n int) (rows []journal.Row) {
	for i := range n {
		rows = append(rows, journal.Row{Line: int64(i + 1), Verdict: journal.Taken, Event: wire.Event{Key: fmt.Sprint(i)}})
	}
	return rows
}

func TestAJournalIsBookedInPiecesSoThatReadingsComeInMeanwhile(t *testing.T) {
	t.Parallel()
	b := new(books)
	rows := append(faxes(12000), journal.Row{Line: 12001, Verdict: journal.Skipped}, journal.Row{Line: 12002, Verdict: journal.Rejected, Why: journal.BadDate, Value: "Martin: 4512"})
	_, tally, err := journals.Take(t.Context(), b, anne, ledger.Import{}, list(rows, nil), nil)
	if err != nil || b.booked != 12000 || !b.ended || len(b.chunks) != 3 {
		t.Errorf("got %d events in pieces of %v, ended %v, %v", b.booked, b.chunks, b.ended, err)
	}
	if tally.Rows() != 12002 || tally.Skipped != 1 || tally.Rejected != 1 || len(b.rejects) != 1 || b.rejects[0] != (ledger.Reject{Row: 12002, Reason: string(journal.BadDate)}) {
		t.Errorf("got %+v, rejects %v, want row 12002 rejected and nothing kept of what stands there", tally, b.rejects)
	}
}

func TestAnImportThatEndsEarlyLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	bruno := ledger.Author{Who: "bruno"}
	broken := errors.New("unexpected end of the compressed file")
	for name, c := range map[string]struct {
		cause   error // with which it is cancelled after the first piece
		err     error // of the file
		rows    []journal.Row
		by      string // who undid it
		want    error
		rejects int64 // row of the last one
	}{
		"the command is stopped":             {cause: context.Canceled, rows: faxes(9000), by: "anne", want: context.Canceled},
		"somebody cancels it":                {cause: journals.Cancelled{By: bruno}, rows: faxes(9000), by: "bruno", want: context.Canceled},
		"the file is damaged":                {rows: faxes(6000), err: broken, by: "anne", want: broken, rejects: 6001},
		"it is another kind of file":         {rows: rejected(300), by: "anne", want: journals.ErrUnreadable, rejects: 200},
		"a few rows look like others' calls": {rows: slices.Insert(rejected(300), 50, journal.Row{Line: 51, Verdict: journal.Skipped}), by: "anne", want: journals.ErrUnreadable, rejects: 200},
		"it is short, and another":           {rows: rejected(2), by: "anne", want: journals.ErrUnreadable, rejects: 2},
		"its first row says that it is none": {err: errors.New("line 1: file is of another format"), by: "anne", want: journals.ErrUnreadable, rejects: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			b := new(books)
			if c.cause != nil {
				b.after = func() { cancel(c.cause) }
			}
			_, _, err := journals.Take(ctx, b, anne, ledger.Import{}, list(c.rows, c.err), nil)
			if !errors.Is(err, c.want) || b.ended || b.cancelled != c.by {
				t.Errorf("got %v, ended %v, undone by %q, want %v and undone by %s", err, b.ended, b.cancelled, c.want, c.by)
			}
			if n := len(b.rejects); c.rejects != 0 && (n == 0 || b.rejects[n-1].Row != c.rejects) {
				t.Errorf("got rejects %v, want the last to be row %d", b.rejects, c.rejects)
			}
		})
	}
}

func rejected(n int) (rows []journal.Row) {
	for i := range n {
		rows = append(rows, journal.Row{Line: int64(i + 1), Verdict: journal.Rejected, Why: journal.BadDate})
	}
	return rows
}

func TestAnImportThatSomebodyElseCancelledTakesNoMore(t *testing.T) {
	t.Parallel()
	b := &books{over: true}
	_, _, err := journals.Take(t.Context(), b, anne, ledger.Import{}, list(faxes(10), nil), nil)
	if !errors.Is(err, ledger.ErrImportOver) || b.ended || b.cancelled != "" {
		t.Errorf("got %v, ended %v, undone by %q, want ErrImportOver and nothing done", err, b.ended, b.cancelled)
	}
}

func TestAFewBadRowsSpoilNoJournal(t *testing.T) {
	t.Parallel()
	b := new(books)
	rows := append(append(rejected(150), faxes(1)...), rejected(400)...)
	if _, tally, err := journals.Take(t.Context(), b, anne, ledger.Import{}, list(rows, nil), nil); err != nil || tally.Rejected != 550 || b.booked != 1 {
		t.Errorf("got %+v, %v", tally, err)
	}
}

// blanks are the rows of a packed file of line ends, as few bytes as that may be; more than anybody waits for.
func blanks(asked *int) journals.Rows {
	return func(each func(journal.Row) error) error {
		for *asked = 1; *asked < 1_000_000; *asked++ {
			if err := each(journal.Row{Line: int64(*asked)}); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestBlankLinesWithoutEndCanBeCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	asked, b := 0, new(books)
	if _, _, err := journals.Take(ctx, b, anne, ledger.Import{}, blanks(&asked), nil); !errors.Is(err, context.Canceled) || asked > 1 {
		t.Errorf("got %v after %d rows, want that it ends with the first", err, asked)
	}
}

func TestAnImportThatCannotBeUndoneSaysSo(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	b := &books{full: full}
	_, _, err := journals.Take(t.Context(), b, anne, ledger.Import{}, list(faxes(4000), errors.New("unexpected end")), nil)
	if !errors.Is(err, journals.ErrLeft) || !errors.Is(err, full) {
		t.Errorf("got %v, want that it is left half booked because the disk is full", err)
	}
}

func TestAGlimpseEndsAfterSoManyLinesThoughTheyAreBlank(t *testing.T) {
	t.Parallel()
	p, err := journals.Find("hylafax", nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.NewReader(strings.Repeat("\n", 1_000_000))
	g := journals.Look(lines, journals.Way{Profile: p, Journal: "fax"}, 1000, 20)
	if g.Fault != nil || g.Whole || lines.Len() == 0 {
		t.Errorf("got %+v with %d bytes left, want that most weren't read", g, lines.Len())
	}
}

func TestFaxesOfNobodyKnowsWhichLineAreCounted(t *testing.T) {
	t.Parallel()
	rows := faxes(3)
	rows[0].Event.Witness, rows[0].Event.To = wire.Sender, "0241354000"
	rows[1].Event.Witness, rows[1].Event.From = wire.Receiver, "0241354000"
	rows[2].Event.Witness, rows[2].Event.To = wire.Receiver, "0241354512"
	if tally, err := journals.Try(t.Context(), list(rows, nil)); err != nil || tally.Unowned != 2 {
		t.Errorf("got %+v, %v; want 2 of an unknown line", tally, err)
	}
}

func TestRowsThatAreDatedInTheFutureAreToldAmongThoseRejected(t *testing.T) {
	t.Parallel()
	b := &books{ahead: []int{1}}
	rows := append(rejected(2), faxes(3)...)
	for i := range rows {
		rows[i].Line = int64(i + 1)
	}
	_, tally, err := journals.Take(t.Context(), b, anne, ledger.Import{}, list(rows, nil), nil)
	want := ledger.Reject{Row: 4, Reason: string(journal.Ahead)}
	if err != nil || tally.Rejected != 3 || tally.Events != 2 || len(b.rejects) != 3 || b.rejects[2] != want {
		t.Errorf("got %+v, %v, rejects %v; want the second fax, of row 4, rejected", tally, err, b.rejects)
	}
}
