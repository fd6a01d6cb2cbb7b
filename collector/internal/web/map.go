package web

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// nobody stands for what no service, pôle or establishment has, where an id is asked for. No id is called so.
const nobody = "-"

// mapPage is where fax lives: structure, pôle, service, and with a service its lines and where they end.
type mapPage struct {
	frame
	Filters mapFilter
	Month   string     // the last complete one, of which volumes are shown beside those of 12 months
	Nodes   []*mapNode // structures, each before its pôles, and those before their services; the whole last
	Found   int        // services that fit
	Choices []field    // what the map can be narrowed to
	Gaps    []gap      // of the reconciliation, in short

	Service *mapNode // whose lines are shown; nil: all services are
	Rows    []mapLine
	Turn    turn
}

// mapFilter is what of the map is asked for.
type mapFilter struct{ Establishment, Pole, State, Service string }

// mapNode is a structure, a pôle or a service, with what is below it.
type mapNode struct {
	Level       indicators.Level
	ID          string // of what it is; empty: of nothing that anybody named
	Name        string
	Within      string // what a service belongs to
	Link        string
	States      map[ledger.LineState]int64
	All, Cut    int64
	Active      int64
	Month, Year volumes
	Lines       []foundLine // that fit what is searched for, at most few

	scope indicators.Scope
}

// foundLine is a line that was searched for.
type foundLine struct{ Name, Link string }

// volumes are what was faxed in a time.
type volumes struct{ Sent, Received, Either volume }

// volume is what went one way. What isn't known is not 0.
type volume struct {
	Pages, Faxes *int64
	Unit         string  // of Pages, as machines call them
	watched, of  float64 // parts of the time, summed over lines; lines
}

// Partly is in what part of the time Pages was watched, in whole percent, where it wasn't all of it; else 0.
func (v volume) Partly() int64 {
	if v.Pages == nil || v.watched >= 0.995*v.of {
		return 0
	}
	return max(1, int64(100*v.watched/v.of))
}

// mapLine is a line with where it ends, and its volumes.
type mapLine struct {
	ledger.Line
	Link        string
	Month, Year volumes
}

// Tabs are the pages of the map.
func (f frame) Tabs() (tabs []pageLink, err error) {
	for _, x := range []struct{ path, name string }{{"/map", "map.tree"}, {"/map/table", "map.table"}, {"/map/gaps", "map.gaps"}} {
		tab := pageLink{Path: f.link(x.path)}
		if x.path == f.Here {
			tab.Current = "page"
		}
		if tab.Name, err = f.T(x.name); err != nil {
			return nil, err
		}
		tabs = append(tabs, tab)
	}
	return tabs, nil
}

func (s *site) mapPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.map", "q", "establishment", "pole", "state", "service", "page")
	p := mapPage{frame: f}
	q := r.URL.Query()
	p.Filters = mapFilter{Establishment: q.Get("establishment"), Pole: q.Get("pole"), Service: q.Get("service")}
	if state := q.Get("state"); slices.Contains(byUrgency(), ledger.LineState(state)) {
		p.Filters.State = state
	}
	var err error
	if !p.Fault {
		err = s.fillMap(r, &p, books)
	}
	if err != nil {
		s.Log.Error("make the map", "error", err)
		p.Fault = true
	}
	s.Render(w, p.status(), "map.html", p)
}

// fillMap makes the page of the books.
func (s *site) fillMap(r *http.Request, p *mapPage, books ledger.Snapshot) error {
	times, err := s.mapTimes(r, books)
	if err != nil {
		return err
	}
	if p.Month, err = p.monthName(times.month); err != nil {
		return err
	}
	services := p.services(books, times)
	if p.Filters.Service != "" {
		return p.one(services, books, times, r.URL.Query())
	}
	if err := p.choices(books); err != nil {
		return err
	}
	if p.Gaps, err = p.gaps(books); err != nil {
		return err
	}
	p.plant(p.chosen(services, books))
	return nil
}

// mapTimes are the figures of the last complete month and of the 12 that it ends.
type mapTimes struct {
	month, first ledger.Month
	ofMonth      []ledger.MonthSum
	ofYear       []ledger.MonthSum
	journals     ledger.Journals // of the year
}

func (s *site) mapTimes(r *http.Request, books ledger.Snapshot) (t mapTimes, err error) {
	t.month = cmp.Or(books.Month, ledger.MonthOf(books.At, s.Location)).Add(-1)
	t.first = t.month.Add(-11)
	group, ctx := errgroup.WithContext(r.Context())
	group.Go(func() (err error) { t.ofMonth, err = s.books(r).Months(ctx, t.month, t.month); return err })
	group.Go(func() (err error) { t.ofYear, err = s.books(r).Months(ctx, t.first, t.month); return err })
	group.Go(func() (err error) { t.journals, err = s.books(r).Journals(ctx, t.first, t.month); return err })
	return t, group.Wait()
}

// services are all services that have a name, lines or faxes, with their figures.
func (p *mapPage) services(books ledger.Snapshot, times mapTimes) map[indicators.Scope]*mapNode {
	all := make(map[indicators.Scope]*mapNode)
	at := func(scope indicators.Scope) *mapNode {
		scope.Name = ""
		n := all[scope]
		if n == nil {
			n = &mapNode{Level: indicators.Service, ID: scope.Service, States: map[ledger.LineState]int64{}, scope: scope}
			n.Name = p.ServiceName(scope.Service)
			n.Within = joined(" · ", cmp.Or(p.register.Poles[scope.Pole].Name, scope.Pole),
				cmp.Or(p.register.Establishments[scope.Establishment].Name, scope.Establishment))
			n.Link = p.link("/map", "service", cmp.Or(scope.Service, nobody), "establishment", cmp.Or(scope.Establishment, nobody), "pole", cmp.Or(scope.Pole, nobody))
			all[scope] = n
		}
		return n
	}
	figures := indicators.Books{At: books.At, Register: &books.Register, Lines: books.Lines, Months: times.ofMonth, Journals: times.journals}.Heard(times.first, times.month)
	for i := range books.Lines {
		at(p.scopeOf(&books.Lines[i])).count(&books.Lines[i])
	}
	for _, f := range indicators.Compute(figures, times.month, times.month, indicators.Service) {
		n := at(f.Scope)
		n.Month.take(f, n.All)
	}
	figures.Months = times.ofYear
	for _, f := range indicators.Compute(figures, times.first, times.month, indicators.Service) {
		n := at(f.Scope)
		n.Year.take(f, n.All)
	}
	return all
}

// scopeOf is where a line stands now: its service is where that is.
func (f frame) scopeOf(l *ledger.Line) indicators.Scope {
	if s, ok := f.register.Services[l.Service]; ok {
		return indicators.Scope{Establishment: s.Establishment, Pole: s.Pole, Service: l.Service}
	}
	return indicators.Scope{Establishment: l.Establishment, Pole: l.Pole, Service: l.Service}
}

func (n *mapNode) count(l *ledger.Line) {
	n.States[l.State]++
	n.All++
	if l.State == ledger.Cut {
		n.Cut++
	}
	if l.Active() {
		n.Active++
	}
}

// add takes in what stands below.
func (n *mapNode) add(below *mapNode) {
	for state, count := range below.States {
		n.States[state] += count
	}
	n.All, n.Cut, n.Active = n.All+below.All, n.Cut+below.Cut, n.Active+below.Active
	n.Month.add(below.Month)
	n.Year.add(below.Year)
}

// take takes over a figure of a service with some lines.
func (v *volumes) take(f indicators.Figure, lines int64) {
	way := map[indicators.Indicator]*volume{
		indicators.FaxSent: &v.Sent, indicators.FaxReceived: &v.Received, indicators.FaxUnknown: &v.Either,
	}[f.Indicator]
	switch {
	case way == nil:
	case f.Of == "pages":
		way.Pages, way.Unit = f.Value, f.Unit
		if part := f.Completeness; part.Days > 0 {
			way.watched, way.of = part.Watched/float64(part.Days)*float64(lines), float64(lines)
		}
	default:
		way.Faxes = f.Value
	}
}

func (v *volumes) add(other volumes) {
	v.Sent.add(other.Sent)
	v.Received.add(other.Received)
	v.Either.add(other.Either)
}

// Known tells whether anything is.
func (v volume) Known() bool { return v.Pages != nil || v.Faxes != nil }

func (v *volume) add(other volume) {
	switch {
	case other.Pages == nil:
	case v.Pages == nil:
		v.Unit = other.Unit
	case v.Unit != other.Unit:
		v.Unit = "pages"
	}
	v.Pages, v.Faxes = added(v.Pages, other.Pages), added(v.Faxes, other.Faxes)
	v.watched, v.of = v.watched+other.watched, v.of+other.of
}

// added is a sum of which one part may be unknown.
func added(a, b *int64) *int64 {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	sum := *a + *b
	return &sum
}

// chosen are the services that fit what is asked for, in the order of their names.
func (p *mapPage) chosen(all map[indicators.Scope]*mapNode, books ledger.Snapshot) (list []*mapNode) {
	if p.Query != "" {
		p.find(all, books)
	}
	unassigned, _ := p.T("unassigned")
	for scope, n := range all {
		switch {
		case p.Filters.Establishment != "" && cmp.Or(scope.Establishment, nobody) != p.Filters.Establishment,
			p.Filters.Pole != "" && cmp.Or(scope.Pole, nobody) != p.Filters.Pole,
			p.Filters.State != "" && n.States[ledger.LineState(p.Filters.State)] == 0,
			p.Query != "" && len(n.Lines) == 0 && !fitsAll(p.Query, scope.Service, cmp.Or(n.Name, unassigned), n.Within):
		default:
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *mapNode) int {
		return cmp.Or(strings.Compare(a.scope.Establishment, b.scope.Establishment), strings.Compare(a.scope.Pole, b.scope.Pole),
			strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	p.Found = len(list)
	return list
}

// find notes the lines that are searched for with their services.
func (p *mapPage) find(all map[indicators.Scope]*mapNode, books ledger.Snapshot) {
	for i := range books.Lines {
		l := &books.Lines[i]
		n := all[p.scopeOf(l)]
		if len(n.Lines) < few && fitsAll(p.Query, l.ID, l.Number, l.Extension, l.Device, l.Gateway, l.UF, l.Contact) {
			n.Lines = append(n.Lines, foundLine{lineRow{Line: *l}.Called(), p.lineLink(l.ID)})
		}
	}
}

// plant puts services under their pôles, and those under their structures, each with its sum.
func (p *mapPage) plant(services []*mapNode) {
	whole := &mapNode{Level: indicators.Whole, States: map[ledger.LineState]int64{}}
	var structure, pole *mapNode
	for _, n := range services {
		if structure == nil || structure.ID != n.scope.Establishment {
			structure = p.branch(indicators.Structure, n.scope.Establishment, cmp.Or(p.register.Establishments[n.scope.Establishment].Name, n.scope.Establishment))
			pole = nil
		}
		if pole == nil || pole.ID != n.scope.Pole {
			pole = p.branch(indicators.Pole, n.scope.Pole, cmp.Or(p.register.Poles[n.scope.Pole].Name, n.scope.Pole))
		}
		p.Nodes = append(p.Nodes, n)
		for _, above := range []*mapNode{whole, structure, pole} {
			above.add(n)
		}
	}
	if len(services) > 0 {
		p.Nodes = append(p.Nodes, whole)
	}
}

// Narrowed tells whether only a part is asked for.
func (p mapPage) Narrowed() bool { return p.Query != "" || p.Filters != mapFilter{} }

func (p *mapPage) branch(level indicators.Level, id, name string) *mapNode {
	n := &mapNode{Level: level, ID: id, Name: name, States: map[ledger.LineState]int64{}}
	key := map[indicators.Level]string{indicators.Structure: "establishment", indicators.Pole: "pole"}[level]
	n.Link = p.link("/map", key, cmp.Or(id, nobody))
	p.Nodes = append(p.Nodes, n)
	return n
}

// Edits are forms for what is shown of the map.
func (p mapPage) Edits() (links []foundLine) {
	if !p.MayEdit() || p.Fault {
		return nil
	}
	form := func(key, name string, pairs ...string) {
		args := []any{}
		if name != "" {
			args = append(args, name)
		}
		links = append(links, foundLine{p.say(key, args...), p.link("/map/edit", pairs...)})
	}
	if _, known := p.register.Services[p.Filters.Service]; known {
		form("structure.move", "", "service", p.Filters.Service)
		return links
	}
	pole, inPole := p.register.Poles[p.Filters.Pole]
	if e, known := p.register.Establishments[p.Filters.Establishment]; known && !inPole {
		form("structure.edit", cmp.Or(e.Name, e.ID), "establishment", e.ID)
		for _, id := range slices.Sorted(maps.Keys(p.register.Sites)) {
			if x := p.register.Sites[id]; x.Establishment == e.ID {
				form("structure.edit", cmp.Or(x.Name, x.ID), "site", id)
			}
		}
		form("structure.new", "", "new", "service", "establishment", e.ID)
	}
	if inPole {
		form("structure.edit", cmp.Or(pole.Name, pole.ID), "pole", pole.ID)
		form("structure.new", "", "new", "service", "pole", pole.ID)
	}
	return links
}

// choices are what the map can be narrowed to.
func (p *mapPage) choices(books ledger.Snapshot) error {
	structures, poles, states := field{Name: "establishment", Value: p.Filters.Establishment}, field{Name: "pole", Value: p.Filters.Pole}, field{Name: "state", Value: p.Filters.State}
	for _, x := range books.Register.Establishments {
		structures.Options = append(structures.Options, option{Value: x.ID, Name: cmp.Or(x.Name, x.ID)})
	}
	for _, x := range books.Register.Poles {
		if p.Filters.Establishment == "" || x.Establishment == p.Filters.Establishment {
			poles.Options = append(poles.Options, option{Value: x.ID, Name: cmp.Or(x.Name, x.ID)})
		}
	}
	byName(structures.Options)
	byName(poles.Options)
	for _, state := range byUrgency() {
		name, err := p.T("state." + string(state))
		if err != nil {
			return err
		}
		states.Options = append(states.Options, option{Value: string(state), Name: name})
	}
	for _, x := range []struct {
		field
		label string
	}{{structures, "map.structure"}, {poles, "map.pole"}, {states, "column.state"}} {
		label, err := p.T(x.label)
		if err != nil {
			return err
		}
		any, err := p.T("map.any")
		if err != nil {
			return err
		}
		x.Type, x.Label, x.Options = "select", label, append([]option{{Name: any}}, x.Options...)
		p.Choices = append(p.Choices, x.field)
	}
	query := field{Name: "q", Type: "search", Value: p.Query}
	var err error
	query.Label, err = p.T("map.search")
	p.Choices = append(p.Choices, query)
	return err
}

func byName(list []option) {
	slices.SortFunc(list, func(a, b option) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Value, b.Value))
	})
}

// one shows one service with its lines.
func (p *mapPage) one(all map[indicators.Scope]*mapNode, books ledger.Snapshot, times mapTimes, q url.Values) error {
	within := func(scope indicators.Scope) bool {
		return cmp.Or(scope.Service, nobody) == p.Filters.Service &&
			(p.Filters.Establishment == "" || cmp.Or(scope.Establishment, nobody) == p.Filters.Establishment) &&
			(p.Filters.Pole == "" || cmp.Or(scope.Pole, nobody) == p.Filters.Pole)
	}
	p.Service = &mapNode{Level: indicators.Service, States: map[ledger.LineState]int64{}}
	for scope, n := range all {
		if within(scope) {
			p.Service.ID, p.Service.Name, p.Service.Within, p.Service.scope = n.ID, n.Name, n.Within, scope
			p.Service.add(n)
		}
	}
	for i := range books.Lines {
		l := &books.Lines[i]
		if within(p.scopeOf(l)) && (p.Filters.State == "" || string(l.State) == p.Filters.State) {
			p.Rows = append(p.Rows, mapLine{Line: *l, Link: p.lineLink(l.ID)})
		}
	}
	var from, to int
	p.Turn, from, to = p.turned(q, "/map", len(p.Rows))
	p.Rows = p.Rows[from:to]
	at := make(map[string]*mapLine, len(p.Rows))
	for i := range p.Rows {
		at[p.Rows[i].ID] = &p.Rows[i]
	}
	for _, x := range []struct {
		from ledger.Month
		sums []ledger.MonthSum
		of   func(*mapLine) *volumes
	}{
		{times.month, times.ofMonth, func(l *mapLine) *volumes { return &l.Month }},
		{times.first, times.ofYear, func(l *mapLine) *volumes { return &l.Year }},
	} {
		for i := range p.Rows {
			x.of(&p.Rows[i]).watch(&p.Rows[i].Line, x.from, times.month)
		}
		for i := range x.sums {
			if m := &x.sums[i]; !m.Evidence && at[m.Line] != nil {
				x.of(at[m.Line]).sum(m)
			}
		}
	}
	return nil
}

// watch makes 0 what would have been counted if there had been any: by machines that were watched in the time, for
// this line alone.
func (v *volumes) watch(l *ledger.Line, from, to ledger.Month) {
	span := ledger.Span{From: from.In(l.Zone), To: to.Add(1).In(l.Zone)}
	for i := range l.History {
		s := &l.History[i]
		if l.Sharing > 1 || ledger.Watched(s.Watched, s.Within(span)) == 0 {
			continue
		}
		for _, m := range s.Measures {
			way := v.of(ledger.DirectionOf(m))
			if ledger.IsPages(m) {
				way.Pages, way.Unit = added(way.Pages, new(int64)), cmp.Or(way.Unit, "pages")
			} else {
				way.Faxes = added(way.Faxes, new(int64))
			}
		}
	}
}

// sum takes in what was counted.
func (v *volumes) sum(m *ledger.MonthSum) {
	way, count := v.of(ledger.DirectionOf(m.Measure)), m.Count
	if !ledger.IsPages(m.Measure) {
		way.Faxes = added(way.Faxes, &count)
		return
	}
	if way.Pages == nil || *way.Pages == 0 {
		way.Unit = m.Unit
	}
	way.add(volume{Pages: &count, Unit: m.Unit})
}

func (v *volumes) of(way ledger.Direction) *volume {
	switch way {
	case ledger.Sent:
		return &v.Sent
	case ledger.Received:
		return &v.Received
	}
	return &v.Either
}

// Volume words a volume: pages, and the messages beside them where machines count those.
func (s speech) Volume(v volume) (string, error) {
	var parts []string
	for _, x := range []struct {
		count *int64
		unit  string
	}{{v.Pages, v.Unit}, {v.Faxes, "faxes"}} {
		if x.count == nil {
			continue
		}
		text, err := s.Amount(*x.count, x.unit)
		if err != nil {
			return "", err
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return s.T("unknown")
	}
	return strings.Join(parts, " · "), nil
}

// Unsaid words pages whose direction machines don't tell.
func (s speech) Unsaid(v volume) (string, error) {
	text, err := s.Volume(v)
	if err != nil {
		return "", err
	}
	return s.T("of.direction.unknown", text)
}

// Ends are where a line ends, as people look for it.
func (l mapLine) Ends() string {
	gateway := ""
	if l.Gateway != "" && l.Gateway != l.Device {
		gateway = joined(" ", l.Gateway, l.GatewayPort)
	}
	return joined(" · ", joined(" ", l.Device, l.Port), gateway)
}

// Called is how people call it.
func (l mapLine) Called() string { return lineRow{Line: l.Line}.Called() }
