package authority

import (
	"context"
	"crypto/ecdsa"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Renewed is in the books as who issued a certificate that an agent asked for.
const Renewed = "renewal"

// An agent that asks more often than this in a day is out of its mind, or somebody else.
const (
	renewals   = 5
	renewalDay = 24 * time.Hour
)

// Renew gives an agent its next certificate (PEM). Asked again for the same key, it gives the same. Who
// doesn't prove that it has the key of a certificate of that agent that holds gets none: a Refusal. That
// the request came on the agent's topic is not enough: a link may outlive the certificate by which it
// was let in, at an outside broker for long.
func (a *Authority) Renew(ctx context.Context, agent string, request wire.CertificateRequest) (certificate string, err error) {
	asked, err := readRequest(request.CSR, agent)
	if err != nil {
		return "", refuse("%v", err)
	}
	key := asked.PublicKey.(*ecdsa.PublicKey)
	err = a.certify(ctx, ledger.Author{Who: agent, Source: Renewed}, func(c *ca, all *ledger.Authority) error {
		mine := all.Of(agent)
		live := a.live(mine)
		if !proven(live, request) {
			return refuse("who asks doesn't prove that it has a certificate of %s that holds: it was revoked, is over, or not in the books; it has to be enrolled anew", agent)
		}
		if certificate = a.fresh(live, key); certificate != "" {
			return nil
		}
		now := a.Now()
		if recently(mine, wire.TimeOf(now.Add(-renewalDay))) >= renewals {
			return refuse("%s had %d certificates within a day; no more before tomorrow", agent, renewals)
		}
		signed, err := c.client(agent, key, now, AgentLife)
		if err != nil {
			return err
		}
		certificate = enter(all, signed, now, Renewed).PEM
		return nil
	})
	return certificate, err
}

// proven tells whether who asks has the key of one of the certificates.
func proven(live []ledger.Certificate, request wire.CertificateRequest) bool {
	for _, c := range live {
		if c.Serial != request.Serial {
			continue
		}
		present, err := readCertificate(c.PEM)
		if err != nil {
			return false
		}
		key, ok := present.PublicKey.(*ecdsa.PublicKey)
		return ok && request.SignedBy(key)
	}
	return false
}

// fresh is the newest certificate for a key of which more than a third of its time is left; "" if there is none.
func (a *Authority) fresh(live []ledger.Certificate, key *ecdsa.PublicKey) (found string) {
	now := wire.TimeOf(a.Now())
	for _, c := range live {
		known, err := readCertificate(c.PEM)
		if err == nil && key.Equal(known.PublicKey) && c.NotAfter.Sub(now) > c.NotAfter.Sub(c.NotBefore)/3 {
			found = c.PEM
		}
	}
	return found
}

func recently(all []ledger.Certificate, since wire.Time) (n int) {
	for _, c := range all {
		if c.IssuedBy == Renewed && c.IssuedAt > since {
			n++
		}
	}
	return n
}
