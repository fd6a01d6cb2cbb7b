// Package metrics shows the ledger to Prometheus. Each scrape is written from one snapshot,
// so that what is gone from the books leaves no stale series, and counters survive restarts
// as the books do. Names and labels are a contract with dashboards and rules.
package metrics

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Books is what metrics need of the ledger.
type Books interface {
	Snapshot(ctx context.Context) (ledger.Snapshot, error)
}

const (
	// scrapeLimit bounds the reading of the ledger; Prometheus itself gives up after 10 s by default.
	scrapeLimit = 9 * time.Second
	// scrapesAtOnce bounds the memory; two are a pair of Prometheus servers.
	scrapesAtOnce = 2
)

// Metrics answers scrapes.
type Metrics struct {
	books   Books
	dropped func() int64
	version string
	seconds prometheus.Histogram
	program *prometheus.Registry // what isn't in the books
	slots   chan struct{}
}

// New makes a handler of scrapes. dropped is how many messages ingest gave up unread, version
// that of the program; others are collectors that are told beside the books.
func New(books Books, dropped func() int64, version string, others ...prometheus.Collector) *Metrics {
	m := &Metrics{
		books: books, dropped: dropped, version: version,
		program: prometheus.NewRegistry(), slots: make(chan struct{}, scrapesAtOnce),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "zerofax_collector_ingest_seconds",
			Help:    "Time from an envelope's arrival to its commit.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
	m.program.MustRegister(append(slices.Clone(others), m.seconds)...)
	return m
}

// Ingested takes notice of one envelope that waited so long for its commit.
func (m *Metrics) Ingested(waited time.Duration) { m.seconds.Observe(waited.Seconds()) }

// ServeHTTP answers a scrape. If the books can't be read it fails as a whole: half an answer
// would look like devices that are gone.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), scrapeLimit)
	defer cancel()
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-ctx.Done():
		http.Error(w, "too many scrapes at once", http.StatusServiceUnavailable)
		return
	}
	books, err := m.books.Snapshot(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	program, err := m.program.Gather()
	if err != nil {
		http.Error(w, fmt.Sprintf("read the program's own metrics: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	out := newExposition(w)
	for _, own := range program {
		_, _ = expfmt.MetricFamilyToText(out.to, own)
	}
	m.tell(out, books)
	_ = out.to.Flush() // an error means that nobody reads it any more
}

func (m *Metrics) tell(out *exposition, books ledger.Snapshot) {
	out.begin(buildInfo)
	out.count(1, m.version, runtime.Version())
	out.begin(collectorEnvelopes)
	for _, verdict := range ledger.Verdicts() {
		out.count(books.Envelopes[verdict], string(verdict))
	}
	out.count(m.dropped(), "dropped")
	services(out, books)
	tellLines(out, books.Lines)
	tellDevices(out, books.Devices)
	tellAgents(out, books.Agents)
}

// each tells a family of all things.
func each[T any](out *exposition, f family, things []T, tell func(*T)) {
	out.begin(f)
	for i := range things {
		tell(&things[i])
	}
}

func tellDevices(out *exposition, devices []ledger.Device) {
	each(out, deviceUp, devices, func(d *ledger.Device) { out.truth(d.Up, d.ID) })
	each(out, deviceInfo, devices, func(d *ledger.Device) { out.count(1, d.ID, d.Vendor, d.Model, d.Agent) })
	each(out, deviceFaxService, devices, func(d *ledger.Device) {
		for _, state := range wire.FaxServices() {
			out.truth(d.FaxService == state, d.ID, string(state))
		}
	})
	each(out, deviceAnomalies, devices, func(d *ledger.Device) {
		for _, kind := range deviceAnomalyKinds {
			out.count(d.Anomalies[kind], d.ID, string(kind))
		}
	})
	each(out, deviceCounted, devices, func(d *ledger.Device) { counted(out, d) })
}

// deviceAnomalyKinds are those that a device can have; the others are agents'.
var deviceAnomalyKinds = []ledger.AnomalyKind{ledger.Reset, ledger.Jump, ledger.RuleChanged, ledger.DeviceChanged}

// counted tells what one measure counted in one unit, whichever profile rules found it: it
// stands with the first of them.
func counted(out *exposition, d *ledger.Device) {
	for i, c := range d.Counters {
		same := func(o ledger.Counter) bool { return o.Measure == c.Measure && o.Unit == c.Unit }
		if slices.ContainsFunc(d.Counters[:i], same) {
			continue
		}
		var total int64
		for _, o := range d.Counters[i:] {
			if same(o) {
				total += o.Total
			}
		}
		out.count(total, d.ID, string(c.Measure), c.Unit)
	}
}

func tellAgents(out *exposition, agents []ledger.Agent) {
	each(out, agentUp, agents, func(a *ledger.Agent) { out.truth(a.Up, a.ID) })
	each(out, agentInfo, agents, func(a *ledger.Agent) { out.count(1, a.ID, a.Version, a.OS) })
	each(out, agentLastSeen, agents, func(a *ledger.Agent) { out.instant(a.LastSeen, a.ID) })
	each(out, agentSpoolEnvelopes, agents, func(a *ledger.Agent) {
		if a.Session != "" { // else it never said so
			out.count(int64(a.Spool.Envelopes), a.ID)
		}
	})
	each(out, agentDroppedReadings, agents, func(a *ledger.Agent) { out.count(a.Dropped, a.ID) })
}

func tellLines(out *exposition, lines []ledger.Line) {
	each(out, lineInfo, lines, func(l *ledger.Line) {
		out.count(1, l.ID, l.Device, l.Establishment, l.Site, l.Pole, l.Service)
	})
	each(out, lineStatus, lines, func(l *ledger.Line) {
		for _, status := range wire.LineStatuses() {
			out.truth(l.Status == status, l.ID, string(status))
		}
	})
	each(out, lineLastFax, lines, func(l *ledger.Line) { out.instant(l.LastFax, l.ID) })
	each(out, lineLastReading, lines, func(l *ledger.Line) { out.instant(l.LastReading, l.ID) })
	each(out, lineCutoff, lines, func(l *ledger.Line) { out.instant(l.Cutoff, l.ID) })
	each(out, lineFaxPages, lines, func(l *ledger.Line) {
		told := ledger.Device{Totals: l.Totals} // the same rule for lines as for devices
		for _, way := range ledger.Directions() {
			if pages, _, ok := told.Pages(way); ok { // unknown is never 0
				out.count(pages, l.ID, string(way))
			}
		}
	})
}
