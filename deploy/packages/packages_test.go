//go:build e2e

// Package packages tries the packages for real: built twice, installed, updated and removed with dpkg and rpm under a
// systemd that is process 1, and with msiexec under Wine.
package packages

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// built are folders of packages, built from a clean clone of the last commit.
var built struct{ old, next string }

const (
	oldVersion  = "1.0.0"
	nextVersion = "1.0.1"
)

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "zerofax-packages-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	clone := filepath.Join(dir, "clone")
	if built.next, err = build(clone, nextVersion); err != nil {
		return 1, err
	}
	next := filepath.Join(dir, "next")
	if err := os.Rename(built.next, next); err != nil {
		return 1, err
	}
	built.next = next
	if built.old, err = build(clone, oldVersion); err != nil {
		return 1, err
	}
	ward := exec.Command("go", "build", "-o", filepath.Join(dir, "ward"), "../ward")
	ward.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := ward.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build ward: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// build makes the packages in a clone of the repository, which is made if it isn't there, as the README says.
func build(clone, version string, env ...string) (string, error) {
	if _, err := os.Stat(clone); err != nil {
		if out, err := exec.Command("git", "clone", "-q", "../..", clone).CombinedOutput(); err != nil {
			return "", fmt.Errorf("clone: %w\n%s", err, out)
		}
	}
	cmd := exec.Command("make", "-C", clone, "packages", "VERSION=v"+version)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make packages: %w\n%s", err, out)
	}
	return filepath.Join(clone, "build", "packages"), nil
}

func TestTheSameCommitGivesTheSameBytesInAnyFolderAtAnyTime(t *testing.T) {
	t.Parallel()
	again, err := build(filepath.Join(t.TempDir(), "another", "folder", "zerofax"), oldVersion, "TZ=Pacific/Auckland", "LANG=fr_FR.UTF-8")
	if err != nil {
		t.Fatal(err)
	}
	first, second := contents(t, built.old), contents(t, again)
	for name, text := range first {
		if !bytes.Equal(second[name], text) {
			t.Errorf("%s differs: first %d bytes, then %d", name, len(text), len(second[name]))
		}
	}
	if len(first) != len(second) {
		t.Errorf("got %d files, then %d", len(first), len(second))
	}
}

func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[entry.Name()], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestThereIsAPackageForEachSystemWithItsChecksumAndWhatItIsMadeOf(t *testing.T) {
	t.Parallel()
	var names []string
	for name := range contents(t, built.old) {
		names = append(names, name)
	}
	all := strings.Join(names, "\n")
	for _, want := range []string{
		"zerofax-agent_1.0.0_amd64.deb", "zerofax-agent_1.0.0_arm64.deb", "zerofax-agent-1.0.0-1.x86_64.rpm", "zerofax-agent-1.0.0-1.aarch64.rpm",
		"zerofax-collector_1.0.0_amd64.deb", "zerofax-collector_1.0.0_arm64.deb", "zerofax-collector-1.0.0-1.x86_64.rpm",
		"zerofax-collector-1.0.0-1.aarch64.rpm", "zerofax-agent_1.0.0_windows_amd64.msi", "zerofax-agent_1.0.0_windows_amd64.cdx.json",
		"zerofax-agent_1.0.0_linux_arm64.cdx.json", "zerofax-collector_1.0.0_linux_amd64.cdx.json",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s among\n%s", want, all)
		}
	}
	check := exec.Command("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
	check.Dir = built.old
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("checksums: %v\n%s", err, out)
	}
	sums, err := os.ReadFile(filepath.Join(built.old, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(sums, []byte("\n")); got != len(names)-1 {
		t.Errorf("got %d checksums, want one for each of %d files", got, len(names)-1)
	}
}

// exposure is what systemd thinks that a service could do: 0 nothing, 10 all.
var exposure = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

func TestTheServicesAreConfined(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"agent", "collector"} {
		unit := filepath.Join(unpacked(t, program), "usr/lib/systemd/system/zerofax-"+program+".service")
		out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", unit).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		found := exposure.FindSubmatch(out)
		if found == nil {
			t.Fatalf("got\n%s", out)
		}
		if level, err := strconv.ParseFloat(string(found[1]), 64); err != nil || level > 2.5 {
			t.Errorf("%s: exposure %s, want at most 2.5:\n%s", program, found[1], out)
		}
	}
}

// unpacked is a folder with the files of a program's package.
func unpacked(t *testing.T, program string) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("dpkg-deb", "--extract", filepath.Join(built.old, "zerofax-"+program+"_"+oldVersion+"_amd64.deb"), dir).CombinedOutput()
	if err != nil {
		t.Fatalf("unpack: %v\n%s", err, out)
	}
	return dir
}

// eventually polls a condition; what it returns last is told if it never becomes empty.
func eventually(t *testing.T, within time.Duration, what string, missing func() string) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		last := missing()
		if last == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %s", what, within, last)
		}
		<-time.After(100 * time.Millisecond)
	}
}
