package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/agent/freeport"
	"github.com/zerofax/zerofax/agent/internal/poll"
	"github.com/zerofax/zerofax/agent/internal/spool"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
	"github.com/zerofax/zerofax/mibs/sim"
)

// books are kept as the contract says, and count as simply as can be: what a counter grew by
// between two readings of a device. The machines of these tests are never reset.
type books struct {
	mu       sync.Mutex
	next     map[string]uint64 // by stream
	crc      map[string]uint32
	lost     int64
	readings map[string]int // by device
	failed   map[string]int
	last     map[string]int64 // by device and measure
	grown    map[string]int64
}

func newBooks() *books {
	return &books{
		next: map[string]uint64{}, crc: map[string]uint32{}, readings: map[string]int{}, failed: map[string]int{},
		last: map[string]int64{}, grown: map[string]int64{},
	}
}

// apply gives the ack.
func (b *books) apply(env wire.Envelope) wire.Ack {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := max(b.next[env.Stream], 1)
	if start := max(next, env.Oldest); env.First >= next && env.First <= start && start <= env.Seq {
		b.next[env.Stream], b.crc[env.Stream] = env.Seq+1, env.CRC
		b.lost = max(b.lost, env.Lost)
		for i := range env.Readings {
			b.book(&env.Readings[i])
		}
		next = env.Seq + 1
	}
	return wire.Ack{V: wire.Version, Stream: env.Stream, Seq: next - 1, CRC: b.crc[env.Stream]}
}

func (b *books) book(r *wire.Reading) {
	b.readings[r.Device] += max(1, r.Seen)
	if !r.OK {
		b.failed[r.Device]++
	}
	for _, c := range r.Counters {
		key := r.Device + " " + string(c.Measure)
		if last, known := b.last[key]; known {
			b.grown[key] += c.Value - last
		}
		b.last[key] = c.Value
	}
}

// givenUp is how many readings the agent says it gave up.
func (b *books) givenUp() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lost
}

func (b *books) looks(device string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.readings[device]
}

// equal tells whether the books agree with what the machines themselves counted.
func (b *books) equal(ward *sim.Ward) (differs string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, bed := range ward.Devices {
		for _, measure := range bed.Description().Measures() {
			key := bed.ID() + " " + string(measure)
			if got, want := b.grown[key], bed.Count(measure); got != want {
				return fmt.Sprintf("%s: got %d, want %d", key, got, want)
			}
		}
	}
	return ""
}

// collect books what comes over a broker, until the test ends.
func collect(t *testing.T, broker string, b *books) {
	t.Helper()
	client, err := newCollector(broker, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(100) })
}

func newCollector(broker string, b *books, encrypted *tls.Config) (mqtt.Client, error) {
	readings := func(client mqtt.Client, m mqtt.Message) {
		env, err := wire.DecodeEnvelope(m.Payload())
		if err != nil || len(env.Bad) > 0 {
			panic(fmt.Sprintf("envelope: %v, bad readings: %v", err, env.Bad))
		}
		client.Publish(wire.Topic(env.Agent, wire.KindAck), 1, false, wire.Encode(b.apply(env)))
	}
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(broker).SetClientID("collector").SetTLSConfig(encrypted).
		SetOnConnectHandler(func(client mqtt.Client) {
			client.Subscribe(wire.Topic("+", wire.KindReadings), 1, readings)
		}))
	if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		return nil, fmt.Errorf("collector: %w", token.Error())
	}
	return client, nil
}

// startBroker runs a broker on a port until the test ends.
func startBroker(t testing.TB, port int) {
	t.Helper()
	ns, err := newBroker(t.TempDir(), port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	})
}

func newBroker(dir string, port int, change ...func(*server.Options)) (*server.Server, error) {
	o := &server.Options{
		ServerName: "test", DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir,
		MQTT: server.MQTTOpts{Host: "127.0.0.1", Port: port},
	}
	for _, f := range change {
		f(o)
	}
	ns, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	ns.Start()
	if !ns.ReadyForConnections(20 * time.Second) {
		return nil, errors.New("broker: not ready")
	}
	return ns, nil
}

// setUp starts a ward of every make, and writes the configuration of an agent that looks at it
// each second.
func setUp(t *testing.T) (ward *sim.Ward, config string, port int) {
	t.Helper()
	models, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ward, err = sim.Start(ctx, sim.Plan{Of: models, First: netip.MustParseAddrPort("127.0.0.1:0"), OneAddress: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := ward.Wait(); err != nil {
			t.Error(err)
		}
	})
	var addrs []netip.AddrPort
	for _, bed := range ward.Devices {
		addrs = append(addrs, bed.Addr)
	}
	port = freeport.Must(t)
	config = filepath.Join(t.TempDir(), "agent.yml")
	text := configFor(addrs, time.Second, fmt.Sprintf("mqtt://127.0.0.1:%d", port))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return ward, config, port
}

func configFor(addrs []netip.AddrPort, every time.Duration, broker string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "agent: bench\ncollector: {url: %s}\npoll: {lines: %s, counters: %s}\nspool: {dir: spool}\nhttp: {listen: '127.0.0.1:0'}\ntargets:\n", broker, every, every)
	for _, addr := range addrs {
		fmt.Fprintf(&text, "  - {host: %s, port: %d}\n", addr.Addr(), addr.Port())
	}
	return text.String()
}

// eventually waits until wrong is empty.
func eventually(t *testing.T, what string, wrong func() string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for said := wrong(); said != ""; said = wrong() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s: %s", what, said)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// counting are the devices that tell a counter.
func counting(ward *sim.Ward) (beds []sim.Bed) {
	for _, bed := range ward.Devices {
		if len(bed.Description().Measures()) > 0 {
			beds = append(beds, bed)
		}
	}
	return beds
}

func eachLookedAt(t *testing.T, ward *sim.Ward, b *books, times int) {
	t.Helper()
	eventually(t, "every device is looked at", func() string {
		for _, bed := range counting(ward) {
			if n := b.looks(bed.ID()); n < times {
				return fmt.Sprintf("%s: %d times", bed.ID(), n)
			}
		}
		return ""
	})
}

func TestEachFaxArrivesAndEachLookIsOneRequest(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	ward, config, port := setUp(t)
	startBroker(t, port)
	b := newBooks()
	collect(t, fmt.Sprintf("mqtt://127.0.0.1:%d", port), b)
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	code := make(chan int)
	go func() { code <- run(ctx, []string{"run", "--config", config}, &log, &log) }()
	defer func() {
		cancel()
		if got := <-code; got != 0 {
			t.Errorf("exit %d, want 0:\n%s", got, log.String())
		}
	}()

	eachLookedAt(t, ward, b, 2)
	for i, bed := range ward.Devices {
		bed.Fax(1+i%3, 2)
	}
	eventually(t, "each fax is booked", func() string { return b.equal(ward) })

	type count struct {
		requests sim.Requests
		looks    int
	}
	before := map[string]count{}
	for _, bed := range counting(ward) {
		before[bed.ID()] = count{bed.Requests(), b.looks(bed.ID())}
	}
	least := 0
	for _, c := range before {
		least = max(least, c.looks)
	}
	eachLookedAt(t, ward, b, least+4)
	for _, bed := range counting(ward) {
		now, was := bed.Requests(), before[bed.ID()]
		looks := b.looks(bed.ID()) - was.looks
		if gets := now.Gets - was.requests.Gets; gets < looks-2 || gets > looks+2 {
			t.Errorf("%s: %d GETs for %d looks", bed.ID(), gets, looks)
		}
		if others := now.All() - now.Gets - was.requests.All() + was.requests.Gets; others != 0 || now.Sets != 0 {
			t.Errorf("%s: %d other requests in steady state, %d SETs; want none", bed.ID(), others, now.Sets)
		}
	}
}

func TestKilledAgainAndAgainTheAgentLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some 15 s")
	}
	t.Parallel()
	ward, config, port := setUp(t)
	var agent *exec.Cmd
	start := func() {
		agent = exec.Command("zerofax-agent", "run", "--config", config, "--log-level", "error") // this test binary, see TestMain
		agent.Stderr = os.Stderr
		if err := agent.Start(); err != nil {
			t.Fatal(err)
		}
	}
	kill := func() {
		_ = agent.Process.Kill()
		_ = agent.Wait()
	}
	batches := func() int {
		found, _ := filepath.Glob(filepath.Join(filepath.Dir(config), "spool", "*.batch"))
		return len(found)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	start()
	defer func() { kill() }()
	eventually(t, "readings on disk", func() string { return fewer(batches(), 3) })
	for range 3 {
		for _, bed := range ward.Devices {
			bed.Fax(rng.IntN(3), rng.IntN(3))
		}
		had := batches()
		eventually(t, "more readings on disk", func() string { return fewer(batches(), had+2) })
		time.Sleep(time.Duration(rng.IntN(500)) * time.Millisecond) // killed at any moment
		kill()
		start()
	}
	startBroker(t, port) // only now: nobody was there all the time
	b := newBooks()
	collect(t, fmt.Sprintf("mqtt://127.0.0.1:%d", port), b)
	eventually(t, "each fax is booked", func() string { return b.equal(ward) })
	if lost := b.givenUp(); lost != 0 {
		t.Errorf("%d readings lost", lost)
	}
}

func fewer(got, want int) string {
	if got >= want {
		return ""
	}
	return fmt.Sprintf("%d, want %d", got, want)
}

func TestHoursWithoutABrokerTakeNoMemoryAndLoseNoFax(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		models, err := sim.Builtin()
		if err != nil {
			t.Fatal(err)
		}
		profiles, err := mibs.Builtin()
		if err != nil {
			t.Fatal(err)
		}
		held, err := spool.Open(spool.Options{Dir: dir, MaxFiles: 200, Fold: poll.Fold})
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		o := poll.Options{
			Profiles: profiles, Lines: time.Minute, Counters: 5 * time.Minute, AtOnce: 16,
			Put: held.Append, Log: slog.New(slog.DiscardHandler),
		}
		var ward sim.Ward
		for i, model := range models {
			device := sim.New(model, sim.Options{Number: i + 1})
			ward.Devices = append(ward.Devices, sim.Bed{Device: device})
			o.Targets = append(o.Targets, poll.Target{
				Address: device.ID(),
				Ask: func(_ context.Context, _ mibs.Quirks, look func(mibs.Asker) error) error {
					return look(device.Recording())
				},
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		poller := poll.New(o)
		go func() { done <- poller.Run(ctx) }()

		rng := rand.New(rand.NewPCG(3, 4))
		hour := func() {
			for range 60 {
				time.Sleep(time.Minute)
				ward.Devices[rng.IntN(len(ward.Devices))].Fax(rng.IntN(3), rng.IntN(3))
			}
		}
		time.Sleep(10 * time.Minute) // every counter was read once
		hour()
		before := heap()
		for range 2 {
			hour()
		}
		if grown := heap() - before; grown > 1<<20 {
			t.Errorf("the heap grew by %d KB in 2 hours", grown>>10)
		}
		if n := held.State().Envelopes; n > 200 {
			t.Errorf("%d files in the spool, want 200 at most", n)
		}
		time.Sleep(10 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}

		b := newBooks()
		for after := uint64(0); ; {
			batch, ok, err := held.Next(after)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			readings, _, err := wire.DecodeReadings(batch.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.IsSortedFunc(readings, func(a, b wire.Reading) int { return int(a.At - b.At) }) {
				t.Errorf("batch %d–%d is out of order", batch.First, batch.Seq)
			}
			for i := range readings {
				b.book(&readings[i])
			}
			after = batch.Seq
		}
		if differs := b.equal(&ward); differs != "" {
			t.Error(differs)
		}
		if lost := held.State().Lost; lost != 0 {
			t.Errorf("%d readings lost", lost)
		}
	})
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
