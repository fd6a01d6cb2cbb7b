package main

import (
	"fmt"
	"log/slog"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/wire"
)

type checkCommand struct {
	bundled
}

// Run says what run would do, or what is wrong with the configuration.
func (k *checkCommand) Run(call *program.Call) error {
	name, err := k.file(call)
	if err != nil {
		return err
	}
	read, err := load(name)
	if err != nil {
		return err
	}
	c, fault := read.recalled()
	if name == "" {
		name = "embedded defaults"
	}
	_, _ = fmt.Fprintf(call.Stdout, "%s: ok\n", name)
	table := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(table, "agent\t%s\n", c.Agent)
	_, _ = fmt.Fprintf(table, "collector\t%s\n", c.Collector.URL)
	certificate, trouble := c.certificateText()
	if certificate != "" {
		_, _ = fmt.Fprintf(table, "certificate\t%s\n", certificate)
	}
	if c.Central.authority != nil {
		_, _ = fmt.Fprintf(table, "polls after\t%s\n", c.centralText(fault))
	}
	_, _ = fmt.Fprintf(table, "targets\t%s\n", c.targetsText())
	if len(c.Ranges()) > 0 {
		_, _ = fmt.Fprintf(table, "discovery\t%s\n", c.discoveryText())
	}
	_, _ = fmt.Fprintf(table, "poll\tlines each %s, counters each %s\n", c.Poll.Lines, c.Poll.Counters)
	trouble = append(trouble, c.journalsText(table)...)
	_, _ = fmt.Fprintf(table, "spool\t%s, at most %s\n", c.Spool.Dir, c.Spool.MaxSize)
	_, _ = fmt.Fprintf(table, "page\t%s\n", c.pageText())
	if err := table.Flush(); err != nil {
		return err
	}
	for _, note := range slices.Concat(trouble, c.warnings, c.pollWarnings) {
		_, _ = fmt.Fprintf(call.Stdout, "note: %s\n", note)
	}
	return nil
}

// certificateText says what the broker is shown, and what is wrong with it.
func (c *config) certificateText() (text string, trouble []string) {
	who := identityOf(c, slog.New(slog.DiscardHandler))
	if who == nil || who.State() == nil {
		return "", nil
	}
	state := who.State()
	if state.Error != "" {
		trouble = []string{state.Error}
	}
	return fmt.Sprintf("until %s, serial number %s", state.NotAfter.Std().Local().Format(time.DateOnly), state.Serial), trouble
}

// centralText says where what is polled comes from.
func (s *settings) centralText(fault error) string {
	switch {
	case fault != nil:
		return fmt.Sprintf("this file: %v", fault)
	case s.central.Revision == 0:
		return "this file, until the collector sends what to poll"
	case s.central.Config == "":
		return fmt.Sprintf("this file, as the collector says since %s", wire.Time(s.central.Revision))
	}
	return fmt.Sprintf("the collector's configuration of %s; targets, poll and discovery of this file don't count", wire.Time(s.central.Revision))
}

func (c *config) pageText() string {
	if c.HTTP.Listen == "" {
		return "none"
	}
	return "http://" + c.HTTP.Listen + "/"
}

func (c *config) targetsText() string {
	hosts, ranges := len(c.Hosts()), len(c.Ranges())
	switch {
	case ranges > 0:
		return fmt.Sprintf("%d, and what is found in ranges (%d)", hosts, ranges)
	case hosts > 0:
		return fmt.Sprint(hosts)
	case c.Central.authority != nil:
		return "none yet: import agents at the collector says what to poll, or name hosts or ranges under targets"
	}
	return "none: run would have nothing to poll; name hosts or ranges under targets"
}

// discoveryText says what a sweep of the ranges would be.
func (c *config) discoveryText() string {
	forecast := sweepOptions(c, nil, nil, c.sweepRanges()).Forecast()
	text := fmt.Sprintf("every %s: %s", c.Discovery.Every, forecast)
	window := c.Discovery.Open
	if !window.Always() {
		text += ", only at " + window.String()
	}
	if days := int((forecast.Takes + window.Length() - 1) / window.Length()); days > 1 {
		text += fmt.Sprintf(": it takes %d days", days)
	}
	return text
}
