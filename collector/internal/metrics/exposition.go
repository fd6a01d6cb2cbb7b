package metrics

import (
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/zerofax/zerofax/agent/wire"
)

// 3 000 lines have 75 000 series. To make each by itself, and to have a registry check and sort them,
// takes twice as long as the books do to be read. So the families are filled in here, in the order of
// the books, from allocations of many at once; client_golang writes them.

// family is a metric by its name.
type family struct {
	name, help string
	kind       dto.MetricType
	labels     []label // in the order of their names, as everybody writes them
}

type label struct {
	name string
	at   int // among the values of a sample
}

func desc(name, help string, labels ...string) *family {
	f := &family{name: "zerofax_" + name, help: help, kind: dto.MetricType_GAUGE}
	if strings.HasSuffix(name, "_total") {
		f.kind = dto.MetricType_COUNTER
	}
	for i, name := range labels {
		f.labels = append(f.labels, label{name, i})
	}
	slices.SortFunc(f.labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
	return f
}

// exposition is what is told at one scrape.
type exposition struct {
	families map[*family]*dto.MetricFamily
	metrics  stock[dto.Metric]
	counters stock[dto.Counter]
	gauges   stock[dto.Gauge]
	values   stock[float64]
	pairs    stock[dto.LabelPair]
	texts    stock[string]
	labels   stock[*dto.LabelPair]
}

func newExposition() *exposition { return &exposition{families: make(map[*family]*dto.MetricFamily)} }

// all are the families that have samples.
func (e *exposition) all() (list []*dto.MetricFamily) {
	for _, f := range e.families {
		list = append(list, f)
	}
	return list
}

func (e *exposition) counter(f *family, value int64, labels ...string) {
	e.gauge(f, float64(value), labels...)
}

func (e *exposition) truth(f *family, yes bool, labels ...string) {
	value := 0.0
	if yes {
		value = 1
	}
	e.gauge(f, value, labels...)
}

// instant says nothing of a time that isn't known.
func (e *exposition) instant(f *family, at wire.Time, labels ...string) {
	if at != 0 {
		e.gauge(f, float64(at)/1000, labels...)
	}
}

// gauge adds a sample; the values of its labels are in the order of the description.
func (e *exposition) gauge(f *family, value float64, labels ...string) {
	to := e.families[f]
	if to == nil {
		to = &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: &f.kind}
		e.families[f] = to
	}
	m := &e.metrics.take(1)[0]
	m.Label = e.labels.take(len(f.labels))
	for i := range f.labels {
		text := &e.texts.take(1)[0]
		*text = strings.ToValidUTF8(labels[f.labels[i].at], "\uFFFD") // what is no UTF-8 would spoil the whole scrape
		pair := &e.pairs.take(1)[0]
		pair.Name, pair.Value = &f.labels[i].name, text
		m.Label[i] = pair
	}
	number := &e.values.take(1)[0]
	*number = value
	if f.kind == dto.MetricType_COUNTER {
		m.Counter = &e.counters.take(1)[0]
		m.Counter.Value = number
	} else {
		m.Gauge = &e.gauges.take(1)[0]
		m.Gauge.Value = number
	}
	to.Metric = append(to.Metric, m)
}

// stock hands out zero values, many of one allocation.
type stock[T any] []T

func (s *stock[T]) take(n int) []T {
	if len(*s) < n {
		*s = make([]T, max(n, 1024))
	}
	taken := (*s)[:n:n]
	*s = (*s)[n:]
	return taken
}
