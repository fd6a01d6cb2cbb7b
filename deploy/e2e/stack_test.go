//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/freeport"
)

// writeCertificate makes a certificate for 127.0.0.1 with its key, and returns who is to be believed for it.
func writeCertificate(t *testing.T, certificate, key string) *x509.CertPool {
	t.Helper()
	pair, ca := selfSigned(t)
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, certificate, string(ca))
	writeFile(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return pool
}

// asSelf lets nginx's workers read what is this user's: started by root they would be nobody.
func asSelf() string {
	if os.Getuid() == 0 {
		return "user root;"
	}
	return ""
}

// anne is a password.
const anne = "un fax de moins chaque jour"

// TestNginxOfTheStackLetsInWhomTheCollectorLetsIn starts nginx with deploy/nginx before a real
// collector.
func TestNginxOfTheStackLetsInWhomTheCollectorLetsIn(t *testing.T) {
	t.Parallel()
	dir, plain, secure, pages := t.TempDir(), freeport.Must(t), freeport.Must(t), freeport.Must(t)
	grafana := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Method, " ", r.URL.Path, " ", r.Host, " ", r.Header.Get("X-Forwarded-Proto"), " ", r.Header.Get("Upgrade"))
	}))
	t.Cleanup(grafana.Close)
	writeFile(t, filepath.Join(dir, "collector.yml"), fmt.Sprintf(
		"data_dir: books\nmqtt: {embedded: {listen: '127.0.0.1:%d'}}\nhttp: {listen: '127.0.0.1:%d', external_url: 'https://zerofax.chu-exemple.fr/'}\n", freeport.Must(t), pages))
	writeFile(t, filepath.Join(dir, "anne.txt"), anne+"\n")
	checked(t, "zerofax-collector", "user", "add", "anne", "--role", "editor", "--password-file", filepath.Join(dir, "anne.txt"),
		"--config", filepath.Join(dir, "collector.yml"))
	start(t, dir, "zerofax-collector", "run", "--config", "collector.yml")

	trusted := writeCertificate(t, filepath.Join(dir, "zerofax.pem"), filepath.Join(dir, "zerofax.key"))
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
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ExpectContinueTimeout: 10 * time.Second},
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
		if response, body := ask("GET", base+"/sign-in?lang=fr", ""); response.StatusCode != http.StatusOK || !strings.Contains(body, "zerofax") {
			return fmt.Sprint(response.Status, " ", body)
		}
		return ""
	})
	response, _ := ask("GET", base+"/sign-in", "")
	for header, want := range map[string]string{"Strict-Transport-Security": "max-age=31536000", "Content-Security-Policy": "default-src 'none'"} {
		if got := response.Header.Values(header); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%s: got %q, want %s once", header, got, want)
		}
	}
	for request, want := range map[[3]string]int{
		{"GET", "/lines", ""}:                   http.StatusSeeOther, // to sign in
		{"GET", "/lines", anne}:                 http.StatusSeeOther, // pages want a session
		{"GET", "/api/v1/lines", ""}:            http.StatusUnauthorized,
		{"GET", "/api/v1/lines", "wrong"}:       http.StatusUnauthorized,
		{"GET", "/api/v1/lines", anne}:          http.StatusOK,
		{"HEAD", "/api/v1/lines", anne}:         http.StatusOK,
		{"POST", "/api/v1/lines", anne}:         http.StatusUnauthorized,
		{"GET", "/metrics", anne}:               http.StatusNotFound,
		{"GET", "/-/ready", anne}:               http.StatusNotFound,
		{"POST", "/grafana/api/ds/query", ""}:   http.StatusOK,
		{"GET", "/grafana/../metrics", anne}:    http.StatusNotFound,
		{"GET", "//metrics", anne}:              http.StatusNotFound,
		{"GET", "/grafana/%2e%2e/metrics", ""}:  http.StatusNotFound,
		{"GET", "/nonsense/../-/healthy", anne}: http.StatusNotFound,
	} {
		if got, body := ask(request[0], base+request[1], request[2]); got.StatusCode != want {
			t.Errorf("%s %s with password %q: got %d %.100s, want %d", request[0], request[1], request[2], got.StatusCode, body, want)
		}
	}
	for _, upload := range []struct {
		path    string
		size    int64
		refused bool
	}{
		{"/import/lines", 40 << 20, true},
		{"/mssante/extraction", 40 << 20, false},
		{"/mssante/extraction", 250 << 20, true},
		{"/journals", 40 << 20, false},
		{"/journals", 1200 << 20, true},
		{"/journals/files/x", 40 << 20, true},
	} {
		request, err := http.NewRequest(http.MethodPost, base+upload.path, io.LimitReader(zeros{}, upload.size))
		if err != nil {
			t.Fatal(err)
		}
		request.ContentLength = upload.size
		request.Header.Set("Expect", "100-continue") // nginx refuses before it reads
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.StatusCode == http.StatusRequestEntityTooLarge; got != upload.refused {
			t.Errorf("%d MB to %s: got %d; too large is %t, want %t", upload.size>>20, upload.path, response.StatusCode, got, upload.refused)
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

// zeros are bytes without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestTheCollectorOfTheStackWritesWhatGrafanaMayRead runs the collector with the file of deploy/compose against an InfluxDB
// whose users are as that stack makes them: one may only write, one may only read.
func TestTheCollectorOfTheStackWritesWhatGrafanaMayRead(t *testing.T) {
	t.Parallel()
	dir, influx, pages := t.TempDir(), newInfluxDB(t), freeport.Must(t)
	for _, query := range []string{
		`CREATE DATABASE zerofax`, `CREATE USER writer WITH PASSWORD 'w'`, `GRANT WRITE ON zerofax TO writer`,
		`CREATE USER "zerofax-read" WITH PASSWORD 'r'`, `GRANT READ ON zerofax TO "zerofax-read"`,
	} {
		influx.ask(query)
	}
	writeFile(t, filepath.Join(dir, "token"), "writer:w")
	config := rewritten(t, "compose/collector.yml", filepath.Join(dir, "collector.yml"),
		"data_dir: /data", "data_dir: books", "0.0.0.0:8883", fmt.Sprintf("127.0.0.1:%d", freeport.Must(t)), "0.0.0.0:8780", fmt.Sprintf("127.0.0.1:%d", pages),
		"http://influxdb:8086", influx.url(), "/run/secrets/influxdb_token", filepath.Join(dir, "token"))
	checked(t, "zerofax-collector", "check", "--config", config)
	for _, table := range []string{"structure", "mssante-addresses"} { // empty books have nothing to write
		file := map[string]string{"structure": "structure.csv", "mssante-addresses": "mssante-adresses.csv"}[table]
		path, err := filepath.Abs(filepath.Join("..", "examples", file))
		if err != nil {
			t.Fatal(err)
		}
		checked(t, "zerofax-collector", "import", table, path, "--config", config)
	}
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
