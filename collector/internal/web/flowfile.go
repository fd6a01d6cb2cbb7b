package web

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/xuri/excelize/v2"

	"github.com/zerofax/zerofax/collector/internal/indicators"
)

// flowRow is a flow of a month as files have it, one for each month and pair of services.
type flowRow struct {
	Month, Unit, Kind, From, FromIn, To, ToIn string
	Count, Failed                             int64
	Pages                                     *int64
}

// flowColumns are the heads of its columns.
func (p *flowsPage) flowColumns() ([]string, error) {
	return p.words("flows.column.", "month", "unit", "kind", "from", "from.in", "to", "to.in", "count", "failed", "pages")
}

// words are texts by the ends of their keys.
func (s speech) words(begin string, keys ...string) (list []string, err error) {
	for _, key := range keys {
		text, err := s.T(begin + key)
		if err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, nil
}

// flowRows are all flows of the page.
func (p *flowsPage) flowRows() (rows []flowRow, err error) {
	unit, err := p.T("flows.unit." + string(p.Unit))
	if err != nil {
		return nil, err
	}
	for i := range p.flows {
		f := &p.flows[i]
		kind := "received"
		switch {
		case f.Internal():
			kind = "internal"
		case f.Source.Ours():
			kind = "sent"
		}
		row := flowRow{Month: monthText(f.From), Unit: unit, FromIn: p.within(f.Source.Scope), ToIn: p.within(f.Destination.Scope), Count: f.Count, Failed: f.Failed}
		if f.Paged > 0 {
			row.Pages = &f.Pages
		}
		if row.Kind, err = p.T("flows.kind." + kind); err != nil {
			return nil, err
		}
		if row.From, err = p.endName(f.Source); err != nil {
			return nil, err
		}
		if row.To, err = p.endName(f.Destination); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// endName is what an end is called in a file.
func (s speech) endName(e indicators.End) (string, error) {
	switch {
	case e.Kind != indicators.Inside:
		return s.T("flows.crossed." + string(e.Kind))
	case e.Service == "":
		return s.T("unassigned")
	}
	return e.Name, nil
}

// file is what the page is called on somebody's disk.
func (p *flowsPage) file() (string, error) {
	name, err := p.T("flows.file")
	return fmt.Sprintf("%s-%s-%s", name, monthText(p.First), monthText(p.Last)), err
}

func (s *site) flowsCSV(w http.ResponseWriter, r *http.Request) {
	p, err := s.flowsOf(r)
	if err != nil || p.Fault {
		s.noTable(w, err)
		return
	}
	data, err := p.csv()
	name, wrong := p.file()
	if err = errors.Join(err, wrong); err != nil {
		s.noTable(w, err)
		return
	}
	download(w, name+".csv", data)
}

// csv has a row for each month and pair, as spreadsheets make pivot tables of.
func (p *flowsPage) csv() ([]byte, error) {
	heads, err := p.flowColumns()
	if err != nil {
		return nil, err
	}
	rows, err := p.flowRows()
	if err != nil {
		return nil, err
	}
	var table bytes.Buffer
	table.WriteString("\ufeff")
	out := csv.NewWriter(&table)
	out.Comma, out.UseCRLF = ';', true
	_ = out.Write(heads) // a buffer takes everything
	for _, x := range rows {
		pages := ""
		if x.Pages != nil {
			pages = strconv.FormatInt(*x.Pages, 10)
		}
		_ = out.Write([]string{
			x.Month, x.Unit, x.Kind, plainCell(x.From), plainCell(x.FromIn), plainCell(x.To), plainCell(x.ToIn),
			strconv.FormatInt(x.Count, 10), strconv.FormatInt(x.Failed, 10), pages,
		})
	}
	out.Flush()
	return table.Bytes(), nil
}

func (s *site) flowsXLSX(w http.ResponseWriter, r *http.Request) {
	p, err := s.flowsOf(r)
	if err != nil || p.Fault {
		s.noTable(w, err)
		return
	}
	_, books := s.frame(r, "title.flows")
	partners, err := s.partners(r.Context(), s.books(r), &p, books.Lines, mostPartners)
	if err != nil {
		s.noTable(w, err)
		return
	}
	p.Partners = partners
	p.Crossed = p.cross(len(p.register.Services) + 1)
	data, err := p.workbook()
	name, wrong := p.file()
	if err = errors.Join(err, wrong); err != nil {
		s.noTable(w, err)
		return
	}
	download(w, name+".xlsx", data)
}

// flowBook is an XLSX file in the making. Its first error ends it.
type flowBook struct {
	*excelize.File
	page *flowsPage
	bold int
	err  error
}

func (b *flowBook) check(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *flowBook) say(key string, args ...any) string {
	text, err := b.page.T(key, args...)
	b.check(err)
	return text
}

// workbook has the flows as a table, a pivot table of it, the matrix, services, months with a chart, and correspondents.
func (p *flowsPage) workbook() (data []byte, err error) {
	b := &flowBook{File: excelize.NewFile(), page: p}
	defer func() { err = errors.Join(err, b.Close()) }()
	b.bold, err = b.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	b.check(err)
	b.about()
	last := b.data()
	b.pivot(last)
	b.matrix()
	b.services()
	b.months()
	b.partners()
	b.check(b.DeleteSheet("Sheet1"))
	var out bytes.Buffer
	if b.err == nil {
		b.check(b.Write(&out))
	}
	if b.err != nil {
		return nil, fmt.Errorf("make XLSX: %w", b.err)
	}
	return out.Bytes(), nil
}

// sheet adds a sheet with columns of such widths.
func (b *flowBook) sheet(key string, widths ...float64) string {
	name := b.say("flows.sheet." + key)
	_, err := b.NewSheet(name)
	b.check(err)
	for i, width := range widths {
		column, err := excelize.ColumnNumberToName(i + 1)
		b.check(err)
		b.check(b.SetColWidth(name, column, column, width))
	}
	return name
}

// put writes a row.
func (b *flowBook) put(sheet string, y int, cells ...any) {
	b.check(b.SetSheetRow(sheet, "A"+strconv.Itoa(y), &cells))
}

// at is a cell's name.
func (b *flowBook) at(x, y int) string {
	name, err := excelize.CoordinatesToCellName(x, y)
	b.check(err)
	return name
}

// table makes the first rows of a sheet a table that can be sorted and filtered.
func (b *flowBook) table(sheet, name string, columns, rows int) {
	if rows < 2 {
		return // a table needs a row
	}
	b.check(b.AddTable(sheet, &excelize.Table{Range: "A1:" + b.at(columns, rows), Name: name, StyleName: "TableStyleMedium2"}))
	b.check(b.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}))
}

func texted(list []string) (cells []any) {
	for _, x := range list {
		cells = append(cells, x)
	}
	return cells
}

func (b *flowBook) heads(keys ...string) []any {
	list, err := b.page.words("flows.column.", keys...)
	b.check(err)
	return texted(list)
}

func (b *flowBook) about() {
	p, sheet := b.page, b.sheet("about", 110)
	chosen, err := p.Chosen()
	b.check(err)
	for i, text := range []string{
		b.say("title.flows"), joined(" · ", p.Period, chosen, b.say("flows.unit."+string(p.Unit))), p.Coverage,
		b.say("flows.units.mean"), b.say("flows.internal.mean"), b.say("flows.trend.note"), b.say("flows.partners.mean"),
	} {
		b.put(sheet, i+1, text)
	}
	if p.Partly {
		b.put(sheet, 8, b.say("flows.partly"))
	}
	b.check(b.SetCellStyle(sheet, "A1", "A1", b.bold))
}

// data is a row for each month and pair; it says how many rows there are, with the heads.
func (b *flowBook) data() int {
	sheet := b.sheet("data", 10, 12, 10, 30, 34, 30, 34, 10, 10, 12)
	heads, err := b.page.flowColumns()
	b.check(err)
	b.put(sheet, 1, texted(heads)...)
	rows, err := b.page.flowRows()
	b.check(err)
	for i, x := range rows {
		var pages any
		if x.Pages != nil {
			pages = *x.Pages
		}
		b.put(sheet, i+2, x.Month, x.Unit, x.Kind, x.From, x.FromIn, x.To, x.ToIn, x.Count, x.Failed, pages)
	}
	b.table(sheet, "flows", len(heads), len(rows)+1)
	return len(rows) + 1
}

// pivot is a pivot table of the data, that its user can turn.
func (b *flowBook) pivot(last int) {
	if last < 2 {
		return
	}
	heads, err := b.page.flowColumns()
	b.check(err)
	if b.err != nil {
		return
	}
	data, sheet := b.say("flows.sheet.data"), b.sheet("pivot", 34)
	b.check(b.AddPivotTable(&excelize.PivotTableOptions{
		DataRange: data + "!A1:" + b.at(len(heads), last), PivotTableRange: sheet + "!A3:Z60",
		Rows: []excelize.PivotTableField{{Data: heads[3], DefaultSubtotal: true}}, Columns: []excelize.PivotTableField{{Data: heads[5], DefaultSubtotal: true}},
		Filter:         []excelize.PivotTableField{{Data: heads[0]}, {Data: heads[2]}},
		Data:           []excelize.PivotTableField{{Data: heads[7], Name: heads[7] + " ", Subtotal: "Sum"}},
		RowGrandTotals: true, ColGrandTotals: true, ShowRowHeaders: true, ShowColHeaders: true, ShowLastColumn: true, PivotTableStyleName: "PivotStyleMedium2",
	}))
}

// crossedName is an end of the matrix in words.
func (b *flowBook) crossedName(e crossedEnd) string {
	if e.Kind != "" {
		return b.say("flows.crossed." + e.Kind)
	}
	return cmp.Or(e.Name, b.say("unassigned"))
}

// matrix is who faxes whom, shaded by Excel itself.
func (b *flowBook) matrix() {
	c, sheet := &b.page.Crossed, b.sheet("crossed", 34)
	heads := []any{b.say("flows.crossed.from")}
	for _, head := range c.Heads {
		heads = append(heads, b.crossedName(head))
	}
	b.put(sheet, 1, append(heads, b.say("flows.crossed.total"))...)
	total := []any{b.say("flows.crossed.total")}
	for i, row := range c.Rows {
		cells := []any{b.crossedName(row.crossedEnd)}
		for _, cell := range row.Cells {
			if cell.Count == 0 {
				cells = append(cells, nil)
			} else {
				cells = append(cells, cell.Count)
			}
		}
		b.put(sheet, i+2, append(cells, row.Total)...)
		total = append(total, c.Total.Cells[i].Count)
	}
	b.put(sheet, len(c.Rows)+2, append(total, c.Total.Total)...)
	if len(c.Rows) == 0 {
		return
	}
	b.check(b.SetConditionalFormat(sheet, "B2:"+b.at(len(c.Heads)+1, len(c.Rows)+1), []excelize.ConditionalFormatOptions{
		{Type: "2_color_scale", Criteria: "=", MinType: "min", MaxType: "max", MinColor: "#FFFFFF", MaxColor: "#8FB3E8"},
	}))
	b.check(b.SetPanes(sheet, &excelize.Panes{Freeze: true, XSplit: 1, YSplit: 1, TopLeftCell: "B2", ActivePane: "bottomRight"}))
	b.check(b.SetRowStyle(sheet, 1, 1, b.bold))
}

// services are those with what they sent and received.
func (b *flowBook) services() {
	p, sheet := b.page, b.sheet("services", 34, 38, 14, 14, 16, 16, 12)
	heads := append(b.heads("service", "within"), b.say("flows.received"), b.say("flows.sent"))
	heads = append(append(heads, b.heads("inner.got", "inner.sent")...), b.say("flows.column.failed"))
	b.put(sheet, 1, heads...)
	rows := 1
	for _, x := range p.parties {
		if x.Kind != indicators.Inside {
			continue
		}
		rows++
		b.put(sheet, rows, cmp.Or(x.Name, b.say("unassigned")), p.within(x.Scope), x.Received, x.Sent, x.InternalReceived, x.InternalSent, x.Failed)
	}
	b.table(sheet, "services", len(heads), rows)
}

// months are the flows over time, with a chart. One that is unknown is left empty.
func (b *flowBook) months() {
	p, sheet := b.page, b.sheet("months", 14, 22, 22, 14)
	heads := []any{b.say("flows.column.month")}
	for _, s := range p.Trend.Series {
		heads = append(heads, s.Name)
	}
	b.put(sheet, 1, heads...)
	for i, month := 0, p.First; month <= p.Last; i, month = i+1, month.Add(1) {
		row := []any{monthText(month)}
		for _, s := range p.Trend.Series {
			if v := s.Values[i]; v != nil {
				row = append(row, int64(*v))
			} else {
				row = append(row, nil)
			}
		}
		b.put(sheet, i+2, row...)
	}
	last := len(p.Trend.Labels) + 1
	b.table(sheet, "months", len(heads), last)
	chart := &excelize.Chart{
		Type: excelize.Line, ShowBlanksAs: "gap", Dimension: excelize.ChartDimension{Width: 760, Height: 320},
		Title:  excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: p.Trend.Title + " (" + p.Trend.Unit + ")"}}},
		Legend: excelize.ChartLegend{Position: "bottom"}, YAxis: excelize.ChartAxis{MajorGridLines: true, Minimum: new(float64)},
	}
	for i := range p.Trend.Series {
		column := string(rune('B' + i))
		chart.Series = append(chart.Series, excelize.ChartSeries{
			Name: fmt.Sprintf("'%s'!$%s$1", sheet, column), Categories: fmt.Sprintf("'%s'!$A$2:$A$%d", sheet, last),
			Values: fmt.Sprintf("'%s'!$%s$2:$%s$%d", sheet, column, column, last),
		})
	}
	b.check(b.AddChart(sheet, "F2", chart))
}

// partners are the correspondents, masked.
func (b *flowBook) partners() {
	p, sheet := b.page, b.sheet("partners", 24, 40, 24, 24, 40, 16, 16, 12, 14)
	heads := append([]any{b.say("flows.partner")}, b.heads("name")...)
	heads = append(heads, p.say("partner.town"), p.say("partner.equipped"), p.say("partner.addresses"))
	for _, key := range []string{"received", "sent", "lines", "last"} {
		heads = append(heads, b.say("flows.partner."+key))
	}
	b.put(sheet, 1, heads...)
	for i, x := range p.Partners {
		last := any(nil)
		if x.Last != 0 {
			last = p.Day(x.Last)
		}
		b.put(sheet, i+2, x.Masked, x.Name, x.Known.Town(), p.say("partner."+x.Equipped()), x.Addresses(), x.Received, x.Sent, x.Lines, last)
	}
	b.table(sheet, "partners", len(heads), len(p.Partners)+1)
}
