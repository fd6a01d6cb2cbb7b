package register

import (
	"bytes"
	"errors"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestAnUploadIsReadAsTheFileWouldBe(t *testing.T) {
	rows := [][]string{{"active_lines", "", "", "12", "2026-10"}}
	for _, write := range map[string]func(*bytes.Buffer) error{
		"t.csv":  func(b *bytes.Buffer) error { return Targets.WriteCSV(b, "fr", rows) },
		"t.xlsx": func(b *bytes.Buffer) error { return Targets.WriteXLSX(b, "fr", rows) },
	} {
		var file bytes.Buffer
		if err := write(&file); err != nil {
			t.Fatal(err)
		}
		table, err := ReadUpload(`C:/Users/anne/objectifs.xlsx`, file.Bytes(), "", Targets)
		if err != nil || table.File != "objectifs.xlsx" || len(table.Rows) != 1 {
			t.Fatalf("got %+v, %v", table, err)
		}
		plan, err := PlanTargets(ledger.Register{Targets: map[ledger.TargetKey][]ledger.Target{}}, table, Options{})
		key := ledger.TargetKey{Indicator: "active_lines"}
		if err != nil || len(plan.Register.Targets[key]) != 1 || plan.Register.Targets[key][0].Value != 12 {
			t.Errorf("got %+v, %v", plan.Register.Targets, err)
		}
	}
	if _, err := ReadUpload("x.csv", []byte("indicateur;objet\na;b"), "", Targets); !errors.As(err, new(Faults)) {
		t.Errorf("a table of something else: got %v, want its faults", err)
	}
}

func TestWhatIsTypedIsReadAsARowOfAFile(t *testing.T) {
	read := func(cells map[string]string) (ledger.Register, error) {
		table, err := Typed(Targets, cells)
		if err != nil {
			return ledger.Register{}, err
		}
		plan, err := PlanTargets(ledger.Register{Targets: map[ledger.TargetKey][]ledger.Target{}}, table, Options{})
		return plan.Register, err
	}
	r, err := read(map[string]string{"indicator": "active_lines", "value": " 1 200 ", "from": "octobre 2026", "establishment": "", "pole": ""})
	want := ledger.Target{Indicator: "active_lines", From: 202610, Value: 1200}
	if got := r.Targets[want.Key()]; err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	_, err = read(map[string]string{"indicator": "active_lines", "value": "viele", "from": "jamais"})
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 2 || faults[0].Column != "from" || faults[1].Column != "value" {
		t.Errorf("got %v, want a fault at each of both fields", err)
	}
}
