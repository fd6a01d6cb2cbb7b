package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Service is what is known of a service in the month.
type Service struct {
	indicators.Scope
	Lines, Cut, Kept, Late int64 // at the end of the month
	Figures
}

// At is a figure of the month.
func (s *Service) At(key Key) indicators.Figure { return s.Figures.of(key) }

// Ranking are the services that fax most.
type Ranking struct {
	Key
	Largest []Rank
	Silent  int // so many services have lines, and nobody knows how much they fax
}

// Rank is a service's place.
type Rank struct {
	indicators.Scope
	indicators.Figure
}

// services fills in what is told by service. Of a closed month that is what was frozen.
func (r *Report) services(b Books) {
	figures, closing := r.frozen(b.ClosedServices, r.Month, indicators.Service)
	if closing == nil {
		figures = indicators.Compute(b.of(r.Month), r.Month, r.Month, indicators.Service)
	}
	at := make(map[indicators.Scope]int)
	for _, f := range r.own(figures) {
		i, known := at[f.Scope]
		if !known {
			i = len(r.Services)
			at[f.Scope] = i
			r.Services = append(r.Services, Service{Scope: f.Scope, Figures: Figures{}})
		}
		r.Services[i].Figures[KeyOf(&f)] = f
	}
	r.stages()
	r.Senders = r.ranking(Key{indicators.FaxSent, "pages"})
	r.Receivers = r.ranking(Key{indicators.FaxReceived, "pages"})
	slices.SortStableFunc(r.Services, func(a, b Service) int {
		return cmp.Or(last(a.Service, b.Service), strings.Compare(r.EstablishmentName(a.Establishment), r.EstablishmentName(b.Establishment)),
			strings.Compare(r.PoleName(a.Pole), r.PoleName(b.Pole)), strings.Compare(a.Name, b.Name))
	})
}

// stages counts the lines of each service, which indicators don't.
func (r *Report) stages() {
	at := make(map[ledger.Place]*Service, len(r.Services))
	for i := range r.Services {
		s := &r.Services[i]
		at[serviceKey(s.Service, s.Establishment, s.Pole)] = s
	}
	for i := range r.Lines {
		l := &r.Lines[i]
		s := at[serviceKey(l.Service, l.Establishment, l.Pole)]
		if s == nil {
			continue // it stood elsewhere in the month
		}
		s.Lines++
		switch r.stage(l) {
		case ledger.Cut:
			s.Cut++
		case ledger.Kept:
			s.Kept++
		case ledger.Overdue:
			s.Late++
		}
	}
}

// serviceKey is where a service stands; what has none is told apart by what it belongs to.
func serviceKey(service, establishment, pole string) ledger.Place {
	if service != "" {
		return ledger.Place{Service: service}
	}
	return ledger.Place{Establishment: establishment, Pole: pole}
}

// ranking orders services by what they faxed.
func (r *Report) ranking(key Key) Ranking {
	ranking := Ranking{Key: key}
	for i := range r.Services {
		s := &r.Services[i]
		f := s.At(key)
		switch {
		case f.Value == nil && s.Lines > s.Cut:
			ranking.Silent++
		case f.Value != nil && *f.Value > 0:
			ranking.Largest = append(ranking.Largest, Rank{s.Scope, f})
		}
	}
	slices.SortStableFunc(ranking.Largest, func(a, b Rank) int { return cmp.Compare(*b.Value, *a.Value) })
	ranking.Largest = ranking.Largest[:min(len(ranking.Largest), most)]
	return ranking
}

// AfterLine is what was faxed in the month on a line that should be silent, or in doubt was.
type AfterLine struct {
	ledger.Line
	Kind ledger.EpisodeKind // after its cut-off, or after copper closed: the same fax may be both
	Sums []ledger.AfterSum
	Last wire.Time
}

// Of is what of it is so sure.
func (a *AfterLine) Of(certainty ledger.Certainty) (sums []ledger.AfterSum) {
	for _, s := range a.Sums {
		if s.Certainty == certainty {
			sums = append(sums, s)
		}
	}
	return sums
}

// Sure tells whether any of it is beyond doubt, or nearly.
func (a *AfterLine) Sure() bool { return len(a.Of(ledger.Certain))+len(a.Of(ledger.Probable)) > 0 }

// after fills in the lines that still faxed, what is sure first. Of lines that are no more nothing is told here:
// nobody can say to which establishment they belong.
func (r *Report) after(sums []ledger.AfterSum) {
	byLine := make(map[string][]ledger.AfterSum)
	for _, s := range sums {
		byLine[s.Line] = append(byLine[s.Line], s)
	}
	for i := range r.Lines {
		for _, kind := range []ledger.EpisodeKind{ledger.AfterCutoff, ledger.AfterCopper} {
			line := AfterLine{Line: r.Lines[i], Kind: kind}
			for _, s := range byLine[r.Lines[i].ID] {
				if s.Kind == kind {
					line.Sums, line.Last = append(line.Sums, s), max(line.Last, s.Last)
				}
			}
			if line.Sums != nil {
				r.After = append(r.After, line)
			}
		}
	}
	slices.SortStableFunc(r.After, func(a, b AfterLine) int {
		switch {
		case a.Sure() && !b.Sure():
			return -1
		case b.Sure() && !a.Sure():
			return 1
		}
		return cmp.Compare(b.Last, a.Last)
	})
}

// Weather is how a service goes, as its sheet says.
type Weather struct {
	ledger.Sheet
	Worst ledger.Risk // of its watch points; empty: it has none
}

// weather fills in the sheets of the services that the report is of.
func (r *Report) weather(sheets []ledger.Sheet) {
	said := make(map[string]bool)
	for i := range sheets {
		service, known := r.Register.Services[sheets[i].Service]
		if known && r.of(service.Establishment) {
			said[sheets[i].Service] = true
			r.Weather = append(r.Weather, Weather{sheets[i], sheets[i].Risk()})
		}
	}
	for i := range r.Services {
		if s := &r.Services[i]; s.Service != "" && s.Lines > 0 && !said[s.Service] {
			r.Unsaid++
		}
	}
	slices.SortStableFunc(r.Weather, func(a, b Weather) int {
		return cmp.Or(cmp.Compare(slices.Index(ledger.Weathers(), b.Weather), slices.Index(ledger.Weathers(), a.Weather)),
			cmp.Compare(slices.Index(ledger.Risks(), b.Worst), slices.Index(ledger.Risks(), a.Worst)),
			strings.Compare(r.ServiceName(a.Service), r.ServiceName(b.Service)))
	})
}
