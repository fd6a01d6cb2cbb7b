package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// reading is one of a device that counts by rules of its own; counts are measure, value, measure, value…
func reading(device string, counts ...any) wire.Reading {
	r := wire.Reading{Device: device, OK: true, Fax: wire.Yes}
	for i := 0; i < len(counts); i += 2 {
		m := counts[i].(wire.Measure)
		unit := "faxes"
		if ledger.IsPages(m) {
			unit = "pages"
		}
		r.Counters = append(r.Counters, wire.Counter{Measure: m, Unit: unit, Rule: "rule/" + string(m), Value: int64(counts[i+1].(int))})
	}
	return r
}

// where is what counts in each account, as "place line direction count"; evidence in brackets. Nothing
// is said of accounts with 0.
func (c *collector) where() string {
	c.Helper()
	s, err := c.Snapshot(context.Background())
	if err != nil {
		c.Fatal(err)
	}
	sums := make(map[string]int64)
	for _, x := range s.Sums {
		what := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", x.Service, x.Line, ledger.DirectionOf(x.Measure))), " ")
		if x.Evidence {
			what = "(" + what + ")"
		}
		sums[what] += x.Count
	}
	var texts []string
	for what, count := range sums {
		if count != 0 {
			texts = append(texts, fmt.Sprint(what, " ", count))
		}
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

func (c *collector) wantWhere(want string) {
	c.Helper()
	if got := c.where(); got != want {
		c.Errorf("got %s, want %s", got, want)
	}
	c.reopen()
	if got := c.where(); got != want {
		c.Errorf("opened again: got %s, want %s", got, want)
	}
}

// line declares a line, or another version of it.
func line(r *ledger.Register, d ledger.Declaration) {
	r.Lines[d.Line] = append(r.Lines[d.Line], d)
}

func TestAFirstAssignmentReachesBack(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(500))
	c.say("ps-01", sent(501))
	c.wantWhere(kyocera + " sent 1")
	c.declare(func(r *ledger.Register) {
		line(r, ledger.Declaration{Line: "0241354000", Device: kyocera, Place: ledger.Place{Service: "oncologie"}})
	})
	c.wantWhere("oncologie 0241354000 sent 1")
	c.say("ps-01", sent(503))
	c.wantWhere("oncologie 0241354000 sent 3")
	postings, err := c.Postings(context.Background(), 0, 100)
	if err != nil || len(postings) != 4 {
		t.Fatalf("got %d postings, %v, want the first, its reversal, the same again and the second", len(postings), err)
	}
	first, back, again := postings[0], postings[1], postings[2]
	if back.Count != -1 || back.Account != first.Account || back.At != first.At+1 || back.To != first.To || back.Value != 501 {
		t.Errorf("reversal: got %+v of %+v, want it taken back a millisecond later", back, first)
	}
	if again.Count != 1 || again.At != first.At || again.Account.Line != "0241354000" {
		t.Errorf("posted anew: got %+v, want it in the line's account", again)
	}
	rest, err := c.Postings(context.Background(), postings[2].ID, 100)
	if err != nil || len(rest) != 1 || rest[0].Count != 2 {
		t.Errorf("after %d: got %+v, %v, want the last", postings[2].ID, rest, err)
	}
}

func TestALaterAssignmentLeavesThePastAlone(t *testing.T) {
	c := newCollector(t)
	oncology := ledger.Declaration{Line: "0241354000", Device: kyocera, Place: ledger.Place{Service: "oncologie"}}
	c.declare(func(r *ledger.Register) { line(r, oncology) })
	c.say("ps-01", sent(500))
	c.say("ps-01", sent(501))
	emergency := oncology
	emergency.From, emergency.Service = wire.TimeOf(c.now.Add(90*time.Second)), "urgences"
	c.declare(func(r *ledger.Register) { line(r, emergency) })
	c.say("ps-01", sent(503))
	c.wantWhere("oncologie 0241354000 sent 3")
	c.say("ps-01", sent(507))
	c.wantWhere("oncologie 0241354000 sent 3, urgences 0241354000 sent 4")
	c.declare(func(r *ledger.Register) { r.Lines["0241354000"][1].From = 1 })
	c.wantWhere("urgences 0241354000 sent 7")
}

// Each time it comes back to an account it stands a little later there, and so it isn't by the postings'
// instants that one can tell where it is in the end.
func TestWhatMovedMayComeBackAndMoveAgain(t *testing.T) {
	c := newCollector(t)
	at := wire.TimeOf(c.now)
	for pages := range int64(3) {
		r := sent(500 + pages)
		r.At = at
		c.say("ps-01", r)
	}
	for _, service := range []string{"oncologie", "urgences", "oncologie", "bloc", "urgences"} {
		c.declare(func(r *ledger.Register) {
			r.Lines["0241354000"] = []ledger.Declaration{{Line: "0241354000", Device: kyocera, Place: ledger.Place{Service: service}}}
		})
		c.wantWhere(service + " 0241354000 sent 2")
	}
}

func TestALineThatMovesToAnotherMachine(t *testing.T) {
	c := newCollector(t)
	a := ledger.Declaration{Line: "0241354000", Device: "a-1", Place: ledger.Place{Service: "oncologie"}}
	b := a
	b.Device, b.From = "B-2", wire.TimeOf(start.Add(150*time.Second)) // as declared, in any case
	say := func(pages int) {
		c.say("ps-01", reading("a-1", wire.FaxSentPages, pages), reading("b-2", wire.FaxSentPages, pages))
	}
	say(1)
	say(2)
	say(3)
	c.declare(func(r *ledger.Register) { line(r, a); line(r, b) })
	c.wantWhere("a-1 sent 1, b-2 sent 1, oncologie 0241354000 sent 2")
}

func TestAReferenceMayBeASerialThatIsToldLater(t *testing.T) {
	c := newCollector(t)
	c.declare(func(r *ledger.Register) {
		line(r, ledger.Declaration{Line: "0241354000", Device: "vcg1", Place: ledger.Place{Service: "oncologie"}})
	})
	c.say("ps-01", reading("kyocera-mac-1", wire.FaxSentPages, 5))
	c.say("ps-01", reading("kyocera-mac-1", wire.FaxSentPages, 6))
	c.wantWhere("kyocera-mac-1 sent 1")
	told := reading("kyocera-mac-1", wire.FaxSentPages, 8)
	told.Identity = &wire.Identity{Vendor: "kyocera", Serial: "VCG1", Address: "10.0.0.1"}
	c.say("ps-01", told)
	c.wantWhere("oncologie 0241354000 sent 3")

	twin := reading("xerox-vcg1", wire.FaxSentPages, 5) // now nobody can know which one is meant
	twin.Identity = &wire.Identity{Vendor: "xerox", Serial: "VCG1", Address: "10.0.0.2"}
	c.say("ps-01", twin)
	c.wantWhere("kyocera-mac-1 sent 3")
	c.declare(func(r *ledger.Register) { r.Lines["0241354000"][0].Device = "kyocera-mac-1" })
	c.wantWhere("oncologie 0241354000 sent 3")
}

func TestAMachineWithSeveralLines(t *testing.T) {
	c := newCollector(t)
	place := func(pole, service string) ledger.Place {
		return ledger.Place{Establishment: "chu", Site: "nord", Pole: pole, Service: service}
	}
	c.declare(func(r *ledger.Register) {
		line(r, ledger.Declaration{Line: "0241354000", Device: kyocera, Place: place("femme", "maternite")})
		line(r, ledger.Declaration{Line: "0241354001", Device: kyocera, Place: place("femme", "gynecologie")})
	})
	c.say("ps-01", sent(500))
	c.say("ps-01", sent(501))
	got := c.sums()
	if want := []ledger.Account{{Establishment: "chu", Site: "nord", Pole: "femme", Device: kyocera}}; !slices.Equal(got, want) {
		t.Errorf("two lines: got %+v, want what they have in common %+v", got, want)
	}
	c.declare(func(r *ledger.Register) {
		r.Devices[kyocera] = []ledger.DeclaredDevice{{Device: kyocera, Place: ledger.Place{Service: "bloc"}}}
	})
	got = c.sums()
	if want := []ledger.Account{{Establishment: "chu", Site: "nord", Pole: "femme", Service: "bloc", Device: kyocera}}; !slices.Equal(got, want) {
		t.Errorf("and its own place: got %+v, want %+v", got, want)
	}
}

// sums are the accounts in which something counts.
func (c *collector) sums() (accounts []ledger.Account) {
	c.Helper()
	s, err := c.Snapshot(context.Background())
	if err != nil {
		c.Fatal(err)
	}
	for _, x := range s.Sums {
		if x.Count != 0 && !slices.Contains(accounts, x.Account) {
			accounts = append(accounts, x.Account)
		}
	}
	return accounts
}

func TestCountersAreBornAtZero(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(500))
	want := ledger.Sum{Account: ledger.Account{Device: kyocera, Line: kyocera}, Measure: wire.FaxSentPages, Unit: "pages"}
	s, err := c.Snapshot(context.Background())
	if err != nil || !slices.Equal(s.Sums, []ledger.Sum{want}) {
		t.Errorf("got %+v, %v, want %+v", s.Sums, err, want)
	}
	c.declare(func(r *ledger.Register) { line(r, ledger.Declaration{Line: "0241354000", Device: kyocera}) })
	want.Line = "0241354000"
	if s, err = c.Snapshot(context.Background()); err != nil || !slices.Contains(s.Sums, want) {
		t.Errorf("got %+v, %v, want %+v among them", s.Sums, err, want)
	}
}

func TestWhatIsPrintedIsReceivedUntilTheMachineTellsWhatItReceives(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", reading(kyocera, wire.FaxPrintedPages, 10))
	c.say("ps-01", reading(kyocera, wire.FaxPrintedPages, 13))
	c.wantWhere(kyocera + " received 3")
	c.say("ps-01", reading(kyocera, wire.FaxReceivedPages, 100, wire.FaxPrintedPages, 14)) // only its baseline
	c.wantWhere(kyocera + " received 4")
	c.say("ps-01", reading(kyocera, wire.FaxPrintedPages, 16, wire.FaxReceivedPages, 102))
	c.wantWhere("(" + kyocera + " received) 2, " + kyocera + " received 6")
	c.now = c.now.Add(60 * time.Hour) // a weekend
	c.say("ps-01", reading(kyocera, wire.FaxPrintedPages, 17, wire.FaxReceivedPages, 103))
	c.wantWhere("(" + kyocera + " received) 3, " + kyocera + " received 7")
	c.declare(func(r *ledger.Register) { line(r, ledger.Declaration{Line: "0241354000", Device: kyocera}) })
	c.wantWhere("(0241354000 received) 3, 0241354000 received 7")
	c.say("ps-01", reading(kyocera, wire.FaxPrintedPages, 18)) // not told now, but it will be
	c.wantWhere("(0241354000 received) 4, 0241354000 received 7")
	c.now = c.now.Add(25 * time.Hour)
	c.say("ps-01", reading(kyocera, wire.FaxPrintedPages, 20)) // not told any more
	c.wantWhere("(0241354000 received) 4, 0241354000 received 9")
}

func TestAGatewayWhoseMachinesCountIsEvidence(t *testing.T) {
	c := newCollector(t)
	c.declare(func(r *ledger.Register) {
		line(r, ledger.Declaration{Line: "0241354000", Device: kyocera, Gateway: "audiocodes-1", GatewayPort: "1"})
		line(r, ledger.Declaration{Line: "0241354001", Device: "xerox-1", Gateway: "audiocodes-1", GatewayPort: "2"})
	})
	gateway := func(faxes int) wire.Reading { return reading("audiocodes-1", wire.FaxSent, faxes) }
	c.say("ps-01", gateway(10), sent(500))
	c.say("ps-01", gateway(12), sent(501))
	c.wantWhere("0241354000 sent 1, sent 2") // nothing else counts the other line's
	c.say("ps-01", gateway(12), sent(501), reading("xerox-1", wire.FaxSentPages, 7))
	c.say("ps-01", gateway(15), sent(502), reading("xerox-1", wire.FaxSentPages, 9))
	c.wantWhere("(sent) 3, 0241354000 sent 2, 0241354001 sent 2, sent 2")
}

func TestAPortOfAGatewayThatNobodyDeclared(t *testing.T) {
	c := newCollector(t)
	r := reading("grandstream-1", wire.FaxSent, 10)
	r.Lines = []wire.Line{{Port: "1", Status: wire.LineIdle, Fax: wire.Yes}, {Port: "2", Status: wire.LineIdle, Fax: wire.Unknown}}
	c.say("ps-01", r)
	r.Counters[0].Value, r.At = 11, 0
	c.say("ps-01", r)
	c.wantWhere("grandstream-1:1 sent 1")
	r.Lines[1].Fax, r.Counters[0].Value, r.At = wire.Yes, 13, 0
	c.say("ps-01", r)
	c.wantWhere("sent 3") // of which port, nobody knows
}

func TestMonthsAreThoseOfTheSite(t *testing.T) {
	c := newCollector(t)
	c.declare(func(r *ledger.Register) {
		r.Sites["saint-denis"] = ledger.Site{ID: "saint-denis", TimeZone: "Indian/Reunion"} // 4 hours ahead
		line(r, ledger.Declaration{Line: "0262905000", Device: kyocera, Place: ledger.Place{Site: "saint-denis"}})
	})
	months := func() string {
		c.Helper()
		sums, err := c.Months(context.Background(), 202610, 202612)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, m := range sums {
			if m.Count != 0 {
				texts = append(texts, fmt.Sprintf("%d: %d (%d)", m.Month, m.Count, m.Straddling))
			}
		}
		return strings.Join(texts, ", ")
	}
	c.now = time.Date(2026, 10, 31, 19, 57, 0, 0, time.UTC)
	c.say("ps-01", sent(500)) // 23:58 there
	c.say("ps-01", sent(501)) // 23:59
	c.now = c.now.Add(90 * time.Second)
	c.say("ps-01", sent(503)) // 0:01:30
	c.say("ps-01", sent(507))
	if got, want := months(), "202610: 1 (0), 202611: 6 (2)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.declare(func(r *ledger.Register) { r.Sites["saint-denis"] = ledger.Site{ID: "saint-denis"} })
	if got, want := months(), "202610: 7 (0)"; got != want {
		t.Errorf("in our zone: got %s, want %s", got, want)
	}
	hours, err := c.Hours(context.Background(), wire.TimeOf(c.now.Truncate(time.Hour)), wire.TimeOf(c.now))
	if err != nil || len(hours) != 1 || hours[0].Count != 6 || hours[0].Line != "0262905000" {
		t.Errorf("last hour: got %+v, %v, want 6 pages", hours, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Tashkent") // 5 hours ahead
	if err != nil {
		t.Fatal(err)
	}
	if c.Ledger, err = ledger.Open(context.Background(), c.path, ledger.Options{Now: func() time.Time { return c.now }, Zone: zone}); err != nil {
		t.Fatal(err)
	}
	if got, want := months(), "202611: 7 (0)"; got != want {
		t.Errorf("the collector stands elsewhere now: got %s, want %s", got, want)
	}
}

func TestTwoActivitiesAtOneInstantHaveInstantsOfTheirOwn(t *testing.T) {
	c := newCollector(t)
	at := wire.TimeOf(c.now)
	for pages := range int64(4) { // its clock stands still
		r := sent(500 + pages)
		r.At = at
		c.say("ps-01", r)
	}
	postings, err := c.Postings(context.Background(), 0, 10)
	if err != nil || len(postings) != 3 {
		t.Fatalf("got %d postings, %v, want 3", len(postings), err)
	}
	for i, p := range postings {
		if p.To != at || p.At != at+wire.Time(i) {
			t.Errorf("posting %d: got %s for the end %s, want %d ms later", i, p.At, p.To, i)
		}
	}
}

func TestAnInstantIsTakenThoughAnotherIntervalEndsThere(t *testing.T) {
	c := newCollector(t)
	at := wire.TimeOf(c.now)
	for i, ms := range []wire.Time{0, 0, 0, 1, 2} { // its clock stands still, and then hardly goes on
		r := sent(500 + int64(i))
		r.At = at + ms
		c.say("ps-01", r)
	}
	postings, err := c.Postings(context.Background(), 0, 10)
	if err != nil || len(postings) != 4 {
		t.Fatalf("got %d postings, %v, want 4", len(postings), err)
	}
	taken := make(map[wire.Time]int64)
	for _, p := range postings {
		if other := taken[p.At]; other != 0 {
			t.Errorf("posting %d is at %s, like %d", p.ID, p.At, other)
		}
		taken[p.At] = p.ID
	}
}

func TestChangesOfStatus(t *testing.T) {
	c := newCollector(t)
	c.declare(func(r *ledger.Register) {
		line(r, ledger.Declaration{Line: "0241354001", Gateway: "grandstream-1", GatewayPort: "1"})
	})
	ports := func(statuses ...wire.LineStatus) wire.Reading {
		r := wire.Reading{Device: "grandstream-1", OK: true}
		for i, s := range statuses {
			r.Lines = append(r.Lines, wire.Line{Port: fmt.Sprint(i + 1), Status: s, Fax: wire.Yes})
		}
		return r
	}
	c.say("ps-01", ports(wire.LineIdle, wire.LineIdle))
	c.say("ps-01", ports(wire.LineBusy, wire.LineIdle))
	c.say("ps-01", ports(wire.LineBusy, wire.LineIdle))
	c.say("ps-01", wire.Reading{Device: "grandstream-1", Error: "timeout"})
	c.say("ps-01", wire.Reading{Device: "grandstream-1", Error: "refused"})
	c.say("ps-01", ports(wire.LineBusy))
	c.reopen()
	c.say("ps-01", ports(wire.LineBusy, wire.LineIdle))
	statuses, err := c.Statuses(context.Background(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, s := range statuses {
		if s.ID != int64(i+1) || s.Device != "grandstream-1" || s.Agent != "ps-01" {
			t.Errorf("got %+v, want status %d of the gateway, by ps-01", s, i+1)
		}
		got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s %s", s.At.Sub(wire.TimeOf(start))/time.Minute, s.Line, s.Value)))
	}
	want := "1  1, 1 0241354001 idle, 1 grandstream-1:2 idle, 2 0241354001 busy, 4  0, 6  1, 6 grandstream-1:2 unknown, 7 grandstream-1:2 idle"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestCursors(t *testing.T) {
	c := newCollector(t)
	ctx := context.Background()
	if at, err := c.Cursor(ctx, "series"); at != 0 || err != nil {
		t.Errorf("got %d, %v, want 0", at, err)
	}
	for _, at := range []int64{7, 12} {
		if err := c.SetCursor(ctx, "series", at); err != nil {
			t.Fatal(err)
		}
	}
	c.reopen()
	if at, err := c.Cursor(ctx, "series"); at != 12 || err != nil {
		t.Errorf("got %d, %v, want 12", at, err)
	}
}

func TestTwoCountersOfOneDirectionMoveTogether(t *testing.T) {
	c := newCollector(t)
	at := wire.TimeOf(c.now)
	for pages := range 3 { // by one rule, then by another; its clock stands still
		for _, rule := range []string{"old", "new"} {
			r := reading(kyocera, wire.FaxSentPages, 500)
			r.At, r.Counters[0].Rule = at, rule
			c.say("ps-01", r)
			r.Counters[0].Value += int64(pages + 1)
			c.say("ps-01", r)
		}
	}
	for _, service := range []string{"oncologie", "urgences", "oncologie"} {
		c.declare(func(r *ledger.Register) {
			r.Lines["0241354000"] = []ledger.Declaration{{Line: "0241354000", Device: kyocera, Place: ledger.Place{Service: service}}}
		})
	}
	postings, err := c.Postings(context.Background(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	taken := make(map[string]bool)
	for _, p := range postings {
		key := fmt.Sprint(p.Account, p.At)
		if taken[key] {
			t.Errorf("%+v: its instant is taken", p)
		}
		taken[key] = true
	}
	if want := 6 + 3*2*6; len(postings) != want {
		t.Errorf("got %d postings, want %d", len(postings), want)
	}
}
