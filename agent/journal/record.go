package journal

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const (
	maxRecord = 64 << 10 // bytes of a row
	maxLines  = 32       // lines that a quoted cell may make of a row; beyond, the quote is a stray one
)

// Next finds the first record in data and tells how many bytes it takes, line end included. It is
// 0 if data ends before the record does; last says that nothing follows. Row wants the record.
func (r *Reader) Next(data []byte, last bool) (int, []byte) {
	if len(data) == 0 {
		return 0, nil
	}
	if r.line == 0 && !r.stream {
		r.stream = r.profile.kind == &oxe && data[0] < '\t'
	}
	if r.stream {
		return nextTicket(data, last)
	}
	end := bytes.IndexByte(data, '\n') + 1
	if end == 0 {
		return rest(data, last)
	}
	if !r.profile.kind.quotes || bytes.IndexByte(data[:end], '"') < 0 || r.line < int64(r.profile.Skip) {
		return end, data[:end]
	}
	for long, lines := end, 1; lines <= maxLines && long <= maxRecord; lines++ {
		if !openQuote(data[:long], r.profile.delimiter) {
			return long, data[:long]
		}
		more := bytes.IndexByte(data[long:], '\n') + 1
		if more > 0 {
			long += more
			continue
		}
		if !last && len(data) <= maxRecord {
			return 0, nil
		}
		if last && !openQuote(data, r.profile.delimiter) {
			return len(data), data
		}
		break
	}
	return end, data[:end] // a stray quote spoils its own line only
}

// rest is data that has no line end.
func rest(data []byte, last bool) (int, []byte) {
	switch {
	case last:
		return len(data), data
	case len(data) > maxRecord: // in pieces, each of which is too long
		return len(data), data
	}
	return 0, nil
}

// openQuote tells whether a quoted cell goes on behind data.
func openQuote(data []byte, delimiter byte) bool {
	quoted, start := false, true
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case quoted && c == '"' && i+1 < len(data) && data[i+1] == '"':
			i++
		case quoted:
			quoted = c != '"'
		case c == '"' && start:
			quoted = true
		}
		start = !quoted && (c == delimiter || start && c == ' ')
	}
	return quoted
}

// split cuts a record into fields without the blanks around them.
func (r *Reader) split(record []byte) {
	first := r.row.Line == 1
	switch {
	case len(record) > maxRecord:
		r.reject(TooLong, "")
	case first && wide(record):
		r.end(Refused, Wide, "")
	case r.stream:
		r.ticket(record)
	case !r.profile.kind.quotes:
		r.fields = tabbed(r.fields, r.decode(bytes.TrimRight(record, "\r\n")))
	default:
		text := r.decode(bytes.TrimRight(record, "\r\n"))
		if first {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		var whole bool
		if r.fields, whole = cells(r.fields, text, r.profile.delimiter); !whole {
			r.reject(OpenQuote, "")
		}
	}
}

// cells cuts a line of RFC 4180 with any delimiter. It tells whether all quotes were closed.
func cells(dst []string, text string, delimiter byte) ([]string, bool) {
	for {
		text = strings.TrimLeft(text, " ")
		if !strings.HasPrefix(text, `"`) {
			cell, behind, more := strings.Cut(text, string(rune(delimiter)))
			dst = append(dst, strings.TrimSpace(cell))
			if !more {
				return dst, true
			}
			text = behind
			continue
		}
		cell, behind, closed := quoted(text[1:])
		if !closed {
			return dst, false
		}
		tail, behind, more := strings.Cut(behind, string(rune(delimiter)))
		dst = append(dst, strings.TrimSpace(cell+tail)) // behind the quote nothing should stand
		if !more {
			return dst, true
		}
		text = behind
	}
}

// quoted cuts text at its closing quote.
func quoted(text string) (cell, behind string, closed bool) {
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '"')
		if i < 0 {
			return "", "", false
		}
		end := from + i
		if !strings.HasPrefix(text[end+1:], `"`) {
			cell, behind = text[:end], text[end+1:]
			if from > 0 {
				cell = strings.ReplaceAll(cell, `""`, `"`)
			}
			return cell, behind, true
		}
		from = end + 2
	}
}

// tabbed cuts a line of HylaFAX: no tab stands within a cell, and quotes in a quoted one have a backslash.
func tabbed(dst []string, text string) []string {
	for more := true; more; {
		var cell string
		cell, text, more = strings.Cut(text, "\t")
		if n := len(cell); n >= 2 && cell[0] == '"' && cell[n-1] == '"' {
			cell = strings.ReplaceAll(cell[1:n-1], `\`, "")
		}
		dst = append(dst, strings.TrimSpace(cell))
	}
	return dst
}

// decode makes UTF-8 of a record. What isn't UTF-8 is Windows-1252, of which Latin-1 is a part.
func (r *Reader) decode(record []byte) string {
	if !r.profile.windows && utf8.Valid(record) {
		return string(record)
	}
	text := make([]rune, len(record))
	for i, c := range record {
		text[i] = rune(c)
		if c >= 0x80 && c < 0xa0 {
			text[i] = windows1252[c-0x80]
		}
	}
	return string(text)
}

// windows1252 is what the code page has where Latin-1 has controls; its five holes are left as they are.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}
