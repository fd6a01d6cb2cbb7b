package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/mattn/go-isatty"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

type exportCommand struct {
	Lines     exportLinesCommand     `cmd:"" help:"Fax lines, as import lines takes them."`
	Structure exportStructureCommand `cmd:"" help:"Establishments, sites, poles, services and functional units, as import structure takes them."`
	Devices   exportDevicesCommand   `cmd:"" help:"Where machines stand, as import devices takes them."`
	Targets   exportTargetsCommand   `cmd:"" help:"What the indicators are to come to, as import targets takes them."`
	Agents    exportAgentsCommand    `cmd:"" help:"What agents poll, as import agents takes it."`
	Sheets    exportSheetsCommand    `cmd:"" help:"How services stood, a row for each day on which somebody said so."`
	Followups exportFollowupsCommand `cmd:"" help:"Directory, procedures, trainings, communication, partners, incidents and visits. Contacts of partners are masked."`
	Audit     exportAuditCommand     `cmd:"" help:"Who changed what, when and from what, oldest first."`

	MSSanteAddresses exportAddressesCommand `cmd:"" name:"mssante-addresses" help:"MSSanté addresses, as import mssante-addresses takes them."`
	MSSanteVolumes   exportVolumesCommand   `cmd:"" name:"mssante-volumes" help:"MSSanté messages by month and service, as import mssante-volumes takes them."`
}

// tableOut is how a table is written.
type tableOut struct {
	Format   string `enum:"csv,xlsx" default:"csv" help:"csv (; between cells, for French Excel) or xlsx."`
	Output   string `short:"o" placeholder:"FILE" help:"File to write. Without it: standard output."`
	Language string `enum:"fr,en," default:"" help:"Of headers and days: fr, en. Without it: the configuration's."`
}

// declared writes a table of what is declared.
func (o tableOut) declared(call *program.Call, schema *register.Schema, rows func(config, ledger.Register) [][]string) error {
	return o.write(call, schema, func(c config, books *ledger.Ledger) ([][]string, error) {
		r, err := books.Register(call.Ctx)
		return rows(c, r), err
	})
}

func (o tableOut) write(call *program.Call, schema *register.Schema, read func(config, *ledger.Ledger) ([][]string, error)) error {
	return withReadBooks(call, func(c config, books *ledger.Ledger) error {
		rows, err := read(c, books)
		if err != nil {
			return err
		}
		write := schema.WriteCSV
		if o.Format == "xlsx" {
			write = schema.WriteXLSX
		}
		var table bytes.Buffer
		if err := write(&table, orText(o.Language, c.Language), rows); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
		return o.put(call.Stdout, table.Bytes())
	})
}

func (o tableOut) put(stdout io.Writer, data []byte) error {
	if o.Output != "" {
		return replaceFile(o.Output, data)
	}
	if f, ok := stdout.(*os.File); ok && o.Format == "xlsx" && isatty.IsTerminal(f.Fd()) {
		return program.Usage(errors.New("an XLSX file on the terminal; want -o FILE"))
	}
	_, err := stdout.Write(data)
	return err
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".zerofax-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

type exportLinesCommand struct{ tableOut }

// Run implements `export lines`.
func (e exportLinesCommand) Run(call *program.Call) error {
	return e.declared(call, register.Lines, func(_ config, r ledger.Register) [][]string { return register.ExportLines(r) })
}

type exportStructureCommand struct{ tableOut }

// Run implements `export structure`.
func (e exportStructureCommand) Run(call *program.Call) error {
	return e.declared(call, register.Structure, func(c config, r ledger.Register) [][]string { return register.ExportStructure(r, c.location) })
}

type exportDevicesCommand struct{ tableOut }

// Run implements `export devices`.
func (e exportDevicesCommand) Run(call *program.Call) error {
	return e.declared(call, register.Devices, func(_ config, r ledger.Register) [][]string { return register.ExportDevices(r) })
}

type exportTargetsCommand struct{ tableOut }

// Run implements `export targets`.
func (e exportTargetsCommand) Run(call *program.Call) error {
	return e.declared(call, register.Targets, func(_ config, r ledger.Register) [][]string { return register.ExportTargets(r) })
}

type exportAddressesCommand struct{ tableOut }

// Run implements `export mssante-addresses`.
func (e exportAddressesCommand) Run(call *program.Call) error {
	return e.write(call, register.Mailboxes, func(_ config, books *ledger.Ledger) ([][]string, error) {
		r, err := books.Register(call.Ctx)
		if err != nil {
			return nil, err
		}
		all, err := books.Mailboxes(call.Ctx)
		return register.ExportMailboxes(r, all), err
	})
}

type exportVolumesCommand struct {
	tableOut
	Template bool `help:"A table to fill in instead: the mailboxes that are declared, for the month that is over."`
}

// Run implements `export mssante-volumes`.
func (e exportVolumesCommand) Run(call *program.Call) error {
	return e.write(call, register.Volumes, func(c config, books *ledger.Ledger) ([][]string, error) {
		r, err := books.Register(call.Ctx)
		if err != nil {
			return nil, err
		}
		if e.Template {
			mailboxes, err := books.Mailboxes(call.Ctx)
			last := ledger.MonthOf(wire.TimeOf(clock()), c.location).Add(-1)
			return register.VolumesTemplate(r, mailboxes, last), err
		}
		all, err := books.Correspondence(call.Ctx)
		return register.ExportVolumes(r, all), err
	})
}

type exportAuditCommand struct{ tableOut }

// Run implements `export audit`.
func (e exportAuditCommand) Run(call *program.Call) error {
	return e.write(call, register.Audit, func(c config, books *ledger.Ledger) ([][]string, error) {
		log, err := books.Audit(call.Ctx, math.MaxInt)
		return register.ExportAudit(log, c.location), err
	})
}

type exportSheetsCommand struct{ tableOut }

// Run implements `export sheets`.
func (e exportSheetsCommand) Run(call *program.Call) error {
	return exportBeside(call, e.tableOut, register.Sheets, (*ledger.Ledger).AllSheets, register.ExportSheets)
}

type exportFollowupsCommand struct{ tableOut }

// Run implements `export followups`.
func (e exportFollowupsCommand) Run(call *program.Call) error {
	return exportBeside(call, e.tableOut, register.Followups, (*ledger.Ledger).Followups, register.ExportFollowups)
}

// exportBeside writes a table of what stands beside the register.
func exportBeside[T any](call *program.Call, o tableOut, schema *register.Schema, read func(*ledger.Ledger, context.Context) ([]T, error), rows func(ledger.Register, []T) [][]string) error {
	return o.write(call, schema, func(_ config, books *ledger.Ledger) ([][]string, error) {
		r, err := books.Register(call.Ctx)
		if err != nil {
			return nil, err
		}
		all, err := read(books, call.Ctx)
		return rows(r, all), err
	})
}
