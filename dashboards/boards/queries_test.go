package boards_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/influxdata/influxql"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/zerofax/zerofax/dashboards/boards"
)

var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// asked is the query as Grafana asks it.
func asked(q boards.Query) string { return q.At(now.AddDate(0, -1, 0), now, time.Minute, nil) }

func name(q boards.Query) string { return fmt.Sprintf("%s, %q", q.Dashboard, q.Panel) }

var variable = regexp.MustCompile(`\$[a-zA-Z_{]`)

func TestEveryVariableInAQueryIsOneOfItsDashboard(t *testing.T) {
	for _, q := range boards.Queries() {
		if text := asked(q); variable.MatchString(text) {
			t.Errorf("%s: %s\nwant no variable left", name(q), text)
		}
	}
}

// others are the metrics that collector/internal/metrics doesn't write itself, with their labels.
var others = map[string][]string{
	"zerofax_collector_messages_pending":                      {"channel"},
	"zerofax_collector_messages_oldest_timestamp_seconds":     {"channel"},
	"zerofax_collector_messages_sent_total":                   {"channel"},
	"zerofax_collector_messages_given_up_total":               {"channel"},
	"zerofax_collector_series_backlog":                        {},
	"zerofax_collector_series_refused_total":                  {},
	"zerofax_collector_series_last_success_timestamp_seconds": {},
	"zerofax_target":                                        {"indicator", "establishment", "pole"},
	"zerofax_mssante_addresses":                             {"establishment", "pole", "service", "state"},
	"zerofax_mssante_messages_total":                        {"establishment", "pole", "service", "direction"},
	"zerofax_agent_certificate_not_after_timestamp_seconds": {"agent"},
	"zerofax_agent_config_current":                          {"agent"},
	"zerofax_line_kept_until_timestamp_seconds":             {"line"},
	"process_start_time_seconds":                            {},
	"process_resident_memory_bytes":                         {},
	"process_cpu_seconds_total":                             {},
	"process_open_fds":                                      {},
	"process_max_fds":                                       {},
	"go_goroutines":                                         {},
	"go_memstats_heap_inuse_bytes":                          {},
}

// metrics are the names of all metrics with their labels, from the exposition that is the contract.
func metrics(t *testing.T) map[string][]string {
	t.Helper()
	file, err := os.Open("../../collector/internal/metrics/testdata/ward.prom")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parse := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parse.TextToMetricFamilies(file)
	if err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(others)
	for name, family := range families {
		labels := []string{}
		for _, pair := range family.Metric[0].Label {
			labels = append(labels, pair.GetName())
		}
		all[name] = labels
		if family.Metric[0].Histogram != nil {
			all[name+"_bucket"], all[name+"_sum"], all[name+"_count"] = append(labels, "le"), labels, labels
		}
	}
	return all
}

func TestPromQLParsesAndNamesOnlyMetricsAndLabelsThatThereAre(t *testing.T) {
	known := metrics(t)
	for _, q := range boards.Queries() {
		if q.Source != "prometheus" {
			continue
		}
		expr, err := parser.ParseExpr(asked(q))
		if err != nil {
			t.Errorf("%s: %s: %v", name(q), q.Text, err)
			continue
		}
		for _, fault := range faults(expr, known) {
			t.Errorf("%s: %s: %s", name(q), q.Text, fault)
		}
	}
}

func TestVariablesAskWhatThereIsAndReadItsNames(t *testing.T) {
	known := metrics(t)
	type answer struct{ series, value, text string } // a series as Grafana writes it: Prometheus leaves empty labels out, and nothing is escaped
	answers := map[string][]answer{
		"establishment": {
			{`zerofax_establishment_info{establishment="chu",instance="c:8780",job="zerofax",name="CHU "Exemple""} 1 1`, "chu", `CHU "Exemple"`},
			{`zerofax_establishment_info{establishment="chu",finess="490000031",instance="c:8780",job="zerofax",name="CHU, Exemple",region="pdl"} 1 1`, "chu", "CHU, Exemple"},
		},
		"pole": {{`zerofax_pole_info{establishment="chu",instance="c:8780",job="zerofax",name="Pôle A, "B"",pole="a-b"} 1 1`, "a-b", `Pôle A, "B"`}},
		"service": {
			{`zerofax_service_info{establishment="chu",instance="c:8780",job="zerofax",name="SAAS",pole="urgences",service="saas"} 1 1`, "saas", "SAAS"},
			{`zerofax_service_info{instance="c:8780",job="zerofax",name="Pharmacie",service="pharmacie"} 1 1`, "pharmacie", "Pharmacie"}, // of no pole
			{`zerofax_service_info{instance="c:8780",job="zerofax",name="USIC",pole="coeur",region="pdl",service="usic"} 1 1`, "usic", "USIC"},
		},
		"agent": {{`zerofax_agent_info{agent="ps-01",instance="c:8780",job="zerofax"} 1 1`, "ps-01", ""}},
		"level": {{`{level="whole"} 1 1`, "whole", ""}},
	}
	for _, b := range boards.All() {
		for _, v := range b.Templating.List {
			if v.Type != "query" {
				continue
			}
			text := v.Query.(map[string]any)["query"].(string)
			text = strings.TrimSuffix(strings.TrimPrefix(text, "query_result("), ")")
			expr, err := parser.ParseExpr(text)
			if err != nil {
				t.Errorf("%s, variable %s: %v", b.File(), v.Name, err)
				continue
			}
			for _, fault := range faults(expr, known) {
				t.Errorf("%s, variable %s: %s", b.File(), v.Name, fault)
			}
			regex := regexp.MustCompile(strings.Trim(v.Regex, "/"))
			for _, want := range answers[v.Name] {
				found := regex.FindStringSubmatch(want.series)
				if found == nil || found[max(regex.SubexpIndex("value"), 1)] != want.value || want.text != "" && found[regex.SubexpIndex("text")] != want.text {
					t.Errorf("%s, variable %s: %s finds %q in %s, want %s, called %q", b.File(), v.Name, v.Regex, found, want.series, want.value, want.text)
				}
			}
		}
	}
}

func faults(expr parser.Expr, known map[string][]string) (list []string) {
	labels := map[string]bool{"instance": true, "job": true} // Prometheus adds them
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		s, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		have, ok := known[s.Name]
		if !ok {
			list = append(list, "no metric "+s.Name)
		}
		for _, label := range have {
			labels[label] = true
		}
		for _, m := range s.LabelMatchers {
			if m.Name != model.MetricNameLabel && !slices.Contains(have, m.Name) {
				list = append(list, fmt.Sprintf("%s has no label %s", s.Name, m.Name))
			}
		}
		return nil
	})
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if n, ok := node.(*parser.Call); ok && n.Func.Name == "label_replace" {
			labels[n.Args[1].(*parser.StringLiteral).Val] = true
		}
		return nil
	})
	use := func(names []string) {
		for _, n := range names {
			if !labels[n] {
				list = append(list, "none of its metrics has a label "+n)
			}
		}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.AggregateExpr:
			use(n.Grouping)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				use(n.VectorMatching.MatchingLabels)
				use(n.VectorMatching.Include)
			}
		}
		return nil
	})
	return list
}

// measurements are what the collector writes into InfluxDB: tags, then fields.
var measurements = map[string][]string{
	"fax_activity":  {"establishment", "site", "pole", "service", "device", "line", "direction", "unit", "count"},
	"fax_counter":   {"device", "measure", "value"},
	"line_status":   {"line", "device", "status"},
	"device_status": {"device", "agent", "up"},
	"fax_indicator": {"indicator", "by", "establishment", "pole", "service", "unit", "value", "completeness", "target"},
}

func TestInfluxQLParsesAndNamesOnlyMeasurementsTagsAndFieldsThatThereAre(t *testing.T) {
	for _, q := range boards.Queries() {
		if q.Source != "influxdb" {
			continue
		}
		statement, err := influxql.ParseStatement(asked(q))
		if err != nil {
			t.Errorf("%s: %s: %v", name(q), q.Text, err)
			continue
		}
		var known []string
		influxql.WalkFunc(statement, func(n influxql.Node) {
			if m, ok := n.(*influxql.Measurement); ok {
				if measurements[m.Name] == nil {
					t.Errorf("%s: %s: no measurement %s", name(q), q.Text, m.Name)
				}
				known = append(known, measurements[m.Name]...)
			}
			if f, ok := n.(*influxql.Field); ok {
				known = append(known, f.Alias)
			}
		})
		influxql.WalkFunc(statement, func(n influxql.Node) {
			if v, ok := n.(*influxql.VarRef); ok && v.Val != "time" && !slices.Contains(known, v.Val) {
				t.Errorf("%s: %s: no tag or field %s", name(q), q.Text, v.Val)
			}
		})
	}
}

var rated = regexp.MustCompile(`(rate|increase|irate|delta)\(`)

func TestRatesGoOverTheRateIntervalAndNothingSparseIsRated(t *testing.T) {
	for _, q := range boards.Queries() {
		for _, use := range rated.FindAllStringSubmatchIndex(q.Text, -1) {
			function, rest := q.Text[use[2]:use[3]], q.Text[use[1]:]
			if function != "rate" || !strings.HasPrefix(rest, "zerofax_collector_") && !strings.HasPrefix(rest, "process_") || !strings.Contains(rest, "[$__rate_interval]") {
				t.Errorf("%s: %s: want only rate of the collector's own counters, over $__rate_interval; faxes are rare, growth is sum(x) - sum(x offset 30d)", name(q), q.Text)
			}
		}
		if strings.Contains(q.Text, "vector(0)") {
			t.Errorf("%s: %s: what is unknown isn't 0", name(q), q.Text)
		}
	}
}
