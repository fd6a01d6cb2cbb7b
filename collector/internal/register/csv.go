package register

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// csvRows are the rows of a CSV file.
type csvRows struct {
	*csv.Reader
	before int // rows before the first that csv sees
	inside int // line ends inside cells so far
}

func openCSV(f io.ReadSeeker) (*csvRows, error) {
	code, err := encodingOf(f)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	text := bufio.NewReaderSize(transform.NewReader(f, unicode.BOMOverride(code.NewDecoder())), 64<<10)
	c := &csvRows{}
	comma := rune(0)
	if start, _ := text.Peek(6); strings.HasPrefix(strings.ToLower(string(start)), "sep=") && len(start) > 4 { // Excel's own hint
		line, err := text.ReadString('\n')
		if err != nil {
			return nil, badFile("has no rows; want a row of headers, and rows below it")
		}
		comma, c.before = rune(line[4]), 1
	}
	if comma == 0 {
		start, _ := text.Peek(64 << 10) // an error will come again
		comma = separator(string(start))
	}
	c.Reader = csv.NewReader(text)
	c.Comma, c.FieldsPerRecord, c.ReuseRecord = comma, -1, true
	return c, nil
}

// encodingOf finds out how a text is encoded: as its mark says, else UTF-8, else as Windows does.
func encodingOf(f io.ReadSeeker) (encoding.Encoding, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r := bufio.NewReader(f)
	if mark, _ := r.Peek(2); string(mark) == "\xff\xfe" || string(mark) == "\xfe\xff" {
		return unicode.UTF8, nil // the decoder goes by the mark
	}
	code := encoding.Encoding(unicode.UTF8)
	chunk, kept := make([]byte, 64<<10), 0 // kept: the beginning of a character whose rest comes next
	for {
		n, err := r.Read(chunk[kept:])
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		text := chunk[:kept+n]
		if bytes.IndexByte(text, 0) >= 0 {
			return nil, badFile("is no text; want a CSV or XLSX file")
		}
		whole := len(text)
		if err == nil {
			whole = lastRune(text)
		}
		if !utf8.Valid(text[:whole]) {
			code = charmap.Windows1252
		}
		if err != nil {
			return code, nil
		}
		kept = copy(chunk, text[whole:])
	}
}

// lastRune is where a character begins that isn't whole yet; the end of text if all are.
func lastRune(text []byte) int {
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax); i-- {
		if utf8.RuneStart(text[i]) {
			if utf8.FullRune(text[i:]) {
				return len(text)
			}
			return i
		}
	}
	return len(text)
}

// separator is what stands between the cells of the first row that isn't empty.
func separator(start string) rune {
	best, most := ';', 0
	for _, mark := range ";,\t" {
		if n := outsideQuotes(strings.TrimLeft(start, "\r\n"), mark); n > most {
			best, most = mark, n
		}
	}
	return best
}

func outsideQuotes(text string, mark rune) (n int) {
	quoted := false
	for _, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '\n', r == '\r':
			return n
		case r == mark:
			n++
		}
	}
	return n
}

func (c *csvRows) next() (int, []string, error) {
	cells, err := c.Read()
	var fault *csv.ParseError
	if errors.As(err, &fault) {
		text := "a cell that begins with a quotation mark doesn't end with one"
		if errors.Is(fault.Err, csv.ErrBareQuote) {
			text = "a quotation mark stands inside a cell"
		}
		return 0, nil, badRow{c.before + fault.StartLine - c.inside, text + `; want "the whole cell in marks, and ""those"" inside it doubled"`}
	}
	if err != nil {
		return 0, nil, err
	}
	line, _ := c.FieldPos(0)
	row := c.before + line - c.inside
	for _, cell := range cells {
		c.inside += strings.Count(cell, "\n")
	}
	return row, cells, nil
}

// notes are none.
func (c *csvRows) notes() []string { return nil }

// day is the text itself.
func (c *csvRows) day(cell string) string { return cell }
