package ingest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	random "math/rand/v2"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/wire"
)

const (
	clientID   = "zerofax-collector"
	stateEvery = time.Minute
	stateAgain = 2 * time.Second // after the first time: see talk

	firstRetry = 500 * time.Millisecond
	lastRetry  = 10 * time.Second

	connectLimit   = 10 * time.Second
	subscribeLimit = 10 * time.Second
	writeLimit     = 5 * time.Second // without it Publish blocks 30 s on a link that has just died
	farewellLimit  = time.Second
	quiesceMS      = 250
)

var (
	errNotYet  = errors.New("not connected to the MQTT broker yet")
	errRefused = errors.New("subscription refused by the broker: may this user read zerofax/v1/agents/#?")
)

// keepLink holds a connection to the broker. The client library's own reconnecting is off:
// it would send the first will again, and complete tokens that were never acknowledged.
func (in *Ingest) keepLink(ctx context.Context) {
	told := false
	for retry := firstRetry; ; retry = min(retry*2, lastRetry) {
		connected, err := in.session(ctx)
		if ctx.Err() != nil {
			return
		}
		in.health.set(&in.health.link, err)
		if connected {
			retry, told = firstRetry, false
		}
		if !told {
			in.options.Log.Warn("no link to the MQTT broker; trying on", "url", in.options.URL, "error", err)
			told = true
		}
		if !sleep(ctx, retry/2+random.N(retry/2)) {
			return
		}
	}
}

// session is one connection from birth to loss. It always returns an error: why it ended.
func (in *Ingest) session(ctx context.Context) (connected bool, err error) {
	name := rand.Text()
	lost := make(chan error, 1)
	client := mqtt.NewClient(in.clientOptions(name, lost))
	if err := wait(ctx, client.Connect(), connectLimit); err != nil {
		client.Disconnect(0)
		return false, fmt.Errorf("connect to %s: %w", in.options.URL, err)
	}
	defer client.Disconnect(quiesceMS)
	if err := in.subscribe(ctx, client); err != nil {
		return false, err
	}
	in.health.set(&in.health.link, nil)
	in.present.set(client)
	defer in.present.set(nil)
	in.options.Log.Info("linked to the MQTT broker", "url", in.options.URL)
	return true, in.talk(ctx, client, name, lost)
}

// subscribe is done anew in every session. Retained states come in by it.
func (in *Ingest) subscribe(ctx context.Context, client mqtt.Client) error {
	token := client.SubscribeMultiple(map[string]byte{
		wire.Topic("+", wire.KindReadings): 1,
		wire.Topic("+", wire.KindState):    1,
		wire.Topic("+", wire.KindRequest):  1,
	}, in.receive)
	if err := wait(ctx, token, subscribeLimit); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	for _, granted := range token.(*mqtt.SubscribeToken).Result() {
		if granted > 1 {
			return errRefused
		}
	}
	return nil
}

// talk says that the collector is there and sends acks and answers, until the link is lost or ctx ends.
// It soon says so again: a broker may deliver a retained message before it keeps it for who comes next,
// and agents come back in that very moment. They would read no journal until the next minute's.
func (in *Ingest) talk(ctx context.Context, client mqtt.Client, session string, lost <-chan error) error {
	again := time.NewTimer(stateAgain)
	defer again.Stop()
	in.sayState(client, session, true)
	in.out.nudge() // what gathered while there was no link
	for {
		select {
		case <-in.out.wake:
			for topic, payload := range in.out.take() {
				client.Publish(topic, 1, false, payload)
			}
		case <-again.C:
			in.sayState(client, session, true)
			again.Reset(stateEvery)
		case err := <-lost:
			return fmt.Errorf("link lost: %w", err)
		case <-ctx.Done():
			// Waited for, or an embedded broker would end with it half done.
			_ = wait(context.WithoutCancel(ctx), in.sayState(client, session, false), farewellLimit)
			return ctx.Err()
		}
	}
}

func (in *Ingest) sayState(client mqtt.Client, session string, online bool) mqtt.Token {
	state := wire.CollectorState{V: wire.Version, Online: online, Session: session, SentAt: wire.TimeOf(in.options.Now()), Events: true, Books: in.options.Since}
	return client.Publish(wire.CollectorStateTopic, 1, true, wire.Encode(state))
}

func (in *Ingest) clientOptions(session string, lost chan<- error) *mqtt.ClientOptions {
	will := wire.Encode(wire.CollectorState{V: wire.Version, Session: session})
	o := mqtt.NewClientOptions().
		AddBroker(in.options.URL).
		SetClientID(clientID).
		SetCleanSession(true).
		SetOrderMatters(true).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetConnectTimeout(connectLimit).
		SetWriteTimeout(writeLimit).
		SetKeepAlive(20*time.Second).
		SetBinaryWill(wire.CollectorStateTopic, will, 1, true).
		SetDefaultPublishHandler(in.receive).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	if in.options.Username != "" {
		o.SetUsername(in.options.Username).SetPassword(in.options.Password)
	}
	if in.options.TLS != nil {
		o.SetTLSConfig(in.options.TLS)
	}
	return o
}

func wait(ctx context.Context, token mqtt.Token, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case <-token.Done():
		return token.Error()
	case <-ctx.Done():
		return fmt.Errorf("no answer: %w", ctx.Err())
	}
}
