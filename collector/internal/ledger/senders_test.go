package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
)

func TestARowOfASenderHoldsTheSumOfItsChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, row, want := senderMonth{202603, "message", "0241354001"}, "", make(map[string]faxTally)
		number := rapid.OneOf(rapid.Int64Range(-1, 3), rapid.Int64Range(0, 1<<50))
		for range rapid.IntRange(1, 6).Draw(t, "bookings") {
			var changes []receiver
			for range rapid.IntRange(0, 8).Draw(t, "changes") {
				r := receiver{rapid.SampledFrom([]string{"", "0241354001", "0241354002", "main:4002", "main:40"}).Draw(t, "to"), faxTally{
					done: number.Draw(t, "done"), failed: number.Draw(t, "failed"), pages: number.Draw(t, "pages"), paged: number.Draw(t, "paged"),
				}}
				changes = append(changes, r)
				sum := want[r.line]
				sum.add(r.sum, +1)
				if want[r.line] = sum; sum.none() {
					delete(want, r.line)
				}
			}
			next, err := s.changed(row, changes)
			if err != nil {
				t.Fatal(err)
			}
			row = next
		}
		got := make(map[string]faxTally)
		if err := s.eachReceiver(row, func(r receiver) { got[r.line] = r.sum }); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: got %v, want %v", row, got, want)
		}
	})
}

func TestARowOfASenderThatIsDamagedIsToldByMonthAndSender(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]string{
		"cut short":          "0241354002\t1\t0\t2\t1\n0241354003\t1\t0",
		"without its end":    "0241354002\t1\t0\t2\t1",
		"a figure too few":   "0241354002\t1\t0\t2\n",
		"a figure too many":  "0241354002\t1\t0\t2\t1\t1\n",
		"no number":          "0241354002\t1\tx\t2\t1\n",
		"a receiver alone":   "0241354002\n0241354003\t1\t0\t2\t1\n",
		"beyond all numbers": "0241354002\t9999999999999999999\t0\t2\t1\n",
		"an empty line":      "\n",
		"receivers in chaos": "0241354003\t1\t0\t2\t1\n0241354002\t1\t0\t2\t1\n",
		"a receiver twice":   "\t1\t0\t2\t1\n\t1\t0\t2\t1\n",
	} {
		s := senderMonth{202603, "message", "0241354001"}
		err := s.eachReceiver(row, func(receiver) {})
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), `2026-03, message, from "0241354001"`) {
			t.Errorf("%s: got %v, want an error that names month and sender", name, err)
		}
	}
}

// twoFlows is a ledger in which a line faxed another one and the outside.
func twoFlows(t *testing.T) (*Ledger, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := Open(t.Context(), path, Options{Now: func() time.Time { return time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	x := newExchange(2, 2, time.Minute)
	x.declare(t, l)
	id, err := l.BeginImport(t.Context(), Author{Who: "anne"}, Import{Journal: "fax", Source: "xferfaxlog"})
	if err != nil {
		t.Fatal(err)
	}
	var events []wire.Event
	for _, to := range []string{x.line(1), x.number(1)} {
		events = append(events, x.key(wire.Event{
			Journal: "fax", At: wire.TimeOf(time.Date(2026, 3, 3, 8, 0, 0, 0, time.UTC)), Unit: wire.Message, Witness: wire.Sender, Pages: 2, Result: wire.Done,
			From: x.line(0), To: to,
		}))
	}
	if _, err := l.BookEvents(t.Context(), id, events, 0, 0); err != nil {
		t.Fatal(err)
	}
	return l, path
}

func TestFlowsThatAreDamagedAreNeitherReadNorPassedByVerify(t *testing.T) {
	t.Parallel()
	for damage, found := range map[string]string{
		"SUBSTR(receivers, 1, LENGTH(receivers) - 2)":                                        `2026-03, message, from "0241350000"`,
		"REPLACE(receivers, '0241350001' || CHAR(9) || '1', '0241350001' || CHAR(9) || '7')": "flow 202603 message 0241350000 > 0241350001: [7 0 2 1], by pairs of numbers [1 0 2 1]",
	} {
		l, path := twoFlows(t)
		flows, err := l.Flows(t.Context(), 202603, 202603)
		if want := "[{2026-03 message 0241350000  1 0 2 1} {2026-03 message 0241350000 0241350001 1 0 2 1}]"; err != nil || fmt.Sprint(flows) != want {
			t.Fatalf("flows: got %v, %v, want %s", flows, err, want)
		}
		if b, err := Verify(t.Context(), path); err != nil || b.Err() != nil {
			t.Fatalf("verify: got %v, %v", err, b.Err())
		}
		if err := l.alter(t.Context(), "damage", func(s *store) error {
			return s.exec(context.Background(), "UPDATE flow_months SET receivers = "+damage)
		}); err != nil {
			t.Fatal(err)
		}
		if b, err := Verify(t.Context(), path); err != nil || b.Err() == nil || !strings.Contains(b.Err().Error(), found) {
			t.Errorf("%s: verify: got %v, %v, want %s", damage, err, b.Err(), found)
		}
		_, err = l.Flows(t.Context(), 202603, 202603)
		if unreadable := strings.HasPrefix(damage, "SUBSTR"); unreadable != errors.Is(err, ErrDamaged) {
			t.Errorf("%s: flows: got %v", damage, err)
		}
	}
}
