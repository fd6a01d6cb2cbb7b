package ledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer means that a later program wrote the file.
var ErrNewer = errors.New("it was written by a later zerofax-collector; use that one, or restore a backup from before")

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB) error {
	now, newest, err := schemas(ctx, db)
	switch {
	case err != nil:
		return err
	case now > newest:
		return fmt.Errorf("schema %d, this program knows %d: %w", now, newest, ErrNewer)
	case now == newest:
		return nil
	}
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// oneAtATime lets only one program at a time bring the schema of the file at path up to date.
func oneAtATime(path string, upgrade func(context.Context, *sql.DB) error) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		now, newest, err := schemas(ctx, db)
		if err != nil || now == newest {
			return err
		}
		turn, err := await(ctx, path+".upgrade")
		if err != nil {
			return fmt.Errorf("wait for another program that makes the schema: %w", err)
		}
		return errors.Join(upgrade(ctx, db), turn.Close())
	}
}

// await is hold, when it is free.
func await(ctx context.Context, path string) (*os.File, error) {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		held, err := hold(path)
		if !errors.Is(err, ErrRunning) {
			return held, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-again.C:
		}
	}
}

// migrateAlone is migrate for a command: never under the feet of a running collector, which may
// be an older program.
func migrateAlone(path string) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		now, newest, err := schemas(ctx, db)
		if err != nil || now == 0 || now >= newest {
			return errors.Join(err, migrate(ctx, db))
		}
		held, err := hold(lockOf(path))
		if err != nil {
			return fmt.Errorf("schema %d, this program wants %d: %w; start this version of it first", now, newest, err)
		}
		return errors.Join(migrate(ctx, db), held.Close())
	}
}

// schemas are the number of the file's schema, 0 if it has none, and of the newest that is known.
func schemas(ctx context.Context, q querier) (now, newest int64, err error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, 0, err
	}
	for _, file := range files {
		number, err := goose.NumericComponent(filepath.Base(file))
		if err != nil {
			return 0, 0, fmt.Errorf("migrations: %w", err)
		}
		newest = max(newest, number)
	}
	now, err = schemaOf(ctx, q)
	return now, newest, err
}

// schemaOf is the number of a file's schema, 0 if it is empty.
func schemaOf(ctx context.Context, q querier) (number int64, err error) {
	tables, err := readNumber(ctx, q, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'goose_db_version'")
	if err != nil || tables == 0 {
		return 0, judged(err)
	}
	number, err = readNumber(ctx, q, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied")
	return number, judged(err)
}

// readNumber reads a query's only row, which is one number.
func readNumber(ctx context.Context, q querier, query string) (n int64, err error) {
	err = each(ctx, q, query, func(read func(...any) error) error { return read(&n) })
	return n, err
}

// lockOf is the file that a running collector holds; it guards the whole data folder.
func lockOf(path string) string { return filepath.Join(filepath.Dir(path), "lock") }
