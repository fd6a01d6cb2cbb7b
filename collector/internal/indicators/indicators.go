// Package indicators computes the figures by which a hospital sees its fax go: lines, pages and
// messages of a structure, a pôle or a service in local months. It is pure: books in, figures out.
// What is not known is never 0, and each figure says where it comes from and how complete it is.
package indicators

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Indicator names a figure.
type Indicator string

// The indicators of the national kit, and pages whose direction machines don't tell.
const (
	ActiveLines      Indicator = "active_lines"
	FaxReceived      Indicator = "fax_received"
	FaxSent          Indicator = "fax_sent"
	FaxInternal      Indicator = "fax_internal"
	FaxUnknown       Indicator = "fax_direction_unknown"
	MSSanteAddresses Indicator = "mssante_addresses"
	MSSanteReceived  Indicator = "mssante_received"
	MSSanteSent      Indicator = "mssante_sent"
)

// Level is by what figures are told apart.
type Level string

// The levels.
const (
	Whole     Level = "whole"     // all of it, in one scope without a name
	Structure Level = "structure" // establishments
	Pole      Level = "pole"
	Service   Level = "service"
)

// Levels are all levels, the widest first.
func Levels() []Level { return []Level{Whole, Structure, Pole, Service} }

// Scope is what a figure is of. What lies below its level is empty; so is what nobody assigned.
type Scope struct {
	Establishment string `json:"establishment"`
	Pole          string `json:"pole,omitempty"`
	Service       string `json:"service,omitempty"`
	Name          string `json:"name"` // of the lowest of them; empty: not assigned
}

// Source is where a figure comes from.
type Source string

// The sources.
const (
	States   Source = "line_states" // what the lines show now, whatever was planned or allowed: see ledger.Line.Active
	Activity Source = "line_faxes"  // lines of which a fax was counted in the time
	Counters Source = "counters"    // of machines
	Declared Source = "declared"    // by people
	Journals Source = "journals"    // of faxes, read as files
	Nothing  Source = "no_source"   // nothing tells it
	Unseen   Source = "not_watched" // what would tell it was not watched in the time

	JournalsAndCounters Source = "journals_and_counters" // of different lines or months
)

// Certainty is how sure a figure is of what it says to be.
type Certainty string

// The certainties.
const (
	Certain  Certainty = "certain"
	Probable Certainty = "probable" // some of it was counted when it was printed, not when it came
	AtLeast  Certainty = "at_least" // there may be more that nobody saw
	Unknown  Certainty = "unknown"
)

// Part is what one measure gave a figure.
type Part struct {
	Measure wire.Measure `json:"measure"`
	Unit    string       `json:"unit"`
	Count   int64        `json:"count"`
}

// Basis is what a figure rests on.
type Basis struct {
	Source    Source    `json:"source"`
	Certainty Certainty `json:"certainty"`
	Parts     []Part    `json:"parts,omitempty"`        // they add up to the value, in the order of measures
	Unseen    int64     `json:"unseen_lines,omitempty"` // of the scope, that may be active without anybody seeing it
}

// Completeness is how many days were watched, of all; the mean of the scope's lines. Of MSSanté it is how many were
// declared; the mean of the scope's services.
type Completeness struct {
	Watched float64 `json:"watched"`
	Days    int     `json:"days"`
}

// Figure is an indicator of a scope in a time.
type Figure struct {
	Scope        Scope        `json:"scope"`
	From         ledger.Month `json:"-"`
	To           ledger.Month `json:"-"`
	Indicator    Indicator    `json:"indicator"`
	Value        *int64       `json:"value"` // nil: unknown
	Unit         string       `json:"unit"`  // of pages: as machines call them, "pages" where they differ
	Basis        Basis        `json:"basis"`
	Completeness Completeness `json:"completeness"`
	Straddling   int64        `json:"straddling"` // of Value, how much may belong to the month before the first
	Target       *int64       `json:"target"`     // nil: none is set
	Gap          *int64       `json:"gap"`        // Value less Target; nil where one of them is
	Of           string       `json:"-"`          // what it counts, whatever machines call it: lines, pages, faxes, addresses, messages
}

// Books is what figures are computed from.
type Books struct {
	At       wire.Time
	Register *ledger.Register
	Lines    []ledger.Line
	Months   []ledger.MonthSum // of the time asked for; of other months they are ignored
	MSSante  ledger.MSSante    // likewise
	Journals ledger.Journals   // likewise

	told *told // by journals, of some months: see Heard
}

// Compute gives all figures of the months from and to and of those between, by scope and indicator.
func Compute(b Books, from, to ledger.Month, level Level) []Figure {
	p := newPivot(&b, level, from, to)
	for i := range b.Lines {
		p.line(&b.Lines[i], b.At)
	}
	for i := range b.Months {
		if m := &b.Months[i]; m.Month >= from && m.Month <= to && !m.Evidence {
			p.sum(m)
		}
	}
	if p.told != nil {
		p.tell()
	}
	p.lines(b)
	p.mssante(&b.MSSante)
	var figures []Figure
	for _, scope := range p.scopes() {
		figures = append(figures, p.tallies[scope].figures(p, scope)...)
	}
	for i := range figures {
		p.aim(&figures[i])
	}
	return figures
}

// InMonth are the sums of one month out of those of several, which are in the order of months.
func InMonth(sums []ledger.MonthSum, month ledger.Month) []ledger.MonthSum {
	begin := func(m ledger.Month) int {
		i, _ := slices.BinarySearchFunc(sums, m, func(s ledger.MonthSum, m ledger.Month) int { return cmp.Compare(s.Month, m) })
		return i
	}
	return sums[begin(month):begin(month.Add(1))]
}

// flows are the figures that machines and journals give: which measures, pages or messages.
var flows = []struct {
	indicator Indicator
	unit      string
	measures  []wire.Measure
}{
	{FaxReceived, "pages", []wire.Measure{wire.FaxReceivedPages, wire.FaxPrintedPages}},
	{FaxReceived, "faxes", []wire.Measure{wire.FaxReceived, JournalReceived}},
	{FaxSent, "pages", []wire.Measure{wire.FaxSentPages}},
	{FaxSent, "faxes", []wire.Measure{wire.FaxSent, JournalSent}},
	{FaxUnknown, "pages", []wire.Measure{wire.FaxPages}},
}

// figures are those of one scope. Messages, and pages of unknown direction, are told only where
// machines count them, or journals tell.
func (t *tally) figures(p *pivot, scope Scope) []Figure {
	figure := func(indicator Indicator, unit string) Figure {
		return Figure{Scope: scope, From: p.from, To: p.to, Indicator: indicator, Unit: unit, Of: unit, Completeness: Completeness{Days: p.days}}
	}
	list := []Figure{t.activeLines(p, figure(ActiveLines, "lines"))}
	for _, flow := range flows {
		counted := t.seen(flow.measures) || t.heardOf(flow.measures)
		if !counted && (flow.unit != "pages" || flow.indicator == FaxUnknown) {
			continue
		}
		list = append(list, t.flow(p, figure(flow.indicator, flow.unit), flow.measures))
	}
	return append(list, t.internal(p, figure(FaxInternal, "faxes")), t.mailboxes.figure(p, figure(MSSanteAddresses, "addresses")),
		t.received.figure(p, figure(MSSanteReceived, "messages")), t.sent.figure(p, figure(MSSanteSent, "messages")))
}

// flow is what some measures counted.
func (t *tally) flow(p *pivot, f Figure, measures []wire.Measure) Figure {
	watched := t.watched(measures)
	f.Completeness.Watched = p.mean(watched, t.stood)
	f.Basis = Basis{Source: Counters, Certainty: Certain}
	var value int64
	for _, part := range t.parts {
		if !slices.Contains(measures, part.Measure) {
			continue
		}
		value += part.Count
		f.Basis.Parts = append(f.Basis.Parts, part)
		f.Straddling += t.straddling[part.Measure]
		if part.Measure == wire.FaxPrintedPages && part.Count > 0 {
			f.Basis.Certainty = Probable
		}
	}
	if !t.retold(p, &f, measures) && watched == 0 && len(f.Basis.Parts) == 0 {
		f.Basis = Basis{Source: Unseen, Certainty: Unknown}
		return f
	}
	f.Unit = unitOf(f.Basis.Parts, f.Unit)
	f.Value = &value
	return f
}

// unitOf is the unit that all parts have, else otherwise.
func unitOf(parts []Part, otherwise string) string {
	for i := range parts {
		if parts[i].Unit != parts[0].Unit {
			return otherwise
		}
	}
	if len(parts) == 0 {
		return otherwise
	}
	return parts[0].Unit
}

// activeLines is how many lines are active: now by what they show, for a time that is over those of
// which a fax was counted in it. Of those that nobody saw it says how many they are; none is no figure
// then, nor is it where nobody knows of any line at all.
func (t *tally) activeLines(p *pivot, f Figure) Figure {
	f.Completeness.Watched = p.mean(t.looked, t.stood)
	f.Basis = Basis{Source: Activity, Certainty: Certain}
	if p.present {
		f.Basis.Source = States
	}
	unseen := t.lines - t.known
	switch {
	case p.empty:
		f.Basis = Basis{Source: Nothing, Certainty: Unknown}
		return f
	case p.future || t.active == 0 && unseen > 0:
		f.Basis = Basis{Source: Unseen, Certainty: Unknown, Unseen: unseen}
		return f
	case unseen > 0:
		f.Basis.Certainty, f.Basis.Unseen = AtLeast, unseen
	}
	active := t.active
	f.Value = &active
	return f
}

func compareScopes(a, b Scope) int {
	return cmp.Or(strings.Compare(a.Establishment, b.Establishment), strings.Compare(a.Pole, b.Pole), strings.Compare(a.Service, b.Service))
}
