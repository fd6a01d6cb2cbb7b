package indicators

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// A service whose fax is cut may borrow its neighbours' (the kit warns of it). What machines near a cut line fax
// is compared with their own past and with the rest of the establishment, after 2, 4 and 8 weeks.
//
// Each look may raise a false alarm with its own small chance, spent on all that is looked at: each machine alone,
// and all together. Together they stay below FalseAlarms a cut; TestFalseAlarmsAreAsRareAsSaid proves it on simulated
// hospitals with seasons, holidays, gaps, bursts of pages and services that grow or shrink by themselves, and stop to.

const (
	// FalseAlarms is in how many of all cuts, at most, a displacement is seen where there is none.
	FalseAlarms = 0.01
	// PastWeeks is how many weeks before a cut are looked at, at most.
	PastWeeks = 26
	// AfterWeeks is how many after it.
	AfterWeeks = 8

	mostSingly  = 8   // machines are looked at each by itself, where there are no more
	leastRest   = 3   // machines the rest of an establishment must have
	nearlyWhole = 0.9 // of a week must be watched
)

// looks are when it is looked whether something was displaced, in weeks after the cut, and with what chance of a false
// alarm. They add up to less than FalseAlarms, since machines follow their own moods for weeks on end.
var looks = []struct {
	weeks, least int // least: of them must be watched
	chance       float64
}{{2, 2, .0006}, {4, 3, .0018}, {8, 6, .0036}}

// Near is how near neighbours are.
type Near string

// The circles of neighbours, the nearest first.
const (
	SameFloor    Near = "floor"
	SameBuilding Near = "building"
	SamePole     Near = "pole"
)

// Finding is what can be said of a cut.
type Finding string

// The findings.
const (
	Displaced  Finding = "displaced"
	Stayed     Finding = "stayed" // a displacement of all that the line had would have been seen
	CannotTell Finding = "cannot_tell"
)

// Doubt is why nothing can be said.
type Doubt string

// The doubts.
const (
	TooEarly    Doubt = "too_early"    // fewer than 2 whole weeks since
	Alone       Doubt = "alone"        // no neighbours are known
	Changed     Doubt = "changed"      // all of them were cut, moved or came themselves
	ShortPast   Doubt = "short_past"   // they weren't watched for long enough before
	Unwatched   Doubt = "unwatched"    // nor after
	NoRest      Doubt = "no_rest"      // too little else is watched to compare with
	StillFaxes  Doubt = "still_faxes"  // the line itself goes on
	TooFaint    Doubt = "too_faint"    // all that the line had could be hidden in what neighbours' weeks differ
	LineUnknown Doubt = "line_unknown" // nothing was seen, but how much the line had is unknown
)

// WeekBooks is what displacements are found in.
type WeekBooks struct {
	At       wire.Time
	Zone     *time.Location // of weeks
	Register *ledger.Register
	Lines    []ledger.Line
	Devices  []ledger.Device
	From, To ledger.Week      // that were read: those that WeeksOf names
	Weeks    []ledger.WeekSum // of them
}

// Displacement is what became of a line's faxes after its cut.
type Displacement struct {
	Line     string             `json:"line"`
	CutAt    wire.Time          `json:"cut_at"`
	Finding  Finding            `json:"finding"`
	Doubt    Doubt              `json:"doubt,omitempty"` // why nothing can be said
	Near     Near               `json:"near,omitempty"`  // empty: no neighbours
	Place    string             `json:"place,omitempty"` // what they have in common, as people wrote it
	After    int                `json:"weeks_after"`     // whole weeks since the cut, at most AfterWeeks
	Look     int                `json:"look,omitempty"`  // weeks after which it was found, or looked last
	Own      *float64           `json:"own"`             // pages a week that the line itself had before; nil: unknown
	Machines []NeighbourMachine `json:"machines"`        // those that count first, each by id
	Group    *Evidence          `json:"group,omitempty"` // all that count together; nil: there is nothing to show
	Rest     int                `json:"rest"`            // machines of the rest of the establishment
	Visible  *float64           `json:"visible"`         // where nothing was found: how much more a week would have been seen in four of five cases, wherever it went
}

// NeighbourMachine is a machine near a line that was cut.
type NeighbourMachine struct {
	Device   string    `json:"device"`
	Service  string    `json:"service,omitempty"`
	Left     Doubt     `json:"left,omitempty"`     // why it doesn't count; empty: it does
	Evidence *Evidence `json:"evidence,omitempty"` // nil where it doesn't
}

// Evidence is what some machines faxed before a cut and after it, and what was to be expected of them.
type Evidence struct {
	Unit     string         `json:"unit"` // pages, or faxes where machines count only those
	Weeks    []EvidenceWeek `json:"weeks"`
	Before   float64        `json:"before"` // a week, on average
	After    float64        `json:"after"`
	Expected float64        `json:"expected"` // a week after it, by their own past and the rest of the establishment
	Low      float64        `json:"low"`      // nineteen of twenty times it lies between
	High     float64        `json:"high"`
	Visible  float64        `json:"visible"` // more than expected, a week, would be seen in four of five cases
	Looked   int            `json:"looked"`  // weeks after the cut of which that is; 0: none
	Risen    bool           `json:"risen"`
}

// EvidenceWeek is a week of evidence. Weeks that weren't watched have no count.
type EvidenceWeek struct {
	Monday   ledger.Day `json:"monday"`
	Count    *float64   `json:"count"`
	Expected *float64   `json:"expected"` // nil: nothing to compare with
	Low      *float64   `json:"low"`      // a single week lies between in nineteen of twenty cases
	High     *float64   `json:"high"`
	Cut      bool       `json:"cut,omitempty"` // the line was cut in it: it is neither before nor after
	After    bool       `json:"after,omitempty"`
}

// Shown is the evidence that tells most: of the machines that had more, else of all; nil where there is none.
func (d *Displacement) Shown() *Evidence {
	shown := d.Group
	for i := range d.Machines {
		if e := d.Machines[i].Evidence; e != nil && e.Risen && (!shown.Risen || shown == d.Group || e.More() > shown.More()) {
			shown = e
		}
	}
	return shown
}

// More is what machines had more than expected, a week.
func (e *Evidence) More() float64 { return e.After - e.Expected }

// cutAt is when a line was cut, 0 if it wasn't.
func cutAt(l *ledger.Line, now wire.Time) wire.Time {
	if (l.State == ledger.Cut || l.State == ledger.Overdue) && l.CutoffAt <= now {
		return l.CutoffAt
	}
	return 0
}

// WeeksOf are the weeks that matter to cuts since an instant; from is after to where there are none.
func WeeksOf(lines []ledger.Line, since, now wire.Time, zone *time.Location) (from, to ledger.Week) {
	from, to = 1, 0
	for i := range lines {
		at := cutAt(&lines[i], now)
		if at == 0 || at < since {
			continue
		}
		first, last := ledger.WeekOf(at, zone)-PastWeeks, ledger.WeekOf(at, zone)+AfterWeeks
		if from > to {
			from, to = first, last
		}
		from, to = min(from, first), max(to, last)
	}
	return from, min(to, ledger.WeekOf(now, zone)-1)
}

// Displacements are those of all lines that were cut since an instant, the last cut first.
func Displacements(b WeekBooks, since wire.Time) (list []Displacement) {
	n := newNeighbourhood(&b)
	for i := range b.Lines {
		if at := cutAt(&b.Lines[i], b.At); at != 0 && at >= since {
			list = append(list, n.displacement(&b.Lines[i], at))
		}
	}
	slices.SortFunc(list, func(x, y Displacement) int {
		return cmp.Or(cmp.Compare(y.CutAt, x.CutAt), cmp.Compare(x.Line, y.Line))
	})
	return list
}

// displacement looks at one cut.
func (n *neighbourhood) displacement(l *ledger.Line, at wire.Time) Displacement {
	p := n.period(at)
	d := Displacement{Line: l.ID, CutAt: at, Finding: CannotTell, After: int(p.end - p.after)}
	d.Own = n.before(l, p)
	circle, near := n.circle(l, p, &d)
	if len(circle) == 0 {
		d.Doubt = cmp.Or(d.Doubt, Alone)
		return d
	}
	r := n.rest(l, p, circle)
	d.Near, d.Rest = near, r.machines
	cases := n.cases(&d, circle, r, p)
	if d.Doubt = n.doubt(l, &d, cases, p); d.Doubt != "" {
		return d
	}
	n.look(&d, cases, p)
	return d
}

// before is what the line itself faxed a week, nil where that isn't known.
func (n *neighbourhood) before(l *ledger.Line, p period) *float64 {
	return n.mean(l, p.first, p.cut)
}

// mean is what a line faxed a week in the weeks that were watched of its machine; nil where its own faxes aren't known.
func (n *neighbourhood) mean(l *ledger.Line, from, to ledger.Week) *float64 {
	m := n.machines[l.Device]
	if m == nil || n.own[l.ID] == nil && (len(m.lines) != 1 || m.lines[0].ID != l.ID) {
		return nil
	}
	var sum, weeks float64
	for w := from; w < to; w++ {
		if _, ok := m.count(w); ok {
			sum, weeks = sum+n.own[l.ID][w], weeks+1
		}
	}
	if weeks == 0 {
		return nil
	}
	sum /= weeks
	return &sum
}

// suspect is a machine, or some, that may have taken over.
type suspect struct {
	machines []*neighbour
	past     []pastWeek
	after    []pastWeek
	habit    habit
	evidence *Evidence
	looked   bool // by the last look
	bounds   bounds
}

// cases are all that is looked at: each machine by itself where they are few, and all together.
func (n *neighbourhood) cases(d *Displacement, circle []*neighbour, r *rest, p period) (cases []*suspect) {
	pages := slices.DeleteFunc(slices.Clone(circle), func(m *neighbour) bool { return m.faxes })
	if len(pages) == 0 {
		pages = circle
	}
	group := n.suspect(pages, r, p)
	if len(pages) > 1 {
		cases = append(cases, group)
	}
	for i, m := range circle {
		s := group
		if len(circle) > 1 {
			s = n.suspect([]*neighbour{m}, r, p)
		}
		d.Machines[i].Evidence = s.evidence
		if len(circle) <= mostSingly {
			cases = append(cases, s)
		}
	}
	d.Group = group.evidence
	return cases
}

// suspect gathers what some machines faxed: a week counts when all of them were watched, and the rest is known.
func (n *neighbourhood) suspect(machines []*neighbour, r *rest, p period) *suspect {
	s := &suspect{machines: machines, bounds: n.bounds, evidence: &Evidence{Unit: "pages"}}
	if machines[0].faxes {
		s.evidence.Unit = "faxes"
	}
	for w := p.first; w < p.end; w++ {
		x := EvidenceWeek{Monday: w.Monday(), Cut: w >= p.cut && w < p.after, After: w >= p.after}
		count, watched := s.count(w)
		if watched {
			x.Count = &count
		}
		if busy, ok := r.busy(w); ok && watched {
			switch week := (pastWeek{w, count, busy}); {
			case w < p.cut:
				s.past = append(s.past, week)
			case w >= p.after:
				s.after = append(s.after, week)
			}
		}
		s.evidence.Weeks = append(s.evidence.Weeks, x)
	}
	if len(s.past) >= leastWeeks {
		s.habit = newHabit(s.past)
		s.expect(r)
	}
	return s
}

func (s *suspect) count(w ledger.Week) (sum float64, ok bool) {
	for _, m := range s.machines {
		count, watched := m.count(w)
		if !watched {
			return 0, false
		}
		sum += count
	}
	return sum, true
}

// expect says of each week what was to be expected.
func (s *suspect) expect(r *rest) {
	wide := s.bounds.of(s.habit, .025)
	for i := range s.evidence.Weeks {
		w, week := &s.evidence.Weeks[i], r.first+ledger.Week(i)
		busy, ok := r.busy(week)
		if !ok {
			continue
		}
		level, spread := s.habit.expected(week, busy)
		w.Expected, w.Low, w.High = pages(level), pages(level-wide*spread), pages(level+wide*spread)
	}
}

// pages is what a logarithm stands for.
func pages(level float64) *float64 {
	n := max(0, math.Exp(level)-.5)
	return &n
}

// until are the weeks after the cut that a look sees.
func (s *suspect) until(end ledger.Week) []pastWeek {
	i, _ := slices.BinarySearchFunc(s.after, end, func(w pastWeek, end ledger.Week) int { return cmp.Compare(w.at, end) })
	return s.after[:i]
}

// doubt is why nothing can be looked at.
func (n *neighbourhood) doubt(l *ledger.Line, d *Displacement, cases []*suspect, p period) Doubt {
	after := n.mean(l, p.after, p.end)
	switch {
	case d.After < looks[0].weeks:
		return TooEarly
	case d.Rest < leastRest:
		return NoRest
	case d.Own != nil && after != nil && *d.Own >= 1 && *after > *d.Own/2:
		return StillFaxes
	case !slices.ContainsFunc(cases, func(s *suspect) bool { return len(s.past) >= leastWeeks }):
		return ShortPast
	}
	return ""
}

// look looks after 2, 4 and 8 weeks. What was found once stays found.
func (n *neighbourhood) look(d *Displacement, cases []*suspect, p period) {
	seen := math.Inf(1) // the least that would have been seen
	for _, look := range looks {
		if d.After < look.weeks || d.Finding == Displaced {
			break
		}
		for _, s := range cases {
			s.looked = false
			if after := s.until(p.after + ledger.Week(look.weeks)); len(s.past) >= leastWeeks && len(after) >= look.least {
				s.look(after, look.chance/float64(len(cases)))
				d.Look = look.weeks
			}
			if s.evidence.Risen {
				d.Finding = Displaced
			}
		}
		seen = min(seen, visible(cases))
	}
	if d.Finding != Displaced {
		d.judge(seen)
	}
}

// visible is how many more a week would be seen wherever they go: each machine's show with itself, and with all together.
func visible(cases []*suspect) float64 {
	most, together := 0.0, math.Inf(1)
	for _, s := range cases {
		switch {
		case !s.looked && len(s.machines) == 1:
			most = math.Inf(1)
		case len(s.machines) == 1:
			most = max(most, s.evidence.Visible)
		case s.looked:
			together = s.evidence.Visible
		}
	}
	if most == 0 {
		return together
	}
	return min(most, together)
}

// look notes what machines faxed in some weeks after the cut, and whether that is more than a chance would make.
func (s *suspect) look(after []pastWeek, chance float64) {
	s.looked = true
	rises, e, n := s.habit.rises(after), s.evidence, float64(len(after))
	wide := s.bounds.of(s.habit, .025) * rises[0].error
	e.Before, e.After, e.Expected, e.Looked = s.habit.mean, 0, rises[0].expected(n), len(after)
	for _, w := range after {
		e.After += w.count / n
	}
	e.Low, e.High = e.Expected*math.Exp(-wide), e.Expected*math.Exp(wide)
	e.Visible, e.Risen = 0, true
	for _, r := range rises { // what comes may come on top of less than was expected
		e.Visible = max(e.Visible, r.expected(n)*s.bounds.visible(s.habit, r, chance)-rises[1].expected(n))
		e.Risen = e.Risen && r.level > s.bounds.of(s.habit, chance)*r.error
	}
}

// judge says what it means that nothing was found.
func (d *Displacement) judge(seen float64) {
	if !math.IsInf(seen, 1) {
		d.Visible = &seen
	}
	switch {
	case d.Look == 0:
		d.Doubt = Unwatched
	case d.Own == nil:
		d.Doubt = LineUnknown
	case seen > *d.Own:
		d.Doubt = TooFaint
	default:
		d.Finding = Stayed
	}
}
