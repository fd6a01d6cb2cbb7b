//go:build !windows

package ledger_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// The collector runs as an account of its own; administrators are root.
func TestWhatRootRestoresBelongsToTheCollectorsAccount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	c := newCollector(t)
	c.say("ps-01", sent(100))
	backup := filepath.Join(t.TempDir(), "monday.db")
	c.backup(backup)

	const account = 65532
	data := t.TempDir()
	if err := os.Chown(data, account, account); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(data, "ledger.db")
	l, err := ledger.Open(context.Background(), path, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantOwner(t, path, account)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := restore(path, backup); err != nil {
		t.Fatal(err)
	}
	wantOwner(t, path, account)
	wantOwner(t, backup, 0)
}

func wantOwner(t *testing.T, path string, want uint32) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
		t.Errorf("%s belongs to account %d, want %d", filepath.Base(path), got, want)
	}
}
