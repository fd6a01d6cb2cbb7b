//go:build e2e

package snmp_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/mibs"
)

// net-snmp's agent is what half of the world's devices run inside.
func TestARealAgentIsReadInBothVersions(t *testing.T) {
	path, err := exec.LookPath("snmpd")
	if err != nil {
		t.Skip(err)
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	at := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	conn.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "snmpd.conf")
	if err := os.WriteFile(config, []byte("rocommunity public 127.0.0.1\nsysName real\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-f", "-C", "-c", config, "-I", "system_mib,sysORTable", fmt.Sprintf("udp:%s", at))
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()

	pool := newPool(t, snmp.Options{Timeout: 200 * time.Millisecond, Retries: 25}) // it takes a moment to start
	for _, version := range []string{snmp.V1, snmp.V2c} {
		d := pool.Device(target(at, version))
		answers, err := get(d, mibs.Quirks{}, "1.3.6.1.2.1.1.5.0", nowhere, sysUpTime)
		if err != nil || answers["1.3.6.1.2.1.1.5.0"].Text() != "real" || len(answers) != 2 {
			t.Errorf("version %s: got %v, %v, want sysName real and sysUpTime", version, answers, err)
		}
		rows, err := column(d, mibs.Quirks{}, "1.3.6.1.2.1.1", 100)
		if err != nil || len(rows) < 6 {
			t.Errorf("version %s: the system group has %v, %v", version, rows, err)
		}
	}
}
