package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// floors is a hospital in which a line of 40 pages a week was cut nine weeks ago, beside one machine; four more stand on
// another floor. Since then the neighbour has moved pages more a week.
func floors(moved int64) *books {
	b := &books{}
	b.snapshot = ledger.Snapshot{At: noon, Month: 202610, Register: ledger.Register{
		Establishments: map[string]ledger.Establishment{"chu": {ID: "chu", Name: "CHU d’Angers"}},
		Services: map[string]ledger.Service{
			"cardio": {ID: "cardio", Establishment: "chu", Name: "Cardiologie"}, "pneumo": {ID: "pneumo", Establishment: "chu", Name: "Pneumologie"},
		},
	}}
	cut := wire.TimeOf(time.Date(2026, 7, 27, 0, 0, 0, 0, time.UTC))
	first, last := ledger.WeekOf(cut, time.UTC)-26, ledger.WeekOf(noon, time.UTC)
	for i, id := range []string{"canon-cut", "canon-next", "canon-a", "canon-b", "canon-c", "canon-d"} {
		floor, service := 1, "pneumo"
		if i > 1 {
			floor = 2
		}
		l := ledger.Line{ID: fmt.Sprintf("024135400%d", i), Device: id, Establishment: "chu", Service: service, State: ledger.Active, Observed: ledger.Active, Status: wire.LineUnknown, Zone: time.UTC, FirstSeen: noon.Add(-400 * 24 * time.Hour)}
		if i == 0 {
			l.Service, l.State, l.CutoffAt, l.CutOn = "cardio", ledger.Cut, cut, "2026-07-26"
		}
		l.History = []ledger.Stretch{{
			Span: ledger.Span{To: noon}, Place: ledger.Place{Establishment: "chu", Service: l.Service}, Device: id,
			Measures: []wire.Measure{wire.FaxSentPages}, Watched: []ledger.Span{{From: first.In(time.UTC), To: noon}},
		}}
		b.snapshot.Lines = append(b.snapshot.Lines, l)
		b.snapshot.Devices = append(b.snapshot.Devices, ledger.Device{ID: id, Vendor: "canon", Model: "iR", Location: fmt.Sprintf("Nord > A > %d", floor)})
		for w := first; w < last; w++ {
			pages := 40 + int64((int(w)*7+i*11)%9)
			switch after := w.In(time.UTC) >= cut; {
			case i == 0 && after:
				pages = 0
			case i == 1 && after:
				pages += moved
			}
			b.weeks = append(b.weeks, ledger.WeekSum{Week: w, Device: id, Line: l.ID, Pages: pages})
		}
	}
	return b
}

func TestFaxesThatWentNextDoorAreShownWithTheirEvidence(t *testing.T) {
	b := floors(44)
	if got := plain(row(t, shown(t, b, "/neighbours"), "line-0241354000")); !strings.Contains(got,
		"0241354000 Cardiologie 27/07/2026 Report sur les voisines même étage (Nord > A > 1) Par semaine : 85 pages vues, 46 attendues") {
		t.Errorf("got %q", got)
	}
	page := plain(shown(t, b, "/neighbours/0241354000"))
	for _, want := range []string{
		"Report sur les voisines", "coupée le 27/07/2026", "La ligne elle-même en avait 44 par semaine", "même étage (Nord > A > 1)", "plus que prévu",
		"Pneumologie", "1 coupure sur 100 au plus", `id="weeks"`, "20/07/2026",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of the cut lacks %q", want)
		}
	}
	for target, want := range map[string]string{
		"/lines/0241354000": "Report sur les voisines", "/services/cardio": "Report sur les voisines",
		"/": "ligne coupée dont les fax passent par les voisines", "/neighbours?finding=displaced&lang=en": "Moved to neighbours",
		"/api/v1/neighbours": `"finding":"displaced"`,
	} {
		if !strings.Contains(shown(t, b, target), want) {
			t.Errorf("%s lacks %q", target, want)
		}
	}
	if got := shown(t, b, "/neighbours?finding=stayed"); strings.Contains(got, "line-0241354000") || !strings.Contains(got, "Aucune coupure n’a ce constat.") {
		t.Error("a cut is shown among those with another finding")
	}
}

func TestTheWeekOfTheCutIsDrawnNeitherAsBeforeNorAsAfter(t *testing.T) {
	b := floors(44)
	b.snapshot.Lines[0].CutoffAt += 2 * 24 * 3600 * 1000 // a Wednesday
	page := shown(t, b, "/neighbours/0241354000")
	for week, want := range map[string]string{
		"20/07/2026": `<td class="figure">46</td><td class="figure">inconnu</td>`,
		"27/07/2026": `<td class="figure">inconnu</td><td class="figure">inconnu</td>`,
		"03/08/2026": `<td class="figure">inconnu</td><td class="figure">86</td>`,
	} {
		if want = week + "</th>" + want; !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestWhatDidNotMoveIsSaidAndWhatIsNoCutIsNotFound(t *testing.T) {
	b := floors(0)
	if got := plain(row(t, shown(t, b, "/neighbours"), "line-0241354000")); !strings.Contains(got, "Pas de report") || !strings.Contains(got, "Une hausse de ") {
		t.Errorf("got %q, want that nothing moved, and what would have been seen", got)
	}
	if w := ask(siteOf(t, b), http.MethodGet, "/neighbours/0241354001"); w.Code != http.StatusNotFound {
		t.Errorf("a line that wasn't cut: got %d, want 404", w.Code)
	}
	b.weeks = nil
	if got := plain(row(t, shown(t, b, "/neighbours"), "line-0241354000")); !strings.Contains(got, "On ne peut pas dire") {
		t.Errorf("got %q, want that it can't be told", got)
	}
}
