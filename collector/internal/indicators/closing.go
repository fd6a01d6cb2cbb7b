package indicators

import (
	"cmp"
	"slices"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Freeze gives the figures of a month at all levels as its closing keeps them. It is what ledger.CloseMonth wants.
func Freeze(b ledger.MonthBooks) (closed []ledger.ClosedFigure) {
	of := Books{At: b.At, Register: &b.Register, Lines: b.Lines, Months: b.Months, MSSante: b.MSSante, Journals: b.Journals}
	for _, level := range Levels() {
		for _, f := range Compute(of, b.Closed, b.Closed, level) {
			closed = append(closed, f.frozen(level))
		}
	}
	return closed
}

// frozen is a figure as a closing keeps it.
func (f *Figure) frozen(level Level) ledger.ClosedFigure {
	c := ledger.ClosedFigure{
		Level: string(level), Establishment: f.Scope.Establishment, Pole: f.Scope.Pole, Service: f.Scope.Service, Name: f.Scope.Name,
		Indicator: string(f.Indicator), Counted: f.Of, Unit: f.Unit, Value: f.Value,
		Source: string(f.Basis.Source), Certainty: string(f.Basis.Certainty), Unseen: f.Basis.Unseen,
		Watched: int64(f.Completeness.Watched*10 + 0.5), Days: int64(f.Completeness.Days), Straddling: f.Straddling, Target: f.Target,
	}
	for _, p := range f.Basis.Parts {
		c.Parts = append(c.Parts, ledger.ClosedPart(p))
	}
	return c
}

// Thaw gives the figures of a closing at a level, in the order in which Compute gives those of today.
func Thaw(c *ledger.Closing, level Level) (figures []Figure) {
	for i := range c.Figures {
		if c.Figures[i].Level == string(level) {
			figures = append(figures, thawed(c.Month, &c.Figures[i]))
		}
	}
	slices.SortStableFunc(figures, func(a, b Figure) int {
		return cmp.Or(compareScopes(a.Scope, b.Scope), cmp.Compare(place(&a), place(&b)))
	})
	return figures
}

func thawed(month ledger.Month, c *ledger.ClosedFigure) Figure {
	f := Figure{
		Scope: Scope{Establishment: c.Establishment, Pole: c.Pole, Service: c.Service, Name: c.Name},
		From:  month, To: month, Indicator: Indicator(c.Indicator), Value: c.Value, Unit: c.Unit, Of: c.Counted,
		Basis:        Basis{Source: Source(c.Source), Certainty: Certainty(c.Certainty), Unseen: c.Unseen},
		Completeness: Completeness{Watched: float64(c.Watched) / 10, Days: int(c.Days)},
		Straddling:   c.Straddling, Target: c.Target,
	}
	for _, p := range c.Parts {
		f.Basis.Parts = append(f.Basis.Parts, Part(p))
	}
	f.Gap = less(f.Value, f.Target)
	return f
}

// place is where a figure stands among those of its scope.
func place(f *Figure) int {
	order := []Indicator{ActiveLines, FaxReceived, FaxSent, FaxUnknown, FaxInternal, MSSanteAddresses, MSSanteReceived, MSSanteSent}
	at := 2 * slices.Index(order, f.Indicator)
	if f.Of == "faxes" {
		at++
	}
	return at
}

// less is a less b; nil where one of them is.
func less(a, b *int64) *int64 {
	if a == nil || b == nil {
		return nil
	}
	n := *a - *b
	return &n
}

// Change is what became another thing of a figure since its month was closed.
type Change string

// The changes.
const (
	Corrected Change = "corrected" // its value is another one
	Learned   Change = "learned"   // its value was unknown, and is known now
	Lost      Change = "lost"      // its value was known, and is unknown now
	Appeared  Change = "appeared"  // its scope, or that it is counted at all, is new
	Gone      Change = "gone"      // its scope, or that it is counted at all, is no more
	Moved     Change = "moved"     // its scope belongs to another one now
	Retold    Change = "unit"      // what it counts is called otherwise
	Aimed     Change = "target"    // its target of then was declared anew
	Sourced   Change = "basis"     // its certainty, or of how many days it tells, is another one
)

// Difference is a figure that is another one now than when its month was closed.
type Difference struct {
	Then    *Figure // as frozen; nil: there was none
	Now     *Figure // nil: there is none any more
	Changes []Change
}

// Figure is the one of now, or of then where there is none now.
func (d *Difference) Figure() *Figure { return cmp.Or(d.Now, d.Then) }

// Correction is what was added since, below 0 what was taken away; nil where one of both values isn't known, or they
// are in different units.
func (d *Difference) Correction() *int64 {
	if d.Then == nil || d.Now == nil || d.Then.Unit != d.Now.Unit {
		return nil
	}
	return less(d.Now.Value, d.Then.Value)
}

// Revalued tells whether the value is another one now, or in another unit.
func (d *Difference) Revalued() bool {
	if d.Then == nil || d.Now == nil {
		return d.Figure().Value != nil
	}
	return !same(d.Then.Value, d.Now.Value) || d.Has(Retold)
}

// Has tells whether a change is among those of the difference.
func (d *Difference) Has(c Change) bool { return slices.Contains(d.Changes, c) }

// Compare says which figures of a closed month are other ones now: frozen are those of Thaw, live those of Compute
// for the same month and level. A figure that isn't named is what it was. They are in the order of Compute's.
func Compare(frozen, live []Figure) (all []Difference) {
	for _, d := range paired(frozen, live) {
		if d.Changes = d.changes(); len(d.Changes) > 0 {
			all = append(all, d)
		}
	}
	slices.SortStableFunc(all, func(a, b Difference) int {
		return cmp.Or(compareScopes(a.Figure().Scope, b.Figure().Scope), cmp.Compare(place(a.Figure()), place(b.Figure())))
	})
	return all
}

// figureKey tells the figures of a month and a level apart.
type figureKey struct {
	establishment, pole, service string
	indicator                    Indicator
	of                           string
}

func (f *Figure) key() figureKey {
	return figureKey{f.Scope.Establishment, f.Scope.Pole, f.Scope.Service, f.Indicator, f.Of}
}

// own is the key without what the scope belongs to; ok is false where it has no id of its own.
func (k figureKey) own() (own figureKey, ok bool) {
	if k.establishment = ""; k.service != "" {
		k.pole = ""
	}
	return k, k.service != "" || k.pole != ""
}

// paired puts the figures of one scope, indicator and kind beside each other. A scope that belongs elsewhere now is
// known by its own id.
func paired(frozen, live []Figure) (pairs []Difference) {
	at := make(map[figureKey]int, len(live))
	for i := range live {
		at[live[i].key()] = i
		pairs = append(pairs, Difference{Now: &live[i]})
	}
	var elsewhere []*Figure
	for i := range frozen {
		f := &frozen[i]
		if n, same := at[f.key()]; same {
			pairs[n].Then = f
		} else {
			elsewhere = append(elsewhere, f)
		}
	}
	moved := make(map[figureKey]int)
	for i := range live {
		if own, has := live[i].key().own(); has && pairs[i].Then == nil {
			moved[own] = i
		}
	}
	for _, f := range elsewhere {
		own, has := f.key().own()
		if n, same := moved[own]; has && same {
			pairs[n].Then = f
			delete(moved, own)
		} else {
			pairs = append(pairs, Difference{Then: f})
		}
	}
	return pairs
}

// changes are what of the figure is another thing now.
func (d *Difference) changes() (list []Change) {
	then, now := d.Then, d.Now
	if then == nil {
		return []Change{Appeared}
	}
	if now == nil {
		return []Change{Gone}
	}
	note := func(c Change, is bool) {
		if is {
			list = append(list, c)
		}
	}
	note(Learned, then.Value == nil && now.Value != nil)
	note(Lost, then.Value != nil && now.Value == nil)
	correction := d.Correction()
	note(Corrected, correction != nil && *correction != 0)
	note(Retold, then.Unit != now.Unit && then.Value != nil && now.Value != nil)
	note(Moved, then.key() != now.key())
	note(Aimed, !same(then.Target, now.Target))
	note(Sourced, then.Basis.Source != now.Basis.Source || then.Basis.Certainty != now.Basis.Certainty ||
		then.Basis.Unseen != now.Basis.Unseen || then.Completeness != now.Completeness)
	return list
}

// same tells whether two numbers are one, or neither is known.
func same(a, b *int64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
