package ledger

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	sys "golang.org/x/sys/windows"
)

// sharingViolation is ERROR_SHARING_VIOLATION: somebody has the file open.
const sharingViolation syscall.Errno = 32

// hold keeps a second collector out of the folder until the file is closed or the process ends.
func hold(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	const shareNothing = 0
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shareNothing, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		return nil, fmt.Errorf("%w (%s)", ErrRunning, path)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

// syncFolder does nothing: Windows keeps names with the file system's own log.
func syncFolder(string) error { return nil }

// free is how many bytes there is room for in a folder.
func free(dir string) (bytes uint64, err error) {
	name, err := sys.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	return bytes, sys.GetDiskFreeSpaceEx(name, &bytes, nil, nil)
}

// ownedAsFolder has nothing to do: who may do what is inherited from the folder.
func ownedAsFolder(*os.File) error { return nil }
