package year

import (
	"strings"
	"time"
)

// What a person must hear of besides faxes: that something can't be seen, or looks wrong.

const (
	silentAfter = 15 * time.Minute
	blindAfter  = 72 * time.Hour
	fadesAfter  = 24 * time.Hour // an episode about what only happened
	clockWrong  = time.Minute
	clockRight  = 30 * time.Second
)

// agentKnown is what is known of an agent.
type agentKnown struct {
	heard time.Time
	ahead time.Duration // its clock
	lost  bool          // batches that were given up, and none came since
}

func (t *Truth) agent(id string) *agentKnown {
	if t.agents[id] == nil {
		t.agents[id] = &agentKnown{}
	}
	return t.agents[id]
}

// gatewayPort is a port as it was seen last.
type gatewayPort struct {
	machine *Machine
	name    string
}

type portSeen struct {
	at   time.Time
	live bool // idle or busy
}

// happened opens an episode about what happens in an instant; what happens again belongs to the open one.
func (t *Truth) happened(x Episode, now time.Time) {
	open := t.open(x.Kind, x.subject())
	if open == nil {
		open = &x
		t.begin(open, now)
	}
	open.noticed = now
}

// hold opens an episode about a condition that holds, and closes it when it doesn't any more.
func (t *Truth) hold(x Episode, holds bool, now time.Time) {
	open := t.open(x.Kind, x.subject())
	switch {
	case holds && open == nil:
		t.begin(&x, now)
	case !holds && open != nil:
		open.close(now, "over")
	}
}

// subject is what an episode is about.
func (x *Episode) subject() string {
	switch x.Kind {
	case "after_cutoff", "after_copper", "blind", "line_reappeared":
		return x.Line
	case "agent_silent", "spool_dropping", "hole", "clock":
		return x.Agent
	case "anomaly":
		return x.Machine + " " + string(x.Measure)
	}
	return x.Machine
}

// watch is what follows from the time that it is.
func (t *Truth) watch(now time.Time) {
	for _, a := range t.Agents {
		known := t.agent(a.ID)
		// After a start nobody is silent before there was time to hear them. Whoever was stays so until then.
		silent := now.Sub(known.heard) >= silentAfter && (t.open("agent_silent", a.ID) != nil || now.Sub(t.up) >= silentAfter)
		t.hold(Episode{Kind: "agent_silent", Agent: a.ID}, !known.heard.IsZero() && silent, now)
		off := known.ahead.Abs()
		t.hold(Episode{Kind: "clock", Agent: a.ID}, off > clockWrong || off > clockRight && t.open("clock", a.ID) != nil, now)
	}
	for _, d := range t.sorted() {
		cut, ok := d.cut()
		past := ok && !now.Before(cut)
		blind := past && now.Sub(later(t.looked(d, now), t.started)) > blindAfter
		blind = blind && (t.open("blind", d.number) != nil || now.Sub(t.up) >= silentAfter)
		t.hold(Episode{Kind: "blind", Line: d.number}, blind, now)
		t.hold(Episode{Kind: "line_reappeared", Line: d.number}, t.reappeared(d, now), now)
	}
	for _, x := range t.Episodes {
		if !x.noticed.IsZero() && x.Closed.IsZero() && x.Kind != "anomaly" && now.Sub(x.noticed) >= fadesAfter {
			x.close(now, "over")
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// looked is when somebody last looked at a line, be it at its machine or at its gateway.
func (t *Truth) looked(d *declared, now time.Time) time.Time {
	return later(t.read[t.machineOf(d, now)], t.read[t.machines[d.now("gateway")]])
}

// reappeared tells whether a line that is declared as cut lives at its gateway.
func (t *Truth) reappeared(d *declared, now time.Time) bool {
	day, declared := d.day("cut_on")
	done := day.AddDate(0, 0, 1)
	if !declared || d.now("kept_reason") != "" || now.Before(done) {
		return false
	}
	p := t.ports[gatewayPort{t.machines[d.now("gateway")], d.now("gateway_port")}]
	return p.live && p.at.After(done)
}

// machineOf is the machine by which a line can be seen.
func (t *Truth) machineOf(d *declared, now time.Time) *Machine {
	name := d.then("device", now)
	if name == "" {
		name = d.now("gateway")
	}
	return t.machines[strings.ToLower(name)]
}

// saw takes in what a look tells besides counts.
func (t *Truth) saw(agent string, l Look, now time.Time) {
	if l.Failed != "" {
		return
	}
	t.read[l.Machine] = later(t.read[l.Machine], l.At)
	for _, p := range l.Ports {
		t.ports[gatewayPort{l.Machine, p.Name}] = portSeen{l.At, p.Status == "idle" || p.Status == "busy"}
	}
	if t.stands[l.Machine] == l.Address {
		return
	}
	place := [2]string{agent, l.Address}
	if other := t.places[place]; other != nil && other != l.Machine {
		t.happened(Episode{Kind: "device_changed", Machine: l.Machine.ID}, now)
	}
	t.stands[l.Machine], t.places[place] = l.Address, l.Machine
}
