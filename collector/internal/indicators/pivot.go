package indicators

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// pivot gathers what belongs to each scope.
type pivot struct {
	register *ledger.Register
	level    Level
	from, to ledger.Month
	instant  wire.Time // now
	days     int       // of the time
	present  bool      // now lies in the time, wherever there are lines
	future   bool      // the time is still to come there
	empty    bool      // nobody knows of any line
	months   map[*time.Location]ledger.Span
	tallies  map[Scope]*tally
	places   map[ledger.Place]*tally // the same, where they were found already
	whole    *tally                  // the only one where nothing is told apart
	faxed    map[string]*tally       // lines of which a fax was counted in the time, and where last
	shared   map[string]bool         // machines of which faxes were counted that may have been any of several lines'
	services map[Scope]int           // how many there are
	told     *told                   // nil: no journal tells anything
	taken    taken
}

// tally is what is known of one scope.
type tally struct {
	lines, known, active int64         // lines that stand there at the end of the time; those of which that is known; those active
	stood                time.Duration // by lines, how long they stood there
	looked               time.Duration // and were watched by anything
	sources              []source
	parts                []Part // in the order of measures and units
	straddling           map[wire.Measure]int64

	hearing hearing // of journals

	mailboxes, sent, received declared // of MSSanté
}

// source is a stretch of a line that was watched for so long by a machine that counts.
type source struct {
	measures []wire.Measure
	watched  time.Duration
}

func newPivot(b *Books, level Level, from, to ledger.Month) *pivot {
	p := &pivot{
		register: b.Register, level: level, from: from, to: to, months: map[*time.Location]ledger.Span{}, instant: b.At,
		tallies: map[Scope]*tally{}, places: map[ledger.Place]*tally{}, taken: taken{}, faxed: make(map[string]*tally, len(b.Lines)), shared: map[string]bool{}, services: map[Scope]int{},
	}
	p.told = toldOf(b, from, to)
	p.days = int(p.span(time.UTC).Length() / (24 * time.Hour))
	p.stand(b)
	p.declared()
	return p
}

// stand finds out whether the time is now: it begins and ends in the zones of the lines, and where there are none in UTC.
func (p *pivot) stand(b *Books) {
	zones := map[*time.Location]bool{}
	for i := range b.Lines {
		zones[b.Lines[i].Zone] = true
	}
	if len(zones) == 0 {
		zones[time.UTC] = true
	}
	begun, over := false, true
	for zone := range zones {
		span := p.span(zone)
		begun, over = begun || span.From <= b.At, over && span.To <= b.At
	}
	p.present, p.future = begun && !over, !begun
}

// declared makes a scope of all that the register names, so that what has no line shows too.
func (p *pivot) declared() {
	switch p.level {
	case Whole:
		p.at(ledger.Place{})
	case Structure:
		for id := range p.register.Establishments {
			p.at(ledger.Place{Establishment: id})
		}
	case Pole:
		for id := range p.register.Poles {
			p.at(ledger.Place{Pole: id})
		}
	case Service:
		for id := range p.register.Services {
			p.at(ledger.Place{Service: id})
		}
	}
}

// span is the time in a zone.
func (p *pivot) span(zone *time.Location) ledger.Span {
	span, ok := p.months[zone]
	if !ok {
		span = ledger.Span{From: p.from.In(zone), To: p.to.Add(1).In(zone)}
		p.months[zone] = span
	}
	return span
}

// scope is what a place belongs to. A service belongs where it is now: it is one, whatever it was
// part of; a pôle has what belonged to it then.
func (p *pivot) scope(place ledger.Place) Scope {
	if p.level == Whole {
		return Scope{}
	}
	place = p.register.Complete(place)
	if s, ok := p.register.Services[place.Service]; ok && p.level != Pole {
		place.Establishment, place.Pole = s.Establishment, s.Pole
	}
	s := Scope{Establishment: place.Establishment}
	s.Name = p.register.Establishments[s.Establishment].Name
	if p.level == Structure {
		return s
	}
	if s.Pole = place.Pole; s.Pole != "" || p.level == Pole {
		s.Name = cmp.Or(p.register.Poles[s.Pole].Name, s.Pole)
	}
	if p.level == Service {
		s.Service = place.Service
		s.Name = cmp.Or(p.register.Services[s.Service].Name, s.Service)
	}
	return s
}

func (p *pivot) at(place ledger.Place) *tally {
	if p.whole != nil {
		return p.whole
	}
	if t := p.places[place]; t != nil {
		return t
	}
	scope := p.scope(place)
	t := p.tallies[scope]
	if t == nil {
		t = &tally{straddling: map[wire.Measure]int64{}}
		p.tallies[scope] = t
	}
	if p.places[place] = t; p.level == Whole {
		p.whole = t
	}
	return t
}

// scopes are those that have anything to tell, in order.
func (p *pivot) scopes() []Scope {
	return slices.SortedFunc(maps.Keys(p.tallies), compareScopes)
}

// line takes in where a line stood in the time, and how well it was watched there. What is still to
// come of the time is not watched yet.
func (p *pivot) line(l *ledger.Line, now wire.Time) {
	span := p.span(l.Zone)
	var told *toldLine
	if p.told != nil {
		told = p.told.lines[l.ID]
	}
	for i := range l.History {
		s := &l.History[i]
		in := s.Within(span)
		stood := in
		if s.To >= now {
			stood.To = span.To
		}
		if stood.Length() == 0 {
			continue
		}
		t := p.at(s.Place)
		t.stood += stood.Length()
		watched := ledger.Watched(s.Watched, in)
		t.looked += watched
		if watched > 0 {
			t.sources = append(t.sources, source{s.Measures, watched})
		}
		if p.told != nil {
			p.hear(t, told, s, in)
		}
	}
}

// sum takes in what a measure brought an account.
func (p *pivot) sum(m *ledger.MonthSum) {
	t := p.at(ledger.Place{Establishment: m.Establishment, Pole: m.Pole, Service: m.Service})
	count := m.Count
	if p.told.replaces(m) {
		count = p.told.left(m, p.taken)
	}
	if count != 0 || m.Count == 0 {
		t.part(m.Measure, m.Unit).Count += count
	}
	if m.Month == p.from && m.Straddling != 0 && count == m.Count {
		t.straddling[m.Measure] += m.Straddling
	}
	switch {
	case m.Count <= 0:
	case m.Line == "":
		p.shared[m.Device] = true
	default:
		p.faxed[m.Line] = t
	}
}

// part is what a measure brought in a unit.
func (t *tally) part(measure wire.Measure, unit string) *Part {
	for i := range t.parts {
		if t.parts[i].Measure == measure && t.parts[i].Unit == unit {
			return &t.parts[i]
		}
	}
	x := Part{Measure: measure, Unit: unit}
	i, _ := slices.BinarySearchFunc(t.parts, x, compareParts)
	t.parts = slices.Insert(t.parts, i, x)
	return &t.parts[i]
}

func compareParts(a, b Part) int {
	return cmp.Or(cmp.Compare(rank(a.Measure), rank(b.Measure)), cmp.Compare(a.Unit, b.Unit))
}

// rank is where a measure stands among all: those of journals follow those of machines.
func rank(m wire.Measure) int {
	if i := slices.Index(wire.Measures(), m); i >= 0 {
		return i
	}
	return len(wire.Measures()) + slices.Index([]wire.Measure{JournalReceived, JournalSent, JournalInternal}, m)
}

// lines counts the lines of each scope as they are at the end of the time, now at the latest. Those
// that are no more are known by their faxes.
func (p *pivot) lines(b Books) {
	p.empty = len(b.Lines) == 0 && len(p.faxed) == 0
	for i := range b.Lines {
		l := &b.Lines[i]
		switch span := p.span(l.Zone); {
		case b.At >= span.To:
			p.past(l, span)
		case b.At >= span.From:
			p.now(l)
		}
	}
	if p.present {
		return
	}
	for _, t := range p.gone(b.Lines) {
		t.lines, t.known, t.active = t.lines+1, t.known+1, t.active+1
	}
}

// gone are the lines that faxed and are no more, and where.
func (p *pivot) gone(lines []ledger.Line) map[string]*tally {
	still := 0
	for i := range lines {
		if _, faxed := p.faxed[lines[i].ID]; faxed {
			still++
		}
	}
	if still == len(p.faxed) {
		return nil
	}
	gone := maps.Clone(p.faxed)
	for i := range lines {
		delete(gone, lines[i].ID)
	}
	return gone
}

// now counts a line by what shows now.
func (p *pivot) now(l *ledger.Line) {
	t := p.at(ledger.Place{Establishment: l.Establishment, Pole: l.Pole, Service: l.Service})
	t.lines++
	if !l.Unseen() {
		t.known++
	}
	if l.Active() {
		t.active++
	}
}

// past counts a line by whether it faxed, whatever was planned or allowed, unless it had been cut by
// then. That it didn't is known only where its faxes were counted for nearly all of the time, and no fax
// of its machine may have been its own.
func (p *pivot) past(l *ledger.Line, span ledger.Span) {
	for i := range l.History {
		s := &l.History[i]
		if s.From >= span.To || s.To < span.To {
			continue
		}
		t := p.at(s.Place)
		t.lines++
		_, faxed := p.faxed[l.ID]
		switch {
		case l.KeptReason == "" && l.CutOn != "" && l.CutOn.In(l.Zone) < span.To:
			t.known++
		case faxed:
			t.known, t.active = t.known+1, t.active+1
		case p.silent(l, span):
			t.known++
		}
	}
}

// silent tells whether a line of which no fax was counted had none.
func (p *pivot) silent(l *ledger.Line, span ledger.Span) bool {
	var watched time.Duration
	for i := range l.History {
		s := &l.History[i]
		if in := s.Within(span); in.Length() == 0 {
			continue
		}
		if p.shared[s.Device] {
			return false
		}
		if len(s.Measures) > 0 {
			watched += ledger.Watched(s.Watched, span)
		}
	}
	return watched >= time.Duration(EnoughWatched*float64(span.Length()))
}

// watched is how long lines were watched by machines that count one of the measures.
func (t *tally) watched(measures []wire.Measure) (sum time.Duration) {
	for _, s := range t.sources {
		if slices.ContainsFunc(s.measures, func(m wire.Measure) bool { return slices.Contains(measures, m) }) {
			sum += s.watched
		}
	}
	return sum
}

// seen tells whether anything counts one of the measures.
func (t *tally) seen(measures []wire.Measure) bool {
	return t.watched(measures) > 0 || slices.ContainsFunc(t.parts, func(x Part) bool { return slices.Contains(measures, x.Measure) })
}

// mean is how many days of the time were watched, of a scope's lines.
func (p *pivot) mean(watched, stood time.Duration) float64 {
	if stood == 0 {
		return 0
	}
	days := float64(p.days) * watched.Hours() / stood.Hours()
	return float64(int(days*10)) / 10 // 29.98 of 30 is not 30
}
