package snmp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/gosnmp/gosnmp"
)

// maxOIDs is the most that one request asks for, unless a device takes less.
const maxOIDs = gosnmp.MaxOids

// session is a gosnmp object with its socket, for one device after the other: each has a
// buffer of 64 KiB, so a thousand devices can't have one each.
type session struct {
	client gosnmp.GoSNMP
	link   *link
}

func openSession(timeout time.Duration, retries int) (*session, error) {
	s := &session{client: gosnmp.GoSNMP{
		Target: "127.0.0.1", Port: DefaultPort, // nothing is ever sent there
		UseUnconnectedUDPSocket: true, Timeout: timeout, Retries: retries, MaxOids: maxOIDs,
	}}
	if err := s.client.Connect(); err != nil {
		return nil, fmt.Errorf("open SNMP session: %w", err)
	}
	s.link = &link{Conn: s.client.Conn, udp: s.client.Conn.(*net.UDPConn)}
	s.client.Conn = s.link
	return s, nil
}

// aim points the session at a device.
func (s *session) aim(at netip.AddrPort, version gosnmp.SnmpVersion, community Secret) {
	s.link.device = at
	s.client.Version = version
	s.client.Community = string(community)
}

// exchange lets ask use the session until ctx ends.
func (s *session) exchange(ctx context.Context, ask func() (*gosnmp.SnmpPacket, error)) (*gosnmp.SnmpPacket, error) {
	s.client.Context, s.link.ctx = ctx, ctx
	stop := context.AfterFunc(ctx, s.link.interrupt)
	packet, err := ask()
	if !stop() {
		s.link.spent = true // interrupt may still be about to run, and would hit the next device's exchange
	}
	return packet, err
}

// link is an unconnected socket that talks to one device at a time, as gosnmp expects of a
// connected one. A new socket for each poll was measured to double the CPU time of a poll.
type link struct {
	net.Conn
	udp    *net.UDPConn
	device netip.AddrPort
	ctx    context.Context // of the exchange that goes on
	spent  bool            // not to be used again
}

// Write sends a datagram to the device.
func (l *link) Write(datagram []byte) (int, error) {
	return l.udp.WriteToUDPAddrPort(datagram, l.device)
}

// Read waits for a datagram of the device; others are none of ours.
func (l *link) Read(buf []byte) (int, error) {
	for {
		n, from, err := l.udp.ReadFromUDPAddrPort(buf)
		if err != nil || from.Port() == l.device.Port() && from.Addr().Unmap() == l.device.Addr() {
			return n, err
		}
	}
}

// SetDeadline is called before each try. A context that ended just before must win.
func (l *link) SetDeadline(t time.Time) error {
	err := l.udp.SetDeadline(t)
	if l.ctx.Err() != nil {
		l.interrupt()
	}
	return err
}

// interrupt ends a Read at once.
func (l *link) interrupt() { l.udp.SetDeadline(time.Unix(1, 0)) }
