package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/wire"
)

// present lets the collector live in the present, agents go on, and Prometheus look.
func (s *Stage) present(ctx context.Context) error {
	if err := s.startCollector(ctx); err != nil {
		return err
	}
	ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.group, ctx = errgroup.WithContext(ctx)
	for _, a := range s.cast {
		if s.Mode == Dead || !a.dies.IsZero() {
			continue
		}
		if err := a.connect(s.MQTT, time.Now()); err != nil {
			return err
		}
		s.group.Go(func() error { return s.goOn(ctx, a) })
	}
	var err error
	if s.prometheus, err = launch(s.Dir, nil, s.Prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=prometheus",
		"--web.listen-address="+s.PrometheusAt, "--storage.tsdb.retention.time=3y", "--log.level=warn"); err != nil {
		return err
	}
	if err := s.prometheus.answers(ctx, s.PrometheusURL()+"/-/ready"); err != nil {
		return err
	}
	return until(ctx, 60*time.Second, func() error {
		backlog, err := s.PromQL(ctx, "zerofax_collector_series_backlog")
		switch {
		case err != nil:
			return err
		case len(backlog) != 1 || backlog[0].Value != 0:
			return fmt.Errorf("InfluxDB lacks %v", backlog)
		}
		return nil
	})
}

const lookEvery = 10 * time.Second

// goOn lets an agent live and read, while nobody faxes.
func (s *Stage) goOn(ctx context.Context, a *agent) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		now := time.Now()
		if err := a.live(now); err != nil {
			return err
		}
		if err := a.keep(s.readings(a, now.Add(-a.lag)), -a.behind); err != nil {
			return err
		}
		if err := a.send(ctx, now); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// readings are what an agent reads now of counters that stand still.
func (s *Stage) readings(a *agent, now time.Time) []wire.Reading {
	var readings []wire.Reading
	for _, m := range s.stands(a.agentPlan, now) {
		readings = append(readings, s.life.shows(m, now))
	}
	return readings
}

// Sample is one series of an answer.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// PromQL asks Prometheus for the present.
func (s *Stage) PromQL(ctx context.Context, query string) ([]Sample, error) {
	body, err := get(ctx, s.PrometheusURL()+"/api/v1/query?"+url.Values{"query": {query}}.Encode())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	var samples []Sample
	for _, r := range answer.Data.Result {
		var value float64
		if _, err := fmt.Sscan(fmt.Sprint(r.Value[1]), &value); err != nil {
			return nil, fmt.Errorf("%s: value %v: %w", query, r.Value[1], err)
		}
		samples = append(samples, Sample{r.Metric, value})
	}
	return samples, nil
}

// Row is one series of InfluxDB's answer.
type Row struct {
	Name    string
	Tags    map[string]string
	Columns []string
	Values  [][]any
}

// InfluxQL asks InfluxDB; times come as Unix milliseconds.
func (s *Stage) InfluxQL(ctx context.Context, query string) ([]Row, error) {
	form := url.Values{"db": {Database}, "q": {query}, "epoch": {"ms"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.InfluxDBURL()+"/query", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Error   string
		Results []struct {
			Error  string
			Series []Row
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	var rows []Row
	for _, r := range answer.Results {
		if r.Error != "" {
			answer.Error = r.Error
		}
		rows = append(rows, r.Series...)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s: %s", query, answer.Error)
	}
	return rows, nil
}
