package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

const (
	readingsAnEnvelope = 100
	inFlight           = 16 // as an agent does it
)

// BenchmarkMQTTToBooks is the whole way of a reading: published by one agent with at most 16
// envelopes of 100 readings in flight, through the embedded broker, on disk, acknowledged.
func BenchmarkMQTTToBooks(b *testing.B) {
	for _, moves := range []struct {
		name  string
		every int // one reading in so many has new counters
	}{{"every reading counts", 1}, {"one in twenty counts", 20}} {
		b.Run(moves.name, func(b *testing.B) {
			r := start(b, b.TempDir())
			a := join(b, r, "ps-01")
			f := fleet{devices: 1000, every: moves.every}
			f.feed(a, f.round()) // births
			b.ResetTimer()
			f.feed(a, b.N)
			b.ReportMetric(float64(b.N*readingsAnEnvelope)/b.Elapsed().Seconds(), "readings/s")
		})
	}
}

// BenchmarkMemoryOf10000Devices is the resident memory of a collector process of its own with
// 10 000 devices of two counters each: after an hour's worth of readings, and after somebody
// looked at metrics and page.
func BenchmarkMemoryOf10000Devices(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("reads /proc")
	}
	for range b.N {
		pid, r := startProcess(b)
		a := join(b, r, "ps-01")
		f := fleet{devices: 10_000, every: 20}
		f.feed(a, 12*f.round())
		b.ReportMetric(resident(b, pid, "VmRSS"), "MB-booking")
		began := time.Now()
		size := len(r.get("metrics"))
		b.ReportMetric(time.Since(began).Seconds(), "s-a-scrape")
		b.ReportMetric(float64(size)/1e6, "MB-a-scrape")
		for range 3 {
			r.get("metrics")
			r.get("")
		}
		b.ReportMetric(resident(b, pid, "VmRSS"), "MB-looked-at")
		b.ReportMetric(resident(b, pid, "VmHWM"), "MB-peak")
		b.ReportMetric(0, "ns/op")
	}
}

// fleet makes envelopes: device after device, minute after minute.
type fleet struct {
	devices, every int
	seq            uint64
	at             wire.Time
	readings       bytes.Buffer
}

// round is how many envelopes hold each device once.
func (f *fleet) round() int { return f.devices / readingsAnEnvelope }

// feed publishes n envelopes and waits until all are acknowledged.
func (f *fleet) feed(a *agent, n int) {
	a.t.Helper()
	if f.at == 0 {
		f.at = wire.TimeOf(time.Now().Add(-24 * time.Hour))
	}
	acked, last := f.seq, f.seq+uint64(n)
	for acked < last {
		for f.seq < last && f.seq < acked+inFlight {
			a.client.Publish(wire.Topic(a.id, wire.KindReadings), 1, false, f.next(a.id))
		}
		select {
		case ack := <-a.acks:
			acked = max(acked, ack.Seq)
		case <-time.After(30 * time.Second):
			a.t.Fatalf("no ack beyond %d within 30 s", acked)
		}
	}
}

func (f *fleet) next(agent string) []byte {
	envelope := int(f.seq)
	f.seq++
	round, first := envelope/f.round(), envelope%f.round()*readingsAnEnvelope
	f.readings.Reset()
	for i := range readingsAnEnvelope {
		if i > 0 {
			f.readings.WriteByte(',')
		}
		device := first + i
		value := 1000
		if device%f.every == 0 {
			value += round
		}
		fmt.Fprintf(&f.readings, `{"device":"kyocera-%06d","at":%q,"uptime_ms":%d,"ok":true,"profile":"kyocera","counters":[`+
			`{"measure":"fax_sent_pages","unit":"pages","rule":"kyocera/sent","value":%d},`+
			`{"measure":"fax_received_pages","unit":"pages","rule":"kyocera/received","value":%d}],"fax_service":"ready","fax":"yes"}`,
			device, f.at.Add(time.Duration(round)*time.Second), 1_000_000+round*1000, value, value)
	}
	return wire.AppendEnvelope(nil, wire.Header{
		Agent: agent, Stream: stream, First: f.seq, Seq: f.seq, Oldest: 1, SentAt: wire.TimeOf(time.Now()),
	}, []byte("["+f.readings.String()+"]"))
}

// startProcess runs this test program as the collector (see TestMain).
func startProcess(b *testing.B) (pid int, r *running) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	page, mqtt := freeAddress(b), freeAddress(b)
	write(b, dir, "collector.yml", fmt.Sprintf("data_dir: books\nmqtt: {embedded: {listen: %q}}\nhttp: {listen: %q}\n", mqtt, page))
	cmd := &exec.Cmd{Path: self, Args: []string{name, "run", "--config", filepath.Join(dir, "collector.yml")}, Stderr: b.Output(), WaitDelay: time.Second}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	r = &running{t: b, at: addresses{page: "http://" + page + "/", mqtt: "mqtt://" + mqtt}}
	r.eventually("the collector is ready", func() bool {
		resp, err := http.Get(r.at.page + "-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return cmd.Process.Pid, r
}

// resident is a figure of /proc/PID/status in MB.
func resident(b *testing.B, pid int, name string) float64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), name+":")
	var kB float64
	if _, err := fmt.Sscanf(rest, "%f kB", &kB); err != nil {
		b.Fatal(err)
	}
	return kB / 1024
}
