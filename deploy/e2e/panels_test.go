//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/zerofax/zerofax/dashboards/boards"
	"github.com/zerofax/zerofax/deploy/stage"
)

// phase is what happens to the hospital while it is looked at.
type phase string

const (
	ordinary  phase = "the history as it is"
	disturbed phase = "machines that don't answer, and messages that can't be read"
	deserted  phase = "all agents gone"
	journaled phase = "journals, of which this hospital has none"
	blackout  phase = "the collector stopped"
)

// emptyPanels are the panels that rightly show nothing of the history as it is, and in which phase they do.
var emptyPanels = map[string]phase{
	"zerofax-pilotage-fr: Messages fax internes": journaled,
	"zerofax-pilotage-en: Internal fax messages": journaled,
}

// empty is a query that shows nothing, and why.
type empty struct{ panel, why string }

// emptyQueries runs all queries of all dashboards, and returns those that show nothing: an error, no
// series, or nothing but NaN and null.
func emptyQueries(t *testing.T, s *stage.Stage) (all []empty) {
	t.Helper()
	asked := map[string]string{} // most are those of the other language, too
	for _, q := range boards.Queries() {
		why := ""
		for _, service := range append(s.Truth.Services, &stage.Service{ID: "none"}) { // a panel about one service need not have something of each
			text := q.At(begin(q, s.Truth.Now), time.Now(), time.Second, map[string]string{"service": service.ID})
			known, done := asked[q.Source+q.Shape+text]
			if !done {
				known = ask(t, s, q, text)
				asked[q.Source+q.Shape+text] = known
			}
			if why = known; why == "" {
				break
			}
		}
		if why != "" {
			all = append(all, empty{q.Dashboard + ": " + q.Panel, why})
		}
	}
	return all
}

const nothing = "nothing: "

// ask runs a query, and returns why it shows nothing, "" if it does.
func ask(t *testing.T, s *stage.Stage, q boards.Query, text string) string {
	var rows int
	var err error
	switch {
	case q.Source == "influxdb":
		rows, err = askInfluxDB(t, s, text)
	case q.Shape == "series":
		rows, err = askRange(s, text, begin(q, s.Truth.Now))
	default:
		rows, err = askInstant(t, s, text)
	}
	switch {
	case err != nil:
		return err.Error()
	case rows == 0:
		return nothing + text
	}
	return ""
}

// begin is where the time range of a query's panel begins.
func begin(q boards.Query, now time.Time) time.Time {
	text, _, _ := strings.Cut(strings.TrimPrefix(q.From, "now-"), "/")
	if q.Last != "" {
		text = q.Last
	}
	n, err := strconv.Atoi(text[:len(text)-1])
	if err != nil {
		panic(fmt.Sprintf("%s, %s: from %q, last %q", q.Dashboard, q.Panel, q.From, q.Last))
	}
	switch text[len(text)-1] {
	case 'M':
		return now.AddDate(0, -n, 0)
	case 'y':
		return now.AddDate(-n, 0, 0)
	case 'd':
		return now.AddDate(0, 0, -n)
	}
	return now.Add(-time.Duration(n) * time.Hour)
}

func askInfluxDB(t *testing.T, s *stage.Stage, text string) (rows int, err error) {
	series, err := s.InfluxQL(t.Context(), text)
	for _, one := range series {
		for _, v := range one.Values {
			if slices.ContainsFunc(v[1:], func(x any) bool { return x != nil }) {
				rows++
			}
		}
	}
	return rows, err
}

func askInstant(t *testing.T, s *stage.Stage, text string) (rows int, err error) {
	samples, err := s.PromQL(t.Context(), text)
	for _, x := range samples {
		if !math.IsNaN(x.Value) {
			rows++
		}
	}
	return rows, err
}

func askRange(s *stage.Stage, text string, from time.Time) (rows int, err error) {
	to := time.Now()
	step := max(to.Sub(from)/400, time.Second).Truncate(time.Second)
	from = to.Add(-to.Sub(from).Truncate(step)) // so that there is a point in the end
	body := get(s.PrometheusURL() + "/api/v1/query_range?" + url.Values{
		"query": {text}, "start": {fmt.Sprint(from.Unix())}, "end": {fmt.Sprint(to.Unix())}, "step": {fmt.Sprint(int(step.Seconds()))},
	}.Encode())
	var answer struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return 0, fmt.Errorf("%s: %w: %q", text, err, body)
	}
	for _, r := range answer.Data.Result {
		if slices.ContainsFunc(r.Values, func(v [2]any) bool { return v[1] != "NaN" }) {
			rows++
		}
	}
	return rows, nil
}

func panelsShowSomething(t *testing.T, s *stage.Stage) {
	rightly := map[string]bool{}
	eventually(t, 30*time.Second, "all panels show something", func() (missing string) { // a rate needs some scrapes
		for _, e := range emptyQueries(t, s) {
			if _, known := emptyPanels[e.panel]; known {
				rightly[e.panel] = true
			} else {
				missing += e.panel + ": " + e.why + "\n"
			}
		}
		return missing
	})
	for panel := range emptyPanels {
		if !rightly[panel] {
			t.Errorf("%s shows something; want it out of the list of those that don't", panel)
		}
	}
}

// rightlyEmpty checks that the panels that show nothing of the history as it is show something in a phase.
func rightlyEmpty(t *testing.T, s *stage.Stage, now phase) {
	t.Helper()
	if !slices.Contains(slices.Collect(maps.Values(emptyPanels)), now) {
		return
	}
	eventually(t, 30*time.Second, "panels show "+string(now), func() (missing string) {
		for _, e := range emptyQueries(t, s) {
			if emptyPanels[e.panel] == now {
				missing += e.panel + ": " + e.why + "\n"
			}
		}
		return missing
	})
}

type rule struct{ Alert, Record, Expr string }

// rules are those of dashboards/prometheus.
func rules(t *testing.T) (all []rule) {
	t.Helper()
	for _, name := range ruleFiles(t) {
		var file struct{ Groups []struct{ Rules []rule } }
		text, err := os.ReadFile(name)
		if err == nil {
			err = yaml.Unmarshal(text, &file)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, g := range file.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

func ruleFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("../../dashboards/prometheus/*.rules.yml")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d rule files, %v", len(names), err)
	}
	return names
}

var waiting = regexp.MustCompile(`(?m)^( +)(for|interval): .*$`)

// hastyRules are the rules without their waiting, as a glob for Prometheus.
func hastyRules(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range ruleFiles(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, filepath.Base(name)), waiting.ReplaceAllString(string(text), "${1}${2}: 1s"))
	}
	return filepath.Join(dir, "*.rules.yml")
}

// fires are the alerts that fire in each phase; of the history as it is those and no others.
var fires = map[phase][]string{
	ordinary: {
		"ZerofaxAgentSilent", "ZerofaxAgentClockWrong", "ZerofaxAgentConfigRefused", "ZerofaxSpoolDropping", "ZerofaxSpoolGrowing", "ZerofaxDeviceDown",
		"ZerofaxFaxAfterCutoff", "ZerofaxFaxAfterCutoffUntold", "ZerofaxCutLineBlind", "ZerofaxLinesOverdue", "ZerofaxLinesBlind",
		"ZerofaxKeptLineToReview", "ZerofaxAnomalyToJudge", "ZerofaxMessagesWaiting", "ZerofaxAgentCertificateEnds", "ZerofaxAgentCertificateExpiring",
	},
	disturbed: {"ZerofaxManyDevicesDown", "ZerofaxEnvelopesRefused", "ZerofaxCollectorTooOld"},
	blackout:  {"ZerofaxCollectorDown"},
}

// notSeen are the alerts that can't be seen to fire here, and why. Like all they are proven to find their series.
var notSeen = map[string]string{
	"ZerofaxCollectorAbsent":       "Prometheus must have had no target for 15 minutes",
	"ZerofaxCollectorNotReady":     "the disk must be full, or the link to the broker gone",
	"ZerofaxBrokerCertificateEnds": "five years",
	"ZerofaxCollectorRestarts":     "four restarts",
	"ZerofaxMessagesGivenUp":       "a mail that has waited for a week since some instant of the last day",
	"ZerofaxIngestOverloaded":      "more envelopes than the queue holds",
	"ZerofaxSeriesStuck":           "an hour without InfluxDB",
	"ZerofaxSeriesBehind":          "six hours of an InfluxDB that is too slow",
	"ZerofaxSeriesRefused":         "a point that InfluxDB refuses",
}

// firing are the names of the alerts that fire at Prometheus.
func firing(t *testing.T, s *stage.Stage) (names map[string]bool, err error) {
	t.Helper()
	var answer struct {
		Data struct {
			Alerts []struct {
				State               string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := json.Unmarshal([]byte(get(s.PrometheusURL()+"/api/v1/alerts")), &answer); err != nil {
		return nil, err
	}
	names = map[string]bool{}
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" {
			names[a.Labels["alertname"]] = true
		}
		for name, text := range a.Annotations {
			if strings.Contains(text, "error expanding template") || strings.Contains(text, "<no value>") {
				t.Errorf("%s: %s: %s", a.Labels["alertname"], name, text)
			}
		}
	}
	return names, nil
}

// alertsFire waits until the alerts of a phase fire.
func alertsFire(t *testing.T, s *stage.Stage, now phase) {
	t.Helper()
	eventually(t, 30*time.Second, "alerts fire", func() string {
		got, err := firing(t, s)
		if err != nil {
			return err.Error()
		}
		var wrong []string
		for _, name := range fires[now] {
			if !got[name] {
				wrong = append(wrong, "not "+name)
			}
		}
		for name := range got {
			if now == ordinary && !slices.Contains(fires[now], name) && notSeen[name] == "" {
				wrong = append(wrong, name+" should not")
			}
		}
		return strings.Join(wrong, ", ")
	})
}

// everyAlertFires checks that none was forgotten above.
func everyAlertFires(t *testing.T, _ *stage.Stage) {
	for _, r := range rules(t) {
		seen := notSeen[r.Alert] != ""
		for _, names := range fires {
			seen = seen || slices.Contains(names, r.Alert)
		}
		if r.Alert != "" && !seen {
			t.Errorf("no phase has %s fire", r.Alert)
		}
	}
}

// rulesFindTheirSeries runs each rule's expression without its comparisons: if that returns something, its
// series exist and its joins match.
func rulesFindTheirSeries(t *testing.T, s *stage.Stage) {
	for _, r := range rules(t) {
		name := r.Alert + r.Record
		expr, err := parser.ParseExpr(r.Expr)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range bare(expr) {
			if rows, err := askInstant(t, s, part); rows == 0 || err != nil {
				t.Errorf("%s: %v, nothing: %s\nof %s", name, err, part, r.Expr)
			}
		}
		if r.Record == "" {
			continue
		}
		if rows, err := askInstant(t, s, r.Record); rows == 0 || err != nil {
			t.Errorf("%s isn't recorded: %v", r.Record, err)
		}
	}
}

// bare is an expression without what decides: comparisons with numbers; of "or" both sides, of "unless" that
// both sides meet.
func bare(e parser.Expr) (all []string) {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return each("(%s)", bare(e.Expr))
	case *parser.AggregateExpr, *parser.SubqueryExpr:
		return []string{e.String()}
	case *parser.Call:
		if e.Func.Name == "absent" || e.Func.Name == "absent_over_time" {
			text := strings.TrimSuffix(e.Args[0].String(), "]")
			text, _, _ = strings.Cut(text, "[")
			return []string{text}
		}
		return []string{e.String()}
	case *parser.BinaryExpr:
		left, right := bare(e.LHS), bare(e.RHS)
		switch {
		case e.Op == parser.LOR:
			return append(left, right...)
		case e.Op.IsComparisonOperator() && !e.ReturnBool && e.RHS.Type() == parser.ValueTypeScalar:
			return left
		case e.Op.IsComparisonOperator() && !e.ReturnBool && e.LHS.Type() == parser.ValueTypeScalar:
			return right
		}
		op := *e
		if op.Op == parser.LUNLESS || op.Op.IsComparisonOperator() {
			op.Op = parser.LAND
		}
		for _, l := range left {
			for _, r := range right {
				both := op
				both.LHS, both.RHS = parsed("("+l+")"), parsed("("+r+")")
				all = append(all, both.String())
			}
		}
		return all
	}
	return []string{e.String()}
}

func each(format string, texts []string) (all []string) {
	for _, text := range texts {
		all = append(all, fmt.Sprintf(format, text))
	}
	return all
}

func parsed(text string) parser.Expr {
	e, err := parser.ParseExpr(text)
	if err != nil {
		panic(err) // what an expression is made of is one
	}
	return e
}
