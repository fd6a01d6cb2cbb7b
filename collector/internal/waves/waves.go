// Package waves proposes in which order the services of a hospital are switched off, and tells what an order costs:
// which faxes between services are cut, which lines lose their copper before their turn, who could go first and by
// when what is to be done. It is pure: values in, values out. What isn't known is said to be unknown; no service is
// put anywhere by a guess.
package waves

import (
	"slices"
	"strings"
)

// Criterion is by what services are put into waves. The national kit names these five.
type Criterion string

// The criteria.
const (
	Faxes      Criterion = "faxes"      // those that fax little first
	Urgency    Criterion = "urgency"    // those whose work is least vital first
	Neighbours Criterion = "neighbours" // those side by side together, so that nobody borrows the next one's fax
	Partners   Criterion = "partners"   // those with few correspondents outside first
	Exchanges  Criterion = "exchanges"  // those that fax each other together
)

// Criteria are all of them, in the kit's order.
func Criteria() []Criterion { return []Criterion{Faxes, Urgency, Neighbours, Partners, Exchanges} }

// Amount is a figure that may not be known.
type Amount struct {
	Value float64
	Known bool
}

// Known is an amount.
func Known(v float64) Amount { return Amount{v, true} }

// Service is one that is still to be switched off, as far as anything is known of it.
type Service struct {
	ID       string
	Size     int64    // lines that are to be cut
	Faxes    Amount   // a month, all in the same unit
	Urgency  int64    // vital, 1 (least) to 4; 0: not known
	Places   []string // where its machines stand, to the floor; none: not known
	Partners Amount   // numbers outside with which it faxed
	Told     bool     // whom it faxes: by a journal
}

// Flow is how much a service faxes to another one in a month.
type Flow struct {
	From, To string
	Count    float64
}

// Weights are how much each criterion counts; those of 0 don't.
type Weights map[Criterion]float64

// Alone lets one criterion count.
func Alone(c Criterion) Weights { return Weights{c: 1} }

// Proposal is how services could be put into waves.
type Proposal struct {
	Groups  [][]Scored // in the order of their turn. May be fewer than asked for: what belongs together isn't torn
	Unknown []Missing  // services that can't be put anywhere, by id
	Between float64    // faxes a month between the services of all groups
	Torn    float64    // of these, between services of different groups
}

// Scored is a service with what its turn rests on.
type Scored struct {
	Service
	Parts map[Criterion]float64 // 0: early … 1: late, of those criteria that order
	Score float64               // their weighted mean
	Block int                   // services of the same belong together: see Neighbours and Exchanges
}

// Missing is what isn't known of a service that would have to be.
type Missing struct {
	ID    string
	Lacks []Criterion
}

// Propose puts services into at most n waves of about the same number of lines, by all criteria that have a weight.
// Neighbours and services that fax each other make blocks, which stay whole; criteria that order decide which block
// comes before which. A service of which a weighted criterion isn't known is put nowhere. The same input gives the
// same proposal.
func Propose(services []Service, flows []Flow, weights Weights, n int) (p Proposal) {
	services = slices.Clone(services)
	slices.SortFunc(services, func(a, b Service) int { return strings.Compare(a.ID, b.ID) })
	var known []Scored
	for i := range services {
		if lacks := services[i].lacks(weights); lacks != nil {
			p.Unknown = append(p.Unknown, Missing{services[i].ID, lacks})
			continue
		}
		known = append(known, Scored{Service: services[i]})
	}
	score(known, weights)
	p.Groups = split(blocks(known, flows, weights), n)
	p.weigh(flows)
	return p
}

// lacks are the weighted criteria of which nothing is known.
func (s *Service) lacks(weights Weights) (lacks []Criterion) {
	for _, c := range Criteria() {
		if weights[c] > 0 && !s.knows(c) {
			lacks = append(lacks, c)
		}
	}
	return lacks
}

func (s *Service) knows(c Criterion) bool {
	switch c {
	case Faxes:
		return s.Faxes.Known
	case Urgency:
		return s.Urgency > 0
	case Neighbours:
		return len(s.Places) > 0
	case Partners:
		return s.Partners.Known
	}
	return s.Told
}

// score fills in the parts of all services and their weighted mean.
func score(services []Scored, weights Weights) {
	ordering := map[Criterion]func(*Service) float64{
		Faxes:    func(s *Service) float64 { return s.Faxes.Value },
		Urgency:  func(s *Service) float64 { return float64(s.Urgency) },
		Partners: func(s *Service) float64 { return s.Partners.Value },
	}
	for i := range services {
		services[i].Parts = make(map[Criterion]float64)
	}
	sum := 0.0
	for _, c := range Criteria() {
		value := ordering[c]
		if value == nil || weights[c] <= 0 {
			continue
		}
		sum += weights[c]
		for i, rank := range ranks(services, value) {
			services[i].Parts[c] = rank
			services[i].Score += weights[c] * rank
		}
	}
	for i := range services {
		if sum > 0 {
			services[i].Score /= sum
		}
	}
}

// ranks are where each service stands among all: 0 the least, 1 the greatest; equals stand together, in the middle of
// the places that they take. A few services that fax a hundred times as much as others don't push these together.
func ranks(services []Scored, value func(*Service) float64) []float64 {
	values := make([]float64, len(services))
	for i := range services {
		values[i] = value(&services[i].Service)
	}
	sorted := slices.Sorted(slices.Values(values))
	all := make([]float64, len(values))
	for i, v := range values {
		first, _ := slices.BinarySearch(sorted, v)
		last := first
		for last+1 < len(sorted) && sorted[last+1] == v {
			last++
		}
		if len(sorted) > 1 {
			all[i] = float64(first+last) / 2 / float64(len(sorted)-1)
		}
	}
	return all
}

// weigh adds up what the groups tear.
func (p *Proposal) weigh(flows []Flow) {
	group := make(map[string]int)
	for g, services := range p.Groups {
		for i := range services {
			group[services[i].ID] = g + 1
		}
	}
	for _, f := range flows {
		from, to := group[f.From], group[f.To]
		if from == 0 || to == 0 || f.From == f.To {
			continue
		}
		p.Between += f.Count
		if from != to {
			p.Torn += f.Count
		}
	}
}
