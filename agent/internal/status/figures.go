package status

import (
	"bytes"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/zerofax/zerofax/agent/wire"
)

// Figures are counted while the agent works. Series of single devices are the collector's:
// here nothing grows with their number.
type Figures struct {
	polls            *prometheus.CounterVec
	answered, failed prometheus.Counter // of polls
	seconds          prometheus.Histogram
}

// NewFigures are at 0.
func NewFigures() *Figures {
	f := &Figures{
		polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "zerofax_agent_polls_total", Help: "Looks at devices; failed: nobody answered, or nothing could be made of it.",
		}, []string{"result"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "zerofax_agent_poll_seconds", Help: "Duration of a look at a device, with all retries.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}),
	}
	f.answered, f.failed = f.polls.WithLabelValues("answered"), f.polls.WithLabelValues("failed")
	return f
}

// Looked takes notice of a look at a device that took so long. It is safe to be called by many.
func (f *Figures) Looked(took time.Duration, answered bool) {
	if answered {
		f.answered.Inc()
	} else {
		f.failed.Inc()
	}
	f.seconds.Observe(took.Seconds())
}

func description(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("zerofax_agent_"+name, help, labels, nil)
}

var (
	buildInfo    = description("build_info", "The agent and what it was built of, always 1.", "agent", "version", "goversion")
	targets      = description("targets", "Addresses that the agent looks at, by how they answer.", "state")
	devicesUp    = description("devices_up", "Devices that answered when they were last looked at, which is not overdue.")
	requests     = description("snmp_requests_total", "SNMP requests sent, those sent again too.")
	retries      = description("snmp_retries_total", "SNMP requests sent again because no answer had come in time.")
	rediscovered = description("snmp_rediscoveries_total", "SNMPv3 engines that were not as they had been: restarted, replaced, or with another clock.")
	envelopes    = description("spool_envelopes", "Envelopes on disk that the collector hasn't acknowledged.")
	spoolBytes   = description("spool_bytes", "Size of these envelopes.")
	spoolMax     = description("spool_max_bytes", "Size from which on old readings are folded, then dropped.")
	spoolOldest  = description("spool_oldest_timestamp_seconds", "When the oldest of these envelopes was written; absent if there is none.")
	spoolDropped = description("spool_dropped_total", "Readings given up because the spool was full, since it was made.")
	spoolDamaged = description("spool_damaged_total", "Damaged files set aside, since the spool was made.")
	spoolFault   = description("spool_fault", "1 while nothing can be written to the spool.")
	diskFree     = description("disk_free_bytes", "Free space on the spool's disk; absent if it can't be told.")
	linkUp       = description("link_up", "1 while there is a connection to the broker.")
	sent         = description("envelopes_sent_total", "Envelopes handed to the broker, those said again too.")
	acks         = description("acks_total", "Acknowledgements from the collector.")
	certificate  = description("certificate_not_after_timestamp_seconds", "When the certificate that the agent shows to the broker ends; absent if it shows none.")
	journalRows  = description("journal_rows_total", "Rows of a journal since it is followed, by what became of them.", "journal", "result")
	journalRest  = description("journal_unread_bytes", "What of a journal's files isn't read yet.", "journal")
	journalLast  = description("journal_last_event_timestamp_seconds", "When the latest fax or call of a journal began; absent until one is known.", "journal")
	journalFault = description("journal_fault", "1 while a journal can't be followed.", "journal")
	lastAck      = description("last_ack_timestamp_seconds", "When the collector last acknowledged something; absent until it does.")
)

// exposed answers with what is gathered, in Prometheus's text format, which all can read.
// (promhttp or an expfmt.Encoder would, too, but their other formats and compression add
// 0.4 MB to an agent that shall stay small.)
func exposed(from prometheus.Gatherer, log *slog.Logger) http.Handler {
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var text bytes.Buffer
		families, err := from.Gather()
		for ; err == nil && len(families) > 0; families = families[1:] {
			_, err = expfmt.MetricFamilyToText(&text, families[0])
		}
		if err != nil {
			log.Error("gather metrics", "error", err)
			fault(w, r, http.StatusInternalServerError, "gather metrics: "+err.Error())
			return
		}
		w.Header().Set("Content-Type", string(format))
		_, _ = text.WriteTo(w)
	})
}

// figuresOf makes metrics of what the page shows, at each scrape.
type figuresOf struct{ page *Page }

// Describe implements prometheus.Collector.
func (f figuresOf) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildInfo, targets, devicesUp, requests, retries, rediscovered, envelopes, spoolBytes, spoolMax, spoolOldest, spoolDropped, spoolDamaged,
		spoolFault, diskFree, linkUp, sent, acks, lastAck, certificate, journalRows, journalRest, journalLast, journalFault,
	} {
		ch <- d
	}
	f.page.Figures.polls.Describe(ch)
	f.page.Figures.seconds.Describe(ch)
}

// Collect implements prometheus.Collector.
func (f figuresOf) Collect(ch chan<- prometheus.Metric) {
	out := emitter(ch)
	p := f.page
	out.gauge(buildInfo, 1, p.Agent, p.Version, runtime.Version())
	out.targets(surveyOf(p.targets(), nil, everyOne).counts)
	out.traffic(p.SNMP())
	out.spool(p.Spool())
	out.link(p.Link())
	out.journals(p.Journals())
	p.Figures.polls.Collect(ch)
	p.Figures.seconds.Collect(ch)
}

type emitter chan<- prometheus.Metric

func (e emitter) targets(c counts) {
	for state, n := range c {
		e.gauge(targets, float64(n), string(state))
	}
	e.gauge(devicesUp, float64(c.up()))
}

func (e emitter) traffic(t Traffic) {
	e.counter(requests, t.Requests)
	e.counter(retries, t.Retries)
	e.counter(rediscovered, t.Rediscoveries)
}

func (e emitter) spool(s Spool) {
	e.gauge(envelopes, float64(s.Envelopes))
	e.gauge(spoolBytes, float64(s.Bytes))
	e.gauge(spoolMax, float64(s.MaxBytes))
	e.instant(spoolOldest, s.Oldest)
	e.counter(spoolDropped, s.Dropped)
	e.counter(spoolDamaged, int64(s.Damaged))
	e.truth(spoolFault, s.Error != "")
	if s.Free >= 0 {
		e.gauge(diskFree, float64(s.Free))
	}
}

func (e emitter) link(l Link) {
	e.truth(linkUp, l.Connected != 0)
	e.counter(sent, l.Sent)
	e.counter(acks, l.Acks)
	e.instant(lastAck, l.LastAck)
	if l.Certificate != nil {
		e.instant(certificate, l.Certificate.NotAfter)
	}
}

func (e emitter) journals(all []Journal) {
	for _, j := range all {
		e.counter(journalRows, int64(j.Events), j.Name, "taken")
		e.counter(journalRows, int64(j.Skipped), j.Name, "skipped")
		e.counter(journalRows, int64(j.Rejected), j.Name, "rejected")
		e.gauge(journalRest, float64(j.Size-j.Read), j.Name)
		e.instant(journalLast, j.Last, j.Name)
		e.truth(journalFault, j.Error != "", j.Name)
	}
}

func (e emitter) gauge(d *prometheus.Desc, value float64, labels ...string) {
	e <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (e emitter) counter(d *prometheus.Desc, value int64, labels ...string) {
	e <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

func (e emitter) truth(d *prometheus.Desc, yes bool, labels ...string) {
	value := 0.0
	if yes {
		value = 1
	}
	e.gauge(d, value, labels...)
}

func (e emitter) instant(d *prometheus.Desc, t wire.Time, labels ...string) {
	if t != 0 {
		e.gauge(d, float64(t)/1000, labels...)
	}
}
