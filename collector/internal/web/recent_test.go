package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// counted are books that count how often they are read.
type counted struct {
	*ledger.Ledger
	snapshots, months, mailboxes, flows, acquainted, partners atomic.Int64
	slow                                                      func() // while correspondents are read
}

func (c *counted) Correspondents(ctx context.Context, from, to ledger.Month, unit wire.EventUnit, line string, most int) ([]ledger.Correspondent, error) {
	c.partners.Add(1)
	if c.slow != nil {
		c.slow()
	}
	return c.Ledger.Correspondents(ctx, from, to, unit, line, most)
}

func (c *counted) Snapshot(ctx context.Context) (ledger.Snapshot, error) {
	c.snapshots.Add(1)
	return c.Ledger.Snapshot(ctx)
}

func (c *counted) Months(ctx context.Context, from, to ledger.Month) ([]ledger.MonthSum, error) {
	for month := from; month <= to; month = month.Add(1) {
		c.months.Add(1)
	}
	return c.Ledger.Months(ctx, from, to)
}

func (c *counted) Mailboxes(ctx context.Context) ([]ledger.Mailbox, error) {
	c.mailboxes.Add(1)
	return c.Ledger.Mailboxes(ctx)
}

func (c *counted) Flows(ctx context.Context, from, to ledger.Month) ([]ledger.FlowSum, error) {
	c.flows.Add(int64(to.Since(from)) + 1)
	return c.Ledger.Flows(ctx, from, to)
}

func (c *counted) Acquainted(ctx context.Context, from, to ledger.Month, unit wire.EventUnit) (map[string][]int64, error) {
	c.acquainted.Add(1)
	return c.Ledger.Acquainted(ctx, from, to, unit)
}

// hand is a clock that a test sets.
type hand struct{ at atomic.Int64 }

func (h *hand) now() time.Time          { return noon.Std().Add(time.Duration(h.at.Load())) }
func (h *hand) forward(d time.Duration) { h.at.Add(int64(d)) }

func recentBooks(t *testing.T) (*Recent, *counted, *hand) {
	t.Helper()
	clock := new(hand)
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	books := &counted{Ledger: l}
	return NewRecent(books, clock.now, slog.New(slog.DiscardHandler)), books, clock
}

func declareService(t *testing.T, l *ledger.Ledger, id string) {
	t.Helper()
	err := l.Declare(t.Context(), ledger.Author{Who: "test"}, func(r ledger.Register) (ledger.Register, error) {
		r.Establishments["chu"] = ledger.Establishment{ID: "chu", Name: "CHU"}
		r.Services[id] = ledger.Service{ID: id, Establishment: "chu", Name: id}
		return r, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// count books what a machine counted, in all, at an instant.
func count(t *testing.T, l *ledger.Ledger, seq uint64, at time.Time, pages int64) {
	t.Helper()
	env := wire.Envelope{Header: wire.Header{Agent: "ps-01", Stream: "s", First: seq, Seq: seq, Oldest: seq, SentAt: wire.TimeOf(at)}}
	env.Readings = []wire.Reading{{
		Device: "kyocera-vcg0000001", At: wire.TimeOf(at), OK: true, Profile: "kyocera", Fax: wire.Yes, FaxService: wire.ServiceReady,
		Identity: &wire.Identity{Vendor: "kyocera", Serial: "VCG0000001"},
		Counters: []wire.Counter{{Measure: wire.FaxSentPages, Unit: "pages", Rule: "sent", Value: pages}},
	}}
	results, err := l.Apply(t.Context(), []ledger.Delivery{{Agent: "ps-01", Envelope: env, ReceivedAt: at}})
	if err != nil || results[0].Verdict != ledger.Applied {
		t.Fatalf("%v %v", results, err)
	}
}

func snapshotOf(t *testing.T, ctx context.Context, b Books) ledger.Snapshot {
	t.Helper()
	s, err := b.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhoeverChangesSomethingSeesItAtOnceAndWhatMachinesTellWithinSeconds(t *testing.T) {
	recent, books, clock := recentBooks(t)
	snapshotOf(t, t.Context(), recent)
	declareService(t, books.Ledger, "urgences")
	if s := snapshotOf(t, t.Context(), recent); s.Register.Services["urgences"].ID == "" {
		t.Error("a service that was just declared isn't there")
	}
	count(t, books.Ledger, 1, clock.now(), 100)
	if s := snapshotOf(t, t.Context(), recent); len(s.Devices) != 0 {
		t.Errorf("got %d machines, want the books of a moment ago without it", len(s.Devices))
	}
	clock.forward(recentFor + time.Second)
	if s := snapshotOf(t, t.Context(), recent); len(s.Devices) != 1 {
		t.Errorf("got %d machines after %s, want 1", len(s.Devices), recentFor)
	}
}

func TestProgramsAndFormsAreAnsweredFromTheBooksAsTheyAreNow(t *testing.T) {
	recent, books, clock := recentBooks(t)
	site := siteOf(t, recent)
	for _, target := range []string{"/lines", "/api/v1/devices"} {
		ask(site, http.MethodGet, target)
	}
	count(t, books.Ledger, 1, clock.now(), 100)
	clock.forward(time.Millisecond)
	var got struct {
		Data []ledger.Device `json:"data"`
	}
	if err := json.Unmarshal(ask(site, http.MethodGet, "/api/v1/devices").Body.Bytes(), &got); err != nil || len(got.Data) != 1 {
		t.Errorf("got %d machines, %v; want the one that was just read", len(got.Data), err)
	}
}

func TestFiftyWhoLookCostOneReading(t *testing.T) {
	recent, books, clock := recentBooks(t)
	for round := range int64(3) {
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if _, err := recent.Snapshot(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := books.snapshots.Load(); got != round+1 {
			t.Fatalf("round %d: got %d readings, want %d", round, got, round+1)
		}
		clock.forward(recentFor + time.Millisecond)
	}
}

func TestPagesArePreparedOftenWhileSomebodyLooksAndNowAndThenForWhoComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		books := &still{books: ward()}
		recent := NewRecent(books, time.Now, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { recent.Run(ctx) })
		for range 5 {
			snapshotOf(t, ctx, recent)
			time.Sleep(recentFor)
			synctest.Wait()
			before := books.read.Load()
			snapshotOf(t, ctx, recent)
			if got := books.read.Load(); got != before {
				t.Error("a page had to wait although it could be prepared")
			}
		}
		time.Sleep(2*wantedFor + idleEvery)
		synctest.Wait()
		before := books.read.Load()
		time.Sleep(time.Hour)
		synctest.Wait()
		got := books.read.Load() - before
		if most := int64(time.Hour / idleEvery); got < most/2 || got > most {
			t.Errorf("got %d readings in an hour in which nobody looked, want about one each %s", got, idleEvery)
		}
		snapshotOf(t, ctx, recent)
		if books.read.Load() != before+got {
			t.Error("who came back had to wait")
		}
		stop()
		group.Wait()
	})
}

// still are books in which nothing happens.
type still struct {
	*books
	read atomic.Int64
}

func (s *still) Snapshot(context.Context) (ledger.Snapshot, error) {
	s.read.Add(1)
	return s.snapshot, nil
}

func (*still) Marks(context.Context) (ledger.Marks, error) { return ledger.Marks{}, nil }

func (*still) FlowsChangedSince(context.Context, ledger.Marks) (first, last ledger.Month, err error) {
	return 0, 0, nil
}

func (*still) ChangedSince(context.Context, ledger.Marks) (first, last ledger.Month, err error) {
	return 0, 0, nil
}

func TestWhatTakesLongToReadIsReadSeldom(t *testing.T) {
	recent, books, clock := recentBooks(t)
	books.slow = func() { clock.forward(2 * time.Second) }
	look := func() {
		t.Helper()
		if _, err := recent.Correspondents(t.Context(), 202601, 202612, wire.Message, "", 10); err != nil {
			t.Fatal(err)
		}
	}
	look()
	for range 30 { // a minute
		clock.forward(prepareEvery)
		if err := recent.prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		look()
	}
	if got := books.partners.Load(); got < 3 || got > 4 {
		t.Errorf("got %d readings of 2 s in a minute, want one each 20 s", got)
	}
	declareService(t, books.Ledger, "urgences")
	before := books.partners.Load()
	if look(); books.partners.Load() != before+1 {
		t.Error("what a person changed isn't seen on the next page")
	}
}

func TestOnlyMonthsThatChangedAreReadAgain(t *testing.T) {
	recent, books, clock := recentBooks(t)
	count(t, books.Ledger, 1, clock.now(), 100)
	year := func() (sums []ledger.MonthSum) {
		t.Helper()
		clock.forward(recentFor + time.Second)
		sums, err := recent.Months(t.Context(), 202511, 202611)
		if err != nil {
			t.Fatal(err)
		}
		want, err := books.Ledger.Months(t.Context(), 202511, 202611)
		if err != nil || !slices.Equal(sums, want) {
			t.Errorf("got %+v, want what the ledger has: %+v, %v", sums, want, err)
		}
		return sums
	}
	readings := func(what string, want int64) {
		t.Helper()
		if got := books.months.Swap(0); got != want {
			t.Errorf("%s: got %d months read, want %d", what, got, want)
		}
	}
	year()
	readings("at first", 13)
	year()
	readings("nothing new", 0)
	clock.forward(12 * time.Hour)
	count(t, books.Ledger, 2, clock.now(), 105)
	if sums := year(); len(sums) != 1 || sums[0].Count != 5 {
		t.Errorf("got %+v, want the 5 pages", sums)
	}
	readings("a fax on 2 October, or on the 1st elsewhere", 1)
	declareService(t, books.Ledger, "urgences")
	year()
	readings("a new service moved nothing", 0)
	if err := books.Declare(t.Context(), ledger.Author{Who: "test"}, func(r ledger.Register) (ledger.Register, error) {
		r.Sites["nord"] = ledger.Site{ID: "nord", Establishment: "chu", Name: "Nord", TimeZone: "Indian/Reunion"}
		return r, nil
	}); err != nil {
		t.Fatal(err)
	}
	year()
	readings("a site has another time zone", 13)
}

// journalled books what a person hands in: faxes of a line to numbers, one a day from the first of the month on.
func journalled(t *testing.T, l *ledger.Ledger, source string, month time.Month, line string, to ...string) {
	t.Helper()
	id, err := l.BeginImport(t.Context(), ledger.Author{Who: "test"}, ledger.Import{Journal: "fax", Profile: "hylafax", Source: source})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.BookEvents(t.Context(), id, faxes(month, line, to...), 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := l.EndImport(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// followed books the same as an agent sends it.
func followed(t *testing.T, l *ledger.Ledger, seq uint64, month time.Month, line string, to ...string) {
	t.Helper()
	at := noon.Std()
	env := wire.Envelope{Header: wire.Header{Agent: "ps-01", Stream: "s", First: seq, Seq: seq, Oldest: seq, SentAt: wire.TimeOf(at)}, Events: faxes(month, line, to...)}
	results, err := l.Apply(t.Context(), []ledger.Delivery{{Agent: "ps-01", Envelope: env, ReceivedAt: at}})
	if err != nil || results[0].Verdict != ledger.Applied {
		t.Fatalf("%v %v", results, err)
	}
}

func faxes(month time.Month, line string, to ...string) (events []wire.Event) {
	for i, number := range to {
		events = append(events, wire.Event{
			Journal: "fax", Key: fmt.Sprintf("%x", sha256.Sum256([]byte(number))), At: wire.TimeOf(time.Date(2026, month, 1+i, 8, 0, 0, 0, time.UTC)),
			Unit: wire.Message, Witness: wire.Sender, Result: wire.Done, Pages: 1, From: line, To: number,
		})
	}
	return events
}

// declareLine puts a line into a service, ever since.
func declareLine(t *testing.T, l *ledger.Ledger, number, service string) {
	t.Helper()
	declareService(t, l, service)
	err := l.Declare(t.Context(), ledger.Author{Who: "test"}, func(r ledger.Register) (ledger.Register, error) {
		r.Lines[number] = []ledger.Declaration{{Line: number, Number: number, Place: ledger.Place{Service: service}}}
		return r, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFlowsAndProposalsAreMadeAgainOnlyWhenSomethingChangesThem(t *testing.T) {
	recent, books, clock := recentBooks(t)
	site := siteOf(t, recent)
	const saas, other, late = "0241350001", "0241350002", "0241350003"
	declareLine(t, books.Ledger, saas, "urgences")
	declareLine(t, books.Ledger, other, "radio")
	journalled(t, books.Ledger, "september", time.September, saas, other, "0155550001", "0155550002", "0155550003", "0155550004", "0155550005", late)
	pages := func(what, partner string, outside int, flows, acquainted int64) {
		t.Helper()
		clock.forward(recentFor + time.Second)
		for target, want := range map[string]string{
			"/flows?from=2026-08&to=2026-09&service=urgences": partner, "/waves/proposals?by=exchanges": "surtout " + partner,
			"/waves/proposals?by=partners": fmt.Sprintf("urgences 1 0 %d Sans vague", outside),
		} {
			w := ask(site, http.MethodGet, target)
			if w.Code != http.StatusOK || !strings.Contains(bare(w.Body.String()), want) {
				t.Errorf("%s: %s: got %d %s, want %q", what, target, w.Code, bare(w.Body.String()), want)
			}
		}
		got, err := recent.Traffic(t.Context(), 202608, 202610, 202610)
		want, fault := trafficIn(t.Context(), books.Ledger, 202608, 202610)
		if err != nil || fault != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %+v, %v; want what the ledger has: %+v, %v", what, got, err, want, fault)
		}
		if a, b := books.flows.Swap(0), books.acquainted.Swap(0); a != flows || b != acquainted {
			t.Errorf("%s: got %d months of flows and %d acquaintances read, want %d and %d", what, a, b, flows, acquainted)
		}
	}
	pages("at first", "radio", 6, 13, 1)
	pages("nothing new", "radio", 6, 0, 0)
	declareLine(t, books.Ledger, other, "archives")
	pages("a line was another service's", "archives", 6, 0, 1)
	journalled(t, books.Ledger, "august", time.August, saas, "0166660001")
	pages("a fax of August", "archives", 7, 1, 1)
	followed(t, books.Ledger, 1, time.October, saas, "0177770001")
	pages("a fax of today", "archives", 7, 1, 0)
	followed(t, books.Ledger, 2, time.September, saas, "0177770002")
	pages("a late fax of September", "archives", 8, 1, 1)
	declareLine(t, books.Ledger, late, "pharmacie")
	pages("a number outside is ours", "archives", 7, 3, 1)
}

func TestMailboxesAreReadAgainWhenSomebodyChangedThem(t *testing.T) {
	recent, books, clock := recentBooks(t)
	declareService(t, books.Ledger, "urgences")
	declare := func(versions ...ledger.Mailbox) {
		t.Helper()
		err := books.DeclareMailboxes(t.Context(), ledger.Author{Who: "test"}, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) {
			return versions, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, versions, readings int) {
		t.Helper()
		all, err := recent.Mailboxes(t.Context())
		if got := books.mailboxes.Swap(0); err != nil || len(all) != versions || got != int64(readings) {
			t.Errorf("%s: got %d versions by %d readings, %v; want %d by %d", what, len(all), got, err, versions, readings)
		}
	}
	box := ledger.Mailbox{Address: "a@chu.mssante.fr", From: "2026-11-02", Kind: "PER", Establishment: "chu", Service: "urgences", State: ledger.MailboxUsed}
	again := box
	again.From = "2026-11-03"
	want("none yet", 0, 1)
	declare(box)
	want("one is declared", 1, 1)
	clock.forward(keptFor / 2)
	want("half an hour later", 1, 0)
	declare(box, again)
	want("the same is said again", 2, 1)
	if err := recent.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("they are kept", 2, 0)
	clock.forward(keptFor + time.Second)
	if err := recent.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("nobody has asked for an hour", 2, 1)
}

// TestNoPageChangesWhatAllShare has all pages shown at once, which the race detector sees, too.
func TestNoPageChangesWhatAllShare(t *testing.T) {
	shared := &still{books: hospital()}
	recent := NewRecent(shared, time.Now, slog.New(slog.DiscardHandler))
	before := fmt.Sprintf("%+v", shared.snapshot)
	site := siteOf(t, recent)
	var group sync.WaitGroup
	for _, link := range menu() {
		if link.For == ledger.AdminRole { // shows nothing of the books
			continue
		}
		for _, query := range []string{"", "?lang=en", "?q=a"} {
			group.Go(func() {
				if w := ask(site, http.MethodGet, link.Path+query); w.Code != http.StatusOK {
					t.Errorf("%s: got %d", link.Path+query, w.Code)
				}
			})
		}
	}
	group.Wait()
	if after := fmt.Sprintf("%+v", shared.snapshot); after != before {
		t.Errorf("got %s\nwant it as it was: %s", after, before)
	}
}
