package indicators_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var update = flag.Bool("update", false, "write the golden tables")

func at(t *testing.T, zone *time.Location, text string) wire.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return wire.TimeOf(when)
}

// hospital is two establishments in two zones at noon of 10 October 2026:
//   - saas (urgences, nord): a line on a machine that counts both ways, one on a machine that prints;
//   - onco (urgences until 1 July 2026, then medecine): one line whose machine was reset in September,
//     and which was watched since 15 August;
//   - dialyse (sud, Réunion): a line that only its gateway's port shows, and one nobody can see;
//   - archives: declared, without a line;
//   - a machine that nobody assigned.
func hospital(t *testing.T) indicators.Books {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	reunion, err := time.LoadLocation("Indian/Reunion")
	if err != nil {
		t.Fatal(err)
	}
	now := at(t, time.UTC, "2026-10-10").Add(12 * time.Hour)
	on := func(text string) wire.Time { return at(t, paris, text) }
	pages := []wire.Measure{wire.FaxSentPages, wire.FaxReceivedPages, wire.FaxSent}
	printed := []wire.Measure{wire.FaxPrintedPages}
	place := func(establishment, pole, service string) ledger.Place {
		return ledger.Place{Establishment: establishment, Pole: pole, Service: service}
	}
	line := func(id string, state ledger.LineState, zone *time.Location, history ...ledger.Stretch) ledger.Line {
		last := history[len(history)-1]
		return ledger.Line{
			ID: id, State: state, Observed: state, Zone: zone, Sharing: min(len(last.Measures), 1), History: history,
			Establishment: last.Establishment, Pole: last.Pole, Service: last.Service,
		}
	}
	stood := func(from, to wire.Time, place ledger.Place, measures []wire.Measure, watched ...ledger.Span) ledger.Stretch {
		return ledger.Stretch{Span: ledger.Span{From: from, To: to}, Place: place, Measures: measures, Watched: watched}
	}
	span := func(from, to wire.Time) ledger.Span { return ledger.Span{From: from, To: to} }

	overdue := line("0241354001", ledger.Active, paris, stood(0, now, place("nord", "urgences", "saas"), printed, span(on("2026-01-01"), now)))
	overdue.State, overdue.CutoffAt = ledger.Overdue, on("2026-10-01")
	lines := []ledger.Line{
		line("0241354000", ledger.Active, paris, stood(0, now, place("nord", "urgences", "saas"), pages, span(on("2026-01-01"), now))),
		overdue,
		line("0241354002", ledger.Quiet, paris,
			stood(0, on("2026-07-01"), place("nord", "urgences", "onco"), pages),
			stood(on("2026-07-01"), now, place("nord", "medecine", "onco"), pages, span(on("2026-08-15"), on("2026-09-10")), span(on("2026-09-13"), now))),
		line("0262000001", ledger.Active, reunion, stood(0, now, place("sud", "rein", "dialyse"), nil, span(at(t, reunion, "2026-09-16"), now))),
		line("0262000002", ledger.Blind, reunion, stood(0, now, place("sud", "rein", "dialyse"), nil)),
		line("kyocera-1", ledger.Dormant, paris, stood(0, now, place("", "", ""), pages, span(on("2026-01-01"), now))),
	}

	account := func(p ledger.Place, line string) ledger.Account {
		return ledger.Account{Establishment: p.Establishment, Pole: p.Pole, Service: p.Service, Line: line}
	}
	saas, onco, late := account(lines[0].History[0].Place, "0241354000"), account(place("nord", "urgences", "onco"), "0241354002"), account(place("nord", "medecine", "onco"), "0241354002")
	second := account(lines[1].History[0].Place, "0241354001")
	twice := saas
	twice.Evidence = true
	sum := func(a ledger.Account, month ledger.Month, measure wire.Measure, unit string, count, straddling int64) ledger.MonthSum {
		return ledger.MonthSum{Account: a, Month: month, Measure: measure, Unit: unit, Count: count, Straddling: straddling}
	}
	return indicators.Books{
		At: now, Lines: lines,
		Register: &ledger.Register{
			Establishments: map[string]ledger.Establishment{"nord": {ID: "nord", Name: "CHU Nord"}, "sud": {ID: "sud", Name: "CH Sud"}},
			Poles: map[string]ledger.Pole{
				"urgences": {ID: "urgences", Establishment: "nord", Name: "Urgences"}, "medecine": {ID: "medecine", Establishment: "nord", Name: "Médecine"},
				"rein": {ID: "rein", Establishment: "sud", Name: "Rein"},
			},
			Services: map[string]ledger.Service{
				"saas": {ID: "saas", Establishment: "nord", Pole: "urgences", Name: "SAAS"}, "onco": {ID: "onco", Establishment: "nord", Pole: "medecine", Name: "Oncologie"},
				"dialyse": {ID: "dialyse", Establishment: "sud", Pole: "rein", Name: "Dialyse"}, "archives": {ID: "archives", Establishment: "nord", Pole: "medecine", Name: "Archives"},
			},
		},
		Months: []ledger.MonthSum{
			sum(onco, 202606, wire.FaxSentPages, "pages", 40, 0),
			sum(saas, 202609, wire.FaxSentPages, "pages", 100, 7),
			sum(saas, 202609, wire.FaxSent, "faxes", 31, 0),
			sum(saas, 202609, wire.FaxReceivedPages, "pages", 50, 0),
			sum(twice, 202609, wire.FaxPrintedPages, "pages", 50, 0),
			sum(second, 202609, wire.FaxPrintedPages, "images", 8, 0),
			sum(late, 202609, wire.FaxSentPages, "pages", 3, 0),
			sum(saas, 202610, wire.FaxSentPages, "pages", 20, 5),
			sum(second, 202610, wire.FaxPrintedPages, "images", 2, 0),
			sum(account(place("nord", "medecine", "fermé"), "0241354009"), 202609, wire.FaxPages, "pages", 12, 0), // a line and a service that are no more
		},
	}
}

func TestTheFiguresOfAHospital(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to ledger.Month
		level    indicators.Level
	}{
		{"a month that is over, by service", 202609, 202609, indicators.Service},
		{"this month, by service", 202610, 202610, indicators.Service},
		{"June to October, by pole", 202606, 202610, indicators.Pole},
		{"September and October, by structure", 202609, 202610, indicators.Structure},
		{"before anything was watched", 202512, 202512, indicators.Structure},
		{"a month to come", 202611, 202611, indicators.Structure},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := table(indicators.Compute(hospital(t), c.from, c.to, c.level))
			golden := "testdata/" + strings.NewReplacer(" ", "-", ",", "").Replace(c.name) + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant as in %s:\n%s", got, golden, want)
			}
		})
	}
}

func table(figures []indicators.Figure) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scope\tindicator\tvalue\tunit\twatched\tstraddling\tbasis")
	for _, f := range figures {
		scope := strings.Join([]string{f.Scope.Establishment, f.Scope.Pole, f.Scope.Service}, "/") + " " + f.Scope.Name
		value := "unknown"
		if f.Value != nil {
			value = fmt.Sprint(*f.Value)
		}
		basis := fmt.Sprint(f.Basis.Source, ", ", f.Basis.Certainty)
		for _, part := range f.Basis.Parts {
			basis += fmt.Sprintf(", %s %d %s", part.Measure, part.Count, part.Unit)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.1f of %d\t%d\t%s\n", scope, f.Indicator, value, f.Unit, f.Completeness.Watched, f.Completeness.Days, f.Straddling, basis)
	}
	_ = w.Flush()
	return text.String()
}

func TestTheLevelsAgree(t *testing.T) {
	b := hospital(t)
	total := func(level indicators.Level) map[string]int64 {
		sums := map[string]int64{}
		for _, f := range indicators.Compute(b, 202606, 202610, level) {
			if f.Value != nil {
				for _, part := range f.Basis.Parts {
					sums[string(f.Indicator)+string(part.Measure)+part.Unit] += part.Count
				}
				sums[string(f.Indicator)] += *f.Value
			}
		}
		return sums
	}
	want := fmt.Sprint(total(indicators.Service))
	for _, level := range indicators.Levels() {
		if got := fmt.Sprint(total(level)); got != want {
			t.Errorf("by %s: got %s, want as by service %s", level, got, want)
		}
	}
}

// activeLinesOf is that figure of a service in a month, as text.
func activeLinesOf(b indicators.Books, month ledger.Month, service string) string {
	for _, f := range indicators.Compute(b, month, month, indicators.Service) {
		if f.Scope.Service != service || f.Indicator != indicators.ActiveLines {
			continue
		}
		value := "unknown"
		if f.Value != nil {
			value = fmt.Sprint(*f.Value)
		}
		return fmt.Sprintf("%s %s, %d unseen", value, f.Basis.Certainty, f.Basis.Unseen)
	}
	return "no figure"
}

func TestActiveLinesNeverLookFewerThanTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(lines []ledger.Line)
		service string
		month   ledger.Month
		want    string
	}{
		"kept and faxing, then":          {func(l []ledger.Line) { l[0].KeptReason = "astreinte" }, "saas", 202609, "2 certain, 0 unseen"},
		"kept and faxing, now":           {func(l []ledger.Line) { l[0].State = ledger.Kept }, "saas", 202610, "2 certain, 0 unseen"},
		"cut since, not yet then":        {func(l []ledger.Line) { l[0].CutOn = "2026-10-01" }, "saas", 202609, "2 certain, 0 unseen"},
		"cut by then":                    {func(l []ledger.Line) { l[0].CutOn = "2026-09-30" }, "saas", 202609, "1 certain, 0 unseen"},
		"cut and its machine gone, now":  {func(l []ledger.Line) { l[2].State, l[2].Observed = ledger.Cut, ledger.Blind }, "onco", 202610, "0 certain, 0 unseen"},
		"blind now, none other active":   {func(l []ledger.Line) { l[2].State, l[2].Observed = ledger.Blind, ledger.Blind }, "onco", 202610, "unknown unknown, 1 unseen"},
		"blind now beside an active one": {func(l []ledger.Line) { l[1].Observed = ledger.Blind }, "saas", 202610, "1 at_least, 1 unseen"},
		"only a port's status was told":  {func(l []ledger.Line) { l[4].History = nil }, "dialyse", 202609, "unknown unknown, 1 unseen"},
	} {
		b := hospital(t)
		c.change(b.Lines)
		if got := activeLinesOf(b, c.month, c.service); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestALineIsSilentOnlyWhereItsFaxesWouldHaveBeenSeen(t *testing.T) {
	watched := func(l *ledger.Line, from, to wire.Time) {
		l.History[len(l.History)-1].Watched = []ledger.Span{{From: from, To: to}}
	}
	for name, c := range map[string]struct {
		change func(*indicators.Books)
		want   string
	}{
		"its machine was counted all month, and by halves": {func(*indicators.Books) {}, "0 certain, 0 unseen"},
		"its machine was seen for two days": {func(b *indicators.Books) {
			watched(&b.Lines[0], at(t, time.UTC, "2026-09-28"), b.At)
		}, "unknown unknown, 1 unseen"},
		"another line hung on its machine then, and one of both faxed": {func(b *indicators.Books) {
			account := ledger.Account{Establishment: "nord", Pole: "medecine", Service: "archives", Device: "kyocera-7"}
			b.Months = append(b.Months, ledger.MonthSum{Account: account, Month: 202609, Measure: wire.FaxSentPages, Unit: "pages", Count: 4})
		}, "unknown unknown, 1 unseen"},
	} {
		b := hospital(t)
		l := b.Lines[0]
		l.History = []ledger.Stretch{l.History[0]}
		l.ID, l.Pole, l.Service = "0241354007", "medecine", "archives"
		l.History[0].Device, l.History[0].Place = "kyocera-7", ledger.Place{Establishment: "nord", Pole: "medecine", Service: "archives"}
		b.Lines = []ledger.Line{l}
		c.change(&b)
		if got := activeLinesOf(b, 202609, "archives"); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestAMonthBeginsAndEndsWhereTheLinesAre(t *testing.T) {
	for name, c := range map[string]struct {
		now  string
		want string // of September, of October: source of active lines
	}{
		"it is September in Paris and Réunion":       {"2026-09-30T19:30:00Z", "line_states not_watched"},
		"it is October in Réunion only":              {"2026-09-30T21:30:00Z", "line_states line_states"},
		"it is October everywhere, though not UTC's": {"2026-09-30T22:30:00Z", "line_faxes line_states"},
	} {
		b := hospital(t)
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		b.At = wire.TimeOf(now)
		var sources []string
		for _, month := range []ledger.Month{202609, 202610} {
			sources = append(sources, string(indicators.Compute(b, month, month, indicators.Whole)[0].Basis.Source))
		}
		if got := strings.Join(sources, " "); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestBooksWithoutALineHaveNoFigureOfLines(t *testing.T) {
	b := hospital(t)
	b.Lines, b.Months = nil, nil
	for _, month := range []ledger.Month{202609, 202610} {
		if got, want := activeLinesOf(b, month, "archives"), "unknown unknown, 0 unseen"; got != want {
			t.Errorf("%s: got %s, want %s", month, got, want)
		}
	}
}
