package mibs

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ParseSnmprec reads snmpsim's form, OID|tag|value a line. A line that can't be read and
// a second value of an OID become warnings; only a file without any object is an error.
func ParseSnmprec(in io.Reader) (*Recording, error) {
	lines, err := readLines(in)
	if err != nil {
		return nil, err
	}
	var p parser
	for i, line := range lines {
		if line = strings.TrimRight(line, "\r"); strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		p.snmprec(i+1, line)
	}
	return p.recording()
}

func (p *parser) snmprec(line int, text string) {
	fields := strings.SplitN(text, "|", 3)
	if len(fields) != 3 {
		p.warn(line, "%q; want OID|tag|value", clip(text))
		return
	}
	oid, err := ParseOID(fields[0])
	if err != nil {
		p.warn(line, "%v", err)
		return
	}
	value, err := snmprecValue(fields[1], fields[2])
	if err != nil {
		p.warn(line, "%s: %v", oid, err)
		return
	}
	p.varbinds = append(p.varbinds, Varbind{OID: oid, Value: value})
}

var kindOfTag = map[string]Kind{
	"2": Integer, "4": OctetString, "5": Null, "6": ObjectID, "64": IPAddress, "65": Counter,
	"66": Gauge, "67": TimeTicks, "68": OctetString, "70": Counter64,
}

// snmprecValue reads a value by its ASN.1 tag; an x behind the tag means hexadecimal.
func snmprecValue(tag, text string) (Value, error) {
	number, isHex := strings.CutSuffix(tag, "x")
	kind, known := kindOfTag[number]
	if !known {
		return Value{}, fmt.Errorf("tag %q; want 2, 4, 4x, 5, 6, 64, 65, 66, 67 or 70", clip(tag))
	}
	if isHex {
		raw, err := hex.DecodeString(text)
		if err != nil || kind != OctetString && kind != IPAddress {
			return Value{}, fmt.Errorf("%q; want an even number of hexadecimal digits", clip(text))
		}
		return Value{Kind: kind, Bytes: raw}, nil
	}
	return parseValue(kind, text)
}

// WriteSnmprec writes what ParseSnmprec reads.
func (r *Recording) WriteSnmprec(out io.Writer) error {
	w := bufio.NewWriter(out)
	for _, vb := range r.varbinds {
		tag, text := snmprecText(vb.Value)
		fmt.Fprintf(w, "%s|%s|%s\n", vb.OID, tag, text)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}

func snmprecText(v Value) (tag, text string) {
	switch v.Kind {
	case Integer:
		return "2", strconv.FormatInt(v.Int, 10)
	case OctetString:
		if printable(v.Bytes) {
			return "4", string(v.Bytes)
		}
		return "4x", hex.EncodeToString(v.Bytes)
	case ObjectID:
		return "6", v.OID
	case IPAddress:
		return "64x", hex.EncodeToString(v.Bytes)
	case Counter:
		return "65", strconv.FormatUint(uint64(v.Int), 10)
	case Gauge:
		return "66", strconv.FormatUint(uint64(v.Int), 10)
	case TimeTicks:
		return "67", strconv.FormatUint(uint64(v.Int), 10)
	case Counter64:
		return "70", strconv.FormatUint(uint64(v.Int), 10)
	}
	return "5", ""
}

// printable tells whether text may stand in a line as it is: ASCII, and no blank at an end that an editor might cut.
func printable(text []byte) bool {
	for _, b := range text {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return len(text) == len(bytes.Trim(text, " "))
}
