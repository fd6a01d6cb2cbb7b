package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/xuri/excelize/v2"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/metrics"
	"github.com/zerofax/zerofax/collector/internal/series"
	"github.com/zerofax/zerofax/collector/internal/web"
)

// totals are pages by "service direction".
type totals map[string]int64

// add takes 0 for what isn't there: some projections tell services of which nothing is known.
func (t totals) add(service, way string, pages int64) {
	if pages != 0 {
		t[service+" "+way] += pages
	}
}

// hospital is a ledger with its projections, and a clock.
type hospital struct {
	*testing.T
	*ledger.Ledger
	now  time.Time
	zone *time.Location
	seq  uint64
	site http.Handler
}

func newHospital(t *testing.T) *hospital {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	h := &hospital{T: t, zone: paris, now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	h.Ledger, err = ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{Now: func() time.Time { return h.now }, Zone: paris})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	figures := metrics.New(metrics.Options{Books: h, Faxes: (&journaled{books: h.Ledger}).faxes, Dropped: func() int64 { return 0 }})
	if h.site, err = web.New(web.Options{
		Books: h, Metrics: figures.Handler(), Ready: func() error { return nil }, Language: "fr", Location: paris, Log: slog.New(slog.DiscardHandler),
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

// reads tells of one machine after some days: the values of its counters by measure.
func (h *hospital) reads(device string, days int, values map[wire.Measure]int64) {
	h.Helper()
	h.now = h.now.AddDate(0, 0, days)
	h.seq++
	at := wire.TimeOf(h.now)
	vendor, serial, _ := strings.Cut(device, "-")
	r := wire.Reading{
		Device: device, At: at, OK: true, Profile: vendor, Fax: wire.Yes, FaxService: wire.ServiceReady,
		Identity: &wire.Identity{Vendor: vendor, Serial: serial, Model: vendor, Address: "10.0.0." + serial},
	}
	for _, m := range slices.Sorted(maps.Keys(values)) {
		r.Counters = append(r.Counters, wire.Counter{Measure: m, Unit: "pages", Rule: string(m), Value: values[m]})
	}
	env := wire.Envelope{Header: wire.Header{Agent: "ps-01", Stream: "stream-01", First: h.seq, Seq: h.seq, Oldest: 1, SentAt: at}, Readings: []wire.Reading{r}}
	results, err := h.Apply(h.Context(), []ledger.Delivery{{Agent: "ps-01", Envelope: env, ReceivedAt: h.now}})
	if err != nil || results[0].Verdict != ledger.Applied {
		h.Fatalf("got %+v, %v", results, err)
	}
}

func (h *hospital) declares(change func(r *ledger.Register)) {
	h.Helper()
	err := h.Declare(h.Context(), ledger.Author{Who: "test"}, func(r ledger.Register) (ledger.Register, error) {
		change(&r)
		return r, nil
	})
	if err != nil {
		h.Fatal(err)
	}
}

func (h *hospital) get(target string) string {
	h.Helper()
	w := httptest.NewRecorder()
	h.site.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	if w.Code != http.StatusOK {
		h.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
	}
	return w.Body.String()
}

// projections are all that shows totals, each as it is read by its users. A bucket of time series is
// the sum of the postings; that it is, is proven with the series.
func (h *hospital) projections() map[string]func() totals {
	return map[string]func() totals{
		"metrics": h.byMetrics, "services": h.byServices, "indicators": func() totals { return h.byIndicators("") },
		"indicators by month": func() totals { return h.byIndicators("&per=month") }, "page of services": h.byPage, "postings": h.byPostings,
	}
}

// families are the metrics by name.
func (h *hospital) families() map[string]*dto.MetricFamily {
	h.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(h.get("/metrics")))
	if err != nil {
		h.Fatal(err)
	}
	return families
}

func (h *hospital) byMetrics() totals {
	sums := totals{}
	for _, m := range h.families()["zerofax_fax_pages_total"].Metric {
		labels := map[string]string{}
		for _, l := range m.Label {
			labels[l.GetName()] = l.GetValue()
		}
		sums.add(labels["service"], labels["direction"], int64(m.Counter.GetValue()))
	}
	return sums
}

// data is a list of the API.
func data[T any](h *hospital, target string) []T {
	h.Helper()
	var body struct{ Data []T }
	if err := json.Unmarshal([]byte(h.get(target)), &body); err != nil {
		h.Fatal(err)
	}
	return body.Data
}

func (h *hospital) byServices() totals {
	sums := totals{}
	for _, s := range data[struct {
		ID    string
		Pages map[string]int64
	}](h, "/api/v1/services") {
		for way, pages := range s.Pages {
			sums.add(s.ID, way, pages)
		}
	}
	return sums
}

func (h *hospital) byIndicators(more string) totals {
	sums := totals{}
	for _, f := range data[struct {
		Scope     struct{ Service string }
		Indicator string
		Unit      string
		Value     *int64
	}](h, "/api/v1/indicators?from=2026-01&to=2026-12&by=service"+more) {
		way, fax := strings.CutPrefix(f.Indicator, "fax_")
		if fax && f.Value != nil && f.Unit == "pages" {
			sums.add(f.Scope.Service, strings.TrimPrefix(way, "direction_"), *f.Value)
		}
	}
	return sums
}

// byPage adds up what a reader sees.
func (h *hospital) byPage() totals {
	sums := totals{}
	rows := regexp.MustCompile(`(?s)id="service-([^"]*)".*?</tr>`).FindAllStringSubmatch(h.get("/services?lang=en"), -1)
	for _, row := range rows {
		for way, label := range map[string]string{"sent": "Sent", "received": "Received"} {
			cell := regexp.MustCompile(`data-label="` + label + `"><div><strong>([0-9,]+) pages?<`).FindStringSubmatch(row[0])
			if cell != nil {
				pages, _ := strconv.ParseInt(strings.ReplaceAll(cell[1], ",", ""), 10, 64)
				sums.add(html.UnescapeString(row[1]), way, pages)
			}
		}
	}
	return sums
}

func (h *hospital) byPostings() totals {
	sums := totals{}
	postings, err := h.Postings(h.Context(), 0, 10_000)
	if err != nil {
		h.Fatal(err)
	}
	for _, p := range postings {
		if !p.Account.Evidence && ledger.IsPages(p.Measure) {
			sums.add(p.Account.Service, string(ledger.DirectionOf(p.Measure)), p.Count)
		}
	}
	maps.DeleteFunc(sums, func(_ string, pages int64) bool { return pages == 0 })
	return sums
}

// agree wants all projections to tell the same.
func (h *hospital) agree(after string, want totals) {
	h.Helper()
	for name, projection := range h.projections() {
		if got := projection(); !maps.Equal(got, want) {
			h.Errorf("after %s, %s: got %v, want %v", after, name, got, want)
		}
	}
}

func TestMetricsAPIPagesAndPostingsTellTheSameTotals(t *testing.T) {
	const sent, printed, received = wire.FaxSentPages, wire.FaxPrintedPages, wire.FaxReceivedPages
	h := newHospital(t)
	h.agree("nothing", totals{})

	h.reads("kyocera-1", 0, map[wire.Measure]int64{sent: 100, printed: 50})
	h.reads("xerox-2", 1, map[wire.Measure]int64{sent: 0})
	h.reads("kyocera-1", 1, map[wire.Measure]int64{sent: 110, printed: 53})
	h.reads("xerox-2", 1, map[wire.Measure]int64{sent: 7})
	h.agree("faxes that nobody assigned", totals{" sent": 17, " received": 3})

	line := func(number, device, service string, from wire.Time) ledger.Declaration {
		return ledger.Declaration{Line: number, Number: number, Device: device, From: from, Place: ledger.Place{Service: service}}
	}
	h.declares(func(r *ledger.Register) {
		r.Establishments["chu"] = ledger.Establishment{ID: "chu", Name: "CHU"}
		for _, service := range []string{"saas", "onco", "archives"} {
			r.Services[service] = ledger.Service{ID: service, Establishment: "chu", Name: service}
		}
		r.Lines["0241354000"] = []ledger.Declaration{line("0241354000", "kyocera-1", "saas", 0)}
	})
	h.agree("a first assignment, late: it reaches back", totals{"saas sent": 10, "saas received": 3, " sent": 7})

	h.reads("kyocera-1", 10, map[wire.Measure]int64{sent: 115, printed: 53})
	moved := wire.TimeOf(h.now) + 1
	h.declares(func(r *ledger.Register) {
		r.Lines["0241354000"] = append(r.Lines["0241354000"], line("0241354000", "kyocera-1", "onco", moved))
	})
	h.reads("kyocera-1", 10, map[wire.Measure]int64{sent: 120, printed: 60})
	h.agree("a move to another service: the past stays", totals{"saas sent": 15, "saas received": 3, "onco sent": 5, "onco received": 7, " sent": 7})

	h.reads("kyocera-1", 10, map[wire.Measure]int64{sent: 2, printed: 0})
	h.reads("kyocera-1", 10, map[wire.Measure]int64{sent: 6, printed: 1})
	h.agree("a reset: nothing falls, nothing is invented", totals{"saas sent": 15, "saas received": 3, "onco sent": 9, "onco received": 8, " sent": 7})

	swapped := wire.TimeOf(h.now) + 1
	h.declares(func(r *ledger.Register) {
		r.Lines["0241354000"] = append(r.Lines["0241354000"], line("0241354000", "xerox-2", "onco", swapped))
	})
	h.reads("xerox-2", 10, map[wire.Measure]int64{sent: 9})
	h.reads("kyocera-1", 1, map[wire.Measure]int64{sent: 8, printed: 1})
	h.agree("a swap of machines", totals{"saas sent": 15, "saas received": 3, "onco sent": 11, "onco received": 8, " sent": 9})

	h.reads("xerox-2", 1, map[wire.Measure]int64{sent: 9, received: 4, printed: 4})
	h.reads("xerox-2", 1, map[wire.Measure]int64{sent: 9, received: 6, printed: 6})
	h.agree("a machine that counts what it receives twice", totals{"saas sent": 15, "saas received": 3, "onco sent": 11, "onco received": 10, " sent": 9})

	h.agreeOnLines()
	h.agreeOnPeriods()
	h.agreeOnMSSante()
	h.agreeOnIndicators()
	h.agreeOnReport()
}

// agreeOnReport wants the committee's file and page to tell what the metrics and the API do.
func (h *hospital) agreeOnReport() {
	h.Helper()
	last := ledger.MonthOf(wire.TimeOf(h.now), h.zone)
	month := fmt.Sprintf("%d-%02d", last/100, last%100)
	file, err := excelize.OpenReader(strings.NewReader(h.get("/committee.xlsx?lang=en&month=" + month)))
	if err != nil {
		h.Fatal(err)
	}
	defer file.Close()
	metrics := totals{}
	for key, pages := range h.byMetrics() {
		_, way, _ := strings.Cut(key, " ")
		metrics[way] += pages
	}
	months, err := file.GetRows("Indicators", excelize.Options{RawCellValue: true})
	if err != nil {
		h.Fatal(err)
	}
	written := totals{}
	for column, name := range months[2] {
		way := map[string]string{"Faxes sent (pages)": "sent", "Faxes received (pages)": "received"}[name]
		for _, cells := range months[3:16] {
			if way != "" && column < len(cells) {
				pages, _ := strconv.ParseInt(cells[column], 10, 64)
				written[way] += pages
			}
		}
	}
	if !maps.Equal(written, metrics) {
		h.Errorf("the file's months tell %v, the metrics %v", written, metrics)
	}
	page := h.get("/committee?lang=en&month=" + month)
	for _, f := range h.figures("whole", "month="+month) {
		if !strings.HasPrefix(f.Indicator, "fax_") || f.Value == nil || f.Unit != "pages" {
			continue
		}
		cell := regexp.MustCompile(`(?s)id="indicator-` + f.Indicator + `-pages">.*?<strong>([0-9,]+)</strong>`).FindStringSubmatch(page)
		if cell == nil || strings.ReplaceAll(cell[1], ",", "") != strconv.FormatFloat(*f.Value, 'f', -1, 64) {
			h.Errorf("the page tells %q of %s, the API %v", cell, f.Indicator, *f.Value)
		}
	}
	states := totals{}
	for _, m := range h.families()["zerofax_lines"].Metric {
		for _, l := range m.Label {
			if l.GetName() == "state" {
				states[l.GetValue()] += int64(m.Gauge.GetValue())
			}
		}
	}
	for state, lines := range states {
		cell := regexp.MustCompile(`(?s)id="state-` + state + `">.*?<td class="figure">([0-9,]+)</td>`).FindStringSubmatch(page)
		if cell == nil || cell[1] != strconv.FormatInt(lines, 10) {
			h.Errorf("the page tells %q lines in state %s, the metrics %d", cell, state, lines)
		}
	}
}

// agreeOnPeriods wants a period to be its months, and to straddle as its first one does.
func (h *hospital) agreeOnPeriods() {
	h.Helper()
	months, err := h.Months(h.Context(), 202604, 202612)
	if err != nil {
		h.Fatal(err)
	}
	period, err := h.Period(h.Context(), 202604, 202612)
	if err != nil {
		h.Fatal(err)
	}
	var want, got, straddling, straddles int64
	for _, m := range months {
		want += m.Count
		if m.Month == 202604 {
			straddling += m.Straddling
		}
	}
	for _, p := range period {
		got += p.Count
		straddles += p.Straddling
	}
	if got != want || straddles != straddling || straddling == 0 {
		h.Errorf("got %d pages, %d straddling; want %d and %d", got, straddles, want, straddling)
	}
}

// agreeOnMSSante wants metrics and API to tell the same of what was declared, at each level.
func (h *hospital) agreeOnMSSante() {
	h.Helper()
	number := func(n int64) *int64 { return &n }
	by := ledger.Author{Who: "test"}
	err := h.DeclareVolumes(h.Context(), by, func(ledger.Register, []ledger.Volume) ([]ledger.Volume, error) {
		return []ledger.Volume{
			{Month: 202603, Establishment: "chu", Service: "onco", Sent: number(4), Received: number(0)},
			{Month: 202604, Establishment: "chu", Received: number(100)},
			{Month: 202604, Establishment: "chu", Service: "onco", Sent: number(5), Received: number(30)},
			{Month: 202604, Establishment: "chu", Service: "saas", Received: number(20)},
		}, nil
	})
	if err != nil {
		h.Fatal(err)
	}
	err = h.DeclareMailboxes(h.Context(), by, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) {
		return []ledger.Mailbox{
			{Address: "onco@chu.mssante.fr", From: "2026-03-01", Establishment: "chu", Service: "onco", State: ledger.MailboxPublished},
			{Address: "onco@chu.mssante.fr", From: "2026-04-01", Establishment: "chu", Service: "onco", State: ledger.MailboxUsed},
			{Address: "saas@chu.mssante.fr", From: "2026-04-01", Establishment: "chu", Service: "saas", State: ledger.MailboxInactive},
		}, nil
	})
	if err != nil {
		h.Fatal(err)
	}
	want := map[string]int64{"mssante_sent onco": 9, "mssante_received onco": 30, "mssante_received saas": 20, "mssante_received ": 50, "mssante_addresses onco": 1, "mssante_addresses saas": 0}
	told := map[string]int64{}
	for name, label := range map[string]string{"zerofax_mssante_messages_total": "direction", "zerofax_mssante_addresses": "state"} {
		for _, m := range h.families()[name].Metric {
			labels := map[string]string{}
			for _, l := range m.Label {
				labels[l.GetName()] = l.GetValue()
			}
			switch labels[label] {
			case "sent", "received":
				told["mssante_"+labels[label]+" "+labels["service"]] = int64(m.GetCounter().GetValue())
			case "used":
				told["mssante_addresses "+labels["service"]] = int64(m.GetGauge().GetValue())
			}
		}
	}
	if !maps.Equal(told, want) {
		h.Errorf("the metrics tell %v, want %v", told, want)
	}
	sums := map[string]int64{}
	for _, f := range h.figures("service", "from=2026-01&to=2026-12") {
		if strings.HasPrefix(f.Indicator, "mssante_") && f.Value != nil {
			sums[f.Indicator+" "+f.Scope.Service] = int64(*f.Value)
		}
	}
	if !maps.Equal(sums, want) {
		h.Errorf("the API tells %v, want %v", sums, want)
	}
	for _, level := range []string{"whole", "structure", "pole"} {
		sums := map[string]int64{}
		for _, f := range h.figures(level, "from=2026-01&to=2026-12") {
			if f.Value != nil {
				sums[f.Indicator] += int64(*f.Value)
			}
		}
		if sums["mssante_received"] != 100 || sums["mssante_sent"] != 9 || sums["mssante_addresses"] != 1 {
			h.Errorf("by %s the API tells %v, want 100 received, 9 sent, 1 address", level, sums)
		}
	}
}

// apiFigure is a figure of the API.
type apiFigure struct {
	From         string
	Scope        struct{ Establishment, Pole, Service string }
	Indicator    string
	Unit         string
	Value        *float64
	Target       *float64
	Completeness struct{ Watched, Days float64 }
}

func (h *hospital) figures(level, months string) []apiFigure {
	h.Helper()
	return data[apiFigure](h, "/api/v1/indicators?"+months+"&by="+level)
}

// agreeOnIndicators wants the time series of indicators to be those of the API, at each level and in each month:
// what is unknown there has no point.
func (h *hospital) agreeOnIndicators() {
	h.Helper()
	h.declares(func(r *ledger.Register) {
		key := ledger.TargetKey{Indicator: "active_lines"}
		r.Targets[key] = []ledger.Target{{Indicator: key.Indicator, Value: 3}, {Indicator: key.Indicator, From: 202605, Value: 0}}
	})
	last := ledger.MonthOf(wire.TimeOf(h.now), h.zone)
	first := last.Add(-24)
	months := fmt.Sprintf("from=%d-%02d&to=%d-%02d", first/100, first%100, last/100, last%100)
	want := map[string]string{}
	for _, level := range []string{"whole", "structure", "pole", "service"} {
		for _, f := range h.figures(level, months+"&per=month") {
			if f.Value == nil {
				continue
			}
			month, _ := time.ParseInLocation("2006-01", f.From, h.zone)
			key := "fax_indicator,by=" + level
			for _, tag := range [][2]string{
				{"establishment", f.Scope.Establishment}, {"indicator", f.Indicator}, {"pole", f.Scope.Pole}, {"service", f.Scope.Service}, {"unit", f.Unit},
			} {
				if tag[1] != "" {
					key += "," + tag[0] + "=" + tag[1]
				}
			}
			text := fmt.Sprintf("value=%v,completeness=%v", *f.Value, f.Completeness.Watched/f.Completeness.Days)
			if f.Target != nil {
				text += fmt.Sprintf(",target=%v", *f.Target)
			}
			want[fmt.Sprint(key, " ", month.UnixMilli())] = text
		}
	}
	got := h.indicatorPoints()
	for key := range maps.Keys(want) {
		if got[key] != want[key] {
			h.Errorf("%s: InfluxDB has %q, the API says %q", key, got[key], want[key])
		}
	}
	if len(got) != len(want) || len(want) < 50 {
		h.Errorf("InfluxDB has %d points, the API %d figures; want the same, and some", len(got), len(want))
	}
}

// indicatorPoints are what a new InfluxDB gets of indicators, fields by tags and time.
func (h *hospital) indicatorPoints() map[string]string {
	h.Helper()
	points := map[string]string{}
	influx := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := gzip.NewReader(r.Body)
		if err != nil {
			h.Error(err)
		}
		lines := bufio.NewScanner(body)
		for lines.Scan() {
			if part := strings.Split(lines.Text(), " "); strings.HasPrefix(part[0], "fax_indicator,") {
				points[part[0]+" "+part[2]] = part[1]
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer influx.Close()
	s := series.New(series.Options{
		URL: influx.URL, Bucket: "fax", Books: h.Ledger, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return h.now },
		Figures: figures{h.Ledger}, Zone: h.zone,
	})
	defer s.Close()
	if err := s.Round(h.Context()); err != nil {
		h.Fatal(err)
	}
	return points
}

// agreeOnLines wants metrics and API to tell the same of each line.
func (h *hospital) agreeOnLines() {
	h.Helper()
	text := h.get("/metrics")
	lines := data[struct {
		ID     string
		State  string
		Totals map[wire.Measure]int64
	}](h, "/api/v1/lines")
	if len(lines) == 0 {
		h.Error("no line")
	}
	for _, l := range lines {
		pages := map[ledger.Direction]int64{}
		for m, n := range l.Totals {
			pages[ledger.DirectionOf(m)] += n
		}
		for way, n := range pages {
			if want := fmt.Sprintf("zerofax_line_fax_pages_total{direction=%q,line=%q} %d\n", way, l.ID, n); !strings.Contains(text, want) {
				h.Errorf("the metrics lack %s", want)
			}
		}
	}
}
