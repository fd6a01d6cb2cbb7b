package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Progress is how many of the lines known now are cut, and should be, at the end of the month.
type Progress struct {
	Lines   int64 // all, those cut and kept too
	Cut     int64
	Planned int64 // had a date of cut-off that has passed, or were cut without one
	Kept    int64
	Late    int64 // planned and not cut
}

// Share is the part of all, in percent to a tenth, never rounded up; ok is false where there is nothing.
func (p Progress) Share(part int64) (percent float64, ok bool) {
	if p.Lines == 0 {
		return 0, false
	}
	return float64(part*1000/p.Lines) / 10, true
}

// StateCount is how many lines are in a state now.
type StateCount struct {
	State ledger.LineState
	Lines int64
}

// Activity is a row of the kit's table.
type Activity struct {
	ID    string // of a pole, or of a service where there are no poles; empty: of none
	Lines int64
	Cut   int64
}

// Late is a service with lines whose date of cut-off has passed, and that are not cut.
type Late struct {
	Service string // id; empty: of none
	Lines   int64
	Active  int64      // of which so many live
	Since   ledger.Day // the oldest date
	Days    int        // since then, at the end of the month
}

// Exception is a line that is kept for a reason.
type Exception struct {
	ledger.Line
	Due bool // the day of its review has passed
}

// CutDay is a day on which lines are to be cut.
type CutDay struct {
	Day      ledger.Day
	Lines    int64
	Services []string // ids, by name; empty: of none
}

// lines fills in all that follows from the lines and their dates.
func (r *Report) lines(all []ledger.Line) {
	for i := range all {
		if r.of(all[i].Establishment) {
			r.Lines = append(r.Lines, all[i])
		}
	}
	slices.SortStableFunc(r.Lines, func(a, b ledger.Line) int {
		return cmp.Or(strings.Compare(r.EstablishmentName(a.Establishment), r.EstablishmentName(b.Establishment)),
			strings.Compare(r.PoleName(a.Pole), r.PoleName(b.Pole)), strings.Compare(r.ServiceName(a.Service), r.ServiceName(b.Service)),
			strings.Compare(cmp.Or(a.Number, a.ID), cmp.Or(b.Number, b.ID)))
	})
	states := make(map[ledger.LineState]int64)
	for i := range r.Lines {
		l := &r.Lines[i]
		states[l.State]++
		r.Progress.add(l, r.stage(l), passed(l.Cutoff, l, r.until(l)))
		if l.Unseen() {
			r.Blind = append(r.Blind, *l)
		}
		if l.State == ledger.Kept {
			r.Exceptions = append(r.Exceptions, Exception{*l, passed(l.KeptUntil, l, r.At)})
		}
	}
	for _, state := range ledger.LineStates() {
		r.States = append(r.States, StateCount{state, states[state]})
	}
	slices.SortStableFunc(r.Exceptions, func(a, b Exception) int { return strings.Compare(string(a.KeptUntil), string(b.KeptUntil)) })
	r.activities()
	r.late()
	r.cuts()
}

// passed tells whether a line's day has begun.
func passed(d ledger.Day, l *ledger.Line, at wire.Time) bool { return d != "" && d.In(l.Zone) <= at }

// until is the last instant of the month where a line is, the present one where it isn't over there.
func (r *Report) until(l *ledger.Line) wire.Time { return min(r.At, r.Month.Add(1).In(l.Zone)-1) }

// stage is how far people say that a line was at the end of the month: kept, cut, overdue, or none of them.
// Exceptions are as they are now: nobody says since when.
func (r *Report) stage(l *ledger.Line) ledger.LineState {
	switch {
	case l.KeptReason != "":
		return ledger.Kept
	case passed(l.CutOn, l, r.until(l)):
		return ledger.Cut
	case passed(l.Cutoff, l, r.until(l)):
		return ledger.Overdue
	}
	return ""
}

func (p *Progress) add(l *ledger.Line, stage ledger.LineState, due bool) {
	p.Lines++
	switch stage {
	case ledger.Kept:
		p.Kept++
	case ledger.Overdue:
		p.Late++
		p.Planned++
	case ledger.Cut:
		p.Cut++
		if due || l.Cutoff == "" {
			p.Planned++
		}
	}
}

// activities is the kit's table.
func (r *Report) activities() {
	poles := slices.ContainsFunc(r.Lines, func(l ledger.Line) bool { return l.Pole != "" })
	rows := make(map[string]*Activity)
	for i := range r.Lines {
		l := &r.Lines[i]
		id := l.Service
		if poles {
			id = l.Pole
		}
		if rows[id] == nil {
			rows[id] = &Activity{ID: id}
		}
		rows[id].Lines++
		if r.stage(l) == ledger.Cut {
			rows[id].Cut++
		}
	}
	for _, row := range rows {
		r.Activities = append(r.Activities, *row)
	}
	slices.SortFunc(r.Activities, func(a, b Activity) int {
		return cmp.Or(last(a.ID, b.ID), strings.Compare(r.ActivityName(a.ID), r.ActivityName(b.ID)), strings.Compare(a.ID, b.ID))
	})
}

// last puts what belongs to nothing after all else.
func last(a, b string) int {
	switch {
	case a == "" && b != "":
		return 1
	case a != "" && b == "":
		return -1
	}
	return 0
}

// late are the services that didn't keep their dates, the longest first.
func (r *Report) late() {
	rows := make(map[string]*Late)
	for i := range r.Lines {
		l := &r.Lines[i]
		if r.stage(l) != ledger.Overdue {
			continue
		}
		row := rows[l.Service]
		if row == nil {
			row = &Late{Service: l.Service, Since: l.Cutoff}
			rows[l.Service] = row
		}
		row.Lines++
		row.Since = min(row.Since, l.Cutoff)
		if l.Active() {
			row.Active++
		}
		row.Days = max(row.Days, l.Cutoff.Until(dayOf(r.until(l), l.Zone)))
	}
	for _, row := range rows {
		r.Late = append(r.Late, *row)
	}
	slices.SortFunc(r.Late, func(a, b Late) int {
		return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(b.Lines, a.Lines), strings.Compare(a.Service, b.Service))
	})
}

func dayOf(t wire.Time, zone *time.Location) ledger.Day {
	return ledger.Day(t.Std().In(zone).Format(time.DateOnly))
}

// cuts are the days to come.
func (r *Report) cuts() {
	days := make(map[ledger.Day]*CutDay)
	for i := range r.Lines {
		l := &r.Lines[i]
		if l.Cutoff == "" || r.stage(l) != "" {
			continue
		}
		d := days[l.Cutoff]
		if d == nil {
			d = &CutDay{Day: l.Cutoff}
			days[l.Cutoff] = d
		}
		d.Lines++
		if !slices.Contains(d.Services, l.Service) {
			d.Services = append(d.Services, l.Service) // lines are in the order of their services' names
		}
	}
	for _, d := range days {
		r.Cuts = append(r.Cuts, *d)
	}
	slices.SortFunc(r.Cuts, func(a, b CutDay) int { return cmp.Compare(a.Day, b.Day) })
}

// EstablishmentName is what an establishment is called, its id where it has no name.
func (r *Report) EstablishmentName(id string) string {
	return cmp.Or(r.Register.Establishments[id].Name, id)
}

// PoleName is what a pole is called, its id where it has no name.
func (r *Report) PoleName(id string) string { return cmp.Or(r.Register.Poles[id].Name, id) }

// ServiceName is what a service is called, its id where it has no name.
func (r *Report) ServiceName(id string) string { return cmp.Or(r.Register.Services[id].Name, id) }

// ActivityName is what the pole or service of a row of the kit's table is called.
func (r *Report) ActivityName(id string) string {
	if name := r.PoleName(id); name != id {
		return name
	}
	return r.ServiceName(id)
}

// ServiceNames are those of services, at most a few of them.
func (r *Report) ServiceNames(services []string, unassigned string) string {
	const few = 6
	names := make([]string, 0, few)
	for _, id := range services[:min(len(services), few)] {
		names = append(names, cmp.Or(r.ServiceName(id), unassigned))
	}
	if len(services) > few {
		names = append(names, "… (+"+strconv.Itoa(len(services)-few)+")")
	}
	return strings.Join(names, ", ")
}
