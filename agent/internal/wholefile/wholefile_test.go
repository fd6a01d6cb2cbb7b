package wholefile_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/zerofax/zerofax/agent/internal/wholefile"
)

func TestAFileIsReplacedWholeAndClosedToOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.pem")
	for _, text := range []string{"the first, which is longer", "the second"} {
		if err := os.WriteFile(path+".new", []byte("left by a kill"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := wholefile.Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); string(got) != text || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, text)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("got mode %o, want 600", mode)
	}
	if _, err := os.Stat(path + ".new"); !os.IsNotExist(err) {
		t.Errorf("half a file is left: %v", err)
	}
}

func TestWhatCannotBeReplacedStaysAsItWas(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "agent.pem")
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := wholefile.Write(path, []byte("x")); err == nil {
		t.Error("got no error")
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("got %v, %v; want only what was there", names, err)
	}
}
