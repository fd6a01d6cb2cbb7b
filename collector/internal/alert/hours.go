package alert

import (
	"fmt"
	"strings"
	"time"
)

// Hours is a time of day that may reach over midnight, as minutes since 00:00; both ends equal: none.
type Hours struct{ From, To int }

// ParseHours reads "20:00-07:00"; "" is none.
func ParseHours(text string) (Hours, error) {
	if text == "" {
		return Hours{}, nil
	}
	from, to, ok := strings.Cut(text, "-")
	begin, err1 := time.Parse("15:04", strings.TrimSpace(from))
	end, err2 := time.Parse("15:04", strings.TrimSpace(to))
	if !ok || err1 != nil || err2 != nil || begin.Equal(end) {
		return Hours{}, fmt.Errorf("%q; want hours such as 20:00-07:00", text)
	}
	return Hours{minutes(begin), minutes(end)}, nil
}

// Contain tells whether t lies in the hours, by the clock on the wall.
func (h Hours) Contain(t time.Time) bool {
	m := minutes(t)
	if h.From <= h.To {
		return h.From <= m && m < h.To
	}
	return m >= h.From || m < h.To
}

func minutes(t time.Time) int { return t.Hour()*60 + t.Minute() }

// digestHour is when the daily digest is due, unless that is in quiet hours: then when they end.
const digestHour = 8 * 60

// lastDigest is the latest instant up to now at which a digest is due; now is in the zone that people live in.
func lastDigest(now time.Time, quiet Hours) time.Time {
	at := digestHour
	if quiet.Contain(time.Date(2000, 1, 1, 0, digestHour, 0, 0, time.UTC)) {
		at = quiet.To
	}
	due := time.Date(now.Year(), now.Month(), now.Day(), 0, at, 0, 0, now.Location())
	if due.After(now) {
		due = time.Date(now.Year(), now.Month(), now.Day()-1, 0, at, 0, 0, now.Location())
	}
	return due
}
