package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs/sim"
)

// authority signs configurations for a test.
type authority struct {
	key  *ecdsa.PrivateKey
	text []byte // its certificate
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "zerofax"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return authority{key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (a authority) sign(agent string, revision int64, text string) []byte {
	payload, err := wire.SignConfig(wire.AgentConfig{Agent: agent, Revision: revision, Config: text}, a.key)
	if err != nil {
		panic(err)
	}
	return payload
}

// led is an agent's configuration that lets the authority say what to poll.
func led(t testing.TB, a authority, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "agent.yml")
	for file, text := range map[string]string{path: text + "central: {authority_file: authority.pem}\n", filepath.Join(filepath.Dir(path), "authority.pem"): string(a.text)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func mustLoad(t fataler, path string) *settings {
	t.Helper()
	c, err := loadConfig(path) // profiles take long to read, and matter to nothing here
	if err != nil {
		t.Fatal(err)
	}
	return &settings{config: c, file: c}
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestInWhateverOrderConfigurationsComeTheNewestValidOneWins(t *testing.T) {
	ours, foreign := newAuthority(t), newAuthority(t)
	path := led(t, ours, "agent: ps-01\ntargets: [{host: 10.0.0.1}]\n")
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "zerofax-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		now := mustLoad(t, path)
		now.config.Spool.Dir = dir
		now.file.Spool.Dir = dir
		c := newCentral(quiet())
		c.follows(now)
		best, bestText := int64(0), "10.0.0.1"
		for range rapid.IntRange(1, 12).Draw(t, "messages") {
			revision := rapid.Int64Range(1, 6).Draw(t, "revision")
			host := fmt.Sprintf("10.0.1.%d", revision)
			text := fmt.Sprintf("targets: [{host: %s}]\n", host)
			switch kind := rapid.SampledFrom([]string{"good", "faulty", "ended", "other agent", "forged", "changed", "emptied", "restart"}).Draw(t, "kind"); kind {
			case "good":
				if revision%3 == 0 { // each revision has one content
					continue
				}
				now = offer(c, now, ours.sign("ps-01", revision, text))
				if revision > best {
					best, bestText = revision, host
				}
			case "faulty":
				now = offer(c, now, ours.sign("ps-01", revision-revision%3+3, "targets: [{host: 10.0.0.256}]\n"))
			case "ended":
				now = offer(c, now, ours.sign("ps-01", 7, ""))
				best, bestText = 7, "10.0.0.1"
			case "other agent":
				now = offer(c, now, ours.sign("ps-02", 100, text))
			case "forged":
				now = offer(c, now, foreign.sign("ps-01", 100, text))
			case "changed":
				now = offer(c, now, bytes.Replace(ours.sign("ps-01", 100, text), []byte(`"signed":"`), []byte(`"signed":"AAAA`), 1))
			case "emptied":
				c.take(nil)
				if len(c.came) > 0 {
					t.Fatal("an empty message was taken for a configuration")
				}
			case "restart":
				again := mustLoad(t, path)
				again.config.Spool.Dir = dir
				c = newCentral(quiet())
				c.follows(again)
				if now, err = again.recalled(); err != nil {
					t.Fatal(err)
				}
				c.follows(now)
			}
			if got := now.Targets[0].Host; got != bestText || now.central.Revision != best || c.tell().Revision != best {
				t.Fatalf("polls %s after revision %d and tells %d, want %s after %d", got, now.central.Revision, c.tell().Revision, bestText, best)
			}
		}
	})
}

// offer is what the runner does with a message.
func offer(c *central, now *settings, payload []byte) *settings {
	if next := c.offered(now, payload); next != nil {
		now = next
		c.follows(now)
	}
	c.keep(now)
	return now
}

func TestWhatIsRefusedIsToldWithLineAndReason(t *testing.T) {
	ours := newAuthority(t)
	now := mustLoad(t, led(t, ours, "agent: ps-01\nspool: {dir: .}\nsnmp: {credentials: [{name: legacy, version: 2c, community: x}]}\n"))
	c := newCentral(quiet())
	c.follows(now)
	refused := func(revision int64, text string) wire.ConfigState {
		t.Helper()
		if next := c.offered(now, ours.sign("ps-01", revision, text)); next != nil {
			t.Fatalf("took %q", text)
		}
		return *c.tell()
	}
	want := wire.ConfigState{Refused: 3, Error: `central configuration:3: credentials: "v3" is not among snmp.credentials; want one of: legacy`}
	if got := refused(3, "targets:\n  - {host: a}\n  - {host: b, credentials: v3}\n"); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := refused(2, "spool: {dir: /}\n"); got != want {
		t.Errorf("after an older one, refused too: got %+v, want the newest one's fault told", got)
	}
	want = wire.ConfigState{Refused: 5, Error: `central configuration:1: unknown key "spool"; known here: targets, poll, discovery (and 1 more)`}
	if got := refused(5, "spool: {dir: /}\npoll: {lines: 1ms}\n"); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	now = offer(c, now, ours.sign("ps-01", 4, "targets: [{host: a}]\n"))
	if got := *c.tell(); got.Revision != 4 || got.Refused != 5 {
		t.Errorf("got %+v, want 4 in force, and 5 still refused", got)
	}
	now = offer(c, now, ours.sign("ps-01", 6, "targets: [{host: b}]\n"))
	if got := *c.tell(); got != (wire.ConfigState{Revision: 6}) {
		t.Errorf("got %+v, want 6 in force and nothing refused", got)
	}
	c.offered(now, []byte("{}"))
	if got := *c.tell(); got.Error == "" || got.Revision != 6 {
		t.Errorf("got %+v, want it told that something else came", got)
	}
	c.offered(now, ours.sign("ps-01", 6, "targets: [{host: b}]\n"))
	if got := *c.tell(); got != (wire.ConfigState{Revision: 6}) {
		t.Errorf("got %+v, want that forgotten once a good one came", got)
	}
}

func TestWithoutAnAuthorityNothingFromElsewhereIsPolled(t *testing.T) {
	path := write(t, map[string]string{"agent.yml": "agent: ps-01\nspool: {dir: .}\n"})
	kept := filepath.Join(filepath.Dir(path), "central.json")
	if err := os.WriteFile(kept, newAuthority(t).sign("ps-01", 1, "targets: [{host: a}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := mustLoad(t, path).recalled()
	if err != nil || len(s.Targets) != 0 {
		t.Errorf("got %v and %v, want no target", s.Targets, err)
	}
}

func TestWhatWasKeptIsBelievedOnlyWithItsSignature(t *testing.T) {
	ours := newAuthority(t)
	path := led(t, ours, "agent: ps-01\nspool: {dir: .}\ntargets: [{host: own}]\n")
	good := ours.sign("ps-01", 5, "targets: [{host: central}]\n")
	for name, test := range map[string]struct {
		kept []byte
		host string
	}{
		"as it was written":      {good, "central"},
		"cut short":              {good[:len(good)/2], "own"},
		"empty":                  {nil, "own"},
		"of another agent":       {ours.sign("ps-02", 5, "targets: [{host: central}]\n"), "own"},
		"of another authority":   {newAuthority(t).sign("ps-01", 5, "targets: [{host: central}]\n"), "own"},
		"with credentials gone":  {ours.sign("ps-01", 5, "targets: [{host: central, credentials: v3}]\n"), "own"},
		"which ended the others": {ours.sign("ps-01", 5, ""), "own"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "central.json"), test.kept, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := mustLoad(t, path).recalled()
			if got := s.Targets[0].Host; got != test.host {
				t.Errorf("polls %s (%v), want %s", got, err, test.host)
			}
		})
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		s, err := mustLoad(t, path).opened(bad)
		if err == nil && (s.Targets[0].Host != "central" || s.central.Revision != 5) {
			t.Fatalf("with byte %d changed it polls %v", i, s.Targets)
		}
	}
}

func TestAMessageThatCameBeforeTheFileNamedNoAuthorityAnyMoreIsLeftAlone(t *testing.T) {
	path := write(t, map[string]string{"agent.yml": "agent: ps-01\nspool: {dir: .}\n"})
	now, c := mustLoad(t, path), newCentral(quiet())
	c.follows(now)
	if next := c.offered(now, newAuthority(t).sign("ps-01", 1, "targets: []\n")); next != nil || c.tell() != nil {
		t.Errorf("got %+v and %+v, want nothing taken and nothing told", next, c.tell())
	}
}

// The agent was enrolled at another collector: what the first one said is no longer its to say.
func TestAFileReadAgainWithAnotherAuthorityIsTakenAsAtAStart(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	path := led(t, first, "agent: ps-01\nspool: {dir: .}\ntargets: [{host: own}]\n")
	now, err := mustLoad(t, path).opened(first.sign("ps-01", 5, "targets: [{host: central}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := now.keep(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "authority.pem"), second.text, 0o600); err != nil {
		t.Fatal(err)
	}
	r := runner{config: path, log: quiet(), central: newCentral(quiet())}
	r.central.follows(now)
	next := r.again(now)
	if next == nil {
		t.Fatal("the file is refused, want it taken")
	}
	r.central.follows(next)
	if got := next.Targets[0].Host; got != "own" || next.central.Revision != 0 {
		t.Errorf("polls %s after %d, want its own until the second collector says something", got, next.central.Revision)
	}
	if next = r.central.offered(next, second.sign("ps-01", 3, "targets: [{host: other}]\n")); next == nil || next.Targets[0].Host != "other" {
		t.Errorf("got %+v, want what the second collector says, whatever number it has", next)
	}
}

// told are the states that an agent says of itself, and the way to say something to it.
type told struct {
	t      *testing.T
	client mqtt.Client
	agent  string
	mu     sync.Mutex
	last   wire.AgentState
}

func listen(t *testing.T, broker, agent string) *told {
	t.Helper()
	x := &told{t: t, agent: agent}
	x.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(broker).SetClientID("reader"))
	if token := x.client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { x.client.Disconnect(100) })
	token := x.client.Subscribe(wire.Topic(agent, wire.KindState), 1, func(_ mqtt.Client, m mqtt.Message) {
		s, err := wire.DecodeAgentState(m.Payload())
		if err != nil {
			panic(err)
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.last = s
	})
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	return x
}

func (x *told) publish(payload []byte) {
	x.t.Helper()
	if token := x.client.Publish(wire.Topic(x.agent, wire.KindConfig), 1, true, payload); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		x.t.Fatal(token.Error())
	}
}

func (x *told) says(what string, fits func(wire.ConfigState) bool) {
	x.t.Helper()
	eventually(x.t, "the agent says "+what, func() string {
		x.mu.Lock()
		defer x.mu.Unlock()
		if c := x.last.Config; x.last.Online && c != nil && fits(*c) {
			return ""
		}
		return fmt.Sprintf("%+v", x.last.Config)
	})
}

func pollOnly(beds ...sim.Bed) string {
	var text strings.Builder
	text.WriteString("poll: {lines: 1s, counters: 1s}\ntargets:\n")
	for _, bed := range beds {
		addr := bed.Addr
		fmt.Fprintf(&text, "  - {host: %s, port: %d, credentials: public}\n", addr.Addr(), addr.Port())
	}
	return text.String()
}

// centralWard is a ward, a broker, books, and the configuration of an agent that its authority may lead.
func centralWard(t *testing.T) (ward *sim.Ward, ours authority, config, broker string, b *books) {
	ward, _, port := setUp(t)
	startBroker(t, port)
	broker = fmt.Sprintf("mqtt://127.0.0.1:%d", port)
	b = newBooks()
	collect(t, broker, b)
	ours = newAuthority(t)
	own := configFor([]netip.AddrPort{counting(ward)[0].Addr}, time.Second, broker)
	return ward, ours, led(t, ours, own), broker, b
}

func TestTheCollectorSaysWhatIsPolledAndNoFaxIsLost(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	ward, ours, config, broker, b := centralWard(t)
	agent := serve(t, config)
	x := listen(t, broker, "bench")
	x.says("that its own file holds", func(c wire.ConfigState) bool { return c == wire.ConfigState{} })
	x.publish(ours.sign("bench", 1, pollOnly(ward.Devices...)))
	x.says("that it took 1", func(c wire.ConfigState) bool { return c == wire.ConfigState{Revision: 1} })
	eachLookedAt(t, ward, b, 1)
	for i := range 3 {
		for _, bed := range ward.Devices {
			bed.Fax(1, i)
		}
		x.publish(ours.sign("bench", int64(2+i), pollOnly(ward.Devices[:len(ward.Devices)-i]...)))
		x.says("that it took the next", func(c wire.ConfigState) bool { return c == wire.ConfigState{Revision: int64(2 + i)} })
	}
	x.publish(ours.sign("bench", 9, pollOnly(ward.Devices...)))
	eventually(t, "each fax is booked", func() string { return b.equal(ward) })
	if lost := b.givenUp(); lost != 0 {
		t.Errorf("%d readings lost", lost)
	}
	x.publish(ours.sign("bench", 10, ""))
	x.says("that it took the end of it", func(c wire.ConfigState) bool { return c == wire.ConfigState{Revision: 10} })
	agent.again("own=true")
}

func TestWhatTheCollectorSaidOutlivesARestartWithoutIt(t *testing.T) {
	ward, ours, config, broker, b := centralWard(t)
	beds := counting(ward)
	first := serveUntil(t, config)
	x := listen(t, broker, "bench")
	x.publish(ours.sign("bench", 5, pollOnly(beds[1])))
	x.says("that it took 5", func(c wire.ConfigState) bool { return c.Revision == 5 })
	eventually(t, "it is kept", func() string {
		if _, err := os.Stat(filepath.Join(filepath.Dir(config), "spool", "central.json")); err != nil {
			return err.Error()
		}
		return ""
	})
	first()
	x.publish(nil) // the retained one is taken away
	asked := beds[0].Requests().All()
	again := serve(t, config)
	x.says("that it still follows 5", func(c wire.ConfigState) bool { return c.Revision == 5 })
	looks := b.looks(beds[1].ID())
	eventually(t, "the machine is looked at", func() string { return fewer(b.looks(beds[1].ID()), looks+2) })

	x.publish(ours.sign("bench", 4, pollOnly(beds[0]))) // an older one, said again
	x.publish(newAuthority(t).sign("bench", 6, pollOnly(beds[0])))
	x.says("that somebody else sent one", func(c wire.ConfigState) bool { return c.Revision == 5 && strings.Contains(c.Error, "not signed") })
	again.again("msg=starting") // another restart of the parts, by agent.yml
	eventually(t, "the machine is looked at", func() string { return fewer(b.looks(beds[1].ID()), looks+4) })
	if n := beds[0].Requests().All() - asked; n != 0 {
		t.Errorf("%s is asked %d times, want never", beds[0].ID(), n)
	}
}

// serveUntil runs an agent until the function that it returns is called.
func serveUntil(t *testing.T, config string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	r := runner{config: config, log: quiet()}
	go func() { ended <- r.serve(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFaultyCentralConfigurationIsRefusedAndTakenOnceTheFileIsMended(t *testing.T) {
	ward, ours, config, broker, b := centralWard(t)
	beds := counting(ward)
	agent := serve(t, config)
	x := listen(t, broker, "bench")
	x.publish(ours.sign("bench", 1, pollOnly(beds[1])))
	x.says("that it took 1", func(c wire.ConfigState) bool { return c.Revision == 1 })
	x.publish(ours.sign("bench", 2, strings.ReplaceAll(pollOnly(beds[2]), "public", "ward")))
	x.says("why it refuses 2", func(c wire.ConfigState) bool {
		return c.Revision == 1 && c.Refused == 2 && c.Error == `central configuration:3: credentials: "ward" is not among snmp.credentials; want one of: public`
	})
	looks := b.looks(beds[1].ID())
	eventually(t, "the old one goes on", func() string { return fewer(b.looks(beds[1].ID()), looks+1) })

	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	const both = "snmp: {credentials: [{name: public, version: 2c, community: public}, {name: ward, version: 2c, community: public}]}\n"
	own := strings.ReplaceAll(string(text), "port: ", "credentials: public, port: ")
	agent.change(own+both, "msg=starting")
	x.says("that it takes 2 now", func(c wire.ConfigState) bool { return c == wire.ConfigState{Revision: 2} })
	eventually(t, "the other machine is looked at", func() string { return fewer(b.looks(beds[2].ID()), 1) })

	agent.change(string(text), "new configuration refused, the old one goes on") // it would take the credentials away that 2 wants
	if want := `central configuration:3: credentials: \"ward\"`; agent.log.count(want) != 2 {
		t.Errorf("the log says %s %d times, want it once more", want, agent.log.count(want))
	}
}
