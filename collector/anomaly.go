package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

type anomalyCommand struct {
	List   anomalyListCommand   `cmd:"" default:"withargs" help:"What waits for a decision, newest first."`
	Accept anomalyAcceptCommand `cmd:"" help:"A jump is true: book its amount, over the interval in which it happened."`
	Reject anomalyRejectCommand `cmd:"" help:"A jump is false: book nothing."`
}

type anomalyListCommand struct {
	All  bool `help:"Also those that are closed."`
	JSON bool `help:"For programs."`
}

// most is how many rows of a list are shown.
const most = 1000

// Run implements `anomaly list`.
func (a anomalyListCommand) Run(call *program.Call) error {
	return withBooks(call, false, func(_ config, books *ledger.Ledger) error {
		list, err := books.Anomalies(call.Ctx, most)
		if !a.All {
			var watch ledger.Watch
			watch, err = books.Watch(call.Ctx, most)
			list = watch.Open
		}
		if err != nil {
			return err
		}
		if a.JSON {
			return printJSON(call, list)
		}
		table := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tKIND\tOF\tAFTER\tUNTIL\tBEFORE\tNOW\tHELD\tOUTCOME\tNOTE")
		for _, x := range list {
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n", x.ID, x.Kind, subject(x),
				x.From, x.To, x.Before, x.After, held(x), outcome(x), x.Note)
		}
		return table.Flush()
	})
}

// subject is whom an anomaly is about.
func subject(x ledger.Anomaly) string {
	if x.Device == "" {
		return x.Agent
	}
	return x.Device + " " + string(x.Measure)
}

func held(x ledger.Anomaly) string {
	if x.Amount == 0 {
		return "-"
	}
	return fmt.Sprintf("%d %s", x.Amount, x.Unit)
}

// outcome says how an anomaly ended, or who decides.
func outcome(x ledger.Anomaly) string {
	switch {
	case x.Outcome != ledger.Undecided:
		return string(x.Outcome)
	case x.Kind == ledger.Jump:
		return "for you to decide"
	}
	return "open"
}

type anomalyAcceptCommand struct {
	ID     int64  `arg:"" help:"Its number, of the list."`
	Reason string `help:"Why, for the audit log."`
	author
}

// Run implements `anomaly accept`.
func (a anomalyAcceptCommand) Run(call *program.Call) error {
	return withBooks(call, false, func(_ config, books *ledger.Ledger) error {
		x, booked, err := books.Accept(call.Ctx, a.of("anomaly accept"), a.ID, a.Reason)
		if err != nil {
			return err
		}
		fmt.Fprintf(call.Stdout, "accepted: %d %s booked for %s %s, after %s until %s\n", booked, x.Unit, x.Device, x.Measure, x.From, x.To)
		if booked < x.Amount {
			fmt.Fprintf(call.Stdout, "the other %d had been booked already, before a glitch was known\n", x.Amount-booked)
		}
		return nil
	})
}

type anomalyRejectCommand struct {
	ID     int64  `arg:"" help:"Its number, of the list."`
	Reason string `help:"Why, for the audit log."`
	author
}

// Run implements `anomaly reject`.
func (a anomalyRejectCommand) Run(call *program.Call) error {
	return withBooks(call, false, func(_ config, books *ledger.Ledger) error {
		x, err := books.Reject(call.Ctx, a.of("anomaly reject"), a.ID, a.Reason)
		if err != nil {
			return err
		}
		fmt.Fprintf(call.Stdout, "rejected: %d %s of %s %s are not booked\n", x.Amount, x.Unit, x.Device, x.Measure)
		return nil
	})
}

func printJSON(call *program.Call, list any) error {
	out := json.NewEncoder(call.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(map[string]any{"data": list})
}
