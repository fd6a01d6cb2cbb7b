package people

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// issuer is an identity provider that says what a test wants of whoever comes.
type issuer struct {
	*httptest.Server
	key       *rsa.PrivateKey
	claims    map[string]any
	challenge string // of the code that it gave last
	audience  string
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	x := &issuer{key: key, audience: "zerofax"}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, body any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": x.URL, "authorization_endpoint": x.URL + "/authorize", "token_endpoint": x.URL + "/token", "jwks_uri": x.URL + "/keys",
			"end_session_endpoint": x.URL + "/end", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != x.challenge {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			answer(w, map[string]string{"error": "invalid_grant"})
			return
		}
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": x.sign(t)})
	})
	x.Server = httptest.NewServer(mux)
	t.Cleanup(x.Close)
	return x
}

func (x *issuer) sign(t *testing.T) string {
	claims := map[string]any{"iss": x.URL, "aud": x.audience, "sub": "4711", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix()}
	for name, value := range x.claims {
		claims[name] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: x.key, KeyID: "k"}}, nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Error(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Error(err)
		return ""
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Error(err)
	}
	return text
}

func (x *issuer) provider(t *testing.T) *Provider {
	t.Helper()
	p := NewProvider(ProviderOptions{
		Name: "CHU", Issuer: x.URL, ClientID: "zerofax", ClientSecret: "hunter2", Groups: "groups", Back: "https://zerofax/sign-in/back",
		Grants: map[string]Grant{
			"admins": {Role: ledger.AdminRole}, "chu": {ledger.EditorRole, []string{"chu"}}, "chr": {ledger.EditorRole, []string{"chr"}}, "all": {Role: ledger.ReaderRole},
		},
	})
	t.Cleanup(p.Close)
	return p
}

func TestTheProviderSaysWhoComesAndTheGroupsWhatTheyMay(t *testing.T) {
	x := newIssuer(t)
	p := x.provider(t)
	for name, test := range map[string]struct {
		groups any
		role   ledger.Role
		places []string
		spoil  func(*Ticket, url.Values)
		is     error  // what is wrong, or
		says   string // part of it
	}{
		"one group":                {groups: []string{"chu"}, role: ledger.EditorRole, places: []string{"chu"}},
		"two of the same role":     {groups: []string{"chu", "nobody knows it", "chr"}, role: ledger.EditorRole, places: []string{"chr", "chu"}},
		"the highest role holds":   {groups: []string{"all", "chu"}, role: ledger.EditorRole, places: []string{"chu"}},
		"an admin sees all":        {groups: []string{"chu", "admins"}, role: ledger.AdminRole},
		"groups as a text":         {groups: "all", role: ledger.ReaderRole},
		"no known group":           {groups: []string{"kitchen"}, is: ErrNoGroup},
		"no group":                 {is: ErrNoGroup},
		"another browser's state":  {groups: "all", spoil: func(_ *Ticket, q url.Values) { q.Set("state", "x") }, is: ErrTicket},
		"a browser without ticket": {groups: "all", spoil: func(t *Ticket, q url.Values) { *t = Ticket{}; q.Del("state") }, is: ErrTicket},
		"another one's nonce":      {groups: "all", spoil: func(t *Ticket, _ url.Values) { t.Nonce = "x" }, is: ErrTicket},
		"another one's code":       {groups: "all", spoil: func(t *Ticket, _ url.Values) { t.Verifier = "x" }, says: "invalid_grant"},
		"somebody said no":         {groups: "all", spoil: func(_ *Ticket, q url.Values) { q.Set("error", "access_denied") }, says: "access_denied"},
		"meant for another site":   {groups: "all", spoil: func(*Ticket, url.Values) { x.audience = "payroll" }, says: "audience"},
	} {
		t.Run(name, func(t *testing.T) {
			x.audience = "zerofax"
			to, ticket, err := p.Begin(t.Context(), "/lines")
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(to)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			if q.Get("code_challenge_method") != "S256" || q.Get("redirect_uri") != "https://zerofax/sign-in/back" || !strings.HasPrefix(q.Get("scope"), "openid ") {
				t.Errorf("got %s", to)
			}
			x.challenge, x.claims = q.Get("code_challenge"), map[string]any{"nonce": q.Get("nonce"), "preferred_username": "Anne", "groups": test.groups}
			back := url.Values{"code": {"c"}, "state": {q.Get("state")}}
			if test.spoil != nil {
				test.spoil(&ticket, back)
			}
			s, hint, err := p.Finish(t.Context(), ticket, back)
			switch {
			case test.is != nil || test.says != "":
				if err == nil || !errors.Is(err, test.is) && test.is != nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v, want %v %s", err, test.is, test.says)
				}
			case err != nil:
				t.Error(err)
			case s.Name != "anne" || s.Provider != x.URL || hint == "" || s.Role != test.role || !slices.Equal(s.Establishments, test.places):
				t.Errorf("got %+v and hint %q, want anne as %s of %v", s, hint, test.role, test.places)
			}
		})
	}
	for hint, want := range map[string]string{"": "", "token": "id_token_hint=token&"} {
		if got := p.Goodbye("https://zerofax/sign-in", hint); !strings.HasPrefix(got, x.URL+"/end?client_id=zerofax&"+want+"post_logout_redirect_uri=https") {
			t.Errorf("goodbye with hint %q: got %s", hint, got)
		}
	}
}

func TestAProviderThatIsDownIsAskedAgain(t *testing.T) {
	x := newIssuer(t)
	p := x.provider(t)
	handler := x.Config.Handler
	x.Config.Handler = http.NotFoundHandler()
	if _, _, err := p.Begin(t.Context(), "/"); err == nil || !strings.Contains(err.Error(), "ask CHU what it can do") {
		t.Errorf("got %v, want the provider named", err)
	}
	x.Config.Handler = handler
	if _, _, err := p.Begin(t.Context(), "/"); err != nil {
		t.Errorf("got %v once it is there again", err)
	}
	x.Config.Handler = http.NotFoundHandler()
	if to, _, err := p.Begin(t.Context(), "/"); err == nil {
		t.Errorf("sends people to %s, which is down again", to)
	}
}

func TestPasswordsThatAnybodyWouldGuessAreRefused(t *testing.T) {
	for typed, want := range map[string]error{
		"un fax de moins": nil, "Tr0ub4dor&3 et demi": nil, "mot de passe de bruno le secrétaire": nil, "ééééàààààùù1": nil,
		"onze signes": ErrShort, strings.Repeat("ab cd é", 11): ErrLong,
		"motdepasse2026": ErrGuessed, "Password-12345": ErrGuessed, "anne.dupont!": ErrGuessed, "anne.dupont.anne": nil, "aaaaaaaaaaaaa": ErrGuessed, "abcabcabcabc": ErrGuessed,
		"azertyuiop123": ErrGuessed, "zerofax20262026": ErrGuessed, "            ": ErrGuessed,
	} {
		if _, err := hash("anne.dupont", typed, 4); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", typed, err, want)
		}
	}
}
