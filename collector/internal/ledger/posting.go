package ledger

import (
	"fmt"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Account is where activity counts: a place in the hospital, by ids, a device and, where it can
// be known, a line. Empty places are not assigned.
type Account struct {
	Establishment string `json:"establishment"`
	Site          string `json:"site"`
	Pole          string `json:"pole"`
	Service       string `json:"service"`
	Device        string `json:"device"`
	Line          string `json:"line"`
	Evidence      bool   `json:"evidence,omitempty"` // the same faxes count elsewhere: never to be added to what is sent or received
}

// Posting puts activity into an account. Where activity moves to another account, a posting with a
// negative count takes it out of the old one: the postings of an activity always add up to it, and
// none is ever changed. Of an account, direction and unit no two have the same At.
type Posting struct {
	ID       int64 // rising; what is new comes last
	Account  Account
	Measure  wire.Measure
	Unit     string
	From, To wire.Time // it happened after From and not after To
	At       wire.Time // To, or some ms later where that is taken
	Count    int64
	Value    int64 // of the counter at To; 0 = not kept
	Wide     bool  // the interval is longer than an hour
	Inexact  bool  // To is not exactly known: clocks were wrong
}

// Sum is what a counter brought an account since it is known.
type Sum struct {
	Account
	Measure wire.Measure `json:"measure"`
	Unit    string       `json:"unit"`
	Count   int64        `json:"count"`
}

// MonthSum is what a measure brought an account in a month.
type MonthSum struct {
	Account
	Measure    wire.Measure `json:"measure"`
	Unit       string       `json:"unit"`
	Month      Month        `json:"month"`
	Count      int64        `json:"count"`
	Straddling int64        `json:"straddling,omitempty"` // of Count, how much may belong to the month before
}

// HourSum is what a measure brought an account in an hour.
type HourSum struct {
	Account
	Measure wire.Measure `json:"measure"`
	Unit    string       `json:"unit"`
	Hour    wire.Time    `json:"hour"` // its beginning
	Count   int64        `json:"count"`
}

// Status is a change of what is known of a phone line or of a device.
type Status struct {
	ID     int64
	At     wire.Time
	Device string
	Port   string
	Line   string // that the port was then; empty where it can't be known
	Kind   StatusKind
	Value  string // of a line: idle, busy, down, unknown; of a device: 1 = it answers, 0, or empty: nobody looked from then on
	Agent  string
}

// StatusKind is what a status is about.
type StatusKind string

// The kinds of statuses. A device is up as its last look says; that nobody looked for more than an
// hour is noted when somebody looks again. Until then see Looks.
const (
	LineStatus StatusKind = "line"
	DeviceUp   StatusKind = "up"
)

// DirectionOf is which way the faxes went that a measure counts. What is printed came in.
func DirectionOf(m wire.Measure) Direction {
	switch m {
	case wire.FaxSentPages, wire.FaxSent:
		return Sent
	case wire.FaxReceivedPages, wire.FaxPrintedPages, wire.FaxReceived:
		return Received
	}
	return UnknownDirection
}

// IsPages tells whether a measure counts pages of some kind; else it counts messages.
func IsPages(m wire.Measure) bool { return m != wire.FaxSent && m != wire.FaxReceived }

// Month is a month of the calendar, 202610.
type Month int

// MonthOf is the month in which t lies in a zone.
func MonthOf(t wire.Time, zone *time.Location) Month {
	y, m, _ := t.Std().In(zone).Date()
	return Month(y*100 + int(m))
}

// In is the first instant of the month in a zone.
func (m Month) In(zone *time.Location) wire.Time {
	return wire.TimeOf(time.Date(int(m)/100, time.Month(m%100), 1, 0, 0, 0, 0, zone))
}

// Add is the month n months later, or earlier.
func (m Month) Add(n int) Month {
	months := int(m)/100*12 + int(m)%100 - 1 + n
	return Month(months/12*100 + months%12 + 1)
}

// Since is how many months later it is than another.
func (m Month) Since(other Month) int {
	return (int(m)/100-int(other)/100)*12 + int(m)%100 - int(other)%100
}

// String is the month as 2026-10.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", int(m)/100, int(m)%100) }

// calendar cuts time into the months of a zone. It remembers the month that it was asked for last.
type calendar struct {
	zone       *time.Location
	month      Month
	begin, end wire.Time
}

// monthOf is the month in which t lies, and its first instant.
func (c *calendar) monthOf(t wire.Time) (Month, wire.Time) {
	if t < c.begin || c.end <= t {
		c.month = MonthOf(t, c.zone)
		c.begin, c.end = c.month.In(c.zone), c.month.Add(1).In(c.zone)
	}
	return c.month, c.begin
}
