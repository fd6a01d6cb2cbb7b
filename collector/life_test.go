package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSystemdHearsThatTheCollectorIsReadyAndThatItStops(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Skip("no such sockets here:", err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "300000")
	r := start(t, t.TempDir())
	hears := func(want string) {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 1000)
		for said := ""; !strings.Contains(said, want); {
			n, err := conn.Read(buffer)
			if err != nil {
				t.Fatalf("heard %q last, want %q: %v", said, want, err)
			}
			said = string(buffer[:n])
		}
	}
	hears("READY=1")
	hears("WATCHDOG=1\nSTATUS=ready")
	r.stop()
	hears("STOPPING=1")
}
