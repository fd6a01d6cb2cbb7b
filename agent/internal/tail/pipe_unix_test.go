//go:build !windows

package tail

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// HylaFAX has pipes (FIFO.ttyS0) in its spool; opening one waits for somebody who writes.
func TestAPipeBesideAJournalIsToldAndHoldsNothingUp(t *testing.T) {
	s := newServer(t, "*")
	if err := syscall.Mkfifo(filepath.Join(s.dir, "FIFO.ttyS0"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.appends("xferfaxlog", s.rows(1, 3))
	s.look()
	s.once()
	if got := s.state().Error; !strings.Contains(got, "FIFO.ttyS0 is no file") {
		t.Errorf("got %q, want that the pipe is no file", got)
	}
	if files, err := Look(s.path); files != 2 || err == nil || !strings.Contains(err.Error(), "FIFO.ttyS0 is no file") {
		t.Errorf("got %d files, %v; want check to tell of the pipe", files, err)
	}
}
