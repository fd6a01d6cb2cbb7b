package web

import (
	"context"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func (b *books) FirstMonth(context.Context) (ledger.Month, error) { return 202607, b.err }

func (b *books) Closings(context.Context) ([]ledger.Closing, error) { return nil, b.err }

func (b *books) ClosingAs(context.Context, ledger.Month, int) (ledger.Closing, bool, error) {
	return ledger.Closing{}, false, b.err
}

func (b *books) CloseMonth(context.Context, ledger.Author, ledger.Month, string, func(ledger.MonthBooks) []ledger.ClosedFigure) (ledger.Closing, error) {
	return ledger.Closing{}, b.err
}

func (b *books) ReopenMonth(context.Context, ledger.Author, ledger.Month, int, string) error {
	return b.err
}

// send hands a form in to a site, as its own pages do.
func send(t *testing.T, site http.Handler, target string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w
}

// autumn is a ledger of two hospitals from July to 5 November 2026: a machine of the first one was read at the end of
// each month and sent 100, 40, 20 and 12 pages; the second one has a line that nobody sees. Its clock stands where at says.
func autumn(t *testing.T) (*ledger.Ledger, *time.Time) {
	t.Helper()
	now := time.Date(2026, 7, 1, 0, 1, 0, 0, time.UTC)
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	books, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{
		Now: func() time.Time { return now }, Zone: paris, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = books.Close() })
	declare(t, books, func(r *ledger.Register) {
		r.Establishments["chu"] = ledger.Establishment{ID: "chu", Name: "CHU d’Angers"}
		r.Establishments["laval"] = ledger.Establishment{ID: "laval", Name: "CH de Laval"}
		r.Poles["urgences"] = ledger.Pole{ID: "urgences", Establishment: "chu", Name: "Urgences"}
		r.Services["saas"] = ledger.Service{ID: "saas", Establishment: "chu", Pole: "urgences", Name: "Accueil & soins urgents"}
		r.Services["onco"] = ledger.Service{ID: "onco", Establishment: "chu", Name: "Oncologie"}
		r.Services["pharmacie"] = ledger.Service{ID: "pharmacie", Establishment: "laval", Name: "Pharmacie"}
		r.Lines["0241354000"] = []ledger.Declaration{{
			Line: "0241354000", Number: "0241354000", Device: "kyocera-vcg0000001", Place: ledger.Place{Establishment: "chu", Pole: "urgences", Service: "saas"},
		}}
		r.Lines["0243000000"] = []ledger.Declaration{{
			Line: "0243000000", Number: "0243000000", Device: "canon-never", Place: ledger.Place{Establishment: "laval", Service: "pharmacie"},
		}}
		aimAt(ledger.Target{Indicator: "fax_sent", From: 202608, Value: 30})(r)
	})
	for i, pages := range []int64{100, 200, 240, 260, 272} {
		now = time.Date(2026, time.Month(7+i), 1, 0, 30, 0, 0, time.UTC)
		count(t, books, uint64(i+1), now.Add(-6*time.Hour), pages)
	}
	now = time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	return books, &now
}

func declare(t *testing.T, books *ledger.Ledger, change func(*ledger.Register)) {
	t.Helper()
	err := books.Declare(t.Context(), ledger.Author{Who: "anne", Source: "a test"}, func(r ledger.Register) (ledger.Register, error) {
		change(&r)
		return r, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// whole is the page at a target, without markup, and its source.
func whole(t *testing.T, site http.Handler, target string) (text, source string) {
	t.Helper()
	w := ask(site, http.MethodGet, target)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: got %d %s", target, w.Code, w.Body)
	}
	return textIn(w.Body.String()), w.Body.String()
}

// textIn is a page's text.
func textIn(source string) string {
	text := regexp.MustCompile(`(?s)<script.*?</script>|<[^>]*>`).ReplaceAllString(source, " ")
	return strings.Join(strings.Fields(plain(html.UnescapeString(text))), " ")
}

func revisionIn(t *testing.T, source string) string {
	t.Helper()
	m := regexp.MustCompile(`name="revision" value="([^"]+)"`).FindStringSubmatch(source)
	if m == nil {
		t.Fatalf("no revision in %s", source)
	}
	return m[1]
}

const faxSent = "/targets?of=whole&indicator=fax_sent"

func TestTargetsAreShownWithWhatWasReachedAndWhatIsNotKnown(t *testing.T) {
	books, _ := autumn(t)
	site := siteOf(t, books)
	text, source := whole(t, site, faxSent)
	wantIn(t, "the page", text, "Fax émis pages 30 à partir d’août 2026 12 octobre 2026", "−18 à confirmer",
		"Messages MSSanté reçus messages sans objectif inconnu octobre 2026", "Ensemble de la structure", "CH de Laval")
	wantIn(t, "the trajectory", source, `"juil. 2026","août 2026","sept. 2026","oct. 2026","nov. 2026"`, `"values":[null,null,null,null,null,null,null,0,100,40,20,12,null]`)
	other, _ := whole(t, site, "/targets?of=establishment:laval")
	wantIn(t, "a hospital that nobody sees", other, "CH de Laval", "Fax émis pages sans objectif inconnu")
}

func TestAnEditorSetsMovesAndRemovesTargetsInPlace(t *testing.T) {
	books, _ := autumn(t)
	site := siteOf(t, books)
	key := ledger.TargetKey{Indicator: "fax_sent"}
	for _, step := range []struct {
		name, was, from, value, action string
		want                           []ledger.Target
	}{
		{"adds one", "new", "2026-12", "1 000", "save", []ledger.Target{{From: 202608, Value: 30}, {From: 202612, Value: 1000}}},
		{"changes it", "2026-12", "2026-12", "0", "save", []ledger.Target{{From: 202608, Value: 30}, {From: 202612}}},
		{"moves it", "2026-12", "2027-01", "5", "save", []ledger.Target{{From: 202608, Value: 30}, {From: 202701, Value: 5}}},
		{"ends it", "new", "2027-02", "", "save", []ledger.Target{{From: 202608, Value: 30}, {From: 202701, Value: 5}, {From: 202702, None: true}}},
		{"lets one hold for ever", "2026-08", "", "30", "save", []ledger.Target{{Value: 30}, {From: 202701, Value: 5}, {From: 202702, None: true}}},
		{"removes the first", "always", "", "", "remove", []ledger.Target{{From: 202701, Value: 5}, {From: 202702, None: true}}},
		{"changes nothing", "2027-01", "2027-01", "5", "save", []ledger.Target{{From: 202701, Value: 5}, {From: 202702, None: true}}},
		{"removes the last, and its end with it", "2027-01", "2027-01", "5", "remove", nil},
	} {
		_, source := whole(t, site, faxSent)
		w := send(t, site, "/targets", url.Values{
			"of": {"whole"}, "indicator": {"fax_sent"}, "revision": {revisionIn(t, source)},
			"was": {step.was}, "from": {step.from}, "value": {step.value}, "action": {step.action},
		})
		if w.Code != http.StatusSeeOther {
			t.Fatalf("%s: got %d %s", step.name, w.Code, textIn(w.Body.String()))
		}
		r, err := books.Register(t.Context())
		got := r.Targets[key]
		if err != nil || len(got) != len(step.want) {
			t.Fatalf("%s: got %+v, %v, want %+v", step.name, got, err, step.want)
		}
		for i, want := range step.want {
			if want.Indicator = "fax_sent"; got[i] != want {
				t.Errorf("%s: got %+v, want %+v", step.name, got[i], want)
			}
		}
	}
	log, err := books.Audit(t.Context(), 1)
	if err != nil || log[0].Who != "open page" || log[0].Source != "page /targets" || !strings.HasPrefix(log[0].Subject, "targets fax_sent") {
		t.Errorf("audit: got %+v, %v", log, err)
	}
}

func TestAWrongTargetIsSaidAtItsFieldAndWhatWasTypedIsKept(t *testing.T) {
	books, _ := autumn(t)
	site := siteOf(t, books)
	_, source := whole(t, site, faxSent)
	form := url.Values{"of": {"whole"}, "indicator": {"fax_sent"}, "revision": {revisionIn(t, source)}, "was": {"new"}, "from": {"bientôt"}, "value": {"peu"}}
	w := send(t, site, "/targets", form)
	if w.Code != http.StatusUnprocessableEntity {
		t.Errorf("got %d, want 422", w.Code)
	}
	wantIn(t, "the form", w.Body.String(), `value="bientôt"`, `value="peu"`, `id="from-new-fault"`, `id="value-new-fault"`)
	wantIn(t, "its faults", textIn(w.Body.String()), "Ce n’est pas un mois", "Ce n’est pas un nombre entier")
	form.Set("from", "2026-08")
	form.Set("value", "9")
	if w = send(t, site, "/targets", form); w.Code != http.StatusUnprocessableEntity || !strings.Contains(textIn(w.Body.String()), "déjà un objectif à partir de ce mois") {
		t.Errorf("a month that has one: got %d %s", w.Code, textIn(w.Body.String()))
	}
	if w = send(t, site, "/targets", url.Values{"of": {"moon"}, "indicator": {"fax_sent"}}); w.Code != http.StatusBadRequest {
		t.Errorf("an unknown scope: got %d, want 400", w.Code)
	}
}

func TestOfTwoWhoEditATargetTheSecondLearnsOfTheFirst(t *testing.T) {
	books, _ := autumn(t)
	site := siteOf(t, books)
	_, source := whole(t, site, faxSent)
	form := url.Values{"of": {"whole"}, "indicator": {"fax_sent"}, "revision": {revisionIn(t, source)}, "was": {"2026-08"}, "from": {"2026-08"}, "value": {"20"}}
	declare(t, books, aimAt(ledger.Target{Indicator: "fax_sent", From: 202608, Value: 77}))
	w := send(t, site, "/targets", form)
	if w.Code != http.StatusConflict {
		t.Fatalf("got %d, want 409", w.Code)
	}
	wantIn(t, "the conflict", textIn(w.Body.String()), "à partir d’août 2026 : 20", "à partir d’août 2026 : 77")
	wantIn(t, "the form", w.Body.String(), `value="20"`)
	form.Set("revision", revisionIn(t, w.Body.String()))
	if w = send(t, site, "/targets", form); w.Code != http.StatusSeeOther {
		t.Errorf("again, knowing: got %d, want 303", w.Code)
	}
}

func TestTheCalendarSaysWhatIsMissingAndWhatToDo(t *testing.T) {
	books, _ := autumn(t)
	n := int64(7)
	if err := books.DeclareVolumes(t.Context(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Volume) ([]ledger.Volume, error) {
		return []ledger.Volume{{Month: 202609, Establishment: "chu", Received: &n}, {Month: 202610, Establishment: "chu", Service: "saas", Received: &n}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	text, _ := whole(t, siteOf(t, books), "/targets/collection")
	wantIn(t, "the calendar", text, "Relevés des machines CHU d’Angers", "Relevés des machines CH de Laval", "complet global seulement partiel 50 % services : 1 sur 2 à venir",
		"import mssante-volumes volumes.csv", "Lignes sans lecture")
}

func TestAMonthIsClosedWithItsWarningsAndSaysWhatCameInLater(t *testing.T) {
	books, now := autumn(t)
	site := siteOf(t, books)
	const month = "/targets/months/2026-10"
	text, _ := whole(t, site, month)
	wantIn(t, "the open month", text, "Ce mois n’est pas clos", "incomplète", "Volumes MSSanté CH de Laval absent", "Fax émis (pages) 12", "Messages MSSanté reçus (messages) inconnu")
	if w := send(t, site, month+"/close", url.Values{"note": {"volumes à venir"}}); w.Code != http.StatusSeeOther {
		t.Fatalf("close: got %d %s", w.Code, textIn(w.Body.String()))
	}
	if w := send(t, site, month+"/close", nil); w.Code != http.StatusUnprocessableEntity || !strings.Contains(textIn(w.Body.String()), "déjà clos") {
		t.Errorf("twice: got %d", w.Code)
	}
	text, _ = whole(t, site, month)
	wantIn(t, "the closed month", text, "par open page", "volumes à venir", "Fax émis (pages) 12", "12 inchangé", "Aucune correction à ce niveau")
	*now = now.Add(time.Hour)
	n := int64(0)
	if err := books.DeclareVolumes(t.Context(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Volume) ([]ledger.Volume, error) {
		return []ledger.Volume{{Month: 202610, Establishment: "chu", Service: "saas", Received: &n}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	declare(t, books, func(r *ledger.Register) {
		delete(r.Services, "onco")
		aimAt(ledger.Target{Indicator: "fax_sent", From: 202608, Value: 25})(r)
	})
	for query, want := range map[string]string{
		"?month=2026-10&by=whole": `"closed":{"version":1,"at":"2026-11-05T09:00:00.000Z","by":"open page","value":null,"target":null}`,
		"?month=2026-09&by=whole": "", "?from=2026-09&to=2026-10&by=whole": "",
	} {
		got := ask(site, http.MethodGet, "/api/v1/indicators"+query).Body.String()
		if want != "" && !strings.Contains(got, want) || want == "" && strings.Contains(got, "closed") {
			t.Errorf("%s: got %s, want in it %q", query, got, want)
		}
	}
	text, _ = whole(t, site, month+"?by=service")
	wantIn(t, "the corrected month", text, "Messages MSSanté reçus (messages) inconnu au moins 0 inconnu alors, connu depuis", "objectif : 30, puis 25 30", "Oncologie Fax émis", "disparu depuis")
	if w := send(t, site, month+"/reopen", url.Values{"version": {"1"}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("reopened without a reason: got %d", w.Code)
	}
	if w := send(t, site, month+"/reopen", url.Values{"version": {"1"}, "reason": {"volumes reçus"}}); w.Code != http.StatusSeeOther {
		t.Errorf("reopen: got %d", w.Code)
	}
	text, _ = whole(t, site, "/targets/months")
	wantIn(t, "the list", text, "octobre 2026 rouvert", "volumes reçus", "septembre 2026 ouvert")
	text, _ = whole(t, site, month+"?version=1")
	wantIn(t, "the first closing", text, "Était clos", "rouvert le", "volumes reçus")
	for target, want := range map[string]int{"/targets/months/2026-11": 404, "/targets/months/soon": 404, month + "?version=9": 404} {
		if w := ask(site, http.MethodGet, target); w.Code != want {
			t.Errorf("%s: got %d, want %d", target, w.Code, want)
		}
	}
}

func TestOnlyWhoSeesAllClosesMonthsAndOnlyAnAdminReopensThem(t *testing.T) {
	books, _ := autumn(t)
	s, err := newPages(Options{Books: books, Language: "fr", Location: time.UTC, Log: slog.New(slog.DiscardHandler), Ready: func() error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	routes := s.routes(func(next http.Handler) http.HandlerFunc { return next.ServeHTTP })
	try := func(who reader, target string, form url.Values) int {
		return send(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { routes.ServeHTTP(w, as(r, who)) }), target, form).Code
	}
	for name, who := range map[string]reader{
		"a reader": {Role: ledger.ReaderRole}, "an editor of one hospital": {Role: ledger.EditorRole, Establishments: []string{"chu"}},
	} {
		if code := try(who, "/targets/months/2026-10/close", nil); code != http.StatusForbidden {
			t.Errorf("%s closes: got %d, want 403", name, code)
		}
	}
	editor := reader{Role: ledger.EditorRole}
	for _, nonsense := range []string{"soon", "2026-13", "10-2026"} {
		if code := try(editor, "/targets/months/"+nonsense+"/close", nil); code != http.StatusNotFound {
			t.Errorf("close %s: got %d, want 404", nonsense, code)
		}
	}
	if code := try(editor, "/targets/months/2026-10/close", nil); code != http.StatusSeeOther {
		t.Errorf("an editor closes: got %d, want 303", code)
	}
	if code := try(editor, "/targets/months/2026-10/reopen", url.Values{"version": {"1"}, "reason": {"x"}}); code != http.StatusForbidden {
		t.Errorf("an editor reopens: got %d, want 403", code)
	}
	c, ok, err := scoped(books, reader{Role: ledger.ReaderRole, Establishments: []string{"laval"}}).ClosingAs(t.Context(), 202610, 0)
	for _, f := range c.Figures {
		if f.Establishment != "laval" {
			t.Errorf("who sees Laval sees %+v", f)
		}
	}
	if err != nil || !ok || len(c.Figures) == 0 {
		t.Errorf("who sees Laval: got %d figures, %v", len(c.Figures), err)
	}
}
