package ledger

import (
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// The rules of what a line's state is: what is declared of it and what its machines show go in, one
// state comes out, with the facts that prove it.

const (
	newFor      = 30 * day
	dormantFrom = 90 * day
)

// faxCapable tells whether a device can fax by all evidence: it says so itself, a fax counter was
// ever above 0, or a line of its own has a fax. Its own no outweighs a counter.
func faxCapable(fax wire.Answer, faxed bool, ports []Port) bool {
	for _, p := range ports {
		if p.Fax == wire.Yes {
			return true
		}
	}
	return fax == wire.Yes || faxed && fax != wire.No
}

// windows are the times by which states are told apart.
type windows struct{ active, blind time.Duration }

// stand gives a line its state at now, by the first rule that fits. Its Why may name already what
// stands in the way of watching it.
func (l *Line) stand(now wire.Time, w windows) {
	l.New = l.FirstSeen != 0 && now.Sub(l.FirstSeen) < newFor
	declared, facts := l.declared(now)
	var seen []Fact
	l.Observed, seen = l.observed(now, w)
	l.State = l.Observed
	if declared != "" {
		l.State = declared
	}
	l.Why = append(append(facts, l.Why...), seen...)
}

// declared is the state that people gave a line, empty if none holds.
func (l *Line) declared(now wire.Time) (LineState, []Fact) {
	passed := func(d Day) bool { return d != "" && d.In(l.Zone) <= now }
	switch {
	case l.KeptReason != "":
		facts := []Fact{{Code: FactKept, Text: l.KeptReason, Day: l.KeptUntil}}
		if passed(l.KeptUntil) {
			facts = append(facts, Fact{Code: FactReviewPassed, Day: l.KeptUntil})
		}
		return Kept, facts
	case passed(l.CutOn):
		return Cut, []Fact{{Code: FactCut, Day: l.CutOn}}
	case passed(l.Cutoff):
		return Overdue, append([]Fact{{Code: FactCutoffPassed, Day: l.Cutoff}}, l.ahead()...)
	case l.Cutoff != "":
		return "", append([]Fact{{Code: FactCutoffAhead, Day: l.Cutoff}}, l.ahead()...)
	}
	return "", l.ahead()
}

// ahead names the day on which the line will really be cut.
func (l *Line) ahead() []Fact {
	if l.CutOn == "" {
		return nil
	}
	return []Fact{{Code: FactCutAhead, Day: l.CutOn}}
}

// observed is the state that a line's machines show. What counts its faxes is heard first, else
// what tells the line's own status; a line that is off hook shows life either way.
//
// Silence is proven from the last sign of life up to the last reading, however far apart readings
// are, but for the gaps: a reset may hide a fax. Where several lines share a machine its silence is
// that of each, and its fax may be of any.
func (l *Line) observed(now wire.Time, w windows) (LineState, []Fact) {
	fresh := func(at wire.Time) bool { return at != 0 && now.Sub(at) <= w.blind }
	switch {
	case fresh(l.counted):
		return l.byCounts(now, w)
	case fresh(l.told):
		return l.byStatus(now, w)
	case l.journal != 0 && now.Sub(l.journal) <= w.active:
		return Active, []Fact{{Code: FactJournaled, At: l.journal}}
	case l.LastReading == 0 && l.FirstSeen != 0:
		return Blind, []Fact{{Code: FactNeverRead}}
	case l.FirstSeen == 0:
		return Blind, nil // Why says already what is missing
	case l.counted == 0 && l.told == 0:
		return Blind, []Fact{{Code: FactUnwatched}, {Code: FactLastReading, At: l.LastReading}}
	}
	return Blind, append(l.faxFacts(), Fact{Code: FactLastReading, At: max(l.counted, l.told)})
}

func (l *Line) byCounts(now wire.Time, w windows) (LineState, []Fact) {
	life := max(l.life, l.FirstSeen, l.journal)
	if l.Status == wire.LineBusy {
		life = max(life, l.told)
	}
	state, window := silence(Watched(l.watched(), Span{life, now}), w), Span{life, now}
	if state == Active {
		window.From = now.Add(-w.active)
	}
	facts := append(l.faxFacts(), l.statusFacts()...)
	return state, append(facts, Fact{Code: FactLastReading, At: l.counted}, l.watchedFact(l.watched(), window))
}

// byStatus is the state of a line whose faxes nobody counts: a line that is idle or busy lives.
func (l *Line) byStatus(now wire.Time, w windows) (LineState, []Fact) {
	facts := append([]Fact{{Code: FactUncounted}}, l.statusFacts()...)
	facts = append(facts, Fact{Code: FactLastReading, At: l.told})
	if l.Status != wire.LineDown {
		return Active, facts
	}
	window := Span{max(l.FirstSeen, l.StatusSince), now}
	watched := []Span{{window.From, l.told}}
	return silence(Watched(watched, window), w), append(facts, l.watchedFact(watched, window))
}

// silence is the state of a line that was watched for so long since it last showed life.
func silence(watched time.Duration, w windows) LineState {
	switch {
	case watched >= dormantFrom:
		return Dormant
	case watched >= w.active:
		return Quiet
	}
	return Active
}

// faxFacts are what is known of the last fax.
func (l *Line) faxFacts() []Fact {
	switch {
	case l.Sharing == 0:
		return []Fact{{Code: FactUncounted}}
	case l.journal > l.lastFax:
		return []Fact{{Code: FactJournaled, At: l.journal}}
	case l.lastFax == 0 || l.lastFax < l.life:
		return []Fact{{Code: FactNoFax, At: max(l.life, l.FirstSeen)}}
	case l.Sharing > 1:
		return []Fact{{Code: FactSharedFax, At: l.lastFax, Count: int64(l.Sharing)}}
	}
	return []Fact{{Code: FactLastFax, At: l.lastFax}}
}

func (l *Line) statusFacts() []Fact {
	code, known := map[wire.LineStatus]FactCode{wire.LineIdle: FactIdle, wire.LineBusy: FactBusy, wire.LineDown: FactDown}[l.Status]
	if !known {
		return nil
	}
	return []Fact{{Code: code, At: l.StatusSince}}
}

// watchedFact tells how much of a time was watched.
func (l *Line) watchedFact(watched []Span, window Span) Fact {
	return Fact{Code: FactWatched, Days: days(Watched(watched, window)), Of: days(window.Length())}
}

func days(d time.Duration) float64 { return d.Hours() / 24 }

// watched are the times in which its faxes were counted.
func (l *Line) watched() (spans []Span) {
	for i := range l.History {
		spans = append(spans, l.History[i].Watched...)
	}
	return spans
}
