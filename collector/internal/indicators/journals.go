package indicators

import (
	"cmp"
	"slices"
	"sync"
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

// told is what journals tell of some months. Figures of several of these months may be computed from it at once.
type told struct {
	homes   *Homes
	from    ledger.Month
	months  int
	lines   map[string]*toldLine // of which journals tell anything
	devices func() map[string][]*toldLine
	now     wire.Time
}

// toldLine is what journals tell of a line.
type toldLine struct {
	id      string
	line    *ledger.Line  // nil: it is no more
	covered []ledger.Span // in order and apart
	spans   []ledger.Span // of the months, where the line stands
	months  []toldMonth
}

// toldMonth is a month of it.
type toldMonth struct {
	messages *ledger.LineMessages // nil: none
	believed [2]int8              // by way: found out already that they are, above 0, or aren't
}

// taken are internal faxes that were taken out of counters, by way.
type taken map[*toldMonth]*[2]int64

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

// Heard are the same books, in which it is found out once what journals tell of some months: for those who want figures
// of many of these.
func (b Books) Heard(from, to ledger.Month) Books {
	b.told = newTold(&b, from, to)
	return b
}

// toldOf is what journals tell of some months; nil where none tells anything.
func toldOf(b *Books, from, to ledger.Month) *told {
	if t := b.told; t != nil && t.from <= from && to.Since(t.from) < t.months {
		return t
	}
	return newTold(b, from, to)
}

func newTold(b *Books, from, to ledger.Month) *told {
	if len(b.Journals.Coverage) == 0 && len(b.Journals.Messages) == 0 {
		return nil
	}
	t := &told{homes: NewHomes(b.Register, b.Lines), from: from, months: to.Since(from) + 1, now: b.At, lines: make(map[string]*toldLine, len(b.Lines))}
	t.devices = sync.OnceValue(t.byDevice)
	spans := make(map[*time.Location][]ledger.Span)
	of := func(id string) *toldLine {
		if t.lines[id] == nil {
			t.lines[id] = &toldLine{id: id, line: t.homes.line(id), months: make([]toldMonth, t.months)}
			t.lines[id].span(spans, from)
		}
		return t.lines[id]
	}
	for line, spans := range covered(b.Journals.Coverage, wire.Message, t.homes) {
		of(line).covered = spans
	}
	messages := messagesOf(b.Journals.Messages, from, to)
	for i := range messages {
		m := &messages[i]
		of(m.Line).months[m.Month.Since(from)].messages = m
	}
	return t
}

// span finds out when the months begin and end where the line stands.
func (l *toldLine) span(known map[*time.Location][]ledger.Span, from ledger.Month) {
	if l.line == nil {
		return
	}
	zone := l.line.Zone
	if known[zone] == nil {
		for i := range l.months {
			known[zone] = append(known[zone], ledger.Span{From: from.Add(i).In(zone), To: from.Add(i + 1).In(zone)})
		}
	}
	l.spans = known[zone]
}

// byDevice are the lines that journals tell of, by the machines that they ever hung on.
func (t *told) byDevice() map[string][]*toldLine {
	devices := make(map[string][]*toldLine)
	for _, l := range t.lines {
		if l.line == nil || l.covered == nil {
			continue
		}
		for i := range l.line.History {
			if device := l.line.History[i].Device; device != "" {
				devices[device] = append(devices[device], l)
			}
		}
	}
	return devices
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

// believes tells whether a line's messages of a month, one way, are taken from journals: where they tell of it, and of at
// least half as many days as its machine's counter.
func (t *told) believes(l *toldLine, month ledger.Month, way int) bool {
	if l == nil {
		return false
	}
	i := month.Since(t.from)
	known := &l.months[i].believed[way]
	if *known == 0 {
		*known = -1
		if t.judge(l, i, ways[way].measure) {
			*known = 1
		}
	}
	return *known > 0
}

func (t *told) judge(of *toldLine, month int, measure wire.Measure) bool {
	named, l := of.months[month].messages != nil, of.line
	switch {
	case of.covered == nil && !named:
		return false
	case l == nil:
		return true
	}
	span := of.spans[month]
	span.To = min(t.now, span.To)
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
func (t *told) left(m *ledger.MonthSum, from taken) int64 {
	way := wayOf(m.Measure)
	if m.Line == "" { // of several lines: where journals tell of one of them, it can't be known what is left
		if slices.ContainsFunc(t.devices()[m.Device], func(l *toldLine) bool { return t.believes(l, m.Month, way) }) {
			return 0
		}
		return m.Count
	}
	l := t.lines[m.Line]
	if l == nil {
		return m.Count
	}
	if t.believes(l, m.Month, way) {
		return 0
	}
	month := &l.months[m.Month.Since(t.from)]
	if month.messages == nil {
		return m.Count
	}
	if from[month] == nil {
		from[month] = new([2]int64)
	}
	n := min(m.Count, ways[way].internal(month.messages)-from[month][way])
	from[month][way] += n
	return m.Count - n
}

// replaces tells whether a sum gives way to what journals tell.
func (t *told) replaces(m *ledger.MonthSum) bool {
	return t != nil && (m.Measure == wire.FaxSent || m.Measure == wire.FaxReceived)
}

// hearing is how long lines of a scope stood and were told of, until now.
type hearing struct {
	stood    time.Duration
	internal time.Duration // by journals
	sources  [2]heard      // by way
}

// heard is how long a way's messages were told of, by which source.
type heard struct{ journals, counters time.Duration }

// hear takes in how long a line's messages were told of where it stood. What journals tell of it may be nil.
func (p *pivot) hear(t *tally, of *toldLine, s *ledger.Stretch, in ledger.Span) {
	in.To = min(in.To, p.instant)
	h := &t.hearing
	h.stood += in.Length()
	if of != nil {
		h.internal += ledger.Watched(of.covered, in)
	}
	for way := range ways {
		told, counts := &h.sources[way], slices.Contains(s.Measures, ways[way].measure)
		if of == nil || of.covered == nil {
			if counts {
				told.counters += ledger.Watched(s.Watched, in)
			}
			continue
		}
		for month := p.from; month <= p.to; month = month.Add(1) {
			switch part := in.Within(of.spans[month.Since(p.told.from)]); {
			case part.Length() == 0:
			case p.told.believes(of, month, way):
				told.journals += ledger.Watched(of.covered, part)
			case counts:
				told.counters += ledger.Watched(s.Watched, part)
			}
		}
	}
}

// tell takes in the messages that journals tell of.
func (p *pivot) tell() {
	for _, l := range p.told.lines {
		for month := p.from; month <= p.to; month = month.Add(1) {
			if m := l.months[month.Since(p.told.from)].messages; m != nil {
				p.tellMonth(l, m)
			}
		}
	}
}

// tellMonth takes in those of a line in a month.
func (p *pivot) tellMonth(l *toldLine, m *ledger.LineMessages) {
	t := p.at(p.told.homes.at(l.line, l.id, m.Month))
	for i, way := range ways {
		if n := way.count(m); n > 0 && p.told.believes(l, m.Month, i) {
			t.part(way.journal, "faxes").Count += n
		}
	}
	if m.InternalSent > 0 {
		t.part(JournalInternal, "faxes").Count += m.InternalSent
	}
	if m.Sent+m.Received+m.InternalSent+m.InternalReceived > 0 {
		p.faxed[l.id] = t
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
	return slices.ContainsFunc(measures, func(m wire.Measure) bool { return wayOf(m) >= 0 && t.hearing.sources[wayOf(m)].journals > 0 })
}

// retold says what messages of some measures rest on where journals tell of any of them; ok is false where they don't.
func (t *tally) retold(p *pivot, f *Figure, measures []wire.Measure) (ok bool) {
	if p.told == nil {
		return false
	}
	for i, way := range ways {
		if !slices.Contains(measures, way.measure) {
			continue
		}
		told := &t.hearing.sources[i]
		journal := slices.ContainsFunc(t.parts, func(x Part) bool { return x.Measure == way.journal })
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
