package stage

import (
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Truth is what the books, and all that is drawn from them, must say in the end. It follows from the
// script by the rules of counting, and from nobody's code.
type Truth struct {
	Now      time.Time // when the history ends
	Begins   time.Time
	Services []*Service
	Lines    []*Line // those that nobody declared, too, which have an empty Service
	Machines []*Machine

	Bookings []Booking            // in no order
	After    map[string]int64     // line → pages certainly or probably faxed after its cut-off
	Messages map[string]int64     // the same of messages
	Noticed  map[string]time.Time // line → when the collector heard of the last of either
	Unsure   map[string]int64     // line → pages that may have been
	Volumes  []Volume
	Boxes    map[string]map[string]int64 // service → state → how many addresses are in it
	Dropped  int64                       // readings that an agent gave up

	Exchanged, Called map[Flowing]int64 // by journals: messages and calls, each once
	Borrowed          *Line             // that was cut, and whose people went next door; nil: none
	Borrowing         *Machine          // where they went

	zone *time.Location // the collector's
}

// Booking is what a look showed to have been faxed since the one before it.
type Booking struct {
	Flow
	At    time.Time // when the machine was looked at
	Known time.Time // when the collector heard of it
	Count int64
	Pages bool           // else messages
	Zone  *time.Location // of its site, else the collector's
}

// Flow is what went one way in a service. What nobody assigned has empty places.
type Flow struct{ Establishment, Pole, Service, Direction string }

// Month is the local one in which a booking counts, as 2026-10.
func (b *Booking) Month() string { return b.At.In(b.Zone).Format("2006-01") }

func newTruth(h *hospital) *Truth {
	last := map[string]Mailbox{}
	for _, m := range h.mailboxes() {
		last[m.Address] = m
	}
	boxes := map[string]map[string]int64{}
	for _, m := range last {
		if boxes[m.Service.ID] == nil {
			boxes[m.Service.ID] = map[string]int64{}
		}
		boxes[m.Service.ID][m.State]++
	}
	return &Truth{
		Volumes: h.volumes(), Boxes: boxes,
		Now: h.now, Begins: h.begins(), Services: h.services, Lines: slices.Concat(h.lines, h.undeclared), Machines: h.machines,
		After: map[string]int64{}, Messages: map[string]int64{}, Noticed: map[string]time.Time{}, zone: h.paris, Unsure: map[string]int64{},
	}
}

// look books what a look shows that arrived: what the counters grew by since the one before it.
func (t *Truth) look(m *Machine, at, known time.Time) {
	for _, x := range meters[m.kind] {
		growth := m.counts[x.measure] - m.shown[x.measure]
		m.shown[x.measure] = m.counts[x.measure]
		if !m.seen.IsZero() && growth > 0 && (m.kind != allThree || x.measure != wire.FaxPrintedPages) {
			t.book(m, x.measure, at, known, growth)
		}
	}
	m.seen = at
}

func (t *Truth) book(m *Machine, measure wire.Measure, at, known time.Time, growth int64) {
	b := Booking{Flow: Flow{Direction: direction(measure)}, At: at, Known: known, Count: growth, Pages: m.kind != messages, Zone: t.zone}
	if len(m.lines) > 0 {
		s := m.lines[0].Service
		b.Establishment, b.Pole, b.Service, b.Zone = s.Establishment, s.Pole, s.ID, s.Zone
	}
	t.Bookings = append(t.Bookings, b)
	if len(m.lines) != 1 {
		return
	}
	after := t.After
	if !b.Pages {
		after = t.Messages
	}
	switch l := m.lines[0]; {
	case l.Cutoff.IsZero() || l.KeptReason != "" || !at.After(l.Cutoff):
	case m.seen.Before(l.Cutoff):
		t.Unsure[l.Number] += growth
	default:
		after[l.Number] += growth
		t.Noticed[l.Number] = known
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

// Sum adds up the pages, or the messages, of the bookings that a condition holds for.
func (t *Truth) Sum(pages bool, which func(*Booking) bool) (sum int64) {
	for i := range t.Bookings {
		if b := &t.Bookings[i]; b.Pages == pages && which(b) {
			sum += b.Count
		}
	}
	return sum
}

// Count is how many lines a condition holds for.
func (t *Truth) Count(which func(*Line) bool) (n int) {
	for _, l := range t.Lines {
		if which(l) {
			n++
		}
	}
	return n
}
