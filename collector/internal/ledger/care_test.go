package ledger_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func (c *collector) backup(to string) {
	c.Helper()
	if _, err := ledger.Backup(context.Background(), c.path, to, false); err != nil {
		c.Fatal(err)
	}
}

func (c *collector) balanced() ledger.Balance {
	c.Helper()
	b, err := ledger.Verify(context.Background(), c.path)
	if err = errors.Join(err, b.Err()); err != nil {
		c.Fatal(err)
	}
	return b
}

func restore(path, from string) (ledger.Contents, string, error) {
	return ledger.Restore(context.Background(), path, from, ledger.RestoreOptions{
		Now: func() time.Time { return start.AddDate(0, 0, 3) }, By: ledger.Author{Who: "anne", Source: "restore"},
	})
}

func TestABackupIsTheLedgerAsItWasAtThatInstant(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(100))
	c.say("ps-01", sent(103))
	to := filepath.Join(t.TempDir(), "monday.db")
	got, err := ledger.Backup(context.Background(), c.path, to, false)
	if err != nil || got.Devices != 1 || got.Agents != 1 || got.AsOf != wire.TimeOf(c.now) || got.Balance.Activities != 1 {
		t.Errorf("got %+v, %v, want one device, one agent, one activity, as of now", got, err)
	}
	c.say("ps-01", sent(110))
	c.wantSent(10)
	made, err := c.Since(context.Background())
	if ago := time.Since(made.Std()); err != nil || ago < 0 || ago > time.Hour {
		t.Errorf("made: got %v ago, %v, want a moment ago", ago, err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("got %v, %v, want a file for its owner only", info, err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(to), "*")); err != nil || len(left) != 1 {
		t.Errorf("got %v, %v, want the backup and nothing else", left, err)
	}
	c.Close()
	if _, _, err := restore(c.path, to); err != nil {
		t.Fatal(err)
	}
	c.Ledger = c.open()
	c.wantSent(3)
	if at, err := c.Since(context.Background()); err != nil || at != wire.TimeOf(start.AddDate(0, 0, 3)) {
		t.Errorf("put back: got %v, %v, want when", at, err)
	}
}

func TestABackupNeverReplacesAFileUnasked(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(100))
	to := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(to, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ledger.Backup(context.Background(), c.path, to, false)
	if err == nil || !strings.Contains(err.Error(), "--force replaces it") {
		t.Errorf("got %v, want to be asked for --force", err)
	}
	if data, _ := os.ReadFile(to); string(data) != "dear" {
		t.Errorf("got %q, want the file as it was", data)
	}
	if _, err := ledger.Backup(context.Background(), c.path, to, true); err != nil {
		t.Errorf("with force: got %v", err)
	}
	if _, err := ledger.Backup(context.Background(), c.path, c.path, true); err == nil || !strings.Contains(err.Error(), "is the ledger itself") {
		t.Errorf("onto the ledger: got %v, want a refusal", err)
	}
	if _, err := ledger.Backup(context.Background(), filepath.Join(t.TempDir(), "none.db"), to+"2", false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of nothing: got %v, want that there is no ledger", err)
	}
}

func TestBackupsWhileEverythingGoesOnAreWholeAndBalance(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.say("ps-01", sent(0))
	dir, stop, ended := t.TempDir(), make(chan struct{}), make(chan error, 1)
	go func() {
		for i := int64(1); ; i++ {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			r := sent(i)
			r.At = wire.TimeOf(start) + wire.Time(i*1000)
			d := c.receive("ps-01", c.envelope("ps-01", r))
			d.ReceivedAt = r.At.Std()
			if _, err := c.Apply(context.Background(), []ledger.Delivery{d}); err != nil {
				ended <- err
				return
			}
		}
	}()
	var before int64
	for _, name := range []string{"1", "2", "3", "4", "5"} {
		got, err := ledger.Backup(context.Background(), c.path, filepath.Join(dir, name), false)
		if err != nil || got.Balance.Activities < before {
			t.Errorf("got %+v, %v, want it balanced and no older than the one before", got, err)
		}
		before = got.Balance.Activities
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	c.balanced()
}

func TestOnlyOneCollectorRunsOnAFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	first, err := ledger.Open(context.Background(), path, ledger.Options{Run: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Open(context.Background(), path, ledger.Options{Run: true}); !errors.Is(err, ledger.ErrRunning) {
		t.Errorf("a second one: got %v, want %v", err, ledger.ErrRunning)
	}
	if _, _, err := restore(path, path); !errors.Is(err, ledger.ErrRunning) {
		t.Errorf("restore: got %v, want %v", err, ledger.ErrRunning)
	}
	command, err := ledger.Open(context.Background(), path, ledger.Options{})
	if err != nil {
		t.Fatalf("a command: %v", err)
	}
	if err := errors.Join(command.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	next, err := ledger.Open(context.Background(), path, ledger.Options{Run: true})
	if err != nil {
		t.Fatalf("after it ended: %v", err)
	}
	next.Close()
}

func TestRestoreTakesNothingThatItCannotTrust(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(100))
	c.say("ps-01", sent(103))
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	c.backup(good)
	c.Close()
	spoil := func(name string, change func(data []byte) []byte) string {
		data, err := os.ReadFile(good)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, change(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	later := spoil("later.db", func(d []byte) []byte { return d })
	execute(t, later, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
	other := filepath.Join(dir, "other.db")
	execute(t, other, "CREATE TABLE shopping (what TEXT)")
	unbalanced := spoil("unbalanced.db", func(d []byte) []byte { return d })
	execute(t, unbalanced, "UPDATE tallies SET total = total + 1, count = count + 1")
	before, err := os.ReadFile(c.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ name, from, want string }{
		{"nothing there", filepath.Join(dir, "missing"), "no such file"},
		{"a text", spoil("text.db", func([]byte) []byte { return []byte(strings.Repeat("Dear all, ", 1000)) }), "the backup is damaged, or no ledger"},
		{"empty", spoil("empty.db", func([]byte) []byte { return nil }), "no ledger of zerofax"},
		{"cut short", spoil("short.db", func(d []byte) []byte { return d[:len(d)/2] }), "the backup is damaged"},
		{"another program's", other, "no ledger of zerofax"},
		{"a later program's", later, "later zerofax-collector"},
		{"unbalanced", unbalanced, "its total is 4, but 3 is posted"},
	} {
		if _, _, err := restore(c.path, x.from); err == nil || !strings.Contains(err.Error(), x.want) && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: got %v, want %q", x.name, err, x.want)
		}
		if now, err := os.ReadFile(c.path); err != nil || string(now) != string(before) {
			t.Errorf("%s: the ledger is another than before (%v)", x.name, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(c.path), "*restoring*")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	force := ledger.RestoreOptions{Force: true}
	if _, _, err := ledger.Restore(context.Background(), c.path, unbalanced, force); err != nil {
		t.Errorf("unbalanced, with force: got %v", err)
	}
	c.Ledger = c.open()
}

func TestAnOldBackupEndsUpWithTheMachinesOwnCounts(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(100))
	c.say("ps-01", sent(103))
	to := filepath.Join(t.TempDir(), "old.db")
	c.backup(to)
	for value := int64(104); value < 120; value++ { // all of it acknowledged, and so forgotten by the agent
		c.say("ps-01", sent(value))
	}
	c.wantSent(19)
	c.Close()
	_, aside, err := restore(c.path, to)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSuffix(c.path, ".db") + "-until-20261004T080000Z.db"; aside != want {
		t.Errorf("set aside as %s, want %s", aside, want)
	}
	c.Ledger = c.open()
	c.wantSent(3)
	if r := c.say("ps-01", sent(121)); r.Verdict != ledger.Applied {
		t.Errorf("the agent's next: got %+v, want it applied", r)
	}
	c.wantSent(21)
	if got := c.agent("ps-01").Holes; got != 1 {
		t.Errorf("got %d holes, want the blind time in the books", got)
	}
	c.balanced()
	audit, err := c.Audit(context.Background(), 1)
	if err != nil || len(audit) != 1 || audit[0].Who != "anne" || !strings.Contains(audit[0].After, "old.db") {
		t.Errorf("audit log: got %+v, %v, want who restored what", audit, err)
	}
	c.Close()
	if _, _, err := restore(c.path, aside); err != nil { // it was the wrong one: back to what was set aside
		t.Fatal(err)
	}
	c.Ledger = c.open()
	c.wantSent(19)
}

func TestADamagedLedgerSaysHowToRestore(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(100))
	to := filepath.Join(t.TempDir(), "good.db")
	c.backup(to)
	c.Close()
	data, err := os.ReadFile(c.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 8192; i < len(data); i++ {
		data[i] ^= 0x5a
	}
	if err := os.WriteFile(c.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = ledger.Open(context.Background(), c.path, ledger.Options{Run: true}); !errors.Is(err, ledger.ErrDamaged) || !strings.Contains(err.Error(), "zerofax-collector restore FILE") {
		t.Errorf("got %v, want how to restore", err)
	}
	_, aside, err := restore(c.path, to)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(aside); err != nil || string(kept) != string(data) {
		t.Errorf("the damaged file is not kept as it was (%v)", err)
	}
	c.Ledger = c.open()
	c.say("ps-01", sent(101))
	c.wantSent(1)
}

func TestALaterProgramsLedgerIsRefused(t *testing.T) {
	c := newCollector(t)
	c.Close()
	execute(t, c.path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
	_, err := ledger.Open(context.Background(), c.path, ledger.Options{})
	if !errors.Is(err, ledger.ErrNewer) || !strings.Contains(err.Error(), "schema 999") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// What was faxed after a cut-off since the backup is found again: its pages are in the next reading.
func TestARestoredLedgerFindsFaxesAfterTheCutoffAgain(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-02" })
	c.at(counted("2026-10-03 08:00", wire.FaxSentPages, 100))
	to := filepath.Join(t.TempDir(), "old.db")
	c.backup(to)
	c.at(counted("2026-10-04 08:00", wire.FaxSentPages, 102))
	c.at(counted("2026-10-04 08:05", wire.FaxSentPages, 103))
	const told = "1 after_cutoff 0241354000 certain 3 pages"
	c.wantTold(told)
	c.Close()
	if _, _, err := restore(c.path, to); err != nil {
		t.Fatal(err)
	}
	c.Ledger = c.open()
	c.wantTold("")
	c.at(counted("2026-10-05 08:00", wire.FaxSentPages, 103))
	if got := c.all(); len(got) != 2 || got[1].Kind != ledger.AfterCutoff || got[1].Count != 3 || got[1].Certainty != ledger.Certain {
		t.Errorf("got %+v, want the hole, and 3 pages after the cut-off", got)
	}
	c.balanced()
}
