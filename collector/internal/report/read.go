package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Source is where books are read.
type Source interface {
	Snapshot(ctx context.Context) (ledger.Snapshot, error)
	FirstMonth(ctx context.Context) (ledger.Month, error)
	Months(ctx context.Context, from, to ledger.Month) ([]ledger.MonthSum, error)
	MSSante(ctx context.Context, from, to ledger.Month) (ledger.MSSante, error)
	Journals(ctx context.Context, from, to ledger.Month) (ledger.Journals, error)
	AfterDates(ctx context.Context, month ledger.Month) ([]ledger.AfterSum, error)
	Closed(ctx context.Context, from, to ledger.Month, level string) ([]ledger.Closing, error)
	Sheets(ctx context.Context, at ledger.Day) ([]ledger.Sheet, error)
}

// Known are the months of which a report can be made.
type Known struct {
	First ledger.Month // in which the books begin
	Last  ledger.Month // the present one
}

// Usual is the month that is meant where none is named: the last one that is over, of those known.
func (k Known) Usual() ledger.Month { return max(k.First, k.Last.Add(-1)) }

// Check is an error where nothing can be said of a month.
func (k Known) Check(month ledger.Month) error {
	switch {
	case month > k.Last:
		return fmt.Errorf("%s is still to come; want a month until %s", Text(month), Text(k.Last))
	case month < k.First:
		return fmt.Errorf("the books begin in %s, after %s; want a month from then on", Text(k.First), Text(month))
	}
	return nil
}

// Text is a month as 2026-10.
func Text(m ledger.Month) string { return fmt.Sprintf("%04d-%02d", int(m)/100, int(m)%100) }

// Find says which months are known. Where nothing is, it is the present one.
func Find(ctx context.Context, s Source, books ledger.Snapshot, zone *time.Location) (Known, error) {
	first, err := s.FirstMonth(ctx)
	if err != nil {
		return Known{}, err
	}
	present := ledger.MonthOf(books.At, zone)
	known := Known{First: cmp.Or(first, present), Last: present}
	if seen := firstSeen(books); seen != 0 {
		known.First = min(known.First, ledger.MonthOf(seen, zone))
	}
	return known, nil
}

// firstSeen is when any machine was read for the first time; 0: none was.
func firstSeen(books ledger.Snapshot) (first wire.Time) {
	for i := range books.Devices {
		if seen := books.Devices[i].FirstSeen; seen != 0 && (first == 0 || seen < first) {
			first = seen
		}
	}
	return first
}

// Baseline is the first month that machines were read from its beginning, 0 where none was yet: what comes
// later is compared with it.
func Baseline(books ledger.Snapshot, zone *time.Location) ledger.Month {
	first := firstSeen(books)
	if first == 0 {
		return 0
	}
	month := ledger.MonthOf(first, zone)
	if month.In(zone) < first {
		month = month.Add(1)
	}
	return month
}

// Read reads what a month's report is made of, beside a snapshot that was read already. Without an establishment it is
// of the structure as a whole.
func Read(ctx context.Context, s Source, snapshot ledger.Snapshot, month ledger.Month, establishment string, zone *time.Location) (Books, error) {
	b := Books{Snapshot: snapshot, Zone: zone}
	first, base, level := month.Add(1-trendMonths), Baseline(snapshot, zone), string(levelOf(establishment))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { b.Months, err = s.Months(ctx, first, month); return err })
	group.Go(func() (err error) { b.MSSante, err = s.MSSante(ctx, first, month); return err })
	group.Go(func() (err error) { b.Journals, err = s.Journals(ctx, first, month); return err })
	group.Go(func() (err error) { b.After, err = s.AfterDates(ctx, month); return err })
	group.Go(func() (err error) { b.Sheets, err = s.Sheets(ctx, sheetsUntil(month, zone)); return err })
	group.Go(func() (err error) {
		b.Closed, err = s.Closed(ctx, min(first, cmp.Or(base, first)), month, level)
		return err
	})
	group.Go(func() (err error) {
		b.ClosedServices, err = s.Closed(ctx, month, month, string(indicators.Service))
		return err
	})
	var sums []ledger.MonthSum
	var declared ledger.MSSante
	var journals ledger.Journals
	if base != 0 && base < first {
		group.Go(func() (err error) { sums, err = s.Months(ctx, base, base); return err })
		group.Go(func() (err error) { declared, err = s.MSSante(ctx, base, base); return err })
		group.Go(func() (err error) { journals, err = s.Journals(ctx, base, base); return err })
	}
	err := group.Wait()
	if len(sums) > 0 {
		b.Months = slices.Concat(sums, b.Months) // months stay in their order
	}
	b.Journals.Messages = slices.Concat(journals.Messages, b.Journals.Messages)
	b.MSSante = ledger.MSSante{
		Mailboxes: slices.Concat(b.MSSante.Mailboxes, declared.Mailboxes), Messages: slices.Concat(b.MSSante.Messages, declared.Messages),
	}
	return b, err
}

// sheetsUntil is until when what a service's sheet says is of a month: the committee meets in the next one.
func sheetsUntil(month ledger.Month, zone *time.Location) ledger.Day {
	return dayOf(month.Add(2).In(zone)-1, zone)
}
