package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// execute changes a ledger's file by hand.
func execute(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// eventful is a ledger in which there is something of everything.
func eventful(t *testing.T) *collector {
	c := newCollector(t)
	c.declare(func(r *ledger.Register) {
		r.Sites["nord"] = ledger.Site{ID: "nord", TimeZone: "Europe/Paris"}
		r.Services["oncologie"] = ledger.Service{ID: "oncologie", Name: "Oncologie"}
	})
	c.say("ps-01", sent(100), other(5))
	c.say("ps-01", sent(103), other(6))
	c.cutLine(faxline, func(d *ledger.Declaration) {
		d.Cutoff, d.Site, d.Service = "2026-10-02", "nord", "oncologie"
	})
	c.now = c.now.AddDate(0, 0, 3)
	c.say("ps-01", sent(104), other(7)) // straddles the cut-off
	c.say("ps-01", sent(106))
	c.now = c.now.AddDate(0, 1, 0)
	c.say("ps-01", sent(110), other(9))
	c.say("ps-01", sent(113))
	c.seqs["ps-01"] += 3 // a hole
	c.say("ps-02", wire.Reading{Device: "aastra-1", OK: true, Lines: []wire.Line{{Port: "1", Status: wire.LineIdle, Fax: wire.Yes}}})
	c.say("ps-01", sent(8000), other(2)) // a jump and a fall
	bad := sent(1)
	bad.Device = "NOT AN ID"
	c.say("ps-01", bad)
	c.declareVolumes(volume(202609, "chu", "", 100), volume(202609, "chu", "oncologie", 40))
	if err := c.DeclareMailboxes(context.Background(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) {
		return []ledger.Mailbox{{Address: "a@b.fr", From: "2026-01-01", State: ledger.MailboxUsed}, {Address: "a@b.fr", From: "2026-02-01"}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	c.closeMonth(202610)
	for name, at := range map[string]int64{"series/0/postings": 3, "series/0/statuses": 1, "alert": 1} {
		if err := c.SetCursor(context.Background(), name, at); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// other is a second machine.
func other(pages int64) wire.Reading {
	r := sent(pages)
	r.Device = "xerox-1"
	return r
}

func TestVerifyFindsWhateverIsChangedByHand(t *testing.T) {
	t.Parallel()
	c := eventful(t)
	b := c.balanced()
	if b.Devices != 3 || b.Postings <= b.Activities || b.Episodes == 0 || b.Events == 0 || b.Anomalies != 2 {
		t.Fatalf("got %s, want something of everything", b.String())
	}
	good := filepath.Join(t.TempDir(), "good.db")
	c.backup(good)
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ damage, want string }{
		{"UPDATE tallies SET total = total + 1, count = count + 1 WHERE counter = 1", "its total is 14, but 13 is posted"},
		{"UPDATE tallies SET total = total - 1 WHERE counter = 1", "its total is 12, but 13 was counted"},
		{"UPDATE tallies SET last_at = 0 WHERE counter = 1", "its last activity is said to be at"},
		{"UPDATE tallies SET excursions = ''", "nothing will ever close it"},
		{"UPDATE tallies SET excursions = '[{' WHERE counter = 1", "can't be loaded"},
		{"DELETE FROM tallies WHERE counter = 1", "name a id that is not in tallies"},
		{"DELETE FROM counters WHERE id = 1", "name a counter that is not in counters"},
		{"DELETE FROM devices WHERE id = 1", "can't be loaded"},
		{"DELETE FROM looks WHERE device = 3", "can't be loaded"},
		{"DELETE FROM agents WHERE id = 'ps-02'", "name a agent that is not in agents"},
		{"DELETE FROM activity WHERE id = 2", "some vanished"},
		{"DELETE FROM activity WHERE id = (SELECT MAX(id) FROM activity)", "name a activity that is not in activity"},
		{"INSERT INTO activity (id, counter, from_at, to_at, count, flags) SELECT MAX(id) + 1, 1, 1790000000000, 1790000000001, 5, 0 FROM activity", "its postings add up to 0"},
		{"UPDATE activity SET count = count + 1 WHERE id = 1", "activity 1 counts 4, its postings add up to 3"},
		{"UPDATE activity SET count = -count WHERE id = 1", "which can't be"},
		{"UPDATE activity SET from_at = to_at + 1 WHERE id = 1", "which can't be"},
		{"UPDATE activity SET counter = 2 WHERE id = 1", "is posted to"},
		{"UPDATE activity SET to_at = to_at + 7200000 WHERE id = 1", "which isn't where it ended"},
		{"UPDATE activity SET count = count + 1 WHERE id IN (SELECT activity FROM events)", "its activity says otherwise"},
		{"DELETE FROM postings WHERE id = 1", "its postings add up to"},
		{"DELETE FROM postings WHERE id = (SELECT MAX(id) FROM postings)", "its postings add up to"},
		{"UPDATE postings SET count = count + 1 WHERE id = 1", "its postings add up to"},
		{"UPDATE postings SET account = account + 1 WHERE id = 2", "the postings add up to"},
		{"UPDATE postings SET activity = activity + 1 WHERE id = 1", "its postings add up to"},
		{"UPDATE postings SET at = at - 1 WHERE id = 1", "which isn't where it ended"},
		{"INSERT INTO postings SELECT MAX(id) + 1, 1, 1, 1, 0 FROM postings", "which isn't where it ended"},
		{"UPDATE accounts SET service = 'x' WHERE service = 'oncologie'", "but belongs to"},
		{"UPDATE accounts SET evidence = 1", "but belongs to"},
		{"UPDATE accounts SET zone = 'nowhere' WHERE id = 1", "its time zone"},
		{"UPDATE accounts SET zone = 'Pacific/Auckland'", "its site nord is in Europe/Paris"},
		{"DELETE FROM accounts WHERE id = 1", "name a account that is not in accounts"},
		{"UPDATE posted SET count = count + 1 WHERE counter = 1", "but 1"},
		{"DELETE FROM posted WHERE counter = 1", "but 0 is posted"},
		{"UPDATE posted_hours SET count = count + 1 WHERE counter = 1", "the hour says"},
		{"DELETE FROM posted_hours WHERE counter = 1", "its hours add up to"},
		{"UPDATE posted_hours SET hour = hour + 3600000 WHERE counter = 1 AND hour = (SELECT MAX(hour) FROM posted_hours WHERE counter = 1)", "the hour says"},
		{"UPDATE posted_months SET count = count + 1 WHERE counter = 1", "its months add up to"},
		{"UPDATE posted_months SET month = month + 100", "more than its postings"},
		{"UPDATE posted_months SET straddling = straddling + 1 WHERE counter = 1", "straddling"},
		{"DELETE FROM posted_months WHERE counter = 1", "its months add up to"},
		{"UPDATE declared_lines SET device = 'xerox-1'", "but belongs to"},
		{"DELETE FROM declared_lines", "but belongs to"},
		{"DELETE FROM events WHERE id = 1", "events say"},
		{"DELETE FROM events WHERE id = (SELECT MAX(id) FROM events)", "its events say"},
		{"UPDATE events SET count = count + 1 WHERE certainty = 'certain'", "its activity says otherwise"},
		{"UPDATE events SET certainty = 'unsure' WHERE certainty = 'certain'", "its events say"},
		{"UPDATE events SET counted = 0", "pages after its cut-off are told, its events add up to"},
		{"UPDATE events SET episode = 99", "name a episode that is not in episodes"},
		{"UPDATE events SET device = 'xerox-1'", "of another device than its activity"},
		{"UPDATE after_cutoff SET pages = pages - 1", "pages after its cut-off are told"},
		{"DELETE FROM after_cutoff", "pages after its cut-off are told"},
		{"DELETE FROM episodes WHERE kind = 'after_cutoff'", "name a episode that is not in episodes"},
		{"UPDATE episodes SET count = count + 1 WHERE kind = 'after_cutoff'", "its events say"},
		{"UPDATE episodes SET revision = 1", "have the same revision"},
		{"UPDATE episodes SET closed_at = 0, kind = 'hole', agent = 'ps-01', line = '', device = '', anomaly = 0", "open at once"},
		{"UPDATE anomalies SET closed_at = 1, outcome = 'rejected' WHERE kind = 'jump'", "is open, but anomaly"},
		{"UPDATE anomalies SET closed_at = 1, outcome = 'settled' WHERE kind = 'reset'", "is closed or missing"},
		{"DELETE FROM anomalies WHERE kind = 'reset'", "is closed or missing"},
		{"DELETE FROM anomalies WHERE kind = 'jump'", "vanished"},
		{"DELETE FROM holes; INSERT INTO holes VALUES (2, 'ps-01', 's', 1, 2, 0, 0, 0, 0)", "some vanished"},
		{"DELETE FROM audit WHERE id = 1", "some vanished"},
		{"DELETE FROM statuses WHERE id = 1", "some vanished"},
		{"UPDATE cursors SET at = 1000 WHERE name = 'series/0/postings'", "the last posting is"},
		{"UPDATE cursors SET at = 1000 WHERE name = 'series/0/statuses'", "the last status is"},
		{"UPDATE cursors SET at = 1000 WHERE name = 'alert'", "the last revision is"},
		{"UPDATE ports SET device = 99", "can't be loaded"},
		{"UPDATE mssante_volumes SET received = 90 WHERE service = ''", "the totals of its messages aren't the sums"},
		{"DELETE FROM mssante_totals WHERE service = ''", "the totals of its messages aren't the sums"},
		{"UPDATE mssante_addresses SET until_month = 0 WHERE from_day = '2026-01-01'", "a@b.fr: its version of an earlier day isn't valid until the next one"},
		{"UPDATE closed_figures SET value = 1 WHERE value IS NULL", "figures of version 1 of its closing aren't the"},
		{"UPDATE closed_figures SET target = 0 WHERE level = 'whole'", "figures of version 1 of its closing aren't the"},
		{"DELETE FROM closed_figures WHERE level = 'pole'", "figures of version 1 of its closing aren't the"},
		{"UPDATE closings SET version = 2", "2026-10: the closing before version 2 is missing"},
		{"INSERT INTO closings SELECT month, 2, closed_at, closed_by, note, figures, digest, 0, '', '' FROM closings", "version 1 of its closing holds though there is a later one"},
		{"DELETE FROM closings", "202610: version 1 of its closing has figures, but is missing"},
		{"INSERT INTO claims VALUES (99, 'ps-01', 0)", "name a device that is not in devices"},
	} {
		path := filepath.Join(t.TempDir(), "damaged.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		execute(t, path, x.damage)
		b, err := ledger.Verify(context.Background(), path)
		if got := strings.Join(b.Disagreements, "\n"); err != nil || !strings.Contains(got, x.want) {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", x.damage, got, err, x.want)
		}
	}
}

func TestVerifyOfADamagedFile(t *testing.T) {
	c := eventful(t)
	good := filepath.Join(t.TempDir(), "good.db")
	c.backup(good)
	execute(t, good, "PRAGMA writable_schema = ON", "UPDATE sqlite_master SET rootpage = 3 WHERE name = 'activity'")
	if _, err := ledger.Verify(context.Background(), good); !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("got %v, want %v", err, ledger.ErrDamaged)
	}
}

// What is booked between two looks of the auditor must not confuse it.
func TestVerifyWhileTheCollectorBooks(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(0))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		for i := int64(1); ctx.Err() == nil; i++ {
			r := sent(i)
			r.At = wire.TimeOf(start.Add(time.Duration(i) * time.Minute))
			d := c.receive("ps-01", c.envelope("ps-01", r))
			d.ReceivedAt = r.At.Std()
			if _, err := c.Apply(context.Background(), []ledger.Delivery{d}); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	for range 5 {
		c.balanced()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
