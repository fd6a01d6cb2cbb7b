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
	Names  []textRule  `yaml:"names"`  // what stands on the box, if it tells that of every port; else the index names it
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
	What  string            `yaml:"what"`
	OID   string            `yaml:"oid"`
	Words map[string]string `yaml:"words"` // what people call a value that is a number; Fax and NoFax see the word
	Only  bool              `yaml:"only"`  // not worth telling but in those words
	Fax   pattern           `yaml:"fax"`
	NoFax pattern           `yaml:"no_fax"` // counts before Fax
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
	if ways := len(l.Ports) > 0; ways == (l.Alerts != nil) && (ways || !l.Own) {
		c.doc.Fault(place("lines"), "want either ports with status, or alerts, or own: true with status")
	}
	c.source(place("lines"), l.Source)
	for i := range l.Ports {
		c.ports(place("lines", "ports", i), &l.Ports[i])
	}
	for i := range l.Names {
		c.text(place("lines", "names", i), &l.Names[i], portRow)
	}
	for i := range l.Status {
		at := place("lines", "status", i)
		if l.Status[i].What == "" {
			c.doc.Fault(append(at, "what"), "missing; want what the object is, such as hook")
		}
		c.state(at, &l.Status[i], lineRank, portRow)
	}
	for i := range l.About {
		at, a := place("lines", "about", i), &l.About[i]
		if a.What == "" {
			c.doc.Fault(append(at, "what"), "missing; want what the object is, such as label")
		}
		c.oid(append(at, "oid"), &a.OID, portRow)
		a.Words = lowerKeys(a.Words)
	}
	if l.Alerts != nil {
		c.plainOID(place("lines", "alerts", "column"), &l.Alerts.Column)
		c.states(place("lines", "alerts", "map"), l.Alerts.Map, lineRank)
		c.states(place("lines", "alerts", "service"), l.Alerts.Service, serviceRank)
		if l.Alerts.First < 0 || l.Alerts.First > 32 {
			c.doc.Fault(place("lines", "alerts", "first"), "%d; want 0 to 32", l.Alerts.First)
		}
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
func (s *survey) ports(l *lines, fax wire.Answer) []line {
	found := s.findPorts(l)
	s.askOfPorts(l, found)
	s.labelled(l, found)
	var lines []line
	for _, p := range found {
		one := line{port: p.name, fax: wire.Unknown}
		one.states = s.portStates(l, p)
		one.fax, one.notes = s.aboutPort(l, p)
		if p.name != p.index && !below(p.name, p.index) {
			one.notes += ", index " + p.index
		}
		lines = append(lines, one)
	}
	if l.Own {
		own(lines, fax)
	}
	return lines
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

// labelled gives the ports the names that stand on the box, if every port has one of its own.
// An index may be another after the next start (Cisco's ifIndex is), and lines must keep their ids.
func (s *survey) labelled(l *lines, found []port) {
	names := make([]string, len(found))
	for i, p := range found {
		for j := range l.Names {
			if v, ok := s.value(p.oid(l.Names[j].OID)); ok && names[i] == "" {
				names[i] = l.Names[j].text(v)
			}
		}
		if names[i] == "" || len(names[i]) > 63 || slices.Contains(names[:i], names[i]) {
			return
		}
	}
	for i := range found {
		found[i].name = names[i]
	}
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
