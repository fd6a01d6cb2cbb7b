package year

import (
	"bytes"
	"encoding/csv"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Script is what happens, in order.
type Script struct {
	Plan
	*Hospital
	Steps []*Step

	breaks []outage
}

// Step is one instant. What happens at it happens in the order of the fields.
type Step struct {
	At      time.Time
	Killed  Killing // the collector, and it is started again at once
	Imports []Import
	Copper  map[string]string // a newer file of the days on which copper closes, by commune
	Windows []Window
	Wrote   []Batch           // what agents put into their spools
	GaveUp  map[string]int    // how many of the oldest batches an agent gives up, that were never sent
	Linked  []string          // agents that have a link: they send all they hold, or else say that they live
	Judged  []Judgement       // of held jumps, by a person
	Closed  map[string]string // episodes after the cut-off that a person closes: line → reason
}

// Killing is when in a step the collector is killed.
type Killing string

// When the collector is killed.
const (
	NotKilled     Killing = ""
	KilledFirst   Killing = "first"   // before anything else
	KilledReading Killing = "reading" // while envelopes come in
	KilledMailing Killing = "mailing" // in a dialogue with the mail server that hasn't got the mail yet
	KilledMailed  Killing = "mailed"  // when the mail server has taken a mail, but didn't say so yet
)

// Import is a file that is given to `import lines`.
type Import struct {
	Columns []string // the first is number
	Rows    [][]string
	Since   string // day from which on it holds; empty: from now
}

// CSV is the file.
func (i Import) CSV() []byte {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	w.Comma = ';'
	_ = w.WriteAll(append([][]string{i.Columns}, i.Rows...)) // into memory: it can't fail
	return text.Bytes()
}

// Window is an announced test.
type Window struct {
	Line     *Line
	From, To time.Time
	Reason   string
}

// Judgement is a person's word on growth that was held.
type Judgement struct {
	Device string
	Accept bool
}

// Batch is what an agent's spool gets in one go.
type Batch struct {
	Agent string
	Clock time.Duration // how far the agent's clock is ahead
	Looks []Look
}

// Look is an agent's look at a machine, and what is true about it.
type Look struct {
	Machine *Machine
	At      time.Time // true
	Failed  string    // why nothing was read
	Address string
	Shows   []Shown
	Ports   []Port
}

// Shown is a counter as a look shows it.
type Shown struct {
	Measure wire.Measure
	Unit    string
	Value   int64 // as shown
	Faxed   int64 // what really was faxed since the look before that showed the truth; with Jump what is held
	Lie     Lie
}

// Lie is what a machine's counter does other than count.
type Lie string

// The lies. Which of them a look shows is what the books must find out by themselves.
const (
	None   Lie = ""
	Glitch Lie = "glitch" // it says 0 while it boots
	Reset  Lie = "reset"  // it begins anew
	Jump   Lie = "jump"   // it shows more than can be
)

// Write draws the script of a plan. The same plan gives the same script.
func Write(p Plan) *Script {
	w := &writer{
		Plan: p, rng: rand.New(rand.NewPCG(p.Seed, 2026)), moments: map[int64]*moment{},
		last: map[*Machine]map[wire.Measure]int64{}, clocks: map[string][]clockError{}, until: map[*Machine]time.Time{}, lies: map[*Machine]Lie{},
	}
	w.Hospital = build(p, w.rng)
	w.declareAll()
	w.at(w.day(25, 9, 20)).Copper = map[string]string{"97502": "2026-11-15", "49007": "2027-01-10", "35238": "2026-05-05"}
	w.at(w.day(294, 9, 20)).Copper = map[string]string{"97502": "2026-12-01"} // put off, after it was passed
	w.outages()
	w.tell()
	w.dailyFaxes()
	w.rounds()
	s := &Script{Plan: p, Hospital: w.Hospital, Steps: w.steps(), breaks: w.breaks}
	s.pause()
	s.kill(w)
	return s
}

// kill chooses some 30 steps in which the collector is killed, when all agents are linked.
func (s *Script) kill(w *writer) {
	t := NewTruth(s.Hospital, s.Office)
	n := 0
	for i, step := range s.Steps {
		before := len(t.Mails)
		t.Step(step)
		if len(step.Linked) < len(s.Agents) && len(step.Linked) > 0 || step.At.Sub(s.From) < 40*24*time.Hour {
			continue
		}
		switch mails := len(t.Mails) > before; {
		case mails && n%3 < 2 && w.rng.IntN(12) == 0:
			step.Killed = []Killing{KilledMailing, KilledMailed}[n%3]
		case !mails && n%3 == 2 && len(step.Wrote) > 0 && w.rng.IntN(12) == 0:
			step.Killed = []Killing{KilledFirst, KilledReading}[i%2]
		default:
			continue
		}
		n++
	}
}

// pause adds steps in which nothing happens but that the mails go out which wait for company.
func (s *Script) pause() {
	t := NewTruth(s.Hospital, s.Office)
	var all []*Step
	for i, step := range s.Steps {
		t.Step(step)
		all = append(all, step)
		for len(t.room.waits) > 0 {
			wait := slices.Min(slices.Collect(maps.Values(t.room.waits)))
			now := all[len(all)-1].At.Add(wait)
			if i+1 < len(s.Steps) && !now.Before(s.Steps[i+1].At) {
				break
			}
			all = append(all, &Step{At: now})
			t.Step(all[len(all)-1])
		}
	}
	s.Steps = all
}

// CutInNightsOfClockChange is how many lines are cut just before or after the hour that their
// zone skips or has twice.
func (s *Script) CutInNightsOfClockChange() (n int) {
	for _, l := range s.Lines {
		_, before := l.Cut.Add(-24 * time.Hour).Zone()
		_, after := l.Cut.Add(24 * time.Hour).Zone()
		if before != after {
			n++
		}
	}
	return n
}

// CutWhileOffline is how many lines are cut while their machine's agent has no link.
func (s *Script) CutWhileOffline() (n int) {
	for _, l := range s.Lines {
		if l.Machine != nil && slices.ContainsFunc(s.breaks, func(o outage) bool {
			return o.agent == l.Machine.Agent && o.from.Before(l.Cut) && l.Cut.Before(o.to)
		}) {
			n++
		}
	}
	return n
}

// writer collects what will happen when, and then plays it.
type writer struct {
	Plan
	*Hospital
	rng     *rand.Rand
	moments map[int64]*moment // by Unix ms
	until   map[*Machine]time.Time
	breaks  []outage
	clocks  map[string][]clockError
	lies    map[*Machine]Lie                    // to be told at the next look
	last    map[*Machine]map[wire.Measure]int64 // true counts at the last look that showed the truth
}

// moment is what is planned for an instant.
type moment struct {
	Step
	round bool // all agents look at all their machines
	looks map[*Machine]bool
	acts  []func() // what happens to machines, before anyone looks
	lies  map[*Machine]Lie
}

// outage is a time in which an agent has no link, both ends excluded; off: it doesn't even look.
type outage struct {
	agent    *Agent
	from, to time.Time
	off      bool
	lost     int // batches given up at its end
}

type clockError struct {
	from, to time.Time
	ahead    time.Duration
}

func (w *writer) at(t time.Time) *moment {
	key := t.UnixMilli()
	if w.moments[key] == nil {
		w.moments[key] = &moment{Step: Step{At: t.UTC()}, looks: map[*Machine]bool{}, lies: map[*Machine]Lie{}}
	}
	return w.moments[key]
}

// day is an hour of the n-th day of the year, UTC.
func (w *writer) day(n int, hour, minute int) time.Time {
	return w.From.AddDate(0, 0, n).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

func (w *writer) end() time.Time { return w.From.AddDate(0, 0, w.Days) }

// look lets a machine's agent look at it at t, apart from its rounds.
func (w *writer) look(m *Machine, t time.Time) { w.at(t).looks[m] = true }

// near lets it be looked at shortly before and after t, so that t cuts no interval with a fax in it.
func (w *writer) near(m *Machine, t time.Time) {
	w.look(m, t.Add(-5*time.Minute))
	w.look(m, t.Add(5*time.Minute))
}

// fax lets a machine fax.
func (w *writer) fax(m *Machine, t time.Time, sent bool, pages int64) {
	if m.Kind == Gateway {
		return
	}
	m.faxes = append(m.faxes, fax{t, sent, pages})
}

// declare imports a row.
func (w *writer) declare(t time.Time, since string, columns []string, row ...string) {
	step := w.at(t)
	for i := range step.Imports {
		if old := &step.Imports[i]; old.Since == since && slices.Equal(old.Columns, columns) {
			old.Rows = append(old.Rows, row)
			return
		}
	}
	step.Imports = append(step.Imports, Import{Columns: columns, Rows: [][]string{row}, Since: since})
}

// declareAll imports the lines: most before anything is read, some after twelve days.
func (w *writer) declareAll() {
	columns := []string{
		"number", "device", "gateway", "gateway_port", "establishment", "site", "commune", "time_zone", "pole", "service", "support",
	}
	for i, l := range w.Lines {
		t := w.day(0, 2, 20)
		if i%5 == 4 {
			t = w.day(12, 9, 20)
		}
		device, gateway := "", ""
		if l.Machine != nil {
			device = l.Machine.Serial
		}
		if l.Gateway != nil {
			gateway = l.Gateway.ID
		}
		w.declare(t, "", columns, l.Number, device, gateway, l.GatewayPort, l.Site.Establishment, l.Site.ID, l.Site.Commune,
			l.Site.Zone.String(), l.Site.Pole, l.Service, l.Support)
	}
}

// outages draws when agents have no link, and when their clocks are wrong.
func (w *writer) outages() {
	for i, a := range w.Agents {
		for n := range 4 {
			from := w.day(45+i+n*75, 6*w.rng.IntN(4), 7)
			o := outage{agent: a, from: from, to: from.Add(time.Duration(3+w.rng.IntN(60))*time.Hour + 11*time.Minute), off: n%2 == 1}
			if n == 2 {
				o.to = from.Add(31*time.Hour + 11*time.Minute)
				o.lost = 3
			}
			if !o.to.Before(w.end()) {
				continue
			}
			w.breaks = append(w.breaks, o)
			w.at(from)
			w.at(from.Add(14 * time.Minute))
			w.at(from.Add(16 * time.Minute))
			back := w.at(o.to)
			if o.lost > 0 {
				back.GaveUp = map[string]int{a.ID: o.lost}
			}
		}
		if i%3 == 0 {
			from := w.day(60+20*i, 1, 0)
			w.clocks[a.ID] = append(w.clocks[a.ID], clockError{from, from.AddDate(0, 0, 9), time.Duration(7-i) * 4 * time.Minute})
		}
	}
}

// rounds lets all agents look at all their machines, all the year.
func (w *writer) rounds() {
	for t := w.From.Add(7 * time.Minute).Add(w.Every); t.Before(w.end()); t = t.Add(w.Every) {
		w.at(t).round = true
	}
	for n := 31; n < w.Days; n += 10 { // around the hour of the digest
		y, m, d := w.From.AddDate(0, 0, n).Date()
		w.at(time.Date(y, m, d, digestHour, 0, 0, 0, w.Office.Zone).Add(-time.Millisecond))
		w.at(time.Date(y, m, d, digestHour, 0, 0, 0, w.Office.Zone))
	}
}

// dailyFaxes gives the machines something to do in working hours, until their last line is cut.
func (w *writer) dailyFaxes() {
	for i, m := range w.Machines {
		if m.Kind == Gateway {
			continue
		}
		each := []time.Duration{20 * time.Hour, 50 * time.Hour, 170 * time.Hour, 400 * time.Hour}[i%4]
		t := w.From.Add(time.Duration(w.rng.Int64N(int64(each))))
		until, ok := w.until[m]
		if !ok {
			until = w.end()
		}
		for ; t.Before(until); t = t.Add(time.Minute + time.Duration(w.rng.Int64N(int64(2*each)))) {
			local := t.In(m.Agent.Site.Zone)
			if local.Hour() < 8 || local.Hour() >= 18 || local.Weekday() == time.Sunday {
				continue
			}
			w.fax(m, t.Truncate(time.Minute).Add(time.Duration(1+w.rng.IntN(58))*time.Second), w.rng.IntN(2) == 0, 1+w.rng.Int64N(9))
		}
	}
}

// steps plays everything that was planned.
func (w *writer) steps() []*Step {
	for _, m := range w.Machines {
		slices.SortStableFunc(m.faxes, func(a, b fax) int { return a.at.Compare(b.at) })
	}
	var steps []*Step
	for _, key := range slices.Sorted(maps.Keys(w.moments)) {
		m := w.moments[key]
		w.faxUntil(m.At)
		for _, act := range m.acts {
			act()
		}
		maps.Copy(w.lies, m.lies)
		w.lookAround(m)
		for machine, lie := range w.lies {
			if lie == Glitch { // whoever didn't look missed it
				delete(w.lies, machine)
			}
		}
		for _, a := range w.Agents {
			if !w.broken(a, m.At, false) {
				m.Linked = append(m.Linked, a.ID)
			}
		}
		steps = append(steps, &m.Step)
	}
	return steps
}

func (w *writer) faxUntil(t time.Time) {
	for _, m := range w.Machines {
		n := 0
		for n < len(m.faxes) && !m.faxes[n].at.After(t) {
			if m.present(m.faxes[n].at) {
				m.count(m.faxes[n])
			}
			n++
		}
		m.faxes = m.faxes[n:]
	}
}

// broken tells whether an agent has no link at t or, with off, doesn't run at all.
func (w *writer) broken(a *Agent, t time.Time, off bool) bool {
	return slices.ContainsFunc(w.breaks, func(o outage) bool {
		return o.agent == a && (o.off || !off) && t.After(o.from) && t.Before(o.to)
	})
}

// lookAround lets the agents look.
func (w *writer) lookAround(now *moment) {
	for _, a := range w.Agents {
		if w.broken(a, now.At, true) {
			continue
		}
		b := Batch{Agent: a.ID}
		for _, c := range w.clocks[a.ID] {
			if !now.At.Before(c.from) && now.At.Before(c.to) {
				b.Clock = c.ahead
			}
		}
		for _, m := range w.Machines {
			if m.Agent == a && (now.round || now.looks[m]) && m.present(now.At) {
				b.Looks = append(b.Looks, w.shown(m, now))
			}
		}
		if len(b.Looks) > 0 {
			now.Wrote = append(now.Wrote, b)
		}
	}
}

// shown is what a machine shows at a moment, and what of it is true.
func (w *writer) shown(m *Machine, now *moment) Look {
	l := Look{Machine: m, At: now.At, Address: m.Address}
	if m.off {
		l.Failed = "timeout"
		return l
	}
	lie := w.lies[m]
	delete(w.lies, m)
	l.Ports = slices.Clone(m.Ports)
	if w.last[m] == nil {
		w.last[m] = maps.Clone(m.Counts)
	}
	for _, meter := range meters[m.Kind] {
		s := Shown{Measure: meter.measure, Unit: meter.unit, Value: m.Counts[meter.measure], Lie: lie}
		s.Faxed = s.Value - w.last[m][meter.measure]
		switch s.Lie {
		case Glitch:
			s.Value = 0
		case Reset:
			s.Faxed = 0 // nobody will ever know
		}
		if s.Lie != Glitch {
			w.last[m][meter.measure] = m.Counts[meter.measure]
		}
		l.Shows = append(l.Shows, s)
	}
	return l
}

// reset lets a machine's counters begin anew at t, where it is looked at: at a value that they
// can't have had before.
func (w *writer) reset(m *Machine, t time.Time, value int64) {
	now := w.at(t)
	now.acts = append(now.acts, func() {
		for measure := range m.Counts {
			m.Counts[measure] = value
		}
	})
	now.lies[m] = Reset
	w.look(m, t)
}

// jump lets a machine's counters grow by what can't be.
func (w *writer) jump(m *Machine, t time.Time) {
	now := w.at(t)
	now.acts = append(now.acts, func() {
		for measure := range m.Counts {
			m.Counts[measure] += jumpSize
		}
	})
	now.lies[m] = Jump
	w.look(m, t)
}

const jumpSize = 400_000

// glitch lets a machine say 0 for a while.
func (w *writer) glitch(m *Machine, t time.Time) {
	w.at(t).lies[m] = Glitch
	w.look(m, t)
}

// stop ends a machine's daily faxes, unless another of its lines goes on for longer.
func (w *writer) stop(m *Machine, t time.Time) {
	if t.After(w.until[m]) {
		w.until[m] = t
	}
}
