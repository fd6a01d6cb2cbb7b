package web

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/zerofax/zerofax/collector/internal/journals"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// journalBooks is what the pages of journals need of the ledger. Journals tell of all establishments: who has a role for
// some of them only reads and imports none.
type journalBooks interface {
	Imports(ctx context.Context) ([]ledger.Import, error)
	Rejects(ctx context.Context, id int64) ([]ledger.Reject, error)
	UndoImport(ctx context.Context, by ledger.Author, id int64) (ledger.Import, error)
	CancelImport(ctx context.Context, by ledger.Author, id int64) error
	JournalProfiles(ctx context.Context) ([]ledger.JournalProfile, error)
	SaveJournalProfile(ctx context.Context, by ledger.Author, p ledger.JournalProfile) error
	DropJournalProfile(ctx context.Context, by ledger.Author, name string) error
}

func (s scope) Imports(context.Context) ([]ledger.Import, error) { return nil, errNotAll }

func (s scope) Rejects(context.Context, int64) ([]ledger.Reject, error) { return nil, errNotAll }

func (s scope) UndoImport(context.Context, ledger.Author, int64) (ledger.Import, error) {
	return ledger.Import{}, errNotAll
}

func (s scope) CancelImport(context.Context, ledger.Author, int64) error { return errNotAll }

func (s scope) JournalProfiles(context.Context) ([]ledger.JournalProfile, error) {
	return nil, errNotAll
}

func (s scope) SaveJournalProfile(context.Context, ledger.Author, ledger.JournalProfile) error {
	return errNotAll
}

func (s scope) DropJournalProfile(context.Context, ledger.Author, string) error { return errNotAll }

// journalsPage lists what was imported, and is where journals and profiles are handed in.
type journalsPage struct {
	frame
	Turn     turn
	Rows     []importRow
	Waiting  []journals.File // handed in by the reader, and not imported yet
	Profiles []ledger.JournalProfile
	Mine     bool // the reader's role holds for everything
	May      bool // hand a journal in
	MaxGB    int64
}

// importRow is an import in words.
type importRow struct {
	ledger.Import
	Link   string
	Look   string // of its state's badge
	Period string // empty: it has no event
}

func (s *site) journalsPage(w http.ResponseWriter, r *http.Request) {
	f, _ := s.frame(r, "title.journals", "page")
	s.showJournals(w, r, journalsPage{frame: f})
}

func (s *site) showJournals(w http.ResponseWriter, r *http.Request, p journalsPage) {
	p.MaxGB = journals.MaxFile >> 30
	imports, err := s.books(r).Imports(r.Context())
	if errors.Is(err, errNotAll) {
		s.Render(w, p.status(), "journals.html", p)
		return
	}
	if err == nil {
		p.Profiles, err = s.books(r).JournalProfiles(r.Context())
	}
	if err != nil {
		s.Log.Error("read the journals for the page", "error", err)
		p.Fault = true
	}
	p.Mine, p.May = true, p.MayEdit() && s.Intake != nil
	if p.May {
		p.Waiting = s.Intake.Files(p.reader.Name)
	}
	var from, to int
	p.Turn, from, to = p.turned(r.URL.Query(), r.URL.Path, len(imports))
	for _, x := range imports[from:to] {
		p.Rows = append(p.Rows, p.importRow(x))
	}
	s.Render(w, p.status(), "journals.html", p)
}

func (s speech) importRow(x ledger.Import) importRow {
	row := importRow{Import: x, Link: s.link(fmt.Sprintf("/journals/imports/%d", x.ID))}
	row.Look = map[ledger.ImportState]string{ledger.ImportRunning: "warn", ledger.ImportDone: "ok", ledger.ImportBroken: "bad"}[x.State]
	if x.First != 0 {
		row.Period = s.Day(x.First)
		if last := s.Day(x.Last); last != row.Period {
			row.Period += " – " + last
		}
	}
	return row
}

// importedPage is one import: how far it is, what came of it, and what can still be done about it.
type importedPage struct {
	frame
	Row     importRow
	Percent int64 // of its file; -1: not known
	Rejects []ledger.Reject
	Of      int64 // rejects
	Running bool
	Undoing bool // it can be undone
	Follows bool // an agent goes on with it
}

func (s *site) importedPage(w http.ResponseWriter, r *http.Request) {
	x, err := s.imported(r)
	if err != nil {
		s.journalRefused(w, r, err)
		return
	}
	f, _ := s.frame(r, "title.journal.import")
	p := importedPage{frame: f, Row: f.importRow(x), Percent: -1, Of: x.Rejected}
	p.Follows = x.Profile == "" // nobody read it by a profile of his own
	p.Running, p.Undoing = x.State == ledger.ImportRunning, x.State == ledger.ImportDone || x.State == ledger.ImportBroken
	if p.Running {
		p.Again = 5
	}
	if s.Intake != nil && p.Running {
		if at, here := s.Intake.Progress(x.ID); here && at.Size > 0 {
			p.Percent = min(at.Read*100/at.Size, 100)
		}
	}
	if p.Rejects, err = s.books(r).Rejects(r.Context(), x.ID); err != nil {
		s.journalRefused(w, r, err)
		return
	}
	p.Of = max(p.Of, int64(len(p.Rejects)))
	p.Rejects = p.Rejects[:min(len(p.Rejects), previewRows)]
	s.Render(w, p.status(), "journal-import.html", p)
}

// imported is the import that a path names.
func (s *site) imported(r *http.Request) (ledger.Import, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return ledger.Import{}, errNoSuch
	}
	all, err := s.books(r).Imports(r.Context())
	at := slices.IndexFunc(all, func(x ledger.Import) bool { return x.ID == id })
	if err == nil && at < 0 {
		err = errNoSuch
	}
	if err != nil {
		return ledger.Import{}, err
	}
	return all[at], nil
}

// rejectsCSV are the rows that an import rejected, as far as they are kept.
func (s *site) rejectsCSV(w http.ResponseWriter, r *http.Request) {
	x, err := s.imported(r)
	if err != nil {
		s.journalRefused(w, r, err)
		return
	}
	rejects, err := s.books(r).Rejects(r.Context(), x.ID)
	if err != nil {
		s.journalRefused(w, r, err)
		return
	}
	f, _ := s.frame(r, "title.journal.import")
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="rejets-import-%d.csv"`, x.ID))
	fmt.Fprint(w, "\ufeff")
	table := csv.NewWriter(w)
	table.Comma = ';'
	_ = table.Write([]string{f.say("journals.row"), f.say("journals.reason")})
	for _, reject := range rejects {
		_ = table.Write([]string{strconv.FormatInt(reject.Row, 10), f.Reason(reject.Reason)})
	}
	if table.Flush(); table.Error() != nil {
		s.Log.Debug("send the rejected rows", "error", table.Error())
	}
}

// cancelImport ends an import that runs, and undoes what it booked.
func (s *site) cancelImport(w http.ResponseWriter, r *http.Request) {
	x, err := s.imported(r)
	if err == nil && (s.Intake == nil || !s.Intake.Cancel(r.Context(), author(r), x.ID)) {
		err = s.books(r).CancelImport(r.Context(), author(r), x.ID)
	}
	s.importChanged(w, r, x, err, "cancelled")
}

// undoImport takes back what an import brought.
func (s *site) undoImport(w http.ResponseWriter, r *http.Request) {
	x, err := s.imported(r)
	if err == nil {
		_, err = s.books(r).UndoImport(r.Context(), author(r), x.ID)
	}
	s.importChanged(w, r, x, err, "undone")
}

func (s *site) importChanged(w http.ResponseWriter, r *http.Request, x ledger.Import, err error, done string) {
	switch {
	case errors.Is(err, ledger.ErrImportOver): // somebody else was faster; the page says what it came to
		s.done(w, r, fmt.Sprintf("/journals/imports/%d", x.ID))
	case err != nil:
		s.journalRefused(w, r, err)
	default:
		s.done(w, r, fmt.Sprintf("/journals/imports/%d?done=import.%s", x.ID, done))
	}
}

// journalRefused answers where something of journals isn't there, isn't the reader's, or fails.
func (s *site) journalRefused(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, errNotAll):
		http.Error(w, errNotAll.Error(), http.StatusForbidden)
	case errors.Is(err, journals.ErrNoFile), errors.Is(err, ledger.ErrNoImport):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, journals.ErrBusy), errors.Is(err, journals.ErrStopping), errors.Is(err, journals.ErrTooMany):
		http.Error(w, err.Error(), http.StatusConflict)
	case errors.Is(err, ledger.ErrFull):
		http.Error(w, err.Error(), http.StatusInsufficientStorage)
	default:
		s.refused(w, r, err)
	}
}
