package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/bundle/bundletest"
	"github.com/zerofax/zerofax/agent/freeport"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/wire"
)

// writeBundle writes it into a new folder.
func writeBundle(t *testing.T, b bundle.Bundle) (path string) {
	t.Helper()
	text, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), b.Agent+".bundle")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// mutual is how a program connects to a broker, or a broker lets it in, by certificates of ca.
func mutual(t *testing.T, ca *bundletest.Authority, certificate, key string) *tls.Config {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.Certificate)
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}
}

// enrolment is a collector with its authority, and a broker that only those with its certificates reach.
type enrolment struct {
	*bundletest.Authority
	url    string
	client mqtt.Client

	mu    sync.Mutex
	state wire.AgentState
}

func startEnrolment(t *testing.T, b *books) *enrolment {
	t.Helper()
	e := &enrolment{Authority: bundletest.New()}
	port := freeport.Must(t)
	certificate, key := e.Serve()
	ns, err := newBroker(t.TempDir(), port, func(o *server.Options) {
		o.MQTT.TLSConfig, o.MQTT.TLSTimeout = mutual(t, e.Authority, certificate, key), 5
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	})
	e.url = fmt.Sprintf("mqtts://127.0.0.1:%d", port)
	certificate, key = e.Issue(bundle.Collector, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if e.client, err = newCollector(e.url, b, mutual(t, e.Authority, certificate, key)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.client.Disconnect(100) })
	e.subscribe(t, wire.KindState, func(agent string, payload []byte) {
		state, err := wire.DecodeAgentState(payload)
		if err != nil {
			t.Errorf("state of %s: %v", agent, err)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.state = state
	})
	return e
}

func (e *enrolment) subscribe(t *testing.T, kind wire.Kind, take func(agent string, payload []byte)) {
	t.Helper()
	token := e.client.Subscribe(wire.Topic("+", kind), 1, func(_ mqtt.Client, m mqtt.Message) {
		agent, _, _ := wire.ParseTopic(m.Topic())
		take(agent, m.Payload())
	})
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatalf("subscribe: %v", token.Error())
	}
}

// certify answers requests with certificates for two years.
func (e *enrolment) certify(t *testing.T) {
	e.subscribe(t, wire.KindRequest, func(agent string, payload []byte) {
		request, err := wire.DecodeCertificateRequest(payload)
		if err != nil {
			t.Errorf("request of %s: %v", agent, err)
			return
		}
		certificate, err := e.Answer(request.CSR, time.Now().Add(-time.Hour), time.Now().AddDate(2, 0, 0))
		if err != nil {
			t.Errorf("request of %s: %v", agent, err)
		}
		e.client.Publish(wire.Topic(agent, wire.KindCertificate), 1, false, wire.Encode(wire.CertificateAnswer{V: wire.Version, Certificate: certificate}))
	})
}

func (e *enrolment) heard() wire.AgentState {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

func TestABundleIsAllThatAnAgentNeeds(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	ward, _, _ := setUp(t)
	b := newBooks()
	e := startEnrolment(t, b)
	e.certify(t)
	given := e.Bundle("ps-02", e.url)
	certificate, key := e.Issue("ps-02", time.Now().AddDate(-2, 0, 0), time.Now().AddDate(0, 0, 30)) // about to end
	given.Certificate, given.Key = certificate, secret.Text(key)
	file := writeBundle(t, given)

	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	code := make(chan int)
	go func() { code <- run(ctx, []string{"run", "--bundle", file}, &log, &log) }()
	defer func() {
		cancel()
		if got := <-code; got != 0 || strings.Contains(log.String(), "PRIVATE") {
			t.Errorf("exit %d, want 0, and no key in the log:\n%s", got, log.String())
		}
	}()
	eventually(t, "the certificate is renewed", func() string {
		if c := e.heard().Certificate; c == nil || c.Error != "" || c.NotAfter.Std().Before(time.Now().AddDate(1, 11, 0)) {
			return fmt.Sprintf("%+v", c)
		}
		return ""
	})
	config, err := wire.SignConfig(wire.AgentConfig{Agent: "ps-02", Revision: 1, Config: pollOnly(ward.Devices...)}, e.Key)
	if err != nil {
		t.Fatal(err)
	}
	e.client.Publish(wire.Topic("ps-02", wire.KindConfig), 1, true, config)
	eachLookedAt(t, ward, b, 2)
	for i, bed := range ward.Devices {
		bed.Fax(1+i%3, 2)
	}
	eventually(t, "each fax is booked", func() string { return b.equal(ward) })
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), "zerofax-agent-data", "ps-02", "certificate.pem")); err != nil {
		t.Error(err)
	}
}
