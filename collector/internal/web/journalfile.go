package web

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/journals"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const (
	maxJournalForm = journals.MaxFile + 1<<20
	maxProfile     = 64 << 10
	guessRows      = 100 // of a journal are enough to tell what it is
)

func (s *site) journalRoutes(mux *routing, packed func(http.HandlerFunc) http.HandlerFunc) {
	mux.HandleFunc("GET /journals", packed(s.journalsPage))
	mux.HandleFunc("POST /journals", upload(ledger.EditorRole, maxJournalForm, s.keepJournal))
	mux.HandleFunc("GET /journals/files/{id}", packed(s.journalPage))
	mux.HandleFunc("POST /journals/files/{id}", change(ledger.EditorRole, maxForm, s.readJournal))
	mux.HandleFunc("GET /journals/imports/{id}", packed(s.importedPage))
	mux.HandleFunc("GET /journals/imports/{id}/rejects.csv", packed(s.rejectsCSV))
	mux.HandleFunc("POST /journals/imports/{id}/cancel", change(ledger.EditorRole, maxForm, s.cancelImport))
	mux.HandleFunc("POST /journals/imports/{id}/undo", change(ledger.EditorRole, maxForm, s.undoImport))
	mux.HandleFunc("GET /journals/profile.yml", packed(s.profileFile))
	mux.HandleFunc("POST /journals/profile", change(ledger.EditorRole, maxForm, s.takeProfile))
	mux.HandleFunc("POST /journals/profile/remove", change(ledger.EditorRole, maxForm, s.dropJournalProfile))
}

// keepJournal takes a journal as it comes in, and leads to what zerofax reads in it.
func (s *site) keepJournal(w http.ResponseWriter, r *http.Request) {
	if _, err := s.books(r).Imports(r.Context()); err != nil || s.Intake == nil {
		s.journalRefused(w, r, cmp.Or(err, journals.ErrStopping))
		return
	}
	file, err := s.handedIn(r)
	switch {
	case err == nil:
		s.done(w, r, "/journals/files/"+file.ID)
	case errors.Is(err, errNoFile):
		s.journalFault(w, r, "file", "journals.no.file")
	case errors.Is(err, journals.ErrTooLarge), errors.As(err, new(*http.MaxBytesError)):
		s.journalFault(w, r, "file", "journals.too.large", int64(journals.MaxFile>>30))
	default:
		s.journalRefused(w, r, err)
	}
}

// handedIn keeps the file of a form.
func (s *site) handedIn(r *http.Request) (journals.File, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return journals.File{}, errors.Join(errNoFile, err)
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return journals.File{}, errNoFile
		case err != nil:
			return journals.File{}, err
		case part.FormName() == "file" && part.FileName() != "":
			return s.Intake.Keep(readerOf(r).Name, part.FileName(), part)
		}
	}
}

// journalFault shows the page of journals again with what is wrong with a file.
func (s *site) journalFault(w http.ResponseWriter, r *http.Request, field, key string, args ...any) {
	f, _ := s.frame(r, "title.journals")
	f.wrong(field, key, args...)
	s.showJournals(w, r, journalsPage{frame: f})
}

// journalPage is a journal that was handed in: how it is to be read, and what is read of it.
type journalPage struct {
	frame
	File    journals.File
	Fields  []field
	Table   []field // where it is a table: what it is like
	Columns []field // and which of its columns is what
	Head    journals.Head
	Glimpse journals.Glimpse
	Events  []eventRow
	Rejects []ledger.Reject
	Ready   bool // it can be imported
	Unowned bool // whose faxes they are isn't told
	Problem string
}

// eventRow is an event in words.
type eventRow struct {
	At, Unit, From, To, Pages, Length, Result string
	Failed                                    bool
}

func (s *site) journalPage(w http.ResponseWriter, r *http.Request) {
	file, form, err := s.journalOf(r)
	if err == nil {
		err = s.guessForm(r, file, &form)
	}
	if err != nil {
		s.journalRefused(w, r, err)
		return
	}
	s.showJournal(w, r, file, form)
}

// readJournal shows what is read of a journal in the way that the form says, imports it or forgets it.
func (s *site) readJournal(w http.ResponseWriter, r *http.Request) {
	file, form, err := s.journalOf(r)
	if err == nil && r.PostFormValue("do") == "drop" {
		if err = s.Intake.Drop(readerOf(r).Name, file.ID); err == nil {
			s.done(w, r, "/journals?done=removed")
			return
		}
	}
	if err != nil {
		s.journalRefused(w, r, err)
		return
	}
	form.read(r)
	unseen := form.profile == tableProfile && !r.PostForm.Has("delimiter") // the form didn't ask yet what the table is like
	if unseen {
		if err := s.sniff(file, &form); err != nil {
			s.journalRefused(w, r, err)
			return
		}
	}
	if r.PostFormValue("do") == "import" && !unseen {
		if id, started, err := s.importJournal(r, file, &form); err != nil {
			s.journalRefused(w, r, err)
			return
		} else if started {
			s.done(w, r, fmt.Sprintf("/journals/imports/%d", id))
			return
		}
	}
	s.showJournal(w, r, file, form)
}

// journalOf is the reader's file that a path names, with what must be known to read it.
func (s *site) journalOf(r *http.Request) (file journals.File, form journalForm, err error) {
	if form.saved, err = s.books(r).JournalProfiles(r.Context()); err != nil {
		return file, form, err
	}
	if s.Intake == nil || !readerOf(r).May(ledger.EditorRole) {
		return file, form, journals.ErrNoFile
	}
	if file, err = s.Intake.File(readerOf(r).Name, r.PathValue("id")); err != nil {
		return file, form, err
	}
	register, err := s.books(r).Register(r.Context())
	form.sites, form.ours, form.zone = register.Sites, journals.OurNumbers(&register, s.Dialling), s.Location
	return file, form, err
}

// importJournal begins an import, if there is nothing wrong with the way.
func (s *site) importJournal(r *http.Request, file journals.File, form *journalForm) (id int64, started bool, err error) {
	way, err := form.way()
	if err != nil {
		return 0, false, nil // the page says so
	}
	if form.save != "" && form.profile == tableProfile {
		p := ledger.JournalProfile{Name: way.Profile.Name, Text: way.Profile.Text}
		if err := s.books(r).SaveJournalProfile(r.Context(), author(r), p); err != nil {
			return 0, false, err
		}
	}
	by := author(r)
	by.Source = file.Name
	what := ledger.Import{Journal: way.Journal, Profile: way.Profile.Name, Source: file.Name}
	if id, err = s.Intake.Start(r.Context(), by, file, what, way.Rows); errors.Is(err, journals.ErrUnreadable) {
		return 0, false, nil
	}
	return id, err == nil, err
}

// tableProfile is the choice of a profile that the form itself describes.
const tableProfile = "table"

// journalForm is how somebody wants a journal to be read.
type journalForm struct {
	saved []ledger.JournalProfile
	sites map[string]ledger.Site
	ours  journals.Ours
	zone  *time.Location

	profile, journal, site, lines, save string
	table                               journals.Table
}

// read takes what was typed.
func (x *journalForm) read(r *http.Request) {
	value := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	x.profile, x.journal, x.site, x.lines, x.save = value("profile"), value("journal"), value("site"), value("lines"), value("save")
	t := journals.Table{Format: "csv", Title: x.save, Name: cmp.Or(journals.NameOf(x.save), tableProfile), Unit: value("unit"), Zone: value("zone")}
	t.Delimiter, t.Encoding, t.Direction = value("delimiter"), value("encoding"), value("direction")
	t.Skip, _ = strconv.Atoi(value("skip"))
	t.Header = value("header") != ""
	if date := value("date"); date != "" {
		t.Date = []string{date}
	}
	t.Columns = make(map[string]string)
	for _, role := range journals.Roles() {
		if column := value("column-" + role); column != "" {
			t.Columns[role] = column
		}
	}
	t.Values = journals.TableValues{Direction: meanings(value("directions")), Result: meanings(value("results"))}
	x.table = t
}

// meanings reads « word = meaning », one a line.
func meanings(text string) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(text) {
		if word, meaning, ok := strings.Cut(line, "="); ok {
			all[strings.TrimSpace(word)] = strings.TrimSpace(meaning)
		} else if word := strings.TrimSpace(line); word != "" {
			all[word] = ""
		}
	}
	return all
}

// way is what the form comes to.
func (x *journalForm) way() (journals.Way, error) {
	w := journals.Way{Journal: x.journal, Site: x.site, Lines: strings.FieldsFunc(x.lines, func(c rune) bool { return c == '\n' || c == '\r' }), Zone: x.zone, Ours: x.ours}
	var err error
	if x.profile == tableProfile {
		w.Profile, err = x.table.Profile()
	} else {
		w.Profile, err = journals.Find(x.profile, x.saved)
	}
	if err == nil {
		w.Journal = cmp.Or(w.Journal, w.Profile.Name)
		err = w.Check()
	}
	return w, err
}

// guessForm finds the profile of which most of the beginning of a journal can be read.
func (s *site) guessForm(r *http.Request, file journals.File, form *journalForm) error {
	names := journal.Formats()
	for _, p := range form.saved {
		names = append(names, p.Name)
	}
	best := int64(0)
	form.profile = tableProfile
	for _, name := range names {
		guess := *form
		guess.profile = name
		way, err := guess.way()
		if err != nil {
			continue
		}
		g, err := glimpse(file, way, guessRows)
		if err != nil {
			return err
		}
		if read := g.Events + g.Skipped; g.Fault == nil && read > g.Rejected && read > best {
			best, form.profile = read, name
		}
	}
	form.journal = form.profile
	if form.profile == tableProfile {
		form.journal = cmp.Or(journals.NameOf(strings.TrimSuffix(file.Name, filepath.Ext(file.Name))), tableProfile)
	}
	return s.sniff(file, form)
}

// sniff proposes how a journal is read as a table.
func (s *site) sniff(file journals.File, form *journalForm) error {
	data, err := file.Plain()
	if err != nil {
		return err
	}
	form.table = journals.Sniff(data)
	form.table.Name = tableProfile
	return data.Close()
}

// glimpse reads how a journal begins.
func glimpse(file journals.File, way journals.Way, most int64) (g journals.Glimpse, err error) {
	data, err := file.Open()
	if err != nil {
		return g, err
	}
	g = journals.Look(data, way, most, previewRows)
	return g, data.Close()
}

func (s *site) showJournal(w http.ResponseWriter, r *http.Request, file journals.File, form journalForm) {
	f, _ := s.frame(r, "title.journal.file")
	p := journalPage{frame: f, File: file}
	way, err := form.way()
	if err == nil {
		if p.Glimpse, err = glimpse(file, way, journals.GlimpseRows); err != nil {
			s.journalRefused(w, r, err)
			return
		}
		err = p.Glimpse.Fault
		p.Ready = err == nil
		p.show(form.ours)
	}
	if err != nil {
		p.fault(r, form, err)
	}
	if err := p.form(file, form); err != nil {
		s.journalRefused(w, r, err)
		return
	}
	s.Render(w, p.status(), "journal-file.html", p)
}

// show words what is read.
func (p *journalPage) show(ours journals.Ours) {
	p.Unowned = p.Glimpse.Unowned > 0
	p.Rejects = p.Glimpse.Rejects[:min(len(p.Glimpse.Rejects), previewRows)]
	for _, e := range p.Glimpse.First {
		row := eventRow{At: p.At(e.At), From: ours.Show(e.From), To: ours.Show(e.To), Failed: e.Result == wire.Failed}
		row.Unit, row.Result = p.say("journals.unit."+string(e.Unit)), p.say("journals.result."+string(e.Result))
		if e.Pages > 0 {
			row.Pages = p.say("chart.whole", e.Pages)
		}
		if e.Seconds > 0 {
			row.Length = fmt.Sprintf("%d:%02d", e.Seconds/60, e.Seconds%60)
		}
		p.Events = append(p.Events, row)
	}
}

// fault says what is wrong with how a journal is read: beside the preview where that is only proposed, else at the form.
func (p *journalPage) fault(r *http.Request, x journalForm, err error) {
	p.Problem = p.wayFault(err)
	if x.profile == tableProfile {
		for name, key := range x.table.Faults() {
			p.wrong(name, "journals.fault."+key)
			p.Problem = p.Faults[name]
		}
	}
	switch {
	case r.Method != http.MethodPost:
		p.Faults = nil
	case p.Faults == nil:
		p.Faults = faults{"": p.Problem}
	}
}

// wayFault words what is wrong with how a journal is read.
func (f frame) wayFault(err error) string {
	if errors.Is(err, journals.ErrNoLines) {
		return f.say("journals.no.lines")
	}
	why, unreadable := strings.CutPrefix(err.Error(), journals.ErrUnreadable.Error()+": ")
	if !unreadable {
		return strings.ReplaceAll(why, tableProfile+":", "")
	}
	return f.say("journals.unreadable", f.Reason(why))
}

// Reason says why a row or a file was rejected, in the reader's language as far as there is one.
func (f frame) Reason(why string) string {
	known, value, _ := strings.Cut(why, ": ")
	for _, where := range [...]string{"line ", "row "} {
		if number, ok := strings.CutPrefix(known, where); ok && value != "" {
			return joined(f.Colon(), f.say("journals.unreadable.row", number), f.Reason(value))
		}
	}
	text, err := f.T("why." + known)
	if err != nil || !f.French {
		return why
	}
	return joined(f.Colon(), text, value)
}

// form fills in the controls.
func (p *journalPage) form(file journals.File, x journalForm) error {
	data, err := file.Plain()
	if err != nil {
		return err
	}
	p.Head = x.table.Head(data)
	if err := data.Close(); err != nil {
		return err
	}
	for _, row := range p.Head.Rows {
		for i := range row {
			row[i] = x.ours.Veil(row[i])
		}
	}
	p.Fields = []field{
		{Name: "profile", Type: "select", Value: x.profile, Options: p.profiles(x.saved)},
		{Name: "journal", Value: x.journal, Required: true},
		{Name: "site", Type: "select", Value: x.site, Options: p.sites(x.sites)},
		{Name: "lines", Type: "textarea", Value: x.lines},
	}
	for i, key := range []string{"journals.profile", "journals.name", "journals.site", "journals.line"} {
		p.Fields[i].Label, p.Fields[i].Hint = p.say(key), p.say(key+".hint")
	}
	if x.profile == tableProfile {
		p.tableFields(x)
	}
	for _, list := range [][]field{p.Fields, p.Table, p.Columns} {
		for i := range list {
			list[i].Fault = p.Faults[list[i].Name]
		}
	}
	return nil
}

func (p *journalPage) profiles(saved []ledger.JournalProfile) (list []option) {
	for _, name := range journal.Formats() {
		list = append(list, option{Value: name, Name: p.say("journals.profile." + name)})
	}
	for _, x := range saved {
		name := x.Name
		if profile, err := journals.Find(x.Name, saved); err == nil {
			name = profile.String()
		}
		list = append(list, option{Value: x.Name, Name: name})
	}
	return append(list, option{Value: tableProfile, Name: p.say("journals.profile.table")})
}

func (p *journalPage) sites(all map[string]ledger.Site) []option {
	list := []option{{Name: p.say("journals.site.any")}}
	for id, x := range all {
		list = append(list, option{Value: id, Name: cmp.Or(x.Name, id)})
	}
	slices.SortFunc(list[1:], func(a, b option) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value)) })
	return list
}

// tableFields are the controls of a table.
func (p *journalPage) tableFields(x journalForm) {
	t := x.table
	choice := func(name, value string, options ...string) field {
		f := field{Name: name, Type: "select", Value: value, Label: p.say("journals." + name)}
		for _, o := range options {
			f.Options = append(f.Options, option{Value: o, Name: p.say("journals." + name + "." + o)})
		}
		return f
	}
	text := func(name, kind, value string) field {
		return field{Name: name, Type: kind, Value: value, Label: p.say("journals." + name), Hint: p.say("journals." + name + ".hint")}
	}
	unit := choice("unit", t.Unit, "message", "call")
	unit.Label = p.say("journals.unit.choice")
	p.Table = []field{
		choice("delimiter", t.Delimiter, ";", ",", "tab", "|"),
		choice("encoding", t.Encoding, "auto", "utf-8", "windows-1252"),
		text("skip", "number", strconv.Itoa(t.Skip)),
		{Name: "header", Type: "checkbox", Checked: t.Header, Label: p.say("journals.header")},
		text("date", "", strings.Join(t.Date, "")),
		text("zone", "", t.Zone),
		unit,
		choice("direction", t.Direction, "", "sent", "received"),
		text("directions", "textarea", meaningText(t.Values.Direction)),
		text("results", "textarea", meaningText(t.Values.Result)),
		{Name: "save", Value: x.save, Label: p.say("journals.save"), Hint: p.say("journals.save.hint")},
	}
	for _, role := range journals.Roles() {
		f := field{Name: "column-" + role, Type: "select", Value: t.Columns[role], Label: p.say("journals.column." + role), Options: []option{{Name: p.say("journals.no.column")}}}
		for _, header := range p.Head.Headers {
			f.Options = append(f.Options, option{Value: header, Name: header})
		}
		p.Columns = append(p.Columns, f)
	}
}

// meaningText is what meanings reads.
func meaningText(all map[string]string) string {
	var lines []string
	for word, meaning := range all {
		lines = append(lines, word+" = "+meaning)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// profileFile is a profile as hospitals share it.
func (s *site) profileFile(w http.ResponseWriter, r *http.Request) {
	saved, err := s.books(r).JournalProfiles(r.Context())
	at := slices.IndexFunc(saved, func(x ledger.JournalProfile) bool { return x.Name == r.URL.Query().Get("name") })
	if err == nil && at < 0 {
		err = errNoSuch
	}
	if err != nil {
		s.journalRefused(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+url.PathEscape(saved[at].Name)+`.yml"`)
	if _, err := io.WriteString(w, saved[at].Text); err != nil {
		s.Log.Debug("send a profile", "error", err)
	}
}

// takeProfile keeps a profile that somebody hands in.
func (s *site) takeProfile(w http.ResponseWriter, r *http.Request) {
	file, head, err := r.FormFile("profile")
	if r.MultipartForm != nil { // the server removes its files from the request that it made, not from this copy
		defer func() { _ = r.MultipartForm.RemoveAll() }()
	}
	if err != nil {
		s.journalFault(w, r, "profile", "journals.no.file")
		return
	}
	text, err := io.ReadAll(io.LimitReader(file, maxProfile))
	if err := errors.Join(err, file.Close()); err != nil {
		s.journalRefused(w, r, err)
		return
	}
	p, err := journals.ReadProfile(filepath.Base(head.Filename), text)
	if err != nil {
		s.journalFault(w, r, "profile", "journals.profile.fault", err.Error())
		return
	}
	by := author(r)
	by.Source = filepath.Base(head.Filename)
	if err := s.books(r).SaveJournalProfile(r.Context(), by, ledger.JournalProfile{Name: p.Name, Text: p.Text}); err != nil {
		s.journalRefused(w, r, err)
		return
	}
	s.done(w, r, "/journals?done=added#profiles")
}

func (s *site) dropJournalProfile(w http.ResponseWriter, r *http.Request) {
	if err := s.books(r).DropJournalProfile(r.Context(), author(r), r.PostFormValue("name")); err != nil {
		s.journalRefused(w, r, err)
		return
	}
	s.done(w, r, "/journals?done=removed#profiles")
}
