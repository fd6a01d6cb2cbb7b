package ledger

import (
	"context"
	"errors"
	flags "flag"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

// TestMain makes the property tests short enough for every day. What was changed here deserves more:
// go test ./collector/internal/ledger -run WholeHistory -rapid.checks=500
func TestMain(m *testing.M) {
	if err := flags.Set("rapid.checks", "15"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// EmptyAt puts an empty ledger at a path: a copy, since to make one takes longer than most tests.
func EmptyAt(t rapid.TB, path string) {
	t.Helper()
	empty, err := emptyLedger()
	if err == nil {
		err = os.WriteFile(path, empty, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var emptyLedger = sync.OnceValues(func() (_ []byte, err error) {
	dir, err := os.MkdirTemp("", "empty")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "books.db")
	l, err := Open(context.Background(), path, Options{})
	if err != nil {
		return nil, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
