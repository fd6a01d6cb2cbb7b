package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What InfluxDB may be reached by, and what the fault says otherwise.
func TestInfluxDBIsNamedWholeAndReachedSafely(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "token.txt", "hunter2\n")
	for name, test := range map[string]struct{ text, want string }{
		"on this machine":         {`influxdb: {url: "http://127.0.0.1:8086", bucket: fax}`, ""},
		"with TLS":                {`influxdb: {url: "https://influx/base", org: chu, bucket: fax, token_file: token.txt}`, ""},
		"in clear, on purpose":    {`influxdb: {url: "http://influx:8086", bucket: fax, insecure: true}`, ""},
		"in clear":                {`influxdb: {url: "http://influx:8086", bucket: fax}`, "url: would go unencrypted to influx; want https://"},
		"no bucket":               {`influxdb: {url: "http://127.0.0.1:8086"}`, "influxdb: has no bucket"},
		"only a bucket":           {`influxdb: {bucket: fax}`, "influxdb: has no url"},
		"another scheme":          {`influxdb: {url: "udp://influx:8089", bucket: fax}`, "url: want http://… or https://…"},
		"no host":                 {`influxdb: {url: "http://:8086", bucket: fax}`, "url: want http://… or https://…"},
		"a database behind the ?": {`influxdb: {url: "http://127.0.0.1:8086?db=fax", bucket: fax}`, "url: want http://… or https://…"},
		"a user in the URL":       {`influxdb: {url: "http://x:hunter2@127.0.0.1:8086", bucket: fax}`, "has a user in it; want USER:PASSWORD in a token_file"},
		"no token file":           {`influxdb: {url: "http://127.0.0.1:8086", bucket: fax, token_file: none.txt}`, "none.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load(write(t, dir, "collector.yml", test.text+"\n"))
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if shown := fmt.Sprint(err, c.influxDBPlan()); strings.Contains(shown, "hunter2") {
				t.Errorf("it shows a password: %s", shown)
			}
		})
	}
}

func TestASecretNeverShows(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "p.txt", "hunter2\n")
	c, err := load(write(t, dir, "collector.yml", "mqtt: {url: 'mqtt://127.0.0.1', username: u, password_file: p.txt}\n"))
	if err != nil || string(c.MQTT.Password) != "hunter2" {
		t.Fatalf("got %v, want the password read", err)
	}
	if c.MQTT.URL != "mqtt://127.0.0.1:1883" {
		t.Errorf("got %s, want MQTT's own port where none is named", c.MQTT.URL)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if shown := fmt.Sprintf(verb, c); strings.Contains(shown, "hunter2") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%s shows it: %s", verb, shown)
		}
	}
}

// What a collector may be reached by, and what the fault says otherwise.
func TestOthersReachItOnlyProtectedOrOnPurpose(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tls.yml":   "tls_server_config: {cert_file: c.pem, key_file: k.pem}\n",
		"users.yml": "basic_auth_users: {dsi: " + bcrypted + "}\n",
		"both.yml":  "tls_server_config: {cert_file: c.pem, key_file: k.pem}\nbasic_auth_users: {dsi: " + bcrypted + "}\n",
		"bad.yml":   "tls_server_confog: {}\n",
		"empty.txt": "\n",
	} {
		write(t, dir, name, text)
	}
	writeCertificate(t, dir)
	for name, test := range map[string]struct{ text, want string }{
		"loopback by name":              {`http: {listen: "localhost:8780"}`, ""},
		"loopback, IPv6":                {`http: {listen: "[::1]:8780"}`, ""},
		"all addresses":                 {`http: {listen: ":8780"}`, `listen: ":8780" can be reached from other machines`},
		"all addresses, on purpose":     {`http: {listen: ":8780", insecure: true}`, ""},
		"TLS without users":             {`http: {listen: ":8780", web_config_file: tls.yml}`, ""},
		"users without TLS":             {`http: {listen: ":8780", web_config_file: users.yml}`, "can be reached"},
		"TLS and users":                 {`http: {listen: ":8780", web_config_file: both.yml}`, ""},
		"a bad web config file":         {`http: {web_config_file: bad.yml}`, "tls_server_confog"},
		"no web config file":            {`http: {web_config_file: none.yml}`, "no such file"},
		"no port":                       {`http: {listen: 127.0.0.1}`, "want ADDRESS:PORT"},
		"MQTT to all":                   {`mqtt: {embedded: {listen: "0.0.0.0:1883"}}`, "can be reached"},
		"MQTT to enrolled agents":       {`mqtt: {external_url: "mqtts://zerofax", embedded: {listen: ":8883"}}`, ""},
		"MQTT to them and to all":       {`mqtt: {external_url: "mqtts://zerofax", embedded: {listen: ":8883", insecure: true}}`, "has no use beside external_url"},
		"agents go in clear":            {`mqtt: {external_url: "mqtt://zerofax:1883"}`, "agents would go unencrypted to zerofax"},
		"a way that is none":            {`mqtt: {external_url: "https://zerofax"}`, "want mqtt://HOST:PORT or mqtts://HOST:PORT"},
		"a password in the way":         {`mqtt: {external_url: "mqtts://x:hunter2@zerofax"}`, "has a user in it"},
		"MQTT to all, on purpose":       {`mqtt: {embedded: {listen: "0.0.0.0:1883", insecure: true}}`, ""},
		"an outside broker in clear":    {`mqtt: {url: "mqtt://broker:1883"}`, "would go unencrypted to broker; want mqtts://"},
		"the same, on purpose":          {`mqtt: {url: "mqtt://broker:1883", insecure: true}`, ""},
		"TLS but nobody says who it is": {`mqtt: {url: "mqtts://broker:8883"}`, "broker would not know who this is"},
		"a broker on this machine":      {`mqtt: {url: "mqtt://127.0.0.1:1884"}`, ""},
		"a certificate":                 {`mqtt: {url: "mqtts://broker:8883", ca_file: c.pem, cert_file: c.pem, key_file: k.pem}`, ""},
		"half a certificate":            {`mqtt: {url: "mqtts://broker:8883", cert_file: c.pem}`, "go together"},
		"no certificate in the file":    {`mqtt: {url: "mqtts://broker:8883", username: x, ca_file: empty.txt}`, "no certificate in it"},
		"an empty password":             {`mqtt: {url: "mqtts://broker:8883", username: x, password_file: empty.txt}`, "is empty; want the secret"},
		"a user in the URL":             {`mqtt: {url: "mqtts://x:hunter2@broker:8883"}`, "has a user in it"},
		"another scheme":                {`mqtt: {url: "http://broker"}`, "want mqtt://HOST:PORT"},
		"insecure for the wrong broker": {`mqtt: {insecure: true}`, "want embedded: {insecure: true}"},
		"both brokers":                  {`mqtt: {url: "mqtt://127.0.0.1:1884", embedded: {listen: "127.0.0.1:1"}}`, "stands beside url"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(write(t, dir, "collector.yml", test.text+"\n"))
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v, want it accepted", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "collector.yml:1: ")):
				t.Errorf("got %v, want collector.yml:1: … %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the fault shows a password: %v", err)
			}
		})
	}
}

// of "hunter2", cost 4
const bcrypted = "$2a$04$Z5FB/8U/O3hTseTjzc14I.rJMSu22NBqOFcjo0f/nlOVjamyvuDIq"

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
