package indicators

import "github.com/zerofax/zerofax/collector/internal/ledger"

// Kit are the seven indicators of the national kit, for which targets can be set.
func Kit() []Indicator {
	return []Indicator{ActiveLines, MSSanteAddresses, FaxReceived, MSSanteReceived, FaxSent, MSSanteSent, FaxInternal}
}

// aim gives a figure its target and how far it is from it. Of several months, lines and addresses have the
// last one's target, and what is counted by the month the sum of all, if each month has one.
func (p *pivot) aim(f *Figure) {
	key, ok := p.targetOf(f)
	if !ok {
		return
	}
	first := f.From
	if f.Of == "lines" || f.Of == "addresses" {
		first = f.To
	}
	var target int64
	for month := first; month <= f.To; month = month.Add(1) {
		value, set := p.register.TargetAt(key, month)
		if !set {
			return
		}
		target += value
	}
	f.Target = &target
	if f.Value != nil {
		gap := *f.Value - target
		f.Gap = &gap
	}
}

// targetOf is which target is a figure's. What the structure as a whole is to come to, its only
// establishment is. Of faxes sent and received targets are in pages, which all machines count.
func (p *pivot) targetOf(f *Figure) (key ledger.TargetKey, ok bool) {
	key = ledger.TargetKey{Indicator: string(f.Indicator), Establishment: f.Scope.Establishment, Pole: f.Scope.Pole}
	if (f.Indicator == FaxReceived || f.Indicator == FaxSent) && f.Of != "pages" {
		return key, false
	}
	switch p.level {
	case Whole:
		return key, true
	case Structure:
		if _, own := p.register.Targets[key]; own && key.Establishment != "" {
			return key, true
		}
		key.Establishment = ""
		return key, p.alone(f.Scope.Establishment)
	case Pole:
		key.Establishment = ""
		return key, key.Pole != ""
	}
	return key, false
}

// alone tells whether an establishment is all that there is of the structure.
func (p *pivot) alone(establishment string) bool {
	_, declared := p.register.Establishments[establishment]
	return len(p.register.Establishments) == 0 || declared && len(p.register.Establishments) == 1
}
