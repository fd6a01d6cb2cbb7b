package web

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// postAs sends a form as somebody.
func (h *house) postAs(who reader, target string, form url.Values) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.sendAs(who, r)
}

// handAs hands a file in.
func (h *house) handAs(who reader, target, field, name, text string) *httptest.ResponseRecorder {
	h.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, name)
	if err == nil {
		_, err = io.WriteString(part, text)
	}
	if err != nil || form.Close() != nil {
		h.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, target, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return h.sendAs(who, r)
}

// sendAs is a request of somebody, past the door.
func (h *house) sendAs(who reader, r *http.Request) *httptest.ResponseRecorder {
	h.t.Helper()
	w := httptest.NewRecorder()
	h.inside(w, as(r, who))
	return w
}

// inside answers behind the door.
func (h *house) inside(w http.ResponseWriter, r *http.Request) {
	h.t.Helper()
	s, err := newPages(Options{
		Books: h.books, Language: "fr", Location: h.paris, Log: h.log,
		Ready: func() error { return nil }, Metrics: http.NotFoundHandler(), Publish: true,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	s.routes(func(next http.Handler) http.HandlerFunc { return next.ServeHTTP }).ServeHTTP(w, r)
}

var shownRevision = regexp.MustCompile(`name="revision" value="([^"]+)"`)

func (h *house) formAs(target string, who reader) url.Values {
	h.t.Helper()
	w := h.sendAs(who, httptest.NewRequest(http.MethodGet, target, nil))
	m := shownRevision.FindStringSubmatch(w.Body.String())
	if w.Code != http.StatusOK || m == nil {
		h.t.Fatalf("%s: got %d, want a form", target, w.Code)
	}
	return url.Values{"revision": {m[1]}}
}

func TestAnAddressIsDeclaredOnItsPageAsByATable(t *testing.T) {
	t.Parallel()
	h, anne := newHouse(t), reader{Name: "anne", Role: ledger.EditorRole}
	form := h.formAs("/mssante/address", anne)
	form.Set("address", "Accueil@chu.mssante.fr")
	form.Set("service", "accueil")
	form.Set("state", "published")
	form.Set("kind", "ORG")
	form.Set("since", "2999-01-01")
	if w := h.postAs(anne, "/mssante/address", form); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "lies in the future") || !strings.Contains(w.Body.String(), "Accueil@chu.mssante.fr") {
		t.Fatalf("a day that is still to come: got %d", w.Code)
	}
	form.Set("since", "2026-03-01")
	if w := h.postAs(anne, "/mssante/address", form); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	page := h.page("/mssante")
	for _, want := range []string{"accueil@chu.mssante.fr", "publiée", "organisationnelle", "Aucune extraction"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if w := h.postAs(anne, "/mssante/address", form); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "entre-temps") {
		t.Errorf("a form made of what stood before: got %d, want 409", w.Code)
	}
	if w := h.postAs(reader{Role: ledger.ReaderRole}, "/mssante/address", form); w.Code != http.StatusForbidden {
		t.Errorf("a reader: got %d, want 403", w.Code)
	}
	laval := reader{Role: ledger.EditorRole, Establishments: []string{"ch-de-laval"}}
	other := h.formAs("/mssante/address", laval)
	other.Set("address", "x@chu.mssante.fr")
	other.Set("service", "accueil")
	if w := h.postAs(laval, "/mssante/address", other); w.Code != http.StatusForbidden {
		t.Errorf("an editor of another establishment: got %d, want 403", w.Code)
	}
	if w := h.sendAs(laval, httptest.NewRequest(http.MethodGet, "/mssante", nil)); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "accueil@chu") {
		t.Errorf("somebody of another establishment sees the address: %d", w.Code)
	}
}

func TestATableOfMessagesIsLookedAtBeforeItIsTaken(t *testing.T) {
	t.Parallel()
	h, anne := newHouse(t), reader{Name: "anne", Role: ledger.EditorRole}
	table := "Boîte;Entrants;Sortants\naccueil@chu.mssante.fr;40;2\nsamu@chu.mssante.fr;0;0\n"
	w := h.handAs(anne, "/mssante/import", "file", "console.csv", table)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	target := w.Header().Get("Location")
	if w := h.sendAs(anne, httptest.NewRequest(http.MethodGet, target, nil)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Entrants") {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	form := url.Values{"column-address": {"Boîte"}, "column-received": {"Entrants"}, "column-sent": {"Sortants"}, "fixed": {"2026-09"}, "profile": {"console"}, "do": {"preview"}}
	if w := h.postAs(anne, target, form); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "2026-09 accueil@chu.mssante.fr") {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if all, err := h.books.Correspondence(t.Context()); err != nil || len(all.Mailboxes) != 0 {
		t.Fatalf("a preview changed the books: %v, %v", all, err)
	}
	form.Set("do", "import")
	if w := h.postAs(anne, target, form); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if all, err := h.books.Correspondence(t.Context()); err != nil || len(all.Mailboxes) != 2 {
		t.Errorf("got %v, %v, want two mailboxes", all, err)
	}
	again := h.handAs(anne, "/mssante/import", "file", "console.csv", table)
	if w := h.sendAs(anne, httptest.NewRequest(http.MethodGet, again.Header().Get("Location"), nil)); !strings.Contains(plain(w.Body.String()), "profil « console »") {
		t.Errorf("the same headers aren't found again: %s", plain(w.Body.String()))
	}
	if w := h.handAs(anne, "/mssante/import", "file", "x.csv", ""); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("an empty file: got %d, want 422", w.Code)
	}
	if w := h.handAs(reader{Role: ledger.EditorRole, Establishments: []string{"chu-d-angers"}}, "/mssante/extraction", "extraction", "e.txt", "x"); w.Code == http.StatusSeeOther {
		t.Errorf("an editor of some establishments: got %d", w.Code)
	}
	if page := h.page("/mssante"); !strings.Contains(page, "Messages MSSanté par mois") {
		t.Error("the page lacks its chart")
	}
}

func TestAnExtractionIsReadByThePageAndToldOnIt(t *testing.T) {
	t.Parallel()
	h, anne := newHouse(t), reader{Name: "anne", Role: ledger.EditorRole}
	const head = "Type de BAL|Adresse BAL|Identification Structure|Service de rattachement\n"
	if w := h.handAs(anne, "/mssante/extraction", "extraction", "e.txt", head+"ORG|a@b.fr||\n"); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("nothing is ours: got %d, want 422", w.Code)
	}
	err := h.books.DeclareMailboxes(t.Context(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) {
		return []ledger.Mailbox{
			{Address: "accueil@chu.mssante.fr", From: "2026-01-01", Establishment: "chu-d-angers", Service: "accueil", State: ledger.MailboxPublished},
			{Address: "samu@chu.mssante.fr", From: "2026-01-01", Establishment: "chu-d-angers", Service: "samu", State: ledger.MailboxCreated},
		}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	day := func(back int) string { return noon.Std().AddDate(0, 0, -back).Format("20060102") }
	for i, text := range []string{"ORG|accueil@chu.mssante.fr||\nORG|samu@chu.mssante.fr||\n", "ORG|samu@chu.mssante.fr||\n"} {
		name := "Extraction_Correspondance_MSSante_" + day(2-i) + "0230.txt"
		if w := h.handAs(anne, "/mssante/extraction", "extraction", name, head+text); w.Code != http.StatusSeeOther {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	page := h.page("/mssante")
	for _, want := range []string{"Adresses perdues", "perdues : publiées avant", "déclarée publiée, non trouvée", "trouvée dans l’annuaire : publiée ?", "Elle a 1 jour."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if w := h.postAs(anne, "/mssante/lost", url.Values{"address": {"accueil@chu.mssante.fr"}}); w.Code != http.StatusSeeOther {
		t.Errorf("got %d", w.Code)
	}
	if page := h.page("/mssante"); !strings.Contains(page, "Aucune adresse perdue.") {
		t.Error("a lost address is still told after somebody saw it")
	}
}

func TestAddressesWithMessagesAreDeclaredUsedWhenSomebodySaysSo(t *testing.T) {
	t.Parallel()
	h, anne := newHouse(t), reader{Name: "anne", Role: ledger.EditorRole}
	err := h.books.DeclareMailboxes(t.Context(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) {
		return []ledger.Mailbox{{Address: "accueil@chu.mssante.fr", From: "2026-01-01", Establishment: "chu-d-angers", Service: "accueil", State: ledger.MailboxPublished}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	last, n := ledger.MonthOf(noon, h.paris).Add(-1), int64(4)
	err = h.books.DeclareCorrespondence(t.Context(), ledger.Author{Who: "anne"}, func(_ ledger.Register, _ []ledger.Mailbox, m ledger.Correspondence) (ledger.Correspondence, error) {
		m.Mailboxes = []ledger.MailboxVolume{{Month: last, Address: "accueil@chu.mssante.fr", Received: &n}}
		return m, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if page := h.page("/mssante"); !strings.Contains(page, "1 adresse a des messages récents") {
		t.Error("the page doesn't propose it")
	}
	if w := h.postAs(anne, "/mssante/used", nil); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d", w.Code)
	}
	all, err := h.books.Mailboxes(t.Context())
	if err != nil || len(all) != 2 || all[1].State != ledger.MailboxUsed {
		t.Errorf("got %+v, %v", all, err)
	}
}
