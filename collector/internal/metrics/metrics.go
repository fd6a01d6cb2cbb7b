// Package metrics shows the ledger to Prometheus. Each scrape is made of one snapshot, so that what
// is gone from the books leaves no stale series, and counters survive restarts as the books do.
// Names and labels are a contract with dashboards and rules.
package metrics

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Books is what metrics need of the ledger.
type Books interface {
	Snapshot(ctx context.Context) (ledger.Snapshot, error)
	Watch(ctx context.Context, limit int) (ledger.Watch, error)
}

const (
	scrapeLimit   = 9 * time.Second // Prometheus itself gives up after 10 s by default
	scrapesAtOnce = 2               // a pair of Prometheus servers
)

// Options of an exporter.
type Options struct {
	Books   Books
	Others  prometheus.Gatherer                                      // what else is told: of the program itself, of other parts; may be nil
	Faxes   func(context.Context, *ledger.Snapshot) ([]Faxes, error) // what journals change in what machines counted; nil: nothing
	Dropped func() int64                                             // messages that ingest gave up unread
	Ready   func() error                                             // nil while readings can come in and be booked; may be nil itself
	LineKey []byte                                                   // key by which lines' numbers are hidden in labels; nil: they stand there as they are
	Version string                                                   // of the program
}

// Exporter is a prometheus.Gatherer of the books and all else.
type Exporter struct {
	Options
	seconds prometheus.Histogram
	own     *prometheus.Registry
}

// New makes an exporter.
func New(o Options) *Exporter {
	x := &Exporter{Options: o, own: prometheus.NewRegistry(), seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "zerofax_collector_ingest_seconds",
		Help:    "Time from an envelope's arrival to its commit.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	})}
	x.own.MustRegister(x.seconds)
	return x
}

// Handler answers scrapes.
func (x *Exporter) Handler() http.Handler {
	return promhttp.HandlerFor(x, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesAtOnce})
}

// Ingested takes notice of one envelope that waited so long for its commit.
func (x *Exporter) Ingested(waited time.Duration) { x.seconds.Observe(waited.Seconds()) }

// Gather implements prometheus.Gatherer. If the books can't be read the scrape fails as a whole:
// half an answer would look like devices that are gone.
func (x *Exporter) Gather() ([]*dto.MetricFamily, error) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	books, err := x.Books.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	watch, err := x.Books.Watch(ctx, 0)
	if err != nil {
		return nil, err
	}
	var faxes []Faxes
	if x.Faxes != nil {
		if faxes, err = x.Faxes(ctx, &books); err != nil {
			return nil, err
		}
	}
	out := x.tell(books, faxes)
	out.gauge(anomaliesOpen, float64(watch.OpenCount))
	families := out.all()
	for _, other := range []prometheus.Gatherer{x.own, x.Others} {
		if other == nil {
			continue
		}
		more, err := other.Gather()
		if err != nil {
			return nil, err
		}
		families = append(families, more...)
	}
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return families, nil
}

// tell is all that the books say.
func (x *Exporter) tell(books ledger.Snapshot, faxes []Faxes) *exposition {
	out := newExposition()
	out.gauge(buildInfo, 1, x.Version, runtime.Version())
	if x.Ready != nil {
		out.truth(collectorReady, x.Ready() == nil)
	}
	x.envelopes(out, books)
	for i := range books.Devices {
		device(out, &books.Devices[i])
	}
	for i := range books.Agents {
		agent(out, &books.Agents[i])
	}
	for _, name := range slices.Sorted(maps.Keys(books.Certified)) {
		out.instant(agentCertificate, books.Certified[name], name)
	}
	lines(out, books, x.Label)
	services(out, books, faxes)
	names(out, &books.Register)
	targets(out, &books.Register, books.Month)
	mssante(out, &books)
	outbox(out, books.Outbox)
	x.alerts(out, books)
	return out
}

func (x *Exporter) envelopes(out *exposition, books ledger.Snapshot) {
	for _, verdict := range ledger.Verdicts() {
		out.counter(collectorEnvelopes, books.Envelopes[verdict], string(verdict))
	}
	out.counter(collectorEnvelopes, x.Dropped(), "dropped")
}

func device(out *exposition, d *ledger.Device) {
	out.truth(deviceUp, d.Up, d.ID)
	out.gauge(deviceInfo, 1, d.ID, d.Vendor, d.Model, d.Agent)
	for _, state := range wire.FaxServices() {
		out.truth(deviceFaxService, d.FaxService == state, d.ID, string(state))
	}
	for _, kind := range deviceAnomalyKinds {
		out.counter(deviceAnomalies, d.Anomalies[kind], d.ID, string(kind))
	}
	for _, c := range counted(d.Counters) {
		out.counter(deviceCounted, c.Total, d.ID, string(c.Measure), c.Unit)
	}
}

// deviceAnomalyKinds are those that a device can have; the others are agents'.
var deviceAnomalyKinds = []ledger.AnomalyKind{ledger.Reset, ledger.Jump, ledger.RuleChanged, ledger.DeviceChanged}

// counted adds up what one measure counted in one unit, whichever profile rule found it.
func counted(counters []ledger.Counter) (sums []ledger.Counter) {
	for _, c := range counters {
		same := func(other ledger.Counter) bool { return other.Measure == c.Measure && other.Unit == c.Unit }
		if i := slices.IndexFunc(sums, same); i >= 0 {
			sums[i].Total += c.Total
		} else {
			sums = append(sums, c)
		}
	}
	slices.SortFunc(sums, func(a, b ledger.Counter) int {
		return cmp.Or(cmp.Compare(a.Measure, b.Measure), cmp.Compare(a.Unit, b.Unit))
	})
	return sums
}

func agent(out *exposition, a *ledger.Agent) {
	if a.Config.Declared {
		out.truth(agentConfigCurrent, a.Config.Standing == ledger.ConfigCurrent, a.ID)
	}
	if !a.Heard() {
		return
	}
	out.truth(agentUp, a.Up, a.ID)
	out.gauge(agentInfo, 1, a.ID, a.Version, a.OS)
	out.instant(agentLastSeen, a.LastSeen, a.ID)
	if a.Session != "" { // else it never said so
		out.gauge(agentSpoolEnvelopes, float64(a.Spool.Envelopes), a.ID)
	}
	if a.LastSeen != 0 {
		out.gauge(agentClockOffset, float64(a.ClockMS)/1000, a.ID)
	}
	out.counter(agentDroppedReadings, a.Dropped, a.ID)
}
