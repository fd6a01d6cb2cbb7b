package stage

import (
	"math/rand/v2"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// life moves machines through time, and notes what the books must hold.
type life struct {
	*hospital
	rngs  map[*Machine]*rand.Rand
	moved map[*Machine]time.Time // up to when its faxes are on its counters
	truth *Truth
}

func newLife(h *hospital, seed uint64) *life {
	l := &life{hospital: h, rngs: map[*Machine]*rand.Rand{}, moved: map[*Machine]time.Time{}, truth: newTruth(h)}
	for i, m := range h.machines {
		l.rngs[m] = rand.New(rand.NewPCG(seed, uint64(i)))
	}
	return l
}

// ofHour is which part of a working day's faxes comes in an hour of it.
var ofHour = [24]float64{
	0: .002, 1: .002, 2: .002, 3: .002, 4: .002, 5: .005, 6: .01, 7: .03, 8: .09, 9: .13, 10: .13, 11: .11,
	12: .05, 13: .07, 14: .11, 15: .1, 16: .07, 17: .04, 18: .015, 19: .01, 20: .007, 21: .003, 22: .003, 23: .002,
}

// habit is how much is to be expected on a machine between two looks.
func (l *life) habit(m *Machine, from, to time.Time) (pages float64) {
	left, turn, zone := .5, 6.0, l.paris
	if len(m.lines) > 0 {
		s := m.lines[0].Service
		left, turn, zone = s.left, s.turn, s.Zone
	}
	if m.guest != nil && to.After(m.since) {
		at := *m.guest
		at.stop, at.guest = time.Time{}, nil
		pages += l.habit(&at, later(from, m.since), to)
	}
	if !m.stop.IsZero() && m.stop.Before(to) {
		to = m.stop
	}
	months := l.now.Sub(from).Hours() / 24 / 30.4
	gone := min(1, max(0, (turn+5-months)/10)) // half of it at the turn, all five months later
	local := from.In(zone)
	for t := from; t.Before(to); t, local = t.Add(hour), local.Add(hour) {
		part := min(1, to.Sub(t).Hours())
		if day := local.Weekday(); day == time.Saturday || day == time.Sunday {
			part *= .12
		}
		pages += m.rate * part * ofHour[local.Hour()] * (1 - (1-left)*gone)
	}
	return pages
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// move brings a machine's counters to an instant.
func (l *life) move(m *Machine, to time.Time) {
	from, moved := l.moved[m]
	if !moved {
		from = to
	}
	l.moved[m] = to
	rng := l.rngs[m]
	expected := l.habit(m, from, to)
	for _, sent := range []bool{true, false} {
		if n := int64(expected/2*(.3+1.4*rng.Float64()) + rng.Float64()); n > 0 && expected > .01 {
			m.add(fax{sent: sent, pages: n})
		}
	}
	for len(m.faxes) > 0 && !m.faxes[0].at.After(to) {
		if moved {
			m.add(m.faxes[0])
		}
		m.faxes = m.faxes[1:]
	}
	for _, j := range m.jumps {
		if from.Before(j.at) && !j.at.After(to) {
			m.counts[wire.FaxSentPages] += j.amount
			m.shown[wire.FaxSentPages] = m.counts[wire.FaxSentPages] // never booked: it waits for a person, or was rejected
		}
	}
	for _, at := range m.resets {
		if from.Before(at) && !at.After(to) {
			clear(m.counts)
			clear(m.shown)
		}
	}
}

func (m *Machine) add(f fax) {
	for _, x := range meters[m.kind] {
		m.counts[x.measure] += f.of(x.measure)
	}
}

// look is what an agent reads of a machine at an instant, of which the collector hears at another; a zero one is never.
func (l *life) look(m *Machine, at, heard time.Time) wire.Reading {
	l.move(m, at)
	r := l.shows(m, at)
	switch {
	case heard.IsZero():
		l.truth.Dropped++
	case r.OK:
		l.truth.look(m, at, heard)
	}
	return r
}

// shows is what a machine answers at an instant, by its counters as they stand.
func (l *life) shows(m *Machine, at time.Time) wire.Reading {
	r := wire.Reading{Device: m.ID, At: wire.TimeOf(at), OK: true, Profile: m.Vendor, UptimeMS: at.Sub(l.now.AddDate(-3, 0, 0)).Milliseconds()}
	for _, gap := range m.unseen {
		if gap.holds(at) {
			r.OK, r.Error, r.UptimeMS = false, "no answer within 2 s", 0
			return r
		}
	}
	if h := at.In(m.agent.zone).Hour(); m.seen.IsZero() || h == 8 {
		r.Identity = &wire.Identity{Vendor: m.Vendor, Serial: m.Serial, Model: m.Model, Address: m.Address}
	}
	for _, x := range meters[m.kind] {
		r.Fax, r.FaxService = wire.Yes, m.service
		r.Counters = append(r.Counters, wire.Counter{Measure: x.measure, Unit: x.unit, Rule: string(x.measure), Value: m.counts[x.measure]})
	}
	for _, p := range m.ports {
		r.Lines = append(r.Lines, wire.Line{Port: p.name, Status: p.at(at), Evidence: "hook state", Fax: p.answer})
	}
	return r
}

func (p *port) at(t time.Time) (status wire.LineStatus) {
	for _, turn := range p.turns {
		if !turn.at.After(t) {
			status = turn.status
		}
	}
	return status
}

const (
	historyMonths = 24             // unless asked for otherwise
	oftenFor      = 10 * 24 * hour // before the end, in which agents look each hour
)

// begins is when the first agent looks for the first time.
func (h *hospital) begins() time.Time { return h.ago(h.paris, h.months, 0).Add(2 * hour) }

// instants are when an agent looks, after from and not after to.
func (h *hospital) instants(a *agentPlan, from, to time.Time) (all []time.Time) {
	for t := from.Truncate(hour).Add(hour); !t.After(to); t = t.Add(hour) {
		switch local := t.In(a.zone).Hour(); {
		case local == 2, local == 8, local == 13, local == 19, h.now.Sub(t) < oftenFor:
			all = append(all, t)
		}
	}
	if last := h.now.Add(-time.Minute); last.After(from) && !last.After(to) {
		all = append(all, last)
	}
	return all
}

// steps are when agents have a link and say what they hold: as agents that come and go do it, for a
// long time once a week, in the end each day and each hour.
func (h *hospital) steps() (all []time.Time) {
	for t := h.begins().Add(18 * hour); t.Before(h.now); {
		all = append(all, t)
		switch left := h.now.Sub(t); {
		case left > 30*24*hour:
			t = t.Add(7 * 24 * hour)
		case left > 30*hour:
			t = t.Add(24 * hour)
		default:
			t = t.Add(2 * hour)
		}
	}
	return append(all, h.now)
}

// stands are the machines that an agent reads at an instant.
func (h *hospital) stands(a *agentPlan, at time.Time) (machines []*Machine) {
	for _, m := range h.machines {
		if m.agent == a && !at.Before(m.from) && (m.to.IsZero() || at.Before(m.to)) {
			machines = append(machines, m)
		}
	}
	return machines
}

// days are the readings of an agent between two instants, a batch each day.
func (l *life) days(a *agentPlan, from, to time.Time) (batches []batch) {
	until := to.Add(-a.lag)
	if !a.dies.IsZero() && a.dies.Before(until) {
		until = a.dies
	}
	for _, at := range l.instants(a, from.Add(-a.lag), until) {
		day := at.In(a.zone).Format(time.DateOnly)
		lost := a.givesUp.holds(at)
		if n := len(batches); n == 0 || batches[n-1].day != day || batches[n-1].lost != lost || len(batches[n-1].readings) > 400 {
			batches = append(batches, batch{day: day, lost: lost})
		}
		b, heard := &batches[len(batches)-1], to
		if b.lost {
			heard = time.Time{}
		}
		for _, m := range l.stands(a, at) {
			b.readings = append(b.readings, l.look(m, at, heard))
		}
	}
	return batches
}

// batch is what an agent puts into its spool at once.
type batch struct {
	day      string
	readings []wire.Reading
	lost     bool // it will be given up, and nobody hears of it
}
