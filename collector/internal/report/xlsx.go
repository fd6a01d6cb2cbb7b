package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// book is an XLSX file in the making. Its first error ends it.
type book struct {
	*excelize.File
	Words
	styles map[string]int
	err    error
}

// sheet is one of its sheets, written row by row.
type sheet struct {
	*book
	name string
	row  int // the next one, from 1 on
}

// headHeight has room for two lines, in points.
const headHeight = 32

// blank is a cell that stays empty because nothing is known: charts leave a gap there, and draw a text as 0.
type blank struct{}

// WriteXLSX writes the report as an Excel file with charts that Excel draws from its cells.
func (r *Report) WriteXLSX(w io.Writer, words Words) error {
	b := &book{File: excelize.NewFile(), Words: words}
	defer b.Close()
	b.makeStyles()
	figures := b.indicators(r)
	b.summary(r, figures)
	b.services(r)
	b.lines(r)
	b.after(r)
	b.exceptions(r)
	b.weather(r)
	b.completeness(r)
	b.finish(r)
	if b.err != nil {
		return fmt.Errorf("make XLSX: %w", b.err)
	}
	return b.Write(w)
}

func (b *book) check(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *book) say(key string, args ...any) string {
	text, err := b.T(key, args...)
	b.check(err)
	return text
}

func (b *book) makeStyles() {
	thin := []excelize.Border{{Type: "bottom", Color: "C8CDD3", Style: 1}}
	format := func(code string) *string { return &code }
	day, instant := format("dd/mm/yyyy"), format("dd/mm/yyyy hh:mm")
	grouped, gap, share := format("#,##0"), format("+#,##0;-#,##0;0"), format("0.0%")
	top, right := &excelize.Alignment{Vertical: "top", WrapText: true, Indent: 1}, &excelize.Alignment{Vertical: "top", Horizontal: "right"}
	font := func(f excelize.Font) *excelize.Font {
		f.Family, f.Size = "Calibri", max(f.Size, 11)
		return &f
	}
	b.styles = map[string]int{}
	for name, style := range map[string]excelize.Style{
		"title":   {Font: font(excelize.Font{Bold: true, Size: 16})},
		"part":    {Font: font(excelize.Font{Bold: true, Size: 12, Color: "1F4E79"})},
		"head":    {Font: font(excelize.Font{Bold: true, Color: "FFFFFF"}), Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"1F4E79"}}, Alignment: &excelize.Alignment{Vertical: "center", WrapText: true}},
		"text":    {Border: thin, Alignment: top},
		"number":  {Border: thin, CustomNumFmt: grouped, Alignment: right},
		"gap":     {Border: thin, CustomNumFmt: gap, Alignment: right},
		"share":   {Border: thin, CustomNumFmt: share, Alignment: right},
		"tenth":   {Border: thin, CustomNumFmt: format("0.0"), Alignment: right},
		"day":     {Border: thin, CustomNumFmt: day, Alignment: &excelize.Alignment{Vertical: "top", Horizontal: "left", Indent: 1}},
		"instant": {Border: thin, CustomNumFmt: instant, Alignment: &excelize.Alignment{Vertical: "top", Horizontal: "left", Indent: 1}},
		"unknown": {Border: thin, Font: font(excelize.Font{Italic: true, Color: "6B7280"}), Alignment: right},
		"blank":   {Border: thin, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E5E7EB"}}},
		"total":   {Font: font(excelize.Font{Bold: true}), CustomNumFmt: grouped, Border: []excelize.Border{{Type: "top", Color: "1F4E79", Style: 2}}},
		"note":    {Font: font(excelize.Font{Italic: true, Color: "6B7280"})},
	} {
		var err error
		b.styles[name], err = b.NewStyle(&style)
		b.check(err)
	}
}

// sheet adds a sheet with columns of such widths, in characters.
func (b *book) sheet(key string, widths ...float64) *sheet {
	s := &sheet{book: b, name: b.say(key), row: 1}
	_, err := b.NewSheet(s.name)
	b.check(err)
	for i, width := range widths {
		column, err := excelize.ColumnNumberToName(i + 1)
		b.check(err)
		b.check(b.SetColWidth(s.name, column, column, width))
	}
	return s
}

// at is the name of a cell of a row.
func (s *sheet) at(column, row int) string {
	name, err := excelize.CoordinatesToCellName(column, row)
	s.check(err)
	return name
}

// write puts values into the next row. Texts are stored as such and never as formulas, whatever they begin with.
func (s *sheet) write(style string, values ...any) {
	for i, value := range values {
		s.cell(s.at(i+1, s.row), style, value)
	}
	s.row++
}

// cell writes a value in a style; "" is the one that suits the value.
func (s *sheet) cell(at, style string, value any) {
	suits := "text"
	switch v := value.(type) {
	case nil:
		suits = "text"
	case blank:
		suits, style = "blank", ""
	case *int64:
		if v == nil {
			s.cell(at, "unknown", s.say("report.unknown"))
			return
		}
		suits = "number"
		s.check(s.SetCellInt(s.name, at, *v))
	case int64:
		suits = "number"
		s.check(s.SetCellInt(s.name, at, v))
	case float64:
		suits = "tenth"
		s.check(s.SetCellFloat(s.name, at, v, -1, 64))
	case ledger.Day:
		suits = "day"
		s.day(at, v)
	case wire.Time:
		suits = "instant"
		if v != 0 {
			s.check(s.SetCellValue(s.name, at, onClock(v.Std().In(s.location))))
		}
	default:
		s.check(s.SetCellStr(s.name, at, fmt.Sprint(v)))
	}
	if style == "" {
		style = suits
	}
	s.check(s.SetCellStyle(s.name, at, at, s.styles[style]))
}

func (s *sheet) day(at string, d ledger.Day) {
	switch t, err := time.Parse(time.DateOnly, string(d)); {
	case d == "":
	case err == nil:
		s.check(s.SetCellValue(s.name, at, t))
	default:
		s.check(s.SetCellStr(s.name, at, string(d)))
	}
}

// onClock is a time as a clock on the wall shows it, to the minute: Excel knows no zones.
func onClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
}

// head writes the headers of a table, with the keys of their texts.
func (s *sheet) head(keys ...string) {
	names := make([]any, len(keys))
	for i, key := range keys {
		names[i] = s.say("report.column." + key)
	}
	s.check(s.SetRowHeight(s.name, s.row, headHeight))
	s.write("head", names...)
}

// part writes the name of what follows, a row below.
func (s *sheet) part(key string, args ...any) {
	s.row++
	s.write("part", s.say(key, args...))
}

// freeze keeps the rows until now, and the first columns, in sight and on each printed page.
func (s *sheet) freeze(columns int) {
	cell := s.at(columns+1, s.row)
	s.check(s.SetPanes(s.name, &excelize.Panes{Freeze: true, XSplit: columns, YSplit: s.row - 1, TopLeftCell: cell, ActivePane: "bottomRight"}))
	s.check(s.SetDefinedName(&excelize.DefinedName{
		Name: "_xlnm.Print_Titles", RefersTo: fmt.Sprintf("%s!$%d:$%d", quoted(s.name), s.row-1, s.row-1), Scope: s.name,
	}))
}

// quoted is a sheet's name as formulas have it.
func quoted(sheet string) string { return "'" + strings.ReplaceAll(sheet, "'", "''") + "'" }

// cells is a range of a column as charts name it.
func (s *sheet) cells(column, from, to int) string {
	first, err := excelize.CoordinatesToCellName(column, from, true)
	s.check(err)
	last, err := excelize.CoordinatesToCellName(column, to, true)
	s.check(err)
	return quoted(s.name) + "!" + first + ":" + last
}

// one is a cell as charts name it.
func (s *sheet) one(column, row int) string {
	name, err := excelize.CoordinatesToCellName(column, row, true)
	s.check(err)
	return quoted(s.name) + "!" + name
}

// finish puts the sheets in order and says how they are printed.
func (b *book) finish(r *Report) {
	b.check(b.DeleteSheet("Sheet1"))
	first := b.say("report.sheet.summary")
	b.check(b.MoveSheet(first, b.GetSheetName(0)))
	index, err := b.GetSheetIndex(first)
	b.check(err)
	b.SetActiveSheet(index)
	title := b.title(r)
	paper, wide, any, landscape, fit := 9, 1, 0, "landscape", true // 9 is A4
	for _, name := range b.GetSheetList() {
		b.check(b.SetPageLayout(name, &excelize.PageLayoutOptions{Size: &paper, Orientation: &landscape, FitToWidth: &wide, FitToHeight: &any}))
		b.check(b.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &fit}))
		b.check(b.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddFooter: "&L" + short(strings.ReplaceAll(title, "&", "&&")) + "&R&A  &P / &N"}))
	}
	b.check(b.SetDocProps(&excelize.DocProperties{
		Title: title, Creator: "zerofax", LastModifiedBy: "zerofax", Created: stamp(r.At), Modified: stamp(r.At), Language: b.say("language"),
	}))
}

// short is what a footer has room for: 255 characters with all its codes.
func short(text string) string {
	letters := []rune(text)
	return string(letters[:min(len(letters), 200)])
}

func stamp(t wire.Time) string { return t.Std().UTC().Format(time.RFC3339) }

// title names the report.
func (b *book) title(r *Report) string {
	month, err := b.MonthName(r.Month)
	b.check(err)
	title := b.say("report.title", month)
	if r.Name != "" {
		title += " · " + r.Name
	}
	return title
}

// orUnknown is a figure for a table.
func orUnknown(f indicators.Figure) any { return f.Value }

// orBlank is a figure for a chart.
func orBlank(f indicators.Figure) any {
	if f.Value == nil {
		return blank{}
	}
	return *f.Value
}

// orEmpty is a number that need not be there.
func orEmpty(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}
