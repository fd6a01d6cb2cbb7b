package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/deploy/year"
)

// agent speaks MQTT as zerofax-agent does: with a birth, a will, and a spool that holds what isn't acknowledged.
type agent struct {
	*agentPlan
	spool    *year.Spool
	started  time.Time
	sessions int
	client   mqtt.Client // nil: not connected
	conn     net.Conn
	acks     chan wire.Ack
	revision atomic.Int64    // of what the collector wants it to poll; 0: nothing
	news     chan struct{}   // there is another
	upset    chan chan error // it is told to be disturbed, and answers when it was
	dark     bool            // its machines don't answer
}

func newAgent(plan *agentPlan, started time.Time) *agent {
	return &agent{agentPlan: plan, spool: year.NewSpool(plan.id, started), started: started, acks: make(chan wire.Ack, 10_000), news: make(chan struct{}, 1), upset: make(chan chan error)}
}

// state is what the agent says of itself.
func (a *agent) state(now time.Time, online bool) wire.AgentState {
	s := a.spool.State(now)
	s.Online, s.Session = online, fmt.Sprintf("session-%s-%d", a.id, a.sessions)
	s.Version, s.OS, s.StartedAt = a.version, a.os, wire.TimeOf(a.started)
	switch revision := a.revision.Load(); {
	case revision == 0:
	case a.refuses:
		s.Config = &wire.ConfigState{Refused: revision, Error: "targets[0]: no credentials \"v3\" in agent.yml"}
	default:
		s.Config = &wire.ConfigState{Revision: revision}
	}
	if a.lag > 0 {
		s.Spool.Envelopes, s.Spool.Bytes, s.Spool.Oldest = int(a.lag.Minutes()), int64(a.lag.Minutes())*5200, wire.TimeOf(now.Add(-a.lag))
	}
	return s
}

// connect says that the agent is there.
func (a *agent) connect(broker string, now time.Time) error {
	a.sessions++
	o := mqtt.NewClientOptions().AddBroker("tcp://"+broker).SetClientID(a.id).SetAutoReconnect(false).
		SetBinaryWill(wire.Topic(a.id, wire.KindState), wire.Encode(a.state(now, false)), 1, true).
		SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
			var err error
			a.conn, err = net.Dial("tcp", u.Host)
			return a.conn, err
		})
	client := mqtt.NewClient(o)
	if err := finished(client.Connect()); err != nil {
		return fmt.Errorf("connect %s: %w", a.id, err)
	}
	a.client = client
	for kind, take := range map[wire.Kind]func([]byte){wire.KindAck: a.acknowledged, wire.KindConfig: a.configured} {
		topic := wire.Topic(a.id, kind)
		if err := finished(client.Subscribe(topic, 1, func(_ mqtt.Client, m mqtt.Message) { take(m.Payload()) })); err != nil {
			return fmt.Errorf("subscribe to %s: %w", topic, err)
		}
	}
	return a.live(now)
}

func (a *agent) acknowledged(payload []byte) {
	ack, err := wire.DecodeAck(payload)
	if err != nil {
		return
	}
	select {
	case a.acks <- ack:
	default: // it comes again
	}
}

// configured reads only which revision it is; whether it is authentic is for real agents to know.
func (a *agent) configured(payload []byte) {
	var signed wire.Signed
	var config wire.AgentConfig
	if json.Unmarshal(payload, &signed) != nil || json.Unmarshal(signed.Signed, &config) != nil {
		return
	}
	a.revision.Store(config.Revision)
	select {
	case a.news <- struct{}{}:
	default:
	}
}

func finished(token mqtt.Token) error {
	if !token.WaitTimeout(10 * time.Second) {
		return fmt.Errorf("no answer within 10 s")
	}
	return token.Error()
}

// live says that the agent lives.
func (a *agent) live(now time.Time) error {
	err := finished(a.client.Publish(wire.Topic(a.id, wire.KindState), 1, true, wire.Encode(a.state(now, true))))
	if err != nil {
		return fmt.Errorf("state of %s: %w", a.id, err)
	}
	return nil
}

// die breaks the connection without a word, so that the broker says the will.
func (a *agent) die() {
	if a.client == nil {
		return
	}
	_ = a.conn.Close()
	a.client.Disconnect(0)
	a.client = nil
}

// leave ends the connection, and no will is said.
func (a *agent) leave() {
	if a.client != nil {
		a.client.Disconnect(100)
		a.client = nil
	}
}

// send publishes all that the agent holds until it is acknowledged.
func (a *agent) send(ctx context.Context, now time.Time) error {
	sent := 0
	for deadline := time.After(60 * time.Second); a.spool.Held() > 0; {
		for ; sent < min(16, a.spool.Held()); sent++ {
			a.client.Publish(wire.Topic(a.id, wire.KindReadings), 1, false, a.spool.Envelope(sent, now))
		}
		select {
		case ack := <-a.acks:
			before := a.spool.Held()
			a.spool.Ack(ack)
			sent -= before - a.spool.Held()
		case <-time.After(5 * time.Second):
			sent = 0
		case <-deadline:
			return fmt.Errorf("envelopes of %s are not acknowledged within 60 s", a.id)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// keep spools readings as a batch, while the agent's clock is ahead by so much.
func (a *agent) keep(readings []wire.Reading, ahead time.Duration) error {
	for i := range readings {
		readings[i].At = readings[i].At.Add(ahead)
	}
	a.spool.Clock = ahead
	if err := a.spool.Keep(readings); err != nil {
		return fmt.Errorf("spool of %s: %w", a.id, err)
	}
	return nil
}
