package snmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/gosnmp/gosnmp"
)

// maxOIDs is the most that one request asks for, unless a device takes less.
const maxOIDs = gosnmp.MaxOids

// session is a socket with its buffer, for one device after the other: a new socket for each
// poll was measured to double the CPU time of a poll. It uses gosnmp to read answers only: gosnmp's
// way of sending makes a text of every request, for a log that nobody reads, which was a
// quarter of the time that asking took.
type session struct {
	udp     *net.UDPConn
	timeout time.Duration
	tries   int
	traffic *traffic
	device  netip.AddrPort
	id      uint32        // of the last request
	spent   bool          // not to be used again
	decoder gosnmp.GoSNMP // of what needn't be authentic
	checker gosnmp.GoSNMP // of what must be
	buf     []byte
}

const (
	maxAnswer   = 1 << 15 // twice what maxOIDs texts of 255 bytes take
	usualAnswer = 1 << 12 // few answers are as large, and every session keeps its buffer
)

func openSession(timeout time.Duration, retries int, count *traffic) (*session, error) {
	udp, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("open SNMP session: %w", err)
	}
	return &session{udp: udp, timeout: timeout, tries: max(retries, 0) + 1, traffic: count, id: rand.Uint32(), buf: make([]byte, usualAnswer)}, nil
}

// nextID is never 0, with which some devices answer what they can't read, and always as long.
func (s *session) nextID() uint32 {
	s.id = sameLength(s.id + 1)
	return s.id
}

func sameLength(id uint32) uint32 { return id&(1<<30-1) | 1<<30 }

// reader makes an answer of a datagram from the device. Nothing at all means that it isn't
// the answer, which may still come; an error means that none will come.
type reader func(datagram []byte) (*gosnmp.SnmpPacket, error)

// exchange sends a request and waits until read has an answer or ctx ends. The same request is
// sent again if no answer comes in time, or none that can be read; which of the tries is
// answered makes no difference.
func (s *session) exchange(ctx context.Context, request []byte, read reader) (answer *gosnmp.SnmpPacket, err error) {
	stop := context.AfterFunc(ctx, s.interrupt)
	for try := 0; try < s.tries && ctx.Err() == nil; try++ {
		if try > 0 {
			s.traffic.retries.Add(1)
		}
		if answer, err = s.try(ctx, request, read); err == nil {
			break
		}
	}
	if !stop() {
		s.spent = true // interrupt may still be about to run, and would hit the next device's exchange
	}
	if answer == nil && err == nil {
		err = ctx.Err()
	}
	return answer, err
}

func (s *session) try(ctx context.Context, request []byte, read reader) (*gosnmp.SnmpPacket, error) {
	if err := s.udp.SetReadDeadline(time.Now().Add(s.timeout)); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		s.interrupt() // it may have run just before
	}
	if err := s.send(request); err != nil {
		return nil, err
	}
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(s.buf)
		if s.cutShort(n, err) {
			s.buf = make([]byte, maxAnswer)
			if err := s.send(request); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if from.Port() != s.device.Port() || from.Addr().Unmap() != s.device.Addr() {
			continue // none of ours
		}
		if answer, err := read(s.buf[:n]); answer != nil || err != nil {
			return answer, err
		}
	}
}

func (s *session) send(request []byte) error {
	s.traffic.requests.Add(1)
	_, err := s.udp.WriteToUDPAddrPort(request, s.device)
	return err
}

// cutShort tells whether a datagram may not have fitted into the buffer, which can be larger.
func (s *session) cutShort(n int, err error) bool {
	const tooLong = syscall.Errno(10040) // Windows' WSAEMSGSIZE; others just cut
	return len(s.buf) < maxAnswer && (err == nil && n == len(s.buf) || errors.Is(err, tooLong))
}

// plain reads answers of SNMPv1 and SNMPv2c to the last request, or to none (id 0).
func (s *session) plain(datagram []byte) (*gosnmp.SnmpPacket, error) {
	answer, err := contained(s.decoder.SnmpDecodePacket, datagram)
	if err != nil || answer.RequestID == s.id || answer.RequestID == 0 {
		return answer, err
	}
	return nil, nil
}

// contained runs one of gosnmp's decoders. Malformed datagrams are known to make them panic.
func contained(decode func([]byte) (*gosnmp.SnmpPacket, error), datagram []byte) (answer *gosnmp.SnmpPacket, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			answer, err = nil, fmt.Errorf("decode: %v", fault)
		}
	}()
	if answer, err = decode(bytes.Clone(datagram)); err != nil {
		return nil, err
	}
	return answer, nil
}

// interrupt ends all reading and writing at once.
func (s *session) interrupt() { s.udp.SetDeadline(time.Unix(1, 0)) }
