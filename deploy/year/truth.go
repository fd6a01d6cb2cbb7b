package year

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Truth is what must be so, as far as the script was told to it.
type Truth struct {
	*Hospital
	Activities []*Activity
	Events     []*Event
	Episodes   []*Episode

	counters map[meterOf]*counter
	lines    map[string]*declared
	named    map[string][]string // lines that ever named a device, by the name in lower case
	held     map[string][]Batch  // by agent: written, not sent
	events   map[*Activity][]*Event
	windows  []Window
	agents   map[string]*agentKnown
	started  time.Time // when the first of them came
	read     map[*Machine]time.Time
	ports    map[gatewayPort]portSeen
	stands   map[*Machine]string // its address
	places   map[[2]string]*Machine
}

// NewTruth is the truth before the first step.
func NewTruth(h *Hospital) *Truth {
	return &Truth{
		Hospital: h, counters: map[meterOf]*counter{}, lines: map[string]*declared{}, held: map[string][]Batch{},
		named:  map[string][]string{},
		events: map[*Activity][]*Event{}, agents: map[string]*agentKnown{}, read: map[*Machine]time.Time{},
		ports: map[gatewayPort]portSeen{}, stands: map[*Machine]string{}, places: map[[2]string]*Machine{},
	}
}

// Step takes in what happens at a step, and what follows from the time that it is.
func (t *Truth) Step(s *Step) {
	for _, i := range s.Imports {
		t.declare(i, s.At)
	}
	t.windows = append(t.windows, s.Windows...)
	if len(s.Imports)+len(s.Windows) > 0 {
		for _, a := range t.Activities {
			t.rejudge(a, s.At)
		}
		t.withdraw(s.At)
	}
	t.messages(s)
	for _, j := range s.Judged {
		t.judged(j, s.At)
	}
	for line, reason := range s.Closed {
		if x := t.open("after_cutoff", line); x != nil {
			x.close(s.At, reason)
			x.Person = "somebody"
		}
	}
	t.quiet(s.At)
	t.watch(s.At)
}

// messages takes in what agents write, give up and send.
func (t *Truth) messages(s *Step) {
	for _, b := range s.Wrote {
		t.held[b.Agent] = append(t.held[b.Agent], b)
	}
	for agent, n := range s.GaveUp {
		n = min(n, len(t.held[agent]))
		for _, b := range t.held[agent][:n] {
			t.lose(b)
		}
		t.agent(agent).lost = true
		t.happened(Episode{Kind: "spool_dropping", Agent: agent}, s.At)
		t.held[agent] = t.held[agent][n:]
	}
	for _, agent := range s.Linked {
		if t.started.IsZero() {
			t.started = s.At
		}
		t.agent(agent).heard = s.At
		for _, b := range t.held[agent] {
			t.arrive(b, s.At)
		}
		t.held[agent] = nil
	}
}

// sorted are the declared lines by number.
func (t *Truth) sorted() []*declared {
	return slices.SortedFunc(maps.Values(t.lines), func(a, b *declared) int { return strings.Compare(a.number, b.number) })
}

func (t *Truth) declare(i Import, now time.Time) {
	for _, row := range i.Rows {
		d := t.lines[row[0]]
		if d == nil {
			d = &declared{number: row[0], since: map[string][]value{}}
			t.lines[row[0]] = d
		}
		for n, column := range i.Columns[1:] {
			if column == "time_zone" {
				d.set(column, row[n+1], now)
				d.zone, _ = time.LoadLocation(row[n+1])
			}
		}
		from := now
		if i.Since != "" {
			from, _ = dayIn(i.Since, d.zone)
		}
		for n, column := range i.Columns[1:] {
			d.set(column, row[n+1], from)
			if name := strings.ToLower(row[n+1]); column == "device" && !slices.Contains(t.named[name], d.number) {
				t.named[name] = append(t.named[name], d.number)
				slices.Sort(t.named[name])
			}
		}
	}
}

func (t *Truth) counter(l Look, s Shown) *counter {
	key := meterOf{l.Machine, s.Measure}
	if t.counters[key] == nil {
		t.counters[key] = &counter{}
	}
	return t.counters[key]
}

func (t *Truth) lose(b Batch) {
	for _, l := range b.Looks {
		for _, s := range l.Shows {
			t.counter(l, s).lose(s)
		}
	}
}

func (t *Truth) arrive(b Batch, now time.Time) {
	a := t.agent(b.Agent)
	a.ahead = b.Clock
	if a.lost {
		a.lost = false
		t.happened(Episode{Kind: "hole", Agent: b.Agent}, now)
	}
	for _, l := range b.Looks {
		t.saw(b.Agent, l, now)
		for _, s := range l.Shows {
			c := t.counter(l, s)
			a := c.look(l, s, b.Clock.Abs())
			if s.Lie == Jump {
				t.happened(Episode{Kind: "anomaly", Machine: l.Machine.ID, Measure: s.Measure}, now)
			}
			if a == nil {
				continue
			}
			a.Noticed = now
			t.Activities = append(t.Activities, a)
			t.rejudge(a, now)
		}
	}
}

// judged books growth that was held, or not.
func (t *Truth) judged(j Judgement, now time.Time) {
	for _, m := range t.Machines {
		for _, meter := range meters[m.Kind] {
			c := t.counters[meterOf{m, meter.measure}]
			if m.ID != j.Device || c == nil || c.held == nil {
				continue
			}
			if x := t.open("anomaly", m.ID+" "+string(meter.measure)); x != nil {
				x.close(now, "over")
			}
			if j.Accept {
				c.held.Noticed = now
				t.Activities = append(t.Activities, c.held)
				t.rejudge(c.held, now)
			}
			c.held = nil
		}
	}
}
