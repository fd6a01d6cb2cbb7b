//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	authPassword    = "kept-in-a-file-1"
	privacyPassword = "kept-in-a-file-2"
)

// users are all pairs of protocols that Net-SNMP speaks, by the names that both give them.
func users() (all []user) {
	for _, auth := range []string{"MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"} {
		for _, privacy := range []string{"", "DES", "AES", "AES192", "AES256", "AES192C", "AES256C"} {
			all = append(all, user{auth, privacy})
		}
	}
	return all
}

type user struct{ auth, privacy string }

func (u user) name() string { return strings.ToLower(u.auth + u.privacy) }

// snmpd is Net-SNMP's agent with SNMPv3 users.
type snmpd struct {
	t    *testing.T
	dir  string
	port string
	*program
}

func newSnmpd(t *testing.T) *snmpd {
	s := &snmpd{t: t, dir: t.TempDir(), port: fmt.Sprint(freePort(t))}
	var conf strings.Builder
	for _, u := range users() {
		auth := strings.NewReplacer("SHA2", "SHA-2", "SHA3", "SHA-3", "SHA5", "SHA-5").Replace(u.auth)
		line := fmt.Sprintf("createUser %s %s %s", u.name(), auth, authPassword)
		level := "authNoPriv"
		if u.privacy != "" {
			line, level = line+" "+strings.NewReplacer("AES1", "AES-1", "AES2", "AES-2", "2C", "2-C", "6C", "6-C").Replace(u.privacy)+" "+privacyPassword, "authPriv"
		}
		fmt.Fprintf(&conf, "%s\nrouser %s %s\n", line, u.name(), level)
	}
	writeFile(t, filepath.Join(s.dir, "snmpd.conf"), conf.String())
	return s
}

func (s *snmpd) start() {
	s.program = startWith(s.t, s.dir, []string{"SNMP_PERSISTENT_DIR=" + filepath.Join(s.dir, "kept"), "MIBS="},
		"snmpd", "-f", "-Lo", "-C", "-c", filepath.Join(s.dir, "snmpd.conf"), "-p", filepath.Join(s.dir, "pid"), "udp:127.0.0.1:"+s.port)
}

func TestEverySNMPv3UserOfARealAgentIsRead(t *testing.T) {
	s := newSnmpd(t)
	s.start()
	time.Sleep(time.Second)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.txt"), authPassword)
	writeFile(t, filepath.Join(dir, "p.txt"), privacyPassword)
	var config strings.Builder
	config.WriteString("snmp:\n  timeout: 500ms\n  retries: 0\n  credentials:\n")
	for _, u := range users() {
		fmt.Fprintf(&config, "    - {name: %s, version: 3, user: %[1]s, auth: %s, auth_password_file: a.txt", u.name(), u.auth)
		if u.privacy != "" {
			fmt.Fprintf(&config, ", privacy: %s, privacy_password_file: p.txt", u.privacy)
		}
		config.WriteString("}\n")
	}
	writeFile(t, filepath.Join(dir, "agent.yml"), config.String())
	for _, u := range users() {
		stdout, stderr, code := run(t, "zerofax-agent", "probe", "127.0.0.1", "--port", s.port, "--config", filepath.Join(dir, "agent.yml"), "--credentials", u.name())
		if code != 0 || !strings.Contains(stdout, "no fax device") {
			t.Errorf("%s: exit %d\n%s%s", u.name(), code, stdout, stderr)
		}
	}
}
