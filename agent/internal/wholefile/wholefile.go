// Package wholefile writes files whole or not at all, closed to other accounts of the machine
// from the first moment on.
package wholefile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write makes or replaces a file. When it returns nil a power cut leaves the new one, after an
// error the old one is as it was.
func Write(path string, data []byte) error {
	half := path + ".new"
	if err := os.Remove(half); err != nil && !errors.Is(err, os.ErrNotExist) { // of a program that was killed
		return err
	}
	file, err := create(half)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(half, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(half))
	}
	return syncFolder(filepath.Dir(path))
}
