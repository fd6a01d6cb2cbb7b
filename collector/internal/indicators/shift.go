package indicators

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// pastWeek is what some machines faxed in a week in which they were watched.
type pastWeek struct {
	at    ledger.Week
	count float64 // theirs
	rest  float64 // how busy the rest of the hospital was, as part of what is usual there; never 0
}

// level is the logarithm of what they faxed for as busy a week as usual. Half a page more keeps weeks without any in sight.
func (w pastWeek) level() float64 { return math.Log((w.count + .5) / w.rest) }

// habit is what machines use to fax: a straight line through the logarithms of what they faxed, as part of what the
// rest of the hospital did. So the season, holidays and the general decline are taken out by the rest of the hospital, and what
// grows or shrinks of the machines themselves by their own past. Logarithms, since faxes scatter with their number, and since
// a run of long documents then weighs less than its pages.
//
// A decline of their own may end any week, without anybody's fax having come to them: so what they faxed lately counts too.
type habit struct {
	trend, lately line
	since         ledger.Week // of the weeks to come, for which lately may count
	freedom       float64     // degrees of
	variance      float64     // of a week around the trend; never less than mere chance would make it
	mean          float64     // faxed in a week
}

// line goes through some weeks.
type line struct {
	intercept, slope    float64
	weeks, middle, wide float64 // how many, their mean, their squared distances from it
}

const (
	leastWeeks  = 8 // must be watched before a line can be drawn through them
	latelyWeeks = 8 // are lately
)

// newHabit learns a habit of at least leastWeeks.
func newHabit(past []pastWeek) habit {
	xs, ys := make([]float64, len(past)), make([]float64, len(past))
	n := float64(len(past))
	h := habit{since: past[len(past)-1].at + 1, freedom: n - 2}
	for i, w := range past {
		xs[i], ys[i] = float64(w.at), w.level()
		h.mean += w.count / n
	}
	h.trend = line{weeks: n, middle: stat.Mean(xs, nil)}
	h.trend.intercept, h.trend.slope = stat.LinearRegression(xs, ys, nil, false)
	var residual float64
	for i, x := range xs {
		residual += math.Pow(ys[i]-h.trend.at(x), 2)
		h.trend.wide += math.Pow(x-h.trend.middle, 2)
	}
	h.variance = max(residual/h.freedom, 1/max(h.mean, .5))
	h.lately = line{intercept: stat.Mean(ys[len(ys)-latelyWeeks:], nil), weeks: latelyWeeks, wide: math.Inf(1)} // level
	return h
}

func (l line) at(x float64) float64 { return l.intercept + l.slope*x }

// spread is how far off it is at x, in standard deviations of a week.
func (l line) spread(x float64) float64 {
	return math.Sqrt(1/l.weeks + (x-l.middle)*(x-l.middle)/l.wide)
}

// expected is the logarithm of what is to be expected in a week, and how far off a week may be: a standard deviation.
func (h habit) expected(at ledger.Week, rest float64) (level, spread float64) {
	x, l := float64(at), h.trend
	if at >= h.since && h.lately.at(x) > l.at(x) {
		l = h.lately
	}
	return l.at(x) + math.Log(rest), math.Sqrt(h.variance) * math.Hypot(1, l.spread(x))
}

// rise is by how much more than by habit machines faxed.
type rise struct {
	level float64 // of logarithms, a week
	error float64 // its standard error
	sum   float64 // pages that were to be expected in all of the weeks
}

// expected is how many pages were to be expected in each of n weeks.
func (r rise) expected(n float64) float64 { return max(0, r.sum/n-.5) }

// rises are those in some weeks above the trend and above what was faxed lately, first the one of which more was expected.
func (h habit) rises(after []pastWeek) [2]rise {
	rises := [2]rise{h.above(h.trend, after), h.above(h.lately, after)}
	if rises[0].sum < rises[1].sum {
		rises[0], rises[1] = rises[1], rises[0]
	}
	return rises
}

func (h habit) above(l line, after []pastWeek) rise {
	var r rise
	var x float64
	n := float64(len(after))
	for _, w := range after {
		expected := l.at(float64(w.at))
		r.level += (w.level() - expected) / n
		r.sum += math.Exp(expected) * w.rest
		x += float64(w.at) / n
	}
	r.error = math.Sqrt(h.variance) * math.Hypot(1/math.Sqrt(n), l.spread(x))
	return r
}

// bounds are how many standard errors a rise must have that chance alone makes in at most a part of all cases, by degrees of
// freedom and that part. They are remembered, since they take long to find.
type bounds map[[2]float64]float64

func (b bounds) of(h habit, chance float64) float64 {
	key := [2]float64{h.freedom, chance}
	bound, known := b[key]
	if !known {
		bound = distuv.StudentsT{Mu: 0, Sigma: 1, Nu: key[0]}.Quantile(1 - chance)
		b[key] = bound
	}
	return bound
}

// visible is by what factor machines would have to fax more for it to be seen in four of five cases.
func (b bounds) visible(h habit, r rise, chance float64) float64 {
	return math.Exp((b.of(h, chance) + b.of(h, .2)) * r.error)
}
