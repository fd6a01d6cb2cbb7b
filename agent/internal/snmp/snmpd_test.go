//go:build e2e

package snmp_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/mibs"
)

const sysName = "1.3.6.1.2.1.1.5.0"

// snmpd is net-snmp's agent, which half of the world's devices run inside.
type snmpd struct {
	t    *testing.T
	at   netip.AddrPort
	dir  string
	proc *exec.Cmd
}

func startSnmpd(t *testing.T) *snmpd {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &snmpd{t: t, at: conn.LocalAddr().(*net.UDPAddr).AddrPort(), dir: t.TempDir()}
	conn.Close()
	s.write("snmpd.conf", "rocommunity public 127.0.0.1\nsysName real\nrouser zerofax authPriv\n"+
		"createUser zerofax SHA-256 topsecret-auth AES topsecret-privacy\n")
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *snmpd) write(name, text string) {
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *snmpd) start() {
	path, err := exec.LookPath("snmpd")
	if err != nil {
		path = "/usr/sbin/snmpd" // where only root looks
	}
	s.proc = exec.Command(path, "-f", fmt.Sprintf("udp:%s", s.at))
	s.proc.Env = append(os.Environ(), "SNMPCONFPATH="+s.dir+":"+s.kept(), "SNMP_PERSISTENT_DIR="+s.kept(), "MIBS=")
	if err := s.proc.Start(); err != nil {
		s.t.Fatal(err)
	}
}

// kept is where it keeps its engine and how often it has started.
func (s *snmpd) kept() string { return filepath.Join(s.dir, "kept") }

func (s *snmpd) kill() {
	s.proc.Process.Kill()
	s.proc.Wait()
}

// patient waits for it to start.
var patient = snmp.Options{Timeout: 200 * time.Millisecond, Retries: 25}

func TestARealAgentIsReadInBothOldVersions(t *testing.T) {
	s := startSnmpd(t)
	pool := newPool(t, patient)
	for _, version := range []string{snmp.V1, snmp.V2c} {
		d := pool.Device(target(s.at, version))
		answers, err := get(d, mibs.Quirks{}, sysName, nowhere, sysUpTime)
		if err != nil || answers[sysName].Text() != "real" || len(answers) != 2 {
			t.Errorf("version %s: got %v, %v, want sysName real and sysUpTime", version, answers, err)
		}
		rows, err := column(d, mibs.Quirks{}, "1.3.6.1.2.1.1", 100)
		if err != nil || len(rows) < 6 {
			t.Errorf("version %s: the system group has %v, %v", version, rows, err)
		}
	}
}

func TestARealSNMPv3AgentIsReadThroughRestartsAndLossOfItsMemory(t *testing.T) {
	s := startSnmpd(t)
	d := newPool(t, patient).Device(snmp.Target{Host: s.at.Addr().String(), Port: s.at.Port(), Credentials: zerofax})
	read := func(what string, changes int64) {
		t.Helper()
		answers, err := get(d, mibs.Quirks{}, sysName, nowhere, sysUpTime)
		if err != nil || answers[sysName].Text() != "real" || len(answers) != 2 {
			t.Errorf("%s: got %v, %v, want sysName real and sysUpTime", what, answers, err)
		}
		rows, err := column(d, mibs.Quirks{}, "1.3.6.1.2.1.1", 100)
		if err != nil || len(rows) < 6 {
			t.Errorf("%s: the system group has %v, %v", what, rows, err)
		}
		if got := d.Rediscoveries(); got != changes {
			t.Errorf("%s: counts %d changes of the engine, want %d", what, got, changes)
		}
	}
	read("at first", 0)
	for i, again := range []struct {
		what   string
		change func()
	}{
		{"it restarted", func() {}},
		{"it restarted again", func() {}},
		{"it counts its restarts anew", func() { s.setBoots(0) }},
		{"another engine", func() { os.RemoveAll(s.kept()) }},
	} {
		s.kill()
		again.change()
		s.start()
		read(again.what, int64(i+1))
	}
}

func TestARealAgentWithItsRestartsUsedUpSaysSo(t *testing.T) {
	s := startSnmpd(t)
	d := newPool(t, patient).Device(snmp.Target{Host: s.at.Addr().String(), Port: s.at.Port(), Credentials: zerofax})
	if _, err := get(d, mibs.Quirks{}, sysName); err != nil {
		t.Fatal(err)
	}
	s.kill()
	s.setBoots(1<<31 - 2)
	s.start()
	_, err := get(d, mibs.Quirks{}, sysName)
	wantError(t, err, s.at.String()+" refuses SNMPv3 requests with its own time (engine boots 2147483647): its count of restarts is used up until its SNMPv3 is set up anew")
}

func (s *snmpd) setBoots(n int) {
	path := filepath.Join(s.kept(), "snmpd.conf")
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	changed := regexp.MustCompile(`engineBoots \d+`).ReplaceAllString(string(text), fmt.Sprintf("engineBoots %d", n))
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		s.t.Fatal(err)
	}
}
