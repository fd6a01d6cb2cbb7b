package waves

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Event is a day in people's calendars.
type Event struct {
	ledger.Appointment
	Day   ledger.Day
	Title string
	Note  string
}

// WriteCalendar writes events as an iCalendar file (RFC 5545), each for a whole day, which doesn't make anybody busy.
// A calendar that took an earlier version in takes what changed since, by UID and SEQUENCE; of what was removed since
// it learns nothing.
func WriteCalendar(w io.Writer, name string, events []Event) error {
	c := contentLines{to: w}
	c.write("BEGIN", "VCALENDAR")
	c.write("VERSION", "2.0")
	c.write("PRODID", "-//zerofax//zerofax//FR")
	c.write("METHOD", "PUBLISH")
	c.write("X-WR-CALNAME", escaped(name))
	for _, x := range events {
		day, err := time.Parse(time.DateOnly, string(x.Day))
		if err != nil {
			return fmt.Errorf("calendar: %s: %w", x.Title, err)
		}
		stamp := x.ChangedAt.Std().UTC().Format("20060102T150405Z")
		c.write("BEGIN", "VEVENT")
		c.write("UID", x.UID+"@zerofax")
		c.write("DTSTAMP", stamp)
		c.write("LAST-MODIFIED", stamp)
		c.write("SEQUENCE", fmt.Sprint(x.Revision))
		c.write("DTSTART;VALUE=DATE", day.Format("20060102"))
		c.write("DTEND;VALUE=DATE", day.AddDate(0, 0, 1).Format("20060102"))
		c.write("SUMMARY", escaped(x.Title))
		if x.Note != "" {
			c.write("DESCRIPTION", escaped(x.Note))
		}
		c.write("TRANSP", "TRANSPARENT")
		c.write("END", "VEVENT")
	}
	c.write("END", "VCALENDAR")
	if c.err != nil {
		return fmt.Errorf("calendar: %w", c.err)
	}
	return nil
}

// contentLines are lines of at most 75 octets, of which longer ones are folded (RFC 5545, 3.1).
type contentLines struct {
	to  io.Writer
	err error // the first
}

func (c *contentLines) write(name, value string) {
	const most = 75
	line, room := name+":"+value, most
	var folded strings.Builder
	for len(line) > room {
		end := room
		for !utf8.RuneStart(line[end]) { // a letter isn't torn
			end--
		}
		folded.WriteString(line[:end] + "\r\n ")
		line, room = line[end:], most-1
	}
	folded.WriteString(line + "\r\n")
	if c.err == nil {
		_, c.err = io.WriteString(c.to, folded.String())
	}
}

// escaped is a text as values have it (RFC 5545, 3.3.11). Control characters but the line's end are left out.
func escaped(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(text)
}
