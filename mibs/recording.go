package mibs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Recording is what a device once answered, sorted by OID. It is an Asker, so that
// everything that reads devices can read recordings. Safe for use by many goroutines at
// once unless one of them calls Put.
type Recording struct {
	varbinds []Varbind
	Warnings []string // lines that could not be read, OIDs that stood there twice
}

// NewRecording makes a recording of varbinds in any order; of an OID given twice the first counts.
func NewRecording(varbinds []Varbind) *Recording {
	r := &Recording{varbinds: slices.Clone(varbinds)}
	slices.SortStableFunc(r.varbinds, func(a, b Varbind) int { return CompareOIDs(a.OID, b.OID) })
	r.varbinds = slices.CompactFunc(r.varbinds, func(a, b Varbind) bool {
		if a.OID != b.OID {
			return false
		}
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s stands there twice; the first value counts", a.OID))
		return true
	})
	return r
}

// Varbinds are all objects in the order of a walk. Not to be changed.
func (r *Recording) Varbinds() []Varbind { return r.varbinds }

// Put adds an object or replaces its value.
func (r *Recording) Put(oid string, value Value) {
	at, found := r.find(oid)
	if found {
		r.varbinds[at].Value = value
		return
	}
	r.varbinds = slices.Insert(r.varbinds, at, Varbind{OID: oid, Value: value})
}

// Get is part of Asker.
func (r *Recording) Get(ctx context.Context, oids []string) (Answers, error) {
	answers := make(Answers, len(oids))
	for _, oid := range oids {
		if at, found := r.find(oid); found {
			answers[oid] = r.varbinds[at].Value
		}
	}
	return answers, ctx.Err()
}

// Column is part of Asker.
func (r *Recording) Column(ctx context.Context, root string, max int) ([]Varbind, error) {
	at, _ := r.find(root)
	var column []Varbind
	for ; at < len(r.varbinds) && len(column) < max; at++ {
		switch {
		case below(root, r.varbinds[at].OID):
			column = append(column, r.varbinds[at])
		case r.varbinds[at].OID != root:
			return column, ctx.Err()
		}
	}
	return column, ctx.Err()
}

// Next is the first object behind oid, as GETNEXT tells it; ok is false at the end.
func (r *Recording) Next(oid string) (next Varbind, ok bool) {
	at, found := r.find(oid)
	if found {
		at++
	}
	if at == len(r.varbinds) {
		return Varbind{}, false
	}
	return r.varbinds[at], true
}

func (r *Recording) find(oid string) (at int, found bool) {
	return sort.Find(len(r.varbinds), func(i int) int { return CompareOIDs(oid, r.varbinds[i].OID) })
}

// ParseRecording reads either form, whichever the first line with an OID is in.
func ParseRecording(in io.Reader) (*Recording, error) {
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
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

// ParseWalk reads the text that `snmpwalk -On` prints. What can't be read becomes a warning;
// only a file without any object is an error.
func ParseWalk(in io.Reader) (*Recording, error) {
	lines, err := readLines(in)
	if err != nil {
		return nil, err
	}
	var p parser
	for i := 0; i < len(lines); {
		oid, value, ok := cutWalkLine(lines[i])
		first := i
		for i++; ok && i < len(lines); i++ { // texts and hex run over several lines
			if _, _, next := cutWalkLine(lines[i]); next {
				break
			}
			value += "\n" + strings.TrimRight(lines[i], "\r")
		}
		switch {
		case ok:
			p.walk(first+1, oid, value)
		case strings.TrimSpace(lines[first]) != "":
			p.warn(first+1, "%q is no line of a walk", clip(lines[first]))
		}
	}
	return p.recording()
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

// cutWalkLine takes ".1.3.6.1 = STRING: x" apart.
func cutWalkLine(line string) (oid, value string, ok bool) {
	left, right, found := strings.Cut(strings.TrimRight(line, "\r"), " =")
	if !found {
		return "", "", false
	}
	oid, err := ParseOID(left)
	return oid, strings.TrimPrefix(right, " "), err == nil
}

func (p *parser) walk(line int, oid, text string) {
	if strings.HasPrefix(text, "No Such ") || strings.HasPrefix(text, "No more variables") {
		return // the device doesn't have it
	}
	value, err := walkValue(text)
	if err != nil {
		p.warn(line, "%s: %v", oid, err)
		return
	}
	p.varbinds = append(p.varbinds, Varbind{OID: oid, Value: value})
}

var kindOfWord = map[string]Kind{
	"INTEGER": Integer, "UINTEGER": Gauge, "STRING": OctetString, "Hex-STRING": OctetString, "BITS": OctetString,
	"OID": ObjectID, "IpAddress": IPAddress, "Network Address": IPAddress, "Counter32": Counter, "Gauge32": Gauge,
	"Unsigned32": Gauge, "Timeticks": TimeTicks, "Counter64": Counter64, "Opaque": OctetString,
}

func walkValue(text string) (Value, error) {
	if strings.HasPrefix(text, "Wrong Type (") { // a type that net-snmp's own MIB files contradict
		_, text, _ = strings.Cut(text, "): ")
	}
	switch strings.TrimSpace(text) {
	case `""`, "":
		return Value{Kind: OctetString, Bytes: []byte{}}, nil
	case "NULL":
		return Value{Kind: Null}, nil
	}
	word, rest, _ := strings.Cut(text, ":")
	kind, known := kindOfWord[word]
	if !known {
		return Value{}, fmt.Errorf("%q; want a type such as INTEGER: or STRING:", clip(text))
	}
	if rest = strings.TrimPrefix(rest, " "); word == "Hex-STRING" || word == "BITS" || word == "Network Address" {
		return hexBytes(kind, rest)
	}
	if kind == OctetString {
		return Value{Kind: kind, Bytes: []byte(unquote(rest))}, nil
	}
	return parseValue(kind, bareNumber(strings.TrimSpace(rest)))
}

// hexBytes reads "00 1B 2C"; what net-snmp puts behind the bytes of BITS ("0 idle(0)") is no hex and ends them.
func hexBytes(kind Kind, text string) (Value, error) {
	v := Value{Kind: kind, Bytes: []byte{}}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == '\n' || r == ':' }) {
		b, err := strconv.ParseUint(part, 16, 8)
		if len(part) != 2 || err != nil {
			break
		}
		v.Bytes = append(v.Bytes, byte(b))
	}
	if kind == IPAddress && len(v.Bytes) != 4 {
		return Value{}, fmt.Errorf("%q; want four bytes", clip(text))
	}
	return v, nil
}

func unquote(text string) string {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return text
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text[1 : len(text)-1])
}

// bareNumber finds the number in "up(1)", "(4711) 0:00:47.11" and "5 pages".
func bareNumber(text string) string {
	if _, inner, ok := strings.Cut(text, "("); ok {
		number, _, _ := strings.Cut(inner, ")")
		return number
	}
	number, _, _ := strings.Cut(text, " ")
	return number
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
