package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// closingBooks is what pages need of the ledger to close months.
type closingBooks interface {
	FirstMonth(ctx context.Context) (ledger.Month, error)
	Closings(ctx context.Context) ([]ledger.Closing, error)
	ClosingAs(ctx context.Context, month ledger.Month, version int) (ledger.Closing, bool, error)
	CloseMonth(ctx context.Context, by ledger.Author, month ledger.Month, note string, freeze func(ledger.MonthBooks) []ledger.ClosedFigure) (ledger.Closing, error)
	ReopenMonth(ctx context.Context, by ledger.Author, month ledger.Month, version int, reason string) error
}

func (s scope) FirstMonth(ctx context.Context) (ledger.Month, error) { return s.all.FirstMonth(ctx) }

func (s scope) Closings(ctx context.Context) ([]ledger.Closing, error) { return s.all.Closings(ctx) }

// ClosingAs has the figures of the reader's establishments only; those of the whole are others', too.
func (s scope) ClosingAs(ctx context.Context, month ledger.Month, version int) (ledger.Closing, bool, error) {
	c, ok, err := s.all.ClosingAs(ctx, month, version)
	c.Figures = keep(c.Figures, func(f *ledger.ClosedFigure) bool {
		return f.Level != string(indicators.Whole) && s.who.Sees(f.Establishment)
	})
	return c, ok, err
}

// CloseMonth is for those who see all that is frozen.
func (s scope) CloseMonth(context.Context, ledger.Author, ledger.Month, string, func(ledger.MonthBooks) []ledger.ClosedFigure) (ledger.Closing, error) {
	return ledger.Closing{}, errNotYours
}

func (s scope) ReopenMonth(context.Context, ledger.Author, ledger.Month, int, string) error {
	return errNotYours
}

// monthsPage is which months are closed.
type monthsPage struct {
	frame
	Tabs   []pageLink
	Months []monthRow
}

// monthRow is a month that is over.
type monthRow struct {
	ID, Name, Link string
	Closing        *ledger.Closing // the newest; nil: none
	Earlier        int64           // how many closings there were before
}

func (s *site) monthsPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.months")
	p := monthsPage{frame: f}
	if !p.Fault {
		if err := s.fillMonths(r, &p, books); err != nil {
			s.Log.Error("make the list of months", "error", err)
			p.Fault = true
		}
	}
	s.Render(w, p.status(), "months.html", p)
}

func (s *site) fillMonths(r *http.Request, p *monthsPage, books ledger.Snapshot) (err error) {
	if p.Tabs, err = p.targetTabs(); err != nil {
		return err
	}
	first, err := s.books(r).FirstMonth(r.Context())
	if err != nil {
		return err
	}
	closings, err := s.books(r).Closings(r.Context())
	if err != nil || first == 0 {
		return err
	}
	for month := s.presentMonth(books).Add(-1); month >= first; month = month.Add(-1) {
		row := monthRow{ID: month.String(), Link: p.link("/targets/months/" + month.String())}
		if row.Name, err = p.monthName(month); err != nil {
			return err
		}
		for i := range closings {
			if c := &closings[i]; c.Month != month {
				continue
			} else if row.Closing == nil {
				row.Closing = c
			} else {
				row.Earlier++
			}
		}
		p.Months = append(p.Months, row)
	}
	return nil
}

// monthPage is one month: its figures as frozen and as they are now, or what closing it would freeze.
type monthPage struct {
	frame
	Tabs        []pageLink
	ID, Month   string
	Closing     *ledger.Closing  // the version that is shown; nil: the month is open
	Versions    []ledger.Closing // all, the newest first
	Incomplete  []reminder       // what is missing, of an open month
	Levels      []pageLink
	Level       indicators.Level
	Figures     []monthFigure // of the whole, or the reader's establishments
	Differences []monthFigure // of the level that is asked for
	More        int64         // differences that are not shown
	Unchanged   int64         // figures of that level
	Note        field
	Reason      field
	MayClose    bool
	MayReopen   bool
	Others      bool // the reader may close, but not see all that closing freezes
}

// monthFigure is a figure, frozen and live.
type monthFigure struct {
	Scope, Name, Unit string
	Frozen, Live      string // empty: unknown, or not there
	Was, Is           bool   // there
	Correction        string // empty: none, or not to be told
	Changes           []string
	Target, Whole     string
}

func (s *site) monthPage(w http.ResponseWriter, r *http.Request) { s.showMonth(w, r, nil) }

// showMonth shows a month, and what was wrong with a form on it.
func (s *site) showMonth(w http.ResponseWriter, r *http.Request, wrong faults) {
	month, named := monthOf(r)
	if !named {
		http.NotFound(w, r)
		return
	}
	f, books := s.frame(r, "title.months", "by", "version")
	p := monthPage{frame: f, ID: month.String()}
	p.Faults, p.Here = wrong, "/targets/months/"+month.String()
	if !p.Fault {
		err := s.fillMonth(r, &p, books, month)
		if errors.Is(err, errNoMonth) {
			http.NotFound(w, r)
			return
		}
		if err != nil {
			s.Log.Error("make the page of the month", "month", month, "error", err)
			p.Fault = true
		}
	}
	s.Render(w, p.status(), "month.html", p)
}

var errNoMonth = errors.New("there is no such month, or no such closing of it")

func (s *site) fillMonth(r *http.Request, p *monthPage, books ledger.Snapshot, month ledger.Month) (err error) {
	if p.Tabs, err = p.targetTabs(); err != nil {
		return err
	}
	if month >= s.presentMonth(books) {
		return errNoMonth
	}
	if p.Month, err = p.monthName(month); err != nil {
		return err
	}
	if p.Title, err = p.T("month.title", p.Month); err != nil {
		return err
	}
	if err := p.forms(r); err != nil {
		return err
	}
	if err := s.chooseClosing(r, p, month); err != nil {
		return err
	}
	live, err := s.liveMonth(r, books, month)
	if err != nil {
		return err
	}
	if p.Closing == nil {
		if err := p.incomplete(books, live.MSSante, month); err != nil {
			return err
		}
	}
	return p.figures(r, live, month)
}

// chooseClosing finds the closing that is shown: the version that is asked for, else the one that holds.
func (s *site) chooseClosing(r *http.Request, p *monthPage, month ledger.Month) error {
	all, err := s.books(r).Closings(r.Context())
	if err != nil {
		return err
	}
	p.Versions = keep(all, func(c *ledger.Closing) bool { return c.Month == month })
	version, _ := strconv.Atoi(r.URL.Query().Get("version"))
	c, ok, err := s.books(r).ClosingAs(r.Context(), month, version)
	switch {
	case err != nil:
		return err
	case ok:
		p.Closing = &c
	case version != 0:
		return errNoMonth
	}
	holds := len(p.Versions) > 0 && p.Versions[0].Holds()
	whole := len(p.reader.Establishments) == 0
	p.MayClose = !holds && whole && p.MayEdit()
	p.Others = !holds && !whole && p.MayEdit()
	p.MayReopen = holds && whole && p.MayAdmin() && (p.Closing == nil || p.Closing.Version == p.Versions[0].Version)
	return nil
}

// forms are the fields of closing and reopening, with what was typed into them.
func (p *monthPage) forms(r *http.Request) (err error) {
	p.Note = field{Name: "note", Type: "textarea", Value: r.PostFormValue("note")}
	p.Reason = field{Name: "reason", Type: "textarea", Value: r.PostFormValue("reason"), Required: true, Fault: p.Faults["reason"]}
	for key, to := range map[string]*string{
		"month.note": &p.Note.Label, "month.note.hint": &p.Note.Hint, "month.reason": &p.Reason.Label, "month.reason.hint": &p.Reason.Hint,
	} {
		if *to, err = p.T(key); err != nil {
			return err
		}
	}
	return nil
}

// liveMonth are the books of a month as they are now.
func (s *site) liveMonth(r *http.Request, books ledger.Snapshot, month ledger.Month) (b indicators.Books, err error) {
	b = indicators.Books{At: books.At, Register: &books.Register, Lines: books.Lines}
	if b.Months, err = s.books(r).Months(r.Context(), month, month); err != nil {
		return b, err
	}
	if b.MSSante, err = s.books(r).MSSante(r.Context(), month, month); err != nil {
		return b, err
	}
	b.Journals, err = s.books(r).Journals(r.Context(), month, month)
	return b, err
}

// incomplete says what is missing in an open month.
func (p *monthPage) incomplete(books ledger.Snapshot, mssante ledger.MSSante, month ledger.Month) error {
	calendar := collectionPage{frame: p.frame}
	for _, c := range indicators.Collect(indicators.Books{At: books.At, Register: &books.Register, Lines: books.Lines, MSSante: mssante}, month, month) {
		if err := calendar.collected(&c, month); err != nil {
			return err
		}
	}
	p.Incomplete = calendar.Reminders
	return nil
}

// figures fills in the figures of the widest level that the reader sees, and of the one asked for what is another thing now.
func (p *monthPage) figures(r *http.Request, live indicators.Books, month ledger.Month) (err error) {
	widest := indicators.Whole
	if len(p.reader.Establishments) > 0 {
		widest = indicators.Structure
	}
	now := indicators.Compute(live, month, month, widest)
	if p.Closing == nil {
		for i := range now {
			x, err := p.monthFigure(&indicators.Difference{Now: &now[i]})
			if err != nil {
				return err
			}
			p.Figures = append(p.Figures, x)
		}
		return nil
	}
	then := indicators.Thaw(p.Closing, widest)
	changed := indicators.Compare(then, now)
	for i := range then {
		d := indicators.Difference{Then: &then[i], Now: sameFigure(now, &then[i])}
		for _, x := range changed {
			if x.Then == &then[i] {
				d = x
			}
		}
		x, err := p.monthFigure(&d)
		if err != nil {
			return err
		}
		p.Figures = append(p.Figures, x)
	}
	return p.differences(r, live, month)
}

// sameFigure is the figure of the same scope, indicator and kind.
func sameFigure(all []indicators.Figure, f *indicators.Figure) *indicators.Figure {
	i := slices.IndexFunc(all, func(x indicators.Figure) bool {
		return x.Scope.Establishment == f.Scope.Establishment && x.Scope.Pole == f.Scope.Pole && x.Scope.Service == f.Scope.Service &&
			x.Indicator == f.Indicator && x.Of == f.Of
	})
	if i < 0 {
		return nil
	}
	return &all[i]
}

// differences fills in what is another thing now, of the level that is asked for.
func (p *monthPage) differences(r *http.Request, live indicators.Books, month ledger.Month) error {
	levels := []indicators.Level{indicators.Structure, indicators.Pole, indicators.Service}
	p.Level = indicators.Structure
	if by := indicators.Level(r.URL.Query().Get("by")); slices.Contains(levels, by) {
		p.Level = by
	}
	for _, level := range levels {
		tab := pageLink{Path: p.link(p.Here, "by", string(level), "version", r.URL.Query().Get("version")) + "#differences"}
		if level == p.Level {
			tab.Current = "true"
		}
		var err error
		if tab.Name, err = p.T("level." + string(level)); err != nil {
			return err
		}
		p.Levels = append(p.Levels, tab)
	}
	then := indicators.Thaw(p.Closing, p.Level)
	all := indicators.Compare(then, indicators.Compute(live, month, month, p.Level))
	p.Unchanged = int64(len(then))
	for i := range all {
		if all[i].Then != nil {
			p.Unchanged--
		}
		if len(p.Differences) == pageRows {
			p.More++
			continue
		}
		x, err := p.monthFigure(&all[i])
		if err != nil {
			return err
		}
		p.Differences = append(p.Differences, x)
	}
	return nil
}

// monthFigure words a figure of then and now.
func (p *monthPage) monthFigure(d *indicators.Difference) (x monthFigure, err error) {
	f := d.Figure()
	x.Was, x.Is, x.Scope = d.Then != nil, d.Now != nil, f.Scope.Name
	if x.Name, err = p.T("indicator." + string(f.Indicator)); err != nil {
		return x, err
	}
	if x.Unit, err = p.T("aims.unit." + f.Of); err != nil {
		return x, err
	}
	if x.Frozen, err = p.figureValue(d.Then); err != nil {
		return x, err
	}
	if x.Live, err = p.figureValue(d.Now); err != nil {
		return x, err
	}
	shown := d.Then
	if shown == nil {
		shown = d.Now
	}
	if shown.Target != nil {
		if x.Target, err = p.T("aims.number", *shown.Target); err != nil {
			return x, err
		}
	}
	if part := knownShare(shown); part < 1 && shown.Value != nil {
		if x.Whole, err = p.T("aims.share", int64(100*part)); err != nil {
			return x, err
		}
	}
	if n := d.Correction(); n != nil && d.Has(indicators.Corrected) {
		x.Correction = signed(p.speech, *n)
	}
	for _, c := range d.Changes {
		text, err := p.changed(c, d)
		if err != nil {
			return x, err
		}
		x.Changes = append(x.Changes, text)
	}
	return x, nil
}

// figureValue words a figure; empty where it is unknown, or there is none.
func (s speech) figureValue(f *indicators.Figure) (string, error) {
	if f == nil || f.Value == nil {
		return "", nil
	}
	text, err := s.T("aims.number", *f.Value)
	if err == nil && f.Basis.Certainty == indicators.AtLeast {
		text, err = s.T("aims.at.least", text)
	}
	return text, err
}

// changed words a change.
func (s speech) changed(c indicators.Change, d *indicators.Difference) (string, error) {
	key := "changed." + string(c)
	number := func(n *int64) string {
		if n == nil {
			return "—"
		}
		return strconv.FormatInt(*n, 10)
	}
	switch c {
	case indicators.Corrected:
		return s.T(key, signed(s, *d.Correction()))
	case indicators.Retold:
		return s.T(key, d.Then.Unit, d.Now.Unit)
	case indicators.Aimed:
		return s.T(key, number(d.Then.Target), number(d.Now.Target))
	case indicators.Sourced:
		return s.T(key, int64(100*knownShare(d.Then)), int64(100*knownShare(d.Now)))
	}
	return s.T(key)
}

// closeMonth freezes the figures of a month.
func (s *site) closeMonth(w http.ResponseWriter, r *http.Request) {
	month, named := monthOf(r)
	if !named {
		http.NotFound(w, r)
		return
	}
	_, err := s.books(r).CloseMonth(r.Context(), author(r), month, r.PostFormValue("note"), indicators.Freeze)
	s.closedOrNot(w, r, err, "month.closed")
}

// reopenMonth lets a month be closed again.
func (s *site) reopenMonth(w http.ResponseWriter, r *http.Request) {
	month, named := monthOf(r)
	version, err := strconv.Atoi(r.PostFormValue("version"))
	switch {
	case !named:
		http.NotFound(w, r)
		return
	case err != nil:
		err = ledger.ErrMonthNotClosed
	case strings.TrimSpace(r.PostFormValue("reason")) == "":
		text, _ := s.speech(r, 0).T("month.reason.missing")
		s.showMonth(w, r, faults{"reason": text})
		return
	default:
		err = s.books(r).ReopenMonth(r.Context(), author(r), month, version, r.PostFormValue("reason"))
	}
	s.closedOrNot(w, r, err, "month.reopened")
}

// monthOf is the month that an address names as 2026-10; ok is false where it names none.
func monthOf(r *http.Request) (month ledger.Month, ok bool) {
	month, err := register.ReadMonth(r.PathValue("month"))
	return month, err == nil && month.String() == r.PathValue("month")
}

// closedOrNot leads to the month, or says why it was neither closed nor reopened.
func (s *site) closedOrNot(w http.ResponseWriter, r *http.Request, err error, done string) {
	keys := map[error]string{
		ledger.ErrMonthClosed: "month.fault.closed", ledger.ErrMonthNotClosed: "month.fault.open",
		ledger.ErrMonthNotOver: "month.fault.running", ledger.ErrNothingBooked: "month.fault.nothing",
	}
	switch {
	case err == nil:
		s.done(w, r, "/targets/months/"+r.PathValue("month")+"?done="+done)
		return
	case errors.Is(err, errNotYours):
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	for refusal, key := range keys {
		if errors.Is(err, refusal) {
			text, wrong := s.speech(r, 0).T(key)
			if wrong != nil {
				s.Log.Error("word the refusal", "error", wrong)
			}
			s.showMonth(w, r, faults{"": text})
			return
		}
	}
	s.Log.Error("close or reopen a month", "error", err)
	http.Error(w, "the month could not be closed or reopened; the log says why", http.StatusInternalServerError)
}

// monthTable is a table of figures of a month.
type monthTable struct {
	speech
	Closed bool
	Rows   []monthFigure
}

// Table is one of the page's tables.
func (p monthPage) Table(rows []monthFigure) monthTable {
	return monthTable{p.speech, p.Closing != nil, rows}
}
