package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// write puts files into a new folder and returns the path of agent.yml in it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "agent.yml")
}

// everyKey is agent.yml as the documentation shows it.
const everyKey = `
agent: ps-01
collector: {url: mqtt://127.0.0.1:1883, ca_file:, cert_file:, key_file:, username: ps-01, password_file: p.txt}
snmp:
  timeout: 2s
  retries: 2
  max_in_flight: 64
  credentials:
    - {name: v3, version: 3, user: zerofax, auth: SHA256, auth_password_file: a.txt, privacy: AES, privacy_password_file: p.txt}
    - {name: legacy, version: 2c, community: topsecret-inline}
    - {name: old, version: 1, community_file: c.txt}
targets:
  - {host: 10.12.4.20, credentials: v3}
  - {host: 10.12.4.21, port: 161, credentials: legacy}
  - {host: copier-3.example.org, port: 1161, credentials: old}
  - {range: 10.12.4.0/24, credentials: legacy}
poll: {lines: 1m, counters: 5m}
discovery: {every: 24h, rate: 50, window: ""}
profiles_dir:
spool: {dir: ./data, max_size: 256MB}
http: {listen: 127.0.0.1:8781}
`

var secrets = map[string]string{"a.txt": "topsecret-auth\n", "p.txt": "topsecret-pass\r\n", "c.txt": "topsecret-community"}

func withSecrets(text string) map[string]string {
	files := map[string]string{"agent.yml": text}
	for name, secret := range secrets {
		files[name] = secret
	}
	return files
}

func TestEveryKeyIsAccepted(t *testing.T) {
	path := write(t, withSecrets(everyKey))
	c, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Spool.Dir, filepath.Join(filepath.Dir(path), "data"); got != want {
		t.Errorf("spool.dir: got %s, want %s, beside the file", got, want)
	}
	if c.Collector.Password != "topsecret-pass" || c.SNMP.Credentials[0].AuthPassword != "topsecret-auth" ||
		c.SNMP.Credentials[2].Community != "topsecret-community" {
		t.Error("the secrets weren't read from their files")
	}
	if got := len(c.Hosts()); got != 3 {
		t.Errorf("got %d hosts, want 3", got)
	}
	if got := c.Hosts()[2].Address(); got != "copier-3.example.org:1161" {
		t.Errorf("got address %s", got)
	}
	if c.Spool.MaxSize != 256e6 {
		t.Errorf("spool.max_size: got %d", c.Spool.MaxSize)
	}
}

func TestWithoutAFileTheDefaultsHold(t *testing.T) {
	c, err := loadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	if c.Collector.URL != "mqtt://127.0.0.1:1883" || c.Poll.Lines != time.Minute || c.Poll.Counters != 5*time.Minute ||
		c.SNMP.Timeout != 2*time.Second || c.SNMP.Retries != 2 || c.SNMP.MaxInFlight != 64 || filepath.Base(c.Spool.Dir) != "zerofax-agent-data" || !filepath.IsAbs(c.Spool.Dir) ||
		len(c.Targets) != 0 || len(c.warnings) != 0 {
		t.Errorf("got %+v", c)
	}
}

func TestTheAgentIsNamedAfterItsHost(t *testing.T) {
	for host, want := range map[string]string{
		"PS-01": "ps-01", "ps-01.chu.example.org": "ps-01", "Imprimantes_Étage 2": "imprimantes-tage-2",
		"": "agent", "___": "agent", strings.Repeat("x", 80): strings.Repeat("x", 63),
	} {
		if got := agentFrom(host); got != want {
			t.Errorf("%q: got %q, want %q", host, got, want)
		}
	}
}

func TestAnEmptyFileMeansDefaults(t *testing.T) {
	if _, err := loadConfig(write(t, map[string]string{"agent.yml": "# nothing\n"})); err != nil {
		t.Error(err)
	}
}

func TestFaultsSayWhereAndWhatWouldBeRight(t *testing.T) {
	const creds = "snmp: {credentials: [{name: a, version: 2c, community: x}, {name: b, version: 1, community: y}]}\n"
	v3 := func(rest string) string {
		return "snmp:\n  credentials:\n    - {name: a, version: 3, " + rest + "}\n"
	}
	for name, test := range map[string]struct{ text, want string }{
		"unknown key":              {"agnet: x\n", `1: unknown key "agnet"; known here: agent, collector, central, snmp, targets, poll, discovery, profiles_dir, journals, spool, http`},
		"agent":                    {"agent: PS 01\n", `1: agent: "PS 01"; want 1 to 63 of a-z, 0-9 and -, such as ps-01`},
		"url: scheme":              {"collector: {url: 'http://127.0.0.1:1883'}\n", `1: url: want mqtt://HOST:PORT or mqtts://HOST:PORT`},
		"url: nothing in it":       {"collector: {url: ''}\n", `1: url: want mqtt://HOST:PORT or mqtts://HOST:PORT`},
		"url: port":                {"collector: {url: 'mqtt://127.0.0.1:99999'}\n", `1: url: port 99999; want 1 to 65535`},
		"url: user in it":          {"collector: {url: 'mqtt://me:pw@127.0.0.1'}\n", `1: url: has a user in it; want that in username and password_file`},
		"url: unencrypted":         {"collector: {url: 'mqtt://broker'}\n", `1: url: would go unencrypted to broker; want mqtts:// with username and password_file or cert_file and key_file, or insecure: true beside it`},
		"url: nobody":              {"collector: {url: 'mqtts://broker'}\n", `1: url: broker would not know who this is; want username and password_file or cert_file and key_file, or insecure: true beside it`},
		"ca_file: no TLS":          {"collector: {ca_file: p.txt}\n", `1: url: is not encrypted, so ca_file, cert_file and key_file have no use; want mqtts://`},
		"ca_file: no certificate":  {"collector:\n  url: mqtts://broker\n  ca_file: p.txt\n  username: u\n", `3: ca_file: no certificate in it; want PEM`},
		"ca_file: not there":       {"collector:\n  url: mqtts://broker\n  ca_file: q.txt\n  username: u\n", `3: ca_file: open q.txt: no such file or directory`},
		"cert_file alone":          {"collector:\n  url: mqtts://broker\n  cert_file: p.txt\n", `2: collector: cert_file and key_file go together; want both or neither`},
		"cert_file: no pair":       {"collector:\n  url: mqtts://broker\n  cert_file: p.txt\n  key_file: p.txt\n", `3: cert_file: with its key_file: tls: failed to find any PEM data in certificate input`},
		"password_file alone":      {"collector:\n  password_file: p.txt\n", `2: password_file: a password without a user; want username too`},
		"password_file: not there": {"collector:\n  username: u\n  password_file: q.txt\n", `3: password_file: open q.txt: no such file or directory`},
		"password_file: empty":     {"collector:\n  username: u\n  password_file: empty.txt\n", `3: password_file: empty.txt is empty; want the secret on its first line`},
		"password_file: two lines": {"collector:\n  username: u\n  password_file: two.txt\n", `3: password_file: two.txt has several lines; want only the secret`},
		"timeout":                  {"snmp: {timeout: 1ms}\n", `1: timeout: 1ms; want 100ms to 30s`},
		"timeout: no duration":     {"snmp: {timeout: 2}\n", `1: timeout: "2"; want a duration such as 30s, 5m or 24h`},
		"retries":                  {"snmp: {retries: 9}\n", `1: retries: 9; want 0 to 5`},
		"max_in_flight":            {"snmp: {max_in_flight: 0}\n", `1: max_in_flight: 0; want 1 to 1024`},
		"credentials: no name":     {"snmp:\n  credentials:\n    - {version: 1, community: x}\n", `3: credentials: name is missing; want one that targets can refer to`},
		"credentials: name twice":  {"snmp:\n  credentials:\n    - {name: a, version: 1, community: x}\n    - {name: a, version: 1, community: x}\n", `4: name: "a" is there already; want another`},
		"credentials: no version":  {"snmp: {credentials: [{name: a, community: x}]}\n", `1: credentials: version is missing; want 1, 2c or 3`},
		"credentials: version":     {"snmp: {credentials: [{name: a, version: 2, community: x}]}\n", `1: version: "2"; want 1, 2c or 3`},
		"community: none":          {"snmp: {credentials: [{name: a, version: 2c}]}\n", `1: credentials: community is missing; want community or community_file`},
		"community: both":          {"snmp: {credentials: [{name: a, version: 2c, community: x, community_file: c.txt}]}\n", `1: community_file: stands beside community; want one of them`},
		"community: too long":      {"snmp: {credentials: [{name: a, version: 2c, community: " + strings.Repeat("x", 200) + "}]}\n", `1: credentials: the community has 200 bytes; want 1 to 127`},
		"community_file":           {"snmp: {credentials: [{name: a, version: 2c, community_file: q.txt}]}\n", `1: community_file: open q.txt: no such file or directory`},
		"community: v3's keys":     {"snmp: {credentials: [{name: a, version: 2c, community: x, user: u}]}\n", `1: user: belongs to version 3; version 2c wants community or community_file`},
		"v3: community":            {v3("user: u, community: x"), `3: community: belongs to versions 1 and 2c; version 3 wants user`},
		"v3: long user":            {v3("user: " + strings.Repeat("u", 33)), `3: user: has 33 bytes; want 1 to 32`},
		"v3: no user":              {v3("auth: SHA, auth_password_file: a.txt"), `3: credentials: user is missing; version 3 wants one`},
		"v3: auth":                 {v3("user: u, auth: SHA3, auth_password_file: a.txt"), `3: auth: "SHA3"; want one of MD5, SHA, SHA224, SHA256, SHA384, SHA512`},
		"v3: auth, no password":    {v3("user: u, auth: SHA"), `3: auth: without a password; want auth_password_file`},
		"v3: short password":       {v3("user: u, auth: SHA, auth_password_file: short.txt"), `3: auth_password_file: the password is too short; SNMPv3 wants 8 characters or more`},
		"v3: password, no auth":    {v3("user: u, auth_password_file: a.txt"), `3: auth_password_file: without auth; want one of MD5, SHA, SHA224, SHA256, SHA384, SHA512 there`},
		"v3: privacy alone":        {v3("user: u, privacy: AES, privacy_password_file: p.txt"), `3: privacy: without auth; want both, SNMPv3 has no privacy alone`},
		"v3: privacy":              {v3("user: u, auth: SHA, auth_password_file: a.txt, privacy: ROT13, privacy_password_file: p.txt"), `3: privacy: "ROT13"; want one of DES, AES, AES192, AES256, AES192C, AES256C`},
		"target: nothing":          {"targets:\n  - {port: 161}\n", `2: targets: host is missing; want host or range`},
		"target: both":             {"targets: [{host: h, range: 10.0.0.0/24}]\n", `1: range: stands beside host; want one of them`},
		"target: host and port":    {"targets:\n  - host: 10.0.0.1:161\n", `2: host: "10.0.0.1:161"; want a host name or an address, its port in port:`},
		"target: mistyped address": {"targets:\n  - host: 10.0.0.256\n", `2: host: "10.0.0.256"; want a host name or an address, its port in port:`},
		"target: port":             {"targets:\n  - {host: h, port: 70000}\n", `2: port: 70000; want 1 to 65535`},
		"target: port 0":           {"targets:\n  - {host: h, port: 0}\n", `2: port: 0; want 1 to 65535`},
		"target: range":            {"targets: [{range: 10.0.0.1-10.0.0.9}]\n", `1: range: "10.0.0.1-10.0.0.9"; want a network such as 10.12.4.0/24`},
		"target: range's bits":     {"targets: [{range: 10.0.0.1/24}]\n", `1: range: "10.0.0.1/24"; want the network 10.0.0.0/24, or the address 10.0.0.1`},
		"target: range's size":     {"targets: [{range: 10.0.0.0/8}]\n", `1: range: "10.0.0.0/8" has 2^24 addresses; want 65536 at most, a /16, or several of these`},
		"target: range twice":      {"targets:\n  - range: 10.0.0.0/24\n  - {range: 10.0.0.0/24, port: 161}\n", `3: range: 10.0.0.0/24 is there already; want each range once, several credentials as a list`},
		"target: two credentials":  {creds + "targets:\n  - {host: h, credentials: [a, b]}\n", `3: credentials: a host has one; want one of: a, b`},
		"range: credentials":       {creds + "targets:\n  - {range: 10.0.0.0/24, credentials: [a, c]}\n", `3: credentials: "c" is not among snmp.credentials; want one of: a, b`},
		"target: twice":            {"targets:\n  - host: h\n  - {host: h, port: 161}\n", `3: host: h is there already; want each machine once`},
		"target: no credentials":   {creds + "targets:\n  - host: h\n", `3: targets: credentials is missing; want one of: a, b`},
		"target: credentials":      {creds + "targets:\n  - {host: h, credentials: c}\n", `3: credentials: "c" is not among snmp.credentials; want one of: a, b`},
		"poll: too fast":           {"poll: {lines: 500ms}\n", `1: lines: 500ms; want 1s to 24h`},
		"poll: too slow":           {"poll: {counters: 48h}\n", `1: counters: 48h0m0s; want 1s to 24h`},
		"discovery: every":         {"discovery: {every: 1s}\n", `1: every: 1s; want 1m or more`},
		"discovery: rate":          {"discovery: {rate: 0}\n", `1: rate: 0; want 1 to 1000 addresses a second`},
		"discovery: window":        {"discovery: {window: night}\n", `1: window: "night"; want times of day such as 22:00-05:00, or nothing`},
		"profiles_dir":             {"profiles_dir: p.txt\n", `1: profiles_dir: "p.txt"; want a folder of profiles`},
		"spool: no folder":         {"spool: {dir: ''}\n", `1: dir: is empty; want a folder that the agent may write to`},
		"spool: Windows' path":     {"spool: {dir: \"C:\\zerofax\"}\n", `1: not YAML: found unknown escape character; want \\ for each backslash, or no quotes around it`},
		"spool: no size":           {"spool: {max_size: much}\n", `1: max_size: "much"; want a size such as 256MB or 1GB`},
		"spool: too small":         {"spool: {max_size: 10kB}\n", `1: max_size: 10kB; want 64kB or more`},
		"http":                     {"http: {listen: localhost}\n", `1: listen: "localhost"; want ADDRESS:PORT, 127.0.0.1:PORT for this computer alone`},
		"http: open":               {"http: {listen: ':8781'}\n", `1: listen: ":8781" can be reached from other machines; want 127.0.0.1:8781, or insecure: true beside it in a network you trust`},
	} {
		t.Run(name, func(t *testing.T) {
			files := withSecrets(test.text)
			files["empty.txt"], files["two.txt"], files["short.txt"] = "\n", "a\nb\n", "1234567\n"
			path := write(t, files)
			_, err := loadConfig(path)
			if err == nil {
				t.Fatal("got no error")
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(path)+string(filepath.Separator), "")
			if got != "agent.yml:"+test.want {
				t.Errorf("got:\n%s\nwant:\nagent.yml:%s", got, test.want)
			}
		})
	}
}

func TestAllFaultsAreToldAtOnceInTheOrderOfTheFile(t *testing.T) {
	path := write(t, map[string]string{"agent.yml": "agent: A\npoll: {lines: 0s}\nsnmp: {retries: x}\nspool: {size: 3}\ntargets:\n  - {host: 'a b'}\n"})
	_, err := loadConfig(path)
	if err == nil {
		t.Fatal("got no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 5 {
		t.Fatalf("got %d faults, want 5:\n%v", len(lines), err)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, fmt.Sprintf("%s:%d: ", path, []int{1, 2, 3, 4, 6}[i])) {
			t.Errorf("fault %d: got %s", i+1, line)
		}
	}
}

func TestFastPollingIsWarnedOf(t *testing.T) {
	c, err := loadConfig(write(t, map[string]string{"agent.yml": "poll: {lines: 29s, counters: 30s}\n"}))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.pollWarnings) != 1 || !strings.HasPrefix(c.pollWarnings[0], "poll.lines is 29s: fast polling has crashed printers") {
		t.Errorf("got %q", c.pollWarnings)
	}
}

func TestASecretPrintsAsNothing(t *testing.T) {
	c, err := loadConfig(write(t, withSecrets(everyKey)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", *c)
		fmt.Fprintf(&out, verb+"\n", c.SNMP.Credentials[1].Community)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "config", c, "secret", c.Collector.Password)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "config", c, "secret", c.Collector.Password)
	if err := json.NewEncoder(&out).Encode(c); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "topsecret") || strings.Contains(out.String(), fmt.Sprintf("%x", "topsecret")) {
		t.Errorf("a secret got out:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "<secret>") {
		t.Errorf("want %s in:\n%s", "<secret>", out.String())
	}
}
