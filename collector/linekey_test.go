package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheKeyOfLineLabelsIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	first, err := lineKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := lineKey(dir)
	if err != nil || !bytes.Equal(first, again) || len(first) != 32 || bytes.Equal(first, make([]byte, 32)) {
		t.Errorf("got %x, then %x, %v; want the same 32 random bytes", first, again, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "line-label.key"), first[:7], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := lineKey(dir); err == nil || !strings.Contains(err.Error(), "7 bytes, want 32") {
		t.Errorf("a damaged key: got %v, want an error that says so: other names for all lines would look like other lines", err)
	}
}
