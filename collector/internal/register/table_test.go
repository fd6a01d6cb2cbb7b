package register

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
)

// cells are a table's cells of some columns, row by row.
func cells(t *Table, columns ...string) string {
	var rows []string
	for _, row := range t.Rows {
		words := []string{fmt.Sprint(row.Number)}
		for _, column := range columns {
			text, given := t.get(row, column)
			if !given {
				text = "absent"
			}
			words = append(words, text)
		}
		rows = append(rows, strings.Join(words, "|"))
	}
	return strings.Join(rows, "\n")
}

func utf16Text(text string, big bool) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		if big {
			out = append(out, byte(unit>>8), byte(unit))
		} else {
			out = append(out, byte(unit), byte(unit>>8))
		}
	}
	return string(out)
}

func TestTablesAreReadAsProgramsWriteThem(t *testing.T) {
	const usual = "2|0241354000|Pôle Mère-Enfant"
	for _, test := range []struct{ name, text, want string }{
		{"semicolons", "numéro;service\n0241354000;Pôle Mère-Enfant\n", usual},
		{"commas", "number,service\n0241354000,Pôle Mère-Enfant\n", usual},
		{"tabs", "numéro\tservice\n0241354000\tPôle Mère-Enfant\n", usual},
		{"Windows' line ends, no last one", "numéro;service\r\n0241354000;Pôle Mère-Enfant", usual},
		{"UTF-8 with a mark", "\ufeffnuméro;service\n0241354000;Pôle Mère-Enfant\n", usual},
		{"Windows-1252", "num\xe9ro;service\n0241354000;P\xf4le M\xe8re-Enfant\n", usual},
		{"Windows-1252 with œ and ’", "num\xe9ro;service\n0241354000;C\x9cur d\x92enfant\n", "2|0241354000|Cœur d’enfant"},
		{"UTF-8 beyond what is read at once", "numéro;service\n0241354000;Pôle Mère-Enfant\n" + strings.Repeat("\"é\n€\n\";\n", 30_000), "many"},
		{"UTF-16", utf16Text("numéro;service\r\n0241354000;Pôle Mère-Enfant\r\n", false), usual},
		{"UTF-16, the other way round", utf16Text("numéro;service\r\n0241354000;Pôle Mère-Enfant\r\n", true), usual},
		{"accents as marks of their own", "nume\u0301ro;service\n0241354000;Po\u0302le Me\u0300re-Enfant\n", usual},
		{"Excel's own hint", "sep=,\r\nnuméro,service\r\n0241354000,Pôle Mère-Enfant\r\n", strings.Replace(usual, "2|", "3|", 1)},
		{"headers in capitals and without accents", "NUMERO DE FAX;Service \n0241354000;Pôle Mère-Enfant\n", usual},
		{"quotation marks", "\"numéro\";\"service\"\n\"0241354000\";\"Pôle Mère-Enfant\"\n", usual},
		{"separators inside marks", "number,service\n0241354000,\"a, \"\"b\"\"; c\"\n", `2|0241354000|a, "b"; c`},
		{"more commas in a text than separators", "numéro;service;\"motif, s'il y en a, bref\"\n", ""},
		{"line ends inside a cell", "numéro;service\n0241354000;\"Pôle\nMère\"\n0241354001;x\n", "2|0241354000|Pôle Mère\n3|0241354001|x"},
		{"empty lines", "\n\nnuméro;service\n\n0241354000;Pôle Mère-Enfant\n;;\n", strings.Replace(usual, "2|", "5|", 1)},
		{"spaces, also those that don't break", "numéro;service\n\u00a00241354000 ;  Pôle\u00a0 Mère-Enfant\u202f\n", usual},
		{"a guard against formulas", "numéro;service\n'+33241354000;'=x\n", "2|+33241354000|=x"},
		{"cells left out at the end", "numéro;service\n0241354000\n", "2|0241354000|"},
		{"empty columns at the end", "numéro;service;;\n0241354000;Pôle Mère-Enfant;;\n", usual},
	} {
		t.Run(test.name, func(t *testing.T) {
			table, err := Read(file(t, "lines.csv", test.text), "", Lines)
			if test.want == "" {
				if err == nil || !strings.Contains(err.Error(), `"motif, s'il y en a, bref" is no column`) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "many" {
				if len(table.Rows) != 30_001 || cells(&Table{Rows: table.Rows[30_000:], place: table.place}, "number") != "30002|é €" {
					t.Errorf("got %d rows, the last %v", len(table.Rows), table.Rows[30_000:])
				}
				return
			}
			if got := cells(table, "number", "service"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// sheet writes an Excel file.
func sheet(t *testing.T, fill func(*excelize.File)) string {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	fill(book)
	path := filepath.Join(t.TempDir(), "lignes.xlsx")
	if err := book.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExcelsCellsAreReadAsTheyAreMeant(t *testing.T) {
	path := sheet(t, func(book *excelize.File) {
		zeros := "0000"
		uf, _ := book.NewStyle(&excelize.Style{CustomNumFmt: &zeros})
		for cell, value := range map[string]any{
			"A1": "Numéro", "B1": "UF", "C1": "Coupure prévue", "D1": "Machine", "E1": "Service", "F1": "à revoir le", "G1": "contact",
			"A2": 241354000, "B2": 123, "C2": time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), "D2": "12E3", "E2": "Pôle", "F2": "31/12/2027", "G2": 49007000123456.0,
			"A4": "02 41 35 40 01", "B4": "0042", "C4": time.Date(2027, 1, 31, 18, 0, 0, 0, time.UTC), "D4": 7700, "E4": true, "G4": 1.5,
			"A5": 33241354002.0,
		} {
			if err := book.SetCellValue("Sheet1", cell, value); err != nil {
				t.Fatal(err)
			}
		}
		_ = book.SetCellStyle("Sheet1", "B2", "B2", uf)
	})
	table, err := Read(path, "", Lines)
	if err != nil {
		t.Fatal(err)
	}
	want := "2|241354000|0123|2026-12-31|12E3|Pôle|31/12/2027|49007000123456\n" +
		"4|02 41 35 40 01|0042|2027-01-31|7700|1||1.5\n" +
		"5|33241354002||||||"
	if got := cells(table, "number", "uf", "cutoff", "device", "service", "kept_until", "contact"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestExcelsOldCalendarAndOtherSheets(t *testing.T) {
	path := sheet(t, func(book *excelize.File) {
		yes := true
		if err := book.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}); err != nil {
			t.Fatal(err)
		}
		if _, err := book.NewSheet("Fax"); err != nil {
			t.Fatal(err)
		}
		for cell, value := range map[string]any{"A1": "numéro", "B1": "coupure prévue", "A2": "0241354000", "B2": 46387 - 1462} {
			if err := book.SetCellValue("Fax", cell, value); err != nil {
				t.Fatal(err)
			}
		}
	})
	table, err := Read(path, "Fax", Lines)
	if err != nil {
		t.Fatal(err)
	}
	if got := cells(table, "number", "cutoff"); got != "2|0241354000|2026-12-31" {
		t.Errorf("got %s", got)
	}
	if _, err := Read(path, "", Lines); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("the first sheet: got %v, want that it is empty", err)
	}
	if _, err := Read(path, "fax2", Lines); err == nil || !strings.Contains(err.Error(), `has no sheet "fax2"; want one of: Sheet1, Fax`) {
		t.Errorf("got %v", err)
	}
}

func TestFilesThatAreTooLargeOrBrokenAreRefused(t *testing.T) {
	small := *Lines
	small.limit = 100
	few := *Lines
	few.rows = 3
	for name, test := range map[string]struct {
		path, want string
		schema     *Schema
	}{
		"too large":             {file(t, "l.csv", strings.Repeat("x", 2*mega)), "has 2 MB; want 0 at most", &small},
		"too many rows":         {file(t, "l.csv", "number\n"+strings.Repeat("0241354000\n", 4)), "more than 3 rows", &few},
		"a cell that is a book": {file(t, "l.csv", "number;contact\n0241354000;"+strings.Repeat("x", maxCell+1)+"\n"), "has 1001 characters; want 1000", Lines},
		"half an Excel file":    {file(t, "l.xlsx", "PK\x03\x04 and no more"), "is no XLSX file that can be read", Lines},
		"a folder":              {t.TempDir(), "is a folder", Lines},
		"a sheet of a text":     {file(t, "l.csv", "number\n"), "has no sheets", Lines},
	} {
		sheet := ""
		if name == "a sheet of a text" {
			sheet = "x"
		}
		if _, err := Read(test.path, sheet, test.schema); !errors.As(err, new(Faults)) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %.200v, want %s", name, err, test.want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.csv"), "", Lines); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is no such file", err)
	}
}

func TestCodesAreCheckedAndNeverRefused(t *testing.T) {
	for text, want := range map[string]string{
		"490000031": "490000031", "750712184": "750712184", "590064036": "590064036", "49 000 003 1": "490000031", "": "",
		"10000024":  "010000024", // Excel ate the 0
		"490000032": "490000032 ?", "2A0000014": "2A0000014", "2b0000020": "2B0000020", "4900000": "4900000 ?", "CHU": "CHU ?",
	} {
		code, doubt := finess(text)
		if doubt != "" {
			code += " ?"
		}
		if code != want {
			t.Errorf("FINESS %q: got %q, want %q", text, code, want)
		}
	}
	for text, want := range map[string]string{
		"49007": "49007", "1004": "01004", "2a004": "2A004", "97411": "97411", "": "", "Angers": "Angers ?", "490070": "490070 ?",
	} {
		code, doubt := commune(text)
		if doubt != "" {
			code += " ?"
		}
		if code != want {
			t.Errorf("commune %q: got %q, want %q", text, code, want)
		}
	}
}

func TestIDsAreMadeOfNames(t *testing.T) {
	for name, want := range map[string]string{
		"Oncologie": "oncologie", "CHU d'Angers": "chu-d-angers", "Cœur & Vaisseaux": "coeur-vaisseaux", "Réa / USC (2e étage)": "rea-usc-2e-etage",
		"  ": "", "???": "", strings.Repeat("long ", 30): strings.TrimSuffix(strings.Repeat("long-", 12), "-"),
	} {
		if got := slug(name); got != want || got != "" && !isID(got) {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
