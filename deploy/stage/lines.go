package stage

import (
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// What becomes of each line. A line without a story is faxed on until the end.

const hour = time.Hour

// cut has the line cut as it was planned, so long ago.
func (h *hospital) cut(l *Line, months, days int) *Line {
	h.due(l, months, days)
	l.CutOn, l.State = l.Cutoff, "cut"
	return l
}

// due has the line's date pass so long ago; people stop the evening before, unless they are told to go on.
func (h *hospital) due(l *Line, months, days int) *Line {
	l.Cutoff = h.ago(l.Service.Zone, months, days)
	l.State = "overdue"
	h.rest(l, l.Cutoff.Add(-5*hour))
	return l
}

// planned has the line's date lie ahead.
func (h *hospital) planned(l *Line, months int) *Line {
	l.Cutoff = h.ago(l.Service.Zone, -months, 0)
	return l
}

// kept makes the line an exception, to be looked at again in so many months.
func (h *hospital) kept(l *Line, reason string, months int) *Line {
	l.KeptReason, l.KeptUntil, l.State = reason, h.ago(l.Service.Zone, -months, 0), "kept"
	return l
}

// quiet ends the line's faxes so many days ago.
func (h *hospital) quiet(l *Line, days int) *Line {
	h.rest(l, h.ago(l.Service.Zone, 0, days))
	l.State = l.Observed
	return l
}

// rest ends the habit of faxing at t.
func (h *hospital) rest(l *Line, t time.Time) {
	if l.Machine != nil {
		l.Machine.stop = t
	}
	switch silence := h.now.Sub(t); {
	case silence >= 91*24*hour:
		l.Observed = "dormant"
	case silence >= 31*24*hour:
		l.Observed = "quiet"
	}
}

// later has pages faxed on the line so long after its cut-off.
func (l *Line) later(after time.Duration, sent bool, pages int64) *Line {
	l.Machine.fax(l.Cutoff.Add(after), sent, pages)
	return l
}

// unseen has nobody look at the line when it ends: whether its last pages came before or after, nobody knows.
func (h *hospital) unseen(l *Line) {
	l.Machine.unseen = []span{{l.Cutoff.Add(-26 * hour), l.Cutoff.Add(30 * hour)}}
	l.later(-20*hour, true, 4)
}

func (m *Machine) fax(at time.Time, sent bool, pages int64) {
	m.faxes = append(m.faxes, fax{at, sent, pages})
}

func (h *hospital) cardiology(s *Service) {
	h.cut(h.own(s, sentReceived, 14), 16, 3)
	h.cut(h.own(s, sentPrinted, 9), 12, 10)
	somebody := h.cut(h.own(s, sentReceived, 8), 9, 5) // does not know that the line is cut
	for day, pages := range []int64{0, 3, 2, 0, 5, 1} {
		if pages > 0 {
			somebody.later(time.Duration(day)*24*hour+10*hour, day%2 == 0, pages)
		}
	}
	h.cut(h.own(s, allThree, 11), 6, 0)
	h.planned(h.own(s, allThree, 12), 3)
	h.own(s, sentPrinted, 6)
	h.quiet(h.own(s, sentReceived, 3), 45)
}

func (h *hospital) emergencies(s *Service) {
	h.own(s, sentReceived, 25)
	h.own(s, undirected, 9)
	h.own(s, messages, 12)
	h.cut(h.own(s, messages, 8), 2, 9).later(33*hour, true, 3)
	h.kept(h.own(s, sentReceived, 15), "secours du SAMU", 5)
	busy := h.due(h.own(s, sentReceived, 7), 0, 20) // and nobody stops
	busy.Machine.stop, busy.Observed = time.Time{}, "active"
	h.planned(h.own(s, sentPrinted, 8), 6)
	both := h.own(s, sentReceived, 18)
	h.line(s, both.Machine)
}

func (h *hospital) oncology(s *Service) {
	h.cut(h.own(s, sentPrinted, 10), 14, 12)
	late := h.cut(h.own(s, sentPrinted, 7), 10, 2) // what came in the evening is printed in the morning
	late.later(9*hour, false, 3)
	h.cut(h.own(s, sentReceived, 9), 4, 8)
	h.quiet(h.own(s, sentReceived, 4), 40)
	h.quiet(h.own(s, allThree, 3), 160)
	h.planned(h.own(s, sentReceived, 8), 2)
	h.unseen(h.due(h.own(s, sentReceived, 6), 0, 3))
}

func (h *hospital) maternity(s *Service) {
	h.unseen(h.cut(h.own(s, sentReceived, 6), 8, 4))
	h.quiet(h.own(s, sentPrinted, 4), 130)
	jumpy := h.own(s, sentReceived, 9)
	jumpy.Machine.jumps = []jump{{h.ago(s.Zone, 7, 3).Add(11 * hour), 90_000}, {h.hoursAgo(30), 60_000}}
	h.rejected = append(h.rejected, jumpy.Machine)
	h.planned(h.own(s, allThree, 7), 9)
	off := h.own(s, sentReceived, 5)
	off.Machine.unseen = []span{{h.ago(s.Zone, 0, 6), h.now.Add(24 * hour)}}
	off.State, off.Observed = "blind", "blind"
}

func (h *hospital) paediatrics(s *Service) {
	fresh := h.cut(h.own(s, sentReceived, 6), 3, 6)
	fresh.Machine.fax(h.hoursAgo(2.5), true, 2)
	fresh.Machine.fax(h.hoursAgo(2.4), false, 1)
	h.due(h.own(s, sentPrinted, 5), 1, 15)
	anew := h.own(s, sentReceived, 8)
	anew.Machine.resets = []time.Time{h.ago(s.Zone, 2, 11).Add(9 * hour)}
	anew.Machine.service = wire.ServiceAttention
	h.quiet(h.own(s, sentReceived, 3), 60)
}

// radiotherapy's agent is dead.
func (h *hospital) radiotherapy(s *Service) {
	for _, rate := range []float64{9, 6} {
		l := h.own(s, sentReceived, rate)
		l.State, l.Observed = "blind", "blind"
		l.Support = "analogique"
	}
	past := h.kept(h.own(s, sentPrinted, 8), "appareil de traitement sans autre liaison", -2)
	past.Observed = "blind"
	h.cut(h.own(s, sentReceived, 7), 5, 9).Observed = "blind"
}

func (h *hospital) medicine(s *Service) {
	h.own(s, sentReceived, 12)
	h.cut(h.own(s, sentReceived, 8), 7, 14).later(50*hour, true, 6)
	h.planned(h.own(s, sentPrinted, 7), 8)
	h.quiet(h.own(s, sentReceived, 4), 120)
}

func (h *hospital) laboratory(s *Service) {
	h.own(s, allThree, 20)
	h.kept(h.own(s, sentReceived, 10), "laboratoires sans MSSanté", 7)
	h.due(h.own(s, sentReceived, 5), 0, 34)
	old := h.own(s, sentReceived, 9)
	old.Machine.to = h.ago(s.Zone, 0, 50).Add(10 * hour)
	h.undeclared = append(h.undeclared, &Line{Number: old.Machine.ID, Service: &Service{}, State: "blind", Observed: "blind"})
	next := h.machine(s.agent, sentReceived, 9)
	next.Address, next.from, next.lines, old.Next = old.Machine.Address, old.Machine.to.Add(4*hour), []*Line{old}, next
}

// gateway has lines that no machine counts for.
func (h *hospital) gateway() {
	m := h.machine(h.agents[0], gateway, 0)
	m.service = ""
	always := func(status wire.LineStatus) []turn { return []turn{{status: status}} }
	h.port(m, "urgences", always(wire.LineIdle))
	h.port(m, "cardiologie", []turn{{status: wire.LineIdle}, {h.hoursAgo(0.4), wire.LineBusy}})
	down := h.port(m, "oncologie", []turn{{status: wire.LineIdle}, {h.ago(h.paris, 0, 120), wire.LineDown}})
	down.State, down.Observed = "dormant", "dormant"
	cut := h.cut(h.port(m, "oncologie", nil), 5, 3)
	m.ports[3].turns = []turn{{status: wire.LineIdle}, {cut.Cutoff.Add(15 * hour), wire.LineDown}}
	back := h.cut(h.port(m, "maternite", nil), 2, 4)
	m.ports[4].turns = []turn{{status: wire.LineIdle}, {back.Cutoff.Add(15 * hour), wire.LineDown}, {h.ago(h.paris, 0, 3), wire.LineIdle}}
	h.planned(h.port(m, "pediatrie", always(wire.LineIdle)), 4)
	m.ports = append(m.ports, port{name: "7", turns: always(wire.LineDown), answer: wire.No})
}

// port adds a gateway's port that is a line of a service.
func (h *hospital) port(m *Machine, service string, turns []turn) *Line {
	i := slices.IndexFunc(h.services, func(s *Service) bool { return s.ID == service })
	l := h.line(h.services[i], nil)
	l.Gateway, l.GatewayPort, l.Support = m, string('1'+rune(len(m.ports))), "sip"
	m.ports = append(m.ports, port{name: l.GatewayPort, turns: turns, answer: wire.Yes})
	return l
}

// shift lets somebody fax on every active line in the last hours, so that the present month, even on
// its first day, is never empty.
func (h *hospital) shift() {
	for _, m := range h.machines {
		active := slices.ContainsFunc(m.lines, func(l *Line) bool { return l.Observed == "active" })
		if active && m.to.IsZero() && m.stop.IsZero() {
			m.fax(h.now.Add(-m.agent.lag-10*time.Minute), true, 2)
			m.fax(h.now.Add(-m.agent.lag-9*time.Minute), false, 1)
		}
		slices.SortFunc(m.faxes, func(a, b fax) int { return a.at.Compare(b.at) })
	}
}
