package ledger_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const faxline = "0241354000"

// cutLine declares a line on the Kyocera, changed as the test wants it.
func (c *collector) cutLine(id string, change func(*ledger.Declaration)) {
	c.Helper()
	c.declare(func(r *ledger.Register) {
		d, _ := ledger.Present(r.Lines[id])
		if d.Line == "" {
			d = ledger.Declaration{Line: id, Number: id, Device: kyocera}
		}
		change(&d)
		r.Lines[id] = []ledger.Declaration{d}
	})
}

// counted is a reading of the Kyocera at an instant.
func counted(at string, measure wire.Measure, pages int64) wire.Reading {
	t, err := time.Parse("2006-01-02 15:04", at)
	if err != nil {
		panic(err)
	}
	unit := "pages"
	if !ledger.IsPages(measure) {
		unit = "faxes"
	}
	return wire.Reading{Device: kyocera, At: wire.TimeOf(t), OK: true, Fax: wire.Yes, Counters: []wire.Counter{
		{Measure: measure, Unit: unit, Rule: "rule/" + string(measure), Value: pages},
	}}
}

// at lets an agent say a reading at its time.
func (c *collector) at(r wire.Reading) {
	c.Helper()
	c.now = r.At.Std()
	c.apply(c.receive("ps-01", c.envelope("ps-01", r)))
}

// watch makes a round of the watchdog at an instant.
func (c *collector) watch(at string) {
	c.Helper()
	t, err := time.Parse("2006-01-02 15:04", at)
	if err != nil {
		c.Fatal(err)
	}
	c.now = t
	if err := c.Watchdog(context.Background(), true); err != nil {
		c.Fatal(err)
	}
}

func (c *collector) all() []ledger.Episode {
	c.Helper()
	all, err := c.Episodes(context.Background(), ledger.EpisodeFilter{})
	if err != nil {
		c.Fatal(err)
	}
	return all
}

// told are all episodes in few words, in the order in which they opened.
func (c *collector) told() string {
	c.Helper()
	list, err := c.Episodes(context.Background(), ledger.EpisodeFilter{Newest: true})
	if err != nil {
		c.Fatal(err)
	}
	var texts []string
	for _, e := range list {
		text := fmt.Sprintf("%d %s %s%s", e.ID, e.Kind, cmp.Or(e.Line, e.Agent), map[bool]string{true: " closed " + e.Reason}[e.ClosedAt != 0])
		if e.Certainty != "" {
			text = fmt.Sprintf("%d %s %s %s %d %s%s", e.ID, e.Kind, e.Line, e.Certainty, e.Count, e.Unit, map[bool]string{true: " closed " + e.Reason}[e.ClosedAt != 0])
		}
		texts = append([]string{text}, texts...)
	}
	return strings.Join(texts, "; ")
}

func (c *collector) wantTold(want string) {
	c.Helper()
	if got := c.told(); got != want {
		c.Errorf("episodes:\ngot  %s\nwant %s", got, want)
	}
	c.reopen() // nothing that matters may be only in memory
}

func (c *collector) wantAfter(line string, pages, faxes int64) {
	c.Helper()
	lines, err := c.Lines(context.Background())
	if err != nil {
		c.Fatal(err)
	}
	for _, l := range lines {
		if l.ID == line {
			if l.AfterCutoff.Pages != pages || l.AfterCutoff.Faxes != faxes {
				c.Errorf("%s after the cut-off: got %+v, want %d pages, %d faxes", line, l.AfterCutoff, pages, faxes)
			}
			return
		}
	}
	c.Errorf("no line %s in %+v", line, lines)
}

func TestFaxAfterTheCutoffOpensAnEpisode(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-09 23:50", wire.FaxReceivedPages, 100))
	c.at(counted("2026-10-10 00:00", wire.FaxReceivedPages, 102))
	c.wantTold("")
	c.at(counted("2026-10-10 00:05", wire.FaxReceivedPages, 105))
	c.wantTold("1 after_cutoff 0241354000 certain 3 pages")
	c.wantAfter(faxline, 3, 0)
	e := c.all()[0]
	if e.OpenedAt != wire.TimeOf(c.now) || e.FirstAt != e.OpenedAt || e.Number != faxline || e.Device != kyocera || e.Direction != ledger.Received {
		t.Errorf("got %+v, want one opened now, about the line and its machine", e)
	}
	if len(e.Events) != 1 || e.Events[0].Count != 3 || e.Events[0].Certainty != ledger.Certain || e.Events[0].NoticedAt != e.OpenedAt {
		t.Errorf("events: got %+v, want one of 3 pages", e.Events)
	}
	want := "coupure prévue le 10/10/2026\n3 pages reçues entre le 10/10/2026 à 00:00 et le 10/10/2026 à 00:05 : certain\ncompté par la machine kyocera-vcg1"
	if got := strings.Join(e.Texts("fr"), "\n"); got != want {
		t.Errorf("evidence:\ngot  %s\nwant %s", got, want)
	}
	c.at(counted("2026-10-10 09:00", wire.FaxReceivedPages, 106))
	c.wantTold("1 after_cutoff 0241354000 certain 4 pages")
}

func TestEpisodeClosesAfterSevenDaysThatWereWatched(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-09 23:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-10 01:00", wire.FaxSentPages, 101))
	c.wantTold("1 after_cutoff 0241354000 unsure 1 pages")
	c.at(counted("2026-10-10 02:00", wire.FaxSentPages, 102))
	c.wantTold("1 after_cutoff 0241354000 certain 1 pages")
	c.wantAfter(faxline, 1, 0)
	c.at(counted("2026-10-12 02:00", wire.FaxSentPages, 102))
	c.watch("2026-10-18 02:00")
	if e := c.all()[0]; e.ClosedAt != 0 {
		t.Errorf("got %+v, want it open: nobody looked for six days", e)
	}
	c.at(counted("2026-10-18 03:00", wire.FaxSentPages, 102))
	c.watch("2026-10-18 03:00")
	if got, want := c.told(), "1 after_cutoff 0241354000 certain 1 pages closed quiet"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.at(counted("2026-10-18 04:00", wire.FaxSentPages, 103))
	c.wantTold("1 after_cutoff 0241354000 certain 1 pages closed quiet; 2 after_cutoff 0241354000 certain 1 pages")
	c.wantAfter(faxline, 2, 0)
}

func TestEpisodeClosesThoughOurClockWasAheadWhenItOpened(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2027-10-10 08:00", wire.FaxSentPages, 100))
	c.at(counted("2027-10-10 09:00", wire.FaxSentPages, 101))
	c.at(counted("2026-10-20 08:00", wire.FaxSentPages, 101))
	c.watch("2026-10-20 08:00")
	c.at(counted("2026-10-27 07:59", wire.FaxSentPages, 101))
	c.watch("2026-10-27 07:59")
	if got, want := c.told(), "1 after_cutoff 0241354000 certain 1 pages"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.at(counted("2026-10-27 08:00", wire.FaxSentPages, 101))
	c.watch("2026-10-27 08:00")
	c.wantTold("1 after_cutoff 0241354000 certain 1 pages closed quiet")
}

func TestOtherTimeZoneOfTheCollectorJudgesAgain(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-09 22:30", wire.FaxSentPages, 100))
	c.at(counted("2026-10-09 22:45", wire.FaxSentPages, 101))
	c.wantTold("")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	if c.Ledger, err = ledger.Open(context.Background(), c.path, ledger.Options{Now: func() time.Time { return c.now }, Zone: paris}); err != nil {
		t.Fatal(err)
	}
	if got, want := c.told(), "1 after_cutoff 0241354000 certain 1 pages"; got != want {
		t.Errorf("got %q, want %q: it is midnight in Paris at 22:00", got, want)
	}
}

func TestMovedDateJudgesAgain(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-10 08:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-10 08:05", wire.FaxSentPages, 101))
	c.at(counted("2026-10-12 08:00", wire.FaxSentPages, 101))
	c.at(counted("2026-10-12 08:05", wire.FaxSentPages, 103))
	c.wantTold("1 after_cutoff 0241354000 certain 3 pages")
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-11" })
	c.wantTold("1 after_cutoff 0241354000 certain 2 pages")
	c.cutLine(faxline, func(d *ledger.Declaration) { d.KeptReason = "SAMU" })
	c.wantTold("1 after_cutoff 0241354000 withdrawn 3 pages closed withdrawn")
	c.at(counted("2026-10-12 09:00", wire.FaxSentPages, 104))
	c.cutLine(faxline, func(d *ledger.Declaration) { d.KeptReason = "" })
	c.wantTold("1 after_cutoff 0241354000 certain 3 pages")
	c.wantAfter(faxline, 4, 0)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-01" })
	c.wantTold("1 after_cutoff 0241354000 certain 4 pages")
	c.wantAfter(faxline, 4, 0)
}

func TestWhatIsFaxedWhileALineIsAnExceptionStaysAllowed(t *testing.T) {
	c := newCollector(t)
	version := func(from string, kept string) ledger.Declaration {
		d := ledger.Declaration{Line: faxline, Number: faxline, Device: kyocera, Cutoff: "2026-10-01", KeptReason: kept}
		if from != "" {
			at, err := time.Parse("2006-01-02 15:04", from)
			if err != nil {
				t.Fatal(err)
			}
			d.From = wire.TimeOf(at)
		}
		return d
	}
	kept := []ledger.Declaration{version("", "dernier partenaire sans MSSanté")}
	c.declare(func(r *ledger.Register) { r.Lines[faxline] = kept })
	c.at(counted("2026-10-05 10:00", wire.FaxSentPages, 0))
	c.at(counted("2026-10-05 11:00", wire.FaxSentPages, 2))
	c.now = c.now.Add(time.Hour)
	c.declare(func(r *ledger.Register) { r.Lines[faxline] = append(kept, version("2026-10-05 12:00", "")) })
	if all := c.all(); len(all) != 0 {
		t.Errorf("episodes once the exception is lifted: got %+v, want none: it was faxed while it held", all)
	}
	c.at(counted("2026-10-05 12:30", wire.FaxSentPages, 2))
	c.at(counted("2026-10-05 13:00", wire.FaxSentPages, 3))
	if all := c.all(); len(all) != 1 || all[0].Count != 1 || all[0].Certainty != ledger.Certain {
		t.Errorf("episodes after a fax later on: got %+v, want one with 1 page, certain", all)
	}
}

func TestPersonClosesAnEpisodeAndTheNextFaxOpensAnother(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-10 08:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-10 08:05", wire.FaxSentPages, 101))
	anne := ledger.Author{Who: "anne", Source: "alert close"}
	if err := c.CloseEpisode(context.Background(), anne, 1, " "); err == nil {
		t.Error("closed without a reason")
	}
	if err := c.CloseEpisode(context.Background(), anne, 2, "x"); !errors.Is(err, ledger.ErrNoEpisode) {
		t.Errorf("episode 2: got %v, want %v", err, ledger.ErrNoEpisode)
	}
	if err := c.CloseEpisode(context.Background(), anne, 1, "essai du technicien"); err != nil {
		t.Fatal(err)
	}
	if e := c.all()[0]; e.ClosedBy != "anne" || e.Reason != "essai du technicien" {
		t.Errorf("got %+v, want it closed by anne", e)
	}
	c.at(counted("2026-10-10 08:10", wire.FaxSentPages, 102))
	c.wantTold("1 after_cutoff 0241354000 certain 1 pages closed essai du technicien; 2 after_cutoff 0241354000 certain 1 pages")
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-11" })
	c.wantTold("1 after_cutoff 0241354000 withdrawn 1 pages closed essai du technicien; 2 after_cutoff 0241354000 withdrawn 1 pages closed withdrawn")
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.wantTold("1 after_cutoff 0241354000 certain 1 pages closed essai du technicien; 2 after_cutoff 0241354000 certain 1 pages")
}

func TestAnnouncedTestIsNoFax(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-12 08:00", wire.FaxSentPages, 100))
	from, to := wire.TimeOf(time.Date(2026, 10, 12, 8, 0, 0, 0, time.UTC)), wire.TimeOf(time.Date(2026, 10, 12, 9, 0, 0, 0, time.UTC))
	anne := ledger.Author{Who: "anne", Source: "alert window"}
	if err := c.TestWindow(context.Background(), anne, faxline, from, to, "technicien"); err != nil {
		t.Fatal(err)
	}
	c.at(counted("2026-10-12 08:05", wire.FaxSentPages, 101))
	c.wantTold("")
	c.at(counted("2026-10-12 08:55", wire.FaxSentPages, 101))
	c.at(counted("2026-10-12 09:05", wire.FaxSentPages, 102))
	c.wantTold("1 after_cutoff 0241354000 unsure 1 pages")
	c.at(counted("2026-10-12 09:10", wire.FaxSentPages, 103))
	c.wantTold("1 after_cutoff 0241354000 certain 1 pages")
	c.wantAfter(faxline, 1, 0)
	if err := c.TestWindow(context.Background(), anne, faxline, from, to.Add(time.Hour), "il a duré plus longtemps"); err != nil {
		t.Fatal(err)
	}
	c.wantTold("1 after_cutoff 0241354000 test 2 pages closed test")
	c.wantAfter(faxline, 1, 0)
}

func TestSeveralLinesOnOneMachine(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.cutLine("0241354001", func(*ledger.Declaration) {})
	c.at(counted("2026-10-11 08:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-11 08:05", wire.FaxSentPages, 101))
	c.wantTold("") // it may have been the other line's
	c.cutLine("0241354001", func(d *ledger.Declaration) { d.Cutoff = "2026-10-12" })
	c.at(counted("2026-10-12 08:00", wire.FaxSentPages, 101))
	c.at(counted("2026-10-12 08:05", wire.FaxSentPages, 103))
	c.wantTold("1 after_cutoff 0241354001 certain 2 pages")
	if got := strings.Join(c.all()[0].Texts("fr"), "\n"); !strings.Contains(got, "autres lignes de cette machine, toutes coupées : 0241354000") {
		t.Errorf("got %s, want the other line named", got)
	}
	c.wantAfter(faxline, 0, 0)
	c.wantAfter("0241354001", 2, 0)
	// The other date moves behind it: now that one is the line cut last.
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-13" })
	c.wantTold("1 after_cutoff 0241354001 withdrawn 2 pages closed withdrawn")
	c.at(counted("2026-10-13 08:00", wire.FaxSentPages, 103))
	c.at(counted("2026-10-13 08:05", wire.FaxSentPages, 104))
	c.wantTold("1 after_cutoff 0241354001 withdrawn 2 pages closed withdrawn; 2 after_cutoff 0241354000 certain 1 pages")
	c.cutLine(faxline, func(d *ledger.Declaration) { d.KeptReason = "SAMU" })
	c.wantTold("1 after_cutoff 0241354001 withdrawn 2 pages closed withdrawn; 2 after_cutoff 0241354000 withdrawn 1 pages closed withdrawn")
	c.wantAfter("0241354001", 2, 0)
	c.wantAfter(faxline, 1, 0)
}

func TestLineWithAMachineAndAGatewayCountsAFaxOnce(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff, d.Gateway, d.GatewayPort = "2026-10-10", gateway, "1" })
	both := func(at string, n int64) {
		t.Helper()
		c.at(counted(at, wire.FaxReceivedPages, n))
		r := ports(at, wire.LineBusy)
		r.Fax = wire.Yes
		r.Counters = []wire.Counter{{Measure: wire.FaxReceived, Unit: "faxes", Rule: "calls", Value: n}}
		c.at(r)
	}
	both("2026-10-11 08:00", 100)
	both("2026-10-11 08:05", 101)
	c.wantTold("1 after_cutoff 0241354000 certain 1 pages")
	c.wantAfter(faxline, 1, 0)
}

func TestMessagesAndPagesAreNotAdded(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	both := func(at string, pages, faxes, printed int64) {
		t.Helper()
		r := counted(at, wire.FaxReceivedPages, pages)
		r.Counters = append(r.Counters, counted(at, wire.FaxReceived, faxes).Counters...)
		r.Counters = append(r.Counters, counted(at, wire.FaxPrintedPages, printed).Counters...)
		c.at(r)
	}
	both("2026-10-11 08:00", 100, 10, 100)
	both("2026-10-11 08:05", 107, 12, 107)
	c.wantTold("1 after_cutoff 0241354000 certain 7 pages")
	c.wantAfter(faxline, 7, 2)
	if got := strings.Join(c.all()[0].Texts("fr"), "\n"); !strings.Contains(got, "2 fax reçus") || strings.Contains(got, "imprimé") {
		t.Errorf("got %s, want messages too, and nothing of what was printed: those are the same pages", got)
	}
}

func TestResetAfterTheCutoff(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-11 08:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-11 09:00", wire.FaxSentPages, 0))
	c.wantTold("") // at 0 nothing was faxed since
	c.at(counted("2026-10-11 10:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-11 11:00", wire.FaxSentPages, 4))
	c.wantTold("1 after_cutoff 0241354000 unsure 0 pages")
	if got := c.all()[0].Texts("fr")[1]; !strings.Contains(got, "il est à 4") {
		t.Errorf("got %q, want the counter's value", got)
	}
	c.at(counted("2026-10-11 12:00", wire.FaxSentPages, 100))
	c.wantTold("1 after_cutoff 0241354000 withdrawn 0 pages closed withdrawn") // it was a glitch
	c.at(counted("2026-10-11 13:00", wire.FaxSentPages, 5))
	c.at(counted("2026-10-12 14:00", wire.FaxSentPages, 5))
	c.wantTold("1 after_cutoff 0241354000 withdrawn 0 pages closed withdrawn; 2 after_cutoff 0241354000 unsure 0 pages")
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-12" })
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.wantTold("1 after_cutoff 0241354000 withdrawn 0 pages closed withdrawn; 2 after_cutoff 0241354000 unsure 0 pages")
	c.wantAfter(faxline, 0, 0)
}

func TestBacklogOfAnAgentThatWasOfflineAcrossTheCutoff(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-09 20:00", wire.FaxSentPages, 100))
	readings := []wire.Reading{
		counted("2026-10-09 22:00", wire.FaxSentPages, 101),
		counted("2026-10-09 23:59", wire.FaxSentPages, 102),
		counted("2026-10-10 00:04", wire.FaxSentPages, 102),
		counted("2026-10-10 06:00", wire.FaxSentPages, 104),
	}
	c.now = time.Date(2026, 10, 12, 9, 0, 0, 0, time.UTC)
	c.apply(c.receive("ps-01", c.envelope("ps-01", readings...)))
	c.wantTold("1 after_cutoff 0241354000 certain 2 pages")
	if e := c.all()[0]; e.OpenedAt != wire.TimeOf(c.now) || e.FirstAt != readings[3].At {
		t.Errorf("got %+v, want it opened when the backlog came, about the faxes' own time", e)
	}
	c.at(counted("2026-10-17 06:00", wire.FaxSentPages, 104))
	c.watch("2026-10-17 07:00")
	c.wantTold("1 after_cutoff 0241354000 certain 2 pages") // seven quiet days, but told of five days ago
}

func TestMachineOfALineChanges(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-11 08:00", wire.FaxSentPages, 100))
	moved := wire.TimeOf(time.Date(2026, 10, 11, 12, 0, 0, 0, time.UTC))
	c.declare(func(r *ledger.Register) {
		v := r.Lines[faxline][0]
		v.From, v.Device = moved, "ricoh-2"
		r.Lines[faxline] = append(r.Lines[faxline], v)
	})
	c.at(counted("2026-10-11 10:00", wire.FaxSentPages, 101))
	c.at(counted("2026-10-11 14:00", wire.FaxSentPages, 103)) // the machine goes on elsewhere
	c.wantTold("1 after_cutoff 0241354000 certain 1 pages")
	ricoh := func(at string, pages int64) {
		t.Helper()
		r := counted(at, wire.FaxSentPages, pages)
		r.Device = "ricoh-2"
		c.at(r)
	}
	ricoh("2026-10-11 15:00", 7)
	ricoh("2026-10-11 16:00", 9)
	c.wantTold("1 after_cutoff 0241354000 certain 3 pages")
	c.wantAfter(faxline, 3, 0)
	c.declare(func(r *ledger.Register) { // it was never moved after all
		r.Lines[faxline] = r.Lines[faxline][:1]
	})
	c.wantTold("1 after_cutoff 0241354000 certain 3 pages")
	c.wantAfter(faxline, 5, 0)
	c.declare(func(r *ledger.Register) { delete(r.Lines, faxline) })
	c.wantTold("1 after_cutoff 0241354000 withdrawn 5 pages closed withdrawn")
}

func TestRemovedLineClosesItsEpisodeAndKeepsWhatHappened(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-11 08:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-11 08:05", wire.FaxSentPages, 101))
	c.declare(func(r *ledger.Register) {
		v := r.Lines[faxline][0]
		v.From, v.Removed = wire.TimeOf(c.now)+1, true
		r.Lines[faxline] = append(r.Lines[faxline], v)
	})
	c.at(counted("2026-10-11 09:05", wire.FaxSentPages, 104))
	c.watch("2026-10-11 09:05")
	c.wantTold("1 after_cutoff 0241354000 certain 1 pages closed removed")
}

func TestMachineThatIsDeclaredBeforeItIsSeen(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff, d.Device = "2026-10-10", "vcg1" })
	c.at(counted("2026-10-11 08:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-11 08:05", wire.FaxSentPages, 101))
	c.wantTold("") // who knows its serial
	named := counted("2026-10-11 08:10", wire.FaxSentPages, 101)
	named.Identity = &wire.Identity{Vendor: "kyocera", Serial: "VCG1"}
	c.at(named)
	c.wantTold("1 after_cutoff 0241354000 certain 1 pages")
}

func TestLineOnCopperAfterItsCommuneHasNoneAnyMore(t *testing.T) {
	c := newCollector(t)
	c.declare(func(r *ledger.Register) {
		r.Sites["nord"] = ledger.Site{ID: "nord", Commune: "49007"}
	})
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Support, d.Site, d.KeptReason = "analogique", "nord", "SAMU" })
	closes := func(day ledger.Day, technical ledger.Day) {
		t.Helper()
		_, err := c.DeclareCopper(context.Background(), ledger.Author{Who: "anne"}, ledger.CopperFile{Name: "cuivre.csv", Day: day},
			[]ledger.Copper{{Commune: "49007", Name: "Angers", Technical: technical}})
		if err != nil {
			t.Fatal(err)
		}
	}
	closes("2026-01-01", "2026-10-09")
	c.at(counted("2026-10-09 23:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-09 23:59", wire.FaxSentPages, 101))
	c.at(counted("2026-10-10 00:00", wire.FaxSentPages, 101))
	c.at(counted("2026-10-10 00:05", wire.FaxSentPages, 102))
	c.wantTold("1 after_copper 0241354000 certain 1 pages")
	if got, want := c.all()[0].Texts("fr")[0], "réseau cuivre fermé à Angers depuis le 09/10/2026"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.wantAfter(faxline, 0, 0)
	closes("2026-02-01", "2027-10-09")
	c.wantTold("1 after_copper 0241354000 withdrawn 1 pages closed withdrawn")
}

func TestClockThatWasWrongMakesItUnsure(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	say := func(at string, off time.Duration, pages int64) {
		t.Helper()
		r := counted(at, wire.FaxSentPages, pages)
		c.now = r.At.Std()
		r.At = r.At.Add(off)
		d := c.receive("ps-01", c.envelope("ps-01", r))
		d.Envelope.SentAt = r.At
		c.apply(d)
	}
	say("2026-10-10 00:30", -2*time.Hour, 100)
	say("2026-10-10 00:35", -2*time.Hour, 101)
	c.wantTold("1 after_cutoff 0241354000 unsure 1 pages")
	c.reopen()
	say("2026-10-10 02:30", 0, 102) // the clock is set right, but the look before was not
	c.wantTold("1 after_cutoff 0241354000 unsure 2 pages")
	say("2026-10-10 02:35", 0, 103)
	c.wantTold("1 after_cutoff 0241354000 certain 1 pages")
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-09" })
	c.wantTold("1 after_cutoff 0241354000 certain 3 pages")
}

func (c *collector) exec(query string) {
	c.Helper()
	db, err := sql.Open("sqlite", c.path)
	if err != nil {
		c.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		c.Fatal(err)
	}
}

func TestEventsOutliveTheRowsTheyWereJudgedBy(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-11 08:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-11 08:05", wire.FaxSentPages, 101))
	c.at(counted("2026-10-13 08:00", wire.FaxSentPages, 102))
	c.exec("DELETE FROM activity") // as retention does after years
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-12" })
	c.wantTold("1 after_cutoff 0241354000 unsure 1 pages")
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-01" })
	c.wantTold("1 after_cutoff 0241354000 certain 2 pages")
}

func TestVerifyNoticesAWrongTotalAfterTheCutoff(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-11 08:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-11 08:05", wire.FaxSentPages, 101))
	c.balanced()
	c.exec("UPDATE after_cutoff SET pages = 2")
	b, err := ledger.Verify(context.Background(), c.path)
	if err != nil || !strings.Contains(strings.Join(b.Disagreements, "; "), "2 pages after its cut-off are told, its events add up to 1") {
		t.Errorf("got %q, %v, want the wrong total", b.Disagreements, err)
	}
}
