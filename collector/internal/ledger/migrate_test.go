package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/zerofax/zerofax/agent/wire"
)

// With each release that has a new schema its ledger is kept here as testdata/schema-NUMBER.sql, so that
// every ledger that is out there is known to come through.

// olderLedger is a ledger of an older schema, with the rows of a file from when that or an even
// older one was the newest.
func olderLedger(t *testing.T, rows string, schema int64) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ledger.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(rows), "schema-"), ".sql"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(context.Background(), number); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(text)); err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(context.Background(), schema); err != nil {
		t.Fatal(err)
	}
	return path
}

// eachOlder runs a test with every kept ledger, brought up to every schema there ever was.
func eachOlder(t *testing.T, test func(t *testing.T, path string)) {
	kept, err := filepath.Glob("testdata/schema-*.sql")
	if err != nil || len(kept) == 0 {
		t.Fatalf("kept ledgers: got %v, %v", kept, err)
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range kept {
		for i := range files {
			if schema := int64(i + 1); rows <= fmt.Sprintf("testdata/schema-%05d.sql", schema) {
				t.Run(fmt.Sprintf("%s at %d", filepath.Base(rows), schema), func(t *testing.T) { test(t, olderLedger(t, rows, schema)) })
			}
		}
	}
}

// wantOlder wants that nothing of the kept ledgers is lost.
func wantOlder(t *testing.T, l *Ledger) {
	t.Helper()
	s, err := l.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[wire.Measure]int64{
		"kyocera-vcg1": {wire.FaxSentPages: 25, wire.FaxPrintedPages: 14, wire.FaxReceivedPages: 4},
		"xerox-1":      {wire.FaxSentPages: 3},
		"audiocodes-1": {},
	}
	posted := make(map[string]int64)
	for _, x := range s.Sums {
		posted[fmt.Sprint(x.Device, " ", x.Measure)] += x.Count
	}
	for _, d := range s.Devices {
		if !maps.Equal(d.Totals, want[d.ID]) {
			t.Errorf("%s: got %v, want %v", d.ID, d.Totals, want[d.ID])
		}
		for measure, count := range d.Totals {
			if got := posted[fmt.Sprint(d.ID, " ", measure)]; got != count {
				t.Errorf("%s %s: got %d posted, want %d", d.ID, measure, got, count)
			}
		}
	}
	if len(s.Devices) != len(want) || len(s.Agents) != 2 || s.Agents[0].Holes != 1 {
		t.Errorf("got %d devices, agents %+v, want all of them", len(s.Devices), s.Agents)
	}
	anomalies, err := l.Anomalies(context.Background(), 10)
	if err != nil || len(anomalies) != 2 || anomalies[1].Kind != Jump || anomalies[1].Outcome != Undecided {
		t.Errorf("got anomalies %+v, %v, want those that are open", anomalies, err)
	}
}

func TestEveryOlderLedgerIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	eachOlder(t, func(t *testing.T, path string) {
		ctx, now := context.Background(), time.Date(2026, 11, 10, 9, 0, 0, 0, time.UTC)
		paris, err := time.LoadLocation("Europe/Paris")
		if err != nil {
			t.Fatal(err)
		}
		l, err := Open(ctx, path, Options{Run: true, Zone: paris, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		wantOlder(t, l)
		if b, err := Verify(ctx, path); err != nil || b.Err() != nil {
			t.Errorf("verify: %v, %v", err, b.Err())
		}
		if _, booked, err := l.Accept(ctx, Author{Who: "anne"}, 1, ""); err != nil || booked != 8875 {
			t.Errorf("accept the jump: got %d, %v, want 8875", booked, err)
		}
		d := oneReading(t, "ps-01", "stream-ps-01", 13, now, wire.Reading{Device: "xerox-1", At: wire.TimeOf(now), OK: true, Counters: []wire.Counter{
			{Measure: wire.FaxSentPages, Unit: "pages", Rule: "kyocera/sent", Value: 15},
		}})
		if got, err := l.Apply(ctx, []Delivery{d}); err != nil || got[0].Verdict != Applied {
			t.Errorf("the agent goes on: got %+v, %v, want it applied", got, err)
		}
		devices, err := l.Devices(ctx)
		if err != nil || devices[2].Totals[wire.FaxSentPages] != 5 || devices[1].Totals[wire.FaxSentPages] != 8900 {
			t.Errorf("got %v, %v, want the fall to be a glitch, and the jump counted", devices, err)
		}
		if b, err := Verify(ctx, path); err != nil || b.Err() != nil {
			t.Errorf("verify: %v, %v", err, b.Err())
		}
	})
}

func TestEveryOlderBackupCanBeRestored(t *testing.T) {
	t.Parallel()
	eachOlder(t, func(t *testing.T, from string) {
		ctx, path := context.Background(), filepath.Join(t.TempDir(), "ledger.db")
		c, _, err := Restore(ctx, path, from, RestoreOptions{})
		if err != nil || c.Devices != 3 || c.Agents != 2 || c.AsOf.String() != "2026-11-10T08:09:00.000Z" {
			t.Fatalf("got %+v, %v, want 3 devices as of the last message", c, err)
		}
		l, err := Open(ctx, path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		wantOlder(t, l)
	})
}

// A command must not pull the schema away from under a collector that may be older.
func TestACommandDoesNotUpgradeBesideARunningCollector(t *testing.T) {
	ctx, path := context.Background(), olderLedger(t, "testdata/schema-00001.sql", 1)
	held, err := hold(lockOf(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, path, Options{}); err == nil || !strings.Contains(err.Error(), "start this version of it first") {
		t.Errorf("got %v, want a refusal", err)
	}
	if _, err := Verify(ctx, path); err == nil || !strings.Contains(err.Error(), "start the collector with this version first") {
		t.Errorf("verify: got %v, want a refusal", err)
	}
	c, err := Backup(ctx, path, filepath.Join(t.TempDir(), "before.db"), false)
	if err != nil || c.Schema != 1 || c.Devices != 3 {
		t.Errorf("backup before the upgrade: got %+v, %v, want it as it is", c, err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// oneReading is an envelope with one reading.
func oneReading(t *testing.T, agent, stream string, seq uint64, at time.Time, r wire.Reading) Delivery {
	t.Helper()
	data, err := wire.EncodeReadings([]wire.Reading{r})
	if err != nil {
		t.Fatal(err)
	}
	return delivery(agent, wire.AppendEnvelope(nil, wire.Header{
		Agent: agent, Stream: stream, First: seq, Seq: seq, Oldest: seq, SentAt: wire.TimeOf(at),
	}, data), at)
}

func TestProgramsThatStartTogetherOnAnEmptyFolderMakeOneLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	faults, start := make(chan error), make(chan struct{})
	const programs = 20
	for i := range programs {
		go func() {
			<-start
			l, err := Open(t.Context(), path, Options{Run: i == 0})
			if err == nil {
				err = l.Close()
			}
			faults <- err
		}()
	}
	close(start)
	for range programs {
		if err := <-faults; err != nil {
			t.Errorf("got %v, want that all have the ledger", err)
		}
	}
}
