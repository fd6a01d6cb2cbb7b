// Package spool keeps batches of bytes on disk, numbered, until the reader at the other
// end says that they may be forgotten. What Append took is there again after kill -9, a
// power cut or a full disk. It is one file a batch, so a damaged one costs itself only.
//
// In its folder stand:
//
//	000000000057-000000000059-r120.batch     batches 57 to 59 folded into one, 120 records
//	000000000060-000000000060-r4.3.lost4.bad a damaged one, set aside, the third here
//	5f… base0 sent120 gone0 ….stream         the position, kept in a name (see position)
//	….tmp                                    half written: removed at start
//	lock                                     held while an agent runs
package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"time"
)

// Options say where a spool is, and how large it may get.
type Options struct {
	Dir      string // made if it isn't there
	MaxBytes int64  // of all batch files; 0 = 256 MB
	MaxFiles int    // 0 = 20 000

	// Fold makes one batch of several, oldest first, when the spool is full. An error means
	// that they don't fit into one; fewer are tried then. nil = batches are never folded.
	Fold func(payloads [][]byte) (payload []byte, records int, err error)

	Log *slog.Logger     // nil = silent
	Now func() time.Time // nil = time.Now
}

// Spool is a queue of batches on disk, safe for concurrent use.
type Spool struct {
	opts    Options
	disk    disk
	lock    *os.File
	changed chan struct{}

	mu       sync.Mutex
	at       position
	file     string  // the position's name on disk; empty if there is none
	batches  []entry // in order; what was forgotten leaves at the front
	bytes    int64
	last     uint64 // number written last
	sent     uint64 // number given by Next, at most at.sent
	acked    acked
	fault    string // why nothing could be written last time
	givingUp bool
	buffer   []byte
}

// acked is the batch acknowledged last, if it was one of ours and seen by this process.
type acked struct {
	number uint64
	crc    uint32
}

// Batch is a batch to send.
type Batch struct {
	Stream  string
	First   uint64 // a folded batch stands for First…Seq, else both are equal
	Seq     uint64 // counts up from 1 within a stream
	Oldest  uint64 // the lowest number still held
	Lost    int64  // records given up in this stream so far
	Payload []byte
	CRC     uint32 // CRC-32C of Payload
}

// State is what a spool holds at one moment.
type State struct {
	Stream    string
	Envelopes int
	Bytes     int64     // of the batch files
	Oldest    time.Time // when the oldest batch was written; zero if there is none
	Lost      int64     // records given up in this stream
	Dropped   int64     // records given up since the folder was made
	Damaged   int       // files set aside since the folder was made
	Error     string    // why nothing can be written at present
}

// Open reads the folder, sets aside what is damaged and starts a new stream if nothing is
// held. It verifies every batch. It fails only if the folder can't be used at all.
func Open(opts Options) (*Spool, error) {
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	held, err := lock(filepath.Join(opts.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	s, err := open(opts, folder(opts.Dir))
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	s.lock = held
	return s, nil
}

func open(opts Options, d disk) (*Spool, error) {
	if opts.MaxBytes == 0 {
		opts.MaxBytes = 256 << 20
	}
	if opts.MaxFiles == 0 {
		opts.MaxFiles = 20_000
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Spool{opts: opts, disk: d, changed: make(chan struct{}, 1)}
	if err := s.recover(); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	return s, nil
}

// Close lets another process have the folder. Nothing needs flushing.
func (s *Spool) Close() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// Changed receives when there may be something new to send. It is for one reader.
func (s *Spool) Changed() <-chan struct{} { return s.changed }

func (s *Spool) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// State tells what is held at present.
func (s *Spool) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{
		Stream: s.at.stream, Envelopes: len(s.batches), Bytes: s.bytes,
		Lost: s.at.lost, Dropped: s.at.dropped, Damaged: int(s.at.damaged), Error: s.fault,
	}
	if len(s.batches) > 0 {
		state.Oldest = s.batches[0].writtenAt()
	}
	return state
}

// Append adds a batch; it is on disk, safe from a power cut, when nil is returned. After
// an error nothing of it is left and the spool can be used on. Where the spool is full,
// old batches are folded, and if that isn't enough given up.
func (s *Spool) Append(payload []byte, records int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	number := s.last + 1
	e := entry{first: number, seq: number, records: int32(records), written: s.opts.Now().UnixMilli()}
	if err := s.write(&e, payload); err != nil {
		return s.failed(fmt.Errorf("append batch: %w", err))
	}
	s.last = number
	s.batches = append(s.batches, e)
	s.bytes += int64(e.size)
	if err := s.shrink(); err != nil {
		_ = s.failed(fmt.Errorf("make room: %w", err)) // the batch itself is safe
	} else {
		s.fault = ""
	}
	s.signal()
	return nil
}

// failed remembers err for State and logs the first of a row.
func (s *Spool) failed(err error) error {
	if s.fault == "" {
		s.opts.Log.Error("spool can't write", "error", err)
	}
	s.fault = err.Error()
	return err
}

// write puts a batch on disk under its name, and fills in what only now is known of it.
func (s *Spool) write(e *entry, payload []byte) error {
	e.crc, e.read = checksum(payload), true
	s.buffer = e.appendFile(s.buffer[:0], payload)
	e.size = int32(len(s.buffer))
	name := e.name()
	if err := s.disk.Write(name+beside, s.buffer); err != nil {
		return err
	}
	if err := s.disk.Rename(name+beside, name); err != nil {
		return errors.Join(err, s.disk.Remove(name+beside))
	}
	if err := s.disk.Sync(); err != nil {
		return errors.Join(err, s.disk.Remove(name))
	}
	return nil
}

// Next gives the oldest batch with a number beyond after, and remembers on disk that it
// may have been sent. It gives none (false) also where numbers are missing in front of
// that batch, until all before the gap is acknowledged: only Oldest can tell of a gap.
func (s *Spool) Next(after uint64) (Batch, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		i := sort.Search(len(s.batches), func(i int) bool { return s.batches[i].seq-s.at.base > after })
		if i == len(s.batches) || i > 0 && s.batches[i-1].seq+1 != s.batches[i].first {
			return Batch{}, false, nil
		}
		payload, err := s.read(i)
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return Batch{}, false, fmt.Errorf("next batch: %w", err)
		}
		if err := s.mark(s.batches[i].seq); err != nil {
			return Batch{}, false, fmt.Errorf("next batch: %w", s.failed(err))
		}
		e := &s.batches[i]
		return Batch{
			Stream: s.at.stream, First: e.first - s.at.base, Seq: e.seq - s.at.base,
			Oldest: s.batches[0].first - s.at.base, Lost: s.at.lost, Payload: payload, CRC: e.crc,
		}, true, nil
	}
}

// ahead is how many numbers are marked as sent at once, so that sending costs a sync only
// now and then. What is marked is never folded after a restart.
const ahead = 64

func (s *Spool) mark(number uint64) error {
	if number > s.at.sent {
		next := s.at
		next.sent = number + ahead - 1
		if err := s.move(next); err != nil {
			return err
		}
	}
	s.sent = max(s.sent, number)
	return nil
}

// move makes next the position, on disk first.
func (s *Spool) move(next position) error {
	name := next.name()
	if name == s.file {
		return nil
	}
	var err error
	if s.file == "" {
		err = s.disk.Write(name, nil)
	} else {
		err = s.disk.Rename(s.file, name)
	}
	if err != nil {
		return fmt.Errorf("keep position: %w", err)
	}
	s.file, s.at = name, next
	if err := s.disk.Sync(); err != nil {
		return fmt.Errorf("keep position: %w", err)
	}
	return nil
}

// errGone means that a batch was no good and has left s.batches.
var errGone = errors.New("gone")

// patience is how long a batch may fail to be read before it counts as damaged: scanners
// lock files for a moment, dying disks fail for ever.
const patience = time.Minute

// read gives a batch's payload.
func (s *Spool) read(i int) ([]byte, error) {
	e := &s.batches[i]
	data, err := s.disk.Read(e.name())
	if err == nil {
		var found entry
		var payload []byte
		if found, payload, err = parseFile(e.name(), data); err == nil {
			s.bytes += int64(found.size - e.size)
			found.alone = e.alone
			*e = found
			return payload, nil
		}
	}
	if !errors.Is(err, errDamaged) && !errors.Is(err, fs.ErrNotExist) && s.bearsWith(e) {
		return nil, err
	}
	return nil, s.setAside(i, err)
}

// bearsWith tells whether e, which can't be read, may yet be. A clock that was set back
// begins the time anew.
func (s *Spool) bearsWith(e *entry) bool {
	now := s.opts.Now().UnixMilli()
	if e.failing == 0 || e.failing > now {
		e.failing = now
	}
	return now-e.failing < patience.Milliseconds()
}

// setAside takes a batch out that can't be read, counted; errGone says that it worked.
func (s *Spool) setAside(i int, why error) error {
	name, records := s.batches[i].name(), int64(s.batches[i].records)
	if errors.Is(why, fs.ErrNotExist) {
		s.opts.Log.Error("batch has vanished", "file", name, "lost", records)
		s.count(records, 0)
	} else if err := s.keepAside(name, records, why); err != nil {
		return err
	}
	s.bytes -= int64(s.batches[i].size)
	s.batches = slices.Delete(s.batches, i, i+1)
	return errGone
}

// keepAside renames a damaged file, then counts it: after a crash between the two, its
// name holds a count above position.damaged, and recover counts it.
func (s *Spool) keepAside(name string, lost int64, why error) error {
	kept := asideName(name, s.at.damaged+1, lost)
	if err := s.disk.Rename(name, kept); err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	s.opts.Log.Error("damaged batch set aside", "file", kept, "lost", lost, "error", why)
	s.count(lost, 1)
	return nil
}

// count adds to the totals.
func (s *Spool) count(lost int64, damaged uint64) {
	next := s.at
	next.damaged += damaged
	next.lost += lost
	next.dropped += lost
	s.mustMove(next)
}

// mustMove is move where next is a fact already, so that a position that can't be kept is
// no reason to stop: it will be kept together with the next change.
func (s *Spool) mustMove(next position) {
	if err := s.move(next); err != nil {
		s.at = next
		_ = s.failed(err)
	}
}

// Ack forgets all batches of stream up to seq. crc is that of batch seq. Acks of another
// stream, of 0 and of what was forgotten before change nothing.
//
// An ack that doesn't fit what was written here (a number beyond it or within a folded
// batch, another checksum) means that this machine was restored from an older copy. Then
// all that is held goes into a new stream, numbered from 1, and the error says so: the
// caller begins again with Next(0).
func (s *Spool) Ack(stream string, seq uint64, crc uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stream != s.at.stream || seq == 0 {
		return nil
	}
	if written := s.last - s.at.base; seq > written {
		return s.restart(fmt.Errorf("batch %d acknowledged, but only %d written", seq, written))
	}
	number := seq + s.at.base
	if number == s.acked.number {
		if crc != s.acked.crc {
			return s.restart(fmt.Errorf("batch %d acknowledged again with another checksum", seq))
		}
		return nil
	}
	if number > s.at.sent {
		return s.restart(fmt.Errorf("batch %d acknowledged, which was never sent", seq))
	}
	n := sort.Search(len(s.batches), func(i int) bool { return s.batches[i].seq >= number })
	if n < len(s.batches) && s.batches[n].first <= number {
		switch e := &s.batches[n]; {
		case number < e.seq:
			return s.restart(fmt.Errorf("batch %d acknowledged, which was folded before it was sent", seq))
		case e.read && crc != e.crc:
			return s.restart(fmt.Errorf("batch %d acknowledged with another checksum", seq))
		}
		s.acked = acked{number, crc}
		n++
	}
	return s.forget(n)
}

// forget drops the n oldest. Names are not synced: what comes back after a power cut is
// said again, acknowledged again, and changes nothing.
func (s *Spool) forget(n int) error {
	var errs []error
	for i := range s.batches[:n] {
		if err := s.disk.Remove(s.batches[i].name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("forget batch: %w", err))
		}
		s.bytes -= int64(s.batches[i].size)
	}
	s.batches = s.batches[n:]
	if n > 0 {
		s.signal() // a gap may have come to the front
	}
	return errors.Join(errs...)
}

// restart begins a new stream for all that is held. None of it is sent (see mark) before
// the new stream is on disk.
func (s *Spool) restart(why error) error {
	old := s.at.stream
	s.begin()
	s.signal()
	return fmt.Errorf("this machine was restored from an older copy (%w): stream %s goes on as %s with %d batches",
		why, old, s.at.stream, len(s.batches))
}

// begin makes the position that of a new stream in which nothing was sent yet.
func (s *Spool) begin() {
	next := s.at
	next.stream, next.lost = newStream(), 0
	next.base = s.last
	if len(s.batches) > 0 {
		next.base = s.batches[0].first - 1
	}
	next.sent = next.base
	s.mustMove(next)
	s.sent, s.acked = next.base, acked{}
}
