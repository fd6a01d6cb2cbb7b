package authority

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Revocations is the list (CRL, PEM) by which an outside broker knows whom not to let in any more.
func (a *Authority) Revocations(ctx context.Context) ([]byte, error) {
	c, all, err := a.ca(ctx)
	if err != nil {
		return nil, err
	}
	var list []x509.RevocationListEntry
	for _, x := range all.Certificates {
		number, ok := new(big.Int).SetString(x.Serial, 16)
		if ok && x.RevokedAt != 0 && wire.TimeOf(a.Now()) < x.NotAfter {
			list = append(list, x509.RevocationListEntry{SerialNumber: number, RevocationTime: x.RevokedAt.Std()})
		}
	}
	return c.revocations(list, a.Now())
}

// CertifyBroker makes key and certificate of an outside broker that is found under names, which may be addresses.
func (a *Authority) CertifyBroker(ctx context.Context, by ledger.Author, names []string) (id Identity, err error) {
	err = a.certify(ctx, by, func(c *ca, all *ledger.Authority) error {
		key, err := newKey()
		if err != nil {
			return err
		}
		now := a.Now()
		certificate, err := c.server(Broker, names, &key.PublicKey, now, outsideLife)
		if err != nil {
			return err
		}
		return id.fill(all, certificate, key, now, by.Who)
	})
	return id, err
}

// CertifyCollector makes key and certificate by which the collector is known to an outside broker.
func (a *Authority) CertifyCollector(ctx context.Context, by ledger.Author) (id Identity, err error) {
	err = a.certify(ctx, by, func(c *ca, all *ledger.Authority) error {
		return a.identify(c, all, &id, Collector, Enrolment{By: by, Life: outsideLife})
	})
	return id, err
}

// Holds tells whether an outside party may go on with a certificate (PEM texts): its key fits, this authority
// signed it, it isn't revoked, more than a third of its time is left, and it is good for names.
func (a *Authority) Holds(ctx context.Context, certificate, key string, names []string) (bool, error) {
	shown, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		return false, nil
	}
	c, _, err := a.ca(ctx)
	if err != nil {
		return false, err
	}
	leaf, now := shown.Leaf, a.Now()
	for _, name := range names {
		if leaf.VerifyHostname(name) != nil {
			return false, nil
		}
	}
	left := leaf.NotAfter.Sub(now)
	if leaf.CheckSignatureFrom(c.certificate) != nil || left < leaf.NotAfter.Sub(leaf.NotBefore)/3 || left < time.Minute {
		return false, nil
	}
	known, ok, err := a.Books.Certificate(ctx, serialOf(leaf))
	return ok && known.RevokedAt == 0, err
}
