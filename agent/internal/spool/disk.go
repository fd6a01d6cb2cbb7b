package spool

import (
	"errors"
	"os"
	"path/filepath"
)

// disk is one folder. Tests put one in its place that fails, or crashes, at every step.
type disk interface {
	List() ([]string, error)
	Read(name string) ([]byte, error)
	// Write creates or replaces a file; its content, not yet its name, is safe from a power
	// cut when it returns nil. After an error nothing is left of the file.
	Write(name string, data []byte) error
	Rename(from, to string) error // at once or not at all; takes no space
	Remove(name string) error
	Sync() error // all names as they are now are safe from a power cut
}

type folder string

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

func (f folder) List() ([]string, error) {
	dir, err := os.Open(string(f))
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(-1)
	return names, errors.Join(err, dir.Close())
}

func (f folder) Read(name string) ([]byte, error) { return os.ReadFile(f.path(name)) }

func (f folder) Write(name string, data []byte) error {
	file, err := os.OpenFile(f.path(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(f.path(name)))
	}
	return nil
}

func (f folder) Rename(from, to string) error { return os.Rename(f.path(from), f.path(to)) }

func (f folder) Remove(name string) error { return os.Remove(f.path(name)) }
