package ledger

import "github.com/zerofax/zerofax/agent/wire"

// Fact is one piece of evidence: what it is about, and the values that belong to it. It is worded
// where it is read, in the reader's language.
type Fact struct {
	Code  FactCode  `json:"code"`
	At    wire.Time `json:"at,omitempty"`
	Day   Day       `json:"day,omitempty"`
	Count int64     `json:"count,omitempty"`
	Text  string    `json:"text,omitempty"`
	Days  float64   `json:"days,omitempty"`
	Of    float64   `json:"of,omitempty"` // days
}

// FactCode is what a fact is about.
type FactCode string

// The facts, with the values that they have.
const (
	FactKept             FactCode = "kept"              // Text: the reason; Day: to be reviewed, may be empty
	FactReviewPassed     FactCode = "review_passed"     // Day: it should have been reviewed
	FactCut              FactCode = "cut"               // Day: declared as cut
	FactCutoffPassed     FactCode = "cutoff_passed"     // Day: of the cut-off, which nobody declared done
	FactCutoffAhead      FactCode = "cutoff_ahead"      // Day: of the cut-off to come
	FactCutAhead         FactCode = "cut_ahead"         // Day: on which it will really be cut
	FactNoMachine        FactCode = "no_machine"        // none is declared
	FactMachineUnseen    FactCode = "machine_unseen"    // Text: as declared; no machine of that name was ever seen
	FactMachineAmbiguous FactCode = "machine_ambiguous" // Text: as declared; Count: how many machines it fits
	FactPortUnseen       FactCode = "port_unseen"       // Text: the port, which its machine doesn't name
	FactUnwatched        FactCode = "unwatched"         // nothing counts its faxes, nothing tells its status
	FactNeverRead        FactCode = "never_read"        // its machine is known, but was never read
	FactLastFax          FactCode = "last_fax"          // At
	FactJournaled        FactCode = "journaled"         // At: a journal tells of a fax or a call then
	FactSharedFax        FactCode = "shared_fax"        // At: last fax of the machine; Count: of how many lines
	FactNoFax            FactCode = "no_fax"            // At: none was counted since
	FactUncounted        FactCode = "uncounted"         // nothing counts its faxes
	FactIdle             FactCode = "idle"              // At: since
	FactBusy             FactCode = "busy"              // At: since
	FactDown             FactCode = "down"              // At: since
	FactLastReading      FactCode = "last_reading"      // At
	FactWatched          FactCode = "watched"           // Days, Of
)

// FactCodes are all facts.
func FactCodes() []FactCode {
	return []FactCode{
		FactKept, FactReviewPassed, FactCut, FactCutoffPassed, FactCutoffAhead, FactCutAhead, FactNoMachine, FactMachineUnseen,
		FactMachineAmbiguous, FactPortUnseen, FactUnwatched, FactNeverRead, FactLastFax, FactJournaled, FactSharedFax, FactNoFax, FactUncounted,
		FactIdle, FactBusy, FactDown, FactLastReading, FactWatched,
	}
}
