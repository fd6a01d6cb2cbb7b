package register

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func same(a, b ledger.Register) bool {
	a.Copper, b.Copper = nil, nil
	return reflect.DeepEqual(a, b)
}

func TestWhatLooksLikeAFormulaIsGuardedAndReadAsItWas(t *testing.T) {
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+32 2": "'+32 2", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "'=x": "''=x", "''+": "'''+",
		"": "", "l'=": "l'=", "'x": "'x", "Anne": "Anne", "a=b": "a=b",
	} {
		if got := guarded(text); got != want || unguarded(got) != text {
			t.Errorf("%q: got %q and back %q, want %q", text, got, unguarded(got), want)
		}
	}
	if got := unguarded("'hello"); got != "'hello" {
		t.Errorf("got %q, want an apostrophe left alone", got)
	}
}

// texts as tables keep them, with all that is hard about them.
var words = rapid.Custom(func(t *rapid.T) string {
	return clean(rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("aàéœ1 ;,\"'=+-@\t\n’|0")), 0, 8, -1),
		rapid.StringN(0, 8, -1),
		rapid.SampledFrom([]string{"", "Oncologie", "ONCOLOGIE", "oncologie", "=1+1", "'=1", "a;b", `a"b`, "007", "Pôle œuvre", "x-1", "x 1", "#N/A x"}),
	).Draw(t, "text"))
})

func wordsFor(t *rapid.T, label string) string {
	text := words.Draw(t, label)
	if excelError.MatchString(text) || excelShort.MatchString(text) || strings.ContainsRune(text, utf8.RuneError) {
		return ""
	}
	return text
}

// pick is one of the ids of things that fit, or none.
func pick[T any](t *rapid.T, label string, things map[string]T, fits func(T) bool) string {
	ids := []string{""}
	for _, id := range slices.Sorted(maps.Keys(things)) {
		if fits(things[id]) {
			ids = append(ids, id)
		}
	}
	return rapid.SampledFrom(ids).Draw(t, label)
}

// registers are any that tables can have made: consistent, with names that may be alike.
var registers = rapid.Custom(func(t *rapid.T) ledger.Register {
	r := empty()
	d := newDirectory(&r)
	days := rapid.SampledFrom([]ledger.Day{"", "2026-01-31", "2026-11-23", "1999-12-31"})
	for range rapid.IntRange(0, 3).Draw(t, "establishments") {
		d.add(establishment, "", wordsFor(t, "establishment"), "")
	}
	anywhere := func(ledger.Establishment) bool { return true }
	for range rapid.IntRange(0, 4).Draw(t, "sites") {
		id := d.add(site, pick(t, "of", r.Establishments, anywhere), wordsFor(t, "site"), "")
		x := r.Sites[id]
		x.Commune = rapid.SampledFrom([]string{"", "49007", "97411", "2A004"}).Draw(t, "commune")
		x.TimeZone = rapid.SampledFrom([]string{"", "Europe/Paris", "Indian/Reunion"}).Draw(t, "zone")
		r.Sites[id] = x
	}
	for range rapid.IntRange(0, 3).Draw(t, "poles") {
		d.add(pole, pick(t, "of", r.Establishments, anywhere), wordsFor(t, "pole"), "")
	}
	for range rapid.IntRange(0, 5).Draw(t, "services") {
		id := d.add(service, pick(t, "of", r.Establishments, anywhere), wordsFor(t, "service"), "")
		x := r.Services[id]
		x.Pole = pick(t, "pole", r.Poles, func(p ledger.Pole) bool { return p.Establishment == x.Establishment })
		r.Services[id] = x
	}
	for range rapid.IntRange(0, 8).Draw(t, "lines") {
		x := ledger.Declaration{}
		x.Site = pick(t, "site", r.Sites, func(ledger.Site) bool { return true })
		x.Establishment = r.Sites[x.Site].Establishment
		if x.Site == "" {
			x.Establishment = pick(t, "establishment", r.Establishments, anywhere)
		}
		x.Service = pick(t, "service", r.Services, func(s ledger.Service) bool { return s.Establishment == x.Establishment })
		x.Pole = r.Services[x.Service].Pole
		if x.Service == "" {
			x.Pole = pick(t, "pole", r.Poles, func(p ledger.Pole) bool { return p.Establishment == x.Establishment })
		}
		x.Number = rapid.SampledFrom([]string{"", "0241354000", "0241354001", "0262905000", "+3223456789"}).Draw(t, "number")
		x.Extension = rapid.SampledFrom([]string{"", "4512", "007"}).Draw(t, "extension")
		if x.Line = x.Number; x.Line == "" {
			if x.Extension == "" || x.Site == "" {
				continue
			}
			x.Line = x.Site + ":" + x.Extension
		}
		if r.Lines[x.Line] != nil {
			continue
		}
		x.Device, x.Gateway, x.Contact = wordsFor(t, "device"), wordsFor(t, "gateway"), wordsFor(t, "contact")
		if x.Device != "" {
			x.Port = wordsFor(t, "port")
		}
		if x.Gateway != "" {
			x.GatewayPort = wordsFor(t, "gateway port")
		}
		x.UF = wordsFor(t, "uf")
		x.Support = rapid.SampledFrom(append(supports, "")).Draw(t, "support")
		x.Cutoff, x.CutOn = days.Draw(t, "cutoff"), days.Draw(t, "cut on")
		if x.KeptReason = wordsFor(t, "reason"); x.KeptReason != "" {
			x.KeptUntil = days.Draw(t, "until")
		}
		older := x
		older.Contact = wordsFor(t, "contact before")
		versions := []ledger.Declaration{older}
		if x.From = wire.Time(rapid.Int64Range(1, int64(wire.TimeOf(today))).Draw(t, "from")); older.Contact != x.Contact {
			versions = append(versions, x)
		}
		if rapid.IntRange(0, 9).Draw(t, "removed") == 0 {
			versions[len(versions)-1].Removed = true
		}
		r.Lines[x.Line] = versions
	}
	return r
})

func TestAnExportReadAgainChangesNothing(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		r := registers.Draw(t, "register")
		language := rapid.SampledFrom([]string{"fr", "en"}).Draw(t, "language")
		var csv, again bytes.Buffer
		if err := Lines.WriteCSV(&csv, language, ExportLines(r)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "lines.csv")
		if err := os.WriteFile(path, csv.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		plan := readBack(t, r, path)
		if err := Lines.WriteCSV(&again, language, ExportLines(plan.Register)); err != nil {
			t.Fatal(err)
		}
		if again.String() != csv.String() {
			t.Fatalf("exported\n%s\nand again\n%s", csv.String(), again.String())
		}
	})
}

func TestAnExcelExportReadAgainChangesNothing(t *testing.T) {
	for seed := range 20 { // slower than CSV
		r := registers.Example(seed)
		path := filepath.Join(t.TempDir(), "lines.xlsx")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := Lines.WriteXLSX(f, "fr", ExportLines(r)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		readBack(t, r, path)
	}
}

func readBack(t rapid.TB, r ledger.Register, path string) Plan {
	table, err := Read(path, "", Lines)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := PlanLines(r.Clone(), table, usual)
	if err != nil {
		t.Fatal(err)
	}
	if !same(r, plan.Register) || !plan.Diff.Empty() || !plan.Nothing {
		var diff strings.Builder
		_ = plan.Diff.Print(&diff)
		t.Fatalf("was  %+v\nbecame %+v\n%s", r, plan.Register, diff.String())
	}
	return plan
}

func TestTheExcelExportIsTextBelowAHeaderThatStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines.xlsx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := [][]string{{"0241354000", "", "=1+1", "", "", "", "", "", "", "", "", "", "0123", "", "2026-12-31", "", "", "", "+33"}}
	if err := Lines.WriteXLSX(f, "fr", rows); err != nil {
		t.Fatal(err)
	}
	f.Close()
	book, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for cell, want := range map[string]string{"A1": "numéro", "A2": "0241354000", "C2": "=1+1", "M2": "0123", "O2": "31/12/2026", "S2": "+33"} {
		got, _ := book.GetCellValue("lines", cell)
		kind, _ := book.GetCellType("lines", cell)
		formula, _ := book.GetCellFormula("lines", cell)
		if got != want || kind != excelize.CellTypeSharedString || formula != "" {
			t.Errorf("%s: got %q (type %v, formula %q), want the text %q", cell, got, kind, formula, want)
		}
	}
	panes, err := book.GetPanes("lines")
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("got %+v, %v, want the header frozen", panes, err)
	}
}
