package series

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ward is books, an InfluxDB and the way between them.
type ward struct {
	tester
	books   *shelf
	influx  *influx
	clock   *clock
	log     strings.Builder
	timeout time.Duration // of a request
	figures Figures       // nil: none
	series  *Series
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Cleanup(func())
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

func newWard(t tester) *ward {
	w := &ward{tester: t, books: newShelf(), influx: startInflux(t), clock: &clock{at: clockTime("12:00").Std()}}
	w.start()
	return w
}

// start starts the program anew.
func (w *ward) start() {
	if w.series != nil {
		w.series.Close()
	}
	w.series = New(Options{
		URL: w.influx.URL, Org: "chu", Bucket: "fax", Token: "t0ken", Books: w.books,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)), Now: w.clock.now, Timeout: w.timeout,
		Figures: w.figures, Zone: paris,
	})
	w.series.batch, w.series.rows = 200, 70 // a small world
	w.Cleanup(w.series.Close)
}

// works makes a round that must work.
func (w *ward) works() {
	w.Helper()
	if err := w.series.Round(context.Background()); err != nil {
		w.Errorf("got %v, want it to work", err)
	}
	w.influx.wantNoFault(w)
}

// fails makes a round that must fail, and returns the trouble.
func (w *ward) fails() *trouble {
	w.Helper()
	err := w.series.Round(context.Background())
	t := new(trouble)
	if !errors.As(err, &t) {
		w.Fatalf("got %v, want trouble with InfluxDB", err)
	}
	return t
}

// post books n postings of the same device, a minute apart.
func (w *ward) post(n int) {
	w.books.mu.Lock()
	first := len(w.books.postings)
	w.books.mu.Unlock()
	postings := make([]ledger.Posting, n)
	for i := range postings {
		at := clockTime("08:00").Add(time.Duration(first+i) * time.Minute)
		postings[i] = ledger.Posting{Account: home, Measure: wire.FaxSentPages, Unit: "pages", From: at - 60_000, To: at, At: at, Count: 1, Value: int64(first + i + 1)}
	}
	w.books.post(postings...)
}

// want is the activity that a bucket should have of all that is posted.
func (w *ward) want() map[string]string {
	w.books.mu.Lock()
	defer w.books.mu.Unlock()
	all := make(map[string]string)
	for i := range w.books.postings {
		for _, p := range ofPosting(&w.books.postings[i]) {
			if p.Name() == faxActivity {
				key, value, err := parse(lineOf(p))
				if err != nil {
					w.Fatalf("%v", err)
				}
				if _, twice := all[key]; twice {
					w.Fatalf("%s is posted twice", key)
				}
				all[key] = value
			}
		}
	}
	return all
}

// wantEqual wants the bucket to be as the books are.
func (w *ward) wantEqual(after string) {
	w.Helper()
	got, want := w.influx.has(faxActivity), w.want()
	if !maps.Equal(got, want) {
		w.Errorf("%s: the bucket has %d points of activity, want the ledger's %d", after, len(got), len(want))
	}
}

func (w *ward) wantBacklog(want int64, after string) {
	w.Helper()
	if got, err := w.series.Backlog(context.Background()); err != nil || got != want {
		w.Errorf("%s: the backlog is %d (%v), want %d", after, got, err, want)
	}
}

func TestWhatIsPostedIsInTheBucketAndOnlyOnce(t *testing.T) {
	w := newWard(t)
	w.post(700)
	w.wantBacklog(700, "before the first round")
	w.works()
	w.wantEqual("700 postings")
	w.wantBacklog(0, "all written")
	requests := w.influx.requests
	w.works()
	if w.influx.requests != requests {
		t.Error("it writes although there is nothing new")
	}
	w.post(1)
	w.wantBacklog(1, "one more")
	w.works()
	w.wantEqual("one more")
	if got := w.influx.has(faxCounter)[fmt.Sprintf("fax_counter,device=xerox-1,measure=fax_sent_pages %d", clockTime("08:00").Add(700*time.Minute))]; got != "701i" {
		t.Errorf("the counter stands at %s, want 701i", got)
	}
}

func TestACursorIsKeptSeldomAndARestartWritesTheSameAgain(t *testing.T) {
	w := newWard(t)
	for range 20 {
		w.post(1)
		w.works()
		w.clock.turn(5 * time.Second)
	}
	if w.books.commits > 8 {
		t.Errorf("%d commits in 100 s, want one in 30 s for each of two logs and one for the hours", w.books.commits)
	}
	w.start()
	w.post(1)
	w.works()
	w.wantEqual("a restart")
	w.wantBacklog(0, "a restart")
}

func TestAnotherBucketBeginsWithAllThatIsKnown(t *testing.T) {
	w := newWard(t)
	w.post(3)
	w.works()
	w.influx = startInflux(t)
	w.start()
	w.works()
	w.wantEqual("another InfluxDB")
}

// What InfluxDB may answer, and what then becomes of the points.
func TestEachAnswerHasItsConsequence(t *testing.T) {
	for name, c := range map[string]struct {
		answer     answer
		configured bool
		atLeast    time.Duration // to wait
		said       string
	}{
		"a full disk":                   {fails, false, time.Second, "500: engine: out of cache"},
		"a proxy without InfluxDB":      {unavailable, false, time.Second, "503: "},
		"too much":                      {isBusy, false, 7 * time.Second, "429: write rate limit"},
		"a line cut":                    {hangsUp, false, time.Second, "EOF"},
		"taken, and then the line cut":  {takesAndHangsUp, false, time.Second, "EOF"},
		"a wrong token":                 {refusesUser, true, time.Second, "401: authorization failed"},
		"a wrong bucket":                {knowsNoBucket, true, time.Second, `404: bucket "fax" not found`},
		"a proxy that sends elsewhere":  {asksToLogIn, true, time.Second, "302: "},
		"another program's address":     {isNoInfluxDB, true, time.Second, "200 OK"},
		"taken, but answered too late":  {takesSlowly, false, time.Second, "exceeded"},
		"not one point of a batch fits": {refusesAll, true, time.Second, "every point is refused, such as fax_activity,device=xerox-1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWard(t)
			if c.answer == takesSlowly {
				w.timeout = 300 * time.Millisecond
				w.start()
			}
			w.post(3)
			w.influx.does(slices.Repeat([]answer{c.answer}, 20)...)
			trouble := w.fails()
			if trouble.configured != c.configured || !strings.Contains(trouble.Error(), c.said) {
				t.Errorf("got %v (settings %v), want … %s (settings %v)", trouble, trouble.configured, c.said, c.configured)
			}
			if strings.Contains(w.log.String(), "see influxdb in the configuration") != c.configured {
				t.Errorf("it logs %q, want a word about the configuration: %v", w.log.String(), c.configured)
			}
			if strings.Contains(w.log.String()+trouble.Error(), "t0ken") {
				t.Error("the token shows")
			}
			w.wantBacklog(3, "nothing was acknowledged")
			w.timeout = 0
			w.influx.does()
			requests := w.influx.requests
			w.clock.turn(c.atLeast - time.Millisecond)
			w.fails()
			if w.influx.requests != requests {
				t.Errorf("it tries again within %s", c.atLeast)
			}
			w.clock.turn(time.Minute)
			w.works()
			w.wantEqual("after it")
			if len(w.books.quarantine) > 0 {
				t.Errorf("%d points are in quarantine, want none", len(w.books.quarantine))
			}
		})
	}
}

func TestItWaitsLongerEachTimeButNotOverAMinute(t *testing.T) {
	w := newWard(t)
	w.post(1)
	w.influx.does(slices.Repeat([]answer{fails}, 1000)...)
	var tries []time.Duration
	begin := w.clock.now()
	for w.clock.now().Sub(begin) < 15*time.Minute {
		before := w.influx.requests
		w.fails()
		if w.influx.requests > before {
			tries = append(tries, w.clock.now().Sub(begin))
		}
		w.clock.turn(time.Second)
	}
	if len(tries) < 18 || len(tries) > 32 || tries[1] > 3*time.Second {
		t.Errorf("it tried after %v, want soon at first and then each half a minute to a minute", tries)
	}
	for i := range tries[1:] {
		if wait := tries[i+1] - tries[i]; wait > time.Minute+time.Second {
			t.Errorf("it waited %s, want at most a minute", wait)
		}
	}
}

func TestABadPointIsKeptAsideAndTheOthersAreWritten(t *testing.T) {
	w := newWard(t)
	w.post(300)
	bad := clockTime("08:00").Add(177 * time.Minute)
	w.influx.spoilt = func(line string) string {
		if strings.HasPrefix(line, faxActivity) && strings.HasSuffix(line, fmt.Sprint(int64(bad))) {
			return `field type conflict: input field "count" is type integer, already exists as type float`
		}
		return ""
	}
	w.works()
	if got, want := len(w.influx.has(faxActivity)), 299; got != want {
		t.Errorf("%d points are written, want %d", got, want)
	}
	w.wantBacklog(0, "a bad point holds nothing up")
	if len(w.books.quarantine) != 1 {
		t.Fatalf("%d points are in quarantine, want 1", len(w.books.quarantine))
	}
	q := w.books.quarantine[0]
	if !strings.Contains(q.Reason, "field type conflict") || !strings.HasSuffix(string(q.Payload), fmt.Sprint(int64(bad))) || q.Stream != "influxdb" || q.ReceivedAt == 0 {
		t.Errorf("in quarantine is %+v, want the point and why", q)
	}
	if !strings.Contains(w.log.String(), "refuses points") {
		t.Error("it doesn't say so")
	}
}

func TestWherePointsAreRefusedToTheLastTheyWaitUntilOneIsTaken(t *testing.T) {
	w := newWard(t)
	w.post(1)
	first := clockTime("08:00")
	w.influx.spoilt = func(line string) string {
		if strings.HasSuffix(line, fmt.Sprint(int64(first))) {
			return "unable to parse"
		}
		return ""
	}
	if trouble := w.fails(); !trouble.configured {
		t.Errorf("got %v, want it taken for a matter of settings", trouble)
	}
	w.wantBacklog(1, "it may be the settings")
	w.post(1)
	w.clock.turn(time.Minute)
	w.works()
	w.wantBacklog(0, "the second one was taken, so it is the point")
	if len(w.books.quarantine) != 2 { // activity and counter
		t.Errorf("%d points are in quarantine, want 2", len(w.books.quarantine))
	}
}

func TestWhatIsTooOldForTheBucketIsPassedOver(t *testing.T) {
	w := newWard(t)
	w.post(600)
	limit := clockTime("08:00").Add(550 * time.Minute)
	w.influx.spoilt = func(line string) string {
		if at := line[strings.LastIndexByte(line, ' ')+1:]; at < fmt.Sprint(int64(limit)) {
			return "points beyond retention policy"
		}
		return ""
	}
	w.works()
	if got := len(w.influx.has(faxActivity)); got != 50 {
		t.Errorf("%d points are written, want the 50 that are young enough", got)
	}
	if len(w.books.quarantine) != 0 {
		t.Error("they are in quarantine, although nothing is wrong with them")
	}
	if w.influx.requests > 60 {
		t.Errorf("it took %d requests, want InfluxDB's own count believed", w.influx.requests)
	}
}

func TestARequestThatIsTooLargeIsHalved(t *testing.T) {
	w := newWard(t)
	w.post(300)
	w.influx.limit = 5000
	w.works()
	w.wantEqual("InfluxDB takes 5 kB")
}

func TestNoPointIsTooLarge(t *testing.T) {
	w := newWard(t)
	w.post(1)
	w.influx.does(isFull, isFull) // both of its points, then one of them
	if trouble := w.fails(); !trouble.configured {
		t.Errorf("got %v, want it taken for a matter of settings", trouble)
	}
	w.clock.turn(11 * time.Minute)
	w.works()
	w.wantEqual("there is room again")
	if kept := len(w.books.quarantine); kept > 0 {
		t.Errorf("%d points are in quarantine, want none", kept)
	}
}

func TestStatusesAreWrittenOnChangeAndEachHour(t *testing.T) {
	w := newWard(t)
	w.books.tell(up("08:10", "1"), line("08:10", "1", "idle"), line("09:30", "1", "busy"))
	w.books.look("audiocodes-1", clockTime("11:58"))
	w.works()
	want := func(status, hours int, after string) {
		t.Helper()
		if got := len(w.influx.has(lineStatus)); got != status {
			t.Errorf("%s: %d statuses of the line, want %d", after, got, status)
		}
		if got := len(w.influx.has(deviceStatus)); got != hours {
			t.Errorf("%s: %d statuses of the device, want %d", after, got, hours)
		}
	}
	want(5, 4, "at noon")
	w.clock.turn(3 * time.Hour)
	w.books.look("audiocodes-1", clockTime("13:10"))
	w.works()
	want(7, 6, "at three, last looked at at one")
	w.start()
	w.books.look("audiocodes-1", clockTime("15:00"))
	w.works()
	want(9, 8, "a restart, and a look at three")
	w.wantBacklog(0, "all written")
}

func TestABrokenLedgerIsNoReasonToForgetAnything(t *testing.T) {
	w := newWard(t)
	w.post(10)
	w.books.broken = true
	if err := w.series.Round(context.Background()); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
	w.books.broken = false
	w.clock.turn(time.Minute)
	w.works()
	w.wantEqual("the disk is back")
}

func TestOneLogIsWrittenWhateverIsTheMatterWithTheOther(t *testing.T) {
	w := newWard(t)
	w.post(10)
	w.books.tell(up("08:10", "1"))
	w.influx.spoilt = func(line string) string {
		if strings.HasPrefix(line, "fax_") {
			return "field type conflict"
		}
		return ""
	}
	w.fails()
	if len(w.influx.has(deviceStatus)) == 0 {
		t.Error("statuses are held up by what is the matter with postings")
	}
}

// Whatever InfluxDB, the network and the ledger do, and whenever the program is ended: once all work
// again the bucket has each posting once.
func TestInTheEndTheBucketHasEachPostingOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := newWard(r)
		defer w.influx.Close()
		defer w.series.Close()
		for range rapid.IntRange(1, 6).Draw(r, "steps") {
			w.post(rapid.SampledFrom([]int{0, 1, 3, 7, 20}).Draw(r, "posted"))
			// No refusesAll: a point that is refused alone, while another is taken, is a bad one.
			bad := []answer{takes, takesAndHangsUp, hangsUp, isBusy, isFull, fails, unavailable, refusesUser, knowsNoBucket, asksToLogIn, isNoInfluxDB}
			w.influx.does(rapid.SliceOfN(rapid.SampledFrom(bad), 0, 6).Draw(r, "answers")...)
			w.series.batch, w.series.rows = 8, 3
			w.books.broken = rapid.IntRange(0, 9).Draw(r, "disk") == 0
			_ = w.series.Round(context.Background())
			w.books.broken = false
			w.clock.turn(time.Duration(rapid.IntRange(0, 90).Draw(r, "seconds")) * time.Second)
			if rapid.IntRange(0, 4).Draw(r, "killed") == 0 {
				w.start()
			}
		}
		w.influx.does()
		w.clock.turn(11 * time.Minute)
		w.works()
		w.wantEqual("all works again")
		w.wantBacklog(0, "all works again")
		if kept := len(w.books.quarantine); kept > 0 {
			r.Errorf("%d points are in quarantine, want none: none was bad", kept)
		}
	})
}
