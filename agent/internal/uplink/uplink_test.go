package uplink_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/agent/internal/identity"
	"github.com/zerofax/zerofax/agent/internal/spool"
	"github.com/zerofax/zerofax/agent/internal/uplink"
	"github.com/zerofax/zerofax/agent/wire"
)

const agent = "ps-01"

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// queue is what main makes of the spool.
type queue struct{ *spool.Spool }

func (q queue) Next(after uint64) (uplink.Batch, bool, error) {
	b, ok, err := q.Spool.Next(after)
	return uplink.Batch(b), ok, err
}

func openSpool(t *testing.T, batches int) *spool.Spool {
	t.Helper()
	s, err := spool.Open(spool.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	fill(t, s, batches)
	return s
}

func fill(t *testing.T, s *spool.Spool, batches int) {
	t.Helper()
	for range batches {
		payload, err := wire.EncodeReadings([]wire.Reading{{Device: "xerox-1", At: wire.TimeOf(time.Now()), OK: true}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Append(payload, 1); err != nil {
			t.Fatal(err)
		}
	}
}

// startBroker runs nats-server with an empty store. port 0 takes a free one.
func startBroker(t *testing.T, port int, change ...func(*server.Options)) (stop func(), port2 int) {
	t.Helper()
	if port == 0 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port = listener.Addr().(*net.TCPAddr).Port
		_ = listener.Close()
	}
	opts := &server.Options{
		ServerName: "test", DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		MQTT: server.MQTTOpts{Host: "127.0.0.1", Port: port},
	}
	for _, f := range change {
		f(opts)
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	if !ns.ReadyForConnections(20 * time.Second) {
		t.Fatal("broker: not ready")
	}
	stop = sync.OnceFunc(func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	})
	t.Cleanup(stop)
	return stop, port
}

func address(port int) string { return fmt.Sprintf("mqtt://127.0.0.1:%d", port) }

// collector does what the contract says, as far as answer lets it.
type collector struct {
	client mqtt.Client

	mu     sync.Mutex
	got    []wire.Envelope // all that came, also duplicates
	booked []uint64        // in order
	next   map[string]uint64
	crc    map[string]uint32
	states []wire.AgentState
	answer func(wire.Envelope) bool
}

// startCollector connects to a broker, now or when there is one.
func startCollector(t *testing.T, port int, answer func(wire.Envelope) bool) *collector {
	t.Helper()
	c := &collector{next: map[string]uint64{}, crc: map[string]uint32{}, answer: answer}
	c.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(address(port)).SetClientID("collector").
		SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond).SetMaxReconnectInterval(100 * time.Millisecond).
		SetOnConnectHandler(func(client mqtt.Client) {
			client.Subscribe(wire.Topic("+", wire.KindReadings), 1, c.readings)
			client.Subscribe(wire.Topic("+", wire.KindState), 1, c.state)
		}))
	token := c.client.Connect()
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatalf("collector: %v", token.Error())
	}
	t.Cleanup(func() { c.client.Disconnect(100) })
	return c
}

func (c *collector) readings(client mqtt.Client, m mqtt.Message) {
	env, err := wire.DecodeEnvelope(m.Payload())
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, env)
	if !c.answer(env) {
		return
	}
	next := max(c.next[env.Stream], 1)
	if start := max(next, env.Oldest); env.First >= next && env.First <= start && start <= env.Seq {
		c.booked = append(c.booked, env.Seq)
		c.next[env.Stream], c.crc[env.Stream] = env.Seq+1, env.CRC
	}
	ack := wire.Ack{V: wire.Version, Stream: env.Stream, Seq: max(c.next[env.Stream], 1) - 1, CRC: c.crc[env.Stream]}
	client.Publish(wire.Topic(env.Agent, wire.KindAck), 1, false, wire.Encode(ack))
}

func (c *collector) state(_ mqtt.Client, m mqtt.Message) {
	state, err := wire.DecodeAgentState(m.Payload())
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.states = append(c.states, state)
	}
}

func (c *collector) received() int { c.mu.Lock(); defer c.mu.Unlock(); return len(c.got) }

func (c *collector) heard() []wire.AgentState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.states)
}

func (c *collector) say(t *testing.T, online bool) {
	t.Helper()
	token := c.client.Publish(wire.CollectorStateTopic, 1, true, wire.Encode(wire.CollectorState{V: wire.Version, Online: online}))
	if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		t.Fatalf("collector state: %v", token.Error())
	}
}

func always(wire.Envelope) bool { return true }

func never(wire.Envelope) bool { return false }

// run starts an uplink that ends with the test, or when stop is called.
func run(t *testing.T, o uplink.Options) (stop func()) {
	t.Helper()
	_, stop = start(t, o)
	return stop
}

func start(t *testing.T, o uplink.Options) (u *uplink.Uplink, stop func()) {
	t.Helper()
	o.Agent = agent
	if o.FirstRetry == 0 {
		o.FirstRetry = 50 * time.Millisecond
	}
	if o.Resend == 0 {
		o.Resend = 300 * time.Millisecond
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	u = uplink.New(o)
	go func() { done <- u.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("uplink: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("uplink: still running 10 s after its context ended")
		}
	})
	t.Cleanup(stop)
	return u, stop
}

// eventually waits for something to become true.
func eventually(t *testing.T, what string, true func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !true() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// upTo is 1…n.
func upTo(n int) []uint64 {
	all := make([]uint64, n)
	for i := range all {
		all[i] = uint64(i + 1)
	}
	return all
}

func (c *collector) wantBooked(t *testing.T, n int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.booked, upTo(n)) {
		t.Errorf("got batches %v booked, want 1 to %d in order", c.booked, n)
	}
}

func TestAllThatTheSpoolHoldsIsBookedOnceAndInOrder(t *testing.T) {
	_, port := startBroker(t, 0)
	c := startCollector(t, port, always)
	s := openSpool(t, 100)
	run(t, uplink.Options{URL: address(port), Spool: queue{s}, Resend: 5 * time.Second})
	eventually(t, "an empty spool", func() bool { return s.State().Envelopes == 0 })
	fill(t, s, 20)
	eventually(t, "an empty spool again", func() bool { return s.State().Envelopes == 0 })
	c.wantBooked(t, 120)
	if got := c.received(); got != 120 {
		t.Errorf("got %d envelopes for 120 batches, want none sent twice", got)
	}
}

func TestWhatIsNotAcknowledgedIsSaidAgainFromTheOldest(t *testing.T) {
	_, port := startBroker(t, 0)
	c := startCollector(t, port, func(wire.Envelope) bool { return rand.N(3) == 0 }) // two of three are lost
	s := openSpool(t, 30)
	run(t, uplink.Options{URL: address(port), Spool: queue{s}, Resend: 50 * time.Millisecond})
	eventually(t, "an empty spool", func() bool { return s.State().Envelopes == 0 })
	c.wantBooked(t, 30)
}

func TestAtMostAWindowIsUnderWay(t *testing.T) {
	_, port := startBroker(t, 0)
	c := startCollector(t, port, func(e wire.Envelope) bool { return e.Seq <= 10 })
	s := openSpool(t, 60)
	run(t, uplink.Options{URL: address(port), Spool: queue{s}, Resend: time.Hour})
	eventually(t, "a window", func() bool { return c.received() >= 26 })
	time.Sleep(200 * time.Millisecond) // for more to come, which must not
	if got := c.received(); got != 26 {
		t.Errorf("got %d envelopes with 10 acknowledged, want 26", got)
	}
}

func TestTheOldestGoesAloneUntilItsAckHasCome(t *testing.T) {
	_, port := startBroker(t, 0)
	c := startCollector(t, port, never)
	s := openSpool(t, 30)
	run(t, uplink.Options{URL: address(port), Spool: queue{s}, Resend: 50 * time.Millisecond})
	eventually(t, "some envelopes", func() bool { return c.received() >= 4 })
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.got {
		if e.Seq != 1 {
			t.Errorf("got batch %d before any ack, want 1 only", e.Seq)
		}
	}
}

func TestALateAckOfWhatIsForgottenOpensNoWindow(t *testing.T) {
	_, port := startBroker(t, 0)
	c := startCollector(t, port, never)
	s := openSpool(t, 30)
	fifth, _, err := s.Next(4)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ack(fifth.Stream, 5, fifth.CRC); err != nil {
		t.Fatal(err)
	}
	run(t, uplink.Options{URL: address(port), Spool: queue{s}, Resend: 50 * time.Millisecond})
	eventually(t, "an envelope", func() bool { return c.received() >= 1 })
	late := wire.Encode(wire.Ack{V: wire.Version, Stream: fifth.Stream, Seq: 4})
	if token := c.client.Publish(wire.Topic(agent, wire.KindAck), 1, false, late); !token.WaitTimeout(5 * time.Second) {
		t.Fatal("late ack: not sent")
	}
	eventually(t, "more envelopes", func() bool { return c.received() >= 8 })
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.got {
		if e.Seq != 6 {
			t.Fatalf("got batch %d before the ack of 6, want 6 only", e.Seq)
		}
	}
}

func TestARestoredMachineGoesOnInANewStream(t *testing.T) {
	_, port := startBroker(t, 0)
	dir, copied := t.TempDir(), t.TempDir()
	s, err := spool.Open(spool.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, 3)
	if err := os.CopyFS(filepath.Join(copied, "spool"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	c := startCollector(t, port, always)
	stop := run(t, uplink.Options{URL: address(port), Spool: queue{s}})
	fill(t, s, 3)
	eventually(t, "an empty spool", func() bool { return s.State().Envelopes == 0 })
	stop()
	_ = s.Close()

	restored, err := spool.Open(spool.Options{Dir: filepath.Join(copied, "spool")})
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	fill(t, restored, 5)
	run(t, uplink.Options{URL: address(port), Spool: queue{restored}, Resend: time.Hour})
	eventually(t, "an empty spool", func() bool { return restored.State().Envelopes == 0 })
	c.mu.Lock()
	defer c.mu.Unlock()
	if want := append(upTo(6), upTo(8)...); !slices.Equal(c.booked, want) || len(c.next) != 2 {
		t.Errorf("got %v booked in %d streams, want %v in 2", c.booked, len(c.next), want)
	}
}

func TestABrokerThatComesBackEmptyLosesNothing(t *testing.T) {
	stop, port := startBroker(t, 0)
	var mu sync.Mutex
	open := false
	c := startCollector(t, port, func(e wire.Envelope) bool { mu.Lock(); defer mu.Unlock(); return open || e.Seq <= 5 })
	s := openSpool(t, 30)
	run(t, uplink.Options{URL: address(port), Spool: queue{s}, LastRetry: 2 * time.Second})
	eventually(t, "some acks", func() bool { return s.State().Envelopes <= 25 })
	stop()
	fill(t, s, 10)
	mu.Lock()
	open = true
	mu.Unlock()
	startBroker(t, port)
	eventually(t, "an empty spool", func() bool { return s.State().Envelopes == 0 })
	c.wantBooked(t, 40)
	births := c.heard()
	if first, last := births[0], births[len(births)-1]; !first.Online || !last.Online || first.Session == last.Session {
		t.Errorf("got births %+v and %+v, want two sessions", first, last)
	}
}

// A broker tells the will of the connection that broke, with that connection's session; the
// birth of the next has another, so that a late will never beats it. (A broker that sees
// the next connection before it noticed the break may leave the will out.)
func TestEveryConnectionHasASessionOfItsOwn(t *testing.T) {
	_, port := startBroker(t, 0)
	c := startCollector(t, port, always)
	cut := proxy(t, port)
	started := wire.TimeOf(time.Now())
	run(t, uplink.Options{
		URL: address(cut.port), Spool: queue{openSpool(t, 1)},
		State: func() wire.AgentState {
			return wire.AgentState{StartedAt: started, Version: "1.2.3", OS: "plan9/mips"}
		},
	})
	count := func(online bool) (n int) {
		for _, state := range c.heard() {
			if state.Online == online {
				n++
			}
		}
		return n
	}
	for round := 1; round < 20 && (round <= 3 || count(false) == 0); round++ {
		eventually(t, "a birth", func() bool { return count(true) == round })
		cut.all()
	}
	eventually(t, "a will", func() bool { return count(false) > 0 })
	born, ended := map[string]bool{}, map[string]bool{}
	for i, state := range c.heard() {
		if state.StartedAt != started || state.Version != "1.2.3" || state.OS != "plan9/mips" {
			t.Errorf("state %d: got %+v, want what State said", i, state)
		}
		switch id := state.Session; {
		case state.Online && born[id]:
			t.Errorf("state %d: session %s born twice", i, id)
		case state.Online:
			born[id] = true
		case !born[id] || ended[id]:
			t.Errorf("state %d: a will of session %s, born %v, ended %v", i, id, born[id], ended[id])
		default:
			ended[id] = true
		}
	}
}

func TestTheStateIsSaidAgain(t *testing.T) {
	_, port := startBroker(t, 0)
	c := startCollector(t, port, always)
	s := openSpool(t, 0)
	run(t, uplink.Options{
		URL: address(port), Spool: queue{s}, Presence: 20 * time.Millisecond,
		State: func() wire.AgentState {
			return wire.AgentState{Spool: wire.SpoolState{Error: strings.Repeat("é", 1000)}}
		},
	})
	eventually(t, "five states", func() bool { return len(c.heard()) >= 5 })
	for _, state := range c.heard() {
		if !state.Online || state.SentAt == 0 || state.Session != c.heard()[0].Session {
			t.Errorf("got %+v, want online, sent_at and one session", state)
		}
	}
}

func TestAStateIsReadableWhateverItsErrorText(t *testing.T) {
	_, port := startBroker(t, 0)
	for what, text := range map[string]string{
		"too long":                strings.Repeat("é", 1000),
		"cut in a letter already": ("x" + strings.Repeat("é", 1000))[:wire.MaxText],
		"no UTF-8":                strings.Repeat("\xe9", wire.MaxText),
	} {
		c := startCollector(t, port, always)
		stop := run(t, uplink.Options{
			URL: address(port), Spool: queue{openSpool(t, 0)},
			State: func() wire.AgentState { return wire.AgentState{Version: what, Spool: wire.SpoolState{Error: text}} },
		})
		eventually(t, "a state whose error is "+what, func() bool {
			states := c.heard()
			return len(states) > 0 && states[len(states)-1].Version == what
		})
		stop()
	}
}

func TestACleanStopSaysGoodbyeAndLeavesNoWill(t *testing.T) {
	_, port := startBroker(t, 0)
	c := startCollector(t, port, always)
	stop := run(t, uplink.Options{URL: address(port), Spool: queue{openSpool(t, 0)}})
	eventually(t, "a birth", func() bool { return len(c.heard()) == 1 })
	stop()
	eventually(t, "a goodbye", func() bool { return len(c.heard()) >= 2 })
	time.Sleep(100 * time.Millisecond) // for a will to come, which must not
	states := c.heard()
	if len(states) != 2 || states[1].Online || states[1].Session != states[0].Session {
		t.Errorf("got %+v, want a birth and a goodbye of one session", states)
	}
}

func TestWhileTheCollectorSeemsOfflineOnlyOneIsTriedNowAndThen(t *testing.T) {
	_, port := startBroker(t, 0)
	var mu sync.Mutex
	up := false
	c := startCollector(t, port, func(wire.Envelope) bool { mu.Lock(); defer mu.Unlock(); return up })
	c.say(t, false)
	s := openSpool(t, 20)
	run(t, uplink.Options{URL: address(port), Spool: queue{s}, Resend: 10 * time.Millisecond, ResendOffline: 400 * time.Millisecond})
	eventually(t, "the first", func() bool { return c.received() > 0 })
	time.Sleep(200 * time.Millisecond) // the hint has come, the next try not yet
	if got := c.received(); got > 3 {  // one, and what went out before the hint came
		t.Errorf("got %d envelopes while offline, want 1", got)
	}
	before := c.received()
	eventually(t, "another try", func() bool { return c.received() > before })
	if st := s.State(); st.Envelopes != 20 {
		t.Errorf("got %d held, want 20", st.Envelopes)
	}
	mu.Lock()
	up = true
	mu.Unlock()
	c.say(t, true)
	eventually(t, "an empty spool", func() bool { return s.State().Envelopes == 0 })
	c.wantBooked(t, 20)
}

func TestTheUplinkTellsHowItIs(t *testing.T) {
	stopBroker, port := startBroker(t, 0)
	c := startCollector(t, port, always)
	s := openSpool(t, 3)
	u, stop := start(t, uplink.Options{URL: address(port), Spool: queue{s}})
	eventually(t, "three acks", func() bool { return u.State().Acks == 3 })
	if got := u.State(); got.Connected.IsZero() || got.LastAck.IsZero() || got.Sent != 3 || got.Error != "" || got.Offline {
		t.Errorf("connected: got %+v", got)
	}
	c.say(t, false)
	eventually(t, "the collector is said to be offline", func() bool { return u.State().Offline })
	stopBroker()
	eventually(t, "the loss is told", func() bool { return u.State().Error != "" })
	if got := u.State(); !got.Connected.IsZero() || got.Offline || got.Acks != 3 {
		t.Errorf("lost: got %+v", got)
	}
	stop()
}

func TestConfigurationIsHandedOn(t *testing.T) {
	_, port := startBroker(t, 0)
	c := startCollector(t, port, always)
	got := make(chan string, 1)
	token := c.client.Publish(wire.Topic(agent, wire.KindConfig), 1, true, `{"v":1}`)
	token.WaitTimeout(5 * time.Second)
	run(t, uplink.Options{URL: address(port), Spool: queue{openSpool(t, 0)}, Config: func(p []byte) { got <- string(p) }})
	select {
	case p := <-got:
		if p != `{"v":1}` {
			t.Errorf("got %s", p)
		}
	case <-time.After(10 * time.Second):
		t.Error("got no configuration")
	}
}

func TestUnreadableMessagesChangeNothing(t *testing.T) {
	_, port := startBroker(t, 0)
	c := startCollector(t, port, always)
	s := openSpool(t, 0)
	run(t, uplink.Options{URL: address(port), Spool: queue{s}})
	eventually(t, "a birth", func() bool { return len(c.heard()) == 1 })
	for _, topic := range []string{wire.Topic(agent, wire.KindAck), wire.CollectorStateTopic} {
		for _, payload := range []string{"", "{", `{"v":9}`, strings.Repeat("x", 1000)} {
			c.client.Publish(topic, 1, false, payload).WaitTimeout(5 * time.Second)
		}
	}
	fill(t, s, 3)
	eventually(t, "an empty spool", func() bool { return s.State().Envelopes == 0 })
}

// broken is a spool on a disk that fails at first.
type broken struct {
	queue
	mu    sync.Mutex
	fails int
}

func (b *broken) Next(after uint64) (uplink.Batch, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails > 0 {
		b.fails--
		return uplink.Batch{}, false, errors.New("input/output error")
	}
	return b.queue.Next(after)
}

func TestASpoolThatFailsIsTriedAgain(t *testing.T) {
	_, port := startBroker(t, 0)
	startCollector(t, port, always)
	s := openSpool(t, 3)
	run(t, uplink.Options{URL: address(port), Spool: &broken{queue: queue{s}, fails: 3}, Resend: 10 * time.Millisecond})
	eventually(t, "an empty spool", func() bool { return s.State().Envelopes == 0 })
}

func TestStoppingDoesNotWaitForABrokerThatNeverAnswers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	stop := run(t, uplink.Options{URL: "mqtt://" + listener.Addr().String(), Spool: queue{openSpool(t, 1)}})
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("stopping took %s", took)
	}
}

func TestALostBrokerIsTriedAgainSoonAndThenLessOften(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	run(t, uplink.Options{
		URL: "mqtt://" + listener.Addr().String(), Spool: queue{openSpool(t, 0)},
		FirstRetry: 40 * time.Millisecond, LastRetry: 400 * time.Millisecond,
	})
	var tries []time.Time
	for range 8 {
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		tries = append(tries, time.Now())
		_ = conn.Close()
	}
	const slow = 300 * time.Millisecond // what a busy machine may add
	if first := tries[1].Sub(tries[0]); first < 20*time.Millisecond || first > 40*time.Millisecond+slow {
		t.Errorf("first retry after %s, want 20 to 40 ms", first)
	}
	for i := 5; i < len(tries); i++ {
		if pause := tries[i].Sub(tries[i-1]); pause < 100*time.Millisecond || pause > 400*time.Millisecond+slow {
			t.Errorf("retry %d after %s, want 100 to 200 ms", i, pause)
		}
	}
}

func TestABrokerThatConfirmsNothingIsLeft(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	log := &lines{}
	run(t, uplink.Options{
		URL: "mqtt://" + listener.Addr().String(), Spool: queue{openSpool(t, 1)}, Resend: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go mute(conn)
	eventually(t, "the link given up", func() bool { return strings.Contains(log.text(), "the broker confirms nothing") })
}

// mute is a broker that says yes to CONNECT and SUBSCRIBE and to nothing else.
func mute(conn net.Conn) {
	header := make([]byte, 2)
	for {
		if _, err := io.ReadFull(conn, header); err != nil {
			return
		}
		length, shift := int(header[1]&0x7f), 7
		for b := header[1]; b&0x80 != 0; shift += 7 {
			more := make([]byte, 1)
			if _, err := io.ReadFull(conn, more); err != nil {
				return
			}
			b = more[0]
			length |= int(b&0x7f) << shift
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		switch header[0] >> 4 {
		case 1:
			_, _ = conn.Write([]byte{0x20, 2, 0, 0})
		case 8:
			_, _ = conn.Write([]byte{0x90, 5, body[0], body[1], 1, 1, 1})
		}
	}
}

type lines struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) text() string { l.mu.Lock(); defer l.mu.Unlock(); return l.all.String() }

func TestABrokerThatRefusesIsToldInTheLog(t *testing.T) {
	_, port := startBroker(t, 0, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "ps-01", Password: "right"},
			{Username: "deaf", Password: "right", Permissions: &server.Permissions{
				Subscribe: &server.SubjectPermission{Deny: []string{"zerofax.v1.agents.*.ack"}},
			}},
		}
	})
	for _, c := range []struct{ name, user, password, says string }{
		{"wrong password", "ps-01", "wrong", "not Authorized"},
		{"may not hear acks", "deaf", "right", "refuses zerofax/v1/agents/ps-01/ack"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &lines{}
			run(t, uplink.Options{
				URL: address(port), Username: c.user, Password: c.password, Spool: queue{openSpool(t, 0)},
				Log: slog.New(slog.NewTextHandler(log, nil)),
			})
			eventually(t, "a word in the log", func() bool { return strings.Contains(log.text(), c.says) })
			if strings.Contains(log.text(), c.password) && c.password == "wrong" {
				t.Errorf("the password stands in the log: %s", log.text())
			}
		})
	}
	log := &lines{}
	run(t, uplink.Options{
		URL: address(port), Username: "ps-01", Password: "right", Spool: queue{openSpool(t, 0)},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	eventually(t, "a connection", func() bool { return strings.Contains(log.text(), "connected to the broker") })
}

func TestABrokerThatHangsUpIsSaidOnce(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tries atomic.Int32
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			tries.Add(1)
			_, _ = conn.Read(make([]byte, 1)) // leaves the rest unread, so that it is reset
			_ = conn.Close()
		}
	})
	t.Cleanup(func() { _ = listener.Close(); group.Wait() })
	log := &lines{}
	stop := run(t, uplink.Options{
		URL: address(listener.Addr().(*net.TCPAddr).Port), Spool: queue{openSpool(t, 0)}, FirstRetry: time.Millisecond, LastRetry: time.Second,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	eventually(t, "five tries", func() bool { return tries.Load() >= 5 })
	stop()
	if n := strings.Count(log.text(), "no link to the broker"); n != 1 {
		t.Errorf("said %d times, want once:\n%s", n, log.text())
	}
}

func TestOptionsThatCannotWorkAreAnErrorAtOnce(t *testing.T) {
	unusable := identity.New(identity.Options{Certificate: identity.PEM{File: filepath.Join(t.TempDir(), "none.pem")}, Now: time.Now})
	for _, c := range []struct {
		name string
		opts uplink.Options
		says string
	}{
		{"no agent", uplink.Options{URL: "mqtt://127.0.0.1"}, "agent"},
		{"no URL", uplink.Options{Agent: agent}, "want mqtt://"},
		{"another scheme", uplink.Options{Agent: agent, URL: "http://127.0.0.1"}, "want mqtt://"},
		{"a URL that is none", uplink.Options{Agent: agent, URL: "mqtt://[::1"}, "missing ']'"},
		{"no such certificate", uplink.Options{Agent: agent, URL: "mqtts://127.0.0.1", Identity: unusable}, "none.pem"},
	} {
		if err := uplink.New(c.opts).Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want an error saying %q", c.name, err, c.says)
		}
	}
}

// cutter passes connections on until they are cut.
type cutter struct {
	port  int
	mu    sync.Mutex
	conns []net.Conn
}

func proxy(t *testing.T, port int) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{port: listener.Addr().(*net.TCPAddr).Port}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			broker, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				_ = client.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, client, broker)
			c.mu.Unlock()
			group.Go(func() { _, _ = io.Copy(broker, client); _ = broker.Close() })
			group.Go(func() { _, _ = io.Copy(client, broker); _ = client.Close() })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); c.all(); group.Wait() })
	return c
}

func (c *cutter) all() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// The collector takes a state of the same instant for the last one, which brokers keep and say again.
func TestWhatIsNewIsToldAtOnceAndAsANewState(t *testing.T) {
	_, port := startBroker(t, 0)
	c := startCollector(t, port, always)
	news := make(chan struct{})
	noon := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	run(t, uplink.Options{
		URL: address(port), Spool: queue{openSpool(t, 0)}, News: news, Presence: time.Hour, Now: func() time.Time { return noon },
	})
	for range 3 {
		news <- struct{}{}
	}
	eventually(t, "four states", func() bool { return len(c.heard()) >= 4 })
	sent := map[wire.Time]bool{}
	for _, state := range c.heard() {
		if sent[state.SentAt] {
			t.Errorf("two states were sent at %s", state.SentAt)
		}
		sent[state.SentAt] = true
	}
}
