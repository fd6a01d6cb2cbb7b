// Package bundletest is an authority for tests, in the collector's place. What can't fail there panics.
package bundletest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"time"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/secret"
)

// Authority signs certificates.
type Authority struct {
	Certificate *x509.Certificate
	Key         *ecdsa.PrivateKey
	PEM         string // of Certificate
}

// New makes an authority that holds for long on both sides of today.
func New() *Authority {
	a := &Authority{Key: newKey()}
	template := template("zerofax", time.Now().AddDate(-20, 0, 0), time.Now().AddDate(20, 0, 0))
	template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	a.Certificate = template
	a.PEM = a.sign(template, &a.Key.PublicKey)
	block, _ := pem.Decode([]byte(a.PEM))
	a.Certificate = must(x509.ParseCertificate(block.Bytes))
	return a
}

// Issue makes a certificate of an agent, and its key.
func (a *Authority) Issue(agent string, from, until time.Time) (certificate, key string) {
	k := newKey()
	return a.sign(client(agent, from, until), &k.PublicKey), keyPEM(k)
}

// Serve makes a certificate of a broker on 127.0.0.1, and its key.
func (a *Authority) Serve() (certificate, key string) {
	k := newKey()
	t := template("broker", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	t.ExtKeyUsage, t.IPAddresses = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, []net.IP{net.IPv4(127, 0, 0, 1)}
	return a.sign(t, &k.PublicKey), keyPEM(k)
}

// Answer makes a certificate of what an agent asks for.
func (a *Authority) Answer(csr string, from, until time.Time) (certificate string, err error) {
	block, _ := pem.Decode([]byte(csr))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return "", errors.New("no certificate request")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return "", err
	}
	if err := request.CheckSignature(); err != nil {
		return "", err
	}
	return a.sign(client(request.Subject.CommonName, from, until), request.PublicKey), nil
}

// Bundle is of an agent that was enrolled a day ago for two years.
func (a *Authority) Bundle(agent, url string) bundle.Bundle {
	from := time.Now().AddDate(0, 0, -1).Truncate(time.Second)
	certificate, key := a.Issue(agent, from, from.AddDate(2, 0, 0))
	return bundle.Bundle{Agent: agent, URL: url, Authority: a.PEM, Certificate: certificate, Key: secret.Text(key)}
}

func client(agent string, from, until time.Time) *x509.Certificate {
	t := template(agent, from, until)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return t
}

func template(name string, from, until time.Time) *x509.Certificate {
	serial := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)))
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

func (a *Authority) sign(template *x509.Certificate, of crypto.PublicKey) string {
	der := must(x509.CreateCertificate(rand.Reader, template, a.Certificate, of, a.Key))
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func newKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func keyPEM(key *ecdsa.PrivateKey) string {
	der := must(x509.MarshalPKCS8PrivateKey(key))
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
