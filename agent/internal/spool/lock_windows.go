package spool

import (
	"fmt"
	"os"
	"syscall"
)

// lock keeps a second agent out of the folder until the file is closed or the process ends.
func lock(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	const shareNothing = 0
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shareNothing, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: another agent works in this folder: %w", path, err)
	}
	return os.NewFile(uintptr(handle), path), nil
}
