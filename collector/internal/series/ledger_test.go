package series

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// hospital is a real ledger whose machines fax, break and move, and an InfluxDB behind it.
type hospital struct {
	*testing.T
	rng    *rand.Rand
	books  *ledger.Ledger
	influx *influx
	clock  *clock
	series *Series
	seq    uint64
	counts [3]struct{ sent, printed, received int64 }
	tells  [3]bool // what it received
}

func newHospital(t *testing.T, seed uint64) *hospital {
	h := &hospital{T: t, rng: rand.New(rand.NewPCG(seed, 0)), influx: startInflux(t), clock: &clock{at: clockTime("08:00").Std()}}
	books, err := ledger.Open(context.Background(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{Now: h.clock.now, Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	h.books = books
	h.start()
	return h
}

func (h *hospital) close() {
	h.series.Close()
	h.influx.Close()
	if err := h.books.Close(); err != nil {
		h.Fatal(err)
	}
}

func (h *hospital) start() {
	if h.series != nil {
		h.series.Close()
	}
	h.series = New(Options{URL: h.influx.URL, Org: "chu", Bucket: "fax", Token: "t0ken", Books: h.books, Now: h.clock.now, Log: quiet})
	h.series.batch, h.series.rows = 16, 5
}

// fax lets a machine fax, or lose its counts, and tells the ledger.
func (h *hospital) fax() {
	i := h.rng.IntN(len(h.counts))
	c := &h.counts[i]
	c.sent += h.rng.Int64N(4)
	came := h.rng.Int64N(4)
	c.printed, c.received = c.printed+came, c.received+came
	switch h.rng.IntN(10) {
	case 0:
		c.sent = 0 // a reset, or a glitch if it comes back
	case 1:
		h.tells[i] = true // from now on what is printed is evidence
	}
	h.clock.turn(time.Duration(1+h.rng.IntN(5*60)) * time.Minute)
	count := func(m wire.Measure, value int64) wire.Counter {
		return wire.Counter{Measure: m, Unit: "pages", Rule: string(m), Value: value}
	}
	r := wire.Reading{
		Device: fmt.Sprintf("kyocera-%d", i), At: wire.TimeOf(h.clock.now()), OK: true, Fax: wire.Yes,
		Counters: []wire.Counter{count(wire.FaxSentPages, c.sent), count(wire.FaxPrintedPages, c.printed)},
	}
	if h.tells[i] {
		r.Counters = append(r.Counters, count(wire.FaxReceivedPages, c.received))
	}
	h.seq++
	_, err := h.books.Apply(context.Background(), []ledger.Delivery{{Agent: "ps-01", ReceivedAt: h.clock.now(), Envelope: wire.Envelope{
		Header:   wire.Header{Agent: "ps-01", Stream: "stream-1", First: h.seq, Seq: h.seq, Oldest: h.seq, SentAt: wire.TimeOf(h.clock.now())},
		Readings: []wire.Reading{r},
	}}})
	if err != nil {
		h.Fatal(err)
	}
}

// assign declares a line of a machine in a service, or moves it to another one.
func (h *hospital) assign() {
	i := h.rng.IntN(len(h.counts))
	service := []string{"", "cardiologie", "urgences"}[h.rng.IntN(3)]
	id := fmt.Sprintf("024135400%d", i)
	err := h.books.Declare(context.Background(), ledger.Author{Who: "test", Source: "test"}, func(r ledger.Register) (ledger.Register, error) {
		versions := r.Lines[id]
		d := ledger.Declaration{Line: id, Number: id, Device: fmt.Sprintf("kyocera-%d", i), Place: ledger.Place{Establishment: "chu", Site: "nord", Service: service}}
		if len(versions) > 0 && h.rng.IntN(2) == 0 {
			d.From = wire.TimeOf(h.clock.now())
			if last := versions[len(versions)-1].From; d.From <= last {
				d.From = last + 1
			}
			versions = append(versions, d)
		} else {
			versions = []ledger.Declaration{d} // reaches back to always
		}
		r.Lines[id] = versions
		return r, nil
	})
	if err != nil {
		h.Fatal(err)
	}
}

// wantEqual wants the bucket's sums to be the ledger's, by all tags, altogether and each hour.
func (h *hospital) wantEqual() {
	h.Helper()
	h.influx.wantNoFault(h)
	got := make(map[string]int64)
	for key, value := range h.influx.has(faxActivity) {
		space := strings.LastIndexByte(key, ' ')
		at, _ := strconv.ParseInt(key[space+1:], 10, 64)
		n, _ := strconv.ParseInt(strings.TrimSuffix(value, "i"), 10, 64)
		got[key[:space]] += n
		got[fmt.Sprint(key[:space], " ", at-at%int64(hour))] += n
	}
	snapshot, err := h.books.Snapshot(context.Background())
	if err != nil {
		h.Fatal(err)
	}
	want := make(map[string]int64)
	for _, s := range snapshot.Sums {
		if !s.Evidence {
			key, _, _ := strings.Cut(lineOf(ofActivity(&s.Account, ledger.DirectionOf(s.Measure), s.Unit, 1, 0)), " ")
			want[key] += s.Count
		}
	}
	hours, err := h.books.Hours(context.Background(), 0, wire.TimeOf(h.clock.now().Add(time.Hour)))
	if err != nil {
		h.Fatal(err)
	}
	for _, s := range hours {
		if !s.Evidence {
			key, _, _ := strings.Cut(lineOf(ofActivity(&s.Account, ledger.DirectionOf(s.Measure), s.Unit, 1, 0)), " ")
			want[fmt.Sprint(key, " ", int64(s.Hour))] += s.Count
		}
	}
	maps.DeleteFunc(got, func(_ string, n int64) bool { return n == 0 })
	maps.DeleteFunc(want, func(_ string, n int64) bool { return n == 0 })
	if !maps.Equal(got, want) {
		h.Errorf("the bucket sums up to\n%v\nthe ledger to\n%v", got, want)
	}
}

// purge gives up old details, which must leave alone what isn't written yet, and what goes on.
func (h *hospital) purge() {
	ctx := context.Background()
	before, err := h.books.Standing(ctx, math.MaxInt64)
	if err != nil {
		h.Fatal(err)
	}
	if _, err := h.books.Purge(ctx, h.clock.now().Add(-time.Duration(h.rng.IntN(24))*time.Hour), h.series.Outlets()); err != nil {
		h.Fatal(err)
	}
	after, err := h.books.Standing(ctx, math.MaxInt64)
	if err != nil || !slices.Equal(after, before) {
		h.Errorf("what stands is %v (%v), want %v as before", after, err, before)
	}
}

// Resets, swaps of what a machine tells, first assignments that reach back and later ones that don't,
// details that are given up: whatever InfluxDB did meanwhile, sums by any tag over any hours are those
// of the ledger, and so they are in an empty bucket after a replay.
func TestSumsByAnyTagAreThoseOfTheLedger(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			h := newHospital(t, seed)
			defer h.close()
			for range 40 {
				switch h.rng.IntN(10) {
				case 0:
					h.assign()
				case 1:
					h.influx.does([]answer{takes, takesAndHangsUp, fails, isBusy}[h.rng.IntN(4)])
					_ = h.series.Round(context.Background())
				case 2:
					h.start()
				case 3:
					h.purge()
				default:
					h.fax()
				}
			}
			h.influx.does()
			h.clock.turn(11 * time.Minute)
			if err := h.series.Round(context.Background()); err != nil {
				t.Fatal(err)
			}
			h.wantEqual()
			h.influx.points = make(map[string]string)
			for _, hours := range []bool{true, false} { // the second as a collector does that is new to the bucket
				if _, err := Replay(context.Background(), h.series.options, ReplayOptions{Past: h.books, Hours: hours}); err != nil {
					t.Fatal(err)
				}
				h.wantEqual()
			}
		})
	}
}

var quiet = slog.New(slog.DiscardHandler)
