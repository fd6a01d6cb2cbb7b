package indicators

import (
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Homes tell where lines stood in a month: at its end, or when they stood anywhere in it last.
type Homes struct {
	register *ledger.Register
	lines    map[string]*home
}

// home is where a line stood in the month that was asked for last.
type home struct {
	line  *ledger.Line // nil: it is no more
	month ledger.Month
	place ledger.Place
}

// NewHomes are those of the register's lines, and of those that are only seen.
func NewHomes(r *ledger.Register, lines []ledger.Line) *Homes {
	h := &Homes{register: r, lines: make(map[string]*home, len(lines))}
	homes := make([]home, len(lines))
	for i := range lines {
		homes[i].line = &lines[i]
		h.lines[lines[i].ID] = &homes[i]
	}
	return h
}

// line is one that is still there, or nil.
func (h *Homes) line(id string) *ledger.Line {
	if known := h.lines[id]; known != nil {
		return known.line
	}
	return nil
}

// In is where a line stood; empty where nobody assigned it. It is quick where months are asked for in order.
func (h *Homes) In(line string, month ledger.Month) ledger.Place {
	known := h.lines[line]
	if known == nil {
		known = &home{}
		h.lines[line] = known
	}
	if known.month != month {
		known.month, known.place = month, h.at(known.line, line, month)
	}
	return known.place
}

// at is the same of a line that may be no more.
func (h *Homes) at(l *ledger.Line, id string, month ledger.Month) ledger.Place {
	return h.register.Complete(h.find(l, id, month))
}

func (h *Homes) find(l *ledger.Line, id string, month ledger.Month) (place ledger.Place) {
	if l == nil {
		return declaredHome(h.register.Lines[id], month)
	}
	switch len(l.History) {
	case 0:
		return ledger.Place{Establishment: l.Establishment, Site: l.Site, Pole: l.Pole, Service: l.Service}
	case 1:
		return l.History[0].Place
	}
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
