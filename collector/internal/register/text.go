package register

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// clean is the form in which texts are kept: on one line, without spaces around it and doubled ones.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && !unicode.IsSpace(r) { // nobody sees them
			return -1
		}
		return r
	}, text)
	return norm.NFC.String(strings.Join(strings.Fields(text), " "))
}

var (
	ligatures = strings.NewReplacer("œ", "oe", "æ", "ae", "ß", "ss", "’", "'", "‘", "'")
	dashes    = strings.NewReplacer("‐", "-", "‑", "-", "‒", "-", "–", "-", "—", "-")
)

// fold is a text by which it is found whatever its accents and capitals.
func fold(text string) string {
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
	return dashes.Replace(ligatures.Replace(strings.Join(strings.Fields(bare), " ")))
}

// letters are only the letters and digits of a folded text, as headers are compared.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, fold(text))
}

const maxSlug = 60

// slug is an id made of a name, empty if nothing of it can stand in one.
func slug(name string) string {
	var id strings.Builder
	for _, r := range fold(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			id.WriteRune(r)
		case id.Len() > 0 && !strings.HasSuffix(id.String(), "-"):
			id.WriteByte('-')
		}
		if id.Len() == maxSlug {
			break
		}
	}
	return strings.Trim(id.String(), "-")
}

// isID tells whether text has the form of an id.
func isID(text string) bool { return text != "" && slug(text) == text }

// guarded is a text that no spreadsheet takes for a formula; unguarded takes the guard away again.
func guarded(text string) string {
	if risky(strings.TrimLeft(text, "'")) {
		return "'" + text
	}
	return text
}

func unguarded(text string) string {
	if bare, ok := strings.CutPrefix(text, "'"); ok && risky(strings.TrimLeft(bare, "'")) {
		return bare
	}
	return text
}

func risky(text string) bool { return text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) }

// nearest is the one of some words that a text was probably meant to be, empty if none is near.
func nearest(text string, words []string) (near string) {
	least := 2 + len(text)/4
	for _, word := range words {
		if d := distance(letters(text), letters(word)); d < least {
			least, near = d, word
		}
	}
	return near
}

// distance is how many letters must be added, left out or changed to make one text of another.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			other := diagonal
			if a[i] != b[j] {
				other++
			}
			diagonal = row[j+1]
			row[j+1] = min(other, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// Guarded is a text that no spreadsheet takes for a formula.
func Guarded(text string) string { return guarded(text) }
