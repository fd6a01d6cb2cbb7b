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
