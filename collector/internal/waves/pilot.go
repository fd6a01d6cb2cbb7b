package waves

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Candidate is a service that could go first, to try the way on.
type Candidate struct {
	Service
	Note    ledger.ServiceNote
	Suits   wire.Answer // wire.Unknown where something would have to be known, and nothing speaks against it yet
	Against []Trait
	Lacks   []Trait // what isn't known
}

// Trait is what a pilot has to have, after the national kit.
type Trait string

// The traits.
const (
	LowUrgency Trait = "urgency"   // work that is among the least vital
	Motivated  Trait = "motivated" // a team that wants it
	Available  Trait = "available" // and has time
	Unblocked  Trait = "blocked"   // nothing technical in the way
)

// lowUrgency is up to which vital urgency a service may go first. The kit says « les moins critiques »; the bound is ours.
const lowUrgency = 2

// Pilots are all services, those first that suit, the least vital of them and those that fax least; then those of which
// it can't be told; then those of which something speaks against it.
func Pilots(services []Service, notes map[string]ledger.ServiceNote) (all []Candidate) {
	for _, s := range services {
		all = append(all, candidate(s, notes[s.ID]))
	}
	order := []wire.Answer{wire.Yes, wire.Unknown, wire.No}
	slices.SortFunc(all, func(a, b Candidate) int {
		return cmp.Or(slices.Index(order, a.Suits)-slices.Index(order, b.Suits), cmp.Compare(len(a.Against), len(b.Against)),
			cmp.Compare(len(a.Lacks), len(b.Lacks)), cmp.Compare(a.Note.Urgency, b.Note.Urgency), compareAmounts(a.Faxes, b.Faxes), strings.Compare(a.ID, b.ID))
	})
	return all
}

// compareAmounts has the unknown last.
func compareAmounts(a, b Amount) int {
	if a.Known != b.Known {
		if a.Known {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.Value, b.Value)
}

func candidate(s Service, note ledger.ServiceNote) Candidate {
	c := Candidate{Service: s, Note: note, Suits: wire.Yes}
	judge := func(t Trait, known, good bool) {
		switch {
		case !known:
			c.Lacks = append(c.Lacks, t)
		case !good:
			c.Against = append(c.Against, t)
		}
	}
	judge(LowUrgency, note.Urgency > 0, note.Urgency <= lowUrgency)
	judge(Motivated, note.Motivated != "", note.Motivated == wire.Yes)
	judge(Available, note.Available != "", note.Available == wire.Yes)
	judge(Unblocked, note.Blocked != "", note.Blocked == wire.No)
	switch {
	case c.Against != nil:
		c.Suits = wire.No
	case c.Lacks != nil:
		c.Suits = wire.Unknown
	}
	return c
}
