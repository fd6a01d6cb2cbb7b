package register

import (
	"bytes"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestSheetsAndFollowupsAreWrittenAsTables(t *testing.T) {
	r := ledger.Register{
		Establishments: map[string]ledger.Establishment{"chu": {ID: "chu", Name: "CHU"}},
		Services:       map[string]ledger.Service{"onco": {ID: "onco", Establishment: "chu", Name: "Oncologie"}},
	}
	sheets := ExportSheets(r, []ledger.Sheet{{Service: "onco", Day: "2026-10-01", Weather: ledger.Bright, Points: []ledger.WatchPoint{{Text: "=1+1", Risk: ledger.MajorRisk, Mitigation: "none"}}}})
	followups := ExportFollowups(r, []ledger.Followup{{Kind: ledger.Partner, Establishment: "chu", Services: []string{"onco"}, Who: "Labo", Contact: "02 41 00 12 34"}})
	for _, c := range []struct {
		schema *Schema
		rows   [][]string
		want   string
	}{
		{Sheets, sheets, "Oncologie;CHU;01/10/2026;éclaircies;majeur;;;;;'=1+1 (major) → none;"},
		{Followups, followups, "partner;;CHU;Oncologie;;;Labo;•• •• •• •• 34;;;;;"},
	} {
		var table bytes.Buffer
		if err := c.schema.WriteCSV(&table, "fr", c.rows); err != nil || !strings.Contains(table.String(), c.want) {
			t.Errorf("got %s, %v, want the row %s", &table, err, c.want)
		}
	}
}
