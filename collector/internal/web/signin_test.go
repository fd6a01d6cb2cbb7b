package web

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/people"
)

const (
	annes = "un fax de moins chaque jour"
	other = "deux fax de moins par jour"
)

// porch is a site with a door, its ledger, and a clock that a test moves.
type porch struct {
	t      *testing.T
	books  *ledger.Ledger
	door   *people.Door
	now    time.Time
	access Access
	vouch  *people.Provider // nil: none
	http.Handler
}

func newPorch(t *testing.T, access Access) *porch {
	t.Helper()
	p := &porch{t: t, now: noon.Std(), access: access}
	books, err := ledger.Open(t.Context(), t.TempDir()+"/ledger.db", ledger.Options{
		Now: func() time.Time { return p.now }, Zone: time.UTC, ActiveWindow: 30 * 24 * time.Hour, BlindAfter: 72 * time.Hour, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = books.Close() })
	p.books = books
	p.open()
	return p
}

// open starts the site, as the collector does.
func (p *porch) open() {
	p.t.Helper()
	log := slog.New(slog.NewTextHandler(p.t.Output(), nil))
	door, err := people.NewDoor(people.Options{Books: p.books, Provider: p.vouch, Log: log, Now: func() time.Time { return p.now }, Cost: bcrypt.MinCost})
	if err != nil {
		p.t.Fatal(err)
	}
	p.door = door
	p.Handler, err = New(Options{
		Books: p.books, Language: "fr", Location: time.UTC, Version: "0.1.0", Ready: func() error { return nil }, Log: log, Door: door, Provider: p.vouch, Access: p.access, Audit: p.books,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("metrics")) }),
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// user lets somebody in.
func (p *porch) user(name string, role ledger.Role, establishments ...string) {
	p.t.Helper()
	err := p.books.DeclareUsers(p.t.Context(), ledger.Author{Who: "test"}, func(_ ledger.Register, users []ledger.User) ([]ledger.User, error) {
		hashed, err := bcrypt.GenerateFromPassword([]byte(annes), bcrypt.MinCost)
		return append(users, ledger.User{Name: name, Hash: secret.Text(hashed), Role: role, Establishments: establishments, CreatedAt: noon}), err
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *porch) alter(name string, change func(*ledger.User)) {
	p.t.Helper()
	if err := people.Alter(p.t.Context(), p.books, ledger.Author{Who: "test"}, name, func(u *ledger.User) error { change(u); return nil }); err != nil {
		p.t.Fatal(err)
	}
}

// browser keeps cookies, as browsers do.
type browser struct {
	*porch
	from    string // address
	cookies map[string]string
}

func (p *porch) browser(from string) *browser { return &browser{p, from, map[string]string{}} }

func (b *browser) send(r *http.Request) *httptest.ResponseRecorder {
	r.RemoteAddr = b.from + ":5000"
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return w
}

func (b *browser) get(target string) *httptest.ResponseRecorder {
	return b.send(httptest.NewRequest(http.MethodGet, "http://localhost:8780"+target, nil))
}

func (b *browser) post(target string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8780"+target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.send(r)
}

func (b *browser) signIn(name, password string) *httptest.ResponseRecorder {
	return b.post("/sign-in", "name", name, "password", password, "next", "/lines?state=cut")
}

func wantCode(t *testing.T, what string, w *httptest.ResponseRecorder, want int) {
	t.Helper()
	if w.Code != want {
		t.Errorf("%s: got %d %.200s, want %d", what, w.Code, w.Body, want)
	}
}

func TestWithNoUserThePagesAreOpenOnThisMachineAlone(t *testing.T) {
	t.Parallel()
	external, err := url.Parse("https://zerofax.chu-exemple.fr/")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		access Access
		host   string
		want   int
		header string // that proxies set
	}{
		"by loopback's name":                    {Access{Loopback: true}, "localhost:8780", 200, ""},
		"by its address":                        {Access{Loopback: true}, "127.0.0.1:8780", 200, ""},
		"by its IPv6 address":                   {Access{Loopback: true}, "[::1]:8780", 200, ""},
		"by a name that was made to lead":       {Access{Loopback: true}, "evil.example", 421, ""},
		"by a name that looks like it":          {Access{Loopback: true}, "localhost.evil.example", 421, ""},
		"from other machines":                   {Access{}, "localhost:8780", 403, ""},
		"behind a proxy":                        {Access{Loopback: true, External: external}, "zerofax.chu-exemple.fr", 403, ""},
		"behind a proxy, by loopback":           {Access{Loopback: true, External: external}, "localhost:8780", 403, ""},
		"with users of the web config file":     {Access{Proven: true}, "localhost:8780", 403, ""},
		"by a proxy that says X-Forwarded-For":  {Access{Loopback: true}, "localhost:8780", 403, "X-Forwarded-For"},
		"by a proxy that says X-Forwarded-Host": {Access{Loopback: true}, "localhost:8780", 403, "X-Forwarded-Host"},
		"by a proxy that says Forwarded":        {Access{Loopback: true}, "localhost:8780", 403, "Forwarded"},
		"by a proxy that says X-Real-Ip":        {Access{Loopback: true}, "localhost:8780", 403, "X-Real-Ip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPorch(t, test.access)
			r := httptest.NewRequest(http.MethodGet, "http://"+test.host+"/lines", nil)
			r.SetBasicAuth("prometheus", "of the outer door")
			if test.header != "" {
				r.Header.Set(test.header, "10.6.6.6")
			}
			w := p.browser("127.0.0.1").send(r)
			wantCode(t, "the page", w, test.want)
			if says := strings.Contains(w.Body.String(), "zerofax-collector user add NAME --role admin"); says != (test.want != 200) {
				t.Errorf("it says how to make the first user: %v", says)
			}
			if test.header != "" {
				r.URL.Path = "/sign-in"
				wantCode(t, "the page to sign in", p.browser("127.0.0.1").send(r), test.want)
			}
			wantCode(t, "alive", p.browser("127.0.0.1").get("/-/healthy"), 200)
		})
	}
}

func TestOnceThereIsAUserEverybodySignsIn(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{Loopback: true})
	b := p.browser("127.0.0.1")
	wantCode(t, "open", b.get("/people"), 200)
	wantCode(t, "a first user who is no admin", b.post("/people", "name", "eve", "role", "reader"), 422)
	p.user("anne", ledger.AdminRole)
	w := b.get("/lines?state=cut")
	if got := w.Header().Get("Location"); w.Code != 303 || got != "/sign-in?next=%2Flines%3Fstate%3Dcut" {
		t.Errorf("got %d %s, want to sign in and come back", w.Code, got)
	}
	for _, target := range []string{"/api/v1/lines", "/metrics"} {
		w := b.get(target)
		wantCode(t, target, w, 401)
		if !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s doesn't ask for a password", target)
		}
	}
	wantCode(t, "a form", b.post("/people", "name", "eve", "role", "admin"), 401)
	wantCode(t, "a wrong password", b.signIn("anne", other), 401)
	wantCode(t, "an unknown name", b.signIn("zoe", annes), 401)
	w = b.signIn(" Anne ", annes)
	if got := w.Header().Get("Location"); w.Code != 303 || got != "/lines?state=cut" {
		t.Fatalf("got %d %s, want to be where one wanted to be", w.Code, got)
	}
	w = b.get("/lines")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "Connecté\u00a0: anne") {
		t.Errorf("got %d, want the page to say who is signed in", w.Code)
	}
	wantCode(t, "metrics in a session", b.get("/metrics"), 200)
	entries, err := p.books.AuditOf(t.Context(), ledger.AuditFilter{Subject: "sessions", Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	told := fmt.Sprint(entries)
	for _, want := range []string{"sessions anne signed_in", "sessions anne refused", "sessions ? refused"} {
		if !strings.Contains(told, want) {
			t.Errorf("the audit log lacks %q: %s", want, told)
		}
	}
	if strings.Contains(told, annes) || strings.Contains(told, "zoe") {
		t.Errorf("the audit log holds what was typed: %s", told)
	}
}

func TestCookiesAreForBrowsersOfThisHostAlone(t *testing.T) {
	t.Parallel()
	external, err := url.Parse("https://zerofax.chu-exemple.fr/")
	if err != nil {
		t.Fatal(err)
	}
	p := newPorch(t, Access{Loopback: true, External: external})
	p.user("anne", ledger.AdminRole)
	form := strings.NewReader(url.Values{"name": {"anne"}, "password": {annes}}.Encode())
	r := httptest.NewRequest(http.MethodPost, "http://zerofax.chu-exemple.fr/sign-in", form)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := p.browser("127.0.0.1").send(r)
	cookie := w.Header().Values("Set-Cookie")[1]
	if form := regexp.MustCompile(`^__Host-zerofax=[A-Z2-7]{52}; Path=/; HttpOnly; Secure; SameSite=Lax$`); !form.MatchString(cookie) {
		t.Errorf("got %s, want %s", cookie, form)
	}
}

func TestNobodyFixesASessionOrUsesOneThatEnded(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{Loopback: true})
	p.user("anne", ledger.AdminRole)
	b := p.browser("127.0.0.1")
	b.cookies["zerofax"] = "AAAA"
	b.signIn("anne", annes)
	first := b.cookies["zerofax"]
	if first == "AAAA" || first == "" {
		t.Fatalf("the session is %q, want a new one", first)
	}
	b.signIn("anne", annes)
	second := b.cookies["zerofax"]
	thief := p.browser("10.6.6.6")
	thief.cookies["zerofax"] = first
	if second == first || thief.get("/lines").Code != 303 {
		t.Error("the session before a new sign-in still opens")
	}
	thief.cookies["zerofax"] = second
	wantCode(t, "the session itself", thief.get("/lines"), 200)
	wantCode(t, "sign out", b.post("/sign-out"), 303)
	wantCode(t, "a stolen session after sign-out", thief.get("/lines"), 303)
	if _, kept := b.cookies["zerofax"]; kept {
		t.Error("the browser keeps the session's cookie")
	}
	thief.cookies["zerofax"] = people.ID(second)
	wantCode(t, "what the ledger knows of a session", thief.get("/lines"), 303)
}

func TestWhatAnAdminDecidesHoldsAtOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*ledger.User)
		again  int // of signing in with the same password
	}{
		"disabled":     {func(u *ledger.User) { u.Disabled = true }, 401},
		"another role": {func(u *ledger.User) { u.Role = ledger.ReaderRole }, 303},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPorch(t, Access{Loopback: true})
			p.user("anne", ledger.AdminRole)
			p.user("bruno", ledger.AdminRole)
			b := p.browser("127.0.0.1")
			b.signIn("bruno", annes)
			wantCode(t, "before", b.get("/people"), 200)
			r := httptest.NewRequest(http.MethodGet, "http://localhost/api/v1/lines", nil)
			r.SetBasicAuth("bruno", annes)
			wantCode(t, "the API before", p.browser("127.0.0.1").send(r.Clone(t.Context())), 200)
			p.alter("bruno", test.change)
			wantCode(t, "afterwards", b.get("/people"), 303)
			wantCode(t, "sign in again", b.signIn("bruno", annes), test.again)
			if test.again == 303 {
				wantCode(t, "with less", b.get("/people"), 403)
				wantCode(t, "change with less", b.post("/people", "name", "eve", "role", "admin"), 403)
			} else {
				wantCode(t, "the API afterwards", p.browser("127.0.0.1").send(r.Clone(t.Context())), 401)
			}
		})
	}
}

func TestProgramsReadByPasswordAndChangeNothing(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{})
	p.user("anne", ledger.AdminRole)
	p.user("bruno", ledger.ReaderRole, "chu")
	ask := func(method, target, name, password string) int {
		r := httptest.NewRequest(method, "http://zerofax"+target, nil)
		r.SetBasicAuth(name, password)
		return p.browser("10.0.0.7").send(r).Code
	}
	for request, want := range map[[4]string]int{
		{"GET", "/metrics", "anne", annes}:         200,
		{"GET", "/metrics", "anne", other}:         401,
		{"GET", "/metrics", "bruno", annes}:        403,
		{"GET", "/api/v1/lines", "bruno", annes}:   200,
		{"GET", "/api/v1/lines", "no name", annes}: 401,
		{"GET", "/lines", "anne", annes}:           303,
		{"POST", "/people", "anne", annes}:         401,
		{"POST", "/api/v1/lines", "anne", annes}:   401,
		{"POST", "/sign-out", "anne", annes}:       401,
	} {
		if got := ask(request[0], request[1], request[2], request[3]); got != want {
			t.Errorf("%v: got %d, want %d", request, got, want)
		}
	}
}

func TestWhoeverShowedTheOuterDoorAPasswordReadsMetricsButSignsInForPages(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{Proven: true})
	p.user("anne", ledger.AdminRole)
	b := p.browser("10.0.0.7")
	wantCode(t, "metrics", b.get("/metrics"), 200)
	wantCode(t, "API", b.get("/api/v1/lines"), 200)
	wantCode(t, "page", b.get("/lines"), 303)
}

func TestAFormFromElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{Loopback: true})
	p.user("anne", ledger.AdminRole)
	b := p.browser("127.0.0.1")
	b.signIn("anne", annes)
	for name, header := range map[string][2]string{
		"as browsers say it":       {"Sec-Fetch-Site", "cross-site"},
		"from a site beside it":    {"Sec-Fetch-Site", "same-site"},
		"as older ones say it":     {"Origin", "https://evil.example"},
		"from a page with no name": {"Origin", "null"},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost:8780/people", strings.NewReader("name=eve&role=admin"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set(header[0], header[1])
		wantCode(t, name, b.send(r), 403)
	}
	if users, err := p.books.Users(t.Context()); err != nil || len(users) != 1 {
		t.Errorf("got %v %v, want anne alone", users, err)
	}
}

func TestASessionEndsWithTheProviderThatVouchedForIt(t *testing.T) {
	t.Parallel()
	chu := people.NewProvider(people.ProviderOptions{Name: "CHU", Issuer: "https://sso.chu.example"})
	for name, test := range map[string]struct {
		after *people.Provider
		want  int
	}{
		"it stays":       {chu, 200},
		"it is no more":  {nil, 303},
		"it is another":  {people.NewProvider(people.ProviderOptions{Name: "CHU", Issuer: "https://sso.elsewhere.example"}), 303},
		"it is moved on": {people.NewProvider(people.ProviderOptions{Name: "CHU", Issuer: "https://sso.chu.example/realms/2"}), 303},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPorch(t, Access{})
			p.user("anne", ledger.AdminRole)
			p.vouch = chu
			p.open()
			token, err := p.door.Admit(t.Context(), ledger.Session{Name: "zoe", Provider: "https://sso.chu.example", Role: ledger.ReaderRole})
			if err != nil {
				t.Fatal(err)
			}
			zoe, anne := p.browser("10.0.0.7"), p.browser("10.0.0.8")
			zoe.cookies["zerofax"] = token
			anne.signIn("anne", annes)
			wantCode(t, "before", zoe.get("/lines"), 200)
			p.vouch = test.after
			p.open()
			wantCode(t, "after a new start", zoe.get("/lines"), test.want)
			wantCode(t, "a local user", anne.get("/lines"), 200)
			open, err := p.door.Sessions(t.Context(), "zoe", "https://sso.chu.example")
			if want := test.want == 200; err != nil || (len(open) == 1) != want {
				t.Errorf("got %v %v, want the session listed: %v", open, err, want)
			}
		})
	}
}

func TestTheAuditLogTellsTheProvidersPeopleFromLocalUsers(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{})
	p.user("zoe", ledger.AdminRole)
	p.vouch = people.NewProvider(people.ProviderOptions{Name: "CHU", Issuer: "https://sso.chu.example"})
	p.open()
	token, err := p.door.Admit(t.Context(), ledger.Session{Name: "zoe", Provider: "https://sso.chu.example", Role: ledger.ReaderRole, Address: "10.0.0.7"})
	if err != nil {
		t.Fatal(err)
	}
	b := p.browser("10.0.0.7")
	b.cookies["zerofax"] = token
	wantCode(t, "sign out", b.post("/sign-out"), 303)
	entries, err := p.books.AuditOf(t.Context(), ledger.AuditFilter{Subject: "sessions", Limit: 10})
	if err != nil || len(entries) != 2 {
		t.Fatalf("got %v %v, want a sign-in and a sign-out", entries, err)
	}
	for _, x := range entries {
		if x.Who != "zoe (CHU)" || x.Subject != "sessions zoe (CHU)" {
			t.Errorf("%s: got %q of %q, want zoe (CHU)", x.Field, x.Who, x.Subject)
		}
	}
}

func TestWithoutUsersThereIsNoAccountToSee(t *testing.T) {
	t.Parallel()
	w := newPorch(t, Access{Loopback: true}).browser("127.0.0.1").get("/account")
	if got := w.Header().Get("Location"); w.Code != 303 || got != "/" {
		t.Errorf("got %d %q, want the first page", w.Code, got)
	}
}

func TestGuessersDontStopAProgramThatAsksAgainAndAgain(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{})
	p.user("prometheus", ledger.AdminRole)
	for range 3 {
		r := httptest.NewRequest(http.MethodGet, "http://zerofax/metrics", nil)
		r.SetBasicAuth("prometheus", annes)
		wantCode(t, "the program", p.browser("10.0.0.7").send(r), 200)
		p.now = p.now.Add(4 * time.Minute)
		for i := range 20 {
			p.browser(fmt.Sprint("10.6.0.", i)).signIn("prometheus", other)
		}
	}
}

func TestGuessersAreSlowedDownAndNobodyIsLockedOut(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{})
	p.user("anne", ledger.AdminRole)
	known, fresh := p.browser("10.0.0.7"), p.browser("10.0.0.8")
	known.signIn("anne", annes)
	delete(known.cookies, "zerofax")
	guesses, refused := 0, 0
	for i := range 300 { // one a second, each from another address
		p.now = p.now.Add(time.Second)
		switch w := p.browser(fmt.Sprintf("10.6.%d.%d", i/250, i%250)).signIn("anne", other); w.Code {
		case 401:
			guesses++
		case 429:
			refused++
			if w.Header().Get("Retry-After") == "" && !strings.Contains(w.Body.String(), "Trop d’essais") {
				t.Fatal("it isn't said how long to wait")
			}
		default:
			t.Fatalf("got %d", w.Code)
		}
	}
	if guesses > 16 || refused < 280 {
		t.Errorf("five minutes are good for %d guesses, want 16 at most", guesses)
	}
	wantCode(t, "anne's own browser meanwhile", known.signIn("anne", annes), 303)
	p.now = p.now.Add(time.Minute + time.Second)
	wantCode(t, "a new browser of anne's, a minute later", fresh.signIn("anne", annes), 303)

	guesser := p.browser("10.7.0.1")
	guesses = 0
	for i := range 300 {
		p.now = p.now.Add(time.Second)
		if guesser.signIn(fmt.Sprint("name", i), other).Code == 401 {
			guesses++
		}
	}
	if guesses > 29 {
		t.Errorf("five minutes are good for %d names from one address, want 29 at most", guesses)
	}
}

func TestAnUnknownNameTakesAsLongAsAKnownOne(t *testing.T) {
	p := newPorch(t, Access{})
	p.user("anne", ledger.AdminRole)
	costly, err := people.NewDoor(people.Options{Books: p.books, Log: slog.New(slog.DiscardHandler), Now: time.Now, Cost: 7})
	if err != nil {
		t.Fatal(err)
	}
	hashed, err := bcrypt.GenerateFromPassword([]byte(annes), 7)
	if err != nil {
		t.Fatal(err)
	}
	p.alter("anne", func(u *ledger.User) { u.Hash = secret.Text(hashed) })
	took := func(name, password string) time.Duration {
		least := time.Hour
		for i := range 4 {
			begin := time.Now()
			if _, err := costly.Enter(context.Background(), name, password, people.Caller{Address: fmt.Sprint("10.0.0.", i)}); err == nil {
				t.Fatal("let in")
			}
			least = min(least, time.Since(begin))
		}
		return least
	}
	known := took("anne", other)
	for what, got := range map[string]time.Duration{"an unknown name": took("zoe", other), "a password that is too long": took("zed", strings.Repeat("a", 4000))} {
		if got < known/2 || got > known*2 {
			t.Errorf("%s takes %s, a wrong password %s", what, got, known)
		}
	}
}

func TestNextLeadsNowhereElse(t *testing.T) {
	for next, want := range map[string]string{
		"/lines?state=cut":            "/lines?state=cut",
		"/lines?a=https://x.example/": "/lines?a=https://x.example/",
		"":                            "/",
		"//evil.example":              "/",
		"///evil.example":             "/",
		`/\evil.example`:              "/",
		`\\evil.example`:              "/",
		"/\t/evil.example":            "/",
		"https://evil.example/":       "/",
		"https:evil.example":          "/",
		"javascript:alert(1)":         "/",
		"lines":                       "/",
		"/%2Fevil.example":            "/",
		"/sign-in?next=/sign-in":      "/",
		"/sign-in/provider":           "/",
		"/lines\r\nSet-Cookie: a=b":   "/",
		"%zz":                         "/",
	} {
		if got := local(next); got != want {
			t.Errorf("next=%q leads to %q, want %q", next, got, want)
		}
	}
}

func TestAOneTimePasswordServesOnce(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{Loopback: true})
	p.user("anne", ledger.AdminRole)
	anne, bruno := p.browser("127.0.0.1"), p.browser("127.0.0.1")
	anne.signIn("anne", annes)
	w := anne.post("/people", "name", "Bruno", "role", "editor")
	once := regexp.MustCompile(`<code class="once">([^<]+)</code>`).FindStringSubmatch(w.Body.String())
	if w.Code != 200 || once == nil {
		t.Fatalf("got %d, want the password shown: %s", w.Code, w.Body)
	}
	if strings.Contains(anne.get("/people").Body.String(), once[1]) {
		t.Error("the password is shown again")
	}
	wantCode(t, "the same name again", anne.post("/people", "name", "bruno", "role", "editor"), 422)
	wantCode(t, "sign in", bruno.signIn("bruno", once[1]), 303)
	if w := bruno.get("/lines"); w.Code != 303 || w.Header().Get("Location") != "/account" {
		t.Errorf("got %d %s, want /account first", w.Code, w.Header().Get("Location"))
	}
	r := httptest.NewRequest(http.MethodGet, "http://localhost/api/v1/lines", nil)
	r.SetBasicAuth("bruno", once[1])
	wantCode(t, "the API", p.browser("127.0.0.1").send(r), 403)
	wantCode(t, "the account", bruno.get("/account"), 200)
	for what, typed := range map[string][3]string{
		"the same": {once[1], once[1], once[1]}, "a short one": {once[1], "short", "short"}, "two": {once[1], annes, other}, "not the present one": {annes, other, other},
		"a common one": {once[1], "motdepasse1234", "motdepasse1234"}, "a long one": {once[1], strings.Repeat("ab cd", 15), strings.Repeat("ab cd", 15)},
	} {
		wantCode(t, what, bruno.post("/account/password", "present", typed[0], "next", typed[1], "again", typed[2]), 422)
	}
	before := bruno.cookies["zerofax"]
	wantCode(t, "another password", bruno.post("/account/password", "present", once[1], "next", other, "again", other), 303)
	wantCode(t, "the pages", bruno.get("/lines"), 200)
	thief := p.browser("10.6.6.6")
	thief.cookies["zerofax"] = before
	wantCode(t, "the session before", thief.get("/lines"), 303)
	wantCode(t, "the one-time password", p.browser("127.0.0.1").signIn("bruno", once[1]), 401)

	w = anne.post("/people/bruno/password")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `class="once"`) {
		t.Errorf("reset: got %d, want a password shown", w.Code)
	}
	wantCode(t, "bruno after the reset", bruno.get("/lines"), 303)
}

func TestTheLastAdminCannotGo(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{Loopback: true})
	p.user("anne", ledger.AdminRole)
	b := p.browser("127.0.0.1")
	b.signIn("anne", annes)
	revision := regexp.MustCompile(`name="revision" value="([^"]+)"`).FindStringSubmatch(b.get("/people/anne").Body.String())[1]
	for what, w := range map[string]*httptest.ResponseRecorder{
		"demoted":  b.post("/people/anne", "revision", revision, "role", "reader"),
		"disabled": b.post("/people/anne", "revision", revision, "role", "admin", "disabled", "on"),
		"removed":  b.post("/people/anne/remove"),
	} {
		wantCode(t, what, w, 422)
		if !strings.Contains(w.Body.String(), "il faut d’abord un autre administrateur") {
			t.Errorf("%s: it isn't said why not", what)
		}
	}
	wantCode(t, "afterwards", b.get("/people"), 200)
}

func TestOfTwoAdminsNoneOverwritesTheOtherUnaware(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{Loopback: true})
	p.user("anne", ledger.AdminRole)
	p.user("bruno", ledger.ReaderRole)
	b := p.browser("127.0.0.1")
	b.signIn("anne", annes)
	find := regexp.MustCompile(`name="revision" value="([^"]+)"`)
	revision := find.FindStringSubmatch(b.get("/people/bruno").Body.String())[1]
	p.alter("bruno", func(u *ledger.User) { u.Disabled = true })
	w := b.post("/people/bruno", "revision", revision, "role", "editor")
	wantCode(t, "the second", w, 409)
	if !strings.Contains(w.Body.String(), "suspendu") || !strings.Contains(w.Body.String(), `<option value="editor" selected`) {
		t.Error("what stands now, or what was typed, isn't shown")
	}
	wantCode(t, "again", b.post("/people/bruno", "revision", find.FindStringSubmatch(w.Body.String())[1], "role", "editor"), 303)
	users, err := p.books.Users(t.Context())
	if err != nil || users[1].Role != ledger.EditorRole || users[1].Disabled {
		t.Errorf("got %+v %v, want what was typed", users, err)
	}
	data, err := json.Marshal(users)
	if err != nil || strings.Contains(string(data), "$2a$") {
		t.Errorf("JSON tells hashes: %s %v", data, err)
	}
}

func TestTheAuditPageSaysInWordsWhoDidWhat(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{Loopback: true})
	p.user("anne", ledger.AdminRole)
	for i := range 60 {
		if err := p.books.Declare(t.Context(), ledger.Author{Who: "bruno <b>", Source: "page /lines"}, func(r ledger.Register) (ledger.Register, error) {
			id := fmt.Sprintf("02413540%02d", i)
			r.Lines[id] = []ledger.Declaration{{Line: id, From: noon, Number: id, Cutoff: "2026-12-01"}}
			return r, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	b := p.browser("127.0.0.1")
	b.signIn("anne", annes)
	w := b.get("/audit")
	for _, want := range []string{"Ligne <strong class=\"name\">0241354059, 01/10/2026</strong>", "coupure prévue", "<ins>2026-12-01</ins>", "bruno &lt;b&gt;", "connecté depuis"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	older := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(w.Body.String())
	if older == nil {
		t.Fatal("the page leads to nothing older")
	}
	if w := b.get(strings.ReplaceAll(older[1], "&amp;", "&")); !strings.Contains(w.Body.String(), "0241354001") || strings.Contains(w.Body.String(), "0241354059") {
		t.Error("the page before doesn't show what is older")
	}
	if w := b.get("/audit?who=anne"); strings.Contains(w.Body.String(), "0241354059") || !strings.Contains(w.Body.String(), "connecté depuis") {
		t.Error("the filter by name doesn't filter")
	}
	if w := b.get("/audit?subject=354007"); !strings.Contains(w.Body.String(), "0241354007") || strings.Contains(w.Body.String(), "0241354008") {
		t.Error("the filter by subject doesn't filter")
	}
}

func TestAPageThatRefreshesItselfKeepsNoEditorSignedIn(t *testing.T) {
	t.Parallel()
	p := newPorch(t, Access{Loopback: true})
	p.user("anne", ledger.AdminRole)
	p.user("wall", ledger.ReaderRole)
	for name, want := range map[string]int{"anne": 303, "wall": 200} {
		b := p.browser("127.0.0.1")
		begin := p.now
		b.signIn(name, annes)
		var last *httptest.ResponseRecorder
		for p.now.Sub(begin) < 20*time.Hour {
			p.now = p.now.Add(30 * time.Minute)
			r := httptest.NewRequest(http.MethodGet, "http://localhost/lines", nil)
			r.Header.Set("Sec-Fetch-Dest", "empty")
			last = b.send(r)
		}
		wantCode(t, name+" after 20 hours", last, want)
	}
}
