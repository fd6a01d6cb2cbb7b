package main

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/authority"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestAnAgentThatIsRefusedAgainAndAgainFillsNoLog(t *testing.T) {
	books, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer books.Close()
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	answer := certify(authority.New(authority.Options{Books: books}), "mqtts://127.0.0.1:8883", log)
	for _, csr := range []string{"a", "b", "-----BEGIN CERTIFICATE REQUEST-----"} {
		for _, agent := range []string{"ps-01", "ps-02"} {
			a, err := answer(t.Context(), agent, wire.CertificateRequest{V: wire.Version, CSR: csr})
			if err != nil || a.Error == "" {
				t.Errorf("got %+v, %v; want it told why", a, err)
			}
		}
	}
	if n := strings.Count(said.String(), "no certificate for an agent"); n != 2 {
		t.Errorf("said %d times, want once of each agent:\n%s", n, &said)
	}
}

func TestAnAgentCanReadTheBundleThatIsMadeForIt(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir)
	write(t, dir, "snmp.yml", "snmp: {credentials: [{name: v3, version: 3, user: z, auth: SHA256, auth_password_file: a.txt, privacy: AES, privacy_password_file: a.txt}]}\n")
	write(t, dir, "a.txt", "correct horse battery")
	for name, x := range map[string]struct{ mqtt, url, brokerCA string }{
		"no configuration":   {`{}`, "mqtt://127.0.0.1:1883", ""},
		"an outside broker":  {`{url: "mqtts://broker.chu.example", ca_file: c.pem, username: x}`, "mqtts://broker.chu.example:8883", "c.pem"},
		"another way for it": {`{url: "mqtt://127.0.0.1:1", external_url: "mqtts://broker.chu.example"}`, "mqtts://broker.chu.example:8883", ""},
		"an open broker":     {`{external_url: "mqtt://zerofax:1883", embedded: {listen: ":1883", insecure: true}}`, "mqtt://zerofax:1883", ""},
	} {
		t.Run(name, func(t *testing.T) {
			config := write(t, dir, "collector.yml", "data_dir: "+filepath.Join(t.TempDir(), "books")+"\nmqtt: "+x.mqtt+"\n")
			var out, said bytes.Buffer
			if code := run(t.Context(), []string{"enroll", "ps-02", "-o", "-", "--credentials", filepath.Join(dir, "snmp.yml"), "--config", config}, &out, &said); code != 0 {
				t.Fatalf("got exit code %d: %s", code, &said)
			}
			b, err := bundle.Decode("ps-02.bundle", out.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if b.Agent != "ps-02" || b.URL != x.url || (b.BrokerCA != "") != (x.brokerCA != "") {
				t.Errorf("got agent %s, %s, broker's authority %q; want ps-02, %s, %s", b.Agent, b.URL, b.BrokerCA, x.url, x.brokerCA)
			}
			if len(b.Credentials) != 1 || b.Credentials[0].PrivacyPassword != "correct horse battery" {
				t.Errorf("got %d credentials, want one with its secrets", len(b.Credentials))
			}
			if bytes.Contains(said.Bytes(), []byte("correct horse")) {
				t.Error("a secret is said aloud")
			}
		})
	}
}
