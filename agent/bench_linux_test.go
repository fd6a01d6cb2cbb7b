package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkAgent polls simulated devices. The agent is the real program in a process of its
// own, the devices another, so cpu_µs/poll is what the agent takes for one poll all in: SNMP,
// profile, encoding, spool with fsync, uplink.
func BenchmarkAgent(b *testing.B) {
	b.Run("1000 devices each 10s", func(b *testing.B) { benchAgent(b, 1000, 10*time.Second, 2) })
	b.Run("10000 devices each 60s on one core", func(b *testing.B) { benchAgent(b, 10_000, time.Minute, 1, "GOMAXPROCS=1") })
}

// benchAgent measures rounds of looks, once all devices are identified.
func benchAgent(b *testing.B, devices int, every time.Duration, rounds int, env ...string) {
	dir := b.TempDir()
	program := filepath.Join(dir, "zerofax-agent")
	if out, err := exec.Command("go", "build", "-tags", "gosnmp_nodebug,nethttpomithttp2", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	ward := startWard(b, devices)
	config := filepath.Join(dir, "agent.yml")
	if err := os.WriteFile(config, []byte(configFor(ward.addrs, every, ward.broker)), 0o600); err != nil {
		b.Fatal(err)
	}
	agent := exec.Command(program, "run", "--config", config, "--log-level", "warn")
	agent.Env = append(os.Environ(), env...)
	agent.Stderr = os.Stderr
	if err := agent.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = agent.Process.Signal(os.Interrupt)
		_ = agent.Wait()
	})
	time.Sleep(2*every + 10*time.Second) // all are identified, and looked at by schedule
	for b.Loop() {
		cpu, polls := cpuOf(b, agent.Process.Pid), ward.requests(b)
		time.Sleep(time.Duration(rounds) * every)
		cpu, polls = cpuOf(b, agent.Process.Pid)-cpu, ward.requests(b)-polls
		b.ReportMetric(float64(cpu.Microseconds())/float64(polls), "cpu_µs/poll")
		b.ReportMetric(float64(polls)/float64(rounds*devices), "requests/poll")
		b.ReportMetric(rssOf(b, agent.Process.Pid), "rss_MB")
	}
}

// cpuOf is the processor time that a process has taken so far (clock_getcpuclockid(3)).
func cpuOf(b *testing.B, pid int) time.Duration {
	const schedClock = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedClock), &ts); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// rssOf is a process's resident memory in MB.
func rssOf(b *testing.B, pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	kb, _ := strconv.Atoi(string(regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)[1]))
	return float64(kb) / 1000
}
