// Package ledger keeps the books: it is the only place where truth changes, and it counts
// each fax exactly once whatever the network, the agents or this program's end do to the
// messages. What it acknowledges is on disk. It talks to no one: deliveries are handed in,
// projections (metrics, pages, series) read plain structs.
package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Options are what a ledger needs from its program. All have defaults.
type Options struct {
	Log          *slog.Logger                                 // default: discarded
	Now          func() time.Time                             // default: time.Now
	ActiveWindow time.Duration                                // a line is active for so long after a fax; default 30 days
	Zone         *time.Location                               // of lines whose site names none; default UTC
	Numbers      func(text string) (number, extension string) // how numbers in journals are read; default: their digits
	BlindAfter   time.Duration                                // a line is blind without a successful reading for so long; default 72 h
	Run          bool                                         // for the collector itself: only one at a time may have the book open so
}

// Delivery is one message of an agent's readings topic.
type Delivery struct {
	Agent      string // of the topic, never of the payload
	Envelope   wire.Envelope
	Err        error  // of wire.DecodeEnvelope
	Payload    []byte // kept in quarantine where the envelope can't be accepted
	ReceivedAt time.Time
}

// Verdict says what became of a delivery. It is the label "result" of zerofax_collector_envelopes_total.
type Verdict string

// The verdicts.
const (
	Applied     Verdict = "applied"
	Duplicate   Verdict = "duplicate"   // known already
	Early       Verdict = "early"       // something before it is still missing
	Overlap     Verdict = "overlap"     // the agent was restored or cloned: an anomaly
	Quarantined Verdict = "quarantined" // unacceptable as a whole, kept to be looked at
	Unreadable  Verdict = "unreadable"  // not even stream and seq can be read
	NewVersion  Verdict = "version"     // another version of the contract: this collector is too old
)

// Verdicts are all verdicts.
func Verdicts() []Verdict {
	return []Verdict{Applied, Duplicate, Early, Overlap, Quarantined, Unreadable, NewVersion}
}

// Result answers a delivery. Where Send is true the ack (Stream, Ack, CRC) goes to the agent.
type Result struct {
	Verdict Verdict
	Stream  string
	Ack     uint64 // all up to it is in the books
	CRC     uint32 // of the batch applied last
	Send    bool
}

// Message is the ack to send.
func (r Result) Message() wire.Ack {
	return wire.Ack{V: wire.Version, Stream: r.Stream, Seq: r.Ack, CRC: r.CRC}
}

// Ledger is an open book. Its methods may be called concurrently.
type Ledger struct {
	log          *slog.Logger
	now          func() time.Time
	activeWindow time.Duration
	blindAfter   time.Duration
	zone         *time.Location
	numbers      func(text string) (number, extension string)
	readers      *sql.DB
	registered   registered
	held         *os.File // keeps other collectors out; nil: not kept out
	checked      bool     // its pages were looked at

	mu        sync.Mutex // held while writing
	store     *store
	books     *books // nil: to be loaded
	clocks    map[string]*clock
	zones     *Zones
	hearing   hearing
	phoneBook *phoneBook // nil: to be loaded
	version   int64      // of the file, as SQLite counts the commits of others
}

// Open opens or creates the book at path and brings its schema up to date. It fails with ErrRunning
// where another collector stands in the way, and with ErrDamaged where the file is.
func Open(ctx context.Context, path string, o Options) (*Ledger, error) {
	l := unopened(o)
	if err := l.open(ctx, path, o.Run); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", path, err), l.release())
	}
	if err := l.catchUp(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", path, err), l.Close())
	}
	return l, nil
}

// OpenToRead opens the book at path without touching the file, for what only reads: it must exist, with
// the schema of this program. Where nobody else has it open, and nothing may be written beside it, it
// is read as it is.
func OpenToRead(ctx context.Context, path string, o Options) (*Ledger, error) {
	l := unopened(o)
	err := l.openReadable(ctx, path, nil)
	if _, log := os.Stat(path + "-wal"); err != nil && errors.Is(log, os.ErrNotExist) {
		err = l.openReadable(ctx, path, url.Values{"immutable": {"1"}})
	}
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", path, err)
	}
	return l, nil
}

// unopened is a ledger without a file.
func unopened(o Options) *Ledger {
	l := &Ledger{
		log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), now: o.Now,
		activeWindow: cmp.Or(o.ActiveWindow, 30*day), blindAfter: cmp.Or(o.BlindAfter, 3*day), zone: o.Zone, numbers: o.Numbers,
		clocks: make(map[string]*clock),
	}
	if l.zone == nil {
		l.zone = time.UTC
	}
	l.zones = NewZones(l.zone)
	if l.now == nil {
		l.now = time.Now
	}
	if l.numbers == nil {
		l.numbers = plainNumber
	}
	return l
}

func (l *Ledger) open(ctx context.Context, path string, run bool) (err error) {
	upgrade := migrateAlone(path)
	if run {
		if l.held, err = hold(lockOf(path)); err != nil {
			return err
		}
		upgrade = migrate
	}
	if err := private(path); err != nil {
		return err
	}
	if l.store, err = openStore(ctx, path, oneAtATime(path, upgrade)); err != nil {
		return err
	}
	if l.readers, err = openReaders(ctx, path, nil); err != nil {
		return err
	}
	if run {
		return l.checkIfSmall(ctx, path)
	}
	return nil
}

// private sees to it that only this account can read the file and, since SQLite makes them like it,
// those beside it: the authority's key is in it.
func private(path string) error {
	isNew := !exists(path)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if isNew {
		err = ownedAsFolder(file)
	}
	info, failed := file.Stat()
	err = errors.Join(err, failed)
	if err = errors.Join(err, file.Close()); err != nil || info.Mode().Perm()&0o077 == 0 || runtime.GOOS == "windows" {
		return err
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (l *Ledger) openReadable(ctx context.Context, path string, more url.Values) error {
	readers, err := openReaders(ctx, path, more)
	if err != nil {
		return err
	}
	now, newest, err := schemas(ctx, readers)
	if err == nil && now != newest {
		err = fmt.Errorf("schema %d, this program reads %d; start the collector of this version first", now, newest)
	}
	if err != nil {
		return errors.Join(judged(err), readers.Close())
	}
	l.readers = readers
	return nil
}

// catchUp brings the postings up to date where the file was kept before there were any, or with
// another time zone.
func (l *Ledger) catchUp(ctx context.Context) error {
	behind, err := l.store.behind(ctx, l.zone.String())
	if err != nil || !behind {
		return err
	}
	return l.transact(ctx, func(*books) error { return nil })
}

const day = 24 * time.Hour

// Await returns when nobody is writing: never, where writing hangs.
func (l *Ledger) Await() {
	l.mu.Lock()
	defer l.mu.Unlock()
}

// Close releases the file. Nothing needs saving: what was acknowledged is on disk.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.books = nil
	return l.release()
}

func (l *Ledger) release() error {
	var errs []error
	if l.readers != nil {
		errs = append(errs, l.readers.Close())
	}
	if l.store != nil {
		errs = append(errs, l.store.close())
	}
	if l.held != nil {
		errs = append(errs, l.held.Close())
	}
	return errors.Join(errs...)
}
