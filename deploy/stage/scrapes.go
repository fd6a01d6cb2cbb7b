package stage

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// scrapes is what Prometheus would have seen of the collector in the past, as promtool takes it.
type scrapes struct {
	text bytes.Buffer
	wide []string  // of the last scrape, what is told each hour: "series value"
	at   time.Time // of that; zero: none yet
}

// Nothing changes between two steps. Of the last weeks, what most tells of time is told each hour, so that
// rules that look back find it: services, agents, and whether machines answer.
const hourlyFor = 32 * 24 * hour

func hourly(name, labels string) bool {
	return name == "zerofax_device_up" || strings.HasPrefix(name, "zerofax_agent_") ||
		strings.Contains(labels, "service=") && !strings.Contains(labels, "line=")
}

// take scrapes the collector at an instant of the script.
func (s *scrapes) take(ctx context.Context, pages string, at time.Time, often bool) error {
	body, err := get(ctx, "http://"+pages+"/metrics")
	if err != nil {
		return fmt.Errorf("scrape: %w", err)
	}
	for t := s.at.Add(hour); often && !s.at.IsZero() && t.Before(at); t = t.Add(hour) {
		s.tell(s.wide, t)
	}
	target := fmt.Sprintf("{instance=%q,job=\"zerofax\"", pages)
	all := []string{"up" + target + "} 1"}
	s.wide, s.at = s.wide[:0], at
	for line := range strings.Lines(string(body)) {
		if !strings.HasPrefix(line, "zerofax_") {
			continue
		}
		space := strings.LastIndexByte(line, ' ')
		name, labels, labelled := strings.Cut(line[:space], "{")
		text := name + target + "}"
		if labelled {
			text = name + target + "," + labels
		}
		text += line[space : len(line)-1]
		all = append(all, text)
		if hourly(name, labels) {
			s.wide = append(s.wide, text)
		}
	}
	s.tell(all, at)
	return nil
}

func (s *scrapes) tell(samples []string, at time.Time) {
	for _, text := range samples {
		fmt.Fprintf(&s.text, "%s %d\n", text, at.Unix())
	}
}

// fillPrometheus gives Prometheus, which doesn't run yet, what it would have scraped.
func (s *Stage) fillPrometheus(ctx context.Context) error {
	s.past.text.WriteString("# EOF\n")
	if err := s.write("past.txt", s.past.text.Bytes()); err != nil {
		return err
	}
	promtool := filepath.Join(filepath.Dir(s.Prometheus), "promtool")
	return run(ctx, s.Dir, nil, promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=20000h", "past.txt", "prometheus")
}
