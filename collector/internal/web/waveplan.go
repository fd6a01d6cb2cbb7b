package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/waves"
)

// proposalPage is how services could be put into waves.
type proposalPage struct {
	planning
	By       string // a criterion, or mix
	Tabs     []pageLink
	Wanted   int // waves
	Weights  []field
	Number   field
	Groups   []proposedGroup
	Unknown  []unknownService
	Lacks    []lackCount
	Torn     string
	Fewer    bool
	Columns  []waves.Criterion // shown
	Revision string
	Sent     url.Values // what the form hands back, so that the same is proposed again
}

// CountsFaxes tells whether how much services fax decides on the order.
func (p proposalPage) CountsFaxes() bool { return slices.Contains(p.Columns, waves.Faxes) }

type proposedGroup struct {
	Number   int64
	Lines    int64
	Services []proposedService
}

type proposedService struct {
	ID, Name, Link string
	Lines          int64
	Score          string
	Cells          []string
	Now            string // the wave that it is in
}

type unknownService struct{ Name, Link, Lacks string }

type lackCount struct {
	Text string
	Link string
}

// mix is the way of all criteria together.
const mix = "mix"

// How many waves can be asked for.
const (
	fewestWaves, mostWaves, usualWaves = 2, 12, 3
	mostWeight                         = 5
)

// asked reads what is to be proposed.
func (p *proposalPage) asked(q url.Values) waves.Weights {
	p.By = mix
	if slices.Contains(waves.Criteria(), waves.Criterion(q.Get("by"))) {
		p.By = q.Get("by")
	}
	count, err := strconv.Atoi(q.Get("n"))
	if err != nil {
		count = usualWaves
	}
	p.Wanted = min(max(count, fewestWaves), mostWaves)
	p.Sent = url.Values{"by": {p.By}, "n": {strconv.Itoa(p.Wanted)}}
	if p.By != mix {
		p.Columns = []waves.Criterion{waves.Criterion(p.By)}
		return waves.Alone(waves.Criterion(p.By))
	}
	weights := waves.Weights{}
	for _, c := range waves.Criteria() {
		weight, err := strconv.Atoi(q.Get("w-" + string(c)))
		if err != nil {
			weight = 1
		}
		weights[c] = float64(min(max(weight, 0), mostWeight))
		p.Sent.Set("w-"+string(c), strconv.Itoa(int(weights[c])))
		p.Weights = append(p.Weights, field{
			Name: "w-" + string(c), Label: p.say("criterion." + string(c)), Type: "number", Value: strconv.Itoa(int(weights[c])), Min: "0", Max: strconv.Itoa(mostWeight), Step: "1",
		})
		if weights[c] > 0 {
			p.Columns = append(p.Columns, c)
		}
	}
	return weights
}

func (s *site) proposalsPage(w http.ResponseWriter, r *http.Request) {
	s.showProposal(w, r, r.URL.Query(), nil)
}

func (s *site) showProposal(w http.ResponseWriter, r *http.Request, q url.Values, wrong faults) {
	p := proposalPage{planning: s.planning(r, "proposals.title", "by", "n", "w-faxes", "w-urgency", "w-neighbours", "w-partners", "w-exchanges")}
	p.Faults = wrong
	weights := p.asked(q)
	if s.gathered(r, &p.planning, weights[waves.Partners] > 0) {
		proposal := waves.Propose(p.Hospital.Services, p.Hospital.Flows, weights, p.Wanted)
		p.fill(proposal)
		p.Revision = revision(promised(p.Plan, proposal.Groups))
	}
	s.Render(w, p.status(), "proposals.html", p)
}

func (p *proposalPage) fill(x waves.Proposal) {
	for _, by := range append([]string{mix}, criteria()...) {
		tab := pageLink{Path: p.link("/waves/proposals", "by", by, "n", strconv.Itoa(p.Wanted)), Name: p.say("criterion." + by)}
		if by == p.By {
			tab.Current = "page"
		}
		p.Tabs = append(p.Tabs, tab)
	}
	p.Number = field{Name: "n", Label: p.say("proposals.count"), Type: "number", Value: strconv.Itoa(p.Wanted), Min: strconv.Itoa(fewestWaves), Max: strconv.Itoa(mostWaves), Step: "1"}
	for i, g := range x.Groups {
		group := proposedGroup{Number: int64(i + 1)}
		for _, s := range g {
			group.Lines += s.Size
			group.Services = append(group.Services, p.proposed(s))
		}
		p.Groups = append(p.Groups, group)
	}
	p.Fewer = len(x.Groups) > 0 && len(x.Groups) < p.Wanted
	lacks := make(map[waves.Criterion]int)
	for _, m := range x.Unknown {
		var words []string
		for _, c := range m.Lacks {
			lacks[c]++
			words = append(words, p.say("criterion."+string(c)))
		}
		p.Unknown = append(p.Unknown, unknownService{p.ServiceName(m.ID), p.link("/services/" + m.ID), strings.Join(words, ", ")})
	}
	for _, c := range waves.Criteria() {
		if lacks[c] > 0 {
			p.Lacks = append(p.Lacks, lackCount{Text: p.say("lacks."+string(c), lacks[c]), Link: p.remedy(c)})
		}
	}
	switch {
	case p.Hospital.Unit == "":
		p.Torn = p.say("proposals.torn.unknown")
	default:
		p.Torn = p.say("proposals.torn", p.Rate(x.Torn), p.Rate(x.Between))
	}
}

func criteria() (names []string) {
	for _, c := range waves.Criteria() {
		names = append(names, string(c))
	}
	return names
}

// Ordered tells whether a criterion that orders counts.
func (p proposalPage) Ordered() bool {
	return slices.ContainsFunc(p.Columns, func(c waves.Criterion) bool { return c != waves.Neighbours && c != waves.Exchanges })
}

// Narrow tells whether the reader sees some establishments only: the numbers of waves are of all.
func (p planning) Narrow() bool { return len(p.reader.Establishments) > 0 }

// remedy is where people can say what is missing.
func (p *proposalPage) remedy(c waves.Criterion) string {
	switch c {
	case waves.Urgency:
		return p.link("/waves/pilot")
	case waves.Neighbours:
		return p.link("/import/devices")
	case waves.Partners, waves.Exchanges:
		if p.MayEdit() && !p.Narrow() {
			return p.link("/journals")
		}
	}
	return ""
}

func (p *proposalPage) proposed(s waves.Scored) proposedService {
	x := proposedService{ID: s.ID, Name: p.ServiceName(s.ID), Link: p.link("/services/" + s.ID), Lines: s.Size, Now: p.WaveName(p.Turns[s.ID])}
	if len(s.Parts) > 0 {
		x.Score = p.say("chart.whole", int64(s.Score*100+0.5))
	}
	for _, c := range p.Columns {
		x.Cells = append(x.Cells, p.part(s, c))
	}
	return x
}

// part says what a criterion makes of a service: what is known, and its rank where it orders.
func (p *proposalPage) part(s waves.Scored, c waves.Criterion) string {
	text := ""
	switch c {
	case waves.Faxes:
		text = p.Known(s.Faxes)
	case waves.Urgency:
		text = p.Urgency(s.Urgency)
	case waves.Partners:
		text = p.Known(s.Partners)
	case waves.Neighbours:
		var floors []string
		for _, place := range s.Places {
			_, floor, _ := strings.Cut(place, " > ")
			floors = append(floors, floor)
		}
		return strings.Join(floors, ", ")
	case waves.Exchanges:
		return p.with(s.ID)
	}
	if rank, ok := s.Parts[c]; ok && len(p.Columns) > 1 {
		text += " " + p.say("proposals.rank", int64(rank*100+0.5))
	}
	return text
}

// with names with whom a service faxes most.
func (p *proposalPage) with(id string) string {
	sums := make(map[string]float64)
	for _, f := range p.Hospital.Flows {
		switch id {
		case f.From:
			sums[f.To] += f.Count
		case f.To:
			sums[f.From] += f.Count
		}
	}
	most := ""
	for other, n := range sums {
		if most == "" || n > sums[most] || n == sums[most] && other < most {
			most = other
		}
	}
	if most == "" {
		return p.say("proposals.nobody")
	}
	return p.say("proposals.with", p.ServiceName(most), p.Rate(sums[most]))
}

// takeProposal makes waves of a proposal: group 1 becomes wave 1, and so on. Waves keep their names, days and notes;
// services that the proposal doesn't place stay where they are.
func (s *site) takeProposal(w http.ResponseWriter, r *http.Request) {
	p := proposalPage{planning: s.planning(r, "proposals.title")}
	if err := r.ParseForm(); err != nil || p.Fault {
		http.Error(w, "the form can't be read", http.StatusBadRequest)
		return
	}
	weights := p.asked(r.PostForm)
	if err := s.gather(r, &p.planning, weights[waves.Partners] > 0); err != nil {
		s.refused(w, r, err)
		return
	}
	groups := waves.Propose(p.Hospital.Services, p.Hospital.Flows, weights, p.Wanted).Groups
	err := s.books(r).DeclarePlan(r.Context(), author(r), func(_ ledger.Register, plan ledger.Plan) (ledger.Plan, error) {
		if len(p.reader.Establishments) > 0 {
			return plan, errNotYours // whose numbers are of all
		}
		if err := unchanged(r, promised(plan, groups)); err != nil {
			return plan, err
		}
		for i, g := range groups {
			plan.Waves = put(plan.Waves, int64(i+1), g)
		}
		return plan, nil
	})
	if errors.Is(err, errChanged) {
		s.showProposal(w, r, r.PostForm, faults{"": p.say("proposals.changed")})
		return
	}
	s.taken(w, r, "/waves?done=saved", err)
}

// promised is what a proposal's page promises: of which plan, who goes where.
func promised(plan ledger.Plan, groups [][]waves.Scored) []any {
	ids := make([][]string, len(groups))
	for i, g := range groups {
		for _, s := range g {
			ids[i] = append(ids[i], s.ID)
		}
	}
	return []any{plan, ids}
}

// put puts services into the wave of a number, out of those that they were in.
func put(all []ledger.Wave, number int64, group []waves.Scored) []ledger.Wave {
	var ids []string
	for _, s := range group {
		ids = append(ids, s.ID)
	}
	all = leaving(all, ids)
	i := slices.IndexFunc(all, func(w ledger.Wave) bool { return w.Number == number })
	if i < 0 {
		return append(all, ledger.Wave{Number: number, Services: ids})
	}
	all[i].Services = append(all[i].Services, ids...)
	return all
}

// whatIfPage is what it changes to put a service into another wave.
type whatIfPage struct {
	planning
	Service  field
	Target   field
	Asked    bool
	Move     waves.Move
	Name     string
	From     ledger.Wave
	Into     ledger.Wave
	ID       string
	Edits    bool
	Revision string
}

func (s *site) whatIfPage(w http.ResponseWriter, r *http.Request) {
	p := whatIfPage{planning: s.planning(r, "whatif.title", "service", "to")}
	if s.gathered(r, &p.planning, false) {
		p.fill(r.URL.Query())
	}
	s.Render(w, p.status(), "whatif.html", p)
}

func (p *whatIfPage) fill(q url.Values) {
	p.ID = q.Get("service")
	p.Service = field{Name: "service", Label: p.say("whatif.service"), Type: "select", Options: p.serviceOptions(p.ID)}
	p.Target = field{Name: "to", Label: p.say("whatif.to"), Type: "select", Options: []option{{"0", p.say("wave.none"), q.Get("to") == "0"}}}
	for _, x := range p.Plan.Waves {
		number := strconv.FormatInt(x.Number, 10)
		p.Target.Options = append(p.Target.Options, option{number, p.WaveName(x) + " · " + p.When(x.Cutoff), number == q.Get("to")})
	}
	_, known := p.register.Services[p.ID]
	number, err := strconv.ParseInt(q.Get("to"), 10, 64)
	into, found := p.wave(number)
	if !known || err != nil || number != 0 && !found {
		return
	}
	p.Asked, p.Name, p.From, p.Into = true, p.ServiceName(p.ID), p.Turns[p.ID], into
	service := waves.Service{ID: p.ID}
	if i := slices.IndexFunc(p.Hospital.Services, func(x waves.Service) bool { return x.ID == p.ID }); i >= 0 {
		service = p.Hospital.Services[i]
	}
	p.Move = waves.WhatIf(service, into, p.Hospital.Flows, p.Turns)
	p.Edits = p.From.Number != into.Number && (p.From.Number == 0 || p.mayEditWave(p.From)) && (number == 0 || p.mayEditWave(into)) && p.MayEdit()
	p.Revision = revision([]ledger.Wave{p.From, p.Into})
}

// moveService puts a service into another wave, or into none.
func (s *site) moveService(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("service")
	number, err := strconv.ParseInt(r.PostFormValue("to"), 10, 64)
	if err != nil {
		http.Error(w, "want a wave's number", http.StatusBadRequest)
		return
	}
	err = s.books(r).DeclarePlan(r.Context(), author(r), func(now ledger.Register, plan ledger.Plan) (ledger.Plan, error) {
		if _, known := now.Services[id]; !known {
			return plan, errNoSuch
		}
		i := slices.IndexFunc(plan.Waves, func(x ledger.Wave) bool { return x.Number == number })
		into := ledger.Wave{}
		if number != 0 {
			if i < 0 {
				return plan, errNoSuch
			}
			into = plan.Waves[i]
		}
		if err := unchanged(r, []ledger.Wave{waves.TurnsOf(plan.Waves)[id], into}); err != nil {
			return plan, err
		}
		plan.Waves = leaving(plan.Waves, []string{id})
		if number != 0 {
			plan.Waves[i].Services = append(plan.Waves[i].Services, id)
		}
		return plan, nil
	})
	if errors.Is(err, errChanged) {
		s.done(w, r, "/waves/whatif?"+url.Values{"service": {id}, "to": {r.PostFormValue("to")}, "done": {"changed"}}.Encode())
		return
	}
	target := "/waves?done=saved"
	if number != 0 {
		target = "/waves/" + strconv.FormatInt(number, 10) + "?done=saved"
	}
	s.taken(w, r, target, err)
}

// pilotPage is who could go first.
type pilotPage struct {
	planning
	Rows []pilotRow
	Turn turn
}

type pilotRow struct {
	waves.Candidate
	Name, Link, Edit, Wave string
}

func (s *site) pilotPage(w http.ResponseWriter, r *http.Request) {
	p := pilotPage{planning: s.planning(r, "pilot.title", "q", "page")}
	if s.gathered(r, &p.planning, false) {
		p.fill(r.URL.Query())
	}
	s.Render(w, p.status(), "pilot.html", p)
}

func (p *pilotPage) fill(q url.Values) {
	p.Searching = p.say("pilot.search")
	for _, c := range waves.Pilots(p.Hospital.Services, p.Notes) {
		row := pilotRow{Candidate: c, Name: p.ServiceName(c.ID), Link: p.link("/services/" + c.ID), Edit: p.link("/services/" + c.ID + "/planning"), Wave: p.WaveName(p.Turns[c.ID])}
		if fitsAll(p.Query, row.Name, c.ID, belongs(&p.register, p.register.Services[c.ID])) {
			p.Rows = append(p.Rows, row)
		}
	}
	var from, to int
	p.Turn, from, to = p.turned(q, "/waves/pilot", len(p.Rows))
	p.Rows = p.Rows[from:to]
}

// Against says what speaks against a candidate.
func (p pilotPage) Against(traits []waves.Trait) string {
	words := make([]string, len(traits))
	for i, t := range traits {
		words[i] = p.say("against." + string(t))
	}
	return p.Join(words)
}

// Missing says what isn't known of a candidate.
func (p pilotPage) Missing(traits []waves.Trait) string {
	words := make([]string, len(traits))
	for i, t := range traits {
		words[i] = p.say("missing." + string(t))
	}
	return p.Join(words)
}
