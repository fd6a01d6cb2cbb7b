package register

import (
	"fmt"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Sheets is the table of how services stood, a row for each day. Like those below it is only written.
var Sheets = &Schema{name: "sheets", columns: []Column{
	serviceColumn, establishmentColumn,
	{Name: "day", French: "point au", day: true},
	{Name: "weather", French: "météo", words: weatherWords},
	{Name: "risk", French: "niveau de risque", words: riskWords},
	{Name: "highlights", French: "faits marquants"},
	{Name: "referent", French: "référent"},
	{Name: "questions_on", French: "session de Q/R", day: true},
	{Name: "next_steps", French: "prochaines étapes"},
	{Name: "points", French: "points d'attention"},
	{Name: "saved_by", French: "enregistré par"},
}}

// Followups is the table of what the team has and did for services.
var Followups = &Schema{name: "followups", columns: []Column{
	{Name: "kind", French: "genre"},
	{Name: "subject", French: "objet"},
	establishmentColumn,
	{Name: "services", French: "services"},
	{Name: "day", French: "date", day: true},
	{Name: "until", French: "réglé le", day: true},
	{Name: "who", French: "qui"},
	{Name: "contact", French: "contact"},
	{Name: "version", French: "version"},
	{Name: "link", French: "lien"},
	{Name: "note", French: "note"},
	{Name: "equipped", French: "équipé de MSSanté"},
	{Name: "attendance", French: "présents"},
}}

// weatherWords are how a service's move goes.
var weatherWords = vocabulary{
	{string(ledger.Sunny), "ensoleillé", nil},
	{string(ledger.Bright), "éclaircies", nil},
	{string(ledger.Cloudy), "nuageux", nil},
	{string(ledger.Stormy), "orageux", nil},
}

// riskWords are how much harm a watch point may do.
var riskWords = vocabulary{
	{string(ledger.MinorRisk), "mineur", nil},
	{string(ledger.ModerateRisk), "modéré", nil},
	{string(ledger.MajorRisk), "majeur", nil},
}

// ExportSheets are the rows of the table of sheets.
func ExportSheets(r ledger.Register, all []ledger.Sheet) [][]string {
	d := newDirectory(&r)
	rows := make([][]string, 0, len(all))
	for i := range all {
		x := &all[i]
		p := d.words(r.Complete(ledger.Place{Service: x.Service}))
		points := make([]string, len(x.Points))
		for j, point := range x.Points {
			points[j] = fmt.Sprintf("%s (%s) → %s", point.Text, point.Risk, point.Mitigation)
		}
		rows = append(rows, []string{
			p.Service, p.Establishment, string(x.Day), string(x.Weather), string(x.Risk()), x.Highlights, x.Referent, string(x.QuestionsOn),
			x.NextSteps, strings.Join(points, "\n"), x.SavedBy,
		})
	}
	return rows
}

// ExportFollowups are the rows of the table of followups. Contacts of partners are masked.
func ExportFollowups(r ledger.Register, all []ledger.Followup) [][]string {
	d := newDirectory(&r)
	rows := make([][]string, 0, len(all))
	for _, x := range all {
		services := make([]string, len(x.Services))
		for i, id := range x.Services {
			services[i] = d.ref(service, x.Establishment, id)
		}
		contact, attendance := x.Contact, ""
		if x.Kind == ledger.Partner {
			contact = ledger.Masked(contact)
		}
		if x.Attendance != nil {
			attendance = fmt.Sprint(*x.Attendance)
		}
		rows = append(rows, []string{
			string(x.Kind), x.Subject, d.ref(establishment, "", x.Establishment), strings.Join(services, ", "), string(x.Day), string(x.Until),
			x.Who, contact, x.Version, x.Link, x.Note, string(x.Equipped), attendance,
		})
	}
	return rows
}
