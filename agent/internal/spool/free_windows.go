package spool

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// Free is how many bytes the spool's disk still takes from this process. It asks the disk.
func (s *Spool) Free() (int64, error) {
	path, err := windows.UTF16PtrFromString(s.opts.Dir)
	var free uint64
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(path, &free, nil, nil)
	}
	if err != nil {
		return 0, fmt.Errorf("free space of %s: %w", s.opts.Dir, err)
	}
	return int64(free), nil
}
