package mibs

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

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
		return Value{}, fmt.Errorf("%q; want a type, such as INTEGER: or STRING: and a value", clip(text))
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
