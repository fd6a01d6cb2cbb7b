package wire

import (
	"fmt"
	"time"
)

// Time is an instant in Unix milliseconds, written as RFC 3339 in UTC with three
// decimals ("2026-10-01T08:00:00.123Z"). 0 means not told.
type Time int64

// TimeOf is t cut to milliseconds.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Std is t as a time.Time in UTC; the zero time if t is 0.
func (t Time) Std() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t)).UTC()
}

// Add is t moved by d.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Sub is the time from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }

// String is t as it is written on the wire.
func (t Time) String() string { return string(t.append(nil)) }

const layout = "2006-01-02T15:04:05.000Z"

func (t Time) append(dst []byte) []byte {
	return time.UnixMilli(int64(t)).UTC().AppendFormat(dst, layout)
}

// MarshalJSON writes a JSON string. Years beyond 9999 have no RFC 3339 form and are an error.
func (t Time) MarshalJSON() ([]byte, error) {
	if std := time.UnixMilli(int64(t)); !writable(std) {
		return nil, fmt.Errorf("time %d: year %d has no RFC 3339 form", int64(t), std.UTC().Year())
	}
	dst := make([]byte, 0, len(layout)+2)
	dst = append(dst, '"')
	dst = t.append(dst)
	return append(dst, '"'), nil
}

// UnmarshalJSON reads any RFC 3339 time, and null as 0.
func (t *Time) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = 0
		return nil
	}
	if len(data) < 2 || data[0] != '"' || data[len(data)-1] != '"' {
		return fmt.Errorf("time %s: want an RFC 3339 string", clip(string(data)))
	}
	text := string(data[1 : len(data)-1])
	std, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !writable(std) {
		return fmt.Errorf("time %q: want RFC 3339", clip(text))
	}
	*t = TimeOf(std)
	return nil
}

// writable tells whether t has an RFC 3339 form in UTC: 9999-12-31T23:59:59-01:00 has none.
func writable(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 0 && year <= 9999
}
