//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/wire"
)

// issuer signs certificates, as the collector's authority does.
type issuer struct {
	t      *testing.T
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	issued int64
}

func newIssuer(t *testing.T, name string) *issuer {
	t.Helper()
	i := &issuer{t: t}
	i.cert, i.key = i.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	})
	return i
}

func (i *issuer) sign(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	i.issued++
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(i.issued), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := i.cert, i.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		i.t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		i.t.Fatal(err)
	}
	return signed, key
}

// pair is a certificate with its key: of a server on 127.0.0.1, else of a client.
func (i *issuer) pair(name string, usage x509.ExtKeyUsage) tls.Certificate {
	i.t.Helper()
	c, key := i.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

func (i *issuer) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(i.cert)
	return pool
}

// write puts certificate and key into files.
func write(t *testing.T, c tls.Certificate, certificate, key string) {
	t.Helper()
	writeFile(t, certificate, encode("CERTIFICATE", c.Certificate[0]))
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, key, encode("PRIVATE KEY", der))
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// TestMosquittoOfTheStackLetsAgentsSpeakAsThemselvesOnly starts Mosquitto with deploy/mosquitto.
func TestMosquittoOfTheStackLetsAgentsSpeakAsThemselvesOnly(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	authority, stranger := newIssuer(t, "zerofax"), newIssuer(t, "stranger")
	write(t, authority.pair("broker", x509.ExtKeyUsageServerAuth), filepath.Join(dir, "broker.pem"), filepath.Join(dir, "broker.key"))
	writeFile(t, filepath.Join(dir, "authority.pem"), encode("CERTIFICATE", authority.cert.Raw))
	revoked := authority.pair("ps-09", x509.ExtKeyUsageClientAuth)
	crl, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: revoked.Leaf.SerialNumber, RevocationTime: time.Now()}},
	}, authority.cert, authority.key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "revoked.pem"), encode("X509 CRL", crl))
	rewritten(t, "mosquitto/acl", filepath.Join(dir, "acl"))
	rewritten(t, "mosquitto/mosquitto.conf", filepath.Join(dir, "mosquitto.conf"),
		"/etc/mosquitto/zerofax/", dir+"/", "listener 8883", fmt.Sprintf("listener %d 127.0.0.1", port), "/var/lib/mosquitto/", dir+"/",
		"log_dest stderr", "log_dest stderr\nuser root")
	start(t, dir, "mosquitto", "-c", "mosquitto.conf")

	connect := func(id string, certificates ...tls.Certificate) (mqtt.Client, error) {
		client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(fmt.Sprintf("ssl://127.0.0.1:%d", port)).SetClientID(id).SetAutoReconnect(false).
			SetConnectTimeout(5 * time.Second).SetTLSConfig(&tls.Config{RootCAs: authority.pool(), Certificates: certificates}))
		token := client.Connect()
		token.Wait()
		return client, token.Error()
	}
	must := func(name string) mqtt.Client {
		client, err := connect("another-"+name, authority.pair(name, x509.ExtKeyUsageClientAuth))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Cleanup(func() { client.Disconnect(0) })
		return client
	}
	eventually(t, 10*time.Second, "mosquitto listens", func() string {
		client, err := connect("ps-00", authority.pair("ps-00", x509.ExtKeyUsageClientAuth))
		if err != nil {
			return err.Error()
		}
		client.Disconnect(0)
		return ""
	})

	heard := make(chan string, 100)
	subscribe := func(client mqtt.Client, topic string) {
		client.Subscribe(topic, 1, func(_ mqtt.Client, m mqtt.Message) { heard <- m.Topic() + " " + string(m.Payload()) }).Wait()
	}
	say := func(client mqtt.Client, topic, payload string) { client.Publish(topic, 1, false, payload).Wait() }
	collector, first, second := must("zerofax-collector"), must("ps-01"), must("ps-02")
	for _, kind := range wire.Kinds() {
		subscribe(collector, wire.Topic("+", kind))
		subscribe(second, wire.Topic("+", kind))
		subscribe(second, wire.Topic("ps-01", kind))
	}
	subscribe(first, wire.Topic("ps-01", wire.KindAck))

	say(first, wire.Topic("ps-02", wire.KindReadings), "forged")
	say(first, wire.Topic("ps-01", wire.KindConfig), "forged")
	say(first, wire.CollectorStateTopic, "forged")
	say(collector, wire.Topic("ps-01", wire.KindAck), "ack")
	say(first, wire.Topic("ps-01", wire.KindReadings), strings.Repeat("x", wire.MaxEnvelope))
	say(first, wire.Topic("ps-01", wire.KindReadings), "the last")
	var got []string
	for last := wire.Topic("ps-01", wire.KindReadings) + " the last"; len(got) == 0 || got[len(got)-1] != last; {
		select {
		case message := <-heard:
			got = append(got, message)
		case <-time.After(10 * time.Second):
			t.Fatalf("heard only %.300q", got)
		}
	}
	for _, message := range got {
		if strings.Contains(message, "forged") {
			t.Errorf("heard %s", message)
		}
	}
	if len(got) != 3 { // the acknowledgement by its agent, two readings by the collector
		t.Errorf("got %d messages, %.300q; want 3, none of them by ps-02", len(got), got)
	}

	for who, certificates := range map[string][]tls.Certificate{
		"nobody": nil, "a stranger's ps-01": {stranger.pair("ps-01", x509.ExtKeyUsageClientAuth)}, "one who is revoked": {revoked},
	} {
		if client, err := connect("ps-01", certificates...); err == nil {
			client.Disconnect(0)
			t.Errorf("%s gets in", who)
		}
	}
	if !first.IsConnected() {
		t.Error("ps-01 was thrown out by somebody who used its client id")
	}
}

// asSelf lets nginx's workers read what is this user's: started by root they would be nobody.
func asSelf() string {
	if os.Getuid() == 0 {
		return "user root;"
	}
	return ""
}

// TestNginxOfTheStackAsksForAPasswordAndLetsNothingButReadingThrough starts nginx with deploy/nginx before a real
// collector.
func TestNginxOfTheStackAsksForAPasswordAndLetsNothingButReadingThrough(t *testing.T) {
	t.Parallel()
	dir, plain, secure, pages := t.TempDir(), freePort(t), freePort(t), freePort(t)
	grafana := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Method, " ", r.URL.Path, " ", r.Host, " ", r.Header.Get("X-Forwarded-Proto"), " ", r.Header.Get("Upgrade"))
	}))
	t.Cleanup(grafana.Close)
	writeFile(t, filepath.Join(dir, "collector.yml"), fmt.Sprintf(
		"data_dir: books\nmqtt: {embedded: {listen: '127.0.0.1:%d'}}\nhttp: {listen: '127.0.0.1:%d'}\n", freePort(t), pages))
	start(t, dir, "zerofax-collector", "run", "--config", "collector.yml")

	authority := newIssuer(t, "the hospital's")
	write(t, authority.pair("zerofax.chu-exemple.fr", x509.ExtKeyUsageServerAuth), filepath.Join(dir, "zerofax.pem"), filepath.Join(dir, "zerofax.key"))
	writeFile(t, filepath.Join(dir, "zerofax.htpasswd"), "anne:$apr1$zerofax$lIERl4CUOG/OjaX0zniQ6/\n")
	rewritten(t, "nginx/zerofax.conf", filepath.Join(dir, "zerofax.conf"),
		"    listen [::]:80;\n", "", "    listen [::]:443 ssl;\n", "",
		"listen 80;", fmt.Sprintf("listen 127.0.0.1:%d;", plain), "listen 443 ssl;", fmt.Sprintf("listen 127.0.0.1:%d ssl;", secure),
		"/etc/nginx/", dir+"/", "127.0.0.1:8780", fmt.Sprintf("127.0.0.1:%d", pages), "http://127.0.0.1:3000", grafana.URL)
	writeFile(t, filepath.Join(dir, "nginx.conf"), fmt.Sprintf(`daemon off; master_process off; %s
pid %[2]s/nginx.pid; error_log stderr; worker_processes 1;
events {}
http {
  access_log off;
  client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/f; uwsgi_temp_path %[2]s/u; scgi_temp_path %[2]s/s;
  include %[2]s/zerofax.conf;
}
`, asSelf(), dir))
	checked(t, "nginx", "-t", "-q", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))
	start(t, dir, "nginx", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))

	client := http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.pool()}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ask := func(method, url, password string) (*http.Response, string) {
		request, err := http.NewRequest(method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "zerofax.chu-exemple.fr"
		if password != "" {
			request.SetBasicAuth("anne", password)
		}
		response, err := client.Do(request)
		if err != nil {
			return &http.Response{}, err.Error()
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(body)
	}
	base := fmt.Sprintf("https://127.0.0.1:%d", secure)
	eventually(t, 20*time.Second, "nginx shows the collector's page", func() string {
		if response, body := ask("GET", base+"/?lang=fr", "s3cret"); response.StatusCode != http.StatusOK || !strings.Contains(body, "zerofax") {
			return fmt.Sprint(response.Status, " ", body)
		}
		return ""
	})
	response, _ := ask("GET", base+"/", "s3cret")
	for header, want := range map[string]string{"Strict-Transport-Security": "max-age=31536000", "Content-Security-Policy": "default-src 'none'"} {
		if got := response.Header.Values(header); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%s: got %q, want %s once", header, got, want)
		}
	}
	for request, want := range map[[3]string]int{
		{"GET", "/", ""}:                            http.StatusUnauthorized,
		{"GET", "/", "wrong"}:                       http.StatusUnauthorized,
		{"GET", "/api/v1/lines", "s3cret"}:          http.StatusOK,
		{"HEAD", "/", "s3cret"}:                     http.StatusOK,
		{"POST", "/api/v1/lines", "s3cret"}:         http.StatusForbidden,
		{"GET", "/metrics", "s3cret"}:               http.StatusNotFound,
		{"GET", "/-/ready", "s3cret"}:               http.StatusNotFound,
		{"POST", "/grafana/api/ds/query", ""}:       http.StatusOK,
		{"GET", "/grafana/../metrics", "s3cret"}:    http.StatusNotFound,
		{"GET", "//metrics", "s3cret"}:              http.StatusNotFound,
		{"GET", "/grafana/%2e%2e/metrics", ""}:      http.StatusNotFound,
		{"GET", "/nonsense/../-/healthy", "s3cret"}: http.StatusNotFound,
	} {
		if got, body := ask(request[0], base+request[1], request[2]); got.StatusCode != want {
			t.Errorf("%s %s with password %q: got %d %.100s, want %d", request[0], request[1], request[2], got.StatusCode, body, want)
		}
	}
	if _, body := ask("GET", base+"/grafana/d/x", ""); body != "GET /grafana/d/x zerofax.chu-exemple.fr https " {
		t.Errorf("Grafana: was asked %q; want its whole path, the host and https", body)
	}
	if got, _ := ask("GET", fmt.Sprintf("http://127.0.0.1:%d/lines", plain), ""); got.StatusCode != http.StatusMovedPermanently ||
		got.Header.Get("Location") != "https://zerofax.chu-exemple.fr/lines" {
		t.Errorf("without TLS: got %d to %s, want the same page with TLS", got.StatusCode, got.Header.Get("Location"))
	}
}

// TestTheCollectorOfTheStackWritesWhatGrafanaMayRead runs the collector with the file of deploy/compose against an InfluxDB
// whose users are as that stack makes them: one may only write, one may only read.
func TestTheCollectorOfTheStackWritesWhatGrafanaMayRead(t *testing.T) {
	t.Parallel()
	dir, influx, pages := t.TempDir(), newInfluxDB(t), freePort(t)
	for _, query := range []string{
		`CREATE DATABASE zerofax`, `CREATE USER writer WITH PASSWORD 'w'`, `GRANT WRITE ON zerofax TO writer`,
		`CREATE USER "zerofax-read" WITH PASSWORD 'r'`, `GRANT READ ON zerofax TO "zerofax-read"`,
	} {
		influx.ask(query)
	}
	writeFile(t, filepath.Join(dir, "token"), "writer:w")
	config := rewritten(t, "compose/collector.yml", filepath.Join(dir, "collector.yml"),
		"data_dir: /data", "data_dir: books", "0.0.0.0:8883", fmt.Sprintf("127.0.0.1:%d", freePort(t)), "0.0.0.0:8780", fmt.Sprintf("127.0.0.1:%d", pages),
		"http://influxdb:8086", influx.url(), "/run/secrets/influxdb_token", filepath.Join(dir, "token"))
	checked(t, "zerofax-collector", "check", "--config", config)
	start(t, dir, "zerofax-collector", "run", "--config", "collector.yml")
	eventually(t, 30*time.Second, "Grafana's user sees what was written", func() string {
		answer := get(influx.url() + "/query?" + url.Values{"db": {"zerofax"}, "u": {"zerofax-read"}, "p": {"r"}, "q": {"SHOW MEASUREMENTS"}}.Encode())
		if !strings.Contains(answer, `"values"`) {
			return answer + get(fmt.Sprintf("http://127.0.0.1:%d/metrics", pages))
		}
		return ""
	})
	for who, query := range map[string]string{"u=writer&p=w": "SELECT * FROM /.*/", "u=zerofax-read&p=r": "DROP DATABASE zerofax"} {
		response, err := http.Post(influx.url()+"/query?db=zerofax&"+who+"&"+url.Values{"q": {query}}.Encode(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || !strings.Contains(string(body), "not authorized") && response.StatusCode != http.StatusForbidden {
			t.Errorf("%s asks %s: got %d %s, %v; want it refused", who, query, response.StatusCode, body, err)
		}
	}
}
