//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProbeSaysThatALinuxServerIsNoFaxDevice(t *testing.T) {
	t.Parallel()
	port := startSnmpd(t)

	for _, version := range []string{"readable", "json"} {
		args := []string{"probe", "127.0.0.1", "--port", port, "--community", "public"}
		if version == "json" {
			args = append(args, "--json")
		}
		stdout, stderr, code := run(t, "zerofax-agent", args...)
		if code != 0 {
			t.Fatalf("%s: exit %d, want 0\n%s%s", version, code, stdout, stderr)
		}
		t.Log(stdout)
		if version == "readable" {
			if !strings.Contains(stdout, "no fax device") {
				t.Errorf("want it said that this is no fax device, got:\n%s", stdout)
			}
			continue
		}
		var told struct {
			Device   struct{ ID, Profile, Why string }
			Measures []any
			Unknown  []string
		}
		if err := json.Unmarshal([]byte(stdout), &told); err != nil {
			t.Fatalf("%v in:\n%s", err, stdout)
		}
		if told.Device.Profile != "" || !strings.Contains(told.Device.Why, "fax") || len(told.Measures) != 0 {
			t.Errorf("want no profile, why, and no measure; got %+v", told)
		}
	}
}

func TestProbeOfASilentAddressSaysWhatToCheck(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0") // takes everything, answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	stdout, stderr, code := run(t, "zerofax-agent", "probe", "127.0.0.1", "--port", port)
	if code != 1 || !strings.Contains(stderr, "no answer from 127.0.0.1:"+port) || !strings.Contains(stderr, "community") {
		t.Errorf("exit %d, want 1, and on stderr who is silent and what to check; got:\n%s%s", code, stdout, stderr)
	}
}

// startSnmpd starts Net-SNMP's agent and returns its UDP port.
func startSnmpd(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	conn.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "snmpd.conf")
	writeFile(t, conf, "rocommunity public 127.0.0.1\nsysLocation Test bench\n")
	startWith(t, dir, []string{"SNMP_PERSISTENT_DIR=" + dir, "MIBS="},
		"snmpd", "-f", "-Lo", "-C", "-c", conf, "-p", filepath.Join(dir, "pid"), "udp:127.0.0.1:"+port)
	eventually(t, 10*time.Second, "snmpd answers", func() string {
		out, errs, code := run(t, "snmpget", "-v2c", "-c", "public", "-t1", "-r0", "127.0.0.1:"+port, "1.3.6.1.2.1.1.2.0")
		if code != 0 {
			return fmt.Sprint(out, errs)
		}
		return ""
	})
	return port
}
