package web

import (
	"net/http"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// maxClosed is how many alerts that are over the page shows.
const maxClosed = 50

// alertsPage is what a person should hear of, and what was.
type alertsPage struct {
	frame
	Closed []ledger.Episode // the last opened first
}

func (s *site) alertsPage(w http.ResponseWriter, r *http.Request) {
	f, _ := s.frame(r, "nav.alerts")
	p := alertsPage{frame: f}
	if !p.Fault {
		all, err := s.books(r).Episodes(r.Context(), ledger.EpisodeFilter{Newest: true, Limit: maxRows})
		if err != nil {
			s.Log.Error("read the books for the page", "error", err)
			p.Fault = true
		}
		for _, e := range all {
			if e.ClosedAt != 0 && len(p.Closed) < maxClosed {
				p.Closed = append(p.Closed, e)
			}
		}
	}
	s.Render(w, p.status(), "alerts.html", p)
}

// Evidence is what an alert rests on, in words.
func (p alertsPage) Evidence(e ledger.Episode) []string { return e.Texts(p.language()) }

// Reason is why an alert was closed: a person's words, or what ended it by itself.
func (p alertsPage) Reason(e ledger.Episode) (string, error) {
	if _, known := texts["reason."+e.Reason]; e.ClosedBy == "" && known {
		return p.T("reason." + e.Reason)
	}
	return e.Reason, nil
}
