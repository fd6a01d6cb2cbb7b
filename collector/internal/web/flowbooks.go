package web

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// flowBooks is what pages need of journals.
type flowBooks interface {
	Flows(ctx context.Context, from, to ledger.Month) ([]ledger.FlowSum, error)
	Journals(ctx context.Context, from, to ledger.Month) (ledger.Journals, error)
	Coverage(ctx context.Context) ([]ledger.JournalSpan, error)
	FlowsOf(ctx context.Context, line string, from, to ledger.Month) ([]ledger.FlowSum, error)
	Correspondents(ctx context.Context, from, to ledger.Month, unit wire.EventUnit, line string, most int) ([]ledger.Correspondent, error)
}

// standing tells whether a line stood where the reader sees, in a month.
func (s scope) standing(ctx context.Context) (func(line string, month ledger.Month) bool, error) {
	all, err := s.all.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	homes := indicators.NewHomes(&all.Register, all.Lines)
	return func(line string, month ledger.Month) bool { return s.who.Sees(homes.In(line, month).Establishment) }, nil
}

// FlowsOf are those of a line that is the reader's.
func (s scope) FlowsOf(ctx context.Context, line string, from, to ledger.Month) (sums []ledger.FlowSum, err error) {
	view, err := s.view(ctx)
	if err != nil || !view.lines[line] {
		return nil, err
	}
	all, err := s.all.FlowsOf(ctx, line, from, to)
	if err != nil {
		return nil, err
	}
	return s.touching(ctx, all)
}

// Flows are those that touch the reader's lines. Of the others' only that they are ours is told.
func (s scope) Flows(ctx context.Context, from, to ledger.Month) (sums []ledger.FlowSum, err error) {
	all, err := s.all.Flows(ctx, from, to)
	if err != nil {
		return nil, err
	}
	return s.touching(ctx, all)
}

func (s scope) touching(ctx context.Context, all []ledger.FlowSum) (sums []ledger.FlowSum, err error) {
	stood, err := s.standing(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range all {
		mine := false
		for _, line := range []*string{&x.From, &x.To} {
			switch {
			case *line == "":
			case stood(*line, x.Month):
				mine = true
			default:
				*line = indicators.Elsewhere
			}
		}
		if mine {
			sums = append(sums, x)
		}
	}
	return sums, err
}

// Journals are of the reader's lines.
func (s scope) Journals(ctx context.Context, from, to ledger.Month) (j ledger.Journals, err error) {
	stood, err := s.standing(ctx)
	if err != nil {
		return j, err
	}
	all, err := s.all.Journals(ctx, from, to)
	if err != nil {
		return j, err
	}
	j.Messages = keep(all.Messages, func(m *ledger.LineMessages) bool { return stood(m.Line, m.Month) })
	j.Coverage, err = s.covering(ctx, all.Coverage)
	return j, err
}

// Coverage is that of the reader's lines.
func (s scope) Coverage(ctx context.Context) ([]ledger.JournalSpan, error) {
	all, err := s.all.Coverage(ctx)
	if err != nil {
		return nil, err
	}
	return s.covering(ctx, all)
}

func (s scope) covering(ctx context.Context, all []ledger.JournalSpan) (mine []ledger.JournalSpan, err error) {
	view, err := s.view(ctx)
	for _, c := range all {
		if c.Lines = keep(c.Lines, func(line *string) bool { return view.lines[*line] }); len(c.Lines) > 0 {
			mine = append(mine, c)
		}
	}
	return mine, err
}

// Correspondents are those of the reader's lines, as they hang there now.
func (s scope) Correspondents(ctx context.Context, from, to ledger.Month, unit wire.EventUnit, line string, most int) ([]ledger.Correspondent, error) {
	view, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	if line != "" {
		if !view.lines[line] {
			return nil, nil
		}
		return s.all.Correspondents(ctx, from, to, unit, line, most)
	}
	return correspondentsOf(ctx, s.all, slices.Sorted(maps.Keys(view.lines)), from, to, unit, most)
}

// correspondentsOf are those of some lines together, those with the most first.
func correspondentsOf(ctx context.Context, books flowBooks, lines []string, from, to ledger.Month, unit wire.EventUnit, most int) ([]ledger.Correspondent, error) {
	at := make(map[int64]*ledger.Correspondent)
	for _, line := range lines {
		some, err := books.Correspondents(ctx, from, to, unit, line, math.MaxInt32)
		if err != nil {
			return nil, err
		}
		for _, x := range some {
			if at[x.ID] == nil {
				at[x.ID] = &ledger.Correspondent{ID: x.ID, Masked: x.Masked, Name: x.Name, Unit: x.Unit}
			}
			c := at[x.ID]
			c.Sent, c.Received, c.Lines, c.Last = c.Sent+x.Sent, c.Received+x.Received, c.Lines+1, max(c.Last, x.Last)
		}
	}
	var list []ledger.Correspondent
	for _, c := range at {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b ledger.Correspondent) int {
		return cmp.Or(cmp.Compare(b.Sent+b.Received, a.Sent+a.Received), cmp.Compare(a.ID, b.ID))
	})
	if most > 0 {
		list = list[:min(len(list), most)]
	}
	return list, nil
}
