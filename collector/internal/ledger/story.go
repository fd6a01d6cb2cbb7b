package ledger

import (
	"context"
	"fmt"

	"github.com/zerofax/zerofax/agent/wire"
)

// Story is what the books tell of one line beside what a snapshot does.
type Story struct {
	Months  []MonthSum   // what was counted on it, by month; evidence too
	Audit   []Entry      // what people changed of it, the newest first
	Windows []TestWindow // tests that were announced on it, the newest first
}

// TestWindow is a test that somebody announced on a line: what is faxed meanwhile is none.
type TestWindow struct {
	From, To wire.Time
	Reason   string
	Who      string
}

// Story is that of a line, with at most most entries of the audit log.
func (l *Ledger) Story(ctx context.Context, line string, most int) (s Story, err error) {
	err = l.read(ctx, "story of line "+line, func(q querier, _ wire.Time) error {
		if s.Months, err = readLineMonths(ctx, q, line); err != nil {
			return err
		}
		if s.Audit, err = readAuditOf(ctx, q, most, linesTable.name+" "+line+" ", "test_windows "+line); err != nil {
			return err
		}
		query := "SELECT from_at, to_at, reason, who FROM test_windows WHERE line = ? ORDER BY id DESC"
		return each(ctx, q, query, func(read func(...any) error) error {
			var w TestWindow
			err := read(&w.From, &w.To, &w.Reason, &w.Who)
			s.Windows = append(s.Windows, w)
			return err
		}, line)
	})
	return s, err
}

// readLineMonths are the sums of a line's accounts.
func readLineMonths(ctx context.Context, q querier, line string) (sums []MonthSum, err error) {
	query := "SELECT posted_months.month, posted_months.count, posted_months.straddling, " + counterColumns + ", " + accountColumns +
		" FROM accounts JOIN posted_months ON account = accounts.id JOIN counters ON counters.id = counter WHERE accounts.line = ? ORDER BY posted_months.month"
	err = each(ctx, q, query, func(read func(...any) error) error {
		var m MonthSum
		err := read(append([]any{&m.Month, &m.Count, &m.Straddling, &m.Measure, &m.Unit}, m.fields()...)...)
		sums = append(sums, m)
		return err
	}, line)
	return sums, err
}

// readAuditOf are the newest entries of a thing whose versions have subjects that begin so, and of another subject.
func readAuditOf(ctx context.Context, q querier, most int, versions, subject string) (entries []Entry, err error) {
	// A range, so that the index serves: what follows is the digits of an instant.
	query := fmt.Sprintf("SELECT %s FROM audit WHERE subject >= ? AND subject < ? OR subject = ? ORDER BY id DESC LIMIT %d", auditTable.columns, most)
	err = each(ctx, q, query, func(read func(...any) error) error {
		var x Entry
		err := read(&x.ID, &x.At, &x.Who, &x.Source, &x.Subject, &x.Field, &x.Before, &x.After)
		entries = append(entries, x)
		return err
	}, versions, versions+"~", subject)
	return entries, err
}

// AnomaliesOf are the latest anomalies of a machine, newest first, at most limit.
func (l *Ledger) AnomaliesOf(ctx context.Context, device string, limit int) (anomalies []Anomaly, err error) {
	query := fmt.Sprintf("SELECT %s FROM anomalies WHERE device = ? ORDER BY id DESC LIMIT %d", anomaliesTable.columns, limit)
	err = l.read(ctx, "anomalies of "+device, func(q querier, _ wire.Time) error {
		return each(ctx, q, query, func(read func(...any) error) error {
			x, err := readAnomaly(read)
			anomalies = append(anomalies, x)
			return err
		}, device)
	})
	return anomalies, err
}
