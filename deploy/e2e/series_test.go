//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/freeport"
	"github.com/zerofax/zerofax/agent/wire"
)

// built is a program that tools.sh built into the user's cache.
func built(t *testing.T, name, version string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache, "zerofax", "tools", name+"-"+version, name)
	if !executable(path) {
		t.Fatalf("%s isn't there; run: make tools", path)
	}
	return path
}

// influxDB is a real InfluxDB 1.8 that asks who is there.
type influxDB struct {
	t    *testing.T
	dir  string
	port int
	*program
}

const influxPassword = "s3cret"

func newInfluxDB(t *testing.T) *influxDB {
	t.Helper()
	x := &influxDB{t: t, dir: t.TempDir(), port: freeport.Must(t)}
	writeFile(t, filepath.Join(x.dir, "influxdb.conf"), fmt.Sprintf(`
reporting-disabled = true
bind-address = "127.0.0.1:%d"
[meta]
  dir = "meta"
[data]
  dir = "data"
  wal-dir = "wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:%d"
  auth-enabled = true
  log-enabled = false
`, freeport.Must(t), x.port))
	x.open()
	x.ask("CREATE USER zerofax WITH PASSWORD '" + influxPassword + "' WITH ALL PRIVILEGES")
	x.ask("CREATE DATABASE fax")
	return x
}

func (x *influxDB) url() string { return fmt.Sprintf("http://127.0.0.1:%d", x.port) }

func (x *influxDB) open() {
	x.t.Helper()
	x.program = start(x.t, x.dir, built(x.t, "influxd", "1.8.10"), "-config", "influxdb.conf")
	eventually(x.t, 30*time.Second, "InfluxDB is there", func() string {
		if !strings.Contains(get(x.url()+"/health"), "pass") {
			return "no answer"
		}
		return ""
	})
}

// row is a series of an answer.
type row struct {
	Tags   map[string]string
	Values [][]any
}

// ask asks in InfluxQL.
func (x *influxDB) ask(query string) []row {
	x.t.Helper()
	resp, err := http.Post(x.url()+"/query?"+url.Values{"db": {"fax"}, "u": {"zerofax"}, "p": {influxPassword}, "q": {query}}.Encode(), "", nil)
	if err != nil {
		x.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Error   string
		Results []struct {
			Error  string
			Series []row
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Error != "" || len(answer.Results) != 1 || answer.Results[0].Error != "" {
		x.t.Fatalf("%s: %+v, %v", query, answer, err)
	}
	return answer.Results[0].Series
}

// sums are the sums of fax_activity by some tags, as "kyocera-01 sent": 17.
func (x *influxDB) sums(tags ...string) map[string]int64 {
	x.t.Helper()
	return x.sumsWhere("", tags...)
}

// sumsWhere are those of the points that a WHERE clause finds.
func (x *influxDB) sumsWhere(where string, tags ...string) map[string]int64 {
	x.t.Helper()
	all := map[string]int64{}
	for _, r := range x.ask("SELECT sum(count) FROM fax_activity " + where + " GROUP BY " + strings.Join(tags, ", ")) {
		var key []string
		for _, tag := range tags {
			key = append(key, r.Tags[tag])
		}
		all[strings.Join(key, " ")] = int64(r.Values[0][1].(float64))
	}
	return all
}

// victoriaMetrics is a real VictoriaMetrics. Its flags are those that the README recommends: it
// must not forget after a month, nor count twice what is written twice.
type victoriaMetrics struct {
	t    *testing.T
	port int
	*program
}

func newVictoriaMetrics(t *testing.T) *victoriaMetrics {
	t.Helper()
	x := &victoriaMetrics{t: t, port: freeport.Must(t)}
	dir := t.TempDir()
	x.program = start(t, dir, built(t, "victoria-metrics", "1.130.0"), "-storageDataPath=data", fmt.Sprintf("-httpListenAddr=127.0.0.1:%d", x.port),
		"-retentionPeriod=10y", "-dedup.minScrapeInterval=1ms", "-search.latencyOffset=1s", "-loggerLevel=ERROR")
	eventually(t, 30*time.Second, "VictoriaMetrics is there", func() string {
		if get(x.url()+"/health") == "" {
			return "no answer"
		}
		return ""
	})
	return x
}

func (x *victoriaMetrics) url() string { return fmt.Sprintf("http://127.0.0.1:%d", x.port) }

// sums are the sums of fax_activity by some tags.
func (x *victoriaMetrics) sums(tags ...string) map[string]int64 {
	x.t.Helper()
	query := fmt.Sprintf("sum(sum_over_time(fax_activity_count[60d])) by (%s)", strings.Join(tags, ", "))
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	body := get(x.url() + "/api/v1/query?" + url.Values{"query": {query}, "nocache": {"1"}}.Encode())
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil
	}
	all := map[string]int64{}
	for _, r := range answer.Data.Result {
		var key []string
		for _, tag := range tags {
			key = append(key, r.Metric[tag])
		}
		n, _ := strconv.ParseFloat(r.Value[1].(string), 64)
		all[strings.Join(key, " ")] = int64(n)
	}
	return all
}

// fleet is what some machines said in the last days. Each counts what it sends and receives; a
// third of them tells only what it printed, another third both.
type fleet struct {
	t      *testing.T
	rng    *rand.Rand
	client mqtt.Client
	acks   chan wire.Ack
	seq    uint64
	at     time.Time
	sent   []int64
	came   []int64
	total  map[string]int64 // the truth, as "kyocera-01 sent"
}

const (
	fleetSize = 30
	lookEvery = 5 * time.Minute
)

func newFleet(t *testing.T, mqttPort int, back time.Duration) *fleet {
	t.Helper()
	f := &fleet{
		t: t, rng: rand.New(rand.NewPCG(4, 2)), client: connect(t, mqttPort, "ps-01"), acks: make(chan wire.Ack, 10_000),
		at: time.Now().Add(-back).Truncate(time.Minute), sent: make([]int64, fleetSize), came: make([]int64, fleetSize), total: map[string]int64{},
	}
	f.client.Subscribe(wire.Topic("ps-01", wire.KindAck), 1, func(_ mqtt.Client, m mqtt.Message) {
		if ack, err := wire.DecodeAck(m.Payload()); err == nil {
			f.acks <- ack
		}
	}).Wait()
	for i := range fleetSize {
		f.sent[i], f.came[i] = 1000, 2000
	}
	return f
}

// lives lets some time pass, and returns how long the collector took to acknowledge it all.
func (f *fleet) lives(span time.Duration) (envelopes int, took time.Duration) {
	f.t.Helper()
	began, acked, first := time.Now(), f.seq, f.seq
	for end := f.at.Add(span); f.at.Before(end) || acked < f.seq; {
		for f.at.Before(end) && f.seq < acked+16 {
			f.at = f.at.Add(lookEvery)
			f.client.Publish(wire.Topic("ps-01", wire.KindReadings), 1, false, f.look())
		}
		select {
		case ack := <-f.acks:
			acked = max(acked, ack.Seq)
		case <-time.After(30 * time.Second):
			f.t.Fatalf("no ack beyond %d within 30 s", acked)
		}
	}
	return int(f.seq - first), time.Since(began)
}

// look is what all machines say at an instant.
func (f *fleet) look() []byte {
	readings := make([]wire.Reading, fleetSize)
	for i := range readings {
		id := fmt.Sprintf("kyocera-%02d", i)
		if sent := f.rng.Int64N(12) - 8; f.seq > 0 && sent > 0 {
			f.sent[i] += sent
			f.total[id+" sent"] += sent
		}
		if came := f.rng.Int64N(9) - 6; f.seq > 0 && came > 0 {
			f.came[i] += came
			f.total[id+" received"] += came
		}
		count := func(m wire.Measure, value int64) wire.Counter {
			return wire.Counter{Measure: m, Unit: "pages", Rule: string(m), Value: value}
		}
		counters := []wire.Counter{count(wire.FaxSentPages, f.sent[i])}
		if i%3 != 0 {
			counters = append(counters, count(wire.FaxPrintedPages, f.came[i]))
		}
		if i%3 != 1 {
			counters = append(counters, count(wire.FaxReceivedPages, f.came[i]))
		}
		readings[i] = wire.Reading{Device: id, At: wire.TimeOf(f.at), OK: true, Fax: wire.Yes, Counters: counters}
	}
	body, err := wire.EncodeReadings(readings)
	if err != nil {
		f.t.Fatal(err)
	}
	f.seq++
	return wire.AppendEnvelope(nil, wire.Header{
		Agent: "ps-01", Stream: "stream-of-series", First: f.seq, Seq: f.seq, Oldest: 1, SentAt: wire.TimeOf(time.Now()),
	}, body)
}

// differ tells how two accounts differ, "" if they don't.
func differ(got, want map[string]int64) string {
	var wrong []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] != want[key] {
			wrong = append(wrong, fmt.Sprintf("%s: got %d, want %d", key, got[key], want[key]))
		}
	}
	for key, n := range got {
		if _, known := want[key]; !known && n != 0 {
			wrong = append(wrong, fmt.Sprintf("%s: got %d, want none", key, n))
		}
	}
	return strings.Join(wrong, "\n")
}

// writer is a collector that writes to some time series database.
type writer struct {
	*program
	dir  string
	url  string
	mqtt int
}

func startWriter(t *testing.T, influxdb string) *writer {
	t.Helper()
	w := &writer{dir: t.TempDir(), mqtt: freeport.Must(t)}
	http := freeport.Must(t)
	w.url = fmt.Sprintf("http://127.0.0.1:%d", http)
	writeFile(t, filepath.Join(w.dir, "token.txt"), "zerofax:"+influxPassword+"\n")
	w.configure(t, "collector.yml", http, influxdb)
	w.program = start(t, w.dir, "zerofax-collector", "run", "--config", "collector.yml")
	eventually(t, 30*time.Second, "the collector is ready", func() string {
		if get(w.url+"/-/ready") == "" {
			return "not yet"
		}
		return ""
	})
	return w
}

func (w *writer) configure(t *testing.T, file string, http int, influxdb string) {
	writeFile(t, filepath.Join(w.dir, file), fmt.Sprintf(
		"data_dir: books\nmqtt: {embedded: {listen: 127.0.0.1:%d}}\nhttp: {listen: 127.0.0.1:%d}\ninfluxdb: %s\n", w.mqtt, http, influxdb))
}

func (w *writer) backlog() float64 {
	return number(get(w.url+"/metrics"), "zerofax_collector_series_backlog")
}

// books are what the collector's own pages count, as the fleet's total does.
func (w *writer) books() map[string]int64 {
	all := map[string]int64{}
	for _, d := range list[device](w.url + "/api/v1/devices") {
		all[d.ID+" sent"] = d.Totals[wire.FaxSentPages]
		received, told := d.Totals[wire.FaxReceivedPages]
		if !told {
			received = d.Totals[wire.FaxPrintedPages]
		}
		all[d.ID+" received"] = received
	}
	return all
}

// metrics are what /metrics counts by direction.
func (w *writer) metrics() map[string]int64 {
	all := map[string]int64{}
	for line := range strings.Lines(get(w.url + "/metrics")) {
		labels, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if rest, ok := strings.CutPrefix(labels, "zerofax_fax_pages_total{"); ok {
			_, direction, _ := strings.Cut(rest, `direction="`)
			direction, _, _ = strings.Cut(direction, `"`)
			n, _ := strconv.ParseFloat(value, 64)
			all[direction] += int64(n)
		}
	}
	return all
}

func (w *writer) replay(t *testing.T, config string) string {
	t.Helper()
	stdout, stderr, code := run(t, "zerofax-collector", "series", "replay", "--from", "always", "--config", filepath.Join(w.dir, config))
	if code != 0 || !strings.Contains(stdout, "wrote ") {
		t.Fatalf("series replay: exit %d\n%s%s", code, stdout, stderr)
	}
	return strings.TrimSpace(stdout)
}

func TestAWeekWithoutInfluxDBLosesNothingAndSlowsNothing(t *testing.T) {
	influx := newInfluxDB(t)
	w := startWriter(t, fmt.Sprintf("{url: '%s', bucket: fax, token_file: token.txt}", influx.url()))
	f := newFleet(t, w.mqtt, 16*24*time.Hour)
	equal := func(within time.Duration, what string) {
		t.Helper()
		eventually(t, within, what, func() string { return differ(influx.sums("device", "direction"), f.total) })
		if wrong := differ(w.books(), f.total); wrong != "" {
			t.Errorf("%s: the API differs: %s", what, wrong)
		}
		if wrong := differ(w.metrics(), influx.sums("direction")); wrong != "" {
			t.Errorf("%s: the metrics differ: %s", what, wrong)
		}
	}
	f.lives(24 * time.Hour)
	on, onTook := f.lives(7 * 24 * time.Hour)
	equal(30*time.Second, "the bucket equals the ledger while InfluxDB is there")

	influx.kill()
	off, offTook := f.lives(7 * 24 * time.Hour)
	t.Logf("ingest with InfluxDB %.0f readings/s, without %.0f", float64(on*fleetSize)/onTook.Seconds(), float64(off*fleetSize)/offTook.Seconds())
	eventually(t, 20*time.Second, "the backlog shows", func() string {
		if n := w.backlog(); n < 1000 {
			return fmt.Sprint(n)
		}
		return ""
	})
	influx.open()
	equal(90*time.Second, "the bucket equals the ledger after a week without InfluxDB")
	eventually(t, 20*time.Second, "nothing waits any more", func() string {
		if n := w.backlog(); n != 0 {
			return fmt.Sprint(n)
		}
		return ""
	})

	byUnit := influx.sums("unit")
	influx.ask("DROP DATABASE fax")
	influx.ask("CREATE DATABASE fax")
	t.Log(w.replay(t, "collector.yml"))
	equal(time.Second, "a replay into the emptied bucket gives the same")
	if wrong := differ(influx.sums("unit"), byUnit); wrong != "" {
		t.Errorf("a replay gives other sums: %s", wrong)
	}
	f.lives(24 * time.Hour)
	equal(30*time.Second, "it goes on after a replay")
	statuses := influx.ask("SELECT count(up), sum(up) FROM device_status GROUP BY device")
	if len(statuses) != fleetSize {
		t.Fatalf("%d devices have a status, want %d", len(statuses), fleetSize)
	}
	for _, s := range statuses {
		if n, up := s.Values[0][1].(float64), s.Values[0][2].(float64); n < 15*24 || n != up {
			t.Errorf("%v: %v statuses, %v of them up, want one each hour", s.Tags, n, up)
		}
	}
	if code := w.stop(); code != 0 {
		t.Errorf("the collector ends with %d", code)
	}
}

func TestAWrongTokenIsSaidAndNothingIsLost(t *testing.T) {
	t.Parallel()
	influx := newInfluxDB(t)
	w := startWriter(t, fmt.Sprintf("{url: '%s', bucket: fax}", influx.url())) // without the token
	f := newFleet(t, w.mqtt, 24*time.Hour)
	f.lives(12 * time.Hour)
	eventually(t, 30*time.Second, "it says so", func() string {
		if out := w.out.String(); !strings.Contains(out, "see influxdb in the configuration") || !strings.Contains(out, "401") {
			return "not yet"
		}
		return ""
	})
	w.kill()
	w.program = start(t, w.dir, "zerofax-collector", "run", "--config", "collector.yml")
	if sums := influx.sums("device"); len(sums) != 0 {
		t.Errorf("got %v without a token, want nothing", sums)
	}
	_, stderr, code := run(t, "zerofax-collector", "series", "replay", "--from", "always", "--config", filepath.Join(w.dir, "collector.yml"))
	if code == 0 || !strings.Contains(stderr, "401") || strings.Contains(stderr, influxPassword) {
		t.Errorf("a replay ends with %d and says %q, want the reason", code, stderr)
	}
}

// A field of another type that somebody wrote before makes InfluxDB refuse ours.
func TestAPointThatInfluxDBRefusesHoldsNoOtherUp(t *testing.T) {
	t.Parallel()
	influx := newInfluxDB(t)
	// InfluxDB keeps a field's type for each week.
	floats := fmt.Sprintf("fax_counter,device=somebody value=1.5 %d\nfax_counter,device=somebody value=1.5", time.Now().Add(-24*time.Hour).UnixNano())
	req, err := http.NewRequest(http.MethodPost, influx.url()+"/api/v2/write?bucket=fax", strings.NewReader(floats))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Token zerofax:"+influxPassword)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	w := startWriter(t, fmt.Sprintf("{url: '%s', bucket: fax, token_file: token.txt}", influx.url()))
	f := newFleet(t, w.mqtt, 24*time.Hour)
	f.lives(2 * time.Hour)
	eventually(t, 60*time.Second, "activity is written although counters are refused", func() string { return differ(influx.sums("device", "direction"), f.total) })
	eventually(t, 30*time.Second, "it tells that points are refused, and nothing waits", func() string {
		metrics := get(w.url + "/metrics")
		if n := number(metrics, "zerofax_collector_series_refused_total"); n <= 0 {
			return fmt.Sprintf("%v points are refused", n)
		}
		if n := w.backlog(); n != 0 {
			return fmt.Sprintf("%v are waiting", n)
		}
		return ""
	})
}

func TestVictoriaMetricsHasTheSameSumsHoweverOftenTheyAreWritten(t *testing.T) {
	t.Parallel()
	victoria := newVictoriaMetrics(t)
	w := startWriter(t, fmt.Sprintf("{url: '%s', bucket: fax}", victoria.url()))
	f := newFleet(t, w.mqtt, 9*24*time.Hour)
	f.lives(8 * 24 * time.Hour)
	equal := func(what string) {
		t.Helper()
		eventually(t, 60*time.Second, what, func() string { return differ(victoria.sums("device", "direction"), f.total) })
	}
	equal("VictoriaMetrics has what the machines counted")
	t.Log(w.replay(t, "collector.yml"))
	f.lives(24 * time.Hour)
	equal("the same after a replay")
}
