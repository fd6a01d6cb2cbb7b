package bundle

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ParseAuthority reads the certificate of an authority: PEM, one that may sign, with a key that
// wire.OpenConfig takes.
func ParseAuthority(text []byte) (*x509.Certificate, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("no certificate in it; want PEM")
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, errors.New("more than one certificate in it; want the authority's alone")
	}
	authority, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	if _, fits := authority.PublicKey.(*ecdsa.PublicKey); !fits || !authority.IsCA {
		return nil, errors.New("is not the certificate of zerofax's authority; want what enroll gave")
	}
	return authority, nil
}

// Pair reads a certificate with its key, both PEM, if authority made it for agent.
func Pair(certificate, key []byte, agent string, authority *x509.Certificate) (tls.Certificate, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return pair, Fits(pair.Leaf, agent, authority)
}

// Fits tells why a certificate is none that authority made for agent, nil if it is one. It does
// not look at the time: clocks of machines can be wrong.
func Fits(leaf *x509.Certificate, agent string, authority *x509.Certificate) error {
	switch {
	case leaf.CheckSignatureFrom(authority) != nil:
		return errors.New("is of another authority")
	case leaf.Subject.CommonName != agent:
		return fmt.Errorf("is for %q, this is %q", leaf.Subject.CommonName, agent)
	case !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return errors.New("is not for clients; no broker would take it")
	case !leaf.NotAfter.After(leaf.NotBefore):
		return errors.New("ends before it begins")
	}
	return nil
}

// Holds tells why a certificate doesn't hold now, as far as this machine knows, and what to do; nil if it does.
func Holds(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("ended on %s: enrol this agent again (zerofax-collector enroll %s), or set this machine's clock, which says %s",
			day(leaf.NotAfter), leaf.Subject.CommonName, day(now))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("begins on %s: set this machine's clock, which says %s", day(leaf.NotBefore), day(now))
	}
	return nil
}

func day(t time.Time) string { return t.Local().Format(time.DateOnly) }

func anyCertificate(text string) bool { return x509.NewCertPool().AppendCertsFromPEM([]byte(text)) }
