// Package journal reads fax journals and telephone call records: rows in, events out. It knows
// the formats of HylaFAX, Asterisk, Cisco CUCM and Alcatel-Lucent OXE, and any table that a
// profile describes. The same code reads whole files and files that grow. It opens nothing,
// remembers little, and lets no call out that isn't a fax line's.
package journal

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zerofax/zerofax/agent/wire"
)

// Place is where a journal comes from: what its rows don't say themselves.
type Place struct {
	Journal string            // name of the journal: [a-z0-9-]{1,63}
	Site    string            // id of the site whose extensions are meant; may be empty
	Zone    *time.Location    // of its local times, unless the profile names one; nil: this machine's
	Numbers Numbers           // what a fax line is; call records can't be read without
	Line    string            // the journal's own number where neither its rows nor Lines tell it
	Lines   map[string]string // own number by modem, mailbox or whatever the rows name instead
}

// Verdict is what became of a row.
type Verdict int8

// The verdicts.
const (
	Nothing  Verdict = iota // a header, a comment or a blank line
	Taken                   // it is an event
	Skipped                 // it can be read, but tells no fax of ours
	Rejected                // it can't be read
	Refused                 // this isn't a file of the profile: neither this row nor those behind it can be read
)

// Why is why a row is no event, in words of this list only: pages translate them.
type Why string

// Why rows are skipped, rejected or refused.
const (
	OtherType  Why = "no fax sent or received"            // a page, a poll, a voice call
	OtherCall  Why = "no call of a fax line"              //
	SameCall   Why = "another row of a call told already" //
	SameID     Why = "another row of the same id"         //
	FewColumns Why = "number of columns doesn't fit the format"
	BadDate    Why = "date can't be read"
	BadCount   Why = "pages or duration can't be read"
	BadValue   Why = "value isn't known to the profile"
	BadNumber  Why = "number can't be read; a spreadsheet may have spoiled it"
	NoNumber   Why = "names no number, and the line isn't told"
	TooLong    Why = "row is too long"
	OpenQuote  Why = "quote isn't closed"
	NoColumn   Why = "column is missing"
	OtherFile  Why = "file is of another format"
	Quality    Why = "file holds quality records (cmr_…); call records are in the files cdr_…"
	Wide       Why = "file is UTF-16; save it as UTF-8"
	Unkept     Why = "event can't be kept"
)

// Row is what became of one row.
type Row struct {
	Line    int64 // where it begins in its file, from 1
	Verdict Verdict
	Event   wire.Event // if taken
	Why     Why        // if not
	Value   string     // what couldn't be read; never a phone number
}

// Reason says why a row is no event, with the value that was the reason if there is one.
func (r Row) Reason() string {
	if r.Value == "" {
		return string(r.Why)
	}
	return fmt.Sprintf("%s: %q", r.Why, r.Value)
}

// not is why a row gives no event.
type not struct {
	verdict Verdict
	why     Why
	value   string
}

func (n *not) Error() string { return string(n.why) }

func skip(why Why) error                 { return &not{Skipped, why, ""} }
func reject(why Why, value string) error { return &not{Rejected, why, clip(value)} }
func refuse(why Why, value string) error { return &not{Refused, why, clip(value)} }

var errNothing error = &not{verdict: Nothing}

// clip cuts what is shown of a strange file to what is worth reading.
func clip(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// Reader makes events of rows. It is for one goroutine.
type Reader struct {
	profile *Profile
	place   Place
	clock   clock
	seen    memory

	line    int64    // lines read of this file
	header  []string // of this file, or of the one before while this one has shown none
	columns columns  // where the header has them
	begun   bool     // past the header
	refused *not
	fields  []string // of the row being read; reused
	buffer  []byte
}

// Reader reads journals of this profile that come from one place.
func (p *Profile) Reader(place Place) (*Reader, error) {
	if !wire.ValidAgent(place.Journal) {
		return nil, fmt.Errorf("journal %q: want [a-z0-9-]{1,63}", place.Journal)
	}
	if p.Calls() && place.Numbers.Empty() {
		return nil, errors.New(`numbers: missing; call records tell everybody's calls, so name the fax lines among them`)
	}
	r := &Reader{profile: p, place: place, seen: newMemory()}
	r.clock = clock{layouts: p.layouts(), zone: cmpZone(p.zone, place.Zone)}
	return r, nil
}

func cmpZone(zones ...*time.Location) *time.Location {
	for _, zone := range zones {
		if zone != nil {
			return zone
		}
	}
	return time.Local
}

// NewFile begins another file, or the same one anew after it was emptied. What was seen stays
// known, so that rows which moved with a rotation aren't taken for further faxes.
func (r *Reader) NewFile() { r.line, r.begun, r.refused = 0, false, nil }

// Row says what became of a record, as Next cuts it.
func (r *Reader) Row(record []byte) Row {
	line := r.line + 1
	r.line += 1 + int64(strings.Count(strings.TrimRight(string(record), "\r\n"), "\n"))
	fields, err := r.split(record, line == 1)
	if err != nil {
		return r.verdict(line, wire.Event{}, err)
	}
	return r.row(line, fields)
}

// Cells says what became of a row of a spreadsheet.
func (r *Reader) Cells(cells []string) Row {
	r.line++
	r.fields = append(r.fields[:0], cells...)
	for i, cell := range r.fields {
		r.fields[i] = strings.TrimSpace(cell)
	}
	return r.row(r.line, r.fields)
}

func (r *Reader) row(line int64, fields []string) Row {
	if r.refused != nil {
		return r.verdict(line, wire.Event{}, r.refused)
	}
	if empty(fields) || line <= int64(r.profile.Skip) {
		return Row{Line: line}
	}
	event, id, err := r.profile.kind.read(r, fields)
	if err == nil {
		event.Journal, event.Site = r.place.Journal, r.place.Site
		err = r.finish(&event, id, fields)
	}
	return r.verdict(line, event, err)
}

func (r *Reader) verdict(line int64, event wire.Event, err error) Row {
	var n *not
	switch {
	case err == nil:
		return Row{Line: line, Verdict: Taken, Event: event}
	case !errors.As(err, &n):
		n = &not{Rejected, Unkept, err.Error()}
	case n.verdict == Refused:
		r.refused = n
	}
	return Row{Line: line, Verdict: n.verdict, Why: n.why, Value: n.value}
}

// finish gives the event its key. id is what the format itself tells rows apart by; without one
// it is the row as a whole, and which of its equals it is.
func (r *Reader) finish(event *wire.Event, id string, fields []string) error {
	if event.From == "" && event.To == "" {
		return reject(NoNumber, "")
	}
	b := append(r.buffer[:0], r.profile.Format...)
	if id != "" {
		b = append(append(b, 0x1e), id...)
	} else {
		for len(fields) > 0 && fields[len(fields)-1] == "" {
			fields = fields[:len(fields)-1]
		}
		for _, field := range append(fields, event.From, event.To) {
			b = append(append(b, 0x1f), field...)
		}
	}
	sum := sha256.Sum256(b)
	before := r.seen.add(binary.LittleEndian.Uint64(sum[:]), event.At)
	if before > 0 && id != "" {
		if r.profile.Calls() {
			return skip(SameCall)
		}
		return skip(SameID)
	}
	if before > 0 {
		b = strconv.AppendInt(append(b, 0x1e), int64(before), 10)
		sum = sha256.Sum256(b)
	}
	r.buffer = b
	event.Key = base64.RawURLEncoding.EncodeToString(sum[:15])
	return event.Check()
}

func empty(fields []string) bool {
	for _, field := range fields {
		if field != "" {
			return false
		}
	}
	return true
}

// number is a phone number as it may stand in an event; what has no digit is a name or "anonymous".
func number(text string) (string, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "sip:")
	text, _, _ = strings.Cut(text, "@")
	switch {
	case !strings.ContainsAny(text, "0123456789"):
		return "", nil
	case len(text) > wire.MaxNumber, strings.Contains(text, "E+"), !utf8.ValidString(text):
		return "", reject(BadNumber, "")
	}
	return text, nil
}

// count reads pages or a duration: 90, 1:30 or 0:01:30. Nothing is none told.
func count(text string) (int64, error) {
	var sum int64
	for part := range strings.SplitSeq(text, ":") {
		n, err := strconv.ParseUint(strings.TrimSpace(part), 10, 32)
		if err != nil && text != "" {
			return 0, reject(BadCount, text)
		}
		sum = sum*60 + int64(n)
	}
	return sum, nil
}
