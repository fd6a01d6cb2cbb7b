package report_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/report"
)

var (
	sentPages     = report.Key{Indicator: indicators.FaxSent, Of: "pages"}
	receivedPages = report.Key{Indicator: indicators.FaxReceived, Of: "pages"}
	internalFaxes = report.Key{Indicator: indicators.FaxInternal, Of: "faxes"}
	mssanteSent   = report.Key{Indicator: indicators.MSSanteSent, Of: "messages"}
)

// figure is a value, or -1 where it is unknown.
func figure(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}

// TestOfOneHospital shares its books: none of the tests changes them.
func TestOfOneHospital(t *testing.T) {
	h := newHospital(t)
	for name, test := range map[string]func(*testing.T, *hospital){
		"a report has the kits seven with the month before the baseline and the target": aReportHasTheKitsSevenWithTheMonthBeforeTheBaselineAndTheTarget,
		"a month that nobody declared is a gap in the trend":                            aMonthThatNobodyDeclaredIsAGapInTheTrend,
		"what follows from dates is as of the end of the month":                         whatFollowsFromDatesIsAsOfTheEndOfTheMonth,
		"faxes after the cut off are told by sureness":                                  faxesAfterTheCutOffAreToldBySureness,
		"the largest are services and those of whom nothing is known are counted":       theLargestAreServicesAndThoseOfWhomNothingIsKnownAreCounted,
		"a report of one establishment has nothing of the others":                       aReportOfOneEstablishmentHasNothingOfTheOthers,
		"gains are the baseline less the month with both shown":                         gainsAreTheBaselineLessTheMonthWithBothShown,
		"months of which nothing can be said are refused":                               monthsOfWhichNothingCanBeSaidAreRefused,
		"the file has the reports figures in both languages":                            theFileHasTheReportsFiguresInBothLanguages,
		"no name becomes a formula":                                                     noNameBecomesAFormula,
		"charts are drawn from cells that hold figures":                                 chartsAreDrawnFromCellsThatHoldFigures,
	} {
		t.Run(name, func(t *testing.T) { test(t, h) })
	}
}

func aReportHasTheKitsSevenWithTheMonthBeforeTheBaselineAndTheTarget(t *testing.T, h *hospital) {
	r := h.report(t, 202610, "")
	if r.Baseline != 202608 {
		t.Errorf("baseline: got %v, want 202608, the first month that was read from its beginning", r.Baseline)
	}
	var order []indicators.Indicator
	for i := range r.Indicators {
		order = append(order, r.Indicators[i].Indicator)
	}
	if !slices.Equal(order, indicators.Kit()) {
		t.Errorf("got the indicators %v, want the kit's seven %v", order, indicators.Kit())
	}
	const unknown = -1
	for key, want := range map[report.Key][5]int64{ // October, September, baseline, target, gap
		{Indicator: indicators.ActiveLines, Of: "lines"}: {2, 3, 3, 1, 1},
		sentPages:     {434, 420, 420, 100, 334},
		receivedPages: {310, 300, 300, unknown, unknown},
		mssanteSent:   {600, 500, unknown, 500, 100},
		internalFaxes: {unknown, unknown, unknown, unknown, unknown},
	} {
		i := slices.IndexFunc(r.Indicators, func(x report.Indicator) bool { return x.Key == key })
		x := r.Indicators[i]
		got := [5]int64{figure(x.Now.Value), figure(x.Before.Value), figure(x.Base.Value), figure(x.Now.Target), figure(x.Now.Gap)}
		if got != want {
			t.Errorf("%v: got %v, want %v (-1: unknown)", key, got, want)
		}
	}
}

func aMonthThatNobodyDeclaredIsAGapInTheTrend(t *testing.T, h *hospital) {
	r := h.report(t, 202610, "")
	if len(r.Trend) != 13 || r.Trend[0].Month != 202510 || r.Trend[12].Month != 202610 {
		t.Fatalf("got %d months from %v, want 13 from October to October", len(r.Trend), r.Trend[0].Month)
	}
	for month, want := range map[ledger.Month]int64{202604: -1, 202607: 300, 202608: -1, 202609: 500} {
		for _, past := range r.Trend {
			if got := figure(past.At(mssanteSent).Value); past.Month == month && got != want {
				t.Errorf("messages sent in %v: got %d, want %d (-1: unknown)", month, got, want)
			}
		}
	}
	if flows := r.Flows(); slices.Contains(flows, internalFaxes) || len(flows) != 4 {
		t.Errorf("got %v, want no line for internal faxes, which nothing counts", flows)
	}
}

func whatFollowsFromDatesIsAsOfTheEndOfTheMonth(t *testing.T, h *hospital) {
	for month, want := range map[ledger.Month]report.Progress{
		202608: {Lines: 5, Kept: 1}, // the first date is the first of September
		202609: {Lines: 5, Kept: 1, Planned: 1, Late: 1},
		202610: {Lines: 5, Kept: 1, Planned: 2, Late: 1, Cut: 1},
	} {
		if got := h.report(t, month, "").Progress; got != want {
			t.Errorf("%v: got %+v, want %+v", month, got, want)
		}
	}
	r := h.report(t, 202610, "")
	if want := (report.Late{Service: "saas", Lines: 1, Active: 1, Since: "2026-10-21", Days: 10}); len(r.Late) != 1 || r.Late[0] != want {
		t.Errorf("late: got %+v, want %+v", r.Late, want)
	}
	if len(r.Cuts) != 2 || r.Cuts[0].Day != "2026-12-01" || r.Cuts[1].Day != "2027-01-15" {
		t.Errorf("next cut-offs: got %+v, want those of December and January", r.Cuts)
	}
	if len(r.Exceptions) != 1 || !r.Exceptions[0].Due {
		t.Errorf("exceptions: got %+v, want one whose review is due", r.Exceptions)
	}
	if len(r.Blind) != 2 {
		t.Errorf("blind: got %d lines, want the two whose machines were never seen", len(r.Blind))
	}
	percent, ok := r.Progress.Share(1)
	if !ok || percent != 20 {
		t.Errorf("got %v %v, want 20 %%", percent, ok)
	}
	if _, ok := (report.Progress{}).Share(0); ok {
		t.Error("a share of no lines is no figure")
	}
}

func TestAMonthEndsWhereALineIs(t *testing.T) {
	h := newHospital(t)
	err := h.Declare(t.Context(), by, func(r ledger.Register) (ledger.Register, error) {
		r.Sites["sud"] = ledger.Site{ID: "sud", Establishment: "ch", TimeZone: "Indian/Reunion"}
		for line, d := range map[string]ledger.Declaration{
			"0262000001": {CutOn: "2026-11-01"}, "0262000002": {Cutoff: "2026-11-01"}, "0262000003": {Cutoff: "2026-10-31"},
		} {
			d.Line, d.Number, d.Place = line, line, ledger.Place{Site: "sud"}
			r.Lines[line] = []ledger.Declaration{d}
		}
		return r, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// November began there while it was October in Paris for three hours more.
	r := h.report(t, 202610, "ch")
	if want := (report.Progress{Lines: 4, Planned: 1, Late: 1}); r.Progress != want {
		t.Errorf("October: got %+v, want %+v: what is of the first of November isn't October's", r.Progress, want)
	}
	if len(r.Late) != 1 || r.Late[0].Days != 0 {
		t.Errorf("late: got %+v, want the line of the last day, for no whole day", r.Late)
	}
	if len(r.Cuts) != 2 {
		t.Errorf("cut-offs to come: got %+v, want those of the first of November and of December", r.Cuts)
	}
}

func faxesAfterTheCutOffAreToldBySureness(t *testing.T, h *hospital) {
	r := h.report(t, 202610, "")
	if len(r.After) != 2 {
		t.Fatalf("got %+v, want two lines", r.After)
	}
	for _, a := range r.After {
		sums := map[ledger.Certainty]int64{}
		for _, certainty := range []ledger.Certainty{ledger.Certain, ledger.Probable, ledger.Unsure} {
			for _, s := range a.Of(certainty) {
				sums[certainty] += s.Count
			}
		}
		want := map[string]int64{"0241354000": 140, "0241354001": 155}[a.Line.ID]
		if sums[ledger.Certain] != want {
			t.Errorf("%s: got %v, want %d certain pages", a.Line.ID, sums, want)
		}
		if want := map[string]int64{"0241354000": 14}[a.Line.ID]; sums[ledger.Unsure] != want {
			t.Errorf("%s: got %v, want %d pages in doubt, of the night before the date", a.Line.ID, sums, want)
		}
	}
	if august := h.report(t, 202608, "").After; len(august) != 0 {
		t.Errorf("August, before any date: got %+v, want nothing", august)
	}
}

func theLargestAreServicesAndThoseOfWhomNothingIsKnownAreCounted(t *testing.T, h *hospital) {
	r := h.report(t, 202610, "")
	var names []string
	for _, rank := range r.Senders.Largest {
		names = append(names, rank.Scope.Service)
	}
	if want := []string{"saas", "archives", "onco"}; !slices.Equal(names, want) || r.Senders.Silent != 1 {
		t.Errorf("got %v and %d silent, want %v and one, pediatrics", names, r.Senders.Silent, want)
	}
}

func aReportOfOneEstablishmentHasNothingOfTheOthers(t *testing.T, h *hospital) {
	r := h.report(t, 202610, "ch")
	if r.Name != "CH de Cholet" || r.Progress.Lines != 1 || len(r.After) != 0 || len(r.Exceptions) != 0 || len(r.Services) != 1 {
		t.Errorf("got %s with %d lines, %d after, %d exceptions, %d services; want pediatrics alone",
			r.Name, r.Progress.Lines, len(r.After), len(r.Exceptions), len(r.Services))
	}
	if sent := r.Trend[12].At(sentPages).Value; sent != nil {
		t.Errorf("sent: got %d, want unknown: its machine was never seen", *sent)
	}
	if len(r.Gains) != 0 {
		t.Errorf("gains: got %+v, want none where nothing is known", r.Gains)
	}
	snapshot, err := h.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := report.New(report.Books{Snapshot: snapshot, Zone: h.zone}, 202610, "chx"); !errors.Is(err, report.ErrNoEstablishment) {
		t.Errorf("got %v, want that there is no such establishment", err)
	}
}

func gainsAreTheBaselineLessTheMonthWithBothShown(t *testing.T, h *hospital) {
	r := h.report(t, 202611, "") // nothing is faxed any more by the emergencies; the month is running
	if r.Over() {
		t.Error("November isn't over")
	}
	for _, gain := range r.Gains {
		if gain.Avoided != gain.Base-gain.Now || gain.Avoided <= 0 {
			t.Errorf("got %+v, want the difference", gain)
		}
	}
	if len(r.Gains) != 2 {
		t.Errorf("got %+v, want pages sent and received apart", r.Gains)
	}
	if gains := h.report(t, 202608, "").Gains; len(gains) != 0 {
		t.Errorf("the baseline itself: got %+v, want nothing to compare", gains)
	}
}

func monthsOfWhichNothingCanBeSaidAreRefused(t *testing.T, h *hospital) {
	snapshot, err := h.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	known, err := report.Find(t.Context(), h, snapshot, h.zone)
	if err != nil {
		t.Fatal(err)
	}
	if want := (report.Known{First: 202605, Last: 202611}); known != want || known.Usual() != 202610 {
		t.Errorf("got %+v, usually %v; want %+v, usually October", known, known.Usual(), want)
	}
	for month, want := range map[ledger.Month]string{
		202612: "2026-12 is still to come; want a month until 2026-11",
		202604: "the books begin in 2026-05, after 2026-04; want a month from then on",
		202611: "", 202605: "",
	} {
		got := ""
		if err := known.Check(month); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%v: got %q, want %q", month, got, want)
		}
	}
	if young := (report.Known{First: 202611, Last: 202611}); young.Usual() != 202611 {
		t.Errorf("books that began this month: got %v, want this month", young.Usual())
	}
}

func TestEveryWordOfAReportIsInBothLanguages(t *testing.T) {
	for key, said := range report.Texts() {
		if said[page.French] == "" || said[page.English] == "" || strings.Count(said[page.French], "%") != strings.Count(said[page.English], "%") {
			t.Errorf("%s: got %q", key, said)
		}
	}
	words := report.In("fr", nil, 0)
	for _, states := range ledger.LineStates() {
		if _, err := words.T("report.state." + string(states)); err != nil {
			t.Error(err)
		}
	}
	for _, indicator := range append(indicators.Kit(), indicators.FaxUnknown) {
		if _, err := words.T("report.indicator." + string(indicator)); err != nil {
			t.Error(err)
		}
	}
}

func TestAClosedMonthKeepsItsFiguresAndTellsWhatWasCorrectedSince(t *testing.T) {
	h := newHospital(t)
	closing, err := h.CloseMonth(t.Context(), by, 202610, "", indicators.Freeze)
	if err != nil {
		t.Fatal(err)
	}
	err = h.DeclareVolumes(t.Context(), by, func(_ ledger.Register, all []ledger.Volume) ([]ledger.Volume, error) {
		more := int64(650)
		all[len(all)-1].Sent = &more
		return all, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r := h.report(t, 202610, "")
	if r.Closing == nil || r.Closing.At != closing.At || !r.Trend[12].Closed || r.Trend[11].Closed {
		t.Fatalf("got the closing %+v, want that of October, and September open", r.Closing)
	}
	if sent := figure(r.Trend[12].At(mssanteSent).Value); sent != 600 {
		t.Errorf("got %d messages sent, want the 600 that were frozen", sent)
	}
	if len(r.Corrections) != 1 || figure(r.Corrections[0].Then.Value) != 600 || figure(r.Corrections[0].Now.Value) != 650 {
		t.Errorf("got the corrections %+v, want 600, now 650", r.Corrections)
	}
	_, book := file(t, r, "fr", h)
	if got := strings.Join(row(t, book, "Synthèse", "Messages MSSanté émis"), "|"); !strings.HasPrefix(got, "Messages MSSanté émis|600") {
		t.Errorf("the file tells %q, want what was frozen", got)
	}
	if november := h.report(t, 202611, ""); november.Closing != nil || !november.Trend[11].Closed {
		t.Error("November isn't closed, the month before it is")
	}
	if cholet := h.report(t, 202610, "ch"); cholet.Closing == nil || len(cholet.Corrections) != 0 {
		t.Errorf("got %+v, want the closing of one establishment, with nothing corrected", cholet.Corrections)
	}
}

func TestTheForecastRestsOnWhatIsKnownNowAlsoOfClosedMonths(t *testing.T) {
	h := newHospital(t)
	want := h.report(t, 202610, "").Forecast
	_, err := h.CloseMonth(t.Context(), by, 202609, "", func(b ledger.MonthBooks) []ledger.ClosedFigure {
		frozen := indicators.Freeze(b)
		for i := range frozen {
			if lines := int64(1000); frozen[i].Indicator == string(indicators.ActiveLines) {
				frozen[i].Value, frozen[i].Watched = &lines, 10*frozen[i].Days
			}
		}
		return frozen
	})
	if err != nil {
		t.Fatal(err)
	}
	r := h.report(t, 202610, "")
	if got := figure(r.Trend[11].At(report.Key{Indicator: indicators.ActiveLines, Of: "lines"}).Value); got != 1000 {
		t.Fatalf("got %d active lines in September, want those that were frozen", got)
	}
	if r.Forecast != want {
		t.Errorf("got %+v, want %+v as before the closing", r.Forecast, want)
	}
}

func TestTheWeatherIsThatOfTheCommitteesDayTheWorstFirst(t *testing.T) {
	h := newHospital(t)
	say := func(service string, day ledger.Day, weather ledger.Weather, points ...ledger.WatchPoint) {
		t.Helper()
		err := h.DeclareSheet(t.Context(), by, service, day, func(_ ledger.Register, s ledger.Sheet) (ledger.Sheet, error) {
			s.Weather, s.Points, s.NextSteps = weather, points, "Former le secrétariat"
			return s, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	say("saas", "2026-09-10", ledger.Sunny)
	say("saas", "2026-11-05", ledger.Stormy, ledger.WatchPoint{Text: "=SAMU sans MSSanté", Risk: ledger.MajorRisk, Mitigation: "numéro de secours"})
	say("archives", "2026-11-06", ledger.Cloudy)
	r := h.report(t, 202610, "")
	if len(r.Weather) != 2 || r.Weather[0].Service != "saas" || r.Weather[0].Weather != ledger.Stormy || r.Weather[0].Worst != ledger.MajorRisk || r.Unsaid != 2 {
		t.Errorf("October: got %+v and %d without, want the storm first, and two without a sheet", r.Weather, r.Unsaid)
	}
	if september := h.report(t, 202608, ""); len(september.Weather) != 1 || september.Weather[0].Weather != ledger.Sunny {
		t.Errorf("August, whose committee met in September: got %+v, want the sun of then", september.Weather)
	}
	_, book := file(t, r, "fr", h)
	if got := strings.Join(row(t, book, "Météo", "Accueil & soins urgents"), "|"); got != "Accueil & soins urgents|05/11/2026|Orageux|majeur||=SAMU sans MSSanté (majeur) → numéro de secours|Former le secrétariat" {
		t.Errorf("got %q", got)
	}
}
