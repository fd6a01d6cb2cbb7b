package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestTheCommitteesPageSaysUnknownAndNeverZeroOfWhatIsNotKnown(t *testing.T) {
	got := plain(shown(t, hospital(), "/committee?month=2026-10"))
	for _, want := range []string{
		"Comité de projet « zéro fax » : octobre 2026", "mois en cours : chiffres partiels", "Lignes de fax actives",
		`<td class="figure"><span class="muted">inconnu</span></td>`, "Exceptions : lignes maintenues", "ligne d’astreinte", "révision dépassée",
		"Pages évitées : inconnu", `href="/committee.xlsx?lang=fr&month=2026-10"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if internal := row(t, got, "indicator-fax_internal-faxes"); strings.Contains(internal, " 0 ") && !strings.Contains(internal, "0 j sur") {
		t.Errorf("internal faxes: got %q, want no zero", internal)
	}
}

func TestAMonthOrHospitalThatIsNotThereIsRefusedWithWhatWouldBeRight(t *testing.T) {
	for query, want := range map[string]string{
		"?month=2199-01":           "Rien n’est connu de ce mois : choisissez-en un de 20",
		"?month=nonsense":          "Rien n’est connu de ce mois",
		"?establishment=elsewhere": "Aucun établissement de ce nom",
		"?month=1999-12&lang=en":   "Nothing is known of that month",
	} {
		for _, path := range []string{"/committee", "/committee.xlsx"} {
			w := ask(newSite(t, hospital()), http.MethodGet, path+query)
			if text := strings.ReplaceAll(w.Body.String(), "\u00a0", " "); w.Code != http.StatusBadRequest || !strings.Contains(text, want) {
				t.Errorf("%s%s: got %d, want 400 and %q", path, query, w.Code, want)
			}
		}
	}
}

func TestTheCommitteesPageOfAnEmptyRegisterAndOfUnreadableBooks(t *testing.T) {
	empty := &books{snapshot: ledger.Snapshot{At: noon, Month: 202610}}
	if got := shown(t, empty, "/committee"); !strings.Contains(got, "Total général") || strings.Contains(got, "0,0") {
		t.Error("an empty register has no share of lines, and its page says all else")
	}
	broken := hospital()
	broken.err = errBooks
	for _, path := range []string{"/committee", "/committee.xlsx"} {
		if w := ask(newSite(t, broken), http.MethodGet, path); w.Code != http.StatusInternalServerError {
			t.Errorf("%s of unreadable books: got %d, want 500", path, w.Code)
		}
	}
}

func TestTheCommitteesFileIsAnExcelFileNamedByItsMonth(t *testing.T) {
	w := ask(newSite(t, hospital()), http.MethodGet, "/committee.xlsx?month=2026-10&lang=en")
	if kind := w.Header().Get("Content-Type"); kind != "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" || !strings.HasPrefix(w.Body.String(), "PK") {
		t.Errorf("got %q, want an Excel file", kind)
	}
	if name := w.Header().Get("Content-Disposition"); name != `attachment; filename="copil-2026-10.xlsx"` {
		t.Errorf("got %q, want the month in its name", name)
	}
}
