package broker_test

import (
	"context"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/collector/internal/broker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, dir string) *broker.Broker {
	t.Helper()
	b, err := broker.Start(t.Context(), broker.Options{Dir: dir, Listen: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func closed(t *testing.T, b *broker.Broker) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, b *broker.Broker, id string) mqtt.Client {
	t.Helper()
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(b.URL()).SetClientID(id).SetAutoReconnect(false).SetWriteTimeout(5 * time.Second))
	finished(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(100) })
	return c
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

// hear gives the retained message on topic, "" if none comes within patience. It subscribes again and
// again: the broker takes a moment from confirming a message to handing it to who comes later.
func hear(t *testing.T, b *broker.Broker, topic string, patience time.Duration) string {
	t.Helper()
	got := make(chan string, 100)
	c := connect(t, b, "listener")
	defer c.Disconnect(100)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		finished(t, c.Subscribe(topic, 1, func(_ mqtt.Client, m mqtt.Message) { got <- string(m.Payload()) }))
		select {
		case text := <-got:
			return text
		case <-time.After(500 * time.Millisecond):
		}
	}
	return ""
}

func TestRetainedMessagesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir)
	c := connect(t, b, "ps-01")
	finished(t, c.Publish("zerofax/v1/agents/ps-01/state", 1, true, "here"))
	closed(t, b)

	b = start(t, dir)
	defer closed(t, b)
	if got := hear(t, b, "zerofax/v1/agents/+/state", 5*time.Second); got != "here" {
		t.Errorf("after the restart got %q, want the retained message", got)
	}
}

func TestAnEnvelopeOfFullSizePasses(t *testing.T) {
	b := start(t, t.TempDir())
	defer closed(t, b)
	want := strings.Repeat("x", 256<<10)
	finished(t, connect(t, b, "ps-01").Publish("zerofax/v1/agents/ps-01/readings", 1, true, want))
	if got := hear(t, b, "zerofax/v1/agents/ps-01/readings", 5*time.Second); got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
}

// A copy of the folder of a living broker is what kill -9 leaves behind.
func TestAStoreLeftByKill9IsUsedAgain(t *testing.T) {
	living, dead := t.TempDir(), filepath.Join(t.TempDir(), "broker")
	b := start(t, living)
	defer closed(t, b)
	c := connect(t, b, "ps-01")
	finished(t, c.Subscribe("zerofax/v1/agents/ps-01/ack", 1, nil))
	finished(t, c.Publish("zerofax/v1/agents/ps-01/state", 1, true, "here"))
	if err := os.CopyFS(dead, os.DirFS(living)); err != nil {
		t.Fatal(err)
	}
	again := start(t, dead)
	defer closed(t, again)
	if got := hear(t, again, "zerofax/v1/agents/+/state", 5*time.Second); got != "here" {
		t.Errorf("after kill -9 got %q, want the retained message", got)
	}
	if _, err := os.Stat(dead + ".bad"); err == nil {
		t.Error("a good store was set aside")
	}
}

func TestADamagedStoreDoesNotStopIt(t *testing.T) {
	for name, damage := range map[string]func(data []byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"cut short": func(data []byte) []byte { return data[:len(data)/2] },
		"garbage": func(data []byte) []byte {
			for i := range data {
				data[i] ^= 0xA5
			}
			return data
		},
	} {
		t.Run("every file is "+name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "broker")
			b := start(t, dir)
			finished(t, connect(t, b, "ps-01").Publish("zerofax/v1/agents/ps-01/state", 1, true, "here"))
			closed(t, b)
			rewrite(t, dir, damage)

			b = start(t, dir)
			defer closed(t, b)
			finished(t, connect(t, b, "ps-01").Publish("zerofax/v1/agents/ps-01/state", 1, true, "again"))
			if got := hear(t, b, "zerofax/v1/agents/+/state", 5*time.Second); got != "again" {
				t.Errorf("got %q, want a broker that works", got)
			}
		})
	}
}

func rewrite(t *testing.T, dir string, change func([]byte) []byte) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		return os.WriteFile(path, change(data), 0o600)
	})
	if err != nil || files == 0 {
		t.Fatalf("damaged %d files: %v", files, err)
	}
}

func TestATakenAddressIsSaidAndTheStoreIsLeftAlone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := filepath.Join(t.TempDir(), "broker")
	if err := os.MkdirAll(filepath.Join(dir, "jetstream"), 0o750); err != nil {
		t.Fatal(err)
	}
	_, err = broker.Start(context.Background(), broker.Options{Dir: dir, Listen: l.Addr().String(), Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v, want it to say that the address is in use", err)
	}
	if _, err := os.Stat(dir + ".bad"); err == nil {
		t.Error("the store was set aside")
	}
}

func TestAStoreItCannotWorkWithIsSetAside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "broker")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "jetstream"), []byte("no folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, dir)
	defer closed(t, b)
	if data, err := os.ReadFile(filepath.Join(dir+".bad", "jetstream")); err != nil || string(data) != "no folder" {
		t.Errorf("set aside: got %q, %v", data, err)
	}
}

func TestASubscriptionThatDiedWithKill9KeepsNoMessages(t *testing.T) {
	living, dead := t.TempDir(), filepath.Join(t.TempDir(), "broker")
	b := start(t, living)
	defer closed(t, b)
	finished(t, connect(t, b, "ps-01").Subscribe("zerofax/v1/agents/ps-01/readings", 1, nil))
	if err := os.CopyFS(dead, os.DirFS(living)); err != nil {
		t.Fatal(err)
	}
	again := start(t, dead)
	defer closed(t, again)
	c := connect(t, again, "ps-02")
	for range 20 {
		finished(t, c.Publish("zerofax/v1/agents/ps-01/readings", 1, false, strings.Repeat("x", 256<<10)))
	}
	var size int64
	err := filepath.WalkDir(dead, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		size += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if size > 1<<20 {
		t.Errorf("the store holds %d bytes of messages that nobody waits for", size)
	}
}
