// Package prometheus_test holds the alert rules to what people and Alertmanager rely on. What the rules do is tested by
// promtool, with tests/*.test.yml: make rules.
package prometheus_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type ruleFile struct {
	Groups []struct{ Rules []rule }
}

type rule struct {
	Alert, Record, Expr, For string
	KeepFiringFor            string `yaml:"keep_firing_for"`
	Labels, Annotations      map[string]string
}

// rules are all of the files here, alerts and recordings.
func rules(t *testing.T) (all []rule) {
	t.Helper()
	for _, name := range files(t, "*.rules.yml") {
		var file ruleFile
		decode(t, name, &file)
		for _, group := range file.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}

func alerts(t *testing.T) []rule {
	t.Helper()
	return slices.DeleteFunc(rules(t), func(r rule) bool { return r.Alert == "" })
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("got %d files like %s, %v; want some", len(names), pattern, err)
	}
	return names
}

func decode(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, name)), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEachAlertSaysInBothLanguagesWhatItIsAndForWhom(t *testing.T) {
	const base = "https://github.com/zerofax/zerofax/blob/main/dashboards/prometheus/"
	for _, a := range alerts(t) {
		anchor := "#" + strings.ToLower(a.Alert)
		for key, want := range map[string]string{"runbook_url": base + "runbook.fr.md" + anchor, "runbook_url_en": base + "runbook.md" + anchor} {
			if a.Annotations[key] != want {
				t.Errorf("%s: %s: got %q, want %q", a.Alert, key, a.Annotations[key], want)
			}
		}
		for _, key := range []string{"summary", "description"} {
			french, english := a.Annotations[key], a.Annotations[key+"_en"]
			if french == "" || english == "" || french == english {
				t.Errorf("%s: %s: got %q and %q, want it in French and in English", a.Alert, key, french, english)
			}
		}
		for label, allowed := range map[string][]string{
			"severity": {"critical", "warning", "info"}, "team": {"project", "operations"}, "told_by": {"", "collector"},
		} {
			if !slices.Contains(allowed, a.Labels[label]) {
				t.Errorf("%s: %s: got %q, want one of %q", a.Alert, label, a.Labels[label], allowed)
			}
		}
	}
}

func TestEachAlertHasItsSectionInTheRunbooksAndNoSectionIsOrphaned(t *testing.T) {
	var names []string
	for _, a := range alerts(t) {
		names = append(names, a.Alert)
	}
	slices.Sort(names)
	heading := regexp.MustCompile(`(?m)^## (Zerofax\w+)\n\n\*.+\*\n\n\*\*(?:Sens|Meaning)\.\*\* .+(?:\n.+)*\n\n\*\*(?:Regarder|Look)\.\*\* .+(?:\n.+)*\n\n\*\*(?:Faire|Do)\.\*\* `)
	for _, name := range []string{"runbook.fr.md", "runbook.md"} {
		var sections []string
		text := read(t, name)
		for _, found := range heading.FindAllStringSubmatch(text, -1) {
			sections = append(sections, found[1])
		}
		slices.Sort(sections)
		if !slices.Equal(sections, names) {
			t.Errorf("%s: got complete sections\n%q\nwant\n%q", name, sections, names)
		}
		for _, link := range regexp.MustCompile(`\]\(#(\w+)\)`).FindAllStringSubmatch(text, -1) {
			if !slices.ContainsFunc(names, func(alert string) bool { return strings.ToLower(alert) == link[1] }) {
				t.Errorf("%s: link to #%s, which is no section", name, link[1])
			}
		}
	}
}

// A failed scrape begins the waiting of "for" anew: none may be long. And it must not end what fires.
func TestNoAlertWaitsLongOrStopsForOneFailedScrape(t *testing.T) {
	for _, a := range alerts(t) {
		if !slices.Contains([]string{"", "5m", "10m", "15m", "30m"}, a.For) {
			t.Errorf("%s: for: %s; want 30m at most, or a window (…_over_time)", a.Alert, a.For)
		}
		if a.KeepFiringFor == "" && !strings.HasPrefix(a.Expr, "absent") {
			t.Errorf("%s: no keep_firing_for: a failed scrape would end and begin it", a.Alert)
		}
	}
}

// increase() and rate() extrapolate: one fax shows as 1.07 or as none, and a series that is born at 1 never grows.
func TestNoRuleExtrapolates(t *testing.T) {
	for _, r := range rules(t) {
		if found := regexp.MustCompile(`\b(increase|rate|irate|delta|deriv)\(`).FindString(r.Expr); found != "" {
			t.Errorf("%s%s: uses %s…); want a difference, or a timestamp", r.Alert, r.Record, found)
		}
	}
}

// testFile is what promtool test rules reads.
type testFile struct {
	Tests []struct {
		Name           string
		AlertRuleTests []struct {
			Alertname string
			ExpAlerts []yaml.Node `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
		PromQLTests []struct {
			Expr       string
			ExpSamples []yaml.Node `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	}
}

func TestEachRuleHasATestInWhichItSpeaksAndEachAlertOneInWhichItIsSilent(t *testing.T) {
	speaks, silent := map[string]bool{}, map[string]bool{}
	for _, name := range files(t, "tests/*.test.yml") {
		var file testFile
		decode(t, name, &file)
		for _, test := range file.Tests {
			if len(strings.Fields(test.Name)) < 3 {
				t.Errorf("%s: a test named %q; want a sentence", name, test.Name)
			}
			for _, x := range test.AlertRuleTests {
				speaks[x.Alertname] = speaks[x.Alertname] || len(x.ExpAlerts) > 0
				silent[x.Alertname] = silent[x.Alertname] || len(x.ExpAlerts) == 0
			}
			for _, x := range test.PromQLTests {
				speaks[x.Expr] = speaks[x.Expr] || len(x.ExpSamples) > 0
			}
		}
	}
	for _, r := range rules(t) {
		if !speaks[r.Alert+r.Record] {
			t.Errorf("no test in which %s%s says something", r.Alert, r.Record)
		}
		if r.Alert != "" && !silent[r.Alert] {
			t.Errorf("no test in which %s does not fire", r.Alert)
		}
	}
}

func TestEachMetricInARuleIsOneThatTheCollectorTells(t *testing.T) {
	told, all := toldByCollector(t), rules(t)
	for _, r := range all {
		for _, name := range regexp.MustCompile(`[a-z:_0-9]*zerofax_\w+(?::\w+)?`).FindAllString(r.Expr, -1) {
			recorded := slices.ContainsFunc(all, func(other rule) bool { return other.Record == name })
			if !told[name] && !recorded {
				t.Errorf("%s%s: %s is neither told by the collector nor recorded", r.Alert, r.Record, name)
			}
		}
	}
}

// toldByCollector are the names of metrics in its source. An end-to-end test asks the real one.
func toldByCollector(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir("../../collector", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source := read(t, path)
		for _, found := range regexp.MustCompile(`desc\("(\w+)"`).FindAllStringSubmatch(source, -1) {
			names["zerofax_"+found[1]] = true
		}
		for _, found := range regexp.MustCompile(`"(zerofax_\w+)"`).FindAllStringSubmatch(source, -1) {
			names[found[1]] = true
		}
		return nil
	})
	if err != nil || len(names) < 20 {
		t.Fatalf("got %d names, %v; want those of the contract", len(names), err)
	}
	return names
}
