package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// yearly is a hospital whose machines counted for more than a year, each month 100 pages received and 50 sent fewer
// than the one before, with a gap: nothing was watched in March 2026. It is noon of 1 October 2026.
func yearly() *books {
	b := hospital()
	b.snapshot.Month = 202610
	b.months = nil
	b.snapshot.Register.Establishments["ch"] = ledger.Establishment{ID: "ch", Name: "CH de Saumur"}
	b.snapshot.Register.Targets = map[ledger.TargetKey][]ledger.Target{
		{Indicator: "fax_received"}: {{Indicator: "fax_received", Value: 600}},
		{Indicator: "fax_sent"}:     {{Indicator: "fax_sent", Value: 1000}},
		{Indicator: "mssante_sent"}: {{Indicator: "mssante_sent", Value: 500}},
		{Indicator: "active_lines"}: {{Indicator: "active_lines", Value: 0}},
		{Indicator: "fax_internal"}: {{Indicator: "fax_internal", Value: 10}},
	}
	begin := ledger.Month(202507).In(time.UTC)
	for i := range b.snapshot.Devices {
		b.snapshot.Devices[i].FirstSeen = begin
	}
	gap, after := ledger.Month(202603).In(time.UTC), ledger.Month(202604).In(time.UTC)
	measures := []wire.Measure{wire.FaxSentPages, wire.FaxReceivedPages}
	for i := range b.snapshot.Lines {
		l := &b.snapshot.Lines[i]
		place := ledger.Place{Establishment: l.Establishment, Pole: l.Pole, Service: l.Service}
		l.History = []ledger.Stretch{{
			Span: ledger.Span{From: begin, To: noon}, Place: place, Device: l.Device, Measures: measures,
			Watched: []ledger.Span{{From: begin, To: gap}, {From: after, To: noon}},
		}}
	}
	line := b.snapshot.Lines[0]
	account := ledger.Account{Establishment: line.Establishment, Pole: line.Pole, Service: line.Service, Device: line.Device, Line: line.ID}
	for i, month := 0, ledger.Month(202507); month <= 202610; i, month = i+1, month.Add(1) {
		if month == 202603 {
			continue
		}
		for measure, count := range map[wire.Measure]int{wire.FaxReceivedPages: 2000 - 100*i, wire.FaxSentPages: 1000 - 50*i} {
			b.months = append(b.months, ledger.MonthSum{Account: account, Month: month, Measure: measure, Unit: "pages", Count: int64(count)})
		}
		sent := int64(10 * i)
		b.mssante.Messages = append(b.mssante.Messages, ledger.Volume{Establishment: "chu", Month: month, Sent: &sent})
	}
	return b
}

// text is what a page shows, in one line.
func text(t *testing.T, page, id string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, `id="`+id+`"`)
	if !found {
		t.Fatalf("nothing with id %s", id)
	}
	rest, _, _ = strings.Cut(rest, "</li>")
	return plain(untagged(rest))
}

// untagged is what markup says.
func untagged(markup string) string {
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(markup, " ")), " ")
}

func TestTheDashboardSaysTheSevenIndicatorsWithTargetsTrendsAndWhatIsUnknown(t *testing.T) {
	page := shown(t, yearly(), "/")
	for id, want := range map[string][]string{
		"indicator-fax_received":      {"600 pages", "objectif 600 atteint (±0)", "−100 (−14 %) depuis août 2026", "−1 300 (−68 %) depuis août 2025", "mois en cours : 500 pages", "compteurs des machines", "observé à 100 %"},
		"indicator-fax_sent":          {"300 pages", "objectif 1 000 atteint (−700)"},
		"indicator-mssante_sent":      {"140 messages", "objectif 500 manqué (−360)", "déclaré · à 100 %"},
		"indicator-mssante_received":  {"inconnu", "sans objectif", "rien n’est déclaré pour ce mois"},
		"indicator-mssante_addresses": {"inconnu"},
		"indicator-fax_internal":      {"inconnu", "objectif 10, écart inconnu", "il faut un journal de fax"},
		"indicator-active_lines":      {"1 ligne", "objectif 0 manqué (+1)", "inchangé depuis août 2026"},
	} {
		got := text(t, page, id)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: got %q, want in it %q", id, got, w)
			}
		}
		if strings.Contains(got, "inconnu") && strings.Contains(got, "depuis") {
			t.Errorf("%s: got %q, want no difference to something unknown", id, got)
		}
	}
}

func TestTheDashboardsTotalsAreThoseOfTheAPI(t *testing.T) {
	b := yearly()
	var got struct {
		Data []struct {
			Indicator string
			Value     *int64
		}
	}
	w := ask(newSite(t, b), http.MethodGet, "/api/v1/indicators?by=whole&month=2026-09")
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Data) < 7 {
		t.Fatalf("got %d figures, %v", len(got.Data), err)
	}
	page := shown(t, b, "/")
	for _, f := range got.Data {
		if f.Value == nil || f.Indicator == "fax_direction_unknown" {
			continue
		}
		if said := text(t, page, "indicator-"+f.Indicator); !strings.Contains(said, fmt.Sprintf(" %d ", *f.Value)) {
			t.Errorf("%s: got %q, want the API's %d in it", f.Indicator, said, *f.Value)
		}
	}
}

func TestTheDashboardSaysWhenZeroComesAndThatItCannotBeSaid(t *testing.T) {
	page := plain(untagged(shown(t, yearly(), "/")))
	for _, want := range []string{
		"Zéro page faxée mars 2027", "d’après 11 mois complets", "−150,0 par mois", // 900 pages in September less 150 a month
		"Zéro ligne active ne peut pas être dit : la tendance ne baisse pas",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("got %q, want in it %q", page, want)
		}
	}
	if page := plain(untagged(shown(t, hospital(), "/"))); !strings.Contains(page, "moins de quatre mois connus") {
		t.Errorf("got %q, want it to say that too few months are known", page)
	}
}

func TestAMonthThatNothingWatchedIsAGapInTheCharts(t *testing.T) {
	page := shown(t, yearly(), "/")
	_, rest, _ := strings.Cut(page, `id="pages-chart-data"`)
	_, cells, _ := strings.Cut(rest, `<th scope="row">mars 2026</th>`)
	cells, _, _ = strings.Cut(cells, "</tr>")
	if strings.Count(cells, "inconnu") < 3 || strings.Contains(cells, ">0<") {
		t.Errorf("March 2026 is shown as %s, want unknown", cells)
	}
}

func TestTheDashboardListsWhatNeedsALookAndWhereOneActs(t *testing.T) {
	b := yearly()
	b.snapshot.Directory.Lost = []ledger.LostMailbox{{Address: "saas@chu.mssante.fr", Establishment: "chu", Service: "saas"}}
	page := shown(t, b, "/")
	_, list, _ := strings.Cut(page, `<h2 id="concerns">`)
	list, _, _ = strings.Cut(list, "</section>")
	for _, want := range []string{
		`<a href="/alerts?lang=fr"><strong>1</strong> <span>ligne faxe encore après sa coupure`,
		`<a href="/lines?lang=fr&state=overdue"><strong>1</strong>`,
		`<a href="/lines?lang=fr&state=kept"><strong>1</strong> <span>exception à revoir`,
		`<a href="/mssante?lang=fr#directory"><strong>1</strong> <span>adresse MSSanté disparue`,
		`<a href="/machines?lang=fr#agents"><strong>2</strong> <span>agents hors ligne ou muets`,
		`<a href="/machines?lang=fr#watch"><strong>12</strong> <span>anomalies`,
		`<a href="/targets?lang=fr"><strong>2</strong> <span>objectifs manqués`,
	} {
		if !strings.Contains(list, want) {
			t.Errorf("got %s, want in it %s", list, want)
		}
	}
	if got := shown(t, &books{snapshot: ledger.Snapshot{At: noon, Month: 202610}}, "/"); !strings.Contains(got, "Rien à signaler aujourd’hui.") {
		t.Error("an empty register doesn't say that there is nothing to look at")
	}
}

func TestMonthsWaitForTheirClosingSinceTheLastOne(t *testing.T) {
	closed := func(months ...ledger.Month) (list []ledger.Closing) {
		for _, m := range months {
			list = append(list, ledger.Closing{Month: m})
		}
		return list
	}
	reopened := closed(202608)
	reopened[0].ReopenedAt = noon
	for name, c := range map[string]struct {
		closings    []ledger.Closing
		first, last ledger.Month
		want        int64
	}{
		"nothing known yet":                  {nil, 0, 202609, 0},
		"known since this month":             {nil, 202610, 202609, 0},
		"none ever closed: the last one":     {nil, 202501, 202609, 1},
		"all closed":                         {closed(202608, 202609), 202501, 202609, 0},
		"three since, over the turn of one":  {closed(202511), 202501, 202602, 3},
		"one was reopened among closed ones": {append(closed(202609), reopened...), 202501, 202609, 1},
		"a reopened one is not closed":       {append(reopened, closed(202607)...), 202501, 202609, 2},
	} {
		if got := unclosed(c.closings, c.first, c.last); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestThePlanCountsCutsAgainstAllLinesAsTheKitDoes(t *testing.T) {
	b := yearly()
	cut := b.snapshot.Lines[0]
	cut.ID, cut.State, cut.Cutoff, cut.CutOn = "0241350001", ledger.Cut, "2026-08-01", "2026-07-20"
	b.snapshot.Lines = append(b.snapshot.Lines, cut)
	for i := range b.snapshot.Lines {
		b.snapshot.Lines[i].Declared = i > 0
	}
	page := plain(untagged(shown(t, b, "/")))
	for _, want := range []string{"1 ligne coupée sur 9, soit 11,1 %", "1 coupure en retard", "6 lignes sans date de coupure", "dont 1 ligne maintenue pour un motif"} {
		if !strings.Contains(page, want) {
			t.Errorf("got %q, want in it %q", page, want)
		}
	}
}

func TestOfNoLinesNoPartIsCut(t *testing.T) {
	b := yearly()
	b.snapshot.Lines = nil
	page := plain(untagged(shown(t, b, "/")))
	if !strings.Contains(page, "Aucune ligne n’est encore connue.") || strings.Contains(page, "sur 0, soit") {
		t.Errorf("got %q, want that no line is known, and no part of none", page)
	}
	table := shown(t, b, "/map/table.csv")
	if !strings.Contains(table, "Total général;0;0;\r\n") {
		t.Errorf("got %q, want no part in the total", table)
	}
}

func TestTheDashboardShowsAPartAlone(t *testing.T) {
	got := shown(t, yearly(), "/?establishment=chu")
	if said := text(t, got, "indicator-fax_received"); !strings.Contains(said, "600 pages") {
		t.Errorf("got %q, want the pages of the CHU", said)
	}
	got = shown(t, yearly(), "/?establishment=ch")
	if said := text(t, got, "indicator-fax_received"); !strings.Contains(said, "inconnu") {
		t.Errorf("got %q, want unknown: that hospital has no line", said)
	}
	if !strings.Contains(got, "Rien à signaler") {
		t.Error("what needs a look elsewhere is shown for a hospital without a line")
	}
	got = shown(t, yearly(), "/?pole=urgences")
	if said := text(t, got, "indicator-fax_sent"); !strings.Contains(said, "300 pages") || !strings.Contains(got, "Urgences · CHU d’Angers") {
		t.Errorf("got %q, want the pages of the pôle", said)
	}
}

func TestTheDashboardTellsNoDifferenceBetweenUnits(t *testing.T) {
	b := yearly()
	for i := range b.months {
		if m := &b.months[i]; m.Month == 202609 && m.Measure == wire.FaxSentPages {
			m.Unit = "images"
		}
	}
	if said := text(t, shown(t, b, "/"), "indicator-fax_sent"); !strings.Contains(said, "300 images") || strings.Contains(said, "depuis") {
		t.Errorf("got %q, want images, and nothing of how many fewer than pages they are", said)
	}
}
