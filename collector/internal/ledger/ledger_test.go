package ledger_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var start = time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)

// collector is a ledger with its own time, and agents that number their envelopes.
type collector struct {
	testing.TB
	*ledger.Ledger
	path string
	now  time.Time
	seqs map[string]uint64
}

func newCollector(t testing.TB) *collector {
	c := &collector{TB: t, path: filepath.Join(t.TempDir(), "books.db"), now: start, seqs: make(map[string]uint64)}
	ledger.EmptyAt(t, c.path)
	c.Ledger = c.open()
	t.Cleanup(func() { c.Close() })
	return c
}

func (c *collector) open() *ledger.Ledger {
	c.Helper()
	l, err := ledger.Open(context.Background(), c.path, ledger.Options{
		Now: func() time.Time { return c.now },
		Log: slog.New(slog.NewTextHandler(complaint{c.TB}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		c.Fatal(err)
	}
	return l
}

// complaint fails the test when the ledger logs a warning.
type complaint struct{ testing.TB }

func (c complaint) Write(text []byte) (int, error) {
	c.Errorf("logged: %s", text)
	return len(text), nil
}

func (c *collector) reopen() {
	c.Helper()
	if err := c.Close(); err != nil {
		c.Fatal(err)
	}
	c.Ledger = c.open()
}

// envelope is the next one of an agent.
func (c *collector) envelope(agent string, readings ...wire.Reading) []byte {
	c.seqs[agent]++
	return c.numbered(agent, agent, c.seqs[agent], readings...)
}

func (c *collector) numbered(topic, agent string, seq uint64, readings ...wire.Reading) []byte {
	c.Helper()
	data, err := wire.EncodeReadings(readings)
	if err != nil {
		c.Fatal(err)
	}
	return wire.AppendEnvelope(nil, wire.Header{
		Agent: agent, Stream: "stream-" + topic, First: seq, Seq: seq, Oldest: seq, SentAt: wire.TimeOf(c.now),
	}, data)
}

func (c *collector) receive(agent string, payload []byte) ledger.Delivery {
	env, err := wire.DecodeEnvelope(payload)
	return ledger.Delivery{Agent: agent, Envelope: env, Err: err, Payload: payload, ReceivedAt: c.now}
}

func (c *collector) apply(deliveries ...ledger.Delivery) []ledger.Result {
	c.Helper()
	results, err := c.Apply(context.Background(), deliveries)
	if err != nil {
		c.Fatal(err)
	}
	return results
}

// say books the next envelope of an agent, a minute later.
func (c *collector) say(agent string, readings ...wire.Reading) ledger.Result {
	c.Helper()
	c.now = c.now.Add(time.Minute)
	for i := range readings {
		if readings[i].At == 0 {
			readings[i].At = wire.TimeOf(c.now)
		}
	}
	return c.apply(c.receive(agent, c.envelope(agent, readings...)))[0]
}

func (c *collector) device(id string) ledger.Device {
	c.Helper()
	devices, err := c.Devices(context.Background())
	if err != nil {
		c.Fatal(err)
	}
	for _, d := range devices {
		if d.ID == id {
			return d
		}
	}
	c.Fatalf("no device %s in %v", id, devices)
	return ledger.Device{}
}

func (c *collector) agent(id string) ledger.Agent {
	c.Helper()
	agents, err := c.Agents(context.Background())
	if err != nil {
		c.Fatal(err)
	}
	for _, a := range agents {
		if a.ID == id {
			return a
		}
	}
	c.Fatalf("no agent %s in %v", id, agents)
	return ledger.Agent{}
}

// anomalies are all anomalies, oldest first, as "kind outcome".
func (c *collector) anomalies() string {
	c.Helper()
	list, err := c.Anomalies(context.Background(), 100)
	if err != nil {
		c.Fatal(err)
	}
	var text []string
	for i := len(list) - 1; i >= 0; i-- {
		text = append(text, strings.TrimSpace(string(list[i].Kind)+" "+string(list[i].Outcome)))
	}
	return strings.Join(text, ", ")
}

func (c *collector) wantSent(want int64) {
	c.Helper()
	if got := c.device(kyocera).Totals[wire.FaxSentPages]; got != want {
		c.Errorf("sent pages: got %d, want %d", got, want)
	}
}

const kyocera = "kyocera-vcg1"

func sent(pages int64) wire.Reading {
	return wire.Reading{Device: kyocera, OK: true, Fax: wire.Yes, Counters: []wire.Counter{
		{Measure: wire.FaxSentPages, Unit: "pages", Rule: "kyocera/sent", Value: pages},
	}}
}

func TestOneFaxIsOnePage(t *testing.T) {
	c := newCollector(t)
	first := sent(500)
	first.Identity = &wire.Identity{Vendor: "kyocera", Serial: "VCG1", Model: "TASKalfa", Address: "10.0.0.1"}
	c.say("ps-01", first)
	r := c.say("ps-01", sent(501))
	if r.Verdict != ledger.Applied || !r.Send || r.Ack != 2 || r.CRC == 0 {
		t.Errorf("got %+v, want an ack up to 2", r)
	}
	c.reopen()
	d := c.device(kyocera)
	if d.Totals[wire.FaxSentPages] != 1 || d.Serial != "VCG1" || !d.Up || d.Agent != "ps-01" || d.LastFax != wire.TimeOf(c.now) {
		t.Errorf("got %+v, want 1 page sent just now, up", d)
	}
	lines, err := c.Lines(context.Background())
	if err != nil || len(lines) != 1 || lines[0].ID != kyocera || lines[0].State != ledger.Active || lines[0].LastSent != d.LastFax {
		t.Errorf("lines: got %+v, %v, want the machine's own, active", lines, err)
	}
	c.now = c.now.Add(10 * time.Minute)
	if c.device(kyocera).Up {
		t.Error("up 10 minutes after the last look")
	}
}

func TestVerdicts(t *testing.T) {
	c := newCollector(t)
	const agent = "ps-01"
	sent := func(pages int64) wire.Reading {
		r := sent(pages)
		r.At = wire.TimeOf(c.now)
		return r
	}
	good := c.numbered(agent, agent, 1, sent(1))
	for _, step := range []struct {
		name    string
		payload []byte
		verdict ledger.Verdict
		ack     uint64
		send    bool
	}{
		{"nothing at all", nil, ledger.Unreadable, 0, false},
		{"no JSON", []byte("{"), ledger.Unreadable, 0, false},
		{"a newer contract", []byte(`{"v":9,"stream":"stream-ps-01","seq":1}`), ledger.NewVersion, 0, false},
		{"the next one", good, ledger.Applied, 1, true},
		{"the same again", good, ledger.Duplicate, 1, true},
		{"from another agent", c.numbered(agent, "ps-02", 2, sent(5)), ledger.Quarantined, 2, true},
		{"a bad one, in its turn", []byte(`{"v":1,"agent":"ps-01","stream":"stream-ps-01","first":3,"seq":3,"oldest":3,"lost":-1,"sent_at":"2026-10-01T08:00:00.000Z","readings":[]}`), ledger.Quarantined, 3, true},
		{"a bad one, said again", []byte(`{"v":1,"agent":"ps-01","stream":"stream-ps-01","first":3,"seq":3,"oldest":3,"lost":-1,"readings":[]}`), ledger.Duplicate, 3, true},
		{"a number that can't be", []byte(`{"v":1,"agent":"ps-01","stream":"stream-ps-01","first":1,"seq":18446744073709551615,"oldest":1,"lost":0,"sent_at":"2026-10-01T08:00:00.000Z","readings":[]}`), ledger.Unreadable, 0, false},
	} {
		r := c.apply(c.receive(agent, step.payload))[0]
		if r.Verdict != step.verdict || r.Send != step.send || r.Ack != step.ack {
			t.Errorf("%s: got %+v, want %s, ack %d, send %v", step.name, r, step.verdict, step.ack, step.send)
		}
	}
	early := c.numbered(agent, agent, 6, sent(1))
	env := c.receive(agent, early)
	env.Envelope.Oldest = 4
	if r := c.apply(env)[0]; r.Verdict != ledger.Early || r.Ack != 3 || !r.Send {
		t.Errorf("one before its turn: got %+v, want early, ack 3", r)
	}
	over := c.receive(agent, c.numbered(agent, agent, 6, sent(1)))
	over.Envelope.First, over.Envelope.Oldest = 2, 2
	for range 2 {
		if r := c.apply(over)[0]; r.Verdict != ledger.Overlap || r.Ack != 3 {
			t.Errorf("folded over what is known: got %+v, want overlap, ack 3", r)
		}
	}
	if got, want := c.anomalies(), "update_collector noted, overlap noted"; got != want {
		t.Errorf("anomalies: got %s, want %s", got, want)
	}
	s, err := c.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.Envelopes), "map[applied:1 duplicate:2 early:1 overlap:2 quarantined:2 unreadable:3 version:1]"; got != want {
		t.Errorf("envelopes: got %s, want %s", got, want)
	}
	kept, err := c.Quarantined(context.Background(), 10)
	if err != nil || len(kept) != 5 || !strings.Contains(string(kept[2].Payload), "ps-02") {
		t.Errorf("quarantine: got %d, %v, want 5 with their payloads", len(kept), err)
	}
}

func TestBadEnvelopeIsAckedWithItsOwnChecksum(t *testing.T) {
	c := newCollector(t)
	payload := c.numbered("ps-01", "ps-02", 1, sent(5))
	want := c.receive("ps-01", payload).Envelope.CRC
	if r := c.apply(c.receive("ps-01", payload))[0]; r.CRC != want {
		t.Errorf("got crc %d, want %d: the agent would believe that it was rolled back", r.CRC, want)
	}
}

func TestBadReadingDoesNotStopTheOthers(t *testing.T) {
	c := newCollector(t)
	bad := sent(1)
	bad.Device = "NOT AN ID"
	c.say("ps-01", sent(1), bad)
	c.say("ps-01", sent(4))
	c.wantSent(3)
	kept, err := c.Quarantined(context.Background(), 10)
	if err != nil || len(kept) != 1 || kept[0].Index != 1 || kept[0].Seq != 1 || !strings.Contains(kept[0].Reason, "device") {
		t.Errorf("got %+v, %v, want the second reading with its reason", kept, err)
	}
}

func TestQuarantineIsBounded(t *testing.T) {
	c := newCollector(t)
	for range 3 {
		var junk []ledger.Delivery
		for range 500 {
			junk = append(junk, c.receive("ps-01", []byte("junk")))
		}
		c.apply(junk...)
	}
	kept, err := c.Quarantined(context.Background(), 5000)
	if err != nil || len(kept) != 1000 || kept[0].ID != 1500 {
		t.Errorf("got %d, %v, want the newest 1000", len(kept), err)
	}
}

// An agent whose spool is empty begins a new stream whenever it starts.
func TestStreamsOfAnAgentAreBounded(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	begin := func(i int) {
		t.Helper()
		c.now = c.now.Add(time.Minute)
		r := sent(int64(i))
		r.At = wire.TimeOf(start.Add(time.Duration(i) * time.Minute))
		if got := c.apply(c.receive("ps-01", c.numbered(fmt.Sprint("start-", i), "ps-01", 1, r)))[0]; got.Verdict != ledger.Applied || got.Ack != 1 {
			t.Fatalf("stream %d: got %+v, want it applied", i, got)
		}
	}
	c.say("ps-02", wire.Reading{Device: "xerox-1", Error: "timeout"})
	for i := range 250 {
		begin(i)
		if i%60 == 0 {
			c.reopen()
		}
	}
	if n := c.count("streams WHERE agent = 'ps-01'"); n != 100 {
		t.Errorf("got %d streams of one agent, want the newest 100", n)
	}
	if got := c.apply(c.receive("ps-01", c.numbered("start-249", "ps-01", 1, sent(249))))[0].Verdict; got != ledger.Duplicate {
		t.Errorf("the newest stream said again: got %s, want %s", got, ledger.Duplicate)
	}
	if got := c.count("streams WHERE agent = 'ps-02'"); got != 1 {
		t.Errorf("got %d streams of another agent, want 1", got)
	}
	c.wantSent(249)
	begin(3) // a disk restored from long ago
	c.wantSent(249)
	begin(252)
	c.wantSent(252)
}

// count counts rows in the file.
func (c *collector) count(what string) (n int) {
	c.Helper()
	db, err := sql.Open("sqlite", c.path)
	if err != nil {
		c.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT COUNT(*) FROM " + what).Scan(&n); err != nil {
		c.Fatal(err)
	}
	return n
}

func TestHoleIsWrittenIntoTheBooks(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(1))
	c.seqs["ps-01"] = 9
	if r := c.say("ps-01", sent(4)); r.Verdict != ledger.Applied || r.Ack != 10 {
		t.Errorf("got %+v, want applied, ack 10", r)
	}
	c.wantSent(3)
	if got := c.agent("ps-01").Holes; got != 1 {
		t.Errorf("holes: got %d, want 1", got)
	}
}

func TestAnotherRuleIsAnotherEpoch(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(100))
	c.say("ps-01", sent(103))
	other := sent(9000)
	other.Counters[0].Rule = "kyocera/other"
	c.say("ps-01", other)
	c.wantSent(3)
	other.At, other.Counters[0].Value = 0, 9001
	c.say("ps-01", other)
	c.wantSent(4)
	c.say("ps-01", sent(200))
	c.say("ps-01", sent(202))
	c.wantSent(6)
	if got, want := c.anomalies(), "rule_changed noted, rule_changed noted"; got != want {
		t.Errorf("anomalies: got %s, want %s", got, want)
	}
}

func TestMeasuresAndUnitsAreNeverAddedTogether(t *testing.T) {
	c := newCollector(t)
	both := func(pages, faxes int64) wire.Reading {
		r := sent(pages)
		r.Counters = append(r.Counters, wire.Counter{Measure: wire.FaxSent, Unit: "faxes", Rule: "kyocera/faxes", Value: faxes})
		return r
	}
	c.say("ps-01", both(10, 1))
	c.say("ps-01", both(17, 2))
	d := c.device(kyocera)
	if d.Totals[wire.FaxSentPages] != 7 || d.Totals[wire.FaxSent] != 1 {
		t.Errorf("got %v, want 7 pages and 1 fax", d.Totals)
	}
	if pages, by, ok := d.Pages(ledger.Sent); pages != 7 || by != wire.FaxSentPages || !ok {
		t.Errorf("pages sent: got %d by %s, %v", pages, by, ok)
	}
	if _, _, ok := d.Pages(ledger.Received); ok {
		t.Error("pages received: got a figure, want unknown")
	}
}

func TestTwoAgentsOneMachine(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(100))
	c.say("ps-02", sent(102))
	c.say("ps-01", sent(102))
	c.wantSent(2)
	if d := c.device(kyocera); d.Agent != "ps-01" || len(d.Claims) != 1 || d.Claims[0].Agent != "ps-02" {
		t.Errorf("got agent %s, claims %v, want ps-01 and a claim of ps-02", d.Agent, d.Claims)
	}
	c.now = c.now.Add(6 * time.Minute)
	c.say("ps-02", sent(105))
	c.wantSent(5)
	if d := c.device(kyocera); d.Agent != "ps-02" {
		t.Errorf("lead: got %s, want ps-02 since ps-01 missed 3 polls", d.Agent)
	}
}

func TestAnotherMachineAtAKnownAddress(t *testing.T) {
	c := newCollector(t)
	at := func(id, address string) wire.Reading {
		return wire.Reading{Device: id, OK: true, Identity: &wire.Identity{Address: address}}
	}
	c.say("ps-01", at("xerox-1", "10.0.0.1"), at("xerox-2", "10.0.0.2"))
	c.say("ps-02", at("xerox-9", "10.0.0.1"))
	if got := c.anomalies(); got != "" {
		t.Errorf("another agent's network: got %s, want nothing", got)
	}
	c.reopen()
	c.say("ps-01", at("xerox-3", "10.0.0.1"))
	c.say("ps-01", at("xerox-3", "10.0.0.1"))
	if got, want := c.anomalies(), "device_changed noted"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if d := c.device("xerox-3"); d.Anomalies[ledger.DeviceChanged] != 1 {
		t.Errorf("got %v, want it counted with the new machine", d.Anomalies)
	}
}

func TestGatewayPorts(t *testing.T) {
	c := newCollector(t)
	ports := func(first wire.LineStatus, more ...wire.Line) wire.Reading {
		return wire.Reading{Device: "grandstream-1", OK: true, Lines: append([]wire.Line{
			{Port: "1", Status: first, Fax: wire.Yes, Evidence: "hook"},
		}, more...)}
	}
	c.say("ps-01", ports(wire.LineIdle, wire.Line{Port: "2", Status: wire.LineIdle}))
	since := wire.TimeOf(c.now)
	c.say("ps-01", ports(wire.LineIdle, wire.Line{Port: "2", Status: wire.LineIdle}))
	c.say("ps-01", ports(wire.LineBusy))
	c.reopen()
	d := c.device("grandstream-1")
	if len(d.Ports) != 2 || d.Ports[0].Status != wire.LineBusy || d.Ports[0].Since != wire.TimeOf(c.now) || d.Ports[0].FirstSeen != since {
		t.Errorf("ports: got %+v, want port 1 busy since now", d.Ports)
	}
	if !d.Ports[1].Gone || d.Ports[1].Fax != wire.Unknown {
		t.Errorf("port 2: got %+v, want it gone", d.Ports[1])
	}
	lines, err := c.Lines(context.Background())
	if err != nil || len(lines) != 1 || lines[0].ID != "grandstream-1:1" || lines[0].Status != wire.LineBusy {
		t.Errorf("lines: got %+v, %v, want port 1 alone", lines, err)
	}
}

func TestFailedLookSaysWhy(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(1))
	ok := wire.TimeOf(c.now)
	c.say("ps-01", wire.Reading{Device: kyocera, Error: "timeout"})
	if d := c.device(kyocera); d.Up || d.Error != "timeout" || d.LastReading != ok || d.LastLook != wire.TimeOf(c.now) {
		t.Errorf("got %+v, want it down since it timed out", d)
	}
	c.say("ps-01", sent(3))
	if d := c.device(kyocera); !d.Up || d.Error != "" {
		t.Errorf("got %+v, want it up", d)
	}
	c.wantSent(2)
}

func TestClockOfAnAgentIsCorrected(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(1))
	c.now = c.now.Add(time.Minute)
	r := sent(4)
	r.At = wire.TimeOf(c.now.Add(-2 * time.Hour))
	d := c.receive("ps-01", c.envelope("ps-01", r))
	d.Envelope.SentAt = r.At
	c.apply(d)
	c.wantSent(3)
	if d := c.device(kyocera); d.LastFax != wire.TimeOf(c.now) || !d.Clock {
		t.Errorf("last fax: got %v, corrected %v, want %v, corrected", d.LastFax, d.Clock, wire.TimeOf(c.now))
	}
	if a := c.agent("ps-01"); a.ClockMS != 7_200_000 || !a.ClockWrong || !a.ClockFixed {
		t.Errorf("clock: got %d ms, want 2 hours", a.ClockMS)
	}
}

// A clock set back by years, a machine that lost its counts, and a new stream: every reading looks
// like an old one said again. After a day they are believed.
func TestStaleReadingsDoNotFreezeACounter(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(1000))
	old := sent(3)
	old.At = wire.TimeOf(start.Add(-24 * time.Hour))
	c.seqs["ps-01b"] = 0
	again := func(pages int64) {
		t.Helper()
		r := old
		r.Counters = []wire.Counter{old.Counters[0]}
		r.Counters[0].Value = pages
		c.seqs["ps-01b"]++
		c.apply(c.receive("ps-01", c.numbered("ps-01b", "ps-01", c.seqs["ps-01b"], r)))
	}
	again(3)
	c.now = c.now.Add(23 * time.Hour)
	again(4)
	if got := c.anomalies(); got != "" || c.device(kyocera).Stale != 2 {
		t.Errorf("before a day: got %s and %d stale, want nothing and 2", got, c.device(kyocera).Stale)
	}
	c.reopen()
	c.now = c.now.Add(time.Hour)
	again(5)
	again(7)
	c.wantSent(2)
	if got, want := c.anomalies(), "reset"; got != want {
		t.Errorf("after a day: got %s, want %s", got, want)
	}
}

// Our own clock ran years ahead for a while. What was noted then must not hold up what comes after.
func TestOurOwnClockWasSetBack(t *testing.T) {
	c := newCollector(t)
	c.now = start.Add(4 * 365 * 24 * time.Hour)
	c.say("ps-01", sent(1))
	c.now = start
	c.say("ps-01", sent(5))
	if d := c.device(kyocera); d.LastFax != wire.TimeOf(c.now) || d.LastReading != wire.TimeOf(c.now) || !d.Up {
		t.Errorf("last fax %v, last reading %v, up %t: want now, up", d.LastFax, d.LastReading, d.Up)
	}
	c.reopen()
	c.say("ps-01", sent(7))
	if d := c.device(kyocera); d.LastFax != wire.TimeOf(c.now) || d.Counters[0].At != wire.TimeOf(c.now) {
		t.Errorf("last fax %v, counted at %v, want %v", d.LastFax, d.Counters[0].At, c.now)
	}
	c.wantSent(6)
}

func TestLeadIsTakenOverThoughOurOwnClockWasSetBack(t *testing.T) {
	c := newCollector(t)
	c.now = start.Add(4 * 365 * 24 * time.Hour)
	c.say("ps-01", sent(1)) // and it is never heard again
	c.now = start
	c.say("ps-02", sent(2))
	c.now = c.now.Add(3 * time.Minute)
	c.say("ps-02", sent(5))
	c.wantSent(4)
	if d := c.device(kyocera); d.Agent != "ps-02" || !d.Up {
		t.Errorf("lead %s, up %t, want ps-02, up", d.Agent, d.Up)
	}
}

// Our own clock was years behind for a while, as it is where a machine starts with a wrong one.
func TestOurOwnClockWasBehind(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(1))
	first := c.device(kyocera).FirstSeen
	c.say("ps-01", sent(2))
	fax := wire.TimeOf(c.now)
	c.now = start.Add(-10 * 365 * 24 * time.Hour)
	c.say("ps-01", sent(2))
	c.now = start.Add(time.Hour)
	c.say("ps-01", sent(2))
	if d := c.device(kyocera); d.FirstSeen != first || d.LastFax != fax {
		t.Errorf("first seen %v, last fax %v, want %v and %v", d.FirstSeen, d.LastFax, first, fax)
	}
	c.say("ps-01", sent(3))
	c.wantSent(2)
}

func TestHugeJumpsDoNotStopTheReaders(t *testing.T) {
	c := newCollector(t)
	for range 3 {
		for _, value := range []int64{0, 0, math.MaxInt64, math.MaxInt64} {
			c.say("ps-01", sent(value))
			c.now = c.now.Add(25 * time.Hour)
		}
	}
	if held := c.device(kyocera).Counters[0].Held; held != math.MaxInt64 {
		t.Errorf("held: got %d, want as much as can be said", held)
	}
}

func TestJumpIsHeld(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(1))
	c.say("ps-01", sent(100_001))
	c.say("ps-01", sent(100_002))
	c.reopen()
	d := c.device(kyocera)
	if d.Totals[wire.FaxSentPages] != 1 || d.Counters[0].Held != 100_000 || d.Anomalies[ledger.Jump] != 1 {
		t.Errorf("got totals %v, counters %+v, anomalies %v, want 1 booked and 100000 held", d.Totals, d.Counters, d.Anomalies)
	}
	c.say("ps-01", sent(5))
	c.wantSent(4)
	if d := c.device(kyocera); d.Counters[0].Held != 0 {
		t.Errorf("held after it fell back: got %d, want 0", d.Counters[0].Held)
	}
}

func TestAnotherProcessWrites(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(1))
	other := c.open()
	defer other.Close()
	c.now = c.now.Add(time.Minute)
	r := sent(4)
	r.At = wire.TimeOf(c.now)
	second := c.receive("ps-01", c.envelope("ps-01", r))
	if _, err := other.Apply(context.Background(), []ledger.Delivery{second}); err != nil {
		t.Fatal(err)
	}
	if r := c.apply(second)[0]; r.Verdict != ledger.Duplicate || r.Ack != 2 {
		t.Errorf("got %+v, want a duplicate: the other process booked it", r)
	}
	c.say("ps-01", sent(9))
	c.wantSent(8)
}

func TestOpenTwiceMigratesOnce(t *testing.T) {
	c := newCollector(t)
	c.reopen()
	c.say("ps-01", sent(1))
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ledger.Open(context.Background(), path, ledger.Options{})
	if err == nil || !strings.Contains(err.Error(), "open ledger "+path) {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

// TestKilledCollector runs as its own process: it books and says what it acknowledged, until killed.
func TestKilledCollector(t *testing.T) {
	path := os.Getenv("ZEROFAX_TEST_BOOKS")
	if path == "" {
		t.Skip("only as a process of TestKillLosesNothing")
	}
	c := &collector{TB: t, path: path, now: start, seqs: make(map[string]uint64)}
	c.Ledger = c.open()
	for pages := int64(1); ; pages++ {
		fmt.Println("acked", c.say("ps-01", sent(pages)).Ack)
	}
}

func TestKillLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.db")
	self := exec.Command(os.Args[0], "-test.run=^TestKilledCollector$")
	self.Env = append(os.Environ(), "ZEROFAX_TEST_BOOKS="+path)
	out, err := self.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	var acked uint64
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var seq uint64
		if _, err := fmt.Sscanf(lines.Text(), "acked %d", &seq); err != nil {
			continue
		}
		acked = max(acked, seq)
		if acked == 40 {
			self.Process.Kill()
		}
	}
	self.Wait()
	c := &collector{TB: t, path: path, now: start.Add(time.Hour), seqs: make(map[string]uint64)}
	c.Ledger = c.open()
	defer c.Close()
	c.seqs["ps-01"] = acked - 1
	if r := c.say("ps-01", sent(int64(acked))); r.Verdict != ledger.Duplicate || r.Ack < acked {
		t.Errorf("got %+v, want everything up to %d in the books", r, acked)
	}
	if got := c.device(kyocera).Totals[wire.FaxSentPages]; got < int64(acked)-1 {
		t.Errorf("sent pages: got %d, want at least %d", got, acked-1)
	}
}

func TestDeviceAsJSON(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(1))
	text, err := json.Marshal(c.device(kyocera))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"id", "serial", "vendor", "model", "address", "agent", "up", "last_reading", "fax_service", "totals"} {
		if _, ok := got[key]; !ok {
			t.Errorf("%s: missing in %s", key, text)
		}
	}
	if got["vendor"] != "kyocera" || got["last_reading"] != "2026-10-01T08:01:00.000Z" {
		t.Errorf("got %s", text)
	}
}

func TestSnapshotHoldsEverythingAtOneInstant(t *testing.T) {
	c := newCollector(t)
	c.state("ps-01", c.alive("one", start, 7))
	c.say("ps-01", sent(1), wire.Reading{Device: "hp-printer", OK: true, Fax: wire.No})
	c.say("ps-01", sent(3), wire.Reading{Device: "hp-printer", OK: true, Fax: wire.No})
	s, err := c.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if s.At != wire.TimeOf(c.now) || len(s.Devices) != 2 || len(s.Lines) != 1 || len(s.Agents) != 1 {
		t.Fatalf("got %d devices, %d lines, %d agents at %v, want 2, 1, 1 at %v", len(s.Devices), len(s.Lines), len(s.Agents), s.At, c.now)
	}
	if got := s.Lines[0]; got.Device != kyocera || got.Totals[wire.FaxSentPages] != 2 || !got.New || got.Service != "" {
		t.Errorf("line: got %+v, want the kyocera's, 2 pages, unassigned", got)
	}
	if got := s.Agents[0]; got.Devices != 2 || got.Dropped != 7 || !got.Up {
		t.Errorf("agent: got %+v, want it up with 2 devices", got)
	}
	if len(s.Envelopes) != len(ledger.Verdicts()) || s.Envelopes[ledger.Applied] != 2 {
		t.Errorf("envelopes: got %v, want every verdict, 2 applied", s.Envelopes)
	}
}
