package indicators

import (
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Homes tell where lines stood in a month: at its end, or when they stood anywhere in it last.
type Homes struct {
	register *ledger.Register
	lines    map[string]*ledger.Line
	known    map[lineMonth]ledger.Place
}

type lineMonth struct {
	line  string
	month ledger.Month
}

// NewHomes are those of the register's lines, and of those that are only seen.
func NewHomes(r *ledger.Register, lines []ledger.Line) *Homes {
	h := &Homes{register: r, lines: make(map[string]*ledger.Line, len(lines)), known: map[lineMonth]ledger.Place{}}
	for i := range lines {
		h.lines[lines[i].ID] = &lines[i]
	}
	return h
}

// In is where a line stood; empty where nobody assigned it.
func (h *Homes) In(line string, month ledger.Month) ledger.Place {
	key := lineMonth{line, month}
	place, known := h.known[key]
	if !known {
		place = h.register.Complete(h.find(line, month))
		h.known[key] = place
	}
	return place
}

func (h *Homes) find(line string, month ledger.Month) (place ledger.Place) {
	l := h.lines[line]
	if l == nil {
		return declaredHome(h.register.Lines[line], month)
	}
	place = ledger.Place{Establishment: l.Establishment, Site: l.Site, Pole: l.Pole, Service: l.Service}
	span := ledger.Span{From: month.In(l.Zone), To: month.Add(1).In(l.Zone)}
	for i := range l.History {
		if s := &l.History[i]; i == 0 || s.Within(span).Length() > 0 {
			place = s.Place
		}
	}
	return place
}

// declaredHome is that of a line that is no more: its first one reaches back, its last one holds until now.
func declaredHome(versions []ledger.Declaration, month ledger.Month) (place ledger.Place) {
	end, first := month.Add(1).In(time.UTC), true
	for i := range versions {
		if v := &versions[i]; !v.Removed && (first || v.From < end) {
			place, first = v.Place, false
		}
	}
	return place
}
