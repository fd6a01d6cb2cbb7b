//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Of a fleet people declare the first machines only, and of those the first ones move to another service.
const (
	movers   = 6
	declared = 12
)

const (
	nowhere    = "  " // establishment, pole, service
	cardiology = "chu medecine cardiologie"
	emergency  = "chu urgences accueil"
)

// lignes is the table of lines, with the movers in a pôle and service.
func lignes(pole, service string) string {
	var b strings.Builder
	b.WriteString("Numéro;Machine;Établissement;Site;Pôle;Service\n")
	for i := range declared {
		if i == movers {
			pole, service = "médecine", "cardiologie"
		}
		fmt.Fprintf(&b, "02 41 35 40 %02d;kyocera-%02d;chu;nord;%s;%s\n", i, i, pole, service)
	}
	return b.String()
}

// byPlace are the counts of machines as "chu medecine cardiologie sent": the movers' in one place, the
// other declared ones' in another.
func byPlace(total map[string]int64, moving, staying string) map[string]int64 {
	all := map[string]int64{}
	for key, n := range total {
		device, direction, _ := strings.Cut(key, " ")
		place := nowhere
		switch i, _ := strconv.Atoi(strings.TrimPrefix(device, "kyocera-")); {
		case i < movers:
			place = moving
		case i < declared:
			place = staying
		}
		all[place+" "+direction] += n
	}
	return all
}

// add adds n times what is in b to a copy of a.
func add(a map[string]int64, n int64, b map[string]int64) map[string]int64 {
	sum := maps.Clone(a)
	for key, x := range b {
		sum[key] += n * x
	}
	return sum
}

var (
	placeMetric = regexp.MustCompile(`(?m)^zerofax_fax_pages_total{direction="(\w+)",establishment="(.*?)",pole="(.*?)",service="(.*?)"} (\S+)$`)
	lineMetric  = regexp.MustCompile(`(?m)^zerofax_line_fax_pages_total{direction="(\w+)",line="(.*?)"} (\S+)$`)
	serviceRow  = regexp.MustCompile(`(?s)<tr role="row" id="service-(.*?)">.*?</tr>`)
	pagesCell   = regexp.MustCompile(`<strong>(.*?)</strong>`)
	noDigit     = regexp.MustCompile(`\D`)
)

// counted are the values of a metric by its labels, the first of which is told last, as "direction" always is.
func (w *writer) counted(metric *regexp.Regexp) map[string]int64 {
	all := map[string]int64{}
	for _, m := range metric.FindAllStringSubmatch(get(w.url+"/metrics"), -1) {
		last := len(m) - 1
		n, _ := strconv.ParseFloat(m[last], 64)
		all[strings.Join(append(m[2:last], m[1]), " ")] += int64(n)
	}
	return all
}

// indicators are the figures of the months from and to and of those between, by place.
func (w *writer) indicators(from, to string) map[string]int64 {
	all := map[string]int64{}
	for _, f := range list[struct {
		Scope     struct{ Establishment, Pole, Service string }
		Indicator string
		Value     *int64
	}](fmt.Sprintf("%s/api/v1/indicators?by=service&from=%s&to=%s", w.url, from, to)) {
		if direction, ok := strings.CutPrefix(f.Indicator, "fax_"); ok && f.Value != nil {
			all[strings.Join([]string{f.Scope.Establishment, f.Scope.Pole, f.Scope.Service, direction}, " ")] += *f.Value
		}
	}
	return all
}

// page is what the page of services shows, as "cardiologie sent".
func (w *writer) page() map[string]int64 {
	all := map[string]int64{}
	for _, row := range serviceRow.FindAllStringSubmatch(get(w.url+"/services?lang=en"), -1) {
		for i, cell := range pagesCell.FindAllStringSubmatch(row[0], 2) {
			n, _ := strconv.ParseInt(noDigit.ReplaceAllString(cell[1], ""), 10, 64)
			all[row[1]+" "+[]string{"sent", "received"}[i]] = n
		}
	}
	return all
}

func (w *writer) importLines(t *testing.T, table string, args ...string) {
	t.Helper()
	path := filepath.Join(w.dir, "lignes.csv")
	writeFile(t, path, table)
	stdout, stderr, code := run(t, "zerofax-collector", append([]string{"import", "lines", path, "--config", filepath.Join(w.dir, "collector.yml")}, args...)...)
	if code != 0 {
		t.Fatalf("import lines: exit %d\n%s%s", code, stdout, stderr)
	}
}

// wantSame wants that the bucket, the metrics, the indicators and the page count what is wanted by place,
// and that they agree on each month, line and service.
func (w *writer) wantSame(t *testing.T, influx *influxDB, since time.Time, want map[string]int64, when string) {
	t.Helper()
	place := []string{"establishment", "pole", "service", "direction"}
	eventually(t, 30*time.Second, when+": the bucket counts right", func() string { return differ(influx.sums(place...), want) })
	same := func(what string, got, want map[string]int64) {
		t.Helper()
		if wrong := differ(got, want); wrong != "" {
			t.Errorf("%s: %s differ: %s", when, what, wrong)
		}
	}
	same("metrics of places", w.counted(placeMetric), want)
	same("metrics of lines", w.counted(lineMetric), influx.sums("line", "direction"))
	same("figures of the page", w.page(), influx.sums("service", "direction"))
	same("indicators", w.indicators(since.Format("2006-01"), time.Now().In(since.Location()).Format("2006-01")), want)
	months := map[string]int64{}
	for begin := firstOf(since); begin.Before(time.Now()); begin = begin.AddDate(0, 1, 0) {
		month := begin.Format("2006-01")
		bucket := influx.sumsWhere(fmt.Sprintf("WHERE time >= %dms AND time < %dms", begin.UnixMilli(), begin.AddDate(0, 1, 0).UnixMilli()), place...)
		same("indicators of "+month, w.indicators(month, month), bucket)
		months = add(months, 1, bucket)
	}
	same("the months, added up,", months, want)
}

func firstOf(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, day.Location())
}

// Lines are declared weeks after their machines are known, and then some turn out to have moved to
// another service days ago.
func TestAssignmentsCountTheSameEverywhere(t *testing.T) {
	t.Parallel()
	influx := newInfluxDB(t)
	w := startWriter(t, fmt.Sprintf("{url: '%s', bucket: fax, token_file: token.txt}", influx.url()))
	f := newFleet(t, w.mqtt, 0)
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	y, m, d := time.Now().In(paris).Date()
	day := func(ago int) time.Time { return time.Date(y, m, d-ago, 0, 0, 0, 0, paris) }
	first, moved := day(36), day(4)
	want := func(when string, total map[string]int64) {
		t.Helper()
		w.wantSame(t, influx, first, total, when)
	}

	f.at = first
	f.lives(24 * time.Hour)
	f.at = day(6) // nobody looked for a month
	f.lives(moved.Sub(f.at) - lookEvery)
	before := maps.Clone(f.total)
	want("nobody declared anything", byPlace(before, nowhere, nowhere))
	w.importLines(t, lignes("médecine", "cardiologie"))
	want("declared late", byPlace(before, cardiology, cardiology))
	f.lives(24 * time.Hour)
	want("a day later", byPlace(f.total, cardiology, cardiology))
	w.importLines(t, lignes("urgences", "accueil"), "--since", moved.Format("02/01/2006"))
	total := func() map[string]int64 {
		return add(byPlace(before, cardiology, cardiology), 1, byPlace(add(f.total, -1, before), emergency, cardiology))
	}
	want("moved days ago", total())
	f.lives(24 * time.Hour)
	want("and a day later", total())
	influx.ask("DROP DATABASE fax")
	influx.ask("CREATE DATABASE fax")
	t.Log(w.replay(t, "collector.yml"))
	want("the bucket written anew", total())
}
