package register

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var (
	isoMonth    = regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})$`)
	frenchMonth = regexp.MustCompile(`^([0-9]{1,2})[/.-]([0-9]{4})$`)
	namedMonth  = regexp.MustCompile(`^([a-z]{3,9})[ .-]*([0-9]{4}|[0-9]{2})$`)
	monthNames  = [12][2]string{
		{"janvier", "january"},
		{"fevrier", "february"},
		{"mars", "march"},
		{"avril", "april"},
		{"mai", "may"},
		{"juin", "june"},
		{"juillet", "july"},
		{"aout", "august"},
		{"septembre", "september"},
		{"octobre", "october"},
		{"novembre", "november"},
		{"decembre", "december"},
	}
)

var errNoMonth = errors.New("want a month such as 2026-10, 10/2026 or octobre 2026")

// ReadMonth reads a month as people write it, and as Excel makes of it: 2026-10, 10/2026, octobre 2026,
// oct.-26, or the first day of it; empty = 0.
func ReadMonth(text string) (ledger.Month, error) {
	year, month := "", ""
	if text == "" {
		return 0, nil
	}
	if m := isoMonth.FindStringSubmatch(text); m != nil {
		year, month = m[1], m[2]
	} else if m := frenchMonth.FindStringSubmatch(text); m != nil {
		month, year = m[1], m[2]
	} else if m := namedMonth.FindStringSubmatch(fold(text)); m != nil {
		month, year = monthNamed(m[1]), m[2]
		if len(year) == 2 {
			year = "20" + year // a name leaves no doubt which of the two is the year
		}
	} else if day, err := ReadDay(text); err == nil {
		if !strings.HasSuffix(string(day), "-01") {
			return 0, fmt.Errorf("%q is a day; %w", text, errNoMonth)
		}
		year, month = string(day[:4]), string(day[5:7])
	}
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	if y < 1990 || y > 2199 || m < 1 || m > 12 {
		return 0, fmt.Errorf("%q is no month; %w", text, errNoMonth)
	}
	return ledger.Month(y*100 + m), nil
}

// monthNamed is the number of the only month whose name begins so, in either language.
func monthNamed(start string) (number string) {
	for i, names := range monthNames {
		if strings.HasPrefix(names[0], start) || strings.HasPrefix(names[1], start) {
			if number != "" {
				return ""
			}
			number = strconv.Itoa(i + 1)
		}
	}
	return number
}

// writtenMonth is a month as tables have it; 0 is empty.
func writtenMonth(m ledger.Month) string {
	if m == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%02d", int(m)/100, int(m)%100)
}

// readCount reads a whole number as people write it: 1200, 1 200. It isn't negative.
func readCount(text string) (int64, error) {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil && onlyDigits(digits) && len(digits) <= 12 {
		return n, nil
	}
	return 0, fmt.Errorf("%q is no whole number; want one such as 1200", text)
}
