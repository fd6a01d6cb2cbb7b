package ledger

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
)

// verified lets the auditor compare all books.
func (w *world) verified() {
	b, err := balance(context.Background(), w.ledger.readers)
	if err == nil {
		err = b.Err()
	}
	if err != nil {
		w.Fatalf("verify: %v", err)
	}
}

// sums are all that projections are told of totals.
func (w *world) sums() string {
	ctx := context.Background()
	s, err := w.ledger.Snapshot(ctx)
	if err != nil {
		w.Fatalf("snapshot: %v", err)
	}
	months, err := w.ledger.Months(ctx, 202001, 209912)
	if err != nil {
		w.Fatalf("months: %v", err)
	}
	hours, err := w.ledger.Hours(ctx, 0, wire.TimeOf(w.now.AddDate(30, 0, 0)))
	if err != nil {
		w.Fatalf("hours: %v", err)
	}
	text := fmt.Sprintln(s.Sums, months, hours)
	for i := range s.Devices {
		text += fmt.Sprintln(s.Devices[i].ID, s.Devices[i].Totals, s.Devices[i].LastFax)
	}
	return text
}

func (w *world) giveUp() {
	before, last := w.sums(), w.ledger.books
	var numbers numbers
	if last != nil {
		numbers = last.last
	}
	ago := time.Duration(rapid.IntRange(0, 8).Draw(w.T, "hours ago")) * time.Hour
	if _, err := w.ledger.Purge(context.Background(), w.now.Add(-ago), Outlets{}); err != nil {
		w.Fatalf("give up details: %v", err)
	}
	if after := w.sums(); after != before {
		w.Fatalf("sums before\n%s\nafter details were given up\n%s", before, after)
	}
	w.verified()
	onDisk, err := w.ledger.store.load(context.Background())
	if err != nil || last != nil && onDisk.last != numbers {
		w.Fatalf("numbers: got %+v, %v, want %+v as before", onDisk.last, err, numbers)
	}
}

func TestGivingUpDetailsChangesNoSumAndNothingThatComesLater(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, dir, 1)
		w.purges = true
		defer func() { w.ledger.Close() }()
		actions := w.actions()
		actions["give up details"] = func(*rapid.T) { w.giveUp() }
		left := 20 // of a day: a fall that lasts longer is none that comes back
		actions["hours pass"] = func(t *rapid.T) {
			hours := rapid.IntRange(0, min(left, 3)).Draw(t, "hours")
			left -= hours
			w.pass(time.Duration(hours) * time.Hour)
		}
		t.Repeat(actions)
		w.finish()
	})
}
