package stage

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"time"
)

// The tables that the project team of the two hospitals would give to `import`.

func table(header []string, rows [][]string) []byte {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	w.Comma = ';'
	_ = w.Write(header) // into memory
	_ = w.WriteAll(rows)
	return text.Bytes()
}

func (h *hospital) structureTable() []byte {
	var rows [][]string
	for _, s := range h.services {
		rows = append(rows, []string{
			s.EstablishmentName, s.Establishment, finess[s.Establishment], s.SiteName, s.Site, s.Commune, s.Zone.String(), s.PoleName, s.Pole, s.Name, s.ID,
		})
	}
	return table([]string{
		"Établissement", "Id établissement", "FINESS", "Site", "Id site", "Commune", "Fuseau", "Pôle", "Id pôle", "Service", "Id service",
	}, rows)
}

// linesTable is what is known of the lines at an instant: what was cut until then, and which machine stands there.
func (h *hospital) linesTable(now time.Time) []byte {
	var rows [][]string
	for _, l := range h.lines {
		gateway := ""
		if l.Gateway != nil {
			gateway = l.Gateway.ID
		}
		done := l.CutOn
		if done.After(now) {
			done = time.Time{}
		}
		s := l.Service
		rows = append(rows, []string{
			l.Number, l.machineAt(now), gateway, l.GatewayPort, s.EstablishmentName, s.SiteName, s.PoleName, s.Name, l.Support,
			date(l.Cutoff), date(done), l.KeptReason, date(l.KeptUntil),
		})
	}
	return table([]string{
		"Numéro", "Machine", "Passerelle", "Port passerelle", "Établissement", "Site", "Pôle", "Service", "Support",
		"Coupure prévue", "Coupure réelle", "Motif de maintien", "À revoir le",
	}, rows)
}

func (l *Line) machineAt(now time.Time) string {
	switch {
	case l.Machine == nil:
		return ""
	case l.Next != nil && !now.Before(l.Next.from):
		return l.Next.Serial
	}
	return l.Machine.Serial
}

func (h *hospital) copperTable() []byte {
	return table([]string{"code_insee", "nom_commune", "fermeture_commerciale", "fermeture_technique", "lot"}, [][]string{
		{"49007", "Angers", date(h.ago(h.paris, -6, 0)), date(h.ago(h.paris, -30, 0)), "6"},
		{"49328", "Saumur", date(h.ago(h.paris, 18, 0)), date(h.ago(h.paris, 0, 20)), "2"},
		{"97416", "Saint-Pierre", date(h.ago(h.paris, -12, 0)), date(h.ago(h.paris, -36, 0)), "7"},
	})
}

// agentsFile is what two agents should poll; one of them will not take it.
const agentsFile = `agents:
  ps-nord: {targets: [{range: 10.17.4.0/24, credentials: v3}], poll: {lines: 1m, counters: 5m}}
  ps-iles: {targets: [{range: 10.17.4.0/24, credentials: v3}]}
`

// targetsTable is what the indicators are to come to, from the first year on and from the present year on.
func (h *hospital) targetsTable() []byte {
	months := []string{h.ago(h.paris, 24, 0).Format("2006-01"), h.ago(h.paris, 6, 0).Format("2006-01")}
	var rows [][]string
	add := func(indicator, establishment, pole string, values ...int) {
		for i, value := range values {
			rows = append(rows, []string{indicator, establishment, pole, fmt.Sprint(value), months[i]})
		}
	}
	add("Lignes de fax actives", "", "", 45, 15)
	add("Lignes de fax actives", "CHU de l'Exemple", "", 38, 11)
	add("Lignes de fax actives", "Centre hospitalier des Îles", "", 8, 4)
	for _, pole := range []string{"Médecine", "Cancérologie", "Femme-mère-enfant"} {
		add("Lignes de fax actives", "CHU de l'Exemple", pole, 15, 4)
	}
	add("Lignes de fax actives", "Centre hospitalier des Îles", "Soins des Îles", 8, 4)
	for _, way := range []string{"reçus", "émis"} {
		add("Messages fax "+way, "", "", 4000, 1500)
		add("Messages MSSanté "+way, "", "", 1000, 6000)
	}
	add("Adresses MSSanté utilisées", "", "", 10, 40)
	return table([]string{"Indicateur", "Établissement", "Pôle", "Objectif", "À partir de"}, rows)
}

// date is a day as people write it; "" for none.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("02/01/2006")
}
