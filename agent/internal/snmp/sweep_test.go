package snmp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/zerofax/zerofax/agent/internal/snmp"
)

var sets = []snmp.Credentials{
	{Version: snmp.V3, User: "u"},
	{Version: snmp.V2c, Community: "public"},
	{Version: snmp.V1, Community: "public"},
	{Version: snmp.V2c, Community: "other"},
}

func openSweep(t *testing.T) *snmp.Sweep {
	t.Helper()
	s, err := snmp.OpenSweep(sets)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// hear wants the next answer, from at to a set of credentials.
func hear(t *testing.T, s *snmp.Sweep, at netip.AddrPort, set int) (says string) {
	t.Helper()
	got, to, says, err := s.Hear()
	if err != nil || got != at || to != set {
		t.Fatalf("heard %s to %d, %v, want %s to %d", got, to, err, at, set)
	}
	return says
}

func listenUDP(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestASweepHearsWhoAnswersToWhichCredentials(t *testing.T) {
	bed := startKyocera(t)
	s := openSweep(t)
	// Behind a closed port nobody is; the system says so, which is not to disturb the sweep.
	conn, closed := listenUDP(t)
	conn.Close()
	for set := range sets {
		for _, at := range []netip.AddrPort{closed, bed.Addr} {
			if err := s.Knock(at, set); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, set := range []int{1, 2} { // not to version 3, which it doesn't speak, nor to another community
		if says := hear(t, s, bed.Addr, set); says == "" {
			t.Error("it doesn't say what it is")
		}
	}
	time.AfterFunc(100*time.Millisecond, func() { s.Close() })
	if at, set, _, err := s.Hear(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("heard %s to %d, %v, want nothing more", at, set, err)
	}
	if err := s.Knock(bed.Addr, 1); err == nil {
		t.Error("a closed sweep still knocks")
	}
}

// An engine answers with a report, whoever asks (RFC 3414, section 4).
func TestASweepHearsSNMPv3EnginesWhateverUsersTheyKnow(t *testing.T) {
	m := startMachine(t, snmp.Credentials{Version: snmp.V3, User: "another", Auth: "SHA", AuthPassword: "topsecret"})
	s := openSweep(t)
	if err := s.Knock(m.at, 0); err != nil {
		t.Fatal(err)
	}
	hear(t, s, m.at, 0)
	if got := m.asked(); got != "1+0" {
		t.Errorf("it was asked %s (discoveries + requests), want one discovery", got)
	}
}

func TestASweepHearsOnlyAnswersToItsOwnKnocks(t *testing.T) {
	true1, at := listenUDP(t)
	false1, _ := listenUDP(t)
	s := openSweep(t)
	if err := s.Knock(at, 1); err != nil {
		t.Fatal(err)
	}
	request := make([]byte, 1000)
	n, from, err := true1.ReadFromUDPAddrPort(request)
	if err != nil {
		t.Fatal(err)
	}
	answer := bytes.Clone(request[:n])
	pdu := bytes.IndexByte(answer, byte(gosnmp.GetRequest))
	answer[pdu] = byte(gosnmp.GetResponse)
	other := bytes.Clone(answer) // to another request
	id := other[pdu+4:]
	binary.BigEndian.PutUint32(id, binary.BigEndian.Uint32(id)^1)
	send := func(conn *net.UDPConn, datagram []byte) {
		if _, err := conn.WriteToUDPAddrPort(datagram, from); err != nil {
			t.Fatal(err)
		}
	}
	send(true1, request[:n]) // some send back whatever comes
	send(true1, other)
	send(true1, []byte("garbage"))
	send(true1, answer[:len(answer)/2])
	send(true1, nil)
	send(false1, answer) // another address's
	send(true1, answer)
	hear(t, s, at, 1)
}

func TestOneKnockNeverReachesAllMachinesOfANetwork(t *testing.T) {
	all, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 255, 255, 255)})
	if err != nil {
		t.Skip("loopback has no address for all:", err)
	}
	defer all.Close()
	at := all.LocalAddr().(*net.UDPAddr).AddrPort()
	ordinary, _ := listenUDP(t)
	if _, err := ordinary.WriteToUDPAddrPort([]byte("x"), at); err != nil {
		t.Skip("it can't be sent to:", err)
	}
	s := openSweep(t)
	if err := s.Knock(at, 1); err != nil {
		t.Errorf("got %v, want it taken for an address with nobody there", err)
	}
	if err := all.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for got := make([]byte, 100); ; {
		n, err := all.Read(got)
		if err != nil {
			return
		}
		if n != 1 {
			t.Fatalf("%d bytes were sent to all", n)
		}
	}
}

func TestAnAddressThatNothingCanBeSentToIsNoEndOfASweep(t *testing.T) {
	s := openSweep(t)
	if err := s.Knock(netip.MustParseAddrPort("127.0.0.1:0"), 1); err == nil {
		t.Error("got no error from port 0")
	}
	bed := startKyocera(t)
	if err := s.Knock(bed.Addr, 1); err != nil {
		t.Fatal(err)
	}
	hear(t, s, bed.Addr, 1)
}
