// Package identity is how agent and broker know each other: by certificates. The agent shows the
// newer of two: the one that it was enrolled with, and the one that the collector gave it since,
// which lies in the spool's folder, since a service may not write elsewhere. It asks for the next
// one in time. No key leaves the machine.
//
// What the machine's clock says decides little: it may be wrong. A certificate that seems to be
// over is shown all the same, and one that was given a short while ago isn't asked for again.
package identity

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/wire"
)

// PEM is a text, or the file that it stands in, which is read each time it is needed.
type PEM struct {
	File string
	Text string
}

func (p PEM) given() bool { return p != PEM{} }

func (p PEM) read() ([]byte, error) {
	if p.File == "" {
		return []byte(p.Text), nil
	}
	return os.ReadFile(p.File)
}

// Options of an identity.
type Options struct {
	Agent       string
	BrokerCA    PEM               // authorities of the broker's certificate; none = the system's
	Certificate PEM               // that the agent was enrolled with; none = it shows none
	Key         PEM               // of Certificate
	Authority   *x509.Certificate // whom to ask for the next, if it made Certificate; nil = nobody
	Dir         string            // where the next one is kept
	Log         *slog.Logger
	Now         func() time.Time
}

// Identity is safe to be used by many.
type Identity struct {
	opts Options

	mu    sync.Mutex
	shown shown
	key   *ecdsa.PrivateKey // of what was asked for last; nil = nothing, in this process
	asked int               // how often since the last answer that was good
	next  time.Time         // not to be asked for before
	why   string            // there is no renewed one; told once
	told  map[string]string // the last warning of each kind
}

// shown is the certificate in use.
type shown struct {
	tls.Certificate           // without a Leaf there is none
	ours            bool      // the authority made it
	since           time.Time // given by the collector then; zero = by people
}

func (s *shown) serial() string { return hex.EncodeToString(s.Leaf.SerialNumber.Bytes()) }

// New is of what the options name, which need not be good: TLS says what is wrong.
func New(o Options) *Identity {
	i := &Identity{opts: o, told: map[string]string{}}
	i.mu.Lock()
	defer i.mu.Unlock()
	_ = i.load() // said again by TLS
	return i
}

// TLS is for one connection: whom to believe, and what to show.
func (i *Identity) TLS() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if i.opts.BrokerCA.given() {
		text, err := i.opts.BrokerCA.read()
		if err != nil {
			return nil, fmt.Errorf("broker's authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("broker's authorities: %s: no PEM certificate in it", i.opts.BrokerCA.File)
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.load(); err != nil {
		return nil, err
	}
	if i.shown.Leaf != nil {
		config.Certificates = []tls.Certificate{i.shown.Certificate}
	}
	return config, nil
}

// load finds the certificate to show.
func (i *Identity) load() error {
	if !i.opts.Certificate.given() {
		return nil
	}
	enrolled, err := i.enrolled()
	var kept shown
	if i.opts.Authority != nil && (enrolled.ours || err != nil) {
		kept = i.kept()
	}
	switch {
	case kept.Leaf == nil && err != nil:
		return err
	case err != nil:
		i.warn("certificate", "the certificate of the configuration can't be used, a renewed one goes on", "error", err)
		i.shown = kept
	case kept.Leaf != nil && i.better(kept, enrolled):
		i.shown = kept
	default:
		i.shown = enrolled
	}
	if trouble := i.trouble(); trouble != "" {
		i.warn("dates", trouble)
	}
	return nil
}

// enrolled is the certificate that people gave.
func (i *Identity) enrolled() (shown, error) {
	certificate, err := i.opts.Certificate.read()
	if err != nil {
		return shown{}, fmt.Errorf("client certificate: %w", err)
	}
	key, err := i.opts.Key.read()
	if err != nil {
		return shown{}, fmt.Errorf("client certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return shown{}, fmt.Errorf("client certificate: %w", err)
	}
	ours := i.opts.Authority != nil && bundle.Fits(pair.Leaf, i.opts.Agent, i.opts.Authority) == nil
	return shown{Certificate: pair, ours: ours}, nil
}

// better tells whether a renewed certificate is to be shown rather than one that people gave:
// the one that was made later, unless it alone is over.
func (i *Identity) better(kept, enrolled shown) bool {
	now := i.opts.Now()
	if over := now.After(kept.Leaf.NotAfter); over != now.After(enrolled.Leaf.NotAfter) {
		return !over
	}
	return !kept.Leaf.NotBefore.Before(enrolled.Leaf.NotBefore)
}

// trouble says in words that the certificate doesn't hold today, as far as this machine knows.
func (i *Identity) trouble() string {
	if i.shown.Leaf == nil {
		return ""
	}
	if err := bundle.Holds(i.shown.Leaf, i.opts.Now()); err != nil {
		return "the certificate " + err.Error()
	}
	return ""
}

// warn says something of a kind once, until there is something else to say.
func (i *Identity) warn(kind, text string, args ...any) {
	said := fmt.Sprint(text, args)
	if i.told[kind] == said {
		return
	}
	i.told[kind] = said
	i.opts.Log.Warn(text, args...)
}

// State is what the collector should know of the certificate, nil where none is shown.
func (i *Identity) State() *wire.CertificateState {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.shown.Leaf == nil {
		return nil
	}
	return &wire.CertificateState{
		Serial:   i.shown.serial(),
		NotAfter: wire.TimeOf(i.shown.Leaf.NotAfter), Error: wire.Shorten(cmp.Or(i.trouble(), i.why)),
	}
}

// fileName is in the spool's folder: the certificate, then its key, PEM.
const fileName = "certificate.pem"

func (i *Identity) path() string { return filepath.Join(i.opts.Dir, fileName) }

// kept is the certificate that the collector gave, if there is one that can be used.
func (i *Identity) kept() shown {
	text, err := os.ReadFile(i.path())
	if errors.Is(err, os.ErrNotExist) {
		return shown{}
	}
	if err != nil {
		i.warn("kept", "the renewed certificate can't be read", "error", err)
		return shown{}
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		i.setAside(err)
		return shown{}
	}
	if err := bundle.Fits(pair.Leaf, i.opts.Agent, i.opts.Authority); err != nil {
		i.warn("kept", "the renewed certificate isn't used", "file", i.path(), "error", err)
		return shown{}
	}
	since := i.opts.Now()
	if info, err := os.Stat(i.path()); err == nil {
		since = info.ModTime()
	}
	return shown{Certificate: pair, ours: true, since: since}
}

func (i *Identity) setAside(why error) {
	bad := i.path() + ".bad"
	if err := os.Rename(i.path(), bad); err != nil {
		why = errors.Join(why, err)
	}
	i.warn("kept", "the renewed certificate is damaged and was set aside, the one of the configuration goes on", "file", bad, "error", why)
}
