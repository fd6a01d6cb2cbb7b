package wholefile

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// closed is: nothing from the folder above; all to the system, to administrators and to the owner.
const closed = "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;S-1-3-4)"

// create makes a file that only its owner and administrators can read.
func create(path string) (*os.File, error) {
	rights, err := windows.SecurityDescriptorFromString(closed)
	if err != nil {
		return nil, &os.PathError{Op: "close", Path: path, Err: err}
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, &os.PathError{Op: "create", Path: path, Err: err}
	}
	attributes := windows.SecurityAttributes{SecurityDescriptor: rights}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	file, err := windows.CreateFile(name, windows.GENERIC_WRITE, 0, &attributes, windows.CREATE_NEW, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &os.PathError{Op: "create", Path: path, Err: err}
	}
	return os.NewFile(uintptr(file), path), nil
}

// syncFolder does nothing: Windows cannot sync a folder, NTFS keeps names in its own journal.
func syncFolder(string) error { return nil }
