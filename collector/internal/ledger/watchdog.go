package ledger

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// What follows from the passing of time alone: silence, blindness, and the end of what was told.
// A round looks at agents, at lines that should have ended and at open episodes, not at all devices.

const (
	silentAfter = 15 * time.Minute // an agent speaks every minute
	sureAfter   = 2 * time.Minute  // silence is suspected so long: we may have been asleep, or our clock was set
	fadesAfter  = 24 * time.Hour   // what only happens is over after so long
	clockSteady = 30 * time.Second // a clock that was wrong is right again within it
	steadyAfter = 6 * time.Hour    // what comes and goes is over when it was away for so long
	catchUpFor  = 24 * time.Hour   // what agents hold has come in so long after we were away
)

// hearing is since when agents can reach us, and which of them seem to be silent. It isn't kept:
// after a start nobody is silent for 15 minutes.
type hearing struct {
	since    wire.Time // 0: they can't now
	suspects map[string]wire.Time
}

// listen notes whether agents can reach us at now.
func (h *hearing) listen(now wire.Time, can bool) {
	switch {
	case !can:
		*h = hearing{}
	case h.since == 0 || h.since > now:
		*h = hearing{since: now, suspects: make(map[string]wire.Time)}
	}
}

// long tells whether we could hear long enough to say what is not there.
func (h *hearing) long(now wire.Time) bool { return h.since != 0 && now.Sub(h.since) >= silentAfter }

// silent tells whether nothing was heard of an agent for 15 minutes in which we could have heard
// it. That must be seen more than once: if we were asleep it has its chance to speak first.
func (h *hearing) silent(a *agent, now wire.Time) bool {
	if h.since == 0 {
		return false
	}
	last := h.since
	for _, heard := range []wire.Time{a.firstSeen, a.lastSeen} {
		if heard <= now { // else our clock was set back since
			last = max(last, heard)
		}
	}
	silence := now.Sub(last)
	if silence < silentAfter-sureAfter {
		delete(h.suspects, a.id)
		return false
	}
	since := h.suspects[a.id]
	if since <= last {
		since = now
	}
	h.suspects[a.id] = since
	return silence >= silentAfter && now.Sub(since) >= sureAfter
}

// Watchdog makes one round: it opens and closes the episodes that depend on the passing of time.
// hearing tells whether messages of agents can reach us now: while they can't, nobody is silent.
func (l *Ledger) Watchdog(ctx context.Context, hearing bool) error {
	return l.transact(ctx, func(b *books) error {
		if err := b.journalsChanged(ctx, l.store.conn); err != nil {
			return err
		}
		now := wire.TimeOf(l.now())
		l.hearing.listen(now, hearing)
		w := watch{
			books: b, now: now, hearing: &l.hearing, blindAfter: l.blindAfter,
			holds: make(map[topic]bool), waiting: make(map[string]bool),
		}
		w.backFromFuture()
		w.agents()
		w.lines()
		w.end()
		w.open()
		b.held = w.holds
		return nil
	})
}

// watch is one round of the watchdog.
type watch struct {
	*books
	now        wire.Time
	hearing    *hearing
	blindAfter time.Duration
	begun      wire.Time       // when the first agent came, 0 = none did
	holds      map[topic]bool  // conditions that hold
	news       []*condition    // those of them that nobody was told of
	waiting    map[string]bool // devices of which a jump waits for a person
}

// condition is one that begins to hold.
type condition struct {
	topic
	since    wire.Time
	evidence func(*episode)
}

// hold notes that a condition holds since an instant; evidence is asked for when that is news.
func (w *watch) hold(t topic, since wire.Time, evidence func(*episode)) {
	w.holds[t] = true
	switch e := w.episodes[t]; {
	case e == nil:
		w.news = append(w.news, &condition{t, since, evidence})
	case !w.held[t] && e.ClosedAt == 0 && w.restless(t, e):
		evidence(e)
		w.tell(e)
	}
}

// open opens the episodes of the conditions that began to hold: what began first comes first.
func (w *watch) open() {
	slices.SortFunc(w.news, func(x, y *condition) int {
		return cmp.Or(cmp.Compare(x.since, y.since), cmp.Compare(x.kind, y.kind), cmp.Compare(x.line, y.line), cmp.Compare(x.agent, y.agent))
	})
	for _, c := range w.news {
		e := w.start(c.topic, w.now)
		e.FirstAt = c.since
		c.evidence(e)
	}
}

// restless tells whether the condition of an episode had not been over for long when it began again.
// Then the episode lasts until it is: what comes and goes all day is one thing to tell, not a hundred.
func (w *watch) restless(t topic, e *episode) bool {
	last, known := w.lately[t]
	return known && e.OpenedAt.Sub(last) < steadyAfter
}

// backFromFuture brings the end of what seems to go on in the future, by a clock of ours that was ahead and
// was set back, down to now: else it would be waited for until then.
func (w *watch) backFromFuture() {
	for _, e := range w.episodes {
		if e.ClosedAt == 0 && max(e.LastAt, e.NoticedAt) > w.now.Add(clockTrusted) {
			e.LastAt, e.NoticedAt = min(e.LastAt, w.now), min(e.NoticedAt, w.now)
			w.tell(e)
		}
	}
}

func (w *watch) agents() {
	for _, a := range w.books.agents {
		w.begun = earliest(w.begun, a.firstSeen)
		silent, off := topic{kind: AgentSilent, agent: a.id}, topic{kind: ClockOff, agent: a.id}
		if e := w.episodes[silent]; e != nil && a.lastSeen == e.FirstAt || w.hearing.silent(a, w.now) {
			w.hold(silent, a.lastSeen, func(e *episode) {
				e.Evidence = []Evidence{{Kind: EvidenceSilent, Subject: a.id, From: a.lastSeen}}
			})
		}
		if a.offset.Abs() > clockTrusted || a.offset.Abs() > clockSteady && w.episodes[off] != nil {
			w.hold(off, w.now, func(e *episode) {
				e.Evidence = []Evidence{{Kind: EvidenceClock, Subject: a.id, Count: a.offset.Milliseconds()}}
			})
		}
	}
}

// lines watches those that should have ended. Until a line can be blind at all, one look-up is enough.
func (w *watch) lines() {
	for id, d := range w.deadlines {
		t := d.At()
		if t == 0 || t > w.now || d.Done == 0 && w.sighted[id] > w.now && w.sighted[id] <= w.now.Add(w.blindAfter) {
			continue
		}
		v, ok := ValidAt(w.register.Lines[id], w.now)
		if !ok || v.Removed {
			continue
		}
		w.blind(id, v, t)
		if d.Done != 0 && d.Done <= w.now {
			w.reappeared(id, d.Done)
		}
	}
}

// blind watches whether anybody can look at a line that is cut since t. One at which nobody ever
// could is given time from the cut-off on, and from when the first agent came.
func (w *watch) blind(id string, v Declaration, t wire.Time) {
	topic, seen := topic{kind: BlindLine, line: id}, w.looked(v)
	since := cmp.Or(seen, max(t, w.begun))
	if w.now.Sub(since).Abs() <= w.blindAfter && w.begun != 0 { // it may lie ahead: our clock was set back
		w.sighted[id] = since.Add(w.blindAfter)
		return
	}
	if w.begun == 0 || w.episodes[topic] == nil && (!w.hearing.long(w.now) || w.onItsWay(v)) {
		return
	}
	w.hold(topic, since, func(e *episode) {
		declared := cmp.Or(v.Device, v.Gateway)
		x := Evidence{Kind: EvidenceBlind, Subject: declared, From: seen}
		if d := w.counting(v); d != nil {
			e.Device, e.Agent, x.Subject = d.id, d.lead, d.id
			if seen == 0 && d.readAt != 0 {
				x.Kind, x.From = EvidenceUncounted, d.readAt
			}
		}
		e.Evidence = append(w.endOf(AfterCutoff, id), x)
	})
}

// onItsWay tells whether we were away, and a line's agent, which is back, still has to tell us of that time.
func (w *watch) onItsWay(v Declaration) bool {
	d := w.counting(v)
	if d == nil || w.now.Sub(w.hearing.since) > catchUpFor {
		return false
	}
	a := w.books.agents[d.lead]
	if a == nil {
		return false
	}
	spool := &a.state.Spool
	return w.now.Sub(a.lastSeen) <= silentAfter && spool.Envelopes > 0 && w.now.Sub(spool.Oldest.Add(a.offset)) > w.blindAfter
}

// looked is when somebody last looked at a line: when its faxes were counted, or its status told.
func (w *watch) looked(v Declaration) (at wire.Time) {
	if d := w.counting(v); d != nil {
		at = d.countersAt
	}
	for _, p := range w.ports(v.Line, w.now) {
		at = max(at, p.toldAt())
	}
	return at
}

// toldAt is when the status of a port was told last, 0 if it never was.
func (p portOf) toldAt() wire.Time {
	switch {
	case p.goneAt != 0:
		return p.goneAt
	case p.Status != wire.LineUnknown:
		return p.linesAt
	case p.since > p.port.firstSeen: // it is unknown since then
		return p.since
	}
	return 0
}

// counting is the device that counts a line's faxes: its machine, or if that can't, the gateway.
// Where none does it is the one that is known.
func (w *watch) counting(v Declaration) *device {
	machine, gateway := w.where.device(v.Device), w.where.device(v.Gateway)
	if machine == nil || machine.countsFrom == 0 && gateway != nil && gateway.countsFrom != 0 {
		return gateway
	}
	return machine
}

// ports are what tells a line's status at a time: a gateway's port, or a machine's own, also those that aren't named any more.
func (b *books) ports(line string, at wire.Time) (ports []portOf) {
	v, ok := ValidAt(b.register.Lines[line], at)
	if !ok || v.Removed {
		return nil
	}
	for _, ref := range [][2]string{{v.Gateway, v.GatewayPort}, {v.Device, v.Port}} {
		d := b.where.device(ref[0])
		if d == nil {
			continue
		}
		for _, p := range d.ports {
			if strings.EqualFold(p.Port, ref[1]) || ref[1] == "" && len(d.ports) == 1 {
				ports = append(ports, portOf{d, p})
			}
		}
	}
	return ports
}

// reappeared watches whether a line that was cut at t lives at its gateway.
func (w *watch) reappeared(id string, t wire.Time) {
	for _, p := range w.ports(id, w.now) {
		if p.linesAt <= t || !p.inService() {
			continue
		}
		w.hold(topic{kind: LineReappeared, line: id}, max(p.since, t), func(e *episode) {
			e.Device, e.Agent = p.id, p.lead
			e.Evidence = append(w.endOf(AfterCutoff, id), p.alive())
		})
		return
	}
}

// end closes what has ended, in the order in which it opened.
func (w *watch) end() {
	for t, e := range w.episodes {
		if t.kind == AnomalyToJudge {
			w.waiting[e.Device] = true
		}
	}
	reasons := make(map[*episode]string)
	for t, e := range w.episodes {
		if reason := w.ended(t, e); reason != "" {
			reasons[e] = reason
		}
	}
	for _, e := range slices.SortedFunc(maps.Keys(reasons), func(x, y *episode) int { return cmp.Compare(x.ID, y.ID) }) {
		if e.ClosedAt == 0 {
			e.lasting = false
			w.shut(e, "", reasons[e])
		} else { // a person did already; if it comes again it is another one
			w.over(e.key())
		}
	}
}

// ended tells why an episode is to be closed, "" if it isn't.
func (w *watch) ended(t topic, e *episode) string {
	switch {
	case t.kind.eventful():
		return w.endOfEvents(e)
	case t.kind == AnomalyToJudge, w.holds[t]:
	case t.kind.lasts() && w.restless(t, e):
		if w.held[t] {
			e.LastAt = w.now
			w.tell(e)
		}
		if w.now.Sub(e.LastAt) >= steadyAfter {
			return ClosedOver
		}
	case t.kind.lasts(), w.now.Sub(e.NoticedAt) >= fadesAfter:
		return ClosedOver
	}
	return ""
}

// endOfEvents tells whether the line of an episode of events is quiet, or gone.
func (w *watch) endOfEvents(e *episode) string {
	v, ok := ValidAt(w.register.Lines[e.Line], w.now)
	if !ok || v.Removed {
		return ClosedRemoved
	}
	d := w.counting(v)
	if d == nil || w.waiting[d.id] {
		return ""
	}
	since := wire.Time(0)
	if d.id != e.Device { // of a machine that came later only its own time proves anything
		since = d.countsFrom
	}
	if e.quiet(w.now, since, d.countersAt) {
		return ClosedQuiet
	}
	return ""
}

// dropping books that an agent gave readings up.
func (b *books) dropping(a *agent, readings int64, at wire.Time) {
	e := b.happened(topic{kind: SpoolDropping, agent: a.id}, at)
	e.Count, e.Unit = e.Count+readings, "readings"
	e.Evidence = []Evidence{{Kind: EvidenceDropped, Subject: a.id, Count: e.Count}}
}

// lost books that envelopes of an agent will never come.
func (b *books) lost(h *hole) {
	if h.from == 0 { // of this stream we never had anything: that is where the books begin
		return
	}
	e := b.happened(topic{kind: Hole, agent: h.agent}, h.noticed)
	e.Count, e.Unit = e.Count+int64(h.Last-h.First)+1, "envelopes"
	e.Evidence = append(slices.Clone(e.Evidence), Evidence{
		Kind: EvidenceHole, Subject: h.agent, Count: int64(h.Last-h.First) + 1, From: h.from, To: h.to,
	})
	e.Evidence = e.Evidence[max(0, len(e.Evidence)-maxTold):]
}

// maxTold is how much of what happened again and again an episode tells: the newest.
const maxTold = 10

// replaced books that another machine answers where one was known.
func (b *books) replaced(d, other *device, address string, at wire.Time) {
	e := b.happened(topic{kind: DeviceReplaced, device: d.id}, at)
	b.locateEpisode(e, d)
	e.Evidence = append(slices.Clone(e.Evidence), Evidence{
		Kind: EvidenceReplaced, Subject: address, Names: []string{other.id, d.id}, From: other.lookAt, To: at,
	})
	e.Evidence = e.Evidence[max(0, len(e.Evidence)-maxTold):]
}

// locateEpisode says to which service, and line if that can be known, an episode about a device belongs.
func (b *books) locateEpisode(e *episode, d *device) {
	a := b.where.account(d, e.OpenedAt)
	e.Device, e.Agent, e.Line, e.Service = d.id, d.lead, a.Line, a.Service
}

// heldBack books that a counter jumped, and a person must say whether that counts.
func (b *books) heldBack(c *counter, x *Anomaly) {
	e := b.happened(topic{kind: AnomalyToJudge, anomaly: x.ID}, x.To)
	b.locateEpisode(e, c.device)
	e.Count, e.Unit, e.Direction = x.Amount, x.Unit, DirectionOf(x.Measure)
	e.Evidence = []Evidence{{
		Kind: EvidenceJump, Subject: c.device.id, Measure: x.Measure, Unit: x.Unit, Count: x.Amount, Value: x.After,
		From: x.From, To: x.To, Anomaly: x.ID,
	}}
}
