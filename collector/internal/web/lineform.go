package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// lineFormPage is a form for a line, for a new one, or for several at once.
type lineFormPage struct {
	frame
	Action    string // where it is sent
	Back      string // where who gives up goes
	Hint      string
	Groups    []fieldGroup
	Chosen    []foundLine // lines that are changed together
	IDs       []string
	Revision  string
	Was       string   // the cells as the form was made of them
	Confirm   []string // what is to be said yes to before anything is saved
	Confirmed string
}

// fieldGroup are fields that belong together.
type fieldGroup struct {
	Name   string
	Fields []field
}

// lineColumns are the columns of the table of lines that a form has, by group.
func lineColumns() [][2]any {
	return [][2]any{
		{"line.what", []string{"number", "extension", "support", "contact"}},
		{"line.where", []string{"establishment", "site", "pole", "service", "uf"}},
		{"map.ends", []string{"device", "port", "gateway", "gateway_port"}},
		{"line.end", []string{"cutoff", "cut_on", "kept_reason", "kept_until"}},
	}
}

// severalColumns are those that lines are given together.
func severalColumns() [][2]any {
	return [][2]any{
		{"line.end", []string{"cutoff", "cut_on", "kept_reason", "kept_until"}},
		{"line.where", []string{"service", "contact"}},
	}
}

// lineForm is what somebody typed.
type lineForm struct {
	cells map[string]string // by column
	was   map[string]string // as they stood when the form was made
	since string
	r     *http.Request
}

func readLineForm(r *http.Request, columns [][2]any) lineForm {
	_ = r.ParseForm() // what can't be read is not typed
	f := lineForm{cells: make(map[string]string), was: make(map[string]string), since: strings.TrimSpace(r.PostFormValue("since")), r: r}
	for _, group := range columns {
		for _, column := range group[1].([]string) {
			if r.PostForm.Has(column) {
				f.cells[column] = strings.TrimSpace(r.PostFormValue(column))
			}
		}
	}
	if json.Unmarshal([]byte(r.PostFormValue("was")), &f.was) != nil { // nobody's browser did that: all counts as typed
		f.was = make(map[string]string)
	}
	if r.PostFormValue("always") != "" {
		f.since = "always"
	}
	return f
}

// typed are the cells that differ from some others.
func (f lineForm) typed(from map[string]string) map[string]string {
	typed := make(map[string]string)
	for column, value := range f.cells {
		if value != from[column] {
			typed[column] = value
		}
	}
	return typed
}

// form makes the page for cells.
func (p *lineFormPage) form(books ledger.Snapshot, columns [][2]any, cells map[string]string, since string, fresh bool) (err error) {
	p.Groups = nil
	for _, group := range columns {
		g := fieldGroup{}
		if g.Name, err = p.T(group[0].(string)); err != nil {
			return err
		}
		for _, column := range group[1].([]string) {
			if column == "number" && !fresh {
				continue // another number is another line
			}
			x := field{Name: column, Value: cells[column], Fault: p.Faults[column]}
			if x.Label, err = p.T("line." + column); err != nil {
				return err
			}
			if err := p.choices(&x, books); err != nil {
				return err
			}
			g.Fields = append(g.Fields, x)
		}
		p.Groups = append(p.Groups, g)
	}
	from, err := p.sinceFields(since)
	p.Groups = append(p.Groups, from)
	if p.Was == "" {
		was, _ := json.Marshal(cells) // a map of texts
		p.Was = string(was)
	}
	return err
}

// choices says of a field of what kind it is and what there is to choose from.
func (p *lineFormPage) choices(x *field, books ledger.Snapshot) (err error) {
	r := &books.Register
	within := func(establishment string) string { return r.Establishments[establishment].Name }
	suggest := func(value, name string) { x.Options = append(x.Options, option{Value: value, Name: name}) }
	switch x.Name {
	case "cutoff", "cut_on", "kept_until":
		x.Type = "date"
	case "support":
		x.Type = "select"
		for _, support := range []string{"", "analogique", "T0", "T2", "sip", "serveur"} {
			suggest(support, cmp.Or(support, "—"))
		}
	case "establishment":
		for _, e := range r.Establishments {
			suggest(e.Name, "")
		}
	case "site":
		for _, s := range r.Sites {
			suggest(s.Name, within(s.Establishment))
		}
	case "pole":
		for _, s := range r.Poles {
			suggest(s.Name, within(s.Establishment))
		}
		x.Hint, err = p.T("line.pole.hint")
	case "service":
		for _, s := range r.Services {
			suggest(s.Name, joined(" · ", r.Poles[s.Pole].Name, within(s.Establishment)))
		}
	case "device", "gateway":
		for i := range books.Devices {
			if d := &books.Devices[i]; d.FaxCapable || len(d.Ports) > 0 {
				suggest(d.ID, joined(" · ", machine{Device: d}.Title(), d.Name, d.Location))
			}
		}
	}
	if x.Type != "select" {
		slices.SortFunc(x.Options, func(a, b option) int {
			return cmp.Or(strings.Compare(a.Value, b.Value), strings.Compare(a.Name, b.Name))
		})
		x.Options = slices.Compact(x.Options)
	}
	return err
}

// sinceFields ask since when it holds.
func (p *lineFormPage) sinceFields(since string) (g fieldGroup, err error) {
	day, always := field{Name: "since", Type: "date", Fault: p.Faults["since"], Value: since}, field{Name: "always", Type: "checkbox", Value: "yes"}
	if since == "always" {
		day.Value, always.Checked = "", true
	}
	for key, to := range map[string]*string{
		"line.since.label": &day.Label, "line.since.hint": &day.Hint, "line.since.always": &always.Label, "line.since.when": &g.Name,
	} {
		if *to, err = p.T(key); err != nil {
			return g, err
		}
	}
	g.Fields = []field{day, always}
	return g, nil
}

func (s *site) newLinePage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.line.new")
	p := lineFormPage{frame: f, Action: f.link("/lines/new"), Back: f.link("/lines")}
	cells := make(map[string]string)
	q := r.URL.Query()
	for _, column := range []string{"device", "port", "number", "service", "extension"} {
		cells[column] = q.Get(column)
	}
	if like := q.Get("like"); like != "" { // another number at the same place
		if cells = register.LineCells(books.Register, like); cells == nil {
			cells = make(map[string]string)
		}
		delete(cells, "number")
	}
	s.showLineForm(w, &p, books, lineColumns(), cells, "", true)
}

// showLineForm answers with a form.
func (s *site) showLineForm(w http.ResponseWriter, p *lineFormPage, books ledger.Snapshot, columns [][2]any, cells map[string]string, since string, fresh bool) {
	if err := p.form(books, columns, cells, since, fresh); err != nil {
		s.Log.Error("make a form", "error", err)
		p.Fault = true
	}
	s.Render(w, p.status(), "lineform.html", p)
}

func (s *site) editLinePage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	p, books := s.lineForm(r, id)
	cells := register.LineCells(books.Register, id)
	if cells == nil && !p.Fault {
		s.refused(w, r, errNoSuch)
		return
	}
	p.Revision = revision(books.Register.Lines[id])
	s.showLineForm(w, &p, books, lineColumns(), cells, "", false)
}

func (s *site) lineForm(r *http.Request, id string) (lineFormPage, ledger.Snapshot) {
	f, books := s.frame(r, "title.line.edit")
	p := lineFormPage{frame: f, Back: f.lineLink(id), Action: f.link("/lines/" + url.PathEscape(id) + "/edit")}
	p.Title += " " + id
	return p, books
}

// saveLine takes what somebody typed of a line. Only what differs from what stands is planned, so that what a form
// doesn't touch stays as it is.
func (s *site) saveLine(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	p, books := s.lineForm(r, id)
	typed := readLineForm(r, lineColumns())
	p.Was = r.PostFormValue("was")
	var standing map[string]string
	err := s.books(r).Declare(r.Context(), author(r), func(now ledger.Register) (ledger.Register, error) {
		mine := asSeen(r, now)
		if standing = register.LineCells(mine, id); standing == nil {
			return now, errNoSuch
		}
		versions := mine.Lines[id]
		p.Revision = revision(versions)
		if err := unchanged(r, versions); err != nil {
			return now, err
		}
		cells := typed.typed(standing)
		cells["number"] = id
		return p.plan(s, books, now, typed, []map[string]string{cells}, register.ReviseLines, []string{id})
	})
	if errors.Is(err, errChanged) {
		s.conflict(w, r, &p, books, typed, standing)
		return
	}
	if s.saved(w, r, err, &p) {
		s.done(w, r, p.lineLink(id)+"&done=saved")
		return
	}
	if p.Faults != nil || p.Confirm != nil {
		s.showLineForm(w, &p, books, lineColumns(), typed.cells, typed.since, false)
	}
}

// plan plans rows, and asks for a yes to whatever it does beyond the lines that are meant, and to each doubt.
func (p *lineFormPage) plan(s *site, books ledger.Snapshot, now ledger.Register, typed lineForm, rows []map[string]string,
	plan func(ledger.Register, *register.Table, register.Options) (register.Plan, error), meant []string,
) (ledger.Register, error) {
	o := s.planOptions(books.Devices, books.At)
	var err error
	if o.Since, err = register.ReadSince(typed.since, o.Now, s.Location); err != nil {
		return now, register.Faults{{Column: "since", Text: err.Error()}}
	}
	table, err := register.Typed(register.Lines, rows...)
	if err != nil {
		return now, err
	}
	done, err := planSeen(typed.r, now, func(r ledger.Register) (register.Plan, error) { return plan(r, table, o) })
	if err != nil {
		return now, err
	}
	if done.Nothing {
		return now, errNothing
	}
	for _, note := range done.Warnings {
		p.Confirm = append(p.Confirm, note.In(p.language()))
	}
	for _, c := range done.Diff.Changes {
		if c.What != "line" || meant != nil && !slices.Contains(meant, c.ID) {
			p.Confirm = append(p.Confirm, p.changeText(c))
		}
		if meant == nil && c.What == "line" && c.Done != "new" {
			return now, errDuplicate
		}
		if c.What == "line" && c.Done == "new" && meant == nil {
			p.IDs = append(p.IDs, c.ID)
		}
	}
	if p.Confirmed = revision(p.Confirm); len(p.Confirm) > 0 && typed.r.PostFormValue("confirmed") != p.Confirmed {
		return now, errConfirm
	}
	p.Confirm = nil
	return done.Register, nil
}

// changeText is a change of something in words.
func (s speech) changeText(c register.Change) string {
	what := map[string]string{"establishment": "line.establishment", "site": "line.site", "pole": "line.pole", "service": "line.service", "UF": "line.uf", "line": "line.line", "machine": "line.device"}[c.What]
	name, err := s.T(what)
	if err != nil {
		name = c.What
	}
	done, err := s.T("change." + c.Done)
	if err != nil {
		done = c.Done
	}
	var fields []string
	for _, f := range c.Fields {
		label, err := s.fieldName(f.Field)
		if err != nil {
			label = f.Field
		}
		if slices.Contains([]string{"cutoff", "cut_on", "kept_until", "opened", "closed"}, f.Field) {
			f.Before, f.After = s.Date(ledger.Day(f.Before)), s.Date(ledger.Day(f.After))
		}
		if c.Done == "new" {
			fields = append(fields, label+" "+f.After)
		} else {
			fields = append(fields, label+" "+cmp.Or(f.Before, "—")+" → "+cmp.Or(f.After, "—"))
		}
	}
	return joined(s.Colon(), name+" "+c.ID+" "+done, strings.Join(fields, ", "))
}

// saved tells whether a form was taken. What can't be is answered here, unless the form is to be shown again: then its
// faults, or what is to be confirmed, are in p.
func (s *site) saved(w http.ResponseWriter, r *http.Request, err error, p *lineFormPage) bool {
	var wrong register.Faults
	switch {
	case err == nil, errors.Is(err, errNothing):
		return true
	case errors.Is(err, errConfirm):
	case errors.As(err, &wrong):
		p.Confirm, p.Faults = nil, faults{}
		for _, note := range wrong {
			p.Faults[note.Column] = joined(" · ", p.Faults[note.Column], note.In(p.language()))
		}
	case errors.Is(err, errDuplicate):
		text, _ := p.T("line.duplicate")
		p.Confirm, p.Faults = nil, faults{"number": text}
	default:
		p.Confirm = nil
		s.refused(w, r, err)
	}
	return false
}

// conflict shows the form again: what somebody else changed meanwhile is taken over where the reader didn't type
// anything else, and shown beside it where they did.
func (s *site) conflict(w http.ResponseWriter, r *http.Request, p *lineFormPage, books ledger.Snapshot, typed lineForm, standing map[string]string) {
	merged := make(map[string]string)
	for column, value := range standing {
		merged[column] = value
	}
	p.Conflicts = []difference{}
	for column, value := range typed.typed(typed.was) {
		merged[column] = value
		label, err := p.T("line." + column)
		if err != nil {
			label = column
		}
		p.Conflicts = differ(p.Conflicts, label, value, standing[column])
	}
	slices.SortFunc(p.Conflicts, func(a, b difference) int { return strings.Compare(a.Label, b.Label) })
	if err := p.form(books, lineColumns(), merged, typed.since, false); err != nil {
		s.refused(w, r, err)
		return
	}
	was, _ := json.Marshal(standing)
	p.Was = string(was)
	s.Render(w, http.StatusConflict, "lineform.html", p)
}

// addLine takes a new line.
func (s *site) addLine(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.line.new")
	p := lineFormPage{frame: f, Action: f.link("/lines/new"), Back: f.link("/lines")}
	typed := readLineForm(r, lineColumns())
	err := s.books(r).Declare(r.Context(), author(r), func(now ledger.Register) (ledger.Register, error) {
		cells := typed.typed(nil)
		if cells["number"] == "" && cells["extension"] == "" {
			cells["number"] = ""
		}
		return p.plan(s, books, now, typed, []map[string]string{cells}, register.PlanLines, nil)
	})
	switch {
	case errors.Is(err, errNothing):
		err = errDuplicate
	case err == nil && len(p.IDs) == 1:
		s.done(w, r, p.lineLink(p.IDs[0])+"&done=added")
		return
	case err == nil:
		s.done(w, r, p.link("/lines", "done", "added"))
		return
	}
	if s.saved(w, r, err, &p); p.Faults != nil || p.Confirm != nil {
		s.showLineForm(w, &p, books, lineColumns(), typed.cells, typed.since, true)
	}
}

// removeLine takes a line out of the register; what it was stays in the books.
func (s *site) removeLine(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	f, books := s.frame(r, "title.line.edit")
	err := s.books(r).Declare(r.Context(), author(r), func(now ledger.Register) (ledger.Register, error) {
		mine := asSeen(r, now)
		if register.LineCells(mine, id) == nil {
			return now, errNoSuch
		}
		if err := unchanged(r, mine.Lines[id]); err != nil {
			return now, err
		}
		plan, err := register.RemoveLines(now, []string{id}, s.planOptions(books.Devices, books.At))
		return plan.Register, err
	})
	switch {
	case errors.Is(err, errChanged):
		s.storyAgain(w, r, id, "line.remove.changed")
	case err != nil:
		s.refused(w, r, err)
	default:
		s.done(w, r, f.link("/lines", "done", "removed"))
	}
}

// severalLines are those whose ids a query or form names, as far as they are declared and the reader's.
func severalLines(all ledger.Register, ids []string) []string {
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return register.LineCells(ledger.Register{Lines: all.Lines}, id) == nil })
}

func (s *site) several(r *http.Request) (p lineFormPage, books ledger.Snapshot) {
	p.frame, books = s.frame(r, "title.line.several")
	p.Action, p.Back = p.link("/lines/several"), p.link("/lines")
	p.Hint, _ = p.T("line.several.hint")
	p.IDs = severalLines(books.Register, slices.Clone(r.Form["line"]))
	for _, id := range p.IDs {
		x, _ := ledger.Present(books.Register.Lines[id])
		p.Chosen = append(p.Chosen, foundLine{cmp.Or(x.Number, id), p.lineLink(id)})
	}
	return p, books
}

// versionsOfAll are the versions of some lines, of which a revision can be made.
func versionsOfAll(r ledger.Register, ids []string) map[string][]ledger.Declaration {
	all := make(map[string][]ledger.Declaration, len(ids))
	for _, id := range ids {
		all[id] = r.Lines[id]
	}
	return all
}

func (s *site) severalPage(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // what can't be read names no line
	p, books := s.several(r)
	p.Revision = revision(versionsOfAll(books.Register, p.IDs))
	s.showLineForm(w, &p, books, severalColumns(), map[string]string{}, "", false)
}

// saveSeveral gives several lines the same; what is left empty stays as it is.
func (s *site) saveSeveral(w http.ResponseWriter, r *http.Request) {
	typed := readLineForm(r, severalColumns())
	p, books := s.several(r) // of PostForm and the query: the form says both alike
	err := s.books(r).Declare(r.Context(), author(r), func(now ledger.Register) (ledger.Register, error) {
		versions := versionsOfAll(asSeen(r, now), p.IDs)
		p.Revision = revision(versions)
		if err := unchanged(r, versions); err != nil {
			return now, err
		}
		var rows []map[string]string
		for _, id := range p.IDs {
			cells := typed.typed(nil)
			cells["number"] = id
			rows = append(rows, cells)
		}
		if len(rows) == 0 || len(rows[0]) == 1 {
			return now, errNothing
		}
		return p.plan(s, books, now, typed, rows, register.ReviseLines, p.IDs)
	})
	if errors.Is(err, errChanged) {
		p.Conflicts = []difference{}
		text, _ := p.T("line.several.changed", strconv.Itoa(len(p.IDs)))
		p.Hint = text
		s.showLineForm(w, &p, books, severalColumns(), typed.cells, typed.since, false)
		return
	}
	if s.saved(w, r, err, &p) {
		s.done(w, r, p.link("/lines", "done", "saved"))
		return
	}
	if p.Faults != nil || p.Confirm != nil {
		s.showLineForm(w, &p, books, severalColumns(), typed.cells, typed.since, false)
	}
}

// announceTest takes a test window of a line.
func (s *site) announceTest(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	f, books := s.frame(r, "title.line")
	line, known := lineOf(books, id)
	if !known {
		s.refused(w, r, errNoSuch)
		return
	}
	from, fromOK := instant(r.PostFormValue("from"), line.Zone)
	to, toOK := instant(r.PostFormValue("to"), line.Zone)
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if !fromOK || !toOK || to <= from || reason == "" {
		s.storyAgain(w, r, id, "window.fault")
		return
	}
	if err := s.books(r).TestWindow(r.Context(), author(r), id, from, to, reason); err != nil {
		s.refused(w, r, err)
		return
	}
	s.done(w, r, f.lineLink(id)+"&done=saved")
}

// closeAlert closes an episode of a line with a reason.
func (s *site) closeAlert(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if reason == "" {
		s.storyAgain(w, r, id, "close.fault")
		return
	}
	episode, err := strconv.ParseInt(r.PathValue("alert"), 10, 64)
	if err != nil {
		s.refused(w, r, errNoSuch)
		return
	}
	if err := s.books(r).CloseEpisode(r.Context(), author(r), episode, reason); err != nil {
		s.refused(w, r, err)
		return
	}
	s.done(w, r, s.speech(r, 0).lineLink(id)+"&done=closed")
}

// storyAgain shows a line's page with what was wrong with a form on it, whose fields keep what was typed.
func (s *site) storyAgain(w http.ResponseWriter, r *http.Request, id, fault string) {
	p, err := s.lineStory(r, id)
	if err != nil {
		s.refused(w, r, err)
		return
	}
	text, err := p.T(fault)
	if err != nil {
		s.refused(w, r, err)
		return
	}
	p.Faults, p.Typed = faults{"": text}, r.PostForm
	s.Render(w, p.status(), "line.html", p)
}
