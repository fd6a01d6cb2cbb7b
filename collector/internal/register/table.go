package register

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Column is a column of a table.
type Column struct {
	Name   string   // in English
	French string   // as French tables head it
	Also   []string // other words for it; case, accents and all but letters and digits don't matter
	day    bool     // or month
	mapped bool     // French is the header that somebody said; no other is
	words  vocabulary
}

// Schema is a kind of table.
type Schema struct {
	name    string
	columns []Column
	loose   bool  // has columns that nobody here needs
	limit   int64 // of a file, in bytes
	rows    int   // at most
}

const (
	maxRows   = 200_000
	maxCell   = 1000 // bytes
	maxFaults = 1000 // then the rest isn't looked at
	maxTitles = 10   // rows above the headers
	mega      = 1 << 20
)

// Table is what was read of a file: the columns that its schema knows, cells cleaned.
type Table struct {
	File  string // its name, without folders
	Rows  []Row
	Notes []Note // what is to be said of it, though it can be read

	place  map[string]int    // of each column in a row
	header map[string]string // of each column, as it stands in the file
}

// Row is a row of a table.
type Row struct {
	Number int // as spreadsheets count: the header is usually row 1
	cells  []string
}

// has tells whether the file has a column.
func (t *Table) has(column string) bool { _, ok := t.place[column]; return ok }

// get is a cell; given is false where the file doesn't have the column.
func (t *Table) get(row Row, column string) (text string, given bool) {
	i, given := t.place[column]
	if !given {
		return "", false
	}
	return row.cells[i], true
}

// note is something to say of a cell.
func (t *Table) note(row Row, column, format string, args ...any) Note {
	return Note{File: t.File, Row: row.Number, Column: t.header[column], Text: fmt.Sprintf(format, args...)}
}

// source gives the rows of a file, whose empty ones it may leave out. io.EOF ends them.
type source interface {
	next() (number int, cells []string, err error)
	// day is a cell of a column of days as text.
	day(cell string) string
	// notes are what is to be said of the file.
	notes() []string
}

// Read reads a CSV or XLSX file. sheet names one of an XLSX file; "" is the first. The error
// is Faults where the file isn't as it should be: all of them.
func Read(path, sheet string, s *Schema) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, newTable(path).fault(badFile("is a folder; want a CSV or XLSX file"))
	}
	return s.readFile(f, info.Size(), newTable(path), sheet)
}

// ReadUpload reads a file that somebody handed in, likewise. name is what the file is called there.
func ReadUpload(name string, data []byte, sheet string, s *Schema) (*Table, error) {
	return s.readFile(bytes.NewReader(data), int64(len(data)), newTable(name), sheet)
}

// Typed is a table of the rows that somebody typed into a form: cells by column, in English, in all rows the same
// columns. It is read as if it stood in a file, so that forms and files can't disagree; its faults name the columns
// in English.
func Typed(s *Schema, rows ...map[string]string) (*Table, error) {
	source := &typed{}
	for i, cells := range rows {
		names := slices.Sorted(maps.Keys(cells))
		if i == 0 {
			source.rows = append(source.rows, names)
		}
		row := make([]string, len(source.rows[0]))
		for j, name := range source.rows[0] {
			row[j] = cells[name]
		}
		source.rows = append(source.rows, row)
	}
	t := &Table{place: make(map[string]int), header: make(map[string]string)}
	return t, t.read(source, s)
}

// typed are a row of headers and those below.
type typed struct {
	rows [][]string
	at   int
}

func (r *typed) next() (number int, cells []string, err error) {
	if r.at == len(r.rows) {
		return 0, nil, io.EOF
	}
	r.at++
	return r.at, r.rows[r.at-1], nil
}

func (r *typed) day(cell string) string { return cell }
func (r *typed) notes() []string        { return nil }

func newTable(name string) *Table {
	return &Table{File: filepath.Base(name), place: make(map[string]int), header: make(map[string]string)}
}

func (s *Schema) readFile(f io.ReadSeeker, size int64, t *Table, sheet string) (*Table, error) {
	rows, err := open(f, size, sheet, s.limit)
	if err != nil {
		return nil, t.fault(err)
	}
	for _, text := range rows.notes() {
		t.Notes = append(t.Notes, Note{File: t.File, Text: text})
	}
	return t, t.read(rows, s)
}

// badFile is a fault of a file as a whole.
type badFile string

func (b badFile) Error() string { return string(b) }

// badRow is a fault that ends the reading at a row.
type badRow struct {
	row  int
	text string
}

func (b badRow) Error() string { return b.text }

// fault makes Faults of what stopped the reading, if the file is to blame.
func (t *Table) fault(err error) error {
	var row badRow
	switch {
	case errors.As(err, new(badFile)):
		return Faults{{File: t.File, Text: err.Error()}}
	case errors.As(err, &row):
		return Faults{{File: t.File, Row: row.row, Text: row.text}}
	}
	return fmt.Errorf("read %s: %w", t.File, err)
}

func open(f io.ReadSeeker, size int64, sheet string, limit int64) (source, error) {
	if size > limit {
		return nil, badFile(fmt.Sprintf("has %d MB; want %d at most", size/mega, limit/mega))
	}
	start := make([]byte, 4)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	switch start = start[:n]; {
	case string(start) == "PK\x03\x04":
		return openXLSX(f, sheet)
	case string(start) == "\xd0\xcf\x11\xe0":
		return nil, badFile("is of an old Excel; want it saved as .xlsx or as CSV UTF-8")
	case sheet != "":
		return nil, badFile("has no sheets; want it without --sheet, or an XLSX file")
	}
	return openCSV(f)
}

// read reads header and rows, and collects all faults.
func (t *Table) read(rows source, s *Schema) error {
	r := reading{t: t, s: s, source: rows}
	for {
		number, cells, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if errors.As(err, new(badRow)) && len(r.faults) > 0 {
				return append(r.faults, t.fault(err).(Faults)...)
			}
			return t.fault(err)
		}
		switch {
		case blank(cells):
		case r.places == nil:
			if r.title(number, cells) {
				continue
			}
			if r.head(number, cells); len(t.place) == 0 {
				return r.faults.err()
			}
		case len(t.Rows) == s.rows:
			return append(r.faults, Note{t.File, number, "", fmt.Sprintf("there are more than %d rows; want several files", s.rows)})
		case len(r.faults) >= maxFaults:
			return append(r.faults, Note{t.File, number, "", "the rest wasn't looked at"})
		default:
			r.row(number, cells)
		}
	}
	switch {
	case r.places == nil && len(r.titles) > 0:
		return r.titles
	case r.places == nil:
		return Faults{{File: t.File, Text: "is empty; want a row of headers, and rows below it"}}
	}
	return r.faults.err()
}

// title tells whether a row is but a title above the headers: a lone text that is no column.
func (r *reading) title(number int, cells []string) bool {
	filled := slices.DeleteFunc(slices.Clone(cells), func(cell string) bool { return clean(cell) == "" })
	if len(filled) != 1 || r.s.find(clean(unguarded(filled[0]))) != nil || len(r.titles) == maxTitles {
		return false
	}
	header := clean(filled[0])
	r.titles = append(r.titles, Note{r.t.File, number, "", fmt.Sprintf("%q is no column of %s; %s", header, r.s.name, r.s.meant(header))})
	return true
}

func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(cell string) bool { return clean(cell) != "" })
}

// reading is a table that is being read.
type reading struct {
	t       *Table
	s       *Schema
	source  source
	headers []string
	places  []*Column // what each cell of a row is; nil: nothing that is needed
	faults  Faults
	titles  Faults // what the rows above the headers are, if there are no headers
}

// head reads the headers.
func (r *reading) head(number int, cells []string) {
	r.places = make([]*Column, len(cells))
	for i, cell := range cells {
		header := clean(unguarded(cell))
		r.headers = append(r.headers, header)
		column := r.s.find(header)
		switch {
		case column == nil && (r.s.loose || header == ""):
			continue
		case column == nil:
			r.fault(number, "", "%q is no column of %s; %s", header, r.s.name, r.s.meant(header))
			continue
		case r.t.has(column.Name):
			r.fault(number, "", "%q and %q are the same column; want one of them", r.t.header[column.Name], header)
			continue
		}
		r.places[i] = column
		r.t.place[column.Name], r.t.header[column.Name] = len(r.t.place), header
	}
}

func (r *reading) fault(row int, column, format string, args ...any) {
	r.faults = append(r.faults, Note{r.t.File, row, column, fmt.Sprintf(format, args...)})
}

// find is the column that a header means.
func (s *Schema) find(header string) *Column {
	header = letters(header)
	for i := range s.columns {
		c := &s.columns[i]
		if c.mapped && header == letters(c.French) {
			return c
		}
		if !c.mapped && (header == letters(c.Name) || header == letters(c.French) ||
			slices.ContainsFunc(c.Also, func(word string) bool { return header == letters(word) })) {
			return c
		}
	}
	return nil
}

// meant says which column a header may have meant.
func (s *Schema) meant(header string) string {
	var words, names []string
	for _, c := range s.columns {
		words = append(append(words, c.Name, c.French), c.Also...)
		names = append(names, c.Name)
	}
	if near := nearest(header, words); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "known are " + strings.Join(names, ", ")
}

// row reads a row below the headers.
func (r *reading) row(number int, cells []string) {
	row := Row{Number: number, cells: make([]string, len(r.t.place))}
	for i, cell := range cells {
		if i >= len(r.places) || r.places[i] == nil {
			if (i >= len(r.places) || r.headers[i] == "") && clean(cell) != "" && !r.s.loose {
				r.fault(number, "", "%q stands in column %d, which has no header; a text with separators in it wants quotation marks", cell, i+1)
			}
			continue
		}
		row.cells[r.t.place[r.places[i].Name]] = r.cell(number, r.headers[i], r.places[i], cell)
	}
	r.t.Rows = append(r.t.Rows, row)
}

var (
	excelError = regexp.MustCompile(`^#(N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|NOM\?|VALEUR!|NOMBRE!|NUL!)$`)
	excelShort = regexp.MustCompile(`^[0-9]([.,][0-9]+)?E\+[0-9]+$`)
)

func (r *reading) cell(number int, header string, column *Column, cell string) string {
	text := clean(unguarded(cell))
	if column.day {
		text = r.source.day(text)
	}
	switch {
	case len(text) > maxCell:
		r.fault(number, header, "has %d characters; want %d at most", len(text), maxCell)
	case strings.ContainsRune(text, utf8.RuneError):
		r.fault(number, header, "%q has a character that can't be read; want the file saved as CSV UTF-8 again", text)
	case excelError.MatchString(text):
		r.fault(number, header, "%s is an error that Excel shows; want a value", text)
	case excelShort.MatchString(text):
		r.fault(number, header, "%s is a number as Excel shortens it; want the column formatted as text and the number typed again", text)
	}
	return text
}

// The days that a number in an Excel cell can mean: 1990 to 2100.
const firstSerial, lastSerial = 32_874, 73_415

// serialDay is the day that Excel stores as a number.
func serialDay(serial float64, date1904 bool) (string, bool) {
	if serial < firstSerial || serial > lastSerial {
		return "", false
	}
	t, err := excelize.ExcelDateToTime(serial, date1904)
	return t.Format(time.DateOnly), err == nil
}
