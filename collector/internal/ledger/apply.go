package ledger

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/zerofax/zerofax/agent/wire"
)

// Apply books deliveries in order, in one transaction. When it returns nil all that the results
// acknowledge is on disk; on an error nothing happened, no ack may go out, and the caller may
// try the same again. A delivery that can't be booked for a reason of its own is quarantined and
// doesn't stop the others.
func (l *Ledger) Apply(ctx context.Context, deliveries []Delivery) ([]Result, error) {
	results, err := l.apply(ctx, deliveries)
	if err == nil || !poisonous(err) {
		return results, err
	}
	l.log.Warn("an envelope can't be booked, looking for it one by one", "error", err)
	results = results[:0]
	for i := range deliveries {
		one, err := l.apply(ctx, deliveries[i:i+1])
		if poisonous(err) {
			poisoned := deliveries[i]
			poisoned.Err = fmt.Errorf("%w: it can't be booked: %w", wire.ErrBad, err)
			l.log.Error("envelope can't be booked, quarantined", "agent", poisoned.Agent, "seq", poisoned.Envelope.Seq, "error", err)
			one, err = l.apply(ctx, []Delivery{poisoned})
		}
		if err != nil {
			return nil, err // those before are booked; said again they are duplicates
		}
		results = append(results, one...)
	}
	return results, nil
}

func (l *Ledger) apply(ctx context.Context, deliveries []Delivery) ([]Result, error) {
	results := make([]Result, len(deliveries))
	err := l.transact(ctx, func(b *books) error {
		for i := range deliveries {
			results[i] = b.deliver(&deliveries[i])
		}
		return nil
	})
	return results, err
}

// errPoison marks a fault of ours that one envelope brings out: it must not stop the others for good.
var errPoison = errors.New("a fault of zerofax")

func poisonous(err error) bool {
	return errors.Is(err, errPoison) || errors.Is(err, errRefused)
}

// transact lets f change the books and writes what it changed. On an error the file is as it was
// and everything in memory is forgotten. So it is where a fault of ours, wherever in the
// transaction, would end the program; that is errPoison.
func (l *Ledger) transact(ctx context.Context, f func(*books) error) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("book: %w", err)
	}
	if l.store == nil {
		return errors.New("book: the ledger is open for reading only")
	}
	// From here on it takes milliseconds; to be interrupted midway would help no one.
	ctx = context.WithoutCancel(ctx)
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%w: %v\n%s", errPoison, fault, debug.Stack())
		}
		if err != nil {
			l.books, l.phoneBook = nil, nil
			err = errors.Join(fmt.Errorf("book: %w", err), l.store.rollback(ctx))
		}
	}()
	if err := l.store.begin(ctx); err != nil {
		return err
	}
	if err := l.refresh(ctx); err != nil {
		return err
	}
	if err := f(l.books); err != nil {
		return err
	}
	followed, lines := l.books.changes.followed, l.books.changes.linesDeclared()
	if err := l.books.reviewAll(ctx, l.store); err != nil {
		return err
	}
	if err := l.books.flush(ctx, l.store); err != nil {
		return err
	}
	if lines {
		if err := l.joinLines(ctx); err != nil {
			return err
		}
	}
	if err := l.bookFollowed(ctx, followed); err != nil {
		return err
	}
	return l.store.commit(ctx)
}

// refresh loads the books if there are none in memory, or if another process wrote to the file.
func (l *Ledger) refresh(ctx context.Context) error {
	version, err := l.store.version(ctx)
	if err != nil {
		return err
	}
	if l.books != nil && version == l.version {
		return nil
	}
	l.version = version
	l.books, err = l.store.load(ctx)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	l.books.now, l.books.clocks, l.books.zones = l.now, l.clocks, l.zones
	l.books.bind()
	l.books.adjust(l.zone)
	return nil
}
