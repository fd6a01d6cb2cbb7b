package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/journals"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

type importJournalCommand struct {
	Files   []string `arg:"" optional:"" name:"file" help:"Journals, each an import of its own."`
	Profile string   `placeholder:"NAME" help:"How they are read: hylafax, asterisk, cucm, oxe, the name of a saved profile, or a file, such as sagem.yml."`
	Journal string   `placeholder:"NAME" help:"What the journal is called: small letters, digits and dashes. Without it: as the profile. The same journal has the same name each time."`
	Site    string   `placeholder:"ID" help:"Site whose extensions stand in it. Without it: extensions are looked for at all sites."`
	Line    []string `placeholder:"NUMBER" help:"The journal's own number where it doesn't tell it. Where it has several, once for each: ttyS0=0241354000."`
	DryRun  bool     `help:"Say what is in it, and book nothing."`
	List    bool     `xor:"what" help:"List what was imported, and what agents follow."`
	Undo    int64    `xor:"what" placeholder:"ID" help:"Take back what an import brought. What another one brought, too, stays."`
	Save    bool     `help:"Keep the profile of a file under its name, for everybody, also on the pages."`
	author
}

// Run implements `import journal`.
func (i importJournalCommand) Run(call *program.Call) error {
	switch {
	case i.List && len(i.Files) == 0:
		return withReadBooks(call, func(c config, books *ledger.Ledger) error { return c.listImports(call, books) })
	case i.Undo != 0 && i.DryRun:
		return program.Usage(errors.New("--undo takes back what is in the books: --dry-run has nothing to try"))
	case i.Undo != 0 && len(i.Files) == 0:
		return i.undo(call)
	case i.List || i.Undo != 0:
		return program.Usage(errors.New("--list and --undo want no files"))
	case len(i.Files) == 0 || i.Profile == "":
		return program.Usage(errors.New("want --profile NAME and the files that are to be read by it, or --list, or --undo ID"))
	}
	return tableFile{DryRun: i.DryRun}.withBooks(call, func(c config, books *ledger.Ledger) error {
		way, err := i.way(call, &c, books)
		if err != nil {
			return err
		}
		for _, file := range i.Files {
			if err := i.file(call, &c, books, way, file); err != nil {
				return err
			}
		}
		return nil
	})
}

// undo takes back what an import brought.
func (i importJournalCommand) undo(call *program.Call) error {
	return withBooks(call, false, func(c config, books *ledger.Ledger) error {
		undone, err := books.UndoImport(call.Ctx, i.of("import journal"), i.Undo)
		if errors.Is(err, ledger.ErrNoImport) {
			return program.Usage(fmt.Errorf("there is no import %d; --list says which there are", i.Undo))
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(call.Stdout, "import %d of %s, %s, is undone\n", undone.ID, c.local(undone.StartedAt), undone.Source)
		return err
	})
}

// way is how the files are read.
func (i importJournalCommand) way(call *program.Call, c *config, books *ledger.Ledger) (w journals.Way, err error) {
	saved, err := books.JournalProfiles(call.Ctx)
	if err != nil {
		return w, err
	}
	if w.Profile, err = i.profile(saved); err != nil {
		return w, program.Usage(err)
	}
	if i.Save && !i.DryRun && w.Profile.Text != "" {
		if err := books.SaveJournalProfile(call.Ctx, i.of(filepath.Base(i.Profile)), ledger.JournalProfile{Name: w.Profile.Name, Text: w.Profile.Text}); err != nil {
			return w, err
		}
	}
	r, err := books.Register(call.Ctx)
	if err != nil {
		return w, err
	}
	w.Journal, w.Site, w.Lines, w.Zone, w.Ours = i.Journal, i.Site, i.Line, c.location, journals.OurNumbers(&r, c.Numbers.dialling())
	if w.Journal == "" {
		w.Journal = w.Profile.Name
	}
	if _, known := r.Sites[i.Site]; i.Site != "" && !known {
		return w, program.Usage(fmt.Errorf("--site %q: there is no such site", i.Site))
	}
	if err := w.Check(); err != nil {
		return w, program.Usage(err)
	}
	return w, nil
}

// profile is the one of a file, or the one of a name.
func (i importJournalCommand) profile(saved []ledger.JournalProfile) (journals.Profile, error) {
	if ext := strings.ToLower(filepath.Ext(i.Profile)); ext != ".yml" && ext != ".yaml" {
		return journals.Find(i.Profile, saved)
	}
	text, err := os.ReadFile(i.Profile)
	if err != nil {
		return journals.Profile{}, err
	}
	return journals.ReadProfile(i.Profile, text)
}

// file reads one.
func (i importJournalCommand) file(call *program.Call, c *config, books *ledger.Ledger, way journals.Way, path string) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer closing(&err, file.Close)
	info, err := file.Stat()
	if err != nil {
		return err
	}
	shown := &readingShown{from: file, size: info.Size(), name: filepath.Base(path), out: call.Stderr, live: isTerminal(call.Stderr), last: time.Now()}
	rows, err := way.Rows(shown)
	if err != nil {
		return program.Usage(fmt.Errorf("%s: %w", path, err))
	}
	if i.DryRun {
		tally, err := journals.Try(call.Ctx, rows)
		shown.end()
		return i.tried(call, path, tally, err)
	}
	what := ledger.Import{Journal: way.Journal, Profile: way.Profile.Name, Source: filepath.Base(path)}
	done, tally, err := journals.Take(call.Ctx, books, i.of(filepath.Base(path)), what, rows, nil)
	shown.end()
	return i.taken(call, c, path, done, tally, err)
}

func (i importJournalCommand) tried(call *program.Call, path string, t journals.Tally, err error) error {
	i.rejects(call, path, t)
	if err != nil {
		return journalFault(path, err)
	}
	_, err = fmt.Fprintf(call.Stdout, "%s: %d rows: %d faxes or calls, %d none of ours, %d rejected\ndry run: nothing was booked\n", path, t.Rows(), t.Events, t.Skipped, t.Rejected)
	return err
}

func (i importJournalCommand) taken(call *program.Call, c *config, path string, done ledger.Import, t journals.Tally, err error) error {
	i.rejects(call, path, t)
	if err != nil {
		if done.ID == 0 || errors.Is(err, journals.ErrLeft) { // it was never begun, or is still to be undone
			return journalFault(path, err)
		}
		nothing := fmt.Errorf("import %d is cancelled: nothing of it is in the books", done.ID)
		if errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s: %w", path, nothing)
		}
		return errors.Join(journalFault(path, err), nothing)
	}
	span := ""
	if done.First != 0 {
		span = fmt.Sprintf("; from %s to %s", c.local(done.First), c.local(done.Last))
	}
	_, err = fmt.Fprintf(call.Stdout, "%s: import %d into %s: %d rows: %d new, %d known, %d none of ours, %d rejected%s\n",
		path, done.ID, done.Journal, done.Rows, done.New, done.Known, done.Skipped, done.Rejected, span)
	return err
}

// journalFault makes the fault of a file that of what was asked for.
func journalFault(path string, err error) error {
	err = fmt.Errorf("%s: %w", path, err)
	if errors.Is(err, journals.ErrUnreadable) {
		return program.Usage(err)
	}
	return err
}

// rejects says which rows could not be read, and how many are of nobody knows which line.
func (i importJournalCommand) rejects(call *program.Call, path string, t journals.Tally) {
	if t.Unowned > 0 {
		fmt.Fprintf(call.Stderr, "warning: %s: %d faxes don't tell which line of yours they were of; --line does. Undo this import before you read the file again with it\n", path, t.Unowned)
	}
	for n, x := range t.Rejects {
		if n == mostWarnings {
			fmt.Fprintf(call.Stderr, "warning: … and %d more\n", t.Rejected-int64(n))
			break
		}
		fmt.Fprintf(call.Stderr, "warning: %s:%d: %s\n", path, x.Row, x.Reason)
	}
}

// readingShown says how far the reading of a file has come: on a terminal all the time, else now and then.
type readingShown struct {
	from io.Reader
	name string
	size int64
	read int64
	out  io.Writer
	live bool
	last time.Time
	said bool
}

func (r *readingShown) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.read += int64(n)
	every := 30 * time.Second
	if r.live {
		every = time.Second / 5
	}
	if now := time.Now(); now.Sub(r.last) >= every && r.size > 0 {
		r.last, r.said = now, true
		form := "%s: %d %%\n"
		if r.live {
			form = "\r%s: %d %%"
		}
		fmt.Fprintf(r.out, form, r.name, r.read*100/r.size)
	}
	return n, err
}

// end leaves the line of a terminal.
func (r *readingShown) end() {
	if r.live && r.said {
		fmt.Fprintln(r.out)
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// listImports writes what was imported, the newest first.
func (c *config) listImports(call *program.Call, books interface {
	Imports(ctx context.Context) ([]ledger.Import, error)
},
) error {
	all, err := books.Imports(call.Ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(call.Stdout, "no journal was imported, and no agent follows one")
		return err
	}
	var rows bytes.Buffer
	table := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATE\tSTARTED\tJOURNAL\tPROFILE\tSOURCE\tBY\tROWS\tNEW\tKNOWN\tSKIPPED\tREJECTED\tFROM\tTO")
	for _, x := range all {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", x.ID, x.State, c.local(x.StartedAt), x.Journal, dash(x.Profile), x.Source, dash(x.Who),
			x.Rows, x.New, x.Known, x.Skipped, x.Rejected, c.dayOf(x.First), c.dayOf(x.Last))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = call.Stdout.Write(rows.Bytes())
	return err
}

// dayOf is the day of an instant, a dash for none.
func (c *config) dayOf(t wire.Time) string {
	if t == 0 {
		return "-"
	}
	return t.Std().In(c.location).Format(time.DateOnly)
}

// leftRoom is how many bytes of the disk journals that are handed in leave to the books.
const leftRoom = 512 << 20

// intake is where journals are handed in by a page.
func (c *config) intake(books *ledger.Ledger, log *slog.Logger) (*journals.Intake, error) {
	return journals.NewIntake(journals.IntakeOptions{
		Dir: filepath.Join(c.DataDir, "journals"), Books: books, Now: time.Now, Log: log,
		Room: func(dir string) error { return ledger.RoomFor(dir, leftRoom) },
	})
}
