package main

import (
	"context"
	"slices"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/series"
)

// figures are the indicators as time series want them.
type figures struct{ *ledger.Ledger }

// Months computes the indicators of each month at all levels.
func (f figures) Months(ctx context.Context, months []ledger.Month, take func(ledger.Month, []series.Figure) error) error {
	books, err := f.Snapshot(ctx)
	if err != nil {
		return err
	}
	mssante, err := f.MSSante(ctx, slices.Min(months), slices.Max(months))
	if err != nil {
		return err
	}
	journals, err := f.Journals(ctx, slices.Min(months), slices.Max(months))
	if err != nil {
		return err
	}
	for _, m := range months {
		sums, err := f.Ledger.Months(ctx, m, m)
		if err != nil {
			return err
		}
		known := knownFigures(indicators.Books{At: books.At, Register: &books.Register, Lines: books.Lines, Months: sums, MSSante: mssante, Journals: journals}, m)
		if err := take(m, known); err != nil {
			return err
		}
	}
	return nil
}

func knownFigures(b indicators.Books, m ledger.Month) (known []series.Figure) {
	b = b.Heard(m, m)
	for _, level := range indicators.Levels() {
		for _, f := range indicators.Compute(b, m, m, level) {
			if f.Value == nil {
				continue
			}
			x := series.Figure{
				Scope:     series.Scope{By: string(level), Establishment: f.Scope.Establishment, Pole: f.Scope.Pole, Service: f.Scope.Service},
				Indicator: string(f.Indicator), Unit: f.Of, Value: float64(*f.Value),
				Completeness: f.Completeness.Watched / float64(f.Completeness.Days),
			}
			if f.Target != nil {
				target := float64(*f.Target)
				x.Target = &target
			}
			known = append(known, x)
		}
	}
	return known
}
