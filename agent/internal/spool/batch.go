package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

// entry is what is kept in memory of a batch on disk.
type entry struct {
	first, seq uint64 // numbers of the files; on the wire less position.base
	written    int64  // Unix milliseconds
	crc        uint32 // of the payload
	records    int32
	size       int32 // of the file in bytes
	read       bool  // false: could not be read at start, so crc, written and size are not known
	alone      bool  // not folded with the one behind it: too large, or it couldn't be read
	failing    int64 // since when it can't be read, Unix milliseconds; 0 = it can
}

const (
	ending = ".batch"
	beside = ".tmp"
)

// name shows the backlog to whoever lists the folder: numbers, and how many records.
func (e *entry) name() string {
	return fmt.Sprintf("%012d-%012d-r%d%s", e.first, e.seq, e.records, ending)
}

func parseName(name string) (entry, bool) {
	var e entry
	n, err := fmt.Sscanf(name, "%d-%d-r%d"+ending, &e.first, &e.seq, &e.records)
	if n != 3 || err != nil || e.name() != name || e.records < 0 ||
		e.first == 0 || e.first > e.seq || e.seq >= 1<<60 { // far from where sums overflow
		return entry{}, false
	}
	return e, true
}

// A batch file, little-endian: magic (8 bytes), length and CRC-32C of the payload (4, 4),
// first and seq (8, 8), records (4), Unix milliseconds of writing (8), CRC-32C of all that
// (4), payload. The numbers stand in the name too; a file under a wrong name is damaged.
const (
	magic      = "zfxspl\x00\x01"
	headerSize = 48
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// appendFile appends the file of e with payload, whose crc e already has.
func (e *entry) appendFile(dst, payload []byte) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.LittleEndian.AppendUint32(dst, e.crc)
	dst = binary.LittleEndian.AppendUint64(dst, e.first)
	dst = binary.LittleEndian.AppendUint64(dst, e.seq)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(e.records))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.written))
	dst = binary.LittleEndian.AppendUint32(dst, checksum(dst[start:]))
	return append(dst, payload...)
}

var errDamaged = errors.New("damaged")

// parseFile takes a file apart; the payload is part of data. Every error is errDamaged.
func parseFile(name string, data []byte) (e entry, payload []byte, err error) {
	damaged := func(why string) (entry, []byte, error) {
		return entry{}, nil, fmt.Errorf("%s: %w: %s", name, errDamaged, why)
	}
	if len(data) < headerSize || string(data[:len(magic)]) != magic {
		return damaged("no header")
	}
	header, crc := data[:headerSize-4], binary.LittleEndian.Uint32(data[headerSize-4:])
	if checksum(header) != crc {
		return damaged("wrong checksum of the header")
	}
	payload = data[headerSize:]
	e = entry{
		crc:     binary.LittleEndian.Uint32(data[12:]),
		first:   binary.LittleEndian.Uint64(data[16:]),
		seq:     binary.LittleEndian.Uint64(data[24:]),
		records: int32(binary.LittleEndian.Uint32(data[32:])),
		written: int64(binary.LittleEndian.Uint64(data[36:])),
		size:    int32(len(data)),
		read:    true,
	}
	switch {
	case uint64(binary.LittleEndian.Uint32(data[8:])) != uint64(len(payload)):
		return damaged("wrong length")
	case checksum(payload) != e.crc:
		return damaged("wrong checksum")
	case e.name() != name:
		return damaged("it belongs under the name " + e.name())
	}
	return e, payload, nil
}

func (e *entry) writtenAt() time.Time {
	if e.written == 0 {
		return time.Time{}
	}
	return time.UnixMilli(e.written).UTC()
}

// aside is a damaged file that was set aside under a name that says what it cost.
type aside struct {
	entry        // what its name says; zero if that was unreadable too
	count uint64 // the how manieth of this installation
	lost  int64  // records that were in it and nowhere else
	name  string
}

const badEnding = ".bad"

func asideName(name string, count uint64, lost int64) string {
	stem := strings.TrimSuffix(name, ending)
	if len(stem) > 100 { // a foreign name; file systems take 255 bytes
		stem = stem[:100]
	}
	return fmt.Sprintf("%s.%d.lost%d%s", stem, count, lost, badEnding)
}

func parseAside(name string) (a aside, ok bool) {
	stem, found := strings.CutSuffix(name, badEnding)
	last := strings.LastIndexByte(stem, '.')
	if !found || last < 0 {
		return aside{}, false
	}
	before := strings.LastIndexByte(stem[:last], '.')
	if before < 0 {
		return aside{}, false
	}
	n, err := fmt.Sscanf(stem[before:], ".%d.lost%d", &a.count, &a.lost)
	if n != 2 || err != nil || a.lost < 0 || a.lost > 1<<31 || a.count == 0 || a.count > 1<<31 {
		return aside{}, false
	}
	a.entry, _ = parseName(stem[:before] + ending)
	a.name = name
	return a, true
}
