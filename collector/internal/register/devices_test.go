package register

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func (h *hospital) devices(text string) (Plan, error) {
	h.Helper()
	table, err := Read(file(h, "devices.csv", text), "", Devices)
	if err != nil {
		return Plan{}, err
	}
	plan, err := PlanDevices(h.r.Clone(), table, h.o)
	if err == nil {
		h.r = plan.Register
		h.o.Now = h.o.Now.AddDate(0, 0, 1)
	}
	return plan, err
}

func TestATableOfMachinesSaysWhereTheyStand(t *testing.T) {
	h := newHospital(t)
	if _, err := h.devices("Machine;Site;Pôle;Service;Nom;Lieu;N° d'inventaire\nabc123;Larrey;Coeur;Cardiologie;FAX-CARDIO;2e étage;0042\n"); err != nil {
		t.Fatal(err)
	}
	want := ledger.DeclaredDevice{
		Device: "abc123", Place: ledger.Place{Site: "larrey", Pole: "coeur", Service: "cardiologie"},
		Name: "FAX-CARDIO", Location: "2e étage", Inventory: "0042",
	}
	if got := h.r.Devices["abc123"]; len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	plan, err := h.devices("device;service\nKYOCERA-ABC123;Urologie\n") // the same machine
	if err != nil || len(h.r.Devices) != 1 || len(plan.Diff.Changes) != 2 {
		t.Errorf("by its id: got %+v, %v, want the same one moved", h.r.Devices, err)
	}
	if got := h.r.Devices["abc123"]; len(got) != 2 || got[0].Service != "cardiologie" || got[1].Service != "urologie" || got[1].Pole != "" {
		t.Errorf("got %+v, want two versions", got)
	}
	var csv bytes.Buffer
	if err := Devices.WriteCSV(&csv, "fr", ExportDevices(h.r)); err != nil {
		t.Fatal(err)
	}
	if plan, err := h.devices(csv.String()); err != nil || !plan.Diff.Empty() {
		t.Errorf("read again: got %+v, %v\n%s", plan.Diff, err, csv.String())
	}
	h.o.Replace = true
	if plan, err := h.devices("device\nxerox-777\n"); err != nil || len(h.r.Devices) != 1 || len(plan.Diff.Changes) != 2 {
		t.Errorf("--replace: got %+v, %v", h.r.Devices, err)
	}
}

func TestFaultsOfATableOfMachines(t *testing.T) {
	for text, want := range map[string]string{
		"site\nx\n":                             "there is no column device (machine)",
		"device;site\n;x\n":                     "devices.csv:2: device: is empty",
		"device\nabc123\nkyocera-abc123\n":      "devices.csv:3: device: machine kyocera-abc123 is in row 2 too",
		"device\n777\n":                         "may be ricoh-777 or xerox-777",
		"device;numéro\nabc123;0241354000\n":    `"numéro" is no column of devices`,
		"device;service;pole\na;s;p\nb;s;q\n":   "want one of them",
		"device;pole;service\nabc123;x;#REF!\n": "is an error that Excel shows",
	} {
		if _, err := newHospital(t).devices(text); !errors.As(err, new(Faults)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestGLPIsPrintersAreMatchedBySerialThenNameThenAddress(t *testing.T) {
	h := newHospital(t)
	h.o.Devices = []ledger.Device{
		{ID: "kyocera-abc123", Serial: "ABC123", FaxCapable: true},
		{ID: "ricoh-mac-1", Name: "FAX-URO", FaxCapable: true},
		{ID: "xerox-9", Serial: "9", Address: "10.12.4.9:161"},
		{ID: "xerox-10", Serial: "10", Address: "10.12.4.10", FaxCapable: true},
	}
	table, err := Read(file(t, "glpi.csv", "\ufeff\"Nom\";\"Entité\";\"Fabricant\";\"Lieu\";\"Modèle\";\"Numéro de série\";\"Numéro d'inventaire\";\"Réseau - IP\"\n"+
		"\"FAX-CARDIO\";\"CHU\";\"Kyocera\";\"Larrey > Bât A > Niveau 2\";\"M3550\";\"abc123\";\"0042\";\"\"\n"+
		"\"fax-uro\";\"CHU\";\"Ricoh\";\"Larrey\";\"MP\";\"\";\"0043\";\"\"\n"+
		"\"X9\";\"CHU\";\"Xerox\";\"\";\"C8\";\"WRONG\";\"\";\"fe80::1 10.12.4.9\"\n"+
		"\"X11\";\"CHU\";\"Xerox\";\"Nord\";\"C8\";\"11\";\"\";\"10.12.4.11\"\n"), "", GLPI)
	if err != nil {
		t.Fatal(err)
	}
	plan, found, err := PlanGLPI(h.r.Clone(), table, h.o)
	if err != nil {
		t.Fatal(err)
	}
	want := ledger.DeclaredDevice{Device: "kyocera-abc123", Name: "FAX-CARDIO", Location: "Larrey > Bât A > Niveau 2", Inventory: "0042"}
	if got := plan.Register.Devices["kyocera-abc123"]; len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if found.Matched != 3 || len(found.Unknown) != 1 || found.Unknown[0].Serial != "11" || len(found.Missing) != 1 || found.Missing[0].ID != "xerox-10" {
		t.Errorf("got %+v", found)
	}
	if got := fmt.Sprint(plan.Warnings); len(plan.Warnings) != 2 || !strings.Contains(got, "ricoh-mac-1 was found by its name") || !strings.Contains(got, "xerox-9 was found by its address") {
		t.Errorf("got %s", got)
	}
	again, _, err := PlanGLPI(plan.Register.Clone(), table, h.o)
	if err != nil || !again.Diff.Empty() {
		t.Errorf("again: got %+v, %v", again.Diff, err)
	}
}

func TestTheListOfCopperClosuresIsReadAsItIsPublished(t *testing.T) {
	outline := strings.Repeat("47.4711,-0.5518 ", 5000)
	text := "code_insee,nom_commune,code_postal,geo_shape,fermeture_technique,fermeture_commerciale,lot\n" +
		"49007,Angers,49000,\"{\"\"coordinates\"\": \"\"" + outline + "\"\"}\",2029-01-31,2026-01-31,4\n" +
		"1004,Ambérieu,01500,,31/01/2030,,5\n"
	table, err := Read(file(t, "cuivre.csv", text), "", Copper)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadCopper(table)
	want := []ledger.Copper{
		{Commune: "49007", Name: "Angers", Commercial: "2026-01-31", Technical: "2029-01-31", Lot: "4"},
		{Commune: "01004", Name: "Ambérieu", Technical: "2030-01-31", Lot: "5"},
	}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	table, err = Read(file(t, "orange.csv", "Code INSEE;Commune;Date de fermeture commerciale;Date de fermeture technique;N° de lot\n49007;Angers;31/01/2026;soon;4\nx;;;;\n"), "", Copper)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = ReadCopper(table); err == nil || !strings.Contains(err.Error(), `orange.csv:2: Date de fermeture technique: "soon" is no day`) || !strings.Contains(err.Error(), "orange.csv:3: Code INSEE") {
		t.Errorf("got %v", err)
	}
}

func TestAllCommunesOfFranceAreRead(t *testing.T) {
	var text strings.Builder
	text.WriteString("code_insee,nom_commune,geo_shape,fermeture_technique,fermeture_commerciale,lot\n")
	outline := strings.Repeat("47.4711,-0.5518 ", 20)
	for i := range 35_305 {
		fmt.Fprintf(&text, "%05d,Commune %d,\"%s\",2029-01-31,2026-01-31,4\n", i, i, outline)
	}
	path := file(t, "cuivre.csv", text.String())
	begin := time.Now()
	table, err := Read(path, "", Copper)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ReadCopper(table); err != nil || len(got) != 35_305 {
		t.Errorf("got %d, %v", len(got), err)
	}
	t.Logf("%d MB took %s", text.Len()/mega, time.Since(begin))
}

func TestTheDayOfAFileIsInItsNameElseWhenItWasWritten(t *testing.T) {
	for name, want := range map[string]ledger.Day{"cuivre-2026-10-05.csv": "2026-10-05", "trajectoire_20251219.xlsx": "2025-12-19", "cuivre.csv": dayOf(time.Now(), paris)} {
		got, how, err := FileDay(file(t, name, "x"), paris)
		if err != nil || got != want {
			t.Errorf("%s: got %s (%s), %v, want %s", name, got, how, err, want)
		}
	}
}
