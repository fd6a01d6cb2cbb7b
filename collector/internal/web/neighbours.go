package web

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"slices"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// neighboursPage is what became of the faxes of lines that were cut.
type neighboursPage struct {
	frame
	Only   indicators.Finding // shown; empty: all
	Counts []findingCount
	Rows   []neighbourRow
	Turn   turn
}

// findingCount is how many cuts have a finding.
type findingCount struct {
	Finding indicators.Finding
	Count   int64
	Link    string
	Chosen  bool
}

// neighbourRow is one cut.
type neighbourRow struct {
	indicators.Displacement
	Called, ServiceName, Link string
	Where                     string
	Evidence                  []string // in words
}

// findings are all of them, those first that need somebody.
func findings() []indicators.Finding {
	return []indicators.Finding{indicators.Displaced, indicators.CannotTell, indicators.Stayed}
}

func (s *site) neighboursPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.neighbours", "finding", "page")
	p := neighboursPage{frame: f}
	if only := indicators.Finding(r.URL.Query().Get("finding")); slices.Contains(findings(), only) {
		p.Only = only
	}
	if !p.Fault {
		list, _, err := s.displacements(r, &books, true)
		if err == nil {
			err = p.fill(&books, list, r.URL.Query())
		}
		if err != nil {
			s.Log.Error("look at the neighbours", "error", err)
			p.Fault = true
		}
	}
	s.Render(w, p.status(), "neighbours.html", p)
}

func (p *neighboursPage) fill(books *ledger.Snapshot, list []indicators.Displacement, query url.Values) (err error) {
	counts := map[indicators.Finding]int64{}
	for i := range list {
		counts[list[i].Finding]++
	}
	for _, finding := range findings() {
		x := findingCount{Finding: finding, Count: counts[finding], Link: p.link("/neighbours", "finding", string(finding)), Chosen: finding == p.Only}
		if x.Chosen {
			x.Link = p.link("/neighbours")
		}
		p.Counts = append(p.Counts, x)
	}
	list = slices.DeleteFunc(slices.Clone(list), func(d indicators.Displacement) bool { return p.Only != "" && d.Finding != p.Only })
	slices.SortStableFunc(list, func(a, b indicators.Displacement) int {
		return cmp.Compare(slices.Index(findings(), a.Finding), slices.Index(findings(), b.Finding))
	})
	var from, to int
	p.Turn, from, to = p.turned(query, "/neighbours", len(list))
	for i := from; i < to; i++ {
		row, err := p.row(books, list[i])
		if err != nil {
			return err
		}
		p.Rows = append(p.Rows, row)
	}
	return nil
}

// row words one cut.
func (f frame) row(books *ledger.Snapshot, d indicators.Displacement) (row neighbourRow, err error) {
	line, _ := lineOf(*books, d.Line)
	row = neighbourRow{Displacement: d, Called: lineRow{Line: line}.Called(), ServiceName: f.ServiceName(line.Service)}
	row.Link = f.link("/neighbours/" + url.PathEscape(d.Line))
	if d.Near != "" {
		if row.Where, err = f.T("near."+string(d.Near), d.Place); err != nil {
			return row, err
		}
	}
	row.Evidence, err = f.evidence(&d)
	return row, err
}

// evidence says what speaks for a finding.
func (f frame) evidence(d *indicators.Displacement) (list []string, err error) {
	add := func(key string, args ...any) {
		text, failed := f.T(key, args...)
		list, err = append(list, text), cmp.Or(err, failed)
	}
	shown := d.Shown()
	if d.Doubt != "" {
		add("doubt." + string(d.Doubt))
	}
	if shown != nil && shown.Looked > 0 {
		add("neighbours.seen."+shown.Unit, f.whole(shown.After), f.whole(shown.Expected), f.whole(shown.Low), f.whole(shown.High))
		if d.Visible != nil {
			add("neighbours.visible."+shown.Unit, f.whole(*d.Visible))
		}
	}
	if d.Own != nil {
		add("neighbours.own", f.whole(*d.Own))
	}
	return list, err
}

// shownFinding is a finding as pages show it.
type shownFinding struct{ Look, Text string }

// Found words a finding.
func (s speech) Found(finding indicators.Finding) (x shownFinding, err error) {
	x.Look = map[indicators.Finding]string{indicators.Displaced: "bad", indicators.Stayed: "ok"}[finding]
	x.Text, err = s.T("finding." + string(finding))
	return x, err
}

// whole says a number without its fraction.
func (s speech) whole(n float64) string {
	text, err := s.T("chart.whole", int64(math.Round(n)))
	if err != nil {
		return ""
	}
	return text
}

// neighbourPage is one cut with all that is known of it.
type neighbourPage struct {
	frame
	neighbourRow
	LineLink string
	Missing  bool
	Unit     string // of what the machines counted; empty: nothing is known
	Chart    chart
	Machines []neighbourLine
}

// neighbourLine is a machine near the line.
type neighbourLine struct {
	indicators.NeighbourMachine
	Called, ServiceName, Link string
	Before, Expected, After   string
}

func (s *site) neighbourPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.neighbours")
	p := neighbourPage{frame: f}
	if !p.Fault {
		list, _, err := s.displacements(r, &books, true)
		if d := found(list, r.PathValue("line")); d != nil {
			err = cmp.Or(err, p.fill(&books, d))
		} else {
			p.Missing = true
		}
		if err != nil {
			s.Log.Error("look at a line's neighbours", "line", r.PathValue("line"), "error", err)
			p.Fault = true
		}
	}
	status := p.status()
	if p.Missing && !p.Fault {
		status = http.StatusNotFound
	}
	s.Render(w, status, "neighbour.html", p)
}

func (p *neighbourPage) fill(books *ledger.Snapshot, d *indicators.Displacement) (err error) {
	if p.neighbourRow, err = p.row(books, *d); err != nil {
		return err
	}
	if p.Title, err = p.T("title.neighbour", p.Called); err != nil {
		return err
	}
	p.LineLink = p.link("/lines/" + url.PathEscape(d.Line))
	machines := make(map[string]*ledger.Device, len(books.Devices))
	for i := range books.Devices {
		machines[books.Devices[i].ID] = &books.Devices[i]
	}
	for _, m := range d.Machines {
		x := neighbourLine{NeighbourMachine: m, Called: m.Device, ServiceName: p.frame.ServiceName(m.Service), Link: p.link("/machines", "q", m.Device)}
		if known := machines[m.Device]; known != nil {
			x.Called = machine{Device: known}.Title()
		}
		if e := m.Evidence; e != nil && e.Looked > 0 {
			x.Before, x.After = p.whole(e.Before), p.whole(e.After)
			if x.Expected, err = p.T("neighbours.range", p.whole(e.Expected), p.whole(e.Low), p.whole(e.High)); err != nil {
				return err
			}
		}
		p.Machines = append(p.Machines, x)
	}
	shown := d.Shown()
	if shown != nil {
		p.Unit = shown.Unit
	}
	return p.draw(shown)
}

// draw draws the weeks before the cut and after it.
func (p *neighbourPage) draw(e *indicators.Evidence) (err error) {
	if e == nil {
		return nil
	}
	p.Chart = chart{speech: p.speech, ID: "weeks", Unit: e.Unit, Series: []series{{Kind: lineSeries}, {Kind: barSeries}, {Kind: lineSeries}}, Band: &band{}}
	for key, to := range map[string]*string{
		"neighbours.chart": &p.Chart.Title, "neighbours.week": &p.Chart.Across, "neighbours.chart.note": &p.Chart.Note,
		"neighbours.before": &p.Chart.Series[0].Name, "neighbours.after": &p.Chart.Series[1].Name,
		"neighbours.expected": &p.Chart.Series[2].Name, "neighbours.band": &p.Chart.Band.Name,
		"neighbours.unit." + e.Unit: &p.Chart.Unit,
	} {
		if *to, err = p.T(key); err != nil {
			return err
		}
	}
	for i := range e.Weeks {
		w := &e.Weeks[i]
		var before, after *float64
		switch {
		case w.After:
			after = w.Count
		case !w.Cut:
			before = w.Count
		}
		p.Chart.Labels = append(p.Chart.Labels, p.Date(w.Monday))
		for j, v := range []*float64{before, after, w.Expected} {
			p.Chart.Series[j].Values = append(p.Chart.Series[j].Values, rounded(v))
		}
		p.Chart.Band.Low, p.Chart.Band.High = append(p.Chart.Band.Low, rounded(w.Low)), append(p.Chart.Band.High, rounded(w.High))
	}
	return nil
}

// rounded is a value to a tenth.
func rounded(v *float64) *float64 {
	if v == nil {
		return nil
	}
	tenths := math.Round(*v*10) / 10
	return &tenths
}

// neighbourHint words what is known of a line's neighbours where that matters on other pages: only what a search found already.
func (s *site) neighbourHint(r *http.Request, f frame, books *ledger.Snapshot, line string) (row *neighbourRow, err error) {
	list, _, err := s.displacements(r, books, false)
	d := found(list, line)
	if err != nil || d == nil {
		return nil, err
	}
	x, err := f.row(books, *d)
	return &x, err
}

// moved is of how many lines of some books the faxes went to neighbours, as far as a search found already.
func (s *site) moved(r *http.Request, books *ledger.Snapshot) (n int64, err error) {
	list, _, err := s.displacements(r, books, false)
	for i := range list {
		if list[i].Finding == indicators.Displaced {
			n++
		}
	}
	return n, err
}

// neighbours is the list of the API.
func (s *site) neighbours(w http.ResponseWriter, r *http.Request) {
	books, err := s.books(r).Snapshot(r.Context())
	var all []indicators.Displacement
	if err == nil {
		all, _, err = s.displacements(r, &books, true)
	}
	if err != nil {
		s.unreadable(w, err)
		return
	}
	list(w, all)
}
