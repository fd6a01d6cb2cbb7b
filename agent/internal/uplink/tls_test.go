package uplink_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/zerofax/zerofax/agent/bundle/bundletest"
	"github.com/zerofax/zerofax/agent/internal/identity"
	"github.com/zerofax/zerofax/agent/internal/uplink"
	"github.com/zerofax/zerofax/agent/wire"
)

// startTLSBroker runs a broker that ca vouches for, and that wants certificates of ca's.
func startTLSBroker(t *testing.T, ca *bundletest.Authority) (url string, pair tls.Certificate) {
	t.Helper()
	pair = keyPair(t, ca.Serve)
	_, port := startBroker(t, 0, func(o *server.Options) {
		pool := x509.NewCertPool()
		pool.AddCert(ca.Certificate)
		o.MQTT.TLSConfig = &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		}
		o.MQTT.TLSTimeout = 5
	})
	return fmt.Sprintf("mqtts://127.0.0.1:%d", port), pair
}

func keyPair(t *testing.T, make func() (string, string)) tls.Certificate {
	t.Helper()
	certificate, key := make()
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// enrolled is an identity with a certificate that holds from … until ….
func enrolled(t *testing.T, ca *bundletest.Authority, from, until time.Time) identity.Options {
	certificate, key := ca.Issue(agent, from, until)
	return identity.Options{
		Agent: agent, BrokerCA: identity.PEM{Text: ca.PEM}, Certificate: identity.PEM{Text: certificate}, Key: identity.PEM{Text: key},
		Authority: ca.Certificate, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
}

func TestBothSidesShowTheirCertificates(t *testing.T) {
	ca, other := bundletest.New(), bundletest.New()
	url, _ := startTLSBroker(t, ca)
	now := time.Now()
	for _, c := range []struct {
		name   string
		change func(*identity.Options)
		says   string
	}{
		{"both", func(*identity.Options) {}, "connected to the broker"},
		{"the broker's authority is unknown", func(o *identity.Options) { o.BrokerCA = identity.PEM{} }, "unknown authority"},
		{"another authority", func(o *identity.Options) { o.BrokerCA.Text = other.PEM }, "unknown authority"},
		{"a certificate that is over", func(o *identity.Options) {
			o.Certificate.Text, o.Key.Text = ca.Issue(agent, now.AddDate(-2, 0, 0), now.AddDate(0, 0, -1))
		}, "enrol the agent again: zerofax-collector enroll ps-01"},
		{"no client certificate", func(o *identity.Options) { o.Certificate = identity.PEM{} }, "no link to the broker"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &lines{}
			o := enrolled(t, ca, now.AddDate(0, 0, -1), now.AddDate(2, 0, 0))
			c.change(&o)
			u := uplink.Options{
				URL: url, Identity: identity.New(o), Spool: queue{openSpool(t, 0)}, Log: slog.New(slog.NewTextHandler(log, nil)),
			}
			run(t, u)
			eventually(t, "a word in the log", func() bool { return strings.Contains(log.text(), c.says) })
		})
	}
}

// certify answers every request as the collector would, with a certificate for two years.
func certify(t *testing.T, ca *bundletest.Authority, url string, answer func(wire.CertificateRequest) wire.CertificateAnswer) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(ca.Certificate)
	own := keyPair(t, func() (string, string) {
		return ca.Issue("collector", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	})
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID("collector").SetTLSConfig(&tls.Config{
		RootCAs: pool, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12,
	}))
	if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatalf("collector: %v", token.Error())
	}
	t.Cleanup(func() { client.Disconnect(100) })
	token := client.Subscribe(wire.Topic("+", wire.KindRequest), 1, func(client mqtt.Client, m mqtt.Message) {
		id, _, _ := wire.ParseTopic(m.Topic())
		request, err := wire.DecodeCertificateRequest(m.Payload())
		if err != nil {
			t.Errorf("%s asks: %v", id, err)
			return
		}
		client.Publish(wire.Topic(id, wire.KindCertificate), 1, false, wire.Encode(answer(request)))
	})
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatalf("collector: %v", token.Error())
	}
}

func TestACertificateIsRenewedInTimeAndShownAtOnce(t *testing.T) {
	ca := bundletest.New()
	url, _ := startTLSBroker(t, ca)
	now := time.Now()
	var asked atomic.Int32
	certify(t, ca, url, func(r wire.CertificateRequest) wire.CertificateAnswer {
		asked.Add(1)
		certificate, err := ca.Answer(r.CSR, now.Add(-time.Hour), now.AddDate(2, 0, 0))
		if err != nil {
			t.Errorf("request: %v", err)
		}
		return wire.CertificateAnswer{V: wire.Version, Certificate: certificate}
	})
	log := &lines{}
	o := enrolled(t, ca, now.AddDate(-2, 0, 0), now.AddDate(0, 0, 30))
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	who := identity.New(o)
	before := who.State().Serial
	run(t, uplink.Options{URL: url, Identity: who, Spool: queue{openSpool(t, 0)}, Log: o.Log})
	eventually(t, "a second connection", func() bool { return strings.Count(log.text(), "connected to the broker") == 2 })
	if after := who.State(); after.Serial == before || after.Error != "" || asked.Load() != 1 {
		t.Errorf("got %+v after %d requests; want another than %s after one", after, asked.Load(), before)
	}
	if text := log.text(); strings.Contains(text, "no link") || strings.Contains(text, "PRIVATE") {
		t.Errorf("the log says\n%s", text)
	}
}

func TestARefusedRenewalIsSaidOnceAndTheOldCertificateGoesOn(t *testing.T) {
	ca := bundletest.New()
	url, _ := startTLSBroker(t, ca)
	certify(t, ca, url, func(wire.CertificateRequest) wire.CertificateAnswer {
		return wire.CertificateAnswer{V: wire.Version, Error: "revoked"}
	})
	now := time.Now()
	log := &lines{}
	o := enrolled(t, ca, now.AddDate(-2, 0, 0), now.AddDate(0, 0, 30))
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	who := identity.New(o)
	run(t, uplink.Options{URL: url, Identity: who, Spool: queue{openSpool(t, 0)}, Log: o.Log, Presence: 20 * time.Millisecond})
	eventually(t, "the reason in the state", func() bool {
		return who.State().Error == "the collector gives no new certificate: revoked"
	})
	if text := log.text(); strings.Count(text, "connected to the broker") != 1 || strings.Count(text, "gives no new certificate") != 1 {
		t.Errorf("the log says\n%s", text)
	}
}
