package ledger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// SQLite refuses to make the file larger, as on a full disk.
func TestWithoutRoomNothingIsBookedAndNothingIsLost(t *testing.T) {
	ctx := context.Background()
	l, f := fullLedger(t)
	limit := func(pages string) {
		if err := l.store.exec(ctx, "PRAGMA max_page_count = "+pages); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // no more than there are
	var refused []Delivery
	for range 1000 {
		d := f.envelopes(1)
		if _, err := l.Apply(ctx, d); err != nil {
			if !errors.Is(err, ErrFull) {
				t.Fatalf("got %v, want %v", err, ErrFull)
			}
			refused = d
			break
		}
	}
	if refused == nil {
		t.Fatal("never full")
	}
	before, err := l.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Declare(ctx, Author{Who: "anne"}, manyLines); !errors.Is(err, ErrFull) {
		t.Errorf("declare: got %v, want %v", err, ErrFull)
	}
	balanced(t, l)
	limit("1000000")
	if got, err := l.Apply(ctx, refused); err != nil || got[0].Verdict != Applied {
		t.Errorf("with room again: got %+v, %v, want it applied", got, err)
	}
	after, err := l.Snapshot(ctx)
	if err != nil || after.Envelopes[Applied] != before.Envelopes[Applied]+1 || len(after.Register.Lines) != 0 {
		t.Errorf("got %d envelopes and %d lines, %v, want one more than %d, and no line", after.Envelopes[Applied], len(after.Register.Lines), err, before.Envelopes[Applied])
	}
	balanced(t, l)
}

func fullLedger(t *testing.T) (*Ledger, *fleet) {
	f := newFleet(perEnvelope, 1)
	l, err := Open(context.Background(), t.TempDir()+"/books.db", Options{Now: func() time.Time { return f.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if _, err := l.Apply(context.Background(), f.envelopes(3)); err != nil {
		t.Fatal(err)
	}
	return l, f
}

func manyLines(r Register) (Register, error) {
	for i := range 5000 {
		id := fmt.Sprintf("02%08d", i)
		r.Lines[id] = []Declaration{{Line: id, Number: id}}
	}
	return r, nil
}
