package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// closeMonth closes a month as the pages do.
func (c *collector) closeMonth(month ledger.Month) ledger.Closing {
	c.Helper()
	closed, err := c.CloseMonth(context.Background(), ledger.Author{Who: "anne", Source: "page"}, month, "", indicators.Freeze)
	if err != nil {
		c.Fatal(err)
	}
	return closed
}

// frozen is the closing of a month that holds.
func (c *collector) frozen(month ledger.Month) ledger.Closing {
	c.Helper()
	closed, ok, err := c.Closing(context.Background(), month)
	if err != nil || !ok {
		c.Fatalf("closing of %s: got %v, %v", month, ok, err)
	}
	return closed
}

// live are the figures of a month as they are computed now.
func (c *collector) live(month ledger.Month, level indicators.Level) []indicators.Figure {
	c.Helper()
	s, err := c.Snapshot(context.Background())
	if err != nil {
		c.Fatal(err)
	}
	months, err := c.Months(context.Background(), month, month)
	if err != nil {
		c.Fatal(err)
	}
	mssante, err := c.MSSante(context.Background(), month, month)
	if err != nil {
		c.Fatal(err)
	}
	return indicators.Compute(indicators.Books{At: s.At, Register: &s.Register, Lines: s.Lines, Months: months, MSSante: mssante}, month, month, level)
}

// corrected are the differences of the whole since its month was closed, as "fax_sent pages +12 corrected".
func (c *collector) corrected(month ledger.Month) string {
	c.Helper()
	closed := c.frozen(month)
	var words []string
	for _, d := range indicators.Compare(indicators.Thaw(&closed, indicators.Whole), c.live(month, indicators.Whole)) {
		text := fmt.Sprintf("%s %s", d.Figure().Indicator, d.Figure().Of)
		if n := d.Correction(); n != nil {
			text += fmt.Sprintf(" %+d", *n)
		}
		words = append(words, fmt.Sprint(text, " ", d.Changes))
	}
	return strings.Join(words, ", ")
}

func TestAClosedMonthKeepsItsFiguresAndSaysWhatCameInLater(t *testing.T) {
	c := newCollector(t)
	c.declare(func(r *ledger.Register) { r.Services["onco"] = ledger.Service{ID: "onco", Name: "Oncologie"} })
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Service = "onco" })
	c.at(counted("2026-10-01 08:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-20 08:00", wire.FaxSentPages, 140))
	c.now = time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	closed := c.closeMonth(202610)
	if closed.Version != 1 || closed.By != "anne" || closed.At != wire.TimeOf(c.now) || closed.Count != len(closed.Figures) || closed.Count == 0 {
		t.Errorf("got %+v", closed)
	}
	if got := c.corrected(202610); got != "" {
		t.Errorf("right after closing: got %q, want nothing corrected", got)
	}
	c.now = c.now.Add(time.Hour)
	c.at(counted("2026-10-25 08:00", wire.FaxSentPages, 152)) // a backlog
	c.now = time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	c.declareVolumes(volume(202610, "", "", 90))
	want := "active_lines lines +0 [basis], fax_sent pages +12 [corrected basis], mssante_received messages [learned basis]"
	if got := c.corrected(202610); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.reopen()
	if got := c.frozen(202610); !reflect.DeepEqual(got, closed) {
		t.Errorf("the frozen figures: got %+v, want %+v", got, closed)
	}
	if n := c.count("closed_figures WHERE value IS NOT NULL AND indicator = 'mssante_received'"); n != 0 {
		t.Errorf("figures that were unknown: got %d with a value, want none", n)
	}
	log, err := c.Audit(context.Background(), 10)
	if err != nil || !slices.ContainsFunc(log, func(e ledger.Entry) bool {
		return e.Who == "anne" && e.Subject == "closings version 1 202610" && strings.Contains(e.After, closed.Digest)
	}) {
		t.Errorf("audit: got %+v, %v", log, err)
	}
	c.balanced()
}

func TestAMonthIsClosedOnceAndReopenedForAReason(t *testing.T) {
	c := newCollector(t)
	ctx := context.Background()
	c.at(counted("2026-10-01 08:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-20 08:00", wire.FaxSentPages, 140))
	shut := func(month ledger.Month) error {
		_, err := c.CloseMonth(ctx, anne, month, "", indicators.Freeze)
		return err
	}
	if err := shut(202610); !errors.Is(err, ledger.ErrMonthNotOver) {
		t.Errorf("the present month: got %v, want %v", err, ledger.ErrMonthNotOver)
	}
	c.declare(func(r *ledger.Register) { r.Sites["papeete"] = ledger.Site{ID: "papeete", TimeZone: "Pacific/Tahiti"} })
	c.now = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	if err := shut(202610); !errors.Is(err, ledger.ErrMonthNotOver) || !strings.Contains(err.Error(), "Tahiti") {
		t.Errorf("before it is over everywhere: got %v, want %v in Tahiti", err, ledger.ErrMonthNotOver)
	}
	c.now = c.now.AddDate(0, 0, 1)
	if err := shut(202609); !errors.Is(err, ledger.ErrNothingBooked) {
		t.Errorf("before the books began: got %v, want %v", err, ledger.ErrNothingBooked)
	}
	first := c.closeMonth(202610)
	if err := shut(202610); !errors.Is(err, ledger.ErrMonthClosed) {
		t.Errorf("twice: got %v, want %v", err, ledger.ErrMonthClosed)
	}
	if err := c.ReopenMonth(ctx, anne, 202610, 1, " "); err == nil {
		t.Error("reopened without a reason")
	}
	if err := c.ReopenMonth(ctx, anne, 202610, 2, "x"); !errors.Is(err, ledger.ErrMonthNotClosed) {
		t.Errorf("another version: got %v, want %v", err, ledger.ErrMonthNotClosed)
	}
	c.ok(c.ReopenMonth(ctx, anne, 202610, 1, "volumes were missing"))
	if _, ok, err := c.Closing(ctx, 202610); ok || err != nil {
		t.Errorf("a reopened month: got closed %v, %v", ok, err)
	}
	c.balanced()
	c.now = c.now.Add(time.Hour)
	c.declareVolumes(volume(202610, "", "", 90))
	if second := c.closeMonth(202610); second.Version != 2 || second.Digest == first.Digest {
		t.Errorf("the second closing: got version %d, digest %s, first %s", second.Version, second.Digest, first.Digest)
	}
	old, ok, err := c.ClosingAs(ctx, 202610, 1)
	if err != nil || !ok || old.Reason != "volumes were missing" || old.ReopenedBy != "anne" || !reflect.DeepEqual(old.Figures, first.Figures) {
		t.Errorf("the first one is kept: got %+v, %v", old, err)
	}
	all, err := c.Closings(ctx)
	if err != nil || len(all) != 2 || all[0].Version != 2 || !all[0].Holds() || all[1].Holds() {
		t.Errorf("got %+v, %v, want both, the second one first", all, err)
	}
	kept := filepath.Join(t.TempDir(), "kept.db")
	c.backup(kept)
	c.ok(c.Close())
	if _, _, err := restore(c.path, kept); err != nil {
		t.Fatal(err)
	}
	c.Ledger = c.open()
	if got := c.frozen(202610); got.Version != 2 || got.Digest != all[0].Digest {
		t.Errorf("restored: got %+v", got)
	}
	c.balanced()
}

// Whatever comes in, is declared or decided later, frozen figures never change, and what is live is what was
// frozen and what Compare says.
func TestFrozenFiguresNeverChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := newCollector(t)
		frozen := make(map[string]ledger.Closing)
		total := int64(100)
		steps := map[string]func(){
			"fax": func() {
				c.now = c.now.AddDate(0, 0, rapid.IntRange(0, 20).Draw(rt, "days"))
				total += rapid.SampledFrom([]int64{0, 3, 12, 90_000_000}).Draw(rt, "pages")
				c.say("ps-01", sent(total))
			},
			"backlog": func() {
				r := sent(total)
				r.At = wire.TimeOf(c.now.AddDate(0, 0, -rapid.IntRange(0, 40).Draw(rt, "days late")))
				c.say("ps-02", r)
			},
			"volume": func() {
				month := ledger.MonthOf(wire.TimeOf(c.now), time.UTC).Add(-rapid.IntRange(0, 2).Draw(rt, "months ago"))
				c.declareVolumes(volume(month, "chu", rapid.SampledFrom([]string{"", "onco"}).Draw(rt, "of"), rapid.Int64Range(0, 9).Draw(rt, "messages")))
			},
			"declare": func() {
				pole := rapid.SampledFrom([]string{"", "urgences", "medecine"}).Draw(rt, "pole")
				c.declare(func(r *ledger.Register) {
					r.Services["onco"] = ledger.Service{ID: "onco", Establishment: "chu", Pole: pole, Name: "Oncologie"}
				})
				c.cutLine(faxline, func(d *ledger.Declaration) { d.Service, d.Pole = "onco", pole })
			},
			"forget": func() { c.declare(func(r *ledger.Register) { clear(r.Services); clear(r.Lines) }) },
			"target": func() {
				x := ledger.Target{Indicator: "fax_sent", Value: rapid.Int64Range(0, 9).Draw(rt, "target")}
				c.declare(func(r *ledger.Register) { r.Targets[x.Key()] = []ledger.Target{x} })
			},
			"accept": func() {
				list, err := c.Anomalies(context.Background(), 9)
				c.ok(err)
				for _, x := range list {
					if x.Kind == ledger.Jump && x.ClosedAt == 0 {
						_, _, err := c.Accept(context.Background(), anne, x.ID, "a mailing")
						c.ok(err)
					}
				}
			},
			"close": func() {
				month := ledger.MonthOf(wire.TimeOf(c.now), time.UTC).Add(-rapid.IntRange(1, 2).Draw(rt, "months ago"))
				closed, err := c.CloseMonth(context.Background(), anne, month, "", indicators.Freeze)
				if err == nil {
					frozen[fmt.Sprint(month, closed.Version)] = closed
				}
			},
			"reopen": func() {
				for key, x := range frozen {
					if x.Holds() && c.ReopenMonth(context.Background(), anne, x.Month, x.Version, "why") == nil {
						x.ReopenedAt, x.ReopenedBy, x.Reason = wire.TimeOf(c.now), "anne", "why"
						frozen[key] = x
						return
					}
				}
			},
		}
		names := slices.Sorted(maps.Keys(steps))
		for range rapid.IntRange(5, 14).Draw(rt, "steps") {
			steps[rapid.SampledFrom(names).Draw(rt, "step")]()
			for _, want := range frozen {
				got, ok, err := c.ClosingAs(context.Background(), want.Month, want.Version)
				if err != nil || !ok || !reflect.DeepEqual(got, want) {
					rt.Fatalf("%s, version %d: got %+v, %v, want %+v", want.Month, want.Version, got, err, want)
				}
				for _, level := range indicators.Levels() {
					wantExplained(rt, indicators.Thaw(&got, level), c.live(want.Month, level))
				}
			}
		}
		c.balanced()
	})
}

// wantExplained wants that figures of now are those frozen and what Compare says of them.
func wantExplained(t *rapid.T, frozen, live []indicators.Figure) {
	text := func(f *indicators.Figure) string {
		if f.Value == nil {
			return "?"
		}
		return fmt.Sprint(*f.Value)
	}
	values := func(figures []indicators.Figure) map[string]string {
		all := make(map[string]string)
		for i := range figures {
			f := &figures[i]
			all[fmt.Sprint(f.Scope.Establishment, "/", f.Scope.Pole, "/", f.Scope.Service, " ", f.Indicator, f.Of)] = text(f)
		}
		return all
	}
	then, now := values(frozen), values(live)
	for _, d := range indicators.Compare(frozen, live) {
		if n := d.Correction(); n != nil && d.Has(indicators.Corrected) != (*n != 0) {
			t.Fatalf("%v is off by %d, but said to be %v", d.Figure().Indicator, *n, d.Changes)
		}
		if d.Then != nil {
			key := slices.Collect(maps.Keys(values([]indicators.Figure{*d.Then})))[0]
			if then[key] != text(d.Then) {
				t.Fatalf("%s was %s, Compare says %s", key, then[key], text(d.Then))
			}
			delete(then, key)
		}
	}
	for _, d := range indicators.Compare(frozen, live) {
		if d.Now != nil {
			maps.Copy(then, values([]indicators.Figure{*d.Now}))
		}
	}
	if !maps.Equal(then, now) {
		t.Fatalf("frozen figures and what Compare says: got %v, want the live ones %v", then, now)
	}
}
