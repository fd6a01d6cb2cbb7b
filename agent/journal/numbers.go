package journal

import (
	"fmt"
	"strings"
)

// Numbers says which phone numbers, extensions and devices are fax lines.
type Numbers struct {
	exact  map[string]bool
	starts []string
}

// NewNumbers reads a list of numbers and extensions (02 41 35 45 12, 4512), of their beginnings (024135*), and of
// devices as the call records name them (VGC0A1B2C3*, PJSIP/fax-*). Upper and lower case are the same.
func NewNumbers(list []string) (Numbers, error) {
	n := Numbers{exact: map[string]bool{}}
	for i, text := range list {
		start, open := strings.CutSuffix(strings.TrimSpace(text), "*")
		start = plain(start)
		switch {
		case start == "" || strings.Contains(start, "*"):
			return Numbers{}, fmt.Errorf("numbers[%d] %q: want a number, an extension or a device, or the beginning of some with * behind it", i, text)
		case open:
			n.starts = append(n.starts, start)
		default:
			n.exact[start] = true
		}
	}
	return n, nil
}

// Empty tells whether no number is named.
func (n Numbers) Empty() bool { return len(n.exact) == 0 && len(n.starts) == 0 }

// Has tells whether a number or device, as call records write it, is a fax line's.
func (n Numbers) Has(text string) bool {
	if text == "" {
		return false
	}
	text = plain(text)
	if n.exact[text] {
		return true
	}
	for _, start := range n.starts {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}

// plain is a number without what people and exchanges put around it: separators, +33, and the 0 for an outside line.
// A device's name only loses its upper case.
func plain(text string) string {
	if strings.ContainsAny(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz") {
		return strings.ToLower(strings.TrimSpace(text))
	}
	text = strings.ReplaceAll(text, "(0)", "")
	text = strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c == '+' || c == '*' || c == '#' {
			return c
		}
		return -1
	}, text)
	for _, france := range [...]string{"+33", "0033"} {
		if rest, ok := strings.CutPrefix(text, france); ok && len(rest) == 9 {
			return "0" + rest
		}
	}
	if len(text) == 11 && strings.HasPrefix(text, "00") {
		return text[1:]
	}
	return text
}
