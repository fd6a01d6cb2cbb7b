//go:build e2e

package packages

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/freeport"
)

// windows is what Wine has of it, in a folder of its own.
type windows struct {
	t      *testing.T
	prefix string
	env    []string
}

func newWindows(t *testing.T) *windows {
	t.Helper()
	w := &windows{t: t, prefix: filepath.Join(t.TempDir(), "wine")}
	w.env = append(os.Environ(), "WINEPREFIX="+w.prefix, "WINEARCH=win64", "WINEDEBUG=-all", "HOME="+t.TempDir(), "DISPLAY=",
		"WINEDLLOVERRIDES=mscoree,mshtml=;winemenubuilder.exe=d") // not to ask for downloads
	t.Cleanup(func() {
		end := exec.Command("wineserver", "--kill")
		end.Env = w.env
		_ = end.Run() // perhaps it has ended
	})
	w.tool("wine", "wineboot", "--init")
	w.tool("x86_64-w64-mingw32-gcc", "-shared", "-o", w.path(`C:\windows\system32\bcryptprimitives.dll`), "windows/bcryptprimitives.c", "-ladvapi32")
	w.tool("wine", "winecfg", "-v", "win10")
	w.tool("wineserver", "--wait") // a service manager of the first session starts no service of ours
	w.stayOn()
	return w
}

// stayOn leaves a prompt open until the test ends: with its last program Wine's Windows shuts down, and the next one would
// start it, and all services, again.
func (w *windows) stayOn() {
	w.t.Helper()
	prompt := exec.Command("wine", "cmd")
	prompt.Env = w.env
	keys, err := prompt.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := prompt.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = keys.Close()
		_ = prompt.Wait()
	})
}

// path is where a file of Windows is.
func (w *windows) path(name string) string {
	return filepath.Join(w.prefix, "drive_c", strings.ReplaceAll(strings.TrimPrefix(name, `C:\`), `\`, "/"))
}

// tool runs a program of this system for Wine.
func (w *windows) tool(name string, args ...string) {
	w.t.Helper()
	if out, err := w.output(exec.Command(name, args...)); err != nil {
		w.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// run runs a program of Windows.
func (w *windows) run(args ...string) (string, error) {
	return w.output(exec.Command("wine", args...))
}

// output is what a program says until it ends. Services that it starts keep its output open, so that no pipe would end.
func (w *windows) output(cmd *exec.Cmd) (string, error) {
	w.t.Helper()
	file, err := os.CreateTemp(w.t.TempDir(), "out")
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	cmd.Env, cmd.Stdout, cmd.Stderr = w.env, file, file
	failed := cmd.Run()
	out, err := os.ReadFile(file.Name())
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n"), failed
}

// install runs msiexec, silently.
func (w *windows) install(msi string, properties ...string) error {
	_, err := w.run(append([]string{"msiexec", "/i", "Z:" + msi, "/qn"}, properties...)...)
	if err == nil {
		return nil
	}
	said, _ := os.ReadFile(w.path(`C:\windows\temp\zerofax-agent-install.log`))
	return fmt.Errorf("%w: %s", err, said)
}

func (w *windows) mustInstall(msi string, properties ...string) {
	w.t.Helper()
	if err := w.install(msi, properties...); err != nil {
		w.t.Fatal(err)
	}
}

var serviceState = regexp.MustCompile(`STATE +: \d+ +(\w+)`)

// service is the state of the agent's service, "" where there is none.
func (w *windows) service() string {
	out, _ := w.run("sc", "query", "zerofax-agent")
	if found := serviceState.FindStringSubmatch(out); found != nil {
		return found[1]
	}
	return ""
}

func (w *windows) wantService(want string) {
	w.t.Helper()
	eventually(w.t, 30*time.Second, "the service is "+want, func() string {
		if got := w.service(); got != want {
			return "it is " + got
		}
		return ""
	})
}

func (w *windows) wantVersion(want string) {
	w.t.Helper()
	if out, err := w.run(windowsProgram, "version"); err != nil || out != "zerofax-agent "+want+"\n" {
		w.t.Errorf("got %q, %v; want %s", out, err, want)
	}
}

func (w *windows) write(name, text string) {
	w.t.Helper()
	file := w.path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		w.t.Fatal(err)
	}
}

const (
	windowsProgram = `C:\Program Files\zerofax\zerofax-agent.exe`
	windowsConfig  = `C:\ProgramData\zerofax\agent.yml`
)

func TestTheWindowsPackageFromInstallToRemoval(t *testing.T) {
	t.Parallel()
	w := newWindows(t)
	old := filepath.Join(built.old, "zerofax-agent_1.0.0_windows_amd64.msi")
	next := filepath.Join(built.next, "zerofax-agent_1.0.1_windows_amd64.msi")

	w.mustInstall(old) // the program alone
	w.wantVersion("v1.0.0")
	w.wantService("")

	w.write(`C:\bad.yml`, "agnt: ps-02\n")
	if err := w.install(old, `CONFIG=C:\bad.yml`); err == nil || !strings.Contains(err.Error(), `C:\bad.yml:1: unknown key "agnt"`) {
		t.Errorf("a faulty configuration: got %v, want an error that says where", err)
	}

	c := startCollector(t)
	bundle := c.enrol(t, "ps-02")
	w.mustInstall(old, "BUNDLE=Z:"+bundle)
	w.wantService("RUNNING")
	c.hears(t, `"ps-02"`, `"version":"v1.0.0"`)
	w.edit(windowsConfig, "targets: []", "targets: [{host: 127.0.0.1, credentials: public}] # ours")
	w.must("sc", "stop", "zerofax-agent")
	w.wantService("STOPPED")
	w.must("sc", "start", "zerofax-agent")
	w.wantService("RUNNING")
	kept := w.keep(windowsConfig, `C:\ProgramData\zerofax\agent.pem`)

	w.mustInstall(next)
	w.wantVersion("v1.0.1")
	w.wantService("RUNNING")
	c.hears(t, `"ps-02"`, `"version":"v1.0.1"`)
	w.want(kept)
	if err := w.install(old); err == nil {
		t.Error("an older version was installed over a newer one")
	}
	w.wantVersion("v1.0.1")

	w.must("msiexec", "/x", "Z:"+next, "/qn")
	w.wantService("")
	for _, name := range []string{windowsProgram, `C:\Program Files\zerofax`} {
		if _, err := os.Stat(w.path(name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: got %v, want it gone", name, err)
		}
	}
	if out, err := w.run("reg", "query", `HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\zerofax-agent`); err == nil {
		t.Errorf("the event source is still there: %s", out)
	}
	w.want(kept)
	if found, err := filepath.Glob(w.path(`C:\ProgramData\zerofax\data\*.stream`)); len(found) == 0 {
		t.Errorf("the spool is gone (%v)", err)
	}
}

func (w *windows) must(args ...string) {
	w.t.Helper()
	if out, err := w.run(args...); err != nil {
		w.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Wine takes what was done back in the order in which it was done, so that the program is gone before it could take the
// service away. So the package alone can be looked at.
func TestTheWindowsPackageUndoesOnlyWhatFailed(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("msiinfo", "export", filepath.Join(built.old, "zerofax-agent_1.0.0_windows_amd64.msi"), "CustomAction").CombinedOutput()
	if want := "Undo\t3442\t"; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v: got\n%s\nwant %q: run on rollback, by the installer", err, out, want)
	}
}

// keep is what stands in files.
func (w *windows) keep(names ...string) map[string]string {
	w.t.Helper()
	texts := make(map[string]string)
	for _, name := range names {
		text, err := os.ReadFile(w.path(name))
		if err != nil {
			w.t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

func (w *windows) want(texts map[string]string) {
	w.t.Helper()
	for name, want := range texts {
		if got, err := os.ReadFile(w.path(name)); string(got) != want {
			w.t.Errorf("%s: got %q, %v; want it kept", name, got, err)
		}
	}
}

// edit changes something in a file that must be there.
func (w *windows) edit(name, before, after string) {
	w.t.Helper()
	text := w.keep(name)[name]
	if !strings.Contains(text, before) {
		w.t.Fatalf("%s: no %q in\n%s", name, before, text)
	}
	w.write(name, strings.Replace(text, before, after, 1))
}

// collector is the one of the Debian package, on this system, behind mutual TLS.
type collector struct{ program, config, url string }

func startCollector(t *testing.T) collector {
	t.Helper()
	dir := t.TempDir()
	c := collector{program: filepath.Join(unpacked(t, "collector"), "usr/bin/zerofax-collector"), config: filepath.Join(dir, "collector.yml")}
	web, broker := freeport.Must(t), freeport.Must(t)
	c.url = fmt.Sprintf("http://127.0.0.1:%d", web)
	config := fmt.Sprintf("data_dir: data\nhttp: {listen: 127.0.0.1:%d}\nmqtt: {external_url: \"mqtts://127.0.0.1:%d\", embedded: {listen: 127.0.0.1:%[2]d}}\n", web, broker)
	if err := os.WriteFile(c.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(c.program, "run", "--config", c.config)
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	return c
}

// enrol makes an agent's bundle.
func (c *collector) enrol(t *testing.T, agent string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), agent+".bundle")
	if out, err := exec.Command(c.program, "enroll", agent, "-o", file, "--config", c.config).CombinedOutput(); err != nil {
		t.Fatalf("enroll: %v\n%s", err, out)
	}
	return file
}

// hears waits until the collector's list of agents has all of it.
func (c *collector) hears(t *testing.T, all ...string) {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	eventually(t, 30*time.Second, "the collector hears the agent", func() string {
		resp, err := client.Get(c.url + "/api/v1/agents")
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return err.Error()
		}
		for _, part := range all {
			if !strings.Contains(string(body), part) {
				return string(body)
			}
		}
		return ""
	})
}
