package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// largest is what may be copied to a print server: 15 MB.
const largest = 15_000_000

func TestTheAgentForWindowsStaysSmall(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("builds a program by the Makefile")
	}
	t.Parallel()
	make, err := exec.CommandContext(t.Context(), "make", "-C", "..", "-n", "build").Output() // only says what it would do
	if err != nil {
		t.Fatalf("make -n build: %v", err)
	}
	flags := regexp.MustCompile(`(?m)^.*go build (.*) -ldflags .* \./agent$`).FindSubmatch(make)
	if flags == nil {
		t.Fatalf("make -n build builds no agent:\n%s", make)
	}
	program := filepath.Join(t.TempDir(), "zerofax-agent.exe")
	args := append([]string{"build", "-ldflags", "-s -w", "-o", program}, strings.Fields(string(flags[1]))...)
	build := exec.CommandContext(t.Context(), "go", append(args, ".")...)
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= largest {
		t.Errorf("got %d bytes, want less than %d", info.Size(), largest)
	}
	t.Logf("%d bytes", info.Size())
}
