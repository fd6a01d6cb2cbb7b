package web

import (
	"bytes"
	"html"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// form is what a browser would send back of the page's form that goes to a target, as it was shown.
func form(t *testing.T, page, action string) url.Values {
	t.Helper()
	_, rest, found := strings.Cut(page, `action="`+action)
	if !found {
		t.Fatalf("there is no form for %s", action)
	}
	rest, _, _ = strings.Cut(rest, "</form>")
	values := url.Values{}
	for _, m := range regexp.MustCompile(`<input [^>]*>`).FindAllString(rest, -1) {
		attribute := func(name string) string {
			if found := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(m); found != nil {
				return html.UnescapeString(found[1])
			}
			return ""
		}
		if kind := attribute("type"); kind == "checkbox" && !strings.Contains(m, " checked") || kind == "file" {
			continue
		}
		values.Add(attribute("name"), attribute("value"))
	}
	for _, m := range regexp.MustCompile(`(?s)<select id="[^"]*" name="([^"]*)".*?</select>`).FindAllStringSubmatch(rest, -1) {
		chosen := regexp.MustCompile(`<option value="([^"]*)" selected`).FindStringSubmatch(m[0])
		if chosen == nil {
			chosen = []string{"", ""}
		}
		values.Add(m[1], html.UnescapeString(chosen[1]))
	}
	return values
}

func (h *house) post(target string, values url.Values) *httptest.ResponseRecorder {
	h.t.Helper()
	return sendForm(h, target, values)
}

func sendForm(to http.Handler, target string, values url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	return w
}

// raw is a page as it came.
func (h *house) raw(target string) string {
	h.t.Helper()
	w := ask(h, http.MethodGet, target)
	if w.Code != http.StatusOK {
		h.t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
	}
	return w.Body.String()
}

func (h *house) cells(id string) map[string]string {
	h.t.Helper()
	r, err := h.books.Register(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return register.LineCells(r, id)
}

const edit0 = "/lines/0241354000/edit"

func TestALineIsEditedInPlaceAndOnlyWhatWasTypedChanges(t *testing.T) {
	h := newHouse(t)
	before := h.cells("0241354000")
	f := form(t, h.raw(edit0), edit0)
	f.Set("cutoff", "2026-12-15")
	f.Set("contact", "Mme Martin")
	w := h.post(edit0, f)
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/lines/0241354000?lang=fr&done=saved") {
		t.Fatalf("got %d to %q %s, want the line's page", w.Code, w.Header().Get("Location"), w.Body)
	}
	before["cutoff"], before["contact"] = "2026-12-15", "Mme Martin"
	got := h.cells("0241354000")
	for column, want := range before {
		if got[column] != want {
			t.Errorf("%s: got %q, want %q", column, got[column], want)
		}
	}
	story := h.page("/lines/0241354000")
	for _, want := range []string{"Mme Martin", "15/12/2026", "open page", "page /lines/0241354000/edit"} {
		if !strings.Contains(story, want) {
			t.Errorf("the line's story lacks %q", want)
		}
	}
}

func TestOfTwoWhoEditALineTheSecondLearnsOfTheFirst(t *testing.T) {
	h := newHouse(t)
	first, second := form(t, h.raw(edit0), edit0), form(t, h.raw(edit0), edit0)
	first.Set("cutoff", "2026-12-15")
	first.Set("uf", "0199")
	second.Set("cutoff", "2027-01-31")
	second.Set("contact", "M. Durand")
	if w := h.post(edit0, first); w.Code != http.StatusSeeOther {
		t.Fatalf("the first: got %d %s", w.Code, w.Body)
	}
	w := h.post(edit0, second)
	page := w.Body.String()
	if w.Code != http.StatusConflict {
		t.Fatalf("the second: got %d, want a conflict", w.Code)
	}
	for _, want := range []string{"2027-01-31", "2026-12-15", "M. Durand", "0199"} {
		if !strings.Contains(page, want) {
			t.Errorf("the conflict lacks %q", want)
		}
	}
	if got := h.cells("0241354000"); got["cutoff"] != "2026-12-15" || got["contact"] != "" {
		t.Errorf("got %v, want only what the first saved", got)
	}
	again := form(t, page, edit0)
	if again.Get("uf") != "0199" || again.Get("cutoff") != "2027-01-31" {
		t.Errorf("the form has %v, want what the second typed, and the rest as it stands", again)
	}
	if w := h.post(edit0, again); w.Code != http.StatusSeeOther {
		t.Fatalf("saved again: got %d %s", w.Code, w.Body)
	}
	if got := h.cells("0241354000"); got["cutoff"] != "2027-01-31" || got["contact"] != "M. Durand" || got["uf"] != "0199" {
		t.Errorf("got %v, want the second's cut-off and contact, and the first's functional unit", got)
	}
}

func TestABadValueStandsAtItsFieldAndChangesNothing(t *testing.T) {
	h := newHouse(t)
	before := h.cells("0241354000")
	for column, test := range map[string]struct{ value, want string }{
		"cutoff":       {"32/13/2026", "n’existe pas"},
		"cut_on":       {"2027-05-01", "est dans le futur"},
		"extension":    {"abc", "n’est pas un poste"},
		"kept_until":   {"2027-05-01", "date de révision sans motif"},
		"gateway_port": {"4", "sans passerelle"},
		"since":        {"2030-01-01", "est dans le futur"},
	} {
		f := form(t, h.raw(edit0), edit0)
		f.Set(column, test.value)
		f.Set("contact", "typed all the same")
		w := h.post(edit0, f)
		page := w.Body.String()
		_, at, _ := strings.Cut(page, `id="`+column+`-fault"`)
		at, _, _ = strings.Cut(at, "</small>")
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(at, test.want) {
			t.Errorf("%s=%s: got %d and at the field %q, want 422 and %q", column, test.value, w.Code, at, test.want)
		}
		if again := form(t, page, edit0); again.Get("contact") != "typed all the same" || again.Get(column) != test.value {
			t.Errorf("%s: what was typed is lost: %v", column, again)
		}
	}
	if got := h.cells("0241354000"); got["contact"] != before["contact"] || got["cutoff"] != before["cutoff"] {
		t.Errorf("got %v, want nothing changed", got)
	}
}

func TestWhatGoesBeyondTheLineWantsAYes(t *testing.T) {
	h := newHouse(t)
	f := form(t, h.raw(edit0), edit0)
	f.Set("service", "Déchocage")
	w := h.post(edit0, f)
	if !strings.Contains(w.Body.String(), "Déchocage") || !strings.Contains(w.Body.String(), "Confirmer et enregistrer") || h.cells("0241354000")["service"] != "Accueil" {
		t.Fatalf("got %d %s, want to be asked for the new service first", w.Code, w.Body)
	}
	if w = h.post(edit0, form(t, w.Body.String(), edit0)); w.Code != http.StatusSeeOther || h.cells("0241354000")["service"] != "Déchocage" {
		t.Errorf("confirmed: got %d, %v", w.Code, h.cells("0241354000"))
	}
}

func TestALineIsDeclaredAndRemovedByThePage(t *testing.T) {
	h := newHouse(t)
	f := form(t, h.raw("/lines/new?device=kyocera-9&port=2"), "/lines/new")
	if f.Get("device") != "kyocera-9" || f.Get("port") != "2" {
		t.Errorf("got %v, want the machine filled in", f)
	}
	if w := h.post("/lines/new", f); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "indiquer un numéro") {
		t.Errorf("without a number: got %d %s", w.Code, w.Body)
	}
	f.Set("number", "02 41 35 40 00")
	f.Set("device", "")
	f.Set("port", "")
	if w := h.post("/lines/new", f); w.Code != http.StatusUnprocessableEntity && w.Code != http.StatusOK || h.cells("0241354000")["device"] != "xerox-1" {
		t.Errorf("a number that is there: got %d, and %v", w.Code, h.cells("0241354000"))
	}
	f.Set("number", "02 41 35 40 99")
	w := h.post("/lines/new", f)
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/lines/0241354099") {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	remove := form(t, h.raw("/lines/0241354099"), "/lines/0241354099/remove")
	if w := h.post("/lines/0241354099/remove", remove); w.Code != http.StatusSeeOther || h.cells("0241354099") != nil {
		t.Errorf("got %d, and %v, want it removed", w.Code, h.cells("0241354099"))
	}
	if w := ask(h, http.MethodGet, "/lines/0241354099"); w.Code != http.StatusNotFound {
		t.Errorf("got %d for a removed line, want 404", w.Code)
	}
}

func TestSeveralLinesAreGivenADateAtOnce(t *testing.T) {
	h := newHouse(t)
	const target = "/lines/several?lang=fr&line=0241354000&line=0241354002&line=nonsense"
	f := form(t, h.raw(target), "/lines/several")
	f.Set("cutoff", "2027-06-30")
	if w := h.post("/lines/several", f); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	for id, want := range map[string]string{"0241354000": "2027-06-30", "0241354002": "2027-06-30", "0241354003": ""} {
		if got := h.cells(id); got["cutoff"] != want || id == "0241354000" && got["service"] != "Accueil" {
			t.Errorf("%s: got %v, want the cut-off %q and nothing else changed", id, got, want)
		}
	}
	f.Set("cutoff", "2027-07-31")
	if w := h.post("/lines/several", f); w.Code != http.StatusConflict || h.cells("0241354000")["cutoff"] != "2027-06-30" {
		t.Errorf("an old form: got %d, want a conflict", w.Code)
	}
}

func TestOnlyEditorsOfAnEstablishmentChangeItsLines(t *testing.T) {
	h := newHouse(t)
	f := form(t, h.raw(edit0), edit0)
	f.Set("contact", "somebody")
	pages, err := newPages(Options{Books: h.books, Language: "fr", Location: h.paris, Log: h.log, Ready: func() error { return nil }, Metrics: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	routes := pages.routes(func(next http.Handler) http.HandlerFunc { return next.ServeHTTP })
	ofWhom := func(who reader) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { routes.ServeHTTP(w, as(r, who)) })
	}
	laval, angers := []string{"ch-de-laval"}, []string{"chu-d-angers"}
	if w := sendForm(ofWhom(reader{Name: "lea", Role: ledger.ReaderRole}), edit0, f); w.Code != http.StatusForbidden {
		t.Errorf("a reader: got %d, want 403", w.Code)
	}
	if w := sendForm(ofWhom(reader{Name: "eva", Role: ledger.EditorRole, Establishments: laval}), edit0, f); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "Accueil") {
		t.Errorf("an editor of another hospital: got %d, want 404 and nothing told of the line", w.Code)
	}
	moved := url.Values{"revision": f["revision"], "was": f["was"], "establishment": {"CH de Laval"}, "site": {"Laval"}, "service": {"Standard"}, "uf": {""}, "pole": {""}}
	angersEditor := ofWhom(reader{Name: "ana", Role: ledger.EditorRole, Establishments: angers})
	w := sendForm(angersEditor, edit0, moved)
	if m := regexp.MustCompile(`name="confirmed" value="([^"]*)"`).FindStringSubmatch(w.Body.String()); m != nil {
		moved.Set("confirmed", html.UnescapeString(m[1]))
		w = sendForm(angersEditor, edit0, moved)
	}
	if w.Code != http.StatusForbidden {
		t.Errorf("into another hospital: got %d, want 403", w.Code)
	}
	if got := h.cells("0241354000"); got["contact"] != "" || got["establishment"] != "CHU d'Angers" {
		t.Errorf("got %v, want nothing changed", got)
	}
	if w := sendForm(angersEditor, edit0, f); w.Code != http.StatusSeeOther || h.cells("0241354000")["contact"] != "somebody" {
		t.Errorf("an editor of the hospital: got %d", w.Code)
	}
}

// handIn hands a table in, and returns where it is shown what it would change.
func (h *house) handIn(target, name, text string, more url.Values) string {
	h.t.Helper()
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	file, err := parts.CreateFormFile("file", name)
	if err != nil {
		h.t.Fatal(err)
	}
	_, _ = file.Write([]byte(text))
	for key := range more {
		_ = parts.WriteField(key, more.Get(key))
	}
	_ = parts.Close()
	r := httptest.NewRequest(http.MethodPost, target, &body)
	r.Header.Set("Content-Type", parts.FormDataContentType())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther {
		h.t.Fatalf("POST %s: got %d %s, want to be led to the preview", target, w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

func TestATableThatIsHandedInDoesWhatTheImportDoes(t *testing.T) {
	const table = "numéro;service;coupure prévue;contact\n0241354000;Accueil;31/03/2027;Mme Petit\n0241354077;Déchocage;;\n"
	imported := newHouse(t)
	imported.take(register.Lines, register.PlanLines, table)
	h := newHouse(t)
	before := h.cells("0241354000")
	preview := h.handIn("/import/lines", "lignes.csv", table, nil)
	page := h.raw(preview)
	for _, want := range []string{"lignes.csv", "0241354077", "Déchocage", "Mme Petit", "1 ligne (nouveau)", "1 ligne (modifié)"} {
		if !strings.Contains(page, want) {
			t.Errorf("the preview lacks %q", want)
		}
	}
	if got := h.cells("0241354000"); got["contact"] != before["contact"] {
		t.Fatalf("something changed before anybody agreed: %v", got)
	}
	path, _, _ := strings.Cut(preview, "?")
	f := form(t, page, path)
	if w := h.post(path, f); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	for _, id := range []string{"0241354000", "0241354001", "0241354077"} {
		want, got := imported.cells(id), h.cells(id)
		for column := range want {
			if got[column] != want[column] {
				t.Errorf("%s, %s: got %q, the import makes it %q", id, column, got[column], want[column])
			}
		}
	}
	if w := ask(h, http.MethodGet, path); w.Code != http.StatusNotFound {
		t.Errorf("the upload is still there: %d", w.Code)
	}
}

func TestATableIsShownAnewWhereTheRegisterChangedMeanwhile(t *testing.T) {
	h := newHouse(t)
	preview := h.handIn("/import/lines", "lignes.csv", "numéro;contact\n0241354000;Mme Petit\n", nil)
	path, _, _ := strings.Cut(preview, "?")
	f := form(t, h.raw(preview), path)
	h.take(register.Lines, register.PlanLines, "numéro;contact\n0241354001;M. Grand\n")
	w := h.post(path, f)
	if w.Code != http.StatusConflict || h.cells("0241354000")["contact"] != "" {
		t.Fatalf("got %d, want a conflict and nothing done", w.Code)
	}
	if w := h.post(path, form(t, w.Body.String(), path)); w.Code != http.StatusSeeOther || h.cells("0241354000")["contact"] != "Mme Petit" {
		t.Errorf("agreed again: got %d", w.Code)
	}
}

func TestATableThatIsWrongSaysWhereAndChangesNothing(t *testing.T) {
	h := newHouse(t)
	preview := h.handIn("/import/lines", "lignes.csv", "numéro;coupure prévue\n0241354000;32/12/2026\n", nil)
	w := ask(h, http.MethodGet, preview)
	got := plain(html.UnescapeString(w.Body.String()))
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(got, "rang 2 coupure prévue :") || strings.Contains(got, "Faire ces changements") {
		t.Errorf("got %d %s, want the fault by row and column", w.Code, got)
	}
	for _, file := range []string{"lines.csv", "lines.xlsx", "structure.csv", "devices.xlsx"} {
		if w := ask(h, http.MethodGet, "/export/"+file); w.Code != http.StatusOK || w.Body.Len() < 50 {
			t.Errorf("%s: got %d, %d bytes", file, w.Code, w.Body.Len())
		}
	}
	structure := h.handIn("/import/structure", "structure.csv", "établissement;pôle;id pôle\nCHU d'Angers;Urgences et SAMU;urgences\n", nil)
	path, _, _ := strings.Cut(structure, "?")
	if w := h.post(path, form(t, h.raw(structure), path)); w.Code != http.StatusSeeOther || !strings.Contains(h.page("/map"), "Urgences et SAMU") {
		t.Errorf("a pôle can't be renamed by a table: %d", w.Code)
	}
}

func TestTestsAreAnnouncedOnALinesPage(t *testing.T) {
	h := newHouse(t)
	const target = "/lines/0241354000/windows"
	f := url.Values{"from": {"2026-12-01T10:00"}, "to": {"2026-12-01T09:00"}, "reason": {"essai du technicien"}}
	if w := h.post(target, f); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `value="2026-12-01T10:00"`) {
		t.Errorf("an end before its beginning: got %d, want 422 with what was typed", w.Code)
	}
	f.Set("to", "2026-12-01T11:00")
	if w := h.post(target, f); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if got := h.page("/lines/0241354000"); !strings.Contains(got, "du 01/12/2026 10:00:00 au 01/12/2026 11:00:00 · essai du technicien") {
		t.Error("the page doesn't tell of the test")
	}
	if w := h.post("/lines/0241354000/alerts/99/close", url.Values{"reason": {"x"}}); w.Code != http.StatusNotFound {
		t.Errorf("an alert that is none: got %d, want 404", w.Code)
	}
}
