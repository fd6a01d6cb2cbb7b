package register

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	finessForm  = regexp.MustCompile(`^([0-9]{2}|2[AB])[0-9]{7}$`)
	communeForm = regexp.MustCompile(`^([0-9]{2}|2[AB])[0-9]{3}$`)
)

// finess is a FINESS number as it is kept, and what is doubtful about it. A wrong one is kept too.
func finess(text string) (code, doubt string) {
	code = strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	if len(code) == 8 && onlyDigits(code) && luhn("0"+code) { // Excel ate the 0
		code = "0" + code
	}
	switch {
	case code == "":
		return "", ""
	case !finessForm.MatchString(code):
		return code, fmt.Sprintf("%q is no FINESS number; want 9 digits", text)
	case onlyDigits(code) && !luhn(code): // nobody says how Corsica's 2A and 2B count
		return code, fmt.Sprintf("FINESS %s: its last digit doesn't fit the others; is a digit wrong?", code)
	}
	return code, ""
}

// luhn tells whether the last digit is the check of the others.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		n := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return sum%10 == 0
}

// commune is the INSEE code of a commune as it is kept, and what is doubtful about it.
func commune(text string) (code, doubt string) {
	code = strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	if len(code) == 4 && onlyDigits(code) { // Excel ate the 0
		code = "0" + code
	}
	if code != "" && !communeForm.MatchString(code) {
		return text, fmt.Sprintf("%q is no INSEE code of a commune; want 5 characters such as 49007 or 2A004, not the postal code", text)
	}
	return code, ""
}

// IsFINESS tells whether text has the form of a FINESS number, whether or not its key is right.
func IsFINESS(text string) bool { return finessForm.MatchString(strings.ToUpper(text)) }

// IsRPPS tells whether text is an RPPS number: 11 digits, the last of which is the check of the others.
func IsRPPS(text string) bool { return len(text) == 11 && onlyDigits(text) && luhn(text) }
