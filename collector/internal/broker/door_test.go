package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/collector/internal/broker"
)

// gate is a guard with a certification authority of its own. Serial numbers are names here.
type gate struct {
	t      *testing.T
	ca     *x509.Certificate
	key    *ecdsa.PrivateKey
	mu     sync.Mutex
	banned map[string]bool
	now    time.Time
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{t: t, banned: make(map[string]bool), now: time.Now()}
	g.key = newKey(t)
	g.ca = g.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "gate"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, &g.key.PublicKey)
	return g
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (g *gate) sign(c *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	g.t.Helper()
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent := g.ca
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key, g.key)
	if err != nil {
		g.t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		g.t.Fatal(err)
	}
	return signed
}

// shows is what a client called name shows.
func (g *gate) shows(name string) *tls.Config {
	key := newKey(g.t)
	c := g.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, &key.PublicKey)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{c.Raw}, PrivateKey: key}}, RootCAs: g.pool(), ServerName: "localhost"}
}

func (g *gate) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(g.ca)
	return pool
}

func (g *gate) guard() *broker.Guard {
	server := g.shows("broker")
	server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, g.pool()
	return &broker.Guard{
		Server: server, Own: g.shows(broker.ProbeID),
		Admit: func(_ context.Context, shown *x509.Certificate) (broker.Client, error) {
			g.mu.Lock()
			defer g.mu.Unlock()
			name := shown.Subject.CommonName
			if g.banned[name] {
				return broker.Client{}, errors.New("is banned")
			}
			own := []string{"zerofax/" + name + "/+", broker.ProbeTopic}
			return broker.Client{Serial: name, IDs: []string{name}, Until: shown.NotAfter, Publish: own, Subscribe: own}, nil
		},
		Revoked: func(context.Context) (map[string]bool, error) {
			g.mu.Lock()
			defer g.mu.Unlock()
			return map[string]bool{"ps-01": g.banned["ps-01"]}, nil
		},
		Now: func() time.Time {
			g.mu.Lock()
			defer g.mu.Unlock()
			return g.now
		},
	}
}

// guarded is a broker behind a gate, kept until the test ends.
func (g *gate) guarded() *broker.Broker {
	g.t.Helper()
	b, err := broker.Start(g.t.Context(), broker.Options{
		Dir: g.t.TempDir(), Listen: "127.0.0.1:0", Guard: g.guard(), ProbeEvery: 50 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(g.t.Output(), nil)),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(g.t.Context())
	kept := make(chan struct{})
	go func() { defer close(kept); b.Keep(ctx) }()
	g.t.Cleanup(func() { stop(); <-kept; closed(g.t, b) })
	return b
}

// enter tries to connect; lost is closed when the connection is.
func (g *gate) enter(b *broker.Broker, id string, show *tls.Config) (lost chan struct{}, err error) {
	lost = make(chan struct{})
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(b.URL()).SetClientID(id).SetTLSConfig(show).SetProtocolVersion(4).
		SetAutoReconnect(false).SetWriteTimeout(5 * time.Second).
		SetConnectionLostHandler(func(mqtt.Client, error) { close(lost) }))
	token := c.Connect()
	if !token.WaitTimeout(10 * time.Second) {
		g.t.Fatal("no answer from the broker within 10 s")
	}
	g.t.Cleanup(func() { c.Disconnect(100) })
	return lost, token.Error()
}

func wantLost(t *testing.T, lost <-chan struct{}) {
	t.Helper()
	select {
	case <-lost:
	case <-time.After(10 * time.Second):
		t.Error("the connection isn't cut within 10 s")
	}
}

func TestWhoIsBannedIsPutOutAndDoesNotComeBack(t *testing.T) {
	g := newGate(t)
	b := g.guarded()
	first, err := g.enter(b, "ps-01", g.shows("ps-01"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := g.enter(b, "ps-02", g.shows("ps-02"))
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.banned["ps-01"] = true
	g.mu.Unlock()
	wantLost(t, first)
	if _, err := g.enter(b, "ps-01", g.shows("ps-01")); err == nil {
		t.Error("who is banned comes back")
	}
	select {
	case <-other:
		t.Error("somebody else was put out")
	default:
	}
}

func TestAConnectionEndsWithItsCertificate(t *testing.T) {
	g := newGate(t)
	b := g.guarded()
	lost, err := g.enter(b, "ps-01", g.shows("ps-01"))
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.now = g.now.Add(2 * time.Hour)
	g.mu.Unlock()
	wantLost(t, lost)
}

func TestARefusedClientIsLoggedOnce(t *testing.T) {
	g := newGate(t)
	var log strings.Builder
	b, err := broker.Start(t.Context(), broker.Options{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Guard: g.guard(), Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	show := g.shows("ps-01")
	for range 3 {
		if _, err := g.enter(b, "ps-02", show); err == nil {
			t.Error("let in under another's client id")
		}
	}
	closed(t, b)
	if n := strings.Count(log.String(), "broker: refused"); n != 1 || !strings.Contains(log.String(), "name=ps-01") || !strings.Contains(log.String(), "client_id=ps-02") {
		t.Errorf("logged %d times, want once, with who and why:\n%s", n, &log)
	}
}
