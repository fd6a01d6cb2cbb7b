package web

import (
	"context"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func (b *books) Sheets(context.Context, ledger.Day) ([]ledger.Sheet, error) { return nil, b.err }

func (b *books) SheetHistory(context.Context, string) ([]ledger.Sheet, error) { return nil, b.err }

func (b *books) Ticks(context.Context) ([]ledger.Tick, error) { return nil, b.err }

func (b *books) Followups(context.Context) ([]ledger.Followup, error) { return nil, b.err }

func (b *books) DeclareSheet(context.Context, ledger.Author, string, ledger.Day, func(ledger.Register, ledger.Sheet) (ledger.Sheet, error)) error {
	return errBooks
}

func (b *books) DeclareTicks(context.Context, ledger.Author, string, func(ledger.Register, []ledger.Tick) ([]ledger.Tick, error)) error {
	return errBooks
}

func (b *books) DeclareFollowups(context.Context, ledger.Author, func(ledger.Register, []ledger.Followup) ([]ledger.Followup, error)) error {
	return errBooks
}

// visitor asks pages of a real ledger.
type visitor struct {
	t      *testing.T
	routes http.Handler
	reader
}

// visit is somebody who may edit all.
func visit(t *testing.T, books Books) visitor {
	t.Helper()
	s, err := newPages(Options{
		Books: books, Language: "fr", Location: time.UTC, Version: "0.1.0", Ready: func() error { return nil }, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return visitor{t, s.routes(func(h http.Handler) http.HandlerFunc { return h.ServeHTTP }), reader{Name: "anne", Role: ledger.EditorRole}}
}

// as is the same pages visited by somebody else.
func (v visitor) as(who reader) visitor {
	v.reader = who
	return v
}

func (v visitor) send(method, target string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	v.routes.ServeHTTP(w, as(r, v.reader))
	return w
}

// page is the text of a page that is there.
func (v visitor) page(target string) string {
	v.t.Helper()
	w := v.send(http.MethodGet, target, nil)
	if w.Code != http.StatusOK {
		v.t.Fatalf("GET %s: got %d %s", target, w.Code, w.Body)
	}
	return plain(html.UnescapeString(w.Body.String()))
}

var revisionField = regexp.MustCompile(`name="revision" value="([^"]*)"`)

// filled is a form as its page shows it, with only its revision.
func (v visitor) filled(target string, values ...string) url.Values {
	v.t.Helper()
	found := revisionField.FindStringSubmatch(v.page(target))
	if found == nil {
		v.t.Fatalf("GET %s: no form with a revision", target)
	}
	form := url.Values{"revision": {found[1]}}
	for i := 0; i+1 < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	return form
}

// words are the texts of a page without its markup.
func bare(page string) string {
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")), " ")
}

func wantIn(t *testing.T, what, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %q; got %s", what, want, got)
		}
	}
}

func TestASheetIsWrittenShownAndKeptByItsDay(t *testing.T) {
	books := twoHospitals(t)
	if err := books.DeclareSheet(t.Context(), ledger.Author{Who: "bruno"}, "chu-saas", "2026-09-01", func(_ ledger.Register, s ledger.Sheet) (ledger.Sheet, error) {
		s.Weather, s.Highlights = ledger.Stormy, "rien n’avance"
		return s, nil
	}); err != nil {
		t.Fatal(err)
	}
	v := visit(t, books)
	form := v.filled("/services/chu-saas/edit", "weather", "bright", "highlights", "- secrétariat formé\r\n\r\n• adresse créée ", "referent", " Anne  Martin ",
		"questions_on", "2026-10-14", "next_steps", "changer les en-têtes", "point-1", "aucun partenaire équipé", "risk-1", "major", "mitigation-1", "mailing et phoning")
	w := v.send(http.MethodPost, "/services/chu-saas/edit?lang=fr", form)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/services/chu-saas?done=saved&lang=fr" {
		t.Fatalf("got %d to %s: %s, want the sheet, saved", w.Code, w.Header().Get("Location"), bare(w.Body.String()))
	}
	wantIn(t, "the sheet", bare(v.page("/services/chu-saas")), "service of chu", "Point de situation au 01/10/2026", "Éclaircies", "Référent Anne Martin",
		"secrétariat formé adresse créée", "Session de Q/R prévue le 14/10/2026", "changer les en-têtes", "risque majeur aucun partenaire équipé → mailing et phoning",
		"coupure prévue le 01/09/2026, dépassée : 1 ligne", "1 ligne maintenue", "1 à coupure dépassée", "1 utilisée", "Lignes de fax actives (name of chu) : 1 pour un objectif de 4, écart -3",
		"anomalie à examiner · 0241354000", "01/09/2026 · Orageux · bruno", "Liste de sortie : 0 sur 8")
	old := bare(v.page("/services/chu-saas?at=2026-09-30"))
	wantIn(t, "the earlier one", old, "Point de situation au 01/09/2026", "Orageux", "rien n’avance", "Ceci est une version ancienne")
	if strings.Contains(old, "secrétariat formé") {
		t.Error("the earlier version says what was only said later")
	}
	wantIn(t, "a day before all of it", bare(v.page("/services/chu-saas?at=2026-08-01")), "Aucun point de situation n’existait à cette date.")
	wantIn(t, "the English one", bare(v.page("/services/chu-saas?lang=en")), "Situation on 1 Oct 2026", "Bright spells", "major risk", "0 of 8")
}

func TestOfTwoWhoEditASheetTheSecondLearnsOfTheFirst(t *testing.T) {
	books := twoHospitals(t)
	v := visit(t, books)
	const target = "/services/chu-saas/edit"
	first := v.filled(target, "weather", "sunny", "highlights", "de la première")
	second := v.filled(target, "weather", "stormy", "highlights", "de la seconde")
	if w := v.send(http.MethodPost, target, first); w.Code != http.StatusSeeOther {
		t.Fatalf("the first: got %d, want 303", w.Code)
	}
	w := v.send(http.MethodPost, target, second)
	got := plain(html.UnescapeString(w.Body.String()))
	if w.Code != http.StatusConflict {
		t.Fatalf("the second: got %d, want 409", w.Code)
	}
	wantIn(t, "the answer", bare(got), "Quelqu’un d’autre a modifié ceci entre-temps", "Faits marquants de la seconde de la première", "Météo de la bascule Orageux Ensoleillé")
	wantIn(t, "the form", got, `>de la seconde</textarea>`, `value="stormy" checked`)
	if sheet := bare(v.page("/services/chu-saas")); !strings.Contains(sheet, "de la première") {
		t.Errorf("the first one's words are lost: %s", sheet)
	}
	second.Set("revision", revisionField.FindStringSubmatch(got)[1])
	if w := v.send(http.MethodPost, target, second); w.Code != http.StatusSeeOther {
		t.Errorf("the second, who knows by now: got %d, want 303", w.Code)
	}
}

func TestWhatIsWrongWithASheetIsSaidAtItsField(t *testing.T) {
	v := visit(t, twoHospitals(t))
	form := v.filled("/services/chu-saas/edit", "weather", "fog", "questions_on", "bientôt", "highlights", strings.Repeat("é", longText+1),
		"point-1", "sans risque", "risk-1", "", "mitigation-2", "sans point")
	w := v.send(http.MethodPost, "/services/chu-saas/edit", form)
	got := plain(html.UnescapeString(w.Body.String()))
	if w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("got %d, want 422", w.Code)
	}
	wantIn(t, "the form", got, `id="questions_on-fault"`, `id="highlights-fault"`, "Trop long : 500 caractères au plus.", `id="risk-0-fault"`, `id="point-1-fault"`, `value="sans risque"`, "À choisir dans la liste.")
	if strings.Contains(bare(v.page("/services/chu-saas")), "Point de situation au") {
		t.Error("a sheet with faults was saved")
	}
}

func TestTheChecklistKnowsWhoTickedAndWhatTheBooksTell(t *testing.T) {
	v := visit(t, twoHospitals(t))
	const target = "/services/chu-saas/checklist"
	bad := v.filled(target, "done-access", "on", "done-no_fax", "on")
	if w := v.send(http.MethodPost, target, bad); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "Une exception veut un motif.") {
		t.Errorf("an exception without a reason: got %d %s, want 422 and that it needs one", w.Code, bare(w.Body.String()))
	}
	good := v.filled(target, "done-access", "on", "note-letters", "en cours", "done-no_fax", "on", "note-no_fax", "machine ferraillée")
	stale := v.filled(target, "done-partners", "on")
	if w := v.send(http.MethodPost, target, good); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s, want 303", w.Code, bare(w.Body.String()))
	}
	wantIn(t, "the sheet", bare(v.page("/services/chu-saas")), "Liste de sortie : 2 sur 8, dont 1 par exception", "sont opérationnels fait anne, le 01/10/2026",
		"Plus aucun fax n’est reçu 1 ligne que rien ne lit en ce moment exception admise anne, le 01/10/2026 machine ferraillée", "en cours", "aucune extraction de l’Annuaire Santé n’a été lue inconnu d’après les comptes")
	w := v.send(http.MethodPost, target, stale)
	if got := bare(plain(html.UnescapeString(w.Body.String()))); w.Code != http.StatusConflict || !strings.Contains(got, "(vide) Fait") {
		t.Errorf("who was second: got %d %s, want 409 with what the first one ticked", w.Code, got)
	}
}

func TestSheetsAreOnlyForThoseOfTheirHospital(t *testing.T) {
	v := visit(t, twoHospitals(t))
	form := v.filled("/services/secret-saas/edit", "weather", "sunny")
	ofChu := v.as(reader{Name: "bruno", Role: ledger.EditorRole, Establishments: []string{"chu"}})
	reads := v.as(reader{Name: "carole", Role: ledger.ReaderRole})
	for _, c := range []struct {
		who            visitor
		method, target string
		want           int
	}{
		{ofChu, http.MethodGet, "/services/secret-saas", http.StatusNotFound},
		{ofChu, http.MethodGet, "/services/secret-saas/edit", http.StatusNotFound},
		{ofChu, http.MethodPost, "/services/secret-saas/edit", http.StatusNotFound},
		{ofChu, http.MethodPost, "/services/secret-saas/checklist", http.StatusNotFound},
		{ofChu, http.MethodGet, "/services/chu-saas/edit", http.StatusOK},
		{reads, http.MethodGet, "/services/secret-saas", http.StatusOK},
		{reads, http.MethodGet, "/services/secret-saas/edit", http.StatusForbidden},
		{reads, http.MethodPost, "/services/secret-saas/edit", http.StatusForbidden},
		{v, http.MethodGet, "/services/nothing", http.StatusNotFound},
	} {
		if w := c.who.send(c.method, c.target, form); w.Code != c.want {
			t.Errorf("%s: %s %s: got %d, want %d", c.who.Name, c.method, c.target, w.Code, c.want)
		}
	}
	if got := reads.page("/services/chu-saas"); strings.Contains(got, "/edit") || strings.Contains(got, "/checklist") {
		t.Error("who may only read is offered to edit")
	}
	if sheets, err := scoped(twoHospitals(t), ofChu.reader).SheetHistory(t.Context(), "secret-saas"); err != nil || len(sheets) != 0 {
		t.Errorf("got %v, %v, want none", sheets, err)
	}
	// The ledger is asked through the reader's books, too, whatever a page forgot.
	err := scoped(twoHospitals(t), ofChu.reader).DeclareSheet(t.Context(), ledger.Author{}, "secret-saas", "2026-10-01", func(_ ledger.Register, s ledger.Sheet) (ledger.Sheet, error) { return s, nil })
	if err == nil {
		t.Error("an editor of another hospital wrote a sheet")
	}
}

func TestWordsOfASheetCannotBecomeMarkup(t *testing.T) {
	books := twoHospitals(t)
	const attack = `"><script>alert(1)</script>`
	if err := books.DeclareSheet(t.Context(), ledger.Author{Who: attack}, "chu-saas", "2026-10-01", func(_ ledger.Register, s ledger.Sheet) (ledger.Sheet, error) {
		s.Highlights, s.NextSteps, s.Referent = attack, attack, attack
		s.Points = []ledger.WatchPoint{{Text: attack, Risk: ledger.MinorRisk, Mitigation: attack}}
		return s, nil
	}); err != nil {
		t.Fatal(err)
	}
	v := visit(t, books)
	for _, target := range []string{"/services/chu-saas", "/services/chu-saas/edit"} {
		if got := v.send(http.MethodGet, target, nil).Body.String(); strings.Contains(got, "<script>alert") || strings.Count(got, "&lt;script&gt;") < 5 {
			t.Errorf("%s: a script got through, or nothing is shown", target)
		}
	}
}

func TestAnExtractionTellsWhetherAllAddressesArePublished(t *testing.T) {
	books := twoHospitals(t)
	e := ledger.Extraction{Name: "extraction.txt", Day: "2026-09-30", Rows: 1, Ours: 1}
	if _, err := books.DeclareExtraction(t.Context(), ledger.Author{Who: "anne"}, e, []ledger.Listed{{Address: "saas@chu.mssante.fr", Kind: "ORG"}}); err != nil {
		t.Fatal(err)
	}
	v := visit(t, books)
	wantIn(t, "who is listed", bare(v.page("/services/chu-saas")), "publiées dans l’Annuaire Santé 1 adresse, publiée fait d’après les comptes", "1 sur 8")
	wantIn(t, "who isn't", bare(v.page("/services/secret-saas")), "1 adresse non publiée (ou liste rouge / applicative) inconnu", "0 sur 8")
}
