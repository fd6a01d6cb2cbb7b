package waves

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Turns are in which wave each service is, by service.
type Turns map[string]ledger.Wave

// TurnsOf are those of a plan.
func TurnsOf(plan []ledger.Wave) Turns {
	turns := make(Turns)
	for _, w := range plan {
		for _, id := range w.Services {
			turns[id] = w
		}
	}
	return turns
}

// With are the turns with a service in another wave; none where that has no number.
func (t Turns) With(service string, w ledger.Wave) Turns {
	next := make(Turns, len(t)+1)
	for id, x := range t {
		next[id] = x
	}
	if delete(next, service); w.Number != 0 {
		next[service] = w
	}
	return next
}

// Cut is a flow between services that are not switched off together: between the two days one of them has no fax any
// more and the other one still faxes.
type Cut struct {
	Flow
	FromWave, ToWave int64      // 0: in none
	First            string     // who is without fax first; empty: it can't be told
	Since, Until     ledger.Day // from its day on, until the other one's; empty: not said yet
	Days             int        // between; 0 where one isn't said
	Lost             Amount     // faxes in that time, if all goes on as before
}

// daysAMonth is a month's length in the mean.
const daysAMonth = 365.25 / 12

// Cuts are the flows that turns cut, those that cost most first. Where both services are switched off on the same day,
// in whichever waves, nothing is cut, nor where neither is in a wave.
func Cuts(flows []Flow, turns Turns) (cuts []Cut) {
	for _, f := range flows {
		from, to := turns[f.From], turns[f.To]
		if f.From == f.To || f.Count <= 0 || from.Number == to.Number || from.Cutoff != "" && from.Cutoff == to.Cutoff {
			continue
		}
		c := Cut{Flow: f, FromWave: from.Number, ToWave: to.Number}
		switch {
		case from.Cutoff != "" && (to.Cutoff == "" || from.Cutoff < to.Cutoff):
			c.First, c.Since, c.Until = f.From, from.Cutoff, to.Cutoff
		case to.Cutoff != "":
			c.First, c.Since, c.Until = f.To, to.Cutoff, from.Cutoff
		}
		if c.Until != "" {
			c.Days = c.Since.Until(c.Until)
			c.Lost = Known(f.Count * float64(c.Days) / daysAMonth)
		}
		cuts = append(cuts, c)
	}
	slices.SortFunc(cuts, func(a, b Cut) int {
		return cmp.Or(cmp.Compare(b.Lost.Value, a.Lost.Value), cmp.Compare(b.Count, a.Count), strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
	})
	return cuts
}

// Sum is what cuts come to.
type Sum struct {
	Flows   int
	Month   float64 // faxes a month
	Lost    float64 // faxes between the days, of those flows of which both are said
	Undated int     // flows of which they aren't
}

// SumOf adds cuts up.
func SumOf(cuts []Cut) (s Sum) {
	for i := range cuts {
		s.Flows++
		s.Month += cuts[i].Count
		s.Lost += cuts[i].Lost.Value
		if !cuts[i].Lost.Known {
			s.Undated++
		}
	}
	return s
}

// Move is what it changes to put a service into another wave.
type Move struct {
	Before, After Sum
	Mended, Torn  []Cut // flows that are no more cut, and that are from then on
	Others        []Cut // that are cut either way, as they would be then
	Told          bool  // whether a journal tells whom the service faxes: else nothing of this can be told
}

// WhatIf tells what it changes to put a service into another wave, or into none where that has no number.
func WhatIf(service Service, to ledger.Wave, flows []Flow, turns Turns) (m Move) {
	m.Told = service.Told
	before, after := Cuts(flows, turns), Cuts(flows, turns.With(service.ID, to))
	m.Before, m.After = SumOf(before), SumOf(after)
	was := make(map[[2]string]bool)
	for _, c := range before {
		was[[2]string{c.From, c.To}] = true
	}
	is := make(map[[2]string]bool)
	for _, c := range after {
		is[[2]string{c.From, c.To}] = true
		switch {
		case !was[[2]string{c.From, c.To}]:
			m.Torn = append(m.Torn, c)
		case c.From == service.ID || c.To == service.ID:
			m.Others = append(m.Others, c)
		}
	}
	for _, c := range before {
		if !is[[2]string{c.From, c.To}] {
			m.Mended = append(m.Mended, c)
		}
	}
	return m
}
