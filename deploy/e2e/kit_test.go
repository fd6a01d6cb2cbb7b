//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// team is a project team with its collector, and what it declares.
type team struct {
	*writer
	t *testing.T
}

// declare imports a table of the team's.
func (x *team) declare(what, text string) {
	x.t.Helper()
	path := filepath.Join(x.dir, what+".csv")
	writeFile(x.t, path, text)
	if stdout, stderr, code := run(x.t, "zerofax-collector", "import", what, path, "--config", filepath.Join(x.dir, "collector.yml")); code != 0 {
		x.t.Fatalf("import %s: exit %d\n%s%s", what, code, stdout, stderr)
	}
}

// restart starts the collector anew: it computes all months then.
func (x *team) restart() {
	x.t.Helper()
	x.program.kill()
	x.program = start(x.t, x.dir, "zerofax-collector", "run", "--config", "collector.yml")
}

// newTeam has a target for each month, and declared messages for the two months before last, of all in the earlier
// one and of one service of two in the later one.
func newTeam(t *testing.T, influxdb string) (x *team, earlier, later time.Time) {
	t.Helper()
	x = &team{startWriter(t, influxdb), t}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().In(paris)
	later = time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, paris)
	earlier = later.AddDate(0, -1, 0)
	x.declare("structure", "établissement;pôle;service\nCHU;Médecine;Cardiologie\nCHU;Médecine;Oncologie\n")
	x.declare("targets", "indicateur;objectif\nmessages MSSanté reçus;50\n")
	x.declare("mssante-volumes", fmt.Sprintf("mois;service;reçus\n%s;global seulement;40\n%s;Oncologie;7\n", earlier.Format("2006-01"), later.Format("01/2006")))
	x.restart()
	return x, earlier, later
}

func TestInfluxDBHasTheIndicatorsOfEachMonthAsTheyWereDeclaredLast(t *testing.T) {
	t.Parallel()
	influx := newInfluxDB(t)
	x, earlier, later := newTeam(t, fmt.Sprintf("{url: %s, bucket: fax, token_file: token.txt}", influx.url()))
	want := func(after string, months ...string) {
		t.Helper()
		eventually(t, 20*time.Second, after, func() string {
			var got []string
			for _, r := range influx.ask("SELECT value, completeness, target FROM fax_indicator WHERE \"by\" = 'whole' AND indicator = 'mssante_received' GROUP BY unit") {
				for _, v := range r.Values {
					got = append(got, fmt.Sprint(v, " ", r.Tags["unit"]))
				}
			}
			return unlike(got, months)
		})
	}
	first := fmt.Sprintf("[%s 40 1 50] messages", earlier.UTC().Format(time.RFC3339))
	want("what was declared is there", first, fmt.Sprintf("[%s 7 0.5 50] messages", later.UTC().Format(time.RFC3339)))

	x.declare("mssante-volumes", fmt.Sprintf("mois;service;reçus\n%[1]s;Oncologie;5\n%[1]s;Cardiologie;0\n", later.Format("2006-01")))
	x.restart()
	corrected := fmt.Sprintf("[%s 5 1 50] messages", later.UTC().Format(time.RFC3339))
	want("a correction takes the place of what was there", first, corrected)

	influx.ask("DROP MEASUREMENT fax_indicator")
	x.replay(t, "collector.yml")
	want("a replay brings all of it back", first, corrected)
}

func TestVictoriaMetricsHasTheIndicatorsToo(t *testing.T) {
	t.Parallel()
	vm := newVictoriaMetrics(t)
	newTeam(t, fmt.Sprintf("{url: %s, bucket: fax}", vm.url()))
	eventually(t, 20*time.Second, "the indicators are there", func() string {
		var answer struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		query := `sum(last_over_time(fax_indicator_value{by="whole",indicator="mssante_received",unit="messages"}[100d]))`
		body := get(vm.url() + "/api/v1/query?" + url.Values{"query": {query}, "nocache": {"1"}}.Encode())
		if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Data.Result) != 1 {
			return "no answer: " + body
		}
		return unlike([]string{fmt.Sprint(answer.Data.Result[0].Value[1])}, []string{"7"})
	})
}

// unlike says how lists differ, "" where they don't.
func unlike(got, want []string) string {
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		return fmt.Sprintf("got\n%s\nwant\n%s", g, w)
	}
	return ""
}
