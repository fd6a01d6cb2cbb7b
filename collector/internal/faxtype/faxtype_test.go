package faxtype

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff"
	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// decoded is what another program makes of a Group 4 block: 1 is black.
func decoded(t interface{ Fatalf(string, ...any) }, data []byte, width, height int) []uint8 {
	r := ccitt.NewReader(bytes.NewReader(data), ccitt.MSB, ccitt.Group4, width, height, &ccitt.Options{Invert: true})
	packed, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("decode Group 4: %v", err)
	}
	dots := make([]uint8, 0, width*height)
	stride := (width + 7) / 8
	if len(packed) != stride*height {
		t.Fatalf("%d bytes decoded, want %d", len(packed), stride*height)
	}
	for y := range height {
		for x := range width {
			dots = append(dots, packed[y*stride+x/8]>>(7-x%8)&1)
		}
	}
	return dots
}

func canvas(width, height int) *image.Paletted {
	return image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.White, color.Black})
}

func TestEachLengthOfARunIsReadAsItWasCoded(t *testing.T) {
	dots := canvas(dotsWide, 2*dotsWide)
	for y := range dotsWide { // y white dots, then black ones, and the other way round
		for x := range dotsWide {
			dots.Pix[2*y*dotsWide+x] = map[bool]uint8{true: 1}[x >= y]
			dots.Pix[(2*y+1)*dotsWide+x] = map[bool]uint8{true: 1}[x < y]
		}
	}
	if got := decoded(t, group4(dots), dotsWide, 2*dotsWide); !bytes.Equal(got, dots.Pix) {
		t.Error("a run was read as another than was coded")
	}
}

func TestAnyDotsAreReadAsTheyWereCoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width, height := rapid.IntRange(1, 200).Draw(t, "width"), rapid.IntRange(1, 12).Draw(t, "height")
		dots := canvas(width, height)
		for i := 0; i < len(dots.Pix); {
			run := rapid.IntRange(1, 70).Draw(t, "run")
			tone := rapid.Uint8Range(0, 1).Draw(t, "tone")
			for ; run > 0 && i < len(dots.Pix); run, i = run-1, i+1 {
				dots.Pix[i] = tone
			}
		}
		if got := decoded(t, group4(dots), width, height); !bytes.Equal(got, dots.Pix) {
			t.Fatalf("read %v, coded %v", got, dots.Pix)
		}
	})
}

func full() Reply {
	return Reply{
		Model: Closing, House: "CHU de Sainte-Marie-lès-Forêts", Service: "Hémato-oncologie pédiatrique", Number: "0241354000", Cutoff: "2026-12-31",
		Addresses: []string{"secretariat.hemato@chu-smf.mssante.fr"}, Intranet: "@chu-smf.fr", Contact: "zerofax@chu-smf.fr",
	}
}

func sheetOf(t *testing.T, r Reply) *Sheet {
	t.Helper()
	s, err := r.Sheet("fr")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantSaid(t *testing.T, s *Sheet, want ...string) {
	t.Helper()
	said := strings.Join(s.Text(), " ")
	for _, w := range want {
		if !strings.Contains(said, w) {
			t.Errorf("the page doesn't say %q; it says: %s", w, said)
		}
	}
}

func TestAReplySaysWhatTheKitWants(t *testing.T) {
	wantSaid(t, sheetOf(t, full()), "Hémato-oncologie pédiatrique", "CHU de Sainte-Marie-lès-Forêts", "02 41 35 40 00", "Zéro fax", "ATTENTION",
		"sera coupée le 31/12/2026", "secretariat.hemato@chu-smf.mssante.fr", "(@chu-smf.fr)", "zerofax@chu-smf.fr")
	mild := full()
	mild.Model = Project
	if said := strings.Join(sheetOf(t, mild).Text(), " "); strings.Contains(said, "coupée") {
		t.Errorf("the model that tells no day says %s", said)
	}
	bare := Reply{Model: Closing}
	wantSaid(t, sheetOf(t, bare), "prochainement", "……")
	if got, want := bare.Missing(), []string{"address", "contact", "cutoff"}; !slices.Equal(got, want) {
		t.Errorf("missing are %v, want %v", got, want)
	}
}

func TestAPosterSaysHowToSendWithoutFax(t *testing.T) {
	s, err := full().Poster("fr")
	if err != nil {
		t.Fatal(err)
	}
	wantSaid(t, s, "Pensez sécurité plutôt que", "fax !", "DPI", "annuaire.sante.fr", "secretariat.hemato@chu-smf.mssante.fr", "31/12/2026")
}

func TestWhateverIsSaidFitsOnItsPage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.StringOfN(rapid.SampledFrom([]rune("abcdéÉœ’-@. W")), 0, 150, -1)
		r := Reply{
			Model: Closing, House: words.Draw(t, "house"), Service: words.Draw(t, "service"), Number: "0241354000",
			Addresses: []string{words.Draw(t, "address")}, Contact: words.Draw(t, "contact"),
		}
		for _, lay := range []func(string) (*Sheet, error){r.Sheet, r.Poster} {
			s, err := lay("fr")
			if err != nil {
				t.Fatal(err)
			}
			f, _ := readFonts()
			for _, x := range s.texts {
				if right := x.x + x.size*f.width(x.words, x.bold); x.y > pageHeight-margin+1 || right > pageWidth-margin+0.1 {
					t.Fatalf("%q ends at %.1f, %.1f mm, outside of the margin", x.words, right, x.y)
				}
			}
		}
	})
}

func TestATIFFIsOneFinePageOfFaxOfA4(t *testing.T) {
	var out bytes.Buffer
	if err := sheetOf(t, full()).WriteTIFF(&out); err != nil {
		t.Fatal(err)
	}
	file := out.Bytes()
	tags := map[uint16]uint32{}
	directory := file[binary.LittleEndian.Uint32(file[4:]):]
	for i := range int(binary.LittleEndian.Uint16(directory)) {
		entry := directory[2+12*i:]
		tags[binary.LittleEndian.Uint16(entry)] = binary.LittleEndian.Uint32(entry[8:])
	}
	for tag, want := range map[uint16]uint32{256: 1728, 257: 2287, 258: 1, 259: 4, 262: 0, 277: 1, 278: 2287, 296: 2, 297: 1 << 16} {
		if tags[tag] != want {
			t.Errorf("tag %d is %d, want %d", tag, tags[tag], want)
		}
	}
	for tag, want := range map[uint16]uint32{282: 204, 283: 196} {
		if got := binary.LittleEndian.Uint32(file[tags[tag]:]); got != want {
			t.Errorf("resolution of tag %d is %d, want %d", tag, got, want)
		}
	}
	shown, err := tiff.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := sheetOf(t, full()).Bitmap()
	if err != nil {
		t.Fatal(err)
	}
	for i, dot := range drawn.Pix {
		want := [2]uint32{0xffff, 0}[dot]
		if r, _, _, _ := shown.At(i%dotsWide, i/dotsWide).RGBA(); r != want {
			t.Fatalf("dot %d of line %d is shown as %#x, want %#x", i%dotsWide, i/dotsWide, r, want)
		}
	}
	if ink := bytes.Count(drawn.Pix, []byte{1}); ink < 50_000 || ink > 600_000 {
		t.Errorf("%d dots are black, want a page of letters", ink)
	}
}

func TestEqualPagesAreEqualFiles(t *testing.T) {
	var one, other bytes.Buffer
	at := time.Date(2026, 10, 31, 8, 0, 0, 0, time.UTC)
	for _, out := range []*bytes.Buffer{&one, &other} {
		if err := sheetOf(t, full()).WritePDF(out, at); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), other.Bytes()) || !bytes.HasPrefix(one.Bytes(), []byte("%PDF-")) {
		t.Error("the same page twice is not the same PDF")
	}
}

func books() Books {
	return Books{
		At: wire.TimeOf(time.Date(2026, 10, 15, 12, 0, 0, 0, time.UTC)), Location: time.UTC,
		Register: &ledger.Register{
			Establishments: map[string]ledger.Establishment{"chu": {ID: "chu", Name: "CHU"}},
			Services:       map[string]ledger.Service{"saas": {ID: "saas", Establishment: "chu", Name: "SAAS"}, "smur": {ID: "smur", Establishment: "chu", Name: "SMUR"}},
		},
		Lines: []ledger.Line{
			{ID: "0241354000", Number: "0241354000", Service: "saas", Establishment: "chu", Cutoff: "2026-12-01"},
			{ID: "0241354001", Number: "0241354001", Service: "saas", Establishment: "chu", Cutoff: "2026-11-01"},
			{ID: "0241354002", Number: "0241354002", Service: "saas", Establishment: "chu", CutOn: "2026-10-01"},
			{ID: "0241354003", Number: "0241354003", Service: "smur", Establishment: "chu", KeptReason: "urgences"},
		},
		Mailboxes: []ledger.Mailbox{
			{Address: "old@chu.mssante.fr", Kind: "ORG", Service: "saas", Establishment: "chu", State: ledger.MailboxPublished},
			{Address: "old@chu.mssante.fr", From: "2026-09-01", Kind: "ORG", Service: "saas", Establishment: "chu", State: ledger.NoMailbox},
			{Address: "p.martin@chu.mssante.fr", Kind: "PER", Service: "saas", Establishment: "chu", State: ledger.MailboxPublished},
			{Address: "saas@chu.mssante.fr", Kind: "ORG", Service: "saas", Establishment: "chu", State: ledger.MailboxPublished},
		},
		Followups: []ledger.Followup{
			{Kind: ledger.Contact, Subject: "it", Contact: "02 41 00 00 00"},
			{Kind: ledger.Contact, Subject: "lead", Establishment: "chu", Contact: "zerofax@chu.fr"},
		},
	}
}

func TestARepliesDataAreThoseOfItsLine(t *testing.T) {
	b := books()
	r := b.OfLine(&b.Lines[0], Closing, "")
	if r.Service != "SAAS" || r.House != "CHU" || r.Cutoff != "2026-12-01" || r.Contact != "zerofax@chu.fr" || r.Intranet != "@chu.fr" ||
		!slices.Equal(r.Addresses, []string{"saas@chu.mssante.fr"}) {
		t.Errorf("got %+v", r)
	}
	if got := b.OfLine(&b.Lines[2], Closing, "2026-12-24").Cutoff; got != "" {
		t.Errorf("a line that was cut says that it will be on %s", got)
	}
	if got := b.OfService("saas", Closing).Cutoff; got != "2026-11-01" {
		t.Errorf("the service's first day to come is %q, want 2026-11-01", got)
	}
	smur := b.OfLine(&b.Lines[3], Closing, "2027-01-10")
	if smur.Cutoff != "2027-01-10" || !slices.Equal(smur.Addresses, []string{"@chu.mssante.fr"}) {
		t.Errorf("a line without a day of its own or an address of its service has %q and %v, want its wave's day and its house's domain", smur.Cutoff, smur.Addresses)
	}
}

func TestABundleHoldsBothRepliesOfEachLineThatLivesAndAPoster(t *testing.T) {
	b := books()
	b.Lines[2].State = ledger.Cut
	var out bytes.Buffer
	made, err := b.WriteZIP(&out, Order{Folder: "vague-2", Services: []string{"saas", "smur", "gone"}, Planned: "2026-12-24", Language: "fr"})
	if err != nil {
		t.Fatal(err)
	}
	file, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range file.File {
		names = append(names, f.Name)
	}
	want := []string{"vague-2/saas/affiche.pdf"}
	for _, line := range []string{"saas/0241354000", "saas/0241354001", "smur/0241354003"} {
		if line == "smur/0241354003" {
			want = append(want, "vague-2/smur/affiche.pdf")
		}
		for _, name := range []string{"fax-type-1-demarche.pdf", "fax-type-1-demarche.tif", "fax-type-2-coupure.pdf", "fax-type-2-coupure.tif"} {
			want = append(want, "vague-2/"+line+"/"+name)
		}
	}
	if want = append(want, "vague-2/LISEZMOI.txt"); !slices.Equal(names, want) {
		t.Errorf("the bundle holds %q, want %q", names, want)
	}
	if made.Lines != 3 || made.Services != 2 || made.Files != len(want) || len(made.Gaps) != 0 {
		t.Errorf("it is said to be %+v, want 3 lines of 2 services in %d files, with nothing missing", made, len(want))
	}
}

func TestOfALineThatIsKeptNobodyIsToldThatItWillBeCut(t *testing.T) {
	b := books()
	b.Lines[3].State = ledger.Kept
	var out bytes.Buffer
	if _, err := b.WriteZIP(&out, Order{Folder: "vague-2", Services: []string{"smur"}, Planned: "2026-12-24", Language: "fr"}); err != nil {
		t.Fatal(err)
	}
	file, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range file.File {
		if strings.Contains(f.Name, "coupure") || strings.Contains(f.Name, "affiche") {
			t.Errorf("the bundle holds %s of a service that keeps its only line", f.Name)
		}
	}
}

func TestABundleSaysWhatIsToBeFilledIn(t *testing.T) {
	b := books()
	b.Followups = nil
	var out bytes.Buffer
	made, err := b.WriteZIP(&out, Order{Folder: "ligne", Lines: []string{"0241354003"}, Language: "fr"})
	if err != nil {
		t.Fatal(err)
	}
	want := Gap{"0241354003", []string{"contact", "cutoff"}}
	if len(made.Gaps) != 1 || made.Gaps[0].Of != want.Of || !slices.Equal(made.Gaps[0].Missing, want.Missing) {
		t.Errorf("gaps are %+v, want %+v", made.Gaps, want)
	}
	if _, err := b.WriteZIP(io.Discard, Order{Folder: "x", Services: []string{"gone"}, Language: "fr"}); !errors.Is(err, ErrNothing) {
		t.Errorf("an order of nothing gives %v, want %v", err, ErrNothing)
	}
}
