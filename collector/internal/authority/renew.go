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

// Renew gives an agent its next certificate (PEM) for a request (PEM, PKCS #10) that the broker vouches for:
// it came on that agent's own topic. Asked again for the same key, it gives the same. An agent that has
// no certificate that holds gets none: a Refusal.
func (a *Authority) Renew(ctx context.Context, agent, request string) (certificate string, err error) {
	asked, err := readRequest(request, agent)
	if err != nil {
		return "", refuse("%v", err)
	}
	key := asked.PublicKey.(*ecdsa.PublicKey)
	err = a.certify(ctx, ledger.Author{Who: agent, Source: Renewed}, func(c *ca, all *ledger.Authority) error {
		mine := all.Of(agent)
		live := a.live(mine)
		if len(live) == 0 {
			return refuse("%s has no certificate that holds: it was revoked, is over, or not in the books; it has to be enrolled anew", agent)
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
