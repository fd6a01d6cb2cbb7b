package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

type agentsCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run implements `agents`.
func (x agentsCommand) Run(call *program.Call) error {
	return withReadBooks(call, func(c config, books *ledger.Ledger) error {
		agents, err := books.Agents(call.Ctx)
		switch {
		case err != nil:
			return err
		case x.JSON:
			return printJSON(call, agents)
		case len(agents) == 0:
			_, err := fmt.Fprintln(call.Stdout, "no agent is enrolled, and none was ever heard: zerofax-collector enroll NAME")
			return err
		}
		declared, err := books.AgentConfigs(call.Ctx)
		if err != nil {
			return err
		}
		revoked, err := books.Revoked(call.Ctx)
		if err != nil {
			return err
		}
		return c.listAgents(call, agents, declared, revoked)
	})
}

// listAgents writes the table. revoked are serials of certificates.
func (c *config) listAgents(call *program.Call, agents []ledger.Agent, declared []ledger.AgentConfig, revoked map[string]bool) error {
	now := wire.TimeOf(clock())
	var rows bytes.Buffer
	table := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AGENT\tSTATE\tVERSION\tOS\tCONFIGURATION\tWAITING\tDROPPED\tLAST SEEN\tCERTIFICATE")
	for i := range agents {
		a := &agents[i]
		waiting, dropped, seen := "-", "-", "-"
		if a.Heard() {
			waiting, dropped, seen = fmt.Sprint(a.Spool.Envelopes), fmt.Sprint(a.Dropped), rough(now.Sub(a.LastSeen))+" ago"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.ID, presence(a, now), dash(a.Version), dash(a.OS), c.configText(a),
			waiting, dropped, seen, c.until(a, revoked))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for i, row := range strings.Split(strings.TrimSuffix(rows.String(), "\n"), "\n") {
		fmt.Fprintln(call.Stdout, strings.TrimRight(row, " "))
		if i > 0 {
			for _, remark := range remarks(&agents[i-1], declared) {
				fmt.Fprintln(call.Stdout, "    "+remark)
			}
		}
	}
	return nil
}

// presence says how an agent is, and for how long.
func presence(a *ledger.Agent, now wire.Time) string {
	switch {
	case !a.Heard():
		return "never heard"
	case a.Up && a.StartedAt != 0:
		return "up " + rough(now.Sub(a.StartedAt))
	case a.Up:
		return "up"
	case a.Online:
		return "silent " + rough(now.Sub(a.LastSeen))
	}
	return "off " + rough(now.Sub(a.LastSeen))
}

// rough is a time as people say it.
func rough(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dmin", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// configText is what became of an agent's configuration, and since when it is declared.
func (c *config) configText(a *ledger.Agent) string {
	v := a.Config
	text := string(v.Standing)
	if !a.Heard() && !v.Declared {
		return "-"
	}
	if v.Declared || v.Standing == ledger.ConfigPending {
		text += " " + c.local(v.ChangedAt)
	}
	return text
}

// until is the end of an agent's certificate: the one that it shows, as it says, else its newest.
func (c *config) until(a *ledger.Agent, revoked map[string]bool) string {
	end := a.EnrolledUntil
	if a.Certificate != nil {
		if revoked[a.Certificate.Serial] {
			return "revoked"
		}
		end = a.Certificate.NotAfter
	}
	if end == 0 {
		return "-"
	}
	return end.Std().In(c.location).Format(time.DateOnly)
}

// remarks are what a person should know of an agent.
func remarks(a *ledger.Agent, declared []ledger.AgentConfig) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	switch a.Config.Standing {
	case ledger.ConfigRefused:
		add("refused: %s", a.Config.Error)
		if line := lineOf(a, declared); line != "" {
			add("         %s", line)
		}
	case ledger.ConfigUnable:
		add("takes no configuration from here: its agent.yml wants central: {authority_file: …}, or an update")
	case ledger.ConfigAstray:
		add("follows a configuration of %s that these books don't have: import agents declares it anew", wire.Time(a.Config.Runs))
	}
	if a.Certificate != nil && a.Certificate.Error != "" {
		add("its certificate could not be renewed: %s", a.Certificate.Error)
	}
	if a.Spool.Error != "" {
		add("can't write its spool: %s", a.Spool.Error)
	}
	if a.TooNew {
		add("speaks a newer version: update the collector")
	}
	return all
}

// lineOf is the line of what is declared that an agent complains of.
func lineOf(a *ledger.Agent, declared []ledger.AgentConfig) string {
	i := slices.IndexFunc(declared, func(c ledger.AgentConfig) bool { return c.Agent == a.ID })
	number := 0
	if _, err := fmt.Sscanf(a.Config.Error, "central configuration:%d:", &number); err != nil || i < 0 || a.Config.Refused != declared[i].Revision {
		return ""
	}
	lines := strings.Split(declared[i].Config, "\n")
	if number < 1 || number > len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[number-1])
}
