package series

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// almanac is figures that a test fills.
type almanac struct {
	months   map[ledger.Month][]Figure
	declared int64
	asked    []ledger.Month
	broken   bool
}

func (a *almanac) Months(_ context.Context, months []ledger.Month, take func(ledger.Month, []Figure) error) error {
	if a.broken {
		return errBroken
	}
	for _, m := range months {
		a.asked = append(a.asked, m)
		if err := take(m, slices.Clone(a.months[m])); err != nil {
			return err
		}
	}
	return nil
}

func (a *almanac) FirstMonth(context.Context) (ledger.Month, error) {
	if len(a.months) == 0 {
		return 0, nil
	}
	return slices.Min(slices.Collect(maps.Keys(a.months))), nil
}

func (a *almanac) Declared(context.Context) (int64, error) { return a.declared, nil }

var (
	paris, _ = time.LoadLocation("Europe/Paris")
	cardio   = Scope{By: "service", Establishment: "chu", Pole: "medecine", Service: "cardiologie"}
)

func sentBy(scope Scope, pages float64) Figure {
	return Figure{Scope: scope, Indicator: "fax_sent", Unit: "pages", Value: pages, Completeness: 0.5}
}

// publish gives a ward figures, and a clock that stands in October 2026.
func (w *ward) publish(months map[ledger.Month][]Figure) *almanac {
	a := &almanac{months: months, declared: 1}
	w.figures = a
	w.start()
	return a
}

// wantFigures wants the bucket to have these points, as "tags time" and fields.
func (w *ward) wantFigures(after string, want map[string]string) {
	w.Helper()
	if got := w.influx.has(faxIndicator); !maps.Equal(got, want) {
		w.Errorf("%s: the bucket has\n%v\nwant\n%v", after, got, want)
	}
}

func key(tags string, month ledger.Month) string {
	return fmt.Sprintf("fax_indicator,%s %d", tags, month.In(paris))
}

const cardioTags = `by=service,establishment=chu,indicator=fax_sent,pole=medecine,service=cardiologie,unit=pages`

func TestAnIndicatorIsAPointAtTheBeginningOfItsMonth(t *testing.T) {
	w := newWard(t)
	target := 0.0
	lines := Figure{Scope: Scope{By: "whole"}, Indicator: "active_lines", Unit: "lines", Value: 12, Completeness: 1, Target: &target}
	nobody := sentBy(Scope{By: "structure"}, 3)
	w.publish(map[ledger.Month][]Figure{202610: {sentBy(cardio, 1234567), lines, nobody}, 202410: {sentBy(cardio, 7)}, 202409: {sentBy(cardio, 9)}})
	w.works()
	want := map[string]string{
		key(cardioTags, 202610):                                   "value=1234567,completeness=0.5",
		key(cardioTags, 202410):                                   "value=7,completeness=0.5",
		key("by=whole,indicator=active_lines,unit=lines", 202610): "value=12,completeness=1,target=0",
		key("by=structure,indicator=fax_sent,unit=pages", 202610): "value=3,completeness=0.5",
	}
	w.wantFigures("25 months, of which this is the last", want)
	if got := time.UnixMilli(int64(ledger.Month(202610).In(paris))).UTC(); got.Format(time.DateTime) != "2026-09-30 22:00:00" {
		t.Errorf("October begins in Paris at %s UTC", got)
	}
	w.start()
	w.works()
	w.wantFigures("written again by another process", want)
	w.wantBacklog(0, "figures are no backlog")
}

func TestWhichMonthsAreComputedWhen(t *testing.T) {
	w := newWard(t)
	a := w.publish(map[ledger.Month][]Figure{202610: {sentBy(cardio, 1)}})
	wait := func(d time.Duration, after string, want ...ledger.Month) {
		t.Helper()
		w.clock.turn(d)
		a.asked = nil
		w.works()
		if !slices.Equal(a.asked, want) {
			t.Errorf("%s: got %v, want %v", after, a.asked, want)
		}
	}
	var all []ledger.Month
	for i := range 25 {
		all = append(all, ledger.Month(202610).Add(-i))
	}
	wait(0, "at start", all...)
	wait(59*time.Minute, "within the hour")
	wait(time.Minute, "after an hour", 202610, 202609)
	a.declared++
	wait(5*time.Second, "a table was imported", all...)
	wait(5*time.Second, "nothing new")
	a.declared++
	wait(5*time.Second, "another one right after it")
	wait(time.Minute, "when it has been a minute", all...)
	w.clock.turn(-100 * 24 * time.Hour)
	a.asked = nil
	w.works()
	if len(a.asked) != 25 || a.asked[0] != 202606 {
		t.Errorf("the clock was set back: got %v", a.asked)
	}
	w.clock.turn(100 * 24 * time.Hour)
	w.works()
	var days int
	for range 48 {
		a.asked = nil
		w.clock.turn(time.Hour)
		w.works()
		if len(a.asked) == 25 {
			days++
		}
	}
	if days != 2 {
		t.Errorf("got all months %d times in 48 hours, want once a day", days)
	}
}

func TestAMonthThatIsAsItWasIsNotWrittenAgain(t *testing.T) {
	w := newWard(t)
	a := w.publish(map[ledger.Month][]Figure{202610: {sentBy(cardio, 1)}, 202609: {sentBy(cardio, 5)}})
	w.works()
	requests := w.influx.requests
	w.clock.turn(time.Hour)
	w.works()
	if w.influx.requests != requests {
		t.Errorf("got %d requests, want none", w.influx.requests-requests)
	}
	a.months[202610] = []Figure{sentBy(cardio, 2)}
	w.clock.turn(time.Hour)
	w.works()
	if w.influx.requests != requests+1 {
		t.Errorf("got %d requests, want one for the month that changed", w.influx.requests-requests)
	}
	w.wantFigures("it changed", map[string]string{key(cardioTags, 202610): "value=2,completeness=0.5", key(cardioTags, 202609): "value=5,completeness=0.5"})
}

// A service that goes to another pole has its past there; where it was nothing is left, or sums by
// establishment would have it twice.
func TestAScopeThatIsNoMoreIsSetToZero(t *testing.T) {
	w := newWard(t)
	a := w.publish(map[ledger.Month][]Figure{202610: {sentBy(cardio, 1)}, 202609: {sentBy(cardio, 5)}})
	w.works()
	moved := cardio
	moved.Pole = "coeur"
	a.months = map[ledger.Month][]Figure{202610: {sentBy(moved, 1)}, 202609: {sentBy(moved, 5)}}
	a.declared++
	w.clock.turn(time.Minute)
	w.works()
	movedTags := strings.Replace(cardioTags, "medecine", "coeur", 1)
	want := map[string]string{
		key(cardioTags, 202610): "value=0,completeness=0", key(cardioTags, 202609): "value=0,completeness=0",
		key(movedTags, 202610): "value=1,completeness=0.5", key(movedTags, 202609): "value=5,completeness=0.5",
	}
	w.wantFigures("it moved", want)
	requests := w.influx.requests
	w.clock.turn(25 * time.Hour)
	w.works()
	if w.influx.requests != requests {
		t.Errorf("got %d requests, want it said once", w.influx.requests-requests)
	}
	w.wantFigures("a day later", want)
}

// What was declared by mistake and taken back is unknown again. A completeness of 0 says so.
func TestAFigureThatIsNoLongerKnownIsSetToZero(t *testing.T) {
	w := newWard(t)
	wrong := Figure{Scope: cardio, Indicator: "mssante_sent", Unit: "messages", Value: 1200, Completeness: 1}
	a := w.publish(map[ledger.Month][]Figure{202610: {sentBy(cardio, 1), wrong}})
	w.works()
	a.months[202610] = []Figure{sentBy(cardio, 1)}
	a.declared++
	w.clock.turn(time.Minute)
	w.works()
	for point, fields := range w.influx.has(faxIndicator) {
		if strings.Contains(point, "mssante_sent") && fields != "value=0,completeness=0" {
			t.Errorf("%s: got %s, want 0 and a completeness of 0", point, fields)
		}
	}
}

func TestWhatCannotBeWrittenIsWrittenLater(t *testing.T) {
	w := newWard(t)
	w.post(3)
	a := w.publish(map[ledger.Month][]Figure{202610: {sentBy(cardio, 1)}, 202609: {sentBy(cardio, 5)}, 202608: {sentBy(cardio, 6)}})
	w.influx.does(takes, takes, unavailable) // postings, October; September fails
	w.fails()
	w.wantEqual("postings don't wait for figures")
	w.influx.does()
	w.clock.turn(time.Minute)
	a.asked = nil
	w.works()
	if got := len(w.influx.has(faxIndicator)); got != 3 || len(a.asked) != 24 || a.asked[0] != 202609 {
		t.Errorf("got %d points, asked for %v; want 3, and what was written not again", got, a.asked)
	}
	a.broken = true
	w.post(1)
	w.clock.turn(time.Hour)
	if err := w.series.Round(context.Background()); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
	w.wantEqual("nor for a ledger that can't be computed")
}

func TestAFigureThatIsRefusedIsKeptAside(t *testing.T) {
	w := newWard(t)
	w.publish(map[ledger.Month][]Figure{202610: {sentBy(cardio, 1), sentBy(Scope{By: "whole"}, 1)}})
	w.influx.spoilt = func(line string) string {
		if strings.Contains(line, "cardiologie") {
			return "field type conflict"
		}
		return ""
	}
	w.works()
	if len(w.influx.has(faxIndicator)) != 1 || len(w.books.quarantine) != 1 || !strings.HasPrefix(string(w.books.quarantine[0].Payload), faxIndicator) {
		t.Errorf("got %v, quarantine %v; want one of each", w.influx.has(faxIndicator), w.books.quarantine)
	}
}

func TestAReplayWritesTheIndicatorsToo(t *testing.T) {
	w := newWard(t)
	w.publish(map[ledger.Month][]Figure{202610: {sentBy(cardio, 1)}, 202609: {sentBy(cardio, 5)}, 202001: {sentBy(cardio, 6)}})
	october, september, early := key(cardioTags, 202610), key(cardioTags, 202609), key(cardioTags, 202001)
	if _, err := w.replay(ReplayOptions{From: clockTime("08:00")}); err != nil { // of 1 October
		t.Fatal(err)
	}
	w.wantFigures("from a day in October", map[string]string{october: "value=1,completeness=0.5"})
	done, err := w.replay(ReplayOptions{})
	if err != nil || done.Points != 3 {
		t.Errorf("got %+v, %v, want 3 points", done, err)
	}
	w.wantFigures("all", map[string]string{october: "value=1,completeness=0.5", september: "value=5,completeness=0.5", early: "value=6,completeness=0.5"})
}
