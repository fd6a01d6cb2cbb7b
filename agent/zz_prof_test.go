package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func BenchmarkProf(b *testing.B) {
	dir := b.TempDir()
	w := startWard(b, 1000)
	cfg := filepath.Join(dir, "agent.yml")
	os.WriteFile(cfg, []byte(configFor(w.addrs, 10*time.Second, w.broker)), 0o600)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int)
	go func() {
		done <- run(ctx, []string{"run", "--config", cfg, "--log-level", "error"}, os.Stdout, os.Stderr)
	}()
	time.Sleep(25 * time.Second)
	f, _ := os.Create("/tmp/ov/cpu.prof")
	var u0, u1 unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &u0)
	p0 := w.requests(b)
	pprof.StartCPUProfile(f)
	time.Sleep(20 * time.Second)
	pprof.StopCPUProfile()
	f.Close()
	unix.Getrusage(unix.RUSAGE_SELF, &u1)
	n := float64(w.requests(b) - p0)
	us := func(a, b unix.Timeval) float64 { return float64(b.Sec-a.Sec)*1e6 + float64(b.Usec-a.Usec) }
	fmt.Printf("user %.0f sys %.0f us/poll, ctxsw %.1f %.1f\n", us(u0.Utime, u1.Utime)/n, us(u0.Stime, u1.Stime)/n, float64(u1.Nvcsw-u0.Nvcsw)/n, float64(u1.Nivcsw-u0.Nivcsw)/n)
	h, _ := os.Create("/tmp/ov/heap.prof")
	pprof.Lookup("allocs").WriteTo(h, 0)
	h.Close()
	cancel()
	<-done
}
