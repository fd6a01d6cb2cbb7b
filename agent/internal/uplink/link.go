package uplink

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/zerofax/zerofax/agent/wire"
)

// link is one connection, from birth to loss or goodbye. Its channels are filled by the
// client's handlers, which never block: what doesn't fit is dropped, and said again.
type link struct {
	uplink  *Uplink
	opts    *Options
	id      string // random: tells this connection's will from an older one's
	client  mqtt.Client
	conn    net.Conn // below the client
	lost    chan error
	acks    chan wire.Ack
	present chan bool   // the collector's latest hint
	answers chan []byte // to a request for a certificate

	unconfirmed []mqtt.Token
	said        wire.Time // when the last state was sent
}

// session connects, and sends until the link is lost, which is an error, or ctx ends.
// answered tells whether the collector did, so that the next try may come soon.
func (u *Uplink) session(ctx context.Context) (answered bool, err error) {
	l := &link{
		uplink: u, opts: &u.opts, id: random(),
		lost: make(chan error, 1), acks: make(chan wire.Ack, 64), present: make(chan bool, 1), answers: make(chan []byte, 1),
	}
	if err := l.connect(ctx); err != nil {
		return false, err
	}
	defer l.drop()
	if err := l.subscribe(ctx); err != nil {
		return false, err
	}
	if err := l.say(true); err != nil {
		return false, err
	}
	u.note(func(s *State) { s.Connected, s.Error = u.opts.Now(), "" })
	u.opts.Log.Info("connected to the broker", "url", u.opts.URL, "session", l.id)
	return l.run(ctx)
}

// run is the only place that publishes.
func (l *link) run(ctx context.Context) (answered bool, err error) {
	s := newSender(l)
	presence := time.NewTicker(l.opts.Presence)
	defer presence.Stop()
	if err := l.ask(); err != nil {
		return false, err
	}
	for {
		if err := s.pump(); err != nil {
			return s.answered, err
		}
		select {
		case <-ctx.Done():
			l.goodbye()
			return s.answered, nil
		case err := <-l.lost:
			return s.answered, err
		case ack := <-l.acks:
			s.ack(ack)
		case online := <-l.present:
			s.hint(online)
		case <-l.opts.Spool.Changed():
		case <-s.timer.C:
			s.rewind()
		case <-l.opts.News:
			if err := l.say(true); err != nil {
				return s.answered, err
			}
		case <-presence.C:
			if err := errors.Join(l.say(true), l.ask()); err != nil {
				return s.answered, err
			}
		case answer := <-l.answers:
			if l.opts.Identity.Take(answer) {
				l.client.Disconnect(250) // no will: the next connection begins at once
				return true, errRenewed
			}
		}
	}
}

// errRenewed is why a link ends that is to begin anew with another certificate.
var errRenewed = errors.New("certificate renewed")

// ask asks for the next certificate if it is time to.
func (l *link) ask() error {
	if l.opts.Identity == nil {
		return nil
	}
	request := l.opts.Identity.Request()
	if request == nil {
		return nil
	}
	_, err := l.publish(l.topic(wire.KindRequest), false, request)
	return err
}

func (l *link) connect(ctx context.Context) error {
	broker, err := l.opts.broker()
	if err != nil {
		return err
	}
	var opened func() bool
	opts := mqtt.NewClientOptions().
		SetClientID(l.opts.Agent).
		SetUsername(l.opts.Username).
		SetPassword(l.opts.Password).
		SetProtocolVersion(4).
		SetCleanSession(true).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetOrderMatters(true).
		SetConnectTimeout(l.opts.connectLimit()).
		SetWriteTimeout(l.opts.WriteTimeout).
		SetKeepAlive(l.opts.KeepAlive).
		SetPingTimeout(l.opts.WriteTimeout).
		SetBinaryWill(l.topic(wire.KindState), wire.Encode(l.state(false)), 1, true).
		SetDefaultPublishHandler(l.receive).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { offer(l.lost, err) }).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			conn, err := broker.dial(ctx, l.opts.connectLimit())
			if err == nil {
				l.conn = conn
				opened = context.AfterFunc(ctx, func() { _ = conn.Close() }) // the broker may never answer
			}
			return conn, err
		})
	opts.Servers = []*url.URL{broker.url}
	l.client = mqtt.NewClient(opts)
	token := l.client.Connect()
	<-token.Done()
	if opened != nil && !opened() {
		l.drop()
		return ctx.Err()
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("connect: %w%s", err, broker.hint(err, l.opts.Agent))
	}
	return nil
}

// hint is what to do if the broker doesn't want the certificate that it was shown.
func (b *broker) hint(err error, agent string) string {
	if b.tls == nil || len(b.tls.Certificates) == 0 || !errors.Is(err, packets.ErrorRefusedNotAuthorised) && !strings.Contains(err.Error(), "remote error: tls") {
		return ""
	}
	return fmt.Sprintf(" (the broker refuses this agent's certificate: if it was revoked or is over, enrol the agent again: zerofax-collector enroll %s)", agent)
}

// drop ends the connection without a word, so that the broker publishes the will.
func (l *link) drop() {
	_ = l.conn.Close()
	l.client.Disconnect(0)
}

// subscribe waits for the broker's answer: without acks there is no use in sending.
func (l *link) subscribe(ctx context.Context) error {
	ack, config := l.topic(wire.KindAck), l.topic(wire.KindConfig)
	topics := map[string]byte{ack: 1, config: 1, wire.CollectorStateTopic: 1}
	if l.opts.Identity != nil {
		topics[l.topic(wire.KindCertificate)] = 1
	}
	token := l.client.SubscribeMultiple(topics, nil)
	select {
	case <-token.Done():
	case <-ctx.Done():
		return ctx.Err()
	case err := <-l.lost:
		return err
	case <-time.After(l.opts.connectLimit()):
		return errors.New("subscribe: no answer")
	}
	const refused = 0x80 // MQTT 3.1.1, 3.9.3
	for topic, code := range token.(*mqtt.SubscribeToken).Result() {
		switch {
		case code != refused:
		case topic == ack:
			return fmt.Errorf("subscribe: the broker refuses %s to agent %q", topic, l.opts.Agent)
		default:
			l.opts.Log.Warn("the broker refuses a subscription", "topic", topic)
		}
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// receive runs in the client's own goroutine and must not block.
func (l *link) receive(_ mqtt.Client, m mqtt.Message) {
	switch m.Topic() {
	case l.topic(wire.KindAck):
		ack, err := wire.DecodeAck(m.Payload())
		if err != nil {
			l.opts.Log.Warn("unreadable message", "topic", m.Topic(), "error", err)
			return
		}
		offer(l.acks, ack)
	case wire.CollectorStateTopic:
		state := wire.CollectorState{Online: true} // an empty message takes the retained one away
		if len(m.Payload()) > 0 {
			var err error
			if state, err = wire.DecodeCollectorState(m.Payload()); err != nil {
				l.opts.Log.Warn("unreadable message", "topic", m.Topic(), "error", err)
				return
			}
		}
		if state.Online && len(m.Payload()) > 0 {
			l.uplink.note(func(s *State) { s.Events, s.Books = state.Events, state.Books })
		}
		select {
		case <-l.present:
		default:
		}
		offer(l.present, state.Online)
	case l.topic(wire.KindConfig):
		l.opts.Config(m.Payload())
	case l.topic(wire.KindCertificate):
		offer(l.answers, m.Payload())
	}
}

func offer[T any](c chan T, value T) {
	select {
	case c <- value:
	default:
	}
}

func (l *link) topic(kind wire.Kind) string { return wire.Topic(l.opts.Agent, kind) }

func (l *link) state(online bool) wire.AgentState {
	state := l.opts.State()
	state.V, state.Online, state.Session = wire.Version, online, l.id
	state.SentAt = wire.TimeOf(l.opts.Now())
	if behind := l.said.Sub(state.SentAt); behind >= 0 && behind < time.Second {
		state.SentAt = l.said + 1 // or the collector would take it for the same, said again by the broker
	}
	l.said = state.SentAt
	// The collector would refuse all of it for one text too long, and JSON makes three bytes of
	// every byte that is no UTF-8.
	text := state.Spool.Error
	state.Spool.Error = strings.ToValidUTF8(text[:min(len(text), wire.MaxText)], "")
	return state
}

func (l *link) say(online bool) error {
	_, err := l.publish(l.topic(wire.KindState), true, wire.Encode(l.state(online)))
	return err
}

// mostUnconfirmed is how many messages the client may hold in memory because the broker
// didn't confirm them. A broker that confirms nothing is as good as gone.
const mostUnconfirmed = 64

// publish hands a message to the client. It takes no promise from the token; one that has
// failed already tells of a dead link.
func (l *link) publish(topic string, retained bool, payload []byte) (mqtt.Token, error) {
	pending := l.unconfirmed[:0]
	for _, token := range l.unconfirmed {
		select {
		case <-token.Done():
		default:
			pending = append(pending, token)
		}
	}
	l.unconfirmed = pending
	if len(pending) >= mostUnconfirmed {
		return nil, fmt.Errorf("the broker confirms nothing: %d messages wait", len(pending))
	}
	token := l.client.Publish(topic, 1, retained, payload)
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return nil, fmt.Errorf("publish: %w", err)
		}
	default:
		l.unconfirmed = append(l.unconfirmed, token)
	}
	return token, nil
}

// goodbye says that the agent stops. If that doesn't get through, the will says it.
func (l *link) goodbye() {
	token, err := l.publish(l.topic(wire.KindState), true, wire.Encode(l.state(false)))
	if err == nil && token.WaitTimeout(time.Second) {
		l.client.Disconnect(250)
	}
}

func random() string {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails, since Go 1.24
	return hex.EncodeToString(id)
}

// broker is where to dial, and how.
type broker struct {
	url *url.URL
	tls *tls.Config // nil = in the clear
}

func (o *Options) broker() (broker, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return broker{}, fmt.Errorf("broker: %w", err)
	}
	if u.Hostname() == "" {
		return broker{}, fmt.Errorf("broker %q: want mqtt://host:1883 or mqtts://host:8883", o.URL)
	}
	switch u.Scheme {
	case "mqtt", "tcp":
		return broker{url: withPort(u, "1883")}, nil
	case "mqtts", "ssl", "tls":
		config, err := o.tls(u.Hostname())
		return broker{url: withPort(u, "8883"), tls: config}, err
	}
	return broker{}, fmt.Errorf("broker %q: want mqtt:// or mqtts://", o.URL)
}

func withPort(u *url.URL, port string) *url.URL {
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	return u
}

func (o *Options) tls(host string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.Identity != nil {
		var err error
		if config, err = o.Identity.TLS(); err != nil {
			return nil, err
		}
	}
	config.ServerName = host
	return config, nil
}

func (b *broker) dial(ctx context.Context, limit time.Duration) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: limit}
	if b.tls == nil {
		return dialer.DialContext(ctx, "tcp", b.url.Host)
	}
	ctx, cancel := context.WithTimeout(ctx, limit) // the handshake too
	defer cancel()
	return (&tls.Dialer{NetDialer: dialer, Config: b.tls}).DialContext(ctx, "tcp", b.url.Host)
}
