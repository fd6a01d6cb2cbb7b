package main

import (
	"cmp"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Journals tell of the last two years of a decade: each month each line faxed eight others, and with three numbers of
// others both ways.
const (
	decadeTold   = 12 // months
	decadeInside = 8
	decadeOthers = 3
)

// journalsOfADecade have the ledger read a row of each line, so that it knows the lines' numbers, and from when until when.
func journalsOfADecade(b testing.TB, l *ledger.Ledger) {
	b.Helper()
	id, err := l.BeginImport(b.Context(), ledger.Author{Who: "bench"}, ledger.Import{Journal: "fax", Profile: "hylafax", Source: "xferfaxlog"})
	if err != nil {
		b.Fatal(err)
	}
	var events []wire.Event
	for i := range decadeLines + 1 {
		at := decadeEnd.AddDate(0, 1-decadeTold, 1-decadeEnd.Day())
		if i == decadeLines {
			at = decadeEnd.Add(-time.Hour)
		}
		events = append(events, wire.Event{
			Journal: "fax", Key: fmt.Sprintf("%064x", i+1), At: wire.TimeOf(at), Unit: wire.Message, Witness: wire.Sender, Result: wire.Done, Pages: 2,
			From: fmt.Sprintf("024135%04d", i%decadeLines), To: fmt.Sprintf("01%08d", i),
		})
	}
	if _, err := l.BookEvents(b.Context(), id, events, 0, 0); err != nil {
		b.Fatal(err)
	}
	if err := l.EndImport(b.Context(), id); err != nil {
		b.Fatal(err)
	}
}

// writeFlows writes what journals tell of each month.
func writeFlows(b testing.TB, db *sql.DB) {
	b.Helper()
	numbers := func(n int) string {
		return fmt.Sprintf("WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", n-1)
	}
	first := decadeEnd.AddDate(0, 1-decadeTold, 0)
	since := first.Year()*12 + int(first.Month()) - 1
	month := fmt.Sprintf("(%d + i) / 12 * 100 + (%d + i) %% 12 + 1", since, since)
	n := "CAST(SUBSTR(ours.line, 7) AS INTEGER)"
	var fault error
	for _, statement := range []string{
		numbers(decadeLines*decadeOthers) + "INSERT INTO parties (id, pseudonym, mask, name, line) SELECT 100000 + i, 'p' || i, '02 41 •• •• 12', '', '' FROM n",
		numbers(decadeInside) + "INSERT OR IGNORE INTO pairs (unit, from_party, to_party, witnesses) SELECT 'message', ours.id, other.id, 1 FROM parties AS ours CROSS JOIN n " +
			fmt.Sprintf("JOIN parties AS other ON other.line = PRINTF('024135%%04d', (%s + 1 + i * 37) %% %d) WHERE ours.line <> ''", n, decadeLines),
		numbers(decadeOthers) + "INSERT OR IGNORE INTO pairs (unit, from_party, to_party, witnesses) SELECT 'message', id, 100000 + " + n + " * 3 + i, 1 FROM parties AS ours CROSS JOIN n WHERE line <> ''",
		numbers(decadeOthers) + "INSERT OR IGNORE INTO pairs (unit, from_party, to_party, witnesses) SELECT 'message', 100000 + " + n + " * 3 + i, id, 2 FROM parties AS ours CROSS JOIN n WHERE line <> ''",
		"DELETE FROM pair_months", "DELETE FROM flow_months", "DELETE FROM party_months", "DELETE FROM flow_changes",
		numbers(decadeTold) + "INSERT INTO flow_changes (month, revision) SELECT " + month + ", 1 FROM n",
		fmt.Sprintf("INSERT INTO pair_months (id, done, failed, pages, paged, last_at) SELECT month * 4294967296 + id, 1 + id %% 3, 0, 2 + 2 * (id %% 3), 1 + id %% 3, %d FROM flow_changes CROSS JOIN pairs",
			decadeEnd.AddDate(0, -1, 0).UnixMilli()),
		"INSERT INTO flow_months (month, unit, from_line, receivers) SELECT month, 'message', sender, receivers FROM flow_changes CROSS JOIN (" +
			"SELECT sender, GROUP_CONCAT(receiver || CHAR(9) || n || CHAR(9) || 0 || CHAR(9) || (2 * n) || CHAR(9) || n || CHAR(10), '' ORDER BY receiver) AS receivers FROM (" +
			"SELECT a.line AS sender, b.line AS receiver, SUM(1 + pairs.id % 3) AS n FROM pairs JOIN parties AS a ON a.id = from_party JOIN parties AS b ON b.id = to_party GROUP BY 1, 2) GROUP BY 1)",
		"INSERT INTO party_months (month, unit, party, sent, received) SELECT month, 'message', party, SUM(sent), SUM(received) FROM flow_changes CROSS JOIN (" +
			"SELECT to_party AS party, 1 + pairs.id % 3 AS sent, 0 AS received FROM pairs JOIN parties ON parties.id = to_party WHERE line = '' UNION ALL " +
			"SELECT from_party, 0, 1 + pairs.id % 3 FROM pairs JOIN parties ON parties.id = from_party WHERE line = '') GROUP BY 1, 2, 3",
	} {
		if _, err := db.Exec(statement); err != nil {
			fault = cmp.Or(fault, fmt.Errorf("%s: %w", statement, err))
		}
	}
	if fault != nil {
		b.Fatal(fault)
	}
}
