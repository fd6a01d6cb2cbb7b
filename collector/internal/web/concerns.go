package web

import (
	"net/url"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// concern is something that needs a look today, and where one acts on it.
type concern struct {
	Count int64
	Text  string
	Link  string // empty: there is no page for it
	Bad   bool   // it can't wait
}

// concerns fills in what needs a look, what can't wait first.
func (p *dashboardPage) concerns(books *ledger.Snapshot, anomalies, unclosed int64, t trend) error {
	alerts := p.alertsOf(books)
	states := make(map[ledger.LineState]int64)
	var reviews int64
	for i := range books.Lines {
		l := &books.Lines[i]
		states[l.State]++
		for _, why := range l.Why {
			if why.Code == ledger.FactReviewPassed {
				reviews++
			}
		}
	}
	var targets int64
	for i := range t.Figures[len(t.Figures)-2] {
		if f := &t.Figures[len(t.Figures)-2][i]; missed(f) {
			targets++
		}
	}
	list := []struct {
		count     int64
		key, path string
		query     url.Values
		bad       bool
	}{
		{alerts[ledger.AfterCutoff] + alerts[ledger.AfterCopper], "concern.after", "/alerts", nil, true},
		{alerts[ledger.LineReappeared], "concern.reappeared", "/alerts", nil, true},
		{states[ledger.Overdue], "concern.overdue", "/lines", url.Values{"state": {"overdue"}}, true},
		{states[ledger.Blind], "concern.blind", "/lines", url.Values{"state": {"blind"}}, false},
		{reviews, "concern.review", "/lines", url.Values{"state": {"kept"}}, false},
		{targets, "concern.targets", "/targets", nil, false},
	}
	for _, x := range list {
		if err := p.concern(x.count, x.key, x.path, x.query, "", x.bad); err != nil {
			return err
		}
	}
	if !p.Part.whole() {
		return nil // agents and anomalies of machines are nobody's in particular
	}
	var down int64
	for _, a := range books.Agents {
		if a.Heard() && !a.Up {
			down++
		}
	}
	if err := p.concern(down, "concern.agents", "/machines", nil, "agents", true); err != nil {
		return err
	}
	if err := p.concern(unclosed, "concern.closings", "/targets/months", nil, "", false); err != nil {
		return err
	}
	return p.concern(anomalies, "concern.anomalies", "/machines", nil, "watch", false)
}

// unclosed is how many complete months wait for their closing: those since the last one closed, else the last
// month alone.
func unclosed(closings []ledger.Closing, first, last ledger.Month) (n int64) {
	if first == 0 || first > last {
		return 0
	}
	newest := ledger.Month(0)
	for i := range closings {
		if closings[i].Holds() {
			newest = max(newest, closings[i].Month)
		}
	}
	if newest == 0 {
		newest = last.Add(-1)
	}
	for month := newest.Add(1); month <= last; month = month.Add(1) {
		n++
	}
	return n
}

// concern adds one, if there is any of it.
func (p *dashboardPage) concern(n int64, key, path string, query url.Values, place string, bad bool) error {
	if n == 0 {
		return nil
	}
	form := ".other"
	if n == 1 {
		form = ".one"
	}
	text, err := p.T(key + form) // the number stands apart
	if err != nil {
		return err
	}
	p.Concerns = append(p.Concerns, concern{n, text, p.leadTo(path, query, place), bad})
	return nil
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
