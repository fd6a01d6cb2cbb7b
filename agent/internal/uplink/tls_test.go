package uplink_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/zerofax/zerofax/agent/internal/uplink"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.file, _ = a.sign("ca", true)
	return a
}

// sign writes a certificate for 127.0.0.1 and its key as PEM files.
func (a *authority) sign(name string, isCA bool) (certFile, keyFile string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: isCA, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if isCA {
		a.cert, a.key = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	if isCA {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			a.t.Fatal(err)
		}
	}
	write := func(file, kind string, der []byte) string {
		path := filepath.Join(a.dir, file)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			a.t.Fatal(err)
		}
		return path
	}
	return write(name+".pem", "CERTIFICATE", der), write(name+".key", "PRIVATE KEY", keyDER)
}

func TestBothSidesShowTheirCertificates(t *testing.T) {
	ca := newAuthority(t)
	serverCert, serverKey := ca.sign("server", false)
	cert, key := ca.sign(agent, false)
	_, port := startBroker(t, 0, func(o *server.Options) {
		pair, err := tls.LoadX509KeyPair(serverCert, serverKey)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AddCert(ca.cert)
		o.MQTT.TLSConfig = &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		}
		o.MQTT.TLSTimeout = 5
	})
	url := fmt.Sprintf("mqtts://127.0.0.1:%d", port)
	for _, c := range []struct {
		name string
		opts uplink.Options
		says string
	}{
		{"both", uplink.Options{CAFile: ca.file, CertFile: cert, KeyFile: key}, "connected to the broker"},
		{"the broker's authority is unknown", uplink.Options{CertFile: cert, KeyFile: key}, "unknown authority"},
		{"another authority", uplink.Options{CAFile: newAuthority(t).file, CertFile: cert, KeyFile: key}, "unknown authority"},
		{"no client certificate", uplink.Options{CAFile: ca.file}, "no link to the broker"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &lines{}
			c.opts.URL, c.opts.Spool = url, queue{openSpool(t, 0)}
			c.opts.Log = slog.New(slog.NewTextHandler(log, nil))
			run(t, c.opts)
			eventually(t, "a word in the log", func() bool { return strings.Contains(log.text(), c.says) })
		})
	}
}
