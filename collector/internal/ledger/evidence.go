package ledger

import (
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Evidence is a piece of an episode's evidence. It is kept as what it says, not as a text, since it
// is told in two languages.
type Evidence struct {
	Kind    EvidenceKind `json:"kind"`
	Subject string       `json:"subject,omitempty"` // a device, agent, port, reason…
	Other   string       `json:"other,omitempty"`
	Measure wire.Measure `json:"measure,omitempty"`
	Unit    string       `json:"unit,omitempty"`
	Count   int64        `json:"count,omitempty"`
	From    wire.Time    `json:"from,omitempty"`
	To      wire.Time    `json:"to,omitempty"`
	Day     Day          `json:"day,omitempty"`
	Names   []string     `json:"names,omitempty"`
}

// EvidenceKind says what a piece of evidence tells.
type EvidenceKind string

// Text is what it says, in French, or in English where language is "en".
func (f Evidence) Text(language string, zone *time.Location) string { return string(f.Kind) }

// Texts is the evidence in words: in French, or in English where language is "en".
func (e *Episode) Texts(language string) []string {
	zone := e.Zone
	if zone == nil {
		zone = time.UTC
	}
	texts := make([]string, len(e.Evidence))
	for i, f := range e.Evidence {
		texts[i] = f.Text(language, zone)
	}
	return texts
}
