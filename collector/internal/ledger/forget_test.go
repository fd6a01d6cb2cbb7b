package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// faxTo is a message that one of our lines sent.
func faxTo(n int, at time.Time, from, to string) wire.Event {
	return wire.Event{
		Journal: "fax", Key: fmt.Sprint("row ", n), At: wire.TimeOf(at), Unit: wire.Message, Witness: wire.Sender,
		From: from, To: to, Pages: 2, Result: wire.Done,
	}
}

func journalLedger(t *testing.T, now *time.Time) (*Ledger, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := Open(context.Background(), path, Options{Now: func() time.Time { return *now }, Numbers: shortNumbers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := l.Declare(context.Background(), Author{}, func(r Register) (Register, error) {
		r.Lines["0241354001"] = []Declaration{{Line: "0241354001", Number: "0241354001"}}
		return r, nil
	}); err != nil {
		t.Fatal(err)
	}
	return l, path
}

func imported(t *testing.T, l *Ledger, events ...wire.Event) int64 {
	t.Helper()
	ctx := context.Background()
	id, err := l.BeginImport(ctx, Author{Who: "anne"}, Import{Journal: "fax", Profile: "hylafax", Source: "xferfaxlog"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.BookEvents(ctx, id, events, 1, 2); err != nil {
		t.Fatal(err)
	}
	if err := l.EndImport(ctx, id); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestRowsOfJournalsGoAndTheirSumsStay(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	l, path := journalLedger(t, &now)
	old, lately := time.Date(2025, 6, 3, 9, 0, 0, 0, time.UTC), time.Date(2026, 10, 3, 9, 0, 0, 0, time.UTC)
	events := []wire.Event{faxTo(1, old, "0241354001", "0144000001"), faxTo(2, lately, "0241354001", "0144000002")}
	imported(t, l, events...)
	before, err := l.Flows(ctx, 1, endOfTime)
	if err != nil {
		t.Fatal(err)
	}
	purge := func() Forgotten {
		t.Helper()
		f, err := l.PurgeJournals(ctx, now.AddDate(-1, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if f := purge(); f != (Forgotten{}) {
		t.Errorf("on the day of the import: got %+v given up, want nothing", f)
	}
	now = now.AddDate(0, 0, 40)
	if f, want := purge(), (Forgotten{1, 1}); f != want {
		t.Errorf("40 days later: got %+v given up, want %+v", f, want)
	}
	after, err := l.Flows(ctx, 1, endOfTime)
	if err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("flows: got %v, %v, want those of before %v", after, err, before)
	}
	id := imported(t, l, events...)
	if all, err := l.Imports(ctx); err != nil || all[0].ID != id || all[0].Skipped != 2 || all[0].Known != 1 || all[0].New != 0 {
		t.Errorf("imported again: got %+v, %v; want the purged row skipped and the other known", all[0], err)
	}
	others, err := l.Correspondents(ctx, 1, endOfTime, wire.Message, "", 10)
	if err != nil || len(others) != 2 || others[0].Masked != "" || others[1].Masked != "01 44 •• •• 02" {
		t.Errorf("correspondents: got %+v, %v; want the older one without a mask", others, err)
	}
	wantJournalsBalanced(t, path)
}

func wantJournalsBalanced(t *testing.T, path string) {
	t.Helper()
	b, err := Verify(context.Background(), path)
	if err == nil {
		err = b.Err()
	}
	if err != nil {
		t.Error(err)
	}
}

func TestACancelledImportLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	l, path := journalLedger(t, &now)
	id, err := l.BeginImport(ctx, Author{Who: "anne"}, Import{Journal: "fax", Profile: "hylafax", Source: "xferfaxlog"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.BookEvents(ctx, id, []wire.Event{faxTo(1, now, "0241354001", "0144000001")}, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := l.CancelImport(ctx, Author{Who: "anne"}, id); err != nil {
		t.Fatal(err)
	}
	if _, err := l.BookEvents(ctx, id, []wire.Event{faxTo(2, now, "0241354001", "0144000001")}, 0, 0); !errors.Is(err, ErrImportOver) {
		t.Errorf("book more: got %v, want %v", err, ErrImportOver)
	}
	if flows, err := l.Flows(ctx, 1, endOfTime); err != nil || len(flows) > 0 {
		t.Errorf("flows: got %v, %v; want none", flows, err)
	}
	if coverage, err := l.Coverage(ctx); err != nil || len(coverage) > 0 {
		t.Errorf("coverage: got %v, %v; want none", coverage, err)
	}
	wantJournalsBalanced(t, path)
}

func TestAnImportWhoseProgramEndedIsBroken(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	l, _ := journalLedger(t, &now)
	if _, err := l.BeginImport(ctx, Author{Who: "anne"}, Import{Journal: "fax", Profile: "hylafax", Source: "xferfaxlog"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []ImportState{ImportRunning, ImportBroken} {
		if all, err := l.Imports(ctx); err != nil || all[0].State != want {
			t.Errorf("at %s: got %+v, %v; want %s", now, all, err, want)
		}
		now = now.Add(brokenAfter + time.Second)
	}
}

// Two programs import overlapping files at once, while a third undoes: each fax counts once.
func TestProgramsImportAtOnce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	l, path := journalLedger(t, &now)
	other, err := Open(ctx, path, Options{Now: func() time.Time { return now }, Numbers: shortNumbers})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	gone := imported(t, l, faxTo(1000, now, "0241354001", "0144000009"), faxTo(3, now.Add(3*time.Minute), "0241354001", "0144000001"))
	var group sync.WaitGroup
	for i, books := range []*Ledger{l, other} {
		group.Go(func() {
			id, err := books.BeginImport(ctx, Author{Who: "anne"}, Import{Journal: "fax", Profile: "hylafax", Source: "xferfaxlog"})
			for n := 0; n < 40 && err == nil; n++ {
				k := n + 20*i
				_, err = books.BookEvents(ctx, id, []wire.Event{faxTo(k, now.Add(time.Duration(k)*time.Minute), "0241354001", fmt.Sprintf("01440000%02d", k%7))}, 0, 0)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Go(func() {
		if _, err := l.UndoImport(ctx, Author{Who: "anne"}, gone); err != nil {
			t.Error(err)
		}
	})
	group.Wait()
	flows, err := l.Flows(ctx, 1, endOfTime)
	sum := int64(0)
	for _, x := range flows {
		sum += x.Count
	}
	if err != nil || sum != 60 {
		t.Errorf("got %d faxes of %v, %v; want 60", sum, flows, err)
	}
	wantJournalsBalanced(t, path)
}

func TestAnUndoingThatComesAmidstAPurgeLeavesWhatIsPurgedInTheSums(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	l, path := journalLedger(t, &now)
	old, lately := time.Date(2025, 6, 3, 9, 0, 0, 0, time.UTC), time.Date(2026, 10, 3, 9, 0, 0, 0, time.UTC)
	seen := faxTo(2, old, "0241354001", "0144000001")
	seen.Witness = wire.Receiver
	imported(t, l, faxTo(1, old, "0241354001", "0144000001"), faxTo(3, old, "0241354001", "0144000002"))
	id := imported(t, l, seen, faxTo(4, old, "0241354001", "0144000003"), faxTo(5, lately, "0241354001", "0144000001"))
	now = now.AddDate(0, 0, 40)
	if _, err := l.giveUpRows(ctx, wire.TimeOf(now.AddDate(-1, 0, 0))); err != nil { // and the power fails
		t.Fatal(err)
	}
	if _, err := l.UndoImport(ctx, Author{Who: "anne"}, id); err != nil {
		t.Fatal(err)
	}
	if _, err := l.PurgeJournals(ctx, now.AddDate(-1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	flows, err := l.Flows(ctx, 1, endOfTime)
	if err != nil || len(flows) != 1 || flows[0].Month != 202506 || flows[0].Count != 3 {
		t.Errorf("got %+v, %v; want the three faxes of the month whose rows are purged, and none of the other", flows, err)
	}
	wantJournalsBalanced(t, path)
}

// The power fails at each step of an undoing; the next start goes on, and leaves the books as if the import had never been.
func TestAnUndoingThatWasInterruptedIsDoneToTheEnd(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	for name, crash := range map[string]func(t *testing.T, l *Ledger, id int64){
		"before the first row": func(*testing.T, *Ledger, int64) {},
		"behind the last row": func(t *testing.T, l *Ledger, id int64) {
			for more := true; more; {
				if err := l.alter(ctx, "take back", func(s *store) (err error) { more, err = l.takeBack(ctx, s, id); return err }); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, path := journalLedger(t, &now)
			imported(t, l, faxTo(1, now.AddDate(0, 0, -9), "0241354001", "0144000001"))
			before := toldBy(t, l)
			id := imported(t, l, faxTo(1, now.AddDate(0, 0, -9), "0241354001", "0144000001"), faxTo(2, now.AddDate(0, 0, -8), "0241354001", "0144000001"),
				faxTo(3, now.AddDate(0, 0, -20), "0144000002", "0241354001"))
			if err := l.alter(ctx, "begin to undo", func(s *store) error { return s.endImport(ctx, id, ImportUndone, 0) }); err != nil {
				t.Fatal(err)
			}
			crash(t, l, id)
			again, err := Open(ctx, path, Options{Now: func() time.Time { return now }, Numbers: shortNumbers})
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if err := again.FinishUndoing(ctx); err != nil {
				t.Fatal(err)
			}
			if after := toldBy(t, again); after != before {
				t.Errorf("got %s\nwant %s", after, before)
			}
			if all, err := again.Imports(ctx); err != nil || all[0].EndedAt == 0 {
				t.Errorf("got %+v, %v; want that it has ended", all[0], err)
			}
			wantJournalsBalanced(t, path)
		})
	}
}

// toldBy is all that journals tell.
func toldBy(t *testing.T, l *Ledger) string {
	t.Helper()
	ctx := context.Background()
	flows, err := l.Flows(ctx, 1, endOfTime)
	coverage, other := l.Coverage(ctx)
	others, third := l.Correspondents(ctx, 1, endOfTime, wire.Message, "", 100)
	lines, fourth := l.Lines(ctx)
	if err := errors.Join(err, other, third, fourth); err != nil {
		t.Fatal(err)
	}
	var last []string
	for _, x := range lines {
		last = append(last, fmt.Sprintf("%s sent %s, received %s", x.ID, x.LastSent, x.LastReceived))
	}
	return fmt.Sprintf("%+v\n%+v\n%+v\n%v", flows, coverage, others, last)
}

func TestUndoingAnImportLeavesWhenALineFaxedLastThoughThatRowIsPurged(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	l, _ := journalLedger(t, &now)
	imported(t, l, faxTo(1, now.AddDate(0, -17, 0), "0241354001", "0144000001"))
	now = now.AddDate(0, 0, 40)
	if f, err := l.PurgeJournals(t.Context(), now.AddDate(-1, 0, 0)); err != nil || f.Rows != 1 {
		t.Fatalf("purge: got %+v, %v; want one row", f, err)
	}
	before := toldBy(t, l)
	id := imported(t, l, faxTo(2, now, "0241354001", "0144000001"))
	if _, err := l.UndoImport(t.Context(), Author{Who: "anne"}, id); err != nil {
		t.Fatal(err)
	}
	if after := toldBy(t, l); after != before {
		t.Errorf("got %s\nwant %s", after, before)
	}
}

func TestAPurgeLeavesTheRowsOfEachFileThatWasImportedLately(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	l, _ := journalLedger(t, &now)
	imported(t, l, faxTo(1, now.AddDate(-2, 0, 0), "0241354001", "0144000001"))
	imported(t, l, faxTo(2, now, "0241354001", "0144000001"))
	if f, err := l.PurgeJournals(t.Context(), now.AddDate(-1, 0, 0)); err != nil || f.Rows != 0 {
		t.Errorf("got %+v, %v; want no row of the older file given up on the day of its import", f, err)
	}
}

func TestARowOfAWrongClockStretchesNoCoverage(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	l, path := journalLedger(t, &now)
	days := func() string {
		all, err := l.Coverage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var text string
		for _, x := range all {
			text += fmt.Sprintf("%s to %s, ", x.From, x.To)
		}
		return text
	}
	first := imported(t, l,
		faxTo(1, now.AddDate(0, 0, -3), "0241354001", "0144000001"), faxTo(2, now.AddDate(-15, 0, 0), "0241354001", "0144000001"), faxTo(3, now.AddDate(0, 0, -60), "0241354001", "0144000001"))
	if got, want := days(), "2011-11-15 to 2011-11-15, 2026-09-16 to 2026-11-12, "; got != want {
		t.Errorf("got %s, want %s: of the years between nothing is known", got, want)
	}
	imported(t, l, faxTo(4, now.AddDate(0, 0, -4), "0241354001", "0144000001"), faxTo(5, now, "0241354001", "0144000001"))
	if got, want := days(), "2011-11-15 to 2011-11-15, 2026-09-16 to 2026-11-15, "; got != want {
		t.Errorf("another file: got %s, want %s", got, want)
	}
	if _, err := l.UndoImport(t.Context(), Author{Who: "anne"}, first); err != nil {
		t.Fatal(err)
	}
	if got, want := days(), "2026-11-11 to 2026-11-15, "; got != want {
		t.Errorf("without the first: got %s, want %s", got, want)
	}
	wantJournalsBalanced(t, path)
}

// What was dated two years ahead when it was read doesn't become true when that day comes, nor when it is read again.
func TestARowThatWasDatedInTheFutureIsNeverCounted(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	l, path := journalLedger(t, &now)
	wrong := faxTo(1, now.AddDate(2, 0, 0), "0241354001", "0144000001")
	twin := wrong
	twin.Key, twin.Witness = "twin", wire.Receiver
	id := imported(t, l, wrong, faxTo(2, now, "0241354001", "0144000001"))
	before := toldBy(t, l)
	if all, err := l.Imports(ctx); err != nil || all[0].New != 1 || all[0].Rejected != 3 {
		t.Errorf("got %+v, %v; want one new, and one rejected beside the two that can't be read", all[0], err)
	}
	now = now.AddDate(2, 0, 5)
	again := imported(t, l, wrong)
	if after := toldBy(t, l); after != before {
		t.Errorf("when that day had come: got %s\nwant %s", after, before)
	}
	other := imported(t, l, twin) // a true one, of that day
	flows, err := l.Flows(ctx, 202811, 202811)
	if err != nil || len(flows) != 1 || flows[0].Count != 1 {
		t.Errorf("got %+v, %v; want the one of which a right clock tells", flows, err)
	}
	wantJournalsBalanced(t, path)
	for _, id := range []int64{id, again, other} {
		if _, err := l.UndoImport(ctx, Author{Who: "anne"}, id); err != nil {
			t.Fatal(err)
		}
	}
	if flows, err := l.Flows(ctx, 1, endOfTime); err != nil || len(flows) != 0 {
		t.Errorf("all undone: got %+v, %v; want none", flows, err)
	}
	wantJournalsBalanced(t, path)
}

// An agent books a few rows at a time for years: what is noted of which rows it contains doesn't grow with that.
func TestWhatAnImportContainsIsNotedInFewStretches(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	l, path := journalLedger(t, &now)
	stretches := func() int64 {
		n, err := readNumber(ctx, l.readers, "SELECT COUNT(*) FROM import_rows")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	id, err := l.BeginImport(ctx, Author{Who: "anne"}, Import{Journal: "fax", Profile: "hylafax", Source: "xferfaxlog"})
	if err != nil {
		t.Fatal(err)
	}
	book := func(n int, at time.Time) {
		if _, err := l.BookEvents(ctx, id, []wire.Event{faxTo(n, at, "0241354001", "0144000001")}, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 {
		book(n, now.AddDate(-2, 0, n))
	}
	other := imported(t, l, faxTo(100, now.AddDate(-2, 0, 0), "0241354001", "0144000001"))
	book(200, now)
	if got := stretches(); got != 3 {
		t.Errorf("got %d stretches, want 3: before another import, that, and behind it", got)
	}
	now = now.AddDate(0, 0, 40)
	if f, err := l.PurgeJournals(ctx, now.AddDate(-1, 0, 0)); err != nil || f.Rows != 11 {
		t.Fatalf("purge: got %+v, %v; want 11 rows", f, err)
	}
	if got := stretches(); got != 1 {
		t.Errorf("with most rows purged: got %d stretches, want 1", got)
	}
	for _, id := range []int64{id, other} {
		if _, err := l.UndoImport(ctx, Author{Who: "anne"}, id); err != nil {
			t.Fatal(err)
		}
	}
	if got := stretches(); got != 0 {
		t.Errorf("undone: got %d stretches, want none", got)
	}
	wantJournalsBalanced(t, path)
}
