//go:build !linux && !darwin && !freebsd && !windows

package spool

import "errors"

// Free is not known on this system.
func (s *Spool) Free() (int64, error) { return 0, errors.ErrUnsupported }
