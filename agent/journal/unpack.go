package journal

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// Unpack is what a file holds that compress (.Z) or gzip may have packed; other files are as they are.
func Unpack(file io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(file, 64<<10)
	magic, err := buffered.Peek(3)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(buffered)
	case len(magic) == 3 && bytes.HasPrefix(magic, []byte{0x1f, 0x9d}):
		_, _ = buffered.Discard(3)
		return newCompressed(buffered, magic[2])
	}
	return buffered, nil
}

// compressed reads what Unix compress wrote: LZW whose codes grow from 9 bits to at most 16, low bits first. Codes
// come in groups of eight of one width; where the width changes, the rest of the group is filling.
type compressed struct {
	file    *bufio.Reader
	most    uint // bits of the longest code
	reset   bool // code 256 begins the table anew
	width   uint
	next    int // the code that the next entry gets
	prefix  []uint16
	suffix  []byte
	before  int // the code before; -1: none
	begins  byte
	bits    uint32 // read and not used
	held    uint
	inGroup int // codes used of the group
	out     []byte
	stack   []byte
	err     error
}

const clearCode = 256

func newCompressed(file *bufio.Reader, flags byte) (io.Reader, error) {
	most := uint(flags & 0x1f)
	if most < 9 || most > 16 || flags&0x60 != 0 {
		return nil, fmt.Errorf("compressed with %d bits; want 9 to 16", most)
	}
	c := &compressed{file: file, most: most, reset: flags&0x80 != 0, prefix: make([]uint16, 1<<most), suffix: make([]byte, 1<<most)}
	for i := range clearCode {
		c.suffix[i] = byte(i)
	}
	c.clear()
	return c, nil
}

func (c *compressed) clear() {
	c.width, c.before, c.next = 9, -1, clearCode
	if c.reset {
		c.next++
	}
}

func (c *compressed) Read(p []byte) (int, error) {
	for len(c.out) == 0 && c.err == nil {
		c.err = c.step()
	}
	if len(c.out) == 0 {
		return 0, c.err
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// step turns one code into bytes.
func (c *compressed) step() error {
	code, err := c.code()
	if err != nil {
		return err
	}
	if code == clearCode && c.reset {
		if err := c.fill(); err != nil {
			return err
		}
		c.clear()
		return nil
	}
	if c.before < 0 && code > 255 || code > c.next || code == c.next && c.before < 0 {
		return errors.New("compressed file is damaged")
	}
	c.stack = c.stack[:0]
	at := code
	if code == c.next { // the entry that this very code completes
		c.stack, at = append(c.stack, c.begins), c.before
	}
	for at >= clearCode {
		c.stack, at = append(c.stack, c.suffix[at]), int(c.prefix[at])
	}
	c.begins = byte(at)
	c.stack = append(c.stack, c.begins)
	c.out = c.out[:0]
	for i := len(c.stack) - 1; i >= 0; i-- {
		c.out = append(c.out, c.stack[i])
	}
	return c.enter(code)
}

// enter adds the entry that a code completes.
func (c *compressed) enter(code int) error {
	if c.before >= 0 && c.next < 1<<c.most {
		c.prefix[c.next], c.suffix[c.next] = uint16(c.before), c.begins
		c.next++
	}
	c.before = code
	if c.next == 1<<c.width && c.width < c.most {
		if err := c.fill(); err != nil {
			return err
		}
		c.width++
	}
	return nil
}

// code reads the next code.
func (c *compressed) code() (int, error) {
	for c.held < c.width {
		b, err := c.file.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) && c.bits != 0 {
				return 0, io.ErrUnexpectedEOF
			}
			return 0, err
		}
		c.bits |= uint32(b) << c.held
		c.held += 8
	}
	code := int(c.bits & (1<<c.width - 1))
	c.bits >>= c.width
	c.held -= c.width
	c.inGroup = (c.inGroup + 1) % 8
	return code, nil
}

// fill reads over what fills up a group. A file may end instead.
func (c *compressed) fill() error {
	for c.inGroup != 0 {
		if _, err := c.code(); err != nil {
			return io.EOF
		}
	}
	return nil
}
