package ledger_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const rowsOfMany = 900

// many are the rows of a journal, one in three seen by both ends.
func many() (events []wire.Event) {
	at := time.Date(2026, 8, 1, 8, 0, 0, 0, time.UTC)
	for i := range rowsOfMany {
		e := wire.Event{
			Journal: "hylafax", Key: fmt.Sprint("row ", i), At: wire.TimeOf(at.Add(time.Duration(i) * 10 * time.Minute)), Unit: wire.Message, Witness: wire.Sender,
			From: faxline, To: fmt.Sprintf("02993400%02d", i%37), Pages: int64(i % 5), Result: wire.Done,
		}
		if i%3 == 0 {
			e.To = "0241354009"
		}
		events = append(events, e)
		if i%3 == 0 {
			e.Key, e.At, e.Witness = fmt.Sprint("seen ", i), e.At.Add(time.Minute), wire.Receiver
			events = append(events, e)
		}
	}
	return events
}

// booksOf are books with two lines, late enough for all rows of many.
func booksOf(t testing.TB, path string) *collector {
	c := &collector{TB: t, path: path, now: time.Date(2026, 10, 20, 8, 0, 0, 0, time.UTC), seqs: make(map[string]uint64)}
	c.Ledger = c.open()
	c.declare(func(r *ledger.Register) {
		for _, number := range []string{faxline, "0241354009"} {
			r.Lines[number] = []ledger.Declaration{{Line: number, Number: number}}
		}
	})
	return c
}

// importPieces books events in pieces, and says after each how many are booked.
func (c *collector) importPieces(events []wire.Event, piece int, said func(booked int)) (id int64) {
	c.Helper()
	id, err := c.BeginImport(context.Background(), ledger.Author{Who: "anne"}, ledger.Import{Journal: "hylafax", Profile: "hylafax", Source: "xferfaxlog"})
	for from := 0; from < len(events) && err == nil; from += piece {
		to := min(from+piece, len(events))
		if _, err = c.BookEvents(context.Background(), id, events[from:to], 0, 0); err == nil {
			said(to)
		}
	}
	if err == nil {
		err = c.EndImport(context.Background(), id)
	}
	if err != nil {
		c.Fatal(err)
	}
	return id
}

// journals is all that they tell.
func (c *collector) journals() string {
	c.Helper()
	ctx := context.Background()
	flows, err := c.Flows(ctx, 1, 300000)
	if err != nil {
		c.Fatal(err)
	}
	coverage, err := c.Coverage(ctx)
	if err != nil {
		c.Fatal(err)
	}
	others, err := c.Correspondents(ctx, 1, 300000, wire.Message, "", 100)
	if err != nil {
		c.Fatal(err)
	}
	text := fmt.Sprintf("%+v\n%+v\n", flows, coverage)
	for _, x := range others {
		text += fmt.Sprintf("%s %d %d %s\n", x.Masked, x.Sent, x.Received, x.Last)
	}
	return text + c.line(faxline).LastSent.String()
}

// TestKilledImport runs as its own process: it imports and says how far it is, and then undoes all and begins anew, until killed.
func TestKilledImport(t *testing.T) {
	path := os.Getenv("ZEROFAX_TEST_IMPORT")
	if path == "" {
		t.Skip("only as a process of TestAnImportThatWasKilledIsImportedAgainExactly")
	}
	for c := booksOf(t, path); ; {
		id := c.importPieces(many(), 100, func(int) { fmt.Println("booked") })
		fmt.Println("undoing")
		c.undo(id)
		fmt.Println("undone")
	}
}

func TestAnImportThatWasKilledIsImportedAgainExactly(t *testing.T) {
	t.Parallel()
	clean := booksOf(t, filepath.Join(t.TempDir(), "books.db"))
	defer clean.Close()
	nothing := clean.journals()
	clean.importPieces(many(), rowsOfMany, func(int) {})
	want := clean.journals()
	for name, kill := range map[string]struct {
		word  string
		times int
		after time.Duration
	}{
		"after two pieces": {"booked", 2, 0}, "between pieces": {"booked", 5, 3 * time.Millisecond}, "while it is undone": {"undoing", 1, 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "books.db")
			killed(t, path, kill.word, kill.times, kill.after)
			c := booksOf(t, path)
			defer c.Close()
			if err := c.FinishUndoing(t.Context()); err != nil {
				t.Fatal(err)
			}
			id := c.importPieces(many(), 300, func(int) {})
			if got := c.journals(); got != want {
				t.Errorf("imported again: got %s\nwant %s", got, want)
			}
			c.balanced()
			all, err := c.Imports(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range all {
				if c.undo(x.ID); x.ID == id && len(all) > 1 { // what the killed one booked stays
					c.balanced()
				}
			}
			if got := c.journals(); got != nothing {
				t.Errorf("all undone: got %s\nwant %s", got, nothing)
			}
			c.balanced()
		})
	}
}

// killed kills a process that imports, some time after it has said a word so many times.
func killed(t *testing.T, path, word string, times int, after time.Duration) {
	t.Helper()
	self := exec.Command(os.Args[0], "-test.run=^TestKilledImport$")
	self.Env = append(os.Environ(), "ZEROFAX_TEST_IMPORT="+path)
	out, err := self.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = self.Wait() }() // it was killed
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if times -= strings.Count(lines.Text(), word); times == 0 {
			time.AfterFunc(after, func() { _ = self.Process.Kill() })
		}
	}
	if times > 0 {
		t.Fatalf("the process ended before it had said %q", word)
	}
}

// While a journal is imported in pieces, machines' counts and journals that agents follow are booked, and all of it exactly.
func TestReadingsAndFollowedJournalsComeInWhileAFileIsImported(t *testing.T) {
	t.Parallel()
	c := booksOf(t, filepath.Join(t.TempDir(), "books.db"))
	defer c.Close()
	events := many()
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		id, err := c.BeginImport(context.Background(), ledger.Author{Who: "anne"}, ledger.Import{Journal: "hylafax", Profile: "hylafax", Source: "xferfaxlog"})
		for from := 0; from < len(events) && err == nil; from += 100 {
			_, err = c.BookEvents(context.Background(), id, events[from:min(from+100, len(events))], 0, 0)
		}
		if err != nil {
			t.Error(err)
		}
	})
	const envelopes = 30
	for i := range envelopes {
		at := c.now.Add(time.Duration(i) * time.Second)
		reading := sent(int64(100 + i))
		reading.At = wire.TimeOf(at)
		d := ledger.Delivery{Agent: "ps-01", ReceivedAt: at, Envelope: wire.Envelope{
			Header:   wire.Header{Agent: "ps-01", Stream: "stream-of-ps-01", First: uint64(i + 1), Seq: uint64(i + 1), Oldest: uint64(i + 1), SentAt: wire.TimeOf(at)},
			Readings: []wire.Reading{reading}, Events: events[i*40 : i*40+40],
		}}
		if r := c.apply(d)[0]; r.Verdict != ledger.Applied {
			t.Errorf("envelope %d: got %+v", i+1, r)
		}
	}
	group.Wait()
	c.wantSent(envelopes - 1)
	clean := booksOf(t, filepath.Join(t.TempDir(), "books.db"))
	defer clean.Close()
	clean.importPieces(events, rowsOfMany, func(int) {})
	if got, want := c.journals(), clean.journals(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	c.balanced()
}

func TestARestoredLedgerKnowsItsJournalsAndTheNumbersInThemAgain(t *testing.T) {
	t.Parallel()
	c := booksOf(t, filepath.Join(t.TempDir(), "books.db"))
	first := c.importPieces(many()[:600], 200, func(int) {})
	before := c.journals()
	monday := filepath.Join(t.TempDir(), "monday.db")
	c.backup(monday)
	c.importPieces(many(), 400, func(int) {})
	whole := c.journals()
	c.Close()
	if _, _, err := restore(c.path, monday); err != nil {
		t.Fatal(err)
	}
	c.Ledger = c.open()
	defer func() { c.Close() }()
	if got := c.journals(); got != before {
		t.Errorf("restored: got %s\nwant %s", got, before)
	}
	c.importPieces(many(), 400, func(int) {})
	if all, err := c.Imports(t.Context()); err != nil || all[0].Known != 600 {
		t.Errorf("imported again: got %+v, %v; want 600 rows known", all[0], err)
	}
	if got := c.journals(); got != whole {
		t.Errorf("imported again: got %s\nwant %s", got, whole)
	}
	c.declare(func(r *ledger.Register) { // a number outside turns out to be ours
		r.Lines["0299340001"] = []ledger.Declaration{{Line: "0299340001", Number: "0299340001"}}
	})
	if got := c.line("0299340001").LastReceived; got == 0 {
		t.Error("a number that was declared after the restore: got no fax, want those that journals named before the backup")
	}
	c.undo(first)
	c.balanced()
}
