// Package wire is the contract between agent and collector: MQTT topics, the
// messages on them, and what makes a message acceptable. It knows no network
// and no disk. Messages once sent are kept in testdata, and must stay readable.
package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
)

// Version is the value of "v" in every message of this contract.
const Version = 1

// Limits of what may be sent. A message beyond them is a fault of its sender.
const (
	MaxEnvelope = 256 << 10 // bytes of one encoded envelope
	MaxCounters = 64        // counters in a reading
	MaxLines    = 512       // lines in a reading: the largest analog gateways have some 300 ports
	MaxText     = 512       // bytes of any text in a reading
	MaxNumber   = 32        // characters of a line's number
)

const root = "zerofax/v1/"

// CollectorStateTopic carries CollectorState, retained.
const CollectorStateTopic = root + "collector/state"

// Kind is the last level of an agent's topic: what a message is.
type Kind string

// The topics below zerofax/v1/agents/{agent}/.
const (
	KindState       Kind = "state"
	KindReadings    Kind = "readings"
	KindAck         Kind = "ack"
	KindConfig      Kind = "config"
	KindRequest     Kind = "request"     // for a new certificate
	KindCertificate Kind = "certificate" // the answer
)

// Kinds are all kinds, those that agents publish first.
func Kinds() []Kind { return append(FromAgent(), ToAgent()...) }

// FromAgent are the kinds that an agent publishes; nobody else may on its topics.
func FromAgent() []Kind { return []Kind{KindState, KindReadings, KindRequest} }

// ToAgent are the kinds that an agent subscribes to, beside CollectorStateTopic.
func ToAgent() []Kind { return []Kind{KindAck, KindConfig, KindCertificate} }

// Topic is the topic of an agent's messages of one kind; agent "+" subscribes to all.
func Topic(agent string, kind Kind) string {
	return root + "agents/" + agent + "/" + string(kind)
}

// ParseTopic takes apart what Topic made. ok is false for any other topic.
func ParseTopic(topic string) (agent string, kind Kind, ok bool) {
	rest, found := strings.CutPrefix(topic, root+"agents/")
	if !found {
		return "", "", false
	}
	agent, last, found := strings.Cut(rest, "/")
	if !found || !ValidAgent(agent) {
		return "", "", false
	}
	if kind = Kind(last); !slices.Contains(Kinds(), kind) {
		return "", "", false
	}
	return agent, kind, true
}

// ValidAgent tells whether id may name an agent: [a-z0-9-]{1,63}.
func ValidAgent(id string) bool { return validID(id, 63) }

func validID(id string, most int) bool {
	for i := range len(id) {
		if c := id[i]; !lower(c) && !digit(c) && c != '-' {
			return false
		}
	}
	return id != "" && len(id) <= most
}

// validName is [a-z][a-z0-9_]{0,63}.
func validName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !lower(c) && (i == 0 || !digit(c) && c != '_') {
			return false
		}
	}
	return name != "" && len(name) <= 64
}

// validStream is [A-Za-z0-9_-]{8,64}.
func validStream(id string) bool {
	for i := range len(id) {
		if c := id[i]; !lower(c) && !digit(c) && (c < 'A' || c > 'Z') && c != '_' && c != '-' {
			return false
		}
	}
	return len(id) >= 8 && len(id) <= 64
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }

func digit(c byte) bool { return c >= '0' && c <= '9' }

// Measure is what a counter counts. Measures are never added to one another.
type Measure string

// The measures that profiles may use.
const (
	FaxSentPages     Measure = "fax_sent_pages"
	FaxReceivedPages Measure = "fax_received_pages" // came over the line
	FaxPrintedPages  Measure = "fax_printed_pages"  // put on paper because a fax came in
	FaxSent          Measure = "fax_sent"           // messages
	FaxReceived      Measure = "fax_received"       // messages
	FaxPages         Measure = "fax_pages"          // direction unknown
)

// Measures are all measures, in the order in which people read them.
func Measures() []Measure {
	return []Measure{FaxSentPages, FaxReceivedPages, FaxPrintedPages, FaxSent, FaxReceived, FaxPages}
}

// Counter is a cumulative counter as the device told it.
type Counter struct {
	Measure Measure `json:"measure"`
	Unit    string  `json:"unit"` // pages, images, impressions, sides, sheets, a4_equivalents, faxes
	Rule    string  `json:"rule"` // the profile rule that found it; another rule is another epoch
	Value   int64   `json:"value"`
}

// LineStatus is the state of a phone line, only ever from evidence about that line.
type LineStatus string

// The states of a line.
const (
	LineIdle    LineStatus = "idle"    // on hook, registered
	LineBusy    LineStatus = "busy"    // off hook
	LineDown    LineStatus = "down"    // unregistered, out of service, disconnected
	LineUnknown LineStatus = "unknown" // the honest default
)

// LineStatuses are all line states.
func LineStatuses() []LineStatus {
	return []LineStatus{LineIdle, LineBusy, LineDown, LineUnknown}
}

// Answer is yes, no or unknown; empty reads as unknown.
type Answer string

// The answers.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// Line is one phone line of a device: a gateway's port, or a machine's fax connector.
type Line struct {
	Port     string     `json:"port,omitempty"` // empty where the device has only one
	Status   LineStatus `json:"status"`
	Evidence string     `json:"evidence,omitempty"` // what the status was concluded from
	Fax      Answer     `json:"fax,omitempty"`      // whether the device itself says that a fax hangs on it
	Number   Number     `json:"number,omitempty"`   // what the device itself calls its number or extension
}

// Number is a phone number as a device tells it: digits, + and spaces, at most MaxNumber of them. It is a
// hint for people and decides nothing, so a bad one reads as none and spoils no reading.
type Number string

// NumberOf is text as a number, empty if it is none.
func NumberOf(text string) Number {
	for i := range len(text) {
		if c := text[i]; !digit(c) && c != '+' && c != ' ' {
			return ""
		}
	}
	if len(text) > MaxNumber {
		return ""
	}
	return Number(text)
}

// UnmarshalJSON never fails: what is no number, of whatever type, is none.
func (n *Number) UnmarshalJSON(data []byte) error {
	var text string
	*n = ""
	if json.Unmarshal(data, &text) == nil {
		*n = NumberOf(text)
	}
	return nil
}

// FaxService is what a machine says of its own fax function. It is no line status.
type FaxService string

// The states of a fax service.
const (
	ServiceReady       FaxService = "ready"
	ServiceAttention   FaxService = "attention"
	ServiceUnavailable FaxService = "unavailable"
	ServiceUnknown     FaxService = "unknown"
)

// FaxServices are all fax service states.
func FaxServices() []FaxService {
	return []FaxService{ServiceReady, ServiceAttention, ServiceUnavailable, ServiceUnknown}
}

// Identity says which machine a device is. It travels with a device's first reading,
// when it changes, and once an hour, so that a collector with new books learns it.
type Identity struct {
	Vendor   string `json:"vendor,omitempty"`
	Serial   string `json:"serial,omitempty"`
	Model    string `json:"model,omitempty"`
	Name     string `json:"name,omitempty"`
	Location string `json:"location,omitempty"`
	Address  string `json:"address,omitempty"` // where the agent reaches it; never part of its id
}

// Reading is one device at one instant. A failed look is a reading too: OK false and why.
type Reading struct {
	Device     string     `json:"device"`              // vendor-serial
	At         Time       `json:"at"`                  // by the agent's clock
	UptimeMS   int64      `json:"uptime_ms,omitempty"` // sysUpTime; 0 = not told
	OK         bool       `json:"ok"`
	Error      string     `json:"error,omitempty"`
	Profile    string     `json:"profile,omitempty"`
	Counters   []Counter  `json:"counters,omitempty"` // at most one a measure
	Lines      []Line     `json:"lines,omitempty"`
	FaxService FaxService `json:"fax_service,omitempty"` // empty = not asked in this reading
	Fax        Answer     `json:"fax,omitempty"`         // whether the machine can fax at all
	Identity   *Identity  `json:"identity,omitempty"`
	Seen       int        `json:"seen,omitempty"` // equal looks it stands for; 0 = 1
}

// Check says what is wrong with a reading, nil if nothing is.
func (r *Reading) Check() error {
	switch {
	case !validID(r.Device, 128):
		return fmt.Errorf("device %q: want [a-z0-9-]{1,128}", clip(r.Device))
	case r.At <= 0:
		return errors.New("at: missing")
	case r.UptimeMS < 0:
		return fmt.Errorf("uptime_ms %d: want 0 or more", r.UptimeMS)
	case r.Seen < 0:
		return fmt.Errorf("seen %d: want 0 or more", r.Seen)
	case !r.OK && r.Error == "":
		return errors.New("error: missing in a failed reading")
	case len(r.Error) > MaxText:
		return fmt.Errorf("error: %d bytes, at most %d", len(r.Error), MaxText)
	case len(r.Profile) > MaxText:
		return fmt.Errorf("profile: %d bytes, at most %d", len(r.Profile), MaxText)
	case len(r.Counters) > MaxCounters:
		return fmt.Errorf("counters: %d, at most %d", len(r.Counters), MaxCounters)
	case len(r.Lines) > MaxLines:
		return fmt.Errorf("lines: %d, at most %d", len(r.Lines), MaxLines)
	case !oneOf(r.FaxService, "", ServiceReady, ServiceAttention, ServiceUnavailable, ServiceUnknown):
		return fmt.Errorf("fax_service %q: want ready, attention, unavailable or unknown", clip(string(r.FaxService)))
	case !oneOf(r.Fax, "", Yes, No, Unknown):
		return fmt.Errorf("fax %q: want yes, no or unknown", clip(string(r.Fax)))
	}
	for i := range r.Counters {
		if err := r.Counters[i].check(r.Counters[:i]); err != nil {
			return fmt.Errorf("counters[%d]: %w", i, err)
		}
	}
	for i := range r.Lines {
		if err := r.Lines[i].check(r.Lines[:i]); err != nil {
			return fmt.Errorf("lines[%d]: %w", i, err)
		}
	}
	if r.Identity != nil {
		for _, text := range []string{
			r.Identity.Vendor, r.Identity.Serial, r.Identity.Model,
			r.Identity.Name, r.Identity.Location, r.Identity.Address,
		} {
			if len(text) > MaxText {
				return fmt.Errorf("identity: a text of %d bytes, at most %d", len(text), MaxText)
			}
		}
	}
	return nil
}

func (c *Counter) check(before []Counter) error {
	switch {
	case !validName(string(c.Measure)):
		return fmt.Errorf("measure %q: want a lower-case name", clip(string(c.Measure)))
	case !validName(c.Unit):
		return fmt.Errorf("unit %q: want a lower-case name", clip(c.Unit))
	case c.Rule == "" || len(c.Rule) > MaxText:
		return fmt.Errorf("rule %q: want 1 to %d bytes", clip(c.Rule), MaxText)
	case c.Value < 0:
		return fmt.Errorf("value %d: want 0 or more", c.Value)
	}
	for i := range before {
		if before[i].Measure == c.Measure {
			return fmt.Errorf("measure %q: told twice in one reading", c.Measure)
		}
	}
	return nil
}

func (l *Line) check(before []Line) error {
	switch {
	case len(l.Port) > 63:
		return fmt.Errorf("port %q: at most 63 bytes", clip(l.Port))
	case !oneOf(l.Status, LineIdle, LineBusy, LineDown, LineUnknown):
		return fmt.Errorf("status %q: want idle, busy, down or unknown", clip(string(l.Status)))
	case len(l.Evidence) > MaxText:
		return fmt.Errorf("evidence: %d bytes, at most %d", len(l.Evidence), MaxText)
	case !oneOf(l.Fax, "", Yes, No, Unknown):
		return fmt.Errorf("fax %q: want yes, no or unknown", clip(string(l.Fax)))
	}
	for i := range before {
		if before[i].Port == l.Port {
			return fmt.Errorf("port %q: told twice in one reading", l.Port)
		}
	}
	return nil
}

func oneOf[T comparable](v T, allowed ...T) bool {
	for _, a := range allowed {
		if v == a {
			return true
		}
	}
	return false
}

// Shorten brings a text to MaxText bytes at most.
func Shorten(text string) string {
	if len(text) <= MaxText {
		return text
	}
	return strings.ToValidUTF8(text[:MaxText-len("…")], "") + "…"
}

// clip keeps a foreign text short enough for an error message.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CRC is the checksum that an ack carries: CRC-32C (RFC 3720, B.4) over the bytes of the
// envelope's "readings" value exactly as sent, from '[' to ']'.
func CRC(readings []byte) uint32 { return crc32.Checksum(readings, castagnoli) }
