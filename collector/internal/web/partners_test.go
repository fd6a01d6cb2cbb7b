package web

import (
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestCorrespondentsHaveNamesAndWhoIsToBeWarnedIsListed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx, by := t.Context(), ledger.Author{Who: "anne"}
	h.published("2026-09-28", directory()...)
	_, err := h.books.TakeHolders(ctx, by, ledger.PublicFile{Source: ledger.FINESS, Name: "f.csv", Day: "2026-05-12"}, func(keep func(ledger.Holder) error) (int64, error) {
		for _, x := range []ledger.Holder{
			{Number: "0241354900", ID: "490000023", Name: "CH D’EXEMPLE", Town: "ANGERS"},
			{Number: "0241354901", ID: "490011111", Name: "=PHARMACIE", Town: "CHOLET"},
			{Number: "0241354902", ID: "490000015", Name: "EHPAD A", Town: "CHOLET"},
			{Number: "0241354902", ID: "490000031", Name: "EHPAD B", Town: "CHOLET"},
		} {
			if err := keep(x); err != nil {
				return 0, err
			}
		}
		return 4, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = h.books.DeclareFollowups(ctx, by, func(_ ledger.Register, all []ledger.Followup) ([]ledger.Followup, error) {
		return append(all, ledger.Followup{Kind: ledger.Partner, Who: "Pharmacie du pont", Contact: "02 41 35 49 01"}, ledger.Followup{Kind: ledger.Partner, Who: "ch d’exemple"}), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const line = "0241354000"
	id, err := h.books.BeginImport(ctx, by, ledger.Import{Journal: "hylafax", Profile: "hylafax", Source: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for i, to := range []string{"0241354900", "0241354901", "0241354902", "0241999999"} {
		e := wire.Event{Journal: "hylafax", Key: to, At: noon.Add(-1e9 * 3600), Unit: wire.Message, Witness: wire.Sender, From: line, To: to, Result: wire.Done, Pages: int64(i + 1)}
		if _, err := h.books.BookEvents(ctx, id, []wire.Event{e}, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.books.EndImport(ctx, id); err != nil {
		t.Fatal(err)
	}
	page := h.page("/flows")
	for _, want := range []string{"CH D’EXEMPLE", "ANGERS", "cardio@ch.mssante.fr", "Annuaire du 28/09/2026", "Plusieurs (2) : EHPAD A, EHPAD B", "Non publiée (ou liste rouge)", "Inconnu", "Partenaire critique : Pharmacie du pont", "Partenaire critique : ch d’exemple", "À prévenir avant une coupure"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	table := h.page("/flows/partners.csv?without=1")
	if strings.Contains(table, "cardio@ch") || !strings.Contains(table, "'=PHARMACIE") || !strings.Contains(table, "EHPAD A") || strings.Contains(table, "0241999999") || strings.Count(table, "\n") != 4 {
		t.Errorf("got\n%s\nwant the three that aren't known to have MSSanté, masked, and no formula", table)
	}
	snapshot, err := h.books.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	service := snapshot.Lines[slices.IndexFunc(snapshot.Lines, func(l ledger.Line) bool { return l.ID == line })].Service
	err = h.books.DeclarePlan(ctx, by, func(_ ledger.Register, p ledger.Plan) (ledger.Plan, error) {
		p.Waves = []ledger.Wave{{Number: 2, Services: []string{service}}, {Number: 3, Note: "nobody yet"}}
		return p, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := h.page("/flows/partners.csv?without=1&wave=2"); got != table {
		t.Errorf("of the wave of the line got\n%s\nwant\n%s", got, table)
	}
	if got := h.page("/flows/partners.csv?without=1&wave=3"); strings.Count(got, "\n") != 1 {
		t.Errorf("of a wave without services got\n%s\nwant nobody", got)
	}
}
