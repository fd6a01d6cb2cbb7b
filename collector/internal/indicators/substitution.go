package indicators

import (
	"slices"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Substitution is how much of what a scope sent and received in a month went by MSSanté, and how much by fax. Messages
// and pages are different units and are never added: there is a share only where faxes are known as messages.
type Substitution struct {
	Scope    Scope
	Month    ledger.Month
	Messages *int64 // of MSSanté, both ways; nil: unknown of one of them
	AtLeast  bool   // of Messages and Share: not all services declared any, there may be more
	Pages    *int64 // of fax, likewise
	Faxes    *int64 // likewise; nil: machines count pages only
	Certain  bool   // all of Faxes was counted; else some of it is reckoned from pages
	Share    *float64
}

// mostFaxes is how many faxes and their pages must have been counted together before pages tell how many faxes they are.
const mostFaxes = 30

// Substitutions are those of a month, of all scopes of a level in which MSSanté or fax is known. Where a line's machine
// counts only pages, they are taken for as many faxes as the same number of pages are on lines whose machines count
// both; where no such lines tell, faxes are unknown.
func Substitutions(b Books, month ledger.Month, level Level) (list []Substitution) {
	p := newPivot(&b, level, month, month)
	counted := make(map[Scope]map[string]*faxed)
	var both faxed // of lines that count both
	for i := range b.Months {
		m := &b.Months[i]
		if m.Month != month || m.Evidence {
			continue
		}
		scope := p.scope(ledger.Place{Establishment: m.Establishment, Pole: m.Pole, Service: m.Service})
		if counted[scope] == nil {
			counted[scope] = make(map[string]*faxed)
		}
		key := m.Line + " " + m.Device + " " + string(ledger.DirectionOf(m.Measure))
		if counted[scope][key] == nil {
			counted[scope][key] = new(faxed)
		}
		counted[scope][key].add(m)
	}
	for _, lines := range counted {
		for _, f := range lines {
			if f.pages > 0 && f.faxes > 0 {
				both.pages, both.faxes = both.pages+f.pages, both.faxes+f.faxes
			}
		}
	}
	figures := Compute(b, month, month, level)
	least := leastMessages(figures)
	for scope, x := range substituted(figures) {
		s := Substitution{Scope: scope, Month: month, AtLeast: least[scope], Messages: together(x[MSSanteSent], x[MSSanteReceived]), Pages: bothWays(x)}
		if s.Pages != nil {
			s.Faxes, s.Certain = reckoned(counted[scope], both)
		}
		if s.Messages != nil && s.Faxes != nil && *s.Messages+*s.Faxes > 0 {
			share := float64(*s.Messages) / float64(*s.Messages+*s.Faxes)
			s.Share = &share
		}
		if s.Messages != nil || s.Pages != nil {
			list = append(list, s)
		}
	}
	sortSubstitutions(list)
	return list
}

// faxed is what a line's machine counted one way.
type faxed struct {
	pages, faxes int64
	messages     bool // it counts those
}

func (f *faxed) add(m *ledger.MonthSum) {
	if ledger.IsPages(m.Measure) {
		f.pages += m.Count
		return
	}
	f.faxes, f.messages = f.faxes+m.Count, true
}

// reckoned is how many faxes some lines had; nil where nothing tells.
func reckoned(lines map[string]*faxed, both faxed) (faxes *int64, certain bool) {
	sum, pages := int64(0), int64(0)
	for _, f := range lines {
		if f.messages {
			sum += f.faxes
		} else {
			pages += f.pages
		}
	}
	if pages == 0 {
		return &sum, true
	}
	if both.faxes < mostFaxes || both.pages == 0 {
		return nil, false
	}
	sum += (pages*both.faxes + both.pages/2) / both.pages
	return &sum, false
}

// substituted are the values that matter, by scope. Of fax those in pages are taken: all machines that count do count them.
func substituted(figures []Figure) map[Scope]map[Indicator]*int64 {
	all := make(map[Scope]map[Indicator]*int64)
	for i := range figures {
		f := &figures[i]
		if all[f.Scope] == nil {
			all[f.Scope] = make(map[Indicator]*int64)
		}
		if f.Of == "pages" || f.Of == "messages" {
			all[f.Scope][f.Indicator] = f.Value
		}
	}
	return all
}

// leastMessages are the scopes in which there may be more messages of MSSanté than were declared.
func leastMessages(figures []Figure) map[Scope]bool {
	least := make(map[Scope]bool)
	for i := range figures {
		if f := &figures[i]; f.Of == "messages" && f.Basis.Certainty == AtLeast {
			least[f.Scope] = true
		}
	}
	return least
}

// sortSubstitutions puts them in the order of their scopes.
func sortSubstitutions(list []Substitution) {
	slices.SortFunc(list, func(a, b Substitution) int { return compareScopes(a.Scope, b.Scope) })
}

// bothWays are the pages of fax, also those of machines that don't tell which way. Where no machine tells that, these
// are all; where machines tell of one way only, the sum is unknown.
func bothWays(x map[Indicator]*int64) *int64 {
	sent, received, either := x[FaxSent], x[FaxReceived], x[FaxUnknown]
	switch {
	case either == nil:
		return together(sent, received)
	case sent == nil && received == nil:
		return either
	}
	return together(either, together(sent, received))
}

// together are both ways, unknown where one is.
func together(a, b *int64) *int64 {
	if a == nil || b == nil {
		return nil
	}
	sum := *a + *b
	return &sum
}
