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
			n.starts = append(n.starts, nationalStart(start))
		default:
			n.exact[national(start)] = true
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
	number := national(text)
	if n.exact[number] {
		return true
	}
	for _, start := range n.starts {
		if strings.HasPrefix(number, start) || strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}

// plain is a number without what people and exchanges put around it: separators. A device's name only loses its upper case.
func plain(text string) string {
	if strings.ContainsAny(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz") {
		return strings.ToLower(strings.TrimSpace(text))
	}
	text = strings.ReplaceAll(text, "(0)", "")
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c == '+' || c == '*' || c == '#' {
			return c
		}
		return -1
	}, text)
}

// territories are the country codes of French numbers, which have 10 digits at home, overseas too. Behind 508 may stand
// the last 6 of them only. New Caledonia (687) and Polynesia (689) have numbers of their own.
var territories = [...]string{"33", "262", "590", "594", "596", "508"}

// national is a plain number in its one form, without the 0 for an outside line: the 10 digits of a French one, + and the
// country's code of a foreign one. What is none, such as an extension, stays as it is.
func national(text string) string {
	digits := strings.TrimLeft(text, "+0")
	lead := text[:len(text)-len(digits)]
	for _, code := range territories {
		rest, ok := strings.CutPrefix(digits, code)
		rest = strings.TrimPrefix(rest, "0")
		switch {
		case !ok:
		case len(rest) == 9:
			return "0" + rest
		case code == "508" && len(rest) == 6:
			return "0508" + rest
		}
	}
	switch {
	case len(digits) == 9 && lead != "+": // or a spreadsheet ate the 0
		return "0" + digits
	case len(digits) > 9 && len(lead) > 1: // 00, maybe behind the 0 for an outside line
		return "+" + digits
	}
	return text
}

// nationalStart is the beginning of numbers, +33241 or 0033241, as it is of those in their one form: 0241.
func nationalStart(text string) string {
	for _, code := range territories {
		rest, abroad := strings.CutPrefix(text, "+"+code)
		if !abroad {
			rest, abroad = strings.CutPrefix(text, "00"+code)
		}
		switch {
		case !abroad || rest == "":
		case code == "508" && !strings.HasPrefix(rest, code):
			return "0508" + rest
		default:
			return "0" + rest
		}
	}
	return text
}
