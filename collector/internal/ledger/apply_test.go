package ledger

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

func openTemp(t *testing.T) *Ledger {
	t.Helper()
	path := filepath.Join(t.TempDir(), "books.db")
	EmptyAt(t, path)
	l, err := Open(context.Background(), path, Options{Now: func() time.Time { return t0.Std() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func page(agent string, seq uint64, pages int64) Delivery {
	at := t0.Add(time.Duration(seq) * time.Second)
	return Delivery{Agent: agent, ReceivedAt: at.Std(), Envelope: wire.Envelope{
		Header: wire.Header{Agent: agent, Stream: "stream-" + agent, First: seq, Seq: seq, Oldest: seq, SentAt: at}, CRC: uint32(seq),
		Readings: []wire.Reading{{Device: "kyocera-" + agent, At: at, OK: true, Counters: []wire.Counter{
			{Measure: wire.FaxSentPages, Unit: "pages", Rule: "sent", Value: pages},
		}}},
	}}
}

func wantSent(t *testing.T, l *Ledger, device string, want int64) {
	t.Helper()
	devices, err := l.Devices(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		if d.ID == device {
			if got := d.Totals[wire.FaxSentPages]; got != want {
				t.Errorf("%s: got %d pages, want %d", device, got, want)
			}
			return
		}
	}
	t.Errorf("no device %s", device)
}

// bomb is an envelope that brings out a fault of ours.
type bomb struct{}

func (bomb) Error() string { return "bomb" }

func (bomb) Is(error) bool { panic("boom") }

func TestPoisonedEnvelopeIsQuarantinedAndTheOthersAreBooked(t *testing.T) {
	l := openTemp(t)
	poisoned := page("ps-02", 1, 1)
	poisoned.Err, poisoned.Payload = bomb{}, []byte(`{"readings":[]}`)
	results, err := l.Apply(context.Background(), []Delivery{page("ps-01", 1, 1), poisoned, page("ps-01", 2, 4), page("ps-02", 2, 9), page("ps-02", 3, 10)})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Verdict{Applied, Quarantined, Applied, Applied, Applied} {
		if results[i].Verdict != want {
			t.Errorf("delivery %d: got %s, want %s", i, results[i].Verdict, want)
		}
	}
	wantSent(t, l, "kyocera-ps-01", 3)
	wantSent(t, l, "kyocera-ps-02", 1)
	kept, err := l.Quarantined(context.Background(), 10)
	if err != nil || len(kept) != 1 || !strings.Contains(kept[0].Reason, "boom") {
		t.Errorf("quarantine: got %v, %v, want the poisoned one and why", kept, err)
	}
}

// An episode that is missing in the file is a fault that only a review comes upon.
func TestFaultInAReviewStopsNeitherTheProgramNorOtherAgents(t *testing.T) {
	ctx := context.Background()
	l := openTemp(t)
	cut := func(day Day) error {
		return l.Declare(ctx, Author{Who: "anne"}, func(r Register) (Register, error) {
			r.Lines["0241354000"] = []Declaration{{Line: "0241354000", Device: "kyocera-ps-01", Cutoff: day}}
			return r, nil
		})
	}
	if err := cut("2001-01-01"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Apply(ctx, []Delivery{page("ps-01", 1, 10), page("ps-01", 2, 4), page("ps-02", 1, 1)}); err != nil {
		t.Fatal(err)
	}
	if err := l.store.exec(ctx, "DELETE FROM episodes"); err != nil {
		t.Fatal(err)
	}
	l.books = nil
	if err := cut("2100-01-01"); !errors.Is(err, errPoison) {
		t.Errorf("moved date: got %v, want %v", err, errPoison)
	}
	glitch := page("ps-01", 3, 10) // the fall was none: its event is withdrawn
	glitch.Payload = []byte(`{"readings":[]}`)
	results, err := l.Apply(ctx, []Delivery{glitch, page("ps-02", 2, 3)})
	if err != nil || results[0].Verdict != Quarantined || results[1].Verdict != Applied {
		t.Errorf("got %+v, %v, want the one that brings it out quarantined, the other applied", results, err)
	}
	wantSent(t, l, "kyocera-ps-02", 2)
}

func TestFullDiskAcknowledgesNothingAndLosesNothing(t *testing.T) {
	ctx := context.Background()
	l := openTemp(t)
	if _, err := l.Apply(ctx, []Delivery{page("ps-01", 1, 1)}); err != nil {
		t.Fatal(err)
	}
	var pages int64
	if err := l.store.conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	full := func(most string) {
		if err := l.store.exec(ctx, "PRAGMA max_page_count = "+most); err != nil {
			t.Fatal(err)
		}
	}
	full("1") // never less than there is
	var many []Delivery
	for seq := uint64(2); seq < 2000; seq++ {
		many = append(many, page("ps-01", seq, int64(seq)))
	}
	if results, err := l.Apply(ctx, many); err == nil {
		t.Fatalf("got %d results, want an error: the disk is full", len(results))
	}
	full("1000000")
	results, err := l.Apply(ctx, many)
	if err != nil || results[len(results)-1].Ack != 1999 {
		t.Errorf("with space again: got %+v, %v, want everything acknowledged", results[len(results)-1], err)
	}
	wantSent(t, l, "kyocera-ps-01", 1998)
}

func TestCancelledApplyBooksNothing(t *testing.T) {
	l := openTemp(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Apply(ctx, []Delivery{page("ps-01", 1, 1)}); err == nil {
		t.Error("got no error, want one")
	}
	if r, err := l.Apply(context.Background(), []Delivery{page("ps-01", 1, 1)}); err != nil || r[0].Verdict != Applied {
		t.Errorf("got %v, %v, want it applied", r, err)
	}
}

func TestReadersSeeWholeTransactions(t *testing.T) {
	t.Parallel()
	l := openTemp(t)
	ctx := context.Background()
	var group sync.WaitGroup
	group.Go(func() {
		for seq := uint64(1); seq <= 60; seq++ {
			both := []Delivery{page("ps-01", seq, int64(seq)), page("ps-02", seq, int64(seq))}
			if _, err := l.Apply(ctx, both); err != nil {
				t.Error(err)
			}
		}
	})
	for range 3 {
		group.Go(func() {
			for range 40 {
				s, err := l.Snapshot(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				if len(s.Devices) == 2 && s.Devices[0].Totals[wire.FaxSentPages] != s.Devices[1].Totals[wire.FaxSentPages] {
					t.Errorf("got %v and %v, want equal totals", s.Devices[0].Totals, s.Devices[1].Totals)
				}
			}
		})
	}
	group.Wait()
	wantSent(t, l, "kyocera-ps-01", 59)
}
