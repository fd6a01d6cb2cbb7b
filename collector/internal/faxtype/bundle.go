package faxtype

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Order is what a bundle is to be made of.
type Order struct {
	Folder   string   // in which all of it lies
	Services []string // ids; all their lines
	Lines    []string // ids of single ones
	Planned  ledger.Day
	Language string // fr or en
}

// OfWave is the order of all that a wave needs; ok is false where there is no wave of that number.
func OfWave(waves []ledger.Wave, number int64) (o Order, ok bool) {
	for _, w := range waves {
		if w.Number == number {
			return Order{Folder: fmt.Sprintf("vague-%d", number), Services: w.Services, Planned: w.Cutoff}, true
		}
	}
	return o, false
}

// Bundle is what became of an order.
type Bundle struct {
	Services, Lines, Files int
	Gaps                   []Gap // in the order of services and lines
}

// Gap is what nobody declared, and what is therefore a dotted line.
type Gap struct {
	Of      string   // the line's number, or the service's name
	Missing []string // keys, as Reply.Missing gives them
}

// ErrNothing is of an order that no line and no service fits.
var ErrNothing = errors.New("no fax line that still lives, and no service")

// WriteZIP writes both replies of each line that still lives, of one that is kept the first only, as PDF
// and as TIFF, and a poster for each service.
func (b Books) WriteZIP(w io.Writer, o Order) (Bundle, error) {
	z := bundler{books: b, order: o, zip: zip.NewWriter(w), words: wordsIn(o.Language)}
	for _, id := range o.Services {
		if err := z.service(id); err != nil {
			return Bundle{}, err
		}
	}
	for _, id := range o.Lines {
		for i := range b.Lines {
			if l := &b.Lines[i]; l.ID == id {
				if err := z.line(cmp.Or(l.Service, "-"), l); err != nil {
					return Bundle{}, err
				}
			}
		}
	}
	if z.done.Files == 0 {
		return Bundle{}, ErrNothing
	}
	if err := z.put(z.words.readme, func(w io.Writer) error { return z.explain(w) }); err != nil {
		return Bundle{}, err
	}
	if err := z.zip.Close(); err != nil {
		return Bundle{}, fmt.Errorf("end the bundle: %w", err)
	}
	return z.done, nil
}

// bundler makes a bundle.
type bundler struct {
	books Books
	order Order
	zip   *zip.Writer
	words words
	done  Bundle
}

func (z *bundler) service(id string) error {
	if _, known := z.books.Register.Services[id]; !known {
		return nil
	}
	z.done.Services++
	if err := z.poster(id); err != nil {
		return err
	}
	for i := range z.books.Lines {
		if l := &z.books.Lines[i]; l.Service == id && l.State != ledger.Cut && !slices.Contains(z.order.Lines, l.ID) {
			if err := z.line(id, l); err != nil {
				return err
			}
		}
	}
	return nil
}

// poster is a service's, which says that its lines will be cut: of one that keeps all that it has there is none.
func (z *bundler) poster(id string) error {
	kept := func(l ledger.Line) bool { return l.Service == id && l.State == ledger.Kept }
	open := func(l ledger.Line) bool { return l.Service == id && l.State != ledger.Kept && l.State != ledger.Cut }
	if slices.ContainsFunc(z.books.Lines, kept) && !slices.ContainsFunc(z.books.Lines, open) {
		return nil
	}
	reply := z.books.OfService(id, Closing)
	reply.Cutoff = cmp.Or(reply.Cutoff, z.order.Planned)
	z.gap(reply.Service, reply)
	poster, err := reply.Poster(z.order.Language)
	if err != nil {
		return err
	}
	return z.put(id+"/"+z.words.posterFile+".pdf", z.pdf(poster))
}

func (z *bundler) line(folder string, l *ledger.Line) error {
	z.done.Lines++
	most := Closing
	if l.State == ledger.Kept { // it won't be cut
		most = Project
	}
	z.gap(cmp.Or(l.Number, l.ID), z.books.OfLine(l, most, z.order.Planned))
	for _, model := range Models() {
		if model == Closing && l.State == ledger.Kept {
			continue
		}
		sheet, err := z.books.OfLine(l, model, z.order.Planned).Sheet(z.order.Language)
		if err != nil {
			return err
		}
		name := folder + "/" + strings.ReplaceAll(l.ID, ":", "-") + "/" + z.words.files[model]
		if err := z.put(name+".pdf", z.pdf(sheet)); err != nil {
			return err
		}
		if err := z.put(name+".tif", sheet.WriteTIFF); err != nil {
			return err
		}
	}
	return nil
}

func (z *bundler) gap(of string, r Reply) {
	if missing := r.Missing(); len(missing) > 0 {
		z.done.Gaps = append(z.done.Gaps, Gap{of, missing})
	}
}

func (z *bundler) pdf(s *Sheet) func(io.Writer) error {
	return func(w io.Writer) error { return s.WritePDF(w, z.books.At.Std()) }
}

func (z *bundler) put(name string, write func(io.Writer) error) error {
	file, err := z.zip.CreateHeader(&zip.FileHeader{
		Name: z.order.Folder + "/" + name, Method: zip.Deflate, Modified: z.books.At.Std().In(z.books.Location).Truncate(time.Second),
	})
	if err == nil {
		err = write(file)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	z.done.Files++
	return nil
}

// explain says what the files are for, and what is to be filled in.
func (z *bundler) explain(w io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s\r\n", strings.ReplaceAll(z.words.explained, "\n", "\r\n"))
	if len(z.done.Gaps) > 0 {
		fmt.Fprintf(&out, "\r\n%s\r\n", z.words.gaps)
	}
	for _, g := range z.done.Gaps {
		named := make([]string, len(g.Missing))
		for i, key := range g.Missing {
			named[i] = z.words.missing[key]
		}
		fmt.Fprintf(&out, "%s : %s\r\n", g.Of, strings.Join(named, ", "))
	}
	_, err := out.WriteTo(w)
	return err
}
