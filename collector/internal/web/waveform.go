package web

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/waves"
)

// planForm is the form of a wave, of a milestone, or of what is noted of a service.
type planForm struct {
	planning
	Hint     string
	Action   string // where it is sent
	Back     string // where who gives up goes
	Remove   string // where who removes the thing sends; empty: it can't be
	Revision string
	Fields   []field
	Places   choices // services that can be chosen
}

func (s *site) planForm(r *http.Request, title string) (p planForm) {
	p.planning = s.planning(r, title, "wave")
	return p
}

// showPlanForm answers with a form, if it may be filled in.
func (s *site) showPlanForm(w http.ResponseWriter, p *planForm) {
	if !p.MayEdit() {
		http.Error(w, "you may not change this; ask for the role editor", http.StatusForbidden)
		return
	}
	s.Render(w, p.status(), "planform.html", p)
}

// taken answers a form that changed the plan, or couldn't.
func (s *site) taken(w http.ResponseWriter, r *http.Request, target string, err error) {
	switch {
	case err == nil, errors.Is(err, errChanged), errors.Is(err, errNothing): // somebody else said the very same
		s.done(w, r, target)
	default:
		s.refused(w, r, err)
	}
}

func (s *site) waveNew(w http.ResponseWriter, r *http.Request) {
	p := s.planForm(r, "wave.new")
	p.fillWave(ledger.Wave{Services: r.URL.Query()["service"]})
	s.showPlanForm(w, &p)
}

func (s *site) waveEdit(w http.ResponseWriter, r *http.Request) {
	p := s.planForm(r, "wave.edit")
	x, known := p.numbered(r)
	if !known || !p.mayEditWave(x) {
		http.NotFound(w, r)
		return
	}
	p.Revision = revision(x)
	p.fillWave(x)
	s.showPlanForm(w, &p)
}

// fillWave fills the form in with a wave.
func (p *planForm) fillWave(x ledger.Wave) {
	p.Hint, p.Action, p.Back = p.say("wave.hint"), p.link("/waves/new"), p.link("/waves")
	if x.Number != 0 {
		number := strconv.FormatInt(x.Number, 10)
		p.Title += " " + number
		p.Action, p.Back, p.Remove = p.link("/waves/"+number+"/edit"), p.WaveLink(x.Number), p.link("/waves/"+number+"/remove")
	}
	p.Fields = []field{
		{Name: "name", Label: p.say("wave.name"), Value: x.Name, Hint: p.say("wave.name.hint"), Fault: p.Faults["name"]},
		{Name: "cutoff", Label: p.say("wave.cutoff"), Type: "date", Value: string(x.Cutoff), Hint: p.say("wave.cutoff.hint"), Fault: p.Faults["cutoff"]},
		{Name: "note", Label: p.say("wave.note"), Type: "textarea", Value: x.Note, Fault: p.Faults["note"]},
	}
	p.Places = p.serviceChoices(p.say("wave.services"), x.Services, func(id string) string {
		if in := p.Turns[id]; in.Number != 0 && in.Number != x.Number {
			return " (" + p.say("wave.number", in.Number) + ")"
		}
		return ""
	})
}

// readWave is the wave that a form says.
func (p *planForm) readWave(r *http.Request, number int64) ledger.Wave {
	x := ledger.Wave{
		Number: number, Name: p.limited("name", oneLine(r.PostFormValue("name")), shortText),
		Cutoff: p.day("cutoff", r.PostFormValue("cutoff")), Note: p.limited("note", someLines(r.PostFormValue("note")), longText),
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(r.PostForm["service"]))) {
		if _, known := p.register.Services[id]; !known && (number == 0 || p.Turns[id].Number != number) {
			p.wrong("", "fault.choice")
			continue
		}
		x.Services = append(x.Services, id)
	}
	if old, _ := p.wave(number); number != 0 { // those that left the register can't be chosen, and stay
		for _, id := range old.Services {
			if _, known := p.register.Services[id]; !known {
				x.Services = append(x.Services, id)
			}
		}
	}
	if len(p.reader.Establishments) > 0 && len(x.Services) == 0 {
		p.wrong("", "wave.fault.empty")
	}
	return x
}

// saveWave takes a wave. A service that was in another one leaves it.
func (s *site) saveWave(w http.ResponseWriter, r *http.Request) {
	title := "wave.edit"
	if r.PathValue("number") == "" {
		title = "wave.new"
	}
	p := s.planForm(r, title)
	number, _ := strconv.ParseInt(r.PathValue("number"), 10, 64)
	typed := p.readWave(r, number)
	p.Revision = r.PostFormValue("revision")
	if p.Faults != nil {
		p.fillWave(typed)
		s.showPlanForm(w, &p)
		return
	}
	var standing ledger.Wave
	err := s.books(r).DeclarePlan(r.Context(), author(r), func(_ ledger.Register, plan ledger.Plan) (ledger.Plan, error) {
		if number == 0 {
			plan.Waves = append(leaving(plan.Waves, typed.Services), typed)
			return plan, nil
		}
		i := slices.IndexFunc(plan.Waves, func(x ledger.Wave) bool { return x.Number == number })
		if i < 0 {
			return plan, errNoSuch
		}
		standing = plan.Waves[i]
		plan.Waves = leaving(plan.Waves, typed.Services)
		plan.Waves[i].Name, plan.Waves[i].Cutoff, plan.Waves[i].Note, plan.Waves[i].Services = typed.Name, typed.Cutoff, typed.Note, typed.Services
		return plan, unchanged(r, standing)
	})
	if errors.Is(err, errChanged) && p.waveDiffers(typed, standing) {
		p.Revision = revision(standing)
		p.fillWave(typed)
		s.showPlanForm(w, &p)
		return
	}
	target := "/waves?done=saved"
	if number != 0 {
		target = fmt.Sprintf("/waves/%d?done=saved", number)
	}
	s.taken(w, r, target, err)
}

// leaving are waves that some services left.
func leaving(all []ledger.Wave, services []string) []ledger.Wave {
	all = slices.Clone(all)
	for i := range all {
		all[i].Services = keep(all[i].Services, func(id *string) bool { return !slices.Contains(services, *id) })
	}
	return all
}

func (p *planForm) waveDiffers(typed, standing ledger.Wave) bool {
	names := func(ids []string) string {
		list := make([]string, len(ids))
		for i, id := range ids {
			list[i] = p.ServiceName(id)
		}
		slices.Sort(list)
		return strings.Join(list, ", ")
	}
	p.Conflicts = differ(p.Conflicts, p.say("wave.name"), typed.Name, standing.Name)
	p.Conflicts = differ(p.Conflicts, p.say("wave.cutoff"), p.Date(typed.Cutoff), p.Date(standing.Cutoff))
	p.Conflicts = differ(p.Conflicts, p.say("wave.note"), typed.Note, standing.Note)
	p.Conflicts = differ(p.Conflicts, p.say("wave.services"), names(typed.Services), names(standing.Services))
	return p.Conflicts != nil
}

// dropWave removes a wave with its milestones. Its services are in none then; their lines keep their days.
func (s *site) dropWave(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.ParseInt(r.PathValue("number"), 10, 64)
	err := s.books(r).DeclarePlan(r.Context(), author(r), func(_ ledger.Register, plan ledger.Plan) (ledger.Plan, error) {
		i := slices.IndexFunc(plan.Waves, func(x ledger.Wave) bool { return x.Number == number })
		if i < 0 {
			return plan, errNoSuch
		}
		if err := unchanged(r, plan.Waves[i]); err != nil {
			return plan, err
		}
		plan.Waves = slices.Delete(plan.Waves, i, i+1)
		return plan, nil
	})
	if errors.Is(err, errChanged) {
		s.done(w, r, fmt.Sprintf("/waves/%d/edit?done=changed", number))
		return
	}
	s.taken(w, r, "/waves?done=removed", err)
}

func (s *site) noteEdit(w http.ResponseWriter, r *http.Request) {
	p := s.planForm(r, "note.edit")
	id := r.PathValue("id")
	if _, known := p.register.Services[id]; !known && !p.Fault {
		http.NotFound(w, r)
		return
	}
	note := p.Notes[id]
	note.Service = id
	p.Revision = revision(note)
	p.fillNote(note)
	s.showPlanForm(w, &p)
}

func (p *planForm) fillNote(n ledger.ServiceNote) {
	p.Title += p.Colon() + p.ServiceName(n.Service)
	p.Hint, p.Action, p.Back = p.say("note.hint"), p.link("/services/"+n.Service+"/planning"), p.link("/waves/pilot")
	urgency := field{Name: "urgency", Label: p.say("note.urgency"), Type: "select", Hint: p.say("note.urgency.hint"), Fault: p.Faults["urgency"]}
	for i := range int64(ledger.MaxUrgency + 1) {
		urgency.Options = append(urgency.Options, option{strconv.FormatInt(i, 10), p.Urgency(i), i == n.Urgency})
	}
	answer := func(name string, a wire.Answer) field {
		return field{Name: name, Label: p.say("note." + name), Type: "select", Fault: p.Faults[name], Options: []option{
			{"", p.say("unknown"), a == ""}, {"yes", p.say("equipped.yes"), a == wire.Yes}, {"no", p.say("equipped.no"), a == wire.No},
		}}
	}
	p.Fields = []field{
		urgency, answer("motivated", n.Motivated), answer("available", n.Available), answer("blocked", n.Blocked),
		{Name: "blocker", Label: p.say("note.blocker"), Value: n.Blocker, Hint: p.say("note.blocker.hint"), Fault: p.Faults["blocker"]},
	}
}

func (s *site) saveNote(w http.ResponseWriter, r *http.Request) {
	p := s.planForm(r, "note.edit")
	id := r.PathValue("id")
	typed := ledger.ServiceNote{
		Service: id, Motivated: wire.Answer(r.PostFormValue("motivated")), Available: wire.Answer(r.PostFormValue("available")),
		Blocked: wire.Answer(r.PostFormValue("blocked")), Blocker: p.limited("blocker", oneLine(r.PostFormValue("blocker")), shortText),
	}
	var err error
	if typed.Urgency, err = strconv.ParseInt(cmp.Or(r.PostFormValue("urgency"), "0"), 10, 8); err != nil || typed.Urgency < 0 || typed.Urgency > ledger.MaxUrgency {
		p.wrong("urgency", "fault.choice")
	}
	for name, a := range map[string]wire.Answer{"motivated": typed.Motivated, "available": typed.Available, "blocked": typed.Blocked} {
		if a != "" && a != wire.Yes && a != wire.No {
			p.wrong(name, "fault.choice")
		}
	}
	if typed.Blocker != "" && typed.Blocked != wire.Yes {
		typed.Blocked = wire.Yes
	}
	p.Revision = r.PostFormValue("revision")
	if p.Faults != nil {
		p.fillNote(typed)
		s.showPlanForm(w, &p)
		return
	}
	var standing ledger.ServiceNote
	err = s.books(r).DeclareServiceNote(r.Context(), author(r), id, func(_ ledger.Register, was ledger.ServiceNote) (ledger.ServiceNote, error) {
		standing = was
		return typed, unchanged(r, was)
	})
	if errors.Is(err, errChanged) && p.noteDiffers(typed, standing) {
		p.Revision = revision(standing)
		p.fillNote(typed)
		s.showPlanForm(w, &p)
		return
	}
	s.taken(w, r, "/waves/pilot?done=saved#service-"+id, err)
}

func (p *planForm) noteDiffers(typed, standing ledger.ServiceNote) bool {
	p.Conflicts = differ(p.Conflicts, p.say("note.urgency"), p.Urgency(typed.Urgency), p.Urgency(standing.Urgency))
	p.Conflicts = differ(p.Conflicts, p.say("note.motivated"), p.Answer(typed.Motivated), p.Answer(standing.Motivated))
	p.Conflicts = differ(p.Conflicts, p.say("note.available"), p.Answer(typed.Available), p.Answer(standing.Available))
	p.Conflicts = differ(p.Conflicts, p.say("note.blocked"), p.Answer(typed.Blocked), p.Answer(standing.Blocked))
	p.Conflicts = differ(p.Conflicts, p.say("note.blocker"), typed.Blocker, standing.Blocker)
	return p.Conflicts != nil
}

// Urgency says a vital urgency.
func (f frame) Urgency(n int64) string {
	if n == 0 {
		return f.say("unknown")
	}
	return f.say("urgency." + strconv.FormatInt(n, 10))
}

// Answer says yes, no, or that it isn't known.
func (f frame) Answer(a wire.Answer) string {
	return f.say("equipped." + string(cmp.Or(a, wire.Unknown)))
}

func (s *site) milestoneNew(w http.ResponseWriter, r *http.Request) {
	p := s.planForm(r, "milestone.new")
	number, _ := strconv.ParseInt(r.URL.Query().Get("wave"), 10, 64)
	p.fillMilestone(ledger.Milestone{Wave: number})
	s.showPlanForm(w, &p)
}

// milestone is the one of the request's path, and whether the reader may change it.
func (p *planning) milestone(r *http.Request) (ledger.Milestone, bool) {
	i := slices.IndexFunc(p.Plan.Milestones, func(m ledger.Milestone) bool { return fmt.Sprint(m.ID) == r.PathValue("id") })
	if i < 0 {
		return ledger.Milestone{}, false
	}
	return p.Plan.Milestones[i], p.mayEditMilestone(p.Plan.Milestones[i])
}

func (p *planning) mayEditMilestone(m ledger.Milestone) bool {
	if m.Wave == ledger.WholeStructure {
		return p.MayEdit() && len(p.reader.Establishments) == 0
	}
	w, known := p.wave(m.Wave)
	return known && p.mayEditWave(w)
}

func (s *site) milestoneEdit(w http.ResponseWriter, r *http.Request) {
	p := s.planForm(r, "milestone.edit")
	m, known := p.milestone(r)
	if !known && !p.Fault {
		http.NotFound(w, r)
		return
	}
	p.Revision = revision(m)
	p.fillMilestone(m)
	s.showPlanForm(w, &p)
}

func (p *planForm) fillMilestone(m ledger.Milestone) {
	p.Hint, p.Action, p.Back = p.say("milestone.hint"), p.link("/milestones/new"), p.link("/waves/planning")
	if m.ID != 0 {
		p.Action = p.link(fmt.Sprintf("/milestones/%d", m.ID))
		p.Remove = p.link(fmt.Sprintf("/milestones/%d/remove", m.ID))
	}
	title := field{Name: "title", Label: p.say("milestone.title"), Value: m.Title, Fault: p.Faults["title"], Required: m.Kind == ""}
	if m.Kind != "" {
		title.Hint = p.say("milestone.title.hint", p.say("milestone."+string(m.Kind)))
	}
	of := field{Name: "wave", Label: p.say("milestone.wave"), Type: "select", Fault: p.Faults["wave"]}
	if len(p.reader.Establishments) == 0 {
		of.Options = append(of.Options, option{"0", p.say("places.structure"), m.Wave == ledger.WholeStructure})
	}
	for _, w := range p.Plan.Waves {
		if p.mayEditWave(w) {
			of.Options = append(of.Options, option{strconv.FormatInt(w.Number, 10), p.WaveName(w), m.Wave == w.Number})
		}
	}
	p.Fields = []field{
		title, of,
		{Name: "day", Label: p.say("milestone.day"), Type: "date", Value: string(m.Day), Fault: p.Faults["day"], Required: true},
		{Name: "done", Label: p.say("milestone.done"), Type: "date", Value: string(m.Done), Fault: p.Faults["done"], Hint: p.say("milestone.done.hint")},
	}
}

func (s *site) saveMilestone(w http.ResponseWriter, r *http.Request) {
	title := "milestone.edit"
	if r.PathValue("id") == "" {
		title = "milestone.new"
	}
	p := s.planForm(r, title)
	old, known := p.milestone(r)
	if !known && r.PathValue("id") != "" && !p.Fault {
		http.NotFound(w, r)
		return
	}
	typed := p.readMilestone(r, old)
	p.Revision = r.PostFormValue("revision")
	if p.Faults != nil {
		p.fillMilestone(typed)
		s.showPlanForm(w, &p)
		return
	}
	var standing ledger.Milestone
	err := s.books(r).DeclarePlan(r.Context(), author(r), func(_ ledger.Register, plan ledger.Plan) (ledger.Plan, error) {
		if typed.ID == 0 {
			plan.Milestones = append(plan.Milestones, typed)
			return plan, nil
		}
		i := slices.IndexFunc(plan.Milestones, func(m ledger.Milestone) bool { return m.ID == typed.ID })
		if i < 0 {
			return plan, errNoSuch
		}
		standing = plan.Milestones[i]
		plan.Milestones[i] = typed
		return plan, unchanged(r, standing)
	})
	if errors.Is(err, errChanged) && p.milestoneDiffers(typed, standing) {
		p.Revision = revision(standing)
		p.fillMilestone(typed)
		s.showPlanForm(w, &p)
		return
	}
	s.taken(w, r, "/waves/planning?done=saved", err)
}

// readMilestone is the milestone that a form says.
func (p *planForm) readMilestone(r *http.Request, old ledger.Milestone) ledger.Milestone {
	m := ledger.Milestone{
		ID: old.ID, Kind: old.Kind, Title: p.limited("title", oneLine(r.PostFormValue("title")), shortText),
		Day: p.day("day", r.PostFormValue("day")), Done: p.day("done", r.PostFormValue("done")), Appointment: old.Appointment,
	}
	var err error
	if m.Wave, err = strconv.ParseInt(cmp.Or(r.PostFormValue("wave"), "0"), 10, 64); err != nil || !p.mayEditMilestone(m) {
		p.wrong("wave", "fault.choice")
	}
	if m.Day == "" && p.Faults["day"] == "" {
		p.wrong("day", "fault.missing")
	}
	if m.Title == "" && m.Kind == "" {
		p.wrong("title", "fault.missing")
	}
	return m
}

func (p *planForm) milestoneDiffers(typed, standing ledger.Milestone) bool {
	of := func(number int64) string {
		w, _ := p.wave(number)
		return p.WaveName(w)
	}
	p.Conflicts = differ(p.Conflicts, p.say("milestone.title"), typed.Title, standing.Title)
	p.Conflicts = differ(p.Conflicts, p.say("milestone.wave"), of(typed.Wave), of(standing.Wave))
	p.Conflicts = differ(p.Conflicts, p.say("milestone.day"), p.Date(typed.Day), p.Date(standing.Day))
	p.Conflicts = differ(p.Conflicts, p.say("milestone.done"), p.Date(typed.Done), p.Date(standing.Done))
	return p.Conflicts != nil
}

func (s *site) dropMilestone(w http.ResponseWriter, r *http.Request) {
	err := s.books(r).DeclarePlan(r.Context(), author(r), func(_ ledger.Register, plan ledger.Plan) (ledger.Plan, error) {
		i := slices.IndexFunc(plan.Milestones, func(m ledger.Milestone) bool { return fmt.Sprint(m.ID) == r.PathValue("id") })
		if i < 0 {
			return plan, errNoSuch
		}
		if err := unchanged(r, plan.Milestones[i]); err != nil {
			return plan, err
		}
		plan.Milestones = slices.Delete(plan.Milestones, i, i+1)
		return plan, nil
	})
	if errors.Is(err, errChanged) {
		s.done(w, r, "/milestones/"+r.PathValue("id")+"?done=changed")
		return
	}
	s.taken(w, r, "/waves/planning?done=removed", err)
}

// planBackward gives a wave the milestones of a backward plan: those that are missing, or with action "again" those
// that aren't done yet on their days anew, too.
func (s *site) planBackward(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.ParseInt(r.PathValue("number"), 10, 64)
	plan := waves.Complete
	if r.PostFormValue("action") == "again" {
		plan = waves.Again
	}
	err := s.books(r).DeclarePlan(r.Context(), author(r), func(_ ledger.Register, p ledger.Plan) (ledger.Plan, error) {
		i := slices.IndexFunc(p.Waves, func(x ledger.Wave) bool { return x.Number == number })
		if i < 0 {
			return p, errNoSuch
		}
		p.Milestones = plan(p.Milestones, number, p.Waves[i].Cutoff)
		return p, nil
	})
	s.taken(w, r, fmt.Sprintf("/waves/planning?wave=%d&done=saved", number), err)
}

// serviceOptions are all services with lines to cut, by name.
func (p *planning) serviceOptions(chosen string) (list []option) {
	for _, id := range slices.Sorted(maps.Keys(p.register.Services)) {
		if len(p.lines[id]) > 0 {
			list = append(list, option{id, joined(" · ", p.ServiceName(id), p.WaveName(p.Turns[id])), id == chosen})
		}
	}
	slices.SortFunc(list, func(a, b option) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	return list
}
