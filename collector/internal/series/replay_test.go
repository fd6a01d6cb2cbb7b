package series

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// replay writes everything again from a time on.
func (w *ward) replay(o ReplayOptions) (Replayed, error) {
	w.Helper()
	o.Past = w.books
	o.Wait = func(_ context.Context, d time.Duration) error {
		w.clock.turn(d)
		return nil
	}
	done, err := Replay(context.Background(), w.series.options, o)
	w.influx.wantNoFault(w)
	return done, err
}

func TestAReplayIntoAnEmptyBucketMakesItWhatItWas(t *testing.T) {
	w := newWard(t)
	w.post(300)
	w.books.tell(up("08:10", "1"), line("08:10", "1", "idle"), line("09:30", "1", "busy"))
	w.books.look("audiocodes-1", clockTime("11:58"))
	w.works()
	before, commits := w.influx.points, w.books.commits
	w.influx.points = map[string]string{}
	w.influx.does(fails, hangsUp)
	done, err := w.replay(ReplayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.influx.points) != len(before) || done.Points != int64(len(before)) {
		t.Errorf("it has %d points, and %d are said to be written, want %d", len(w.influx.points), done.Points, len(before))
	}
	for key, value := range before {
		if w.influx.points[key] != value {
			t.Fatalf("%s is %s, want %s", key, w.influx.points[key], value)
		}
	}
	if done.Posting != 300 || done.Of != 300 || done.Status != 3 || done.OfStatus != 3 {
		t.Errorf("got %+v, want all there is", done)
	}
	if w.books.commits != commits {
		t.Error("a replay moved a cursor")
	}
}

func TestAReplayFromADayLeavesOutWhatWasBefore(t *testing.T) {
	w := newWard(t)
	w.post(300)
	if _, err := w.replay(ReplayOptions{From: clockTime("08:00").Add(250 * time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if got := len(w.influx.has(faxActivity)); got != 50 {
		t.Errorf("%d points are written, want the 50 from then on", got)
	}
}

func TestWhatIsLeftByTheHourIsWrittenAtTheEndOfTheHour(t *testing.T) {
	w := newWard(t)
	w.post(300) // from 08:00, one a minute
	sum := func(at string, measure wire.Measure, count int64) ledger.HourSum {
		return ledger.HourSum{Account: home, Measure: measure, Unit: "pages", Hour: clockTime(at), Count: count}
	}
	evidence := sum("08:00", wire.FaxSentPages, 99)
	evidence.Evidence = true
	w.books.gone.Before = clockTime("08:00")
	w.books.sums = []ledger.HourSum{
		sum("05:00", wire.FaxSentPages, 5), sum("06:00", wire.FaxSentPages, 60), sum("06:00", wire.FaxReceivedPages, 2),
		sum("06:00", wire.FaxPrintedPages, 3), evidence, sum("08:00", wire.FaxSentPages, 60),
	}
	if _, err := w.replay(ReplayOptions{From: clockTime("06:00"), Hours: true}); err != nil {
		t.Fatal(err)
	}
	got := w.influx.has(faxActivity)
	const tags = "establishment=chu,line=0241354000,pole=medecine,service=cardiologie,site=nord,unit=pages"
	want := map[string]string{
		fmt.Sprintf("fax_activity,device=xerox-1,direction=sent,%s %d", tags, clockTime("07:00")-1):     "60i",
		fmt.Sprintf("fax_activity,device=xerox-1,direction=received,%s %d", tags, clockTime("07:00")-1): "5i",
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %q, want %s", key, got[key], value)
		}
	}
	if len(got) != 302 {
		t.Errorf("%d points are written, want 302", len(got))
	}
}

func TestAReplaySaysWhenDetailsAreGivenUpMeanwhile(t *testing.T) {
	w := newWard(t)
	w.post(3)
	w.books.gone.Before = clockTime("06:00")
	w.books.givingUp = func() { w.books.gone.Before, w.books.gone.Activity = clockTime("08:00"), 1 }
	if _, err := w.replay(ReplayOptions{Hours: true}); !errors.Is(err, ErrGone) {
		t.Errorf("got %v, want %v", err, ErrGone)
	}
	w.books.givingUp = func() { w.books.gone.Activity++ }
	if _, err := w.replay(ReplayOptions{From: clockTime("08:00"), Hours: true}); err != nil {
		t.Errorf("got %v, want it not to mind what it didn't write", err)
	}
}

func TestAReplayEndsWhereAPersonMustSeeToIt(t *testing.T) {
	w := newWard(t)
	w.post(1)
	w.influx.does(refusesUser, refusesUser, refusesUser)
	if _, err := w.replay(ReplayOptions{}); !errors.As(err, new(*trouble)) || !strings.Contains(err.Error(), "401") {
		t.Errorf("got %v, want it to end and say why", err)
	}
}

func TestAReplayTellsWhatIsRefused(t *testing.T) {
	w := newWard(t)
	w.post(100)
	w.influx.spoilt = func(line string) string {
		if strings.HasPrefix(line, faxActivity) && strings.HasSuffix(line, "20000") {
			return "field type conflict"
		}
		return ""
	}
	done, err := w.replay(ReplayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if done.RefusedInAll == 0 || int64(len(done.Refused)) != min(done.RefusedInAll, manyRefused) || !strings.Contains(done.Refused[0].Reason, "conflict") {
		t.Errorf("got %+v, want what was refused and why", done)
	}
	if len(w.books.quarantine) > 0 {
		t.Error("a replay put something into quarantine")
	}
}

func TestPrometheusSeesTheBacklog(t *testing.T) {
	w := newWard(t)
	w.post(3)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(w.series)
	want := func(text string) {
		t.Helper()
		if err := testutil.GatherAndCompare(registry, strings.NewReader(text)); err != nil {
			t.Error(err)
		}
		if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
			t.Errorf("promlint says %v (%v)", problems, err)
		}
	}
	const (
		backlogIs = "# HELP zerofax_collector_series_backlog Postings and statuses that InfluxDB has not taken yet.\n# TYPE zerofax_collector_series_backlog gauge\nzerofax_collector_series_backlog "
		refusedIs = "# HELP zerofax_collector_series_refused_total Points that InfluxDB refused, now in quarantine.\n# TYPE zerofax_collector_series_refused_total counter\nzerofax_collector_series_refused_total "
		successIs = "# HELP zerofax_collector_series_last_success_timestamp_seconds When InfluxDB last took something.\n# TYPE zerofax_collector_series_last_success_timestamp_seconds gauge\nzerofax_collector_series_last_success_timestamp_seconds "
	)
	want(backlogIs + "3\n" + refusedIs + "0\n")
	w.works()
	want(backlogIs + "0\n" + refusedIs + "0\n" + successIs + "1.790856e+09\n")
	w.books.broken = true
	if _, err := registry.Gather(); err == nil {
		t.Error("the scrape is fine although the ledger can't be read")
	}
}
