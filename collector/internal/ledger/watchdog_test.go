package ledger_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// round makes a round of the watchdog, some time later.
func (c *collector) round(later time.Duration, hearing bool) {
	c.Helper()
	c.now = c.now.Add(later)
	if err := c.Watchdog(context.Background(), hearing); err != nil {
		c.Fatal(err)
	}
}

func TestSilentAgent(t *testing.T) {
	c := newCollector(t)
	c.round(0, true)
	c.say("ps-01", sent(1))
	heard := c.now
	c.now = heard.Add(13 * time.Minute)
	c.round(0, true)
	c.round(2*time.Minute-time.Second, true)
	c.wantTold("")
	c.now = heard
	c.round(0, true) // wantTold restarted the collector, which begins to listen anew
	c.round(13*time.Minute, true)
	c.round(2*time.Minute, true)
	if got, want := c.told(), "1 agent_silent ps-01"; got != want {
		t.Errorf("after 15 minutes: got %q, want %q", got, want)
	}
	if e := c.all()[0]; e.FirstAt != wire.TimeOf(heard) || !strings.Contains(e.Texts("en")[0], "ps-01") {
		t.Errorf("got %+v %s, want it silent since it was heard last", e, e.Texts("en"))
	}
	c.wantTold("1 agent_silent ps-01")
	c.round(time.Second, true)
	c.wantTold("1 agent_silent ps-01") // a restart of ours doesn't make it speak
	c.say("ps-01", sent(1))
	c.round(0, true)
	c.wantTold("1 agent_silent ps-01 closed over")
}

func TestNobodyIsSilentWhileWeDoNotHear(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(1))
	c.now = c.now.Add(10 * 24 * time.Hour)
	c.round(0, true) // we were off, and just began to listen
	c.round(14*time.Minute, true)
	c.wantTold("")
	c.round(0, true)
	for range 20 {
		c.round(time.Minute, false) // the broker is gone
	}
	c.round(time.Minute, true)
	c.round(14*time.Minute, true)
	c.say("ps-01", sent(1))
	c.round(5*time.Hour, true) // we slept, or our clock was set
	c.round(5*time.Second, true)
	c.say("ps-01", sent(1))
	c.round(3*time.Minute, true)
	c.wantTold("")
}

func TestPersonClosesALastingConditionOnce(t *testing.T) {
	c := newCollector(t)
	c.round(0, true)
	c.say("ps-01", sent(1))
	c.round(14*time.Minute, true)
	c.round(2*time.Minute, true)
	anne := ledger.Author{Who: "anne", Source: "alert close"}
	if err := c.CloseEpisode(context.Background(), anne, 1, "serveur arrêté"); err != nil {
		t.Fatal(err)
	}
	c.wantTold("1 agent_silent ps-01 closed serveur arrêté")
	for range 5 {
		c.round(10*time.Minute, true)
	}
	c.wantTold("1 agent_silent ps-01 closed serveur arrêté")
	c.say("ps-01", sent(1))
	c.round(0, true)
	c.round(14*time.Minute, true)
	c.round(2*time.Minute, true)
	c.wantTold("1 agent_silent ps-01 closed serveur arrêté; 2 agent_silent ps-01")
}

func TestAgentIsSilentThoughOurClockWasSetBack(t *testing.T) {
	c := newCollector(t)
	c.now = start.AddDate(1, 0, 0)
	c.round(0, true)
	c.say("ps-01", sent(1))
	c.now = start
	for range 17 {
		c.round(time.Minute, true)
	}
	c.wantTold("1 agent_silent ps-01")
	c.say("ps-01", sent(1))
	c.round(0, true)
	if got, want := c.told(), "1 agent_silent ps-01 closed over"; got != want {
		t.Errorf("it speaks: got %q, want %q", got, want)
	}
	for range 17 {
		c.round(time.Minute, true)
	}
	c.wantTold("1 agent_silent ps-01 closed over; 2 agent_silent ps-01")
}

func TestWhatComesAndGoesIsOneEpisode(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.round(0, true)
	flap := func() {
		c.say("ps-01", sent(1))
		for range 9 {
			c.round(2*time.Minute, true)
		}
	}
	flap()
	c.say("ps-01", sent(1))
	c.round(0, true)
	if got, want := c.told(), "1 agent_silent ps-01 closed over"; got != want {
		t.Errorf("the first time: got %q, want %q", got, want)
	}
	for range 60 {
		flap()
	}
	heard := c.now.Add(-18 * time.Minute)
	if got, want := c.told(), "1 agent_silent ps-01 closed over; 2 agent_silent ps-01"; got != want {
		t.Errorf("after a day: got %q, want %q", got, want)
	}
	if e := c.all()[1]; e.Evidence[0].From != wire.TimeOf(heard) {
		t.Errorf("got %+v, want it heard last at %s", e.Evidence, heard)
	}
	for range 36 {
		c.say("ps-01", sent(1))
		c.round(9*time.Minute, true)
	}
	c.wantTold("1 agent_silent ps-01 closed over; 2 agent_silent ps-01") // for 5 h 50 min it is there
	c.say("ps-01", sent(1))
	c.round(10*time.Minute, true)
	c.wantTold("1 agent_silent ps-01 closed over; 2 agent_silent ps-01 closed over")
	c.now = c.now.AddDate(0, 0, 1)
	flap()
	c.say("ps-01", sent(1))
	c.round(0, true)
	c.wantTold("1 agent_silent ps-01 closed over; 2 agent_silent ps-01 closed over; 3 agent_silent ps-01 closed over")
}

func TestAgentThatGaveReadingsUp(t *testing.T) {
	c := newCollector(t)
	state := wire.AgentState{V: wire.Version, Online: true, Session: "session-1", StartedAt: 1}
	dropped := func(n int64, later time.Duration) {
		t.Helper()
		c.now = c.now.Add(later)
		state.SentAt, state.Spool.Dropped = wire.TimeOf(c.now), n
		if err := c.AgentState(context.Background(), "ps-01", state, c.now); err != nil {
			t.Fatal(err)
		}
	}
	dropped(500, 0) // before we knew it
	c.wantTold("")
	dropped(510, time.Minute)
	dropped(530, time.Hour)
	c.wantTold("1 spool_dropping ps-01")
	if e := c.all()[0]; e.Count != 30 || e.Unit != "readings" {
		t.Errorf("got %+v, want 30 readings", e)
	}
	c.round(24*time.Hour-time.Second, true)
	c.wantTold("1 spool_dropping ps-01")
	c.round(time.Second, true)
	c.wantTold("1 spool_dropping ps-01 closed over")
}

func TestClockOfAnAgent(t *testing.T) {
	c := newCollector(t)
	say := func(off time.Duration) {
		t.Helper()
		c.now = c.now.Add(20 * time.Minute)
		c.seqs["ps-01"]++
		payload := c.numbered("ps-01", "ps-01", c.seqs["ps-01"], wire.Reading{Device: kyocera, At: wire.TimeOf(c.now.Add(off)), OK: true})
		d := c.receive("ps-01", payload)
		d.Envelope.SentAt = wire.TimeOf(c.now.Add(off))
		c.apply(d)
		c.round(0, true)
	}
	say(50 * time.Second)
	c.wantTold("")
	say(-10 * time.Minute)
	c.wantTold("1 clock ps-01")
	if got := c.all()[0].Texts("fr")[0]; !strings.Contains(got, "retarde de 10 min") {
		t.Errorf("got %q, want it 10 minutes slow", got)
	}
	say(-40 * time.Second)
	c.wantTold("1 clock ps-01")
	say(-20 * time.Second)
	c.wantTold("1 clock ps-01 closed over")
}

func TestBlindLinePastItsCutoff(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-07 08:00", wire.FaxSentPages, 100))
	c.watch("2026-10-08 00:00")
	c.watch("2026-10-09 23:59")
	c.watch("2026-10-10 08:00")
	c.wantTold("1 agent_silent ps-01")
	c.watch("2026-10-10 08:01")
	c.watch("2026-10-10 08:17")
	c.wantTold("1 agent_silent ps-01; 2 blind 0241354000")
	c.at(counted("2026-10-10 09:00", wire.FaxSentPages, 100))
	c.watch("2026-10-10 09:00")
	c.wantTold("1 agent_silent ps-01 closed over; 2 blind 0241354000 closed over")
}

func TestLineIsNotBlindWhileItsAgentTellsWhatItSawMeanwhile(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-09 08:00", wire.FaxSentPages, 100))
	state := wire.AgentState{V: wire.Version, Online: true, Session: "session-1", StartedAt: 1}
	state.Spool.Envelopes, state.Spool.Oldest = 40_000, wire.TimeOf(c.now)
	alive := func(minutes int) {
		t.Helper()
		for range minutes {
			c.now = c.now.Add(time.Minute)
			state.SentAt = wire.TimeOf(c.now)
			if err := c.AgentState(context.Background(), "ps-01", state, c.now); err != nil {
				t.Fatal(err)
			}
			c.round(0, true)
		}
	}
	c.watch("2026-11-09 08:00") // we were off for a month
	alive(120)
	if got := c.told(); got != "" {
		t.Errorf("got %q, want nothing yet", got)
	}
	c.now = c.now.Add(23 * time.Hour) // but it gets nowhere
	alive(1)
	c.wantTold("1 blind 0241354000")
}

func TestLinesAreBlindInTheOrderInWhichTheyBecameSo(t *testing.T) {
	c := newCollector(t)
	c.at(counted("2026-10-01 08:00", wire.FaxSentPages, 100))
	days := []ledger.Day{"2026-10-15", "2026-10-12", "2026-10-13", "2026-10-11", "2026-10-14", "2026-10-10"}
	for i, day := range days {
		c.cutLine("024135400"+string(rune('1'+i)), func(d *ledger.Declaration) { d.Cutoff, d.Device = day, "ABC" })
	}
	c.watch("2026-11-09 08:00")
	c.at(counted("2026-11-09 08:16", wire.FaxSentPages, 100))
	c.watch("2026-11-09 08:16")
	c.wantTold("1 blind 0241354006; 2 blind 0241354004; 3 blind 0241354002; 4 blind 0241354003; 5 blind 0241354005; 6 blind 0241354001")
}

func TestLineIsBlindThoughOurClockWasSetBack(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2027-10-10 08:00", wire.FaxSentPages, 100))
	c.watch("2027-10-10 08:00")
	c.at(wire.Reading{Device: "ricoh-2", At: wire.TimeOf(c.now), OK: true})
	c.watch("2026-10-20 08:00")
	for c.now.Hour() < 9 {
		c.now = c.now.Add(5 * time.Minute)
		c.at(wire.Reading{Device: "ricoh-2", At: wire.TimeOf(c.now), OK: true})
		c.round(0, true)
	}
	c.wantTold("1 blind 0241354000")
}

func TestMachineThatWasNeverSeenIsBlindThreeDaysAfterTheCutoff(t *testing.T) {
	c := newCollector(t)
	c.cutLine("0241354001", func(d *ledger.Declaration) { d.Cutoff, d.Device = "2026-10-10", "ABC123" })
	c.at(counted("2026-10-01 08:00", wire.FaxSentPages, 100))
	for _, at := range []string{"2026-10-12 23:00", "2026-10-13 00:00"} {
		c.at(counted(at, wire.FaxSentPages, 100))
		c.watch(at)
	}
	if got := c.told(); got != "" {
		t.Errorf("got %q, want nothing yet", got)
	}
	c.at(counted("2026-10-13 00:01", wire.FaxSentPages, 100))
	c.watch("2026-10-13 00:01")
	c.wantTold("1 blind 0241354001")
	if got, want := c.all()[0].Texts("fr")[1], "la machine déclarée, ABC123, n'a jamais été vue"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLineOfAGatewayIsBlindThreeDaysAfterItsStatusWasToldLast(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) {
		d.Cutoff, d.Device, d.Gateway, d.GatewayPort = "2026-10-02", "", gateway, "1"
	})
	c.at(ports("2026-10-10 08:00", wire.LineIdle))
	c.watch("2026-10-10 08:00")
	for _, at := range []string{"2026-10-11 08:00", "2026-10-12 08:00", "2026-10-14 08:00"} {
		c.at(ports(at, wire.LineUnknown))
		c.watch(at)
	}
	if got := c.told(); got != "" {
		t.Errorf("got %q, want nothing yet", got)
	}
	c.at(ports("2026-10-14 08:01", wire.LineUnknown))
	c.watch("2026-10-14 08:01")
	c.wantTold("1 blind 0241354000")
}

const gateway = "audiocodes-1"

func ports(at string, statuses ...wire.LineStatus) wire.Reading {
	t, _ := time.Parse("2006-01-02 15:04", at)
	r := wire.Reading{Device: gateway, At: wire.TimeOf(t), OK: true}
	for i, s := range statuses {
		r.Lines = append(r.Lines, wire.Line{Port: string(rune('1' + i)), Status: s, Evidence: "port"})
	}
	return r
}

func TestCutLineThatLivesAtItsGateway(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.CutOn, d.Gateway, d.GatewayPort = "2026-10-10", gateway, "2" })
	c.at(ports("2026-10-10 23:00", wire.LineBusy, wire.LineIdle))
	c.watch("2026-10-11 00:00")
	c.wantTold("")
	c.at(ports("2026-10-11 01:00", wire.LineBusy, wire.LineDown))
	c.watch("2026-10-11 01:00")
	c.wantTold("")
	c.at(ports("2026-10-11 02:00", wire.LineBusy, wire.LineIdle))
	c.watch("2026-10-11 02:00")
	c.wantTold("1 line_reappeared 0241354000")
	if got, want := c.all()[0].Texts("fr"), "ligne déclarée coupée le 10/10/2026, le port 2 de audiocodes-1 est en service (raccroché) depuis le 11/10/2026 à 02:00"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.wantAfter(faxline, 0, 0)
	c.at(ports("2026-10-11 03:00", wire.LineBusy, wire.LineUnknown))
	c.watch("2026-10-11 03:00")
	c.wantTold("1 line_reappeared 0241354000 closed over")
}

func TestJumpWaitsForAPersonAndIsJudgedThen(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-11 08:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-11 08:05", wire.FaxSentPages, 9100))
	c.wantTold("1 anomaly 0241354000")
	e := c.all()[0]
	if e.Count != 9000 || e.Device != kyocera || e.Line != faxline {
		t.Errorf("got %+v, want 9000 pages of the machine and its line", e)
	}
	c.at(counted("2026-10-13 08:05", wire.FaxSentPages, 9100))
	c.watch("2026-10-13 08:05")
	c.wantTold("1 anomaly 0241354000")
	if _, booked, err := c.Accept(context.Background(), ledger.Author{Who: "anne"}, 1, "gros envoi"); err != nil || booked != 9000 {
		t.Fatalf("accept: got %d, %v, want 9000", booked, err)
	}
	c.wantTold("1 anomaly 0241354000 closed over; 2 after_cutoff 0241354000 certain 9000 pages")
	if x := c.all()[1].Events[0]; x.To != e.LastAt || x.NoticedAt != wire.TimeOf(c.now) {
		t.Errorf("got %+v, want the jump's own interval, noticed when it was accepted", x)
	}
}

func TestOtherMachineAtAnAddress(t *testing.T) {
	c := newCollector(t)
	first := sent(1)
	first.Identity = &wire.Identity{Vendor: "kyocera", Serial: "VCG1", Address: "10.0.0.1"}
	c.say("ps-01", first)
	second := wire.Reading{Device: "ricoh-2", OK: true, Identity: &wire.Identity{Vendor: "ricoh", Serial: "2", Address: "10.0.0.1"}}
	c.say("ps-01", second)
	c.wantTold("1 device_changed ps-01")
	if got, want := c.all()[0].Texts("en")[0], "at 10.0.0.1 answers ricoh-2 in place of kyocera-vcg1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEnvelopesThatNeverCame(t *testing.T) {
	c := newCollector(t)
	c.seqs["ps-01"] = 5
	jump := func() {
		t.Helper()
		c.now = c.now.Add(time.Minute)
		r := sent(1)
		r.At = wire.TimeOf(c.now)
		d := c.receive("ps-01", c.envelope("ps-01", r))
		d.Envelope.Oldest = d.Envelope.Seq
		c.apply(d)
	}
	jump()
	c.wantTold("") // where the books begin is no hole
	c.seqs["ps-01"] += 3
	jump()
	c.wantTold("1 hole ps-01")
	if e := c.all()[0]; e.Count != 3 || e.Unit != "envelopes" {
		t.Errorf("got %+v, want 3 envelopes", e)
	}
}
