package uplink

import (
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// sender decides what is sent when, within one connection.
//
// The oldest batch goes alone until its ack has come: a machine that was restored from an
// older copy may hold another batch under a number that the collector knows, and finds out
// only by that ack's checksum. A batch sent behind it would be applied, and its ack fit.
type sender struct {
	link     *link
	stream   string   // of what is under way
	after    uint64   // sent up to here
	flight   []uint64 // sent and not acknowledged
	proven   bool     // an ack of what was sent fitted, in this connection
	answered bool     // the collector, in this connection
	online   bool     // the collector; a hint
	timer    *time.Timer
	failed   bool // the spool, last time
}

func newSender(l *link) *sender {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &sender{link: l, online: true, timer: timer}
}

func (s *sender) window() int {
	if s.proven && s.online {
		return s.link.opts.Window
	}
	return 1
}

// wait starts the time after which all is said again.
func (s *sender) wait() {
	if s.online {
		s.timer.Reset(s.link.opts.Resend)
	} else {
		s.timer.Reset(s.link.opts.ResendOffline)
	}
}

// rewind makes pump begin again with the oldest.
func (s *sender) rewind() {
	s.after, s.flight = 0, s.flight[:0]
	s.timer.Stop()
}

// pump sends what the window allows.
func (s *sender) pump() error {
	for len(s.flight) < s.window() {
		b, ok, err := s.link.opts.Spool.Next(s.after)
		if err != nil {
			s.spoolFailed(err)
			return nil
		}
		s.failed = false
		if !ok {
			return nil
		}
		if err := s.send(&b); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) send(b *Batch) error {
	o := s.link.opts
	header := wire.Header{
		Agent: o.Agent, Stream: b.Stream, First: b.First, Seq: b.Seq, Oldest: b.Oldest, Lost: b.Lost,
		SentAt: wire.TimeOf(o.Now()),
	}
	message := wire.AppendEnvelope(make([]byte, 0, len(b.Payload)+wire.Overhead), header, b.Payload)
	if _, err := s.link.publish(s.link.topic(wire.KindReadings), false, message); err != nil {
		return err
	}
	s.link.uplink.note(func(state *State) { state.Sent++ })
	if len(s.flight) == 0 {
		s.wait()
	}
	s.stream, s.after = b.Stream, b.Seq
	s.flight = append(s.flight, b.Seq)
	return nil
}

func (s *sender) spoolFailed(err error) {
	if !s.failed {
		s.link.opts.Log.Error("spool gives nothing to send", "error", err)
		s.failed = true
	}
	s.wait() // and try again
}

func (s *sender) ack(a wire.Ack) {
	s.answered = true
	s.link.uplink.note(func(state *State) { state.LastAck, state.Acks = s.link.opts.Now(), state.Acks+1 })
	if err := s.link.opts.Spool.Ack(a.Stream, a.Seq, a.CRC); err != nil {
		s.link.opts.Log.Error("ack", "stream", a.Stream, "seq", a.Seq, "error", err)
		s.proven = false
		s.rewind()
		return
	}
	if a.Stream != s.stream {
		return
	}
	arrived := slices.IndexFunc(s.flight, func(seq uint64) bool { return seq > a.Seq })
	if arrived < 0 {
		arrived = len(s.flight)
	}
	if arrived == 0 {
		return // no progress; an ack of what was forgotten before proves nothing
	}
	s.proven = true
	s.flight = slices.Delete(s.flight, 0, arrived)
	if len(s.flight) == 0 {
		s.timer.Stop()
	} else {
		s.wait()
	}
}

// hint takes in what the collector says of itself.
func (s *sender) hint(online bool) {
	if online == s.online {
		return
	}
	s.online = online
	s.link.uplink.note(func(state *State) { state.Offline = !online })
	s.link.opts.Log.Info("collector", "online", online)
	switch {
	case online:
		s.rewind()
	case len(s.flight) > 0:
		s.wait()
	}
}
