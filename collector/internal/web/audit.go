package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Auditor is the part of the ledger that tells what people did.
type Auditor interface {
	AuditOf(ctx context.Context, f ledger.AuditFilter) ([]ledger.Entry, error)
}

const deedsShown = 100 // of a page

// auditPage is what people did, the newest first.
type auditPage struct {
	frame
	Rows         []deed
	Who, Subject field
	Older        string // URL of the page before; empty: there is none
	Newest       string // URL of the first page; empty: this is it
}

// deed is a line of the audit log in words.
type deed struct {
	ledger.Entry
	What  string // kind of thing; empty: no word for it
	Key   string // which one
	Label string // of the field
}

func (s *site) auditPage(w http.ResponseWriter, r *http.Request) {
	var p auditPage
	s.around(&p.frame, r, wire.TimeOf(time.Now()), "title.audit", "who", "subject")
	q := r.URL.Query()
	f := ledger.AuditFilter{Who: strings.TrimSpace(q.Get("who")), Subject: strings.TrimSpace(q.Get("subject")), Limit: deedsShown + 1}
	f.Before, _ = strconv.ParseInt(q.Get("before"), 10, 64)
	p.Who, p.Subject = p.input("who", "column.who", ""), p.input("subject", "column.about", "")
	p.Who.Value, p.Who.Required, p.Subject.Value, p.Subject.Required = f.Who, false, f.Subject, false
	entries, err := s.Audit.AuditOf(r.Context(), f)
	if err != nil {
		s.Log.Error("read the audit log", "error", err)
		p.Fault = true
	}
	kept := url.Values{"lang": {p.language()}, "who": {f.Who}, "subject": {f.Subject}}
	if f.Before != 0 {
		p.Newest = "/audit?" + kept.Encode()
	}
	if len(entries) > deedsShown {
		entries = entries[:deedsShown]
		kept.Set("before", strconv.FormatInt(entries[deedsShown-1].ID, 10))
		p.Older = "/audit?" + kept.Encode()
	}
	for _, e := range entries {
		p.Rows = append(p.Rows, p.row(e))
	}
	s.Render(w, p.status(), "audit.html", p)
}

// row words an entry. A table or field without words of its own stands as it is.
func (p *auditPage) row(e ledger.Entry) deed {
	table, key, _ := strings.Cut(e.Subject, " ")
	row := deed{Entry: e, Key: key, Label: e.Field}
	if text, err := p.T("audit." + table); err == nil {
		row.What = text
	} else {
		row.Key = e.Subject
	}
	if text, err := p.T("audit.field." + e.Field); err == nil {
		row.Label = text
	}
	if i := strings.LastIndexByte(row.Key, ' '); i >= 0 { // a version's beginning, in milliseconds, or a month
		if from, err := strconv.ParseInt(row.Key[i+1:], 10, 64); err == nil {
			of := row.Key[i+1:]
			row.Key = row.Key[:i]
			switch {
			case from > 1e11:
				row.Key += ", " + p.Day(wire.Time(from))
			case len(of) == len("202610"):
				row.Key += ", " + ledger.Month(from).String()
			}
		}
	}
	return row
}
