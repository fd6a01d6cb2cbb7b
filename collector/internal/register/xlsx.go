package register

import (
	"errors"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// xlsxRows are the rows of a sheet of an Excel file.
type xlsxRows struct {
	rows     [][]string
	at       int
	date1904 bool
}

// maxSheet is how large a sheet may be when it is unpacked.
const maxSheet = 512 * mega

func openXLSX(f *os.File, sheet string) (_ source, err error) {
	book, err := excelize.OpenFile(f.Name(), excelize.Options{UnzipSizeLimit: maxSheet, UnzipXMLSizeLimit: maxSheet})
	if err != nil {
		return nil, badFile("is no XLSX file that can be read (" + err.Error() + "); want it saved again as .xlsx or as CSV UTF-8")
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	names := book.GetSheetList()
	if sheet == "" && len(names) > 0 {
		sheet = names[0]
	}
	if i, err := book.GetSheetIndex(sheet); err != nil || i < 0 {
		return nil, badFile("has no sheet " + strconv.Quote(sheet) + "; want one of: " + strings.Join(names, ", "))
	}
	stored, err := book.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		return nil, err
	}
	shown, err := book.GetRows(sheet)
	if err != nil {
		return nil, err
	}
	props, err := book.GetWorkbookProps()
	if err != nil {
		return nil, err
	}
	for y := range stored {
		for x := range stored[y] {
			stored[y][x] = cellText(book, sheet, x, y, stored[y][x], at(shown, x, y))
		}
	}
	return &xlsxRows{rows: stored, date1904: props.Date1904 != nil && *props.Date1904}, nil
}

func at(rows [][]string, x, y int) string {
	if y < len(rows) && x < len(rows[y]) {
		return rows[y][x]
	}
	return ""
}

// cellText is a cell as its author means it: a number with the zeros that its format shows, never
// in the short form of large ones.
func cellText(book *excelize.File, sheet string, x, y int, stored, shown string) string {
	if onlyDigits(stored) {
		if onlyDigits(shown) && strings.TrimLeft(shown, "0") == strings.TrimLeft(stored, "0") {
			return shown
		}
		return stored
	}
	if !strings.ContainsAny(stored, "eE.") {
		return stored
	}
	value, err := strconv.ParseFloat(stored, 64)
	if err != nil || value != math.Trunc(value) || math.Abs(value) >= 1e15 {
		return stored
	}
	cell, err := excelize.CoordinatesToCellName(x+1, y+1)
	if err != nil {
		return stored
	}
	if kind, err := book.GetCellType(sheet, cell); err != nil || kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
		return stored // a text that looks like a number: 12E3 is a serial number
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

// day is a date cell's day, which Excel stores as a number.
func (r *xlsxRows) day(cell string) string {
	if serial, err := strconv.ParseFloat(cell, 64); err == nil {
		if day, ok := serialDay(serial, r.date1904); ok {
			return day
		}
	}
	return cell
}
