//go:build e2e

package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/zerofax/zerofax/agent/freeport"
)

// glewlwyd is an identity provider on loopback, with books and a certificate of its own.
type glewlwyd struct {
	t       *testing.T
	dir     string
	url     string // https://localhost:PORT
	trusted *x509.CertPool
	*program
}

// glewlwydConf wants port, URL, and files of the certificate and of the books.
const glewlwydConf = `port=%d
bind_address="127.0.0.1"
external_url="%s"
login_url="login.html"
api_prefix="api"
static_files_path="/usr/share/glewlwyd/webapp"
static_files_mime_types=({extension=".html" mime_type="text/html"})
log_mode="console"
log_level="WARNING"
cookie_domain="localhost"
cookie_secure=1
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
use_secure_connection=true
secure_connection_key_file="id.key"
secure_connection_pem_file="id.pem"
hash_algorithm="SHA512"
database={type="sqlite3" path="id.db"}
`

// newGlewlwyd starts a provider that knows zerofax, by which browsers come back to a URL, and people by their groups.
func newGlewlwyd(t *testing.T, zerofax string, people map[string][]string) *glewlwyd {
	t.Helper()
	port := freeport.Must(t)
	g := &glewlwyd{t: t, dir: t.TempDir(), url: fmt.Sprintf("https://localhost:%d", port)}
	g.trusted = writeCertificate(t, filepath.Join(g.dir, "id.pem"), filepath.Join(g.dir, "id.key"))
	writeFile(t, filepath.Join(g.dir, "glewlwyd.conf"), fmt.Sprintf(glewlwydConf, port, g.url))
	schema, err := os.ReadFile("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3") // with an admin whose password is password
	if err != nil {
		t.Fatalf("%v; run: make tools", err)
	}
	books, err := sql.Open("sqlite", filepath.Join(g.dir, "id.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer books.Close()
	if _, err := books.ExecContext(t.Context(), string(schema)); err != nil {
		t.Fatalf("make the provider's books: %v", err)
	}
	g.start()
	g.declare(zerofax, people)
	return g
}

func (g *glewlwyd) start() {
	g.t.Helper()
	g.program = start(g.t, g.dir, "glewlwyd", "-c", "glewlwyd.conf")
	b := newBrowser(g.t, g.trusted)
	eventually(g.t, 10*time.Second, "the identity provider answers", func() string {
		response, err := b.Get(g.url + "/login.html")
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return response.Status
		}
		return ""
	})
}

// declare tells the provider who there is, as its admin.
func (g *glewlwyd) declare(zerofax string, people map[string][]string) {
	g.t.Helper()
	admin := newBrowser(g.t, g.trusted)
	tell := func(method, path string, body any) { admin.tell(method, g.url+"/api/"+path, body) }
	tell("POST", "auth/", map[string]any{"username": "admin", "password": "password"})

	var users map[string]any
	if err := json.Unmarshal([]byte(admin.see(g.url+"/api/mod/user/database", http.StatusOK)), &users); err != nil {
		g.t.Fatal(err)
	}
	users["parameters"].(map[string]any)["data-format"].(map[string]any)["groups"] = map[string]any{"multiple": true, "read": true, "write": true}
	tell("PUT", "mod/user/database", users)
	tell("PUT", "mod/user/database/reset", nil)

	private, public := signingKey(g.t)
	tell("POST", "mod/plugin/", map[string]any{"module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "enabled": true, "parameters": map[string]any{
		"iss": g.url + "/api/oidc", "jwt-type": "rsa", "jwt-key-size": "256", "key": private, "cert": public, "jwks-show": true, "subject-type": "public",
		"access-token-duration": 3600, "refresh-token-duration": 3600, "code-duration": 60, "refresh-token-rolling": false,
		"auth-type-code-enabled": true, "auth-type-refresh-enabled": true, "pkce-allowed": true, "pkce-required": true,
		"allowed-scope": []string{"openid", "profile", "email"}, "email-claim": "mandatory", "name-claim": "mandatory",
		"claims":                     []any{map[string]any{"name": "groups", "user-property": "groups", "type": "string", "mandatory": true, "on-demand": false, "scope": []string{}}},
		"session-management-allowed": true, "session-cookie-name": "GLEWLWYD_SID", "session-cookie-expiration": 3600,
	}})
	for _, scope := range []string{"profile", "email"} {
		tell("POST", "scope/", map[string]any{"name": scope, "password_required": false, "scheme": map[string]any{}, "scheme_required": map[string]any{}})
	}
	tell("POST", "client/", map[string]any{
		"client_id": "zerofax", "name": "zerofax", "enabled": true, "confidential": true, "client_secret": clientSecret, "scope": []string{},
		"redirect_uri": []string{zerofax + "/sign-in/back"}, "authorization_type": []string{"code"}, "token_endpoint_auth_method": []string{"client_secret_basic"},
	})
	for name, groups := range people {
		tell("POST", "user/", map[string]any{
			"username": name, "email": name + "@chu-exemple.fr", "password": passwordOf(name), "enabled": true,
			"scope": []string{"openid", "profile", "email", "g_profile"}, "groups": groups,
		})
	}
}

const clientSecret = "b3Vi-known-to-zerofax-and-its-provider"

func passwordOf(name string) string { return anne + ", dit " + name }

// signingKey is a pair of RSA keys in PEM.
func signingKey(t *testing.T) (private, public string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	half, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: half}))
}

// browser keeps cookies and goes where it is sent.
type browser struct {
	t *testing.T
	http.Client
}

func newBrowser(t *testing.T, trusted *x509.CertPool) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableKeepAlives: true}
	return &browser{t, http.Client{Jar: jar, Transport: transport, Timeout: 10 * time.Second}}
}

// open goes to a page and says where it came to, with which status, and what stands there.
func (b *browser) open(page string) (at *url.URL, status int, text string) {
	b.t.Helper()
	return b.read(b.Get(page))
}

// see is a page that has to have that status.
func (b *browser) see(page string, want int) string {
	b.t.Helper()
	_, status, text := b.open(page)
	if status != want {
		b.t.Errorf("%s: got %d, want %d\n%.600s", page, status, want, text)
	}
	return text
}

// post sends a form.
func (b *browser) post(page string, form url.Values) (at *url.URL, status int, text string) {
	b.t.Helper()
	return b.read(b.PostForm(page, form))
}

// tell sends JSON that has to be taken; nil: nothing.
func (b *browser) tell(method, to string, what any) {
	b.t.Helper()
	var body bytes.Buffer
	if what != nil {
		if err := json.NewEncoder(&body).Encode(what); err != nil {
			b.t.Fatal(err)
		}
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, to, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if _, status, text := b.read(b.Do(request)); status != http.StatusOK {
		b.t.Fatalf("%s %s: got %d %s", method, to, status, text)
	}
}

func (b *browser) read(response *http.Response, err error) (*url.URL, int, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatalf("read %s: %v", response.Request.URL, err)
	}
	return response.Request.URL, response.StatusCode, html.UnescapeString(string(body))
}

// signIn goes by the provider, where it does what the script of the login page does with name and password.
func (g *glewlwyd) signIn(b *browser, zerofax, name string) (at *url.URL, status int, text string) {
	g.t.Helper()
	at, status, text = b.open(zerofax + "/sign-in/provider?lang=en&next=/lines")
	back := at.Query().Get("callback_url")
	if !strings.HasPrefix(at.String(), g.url+"/login.html?") || !strings.HasPrefix(back, g.url) {
		g.t.Fatalf("sign in: came to %s (%d), want the provider's login page\n%.600s", at, status, text)
	}
	b.tell("POST", g.url+"/api/auth/", map[string]any{"username": name, "password": passwordOf(name)})
	b.tell("PUT", g.url+"/api/auth/grant/zerofax/", map[string]any{"scope": at.Query().Get("scope")})
	return b.open(back + "&g_continue")
}

// signInHere signs in with an account of zerofax's own.
func (b *browser) signInHere(zerofax, name, password string) (at *url.URL, status int, text string) {
	b.t.Helper()
	return b.post(zerofax+"/sign-in?lang=en", url.Values{"name": {name}, "password": {password}, "next": {"/lines"}})
}

// signingIn are a collector, and a provider that says who comes.
type signingIn struct {
	*glewlwyd
	zerofax   string // URL
	collector *program
}

func newSigningIn(t *testing.T) *signingIn {
	t.Helper()
	dir, port := t.TempDir(), freeport.Must(t)
	s := &signingIn{zerofax: fmt.Sprintf("http://127.0.0.1:%d", port)}
	s.glewlwyd = newGlewlwyd(t, s.zerofax, map[string][]string{
		"anne": {"kitchen", "onco-secretariat"}, "zoe": {"zerofax-admins"}, "max": {"kitchen"}, "lea": {},
	})
	writeFile(t, filepath.Join(dir, "oidc.txt"), clientSecret+"\n")
	writeFile(t, filepath.Join(dir, "bruno.txt"), passwordOf("bruno")+"\n")
	writeFile(t, filepath.Join(dir, "lines.csv"), "Numéro;Établissement;Service\n02 41 35 40 00;chu;oncologie\n02 43 43 43 43;chr;accueil\n")
	config := filepath.Join(dir, "collector.yml")
	writeFile(t, config, fmt.Sprintf(`data_dir: books
mqtt: {embedded: {listen: '127.0.0.1:%d'}}
http: {listen: '127.0.0.1:%d', external_url: '%s/'}
sign_in:
  oidc:
    name: CHU
    issuer: %s/api/oidc
    client_id: zerofax
    client_secret_file: oidc.txt
    ca_file: %s
    roles:
      zerofax-admins: {role: admin}
      onco-secretariat: {role: editor, establishments: [chu]}
`, freeport.Must(t), port, s.zerofax, s.url, filepath.Join(s.dir, "id.pem")))
	checked(t, "zerofax-collector", "import", "lines", filepath.Join(dir, "lines.csv"), "--config", config)
	checked(t, "zerofax-collector", "user", "add", "bruno", "--role", "reader", "--password-file", filepath.Join(dir, "bruno.txt"), "--config", config)
	s.collector = start(t, dir, "zerofax-collector", "run", "--config", "collector.yml")
	eventually(t, 20*time.Second, "the collector is ready", func() string {
		if get(s.zerofax+"/-/ready") == "" {
			return "it isn't"
		}
		return ""
	})
	return s
}

// wantLines says which lines somebody has to see.
func (s *signingIn) wantLines(b *browser, who string, chu, chr bool) {
	s.t.Helper()
	text := b.see(s.zerofax+"/api/v1/lines", http.StatusOK)
	if strings.Contains(text, "0241354000") != chu || strings.Contains(text, "0243434343") != chr {
		s.t.Errorf("%s: want the line of chu %t, of chr %t; got %s", who, chu, chr, text)
	}
}

// TestPeopleSignInByARealIdentityProvider has Glewlwyd vouch for people, by TLS of an authority that only ca_file names;
// it insists on PKCE.
func TestPeopleSignInByARealIdentityProvider(t *testing.T) {
	t.Parallel()
	s := newSigningIn(t)
	anne, zoe := newBrowser(t, s.trusted), newBrowser(t, s.trusted)

	if at, status, text := s.signIn(anne, s.zerofax, "anne"); status != http.StatusOK || at.String() != s.zerofax+"/lines?lang=en" {
		t.Fatalf("anne: came to %s (%d), want the page she wanted\n%.1000s", at, status, text)
	}
	if text := anne.see(s.zerofax+"/account?lang=en", http.StatusOK); !strings.Contains(text, "<strong>anne@chu-exemple.fr (CHU)</strong> · editor: chu") {
		t.Errorf("anne: want an editor of chu; got %s", text)
	}
	s.wantLines(anne, "anne", true, false)
	anne.see(s.zerofax+"/people", http.StatusForbidden)

	s.signIn(zoe, s.zerofax, "zoe")
	s.wantLines(zoe, "zoe", true, true)
	if text := zoe.see(s.zerofax+"/people?lang=en", http.StatusOK); !strings.Contains(text, "anne@chu-exemple.fr") {
		t.Errorf("zoe: want to read that anne is signed in; got %s", text)
	}
	for _, name := range []string{"max", "lea"} {
		b := newBrowser(t, s.trusted)
		const says = "none of your groups may use zerofax"
		if at, status, text := s.signIn(b, s.zerofax, name); status != http.StatusForbidden || !strings.Contains(text, says) || !strings.Contains(text, name+"@chu-exemple.fr") {
			t.Errorf("%s: came to %s (%d), want to read %q\n%.1000s", name, at, status, says, text)
		}
		if at, _, _ := b.open(s.zerofax + "/lines"); at.Path != "/sign-in" {
			t.Errorf("%s: got in to %s", name, at)
		}
		if text := zoe.see(s.zerofax+"/audit?lang=en", http.StatusOK); !strings.Contains(text, name+"@chu-exemple.fr (CHU)") {
			t.Errorf("the audit log has nothing of %s: %s", name, text)
		}
	}
	s.signOut(anne)
	s.withoutProvider(zoe)
	for _, secret := range []string{clientSecret, "eyJ", "code="} {
		if strings.Contains(s.collector.out.String(), secret) {
			t.Errorf("the collector's log tells secrets (%s):\n%s", secret, s.collector.out.tail(2000))
		}
	}
}

var goodbye = regexp.MustCompile(`<a href="(https://localhost.*?)">Sign out of CHU, too</a>`)

// signOut signs somebody out of zerofax, and then of the provider.
func (s *signingIn) signOut(b *browser) {
	s.t.Helper()
	_, _, text := b.post(s.zerofax+"/sign-out?lang=en", nil)
	if at, _, _ := b.open(s.zerofax + "/lines"); at.Path != "/sign-in" {
		s.t.Errorf("signed out: got in to %s", at)
	}
	link := goodbye.FindStringSubmatch(text)
	if link == nil {
		s.t.Fatalf("signed out: want to be asked about the provider; got %s", text)
	}
	at, status, text := b.open(link[1])
	if at.Query().Get("prompt") != "end_session" || at.Query().Get("sid") == "" {
		s.t.Fatalf("sign out of the provider: came to %s (%d) %q, want to be asked by it", at, status, text)
	}
	b.tell("DELETE", s.url+"/api/oidc/session/"+at.Query().Get("sid"), nil) // as the script of that page does it
	b.tell("DELETE", s.url+"/api/auth/", nil)
	if at, _, _ := b.open(s.zerofax + "/sign-in/provider"); at.Path != "/login.html" {
		s.t.Errorf("signed out of the provider: it sent to %s, want its login page", at)
	}
}

// withoutProvider stops the provider: who is in stays in, accounts of zerofax's own work, and the page says why others
// can't come. Once it is there again, they can.
func (s *signingIn) withoutProvider(in *browser) {
	s.t.Helper()
	s.kill()
	s.wantLines(in, "zoe, while the provider is down,", true, true)
	b := newBrowser(s.t, s.trusted)
	const says = "CHU does not answer. Accounts of zerofax's own work."
	if at, status, text := b.open(s.zerofax + "/sign-in/provider?lang=en"); status != http.StatusBadGateway || !strings.Contains(text, says) {
		s.t.Errorf("the provider is down: came to %s (%d), want to read %q\n%.1000s", at, status, says, text)
	}
	if at, status, text := b.signInHere(s.zerofax, "bruno", passwordOf("bruno")); status != http.StatusOK || at.String() != s.zerofax+"/lines?lang=en" {
		s.t.Errorf("bruno: came to %s (%d)\n%.1000s", at, status, text)
	}
	s.wantLines(b, "bruno", true, true)
	s.start()
	if at, status, _ := s.signIn(newBrowser(s.t, s.trusted), s.zerofax, "anne"); status != http.StatusOK || at.Path != "/lines" {
		s.t.Errorf("anne, once the provider is there again: came to %s (%d)", at, status)
	}
}
