//go:build !windows

package service

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// usual is an agent as the README has it installed.
func usual() Agent {
	return Agent{
		Program: "/usr/local/bin/zerofax-agent", Config: "/etc/zerofax/agent.yml", Data: "/var/lib/zerofax-agent",
		Reads: []string{"/etc/ssl/certs/ca.pem", "/etc/zerofax/broker.txt", "/etc/zerofax/profiles"},
	}
}

func TestInstallOnLinuxSaysAllThatItDoes(t *testing.T) {
	odd := Agent{Program: `/opt/z fax/50%/$x/agent`, Config: `/srv/it's "$HOME"/agent.yml`, Data: `/srv/back\slash/data`}
	for _, c := range []struct {
		name string
		a    Agent
		is   access
	}{
		{"usual", usual(), access{
			unreadable: []string{"/etc/zerofax/agent.yml", "/etc/zerofax/broker.txt"}, closed: []string{"/etc/zerofax"},
		}},
		{"odd", odd, access{}},
	} {
		var out strings.Builder
		if err := script(&out, c.a.installSteps(c.is, "")); err != nil {
			t.Fatal(err)
		}
		golden(t, c.name, out.String())
		if why := c.a.obstacles(c.is); len(why) > 0 {
			t.Errorf("%s: obstacles %q, want none", c.name, why)
		}
	}
}

func TestAnAgentFromAPackageLeavesTheUnitToThePackage(t *testing.T) {
	a := usual()
	a.Program = "/usr/bin/zerofax-agent"
	elsewhere := a
	elsewhere.Config = "/srv/zerofax/agent.yml"
	for _, c := range []struct {
		name string
		a    Agent
		want string // the step about the unit
	}{
		{"as packaged", a, "rm -f " + unitFile},
		{"with a configuration elsewhere", elsewhere, "cat > " + unitFile},
		{"another program", usual(), "cat > " + unitFile},
	} {
		var out strings.Builder
		if err := script(&out, c.a.installSteps(access{}, PackagedUnit())); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "\n"+c.want) {
			t.Errorf("%s: got\n%s\nwant a step %s", c.name, out.String(), c.want)
		}
	}
}

func TestUninstallFindsTheConfigurationOfAnyUnit(t *testing.T) {
	for _, config := range []string{"/etc/zerofax/agent.yml", `/a b/c%d/$HOME/"e"/\f.yml`, `/%%/$$/\\.yml`} {
		a := Agent{Program: "/usr/local/bin/zerofax-agent", Config: config}
		if got, ok := configIn(a.unit()); !ok || got != config {
			t.Errorf("got %q, want %q", got, config)
		}
	}
	if got, ok := configIn("[Service]\nExecStart=/bin/true\n"); ok {
		t.Errorf("got %q from a unit of others, want none", got)
	}
}

func TestSystemdAcceptsTheUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze here")
	}
	dir := t.TempDir()
	odd := filepath.Join(dir, "a b", "50%", "$HOME", "agent")
	if err := errors.Join(os.MkdirAll(filepath.Dir(odd), 0o755), os.Symlink("/bin/true", odd)); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"/bin/true", odd} { // verify wants it to be there
		a := usual()
		a.Program = program
		file := filepath.Join(dir, unitName)
		if err := os.WriteFile(file, []byte(a.unit()), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(analyze, "verify", file).CombinedOutput(); err != nil || strings.Contains(string(out), file) {
			t.Errorf("%s: %v: %s", program, err, out)
		}
	}
}

func TestInstallNamesWhatWouldKeepTheServiceFromRunning(t *testing.T) {
	for _, c := range []struct {
		name string
		a    Agent
		is   access
		want []string
	}{
		{"all in the home folder", Agent{Program: "/home/u/agent", Config: "/home/u/agent.yml", Data: "/home/u/data"}, access{}, []string{
			"/home/u/agent: a service does not see /home; want it in /usr/local/bin",
			"/home/u/agent.yml: a service does not see /home; want it in /etc/zerofax",
			"/home/u/data: a service does not see /home; want it in /var/lib/zerofax-agent",
		}},
		{"a certificate in a home folder", Agent{
			Program: "/usr/local/bin/zerofax-agent", Config: "/etc/zerofax/agent.yml", Data: stateDir, Reads: []string{"/home/u/ca.pem"},
		}, access{}, []string{
			"/home/u/ca.pem: a service does not see /home; want it in /etc/zerofax",
		}},
		{"a data folder that others use", usual(), access{dataTaken: true}, []string{
			"/var/lib/zerofax-agent holds other things than a spool; want a folder of its own in spool.dir, such as /var/lib/zerofax-agent",
		}},
		{"a program only root may run", usual(), access{notRun: true}, []string{
			"/usr/local/bin/zerofax-agent can't be run by others than its owner; chmod 755 it",
		}},
		{"a closed folder on the way", usual(), access{closed: []string{"/etc", "/etc/zerofax"}}, []string{
			"/etc can't be entered by zerofax-agent; chmod o+x it, or move what lies in it",
		}},
		{"another program's secret", usual(), access{unreadable: []string{"/etc/ssl/certs/ca.pem"}}, []string{
			"/etc/ssl/certs/ca.pem can't be read by zerofax-agent; put a copy into /etc/zerofax, where it will be",
		}},
	} {
		if got := c.a.obstacles(c.is); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
