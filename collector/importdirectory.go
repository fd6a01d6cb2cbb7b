package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// publicFile is a file that a national directory publishes, and how to take it.
type publicFile struct {
	Day    string `placeholder:"DATE" help:"Day of the file, 2026-10-31 or 31/10/2026. Without it: the day in its name, else the one on which it was last written."`
	DryRun bool   `help:"Read the file and say what it holds, and change nothing."`
	author
}

// day is the day of a file, and how it is known.
func (p publicFile) day(c *config, file *register.PublicFile) (day ledger.Day, how string, err error) {
	if p.Day == "" {
		return file.Day(c.location)
	}
	if day, err = register.ReadDay(p.Day); err != nil {
		err = program.Usage(fmt.Errorf("--day %w", err))
	}
	return day, "as you said", err
}

type importFINESSCommand struct {
	File string `arg:"" help:"etalab-cs1100502-stock-….csv, the national file of structures."`
	publicFile
}

// Run implements `import finess`.
func (i importFINESSCommand) Run(call *program.Call) error {
	return i.take(call, ledger.FINESS, i.File, register.OpenFINESS)
}

type importPSCommand struct {
	File string `arg:"" help:"PS_LibreAcces, the national file of professionals: the ZIP file, or its text PS_LibreAcces_Personne_activite_….txt."`
	publicFile
}

// Run implements `import ps`.
func (i importPSCommand) Run(call *program.Call) error {
	return i.take(call, ledger.PS, i.File, register.OpenPS)
}

// take reads a file twice: once to know that all of it can be read, then to take it over.
func (p publicFile) take(call *program.Call, source ledger.Public, path string, open func(string) (*register.HoldersFile, error)) error {
	return tableFile{DryRun: p.DryRun}.withBooks(call, func(c config, books *ledger.Ledger) error {
		f := ledger.PublicFile{Source: source}
		var how string
		each := func(keep func(ledger.Holder) error) (read register.HoldersRead, err error) {
			file, err := open(path)
			if err != nil {
				return read, err
			}
			if f.Name = file.Name; f.Day == "" {
				f.Day, how, err = p.day(&c, file.PublicFile)
			}
			if err == nil {
				read, err = file.Each(keep)
			}
			return read, errors.Join(err, file.Close())
		}
		read, err := each(func(ledger.Holder) error { return call.Ctx.Err() })
		if err != nil {
			return usageFault(err)
		}
		for _, note := range read.Notes {
			fmt.Fprintln(call.Stderr, "warning:", note)
		}
		fmt.Fprintf(call.Stdout, "%s of %s (%s): %d lines, %d of them with a fax number", f.Name, f.Day, how, read.Rows, read.Holders)
		if read.Unreadable > 0 {
			fmt.Fprintf(call.Stdout, "; %d have something else in its place", read.Unreadable)
		}
		fmt.Fprintln(call.Stdout)
		if p.DryRun {
			_, err := fmt.Fprintln(call.Stdout, "dry run: nothing was changed")
			return err
		}
		news, err := books.TakeHolders(call.Ctx, p.of(filepath.Base(path)), f, func(keep func(ledger.Holder) error) (int64, error) {
			read, err := each(keep)
			return read.Rows, err
		})
		if err == nil {
			tellPublic(call.Stdout, news)
		}
		return err
	})
}

// tellPublic says what a file of a national directory changed.
func tellPublic(out io.Writer, news ledger.PublicNews) {
	fmt.Fprintf(out, "%d stand in the books: %d new, %d gone, since %s\n", news.Kept, news.Added, news.Removed, cmp.Or(string(news.Latest.Day), "none before"))
	if news.Doubt == ledger.ShortExtraction {
		fmt.Fprintf(out, "the file is much shorter than that of %s: what it doesn't name stays\n", news.Latest.Day)
	}
}
