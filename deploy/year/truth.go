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
	Mails      []Mail
	Hooks      []Hook

	counters map[meterOf]*counter
	lines    map[string]*declared
	named    map[string][]string // lines that ever named a device, by the name in lower case
	held     map[string][]Batch  // by agent: written, not sent
	events   map[*Activity][]*Event
	windows  []Window
	copper   map[string]string // by commune: the day on which it closes
	agents   map[string]*agentKnown
	up       time.Time // since when the collector runs, if it was ever killed
	started  time.Time // when the first of them came
	read     map[*Machine]time.Time
	ports    map[gatewayPort]portSeen
	stands   map[*Machine]string // its address
	places   map[[2]string]*Machine
	room     mailroom
	opened   map[[2]string]*Episode // the last by kind and subject
	machines map[string]*Machine    // by id and serial
}

// NewTruth is the truth before the first step.
func NewTruth(h *Hospital, o Office) *Truth {
	t := &Truth{
		Hospital: h, counters: map[meterOf]*counter{}, lines: map[string]*declared{}, held: map[string][]Batch{},
		named:  map[string][]string{},
		events: map[*Activity][]*Event{}, copper: map[string]string{}, agents: map[string]*agentKnown{}, read: map[*Machine]time.Time{},
		ports: map[gatewayPort]portSeen{}, stands: map[*Machine]string{}, places: map[[2]string]*Machine{},
		room:   mailroom{Office: o, told: map[*Episode]*told{}, events: map[*Event]bool{}, loud: map[string]bool{}},
		opened: map[[2]string]*Episode{}, machines: map[string]*Machine{},
	}
	for _, m := range h.Machines {
		t.machines[strings.ToLower(m.Serial)], t.machines[m.ID] = m, m
	}
	return t
}

// Step takes in what happens at a step, and what follows from the time that it is.
func (t *Truth) Step(s *Step) {
	if s.Killed == KilledFirst || s.Killed == KilledReading {
		t.up = s.At
	}
	for _, i := range s.Imports {
		t.declare(i, s.At)
	}
	maps.Copy(t.copper, s.Copper)
	t.windows = append(t.windows, s.Windows...)
	if len(s.Imports)+len(s.Windows)+len(s.Copper) > 0 {
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
	t.post(s.At)
	if s.Killed != NotKilled {
		t.up = s.At
	}
}

// messages takes in what agents write, give up and send.
func (t *Truth) messages(s *Step) {
	for _, b := range s.Wrote {
		t.held[b.Agent] = append(t.held[b.Agent], b)
	}
	for agent, n := range s.GaveUp {
		n = min(n, len(t.held[agent]))
		if n == 0 {
			continue
		}
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

// declare takes over a file of lines.
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
		d.cutAt, _ = d.ends()
	}
}

func (t *Truth) counter(l Look, s Shown) *counter {
	key := meterOf{l.Machine, s.Measure}
	if t.counters[key] == nil {
		t.counters[key] = &counter{}
	}
	return t.counters[key]
}

// lose takes note of a batch that will never arrive.
func (t *Truth) lose(b Batch) {
	for _, l := range b.Looks {
		for _, s := range l.Shows {
			t.counter(l, s).lose(s)
		}
	}
}

// arrive takes in a batch.
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
			held := c.held
			a := c.look(l, s, b.Clock.Abs())
			if c.held != held {
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
