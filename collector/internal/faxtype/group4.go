package faxtype

import "image"

// group4 codes dots as a machine does them on the line (ITU-T T.6, MMR), for widths up to 1728: no maintained library
// for Go writes it.
func group4(dots *image.Paletted) []byte {
	var out bits
	width := dots.Bounds().Dx()
	above := make([]uint8, width) // white
	for y := range dots.Bounds().Dy() {
		row := dots.Pix[y*dots.Stride:][:width]
		out.row(row, above)
		above = row
	}
	out.put("000000000001") // end of the block, twice the end of a line
	out.put("000000000001")
	return out.bytes
}

// bits are written from the highest of each byte on.
type bits struct {
	bytes []byte
	free  int // in the last byte
}

func (b *bits) put(code string) {
	for _, c := range code {
		if b.free == 0 {
			b.bytes, b.free = append(b.bytes, 0), 8
		}
		b.free--
		b.bytes[len(b.bytes)-1] |= byte(c-'0') << b.free
	}
}

// vertical are the codes of a change that lies so many dots right of the one above, from -3 to 3.
var vertical = [7]string{"0000010", "000010", "010", "1", "011", "000011", "0000011"}

// row codes a line after the one above. The names of changes are those of T.6, 2.2.1.
func (b *bits) row(row, above []uint8) {
	a0, color := -1, uint8(0)
	for a0 < len(row) {
		a1 := change(row, a0, color)
		b1 := opposite(above, a0, color)
		b2 := change(above, b1, 1-color)
		switch off := a1 - b1; {
		case b2 < a1: // pass
			b.put("0001")
			a0 = b2
		case off >= -3 && off <= 3:
			b.put(vertical[off+3])
			a0, color = a1, 1-color
		default: // horizontal
			a2 := change(row, a1, 1-color)
			b.put("001")
			b.run(a1-max(a0, 0), color)
			b.run(a2-a1, 1-color)
			a0 = a2
		}
	}
}

// change is the first dot right of x that is not of a color, len(row) where all are.
func change(row []uint8, x int, color uint8) int {
	for x = max(x, 0); x < len(row) && row[x] == color; x++ {
	}
	return x
}

// opposite is b1: the first dot right of a0 at which the line changes to the other color than the one that is coded.
func opposite(row []uint8, a0 int, color uint8) int {
	before := uint8(0) // left of the line is white
	if a0 >= 0 {
		before = row[a0]
	}
	for x := a0 + 1; x < len(row); x++ {
		if row[x] != before && row[x] != color {
			return x
		}
		before = row[x]
	}
	return len(row)
}

// run codes so many dots of a color, 1728 at most and then some.
func (b *bits) run(length int, color uint8) {
	if whole := length / 64; whole > 0 {
		b.put(makeUp[color][whole-1])
	}
	b.put(terminating[color][length%64])
}

// terminating are the codes of 0 to 63 dots, white and black (T.4, table 2).
var terminating = [2][64]string{
	{
		"00110101", "000111", "0111", "1000", "1011", "1100", "1110", "1111",
		"10011", "10100", "00111", "01000", "001000", "000011", "110100", "110101",
		"101010", "101011", "0100111", "0001100", "0001000", "0010111", "0000011", "0000100",
		"0101000", "0101011", "0010011", "0100100", "0011000", "00000010", "00000011", "00011010",
		"00011011", "00010010", "00010011", "00010100", "00010101", "00010110", "00010111", "00101000",
		"00101001", "00101010", "00101011", "00101100", "00101101", "00000100", "00000101", "00001010",
		"00001011", "01010010", "01010011", "01010100", "01010101", "00100100", "00100101", "01011000",
		"01011001", "01011010", "01011011", "01001010", "01001011", "00110010", "00110011", "00110100",
	},
	{
		"0000110111", "010", "11", "10", "011", "0011", "0010", "00011",
		"000101", "000100", "0000100", "0000101", "0000111", "00000100", "00000111", "000011000",
		"0000010111", "0000011000", "0000001000", "00001100111", "00001101000", "00001101100", "00000110111", "00000101000",
		"00000010111", "00000011000", "000011001010", "000011001011", "000011001100", "000011001101", "000001101000", "000001101001",
		"000001101010", "000001101011", "000011010010", "000011010011", "000011010100", "000011010101", "000011010110", "000011010111",
		"000001101100", "000001101101", "000011011010", "000011011011", "000001010100", "000001010101", "000001010110", "000001010111",
		"000001100100", "000001100101", "000001010010", "000001010011", "000000100100", "000000110111", "000000111000", "000000100111",
		"000000101000", "000001011000", "000001011001", "000000101011", "000000101100", "000001011010", "000001100110", "000001100111",
	},
}

// makeUp are those of 64, 128, … 1728 dots (T.4, table 3).
var makeUp = [2][27]string{
	{
		"11011", "10010", "010111", "0110111", "00110110", "00110111", "01100100", "01100101", "01101000",
		"01100111", "011001100", "011001101", "011010010", "011010011", "011010100", "011010101", "011010110", "011010111",
		"011011000", "011011001", "011011010", "011011011", "010011000", "010011001", "010011010", "011000", "010011011",
	},
	{
		"0000001111", "000011001000", "000011001001", "000001011011", "000000110011", "000000110100", "000000110101", "0000001101100", "0000001101101",
		"0000001001010", "0000001001011", "0000001001100", "0000001001101", "0000001110010", "0000001110011", "0000001110100", "0000001110101", "0000001110110",
		"0000001110111", "0000001010010", "0000001010011", "0000001010100", "0000001010101", "0000001011010", "0000001011011", "0000001100100", "0000001100101",
	},
}
