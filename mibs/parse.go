package mibs

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
)

// ParseRecording reads either form, whichever the first line with an OID is in.
func ParseRecording(in io.Reader) (*Recording, error) {
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	data = fromWindows(data)
	for line := range bytes.Lines(data) {
		oid, _, piped := bytes.Cut(line, []byte("|"))
		if _, err := ParseOID(string(bytes.TrimSpace(oid))); piped && err == nil {
			return ParseSnmprec(bytes.NewReader(data))
		}
		if oid, _, equals := bytes.Cut(line, []byte(" = ")); equals {
			if _, err := ParseOID(string(oid)); err == nil {
				break
			}
		}
	}
	return ParseWalk(bytes.NewReader(data))
}

// fromWindows undoes what Windows' editors and PowerShell's > put a text into: a mark of UTF-8 before it, or UTF-16.
func fromWindows(data []byte) []byte {
	rest, utf16le := bytes.CutPrefix(data, []byte("\xff\xfe"))
	if !utf16le {
		return bytes.TrimPrefix(data, []byte("\ufeff"))
	}
	units := make([]uint16, len(rest)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(rest[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

func readLines(in io.Reader) ([]string, error) {
	var lines []string
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	return lines, nil
}

// parser collects what the lines of a recording give.
type parser struct {
	varbinds []Varbind
	warnings []string
}

func (p *parser) warn(line int, format string, args ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf("line %d: %s", line, fmt.Sprintf(format, args...)))
}

func (p *parser) recording() (*Recording, error) {
	if len(p.varbinds) == 0 {
		return nil, errors.New("read recording: no object in it; want lines like 1.3.6.1.2.1.1.1.0|4|text or .1.3.6.1.2.1.1.1.0 = STRING: \"text\"")
	}
	r := NewRecording(p.varbinds)
	r.Warnings = append(p.warnings, r.Warnings...)
	return r, nil
}

func parseValue(kind Kind, text string) (Value, error) {
	v := Value{Kind: kind}
	switch kind {
	case OctetString:
		v.Bytes = []byte(text)
	case ObjectID:
		oid, err := ParseOID(text)
		if err != nil {
			return Value{}, err
		}
		v.OID = oid
	case IPAddress:
		for part := range strings.SplitSeq(text, ".") {
			b, err := strconv.ParseUint(part, 10, 8)
			if err != nil {
				return Value{}, fmt.Errorf("%q; want an IPv4 address", clip(text))
			}
			v.Bytes = append(v.Bytes, byte(b))
		}
		if len(v.Bytes) != 4 {
			return Value{}, fmt.Errorf("%q; want an IPv4 address", clip(text))
		}
	case Integer:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return Value{}, fmt.Errorf("%q; want a whole number", clip(text))
		}
		v.Int = n
	case Counter, Gauge, TimeTicks, Counter64:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return Value{}, fmt.Errorf("%q; want a whole number, 0 or more", clip(text))
		}
		v.Int = int64(n)
	}
	return v, nil
}
