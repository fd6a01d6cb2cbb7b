package register

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var (
	isoDay    = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]00:00(?::00)?(?:\.0+)?Z?)?$`)
	frenchDay = regexp.MustCompile(`^([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{2}|[0-9]{4})(?: 00:00(?::00)?)?$`)
)

// ReadDay reads a day as people write it: 2026-12-31 or 31/12/2026; empty = none.
func ReadDay(text string) (ledger.Day, error) {
	if text == "" {
		return "", nil
	}
	var year, month, day string
	if m := isoDay.FindStringSubmatch(text); m != nil {
		year, month, day = m[1], m[2], m[3]
	} else if m := frenchDay.FindStringSubmatch(text); m != nil {
		day, month, year = m[1], m[2], m[3]
	} else {
		return "", fmt.Errorf("%q is no day; want 2026-12-31 or 31/12/2026", text)
	}
	if len(year) == 2 {
		return "", fmt.Errorf("%q has a year of 2 digits; want 4, such as %s/%s/20%s", text, day, month, year)
	}
	d, err := calendar(year, month, day)
	if _, swapped := calendar(year, day, month); err != nil && swapped == nil {
		err = fmt.Errorf("there is no month %s; want the day first, as in %s/%s/%s", month, month, day, year)
	}
	if err != nil {
		return "", fmt.Errorf("%q: %w", text, err)
	}
	return d, nil
}

func calendar(year, month, day string) (ledger.Day, error) {
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(day)
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if t.Year() != y || int(t.Month()) != m || t.Day() != d {
		return "", errors.New("there is no such day; want 2026-12-31 or 31/12/2026")
	}
	return ledger.Day(t.Format(time.DateOnly)), nil
}

// dayOf is the day of an instant in a zone.
func dayOf(t time.Time, zone *time.Location) ledger.Day {
	return ledger.Day(t.In(zone).Format(time.DateOnly))
}

// writtenDay is a day as a table of a language has it: 31/12/2026 in French, else 2026-12-31.
func writtenDay(day ledger.Day, language string) string {
	parts := strings.Split(string(day), "-")
	if language != "fr" || len(parts) != 3 {
		return string(day)
	}
	return parts[2] + "/" + parts[1] + "/" + parts[0]
}
