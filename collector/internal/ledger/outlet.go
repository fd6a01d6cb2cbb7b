package ledger

import (
	"context"
	"fmt"

	"github.com/zerofax/zerofax/agent/wire"
)

// Newest are the numbers of the last posting and the last status, 0 if there is none.
func (l *Ledger) Newest(ctx context.Context) (posting, status int64, err error) {
	err = l.read(ctx, "newest", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT (SELECT COALESCE(MAX(id), 0) FROM postings), (SELECT COALESCE(MAX(id), 0) FROM statuses)",
			func(read func(...any) error) error { return read(&posting, &status) })
	})
	return posting, status, err
}

// Standing is what the log said last of each port and device, up to the status of a number.
func (l *Ledger) Standing(ctx context.Context, status int64) (statuses []Status, err error) {
	where := fmt.Sprintf("statuses.id IN (SELECT MAX(id) FROM statuses WHERE id <= %d GROUP BY device, port, kind)", status)
	err = l.read(ctx, "statuses", func(q querier, _ wire.Time) error {
		statuses, err = readStatuses(ctx, q, where)
		return err
	})
	return statuses, err
}

// Looks are the times of the last look at each device, successful or not.
func (l *Ledger) Looks(ctx context.Context) (looks map[string]wire.Time, err error) {
	looks = make(map[string]wire.Time)
	err = l.read(ctx, "looks", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT devices.device, look_at FROM looks JOIN devices ON devices.id = looks.device", func(read func(...any) error) error {
			var device string
			var at wire.Time
			err := read(&device, &at)
			looks[device] = at
			return err
		})
	})
	return looks, err
}

// Whole is the time since which all that happened is still there posting by posting; what happened
// before it is left by the hour only. 0 = nothing is gone.
func (l *Ledger) Whole(ctx context.Context) (at wire.Time, err error) {
	err = l.read(ctx, "what is gone", func(q querier, _ wire.Time) error {
		gone, err := readPurged(ctx, q)
		at = max(gone["activity"].At, gone["postings"].At)
		return err
	})
	return at, err
}

// Quarantine keeps what a projection could not hand on. Agent is empty, Stream says which one it was.
func (l *Ledger) Quarantine(ctx context.Context, refused []Quarantine) error {
	return l.transact(ctx, func(b *books) error {
		for _, x := range refused {
			b.last.quarantine++
			x.ID = b.last.quarantine
			b.changes.quarantine = append(b.changes.quarantine, x)
		}
		return nil
	})
}
