package mibs

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed profiles/*.yml
var builtin embed.FS

// Set is a set of profiles that fit together. It may be used by many goroutines.
type Set struct {
	vendors []*profile // by name
	neutral []*profile // by name
	layouts layouts
}

// Builtin is the set that comes with the program. Its error would be a fault of the program.
func Builtin() (*Set, error) {
	files, err := fs.Sub(builtin, "profiles")
	if err != nil {
		return nil, fmt.Errorf("built-in profiles: %w", err)
	}
	s, err := new(Set).With(files)
	if err != nil {
		return nil, err
	}
	for _, p := range slices.Concat(s.vendors, s.neutral) {
		p.file = ""
	}
	return s, nil
}

// With is the set plus the profiles in files (*.yml, not in its folders); see WithFiles.
func (s *Set) With(files fs.FS) (*Set, error) {
	names, err := fs.Glob(files, "*.yml")
	if err != nil {
		return nil, fmt.Errorf("list profiles: %w", err)
	}
	var faults []error
	var read []File
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			faults = append(faults, fmt.Errorf("read profile: %w", err))
		}
		read = append(read, File{Name: path.Base(name), Data: data})
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s.WithFiles(read...)
}

// File is a profile as somebody wrote it. Faults are told under its name.
type File struct {
	Name string
	Data []byte
}

// WithFiles is the set plus the profiles in files. A profile whose name is known already takes
// its place. The error tells every fault of every file.
func (s *Set) WithFiles(files ...File) (*Set, error) {
	byName := map[string]*profile{}
	for _, p := range slices.Concat(s.vendors, s.neutral) {
		byName[p.Name] = p
	}
	var faults []error
	fileOf := map[string]string{}
	for _, f := range files {
		p, err := parseProfile(f.Name, f.Data)
		switch {
		case err != nil:
			faults = append(faults, err)
			continue
		case fileOf[p.Name] != "":
			faults = append(faults, fmt.Errorf("%s:1: name: %q is also that of %s; want another", f.Name, p.Name, fileOf[p.Name]))
		}
		byName[p.Name], fileOf[p.Name] = p, f.Name
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return setOf(byName), nil
}

func setOf(byName map[string]*profile) *Set {
	s := new(Set)
	for _, p := range byName {
		if p.Neutral {
			s.neutral = append(s.neutral, p)
		} else {
			s.vendors = append(s.vendors, p)
		}
	}
	for _, profiles := range [][]*profile{s.vendors, s.neutral} {
		slices.SortFunc(profiles, func(a, b *profile) int { return strings.Compare(a.Name, b.Name) })
	}
	return s
}
