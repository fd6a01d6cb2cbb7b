package web

import (
	"net/url"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// concern is something that needs a look today, and where one acts on it.
type concern struct {
	Count int64
	Text  string
	Link  string // empty: there is no page for it
	Bad   bool   // it can't wait
}

// cause is how much there is of something that needs a look: the text of its key says what, path and place where one
// acts on it.
type cause struct {
	count int64
	key   string
	path  string
	query url.Values
	place string // in the page
	bad   bool
}

// waiting is what needs a look and isn't in a snapshot.
type waiting struct{ anomalies, unclosed int64 }

// concerns fills in what needs a look, what can't wait first.
func (p *dashboardPage) concerns(books *ledger.Snapshot, other waiting, t trend) error {
	causes := p.causes(books, t)
	if p.Part.whole() { // agents, machines and closings are of all
		causes = append(causes,
			cause{count: down(books.Agents), key: "concern.agents", path: "/machines", place: "agents", bad: true},
			cause{count: other.anomalies, key: "concern.anomalies", path: "/machines", place: "watch"},
			cause{count: other.unclosed, key: "concern.closings", path: "/targets/months"})
	}
	for _, c := range causes {
		if c.count == 0 {
			continue
		}
		form := ".other"
		if c.count == 1 {
			form = ".one"
		}
		text, err := p.T(c.key + form) // the number stands apart
		if err != nil {
			return err
		}
		p.Concerns = append(p.Concerns, concern{c.count, text, p.leadTo(c.path, c.query, c.place), c.bad})
	}
	return nil
}

// causes are those of the part's own.
func (p *dashboardPage) causes(books *ledger.Snapshot, t trend) []cause {
	alerts := p.alertsOf(books)
	states := make(map[ledger.LineState]int64)
	var reviews, targets int64
	for i := range books.Lines {
		l := &books.Lines[i]
		states[l.State]++
		if slices.ContainsFunc(l.Why, func(f ledger.Fact) bool { return f.Code == ledger.FactReviewPassed }) {
			reviews++
		}
	}
	last := t.Figures[len(t.Figures)-2]
	for i := range last {
		if missed(&last[i]) {
			targets++
		}
	}
	in := func(state ledger.LineState) url.Values { return url.Values{"state": {string(state)}} }
	return []cause{
		{count: alerts[ledger.AfterCutoff] + alerts[ledger.AfterCopper], key: "concern.after", path: "/alerts", bad: true},
		{count: alerts[ledger.LineReappeared], key: "concern.reappeared", path: "/alerts", bad: true},
		{count: states[ledger.Overdue], key: "concern.overdue", path: "/lines", query: in(ledger.Overdue), bad: true},
		{count: states[ledger.Blind], key: "concern.blind", path: "/lines", query: in(ledger.Blind)},
		{count: p.Moved, key: "concern.displaced", path: "/neighbours", query: url.Values{"finding": {string(indicators.Displaced)}}},
		{count: reviews, key: "concern.review", path: "/lines", query: in(ledger.Kept)},
		{count: p.lost(&books.Directory), key: "concern.lost", path: "/mssante", place: "directory"},
		{count: targets, key: "concern.targets", path: "/targets"},
	}
}

// lost is how many mailboxes of the part the national directory doesn't name any more.
func (p *dashboardPage) lost(d *ledger.Directory) (n int64) {
	for i := range d.Lost {
		if x := &d.Lost[i]; p.Part.has(x.Establishment, p.register.Services[x.Service].Pole) {
			n++
		}
	}
	return n
}

// down is how many agents were heard once, and aren't now.
func down(agents []ledger.Agent) (n int64) {
	for i := range agents {
		if agents[i].Heard() && !agents[i].Up {
			n++
		}
	}
	return n
}

// unclosed is how many complete months wait for their closing: those since the last one closed, else the last
// month alone, and those that were reopened since.
func unclosed(closings []ledger.Closing, first, last ledger.Month) (n int64) {
	if first == 0 || first > last {
		return 0
	}
	newest := ledger.Month(0)
	waits := make(map[ledger.Month]bool) // by month that ever was closed
	for i := range closings {
		c := &closings[i]
		if _, later := waits[c.Month]; !later {
			waits[c.Month] = !c.Holds()
		}
		if c.Holds() {
			newest = max(newest, c.Month)
		}
	}
	if newest == 0 {
		newest = last.Add(-1)
	}
	for month := newest.Add(1); month <= last; month = month.Add(1) {
		waits[month] = true
	}
	for month, is := range waits {
		if is && month <= last {
			n++
		}
	}
	return n
}

// leadTo is where a page is, in the reader's language; it is empty where the menu has no such page.
func (f frame) leadTo(path string, query url.Values, place string) string {
	for _, x := range menu() {
		if x.Path != path && !strings.HasPrefix(path, x.Path+"/") || x.Path == "/" || !f.reader.May(x.For) {
			continue
		}
		q := url.Values{"lang": {f.language()}}
		for key, values := range query {
			q[key] = values
		}
		to := url.URL{Path: path, RawQuery: q.Encode(), Fragment: place}
		return to.String()
	}
	return ""
}

// alertsOf counts the open alerts of the part, by kind.
func (p *dashboardPage) alertsOf(books *ledger.Snapshot) map[ledger.EpisodeKind]int64 {
	own := make(map[string]bool, len(books.Lines))
	for i := range books.Lines {
		own[books.Lines[i].ID] = true
	}
	counts := make(map[ledger.EpisodeKind]int64)
	for _, e := range p.Alerts {
		service := p.register.Services[e.Service]
		if p.Part.whole() || own[e.Line] || e.Service != "" && p.Part.has(service.Establishment, service.Pole) {
			counts[e.Kind]++
		}
	}
	return counts
}
