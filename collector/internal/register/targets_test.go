package register

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func (h *hospital) planTargets(text string) (Plan, error) {
	h.Helper()
	table, err := Read(file(h, "objectifs.csv", text), "", Targets)
	if err != nil {
		return Plan{}, err
	}
	return PlanTargets(h.r.Clone(), table, h.o)
}

func (h *hospital) targets(text string) Plan {
	h.Helper()
	plan, err := h.planTargets(text)
	if err != nil {
		h.Fatalf("%s\n%v", text, err)
	}
	h.r = plan.Register
	return plan
}

// group is two hospitals that both have a pole called Médecine.
func group(t testing.TB) *hospital {
	h := newHospital(t)
	h.structure("établissement;pôle;service\nCHU;Médecine;Cardiologie\nCHU;Urgences;SAAS\nCH Cholet;Médecine;Gériatrie\n")
	return h
}

func (h *hospital) wantTarget(month ledger.Month, key ledger.TargetKey, want int64, known bool) {
	h.Helper()
	if got, ok := h.r.TargetAt(key, month); got != want || ok != known {
		h.Errorf("%v in %d: got %d, %v; want %d, %v", key, month, got, ok, want, known)
	}
}

func TestATableOfTargets(t *testing.T) {
	h := group(t)
	plan := h.targets("Indicateur;Établissement;Pôle;Objectif;À partir de\n" +
		"Lignes de fax actives;;;1 200;\n" +
		"lignes actives;;;0;janv.-27\n" +
		"Messages MSSanté reçus;chu;;40000;10/2026\n" +
		"MESSAGES FAX EMIS;;urgences;50;01/11/2026\n" +
		"fax_received;CH Cholet;Médecine;7;2026-10\n")
	lines := ledger.TargetKey{Indicator: "active_lines"}
	h.wantTarget(202601, lines, 1200, true)
	h.wantTarget(202612, lines, 1200, true)
	h.wantTarget(202701, lines, 0, true)
	h.wantTarget(203001, lines, 0, true)
	received := ledger.TargetKey{Indicator: "mssante_received", Establishment: "chu"}
	h.wantTarget(202609, received, 0, false)
	h.wantTarget(202610, received, 40000, true)
	h.wantTarget(202611, ledger.TargetKey{Indicator: "fax_sent", Pole: "urgences"}, 50, true)
	h.wantTarget(202611, ledger.TargetKey{Indicator: "fax_received", Pole: "medecine-ch-cholet"}, 7, true)
	if got, want := plan.Diff.Changes[1].ID+": "+plan.Diff.Changes[1].in(0), "active_lines since 2027-01: value 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := plan.Diff.Summary(); !strings.HasSuffix(got, "targets: 5 new, 0 changed, 0 removed, 0 unchanged") {
		t.Errorf("got %s", got)
	}

	// An empty value ends a target; one that isn't named stays.
	plan = h.targets("indicator,value,from\nactive_lines,,2028-01\nactive_lines,900,\n")
	h.wantTarget(202601, lines, 900, true)
	h.wantTarget(202712, lines, 0, true)
	h.wantTarget(202801, lines, 0, false)
	h.wantTarget(202610, received, 40000, true)
	if got, want := plan.Diff.Summary(), "targets: 1 new, 1 changed, 0 removed, 4 unchanged"; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	h.o.Replace = true
	h.targets("indicator,value\nactive_lines,30\n")
	h.wantTarget(202801, lines, 30, true)
	if len(h.r.Targets) != 1 {
		t.Errorf("--replace: got %v, want one target", h.r.Targets)
	}
	h.o.Replace = false
	if h.targets("indicator,value\nactive_lines,\n"); len(h.r.Targets) != 0 {
		t.Errorf("got %v, want none", h.r.Targets)
	}
}

func TestFaultsOfATableOfTargets(t *testing.T) {
	for text, want := range map[string]string{
		"value\n12\n": "objectifs.csv:1: there is no column indicator",
		"indicateur;objectif\nlignes de fax activ;12\n":                        `objectifs.csv:2: indicateur: "lignes de fax activ" isn't known; did you mean "lignes de fax actives"?`,
		"indicateur;objectif\n;12\n":                                           `"" isn't known; want one of active_lines (lignes de fax actives)`,
		"indicateur;objectif\nfax_direction_unknown;12\n":                      `"fax_direction_unknown" isn't known`,
		"indicateur;objectif\nfax_sent;-3\n":                                   `objectifs.csv:2: objectif: "-3" is no whole number; want one such as 1200, or nothing`,
		"indicateur;objectif\nfax_sent;1,5\n":                                  `"1,5" is no whole number`,
		"indicateur;objectif\nfax_sent;50 %\n":                                 `"50 %" is no whole number`,
		"indicateur;objectif;depuis\nfax_sent;1;2026-10-15\n":                  `depuis: "2026-10-15" is a day; want a month such as 2026-10`,
		"indicateur;objectif;depuis\nfax_sent;1;octobre\n":                     `"octobre" is no month`,
		"indicateur;objectif;pôle\nfax_sent;1;Medecine\n":                      `pôle: "Medecine" may be medecine or medecine-ch-cholet; want an id, or the establishment`,
		"indicateur;objectif;pôle\nfax_sent;1;Urgence\n":                       `no pole is called "Urgence"; did you mean "Urgences"?`,
		"indicateur;objectif;établissement\nfax_sent;1;Laval\n":                `no establishment is called "Laval"; import structure makes it known`,
		"indicateur;objectif;établissement;pôle\nfax_sent;1;CH Cholet;SAU\n":   `no pole is called "SAU"`,
		"indicateur;objectif;depuis\nfax_sent;1;10/2026\nfax émis;2;2026-10\n": "objectifs.csv:3: indicateur: the same target is in row 2 too",
		"indicateur;cible;objectif\nfax_sent;1;2\n":                            "are the same column",
	} {
		if _, err := group(t).planTargets(text); !errors.As(err, new(Faults)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
	h := group(t)
	h.o.Replace = true
	if _, err := h.planTargets("indicator;value\n"); err == nil || !strings.Contains(err.Error(), "all others would be removed") {
		t.Errorf("got %v", err)
	}
}

func TestMonthsAsPeopleAndExcelWriteThem(t *testing.T) {
	for text, want := range map[string]ledger.Month{
		"": 0, "2026-10": 202610, "2026-1": 202601, "10/2026": 202610, "1-2026": 202601, "10.2026": 202610, "2026-10-01": 202610, "01/10/2026": 202610,
		"octobre 2026": 202610, "Octobre 2026": 202610, "oct.-26": 202610, "oct-26": 202610, "août-26": 202608, "févr.-27": 202702, "DÉC. 2026": 202612,
		"juil.-26": 202607, "juin-26": 202606, "mars 2026": 202603, "January 2026": 202601, "Sep-26": 202609, "May-26": 202605,
	} {
		if got, err := ReadMonth(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"2026", "13/2026", "2026-00", "10/26", "2026-10-02", "jui 2026", "ma-26", "octobre", "x", "31/02/2026", "0026-10"} {
		if got, err := ReadMonth(text); err == nil || !strings.Contains(err.Error(), "want a month such as 2026-10") {
			t.Errorf("%q: got %d, %v, want a fault", text, got, err)
		}
	}
}

func TestAnExportOfTargetsReadAgainChangesNothing(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		r := registers.Draw(t, "register")
		for range rapid.IntRange(0, 6).Draw(t, "targets") {
			x := ledger.Target{Indicator: rapid.SampledFrom(indicatorWords).Draw(t, "indicator").name, From: rapid.SampledFrom([]ledger.Month{0, 202601, 202612}).Draw(t, "from")}
			if x.Pole = pick(t, "pole", r.Poles, func(ledger.Pole) bool { return true }); x.Pole == "" {
				x.Establishment = pick(t, "establishment", r.Establishments, func(ledger.Establishment) bool { return true })
			}
			if x.None = rapid.IntRange(0, 3).Draw(t, "none") == 0; !x.None {
				x.Value = rapid.Int64Range(0, 1e12-1).Draw(t, "value")
			}
			d := targetDraft{draft: newDraft(r, &Table{}, usual)}
			d.put(x)
			r = d.r
		}
		write, name := Targets.WriteCSV, "objectifs.csv"
		if rapid.IntRange(0, 39).Draw(t, "as xlsx") == 7 {
			write, name = Targets.WriteXLSX, "objectifs.xlsx"
		}
		var out bytes.Buffer
		if err := write(&out, rapid.SampledFrom([]string{"fr", "en"}).Draw(t, "language"), ExportTargets(r)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		table, err := Read(path, "", Targets)
		if err != nil {
			t.Fatal(err)
		}
		o := usual
		o.Replace = len(r.Targets) > 0
		plan, err := PlanTargets(r.Clone(), table, o)
		if err != nil {
			t.Fatal(err)
		}
		if !same(r, plan.Register) || !plan.Diff.Empty() || !plan.Nothing {
			t.Fatalf("was  %+v\nbecame %+v\n%+v", r.Targets, plan.Register.Targets, plan.Diff)
		}
	})
}
