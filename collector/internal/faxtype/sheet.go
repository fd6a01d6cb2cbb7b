package faxtype

import (
	"fmt"
	"image/color"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// A4, and what is left white around, in mm.
const (
	pageWidth  = 210
	pageHeight = 297
	margin     = 20
)

var (
	black = color.Gray{}
	blue  = color.RGBA{R: 0x12, G: 0x3a, B: 0x6b, A: 0xff}
)

// Sheet is a page as it is laid out: what stands where, in mm from the upper left corner.
type Sheet struct {
	Title    string
	Language string
	texts    []text
	boxes    []box
}

type text struct {
	x, y  float64 // of where its baseline begins
	size  float64 // of an em
	bold  bool
	color color.Color
	words string
}

type box struct{ x, y, w, h, border float64 }

// Text is what the sheet says, a line each.
func (s *Sheet) Text() []string {
	said := make([]string, len(s.texts))
	for i, t := range s.texts {
		said[i] = t.words
	}
	return said
}

// fonts are those of all sheets: their letters are the same in all files.
type fonts struct{ regular, bold *sfnt.Font }

func readFonts() (f fonts, err error) {
	if f.regular, err = sfnt.Parse(goregular.TTF); err != nil {
		return f, fmt.Errorf("read the font: %w", err)
	}
	if f.bold, err = sfnt.Parse(gobold.TTF); err != nil {
		return f, fmt.Errorf("read the bold font: %w", err)
	}
	return f, nil
}

func (f fonts) of(bold bool) *sfnt.Font {
	if bold {
		return f.bold
	}
	return f.regular
}

// width is how wide a text is, in ems.
func (f fonts) width(words string, bold bool) float64 {
	const em = 1000
	var buffer sfnt.Buffer
	var sum fixed.Int26_6
	for _, r := range words {
		if glyph, err := f.of(bold).GlyphIndex(&buffer, r); err == nil {
			advance, _ := f.of(bold).GlyphAdvance(&buffer, glyph, fixed.I(em), font.HintingNone)
			sum += advance
		}
	}
	return float64(sum) / 64 / em
}

// pen writes a sheet from top to bottom.
type pen struct {
	*Sheet
	fonts
	scale       float64 // of all letters: less than 1 where else there is no room
	left, right float64 // between which it writes
	y           float64 // below what is written
	color       color.Color
}

// write writes a paragraph, size high, and leaves a gap below, both in mm.
func (p *pen) write(words string, size float64, bold bool, gap float64) {
	size, gap = size*p.scale, gap*p.scale
	for _, line := range p.wrap(words, size, bold) {
		p.y += size * 1.25
		p.texts = append(p.texts, text{p.left, p.y - size*0.28, size, bold, p.color, line})
	}
	p.y += gap
}

// wrap breaks a paragraph at spaces where it is too wide; a word that is too wide alone, too.
func (p *pen) wrap(words string, size float64, bold bool) (lines []string) {
	room, line := (p.right-p.left)/size, ""
	for _, word := range strings.FieldsFunc(words, func(r rune) bool { return r == ' ' || r == '\n' }) {
		if longer := strings.TrimSpace(line + " " + word); p.width(longer, bold) <= room {
			line = longer
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; p.width(line, bold) > room; {
			cut := p.fitting(line, bold, room)
			lines, line = append(lines, line[:cut]), line[cut:]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// fitting is how many bytes of a word there is room for, one letter at least.
func (p *pen) fitting(word string, bold bool, room float64) (fit int) {
	for i := range word {
		if i > 0 && p.width(word[:i], bold) > room {
			break
		}
		if i > 0 {
			fit = i
		}
	}
	if fit == 0 {
		fit = len(word)
	}
	return fit
}

// indented writes what do writes, further right.
func (p *pen) indented(by float64, do func()) {
	p.left += by
	do()
	p.left -= by
}

// boxed draws a border around what do writes.
func (p *pen) boxed(border, padding float64, do func()) {
	top := p.y
	p.left, p.right, p.y = p.left+padding, p.right-padding, p.y+padding
	do()
	p.left, p.right, p.y = p.left-padding, p.right+padding, p.y+padding
	p.boxes = append(p.boxes, box{p.left, top, p.right - p.left, p.y - top, border})
}

// lay lays out a sheet, with smaller letters if it takes more than a page.
func lay(title, language string, write func(*pen)) (*Sheet, error) {
	f, err := readFonts()
	if err != nil {
		return nil, err
	}
	for scale := 1.0; ; scale *= 0.95 {
		p := pen{
			Sheet: &Sheet{Title: title, Language: language}, fonts: f, scale: scale,
			left: margin, right: pageWidth - margin, y: margin, color: black,
		}
		if write(&p); p.y <= pageHeight-margin {
			return p.Sheet, nil
		}
		if scale < 0.3 {
			return nil, fmt.Errorf("%s: more text than a page has room for", title)
		}
	}
}
