//go:build unix

package snmp_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/mibs"
)

// Both ends in one process would be billed to one account, so that the other end runs in
// a process of its own: it answers every request with the same bytes and the request's id.
const cannedEnv = "ZEROFAX_TEST_CANNED"

var tenObjects = []string{
	sysUpTime, serialOID, sent, printed, "1.3.6.1.2.1.25.3.2.1.5.4", "1.3.6.1.2.1.43.10.2.1.4.1.1",
	"1.3.6.1.4.1.253.8.53.13.2.1.6.12.20.13", "1.3.6.1.4.1.253.8.53.13.2.1.8.12.20.13",
	"1.3.6.1.4.1.253.8.53.13.2.1.6.12.20.19", "1.3.6.1.4.1.253.8.53.13.2.1.8.12.20.19",
}

func TestCannedDevice(t *testing.T) {
	if os.Getenv(cannedEnv) == "" {
		t.Skip("only a part of the benchmarks")
	}
	if os.Getenv(cannedEnv) == snmp.V3 {
		fmt.Println("listening on", startMachine(t, zerofax).at)
		select {}
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening on", conn.LocalAddr())
	buf := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		conn.WriteToUDPAddrPort(canned(buf[:n]), from)
	}
}

// canned is a realistic answer to tenObjects under the id of request: encoded once, with
// four bytes for the id, which are then exchanged.
var canned = func() func([]byte) []byte {
	out := &gosnmp.SnmpPacket{Version: gosnmp.Version2c, Community: "public", PDUType: gosnmp.GetResponse, RequestID: 0x7f7f7f7f}
	for i, oid := range tenObjects {
		v := gosnmp.SnmpPDU{Name: oid, Type: gosnmp.Integer, Value: 123456 + i}
		if i == 1 || i == 7 || i == 9 {
			v = gosnmp.SnmpPDU{Name: oid, Type: gosnmp.OctetString, Value: "Embedded Fax Images Sent"}
		}
		out.Variables = append(out.Variables, v)
	}
	raw, err := out.MarshalMsg()
	if err != nil {
		panic(err)
	}
	at := strings.Index(string(raw), "\x02\x04\x7f\x7f\x7f\x7f") + 2
	decoder := new(gosnmp.GoSNMP)
	return func(request []byte) []byte {
		in, err := decoder.SnmpDecodePacket(request)
		if err != nil {
			return nil
		}
		id := in.RequestID
		copy(raw[at:], []byte{byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)})
		return raw
	}
}()

func startCanned(b *testing.B, version string) netip.AddrPort {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=TestCannedDevice", "-test.v")
	cmd.Env = append(os.Environ(), cannedEnv+"="+version)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for {
		var word string
		if _, err := fmt.Fscan(out, &word); err != nil {
			b.Fatal(err)
		}
		if at, err := netip.ParseAddrPort(word); err == nil {
			return at
		}
	}
}

// A poll in steady state: one conversation, one GET of ten objects.
func BenchmarkPoll(b *testing.B) {
	at := startCanned(b, snmp.V2c)
	pool := newPool(b, snmp.Options{})
	d := pool.Device(target(at, snmp.V2c))
	b.Run("one by one", func(b *testing.B) {
		report(b, func() {
			for b.Loop() {
				poll(b, d)
			}
		})
	})
	b.Run("one by one, SNMPv3 with SHA256 and AES", func(b *testing.B) {
		at := startCanned(b, snmp.V3)
		d := pool.Device(snmp.Target{Host: at.Addr().String(), Port: at.Port(), Credentials: zerofax})
		poll(b, d)
		report(b, func() {
			for b.Loop() {
				poll(b, d)
			}
		})
		if d.Rediscoveries() > 0 {
			b.Errorf("found the engine out anew %d times", d.Rediscoveries())
		}
	})
	b.Run("64 at once", func(b *testing.B) {
		report(b, func() {
			var pollers sync.WaitGroup
			for i := range 64 {
				pollers.Go(func() {
					d := pool.Device(target(at, snmp.V2c))
					for n := i; n < b.N; n += 64 {
						poll(b, d)
					}
				})
			}
			pollers.Wait()
		})
	})
	// What a session opened for each poll would cost instead.
	b.Run("gosnmp dialled anew", func(b *testing.B) {
		report(b, func() {
			for b.Loop() {
				g := gosnmp.GoSNMP{Target: at.Addr().String(), Port: at.Port(), Version: gosnmp.Version2c, Community: "public", Timeout: 2 * time.Second}
				if err := g.Connect(); err != nil {
					b.Fatal(err)
				}
				if _, err := g.Get(tenObjects); err != nil {
					b.Fatal(err)
				}
				g.Close()
			}
		})
	})
	b.Run("gosnmp connected for good", func(b *testing.B) {
		g := gosnmp.GoSNMP{Target: at.Addr().String(), Port: at.Port(), Version: gosnmp.Version2c, Community: "public", Timeout: 2 * time.Second}
		if err := g.Connect(); err != nil {
			b.Fatal(err)
		}
		defer g.Close()
		report(b, func() {
			for b.Loop() {
				if _, err := g.Get(tenObjects); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func poll(b *testing.B, d *snmp.Device) {
	ctx := context.Background()
	err := d.Ask(ctx, mibs.Quirks{}, func(a mibs.Asker) error {
		answers, err := a.Get(ctx, tenObjects)
		if err == nil && len(answers) != len(tenObjects) {
			err = fmt.Errorf("got %d answers", len(answers))
		}
		return err
	})
	if err != nil {
		b.Error(err)
	}
}

// report tells what run cost this process alone.
func report(b *testing.B, run func()) {
	b.ReportAllocs()
	before := cpu(b)
	run()
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/1e3, "cpu-µs/op")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
