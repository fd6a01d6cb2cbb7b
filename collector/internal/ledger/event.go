package ledger

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Everything that a counter does is judged when it is booked, in the same transaction, and judged
// again when what people declared changes: see rejudge.go. Of one activity there is at most one
// event a line and kind. It is never removed: what doesn't hold any more is withdrawn.

// eventKinds are the kinds of episodes that consist of events.
var eventKinds = [...]EpisodeKind{AfterCutoff, AfterCopper}

// event is an Event with what only the books need.
type event struct {
	Event
	kind              EpisodeKind
	episode           int64
	activity, anomaly int64 // what it is; the other is 0. Less than 0: a row of a journal
	slack             time.Duration
	counted           bool // it is in the line's totals after the cut-off, for good
	told              bool // by a message
}

// live tells whether there is anything to tell of.
func (c Certainty) live() bool { return c == Certain || c == Probable || c == Unsure }

// proven tells whether it counts.
func (c Certainty) proven() bool { return c == Certain || c == Probable }

// judge makes events of what a counter did. It costs nothing where no line has a date.
func (b *books) judge(g growth) {
	if g.device.ends == 0 || g.to.Add(g.slack) <= g.device.ends {
		return
	}
	lines := b.linesAt(g.device, g.to)
	for _, kind := range eventKinds {
		if line, j := b.afterEnd(kind, lines, &g); j.Certainty != "" {
			b.event(kind, line, &g, j)
		}
	}
}

// linesAt are the lines whose faxes a device counts at a time; none where all of them are counted
// by machines of their own.
func (b *books) linesAt(d *device, at wire.Time) (lines []string) {
	wires := b.where.linesOf(d, at)
	if b.where.countedElsewhere(d, wires, at) {
		return nil
	}
	for _, w := range wires {
		lines = append(lines, w.line)
	}
	return lines
}

// firstDeadline is the earliest of all lines that ever hung on a device, 0 for none.
func (b *books) firstDeadline(d *device) (first wire.Time) {
	for _, name := range d.names() {
		for _, line := range b.where.lines[name] {
			if ends, ok := b.deadlines[line]; ok {
				first = earliest(first, earliest(ends.At(), ends.copper))
			}
		}
	}
	return first
}

// bind finds out from when on the faxes of each device matter.
func (b *books) bind() {
	b.deadlines = b.register.deadlines(b.zones)
	clear(b.sighted)
	for _, d := range b.devices {
		d.ends = b.firstDeadline(d)
	}
}

// growthOf is activity as it is judged; counts is false where the device counts the same faxes as received.
func (b *books) growthOf(c *counter, x *activity) (g growth, counts bool) {
	return growth{
		activity: x.number, device: c.device, measure: c.measure, unit: c.unit,
		from: x.from, to: x.to, slack: x.error, count: x.count,
	}, x.flags&alsoReceived == 0
}

// growth is what an event was judged by.
func (x *event) growth(d *device) growth {
	return growth{
		activity: x.activity, anomaly: x.anomaly, device: d, measure: x.Measure, unit: x.Unit,
		from: x.From, to: x.To, slack: x.slack, count: x.Count, value: x.Value,
	}
}

// growthOfReset is a counter's fall as it is judged. At 0 nothing has happened since.
func (b *books) growthOfReset(c *counter, x *Anomaly) (g growth, counts bool) {
	if x.After == 0 {
		return g, false
	}
	return growth{
		anomaly: x.ID, device: c.device, measure: c.measure, unit: c.unit,
		from: x.From, to: x.To, slack: x.error, value: x.After,
	}, !b.twice(c)
}

// afterEnd judges growth of a device with these lines, and says on which of them it is booked.
func (b *books) afterEnd(kind EpisodeKind, lines []string, g *growth) (line string, j judgement) {
	line, t := lastEnding(kind, lines, b.deadlines)
	j = g.after(t)
	for _, other := range lines {
		for _, w := range b.windows[other] {
			j = j.tested(g, w)
		}
	}
	return line, j
}

// event books a new event.
func (b *books) event(kind EpisodeKind, line string, g *growth, j judgement) {
	b.last.event++
	x := &event{
		Event: Event{
			ID: b.last.event, Line: line, Device: g.machine(), Journal: g.journal, Measure: g.measure, Unit: g.unit, From: g.from, To: g.to,
			NoticedAt: wire.TimeOf(b.now()), Count: g.count, Value: g.value, Certainty: j.Certainty, Doubt: j.Doubt,
		},
		kind: kind, activity: g.activity, anomaly: g.anomaly, slack: g.slack,
	}
	e := b.episodes[x.topic()]
	if e == nil && x.Certainty.live() {
		e = b.start(x.topic(), x.NoticedAt)
	}
	if e != nil { // a test that nothing preceded is no episode
		x.episode, e.Device = e.ID, cmp.Or(x.Device, e.Device)
		e.add(x.sum())
		b.explain(e)
		b.tell(e)
	}
	b.total(x)
	b.changes.events = append(b.changes.events, x)
}

// total adds an event to its line's totals after the cut-off as soon as it counts: once, and for good.
func (b *books) total(x *event) {
	if x.counted || x.kind != AfterCutoff || !x.Certainty.proven() {
		return
	}
	x.counted, x.NoticedAt = true, wire.TimeOf(b.now())
	t := b.after[x.Line]
	if IsPages(x.Measure) {
		t.Pages += x.Count
	} else {
		t.Faxes += x.Count
	}
	t.Noticed = max(t.Noticed, x.NoticedAt)
	b.after[x.Line] = t
	b.changes.after[x.Line] = true
}

// sum is what events of one kind of an episode add up to.
type sum struct {
	Journal   string       `json:"journal,omitempty"` // that tells of them; empty: a machine
	Certainty Certainty    `json:"certainty"`
	Doubt     Doubt        `json:"doubt,omitempty"`
	Measure   wire.Measure `json:"measure"`
	Unit      string       `json:"unit"`
	Events    int64        `json:"events"`
	Count     int64        `json:"count"`
	Value     int64        `json:"value,omitempty"` // the highest
	From      wire.Time    `json:"from"`            // the first happened after this
	First     wire.Time    `json:"first"`           // and not after this
	Last      wire.Time    `json:"last"`            // the last happened not after this
	Noticed   wire.Time    `json:"noticed"`
}

func (x *event) sum() sum {
	return sum{x.Journal, x.Certainty, x.Doubt, x.Measure, x.Unit, 1, x.Count, x.Value, x.From, x.To, x.To, x.NoticedAt}
}

// order puts sums in the order in which they are told.
func (s sum) order(other sum) int {
	return cmp.Or(
		cmp.Compare(s.Certainty.rank(), other.Certainty.rank()),
		cmp.Compare(slices.Index(wire.Measures(), s.Measure), slices.Index(wire.Measures(), other.Measure)),
		cmp.Compare(s.Unit, other.Unit),
		cmp.Compare(s.Doubt, other.Doubt),
		strings.Compare(s.Journal, other.Journal),
	)
}

// rank is low where the certainty is great.
func (c Certainty) rank() int {
	return slices.Index([]Certainty{Certain, Probable, Unsure, Test, Withdrawn}, c)
}

// plus is both sums, of the same kind, together.
func (s sum) plus(other sum) sum {
	s.Events += other.Events
	s.Count += other.Count
	s.Value = max(s.Value, other.Value)
	s.From, s.First = min(s.From, other.From), min(s.First, other.First)
	s.Last, s.Noticed = max(s.Last, other.Last), max(s.Noticed, other.Noticed)
	return s
}
