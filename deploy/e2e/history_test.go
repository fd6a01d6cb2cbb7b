//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/deploy/stage"
)

// open plays the history to the collector under test, with a real InfluxDB and a real Prometheus.
func open(t *testing.T, o stage.Options) *stage.Stage {
	t.Helper()
	o.Seed, o.Dir, o.Log = 2026, t.TempDir(), slog.New(slog.DiscardHandler)
	o.Collector, o.InfluxDB, o.Prometheus = filepath.Join(bin, "zerofax-collector"), built(t, "influxd", "1.8.10"), systemProgram(t, "prometheus")
	s, err := stage.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// A panel that shows a plausible wrong figure is worse than an empty one.
func TestDashboardsAndRulesOverAScriptedHistory(t *testing.T) {
	t.Parallel()
	s := open(t, stage.Options{Mode: stage.Full, Rules: hastyRules(t)})
	for _, c := range []struct {
		name string
		run  func(*testing.T, *stage.Stage)
	}{
		{"pages and messages in Prometheus are true", flowsInPrometheus},
		{"pages of each month in InfluxDB are true", monthsInInfluxDB},
		{"so are the collector's own indicators", monthsOfTheAPI},
		{"so are the indicators of each month in InfluxDB", indicatorsInInfluxDB},
		{"lines by state are true", linesByState},
		{"faxes after the cut-off are true", faxesAfterCutoff},
		{"agents are seen", agentsUp},
		{"MSSanté is as it was declared", mssanteInPrometheus},
		{"no panel is empty", panelsShowSomething},
		{"figures of panels are true", panelsAreTrue},
		{"rules find their series", rulesFindTheirSeries},
		{"every alert fires in some phase", everyAlertFires},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, s) })
	}
	for _, now := range []struct {
		phase
		begin func() error
	}{
		{ordinary, func() error { return nil }},
		{disturbed, func() error { return s.Disturb(t.Context()) }},
		{deserted, func() error { return desert(t, s) }},
		{blackout, func() error { s.StopCollector(); return nil }},
	} {
		t.Run(string(now.phase), func(t *testing.T) {
			if err := now.begin(); err != nil {
				t.Fatal(err)
			}
			alertsFire(t, s, now.phase)
			rightlyEmpty(t, s, now.phase)
		})
	}
}

// What isn't known yet is no figure, and no fault either.
func TestDashboardsOfACollectorThatWasInstalledAMomentAgo(t *testing.T) {
	t.Parallel()
	s := open(t, stage.Options{Mode: stage.Empty, Rules: hastyRules(t)})
	for _, e := range emptyQueries(t, s) {
		if !strings.HasPrefix(e.why, nothing) {
			t.Errorf("%s: %s", e.panel, e.why)
		}
	}
	for _, title := range []string{"Lignes actives", "Lignes coupées", "Plan tenu", "Coupure dépassée", "Lignes non vues", "Fax après coupure"} {
		if got := panel(t, s, "pilotage", title, 0, ""); len(got) > 0 {
			t.Errorf("%s: got %v, want nothing while no line is known", title, got)
		}
	}
}

// by is an answer of Prometheus by some labels, as "chu-exemple medecine sent": 17.
func by(t *testing.T, s *stage.Stage, query string, labels ...string) map[string]int64 {
	t.Helper()
	samples, err := s.PromQL(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int64{}
	for _, x := range samples {
		all[key(x.Labels, labels)] += int64(x.Value)
	}
	return all
}

func key(labels map[string]string, names []string) string {
	var words []string
	for _, name := range names {
		words = append(words, labels[name])
	}
	return strings.Join(words, " ")
}

func flowsInPrometheus(t *testing.T, s *stage.Stage) {
	pages, faxes := map[string]int64{}, map[string]int64{}
	for _, b := range s.Truth.Bookings {
		key := fmt.Sprintf("%s %s %s %s", b.Establishment, b.Pole, b.Service, b.Direction)
		if b.Pages {
			pages[key] += b.Count
		} else {
			faxes[key] += b.Count
		}
	}
	for name, want := range map[string]map[string]int64{"zerofax_fax_pages_total": pages, "zerofax_faxes_total": faxes} {
		if wrong := differ(by(t, s, name, "establishment", "pole", "service", "direction"), want); wrong != "" {
			t.Errorf("%s: %s", name, wrong)
		}
	}
	want := s.Truth.Sum(true, func(*stage.Booking) bool { return true })
	rows, err := s.InfluxQL(t.Context(), "SELECT sum(count) FROM fax_activity WHERE unit <> 'faxes'")
	if err != nil || len(rows) != 1 || rows[0].Values[0][1] != float64(want) {
		t.Errorf("InfluxDB has %v pages in all (%v), want %d", rows, err, want)
	}
}

// byMonth are the pages of services by local month, as "2026-10 urgences sent": 17.
func byMonth(s *stage.Stage) map[string]int64 {
	all := map[string]int64{}
	for _, b := range s.Truth.Bookings {
		if b.Pages && b.Service != "" {
			all[b.Month()+" "+b.Service+" "+b.Direction] += b.Count
		}
	}
	return all
}

// monthsInInfluxDB asks as a panel does: by local days, which it adds up to months.
func monthsInInfluxDB(t *testing.T, s *stage.Stage) {
	got := map[string]int64{}
	zones := map[string]*time.Location{}
	for _, service := range s.Truth.Services {
		zones[service.Zone.String()] = service.Zone
	}
	for name, zone := range zones {
		rows, err := s.InfluxQL(t.Context(), fmt.Sprintf("SELECT sum(count) FROM fax_activity WHERE unit <> 'faxes' AND service <> '' AND time > %dms AND time <= now() "+
			"GROUP BY time(1d), service, direction fill(none) tz('%s')", s.Truth.Begins.UnixMilli(), name))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if i := slices.IndexFunc(s.Truth.Services, func(x *stage.Service) bool { return x.ID == r.Tags["service"] }); s.Truth.Services[i].Zone != zone {
				continue
			}
			for _, v := range r.Values {
				day := time.UnixMilli(int64(v[0].(float64))).In(zone)
				got[day.Format("2006-01")+" "+r.Tags["service"]+" "+r.Tags["direction"]] += int64(v[1].(float64))
			}
		}
	}
	if wrong := differ(got, byMonth(s)); wrong != "" {
		t.Error(wrong)
	}
}

// monthsOfTheAPI proves that Grafana's view is the collector's own.
func monthsOfTheAPI(t *testing.T, s *stage.Stage) {
	got := map[string]int64{}
	for month := range months(s.Truth.Begins, s.Truth.Now) {
		var answer struct {
			Data []struct {
				Scope     struct{ Service string }
				Indicator string
				Unit      string
				Value     *int64
			}
		}
		body := get(s.CollectorURL() + "/api/v1/indicators?" + url.Values{"month": {month}, "by": {"service"}}.Encode())
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatalf("indicators of %s: %v: %s", month, err, body)
		}
		for _, f := range answer.Data {
			direction := directions[f.Indicator]
			if f.Value == nil || direction == "" || f.Unit == "faxes" || f.Scope.Service == "" {
				continue
			}
			got[month+" "+f.Scope.Service+" "+direction] += *f.Value
		}
	}
	if wrong := differ(got, byMonth(s)); wrong != "" {
		t.Error(wrong)
	}
}

// directions are those of the indicators that count faxes.
var directions = map[string]string{"fax_sent": "sent", "fax_received": "received", "fax_direction_unknown": "unknown"}

func indicatorsInInfluxDB(t *testing.T, s *stage.Stage) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the indicators of all months are there", func() string {
		rows, err := s.InfluxQL(t.Context(), `SELECT value FROM fax_indicator WHERE "by" = 'service' AND unit = 'pages' AND service <> '' GROUP BY indicator, service`)
		if err != nil {
			return err.Error()
		}
		got := map[string]int64{}
		for _, r := range rows {
			for _, v := range r.Values {
				month := time.UnixMilli(int64(v[0].(float64))).In(paris).Format("2006-01")
				if direction := directions[r.Tags["indicator"]]; direction != "" {
					got[month+" "+r.Tags["service"]+" "+direction] += int64(v[1].(float64))
				}
			}
		}
		return differ(got, byMonth(s))
	})
}

// months are those from one instant to another, as 2026-10.
func months(from, to time.Time) map[string]bool {
	all := map[string]bool{}
	for ; from.Before(to); from = from.AddDate(0, 0, 1) {
		all[from.Format("2006-01")] = true
	}
	all[to.Format("2006-01")] = true
	return all
}

func linesByState(t *testing.T, s *stage.Stage) {
	states, active := map[string]int64{}, map[string]int64{}
	for _, l := range s.Truth.Lines {
		states[l.Service.ID+" "+l.State]++
		if l.Active() {
			active[l.Service.ID]++
		}
	}
	if wrong := differ(by(t, s, `zerofax_lines`, "service", "state"), states); wrong != "" {
		t.Errorf("zerofax_lines: %s", wrong)
	}
	if wrong := differ(by(t, s, `zerofax_active_lines`, "service"), active); wrong != "" {
		t.Errorf("zerofax_active_lines: %s", wrong)
	}
}

func faxesAfterCutoff(t *testing.T, s *stage.Stage) {
	if wrong := differ(by(t, s, "zerofax_line_pages_after_cutoff_total", "line"), s.Truth.After); wrong != "" {
		t.Errorf("zerofax_line_pages_after_cutoff_total: %s", wrong)
	}
	if wrong := differ(by(t, s, "zerofax_line_faxes_after_cutoff_total", "line"), s.Truth.Messages); wrong != "" {
		t.Errorf("zerofax_line_faxes_after_cutoff_total: %s", wrong)
	}
	fresh := by(t, s, `count by (service) ((time() - zerofax_line_after_cutoff_noticed_timestamp_seconds < 86400) * on (line) group_left (service) zerofax_line_info)`, "service")
	if want := []string{"pediatrie", "urgences"}; !slices.Equal(slices.Sorted(maps.Keys(fresh)), want) {
		t.Errorf("there are faxes after the cut-off of the last day in %v, want them in %v", fresh, want)
	}
	unsure := map[string]int64{}
	for _, e := range list[episode](s.CollectorURL() + "/api/v1/alerts?kind=after_cutoff") {
		for _, v := range e.Events {
			if v.Certainty == "unsure" {
				unsure[v.Line] += v.Count
			}
		}
	}
	if wrong := differ(unsure, s.Truth.Unsure); wrong != "" {
		t.Errorf("unsure events: %s", wrong)
	}
}

func mssanteInPrometheus(t *testing.T, s *stage.Stage) {
	messages, boxes := map[string]int64{}, map[string]int64{}
	for _, v := range s.Truth.Volumes {
		messages[v.Service.ID+" received"] += v.Received
		messages[v.Service.ID+" sent"] += v.Sent
	}
	for service, states := range s.Truth.Boxes {
		for state, n := range states {
			boxes[service+" "+state] = n
		}
	}
	if wrong := differ(by(t, s, "zerofax_mssante_messages_total", "service", "direction"), messages); wrong != "" {
		t.Errorf("zerofax_mssante_messages_total: %s", wrong)
	}
	if wrong := differ(by(t, s, "zerofax_mssante_addresses", "service", "state"), boxes); wrong != "" {
		t.Errorf("zerofax_mssante_addresses: %s", wrong)
	}
}

// desert lets all agents go, which is seen.
func desert(t *testing.T, s *stage.Stage) error {
	s.Desert()
	eventually(t, 30*time.Second, "no agent is there", func() string {
		if got, there := panel(t, s, "parc", "Agents en ligne", 0, "")[""]; got != 0 || !there {
			return fmt.Sprintf("%v of them are, %v", got, there)
		}
		return ""
	})
	return nil
}

func agentsUp(t *testing.T, s *stage.Stage) {
	if wrong := differ(by(t, s, "zerofax_agent_up", "agent"), map[string]int64{"ps-nord": 1, "ps-iles": 1}); wrong != "" {
		t.Error(wrong)
	}
}
