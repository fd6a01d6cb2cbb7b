package web

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

const (
	topParties   = 10 // as the kit wants
	crossedFew   = 15 // services of the table of who faxes whom, the others together
	crossedMost  = 60
	fewPartners  = 25
	mostPartners = 300 // in a file
	heats        = 5   // shades of that table
	flowPageSpan = 12  // months that are shown unasked
	flowMostSpan = 36
	flowDayShare = 0.99 // of the lines' days, that is all of them
	fewLines     = 40   // of which correspondents are told together
)

// flowsPage is who faxes whom.
type flowsPage struct {
	frame
	Unit      wire.EventUnit
	Units     []pageLink
	First     ledger.Month
	Last      ledger.Month
	Period    string // in words
	Wanted    flowFilter
	Choices   []field
	Months    [2]field
	Any       bool // journals tell anything at all, ever
	Sums      indicators.Party
	Internal  int64
	Failed    int64
	Running   bool   // the last month shown isn't over
	Coverage  string // how much of the time journals tell of
	Partly    bool
	Told      bool // of any of it
	Spans     []coverRow
	Senders   []partyRow
	Receivers []partyRow
	Partners  []partner
	Narrow    bool // partners are those of all, whatever is chosen
	Crossed   crossed
	Trend     chart
	CSV, XLSX string // links

	flows   []indicators.Flow  // of each month, that touch what is wanted
	parties []indicators.Party // of all months
}

// flowFilter is of whom flows are shown; nothing: of all.
type flowFilter struct{ Establishment, Pole, Service string }

// Any tells whether anything is chosen.
func (f flowFilter) Any() bool { return f != flowFilter{} }

// has tells whether something that belongs there is wanted.
func (f flowFilter) has(s indicators.Scope) bool {
	return (f.Establishment == "" || f.Establishment == s.Establishment) && (f.Pole == "" || f.Pole == s.Pole) &&
		(f.Service == "" || f.Service == s.Service || f.Service == nobody && s.Service == "")
}

func (f flowFilter) end(e indicators.End) bool { return e.Kind == indicators.Inside && f.has(e.Scope) }

// touches tells whether a flow begins or ends at what is wanted.
func (f flowFilter) touches(x *indicators.Flow) bool { return f.end(x.Source) || f.end(x.Destination) }

// coverRow is what a journal tells of.
type coverRow struct {
	Journal  string
	From, To ledger.Day
	Lines    int64
}

// partyRow is a service among those that fax most.
type partyRow struct {
	Name, Within, Link string
	All, Inner, Outer  int64
}

func (s *site) flowsPage(w http.ResponseWriter, r *http.Request) {
	p, err := s.flowsOf(r)
	if err != nil {
		s.Log.Error("tell the flows", "error", err)
		p.Fault = true
	}
	s.Render(w, p.status(), "flows.html", p)
}

// flowsOf reads what the page and its files show.
func (s *site) flowsOf(r *http.Request) (p flowsPage, err error) {
	f, books := s.frame(r, "title.flows", "unit", "from", "to", "establishment", "pole", "service", "all")
	p.frame = f
	if p.Fault {
		return p, nil
	}
	q := r.URL.Query()
	p.period(q, s.presentMonth(books))
	p.Running = p.Last == s.presentMonth(books)
	p.Wanted = flowFilter{q.Get("establishment"), q.Get("pole"), q.Get("service")}
	var all []indicators.Flow
	var coverage []ledger.JournalSpan
	group, ctx := errgroup.WithContext(r.Context())
	group.Go(func() (err error) {
		all, err = s.traffic(r.WithContext(ctx), p.First, p.Last, s.presentMonth(books))
		return err
	})
	group.Go(func() (err error) { coverage, err = s.books(r).Coverage(ctx); return err })
	if err := group.Wait(); err != nil {
		return p, err
	}
	p.Any = len(coverage) > 0 || len(all) > 0
	p.unit(q, coverage)
	p.flows = slices.DeleteFunc(all, func(x indicators.Flow) bool { return x.Unit != p.Unit || p.Wanted.Any() && !p.Wanted.touches(&x) })
	if p.Partners, err = s.partners(r.Context(), s.books(r), &p, books.Lines, fewPartners); err != nil {
		return p, err
	}
	live := indicators.Books{At: books.At, Register: &books.Register, Lines: books.Lines, Journals: ledger.Journals{Coverage: coverage}}
	return p, p.fill(live, q)
}

// traffic is what services faxed each other in each of some months, in a list of the caller's own.
func (s *site) traffic(r *http.Request, from, to, present ledger.Month) ([]indicators.Flow, error) {
	if recent, is := s.books(r).(*Recent); is && !asksNow(r.Context()) {
		return recent.Traffic(r.Context(), from, to, present)
	}
	return trafficIn(r.Context(), s.books(r), from, to)
}

// ofUnit are the flows of a unit: mostly all of them, and there are many.
func ofUnit(sums []ledger.FlowSum, unit wire.EventUnit) []ledger.FlowSum {
	if !slices.ContainsFunc(sums, func(x ledger.FlowSum) bool { return x.Unit != unit }) {
		return sums
	}
	return keep(sums, func(x *ledger.FlowSum) bool { return x.Unit == unit })
}

// partners are who isn't ours, those with the most first: of the lines that are where it is wanted, as they stand now.
// Where these are many, of all lines.
func (s *site) partners(ctx context.Context, books Books, p *flowsPage, lines []ledger.Line, most int) ([]partner, error) {
	all, err := s.correspondents(ctx, books, p, lines, most)
	if err != nil {
		return nil, err
	}
	return s.known(ctx, books, p.frame, all)
}

func (s *site) correspondents(ctx context.Context, books Books, p *flowsPage, lines []ledger.Line, most int) ([]ledger.Correspondent, error) {
	if p.Wanted.Any() {
		var wanted []string
		for i := range lines {
			if p.Wanted.has(p.scopeOf(&lines[i])) {
				wanted = append(wanted, lines[i].ID)
			}
		}
		if len(wanted) <= fewLines {
			return correspondentsOf(ctx, books, wanted, p.First, p.Last, p.Unit, most)
		}
		p.Narrow = true
	}
	return books.Correspondents(ctx, p.First, p.Last, p.Unit, "", most)
}

// period are the months that are asked for, a year until now if none are.
func (p *flowsPage) period(q url.Values, present ledger.Month) {
	p.Last = present
	if to, err := register.ReadMonth(q.Get("to")); err == nil && to != 0 {
		p.Last = min(to, present)
	}
	p.First = p.Last.Add(1 - flowPageSpan)
	if from, err := register.ReadMonth(q.Get("from")); err == nil && from != 0 {
		p.First = max(min(from, p.Last), p.Last.Add(1-flowMostSpan))
	}
}

// unit is what is counted: messages, unless calls are asked for or there is nothing else.
func (p *flowsPage) unit(q url.Values, coverage []ledger.JournalSpan) {
	has := map[wire.EventUnit]bool{}
	for i := range coverage {
		has[coverage[i].Unit] = true
	}
	p.Unit = wire.Message
	if q.Get("unit") == string(wire.Call) || q.Get("unit") == "" && has[wire.Call] && !has[wire.Message] {
		p.Unit = wire.Call
	}
}

// same is a link to this page with something else chosen.
func (p *flowsPage) same(path string, pairs ...string) string {
	values := map[string]string{
		"unit": string(p.Unit), "from": p.First.String(), "to": p.Last.String(),
		"establishment": p.Wanted.Establishment, "pole": p.Wanted.Pole, "service": p.Wanted.Service,
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	var list []string
	for _, key := range []string{"unit", "from", "to", "establishment", "pole", "service", "all"} {
		list = append(list, key, values[key])
	}
	return p.link(path, list...)
}

// fill words what the page shows.
func (p *flowsPage) fill(b indicators.Books, q url.Values) (err error) {
	first, err := p.monthName(p.First)
	if err != nil {
		return err
	}
	last, err := p.monthName(p.Last)
	if err != nil {
		return err
	}
	if p.Period, err = p.T("flows.period", first, last); err != nil {
		return err
	}
	p.CSV, p.XLSX = p.same("/flows.csv"), p.same("/flows.xlsx")
	for _, unit := range []wire.EventUnit{wire.Message, wire.Call} {
		link := pageLink{Path: p.same("/flows", "unit", string(unit))}
		if link.Name, err = p.T("flows.tab." + string(unit)); err != nil {
			return err
		}
		if unit == p.Unit {
			link.Current = "true"
		}
		p.Units = append(p.Units, link)
	}
	if err := p.choices(); err != nil {
		return err
	}
	p.spans(b.Journals.Coverage)
	if err := p.covered(b); err != nil {
		return err
	}
	p.parties = indicators.Parties(p.flows)
	p.sum()
	p.rank()
	p.Crossed = p.cross(map[bool]int{true: crossedMost, false: crossedFew}[q.Get("all") == "1"])
	return p.trend(b)
}

// choices are the fields by which flows are chosen.
func (p *flowsPage) choices() (err error) {
	establishments, poles, services := field{Name: "establishment", Type: "select"}, field{Name: "pole", Type: "select"}, field{Name: "service", Type: "select"}
	for id, x := range p.register.Establishments {
		establishments.Options = append(establishments.Options, option{id, cmp.Or(x.Name, id), id == p.Wanted.Establishment})
	}
	for id, x := range p.register.Poles {
		if p.Wanted.Establishment == "" || p.Wanted.Establishment == x.Establishment {
			poles.Options = append(poles.Options, option{id, cmp.Or(x.Name, id), id == p.Wanted.Pole})
		}
	}
	for id, x := range p.register.Services {
		if p.Wanted.has(indicators.Scope{Establishment: x.Establishment, Pole: x.Pole, Service: cmp.Or(p.Wanted.Service, id)}) {
			services.Options = append(services.Options, option{id, cmp.Or(x.Name, id), id == p.Wanted.Service})
		}
	}
	all, err := p.T("all")
	if err != nil {
		return err
	}
	unassigned, err := p.T("unassigned")
	if err != nil {
		return err
	}
	if err := p.name(map[string]*string{"establishment": &establishments.Label, "pole": &poles.Label, "column.department": &services.Label}); err != nil {
		return err
	}
	for _, f := range []*field{&establishments, &poles, &services} {
		slices.SortFunc(f.Options, func(a, b option) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
		f.Options = append([]option{{Name: all}}, f.Options...)
		if f.Name == "service" {
			f.Options = append(f.Options, option{nobody, unassigned, p.Wanted.Service == nobody})
		}
		p.Choices = append(p.Choices, *f)
	}
	p.Months = [2]field{{Name: "from", Type: "month", Value: p.First.String()}, {Name: "to", Type: "month", Value: p.Last.String()}}
	return p.name(map[string]*string{"flows.from": &p.Months[0].Label, "flows.to": &p.Months[1].Label})
}

// spans are the journals of the unit.
func (p *flowsPage) spans(coverage []ledger.JournalSpan) {
	for i := range coverage {
		if c := &coverage[i]; c.Unit == p.Unit {
			p.Spans = append(p.Spans, coverRow{c.Journal, c.From, c.To, int64(len(c.Lines))})
		}
	}
}

// covered says how much of the time journals tell of.
func (p *flowsPage) covered(b indicators.Books) (err error) {
	days, of, lines := indicators.Told(b, p.Unit, p.First, p.Last, p.wantedPlace)
	all := 0
	for i := range b.Lines {
		l := &b.Lines[i]
		if p.Wanted.has(p.scopeOf(l)) {
			all++
		}
	}
	p.Told, p.Partly = days > 0, days < flowDayShare*of
	share := int64(0)
	if of > 0 {
		share = int64(math.Floor(100*days/of + 1e-9))
	}
	p.Coverage, err = p.T("flows.covered"+p.form(float64(lines)), lines, all, share)
	return err
}

func (p *flowsPage) wantedPlace(place ledger.Place) bool {
	return p.Wanted.has(indicators.Scope{Establishment: place.Establishment, Pole: place.Pole, Service: place.Service})
}

// sum adds up what touches what is wanted.
func (p *flowsPage) sum() {
	for i := range p.flows {
		f := &p.flows[i]
		p.Failed += f.Failed
		switch {
		case f.Internal():
			p.Internal += f.Count
		case f.Source.Ours():
			p.Sums.Sent += f.Count
		default:
			p.Sums.Received += f.Count
		}
	}
}

// rank are the top senders and receivers: of what is wanted, or, where that is one service, those that it faxes with.
func (p *flowsPage) rank() {
	parties := slices.DeleteFunc(slices.Clone(p.parties), func(x indicators.Party) bool {
		if p.Wanted.Service != "" {
			return false
		}
		return p.Wanted.Any() && !p.Wanted.end(x.End)
	})
	for _, x := range indicators.Top(parties, topParties, (*indicators.Party).Out) {
		p.Senders = append(p.Senders, p.party(&x, x.InternalSent, x.Sent))
	}
	for _, x := range indicators.Top(parties, topParties, (*indicators.Party).In) {
		p.Receivers = append(p.Receivers, p.party(&x, x.InternalReceived, x.Received))
	}
}

func (p *flowsPage) party(x *indicators.Party, inner, outer int64) partyRow {
	return partyRow{
		Name: x.Name, Within: p.within(x.Scope), Link: p.same("/flows", "establishment", x.Establishment, "pole", x.Pole, "service", cmp.Or(x.Service, nobody)),
		All: inner + outer, Inner: inner, Outer: outer,
	}
}

// within is where a service belongs, in words.
func (f frame) within(s indicators.Scope) string {
	return joined(" · ", cmp.Or(f.register.Poles[s.Pole].Name, s.Pole), cmp.Or(f.register.Establishments[s.Establishment].Name, s.Establishment))
}

// trend draws the months. One of which no journal tells is unknown.
func (p *flowsPage) trend(b indicators.Books) error {
	p.Trend = chart{speech: p.speech, ID: "trend", Series: []series{{Kind: lineSeries}, {Kind: lineSeries}, {Kind: lineSeries}}}
	counts := make(map[ledger.Month]*[3]int64)
	for i := range p.flows {
		f := &p.flows[i]
		if counts[f.From] == nil {
			counts[f.From] = new([3]int64)
		}
		switch {
		case f.Internal():
			counts[f.From][2] += f.Count
		case f.Source.Ours():
			counts[f.From][1] += f.Count
		default:
			counts[f.From][0] += f.Count
		}
	}
	for month := p.First; month <= p.Last; month = month.Add(1) {
		label, err := p.shortMonth(month)
		if err != nil {
			return err
		}
		p.Trend.Labels = append(p.Trend.Labels, label)
		n := counts[month]
		if n == nil { // nothing passed, or nobody looked
			if days, _, _ := indicators.Told(b, p.Unit, month, month, p.wantedPlace); days > 0 {
				n = new([3]int64)
			}
		}
		for i := range p.Trend.Series {
			if n == nil {
				p.Trend.Series[i].Values = append(p.Trend.Series[i].Values, nil)
			} else {
				p.Trend.Series[i].Values = append(p.Trend.Series[i].Values, known(n[i]))
			}
		}
	}
	note := map[bool]string{false: "flows.trend.note", true: "flows.trend.running"}[p.Running]
	return p.name(map[string]*string{
		"flows.trend": &p.Trend.Title, "flows.unit." + string(p.Unit): &p.Trend.Unit, note: &p.Trend.Note, "flows.month": &p.Trend.Across,
		"flows.received": &p.Trend.Series[0].Name, "flows.sent": &p.Trend.Series[1].Name, "flows.internal": &p.Trend.Series[2].Name,
	})
}

// All is everything that was faxed, each fax once.
func (p flowsPage) All() int64 { return p.Sums.Sent + p.Sums.Received + p.Internal }

// Of is a key of texts that begins so, of the unit.
func (p flowsPage) Of(begin string) string { return begin + string(p.Unit) }

// Chosen is what is wanted, in words.
func (p flowsPage) Chosen() (string, error) {
	w := p.Wanted
	switch {
	case w.Service == nobody:
		return p.T("unassigned")
	case w.Service != "":
		return p.ServiceName(w.Service), nil
	}
	return p.within(indicators.Scope{Establishment: w.Establishment, Pole: w.Pole}), nil
}

// ranking is a table of services.
type ranking struct {
	flowsPage
	Rows  []partyRow
	Outer string // key of its last column
}

// Ranked is one of the page's tables.
func (p flowsPage) Ranked(rows []partyRow, outer string) ranking { return ranking{p, rows, outer} }

// namedEnd is an end in the reader's words.
type namedEnd struct {
	speech
	crossedEnd
}

// Named is an end of the table of who faxes whom.
func (p flowsPage) Named(e crossedEnd) namedEnd { return namedEnd{p.speech, e} }

// Wide is the same page with all services in its table of who faxes whom.
func (p flowsPage) Wide() string { return p.same("/flows", "all", "1") + "#crossed" }

// Without is the page of all.
func (p flowsPage) Without() string {
	return p.same("/flows", "establishment", "", "pole", "", "service", "")
}

// apiFlow is a flow for programs.
type apiFlow struct {
	From        string         `json:"from"` // month
	To          string         `json:"to"`
	Unit        wire.EventUnit `json:"unit"`
	Source      indicators.End `json:"source"`
	Destination indicators.End `json:"destination"`
	Internal    bool           `json:"internal"`
	Count       int64          `json:"count"`
	Failed      int64          `json:"failed"`
	Pages       *int64         `json:"pages"` // nil: none of them says so
}

func (s *site) flows(w http.ResponseWriter, r *http.Request) {
	q := asked(r)
	level := indicators.Level(cmp.Or(q.oneOf("by", words(indicators.Levels())), string(indicators.Service)))
	unit := q.oneOf("unit", []string{string(wire.Message), string(wire.Call)})
	each := q.oneOf("per", []string{"month"}) != ""
	from, to := q.months()
	if q.fault != "" {
		page.Problem(w, http.StatusBadRequest, q.fault)
		return
	}
	books, err := s.books(r).Snapshot(r.Context())
	if err != nil {
		s.unreadable(w, err)
		return
	}
	sums, err := s.books(r).Flows(r.Context(), from, to)
	if err != nil {
		s.unreadable(w, err)
		return
	}
	if unit != "" {
		sums = ofUnit(sums, wire.EventUnit(unit))
	}
	data := []apiFlow{}
	for _, f := range indicators.Traffic(&books.Register, books.Lines, sums, level, each) {
		x := apiFlow{monthText(f.From), monthText(f.To), f.Unit, f.Source, f.Destination, f.Internal(), f.Count, f.Failed, nil}
		if f.Paged > 0 {
			x.Pages = &f.Pages
		}
		if !each {
			x.From, x.To = monthText(from), monthText(to)
		}
		data = append(data, x)
	}
	list(w, data)
}
