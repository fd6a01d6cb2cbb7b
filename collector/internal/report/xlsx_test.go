package report_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/zerofax/zerofax/collector/internal/report"
)

// file is a report as an XLSX file.
func file(t *testing.T, r report.Report, language string, h *hospital) (data []byte, book *excelize.File) {
	t.Helper()
	var out bytes.Buffer
	if err := r.WriteXLSX(&out, report.In(language, h.zone, r.At)); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { book.Close() })
	return out.Bytes(), book
}

// row is the first row of a sheet that begins with a text.
func row(t *testing.T, book *excelize.File, sheet, first string) []string {
	t.Helper()
	rows, err := book.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range rows {
		if len(cells) > 0 && cells[0] == first {
			return cells
		}
	}
	t.Fatalf("sheet %s has no row %q", sheet, first)
	return nil
}

func theFileHasTheReportsFiguresInBothLanguages(t *testing.T, h *hospital) {
	r := h.report(t, 202610, "")
	for language, want := range map[string]struct {
		sheets string
		rows   [][2]string // sheet and cells
	}{
		"fr": {"Synthèse Indicateurs Services Lignes Après coupure Exceptions Météo Complétude", [][2]string{
			{"Synthèse", "Fax émis (pages)|434|pages|certain|420|420|100|+334"},
			{"Synthèse", "Fax internes (messages)|inconnu|messages|rien ne le dit|inconnu|inconnu"},
			{"Synthèse", "Lignes coupées|1|20.0%"},
			{"Synthèse", "Total général|5|1|4"},
			{"Synthèse", "01/12/2026|1|Pédiatrie"},
			{"Indicateurs", "août 2026|3||300||420"},
			{"Indicateurs", "oct. 2026|2||310|7|434|600"},
			{"Services", "Pédiatrie||CH de Cholet|1|0|0|0|inconnu|inconnu|inconnu"},
			{"Lignes", "0241354001|" + attack + "||CHU d’Angers|coupée|active|xerox-2|01/09/2026|05/10/2026"},
			{"Après coupure", "0241354001|" + attack + "|après la coupure|certain|93|pages|reçus"},
			{"Exceptions", "0241354002|Archives|CHU d’Angers|+33 d’astreinte|01/11/2026|oui"},
		}},
		"en": {"Summary Indicators Departments Lines After cut-off Exceptions Weather Completeness", [][2]string{
			{"Summary", "Faxes sent (pages)|434|pages|certain|420|420|100|+334"},
			{"Summary", "Internal faxes (messages)|unknown|messages|nothing tells it"},
			{"Lines", "0241354000|Accueil & soins urgents|Urgences|CHU d’Angers|overdue|active"},
		}},
	} {
		_, book := file(t, r, language, h)
		if got := strings.Join(book.GetSheetList(), " "); got != want.sheets {
			t.Errorf("%s: got the sheets %s, want %s", language, got, want.sheets)
		}
		for _, x := range want.rows {
			first, _, _ := strings.Cut(x[1], "|")
			if got := strings.Join(row(t, book, x[0], first), "|"); !strings.HasPrefix(got, x[1]) {
				t.Errorf("%s, %s: got %q, want %q", language, x[0], got, x[1])
			}
		}
	}
}

func noNameBecomesAFormula(t *testing.T, h *hospital) {
	_, book := file(t, h.report(t, 202610, ""), "fr", h)
	seen := 0
	for _, sheet := range book.GetSheetList() {
		rows, err := book.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for y := range rows {
			for x := range rows[y] {
				cell, _ := excelize.CoordinatesToCellName(x+1, y+1)
				formula, err := book.GetCellFormula(sheet, cell)
				if err != nil || formula != "" {
					t.Errorf("%s!%s: got the formula %q, %v", sheet, cell, formula, err)
				}
				if rows[y][x] != attack {
					continue
				}
				seen++
				if kind, _ := book.GetCellType(sheet, cell); kind != excelize.CellTypeSharedString {
					t.Errorf("%s!%s: got type %v, want a text", sheet, cell, kind)
				}
			}
		}
	}
	if seen < 4 {
		t.Errorf("found the name %d times, want it in the sheets of services, lines, after cut-off and the summary", seen)
	}
}

func chartsAreDrawnFromCellsThatHoldFigures(t *testing.T, h *hospital) {
	data, book := file(t, h.report(t, 202610, ""), "fr", h)
	charts, refs := 0, 0
	for name, part := range parts(t, data) {
		if !strings.HasPrefix(name, "xl/charts/chart") {
			continue
		}
		charts++
		for _, ref := range part.texts["f"] {
			refs++
			sheet, cells, found := strings.Cut(ref, "!")
			from, to, isRange := strings.Cut(strings.ReplaceAll(cells, "$", ""), ":")
			if !isRange {
				to = from
			}
			if !found || !anything(t, book, strings.Trim(sheet, "'"), from, to) {
				t.Errorf("%s is drawn from %s, where there is nothing", name, ref)
			}
		}
		if blanks := part.attributes["dispBlanksAs"]; blanks != "gap" {
			t.Errorf("%s shows what is unknown as %q, want a gap", name, blanks)
		}
	}
	if charts != 5 || refs < 3*charts {
		t.Errorf("got %d charts with %d references, want 5 with a name, categories and values each", charts, refs)
	}
}

// anything tells whether a range has a cell that isn't empty.
func anything(t *testing.T, book *excelize.File, sheet, from, to string) bool {
	t.Helper()
	left, top, err := excelize.CellNameToCoordinates(from)
	if err != nil {
		t.Fatal(err)
	}
	right, bottom, err := excelize.CellNameToCoordinates(to)
	if err != nil {
		t.Fatal(err)
	}
	for x := left; x <= right; x++ {
		for y := top; y <= bottom; y++ {
			cell, _ := excelize.CoordinatesToCellName(x, y)
			if value, err := book.GetCellValue(sheet, cell); err == nil && value != "" {
				return true
			}
		}
	}
	return false
}

// part is what an XML part of a file says.
type part struct {
	texts      map[string][]string // by element
	attributes map[string]string   // val of elements
}

// parts are all XML parts of a file; each must parse.
func parts(t *testing.T, data []byte) map[string]part {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]part{}
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, ".xml") || strings.HasSuffix(f.Name, ".rels") {
			all[f.Name] = parsed(t, f)
		}
	}
	return all
}

func parsed(t *testing.T, f *zip.File) part {
	t.Helper()
	in, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	p := part{texts: map[string][]string{}, attributes: map[string]string{}}
	element := ""
	for decoder := xml.NewDecoder(in); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			element = x.Name.Local
			for _, a := range x.Attr {
				if a.Name.Local == "val" {
					p.attributes[element] = a.Value
				}
			}
		case xml.CharData:
			p.texts[element] = append(p.texts[element], string(x))
		case xml.EndElement:
			element = ""
		}
	}
}
