package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// noted is the number of the only followup of a kind.
func noted(t *testing.T, books *ledger.Ledger, kind ledger.FollowupKind) ledger.Followup {
	t.Helper()
	all, err := books.Followups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all = keep(all, func(f *ledger.Followup) bool { return f.Kind == kind })
	if len(all) != 1 {
		t.Fatalf("got %+v, want one %s", all, kind)
	}
	return all[0]
}

// note hands a new followup in.
func (v visitor) note(values ...string) {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(values); i += 2 {
		form.Add(values[i], values[i+1])
	}
	if w := v.send(http.MethodPost, "/support/new", form); w.Code != http.StatusSeeOther {
		v.t.Fatalf("%v: got %d %s, want 303", values, w.Code, bare(w.Body.String()))
	}
}

func TestWhatTheTeamFollowsUpIsNotedShownAndRemoved(t *testing.T) {
	books := twoHospitals(t)
	v := visit(t, books)
	v.note("kind", "procedure", "subject", "receiving", "version", "1.2", "who", "Carole", "link", "https://intranet.chu/recevoir", "day", "2026-09-20", "service", "chu-saas")
	v.note("kind", "training", "subject", "what", "day", "2026-10-08", "service", "chu-saas", "who", "Anne")
	v.note("kind", "communication", "subject", "partners_mailing", "day", "2026-09-15", "establishment", "chu")
	v.note("kind", "incident", "day", "2026-09-30", "note", "une ordonnance n’est pas arrivée", "establishment", "chu")
	wantIn(t, "the page", bare(v.page("/support")), "Réception d’un fax 1.2 Carole https://intranet.chu/recevoir 20/09/2026 service of chu",
		"Qu’est-ce que la MSSanté ? 08/10/2026 service of chu Anne inconnu", "Mailing aux partenaires 15/09/2026 après la coupure du 01/09/2026 tout name of chu", "une ordonnance")
	wantIn(t, "the matrix", bare(v.page("/support/matrix")), "service of secret 10 manque", "service of chu 8 manque manque 20/09/2026 manque manque prévu le 08/10/2026 manque manque manque 15/09/2026")
	if got := bare(v.page("/support/matrix?q=secret")); strings.Contains(got, "service of chu") {
		t.Error("a search for one service shows another")
	}

	incident := "/support/" + numbered(noted(t, books, ledger.Incident))
	first, second := v.filled(incident, "kind", "incident", "day", "2026-09-30", "note", "retrouvée", "until", "2026-10-01", "establishment", "chu"),
		v.filled(incident, "kind", "incident", "day", "2026-09-29", "note", "perdue", "establishment", "chu")
	if w := v.send(http.MethodPost, incident, first); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s, want 303", w.Code, bare(w.Body.String()))
	}
	w := v.send(http.MethodPost, incident, second)
	if got := plain(html.UnescapeString(w.Body.String())); w.Code != http.StatusConflict || !strings.Contains(bare(got), "Ce qui s’est passé perdue retrouvée") || !strings.Contains(got, ">perdue</textarea>") {
		t.Errorf("who was second: got %d %s, want 409 and both texts", w.Code, bare(got))
	}
	if w := v.send(http.MethodPost, incident+"/remove", second); w.Code != http.StatusSeeOther || !strings.Contains(w.Header().Get("Location"), "done=changed") {
		t.Errorf("removing what somebody else changed: got %d to %s, want back to it", w.Code, w.Header().Get("Location"))
	}
	if w := v.send(http.MethodPost, incident+"/remove", v.filled(incident)); w.Code != http.StatusSeeOther || !strings.Contains(w.Header().Get("Location"), "done=removed") {
		t.Errorf("got %d to %s, want it removed", w.Code, w.Header().Get("Location"))
	}
	if got := bare(v.page("/support")); strings.Contains(got, "retrouvée") {
		t.Error("the removed incident is still shown")
	}
}

func TestPartnersContactsAreMaskedForThoseWhoOnlyRead(t *testing.T) {
	books := twoHospitals(t)
	v := visit(t, books)
	v.note("kind", "partner", "who", "Laboratoire du Lac", "contact", "02 41 00 12 34", "equipped", "no", "establishment", "chu")
	wantIn(t, "an editor's page", bare(v.page("/support")), "Laboratoire du Lac 02 41 00 12 34 non")
	if got := bare(v.as(reader{Role: ledger.ReaderRole}).page("/support")); strings.Contains(got, "12 34") || !strings.Contains(got, "Laboratoire du Lac •• •• •• •• 34") {
		t.Errorf("a reader's page: got %s, want the number masked", got)
	}
}

func TestWhatIsWrongWithAFollowupIsSaidAtItsField(t *testing.T) {
	v := visit(t, twoHospitals(t))
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"no subject":         {url.Values{"kind": {"training"}}, `id="subject-fault"`},
		"no day":             {url.Values{"kind": {"incident"}, "note": {"x"}}, `id="day-fault"`},
		"a day that isn't":   {url.Values{"kind": {"visit"}, "subject": {"visit"}, "day": {"31/02/2026"}}, `id="day-fault"`},
		"a negative number":  {url.Values{"kind": {"training"}, "subject": {"what"}, "attendance": {"-3"}}, `id="attendance-fault"`},
		"a partner unnamed":  {url.Values{"kind": {"partner"}}, `id="who-fault"`},
		"two establishments": {url.Values{"kind": {"visit"}, "subject": {"visit"}, "service": {"chu-saas", "secret-saas"}}, `id="establishment-fault"`},
		"an unknown service": {url.Values{"kind": {"visit"}, "subject": {"visit"}, "service": {"nothing"}}, `id="establishment-fault"`},
	} {
		if w := v.send(http.MethodPost, "/support/new", c.form); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: got %d %s, want 422 with %s", name, w.Code, bare(w.Body.String()), c.want)
		}
	}
	if w := v.send(http.MethodPost, "/support/new", url.Values{"kind": {"nonsense"}}); w.Code != http.StatusBadRequest {
		t.Errorf("an unknown kind: got %d, want 400", w.Code)
	}
}

func TestAnEditorOfOneHospitalFollowsUpOnlyThere(t *testing.T) {
	books := twoHospitals(t)
	all := visit(t, books)
	all.note("kind", "incident", "day", "2026-09-30", "note", "elsewhere", "establishment", "secret")
	secret := "/support/" + numbered(noted(t, books, ledger.Incident))
	form := all.filled(secret, "kind", "incident", "day", "2026-09-30", "note", "taken over", "establishment", "chu")
	v := all.as(reader{Name: "bruno", Role: ledger.EditorRole, Establishments: []string{"chu"}})
	if w := v.send(http.MethodGet, secret, nil); w.Code != http.StatusNotFound {
		t.Errorf("the form of another's: got %d, want 404", w.Code)
	}
	for _, target := range []string{secret, secret + "/remove"} {
		if w := v.send(http.MethodPost, target, form); w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", target, w.Code)
		}
	}
	for _, establishment := range []string{"secret", ""} {
		if w := v.send(http.MethodPost, "/support/new", url.Values{"kind": {"visit"}, "subject": {"visit"}, "establishment": {establishment}}); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("one of establishment %q: got %d, want 422", establishment, w.Code)
		}
	}
	if got := v.page("/support"); strings.Contains(got, "elsewhere") {
		t.Error("another hospital's incident is shown")
	}
	if f := noted(t, books, ledger.Incident); f.Note != "elsewhere" {
		t.Errorf("got %+v, want it untouched", f)
	}
}

func TestTheAutomaticReplySaysWhereToWrite(t *testing.T) {
	books := twoHospitals(t)
	v := visit(t, books)
	wantIn(t, "without a contact", v.reply("/services/chu-saas/reply"), "Vous venez d’envoyer un fax à : service of chu name of chu", "saas@chu.mssante.fr", "Équipe projet Zéro fax : ……")
	v.note("kind", "contact", "subject", "lead", "who", "Anne", "contact", "zerofax@chu.fr", "establishment", "chu")
	line := v.reply("/lines/0241354000/reply")
	wantIn(t, "a line's", line, "au numéro 02 41 35 40 00", "ATTENTION Cette ligne de fax sera coupée prochainement.", "zerofax@chu.fr", "saas@chu.mssante.fr")
	if err := books.Declare(t.Context(), ledger.Author{}, func(r ledger.Register) (ledger.Register, error) {
		r.Lines["0241354000"][0].Cutoff = "2026-12-01"
		return r, nil
	}); err != nil {
		t.Fatal(err)
	}
	wantIn(t, "a line's whose day is to come", v.reply("/lines/0241354000/reply"), "Cette ligne de fax sera coupée le 01/12/2026.")
	wantIn(t, "its service's", v.reply("/services/chu-saas/reply"), "Cette ligne de fax sera coupée le 01/12/2026.")
	if got := v.reply("/lines/0241354000/reply?model=project"); strings.Contains(got, "sera coupée") {
		t.Error("the model without a day names one")
	}
	if got := v.reply("/services/secret-saas/reply"); strings.Contains(got, "zerofax@chu.fr") {
		t.Error("the contact of another hospital is named")
	}
	if w := v.send(http.MethodGet, "/lines/nothing/reply", nil); w.Code != http.StatusNotFound {
		t.Errorf("no such line: got %d, want 404", w.Code)
	}
}

// reply is what the reply on a page says.
func (v visitor) reply(path string) string {
	v.t.Helper()
	_, picture, _ := strings.Cut(v.page(path), `<img class="reply"`)
	_, said, _ := strings.Cut(picture, `alt="`)
	said, _, ok := strings.Cut(said, `"`)
	if !ok {
		v.t.Errorf("%s shows no reply", path)
	}
	return strings.ReplaceAll(html.UnescapeString(said), "\u00a0", " ")
}

func TestTheFilesOfARepliesPageAreWhatTheySay(t *testing.T) {
	v := visit(t, twoHospitals(t))
	for path, begins := range map[string]string{
		"/lines/0241354000/reply/cut.tif": "II*\x00", "/lines/0241354000/reply/project.pdf": "%PDF-", "/lines/0241354000/reply/all.zip": "PK",
		"/services/chu-saas/reply/project.png": "\x89PNG", "/services/chu-saas/reply/poster.pdf": "%PDF-", "/services/chu-saas/reply/all.zip": "PK",
	} {
		w := v.send(http.MethodGet, path, nil)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), begins) {
			t.Errorf("%s: got %d and %.8q, want a file that begins with %q", path, w.Code, w.Body.String(), begins)
		}
	}
	for _, path := range []string{
		"/lines/0241354000/reply/cut.exe", "/lines/0241354000/reply/poster.tif", "/lines/nothing/reply/cut.pdf", "/services/nothing/reply/all.zip",
		"/services/nothing/reply/poster.pdf", "/waves/1/faxtype.zip", "/waves/x/faxtype.zip",
	} {
		if w := v.send(http.MethodGet, path, nil); w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, w.Code)
		}
	}
}

// numbered is what a followup is called in paths.
func numbered(f ledger.Followup) string { return fmt.Sprint(f.ID) }
