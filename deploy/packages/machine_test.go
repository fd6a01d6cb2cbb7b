//go:build e2e

package packages

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// machine is one with this system's programs and a systemd that is process 1.
type machine struct {
	t    *testing.T
	init string // systemd's process id
}

func boot(t *testing.T) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("only root may boot a machine in namespaces: sudo make test-packages")
	}
	cmd := exec.Command("./machine.sh", t.TempDir(), filepath.Dir(built.next))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // ends systemd, and so all there is
		_ = cmd.Wait()
		leave(t, fmt.Sprintf("zerofax-%d", pid))
	})
	m := &machine{t: t}
	eventually(t, time.Minute, "systemd is up", func() string {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		if m.init = strings.TrimSpace(string(children)); m.init == "" {
			return "no process: " + said.String()
		}
		if name, _ := os.ReadFile("/proc/" + m.init + "/comm"); string(name) != "systemd\n" {
			return "not yet systemd: " + said.String()
		}
		out, err := m.try("systemctl is-system-running")
		if err == nil || strings.TrimSpace(out) == "degraded" { // by what else is on this system
			return ""
		}
		return out
	})
	return m
}

// in is the machine for a part of the test.
func (m *machine) in(t *testing.T) *machine { return &machine{t, m.init} }

// leave takes away the control group, once all processes in it have ended.
func leave(t *testing.T, name string) {
	found, err := filepath.Glob("/sys/fs/cgroup/*/" + name)
	if here, _ := filepath.Glob("/sys/fs/cgroup/" + name); err == nil {
		found = append(found, here...)
	}
	for _, group := range found {
		eventually(t, 10*time.Second, "the control group is empty", func() string {
			out, err := exec.Command("find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+").CombinedOutput()
			if err != nil {
				return string(out)
			}
			return ""
		})
	}
}

// try runs a shell command on the machine.
func (m *machine) try(command string) (string, error) {
	m.t.Helper()
	cmd := exec.Command("nsenter", "--target", m.init, "--all", "--root", "env", "-i", "--chdir=/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"DEBIAN_FRONTEND=noninteractive", "bash", "-c", command)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run runs a shell command that must not fail.
func (m *machine) run(command string) string {
	m.t.Helper()
	out, err := m.try(command)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s\n%s", command, err, out, m.journal())
	}
	return out
}

func (m *machine) journal() string {
	out, _ := m.try("journalctl --no-pager -n 40 -o cat -u 'zerofax-*'")
	return out
}

// want compares what a shell command says, whatever it ends with.
func (m *machine) want(command, want string) {
	m.t.Helper()
	if got, _ := m.try(command); strings.TrimSpace(got) != want {
		m.t.Errorf("%s: got %q, want %q", command, got, want)
	}
}

// says waits until a shell command says something.
func (m *machine) says(command, want string) {
	m.t.Helper()
	eventually(m.t, 30*time.Second, command+" says "+want, func() string {
		out, err := m.try(command)
		if err == nil && strings.Contains(out, want) {
			return ""
		}
		return out
	})
}

// page is a shell command that asks the collector's web server.
func page(path string) string {
	return fmt.Sprintf(`exec 3<>/dev/tcp/127.0.0.1/8780 && printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3 && cat <&3`, path)
}

const agentConfig = `cat >/etc/zerofax/agent.yml <<'EOF'
agent: ps-01
collector: {url: mqtt://127.0.0.1:1883}
snmp: {credentials: [{name: legacy, version: 2c, community_file: community.txt}]}
targets: [{host: 127.2.0.1, port: 1161, credentials: legacy}]
poll: {lines: 1s, counters: 1s}
spool: {dir: /var/lib/zerofax-agent}
EOF
echo public >/etc/zerofax/community.txt
chmod 600 /etc/zerofax/*.txt /etc/zerofax/agent.yml`

// ward is a machine that faxes.
const ward = "systemd-run --quiet --unit=ward /packages/ward -listen 127.2.0.1:1161 -n 1 -pace 300ms"

// packager is how a system's packages are put in and taken away.
type packager struct {
	install, remove string
	file            func(program, version string) string
}

var (
	debian = packager{"dpkg --install", "dpkg --remove", func(program, version string) string {
		return fmt.Sprintf("zerofax-%s_%s_amd64.deb", program, version)
	}}
	// Debian's rpm has no packages that the dependencies could be met by.
	redhat = packager{"rpm --upgrade --nodeps --replacefiles", "rpm --erase --nodeps", func(program, version string) string {
		return fmt.Sprintf("zerofax-%s-%s-1.x86_64.rpm", program, version)
	}}
)

// put installs programs' packages of a version, or updates them.
func (m *machine) put(p packager, version string, programs ...string) string {
	m.t.Helper()
	command := p.install
	for _, program := range programs {
		folder := "next"
		if version == oldVersion {
			folder = "clone/build/packages"
		}
		command += " /packages/" + folder + "/" + p.file(program, version)
	}
	return m.run(command)
}

func TestDebianPackagesFromInstallToPurge(t *testing.T) {
	t.Parallel()
	m := boot(t)
	m.put(debian, oldVersion, "agent", "collector")
	m.want("systemctl is-enabled zerofax-agent zerofax-collector", "enabled\nenabled")
	m.want("systemctl is-active zerofax-agent", "inactive") // there is no configuration
	m.want("systemctl is-active zerofax-collector", "active")
	m.want("stat -c '%U:%G %a' /etc/zerofax/collector.yml", "root:zerofax-collector 640")
	m.want("stat -c '%U:%G %a' /var/lib/zerofax-collector", "zerofax-collector:zerofax-collector 750")
	m.says("systemctl show -p StatusText zerofax-collector", "StatusText=ready")
	m.says(page("/-/ready"), "200 OK")

	m.run(`sed -i 's|^mqtt:.*|mqtt: {external_url: "mqtts://localhost:8883", embedded: {listen: 127.0.0.1:8883}} # ours|' /etc/zerofax/collector.yml`)
	m.run("zerofax-collector check --config /etc/zerofax/collector.yml && systemctl restart zerofax-collector")
	m.run("zerofax-collector enroll ps-01 -o /root/ps-01.bundle --config /etc/zerofax/collector.yml")
	m.run("zerofax-agent install --bundle /root/ps-01.bundle")
	m.run(ward)
	m.run("sed -i 's/^targets: .*/targets: [{host: 127.2.0.1, port: 1161, credentials: public}]\\npoll: {lines: 1s, counters: 1s}/' /etc/zerofax/agent.yml")
	m.run("systemctl reload zerofax-agent")
	m.want("systemctl show -P FragmentPath zerofax-agent", "/lib/systemd/system/zerofax-agent.service") // the package's
	m.says("systemctl show -p StatusText zerofax-agent", "targets 1")
	m.says(page("/api/v1/devices"), `"agent":"ps-01"`)

	t.Run("an update keeps what waits to be sent", func(t *testing.T) {
		m := m.in(t)
		m.run("systemctl stop zerofax-collector")
		m.says("ls /var/lib/zerofax-agent", ".batch")
		waiting := m.run("ls /var/lib/zerofax-agent/*.batch | head -n 1")
		m.put(debian, nextVersion, "agent")
		m.want("systemctl is-active zerofax-agent", "active")
		m.want("ls /var/lib/zerofax-agent/*.batch | head -n 1", strings.TrimSpace(waiting))
		m.put(debian, oldVersion, "agent") // and back
		m.run("systemctl start zerofax-collector")
	})
	t.Run("an update restarts what runs and keeps what was changed", func(t *testing.T) {
		m := m.in(t)
		before := m.run("systemctl show -P MainPID zerofax-agent zerofax-collector")
		m.put(debian, nextVersion, "agent", "collector")
		m.want("systemctl is-active zerofax-agent zerofax-collector", "active\nactive")
		if after := m.run("systemctl show -P MainPID zerofax-agent zerofax-collector"); after == before {
			t.Errorf("the processes are the same: %q", after)
		}
		m.want("zerofax-agent version; zerofax-collector version", "zerofax-agent v1.0.1\nzerofax-collector v1.0.1")
		m.want("grep -o '# ours' /etc/zerofax/collector.yml", "# ours")
		m.says(page("/api/v1/agents"), `"version":"v1.0.1"`)
	})
	t.Run("an update leaves disabled what is", func(t *testing.T) {
		m := m.in(t)
		m.run("systemctl disable --now zerofax-agent")
		m.put(debian, nextVersion, "agent", "collector")
		m.want("systemctl is-active zerofax-agent", "inactive")
		m.want("systemctl is-enabled zerofax-agent", "disabled")
		m.run("systemctl enable --now zerofax-agent")
	})
	t.Run("a removal that fails lets the service go on", func(t *testing.T) {
		m := m.in(t)
		m.run("DPKG_MAINTSCRIPT_PACKAGE=zerofax-agent /var/lib/dpkg/info/zerofax-agent.prerm remove")
		m.want("systemctl is-active zerofax-agent", "inactive")
		m.run("DPKG_MAINTSCRIPT_PACKAGE=zerofax-agent /var/lib/dpkg/info/zerofax-agent.postinst abort-remove")
		m.want("systemctl is-active zerofax-agent", "active")
	})
	t.Run("what root does to the books stays the collector's", func(t *testing.T) {
		m := m.in(t)
		m.run("zerofax-collector backup /root/before.db --config /etc/zerofax/collector.yml")
		m.run("systemctl stop zerofax-collector")
		m.run("zerofax-collector restore /root/before.db --config /etc/zerofax/collector.yml")
		m.run("zerofax-collector enroll ps-02 -o /root/ps-02.bundle --config /etc/zerofax/collector.yml")
		m.run("systemctl start zerofax-collector")
		m.says(page("/api/v1/agents"), `"ps-01"`)
		m.want("find /var/lib/zerofax-collector ! -user zerofax-collector", "")
	})
	t.Run("removed, the services end and all else stays", func(t *testing.T) {
		m := m.in(t)
		m.run("dpkg --remove zerofax-agent zerofax-collector")
		m.want("pgrep -x 'zerofax-.*'; ls /usr/bin | grep zerofax", "")
		m.run("test -s /var/lib/zerofax-collector/ledger.db -a -s /etc/zerofax/agent.yml -a -s /etc/zerofax/collector.yml")
	})
	t.Run("installed again, all goes on", func(t *testing.T) {
		m := m.in(t)
		m.put(debian, nextVersion, "agent", "collector")
		m.want("systemctl is-active zerofax-agent zerofax-collector", "active\nactive")
		m.says(page("/api/v1/devices"), `"agent":"ps-01"`)
	})
	t.Run("purged, the ledger stays and says so, and no secret of the agent's is left", func(t *testing.T) {
		m := m.in(t)
		m.run("echo secret >/etc/zerofax/smtp.txt && chgrp zerofax-collector /etc/zerofax/smtp.txt")
		out := m.run("dpkg --purge zerofax-agent zerofax-collector")
		for _, want := range []string{"The ledger stays in /var/lib/zerofax-collector.", "Left in /etc/zerofax: smtp.txt"} {
			if !strings.Contains(out, want) {
				t.Errorf("got\n%s\nwant %s", out, want)
			}
		}
		m.want("ls /var/lib/zerofax-collector/ledger.db", "/var/lib/zerofax-collector/ledger.db")
		m.want("ls -d /var/lib/zerofax-agent /etc/zerofax/* 2>/dev/null", "/etc/zerofax/smtp.txt")
		m.want("systemctl list-unit-files --no-legend 'zerofax-*'", "")
	})
}

func TestRPMPackagesFromInstallToRemoval(t *testing.T) {
	t.Parallel()
	m := boot(t)
	m.put(redhat, oldVersion, "agent", "collector")
	m.want("systemctl is-active zerofax-agent zerofax-collector", "inactive\ninactive") // nothing is started unasked
	m.want("stat -c '%U:%G %a' /etc/zerofax/collector.yml", "root:zerofax-collector 640")
	m.run("systemctl enable --now zerofax-collector")
	m.run(ward)
	m.run(agentConfig)
	m.run("zerofax-agent install")
	m.says(page("/api/v1/devices"), `"agent":"ps-01"`)
	m.run("echo '# ours' >>/etc/zerofax/collector.yml")

	m.put(redhat, nextVersion, "agent", "collector")
	m.want("systemctl is-active zerofax-agent zerofax-collector", "active\nactive")
	m.want("tail -n 1 /etc/zerofax/collector.yml", "# ours")
	m.says(page("/api/v1/agents"), `"version":"v1.0.1"`)

	m.run("install -D -m 600 -t /srv/zerofax /etc/zerofax/agent.yml /etc/zerofax/community.txt")
	m.run("zerofax-agent install --config /srv/zerofax/agent.yml")
	m.want("systemctl show -P FragmentPath zerofax-agent", "/etc/systemd/system/zerofax-agent.service")

	m.run(redhat.remove + " zerofax-agent zerofax-collector")
	m.want("pgrep -x 'zerofax-.*'; ls /usr/bin | grep zerofax", "")
	m.want("systemctl list-unit-files --no-legend 'zerofax-*'", "")
	m.run("test -s /var/lib/zerofax-collector/ledger.db -a -s /srv/zerofax/agent.yml -a -s /etc/zerofax/collector.yml.rpmsave")
}

func TestAHungProgramIsStartedAgain(t *testing.T) {
	t.Parallel()
	m := boot(t)
	m.put(debian, oldVersion, "agent", "collector")
	m.run("mkdir -p /run/systemd/system/zerofax-collector.service.d && printf '[Service]\nWatchdogSec=3\nRestartSec=0\n' >/run/systemd/system/zerofax-collector.service.d/soon.conf")
	m.run("systemctl daemon-reload && systemctl restart zerofax-collector")
	before := m.run("systemctl show -P MainPID zerofax-collector")
	m.run("kill -STOP " + before)
	eventually(t, time.Minute, "another process runs", func() string {
		now, err := m.try("systemctl is-active zerofax-collector && systemctl show -P MainPID zerofax-collector")
		if err == nil && !strings.Contains(now, strings.TrimSpace(before)) {
			return ""
		}
		return errors.Join(err, errors.New(now)).Error()
	})
	m.says("systemctl show -p NRestarts zerofax-collector", "NRestarts=1")
}
