package polling

import (
	"fmt"
	"time"
)

// Window is the time of day in which ranges are swept. The zero value is the whole day.
type Window struct {
	from, to int // minutes since midnight; to before from: over midnight
}

// ParseWindow reads times of day such as 22:00-05:00; nothing means the whole day.
func ParseWindow(text string) (Window, error) {
	if text == "" {
		return Window{}, nil
	}
	var h1, m1, h2, m2 int
	_, err := fmt.Sscanf(text, "%2d:%2d-%2d:%2d", &h1, &m1, &h2, &m2)
	w := Window{h1*60 + m1, h2*60 + m2}
	if err != nil || w.String() != text || max(h1, h2) > 23 || max(m1, m2) > 59 || w.from == w.to {
		return Window{}, fmt.Errorf("%q; want times of day such as 22:00-05:00, or nothing", text)
	}
	return w, nil
}

// String is the window as ParseWindow reads it.
func (w Window) String() string {
	if w.Always() {
		return ""
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", w.from/60, w.from%60, w.to/60, w.to%60)
}

// Always tells whether it never closes.
func (w Window) Always() bool { return w.from == w.to }

// Open tells whether t is within it, by what a clock on the wall in t's time zone shows.
func (w Window) Open(t time.Time) bool {
	hour, minute, _ := t.Clock()
	now := hour*60 + minute
	switch {
	case w.Always():
		return true
	case w.from < w.to:
		return w.from <= now && now < w.to
	}
	return now >= w.from || now < w.to
}

// Opens is when it is open next: t itself if it is. It looks at each minute, which is right
// also in the nights in which an hour is missing or comes twice.
func (w Window) Opens(t time.Time) time.Time {
	for !w.Open(t) {
		t = t.Truncate(time.Minute).Add(time.Minute)
	}
	return t
}

// Length is how long it is open a day.
func (w Window) Length() time.Duration {
	const day = 24 * 60
	if w.Always() {
		return day * time.Minute
	}
	return time.Duration((w.to-w.from+day)%day) * time.Minute
}
