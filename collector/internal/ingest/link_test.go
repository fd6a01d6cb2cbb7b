package ingest_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/broker"
	"github.com/zerofax/zerofax/collector/internal/ingest"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// echo acknowledges every envelope by its own number.
type echo struct {
	mu     sync.Mutex
	states []wire.AgentState
}

func (e *echo) Apply(_ context.Context, deliveries []ledger.Delivery) ([]ledger.Result, error) {
	results := make([]ledger.Result, len(deliveries))
	for i, d := range deliveries {
		results[i] = ledger.Result{Verdict: ledger.Applied, Stream: d.Envelope.Stream, Ack: d.Envelope.Seq, CRC: d.Envelope.CRC, Send: true}
	}
	return results, nil
}

func (e *echo) AgentState(_ context.Context, _ string, s wire.AgentState, _ time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.states = append(e.states, s)
	return nil
}

func (e *echo) heard() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.states)
}

func startBroker(t *testing.T, dir, listen string) *broker.Broker {
	t.Helper()
	b, err := broker.Start(t.Context(), broker.Options{Dir: dir, Listen: listen, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func startIngest(t *testing.T, url string, books ingest.Books) *ingest.Ingest {
	t.Helper()
	in := ingest.New(ingest.Options{URL: url, Books: books, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return in
}

// agent is a client that hears its acks and what the collector says of itself.
type agent struct {
	client mqtt.Client
	acks   chan wire.Ack
	states chan wire.CollectorState
}

func startAgent(t *testing.T, url string) *agent {
	t.Helper()
	a := &agent{acks: make(chan wire.Ack, 100), states: make(chan wire.CollectorState, 100)}
	a.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID("ps-01").SetAutoReconnect(false).SetWriteTimeout(5 * time.Second))
	finished(t, a.client.Connect())
	t.Cleanup(func() { a.client.Disconnect(100) })
	finished(t, a.client.Subscribe(wire.Topic("ps-01", wire.KindAck), 1, func(_ mqtt.Client, m mqtt.Message) {
		if ack, err := wire.DecodeAck(m.Payload()); err == nil {
			a.acks <- ack
		}
	}))
	finished(t, a.client.Subscribe(wire.CollectorStateTopic, 1, func(_ mqtt.Client, m mqtt.Message) {
		if state, err := wire.DecodeCollectorState(m.Payload()); err == nil {
			a.states <- state
		}
	}))
	return a
}

func (a *agent) say(t *testing.T, seq uint64) {
	t.Helper()
	finished(t, a.client.Publish(wire.Topic("ps-01", wire.KindReadings), 1, false, wire.AppendEnvelope(nil, wire.Header{
		Agent: "ps-01", Stream: "stream-of-tests", First: seq, Seq: seq, Oldest: seq, SentAt: wire.TimeOf(time.Now()),
	}, []byte("[]"))))
}

// awaitRetained returns once the broker hands out what it retains of a topic: it takes notice of a
// retained message a little after it acknowledged it. (An agent says its state again every minute.)
func (a *agent) awaitRetained(t *testing.T, topic string) {
	t.Helper()
	retained := make(chan struct{}, 100)
	eventually(t, "the broker retains "+topic, func() bool {
		finished(t, a.client.Subscribe(topic, 1, func(mqtt.Client, mqtt.Message) { retained <- struct{}{} }))
		finished(t, a.client.Unsubscribe(topic))
		return len(retained) > 0
	})
}

func finished(t *testing.T, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(10 * time.Second) {
		t.Fatal("no answer from the broker within 10 s")
	}
	if err := token.Error(); err != nil {
		t.Fatal(err)
	}
}

func next[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("no %s within 10 s", what)
		panic("unreachable")
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAnEnvelopeIsAcknowledgedToItsAgent(t *testing.T) {
	b := startBroker(t, t.TempDir(), "127.0.0.1:0")
	defer b.Close()
	in := startIngest(t, b.URL(), &echo{})
	eventually(t, "ingest is ready", func() bool { return in.Ready() == nil })
	a := startAgent(t, b.URL())
	if s := next(t, "state of the collector", a.states); !s.Online || s.Session == "" || s.SentAt == 0 || !s.Events {
		t.Errorf("the collector says %+v, want that it is online and takes events", s)
	}
	a.say(t, 1)
	if ack := next(t, "ack", a.acks); ack.Seq != 1 || ack.Stream != "stream-of-tests" || ack.CRC != wire.CRC([]byte("[]")) {
		t.Errorf("got %+v", ack)
	}
}

func TestStatesSaidBeforeTheCollectorCameAreHeard(t *testing.T) {
	b := startBroker(t, t.TempDir(), "127.0.0.1:0")
	defer b.Close()
	a := startAgent(t, b.URL())
	finished(t, a.client.Publish(wire.Topic("ps-01", wire.KindState), 1, true, wire.Encode(wire.AgentState{V: 1, Online: true, Session: "s"})))
	a.awaitRetained(t, wire.Topic("ps-01", wire.KindState))
	books := &echo{}
	startIngest(t, b.URL(), books)
	eventually(t, "the retained state is booked", func() bool { return books.heard() == 1 })
}

func TestALostBrokerIsFoundAgain(t *testing.T) {
	b := startBroker(t, t.TempDir(), "127.0.0.1:0")
	in := startIngest(t, b.URL(), &echo{})
	eventually(t, "ingest is ready", func() bool { return in.Ready() == nil })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ingest says why it isn't ready", func() bool { return in.Ready() != nil })

	b = startBroker(t, t.TempDir(), b.Addr()) // with an empty state
	defer b.Close()
	eventually(t, "ingest is ready again", func() bool { return in.Ready() == nil })
	a := startAgent(t, b.URL())
	a.say(t, 2)
	if ack := next(t, "ack", a.acks); ack.Seq != 2 {
		t.Errorf("got %+v", ack)
	}
}

func TestAStoppedCollectorSaysThatItIsOffline(t *testing.T) {
	b := startBroker(t, t.TempDir(), "127.0.0.1:0")
	defer b.Close()
	a := startAgent(t, b.URL())
	t.Run("runs", func(t *testing.T) {
		in := startIngest(t, b.URL(), &echo{})
		eventually(t, "ingest is ready", func() bool { return in.Ready() == nil })
		if s := next(t, "state", a.states); !s.Online {
			t.Errorf("got %+v, want online", s)
		}
	})
	for next(t, "state that says it is offline", a.states).Online {
	}
}

func TestWithoutABrokerItKeepsTryingAndEndsWhenTold(t *testing.T) {
	in := startIngest(t, "mqtt://127.0.0.1:1", &echo{})
	if in.Ready() == nil {
		t.Error("ready without a broker")
	}
}
