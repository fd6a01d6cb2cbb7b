package indicators

import (
	"math"
	"slices"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const (
	forecastMonths   = 12  // the newest that a forecast rests on; what was longer ago says little of today's pace
	fewestMonths     = 4   // with fewer a slope is chance
	farthest         = 240 // months ahead: no slope holds for 20 years
	fourOfFiveChance = 1.2816
)

// EnoughWatched is the share of a month's days with less of which its figure is not the month's.
const EnoughWatched = 0.8

// Point is what a figure was in a month.
type Point struct {
	Month   ledger.Month
	Value   *int64  // nil: unknown
	Watched float64 // share of the month's days, 0 to 1
}

// NoForecast is why nothing can be said of when a figure reaches zero.
type NoForecast string

// The reasons.
const (
	TooFewMonths NoForecast = "too_few"     // known ones
	Incomplete   NoForecast = "incomplete"  // known months are enough, those that were watched well enough are not
	NotFalling   NoForecast = "not_falling" // the slope is level or rises
	TooSlow      NoForecast = "too_slow"    // zero is more than 20 years away
)

// Forecast is when a figure reaches zero if it goes on as it did in its last months.
type Forecast struct {
	Zero        ledger.Month // at the middle slope
	Early, Late ledger.Month // with four chances of five between them; Late is 0 where it may never be
	Reached     bool         // the last month known was zero, and Zero is the first of those that were
	Slope       float64      // a month, the middle one
	From, To    ledger.Month // the first and last month that it rests on
	Months      int          // how many they are
	No          NoForecast   // empty: the forecast stands

	middle, low, high course
}

// course is a line over months.
type course struct{ slope, level float64 }

func (c course) at(m ledger.Month) float64 { return max(0, c.level+c.slope*ordinal(m)) }

// At is what the figure comes to in a month, and between which values with four chances of five. Only a forecast
// that stands says so.
func (f *Forecast) At(m ledger.Month) (low, middle, high float64) {
	a, b, c := f.low.at(m), f.middle.at(m), f.high.at(m)
	return min(a, b, c), b, max(a, b, c)
}

// ForecastZero looks at the points of complete months, oldest first. Slope and range are Theil's and Sen's: the
// median of the slopes between all pairs of months, and those slopes between which the true one lies with four
// chances of five (Sen, 1968). One odd month moves them little. An unknown month is left out, and is not zero.
func ForecastZero(points []Point) (f Forecast) {
	points = points[max(0, len(points)-forecastMonths):]
	var used []Point
	knownMonths := 0
	for _, p := range points {
		if p.Value == nil {
			continue
		}
		knownMonths++
		if p.Watched >= EnoughWatched {
			used = append(used, p)
		}
	}
	if len(used) > 0 {
		f.From, f.To, f.Months = used[0].Month, used[len(used)-1].Month, len(used)
	}
	switch {
	case knownMonths < fewestMonths:
		f.No = TooFewMonths
	case len(used) < fewestMonths:
		f.No = Incomplete
	case *used[len(used)-1].Value == 0:
		f.reached(used)
	default:
		f.extend(used)
	}
	return f
}

// reached is since when the figure is zero.
func (f *Forecast) reached(used []Point) {
	f.Reached = true
	for i := len(used) - 1; i >= 0 && *used[i].Value == 0; i-- {
		f.Zero = used[i].Month
	}
	f.Early, f.Late = f.Zero, f.Zero
}

// extend draws the lines of the middle and the outer slopes on to zero.
func (f *Forecast) extend(used []Point) {
	slopes := pairwise(used)
	low, high := senRanks(len(used), len(slopes))
	f.Slope = median(slopes)
	f.middle, f.low, f.high = through(used, f.Slope), through(used, slopes[low]), through(used, slopes[high])
	if f.Slope >= 0 {
		f.No = NotFalling
		return
	}
	middle := f.crossing(f.middle)
	if middle == 0 {
		f.No = TooSlow
		return
	}
	f.Zero, f.Early = middle, middle
	if early := f.crossing(f.low); early != 0 {
		f.Early = min(middle, early)
	}
	if late := f.crossing(f.high); late != 0 {
		f.Late = max(middle, late)
	}
}

// through is the line of a slope through the middle of the points.
func through(points []Point, slope float64) course {
	levels := make([]float64, len(points)) // at month 0, as each point tells it
	for i, p := range points {
		levels[i] = float64(*p.Value) - slope*ordinal(p.Month)
	}
	return course{slope, median(levels)}
}

// crossing is the first month in which a line is at zero or below, the month after the last known one at the
// earliest; 0 if there is none before the farthest.
func (f *Forecast) crossing(c course) ledger.Month {
	if c.slope >= 0 {
		return 0
	}
	ahead := max(1, math.Ceil(-c.level/c.slope-1e-9)-ordinal(f.To))
	if ahead > farthest {
		return 0
	}
	return f.To.Add(int(ahead))
}

// pairwise are the slopes between all pairs of points, in ascending order.
func pairwise(points []Point) (slopes []float64) {
	for i, a := range points {
		for _, b := range points[i+1:] {
			slopes = append(slopes, float64(*b.Value-*a.Value)/(ordinal(b.Month)-ordinal(a.Month)))
		}
	}
	slices.Sort(slopes)
	return slopes
}

// senRanks are the places of the outer slopes among the pairwise ones of n points.
func senRanks(n, pairs int) (low, high int) {
	spread := fourOfFiveChance * math.Sqrt(float64(n*(n-1)*(2*n+5))/18)
	low = max(0, int(math.Floor((float64(pairs)-spread)/2))-1)
	return low, pairs - 1 - low
}

// median of values, which may be sorted by it.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// ordinal counts months through.
func ordinal(m ledger.Month) float64 { return float64(int(m)/100*12 + int(m)%100 - 1) }
