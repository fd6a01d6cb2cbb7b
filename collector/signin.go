package main

import (
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/people"
	"github.com/zerofax/zerofax/collector/internal/web"
)

// signInConfig is by what people sign in besides the ledger's own users.
type signInConfig struct {
	OIDC oidcConfig `yaml:"oidc"`
}

// oidcConfig names the hospital's identity provider and says what its groups may.
type oidcConfig struct {
	Issuer           string               `yaml:"issuer"`
	Name             string               `yaml:"name"` // as people call it
	ClientID         string               `yaml:"client_id"`
	ClientSecretFile string               `yaml:"client_secret_file"`
	CAFile           string               `yaml:"ca_file"`
	GroupsClaim      string               `yaml:"groups_claim"`
	Scopes           []string             `yaml:"scopes"` // besides openid, profile, email
	Roles            map[string]roleGrant `yaml:"roles"`  // by group

	ClientSecret secret.Text    `yaml:"-"`          // from ClientSecretFile
	Authorities  *x509.CertPool `yaml:"-" json:"-"` // from CAFile; nil = the system's
}

// roleGrant is what a group may.
type roleGrant struct {
	Role           ledger.Role `yaml:"role"`
	Establishments []string    `yaml:"establishments"` // ids; none: all
}

func (c *config) checkSignIn(f *configfile.File) {
	o := &c.SignIn.OIDC
	where := func(steps ...any) []any { return append(at("sign_in", "oidc"), steps...) }
	if o.Issuer == "" {
		if f.Has("sign_in", "oidc") {
			f.Fault(where(), "has no issuer; want its URL, as the identity provider calls itself")
		}
		return
	}
	u, err := url.Parse(o.Issuer)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		f.Fault(where("issuer"), "%q; want https://…, as the identity provider calls itself", o.Issuer)
	case u.Scheme == "http" && !configfile.Loopback(u.Hostname()):
		f.Fault(where("issuer"), "%s would say unencrypted who people are; want https://…", u.Hostname())
	}
	if c.HTTP.ExternalURL == "" {
		f.Fault(where(), "wants http: {external_url: https://NAME/}, to which the identity provider sends people back")
	} else if c.HTTP.external != nil && c.HTTP.external.Scheme == "http" && !configfile.Loopback(c.HTTP.external.Hostname()) {
		f.Fault(at("http", "external_url"), "the identity provider would send people back unencrypted; want https://…")
	}
	if o.ClientID == "" {
		f.Fault(where("client_id"), "empty; want the name by which the identity provider knows zerofax")
	}
	if o.Name == "" {
		o.Name = "OpenID Connect"
	}
	if o.GroupsClaim == "" {
		o.GroupsClaim = "groups"
	}
	if o.ClientSecretFile != "" {
		o.ClientSecret = f.Secret(where("client_secret_file"), o.ClientSecretFile)
	}
	o.Authorities = authorities(f, where("ca_file"), o.CAFile)
	if len(o.Roles) == 0 {
		f.Fault(where("roles"), "empty: nobody could come in; want {GROUP: {role: editor}}")
	}
	for _, group := range slices.Sorted(maps.Keys(o.Roles)) {
		switch g := o.Roles[group]; {
		case !slices.Contains(ledger.Roles(), g.Role):
			f.Fault(where("roles", group), "role %q; want reader, editor or admin", string(g.Role))
		case g.Role == ledger.AdminRole && len(g.Establishments) > 0:
			f.Fault(where("roles", group), "an admin sees all establishments; want none named, or another role")
		}
	}
}

// provider is the identity provider; nil where none is configured.
func (c *config) provider() *people.Provider {
	o := &c.SignIn.OIDC
	if o.Issuer == "" {
		return nil
	}
	grants := make(map[string]people.Grant, len(o.Roles))
	for group, g := range o.Roles {
		grants[group] = people.Grant{Role: g.Role, Establishments: g.Establishments}
	}
	return people.NewProvider(people.ProviderOptions{
		Name: o.Name, Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Authorities: o.Authorities,
		Groups: o.GroupsClaim, Scopes: o.Scopes, Grants: grants, Back: c.HTTP.external.JoinPath("/sign-in/back").String(),
	})
}

// access says who gets in without being asked by the pages.
func (c *config) access(listens net.Addr) web.Access {
	host, _, err := net.SplitHostPort(listens.String())
	return web.Access{Loopback: err == nil && configfile.Loopback(host), Proven: c.proven, External: c.HTTP.external, Config: c.file}
}

// signInPlan says who may look at the pages.
func (c *config) signInPlan() string {
	plan := "by users of the ledger (zerofax-collector user add)"
	host, _, _ := net.SplitHostPort(c.HTTP.Listen)
	switch {
	case c.SignIn.OIDC.Issuer != "":
		return fmt.Sprintf("%s, and by %s at %s", plan, c.SignIn.OIDC.Name, c.SignIn.OIDC.Issuer)
	case configfile.Loopback(host) && (c.HTTP.external == nil || configfile.Loopback(c.HTTP.external.Hostname())):
		return plan + "; not wanted as long as there is none"
	}
	return plan
}
