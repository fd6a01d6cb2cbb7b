package faxtype

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"
)

// WriteTIFF writes the sheet as a page of fax: TIFF profile F (RFC 2301), which machines load, in Group 4.
func (s *Sheet) WriteTIFF(w io.Writer) error {
	dots, err := s.Bitmap()
	if err != nil {
		return err
	}
	if err := writeTIFF(w, dots); err != nil {
		return fmt.Errorf("write %q as TIFF: %w", s.Title, err)
	}
	return nil
}

// Types of fields (TIFF 6.0, section 2).
const (
	short    = 3
	long     = 4
	rational = 5
)

// field is an entry of the directory, in the order of tags.
type field struct {
	Tag, Type    uint16
	Count, Value uint32
}

// writeTIFF writes: header, dots, both resolutions, directory.
func writeTIFF(w io.Writer, dots *image.Paletted) error {
	const header = 8
	data := group4(dots)
	if len(data)%2 == 1 {
		data = append(data, 0) // what follows begins on a word
	}
	resolutions := uint32(header + len(data))
	size := dots.Bounds().Size()
	fields := []field{
		{254, long, 1, 2},                          // NewSubfileType: a page
		{256, long, 1, uint32(size.X)},             // ImageWidth
		{257, long, 1, uint32(size.Y)},             // ImageLength
		{258, short, 1, 1},                         // BitsPerSample
		{259, short, 1, 4},                         // Compression: T.6
		{262, short, 1, 0},                         // PhotometricInterpretation: 0 is white
		{266, short, 1, 1},                         // FillOrder: the highest bit first
		{273, long, 1, header},                     // StripOffsets
		{277, short, 1, 1},                         // SamplesPerPixel
		{278, long, 1, uint32(size.Y)},             // RowsPerStrip
		{279, long, 1, resolutions - header},       // StripByteCounts
		{282, rational, 1, resolutions},            // XResolution
		{283, rational, 1, resolutions + 8},        // YResolution
		{293, long, 1, 0},                          // T6Options
		{296, short, 1, 2},                         // ResolutionUnit: inch
		{297, short, 2, uint32(0) | uint32(1)<<16}, // PageNumber: the first of one
	}
	var out bytes.Buffer
	for _, part := range []any{
		[]byte("II*\x00"), resolutions + 16, data,
		[]uint32{204, 1, 196, 1},
		uint16(len(fields)), fields, uint32(0),
	} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	_, err := out.WriteTo(w)
	return err
}
