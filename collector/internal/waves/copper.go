package waves

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// CopperEnd is a line whose copper closes near or before its turn.
type CopperEnd struct {
	Line   *ledger.Line
	Cutoff ledger.Day // its own; its wave's where it has none
	End    ledger.Day // of copper: technical, or commercial where that isn't known
	Before bool       // copper closes before the line is to be cut
}

// CopperEnds are what copper does to the lines of a wave.
type CopperEnds struct {
	Near    []CopperEnd    // that close before their turn, or within a year from now; the nearest first
	Far     int            // lines on copper that do neither
	Unknown []*ledger.Line // on copper, and nobody knows when that closes
	Unsaid  []*ledger.Line // of which nobody says whether they hang on copper
}

// Copper compares the ends of copper with a wave's day. Lines that are cut or kept are left out.
func Copper(lines []*ledger.Line, cutoff ledger.Day) (c CopperEnds) {
	for _, l := range lines {
		if l.State == ledger.Cut || l.State == ledger.Kept {
			continue
		}
		end := ledger.Day("")
		if l.Copper != nil {
			end = cmp.Or(l.Copper.Technical, l.Copper.Commercial)
		}
		switch {
		case l.Copper == nil && l.Support == "":
			c.Unsaid = append(c.Unsaid, l)
		case l.Copper == nil && !ledger.OnCopper(l.Support):
		case end == "":
			c.Unknown = append(c.Unknown, l)
		default:
			x := CopperEnd{Line: l, Cutoff: cmp.Or(l.Cutoff, cutoff), End: end}
			x.Before = x.Cutoff != "" && x.End < x.Cutoff
			if !x.Before && l.Copper.Warning == ledger.CopperFar {
				c.Far++
				continue
			}
			c.Near = append(c.Near, x)
		}
	}
	slices.SortFunc(c.Near, func(a, b CopperEnd) int {
		return cmp.Or(strings.Compare(string(a.End), string(b.End)), strings.Compare(a.Line.ID, b.Line.ID))
	})
	return c
}
