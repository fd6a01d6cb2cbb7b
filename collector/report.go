package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
	"github.com/zerofax/zerofax/collector/internal/report"
)

type reportCommand struct {
	Month         string `placeholder:"2026-10" help:"Which month. Without it: the last one that is over."`
	Output        string `short:"o" placeholder:"FILE" help:"File to write, such as copil.xlsx; - is standard output."`
	Establishment string `placeholder:"ID" help:"Only of this establishment. Without it: of the structure as a whole."`
	Language      string `name:"lang" enum:"fr,en," default:"" help:"fr, en. Without it: the configuration's."`
}

// Run implements `report`.
func (x reportCommand) Run(call *program.Call) error {
	return withReadBooks(call, func(c config, books *ledger.Ledger) error {
		made, err := x.of(call, c, books)
		if err != nil {
			return err
		}
		var file bytes.Buffer
		if err := made.WriteXLSX(&file, report.In(orText(x.Language, c.Language), c.location, made.At)); err != nil {
			return err
		}
		return putFile(call.Stdout, x.Output, "an XLSX file", file.Bytes())
	})
}

// of makes the report that is asked for.
func (x reportCommand) of(call *program.Call, c config, books *ledger.Ledger) (report.Report, error) {
	asked, err := register.ReadMonth(x.Month)
	if err != nil {
		return report.Report{}, program.Usage(fmt.Errorf("--month: %w", err))
	}
	snapshot, err := books.Snapshot(call.Ctx)
	if err != nil {
		return report.Report{}, err
	}
	known, err := report.Find(call.Ctx, books, snapshot, c.location)
	if err != nil {
		return report.Report{}, err
	}
	month := known.Usual()
	if x.Month != "" {
		month = asked
	}
	if err := known.Check(month); err != nil {
		return report.Report{}, program.Usage(fmt.Errorf("--month: %w", err))
	}
	read, err := report.Read(call.Ctx, books, snapshot, month, x.Establishment, c.location)
	if err != nil {
		return report.Report{}, err
	}
	made, err := report.New(read, month, x.Establishment)
	if errors.Is(err, report.ErrNoEstablishment) {
		return made, program.Usage(fmt.Errorf("--establishment %s: %w; export structure shows which there are", x.Establishment, err))
	}
	return made, err
}

// putFile writes a file of a kind, such as "an XLSX file", to a path; - is standard output, as is none unless people look there.
func putFile(stdout io.Writer, path, kind string, file []byte) error {
	if path != "" && path != "-" {
		return replaceFile(path, file)
	}
	if f, ok := stdout.(*os.File); ok && path == "" && isatty.IsTerminal(f.Fd()) {
		return program.Usage(fmt.Errorf("%s on the terminal; want -o FILE", kind))
	}
	_, err := stdout.Write(file)
	return err
}
