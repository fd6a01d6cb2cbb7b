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
type habit struct {
	intercept, slope    float64
	weeks, middle, wide float64 // how many, their mean, their squared distances from it
	variance            float64 // of a week around the line; never less than mere chance would make it
	mean                float64 // faxed in a week
}

// leastWeeks must be watched before a line can be drawn through them.
const leastWeeks = 8

// newHabit learns a habit of at least leastWeeks.
func newHabit(past []pastWeek) habit {
	xs, ys := make([]float64, len(past)), make([]float64, len(past))
	h := habit{weeks: float64(len(past))}
	for i, w := range past {
		xs[i], ys[i] = float64(w.at), w.level()
		h.mean += w.count / h.weeks
	}
	h.intercept, h.slope = stat.LinearRegression(xs, ys, nil, false)
	h.middle = stat.Mean(xs, nil)
	var residual float64
	for i, x := range xs {
		residual += math.Pow(ys[i]-h.intercept-h.slope*x, 2)
		h.wide += math.Pow(x-h.middle, 2)
	}
	h.variance = max(residual/(h.weeks-2), 1/max(h.mean, .5))
	return h
}

// expected is the logarithm of what is to be expected in a week, and how far off a week may be: a standard deviation.
func (h habit) expected(at ledger.Week, rest float64) (level, spread float64) {
	x := float64(at)
	return h.intercept + h.slope*x + math.Log(rest), math.Sqrt(h.variance * (1 + 1/h.weeks + (x-h.middle)*(x-h.middle)/h.wide))
}

// rise is by how much more than by habit machines faxed.
type rise struct {
	level float64 // of logarithms, a week
	error float64 // its standard error
	sum   float64 // pages that were to be expected in all of the weeks
}

// since is the rise in some weeks.
func (h habit) since(after []pastWeek) rise {
	var r rise
	var x float64
	n := float64(len(after))
	for _, w := range after {
		expected, _ := h.expected(w.at, 1)
		r.level += (w.level() - expected) / n
		r.sum += math.Exp(expected) * w.rest
		x += float64(w.at) / n
	}
	r.error = math.Sqrt(h.variance * (1/n + 1/h.weeks + (x-h.middle)*(x-h.middle)/h.wide))
	return r
}

// bounds are how many standard errors a rise must have that chance alone makes in at most a part of all cases, by degrees of
// freedom and that part. They are remembered, since they take long to find.
type bounds map[[2]float64]float64

func (b bounds) of(h habit, chance float64) float64 {
	key := [2]float64{h.weeks - 2, chance}
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
