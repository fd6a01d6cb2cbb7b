package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// AgentState is an agent's birth and its will, retained, said again every minute.
type AgentState struct {
	V         int        `json:"v"`
	Online    bool       `json:"online"`
	Session   string     `json:"session"` // random, new for every connection; a will counts only for the last one born
	StartedAt Time       `json:"started_at"`
	SentAt    Time       `json:"sent_at,omitempty"`
	Version   string     `json:"version,omitempty"`
	OS        string     `json:"os,omitempty"` // GOOS/GOARCH
	Spool     SpoolState `json:"spool"`
	Silent    []Silent   `json:"silent,omitempty"` // targets without a device behind them, at most 100
	Targets   int        `json:"targets,omitempty"`
	PollMS    int64      `json:"poll_ms,omitempty"` // shortest poll interval

	Config      *ConfigState      `json:"config,omitempty"`      // nil: an agent of before, or nothing to tell
	Certificate *CertificateState `json:"certificate,omitempty"` // nil: it shows none to the broker

	Journals []JournalState `json:"journals,omitempty"` // that it follows, at most MaxJournals
}

// MaxJournals is how many journals an agent may follow.
const MaxJournals = 100

// JournalState is how far an agent follows a journal. Rows are counted since it does; some may be
// counted again after a crash, though no event is.
type JournalState struct {
	Name     string `json:"name"`
	File     string `json:"file,omitempty"` // the newest of them
	Files    int    `json:"files"`
	Read     int64  `json:"read"` // bytes of these files
	Size     int64  `json:"size"`
	Last     Time   `json:"last,omitempty"` // event
	Events   int64  `json:"events"`
	Skipped  int64  `json:"skipped"`         // rows of other things
	Rejected int64  `json:"rejected"`        // rows that can't be read
	Error    string `json:"error,omitempty"` // why it can't be followed at present
}

func (j *JournalState) check() error {
	switch {
	case !ValidAgent(j.Name) || len(j.File) > MaxText || len(j.Error) > MaxText:
		return fmt.Errorf("journals: %q: not a name, or a text that is too long", clip(j.Name))
	case j.Files < 0 || j.Read < 0 || j.Size < 0 || j.Events < 0 || j.Skipped < 0 || j.Rejected < 0:
		return fmt.Errorf("journals: %s: a figure below 0", j.Name)
	}
	return nil
}

// ConfigState says what an agent polls after: the collector's central configuration, or its own file.
type ConfigState struct {
	Revision int64  `json:"revision,omitempty"` // of the central one that it follows, be it one that says "your own file"; 0 = none came yet
	Refused  int64  `json:"refused,omitempty"`  // the newest one that it could not take; 0 = none
	Error    string `json:"error,omitempty"`    // why not; without Refused: why what came can't be the collector's
}

// CertificateState is the certificate that an agent shows to the broker.
type CertificateState struct {
	Serial   string `json:"serial"` // hexadecimal, as openssl prints it in lower case, without colons
	NotAfter Time   `json:"not_after"`
	Error    string `json:"error,omitempty"` // why it could not be renewed
}

// SpoolState is what an agent holds that is not in the books yet.
type SpoolState struct {
	Stream    string `json:"stream,omitempty"`
	Envelopes int    `json:"envelopes"`
	Bytes     int64  `json:"bytes"`
	Oldest    Time   `json:"oldest,omitempty"` // when the oldest held batch was written
	Dropped   int64  `json:"dropped"`          // readings given up, in all streams of this installation
	Damaged   int    `json:"damaged,omitempty"`
	Error     string `json:"error,omitempty"` // why nothing can be written at present
}

// Silent is a target that never said who it is, so that there is no device to send a reading of.
type Silent struct {
	Address string `json:"address"`
	Error   string `json:"error"`
}

// Ack says that all up to Seq is in the books. CRC is the checksum of the batch applied last.
type Ack struct {
	V      int    `json:"v"`
	Stream string `json:"stream"`
	Seq    uint64 `json:"seq"`
	CRC    uint32 `json:"crc"`
}

// CollectorState tells agents whether it is worth sending. It is a hint: absent means online.
type CollectorState struct {
	V       int    `json:"v"`
	Online  bool   `json:"online"`
	Session string `json:"session,omitempty"`
	SentAt  Time   `json:"sent_at,omitempty"`
	Events  bool   `json:"events,omitempty"` // it takes events; collectors of before would refuse each one
	Books   Time   `json:"books,omitempty"`  // since when it has its books, begun anew or put back from a backup: who told others reads journals again
}

// Encode is the message of a state or an ack.
func Encode(message any) []byte {
	data, err := json.Marshal(message)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", message, err)) // only our own types come here; they always encode
	}
	return data
}

// DecodeAgentState reads and checks a state message.
func DecodeAgentState(payload []byte) (AgentState, error) {
	var s AgentState
	if err := decode(payload, &s, &s.V); err != nil {
		return AgentState{}, fmt.Errorf("agent state: %w", err)
	}
	switch {
	case s.Session == "" || len(s.Session) > MaxText:
		return AgentState{}, errors.New("agent state: session: missing or too long")
	case len(s.Version) > MaxText || len(s.OS) > MaxText || len(s.Spool.Error) > MaxText || len(s.Silent) > 100:
		return AgentState{}, errors.New("agent state: a field is too long")
	case s.Spool.Envelopes < 0 || s.Spool.Bytes < 0 || s.Spool.Dropped < 0 || s.Spool.Damaged < 0:
		return AgentState{}, errors.New("agent state: spool: a figure below 0")
	case s.Config != nil && (s.Config.Revision < 0 || s.Config.Refused < 0 || len(s.Config.Error) > MaxText):
		return AgentState{}, errors.New("agent state: config: a figure below 0, or a text that is too long")
	case s.Certificate != nil && (len(s.Certificate.Serial) > MaxText || len(s.Certificate.Error) > MaxText):
		return AgentState{}, errors.New("agent state: certificate: a field is too long")
	case len(s.Journals) > MaxJournals:
		return AgentState{}, fmt.Errorf("agent state: %d journals, at most %d", len(s.Journals), MaxJournals)
	}
	for i := range s.Journals {
		if err := s.Journals[i].check(); err != nil {
			return AgentState{}, fmt.Errorf("agent state: %w", err)
		}
	}
	return s, nil
}

// DecodeAck reads and checks an ack.
func DecodeAck(payload []byte) (Ack, error) {
	var a Ack
	if err := decode(payload, &a, &a.V); err != nil {
		return Ack{}, fmt.Errorf("ack: %w", err)
	}
	if !validStream(a.Stream) {
		return Ack{}, fmt.Errorf("ack: stream %q: want 8 to 64 letters or digits", clip(a.Stream))
	}
	return a, nil
}

// DecodeCollectorState reads and checks the collector's state.
func DecodeCollectorState(payload []byte) (CollectorState, error) {
	var s CollectorState
	if err := decode(payload, &s, &s.V); err != nil {
		return CollectorState{}, fmt.Errorf("collector state: %w", err)
	}
	return s, nil
}

func decode(payload []byte, message any, version *int) error {
	if len(payload) > MaxEnvelope {
		return fmt.Errorf("%d bytes, at most %d", len(payload), MaxEnvelope)
	}
	if err := json.Unmarshal(payload, message); err != nil {
		return err
	}
	if *version != Version {
		return fmt.Errorf("%w %d, this program reads %d", ErrVersion, *version, Version)
	}
	return nil
}
