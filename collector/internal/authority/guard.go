package authority

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Guard stands at the door of the collector's own broker. What it shows itself, and the collector's way in,
// are made in memory and renewed there.
type Guard struct {
	authority *Authority
	ca        *ca
	names     []string

	mu             sync.Mutex
	server, client *tls.Certificate
	ours           map[string]bool // serial numbers of our own clients
}

// Guard makes one for a broker that is found under names, which may be addresses; it is also under
// localhost.
func (a *Authority) Guard(ctx context.Context, names []string) (*Guard, error) {
	c, _, err := a.ca(ctx)
	if err == nil {
		err = c.holds(a.Now())
	}
	if err != nil {
		return nil, fmt.Errorf("let agents in by certificates: %w", err)
	}
	return &Guard{authority: a, ca: c, names: append([]string{"localhost", "127.0.0.1", "::1"}, names...), ours: make(map[string]bool)}, nil
}

// ServerTLS is the broker's side: only who shows a client certificate of this authority gets through.
func (g *Guard) ServerTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Time: g.authority.Now,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: g.ca.pool(),
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return g.current(&g.server, g.makeServer) },
	}
}

// ClientTLS is the side of the collector itself, on this machine.
func (g *Guard) ClientTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Time: g.authority.Now, RootCAs: g.ca.pool(), ServerName: "localhost",
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return g.current(&g.client, g.makeClient) },
	}
}

// current is a certificate of which more than a third of its time is left.
func (g *Guard) current(held **tls.Certificate, make func(time.Time) (*tls.Certificate, error)) (*tls.Certificate, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.authority.Now()
	if c := *held; c != nil && c.Leaf.NotAfter.Sub(now) > ownLife/3 && now.After(c.Leaf.NotBefore) {
		return c, nil
	}
	c, err := make(now)
	if err == nil {
		*held = c
	}
	return c, err
}

func (g *Guard) makeServer(now time.Time) (*tls.Certificate, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	c, err := g.ca.server(Broker, g.names, &key.PublicKey, now, ownLife)
	if err != nil {
		return nil, err
	}
	return pair(c, key), nil
}

func (g *Guard) makeClient(now time.Time) (*tls.Certificate, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	c, err := g.ca.client(Collector, &key.PublicKey, now, ownLife)
	if err != nil {
		return nil, err
	}
	g.ours[serialOf(c)] = true
	return pair(c, key), nil
}

// Admit says who shows a certificate, whose chain and time are checked already. Else the error is a Refusal, or
// trouble with the books.
//
// A certificate that the books don't know, but this authority signed, was given out after the backup was
// made that is the ledger now. It is let in and entered: else a restored ledger would shut out every agent that was
// enrolled or renewed since, and their readings with them; and what was revoked since is unknown either way.
// If the agent was revoked after the certificate was made, it is refused.
func (g *Guard) Admit(ctx context.Context, c *x509.Certificate) (name, serial string, err error) {
	name, serial = c.Subject.CommonName, serialOf(c)
	if name == Collector {
		g.mu.Lock()
		defer g.mu.Unlock()
		if !g.ours[serial] {
			return name, serial, refuse("not this collector's own certificate; here no other may speak as %s", Collector)
		}
		return name, serial, nil
	}
	known, ok, err := g.authority.Books.Certificate(ctx, serial)
	switch {
	case err != nil:
	case ok && known.RevokedAt != 0:
		err = refuse("its certificate was revoked on %s", day(known.RevokedAt))
	case !ok && !wire.ValidAgent(name):
		err = refuse("%.64q can't be an agent's name", name)
	case !ok:
		err = g.meet(ctx, c)
	}
	return name, serial, err
}

// meet enters a certificate that the books don't know.
func (g *Guard) meet(ctx context.Context, c *x509.Certificate) error {
	agent, made := c.Subject.CommonName, c.NotBefore.Add(backdated)
	by := ledger.Author{Who: Collector, Source: "not in the books, but signed by this authority"}
	err := g.authority.certify(ctx, by, func(_ *ca, all *ledger.Authority) error {
		for _, other := range all.Of(agent) {
			switch {
			case other.Serial == serialOf(c): // it came twice at once
				return nil
			case other.RevokedAt >= wire.TimeOf(made):
				return refuse("its certificate is not in the books, and the agent was revoked on %s, after it was made", day(other.RevokedAt))
			}
		}
		enter(all, c, made, "unknown: given out after the backup that is the ledger now")
		return nil
	})
	if err == nil {
		g.authority.Log.Warn("a certificate that isn't in the books is let in: was the ledger restored from a backup?", "agent", agent, "serial", serialOf(c))
	}
	return err
}

// Topics are what an agent may publish, and what it may subscribe to.
func Topics(agent string) (publish, subscribe []string) {
	for _, kind := range wire.FromAgent() {
		publish = append(publish, wire.Topic(agent, kind))
	}
	for _, kind := range wire.ToAgent() {
		subscribe = append(subscribe, wire.Topic(agent, kind))
	}
	return publish, append(subscribe, wire.CollectorStateTopic)
}
