package polling

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func TestAWindowIsOpenByTheClockOnTheWall(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ window, at, opens string }{
		{"", "2026-03-10T12:00:00+01:00", "2026-03-10T12:00:00+01:00"},
		{"22:00-05:00", "2026-03-10T23:59:59+01:00", "2026-03-10T23:59:59+01:00"},
		{"22:00-05:00", "2026-03-10T04:59:59+01:00", "2026-03-10T04:59:59+01:00"},
		{"22:00-05:00", "2026-03-10T05:00:00+01:00", "2026-03-10T22:00:00+01:00"},
		{"22:00-05:00", "2026-03-10T21:59:30+01:00", "2026-03-10T22:00:00+01:00"},
		{"12:30-13:00", "2026-03-10T13:00:00+01:00", "2026-03-11T12:30:00+01:00"},
		{"00:00-06:00", "2026-03-10T23:00:00+01:00", "2026-03-11T00:00:00+01:00"},
		// On 29 March 2026 there is no 02:00 to 03:00.
		{"02:30-04:00", "2026-03-29T01:59:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"02:15-02:45", "2026-03-29T01:00:00+01:00", "2026-03-30T02:15:00+02:00"},
		{"22:00-05:00", "2026-03-29T04:30:00+02:00", "2026-03-29T04:30:00+02:00"},
		// On 25 October 2026 there are two.
		{"02:30-02:45", "2026-10-25T02:45:00+02:00", "2026-10-25T02:30:00+01:00"},
		{"02:30-02:45", "2026-10-25T02:45:00+01:00", "2026-10-26T02:30:00+01:00"},
		{"22:00-05:00", "2026-10-25T05:00:00+01:00", "2026-10-25T22:00:00+01:00"},
	} {
		w, err := ParseWindow(test.window)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		got := w.Opens(at.In(paris))
		if want, _ := time.Parse(time.RFC3339, test.opens); !got.Equal(want) {
			t.Errorf("%q at %s: opens %s, want %s", test.window, test.at, got, test.opens)
		}
		if w.Open(at.In(paris)) != (test.at == test.opens) {
			t.Errorf("%q at %s: open is %v", test.window, test.at, w.Open(at.In(paris)))
		}
		if w.String() != test.window {
			t.Errorf("got %q, want %q", w, test.window)
		}
	}
	if w, _ := ParseWindow("22:00-05:00"); w.Length() != 7*time.Hour {
		t.Errorf("got %s, want 7h", w.Length())
	}
}

func TestWhatIsNoWindowIsRefused(t *testing.T) {
	for _, text := range []string{"night", "22-5", "22:00", "24:00-05:00", "22:60-05:00", "2:00-5:00", "22:00-05:00 ", "22:00-22:00", "+2:00-05:00"} {
		if w, err := ParseWindow(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, w)
		}
	}
}
