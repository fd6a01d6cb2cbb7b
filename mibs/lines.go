package mibs

import (
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// lines: either a gateway's ports or what a machine's alerts say of its only line.
type lines struct {
	Ports  []ports     `yaml:"ports"`  // the first whose column the device answers decides which ports there are
	Own    bool        `yaml:"own"`    // they are lines of the machine's own fax; the only one needs no name, and no port
	Names  []textRule  `yaml:"names"`  // what stands on the box, where it tells the port from all others; else the index names it
	Status []stateRule `yaml:"status"` // the first that says something decides; of several of one What, the first that is answered is asked
	About  []about     `yaml:"about"`  // what the gateway says of a port itself
	Alerts *alerts     `yaml:"alerts"`
	Source string      `yaml:"source"`
}

// ports is a way to find a gateway's ports: every row of Column that says one of Is is one.
// {port} in the OIDs of lines is its index.
type ports struct {
	Column  string   `yaml:"column"`
	Is      []string `yaml:"is"`      // empty: whatever it says
	Numbers int      `yaml:"numbers"` // so many numbers of the index name the port; 0 = all
	Plus    int      `yaml:"plus"`    // added to the last of them, where the box counts from 1 and the table from 0
	Max     int      `yaml:"max"`     // read at most so many objects of the column
}

// about is what a gateway says of a port when it is identified: it goes into the evidence,
// and where it fits Fax (or NoFax), the gateway itself says that a fax hangs on the port (or not).
type about struct {
	What   string            `yaml:"what"`
	OID    string            `yaml:"oid"`
	Words  map[string]string `yaml:"words"`  // what people call a value that is a number; Fax and NoFax see the word
	Only   bool              `yaml:"only"`   // not worth telling but in those words
	Number bool              `yaml:"number"` // a phone number in it is the port's
	Fax    pattern           `yaml:"fax"`
	NoFax  pattern           `yaml:"no_fax"` // counts before Fax
}

// alerts come and go, so their rows can't be known beforehand: asked are the rows that are
// there when the device is identified, and always the First lowest row numbers.
type alerts struct {
	Column  string            `yaml:"column"`
	First   int               `yaml:"first"`
	Map     map[string]string `yaml:"map"`
	Service map[string]string `yaml:"service"` // what a code says of the fax function
}

var portRow = []string{"port"}

func (c *checker) lines() {
	l := c.p.Lines
	if l == nil {
		return
	}
	c.source(place("lines"), l.Source)
	if l.Alerts != nil {
		if len(l.Ports)+len(l.Names)+len(l.Status)+len(l.About) > 0 || l.Own {
			c.doc.Fault(place("lines"), "want alerts alone, or else status with ports or own: true")
		}
		c.alerts(l.Alerts)
		return
	}
	if len(l.Status) == 0 || len(l.Ports) == 0 && !l.Own {
		c.doc.Fault(place("lines"), "want status with ports or own: true, or else alerts")
	}
	for i := range l.Status {
		c.lineState(place("lines", "status", i), &l.Status[i], len(l.Ports) > 0)
	}
	if len(l.Ports) == 0 && len(l.Names)+len(l.About) > 0 {
		c.doc.Fault(place("lines"), "want names and about only with ports")
		return
	}
	for i := range l.Ports {
		c.ports(place("lines", "ports", i), &l.Ports[i])
	}
	for i := range l.Names {
		at := place("lines", "names", i)
		c.text(at, &l.Names[i], portRow)
		c.ofPort(at, l.Names[i].OID)
	}
	for i := range l.About {
		c.about(place("lines", "about", i), &l.About[i])
	}
}

func (c *checker) lineState(at []any, s *stateRule, ofPort bool) {
	if s.What == "" {
		c.doc.Fault(append(at, "what"), "missing; want what the object is, such as hook")
	}
	c.state(at, s, lineRank, portRow)
	if ofPort {
		c.ofPort(at, s.OID)
	} else if strings.Contains(s.OID, "{") {
		c.doc.Fault(append(at, "oid"), "%q; want {port} only with ports", s.OID)
	}
}

func (c *checker) about(at []any, a *about) {
	if a.What == "" {
		c.doc.Fault(append(at, "what"), "missing; want what the object is, such as label")
	}
	if a.Only && len(a.Words) == 0 {
		c.doc.Fault(append(at, "only"), "want words too, else it is never told")
	}
	c.oid(append(at, "oid"), &a.OID, portRow)
	c.ofPort(at, a.OID)
	a.Words = lowerKeys(a.Words)
}

// ofPort reports an object that is one and the same for all ports.
func (c *checker) ofPort(at []any, oid string) {
	if oid != "" && !strings.Contains(oid, "{") {
		c.doc.Fault(append(at, "oid"), "%q; want {port} in it, else it tells the same of every port", oid)
	}
}

func (c *checker) alerts(a *alerts) {
	c.plainOID(place("lines", "alerts", "column"), &a.Column)
	if len(a.Map) == 0 {
		c.doc.Fault(place("lines", "alerts", "map"), "missing; want what each code means")
	}
	c.states(place("lines", "alerts", "map"), a.Map, lineRank)
	c.states(place("lines", "alerts", "service"), a.Service, serviceRank)
	if a.First < 0 || a.First > 32 {
		c.doc.Fault(place("lines", "alerts", "first"), "%d; want 0 to 32", a.First)
	}
}

func (c *checker) ports(at []any, p *ports) {
	c.plainOID(append(at, "column"), &p.Column)
	c.values(p.Is)
	if p.Numbers < 0 || p.Plus < 0 || p.Max < 0 || p.Max > maxPorts {
		c.doc.Fault(append(at, "column"), "numbers, plus and max are 0 or more, and max is at most %d", maxPorts)
	}
	if p.Max == 0 {
		p.Max = maxPorts
	}
}

func lowerKeys(words map[string]string) map[string]string {
	lower := make(map[string]string, len(words))
	for key, word := range words {
		lower[strings.ToLower(key)] = word
	}
	return lower
}

// port is a row that was found, and what to call it.
type port struct{ index, name string }

func (s *survey) findPorts(l *lines) []port {
	for i := range l.Ports {
		way := &l.Ports[i]
		column := s.column(way.Column, way.Max)
		if len(column) == 0 {
			continue
		}
		var found []port
		for _, vb := range column {
			if len(way.Is) > 0 && !slices.Contains(way.Is, strings.ToLower(vb.Value.Text())) {
				continue
			}
			p := port{index: vb.OID[len(way.Column)+1:]}
			p.name = way.name(p.index)
			if len(p.name) > 63 || slices.ContainsFunc(found, func(other port) bool { return other.name == p.name }) {
				continue
			}
			found = append(found, p)
		}
		return found
	}
	return nil
}

func (w *ports) name(index string) string {
	name := firstNumbers(index, w.Numbers)
	if w.Plus == 0 {
		return name
	}
	stem := name[:strings.LastIndexByte(name, '.')+1]
	return stem + strconv.Itoa(lastNumber(name)+w.Plus)
}

// ports are the lines of a gateway, or of a machine with modems.
func (s *survey) ports(l *lines, fax wire.Answer) ([]line, []wire.Number) {
	found := s.findPorts(l)
	s.askOfPorts(l, found)
	s.labelled(l, found)
	var lines []line
	var numbers []wire.Number
	for _, p := range found {
		one := line{port: p.name, fax: wire.Unknown}
		one.states = s.portStates(l, p)
		one.fax, one.notes = s.aboutPort(l, p)
		if p.name != p.index && !below(p.name, p.index) {
			one.notes += ", index " + p.index
		}
		lines = append(lines, one)
		numbers = append(numbers, s.numberOf(l, p, one.fax))
	}
	if l.Own {
		own(lines, fax)
	}
	return lines, numbers
}

// own: what the machine says of its fax holds for its modems too.
func own(lines []line, fax wire.Answer) {
	for i := range lines {
		lines[i].fax = fax
	}
	if len(lines) == 1 {
		lines[0].port = ""
	}
}

// askOfPorts gets all that there is to know of the ports at once.
func (s *survey) askOfPorts(l *lines, found []port) {
	var oids []string
	for _, p := range found {
		for i := range l.Names {
			oids = append(oids, p.oid(l.Names[i].OID))
		}
		for i := range l.Status {
			oids = append(oids, p.oid(l.Status[i].OID))
		}
		for i := range l.About {
			oids = append(oids, p.oid(l.About[i].OID))
		}
	}
	s.ask(oids...)
}

func (p port) oid(rule string) string { return strings.ReplaceAll(rule, "{port}", p.index) }

// labelled gives those ports the names that stand on the box of which it tells one that is no
// other's, nor another's index: indexes may be others after the next start (Cisco's ifIndex is),
// and lines must keep their ids.
func (s *survey) labelled(l *lines, found []port) {
	taken := map[string]int{}
	names := make([]string, len(found))
	for i, p := range found {
		names[i] = s.label(l, p)
		taken[names[i]]++
		if p.name != names[i] {
			taken[p.name]++
		}
	}
	for i, name := range names {
		if name != "" && len(name) <= 63 && taken[name] == 1 {
			found[i].name = name
		}
	}
}

func (s *survey) label(l *lines, p port) string {
	for i := range l.Names {
		v, _ := s.value(p.oid(l.Names[i].OID))
		if name := l.Names[i].text(v); name != "" {
			return name
		}
	}
	return ""
}

func (s *survey) portStates(l *lines, p port) []state {
	var states []state
	for i := range l.Status {
		rule := &l.Status[i]
		if slices.ContainsFunc(states, func(known state) bool { return known.rule.What == rule.What }) {
			continue
		}
		if _, ok := s.value(p.oid(rule.OID)); ok {
			states = append(states, state{rule: rule, oid: p.oid(rule.OID)})
		}
	}
	return states
}

// aboutPort tells whether the gateway itself says that a fax hangs on the port, and what else it says.
func (s *survey) aboutPort(l *lines, p port) (fax wire.Answer, notes string) {
	fax = wire.Unknown
	for i := range l.About {
		a := &l.About[i]
		v, ok := s.value(p.oid(a.OID))
		text, named := wordFor(a.Words, v)
		if !ok || text == "" || a.Only && !named {
			continue
		}
		notes += ", " + a.What + " " + text
		switch {
		case fax != wire.Unknown:
		case a.NoFax.fits(text):
			fax = wire.No
		case a.Fax.fits(text):
			fax = wire.Yes
		}
	}
	return fax, notes
}

// wordFor is what people call a value: its text, where there is no word for it.
func wordFor(words map[string]string, v Value) (text string, named bool) {
	text = v.Text()
	if word, ok := words[strings.ToLower(text)]; ok {
		return word, true
	}
	return cut(text, 64), false
}
