package register

import (
	"archive/zip"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// Tables as hospitals have them: titles, merged cells, several sheets, whatever the last one left.

func readLines(t *testing.T, text string) (*Table, error) {
	t.Helper()
	return Read(file(t, "lines.csv", text), "", Lines)
}

func TestTitlesAboveTheHeadersAreNoRows(t *testing.T) {
	table, err := readLines(t, "Lignes de fax du CHU;;\r\n\r\nau 12/10/2026;;\r\nNum\u00e9ro;Service;\r\n0241354000;Oncologie;\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cells(table, "number", "service"), "5|0241354000|Oncologie"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWithoutHeadersOnlyThatIsSaid(t *testing.T) {
	for text, want := range map[string]string{
		"Lignes;Hôpital\n1;2\n3;4\n":              `lines.csv:1: "Hôpital" is no column of lines`,
		"Lignes de fax du CHU;;\n":                `lines.csv:1: "Lignes de fax du CHU" is no column of lines`,
		"0241354000;Oncologie\n0241354001;Onco\n": `lines.csv:1: "0241354000" is no column of lines`,
	} {
		_, err := readLines(t, text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 1 {
			t.Errorf("%q\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestAnUnreadableCharacterIsAFault(t *testing.T) {
	_, err := readLines(t, "\ufeffnumber,service\n0241354000,P\xf4le\n")
	if err == nil || !strings.Contains(err.Error(), "lines.csv:2: service: \"P\ufffdle\" has a character that can't be read") {
		t.Errorf("got %v", err)
	}
}

func TestATableOfNothingButFaultsIsNotReadToTheEnd(t *testing.T) {
	_, err := readLines(t, "number\n"+strings.Repeat("0241354000;;;x\n", 100_000))
	if err == nil || strings.Count(err.Error(), "\n") > maxFaults+1 || !strings.Contains(err.Error(), "the rest wasn't looked at") {
		t.Errorf("got %d faults", strings.Count(err.Error(), "\n"))
	}
}

func TestAMergedCellCountsForAllItsRows(t *testing.T) {
	path := sheet(t, func(x *excelize.File) {
		for i, row := range [][]any{
			{"Lignes de fax", "", ""},
			{"Numéro", "Service", "Coupure prévue"},
			{"0241354000", "Oncologie", "31/12/2026"},
			{"0241354001"},
			{"0241354002", "Cardiologie", ""},
		} {
			cell, _ := excelize.CoordinatesToCellName(1, i+1)
			x.SetSheetRow("Sheet1", cell, &row)
		}
		for _, m := range [][2]string{{"A1", "C1"}, {"B3", "B4"}, {"C3", "C4"}} {
			x.MergeCell("Sheet1", m[0], m[1])
		}
	})
	table, err := Read(path, "", Lines)
	if err != nil {
		t.Fatal(err)
	}
	want := "3|0241354000|Oncologie|31/12/2026\n4|0241354001|Oncologie|31/12/2026\n5|0241354002|Cardiologie|"
	if got := cells(table, "number", "service", "cutoff"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOfSeveralSheetsTheOneThatIsReadIsNamed(t *testing.T) {
	path := sheet(t, func(x *excelize.File) {
		x.SetCellStr("Sheet1", "A1", "number")
		x.NewSheet("Anciennes lignes")
	})
	table, err := Read(path, "", Lines)
	if err != nil || len(table.Notes) != 1 || table.Notes[0].String() != `lignes.xlsx: sheet "Sheet1" is read, not Anciennes lignes; --sheet names another` {
		t.Errorf("got %v, %v", table.Notes, err)
	}
	if table, err = Read(path, "Sheet1", Lines); err != nil || len(table.Notes) != 0 {
		t.Errorf("named: got %v, %v", table.Notes, err)
	}
}

func TestAFormulaWithoutItsValueIsAFault(t *testing.T) {
	path := sheet(t, func(x *excelize.File) {
		x.SetSheetRow("Sheet1", "A1", &[]any{"number", "service", "contact"})
		x.SetSheetRow("Sheet1", "A2", &[]any{"0241354000", nil, "Anne"})
		x.SetCellFormula("Sheet1", "B2", "VLOOKUP(A2,Z:Z,1)")
	})
	_, err := Read(path, "", Lines)
	if err == nil || !strings.Contains(err.Error(), "lignes.xlsx: has a formula without its value in B2") {
		t.Errorf("got %v", err)
	}
}

// What a program of two minutes' work can write must not take all memory.
func TestASheetWithFarTooManyMergedCellsIsAFault(t *testing.T) {
	path := sheet(t, func(x *excelize.File) {
		x.SetCellStr("Sheet1", "XFD1", "1")
		x.SetCellStr("Sheet1", "A1000", "1")
		x.MergeCell("Sheet1", "XFD1", "XFD2")
	})
	change(t, path, "xl/worksheets/sheet1.xml", `"XFD1:XFD2"`, `"XFD1:XFD1000"`) // excelize itself would take ten seconds
	_, err := Read(path, "", Lines)
	if err == nil || !strings.Contains(err.Error(), "merged cells over more than 4000000") {
		t.Errorf("got %v", err)
	}
}

// change puts something else in one of the parts of a workbook.
func change(t *testing.T, path, part, old, text string) {
	t.Helper()
	from, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	files := map[string]string{}
	for _, f := range from.File {
		data, err := fs.ReadFile(from, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(data)
	}
	if strings.Count(files[part], old) != 1 {
		t.Fatalf("%s: want %s once in %s", part, old, files[part])
	}
	files[part] = strings.Replace(files[part], old, text, 1)
	if err := os.Rename(zipped(t, files), path); err != nil {
		t.Fatal(err)
	}
}
