package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// linesPage is the list by which a project team works: what stands in the way of the end comes first.
type linesPage struct {
	frame
	State  string // only lines in it; empty = all
	States []stateLink
	Rows   []lineRow // shown
	Found  int       // fit query and state
	Turn   turn
}

// stateLink is how many lines are in a state, and where they are shown alone.
type stateLink struct {
	Lines, Means, Link string
	Chosen             bool
}

// lineRow is a line as it is shown.
type lineRow struct {
	ledger.Line
	ServiceName    string
	Belongs        string // pôle, site, establishment
	Sent, Received said
	Either         string   // pages of unknown direction
	After          []string // what was faxed after the cut-off
	Alerts         int64    // open
}

// byUrgency are the line states, those first that a person should do something about.
func byUrgency() []ledger.LineState {
	return []ledger.LineState{ledger.Overdue, ledger.Blind, ledger.Active, ledger.Quiet, ledger.Dormant, ledger.Kept, ledger.Cut}
}

func (s *site) linesPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.lines", "q", "state", "page")
	p := linesPage{frame: f}
	var err error
	if p.Searching, err = p.T("search.line"); err == nil {
		if state := r.URL.Query().Get("state"); slices.Contains(byUrgency(), ledger.LineState(state)) {
			p.State = state
		}
		err = p.fill(books, s.Label, r.URL.Query())
	}
	if err != nil {
		s.Log.Error("word the page", "error", err)
		p.Fault = true
	}
	s.Render(w, p.status(), "lines.html", p)
}

func (p *linesPage) fill(books ledger.Snapshot, label func(*ledger.Line) string, q url.Values) (err error) {
	counts := make(map[ledger.LineState]int64)
	alerts := make(map[string]int64)
	for _, e := range p.Alerts {
		alerts[e.Line]++
	}
	unassigned, err := p.T("unassigned")
	if err != nil {
		return err
	}
	for i := range books.Lines {
		l := &books.Lines[i]
		counts[l.State]++
		row := lineRow{Line: *l, Alerts: alerts[l.ID], ServiceName: p.ServiceName(l.Service)}
		row.Belongs = joined(" · ", cmp.Or(p.register.Poles[l.Pole].Name, l.Pole), cmp.Or(p.register.Sites[l.Site].Name, l.Site),
			cmp.Or(p.register.Establishments[l.Establishment].Name, l.Establishment))
		called := l.ID
		if p.Query != "" && label != nil {
			called += " " + label(l)
		}
		if (p.State == "" || p.State == string(l.State)) && fitsAll(p.Query, called, l.Number, l.Extension, l.Device, l.Gateway,
			l.Service, cmp.Or(row.ServiceName, unassigned), row.Belongs, l.UF, l.Contact) {
			p.Rows = append(p.Rows, row)
		}
	}
	p.Found = len(p.Rows)
	slices.SortStableFunc(p.Rows, func(a, b lineRow) int {
		return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), slices.Index(byUrgency(), a.State)-slices.Index(byUrgency(), b.State),
			cmp.Compare(a.ServiceName, b.ServiceName))
	})
	var from, to int
	p.Turn, from, to = p.turned(q, "/lines", len(p.Rows))
	p.Rows = p.Rows[from:to]
	if err := p.figures(books); err != nil {
		return err
	}
	return p.count(counts)
}

// figures fills in what was sent and received on each line.
func (p *linesPage) figures(books ledger.Snapshot) (err error) {
	at := make(map[string]*lineRow, len(p.Rows))
	for i := range p.Rows {
		at[p.Rows[i].ID] = &p.Rows[i]
	}
	sums := make(map[string]*pagesOf, len(p.Rows))
	for i := range books.Sums {
		if s := &books.Sums[i]; at[s.Line] != nil && !s.Evidence {
			if sums[s.Line] == nil {
				sums[s.Line] = &pagesOf{}
			}
			sums[s.Line].add(s)
		}
	}
	for id, row := range at {
		if row.Sent, err = p.said(sums[id], ledger.Sent); err != nil {
			return err
		}
		if row.Received, err = p.said(sums[id], ledger.Received); err != nil {
			return err
		}
		if row.Either, err = p.either(sums[id]); err != nil {
			return err
		}
		if row.After, err = p.after(row.AfterCutoff); err != nil {
			return err
		}
	}
	return nil
}

// after words what was faxed after a cut-off.
func (s speech) after(totals ledger.AfterTotals) (list []string, err error) {
	for _, x := range []struct {
		count int64
		unit  string
	}{{totals.Pages, "pages"}, {totals.Faxes, "faxes"}} {
		if x.count == 0 {
			continue
		}
		amount, err := s.Amount(x.count, x.unit)
		if err != nil {
			return nil, err
		}
		text, err := s.T("after.cutoff", amount)
		if err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, nil
}

// count fills in the figures above the table.
func (p *linesPage) count(counts map[ledger.LineState]int64) error {
	for _, state := range byUrgency() {
		link := stateLink{Chosen: p.State == string(state)}
		var err error
		if link.Lines, err = p.Count("in."+string(state), counts[state]); err != nil {
			return err
		}
		if link.Means, err = p.T("means." + string(state)); err != nil {
			return err
		}
		link.Link = "/lines?" + url.Values{"lang": {p.language()}, "state": {string(state)}}.Encode()
		p.States = append(p.States, link)
	}
	return nil
}

// Called is how people call the line.
func (l lineRow) Called() string { return cmp.Or(l.Number, l.ID) }

// Where is what helps to find it.
func (l lineRow) Where() string {
	port := ""
	if l.Gateway != "" && l.Gateway != l.Device {
		port = joined(" ", l.Gateway, l.GatewayPort)
	}
	return joined(" · ", l.Extension, l.Support, port)
}

// Copper says when copper closes under a line.
func (s speech) Copper(c ledger.LineCopper) (string, error) {
	if c.Warning == ledger.CopperClosed && c.Technical != "" {
		return s.T("copper.closed", s.Date(c.Technical))
	}
	if c.Technical == "" {
		return s.T("copper.commercial", s.Date(c.Commercial))
	}
	return s.T("copper.technical", s.Date(c.Technical))
}

// pagesOf are the pages of something, by direction and by what machines call them.
type pagesOf map[ledger.Direction]map[string]int64

func (p *pagesOf) add(s *ledger.Sum) {
	if !ledger.IsPages(s.Measure) {
		return
	}
	if *p == nil {
		*p = pagesOf{}
	}
	way := ledger.DirectionOf(s.Measure)
	if (*p)[way] == nil {
		(*p)[way] = map[string]int64{}
	}
	(*p)[way][s.Unit] += s.Count
}

// said words how many pages went one way; a unit of its own is named as long as there is only one.
func (s speech) said(p *pagesOf, way ledger.Direction) (said, error) {
	if p == nil || (*p)[way] == nil {
		text, err := s.T("unknown")
		return said{Text: text}, err
	}
	unit, count := "", int64(0)
	for u, n := range (*p)[way] {
		count += n
		if unit == "" {
			unit = u
		}
		if unit != u {
			unit = "pages"
		}
	}
	text, err := s.Amount(count, unit)
	return said{Known: true, Text: text}, err
}

// either words the pages whose direction machines don't tell, empty if there are none.
func (s speech) either(p *pagesOf) (string, error) {
	pages, err := s.said(p, ledger.UnknownDirection)
	if err != nil || !pages.Known {
		return "", err
	}
	return s.T("of.direction.unknown", pages.Text)
}
