package stage

import (
	"context"
	"fmt"
	"strings"
)

// What the national directory publishes of the hospitals' addresses, as a file that anyone may download.

// extractions are how many days ago the team took one.
var extractions = []int{36, 5}

// lostMailbox is the one that the directory had in the first file, and not in the second.
const lostMailbox = "radiotherapie-1@chu-exemple.mssante.fr"

// The columns of the file.
const extractionHeader = "Type de BAL|Adresse BAL|Type Identifiant PP|Identifiant PP|Identification nationale PP|Type identifiant structure|Identification Structure|" +
	"Service de rattachement|Civilité d'exercice|Nom d'exercice|Prénom d'exercice|Catégorie profession|Libellé de catégorie profession|Code Profession|" +
	"Libellé Profession|Code savoir-faire|Libellé savoir-faire|Dématérialisation|Raison Sociale structure BAL|Enseigne commerciale structure BAL|" +
	"L2COMPLEMENTLOCALISATION structure BAL|L3COMPLEMENTDISTRIBUTION structure BAL|L4NUMEROVOIE structure BAL|L4COMPLEMENTNUMEROVOIE structure BAL|" +
	"NL4TYPEVOIE structure BAL|L4LIBELLEVOIE structure BAL|L5LIEUDITMENTION structure BAL|L6LIGNEACHEMINEMENT structure BAL|Code postal structure BAL|" +
	"Département structure BAL|Pays structure BAL\n"

// extract takes the file of so many days ago.
func (s *Stage) extract(ctx context.Context, days int, second bool) error {
	name := s.extractionName(days)
	if err := s.write(name, s.extraction(second)); err != nil {
		return err
	}
	return s.commands(ctx, "import mssante-extraction "+name)
}

func (h *hospital) extractionName(days int) string {
	return fmt.Sprintf("Extraction_Correspondance_MSSante_%s0230.txt", h.ago(h.paris, 0, days).Format("20060102"))
}

// extraction is the file: what is published of theirs, an address that nobody declared, and others' addresses, among them
// correspondents'.
func (h *hospital) extraction(second bool) []byte {
	last := map[string]Mailbox{}
	var order []string
	for _, m := range h.mailboxes() {
		if _, known := last[m.Address]; !known {
			order = append(order, m.Address)
		}
		last[m.Address] = m
	}
	var b strings.Builder
	b.WriteString(extractionHeader)
	const nobody = "||||||||" // no name, no profession
	line := func(kind, address, person, finess, service, who, name, town string) {
		fmt.Fprintf(&b, "%s|%s||%s||1|%s|%s|%s|Non|%s||||1||RUE|DE L'EXEMPLE||%s|%.5[8]s|%.2[8]s|France\n", kind, address, person, finess, service, who, name, town)
	}
	row := func(kind, address, finess, service, name string) {
		line(kind, address, "", finess, service, nobody, name, "00000 EXEMPLE")
	}
	for _, address := range order {
		m := last[address]
		if m.State == "created" || second && address == lostMailbox {
			continue
		}
		row("ORG", address, finess[m.Service.Establishment], m.Service.Name, m.Service.EstablishmentName)
	}
	if second {
		row("ORG", "pharmacie@chu-exemple.mssante.fr", finess["chu-exemple"], "Pharmacie", "CHU de l'Exemple")
	}
	for n := range 40 {
		row("PER", fmt.Sprintf("personne.%02d@ville.mssante.fr", n), "", "", "")
	}
	for n, c := range correspondents {
		if c.mailbox != "" {
			line("ORG", c.mailbox, "", finessNumbers[n], "Secrétariat", nobody, c.name, "49000 ANGERS")
		}
	}
	line("PER", "jeanne.exemple@ville.mssante.fr", "10000000017", "", "", "DR|EXEMPLE|Jeanne|M|Médical|10|Médecin|SM04|Cardiologie", "CABINET DU PORT", "49000 ANGERS")
	return []byte(b.String())
}

// finess are made-up numbers with the right last digit.
var finess = map[string]string{"chu-exemple": "490099017", "ch-iles": "970099016"}
