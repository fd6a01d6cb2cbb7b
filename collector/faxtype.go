package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/faxtype"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

type faxtypeCommand struct {
	Wave     int64  `placeholder:"N" xor:"of" required:"" help:"All lines of this wave."`
	Service  string `placeholder:"ID" xor:"of" required:"" help:"All lines of this service."`
	Line     string `placeholder:"NUMBER" xor:"of" required:"" help:"Only this line."`
	Output   string `short:"o" placeholder:"FILE" help:"File to write, such as wave2.zip; - is standard output."`
	Language string `name:"lang" enum:"fr,en," default:"" help:"fr, en. Without it: the configuration's."`
}

// Run implements `faxtype`.
func (x faxtypeCommand) Run(call *program.Call) error {
	return withReadBooks(call, func(c config, books *ledger.Ledger) error {
		known, err := x.read(call, c, books)
		if err != nil {
			return err
		}
		order, err := x.order(call, books, known)
		if err != nil {
			return err
		}
		order.Language = orText(x.Language, c.Language)
		var file bytes.Buffer
		made, err := known.WriteZIP(&file, order)
		if errors.Is(err, faxtype.ErrNothing) {
			return program.Usage(fmt.Errorf("%s: %w", order.Folder, err))
		}
		if err != nil {
			return err
		}
		if err := putFile(call.Stdout, x.Output, "a ZIP file", file.Bytes()); err != nil {
			return err
		}
		_, err = fmt.Fprint(call.Stderr, summary(made))
		return err
	})
}

func (x faxtypeCommand) read(call *program.Call, c config, books *ledger.Ledger) (known faxtype.Books, err error) {
	snapshot, err := books.Snapshot(call.Ctx)
	if err != nil {
		return known, err
	}
	known = faxtype.Books{At: snapshot.At, Location: c.location, Register: &snapshot.Register, Lines: snapshot.Lines}
	if known.Mailboxes, err = books.Mailboxes(call.Ctx); err != nil {
		return known, err
	}
	known.Followups, err = books.Followups(call.Ctx)
	return known, err
}

// order is what the flags ask for.
func (x faxtypeCommand) order(call *program.Call, books *ledger.Ledger, known faxtype.Books) (faxtype.Order, error) {
	if x.Wave != 0 {
		waves, err := books.Waves(call.Ctx)
		if err != nil {
			return faxtype.Order{}, err
		}
		if order, ok := faxtype.OfWave(waves, x.Wave); ok {
			return order, nil
		}
		return faxtype.Order{}, program.Usage(fmt.Errorf("--wave %d: there is no such wave; /waves shows which there are", x.Wave))
	}
	if x.Service != "" {
		if _, ok := known.Register.Services[x.Service]; !ok {
			return faxtype.Order{}, program.Usage(fmt.Errorf("--service %s: no such service; export structure shows which there are", x.Service))
		}
		return faxtype.Order{Folder: x.Service, Services: []string{x.Service}}, nil
	}
	is := func(l ledger.Line) bool { return l.ID == x.Line }
	if !slices.ContainsFunc(known.Lines, is) {
		return faxtype.Order{}, program.Usage(fmt.Errorf("--line %s: no such line; export lines shows which there are", x.Line))
	}
	return faxtype.Order{Folder: "fax-type", Lines: []string{x.Line}}, nil
}

// summary is what was made and what is to be filled in by hand.
func summary(made faxtype.Bundle) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d lines, %d services, %d files\n", made.Lines, made.Services, made.Files)
	for _, g := range made.Gaps {
		fmt.Fprintf(&out, "%s: not declared, so dotted lines: %s\n", g.Of, strings.Join(g.Missing, ", "))
	}
	return out.String()
}
