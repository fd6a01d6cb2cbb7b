package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/metrics"
)

// journaled is what journals change in the messages that machines counted, for the metrics. Of past months it is kept.
type journaled struct {
	books *ledger.Ledger

	mu       sync.Mutex
	marks    ledger.Marks // of all that follows
	kept     map[ledger.Month][]indicators.Correction
	messages map[ledger.Month][]ledger.LineMessages
	counted  map[ledger.Month][]ledger.MonthSum // messages only
}

// faxes are the corrections of all months together.
func (j *journaled) faxes(ctx context.Context, now *ledger.Snapshot) ([]metrics.Faxes, error) {
	coverage, err := j.books.Coverage(ctx)
	if err != nil || len(coverage) == 0 {
		return nil, err
	}
	first, err := j.books.FirstFlow(ctx)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.drop(ctx, now.Month); err != nil {
		return nil, err
	}
	sums := make(map[metrics.Faxes]int64) // without their counts
	for month := min(first, monthOf(coverage)); month <= now.Month; month = month.Add(1) {
		if j.kept[month] == nil {
			if j.kept[month], err = j.read(ctx, now, coverage, month); err != nil {
				return nil, err
			}
		}
		for _, c := range j.kept[month] {
			sums[metrics.Faxes{Establishment: c.Establishment, Pole: c.Pole, Service: c.Service, Direction: c.Direction}] += c.Count
		}
	}
	var list []metrics.Faxes
	for f, n := range sums {
		f.Count = n
		list = append(list, f)
	}
	return list, nil
}

// monthOf is the first month that journals tell of.
func monthOf(coverage []ledger.JournalSpan) ledger.Month {
	first := coverage[0].From
	for i := range coverage {
		first = min(first, coverage[i].From)
	}
	return ledger.MonthOf(first.In(time.UTC), time.UTC)
}

// drop forgets what may have changed: all months when people changed something, and always the last two, of which the
// days that are told of grow.
func (j *journaled) drop(ctx context.Context, present ledger.Month) error {
	marks, err := j.books.Marks(ctx)
	if err != nil {
		return err
	}
	if j.kept == nil {
		j.kept, j.messages, j.marks = make(map[ledger.Month][]indicators.Correction), make(map[ledger.Month][]ledger.LineMessages), marks
		j.counted = make(map[ledger.Month][]ledger.MonthSum)
		return nil
	}
	first, last, err := j.books.FlowsChangedSince(ctx, j.marks)
	if err != nil {
		return err
	}
	maps.DeleteFunc(j.messages, func(month ledger.Month, _ []ledger.LineMessages) bool { return first <= month && month <= last })
	maps.DeleteFunc(j.kept, func(month ledger.Month, _ []indicators.Correction) bool {
		return marks.Change != j.marks.Change || first <= month && month <= last || month >= present.Add(-1)
	})
	if first, last, err = j.books.ChangedSince(ctx, j.marks); err != nil {
		return err
	}
	maps.DeleteFunc(j.kept, func(month ledger.Month, _ []indicators.Correction) bool { return first <= month && month <= last })
	maps.DeleteFunc(j.counted, func(month ledger.Month, _ []ledger.MonthSum) bool { return first <= month && month <= last })
	j.marks = marks
	return nil
}

func (j *journaled) read(ctx context.Context, now *ledger.Snapshot, coverage []ledger.JournalSpan, month ledger.Month) ([]indicators.Correction, error) {
	if j.messages[month] == nil {
		flows, err := j.books.Flows(ctx, month, month)
		if err != nil {
			return nil, err
		}
		j.messages[month] = append([]ledger.LineMessages{}, ledger.ByLine(flows)...)
	}
	if j.counted[month] == nil {
		sums, err := j.books.Months(ctx, month, month)
		if err != nil {
			return nil, err
		}
		sums = slices.DeleteFunc(sums, func(s ledger.MonthSum) bool { return ledger.IsPages(s.Measure) })
		j.counted[month] = append([]ledger.MonthSum{}, sums...)
	}
	list := indicators.Corrections(indicators.Books{
		At: now.At, Register: &now.Register, Lines: now.Lines, Months: j.counted[month],
		Journals: ledger.Journals{Messages: j.messages[month], Coverage: coverage},
	}, month)
	return append([]indicators.Correction{}, list...), nil
}
