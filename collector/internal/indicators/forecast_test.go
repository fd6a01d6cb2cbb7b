package indicators

import (
	"math/rand/v2"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// falls are fully watched months from January 2026 on; -1 is an unknown one.
func falls(values ...int64) (points []Point) {
	for i, v := range values {
		p := Point{Month: ledger.Month(202601).Add(i), Watched: 1}
		if v >= 0 {
			p.Value = &v
		}
		points = append(points, p)
	}
	return points
}

func poorly(points []Point, at ...int) []Point {
	for _, i := range at {
		points[i].Watched = 0.79
	}
	return points
}

func TestWhenZeroIsReached(t *testing.T) {
	for name, c := range map[string]struct {
		points            []Point
		zero, early, late ledger.Month
		reached           bool
		no                NoForecast
	}{
		"falls by 10 a month":                   {falls(100, 90, 80, 70), 202611, 202611, 202611, false, ""},
		"an unknown month is not zero":          {falls(100, -1, 80, 70, 60), 202611, 202611, 202611, false, ""},
		"nor is an unknown last one":            {falls(100, 90, 80, 70, -1), 202611, 202611, 202611, false, ""},
		"a month watched too little is nothing": {poorly(falls(100, 90, 0, 70, 60), 2), 202611, 202611, 202611, false, ""},
		"one odd month moves nothing":           {falls(100, 90, 80, 300, 60, 50, 40, 30), 202611, 202611, 202611, false, ""},
		"not before the month after the last":   {falls(1000, 500, 3, 2), 202605, 202605, 0, false, ""},
		"reached, and since when":               {falls(9, 5, 0, 0), 202603, 202603, 202603, true, ""},
		"zero once is not reached":              {falls(9, 0, 5, 4), 202607, 202605, 0, false, ""},
		"level":                                 {falls(5, 5, 5, 5), 0, 0, 0, false, NotFalling},
		"rising":                                {falls(5, 6, 7, 8), 0, 0, 0, false, NotFalling},
		"three months":                          {falls(30, 20, 10), 0, 0, 0, false, TooFewMonths},
		"four months, one unknown":              {falls(40, 30, -1, 10), 0, 0, 0, false, TooFewMonths},
		"four months, one watched too little":   {poorly(falls(40, 30, 20, 10), 3), 0, 0, 0, false, Incomplete},
		"a hundred years away":                  {falls(1203, 1202, 1201, 1200), 0, 0, 0, false, TooSlow},
		"nothing at all":                        {nil, 0, 0, 0, false, TooFewMonths},
		"only the last twelve months count":     {falls(9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1), 202801, 202801, 202801, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ForecastZero(c.points)
			if got.Zero != c.zero || got.Early != c.early || got.Late != c.late || got.Reached != c.reached || got.No != c.no {
				t.Errorf("got %+v, want zero in %d, between %d and %d, reached %v, no forecast for %q", got, c.zero, c.early, c.late, c.reached, c.no)
			}
		})
	}
}

func TestAFallAlongALineEndsExactlyInItsMonth(t *testing.T) {
	for range 500 {
		slope, n := 1+rand.Int64N(50), fewestMonths+rand.IntN(forecastMonths)
		ahead := 1 + rand.IntN(60)
		var values []int64
		for i := range n {
			values = append(values, slope*int64(n-1-i+ahead))
		}
		got, want := ForecastZero(falls(values...)), ledger.Month(202601).Add(n-1+ahead)
		if got.Zero != want || got.Early != want || got.Late != want {
			t.Fatalf("%v: got %+v, want exactly %d", values, got, want)
		}
	}
}

func TestNoiseWidensTheRangeAndAWrongMonthMoreNeverTurnsItOver(t *testing.T) {
	for range 500 {
		var values []int64
		for i := range forecastMonths {
			values = append(values, max(1, int64(40*(forecastMonths+6-i))+rand.Int64N(61)-30))
		}
		got := ForecastZero(falls(values...))
		if got.No != "" || got.Early > got.Zero || got.Late != 0 && got.Late < got.Zero {
			t.Fatalf("%v: got %+v, want a month within its range", values, got)
		}
		if got.Early <= 202612 {
			t.Fatalf("%v: got %+v, want nothing before the month after the last one, which was not zero", values, got)
		}
	}
	calm, wild := width(t, 5), width(t, 60)
	if calm >= wild {
		t.Errorf("ranges of %d months for little noise, %d for much: want the second wider", calm, wild)
	}
}

// width is how many months 200 ranges hold together, of a fall with so much noise.
func width(t *testing.T, noise int64) (months int) {
	t.Helper()
	chance := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var values []int64
		for i := range forecastMonths {
			values = append(values, int64(40*(forecastMonths+6-i))+chance.Int64N(2*noise+1)-noise)
		}
		f := ForecastZero(falls(values...))
		if f.Late == 0 {
			months += farthest
			continue
		}
		months += int(ordinal(f.Late) - ordinal(f.Early))
	}
	return months
}
