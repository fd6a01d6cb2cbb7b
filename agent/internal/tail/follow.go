package tail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
)

const (
	// settles is how long a last row without a line end may be still in the making.
	settles = 5 * time.Minute
	// lingers is how long a rotated file is followed on: its writer may have it open.
	lingers = time.Hour
	// returns is how long a file may be away and not be read again from its beginning.
	returns = 24 * time.Hour
	// many files of one journal are not all held open, nor what was seen in them in memory.
	many = 64
	// often is how many bytes are read at most before the position is kept, though they hold no event.
	often = 4 << 20
	// chunk is what is read at once; the longest row fits.
	chunk = 256 << 10
)

// follower follows one journal.
type follower struct {
	Journal
	opts *Options
	log  *slog.Logger
	kept string // file of the position

	files  []*file   // in the order in which they are read
	begun  bool      // it has looked once
	books  wire.Time // since when they are there that know what was read
	again  bool      // all is read again, what was rotated too
	dirty  bool      // something of files isn't kept
	buffer []byte
	fault  string // told last

	mu     sync.Mutex
	status Status
}

func (f *follower) run(ctx context.Context) {
	defer func() {
		for _, file := range f.files {
			file.close()
		}
	}()
	for {
		pause := f.opts.Every * time.Duration(1+len(f.files)/500)
		if f.look(ctx) {
			pause = f.opts.Every / 5
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// look reads what is new. more tells that something is left because the spool has no room.
func (f *follower) look(ctx context.Context) (more bool) {
	f.heedBooks()
	paths, err := pathsOf(f.Path)
	if err == nil {
		err = f.find(paths)
	}
	for _, file := range f.files {
		if ctx.Err() != nil {
			return false
		}
		left, fault := f.readOn(ctx, file)
		more, err = more || left, errors.Join(err, fault)
	}
	f.forget()
	if f.dirty {
		err = errors.Join(err, f.keep())
	}
	f.tell(err)
	return more
}

// heedBooks begins anew where the collector has other books, from a backup or begun anew: what they lack is in files only.
func (f *follower) heedBooks() {
	if f.opts.Books == nil {
		return
	}
	books := f.opts.Books()
	if books == 0 || books == f.books {
		return
	}
	known := f.books != 0
	f.books, f.dirty = books, true
	if !known && !slices.ContainsFunc(f.files, func(file *file) bool { return file.Offset > 0 }) {
		return
	}
	f.log.Info("the collector has other books, of a backup or begun anew; the journal is read again")
	for _, file := range f.files {
		file.close()
	}
	f.files, f.again = nil, true
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Counts = Counts{}
}

// find says where each file is now, and begins new ones. An error is about files that can't be looked
// at; the others are found nevertheless.
func (f *follower) find(paths []string) error {
	now, taken, names := f.opts.Now(), map[string]bool{}, folders{}
	var faults []error
	var moved []*file
	for _, file := range f.files {
		was, before := file.here, file.Head.Bytes
		here, err := file.still(file.Path, now)
		f.dirty = f.dirty || file.Head.Bytes != before
		switch file.here = here || err != nil && was; {
		case err != nil:
			faults = append(faults, err)
			taken[file.Path] = true
		case here && !taken[file.Path]:
			taken[file.Path] = true
		default:
			file.here = false
			if was || file.since.IsZero() {
				moved = append(moved, file)
				file.since = now
			}
		}
	}
	for _, file := range moved {
		f.dirty = true
		file.search(append(names.beside(file.Origin), paths...), taken, now)
	}
	if f.again || len(f.files) > 0 && (len(moved) > 0 || !f.begun) {
		paths = slices.Concat(f.between(names, taken), paths)
	}
	f.begun, f.again = true, false
	for _, path := range paths {
		if taken[path] {
			continue
		}
		next := &file{place: place{Path: path, Origin: path, Grown: wire.TimeOf(now)}}
		here, err := next.still(path, now)
		if next.here = here; here {
			f.files, f.dirty, taken[path] = append(f.files, next), true, true
		} else {
			faults = append(faults, cmp.Or(err, error(missing(path))))
		}
	}
	for _, file := range f.files {
		file.old = !f.follows(file.Path)
	}
	slices.SortStableFunc(f.files, older)
	return errors.Join(faults...)
}

// follows tells whether a file's path is the journal's; otherwise it was rotated.
func (f *follower) follows(path string) bool {
	fits, _ := filepath.Match(f.Path, path) // a pattern that is none has no files
	return path == f.Path || fits
}

// between are files that came and were rotated since something was read last, so that nobody has seen
// them. One that was copied is read again, which changes nothing.
func (f *follower) between(names folders, taken map[string]bool) (found []string) {
	if pattern(f.Path) {
		return nil
	}
	var read wire.Time
	for _, file := range f.files {
		read = max(read, file.Grown)
	}
	for _, path := range names.beside(f.Path) {
		if path == f.Path || taken[path] || !rotated(strings.TrimPrefix(filepath.Base(path), filepath.Base(f.Path))) {
			continue
		}
		if info, err := os.Stat(path); err == nil && wire.TimeOf(info.ModTime().Add(2*time.Second)) > read { // FAT's clock ticks so
			found = append(found, path)
		}
	}
	return found
}

// rotated tells whether a file's name ends as rotation has it: .1, -20261103, .2.gz, .old.
func rotated(end string) bool {
	for _, packed := range [...]string{".gz", ".Z", ".old"} {
		end = strings.TrimSuffix(end, packed)
	}
	return strings.Trim(end, ".-_0123456789") == ""
}

// older puts rotated files in front of those that follow them.
func older(a, b *file) int {
	switch {
	case a.old == b.old:
		return strings.Compare(a.Path, b.Path)
	case a.old:
		return -1
	}
	return 1
}

// missing is a file that isn't there.
func missing(path string) error {
	return &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
}

// search looks for a file that is no longer at its path among others that nobody has taken.
func (f *file) search(paths []string, taken map[string]bool, now time.Time) {
	for _, path := range paths {
		if taken[path] {
			continue
		}
		if here, err := f.still(path, now); err == nil && here {
			f.here, taken[path] = true, true
			return
		}
	}
}

// folders are the names of files in folders that were listed.
type folders map[string][]string

// beside are the files that rotation may have made of path: their names begin with its own.
func (all folders) beside(path string) (found []string) {
	dir, name := filepath.Split(path)
	names, listed := all[dir]
	if !listed {
		entries, _ := os.ReadDir(filepath.Clean(dir + ".")) // what can't be listed has none
		for _, e := range entries {
			if e.Type().IsRegular() {
				names = append(names, e.Name())
			}
		}
		all[dir] = names
	}
	for _, other := range names {
		if strings.HasPrefix(other, name) {
			found = append(found, filepath.Join(dir, other))
		}
	}
	return found
}

// forget drops files that nothing more will come of.
func (f *follower) forget() {
	now := f.opts.Now()
	f.files = slices.DeleteFunc(f.files, func(file *file) bool {
		idle := now.Sub(file.since)
		over := !file.here && idle >= returns || file.here && file.old && file.through() && idle >= lingers
		if over || !keepOpen || !file.here && file.through() || len(f.files) > many && idle >= lingers {
			file.close()
		}
		if len(f.files) > many && file.through() {
			file.reader = nil
		}
		return over
	})
}

// through tells whether the file was read to its end.
func (f *file) through() bool { return f.info != nil && f.Done == f.info.Size() }

// readOn reads the rest of a file. more tells that something is left because the spool has no room.
func (f *follower) readOn(ctx context.Context, file *file) (more bool, err error) {
	if !file.here && file.handle != nil {
		file.recheck()
	}
	settled := f.opts.Now().Sub(file.since) >= settles || !file.here
	if file.info == nil || file.refused != nil || file.through() && (!settled || file.Whole) {
		return false, file.refused
	}
	if !f.opts.Ready() {
		return true, nil
	}
	if file.handle == nil {
		if !file.here {
			f.lost(file)
			return false, nil
		}
		if err := file.reopen(); err != nil {
			return false, err
		}
	}
	if file.reader == nil {
		if err := f.resume(file); err != nil {
			return false, err
		}
	}
	more, err = f.read(ctx, file, settled)
	if err != nil {
		file.reader = nil // the next try begins where the position is
	}
	return more, err
}

// lost says that a file went away before it was read to its end.
func (f *follower) lost(file *file) {
	f.log.Warn("a file went away before it was read to its end", "file", file.Path, "read", file.Offset, "size", file.info.Size())
	file.Done, file.Whole = file.info.Size(), true
}

// resume makes the reader stand where the position is. Where its state wasn't kept, it has to see all
// rows before again.
func (f *follower) resume(file *file) error {
	reader, err := f.Reader()
	if err != nil {
		return err
	}
	if file.Offset > 0 {
		if file.State == nil || reader.Resume(file.State) != nil {
			file.seen, file.Offset = file.Offset, 0
		}
	}
	file.reader = reader
	return nil
}

// batch is what was read and isn't kept yet.
type batch struct {
	events []wire.Event
	bytes  int // about, when encoded
	end    int64
	counts Counts
}

// read hands on what is behind the position. A last row without a line end waits until the file has
// settled.
func (f *follower) read(ctx context.Context, file *file, settled bool) (more bool, err error) {
	size := file.info.Size()
	if now, err := file.handle.Stat(); err == nil {
		size = now.Size()
	}
	content, _, err := contentOf(file.handle, file.Offset)
	if err != nil {
		file.refused = err
		return false, err
	}
	if f.buffer == nil {
		f.buffer = make([]byte, chunk)
	}
	b, held := batch{end: file.Offset}, 0
	for {
		n, err := io.ReadFull(content, f.buffer[held:])
		held += n
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return false, fmt.Errorf("read %s: %w", file.Path, err)
		}
		used := 0
		for {
			n, record := file.reader.Next(f.buffer[used:held], last && settled)
			if n == 0 {
				break
			}
			if err := b.take(file.reader.Row(record), b.end+int64(n) <= file.seen); err != nil {
				file.refused = fmt.Errorf("%s: %w", file.Path, err)
				return false, errors.Join(file.refused, f.put(file, &b))
			}
			used += n
			b.end += int64(n)
			if b.bytes < f.opts.MaxBatch && b.end-file.Offset < often {
				continue
			}
			if err := f.put(file, &b); err != nil {
				return false, err
			}
			if ctx.Err() != nil || !f.opts.Ready() {
				return true, nil
			}
		}
		held = copy(f.buffer, f.buffer[used:held])
		switch {
		case last:
			file.Done, file.Whole = size, held == 0
			return false, f.put(file, &b)
		case held == len(f.buffer):
			file.refused = fmt.Errorf("%s: a row of more than %d bytes", file.Path, held)
			return false, errors.Join(file.refused, f.put(file, &b))
		}
	}
}

// take adds a row. An error says that it, and all behind it, can't be read.
func (b *batch) take(row journal.Row, known bool) error {
	if known {
		return nil
	}
	switch row.Verdict {
	case journal.Taken:
		e := &row.Event
		b.events = append(b.events, *e)
		b.bytes += 200 + len(e.Journal) + len(e.Key) + len(e.From) + len(e.To) + len(e.Site)
		b.counts.Events++
		b.counts.Last = max(b.counts.Last, e.At)
	case journal.Skipped:
		b.counts.Skipped++
		b.counts.why(row.Why, 1)
	case journal.Rejected:
		b.counts.Rejected++
		b.counts.why(row.Why, 1)
	case journal.Refused:
		return fmt.Errorf("line %d: %s", row.Line, row.Why)
	}
	return nil
}

func (c *Counts) why(why journal.Why, n int64) {
	if c.Why == nil {
		c.Why = map[journal.Why]int64{}
	}
	c.Why[why] += n
}

// put hands a batch to the spool, and moves the position behind it then.
func (f *follower) put(file *file, b *batch) error {
	if len(b.events) > 0 {
		payload, err := wire.EncodeReadings(nil, b.events...)
		if err == nil {
			err = f.opts.Put(payload, len(b.events))
		}
		if err != nil {
			return fmt.Errorf("spool %d events: %w", len(b.events), err)
		}
	}
	file.Offset, file.State, file.Grown = b.end, file.reader.State(), wire.TimeOf(f.opts.Now())
	f.count(file, b.counts)
	*b = batch{end: b.end, events: b.events[:0]}
	return f.keep()
}

// count adds what became of rows, and logs the first of a file that can't be read.
func (f *follower) count(file *file, c Counts) {
	if c.Rejected > 0 && !file.told {
		f.log.Warn("some rows can't be read", "file", file.Path, "rows", c.Rejected, "why", c.Why)
		file.told = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := f.status.clone().Counts // State hands out maps
	sum.Events += c.Events
	sum.Skipped += c.Skipped
	sum.Rejected += c.Rejected
	sum.Last = max(sum.Last, c.Last)
	for why, n := range c.Why {
		sum.why(why, n)
	}
	f.status.Counts = sum
}

func (f *follower) counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status.Counts
}

// tell updates the status, and logs a fault when it begins and when it is over.
func (f *follower) tell(fault error) {
	text := ""
	if fault != nil {
		text = strings.ReplaceAll(fault.Error(), "\n", "; ")
	}
	switch {
	case text != "" && f.fault == "":
		f.log.Warn("journal can't be followed for now", "error", text)
	case text == "" && f.fault != "":
		f.log.Info("journal is followed again")
	}
	f.fault = text
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.status
	s.Error, s.Files, s.Read, s.Size = text, 0, 0, 0
	newest := time.Time{}
	for _, file := range f.files {
		if !file.here || file.info == nil {
			continue
		}
		size := file.info.Size()
		s.Files++
		s.Size += size
		if s.Read += min(file.Offset, size); file.through() && file.Whole {
			s.Read += size - min(file.Offset, size) // packed
		}
		if file.info.ModTime().After(newest) {
			newest, s.File = file.info.ModTime(), file.Path
		}
	}
}
