package web

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// frame is what all pages have around and above what they show.
type frame struct {
	speech
	Title     string
	Here      string // path of the page
	Query     string
	Searching string // what can be searched for; empty: nothing
	Other     string // URL of this page in the other language
	Version   string
	Fault     bool   // the books can't be read
	Stopped   string // why nothing is booked now; empty: it is
	Done      string // what became of the form that led here; empty: nothing did
	Posted    bool   // the page answers a form that was not taken: nobody may fetch it anew
	Again     int    // seconds after which a browser without scripts fetches the page anew; 0: when its reader wants

	Faults    faults       // of that form
	Conflicts []difference // likewise, where somebody else was faster

	Alerts     []ledger.Episode // the open ones, the newest first, at most maxRows
	AlertCount int64
	register   ledger.Register
	reader     reader
	peopled    bool // people can sign in here
}

// pageLink is a page of the menu.
type pageLink struct {
	Path, Name string
	For        ledger.Role // who may see it, and those who may more
	Technical  bool        // it stands with its like, behind one word
	Current    string      // as aria-current says it: page, true for one below it, or empty
}

// menu are the pages that stand in it, in their order, with the keys of their names.
func menu() []pageLink {
	return []pageLink{
		{Path: "/", Name: "nav.dashboard", For: ledger.ReaderRole},
		{Path: "/map", Name: "nav.map", For: ledger.ReaderRole},
		{Path: "/lines", Name: "nav.lines", For: ledger.ReaderRole},
		{Path: "/flows", Name: "nav.flows", For: ledger.ReaderRole},
		{Path: "/services", Name: "nav.services", For: ledger.ReaderRole},
		{Path: "/neighbours", Name: "nav.neighbours", For: ledger.ReaderRole},
		{Path: "/mssante", Name: "nav.mssante", For: ledger.ReaderRole},
		{Path: "/targets", Name: "nav.targets", For: ledger.ReaderRole},
		{Path: "/waves", Name: "nav.waves", For: ledger.ReaderRole},
		{Path: "/support", Name: "nav.support", For: ledger.ReaderRole},
		{Path: "/send", Name: "nav.send", For: ledger.ReaderRole},
		{Path: "/committee", Name: "nav.committee", For: ledger.ReaderRole},
		{Path: "/alerts", Name: "nav.alerts", For: ledger.ReaderRole},
		{Path: "/machines", Name: "nav.machines", For: ledger.ReaderRole, Technical: true},
		{Path: "/journals", Name: "nav.journals", For: ledger.EditorRole, Technical: true},
		{Path: "/people", Name: "nav.people", For: ledger.AdminRole, Technical: true},
		{Path: "/audit", Name: "nav.audit", For: ledger.AdminRole, Technical: true},
	}
}

// Pages are those of the menu that are the reader's to see, but for the technical ones.
func (f frame) Pages() ([]pageLink, error) { return f.pages(false) }

// TechnicalPages are the technical ones.
func (f frame) TechnicalPages() ([]pageLink, error) { return f.pages(true) }

func (f frame) pages(technical bool) (links []pageLink, err error) {
	for _, x := range menu() {
		if x.Technical != technical || !f.reader.May(x.For) || x.For == ledger.AdminRole && !f.peopled {
			continue
		}
		if x.Name, err = f.T(x.Name); err != nil {
			return nil, err
		}
		switch {
		case x.Path == f.Here:
			x.Current = "page"
		case x.Path != "/" && strings.HasPrefix(f.Here, x.Path+"/"):
			x.Current = "true"
		}
		links = append(links, x)
	}
	return links, nil
}

// SignedIn is who asks, empty where nobody has to say so.
func (f frame) SignedIn() string { return f.reader.Name }

// MayEdit tells whether the reader may declare things, so that a page shows where.
func (f frame) MayEdit() bool { return f.reader.May(ledger.EditorRole) }

// MayAdmin tells whether the reader may say who else may what.
func (f frame) MayAdmin() bool { return f.reader.May(ledger.AdminRole) }

// Lists are those of the API.
func (f frame) Lists() []string {
	return []string{"lines", "services", "devices", "agents", "alerts", "anomalies", "neighbours"}
}

// FewAlerts are those that stand on top of a page.
func (f frame) FewAlerts() []ledger.Episode { return f.Alerts[:min(len(f.Alerts), few)] }

// About is what an alert is about, in short.
func (f frame) About(e ledger.Episode) string {
	called := e.Number
	for _, other := range []string{e.Line, e.Agent, e.Device} {
		if called == "" {
			called = other
		}
	}
	if name := f.register.Services[e.Service].Name; name != "" {
		return called + ", " + name
	}
	return called
}

// ServiceName is what a service is called, its id where it has no name.
func (f frame) ServiceName(id string) string { return cmp.Or(f.register.Services[id].Name, id) }

// frame reads what all pages need; where that fails the page says so, and nothing else.
func (s *site) frame(r *http.Request, title string, kept ...string) (f frame, books ledger.Snapshot) {
	books, err := s.books(r).Snapshot(r.Context())
	if err == nil {
		f.Alerts, err = s.books(r).Episodes(r.Context(), ledger.EpisodeFilter{Open: true, Newest: true})
	}
	if err != nil {
		s.Log.Error("read the books for the page", "error", err)
		books, f.Alerts, f.Fault = ledger.Snapshot{At: wire.TimeOf(time.Now())}, nil, true
	}
	f.AlertCount = int64(len(f.Alerts))
	f.Alerts = f.Alerts[:min(len(f.Alerts), maxRows)]
	f.register = books.Register
	s.around(&f, r, books.At, title, kept...)
	return f, books
}

// around fills in what a frame has that no books tell.
func (s *site) around(f *frame, r *http.Request, now wire.Time, title string, kept ...string) {
	var err error
	f.speech = s.speech(r, now)
	f.Here, f.Version, f.reader, f.peopled = r.URL.Path, s.Version, readerOf(r), s.Door != nil
	f.Posted, f.Done = r.Method == http.MethodPost, f.outcome(r.URL.Query().Get("done"))
	f.Query = strings.TrimSpace(r.URL.Query().Get("q"))
	f.Other = f.OtherLanguage(r.URL, kept...)
	if f.Title, err = f.T(title); err == nil {
		f.Stopped, err = f.stopped(s.Ready())
	}
	if err != nil {
		s.Log.Error("name the page", "error", err)
	}
}

// stopped says why nothing is booked.
func (f frame) stopped(why error) (string, error) {
	switch {
	case why == nil || f.Fault:
		return "", nil
	case errors.Is(why, ledger.ErrFull):
		return f.T("stopped.full")
	}
	return f.T("stopped")
}

func (f frame) status() int {
	switch {
	case f.Fault:
		return http.StatusInternalServerError
	case f.Conflicts != nil:
		return http.StatusConflict
	case f.Faults != nil:
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// outcome words what became of a form: the text done.KEY of ?done=KEY. What has none is somebody's own, and not said.
func (f frame) outcome(key string) string {
	text, err := f.T("done." + key)
	if err != nil {
		return ""
	}
	return text
}

// Long is n for Count.
func (f frame) Long(n int) int64 { return int64(n) }

// fitsAll tells whether all words of a query stand somewhere in what names a thing.
func fitsAll(query string, names ...string) bool {
	if query == "" {
		return true
	}
	text := strings.ToLower(strings.Join(names, " "))
	for word := range strings.FieldsSeq(strings.ToLower(query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// joined are the words that aren't empty.
func joined(separator string, words ...string) string {
	var said []string
	for _, w := range words {
		if w != "" {
			said = append(said, w)
		}
	}
	return strings.Join(said, separator)
}
