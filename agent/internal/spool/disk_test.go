package spool

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
)

var (
	errCrashed = errors.New("crashed")
	errFull    = errors.New("no space left on device")
)

// memory is a folder in memory that crashes or fails at a chosen step.
type memory struct {
	files   map[string][]byte
	synced  map[string][]byte // as after the last Sync
	since   []func(map[string][]byte)
	left    int  // steps until the crash; below 0 = none
	full    bool // writing fails, and leaves nothing
	crashed bool
	steps   int
}

func newMemory() *memory {
	return &memory{files: map[string][]byte{}, synced: map[string][]byte{}, left: -1}
}

// step tells whether one more step happens.
func (m *memory) step() bool {
	m.steps++
	if m.left == 0 {
		m.crashed = true
	}
	m.left--
	return !m.crashed
}

func (m *memory) change(f func(map[string][]byte)) {
	f(m.files)
	m.since = append(m.since, f)
}

// killed is the folder after kill -9: all that was done is there.
func (m *memory) killed() *memory {
	n := newMemory()
	n.files, n.synced = maps.Clone(m.files), maps.Clone(m.files)
	return n
}

// cut is the folder after a power cut: of the names changed since the last Sync, the first n.
func (m *memory) cut(n int) *memory {
	files := maps.Clone(m.synced)
	for _, f := range m.since[:min(n, len(m.since))] {
		f(files)
	}
	return (&memory{files: files}).killed()
}

func (m *memory) List() ([]string, error) {
	if m.crashed {
		return nil, errCrashed
	}
	return slices.Collect(maps.Keys(m.files)), nil
}

func (m *memory) Read(name string) ([]byte, error) {
	data, ok := m.files[name]
	if m.crashed {
		return nil, errCrashed
	}
	if !ok {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(data), nil
}

func (m *memory) Write(name string, data []byte) error {
	if m.full {
		return errFull
	}
	data = slices.Clone(data)
	if m.crashed {
		return errCrashed
	}
	if !m.step() {
		m.change(func(f map[string][]byte) { f[name] = data[:len(data)/2] })
		return errCrashed
	}
	m.change(func(f map[string][]byte) { f[name] = data })
	return nil
}

func (m *memory) Rename(from, to string) error {
	if !m.step() {
		return errCrashed
	}
	if _, ok := m.files[from]; !ok {
		return fs.ErrNotExist
	}
	m.change(func(f map[string][]byte) {
		f[to] = f[from]
		delete(f, from)
	})
	return nil
}

func (m *memory) Remove(name string) error {
	if !m.step() {
		return errCrashed
	}
	if _, ok := m.files[name]; !ok {
		return fs.ErrNotExist
	}
	m.change(func(f map[string][]byte) { delete(f, name) })
	return nil
}

func (m *memory) Sync() error {
	if !m.step() {
		return errCrashed
	}
	m.synced, m.since = maps.Clone(m.files), nil
	return nil
}
