package ledger

import (
	"context"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// agentSilence is how long an agent that says nothing is believed to be up; it speaks every minute.
const agentSilence = 3 * time.Minute

// agent is what the books know of an agent.
type agent struct {
	id        string
	state     wire.AgentState // the last that counted
	dropped   int64           // sum of the growth of state.Spool.Dropped; never falls
	firstSeen wire.Time
	lastSeen  wire.Time // receipt of the last message that was not an old one said again
	stateAt   wire.Time // receipt of the present session's last sign of life; not kept: 0 after a restart
	offset    time.Duration
	tooNew    int64 // the anomaly that says so, 0 if none
	dirty     bool
}

// heard takes in an agent's state and tells whether it changes anything. A birth counts unless
// it is older than the present one and that one still lives (readings prove nothing: they may come
// from either, and a clock that was set back makes the new session the older one); a will or farewell counts only for
// the last born session; and a state kept by the broker and said again proves no life.
func (a *agent) heard(s wire.AgentState, receipt wire.Time) bool {
	now := a.state
	same := s.Session == now.Session
	switch {
	case same && s.SentAt != 0 && s.SentAt == now.SentAt && s.Online == now.Online:
		return false
	case !s.Online && !same && now.Session != "":
		return false
	case s.Online && !same && now.Online && bornBefore(s, now) && receipt.Sub(a.stateAt) <= agentSilence:
		return false
	}
	if !s.Online && same { // a will was written at birth: of what the agent is, it knows less than the last state
		s = now
		s.Online = false
	}
	a.dropped += max(0, s.Spool.Dropped-now.Spool.Dropped)
	a.state = s
	if s.Online {
		a.stateAt = receipt
		a.alive(receipt)
	}
	return true
}

// alive notes a sign of life. Where it comes before the last one by more than messages overtake each
// other, our own clock was set back.
func (a *agent) alive(receipt wire.Time) {
	if a.lastSeen > receipt.Add(clockTrusted) {
		a.lastSeen = receipt
	}
	a.lastSeen = max(a.lastSeen, receipt)
}

func bornBefore(s, t wire.AgentState) bool {
	if s.StartedAt != t.StartedAt {
		return s.StartedAt < t.StartedAt
	}
	return s.SentAt < t.SentAt
}

// AgentState books an agent's birth, will or sign of life. An error means that nothing happened.
func (l *Ledger) AgentState(ctx context.Context, id string, s wire.AgentState, receivedAt time.Time) error {
	return l.transact(ctx, func(b *books) error {
		a := b.agent(id)
		known, dropped := a.state.Session != "", a.dropped
		a.heard(s, wire.TimeOf(receivedAt))
		b.outrun(a)
		if known && a.dropped > dropped { // what was dropped before we knew it is no news
			b.dropping(a, a.dropped-dropped, wire.TimeOf(receivedAt))
		}
		return nil
	})
}
