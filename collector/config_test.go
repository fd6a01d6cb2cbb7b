package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASecretNeverShows(t *testing.T) {
	const hush = secret("hunter2")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "password", hush, "in", struct{ P secret }{hush})
	asJSON, err := json.Marshal(map[string]secret{"p": hush})
	if err != nil {
		t.Fatal(err)
	}
	for name, shown := range map[string]string{
		"%v": fmt.Sprintf("%v", hush), "%s": fmt.Sprintf("%s", hush), "%q": fmt.Sprintf("%q", hush), "%x": fmt.Sprintf("%x", hush),
		"%+v in a struct": fmt.Sprintf("%+v", config{Password: hush}), "%#v": fmt.Sprintf("%#v", hush), "log": log.String(), "JSON": string(asJSON),
	} {
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%s shows it: %s", name, shown)
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
		"TLS without users":             {`http: {listen: ":8780", web_config_file: tls.yml}`, "can be reached"},
		"users without TLS":             {`http: {listen: ":8780", web_config_file: users.yml}`, "can be reached"},
		"TLS and users":                 {`http: {listen: ":8780", web_config_file: both.yml}`, ""},
		"a bad web config file":         {`http: {web_config_file: bad.yml}`, "tls_server_confog"},
		"no web config file":            {`http: {web_config_file: none.yml}`, "no such file"},
		"no port":                       {`http: {listen: 127.0.0.1}`, "want host:port"},
		"MQTT to all":                   {`mqtt: {embedded: {listen: "0.0.0.0:1883"}}`, "can be reached"},
		"MQTT to all, on purpose":       {`mqtt: {embedded: {listen: "0.0.0.0:1883", insecure: true}}`, ""},
		"an outside broker in clear":    {`mqtt: {url: "mqtt://broker:1883"}`, "is another machine; want mqtts://"},
		"the same, on purpose":          {`mqtt: {url: "mqtt://broker:1883", insecure: true}`, ""},
		"TLS but nobody says who it is": {`mqtt: {url: "mqtts://broker:8883"}`, "is another machine"},
		"a broker on this machine":      {`mqtt: {url: "mqtt://127.0.0.1:1884"}`, ""},
		"a certificate":                 {`mqtt: {url: "mqtts://broker:8883", ca_file: c.pem, cert_file: c.pem, key_file: k.pem}`, ""},
		"half a certificate":            {`mqtt: {url: "mqtts://broker:8883", cert_file: c.pem}`, "only one is given"},
		"no certificate in the file":    {`mqtt: {url: "mqtts://broker:8883", username: x, ca_file: empty.txt}`, "no certificate in it"},
		"an empty password":             {`mqtt: {url: "mqtts://broker:8883", username: x, password_file: empty.txt}`, "is empty; want a password"},
		"a user in the URL":             {`mqtt: {url: "mqtts://x:hunter2@broker:8883"}`, "holds a user"},
		"another scheme":                {`mqtt: {url: "http://broker"}`, "want mqtt://host:1883"},
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
