package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const lineKeySize = 32

// lineKey is the key by which line_label: hash hides numbers, made when it is first asked for. With
// another one all lines would get other names, so it is kept for good beside the books.
func lineKey(dataDir string) ([]byte, error) {
	path := filepath.Join(dataDir, "line-label.key")
	key, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		key = make([]byte, lineKeySize)
		_, _ = rand.Read(key) // never fails
		if err := writeOnce(path, key); err != nil {
			return nil, fmt.Errorf("write the key of line_label: %w", err)
		}
	case err != nil:
		return nil, fmt.Errorf("read the key of line_label: %w", err)
	case len(key) != lineKeySize:
		return nil, fmt.Errorf("the key of line_label, %s, has %d bytes, want %d: restore it, or remove it to name all lines anew",
			path, len(key), lineKeySize)
	}
	return key, nil
}

// writeOnce writes a file whole or not at all, for this account alone.
func writeOnce(path string, data []byte) error {
	half := path + ".new"
	file, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(half, path)
}
