package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"time"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/internal/wholefile"
	"github.com/zerofax/zerofax/agent/wire"
)

// firstRetry is how long to wait for an answer before asking again, twice that each time up to
// lastRetry; by chance up to half as long again. An answer is lost when the link is.
const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// Request is the message by which to ask now for the next certificate, nil while it isn't time to.
func (i *Identity) Request() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.opts.Now()
	if !i.due(now) || now.Before(i.next) {
		return nil
	}
	wait := min(firstRetry<<min(i.asked, 10), lastRetry)
	i.next, i.asked = now.Add(wait+mathrand.N(wait/2)), i.asked+1
	request, err := i.request()
	if err != nil {
		i.fail(fmt.Errorf("ask for the next certificate: %w", err))
		return nil
	}
	i.opts.Log.Info("asking for the next certificate", "ends", i.shown.Leaf.NotAfter)
	return request
}

// leastLived is for how long a certificate is kept that the collector gave. A clock that is far ahead would
// have it due at once, and the next one too.
const leastLived = 7 * 24 * time.Hour

// due tells whether a third of the certificate's life is left.
func (i *Identity) due(now time.Time) bool {
	if !i.shown.ours {
		return false
	}
	leaf := i.shown.Leaf
	third := leaf.NotAfter.Sub(leaf.NotBefore) / 3
	lived := now.Sub(i.shown.since)
	return now.After(leaf.NotAfter.Add(-third)) && (lived < 0 || lived > min(third, leastLived))
}

// request makes the message, and a key: once until there is an answer, so that an answer that comes late fits too.
func (i *Identity) request() ([]byte, error) {
	if i.key == nil {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		i.key = key
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: i.opts.Agent}}, i.key)
	if err != nil {
		return nil, err
	}
	present, ok := i.shown.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key of the present one is a %T; want ECDSA", i.shown.PrivateKey)
	}
	csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	return wire.SignRequest(string(csr), i.shown.serial(), present)
}

// Take is told what the collector answered. It is true when another certificate is to be shown
// from now on: the next connection will.
func (i *Identity) Take(payload []byte) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.key == nil {
		return false // answered already
	}
	answer, err := wire.DecodeCertificateAnswer(payload)
	switch {
	case err != nil:
	case answer.Error == "" && i.another(answer.Certificate):
		return false // to an earlier process
	case answer.Error != "":
		err = fmt.Errorf("the collector gives no new certificate: %s", answer.Error)
	default:
		err = i.keep(answer.Certificate)
	}
	if err != nil {
		i.fail(err)
		return false
	}
	i.key, i.why, i.asked, i.next = nil, "", 0, time.Time{}
	if err := i.load(); err != nil {
		i.fail(err)
		return false
	}
	i.opts.Log.Info("certificate renewed", "ends", i.shown.Leaf.NotAfter)
	return true
}

// another tells whether a certificate is of another key than the one that was asked with.
func (i *Identity) another(certificate string) bool {
	block, _ := pem.Decode([]byte(certificate))
	if block == nil {
		return false
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	return err == nil && !i.key.PublicKey.Equal(leaf.PublicKey)
}

// keep checks an answer, and writes it down with its key.
func (i *Identity) keep(certificate string) error {
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		return fmt.Errorf("new certificate: %w", err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	pair, err := bundle.Pair([]byte(certificate), key, i.opts.Agent, i.opts.Authority)
	switch {
	case err != nil:
		return fmt.Errorf("new certificate: %w", err)
	case pair.Leaf.NotBefore.Before(i.shown.Leaf.NotBefore):
		return errors.New("new certificate: is older than the one there is")
	}
	text := append([]byte(certificate), '\n')
	if err := wholefile.Write(i.path(), append(text, key...)); err != nil {
		return fmt.Errorf("keep new certificate: %w", err)
	}
	now := i.opts.Now()
	return os.Chtimes(i.path(), now, now) // due asks when it came, by the clock that due goes by
}

// fail notes why there is no new certificate, and says so when that is news.
func (i *Identity) fail(err error) {
	if i.why != err.Error() {
		i.opts.Log.Error("the certificate could not be renewed, the old one goes on", "ends", i.shown.Leaf.NotAfter, "error", err)
	}
	i.why = err.Error()
}
