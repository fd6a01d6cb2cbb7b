package web

import (
	"context"
	"sync"
	"time"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const (
	// displacedFor is how long a search for displacements holds: what it rests on changes by the week.
	displacedFor = 10 * time.Minute
	// cutsFor is how long cuts are looked at.
	cutsFor = 365 * 24 * time.Hour
)

// neighbourBooks is what the search for displacements needs of the ledger.
type neighbourBooks interface {
	Weeks(ctx context.Context, from, to ledger.Week, zone *time.Location) ([]ledger.WeekSum, error)
}

// displacementsIn searches the books for lines whose faxes went to their neighbours.
func displacementsIn(ctx context.Context, books Books, zone *time.Location) ([]indicators.Displacement, error) {
	all, err := books.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	since := all.At.Add(-cutsFor)
	from, to := indicators.WeeksOf(all.Lines, since, all.At, zone)
	b := indicators.WeekBooks{At: all.At, Zone: zone, Register: &all.Register, Lines: all.Lines, Devices: all.Devices, From: from, To: to}
	if from <= to {
		if b.Weeks, err = books.Weeks(ctx, from, to, zone); err != nil {
			return nil, err
		}
	}
	return indicators.Displacements(b, since), nil
}

// displaced are the displacements that were found last.
type displaced struct {
	searching sync.Mutex // one at a time

	mu     sync.Mutex
	list   []indicators.Displacement
	at     time.Time // zero: never
	change int64     // the last one by a person then
	zone   *time.Location
	asked  time.Time
	weeks  map[ledger.Week][]ledger.WeekSum
	marks  ledger.Marks // of weeks
}

// of are the displacements, as they were found a moment ago. A page that can't wait takes what is at hand.
func (d *displaced) of(ctx context.Context, r *Recent, zone *time.Location, wait bool) ([]indicators.Displacement, bool, error) {
	d.mu.Lock()
	list, at := d.list, d.at
	d.zone, d.asked = zone, r.now()
	d.mu.Unlock()
	if !wait {
		return list, !at.IsZero(), nil
	}
	return d.search(ctx, r, zone)
}

// search finds them anew where they are old, or somebody changed something since.
func (d *displaced) search(ctx context.Context, r *Recent, zone *time.Location) ([]indicators.Displacement, bool, error) {
	d.searching.Lock()
	defer d.searching.Unlock()
	marks, err := r.Marks(ctx)
	if err != nil {
		return nil, false, err
	}
	d.mu.Lock()
	list, fresh := d.list, !d.at.IsZero() && r.now().Sub(d.at) < displacedFor && d.change == marks.Change
	d.mu.Unlock()
	if fresh && !asksNow(ctx) {
		return list, true, nil
	}
	at := r.now()
	if list, err = displacementsIn(ctx, weekly{r, d}, zone); err != nil {
		return nil, false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list, d.at, d.change = list, at, marks.Change
	return list, true, nil
}

// renew searches anew for those who looked lately, so that nobody waits.
func (d *displaced) renew(ctx context.Context, r *Recent) error {
	d.mu.Lock()
	zone, asked := d.zone, d.asked
	d.mu.Unlock()
	if zone == nil || asked.Before(r.now().Add(-keptFor)) {
		return nil
	}
	_, _, err := d.search(ctx, r, zone)
	return err
}

// weekly are books that keep what was faxed in past weeks: little of it ever changes.
type weekly struct {
	*Recent
	kept *displaced
}

// Weeks are the sums of some weeks, by week. The caller is the only one who searches.
func (w weekly) Weeks(ctx context.Context, from, to ledger.Week, zone *time.Location) (all []ledger.WeekSum, err error) {
	if err := w.kept.drop(ctx, w.Recent, zone); err != nil {
		return nil, err
	}
	kept := w.kept.weeks
	for week := range kept {
		if week < from || week > to {
			delete(kept, week)
		}
	}
	for week := from; week <= to; week++ {
		if kept[week] == nil {
			sums, err := w.Recent.Weeks(ctx, week, week, zone)
			if err != nil {
				return nil, err
			}
			kept[week] = append([]ledger.WeekSum{}, sums...)
		}
		all = append(all, kept[week]...)
	}
	return all, nil
}

// drop forgets the weeks that may have changed.
func (d *displaced) drop(ctx context.Context, r *Recent, zone *time.Location) error {
	marks, err := r.Marks(ctx)
	if err != nil || d.weeks != nil && marks == d.marks {
		return err
	}
	first, last := ledger.Month(0), ledger.Month(0)
	if d.weeks != nil {
		if first, last, err = r.ChangedSince(ctx, d.marks); err != nil {
			return err
		}
	} else {
		d.weeks = make(map[ledger.Week][]ledger.WeekSum)
	}
	for week := range d.weeks {
		span := week.Span(zone)
		if ledger.MonthOf(span.To, zone) >= first && ledger.MonthOf(span.From, zone) <= last {
			delete(d.weeks, week)
		}
	}
	d.marks = marks
	return nil
}

// found is what is known of one line.
func found(list []indicators.Displacement, line string) *indicators.Displacement {
	for i := range list {
		if list[i].Line == line {
			return &list[i]
		}
	}
	return nil
}
