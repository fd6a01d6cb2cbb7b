package journal

import (
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// clock reads local times. Rows follow one another, newest last or newest first, and but for a long
// fax that is written down behind a short one in that order: that tells apart the two instants that
// one local time means when summer time ends. Where no row came before it is the first.
type clock struct {
	layouts []string
	zone    *time.Location
	last    int64 // Unix seconds of the row before; 0: none
	falling bool  // rows go back in time
}

// untidy is how far rows stand from the order of their times, in seconds.
const untidy = 20 * 60

// epoch is where a layout counts seconds or milliseconds instead of naming a day.
const (
	epoch       = "unix"
	epochMillis = "unixms"
)

// read is the instant that a date means; ok is false if it is none.
func (c *clock) read(text string) (at wire.Time, ok bool) {
	for _, layout := range c.layouts {
		if layout == epoch || layout == epochMillis {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n <= 0 || n >= 1<<42 {
				continue
			}
			if layout == epoch {
				n *= 1000
			}
			return wire.Time(n), wire.Time(n) >= wire.OldestFax
		}
		wall, err := time.Parse(layout, text)
		if err != nil || wall.Year() < wire.OldestFax.Std().Year() || wall.Year() > 2200 {
			continue
		}
		at := wall
		if !strings.HasSuffix(layout, "Z07:00") {
			at = c.local(wall)
		}
		now := at.Unix()
		if step := now - c.last; step < -untidy || step > untidy {
			c.falling = step < 0
		}
		c.last = now
		return wire.TimeOf(at), true
	}
	return 0, false
}

// local is the instant at which clocks of the zone show wall.
func (c *clock) local(wall time.Time) time.Time {
	at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), c.zone)
	_, offset := at.Zone()
	for _, shift := range [...]time.Duration{-time.Hour, time.Hour} {
		other := at.Add(shift)
		if _, o := other.Zone(); shift+time.Duration(o-offset)*time.Second != 0 {
			continue // it shows another time
		}
		first, second := at, other
		if shift < 0 {
			first, second = other, at
		}
		switch {
		case c.last == 0,
			c.falling && second.Unix() > c.last+untidy,
			!c.falling && first.Unix() >= c.last-untidy:
			return first
		}
		return second
	}
	return at
}

// dateParts are the letters of date formats, French and English, with what Go calls them; the longer ones first.
var dateParts = [...][2]string{
	{"YYYY", "2006"},
	{"AAAA", "2006"},
	{"YY", "06"},
	{"AA", "06"},
	{"MMM", "Jan"},
	{"MM", "1"},
	{"DD", "2"},
	{"JJ", "2"},
	{"HH", "15"},
	{"hh", "3"},
	{"mm", "4"},
	{"SS", "5"},
	{"ss", "5"},
	{"PM", "PM"},
	{"Z", "Z07:00"},
	{"M", "1"},
	{"D", "2"},
	{"J", "2"},
	{"H", "15"},
	{"h", "3"},
}

// layout is Go's layout of a date format such as JJ/MM/AAAA HH:MM, in which MM behind hours are minutes; empty if it is none.
func layout(format string) string {
	if format == epoch || format == epochMillis {
		return format
	}
	var b strings.Builder
	hours := false
next:
	for rest := format; rest != ""; {
		for _, part := range dateParts {
			behind, ok := strings.CutPrefix(rest, part[0])
			if !ok {
				continue
			}
			name := part[1]
			if hours && part[0] == "h" { // 14h05
				break
			}
			if hours && name == "1" {
				name = "4"
			}
			hours = name == "15" || name == "3" || hours && name != "4"
			b.WriteString(name)
			rest = behind
			continue next
		}
		if c := rest[0]; c >= 'A' && c <= 'Z' && c != 'T' || c >= '0' && c <= '9' {
			return ""
		}
		b.WriteByte(rest[0])
		rest = rest[1:]
	}
	return b.String()
}
