package ledger

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
)

// Machines fax, looks at them go missing, dates and lines are declared anew, tests are announced,
// the collector crashes. Whatever happens, the events are those that a naive model finds by going
// through the whole history once more.

type hospital struct {
	*rapid.T
	now      time.Time
	path     string
	ledger   *Ledger
	seq      uint64
	counts   map[string]int64  // of each machine, as it is
	told     map[string][]tick // what was read of it
	windows  map[string][]window
	counted  map[string]int64 // by line: what ever counted after its cut-off
	seen     map[string]bool  // which activity that was
	totals   map[string]int64 // by line, as the ledger told them last
	openedAt map[int64]wire.Time
	register Register
	checks   int
}

// tick is what a counter told at an instant.
type tick struct {
	at    wire.Time
	value int64
}

var (
	hospitalMachines = []string{"kyocera-a", "ricoh-b"}
	hospitalLines    = []string{"0241000001", "0241000002", "0241000003"}
)

// measureOf is what a machine counts: the second one only what it prints.
func measureOf(machine string) wire.Measure {
	if machine == "ricoh-b" {
		return wire.FaxPrintedPages
	}
	return wire.FaxSentPages
}

func newHospital(t *rapid.T, dir string) *hospital {
	h := &hospital{
		T: t, now: time.Date(2026, 10, 23, 20, 0, 0, 0, time.UTC), path: filepath.Join(dir, fmt.Sprintf("%d.db", time.Now().UnixNano())),
		counts: map[string]int64{"kyocera-a": 1000, "ricoh-b": 500}, told: make(map[string][]tick), windows: make(map[string][]window),
		counted: make(map[string]int64), seen: make(map[string]bool), totals: make(map[string]int64), openedAt: make(map[int64]wire.Time),
	}
	EmptyAt(t, h.path)
	h.open()
	h.declare(func(r *Register) {
		r.Sites["paris"] = Site{ID: "paris", TimeZone: "Europe/Paris"}
		r.Sites["reunion"] = Site{ID: "reunion", TimeZone: "Indian/Reunion"}
		for i, line := range hospitalLines {
			d := Declaration{Line: line, Device: hospitalMachines[i%2]}
			d.Site = []string{"paris", "reunion", "paris"}[i]
			r.Lines[line] = []Declaration{d}
		}
	})
	h.poll(hospitalMachines...)
	return h
}

func (h *hospital) open() {
	l, err := Open(context.Background(), h.path, Options{Now: func() time.Time { return h.now }})
	if err != nil {
		h.Fatalf("open: %v", err)
	}
	l.store.exec(context.Background(), "PRAGMA synchronous = OFF")
	h.ledger = l
}

func (h *hospital) declare(change func(*Register)) {
	err := h.ledger.Declare(context.Background(), Author{Who: "anne"}, func(r Register) (Register, error) { change(&r); h.register = r; return r, nil })
	if err != nil {
		h.Fatalf("declare: %v", err)
	}
}

// poll reads machines; one that boots says 0, which proves nothing.
func (h *hospital) poll(machines ...string) { h.pollAs(false, machines...) }

func (h *hospital) pollAs(booting bool, machines ...string) {
	var readings []wire.Reading
	for _, m := range machines {
		at, value := wire.TimeOf(h.now), h.counts[m]
		if booting {
			value = 0
		} else {
			h.told[m] = append(h.told[m], tick{at, value})
		}
		readings = append(readings, wire.Reading{
			Device: m, At: at, OK: true, Fax: wire.Yes,
			Counters: []wire.Counter{{Measure: measureOf(m), Unit: "pages", Rule: "rule", Value: value}},
		})
	}
	payload, err := wire.EncodeReadings(readings)
	if err != nil {
		h.Fatalf("encode: %v", err)
	}
	h.seq++
	d := delivery("ps-01", wire.AppendEnvelope(nil, wire.Header{
		Agent: "ps-01", Stream: "stream-ps-01", First: h.seq, Seq: h.seq, Oldest: h.seq, SentAt: wire.TimeOf(h.now),
	}, payload), h.now)
	if results, err := h.ledger.Apply(context.Background(), []Delivery{d}); err != nil || results[0].Verdict != Applied {
		h.Fatalf("apply: %+v, %v", results, err)
	}
}

// verdictOf judges, with the whole register at hand, growth between two ticks of a machine.
func (h *hospital) verdictOf(r Register, machine string, from, to wire.Time) (line string, c Certainty) {
	var last wire.Time
	var lines []string
	for _, id := range hospitalLines {
		var valid Declaration
		for _, v := range r.Lines[id] {
			if v.From <= to {
				valid = v
			}
		}
		if valid.Line == "" || valid.Removed || valid.Device != machine {
			continue
		}
		lines = append(lines, id)
		v := r.Lines[id][0] // all versions have the same dates here
		zone, _ := time.LoadLocation(r.Sites[v.Site].TimeZone)
		var cut wire.Time
		if v.Cutoff != "" {
			t, _ := time.ParseInLocation(time.DateOnly, string(v.Cutoff), zone)
			cut = wire.TimeOf(t)
		}
		if v.CutOn != "" {
			t, _ := time.ParseInLocation(time.DateOnly, string(v.CutOn), zone)
			if end := wire.TimeOf(t.AddDate(0, 0, 1)); cut == 0 || end < cut {
				cut = end
			}
		}
		if cut == 0 || v.KeptReason != "" {
			return "", ""
		}
		if cut > last {
			last, line = cut, id
		}
	}
	switch {
	case line == "" || to <= last:
		return "", ""
	case from < last:
		c = Unsure
	case measureOf(machine) == wire.FaxPrintedPages && from < last+86_400_000:
		c = Probable
	default:
		c = Certain
	}
	tested, touched := false, false
	for _, id := range lines {
		for _, w := range h.windows[id] {
			tested = tested || w.from <= from && to <= w.to
			touched = touched || from < w.to && w.from < to
		}
	}
	if tested {
		c = Test
	} else if touched {
		c = Unsure
	}
	return line, c
}

// history is what must be in the books: every growth that may be after a cut-off.
func (h *hospital) history(r Register) []string {
	var all []string
	for _, m := range hospitalMachines {
		for i := 1; i < len(h.told[m]); i++ {
			before, now := h.told[m][i-1], h.told[m][i]
			if now.value == before.value {
				continue
			}
			line, c := h.verdictOf(r, m, before.at, now.at)
			if c == "" {
				continue
			}
			count := now.value - before.value
			all = append(all, fmt.Sprint(line, m, before.at, now.at, count, c))
			if key := fmt.Sprint(line, m, now.at); c.proven() && !h.seen[key] {
				h.seen[key] = true
				h.counted[line] += count
			}
		}
	}
	slices.Sort(all)
	return all
}

// check compares the books with the history. What counts for good does so from when it was first
// certain, so the history is gone through after every step; the books are read after some, and at the end.
func (h *hospital) check() {
	want := h.history(h.register)
	if h.checks++; h.checks%4 == 0 {
		h.compare(want)
	}
}

func (h *hospital) compare(want []string) {
	var events []string
	inEpisodes := make(map[int64][]*event)
	err := each(context.Background(), h.ledger.readers, "SELECT "+eventsTable.columns+" FROM events ORDER BY id", func(read func(...any) error) error {
		x, err := readEvent(read)
		if x.Certainty != Withdrawn {
			events = append(events, fmt.Sprint(x.Line, x.Device, x.From, x.To, x.Count, x.Certainty))
		}
		if x.Certainty.live() && x.episode == 0 {
			h.Fatalf("event %+v belongs to no episode", x)
		}
		inEpisodes[x.episode] = append(inEpisodes[x.episode], x)
		return err
	})
	if err != nil {
		h.Fatalf("events: %v", err)
	}
	slices.Sort(events)
	if !slices.Equal(events, want) {
		h.Fatalf("events:\ngot  %q\nwant %q", events, want)
	}
	h.checkTotals()
	h.checkEpisodes(inEpisodes)
	h.checkMemory()
}

func (h *hospital) checkTotals() {
	totals, err := readAfterTotals(context.Background(), h.ledger.readers)
	if err != nil {
		h.Fatalf("totals: %v", err)
	}
	for line, t := range totals {
		if t.Pages < h.totals[line] || t.Pages != h.counted[line] || t.Noticed > wire.TimeOf(h.now) {
			h.Fatalf("%s after the cut-off: got %+v, was %d, want %d", line, t, h.totals[line], h.counted[line])
		}
		h.totals[line] = t.Pages
	}
	if len(totals) != len(h.counted) {
		h.Fatalf("totals: got %v, want %v", totals, h.counted)
	}
}

// checkEpisodes checks each against its own events.
func (h *hospital) checkEpisodes(events map[int64][]*event) {
	open := make(map[string]int64)
	episodes, err := h.ledger.Episodes(context.Background(), EpisodeFilter{})
	if err != nil {
		h.Fatalf("episodes: %v", err)
	}
	for _, e := range episodes {
		if !e.Kind.eventful() {
			continue
		}
		var proven, unsure int64
		var live []*event
		for _, x := range events[e.ID] {
			switch {
			case x.Certainty.proven():
				proven += x.Count
			case x.Certainty == Unsure:
				unsure += x.Count
			}
			if x.Certainty.live() {
				live = append(live, x)
			}
		}
		switch {
		case e.ClosedAt == 0 && len(live) == 0:
			h.Fatalf("episode %+v is open, with no event", e)
		case e.ClosedAt == 0 && open[e.Line] != 0:
			h.Fatalf("episodes %d and %d of %s are open at once", open[e.Line], e.ID, e.Line)
		case e.ClosedAt != 0 && (e.Reason == ClosedWithdrawn || e.Reason == ClosedTest) && len(live) > 0:
			h.Fatalf("episode %+v is closed, but events hold", e)
		case e.Reason == ClosedQuiet && e.ClosedAt.Sub(e.LastAt) < quietFor:
			h.Fatalf("episode %+v was closed before seven days", e)
		case proven > 0 && (e.Count != proven || !e.Certainty.proven()), proven == 0 && len(live) > 0 && (e.Count != unsure || e.Certainty != Unsure):
			h.Fatalf("episode %+v: want %d proven, %d unsure", e, proven, unsure)
		}
		if len(live) > 0 {
			first := slices.MinFunc(live, func(x, y *event) int { return cmp.Compare(x.To, y.To) })
			last := slices.MaxFunc(live, func(x, y *event) int { return cmp.Compare(x.To, y.To) })
			if e.FirstAt != first.To || e.LastAt != last.To {
				h.Fatalf("episode %+v: want it from %s to %s", e, first.To, last.To)
			}
		}
		if was := h.openedAt[e.ID]; was != 0 && was != e.OpenedAt {
			h.Fatalf("episode %+v: it opened at %s", e, was)
		}
		h.openedAt[e.ID] = e.OpenedAt
		if e.ClosedAt == 0 {
			open[e.Line] = e.ID
		}
	}
}

// checkMemory checks that the books in memory are those on disk.
func (h *hospital) checkMemory() {
	if h.ledger.books == nil {
		return
	}
	onDisk, err := h.ledger.store.load(context.Background())
	if err != nil {
		h.Fatalf("load: %v", err)
	}
	if got, want := h.ledger.books.told(), onDisk.told(); !slices.Equal(got, want) {
		h.Fatalf("episodes\nin memory %q\non disk   %q", got, want)
	}
}

// told are what is known of episodes, comparable.
func (b *books) told() []string {
	facts := []string{fmt.Sprintf("%+v %+v %+v %+v", b.after, b.windows, b.lately, b.last)}
	for _, e := range b.episodes {
		facts = append(facts, fmt.Sprintf("%+v", *e))
	}
	slices.Sort(facts)
	return facts
}

// dates changes the dates of a line in all its versions.
func (h *hospital) dates(change func(*Declaration)) {
	line := rapid.SampledFrom(hospitalLines).Draw(h.T, "line")
	h.declare(func(r *Register) {
		versions := slices.Clone(r.Lines[line])
		for i := range versions {
			change(&versions[i])
		}
		r.Lines[line] = versions
	})
}

// version declares a line anew from now on.
func (h *hospital) version(change func(*Declaration)) {
	line := rapid.SampledFrom(hospitalLines).Draw(h.T, "line")
	h.declare(func(r *Register) {
		v := r.Lines[line][len(r.Lines[line])-1]
		if v.From == wire.TimeOf(h.now) {
			return
		}
		v.From = wire.TimeOf(h.now)
		change(&v)
		r.Lines[line] = append(slices.Clone(r.Lines[line]), v)
	})
}

func someDay(t *rapid.T) Day {
	return rapid.SampledFrom([]Day{"", "2026-10-23", "2026-10-24", "2026-10-25", "2026-10-26", "2026-10-28", "2026-11-02"}).Draw(t, "day")
}

func (h *hospital) pass(t *rapid.T) {
	h.now = h.now.Add(time.Duration(rapid.SampledFrom([]int{1, 5, 5, 60, 300, 1440, 4000}).Draw(t, "minutes")) * time.Minute)
}

func (h *hospital) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"fax": func(t *rapid.T) {
			h.counts[rapid.SampledFrom(hospitalMachines).Draw(t, "machine")] += rapid.Int64Range(1, 5).Draw(t, "pages")
		},
		"poll": func(t *rapid.T) {
			h.pass(t)
			h.poll(hospitalMachines...)
		},
		"poll one": func(t *rapid.T) {
			h.pass(t)
			h.poll(rapid.SampledFrom(hospitalMachines).Draw(t, "machine"))
		},
		"boot": func(t *rapid.T) {
			h.now = h.now.Add(time.Minute)
			m := rapid.SampledFrom(hospitalMachines).Draw(t, "machine")
			h.pollAs(true, m)
			h.now = h.now.Add(time.Minute)
			h.poll(m)
		},
		"cut-off": func(t *rapid.T) { d := someDay(t); h.dates(func(v *Declaration) { v.Cutoff = d }) },
		"cut":     func(t *rapid.T) { d := someDay(t); h.dates(func(v *Declaration) { v.CutOn = d }) },
		"exception": func(t *rapid.T) {
			reason := rapid.SampledFrom([]string{"", "", "SAMU"}).Draw(t, "reason")
			h.dates(func(v *Declaration) { v.KeptReason = reason })
		},
		"another machine": func(t *rapid.T) {
			m := rapid.SampledFrom(append(hospitalMachines, "")).Draw(t, "machine")
			h.version(func(v *Declaration) { v.Device = m })
		},
		"remove": func(t *rapid.T) {
			removed := rapid.Bool().Draw(t, "removed")
			h.version(func(v *Declaration) { v.Removed = removed })
		},
		"test window": func(t *rapid.T) {
			line := rapid.SampledFrom(hospitalLines).Draw(t, "line")
			from := wire.TimeOf(h.now.Add(time.Duration(rapid.IntRange(-600, 60).Draw(t, "begins")) * time.Minute))
			w := window{line: line, from: from, to: from.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "minutes")) * time.Minute)}
			h.windows[line] = append(h.windows[line], w)
			if err := h.ledger.TestWindow(context.Background(), Author{Who: "anne"}, line, w.from, w.to, "essai"); err != nil {
				h.Fatalf("test window: %v", err)
			}
		},
		"close": func(t *rapid.T) {
			open, err := h.ledger.Episodes(context.Background(), EpisodeFilter{Open: true})
			if err != nil || len(open) == 0 {
				return
			}
			id := open[rapid.IntRange(0, len(open)-1).Draw(t, "which")].ID
			if err := h.ledger.CloseEpisode(context.Background(), Author{Who: "anne"}, id, "vu"); err != nil {
				h.Fatalf("close: %v", err)
			}
		},
		"watch": func(*rapid.T) {
			if err := h.ledger.Watchdog(context.Background(), true); err != nil {
				h.Fatalf("watchdog: %v", err)
			}
		},
		"crash": func(*rapid.T) { h.ledger.books = nil },
		"":      func(*rapid.T) { h.check() },
	}
}

func TestEventsAreThoseOfTheWholeHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		h := newHospital(t, dir)
		defer func() { h.ledger.Close() }()
		t.Repeat(h.actions())
		h.compare(h.history(h.register))
	})
}
