// Package authority says who may speak as an agent: it certifies agents, renews their certificates, revokes
// them, and knows whom to let in. Its key and all that it ever signed are in the ledger; it keeps nothing of
// its own, so commands beside a running collector and the collector itself agree.
package authority

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Common names that aren't agents'.
const (
	Collector = bundle.Collector
	Broker    = "zerofax-broker"
)

// reserved are the names that no agent may have. The last one is how the collector looks whether its broker works.
var reserved = []string{Collector, Broker, "zerofax-broker-probe"}

// Books is where it keeps what it knows.
type Books interface {
	Authority(ctx context.Context) (ledger.Authority, error)
	Certificate(ctx context.Context, serial string) (c ledger.Certificate, ok bool, err error)
	Certify(ctx context.Context, by ledger.Author, change func(ledger.Authority) (ledger.Authority, error)) error
}

// Options of an Authority.
type Options struct {
	Books Books
	Log   *slog.Logger
	Now   func() time.Time
}

// Authority certifies. Its methods may be called concurrently.
type Authority struct{ Options }

// New is the authority of some books. Nothing is made before it is needed.
func New(o Options) *Authority {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Authority{o}
}

// Refusal is why something isn't certified, for the person or the agent that asked. All else that
// goes wrong is trouble with the books.
type Refusal struct{ text string }

// Error implements error.
func (r *Refusal) Error() string { return r.text }

func refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// Refused gives the refusal that err is or wraps, else err itself.
func Refused(err error) error {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return err
}

// Identity proves who somebody is: PEM texts.
type Identity struct {
	Authority   string // the certificate of who signed
	Certificate string
	Key         string
	Serial      string
	NotAfter    time.Time
	Last        bool                 // the authority itself ends then
	Others      []ledger.Certificate // of the same agent, that hold too
}

// Enrolment is what may be said when an agent is enrolled.
type Enrolment struct {
	By      ledger.Author
	Life    time.Duration // default AgentLife
	Again   bool          // also where it has a certificate that holds; that one holds on
	Replace bool          // and what it had is revoked
}

// Enrol makes a key and a certificate for an agent.
func (a *Authority) Enrol(ctx context.Context, agent string, e Enrolment) (Identity, error) {
	if !wire.ValidAgent(agent) || slices.Contains(reserved, agent) {
		return Identity{}, refuse("%.64q can't be an agent's name; want [a-z0-9-]{1,63}, and none of %s", agent, strings.Join(reserved, ", "))
	}
	var id Identity
	err := a.certify(ctx, e.By, func(c *ca, all *ledger.Authority) error {
		id.Others = a.live(all.Of(agent))
		switch n := len(id.Others); {
		case n > 0 && e.Replace:
			a.revoke(all, agent, e.By.Who, "replaced")
			id.Others = nil
		case n > 0 && !e.Again:
			newest := id.Others[n-1]
			return refuse("%s has a certificate since %s (by %s), valid until %s. To enrol it once more: --again lets that one go on "+
				"until then, --replace revokes it at once, which is right for a machine that was set up anew, lost or stolen",
				agent, day(newest.IssuedAt), newest.IssuedBy, day(newest.NotAfter))
		}
		return a.identify(c, all, &id, agent, e)
	})
	return id, err
}

// identify makes a key and a client certificate.
func (a *Authority) identify(c *ca, all *ledger.Authority, id *Identity, name string, e Enrolment) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	now := a.Now()
	certificate, err := c.client(name, &key.PublicKey, now, cmp.Or(e.Life, AgentLife))
	if err != nil {
		return err
	}
	return id.fill(all, certificate, key, now, e.By.Who)
}

// fill puts a certificate into the books and, with its key, into the identity.
func (id *Identity) fill(all *ledger.Authority, c *x509.Certificate, key *ecdsa.PrivateKey, now time.Time, by string) (err error) {
	row := enter(all, c, now, by)
	id.Authority, id.Certificate, id.Serial, id.NotAfter = all.Certificate, row.PEM, row.Serial, c.NotAfter
	if authority, err := readCertificate(all.Certificate); err == nil {
		id.Last = c.NotAfter.Equal(authority.NotAfter)
	}
	id.Key, err = encodeKey(key)
	return err
}

// Revoke takes all from an agent that lets it in, and returns it: nil if it has nothing any more.
func (a *Authority) Revoke(ctx context.Context, agent string, by ledger.Author, reason string) (revoked []ledger.Certificate, err error) {
	err = a.certify(ctx, by, func(_ *ca, all *ledger.Authority) error {
		if len(all.Of(agent)) == 0 {
			return refuse("%s was never enrolled; enroll --list shows who was", agent)
		}
		revoked = a.revoke(all, agent, by.Who, reason)
		return nil
	})
	return revoked, err
}

func (a *Authority) revoke(all *ledger.Authority, agent, by, reason string) (revoked []ledger.Certificate) {
	now := wire.TimeOf(a.Now())
	for i := range all.Certificates {
		if c := &all.Certificates[i]; c.Agent == agent && c.RevokedAt == 0 {
			c.RevokedAt, c.RevokedBy, c.Reason = now, by, reason
			revoked = append(revoked, *c)
		}
	}
	return revoked
}

// Certificate is the authority's own, PEM.
func (a *Authority) Certificate(ctx context.Context) (string, error) {
	_, all, err := a.ca(ctx)
	return all.Certificate, err
}

// Signer signs what agents believe the collector: central configurations.
func (a *Authority) Signer(ctx context.Context) (crypto.Signer, error) {
	c, _, err := a.ca(ctx)
	if err != nil {
		return nil, err
	}
	return c.key, nil
}

// ca is the authority as the books have it, made if they have none.
func (a *Authority) ca(ctx context.Context) (*ca, ledger.Authority, error) {
	all, err := a.Books.Authority(ctx)
	if err == nil && all.Certificate == "" {
		err = a.certify(ctx, ledger.Author{Who: Collector, Source: "authority"}, func(_ *ca, made *ledger.Authority) error {
			all = *made
			return nil
		})
	}
	if err != nil {
		return nil, all, err
	}
	c, err := readCA(all.Certificate, string(all.Key))
	return c, all, err
}

// certify changes the books with the authority in hand, which it makes at first need.
func (a *Authority) certify(ctx context.Context, by ledger.Author, change func(*ca, *ledger.Authority) error) error {
	return a.Books.Certify(ctx, by, func(all ledger.Authority) (ledger.Authority, error) {
		if all.Certificate == "" {
			if err := a.make(&all); err != nil {
				return all, err
			}
		}
		c, err := readCA(all.Certificate, string(all.Key))
		if err != nil {
			return all, err
		}
		return all, change(c, &all)
	})
}

func (a *Authority) make(all *ledger.Authority) error {
	now := a.Now()
	c, err := newCA(now)
	if err != nil {
		return err
	}
	key, err := encodeKey(c.key)
	all.Certificate, all.Key, all.MadeAt = encodeCertificate(c.certificate), secret.Text(key), wire.TimeOf(now)
	return err
}

// enter puts a certificate into the books.
func enter(all *ledger.Authority, c *x509.Certificate, at time.Time, by string) ledger.Certificate {
	row := ledger.Certificate{
		Serial: serialOf(c), Agent: c.Subject.CommonName, NotBefore: wire.TimeOf(c.NotBefore), NotAfter: wire.TimeOf(c.NotAfter),
		IssuedAt: wire.TimeOf(at), IssuedBy: by, PEM: encodeCertificate(c),
	}
	all.Certificates = append(all.Certificates, row)
	return row
}

func day(t wire.Time) string { return date(t.Std()) }

func date(t time.Time) string { return t.Local().Format(time.DateOnly) }

func (a *Authority) live(all []ledger.Certificate) (live []ledger.Certificate) {
	now := wire.TimeOf(a.Now())
	for _, c := range all {
		if c.Live(now) {
			live = append(live, c)
		}
	}
	return live
}
