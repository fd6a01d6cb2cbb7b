package journals

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const (
	// MaxFile is how large a journal may be that is handed in, in bytes.
	MaxFile = 1 << 30
	fileAge = 24 * time.Hour // after which a file is forgotten with which nothing was done
	most    = 10             // files are kept at once
)

// The reasons for which a file isn't there.
var (
	ErrNoFile   = errors.New("no such file; want it handed in again")
	ErrTooMany  = fmt.Errorf("%d files wait or are being read already; want one of them finished first", most)
	ErrTooLarge = fmt.Errorf("more than %d MB; want it in parts", MaxFile>>20)
	ErrBusy     = errors.New("it is being imported already")
	ErrStopping = errors.New("the collector stops; want it handed in again afterwards")
)

// File is a journal that somebody handed in.
type File struct {
	ID   string
	Who  string
	Name string // as it was called there
	At   time.Time
	Size int64

	path string
	busy bool // it is being imported
}

// Open opens it.
func (f File) Open() (*os.File, error) { return os.Open(f.path) }

// Plain opens it and reads what it holds, which may be compressed.
func (f File) Plain() (io.ReadCloser, error) {
	data, err := f.Open()
	if err != nil {
		return nil, err
	}
	text, err := journal.Unpack(data)
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{text, data}, nil
}

// Progress is how far the reading of a file has come, in bytes.
type Progress struct{ Read, Size int64 }

// IntakeOptions of an intake.
type IntakeOptions struct {
	Dir   string                 // for its files alone: what is left there from before is removed
	Room  func(dir string) error // whether the disk has some
	Books Books
	Now   func() time.Time
	Log   *slog.Logger
}

// Intake keeps journals that people hand in by a page until they say how to read them, and then imports them while they
// do something else. A journal may be larger than memory, and holds numbers of patients: so it is a file beside the books,
// for the collector's account alone, that is gone as soon as it was imported, after a day, and whenever the collector
// starts or ends. How an import stands is in the books.
type Intake struct {
	IntakeOptions
	jobs chan func(context.Context)

	mu     sync.Mutex
	files  map[string]*File
	coming int            // files that come in
	runs   map[int64]*run // by import
}

// run is an import that goes on here.
type run struct {
	cancel context.CancelCauseFunc
	read   atomic.Int64
	size   int64
	done   chan struct{}
}

// NewIntake makes an intake.
func NewIntake(o IntakeOptions) (*Intake, error) {
	if err := os.RemoveAll(o.Dir); err != nil {
		return nil, fmt.Errorf("remove journals of a former run: %w", err)
	}
	return &Intake{IntakeOptions: o, jobs: make(chan func(context.Context)), files: make(map[string]*File), runs: make(map[int64]*run)}, nil
}

// Run does the imports until ctx ends, and waits for them. First it goes on to take back what a former run, or a command,
// ended amidst.
func (in *Intake) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() {
		if err := in.Books.FinishUndoing(ctx); err != nil && ctx.Err() == nil {
			in.Log.Error("take back imports that were cancelled", "error", err)
		}
	})
	hour := time.NewTicker(time.Hour)
	defer hour.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-hour.C:
			if err := in.forget(); err != nil {
				in.Log.Warn("forget journals that nobody imported", "error", err)
			}
		case job := <-in.jobs:
			group.Go(func() { job(ctx) })
		}
	}
	group.Wait()
	return os.RemoveAll(in.Dir)
}

// Keep keeps a journal that is handed in.
func (in *Intake) Keep(who, name string, from io.Reader) (f File, err error) {
	if err := in.admit(); err != nil {
		return f, err
	}
	defer in.arrived()
	if err := os.MkdirAll(in.Dir, 0o700); err != nil {
		return f, fmt.Errorf("keep journal: %w", err)
	}
	f = File{ID: rand.Text(), Who: who, Name: filepath.Base(name), At: in.Now()}
	f.path = filepath.Join(in.Dir, f.ID)
	out, err := os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return f, fmt.Errorf("keep journal: %w", err)
	}
	f.Size, err = io.Copy(out, &roomy{from: from, room: func() error { return in.Room(in.Dir) }})
	if err = errors.Join(err, out.Close()); err != nil {
		return f, errors.Join(err, os.Remove(f.path))
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.files[f.ID] = &f
	return f, nil
}

// roomy looks at the disk while a file comes in, and at the file's size.
type roomy struct {
	from        io.Reader
	room        func() error
	read, asked int64
}

const lookEvery = 16 << 20

func (r *roomy) Read(p []byte) (n int, err error) {
	if r.asked == 0 || r.read-r.asked > lookEvery {
		if err := r.room(); err != nil {
			return 0, err
		}
		r.asked = max(r.read, 1)
	}
	n, err = r.from.Read(p)
	if r.read += int64(n); r.read > MaxFile {
		return n, ErrTooLarge
	}
	return n, err
}

// admit makes room for another file, and refuses more than there may be, those that come in meanwhile among them.
func (in *Intake) admit() error {
	if err := in.forget(); err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.files)+in.coming >= most {
		return ErrTooMany
	}
	in.coming++
	return nil
}

func (in *Intake) arrived() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.coming--
}

// forget removes what nobody did anything with for a day.
func (in *Intake) forget() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	var gone []error
	for id, f := range in.files {
		if !f.busy && in.Now().Sub(f.At) > fileAge {
			gone = append(gone, os.Remove(f.path))
			delete(in.files, id)
		}
	}
	return errors.Join(gone...)
}

// File is one that who handed in within the last day.
func (in *Intake) File(who, id string) (File, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	f := in.files[id]
	if f == nil || f.Who != who || in.Now().Sub(f.At) > fileAge {
		return File{}, ErrNoFile
	}
	return *f, nil
}

// Files are those of somebody that wait to be imported, the newest first.
func (in *Intake) Files(who string) (list []File) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, f := range in.files {
		if f.Who == who && !f.busy {
			list = append(list, *f)
		}
	}
	slices.SortFunc(list, func(a, b File) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Drop forgets a file.
func (in *Intake) Drop(who, id string) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	f := in.files[id]
	switch {
	case f == nil || f.Who != who:
		return ErrNoFile
	case f.busy:
		return ErrBusy
	}
	delete(in.files, id)
	return os.Remove(f.path)
}

// Start begins to import a file, and returns as soon as the books know of it. The file is gone when that ends, however it
// does. rows is how it is read.
func (in *Intake) Start(ctx context.Context, by ledger.Author, file File, what ledger.Import, rows func(io.Reader) (Rows, error)) (id int64, err error) {
	if err := in.claim(file); err != nil {
		return 0, err
	}
	begun := make(chan int64, 1)
	failed := make(chan error, 1)
	job := func(ctx context.Context) {
		err := in.take(ctx, by, file, what, rows, begun)
		if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
			in.Log.Warn("import journal", "file", file.Name, "error", forLog(err))
		}
		failed <- err
	}
	select {
	case in.jobs <- job:
	case <-ctx.Done():
		in.release(file)
		return 0, ErrStopping
	}
	select {
	case id := <-begun:
		return id, nil
	case err := <-failed:
		select {
		case id := <-begun: // it was short
			return id, nil
		default:
			return 0, err
		}
	}
}

// forLog is an error without what stands in the file: whose name or number that is nobody knows. The page says it.
func forLog(err error) error {
	if errors.Is(err, ErrUnreadable) && !errors.Is(err, ErrLeft) {
		return ErrUnreadable
	}
	return err
}

// claim marks a file as being imported.
func (in *Intake) claim(file File) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	f := in.files[file.ID]
	switch {
	case f == nil:
		return ErrNoFile
	case f.busy:
		return ErrBusy
	}
	f.busy = true
	return nil
}

func (in *Intake) release(file File) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if f := in.files[file.ID]; f != nil {
		f.busy = false
	}
}

func (in *Intake) take(ctx context.Context, by ledger.Author, file File, what ledger.Import, rows func(io.Reader) (Rows, error), begun chan<- int64) (err error) {
	books := stoppable{in.Books, ctx}
	ctx, cancel := context.WithCancelCause(ctx)
	r := &run{cancel: cancel, size: file.Size, done: make(chan struct{})}
	defer close(r.done)
	defer cancel(nil)
	data, err := file.Open()
	if err != nil {
		in.release(file)
		return err
	}
	counted := &counting{from: data, read: &r.read}
	all, err := rows(counted)
	if err != nil {
		in.release(file) // read in another way, maybe
		return errors.Join(err, data.Close())
	}
	id := int64(0)
	defer func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		delete(in.runs, id)
		delete(in.files, file.ID)
		err = errors.Join(err, data.Close(), os.Remove(file.path))
	}()
	_, _, err = Take(ctx, books, by, what, all, func(number int64) {
		id = number
		in.mu.Lock()
		in.runs[id] = r
		in.mu.Unlock()
		begun <- id
	})
	return err
}

// stopTime is how long a collector that stops takes back what it was importing; the next one goes on.
const stopTime = 3 * time.Second

// stoppable are books in which nothing takes long once the collector stops.
type stoppable struct {
	Books
	collector context.Context
}

func (s stoppable) CancelImport(ctx context.Context, by ledger.Author, id int64) error {
	if s.collector.Err() != nil {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, stopTime)
		defer done()
	}
	return s.Books.CancelImport(ctx, by, id)
}

// counting counts the bytes that are read.
type counting struct {
	from io.Reader
	read *atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// Progress is how far an import has come, if it goes on here.
func (in *Intake) Progress(id int64) (Progress, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	r := in.runs[id]
	if r == nil {
		return Progress{}, false
	}
	return Progress{r.read.Load(), r.size}, true
}

// Cancel ends an import and undoes what it booked. It returns when that is done, or ctx ends: then it goes on. False: it
// doesn't go on here.
func (in *Intake) Cancel(ctx context.Context, by ledger.Author, id int64) bool {
	in.mu.Lock()
	r := in.runs[id]
	in.mu.Unlock()
	if r == nil {
		return false
	}
	r.cancel(Cancelled{by})
	select {
	case <-r.done:
	case <-ctx.Done():
	}
	return true
}
