// Package journal reads fax journals and telephone call records: rows in, events out. It knows
// the formats of HylaFAX, Asterisk, Cisco CUCM and Alcatel-Lucent OXE, and any table that a
// profile describes. The same code reads whole files and files that grow. It opens nothing,
// remembers little, and lets no call out that isn't a fax line's.
package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

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
	OtherType  Why = "no fax sent or received" // a page, a poll, a voice call
	OtherCall  Why = "no call of a fax line"
	SameID     Why = "another row of what was told already"
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
	NoText     Why = "file is no text: a PDF, a spreadsheet or the like; save it as CSV"
	Unkept     Why = "event can't be kept"
	Ahead      Why = "date lies in the future; the clock was wrong" // which no Reader says: it knows no clock
)

// Row is what became of one row.
type Row struct {
	Line    int64 // where it begins in its file, from 1; of a stream the how many-th ticket it is
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

// veil hides the digits of what may be a phone number: who takes one column for another must not find those of
// correspondents among the rejects. Times are shown, and the form of all else is: 02•••••••••.
func veil(text string) string {
	digits, last := 0, rune(0)
	for i, c := range text {
		if c >= '0' && c <= '9' {
			if digits++; last == ':' && i > 1 && text[i-2] >= '0' && text[i-2] <= '9' {
				return text
			}
		}
		last = c
	}
	if digits < 9 {
		return text
	}
	seen := 0
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			if seen++; seen > 2 {
				return '•'
			}
		}
		return c
	}, text)
}

// clip cuts what is shown of a strange file to what is worth reading.
func clip(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// Reader makes events of the rows of one file. It is for one goroutine.
type Reader struct {
	profile *Profile
	place   Place
	clock   clock
	seen    memory
	buffer  []byte

	line    int64 // lines read
	begun   bool  // past the header
	stream  bool  // tickets without line ends
	header  []string
	columns columns // where the header has them
	refused Row     // why the file is refused, if it is

	fields []string // of the row being read, from here on
	row    Row
	id     string // what the format itself tells it apart by
}

// Reader reads a journal of this profile that comes from a place.
func (p *Profile) Reader(place Place) (*Reader, error) {
	if !wire.ValidAgent(place.Journal) {
		return nil, fmt.Errorf("journal %q: want [a-z0-9-]{1,63}", place.Journal)
	}
	if p.kind.calls && place.Numbers.Empty() {
		return nil, errors.New("numbers: missing; call records tell everybody's calls, so name the fax lines among them")
	}
	r := &Reader{profile: p, place: place, seen: newMemory(), clock: clock{layouts: p.layouts, zone: place.Zone}}
	if p.zone != nil {
		r.clock.zone = p.zone
	} else if place.Zone == nil {
		r.clock.zone = time.Local
	}
	return r, nil
}

// Row says what became of a record, as Next cuts it: it is taken until something speaks against it.
func (r *Reader) Row(record []byte) Row {
	r.line++
	r.fields, r.id, r.row = r.fields[:0], "", Row{Line: r.line, Verdict: Taken}
	switch {
	case !r.stream:
		r.line += int64(bytes.Count(bytes.TrimRight(record, "\r\n"), []byte("\n")))
	case !bytes.HasPrefix(record, []byte(ticketMark)):
		r.line--
	}
	r.split(record)
	return r.finish()
}

// end is why the row is no event. The first reason stands.
func (r *Reader) end(verdict Verdict, why Why, value string) {
	if r.row.Verdict == Taken {
		r.row.Verdict, r.row.Why, r.row.Value = verdict, why, clip(veil(value))
	}
}

func (r *Reader) reject(why Why, value string) { r.end(Rejected, why, value) }

// finish makes an event of the fields.
func (r *Reader) finish() Row {
	if r.refused.Verdict == Refused {
		r.end(Refused, r.refused.Why, r.refused.Value)
	}
	blank := len(strings.Join(r.fields, "")) == 0
	if r.row.Line <= int64(r.profile.Skip) || blank && r.row.Verdict == Taken {
		r.row = Row{Line: r.row.Line}
	}
	if r.row.Verdict == Taken {
		r.profile.kind.read(r)
	}
	e := &r.row.Event
	if e.From == "" && e.To == "" {
		r.reject(NoNumber, "")
	}
	if r.row.Verdict == Taken {
		e.Journal, e.Site = r.place.Journal, r.place.Site
		r.sign(e)
	}
	if err := e.Check(); r.row.Verdict == Taken && err != nil {
		r.reject(Unkept, err.Error())
	}
	if r.row.Verdict == Refused {
		r.refused = r.row
	}
	if r.row.Verdict != Taken {
		*e = wire.Event{}
	}
	return r.row
}

// sign gives an event its key: of what the format itself tells rows apart by, else of the row as a
// whole and of which of its equals it is.
func (r *Reader) sign(e *wire.Event) {
	b := append(append(r.buffer[:0], r.profile.Format...), 0x1e)
	if b = append(b, r.id...); r.id == "" {
		fields := append(r.fields, e.From, e.To)
		for _, field := range fields {
			if field != "" { // older and newer versions leave out what is behind, or leave it empty
				b = append(append(b, 0x1f), field...)
			}
		}
	}
	sum := sha256.Sum256(b)
	before := r.seen.add(binary.LittleEndian.Uint64(sum[:]), e.At)
	switch {
	case before > 0 && r.id != "":
		r.end(Skipped, SameID, "")
	case before > 0:
		sum = sha256.Sum256(strconv.AppendInt(append(b, 0x1e), int64(before), 10))
	}
	r.buffer = b
	e.Key = base64.RawURLEncoding.EncodeToString(sum[:15])
}

// number is a phone number as it may stand in an event: without the names that people write beside it. What has no digit
// is a name, or "anonymous".
func (r *Reader) number(role role) string {
	text := r.cell(role)
	if strings.Contains(text, "E+") { // 4,9E+08
		r.reject(BadNumber, "")
	}
	text, _, _ = strings.Cut(text, "@") // sip:0241354000@exchange
	best, most := "", 2                 // fewer than three digits are no number: CHU 49
	for _, run := range strings.FieldsFunc(text, unicode.IsLetter) {
		digits := 0
		for _, c := range []byte(run) {
			if c >= '0' && c <= '9' {
				digits++
			}
		}
		if digits > most {
			best, most = strings.Trim(run, " \t\r\n\u00a0.,;:-/<>[]\"'"), digits
		}
	}
	if best = strings.TrimRight(best, " ("); len(best) > wire.MaxNumber {
		r.reject(BadNumber, "")
		return ""
	}
	return best
}

// count reads pages or a duration: 90, 1:30, 0:01:30 or 1'30". Of 2/5 pages two went through. Nothing is none told.
func (r *Reader) count(role role) int64 {
	sum, part, told := int64(0), int64(0), false
	text := strings.TrimSuffix(strings.TrimSuffix(r.cell(role), ",0"), ".0") // a spreadsheet's
	text, _, _ = strings.Cut(strings.TrimSuffix(text, `"`), "/")
	for i, c := range []byte(text) {
		switch {
		case c >= '0' && c <= '9' && part < 1<<40:
			part, told = part*10+int64(c-'0'), true
		case (c == ':' || c == '\'') && told && i < 9:
			sum, part, told = (sum+part)*60, 0, false
		default:
			r.reject(BadCount, text)
			return 0
		}
	}
	if sum += part; role == rolePages && sum > wire.MaxPages || role == roleDuration && sum > wire.MaxSeconds {
		r.reject(BadCount, text)
	}
	return sum
}
