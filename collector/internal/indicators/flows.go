package indicators

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Elsewhere stands for a line of ours of which the reader may know no more than that it is one.
const Elsewhere = "\x00elsewhere"

// Kind is what stands at an end of a flow.
type Kind string

// The kinds.
const (
	Inside      Kind = "inside"      // one of our services, or what of ours is not assigned to any
	Outside     Kind = "outside"     // a number that isn't ours, or isn't told
	Undisclosed Kind = "undisclosed" // ours, of an establishment that isn't the reader's
)

// End is one end of a flow.
type End struct {
	Kind Kind `json:"kind"`
	Scope
}

// Ours tells whether it is a line of ours.
func (e End) Ours() bool { return e.Kind != Outside }

// Compare orders ends: those of ours by scope, then others'.
func (e End) Compare(other End) int {
	return cmp.Or(strings.Compare(string(e.Kind), string(other.Kind)), compareScopes(e.Scope, other.Scope))
}

// Flow is what was faxed from one end to another in some months.
type Flow struct {
	From, To    ledger.Month   // the months; both included
	Unit        wire.EventUnit // messages and calls are never added to one another
	Source      End
	Destination End
	Count       int64 // done, each fax once
	Failed      int64
	Pages       int64 // of those that say so
	Paged       int64 // how many of Count those are
}

// Internal tells whether both ends are ours.
func (f *Flow) Internal() bool { return f.Source.Ours() && f.Destination.Ours() }

// Traffic adds up the flows of lines by where these stood in each month: of all months together, or of each. A service is
// one, whatever it was part of; a pôle has what belonged to it then. None is left out, so that they add up to the sums.
func Traffic(r *ledger.Register, lines []ledger.Line, sums []ledger.FlowSum, level Level, each bool) (flows []Flow) {
	t := traffic{pivot: pivot{register: r, level: level}, homes: NewHomes(r, lines), at: map[flowKey]int{}, ends: map[string]int{}, scopes: map[End]int{}}
	if len(sums) == 0 {
		return nil
	}
	first, last := sums[0].Month, sums[0].Month
	for i := range sums {
		first, last = min(first, sums[i].Month), max(last, sums[i].Month)
	}
	for i := range sums {
		s := &sums[i]
		if s.Month != t.month {
			t.month = s.Month
			clear(t.ends) // lines move
		}
		key := flowKey{unit: s.Unit, from: t.end(s.From), to: t.end(s.To)}
		from, to := first, last
		if each {
			key.month, from, to = s.Month, s.Month, s.Month
		}
		n, known := t.at[key]
		if !known {
			n = len(flows)
			t.at[key] = n
			flows = append(flows, Flow{From: from, To: to, Unit: s.Unit, Source: t.known[key.from], Destination: t.known[key.to]})
		}
		f := &flows[n]
		f.Count, f.Failed, f.Pages, f.Paged = f.Count+s.Count, f.Failed+s.Failed, f.Pages+s.Pages, f.Paged+s.Paged
	}
	slices.SortFunc(flows, compareFlows)
	return flows
}

func compareFlows(a, b Flow) int {
	return cmp.Or(cmp.Compare(a.From, b.From), strings.Compare(string(a.Unit), string(b.Unit)), a.Source.Compare(b.Source), a.Destination.Compare(b.Destination))
}

// traffic numbers ends, since there are many flows of few.
type traffic struct {
	pivot
	homes  *Homes
	month  ledger.Month
	known  []End
	scopes map[End]int
	ends   map[string]int // by line, in the month
	at     map[flowKey]int
}

type flowKey struct {
	month    ledger.Month
	unit     wire.EventUnit
	from, to int
}

// end is the number of where a line stands.
func (t *traffic) end(line string) int {
	n, known := t.ends[line]
	if known {
		return n
	}
	e := End{Kind: Inside}
	switch line {
	case "":
		e.Kind = Outside
	case Elsewhere:
		e.Kind = Undisclosed
	default:
		e.Scope = t.scope(t.homes.In(line, t.month))
	}
	n, known = t.scopes[e]
	if !known {
		n = len(t.known)
		t.known = append(t.known, e)
		t.scopes[e] = n
	}
	t.ends[line] = n
	return n
}

// Party is what one end sent and received. What went within it is in both of the internal figures, so that each of
// them adds up to all internal faxes.
type Party struct {
	End
	Received         int64 // from outside
	Sent             int64 // to outside
	InternalReceived int64
	InternalSent     int64
	Failed           int64 // those that it would have sent
}

// Out is all that it sent.
func (p *Party) Out() int64 { return p.Sent + p.InternalSent }

// In is all that it received.
func (p *Party) In() int64 { return p.Received + p.InternalReceived }

// Parties are the ends that are ours, with what flows of one unit tell of them, in their order.
func Parties(flows []Flow) (list []Party) {
	at := make(map[End]*Party)
	of := func(e End) *Party {
		if at[e] == nil {
			at[e] = &Party{End: e}
		}
		return at[e]
	}
	for i := range flows {
		f := &flows[i]
		switch {
		case f.Internal():
			of(f.Source).InternalSent += f.Count
			of(f.Destination).InternalReceived += f.Count
		case f.Source.Ours():
			of(f.Source).Sent += f.Count
		default:
			of(f.Destination).Received += f.Count
		}
		if f.Source.Ours() {
			of(f.Source).Failed += f.Failed
		}
	}
	for _, p := range at {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b Party) int { return a.Compare(b.End) })
	return list
}

// Top are the n parties with the most by a figure, the most first; those without any are left out.
func Top(parties []Party, n int, by func(*Party) int64) []Party {
	top := slices.DeleteFunc(slices.Clone(parties), func(p Party) bool { return by(&p) == 0 || p.Kind != Inside })
	slices.SortStableFunc(top, func(a, b Party) int { return cmp.Compare(by(&b), by(&a)) })
	return top[:min(n, len(top))]
}

// Told is of how many days of lines journals tell of a unit in some months, and of how many there were until now.
func Told(b Books, unit wire.EventUnit, from, to ledger.Month, wanted func(ledger.Place) bool) (days, of float64, lines int) {
	homes := NewHomes(b.Register, b.Lines)
	spans := covered(b.Journals.Coverage, unit, homes)
	for i := range b.Lines {
		l := &b.Lines[i]
		span := ledger.Span{From: from.In(l.Zone), To: min(b.At, to.Add(1).In(l.Zone))}
		counts := false
		for j := range l.History {
			s := &l.History[j]
			in := s.Within(span)
			if in.Length() == 0 || !wanted(b.Register.Complete(s.Place)) {
				continue
			}
			told := ledger.Watched(spans[l.ID], in).Hours() / 24
			days, of, counts = days+told, of+in.Length().Hours()/24, counts || told > 0
		}
		if counts {
			lines++
		}
	}
	return days, of, lines
}
