package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// gapKind is a kind of difference between what is declared and what is seen, or of what is left to decide.
type gapKind string

// The kinds, in the order in which a team works them off.
const (
	gapUndeclared gapKind = "undeclared" // a machine that can fax, or a port labelled so, that no line is declared on
	gapPort       gapKind = "port"       // a port of which nobody knows whether it carries a fax
	gapUnseen     gapKind = "unseen"     // a declared line whose machine or port no agent sees
	gapTwice      gapKind = "twice"      // two lines on one port, or a machine that may be another
	gapDormant    gapKind = "dormant"    // a line that nobody uses: easy to cut
	gapUndated    gapKind = "undated"    // a declared line without a date of its end
	gapKept       gapKind = "kept"       // an exception to look at again
)

func gapKinds() []gapKind {
	return []gapKind{gapUndeclared, gapPort, gapUnseen, gapTwice, gapDormant, gapUndated, gapKept}
}

// gap is how many differences there are of a kind.
type gap struct {
	Kind   gapKind
	Count  int64
	Link   string
	Chosen bool
}

// gapRow is one of them.
type gapRow struct {
	Line        *ledger.Line // nil: only a port of a machine
	Name        string
	Link        string // of the line
	ServiceName string
	Where       string // machine, port
	Device      string
	Notes       []string
	Declare     string // link to a form for it
	Number      string // that its machine calls its own, where such are asked for
}

// gapsPage is what the books and the corridors disagree on.
type gapsPage struct {
	frame
	Kind gapKind
	Gaps []gap
	Rows []gapRow
	Turn turn

	Proposing bool // numbers that machines call their own
}

// CanPropose tells whether there may be numbers to propose.
func (p gapsPage) CanPropose() bool { return p.Kind == gapUndeclared || p.Kind == gapPort }

// OtherWay is the page with numbers proposed, or without.
func (p gapsPage) OtherWay() string {
	on := "1"
	if p.Proposing {
		on = ""
	}
	return p.link("/map/gaps", "what", string(p.Kind), "q", p.Query, "propose", on)
}

func (s *site) gapsPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.gaps", "what", "page", "q", "propose")
	p := gapsPage{frame: f, Kind: gapUndeclared}
	if kind := gapKind(r.URL.Query().Get("what")); slices.Contains(gapKinds(), kind) {
		p.Kind = kind
	}
	p.Proposing = r.URL.Query().Get("propose") != "" && p.CanPropose()
	var err error
	if p.Gaps, err = p.gaps(books); err == nil {
		err = p.fill(s, books, r)
	}
	if err != nil {
		s.Log.Error("compare what is declared with what is seen", "error", err)
		p.Fault = true
	}
	s.Render(w, p.status(), "gaps.html", p)
}

func (p *gapsPage) fill(s *site, books ledger.Snapshot, r *http.Request) error {
	for i := range p.Gaps {
		p.Gaps[i].Chosen = p.Gaps[i].Kind == p.Kind
	}
	found := slices.DeleteFunc(differences(books)[p.Kind], func(d gapFound) bool { return !fitsAll(p.Query, d.names()...) })
	var from, to int
	p.Turn, from, to = p.turned(r.URL.Query(), "/map/gaps", len(found))
	for _, d := range found[from:to] {
		row, err := p.row(d)
		if err != nil {
			return err
		}
		if p.Proposing {
			p.proposeFor(s, books.Devices, d, &row)
		}
		p.Rows = append(p.Rows, row)
	}
	return nil
}

// proposeFor gives a row the number that its machine or port calls its own.
func (p *gapsPage) proposeFor(s *site, devices []ledger.Device, d gapFound, row *gapRow) {
	if d.line != nil {
		s.propose(p.speech, row, announced(devices, d.line), "device", d.line.Device, "port", d.line.Port)
	} else if d.port.Number != "" {
		s.propose(p.speech, row, []string{d.port.Number}, "device", d.device.ID, "port", d.port.Port)
	}
}

// gaps counts the differences of each kind.
func (f frame) gaps(books ledger.Snapshot) ([]gap, error) {
	found := differences(books)
	list := make([]gap, 0, len(found))
	for _, kind := range gapKinds() {
		list = append(list, gap{Kind: kind, Count: int64(len(found[kind])), Link: f.link("/map/gaps", "what", string(kind))})
	}
	return list, nil
}

// gapFound is a difference: a line, or a port of a machine that is none yet.
type gapFound struct {
	line   *ledger.Line
	device *ledger.Device
	port   *ledger.Port
	others []string // lines on the same port
}

func (d gapFound) names() []string {
	if d.line != nil {
		return []string{d.line.ID, d.line.Number, d.line.Device, d.line.Gateway, d.line.Service, d.line.UF, d.line.Contact}
	}
	return []string{d.device.ID, d.device.Model, d.device.Name, d.device.Location, d.device.Address}
}

// differences are all there are, by kind, each in the order of lines.
func differences(books ledger.Snapshot) map[gapKind][]gapFound {
	found := make(map[gapKind][]gapFound)
	note := func(kind gapKind, d gapFound) { found[kind] = append(found[kind], d) }
	ends := newEnds(books)
	for i := range books.Lines {
		l := &books.Lines[i]
		d := gapFound{line: l, others: ends.others(l)}
		switch {
		case !l.Declared:
			note(gapUndeclared, d)
		case l.State != ledger.Cut:
			if unseen(l) {
				note(gapUnseen, d)
			}
			if len(d.others) > 0 || ambiguous(l) {
				note(gapTwice, d)
			}
			if l.Cutoff == "" && l.State != ledger.Kept {
				note(gapUndated, d)
			}
		}
		switch l.State {
		case ledger.Dormant:
			note(gapDormant, d)
		case ledger.Kept:
			note(gapKept, d)
		}
	}
	slices.SortStableFunc(found[gapKept], func(a, b gapFound) int { // the next to be looked at first, those without a day before
		return strings.Compare(string(a.line.KeptUntil), string(b.line.KeptUntil))
	})
	for i := range books.Devices {
		d := &books.Devices[i]
		for j := range d.Ports {
			if port := &d.Ports[j]; port.Port != "" && port.Fax == wire.Unknown && !port.Gone && !ends.taken(d, port.Port) {
				note(gapPort, gapFound{device: d, port: port})
			}
		}
	}
	return found
}

func has(l *ledger.Line, codes ...ledger.FactCode) bool {
	return slices.ContainsFunc(l.Why, func(f ledger.Fact) bool { return slices.Contains(codes, f.Code) })
}

func unseen(l *ledger.Line) bool {
	return has(l, ledger.FactNoMachine, ledger.FactMachineUnseen, ledger.FactPortUnseen, ledger.FactNeverRead)
}

func ambiguous(l *ledger.Line) bool { return has(l, ledger.FactMachineAmbiguous) }

// lineEnds are the declared lines by where they end.
type lineEnds struct {
	ids   map[string]string // of machines by their names, in lower case
	lines map[[2]string][]string
}

func newEnds(books ledger.Snapshot) lineEnds {
	e := lineEnds{ids: make(map[string]string), lines: make(map[[2]string][]string)}
	for i := range books.Devices {
		d := &books.Devices[i]
		e.ids[strings.ToLower(d.ID)] = d.ID
		if d.Serial != "" {
			e.ids[strings.ToLower(d.Serial)] = d.ID
		}
	}
	for i := range books.Lines {
		if l := &books.Lines[i]; l.State != ledger.Cut {
			for _, at := range e.of(l) {
				e.lines[at] = append(e.lines[at], l.ID)
			}
		}
	}
	return e
}

// of are the ports at which a line ends: one on its machine, one on its gateway.
func (e lineEnds) of(l *ledger.Line) (ports [][2]string) {
	for _, at := range [][2]string{{l.Device, l.Port}, {l.Gateway, l.GatewayPort}} {
		if at[0] != "" && at[1] != "" {
			at[0] = cmp.Or(e.ids[strings.ToLower(at[0])], strings.ToLower(at[0]))
			ports = append(ports, at)
		}
	}
	if len(ports) == 2 && ports[0] == ports[1] {
		ports = ports[:1]
	}
	return ports
}

// others are the lines on the same port.
func (e lineEnds) others(l *ledger.Line) (others []string) {
	for _, at := range e.of(l) {
		for _, id := range e.lines[at] {
			if id != l.ID && !slices.Contains(others, id) {
				others = append(others, id)
			}
		}
	}
	return others
}

// taken tells whether a line ends at a port.
func (e lineEnds) taken(d *ledger.Device, port string) bool {
	return len(e.lines[[2]string{d.ID, port}]) > 0
}

// row words a difference.
func (p *gapsPage) row(d gapFound) (row gapRow, err error) {
	if d.line == nil {
		row = gapRow{Name: machine{Device: d.device}.Title(), Device: d.device.ID, Where: joined(" · ", d.device.ID, d.port.Port, d.device.Name, d.device.Location)}
		row.Declare = p.link("/lines/new", "device", d.device.ID, "port", d.port.Port)
		note, err := p.T("status." + string(d.port.Status))
		row.Notes = []string{note}
		return row, err
	}
	l := mapLine{Line: *d.line}
	row = gapRow{Line: d.line, Name: l.Called(), Link: p.lineLink(l.ID), ServiceName: p.ServiceName(l.Service), Where: l.Ends(), Device: l.Device}
	if !l.Declared {
		row.Declare = p.link("/lines/new", "device", l.Device, "port", l.Port)
	}
	if row.Notes, err = p.Facts(l.Line); err != nil {
		return row, err
	}
	for _, other := range d.others {
		note, err := p.T("gap.same.port", other)
		if err != nil {
			return row, err
		}
		row.Notes = append([]string{note}, row.Notes...)
	}
	return row, nil
}
