package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// How long certificates hold.
const (
	caLife      = 15 * year
	AgentLife   = 2 * year // the agent asks for the next one when a third of it is left
	ownLife     = 30 * 24 * time.Hour
	outsideLife = 5 * year // an outside broker's, and the collector's for it, which nobody renews unasked
	year        = 365 * 24 * time.Hour

	// By how much a clock may be behind ours that checks an agent's certificate, or that of the broker. An agent
	// whose clock is wrong has to get through to say so.
	backdated       = time.Hour
	brokerBackdated = year
)

// ca is the key that signs, with its certificate.
type ca struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// newCA makes one.
func newCA(now time.Time) (*ca, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{CommonName: "zerofax authority"},
		NotBefore:    now.Add(-brokerBackdated), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, // it signs no other authority
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	return &ca{certificate, key}, err
}

// readCA takes the texts of certificate and key. Its errors say nothing of the key.
func readCA(certificate, key string) (*ca, error) {
	parsed, err := readCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("the authority's certificate: %w", err)
	}
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return nil, errors.New("the authority's key: not PEM")
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the authority's key: not PKCS #8")
	}
	signer, ok := private.(*ecdsa.PrivateKey)
	if !ok || !signer.PublicKey.Equal(parsed.PublicKey) {
		return nil, errors.New("the authority's key is not that of its certificate")
	}
	return &ca{parsed, signer}, nil
}

// pool believes this authority alone.
func (c *ca) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.certificate)
	return pool
}

// holds tells why the authority doesn't hold now, nil if it does.
func (c *ca) holds(now time.Time) error {
	if now.After(c.certificate.NotAfter) || now.Before(c.certificate.NotBefore) {
		return refuse("the authority, which signs all certificates, holds from %s to %s; this machine's clock says %s",
			date(c.certificate.NotBefore), date(c.certificate.NotAfter), date(now))
	}
	return nil
}

// client certifies that who has a key is called name.
func (c *ca) client(name string, key crypto.PublicKey, now time.Time, life time.Duration) (*x509.Certificate, error) {
	return c.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-backdated), NotAfter: now.Add(life),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, key, now)
}

// server certifies that who has a key is found under names, which may be addresses.
func (c *ca) server(name string, names []string, key crypto.PublicKey, now time.Time, life time.Duration) (*x509.Certificate, error) {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-brokerBackdated), NotAfter: now.Add(life),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return c.issue(template, key, now)
}

// issue signs. Nothing outlives the authority itself.
func (c *ca) issue(template *x509.Certificate, key crypto.PublicKey, now time.Time) (*x509.Certificate, error) {
	if err := c.holds(now); err != nil {
		return nil, err
	}
	template.SerialNumber = newSerial()
	template.KeyUsage, template.BasicConstraintsValid = x509.KeyUsageDigitalSignature, true
	if template.NotAfter.After(c.certificate.NotAfter) {
		template.NotAfter = c.certificate.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.certificate, key, c.key)
	if err != nil {
		return nil, fmt.Errorf("certify %s: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// revocations is the list of revoked certificates, PEM. It names no time before which a newer one would be
// due, but the authority's end: programs that have an overdue one let nobody in.
func (c *ca) revocations(revoked []x509.RevocationListEntry, now time.Time) ([]byte, error) {
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(now.UnixMilli()), ThisUpdate: now.Add(-backdated), NextUpdate: c.certificate.NotAfter,
		RevokedCertificateEntries: revoked,
	}, c.certificate, c.key)
	if err != nil {
		return nil, fmt.Errorf("sign the list of revoked certificates: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
}

// pair is what a TLS connection shows.
func pair(certificate *x509.Certificate, key *ecdsa.PrivateKey) *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key, Leaf: certificate}
}

// readRequest reads a certificate request (PEM, PKCS #10) of an agent whose key is good.
func readRequest(text, agent string) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("the request holds no PEM block CERTIFICATE REQUEST")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if request.Subject.CommonName != agent {
		return nil, fmt.Errorf("the request is for %.64q, this is %s", request.Subject.CommonName, agent)
	}
	switch key := request.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return nil, errors.New("the request's key is of another curve than P-256 and P-384")
		}
	default:
		return nil, fmt.Errorf("the request's key is a %T; want ECDSA", key)
	}
	// Last: with a key of a kind and size of the sender's choice it would take as long as the sender likes.
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("the request's signature: %w", err)
	}
	return request, nil
}

func readCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("no PEM block CERTIFICATE")
	}
	return x509.ParseCertificate(block.Bytes)
}

func encodeCertificate(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func encodeKey(key *ecdsa.PrivateKey) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("write key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return key, nil
}

// newSerial is a random number of 16 bytes, the first of them neither 0 nor negative: every way of
// writing it in hexadecimal gives the same text.
func newSerial() *big.Int {
	var bytes [16]byte
	_, _ = rand.Read(bytes[:]) // never fails
	bytes[0] = bytes[0]&0x7f | 0x40
	return new(big.Int).SetBytes(bytes[:])
}

// serialOf is a certificate's serial number, in hexadecimal.
func serialOf(c *x509.Certificate) string { return hex.EncodeToString(c.SerialNumber.Bytes()) }
