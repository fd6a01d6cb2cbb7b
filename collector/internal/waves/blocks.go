package waves

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"gonum.org/v1/gonum/graph/community"
	"gonum.org/v1/gonum/graph/simple"
)

// block are services that belong together.
type block struct {
	services []Scored
	size     int64
	score    float64 // mean of its lines
	place    string
}

// blocks are the services by what they belong to, in the order of their turn: communities of a graph whose edges are
// common floors and faxes to each other. Without such edges each service is a block of its own.
func blocks(services []Scored, flows []Flow, weights Weights) []block {
	var all []block
	for _, members := range communities(len(services), ties(services, flows, weights)) {
		b := block{}
		for _, i := range members {
			s := services[i]
			b.services = append(b.services, s)
			b.size += s.weight()
			b.score += s.Score * float64(s.weight())
			if len(s.Places) > 0 && (b.place == "" || s.Places[0] < b.place) {
				b.place = s.Places[0]
			}
		}
		b.score /= float64(b.size)
		slices.SortFunc(b.services, func(x, y Scored) int {
			return cmp.Or(cmp.Compare(x.Score, y.Score), strings.Compare(x.ID, y.ID))
		})
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b block) int {
		return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.place, b.place), strings.Compare(a.services[0].ID, b.services[0].ID))
	})
	for i := range all {
		for j := range all[i].services {
			all[i].services[j].Block = i + 1
		}
	}
	return all
}

// weight is how much a service adds to its wave's work: its lines, and one that has none is still to be told.
func (s *Service) weight() int64 { return max(1, s.Size) }

// tie is how much two services, by index, belong together.
type tie [2]int

// ties are those by floors and by faxes. Each kind comes to its weight in all, so that neither drowns the other.
func ties(services []Scored, flows []Flow, weights Weights) map[tie]float64 {
	all := make(map[tie]float64)
	add := func(some map[tie]float64, weight float64) {
		sum := 0.0
		for _, t := range slices.SortedFunc(maps.Keys(some), tie.compare) {
			sum += some[t]
		}
		for t, x := range some {
			all[t] += weight * x / sum
		}
	}
	if weights[Neighbours] > 0 {
		add(neighbours(services), weights[Neighbours])
	}
	if weights[Exchanges] > 0 {
		add(exchanges(services, flows), weights[Exchanges])
	}
	return all
}

func (t tie) compare(other tie) int {
	return cmp.Or(cmp.Compare(t[0], other[0]), cmp.Compare(t[1], other[1]))
}

// neighbours ties those that have a floor in common, once for each.
func neighbours(services []Scored) map[tie]float64 {
	on := make(map[string][]int)
	for i := range services {
		for _, place := range slices.Compact(slices.Sorted(slices.Values(services[i].Places))) {
			on[place] = append(on[place], i)
		}
	}
	all := make(map[tie]float64)
	for _, here := range on {
		for i, a := range here {
			for _, b := range here[i+1:] {
				all[tie{a, b}]++
			}
		}
	}
	return all
}

// exchanges ties those that fax each other, by how much they do, both ways.
func exchanges(services []Scored, flows []Flow) map[tie]float64 {
	at := make(map[string]int, len(services))
	for i := range services {
		at[services[i].ID] = i
	}
	all := make(map[tie]float64)
	for _, f := range flows {
		a, known := at[f.From]
		b, both := at[f.To]
		if known && both && a != b && f.Count > 0 {
			all[tie{min(a, b), max(a, b)}] += f.Count
		}
	}
	return all
}

// seed makes the search for communities come to the same ones each time.
const seed = 20261231

// grain is of how many grains all ties are made. Whole numbers add up to the same in any order.
const grain = 1 << 32

// communities are the parts of a graph of n nodes that hang together more than by chance (Louvain, modularity of
// resolution 1), each in order.
func communities(n int, ties map[tie]float64) (parts [][]int) {
	g := simple.NewWeightedUndirectedGraph(0, 0)
	for i := range n {
		g.AddNode(simple.Node(i))
	}
	edges := 0
	for _, t := range slices.SortedFunc(maps.Keys(ties), tie.compare) {
		if w := math.Round(ties[t] * grain); w > 0 {
			g.SetWeightedEdge(g.NewWeightedEdge(simple.Node(t[0]), simple.Node(t[1]), w))
			edges++
		}
	}
	if edges == 0 {
		for i := range n {
			parts = append(parts, []int{i})
		}
		return parts
	}
	for _, nodes := range community.Modularize(g, 1, rand.NewPCG(seed, seed)).Communities() {
		var part []int
		for _, node := range nodes {
			part = append(part, int(node.ID()))
		}
		slices.Sort(part)
		parts = append(parts, part)
	}
	return parts
}

// split cuts blocks, in their order, into at most n groups whose sizes differ as little as can be: the sum of their
// squares is the least.
func split(blocks []block, n int) (groups [][]Scored) {
	n = min(n, len(blocks))
	if n < 1 {
		return nil
	}
	until := make([]float64, len(blocks)+1) // size of those before
	for i := range blocks {
		until[i+1] = until[i] + float64(blocks[i].size)
	}
	cost, from := make([][]float64, n+1), make([][]int, n+1) // of the first i blocks in g groups; where the last one begins
	for g := range cost {
		cost[g], from[g] = make([]float64, len(blocks)+1), make([]int, len(blocks)+1)
		for i := range cost[g] {
			cost[g][i] = math.Inf(1)
		}
	}
	cost[0][0] = 0
	for g := 1; g <= n; g++ {
		for i := g; i <= len(blocks); i++ {
			for j := g - 1; j < i; j++ {
				size := until[i] - until[j]
				if c := cost[g-1][j] + size*size; c < cost[g][i] {
					cost[g][i], from[g][i] = c, j
				}
			}
		}
	}
	for g, end := n, len(blocks); g > 0; g-- {
		begin := from[g][end]
		var group []Scored
		for _, b := range blocks[begin:end] {
			group = append(group, b.services...)
		}
		groups = append([][]Scored{group}, groups...)
		end = begin
	}
	return groups
}
