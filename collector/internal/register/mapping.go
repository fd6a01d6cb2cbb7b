package register

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Mapping says which columns of somebody else's table are which of ours: their header by our column.
type Mapping map[string]string

// ReadMapping reads « month=Mois, address=BAL, sent=Nb envoyés » for a schema; the columns may be called in French, too.
func (s *Schema) ReadMapping(text string) (Mapping, error) {
	m := make(Mapping)
	for pair := range strings.SplitSeq(text, ",") {
		ours, theirs, ok := strings.Cut(pair, "=")
		column := s.find(clean(ours))
		switch {
		case !ok || clean(theirs) == "":
			return nil, fmt.Errorf("%q says nothing; want a column and a header, such as %s=%s", clean(pair), s.columns[0].Name, s.columns[0].French)
		case column == nil:
			return nil, fmt.Errorf("%q is no column of %s; %s", clean(ours), s.name, s.meant(clean(ours)))
		case m[column.Name] != "":
			return nil, fmt.Errorf("%s is given twice; want it once", column.Name)
		}
		m[column.Name] = clean(theirs)
	}
	return m, nil
}

// Mapped is the schema of tables whose columns are called otherwise; columns that aren't mapped aren't read.
func (s *Schema) Mapped(m Mapping) *Schema {
	mapped := *s
	mapped.loose, mapped.columns = true, nil
	for _, c := range s.columns {
		if header := m[c.Name]; header != "" {
			mapped.columns = append(mapped.columns, Column{Name: c.Name, French: header, day: c.day, words: c.words, mapped: true})
		}
	}
	return &mapped
}

// Columns are the names of a schema's columns.
func (s *Schema) Columns() []string {
	names := make([]string, len(s.columns))
	for i, c := range s.columns {
		names[i] = c.Name
	}
	return names
}

// Guess maps the headers that a schema knows, and those that hold a word that it knows.
func (s *Schema) Guess(headers []string) Mapping {
	m := make(Mapping)
	for _, header := range headers {
		if c := s.find(header); c != nil && m[c.Name] == "" {
			m[c.Name] = header
		}
	}
	taken := slices.Collect(maps.Values(m))
	for _, c := range s.columns {
		for _, header := range headers {
			if m[c.Name] == "" && !slices.Contains(taken, header) && slices.ContainsFunc(append([]string{c.Name, c.French}, c.Also...), func(word string) bool {
				return len(letters(word)) > 3 && strings.Contains(letters(header), letters(word))
			}) {
				m[c.Name] = header
				taken = append(taken, header)
			}
		}
	}
	return m
}

// Knows tells whether a schema knows all headers of a table.
func (s *Schema) Knows(headers []string) bool {
	return !slices.ContainsFunc(headers, func(header string) bool { return s.find(header) == nil })
}

// Always gives every row the same cell in a column that the table doesn't have.
func (t *Table) Always(column, text string) error {
	if t.has(column) {
		return fmt.Errorf("%s has a column %s, %q; want that or one value for all rows", t.File, column, t.header[column])
	}
	t.place[column], t.header[column] = len(t.place), column
	for i := range t.Rows {
		t.Rows[i].cells = append(t.Rows[i].cells, text)
	}
	return nil
}

// Glance is how a table begins.
type Glance struct {
	Headers []string   // those that aren't empty
	Rows    [][]string // the first few below them, by header
}

const glanceRows = 5

// MaxTable is how many bytes most tables may have.
const MaxTable = 64 * mega

// Look reads how a table begins, whatever it is of. name is what its file is called. The error is Faults.
func Look(name string, data []byte, sheet string) (g Glance, err error) {
	t := newTable(name)
	rows, err := open(bytes.NewReader(data), int64(len(data)), sheet, MaxTable)
	if err != nil {
		return g, t.fault(err)
	}
	var at []int
	for len(g.Rows) < glanceRows {
		_, cells, err := rows.next()
		if err != nil {
			if len(g.Headers) > 0 {
				return g, nil
			}
			return g, t.fault(errors.Join(badFile("has no rows with several cells; want a row of headers, and rows below it"), err))
		}
		if len(g.Headers) > 0 {
			g.row(cells, at)
			continue
		}
		if filled := slices.DeleteFunc(slices.Clone(cells), func(cell string) bool { return clean(cell) == "" }); len(filled) < 2 {
			continue // a title
		}
		for i, cell := range cells {
			if header := clean(unguarded(cell)); header != "" {
				g.Headers, at = append(g.Headers, header), append(at, i)
			}
		}
	}
	return g, nil
}

func (g *Glance) row(cells []string, at []int) {
	if blank(cells) {
		return
	}
	row := make([]string, len(at))
	for i, x := range at {
		if x < len(cells) {
			row[i] = clean(unguarded(cells[x]))
		}
	}
	g.Rows = append(g.Rows, row)
}

// ReadAs reads a table whose columns are called otherwise; month is that of all rows where it isn't empty.
// An empty mapping is that of a table with our own headers.
func ReadAs(name string, data []byte, sheet string, s *Schema, m Mapping, month string) (*Table, error) {
	if len(m) > 0 {
		s = s.Mapped(m)
	}
	t, err := ReadUpload(name, data, sheet, s)
	if err != nil {
		return nil, err
	}
	var faults Faults
	for _, ours := range slices.Sorted(maps.Keys(m)) {
		if !t.has(ours) {
			faults = append(faults, Note{t.File, 1, "", fmt.Sprintf("there is no column %q, which %s is to be read of", m[ours], ours)})
		}
	}
	if month != "" && len(faults) == 0 {
		if err := t.Always("month", month); err != nil {
			faults = append(faults, Note{t.File, 1, "", err.Error()})
		}
	}
	return t, faults.err()
}
