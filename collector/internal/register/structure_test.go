package register

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func (h *hospital) planStructure(text string) (Plan, error) {
	h.Helper()
	table, err := Read(file(h, "uf.csv", text), "", Structure)
	if err != nil {
		return Plan{}, err
	}
	return PlanStructure(h.r.Clone(), table, h.o)
}

func (h *hospital) structure(text string) Plan {
	h.Helper()
	plan, err := h.planStructure(text)
	if err != nil {
		h.Fatalf("%s\n%v", text, err)
	}
	h.r = plan.Register
	h.o.Now = h.o.Now.AddDate(0, 0, 1)
	return plan
}

func midnight(day ledger.Day) wire.Time { return day.In(paris) }

func TestAListOfFunctionalUnitsMakesTheStructure(t *testing.T) {
	h := newHospital(t)
	plan := h.structure("Établissement;FINESS;Pôle;Service;Code UF;Libellé UF;Site;Date ouverture;Date fermeture\n" +
		"CHU d'Angers;490000031;Médecine;Cardiologie;0123;Cardio HDJ;Larrey;01/01/2020;\n" +
		"CHU d'Angers;;Médecine;Cardiologie;0124;Cardio HC;Larrey;01/01/1900;31/12/9999\n" +
		"CHU d'Angers;;Chirurgie;Urologie;0200;Uro;;;31/12/2025\n")
	if got := h.r.Establishments["chu-d-angers"]; got.FINESS != "490000031" {
		t.Errorf("got %+v", got)
	}
	want := map[string][]ledger.UF{
		"chu-d-angers/0123": {{Establishment: "chu-d-angers", Code: "0123", From: midnight("2020-01-01"), Service: "cardiologie", Name: "Cardio HDJ"}},
		"chu-d-angers/0124": {{Establishment: "chu-d-angers", Code: "0124", Service: "cardiologie", Name: "Cardio HC"}},
		"chu-d-angers/0200": {{Establishment: "chu-d-angers", Code: "0200", To: midnight("2025-12-31"), Service: "urologie", Name: "Uro"}},
	}
	if !maps.EqualFunc(h.r.UFs, want, slices.Equal) {
		t.Errorf("got %+v\nwant %+v", h.r.UFs, want)
	}
	if h.r.Services["urologie"].Pole != "chirurgie" || h.r.Sites["larrey"].Establishment != "chu-d-angers" {
		t.Errorf("got %+v %+v", h.r.Services, h.r.Sites)
	}
	if len(plan.Warnings) != 0 {
		t.Errorf("got %v, want no warnings", plan.Warnings)
	}
	h.say("numéro;uf\n0241354000;123\n")
	if got := h.line("0241354000", today); got.Service != "cardiologie" || got.Pole != "medecine" || got.Establishment != "chu-d-angers" || got.UF != "0123" {
		t.Errorf("a line by its unit: got %+v", got)
	}
	if plan := h.structure("FINESS;service\n490000031;Urologie\n"); !plan.Diff.Empty() {
		t.Errorf("found by its FINESS: got %+v", plan.Diff)
	}
	if plan := h.structure("Établissement;FINESS\nCHU d'Angers;490000032\n"); len(plan.Warnings) != 1 || h.r.Establishments["chu-d-angers"].FINESS != "490000032" {
		t.Errorf("a bad key: got %v, want a warning, and the number taken", plan.Warnings)
	}
}

func TestAUnitThatMovesTakesItsLinesWithIt(t *testing.T) {
	h := newHospital(t)
	h.structure("pole;service;uf\nA;Cardiologie;0123\nB;Urologie;0200\n")
	h.say("number;uf;service\n0241354000;0123;\n0241354001;0123;Urologie\n")
	moved := h.o.Now
	h.structure("service;uf\nUrologie;0123\n")
	if got := h.line("0241354000", moved); got.Service != "urologie" || got.Pole != "b" {
		t.Errorf("got %+v, want it in urologie", got)
	}
	if got := h.line("0241354000", moved.Add(-1)); got.Service != "cardiologie" || got.Pole != "a" {
		t.Errorf("before: got %+v, want cardiologie", got)
	}
	if got := h.r.UFs["/0123"]; len(got) != 2 || got[1].From != wire.TimeOf(moved) {
		t.Errorf("got %+v, want two versions", got)
	}
	h.structure("service;uf;ouverture;fermeture\nCardiologie;0123;;2026-06-01\nUrologie;0123;2026-06-01;\n")
	want := []ledger.UF{{Code: "0123", To: midnight("2026-06-01"), Service: "cardiologie"}, {Code: "0123", From: midnight("2026-06-01"), Service: "urologie"}}
	if got := h.r.UFs["/0123"]; !slices.Equal(got, want) {
		t.Errorf("its whole history: got %+v, want %+v", got, want)
	}
}

func TestAUnitThatClosesIsAChange(t *testing.T) {
	h := newHospital(t)
	h.structure("service;uf\nCardiologie;0123\n")
	plan := h.structure("uf;fermeture\n0123;31/12/2026\n")
	if got := h.r.UFs["/0123"]; plan.Nothing || plan.Diff.Empty() || len(got) != 1 || got[0].To != midnight("2026-12-31") || got[0].Service != "cardiologie" {
		t.Errorf("got %+v, %+v, want it closed, its service as it was", got, plan.Diff)
	}
	if plan := h.structure("uf;fermeture\n0123;31/12/2026\n"); !plan.Nothing || !plan.Diff.Empty() {
		t.Errorf("again: got %+v, want no change", plan.Diff)
	}
}

func TestRenamingByItsIDChangesANameOnly(t *testing.T) {
	h := newHospital(t)
	h.say("number,pole,service\n0241354000,Coeur,Cardiologie\n")
	before := h.r.Lines
	plan := h.structure("service_id,service\ncardiologie,Cardiologie et soins intensifs\n")
	if got := h.r.Services["cardiologie"].Name; got != "Cardiologie et soins intensifs" || len(plan.Diff.Changes) != 1 {
		t.Errorf("got %q, %+v", got, plan.Diff.Changes)
	}
	if !slices.Equal(before["0241354000"], h.r.Lines["0241354000"]) || h.r.Services["cardiologie"].Pole != "coeur" {
		t.Errorf("got %+v, want the line and its pole as they were", h.r.Lines)
	}
	if plan := h.say("number,service\n0241354000,cardiologie et soins intensifs\n"); !plan.Diff.Empty() {
		t.Errorf("found by its new name: got %+v", plan.Diff.Changes)
	}
}

func TestFaultsOfAStructureAreToldByRow(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"two poles", "pole;service\nA;Cardio\nB;Cardio\n", `uf.csv:3: pole: service Cardio has "B" here and "A" in row 2`},
		{"the same time twice", "service;uf\nA;1\nB;1\n", "uf.csv:3: uf: functional unit 1 is in row 2 too, for the same time"},
		{"overlapping times", "service;uf;opened;closed\nA;1;;2026-03-01\nB;1;2026-02-01;\n", "for the same time"},
		{"closed before it opens", "uf;opened;closed\n1;2026-03-01;2026-02-01\n", "is not after its opening"},
		{"a unit without a code", "service;uf;libellé\nA;;HDJ\n", "uf.csv:2: uf: is empty; want the code"},
		{"a bad id", "service_id;service\nA B;x\n", `"A B" is no id; want small letters`},
		{"two FINESS", "establishment;finess\nX;490000031\nX;750712184\n", `has "750712184" here and "490000031" in row 2`},
		{"FINESS of nobody", "finess\n490000031\n", "belongs to an establishment"},
		{"bad day", "uf;ouverture\n1;30/02/2026\n", "there is no such day"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := newHospital(t).planStructure(test.text); !errors.As(err, new(Faults)) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestAnExportedStructureReadAgainChangesNothing(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		r := registers.Draw(t, "register")
		days := rapid.SampledFrom([]ledger.Day{"2020-01-01", "2024-06-30", "2025-02-01"})
		for range rapid.IntRange(0, 4).Draw(t, "units") {
			u := ledger.UF{Code: rapid.SampledFrom([]string{"1", "01", "0200", "A'1"}).Draw(t, "code"), Name: wordsFor(t, "name")}
			u.Service = pick(t, "service", r.Services, func(ledger.Service) bool { return true })
			u.Establishment = r.Services[u.Service].Establishment
			if r.UFs[u.Key()] != nil {
				continue
			}
			if rapid.Bool().Draw(t, "opened") {
				u.From = midnight(days.Draw(t, "on"))
			}
			later := u
			later.From = max(midnight(days.Draw(t, "later")), u.From+1).Add(10 * time.Hour)
			later.Service = pick(t, "later", r.Services, func(s ledger.Service) bool { return s.Establishment == u.Establishment })
			r.UFs[u.Key()] = []ledger.UF{u}
			if dayOf(later.From.Std(), paris) != dayOf(u.From.Std(), paris) {
				r.UFs[u.Key()] = append(r.UFs[u.Key()], later)
			} else if rapid.Bool().Draw(t, "closed") {
				r.UFs[u.Key()][0].To = midnight("2026-01-01")
			}
		}
		var csv bytes.Buffer
		if err := Structure.WriteCSV(&csv, "fr", ExportStructure(r, paris)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "structure.csv")
		if err := os.WriteFile(path, csv.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		table, err := Read(path, "", Structure)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := PlanStructure(r.Clone(), table, usual)
		if err != nil {
			t.Fatalf("%s\n%v", csv.String(), err)
		}
		if !same(r, plan.Register) || !plan.Diff.Empty() {
			t.Fatalf("%s\nwas  %+v\nbecame %+v", csv.String(), r, plan.Register)
		}
	})
}
