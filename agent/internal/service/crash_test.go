package service

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// TestWhyTheAgentCrashedIsKnownToTheNextOne crashes this test binary, run again.
func TestWhyTheAgentCrashedIsKnownToTheNextOne(t *testing.T) {
	if file := os.Getenv("ZEROFAX_TEST_CRASH"); file != "" {
		if _, err := lastWords(file); err != nil {
			t.Fatal(err)
		}
		crashed := make(chan bool)
		go func() { defer close(crashed); panic("out of toner") }()
		<-crashed
	}
	file := filepath.Join(t.TempDir(), "crash.txt")
	agent := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	agent.Env = append(os.Environ(), "ZEROFAX_TEST_CRASH="+file)
	if err := agent.Run(); !errors.As(err, new(*exec.ExitError)) {
		t.Fatalf("got %v, want a crash", err)
	}

	said, err := lastWords(file)
	t.Cleanup(func() { _ = debug.SetCrashOutput(nil, debug.CrashOptions{}) })
	if err != nil || !strings.Contains(said, "panic: out of toner") || !strings.Contains(said, "crash_test.go") {
		t.Errorf("got %q, %v; want the panic and where it was", said, err)
	}
	if said, err := lastWords(file); said != "" || err != nil {
		t.Errorf("got %q, %v of an agent that did not crash; want nothing", said, err)
	}
}
