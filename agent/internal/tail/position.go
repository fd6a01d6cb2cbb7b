package tail

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/zerofax/zerofax/agent/internal/wholefile"
	"github.com/zerofax/zerofax/agent/wire"
)

// position is what outlives the program, in a file of its own for each journal. Without it all is read
// again, which costs time and changes nothing.
type position struct {
	Rules  string    `json:"rules"`
	Books  wire.Time `json:"books,omitempty"` // as Options.Books said
	Counts Counts    `json:"counts"`
	Files  []place   `json:"files"`
}

// place is how far one file was read.
type place struct {
	Path   string    `json:"path"`
	Origin string    `json:"origin"` // its path when it was new; rotation makes its other names of it
	Head   head      `json:"head"`
	Offset int64     `json:"offset"`          // of the content; behind a row
	Done   int64     `json:"done,omitempty"`  // the file's size when there was no further row in it
	State  []byte    `json:"state,omitempty"` // of the Reader; nil = it must read again from the beginning
	Whole  bool      `json:"whole,omitempty"` // Done, and not in the middle of a row
	Grown  wire.Time `json:"grown"`           // when rows of it were read last
}

// recall reads the position. One that can't be read, or was of other rules, is none.
func (f *follower) recall() {
	data, err := os.ReadFile(f.kept)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var p position
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	switch {
	case err != nil:
		f.log.Warn("where this journal was followed to isn't known, it is read again", "file", f.kept, "error", err)
		return
	case p.Rules != f.Rules:
		f.log.Info("other rows count now, the journal is read again")
		return
	}
	f.status.Counts, f.books = p.Counts, p.Books
	for _, place := range p.Files {
		f.files = append(f.files, &file{place: place})
	}
}

// keep writes the position.
func (f *follower) keep() error {
	p := position{Rules: f.Rules, Books: f.books, Counts: f.counts()}
	old := wire.TimeOf(f.opts.Now().Add(-lingers))
	for _, file := range f.files {
		place := file.place
		if len(f.files) > many && place.Grown < old {
			place.State = nil
		}
		p.Files = append(p.Files, place)
	}
	data, err := json.Marshal(p)
	if err == nil {
		err = wholefile.Write(f.kept, data)
	}
	if err != nil {
		return fmt.Errorf("keep the position: %w", err)
	}
	f.dirty = false
	return nil
}

// pattern tells whether a path stands for several files.
func pattern(path string) bool { return strings.ContainsAny(path, "*?[") }
