//go:build !windows

package spool

import (
	"errors"
	"os"
)

func (f folder) Sync() error {
	dir, err := os.Open(string(f))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
