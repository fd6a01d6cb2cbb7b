// Package metrics shows the ledger to Prometheus. At each scrape it makes constant metrics
// of one snapshot, so that what is gone from the books leaves no stale series, and counters
// survive restarts as the books do. Names and labels are a contract with dashboards and rules.
package metrics

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Books is what metrics need of the ledger.
type Books interface {
	Snapshot(ctx context.Context) (ledger.Snapshot, error)
}

// scrapeLimit bounds the reading of the ledger; Prometheus itself gives up after 10 s by default.
const scrapeLimit = 9 * time.Second

// Options of a collector.
type Options struct {
	Books   Books
	Dropped func() int64 // messages that ingest gave up unread
	LineKey []byte       // key by which lines' numbers are hidden in labels; nil: they stand there as they are
	Version string       // of the program
}

// Collector is a prometheus.Collector over the books.
type Collector struct {
	Options
	seconds prometheus.Histogram
}

// New makes a collector.
func New(o Options) *Collector {
	return &Collector{Options: o, seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "zerofax_collector_ingest_seconds",
		Help:    "Time from an envelope's arrival to its commit.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	})}
}

// Ingested takes notice of one envelope that waited so long for its commit.
func (c *Collector) Ingested(waited time.Duration) { c.seconds.Observe(waited.Seconds()) }

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range slices.Concat(all, ofOutbox) {
		ch <- d
	}
	c.seconds.Describe(ch)
}

// Collect implements prometheus.Collector. If the books can't be read the scrape fails as
// a whole: half an answer would look like devices that are gone.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	c.seconds.Collect(ch)
	out := emitter(ch)
	out.gauge(buildInfo, 1, c.Version, runtime.Version())
	books, err := c.Books.Snapshot(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(buildInfo, err)
		return
	}
	c.envelopes(out, books)
	for i := range books.Devices {
		device(out, &books.Devices[i])
	}
	for i := range books.Agents {
		agent(out, &books.Agents[i])
	}
	lines(out, books, c.label)
	services(out, books)
	names(out, &books.Register)
	outbox(out, books.Outbox)
}

func (c *Collector) envelopes(out emitter, books ledger.Snapshot) {
	for _, verdict := range ledger.Verdicts() {
		out.counter(collectorEnvelopes, books.Envelopes[verdict], string(verdict))
	}
	out.counter(collectorEnvelopes, c.Dropped(), "dropped")
}

func device(out emitter, d *ledger.Device) {
	out.truth(deviceUp, d.Up, d.ID)
	out.gauge(deviceInfo, 1, d.ID, d.Vendor, d.Model, d.Agent)
	for _, state := range wire.FaxServices() {
		out.truth(deviceFaxService, d.FaxService == state, d.ID, string(state))
	}
	for _, kind := range deviceAnomalyKinds {
		out.counter(deviceAnomalies, d.Anomalies[kind], d.ID, string(kind))
	}
	for key, total := range counted(d.Counters) {
		out.counter(deviceCounted, total, d.ID, string(key.measure), key.unit)
	}
}

// deviceAnomalyKinds are those that a device can have; the others are agents'.
var deviceAnomalyKinds = []ledger.AnomalyKind{ledger.Reset, ledger.Jump, ledger.RuleChanged, ledger.DeviceChanged}

type measureUnit struct {
	measure wire.Measure
	unit    string
}

// counted adds up what one measure counted in one unit, whichever profile rule found it.
func counted(counters []ledger.Counter) map[measureUnit]int64 {
	sums := make(map[measureUnit]int64, len(counters))
	for _, c := range counters {
		sums[measureUnit{c.Measure, c.Unit}] += c.Total
	}
	return sums
}

func agent(out emitter, a *ledger.Agent) {
	out.truth(agentUp, a.Up, a.ID)
	out.gauge(agentInfo, 1, a.ID, a.Version, a.OS)
	out.instant(agentLastSeen, a.LastSeen, a.ID)
	if a.Session != "" { // else it never said so
		out.gauge(agentSpoolEnvelopes, float64(a.Spool.Envelopes), a.ID)
	}
	out.counter(agentDroppedReadings, a.Dropped, a.ID)
}
