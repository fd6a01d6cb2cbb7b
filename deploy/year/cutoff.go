package year

import (
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// What is known of faxes after the cut-off, by design §8.

// Event is a fax after a cut-off, or what may be one.
type Event struct {
	*Activity
	Kind      string // of its episode: after_cutoff, after_copper
	Line      string
	Certainty string // certain, probable, unsure, test, withdrawn
	Noticed   time.Time
	counted   bool // once certain or probable: it stays in the line's total
	episode   *Episode
}

// Episode is a stretch of one thing that a person hears of once.
type Episode struct {
	Kind           string
	Line, Machine  string
	Agent          string
	Measure        wire.Measure // of an anomaly
	Opened, Closed time.Time    // Closed zero: open
	Why            string       // it is closed: quiet, withdrawn, over, or a person's words
	Person         string       // who closed it
	Events         []*Event

	noticed time.Time // when it happened last; zero with conditions and events
}

const (
	quietFor = 7 * 24 * time.Hour
	lateFor  = 24 * time.Hour
)

// faxKinds are the kinds of episodes that consist of faxes.
var faxKinds = []string{"after_cutoff", "after_copper"}

// deadline is when a line should have ended: it was cut, or copper ends in its commune.
func (t *Truth) deadline(kind string, d *declared) (time.Time, bool) {
	if kind == "after_cutoff" {
		return d.cut()
	}
	day, known := dayIn(t.copper[d.now("commune")], d.zone)
	return day.AddDate(0, 0, 1), known && slices.Contains([]string{"analogique", "T0", "T2"}, d.now("support"))
}

// judge tells on which line an activity counts as one after its deadline, and how sure that is.
// An empty certainty says that it is none.
func (t *Truth) judge(kind string, a *Activity) (line, certainty string) {
	lines := t.linesOn(a.Machine, a.To)
	if a.evidence() || len(lines) == 0 {
		return "", ""
	}
	var cut time.Time // the latest of all lines of the machine
	for _, d := range lines {
		own, ok := t.deadline(kind, d)
		if !ok {
			return "", ""
		}
		if own.After(cut) {
			cut, line = own, d.number
		}
	}
	earliest, latest := a.From.Add(-a.Error), a.To.Add(a.Error)
	switch {
	case !latest.After(cut):
		return "", ""
	case earliest.Before(cut), a.Reset > 0:
		certainty = "unsure"
	case a.Measure == wire.FaxPrintedPages && earliest.Before(cut.Add(lateFor)):
		certainty = "probable"
	default:
		certainty = "certain"
	}
	for _, w := range t.windows {
		if !slices.ContainsFunc(lines, func(d *declared) bool { return d.number == w.Line.Number }) || !latest.After(w.From) || !earliest.Before(w.To) {
			continue
		}
		if !earliest.Before(w.From) && !latest.After(w.To) {
			return line, "test"
		}
		certainty = "unsure" // it may have been the test
	}
	return line, certainty
}

// live tells whether an event is one, after all.
func (e *Event) live() bool {
	return e.Certainty == "certain" || e.Certainty == "probable" || e.Certainty == "unsure"
}

func (e *Event) sure() bool { return e.Certainty == "certain" || e.Certainty == "probable" }

// rejudge judges an activity, be it for the first time or again. What doesn't hold any more is withdrawn.
func (t *Truth) rejudge(a *Activity, now time.Time) {
	for _, kind := range faxKinds {
		t.rejudgeAs(kind, a, now)
	}
}

func (t *Truth) rejudgeAs(kind string, a *Activity, now time.Time) {
	line, certainty := t.judge(kind, a)
	var e *Event // of that line
	for _, old := range t.events[a] {
		switch {
		case old.Kind != kind:
		case certainty != "" && old.Line == line:
			e = old
		default:
			old.Certainty = "withdrawn"
		}
	}
	if certainty == "" {
		return
	}
	if e == nil {
		e = &Event{Activity: a, Kind: kind, Line: line, Noticed: now}
		t.events[a] = append(t.events[a], e)
		t.Events = append(t.Events, e)
	}
	was := *e
	e.Certainty = certainty
	e.counted = e.counted || e.sure()
	if more := e.live() && !was.live() || e.sure() && !was.sure(); !more {
		return
	}
	// It counts for more than before. That belongs to what is open about the line; else the episode in
	// which it was told opens again, and nobody is told twice. What a person closed stays closed.
	open := t.open(kind, line)
	switch {
	case e.episode == nil, open != nil && open != e.episode && e.episode.Person == "":
		t.join(e, now)
	case open == nil && e.episode.Person == "":
		t.reopen(e.episode)
	}
}

// join puts an event into its line's open episode, or a new one.
func (t *Truth) join(e *Event, now time.Time) {
	open := t.open(e.Kind, e.Line)
	if open == nil {
		open = &Episode{Kind: e.Kind, Line: e.Line, Machine: e.Machine.ID}
		t.begin(open, now)
	}
	if old := e.episode; old != nil {
		old.Events = slices.DeleteFunc(old.Events, func(x *Event) bool { return x == e })
	}
	open.Events = append(open.Events, e)
	e.episode = open
}

// open is the open episode of a kind about a subject: a line, a machine, an agent.
func (t *Truth) open(kind, subject string) *Episode {
	if x := t.opened[[2]string{kind, subject}]; x != nil && x.Closed.IsZero() {
		return x
	}
	return nil
}

// begin opens an episode.
func (t *Truth) begin(x *Episode, now time.Time) {
	x.Opened = now
	t.Episodes = append(t.Episodes, x)
	t.opened[[2]string{x.Kind, x.subject()}] = x
}

// reopen opens one again.
func (t *Truth) reopen(x *Episode) {
	x.Closed, x.Why = time.Time{}, ""
	t.opened[[2]string{x.Kind, x.subject()}] = x
}

func (x *Episode) close(now time.Time, why string) { x.Closed, x.Why = now, why }

// withdraw closes episodes of which nothing is left.
func (t *Truth) withdraw(now time.Time) {
	for _, x := range t.Episodes {
		if slices.Contains(faxKinds, x.Kind) && x.Closed.IsZero() && !slices.ContainsFunc(x.Events, (*Event).live) {
			x.close(now, "withdrawn")
		}
	}
}

// quiet closes episodes after seven days of proven silence: a look that late shows that nothing more
// came. What came in late was told late, and stays open for seven days too.
func (t *Truth) quiet(now time.Time) {
	for _, x := range t.Episodes {
		if !slices.Contains(faxKinds, x.Kind) || !x.Closed.IsZero() {
			continue
		}
		var last, noticed time.Time
		for _, e := range x.Events {
			if e.live() && e.To.After(last) {
				last = e.To
			}
			if e.live() && e.Noticed.After(noticed) {
				noticed = e.Noticed
			}
		}
		if seen := t.seen(x.Line, now); !seen.Before(last.Add(quietFor)) && !now.Before(noticed.Add(quietFor)) {
			x.close(now, "quiet")
		}
	}
}

// seen is up to when it is known what a line's machine did.
func (t *Truth) seen(line string, now time.Time) (at time.Time) {
	m := t.machineOf(t.lines[line], now)
	for _, meter := range meters[m.Kind] {
		if c := t.counters[meterOf{m, meter.measure}]; c != nil {
			at = later(at, c.at)
		}
	}
	return at
}

// After is what was faxed on each line after its cut-off, certainly or probably, ever.
func (t *Truth) After() (pages, faxes map[string]int64) {
	pages, faxes = map[string]int64{}, map[string]int64{}
	for _, e := range t.Events {
		switch {
		case !e.counted || e.Kind != "after_cutoff":
		case e.Unit == "faxes":
			faxes[e.Line] += e.Count
		default:
			pages[e.Line] += e.Count
		}
	}
	return pages, faxes
}
