package indicators

import (
	"cmp"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Messages of a line come from one source in a month: from journals, or from its machine's counters. An internal fax is
// known to journals only, and both its machines may have counted it; so what journals know of it is taken out of the
// counters where these are believed.

// What journals give a figure, among what machines measure.
const (
	JournalSent     wire.Measure = "journal_sent"
	JournalReceived wire.Measure = "journal_received"
	JournalInternal wire.Measure = "journal_internal"
)

// told is what journals tell of the time.
type told struct {
	homes    *Homes
	messages []ledger.LineMessages
	from     ledger.Month
	lines    map[string]*toldLine // of which journals tell anything
	devices  map[string][]string  // those lines, by the machines that they ever hung on; nil: not looked for yet
	now      wire.Time
}

// toldLine is what journals tell of a line.
type toldLine struct {
	line    *ledger.Line  // nil: it is no more
	covered []ledger.Span // in order and apart
	months  []toldMonth   // from the first of the time on
}

// toldMonth is a month of it.
type toldMonth struct {
	messages *ledger.LineMessages // nil: none
	believed [2]int8              // by way: found out already that they are, above 0, or aren't
	taken    [2]int64             // by way: internal faxes that were taken out of counters
}

// ways are those that counters of messages tell, and what journals tell instead.
var ways = []struct {
	measure, journal wire.Measure
	count, internal  func(*ledger.LineMessages) int64
}{
	{wire.FaxSent, JournalSent, func(m *ledger.LineMessages) int64 { return m.Sent }, func(m *ledger.LineMessages) int64 { return m.InternalSent }},
	{wire.FaxReceived, JournalReceived, func(m *ledger.LineMessages) int64 { return m.Received }, func(m *ledger.LineMessages) int64 { return m.InternalReceived }},
}

// wayOf is the one of which a counter of messages tells, or -1.
func wayOf(m wire.Measure) int {
	switch m {
	case wire.FaxSent:
		return 0
	case wire.FaxReceived:
		return 1
	}
	return -1
}

// newTold is nil where no journal tells anything.
func newTold(b *Books, from, to ledger.Month) *told {
	if len(b.Journals.Coverage) == 0 && len(b.Journals.Messages) == 0 {
		return nil
	}
	t := &told{homes: NewHomes(b.Register, b.Lines), messages: messagesOf(b.Journals.Messages, from, to), from: from, now: b.At}
	t.lines = make(map[string]*toldLine, len(b.Lines))
	of := func(id string) *toldLine {
		if t.lines[id] == nil {
			t.lines[id] = &toldLine{line: t.homes.line(id), months: make([]toldMonth, to.Since(from)+1)}
		}
		return t.lines[id]
	}
	for line, spans := range covered(b.Journals.Coverage, wire.Message, t.homes) {
		of(line).covered = spans
	}
	for i := range t.messages {
		m := &t.messages[i]
		of(m.Line).months[m.Month.Since(from)].messages = m
	}
	return t
}

// of is a month of a line of which journals tell anything, else nil.
func (t *told) of(line string, month ledger.Month) (l *toldLine, m *toldMonth) {
	if l = t.lines[line]; l == nil {
		return nil, nil
	}
	return l, &l.months[month.Since(t.from)]
}

// on are the lines that journals tell of and that ever hung on a machine.
func (t *told) on(device string) []string {
	if t.devices == nil {
		t.devices = make(map[string][]string)
		for id, l := range t.lines {
			if l.line == nil || l.covered == nil {
				continue
			}
			for i := range l.line.History {
				if device := l.line.History[i].Device; device != "" {
					t.devices[device] = append(t.devices[device], id)
				}
			}
		}
	}
	return t.devices[device]
}

// messagesOf are those of some months, out of those of all in their order.
func messagesOf(all []ledger.LineMessages, from, to ledger.Month) []ledger.LineMessages {
	begin := func(month ledger.Month) int {
		i, _ := slices.BinarySearchFunc(all, month, func(m ledger.LineMessages, month ledger.Month) int { return cmp.Compare(m.Month, month) })
		return i
	}
	return all[begin(from):begin(to.Add(1))]
}

// covered is when journals tell of the events of a unit of each line: spans in order that don't overlap.
func covered(coverage []ledger.JournalSpan, unit wire.EventUnit, homes *Homes) map[string][]ledger.Span {
	all := make(map[string][]ledger.Span, len(homes.lines))
	for i := range coverage {
		c := &coverage[i]
		if c.Unit != unit {
			continue
		}
		zones := make(map[*time.Location]ledger.Span)
		for _, line := range c.Lines {
			zone := time.UTC
			if l := homes.line(line); l != nil {
				zone = l.Zone
			}
			span, known := zones[zone]
			if !known {
				span = daysOf(c.From, c.To, zone)
				zones[zone] = span
			}
			all[line] = append(all[line], span)
		}
	}
	for line, spans := range all {
		all[line] = apart(spans)
	}
	return all
}

// coveredOf is the same of one line.
func coveredOf(coverage []ledger.JournalSpan, unit wire.EventUnit, l *ledger.Line) (spans []ledger.Span) {
	for i := range coverage {
		if c := &coverage[i]; c.Unit == unit && slices.Contains(c.Lines, l.ID) {
			spans = append(spans, daysOf(c.From, c.To, l.Zone))
		}
	}
	return apart(spans)
}

// daysOf is the time from the beginning of a day to the end of another.
func daysOf(first, last ledger.Day, zone *time.Location) ledger.Span {
	return ledger.Span{From: first.In(zone), To: last.End(zone)}
}

// apart are spans in order, those that overlap or touch as one.
func apart(spans []ledger.Span) []ledger.Span {
	slices.SortFunc(spans, func(a, b ledger.Span) int { return cmp.Compare(a.From, b.From) })
	merged := spans[:0]
	for _, s := range spans {
		if n := len(merged); n > 0 && s.From <= merged[n-1].To {
			merged[n-1].To = max(merged[n-1].To, s.To)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// believes tells whether a line's messages of a month are taken from journals: where they tell of it, and of at least half
// as many days as its machine's counter.
func (t *told) believes(line string, month ledger.Month, measure wire.Measure) bool {
	l, m := t.of(line, month)
	if l == nil {
		return false
	}
	known := &m.believed[wayOf(measure)]
	if *known == 0 {
		*known = -1
		if t.judge(l, m, month, measure) {
			*known = 1
		}
	}
	return *known > 0
}

func (t *told) judge(of *toldLine, m *toldMonth, month ledger.Month, measure wire.Measure) bool {
	named, l := m.messages != nil, of.line
	switch {
	case of.covered == nil && !named:
		return false
	case l == nil:
		return true
	}
	span := ledger.Span{From: month.In(l.Zone), To: min(t.now, month.Add(1).In(l.Zone))}
	var counter time.Duration
	counts := false
	for i := range l.History {
		if s := &l.History[i]; slices.Contains(s.Measures, measure) && s.Within(span).Length() > 0 {
			counter, counts = counter+ledger.Watched(s.Watched, s.Within(span)), true
		}
	}
	journal := ledger.Watched(of.covered, span)
	return journal > 0 && 2*journal >= counter || named && !counts
}

// left is what a counter's sum is of, less what journals tell, too.
func (t *told) left(m *ledger.MonthSum) int64 {
	if m.Line == "" { // of several lines: where journals tell of one of them, it can't be known what is left
		if slices.ContainsFunc(t.on(m.Device), func(line string) bool { return t.believes(line, m.Month, m.Measure) }) {
			return 0
		}
		return m.Count
	}
	if t.believes(m.Line, m.Month, m.Measure) {
		return 0
	}
	_, known := t.of(m.Line, m.Month)
	if known == nil || known.messages == nil {
		return m.Count
	}
	way := wayOf(m.Measure)
	n := min(m.Count, ways[way].internal(known.messages)-known.taken[way])
	known.taken[way] += n
	return m.Count - n
}

// replaces tells whether a sum gives way to what journals tell.
func (t *told) replaces(m *ledger.MonthSum) bool {
	return t != nil && (m.Measure == wire.FaxSent || m.Measure == wire.FaxReceived)
}

// hearing is how long lines of a scope stood and were told of, until now.
type hearing struct {
	stood    time.Duration
	internal time.Duration           // by journals
	sources  map[wire.Measure]*heard // by the counter's measure
}

// heard is how long a way's messages were told of, by which source.
type heard struct{ journals, counters time.Duration }

// hear takes in how long a line's messages were told of where it stood.
func (p *pivot) hear(t *tally, l *ledger.Line, s *ledger.Stretch, in ledger.Span) {
	in.To = min(in.To, p.instant)
	h := &t.hearing
	if h.sources == nil {
		h.sources = map[wire.Measure]*heard{wire.FaxSent: {}, wire.FaxReceived: {}}
	}
	var spans []ledger.Span
	if told := p.told.lines[l.ID]; told != nil {
		spans = told.covered
	}
	h.stood += in.Length()
	h.internal += ledger.Watched(spans, in)
	for measure, told := range h.sources {
		counts := slices.Contains(s.Measures, measure)
		if spans == nil {
			if counts {
				told.counters += ledger.Watched(s.Watched, in)
			}
			continue
		}
		for month := max(p.from, ledger.MonthOf(in.From, l.Zone)); month <= p.to && month.In(l.Zone) < in.To; month = month.Add(1) {
			part := in.Within(ledger.Span{From: month.In(l.Zone), To: month.Add(1).In(l.Zone)})
			switch {
			case p.told.believes(l.ID, month, measure):
				told.journals += ledger.Watched(spans, part)
			case counts:
				told.counters += ledger.Watched(s.Watched, part)
			}
		}
	}
}

// tell takes in the messages that journals tell of.
func (p *pivot) tell() {
	for i := range p.told.messages {
		m := &p.told.messages[i]
		place := p.told.homes.In(m.Line, m.Month)
		t := p.at(place)
		for _, way := range ways {
			if n := way.count(m); n > 0 && p.told.believes(m.Line, m.Month, way.measure) {
				t.part(way.journal, "faxes").Count += n
			}
		}
		if m.InternalSent > 0 {
			t.part(JournalInternal, "faxes").Count += m.InternalSent
		}
		if m.Sent+m.Received+m.InternalSent+m.InternalReceived > 0 {
			p.faxed[m.Line] = place
		}
	}
}

// internal is how many faxes the scope's lines sent to lines of ours. Those count where they were sent from, so that
// services add up to the whole.
func (t *tally) internal(p *pivot, f Figure) Figure {
	f.Basis = Basis{Source: Nothing, Certainty: Unknown}
	if p.told == nil {
		return f // only a journal could tell
	}
	var value int64
	for _, part := range t.parts {
		if part.Measure == JournalInternal {
			value += part.Count
			f.Basis.Parts = append(f.Basis.Parts, part)
		}
	}
	if t.hearing.internal == 0 && len(f.Basis.Parts) == 0 {
		f.Basis.Source = Unseen
		return f
	}
	f.Value, f.Basis.Source, f.Basis.Certainty = &value, Journals, t.hearing.certainty(t.hearing.internal)
	f.Completeness.Watched = p.mean(t.hearing.internal, t.stood)
	return f
}

// nearlyAll is the share of the time that must be told of for a figure to be all there was: counters miss minutes.
const nearlyAll = 0.99

// certainty is that of a figure that was told of for so long.
func (h *hearing) certainty(told time.Duration) Certainty {
	if told < time.Duration(nearlyAll*float64(h.stood)) {
		return AtLeast
	}
	return Certain
}

// heardOf tells whether journals told of the messages that one of the measures counts.
func (t *tally) heardOf(measures []wire.Measure) bool {
	return slices.ContainsFunc(measures, func(m wire.Measure) bool { return t.hearing.sources[m] != nil && t.hearing.sources[m].journals > 0 })
}

// retold says what messages of some measures rest on where journals tell of any of them; ok is false where they don't.
func (t *tally) retold(p *pivot, f *Figure, measures []wire.Measure) (ok bool) {
	if p.told == nil {
		return false
	}
	for _, way := range ways {
		if !slices.Contains(measures, way.measure) {
			continue
		}
		told := t.hearing.sources[way.measure]
		journal := slices.ContainsFunc(t.parts, func(x Part) bool { return x.Measure == way.journal })
		if told == nil {
			told = &heard{}
		}
		if told.journals == 0 && !journal {
			return false
		}
		f.Basis.Source = Journals
		if told.counters > 0 || slices.ContainsFunc(t.parts, func(x Part) bool { return x.Measure == way.measure && x.Count > 0 }) {
			f.Basis.Source = JournalsAndCounters
		}
		f.Completeness.Watched = p.mean(told.journals+told.counters, t.stood)
		f.Basis.Certainty = t.hearing.certainty(told.journals + told.counters)
		return true
	}
	return false
}
