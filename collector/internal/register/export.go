package register

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/xuri/excelize/v2"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// ExportLines are the rows of the table of lines: those declared at present, by id.
func ExportLines(r ledger.Register) [][]string {
	d := newDirectory(&r)
	var rows [][]string
	for _, id := range slices.Sorted(maps.Keys(r.Lines)) {
		x, ok := ledger.Present(r.Lines[id])
		if !ok || x.Removed {
			continue
		}
		rows = append(rows, d.lineRow(x))
	}
	return rows
}

// lineRow is a line in the order of its table's columns.
func (d directory) lineRow(x ledger.Declaration) []string {
	at := d.Sites[x.Site]
	p := d.words(x.Place)
	return []string{
		x.Number, x.Extension, x.Device, x.Port, x.Gateway, x.GatewayPort,
		p.Establishment, p.Site, at.Commune, at.TimeZone, p.Pole, p.Service, p.UF,
		x.Support, string(x.Cutoff), string(x.CutOn), x.KeptReason, string(x.KeptUntil), x.Contact,
	}
}

// LineCells is a line as its table has it, by the English names of the columns; nil where it isn't declared at present.
func LineCells(r ledger.Register, id string) map[string]string {
	x, ok := ledger.Present(r.Lines[id])
	if !ok || x.Removed {
		return nil
	}
	cells := make(map[string]string, len(Lines.columns))
	for i, value := range newDirectory(&r).lineRow(x) {
		cells[Lines.columns[i].Name] = value
	}
	return cells
}

// words is a place as a table names it.
func (d directory) words(p ledger.Place) ledger.Place {
	return ledger.Place{
		Establishment: d.ref(establishment, "", p.Establishment),
		Site:          d.ref(site, p.Establishment, p.Site),
		Pole:          d.ref(pole, p.Establishment, p.Pole),
		Service:       d.ref(service, p.Establishment, p.Service),
		UF:            p.UF,
	}
}

// headers are a schema's headers in a language, fr or en.
func (s *Schema) headers(language string) []string {
	headers := make([]string, len(s.columns))
	for i, c := range s.columns {
		headers[i] = c.Name
		if language == "fr" {
			headers[i] = c.French
		}
	}
	return headers
}

// cell is a value as a table of a language has it.
func (s *Schema) cell(column int, value, language string) string {
	c := &s.columns[column]
	switch {
	case c.day:
		return writtenDay(ledger.Day(value), language)
	case language == "fr":
		return c.words.inFrench(value)
	}
	return value
}

// WriteCSV writes rows as French Excel opens them: UTF-8 with its mark, ; between cells. What
// looks like a formula is guarded by an apostrophe, which Read takes away again.
func (s *Schema) WriteCSV(w io.Writer, language string, rows [][]string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.Comma, out.UseCRLF = ';', true
	if err := out.Write(s.headers(language)); err != nil {
		return err
	}
	cells := make([]string, len(s.columns))
	for _, row := range rows {
		for i, value := range row {
			cells[i] = guarded(s.cell(i, value, language))
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// WriteXLSX writes rows as text cells, below a header that stays in sight and filters.
func (s *Schema) WriteXLSX(w io.Writer, language string, rows [][]string) (err error) {
	book := excelize.NewFile()
	defer func() { err = errors.Join(err, book.Close()) }()
	const sheet = "Sheet1"
	text, err := book.NewStyle(&excelize.Style{NumFmt: 49}) // @: zeros stay, and what is typed later is text too
	if err != nil {
		return err
	}
	bold, err := book.NewStyle(&excelize.Style{NumFmt: 49, Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	last, err := excelize.ColumnNumberToName(len(s.columns))
	if err != nil {
		return err
	}
	return errors.Join(
		book.SetColStyle(sheet, "A:"+last, text),
		book.SetColWidth(sheet, "A", last, 18),
		s.fill(book, sheet, language, rows),
		book.SetRowStyle(sheet, 1, 1, bold),
		book.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}),
		book.AutoFilter(sheet, fmt.Sprintf("A1:%s%d", last, 1+len(rows)), nil),
		book.SetSheetName(sheet, s.name),
		book.Write(w),
	)
}

func (s *Schema) fill(book *excelize.File, sheet, language string, rows [][]string) error {
	for y, row := range append([][]string{s.headers(language)}, rows...) {
		for x, value := range row {
			cell, err := excelize.CoordinatesToCellName(x+1, y+1)
			if err != nil {
				return err
			}
			if y > 0 {
				value = s.cell(x, value, language)
			}
			if unguarded(value) != value { // else a text cell is no formula as it is
				value = guarded(value)
			}
			if value == "" {
				continue
			}
			if err := book.SetCellStr(sheet, cell, value); err != nil {
				return err
			}
		}
	}
	return nil
}
