package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// books is the present state in memory. All decisions are made on it; what changed is written at
// the end of the transaction. If that fails the whole of it is dropped and loaded again.
type books struct {
	now          func() time.Time
	clocks       map[string]*clock // outlive the books: they are measured, not booked
	agents       map[string]*agent
	streams      map[[2]string]*stream // by agent and stream
	begun        map[string][]*stream  // by agent, in the order in which they began
	devices      map[string]*device
	addresses    map[[2]string]*device // who is known at an agent's address
	texts        map[string]string     // one copy of each rule, profile, unit…
	register     Register
	where        *whereabouts // of what is registered and of the devices
	accounts     map[Account]*account
	calendars    map[string]*calendar // by zone
	location     *time.Location       // where no other zone is declared
	zones        *Zones
	deadlines    map[string]deadline    // by line, where one has any
	windows      map[string][]window    // announced tests, by line
	episodes     map[topic]*episode     // those that are open, or closed although what they are about lasts
	lately       map[topic]wire.Time    // when the last of those closed that lasted
	held         map[topic]bool         // conditions that held when the watchdog looked last; not kept
	after        map[string]AfterTotals // by line
	sighted      map[string]wire.Time   // lines that can't be blind before; not kept
	journalsSeen int64                  // revision of the journals that were reviewed last; not kept
	revisions    map[string]int64       // of agents' configurations, by agent
	last         numbers
	changes      changes
}

// numbers are the last ones given.
type numbers struct {
	device, counter, stream, activity, anomaly, quarantine, hole, audit, account, posting, status int64
	episode, revision, event, window                                                              int64
}

// changes is what the present transaction has to write.
type changes struct {
	agents     []*agent
	streams    []*stream
	forgotten  []*stream
	devices    []*device  // what they are
	looks      []*device  // when they were looked at
	counters   []*counter // what they are
	tallies    []*counter // what they count
	ports      []portOf
	claims     map[claimKey]wire.Time
	activities []activity
	astray     []*device // to be located anew
	accounts   []*account
	postings   []posting
	crowd      []posting // their instant may be taken
	posted     map[postedKey]int64
	hours      map[hourKey]int64
	months     map[monthKey]monthCount
	unposted   int64                 // activity up to it is not posted yet
	moved      map[*device]wire.Time // activity that ended then or later may belong elsewhere
	rezoned    map[*account]string   // what their time zone was
	statuses   []statusOf
	anomalies  []*Anomaly // new ones
	closings   []closing
	quarantine []Quarantine
	holes      []hole
	envelopes  map[Verdict]int64
	cursors    map[string]int64
	declared   []record // new or changed rows of the register
	undeclared []record
	audit      []Entry
	copper     []copperChange
	configs    []AgentConfig    // declared anew
	outrun     map[string]int64 // revisions of agents' configurations that are declared as before
	episodes   []*episode       // new or changed
	events     []*event         // new or judged again
	windows    []window
	followed   []agentEvents
	after      map[string]bool // lines whose totals after the cut-off grew
	review     review
}

type stream struct {
	number    int64
	agent, id string
	next      uint64
	crc       uint32
	lastAt    wire.Time
	overlap   bool
	dirty     bool
}

type hole struct {
	number int64
	*stream
	span
	from, to, noticed wire.Time
	lost              int64
}

type activity struct {
	number, counter int64
	from, to        wire.Time
	count, flags    int64
	value           int64         // of the counter at the end
	error           time.Duration // by how much from and to may be off
}

// The flags of an activity.
const (
	wideInterval = 1 << iota // longer than an hour
	inexactEnd               // clocks were wrong
	alsoReceived             // the same faxes count as fax_received_pages
)

type claimKey struct {
	device int64
	agent  string
}

type closing struct {
	anomaly int64
	at      wire.Time
	outcome Outcome
}

// deliver judges one delivery and books what is in it.
func (b *books) deliver(d *Delivery) Result {
	receipt := wire.TimeOf(d.ReceivedAt)
	a := b.agent(d.Agent)
	a.alive(receipt)
	r := b.verdict(a, d, receipt)
	b.changes.envelopes[r.Verdict]++
	return r
}

func (b *books) verdict(a *agent, d *Delivery, receipt wire.Time) Result {
	env, fault := &d.Envelope, d.Err
	if fault == nil && env.Agent != d.Agent {
		fault = fmt.Errorf("%w: it says that it is from %q", wire.ErrBad, env.Agent)
	}
	switch {
	case errors.Is(fault, wire.ErrVersion):
		b.newVersion(a, fault, receipt)
		return Result{Verdict: NewVersion, Stream: env.Stream}
	case fault != nil && !errors.Is(fault, wire.ErrBad), env.Seq > math.MaxInt64:
		b.quarantine(d, -1, "no readable stream and seq", d.Payload[:min(len(d.Payload), 4096)], receipt)
		return Result{Verdict: Unreadable}
	case fault != nil:
		env.Header = numbered(env.Header)
	default:
		a.offset = b.clock(a.id, receipt, env.SentAt)
	}
	s := b.stream(a.id, env.Stream)
	verdict, missing := judge(s.next, env.Header)
	switch {
	case verdict == Overlap:
		b.overlap(s, env, receipt)
	case verdict == Applied && fault != nil:
		verdict = Quarantined
		b.quarantine(d, -1, fault.Error(), d.Payload, receipt)
		b.advance(s, d, missing, readingsCRC(d), receipt)
	case verdict == Applied:
		b.advance(s, d, missing, env.CRC, receipt)
		b.readings(a, s, d, receipt)
	}
	return Result{Verdict: verdict, Stream: s.id, Ack: s.next - 1, CRC: s.crc, Send: true}
}

// advance moves a stream on beyond an envelope.
func (b *books) advance(s *stream, d *Delivery, missing span, crc uint32, receipt wire.Time) {
	env := &d.Envelope
	if s.number == 0 {
		b.last.stream++
		s.number = b.last.stream
		b.keep(s)
		b.forget(s.agent)
	}
	if missing.First != 0 {
		b.last.hole++
		h := hole{number: b.last.hole, stream: s, span: missing, from: s.lastAt, noticed: receipt, lost: env.Lost}
		if len(env.Readings) > 0 {
			h.to, _, _ = stamp(env.Readings[0].At, b.agents[s.agent].offset, receipt)
		}
		b.changes.holes = append(b.changes.holes, h)
		b.lost(&h)
	}
	s.next, s.crc = env.Seq+1, crc
	b.touch(s)
}

// maxStreams is how many streams of an agent are remembered: the newest. A spool that is opened
// empty begins a new one, so each start of an agent may. An older one that is said again after all
// is a new one, whose readings are old by their uptime, clock and values, as after any rollback.
const maxStreams = 100

func (b *books) keep(s *stream) {
	b.streams[[2]string{s.agent, s.id}] = s
	b.begun[s.agent] = append(b.begun[s.agent], s)
}

func (b *books) forget(agent string) {
	begun := b.begun[agent]
	old := begun[:max(0, len(begun)-maxStreams)]
	for _, s := range old {
		delete(b.streams, [2]string{s.agent, s.id})
	}
	b.changes.forgotten = append(b.changes.forgotten, old...)
	b.begun[agent] = begun[len(old):]
}

// readings books the readings of an envelope.
func (b *books) readings(a *agent, s *stream, d *Delivery, receipt wire.Time) {
	if a.tooNew != 0 { // it speaks our version again
		b.close(a.tooNew, Noted, receipt)
		a.tooNew = 0
	}
	for i := range d.Envelope.Readings {
		b.reading(a, s, &d.Envelope.Readings[i], receipt)
	}
	b.followed(a.id, d.Envelope.Events)
	for _, bad := range d.Envelope.Bad {
		b.quarantine(d, bad.Index, bad.Reason, bad.Raw, receipt)
	}
}

// overlap notes, once a stream, that an agent was restored or cloned.
func (b *books) overlap(s *stream, env *wire.Envelope, receipt wire.Time) {
	if s.overlap || s.number == 0 {
		return
	}
	s.overlap = true
	b.touch(s)
	b.open(Anomaly{
		Kind: StreamOverlap, Agent: s.agent, Before: int64(s.next) - 1, After: int64(env.Seq),
		Note:    fmt.Sprintf("stream %s: %d…%d came, but all below %d is in the books", s.id, env.First, env.Seq, s.next),
		Outcome: Noted, OpenedAt: receipt, ClosedAt: receipt,
	})
}

// newVersion notes, once an agent, that this collector is too old for it.
func (b *books) newVersion(a *agent, fault error, receipt wire.Time) {
	if a.tooNew == 0 {
		a.tooNew = b.open(Anomaly{Kind: UpdateCollector, Agent: a.id, Note: fault.Error(), OpenedAt: receipt})
	}
}

// open books a new anomaly and returns its number.
func (b *books) open(x Anomaly) int64 {
	b.last.anomaly++
	x.ID = b.last.anomaly
	b.changes.anomalies = append(b.changes.anomalies, &x)
	return x.ID
}

// close closes an anomaly, be it of this transaction or an earlier one.
func (b *books) close(number int64, outcome Outcome, at wire.Time) {
	b.changes.closings = append(b.changes.closings, closing{number, at, outcome})
	b.over(topic{kind: AnomalyToJudge, anomaly: number})
}

// quarantine keeps what can't be accepted; index is the reading's, -1 for all of it.
func (b *books) quarantine(d *Delivery, index int, reason string, payload []byte, receipt wire.Time) {
	b.last.quarantine++
	b.changes.quarantine = append(b.changes.quarantine, Quarantine{
		ID: b.last.quarantine, Agent: d.Agent, Stream: d.Envelope.Stream, Seq: d.Envelope.Seq,
		Index: index, Reason: reason, ReceivedAt: receipt, Payload: payload[:min(len(payload), wire.MaxEnvelope)],
	})
}

// agent is the agent, a new one if need be. It is written with this transaction.
func (b *books) agent(id string) *agent {
	a := b.agents[id]
	if a == nil {
		a = &agent{id: id, firstSeen: wire.TimeOf(b.now())}
		b.agents[id] = a
	}
	mark(&a.dirty, &b.changes.agents, a)
	return a
}

// stream is the stream; a new one is no part of the books until something in it is accepted.
func (b *books) stream(agent, id string) *stream {
	if s := b.streams[[2]string{agent, id}]; s != nil {
		return s
	}
	return &stream{agent: agent, id: id, next: 1}
}

func (b *books) touch(s *stream) { mark(&s.dirty, &b.changes.streams, s) }

// mark puts a thing among those to be written, once a transaction.
func mark[T any](marked *bool, list *[]T, thing T) {
	if !*marked {
		*marked = true
		*list = append(*list, thing)
	}
}

// clock takes in that an agent's message was sent at sent by its clock.
func (b *books) clock(agent string, receipt, sent wire.Time) time.Duration {
	c := b.clocks[agent]
	if c == nil {
		c = new(clock)
		b.clocks[agent] = c
	}
	c.observe(receipt, sent)
	return c.offset()
}

const maxTexts = 10_000

// text is s, in memory only once.
func (b *books) text(s string) string {
	if known, ok := b.texts[s]; ok {
		return known
	}
	if len(b.texts) == maxTexts {
		clear(b.texts)
	}
	b.texts[s] = s
	return s
}

// readingsCRC is the checksum that the ack of a bad envelope carries, so that its agent lets it go.
func readingsCRC(d *Delivery) uint32 {
	var body struct {
		Readings json.RawMessage `json:"readings"`
	}
	if err := json.Unmarshal(d.Payload, &body); err != nil {
		return d.Envelope.CRC
	}
	return wire.CRC(body.Readings)
}
