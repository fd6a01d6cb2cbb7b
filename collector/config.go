package main

import (
	"crypto/x509"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // Windows has no time zones of its own that Go can read

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/collector/internal/alert"
	"github.com/zerofax/zerofax/collector/internal/register"
	"github.com/zerofax/zerofax/collector/internal/web"
)

// config is collector.yml.
type config struct {
	DataDir      string         `yaml:"data_dir"`
	TimeZone     string         `yaml:"time_zone"`
	Language     string         `yaml:"language"`
	MQTT         mqttConfig     `yaml:"mqtt"`
	HTTP         httpConfig     `yaml:"http"`
	SignIn       signInConfig   `yaml:"sign_in"`
	InfluxDB     influxDBConfig `yaml:"influxdb"`
	Alerts       alertsConfig   `yaml:"alerts"`
	ActiveWindow time.Duration  `yaml:"active_window"`
	BlindAfter   time.Duration  `yaml:"blind_after"`
	Retention    retention      `yaml:"retention"`
	Journals     journalKeeping `yaml:"journals"`
	LineLabel    string         `yaml:"line_label"`
	Directory    bool           `yaml:"directory"` // of all published MSSanté addresses, others' too
	Numbers      numbersConfig  `yaml:"numbers"`

	file     string         // "" = the built-in defaults
	location *time.Location // of TimeZone
	httpTLS  bool           // by the web config file
	proven   bool           // likewise: who comes has shown a password or a certificate

	hashing    int           // cost of passwords; 0 = as it should be
	probeEvery time.Duration // how often it is looked whether the embedded broker still works; 0 = as it likes
}

// mqttConfig names the embedded broker or, by URL, an outside one.
type mqttConfig struct {
	Embedded          embeddedConfig `yaml:"embedded"`
	ExternalURL       string         `yaml:"external_url"` // how agents reach the broker
	configfile.Broker `yaml:",inline"`
}

type embeddedConfig struct {
	Listen   string `yaml:"listen"`
	Insecure bool   `yaml:"insecure"`
}

type httpConfig struct {
	Listen        string `yaml:"listen"`
	WebConfigFile string `yaml:"web_config_file"`
	Insecure      bool   `yaml:"insecure"`
	ExternalURL   string `yaml:"external_url"` // of the first page, as people reach it

	external *url.URL // of ExternalURL; nil: as it listens
}

// numbersConfig is what must be known of a telephone system to understand its numbers.
type numbersConfig struct {
	OutsidePrefix   string `yaml:"outside_prefix"`
	ExtensionLength int    `yaml:"extension_length"`
	SDAPrefix       string `yaml:"sda_prefix"`
}

func (n numbersConfig) dialling() register.Dialling {
	return register.Dialling{OutsidePrefix: n.OutsidePrefix, ExtensionLength: n.ExtensionLength, SDAPrefix: n.SDAPrefix}
}

// read is the number and the extension that a journal means by text, where it is one.
func (n numbersConfig) read(text string) (number, extension string) {
	numbers, _, err := n.dialling().Read(text)
	if err != nil || len(numbers) != 1 {
		return "", ""
	}
	return numbers[0].Key, numbers[0].Extension
}

func (n numbersConfig) check(f *configfile.File) {
	digits := func(text string) bool { return strings.Trim(text, "0123456789") == "" }
	if !digits(n.OutsidePrefix) || len(n.OutsidePrefix) > 2 {
		f.Fault(at("numbers", "outside_prefix"), "%q; want the digits dialled before outside numbers, such as \"0\"", n.OutsidePrefix)
	}
	if n.ExtensionLength != 0 && (n.ExtensionLength < 3 || n.ExtensionLength > 6) {
		f.Fault(at("numbers", "extension_length"), "%d; want 3 to 6 digits, or 0 where numbers aren't extensions", n.ExtensionLength)
	}
	if p := n.SDAPrefix; p != "" && (!digits(p) || p[0] != '0' || len(p) < 4 || len(p) > 8) {
		f.Fault(at("numbers", "sda_prefix"), "%q; want the first 4 to 8 digits of the direct numbers, such as \"024135\"", p)
	}
}

type influxDBConfig struct {
	URL       string `yaml:"url"`
	Org       string `yaml:"org"`    // none for InfluxDB 1.8 and VictoriaMetrics
	Bucket    string `yaml:"bucket"` // of InfluxDB 1.8: DATABASE or DATABASE/RETENTION-POLICY
	TokenFile string `yaml:"token_file"`
	Insecure  bool   `yaml:"insecure"` // another machine without TLS

	Token secret.Text `yaml:"-"` // from TokenFile; of InfluxDB 1.8 USER:PASSWORD
}

type alertsConfig struct {
	Email        emailConfig         `yaml:"email"`
	Webhook      urlConfig           `yaml:"webhook"`
	Alertmanager urlConfig           `yaml:"alertmanager"`
	Recipients   map[string][]string `yaml:"recipients"` // by service
	QuietHours   string              `yaml:"quiet_hours"`

	quiet alert.Hours // of QuietHours
}

type emailConfig struct {
	Host         string   `yaml:"host"`
	Port         int      `yaml:"port"`
	TLS          string   `yaml:"tls"`
	Username     string   `yaml:"username"`
	PasswordFile string   `yaml:"password_file"`
	CAFile       string   `yaml:"ca_file"`
	From         string   `yaml:"from"`
	To           []string `yaml:"to"`

	Password    secret.Text    `yaml:"-"`          // from PasswordFile
	Authorities *x509.CertPool `yaml:"-" json:"-"` // from CAFile; nil = the system's
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
		Retention:    retention{Raw: 400 * 24 * time.Hour},
		Journals:     journalKeeping{Keep: 365 * 24 * time.Hour},
		LineLabel:    "number",
		Directory:    true,
	}
}

// load reads and checks a config file; "" gives the built-in defaults, and no file is looked for.
// The error names all faults at once.
func load(path string) (config, error) {
	c := defaults()
	c.file = path
	f, err := configfile.Read(path, &c)
	if err != nil {
		return config{}, program.Usage(err)
	}
	for _, name := range []*string{
		&c.DataDir, &c.HTTP.WebConfigFile, &c.SignIn.OIDC.ClientSecretFile, &c.SignIn.OIDC.CAFile, &c.InfluxDB.TokenFile, &c.Alerts.Email.PasswordFile, &c.Alerts.Email.CAFile,
	} {
		*name = f.Path(*name)
	}
	c.check(f)
	if err := f.Err(); err != nil {
		return config{}, program.Usage(err)
	}
	return c, nil
}

func (c *config) check(f *configfile.File) {
	var err error
	if c.DataDir == "" {
		f.Fault(at("data_dir"), "empty; want a folder")
	}
	if c.location, err = time.LoadLocation(c.TimeZone); err != nil || c.TimeZone == "" || c.TimeZone == "Local" {
		f.Fault(at("time_zone"), "%q; want an IANA zone such as Europe/Paris or Indian/Reunion", c.TimeZone)
	}
	if c.Language != "fr" && c.Language != "en" {
		f.Fault(at("language"), "%q; want fr or en", c.Language)
	}
	if c.LineLabel != "number" && c.LineLabel != "hash" {
		f.Fault(at("line_label"), "%q; want number or hash", c.LineLabel)
	}
	if c.ActiveWindow < time.Hour {
		f.Fault(at("active_window"), "%s; want 1h or more", c.ActiveWindow)
	}
	if c.BlindAfter < time.Minute {
		f.Fault(at("blind_after"), "%s; want 1m or more", c.BlindAfter)
	}
	if r := c.Retention.Raw; r != 0 && r < shortestRetention {
		f.Fault(at("retention", "raw"), "%s; want %s or more, or 0 to keep all", r, shortestRetention)
	}
	if k := c.Journals.Keep; k < shortestJournals || k > longestJournals {
		f.Fault(at("journals", "keep"), "%s; want %s to %s: 6 months to 3 years", k, shortestJournals, longestJournals)
	}
	c.Numbers.check(f)
	c.checkMQTT(f)
	c.checkHTTP(f)
	c.checkSignIn(f)
	c.checkInfluxDB(f)
	c.checkAlerts(f)
}

func (c *config) checkMQTT(f *configfile.File) {
	m := &c.MQTT
	m.checkExternalURL(f)
	if m.URL == "" {
		f.CheckListen(at("mqtt", "embedded", "listen"), m.Embedded.Listen, m.Embedded.Insecure || m.guarded(),
			", external_url: mqtts://NAME:PORT by which only enrolled agents get in, an outside broker (url: mqtts://…)")
		if m.Embedded.Insecure && m.guarded() {
			f.Fault(at("mqtt", "embedded", "insecure"), "has no use beside external_url: mqtts://…, by which only enrolled agents get in")
		}
		for _, given := range []struct{ key, value string }{
			{"ca_file", m.CAFile},
			{"cert_file", m.CertFile},
			{"key_file", m.KeyFile},
			{"username", m.Username},
			{"password_file", m.PasswordFile},
		} {
			if given.value != "" {
				f.Fault(at("mqtt", given.key), "belongs to an outside broker; want it together with url")
			}
		}
		if m.Insecure {
			f.Fault(at("mqtt", "insecure"), "belongs to an outside broker; want embedded: {insecure: true} for the embedded one")
		}
		return
	}
	if f.Has("mqtt", "embedded", "listen") {
		f.Fault(at("mqtt", "embedded"), "stands beside url; want either the embedded broker or an outside one")
	}
	m.Check(f, at("mqtt"))
}

func (c *config) checkHTTP(f *configfile.File) {
	if file := c.HTTP.WebConfigFile; file != "" {
		var err error
		if c.httpTLS, c.proven, err = web.Protection(file); err != nil {
			f.Fault(at("http", "web_config_file"), "%v", err)
			return
		}
	}
	f.CheckListen(at("http", "listen"), c.HTTP.Listen, c.HTTP.Insecure || c.httpTLS, ", a web_config_file with TLS")
	if c.HTTP.ExternalURL == "" {
		return
	}
	u, err := url.Parse(c.HTTP.ExternalURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		f.Fault(at("http", "external_url"), "%q; want https://NAME/, the address of the first page as people reach it", c.HTTP.ExternalURL)
		return
	}
	u.Path = "/"
	c.HTTP.external, c.HTTP.ExternalURL = u, u.String()
}

// checkInfluxDB never repeats the URL: there might be a password in it.
func (c *config) checkInfluxDB(f *configfile.File) {
	i := &c.InfluxDB
	if i.URL == "" {
		if *i != (influxDBConfig{}) {
			f.Fault(at("influxdb"), "has no url; want url and bucket, or nothing at all: then nothing is written to InfluxDB")
		}
		return
	}
	u, err := url.Parse(i.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "":
		f.Fault(at("influxdb", "url"), "want http://… or https://…")
		return
	case u.User != nil:
		f.Fault(at("influxdb", "url"), "has a user in it; want USER:PASSWORD in a token_file")
	case u.Scheme == "http" && !configfile.Loopback(u.Hostname()) && !i.Insecure:
		f.Fault(at("influxdb", "url"), "would go unencrypted to %s; want https://, or insecure: true beside it in a network you trust", u.Hostname())
	}
	if i.Bucket == "" {
		f.Fault(at("influxdb"), "has no bucket; want its name, for InfluxDB 1.8 DATABASE or DATABASE/RETENTION-POLICY")
	}
	if i.TokenFile != "" {
		i.Token = f.Secret(at("influxdb", "token_file"), i.TokenFile)
	}
}

func (c *config) checkAlerts(f *configfile.File) {
	c.Alerts.Email.check(f, c.Alerts.Recipients)
	for _, service := range slices.Sorted(maps.Keys(c.Alerts.Recipients)) {
		checkRecipients(f, at("alerts", "recipients", service), c.Alerts.Recipients[service])
	}
	var err error
	if c.Alerts.quiet, err = alert.ParseHours(c.Alerts.QuietHours); err != nil {
		f.Fault(at("alerts", "quiet_hours"), "%v", err)
	}
	for _, u := range []struct {
		place []any
		url   string
	}{
		{at("alerts", "webhook", "url"), c.Alerts.Webhook.URL},
		{at("alerts", "alertmanager", "url"), c.Alerts.Alertmanager.URL},
	} {
		if u.url == "" {
			continue
		}
		parsed, err := url.Parse(u.url)
		if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
			f.Fault(u.place, "want http://… or https://…") // not repeated: there may be a token in it
		}
	}
}

// page is the address of the first page on a listen address.
func (c *config) page(listen string) string {
	if c.httpTLS {
		return "https://" + listen + "/"
	}
	return "http://" + listen + "/"
}

// at is the place of a value in the file.
func at(steps ...any) []any { return steps }
