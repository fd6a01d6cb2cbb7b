package poll

import (
	"testing"
	"time"
)

func TestOnlyRestartsAtTheSameTimeAfterALookAreSuspect(t *testing.T) {
	for name, test := range map[string]struct {
		every time.Duration
		after []float64 // seconds from look to restart, one restart an hour
		rests int
	}{
		"always 31 s, more or less":            {time.Minute, []float64{31, 32.5, 30.5, 31.2}, 1},
		"three only":                           {time.Minute, []float64{31, 31, 31}, 0},
		"at any time":                          {time.Minute, []float64{3, 41, 22, 58, 17, 35}, 0},
		"at any time, then always 31 s":        {time.Minute, []float64{3, 41, 31, 31, 31, 31}, 1},
		"others in between":                    {time.Minute, []float64{31, 31, 31, 12, 31, 31, 31}, 0},
		"switched off for hours in between":    {time.Minute, []float64{31, 31, 7200, 31, 31}, 1},
		"always off for as long":               {time.Minute, []float64{7200, 7200, 7200, 7200, 7200}, 0},
		"once more when it was left alone":     {time.Minute, []float64{31, 31, 31, 31, 31, 31}, 3},
		"a wider spread at a longer interval":  {10 * time.Minute, []float64{130, 126, 128, 129}, 1},
		"too wide a spread at a short one":     {10 * time.Second, []float64{5, 4.6, 5.2, 5.1}, 0},
		"a narrow spread at a short one":       {10 * time.Second, []float64{5, 4.8, 5.1, 5.1}, 1},
		"its first restarts":                   {time.Minute, nil, 0},
		"too narrow an interval for any proof": {time.Second, []float64{0.5, 0.6, 0.4, 0.5}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var r restarts
			for i, s := range test.after {
				now := time.Duration(i+1) * time.Hour
				after := time.Duration(s * float64(time.Second))
				if r.add(restart{now, after, after}, test.every) {
					r.trial = now + r.rest() + leftAlone
				}
			}
			if r.rests != test.rests {
				t.Errorf("got left alone %d times, want %d", r.rests, test.rests)
			}
		})
	}
}

func TestRestartsOfDifferentDaysProveNothing(t *testing.T) {
	for days, want := range map[float64]bool{0.1: true, 0.3: true, 0.5: false, 1: false} {
		var r restarts
		suspect := false
		for i := range 100 {
			at := time.Duration(float64(i) * days * float64(24*time.Hour))
			suspect = suspect || r.add(restart{at, 31 * time.Second, 31 * time.Second}, time.Minute)
		}
		if suspect != want {
			t.Errorf("one each %g days: got suspect %v, want %v", days, suspect, want)
		}
	}
}

func TestADeviceIsLeftAloneForTwiceAsLongEachTime(t *testing.T) {
	for rests, want := range map[int]time.Duration{1: 1, 2: 2, 3: 4, 4: 8, 9: 8} {
		r := restarts{rests: rests}
		if got := r.rest(); got != want*leftAlone {
			t.Errorf("the %dth time: got %s, want %d days", rests, got, want)
		}
	}
}
