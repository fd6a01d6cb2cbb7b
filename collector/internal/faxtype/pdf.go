package faxtype

import (
	"fmt"
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

const pointsPerMM = 72 / 25.4

// WritePDF writes the sheet as a page of A4 with its letters in it. at is when it says to be made.
func (s *Sheet) WritePDF(w io.Writer, at time.Time) error {
	f := fpdf.New("P", "mm", "A4", "")
	f.SetAutoPageBreak(false, 0)
	f.SetCatalogSort(true) // equal sheets are equal files
	f.SetCreationDate(at)
	f.SetModificationDate(at)
	f.SetProducer("zerofax", true)
	f.SetTitle(s.Title, true)
	f.SetLang(s.Language)
	f.AddUTF8FontFromBytes("go", "", goregular.TTF)
	f.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	f.AddPage()
	for _, b := range s.boxes {
		f.SetLineWidth(b.border)
		f.Rect(b.x, b.y, b.w, b.h, "D")
	}
	for _, t := range s.texts {
		style := ""
		if t.bold {
			style = "B"
		}
		r, g, b, _ := t.color.RGBA()
		f.SetTextColor(int(r>>8), int(g>>8), int(b>>8))
		f.SetFont("go", style, t.size*pointsPerMM)
		f.Text(t.x, t.y, t.words)
	}
	if err := f.Output(w); err != nil {
		return fmt.Errorf("write %q as PDF: %w", s.Title, err)
	}
	return nil
}
