package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Grant is what members of a group may.
type Grant struct {
	Role           ledger.Role
	Establishments []string // ids; none: all
}

// ProviderOptions say which identity provider vouches for people.
type ProviderOptions struct {
	Name         string // as people call it
	Issuer       string // URL
	ClientID     string
	ClientSecret secret.Text
	Authorities  *x509.CertPool // nil: the system's
	Groups       string         // the claim that lists groups
	Scopes       []string       // besides openid, profile and email
	Grants       map[string]Grant
	Back         string // URL to which browsers are sent back
}

// Provider is the hospital's identity provider, by OpenID Connect: authorization code with PKCE. It is asked what it can
// do each time somebody leaves for it: nobody is sent to one that is down, and while it is all else works.
type Provider struct {
	ProviderOptions
	client *http.Client

	mu   sync.Mutex
	met  *oidc.Provider // as it said last
	ends string         // its end_session_endpoint; empty: it has none
}

const patience = 10 * time.Second // with a provider

// NewProvider makes one. It asks nobody yet.
func NewProvider(o ProviderOptions) *Provider {
	transport := &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{RootCAs: o.Authorities, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, IdleConnTimeout: 30 * time.Second,
	}
	return &Provider{ProviderOptions: o, client: &http.Client{Transport: transport, Timeout: patience}}
}

// Close ends connections that wait for more.
func (p *Provider) Close() { p.client.CloseIdleConnections() }

// Ticket is what a browser holds between leaving for the provider and coming back.
type Ticket struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Next     string `json:"next"`     // path to which it wanted to go
	Language string `json:"language"` // that it had chosen; empty: none
}

// What may be wrong with who comes back.
var (
	ErrTicket  = errors.New("this sign-in was begun in another browser, or too long ago")
	ErrNoGroup = errors.New("none of the groups may come in here")
)

// Begin is where to send a browser, and what it must hold meanwhile.
func (p *Provider) Begin(ctx context.Context, next string) (to string, t Ticket, err error) {
	met, err := p.learn(ctx)
	if err != nil {
		return "", Ticket{}, err
	}
	t = Ticket{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next}
	return p.oauth(met).AuthCodeURL(t.State, oidc.Nonce(t.Nonce), oauth2.S256ChallengeOption(t.Verifier)), t, nil
}

// Finish is who comes back, as the provider says, with what the groups may, and the hint for Goodbye. ErrNoGroup where
// they may nothing.
func (p *Provider) Finish(ctx context.Context, t Ticket, answer url.Values) (s ledger.Session, hint string, err error) {
	if t.State == "" || subtle.ConstantTimeCompare([]byte(t.State), []byte(answer.Get("state"))) != 1 {
		return s, "", ErrTicket
	}
	if fault := answer.Get("error"); fault != "" {
		return s, "", fmt.Errorf("%s says: %s %s", p.Name, fault, answer.Get("error_description"))
	}
	met, err := p.meet(ctx)
	if err != nil {
		return s, "", err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.oauth(met).Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(t.Verifier))
	if err != nil {
		return s, "", fmt.Errorf("redeem the code at %s: %w", p.Name, plain(err))
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := met.Verifier(&oidc.Config{ClientID: p.ClientID}).Verify(ctx, raw)
	if err != nil {
		return s, "", fmt.Errorf("check what %s says: %w", p.Name, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(t.Nonce)) != 1 {
		return s, "", ErrTicket
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return s, "", fmt.Errorf("read what %s says: %w", p.Name, err)
	}
	if _, told := claims[p.Groups]; !told && met.UserInfoEndpoint() != "" { // many tell groups only there
		if err := p.ask(ctx, met, token, id.Subject, claims); err != nil {
			return s, "", err
		}
	}
	s, err = p.session(id.Subject, claims)
	return s, raw, err
}

// ask adds what the provider says of somebody apart from the ID token.
func (p *Provider) ask(ctx context.Context, met *oidc.Provider, token *oauth2.Token, subject string, claims map[string]any) error {
	info, err := met.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("ask %s who that is: %w", p.Name, err)
	}
	if info.Subject != subject {
		return fmt.Errorf("%s says that %q is %q", p.Name, subject, info.Subject)
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("read what %s says: %w", p.Name, err)
	}
	maps.Copy(more, claims)
	maps.Copy(claims, more)
	return nil
}

// session is what the claims of somebody come to.
func (p *Provider) session(subject string, claims map[string]any) (ledger.Session, error) {
	s := ledger.Session{Name: subject, Provider: p.Issuer}
	for _, claim := range []string{"email", "preferred_username"} {
		if name, ok := claims[claim].(string); ok && name != "" {
			s.Name = strings.ToLower(cut(name))
		}
	}
	grant, ok := p.grant(groups(claims[p.Groups]))
	if !ok {
		return s, fmt.Errorf("%s: %w", s.Name, ErrNoGroup)
	}
	s.Role, s.Establishments = grant.Role, grant.Establishments
	return s, nil
}

// groups are those of a claim, which may be a list or a text.
func groups(claim any) (names []string) {
	switch claim := claim.(type) {
	case string:
		return strings.FieldsFunc(claim, func(r rune) bool { return r == ',' })
	case []any:
		for _, x := range claim {
			if name, ok := x.(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// grant is what somebody in those groups may: the highest role, where any of the groups has it.
func (p *Provider) grant(groups []string) (all Grant, ok bool) {
	for _, group := range groups {
		g, known := p.Grants[strings.TrimSpace(group)]
		switch {
		case !known:
		case !ok || !all.Role.AtLeast(g.Role):
			all, ok = Grant{g.Role, slices.Clone(g.Establishments)}, true
		case g.Role != all.Role:
		case len(g.Establishments) == 0 || len(all.Establishments) == 0:
			all.Establishments = nil
		default:
			all.Establishments = slices.Compact(slices.Sorted(slices.Values(append(all.Establishments, g.Establishments...))))
		}
	}
	return all, ok
}

// Goodbye is where to send a browser that is signed out here, so that it is there, too; empty where the provider has
// no such place, or isn't known yet. Without the hint that Finish gave, some providers don't know whom to sign out.
func (p *Provider) Goodbye(back, hint string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, err := url.Parse(p.ends)
	if p.ends == "" || err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.ClientID)
	q.Set("post_logout_redirect_uri", back)
	if hint != "" {
		q.Set("id_token_hint", hint)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// meet is what the provider can do, as it said last.
func (p *Provider) meet(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	met := p.met
	p.mu.Unlock()
	if met != nil {
		return met, nil
	}
	return p.learn(ctx)
}

// learn asks the provider what it can do.
func (p *Provider) learn(ctx context.Context) (*oidc.Provider, error) {
	// What is learned here fetches keys later on, when this request is over.
	met, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask %s what it can do: %w", p.Name, err)
	}
	var more struct {
		Ends string `json:"end_session_endpoint"`
	}
	if err := met.Claims(&more); err != nil {
		return nil, fmt.Errorf("read what %s can do: %w", p.Name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.met, p.ends = met, more.Ends
	return met, nil
}

func (p *Provider) oauth(met *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: string(p.ClientSecret), Endpoint: met.Endpoint(), RedirectURL: p.Back,
		Scopes: append([]string{oidc.ScopeOpenID, "profile", "email"}, p.Scopes...),
	}
}

// plain leaves out the provider's whole answer, in which there might be a token.
func plain(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return fmt.Errorf("%s: %s %s", refused.Response.Status, refused.ErrorCode, refused.ErrorDescription)
	}
	return err
}
