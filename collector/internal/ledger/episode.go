package ledger

import (
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// EpisodeKind is a kind of thing that a person should hear of.
type EpisodeKind string

// The kinds of episodes.
const (
	AfterCutoff    EpisodeKind = "after_cutoff"    // somebody faxed after a line's cut-off
	AfterCopper    EpisodeKind = "after_copper"    // or after copper closed in its commune
	BlindLine      EpisodeKind = "blind"           // a line past its cut-off, and nobody can look
	AgentSilent    EpisodeKind = "agent_silent"    // nothing heard of an agent for 15 minutes
	SpoolDropping  EpisodeKind = "spool_dropping"  // an agent gave readings up
	AnomalyToJudge EpisodeKind = "anomaly"         // a counter jumped; a person must say whether that counts
	DeviceReplaced EpisodeKind = "device_changed"  // another machine answers at a known address
	LineReappeared EpisodeKind = "line_reappeared" // a line that was cut lives at its gateway
	ClockOff       EpisodeKind = "clock"           // an agent's clock is wrong by more than a minute
	Hole           EpisodeKind = "hole"            // envelopes of an agent will never come
)

// EpisodeKinds are all kinds of episodes.
func EpisodeKinds() []EpisodeKind {
	return []EpisodeKind{
		AfterCutoff, AfterCopper, BlindLine, LineReappeared, AgentSilent, SpoolDropping, Hole, ClockOff, AnomalyToJudge, DeviceReplaced,
	}
}

// Certainty is how sure it is that an event happened after the cut-off.
type Certainty string

// The certainties.
const (
	Certain   Certainty = "certain"
	Probable  Certainty = "probable"  // printed within a day after it: the fax may have waited in the machine
	Unsure    Certainty = "unsure"    // before or after it
	Test      Certainty = "test"      // in an announced test window: none
	Withdrawn Certainty = "withdrawn" // the date moved or the line is another one's: none
)

// Why an episode closed by itself.
const (
	ClosedQuiet     = "quiet"     // 7 days watched without another fax
	ClosedOver      = "over"      // what it was about has ended
	ClosedWithdrawn = "withdrawn" // dates or lines were declared anew, and nothing of it holds any more
	ClosedTest      = "test"      // all of it was an announced test
	ClosedRemoved   = "removed"   // the line isn't in the register any more
)

// Episode is a stretch of one thing that a person should hear of once.
type Episode struct {
	ID        int64       `json:"id"`
	Revision  int64       `json:"-"` // rises with every change of any episode
	Kind      EpisodeKind `json:"kind"`
	Line      string      `json:"line"`
	Number    string      `json:"number"`
	Device    string      `json:"device"`
	Agent     string      `json:"agent,omitempty"`
	Service   string      `json:"service"`
	OpenedAt  wire.Time   `json:"opened_at"`            // by our clock
	FirstAt   wire.Time   `json:"first_at,omitempty"`   // when the first of it had happened
	LastAt    wire.Time   `json:"last_at"`              // when the last of it had happened
	NoticedAt wire.Time   `json:"noticed_at,omitempty"` // when we heard of the last of it
	ClosedAt  wire.Time   `json:"closed_at,omitempty"`  // 0 = open
	ClosedBy  string      `json:"closed_by,omitempty"`  // empty = by itself
	Reason    string      `json:"reason,omitempty"`     // of closing: a person's words; where it closed by itself one of the Closed…
	Count     int64       `json:"count"`                // certain and probable ones where there are any, else unsure ones; in Unit
	Unit      string      `json:"unit"`
	Direction Direction   `json:"direction"`        // unknown where both
	Certainty Certainty   `json:"certainty"`        // the best of its events'
	Evidence  []Evidence  `json:"-"`                // Texts are for people
	Events    []Event     `json:"events,omitempty"` // the newest 100, oldest first; or see EpisodeFilter.Untold

	Zone *time.Location `json:"-"` // of its line's site, else the collector's
}

// Event is a fax after a cut-off, or what may be one.
type Event struct {
	ID        int64        `json:"id"`
	Line      string       `json:"line"`
	Device    string       `json:"device"`            // empty where a journal tells it
	Journal   string       `json:"journal,omitempty"` // that tells it
	Measure   wire.Measure `json:"measure"`
	Unit      string       `json:"unit"`
	From      wire.Time    `json:"from"` // it happened after this
	To        wire.Time    `json:"to"`   // and not after this
	NoticedAt wire.Time    `json:"noticed_at"`
	Count     int64        `json:"count"`
	Value     int64        `json:"value,omitempty"` // of a counter that began anew: how many nobody knows, and Count is 0
	Certainty Certainty    `json:"certainty"`
	Doubt     Doubt        `json:"doubt,omitempty"` // why it is unsure
}

// EpisodeFilter says which episodes are meant.
type EpisodeFilter struct {
	Open        bool      // only those that are open
	ClosedAfter wire.Time // with Open: those, too, that were closed after it
	After       int64     // only those whose revision is higher
	ID          int64     // only this one; 0 = all
	Line        string    // only those of this line; empty = all
	Limit       int       // at most so many; 0 = all
	Newest      bool      // the last opened first; else in the order of their revisions
	Untold      bool      // of their events all of which no message told, however many, and no others
}

// AfterTotals are what was faxed on a line after its cut-off, certainly or probably, ever. They never fall.
type AfterTotals struct {
	Pages   int64     `json:"pages"`
	Faxes   int64     `json:"faxes"`             // messages
	Noticed wire.Time `json:"noticed,omitempty"` // when the last of it was booked
}
