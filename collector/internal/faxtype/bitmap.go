package faxtype

import (
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// A fax of A4 in fine resolution (ITU-T T.4): 1728 dots a line of 215 mm, at 204 × 196 dots an inch.
const (
	dotsWide  = 1728
	dotsHigh  = 2287
	dotsPerMM = 204 / 25.4 // in a line
	linesByMM = 196 / 25.4
)

// Bitmap is the sheet in the black and white dots of a fax. They are higher than wide.
func (s *Sheet) Bitmap() (*image.Paletted, error) {
	f, err := readFonts()
	if err != nil {
		return nil, err
	}
	b := brush{ink: vector.NewRasterizer(dotsWide, dotsHigh), left: (dotsWide/dotsPerMM - pageWidth) / 2}
	for _, x := range s.boxes {
		b.frame(x)
	}
	for _, t := range s.texts {
		if err := b.text(f.of(t.bold), t); err != nil {
			return nil, fmt.Errorf("draw %q: %w", t.words, err)
		}
	}
	return b.dots(), nil
}

// brush draws outlines.
type brush struct {
	ink  *vector.Rasterizer
	left float64 // of A4 in the wider line of a fax, mm
	em   sfnt.Buffer
}

// at is where a point of the sheet is among the dots.
func (b *brush) at(x, y float64) (float32, float32) {
	return float32((x + b.left) * dotsPerMM), float32(y * linesByMM)
}

func (b *brush) rectangle(x, y, w, h float64) {
	b.ink.MoveTo(b.at(x, y))
	b.ink.LineTo(b.at(x+w, y))
	b.ink.LineTo(b.at(x+w, y+h))
	b.ink.LineTo(b.at(x, y+h))
	b.ink.ClosePath()
}

// frame draws the four sides of a box, half outside, as PDF does.
func (b *brush) frame(x box) {
	half := x.border / 2
	b.rectangle(x.x-half, x.y-half, x.w+x.border, x.border)
	b.rectangle(x.x-half, x.y+x.h-half, x.w+x.border, x.border)
	b.rectangle(x.x-half, x.y+half, x.border, x.h-x.border)
	b.rectangle(x.x+x.w-half, x.y+half, x.border, x.h-x.border)
}

// text draws letter by letter, at as many units an em as keep all of them exact.
func (b *brush) text(f *sfnt.Font, t text) error {
	ppem := fixed.I(int(f.UnitsPerEm()))
	unit := t.size / float64(f.UnitsPerEm()) / 64
	x := t.x
	for _, r := range t.words {
		glyph, err := f.GlyphIndex(&b.em, r)
		if err != nil {
			return err
		}
		outline, err := f.LoadGlyph(&b.em, glyph, ppem, nil)
		if err != nil {
			return err
		}
		b.outline(outline, func(p fixed.Point26_6) (float32, float32) {
			return b.at(x+float64(p.X)*unit, t.y+float64(p.Y)*unit)
		})
		advance, err := f.GlyphAdvance(&b.em, glyph, ppem, font.HintingNone)
		if err != nil {
			return err
		}
		x += float64(advance) * unit
	}
	return nil
}

func (b *brush) outline(segments sfnt.Segments, at func(fixed.Point26_6) (float32, float32)) {
	for _, s := range segments {
		x, y := at(s.Args[0])
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			b.ink.MoveTo(x, y)
		case sfnt.SegmentOpLineTo:
			b.ink.LineTo(x, y)
		case sfnt.SegmentOpQuadTo:
			x2, y2 := at(s.Args[1])
			b.ink.QuadTo(x, y, x2, y2)
		case sfnt.SegmentOpCubeTo:
			x2, y2 := at(s.Args[1])
			x3, y3 := at(s.Args[2])
			b.ink.CubeTo(x, y, x2, y2, x3, y3)
		}
	}
	b.ink.ClosePath()
}

// dots are what is covered by half and more.
func (b *brush) dots() *image.Paletted {
	all := image.Rect(0, 0, dotsWide, dotsHigh)
	cover := image.NewAlpha(all)
	b.ink.Draw(cover, all, image.Opaque, image.Point{})
	dots := image.NewPaletted(all, color.Palette{color.White, color.Black})
	for i, a := range cover.Pix {
		dots.Pix[i] = a >> 7
	}
	return dots
}
