package year

import (
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// story is what happens to a line and its machine around the line's cut-off.
type story struct {
	name string
	tell func(w *writer, l *Line, cut time.Time) // cut: 00:00 in the line's zone of the day planned at first
}

const hour = time.Hour

var (
	cutoffColumn  = []string{"number", "cutoff"}
	cutOnColumn   = []string{"number", "cut_on"}
	keptColumns   = []string{"number", "kept_reason", "kept_until"}
	serviceColumn = []string{"number", "service"}
	deviceColumn  = []string{"number", "device"}
)

// date is a day as people write it, in turn both ways.
func date(t time.Time) string {
	if t.Day()%2 == 0 {
		return t.Format("02/01/2006")
	}
	return t.Format(time.DateOnly)
}

// stories are those of lines that have a machine of their own.
var stories = []story{
	{"never cut", func(*writer, *Line, time.Time) {}},
	{"cut and quiet", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.Add(-hour))
	}},
	{"faxes two hours after", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.Add(-hour))
		w.fax(l.Machine, cut.Add(2*hour+7*time.Second), true, 3)
		w.fax(l.Machine, cut.Add(2*hour+47*time.Second), false, 2)
	}},
	{"faxes before, seen only after", func(w *writer, l *Line, cut time.Time) {
		w.stop(l.Machine, cut.Add(-48*hour))
		w.fax(l.Machine, cut.Add(-20*time.Minute-3*time.Second), true, 4)
	}},
	{"faxes after, not seen before", func(w *writer, l *Line, cut time.Time) {
		w.stop(l.Machine, cut.Add(-48*hour))
		w.fax(l.Machine, cut.Add(3*time.Minute+3*time.Second), false, 5)
	}},
	{"faxes a second before and a second after, looked at just then", func(w *writer, l *Line, cut time.Time) {
		w.stop(l.Machine, cut.Add(-2*hour))
		w.near(l.Machine, cut)
		w.look(l.Machine, cut)
		w.fax(l.Machine, cut.Add(-time.Second), true, 6)
		w.fax(l.Machine, cut.Add(time.Second), true, 7)
	}},
	{"looked at a millisecond before", func(w *writer, l *Line, cut time.Time) {
		w.stop(l.Machine, cut.Add(-2*hour))
		w.look(l.Machine, cut.Add(-time.Millisecond))
		w.look(l.Machine, cut.Add(5*time.Minute))
		w.fax(l.Machine, cut.Add(time.Second), true, 8)
	}},
	{"prints a night long what came before", func(w *writer, l *Line, cut time.Time) {
		w.stop(l.Machine, cut.Add(-2*hour))
		w.near(l.Machine, cut)
		w.fax(l.Machine, cut.Add(9*hour+time.Second), false, 2)
		w.look(l.Machine, cut.Add(23*hour+59*time.Minute))
		w.fax(l.Machine, cut.Add(24*hour+time.Second), false, 1)
		w.look(l.Machine, cut.Add(24*hour+time.Minute))
	}},
	{"goes on for days, rests, and begins again", func(w *writer, l *Line, cut time.Time) {
		w.stop(l.Machine, cut.Add(-2*hour))
		w.near(l.Machine, cut)
		for _, d := range []int{1, 2, 4, 9, 21, 23} {
			w.fax(l.Machine, cut.AddDate(0, 0, d).Add(10*hour+time.Second), d%2 == 0, int64(d))
		}
	}},
	{"the date moves on in time", func(w *writer, l *Line, cut time.Time) {
		later := cut.AddDate(0, 0, 9)
		w.declare(w.office(cut, -3), "", cutoffColumn, l.Number, date(later))
		w.near(l.Machine, cut)
		w.near(l.Machine, later)
		w.stop(l.Machine, later.Add(-hour))
		w.fax(l.Machine, later.Add(30*hour+time.Second), true, 1)
	}},
	{"the date moves on after it was passed", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.Add(-hour))
		w.fax(l.Machine, cut.Add(10*hour+time.Second), true, 3)
		w.declare(w.office(cut, 3), "", cutoffColumn, l.Number, date(cut.AddDate(0, 0, 12)))
		w.near(l.Machine, cut.AddDate(0, 0, 12))
		w.fax(l.Machine, cut.AddDate(0, 0, 14).Add(10*hour+time.Second), true, 2)
	}},
	{"the date moves back before faxes that were none", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.AddDate(0, 0, -8))
		w.fax(l.Machine, cut.AddDate(0, 0, -2).Add(10*hour+time.Second), true, 3)
		w.near(l.Machine, cut.AddDate(0, 0, -5))
		w.declare(w.office(cut, 2), "", cutoffColumn, l.Number, date(cut.AddDate(0, 0, -5)))
	}},
	{"kept after all, and then not", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.Add(-hour))
		w.fax(l.Machine, cut.Add(12*hour+time.Second), true, 3)
		w.declare(w.office(cut, 2), "", keptColumns, l.Number, "laboratoire sans MSSanté", date(cut.AddDate(0, 6, 0)))
		w.fax(l.Machine, cut.AddDate(0, 0, 4).Add(12*hour+time.Second), true, 2)
		w.declare(w.office(cut, 6), "", keptColumns, l.Number, "", "")
		w.fax(l.Machine, cut.AddDate(0, 0, 10).Add(12*hour+time.Second), true, 1)
	}},
	{"really cut a week before it was planned", func(w *writer, l *Line, cut time.Time) {
		day := cut.AddDate(0, 0, -7)
		end := day.AddDate(0, 0, 1)
		w.declare(w.office(day, 0), "", cutOnColumn, l.Number, date(day))
		w.stop(l.Machine, day)
		w.near(l.Machine, end)
		w.fax(l.Machine, day.Add(22*hour+time.Second), true, 2) // still its last day
		w.look(l.Machine, day.Add(22*hour+30*time.Minute))
		w.fax(l.Machine, end.Add(10*hour+time.Second), false, 3)
	}},
	{"its counters begin anew after it", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.Add(-hour))
		w.reset(l.Machine, cut.AddDate(0, 0, 2).Add(11*hour), 7)
		w.fax(l.Machine, cut.AddDate(0, 0, 13).Add(11*hour+time.Second), true, 2)
	}},
	{"its counters begin anew from 0", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.Add(-hour))
		w.reset(l.Machine, cut.AddDate(0, 0, 2).Add(11*hour), 0)
		w.fax(l.Machine, cut.AddDate(0, 0, 5).Add(11*hour+time.Second), true, 2)
	}},
	{"says 0 while it boots", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.Add(-hour))
		w.glitch(l.Machine, cut.Add(26*hour+time.Minute))
		w.fax(l.Machine, cut.Add(26*hour+2*time.Minute), true, 2)
	}},
	{"jumps, and a person accepts it", func(w *writer, l *Line, cut time.Time) {
		w.jumps(l, cut, true)
	}},
	{"jumps, and a person rejects it", func(w *writer, l *Line, cut time.Time) {
		w.jumps(l, cut, false)
	}},
	{"tested by a technician who said so", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.Add(-hour))
		from := cut.AddDate(0, 0, 3).Add(9 * hour)
		step := w.at(w.office(cut, 2))
		step.Windows = append(step.Windows, Window{Line: l, From: from, To: from.Add(2 * hour), Reason: "essai de ligne"})
		w.look(l.Machine, from.Add(5*time.Minute))
		w.fax(l.Machine, from.Add(time.Hour+time.Second), true, 1)
		w.look(l.Machine, from.Add(90*time.Minute))
		w.fax(l.Machine, from.AddDate(0, 0, 1), true, 4)
	}},
	{"a person closes it, and it begins again", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.Add(-hour))
		w.fax(l.Machine, cut.Add(10*hour+time.Second), true, 3)
		w.close(l, w.office(cut, 2), "essai du technicien")
		w.fax(l.Machine, cut.AddDate(0, 0, 3).Add(10*hour+time.Second), true, 2)
	}},
	{"another machine takes its place before it", func(w *writer, l *Line, cut time.Time) {
		day := cut.AddDate(0, 0, -6)
		next := w.replace(l.Machine, day.Add(10*hour))
		w.declare(w.office(day, 1), day.Format(time.DateOnly), deviceColumn, l.Number, next.Serial)
		w.near(next, cut)
		w.stop(next, cut.Add(-hour))
		w.fax(next, cut.Add(10*hour+time.Second), true, 3)
	}},
	{"another service gets it", func(w *writer, l *Line, cut time.Time) {
		services := l.Site.Services
		w.declare(w.office(cut, 0), "", serviceColumn, l.Number, services[(len(l.Number)+int(l.Number[9]))%len(services)])
	}},
	{"changes places with another machine", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.Add(-hour))
		if other := w.neighbour(l); other != nil {
			now := w.at(w.office(cut, 3))
			now.acts = append(now.acts, func() {
				l.Machine.Address, other.Machine.Address = other.Machine.Address, l.Machine.Address
			})
		}
		w.fax(l.Machine, cut.AddDate(0, 0, 4).Add(10*hour+time.Second), true, 1)
	}},
	{"moves in with a line that isn't cut", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.AddDate(0, 0, -8))
		if other := w.neighbour(l); other != nil {
			w.declare(w.office(cut, -7), "", deviceColumn, l.Number, other.Machine.ID)
		}
		w.fax(l.Machine, cut.Add(10*hour+time.Second), true, 1) // its own machine is nobody's now
	}},
	{"nobody can look any more", func(w *writer, l *Line, cut time.Time) {
		w.near(l.Machine, cut)
		w.stop(l.Machine, cut.Add(-hour))
		w.off(l.Machine, cut.AddDate(0, 0, 4), cut.AddDate(0, 0, 10))
		w.fax(l.Machine, cut.AddDate(0, 0, 12).Add(10*hour+time.Second), true, 1)
	}},
}

// neighbour is a line of the same agent that has a machine of its own and is never cut.
func (w *writer) neighbour(l *Line) *Line {
	for _, other := range w.Lines {
		if other.Machine != nil && other.Machine.Agent == l.Machine.Agent && notCut[other.story.name] {
			return other
		}
	}
	return nil
}

// jumps lets counters jump after the cut-off; a person decides two days later.
func (w *writer) jumps(l *Line, cut time.Time, accept bool) {
	w.near(l.Machine, cut)
	w.stop(l.Machine, cut.Add(-hour))
	w.jump(l.Machine, cut.AddDate(0, 0, 2).Add(11*hour))
	step := w.at(w.office(cut, 5))
	step.Judged = append(step.Judged, Judgement{Device: l.Machine.ID, Accept: accept})
}

// notCut are the stories in which the line has no cut-off.
var notCut = map[string]bool{"never cut": true, "another service gets it": true}

// tell gives each line one of the stories, and its cut-off.
func (w *writer) tell() {
	for i, l := range w.Lines {
		switch {
		case l.Machine == nil:
			l.story = portStory
		case w.shares(l):
			l.story = sharedStory
		default:
			l.story = stories[i%len(stories)]
		}
	}
	for i, l := range w.Lines {
		cut := w.cutDay(i, l)
		l.Cut = cut
		if !notCut[l.story.name] {
			w.declare(w.day(20, 9, 20), "", cutoffColumn, l.Number, date(cut))
		}
		l.story.tell(w, l, cut)
	}
}

// clockChanges are the days that begin or end with a night in which clocks change.
var clockChanges = map[string][]time.Time{
	"Europe/Paris":     {date2026(3, 29), date2026(3, 30), date2026(10, 25), date2026(10, 26)},
	"America/Miquelon": {date2026(3, 8), date2026(3, 9), date2026(11, 1), date2026(11, 2)},
}

func date2026(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC)
}

// cutDay spreads the cut-offs over the year; some fall on the nights in which clocks change, and
// some into their agent's outages.
func (w *writer) cutDay(i int, l *Line) time.Time {
	n := 60 + (i*53)%(w.Days-120)/7*7 // in waves, as hospitals do it
	day := w.From.AddDate(0, 0, n)
	switch {
	case i%9 == 3:
		nights := clockChanges[l.Site.Zone.String()]
		if len(nights) == 0 {
			nights = clockChanges["Europe/Paris"] // nothing happens there
		}
		day = nights[i/9%len(nights)]
	case i%9 == 0 && l.Machine != nil && len(w.clocks[l.Machine.Agent.ID]) > 0:
		day = w.clocks[l.Machine.Agent.ID][0].from.AddDate(0, 0, 3)
	case i%9 == 6 && l.Machine != nil:
		for _, o := range w.breaks {
			if o.agent == l.Machine.Agent && o.to.Sub(o.from) > 25*hour {
				day = o.from.AddDate(0, 0, 1)
				break
			}
		}
	}
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, l.Site.Zone)
}

// shares tells whether the line's machine has other lines too.
func (w *writer) shares(l *Line) bool {
	n := 0
	for _, other := range w.Lines {
		if other.Machine != nil && other.Machine == l.Machine {
			n++
		}
	}
	return n > 1
}

// portStory is the one of a line that has only a port of a gateway.
var portStory = story{"a gateway's port, down when it is cut, up again by mistake", func(w *writer, l *Line, cut time.Time) {
	w.declare(w.office(cut, 0), "", cutOnColumn, l.Number, date(cut))
	w.port(l, cut.Add(15*hour), wire.LineDown)
	if l.Number[9]%2 == 0 {
		w.port(l, cut.AddDate(0, 0, 9), wire.LineIdle)
		w.port(l, cut.AddDate(0, 0, 11), wire.LineBusy)
		w.port(l, cut.AddDate(0, 0, 12), wire.LineDown)
	}
}}

// sharedStory is the one of a line whose machine has others: all are cut one after the other, and faxes go on.
var sharedStory = story{"shares its machine", func(w *writer, l *Line, cut time.Time) {
	w.near(l.Machine, cut)
	w.fax(l.Machine, cut.Add(3*hour+time.Second), true, 2)
	w.fax(l.Machine, cut.AddDate(0, 0, 3).Add(3*hour+time.Second), false, 1)
	w.stop(l.Machine, cut.Add(-hour))
}}

// office is a moment on a day, counted from a line's local one, when people work.
func (w *writer) office(day time.Time, after int) time.Time {
	d := day.AddDate(0, 0, after)
	return time.Date(d.Year(), d.Month(), d.Day(), 14, 20, 0, 0, time.UTC)
}

// port gives a line's port another status.
func (w *writer) port(l *Line, t time.Time, status wire.LineStatus) {
	now := w.at(t)
	now.acts = append(now.acts, func() {
		for i := range l.Gateway.Ports {
			if p := &l.Gateway.Ports[i]; p.Name == l.GatewayPort {
				p.Status = status
			}
		}
	})
	w.look(l.Gateway, t)
}

// close lets a person close what is open about a line.
func (w *writer) close(l *Line, t time.Time, reason string) {
	step := w.at(t)
	if step.Closed == nil {
		step.Closed = map[string]string{}
	}
	step.Closed[l.Number] = reason
}

// replace puts another machine of the same kind to the same address.
func (w *writer) replace(old *Machine, t time.Time) *Machine {
	next := w.device(old.Kind, old.Agent)
	next.Address, next.Installed, old.Removed = old.Address, t, t
	return next
}

// off switches a machine off for a while: looks at it fail.
func (w *writer) off(m *Machine, from, to time.Time) {
	w.at(from).acts = append(w.at(from).acts, func() { m.off = true })
	w.at(to).acts = append(w.at(to).acts, func() { m.off = false })
}
