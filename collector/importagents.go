package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

type importAgentsCommand struct {
	File    string `arg:"" help:"YAML file, as export agents writes it; or a CSV or XLSX table of targets, a row each."`
	Sheet   string `placeholder:"NAME" help:"Sheet of an XLSX file. Without it: the first."`
	DryRun  bool   `help:"Say what would change, and change nothing."`
	Replace bool   `help:"Agents that the file doesn't name go back to their own files."`
	author
}

// Run implements `import agents`.
func (i importAgentsCommand) Run(call *program.Call) error {
	file, err := i.read()
	if err != nil {
		return usageFault(err)
	}
	from := tableFile{File: i.File, DryRun: i.DryRun, author: i.author}
	return from.withBooks(call, func(_ config, books *ledger.Ledger) error {
		var done register.AgentsPlan
		plan := func(now []ledger.AgentConfig) (changes []ledger.AgentChange, err error) {
			done, err = register.PlanAgents(now, file, i.Replace)
			if err == nil && len(done.Changes) == 0 {
				err = errNothing
			}
			return done.Changes, err
		}
		if i.DryRun {
			var now []ledger.AgentConfig
			if now, err = books.AgentConfigs(call.Ctx); err == nil {
				_, err = plan(now)
			}
		} else {
			err = books.DeclareAgents(call.Ctx, i.of(filepath.Base(i.File)), plan)
		}
		if err != nil && !errors.Is(err, errNothing) {
			return usageFault(err)
		}
		strangers, err := i.strangers(call, books, done.Changes)
		if err != nil {
			return err
		}
		return i.report(call, done, strangers)
	})
}

// read takes a table for one by its name.
func (i importAgentsCommand) read() (register.Agents, error) {
	if ext := strings.ToLower(filepath.Ext(i.File)); ext == ".csv" || ext == ".xlsx" || ext == ".xls" || i.Sheet != "" {
		table, err := register.Read(i.File, i.Sheet, register.AgentTargets)
		if err != nil {
			return register.Agents{}, err
		}
		return register.AgentsOf(table)
	}
	data, err := os.ReadFile(i.File)
	if err != nil {
		return register.Agents{}, err
	}
	agents, err := register.ReadAgents(i.File, data)
	if err != nil {
		err = program.Usage(fmt.Errorf("%w\nnothing was changed", err))
	}
	return agents, err
}

// strangers are agents that nobody ever enrolled or heard: mistyped, maybe.
func (i importAgentsCommand) strangers(call *program.Call, books *ledger.Ledger, changes []ledger.AgentChange) (warnings []string, err error) {
	known, err := books.Agents(call.Ctx)
	for _, c := range changes {
		at := slices.IndexFunc(known, func(a ledger.Agent) bool { return a.ID == c.Agent })
		if c.Config != "" && (at < 0 || !known[at].Heard() && known[at].EnrolledUntil == 0) {
			warnings = append(warnings, c.Agent+": not enrolled, and never heard; is that its name?")
		}
	}
	return warnings, err
}

func (i importAgentsCommand) report(call *program.Call, done register.AgentsPlan, strangers []string) error {
	warnings := append(done.Warnings, strangers...)
	for n, warning := range warnings {
		if n == mostWarnings {
			fmt.Fprintf(call.Stderr, "warning: … and %d more\n", len(warnings)-n)
			break
		}
		fmt.Fprintln(call.Stderr, "warning:", warning)
	}
	if err := done.Print(call.Stdout); err != nil {
		return err
	}
	switch {
	case len(done.Changes) == 0:
		fmt.Fprintln(call.Stdout, "nothing changes")
	case i.DryRun:
		fmt.Fprintln(call.Stdout, "dry run: nothing was changed")
	default:
		fmt.Fprintln(call.Stdout, "each agent takes it as soon as it is linked; zerofax-collector agents says which did")
	}
	return nil
}

type exportAgentsCommand struct {
	Output string `short:"o" placeholder:"FILE" help:"File to write. Without it: standard output."`
}

// Run implements `export agents`.
func (e exportAgentsCommand) Run(call *program.Call) error {
	return withReadBooks(call, func(_ config, books *ledger.Ledger) error {
		declared, err := books.AgentConfigs(call.Ctx)
		if err != nil {
			return err
		}
		return tableOut{Output: e.Output}.put(call.Stdout, register.ExportAgents(declared))
	})
}
