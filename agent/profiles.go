package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/mibs"
)

type profilesCommand struct {
	List  listProfilesCommand  `cmd:"" help:"Show which devices are known, and what each kind tells with which certainty."`
	Check checkProfilesCommand `cmd:"" help:"Check profiles of one's own: every fault with its line, or what they would match and measure."`
}

type listProfilesCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// profileJSON is what `profiles list --json` prints of one profile.
type profileJSON struct {
	Name       string        `json:"name"`
	Vendor     string        `json:"vendor"` // empty: adds to those of all vendors
	Title      string        `json:"title"`
	From       string        `json:"from"` // built-in, or a file
	Measures   []measureJSON `json:"measures"`
	Lines      []string      `json:"lines"`       // states of a line that it can tell
	FaxService []string      `json:"fax_service"` // states of the fax function that it can tell
	CannotTell []string      `json:"cannot_tell"`
}

type measureJSON struct {
	Measure   string   `json:"measure"`
	Units     []string `json:"units"`
	Certainty string   `json:"certainty"`
	Note      string   `json:"note,omitempty"`
	Source    string   `json:"source"`
}

// Run prints the profiles that probe and run would use.
func (c *listProfilesCommand) Run(call *program.Call) error {
	config, err := loadConfig(call.Config)
	if err != nil {
		return err
	}
	profiles, err := loadProfiles(config)
	if err != nil {
		return err
	}
	if c.JSON {
		return printProfilesJSON(call.Stdout, profiles.Profiles())
	}
	return printProfiles(call.Stdout, profiles.Profiles())
}

func printProfilesJSON(out io.Writer, profiles []mibs.Profile) error {
	list := []profileJSON{}
	for i := range profiles {
		p := &profiles[i]
		one := profileJSON{
			Name: p.Name, Vendor: p.Vendor, Title: p.Title, From: from(p), Measures: []measureJSON{},
			Lines: states(p.Lines), FaxService: states(p.FaxService), CannotTell: append([]string{}, p.CannotTell...),
		}
		for _, m := range p.Measures {
			one.Measures = append(one.Measures, measureJSON{m.What, m.Units, m.Certainty, m.Note, m.Source})
		}
		list = append(list, one)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(list)
}

func printProfiles(out io.Writer, profiles []mibs.Profile) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tVENDOR\tTITLE\tFROM\tTELLS")
	for i := range profiles {
		p := &profiles[i]
		head := []string{p.Name, cmp.Or(p.Vendor, "(all)"), p.Title, from(p)}
		for _, what := range tells(p) {
			_, _ = fmt.Fprintf(table, "%s\t%s\n", strings.Join(head, "\t"), what)
			head = make([]string, len(head))
		}
	}
	return table.Flush()
}

func from(p *mibs.Profile) string { return cmp.Or(p.File, "built-in") }

// tells is what a profile can tell at best, one thing a line.
func tells(p *mibs.Profile) []string {
	var lines []string
	for _, m := range p.Measures {
		line := fmt.Sprintf("%s in %s (%s)", m.What, strings.Join(m.Units, " or "), m.Certainty)
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if s := states(p.Lines); len(s) > 0 {
		lines = append(lines, "lines: "+strings.Join(s, ", "))
	}
	if s := states(p.FaxService); len(s) > 0 {
		lines = append(lines, "fax service: "+strings.Join(s, ", "))
	}
	if len(lines) == 0 {
		return []string{"who the device is; no fax counter"}
	}
	return lines
}

// states are those that any of the claims can tell, the best first.
func states(claims []mibs.Claim) []string {
	all := []string{}
	for _, state := range []string{"idle", "busy", "down", "ready", "attention", "unavailable"} {
		if slices.ContainsFunc(claims, func(c mibs.Claim) bool { return slices.Contains(c.States, state) }) {
			all = append(all, state)
		}
	}
	return all
}

type checkProfilesCommand struct {
	Files   []string `arg:"" name:"file" help:"Profiles (YAML)."`
	Against string   `placeholder:"RECORDING" help:"Read this recording (snmprec, or what snmpwalk -On prints) with them too."`
}

// Run says what is wrong with profiles, or what they are good for.
func (c *checkProfilesCommand) Run(call *program.Call) error {
	profiles, err := c.load(call.Config)
	if err != nil {
		return err
	}
	for _, p := range profiles.Profiles() {
		if slices.Contains(c.Files, p.File) {
			printProfile(call.Stdout, &p)
		}
	}
	if c.Against == "" {
		return nil
	}
	seen, err := replay(call.Ctx, profiles, c.Against)
	if err != nil {
		return err
	}
	return seen.printText(call.Stdout)
}

// load are the known profiles with those of the command line.
func (c *checkProfilesCommand) load(configFile string) (*mibs.Set, error) {
	config, err := loadConfig(configFile)
	if err != nil {
		return nil, err
	}
	var faults []error
	var files []mibs.File
	for _, name := range c.Files {
		data, err := os.ReadFile(name)
		if err != nil {
			faults = append(faults, fmt.Errorf("read profile: %w", err))
			continue
		}
		if _, err := new(mibs.Set).WithFiles(mibs.File{Name: name, Data: data}); err != nil {
			faults = append(faults, err)
		}
		files = append(files, mibs.File{Name: name, Data: data})
	}
	if len(faults) > 0 { // those of this command line before any of profiles_dir
		return nil, program.Usage(errors.Join(faults...))
	}
	profiles, err := loadProfiles(config)
	if err != nil {
		return nil, err
	}
	if profiles, err = profiles.WithFiles(files...); err != nil {
		return nil, program.Usage(err)
	}
	return profiles, nil
}

func printProfile(out io.Writer, p *mibs.Profile) {
	_, _ = fmt.Fprintf(out, "%s: ok\n", p.File)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name string, values ...string) {
		for _, value := range values {
			for _, part := range wrap(value, width-len("  fax service  ")) {
				_, _ = fmt.Fprintf(table, "  %s\t%s\n", name, part)
				name = ""
			}
		}
	}
	row("name", p.Name+": "+p.Title)
	row("vendor", cmp.Or(p.Vendor, "all: neutral"))
	row("fits", p.Fits())
	row("tells", tells(p)...)
	var asks []string
	for _, claim := range slices.Concat(p.Measures, p.Lines, p.FaxService) {
		asks = append(asks, strings.TrimRight(claim.OID+" for "+claim.What, " for"))
	}
	row("asks", asks...)
	row("can't tell", p.CannotTell...)
	_ = table.Flush()
}

// replay reads a recording as the device would be.
func replay(ctx context.Context, profiles *mibs.Set, name string) (probed, error) {
	in, err := os.Open(name)
	if err != nil {
		return probed{}, fmt.Errorf("replay: %w", err)
	}
	defer in.Close()
	recording, err := mibs.ParseRecording(in)
	if err != nil {
		return probed{}, fmt.Errorf("replay %s: %w", name, err)
	}
	seen, err := probe(ctx, profiles, func(_ context.Context, _ mibs.Quirks, look func(mibs.Asker) error) error {
		return look(recording)
	})
	seen.where = name
	seen.result.Warnings = append(seen.result.Warnings, recording.Warnings...)
	return seen, err
}
