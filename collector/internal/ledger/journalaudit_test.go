package ledger

import (
	"strings"
	"testing"
	"time"
)

func TestVerifyFindsWhateverOfJournalsIsChangedByHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ change, want string }{
		{"DELETE FROM journal_rows WHERE id = 3", "pair 2: 3 faxes, 0 failed, 6 pages of 3, by its rows 2 faxes"},
		{"UPDATE journal_rows SET pages = 9 WHERE id = 3", "pages of 3, by its rows 3 faxes, 0 failed, 13 pages"},
		{"UPDATE journal_rows SET done = 0 WHERE id = 3", "by its rows 2 faxes, 1 failed"},
		{"UPDATE pair_months SET done = done + 1", "pair 2: 4 faxes"},
		{"DELETE FROM pair_months", "pair 2: nothing, by its rows 3 faxes"},
		{"UPDATE journal_rows SET imports = 3 WHERE id = 4", "journal row 4: 2 imports contain it, by its own count 3"},
		{"DELETE FROM import_rows WHERE import = 2", "imports contain 1 of them, by their own counts 4"},
		{"DELETE FROM pairs", "pairs 2: 3 rows of journal_rows are of none that is there"},
	} {
		t.Run(c.change, func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
			l, path := journalLedger(t, &now)
			old, month := faxTo(1, now.AddDate(-2, 0, 0), "0241354001", "0144000001"), now.AddDate(0, -1, 0)
			imported(t, l, old)
			now = now.AddDate(0, 0, 40)
			if f, err := l.PurgeJournals(t.Context(), now.AddDate(-1, 0, 0)); err != nil || f.Rows != 1 {
				t.Fatalf("purge: got %+v, %v; want one row", f, err)
			}
			shared := faxTo(4, month.Add(time.Hour), "0241354001", "0144000001")
			imported(t, l, faxTo(2, month, "0241354001", "0144000001"), faxTo(3, month, "0241354001", "0144000001"), shared)
			imported(t, l, shared)
			wantJournalsBalanced(t, path)
			if err := l.alter(t.Context(), "change", func(s *store) error {
				return s.exec(t.Context(), c.change)
			}); err != nil {
				t.Fatal(err)
			}
			b, err := Verify(t.Context(), path)
			if err != nil || b.Err() == nil || !strings.Contains(b.Err().Error(), c.want) {
				t.Errorf("got %v, %v; want %s", b.Err(), err, c.want)
			}
		})
	}
}
