package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var paris = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return zone
}()

// noon is a Monday.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, paris)

// desk plans again and again, as the program does over days, and remembers what was told.
type desk struct {
	t        testing.TB
	now      time.Time
	quiet    Hours
	everyone []string
	own      map[string][]string
	episodes []*ledger.Episode
	revision int64
	cursor   int64
	digest   time.Time
	told     map[string]wire.Time
	events   map[int64]bool // told
	written  map[string]bool
}

func newDesk(t testing.TB) *desk {
	return &desk{
		t: t, now: noon, everyone: []string{"dsi@ch.fr"}, told: map[string]wire.Time{}, events: map[int64]bool{}, written: map[string]bool{},
		digest: lastDigest(noon, Hours{}),
	}
}

// open opens an episode, or says that one has changed.
func (d *desk) open(e *ledger.Episode) *ledger.Episode {
	d.revision++
	if e.ID == 0 {
		e.ID, e.OpenedAt = d.revision, wire.TimeOf(d.now)
		d.episodes = append(d.episodes, e)
	}
	e.Revision = d.revision
	return e
}

func (d *desk) silent(agent string) *ledger.Episode {
	return d.open(&ledger.Episode{Kind: ledger.AgentSilent, Agent: agent})
}

// fax books a fax on an episode's line.
func (d *desk) fax(e *ledger.Episode, pages int64, certainty ledger.Certainty) *ledger.Episode {
	if e == nil {
		e = &ledger.Episode{Kind: ledger.AfterCutoff, Line: "0241354000", Service: "oncologie", Unit: "pages"}
	}
	d.open(e)
	e.Events = append(slices.Clone(e.Events), ledger.Event{
		ID: d.revision, Line: e.Line, Measure: wire.FaxPrintedPages, Unit: "pages", Count: pages, Certainty: certainty,
		From: wire.TimeOf(d.now.Add(-5 * time.Minute)), To: wire.TimeOf(d.now), NoticedAt: wire.TimeOf(d.now),
	})
	e.Certainty, e.Count = ledger.Unsure, 0
	for _, x := range e.Events {
		if x.Certainty == ledger.Certain || x.Certainty == ledger.Probable && e.Certainty != ledger.Certain {
			e.Certainty = x.Certainty
		}
		e.Count += x.Count
	}
	return e
}

func (d *desk) close(e *ledger.Episode, by, reason string) {
	d.open(e)
	e.ClosedAt, e.ClosedBy, e.Reason = wire.TimeOf(d.now), by, reason
}

// untold is an episode with those of its events that weren't told.
func (d *desk) untold(e *ledger.Episode) ledger.Episode {
	u := *e
	u.Events = slices.DeleteFunc(slices.Clone(e.Events), func(x ledger.Event) bool { return d.events[x.ID] })
	return u
}

func (d *desk) situation() situation {
	s := situation{
		Now: d.now, Quiet: d.quiet, Everyone: d.everyone, Recipients: d.own, Webhook: true,
		Cursor: d.cursor, LastDigest: d.digest, Told: d.told,
	}
	for _, e := range d.episodes {
		if e.Revision > d.cursor {
			s.Episodes = append(s.Episodes, d.untold(e))
		}
	}
	slices.SortFunc(s.Episodes, func(a, b ledger.Episode) int { return int(a.Revision - b.Revision) })
	return s
}

// plan makes one round and keeps what it says; lost: the program is killed before that is written.
func (d *desk) plan(lost bool) plan {
	d.t.Helper()
	p := makePlan(d.situation())
	if lost {
		return p
	}
	for _, m := range p.Mails {
		if d.written[m.Name] {
			d.t.Errorf("the name %s was given twice: the second mail would be lost", m.Name)
		}
		d.written[m.Name] = true
	}
	for _, name := range p.Told {
		d.told[name] = wire.TimeOf(d.now)
	}
	for _, id := range p.Events {
		if d.events[id] {
			d.t.Errorf("event %d is told twice", id)
		}
		d.events[id] = true
	}
	d.cursor, d.digest = p.Cursor, p.Digest
	return p
}

// until plans every minute until a time, and tells which mails were written when.
func (d *desk) until(end time.Time) (log []string) {
	d.t.Helper()
	for ; !d.now.After(end); d.now = d.now.Add(time.Minute) {
		d.plan(true)
		for _, m := range d.plan(false).Mails {
			log = append(log, d.now.Format("02 15:04 ")+shown(m))
		}
	}
	return log
}

func shown(m mail) string {
	var said []string
	for _, n := range m.News {
		subject := strings.TrimSpace(n.Episode.Line + n.Episode.Agent + n.Episode.Device)
		said = append(said, fmt.Sprintf("%s %s", subject, n.What))
	}
	return fmt.Sprintf("%s to %s: %s", m.Kind, m.To, strings.Join(said, ", "))
}

func (d *desk) want(end time.Time, want ...string) {
	d.t.Helper()
	if got := d.until(end); !slices.Equal(got, want) {
		d.t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func at(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, paris) }

func TestTheFirstFaxAfterACutoffIsToldAtOnceTheNextOnceADay(t *testing.T) {
	d := newDesk(t)
	e := d.fax(nil, 3, ledger.Certain)
	d.want(at(23, 13, 0), "23 12:01 fax to dsi@ch.fr: 0241354000 opened")
	d.fax(e, 1, ledger.Certain)
	d.now = at(23, 18, 0)
	d.fax(e, 2, ledger.Probable)
	d.want(at(24, 12, 0), "24 08:00 digest to dsi@ch.fr: 0241354000 more")
	d.want(at(26, 12, 0))
	d.close(e, "", "quiet")
	d.want(at(28, 12, 0), "27 08:00 digest to dsi@ch.fr: 0241354000 closed")
}

func TestAnUnsureFaxWaitsForTheDigestAndASureOneAfterItIsToldAtOnce(t *testing.T) {
	d := newDesk(t)
	e := d.fax(nil, 3, ledger.Unsure)
	d.want(at(24, 9, 0), "24 08:00 digest to dsi@ch.fr: 0241354000 opened")
	d.fax(e, 1, ledger.Certain)
	d.want(at(24, 10, 0), "24 09:02 fax to dsi@ch.fr: 0241354000 more")
}

func TestAMovedDateMakesNoNewsOfOldFaxes(t *testing.T) {
	d := newDesk(t)
	told := d.fax(nil, 3, ledger.Unsure)
	d.want(at(24, 9, 0), "24 08:00 digest to dsi@ch.fr: 0241354000 opened")
	told.Events[0].Certainty, told.Certainty = ledger.Certain, ledger.Certain
	d.open(told)
	d.want(at(26, 9, 0))

	told.Events[0].Certainty = ledger.Withdrawn
	d.close(told, "", "withdrawn")
	d.want(at(28, 9, 0), "27 08:00 digest to dsi@ch.fr: 0241354000 closed")
}

func TestWhatIsWithdrawnBeforeItWasToldIsNeverTold(t *testing.T) {
	d := newDesk(t)
	e := d.fax(nil, 3, ledger.Unsure)
	d.now = at(23, 15, 0)
	e.Events[0].Certainty = ledger.Withdrawn
	d.close(e, "", "withdrawn")
	d.fax(nil, 1, ledger.Test)
	d.want(at(26, 9, 0))
	if d.cursor != d.revision {
		t.Errorf("the cursor stays at %d, want it at %d: nothing waits any more", d.cursor, d.revision)
	}
}

func TestQuietHoursHoldBackAllButCertainFaxes(t *testing.T) {
	d := newDesk(t)
	d.quiet = Hours{20 * 60, 7 * 60}
	d.now = at(23, 22, 0)
	d.silent("ps-01")
	d.fax(&ledger.Episode{Kind: ledger.AfterCutoff, Line: "probable"}, 1, ledger.Probable)
	d.fax(&ledger.Episode{Kind: ledger.AfterCutoff, Line: "certain"}, 1, ledger.Certain)
	over := d.silent("ps-02")
	d.want(at(24, 5, 0), "23 22:01 fax to dsi@ch.fr: certain opened")
	d.close(over, "", "over")
	d.want(at(24, 9, 0),
		"24 07:00 fault to dsi@ch.fr: ps-01 opened",
		"24 07:00 fax to dsi@ch.fr: probable opened",
		"24 08:00 digest to dsi@ch.fr: ps-02 passing")
}

func TestTheDigestWaitsForTheEndOfQuietHours(t *testing.T) {
	d := newDesk(t)
	d.quiet = Hours{20 * 60, 9*60 + 30}
	d.digest = lastDigest(d.now, d.quiet)
	d.fax(nil, 1, ledger.Unsure)
	d.want(at(24, 12, 0), "24 09:30 digest to dsi@ch.fr: 0241354000 opened")
}

func TestAPowerCutIsOneMail(t *testing.T) {
	d := newDesk(t)
	for i := range 20 {
		d.now = noon.Add(time.Duration(i) * 3 * time.Second)
		d.silent(fmt.Sprintf("ps-%02d", i))
		d.plan(false)
	}
	d.now = noon.Add(2 * time.Minute)
	p := d.plan(false)
	if len(p.Mails) != 1 || len(p.Mails[0].News) != 20 {
		t.Errorf("got %d mails, want one about 20 agents", len(p.Mails))
	}
}

func TestAFlappingAgentIsToldAtOnceOnceADay(t *testing.T) {
	d := newDesk(t)
	for range 4 {
		e := d.silent("ps-01")
		d.until(d.now.Add(10 * time.Minute))
		d.close(e, "", "over")
		d.until(d.now.Add(10 * time.Minute))
	}
	if got := len(d.written); got != 1 {
		t.Errorf("got %d mails, want 1: %v", got, d.written)
	}
	d.want(at(24, 9, 0), "24 08:00 digest to dsi@ch.fr: ps-01 closed, ps-01 passing, ps-01 passing, ps-01 passing")
}

func TestWhatHasHappenedIsToldAtOnceThoughItIsOver(t *testing.T) {
	d := newDesk(t)
	d.close(d.open(&ledger.Episode{Kind: ledger.Hole, Agent: "ps-01"}), "", "over")
	d.want(at(25, 0, 0), "23 12:02 fault to dsi@ch.fr: ps-01 passing")

	fading := d.open(&ledger.Episode{Kind: ledger.SpoolDropping, Agent: "ps-02"})
	d.want(at(25, 12, 0), "25 00:03 fault to dsi@ch.fr: ps-02 opened")
	d.close(fading, "", "over")
	d.want(at(27, 12, 0)) // that it is over says nothing
	if d.cursor != d.revision {
		t.Errorf("the cursor stays at %d, want it at %d", d.cursor, d.revision)
	}
}

func TestAnomaliesAndCopperWaitForTheDigest(t *testing.T) {
	d := newDesk(t)
	d.open(&ledger.Episode{Kind: ledger.AnomalyToJudge, Device: "xerox-1"})
	d.fax(&ledger.Episode{Kind: ledger.AfterCopper, Line: "0241354000"}, 1, ledger.Certain)
	d.want(at(25, 0, 0), "24 08:00 digest to dsi@ch.fr: 0241354000 opened, xerox-1 opened")
}

func TestALateStartSendsWhatIsDueOnce(t *testing.T) {
	d := newDesk(t)
	e := d.fax(nil, 1, ledger.Certain)
	d.until(d.now.Add(5 * time.Minute))
	d.fax(e, 1, ledger.Certain)
	d.now = at(27, 15, 0) // the collector was off for days
	d.fax(e, 1, ledger.Certain)
	d.silent("ps-01")
	d.want(at(27, 23, 0),
		"27 15:00 digest to dsi@ch.fr: 0241354000 more",
		"27 15:02 fault to dsi@ch.fr: ps-01 opened")
}

func TestNothingToSayIsNoDigest(t *testing.T) {
	newDesk(t).want(at(30, 12, 0))
}

func TestEachRecipientSeesWhatConcernsHim(t *testing.T) {
	d := newDesk(t)
	d.own = map[string][]string{"oncologie": {"onco@ch.fr", "qualite@ch.fr"}, "urgences": {"qualite@ch.fr"}}
	d.fax(nil, 1, ledger.Certain)
	d.fax(&ledger.Episode{Kind: ledger.AfterCutoff, Line: "0241354001", Service: "urgences"}, 1, ledger.Certain)
	d.fax(&ledger.Episode{Kind: ledger.AfterCutoff, Line: "0241354002", Service: "pharmacie"}, 1, ledger.Certain)
	d.want(at(23, 13, 0),
		"23 12:01 fax to dsi@ch.fr: 0241354002 opened",
		"23 12:01 fax to onco@ch.fr: 0241354000 opened",
		"23 12:01 fax to qualite@ch.fr: 0241354000 opened, 0241354001 opened")
}

func TestNobodyToMailMakesNoBacklogForLater(t *testing.T) {
	d := newDesk(t)
	d.everyone = nil
	d.fax(nil, 1, ledger.Certain)
	d.want(at(25, 0, 0))
	d.everyone = []string{"dsi@ch.fr"}
	d.want(at(26, 0, 0))
}

func TestTheWebhookHearsOfEachBeginningAndEndAtAnyHour(t *testing.T) {
	d := newDesk(t)
	d.quiet = Hours{20 * 60, 7 * 60}
	d.now = at(23, 23, 0)
	hooks := func() string {
		d.plan(true)
		var said []string
		for _, h := range d.plan(false).Hooks {
			said = append(said, h.Name)
		}
		return strings.Join(said, " ")
	}
	unsure := d.fax(nil, 1, ledger.Unsure)
	agent := d.silent("ps-01")
	if got, want := hooks(), "2/firing/webhook"; got != want {
		t.Errorf("got %q, want %q: the agent, not the unsure fax", got, want)
	}
	d.fax(unsure, 1, ledger.Certain)
	d.close(agent, "", "over")
	if got, want := hooks(), "1/firing/webhook 2/resolved/webhook"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d.fax(unsure, 1, ledger.Certain)
	d.close(unsure, "", "withdrawn")
	unsure.Certainty = ledger.Withdrawn
	d.close(d.silent("ps-02"), "", "over")
	if got, want := hooks(), "1/resolved/webhook 7/firing/webhook 7/resolved/webhook"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := hooks(); got != "" {
		t.Errorf("got %q, want nothing twice", got)
	}
}

func TestOurOwnClockWasWrong(t *testing.T) {
	d := newDesk(t)
	d.now = noon.AddDate(50, 0, 0)
	d.silent("ps-01")
	d.digest = lastDigest(d.now, d.quiet)
	d.plan(false)
	d.now = noon
	d.fax(nil, 1, ledger.Unsure)
	got := d.until(at(24, 9, 0))
	want := []string{"23 12:00 digest to dsi@ch.fr: 0241354000 opened", "23 12:00 fault to dsi@ch.fr: ps-01 opened"}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: neither waits for 50 years", got, want)
	}
}

func TestHours(t *testing.T) {
	night, err := ParseHours("20:00-07:00")
	if err != nil || night != (Hours{20 * 60, 7 * 60}) {
		t.Fatalf("got %v, %v", night, err)
	}
	for clock, want := range map[string]bool{"19:59": false, "20:00": true, "00:00": true, "06:59": true, "07:00": false} {
		at, _ := time.Parse("15:04", clock)
		if got := night.Contain(at); got != want {
			t.Errorf("%s: got %v, want %v", clock, got, want)
		}
	}
	if (Hours{}).Contain(noon) {
		t.Error("no quiet hours: some hold back all the same")
	}
	for _, bad := range []string{"20-7", "20:00", "25:00-07:00", "07:00-07:00", "20:00-07:00-08:00"} {
		if _, err := ParseHours(bad); err == nil {
			t.Errorf("%q: accepted", bad)
		}
	}
}

func TestTheDigestIsAtEightOnTheWallAlsoWhenClocksChange(t *testing.T) {
	for _, now := range []time.Time{
		time.Date(2026, 10, 25, 7, 59, 0, 0, paris), time.Date(2026, 10, 25, 8, 0, 0, 0, paris),
		time.Date(2027, 3, 28, 7, 59, 0, 0, paris), time.Date(2027, 3, 28, 8, 0, 0, 0, paris),
	} {
		got := lastDigest(now, Hours{})
		if got.Format("15:04") != "08:00" || got.After(now) || now.Sub(got) > 25*time.Hour {
			t.Errorf("at %s: got %s", now, got)
		}
	}
}

// Whatever happens, and wherever the program is killed, nothing is told twice and nothing is forgotten.
func TestTellsAllOnceWhereverItIsKilled(t *testing.T) {
	d := newDesk(t)
	told := map[string]int{}
	for minute := range 36 * 60 {
		d.now = noon.Add(time.Duration(minute) * time.Minute)
		switch {
		case minute%83 == 0:
			d.silent(fmt.Sprintf("ps-%d", minute))
		case minute%47 == 0:
			d.fax(&ledger.Episode{Kind: ledger.AfterCutoff, Line: fmt.Sprint(minute)}, 1, []ledger.Certainty{ledger.Certain, ledger.Unsure, ledger.Probable}[minute%3])
		case minute%29 == 0 && len(d.episodes) > 0:
			if e := d.episodes[minute%len(d.episodes)]; e.ClosedAt == 0 && e.Kind == ledger.AgentSilent {
				d.close(e, "", "over")
			}
		}
		lost := minute%3 == 0
		p := d.plan(lost)
		if lost {
			continue
		}
		for _, m := range p.Mails {
			for _, n := range m.News {
				for _, name := range n.names {
					told[name]++
				}
			}
		}
	}
	for range 24*60 + 10 {
		d.now = d.now.Add(time.Minute)
		for _, m := range d.plan(false).Mails {
			for _, n := range m.News {
				for _, name := range n.names {
					told[name]++
				}
			}
		}
	}
	for _, e := range d.episodes {
		want := []string{opened(e)}
		if e.ClosedAt != 0 {
			want = append(want, closed(e))
		}
		for _, name := range want {
			if told[name] != 1 {
				t.Errorf("%s (%s): told %d times, want once", name, e.Kind, told[name])
			}
		}
	}
	if len(d.episodes) < 50 {
		t.Errorf("only %d episodes; the test proves little (%v)", len(d.episodes), slices.Sorted(maps.Keys(told)))
	}
}

func TestAnAddressGetsOneMailHoweverItIsWritten(t *testing.T) {
	d := newDesk(t)
	d.everyone = []string{"zoe@ch.fr", "Zoe@CH.fr", "anne@ch.fr"}
	d.own = map[string][]string{"urgences": {"ZOE@ch.fr"}}
	d.fax(nil, 1, ledger.Certain)
	d.fax(&ledger.Episode{Kind: ledger.AfterCutoff, Line: "0241354001", Service: "urgences"}, 1, ledger.Certain)
	if got := len(d.plan(false).Mails) + len(d.until(at(23, 12, 5))); got != 2 {
		t.Errorf("got %d mails, want one for Zoe and one for Anne", got)
	}
}

func TestQuietHoursEndByTheClockOnTheWallAlsoWhenClocksChange(t *testing.T) {
	for _, evening := range []time.Time{time.Date(2026, 10, 24, 22, 0, 0, 0, paris), time.Date(2027, 3, 27, 22, 0, 0, 0, paris)} {
		d := newDesk(t)
		d.quiet, d.now = Hours{20 * 60, 7 * 60}, evening
		d.digest = lastDigest(d.now, d.quiet)
		d.silent("ps-01")
		d.fax(nil, 1, ledger.Unsure)
		night := evening.AddDate(0, 0, 1)
		d.want(night, night.Format("02")+" 07:00 fault to dsi@ch.fr: ps-01 opened", night.Format("02")+" 08:00 digest to dsi@ch.fr: 0241354000 opened")
	}
}
