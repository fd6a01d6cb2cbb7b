package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // Windows has no time zones of its own that Go can read

	"github.com/zerofax/zerofax/agent/yamlfile"
	"github.com/zerofax/zerofax/collector/internal/web"
)

// config is collector.yml. Every key is accepted from the first version on; idle names
// those given that do nothing yet.
type config struct {
	DataDir      string         `yaml:"data_dir"`
	TimeZone     string         `yaml:"time_zone"`
	Language     string         `yaml:"language"`
	MQTT         mqttConfig     `yaml:"mqtt"`
	HTTP         httpConfig     `yaml:"http"`
	InfluxDB     influxDBConfig `yaml:"influxdb"`
	Alerts       alertsConfig   `yaml:"alerts"`
	ActiveWindow time.Duration  `yaml:"active_window"`
	BlindAfter   time.Duration  `yaml:"blind_after"`
	LineLabel    string         `yaml:"line_label"`

	Password secret // of MQTT; exported, since fmt shows what it can't reach a method of

	file     string         // "" = the built-in defaults
	location *time.Location // of TimeZone
	tls      *tls.Config    // of MQTT, nil = the system's
	httpTLS  bool           // by the web config file
	idle     []string
}

// mqttConfig names the embedded broker or, by URL, an outside one.
type mqttConfig struct {
	Embedded     embeddedConfig `yaml:"embedded"`
	URL          string         `yaml:"url"`
	CAFile       string         `yaml:"ca_file"`
	CertFile     string         `yaml:"cert_file"`
	KeyFile      string         `yaml:"key_file"`
	Username     string         `yaml:"username"`
	PasswordFile string         `yaml:"password_file"`
	Insecure     bool           `yaml:"insecure"`
}

type embeddedConfig struct {
	Listen   string `yaml:"listen"`
	Insecure bool   `yaml:"insecure"`
}

type httpConfig struct {
	Listen        string `yaml:"listen"`
	WebConfigFile string `yaml:"web_config_file"`
	Insecure      bool   `yaml:"insecure"`
}

type influxDBConfig struct {
	URL       string `yaml:"url"`
	Org       string `yaml:"org"`
	Bucket    string `yaml:"bucket"`
	TokenFile string `yaml:"token_file"`
}

type alertsConfig struct {
	Email        emailConfig         `yaml:"email"`
	Webhook      urlConfig           `yaml:"webhook"`
	Alertmanager urlConfig           `yaml:"alertmanager"`
	Recipients   map[string][]string `yaml:"recipients"`
	QuietHours   string              `yaml:"quiet_hours"`
}

type emailConfig struct {
	Host         string   `yaml:"host"`
	Port         int      `yaml:"port"`
	TLS          string   `yaml:"tls"`
	Username     string   `yaml:"username"`
	PasswordFile string   `yaml:"password_file"`
	From         string   `yaml:"from"`
	To           []string `yaml:"to"`
}

type urlConfig struct {
	URL string `yaml:"url"`
}

func defaults() config {
	return config{
		DataDir:      "zerofax-data",
		TimeZone:     "Europe/Paris",
		Language:     "fr",
		MQTT:         mqttConfig{Embedded: embeddedConfig{Listen: "127.0.0.1:1883"}},
		HTTP:         httpConfig{Listen: "127.0.0.1:8780"},
		ActiveWindow: 30 * 24 * time.Hour,
		BlindAfter:   72 * time.Hour,
		LineLabel:    "number",
	}
}

// configError is all faults of a config file, one a line with file and line.
type configError struct{ error }

// load reads and checks a config file; "" gives the built-in defaults, and no file is looked for.
func load(file string) (config, error) {
	c := defaults()
	c.file = file
	var data []byte
	if file != "" {
		var err error
		if data, err = os.ReadFile(file); err != nil {
			return config{}, configError{fmt.Errorf("read config: %w", err)}
		}
	}
	doc := yamlfile.Decode(file, data, &c)
	c.resolvePaths(filepath.Dir(file))
	c.check(doc)
	if err := doc.Err(); err != nil {
		return config{}, configError{err}
	}
	return c, nil
}

// resolvePaths makes paths relative to the config file's folder.
func (c *config) resolvePaths(dir string) {
	for _, path := range []*string{
		&c.DataDir, &c.HTTP.WebConfigFile, &c.InfluxDB.TokenFile, &c.Alerts.Email.PasswordFile,
		&c.MQTT.CAFile, &c.MQTT.CertFile, &c.MQTT.KeyFile, &c.MQTT.PasswordFile,
	} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
}

func (c *config) check(doc *yamlfile.Doc) {
	var err error
	if c.DataDir == "" {
		doc.Fault(path("data_dir"), "empty; want a folder")
	}
	if c.location, err = time.LoadLocation(c.TimeZone); err != nil || c.TimeZone == "" || c.TimeZone == "Local" {
		doc.Fault(path("time_zone"), "%q; want an IANA zone such as Europe/Paris or Indian/Reunion", c.TimeZone)
	}
	if c.Language != "fr" && c.Language != "en" {
		doc.Fault(path("language"), "%q; want fr or en", c.Language)
	}
	if c.LineLabel != "number" && c.LineLabel != "hash" {
		doc.Fault(path("line_label"), "%q; want number or hash", c.LineLabel)
	}
	if c.ActiveWindow < time.Hour {
		doc.Fault(path("active_window"), "%s; want 1h or more", c.ActiveWindow)
	}
	if c.BlindAfter < time.Minute {
		doc.Fault(path("blind_after"), "%s; want 1m or more", c.BlindAfter)
	}
	c.checkMQTT(doc)
	c.checkHTTP(doc)
	c.checkAlerts(doc)
	c.idle = c.doesNothing()
}

func (c *config) checkMQTT(doc *yamlfile.Doc) {
	m := &c.MQTT
	if m.URL == "" {
		c.checkListen(doc, path("mqtt", "embedded", "listen"), m.Embedded.Listen, m.Embedded.Insecure,
			"an outside broker with passwords (url: mqtts://…)")
		for key, value := range map[string]string{
			"ca_file": m.CAFile, "cert_file": m.CertFile, "key_file": m.KeyFile,
			"username": m.Username, "password_file": m.PasswordFile,
		} {
			if value != "" {
				doc.Fault(path("mqtt", key), "belongs to an outside broker; want it together with url")
			}
		}
		return
	}
	if doc.Has("mqtt", "embedded", "listen") {
		doc.Fault(path("mqtt", "embedded"), "stands beside url; want either the embedded broker or an outside one")
	}
	u, err := url.Parse(m.URL)
	switch {
	case err == nil && u.User != nil: // said first, so that no fault repeats a password
		doc.Fault(path("mqtt", "url"), "holds a user; want username and password_file instead")
		return
	case err != nil || u.Scheme != "mqtt" && u.Scheme != "mqtts" || u.Hostname() == "":
		doc.Fault(path("mqtt", "url"), "%q; want mqtt://host:1883 or mqtts://host:8883", m.URL)
		return
	}
	secure := u.Scheme == "mqtts" && (m.Username != "" || m.CertFile != "")
	if !secure && !isLoopback(u.Hostname()) && !m.Insecure {
		doc.Fault(path("mqtt", "url"), "%q is another machine; want mqtts:// with username and password_file or cert_file and key_file, or insecure: true", m.URL)
	}
	c.Password = c.readSecret(doc, path("mqtt", "password_file"), m.PasswordFile)
	c.tls = c.readTLS(doc)
}

// readTLS is nil where the file names no certificate.
func (c *config) readTLS(doc *yamlfile.Doc) *tls.Config {
	m := &c.MQTT
	if m.CAFile == "" && m.CertFile == "" && m.KeyFile == "" {
		return nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.CAFile != "" {
		t.RootCAs = x509.NewCertPool()
		if data, err := os.ReadFile(m.CAFile); err != nil {
			doc.Fault(path("mqtt", "ca_file"), "%v", err)
		} else if !t.RootCAs.AppendCertsFromPEM(data) {
			doc.Fault(path("mqtt", "ca_file"), "%s: no certificate in it; want PEM", m.CAFile)
		}
	}
	if (m.CertFile == "") != (m.KeyFile == "") {
		doc.Fault(path("mqtt"), "cert_file and key_file: only one is given; want both")
	} else if m.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(m.CertFile, m.KeyFile)
		if err != nil {
			doc.Fault(path("mqtt", "cert_file"), "%v", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t
}

func (c *config) checkHTTP(doc *yamlfile.Doc) {
	var proof bool
	if file := c.HTTP.WebConfigFile; file != "" {
		var err error
		if c.httpTLS, proof, err = web.Protection(file); err != nil {
			doc.Fault(path("http", "web_config_file"), "%v", err)
			return
		}
	}
	c.checkListen(doc, path("http", "listen"), c.HTTP.Listen, c.HTTP.Insecure || c.httpTLS && proof,
		"a web_config_file with TLS and users")
}

// checkListen refuses an address that other machines can reach, unless they may.
func (c *config) checkListen(doc *yamlfile.Doc, at []any, listen string, open bool, instead string) {
	host, port, err := net.SplitHostPort(listen)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		doc.Fault(at, "%q; want host:port such as 127.0.0.1:8780", listen)
		return
	}
	if !isLoopback(host) && !open {
		doc.Fault(at, "%q can be reached from other machines; want a loopback address, %s, or insecure: true in a network you trust",
			listen, instead)
	}
}

func (c *config) checkAlerts(doc *yamlfile.Doc) {
	e := &c.Alerts.Email
	if e.Port < 0 || e.Port > 65535 {
		doc.Fault(path("alerts", "email", "port"), "%d; want 1 to 65535", e.Port)
	}
	switch e.TLS {
	case "", "starttls", "tls", "none":
	default:
		doc.Fault(path("alerts", "email", "tls"), "%q; want starttls, tls or none", e.TLS)
	}
	for _, u := range []struct {
		at  []any
		url string
	}{
		{path("alerts", "webhook", "url"), c.Alerts.Webhook.URL},
		{path("alerts", "alertmanager", "url"), c.Alerts.Alertmanager.URL},
		{path("influxdb", "url"), c.InfluxDB.URL},
	} {
		if u.url == "" {
			continue
		}
		parsed, err := url.Parse(u.url)
		if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
			doc.Fault(u.at, "%q; want http://… or https://…", u.url)
		}
	}
}

// doesNothing names the keys given that wait for a later version.
func (c *config) doesNothing() []string {
	a := &c.Alerts
	var keys []string
	for _, k := range []struct {
		key   string
		given bool
	}{
		{"influxdb", c.InfluxDB != influxDBConfig{}},
		{"alerts.email", a.Email.Host != "" || len(a.Email.To) > 0},
		{"alerts.webhook", a.Webhook.URL != ""},
		{"alerts.alertmanager", a.Alertmanager.URL != ""},
		{"alerts.recipients", len(a.Recipients) > 0},
		{"alerts.quiet_hours", a.QuietHours != ""},
		{"line_label: hash", c.LineLabel == "hash"},
	} {
		if k.given {
			keys = append(keys, k.key)
		}
	}
	return keys
}

func (c *config) readSecret(doc *yamlfile.Doc, at []any, file string) secret {
	if file == "" {
		return ""
	}
	data, err := os.ReadFile(file)
	if err != nil {
		doc.Fault(at, "%v", err)
		return ""
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		doc.Fault(at, "%s is empty; want a password in it", file)
	}
	return secret(text)
}

// page is the address of the first page on a listen address.
func (c *config) page(listen string) string {
	if c.httpTLS {
		return "https://" + listen + "/"
	}
	return "http://" + listen + "/"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func path(steps ...any) []any { return steps }
