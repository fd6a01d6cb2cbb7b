package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

func TestManyMachinesAreAssignedAtOnce(t *testing.T) {
	const machines, rounds = few + 20, 7
	now := time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)
	l, err := Open(context.Background(), filepath.Join(t.TempDir(), "books.db"), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for round := range int64(rounds + 1) {
		now = now.Add(7 * time.Minute)
		env := wire.Envelope{Header: wire.Header{Agent: "ps-01", Stream: "stream-01", First: uint64(round + 1), Seq: uint64(round + 1), SentAt: wire.TimeOf(now)}}
		for i := range machines {
			env.Readings = append(env.Readings, wire.Reading{
				Device: fmt.Sprintf("kyocera-%d", i), At: wire.TimeOf(now), OK: true, Fax: wire.Yes,
				Counters: []wire.Counter{{Measure: wire.FaxSentPages, Unit: "pages", Rule: "sent", Value: round}},
			})
		}
		if _, err := l.Apply(context.Background(), []Delivery{{Agent: "ps-01", Envelope: env, ReceivedAt: now}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, service := range []string{"oncologie", "urgences", "oncologie"} { // and back again
		err := l.Declare(context.Background(), Author{}, func(r Register) (Register, error) {
			for i := range machines {
				id := fmt.Sprintf("02413540%02d", i)
				r.Lines[id] = []Declaration{{Line: id, Device: fmt.Sprintf("kyocera-%d", i), Place: Place{Service: service}}}
			}
			return r, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		balanced(t, l)
		s, err := l.Snapshot(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		held := slices.DeleteFunc(s.Sums, func(x Sum) bool { return x.Count == 0 })
		if len(held) != machines {
			t.Fatalf("%s: got %d accounts with something in them, want %d", service, len(held), machines)
		}
		for _, x := range held {
			if x.Service != service || x.Line == "" || x.Count != rounds {
				t.Errorf("got %+v, want %d in %s", x, rounds, service)
			}
		}
	}
}
