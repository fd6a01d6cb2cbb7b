package journals

import (
	"errors"
	"io"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
)

// GlimpseRows is how many rows of a journal are looked at before it is imported: as many as are read in a blink.
const GlimpseRows = 20_000

// Glimpse is what the beginning of a journal holds.
type Glimpse struct {
	Tally
	Whole bool // that was all of it
	First []wire.Event
	Fault error // why it can't be read in this way at all; nil: it can
}

// Look reads the first rows of a journal, at most so many, and keeps so many of their events to be shown.
func Look(from io.Reader, way Way, most int64, shown int) (g Glimpse) {
	rows, err := way.Rows(from)
	if err != nil {
		g.Fault = err
		return g
	}
	enough := errors.New("enough")
	err = g.run(rows, func(row journal.Row) error {
		if row.Verdict == journal.Taken && len(g.First) < shown {
			g.First = append(g.First, row.Event)
		}
		if g.seen >= most { // blank ones, too: a small packed file may hold any number
			return enough
		}
		return nil
	})
	if g.Whole = err == nil; err != nil && !errors.Is(err, enough) {
		g.Fault = err
	}
	return g
}
