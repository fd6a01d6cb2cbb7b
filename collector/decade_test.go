package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/metrics"
	"github.com/zerofax/zerofax/collector/internal/people"
	"github.com/zerofax/zerofax/collector/internal/series"
	"github.com/zerofax/zerofax/collector/internal/web"
)

// A decade is a ledger of 3 000 declared lines in 300 services, each with a machine of its own that
// counts both ways, over 10 years: every month of every counter, and a raw activity each 50 days.
const (
	decadeLines    = 3000
	decadeServices = 300
	decadeMonths   = 120
	decadeEvents   = 73 // of a counter, raw
)

var decadeEnd = time.Date(2036, 10, 15, 12, 0, 0, 0, time.UTC)

// BenchmarkDecade is what the pages and Prometheus wait for.
func BenchmarkDecade(b *testing.B) {
	path := decade(b)
	b.Run("open and first snapshot", func(b *testing.B) {
		for b.Loop() {
			l := openDecade(b, path)
			if s, err := l.Snapshot(b.Context()); err != nil || len(s.Lines) != decadeLines {
				b.Fatalf("got %d lines, %v", len(s.Lines), err)
			}
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	l := openDecade(b, path)
	defer l.Close()
	site := decadeSite(b, l)
	b.Run("indicators for InfluxDB, a month", func(b *testing.B) { benchFigures(b, l, 1) })
	b.Run("indicators for InfluxDB, 25 months", func(b *testing.B) { benchFigures(b, l, 25) })
	targets := []string{
		"/metrics", "/api/v1/indicators?from=2035-11&to=2036-10&by=service", "/api/v1/indicators?from=2035-11&to=2036-10&by=service&per=month",
		"/api/v1/indicators?month=2036-09&by=service", "/api/v1/lines", "/api/v1/services",
	}
	for _, target := range append(targets, pagesOf(b, site)...) {
		name := "GET " + strings.ReplaceAll(target[1:], "/", ".")
		b.Run(name+" at first", func(b *testing.B) { // nothing is kept of what others looked at
			for b.Loop() {
				b.StopTimer()
				site := decadeSite(b, l)
				b.StartTimer()
				asked(b, site, target)
			}
		})
		b.Run(name+" again", func(b *testing.B) {
			b.ReportAllocs()
			size := len(asked(b, site, target))
			for b.Loop() {
				asked(b, site, target)
			}
			b.ReportMetric(float64(size)/1e6, "MB")
		})
	}
}

// mostWire is how much a page may weigh with all that it needs, as it goes over the wire, in bytes.
const mostWire = 300_000

// TestThePagesOfADecadeAreLight looks at all pages of 3 000 lines and ten years. With the race detector it would take minutes.
func TestThePagesOfADecadeAreLight(t *testing.T) {
	if raced || testing.Short() {
		t.Skip("make test runs it once more, without the race detector")
	}
	l := openDecade(t, decade(t))
	defer l.Close()
	site := decadeSite(t, l)
	weights := map[string]int{} // of assets
	for _, target := range pagesOf(t, site) {
		began := time.Now()
		size := len(asked(t, site, target, "Accept-Encoding", "gzip"))
		first := time.Since(began)
		began = time.Now()
		page := asked(t, site, target)
		again := time.Since(began)
		for _, match := range regexp.MustCompile(`(?:href|src)="(/assets/[^"]*)"`).FindAllStringSubmatch(page, -1) {
			if asset := match[1]; weights[asset] == 0 {
				weights[asset] = len(asked(t, site, asset, "Accept-Encoding", "gzip"))
			}
			size += weights[match[1]]
		}
		t.Logf("%s: %d KB with what it needs, %s, then %s", target, size/1000, first.Round(time.Millisecond), again.Round(time.Millisecond))
		if size > mostWire {
			t.Errorf("%s: got %d bytes over the wire, want at most %d", target, size, mostWire)
		}
	}
}

// pagesOf are those of the menu and one of each kind that they lead to.
func pagesOf(t testing.TB, site http.Handler) (targets []string) {
	_, menu, _ := strings.Cut(asked(t, site, "/machines"), "<nav")
	menu, _, _ = strings.Cut(menu, "</nav>")
	for _, match := range regexp.MustCompile(`href="([^"?]*)`).FindAllStringSubmatch(menu, -1) {
		targets = append(targets, match[1])
	}
	return append(targets, "/map?pole=pole-1", "/map?service=service-001", "/map?q=0241350001", "/map/gaps", "/map/table",
		"/lines/0241350001", "/lines/0241350001/edit", "/lines?state=active", "/lines?q=service-001", "/lines?page=3",
		"/services/service-001", "/services/service-001/edit", "/services/service-001/checklist", "/services/service-001/reply",
		"/mssante?service=service-001", "/mssante?by=service&page=3", "/mssante/address?address=service-001.00@chu.mssante.fr", "/mssante/import",
		"/targets?of=chu&indicator=fax_received", "/targets/collection", "/targets/months", "/targets/months/2036-09",
		"/support/matrix", "/support/new?kind=training", "/committee.xlsx", "/alerts?open=no", "/?pole=pole-1",
		"/flows?establishment=chu&pole=pole-1", "/flows?service=service-001", "/flows?all=1", "/waves/proposals")
}

func asked(t testing.TB, site http.Handler, target string, headers ...string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://localhost"+target, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: got %d %.200s", target, w.Code, w.Body)
	}
	return w.Body.String()
}

func benchFigures(b *testing.B, l *ledger.Ledger, n int) {
	months := make([]ledger.Month, n)
	for i := range months {
		months[i] = ledger.MonthOf(wire.TimeOf(decadeEnd), time.UTC).Add(-i)
	}
	points := 0
	for b.Loop() {
		points = 0
		err := figures{l}.Months(b.Context(), months, func(_ ledger.Month, known []series.Figure) error {
			points += len(known)
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(points), "points")
}

func openDecade(b testing.TB, path string) *ledger.Ledger {
	b.Helper()
	l, err := ledger.Open(b.Context(), path, ledger.Options{Now: func() time.Time { return decadeEnd }})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func decadeSite(b testing.TB, l *ledger.Ledger) http.Handler {
	b.Helper()
	figures := metrics.New(metrics.Options{Books: l, Faxes: (&journaled{books: l}).faxes, Dropped: func() int64 { return 0 }})
	door, err := people.NewDoor(people.Options{Books: l, Log: slog.New(slog.DiscardHandler), Now: time.Now, Cost: bcrypt.MinCost})
	if err != nil {
		b.Fatal(err)
	}
	site, err := web.New(web.Options{
		Books: web.NewRecent(l, time.Now, slog.New(slog.DiscardHandler)), Metrics: figures.Handler(), Ready: func() error { return nil },
		Language: "fr", Location: time.UTC, Log: slog.New(slog.DiscardHandler), Door: door, Audit: l, Access: web.Access{Loopback: true},
	})
	if err != nil {
		b.Fatal(err)
	}
	return site
}

// decade makes the ledger by the ledger itself: it declares and reads all once. Only the ten years of
// history are written straight into its tables.
func decade(b testing.TB) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "ledger.db")
	now := decadeEnd.AddDate(-10, 0, 0)
	l, err := ledger.Open(b.Context(), path, ledger.Options{Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	if err := l.Declare(b.Context(), ledger.Author{Who: "bench"}, declareDecade); err != nil {
		b.Fatal(err)
	}
	if err := l.DeclareVolumes(b.Context(), ledger.Author{Who: "bench"}, volumesOfADecade); err != nil {
		b.Fatal(err)
	}
	if err := l.DeclareMailboxes(b.Context(), ledger.Author{Who: "bench"}, mailboxesOfADecade); err != nil {
		b.Fatal(err)
	}
	for round, at := range []time.Time{now, now.Add(time.Minute), decadeEnd.Add(-time.Minute)} {
		now = at
		readDecade(b, l, uint64(round+1), at)
	}
	journalsOfADecade(b, l)
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	writeDecade(b, path)
	if info, err := os.Stat(path); err == nil {
		b.Logf("%d MB", info.Size()>>20)
	}
	return path
}

// volumesOfADecade are the messages of each service in each month.
func volumesOfADecade(r ledger.Register, _ []ledger.Volume) (all []ledger.Volume, err error) {
	n := int64(100)
	for month := ledger.Month(202611); len(all) < decadeMonths*decadeServices; month = month.Add(1) {
		for _, id := range slices.Sorted(maps.Keys(r.Services)) {
			all = append(all, ledger.Volume{Month: month, Establishment: "chu", Service: id, Sent: &n, Received: &n})
		}
	}
	return all, nil
}

// mailboxesOfADecade are 120 of each service, 36 000 in all, each of which came into use some time.
func mailboxesOfADecade(r ledger.Register, _ []ledger.Mailbox) (all []ledger.Mailbox, err error) {
	for _, id := range slices.Sorted(maps.Keys(r.Services)) {
		for i := range 120 {
			x := ledger.Mailbox{Address: fmt.Sprintf("%s.%02d@chu.mssante.fr", id, i), From: "2026-11-02", Kind: "PER", Establishment: "chu", Service: id, State: ledger.MailboxPublished}
			all = append(all, x)
			x.From, x.State = ledger.Day(fmt.Sprintf("20%d-03-01", 27+i%9)), ledger.MailboxUsed
			all = append(all, x)
		}
	}
	return all, nil
}

func declareDecade(r ledger.Register) (ledger.Register, error) {
	r.Establishments["chu"] = ledger.Establishment{ID: "chu", Name: "CHU"}
	r.Sites["nord"] = ledger.Site{ID: "nord", Establishment: "chu", Name: "Nord", TimeZone: "Europe/Paris"}
	for i := range decadeServices {
		pole := fmt.Sprintf("pole-%d", i/20)
		id := fmt.Sprintf("service-%03d", i)
		r.Poles[pole] = ledger.Pole{ID: pole, Establishment: "chu", Name: pole}
		r.Services[id] = ledger.Service{ID: id, Establishment: "chu", Pole: pole, Name: "Service " + id}
	}
	for i := range decadeLines {
		number := fmt.Sprintf("024135%04d", i)
		r.Lines[number] = []ledger.Declaration{{
			Line: number, Number: number, Device: fmt.Sprintf("VCG%07d", i), Support: "analogique",
			Place: ledger.Place{Site: "nord", Service: fmt.Sprintf("service-%03d", i%decadeServices)},
		}}
		if i%4 == 0 {
			r.Lines[number][0].Cutoff = ledger.Day(decadeEnd.AddDate(0, 0, i%200-100).Format(time.DateOnly))
		}
	}
	return r, nil
}

// readDecade reads all machines once.
func readDecade(b testing.TB, l *ledger.Ledger, seq uint64, at time.Time) {
	b.Helper()
	for agent := range decadeLines / readingsAnEnvelope {
		name := fmt.Sprintf("ps-%02d", agent)
		env := wire.Envelope{Header: wire.Header{Agent: name, Stream: "stream-" + name, First: seq, Seq: seq, Oldest: seq, SentAt: wire.TimeOf(at)}}
		for i := range readingsAnEnvelope {
			device := agent*readingsAnEnvelope + i
			env.Readings = append(env.Readings, wire.Reading{
				Device: fmt.Sprintf("kyocera-vcg%07d", device), At: wire.TimeOf(at), OK: true, Profile: "kyocera", Fax: wire.Yes, FaxService: wire.ServiceReady,
				Identity: &wire.Identity{Vendor: "kyocera", Serial: fmt.Sprintf("VCG%07d", device), Model: "TASKalfa 3554ci", Address: fmt.Sprintf("10.0.%d.%d", device/250, device%250)},
				Counters: []wire.Counter{
					{Measure: wire.FaxSentPages, Unit: "pages", Rule: "sent", Value: int64(100 + seq)},
					{Measure: wire.FaxPrintedPages, Unit: "pages", Rule: "printed", Value: int64(200 + seq)},
				},
			})
		}
		if _, err := l.Apply(context.Background(), []ledger.Delivery{{Agent: name, Envelope: env, ReceivedAt: at}}); err != nil {
			b.Fatal(err)
		}
	}
}

// writeDecade writes the history.
func writeDecade(b testing.TB, path string) {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		b.Fatal(err)
	}
	_, pragma := db.Exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -100000")
	first := decadeEnd.AddDate(-10, 0, 0)
	months := fmt.Sprintf("WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", decadeMonths-2)
	events := fmt.Sprintf("WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", decadeEvents-1)
	at := fmt.Sprintf("%d + i * %d", first.Add(time.Hour).UnixMilli(), 50*24*time.Hour.Milliseconds())
	_, err = db.Exec(months + fmt.Sprintf("INSERT OR IGNORE INTO posted_months (month, account, counter, count, straddling) "+
		"SELECT (%d + i) / 12 * 100 + (%d + i) %% 12 + 1, account, counter, 12, 0 FROM n CROSS JOIN posted", 2026*12+9, 2026*12+9))
	for _, statement := range []string{
		"INSERT INTO activity (id, counter, from_at, to_at, count, flags, value) SELECT 1000000 + counter * 1000 + i, counter, " + at + " - 300000, " + at + ", 2, 0, 100 + i FROM n CROSS JOIN posted",
		"INSERT INTO postings (id, activity, account, at, count) SELECT 1000000 + counter * 1000 + i, 1000000 + counter * 1000 + i, account, " + at + ", 2 FROM n CROSS JOIN posted",
		"INSERT OR IGNORE INTO posted_hours (hour, account, counter, count) SELECT (" + at + ") / 3600000 * 3600000, account, counter, 2 FROM n CROSS JOIN posted",
	} {
		_, fault := db.Exec(events + statement)
		err = cmp.Or(err, fault)
	}
	_, sums := db.Exec(fmt.Sprintf("UPDATE posted SET count = count + %d", 2*decadeEvents))
	writeFlows(b, db)
	if err := cmp.Or(pragma, err, sums, db.Close()); err != nil {
		b.Fatal(err)
	}
}
