// Command sbom writes what a Go program is made of as CycloneDX JSON, from the build information that is in the program
// itself.
package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: sbom PROGRAM VERSION [package.json...]")
		os.Exit(2)
	}
	if err := write(os.Stdout, os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// write writes of what the program in file is made. Version is the release's: the build information has only the commit.
// Assets are package.json files that name what was copied into the sources.
func write(out io.Writer, file, version string, assets []string) error {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return err
	}
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("read SOURCE_DATE_EPOCH: %w", err)
	}
	bom := cdx.NewBOM()
	program := programOf(info, strings.TrimSuffix(filepath.Base(file), ".exe"), version)
	bom.Metadata = &cdx.Metadata{Timestamp: time.Unix(epoch, 0).UTC().Format(time.RFC3339), Component: &program}
	components := []cdx.Component{standardLibrary(info.GoVersion)}
	for _, m := range info.Deps {
		c, err := module(m)
		if err != nil {
			return err
		}
		components = append(components, c)
	}
	for _, file := range assets {
		copied, err := packages(file)
		if err != nil {
			return err
		}
		components = append(components, copied...)
	}
	var refs []string
	for _, c := range components {
		refs = append(refs, c.BOMRef)
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: program.BOMRef, Dependencies: &refs}}
	return cdx.NewBOMEncoder(out, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6)
}

func programOf(info *debug.BuildInfo, name, version string) cdx.Component {
	purl := packageURL(info.Main.Path, version) + "#" + path.Base(info.Path)
	c := cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeApplication, Name: name, Version: version, PackageURL: purl}
	c.Licenses = &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}}
	var properties []cdx.Property
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS", "GOARCH", "-tags", "vcs.revision", "vcs.time", "vcs.modified":
			properties = append(properties, cdx.Property{Name: "go:" + strings.TrimPrefix(s.Key, "-"), Value: s.Value})
		}
	}
	c.Properties = &properties
	return c
}

func standardLibrary(version string) cdx.Component {
	version = strings.TrimPrefix(version, "go")
	purl := packageURL("std", version)
	return cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: "std", Version: version, PackageURL: purl}
}

func module(m *debug.Module) (cdx.Component, error) {
	m = cmp.Or(m.Replace, m)
	purl := packageURL(m.Path, m.Version)
	c := cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: purl}
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")) // SHA-256 over the hashes of all files
	if err != nil || len(sum) != 32 {
		return c, errors.Join(fmt.Errorf("module %s has no checksum", m.Path), err)
	}
	c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
	return c, nil
}

// packages are the npm packages that a package.json names.
func packages(file string) ([]cdx.Component, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var names struct{ DevDependencies map[string]string }
	if err := json.Unmarshal(text, &names); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var components []cdx.Component
	for _, name := range slices.Sorted(maps.Keys(names.DevDependencies)) {
		version := names.DevDependencies[name]
		purl := "pkg:npm/" + strings.ReplaceAll(name, "@", "%40") + "@" + version
		components = append(components, cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: name, Version: version, PackageURL: purl})
	}
	return components, nil
}

// packageURL is the name of a module that scanners know it by (package-url spec, type golang).
func packageURL(path, version string) string {
	return "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
}
