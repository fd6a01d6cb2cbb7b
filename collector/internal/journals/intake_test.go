package journals_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/collector/internal/journals"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is an intake that runs, with a clock that stands still.
type desk struct {
	*journals.Intake
	dir  string
	now  time.Time
	stop func() // and waits
}

func newDesk(t *testing.T, b journals.Books) *desk {
	t.Helper()
	d := &desk{dir: filepath.Join(t.TempDir(), "journals"), now: time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC)}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "of-a-crash"), []byte("0241354000"), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	d.Intake, err = journals.NewIntake(journals.IntakeOptions{
		Dir: d.dir, Room: func(string) error { return nil }, Books: b, Now: func() time.Time { return d.now }, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	d.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ended <- nil
	}
	t.Cleanup(d.stop)
	return d
}

// left are the files in its folder.
func (d *desk) left(t *testing.T) []os.DirEntry {
	t.Helper()
	files, err := os.ReadDir(d.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !so(); {
		if time.Now().After(deadline) {
			t.Fatalf("want within 10 s that %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// lines reads a row of each line.
func lines(from io.Reader) (journals.Rows, error) {
	return func(each func(journal.Row) error) error {
		text, err := io.ReadAll(from)
		for i := range strings.Count(string(text), "\n") {
			if err := each(faxes(i + 1)[i]); err != nil {
				return err
			}
		}
		return err
	}, nil
}

func TestAHandedInJournalIsGoneOnceItIsImported(t *testing.T) {
	t.Parallel()
	b := new(books)
	d := newDesk(t, b)
	if left := d.left(t); len(left) != 0 {
		t.Errorf("of a former run is left %v", left)
	}
	f, err := d.Keep("anne", `C:\logs\xferfaxlog`, strings.NewReader("a\nb\nc\n"))
	if err != nil || f.Size != 6 {
		t.Fatalf("got %+v, %v", f, err)
	}
	if _, err := d.File("bruno", f.ID); !errors.Is(err, journals.ErrNoFile) {
		t.Errorf("somebody else's: got %v, want ErrNoFile", err)
	}
	id, err := d.Start(t.Context(), anne, f, ledger.Import{}, lines)
	if err != nil || id != 7 {
		t.Fatalf("got import %d, %v", id, err)
	}
	await(t, "the file is gone", func() bool { return len(d.left(t)) == 0 })
	d.stop()
	if b.booked != 3 || !b.ended {
		t.Errorf("booked %d, ended %v, want 3 and done", b.booked, b.ended)
	}
}

func TestARunningImportTellsHowFarItIsAndIsCancelledByAnybodyWhoMay(t *testing.T) {
	t.Parallel()
	b := new(books)
	d := newDesk(t, b)
	f, err := d.Keep("anne", "xferfaxlog", strings.NewReader("abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	goOn := make(chan struct{})
	endless := func(from io.Reader) (journals.Rows, error) {
		return func(each func(journal.Row) error) error {
			_, _ = io.ReadFull(from, make([]byte, 3))
			for row := range int64(1 << 40) {
				if row == 10 {
					<-goOn
				}
				if err := each(journal.Row{Line: row + 1, Verdict: journal.Skipped}); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
	id, err := d.Start(t.Context(), anne, f, ledger.Import{}, endless)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "half of the file is read", func() bool {
		p, here := d.Progress(id)
		return here && p == journals.Progress{Read: 3, Size: 6}
	})
	if _, err := d.Start(t.Context(), anne, f, ledger.Import{}, endless); !errors.Is(err, journals.ErrBusy) {
		t.Errorf("started again: got %v, want ErrBusy", err)
	}
	if err := d.Drop("anne", f.ID); !errors.Is(err, journals.ErrBusy) {
		t.Errorf("dropped meanwhile: got %v, want ErrBusy", err)
	}
	close(goOn)
	if !d.Cancel(t.Context(), ledger.Author{Who: "bruno"}, id) {
		t.Error("it can't be cancelled")
	}
	if b.cancelled != "bruno" || b.ended {
		t.Errorf("cancelled by %q, ended %v, want by bruno", b.cancelled, b.ended)
	}
	if _, here := d.Progress(id); here || d.Cancel(t.Context(), anne, id) {
		t.Error("it goes on")
	}
	if left := d.left(t); len(left) != 0 {
		t.Errorf("left is %v", left)
	}
}

func TestACollectorThatStopsUndoesWhatItWasImporting(t *testing.T) {
	t.Parallel()
	b := new(books)
	d := newDesk(t, b)
	f, err := d.Keep("anne", "xferfaxlog", strings.NewReader(strings.Repeat("a\n", 100)))
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	slow := func(io.Reader) (journals.Rows, error) {
		return func(each func(journal.Row) error) error {
			<-stopped
			for _, row := range faxes(9000) {
				if err := each(row); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
	if _, err := d.Start(t.Context(), anne, f, ledger.Import{}, slow); err != nil {
		t.Fatal(err)
	}
	go close(stopped)
	d.stop()
	if b.ended == (b.cancelled == "anne") {
		t.Errorf("ended %v, cancelled by %q, want either", b.ended, b.cancelled)
	}
	if left := d.left(t); len(left) != 0 {
		t.Errorf("left is %v", left)
	}
}

func TestJournalsThatNobodyImportsDontFillTheDisk(t *testing.T) {
	t.Parallel()
	d := newDesk(t, new(books))
	keep := func() error {
		_, err := d.Keep("anne", "xferfaxlog", strings.NewReader("a"))
		return err
	}
	for range 10 {
		if err := keep(); err != nil {
			t.Fatal(err)
		}
	}
	if err := keep(); !errors.Is(err, journals.ErrTooMany) {
		t.Errorf("the eleventh: got %v, want ErrTooMany", err)
	}
	d.now = d.now.Add(25 * time.Hour)
	if err := keep(); err != nil || len(d.left(t)) != 1 {
		t.Errorf("a day later: got %v and %d files, want it to be the only one", err, len(d.left(t)))
	}
	full := errors.New("disk is full")
	d.Room = func(string) error { return full }
	if err := keep(); !errors.Is(err, full) || len(d.left(t)) != 1 {
		t.Errorf("without room: got %v and %d files", err, len(d.left(t)))
	}
}

func TestAJournalThatNobodyImportsIsGoneAfterADayThoughNoOtherComes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "journals")
	synctest.Test(t, func(t *testing.T) {
		in, err := journals.NewIntake(journals.IntakeOptions{
			Dir: dir, Room: func(string) error { return nil }, Books: new(books), Now: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = in.Run(ctx) }()
		if _, err := in.Keep("anne", "xferfaxlog", strings.NewReader("0241354000\n")); err != nil {
			t.Fatal(err)
		}
		left := func() int {
			synctest.Wait()
			files, _ := os.ReadDir(dir)
			return len(files)
		}
		time.Sleep(23 * time.Hour)
		if n := left(); n != 1 {
			t.Errorf("after 23 hours: got %d files, want 1", n)
		}
		time.Sleep(3 * time.Hour)
		if n := left(); n != 0 {
			t.Errorf("after 26 hours: got %d files, want none", n)
		}
	})
}

// told are the lines of a log.
type told chan string

func (c told) Write(line []byte) (int, error) {
	c <- string(line)
	return len(line), nil
}

func TestWhatStandsInAFileIsNotLogged(t *testing.T) {
	t.Parallel()
	log := make(told, 10)
	in, err := journals.NewIntake(journals.IntakeOptions{
		Dir: filepath.Join(t.TempDir(), "journals"), Room: func(string) error { return nil }, Books: new(books), Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- in.Run(ctx) }()
	f, err := in.Keep("anne", "patients.csv", strings.NewReader("Martin Anne"))
	if err == nil {
		_, err = in.Start(t.Context(), anne, f, ledger.Import{}, func(io.Reader) (journals.Rows, error) {
			return list(nil, errors.New(`line 1: file is of another format: "Martin Anne"`)), nil
		})
	}
	line := <-log
	cancel()
	if err := errors.Join(err, <-ended); err != nil {
		t.Error(err)
	}
	if !strings.Contains(line, "patients.csv") || strings.Contains(line, "Martin") {
		t.Errorf("got log %q, want the file's name and nothing of what stands in it", line)
	}
}
