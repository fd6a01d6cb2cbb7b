package web

import (
	"bytes"
	"fmt"
	"html"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/journals"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// desk is a house in which journals are handed in. What the intake does goes on by itself.
type desk struct {
	*house
	dir    string
	routes http.Handler
}

var tag = regexp.MustCompile(`<[^>]*>`)

// wording is what an answer says.
func wording(w *httptest.ResponseRecorder) string {
	return strings.Join(strings.Fields(plain(html.UnescapeString(tag.ReplaceAllString(w.Body.String(), " ")))), " ")
}

var mai = reader{Name: "mai", Role: ledger.EditorRole}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{house: newHouse(t), dir: filepath.Join(t.TempDir(), "journals")}
	intake, err := journals.NewIntake(journals.IntakeOptions{Dir: d.dir, Room: func(string) error { return nil }, Books: d.books, Now: time.Now, Log: d.log})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- intake.Run(t.Context()) }() // which ends before what is cleaned up
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s, err := newPages(Options{
		Books: d.books, Intake: intake, Language: "fr", Location: d.paris, Log: d.log, Ready: func() error { return nil }, Metrics: http.NotFoundHandler(),
	})
	if err != nil {
		t.Fatal(err)
	}
	d.routes = s.routes(func(next http.Handler) http.HandlerFunc { return next.ServeHTTP })
	return d
}

func (d *desk) send(who reader, r *http.Request) *httptest.ResponseRecorder {
	d.t.Helper()
	w := httptest.NewRecorder()
	d.routes.ServeHTTP(w, as(r, who))
	return w
}

func (d *desk) post(target string, pairs ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.send(mai, r)
}

// hand hands a file in, and returns where that leads.
func (d *desk) hand(who reader, target, field, name, text string) *httptest.ResponseRecorder {
	d.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, name)
	if err == nil {
		_, err = part.Write([]byte(text))
	}
	if err != nil || form.Close() != nil {
		d.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, target, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return d.send(who, r)
}

func (d *desk) shows(target string) string {
	d.t.Helper()
	w := d.send(mai, httptest.NewRequest(http.MethodGet, target, nil))
	if w.Code != http.StatusOK {
		d.t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
	}
	return wording(w)
}

// imported imports what was handed in, and waits for the end.
func (d *desk) imported(file string, pairs ...string) (page string) {
	d.t.Helper()
	w := d.post(file, append(pairs, "do", "import")...)
	at := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/journals/imports/") {
		d.t.Fatalf("import: %d to %q: %s", w.Code, at, wording(w))
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		all, err := d.books.Imports(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		if fmt.Sprintf("/journals/imports/%d", all[0].ID) == at && all[0].State != ledger.ImportRunning {
			return at
		}
	}
	d.t.Fatalf("%s still runs", at)
	return ""
}

func hylafaxRow(job int, minute, dest string) string {
	return fmt.Sprintf("09/03/26 10:%s\tSEND\t%09d\tttyS0\t%d\t\"\"\tccardio\t\"%s\"\t\"\"\t1234\t3\t0:01:10\t0:01:31\t\"\"\n", minute, job, job, dest)
}

func TestAJournalIsLookedAtImportedAndUndoneByAPage(t *testing.T) {
	d := newDesk(t)
	log := hylafaxRow(1, "03", "0299284321") + hylafaxRow(2, "04", "0241354001") + hylafaxRow(3, "99", "0299284321")
	w := d.hand(mai, "/journals", "file", "xferfaxlog", log)
	file := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(file, "/journals/files/") {
		t.Fatalf("got %d to %q: %s", w.Code, file, w.Body)
	}
	look := d.shows(file)
	for _, want := range []string{
		"Tout le fichier, lignes lues : 3. Fax ou appels : 2 ; écartées : 0 ; rejetées : 1.", "02 99 •• •• 21", "0241354001", "date illisible", "1:10",
	} {
		if !strings.Contains(look, want) {
			t.Errorf("the preview lacks %q:\n%s", want, look)
		}
	}
	if strings.Contains(look, "0299284321") {
		t.Error("the preview tells a number of somebody else")
	}
	if w := d.post(file, "profile", "table", "journal", "xferfaxlog", "do", "import"); w.Code == http.StatusSeeOther || !strings.Contains(w.Body.String(), `name="delimiter"`) {
		t.Errorf("who chooses a table gets %d, want to be asked what it is like before anything is imported", w.Code)
	}
	if all, err := d.books.Imports(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("to look imports %v, %v", all, err)
	}
	if want := "Le journal ne dit pas son propre numéro"; !strings.Contains(look, want) {
		t.Errorf("the preview lacks %q, though who faxed isn't told:\n%s", want, look)
	}
	at := d.imported(file, "profile", "hylafax", "journal", "serveur", "lines", "0241354000")
	page := d.shows(at)
	for _, want := range []string{"xferfaxlog terminé", "Nouveaux 2", "Lignes rejetées 1", "serveur · hylafax", "Défaire cet import…", "· mai"} {
		if !strings.Contains(page, want) {
			t.Errorf("the import's page lacks %q:\n%s", want, page)
		}
	}
	rejects := d.send(mai, httptest.NewRequest(http.MethodGet, at+"/rejects.csv", nil)).Body.String()
	if want := "3;date illisible\n"; !strings.HasSuffix(rejects, want) { // what stands there isn't kept
		t.Errorf("got %q, want it to end with %q", rejects, want)
	}
	gone := func() bool {
		left, err := os.ReadDir(d.dir)
		return err == nil && len(left) == 0
	}
	for deadline := time.Now().Add(20 * time.Second); !gone() && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
	}
	if !gone() {
		t.Error("the file that was handed in is still there")
	}
	if w := d.post(at + "/undo"); w.Code != http.StatusSeeOther || !strings.Contains(d.shows(w.Header().Get("Location")), "L’import est défait.") {
		t.Errorf("undo: got %d to %s", w.Code, w.Header().Get("Location"))
	}
	if list := d.shows("/journals"); !strings.Contains(list, "xferfaxlog import 1") || !strings.Contains(list, "défait") {
		t.Errorf("the list says\n%s", list)
	}
}

const tableLog = "Date;Heure;Sens;Ligne;Correspondant;Pages;Résultat\n" +
	"03/09/2026;10:03;Émis;0241354000;0299284321;3;Transmis\n03/09/2026;10:09;Reçu;0241354000;0299284322;2;Bizarre\n"

var chosen = regexp.MustCompile(`<select id="([^"]+)" name="[^"]+"[^>]*>(?s:[^/]|/option|/ )*?<option value="([^"]*)" selected>`)

func TestATableIsDescribedAndKeptAsAProfileForOthers(t *testing.T) {
	d := newDesk(t)
	file := d.hand(mai, "/journals", "file", "sagem.csv", tableLog).Header().Get("Location")
	w := d.send(mai, httptest.NewRequest(http.MethodGet, file, nil))
	got := make(map[string]string)
	for _, m := range chosen.FindAllStringSubmatch(w.Body.String(), -1) {
		got[m[1]] = html.UnescapeString(m[2])
	}
	for name, want := range map[string]string{
		"profile": "table", "delimiter": ";", "column-at": "Date", "column-time": "Heure", "column-direction": "Sens", "column-remote": "Correspondant", "column-result": "Résultat",
	} {
		if got[name] != want {
			t.Errorf("proposed is %s: %q, want %q", name, got[name], want)
		}
	}
	if strings.Contains(w.Body.String(), "0299284321") {
		t.Error("the beginning of the file tells a number of somebody else")
	}
	form := []string{
		"profile", "table", "journal", "sagem", "delimiter", ";", "encoding", "auto", "header", "on", "unit", "message", "save", "Sagem du standard",
		"column-at", "Date", "column-time", "Heure", "column-direction", "Sens", "column-local", "Ligne", "column-remote", "Correspondant", "column-result", "Résultat",
	}
	w = d.post(file, append(form, "do", "preview")...)
	if text := wording(w); w.Code != http.StatusUnprocessableEntity || !strings.Contains(text, "Dites comment les dates sont écrites.") {
		t.Errorf("without the form of dates: got %d:\n%s", w.Code, text)
	}
	form = append(form, "date", "JJ/MM/AAAA HH:MM")
	w = d.post(file, append(form, "do", "preview")...)
	if text := wording(w); w.Code != http.StatusOK || !strings.Contains(text, "mot que le profil ne connaît pas : \"Bizarre\"") {
		t.Errorf("with an unknown word: got %d:\n%s", w.Code, text)
	}
	at := d.imported(file, append(form, "results", "Bizarre = failed\nTransmis = done")...)
	if page := d.shows(at); !strings.Contains(page, "Nouveaux 2") || !strings.Contains(page, "sagem · sagem-du-standard") {
		t.Errorf("got\n%s", page)
	}
	shared := d.send(mai, httptest.NewRequest(http.MethodGet, "/journals/profile.yml?name=sagem-du-standard", nil)).Body.String()
	if !strings.Contains(shared, "title: Sagem du standard") || !strings.Contains(shared, "Bizarre: failed") {
		t.Errorf("the profile is\n%s", shared)
	}
	other := newDesk(t)
	if w := other.hand(mai, "/journals/profile", "profile", "sagem.yml", shared); w.Code != http.StatusSeeOther {
		t.Fatalf("another hospital takes it: got %d %s", w.Code, wording(w))
	}
	file = other.hand(mai, "/journals", "file", "sagem.csv", tableLog).Header().Get("Location")
	if look := other.shows(file); !strings.Contains(look, "Fax ou appels : 2") {
		t.Errorf("read by the shared profile:\n%s", look)
	}
	if w := other.hand(mai, "/journals/profile", "profile", "bad.yml", "name: bad\ncolour: blue\n"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "bad.yml:2") {
		t.Errorf("a bad profile: got %d %s", w.Code, wording(w))
	}
}

func TestJournalsAreForEditorsOfEverything(t *testing.T) {
	d := newDesk(t)
	for who, want := range map[*reader]int{
		{Name: "rita", Role: ledger.ReaderRole}:                                            http.StatusForbidden,
		{Name: "bruno", Role: ledger.EditorRole, Establishments: []string{"chu-d-angers"}}: http.StatusForbidden,
		&mai: http.StatusSeeOther,
	} {
		if w := d.hand(*who, "/journals", "file", "xferfaxlog", hylafaxRow(1, "03", "0299284321")); w.Code != want {
			t.Errorf("%s hands a journal in: got %d, want %d", who.Name, w.Code, want)
		}
	}
	bruno := reader{Name: "bruno", Role: ledger.EditorRole, Establishments: []string{"chu-d-angers"}}
	if w := d.send(bruno, httptest.NewRequest(http.MethodGet, "/journals", nil)); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "xferfaxlog") {
		t.Errorf("the page of who sees one establishment: got %d %s", w.Code, wording(w))
	}
	file := d.hand(mai, "/journals", "file", "xferfaxlog", hylafaxRow(1, "03", "0299284321")).Header().Get("Location")
	if w := d.send(reader{Name: "anne", Role: ledger.EditorRole}, httptest.NewRequest(http.MethodGet, file, nil)); w.Code != http.StatusNotFound {
		t.Errorf("somebody else's file: got %d, want 404", w.Code)
	}
	if w := d.post(file, "do", "drop"); w.Code != http.StatusSeeOther {
		t.Errorf("forget it: got %d", w.Code)
	}
}

func TestAnImportOfACommandIsSeenAndCancelledByThePage(t *testing.T) {
	d := newDesk(t)
	id, err := d.books.BeginImport(t.Context(), ledger.Author{Who: "root"}, ledger.Import{Journal: "hylafax", Profile: "hylafax", Source: "xferfaxlog"})
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("/journals/imports/%d", id)
	w := d.send(mai, httptest.NewRequest(http.MethodGet, at, nil))
	if !strings.Contains(w.Body.String(), `http-equiv="refresh"`) || !strings.Contains(w.Body.String(), "en cours") {
		t.Errorf("got %s, want a page that is fetched again", wording(w))
	}
	if w := d.post(at + "/cancel"); w.Code != http.StatusSeeOther || !strings.Contains(d.shows(at), "annulé") {
		t.Errorf("cancel: got %d", w.Code)
	}
	if _, err := d.books.BookEvents(t.Context(), id, nil, 1, 0); err == nil {
		t.Error("the command goes on")
	}
	if w := d.post("/journals/imports/99/undo"); w.Code != http.StatusNotFound {
		t.Errorf("an import that isn't there: got %d", w.Code)
	}
}
