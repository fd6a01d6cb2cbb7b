package web

import (
	"encoding/json"
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// part is what a template of all pages makes of data.
func part(t *testing.T, name string, data any) string {
	t.Helper()
	all, err := template.New("").Funcs(template.FuncMap{"asset": func(name string) string { return name }}).ParseFS(pages, "pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := all.ExecuteTemplate(&out, name, data); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func french() speech {
	return speech{texts.Speech(httptest.NewRequest(http.MethodGet, "/?lang=fr", nil), "fr", time.UTC, noon)}
}

func TestAChartSaysUnknownWhereNothingIsKnownInItsTableAndNullToItsScript(t *testing.T) {
	c := chart{speech: french(), ID: "trend", Title: "Pages", Across: "Mois", Labels: []string{"août", "sept.", "oct."}, Target: known(5), Aim: "Objectif"}
	c.Series = []series{{Name: "Reçues", Kind: lineSeries, Values: []*float64{known(0), nil}}} // one short: unknown too
	got := part(t, "chart", c)
	_, script, _ := strings.Cut(got, `<script type="application/json">`)
	script, _, _ = strings.Cut(script, "</script>")
	var data struct {
		Series []struct{ Values []*float64 }
	}
	if err := json.Unmarshal([]byte(script), &data); err != nil {
		t.Fatalf("%v in %s", err, script)
	}
	if v := data.Series[0].Values; len(v) != 3 || v[0] == nil || *v[0] != 0 || v[1] != nil || v[2] != nil {
		t.Errorf("the script gets %s, want 0, null, null", script)
	}
	for _, want := range []string{
		`<th scope="row">août</th><td class="figure">0</td><td class="figure">5</td>`,
		`<th scope="row">sept.</th><td class="figure">inconnu</td><td class="figure">5</td>`,
		`<th scope="row">oct.</th><td class="figure">inconnu</td>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want in it %s", got, want)
		}
	}
}

func TestAChartOfNothingKnownSaysSo(t *testing.T) {
	got := part(t, "chart", chart{speech: french(), ID: "x", Labels: []string{"août"}, Series: []series{{Kind: barSeries, Values: []*float64{nil}}}})
	if !strings.Contains(got, "Aucune donnée connue") || strings.Contains(got, "plot") {
		t.Errorf("got %s", got)
	}
}

func TestWhatPeopleTypeCannotBecomeMarkupOfAChartOrForm(t *testing.T) {
	const attack = `</script>"><script>alert(1)</script>`
	c := chart{speech: french(), ID: "x", Title: attack, Labels: []string{attack}, Series: []series{{Name: attack, Kind: lineSeries, Values: []*float64{known(1)}}}}
	f := field{Name: "n", Label: attack, Value: attack, Hint: attack, Fault: attack, Options: []option{{attack, attack, false}}}
	for name, got := range map[string]string{"chart": part(t, "chart", c), "field": part(t, "field", f)} {
		if strings.Contains(got, "<script>") || strings.Count(got, "</script>") > 1 {
			t.Errorf("%s: a script got through: %s", name, got)
		}
	}
}

func TestAFieldTiesItsLabelHintAndFaultToItsControl(t *testing.T) {
	for kind, want := range map[string]string{
		"":         `<input type="text" id="cutoff" name="cutoff" value="1 mai" autocomplete="off" required aria-describedby="cutoff-hint cutoff-fault" aria-invalid="true">`,
		"textarea": `<textarea id="cutoff" name="cutoff" rows="3" required aria-describedby="cutoff-hint cutoff-fault" aria-invalid="true">1 mai</textarea>`,
		"select":   `<select id="cutoff" name="cutoff" required aria-describedby="cutoff-hint cutoff-fault" aria-invalid="true">`,
	} {
		got := part(t, "field", field{Name: "cutoff", Label: "Coupure", Value: "1 mai", Type: kind, Hint: "AAAA-MM-JJ", Fault: "pas un jour", Required: true})
		for _, w := range []string{want, `<label for="cutoff">Coupure`, `id="cutoff-hint">AAAA-MM-JJ<`, `id="cutoff-fault" class="bad">pas un jour<`} {
			if !strings.Contains(got, w) {
				t.Errorf("%q: got %s, want in it %s", kind, got, w)
			}
		}
	}
}

func TestOnlyKnownOutcomesAreSaid(t *testing.T) {
	if got := shown(t, ward(), "/machines?done=saved"); !strings.Contains(got, `role="status">Enregistré.<`) {
		t.Error("what was saved isn't said")
	}
	if got := shown(t, ward(), "/machines?done=<b>you+won</b>"); strings.Contains(got, `id="done"`) {
		t.Error("a page says what somebody put into its address")
	}
}
