//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/freeport"
)

// TestSystemdHearsHowTheAgentIs runs the program as systemd would, with nobody behind the targets and no broker.
func TestSystemdHearsHowTheAgentIs(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	config := filepath.Join(dir, "agent.yml")
	text := fmt.Sprintf("collector: {url: 'mqtt://127.0.0.1:%d'}\nsnmp: {timeout: 100ms}\ntargets: [{host: 127.0.0.1, port: %d}]\n", freeport.Must(t), freeport.Must(t))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	agent := exec.Command("zerofax-agent", "run", "--config", config) // this test binary, see TestMain
	agent.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=300000")
	agent.Stderr = &log
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- agent.Wait() }()
	defer func() {
		_ = agent.Process.Kill()
		if t.Failed() {
			t.Log(log.String())
		}
	}()
	// hears waits for a message that has all these in it.
	hears := func(wants ...string) {
		t.Helper()
		var last string
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
			_ = conn.SetReadDeadline(deadline)
			buffer := make([]byte, 1000)
			n, err := conn.Read(buffer)
			if err != nil {
				break
			}
			if last = string(buffer[:n]); containsAll(last, wants) {
				return
			}
		}
		t.Fatalf("systemd heard %q last, want %q", last, wants)
	}
	tell := func(signal os.Signal) {
		t.Helper()
		if err := agent.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}

	hears("READY=1")
	hears("WATCHDOG=1", "STATUS=targets 1, silent 1, batches to send 0")
	tell(syscall.SIGHUP)
	hears("RELOADING=1")
	hears("READY=1", "STATUS=")
	if err := os.WriteFile(config, []byte("agnet: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tell(syscall.SIGHUP)
	hears("RELOADING=1")
	hears("READY=1")
	hears("WATCHDOG=1", "STATUS=targets 1")
	tell(syscall.SIGTERM)
	hears("STOPPING=1")
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
