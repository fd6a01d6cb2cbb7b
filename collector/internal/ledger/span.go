package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Span is the time after From up to To.
type Span struct{ From, To wire.Time }

// Within is the part of s that lies in other too; its To is not after its From if there is none.
func (s Span) Within(other Span) Span { return Span{max(s.From, other.From), min(s.To, other.To)} }

// Length is how long s lasts, 0 if it is none.
func (s Span) Length() time.Duration { return max(s.To.Sub(s.From), 0) }

// Watched is how much of a time is covered by spans that don't overlap. It is the one measure of
// how well something was watched: in a line's state and in the completeness of an indicator.
func Watched(spans []Span, in Span) (sum time.Duration) {
	for _, s := range spans {
		sum += s.Within(in).Length()
	}
	return sum
}

// without is what is left of s when gaps are taken out of it, in order. Gaps are sorted by From
// and may overlap.
func (s Span) without(gaps []Span) (left []Span) {
	for _, gap := range gaps {
		if gap.To <= s.From || gap.From >= s.To {
			continue
		}
		if before := s.Within(Span{s.From, gap.From}); before.From < before.To {
			left = append(left, before)
		}
		s.From = max(s.From, gap.To)
	}
	if s.From < s.To {
		left = append(left, s)
	}
	return left
}

func sortSpans(spans []Span) {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
}
