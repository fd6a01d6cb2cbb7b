package register

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// xlsxRows are the rows of a sheet of an Excel file.
type xlsxRows struct {
	sheet    string
	others   []string // sheets that nobody named
	rows     [][]string
	at       int
	date1904 bool
}

// How large an Excel file may be when it is unpacked: in bytes, and cells of a sheet.
const (
	maxUnpacked = 128 * mega
	maxCells    = 4_000_000
)

func openXLSX(f io.Reader, sheet string) (_ *xlsxRows, err error) {
	book, err := excelize.OpenReader(f, excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxUnpacked})
	if err != nil {
		return nil, badFile("is no XLSX file that can be read (" + err.Error() + "); want it saved again as .xlsx or as CSV UTF-8")
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	names := book.GetSheetList()
	r := &xlsxRows{}
	if sheet == "" && len(names) > 0 {
		sheet = names[0]
		r.others = names[1:]
	}
	r.sheet = sheet
	if i, err := book.GetSheetIndex(sheet); err != nil || i < 0 {
		return nil, badFile("has no sheet " + strconv.Quote(sheet) + "; want one of: " + strings.Join(names, ", "))
	}
	if r.rows, err = sheetRows(book, sheet, true); err != nil {
		return nil, err
	}
	shown, err := sheetRows(book, sheet, false)
	if err != nil {
		return nil, err
	}
	facts, err := readSheet(book, sheet)
	if err != nil {
		return nil, err
	}
	if facts.unknown != "" {
		return nil, badFile(fmt.Sprintf("has a formula without its value in %s; want it opened in Excel and saved again", facts.unknown))
	}
	props, err := book.GetWorkbookProps()
	if err != nil {
		return nil, err
	}
	r.date1904 = props.Date1904 != nil && *props.Date1904
	for y := range r.rows {
		for x := range r.rows[y] {
			r.rows[y][x] = facts.cell(x, y, r.rows[y][x], at(shown, x, y))
		}
	}
	return r, r.fillDown(facts.merged)
}

// sheetRows are the cells of a sheet, as they are stored or as they are shown.
func sheetRows(book *excelize.File, sheet string, stored bool) (all [][]string, err error) {
	rows, err := book.Rows(sheet)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	cells := 0
	for rows.Next() {
		row, err := rows.Columns(excelize.Options{RawCellValue: stored})
		if err != nil {
			return nil, err
		}
		if cells += len(row); cells > maxCells {
			return nil, badFile(fmt.Sprintf("has more than %d cells in sheet %q; want several files", maxCells, sheet))
		}
		all = append(all, row)
	}
	return all, nil
}

// fillDown gives each row what stands in a cell that is merged over several.
func (r *xlsxRows) fillDown(merged []string) error {
	filled := 0
	for _, cells := range merged {
		from, to, _ := strings.Cut(cells, ":")
		x, top, err := excelize.CellNameToCoordinates(from)
		if err != nil {
			return badFile(err.Error())
		}
		_, bottom, err := excelize.CellNameToCoordinates(to)
		if err != nil {
			return badFile(err.Error())
		}
		text := at(r.rows, x-1, top-1)
		for y := top; y < min(bottom, len(r.rows)) && text != ""; y++ {
			missing := max(0, x-len(r.rows[y]))
			if filled += 1 + missing; filled > maxCells {
				return badFile(fmt.Sprintf("has merged cells over more than %d others; want several files", maxCells))
			}
			r.rows[y] = append(r.rows[y], make([]string, missing)...)
			r.rows[y][x-1] = text
		}
	}
	return nil
}

func at(rows [][]string, x, y int) string {
	if y < len(rows) && x < len(rows[y]) {
		return rows[y][x]
	}
	return ""
}

// cell is a cell as its author means it: a number with the zeros that its format shows, never in the
// short form of large ones. 12E3 is a serial number where it is a text.
func (f *sheetFacts) cell(x, y int, stored, shown string) string {
	if onlyDigits(stored) {
		if onlyDigits(shown) && strings.TrimLeft(shown, "0") == strings.TrimLeft(stored, "0") {
			return shown
		}
		return stored
	}
	name, err := excelize.CoordinatesToCellName(x+1, y+1)
	if err != nil || !f.fractions[name] {
		return stored
	}
	value, err := strconv.ParseFloat(stored, 64)
	if err != nil || value != math.Trunc(value) || math.Abs(value) >= 1e15 {
		return stored
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

func (r *xlsxRows) next() (int, []string, error) {
	if r.at == len(r.rows) {
		return 0, nil, io.EOF
	}
	r.at++
	return r.at, r.rows[r.at-1], nil
}

// notes say which sheet is read, where that may not be what was meant.
func (r *xlsxRows) notes() []string {
	if len(r.others) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("sheet %q is read, not %s; --sheet names another", r.sheet, strings.Join(r.others, ", "))}
}

// day is a date cell's day, which Excel stores as a number.
func (r *xlsxRows) day(cell string) string {
	if serial, err := strconv.ParseFloat(cell, 64); err == nil {
		if day, ok := serialDay(serial, r.date1904); ok {
			return day
		}
	}
	return cell
}
