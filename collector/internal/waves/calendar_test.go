package waves_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-ical"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/waves"
)

var changed = wire.TimeOf(time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC))

func calendar(t *testing.T, events ...waves.Event) string {
	t.Helper()
	var file bytes.Buffer
	if err := waves.WriteCalendar(&file, "Zéro fax", events); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

func TestACalendarIsAsRFC5545WantsIt(t *testing.T) {
	long := strings.Repeat("Cardiologie – hémodynamique ; soins, suite \\ ", 9) + "fin"
	file := calendar(t,
		waves.Event{Appointment: ledger.Appointment{UID: "abc", Revision: 2, ChangedAt: changed}, Day: "2027-01-11", Title: long, Note: "Ligne 1\nLigne 2\r\x00"},
		waves.Event{Appointment: ledger.Appointment{UID: "def", ChangedAt: changed}, Day: "2026-12-31", Title: "BEGIN:VEVENT"},
	)
	if !strings.HasSuffix(file, "\r\n") || strings.Count(file, "\n") != strings.Count(file, "\r\n") || strings.Count(file, "\r") != strings.Count(file, "\r\n") {
		t.Errorf("got line ends other than CRLF in %q", file)
	}
	name := regexp.MustCompile(`^[A-Z-]+(;[A-Z-]+=[A-Z-]+)*:`)
	for line := range strings.SplitSeq(strings.TrimSuffix(file, "\r\n"), "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) || !name.MatchString(line) && !strings.HasPrefix(line, " ") {
			t.Errorf("got %q of %d octets, want at most 75, whole letters, and a name or a fold", line, len(line))
		}
	}
	c, err := ical.NewDecoder(strings.NewReader(file)).Decode()
	if err != nil {
		t.Fatalf("a reader of calendars doesn't take it: %v\n%s", err, file)
	}
	if err := ical.NewEncoder(new(bytes.Buffer)).Encode(c); err != nil { // which checks that what is wanted stands there, once
		t.Errorf("what was read isn't a whole calendar: %v", err)
	}
	events := c.Events()
	if len(events) != 2 {
		t.Fatalf("got %d events, want 2", len(events))
	}
	for name, want := range map[string]string{"UID": "abc@zerofax", "SEQUENCE": "2", "DTSTAMP": "20261123T150405Z", "DTSTART": "20270111", "DTEND": "20270112"} {
		if got := events[0].Props.Get(name).Value; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"SUMMARY": long, "DESCRIPTION": "Ligne 1\nLigne 2"} {
		if got, err := events[0].Props.Text(name); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	if got := events[1].Props.Get("DTEND").Value; got != "20270101" {
		t.Errorf("got %s, want the day after the last of the year", got)
	}
}

func TestTheSameCalendarIsTheSameFile(t *testing.T) {
	e := waves.Event{Appointment: ledger.Appointment{UID: "abc", ChangedAt: changed}, Day: "2027-01-11", Title: "Coupure"}
	if a, b := calendar(t, e), calendar(t, e); a != b {
		t.Errorf("got %q and then %q", a, b)
	}
	if err := waves.WriteCalendar(new(bytes.Buffer), "", []waves.Event{{Title: "x", Day: "soon"}}); err == nil || !strings.Contains(err.Error(), "x") {
		t.Errorf("got %v, want the event without a day to be named", err)
	}
}
