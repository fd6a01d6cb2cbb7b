package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func mustOpen(tb testing.TB, d disk, opts Options) *Spool {
	tb.Helper()
	s, err := open(opts, d)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func mustAppend(tb testing.TB, s *Spool, payloads ...string) {
	tb.Helper()
	for _, p := range payloads {
		if err := s.Append([]byte(p), len(strings.Split(p, ","))); err != nil {
			tb.Fatal(err)
		}
	}
}

// drain sends all there is, without acks.
func drain(tb testing.TB, s *Spool) (batches []Batch) {
	tb.Helper()
	after := uint64(0)
	for {
		b, ok, err := s.Next(after)
		if err != nil {
			tb.Fatal(err)
		}
		if !ok {
			return batches
		}
		if b.CRC != checksum(b.Payload) {
			tb.Fatalf("batch %d: got crc %d of another payload", b.Seq, b.CRC)
		}
		batches = append(batches, b)
		after = b.Seq
	}
}

// shown is a backlog as "first-seq:payload …".
func shown(batches []Batch) string {
	var out []string
	for _, b := range batches {
		out = append(out, fmt.Sprintf("%d-%d:%s", b.First, b.Seq, b.Payload))
	}
	return strings.Join(out, " ")
}

func want(tb testing.TB, what, got, want string) {
	tb.Helper()
	if got != want {
		tb.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// join folds by joining, up to most bytes.
func join(most int) func([][]byte) ([]byte, int, error) {
	return func(payloads [][]byte) ([]byte, int, error) {
		joined := bytes.Join(payloads, []byte(","))
		if len(joined) > most {
			return nil, 0, errors.New("too large")
		}
		return joined, bytes.Count(joined, []byte(",")) + 1, nil
	}
}

func TestWhatWasAppendedComesOutInOrderUntilAcknowledged(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, Options{})
	mustAppend(t, s, "a", "b", "c")
	got := drain(t, s)
	want(t, "before the ack", shown(got), "1-1:a 2-2:b 3-3:c")
	if err := s.Ack(got[1].Stream, 2, got[1].CRC); err != nil {
		t.Fatal(err)
	}
	want(t, "after the ack of 2", shown(drain(t, s)), "3-3:c")
	mustAppend(t, s, "d")
	s = mustOpen(t, m.killed(), Options{})
	again := drain(t, s)
	want(t, "after a restart", shown(again), "3-3:c 4-4:d")
	if again[0].Stream != got[0].Stream || again[0].Oldest != 3 {
		t.Errorf("got stream %s, oldest %d; want %s, 3", again[0].Stream, again[0].Oldest, got[0].Stream)
	}
}

func TestTheListingShowsTheBacklog(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir, MaxFiles: 2, Fold: join(100)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mustAppend(t, s, "a", "b", "c,d", "e")
	names, err := filepath.Glob(filepath.Join(dir, "*.batch"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	want(t, "files", strings.Join(names, " "), "000000000001-000000000003-r4.batch 000000000004-000000000004-r1.batch")
}

func TestTheSpoolTellsHowMuchItsDiskStillTakes(t *testing.T) {
	s, err := Open(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if free, err := s.Free(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil || free <= 0 {
		t.Errorf("got %d bytes, %v", free, err)
	}
}

func TestASecondAgentIsKeptOut(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another agent") {
		t.Errorf("got %v, want an error that names another agent", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(Options{Dir: dir})
	if err != nil {
		t.Fatalf("after the first has closed: %v", err)
	}
	_ = s.Close()
}

func TestNumbersGoOnWhileTheSpoolIsEmptyAndANewStreamBeginsWhenItIsOpenedEmpty(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, Options{})
	mustAppend(t, s, "a")
	first := drain(t, s)[0]
	_ = s.Ack(first.Stream, 1, first.CRC)
	mustAppend(t, s, "b")
	second := drain(t, s)[0]
	if second.Seq != 2 || second.Stream != first.Stream {
		t.Errorf("got %s number %d, want %s number 2", second.Stream, second.Seq, first.Stream)
	}
	_ = s.Ack(second.Stream, 2, second.CRC)
	s = mustOpen(t, m.killed(), Options{})
	mustAppend(t, s, "c")
	third := drain(t, s)[0]
	if third.Seq != 1 || third.Stream == first.Stream {
		t.Errorf("got %s number %d, want a new stream and number 1", third.Stream, third.Seq)
	}
}

func TestAcksThatSayNothingNewChangeNothing(t *testing.T) {
	s := mustOpen(t, newMemory(), Options{})
	mustAppend(t, s, "a", "b", "c")
	b := drain(t, s)
	for _, ack := range []struct {
		stream string
		seq    uint64
		crc    uint32
	}{
		{b[0].Stream, 2, b[1].CRC},
		{b[0].Stream, 2, b[1].CRC},
		{b[0].Stream, 1, b[0].CRC},
		{b[0].Stream, 1, 12345},
		{b[0].Stream, 0, 0},
		{"another-stream", 3, b[2].CRC},
		{"another-stream", 99, 0},
	} {
		if err := s.Ack(ack.stream, ack.seq, ack.crc); err != nil {
			t.Errorf("ack %v: %v", ack, err)
		}
	}
	want(t, "held", shown(drain(t, s)), "3-3:c")
	want(t, "stream", s.State().Stream, b[0].Stream)
}

func TestAnAckThatDoesNotFitMeansThatTheMachineWasRestored(t *testing.T) {
	folded := Options{MaxFiles: 3, Fold: join(100)}
	for _, c := range []struct {
		name string
		opts Options
		ack  func(s *Spool, stream string, crcs []uint32) error
		held string // afterwards, in the new stream
	}{
		{"beyond what was written", Options{}, func(s *Spool, stream string, _ []uint32) error { return s.Ack(stream, 6, 1) }, "1-1:a 2-2:b 3-3:c 4-4:d 5-5:e"},
		{"another checksum", Options{}, func(s *Spool, stream string, _ []uint32) error { return s.Ack(stream, 2, 1) }, "1-1:a 2-2:b 3-3:c 4-4:d 5-5:e"},
		{"another checksum of what was acknowledged last", Options{}, func(s *Spool, stream string, crcs []uint32) error {
			if err := s.Ack(stream, 2, crcs[1]); err != nil {
				return fmt.Errorf("a good ack: %w", errors.ErrUnsupported)
			}
			return s.Ack(stream, 2, 1)
		}, "1-1:c 2-2:d 3-3:e"},
		{"inside a folded batch", folded, func(s *Spool, stream string, _ []uint32) error { return s.Ack(stream, 2, 1) }, "1-4:a,b,c,d 5-5:e"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMemory()
			s := mustOpen(t, m, c.opts)
			mustAppend(t, s, "a", "b", "c", "d", "e")
			var crcs []uint32
			for _, b := range drain(t, s) {
				crcs = append(crcs, b.CRC)
			}
			stream := s.State().Stream
			err := c.ack(s, stream, crcs)
			if err == nil || !strings.Contains(err.Error(), "restored from an older copy") {
				t.Fatalf("got %v, want an error that says the machine was restored", err)
			}
			for _, s := range []*Spool{s, mustOpen(t, m.killed(), c.opts)} {
				b := drain(t, s)
				want(t, "held", shown(b), c.held)
				if b[0].Stream == stream || b[0].Oldest != 1 {
					t.Errorf("got stream %s, oldest %d; want a new stream, oldest 1", b[0].Stream, b[0].Oldest)
				}
				last := b[len(b)-1]
				if err := s.Ack(last.Stream, last.Seq, last.CRC); err != nil || s.State().Envelopes != 0 {
					t.Errorf("ack in the new stream: %v, still held: %d", err, s.State().Envelopes)
				}
			}
		})
	}
}

func TestARestoredMachineNoticesAnAckOfWhatItNeverSent(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, Options{})
	mustAppend(t, s, "a")
	copied := m.killed()
	mustAppend(t, s, "b", "c")
	b := drain(t, s)
	restored := mustOpen(t, copied, Options{})
	mustAppend(t, restored, "B", "C")
	if err := restored.Ack(b[0].Stream, 3, b[2].CRC); err == nil {
		t.Fatal("got no error")
	}
	want(t, "held", shown(drain(t, restored)), "1-1:a 2-2:B 3-3:C")
}

func TestAFullSpoolFoldsWhatWasNeverSent(t *testing.T) {
	m := newMemory()
	opts := Options{MaxFiles: 4, Fold: join(9)}
	s := mustOpen(t, m, opts)
	mustAppend(t, s, "a", "b")
	drain(t, s)
	mustAppend(t, s, "c", "d", "e", "f", "g", "h", "i")
	want(t, "held", shown(drain(t, s)), "1-1:a 2-2:b 3-7:c,d,e,f,g 8-9:h,i")
	if st := s.State(); st.Lost != 0 || st.Envelopes != 4 {
		t.Errorf("got %+v, want nothing lost and 4 envelopes", st)
	}
}

func TestWhatMayHaveBeenSentIsNotFoldedAfterARestart(t *testing.T) {
	m := newMemory()
	opts := Options{MaxFiles: 4, Fold: join(100)}
	s := mustOpen(t, m, opts)
	mustAppend(t, s, "a", "b", "c", "d")
	if _, ok, err := s.Next(0); !ok || err != nil {
		t.Fatal(ok, err)
	}
	s = mustOpen(t, m.killed(), opts)
	mustAppend(t, s, "e", "f", "g")
	b := drain(t, s)
	want(t, "held", shown(b), "2-2:b 3-3:c 4-4:d 5-7:e,f,g")
	if b[0].Lost != 1 || b[0].Oldest != 2 {
		t.Errorf("got lost %d, oldest %d; want 1, 2", b[0].Lost, b[0].Oldest)
	}
}

func TestWhatDoesNotFitEvenFoldedIsGivenUpAndCountedOnce(t *testing.T) {
	m := newMemory()
	opts := Options{MaxBytes: 3 * (headerSize + 2), Fold: join(1)}
	s := mustOpen(t, m, opts)
	mustAppend(t, s, "1,", "2,", "3,", "4,", "5,")
	for range 2 {
		b := drain(t, s)
		want(t, "held", shown(b), "3-3:3, 4-4:4, 5-5:5,")
		if st := s.State(); st.Lost != 4 || st.Dropped != 4 || b[0].Lost != 4 || b[0].Oldest != 3 {
			t.Errorf("got %+v, batch lost %d, oldest %d; want 4 lost and dropped, oldest 3", st, b[0].Lost, b[0].Oldest)
		}
		s = mustOpen(t, m.killed(), opts)
	}
}

func TestAFullDiskIsToldAndPasses(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, Options{})
	mustAppend(t, s, "a")
	m.full = true
	for range 2 {
		if err := s.Append([]byte("b"), 1); !errors.Is(err, errFull) {
			t.Fatalf("got %v, want %v", err, errFull)
		}
	}
	if got := s.State(); !strings.Contains(got.Error, "no space left") || got.Envelopes != 1 {
		t.Errorf("got %+v, want the error and one envelope", got)
	}
	b := drain(t, s) // sending goes on: it frees the space
	want(t, "held while full", shown(b), "1-1:a")
	m.full = false
	mustAppend(t, s, "c")
	want(t, "error", s.State().Error, "")
	want(t, "held", shown(drain(t, s)), "1-1:a 2-2:c")
	if len(m.files) != 3 {
		t.Errorf("got files %v, want two batches and the position", m.files)
	}
}

// Whatever step fails once, Append says so, nothing half-written stays and later ones work.
func TestAppendAfterAnyFailingStep(t *testing.T) {
	for step := range 3 {
		m := newMemory()
		d := &failing{memory: m}
		s := mustOpen(t, d, Options{})
		mustAppend(t, s, "a")
		d.in = step + 1
		if err := s.Append([]byte("b"), 1); err == nil {
			t.Fatalf("step %d: got no error", step)
		}
		mustAppend(t, s, "c")
		s = mustOpen(t, m.killed(), Options{})
		want(t, fmt.Sprintf("step %d", step), shown(drain(t, s)), "1-1:a 2-2:c")
	}
}

type failing struct {
	*memory
	in int // fails when it comes to 0
}

func (f *failing) fail() error {
	if f.in--; f.in == 0 {
		return errors.New("input/output error")
	}
	return nil
}

func (f *failing) Write(name string, data []byte) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.memory.Write(name, data)
}

func (f *failing) Rename(from, to string) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.memory.Rename(from, to)
}

func (f *failing) Sync() error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.memory.Sync()
}

func (f *failing) Read(name string) ([]byte, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.memory.Read(name)
}

func TestABatchThatCannotBeReadForAMomentIsNotLost(t *testing.T) {
	d := &failing{memory: newMemory()}
	s := mustOpen(t, d, Options{})
	mustAppend(t, s, "a", "b")
	d.in = 1
	if _, _, err := s.Next(0); err == nil {
		t.Fatal("got no error")
	}
	want(t, "held", shown(drain(t, s)), "1-1:a 2-2:b")
	d.in = 1
	s = mustOpen(t, d, Options{})
	b := drain(t, s)
	want(t, "held, unreadable at start", shown(b), "1-1:a 2-2:b")
	if err := s.Ack(b[1].Stream, 2, b[1].CRC); err != nil || s.State().Bytes != 0 {
		t.Errorf("got %v, %d bytes; want none", err, s.State().Bytes)
	}
}

func TestASpoolThatCannotMakeRoomSaysSoOnce(t *testing.T) {
	var log bytes.Buffer
	d := &locked{memory: newMemory()}
	s := mustOpen(t, d, Options{MaxFiles: 2, Log: slog.New(slog.NewTextHandler(&log, nil))})
	d.moves = errors.New("input/output error")
	mustAppend(t, s, "a", "b", "c", "d", "e")
	if got := strings.Count(log.String(), "spool can't write"); got != 1 || s.State().Error == "" {
		t.Errorf("got it said %d times, state %+v; want once, and told in the state\n%s", got, s.State(), &log)
	}
	d.moves = nil
	mustAppend(t, s, "f")
	if st := s.State(); st.Error != "" || st.Envelopes != 2 || st.Dropped != 4 {
		t.Errorf("got %+v, want 2 held, 4 dropped, no error any more", st)
	}
}

// locked is a folder of which some files can't be read.
type locked struct {
	*memory
	names []string
	syncs error
	moves error // of the position
}

func (l *locked) Rename(from, to string) error {
	if l.moves != nil && strings.HasSuffix(from, positionEnding) {
		return l.moves
	}
	return l.memory.Rename(from, to)
}

func (l *locked) Read(name string) ([]byte, error) {
	if slices.Contains(l.names, name) {
		return nil, fs.ErrPermission
	}
	return l.memory.Read(name)
}

func (l *locked) Sync() error { return errors.Join(l.syncs, l.memory.Sync()) }

func TestABatchCountsAsDamagedOnlyWhenItCouldNotBeReadForAWhile(t *testing.T) {
	now := time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)
	d := &locked{memory: newMemory()}
	s := mustOpen(t, d, Options{Now: func() time.Time { return now }})
	mustAppend(t, s, "a", "b")
	d.names = []string{s.batches[0].name()}
	for range 100 { // however often it is tried
		if _, _, err := s.Next(0); !errors.Is(err, fs.ErrPermission) {
			t.Fatalf("got %v, want permission denied", err)
		}
	}
	now = now.Add(-24 * time.Hour) // nor is a clock that jumps a reason
	if _, _, err := s.Next(0); !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("got %v, want permission denied", err)
	}
	want(t, "behind it", shown(nextOf(t, s, 1)), "2-2:b")
	now = now.Add(time.Minute)
	want(t, "after a minute", shown(drain(t, s)), "2-2:b")
	if st := s.State(); st.Damaged != 1 || st.Dropped != 1 {
		t.Errorf("got %+v, want 1 damaged, 1 dropped", st)
	}
}

func nextOf(tb testing.TB, s *Spool, after uint64) []Batch {
	tb.Helper()
	b, ok, err := s.Next(after)
	if err != nil || !ok {
		tb.Fatalf("next after %d: got %v, %v", after, ok, err)
	}
	return []Batch{b}
}

func TestBatchesThatCannotBeReadDoNotKeepAFullSpoolFromFolding(t *testing.T) {
	d := &locked{memory: newMemory()}
	s := mustOpen(t, d, Options{MaxFiles: 6, Fold: join(100)})
	mustAppend(t, s, "a", "b", "c", "d", "e", "f")
	d.names = []string{s.batches[0].name(), s.batches[3].name()}
	mustAppend(t, s, "g", "h", "i", "j")
	if st := s.State(); st.Envelopes > 6 || st.Dropped != 0 || st.Error != "" {
		t.Errorf("got %+v, want at most 6 held, none dropped", st)
	}
	d.names = nil
	held := ""
	for _, b := range drain(t, s) {
		held += string(b.Payload) + ","
	}
	want(t, "held", held, "a,b,c,d,e,f,g,h,i,j,")
}

func TestABatchSetAsideWhileTheFolderCannotBeSyncedIsCountedOnce(t *testing.T) {
	d := &locked{memory: newMemory()}
	s := mustOpen(t, d, Options{})
	mustAppend(t, s, "a1,a2", "b")
	drain(t, s)
	d.files[s.batches[0].name()] = nil
	d.syncs = errors.New("input/output error")
	drain(t, s)
	d.syncs = nil
	want(t, "held", shown(drain(t, s)), "2-2:b")
	for what, s := range map[string]*Spool{"running": s, "after another start": mustOpen(t, d.killed(), Options{})} {
		if st := s.State(); st.Damaged != 1 || st.Dropped != 2 {
			t.Errorf("%s: got %+v, want 1 damaged, 2 dropped", what, st)
		}
	}
}

func TestAMachineWhoseDiskTakesNothingStillNoticesThatItWasRestored(t *testing.T) {
	m := newMemory()
	d := &failing{memory: m}
	s := mustOpen(t, d, Options{})
	mustAppend(t, s, "a", "b")
	stream := drain(t, s)[0].Stream
	d.in = 1
	if err := s.Ack(stream, 9, 1); err == nil || s.State().Stream == stream || s.State().Error == "" {
		t.Fatalf("got %v, %+v; want a new stream, and that it can't be written yet", err, s.State())
	}
	d.in = 2 // reading is well
	if b, ok, err := s.Next(0); err == nil {
		t.Fatalf("got %+v, %v; want nothing sent of a stream that is not on disk", b, ok)
	}
	want(t, "held", shown(drain(t, s)), "1-1:a 2-2:b")
	if got := mustOpen(t, m.killed(), Options{}).State().Stream; got != s.State().Stream {
		t.Errorf("got stream %s after another start, want %s", got, s.State().Stream)
	}
}

// damage is every cut and every flipped bit of a file.
func damage(data []byte) func(func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for n := range data {
			if !yield(fmt.Sprintf("cut to %d bytes", n), data[:n]) {
				return
			}
		}
		for bit := range len(data) * 8 {
			flipped := bytes.Clone(data)
			flipped[bit/8] ^= 1 << (bit % 8)
			if !yield(fmt.Sprintf("bit %d flipped", bit), flipped) {
				return
			}
		}
		yield("a byte more", append(bytes.Clone(data), 0))
	}
}

func TestADamagedFileCostsItselfOnly(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, Options{})
	mustAppend(t, s, "a", "b1,b2", "c")
	const name = "000000000002-000000000002-r2.batch"
	check := func(t *testing.T, what string, m *memory, s *Spool) {
		t.Helper()
		b, ok, err := s.Next(0)
		if err != nil || !ok || string(b.Payload) != "a" {
			t.Fatalf("%s: got %q, %v, %v; want a", what, b.Payload, ok, err)
		}
		if gap, ok, err := s.Next(1); ok || err != nil { // sets 2 aside, if Open hasn't
			t.Fatalf("%s: got %+v, %v behind the gap before the ack", what, gap, err)
		}
		if err := s.Ack(b.Stream, 1, b.CRC); err != nil {
			t.Fatal(err)
		}
		b, ok, err = s.Next(1)
		if err != nil || !ok || string(b.Payload) != "c" || b.Seq != 3 || b.Oldest != 3 || b.Lost != 2 {
			t.Fatalf("%s: got %+v, %v, %v; want c, number and oldest 3, 2 lost", what, b, ok, err)
		}
		if st := s.State(); st.Damaged != 1 || st.Dropped != 2 || st.Envelopes != 1 || st.Bytes != int64(headerSize+1) {
			t.Fatalf("%s: got %+v", what, st)
		}
		if _, ok := m.files["000000000002-000000000002-r2.1.lost2.bad"]; !ok {
			t.Fatalf("%s: got files %v, want the damaged one set aside", what, slices.Sorted(keys(m.files)))
		}
		if again := mustOpen(t, m.killed(), Options{}).State(); again.Lost != 2 || again.Damaged != 1 {
			t.Fatalf("%s: after another start got %+v, want the same counts", what, again)
		}
	}
	for what, data := range damage(m.files[name]) {
		atStart, running := m.killed(), m.killed()
		atStart.files[name] = data
		check(t, what+" at start", atStart, mustOpen(t, atStart, Options{}))
		s := mustOpen(t, running, Options{})
		running.files[name] = data
		check(t, what+" while running", running, s)
	}
}

func keys(files map[string][]byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	}
}

func TestEveryKindOfStrangeFolderIsSurvived(t *testing.T) {
	filled := func() *memory {
		m := newMemory()
		s := mustOpen(t, m, Options{})
		mustAppend(t, s, "a", "b", "c")
		return m
	}
	place := func(m *memory) string {
		for name := range m.files {
			if strings.HasSuffix(name, positionEnding) {
				return name
			}
		}
		return ""
	}
	const second = "000000000002-000000000002-r1.batch"
	for _, c := range []struct {
		name    string
		change  func(m *memory)
		held    string
		same    bool // stream
		damaged int
		lost    int64
	}{
		{"nothing strange", func(*memory) {}, "1-1:a 2-2:b 3-3:c", true, 0, 0},
		{"files of others", func(m *memory) { m.files["Thumbs.db"], m.files["x.bad"] = nil, nil }, "1-1:a 2-2:b 3-3:c", true, 0, 0},
		{"a half-written file", func(m *memory) { m.files["000000000004-000000000004-r1.batch.tmp"] = []byte("z") }, "1-1:a 2-2:b 3-3:c", true, 0, 0},
		{"a file renamed by hand", func(m *memory) {
			m.files["000000000009-000000000009-r1.batch"] = m.files[second]
			delete(m.files, second)
		}, "1-1:a", true, 1, 1},
		{"a batch named nonsense", func(m *memory) { m.files["nonsense.batch"] = m.files[second] }, "1-1:a 2-2:b 3-3:c", true, 1, 0},
		{"a very long name", func(m *memory) { m.files[strings.Repeat("x", 249)+".batch"] = nil }, "1-1:a 2-2:b 3-3:c", true, 1, 0},
		{"no position", func(m *memory) { delete(m.files, place(m)) }, "1-1:a 2-2:b 3-3:c", false, 0, 0},
		{"two positions", func(m *memory) {
			p := position{stream: newStream(), dropped: 7}
			m.files[p.name()] = nil
		}, "1-1:a 2-2:b 3-3:c", false, 0, 0},
		{"a position beyond what is held", func(m *memory) {
			delete(m.files, place(m))
			p := position{stream: newStream(), base: 2}
			m.files[p.name()] = nil
		}, "1-1:a 2-2:b 3-3:c", false, 0, 0},
		{"all batches damaged", func(m *memory) {
			for name := range m.files {
				if strings.HasSuffix(name, ending) {
					m.files[name] = []byte("z")
				}
			}
		}, "", false, 3, 3},
		{"a batch twice under two names", func(m *memory) {
			e := entry{first: 2, seq: 2, records: 5, crc: checksum([]byte("q"))}
			m.files[e.name()] = e.appendFile(nil, []byte("q"))
		}, "1-1:a 2-2:q 3-3:c", true, 1, 1},
		{"numbers that overlap in part", func(m *memory) {
			e := entry{first: 2, seq: 7, records: 5, crc: checksum([]byte("q"))}
			m.files[e.name()] = e.appendFile(nil, []byte("q"))
			e = entry{first: 6, seq: 8, records: 5, crc: checksum([]byte("q"))}
			m.files[e.name()] = e.appendFile(nil, []byte("q"))
		}, "1-1:a 2-7:q", true, 1, 5},
		{"a fold whose parts are still there", func(m *memory) {
			e := entry{first: 1, seq: 2, records: 2, crc: checksum([]byte("a,b"))}
			m.files[e.name()] = e.appendFile(nil, []byte("a,b"))
		}, "1-2:a,b 3-3:c", true, 0, 0},
		{"a damaged fold whose parts are still there", func(m *memory) {
			m.files["000000000001-000000000002-r2.batch"] = []byte("z")
		}, "1-1:a 2-2:b 3-3:c", true, 1, 0},
		{"a batch removed by hand", func(m *memory) { delete(m.files, second) }, "1-1:a", true, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := filled()
			before, _, _ := strings.Cut(place(m), " ")
			c.change(m)
			s := mustOpen(t, m, Options{})
			st := s.State()
			want(t, "held", shown(drain(t, s)), c.held)
			if same := st.Stream == before; same != c.same || st.Damaged != c.damaged || st.Lost != c.lost {
				t.Errorf("got same stream %v, %+v; want %v, %d damaged, %d lost", same, st, c.same, c.damaged, c.lost)
			}
			for name := range m.files {
				if strings.HasSuffix(name, beside) {
					t.Errorf("%s is still there", name)
				}
			}
		})
	}
}

func TestNumbersOfADamagedNewestBatchAreNotUsedAgain(t *testing.T) {
	m := newMemory()
	s := mustOpen(t, m, Options{})
	mustAppend(t, s, "a", "b")
	drain(t, s)
	m.files["000000000002-000000000002-r1.batch"] = nil
	s = mustOpen(t, m, Options{})
	mustAppend(t, s, "c")
	b, _, err := s.Next(0)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Ack(b.Stream, b.Seq, b.CRC)
	want(t, "held", shown(drain(t, s)), "3-3:c")
}

func TestOnlySomeDamagedFilesAreKept(t *testing.T) {
	m := newMemory()
	for i := range mostAside + 20 {
		m.files[asideName("x", uint64(i+1), 0)] = nil
	}
	mustOpen(t, m, Options{})
	if got := len(m.files); got != mostAside+1 { // and the position
		t.Errorf("got %d files, want %d", got, mostAside+1)
	}
}

func TestStateTellsWhatIsHeld(t *testing.T) {
	now := time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)
	s := mustOpen(t, newMemory(), Options{Now: func() time.Time { return now }})
	if got := s.State(); got.Envelopes != 0 || !got.Oldest.IsZero() {
		t.Errorf("empty: got %+v", got)
	}
	mustAppend(t, s, "a")
	now = now.AddDate(-10, 0, 0) // a clock that jumps changes nothing but what it says
	mustAppend(t, s, "bb")
	got := s.State()
	if got.Envelopes != 2 || got.Bytes != 2*headerSize+3 || got.Oldest != time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC) {
		t.Errorf("got %+v", got)
	}
	select {
	case <-s.Changed():
	default:
		t.Error("Changed: got nothing, want a signal")
	}
}

func TestAppendNextAndAckAtTheSameTime(t *testing.T) {
	s, err := Open(Options{Dir: t.TempDir(), MaxFiles: 20, Fold: join(1 << 10)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const all = 100
	var group sync.WaitGroup
	group.Go(func() {
		for i := range all {
			if err := s.Append(fmt.Appendf(nil, "%d", i), 1); err != nil {
				t.Error(err)
			}
			_ = s.State()
		}
	})
	var got []string
	group.Go(func() {
		deadline := time.After(20 * time.Second)
		for len(got) < all {
			b, ok, err := s.Next(0)
			switch {
			case err != nil:
				t.Error(err)
				return
			case ok:
				got = append(got, strings.Split(string(b.Payload), ",")...)
				if err := s.Ack(b.Stream, b.Seq, b.CRC); err != nil {
					t.Error(err)
				}
				continue
			}
			select {
			case <-s.Changed():
			case <-deadline:
				t.Errorf("got only %d of %d", len(got), all)
				return
			}
		}
	})
	group.Wait()
	for i, g := range got {
		if g != fmt.Sprint(i) {
			t.Fatalf("place %d: got %s", i, g)
		}
	}
}

func TestOpenSaysWhichFolderItCannotUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Options{Dir: filepath.Join(path, "spool")})
	if err == nil || !strings.HasPrefix(err.Error(), "open spool: ") || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
}

func TestARealFolderAfterAFailedWriteHoldsNothingOfIt(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("needs a folder that refuses to be written")
	}
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := s.Append([]byte("a"), 1); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, want %v", err, fs.ErrPermission)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, "b")
}

// Whatever bytes stand under whatever name, Open works, and what it gives is what was meant.
func FuzzOpen(f *testing.F) {
	m := newMemory()
	s := mustOpen(f, m, Options{})
	mustAppend(f, s, "a", "b,c")
	for name, data := range m.files {
		f.Add(name, data)
		f.Add(strings.Replace(name, "1", "2", 1), data)
	}
	f.Add("x.7.lost9.bad", []byte("x"))
	f.Add("0-0-r-1.batch", []byte("0"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		m := m.killed()
		m.files[name] = data
		s, err := open(Options{MaxFiles: 1, Fold: join(100)}, m)
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, s, "d")
		for {
			b, ok, err := s.Next(0)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if b.First < b.Oldest || b.Seq < b.First || b.CRC != checksum(b.Payload) || b.Lost < 0 {
				t.Fatalf("got %+v", b)
			}
			if err := s.Ack(b.Stream, b.Seq, b.CRC); err != nil {
				t.Fatal(err)
			}
		}
		if st := s.State(); st.Envelopes != 0 || st.Bytes != 0 {
			t.Fatalf("all acknowledged, got %+v", st)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	s, err := Open(Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	payload := bytes.Repeat([]byte("x"), 25<<10)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Append(payload, 100); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	payload := bytes.Repeat([]byte("x"), 25<<10)
	for range 1000 {
		if err := s.Append(payload, 100); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		_ = s.Close()
		if s, err = Open(Options{Dir: dir}); err != nil {
			b.Fatal(err)
		}
	}
	_ = s.Close()
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/batch")
}
