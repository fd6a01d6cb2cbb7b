package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

type quarantineCommand struct {
	List  quarantineListCommand  `cmd:"" default:"withargs" help:"What could not be accepted, newest first."`
	Show  quarantineShowCommand  `cmd:"" help:"One of them as it came."`
	Retry quarantineRetryCommand `cmd:"" help:"Read it again with this version, and book what is newer than the books."`
}

type quarantineListCommand struct {
	JSON bool `help:"For programs."`
}

// Run implements `quarantine list`.
func (q quarantineListCommand) Run(call *program.Call) error {
	return withBooks(call, false, func(_ config, books *ledger.Ledger) error {
		watch, err := books.Watch(call.Ctx, math.MaxInt32)
		if err != nil {
			return err
		}
		if q.JSON {
			return printJSON(call, watch.Quarantined)
		}
		table := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tRECEIVED\tFROM\tENVELOPE\tREADING\tREASON")
		for _, x := range watch.Quarantined {
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", x.ID, x.ReceivedAt, x.Agent, sent(x), part(x), x.Reason)
		}
		return table.Flush()
	})
}

// sent is the stream and the number under which something came.
func sent(x ledger.Quarantine) string {
	if x.Seq == 0 {
		return orText(x.Stream, "-")
	}
	return fmt.Sprintf("%s %d", x.Stream, x.Seq)
}

// part is which of the readings it is.
func part(x ledger.Quarantine) string {
	if x.Index < 0 {
		return "all"
	}
	return fmt.Sprint(x.Index)
}

type quarantineShowCommand struct {
	ID int64 `arg:"" help:"Its number, of the list."`
}

// Run implements `quarantine show`.
func (q quarantineShowCommand) Run(call *program.Call) error {
	return withBooks(call, false, func(_ config, books *ledger.Ledger) error {
		x, ok, err := books.QuarantinedAs(call.Ctx, q.ID)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("nothing is in quarantine under %d", q.ID)
		}
		fmt.Fprintf(call.Stderr, "received %s from %s, envelope %s, reading %s: %s\n", x.ReceivedAt, x.Agent, sent(x), part(x), x.Reason)
		var indented bytes.Buffer
		if json.Indent(&indented, x.Payload, "", "  ") == nil {
			x.Payload = indented.Bytes()
		}
		_, err = fmt.Fprintf(call.Stdout, "%s\n", x.Payload)
		return err
	})
}

type quarantineRetryCommand struct {
	ID  int64 `arg:"" optional:"" help:"Its number, of the list."`
	All bool  `help:"All of them."`
	author
}

// Run implements `quarantine retry`.
func (q quarantineRetryCommand) Run(call *program.Call) error {
	if q.All == (q.ID != 0) {
		return program.Usage(errors.New("quarantine retry: want a number of the list, or --all"))
	}
	return withBooks(call, false, func(_ config, books *ledger.Ledger) error {
		ids := []int64{q.ID}
		if q.All {
			watch, err := books.Watch(call.Ctx, math.MaxInt32)
			if err != nil {
				return err
			}
			ids = ids[:0]
			for _, x := range slices.Backward(watch.Quarantined) { // in the order in which they came
				ids = append(ids, x.ID)
			}
		}
		var errs []error
		for _, id := range ids {
			out, err := books.Retry(call.Ctx, q.of("quarantine retry"), id)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			fmt.Fprintf(call.Stdout, "%d: %s\n", id, retried(out))
		}
		return errors.Join(errs...)
	})
}

func retried(r ledger.Retried) string {
	text := fmt.Sprintf("%d readings booked, of %d later ones are in the books", r.Booked, r.Known)
	if r.Gone {
		return text + "; taken out"
	}
	return text + "; stays: " + r.Why
}
