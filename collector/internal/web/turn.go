package web

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// pageRows is how many rows of a long table stand on one page.
const pageRows = 100

// turn leads through the pages of a long table.
type turn struct {
	Page, Pages   int
	Before, After string // links; empty where there is none
	From, To, Of  int    // rows, from 1
}

// turned are the rows of the page that a query asks for, of all.
func (s speech) turned(q url.Values, path string, rows int) (t turn, from, to int) {
	t.Pages, t.Of = max(1, (rows+pageRows-1)/pageRows), rows
	t.Page, _ = strconv.Atoi(q.Get("page"))
	t.Page = min(max(1, t.Page), t.Pages)
	link := func(page int) string {
		kept := url.Values{}
		for key, values := range q {
			if key != "done" && len(values) > 0 && values[0] != "" {
				kept.Set(key, values[0])
			}
		}
		kept.Set("lang", s.language())
		kept.Set("page", strconv.Itoa(page))
		return path + "?" + kept.Encode()
	}
	if t.Page > 1 {
		t.Before = link(t.Page - 1)
	}
	if t.Page < t.Pages {
		t.After = link(t.Page + 1)
	}
	from, to = min(rows, (t.Page-1)*pageRows), min(rows, t.Page*pageRows)
	t.From, t.To = from+1, to
	return t, from, to
}

// link is a page with a query, in the language of this one; pairs are names and values, empty values are left out.
func (s speech) link(path string, pairs ...string) string {
	q := url.Values{"lang": {s.language()}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return path + "?" + q.Encode()
}

// To is the same for templates.
func (s speech) To(path string, pairs ...string) string { return s.link(path, pairs...) }

// lineLink is a line's own page.
func (s speech) lineLink(id string) string { return s.link("/lines/" + url.PathEscape(id)) }

// LineLink is the same for templates.
func (s speech) LineLink(id string) string { return s.lineLink(id) }

// lineOf is a line of the books.
func lineOf(books ledger.Snapshot, id string) (ledger.Line, bool) {
	i := slices.IndexFunc(books.Lines, func(l ledger.Line) bool { return l.ID == id })
	if i < 0 {
		return ledger.Line{}, false
	}
	return books.Lines[i], true
}

// monthNames are the texts of the months' names, January first.
func monthNames() []string {
	return []string{"month.01", "month.02", "month.03", "month.04", "month.05", "month.06", "month.07", "month.08", "month.09", "month.10", "month.11", "month.12"}
}

// monthName says a month with its year.
func (s speech) monthName(m ledger.Month) (string, error) {
	name, err := s.T(monthNames()[int(m)%100-1])
	return name + " " + strconv.Itoa(int(m)/100), err
}
