//go:build e2e

package e2e

import (
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/freeport"
	"github.com/zerofax/zerofax/agent/wire"
)

// fort is a collector whose broker lets in enrolled agents alone: its own, or mosquitto as deploy/mosquitto sets it up.
type fort struct {
	t         *testing.T
	dir       string
	broker    string // host:port
	page      string
	mosquitto *program // nil: the collector's own broker

	seqs map[string]uint64 // how far each agent has counted
}

func newFort(t *testing.T, mosquitto bool) *fort {
	t.Helper()
	f := &fort{t: t, dir: t.TempDir(), seqs: make(map[string]uint64), broker: fmt.Sprintf("127.0.0.1:%d", freeport.Must(t))}
	http := fmt.Sprintf("127.0.0.1:%d", freeport.Must(t))
	f.page = "http://" + http
	broker := fmt.Sprintf("{external_url: mqtts://%s, embedded: {listen: %[1]s}}", f.broker)
	if mosquitto {
		broker = fmt.Sprintf("{url: mqtts://%s, ca_file: mqtt/authority.pem, cert_file: mqtt/collector.pem, key_file: mqtt/collector.key}", f.broker)
		f.command("broker", "mqtt", "--name", "127.0.0.1", "--config", f.file("plain.yml", "data_dir: books\n"))
		f.startMosquitto()
	}
	f.file("collector.yml", fmt.Sprintf("data_dir: books\nmqtt: %s\nhttp: {listen: %s}\n", broker, http))
	start(t, f.dir, "zerofax-collector", "run", "--config", "collector.yml")
	eventually(t, 20*time.Second, "the collector is ready", func() string {
		if get(f.page+"/-/ready") == "" {
			return "it isn't"
		}
		return ""
	})
	return f
}

// startMosquitto starts it with the files that are handed out, on a port and in folders of its own.
func (f *fort) startMosquitto() {
	f.t.Helper()
	for _, name := range []string{"mosquitto.conf", "acl"} {
		text, err := os.ReadFile(filepath.Join("..", "mosquitto", name))
		if err != nil {
			f.t.Fatal(err)
		}
		host, port, _ := strings.Cut(f.broker, ":")
		f.file(filepath.Join("mqtt", name), strings.NewReplacer(
			"/etc/mosquitto/zerofax/", filepath.Join(f.dir, "mqtt")+"/",
			"/var/lib/mosquitto/", f.dir+"/",
			"listener 8883", "listener "+port+" "+host,
		).Replace(string(text)))
	}
	// As root it would become the user mosquitto, who can't read the test's folder.
	if os.Getuid() == 0 {
		config := filepath.Join(f.dir, "mqtt", "mosquitto.conf")
		text, err := os.ReadFile(config)
		if err != nil {
			f.t.Fatal(err)
		}
		writeFile(f.t, config, "user root\n"+string(text))
	}
	f.mosquitto = start(f.t, f.dir, "mosquitto", "-c", "mqtt/mosquitto.conf")
	eventually(f.t, 10*time.Second, "mosquitto listens", func() string {
		c, err := net.Dial("tcp", f.broker)
		if err != nil {
			return err.Error()
		}
		c.Close()
		return ""
	})
}

func (f *fort) file(name, text string) string {
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		f.t.Fatal(err)
	}
	writeFile(f.t, path, text)
	return path
}

// command runs the collector's program; --config is its own unless args say otherwise.
func (f *fort) command(args ...string) (stdout string) {
	f.t.Helper()
	if args[0] == "broker" {
		args[1] = filepath.Join(f.dir, args[1])
	}
	if !slices.Contains(args, "--config") {
		args = append(args, "--config", filepath.Join(f.dir, "collector.yml"))
	}
	stdout, stderr, code := run(f.t, "zerofax-collector", args...)
	if code != 0 {
		f.t.Fatalf("zerofax-collector %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

func (f *fort) enrol(agent string, more ...string) bundle.Bundle {
	f.t.Helper()
	b, err := bundle.Decode(agent, []byte(f.command(append([]string{"enroll", agent, "-o", "-"}, more...)...)))
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

// proof is what somebody shows who has a bundle.
func proof(t *testing.T, b bundle.Bundle) *tls.Config {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(b.Certificate), []byte(string(b.Key)))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(cmp.Or(b.BrokerCA, b.Authority)))
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool}
}

// peer is a client at the broker, and what it heard.
type peer struct {
	mqtt.Client
	name string
	lost chan struct{}
	conn *net.TCPConn // below it

	mu    sync.Mutex
	heard []string // topic and payload
}

// connect tries to be a client; who overrides what is usual for an agent.
func (f *fort) connect(id string, show *tls.Config, who ...func(*mqtt.ClientOptions)) (*peer, error) {
	p := &peer{name: id, lost: make(chan struct{})}
	o := mqtt.NewClientOptions().AddBroker("mqtts://" + f.broker).SetClientID(id).SetTLSConfig(show).SetProtocolVersion(4).
		SetAutoReconnect(false).SetConnectTimeout(5 * time.Second).SetWriteTimeout(5 * time.Second).
		SetConnectionLostHandler(func(mqtt.Client, error) { close(p.lost) }).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.heard = append(p.heard, m.Topic()+" "+string(m.Payload()))
		}).
		SetCustomOpenConnectionFn(func(u *url.URL, o mqtt.ClientOptions) (net.Conn, error) {
			conn, err := net.DialTimeout("tcp", u.Host, 5*time.Second)
			if err != nil || u.Scheme != "mqtts" {
				return conn, err
			}
			config := o.TLSConfig.Clone()
			config.ServerName = u.Hostname()
			p.conn = conn.(*net.TCPConn)
			return tls.Client(conn, config), nil
		})
	for _, change := range who {
		change(o)
	}
	p.Client = mqtt.NewClient(o)
	token := p.Connect()
	if !token.WaitTimeout(10 * time.Second) {
		return nil, fmt.Errorf("no answer within 10 s")
	}
	if token.Error() == nil {
		f.t.Cleanup(func() { p.Disconnect(0) })
	}
	return p, token.Error()
}

// agent is a connected agent that listens as agents do.
func (f *fort) agent(b bundle.Bundle, who ...func(*mqtt.ClientOptions)) *peer {
	f.t.Helper()
	p, err := f.connect(b.Agent, proof(f.t, b), who...)
	if err != nil {
		f.t.Fatalf("connect %s: %v", b.Agent, err)
	}
	filters := map[string]byte{wire.CollectorStateTopic: 1}
	for _, kind := range wire.ToAgent() {
		filters[wire.Topic(b.Agent, kind)] = 1
	}
	token := p.SubscribeMultiple(filters, nil)
	if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		f.t.Fatalf("subscribe %s: %v", b.Agent, token.Error())
	}
	return p
}

func (p *peer) connected() bool {
	select {
	case <-p.lost:
		return false
	default:
		return true
	}
}

// dies ends the connection as a crash does, and waits until the broker has noticed.
func (p *peer) dies(t *testing.T) {
	t.Helper()
	if err := p.conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.lost:
	case <-time.After(10 * time.Second):
		t.Fatal("the broker goes on with a connection that is cut")
	}
}

// heardOn are the payloads heard on topics that start so.
func (p *peer) heardOn(prefix string) (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.heard {
		if strings.HasPrefix(text, prefix) {
			all = append(all, text)
		}
	}
	return all
}

// talks lets an agent send an empty envelope and wait for its ack: all that it published before has been
// dealt with by then.
func (f *fort) talks(t *testing.T, p *peer) {
	t.Helper()
	f.seqs[p.name]++
	p.Publish(wire.Topic(p.name, wire.KindReadings), 1, false, envelopeOf(p.name, f.seqs[p.name]))
	want := fmt.Sprintf(`"seq":%d,`, f.seqs[p.name])
	eventually(t, 10*time.Second, p.name+" is acknowledged", func() string {
		acks := p.heardOn(wire.Topic(p.name, wire.KindAck))
		if slices.ContainsFunc(acks, func(text string) bool { return strings.Contains(text, want) }) {
			return ""
		}
		return fmt.Sprintf("got %v, want %s; connected: %t", acks, want, p.connected())
	})
}

func envelopeOf(agent string, seq uint64) []byte {
	return wire.AppendEnvelope(nil, wire.Header{
		Agent: agent, Stream: "stream-of-" + agent, First: seq, Seq: seq, Oldest: 1, SentAt: wire.TimeOf(time.Now()),
	}, []byte("[]"))
}

// state is an agent's birth as a program of some version.
func state(version string) []byte {
	now := wire.TimeOf(time.Now())
	return wire.Encode(wire.AgentState{V: wire.Version, Online: true, Session: rand.Text(), StartedAt: now, SentAt: now, Version: version})
}

const forged = "forged"

// forgeries are messages that ps-02 has no right to, by topic.
func forgeries() map[string][]byte {
	reading, err := wire.EncodeReadings([]wire.Reading{{Device: "forged-1", At: wire.TimeOf(time.Now()), OK: true}})
	if err != nil {
		panic(err) // a reading of ours
	}
	return map[string][]byte{
		wire.Topic("ps-01", wire.KindState): state(forged),
		wire.Topic("ps-01", wire.KindReadings): wire.AppendEnvelope(nil, wire.Header{
			Agent: "ps-01", Stream: "stream-of-ps-01", First: 1 << 20, Seq: 1 << 20, Oldest: 1 << 20, SentAt: wire.TimeOf(time.Now()),
		}, reading),
		wire.Topic("ps-01", wire.KindRequest):     wire.Encode(wire.CertificateRequest{V: wire.Version, CSR: forged}),
		wire.Topic("ps-01", wire.KindAck):         wire.Encode(wire.Ack{V: wire.Version, Stream: "stream-of-forged", Seq: 99}),
		wire.Topic("ps-01", wire.KindConfig):      []byte(forged),
		wire.Topic("ps-01", wire.KindCertificate): wire.Encode(wire.CertificateAnswer{V: wire.Version, Error: forged}),
		wire.CollectorStateTopic:                  wire.Encode(wire.CollectorState{V: wire.Version, Session: forged}),
		wire.Topic("forged", wire.KindState):      state(forged),
		"zerofax/broker/probe":                    []byte(forged),
		"$MQTT/sub/forged":                        []byte(forged),
		"$JS/API/STREAM/PURGE/$MQTT_rmsgs":        {}, // of nats-server: would forget what is retained
		"$SYS/broker/version":                     []byte(forged),
	}
}

// filters hold topics that ps-02 has no right to hear.
var filters = []string{
	"#", "+/#", "zerofax/#", "zerofax/v1/agents/#", "zerofax/v1/agents/+/ack", "zerofax/v1/+/+/state", "zerofax/v1/agents/ps-01/#",
	"zerofax/v1/agents/ps-01/ack", "zerofax/v1/agents/ps-01/config", "zerofax/v1/agents/ps-01/readings", "zerofax/v1/agents/ps-01/+",
	"$share/thieves/zerofax/v1/agents/ps-01/ack", "$share/thieves/zerofax/#", "$SYS/#", "$MQTT/#", "$JS/#", "$G/#", "zerofax/v1/agents/*/ack", ">",
}

// An agent can neither speak as another nor hear what isn't meant for it, whatever it tries.
func TestAnAgentIsNobodyButItself(t *testing.T) {
	for _, broker := range []string{"embedded", "mosquitto"} {
		t.Run(broker, func(t *testing.T) {
			t.Parallel()
			f := newFort(t, broker == "mosquitto")
			s := &siege{fort: f, victim: f.agent(f.enrol("ps-01")), own: f.enrol("ps-02"), more: f.enrol("ps-03")}
			s.thief = f.agent(s.own)
			s.victim.Publish(wire.Topic("ps-01", wire.KindState), 1, true, state("honest"))
			s.talks(t, s.victim)
			t.Run("publish", s.publish)
			t.Run("will", s.will)
			t.Run("subscribe", s.subscribe)
			t.Run("client id", s.clientIDs)
			t.Run("certificate", s.certificates)
			t.Run("revoke", s.revoke)
		})
	}
}

// siege is a thief with a good certificate, and who it is after.
type siege struct {
	*fort
	victim, thief *peer
	own, more     bundle.Bundle // the thief's
}

// unharmed wants that neither the victim nor the books heard anything forged.
func (s *siege) unharmed(t *testing.T) {
	t.Helper()
	if !s.victim.connected() {
		t.Fatal("ps-01 was thrown out")
	}
	s.talks(t, s.victim)
	for _, text := range s.victim.heardOn("") {
		if strings.Contains(text, forged) || strings.HasPrefix(text, wire.Topic("ps-01", wire.KindCertificate)) {
			t.Errorf("ps-01 heard %s", text)
		}
	}
	for _, what := range []string{"agents", "devices"} {
		if text := get(s.page + "/api/v1/" + what); text == "" || strings.Contains(text, forged) {
			t.Errorf("the collector says of its %s: %s", what, text)
		}
	}
}

func (s *siege) publish(t *testing.T) {
	for topic, payload := range forgeries() {
		for qos := range byte(3) {
			for _, retained := range []bool{false, true} {
				if !s.thief.connected() { // a broker may throw out who goes too far
					s.thief = s.agent(s.own)
				}
				s.thief.Publish(topic, qos, retained, payload).WaitTimeout(5 * time.Second)
			}
		}
		if s.thief.connected() {
			s.talks(t, s.thief)
		}
		s.unharmed(t)
		if t.Failed() {
			t.Fatalf("after %s", topic)
		}
	}
	s.victim.Disconnect(100) // what is retained is heard by who comes later
	s.victim = s.again(t, "ps-01")
	s.unharmed(t)
}

// again connects an agent once more, with its first certificate.
func (s *siege) again(t *testing.T, agent string) *peer {
	t.Helper()
	return s.agent(s.enrol(agent, "--again"))
}

func (s *siege) will(t *testing.T) {
	for topic, payload := range forgeries() {
		p := s.agent(s.more, func(o *mqtt.ClientOptions) { o.SetBinaryWill(topic, payload, 1, true) })
		p.dies(t)
	}
	s.agent(s.more, func(o *mqtt.ClientOptions) {
		o.SetBinaryWill(wire.Topic("ps-03", wire.KindState), state("last will"), 1, true)
	}).dies(t)
	eventually(t, 10*time.Second, "its own will is heard", func() string {
		if text := get(s.page + "/api/v1/agents"); !strings.Contains(text, "last will") {
			return text
		}
		return ""
	})
	s.victim.Disconnect(100)
	s.victim = s.again(t, "ps-01")
	s.unharmed(t)
}

func (s *siege) subscribe(t *testing.T) {
	for _, filter := range filters {
		for qos := range byte(3) {
			if !s.thief.connected() {
				s.thief = s.agent(s.own)
			}
			s.thief.Subscribe(filter, qos, nil).WaitTimeout(5 * time.Second)
		}
		s.victim.Publish(wire.Topic("ps-01", wire.KindState), 1, true, state("honest"))
		s.unharmed(t)
		if s.thief.connected() {
			s.talks(t, s.thief)
			s.thief.Unsubscribe(filter).WaitTimeout(5 * time.Second)
		}
		for _, text := range s.thief.heardOn("") {
			if !strings.HasPrefix(text, "zerofax/v1/agents/ps-02/") && !strings.HasPrefix(text, wire.CollectorStateTopic) {
				t.Fatalf("subscribed to %s, ps-02 heard %s", filter, text)
			}
		}
	}
}

func (s *siege) clientIDs(t *testing.T) {
	for _, id := range []string{"ps-01", "zerofax-collector", "zerofax-broker-probe", "", "other", "ps-03 "} {
		for _, clean := range []bool{true, false} {
			p, err := s.connect(id, proof(t, s.more), func(o *mqtt.ClientOptions) {
				o.SetCleanSession(clean || id == "").SetUsername("ps-01").SetPassword("x")
			})
			if err == nil && s.mosquitto == nil {
				t.Errorf("%q: let in", id)
			}
			if err == nil {
				p.Subscribe("zerofax/v1/agents/ps-01/ack", 1, nil).WaitTimeout(5 * time.Second)
				p.Publish(wire.Topic("ps-01", wire.KindState), 1, true, state(forged)).WaitTimeout(5 * time.Second)
			}
			s.unharmed(t)
			if err != nil {
				continue
			}
			if heard := p.heardOn("zerofax/v1/agents/ps-01/"); len(heard) > 0 {
				t.Errorf("%q: heard %v", id, heard)
			}
			p.Disconnect(0)
		}
	}
}

func (s *siege) certificates(t *testing.T) {
	elsewhere := &fort{t: t, dir: t.TempDir()}
	elsewhere.file("collector.yml", "data_dir: books\n")
	foreign := proof(t, elsewhere.enrol("ps-01"))
	foreign.RootCAs = proof(t, s.own).RootCAs
	none := &tls.Config{RootCAs: foreign.RootCAs}
	for name, show := range map[string]*tls.Config{"none": none, "another authority's": foreign} {
		if _, err := s.connect("ps-01", show); err == nil {
			t.Errorf("%s: let in", name)
		}
	}
	if _, err := s.connect("ps-01", nil, func(o *mqtt.ClientOptions) {
		o.Servers = nil
		o.AddBroker("mqtt://" + s.broker)
	}); err == nil {
		t.Error("without TLS: let in")
	}
	over := s.enrol("ps-04", "--valid", "1s")
	eventually(t, 10*time.Second, "who shows a certificate that is over is refused", func() string {
		p, err := s.connect("ps-04", proof(t, over))
		if err != nil {
			return ""
		}
		p.Disconnect(0)
		return "it is let in"
	})
	s.unharmed(t)
}

func (s *siege) revoke(t *testing.T) {
	if !s.thief.connected() {
		s.thief = s.agent(s.own)
	}
	s.command("enroll", "ps-02", "--revoke", "--reason", "stolen")
	if s.mosquitto != nil {
		s.command("broker", "mqtt", "--name", "127.0.0.1")
		if err := s.mosquitto.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	} else {
		select {
		case <-s.thief.lost:
		case <-time.After(5 * time.Second):
			t.Error("the connection isn't cut within 5 s")
		}
	}
	eventually(t, 10*time.Second, "who shows a revoked certificate is refused", func() string {
		p, err := s.connect("ps-02", proof(t, s.own))
		if err != nil {
			return ""
		}
		p.Disconnect(0)
		return "it is let in"
	})
	s.unharmed(t)
	if s.mosquitto != nil { // what a restart does to who is inside, it does to all; agents come again
		s.mosquitto.stop()
		s.startMosquitto()
		if _, err := s.connect("ps-02", proof(t, s.own)); err == nil {
			t.Error("after a restart who shows a revoked certificate is let in")
		}
	}
}
