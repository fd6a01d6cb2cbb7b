package tail

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
)

// server is a fax server with its log, and an agent that follows it.
type server struct {
	t    *testing.T
	dir  string // of the logs
	data string // of the agent
	path string // what is followed

	now     time.Time
	tail    *Tail
	full    bool // the spool has no room
	broken  bool // nothing can be written
	most    int  // bytes of a batch; 0 = the usual
	numbers string
	books   time.Time // put back from a backup; zero: never
	log     bytes.Buffer

	batches int
	twice   int             // events that came again
	events  map[string]bool // by key
	written map[string]bool // rows of the log, by number
}

func newServer(t *testing.T, pattern string) *server {
	s := &server{
		t: t, dir: t.TempDir(), data: t.TempDir(), now: time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC),
		events: map[string]bool{}, written: map[string]bool{},
	}
	s.path = filepath.Join(s.dir, pattern)
	s.start()
	t.Cleanup(func() { s.kill() })
	return s
}

// start is a start of the agent after a kill: only what is on disk is known.
func (s *server) start() {
	s.kill()
	profile, _ := journal.Builtin("hylafax")
	s.tail = New(Options{
		Journals: []Journal{{Name: "hylafax", Path: s.path, Rules: s.numbers, Reader: func() (Reader, error) {
			return profile.Reader(journal.Place{Journal: "hylafax", Zone: time.UTC, Line: "0241354512"})
		}}},
		Dir: s.data, Put: s.put, Ready: func() bool { return !s.full }, MaxBatch: s.most,
		Books: func() wire.Time {
			if s.books.IsZero() {
				return 0
			}
			return wire.TimeOf(s.books)
		},
		Log: slog.New(slog.NewTextHandler(&s.log, nil)), Now: func() time.Time { return s.now },
	})
}

// kill leaves the agent as kill -9 does: it keeps nothing.
func (s *server) kill() {
	if s.tail != nil {
		for _, file := range s.tail.followers[0].files {
			file.close()
		}
	}
}

func (s *server) put(payload []byte, records int) error {
	if s.broken {
		return errors.New("disk full")
	}
	_, events, err := wire.DecodeReadings(payload)
	if err != nil || len(events) != records {
		s.t.Errorf("got %d events, %v; want %d", len(events), err, records)
	}
	s.batches++
	for _, e := range events {
		if s.events[e.Key] {
			s.twice++
		}
		s.events[e.Key] = true
	}
	return nil
}

// look has the agent look once, as it does each second.
func (s *server) look() {
	s.now = s.now.Add(time.Second)
	s.tail.followers[0].look(context.Background())
}

func row(number int) string {
	return fmt.Sprintf("11/03/26 08:%02d\tSEND\t%09d\tttyS0\t41\t\"\"\tccardio\t\"0241354000\"\t\"CHU\"\t1234\t%d\t0:01:10\t0:01:31\t\"\"\n", number%60, number, number%7+1)
}

// rows are those of a file, which all are to arrive.
func (s *server) rows(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		s.written[row(i)] = true
		b.WriteString(row(i))
	}
	return b.String()
}

func (s *server) appends(name, text string) {
	s.t.Helper()
	file, err := os.OpenFile(filepath.Join(s.dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) replaces(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) renames(from, to string) {
	s.t.Helper()
	if err := os.Rename(filepath.Join(s.dir, from), filepath.Join(s.dir, to)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) removes(name string) {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
		s.t.Fatal(err)
	}
}

// all wants every row to have arrived, and as one event each.
func (s *server) all() {
	s.t.Helper()
	if got, want := len(s.events), len(s.written); got != want {
		s.t.Errorf("got %d events, want %d", got, want)
	}
}

// once wants besides that nothing was handed on twice.
func (s *server) once() {
	s.t.Helper()
	s.all()
	if s.twice > 0 {
		s.t.Errorf("%d events came again, want none", s.twice)
	}
}

func (s *server) state() Status { return s.tail.State()[0] }

func TestAppendedRowsAreHandedOnOnceEach(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	s.appends("xferfaxlog", s.rows(1, 3))
	s.look()
	s.look()
	s.once()
	s.appends("xferfaxlog", s.rows(4, 4))
	s.look()
	s.once()
	got := s.state()
	if got.Events != 4 || got.Files != 1 || got.Read != got.Size || got.Size == 0 || got.Last == 0 || got.Error != "" || got.File != s.path {
		t.Errorf("got %+v, want 4 events, all read", got)
	}
}

func TestARowThatIsBeingWrittenIsWaitedFor(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	text := s.rows(1, 2)
	s.appends("xferfaxlog", text[:len(row(1))+20])
	s.look()
	if len(s.events) != 1 {
		t.Errorf("got %d events, want 1 while the second row is half written", len(s.events))
	}
	s.appends("xferfaxlog", text[len(row(1))+20:])
	s.look()
	s.once()
}

func TestALastRowWithoutALineEndIsTakenOnceTheFileHasSettled(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	s.appends("xferfaxlog", strings.TrimSuffix(s.rows(1, 2), "\n"))
	s.look()
	if len(s.events) != 1 {
		t.Errorf("got %d events, want 1 at first", len(s.events))
	}
	s.now = s.now.Add(settles)
	s.look()
	s.once()
	s.appends("xferfaxlog", "\n"+s.rows(3, 3))
	s.look()
	s.once()
	if n := s.state().Rejected; n != 0 {
		t.Errorf("%d rows rejected, want none", n)
	}
}

func TestRotationLosesNothingAndRepeatsNothing(t *testing.T) {
	copied := func(s *server, to string) {
		data, err := os.ReadFile(s.path)
		if err != nil {
			s.t.Fatal(err)
		}
		s.replaces(to, string(data))
	}
	for name, rotate := range map[string]func(*server){
		"by renaming": func(s *server) {
			s.renames("xferfaxlog", "xferfaxlog.1")
			s.appends("xferfaxlog", s.rows(100, 110))
		},
		"by renaming, and the new file comes later": func(s *server) {
			s.renames("xferfaxlog", "xferfaxlog-20261103")
			s.look()
			s.look()
			s.appends("xferfaxlog", s.rows(100, 110))
		},
		"by copying and emptying": func(s *server) {
			copied(s, "xferfaxlog.1")
			s.replaces("xferfaxlog", "")
			s.look()
			s.appends("xferfaxlog", s.rows(100, 110))
		},
		"by copying, and the emptied file is as long again at once": func(s *server) {
			copied(s, "xferfaxlog.1")
			s.replaces("xferfaxlog", s.rows(100, 180))
		},
		"and the writer goes on in the old file for a while": func(s *server) {
			s.renames("xferfaxlog", "xferfaxlog.1")
			s.appends("xferfaxlog", s.rows(100, 110))
			s.look()
			s.appends("xferfaxlog.1", s.rows(50, 55))
		},
		"twice before anybody looks": func(s *server) {
			s.renames("xferfaxlog", "xferfaxlog.1")
			s.appends("xferfaxlog", s.rows(100, 110))
			s.look()
			s.appends("xferfaxlog", s.rows(111, 112))
			s.renames("xferfaxlog.1", "xferfaxlog.2")
			s.renames("xferfaxlog", "xferfaxlog.1")
			s.appends("xferfaxlog", s.rows(200, 210))
		},
		"twice between two looks": func(s *server) {
			s.renames("xferfaxlog", "xferfaxlog.2")
			s.appends("xferfaxlog", s.rows(100, 110))
			s.renames("xferfaxlog", "xferfaxlog.1")
			s.appends("xferfaxlog", s.rows(200, 210))
		},
		"by copying and then by renaming, between two looks": func(s *server) {
			copied(s, "xferfaxlog.2")
			s.replaces("xferfaxlog", s.rows(100, 104))
			s.renames("xferfaxlog", "xferfaxlog.1")
		},
		"and the old file is packed at once": func(s *server) {
			data, err := os.ReadFile(s.path)
			if err != nil {
				s.t.Fatal(err)
			}
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			_, _ = w.Write(data)
			_ = w.Close()
			s.replaces("xferfaxlog.1.gz", packed.String())
			s.removes("xferfaxlog")
			s.appends("xferfaxlog", s.rows(100, 110))
		},
	} {
		for _, restart := range []bool{false, true} {
			for _, pattern := range []string{"xferfaxlog", "xferfaxlog*"} {
				t.Run(fmt.Sprintf("%s, %s, restart %v", name, pattern, restart), func(t *testing.T) {
					s := newServer(t, pattern)
					s.path = filepath.Join(s.dir, "xferfaxlog")
					s.appends("xferfaxlog", s.rows(1, 30))
					s.look()
					s.appends("xferfaxlog", s.rows(31, 33)) // not read before it moves
					rotate(s)
					if restart {
						s.path = filepath.Join(s.dir, pattern)
						s.start()
					}
					s.look()
					s.look()
					s.once()
				})
			}
		}
	}
}

func TestAFileThatIsDeletedBeforeItIsReadToItsEndIsReadThroughItsHandle(t *testing.T) {
	if !keepOpen {
		t.Skip("files aren't held open here")
	}
	s := newServer(t, "xferfaxlog")
	s.appends("xferfaxlog", s.rows(1, 5))
	s.look()
	s.appends("xferfaxlog", s.rows(6, 7))
	s.removes("xferfaxlog")
	s.look()
	s.once()
}

func TestAnEmptiedFileIsReadFromItsBeginning(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	s.appends("xferfaxlog", s.rows(1, 30))
	s.look()
	s.replaces("xferfaxlog", s.rows(40, 41))
	s.look()
	s.once()
}

// What the collector had when it made a backup is all that it has when that is put back; the files have the rest.
func TestOtherBooksHaveTheJournalReadAgainOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t, "xferfaxlog")
	s.books = s.now.AddDate(0, -1, 0) // long before: nothing was read yet
	s.appends("xferfaxlog", s.rows(1, 10))
	s.look()
	for name, lose := range map[string]func(){
		"while the agent runs":    func() {},
		"while the agent doesn't": s.start,
	} {
		rotated := filepath.Join(s.dir, "xferfaxlog."+fmt.Sprint(len(s.written)))
		if err := os.Rename(s.path, rotated); err != nil {
			t.Fatal(err)
		}
		s.appends("xferfaxlog", s.rows(len(s.written)+1, len(s.written)+5))
		s.look()
		s.look()
		s.now = s.now.Add(2 * lingers) // the rotated one is out of sight
		s.look()
		s.wantAll(t, name+", before")
		clear(s.events)
		s.books = s.now
		lose()
		s.look()
		s.look()
		s.wantAll(t, name)
		if told := s.tail.State()[0].Events; told != int64(len(s.written)) {
			t.Errorf("%s: got %d events told, want %d", name, told, len(s.written))
		}
		s.twice = 0
		s.look()
		s.start()
		s.look()
		if s.twice > 0 {
			t.Errorf("%s: got %d rows read yet again", name, s.twice)
		}
	}
}

// What was rotated long ago is followed no more, and nothing of the new file is read yet.
func TestOtherBooksHaveARotatedJournalReadAgainWhileTheNewOneIsEmpty(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	s.books = s.now.AddDate(0, -1, 0)
	s.appends("xferfaxlog", s.rows(1, 10))
	s.look()
	if err := os.Rename(s.path, s.path+".1"); err != nil {
		t.Fatal(err)
	}
	s.appends("xferfaxlog", "")
	s.look()
	s.now = s.now.Add(2 * lingers)
	s.look()
	clear(s.events)
	s.books = s.now
	s.look()
	s.appends("xferfaxlog", s.rows(11, 12))
	s.look()
	s.wantAll(t, "afterwards")
}

func (s *server) wantAll(t *testing.T, when string) {
	t.Helper()
	if len(s.events) != len(s.written) {
		t.Errorf("%s: got %d events, want %d", when, len(s.events), len(s.written))
	}
}

func TestNewFilesOfAPatternAreTakenUp(t *testing.T) {
	s := newServer(t, "cdr_*")
	s.appends("cdr_1", s.rows(1, 5))
	s.appends("other", row(99))
	s.look()
	s.appends("cdr_2", s.rows(6, 9))
	s.look()
	s.appends("cdr_1", s.rows(10, 11))
	s.look()
	s.once()
	if got := s.state(); got.Files != 2 {
		t.Errorf("got %d files, want 2", got.Files)
	}
}

func TestAnOverlappingCopyAddsNothing(t *testing.T) {
	s := newServer(t, "xferfaxlog*")
	s.appends("xferfaxlog", s.rows(1, 50))
	s.look()
	s.appends("xferfaxlog.saved", s.rows(1, 50))
	s.look()
	s.all()
}

func TestAFileThatIsAwayForAWhileIsReadOn(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	s.appends("xferfaxlog", s.rows(1, 30))
	s.look()
	s.renames("xferfaxlog", "elsewhere")
	s.look()
	if got := s.state(); !strings.Contains(got.Error, "does not exist") {
		t.Errorf("got error %q, want that the file isn't there", got.Error)
	}
	s.appends("elsewhere", s.rows(31, 35))
	s.start()
	s.look()
	s.renames("elsewhere", "xferfaxlog")
	s.look()
	s.once()
	if got := s.state(); got.Error != "" {
		t.Errorf("got error %q, want none", got.Error)
	}
	if n := strings.Count(s.log.String(), "can't be followed for now"); n != 2 {
		t.Errorf("said %d times that it is away, want once a start:\n%s", n, &s.log)
	}
}

func TestAFileThatMayNotBeReadIsReadWhenItMay(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	s := newServer(t, "xferfaxlog")
	s.appends("xferfaxlog", s.rows(1, 3))
	if err := os.Chmod(s.path, 0); err != nil {
		t.Fatal(err)
	}
	s.look()
	if got := s.state(); !strings.Contains(got.Error, "denied") {
		t.Errorf("got error %q, want that it may not be read", got.Error)
	}
	if err := os.Chmod(s.path, 0o600); err != nil {
		t.Fatal(err)
	}
	s.look()
	s.once()
}

func TestAHugeFileGoesNoFasterThanTheSpoolIsEmptied(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	s.most = 2000
	s.start()
	s.appends("xferfaxlog", s.rows(1, 500))
	taken := s.tail.opts.Put
	s.tail.opts.Put = func(payload []byte, records int) error {
		if len(payload) > 2*s.most {
			t.Errorf("a batch of %d bytes, want about %d", len(payload), s.most)
		}
		err := taken(payload, records)
		s.full = s.batches%4 == 0
		return err
	}
	for looks := 0; len(s.events) < 500 && looks < 100; looks++ {
		before := s.batches
		s.full = false
		s.look()
		if n := s.batches - before; n > 4 {
			t.Fatalf("%d batches at one look, want at most 4", n)
		}
		if got := s.state(); len(s.events) < 500 && got.Read >= got.Size {
			t.Errorf("got %d of %d bytes read while something is left", got.Read, got.Size)
		}
		s.full = true
		s.look()
	}
	s.once()
}

func TestKillsAndFullDisksLoseNothingAndCountNothingTwice(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	s.most = 1000
	s.start()
	for i := range 60 {
		s.appends("xferfaxlog", s.rows(i*10, i*10+9))
		s.broken = i%5 == 3
		s.look()
		switch i % 7 {
		case 2:
			s.start()
		case 5: // between the spool and the position
			old, err := os.ReadFile(filepath.Join(s.data, "journal-hylafax.json"))
			if err != nil {
				t.Fatal(err)
			}
			s.appends("xferfaxlog", s.rows(i*10+1000, i*10+1002))
			s.look()
			if err := os.WriteFile(filepath.Join(s.data, "journal-hylafax.json"), old, 0o600); err != nil {
				t.Fatal(err)
			}
			s.start()
		}
		if i == 30 {
			s.renames("xferfaxlog", "xferfaxlog.1")
		}
	}
	s.broken = false
	s.look()
	s.all()
}

func TestEqualRowsAreAsManyFaxesAfterARestart(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	for range 3 {
		s.appends("xferfaxlog", row(1))
		s.look()
		s.start()
	}
	if len(s.events) != 3 {
		t.Errorf("got %d events, want 3: each row is another fax", len(s.events))
	}
}

func TestWithoutItsPositionAllIsReadAgainAndNothingIsNew(t *testing.T) {
	for name, spoil := range map[string]func(string) error{
		"it is gone":    os.Remove,
		"it is damaged": func(path string) error { return os.WriteFile(path, []byte(`{"files":[{"pa`), 0o600) },
		"no state in it": func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, bytes.Replace(data, []byte(`"state":"`), []byte(`"was":"`), 1), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, "xferfaxlog")
			s.appends("xferfaxlog", s.rows(1, 20)+row(20))
			s.look()
			if err := spoil(filepath.Join(s.data, "journal-hylafax.json")); err != nil {
				t.Fatal(err)
			}
			s.start()
			s.appends("xferfaxlog", s.rows(21, 22))
			s.look()
			if got, want := len(s.events), 23; got != want {
				t.Errorf("got %d events, want %d", got, want)
			}
		})
	}
}

func TestOtherNumbersMeanThatAllIsReadAgain(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	s.appends("xferfaxlog", s.rows(1, 5))
	s.look()
	s.numbers = "0241*"
	s.start()
	s.look()
	s.all()
	if s.twice != 5 || s.state().Events != 5 {
		t.Errorf("%d events came again, %d counted; want 5 and 5", s.twice, s.state().Events)
	}
}

func TestWhatCannotBeReadIsCountedWithItsReasonAndToldWithoutNumbers(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	bad := strings.Replace(row(7), "11/03/26", "31/12/26", 1)
	s.appends("xferfaxlog", s.rows(1, 2)+bad+bad+strings.Replace(row(8), "SEND", "PAGE", 1)+s.rows(3, 3))
	s.look()
	s.once()
	got := s.state()
	if want := map[journal.Why]int64{journal.BadDate: 2, journal.OtherType: 1}; got.Rejected != 2 || got.Skipped != 1 || !maps.Equal(got.Why, want) {
		t.Errorf("got %+v, want 2 rejected for their date and 1 skipped", got)
	}
	if log := s.log.String(); strings.Count(log, "some rows can't be read") != 1 || strings.Contains(log, "024135") {
		t.Errorf("got log\n%s\nwant one line, without a number", log)
	}
}

func TestManyFilesAreFollowedWithoutHoldingThemOpen(t *testing.T) {
	s := newServer(t, "cdr_*")
	for i := range 3 * many {
		s.appends(fmt.Sprintf("cdr_%03d", i), s.rows(i*10, i*10+1))
	}
	s.look()
	s.now = s.now.Add(2 * lingers)
	s.look()
	held := slices.DeleteFunc(slices.Clone(s.tail.followers[0].files), func(f *file) bool { return f.handle == nil && f.reader == nil })
	if len(held) > 0 {
		t.Errorf("%d files are held, want none that was idle for hours", len(held))
	}
	s.appends("cdr_007", s.rows(5000, 5001))
	s.look()
	s.start()
	s.look()
	s.appends("cdr_008", s.rows(6000, 6001))
	s.look()
	s.once()
	for i := range 3 * many {
		s.removes(fmt.Sprintf("cdr_%03d", i))
	}
	s.look()
	s.now = s.now.Add(returns)
	s.look()
	if n := len(s.tail.followers[0].files); n != 0 {
		t.Errorf("%d files that have gone are known, want none", n)
	}
}

func TestFollowingEndsWithItsContext(t *testing.T) {
	s := newServer(t, "xferfaxlog")
	s.tail.opts.Every = time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	arrived := make(chan int, 100)
	s.tail.opts.Put = func(_ []byte, records int) error { arrived <- records; return nil }
	done := make(chan error, 1)
	go func() { done <- s.tail.Run(ctx) }()
	s.appends("xferfaxlog", s.rows(1, 2))
	select {
	case <-arrived:
	case <-time.After(10 * time.Second):
		t.Error("nothing arrived within 10 s")
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
