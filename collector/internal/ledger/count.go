package ledger

import (
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// The rules of counting: a tally and a look go in, the tally as it is then and what follows
// from it come out. Nothing here reads a clock or a disk.
//
// A fall or a jump opens an excursion: it remembers the tally as it was before. If the counter
// comes back, the tally is put back to what it was and the look is judged again from there, so
// that in the end exactly the true difference counts, whatever was booked meanwhile.

// tally is what the books know of one counter.
type tally struct {
	Value int64         // as the device told it last
	At    wire.Time     // of the last look whose time can be relied upon: later growth is later than that
	Error time.Duration // by how much At may be off
	Count int64         // since first seen; falls when an excursion proves to have been a glitch
	Total int64         // the highest Count so far: what is booked. It never falls
	Open  []excursion
}

// excursion is a fall or a jump that may still prove to be a glitch.
type excursion struct {
	Jump    bool          `json:"jump,omitempty"`
	Value   int64         `json:"value"` // the tally before it
	At      wire.Time     `json:"at"`
	Error   time.Duration `json:"error,omitempty"`
	Count   int64         `json:"count"`
	Since   wire.Time     `json:"since"`   // when it was seen first
	Receipt wire.Time     `json:"receipt"` // and when we heard of that
	Anomaly int64         `json:"anomaly"`
}

// look is one counter in one reading.
type look struct {
	Value   int64
	At      wire.Time     // corrected, never after Receipt
	Trusted bool          // At can be relied upon; else it is Receipt
	Clock   bool          // At was corrected
	Error   time.Duration // by how much At may be off
	Newer   bool          // taken after everything that the tally knows
	Uptime  time.Duration
	Receipt wire.Time
}

// effect is what follows from a look. From and To are the interval of Booked or of the anomaly.
type effect struct {
	Booked   int64 // growth to be booked as activity
	From, To wire.Time
	Clock    bool          // To is not exactly known
	Error    time.Duration // by how much From and To may be off
	Stale    bool          // an older look said again: nothing happened

	Opened         AnomalyKind // Reset, Jump or "": the newest excursion needs an anomaly
	Before, Amount int64       // of the opened anomaly
	Closed         []closed
}

// closed is an excursion that was decided.
type closed struct {
	Anomaly int64
	Outcome Outcome
}

const (
	glitchWindow  = 24 * time.Hour // a fall or jump may prove to be a glitch for so long
	maxExcursions = 8
)

// plausible tells whether a counter can have grown by so much: 500, since machines book a long
// job at once, and one a second.
func plausible(growth int64, interval time.Duration) bool {
	return growth <= 500+int64(max(interval, 0)/time.Second)
}

// baseline is the tally after the first look at a counter, or the first under another rule.
func baseline(t tally, l look) tally {
	return tally{Value: l.Value, At: l.At, Error: l.Error, Count: t.Count, Total: t.Total}
}

// step judges one look. It never changes t.Open in place.
func step(t tally, l look) (tally, effect) {
	if !l.Newer && l.Value <= t.highest() {
		return t, effect{Stale: l.Value < t.highest()}
	}
	var e effect
	t = t.returned(l, &e)
	e.From, e.To, e.Clock = interval(t, l)
	e.Error = max(t.Error, l.Error)
	span := e.To.Sub(e.From)
	growth := l.Value - t.Value
	if growth < 0 {
		growth = wrapped(t, l, span)
	}
	switch {
	case growth < 0:
		t.open(excursion{}, l, &e)
		e.Opened, e.Before = Reset, t.Value
	case !plausible(growth, span):
		t.open(excursion{Jump: true}, l, &e)
		e.Opened, e.Before, e.Amount = Jump, t.Value, growth
	default:
		t.Count += growth
	}
	t.Value = l.Value
	if l.Trusted && l.At >= t.At {
		t.At, t.Error = l.At, l.Error
	}
	t.settle(l, &e)
	t.book(&e)
	return t, e
}

// book books what was counted and isn't booked yet.
func (t *tally) book(e *effect) {
	if t.Count > t.Total {
		e.Booked = t.Count - t.Total
		t.Total = t.Count
	}
}

// accept is the tally after a person said that a jump was true: its amount counts. So were the falls
// before it, then, from which it rose: neither can prove to be a glitch any more. What opened later can, and
// would go back to a count that holds the amount.
func (t tally) accept(anomaly, amount int64) (tally, effect) {
	var e effect
	older := slices.IndexFunc(t.Open, func(x excursion) bool { return x.Anomaly == anomaly }) + 1
	for _, x := range t.Open[:older] {
		e.settled(x)
	}
	t.Open = slices.Clone(t.Open[older:])
	for i := range t.Open {
		t.Open[i].Count += amount
	}
	t.Count += amount
	t.book(&e)
	return t, e
}

// highest is the highest value that is known to have been true: an older look can have said it.
func (t *tally) highest() int64 {
	if len(t.Open) > 0 {
		return max(t.Value, t.Open[0].Value)
	}
	return t.Value
}

// returned puts the tally back to before an excursion from which the look shows a return:
// a fall whose old value is reached again, a jump whose height is left again.
func (t tally) returned(l look, e *effect) tally {
	for i, x := range t.Open {
		if !x.Jump && l.Value >= x.Value {
			return t.restore(i, e)
		}
	}
	for n := len(t.Open); n > 0 && t.Open[n-1].Jump && l.Value < t.Value; n = len(t.Open) {
		t = t.restore(n-1, e)
	}
	return t
}

// restore is the tally before its excursion i; that and all later ones were glitches.
func (t tally) restore(i int, e *effect) tally {
	x := t.Open[i]
	for _, later := range t.Open[i:] {
		e.Closed = append(e.Closed, closed{later.Anomaly, Glitch})
	}
	t.Value, t.At, t.Error, t.Count = x.Value, x.At, x.Error, x.Count
	t.Open = slices.Clone(t.Open[:i])
	return t
}

// open adds an excursion from t.
func (t *tally) open(x excursion, l look, e *effect) {
	x.Value, x.At, x.Error, x.Count, x.Since, x.Receipt = t.Value, t.At, t.Error, t.Count, e.To, l.Receipt
	rest := t.Open
	if len(rest) == maxExcursions { // the oldest tell most: a return to them puts all later ones right
		e.settled(rest[maxExcursions-1])
		rest = rest[:maxExcursions-1]
	}
	t.Open = append(slices.Clone(rest), x)
}

// settle gives up excursions that lasted: a fall was a real reset, a jump is for a person to
// judge. It is asked after a look below the old value. So a machine that said 0 while it was
// switched off for the weekend, and is back on Monday, had a glitch and not a reset. A day must have
// passed by our clock too: the agent's may have been set in between.
func (t *tally) settle(l look, e *effect) {
	if !l.Trusted {
		return
	}
	n := 0
	for n < len(t.Open) && l.At.Sub(t.Open[n].Since) > glitchWindow && l.Receipt.Sub(t.Open[n].Receipt) > glitchWindow {
		e.settled(t.Open[n])
		n++
	}
	if n > 0 {
		t.Open = slices.Clone(t.Open[n:])
	}
}

func (e *effect) settled(x excursion) {
	if !x.Jump {
		e.Closed = append(e.Closed, closed{x.Anomaly, Settled})
	}
}

// interval is when growth from t to l happened: after the last look whose time is known, up to
// this one. Where this one's time is not known, or lies before the other, all that is sure is that
// it came before its receipt.
func interval(t tally, l look) (from, to wire.Time, clock bool) {
	if l.Trusted && l.At >= t.At {
		return t.At, l.At, l.Clock
	}
	return t.At, max(t.At, l.Receipt), true
}

// wrapped is the growth of a counter that ran over its 31 or 32 bits, -1 if it didn't: that takes a
// machine that was up all the time and growth that is plausible.
func wrapped(t tally, l look, span time.Duration) int64 {
	if !l.Trusted || l.Uptime == 0 || l.Uptime < l.At.Sub(t.At) {
		return -1
	}
	for _, size := range []int64{1 << 31, 1 << 32} {
		if growth := size - t.Value + l.Value; t.Value < size && plausible(growth, span) {
			return growth
		}
	}
	return -1
}
