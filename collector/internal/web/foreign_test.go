package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/people"
)

// estate is what two hospitals have, behind the pages of a reader of one.
type estate struct {
	t      *testing.T
	books  *ledger.Ledger
	routes *routing
	who    reader
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	books := twoHospitals(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	door, err := people.NewDoor(people.Options{Books: books, Log: log, Now: noon.Std, Cost: bcrypt.MinCost})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newPages(Options{Books: books, Language: "en", Location: time.UTC, Log: log, Door: door, Ready: func() error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return &estate{
		t, books, s.routes(func(h http.Handler) http.HandlerFunc { return h.ServeHTTP }),
		reader{Name: "bruno", Role: ledger.EditorRole, Establishments: []string{"chu"}},
	}
}

func (e *estate) post(target string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return e.send(r)
}

func (e *estate) get(target string) *httptest.ResponseRecorder {
	return e.send(httptest.NewRequest(http.MethodGet, target, nil))
}

func (e *estate) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	e.routes.ServeHTTP(w, as(r, e.who))
	return w
}

// others is all that is the second hospital's, as who sees it alone sees it.
func (e *estate) others() []any {
	e.t.Helper()
	theirs := scoped(e.books, reader{Role: ledger.ReaderRole, Establishments: []string{"secret"}})
	view, err := theirs.Snapshot(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	mailboxes, err := theirs.Mailboxes(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	episodes, err := theirs.Episodes(e.t.Context(), ledger.EpisodeFilter{})
	if err != nil {
		e.t.Fatal(err)
	}
	return []any{view.Register, view.Lines, view.Devices, mailboxes, episodes}
}

var hidden = regexp.MustCompile(`(?i)(secret|0291|stray).{0,60}`)

// without is an answer without what was typed and the id made of it, which tell nothing.
func without(answer, typed string) string {
	if _, of, named := strings.Cut(typed, " of "); named {
		typed = "of " + of
	}
	if len(typed) < len("of chu") {
		return answer
	}
	answer = strings.ReplaceAll(answer, url.QueryEscape(typed), "")
	return strings.ReplaceAll(strings.ReplaceAll(answer, typed, ""), strings.ReplaceAll(typed, " ", "-"), "")
}

func TestNoFormOfOneHospitalTellsOrChangesAnythingOfAnother(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	before := e.others()
	for name, form := range map[string][]string{
		"another's line as a new one":    {"/lines/new", "number", "0291354000", "establishment", "name of chu", "service", "service of chu", "always", "yes"},
		"a line on another's machine":    {"/lines/new", "number", "0241999999", "service", "service of chu", "establishment", "name of chu", "device", "secret-1", "always", "yes"},
		"… by its serial number":         {"/lines/new", "number", "0241999998", "service", "service of chu", "establishment", "name of chu", "device", "secret-1-serial", "always", "yes"},
		"… one that nobody has read yet": {"/lines/new", "number", "0241999997", "service", "service of chu", "establishment", "name of chu", "device", "secret-2", "always", "yes"},
		"a line in another's service":    {"/lines/new", "number", "0241999996", "service", "service of secret", "establishment", "name of secret", "always", "yes"},
		"another's line":                 {"/lines/0291354000/edit", "contact", "me"},
		"several of another's":           {"/lines/several?id=0291354000", "id", "0291354000", "cutoff", "2027-01-01"},
		"another's line's end":           {"/lines/0291354000/remove"},
		"another's tests":                {"/lines/0291354000/windows", "from", "2026-11-01T10:00", "to", "2026-11-01T11:00", "reason", "test"},
		"another's sheet":                {"/services/secret-saas/edit", "weather", "sun"},
		"another's checklist":            {"/services/secret-saas/checklist"},
		"another's training":             {"/support/new", "kind", "training", "establishment", "secret", "note", "x"},
		"a target of another":            {"/targets", "of", "establishment:secret", "indicator", "active_lines", "was", "new", "from", "2026-11", "value", "1"},
		"a target of another's pôle":     {"/targets", "of", "pole:secret-pole", "indicator", "active_lines", "was", "new", "from", "2026-11", "value", "1"},
		"everybody's target":             {"/targets", "of", "whole", "indicator", "active_lines", "was", "new", "from", "2026-11", "value", "1"},
		"everybody's month":              {"/targets/months/2026-09/close"},
		"another's address":              {"/mssante/address", "address", "saas@secret.mssante.fr", "establishment", "chu", "service", "chu-saas", "state", "published"},
		"an address in their service":    {"/mssante/address", "address", "new@chu.mssante.fr", "establishment", "chu", "service", "secret-saas", "state", "published"},
		"a lost address of another":      {"/mssante/lost", "address", "saas@secret.mssante.fr"},
		"addresses in use":               {"/mssante/used"},
		"a profile":                      {"/mssante/profile", "name", "x"},
	} {
		for range 2 { // the second time as of the form that the first one gave back
			w := e.post(form[0], form[1:]...)
			answer := w.Body.String()
			for _, typed := range append(form[1:len(form):len(form)], "0291354000", "secret-saas") {
				answer = without(answer, typed)
			}
			if told := hidden.FindString(answer); told != "" {
				t.Errorf("%s: %d tells …%s…", name, w.Code, told)
			}
			if got := e.others(); !reflect.DeepEqual(got, before) {
				t.Fatalf("%s: %d changed what is another's:\ngot  %+v\nwant %+v", name, w.Code, got, before)
			}
			for _, field := range []string{"revision", "confirmed", "was"} {
				if m := regexp.MustCompile(`name="` + field + `"[^>]*value="([^"]*)"`).FindStringSubmatch(w.Body.String()); m != nil {
					form = append(form, field, m[1])
				}
			}
		}
	}
	for _, target := range []string{"/machines", "/lines", "/map", "/api/v1/devices"} {
		if told := hidden.FindString(e.get(target).Body.String()); told != "" {
			t.Errorf("afterwards %s tells …%s…", target, told)
		}
	}
}

func TestNoTableOfOneHospitalTellsOrChangesAnythingOfAnother(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	before := e.others()
	for name, c := range map[string][2]string{
		"another's line":             {"lines", "number;contact\n0291354000;me\n"},
		"a line on their machine":    {"lines", "number;establishment;service;device;port\n0241999999;name of chu;service of chu;secret-1;1\n"},
		"a line beside theirs":       {"lines", "number;establishment;service\n0241999998;name of chu;service of secret\n"},
		"their machine":              {"devices", "device;establishment;service;name\nsecret-2;name of chu;service of chu;mine\n"},
		"their machine, seen only":   {"devices", "device;establishment;service;name\nsecret-1;name of chu;service of chu;mine\n"},
		"their services":             {"structure", "establishment;pole;service\nname of secret;pôle of secret;another\n"},
		"their target":               {"targets", "indicator;establishment;from;value\nactive_lines;name of secret;2026-11;1\n"},
		"all lines but their own":    {"lines", "number;contact\n0241354000;me\n"},
		"all machines but their own": {"devices", "device;name\nchu-2;mine\n"},
	} {
		id, err := scoped(e.books, e.who).KeepUpload(t.Context(), e.who.Name, "table.csv", []byte(c[1]))
		if err != nil {
			t.Fatal(err)
		}
		target := "/import/" + c[0] + "/" + id
		form := []string{"since", "always"}
		if strings.HasPrefix(name, "all") {
			form = append(form, "replace", "yes")
		}
		shown := e.get(target + "?since=always&replace=" + strings.Join(form[2:], ""))
		if m := regexp.MustCompile(`name="revision"[^>]*value="([^"]*)"`).FindStringSubmatch(shown.Body.String()); m != nil {
			form = append(form, "revision", m[1])
		}
		done := e.post(target, form...)
		for _, w := range []*httptest.ResponseRecorder{shown, done} {
			answer := w.Body.String()
			for _, typed := range strings.FieldsFunc(c[1], func(r rune) bool { return r == ';' || r == '\n' }) {
				answer = without(answer, typed)
			}
			if told := hidden.FindString(answer); told != "" {
				t.Errorf("%s: %d tells …%s…", name, w.Code, told)
			}
		}
		if got := e.others(); !reflect.DeepEqual(got, before) {
			t.Fatalf("%s: %d changed what is another's:\ngot  %+v\nwant %+v", name, done.Code, got, before)
		}
	}
	if told := hidden.FindString(e.get("/machines").Body.String()); told != "" {
		t.Errorf("afterwards /machines tells …%s…", told)
	}
	e.who.Name = "elise"
	if w := e.get("/import/lines/1"); w.Code != http.StatusNotFound {
		t.Errorf("an upload that is nobody's: got %d, want 404", w.Code)
	}
}

func TestNobodyClosesAnAlertOfAnotherHospital(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	before := e.others()
	all, err := e.books.Episodes(t.Context(), ledger.EpisodeFilter{})
	if err != nil || len(all) == 0 {
		t.Fatalf("got %d episodes, %v", len(all), err)
	}
	for _, x := range all {
		e.post("/lines/0241354000/alerts/"+strings.TrimSpace(string(rune('0'+x.ID)))+"/close", "reason", "because")
	}
	if got := e.others(); !reflect.DeepEqual(got, before) {
		t.Errorf("got %+v, want %+v", got, before)
	}
}

// An address that goes to another hospital is that one's from then on, with its past at the first one out of reach.
func TestAnAddressIsTakenFromNobody(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	mine := scoped(e.books, e.who)
	for name, change := range map[string]func([]ledger.Mailbox) []ledger.Mailbox{
		"a later version of another's": func(all []ledger.Mailbox) []ledger.Mailbox {
			return append(all, ledger.Mailbox{Address: "saas@secret.mssante.fr", From: "2026-10-01", Establishment: "chu", State: ledger.MailboxUsed})
		},
		"one's own, given away": func(all []ledger.Mailbox) []ledger.Mailbox {
			return append(all, ledger.Mailbox{Address: "saas@chu.mssante.fr", From: "2026-10-01", Establishment: "secret", State: ledger.MailboxUsed})
		},
	} {
		err := mine.DeclareMailboxes(t.Context(), ledger.Author{Who: "bruno"}, func(r ledger.Register, all []ledger.Mailbox) ([]ledger.Mailbox, error) {
			if slices.ContainsFunc(all, func(m ledger.Mailbox) bool { return m.Establishment == "secret" }) || r.Establishments["secret"].ID != "" {
				t.Errorf("%s: handed what is another's: %v", name, all)
			}
			return change(all), nil
		})
		if err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

func TestAReaderChangesNothingAtAll(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{})
	p.user("anne", ledger.AdminRole)
	p.user("rene", ledger.ReaderRole)
	p.user("elise", ledger.EditorRole)
	shown, err := newPages(Options{Books: p.books, Language: "en", Location: time.UTC, Log: slog.New(slog.DiscardHandler), Door: p.door, Audit: p.books})
	if err != nil {
		t.Fatal(err)
	}
	patterns := shown.routes(func(h http.Handler) http.HandlerFunc { return h.ServeHTTP }).patterns
	own := []string{"/sign-in", "/sign-out", "/account/password", "/account/sessions"}
	rene, elise, nobody := p.browser("192.0.2.1"), p.browser("192.0.2.2"), p.browser("192.0.2.3")
	wantCode(t, "sign in", rene.signIn("rene", annes), http.StatusSeeOther)
	wantCode(t, "sign in", elise.signIn("elise", annes), http.StatusSeeOther)
	tried := 0
	for _, pattern := range patterns {
		method, path, found := strings.Cut(pattern, " ")
		if !found { // whatever isn't registered by a method refuses all but GET
			path = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(strings.TrimSuffix(pattern, "{$}"), "1")
			if w := rene.post(path); w.Code < 400 {
				t.Errorf("POST %s by a reader: got %d", path, w.Code)
			}
			continue
		}
		if method != http.MethodPost || slices.Contains(own, path) {
			continue
		}
		tried++
		path = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "1")
		wantCode(t, "POST "+path+" by a reader", rene.post(path), http.StatusForbidden)
		wantCode(t, "POST "+path+" by nobody", nobody.post(path), http.StatusUnauthorized)
		if strings.HasPrefix(path, "/people") || strings.HasSuffix(path, "/reopen") {
			wantCode(t, "POST "+path+" by an editor", elise.post(path), http.StatusForbidden)
		}
	}
	if tried < 20 {
		t.Errorf("the test proves nothing: %d forms", tried)
	}
}

// A gateway may carry lines of several hospitals: of its ports each sees the own ones, and those that nobody has.
func TestOfASharedGatewayThePortsOfOthersAreHidden(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	if err := e.books.Declare(t.Context(), ledger.Author{Who: "test"}, func(r ledger.Register) (ledger.Register, error) {
		for port, line := range map[string]string{"1": "0241354001", "2": "0291354001"} {
			r.Lines[line][0].Device, r.Lines[line][0].Port = "gw-1", port
		}
		return r, nil
	}); err != nil {
		t.Fatal(err)
	}
	at := noon.Add(-time.Minute)
	reading := wire.Reading{Device: "gw-1", At: at, OK: true, Identity: &wire.Identity{Serial: "g1", Vendor: "audiocodes"}}
	for _, port := range []string{"1", "2", "3"} {
		reading.Lines = append(reading.Lines, wire.Line{Port: port, Status: wire.LineIdle, Fax: wire.Unknown, Evidence: "label"})
	}
	if _, err := e.books.Apply(t.Context(), []ledger.Delivery{{Agent: "ps-02", ReceivedAt: at.Std(), Envelope: wire.Envelope{
		Header: wire.Header{Agent: "ps-02", Stream: "g", First: 1, Seq: 1, Oldest: 1, SentAt: at}, CRC: 1, Readings: []wire.Reading{reading},
	}}}); err != nil {
		t.Fatal(err)
	}
	view, err := scoped(e.books, e.who).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(view.Devices, func(d ledger.Device) bool { return d.ID == "gw-1" })
	if i < 0 {
		t.Fatal("the gateway isn't seen")
	}
	var ports []string
	for _, p := range view.Devices[i].Ports {
		ports = append(ports, p.Port)
	}
	if want := []string{"1", "3"}; !slices.Equal(ports, want) {
		t.Errorf("got ports %v, want %v", ports, want)
	}
}
