//go:build linux || darwin || freebsd

package spool

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Free is how many bytes the spool's disk still takes from this process. It asks the disk.
func (s *Spool) Free() (int64, error) {
	var at unix.Statfs_t
	if err := unix.Statfs(s.opts.Dir, &at); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", s.opts.Dir, err)
	}
	return int64(at.Bavail) * int64(at.Bsize), nil
}
