package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// published takes a national directory over into the books of a house.
func (h *house) published(day ledger.Day, all ...ledger.Published) {
	h.t.Helper()
	_, err := h.books.TakePublished(h.t.Context(), ledger.Author{Who: "anne"}, ledger.PublicFile{Name: "e.txt", Day: day}, func(keep func(ledger.Published) error) (int64, error) {
		for _, m := range all {
			m.Sought = register.SoughtPerson(m.Surname, m.Forename)
			if m.Person == "" {
				m.Sought = register.SoughtPlace(m.Service)
			}
			m.At.Sought = register.SoughtPlace(m.At.Name + " " + m.At.Town)
			if err := keep(m); err != nil {
				return 0, err
			}
		}
		return int64(len(all)), nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// directory is a small one, of made-up people.
func directory() []ledger.Published {
	hospital, practice := ledger.Practice{Structure: "490000023", Name: "CH D’EXEMPLE", Postcode: "49000", Town: "ANGERS"}, ledger.Practice{Name: "CABINET DU DR MARTIN", Postcode: "49300", Town: "CHOLET"}
	return []ledger.Published{
		{Address: "jeanne.martin@ch.mssante.fr", Kind: "PER", Person: "10000000017", Surname: "MARTIN", Forename: "Jeanne", Calling: "Médecin, Cardiologie", At: hospital},
		{Address: "j.martin@medecin.mssante.fr", Kind: "PER", Person: "10000000017", Surname: "MARTIN", Forename: "Jeanne", Calling: "Médecin, Cardiologie", At: practice, Paperless: true},
		{Address: "paul.martin@medecin.mssante.fr", Kind: "PER", Person: "10000000025", Surname: "MARTIN", Forename: "Paul", Calling: "Infirmier"},
		{Address: "cardio@ch.mssante.fr", Kind: "ORG", Service: "Secrétariat de cardiologie", At: hospital},
	}
}

func TestWhoWantsToSendIsLedToTheRightAddress(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if page := h.page("/send?surname=Martin"); !strings.Contains(page, "L’annuaire n’est pas dans zerofax") || !strings.Contains(page, "annuaire.sante.fr") || strings.Contains(page, "Adresses trouvées") {
		t.Error("without a directory the page doesn't lead to the official one")
	}
	h.published("2026-09-28", directory()...)
	for target, x := range map[string]struct{ want, not []string }{
		"/send": {[]string{"Annuaire Santé du 28/09/2026 (il y a 3 jours).", "DPI", "sans donnée de santé", "liste rouge"}, []string{"Adresses trouvées", "Cet annuaire date"}},
		"/send?surname=martin&forename=JEANNE": {
			[]string{"MARTIN Jeanne", "RPPS 10000000017", "2 adresses : choisir celle du bon lieu.", "jeanne.martin@ch.mssante.fr", "CH D’EXEMPLE, 49000 ANGERS", "j.martin@medecin.mssante.fr", "CABINET DU DR MARTIN, 49300 CHOLET", "accepte sans papier", "BAL personnelle"},
			[]string{"paul.martin"},
		},
		"/send?surname=Martin&place=Chol%C3%A8t":          {[]string{"j.martin@medecin.mssante.fr"}, []string{"jeanne.martin@ch", "autres lieux"}},
		"/send?surname=Martin&forename=J&place=Brest":     {[]string{"Personne de ce nom à ce lieu d’exercice", "jeanne.martin@ch.mssante.fr"}, nil},
		"/send?rpps=8+10000000025":                        {[]string{"paul.martin@medecin.mssante.fr", "lieu d’exercice non précisé"}, []string{"jeanne"}},
		"/send?rpps=10000000026":                          {[]string{"Ce n’est pas un numéro RPPS"}, nil},
		"/send?surname=m":                                 {[]string{"au moins deux lettres"}, nil},
		"/send?forename=Jeanne":                           {[]string{"au moins deux lettres"}, nil},
		"/send?surname=Personne":                          {[]string{"Aucune adresse publiée ne correspond.", "J’appelle mon correspondant"}, nil},
		"/send?structure=ch+d%27exemple+angers":           {[]string{"cardio@ch.mssante.fr", "FINESS 490000023", "BAL organisationnelle"}, []string{"jeanne"}},
		"/send?structure=490000023&team=cardio":           {[]string{"cardio@ch.mssante.fr"}, []string{"jeanne"}},
		"/send?structure=exemple&team=radio":              {[]string{"Aucune adresse publiée ne correspond."}, nil},
		"/send?surname=%3Cscript%3Ealert(1)%3C/script%3E": {[]string{"Aucune adresse publiée ne correspond."}, nil},
	} {
		page := h.page(target)
		for _, want := range x.want {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q", target, want)
			}
		}
		for _, not := range x.not {
			if strings.Contains(page, not) {
				t.Errorf("%s has %q", target, not)
			}
		}
	}
}

func TestAnOldDirectorySaysSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.published("2026-09-01", directory()...)
	if page := h.page("/send?surname=martin"); !strings.Contains(page, "Cet annuaire date") || !strings.Contains(page, "(il y a 30 jours)") {
		t.Error("the page doesn't say that its directory is old")
	}
}

func TestInsideAServicesOwnAddressIsShown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	err := h.books.DeclareMailboxes(t.Context(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) {
		return []ledger.Mailbox{
			{Address: "accueil@chu.mssante.fr", From: "2026-01-01", Kind: "ORG", Establishment: "chu-d-angers", Service: "accueil", State: ledger.MailboxPublished},
			{Address: "neuve@chu.mssante.fr", From: "2026-01-01", Kind: "ORG", Establishment: "chu-d-angers", Service: "accueil", State: ledger.MailboxCreated},
			{Address: "robot@chu.mssante.fr", From: "2026-01-01", Kind: "APP", Establishment: "chu-d-angers", Service: "accueil", State: ledger.MailboxUsed},
		}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page := h.page("/send?service=accueil")
	if !strings.Contains(page, "accueil@chu.mssante.fr") || strings.Contains(page, "neuve@") || strings.Contains(page, "robot@") {
		t.Error("want the address that is read, and no other")
	}
	if page := h.page("/send?service=samu"); !strings.Contains(page, "appelez son secrétariat") {
		t.Error("want that a service has none")
	}
}

func TestReadersOfOneHospitalMaySearchTheDirectoryToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.published("2026-09-28", directory()...)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/send?surname=martin", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := h.sendAs(reader{Name: "zoe", Role: ledger.ReaderRole, Establishments: []string{"ch-de-cholet"}}, r)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "jeanne.martin@ch.mssante.fr") {
		t.Errorf("got %d", w.Code)
	}
}

func TestAnExtractionHandedInFillsTheDirectory(t *testing.T) {
	t.Parallel()
	h, anne := newHouse(t), reader{Name: "anne", Role: ledger.EditorRole}
	err := h.books.DeclareMailboxes(t.Context(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) {
		return []ledger.Mailbox{{Address: "accueil@chu.mssante.fr", From: "2026-01-01", Establishment: "chu-d-angers", Service: "accueil", State: ledger.MailboxPublished}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const text = "Type de BAL|Adresse BAL|Identifiant PP|Identification Structure|Service de rattachement|Nom d'exercice|Prénom d'exercice\n" +
		"ORG|accueil@chu.mssante.fr||490000031|Accueil||\nPER|eva.le-goff@medecin.mssante.fr|10000000033|||LE GOFF|Éva\n"
	if w := h.handAs(anne, "/mssante/extraction", "extraction", "Extraction_Correspondance_MSSante_202609300230.txt", text); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if page := h.page("/send?surname=legoff&forename=eva"); !strings.Contains(page, "eva.le-goff@medecin.mssante.fr") {
		t.Error("an address of the extraction isn't found")
	}
}
