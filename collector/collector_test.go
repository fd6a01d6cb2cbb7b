package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/agent/wire"
)

// running is a whole collector on free ports.
type running struct {
	t    testing.TB
	at   addresses
	stop func()
}

// start runs a collector on dir until the test ends, or stop is called.
func start(t testing.TB, dir string) *running {
	t.Helper()
	c := defaults()
	c.DataDir, c.location, c.probeEvery = dir, time.UTC, 300*time.Millisecond
	c.MQTT.Embedded.Listen, c.HTTP.Listen = "127.0.0.1:0", "127.0.0.1:0"
	ctx, cancel := context.WithCancel(context.Background())
	stands, ended := make(chan addresses, 1), make(chan error, 1)
	go func() {
		ended <- serve(ctx, c, slog.New(slog.NewTextHandler(t.Output(), nil)), func(at addresses) { stands <- at })
	}()
	r := &running{t: t, stop: sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the collector ended with %v", err)
		}
	})}
	t.Cleanup(r.stop)
	select {
	case r.at = <-stands:
	case <-time.After(30 * time.Second):
		t.Fatal("the collector doesn't stand within 30 s")
	}
	r.eventually("it is ready", func() bool { return r.get("-/ready") == "ready\n" })
	return r
}

func (r *running) get(path string) string {
	r.t.Helper()
	resp, err := http.Get(r.at.page + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(body)
}

func (r *running) eventually(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("never: %s", what)
		}
	}
}

// wantMetric waits until /metrics has the line, since what isn't acknowledged can't be waited for otherwise.
func (r *running) wantMetric(line string) {
	r.t.Helper()
	r.eventually("/metrics says "+line, func() bool { return strings.Contains(r.get("metrics"), "\n"+line+"\n") })
}

// totals are what the API tells of a device; nil if it doesn't know it.
func (r *running) totals(device string) map[string]int64 {
	r.t.Helper()
	var list struct {
		Data []struct {
			ID     string
			Totals map[string]int64
		}
	}
	if err := json.Unmarshal([]byte(r.get("api/v1/devices")), &list); err != nil {
		r.t.Fatal(err)
	}
	for _, d := range list.Data {
		if d.ID == device {
			return d.Totals
		}
	}
	return nil
}

// agent speaks to a collector as an agent would.
type agent struct {
	t      testing.TB
	id     string
	client mqtt.Client
	acks   chan wire.Ack
}

func join(t testing.TB, r *running, id string) *agent {
	t.Helper()
	a := &agent{t: t, id: id, acks: make(chan wire.Ack, 1000)}
	a.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(r.at.mqtt).SetClientID(id).SetAutoReconnect(false).SetWriteTimeout(5 * time.Second))
	a.finished(a.client.Connect())
	t.Cleanup(func() { a.client.Disconnect(100) })
	a.finished(a.client.Subscribe(wire.Topic(id, wire.KindAck), 1, func(_ mqtt.Client, m mqtt.Message) {
		if ack, err := wire.DecodeAck(m.Payload()); err == nil {
			a.acks <- ack
		}
	}))
	a.finished(a.client.Publish(wire.Topic(id, wire.KindState), 1, true, wire.Encode(wire.AgentState{
		V: wire.Version, Online: true, Session: "s", Version: "0.1.0", OS: "linux/amd64", SentAt: wire.TimeOf(time.Now()),
		StartedAt: wire.TimeOf(time.Now()), Spool: wire.SpoolState{Envelopes: 3, Dropped: 2},
	})))
	return a
}

func (a *agent) finished(token mqtt.Token) {
	a.t.Helper()
	if !token.WaitTimeout(10 * time.Second) {
		a.t.Fatal("no answer from the broker within 10 s")
	}
	if err := token.Error(); err != nil {
		a.t.Fatal(err)
	}
}

func (a *agent) say(payload []byte) {
	a.t.Helper()
	a.finished(a.client.Publish(wire.Topic(a.id, wire.KindReadings), 1, false, payload))
}

// wantAck wants the next ack to be for all up to seq.
func (a *agent) wantAck(seq uint64, after string) {
	a.t.Helper()
	select {
	case ack := <-a.acks:
		if ack.Seq != seq || ack.Stream != stream {
			a.t.Errorf("%s: acknowledged %s/%d, want %d", after, ack.Stream, ack.Seq, seq)
		}
	case <-time.After(10 * time.Second):
		a.t.Fatalf("%s: no ack within 10 s, want %d", after, seq)
	}
}

const stream = "stream-of-tests"

// envelope holds one reading of device, whose sent pages stand at value.
func envelope(agent string, seq, oldest uint64, device string, value int64) []byte {
	at := time.Now().Add(-time.Hour).Add(time.Duration(seq) * time.Minute)
	return wrap(agent, seq, oldest, fmt.Sprintf(
		`[{"device":%q,"at":%q,"uptime_ms":%d,"ok":true,"fax":"yes","counters":[{"measure":"fax_sent_pages","unit":"pages","rule":"r","value":%d}]}]`,
		device, wire.TimeOf(at), 1e6+seq*60_000, value))
}

func wrap(agent string, seq, oldest uint64, readings string) []byte {
	return wire.AppendEnvelope(nil, wire.Header{
		Agent: agent, Stream: stream, First: seq, Seq: seq, Oldest: oldest, SentAt: wire.TimeOf(time.Now()),
	}, []byte(readings))
}

func TestEachFaxCountsOnceWhateverComesInBetween(t *testing.T) {
	defer goleak.VerifyNone(t)
	defer http.DefaultClient.CloseIdleConnections()
	dir := t.TempDir()
	c := start(t, dir)
	a := join(t, c, "ps-01")

	a.say(envelope("ps-01", 1, 1, "kyocera-a", 100))
	a.wantAck(1, "the baseline")
	a.say(envelope("ps-01", 2, 1, "kyocera-a", 103))
	a.wantAck(2, "three pages")
	a.say(envelope("ps-01", 1, 1, "kyocera-a", 100))
	a.wantAck(2, "a duplicate")
	a.say(envelope("ps-01", 5, 3, "kyocera-a", 109))
	a.wantAck(2, "one that comes too early")
	a.say([]byte(`{"v":1,"agent":`))
	c.wantMetric(`zerofax_collector_envelopes_total{result="unreadable"} 1`)

	a.say(append(envelope("ps-01", 3, 3, "kyocera-a", 104), strings.Repeat(" ", wire.MaxEnvelope)...))
	a.wantAck(3, "an oversized one, which no repetition would mend")
	a.say(envelope("ps-02", 4, 4, "stolen-a", 1))
	a.wantAck(4, "one in another agent's name")
	bad := `{"device":"NO!","at":"2026-10-01T00:00:00.000Z","ok":true}`
	good := fmt.Sprintf(`{"device":"kyocera-a","at":%q,"ok":true,"counters":[{"measure":"fax_sent_pages","unit":"pages","rule":"r","value":110}]}`,
		wire.TimeOf(time.Now().Add(-time.Minute)))
	a.say(wrap("ps-01", 5, 5, "["+bad+","+good+"]"))
	a.wantAck(5, "a bad reading beside a good one")

	check := func(c *running) {
		t.Helper()
		if got := c.totals("kyocera-a")["fax_sent_pages"]; got != 10 {
			t.Errorf("the API counts %d pages, want 10", got)
		}
		if c.totals("stolen-a") != nil {
			t.Error("an envelope in another agent's name was booked")
		}
		for _, line := range []string{
			`zerofax_fax_pages_total{direction="sent",establishment="",pole="",service=""} 10`,
			`zerofax_device_counted_total{device="kyocera-a",measure="fax_sent_pages",unit="pages"} 10`,
			`zerofax_active_lines{establishment="",pole="",service=""} 1`,
			`zerofax_collector_envelopes_total{result="duplicate"} 1`,
			`zerofax_collector_envelopes_total{result="early"} 1`,
			`zerofax_collector_envelopes_total{result="quarantined"} 2`,
			`zerofax_collector_envelopes_total{result="applied"} 3`,
			`zerofax_agent_info{agent="ps-01",os="linux/amd64",version="0.1.0"} 1`,
			`zerofax_agent_dropped_readings_total{agent="ps-01"} 2`,
		} {
			c.wantMetric(line)
		}
		if page := c.get("machines?lang=fr"); !strings.Contains(page, "kyocera-a") || !strings.Contains(page, "10 pages") || !strings.Contains(page, "quarantaine") {
			t.Error("the page doesn't show the machine, its pages or what is in quarantine")
		}
	}
	check(c)
	a.client.Disconnect(100)
	c.stop()

	c = start(t, dir) // the books are as they were, and the retained state is still there
	check(c)
	c.wantMetric(`zerofax_agent_up{agent="ps-01"} 1`)
	a = join(t, c, "ps-01")
	a.say(envelope("ps-01", 5, 5, "kyocera-a", 110))
	a.wantAck(5, "said again after a restart")
	a.client.Disconnect(100)
	c.stop()
}

func TestTheCollectorSaysToAgentsWhetherItIsThere(t *testing.T) {
	c := start(t, t.TempDir())
	a := join(t, c, "ps-01")
	states := make(chan wire.CollectorState, 10)
	a.finished(a.client.Subscribe(wire.CollectorStateTopic, 1, func(_ mqtt.Client, m mqtt.Message) {
		if s, err := wire.DecodeCollectorState(m.Payload()); err == nil {
			states <- s
		}
	}))
	select {
	case s := <-states:
		if !s.Online {
			t.Errorf("got %+v, want online", s)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is said within 10 s")
	}
}
