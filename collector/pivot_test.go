package main

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// A busy year is that of a hospital with 10 000 000 faxes: each month each line faxes 40 others, a few of them much more
// often than the rest, and the outside, both ways.
const (
	busyFaxes    = 10_000_000
	busyLines    = 1200
	busyServices = 240
	busyPartners = 40
	busySums     = 12 * busyLines * (busyPartners + 2)
)

// BenchmarkPivot10M is what the page of flows waits for at first: who faxed whom in a year, service by service.
func BenchmarkPivot10M(b *testing.B) {
	path := busyYear(b)
	last := ledger.MonthOf(wire.TimeOf(decadeEnd), time.UTC)
	b.Run("from the books", func(b *testing.B) {
		var reading, adding time.Duration
		for b.Loop() {
			b.StopTimer()
			l := openDecade(b, path) // nothing is kept of what was read before
			now, err := l.Snapshot(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			began := time.Now()
			sums, err := l.Flows(b.Context(), last.Add(-11), last)
			read := time.Now()
			cells := indicators.Traffic(&now.Register, now.Lines, sums, indicators.Service, false)
			reading, adding = reading+read.Sub(began), adding+time.Since(read)
			b.StopTimer()
			var faxes int64
			for i := range cells {
				faxes += cells[i].Count
			}
			if err := errors.Join(err, l.Close()); err != nil || faxes != busyFaxes || len(sums) != busySums {
				b.Fatalf("got %d faxes in %d sums, %v; want %d in %d", faxes, len(sums), err, busyFaxes, busySums)
			}
			b.ReportMetric(float64(len(cells)), "cells")
			b.StartTimer()
		}
		b.ReportMetric(float64(reading.Milliseconds())/float64(b.N), "ms-reading")
		b.ReportMetric(float64(adding.Milliseconds())/float64(b.N), "ms-adding")
	})
	l := openDecade(b, path)
	defer l.Close()
	b.Run("GET api.v1.flows at first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			site := decadeSite(b, l)
			b.StartTimer()
			asked(b, site, fmt.Sprintf("/api/v1/flows?from=%s&to=%s&by=service", last.Add(-11), last))
		}
	})
}

func busyLine(n int) string { return fmt.Sprintf("024135%04d", n) }

// declareBusy spreads some lines over some services.
func declareBusy(lines, services int) func(ledger.Register) (ledger.Register, error) {
	return func(r ledger.Register) (ledger.Register, error) {
		r.Establishments["chu"] = ledger.Establishment{ID: "chu", Name: "CHU"}
		for i := range services {
			id := fmt.Sprintf("service-%03d", i)
			r.Services[id] = ledger.Service{ID: id, Establishment: "chu", Name: "Service " + id}
		}
		for i := range lines {
			line := busyLine(i)
			r.Lines[line] = []ledger.Declaration{{Line: line, Number: line, Place: ledger.Place{Establishment: "chu", Service: fmt.Sprintf("service-%03d", i%services)}}}
		}
		return r, nil
	}
}

// busyYear is the ledger of one, whose months are written straight into its table.
func busyYear(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "ledger.db")
	l := openDecade(b, path)
	if err := l.Declare(b.Context(), ledger.Author{Who: "bench"}, declareBusy(busyLines, busyServices)); err != nil {
		b.Fatal(err)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		b.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	last := ledger.MonthOf(wire.TimeOf(decadeEnd), time.UTC)
	for i, left := 0, busyFaxes; i < 12; i++ {
		faxes := left / (12 - i)
		left -= faxes
		for sender, receivers := range busySenders(faxes) {
			if _, err := tx.Exec("INSERT INTO flow_months (month, unit, from_line, receivers) VALUES (?, 'message', ?, ?)", int64(last.Add(-i)), sender, receivers); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := errors.Join(tx.Commit(), db.Close()); err != nil {
		b.Fatal(err)
	}
	return path
}

// busySenders are the rows of a month with so many faxes, by sender.
func busySenders(left int) map[string]string {
	random, rows := rand.New(rand.NewPCG(1, 2)), make(map[string]string)
	row := func(to string, faxes int) string {
		return fmt.Sprintf("%s\t%d\t%d\t%d\t%d\n", to, faxes, faxes/20, 2*faxes, faxes)
	}
	for from := range busyLines {
		faxes := map[string]int{"": 150}
		for rank, to := range random.Perm(busyLines)[:busyPartners] {
			faxes[busyLine(to)] = 1 + 60/(rank+1)
		}
		for _, to := range slices.Sorted(maps.Keys(faxes)) {
			rows[busyLine(from)] += row(to, faxes[to])
			left -= faxes[to]
		}
	}
	for to := range busyLines {
		faxes := left / (busyLines - to)
		rows[""] += row(busyLine(to), faxes)
		left -= faxes
	}
	return rows
}

func TestThePivotOfServicesIsWhatWasBooked(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const lines, services = 30, 6
	if err := l.Declare(t.Context(), ledger.Author{Who: "test"}, declareBusy(lines, services)); err != nil {
		t.Fatal(err)
	}
	id, err := l.BeginImport(t.Context(), ledger.Author{Who: "test"}, ledger.Import{Journal: "fax", Source: "xferfaxlog"})
	if err != nil {
		t.Fatal(err)
	}
	random, want := rand.New(rand.NewPCG(1, 2)), make(map[string][2]int64) // done and failed
	end := func() (number, service string) {
		if random.IntN(4) == 0 {
			return fmt.Sprintf("01%08d", random.IntN(50)), "outside"
		}
		n := random.IntN(lines)
		return busyLine(n), fmt.Sprintf("service-%03d", n%services)
	}
	at := time.Date(2026, 2, 25, 0, 0, 0, 0, time.UTC)
	for range 5 {
		var events []wire.Event
		for len(events) < 700 {
			at = at.Add(11 * time.Minute) // the machines' clocks drift by 10 at most
			e := wire.Event{Journal: "fax", Key: at.String(), At: wire.TimeOf(at), Unit: wire.Message, Witness: wire.Sender, Pages: 1, Result: wire.Done}
			var from, to string
			e.From, from = end()
			e.To, to = end()
			if from == "outside" && to == "outside" {
				continue
			}
			if random.IntN(3) == 0 {
				e.Unit, e.Witness = wire.Call, wire.Exchange
			}
			sum := want[fmt.Sprint(e.Unit, " ", from, " > ", to)]
			if sum[0]++; random.IntN(9) == 0 {
				e.Result, sum[0], sum[1] = wire.Failed, sum[0]-1, sum[1]+1
			}
			want[fmt.Sprint(e.Unit, " ", from, " > ", to)] = sum
			events = append(events, e)
			if e.Unit == wire.Message && random.IntN(2) == 0 { // the other machine wrote it down, too
				e.Key, e.Witness, e.At = "received "+e.Key, wire.Receiver, e.At.Add(time.Minute)
				events = append(events, e)
			}
		}
		if _, err := l.BookEvents(t.Context(), id, events, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	books, err := l.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sums, err := l.Flows(t.Context(), 202602, 202606)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string][2]int64)
	for _, f := range indicators.Traffic(&books.Register, books.Lines, sums, indicators.Service, false) {
		got[fmt.Sprint(f.Unit, " ", cmp.Or(f.Source.Service, string(f.Source.Kind)), " > ", cmp.Or(f.Destination.Service, string(f.Destination.Kind)))] = [2]int64{f.Count, f.Failed}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
