package web

import (
	"cmp"
	"math"
	"slices"

	"github.com/zerofax/zerofax/collector/internal/indicators"
)

// crossed is the table of who faxes whom: a row for each that sends, a column for each that receives.
type crossed struct {
	Heads []crossedEnd // of the columns
	Rows  []crossedRow
	Total crossedRow
	More  int // services that stand together
}

// crossedEnd is a service, those together that have no row of their own, or what isn't ours.
type crossedEnd struct {
	Name, Within, Link string
	Kind               string // "" a service, others, outside, undisclosed
}

type crossedRow struct {
	crossedEnd
	Cells []crossedCell
	Total int64
}

// End is who sends.
func (r crossedRow) End() crossedEnd { return r.crossedEnd }

// crossedCell is how much was faxed. Heat says how much that is beside the others: 0 nothing, 5 most.
type crossedCell struct {
	Count int64
	Heat  int
}

// cross makes the table with at most so many services, those with the most, in the order of how much they fax.
func (p *flowsPage) cross(most int) (c crossed) {
	parties := slices.Clone(p.parties)
	slices.SortStableFunc(parties, func(a, b indicators.Party) int { return cmp.Compare(b.Out()+b.In(), a.Out()+a.In()) })
	place := make(map[indicators.End]int)
	outside, undisclosed := false, false
	for _, x := range parties {
		switch {
		case x.Kind != indicators.Inside:
			undisclosed = true
		case len(c.Heads) < most:
			place[x.End] = len(c.Heads)
			row := p.party(&x, 0, 0)
			c.Heads = append(c.Heads, crossedEnd{Name: row.Name, Within: row.Within, Link: row.Link})
		default:
			c.More++
		}
	}
	for i := range p.flows {
		outside = outside || !p.flows[i].Internal()
	}
	kinds := make(map[string]int)
	for _, kind := range []struct {
		name string
		is   bool
	}{{"others", c.More > 0}, {"undisclosed", undisclosed}, {"outside", outside}} {
		if kind.is {
			kinds[kind.name] = len(c.Heads)
			c.Heads = append(c.Heads, crossedEnd{Kind: kind.name})
		}
	}
	at := func(e indicators.End) int {
		switch e.Kind {
		case indicators.Outside:
			return kinds["outside"]
		case indicators.Undisclosed:
			return kinds["undisclosed"]
		}
		if i, own := place[e]; own {
			return i
		}
		return kinds["others"]
	}
	c.count(p.flows, at)
	return c
}

// count fills in the cells, and shades them.
func (c *crossed) count(flows []indicators.Flow, at func(indicators.End) int) {
	for _, head := range c.Heads {
		c.Rows = append(c.Rows, crossedRow{crossedEnd: head, Cells: make([]crossedCell, len(c.Heads))})
	}
	c.Total.Cells = make([]crossedCell, len(c.Heads))
	var most int64
	for i := range flows {
		f := &flows[i]
		from, to := at(f.Source), at(f.Destination)
		c.Rows[from].Cells[to].Count += f.Count
		c.Rows[from].Total += f.Count
		c.Total.Cells[to].Count += f.Count
		c.Total.Total += f.Count
		most = max(most, c.Rows[from].Cells[to].Count)
	}
	for i := range c.Rows {
		for j := range c.Rows[i].Cells {
			cell := &c.Rows[i].Cells[j]
			cell.Heat = heat(cell.Count, most)
		}
	}
}

// heat is how much n is of the most: each shade stands for twice as much as the one before, since few send most.
func heat(n, most int64) int {
	if n == 0 {
		return 0
	}
	return max(1, heats-int(math.Log2(float64(most)/float64(n))))
}
