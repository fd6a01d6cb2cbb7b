package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

type importVolumesCommand struct {
	tableFile
	Profile string `placeholder:"NAME" xor:"reading" help:"Read the columns as in the profile of that name. Without it: by the profile made for such headers, if there is one."`
	Columns string `placeholder:"LIST" xor:"reading" help:"Which columns of the table are which: \"address=BAL,sent=Nb envoyés\"."`
	Save    string `placeholder:"NAME" help:"Keep --columns as a profile, for the next table with the same headers."`
	Month   string `placeholder:"MONTH" help:"Of all rows, where the table has no column of months: 2026-10."`
}

// Run implements `import mssante-volumes`.
func (i importVolumesCommand) Run(call *program.Call) error {
	if i.Save != "" && i.Columns == "" {
		return program.Usage(errors.New("--save keeps --columns; want both"))
	}
	read := func(books *ledger.Ledger) (*register.Table, error) { return i.table(call, books) }
	return i.takeMSSante(call, read, false, func(books *ledger.Ledger, table *register.Table, o register.Options, done *register.Plan) error {
		change := func(r ledger.Register, mailboxes []ledger.Mailbox, before ledger.Correspondence) (ledger.Correspondence, error) {
			o.Now = clock()
			plan, err := register.PlanVolumes(r, mailboxes, before, table, o)
			*done = plan.Plan
			return plan.Messages, err
		}
		if !i.DryRun {
			return books.DeclareCorrespondence(call.Ctx, i.of(table.File), change, table.Months()...)
		}
		return i.try(call, books, table.Months(), change)
	})
}

func (i importVolumesCommand) try(call *program.Call, books *ledger.Ledger, months []ledger.Month, change func(ledger.Register, []ledger.Mailbox, ledger.Correspondence) (ledger.Correspondence, error)) error {
	r, err := books.Register(call.Ctx)
	if err != nil {
		return err
	}
	mailboxes, err := books.Mailboxes(call.Ctx)
	if err != nil {
		return err
	}
	before, err := books.Correspondence(call.Ctx, months...)
	if err == nil {
		_, err = change(r, mailboxes, before)
	}
	return err
}

// table reads the file by what was asked for, or else by the profile made for its headers.
func (i importVolumesCommand) table(call *program.Call, books *ledger.Ledger) (*register.Table, error) {
	data, err := readAtMost(i.File, register.MaxTable+1) // one byte more is a fault that says so
	if err != nil {
		return nil, err
	}
	glance, err := register.Look(i.File, data, i.Sheet)
	if err != nil {
		return nil, usageFault(err)
	}
	columns, err := i.columns(call, books, glance.Headers)
	if err != nil {
		return nil, err
	}
	table, err := register.ReadAs(i.File, data, i.Sheet, register.Volumes, columns, i.Month)
	if err != nil {
		return nil, usageFault(err)
	}
	if i.Save == "" || i.DryRun {
		return table, nil
	}
	return table, books.SaveMSSanteProfile(call.Ctx, i.of(filepath.Base(i.File)), ledger.MSSanteProfile{Name: i.Save, Columns: columns, Headers: glance.Headers})
}

// readAtMost is the beginning of a file.
func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit))
	return data, errors.Join(err, f.Close())
}

func (i importVolumesCommand) columns(call *program.Call, books *ledger.Ledger, headers []string) (register.Mapping, error) {
	if i.Columns != "" {
		columns, err := register.Volumes.ReadMapping(i.Columns)
		if err != nil {
			return nil, program.Usage(fmt.Errorf("--columns %w", err))
		}
		return columns, nil
	}
	profiles, err := books.MSSanteProfiles(call.Ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range profiles {
		if p.Name == i.Profile || i.Profile == "" && p.Fits(headers) {
			fmt.Fprintf(call.Stdout, "read as in the profile %q\n", p.Name)
			return p.Columns, nil
		}
		names = append(names, p.Name)
	}
	if i.Profile != "" {
		return nil, program.Usage(fmt.Errorf("there is no profile %q; known are: %s", i.Profile, orText(strings.Join(names, ", "), "none")))
	}
	return nil, nil
}

type importExtractionCommand struct {
	File string `arg:"" help:"Extraction_Correspondance_MSSante, as ZIP or TXT file."`
	publicFile
}

// Run implements `import mssante-extraction`.
func (i importExtractionCommand) Run(call *program.Call) error {
	return tableFile{DryRun: i.DryRun}.withBooks(call, func(c config, books *ledger.Ledger) error {
		wanted, err := i.wanted(call, books)
		if err != nil {
			return err
		}
		file, err := register.OpenExtraction(i.File)
		if err != nil {
			return usageFault(err)
		}
		day, how, err := i.day(&c, file.PublicFile)
		if err != nil {
			return errors.Join(err, file.Close())
		}
		read, err := file.Ours(wanted)
		if err = errors.Join(err, file.Close()); err != nil {
			return usageFault(err)
		}
		e := ledger.Extraction{Name: file.Name, Day: day, Rows: read.Rows}
		var news ledger.ExtractionNews
		if i.DryRun {
			news, err = books.CompareExtraction(call.Ctx, e, read.Ours)
		} else {
			news, err = books.DeclareExtraction(call.Ctx, i.of(filepath.Base(i.File)), e, read.Ours)
		}
		if err != nil {
			return err
		}
		for _, note := range read.Notes {
			fmt.Fprintln(call.Stderr, "warning:", note)
		}
		i.tell(call.Stdout, news, how)
		if i.DryRun || !c.Directory {
			return nil
		}
		return i.takePublished(call, books, ledger.PublicFile{Name: e.Name, Day: e.Day})
	})
}

// wanted says which addresses are ours.
func (i importExtractionCommand) wanted(call *program.Call, books *ledger.Ledger) (w register.Wanted, err error) {
	r, err := books.Register(call.Ctx)
	if err != nil {
		return w, err
	}
	mailboxes, err := books.Mailboxes(call.Ctx)
	if err != nil {
		return w, err
	}
	listing, err := books.Listing(call.Ctx)
	if err != nil {
		return w, err
	}
	if w = register.WhichAreOurs(r, mailboxes, listing.Listed); w.Nothing() {
		return w, program.Usage(errors.New("nothing says which addresses are yours; want the FINESS number of an establishment (import structure) or addresses (import mssante-addresses) first"))
	}
	return w, nil
}

// takePublished takes over the addresses of others, too, so that people find them.
func (i importExtractionCommand) takePublished(call *program.Call, books *ledger.Ledger, f ledger.PublicFile) error {
	news, err := books.TakePublished(call.Ctx, i.of(filepath.Base(i.File)), f, func(keep func(ledger.Published) error) (int64, error) {
		file, err := register.OpenExtraction(i.File)
		if err != nil {
			return 0, err
		}
		rows, err := file.Published(keep)
		return rows, errors.Join(err, file.Close())
	})
	if err == nil {
		fmt.Fprint(call.Stdout, "directory of all: ")
		tellPublic(call.Stdout, news)
	}
	return err
}

// tell says what became of our addresses.
func (i importExtractionCommand) tell(out io.Writer, news ledger.ExtractionNews, how string) {
	fmt.Fprintf(out, "%s of %s (%s): %d lines, %d addresses of yours\n", news.Name, news.Day, how, news.Rows, news.Ours)
	counts := make(map[ledger.Move]int)
	for _, m := range news.Moves {
		counts[m.Move]++
		fmt.Fprintf(out, "%s  %s  %s\n", m.Move, m.Address, strings.Join(slices.DeleteFunc([]string{m.Before, m.After}, func(s string) bool { return s == "" }), " → "))
	}
	if news.Latest.Day != "" {
		fmt.Fprintf(out, "since %s: %d appeared, %d vanished, %d changed\n", news.Latest.Day, counts[ledger.Appeared], counts[ledger.Vanished], counts[ledger.Changed])
	}
	switch news.Doubt {
	case ledger.StaleExtraction:
		fmt.Fprintln(out, "the file is more than 15 days old: no address is taken for lost because it isn't in it")
	case ledger.ShortExtraction:
		fmt.Fprintln(out, "the file is much shorter than the one before: no address is taken for lost because it isn't in it")
	case ledger.GoneExtraction:
		fmt.Fprintln(out, "all addresses of a domain of yours are missing at once: none is taken for lost until the file of another day says so, too")
	}
	if i.DryRun {
		fmt.Fprintln(out, "dry run: nothing was changed")
	}
}
