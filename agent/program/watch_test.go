package program

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errHangs = errors.New("the schedule stands still")

func TestAProgramThatHangsIsGivenUpAfterAMinute(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	synctest.Test(t, func(t *testing.T) {
		hangs := time.Now().Add(time.Hour)
		err := Watch(t.Context(), func() (string, error) {
			if time.Now().After(hangs) {
				return "", errHangs
			}
			return "fine", nil
		})
		if !errors.Is(err, errHangs) {
			t.Errorf("got %v, want %v", err, errHangs)
		}
		if took := time.Since(hangs); took < time.Minute || took > 90*time.Second {
			t.Errorf("given up after %s, want a minute or a bit more", took)
		}
	})
}

func TestAProgramThatWasAsleepIsNotGivenUp(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		looks := 0
		go func() {
			ended <- Watch(ctx, func() (string, error) {
				if looks++; looks%4 == 0 { // the first look after waking up comes before the schedule's
					return "", errHangs
				}
				return "fine", nil
			})
		}()
		time.Sleep(24 * time.Hour)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// systemd hears what is said to it.
func systemd(t *testing.T) *net.UnixConn {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Skip("no such sockets here:", err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "60000")
	return conn
}

// heard is what comes next within a time.
func heard(t *testing.T, conn *net.UnixConn, within time.Duration) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1000)
	n, err := conn.Read(buffer)
	if err != nil {
		return ""
	}
	return string(buffer[:n])
}

func TestSystemdHearsSignsOfLifeOnlyWhileThereAreSome(t *testing.T) {
	conn := systemd(t)
	looks := make(chan error)
	go func() {
		_ = Watch(t.Context(), func() (string, error) { return "3 targets", <-looks })
	}()
	looks <- errHangs // isn't ready yet
	looks <- nil
	got := heard(t, conn, 10*time.Second)
	for _, want := range []string{"READY=1", "WATCHDOG=1", "STATUS=3 targets"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want %s in it", got, want)
		}
	}
	looks <- nil
	if got := heard(t, conn, 10*time.Second); !strings.Contains(got, "WATCHDOG=1") {
		t.Errorf("got %q, want a sign of life", got)
	}
	looks <- errHangs
	looks <- errHangs // so the one before was judged
	if got := heard(t, conn, time.Millisecond); got != "" {
		t.Errorf("got %q from one that hangs, want nothing", got)
	}
	close(looks)
}
