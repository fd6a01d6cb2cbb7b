package ledger

import (
	"context"

	"github.com/zerofax/zerofax/agent/wire"
)

// Marks tell, at the cost of a glance, whether there is something new in the books.
type Marks struct {
	Change  int64 // number of the last change by a person, whichever process made it
	Posting int64 // number of the last posting
	Journal int64 // revision of the books of journals
}

// Marks are those of now.
func (l *Ledger) Marks(ctx context.Context) (m Marks, err error) {
	err = l.read(ctx, "marks", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT (SELECT COALESCE(MAX(id), 0) FROM audit), (SELECT COALESCE(MAX(id), 0) FROM postings), (SELECT COALESCE(MAX(revision), 0) FROM journal_state)",
			func(read func(...any) error) error { return read(&m.Change, &m.Posting, &m.Journal) })
	})
	return m, err
}

// endOfTime is after all months.
const endOfTime Month = 999912

// FlowsChangedSince are the first and the last month whose flows changed since; 0, 0 if none did.
func (l *Ledger) FlowsChangedSince(ctx context.Context, m Marks) (first, last Month, err error) {
	err = l.read(ctx, "what flows changed", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT COALESCE(MIN(month), 0), COALESCE(MAX(month), 0) FROM flow_changes WHERE revision > ?",
			func(read func(...any) error) error { return read(&first, &last) }, m.Journal)
	})
	return first, last, err
}

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
