package indicators_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// near is a hospital in which a line was cut, and what its machines faxed since half a year before: how it is made.
type near struct {
	neighbours int
	mean       float64 // pages a week of a neighbour
	document   float64 // pages of a fax, on average; the longest are many times that
	mood       float64 // by how much a machine's weeks differ: standard deviation of the logarithm
	lasting    float64 // how much of a mood is still there a week later
	trend      float64 // of neighbours by themselves, a week
	settled    int     // weeks before the cut it ended; 0: it goes on
	drift      float64 // likewise, at random
	past       int     // weeks
	missing    float64 // of weeks not watched
	holidays   bool
	moved      float64 // how much more the first neighbour has since, of its mean
	own        float64 // what the line itself had, of that mean; 0: as much
	after      int
}

const cutWeek = ledger.Week(2960)

// simulated are 8 weeks after a line's cut. The rest of the hospital has 12 machines.
func (s near) simulated(rng *rand.Rand) indicators.WeekBooks {
	now := (cutWeek + 1 + ledger.Week(s.after)).In(time.UTC).Add(time.Hour)
	b := indicators.WeekBooks{At: now, Zone: time.UTC, From: cutWeek - indicators.PastWeeks, To: cutWeek + ledger.Week(s.after), Register: &ledger.Register{}}
	phase := rng.Float64() * 52
	holidays := map[ledger.Week]float64{}
	for range 2 {
		if s.holidays {
			holidays[b.From+ledger.Week(rng.IntN(35))] = .4 + .2*rng.Float64()
		}
	}
	machine := func(id, floor string, mean, trend, drift float64, cut bool) {
		var watched []ledger.Span
		mood, own := 0.0, 0.0
		for w := b.From; w <= b.To; w++ {
			mood = s.lasting*mood + math.Sqrt(1-s.lasting*s.lasting)*s.mood*rng.NormFloat64()
			if own += drift * rng.NormFloat64(); s.settled == 0 || w < cutWeek-ledger.Week(s.settled) {
				own += trend
			}
			if w < cutWeek-ledger.Week(s.past) || rng.Float64() < s.missing {
				continue
			}
			watched = append(watched, w.Span(time.UTC))
			expected := mean * math.Exp(-.01*float64(w-b.From)+.15*math.Sin((float64(w)+phase)/52*2*math.Pi)+own+mood-s.mood*s.mood/2)
			if part, off := holidays[w]; off {
				expected *= min(1, part*math.Exp(.15*rng.NormFloat64()))
			}
			switch {
			case cut && w > cutWeek:
				expected = 0
			case id == "kyocera-n0" && w > cutWeek:
				expected *= 1 + s.moved
			}
			if pages := faxed(rng, expected, s.document); pages > 0 {
				b.Weeks = append(b.Weeks, ledger.WeekSum{Week: w, Device: id, Line: "l-" + id, Pages: pages})
			}
		}
		l := ledger.Line{
			ID: "l-" + id, Device: id, Establishment: "chu", Zone: time.UTC, State: ledger.Active,
			History: []ledger.Stretch{{Span: ledger.Span{To: now}, Place: ledger.Place{Establishment: "chu"}, Device: id, Measures: []wire.Measure{wire.FaxPages}, Watched: watched}},
		}
		if cut {
			l.State, l.CutoffAt = ledger.Cut, cutWeek.In(time.UTC).Add(50*time.Hour)
		}
		b.Lines = append(b.Lines, l)
		b.Devices = append(b.Devices, ledger.Device{ID: id, Location: "Nord > A > " + floor})
	}
	machine("kyocera-cut", "1", s.mean*cmp.Or(s.own, 1), 0, 0, true)
	for i := range s.neighbours {
		machine(fmt.Sprintf("kyocera-n%d", i), "1", s.mean, s.trend, s.drift, false)
	}
	for i := range 12 {
		machine(fmt.Sprintf("kyocera-r%02d", i), "2", 100, 0, 0, false)
	}
	return b
}

// faxed are the pages of a week: documents come by chance, and are short mostly.
func faxed(rng *rand.Rand, expected, document float64) (pages int64) {
	for gone := rng.ExpFloat64(); gone < expected/document; gone += rng.ExpFloat64() {
		pages += 1 + int64(rng.ExpFloat64()*(document-1)+.5)
	}
	return pages
}

// found is in what part of simulated hospitals a displacement is seen.
func (s near) found(t *testing.T, runs int) (displaced, stayed float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 11))
	for range runs {
		list := indicators.Displacements(s.simulated(rng), 0)
		if len(list) != 1 {
			t.Fatalf("got %d cuts, want 1", len(list))
		}
		switch list[0].Finding {
		case indicators.Displaced:
			displaced += 1 / float64(runs)
		case indicators.Stayed:
			stayed += 1 / float64(runs)
		}
	}
	return displaced, stayed
}

var ordinary = near{neighbours: 3, mean: 120, document: 3, mood: .2, past: 26, missing: .05, holidays: true, after: 8}

func TestFalseAlarmsAreAsRareAsSaid(t *testing.T) {
	const runs = 200
	var all atomic.Int64
	scenarios := map[string]func(*near){
		"ordinary":                        func(*near) {},
		"one neighbour":                   func(s *near) { s.neighbours = 1 },
		"many neighbours":                 func(s *near) { s.neighbours = 8 },
		"few pages":                       func(s *near) { s.mean = 8 },
		"long documents":                  func(s *near) { s.document = 12 },
		"very different weeks":            func(s *near) { s.mood = .5 },
		"hardly different weeks":          func(s *near) { s.mood = .05 },
		"moods last":                      func(s *near) { s.lasting = .3 },
		"neighbours grow by themselves":   func(s *near) { s.trend = .02 },
		"neighbours shrink by themselves": func(s *near) { s.trend = -.03 },
		"they shrank, and have settled":   func(s *near) { s.trend, s.settled = -.08, 6 },
		"they settle with the cut":        func(s *near) { s.trend, s.settled = -.08, 1 },
		"they settle at next to nothing":  func(s *near) { s.mean, s.trend, s.settled = 25, -.07, 6 },
		"neighbours drift":                func(s *near) { s.drift = .03 },
		"short past":                      func(s *near) { s.past = 12 },
		"many weeks are missing":          func(s *near) { s.missing = .2 },
	}
	t.Cleanup(func() {
		if rate := float64(all.Load()) / float64(runs*len(scenarios)); rate > indicators.FalseAlarms {
			t.Errorf("in all, in %.2f %% of hospitals in which nothing was displaced it is seen, want at most %.2f %%", 100*rate, 100*indicators.FalseAlarms)
		}
	})
	for name, change := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ordinary
			change(&s)
			displaced, stayed := s.found(t, runs)
			t.Logf("displaced %.4f, stayed %.3f", displaced, stayed)
			all.Add(int64(math.Round(displaced * runs)))
			if most := indicators.FalseAlarms + 3*math.Sqrt(indicators.FalseAlarms/runs); displaced > most {
				t.Errorf("in %.2f %% of hospitals in which nothing was displaced it is seen, want at most %.2f %%", 100*displaced, 100*most)
			}
		})
	}
}

func TestWhatIsDisplacedIsSeen(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func(*near)
		least float64
		whole bool // all that the line had
	}{
		{"all to one of three", func(s *near) { s.moved = 1 }, .5, true},
		{"all to the only neighbour", func(s *near) { s.moved, s.neighbours = 1, 1 }, .7, true},
		{"half to the only neighbour", func(s *near) { s.moved, s.neighbours = .5, 1 }, .1, false},
		{"busy", func(s *near) { s.moved, s.mean = 1, 400 }, .65, true},
		{"steady", func(s *near) { s.moved, s.mood = 1, .1 }, .65, true},
		{"half of it, while neighbours shrink", func(s *near) {
			*s = near{neighbours: 1, mean: 400, document: 2, mood: .08, past: 26, after: 8, trend: -.03, moved: .5, own: .5 * math.Exp(-.03*31)}
		}, 0, true},
		{"most of it, while neighbours shrink fast", func(s *near) {
			*s = near{neighbours: 1, mean: 400, document: 2, mood: .08, past: 26, after: 8, trend: -.05, moved: .7, own: .7 * math.Exp(-.05*31)}
		}, 0, true},
		{"hardly any pages", func(s *near) { s.moved, s.mean = 1, 8 }, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := ordinary
			c.make(&s)
			displaced, stayed := s.found(t, 60)
			t.Logf("displaced %.3f, stayed %.3f", displaced, stayed)
			if displaced < c.least {
				t.Errorf("seen in %.0f %% of hospitals, want at least %.0f %%", 100*displaced, 100*c.least)
			}
			if c.whole && stayed > .2 {
				t.Errorf("in %.0f %% of hospitals it is said that nothing was displaced, want less than 20 %%", 100*stayed)
			}
		})
	}
}

func TestWhatCannotBeToldSaysWhy(t *testing.T) {
	machine := func(b *indicators.WeekBooks, id string) *ledger.Line {
		for i := range b.Lines {
			if b.Lines[i].Device == "kyocera-"+id {
				return &b.Lines[i]
			}
		}
		t.Fatalf("no machine %s", id)
		return nil
	}
	locate := func(b *indicators.WeekBooks, location string, ids ...string) {
		for i := range b.Devices {
			for _, id := range ids {
				if b.Devices[i].ID == "kyocera-"+id {
					b.Devices[i].Location = location
				}
			}
		}
	}
	rest := []string{"r00", "r01", "r02", "r03", "r04", "r05", "r06", "r07", "r08", "r09", "r10", "r11"}
	for _, c := range []struct {
		name    string
		made    func(*near)
		change  func(*indicators.WeekBooks)
		finding indicators.Finding
		doubt   indicators.Doubt
		near    indicators.Near
	}{
		{"all went next door", func(s *near) { s.moved = 1 }, func(*indicators.WeekBooks) {}, indicators.Displaced, "", indicators.SameFloor},
		{"nothing moved", nil, func(*indicators.WeekBooks) {}, indicators.Stayed, "", indicators.SameFloor},
		{"a week after", func(s *near) { s.after = 1 }, func(*indicators.WeekBooks) {}, indicators.CannotTell, indicators.TooEarly, indicators.SameFloor},
		{"nobody said where machines stand", nil, func(b *indicators.WeekBooks) {
			locate(b, "copieur du couloir", append(rest, "cut", "n0", "n1")...)
		}, indicators.CannotTell, indicators.Alone, ""},
		{"only the building is known", nil, func(b *indicators.WeekBooks) {
			locate(b, "Nord > A", "cut")
			locate(b, "Nord > B > 1", rest...)
		}, indicators.Stayed, "", indicators.SameBuilding},
		{"the neighbours were cut with it", nil, func(b *indicators.WeekBooks) {
			for _, id := range []string{"n0", "n1"} {
				machine(b, id).State, machine(b, id).CutoffAt = ledger.Cut, machine(b, "cut").CutoffAt
			}
			locate(b, "Nord > B > 1", rest...)
		}, indicators.CannotTell, indicators.Changed, indicators.SameFloor},
		{"neighbours weren't watched before", nil, func(b *indicators.WeekBooks) {
			for _, id := range []string{"n0", "n1"} {
				h := &machine(b, id).History[0]
				h.Watched = h.Watched[len(h.Watched)-12:]
			}
			locate(b, "Nord > B > 1", rest...)
		}, indicators.CannotTell, indicators.ShortPast, indicators.SameFloor},
		{"neighbours aren't watched since", nil, func(b *indicators.WeekBooks) {
			for _, id := range []string{"n0", "n1"} {
				h := &machine(b, id).History[0]
				h.Watched = h.Watched[:20]
			}
			locate(b, "Nord > B > 1", rest...)
		}, indicators.CannotTell, indicators.Unwatched, indicators.SameFloor},
		{"all the rest is another establishment's", nil, func(b *indicators.WeekBooks) {
			for _, id := range rest {
				machine(b, id).Establishment, machine(b, id).History[0].Establishment = "autre", "autre"
			}
		}, indicators.CannotTell, indicators.NoRest, indicators.SameFloor},
		{"the line goes on", nil, func(b *indicators.WeekBooks) {
			for w := cutWeek + 1; w <= b.To; w++ {
				b.Weeks = append(b.Weeks, ledger.WeekSum{Week: w, Device: "kyocera-cut", Line: "l-kyocera-cut", Pages: 390})
			}
		}, indicators.CannotTell, indicators.StillFaxes, indicators.SameFloor},
		{"the line had next to nothing", nil, func(b *indicators.WeekBooks) {
			for i := range b.Weeks {
				if b.Weeks[i].Device == "kyocera-cut" {
					b.Weeks[i].Pages = 3
				}
			}
		}, indicators.CannotTell, indicators.TooFaint, indicators.SameFloor},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := near{neighbours: 2, mean: 400, document: 2, mood: .08, past: 26, after: 8}
			if c.made != nil {
				c.made(&s)
			}
			b := s.simulated(rand.New(rand.NewPCG(3, 5)))
			c.change(&b)
			var got indicators.Displacement
			for _, d := range indicators.Displacements(b, 0) {
				if d.Line == "l-kyocera-cut" {
					got = d
				}
			}
			if got.Finding != c.finding || got.Doubt != c.doubt || got.Near != c.near {
				t.Errorf("got %s %q among the %q, want %s %q %q", got.Finding, got.Doubt, got.Near, c.finding, c.doubt, c.near)
			}
		})
	}
}
