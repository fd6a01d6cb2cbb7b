package web

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const (
	maxRows = 500 // more would make a page of megabytes, asked for every 5 s
	few     = 5   // of a list that only says what kind of thing to look for
)

// fleetPage is all that the first page shows.
type fleetPage struct {
	frame
	MQTT      string // URL that agents use
	MQTTLocal bool   // only agents on this machine can

	MQTTGuarded bool // only enrolled agents can

	Devices     int64 // in the books
	Down        int64
	Lines       int64
	ActiveLines int64
	Unassigned  int64
	AgentsKnown int64
	AgentsDown  int64
	Expected    int64 // agents that were never heard yet

	Machines []machine // shown
	Found    int       // fit the query
	Agents   []ledger.Agent
	Watch    ledger.Watch
}

// machine is one row: a device with its lines and what is known of its agent.
type machine struct {
	*ledger.Device
	Lines          []ledger.Line
	Reader         ledger.Agent // whose readings count; empty where the books don't know it
	Sent, Received figure
	Either         figure // direction unknown
	AnomalyCount   int64
}

// figure is a count since first seen, or unknown, which is not 0.
type figure struct {
	Known   bool
	Count   int64
	Unit    string
	Printed bool   // counted when put on paper, not when received
	Faxes   *int64 // messages, where the device counts those too
}

// WatchCount is how many things there are that a person should look at.
func (p fleetPage) WatchCount() int64 { return p.Watch.OpenCount + p.Watch.Refused }

func (s *site) fleet(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title", "q")
	p := fleetPage{frame: f}
	p.MQTT, p.MQTTLocal = mqttFor(s.MQTT, r.Host)
	p.MQTTGuarded = strings.HasPrefix(p.MQTT, "mqtts:") || strings.HasPrefix(p.MQTT, "ssl:")
	var watch ledger.Watch
	var err error
	if !p.Fault {
		watch, err = s.books(r).Watch(r.Context(), few)
	}
	if err == nil {
		p.Searching, err = p.T("search")
	}
	if err != nil {
		s.Log.Error("read the books for the page", "error", err)
		p.Fault = true
	}
	p.fill(books, watch)
	s.Render(w, p.status(), "machines.html", p)
}

// fill makes the page of the books.
func (p *fleetPage) fill(books ledger.Snapshot, watch ledger.Watch) {
	p.Watch, p.Agents = watch, books.Agents
	p.Devices, p.Lines, p.AgentsKnown = int64(len(books.Devices)), int64(len(books.Lines)), int64(len(books.Agents))
	agents := map[string]ledger.Agent{}
	for _, a := range books.Agents {
		agents[a.ID] = a
		switch {
		case !a.Heard():
			p.Expected++
		case !a.Up:
			p.AgentsDown++
		}
	}
	linesOf := map[string][]ledger.Line{}
	for i := range books.Lines {
		l := books.Lines[i]
		linesOf[l.Device] = append(linesOf[l.Device], l)
		if l.Active() {
			p.ActiveLines++
		}
		if l.Service == "" {
			p.Unassigned++
		}
	}
	for i := range books.Devices {
		d := &books.Devices[i]
		if !d.Up {
			p.Down++
		}
		if fits(d, p.Query) {
			p.Machines = append(p.Machines, machineOf(d, linesOf[d.ID], agents[d.Agent]))
		}
	}
	p.Found = len(p.Machines)
	slices.SortStableFunc(p.Machines, func(a, b machine) int { // those that can fax first, else by id
		return cmp.Compare(rank(a), rank(b))
	})
	p.Machines = p.Machines[:min(len(p.Machines), maxRows)]
}

func rank(m machine) int {
	switch {
	case m.FaxCapable:
		return 0
	case len(m.Ports) > 0: // a gateway, whose fax ports nobody declared yet
		return 1
	case m.CanFax() == wire.Unknown:
		return 2
	}
	return 3
}

// CanFax is what all evidence says. Unknown is not no.
func (m machine) CanFax() wire.Answer {
	if m.FaxCapable {
		return wire.Yes
	}
	return m.Fax
}

func machineOf(d *ledger.Device, lines []ledger.Line, agent ledger.Agent) machine {
	m := machine{Device: d, Lines: lines, Reader: agent}
	m.Sent = figureOf(d, ledger.Sent)
	m.Received = figureOf(d, ledger.Received)
	m.Either = figureOf(d, ledger.UnknownDirection)
	for _, n := range d.Anomalies {
		m.AnomalyCount += n
	}
	return m
}

func figureOf(d *ledger.Device, way ledger.Direction) figure {
	var f figure
	var measure wire.Measure
	f.Count, measure, f.Known = d.Pages(way)
	f.Printed = measure == wire.FaxPrintedPages
	for _, c := range d.Counters {
		if c.Measure == measure && c.Current {
			f.Unit = c.Unit
		}
	}
	f.Unit = cmp.Or(f.Unit, "pages")
	if faxes, _, ok := d.Faxes(way); ok {
		f.Faxes = &faxes
	}
	return f
}

// OnlyEither tells that pages are counted, but not which way they went.
func (m machine) OnlyEither() bool { return m.Either.Known && !m.Sent.Known && !m.Received.Known }

// Title is how people call the machine.
func (m machine) Title() string {
	if m.Model == "" {
		return m.ID
	}
	if m.Vendor == "" || strings.HasPrefix(strings.ToLower(m.Model), strings.ToLower(m.Vendor)) {
		return m.Model
	}
	return strings.ToUpper(m.Vendor[:1]) + m.Vendor[1:] + " " + m.Model
}

// Where is what helps to find it.
func (m machine) Where() string {
	return joined(" · ", m.Name, m.Location, m.Address)
}

// fits tells whether all words of the query stand somewhere in what names a device.
func fits(d *ledger.Device, query string) bool {
	return fitsAll(query, d.ID, d.Vendor, d.Model, d.Serial, d.Name, d.Location, d.Address, d.Agent)
}

// AgentState is the key of what to say of an agent.
func (p fleetPage) AgentState(a ledger.Agent) string {
	switch {
	case a.ID == "":
		return "unknown"
	case !a.Heard():
		return "expected"
	case a.Up:
		return "up"
	case a.Online:
		return "silent"
	}
	return "off"
}

// Remarks are what is wrong with an agent, in words.
func (p fleetPage) Remarks(a ledger.Agent) ([]string, error) {
	var list []string
	var fault error
	said := func(text string, err error) {
		fault = cmp.Or(fault, err)
		list = append(list, text)
	}
	add := func(applies bool, key string, args ...any) {
		if applies {
			said(p.T(key, args...))
		}
	}
	count := func(n int64, key string) {
		if n > 0 {
			said(p.Count(key, n))
		}
	}
	off, err := p.Length(time.Duration(a.ClockMS) * time.Millisecond)
	fault = cmp.Or(fault, err)
	silent, err := p.silent(a.Silent)
	fault = cmp.Or(fault, err)
	add(a.TooNew, "agent.too.new")
	add(a.Config.Standing == ledger.ConfigRefused, "config.refused", p.At(a.Config.ChangedAt), a.Config.Error)
	add(a.Config.Standing == ledger.ConfigPending && a.Config.Declared, "config.pending", p.At(a.Config.ChangedAt))
	add(a.Config.Standing == ledger.ConfigPending && !a.Config.Declared, "config.ending", p.At(a.Config.ChangedAt))
	add(a.Config.Standing == ledger.ConfigUnable, "config.unable")
	add(a.Config.Standing == ledger.ConfigAstray, "config.astray", p.At(wire.Time(a.Config.Runs)))
	if c := a.Certificate; c != nil {
		add(c.Error != "", "agent.certificate", p.At(c.NotAfter), c.Error)
	}
	add(a.Spool.Error != "", "agent.spool.error", a.Spool.Error)
	count(a.Dropped, "agent.dropped")
	count(int64(a.Spool.Damaged), "agent.damaged")
	count(int64(a.Holes), "agent.holes")
	add(a.ClockFixed, "agent.clock.fixed", off)
	add(a.ClockWrong && !a.ClockFixed, "agent.clock", off)
	add(silent != "", "agent.silent.list", silent)
	for _, j := range a.Journals {
		add(j.Error != "", "agent.journal.error", j.Name, j.Error)
		add(j.Rejected > 0, "agent.journal.rejected", j.Name, j.Rejected)
	}
	return list, fault
}

// silent names the first few addresses that never answered.
func (p fleetPage) silent(targets []wire.Silent) (string, error) {
	var names []string
	for _, t := range targets[:min(len(targets), few)] {
		names = append(names, t.Address)
	}
	said := strings.Join(names, ", ")
	if len(targets) <= few {
		return said, nil
	}
	return p.T("agent.silent.more", said, len(targets)-few)
}

// mqttFor is the broker's URL as the reader's own network knows it: one that listens on all
// addresses is where the page was found. local tells that other machines can't reach it.
func mqttFor(broker, host string) (mqtt string, local bool) {
	u, err := url.Parse(broker)
	if err != nil {
		return broker, false
	}
	ip := net.ParseIP(u.Hostname())
	if u.Hostname() == "" || ip != nil && ip.IsUnspecified() {
		found := (&url.URL{Host: host}).Hostname()
		u.Host = net.JoinHostPort(found, u.Port())
		return u.String(), false
	}
	return broker, u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// said is a thing with its words, for the small templates.
type said struct {
	Known   bool
	State   string
	Text    string
	Printed string // what kind of pages, where they aren't those received
	Faxes   string
}

// Says words a figure. A machine without fax has none. Where nothing proves a fax, or the machine
// doesn't count, it is unknown: a 0 that such a machine tells is no proof.
func (p fleetPage) Says(f figure, fax wire.Answer) (s said, err error) {
	switch {
	case fax == wire.No:
		s.Text, err = p.T("none")
		return s, err
	case fax == wire.Yes && f.Known:
		s.Known = true
		s.Text, err = p.Amount(f.Count, f.Unit)
		if err == nil && f.Printed {
			s.Printed, err = p.T("printed")
		}
	default:
		s.Text, err = p.T("unknown")
	}
	if err == nil && f.Faxes != nil && fax == wire.Yes {
		s.Faxes, err = p.Amount(*f.Faxes, "faxes")
	}
	return s, err
}

// AgentWord words what AgentState tells.
func (p fleetPage) AgentWord(state string) (said, error) {
	text, err := p.T("agent." + state)
	return said{State: state, Text: text}, err
}

// Since says for how long something lasts.
func (p fleetPage) Since(t wire.Time) (string, error) { return p.Length(p.Now.Sub(t)) }
