package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// store is the file: one connection that writes. Everything that is peculiar to SQLite is here;
// the statements themselves PostgreSQL takes too.
type store struct {
	db         *sql.DB
	conn       *sql.Conn
	statements map[string]*sql.Stmt // prepared, by text
	args       []any
}

// openStore opens the file for writing. An acknowledged batch must survive a loss of power:
// synchronous=FULL syncs the log at each commit, which group commit makes cheap.
func openStore(ctx context.Context, path string, migrate func(context.Context, *sql.DB) error) (*store, error) {
	db, err := sql.Open("sqlite", dataSource(path, url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(4000)", "cache_size(-16384)", "temp_store(memory)", "foreign_keys(0)"},
	}))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(judged(err), db.Close())
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(judged(err), db.Close())
	}
	return &store{db: db, conn: conn, statements: make(map[string]*sql.Stmt)}, nil
}

// openReaders opens the file for reading; readers never wait for the writer, nor it for them.
func openReaders(ctx context.Context, path string, more url.Values) (*sql.DB, error) {
	options := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)", "query_only(1)", "cache_size(-8192)"}}
	maps.Copy(options, more)
	db, err := sql.Open("sqlite", dataSource(path, options))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(1)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(judged(err), db.Close())
	}
	return db, nil
}

func dataSource(path string, options url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: options.Encode()}).String()
}

func (s *store) close() error {
	var errs []error
	for _, statement := range s.statements {
		errs = append(errs, statement.Close())
	}
	return errors.Join(append(errs, s.conn.Close(), s.db.Close())...)
}

// begin takes the write lock at once, so that what is read afterwards stays true until the commit.
func (s *store) begin(ctx context.Context) error  { return s.exec(ctx, "BEGIN IMMEDIATE") }
func (s *store) commit(ctx context.Context) error { return s.exec(ctx, "COMMIT") }

// rollback ends the transaction if there is one.
func (s *store) rollback(ctx context.Context) error {
	err := s.exec(ctx, "ROLLBACK")
	if err != nil && strings.Contains(err.Error(), "no transaction is active") {
		return nil
	}
	return err
}

// version changes whenever another connection commits.
func (s *store) version(ctx context.Context) (v int64, err error) {
	err = s.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&v)
	return v, err
}

// errRefused marks rows that the database won't take whatever the state of the disk.
var errRefused = errors.New("refused by the database")

// What may be wrong with the file itself.
var (
	ErrFull    = errors.New("no room left on the disk")
	ErrDamaged = errors.New("the ledger's file is damaged; put a backup in its place: zerofax-collector restore FILE")
)

func (s *store) exec(ctx context.Context, query string, args ...any) error {
	_, err := s.conn.ExecContext(ctx, query, args...)
	return judged(err)
}

// judged says what an error of SQLite means to us.
func judged(err error) error {
	var fault *sqlite.Error
	if !errors.As(err, &fault) || errors.Is(err, errRefused) || errors.Is(err, ErrFull) || errors.Is(err, ErrDamaged) {
		return err
	}
	switch fault.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
		return fmt.Errorf("%w: %w", errRefused, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if fault.Code() == sqlite3.SQLITE_IOERR_SHMSIZE {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// table says how the rows of a table are written.
type table struct {
	name    string
	columns string // key columns first
	keys    int    // how many; a row whose key is there is replaced
	sum     bool   // the others are added up instead; of last_at the later one stays
}

// rowsAtOnce is how many rows one statement writes; the rest go one by one.
const rowsAtOnce = 32

// write writes n rows, whose values row appends.
func (s *store) write(ctx context.Context, t table, n int, row func(i int, to []any) []any) error {
	for i := 0; i < n; {
		rows := 1
		if n-i >= rowsAtOnce {
			rows = rowsAtOnce
		}
		s.args = s.args[:0]
		for range rows {
			s.args = row(i, s.args)
			i++
		}
		statement, err := s.prepare(ctx, t.upsert(rows))
		if err == nil {
			_, err = statement.ExecContext(ctx, s.args...)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", t.name, judged(err))
		}
	}
	return nil
}

// prepare prepares a statement that will be needed again and again: SQLite takes longer to understand it than to do it.
func (s *store) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if known := s.statements[text]; known != nil {
		return known, nil
	}
	statement, err := s.conn.PrepareContext(ctx, text)
	if err == nil {
		s.statements[text] = statement
	}
	return statement, err
}

// often asks with prepared statements.
type often struct{ *store }

// QueryContext is sql.Conn's.
func (o often) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	statement, err := o.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, args...)
}

func (o often) exec(ctx context.Context, query string, args ...any) error {
	statement, err := o.prepare(ctx, query)
	if err == nil {
		_, err = statement.ExecContext(ctx, args...)
	}
	return judged(err)
}

// upsert is the statement that inserts or replaces rows.
func (t table) upsert(rows int) string {
	columns := strings.Split(t.columns, ", ")
	row := "(" + strings.Repeat("?, ", len(columns)-1) + "?)"
	var text strings.Builder
	text.WriteString("INSERT INTO " + t.name + " (" + t.columns + ") VALUES ")
	text.WriteString(strings.Repeat(row+", ", rows-1) + row)
	if t.keys == 0 {
		return text.String()
	}
	text.WriteString(" ON CONFLICT (" + strings.Join(columns[:t.keys], ", ") + ") DO UPDATE SET ")
	for i, column := range columns[t.keys:] {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(column + " = ")
		if t.sum && column == "last_at" {
			text.WriteString("CASE WHEN " + t.name + "." + column + " > excluded." + column + " THEN " + t.name + "." + column + " ELSE excluded." + column + " END")
			continue
		}
		if t.sum {
			text.WriteString(t.name + "." + column + " + ")
		}
		text.WriteString("excluded." + column)
	}
	return text.String()
}

// inspect lets SQLite look at every page of the file; check is quick_check (5 s a GB) or
// integrity_check (which compares the indexes too, 40 s a GB).
func inspect(ctx context.Context, q querier, check string) error {
	var faults []string
	err := each(ctx, q, "PRAGMA "+check+"(10)", func(read func(...any) error) error {
		var fault string
		err := read(&fault)
		faults = append(faults, fault)
		return err
	})
	if err != nil {
		return judged(err)
	}
	if text := strings.Join(faults, "; "); text != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, text)
	}
	return nil
}

// copyInto writes what is in the ledger at one instant to another file, which must be empty, while others
// write. The copy is in rollback mode: nothing stands beside it. It isn't synced.
func copyInto(ctx context.Context, path, to string) error {
	db, err := sql.Open("sqlite", dataSource(path, url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(10000)"}}))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return errors.Join(judged(err), db.Close())
}

// openCopy opens a file that nobody writes to.
func openCopy(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dataSource(path, url.Values{"mode": {"ro"}, "immutable": {"1"}, "_pragma": {"query_only(1)"}}))
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// lay lays a ledger down that nobody uses any more: all of it is in its one file then. It fails
// with errInUse while somebody has it open.
func lay(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dataSource(path, url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(2000)"}}))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "PRAGMA journal_mode = DELETE")
	var fault *sqlite.Error
	if errors.As(err, &fault) && fault.Code()&0xff == sqlite3.SQLITE_BUSY {
		err = errInUse
	}
	return errors.Join(judged(err), db.Close())
}

var errInUse = errors.New("another command of zerofax-collector has the ledger open; let it end first")
