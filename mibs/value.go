package mibs

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// States, the worst last: where a value says several things the worst counts.
var (
	lineRank    = []string{string(wire.LineUnknown), string(wire.LineIdle), string(wire.LineBusy), string(wire.LineDown)}
	serviceRank = []string{
		string(wire.ServiceUnknown), string(wire.ServiceReady),
		string(wire.ServiceAttention), string(wire.ServiceUnavailable),
	}
)

// keys are what a value is called in a profile's lists and maps: its text, or one key a bit.
func keys(as string, v Value) []string {
	switch as {
	case asMask:
		return maskKeys(v)
	case asBits:
		return bitKeys(v)
	case asBitsOrNumber:
		if len(v.Bytes) == 1 {
			return []string{strconv.Itoa(int(v.Bytes[0]))}
		}
		return bitKeys(v)
	}
	if as == asSubunit {
		return subunitKeys(v)
	}
	return []string{strings.ToLower(v.Text())}
}

// subunitKeys: 0 (available and idle) is a state as well as 1 to 7, and may stand beside alerts.
func subunitKeys(v Value) []string {
	n, ok := v.Number()
	if !ok || n < 0 {
		return nil
	}
	return append(maskKeys(Value{Kind: Integer, Int: n &^ 7}), strconv.FormatInt(n&7, 10))
}

func maskKeys(v Value) []string {
	n, ok := v.Number()
	if !ok || n < 0 {
		return nil
	}
	var set []string
	for bit := int64(1); bit > 0 && bit <= n; bit <<= 1 {
		if n&bit != 0 {
			set = append(set, strconv.FormatInt(bit, 10))
		}
	}
	return set
}

const (
	noBit  = "none"
	anyKey = "any"
)

func bitKeys(v Value) []string {
	var set []string
	for i, b := range v.Bytes[:min(len(v.Bytes), 64)] {
		for bit := range 8 {
			if b&(0x80>>bit) != 0 {
				set = append(set, strconv.Itoa(i*8+bit))
			}
		}
	}
	if len(set) == 0 && v.Kind == OctetString {
		return []string{noBit}
	}
	return set
}

// state is what the value means; ok is false if the profile doesn't say.
func (s *stateRule) state(v Value, rank []string) (state string, ok bool) {
	worst := -1
	for _, key := range keys(s.As, v) {
		state, known := s.Map[key]
		if !known && key != noBit {
			state, known = s.Map[anyKey]
		}
		if known {
			worst = max(worst, slices.Index(rank, state))
		}
	}
	if worst >= 0 {
		return rank[worst], true
	}
	r := s.rangeOf(v)
	if r == nil {
		return "", false
	}
	return s.Map[r.key], true
}

func (s *stateRule) rangeOf(v Value) *numberRange {
	n, isNumber := v.Number()
	for i := range s.ranges {
		if r := &s.ranges[i]; isNumber && r.from <= n && n <= r.to {
			return r
		}
	}
	return nil
}

// says is the value as evidence, beginning with a comma. A number out of a range is not told, or a
// count of busy channels would be news in every reading; nor what an empty word stands for.
func (s *stateRule) says(v Value) string {
	text, named := wordFor(s.Words, v)
	if r := s.rangeOf(v); r != nil && !named {
		text = r.text
	}
	if text == "" {
		return ""
	}
	return ", " + s.What + " " + text
}

// numberRange is a key of a map such as 1.. or 2..4.
type numberRange struct {
	key, text string
	from, to  int64
}

func (c *checker) ranges(at []any, given map[string]string) []numberRange {
	var ranges []numberRange
	for _, key := range slices.Sorted(maps.Keys(given)) {
		from, to, isRange := strings.Cut(key, "..")
		if !isRange {
			continue
		}
		r := numberRange{key: key, text: from + " or more", to: math.MaxInt64}
		var err error
		if r.from, err = strconv.ParseInt(from, 10, 64); err == nil && to != "" {
			r.to, err = strconv.ParseInt(to, 10, 64)
			r.text = from + " to " + to
		}
		if err != nil || r.to < r.from {
			c.doc.Fault(append(slices.Clone(at), key), "%q; want a value, or numbers such as 1.. or 2..4", key)
		}
		ranges = append(ranges, r)
	}
	return ranges
}

func (f *faxRule) fits(v Value) bool {
	return f.Matches.fits(v.Text()) || slices.ContainsFunc(keys(f.As, v), func(key string) bool { return slices.Contains(f.Is, key) })
}

// fits tells whether a value of the row's column is the one that is looked for.
func (r *row) fits(v Value) bool {
	text := v.Text()
	switch {
	case r.Except.fits(text):
		return false
	case r.Matches.fits(text), slices.Contains(r.Is, strings.ToLower(text)):
		return true
	}
	return r.Below != "" && v.Kind == ObjectID && (v.OID == r.Below || below(r.Below, v.OID))
}

// text is what the rule makes of a value, empty if that is nothing to call a device by.
func (t *textRule) text(v Value) string {
	if t.As == asSymbolSet {
		v = withoutSymbolSet(v)
	}
	text := v.Text()
	if t.Take.Regexp != nil {
		groups := t.Take.FindStringSubmatch(text)
		if groups == nil {
			return ""
		}
		text = strings.TrimSpace(groups[1])
	}
	if masked(text) {
		return ""
	}
	return cut(text, wire.MaxText)
}

// withoutSymbolSet strips the two bytes by which HP says in which character set a text is:
// 0115 (Roman-8), FDE8 (UTF-8) and others, of which none begins as a text would.
func withoutSymbolSet(v Value) Value {
	if v.Kind == OctetString && len(v.Bytes) >= 2 && (v.Bytes[0] < ' ' || v.Bytes[0] > '~') {
		v.Bytes = v.Bytes[2:]
	}
	return v
}

// maxFloat is up to where a float32 knows every whole number: beyond it, adding one page changes nothing.
const maxFloat = 1 << 24

// float reads four bytes of IEEE 754; ok is false for what can't be a count.
func (v Value) float() (f float64, ok bool) {
	if v.Kind != OctetString || len(v.Bytes) != 4 {
		return 0, false
	}
	f = float64(math.Float32frombits(binary.BigEndian.Uint32(v.Bytes)))
	return f, f >= 0 && f < maxFloat // and so no NaN
}

// cut shortens a text to at most size bytes, at a letter's edge.
func cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size], "")
}
