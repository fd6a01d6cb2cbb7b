package indicators

import (
	"cmp"
	"maps"
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
	if len(sums) == 0 {
		return nil
	}
	t := traffic{pivot: pivot{register: r, level: level}, homes: NewHomes(r, lines), ends: map[string]int32{}, scopes: map[End]int32{}, tables: map[table]map[int32][]int32{}, each: each}
	first, last := sums[0].Month, sums[0].Month
	for i := range sums {
		s := &sums[i]
		first, last = min(first, s.Month), max(last, s.Month)
		c := t.cell(s)
		c.count, c.failed, c.pages, c.paged = c.count+s.Count, c.failed+s.Failed, c.pages+s.Pages, c.paged+s.Paged
	}
	return t.flows(first, last)
}

// traffic numbers ends, since there are many flows of few. Sums mostly come month by month, unit by unit and sender by
// sender, so that it has to look for little more than receivers.
type traffic struct {
	pivot
	homes  *Homes
	known  []End
	scopes map[End]int32
	ends   map[string]int32            // by line, in the month
	tables map[table]map[int32][]int32 // numbers of cells, from 1, by source and destination
	each   bool
	cells  []cell

	last   ledger.FlowSum    // whose month, unit and sender the following are of
	rows   map[int32][]int32 // of the table of these
	sender int32
	row    []int32 // of the sender
}

// table is what flows are told apart by beside their ends.
type table struct {
	month ledger.Month // 0: all together
	unit  wire.EventUnit
}

func (t table) compare(other table) int {
	return cmp.Or(cmp.Compare(t.month, other.month), strings.Compare(string(t.unit), string(other.unit)))
}

// cell is what was faxed from one end to another.
type cell struct{ count, failed, pages, paged int64 }

// cell is the one that a sum is a part of.
func (t *traffic) cell(s *ledger.FlowSum) *cell {
	turned := s.Month != t.last.Month || s.Unit != t.last.Unit
	if turned {
		t.turn(s)
	}
	if turned || s.From != t.last.From {
		t.last.From, t.sender = s.From, t.end(s.From)
		t.row = t.rows[t.sender]
	}
	to := t.end(s.To)
	if int(to) >= len(t.row) {
		t.row = append(t.row, make([]int32, len(t.known)-len(t.row))...)
		t.rows[t.sender] = t.row
	}
	if t.row[to] == 0 {
		t.cells = append(t.cells, cell{})
		t.row[to] = int32(len(t.cells))
	}
	return &t.cells[t.row[to]-1]
}

// turn goes to another month or unit.
func (t *traffic) turn(s *ledger.FlowSum) {
	t.last.Month, t.last.Unit = s.Month, s.Unit
	clear(t.ends) // lines move
	of := table{unit: s.Unit}
	if t.each {
		of.month = s.Month
	}
	if t.tables[of] == nil {
		t.tables[of] = make(map[int32][]int32)
	}
	t.rows = t.tables[of]
}

// flows are the cells in the order of month, unit and ends.
func (t *traffic) flows(first, last ledger.Month) []Flow {
	flows, order := make([]Flow, 0, len(t.cells)), t.order()
	for _, of := range slices.SortedFunc(maps.Keys(t.tables), table.compare) {
		if t.each {
			first, last = of.month, of.month
		}
		for _, from := range order {
			row := t.tables[of][from]
			for _, to := range order {
				if int(to) < len(row) && row[to] > 0 {
					c := &t.cells[row[to]-1]
					flows = append(flows, Flow{first, last, of.unit, t.known[from], t.known[to], c.count, c.failed, c.pages, c.paged})
				}
			}
		}
	}
	return flows
}

// order are the numbers of ends, in their order.
func (t *traffic) order() []int32 {
	order := make([]int32, len(t.known))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return t.known[a].Compare(t.known[b]) })
	return order
}

// end is the number of where a line stands.
func (t *traffic) end(line string) int32 {
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
		e.Scope = t.scope(t.homes.In(line, t.last.Month))
	}
	n, known = t.scopes[e]
	if !known {
		n = int32(len(t.known))
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
