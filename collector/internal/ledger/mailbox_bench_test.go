package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkMailboxMonth declares the messages of 36 000 mailboxes for a month after a year of them, and then alters a
// single mailbox: how far it has come, and where it belongs. It is to run once (-benchtime 1x).
func BenchmarkMailboxMonth(b *testing.B) {
	const boxes = 36000
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	ctx, by := context.Background(), Author{Who: "anne"}
	l, err := Open(ctx, filepath.Join(b.TempDir(), "books.db"), Options{Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	alter := func(change func(all []Mailbox) []Mailbox) time.Duration {
		begin := time.Now()
		if err := l.DeclareMailboxes(ctx, by, func(_ Register, all []Mailbox) ([]Mailbox, error) { return change(all), nil }); err != nil {
			b.Fatal(err)
		}
		return time.Since(begin)
	}
	alter(func(all []Mailbox) []Mailbox {
		for i := range boxes {
			all = append(all, Mailbox{Address: fmt.Sprintf("%05d@chu.fr", i), From: "2025-01-01", Establishment: "chu", Service: fmt.Sprint("s", i%300), State: MailboxPublished})
		}
		return all
	})
	declare := func(month Month) time.Duration {
		begin := time.Now()
		err := l.DeclareCorrespondence(ctx, by, func(_ Register, _ []Mailbox, m Correspondence) (Correspondence, error) {
			for i := range boxes {
				n := int64(i + int(month))
				m.Mailboxes = append(m.Mailboxes, MailboxVolume{Month: month, Address: fmt.Sprintf("%05d@chu.fr", i), Sent: &n, Received: &n})
			}
			return m, nil
		}, month)
		if err != nil {
			b.Fatal(err)
		}
		return time.Since(begin)
	}
	for month := Month(202510); month < 202610; month = month.Add(1) {
		declare(month)
	}
	for b.Loop() {
		b.ReportMetric(declare(202610).Seconds(), "s-month")
		b.ReportMetric(alter(func(all []Mailbox) []Mailbox { all[7].State = MailboxUsed; return all }).Seconds(), "s-state")
		b.ReportMetric(alter(func(all []Mailbox) []Mailbox {
			next := all[9]
			next.From, next.Service = "2026-10-01", "elsewhere"
			return slices.Insert(all, 10, next)
		}).Seconds(), "s-move")
		b.ReportMetric(alter(func(all []Mailbox) []Mailbox { all[5].Service = "elsewhere"; return all }).Seconds(), "s-move-of-all-months")
	}
}
