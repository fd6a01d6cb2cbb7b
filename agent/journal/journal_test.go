package journal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
)

func TestAJobIsSentOnceHoweverOftenItWasTried(t *testing.T) {
	t.Parallel()
	const log = "11/03/26 09:58\tSEND\t000000117\tttyS0\t41\t\"\"\tccardio\t\"0241354000\"\t\"\"\t0\t0\t0:00:00\t0:00:31\t\"Busy signal detected\"\n" +
		"11/03/26 10:03\tSEND\t000000118\tttyS0\t41\t\"\"\tccardio\t\"0241354000\"\t\"CHU\"\t1234\t3\t0:01:10\t0:01:31\t\"\"\n"
	rows := readAll(t, mustBuiltin(t, "hylafax"), journal.Place{Journal: "hylafax", Zone: paris(t), Line: "0241354512"}, log)
	if len(rows) != 2 || rows[0].Event.Result != wire.Failed || rows[1].Event.Result != wire.Done {
		t.Fatalf("got %+v, want one failed and one done", rows)
	}
	if got, want := rows[1].Event.At.String(), "2026-11-03T09:03:00.000Z"; got != want {
		t.Errorf("began %s, want %s: month first, Paris in winter", got, want)
	}
}

func mustBuiltin(t testing.TB, name string) *journal.Profile {
	t.Helper()
	p, ok := journal.Builtin(name)
	if !ok {
		t.Fatalf("no built-in profile %q", name)
	}
	return p
}

func readAll(t testing.TB, p *journal.Profile, place journal.Place, text string) []journal.Row {
	t.Helper()
	r, err := p.Reader(place)
	if err != nil {
		t.Fatal(err)
	}
	var rows []journal.Row
	err = r.Read(strings.NewReader(text), func(row journal.Row) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func paris(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
