package mibs

import (
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
		return bitKeys(v.Bytes)
	case asBitsOrNumber:
		if len(v.Bytes) == 1 {
			return []string{strconv.Itoa(int(v.Bytes[0]))}
		}
		return bitKeys(v.Bytes)
	}
	return []string{strings.ToLower(v.Text())}
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

func bitKeys(raw []byte) []string {
	var set []string
	for i, b := range raw[:min(len(raw), 64)] {
		for bit := range 8 {
			if b&(0x80>>bit) != 0 {
				set = append(set, strconv.Itoa(i*8+bit))
			}
		}
	}
	return set
}

// state is what the value means; ok is false if the profile doesn't say.
func (s *stateRule) state(v Value, rank []string) (state string, ok bool) {
	worst := -1
	for _, key := range keys(s.As, v) {
		if state, known := s.Map[key]; known {
			worst = max(worst, slices.Index(rank, state))
		}
	}
	if worst < 0 {
		return "", false
	}
	return rank[worst], true
}

func (f *faxRule) fits(v Value) bool {
	return slices.ContainsFunc(keys(f.As, v), func(key string) bool { return slices.Contains(f.Is, key) })
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

// cut shortens a text to at most size bytes, at a letter's edge.
func cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size], "")
}
