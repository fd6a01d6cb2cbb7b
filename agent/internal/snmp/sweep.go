package snmp

import (
	"errors"
	"fmt"
	"hash/maphash"
	"net"
	"net/netip"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// Sweep finds out where anything speaks SNMP: one socket, one datagram a knock, and no
// memory of either. An answer is known by the id that only a knock at its address with
// these credentials has.
type Sweep struct {
	udp  *net.UDPConn
	sets []Credentials
	seed maphash.Seed

	decoder gosnmp.GoSNMP
	buf     [1 << 13]byte // the answers are small
}

// The system group (RFC 3418): all that a knock asks for.
var systemGroup = []string{"1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.3.0"}

// OpenSweep opens the socket. Credentials are named by their place in sets from then on.
func OpenSweep(sets []Credentials) (*Sweep, error) {
	udp, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("open sweep: %w", err)
	}
	if err := quieten(udp); err != nil {
		return nil, errors.Join(fmt.Errorf("open sweep: %w", err), udp.Close())
	}
	return &Sweep{udp: udp, sets: sets, seed: maphash.MakeSeed()}, nil
}

func quieten(udp *net.UDPConn) error {
	raw, err := udp.SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	err = raw.Control(func(socket uintptr) { refused = noBroadcast(socket) })
	return errors.Join(err, refused)
}

// Close ends Hear.
func (s *Sweep) Close() error { return s.udp.Close() }

// Knock sends one datagram: with versions 1 and 2c a GET of what kind of machine it is, with
// version 3 the message that every SNMPv3 engine answers, whoever asks. It doesn't wait. At
// an address that stands for all machines of a network there is nobody.
func (s *Sweep) Knock(at netip.AddrPort, set int) error {
	datagram, err := s.knock(at, set)
	if err != nil {
		return fmt.Errorf("knock at %s: %w", at, err)
	}
	if _, err := s.udp.WriteToUDPAddrPort(datagram, at); err != nil && !errors.Is(err, errBroadcast) {
		var network *net.OpError
		if errors.As(err, &network) { // without our own port, another one each time
			err = network.Err
		}
		return fmt.Errorf("knock at %s: %w", at, err)
	}
	return nil
}

func (s *Sweep) knock(at netip.AddrPort, set int) ([]byte, error) {
	c := s.sets[set]
	if c.Version == V3 {
		return engineDiscovery(s.id(at, set), s.id(at, set))
	}
	r := request{
		version: c.version(false), community: string(c.Community), kind: gosnmp.GetRequest,
		id: s.id(at, set), oids: systemGroup,
	}
	return r.encode(r.packet())
}

// id belongs to an address and credentials: no two sweeps use the same, and who isn't asked can't guess it.
func (s *Sweep) id(at netip.AddrPort, set int) uint32 {
	type knock struct {
		at  netip.AddrPort
		set int
	}
	return uint32(maphash.Comparable(s.seed, knock{at, set}))&(1<<30-1) | 1<<30
}

// KnockSize is how many bytes Knock sends, without the headers of UDP and IP.
func KnockSize(c Credentials) int {
	s := Sweep{sets: []Credentials{c}, seed: maphash.MakeSeed()}
	datagram, _ := s.knock(netip.AddrPort{}, 0) // these can't be wrong in a way that Check doesn't tell
	return len(datagram)
}

// maxTroubles is how often in a row the socket may fail to read before that is not taken any
// more for news of single machines, such as "port unreachable" on Windows.
const maxTroubles = 1000

// Hear waits for the next answer to a knock and tells where it came from, to which
// credentials, and what the machine calls itself ("" if it doesn't say). Whatever else comes
// in is ignored. Its error means that there is nothing more to hear: net.ErrClosed after Close.
func (s *Sweep) Hear() (at netip.AddrPort, set int, says string, err error) {
	for troubles := 0; ; {
		n, from, err := s.udp.ReadFromUDPAddrPort(s.buf[:])
		if errors.Is(err, net.ErrClosed) || err != nil && troubles == maxTroubles {
			return netip.AddrPort{}, 0, "", fmt.Errorf("hear answers: %w", err)
		}
		if err != nil {
			troubles++
			continue
		}
		troubles = 0
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if set, says, ok := s.recognise(from, s.buf[:n]); ok {
			return from, set, says, nil
		}
	}
}

// recognise finds out which knock a datagram answers. Even an error shows that somebody is there.
func (s *Sweep) recognise(from netip.AddrPort, datagram []byte) (set int, says string, ok bool) {
	packet, err := contained(s.decoder.SnmpDecodePacket, datagram)
	if err != nil {
		return 0, "", false
	}
	id := packet.RequestID
	if packet.Version == gosnmp.Version3 {
		id = packet.MsgID // a report can't always tell the request's (RFC 3412, section 7.1)
	}
	if packet.PDUType != gosnmp.GetResponse && packet.PDUType != gosnmp.Report {
		return 0, "", false // some send back whatever comes
	}
	for set := range s.sets {
		if s.sets[set].version(false) == packet.Version && s.id(from, set) == id {
			return set, describe(packet), true
		}
	}
	return 0, "", false
}

// describe is sysDescr, if that was answered.
func describe(packet *gosnmp.SnmpPacket) string {
	for _, v := range packet.Variables {
		if text, ok := v.Value.([]byte); ok && strings.TrimPrefix(v.Name, ".") == systemGroup[1] {
			return strings.ToValidUTF8(string(text), "?")
		}
	}
	return ""
}
