package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
)

// MSSanteProfile is how somebody's table of messages is read.
type MSSanteProfile struct {
	Name    string
	Columns map[string]string // their header by our column
	Headers []string          // all headers of the table for which it was made
}

// Fits tells whether a table has the headers for which a profile was made, in any order.
func (p MSSanteProfile) Fits(headers []string) bool {
	a, b := slices.Sorted(slices.Values(p.Headers)), slices.Sorted(slices.Values(headers))
	return slices.Equal(a, b)
}

var profilesTable = table{"mssante_profiles", "name, columns, headers", 1, false}

// MSSanteProfiles are all profiles, by name.
func (l *Ledger) MSSanteProfiles(ctx context.Context) (all []MSSanteProfile, err error) {
	err = l.read(ctx, "profiles", func(q querier, _ wire.Time) error {
		all, err = readProfiles(ctx, q, "TRUE")
		return err
	})
	return all, err
}

// SaveMSSanteProfile keeps a profile, instead of the one of its name.
func (l *Ledger) SaveMSSanteProfile(ctx context.Context, by Author, p MSSanteProfile) error {
	return l.swapProfile(ctx, by, p.Name, []MSSanteProfile{p})
}

// DropMSSanteProfile forgets one.
func (l *Ledger) DropMSSanteProfile(ctx context.Context, by Author, name string) error {
	return l.swapProfile(ctx, by, name, nil)
}

func (l *Ledger) swapProfile(ctx context.Context, by Author, name string, after []MSSanteProfile) error {
	return l.transact(ctx, func(b *books) error {
		before, err := readProfiles(ctx, l.store.conn, "name = ?", name)
		if err != nil {
			return err
		}
		b.swap(profileRecords(before), profileRecords(after))
		text := func(all []MSSanteProfile) string {
			if len(all) == 0 {
				return ""
			}
			return encode(all[0].Columns)
		}
		b.log(by, profilesTable.name+" "+name, "columns", text(before), text(after))
		return nil
	})
}

func readProfiles(ctx context.Context, q querier, where string, args ...any) (all []MSSanteProfile, err error) {
	err = each(ctx, q, "SELECT "+profilesTable.columns+" FROM mssante_profiles WHERE "+where+" ORDER BY name", func(read func(...any) error) error {
		var x MSSanteProfile
		var columns, headers string
		if err := read(&x.Name, &columns, &headers); err != nil {
			return err
		}
		all = append(all, x)
		return errors.Join(json.Unmarshal([]byte(columns), &all[len(all)-1].Columns), json.Unmarshal([]byte(headers), &all[len(all)-1].Headers))
	}, args...)
	return all, err
}

func profileRecords(all []MSSanteProfile) map[string]record {
	records := make(map[string]record, len(all))
	for _, x := range all {
		keyed(&profilesTable, records, x.Name, encode(x.Columns), encode(x.Headers))
	}
	return records
}
