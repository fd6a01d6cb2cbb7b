package ledger

import (
	"context"
	"fmt"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
)

const (
	// MostRejects is how many rejected rows of an import are kept, the first ones: a wrong profile rejects all there are.
	MostRejects = 1000
	// rejectImports is of how many imports, the newest.
	rejectImports = 50
)

// Reject is a row of a journal that can't be read. It doesn't say what stands there: numbers, most likely.
type Reject struct {
	Row    int64 // of the file, the first is 1
	Reason string
}

// KeepRejects keeps what an import rejected, at most MostRejects of it, and forgets that of old imports.
func (l *Ledger) KeepRejects(ctx context.Context, id int64, rejects []Reject) error {
	return l.alter(ctx, "keep rejected rows", func(s *store) error {
		for _, x := range rejects[:min(len(rejects), MostRejects)] {
			if err := s.exec(ctx, "INSERT INTO import_rejects (import, row, reason) VALUES (?, ?, ?)", id, x.Row, x.Reason); err != nil {
				return fmt.Errorf("row %d: %w", x.Row, err)
			}
		}
		return s.exec(ctx, "DELETE FROM import_rejects WHERE import <= ?", id-rejectImports)
	})
}

// Rejects are the rows that an import rejected, the first MostRejects of them, in the file's order.
func (l *Ledger) Rejects(ctx context.Context, id int64) (all []Reject, err error) {
	err = l.read(ctx, "rejected rows", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT row, reason FROM import_rejects WHERE import = ? ORDER BY row", func(read func(...any) error) error {
			var x Reject
			err := read(&x.Row, &x.Reason)
			all = append(all, x)
			return err
		}, id)
	})
	return slices.Clip(all), err
}
