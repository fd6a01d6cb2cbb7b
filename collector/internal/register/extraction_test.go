package register

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const extractionHeader = "Type de BAL|Adresse BAL|Type Identifiant PP|Identifiant PP|Identification nationale PP|Type identifiant structure|Identification Structure|" +
	"Service de rattachement|Civilité d'exercice|Nom d'exercice|Prénom d'exercice|Catégorie profession|Libellé de catégorie profession|Code Profession|" +
	"Libellé Profession|Code savoir-faire|Libellé savoir-faire|Dématérialisation|Raison Sociale structure BAL|Enseigne commerciale structure BAL|" +
	"L2COMPLEMENTLOCALISATION structure BAL|L3COMPLEMENTDISTRIBUTION structure BAL|L4NUMEROVOIE structure BAL|L4COMPLEMENTNUMEROVOIE structure BAL|" +
	"NL4TYPEVOIE structure BAL|L4LIBELLEVOIE structure BAL|L5LIEUDITMENTION structure BAL|L6LIGNEACHEMINEMENT structure BAL|Code postal structure BAL|" +
	"Département structure BAL|Pays structure BAL\n"

func extractionLine(kind, address, structure, service string) string {
	return kind + "|" + address + "|||||" + structure + "|" + service + "||||||||||Non|CHU d'Exemple||||1||RUE|DE LA PAIX||49000 ANGERS|49000|49|France\n"
}

func ours(t testing.TB) Wanted {
	h := group(t)
	chu := h.r.Establishments["chu"]
	chu.FINESS = "490000031"
	h.r.Establishments["chu"] = chu
	return WhichAreOurs(h.r, []ledger.Mailbox{{Address: "onco@chu.mssante.fr"}, {Address: "dr.durand@medecin.mssante.fr"}}, []ledger.Listed{{Address: "ancien@autre.fr"}})
}

func extract(t testing.TB, name, text string, w Wanted) (Extraction, error) {
	t.Helper()
	file, err := OpenExtraction(file(t, name, text))
	if err != nil {
		return Extraction{}, err
	}
	x, err := file.Ours(w)
	return x, errors.Join(err, file.Close())
}

func TestAnExtractionIsReadForWhatIsOurs(t *testing.T) {
	text := extractionHeader +
		extractionLine("ORG", "Onco@CHU.mssante.fr", "490000031", "Oncologie") +
		extractionLine("ORG", "dim@partage.mssante.fr", "490000031", "") + // by FINESS
		extractionLine("PER", "anne@chu.mssante.fr", "", "") + // by domain
		extractionLine("PER", "ancien@autre.fr", "", "") + // listed before
		extractionLine("PER", "dr.durand@medecin.mssante.fr", "", "") + // declared
		extractionLine("PER", "onco@chu.mssante.fr", "1", "twice") +
		strings.TrimSuffix(extractionLine("APP", "robot@chu.mssante.fr", "", ""), "\n") // without a final line end
	for i := range 30 { // a domain that so many share is nobody's
		text = strings.Replace(text, "APP|", extractionLine("PER", fmt.Sprintf("dr%d@medecin.mssante.fr", i), fmt.Sprint(i), "")+"APP|", 1)
	}
	x, err := extract(t, "e.txt", "\ufeff"+strings.ReplaceAll(text, "\n", "\r\n"), ours(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range x.Ours {
		got = append(got, l.Kind+" "+l.Address+" "+l.Structure+" "+l.Service+" "+l.Name)
	}
	want := []string{
		"PER ancien@autre.fr   CHU d'Exemple", "PER anne@chu.mssante.fr   CHU d'Exemple", "ORG dim@partage.mssante.fr 490000031  CHU d'Exemple",
		"PER dr.durand@medecin.mssante.fr   CHU d'Exemple", "ORG onco@chu.mssante.fr 490000031 Oncologie CHU d'Exemple", "APP robot@chu.mssante.fr   CHU d'Exemple",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || x.Rows != 37 {
		t.Errorf("of %d lines got\n%s\nwant\n%s", x.Rows, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestColumnsOfAnExtractionMayMoveAndMore(t *testing.T) {
	x, err := extract(t, "e.txt", "Nouvelle|Identification Structure|Adresse BAL|Type de BAL\nx|490000031|a@b.fr|ORG\n", ours(t))
	if err != nil || len(x.Ours) != 1 || x.Ours[0].Address != "a@b.fr" || x.Ours[0].Kind != "ORG" {
		t.Errorf("got %+v, %v", x, err)
	}
}

func TestFaultsOfAnExtraction(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "e.txt: is empty; want Extraction_Correspondance_MSSante",
		extractionHeader:                     "has no lines below its header",
		"Adresse;Service\na@b.fr;x\n":        "e.txt:1: there is no column",
		strings.Repeat("x", 70_000) + "\n":   "e.txt:1: is longer than 65536 bytes",
		"PK\x03\x04 but no archive":          "is no ZIP file that can be read",
		"Type de BAL|Adresse BAL\nORG|a@b\n": "there is no column Identification Structure",
		extractionHeader + extractionLine("ORG", "a@b.fr", "", "") + "APP|robot@chu.mss": "e.txt:3: ends in the middle of a line",
	} {
		if _, err := extract(t, "e.txt", text, ours(t)); !errors.As(err, new(Faults)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestTheDayOfAnExtractionStandsInItsName(t *testing.T) {
	zipped := func(inner string) string {
		path := filepath.Join(t.TempDir(), "Extraction.zip")
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		archive := zip.NewWriter(out)
		w, err := archive.Create(inner)
		if err == nil {
			_, err = io.WriteString(w, extractionHeader+extractionLine("ORG", "a@b.fr", "490000031", ""))
		}
		if err := errors.Join(err, archive.Close(), out.Close()); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file, err := OpenExtraction(zipped("Extraction_Correspondance_MSSante_202610310230.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	day, how, err := file.Day(time.UTC)
	if err != nil || day != "2026-10-31" || how != "by its name" {
		t.Errorf("got %s (%s), %v", day, how, err)
	}
	if x, err := file.Ours(ours(t)); err != nil || len(x.Ours) != 1 {
		t.Errorf("got %+v, %v", x, err)
	}
}

// A file of the size of the real one, of which the program must never hold more than what is ours.
func TestALargeExtractionTakesLittleMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.txt")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 536_000
	_, err = io.WriteString(out, extractionHeader)
	for i := 0; i < rows && err == nil; i++ {
		domain, structure := fmt.Sprintf("ch%d.mssante.fr", i%5000), fmt.Sprintf("%09d", i%5000)
		if i%500 == 0 {
			domain, structure = "chu.mssante.fr", "490000031"
		}
		_, err = io.WriteString(out, extractionLine("PER", fmt.Sprintf("prenom.nom%d@%s", i, domain), structure, "Service de rattachement"))
	}
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := OpenExtraction(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin := time.Now()
	x, err := file.Ours(ours(t))
	runtime.ReadMemStats(&after)
	if err != nil || x.Rows != rows || len(x.Ours) != rows/500 {
		t.Fatalf("of %d lines got %d, %v", x.Rows, len(x.Ours), err)
	}
	t.Logf("%d lines in %s, heap grew by %d kB, %d kB allocated", rows, time.Since(begin), (int64(after.HeapSys)-int64(before.HeapSys))>>10, (after.TotalAlloc-before.TotalAlloc)>>10)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64*mega {
		t.Errorf("the heap grew by %d MB, want less than 64", grown/mega)
	}
}
