// Package tail follows journals: files to which other programs append a row for each fax or call. It
// hands each row to the spool once, whatever happens to the file meanwhile: it is rotated by renaming
// or by copying, emptied, away for a while, or huge from the beginning.
//
//	look: which files are there ─▶ read on ─▶ rows ─▶ a batch ─▶ spool ─▶ position on disk
//	      each second             while the spool has room     then, and only then
//
// Nothing is lost because the position moves last, and nothing is counted twice because the same row
// has the same key: where in doubt about what was read already, a file is read again. What a file is,
// its beginning tells, not its name or place on disk.
package tail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
)

// Reader makes events of a file's rows, as journal.Reader does.
type Reader interface {
	Next(data []byte, last bool) (int, []byte)
	Row(record []byte) journal.Row
	State() []byte
	Resume([]byte) error
}

// Journal is what to follow.
type Journal struct {
	Name   string                 // [a-z0-9-]{1,63}
	Path   string                 // of one file, or a pattern as filepath.Glob has them
	Reader func() (Reader, error) // for a file from its beginning
	Rules  string                 // by which rows are left out; under other ones, all is read again
}

// Options of a Tail.
type Options struct {
	Journals []Journal
	Dir      string                                  // where positions are kept
	Put      func(payload []byte, records int) error // a batch of events is safe when it returns nil
	Ready    func() bool                             // whether more may be put now
	Books    func() wire.Time                        // since when they are there that what was put went into: all is read again for others; nil or 0: not known
	MaxBatch int                                     // bytes; 0 = 64 KiB
	Every    time.Duration                           // between looks; 0 = 1 s
	Log      *slog.Logger
	Now      func() time.Time
}

// Tail follows journals.
type Tail struct {
	opts      Options
	followers []*follower
}

// New finds where it was. Run starts it.
func New(o Options) *Tail {
	if o.MaxBatch == 0 {
		o.MaxBatch = wire.MaxEnvelope / 4
	}
	if o.Every == 0 {
		o.Every = time.Second
	}
	t := &Tail{opts: o}
	for _, j := range o.Journals {
		f := &follower{
			Journal: j, opts: &t.opts, log: o.Log.With("journal", j.Name),
			kept: filepath.Join(o.Dir, "journal-"+j.Name+".json"), status: Status{Name: j.Name, Path: j.Path},
		}
		f.recall()
		t.followers = append(t.followers, f)
	}
	return t
}

// Run follows until ctx ends.
func (t *Tail) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range t.followers {
		g.Go(func() error { f.run(ctx); return nil })
	}
	return g.Wait()
}

// State tells how far each journal is followed.
func (t *Tail) State() []Status {
	all := make([]Status, 0, len(t.followers))
	for _, f := range t.followers {
		f.mu.Lock()
		all = append(all, f.status.clone())
		f.mu.Unlock()
	}
	return all
}

// Status is how far a journal is followed.
type Status struct {
	Name   string
	Path   string
	Files  int    // there now
	File   string // read last
	Read   int64  // bytes of what is there now; of packed files, all or nothing
	Size   int64  // of these files
	Counts        // since the journal is followed
	Error  string // why it can't be read at present
}

// Counts are what became of a journal's rows.
type Counts struct {
	Events   int64                 `json:"events"`
	Skipped  int64                 `json:"skipped"`
	Rejected int64                 `json:"rejected"`
	Why      map[journal.Why]int64 `json:"why,omitempty"`  // of those skipped and rejected
	Last     wire.Time             `json:"last,omitempty"` // the latest event's
}

func (s *Status) clone() Status {
	c := *s
	c.Counts = s.Counts.clone()
	return c
}

func (c *Counts) clone() Counts {
	d := *c
	d.Why = make(map[journal.Why]int64, len(c.Why))
	for why, n := range c.Why {
		d.Why[why] = n
	}
	return d
}

// Look tells whether a journal could be followed: how many files there are, and why one of them can't
// be read.
func Look(path string) (files int, err error) {
	paths, err := pathsOf(path)
	var faults []error
	for _, path := range paths {
		if err := openable(path); err != nil {
			faults = append(faults, err)
		}
	}
	return len(paths), errors.Join(append(faults, err)...)
}

// openable says why a file can't be read, nil if it can.
func openable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return notAFile(path)
	}
	file, err := open(path)
	if err != nil {
		return err
	}
	return file.Close()
}

// mostFiles is how many files one journal may have: each is looked at each second.
const mostFiles = 10_000

// pathsOf are the files of a journal in the order of their names. One that is named outright is there
// also while it isn't.
func pathsOf(path string) ([]string, error) {
	if !pattern(path) {
		return []string{path}, nil
	}
	paths, err := filepath.Glob(path)
	if err == nil && len(paths) > mostFiles {
		return nil, fmt.Errorf("%s: %d files, at most %d can be followed; move old ones away", path, len(paths), mostFiles)
	}
	return paths, err
}
