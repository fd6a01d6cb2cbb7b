//go:build !windows && !solaris && !aix

package spool

import (
	"fmt"
	"os"
	"syscall"
)

// lock keeps a second agent out of the folder until the file is closed or the process ends.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: another agent works in this folder: %w", path, err)
	}
	return file, nil
}
