package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/faxtype"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// waveBooks is what these pages need beyond the rest: waves, with the services that the reader may see.
type waveBooks interface {
	Waves(ctx context.Context) ([]ledger.Wave, error)
}

func (s scope) Waves(ctx context.Context) ([]ledger.Wave, error) {
	view, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.all.Waves(ctx)
	return seenWaves(all, view.Register), err
}

// seenWaves are those in which there are services of a register, with these alone.
func seenWaves(all []ledger.Wave, seen ledger.Register) (waves []ledger.Wave) {
	for _, w := range all {
		w.Services = slices.DeleteFunc(slices.Clone(w.Services), func(id string) bool { return seen.Services[id].ID == "" })
		if len(w.Services) > 0 {
			waves = append(waves, w)
		}
	}
	return waves
}

// replyPage shows what a fax machine can be told to answer each fax with, and gives the files of it.
type replyPage struct {
	frame
	Reply   faxtype.Reply
	Said    string        // all that the page says
	Turn    faxtype.Model // the other one
	Back    string        // where one came from
	Service bool          // it is of all lines of a service
}

// replied is what a reply is asked of: a line or a service.
type replied struct {
	books   faxtype.Books
	line    *ledger.Line
	service string // id; where line is nil
	path    string // of the page about it
}

func (x replied) reply(model faxtype.Model) faxtype.Reply {
	if x.line != nil {
		return x.books.OfLine(x.line, model, "")
	}
	return x.books.OfService(x.service, model)
}

// replyBooks are what replies are made from.
func (s *site) replyBooks(r *http.Request, snapshot *ledger.Snapshot) (b faxtype.Books, err error) {
	b = faxtype.Books{At: snapshot.At, Location: s.Location, Register: &snapshot.Register, Lines: snapshot.Lines}
	if b.Mailboxes, err = s.books(r).Mailboxes(r.Context()); err != nil {
		return b, err
	}
	b.Followups, err = s.books(r).Followups(r.Context())
	return b, err
}

// filesBooks are the same for files, which have no frame that reads the books.
func (s *site) filesBooks(r *http.Request) (faxtype.Books, error) {
	snapshot, err := s.books(r).Snapshot(r.Context())
	if err != nil {
		return faxtype.Books{}, err
	}
	return s.replyBooks(r, &snapshot)
}

// askedOf is what a request is about; ok is false where there is no such line or service.
func askedOf(r *http.Request, books faxtype.Books) (x replied, ok bool) {
	id := r.PathValue("id")
	x.books = books
	if strings.HasPrefix(r.URL.Path, "/services/") {
		_, ok = books.Register.Services[id]
		x.service, x.path = id, "/services/"+url.PathEscape(id)
		return x, ok
	}
	for i := range books.Lines {
		if books.Lines[i].ID == id {
			x.line, x.path = &books.Lines[i], "/lines/"+url.PathEscape(id)
		}
	}
	return x, x.line != nil
}

// replyPage answers for lines and for services.
func (s *site) replyPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "reply.title")
	p := replyPage{frame: f}
	if !f.Fault {
		known, err := s.replyBooks(r, &books)
		if err == nil {
			x, ok := askedOf(r, known)
			if !ok {
				http.NotFound(w, r)
				return
			}
			err = p.fill(x, faxtype.Model(r.URL.Query().Get("model")))
		}
		if err != nil {
			s.Log.Error("make the automatic reply", "error", err)
			p.Fault = true
		}
	}
	s.Render(w, p.status(), "reply.html", p)
}

// ends tells whether a day is set, and the line still lives.
func (x replied) ends(r faxtype.Reply) bool {
	return r.Cutoff != "" || x.line != nil && x.line.State != ledger.Cut && (x.line.CutOn != "" || x.line.Cutoff != "")
}

// fill lays out the model that is asked for; where none is the one that names the day, if one is set.
func (p *replyPage) fill(x replied, model faxtype.Model) error {
	p.Reply = x.reply(faxtype.Closing)
	if model == faxtype.Project || model != faxtype.Closing && !x.ends(p.Reply) {
		p.Reply = x.reply(faxtype.Project)
	}
	p.Turn = map[faxtype.Model]faxtype.Model{faxtype.Project: faxtype.Closing, faxtype.Closing: faxtype.Project}[p.Reply.Model]
	p.Back, p.Service = x.path, x.line == nil
	sheet, err := p.Reply.Sheet(p.language())
	if err != nil {
		return err
	}
	p.Said = strings.Join(sheet.Text(), " ")
	return nil
}

// replyFile gives a file of a reply: MODEL.pdf, MODEL.tif for machines, MODEL.png to look at, poster.pdf, all.zip.
func (s *site) replyFile(w http.ResponseWriter, r *http.Request) {
	books, err := s.filesBooks(r)
	if err != nil {
		s.notMade(w, err)
		return
	}
	x, ok := askedOf(r, books)
	if !ok {
		http.NotFound(w, r)
		return
	}
	file, kind, err := x.file(r.PathValue("file"), s.speech(r, books.At).language())
	switch {
	case err != nil:
		s.notMade(w, err)
	case file == nil:
		http.NotFound(w, r)
	default:
		give(w, kind, r.PathValue("id")+"-"+r.PathValue("file"), file)
	}
}

// file is nil where there is none of that name.
func (x replied) file(name, language string) (file []byte, kind string, err error) {
	var out bytes.Buffer
	model, form, _ := strings.Cut(name, ".")
	sheet, err := x.sheet(model, language)
	switch {
	case err != nil:
	case name == "all.zip":
		order := faxtype.Order{Folder: "fax-type", Language: language}
		if x.line != nil {
			order.Lines = []string{x.line.ID}
		} else {
			order.Services = []string{x.service}
		}
		kind = "application/zip"
		_, err = x.books.WriteZIP(&out, order)
	case sheet == nil:
	case form == "pdf":
		kind, err = "application/pdf", sheet.WritePDF(&out, x.books.At.Std())
	case form == "tif" && model != "poster":
		kind, err = "image/tiff", sheet.WriteTIFF(&out)
	case form == "png" && model != "poster":
		kind, err = "image/png", x.picture(&out, sheet)
	}
	return out.Bytes(), kind, err
}

func (x replied) sheet(model, language string) (*faxtype.Sheet, error) {
	switch model {
	case string(faxtype.Project), string(faxtype.Closing):
		return x.reply(faxtype.Model(model)).Sheet(language)
	case "poster":
		return x.reply(faxtype.Closing).Poster(language)
	}
	return nil, nil
}

func (x replied) picture(out *bytes.Buffer, sheet *faxtype.Sheet) error {
	dots, err := sheet.Bitmap()
	if err != nil {
		return err
	}
	return png.Encode(out, dots)
}

// waveReplies gives all replies and posters of a wave.
func (s *site) waveReplies(w http.ResponseWriter, r *http.Request) {
	books, err := s.filesBooks(r)
	if err != nil {
		s.notMade(w, err)
		return
	}
	waves, err := s.books(r).Waves(r.Context())
	if err != nil {
		s.notMade(w, err)
		return
	}
	number, _ := strconv.ParseInt(r.PathValue("number"), 10, 64)
	order, ok := faxtype.OfWave(waves, number)
	if !ok {
		http.NotFound(w, r)
		return
	}
	order.Language = s.speech(r, books.At).language()
	var file bytes.Buffer
	if _, err := books.WriteZIP(&file, order); err != nil {
		s.notMade(w, err)
		return
	}
	give(w, "application/zip", order.Folder+".zip", file.Bytes())
}

// give sends a file to keep; a picture is to be looked at.
func give(w http.ResponseWriter, kind, name string, file []byte) {
	w.Header().Set("Content-Type", kind)
	if kind != "image/png" {
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", strings.ReplaceAll(name, ":", "-")))
	}
	_, _ = w.Write(file)
}

func (s *site) notMade(w http.ResponseWriter, err error) {
	if errors.Is(err, faxtype.ErrNothing) {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	s.Log.Error("make a file", "error", err)
	http.Error(w, "the file can't be made; the log says why", http.StatusInternalServerError)
}
