package wire

import (
	"errors"
	"fmt"
)

// EventUnit is what an event counts. Messages, calls and pages are never added to one another.
type EventUnit string

// The units of events.
const (
	Message EventUnit = "message" // a document, as a fax server or a machine journals it
	Call    EventUnit = "call"    // a call between two numbers, as a telephone exchange records it
)

// Witness is who wrote an event down.
type Witness string

// The witnesses.
const (
	Sender   Witness = "sender"   // who faxed
	Receiver Witness = "receiver" // who was faxed to
	Exchange Witness = "exchange" // the telephone exchange between them
)

// Result is how an event ended.
type Result string

// The results.
const (
	Done   Result = "done"
	Failed Result = "failed" // no message came over, or nobody answered
)

// Bounds of an event. What lies beyond was misread, or comes of a clock that was never set: such begin in 1970, 1980,
// 2000 or 2001.
const (
	MaxKey     = 64                  // length of its key
	MaxPages   = 100_000             // nobody faxes as many
	MaxSeconds = 10_000_000          // four months
	OldestFax  = Time(1104537600000) // 2005-01-01
)

// Event is one row of a fax journal or of a telephone exchange's records: one attempt to fax. It travels among the
// readings of an envelope, as {"event":{…}}.
type Event struct {
	Journal string    `json:"journal"` // [a-z0-9-]{1,63}, as people named where it was read
	Key     string    `json:"key"`     // the same row has the same key wherever and however often it is read; no other row has it
	At      Time      `json:"at"`      // when it began
	Unit    EventUnit `json:"unit"`
	Witness Witness   `json:"witness"`
	From    string    `json:"from,omitempty"`    // number or extension of who faxed, as it stands there; empty: not told
	To      string    `json:"to,omitempty"`      // of who was faxed to
	Site    string    `json:"site,omitempty"`    // id of the site whose extensions are meant
	Pages   int64     `json:"pages,omitempty"`   // 0 = not told, or none
	Seconds int64     `json:"seconds,omitempty"` // it took; 0 = not told
	Result  Result    `json:"result"`
}

// Check says what is wrong with an event, nil if nothing is.
func (e *Event) Check() error {
	switch {
	case !ValidAgent(e.Journal):
		return fmt.Errorf("journal %q: want [a-z0-9-]{1,63}", clip(e.Journal))
	case e.Key == "" || len(e.Key) > MaxKey:
		return fmt.Errorf("key %q: want 1 to %d bytes", clip(e.Key), MaxKey)
	case e.At <= 0:
		return errors.New("at: missing")
	case e.At < OldestFax:
		return fmt.Errorf("at %s: want a time since %s", e.At, OldestFax)
	case !oneOf(e.Unit, Message, Call):
		return fmt.Errorf("unit %q: want message or call", clip(string(e.Unit)))
	case !oneOf(e.Witness, Sender, Receiver, Exchange):
		return fmt.Errorf("witness %q: want sender, receiver or exchange", clip(string(e.Witness)))
	case e.From == "" && e.To == "":
		return errors.New("from and to: both missing")
	case len(e.From) > MaxNumber || len(e.To) > MaxNumber:
		return fmt.Errorf("from and to: want at most %d bytes each", MaxNumber)
	case e.Site != "" && !ValidAgent(e.Site):
		return fmt.Errorf("site %q: want [a-z0-9-]{1,63}", clip(e.Site))
	case e.Pages < 0 || e.Pages > MaxPages || e.Seconds < 0 || e.Seconds > MaxSeconds:
		return fmt.Errorf("pages %d, seconds %d: want 0 to %d and 0 to %d", e.Pages, e.Seconds, MaxPages, MaxSeconds)
	case !oneOf(e.Result, Done, Failed):
		return fmt.Errorf("result %q: want done or failed", clip(string(e.Result)))
	}
	return nil
}
