package ledger

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
)

const t0 = wire.Time(1_790_000_000_000)

// told is a look in a story: minutes after t0, a value, and what is peculiar about it.
type told struct {
	minute int
	value  int64
	but    string // "", older, untrusted, up
}

func (x told) look() look {
	at := t0.Add(time.Duration(x.minute) * time.Minute)
	l := look{Value: x.value, At: at, Receipt: at, Trusted: true, Newer: true}
	switch x.but {
	case "older":
		l.Newer = false
		l.Receipt = t0.Add(1000 * time.Hour)
	case "untrusted":
		l.Trusted = false
	case "backlog": // heard of all at once
		l.Receipt = t0.Add(1000 * time.Hour)
	case "up":
		l.Uptime = 1000 * time.Hour
	}
	return l
}

// story is what follows from looks: "opened reset", "closed glitch", "booked 3", …
func story(looks []told) (t tally, events []string) {
	t = baseline(tally{}, looks[0].look())
	for n, x := range looks[1:] {
		var e effect
		t, e = step(t, x.look())
		if e.Opened != "" {
			t.Open[len(t.Open)-1].Anomaly = int64(n + 1)
			events = append(events, fmt.Sprintf("%s %d→%d held %d", e.Opened, e.Before, x.value, e.Amount))
		}
		for _, c := range e.Closed {
			events = append(events, string(c.Outcome))
		}
		if e.Booked != 0 {
			events = append(events, fmt.Sprintf("booked %d in %d…%d min", e.Booked, e.From.Sub(t0)/time.Minute, e.To.Sub(t0)/time.Minute))
		}
		if e.Stale {
			events = append(events, "stale")
		}
	}
	return t, events
}

func TestCounting(t *testing.T) {
	const (
		bits31 = 1 << 31
		bits32 = 1 << 32
		hours  = 60
	)
	for _, c := range []struct {
		name   string
		looks  []told
		events []string
		total  int64
		debt   int64 // booked too early; later growth pays it
	}{
		{"the first look is a baseline", []told{{0, 500, ""}}, nil, 0, 0},
		{"growth is booked over the interval", []told{{0, 500, ""}, {5, 503, ""}}, []string{"booked 3 in 0…5 min"}, 3, 0},
		{"an equal value changes nothing, and growth starts from it", []told{{0, 9, ""}, {5, 9, ""}, {10, 10, ""}}, []string{"booked 1 in 5…10 min"}, 1, 0},
		{"a long job is booked at once", []told{{0, 0, ""}, {1, 560, ""}}, []string{"booked 560 in 0…1 min"}, 560, 0},
		{"more than 500 and 60 a minute is held", []told{{0, 0, ""}, {1, 561, ""}}, []string{"jump 0→561 held 561"}, 0, 0},
		{
			"what grows after a jump counts",
			[]told{{0, 0, ""}, {1, 900, ""}, {2, 903, ""}},
			[]string{"jump 0→900 held 900", "booked 3 in 1…2 min"},
			3, 0,
		},
		{
			"a jump that falls back was a glitch",
			[]told{{0, 100, ""}, {1, 9000, ""}, {2, 104, ""}},
			[]string{"jump 100→9000 held 8900", "glitch", "booked 4 in 0…2 min"},
			4, 0,
		},
		{
			"growth on top of a jump that was a glitch is owed",
			[]told{{0, 100, ""}, {1, 9000, ""}, {2, 9007, ""}, {3, 104, ""}, {4, 110, ""}},
			[]string{"jump 100→9000 held 8900", "booked 7 in 1…2 min", "glitch", "booked 3 in 3…4 min"},
			10, 0,
		},
		{
			"a jump that falls below the old value was a glitch, and then a reset",
			[]told{{0, 100, ""}, {1, 9000, ""}, {2, 0, ""}, {3, 101, ""}},
			[]string{"jump 100→9000 held 8900", "reset 100→0 held 0", "glitch", "glitch", "booked 1 in 0…3 min"},
			1, 0,
		},
		{
			"a jump that lasts a day is left to a person",
			[]told{{0, 0, ""}, {1, 900, ""}, {25 * hours, 900, ""}, {26 * hours, 300, ""}},
			[]string{"jump 0→900 held 900", "reset 900→300 held 0"},
			0, 0,
		},
		{"a fall invents nothing", []told{{0, 100, ""}, {5, 0, ""}}, []string{"reset 100→0 held 0"}, 0, 0},
		{
			"growth after a fall is booked at once",
			[]told{{0, 100, ""}, {5, 0, ""}, {10, 2, ""}},
			[]string{"reset 100→0 held 0", "booked 2 in 5…10 min"},
			2, 0,
		},
		{
			"a fall that comes back was a glitch: the difference counts",
			[]told{{0, 100, ""}, {5, 0, ""}, {10, 103, ""}},
			[]string{"reset 100→0 held 0", "glitch", "booked 3 in 0…10 min"},
			3, 0,
		},
		{
			"a fall that comes back to the same value counts nothing",
			[]told{{0, 100, ""}, {5, 0, ""}, {10, 100, ""}},
			[]string{"reset 100→0 held 0", "glitch"},
			0, 0,
		},
		{
			"what was booked during a glitch is part of the difference",
			[]told{{0, 100, ""}, {5, 0, ""}, {6, 2, ""}, {10, 103, ""}},
			[]string{"reset 100→0 held 0", "booked 2 in 5…6 min", "glitch", "booked 1 in 0…10 min"},
			3, 0,
		},
		{
			"more booked during a glitch than the difference is owed",
			[]told{{0, 100, ""}, {5, 0, ""}, {6, 9, ""}, {10, 101, ""}},
			[]string{"reset 100→0 held 0", "booked 9 in 5…6 min", "glitch"},
			9, 8,
		},
		{
			"later growth pays what is owed",
			[]told{{0, 100, ""}, {5, 0, ""}, {6, 9, ""}, {10, 101, ""}, {11, 105, ""}, {12, 112, ""}},
			[]string{"reset 100→0 held 0", "booked 9 in 5…6 min", "glitch", "booked 3 in 11…12 min"},
			12, 0,
		},
		{
			"a day that passed by the agent's clock alone settles nothing",
			[]told{{0, 100, ""}, {5, 0, "backlog"}, {2000, 0, "backlog"}, {2010, 103, "backlog"}},
			[]string{"reset 100→0 held 0", "glitch", "booked 3 in 0…2010 min"},
			3, 0,
		},
		{
			"a glitch within a glitch",
			[]told{{0, 100, ""}, {5, 0, ""}, {6, 20, ""}, {7, 0, ""}, {8, 21, ""}, {9, 100, ""}, {10, 150, ""}},
			[]string{"reset 100→0 held 0", "booked 20 in 5…6 min", "reset 20→0 held 0", "glitch", "booked 1 in 6…8 min", "glitch", "booked 29 in 9…10 min"},
			50, 0,
		},
		{
			"a reset, and then a glitch while rebooting",
			[]told{{0, 100, ""}, {5, 0, ""}, {6, 20, ""}, {7, 0, ""}, {8, 25, ""}, {26 * hours, 26, ""}},
			[]string{"reset 100→0 held 0", "booked 20 in 5…6 min", "reset 20→0 held 0", "glitch", "booked 5 in 6…8 min", "settled", "booked 1 in 8…1560 min"},
			26, 0,
		},
		{
			"below the old value after a day: it was a reset",
			[]told{{0, 100, ""}, {5, 0, ""}, {25 * hours, 40, ""}, {26 * hours, 200, ""}},
			[]string{"reset 100→0 held 0", "settled", "booked 40 in 5…1500 min", "booked 160 in 1500…1560 min"},
			200, 0,
		},
		{
			"the day begins when the fall is seen, not at the look before",
			[]told{{0, 100, ""}, {20 * hours, 0, ""}, {30 * hours, 0, ""}, {31 * hours, 103, ""}},
			[]string{"reset 100→0 held 0", "glitch", "booked 3 in 0…1860 min"},
			3, 0,
		},
		{
			"0 while it is switched off for the weekend, back on Monday",
			[]told{{0, 10_000, ""}, {5, 0, ""}, {62 * hours, 10_003, ""}},
			[]string{"reset 10000→0 held 0", "glitch", "booked 3 in 0…3720 min"},
			3, 0,
		},
		{"a 32-bit counter wraps", []told{{0, bits32 - 2, ""}, {5, 1, "up"}}, []string{"booked 3 in 0…5 min"}, 3, 0},
		{"a 31-bit counter wraps", []told{{0, bits31 - 2, ""}, {5, 0, "up"}}, []string{"booked 2 in 0…5 min"}, 2, 0},
		{"near the end of 32 bits but rebooted: no wrap", []told{{0, bits32 - 2, ""}, {5, 1, ""}}, []string{"reset 4294967294→1 held 0"}, 0, 0},
		{"far from the end of its bits: no wrap", []told{{0, bits32 - 9000, ""}, {5, 1, "up"}}, []string{"reset 4294958296→1 held 0"}, 0, 0},
		{"an older look with a lower value is a repetition", []told{{0, 100, ""}, {5, 103, ""}, {2, 101, "older"}}, []string{"booked 3 in 0…5 min", "stale"}, 3, 0},
		{"an older look with an equal value is nothing", []told{{0, 100, ""}, {2, 100, "older"}}, nil, 0, 0},
		{
			"a higher value proves a look newer, its clock wrong",
			[]told{{50, 100, ""}, {2, 104, "older"}},
			[]string{"booked 4 in 50…60000 min"},
			4, 0,
		},
		{
			"during a fall, an older look up to the old value proves nothing",
			[]told{{0, 100, ""}, {5, 0, ""}, {2, 99, "older"}, {2, 100, "older"}, {9, 100, ""}},
			[]string{"reset 100→0 held 0", "stale", "glitch"},
			0, 0,
		},
		{
			"a time that can't be is up to its receipt, and growth after it starts before it",
			[]told{{0, 100, ""}, {5, 103, "untrusted"}, {7, 104, ""}},
			[]string{"booked 3 in 0…5 min", "booked 1 in 0…7 min"},
			4, 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, events := story(c.looks)
			if !slices.Equal(events, c.events) {
				t.Errorf("events: got %q, want %q", events, c.events)
			}
			if got.Total != c.total || got.Total-got.Count != c.debt {
				t.Errorf("got total %d and %d owed, want %d and %d", got.Total, got.Total-got.Count, c.total, c.debt)
			}
		})
	}
}

func TestStepLeavesItsArgumentAlone(t *testing.T) {
	a, _ := story([]told{{0, 100, ""}, {1, 50, ""}, {2, 20, ""}})
	before := slices.Clone(a.Open)
	step(a, told{3, 10, ""}.look())
	step(a, told{3, 70, ""}.look())
	step(a, told{3, 200, ""}.look())
	if !slices.Equal(a.Open, before) {
		t.Errorf("open excursions changed: got %v, want %v", a.Open, before)
	}
}

// A machine whose counter only grows, with any number of falls of any depth in between and partial
// recoveries: whatever was booked meanwhile, what is owed is known, and the exact count is right.
func TestGlitchesOfAnyDepthEndUpExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		truth := rapid.Int64Range(0, 5000).Draw(t, "at first")
		first := truth
		minute := 0
		got := baseline(tally{}, told{0, truth, ""}.look())
		for range rapid.IntRange(1, 30).Draw(t, "looks") {
			minute += rapid.IntRange(1, 20).Draw(t, "minutes")
			truth += rapid.Int64Range(0, 5).Draw(t, "faxes")
			value := truth
			if rapid.Bool().Draw(t, "glitch") {
				value = rapid.Int64Range(max(0, truth-800), truth).Draw(t, "value")
			}
			before := got.Total
			got, _ = step(got, told{minute, value, ""}.look())
			if got.Total < before {
				t.Fatalf("total fell from %d to %d", before, got.Total)
			}
		}
		got, _ = step(got, told{minute + 1, truth, ""}.look())
		if got.Count != truth-first {
			t.Fatalf("count: got %d, want %d; tally %+v", got.Count, truth-first, got)
		}
	})
}

func FuzzStep(f *testing.F) {
	f.Add(int64(100), int64(0), int64(103), int64(60_000), int64(120_000), uint8(3))
	f.Add(int64(1<<32-1), int64(2), int64(1<<31), int64(-5), int64(1<<52), uint8(7))
	f.Fuzz(func(t *testing.T, a, b, c, at, later int64, bits uint8) {
		const known = int64(400 * 24 * 3_600_000) // stamp lets no other times through
		if min(a, b, c) < 0 || max(at, later) > known || min(at, later) < -known {
			t.Skip()
		}
		x := tally{Value: a, At: t0}
		for i, l := range []look{{Value: b, At: t0 + wire.Time(at)}, {Value: c, At: t0 + wire.Time(later)}, {Value: b, At: t0 + wire.Time(later)}} {
			l.Trusted, l.Newer, l.Receipt = bits>>i&1 == 0, bits>>(i+3)&1 == 0, t0.Add(oldest)
			if bits>>7 == 1 {
				l.Uptime = oldest
			}
			next, e := step(x, l)
			switch {
			case next.Total < x.Total, next.Count > next.Total:
				t.Fatalf("%+v, %+v: got total %d and count %d, want no fall", x, l, next.Total, next.Count)
			case e.Booked != next.Total-x.Total:
				t.Fatalf("%+v, %+v: booked %d, want %d", x, l, e.Booked, next.Total-x.Total)
			case e.Booked > 0 && (e.From > e.To || e.To > l.Receipt):
				t.Fatalf("%+v, %+v: booked in %d…%d", x, l, e.From, e.To)
			case e.Opened != "" && next.Open[len(next.Open)-1].Jump != (e.Opened == Jump):
				t.Fatalf("%+v, %+v: opened %q, excursions %+v", x, l, e.Opened, next.Open)
			}
			if again, e := step(next, l); l.Value == next.Value && (again.Total != next.Total || e.Opened != "") {
				t.Fatalf("%+v, %+v said twice: got %+v, want no effect", x, l, again)
			}
			x = next
		}
	})
}
