package poll_test

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/internal/poll"
	"github.com/zerofax/zerofax/mibs"
	"github.com/zerofax/zerofax/mibs/sim"
)

// BenchmarkPoller polls 1 000 simulated devices as fast as it can: ns/op is for one look, and
// heap_B/device what it keeps of a device.
func BenchmarkPoller(b *testing.B) {
	models, err := sim.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	profiles, err := mibs.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	const devices = 1000
	var targets []poll.Target
	asked := make(chan struct{}, 1)
	for i := range devices {
		machine := sim.New(models[i%len(models)], sim.Options{Number: i + 1}).Recording()
		ask := func(ctx context.Context, _ mibs.Quirks, look func(mibs.Asker) error) error {
			err := look(machine)
			asked <- struct{}{}
			return err
		}
		targets = append(targets, poll.Target{Address: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String(), Ask: ask})
	}
	before := heap()
	p := poll.New(poll.Options{
		Targets: targets, Profiles: profiles, Lines: time.Millisecond, Counters: time.Millisecond, AtOnce: 2,
		Put: func([]byte, int) error { return nil }, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	for range 4 * devices { // identified, and looked at twice
		<-asked
	}
	b.ReportAllocs()
	for b.Loop() {
		<-asked
	}
	b.ReportMetric(float64(heap()-before)/devices, "heap_B/device")
	cancel()
	for stopped := false; !stopped; {
		select {
		case <-asked:
		case <-done:
			stopped = true
		}
	}
}

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
