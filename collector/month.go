package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

type monthCommand struct {
	List   monthListCommand   `cmd:"" help:"List the months that were closed."`
	Close  monthCloseCommand  `cmd:"" help:"Freeze the figures of a month that is over."`
	Reopen monthReopenCommand `cmd:"" help:"Let a closed month be closed again; its frozen figures are kept."`
}

// whichMonth is the month that a command is about.
type whichMonth struct {
	Month string `arg:"" help:"Month, such as 2026-10."`
	author
}

func (w whichMonth) read() (ledger.Month, error) {
	month, err := register.ReadMonth(w.Month)
	if err != nil || month == 0 {
		return 0, program.Usage(fmt.Errorf("%q is no month; want one such as 2026-10", w.Month))
	}
	return month, nil
}

type monthListCommand struct{}

// Run implements `month list`.
func (monthListCommand) Run(call *program.Call) error {
	return withReadBooks(call, func(_ config, books *ledger.Ledger) error {
		all, err := books.Closings(call.Ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
		for i := range all {
			x := &all[i]
			fmt.Fprintf(w, "%s\tversion %d\tclosed %s by %s\t%d figures\t%s", x.Month, x.Version, x.At, x.By, x.Count, x.Note)
			if !x.Holds() {
				fmt.Fprintf(w, "\treopened %s by %s: %s", x.ReopenedAt, x.ReopenedBy, x.Reason)
			}
			fmt.Fprintln(w)
		}
		return w.Flush()
	})
}

type monthCloseCommand struct {
	whichMonth
	Note string `help:"What is to be known of it, such as what is missing."`
}

// Run implements `month close`.
func (m monthCloseCommand) Run(call *program.Call) error {
	month, err := m.read()
	if err != nil {
		return err
	}
	return withBooks(call, false, func(_ config, books *ledger.Ledger) error {
		closed, err := books.CloseMonth(call.Ctx, m.of("month close"), month, m.Note, indicators.Freeze)
		if err == nil {
			_, err = fmt.Fprintf(call.Stdout, "%s is closed, version %d: %d figures are frozen\n", month, closed.Version, closed.Count)
		}
		return err
	})
}

type monthReopenCommand struct {
	whichMonth
	Reason string `required:"" help:"Why; it is kept with the closing."`
}

// Run implements `month reopen`.
func (m monthReopenCommand) Run(call *program.Call) error {
	month, err := m.read()
	if err != nil {
		return err
	}
	return withBooks(call, false, func(_ config, books *ledger.Ledger) error {
		closed, ok, err := books.Closing(call.Ctx, month)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("reopen %s: %w", month, ledger.ErrMonthNotClosed)
		}
		if err := books.ReopenMonth(call.Ctx, m.of("month reopen"), month, closed.Version, m.Reason); err != nil {
			return err
		}
		_, err = fmt.Fprintf(call.Stdout, "%s is open again; version %d is kept\n", month, closed.Version)
		return err
	})
}
