package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// The life of an episode: it opens with the first of what it is about, gathers what follows, and
// closes when that has ended. Of one topic one is open at most.

// topic is what an episode is about.
type topic struct {
	kind                EpisodeKind
	line, device, agent string
	anomaly             int64
}

// episode is an Episode with what only the books need.
type episode struct {
	Episode
	anomaly int64
	lasting bool  // closed by a person, while what it is about goes on: it must not open again
	sums    []sum // of its events
	dirty   bool
}

// eventful tells whether episodes of this kind consist of events.
func (k EpisodeKind) eventful() bool { return slices.Contains(eventKinds[:], k) }

// start opens an episode.
func (b *books) start(t topic, at wire.Time) *episode {
	b.last.episode++
	e := &episode{anomaly: t.anomaly}
	e.ID, e.Kind, e.Line, e.Device, e.Agent = b.last.episode, t.kind, t.line, t.device, t.agent
	e.OpenedAt, e.FirstAt, e.LastAt, e.NoticedAt = at, at, at, at
	if v, ok := ValidAt(b.register.Lines[t.line], at); ok {
		e.Service = b.register.Complete(v.Place).Service
	}
	b.episodes[t] = e
	b.tell(e)
	return e
}

// tell notes that there is something new of an episode.
func (b *books) tell(e *episode) { mark(&e.dirty, &b.changes.episodes, e) }

// shut closes an episode.
func (b *books) shut(e *episode, by, reason string) {
	e.ClosedAt, e.ClosedBy, e.Reason = wire.TimeOf(b.now()), by, reason
	if !e.lasting {
		b.leave(e)
	}
	b.tell(e)
}

// leave ends what a closed episode is about.
func (b *books) leave(e *episode) {
	t := e.key()
	delete(b.episodes, t)
	if t.kind.lasts() && t.anomaly == 0 {
		b.lately[t] = max(b.lately[t], e.ClosedAt)
	}
}

// key is what an episode is about; the rest of what it says of a machine, line or agent is where that was.
func (e *episode) key() topic {
	t := topic{kind: e.Kind, anomaly: e.anomaly}
	switch e.Kind {
	case AfterCutoff, AfterCopper, BlindLine, LineReappeared:
		t.line = e.Line
	case AgentSilent, SpoolDropping, Hole, ClockOff:
		t.agent = e.Agent
	case DeviceReplaced:
		t.device = e.Device
	}
	return t
}

// over ends what an episode is about.
func (b *books) over(t topic) {
	e := b.episodes[t]
	if e == nil {
		return
	}
	e.lasting = false
	if e.ClosedAt == 0 {
		b.shut(e, "", ClosedOver)
		return
	}
	b.leave(e)
	b.tell(e)
}

// happened opens an episode about something that happened at an instant, or adds to the open one,
// and returns it.
func (b *books) happened(t topic, at wire.Time) *episode {
	e := b.episodes[t]
	if e == nil {
		e = b.start(t, wire.TimeOf(b.now()))
		e.FirstAt = at
	}
	e.FirstAt, e.LastAt, e.NoticedAt = min(e.FirstAt, at), at, wire.TimeOf(b.now())
	b.tell(e)
	return e
}

// add adds to the sums of an episode's events, and to what follows from them.
func (e *episode) add(s sum) {
	sums := slices.Clone(e.sums)
	i := slices.IndexFunc(sums, func(other sum) bool { return s.order(other) == 0 })
	if i < 0 {
		sums = append(sums, s)
		slices.SortFunc(sums, sum.order)
	} else {
		sums[i] = sums[i].plus(s)
	}
	e.sums = sums
	e.conclude()
}

// conclude draws from the sums what an episode is as a whole.
func (e *episode) conclude() {
	if len(e.sums) == 0 {
		return
	}
	best := e.sums[0]
	e.Certainty, e.Unit, e.Count, e.Direction = best.Certainty, best.Unit, 0, DirectionOf(best.Measure)
	e.FirstAt, e.LastAt, e.NoticedAt = best.First, best.Last, best.Noticed
	for _, s := range e.sums {
		if s.Certainty.live() == best.Certainty.live() {
			e.FirstAt, e.LastAt, e.NoticedAt = min(e.FirstAt, s.First), max(e.LastAt, s.Last), max(e.NoticedAt, s.Noticed)
		}
		if s.Certainty != best.Certainty && !(s.Certainty.proven() && best.Certainty.proven()) {
			continue
		}
		if s.Unit == e.Unit {
			e.Count += s.Count
		}
		if DirectionOf(s.Measure) != e.Direction {
			e.Direction = UnknownDirection
		}
	}
}

// quietFor is how long nobody must have faxed until an episode is over.
const quietFor = 7 * day

// quiet tells whether an episode of events is over: it is proven that nobody faxed for 7 days, by
// readings up to watched, which reach back to since; and its last event was told 7 days ago, since it may
// have come in late. A line that nobody can see is not quiet.
func (e *episode) quiet(now, since, watched wire.Time) bool {
	return watched.Sub(max(e.LastAt, since)) >= quietFor && now.Sub(e.NoticedAt) >= quietFor
}

// ErrNoEpisode is that no such episode is open.
var ErrNoEpisode = errors.New("no such episode is open")

// CloseEpisode closes an open episode in a person's name. What lasts, a silent agent say, stays closed
// until it has ended and comes again; a fax opens a new episode. An unknown or closed one is ErrNoEpisode.
func (l *Ledger) CloseEpisode(ctx context.Context, by Author, id int64, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return fmt.Errorf("close episode %d: a reason is needed", id)
	}
	return l.transact(ctx, func(b *books) error {
		for _, e := range b.episodes {
			if e.ID == id && e.ClosedAt == 0 {
				e.lasting = e.Kind.lasts()
				b.shut(e, cmp.Or(by.Who, "?"), reason)
				b.log(by, fmt.Sprint("episodes ", id), "reason", "", reason)
				return nil
			}
		}
		return fmt.Errorf("close episode %d: %w", id, ErrNoEpisode)
	})
}

// lasts tells whether episodes of this kind last as long as what they are about.
func (k EpisodeKind) lasts() bool {
	switch k {
	case BlindLine, LineReappeared, AgentSilent, ClockOff, AnomalyToJudge:
		return true
	}
	return false
}

// TestWindow announces a test on a line from one instant to another: what is faxed meanwhile is
// none, and what may have been is unsure. It may lie in the past.
func (l *Ledger) TestWindow(ctx context.Context, by Author, line string, from, to wire.Time, reason string) error {
	return l.transact(ctx, func(b *books) error {
		if _, ok := b.register.Lines[line]; !ok {
			return fmt.Errorf("test window: no line %q is declared", line)
		}
		if to <= from {
			return fmt.Errorf("test window on %s: it ends at %s, which is not after %s", line, to, from)
		}
		b.last.window++
		w := window{number: b.last.window, line: line, from: from, to: to, reason: reason, who: by.Who}
		b.windows[line] = append(b.windows[line], w)
		b.changes.windows = append(b.changes.windows, w)
		b.log(by, "test_windows "+line, "window", "", strings.TrimSpace(from.String()+" "+to.String()+" "+reason))
		b.reviewLine(line)
		return nil
	})
}
