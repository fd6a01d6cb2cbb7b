package web

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// kitPage is the table of the national kit: how many lines each activity has, and how many of them are cut.
type kitPage struct {
	frame
	By        string // service or pole
	Another   string // link to the same by the other
	Rows      []kitRow
	Total     kitRow
	CSV, XLSX string // links
}

// kitRow is an activity.
type kitRow struct {
	ID, Name, Within string
	Lines, Cut       int64
}

// Share is how much of it is cut, in percent; 0 of nothing, which nobody is shown.
func (r kitRow) Share() float64 {
	if r.Lines == 0 {
		return 0
	}
	return 100 * float64(r.Cut) / float64(r.Lines)
}

func (s *site) kitPage(w http.ResponseWriter, r *http.Request) {
	p := s.kitTable(r)
	s.Render(w, p.status(), "kit.html", p)
}

// kitTable counts all lines of the books: the same as zerofax_lines.
func (s *site) kitTable(r *http.Request) kitPage {
	f, books := s.frame(r, "title.kit", "by")
	p := kitPage{frame: f, By: "service"}
	if r.URL.Query().Get("by") == "pole" {
		p.By = "pole"
	}
	other := map[string]string{"pole": "service", "service": "pole"}[p.By]
	p.Another, p.CSV, p.XLSX = p.link("/map/table", "by", other), p.link("/map/table.csv", "by", p.By), p.link("/map/table.xlsx", "by", p.By)
	rows := make(map[[2]string]*kitRow)
	for id, x := range books.Register.Services {
		if p.By == "service" {
			rows[[2]string{x.Establishment, id}] = &kitRow{ID: id}
		}
	}
	for i := range books.Lines {
		l := &books.Lines[i]
		scope := p.scopeOf(l)
		key := [2]string{scope.Establishment, scope.Service}
		if p.By == "pole" {
			key[1] = scope.Pole
		}
		row := rows[key]
		if row == nil {
			row = &kitRow{ID: key[1]}
			rows[key] = row
		}
		for _, to := range []*kitRow{row, &p.Total} {
			to.Lines++
			if l.State == ledger.Cut {
				to.Cut++
			}
		}
	}
	for key, row := range rows {
		row.Name, row.Within = p.ServiceName(row.ID), cmp.Or(p.register.Establishments[key[0]].Name, key[0])
		if p.By == "pole" {
			row.Name = cmp.Or(p.register.Poles[row.ID].Name, row.ID)
		}
		p.Rows = append(p.Rows, *row)
	}
	slices.SortFunc(p.Rows, func(a, b kitRow) int {
		return cmp.Or(strings.Compare(a.Within, b.Within), strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return p
}

// words are the table's headers, what an activity without a name is called, and how the last row is.
func (p kitPage) words() (headers []string, unassigned, total string, err error) {
	for _, key := range []string{"kit.structure", "kit." + p.By, "kit.lines", "kit.cut", "kit.share"} {
		text, err := p.T(key)
		if err != nil {
			return nil, "", "", err
		}
		headers = append(headers, text)
	}
	unassigned, err = p.T("unassigned")
	if err == nil {
		total, err = p.T("kit.total")
	}
	return headers, unassigned, total, err
}

func (s *site) kitCSV(w http.ResponseWriter, r *http.Request) {
	p := s.kitTable(r)
	headers, unassigned, total, err := p.words()
	if err != nil || p.Fault {
		s.noTable(w, err)
		return
	}
	var table bytes.Buffer
	table.WriteString("\ufeff")
	out := csv.NewWriter(&table)
	out.Comma, out.UseCRLF = ';', true
	share := func(row kitRow) string {
		if row.Lines == 0 {
			return ""
		}
		return strings.Replace(fmt.Sprintf("%.1f %%", row.Share()), ".", p.point(), 1)
	}
	_ = out.Write(headers) // a buffer takes everything
	for _, row := range p.Rows {
		_ = out.Write([]string{plainCell(row.Within), plainCell(cmp.Or(row.Name, unassigned)), fmt.Sprint(row.Lines), fmt.Sprint(row.Cut), share(row)})
	}
	_ = out.Write([]string{"", total, fmt.Sprint(p.Total.Lines), fmt.Sprint(p.Total.Cut), share(p.Total)})
	out.Flush()
	download(w, p.file()+".csv", table.Bytes())
}

func (p kitPage) point() string {
	if p.French {
		return ","
	}
	return "."
}

// file is what the table is called on somebody's disk.
func (p kitPage) file() string {
	name := map[bool]string{true: "suspensions", false: "cut-offs"}[p.French]
	return name + "-" + p.Now.Std().Format("2006-01-02")
}

// plainCell is a text that no spreadsheet takes for a formula.
func plainCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// kitXLSX is the same with numbers that a spreadsheet can go on with.
func (s *site) kitXLSX(w http.ResponseWriter, r *http.Request) {
	p := s.kitTable(r)
	headers, unassigned, total, err := p.words()
	if err != nil || p.Fault {
		s.noTable(w, err)
		return
	}
	data, err := p.workbook(headers, unassigned, total)
	if err != nil {
		s.noTable(w, err)
		return
	}
	download(w, p.file()+".xlsx", data)
}

func (p kitPage) workbook(headers []string, unassigned, total string) (data []byte, err error) {
	book := excelize.NewFile()
	defer func() { err = errors.Join(err, book.Close()) }()
	bold, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, err
	}
	percent, err := book.NewStyle(&excelize.Style{NumFmt: 10}) // 0.00%
	if err != nil {
		return nil, err
	}
	const sheet = "Sheet1"
	last := len(p.Rows) + 2
	share := func(row kitRow) any {
		if row.Lines == 0 {
			return nil
		}
		return row.Share() / 100
	}
	put := func(y int, cells ...any) error { return book.SetSheetRow(sheet, fmt.Sprintf("A%d", y), &cells) }
	errs := []error{put(1, headers[0], headers[1], headers[2], headers[3], headers[4])}
	for i, row := range p.Rows {
		errs = append(errs, put(i+2, row.Within, cmp.Or(row.Name, unassigned), row.Lines, row.Cut, share(row)))
	}
	errs = append(errs,
		put(last, "", total, p.Total.Lines, p.Total.Cut, share(p.Total)),
		book.SetColWidth(sheet, "A", "B", 34), book.SetColWidth(sheet, "C", "E", 18),
		book.SetCellStyle(sheet, "E2", fmt.Sprintf("E%d", last), percent),
		book.SetRowStyle(sheet, 1, 1, bold), book.SetRowStyle(sheet, last, last, bold),
		book.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}),
	)
	var out bytes.Buffer
	if err := errors.Join(append(errs, book.Write(&out))...); err != nil {
		return nil, fmt.Errorf("write table: %w", err)
	}
	return out.Bytes(), nil
}

// noTable says that a table can't be had.
func (s *site) noTable(w http.ResponseWriter, err error) {
	if err != nil {
		s.Log.Error("make a table", "error", err)
	}
	http.Error(w, "this table can't be made; the log says why", http.StatusInternalServerError)
}

// download answers with a file to keep.
func download(w http.ResponseWriter, name string, data []byte) {
	kind := "text/csv; charset=utf-8"
	if strings.HasSuffix(name, ".xlsx") {
		kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(data)
}
