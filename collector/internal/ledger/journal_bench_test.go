package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// exchange is a hospital whose lines fax each other and the world, all year: the same each time.
type exchange struct {
	random  *rand.Rand
	lines   int
	outside int
	at      time.Time
	every   time.Duration
	n       int
}

func newExchange(lines, outside int, every time.Duration) *exchange {
	return &exchange{rand.New(rand.NewPCG(1, 2)), lines, outside, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), every, 0}
}

func (x *exchange) line(n int) string   { return fmt.Sprintf("024135%04d", n) }
func (x *exchange) number(n int) string { return fmt.Sprintf("01%08d", n) }

// declare makes the lines known.
func (x *exchange) declare(tb testing.TB, l *Ledger) {
	tb.Helper()
	if err := l.Declare(context.Background(), Author{}, func(r Register) (Register, error) {
		for n := range x.lines {
			r.Lines[x.line(n)] = []Declaration{{Line: x.line(n), Number: x.line(n)}}
		}
		return r, nil
	}); err != nil {
		tb.Fatal(err)
	}
}

// some lines, and some of the world, are faxed much more often than others.
func (x *exchange) skewed(n int) int {
	f := x.random.Float64()
	return int(f * f * float64(n))
}

// events are the next n rows.
func (x *exchange) events(n int) []wire.Event {
	events := make([]wire.Event, 0, n+1)
	for len(events) < n {
		x.at = x.at.Add(x.every)
		from := x.skewed(x.lines)
		e := wire.Event{
			Journal: "fax", At: wire.TimeOf(x.at), Unit: wire.Message, Witness: wire.Sender, Pages: int64(1 + x.random.IntN(4)),
			Seconds: 60, Result: wire.Done, From: x.line(from), To: x.number((from*97 + x.skewed(80)*31) % x.outside),
		}
		if x.random.IntN(20) == 0 {
			e.Result, e.Pages = wire.Failed, 0
		}
		switch x.random.IntN(10) {
		case 0, 1, 2, 3: // it comes in
			e.From, e.To, e.Witness = e.To, e.From, wire.Receiver
		case 4, 5: // it stays in: each line faxes some of the others
			e.To = x.line((from + 1 + x.random.IntN(20)*37) % x.lines)
			twin := e
			twin.Witness, twin.At = wire.Receiver, e.At.Add(time.Minute)
			events = append(events, x.key(twin))
		}
		events = append(events, x.key(e))
	}
	return events
}

func (x *exchange) key(e wire.Event) wire.Event {
	x.n++
	e.Key = fmt.Sprintf("%064x", x.n*0x9E3779B9)
	return e
}

// read imports n rows of it.
func (x *exchange) read(tb testing.TB, l *Ledger, n int) Import {
	tb.Helper()
	ctx := context.Background()
	id, err := l.BeginImport(ctx, Author{Who: "anne"}, Import{Journal: "fax", Source: "xferfaxlog"})
	if err != nil {
		tb.Fatal(err)
	}
	var last Import
	for done := 0; done < n; {
		events := x.events(min(5000, n-done))
		done += len(events)
		if last, err = l.BookEvents(ctx, id, events, 0, 0); err != nil {
			tb.Fatal(err)
		}
	}
	if err := l.EndImport(ctx, id); err != nil {
		tb.Fatal(err)
	}
	return last
}

func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse) / 1e6
}

const benchRows = 200_000

// BenchmarkImport books a million rows of a journal.
func BenchmarkImport(b *testing.B) {
	for b.Loop() {
		l, err := Open(context.Background(), filepath.Join(b.TempDir(), "ledger.db"), Options{})
		if err != nil {
			b.Fatal(err)
		}
		x := newExchange(500, 50_000, 30*time.Second)
		x.declare(b, l)
		begin := time.Now()
		x.read(b, l, benchRows)
		b.ReportMetric(benchRows/time.Since(begin).Seconds(), "rows/s")
		b.ReportMetric(heap(), "heap-MB")
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
