package stage

import (
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Truth is what the books, and all that is drawn from them, must say in the end. It follows from the
// script by the rules of counting, and from nobody's code.
type Truth struct {
	Now      time.Time // when the history ends
	Begins   time.Time
	Services []*Service
	Lines    []*Line

	Pages  map[Flow]int64
	Faxes  map[Flow]int64 // messages
	Months map[Monthly]int64
	After  map[string]int64 // line → pages certainly or probably faxed after its cut-off
	Unsure map[string]int64 // line → pages that may have been
}

// Flow is what went one way in a service. What nobody assigned has empty places.
type Flow struct{ Establishment, Pole, Service, Direction string }

// Monthly are the pages of a flow in a local month.
type Monthly struct {
	Flow
	Month string // 2026-10
}

func newTruth(h *hospital) *Truth {
	return &Truth{
		Now: h.now, Begins: h.begins(), Services: h.services, Lines: h.lines,
		Pages: map[Flow]int64{}, Faxes: map[Flow]int64{}, Months: map[Monthly]int64{}, After: map[string]int64{}, Unsure: map[string]int64{},
	}
}

// look books what a look shows that arrived: what the counters grew by since the one before it.
func (t *Truth) look(m *Machine, at time.Time) {
	for _, x := range meters[m.kind] {
		growth := m.counts[x.measure] - m.shown[x.measure]
		m.shown[x.measure] = m.counts[x.measure]
		if !m.seen.IsZero() && growth > 0 && (m.kind != allThree || x.measure != wire.FaxPrintedPages) {
			t.book(m, x.measure, at, growth)
		}
	}
	m.seen = at
}

func (t *Truth) book(m *Machine, measure wire.Measure, at time.Time, growth int64) {
	f := Flow{Direction: direction(measure)}
	if len(m.lines) > 0 {
		s := m.lines[0].Service
		f.Establishment, f.Pole, f.Service = s.Establishment, s.Pole, s.ID
	}
	if m.kind == messages {
		t.Faxes[f] += growth
		return
	}
	t.Pages[f] += growth
	if len(m.lines) == 0 {
		return
	}
	t.Months[Monthly{f, at.In(m.lines[0].Service.Zone).Format("2006-01")}] += growth
	switch l := m.lines[0]; {
	case len(m.lines) > 1 || l.Cutoff.IsZero() || l.KeptReason != "" || !at.After(l.Cutoff):
	case m.seen.Before(l.Cutoff):
		t.Unsure[l.Number] += growth
	default:
		t.After[l.Number] += growth
	}
}

func direction(m wire.Measure) string {
	switch m {
	case wire.FaxSent, wire.FaxSentPages:
		return "sent"
	case wire.FaxReceived, wire.FaxReceivedPages, wire.FaxPrintedPages:
		return "received"
	}
	return "unknown"
}

// States are how many lines of a service are in each state; "" counts all services.
func (t *Truth) States(service string) map[string]int {
	states := map[string]int{}
	for _, l := range t.Lines {
		if service == "" || l.Service.ID == service {
			states[l.State]++
		}
	}
	return states
}

// Active is how many lines of a service live, whatever was planned or allowed; "" counts all services.
func (t *Truth) Active(service string) (n int) {
	for _, l := range t.Lines {
		if l.active() && (service == "" || l.Service.ID == service) {
			n++
		}
	}
	return n
}
