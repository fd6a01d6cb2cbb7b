package stage

import (
	"fmt"
	"time"
	_ "time/tzdata" // the same rules on every machine

	"github.com/zerofax/zerofax/agent/wire"
)

// Service is a service of one of the two hospitals.
type Service struct {
	ID, Name                         string
	Pole, PoleName                   string
	Establishment, EstablishmentName string
	Site, SiteName                   string
	Commune                          string // INSEE code
	Zone                             *time.Location
	agent                            *agentPlan
	prefix                           string  // of its lines' numbers
	left                             float64 // how much of its faxes there still are
	turn                             float64 // months ago, when half of what went had gone
}

// Line is a fax line that people declared.
type Line struct {
	Number      string // national; its id
	Service     *Service
	Machine     *Machine // nil: only a gateway's port
	Next        *Machine // that took its place; nil: none
	Gateway     *Machine
	GatewayPort string
	Support     string
	Cutoff      time.Time // 00:00 in the line's zone; zero: none
	CutOn       time.Time
	KeptReason  string
	KeptUntil   time.Time
	State       string // what the books must say of it in the end
	Observed    string // what they would say if nobody had declared its end
}

// kill lets all agents die at t that aren't dead by then.
func (h *hospital) kill(t time.Time) {
	for _, a := range h.agents {
		if a.dies.IsZero() {
			a.dies = t
		}
	}
}

// Active tells whether the line lives, whatever was planned or allowed.
func (l *Line) Active() bool {
	return l.State == "active" || l.Observed == "active" && (l.State == "overdue" || l.State == "kept")
}

// Unseen tells whether the line may be active without anybody seeing it.
func (l *Line) Unseen() bool { return l.Observed == "blind" && l.State != "cut" }

// Machine is a fax machine, or a gateway.
type Machine struct {
	ID, Serial, Vendor, Model, Address string
	agent                              *agentPlan
	kind                               kind
	lines                              []*Line
	rate                               float64 // pages a working day, in the beginning
	from, to                           time.Time
	stop                               time.Time // from then on nobody faxes by habit; zero: never
	guest                              *Machine  // whose habit came here, too; nil: nobody's
	since                              time.Time // when it did
	faxes                              []fax     // out of habit, in order
	unseen                             []span    // in which it doesn't answer
	jumps                              []jump
	resets                             []time.Time
	ports                              []port
	service                            wire.FaxService

	counts map[wire.Measure]int64
	shown  map[wire.Measure]int64 // by the last look that arrived
	seen   time.Time              // when that was; zero: none yet
}

type span struct{ from, to time.Time }

func (s span) holds(t time.Time) bool { return !t.Before(s.from) && t.Before(s.to) }

type fax struct {
	at    time.Time
	sent  bool
	pages int64
}

// jump is a counter's growth that no machine can have faxed.
type jump struct {
	at     time.Time
	amount int64
}

// port is what a gateway tells of one from an instant on.
type port struct {
	name   string
	turns  []turn
	answer wire.Answer
}

type turn struct {
	at     time.Time
	status wire.LineStatus
}

// kind is what a machine counts.
type kind string

const (
	sentReceived kind = "sent and received"
	sentPrinted  kind = "sent and printed"
	allThree     kind = "sent, received and printed"
	undirected   kind = "pages of unknown direction"
	messages     kind = "messages"
	gateway      kind = "nothing"
)

type meter struct {
	measure wire.Measure
	unit    string
}

var meters = map[kind][]meter{
	sentReceived: {{wire.FaxSentPages, "pages"}, {wire.FaxReceivedPages, "pages"}},
	sentPrinted:  {{wire.FaxSentPages, "images"}, {wire.FaxPrintedPages, "pages"}},
	allThree:     {{wire.FaxSentPages, "pages"}, {wire.FaxReceivedPages, "pages"}, {wire.FaxPrintedPages, "sides"}},
	undirected:   {{wire.FaxPages, "pages"}},
	messages:     {{wire.FaxSent, "faxes"}, {wire.FaxReceived, "faxes"}},
}

var models = map[kind][2]string{
	sentReceived: {"ricoh", "IM C3000"},
	sentPrinted:  {"kyocera", "TASKalfa 3253ci"},
	allThree:     {"xerox", "AltaLink C8055"},
	undirected:   {"brother", "MFC-L6900DW"},
	messages:     {"sharp", "MX-3071"},
	gateway:      {"audiocodes", "MP-124"},
}

// of is what a fax adds to a measure.
func (f fax) of(m wire.Measure) int64 {
	switch m {
	case wire.FaxSentPages:
		if f.sent {
			return f.pages
		}
	case wire.FaxReceivedPages, wire.FaxPrintedPages:
		if !f.sent {
			return f.pages
		}
	case wire.FaxPages:
		return f.pages
	case wire.FaxSent:
		if f.sent {
			return 1
		}
	case wire.FaxReceived:
		if !f.sent {
			return 1
		}
	}
	return 0
}

// hospital is what stands there, and what will happen to it.
type hospital struct {
	now        time.Time // when the history ends
	months     int       // for how long it is told
	paris      *time.Location
	services   []*Service
	agents     []*agentPlan
	machines   []*Machine
	lines      []*Line
	undeclared []*Line    // what machines show that no line was declared of
	rejected   []*Machine // of which a person rejects the jumps
}

// agentPlan is an agent as the script knows it.
type agentPlan struct {
	id, version, os string
	zone            *time.Location
	dies            time.Time     // zero: never
	lag             time.Duration // by how much it can't keep up
	behind          time.Duration // its clock, in the last day or so
	refuses         bool          // what the collector wants it to poll
	givesUp         span          // in which it gives up what it reads
}

// ago is the local midnight so many months and days before the end.
func (h *hospital) ago(zone *time.Location, months, days int) time.Time {
	t := h.now.In(zone)
	return time.Date(t.Year(), t.Month()-time.Month(months), t.Day()-days, 0, 0, 0, 0, zone)
}

// hoursAgo is an instant so many hours before the end.
func (h *hospital) hoursAgo(hours float64) time.Time {
	return h.now.Add(-time.Duration(hours * float64(time.Hour)))
}

// off is by how much the agent's clock is ahead when the history is so far.
func (a *agentPlan) off(now, end time.Time) time.Duration {
	if end.Sub(now) > 30*hour {
		return 0
	}
	return -a.behind
}

// build is the hospital of which the history of so many months is told until now.
func build(now time.Time, months int) (*hospital, error) {
	h := &hospital{now: now, months: months}
	zones := map[string]*time.Location{}
	for _, name := range []string{"Europe/Paris", "Indian/Reunion"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return nil, fmt.Errorf("time zone: %w", err)
		}
		zones[name] = zone
	}
	h.paris = zones["Europe/Paris"]
	reunion := zones["Indian/Reunion"]
	nord := &agentPlan{id: "ps-nord", version: "1.4.0", os: "windows/amd64", zone: h.paris}
	sud := &agentPlan{id: "ps-sud", version: "1.2.1", os: "linux/amd64", zone: h.paris, dies: h.ago(h.paris, 0, 9).Add(15 * time.Hour)}
	iles := &agentPlan{
		id: "ps-iles", version: "1.3.0", os: "linux/amd64", zone: reunion,
		lag: 3 * hour, behind: 75 * time.Second, refuses: true, givesUp: span{h.hoursAgo(12), h.hoursAgo(8)},
	}
	h.agents = []*agentPlan{nord, sud, iles}

	chu := Service{Establishment: "chu-exemple", EstablishmentName: "CHU de l'Exemple", Zone: h.paris}
	north, south := chu, chu
	north.Site, north.SiteName, north.Commune, north.prefix, north.agent = "nord", "Site Nord", "49007", "02619140", nord
	south.Site, south.SiteName, south.Commune, south.prefix, south.agent = "sud", "Site Sud", "49328", "02619141", sud
	islands := Service{
		Establishment: "ch-iles", EstablishmentName: "Centre hospitalier des Îles", Zone: reunion,
		Site: "saint-pierre", SiteName: "Saint-Pierre", Commune: "97416", prefix: "02619159", agent: iles,
	}
	add := func(at Service, pole, poleName, id, name string, left, turn float64) *Service {
		at.Pole, at.PoleName, at.ID, at.Name, at.left, at.turn = pole, poleName, id, name, left, turn
		h.services = append(h.services, &at)
		return &at
	}
	h.cardiology(add(north, "medecine", "Médecine", "cardiologie", "Cardiologie", 0.12, 14))
	h.emergencies(add(north, "medecine", "Médecine", "urgences", "Urgences", 0.75, 5))
	h.oncology(add(north, "cancerologie", "Cancérologie", "oncologie", "Oncologie", 0.1, 10))
	h.maternity(add(north, "femme-mere-enfant", "Femme-mère-enfant", "maternite", "Maternité", 0.35, 7))
	h.paediatrics(add(north, "femme-mere-enfant", "Femme-mère-enfant", "pediatrie", "Pédiatrie", 0.3, 3))
	h.radiotherapy(add(south, "cancerologie", "Cancérologie", "radiotherapie", "Radiothérapie", 0.6, 8))
	h.medicine(add(islands, "soins-des-iles", "Soins des Îles", "medecine-polyvalente", "Médecine polyvalente", 0.45, 9))
	h.laboratory(add(islands, "soins-des-iles", "Soins des Îles", "laboratoire", "Laboratoire", 0.9, 4))
	h.gateway()
	newcomer := h.machine(nord, sentReceived, 4)
	newcomer.from = h.ago(h.paris, 0, 12) // nobody has declared a line of it
	h.undeclared = append(h.undeclared, &Line{Number: newcomer.ID, Service: &Service{}, State: "active", Observed: "active"})
	h.shift()
	return h, nil
}

// machine adds one.
func (h *hospital) machine(a *agentPlan, k kind, rate float64) *Machine {
	n := len(h.machines)
	m := &Machine{
		Serial: fmt.Sprintf("ZF%04dX", 1000+37*n), Vendor: models[k][0], Model: models[k][1], Address: fmt.Sprintf("10.%d.4.%d", 10+len(a.id), 20+n),
		agent: a, kind: k, rate: rate, service: wire.ServiceReady,
		counts: map[wire.Measure]int64{}, shown: map[wire.Measure]int64{},
	}
	m.ID = fmt.Sprintf("%s-zf%04dx", m.Vendor, 1000+37*n)
	for i, meter := range meters[k] {
		m.counts[meter.measure] = int64(5000 + 400*n + 30*i)
	}
	h.machines = append(h.machines, m)
	return m
}

// line adds one; m may be nil.
func (h *hospital) line(s *Service, m *Machine) *Line {
	n := len(h.lines)
	l := &Line{
		Number: fmt.Sprintf("%s%02d", s.prefix, n), Service: s, Machine: m,
		Support: []string{"analogique", "T0", "analogique", "sip"}[n%4], State: "active", Observed: "active",
	}
	if m != nil {
		m.lines = append(m.lines, l)
	}
	h.lines = append(h.lines, l)
	return l
}

// own adds a line that has a machine of its own.
func (h *hospital) own(s *Service, k kind, rate float64) *Line {
	return h.line(s, h.machine(s.agent, k, rate))
}
