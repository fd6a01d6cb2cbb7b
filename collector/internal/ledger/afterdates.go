package ledger

import (
	"context"

	"github.com/zerofax/zerofax/agent/wire"
)

// AfterSum is what one measure told of faxes on a line after its cut-off, or after copper closed, in a month. What is not
// known stands in a sum of its own: it would be lost in one with what is.
type AfterSum struct {
	Kind      EpisodeKind  `json:"kind"` // AfterCutoff or AfterCopper
	Line      string       `json:"line"`
	Certainty Certainty    `json:"certainty"` // certain, probable or unsure
	Measure   wire.Measure `json:"measure"`
	Unit      string       `json:"unit"`
	Count     int64        `json:"count"` // 0 where a counter began anew: how many nobody knows
	Events    int64        `json:"events"`
	Last      wire.Time    `json:"last"` // end of the last one's interval
}

// AfterDates is what is judged to have been faxed after dates in a month of the collector's zone, by line. Tests
// and what was withdrawn are not in it.
func (l *Ledger) AfterDates(ctx context.Context, month Month) (sums []AfterSum, err error) {
	const query = "SELECT kind, line, certainty, measure, unit, SUM(count), COUNT(*), MAX(to_at) FROM events " +
		"WHERE to_at >= ? AND to_at < ? AND certainty IN (?, ?, ?) " +
		"GROUP BY kind, line, certainty, measure, unit, count = 0 ORDER BY line, kind, certainty, measure, unit, count = 0"
	from, to := month.In(l.zone), month.Add(1).In(l.zone)
	err = l.read(ctx, "faxes after dates", func(q querier, _ wire.Time) error {
		return each(ctx, q, query, func(read func(...any) error) error {
			var s AfterSum
			err := read(&s.Kind, &s.Line, &s.Certainty, &s.Measure, &s.Unit, &s.Count, &s.Events, &s.Last)
			sums = append(sums, s)
			return err
		}, int64(from), int64(to), string(Certain), string(Probable), string(Unsure))
	})
	return sums, err
}
