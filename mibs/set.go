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

// Set is a set of profiles that fit together. It never changes and may be used by many goroutines.
type Set struct {
	vendors []*profile // by name
	neutral []*profile // by name
}

// Builtin is the set that comes with the program. Its error would be a fault of the program.
func Builtin() (*Set, error) {
	files, err := fs.Sub(builtin, "profiles")
	if err != nil {
		return nil, fmt.Errorf("built-in profiles: %w", err)
	}
	return new(Set).With(files)
}

// With is the set plus the profiles in files (*.yml, not in its folders). A profile whose name
// is known already takes its place. The error tells every fault of every file.
func (s *Set) With(files fs.FS) (*Set, error) {
	names, err := fs.Glob(files, "*.yml")
	if err != nil {
		return nil, fmt.Errorf("list profiles: %w", err)
	}
	byName := map[string]*profile{}
	for _, p := range slices.Concat(s.vendors, s.neutral) {
		byName[p.Name] = p
	}
	var faults []error
	fileOf := map[string]string{}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			faults = append(faults, fmt.Errorf("read profile: %w", err))
			continue
		}
		p, err := parseProfile(path.Base(name), data)
		switch {
		case err != nil:
			faults = append(faults, err)
			continue
		case fileOf[p.Name] != "":
			faults = append(faults, fmt.Errorf("%s:1: name: %q is also that of %s; want another", name, p.Name, fileOf[p.Name]))
		}
		byName[p.Name], fileOf[p.Name] = p, name
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	all := new(Set)
	for _, p := range byName {
		if p.Neutral {
			all.neutral = append(all.neutral, p)
		} else {
			all.vendors = append(all.vendors, p)
		}
	}
	for _, profiles := range [][]*profile{all.vendors, all.neutral} {
		slices.SortFunc(profiles, func(a, b *profile) int { return strings.Compare(a.Name, b.Name) })
	}
	return all, nil
}

// Profile says what a profile is about.
type Profile struct {
	Name, Vendor, Title string
	Measures            []string // what it can tell at best
}

// Profiles lists the set, vendors first.
func (s *Set) Profiles() []Profile {
	var known []Profile
	for _, p := range slices.Concat(s.vendors, s.neutral) {
		one := Profile{Name: p.Name, Vendor: p.Vendor, Title: p.Title}
		for i := range p.Measures {
			if !slices.Contains(one.Measures, p.Measures[i].Measure) {
				one.Measures = append(one.Measures, p.Measures[i].Measure)
			}
		}
		known = append(known, one)
	}
	return known
}
