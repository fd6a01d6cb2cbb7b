package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// ErrRunning means that a collector works in the folder.
var ErrRunning = errors.New("a collector is running on this data folder")

// atOnce is how large a file may be for its pages to be looked at before anything else happens: that
// takes a tenth of a second. Larger ones are looked at while the work goes on.
const atOnce = 16 << 20

func (l *Ledger) checkIfSmall(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() > atOnce {
		return err
	}
	l.checked = true
	return inspect(ctx, l.readers, "quick_check")
}

// Check looks once at every page of a file that was too large to do so when it was opened. It fails
// with ErrDamaged, and then this program should end: what it books may be lost.
func (l *Ledger) Check(ctx context.Context) error {
	if l.checked {
		return nil
	}
	if err := inspect(ctx, l.readers, "quick_check"); err != nil && ctx.Err() == nil {
		return fmt.Errorf("check ledger: %w", err)
	}
	return nil
}
