package ledger

import (
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Cutoff is when a line is cut.
type Cutoff struct {
	Planned wire.Time // 00:00 of the planned day in the line's zone; 0 where none is declared
	Done    wire.Time // the end of the day on which it was really cut; 0 where it wasn't
	Kept    bool      // it is an exception
}

// At is the instant after which nobody should fax: the earlier of both, 0 where there is none.
func (c Cutoff) At() wire.Time {
	switch {
	case c.Kept:
		return 0
	case c.Planned == 0 || c.Done == 0:
		return max(c.Planned, c.Done)
	}
	return min(c.Planned, c.Done)
}

// CutoffOf is when a line is cut, by its newest version that isn't its removal, whatever the time.
func CutoffOf(versions []Declaration, zone *time.Location) Cutoff {
	d := lasting(versions)
	return Cutoff{Planned: d.Cutoff.In(zone), Done: d.CutOn.End(zone), Kept: d.KeptReason != ""}
}

// lasting is the version of a line whose dates hold for all times.
func lasting(versions []Declaration) (d Declaration) {
	for _, v := range versions {
		if !v.Removed || d.Line == "" {
			d = v
		}
	}
	return d
}

// End is the end of the day in a zone, 0 for none.
func (d Day) End(zone *time.Location) wire.Time {
	begin := d.In(zone)
	if begin == 0 {
		return 0
	}
	t := begin.Std().In(zone)
	return wire.TimeOf(time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, zone))
}
