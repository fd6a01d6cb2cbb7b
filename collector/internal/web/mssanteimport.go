package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

const (
	maxTableForm      = register.MaxTable + 1<<20
	maxExtractionForm = 200 << 20
	previewRows       = 20
)

// mssanteImportPage is where tables of messages and extractions are handed in.
type mssanteImportPage struct {
	frame
	Profiles  []ledger.MSSanteProfile
	Directory ledger.Directory
}

func (s *site) mssanteImport(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.mssante.import")
	s.showMSSanteImport(w, r, mssanteImportPage{frame: f, Directory: books.Directory})
}

func (s *site) showMSSanteImport(w http.ResponseWriter, r *http.Request, p mssanteImportPage) {
	var err error
	if p.Profiles, err = s.books(r).MSSanteProfiles(r.Context()); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.Render(w, p.status(), "mssante-import.html", p)
}

// importFault shows the page again with what is wrong with a file.
func (s *site) importFault(w http.ResponseWriter, r *http.Request, which, text string) {
	f, books := s.frame(r, "title.mssante.import")
	f.Faults = faults{which: text}
	s.showMSSanteImport(w, r, mssanteImportPage{frame: f, Directory: books.Directory})
}

// keepTable keeps a table that is handed in, and leads to what it would change.
func (s *site) keepTable(w http.ResponseWriter, r *http.Request) {
	file, head, err := r.FormFile("file")
	if r.MultipartForm != nil { // the server removes its files from the request that it made, not from this copy
		defer func() { _ = r.MultipartForm.RemoveAll() }()
	}
	if err != nil {
		key := "mssante.no.file"
		if errors.As(err, new(*http.MaxBytesError)) {
			key = "mssante.too.large"
		}
		text, _ := s.speech(r, 0).T(key)
		s.importFault(w, r, "file", text)
		return
	}
	data, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err == nil {
		if _, fault := register.Look(head.Filename, data, ""); fault != nil {
			s.importFault(w, r, "file", fault.Error())
			return
		}
		var id string
		if id, err = s.books(r).KeepUpload(r.Context(), readerOf(r).Name, filepath.Base(head.Filename), data); err == nil {
			s.done(w, r, "/mssante/import/"+id)
			return
		}
	}
	s.refuse(w, r, err)
}

// tablePage is what a table of messages would change.
type tablePage struct {
	frame
	ID       string
	Name     string // of the file
	Glance   register.Glance
	Columns  []field // which of its columns is which
	Month    field
	Profile  field
	Known    string // the profile that was made for such headers
	Warnings []string
	Changes  []register.Change
	More     int
	Summary  string
	Ready    bool // it can be taken
}

// tableForm is how a table is to be read.
type tableForm struct {
	columns register.Mapping
	month   string
	profile string // to be kept under that name
}

func (s *site) showTable(w http.ResponseWriter, r *http.Request) {
	upload, err := s.books(r).Upload(r.Context(), readerOf(r).Name, r.PathValue("id"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.table(w, r, upload)
}

// table shows what a table would change, and takes it over where that is asked for.
func (s *site) table(w http.ResponseWriter, r *http.Request, upload ledger.Upload) {
	f, books := s.frame(r, "title.mssante.table")
	p := tablePage{frame: f, ID: upload.ID, Name: upload.Name}
	form, err := p.read(r, upload, s.books(r))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	b := s.books(r)
	table, err := register.ReadAs(upload.Name, upload.Data, "", register.Volumes, form.columns, form.month)
	take := func(reg ledger.Register, mailboxes []ledger.Mailbox, before ledger.Correspondence) (ledger.Correspondence, error) {
		plan, err := register.PlanVolumes(reg, mailboxes, before, table, register.Options{Now: books.At.Std(), Zone: s.Location})
		p.show(plan.Plan)
		return plan.Messages, err
	}
	taken := r.Method == http.MethodPost && r.PostFormValue("do") == "import"
	switch {
	case err != nil:
	case taken:
		by := author(r)
		by.Source = upload.Name
		err = b.DeclareCorrespondence(r.Context(), by, take, table.Months()...)
	default:
		err = s.tryTable(r, table.Months(), take)
	}
	if notes := register.Faults(nil); errors.As(err, &notes) {
		p.Ready, p.Faults = false, faultsOf(notes)
		err = nil
	} else if err == nil && taken {
		err = s.keepProfile(r, form, p.Glance, upload)
		if err == nil {
			s.done(w, r, "/mssante?done=imported")
			return
		}
	}
	if err == nil {
		err = p.fields(form)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	status := p.status()
	if r.Method == http.MethodGet && !p.Fault {
		status = http.StatusOK // nothing was refused yet
	}
	s.Render(w, status, "mssante-table.html", p)
}

// faultsOf are the faults of a table, at most few of them, in its order.
func faultsOf(notes register.Faults) faults {
	list := make(faults)
	for i, n := range notes[:min(len(notes), previewRows)] {
		list[fmt.Sprintf("%03d", i)] = n.String()
	}
	return list
}

// tryTable makes a plan of some months of the books as they are.
func (s *site) tryTable(r *http.Request, months []ledger.Month, take func(ledger.Register, []ledger.Mailbox, ledger.Correspondence) (ledger.Correspondence, error)) error {
	b := s.books(r)
	books, err := b.Snapshot(r.Context())
	if err != nil {
		return err
	}
	mailboxes, err := b.Mailboxes(r.Context())
	if err != nil {
		return err
	}
	before, err := b.Correspondence(r.Context(), months...)
	if err == nil {
		_, err = take(books.Register.Clone(), mailboxes, before)
	}
	return err
}

func (p *tablePage) show(plan register.Plan) {
	p.Ready, p.Summary, p.Warnings = !plan.Nothing, plan.Diff.Summary(), nil
	for _, n := range plan.Warnings {
		p.Warnings = append(p.Warnings, n.String())
	}
	p.Changes = plan.Diff.Changes[:min(len(plan.Diff.Changes), previewRows)]
	p.More = len(plan.Diff.Changes) - len(p.Changes)
}

// read is how the table is to be read: as the form says, else by the profile made for its headers, else as its headers sound.
func (p *tablePage) read(r *http.Request, upload ledger.Upload, b Books) (form tableForm, err error) {
	if p.Glance, err = register.Look(upload.Name, upload.Data, ""); err != nil {
		return form, err
	}
	if r.Method == http.MethodPost {
		form = tableForm{make(register.Mapping), strings.TrimSpace(r.PostFormValue("fixed")), strings.TrimSpace(r.PostFormValue("profile"))}
		for _, column := range register.Volumes.Columns() {
			if header := r.PostFormValue("column-" + column); header != "" {
				form.columns[column] = header
			}
		}
		return form, nil
	}
	profiles, err := b.MSSanteProfiles(r.Context())
	if err != nil {
		return form, err
	}
	for _, x := range profiles {
		if x.Fits(p.Glance.Headers) {
			p.Known = x.Name
			return tableForm{columns: x.Columns}, nil
		}
	}
	return tableForm{columns: register.Volumes.Guess(p.Glance.Headers)}, nil
}

func (p *tablePage) fields(form tableForm) (err error) {
	none, err := p.T("mssante.no.column")
	if err != nil {
		return err
	}
	for _, column := range register.Volumes.Columns() {
		x := field{Name: "column-" + column, Type: "select", Value: form.columns[column], Options: []option{{Name: none}}}
		if x.Label, err = p.T("mssante.column." + column); err != nil {
			return err
		}
		for _, header := range p.Glance.Headers {
			x.Options = append(x.Options, option{Value: header, Name: header})
		}
		p.Columns = append(p.Columns, x)
	}
	p.Month = field{Name: "fixed", Type: "month", Value: form.month}
	p.Profile = field{Name: "profile", Value: form.profile}
	return p.name(map[string]*string{
		"mssante.fixed": &p.Month.Label, "mssante.fixed.hint": &p.Month.Hint, "mssante.profile": &p.Profile.Label, "mssante.profile.hint": &p.Profile.Hint,
	})
}

// keepProfile keeps how a table was read, where a name is given, and forgets the table.
func (s *site) keepProfile(r *http.Request, form tableForm, g register.Glance, upload ledger.Upload) error {
	if form.profile != "" {
		p := ledger.MSSanteProfile{Name: form.profile, Columns: form.columns, Headers: g.Headers}
		if err := s.books(r).SaveMSSanteProfile(r.Context(), author(r), p); err != nil {
			return err
		}
	}
	return s.books(r).DropUpload(r.Context(), readerOf(r).Name, upload.ID)
}

func (s *site) dropProfile(w http.ResponseWriter, r *http.Request) {
	if err := s.books(r).DropMSSanteProfile(r.Context(), author(r), r.PostFormValue("name")); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.done(w, r, "/mssante/import?done=removed")
}

// takeExtraction reads an extraction as it comes in. It isn't kept: only what is ours of it is.
func (s *site) takeExtraction(w http.ResponseWriter, r *http.Request) {
	dir, err := os.MkdirTemp("", "zerofax-extraction-")
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	day, path, err := spool(r, dir)
	var news ledger.ExtractionNews
	if err == nil {
		news, err = s.readExtraction(r, path, day)
	}
	err = errors.Join(err, os.RemoveAll(dir))
	notes := register.Faults(nil)
	switch {
	case err == nil:
		target := "/mssante?done=imported#directory"
		if news.Doubt != "" {
			target = "/mssante?done=extraction." + string(news.Doubt) + "#directory"
		}
		s.done(w, r, target)
	case errors.As(err, &notes):
		s.importFault(w, r, "extraction", notes[0].String())
	case errors.As(err, new(*http.MaxBytesError)):
		text, _ := s.speech(r, 0).T("mssante.too.large")
		s.importFault(w, r, "extraction", text)
	case slices.ContainsFunc([]error{ledger.ErrOlderFile, ledger.ErrFutureFile, errNoFile, errNoDay, errNothingOurs}, func(known error) bool { return errors.Is(err, known) }):
		s.importFault(w, r, "extraction", err.Error())
	default:
		s.refuse(w, r, err)
	}
}

var (
	errNoFile      = errors.New("no file was handed in; want Extraction_Correspondance_MSSante, ZIP or TXT")
	errNoDay       = errors.New("the file's name doesn't say of which day it is; want the day of the file")
	errNothingOurs = errors.New("nothing says which addresses are yours; want the FINESS number of an establishment, or addresses, first")
)

// spool writes the file of a form into a folder, under its own name, which may hold its day.
func spool(r *http.Request, dir string) (day, path string, err error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return "", "", errors.Join(errNoFile, err)
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return "", "", errNoFile
		case err != nil:
			return "", "", err
		case part.FormName() == "day":
			text, err := io.ReadAll(io.LimitReader(part, 20))
			if err != nil {
				return "", "", err
			}
			day = string(text)
		case part.FormName() == "extraction" && part.FileName() != "":
			path = filepath.Join(dir, filepath.Base(part.FileName()))
			out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return "", "", err
			}
			_, err = io.Copy(out, part)
			return day, path, errors.Join(err, out.Close())
		}
	}
}

func (s *site) readExtraction(r *http.Request, path, day string) (news ledger.ExtractionNews, err error) {
	b := s.books(r)
	books, err := b.Snapshot(r.Context())
	if err != nil {
		return news, err
	}
	mailboxes, err := b.Mailboxes(r.Context())
	if err != nil {
		return news, err
	}
	listing, err := b.Listing(r.Context())
	if err != nil {
		return news, err
	}
	ours := register.WhichAreOurs(books.Register, mailboxes, listing.Listed)
	if ours.Nothing() {
		return news, errNothingOurs
	}
	file, err := register.OpenExtraction(path)
	if err != nil {
		return news, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	e := ledger.Extraction{Name: file.Name}
	if e.Day, err = register.ReadDay(strings.TrimSpace(day)); err != nil {
		return news, fmt.Errorf("%w: %w", errNoDay, err)
	}
	if named, ok := file.NamedDay(); e.Day == "" && ok {
		e.Day = named
	} else if e.Day == "" {
		return news, errNoDay
	}
	read, err := file.Ours(ours)
	if err != nil {
		return news, err
	}
	e.Rows = read.Rows
	by := author(r)
	by.Source = filepath.Base(path)
	news, err = b.DeclareExtraction(r.Context(), by, e, read.Ours)
	if err != nil || !s.Publish {
		return news, err
	}
	_, err = b.TakePublished(r.Context(), by, ledger.PublicFile{Name: e.Name, Day: e.Day}, func(keep func(ledger.Published) error) (int64, error) {
		again, err := register.OpenExtraction(path)
		if err != nil {
			return 0, err
		}
		rows, err := again.Published(keep)
		return rows, errors.Join(err, again.Close())
	})
	return news, err
}

// mssanteTemplate is a table of messages to fill in.
func (s *site) mssanteTemplate(w http.ResponseWriter, r *http.Request) {
	books, err := s.books(r).Snapshot(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	mailboxes, err := s.books(r).Mailboxes(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	last := cmp.Or(books.Month, ledger.MonthOf(books.At, time.UTC)).Add(-1)
	rows := register.VolumesTemplate(books.Register, mailboxes, last)
	write, kind := register.Volumes.WriteCSV, "text/csv; charset=utf-8"
	if strings.HasSuffix(r.URL.Path, ".xlsx") {
		write, kind = register.Volumes.WriteXLSX, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	var table bytes.Buffer
	if err := write(&table, s.speech(r, books.At).language(), rows); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+filepath.Base(r.URL.Path)+`"`)
	if _, err := w.Write(slices.Clip(table.Bytes())); err != nil {
		s.Log.Debug("send the template", "error", err)
	}
}
