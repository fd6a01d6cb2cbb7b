package waves

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Books is what waves are planned from.
type Books struct {
	Register *ledger.Register
	Lines    []ledger.Line
	Devices  []ledger.Device
	Notes    map[string]ledger.ServiceNote // by service
	Figures  []indicators.Figure           // of services, in months from which all is said as a month's mean
	Flows    []ledger.FlowSum              // of the same months
	Told     []ledger.JournalSpan
	Partners map[string][]int64 // numbers outside, by id, with which each line faxed in these months; nil: nobody asked
	From, To ledger.Month
}

// Hospital is what is known for planning.
type Hospital struct {
	Services []Service
	Flows    []Flow
	Unit     wire.EventUnit // of the flows; empty: no journal tells any
	Counted  string         // what Faxes of services are: faxes (from journals or machines) or pages; empty: none is known
	Months   int            // of which the means are
	Silent   []string       // services whose exchanges no journal tells, by id
	Partly   []string       // services of whose lines journals tell some only, by id: there may be more exchanges
	Done     []string       // services of which no line is left to cut, by id
}

// Gather takes from the books what is known of the services that have lines to cut.
func Gather(b Books) Hospital {
	h := Hospital{Months: b.months()}
	homes, lines := linesOf(b.Lines)
	h.Unit = b.unit(homes)
	told := b.told(h.Unit)
	pairs := b.pairs(h.Unit, told)
	messages := pairs
	if h.Unit != wire.Message {
		messages = b.pairs(wire.Message, b.told(wire.Message))
	}
	faxes, spots := b.faxes(&h, homes, messages), b.spots()
	for _, id := range slices.Sorted(maps.Keys(b.Register.Services)) {
		own := lines[id]
		s := Service{ID: id, Faxes: faxes[id], Urgency: b.Notes[id].Urgency}
		for _, l := range own {
			if l.State != ledger.Cut && l.State != ledger.Kept {
				s.Size++
			}
		}
		if len(own) > 0 && s.Size == 0 {
			h.Done = append(h.Done, id)
			continue
		}
		if len(own) == 0 {
			continue
		}
		s.Places = spots.of(own)
		if s.Told = slices.ContainsFunc(own, told.of); s.Told {
			s.Partners = b.partners(own)
			if !told.ofAll(own) {
				h.Partly = append(h.Partly, id)
			}
		} else {
			h.Silent = append(h.Silent, id)
		}
		h.Services = append(h.Services, s)
	}
	h.Flows = between(homes, pairs)
	return h
}

// months is how many there are.
func (b *Books) months() (n int) {
	for m := b.From; m <= b.To; m = m.Add(1) {
		n++
	}
	return n
}

// linesOf are the lines by service, and the services by line.
func linesOf(all []ledger.Line) (homes map[string]string, lines map[string][]*ledger.Line) {
	homes, lines = make(map[string]string), make(map[string][]*ledger.Line)
	for i := range all {
		if l := &all[i]; l.Service != "" {
			homes[l.ID] = l.Service
			lines[l.Service] = append(lines[l.Service], l)
		}
	}
	return homes, lines
}

// partners are with how many numbers outside some lines faxed together.
func (b *Books) partners(lines []*ledger.Line) Amount {
	if b.Partners == nil {
		return Amount{}
	}
	distinct := make(map[int64]bool)
	for _, l := range lines {
		for _, id := range b.Partners[l.ID] {
			distinct[id] = true
		}
	}
	return Known(float64(len(distinct)))
}

// Unit is that of the flows which count, empty where no journal tells any.
func (b *Books) Unit() wire.EventUnit {
	homes, _ := linesOf(b.Lines)
	return b.unit(homes)
}

// unit is that in which journals tell of more services; of messages where it is of as many.
func (b *Books) unit(homes map[string]string) wire.EventUnit {
	services := make(map[wire.EventUnit]int)
	for _, unit := range []wire.EventUnit{wire.Message, wire.Call} {
		told := make(map[string]bool)
		for line := range b.told(unit) {
			if service := homes[line]; service != "" {
				told[service] = true
			}
		}
		services[unit] = len(told)
	}
	switch {
	case services[wire.Call] > services[wire.Message]:
		return wire.Call
	case services[wire.Message] > 0:
		return wire.Message
	}
	return ""
}

// between are the flows between services as their lines stand now, each a month's mean of the days that are told.
func between(homes map[string]string, pairs []Flow) (flows []Flow) {
	sums := make(map[[2]string]float64)
	for _, x := range pairs {
		from, to := homes[x.From], homes[x.To]
		if from != "" && to != "" && from != to {
			sums[[2]string{from, to}] += x.Count
		}
	}
	for pair, n := range sums {
		if n > 0 {
			flows = append(flows, Flow{pair[0], pair[1], n})
		}
	}
	slices.SortFunc(flows, compareFlows)
	return flows
}

// pairs are the flows between lines of ours of which journals tell, each a month's mean, in order.
func (b *Books) pairs(unit wire.EventUnit, told told) (pairs []Flow) {
	sums := make(map[string]map[string]int64) // by sender and receiver; flows mostly come sender by sender
	var sender string
	var sent map[string]int64
	for i := range b.Flows {
		f := &b.Flows[i]
		if f.Unit != unit || f.From == "" || f.To == "" || f.Month < b.From || f.Month > b.To {
			continue
		}
		if f.From != sender {
			sender = f.From
			if sent = sums[sender]; sent == nil {
				sent = make(map[string]int64)
				sums[sender] = sent
			}
		}
		sent[f.To] += f.Count
	}
	for _, from := range slices.Sorted(maps.Keys(sums)) {
		for _, to := range slices.Sorted(maps.Keys(sums[from])) {
			if told[from] != nil || told[to] != nil {
				pairs = append(pairs, Flow{from, to, told.monthly(sums[from][to], from, to)})
			}
		}
	}
	return pairs
}

func compareFlows(a, b Flow) int {
	return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
}

// faxes are how much each service faxes in a month, all in the unit that is known of most services. What one service
// faxes another counts for both, what stays within one counts once.
func (b *Books) faxes(h *Hospital, homes map[string]string, messages []Flow) map[string]Amount {
	known := map[string]map[string]Amount{"faxes": {}, "pages": {}}
	for i := range b.Figures {
		f := &b.Figures[i]
		in, wanted := known[f.Of], f.Indicator == indicators.FaxReceived || f.Indicator == indicators.FaxSent ||
			f.Indicator == indicators.FaxInternal || f.Indicator == indicators.FaxUnknown
		if in == nil || !wanted || f.Value == nil || f.Scope.Service == "" || f.Completeness.Watched < leastWatched {
			continue
		}
		x := in[f.Scope.Service]
		in[f.Scope.Service] = Known(x.Value + float64(*f.Value)/f.Completeness.Watched*daysAMonth)
	}
	switch {
	case len(known["faxes"]) == 0 && len(known["pages"]) == 0:
	case len(known["faxes"]) >= len(known["pages"]):
		h.Counted = "faxes"
	default:
		h.Counted = "pages"
	}
	if h.Counted == "faxes" {
		addInternal(known["faxes"], homes, messages)
	}
	return known[h.Counted]
}

// addInternal gives those that are faxed to by others of ours their share: the figures have it where it was sent from.
func addInternal(faxes map[string]Amount, homes map[string]string, messages []Flow) {
	for _, pair := range messages {
		from, to := homes[pair.From], homes[pair.To]
		if x := faxes[to]; x.Known && from != to {
			faxes[to] = Known(x.Value + pair.Count)
		}
	}
}

// leastWatched is how many days must have been watched for a month's mean.
const leastWatched = 7

// spots are the floors on which machines stand, by how they are written.
type spots struct {
	declared map[string][]ledger.DeclaredDevice
	devices  map[string]*ledger.Device
	written  map[string]string // by the same in lower case: as it was seen first
}

func (b *Books) spots() *spots {
	s := &spots{b.Register.Devices, make(map[string]*ledger.Device, len(b.Devices)), make(map[string]string)}
	for i := range b.Devices {
		s.devices[b.Devices[i].ID] = &b.Devices[i]
	}
	return s
}

// of are where the machines of some lines stand, as far as that is said, in order. What people declare goes before what
// the machine says.
func (s *spots) of(lines []*ledger.Line) (places []string) {
	for _, l := range lines {
		location := ""
		if d := s.devices[l.Device]; d != nil {
			location = cmp.Or(s.location(d.ID), s.location(d.Serial), d.Location)
		} else {
			location = s.location(l.Device)
		}
		if floor := Floor(location); floor != "" {
			place := l.Establishment + " > " + floor // two of a group may have the same names
			key := strings.ToLower(place)
			if s.written[key] == "" {
				s.written[key] = place
			}
			places = append(places, s.written[key])
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}

func (s *spots) location(device string) string {
	x, _ := ledger.Present(s.declared[strings.ToLower(device)])
	return x.Location
}

// Floor is a machine's location down to the floor, « Site > Bâtiment > Niveau »: what stands behind is a room.
func Floor(location string) string {
	parts := strings.Split(location, ">")
	for i := range parts {
		parts[i] = strings.Join(strings.Fields(parts[i]), " ")
	}
	return strings.Join(parts[:min(len(parts), 3)], " > ")
}
