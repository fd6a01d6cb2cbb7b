//go:build !windows && !solaris && !aix

package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// hold keeps a second collector out of the folder until the file is closed or the process ends.
func hold(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%w (%s)", ErrRunning, path)
	}
	return file, nil
}

// syncFolder makes the names in a folder last beyond a loss of power.
func syncFolder(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}

// free is how many bytes there is room for in a folder.
func free(dir string) (uint64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	return uint64(disk.Bavail) * uint64(disk.Bsize), nil
}

// ownedAsFolder gives a new file to whom its folder belongs, where root makes it: else the collector, which runs
// as an account of its own, couldn't open a ledger that an administrator restored.
func ownedAsFolder(file *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	folder, err := os.Stat(filepath.Dir(file.Name()))
	if err != nil {
		return err
	}
	if stat, ok := folder.Sys().(*syscall.Stat_t); ok {
		return file.Chown(int(stat.Uid), int(stat.Gid))
	}
	return nil
}
