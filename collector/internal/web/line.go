package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const (
	storyMonths = 24  // are shown of a line
	storyRows   = 100 // of what people changed, and of a machine's anomalies
)

// storyBooks is what a line's own page needs of the ledger.
type storyBooks interface {
	Story(ctx context.Context, line string, most int) (ledger.Story, error)
	AnomaliesOf(ctx context.Context, device string, limit int) ([]ledger.Anomaly, error)
	Mailboxes(ctx context.Context) ([]ledger.Mailbox, error)
}

func (s scope) Story(ctx context.Context, line string, most int) (ledger.Story, error) {
	view, err := s.view(ctx)
	if err != nil || !view.lines[line] {
		return ledger.Story{}, err
	}
	whole, err := s.all.Snapshot(ctx)
	if err != nil {
		return ledger.Story{}, err
	}
	story, err := s.all.Story(ctx, line, most)
	story.Months = keep(story.Months, s.sum)
	if len(view.Register.Lines[line]) < len(whole.Register.Lines[line]) { // it was others' once: so may the changes be
		story.Audit = nil
	}
	return story, err
}

func (s scope) AnomaliesOf(ctx context.Context, device string, limit int) ([]ledger.Anomaly, error) {
	view, err := s.view(ctx)
	if err != nil || !view.devices[device] {
		return nil, err
	}
	return s.all.AnomaliesOf(ctx, device, limit)
}

func (s scope) Mailboxes(ctx context.Context) ([]ledger.Mailbox, error) {
	all, err := s.all.Mailboxes(ctx)
	return s.mailboxes(all), err
}

// linePage is a line's whole story.
type linePage struct {
	frame
	ledger.Line
	Missing     bool // there is no such line
	Called      string
	ServiceName string
	ServiceLink string
	Belongs     string
	Machine     *ledger.Device // nil: unknown
	Why         []string
	After       []string
	Months      []lineMonth      // the newest first
	Journaled   []journaledMonth // those of which journals tell, the newest first
	Places      []linePlace      // the newest first
	Episodes    []ledger.Episode
	Anomalies   []ledger.Anomaly
	Windows     []ledger.TestWindow
	Audit       []auditRow
	Mailboxes   []ledger.Mailbox
	Revision    string // of what is declared of it
	Announced   []announcement
	Neighbours  *neighbourRow // what a cut did to them; nil: nothing to say
	Edit        string        // links
	Typed       url.Values    // into a form that was not taken
}

// lineMonth is what is known of a line in a month.
type lineMonth struct {
	Month     ledger.Month
	Name      string
	Volumes   volumes
	Watched   float64 // days
	Days      float64 // of the month that are over
	Straddles bool    // some of it may belong to the month before
}

// linePlace is where a line stood for a time.
type linePlace struct {
	ledger.Stretch
	From, To    string // days; To is empty where that lasts
	ServiceName string
	Belongs     string
	Watched     float64 // days
	Days        float64
}

// auditRow is a change that somebody made.
type auditRow struct {
	ledger.Entry
	Field, Before, After string // in words
}

func (s *site) linePage(w http.ResponseWriter, r *http.Request) {
	p, err := s.lineStory(r, r.PathValue("id"))
	if err != nil {
		s.Log.Error("tell a line's story", "error", err)
		p.Fault = true
	}
	status := p.status()
	if p.Missing {
		status = http.StatusNotFound
	}
	s.Render(w, status, "line.html", p)
}

func (s *site) lineStory(r *http.Request, id string) (p linePage, err error) {
	f, books := s.frame(r, "title.line")
	p.frame = f
	if p.Fault {
		return p, nil
	}
	line, known := lineOf(books, id)
	if p.Missing = !known; p.Missing {
		return p, nil
	}
	p.Line, p.Called = line, lineRow{Line: line}.Called()
	p.Edit = p.link("/lines/" + url.PathEscape(id) + "/edit")
	p.Title += " " + p.Called
	p.Revision = revision(books.Register.Lines[id])
	p.Announced = s.announcements(books.Devices, &line)
	if p.Neighbours, err = s.neighbourHint(r, f, &books, id); err != nil {
		return p, err
	}
	var story ledger.Story
	group, ctx := errgroup.WithContext(r.Context())
	group.Go(func() (err error) { story, err = s.books(r).Story(ctx, id, storyRows); return err })
	group.Go(func() (err error) {
		p.Episodes, err = s.books(r).Episodes(ctx, ledger.EpisodeFilter{Line: id, Newest: true, Limit: storyRows})
		return err
	})
	group.Go(func() (err error) { p.Anomalies, err = s.books(r).AnomaliesOf(ctx, line.Device, few); return err })
	group.Go(func() (err error) { p.Mailboxes, err = mailboxesOf(ctx, s.books(r), line.Service); return err })
	var flows []ledger.FlowSum
	var coverage []ledger.JournalSpan
	last := s.presentMonth(books)
	group.Go(func() (err error) {
		flows, err = s.books(r).FlowsOf(ctx, id, last.Add(1-storyMonths), last)
		return err
	})
	group.Go(func() (err error) { coverage, err = s.books(r).Coverage(ctx); return err })
	if err := group.Wait(); err != nil {
		return p, err
	}
	if err := p.journaled(flows, story.Months, coverage, last); err != nil {
		return p, err
	}
	return p, p.tell(books, story)
}

// mailboxesOf are the present MSSanté addresses of a service.
func mailboxesOf(ctx context.Context, books Books, service string) (list []ledger.Mailbox, err error) {
	if service == "" {
		return nil, nil
	}
	all, err := books.Mailboxes(ctx)
	for i, m := range all {
		newest := i+1 == len(all) || all[i+1].Address != m.Address
		if newest && m.Service == service {
			list = append(list, m)
		}
	}
	return list, err
}

// tell words what the books hold of the line.
func (p *linePage) tell(books ledger.Snapshot, story ledger.Story) (err error) {
	place := p.scopeOf(&p.Line)
	p.ServiceName = p.frame.ServiceName(p.Service)
	p.Belongs = p.belongs(ledger.Place{Establishment: place.Establishment, Site: p.Site, Pole: place.Pole})
	p.ServiceLink = p.link("/map", "service", cmp.Or(p.Service, nobody))
	p.Windows = story.Windows
	if i := slices.IndexFunc(books.Devices, func(d ledger.Device) bool { return d.ID == p.Device }); i >= 0 {
		p.Machine = &books.Devices[i]
	}
	if p.Why, err = p.Facts(p.Line); err != nil {
		return err
	}
	if p.After, err = p.after(p.AfterCutoff); err != nil {
		return err
	}
	p.places()
	if err := p.months(story.Months); err != nil {
		return err
	}
	return p.changes(story.Audit)
}

// belongs is where something stands, in words.
func (f frame) belongs(at ledger.Place) string {
	return joined(" · ", cmp.Or(f.register.Poles[at.Pole].Name, at.Pole), cmp.Or(f.register.Sites[at.Site].Name, at.Site),
		cmp.Or(f.register.Establishments[at.Establishment].Name, at.Establishment))
}

// places are where the line stood.
func (p *linePage) places() {
	for i := range p.History {
		h := p.History[i]
		until := min(h.To, p.Now)
		x := linePlace{Stretch: h, ServiceName: p.frame.ServiceName(h.Service), Belongs: p.belongs(h.Place)}
		if h.Span.From > 0 {
			x.From = p.Day(h.Span.From)
		}
		if h.Span.To < p.Now {
			x.To = p.Day(h.Span.To)
		}
		if span := (ledger.Span{From: max(h.Span.From, p.FirstSeen), To: until}); span.From > 0 { // else there was nothing to watch yet
			x.Watched, x.Days = inDays(ledger.Watched(h.Watched, span)), inDays(span.Length())
		}
		p.Places = append(p.Places, x)
	}
	slices.Reverse(p.Places)
}

func inDays(d time.Duration) float64 { return d.Hours() / 24 }

// months are the line's, as far as anything is known of them.
func (p *linePage) months(sums []ledger.MonthSum) error {
	last := ledger.MonthOf(p.Now, p.Zone)
	first := last
	if p.FirstSeen != 0 {
		first = ledger.MonthOf(p.FirstSeen, p.Zone)
	}
	for _, m := range sums {
		first = min(first, m.Month)
	}
	first = max(first, last.Add(1-storyMonths))
	for month := last; month >= first; month = month.Add(-1) {
		x := lineMonth{Month: month}
		var err error
		if x.Name, err = p.monthName(month); err != nil {
			return err
		}
		span := ledger.Span{From: month.In(p.Zone), To: min(p.Now, month.Add(1).In(p.Zone))}
		x.Days = inDays(span.Length())
		for i := range p.History {
			x.Watched += inDays(ledger.Watched(p.History[i].Watched, span))
		}
		x.Volumes.watch(&p.Line, month, month)
		for i := range sums {
			if m := &sums[i]; m.Month == month && !m.Evidence {
				x.Volumes.sum(m)
				x.Straddles = x.Straddles || m.Straddling > 0
			}
		}
		p.Months = append(p.Months, x)
	}
	return nil
}

// Trend draws the line's months, the oldest first.
func (p linePage) Trend() (trend chart, err error) {
	trend = chart{speech: p.speech, ID: "trend", Unit: "pages", Size: "low", Series: []series{{Kind: lineSeries}, {Kind: lineSeries}}}
	for key, to := range map[string]*string{
		"line.trend": &trend.Title, "line.month": &trend.Across, "column.sent": &trend.Series[0].Name, "column.received": &trend.Series[1].Name,
	} {
		if *to, err = p.T(key); err != nil {
			return trend, err
		}
	}
	for i := range slices.Backward(p.Months) {
		m := &p.Months[i]
		label, err := p.shortMonth(m.Month)
		if err != nil {
			return trend, err
		}
		trend.Labels = append(trend.Labels, label)
		trend.Series[0].Values = append(trend.Series[0].Values, knownIf(m.Volumes.Sent.Pages))
		trend.Series[1].Values = append(trend.Series[1].Values, knownIf(m.Volumes.Received.Pages))
	}
	return trend, nil
}

// Watching says how much of a time was watched.
func (p linePage) Watching(watched, days float64) (string, error) {
	part, err := p.days(watched)
	if err != nil {
		return "", err
	}
	whole, err := p.days(days)
	if err != nil {
		return "", err
	}
	return p.T("line.watching", part, whole)
}

// changes words what people changed. Of what a first version brought only the values are told.
func (p *linePage) changes(entries []ledger.Entry) (err error) {
	for _, e := range entries {
		x := auditRow{Entry: e, Before: p.changed(e.Field, e.Before), After: p.changed(e.Field, e.After)}
		if x.Field, err = p.fieldName(e.Field); err != nil {
			return err
		}
		p.Audit = append(p.Audit, x)
	}
	return nil
}

// fieldName is what a field of a line is called, as forms call it.
func (s speech) fieldName(field string) (string, error) {
	if _, known := texts["line."+field]; known {
		return s.T("line." + field)
	}
	return field, nil
}

// changed is a value of the audit log in words.
func (p *linePage) changed(field, value string) string {
	switch field {
	case "service":
		return p.frame.ServiceName(value)
	case "pole":
		return cmp.Or(p.register.Poles[value].Name, value)
	case "site":
		return cmp.Or(p.register.Sites[value].Name, value)
	case "establishment":
		return cmp.Or(p.register.Establishments[value].Name, value)
	case "cutoff", "cut_on", "kept_until":
		return p.Date(ledger.Day(value))
	case "window":
		return p.window(value)
	}
	return value
}

// window is a test window of the audit log: two instants and a reason.
func (p *linePage) window(value string) string {
	words := strings.SplitN(value, " ", 3)
	if len(words) < 2 {
		return value
	}
	for i := range words[:2] {
		if t, err := time.Parse(time.RFC3339, words[i]); err == nil {
			words[i] = p.At(wire.TimeOf(t))
		}
	}
	return joined(" ", words...)
}

// Evidence is what an alert rests on, in words.
func (p linePage) Evidence(e ledger.Episode) []string { return e.Texts(p.language()) }

// Reason is why an alert was closed.
func (p linePage) Reason(e ledger.Episode) (string, error) {
	return alertsPage{frame: p.frame}.Reason(e)
}

// CopperCloses says when copper closes under the line, where it hangs on copper.
func (p linePage) CopperCloses() (string, error) { return p.speech.Copper(*p.Line.Copper) }

// Path is where forms about the line are sent.
func (p linePage) Path(what string) string {
	return p.link("/lines/" + url.PathEscape(p.ID) + "/" + what)
}

// CloseAt is where a form that closes one of its alerts is sent.
func (p linePage) CloseAt(e ledger.Episode) string {
	return p.Path(fmt.Sprintf("alerts/%d/close", e.ID))
}

// Another is a form for the line that takes this one's place.
func (p linePage) Another() string { return p.link("/lines/new", "like", p.ID) }

// Declare is a form for a line that is only seen.
func (p linePage) Declare() string { return p.link("/lines/new", "device", p.Device, "port", p.Port) }
