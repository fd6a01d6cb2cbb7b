package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Contents say what is in a ledger's file.
type Contents struct {
	Schema  int64
	AsOf    wire.Time // when an agent was heard last
	Agents  int64
	Devices int64
	Lines   int64 // declared
	Balance Balance
	Bytes   int64

	// Certified says whether agents are certified by it. Restore took over Carried certificates and revocations of
	// the ledger until now; below 0: that one could not be read.
	Certified bool
	Carried   int
	Strangers []string // agents that the ledger until now had certified by another authority
}

// Backup copies the ledger at path, as it is at one instant, to a file of its own while others write to
// it. When it returns nil the file is on disk, whole and checked. A file that is there already is
// replaced only with force. Where the books don't balance the copy is kept, and ErrUnbalanced returned.
func Backup(ctx context.Context, path, to string, force bool) (Contents, error) {
	if err := mayWrite(path, to, force); err != nil {
		return Contents{}, fmt.Errorf("back up: %w", err)
	}
	part := to + ".part"
	c, err := backup(ctx, path, part)
	if err != nil && !errors.Is(err, ErrUnbalanced) {
		return c, errors.Join(fmt.Errorf("back up %s to %s: %w", path, to, err), remove(part))
	}
	if failed := errors.Join(os.Rename(part, to), syncFolder(filepath.Dir(to))); failed != nil {
		return c, errors.Join(fmt.Errorf("back up to %s: %w", to, failed), remove(part))
	}
	if err != nil {
		return c, fmt.Errorf("%s is written, but %w", to, err)
	}
	return c, nil
}

func mayWrite(path, to string, force bool) error {
	there, err := os.Stat(to)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if ledger, err := os.Stat(path); err == nil && os.SameFile(ledger, there) {
		return fmt.Errorf("%s is the ledger itself", to)
	}
	if !force {
		return fmt.Errorf("%s is there already; --force replaces it", to)
	}
	return nil
}

func backup(ctx context.Context, path, part string) (Contents, error) {
	if _, err := os.Stat(path); err != nil {
		return Contents{}, err
	}
	if err := remove(part); err != nil {
		return Contents{}, err
	}
	if err := create(part, func(io.Writer) error { return nil }); err != nil { // for its owner only
		return Contents{}, err
	}
	if err := copyInto(ctx, path, part); err != nil {
		return Contents{}, err
	}
	if err := syncFile(part); err != nil {
		return Contents{}, err
	}
	return examine(ctx, part)
}

// examine checks a file that nobody writes to and says what is in it.
func examine(ctx context.Context, path string) (c Contents, err error) {
	db, err := openCopy(path)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if c, err = contents(ctx, db); err != nil {
		return c, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return c, err
	}
	c.Bytes = info.Size()
	if err := inspect(ctx, db, "integrity_check"); err != nil {
		return c, err
	}
	if _, newest, err := schemas(ctx, db); err != nil || c.Schema != newest {
		return c, err // older books can be balanced only once they are brought up to date
	}
	c.Balance, err = balance(ctx, db)
	if err == nil {
		err = c.Balance.Err()
	}
	return c, err
}

var errNoLedger = errors.New("this is no ledger of zerofax")

func contents(ctx context.Context, db *sql.DB) (c Contents, err error) {
	if c.Schema, err = schemaOf(ctx, db); err != nil {
		return c, err
	}
	ours, err := readNumber(ctx, db, "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('tallies', 'looks', 'streams')")
	if err != nil || c.Schema == 0 || ours != 3 {
		return c, errors.Join(err, errNoLedger)
	}
	declared, err := readNumber(ctx, db, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'declared_lines'")
	if err != nil {
		return c, err
	}
	queries := map[*int64]string{
		(*int64)(&c.AsOf): "SELECT COALESCE(MAX(last_seen), 0) FROM agents",
		&c.Agents:         "SELECT COUNT(*) FROM agents",
		&c.Devices:        "SELECT COUNT(*) FROM devices",
	}
	if declared > 0 {
		queries[&c.Lines] = "SELECT COUNT(DISTINCT line) FROM declared_lines"
	}
	for to, query := range queries {
		if *to, err = readNumber(ctx, db, query); err != nil {
			return c, err
		}
	}
	return c, nil
}

// RestoreOptions say how to put a backup in the ledger's place.
type RestoreOptions struct {
	Now   func() time.Time // default: time.Now
	Zone  *time.Location   // the collector's; default: UTC
	By    Author           // for the audit log
	Force bool             // also where the backup's books don't balance
}

// Restore puts a backup in the place of the ledger at path. It checks the backup, brings a copy of it up to date,
// and only then sets the present ledger aside, whose new name it returns ("" if there was none). It fails
// with ErrRunning while a collector runs. On an error the ledger is as it was.
func Restore(ctx context.Context, path, from string, o RestoreOptions) (c Contents, aside string, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore %s: %w", from, err)
		}
	}()
	held, err := hold(lockOf(path))
	if err != nil {
		return c, "", err
	}
	defer held.Close()
	fresh := path + ".restoring"
	defer func() { err = errors.Join(err, remove(fresh, fresh+"-wal", fresh+"-shm")) }()
	if c, err = prepare(ctx, from, fresh, path, o); err != nil {
		return c, "", err
	}
	if aside, err = setAside(ctx, path, o.Now()); err != nil {
		return c, "", err
	}
	return c, aside, errors.Join(os.Rename(fresh, path), syncFolder(filepath.Dir(path)))
}

// Since is since when these are the books: they were made then, or took the place of others last.
func (l *Ledger) Since(ctx context.Context) (at wire.Time, err error) {
	const restored = "SELECT at FROM audit WHERE subject = 'ledger' AND field = 'restored' ORDER BY id DESC LIMIT 1"
	const made = "SELECT 1000 * MIN(CAST(strftime('%s', tstamp) AS INTEGER)) FROM goose_db_version"
	err = l.read(ctx, "since when the books are", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT COALESCE(("+restored+"), ("+made+"))", func(read func(...any) error) error { return read(&at) })
	})
	return at, err
}

// prepare makes fresh a checked copy of a backup that this program can work on, to take the place of present.
func prepare(ctx context.Context, from, fresh, present string, o RestoreOptions) (c Contents, err error) {
	if err := remove(fresh, fresh+"-wal", fresh+"-shm"); err != nil {
		return c, err
	}
	if err := copyFile(from, fresh); err != nil {
		return c, err
	}
	if err := copyFile(from+"-wal", fresh+"-wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return c, err // somebody copied the files of a running ledger
	}
	if err := lay(ctx, fresh); err != nil {
		return c, notOurs(err)
	}
	if c, err = examine(ctx, fresh); err != nil && !errors.Is(err, ErrUnbalanced) {
		return c, notOurs(err)
	}
	fit, err := freshen(ctx, fresh, from, present, c.AsOf, o)
	if err != nil {
		return c, err
	}
	if c, err = examine(ctx, fresh); errors.Is(err, ErrUnbalanced) && o.Force {
		err = nil
	}
	c.Certified, c.Carried, c.Strangers = fit.Certified, fit.Carried, fit.Strangers
	return c, errors.Join(err, syncFile(fresh))
}

// notOurs says of a damaged backup that it is the backup; there is nothing to restore from it.
func notOurs(err error) error {
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("the backup is damaged, or no ledger: %s", strings.ReplaceAll(err.Error(), ErrDamaged.Error(), "SQLite says"))
	}
	return err
}

// freshen brings a copy up to date, notes in its audit log where it comes from, and takes over what the present
// ledger knows of certificates.
func freshen(ctx context.Context, fresh, from, present string, asOf wire.Time, o RestoreOptions) (fit Contents, err error) {
	latest, lost := presentAuthority(ctx, present)
	store, err := openStore(ctx, fresh, migrate)
	if err != nil {
		return fit, err
	}
	l := unopened(Options{Now: o.Now, Zone: o.Zone})
	l.store = store
	err = l.transact(ctx, func(b *books) error {
		b.log(o.By, "ledger", "restored", "", asOf.String()+" from "+filepath.Base(from))
		before, err := readAuthority(ctx, store.conn)
		if err != nil {
			return err
		}
		after := before
		after.Certificates = slices.Clone(before.Certificates)
		fit.Carried, fit.Strangers = after.carry(latest)
		fit.Certified = after.Certificate != ""
		b.logAuthority(o.By, before, after)
		return store.writeAuthority(ctx, before, after)
	})
	if lost {
		fit.Carried = -1
	}
	return fit, errors.Join(err, store.close(), lay(ctx, fresh))
}

// presentAuthority is the authority of the ledger that a backup is to replace; lost where that can't be read.
func presentAuthority(ctx context.Context, path string) (a Authority, lost bool) {
	if !exists(path) {
		return a, true
	}
	l, err := OpenToRead(ctx, path, Options{})
	if err != nil {
		return a, true
	}
	defer l.Close()
	a, err = l.Authority(ctx)
	return a, err != nil
}

// setAside gives the present ledger, if there is one, a name that says until when it was used. Until the
// new one is moved over it, it keeps its old name too, so that at no time there is none.
func setAside(ctx context.Context, path string, now time.Time) (aside string, err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return "", remove(path+"-wal", path+"-shm")
	}
	if err := lay(ctx, path); errors.Is(err, errInUse) {
		return "", err
	} // else it is damaged: all its files are kept as they are
	stem := strings.TrimSuffix(path, ".db") + "-until-" + now.UTC().Format("20060102T150405Z")
	aside = stem + ".db"
	for n := 2; exists(aside); n++ {
		aside = fmt.Sprintf("%s-%d.db", stem, n)
	}
	if err := os.Link(path, aside); err != nil { // a file system without links
		if err := os.Rename(path, aside); err != nil {
			return "", err
		}
	}
	// The log of another ledger must never stand beside the new one.
	if err := os.Rename(path+"-wal", aside+"-wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return aside, remove(path + "-shm")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// remove removes the files that are there.
func remove(paths ...string) error {
	var errs []error
	for _, path := range paths {
		if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// create makes a file that isn't there yet.
func create(path string, fill func(io.Writer) error) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return errors.Join(ownedAsFolder(file), fill(file))
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	return create(to, func(w io.Writer) error {
		_, err := io.Copy(w, source)
		return err
	})
}

func syncFile(path string) (err error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return file.Sync()
}

// leastRoom is how many bytes a disk must have left not to be called full.
const leastRoom = 1 << 20

// Room is nil while there is room in a folder, else ErrFull: then the embedded broker may take
// nothing any more, and the ledger doesn't even come to try.
func Room(dir string) error { return RoomFor(dir, leastRoom) }

// RoomFor is nil while there are so many bytes left in a folder, else ErrFull.
func RoomFor(dir string, bytes uint64) error {
	left, err := free(dir)
	if err != nil {
		return fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	if left < bytes {
		return fmt.Errorf("%w of %s", ErrFull, dir)
	}
	return nil
}
