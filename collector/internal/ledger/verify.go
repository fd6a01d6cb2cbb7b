package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// The books are written twice: every sum can be computed again from what it is the sum of. Verify
// does that, for all of them.

// Balance is what a comparison of all books with each other found.
type Balance struct {
	Devices, Counters, Activities, Postings, Episodes, Events, Anomalies int64

	Disagreements []string // each says who is concerned, what the books say, and what follows
}

// ErrUnbalanced means that the books contradict themselves.
var ErrUnbalanced = errors.New("the books don't balance")

// Err is ErrUnbalanced with the disagreements, nil if there are none.
func (b *Balance) Err() error {
	if len(b.Disagreements) == 0 {
		return nil
	}
	return fmt.Errorf("%w:\n  %s", ErrUnbalanced, strings.Join(b.Disagreements, "\n  "))
}

// String is what there is, in one line.
func (b *Balance) String() string {
	return fmt.Sprintf("%d devices, %d counters, %d activities, %d postings, %d anomalies, %d episodes, %d events",
		b.Devices, b.Counters, b.Activities, b.Postings, b.Anomalies, b.Episodes, b.Events)
}

// Verify checks every page of the ledger at path, and then all its books against each other, as they are
// at one instant, while others may write. Whether they agree is for Balance to say; an error means
// that it can't be told, or with ErrDamaged that the file is damaged.
func Verify(ctx context.Context, path string) (b Balance, err error) {
	db, err := openReaders(ctx, path, nil)
	if err != nil {
		return b, fmt.Errorf("verify %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := inspect(ctx, db, "integrity_check"); err != nil {
		return b, fmt.Errorf("verify %s: %w", path, err)
	}
	if b, err = balance(ctx, db); err != nil {
		return b, fmt.Errorf("verify %s: %w", path, err)
	}
	return b, nil
}

// balance compares the books in one reading transaction.
func balance(ctx context.Context, db *sql.DB) (b Balance, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return b, judged(err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return b, judged(err)
	}
	defer func() {
		_, end := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		err = errors.Join(err, end)
	}()
	now, newest, err := schemas(ctx, conn)
	if err != nil || now != newest {
		return b, errors.Join(judged(err), wantSchema(now, newest))
	}
	a := auditor{ctx: ctx, conn: conn}
	if a.gone, err = readPurged(ctx, conn); err != nil {
		return b, judged(err)
	}
	if a.books, err = (&store{conn: conn}).load(ctx); err != nil {
		if err = judged(err); errors.Is(err, ErrDamaged) {
			return b, err
		}
		b.Disagreements = []string{fmt.Sprintf("the present state can't be loaded: %v; the collector can't book anything", err)}
		return b, nil
	}
	a.books.location = time.UTC // the collector's isn't known; each account has its own
	for _, compare := range []func() error{
		a.count, a.references, a.numbers, a.counters, a.activity, a.posted, a.months, a.places, a.events, a.episodes, a.cursors, a.present, a.mssante, a.closings, a.journals,
	} {
		if err := compare(); err != nil {
			return a.Balance, judged(err)
		}
	}
	return a.Balance, nil
}

func wantSchema(now, newest int64) error {
	switch {
	case now > newest:
		return fmt.Errorf("schema %d, this program knows %d: %w", now, newest, ErrNewer)
	case now < newest:
		return fmt.Errorf("schema %d, this program wants %d: start the collector with this version first", now, newest)
	}
	return nil
}

// purged is how far the raw rows of a table are gone.
type purged struct {
	ID int64     // rows up to it
	At wire.Time // what happened then or later is all there
}

func readPurged(ctx context.Context, q querier) (map[string]purged, error) {
	all := make(map[string]purged)
	return all, each(ctx, q, "SELECT name, id, at FROM purged", func(read func(...any) error) error {
		var name string
		var p purged
		err := read(&name, &p.ID, &p.At)
		all[name] = p
		return err
	})
}
