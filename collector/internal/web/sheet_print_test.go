//go:build e2e

package web

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// A sheet that says as much as the form takes, and the reply of a machine: on paper each is one page.
func TestSheetsAndRepliesPrintOnOnePage(t *testing.T) {
	t.Parallel()
	books := twoHospitals(t)
	v := visit(t, books)
	long := func(text string, times int) string { return strings.TrimSpace(strings.Repeat(text+" ", times)) }
	declareSheet(t, books, "2026-09-02", ledger.Sheet{Weather: ledger.Stormy, Highlights: "démarrage"})
	most := ledger.Sheet{
		Weather: ledger.Bright, Referent: "Anne-Sophie Martin-Lefebvre, cadre de santé", QuestionsOn: "2026-10-14",
		Highlights: "secrétariat formé à la MSSanté\nadresse organisationnelle créée et publiée\n" + long("deux machines sur trois retirées", 13),
		NextSteps:  "changer les en-têtes d’ordonnance et les signatures de mail\nprévenir les laboratoires\n" + long("mettre à jour l’annuaire du service", 11),
	}
	for i := range mostPoints {
		most.Points = append(most.Points, ledger.WatchPoint{
			Text: long("le service voisin emprunte la ligne", 4), Risk: ledger.Risks()[i%3], Mitigation: long("affiche au-dessus de la machine", 5),
		})
	}
	declareSheet(t, books, "2026-10-01", most)
	v.note("kind", "contact", "subject", "lead", "who", "Anne Martin", "contact", "zerofax@chu-exemple.fr", "establishment", "chu")
	v.note("kind", "procedure", "subject", "receiving", "version", "1.2", "who", "Carole Petit", "link", "https://intranet.chu/recevoir", "day", "2026-09-20", "service", "chu-saas")
	v.note("kind", "training", "subject", "what", "day", "2026-10-08", "service", "chu-saas", "who", "Anne Martin", "attendance", "12")
	v.note("kind", "communication", "subject", "partners_mailing", "day", "2026-09-15", "establishment", "chu")
	v.note("kind", "partner", "who", "Laboratoire du Lac", "contact", "02 41 00 12 34", "equipped", "no", "establishment", "chu", "note", "pas d’adresse avant mars")
	v.note("kind", "incident", "day", "2026-09-30", "note", long("une ordonnance n’est pas arrivée, renvoyée par MSSanté", 3), "establishment", "chu")
	server := httptest.NewServer(siteOf(t, books))
	defer server.Close()
	shots := os.Getenv("SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	out, err := exec.Command("node", "browser/print.mjs", server.URL, shots, "chu-saas", "0241354000").CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
	fmt.Fprintf(t.Output(), "%s", out)
}

func declareSheet(t *testing.T, books *ledger.Ledger, day ledger.Day, sheet ledger.Sheet) {
	t.Helper()
	if err := books.DeclareSheet(t.Context(), ledger.Author{Who: "anne"}, "chu-saas", day, func(ledger.Register, ledger.Sheet) (ledger.Sheet, error) { return sheet, nil }); err != nil {
		t.Fatal(err)
	}
}
