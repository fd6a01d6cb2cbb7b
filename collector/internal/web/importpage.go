package web

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

const (
	maxTable  = 8 << 20 // bytes of a table that is handed in
	mostNotes = 50      // warnings and faults are shown, and changes
)

// tableKind is a table that people hand in and take out by a page.
type tableKind struct {
	name   string // as the commands call it
	schema *register.Schema
	plan   func(ledger.Register, *register.Table, register.Options) (register.Plan, error)
	rows   func(ledger.Register) [][]string
}

func (s *site) tableKinds() []tableKind {
	return []tableKind{
		{"lines", register.Lines, register.PlanLines, register.ExportLines},
		{"structure", register.Structure, register.PlanStructure, func(r ledger.Register) [][]string { return register.ExportStructure(r, s.Location) }},
		{"devices", register.Devices, register.PlanDevices, register.ExportDevices},
		{"targets", register.Targets, register.PlanTargets, register.ExportTargets},
	}
}

func (s *site) tableKind(name string) (tableKind, bool) {
	kinds := s.tableKinds()
	i := slices.IndexFunc(kinds, func(k tableKind) bool { return k.name == name })
	if i < 0 {
		return tableKind{}, false
	}
	return kinds[i], true
}

// importPage is where a table is handed in, and where it is shown what it would change before it does.
type importPage struct {
	frame
	Kind      string
	Kinds     []pageLink
	CSV, XLSX string // links to the table as it stands
	Action    string
	Fields    []field

	File      string // handed in; empty: none yet
	Revision  string
	Since     string
	Replace   bool
	Warnings  []importNote
	Wrong     []importNote // nothing can be done
	Changes   []importChange
	Counts    []string // what changes, in short
	More      int      // changes that aren't shown
	Nothing   bool     // changes
	Confirmed string   // where it is sent to be done
}

// Status is that of the answer.
func (p importPage) Status() int { return p.status() }

// importNote is something to say of a place in a table.
type importNote struct {
	Row          int
	Column, Text string
}

// importChange is what would happen to a thing.
type importChange struct{ Done, Text string }

func (s *site) importPage(w http.ResponseWriter, r *http.Request) {
	kind, known := s.tableKind(r.PathValue("table"))
	if !known {
		http.NotFound(w, r)
		return
	}
	p, _ := s.newImport(r, kind)
	s.showImport(w, p)
}

func (s *site) newImport(r *http.Request, kind tableKind) (*importPage, ledger.Snapshot) {
	f, books := s.frame(r, "title.import")
	p := &importPage{frame: f, Kind: kind.name}
	p.Action = p.link("/import/" + kind.name)
	p.CSV, p.XLSX = p.link("/export/"+kind.name+".csv"), p.link("/export/"+kind.name+".xlsx")
	return p, books
}

// showImport words the rest and answers.
func (s *site) showImport(w http.ResponseWriter, p *importPage) {
	var err error
	for _, kind := range s.tableKinds() {
		link := pageLink{Path: p.link("/import/" + kind.name)}
		link.Name, err = p.T("import." + kind.name)
		if kind.name == p.Kind {
			link.Current = "page"
		}
		p.Kinds = append(p.Kinds, link)
		p.Fault = p.Fault || err != nil
	}
	file := field{Name: "file", Type: "file", Accept: ".csv,.xlsx", Required: true, Fault: p.Faults["file"]}
	since := field{Name: "since", Type: "date", Fault: p.Faults["since"]}
	always := field{Name: "always", Type: "checkbox", Value: "yes"}
	replace := field{Name: "replace", Type: "checkbox", Value: "yes"}
	for key, to := range map[string]*string{
		"import.file": &file.Label, "import.file.hint": &file.Hint, "line.since.label": &since.Label, "line.since.hint": &since.Hint,
		"line.since.always": &always.Label, "import.replace": &replace.Label, "import.replace.hint": &replace.Hint,
	} {
		*to, err = p.T(key)
		p.Fault = p.Fault || err != nil
	}
	p.Fields = []field{file}
	if p.Kind != "targets" { // each says itself from which month on it holds
		p.Fields = append(p.Fields, since, always)
	}
	if p.Kind != "structure" {
		p.Fields = append(p.Fields, replace)
	}
	s.Render(w, p.status(), "import.html", p)
}

// handIn keeps a table, and leads to what it would change.
func (s *site) handIn(w http.ResponseWriter, r *http.Request) {
	kind, known := s.tableKind(r.PathValue("table"))
	if !known {
		http.NotFound(w, r)
		return
	}
	p, _ := s.newImport(r, kind)
	again := func(key string) {
		text, err := p.T(key)
		if err != nil {
			s.refused(w, r, err)
			return
		}
		p.Faults = faults{"file": text}
		s.showImport(w, p)
	}
	file, header, err := r.FormFile("file")
	if r.MultipartForm != nil { // the server removes its files from the request that it made, not from this copy
		defer func() { _ = r.MultipartForm.RemoveAll() }()
	}
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			again("import.too.large")
			return
		}
		again("import.no.file")
		return
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxTable+1))
	if err != nil || len(data) > maxTable {
		again("import.too.large")
		return
	}
	id, err := s.books(r).KeepUpload(r.Context(), readerOf(r).Name, header.Filename, data)
	if err != nil {
		s.refused(w, r, err)
		return
	}
	since := strings.TrimSpace(r.FormValue("since"))
	if r.FormValue("always") != "" {
		since = "always"
	}
	s.done(w, r, p.link("/import/"+kind.name+"/"+url.PathEscape(id), "since", since, "replace", r.FormValue("replace")))
}

// handed is a table that was handed in, and what is asked for of it.
type handed struct {
	kind    tableKind
	upload  ledger.Upload
	since   string
	replace bool
}

func (s *site) handed(r *http.Request) (h handed, err error) {
	kind, known := s.tableKind(r.PathValue("table"))
	if !known {
		return h, errNoSuch
	}
	h.kind, h.since, h.replace = kind, r.FormValue("since"), r.FormValue("replace") != ""
	h.upload, err = s.books(r).Upload(r.Context(), readerOf(r).Name, r.PathValue("upload"))
	return h, err
}

// plan is what the table changes of a register. The error is register.Faults where the table is to blame.
func (s *site) planTable(h handed, now ledger.Register, books ledger.Snapshot) (register.Plan, error) {
	o := s.planOptions(books.Devices, books.At)
	o.Replace = h.replace
	var err error
	if o.Since, err = register.ReadSince(h.since, o.Now, s.Location); err != nil {
		return register.Plan{}, register.Faults{{Column: "since", Text: err.Error()}}
	}
	table, err := register.ReadUpload(h.upload.Name, h.upload.Data, "", h.kind.schema)
	if err != nil {
		return register.Plan{}, err
	}
	done, err := h.kind.plan(now, table, o)
	done.Warnings = append(slices.Clone(table.Notes), done.Warnings...)
	return done, err
}

// declaredState is all of a register that tables change, of which a revision can be made.
func declaredState(r ledger.Register) any {
	return []any{r.Establishments, r.Sites, r.Poles, r.Services, r.UFs, r.Lines, r.Devices, register.ExportTargets(r)}
}

// previewPage shows what a table would change.
func (s *site) previewPage(w http.ResponseWriter, r *http.Request) {
	h, err := s.handed(r)
	if err != nil {
		s.refused(w, r, err)
		return
	}
	now, err := s.books(r).Register(r.Context())
	if err != nil {
		s.refused(w, r, err)
		return
	}
	p, books := s.newImport(r, h.kind)
	s.preview(w, r, p, h, now, books)
}

func (s *site) preview(w http.ResponseWriter, r *http.Request, p *importPage, h handed, now ledger.Register, books ledger.Snapshot) {
	p.File, p.Since, p.Replace, p.Revision = h.upload.Name, h.since, h.replace, revision(declaredState(now))
	p.Confirmed = p.link("/import/" + h.kind.name + "/" + url.PathEscape(h.upload.ID))
	before := now.Clone()
	plan, err := s.planTable(h, now, books)
	var wrong register.Faults
	switch {
	case errors.As(err, &wrong):
		p.Wrong, p.More = p.notes(wrong), max(0, len(wrong)-mostNotes)
		p.Faults = faults{}
	case err != nil:
		s.refused(w, r, err)
		return
	case !scope{who: readerOf(r)}.mayMake(&before, &plan.Register):
		s.refused(w, r, errNotYours)
		return
	default:
		p.Warnings, p.Nothing = p.notes(plan.Warnings), plan.Nothing
		p.changes(plan.Diff)
	}
	s.showImport(w, p)
}

func (p *importPage) notes(notes []register.Note) (list []importNote) {
	for _, n := range notes[:min(len(notes), mostNotes)] {
		list = append(list, importNote{n.Row, n.Column, n.In(p.language())})
	}
	return list
}

// changes words what would change, things other than lines first, and counts.
func (p *importPage) changes(diff register.Diff) {
	counts := make(map[[2]string]int64)
	var order [][2]string
	for _, c := range diff.Changes {
		key := [2]string{c.What, c.Done}
		if counts[key] == 0 {
			order = append(order, key)
		}
		counts[key]++
		if len(p.Changes) < mostNotes {
			p.Changes = append(p.Changes, importChange{c.Done, p.changeText(c)})
		}
	}
	p.More = len(diff.Changes) - len(p.Changes)
	for _, key := range order {
		if text, err := p.T("import.count", counts[key], p.thing(key[0]), cmp.Or(p.word("change."+key[1]), key[1])); err == nil {
			p.Counts = append(p.Counts, text)
		}
	}
}

// thing is what a kind of thing is called.
func (s speech) thing(what string) string {
	key := map[string]string{"establishment": "line.establishment", "site": "line.site", "pole": "line.pole", "service": "line.service", "UF": "line.uf", "line": "line.line", "machine": "line.device", "target": "aims.target"}[what]
	return strings.ToLower(cmp.Or(s.word(key), what))
}

// word is a text, empty where there is none.
func (s speech) word(key string) string {
	text, err := s.T(key)
	if err != nil {
		return ""
	}
	return text
}

// confirmImport does what was shown, unless the register is another one by now: then it shows it anew.
func (s *site) confirmImport(w http.ResponseWriter, r *http.Request) {
	h, err := s.handed(r)
	if err != nil {
		s.refused(w, r, err)
		return
	}
	p, books := s.newImport(r, h.kind)
	var standing ledger.Register
	by := ledger.Author{Who: author(r).Who, Source: h.upload.Name}
	err = s.books(r).Declare(r.Context(), by, func(now ledger.Register) (ledger.Register, error) {
		standing = asSeen(r, now.Clone())
		if err := unchanged(r, declaredState(asSeen(r, now))); err != nil {
			return now, err
		}
		plan, err := planSeen(r, now, func(r ledger.Register) (register.Plan, error) { return s.planTable(h, r, books) })
		if err == nil && plan.Nothing {
			err = errNothing
		}
		return plan.Register, err
	})
	switch {
	case errors.Is(err, errChanged):
		p.Conflicts = []difference{}
		s.preview(w, r, p, h, standing, books)
	case errors.As(err, new(register.Faults)):
		s.preview(w, r, p, h, standing, books)
	case err != nil && !errors.Is(err, errNothing):
		s.refused(w, r, err)
	default:
		if err := s.books(r).DropUpload(r.Context(), readerOf(r).Name, h.upload.ID); err != nil {
			s.Log.Warn("forget an upload", "error", err)
		}
		s.done(w, r, p.link(cmp.Or(map[string]string{"lines": "/lines", "targets": "/targets"}[h.kind.name], "/map"), "done", "imported"))
	}
}

// exportTable answers with a table as it stands: lines.csv, structure.xlsx…
func (s *site) exportTable(w http.ResponseWriter, r *http.Request) {
	name, format, _ := strings.Cut(r.PathValue("file"), ".")
	kind, known := s.tableKind(name)
	if !known || format != "csv" && format != "xlsx" {
		http.NotFound(w, r)
		return
	}
	now, err := s.books(r).Register(r.Context())
	if err != nil {
		s.noTable(w, err)
		return
	}
	write := kind.schema.WriteCSV
	if format == "xlsx" {
		write = kind.schema.WriteXLSX
	}
	var table bytes.Buffer
	if err := write(&table, s.speech(r, 0).language(), kind.rows(now)); err != nil {
		s.noTable(w, err)
		return
	}
	download(w, name+"."+format, table.Bytes())
}
