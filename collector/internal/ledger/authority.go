package ledger

import (
	"context"
	"slices"

	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/wire"
)

// The tables of the authority.
var (
	authorityTable    = table{"authority", "id, certificate, secret_key, made_at", 1, false}
	certificatesTable = table{"certificates", "serial, agent, not_before, not_after, issued_at, issued_by, revoked_at, revoked_by, reason, certificate", 1, false}
)

// Authority is the hospital's own certification authority with all that it gave out. What is
// a good certificate is not the books' affair.
type Authority struct {
	Certificate  string      // PEM; empty = not made yet
	Key          secret.Text // PEM
	MadeAt       wire.Time
	Certificates []Certificate // in the order in which they were given out
}

// Certificate says who may speak as whom.
type Certificate struct {
	Serial    string    `json:"serial"` // hexadecimal, lower case
	Agent     string    `json:"agent"`  // its common name
	NotBefore wire.Time `json:"not_before"`
	NotAfter  wire.Time `json:"not_after"`
	IssuedAt  wire.Time `json:"issued_at"`
	IssuedBy  string    `json:"issued_by"`
	RevokedAt wire.Time `json:"revoked_at,omitempty"` // 0 = it isn't
	RevokedBy string    `json:"revoked_by,omitempty"`
	Reason    string    `json:"reason,omitempty"` // of revoking it
	PEM       string    `json:"-"`
}

// Live tells whether a certificate holds at a time.
func (c Certificate) Live(at wire.Time) bool { return c.RevokedAt == 0 && at < c.NotAfter }

// Of are the certificates of an agent, in the order in which they were given out.
func (a Authority) Of(agent string) []Certificate {
	return slices.DeleteFunc(slices.Clone(a.Certificates), func(c Certificate) bool { return c.Agent != agent })
}

// carry takes over what a later state of the same authority knows more, and says of how many certificates.
// Else an agent that was revoked since would get in again. If the later one is another authority it takes
// nothing, and names the strangers: agents that this one doesn't know.
func (a *Authority) carry(later Authority) (carried int, strangers []string) {
	if a.Certificate == "" {
		a.Certificate, a.Key, a.MadeAt = later.Certificate, later.Key, later.MadeAt
	}
	if a.Certificate != later.Certificate {
		for _, c := range later.Certificates {
			if c.RevokedAt == 0 {
				strangers = append(strangers, c.Agent)
			}
		}
		slices.Sort(strangers)
		return 0, slices.Compact(strangers)
	}
	known := make(map[string]int)
	for i, c := range a.Certificates {
		known[c.Serial] = i
	}
	for _, c := range later.Certificates {
		i, ok := known[c.Serial]
		switch {
		case !ok:
			a.Certificates = append(a.Certificates, c)
		case c.RevokedAt != 0 && a.Certificates[i].RevokedAt == 0:
			a.Certificates[i] = c
		default:
			continue
		}
		carried++
	}
	return carried, nil
}

// Authority is the authority at present.
func (l *Ledger) Authority(ctx context.Context) (a Authority, err error) {
	err = l.read(ctx, "authority", func(q querier, _ wire.Time) error {
		a, err = readAuthority(ctx, q)
		return err
	})
	return a, err
}

// Certify lets change alter the authority, in one transaction with the audit log. change is handed a copy,
// adds certificates at the end and removes none; it must not touch the ledger. On its error nothing
// happens, and that error is returned, wrapped.
func (l *Ledger) Certify(ctx context.Context, by Author, change func(Authority) (Authority, error)) error {
	return l.transact(ctx, func(b *books) error {
		before, err := readAuthority(ctx, l.store.conn)
		if err != nil {
			return err
		}
		after := before
		after.Certificates = slices.Clone(before.Certificates)
		if after, err = change(after); err != nil {
			return err
		}
		b.logAuthority(by, before, after)
		return l.store.writeAuthority(ctx, before, after)
	})
}

// logAuthority notes what became of certificates; never a key.
func (b *books) logAuthority(by Author, before, after Authority) {
	if after.Certificate != before.Certificate {
		b.log(by, "authority", "made_at", "", after.MadeAt.String())
	}
	for i, now := range after.Certificates {
		var old Certificate
		if i < len(before.Certificates) {
			old = before.Certificates[i]
		}
		subject := "certificates " + now.Agent
		if old.Serial == "" {
			b.log(by, subject, "serial", "", now.Serial)
			b.log(by, subject, "not_after", "", now.NotAfter.String())
		}
		if old.RevokedAt != now.RevokedAt {
			b.log(by, subject, "revoked", "", orReason(now.Serial, now.Reason))
		}
	}
}

func orReason(serial, reason string) string {
	if reason == "" {
		return serial
	}
	return serial + ": " + reason
}

func (s *store) writeAuthority(ctx context.Context, before, after Authority) error {
	if after.Certificate != before.Certificate {
		err := s.write(ctx, authorityTable, 1, func(_ int, to []any) []any {
			return append(to, 1, after.Certificate, string(after.Key), int64(after.MadeAt))
		})
		if err != nil {
			return err
		}
	}
	var changed []Certificate
	for i, c := range after.Certificates {
		if i >= len(before.Certificates) || c != before.Certificates[i] {
			changed = append(changed, c)
		}
	}
	return s.write(ctx, certificatesTable, len(changed), func(i int, to []any) []any {
		c := &changed[i]
		return append(to, c.Serial, c.Agent, int64(c.NotBefore), int64(c.NotAfter), int64(c.IssuedAt), c.IssuedBy,
			int64(c.RevokedAt), c.RevokedBy, c.Reason, c.PEM)
	})
}

func readAuthority(ctx context.Context, q querier) (a Authority, err error) {
	err = each(ctx, q, "SELECT certificate, secret_key, made_at FROM authority WHERE id = 1", func(read func(...any) error) error {
		return read(&a.Certificate, &a.Key, &a.MadeAt)
	})
	if err != nil {
		return a, err
	}
	a.Certificates, err = readCertificates(ctx, q, "TRUE")
	return a, err
}

func readCertificates(ctx context.Context, q querier, where string, args ...any) (all []Certificate, err error) {
	query := "SELECT " + certificatesTable.columns + " FROM certificates WHERE " + where + " ORDER BY issued_at, serial"
	err = each(ctx, q, query, func(read func(...any) error) error {
		var c Certificate
		err := read(&c.Serial, &c.Agent, &c.NotBefore, &c.NotAfter, &c.IssuedAt, &c.IssuedBy, &c.RevokedAt, &c.RevokedBy, &c.Reason, &c.PEM)
		all = append(all, c)
		return err
	}, args...)
	return all, err
}

// Certificate is the one with a serial number; ok is false where the books don't know it.
func (l *Ledger) Certificate(ctx context.Context, serial string) (c Certificate, ok bool, err error) {
	err = l.read(ctx, "certificate", func(q querier, _ wire.Time) error {
		found, err := readCertificates(ctx, q, "serial = ?", serial)
		if len(found) > 0 {
			c, ok = found[0], true
		}
		return err
	})
	return c, ok, err
}

// Revoked are the serial numbers of the certificates that were revoked before their time and are
// not over yet.
func (l *Ledger) Revoked(ctx context.Context) (serials map[string]bool, err error) {
	serials = make(map[string]bool)
	err = l.read(ctx, "revoked certificates", func(q querier, now wire.Time) error {
		return each(ctx, q, "SELECT serial FROM certificates WHERE revoked_at > 0 AND not_after > ?", func(read func(...any) error) error {
			var serial string
			err := read(&serial)
			serials[serial] = true
			return err
		}, int64(now))
	})
	return serials, err
}
