package ledger

import (
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Snapshot is the whole of what projections need, at one instant of the books.
type Snapshot struct {
	At             wire.Time            // the ledger's clock
	Month          Month                // in which it lies, in the collector's zone
	Devices        []Device             // by id
	Lines          []Line               // by id
	Agents         []Agent              // by id
	Envelopes      map[Verdict]int64    // deliveries since the books began, every verdict present
	Certified      map[string]wire.Time // by common name, when the newest certificate ends, or ended, that wasn't revoked
	AgentAnomalies []AnomalyCount       // anomalies of agents; those of devices stand with them
	Sums           []Sum                // every account and counter, also those with 0
	Register       Register             // what people declared
	Outbox         []Backlog            // by channel
	Open           []OpenEpisode        // in the order in which they opened
	Mailboxes      []MailboxCount       // of MSSanté
	Messages       []Volume             // of MSSanté, of all declared months, by place; they can be added up
	Directory      Directory            // what the national directory says of our mailboxes
}

// OpenEpisode is an open episode in short.
type OpenEpisode struct {
	Kind      EpisodeKind `json:"kind"`
	Line      string      `json:"line,omitempty"`
	Certainty Certainty   `json:"certainty,omitempty"` // of a fax after a date, else empty
	OpenedAt  wire.Time   `json:"opened_at"`
}

// AnomalyCount is how many anomalies of a kind an agent ever had.
type AnomalyCount struct {
	Agent string      `json:"agent"`
	Kind  AnomalyKind `json:"kind"`
	Count int64       `json:"count"`
}

// Device is a machine as the books know it.
type Device struct {
	ID          string          `json:"id"`
	Serial      string          `json:"serial"`
	Vendor      string          `json:"vendor"`
	Model       string          `json:"model"`
	Name        string          `json:"name,omitempty"`
	Location    string          `json:"location,omitempty"`
	Address     string          `json:"address"`
	Agent       string          `json:"agent"` // whose readings count
	Profile     string          `json:"profile,omitempty"`
	Fax         wire.Answer     `json:"fax"`         // what the machine itself says; never empty
	FaxCapable  bool            `json:"fax_capable"` // what follows from all evidence
	FaxService  wire.FaxService `json:"fax_service"` // never empty
	Up          bool            `json:"up"`
	Error       string          `json:"error,omitempty"` // why the last look failed
	FirstSeen   wire.Time       `json:"first_seen"`
	LastReading wire.Time       `json:"last_reading,omitempty"` // last successful one
	LastCount   wire.Time       `json:"last_count,omitempty"`   // last one that told counts
	LastLook    wire.Time       `json:"last_look,omitempty"`    // last one, successful or not
	LastFax     wire.Time       `json:"last_fax,omitempty"`     // end of the last activity's interval, any direction
	Clock       bool            `json:"clock,omitempty"`        // its times were corrected for the agent's clock
	Stale       int64           `json:"stale,omitempty"`        // readings that were older ones said again

	Totals    map[wire.Measure]int64 `json:"totals"` // counted since first seen, each in its present unit; never fall
	Counters  []Counter              `json:"counters,omitempty"`
	Ports     []Port                 `json:"ports,omitempty"`     // its phone lines as it tells them, also those that are no fax lines
	Claims    []Claim                `json:"claims,omitempty"`    // other agents that see it too
	Anomalies map[AnomalyKind]int64  `json:"anomalies,omitempty"` // ever, by kind
}

// Direction is which way a fax went.
type Direction string

// The directions.
const (
	Sent             Direction = "sent"
	Received         Direction = "received"
	UnknownDirection Direction = "unknown"
)

// Directions are all directions.
func Directions() []Direction { return []Direction{Sent, Received, UnknownDirection} }

// Counter is one counter of a device under one rule and unit.
type Counter struct {
	Measure wire.Measure `json:"measure"`
	Unit    string       `json:"unit"`
	Rule    string       `json:"rule"`
	Current bool         `json:"current"`        // false: another rule or unit took its place
	Value   int64        `json:"value"`          // as the device told it last
	At      wire.Time    `json:"at"`             // when it told so
	Total   int64        `json:"total"`          // counted since first seen; never falls
	Last    wire.Time    `json:"last,omitempty"` // end of its last activity's interval
	Held    int64        `json:"held,omitempty"` // implausible growth that waits for a person
}

// Port is one phone line as a device tells it.
type Port struct {
	Port      string          `json:"port"` // empty where the device has only one
	Status    wire.LineStatus `json:"status"`
	Evidence  string          `json:"evidence,omitempty"`
	Fax       wire.Answer     `json:"fax"`
	FirstSeen wire.Time       `json:"first_seen"`
	Since     wire.Time       `json:"since"`          // when this status was first seen
	Last      wire.Time       `json:"last"`           // when the device named it last
	Gone      bool            `json:"gone,omitempty"` // the device doesn't name it any more
	Number    string          `json:"-"`              // that the device called its own last; a hint, which declares nothing
}

// Claim is another agent's view of a device. Its readings are never added.
type Claim struct {
	Agent string    `json:"agent"`
	Last  wire.Time `json:"last"`
}

// LineState is where a line stands on its way to the cut-off.
type LineState string

// The line states, in the order in which the first that fits is taken.
const (
	Kept    LineState = "kept"
	Cut     LineState = "cut"
	Overdue LineState = "overdue"
	Blind   LineState = "blind"
	Dormant LineState = "dormant"
	Quiet   LineState = "quiet"
	Active  LineState = "active"
)

// LineStates are all line states.
func LineStates() []LineState {
	return []LineState{Active, Quiet, Dormant, Blind, Overdue, Cut, Kept}
}

// Line is a phone line. Establishment, site, pole and service are empty until someone assigns it.
type Line struct {
	ID            string          `json:"id"`
	Declared      bool            `json:"declared"` // by a person; else it is what its machine shows
	Number        string          `json:"number"`
	Extension     string          `json:"extension,omitempty"`
	Device        string          `json:"device"` // its id; as declared while no such machine is known
	Port          string          `json:"port"`
	Gateway       string          `json:"gateway"`
	GatewayPort   string          `json:"gateway_port,omitempty"`
	Establishment string          `json:"establishment"`
	Site          string          `json:"site"`
	Pole          string          `json:"pole"`
	Service       string          `json:"service"`
	UF            string          `json:"uf,omitempty"`
	Support       string          `json:"support,omitempty"`
	Contact       string          `json:"contact,omitempty"`
	State         LineState       `json:"state"`
	Observed      LineState       `json:"observed"`      // what State would be if nothing were declared of its end
	New           bool            `json:"new,omitempty"` // known for less than 30 days
	Why           []Fact          `json:"why"`           // the evidence of State
	Status        wire.LineStatus `json:"status"`
	Evidence      string          `json:"status_evidence,omitempty"`
	StatusSince   wire.Time       `json:"status_since,omitempty"`
	Cutoff        Day             `json:"cutoff,omitempty"` // planned
	CutOn         Day             `json:"cut_on,omitempty"` // really
	KeptReason    string          `json:"kept_reason,omitempty"`
	KeptUntil     Day             `json:"kept_until,omitempty"`
	CutoffAt      wire.Time       `json:"cutoff_at,omitempty"` // from then on nobody should fax; 0 where no such time is set
	Copper        *LineCopper     `json:"copper,omitempty"`    // where it hangs on copper
	FirstSeen     wire.Time       `json:"first_seen,omitempty"`
	LastFax       wire.Time       `json:"last_fax,omitempty"` // only where it can be known per line
	LastSent      wire.Time       `json:"last_sent,omitempty"`
	LastReceived  wire.Time       `json:"last_received,omitempty"` // or printed
	MayReceived   wire.Time       `json:"-"`                       // when a fax may have come in last, on whichever line of its machines; 0: none is known
	LastReading   wire.Time       `json:"last_reading,omitempty"`
	Sharing       int             `json:"sharing"` // how many lines its machine's counts are of; 0: nothing counts

	Totals  map[wire.Measure]int64 `json:"totals"` // only where it can be known per line
	Zone    *time.Location         `json:"-"`      // of its site
	History []Stretch              `json:"-"`      // oldest first

	AfterCutoff AfterTotals `json:"after_cutoff"`

	counted wire.Time // last reading of those counts
	lastFax wire.Time // last fax that they show, of whichever line
	life    wire.Time // no fax can have been later than that, as they show
	told    wire.Time // last reading that told its status; 0 if none did
	journal wire.Time // last fax or call that a journal tells of; 0: none
}

// Active tells whether a line lives for all that its machines show, whatever was planned or allowed:
// one past its date, or kept, that still faxes is active. Only where people say that it is cut their
// word holds; what is faxed on such a line is an alert.
func (l *Line) Active() bool {
	return l.State == Active || l.Observed == Active && (l.State == Overdue || l.State == Kept)
}

// Unseen tells whether a line may be active without anybody seeing it.
func (l *Line) Unseen() bool { return l.Observed == Blind && l.State != Cut }

// Stretch is a time in which a line stood in one place, on one machine.
type Stretch struct {
	Span
	Place
	Device   string         // empty where it is not known
	Measures []wire.Measure // what the machine counts; none where only the line's status is told
	Watched  []Span         // in which they were told without a gap
}

// Agent is an agent as the books know it.
type Agent struct {
	ID         string              `json:"id"`
	Up         bool                `json:"up"` // online and heard within 3 minutes
	Online     bool                `json:"online"`
	Session    string              `json:"session,omitempty"`
	StartedAt  wire.Time           `json:"started_at,omitempty"`
	FirstSeen  wire.Time           `json:"first_seen,omitempty"` // 0: it was never heard, only declared or enrolled
	LastSeen   wire.Time           `json:"last_seen,omitempty"`  // receipt of its last message
	Version    string              `json:"version,omitempty"`
	OS         string              `json:"os,omitempty"`
	Targets    int                 `json:"targets"`
	PollMS     int64               `json:"poll_ms,omitempty"`
	Spool      wire.SpoolState     `json:"spool"`
	Silent     []wire.Silent       `json:"silent,omitempty"`
	Journals   []wire.JournalState `json:"journals,omitempty"`    // that it follows, and how far
	Devices    int                 `json:"devices"`               // whose readings it leads
	Dropped    int64               `json:"dropped"`               // readings it gave up, ever; never falls
	Holes      int                 `json:"holes,omitempty"`       // stretches of its readings that never came
	ClockMS    int64               `json:"clock_ms"`              // how far its clock is behind ours
	ClockWrong bool                `json:"clock_wrong,omitempty"` // by more than 2 s
	ClockFixed bool                `json:"clock_fixed,omitempty"` // by more than 1 min: its times are corrected
	TooNew     bool                `json:"too_new,omitempty"`     // it speaks a newer contract: update the collector

	Config      ConfigView             `json:"config"`
	Certificate *wire.CertificateState `json:"certificate,omitempty"` // as it tells; nil: none, or it doesn't tell

	EnrolledUntil wire.Time `json:"enrolled_until,omitempty"` // its newest certificate that holds ends then; 0: it has none of ours
}

// Heard tells whether it ever said anything; else it is only enrolled, or declared.
func (a *Agent) Heard() bool { return a.FirstSeen != 0 || a.LastSeen != 0 || a.Session != "" }

// AnomalyKind is a kind of thing that a person should look at.
type AnomalyKind string

// The kinds of anomalies.
const (
	Reset           AnomalyKind = "reset"            // a counter fell
	Jump            AnomalyKind = "jump"             // a counter grew implausibly; not booked
	RuleChanged     AnomalyKind = "rule_changed"     // a counter is found by another rule or in another unit
	DeviceChanged   AnomalyKind = "device_changed"   // another machine answers at a known address
	StreamOverlap   AnomalyKind = "overlap"          // an agent was restored or cloned
	UpdateCollector AnomalyKind = "update_collector" // an agent speaks a newer contract
)

// AnomalyKinds are all kinds of anomalies.
func AnomalyKinds() []AnomalyKind {
	return []AnomalyKind{Reset, Jump, RuleChanged, DeviceChanged, StreamOverlap, UpdateCollector}
}

// Outcome is how an anomaly was closed.
type Outcome string

// The outcomes.
const (
	Undecided Outcome = ""
	Glitch    Outcome = "glitch"   // the counter came back: only the difference counted
	Settled   Outcome = "settled"  // a real reset; nothing came back within 24 h
	Noted     Outcome = "noted"    // nothing to decide
	Accepted  Outcome = "accepted" // by a person: the amount is booked
	Rejected  Outcome = "rejected" // by a person: it never happened
)

// Anomaly is a thing that a person should look at.
type Anomaly struct {
	ID       int64        `json:"id"`
	Kind     AnomalyKind  `json:"kind"`
	Agent    string       `json:"agent,omitempty"`
	Device   string       `json:"device,omitempty"`
	Measure  wire.Measure `json:"measure,omitempty"`
	Unit     string       `json:"unit,omitempty"`
	From     wire.Time    `json:"from,omitempty"` // interval in which it happened
	To       wire.Time    `json:"to,omitempty"`
	Before   int64        `json:"before"`
	After    int64        `json:"after"`
	Amount   int64        `json:"amount"` // growth that is not booked, in Unit
	Note     string       `json:"note,omitempty"`
	OpenedAt wire.Time    `json:"opened_at"` // receipt
	ClosedAt wire.Time    `json:"closed_at,omitempty"`
	Outcome  Outcome      `json:"outcome"`

	counter int64
	inexact bool          // To is not exactly known: clocks were wrong
	error   time.Duration // by how much From and To may be off
}

// Quarantine is something that could not be accepted.
type Quarantine struct {
	ID         int64     `json:"id"`
	Agent      string    `json:"agent"`
	Stream     string    `json:"stream,omitempty"`
	Seq        uint64    `json:"seq,omitempty"`
	Index      int       `json:"index"` // of the reading in its envelope; -1 for a whole envelope
	Reason     string    `json:"reason"`
	ReceivedAt wire.Time `json:"received_at"`
	Payload    []byte    `json:"-"` // cut to 256 KiB
}

// Watch is what a person should look at: how much there is, and the newest of it.
type Watch struct {
	OpenCount   int64
	Open        []Anomaly // newest first
	Refused     int64
	Quarantined []Quarantine // newest first, without payloads
}

// Pages is how many pages went one way since the device was first seen, and by which measure.
// Received takes fax_received_pages where the device has it, else fax_printed_pages. ok is false
// where the device can't tell, which is not zero.
func (d *Device) Pages(way Direction) (count int64, measure wire.Measure, ok bool) {
	switch way {
	case Sent:
		return d.first(wire.FaxSentPages)
	case Received:
		return d.first(wire.FaxReceivedPages, wire.FaxPrintedPages)
	}
	return d.first(wire.FaxPages)
}

// Faxes is how many messages went one way since the device was first seen; ok as with Pages.
func (d *Device) Faxes(way Direction) (count int64, measure wire.Measure, ok bool) {
	switch way {
	case Sent:
		return d.first(wire.FaxSent)
	case Received:
		return d.first(wire.FaxReceived)
	}
	return 0, "", false
}

func (d *Device) first(measures ...wire.Measure) (int64, wire.Measure, bool) {
	for _, m := range measures {
		if count, ok := d.Totals[m]; ok {
			return count, m, true
		}
	}
	return 0, "", false
}
