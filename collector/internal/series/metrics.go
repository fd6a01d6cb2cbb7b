package series

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	backlog     = prometheus.NewDesc("zerofax_collector_series_backlog", "Postings and statuses that InfluxDB has not taken yet.", nil, nil)
	refusedSum  = prometheus.NewDesc("zerofax_collector_series_refused_total", "Points that InfluxDB refused, now in quarantine.", nil, nil)
	lastSuccess = prometheus.NewDesc("zerofax_collector_series_last_success_timestamp_seconds", "When InfluxDB last took something.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s *Series) Describe(ch chan<- *prometheus.Desc) {
	ch <- backlog
	ch <- refusedSum
	ch <- lastSuccess
}

const backlogLimit = 5 * time.Second

// Collect implements prometheus.Collector.
func (s *Series) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), backlogLimit)
	defer cancel()
	if n, err := s.Backlog(ctx); err != nil {
		ch <- prometheus.NewInvalidMetric(backlog, err)
	} else {
		ch <- prometheus.MustNewConstMetric(backlog, prometheus.GaugeValue, float64(n))
	}
	ch <- prometheus.MustNewConstMetric(refusedSum, prometheus.CounterValue, float64(s.refused.Load()))
	if at := s.success.Load(); at != 0 {
		ch <- prometheus.MustNewConstMetric(lastSuccess, prometheus.GaugeValue, float64(at)/1000)
	}
}
