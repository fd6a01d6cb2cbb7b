package register

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Dialling is what must be known of a hospital's telephone system to understand its numbers.
// The zero value is none of it.
type Dialling struct {
	OutsidePrefix   string // dialled before outside numbers, usually 0; may stand in lists of numbers
	ExtensionLength int    // numbers of so many digits or fewer, but at least 3, are extensions; 0 = none are
	SDAPrefix       string // what makes, with an extension's last digits, the number of 10 digits by which it is reached from outside
}

// Number is a phone number.
type Number struct {
	// Key is the one form of it by which lines are told apart: the 10 national digits of a French
	// number, overseas too; E.164 of a foreign one. Empty where only an extension was given.
	Key       string
	Extension string // empty: none was given
}

// Read reads a number as people write it, or a range (« 02 41 35 40 00 à 99 »). rest is what
// stands behind it and was not read, such as a second number after a slash.
func (d Dialling) Read(text string) (numbers []Number, rest string, err error) {
	if len(text) > 100 {
		return nil, "", fmt.Errorf("%q… is too long for a phone number", text[:20])
	}
	clean := simpler(text)
	if numbers := d.one(clean); numbers != nil {
		return numbers, "", nil
	}
	if numbers, err := d.span(clean); numbers != nil || err != nil {
		return numbers, "", err
	}
	if first, rest, cut := cutAt(clean, "/;,"); cut {
		if numbers := d.one(first); numbers != nil {
			return numbers, rest, nil
		}
		if numbers, err := d.span(first); numbers != nil || err != nil {
			return numbers, rest, err
		}
	}
	return nil, "", fmt.Errorf("%q %s", text, d.why(clean))
}

// simpler is text with plain spaces and dashes, without marks that nobody sees.
func simpler(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Pd, r), r == '−':
			return '-'
		case unicode.Is(unicode.Cf, r): // zero width, direction
			return -1
		}
		return unicode.ToLower(r)
	}, text))
}

func cutAt(text, marks string) (before, after string, found bool) {
	i := strings.IndexAny(text, marks)
	if i < 0 {
		return text, "", false
	}
	return strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+1:]), true
}

var withExtension = regexp.MustCompile(`^(.*?)[ ,.;/(-]*\b(?:poste|post|extension|ext|p|x)[ .:]*([0-9]{1,8})\)?$`)

// one reads a single number, nil if it is none.
func (d Dialling) one(text string) []Number {
	if key := d.full(text); key != "" {
		return []Number{{Key: key}}
	}
	if extension := d.extension(text); extension != "" {
		return []Number{{Key: d.direct(extension), Extension: extension}}
	}
	if m := withExtension.FindStringSubmatch(text); m != nil {
		if m[1] == "" {
			return []Number{{Extension: m[2]}}
		}
		if key := d.full(m[1]); key != "" {
			return []Number{{Key: key, Extension: m[2]}}
		}
	}
	return nil
}

var written = strings.NewReplacer(" ", "", ".", "", "-", "", "/", "", "(", "", ")", "")

// full is the key of a whole number, empty if it is none.
func (d Dialling) full(text string) string {
	text = written.Replace(strings.Replace(text, "(0)", "", 1))
	digits, abroad := strings.CutPrefix(text, "+")
	if !onlyDigits(digits) {
		return ""
	}
	if abroad {
		return international(digits)
	}
	if outside, ok := strings.CutPrefix(digits, d.OutsidePrefix); ok && d.OutsidePrefix != "" && national(outside) {
		return outside
	}
	switch {
	case strings.HasPrefix(digits, "00"):
		return international(digits[2:])
	case national(digits):
		return digits
	case len(digits) == 9 && digits[0] != '0': // Excel ate the 0
		return "0" + digits
	case len(digits) >= 11 && len(digits) <= 12: // Excel ate the +
		if key := international(digits); key != "" && key[0] == '0' {
			return key
		}
	}
	return ""
}

func onlyDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// national tells whether it is a French number of 10 digits.
func national(digits string) bool {
	return len(digits) == 10 && digits[0] == '0' && digits[1] != '0' && onlyDigits(digits)
}

// territories are the country codes of French numbers, and what their numbers begin with.
var territories = []struct {
	code   string
	begins []string
}{
	{"262", []string{"0262", "0263", "0269", "0639", "0692", "0693"}}, // La Réunion, Mayotte
	{"590", []string{"0590", "0690", "0691"}},                         // Guadeloupe, Saint-Martin, Saint-Barthélemy
	{"594", []string{"0594", "0694"}},                                 // Guyane
	{"596", []string{"0596", "0696", "0697"}},                         // Martinique
	{"508", []string{"0508"}},                                         // Saint-Pierre-et-Miquelon
}

// international is the key of a number that begins with its country code, empty if it is none.
func international(digits string) string {
	for _, t := range territories {
		rest, ok := strings.CutPrefix(digits, t.code)
		switch key := "0" + strings.TrimPrefix(rest, "0"); {
		case ok && t.code == "508" && len(rest) == 6:
			return "0508" + rest
		case ok && national(key) && (territory(key) == t.code || key[1] == '9'): // 09 is the same everywhere
			return key
		}
	}
	if rest, ok := strings.CutPrefix(digits, "33"); ok {
		if key := "0" + strings.TrimPrefix(rest, "0"); national(key) {
			return key
		}
		return ""
	}
	if len(digits) < 7 || len(digits) > 15 || digits[0] == '0' {
		return ""
	}
	return "+" + digits
}

// territory is the country code of a French number.
func territory(key string) string {
	for _, t := range territories {
		if slices.Contains(t.begins, key[:4]) {
			return t.code
		}
	}
	return "33"
}

// E164 is a key in international form: +33241354000.
func E164(key string) string {
	if !national(key) {
		return key
	}
	code := territory(key)
	if code == "508" {
		return "+508" + key[4:]
	}
	return "+" + code + key[1:]
}

// extension is text if it has the digits of an internal extension, else empty.
func (d Dialling) extension(text string) string {
	digits := written.Replace(text)
	if !onlyDigits(digits) || len(digits) < 3 || len(digits) > d.ExtensionLength || emergency(digits) {
		return ""
	}
	return digits
}

// direct is the number by which an extension is reached from outside, empty if that isn't known.
func (d Dialling) direct(extension string) string {
	last := 10 - len(d.SDAPrefix)
	if d.SDAPrefix == "" || len(extension) < last {
		return ""
	}
	return d.SDAPrefix + extension[len(extension)-last:]
}

func emergency(digits string) bool {
	return slices.Contains([]string{"15", "17", "18", "110", "112", "114", "115", "116", "119", "196", "197"}, digits)
}

var span = regexp.MustCompile(`^(.*[0-9]) ?(?:à|a|au|to|->|→|\.\.+|…|-) ?(\+?[0-9][0-9 .]*)$`)

// maxSpan is the largest block of numbers that is taken for one.
const maxSpan = 1000

// span reads « 02 41 35 40 00 à 99 »: the last digits, or all, of the last number. It returns
// nil if text is no range.
func (d Dialling) span(text string) ([]Number, error) {
	m := span.FindStringSubmatch(text)
	if m == nil {
		return nil, nil
	}
	first, end := d.full(m[1]), d.full(m[2])
	if end == "" {
		if digits := written.Replace(m[2]); len(digits) <= 4 && len(first) > len(digits) {
			end = first[:len(first)-len(digits)] + digits
		}
	}
	if !national(first) || !national(end) {
		return nil, nil
	}
	from, _ := strconv.Atoi(first)
	to, _ := strconv.Atoi(end)
	if to < from || to-from >= maxSpan {
		return nil, fmt.Errorf("%q is a range from %s to %s; want the lower number first, and at most %d numbers", text, first, end, maxSpan)
	}
	numbers := make([]Number, 0, to-from+1)
	for n := from; n <= to; n++ {
		numbers = append(numbers, Number{Key: fmt.Sprintf("%010d", n)})
	}
	return numbers, nil
}

var shortened = regexp.MustCompile(`^[0-9]+([.,][0-9]+)?e\+?[0-9]+$`)

// why says what is wrong with a number that can't be read.
func (d Dialling) why(text string) string {
	digits := written.Replace(strings.TrimPrefix(text, "+"))
	switch {
	case text == "":
		return "is empty; want a number"
	case shortened.MatchString(text):
		return "is a number as Excel shortens it; want the column formatted as text and the number typed again"
	case !onlyDigits(digits), len(digits) < 2:
		return "is no phone number; want 10 digits, such as 02 41 35 40 00"
	case emergency(digits), len(digits) == 4 && digits[0] == '3', strings.HasPrefix(digits, "118") && len(digits) == 6:
		return "is a short number; no fax line has one"
	case len(digits) == 14 && digits[0] == '0':
		return "is a number of 14 digits, for machines' data; no fax line has one"
	case strings.HasPrefix(text, "+"):
		return "is no number in international form; want +33 and 9 digits, such as +33 2 41 35 40 00"
	case len(digits) <= 6:
		return fmt.Sprintf("has %d digits; want all 10, or an extension in its own column (or numbers: {extension_length: %[1]d} in the configuration)", len(digits))
	}
	return fmt.Sprintf("has %d digits; want 10, such as 02 41 35 40 00", len(digits))
}
