package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

type importCommand struct {
	Lines     importLinesCommand     `cmd:"" help:"Fax lines: number, machine, service, cut-off."`
	Structure importStructureCommand `cmd:"" help:"Establishments, sites, poles, services and functional units (UF)."`
	Devices   importDevicesCommand   `cmd:"" help:"Where machines stand."`
	GLPI      importGLPICommand      `cmd:"" name:"glpi" help:"Names, places and inventory numbers of machines, of GLPI's list of printers."`
	Agents    importAgentsCommand    `cmd:"" help:"What agents poll, and how often."`
	Copper    importCopperCommand    `cmd:"" help:"When copper closes, commune by commune."`
	FINESS    importFINESSCommand    `cmd:"" name:"finess" help:"Names of correspondents: which structure has which fax number, of the national file FINESS."`
	PS        importPSCommand        `cmd:"" name:"ps" help:"Names of correspondents: which professional has which fax number, of the national file PS_LibreAcces."`
	Targets   importTargetsCommand   `cmd:"" help:"What the indicators are to come to, for the structure, an establishment or a pole, from a month on."`
	Journal   importJournalCommand   `cmd:"" help:"Journals of fax servers and telephone exchanges: who faxed whom, and when. Read as often as you like: each fax counts once."`

	MSSanteAddresses importAddressesCommand `cmd:"" name:"mssante-addresses" help:"MSSanté addresses: whose they are, and whether they are published and used."`
	MSSanteVolumes   importVolumesCommand   `cmd:"" name:"mssante-volumes" help:"MSSanté messages by month: of mailboxes, domains or services."`

	MSSanteExtraction importExtractionCommand `cmd:"" name:"mssante-extraction" help:"What the national directory publishes: your MSSanté addresses, and those of others to be found on the page /send."`
}

// tableFile is a table that people wrote, and how to take it.
type tableFile struct {
	File   string `arg:"" help:"CSV or XLSX file."`
	Sheet  string `placeholder:"NAME" help:"Sheet of an XLSX file. Without it: the first."`
	DryRun bool   `help:"Say what would change, and change nothing."`
	author
}

// dated is a table whose changes have a beginning.
type dated struct {
	tableFile
	Since string `placeholder:"DATE" help:"Since when the table is true: 2026-10-31, 31/10/2026 or always. Without it: since now. First values always hold for the past too."`
}

// planner says what a table changes.
type planner func(ledger.Register, *register.Table, register.Options) (register.Plan, error)

// take changes the register by a table, or says what would change. tell prints what else there is
// to say before the diff; it may be nil.
func (d dated) take(call *program.Call, schema *register.Schema, replace bool, plan planner, tell func()) error {
	table, err := d.read(schema)
	if err != nil {
		return err
	}
	return d.withBooks(call, func(c config, books *ledger.Ledger) error {
		o, err := d.options(call, &c, books)
		if err != nil {
			return err
		}
		o.Replace = replace
		var done register.Plan
		err = d.declare(call, books, func(r ledger.Register) (ledger.Register, error) {
			var err error
			o.Now = clock() // others may have written while this waited
			done, err = plan(r, table, o)
			if err == nil && done.Nothing {
				err = errNothing
			}
			return done.Register, err
		})
		if err != nil && !errors.Is(err, errNothing) {
			return usageFault(err)
		}
		if tell != nil {
			tell()
		}
		done.Warnings = append(table.Notes, done.Warnings...)
		return d.report(call, done)
	})
}

// errNothing ends a declaration that changes nothing, so that nothing is written.
var errNothing = errors.New("nothing changes")

// declare lets change alter the register, or a copy of it in a dry run.
func (f tableFile) declare(call *program.Call, books *ledger.Ledger, change func(ledger.Register) (ledger.Register, error)) error {
	if !f.DryRun {
		return books.Declare(call.Ctx, f.of(filepath.Base(f.File)), change)
	}
	r, err := books.Register(call.Ctx)
	if err == nil {
		_, err = change(r)
	}
	return err
}

// withBooks makes the books where there are none. A dry run compares with empty ones instead, and leaves nothing.
func (f tableFile) withBooks(call *program.Call, do func(config, *ledger.Ledger) error) error {
	if !f.DryRun {
		return withBooks(call, true, do)
	}
	err := withReadBooks(call, do)
	if errors.Is(err, errNoLedger) {
		fmt.Fprintln(call.Stderr, "warning:", err)
		return withEmptyBooks(call, do)
	}
	return err
}

func (f tableFile) read(schema *register.Schema) (*register.Table, error) {
	table, err := register.Read(f.File, f.Sheet, schema)
	return table, usageFault(err)
}

// usageFault makes the faults of a file those of what was asked for.
func usageFault(err error) error {
	if faults := register.Faults(nil); errors.As(err, &faults) {
		return program.Usage(fmt.Errorf("%w\nnothing was changed", faults))
	}
	return err
}

func (d dated) options(call *program.Call, c *config, books *ledger.Ledger) (o register.Options, err error) {
	o = register.Options{Now: clock(), Zone: c.location, Dialling: c.Numbers.dialling()}
	if o.Since, err = register.ReadSince(d.Since, o.Now, c.location); err != nil {
		return o, program.Usage(fmt.Errorf("--since %w", err))
	}
	o.Devices, err = books.Devices(call.Ctx)
	return o, err
}

// mostWarnings is how many are printed; a table with a wrong column has as many as rows.
const mostWarnings = 50

func (f tableFile) report(call *program.Call, done register.Plan) error {
	for i, warning := range done.Warnings {
		if i == mostWarnings {
			fmt.Fprintf(call.Stderr, "warning: … and %d more\n", len(done.Warnings)-i)
			break
		}
		fmt.Fprintln(call.Stderr, "warning:", warning)
	}
	if err := done.Diff.Print(call.Stdout); err != nil {
		return err
	}
	switch {
	case done.Nothing:
		fmt.Fprintln(call.Stdout, "nothing changes")
	case f.DryRun:
		fmt.Fprintln(call.Stdout, "dry run: nothing was changed")
	}
	return nil
}

type importLinesCommand struct {
	dated
	Replace bool `help:"Remove the lines that the table doesn't name."`
}

// Run implements `import lines`.
func (i importLinesCommand) Run(call *program.Call) error {
	return i.take(call, register.Lines, i.Replace, register.PlanLines, nil)
}

type importStructureCommand struct{ dated }

// Run implements `import structure`.
func (i importStructureCommand) Run(call *program.Call) error {
	return i.take(call, register.Structure, false, register.PlanStructure, nil)
}

type importDevicesCommand struct {
	dated
	Replace bool `help:"Forget the places of the machines that the table doesn't name."`
}

// Run implements `import devices`.
func (i importDevicesCommand) Run(call *program.Call) error {
	return i.take(call, register.Devices, i.Replace, register.PlanDevices, nil)
}

type importGLPICommand struct{ dated }

// Run implements `import glpi`.
func (i importGLPICommand) Run(call *program.Call) error {
	var found register.Inventory
	plan := func(r ledger.Register, t *register.Table, o register.Options) (plan register.Plan, err error) {
		plan, found, err = register.PlanGLPI(r, t, o)
		return plan, err
	}
	return i.take(call, register.GLPI, false, plan, func() {
		fmt.Fprintf(call.Stdout, "%d machines found in GLPI's list\n", found.Matched)
		for _, p := range found.Unknown {
			fmt.Fprintf(call.Stdout, "never seen by zerofax: %s, serial number %s (row %d)\n", orText(p.Name, "no name"), orText(p.Serial, "none"), p.Row)
		}
		for _, d := range found.Missing {
			fmt.Fprintf(call.Stdout, "can fax, but isn't in GLPI's list: %s, serial number %s, %s\n", d.ID, orText(d.Serial, "unknown"), d.Address)
		}
	})
}

type importTargetsCommand struct {
	tableFile
	Replace bool `help:"Remove the targets that the table doesn't name."`
}

// Run implements `import targets`.
func (i importTargetsCommand) Run(call *program.Call) error {
	return dated{tableFile: i.tableFile}.take(call, register.Targets, i.Replace, register.PlanTargets, nil)
}

type importAddressesCommand struct {
	tableFile
	Replace bool `help:"The addresses that the table doesn't name are no more."`
}

// Run implements `import mssante-addresses`.
func (i importAddressesCommand) Run(call *program.Call) error {
	read := func(*ledger.Ledger) (*register.Table, error) { return i.read(register.Mailboxes) }
	return i.takeMSSante(call, read, i.Replace, func(books *ledger.Ledger, table *register.Table, o register.Options, done *register.Plan) error {
		change := func(r ledger.Register, before []ledger.Mailbox) ([]ledger.Mailbox, error) {
			o.Now = clock() // others may have written while this waited
			plan, err := register.PlanMailboxes(r, before, table, o)
			*done = plan.Plan
			return plan.Mailboxes, err
		}
		if !i.DryRun {
			return books.DeclareMailboxes(call.Ctx, i.of(table.File), change)
		}
		return tryChange(call.Ctx, books, books.Mailboxes, change)
	})
}

// takeMSSante changes what is declared of MSSanté, which stands beside the register, or says what would change.
func (f tableFile) takeMSSante(call *program.Call, read func(*ledger.Ledger) (*register.Table, error), replace bool, declare func(*ledger.Ledger, *register.Table, register.Options, *register.Plan) error) error {
	return f.withBooks(call, func(c config, books *ledger.Ledger) error {
		table, err := read(books)
		if err != nil {
			return err
		}
		var done register.Plan
		if err := declare(books, table, register.Options{Now: clock(), Zone: c.location, Replace: replace}, &done); err != nil {
			return usageFault(err)
		}
		done.Warnings = append(table.Notes, done.Warnings...)
		return f.report(call, done)
	})
}

// tryChange lets a dry run make its plan of what is declared.
func tryChange[T any](ctx context.Context, books *ledger.Ledger, read func(context.Context) ([]T, error), change func(ledger.Register, []T) ([]T, error)) error {
	r, err := books.Register(ctx)
	if err != nil {
		return err
	}
	before, err := read(ctx)
	if err == nil {
		_, err = change(r, before)
	}
	return err
}

type importCopperCommand struct {
	tableFile
	Day string `placeholder:"DATE" help:"Day of the file, 2026-10-31 or 31/10/2026. Without it: the day in its name, else the one on which it was last written."`
}

// Run implements `import copper`.
func (i importCopperCommand) Run(call *program.Call) error {
	table, err := i.read(register.Copper)
	if err != nil {
		return err
	}
	communes, err := register.ReadCopper(table)
	if err != nil {
		return usageFault(err)
	}
	return i.withBooks(call, func(c config, books *ledger.Ledger) error {
		day, how, err := i.day(&c)
		if err != nil {
			return err
		}
		file := ledger.CopperFile{Name: filepath.Base(i.File), Day: day}
		var news ledger.CopperNews
		if i.DryRun {
			news, err = books.CompareCopper(call.Ctx, file, communes)
		} else {
			news, err = books.DeclareCopper(call.Ctx, i.of(file.Name), file, communes)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(call.Stdout, "%s of %s (%s): %d communes\n", file.Name, day, how, news.Communes)
		i.tell(call, news)
		return nil
	})
}

func (i importCopperCommand) day(c *config) (day ledger.Day, how string, err error) {
	if i.Day == "" {
		return register.FileDay(i.File, c.location)
	}
	if day, err = register.ReadDay(i.Day); err != nil {
		err = program.Usage(fmt.Errorf("--day %w", err))
	}
	return day, "as you said", err
}

// tell says what became of the communes, one by one where there are sites.
func (i importCopperCommand) tell(call *program.Call, news ledger.CopperNews) {
	fresh, ours := 0, 0
	for _, m := range news.Moves {
		if m.Before.Commune == "" {
			fresh++
		}
		if len(m.Sites) == 0 {
			continue
		}
		ours++
		fmt.Fprintf(call.Stdout, "%s (%s), where %s: commercial %s; technical %s\n", m.After.Name, m.After.Commune, stand(len(m.Sites)),
			moved(m.Before.Commercial, m.After.Commercial), moved(m.Before.Technical, m.After.Technical))
	}
	fmt.Fprintf(call.Stdout, "%d communes new, %d changed, %d not in this file; sites stand in %d that are new or changed\n", fresh, len(news.Moves)-fresh, news.Absent, ours)
	switch {
	case len(news.Moves) == 0:
		fmt.Fprintln(call.Stdout, "no date changes")
	case i.DryRun:
		fmt.Fprintln(call.Stdout, "dry run: nothing was changed")
	}
}

func stand(sites int) string {
	if sites == 1 {
		return "1 site stands"
	}
	return fmt.Sprintf("%d sites stand", sites)
}

// moved says how far a day was moved.
func moved(before, after ledger.Day) string {
	switch days := before.Until(after); {
	case before == after:
		return orText(string(after), "none")
	case before == "":
		return string(after)
	case after == "":
		return fmt.Sprintf("%s → none", before)
	default:
		return fmt.Sprintf("%s → %s (%+d days)", before, after, days)
	}
}
