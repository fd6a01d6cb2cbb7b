package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// structurePart is what a form of the map is about: an establishment, site, pôle or service, or a service to be.
type structurePart struct {
	Kind          string
	ID            string // empty: it is to be
	Name          string
	Establishment string
	Pole          string // of a service
}

// partOf is what a query names; known is false if the reader's register doesn't have it.
func partOf(r ledger.Register, q url.Values) (p structurePart, known bool) {
	switch id := ""; {
	case q.Get("new") == "service":
		p = structurePart{Kind: "service", Establishment: q.Get("establishment"), Pole: q.Get("pole")}
		if pole, ok := r.Poles[p.Pole]; ok {
			p.Establishment = pole.Establishment
		} else if p.Pole != "" {
			return p, false
		}
		_, known = r.Establishments[p.Establishment]
	case q.Has("service"):
		id = q.Get("service")
		x, ok := r.Services[id]
		p, known = structurePart{"service", id, x.Name, x.Establishment, x.Pole}, ok
	case q.Has("pole"):
		id = q.Get("pole")
		x, ok := r.Poles[id]
		p, known = structurePart{"pole", id, x.Name, x.Establishment, ""}, ok
	case q.Has("site"):
		id = q.Get("site")
		x, ok := r.Sites[id]
		p, known = structurePart{"site", id, x.Name, x.Establishment, ""}, ok
	case q.Has("establishment"):
		id = q.Get("establishment")
		x, ok := r.Establishments[id]
		p, known = structurePart{"establishment", id, x.Name, id, ""}, ok
	}
	return p, known
}

// cells are a row of the table of structure that says the same.
func (p structurePart) cells() map[string]string {
	cells := map[string]string{"establishment_id": p.Establishment, p.Kind: p.Name}
	if p.ID != "" {
		cells[p.Kind+"_id"] = p.ID
	}
	if p.Kind == "service" {
		cells["pole_id"] = p.Pole
	}
	return cells
}

// named are the same words for what is shown and typed.
func (p structurePart) words(r ledger.Register) map[string]string {
	return map[string]string{p.Kind: p.Name, "pole_id": cmp.Or(r.Poles[p.Pole].Name, p.Pole)}
}

func (s *site) structureForm(r *http.Request) (p lineFormPage, part structurePart, known bool) {
	f, books := s.frame(r, "title.structure")
	p = lineFormPage{frame: f, Back: f.link("/map")}
	part, known = partOf(books.Register, r.URL.Query())
	q := r.URL.Query()
	p.Action = p.link("/map/edit", "new", q.Get("new"), "establishment", q.Get("establishment"), "site", q.Get("site"), "pole", q.Get("pole"), "service", q.Get("service"))
	switch {
	case part.ID == "":
		p.Title = p.say("structure.new")
		p.Back = p.link("/map", "pole", part.Pole, "establishment", part.Establishment)
	case part.Kind == "site":
		p.Back = p.link("/map", "establishment", part.Establishment)
	default:
		p.Back = p.link("/map", part.Kind, part.ID)
	}
	p.Revision = revision(part)
	return p, part, known || p.Fault
}

// showStructureForm answers with the form for a part.
func (s *site) showStructureForm(w http.ResponseWriter, p *lineFormPage, part structurePart) {
	group := fieldGroup{Name: p.say("line." + part.Kind)}
	group.Fields = append(group.Fields, field{Name: part.Kind, Label: p.say("line.name"), Value: part.Name, Required: true, Fault: p.Faults[part.Kind]})
	if part.Kind == "service" {
		pole := field{
			Name: "pole_id", Label: p.say("line.pole"), Type: "select", Value: part.Pole, Fault: p.Faults["pole_id"],
			Hint: p.say("structure.pole.hint"),
		}
		for _, x := range p.register.Poles {
			if x.Establishment == part.Establishment {
				pole.Options = append(pole.Options, option{Value: x.ID, Name: cmp.Or(x.Name, x.ID)})
			}
		}
		byName(pole.Options)
		pole.Options = append([]option{{Name: p.say("map.no.pole")}}, pole.Options...)
		group.Fields = append(group.Fields, pole)
	}
	p.Groups = []fieldGroup{group}
	s.Render(w, p.status(), "lineform.html", p)
}

func (s *site) structurePage(w http.ResponseWriter, r *http.Request) {
	p, part, known := s.structureForm(r)
	if !known {
		s.refused(w, r, errNoSuch)
		return
	}
	s.showStructureForm(w, &p, part)
}

// saveStructure takes a name, or a service's pôle, by the rules of the table of structure. Ids stay.
func (s *site) saveStructure(w http.ResponseWriter, r *http.Request) {
	p, typed, known := s.structureForm(r)
	if !known {
		s.refused(w, r, errNoSuch)
		return
	}
	typed.Name = oneLine(r.PostFormValue(typed.Kind))
	if typed.Kind == "service" {
		typed.Pole = r.PostFormValue("pole_id")
	}
	if typed.Name == "" {
		p.wrong(typed.Kind, "structure.no.name")
		s.showStructureForm(w, &p, typed)
		return
	}
	var standing structurePart
	err := s.books(r).Declare(r.Context(), author(r), func(now ledger.Register) (ledger.Register, error) {
		mine, there := asSeen(r, now), false
		if standing, there = partOf(mine, r.URL.Query()); !there {
			return now, errNoSuch
		}
		p.Revision = revision(standing)
		if err := unchanged(r, standing); err != nil {
			return now, err
		}
		if _, ok := mine.Poles[typed.Pole]; typed.Pole != "" && !ok {
			return now, register.Faults{{Column: "pole_id", Text: p.say("fault.choice")}}
		}
		return s.planPart(now, p.frame, typed)
	})
	switch {
	case errors.Is(err, errChanged):
		for column, words := range typed.words(p.register) {
			if typed.Kind == "service" || column == typed.Kind {
				label := map[bool]string{true: "line.name", false: "line.pole"}[column == typed.Kind]
				p.Conflicts = differ(p.Conflicts, p.say(label), words, standing.words(p.register)[column])
			}
		}
		s.showStructureForm(w, &p, typed)
	case errors.Is(err, errDuplicate):
		p.wrong(typed.Kind, "structure.duplicate")
		s.showStructureForm(w, &p, typed)
	case s.saved(w, r, err, &p):
		s.done(w, r, p.Back+"&done=saved")
	case p.Faults != nil:
		s.showStructureForm(w, &p, typed)
	}
}

// planPart plans one row of the table of structure.
func (s *site) planPart(now ledger.Register, f frame, part structurePart) (ledger.Register, error) {
	table, err := register.Typed(register.Structure, part.cells())
	if err != nil {
		return now, err
	}
	plan, err := register.PlanStructure(now, table, s.planOptions(nil, f.Now))
	switch {
	case err != nil:
		return now, err
	case plan.Nothing && part.ID == "":
		return now, errDuplicate
	case part.ID != "":
		return plan.Register, nil
	}
	for _, c := range plan.Diff.Changes {
		if c.What == "service" && c.Done != "new" && strings.EqualFold(c.What, part.Kind) {
			return now, errDuplicate // a new one must not move another
		}
	}
	return plan.Register, nil
}
