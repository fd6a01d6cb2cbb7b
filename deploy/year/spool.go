package year

import (
	"fmt"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Spool is an agent as a collector sees it: it holds what was written until that is acknowledged.
type Spool struct {
	Agent   string
	stream  string
	seq     uint64
	lost    int64
	started time.Time
	Clock   time.Duration // how far the agent's clock is ahead
	held    []held
	dropped int64
}

type held struct {
	first, seq uint64
	readings   [][]byte
	sent       bool
}

// NewSpool is an empty one.
func NewSpool(agent string, started time.Time) *Spool {
	return &Spool{Agent: agent, stream: fmt.Sprintf("stream-of-%s-%d", agent, started.Unix()), started: started}
}

// Write keeps a batch.
func (s *Spool) Write(b Batch) error {
	s.Clock = b.Clock
	var readings []wire.Reading
	for _, l := range b.Looks {
		r := l.reading(b.Clock)
		if err := r.Check(); err != nil {
			return err
		}
		readings = append(readings, r)
	}
	return s.Keep(readings)
}

// Keep keeps readings as one batch, as they are.
func (s *Spool) Keep(readings []wire.Reading) error {
	s.seq++
	h := held{first: s.seq, seq: s.seq}
	for _, r := range readings {
		text, err := wire.EncodeReadings([]wire.Reading{r})
		if err != nil {
			return err
		}
		h.readings = append(h.readings, text[1:len(text)-1])
	}
	s.held = append(s.held, h)
	return nil
}

// GiveUp forgets the oldest n batches, as a spool does that is full.
func (s *Spool) GiveUp(n int) {
	for _, h := range s.held[:min(n, len(s.held))] {
		s.lost += int64(len(h.readings))
		s.dropped += int64(len(h.readings))
	}
	s.held = s.held[min(n, len(s.held)):]
}

// Fold makes one batch of the one at i and the next, unless one of them was ever sent.
func (s *Spool) Fold(i int) {
	if i+1 >= len(s.held) || s.held[i].sent || s.held[i+1].sent {
		return
	}
	next := s.held[i+1]
	s.held[i].seq = next.seq
	s.held[i].readings = append(s.held[i].readings[:len(s.held[i].readings):len(s.held[i].readings)], next.readings...)
	s.held = append(s.held[:i+1], s.held[i+2:]...)
}

// Held is how many batches are held.
func (s *Spool) Held() int { return len(s.held) }

// Envelope is the message with the batch at i, sent at now.
func (s *Spool) Envelope(i int, now time.Time) []byte {
	h := &s.held[i]
	h.sent = true
	body := []byte{'['}
	for n, r := range h.readings {
		if n > 0 {
			body = append(body, ',')
		}
		body = append(body, r...)
	}
	return wire.AppendEnvelope(nil, wire.Header{
		Agent: s.Agent, Stream: s.stream, First: h.first, Seq: h.seq, Oldest: s.held[0].first, Lost: s.lost,
		SentAt: wire.TimeOf(now.Add(s.Clock)),
	}, append(body, ']'))
}

// Ack forgets what is acknowledged.
func (s *Spool) Ack(a wire.Ack) {
	if a.Stream != s.stream {
		return
	}
	for len(s.held) > 0 && s.held[0].seq <= a.Seq {
		s.held = s.held[1:]
	}
}

// State is what the agent says of itself at now.
func (s *Spool) State(now time.Time) wire.AgentState {
	return wire.AgentState{
		V: wire.Version, Online: true, Session: "session-" + s.Agent, StartedAt: wire.TimeOf(s.started),
		SentAt: wire.TimeOf(now.Add(s.Clock)), Version: "1.0.0", OS: "linux/amd64", Targets: 60, PollMS: 60_000,
		Spool: wire.SpoolState{Stream: s.stream, Envelopes: len(s.held), Dropped: s.dropped},
	}
}

func (l Look) reading(clock time.Duration) wire.Reading {
	r := wire.Reading{Device: l.Machine.ID, At: wire.TimeOf(l.At.Add(clock)), OK: l.Failed == "", Error: l.Failed}
	if !r.OK {
		return r
	}
	r.Identity = &wire.Identity{Vendor: vendors[l.Machine.Kind], Serial: l.Machine.Serial, Model: "M", Address: l.Address}
	for _, s := range l.Shows {
		r.Counters = append(r.Counters, wire.Counter{Measure: s.Measure, Unit: s.Unit, Rule: string(s.Measure), Value: s.Value})
	}
	for _, p := range l.Ports {
		r.Lines = append(r.Lines, wire.Line{Port: p.Name, Status: p.Status, Evidence: "hook state", Fax: wire.Yes})
	}
	if len(l.Shows) > 0 {
		r.Fax, r.Profile, r.FaxService = wire.Yes, "test", wire.ServiceReady
	}
	return r
}
