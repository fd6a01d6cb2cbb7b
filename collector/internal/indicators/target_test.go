package indicators_test

import (
	"fmt"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// aims gives a register targets: of an indicator and a place, each value from a month on; -1 ends it.
func aims(r *ledger.Register, indicator indicators.Indicator, establishment, pole string, values map[ledger.Month]int64) {
	key := ledger.TargetKey{Indicator: string(indicator), Establishment: establishment, Pole: pole}
	if r.Targets == nil {
		r.Targets = map[ledger.TargetKey][]ledger.Target{}
	}
	for _, from := range []ledger.Month{0, 202607, 202609, 202610} {
		if value, ok := values[from]; ok {
			r.Targets[key] = append(r.Targets[key], ledger.Target{
				Indicator: key.Indicator, Establishment: establishment, Pole: pole, From: from, Value: max(0, value), None: value < 0,
			})
		}
	}
}

// figureOf is a figure's value, target and gap as text.
func figureOf(t *testing.T, b indicators.Books, from, to ledger.Month, level indicators.Level, scope string, indicator indicators.Indicator, of string) string {
	t.Helper()
	text := func(n *int64) string {
		if n == nil {
			return "-"
		}
		return fmt.Sprint(*n)
	}
	for _, f := range indicators.Compute(b, from, to, level) {
		if id := f.Scope.Establishment + "/" + f.Scope.Pole + "/" + f.Scope.Service; id == scope && f.Indicator == indicator && f.Of == of {
			return fmt.Sprintf("%s of %s, gap %s", text(f.Value), text(f.Target), text(f.Gap))
		}
	}
	t.Fatalf("no figure %s of %s %q", indicator, level, scope)
	return ""
}

func TestFiguresHaveTheirTargetAndGap(t *testing.T) {
	b := hospital(t)
	aims(b.Register, indicators.ActiveLines, "", "", map[ledger.Month]int64{0: 4, 202610: 2})
	aims(b.Register, indicators.ActiveLines, "nord", "", map[ledger.Month]int64{202610: 0})
	aims(b.Register, indicators.FaxSent, "", "urgences", map[ledger.Month]int64{0: 80, 202610: -1})
	aims(b.Register, indicators.FaxSent, "nord", "", map[ledger.Month]int64{202609: 90, 202610: 10})
	aims(b.Register, indicators.MSSanteReceived, "nord", "", map[ledger.Month]int64{0: 500})
	for _, c := range []struct {
		name      string
		from, to  ledger.Month
		level     indicators.Level
		scope     string
		indicator indicators.Indicator
		of, want  string
	}{
		{"the whole, before its target changed", 202609, 202609, indicators.Whole, "//", indicators.ActiveLines, "lines", "4 of 4, gap 0"},
		{"the whole, since", 202610, 202610, indicators.Whole, "//", indicators.ActiveLines, "lines", "3 of 2, gap 1"},
		{"an establishment with a target of none", 202610, 202610, indicators.Structure, "nord//", indicators.ActiveLines, "lines", "2 of 0, gap 2"},
		{"before its first target", 202609, 202609, indicators.Structure, "nord//", indicators.ActiveLines, "lines", "4 of -, gap -"},
		{"the whole's is not that of one of two establishments", 202610, 202610, indicators.Structure, "sud//", indicators.ActiveLines, "lines", "1 of -, gap -"},
		{"nor of what nobody assigned", 202610, 202610, indicators.Structure, "//", indicators.ActiveLines, "lines", "0 of -, gap -"},
		{"a pole below its target", 202608, 202608, indicators.Pole, "nord/urgences/", indicators.FaxSent, "pages", "0 of 80, gap -80"},
		{"a pole whose target ended", 202610, 202610, indicators.Pole, "nord/urgences/", indicators.FaxSent, "pages", "20 of -, gap -"},
		{"a service has none", 202608, 202608, indicators.Service, "nord/urgences/saas", indicators.FaxSent, "pages", "0 of -, gap -"},
		{"months are added up", 202609, 202610, indicators.Structure, "nord//", indicators.FaxSent, "pages", "123 of 100, gap 23"},
		{"but not where one has none", 202608, 202610, indicators.Structure, "nord//", indicators.FaxSent, "pages", "123 of -, gap -"},
		{"lines are those at the end", 202609, 202610, indicators.Whole, "//", indicators.ActiveLines, "lines", "3 of 2, gap 1"},
		{"messages are no pages", 202609, 202609, indicators.Structure, "nord//", indicators.FaxSent, "faxes", "31 of -, gap -"},
		{"what isn't known has a target and no gap", 202609, 202609, indicators.Structure, "nord//", indicators.MSSanteReceived, "messages", "- of 500, gap -"},
	} {
		if got := figureOf(t, b, c.from, c.to, c.level, c.scope, c.indicator, c.of); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestTheOnlyEstablishmentIsTheStructureAsAWhole(t *testing.T) {
	b := hospital(t)
	aims(b.Register, indicators.ActiveLines, "", "", map[ledger.Month]int64{0: 4})
	delete(b.Register.Establishments, "sud")
	for scope, want := range map[string]string{"nord//": "2 of 4, gap -2", "//": "0 of -, gap -"} {
		if got := figureOf(t, b, 202610, 202610, indicators.Structure, scope, indicators.ActiveLines, "lines"); got != want {
			t.Errorf("%q: got %s, want %s", scope, got, want)
		}
	}
	aims(b.Register, indicators.ActiveLines, "nord", "", map[ledger.Month]int64{0: 3})
	if got, want := figureOf(t, b, 202610, 202610, indicators.Structure, "nord//", indicators.ActiveLines, "lines"), "2 of 3, gap -1"; got != want {
		t.Errorf("a target of its own: got %s, want %s", got, want)
	}
	empty := indicators.Books{At: b.At, Register: &ledger.Register{Targets: map[ledger.TargetKey][]ledger.Target{}}, Lines: b.Lines[5:]}
	aims(empty.Register, indicators.ActiveLines, "", "", map[ledger.Month]int64{0: 1})
	if got, want := figureOf(t, empty, 202610, 202610, indicators.Structure, "//", indicators.ActiveLines, "lines"), "0 of 1, gap -1"; got != want {
		t.Errorf("where none is declared: got %s, want %s", got, want)
	}
}
