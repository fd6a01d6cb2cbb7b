package register

import (
	"fmt"
	"strings"
)

// Note is something to say of a place in a file.
type Note struct {
	File   string
	Row    int    // as the file's program counts them; 0 = the file as a whole
	Column string // as the file heads it; empty = the row as a whole
	Text   string // what is wrong; what would be right
}

// String is file:row: column: text.
func (n Note) String() string {
	var place strings.Builder
	place.WriteString(n.File)
	if n.Row > 0 {
		fmt.Fprintf(&place, ":%d", n.Row)
	}
	place.WriteString(": ")
	if n.Column != "" {
		place.WriteString(n.Column + ": ")
	}
	return place.String() + n.Text
}

// Faults are all that is wrong with a file. Nothing of it was taken over.
type Faults []Note

// Error has a line for each.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, note := range f {
		lines[i] = note.String()
	}
	return strings.Join(lines, "\n")
}

// err is nil where there are none.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
