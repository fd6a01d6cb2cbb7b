package ledger

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestAProfileOfJournalsIsKeptUnderItsNameAndWhoChangedItIsKnown(t *testing.T) {
	t.Parallel()
	l := emptyBooks(t)
	anne := Author{Who: "anne", Source: "sagem.yml"}
	for _, text := range []string{"format: csv\n", "format: csv\ndelimiter: ;\n"} {
		if err := l.SaveJournalProfile(t.Context(), anne, JournalProfile{"Sagem du standard", text}); err != nil {
			t.Fatal(err)
		}
	}
	want := []JournalProfile{{"Sagem du standard", "format: csv\ndelimiter: ;\n"}}
	if got, err := l.JournalProfiles(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if err := l.DropJournalProfile(t.Context(), anne, "Sagem du standard"); err != nil {
		t.Fatal(err)
	}
	if got, err := l.JournalProfiles(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("after it was dropped: got %v, %v, want none", got, err)
	}
	changes, err := readNumber(t.Context(), l.store.conn, "SELECT COUNT(*) FROM audit WHERE who = 'anne' AND subject = 'journal_profiles Sagem du standard'")
	if err != nil || changes != 3 {
		t.Errorf("the audit log has %d changes, %v, want 3", changes, err)
	}
}

func TestOfAnImportsRejectedRowsTheFirstAreKeptAndThoseOfOldImportsForgotten(t *testing.T) {
	t.Parallel()
	l := emptyBooks(t)
	var rejects []Reject
	for i := range int64(MostRejects + 5) {
		rejects = append(rejects, Reject{i + 1, fmt.Sprintf("no date in row %d", i+1)})
	}
	if err := l.KeepRejects(t.Context(), 1, rejects); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Rejects(t.Context(), 1); err != nil || !slices.Equal(got, rejects[:MostRejects]) {
		t.Errorf("got %d rows, %v, want the first %d", len(got), err, MostRejects)
	}
	if err := l.KeepRejects(t.Context(), 1+rejectImports, rejects[:1]); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Rejects(t.Context(), 1); err != nil || len(got) != 0 {
		t.Errorf("of an import of long ago: got %d rows, %v, want none", len(got), err)
	}
}

func emptyBooks(t *testing.T) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), Options{Now: func() time.Time { return time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
