package main

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/bundle/bundletest"
	"github.com/zerofax/zerofax/agent/internal/service"
	"github.com/zerofax/zerofax/agent/secret"
)

var ways = []credentialsConfig{
	{Name: "v3", Version: "3", User: "zero: fax", Auth: "SHA256", AuthPassword: "topsecret-auth", Privacy: "AES", PrivacyPassword: "topsecret-privacy"},
	{Name: "legacy", Version: "2c", Community: "topsecret-community"},
	{Name: "Étage 2 / nord", Version: "1", Community: "topsecret-north"},
	{Name: "LEGACY", Version: "2c", Community: "topsecret-other"},
}

// enrolledAt is what install makes of a bundle of ca's in a folder.
func enrolledAt(ca *bundletest.Authority, dir string) *enrolled {
	b := ca.Bundle("ps-02", "mqtts://zerofax.chu.example:8883")
	b.Credentials = ways
	return &enrolled{Bundle: b, from: "ps-02.bundle", dir: dir, now: time.Now()}
}

// writes is what install does before it makes a service, up to the nth file; it tells their names.
func (e *enrolled) writes(t *testing.T, n int) (names []string) {
	t.Helper()
	parts, err := e.parts(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	parts = parts[:min(n, len(parts))]
	if err := e.write(io.Discard, parts); err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

const all = 100

func TestABundleBecomesAConfigurationThatIsClosedToOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "zerofax")
	ca := bundletest.New()
	e := enrolledAt(ca, dir)
	e.writes(t, all)
	c, err := loadConfig(filepath.Join(dir, "agent.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Agent != "ps-02" || c.Collector.URL != e.URL || !c.Central.authority.Equal(ca.Certificate) || c.Spool.Dir != filepath.Join(dir, "data") {
		t.Errorf("got %+v", c)
	}
	for i, got := range c.SNMP.Credentials {
		got.CommunityFile, got.AuthPasswordFile, got.PrivacyPasswordFile = "", "", ""
		if got != ways[i] {
			t.Errorf("got other credentials %q than the bundle's %q, or another secret", got.Name, ways[i].Name)
		}
	}
	if who := identityOf(c, quiet()).State(); who == nil || who.Error != "" {
		t.Errorf("certificate: got %+v", who)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 9 {
		t.Errorf("got %q, %v; want agent.yml, three PEM files, five secrets", names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == filepath.Join(dir, "agent.yml") && strings.Contains(string(text), "topsecret") {
			t.Errorf("a secret in\n%s", text)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
			t.Errorf("%s: mode %o, want 600", name, mode)
		}
	}
	if again := e.writes(t, all); len(again) != 0 {
		t.Errorf("taken again it writes %q, want nothing", again)
	}
}

func TestWhateverNamesABundleHasItsConfigurationSaysTheSame(t *testing.T) {
	ca := bundletest.New()
	for _, agent := range []string{"null", "-", "---", "0x1f", "true", "2026-11-23"} {
		dir := t.TempDir()
		e := enrolledAt(ca, dir)
		e.Bundle = ca.Bundle(agent, "mqtts://zerofax.chu.example:8883")
		e.Credentials = []credentialsConfig{
			{Name: "snmp-2", Version: "2c", Community: "first"},
			{Name: "a/b", Version: "2c", Community: "second"},
			{Name: "null", Version: "2c", Community: "third"},
			{Name: "true", Version: "3", User: "1e3"},
		}
		e.writes(t, all)
		c, err := loadConfig(filepath.Join(dir, "agent.yml"))
		if err != nil {
			t.Errorf("agent %s: %v", agent, err)
			continue
		}
		if c.Agent != agent {
			t.Errorf("got agent %q, want %q", c.Agent, agent)
		}
		for i, got := range c.SNMP.Credentials {
			if want := e.Credentials[i]; got.Name != want.Name || got.Community != want.Community || got.User != want.User {
				t.Errorf("got credentials %q of user %q, or another secret; want %q of %q", got.Name, got.User, want.Name, want.User)
			}
		}
	}
}

func TestAnInstallationThatWasKilledIsEndedByTheNext(t *testing.T) {
	ca := bundletest.New()
	for n := range all {
		dir := t.TempDir()
		e := enrolledAt(ca, dir)
		whole := slices.Contains(e.writes(t, n), "agent.yml")
		_, err := loadConfig(filepath.Join(dir, "agent.yml"))
		if whole != (err == nil) {
			t.Errorf("killed after %d files: agent.yml: %v", n, err)
		}
		e.writes(t, all)
		if _, err := loadConfig(filepath.Join(dir, "agent.yml")); err != nil {
			t.Errorf("killed after %d files, then taken again: %v", n, err)
		}
		if whole {
			return
		}
	}
}

func TestEnrolledAgainAnAgentKeepsItsConfiguration(t *testing.T) {
	ca, dir := bundletest.New(), t.TempDir()
	first := enrolledAt(ca, dir)
	first.writes(t, all)
	config := filepath.Join(dir, "agent.yml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), "targets: []", "targets: [{host: 10.12.4.20, credentials: v3}]", 1)
	if err := os.WriteFile(config, []byte(edited), 0o640); err != nil {
		t.Fatal(err)
	}
	again := enrolledAt(ca, dir)
	from := time.Now().Truncate(time.Second)
	certificate, key := ca.Issue("ps-02", from, from.AddDate(2, 0, 0))
	again.Certificate, again.Key, again.Credentials = certificate, secret.Text(key), nil
	if got := again.writes(t, all); len(got) != 1 || got[0] != pairFile {
		t.Errorf("got %q written, want %s alone", got, pairFile)
	}
	if text, err = os.ReadFile(config); err != nil || string(text) != edited {
		t.Errorf("agent.yml was changed: %v\n%s", err, text)
	}
	if got := first.writes(t, all); len(got) != 0 {
		t.Errorf("the older bundle writes %q, want nothing", got)
	}
	moved := enrolledAt(bundletest.New(), dir) // to a collector with another authority, behind the same address
	if got := strings.Join(moved.writes(t, all), " "); got != "authority.pem broker-ca.pem agent.pem" {
		t.Errorf("another authority: got %q written", got)
	}
	if c, err := loadConfig(config); err != nil || c.Hosts()[0].Host != "10.12.4.20" {
		t.Errorf("got %v", err)
	}
}

func TestABundleForAnotherAgentOrCollectorIsRefusedWithWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bundle.Bundle)
		config string // instead of what the first installation wrote
		want   string
	}{
		"another agent": {
			func(b *bundle.Bundle) { *b = bundletest.New().Bundle("ps-03", b.URL) }, "",
			`agent.yml is of agent "ps-02", ps-02.bundle is for ps-03. If ps-03 is to take its place: move that file away, and DIR/data too when all in it was sent, then install again`,
		},
		"another collector": {
			func(b *bundle.Bundle) { b.URL = "mqtts://other.chu.example:8883" }, "",
			`agent.yml sends elsewhere than ps-02.bundle says; write url: mqtts://other.chu.example:8883 into it, or move it away, then install again`,
		},
		"written by hand": {
			func(*bundle.Bundle) {}, "agent: ps-02\ncollector: {url: mqtts://zerofax.chu.example, username: ps-02, password_file: p.txt}\n",
			`agent.yml doesn't name what ps-02.bundle brings; write collector: {ca_file: broker-ca.pem, cert_file: agent.pem, key_file: agent.pem} and central: {authority_file: authority.pem} into it, or move it away, then install again`,
		},
		"with a fault": {
			func(*bundle.Bundle) {}, "agnet: ps-02\n", "agent.yml:1: unknown key \"agnet\"",
		},
		"a bundle that has ended": {
			func(b *bundle.Bundle) {
				ca := bundletest.New()
				certificate, key := ca.Issue("ps-02", time.Now().AddDate(-2, 0, 0), time.Now().AddDate(0, 0, -1))
				b.Authority, b.Certificate, b.Key = ca.PEM, certificate, secret.Text(key)
			}, "",
			"the certificate in ps-02.bundle ended on " + time.Now().AddDate(0, 0, -1).Format(time.DateOnly) + ": enrol this agent again (zerofax-collector enroll ps-02), or set this machine's clock",
		},
	} {
		dir := t.TempDir()
		e := enrolledAt(bundletest.New(), dir)
		e.writes(t, all)
		if c.config != "" {
			if err := os.WriteFile(filepath.Join(dir, "agent.yml"), []byte(c.config), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c.change(&e.Bundle)
		_, err := e.parts(io.Discard)
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), dir, "DIR"), c.want) {
			t.Errorf("%s: got\n%v\nwant\n%s", name, err, c.want)
		}
	}
}

func TestDataOfTheServiceLieWhereTheSystemHasThem(t *testing.T) {
	e := enrolledAt(bundletest.New(), service.Dir())
	yml, _ := e.config()
	if !strings.Contains(yml, "spool: {dir: "+service.Data()+",") {
		t.Errorf("want %s in\n%s", service.Data(), yml)
	}
	e.URL = "mqtt://broker.chu.example:1883"
	if yml, _ = e.config(); !strings.Contains(yml, "insecure: true") || strings.Contains(yml, "cert_file") {
		t.Errorf("in the clear: got\n%s", yml)
	}
	e.URL = "mqtt://127.0.0.1:1883"
	if yml, _ = e.config(); strings.Contains(yml, "insecure") {
		t.Errorf("on the collector's machine: got\n%s", yml)
	}
}
