package web

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// A line of 1 Mbit/s takes half an hour for 200 MB, and a server waits a few seconds for other forms.
func TestAFileMayComeInSlowerThanOtherForms(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	server := httptest.NewUnstartedServer(h.Handler)
	server.Config.ReadTimeout = 50 * time.Millisecond
	server.Start()
	defer server.Close()
	const begin = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"m.csv\"\r\n\r\n"
	out, in := io.Pipe()
	go func() {
		_, _ = io.WriteString(in, begin+"Mois;BAL;Émis\n")
		time.Sleep(4 * server.Config.ReadTimeout) // it is the slow line that is tried
		_, _ = io.WriteString(in, "2026-01;a@chu.mssante.fr;3\n\r\n--b--\r\n")
		_ = in.Close()
	}()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{DialContext: (&net.Dialer{}).DialContext}}
	defer client.CloseIdleConnections()
	answer, err := client.Post(server.URL+"/mssante/import", "multipart/form-data; boundary=b", out)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		text, _ := io.ReadAll(answer.Body)
		t.Errorf("got %s: %s", answer.Status, plain(string(text)))
	}
}

func TestNothingOfAFileThatWasHandedInStaysInATemporaryFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	h, anne := newHouse(t), reader{Name: "anne", Role: ledger.EditorRole}
	large := "Mois;BAL;Émis\n" + strings.Repeat("2026-01;a@chu.mssante.fr;3\n", 33<<20/27)
	if w := h.handAs(anne, "/mssante/import", "file", "m.csv", large); w.Code != http.StatusSeeOther {
		t.Errorf("got %d", w.Code)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("left behind are %v, %v", left, err)
	}
}

func TestAnExtractionOfADayThatNobodyKnowsIsNotTaken(t *testing.T) {
	t.Parallel()
	h, anne := newHouse(t), reader{Name: "anne", Role: ledger.EditorRole}
	err := h.books.DeclareMailboxes(t.Context(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) {
		return []ledger.Mailbox{{Address: "a@chu.mssante.fr", From: "2026-01-01", Establishment: "chu-d-angers", Service: "accueil", State: ledger.MailboxPublished}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const text = "Type de BAL|Adresse BAL|Identification Structure\nORG|a@chu.mssante.fr|\n"
	hand := func(name, day string) *httptest.ResponseRecorder {
		const b = "--b\r\nContent-Disposition: form-data; name=\""
		body := b + "day\"\r\n\r\n" + day + "\r\n" + b + "extraction\"; filename=\"" + name + "\"\r\n\r\n" + text + "\r\n--b--\r\n"
		r := httptest.NewRequest(http.MethodPost, "/mssante/extraction", strings.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		return h.sendAs(anne, r)
	}
	today := noon.Std().Format(time.DateOnly)
	for name, try := range map[string][3]string{
		"neither name nor person says it": {"extraction.txt", "", "the file&#39;s name doesn&#39;t say"},
		"it is none":                      {"extraction.txt", "zzz", "is no day"},
		"it is still to come":             {"extraction.txt", "2062-01-01", "lies in the future"},
		"so says its name":                {"x_206201010230.txt", "", "lies in the future"},
	} {
		if w := hand(try[0], try[1]); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), try[2]) {
			t.Errorf("%s: got %d, want the page to say %s", name, w.Code, try[2])
		}
	}
	if w := hand("extraction.txt", today); w.Code != http.StatusSeeOther {
		t.Errorf("of today: got %d %s", w.Code, plain(w.Body.String()))
	}
}

// Who has a role for one hospital sees of an address that came from another one only its time here, and may change that.
func TestAnAddressThatMovedIsChangedByWhomItBelongsTo(t *testing.T) {
	t.Parallel()
	h, laval := newHouse(t), reader{Name: "léa", Role: ledger.EditorRole, Establishments: []string{"ch-de-laval"}}
	standing := []ledger.Mailbox{
		{Address: "a@ght.mssante.fr", From: "2026-01-01", Establishment: "chu-d-angers", Service: "accueil", State: ledger.MailboxUsed},
		{Address: "a@ght.mssante.fr", From: "2026-02-01", Establishment: "ch-de-laval", Service: "standard", State: ledger.MailboxUsed},
		{Address: "b@ght.mssante.fr", From: "2026-01-01", Establishment: "chu-d-angers", Service: "accueil", State: ledger.MailboxInactive},
	}
	err := h.books.DeclareMailboxes(t.Context(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) { return standing, nil })
	if err != nil {
		t.Fatal(err)
	}
	form := h.formAs("/mssante/address?address=a@ght.mssante.fr", laval)
	for name, value := range map[string]string{"address": "a@ght.mssante.fr", "known": "yes", "establishment": "ch-de-laval", "service": "standard", "state": "inactive"} {
		form.Set(name, value)
	}
	if w := h.postAs(laval, "/mssante/address", form); w.Code != http.StatusSeeOther {
		t.Errorf("her own: got %d %s", w.Code, plain(w.Body.String()))
	}
	other := h.formAs("/mssante/address", laval) // of a new one, as far as she knows
	for name, value := range map[string]string{"address": "b@ght.mssante.fr", "establishment": "ch-de-laval", "service": "standard", "state": "created"} {
		other.Set(name, value)
	}
	if w := h.postAs(laval, "/mssante/address", other); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "inactive") {
		t.Errorf("another hospital's: got %d %s, want nothing told of it", w.Code, plain(w.Body.String()))
	}
}
