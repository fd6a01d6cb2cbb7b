package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	if err := s.startCollector(ctx); err != nil || s.turned {
		return err
	}
	ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.group, ctx = errgroup.WithContext(ctx)
	s.living = ctx
	for _, a := range s.cast {
		if !a.dies.IsZero() {
			continue
		}
		if err := a.connect(s.MQTT, time.Now()); err != nil {
			return err
		}
		s.group.Go(func() error {
			defer a.die()
			return s.goOn(ctx, a)
		})
	}
	if s.Prometheus == "" {
		return nil
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
		backlog, err := s.PromQL(ctx, "zerofax_collector_series_backlog and on (instance) process_start_time_seconds") // the latter has no past
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
		case <-a.news:
		case told := <-a.upset:
			a.dark = true
			told <- s.disturb(ctx, a)
		case <-ctx.Done():
			return nil
		}
	}
}

// Disturb has all machines of the agents that live fall silent, and lets these agents send what can't be
// read: no envelope at all, one of a newer contract, one with a reading that is none.
func (s *Stage) Disturb(ctx context.Context) error {
	var all error
	for _, a := range s.cast {
		if a.client == nil {
			continue
		}
		told := make(chan error, 1)
		select {
		case a.upset <- told:
			all = errors.Join(all, <-told)
		case <-s.living.Done():
			return s.group.Wait()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return all
}

func (s *Stage) disturb(ctx context.Context, a *agent) error {
	now := time.Now()
	if err := a.keep(nil, -a.behind); err != nil {
		return err
	}
	newer := bytes.Replace(a.spool.Envelope(0, now), []byte(`{"v":1`), []byte(`{"v":9`), 1)
	for _, payload := range [][]byte{[]byte("?"), newer} {
		if err := finished(a.client.Publish(wire.Topic(a.id, wire.KindReadings), 1, false, payload)); err != nil {
			return err
		}
	}
	if err := a.keep([]wire.Reading{{Device: "Fax of the ward", At: wire.TimeOf(now), OK: true}}, -a.behind); err != nil {
		return err
	}
	return a.send(ctx, now)
}

// Desert breaks the connections of all agents.
func (s *Stage) Desert() {
	s.cancel()
	_ = s.group.Wait() // it is over anyway
}

// StopCollector ends the collector.
func (s *Stage) StopCollector() { s.collector.stop() }

// readings are what an agent reads now of counters that stand still.
func (s *Stage) readings(a *agent, now time.Time) []wire.Reading {
	var readings []wire.Reading
	for _, m := range s.stands(a.agentPlan, now) {
		r := s.life.shows(m, now)
		if a.dark {
			r = wire.Reading{Device: m.ID, At: r.At, Error: "no answer within 2 s"}
		}
		readings = append(readings, r)
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
