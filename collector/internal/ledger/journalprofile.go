package ledger

import (
	"context"
	"fmt"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
)

// JournalProfile is how a journal is read that no built-in profile fits.
type JournalProfile struct {
	Name string
	Text string // YAML, as hospitals share it
}

var journalProfilesTable = table{"journal_profiles", "name, text", 1, false}

// JournalProfiles are all that are kept, by name.
func (l *Ledger) JournalProfiles(ctx context.Context) (all []JournalProfile, err error) {
	err = l.read(ctx, "journal profiles", func(q querier, _ wire.Time) error {
		all, err = readJournalProfiles(ctx, q, "TRUE")
		return err
	})
	return all, err
}

// SaveJournalProfile keeps a profile, instead of the one of its name.
func (l *Ledger) SaveJournalProfile(ctx context.Context, by Author, p JournalProfile) error {
	return l.swapJournalProfile(ctx, by, p.Name, []JournalProfile{p})
}

// DropJournalProfile forgets one. What was read by it stays.
func (l *Ledger) DropJournalProfile(ctx context.Context, by Author, name string) error {
	return l.swapJournalProfile(ctx, by, name, nil)
}

func (l *Ledger) swapJournalProfile(ctx context.Context, by Author, name string, after []JournalProfile) error {
	return l.transact(ctx, func(b *books) error {
		before, err := readJournalProfiles(ctx, l.store.conn, "name = ?", name)
		if err != nil {
			return err
		}
		b.swap(journalProfileRecords(before), journalProfileRecords(after))
		text := func(all []JournalProfile) string {
			if len(all) == 0 {
				return ""
			}
			return all[0].Text
		}
		b.log(by, journalProfilesTable.name+" "+name, "text", text(before), text(after))
		return nil
	})
}

func readJournalProfiles(ctx context.Context, q querier, where string, args ...any) (all []JournalProfile, err error) {
	err = each(ctx, q, "SELECT "+journalProfilesTable.columns+" FROM journal_profiles WHERE "+where+" ORDER BY name", func(read func(...any) error) error {
		var x JournalProfile
		err := read(&x.Name, &x.Text)
		all = append(all, x)
		return err
	}, args...)
	return all, err
}

func journalProfileRecords(all []JournalProfile) map[string]record {
	records := make(map[string]record, len(all))
	for _, x := range all {
		keyed(&journalProfilesTable, records, x.Name, x.Text)
	}
	return records
}

const (
	// MostRejects is how many rejected rows of an import are kept, the first ones: a wrong profile rejects all there are.
	MostRejects = 1000
	// rejectImports is of how many imports, the newest.
	rejectImports = 50
)

// Reject is a row of a journal that can't be read. It doesn't say what stands there: numbers, most likely.
type Reject struct {
	Row    int64 // of the file, the first is 1
	Reason string
}

// KeepRejects keeps what an import rejected, at most MostRejects of it, and forgets that of old imports.
func (l *Ledger) KeepRejects(ctx context.Context, id int64, rejects []Reject) error {
	return l.alter(ctx, "keep rejected rows", func(s *store) error {
		for _, x := range rejects[:min(len(rejects), MostRejects)] {
			if err := s.exec(ctx, "INSERT INTO import_rejects (import, row, reason) VALUES (?, ?, ?)", id, x.Row, x.Reason); err != nil {
				return fmt.Errorf("row %d: %w", x.Row, err)
			}
		}
		return s.exec(ctx, "DELETE FROM import_rejects WHERE import <= ?", id-rejectImports)
	})
}

// Rejects are the rows that an import rejected, the first MostRejects of them, in the file's order.
func (l *Ledger) Rejects(ctx context.Context, id int64) (all []Reject, err error) {
	err = l.read(ctx, "rejected rows", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT row, reason FROM import_rejects WHERE import = ? ORDER BY row", func(read func(...any) error) error {
			var x Reject
			err := read(&x.Row, &x.Reason)
			all = append(all, x)
			return err
		}, id)
	})
	return slices.Clip(all), err
}

// Mask is what people see of a number that isn't ours: 02 41 •• •• 12. An extension has a colon before it; of what
// begins with a question mark nothing is seen.
func Mask(number string) string { return mask(number) }

// HalfUndone are the imports of which something still counts though they are cancelled or undone: the program ended while
// it took them back. CancelImport goes on with it.
func (l *Ledger) HalfUndone(ctx context.Context) (ids []int64, err error) {
	err = l.read(ctx, "imports", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT id FROM journal_imports WHERE state IN (?, ?) AND id IN (SELECT import FROM import_rows) ORDER BY id", func(read func(...any) error) error {
			var id int64
			err := read(&id)
			ids = append(ids, id)
			return err
		}, string(ImportCancelled), string(ImportUndone))
	})
	return ids, err
}
