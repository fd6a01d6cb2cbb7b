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

// judge tells on which line an activity counts as one after the cut-off, and how sure that is.
// An empty certainty says that it is none.
func (t *Truth) judge(a *Activity) (line, certainty string) {
	lines := t.linesOn(a.Machine, a.To)
	if a.evidence() || len(lines) == 0 {
		return "", ""
	}
	var cut time.Time // the latest of all lines of the machine
	for _, d := range lines {
		own, ok := d.cut()
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
		if !slices.ContainsFunc(lines, func(d *declared) bool { return d.number == w.Line }) || !latest.After(w.From) || !earliest.Before(w.To) {
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
	line, certainty := t.judge(a)
	var e *Event // of that line
	for _, old := range t.events[a] {
		if certainty != "" && old.Line == line {
			e = old
		} else {
			old.Certainty = "withdrawn"
		}
	}
	if certainty == "" {
		return
	}
	if e == nil {
		e = &Event{Activity: a, Line: line, Noticed: now}
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
	open := t.open("after_cutoff", line)
	switch {
	case e.episode == nil, open != nil && open != e.episode && e.episode.Person == "":
		t.join(e, now)
	case open == nil && e.episode.Person == "":
		e.episode.Closed, e.episode.Why = time.Time{}, ""
	}
}

// join puts an event into its line's open episode, or a new one.
func (t *Truth) join(e *Event, now time.Time) {
	open := t.open("after_cutoff", e.Line)
	if open == nil {
		open = &Episode{Kind: "after_cutoff", Line: e.Line, Machine: e.Machine.ID, Opened: now}
		t.Episodes = append(t.Episodes, open)
	}
	if old := e.episode; old != nil {
		old.Events = slices.DeleteFunc(old.Events, func(x *Event) bool { return x == e })
	}
	open.Events = append(open.Events, e)
	e.episode = open
}

// open is the open episode of a kind about a subject: a line, a machine, an agent.
func (t *Truth) open(kind, subject string) *Episode {
	for _, x := range t.Episodes {
		if x.Kind == kind && x.Closed.IsZero() && x.subject() == subject {
			return x
		}
	}
	return nil
}

func (x *Episode) close(now time.Time, why string) { x.Closed, x.Why = now, why }

// withdraw closes episodes of which nothing is left.
func (t *Truth) withdraw(now time.Time) {
	for _, x := range t.Episodes {
		if x.Kind == "after_cutoff" && x.Closed.IsZero() && !slices.ContainsFunc(x.Events, (*Event).live) {
			x.close(now, "withdrawn")
		}
	}
}

// quiet closes episodes after seven days of proven silence: a look that late shows that nothing more
// came. What came in late was told late, and stays open for seven days too.
func (t *Truth) quiet(now time.Time) {
	for _, x := range t.Episodes {
		if x.Kind != "after_cutoff" || !x.Closed.IsZero() {
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
	for _, m := range t.Machines {
		for _, d := range t.linesOn(m, now) {
			if d.number == line {
				for _, meter := range meters[m.Kind] {
					if c := t.counters[meterOf{m, meter.measure}]; c != nil && c.at.After(at) {
						at = c.at
					}
				}
			}
		}
	}
	return at
}

// After is what was faxed on each line after its cut-off, certainly or probably, ever.
func (t *Truth) After() (pages, faxes map[string]int64) {
	pages, faxes = map[string]int64{}, map[string]int64{}
	for _, e := range t.Events {
		switch {
		case !e.counted:
		case e.Unit == "faxes":
			faxes[e.Line] += e.Count
		default:
			pages[e.Line] += e.Count
		}
	}
	return pages, faxes
}
