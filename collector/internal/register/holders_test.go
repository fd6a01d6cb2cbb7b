package register

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const psHeader = "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code civilité d'exercice|Libellé civilité d'exercice|Code civilité|Libellé civilité|" +
	"Nom d'exercice|Prénom d'exercice|Code profession|Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|" +
	"Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|Code mode exercice|Libellé mode exercice|Numéro SIRET site|Numéro SIREN site|Numéro FINESS site|" +
	"Numéro FINESS établissement juridique|Identifiant technique de la structure|Raison sociale site|Enseigne commerciale site|Complément destinataire (coord. structure)|" +
	"Complément point géographique (coord. structure)|Numéro Voie (coord. structure)|Indice répétition voie (coord. structure)|Code type de voie (coord. structure)|" +
	"Libellé type de voie (coord. structure)|Libellé Voie (coord. structure)|Mention distribution (coord. structure)|Bureau cedex (coord. structure)|Code postal (coord. structure)|" +
	"Code commune (coord. structure)|Libellé commune (coord. structure)|Code pays (coord. structure)|Libellé pays (coord. structure)|Téléphone (coord. structure)|" +
	"Téléphone 2 (coord. structure)|Télécopie (coord. structure)|Adresse e-mail (coord. structure)|\n"

func psLine(rpps, surname, forename, structure, place, routing, town, fax string) string {
	return "8|" + rpps + "|8" + rpps + "|DR|Docteur|M|Monsieur|" + surname + "|" + forename + "|10|Médecin|C|Civil|S|Spécialité|SM04|Cardiologie|L|Libéral|||" + structure +
		"|||" + place + "||||||||||" + routing + "|49000|49007|" + town + "|||0241000000||" + fax + "||\n"
}

func finessLine(number, entity, name, long, routing, fax string) string {
	return "structureet;" + number + ";" + entity + ";" + name + ";" + long + ";;;4;R;LARREY;;;007;49;MAINE ET LOIRE;" + routing + ";0241000000;" + fax +
		";355;Centre Hospitalier (C.H.);1102;Centres Hospitaliers;26490003600017;8610Z;03;ARS;1;Public;1900-01-01;1900-01-01;2026-01-01;\n"
}

const finessHead = "finess;etalab;111;2026-05-12\n"

// holders are who a file says has a number, one a line.
func holders(t testing.TB, path string, open func(string) (*HoldersFile, error)) (list []string, read HoldersRead, err error) {
	t.Helper()
	f, err := open(path)
	if err != nil {
		return nil, read, err
	}
	read, err = f.Each(func(h ledger.Holder) error {
		list = append(list, strings.Join([]string{h.Number, h.ID, h.Name, h.Calling, h.Structure, h.Place, h.Town}, " | "))
		return nil
	})
	return list, read, errors.Join(err, f.Close())
}

func TestTheNationalFileOfStructuresTellsTheirFaxNumbers(t *testing.T) {
	text := finessHead +
		finessLine("490000023", "490000031", "CH EXEMPLE", "CENTRE HOSPITALIER D'EXEMPLE", "49933 ANGERS CEDEX 9", "0241354000") +
		finessLine("490011111", "", "PHARMACIE DU PONT", "", "49000 ANGERS", "241354001") + // Excel ate the 0
		finessLine("490000015", "", "SANS FAX", "", "49000 ANGERS", "") +
		finessLine("490000016", "", "CLE FAUSSE", "", "49100 ANGERS", "02.41.35.40.02") +
		finessLine("490000015", "", "ILLISIBLE", "", "49000 ANGERS", "voir accueil") +
		"geolocalisation;490000015;432100.0;6711000.0;1,ATLASANTE;2026-01-01;LAMBERT_93\n"
	got, read, err := holders(t, file(t, "etalab-cs1100502-stock-20260512-0339.csv", text), OpenFINESS)
	want := []string{
		"0241354000 | 490000023 | CENTRE HOSPITALIER D'EXEMPLE | Centre Hospitalier (C.H.) | 490000031 |  | ANGERS",
		"0241354001 | 490011111 | PHARMACIE DU PONT | Centre Hospitalier (C.H.) |  |  | ANGERS",
		"0241354002 | 490000016 | CLE FAUSSE | Centre Hospitalier (C.H.) |  |  | ANGERS",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got\n%s\n%v, want\n%s", strings.Join(got, "\n"), err, strings.Join(want, "\n"))
	}
	if read.Rows != 5 || read.Holders != 3 || read.Unreadable != 1 || len(read.Notes) != 2 {
		t.Errorf("got %+v, want 5 structures, 3 with a number, 1 with something else, and notes of it and of the bad key", read)
	}
}

func TestTheNationalFileOfProfessionalsIsReadByItsHeaders(t *testing.T) {
	text := psHeader +
		psLine("10000000017", "MARTIN", "Jeanne", "490000023", "CENTRE HOSPITALIER D'EXEMPLE", "", "Angers", "0241354000") +
		psLine("10000000025", "DURAND", "Paul", "", "CABINET DU DR DURAND PAUL", "49000 ANGERS CEDEX 01", "", "+33 2 41 35 40 09") +
		psLine("10000000033", "SANS", "Fax", "", "CABINET", "", "Angers", "")
	moved := "Télécopie (coord. structure)|Nom d'exercice|Nouvelle|Identifiant PP\n0241354000|MARTIN|x|10000000017\n"
	want := []string{
		"0241354000 | 10000000017 | DR MARTIN Jeanne | Médecin, Cardiologie | 490000023 | CENTRE HOSPITALIER D'EXEMPLE | ANGERS",
		"0241354009 | 10000000025 | DR DURAND Paul | Médecin, Cardiologie |  | CABINET DU DR DURAND PAUL | ANGERS",
	}
	for name, path := range map[string]string{
		"text":           file(t, "PS_LibreAcces_Personne_activite_202611100230.txt", text),
		"archive":        zipped(t, map[string]string{"PS_LibreAcces_SavoirFaire_202611100230.txt": "x\n", "PS_LibreAcces_Personne_activite_202611100230.txt": text, "PS_LibreAcces_Dipl_AutExerc_202611100230.txt": "y\n"}),
		"another system": file(t, "ps.txt", "\ufeff"+strings.ReplaceAll(text, "\n", "\r\n")),
		"Windows-1252":   file(t, "ps.txt", latin1(text)),
	} {
		if got, read, err := holders(t, path, OpenPS); err != nil || !slices.Equal(got, want) || read.Rows != 3 {
			t.Errorf("%s: got\n%s\n%+v, %v, want\n%s", name, strings.Join(got, "\n"), read, err, strings.Join(want, "\n"))
		}
	}
	if got, _, err := holders(t, file(t, "ps.txt", moved), OpenPS); err != nil || !slices.Equal(got, []string{"0241354000 | 10000000017 | MARTIN |  |  |  | "}) {
		t.Errorf("moved columns: got %q, %v", got, err)
	}
}

// latin1 is a text as old programs of Windows write it.
func latin1(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteByte(byte(r))
	}
	return b.String()
}

func zipped(t testing.TB, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	for name, text := range files {
		w, err := archive.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return file(t, "PS_LibreAcces.zip", b.String())
}

func TestCarelessFilesOfNationalDirectories(t *testing.T) {
	ps, finess := psHeader+psLine("10000000017", "MARTIN", "Jeanne", "", "", "", "Angers", "0241354000"), finessHead+finessLine("490000023", "", "CH", "", "49000 ANGERS", "0241354000")
	for name, x := range map[string]struct {
		path string
		open func(string) (*HoldersFile, error)
		want string
	}{
		"empty":                   {file(t, "ps.txt", ""), OpenPS, "ps.txt: is empty; want PS_LibreAcces"},
		"header only":             {file(t, "ps.txt", psHeader), OpenPS, "has no lines below its header"},
		"another file":            {file(t, "ps.txt", extractionHeader), OpenPS, "ps.txt:1: there is no column"},
		"a page of a web site":    {file(t, "ps.txt", "<!doctype html>\n<p>403</p>\n"), OpenPS, "ps.txt:1: there is no column"},
		"cut":                     {file(t, "ps.txt", ps[:len(ps)-60]), OpenPS, "ps.txt:2: ends in the middle of a line"},
		"UTF-16":                  {file(t, "ps.txt", "\xff\xfeT\x00y\x00"), OpenPS, "is encoded in UTF-16"},
		"a program":               {file(t, "ps.txt", "MZ\x00\x00\n"), OpenPS, "ps.txt:1: is no text"},
		"endless line":            {file(t, "ps.txt", psHeader+strings.Repeat("x", 70_000)), OpenPS, "ps.txt:2: is longer than 65536 bytes"},
		"gzip":                    {file(t, "ps.gz", "\x1f\x8b\x08"), OpenPS, "is packed with gzip; want it unpacked"},
		"broken archive":          {file(t, "ps.zip", "PK\x03\x04 but none"), OpenPS, "is no ZIP file that can be read"},
		"archive of others":       {zipped(t, map[string]string{"liste.txt": ps}), OpenPS, "holds 0 files PS_LibreAcces_Personne_activite"},
		"Excel":                   {zipped(t, map[string]string{"xl/workbook.xml": "<workbook/>"}), OpenFINESS, "is an Excel file; want etalab-cs1100502"},
		"archive of a huge line":  {zipped(t, map[string]string{"PS_LibreAcces_Personne_activite_1.txt": strings.Repeat("x", 64<<20)}), OpenPS, "is longer than 65536 bytes"},
		"no structures":           {file(t, "f.csv", finessHead), OpenFINESS, "has no structures"},
		"professionals":           {file(t, "f.csv", ps), OpenFINESS, "f.csv:1: is no line of the national file of structures"},
		"structures cut":          {file(t, "f.csv", finess+"structureet;490000"), OpenFINESS, "f.csv:3: ends in the middle of a line"},
		"structures with a hole":  {file(t, "f.csv", finess+"structureet;490000\n"+finess), OpenFINESS, "f.csv:3: has 2 cells; want 32"},
		"structures, other marks": {file(t, "f.csv", strings.ReplaceAll(finess, ";", ",")), OpenFINESS, "f.csv:1: is no line of the national file of structures"},
	} {
		if _, _, err := holders(t, x.path, x.open); !errors.As(err, new(Faults)) || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", name, err, x.want)
		}
	}
}

func TestAZIPFileThatSaysThatItIsHugeIsNotUnpacked(t *testing.T) {
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	if _, err := archive.CreateRaw(&zip.FileHeader{Name: "PS_LibreAcces_Personne_activite_1.txt", UncompressedSize64: 3 << 30}); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := holders(t, file(t, "ps.zip", b.String()), OpenPS); !errors.As(err, new(Faults)) || !strings.Contains(err.Error(), "unpacks to more than 2 GB") {
		t.Errorf("got %v, want that it unpacks to more than 2 GB", err)
	}
}

// A fifth of the real one, to be quick; what is held doesn't grow with it.
func TestALargeFileOfProfessionalsTakesLittleMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ps.txt")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 200_000
	_, err = io.WriteString(out, psHeader)
	for i := 0; i < rows && err == nil; i++ {
		_, err = io.WriteString(out, psLine(fmt.Sprintf("1%010d", i), "NOM", "Prénom", "490000031", "CABINET", "", "Angers", fmt.Sprintf("0241%06d", i)))
	}
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := OpenPS(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	read, err := f.Each(func(ledger.Holder) error { return nil })
	runtime.ReadMemStats(&after)
	if err != nil || read.Rows != rows || read.Holders != rows {
		t.Fatalf("got %+v, %v, want %d", read, err, rows)
	}
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 32*mega {
		t.Errorf("the heap grew by %d MB, want less than 32", grown/mega)
	}
}

func TestTheWholeDirectoryOfMailboxesIsRead(t *testing.T) {
	text := extractionHeader +
		"PER|J.Martin@Medecin.mssante.fr|8|10000000017|810000000017|||  |DR|LE GOFF-MARTIN|Jeanne Éva|C|Civil|10|Médecin|SM04|Cardiologie|Oui|||||||||||||\n" +
		extractionLine("ORG", "secretariat@ch.mssante.fr", "1490000023", "Secrétariat de cardiologie") +
		"PER|sans arobase||||||||||||||||||||||||||||||\n"
	f, err := OpenExtraction(file(t, "e.txt", text))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []ledger.Published
	rows, err := f.Published(func(x ledger.Published) error {
		got = append(got, x)
		return nil
	})
	want := []ledger.Published{
		{
			Address: "j.martin@medecin.mssante.fr", Kind: "PER", Person: "10000000017", Surname: "LE GOFF-MARTIN", Forename: "Jeanne Éva", Calling: "Médecin, Cardiologie",
			Paperless: true, Sought: "legoffmartin jeanneeva",
		},
		{
			Address: "secretariat@ch.mssante.fr", Kind: "ORG", Service: "Secrétariat de cardiologie", Sought: "secretariat de cardiologie",
			At: ledger.Practice{Structure: "490000023", Name: "CHU d'Exemple", Postcode: "49000", Town: "ANGERS", Sought: "chu d exemple angers"},
		},
	}
	if err != nil || rows != 3 || !slices.Equal(got, want) {
		t.Errorf("of %d lines got\n%+v, %v\nwant\n%+v", rows, got, err, want)
	}
}

// Whatever a file holds: it is read or refused, and what is read of it is numbers and lines of text.
func FuzzHolders(f *testing.F) {
	f.Add(finessHead+finessLine("490000023", "490000031", "CH", "CENTRE", "49933 ANGERS CEDEX 9", "0241354000"), true)
	f.Add(finessHead+"structureet;2A0000014;;\xe9;;;;;;;;;;;;20000 AJACCIO;;+33495000000;;;\n", true)
	f.Add(psHeader+psLine("10000000017", "MARTIN", "Jeanne", "490000023", "CH", "49000 ANGERS", "", "02 41 35 40 00"), false)
	f.Add("\ufeffTélécopie (coord. structure)|Nom d'exercice|Identifiant PP\r\n0241354000/01|É|1|\r\n", false)
	f.Fuzz(func(t *testing.T, text string, structures bool) {
		read := readPS
		if structures {
			read = readFINESS
		}
		kept := int64(0)
		done, err := read(&PublicFile{ReadCloser: io.NopCloser(strings.NewReader(text)), Name: "f"}, func(h ledger.Holder) error {
			kept++
			if !national(h.Number) && (!strings.HasPrefix(h.Number, "+") || !onlyDigits(h.Number[1:])) {
				t.Fatalf("got number %q", h.Number)
			}
			for _, text := range []string{h.ID, h.Name, h.Calling, h.Structure, h.Place, h.Town} {
				if clean(text) != text {
					t.Fatalf("got %q, want it as texts are kept", text)
				}
			}
			return nil
		})
		if err != nil && !errors.As(err, new(Faults)) {
			t.Fatalf("got %v, want faults", err)
		}
		if done.Holders != kept || kept > done.Rows {
			t.Fatalf("got %+v of %d", done, kept)
		}
	})
}

func FuzzPublished(f *testing.F) {
	f.Add(extractionHeader + extractionLine("ORG", "a@b.fr", "1490000023", "Secrétariat"))
	f.Add(extractionHeader + "PER|a@b.fr|8|10000000017|810000000017||||DR|LE GOFF|Éva|C|Civil|10|Médecin||\xe9|Oui|||||||||||||\n")
	f.Fuzz(func(t *testing.T, text string) {
		e := ExtractionFile{&PublicFile{ReadCloser: io.NopCloser(strings.NewReader(text)), Name: "e.txt"}}
		_, err := e.Published(func(x ledger.Published) error {
			if x.Address != strings.ToLower(x.Address) || clean(x.Surname) != x.Surname || SoughtPlace(x.At.Sought) != x.At.Sought {
				t.Fatalf("got %+v", x)
			}
			return nil
		})
		if err != nil && !errors.As(err, new(Faults)) {
			t.Fatalf("got %v, want faults", err)
		}
	})
}
