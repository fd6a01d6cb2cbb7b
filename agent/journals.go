package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/internal/spool"
	"github.com/zerofax/zerofax/agent/internal/tail"
	"github.com/zerofax/zerofax/agent/internal/uplink"
	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
)

// journalConfig is one of the key journals: a fax journal or call records of this machine.
type journalConfig struct {
	Name     string            `yaml:"name"`
	Path     string            `yaml:"path"`    // of one file, or a pattern
	Profile  string            `yaml:"profile"` // built in, or a file
	TimeZone string            `yaml:"time_zone"`
	Site     string            `yaml:"site"`
	Line     string            `yaml:"line"`
	Lines    map[string]string `yaml:"lines"`
	Numbers  []string          `yaml:"numbers"`

	profile *journal.Profile
	place   journal.Place
}

func (c *config) checkJournals(f *configfile.File) {
	if len(c.Journals) > wire.MaxJournals {
		f.Fault(at("journals"), "%d; want at most %d", len(c.Journals), wire.MaxJournals)
	}
	for i := range c.Journals {
		j, where := &c.Journals[i], at("journals", i)
		switch {
		case !wire.ValidAgent(j.Name):
			f.Fault(append(where, "name"), "%q; want 1 to 63 of a-z, 0-9 and -, such as hylafax", j.Name)
		case slices.ContainsFunc(c.Journals[:i], func(before journalConfig) bool { return before.Name == j.Name }):
			f.Fault(append(where, "name"), "%q is there already; want another for each journal", j.Name)
		}
		if j.Path = f.Path(j.Path); j.Path == "" {
			f.Fault(where, "path is missing; want the journal's file, or a pattern such as /var/log/asterisk/cdr-csv/*.csv")
		} else if _, err := filepath.Match(j.Path, ""); err != nil {
			f.Fault(append(where, "path"), "%q; want a path or a pattern of *, ? and [a-z]", j.Path)
		}
		if j.Site != "" && !wire.ValidAgent(j.Site) {
			f.Fault(append(where, "site"), "%q; want the id of a site: a-z, 0-9 and -", j.Site)
		}
		if len(j.Line) > wire.MaxNumber {
			f.Fault(append(where, "line"), "want a number of at most %d characters", wire.MaxNumber)
		}
		j.checkProfile(f, where)
		j.checkPlace(f, where)
	}
}

func (j *journalConfig) checkProfile(f *configfile.File, where []any) {
	fault := func(err error) {
		for line := range strings.Lines(err.Error()) {
			f.Fault(append(where, "profile"), "%s", strings.TrimSpace(line))
		}
	}
	builtin, ok := journal.Builtin(j.Profile)
	switch {
	case ok:
		j.profile = builtin
	case !strings.HasSuffix(j.Profile, ".yml") && !strings.HasSuffix(j.Profile, ".yaml"):
		fault(fmt.Errorf("%q; want %s, or a file of your own such as journal.yml", j.Profile, strings.Join(journal.Formats(), ", ")))
	default:
		j.Profile = f.Path(j.Profile)
		data, err := os.ReadFile(j.Profile)
		if err == nil {
			j.profile, err = journal.Load(j.Profile, data)
		}
		if err != nil {
			fault(err)
		}
	}
}

func (j *journalConfig) checkPlace(f *configfile.File, where []any) {
	j.place = journal.Place{Journal: j.Name, Site: j.Site, Line: j.Line, Lines: j.Lines}
	var err error
	if j.TimeZone != "" {
		if j.place.Zone, err = journal.Zone(j.TimeZone); err != nil {
			f.Fault(append(where, "time_zone"), "%q isn't known here; want a zone such as Europe/Paris", j.TimeZone)
		}
	}
	if j.place.Numbers, err = journal.NewNumbers(j.Numbers); err != nil {
		f.Fault(append(where, "numbers"), "%v", err)
	} else if j.profile != nil && j.profile.Calls() && j.place.Numbers.Empty() {
		f.Fault(where, "numbers is missing; call records tell everybody's calls, so name the fax lines among them")
	}
}

// rules are by which rows of the journal are left out.
func (j *journalConfig) rules() string { return strings.Join(j.Numbers, "\n") }

// mostHeld is how many envelopes may wait before no more is read of journals: their files keep what
// is left, and the spool is for readings.
const mostHeld = 32

// newTail follows the journals; nothing is read for a collector that doesn't take events.
func newTail(c *config, held *spool.Spool, link *uplink.Uplink, log *slog.Logger) *tail.Tail {
	o := tail.Options{
		Dir: c.Spool.Dir, Put: held.Append, MaxBatch: min(wire.MaxEnvelope/4, int(c.Spool.MaxSize/8)), Log: log, Now: clock,
		Ready: func() bool {
			s := held.State()
			return link.State().Events && s.Envelopes < mostHeld && s.Bytes < int64(c.Spool.MaxSize/2)
		},
		Books: func() wire.Time { return link.State().Books },
	}
	for _, j := range c.Journals {
		o.Journals = append(o.Journals, tail.Journal{
			Name: j.Name, Path: j.Path, Rules: j.rules(), Reader: func() (tail.Reader, error) { return j.profile.Reader(j.place) },
		})
	}
	return tail.New(o)
}

// journalsState is what the collector should know of them.
func journalsState(t *tail.Tail) []wire.JournalState {
	var all []wire.JournalState
	for _, s := range t.State() {
		all = append(all, wire.JournalState{
			Name: s.Name, File: text(s.File), Files: s.Files, Read: s.Read, Size: s.Size, Last: s.Last,
			Events: s.Events, Skipped: s.Skipped, Rejected: s.Rejected, Error: text(s.Error),
		})
	}
	return all
}

// text is one that the collector takes, whatever bytes a file's name is of.
func text(of string) string { return wire.Shorten(strings.ToValidUTF8(of, "?")) }

// journalsText is for check: what would be followed, and what of it can't be read.
func (c *config) journalsText(table *tabwriter.Writer) (notes []string) {
	for _, j := range c.Journals {
		files, err := tail.Look(j.Path)
		_, _ = fmt.Fprintf(table, "journal\t%s: %s as %s, files: %d\n", j.Name, j.Path, j.profile, files)
		if files == 0 && err == nil {
			err = errors.New("no file is there yet")
		}
		if err != nil {
			notes = append(notes, fmt.Sprintf("journal %s: %s; it is followed as soon as it can be", j.Name, strings.ReplaceAll(err.Error(), "\n", "; ")))
		}
	}
	return notes
}
