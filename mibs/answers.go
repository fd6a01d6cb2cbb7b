package mibs

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is what sort of value an object has (RFC 2578, section 7.1).
type Kind uint8

// The kinds. Unsigned32 is Gauge, Opaque is OctetString.
const (
	Null Kind = iota
	Integer
	OctetString
	ObjectID
	IPAddress
	Counter
	Gauge
	TimeTicks // hundredths of a second
	Counter64
)

// Value is what a device answered for one object.
type Value struct {
	Kind  Kind
	Int   int64  // of Integer, Counter, Gauge, TimeTicks and Counter64 (beyond 2^63-1 it is negative)
	Bytes []byte // of OctetString and IPAddress (4 bytes), as received
	OID   string // of ObjectID: dotted, without a leading dot
}

// Varbind is an object and its value. OID is dotted, without a leading dot.
type Varbind struct {
	OID   string
	Value Value
}

// Answers are the values of one GET by OID. An object that the device doesn't have
// (noSuchObject, noSuchInstance, SNMPv1's noSuchName) is missing, as is one that it can't read.
type Answers map[string]Value

// Asker asks one device. OIDs are dotted, without a leading dot.
type Asker interface {
	// Get asks for all OIDs at once. An error means that the device as a whole didn't answer.
	Get(ctx context.Context, oids []string) (Answers, error)
	// Column tells the objects below root in order, at most max of them.
	Column(ctx context.Context, root string, max int) ([]Varbind, error)
}

// Quirks are what a device can't take. The zero value is an ordinary SNMPv2c agent.
type Quirks struct {
	V1      bool // speaks SNMPv1 only
	NoBulk  bool // GETBULK upsets it
	MaxOIDs int  // most OIDs it takes in one request; 0 = no known limit
}

// Number is the value as a number; ok is false for texts, object ids and null.
func (v Value) Number() (n int64, ok bool) {
	switch v.Kind {
	case Integer, Counter, Gauge, TimeTicks, Counter64:
		return v.Int, true
	}
	return 0, false
}

func (v Value) equal(w Value) bool {
	return v.Kind == w.Kind && v.Int == w.Int && v.OID == w.OID && bytes.Equal(v.Bytes, w.Bytes)
}

// keep is the value without the datagram that its bytes lie in.
func (v Value) keep() Value {
	v.Bytes = bytes.Clone(v.Bytes)
	return v
}

// Text is the value as people read it: valid UTF-8 without control characters, blanks at
// both ends cut. Old machines send Latin-1; bytes that are no UTF-8 are read as that.
func (v Value) Text() string {
	switch v.Kind {
	case OctetString:
		return cleanText(v.Bytes)
	case ObjectID:
		return v.OID
	case IPAddress:
		if len(v.Bytes) == 4 {
			return fmt.Sprintf("%d.%d.%d.%d", v.Bytes[0], v.Bytes[1], v.Bytes[2], v.Bytes[3])
		}
	case Integer, Counter, Gauge, TimeTicks, Counter64:
		return strconv.FormatInt(v.Int, 10)
	}
	return ""
}

func cleanText(raw []byte) string {
	text := string(raw)
	if !utf8.Valid(raw) {
		runes := make([]rune, len(raw))
		for i, b := range raw {
			runes[i] = rune(b)
		}
		text = string(runes)
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// ParseOID brings an OID into the form used here: dotted, at least two numbers below
// 2^32, no leading dot, no leading zeros.
func ParseOID(text string) (string, error) {
	parts := strings.Split(strings.TrimPrefix(text, "."), ".")
	if len(parts) < 2 || len(parts) > 128 {
		return "", fmt.Errorf("OID %q: want 2 to 128 numbers with dots between", clip(text))
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil || part[0] == '+' {
			return "", fmt.Errorf("OID %q: %q; want a number below 2^32", clip(text), clip(part))
		}
		parts[i] = strconv.FormatUint(n, 10)
	}
	return strings.Join(parts, "."), nil
}

// CompareOIDs orders OIDs as a walk does: number by number. Both are as ParseOID makes them.
func CompareOIDs(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
	}
	return len(a) - len(b)
}

// below tells whether oid lies below root.
func below(root, oid string) bool {
	return len(oid) > len(root) && oid[len(root)] == '.' && oid[:len(root)] == root
}

// clip keeps a foreign text short enough for a message.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
