package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/wire"
)

// smallDisk is a folder on a file system of its own. Only root may make one.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("a file system of its own: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// fill takes all room that is left; the returned function gives it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if n, err := file.Write(make([]byte, size)); err != nil || n < size {
			size /= 2
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// persist is an agent that connects again whenever it must.
type persist struct {
	url    string
	client mqtt.Client
	acked  atomic.Uint64
}

func (p *persist) connect() bool {
	if p.client != nil && p.client.IsConnected() {
		return true
	}
	p.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(p.url).SetClientID("ps-01").SetAutoReconnect(false).SetConnectTimeout(time.Second).SetWriteTimeout(time.Second))
	if token := p.client.Connect(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		return false
	}
	token := p.client.Subscribe(wire.Topic("ps-01", wire.KindAck), 1, func(_ mqtt.Client, m mqtt.Message) {
		if ack, err := wire.DecodeAck(m.Payload()); err == nil && ack.Seq > p.acked.Load() {
			p.acked.Store(ack.Seq)
		}
	})
	return token.WaitTimeout(5*time.Second) && token.Error() == nil
}

// say says all that isn't acknowledged up to last.
func (p *persist) say(last uint64) {
	if !p.connect() {
		return
	}
	acked := p.acked.Load()
	for seq := acked + 1; seq <= last; seq++ {
		p.client.Publish(wire.Topic("ps-01", wire.KindReadings), 1, false, envelope("ps-01", seq, acked+1, "kyocera-a", 100+int64(seq)))
	}
}

// A full disk is an ordinary event. The embedded broker doesn't stand it (one failed write, and its store
// takes nothing any more); it must be started anew.
func TestAFullDiskStopsAcksUntilThereIsRoomAgain(t *testing.T) {
	dir := smallDisk(t, 64<<20)
	c := start(t, filepath.Join(dir, "books"))
	a := &persist{url: c.at.mqtt}
	defer func() { a.client.Disconnect(100) }()
	c.eventually("the baseline is acknowledged", func() bool { a.say(1); return a.acked.Load() == 1 })

	free := fill(t, dir)
	last := uint64(1)
	c.eventually("it stops to acknowledge and says why", func() bool {
		last++
		a.say(last)
		return a.acked.Load() < last && strings.Contains(c.get("-/ready"), "no room left on the disk")
	})
	if page := c.get("?lang=fr"); !strings.Contains(page, "plus de place sur le disque") {
		t.Error("the page doesn't show it")
	}
	if code := run(t.Context(), []string{"verify", "--config", configOf(t, c, dir)}, io.Discard, t.Output()); code != 0 {
		t.Errorf("verify on the full disk: exit code %d", code)
	}
	said := a.acked.Load()
	if a.say(last); a.acked.Load() != said {
		t.Error("it acknowledges without room")
	}

	free()
	last += 5
	for deadline := time.Now().Add(90 * time.Second); a.acked.Load() < last; time.Sleep(100 * time.Millisecond) {
		if a.say(last); time.Now().After(deadline) {
			t.Fatalf("never acknowledged again: %d of %d", a.acked.Load(), last)
		}
	}
	c.eventually("it is ready again", func() bool { return c.get("-/ready") == "ready\n" })
	if got, want := c.totals("kyocera-a")["fax_sent_pages"], int64(last-1); got != want {
		t.Errorf("got %d pages, want %d", got, want)
	}
}

// configOf writes a configuration for commands.
func configOf(t *testing.T, c *running, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "collector.yml")
	write(t, filepath.Dir(path), "collector.yml", "data_dir: "+filepath.Join(dir, "books")+"\ntime_zone: UTC\n")
	return path
}
