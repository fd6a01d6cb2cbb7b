package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Week is a week of the calendar, Monday to Sunday, counted from that of 5 January 1970.
type Week int

var firstMonday = time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC)

// WeekOf is the week in which t lies in a zone.
func WeekOf(t wire.Time, zone *time.Location) Week {
	y, m, d := t.Std().In(zone).Date()
	days := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(firstMonday) / day)
	if days < 0 {
		days -= 6 // so that the division rounds down
	}
	return Week(days / 7)
}

// Monday is its first day.
func (w Week) Monday() Day { return Day(firstMonday.AddDate(0, 0, 7*int(w)).Format(time.DateOnly)) }

// In is the first instant of the week in a zone.
func (w Week) In(zone *time.Location) wire.Time {
	return wire.TimeOf(time.Date(1970, 1, 5+7*int(w), 0, 0, 0, 0, zone))
}

// Span is all of the week in a zone.
func (w Week) Span(zone *time.Location) Span { return Span{w.In(zone), (w + 1).In(zone)} }

// WeekSum is what was faxed on a machine in a week, by its own counters: of a line, or of whichever of its lines where
// Line is empty. Pages are of any direction, Sent and Received are those of them that went a known way.
type WeekSum struct {
	Week                  Week
	Device, Line          string
	Pages, Sent, Received int64
	Faxes                 int64 // messages, of machines that count those
}

// Weeks are the sums of the weeks from and to and of those between, by week, machine and line. Weeks are those of a
// zone; an hour counts in the week in which it begins.
func (l *Ledger) Weeks(ctx context.Context, from, to Week, zone *time.Location) (sums []WeekSum, err error) {
	err = l.read(ctx, "weeks", func(q querier, _ wire.Time) error {
		accounts, err := readAccounts(ctx, q)
		if err != nil {
			return err
		}
		counters, err := readCounted(ctx, q)
		if err != nil {
			return err
		}
		for week := from; week <= to; week++ {
			span := week.Span(zone)
			start := len(sums)
			at := make(map[[2]string]int)
			var account, counter, count int64
			err := each(ctx, q, "SELECT account, counter, SUM(count) FROM posted_hours WHERE hour >= ? AND hour < ? GROUP BY account, counter",
				func(read func(...any) error) error {
					err := read(&account, &counter, &count)
					if a := accounts[account]; !a.Evidence {
						key := [2]string{a.Device, a.Line}
						i, known := at[key]
						if !known {
							i = len(sums)
							at[key], sums = i, append(sums, WeekSum{Week: week, Device: a.Device, Line: a.Line})
						}
						sums[i].add(counters[counter].measure, count)
					}
					return err
				}, int64(span.From), int64(span.To))
			if err != nil {
				return err
			}
			slices.SortFunc(sums[start:], func(a, b WeekSum) int { return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Line, b.Line)) })
		}
		return nil
	})
	return sums, err
}

func (s *WeekSum) add(m wire.Measure, count int64) {
	switch {
	case !IsPages(m):
		s.Faxes += count
		return
	case DirectionOf(m) == Sent:
		s.Sent += count
	case DirectionOf(m) == Received:
		s.Received += count
	}
	s.Pages += count
}
