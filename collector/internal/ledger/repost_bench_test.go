package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// quarter is a ledger of so many machines that sent and received faxes on every working day of a quarter,
// four times a day, and are no declared lines yet.
func quarter(b *testing.B, devices int) *Ledger {
	b.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l, err := Open(context.Background(), filepath.Join(b.TempDir(), "books.db"), Options{Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	if err := l.store.exec(context.Background(), "PRAGMA synchronous = OFF"); err != nil {
		b.Fatal(err)
	}
	var seq uint64
	for d := range 65 {
		for _, at := range []int{8, 10, 14, 16} {
			now = time.Date(2026, 1, 1+d/5*7+d%5, at, 0, 0, 0, time.UTC)
			seq++
			value := int64(seq)
			var group []Delivery
			for i := 0; i < devices; i += perEnvelope {
				agent := fmt.Sprintf("ps-%04d", i)
				env := wire.Envelope{Header: wire.Header{Agent: agent, Stream: "stream-" + agent, First: seq, Seq: seq, Oldest: seq, SentAt: wire.TimeOf(now)}}
				for j := i; j < min(i+perEnvelope, devices); j++ {
					env.Readings = append(env.Readings, wire.Reading{
						Device: fmt.Sprintf("kyocera-%05d", j), At: wire.TimeOf(now.Add(time.Duration(j) * 100 * time.Millisecond)), OK: true, Fax: wire.Yes,
						Counters: []wire.Counter{
							{Measure: wire.FaxSentPages, Unit: "pages", Rule: "s", Value: value},
							{Measure: wire.FaxPrintedPages, Unit: "pages", Rule: "p", Value: 2 * value},
						},
					})
				}
				group = append(group, Delivery{Agent: agent, Envelope: env, ReceivedAt: now.Add(10 * time.Minute)})
			}
			if _, err := l.Apply(context.Background(), group); err != nil {
				b.Fatal(err)
			}
		}
	}
	return l
}

// BenchmarkFirstAssignment declares the lines of all machines after a quarter in which nobody did. It is to run once
// (-benchtime 1x): what follows are other changes of the same ledger.
func BenchmarkFirstAssignment(b *testing.B) {
	const devices = 3000
	l := quarter(b, devices)
	b.ReportMetric(float64(size(b, l))/1e6, "MB-before")
	declare := func(change func(Register)) time.Duration {
		begin := time.Now()
		if err := l.Declare(context.Background(), Author{Who: "anne"}, func(r Register) (Register, error) {
			change(r)
			return r, nil
		}); err != nil {
			b.Fatal(err)
		}
		return time.Since(begin)
	}
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		all := declare(func(r Register) {
			for i := range devices {
				id := fmt.Sprintf("02%08d", i)
				r.Lines[id] = []Declaration{{Line: id, Number: id, Device: fmt.Sprintf("KYOCERA-%05d", i), Place: Place{Service: fmt.Sprint("s", i%100)}}}
			}
		})
		runtime.ReadMemStats(&after)
		b.ReportMetric(all.Seconds(), "s")
		b.ReportMetric(float64(after.Sys-before.Sys)/1e6, "MB-of-memory")
		b.ReportMetric(float64(size(b, l))/1e6, "MB-after")
		one := declare(func(r Register) {
			v := r.Lines["0200000007"][0]
			v.Service = "elsewhere"
			r.Lines[v.Line] = []Declaration{v}
		})
		b.ReportMetric(one.Seconds()*1000, "ms-for-one-more")
		none := declare(func(Register) {})
		b.ReportMetric(none.Seconds()*1000, "ms-for-none")
		zone := declare(func(r Register) {
			r.Sites["x"] = Site{ID: "x", TimeZone: "Indian/Reunion"}
			for id, versions := range r.Lines {
				v := versions[0]
				v.Site = "x"
				r.Lines[id] = []Declaration{v}
			}
		})
		b.ReportMetric(zone.Seconds(), "s-again")
	}
}
