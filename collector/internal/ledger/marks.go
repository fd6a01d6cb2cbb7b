package ledger

import (
	"context"

	"github.com/zerofax/zerofax/agent/wire"
)

// Marks tell, at the cost of a glance, whether there is something new in the books.
type Marks struct {
	Change  int64 // number of the last change by a person, whichever process made it
	Posting int64 // number of the last posting
}

// Marks are those of now.
func (l *Ledger) Marks(ctx context.Context) (m Marks, err error) {
	err = l.read(ctx, "marks", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT (SELECT COALESCE(MAX(id), 0) FROM audit), (SELECT COALESCE(MAX(id), 0) FROM postings)",
			func(read func(...any) error) error { return read(&m.Change, &m.Posting) })
	})
	return m, err
}

// endOfTime is after all months.
const endOfTime Month = 999912

// ChangedSince are the first and the last month whose sums may have changed since; 0, 0 if none did. Sums change by
// postings, or where a site gets another time zone, in which its months are cut.
func (l *Ledger) ChangedSince(ctx context.Context, m Marks) (first, last Month, err error) {
	var from, to wire.Time
	var sites int64
	err = l.read(ctx, "what changed", func(q querier, _ wire.Time) error {
		err := each(ctx, q, "SELECT COALESCE(MIN(at), 0), COALESCE(MAX(at), 0) FROM postings WHERE id > ?",
			func(read func(...any) error) error { return read(&from, &to) }, m.Posting)
		if err != nil {
			return err
		}
		return each(ctx, q, "SELECT COUNT(*) FROM audit WHERE id > ? AND subject LIKE 'sites %'",
			func(read func(...any) error) error { return read(&sites) }, m.Change)
	})
	switch {
	case err != nil:
		return 0, 0, err
	case sites > 0:
		return 1, endOfTime, nil
	case to == 0:
		return 0, 0, nil
	}
	// A site's months may begin a day earlier or later than those of the collector's zone.
	return MonthOf(from.Add(-day), l.zone), MonthOf(to.Add(day), l.zone), nil
}
