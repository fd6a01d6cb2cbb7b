package ledger

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// fleet is many devices behind agents of 100 devices each, polled every minute.
type fleet struct {
	devices int
	every   int // one reading in so many changes its two counters
	round   int // looks at each device so far
	turn    int // the agent that sends next
	now     time.Time
	seqs    []uint64
	values  []int64
}

const perEnvelope = 100

func newFleet(devices, every int) *fleet {
	return &fleet{
		devices: devices, every: every, now: time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC),
		seqs: make([]uint64, devices/perEnvelope), values: make([]int64, devices),
	}
}

// envelopes are the next n messages.
func (f *fleet) envelopes(n int) []Delivery {
	deliveries := make([]Delivery, n)
	for i := range deliveries {
		deliveries[i] = f.envelope()
	}
	return deliveries
}

func (f *fleet) envelope() Delivery {
	a := f.turn
	f.turn = (f.turn + 1) % len(f.seqs)
	if f.turn == 0 {
		f.now = f.now.Add(time.Minute)
		f.round++
	}
	f.seqs[a]++
	agent := fmt.Sprintf("ps-%04d", a)
	env := wire.Envelope{Header: wire.Header{
		Agent: agent, Stream: "stream-" + agent, First: f.seqs[a], Seq: f.seqs[a], Oldest: f.seqs[a], SentAt: wire.TimeOf(f.now),
	}}
	for i := range perEnvelope {
		env.Readings = append(env.Readings, f.reading(a*perEnvelope+i))
	}
	return Delivery{Agent: agent, Envelope: env, ReceivedAt: f.now}
}

func (f *fleet) reading(device int) wire.Reading {
	if (device+f.round)%f.every == 0 {
		f.values[device]++
	}
	r := wire.Reading{
		Device: fmt.Sprintf("kyocera-vcg%07d", device), At: wire.TimeOf(f.now), UptimeMS: f.now.UnixMilli() - 1_780_000_000_000,
		OK: true, Profile: "kyocera", Fax: wire.Yes, FaxService: wire.ServiceReady,
		Counters: []wire.Counter{
			{Measure: wire.FaxSentPages, Unit: "pages", Rule: "kyocera/fax_sent_pages", Value: f.values[device]},
			{Measure: wire.FaxPrintedPages, Unit: "pages", Rule: "kyocera/fax_printed_pages", Value: 2 * f.values[device]},
		},
	}
	if f.round == 0 {
		r.Identity = &wire.Identity{
			Vendor: "kyocera", Serial: fmt.Sprintf("VCG%07d", device), Model: "TASKalfa 3554ci", Name: "mfp",
			Location: "Bâtiment B", Address: fmt.Sprintf("10.%d.%d.%d", device>>16, device>>8&255, device&255),
		}
	}
	return r
}

func BenchmarkApply(b *testing.B) {
	const group = 50
	for _, devices := range []int{1000, 10_000} {
		for _, mix := range []struct {
			name  string
			every int
		}{{"every reading changed two counters", 1}, {"one in twenty did", 20}} {
			b.Run(fmt.Sprintf("%d devices, %s", devices, mix.name), func(b *testing.B) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
				l, f := benchLedger(b, devices, mix.every)
				for b.Loop() {
					b.StopTimer()
					deliveries := f.envelopes(group)
					b.StartTimer()
					if _, err := l.Apply(context.Background(), deliveries); err != nil {
						b.Fatal(err)
					}
				}
				readings := float64(b.N * group * perEnvelope)
				b.ReportMetric(readings/b.Elapsed().Seconds(), "readings/s")
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(size(b, l))/1e6, "MB")
			})
		}
	}
}

func BenchmarkSnapshot(b *testing.B) {
	l, _ := benchLedger(b, 10_000, 1)
	for b.Loop() {
		s, err := l.Snapshot(context.Background())
		if err != nil || len(s.Lines) != 10_000 {
			b.Fatalf("snapshot: got %d lines, %v, want 10000", len(s.Lines), err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	l, f := benchLedger(b, 10_000, 1)
	for b.Loop() {
		l.books = nil
		if _, err := l.Apply(context.Background(), f.envelopes(1)); err != nil {
			b.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	l.books = nil
	runtime.GC()
	runtime.ReadMemStats(&before)
	if _, err := l.Apply(context.Background(), f.envelopes(1)); err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB-in-memory")
}

func benchLedger(b *testing.B, devices, every int) (*Ledger, *fleet) {
	b.Helper()
	f := newFleet(devices, every)
	path := filepath.Join(b.TempDir(), "books.db")
	l, err := Open(context.Background(), path, Options{Now: func() time.Time { return f.now }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	for range 3 {
		if _, err := l.Apply(context.Background(), f.envelopes(devices/perEnvelope)); err != nil {
			b.Fatal(err)
		}
	}
	return l, f
}

func size(b *testing.B, l *Ledger) int64 {
	b.Helper()
	var path string
	if err := l.readers.QueryRow("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// BenchmarkWatchdog makes rounds over 10 000 machines with a line each, all of them cut, when nothing changes.
func BenchmarkWatchdog(b *testing.B) {
	l, _ := benchLedger(b, 10_000, 1)
	cutAll(b, l, "2026-01-01")
	for b.Loop() {
		if err := l.Watchdog(context.Background(), true); err != nil {
			b.Fatal(err)
		}
	}
}

// cutAll declares a line for each machine of a fleet, cut on a day.
func cutAll(b *testing.B, l *Ledger, day Day) {
	b.Helper()
	err := l.Declare(context.Background(), Author{Who: "anne"}, func(r Register) (Register, error) {
		for id := range l.books.devices {
			line := "02" + id[len(id)-7:]
			r.Lines[line] = []Declaration{{Line: line, Device: id, Cutoff: day}}
		}
		return r, nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkFaxesAfterTheCutoff books faxes of which each is an event, or none since the day is to come.
func BenchmarkFaxesAfterTheCutoff(b *testing.B) {
	for _, c := range []struct {
		name string
		day  Day
	}{{"no cut-off", ""}, {"one to come", "2030-01-01"}, {"all are cut", "2026-01-01"}} {
		b.Run(c.name, func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			l, f := benchLedger(b, 1000, 1)
			cutAll(b, l, c.day)
			for b.Loop() {
				b.StopTimer()
				deliveries := f.envelopes(50)
				b.StartTimer()
				if _, err := l.Apply(context.Background(), deliveries); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*50*perEnvelope)/b.Elapsed().Seconds(), "readings/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkMoveAllDates lets every machine of a year's faxes be judged again.
func BenchmarkMoveAllDates(b *testing.B) {
	l, f := benchLedger(b, 1000, 1)
	for range 50 {
		if _, err := l.Apply(context.Background(), f.envelopes(1000/perEnvelope)); err != nil {
			b.Fatal(err)
		}
	}
	days := []Day{"2026-01-01", "2025-01-01", "2030-01-01"}
	for i := 0; b.Loop(); i++ {
		cutAll(b, l, days[i%len(days)])
	}
}
