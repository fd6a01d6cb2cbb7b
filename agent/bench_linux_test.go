package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerofax/zerofax/mibs/sim"
)

// BenchmarkAgent polls 1 000 simulated devices each 10 s, for two rounds. The agent is the
// real program in a process of its own, the devices another, so cpu_µs/poll is what the agent
// takes for one poll all in: SNMP, profile, encoding, spool with fsync, uplink.
func BenchmarkAgent(b *testing.B) {
	const devices, rounds, every = 1000, 2, 10 * time.Second
	dir := b.TempDir()
	program := filepath.Join(dir, "zerofax-agent")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	ward := startWard(b, devices)
	config := filepath.Join(dir, "agent.yml")
	if err := os.WriteFile(config, []byte(configFor(ward.addrs, every, ward.broker)), 0o600); err != nil {
		b.Fatal(err)
	}
	agent := exec.Command(program, "run", "--config", config, "--log-level", "warn")
	agent.Stderr = os.Stderr
	if err := agent.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = agent.Process.Signal(os.Interrupt)
		_ = agent.Wait()
	})
	time.Sleep(3 * every) // all are identified, and looked at by schedule
	for b.Loop() {
		cpu, polls := cpuOf(b, agent.Process.Pid), ward.requests(b)
		time.Sleep(rounds * every)
		cpu, polls = cpuOf(b, agent.Process.Pid)-cpu, ward.requests(b)-polls
		b.ReportMetric(float64(cpu.Microseconds())/float64(polls), "cpu_µs/poll")
		b.ReportMetric(float64(polls)/(rounds*devices), "requests/poll")
		b.ReportMetric(rssOf(b, agent.Process.Pid), "rss_MB")
	}
}

func configFor(addrs []netip.AddrPort, every time.Duration, broker string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "agent: bench\ncollector: {url: %s}\npoll: {lines: %s, counters: %s}\nspool: {dir: spool}\ntargets:\n", broker, every, every)
	for _, addr := range addrs {
		fmt.Fprintf(&text, "  - {host: %s, port: %d}\n", addr.Addr(), addr.Port())
	}
	return text.String()
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

// otherWard is a ward in another process: this test binary, run again (see TestMain).
type otherWard struct {
	addrs  []netip.AddrPort
	broker string
	in     io.Writer
	out    *bufio.Scanner
}

const wardVariable = "ZEROFAX_TEST_WARD" // how many devices

func startWard(b *testing.B, devices int) *otherWard {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", wardVariable, devices))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close() // ends it
		_ = cmd.Wait()
	})
	w := &otherWard{in: in, out: bufio.NewScanner(out)}
	w.broker = w.line(b)
	for range devices {
		w.addrs = append(w.addrs, netip.MustParseAddrPort(w.line(b)))
	}
	return w
}

func (w *otherWard) line(b *testing.B) string {
	if !w.out.Scan() {
		b.Fatalf("the ward ended: %v", w.out.Err())
	}
	return w.out.Text()
}

func (w *otherWard) requests(b *testing.B) int {
	fmt.Fprintln(w.in)
	n, err := strconv.Atoi(w.line(b))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// runWard is the other process: it says where broker and devices are, then for each line
// from stdin how many requests came so far, until stdin ends.
func runWard(devices string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n, err := strconv.Atoi(devices)
	if err != nil {
		return err
	}
	models, err := sim.Builtin()
	if err != nil {
		return err
	}
	fax := models[:0]
	for _, m := range models {
		if len(m.Measures()) > 0 {
			fax = append(fax, m)
		}
	}
	ward, err := sim.Start(ctx, sim.Plan{Devices: n, Of: fax, First: netip.MustParseAddrPort("127.77.0.1:0")})
	if err != nil {
		return err
	}
	fmt.Println("mqtt://127.0.0.1:1")
	for _, bed := range ward.Devices {
		fmt.Println(bed.Addr)
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		total := 0
		for _, bed := range ward.Devices {
			total += bed.Requests().All()
		}
		fmt.Println(total)
	}
	return nil
}
