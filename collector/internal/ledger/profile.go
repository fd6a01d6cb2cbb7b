package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Profiles say how somebody's file is read. They are kept by name, for everybody.

// JournalProfile is how a journal is read that no built-in profile fits.
type JournalProfile struct {
	Name string
	Text string // YAML, as hospitals share it
}

// MSSanteProfile is how somebody's table of messages is read.
type MSSanteProfile struct {
	Name    string
	Columns map[string]string // their header by our column
	Headers []string          // all headers of the table for which it was made
}

var (
	journalProfilesTable = table{"journal_profiles", "name, text", 1, false}
	mssanteProfilesTable = table{"mssante_profiles", "name, columns, headers", 1, false}
)

// JournalProfiles are all that are kept, by name.
func (l *Ledger) JournalProfiles(ctx context.Context) (all []JournalProfile, err error) {
	rows, err := l.profiles(ctx, &journalProfilesTable)
	for _, row := range rows {
		all = append(all, JournalProfile{row[0], row[1]})
	}
	return all, err
}

// SaveJournalProfile keeps a profile, instead of the one of its name.
func (l *Ledger) SaveJournalProfile(ctx context.Context, by Author, p JournalProfile) error {
	return l.saveProfile(ctx, by, &journalProfilesTable, p.Name, p.Text)
}

// DropJournalProfile forgets one. What was read by it stays.
func (l *Ledger) DropJournalProfile(ctx context.Context, by Author, name string) error {
	return l.saveProfile(ctx, by, &journalProfilesTable, name)
}

// Fits tells whether a table has the headers for which a profile was made, in any order.
func (p MSSanteProfile) Fits(headers []string) bool {
	a, b := slices.Sorted(slices.Values(p.Headers)), slices.Sorted(slices.Values(headers))
	return slices.Equal(a, b)
}

// MSSanteProfiles are all profiles, by name.
func (l *Ledger) MSSanteProfiles(ctx context.Context) (all []MSSanteProfile, err error) {
	rows, err := l.profiles(ctx, &mssanteProfilesTable)
	for _, row := range rows {
		x := MSSanteProfile{Name: row[0]}
		err = errors.Join(err, json.Unmarshal([]byte(row[1]), &x.Columns), json.Unmarshal([]byte(row[2]), &x.Headers))
		all = append(all, x)
	}
	return all, err
}

// SaveMSSanteProfile keeps a profile, instead of the one of its name.
func (l *Ledger) SaveMSSanteProfile(ctx context.Context, by Author, p MSSanteProfile) error {
	return l.saveProfile(ctx, by, &mssanteProfilesTable, p.Name, encode(p.Columns), encode(p.Headers))
}

// DropMSSanteProfile forgets one.
func (l *Ledger) DropMSSanteProfile(ctx context.Context, by Author, name string) error {
	return l.saveProfile(ctx, by, &mssanteProfilesTable, name)
}

// profiles are all rows of a table of profiles, by name.
func (l *Ledger) profiles(ctx context.Context, t *table) (all [][]string, err error) {
	err = l.read(ctx, "profiles", func(q querier, _ wire.Time) error {
		all, err = readProfiles(ctx, q, t, "TRUE")
		return err
	})
	return all, err
}

// saveProfile keeps texts instead of those of a profile's name; none: it forgets them. The audit log has the first.
func (l *Ledger) saveProfile(ctx context.Context, by Author, t *table, name string, texts ...string) error {
	return l.transact(ctx, func(b *books) error {
		before, err := readProfiles(ctx, l.store.conn, t, "name = ?", name)
		if err != nil {
			return err
		}
		var after [][]string
		if len(texts) > 0 {
			after = [][]string{append([]string{name}, texts...)}
		}
		first := func(all [][]string) string {
			if len(all) == 0 {
				return ""
			}
			return all[0][1]
		}
		b.swap(profileRecords(t, before), profileRecords(t, after))
		b.log(by, t.name+" "+name, t.names()[1], first(before), first(after))
		return nil
	})
}

func readProfiles(ctx context.Context, q querier, t *table, where string, args ...any) (all [][]string, err error) {
	err = each(ctx, q, "SELECT "+t.columns+" FROM "+t.name+" WHERE "+where+" ORDER BY name", func(read func(...any) error) error {
		row := make([]string, len(t.names()))
		to := make([]any, len(row))
		for i := range row {
			to[i] = &row[i]
		}
		all = append(all, row)
		return read(to...)
	}, args...)
	return all, err
}

func profileRecords(t *table, all [][]string) map[string]record {
	records := make(map[string]record, len(all))
	for _, row := range all {
		values := make([]any, len(row))
		for i, text := range row {
			values[i] = text
		}
		keyed(t, records, values...)
	}
	return records
}

func (t *table) names() []string { return strings.Split(t.columns, ", ") }
