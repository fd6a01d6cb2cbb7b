package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/zerofax/zerofax/agent/freeport"
	"github.com/zerofax/zerofax/mibs/sim"
)

// otherWard is a ward, a broker and a collector in another process: this test binary, run again (see TestMain).
type otherWard struct {
	addrs  []netip.AddrPort
	broker string
	in     io.Writer
	out    *bufio.Scanner
}

const (
	wardVariable = "ZEROFAX_TEST_WARD" // how many devices
	portVariable = "ZEROFAX_TEST_PORT" // the broker's
)

func startWard(b *testing.B, devices int) *otherWard {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", wardVariable, devices), fmt.Sprintf("%s=%d", portVariable, freeport.Must(b)))
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
	dir, err := os.MkdirTemp("", "zerofax-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	port, err := strconv.Atoi(os.Getenv(portVariable))
	if err != nil {
		return err
	}
	broker, err := newBroker(dir, port)
	if err != nil {
		return err
	}
	defer broker.Shutdown()
	url := fmt.Sprintf("mqtt://127.0.0.1:%d", port)
	if _, err := newCollector(url, newBooks(), nil); err != nil {
		return err
	}
	fmt.Println(url)
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
