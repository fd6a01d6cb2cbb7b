package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/alert"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

type alertCommand struct {
	List   alertList   `cmd:"" help:"What people should know of, with its evidence."`
	Test   alertTest   `cmd:"" help:"Send a test over every channel, and say what became of it."`
	Close  alertClose  `cmd:"" help:"Close an alert, with a reason."`
	Window alertWindow `cmd:"" help:"Announce a test on a line: what is faxed meanwhile is no alert."`
}

type alertList struct {
	All  bool `help:"Closed ones, too."`
	JSON bool `name:"json" help:"Print JSON."`
}

// Run implements `alert list`.
func (x alertList) Run(call *program.Call) error {
	return withBooks(call, false, func(c config, books *ledger.Ledger) error {
		episodes, err := books.Episodes(call.Ctx, ledger.EpisodeFilter{Open: !x.All, Newest: true})
		if err != nil {
			return err
		}
		if x.JSON {
			return printEpisodes(call, episodes, c.Language)
		}
		if err := c.listEpisodes(call, episodes); err != nil {
			return err
		}
		return c.listBacklog(call, books)
	})
}

// printEpisodes prints what /api/v1/alerts tells.
func printEpisodes(call *program.Call, episodes []ledger.Episode, language string) error {
	type told struct {
		ledger.Episode
		Evidence []string `json:"evidence"`
	}
	list := struct {
		Data []told `json:"data"`
	}{make([]told, len(episodes))}
	for i := range episodes {
		list.Data[i] = told{episodes[i], episodes[i].Texts(language)}
	}
	out := json.NewEncoder(call.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(list)
}

func (c *config) listEpisodes(call *program.Call, episodes []ledger.Episode) error {
	if len(episodes) == 0 {
		_, err := fmt.Fprintln(call.Stdout, "no alerts")
		return err
	}
	var rows bytes.Buffer
	table := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tKIND\tABOUT\tSERVICE\tOPENED\tCOUNT\tCERTAINTY\tCLOSED")
	for i := range episodes {
		e := &episodes[i]
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.Kind, dash(about(e)), dash(e.Service), c.local(e.OpenedAt),
			dash(counted(e)), dash(string(e.Certainty)), dash(c.closing(e)))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for i, row := range strings.Split(strings.TrimSuffix(rows.String(), "\n"), "\n") {
		fmt.Fprintln(call.Stdout, strings.TrimRight(row, " "))
		if i > 0 {
			for _, text := range episodes[i-1].Texts(c.Language) {
				fmt.Fprintln(call.Stdout, "    "+text)
			}
		}
	}
	return nil
}

func about(e *ledger.Episode) string {
	switch {
	case e.Number != "":
		return e.Number
	case e.Line != "":
		return e.Line
	case e.Device != "":
		return e.Device
	}
	return e.Agent
}

func counted(e *ledger.Episode) string {
	if e.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", e.Count, e.Unit)
}

func (c *config) closing(e *ledger.Episode) string {
	if e.ClosedAt == 0 {
		return ""
	}
	text := c.local(e.ClosedAt) + " " + e.ReasonText(c.Language)
	if e.ClosedBy != "" {
		text += " (" + e.ClosedBy + ")"
	}
	return text
}

func (c *config) local(t wire.Time) string { return t.Std().In(c.location).Format("2006-01-02 15:04") }

func dash(text string) string { return orText(text, "-") }

// listBacklog says what could not be said yet, and what was given up.
func (c *config) listBacklog(call *program.Call, books *ledger.Ledger) error {
	backlogs, err := books.Outbox(call.Ctx)
	if err != nil {
		return err
	}
	for _, b := range backlogs {
		if b.Waiting > 0 {
			fmt.Fprintf(call.Stdout, "%s: %d not sent yet, the oldest written at %s", b.Channel, b.Waiting, c.local(b.Since))
			if b.Error != "" {
				fmt.Fprintf(call.Stdout, ": %s", b.Error)
			}
			fmt.Fprintln(call.Stdout)
		}
		if b.GivenUp > 0 {
			fmt.Fprintf(call.Stdout, "%s: %d given up so far, each after 7 days\n", b.Channel, b.GivenUp)
		}
	}
	return nil
}

type alertTest struct{}

// Run implements `alert test`.
func (alertTest) Run(call *program.Call) error {
	c, err := load(call.Config)
	if err != nil {
		return err
	}
	attempts := alert.New(c.alertOptions(call.Log, nil)).Test(call.Ctx)
	if len(attempts) == 0 {
		return errors.New("nobody to tell: collector.yml names neither alerts.email nor alerts.webhook nor alerts.alertmanager")
	}
	failed := 0
	for _, a := range attempts {
		result := "sent"
		if a.Err != nil {
			failed++
			result = a.Err.Error()
		}
		fmt.Fprintf(call.Stdout, "%s: %s\n", strings.TrimSpace(string(a.Channel)+" "+a.Recipient), result)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d tests failed", failed, len(attempts))
	}
	return nil
}

type alertClose struct {
	ID     int64  `arg:"" help:"Number of the alert, as alert list shows it."`
	Reason string `required:"" placeholder:"TEXT" help:"Why, for those who read it later."`
	author
}

// Run implements `alert close`.
func (x alertClose) Run(call *program.Call) error {
	return withBooks(call, false, func(_ config, books *ledger.Ledger) error {
		if err := books.CloseEpisode(call.Ctx, x.of("alert close"), x.ID, x.Reason); err != nil {
			return err
		}
		_, err := fmt.Fprintf(call.Stdout, "alert %d is closed\n", x.ID)
		return err
	})
}

type alertWindow struct {
	Line   string `arg:"" help:"The line: its number, or site:extension."`
	From   string `required:"" placeholder:"TIME" help:"Beginning, by the clock of the line's site: 2026-11-23T14:00."`
	To     string `required:"" placeholder:"TIME" help:"End, likewise, or a time of the same day: 15:30."`
	Reason string `required:"" placeholder:"TEXT" help:"Why, for those who read it later."`
	author
}

// Run implements `alert window`.
func (x alertWindow) Run(call *program.Call) error {
	return withBooks(call, false, func(c config, books *ledger.Ledger) error {
		line, zone, err := c.findLine(call, books, x.Line)
		if err != nil {
			return err
		}
		from, err := siteTime("--from", x.From, zone, time.Time{})
		if err != nil {
			return program.Usage(err)
		}
		to, err := siteTime("--to", x.To, zone, from)
		if err != nil {
			return program.Usage(err)
		}
		if !to.After(from) {
			return program.Usage(fmt.Errorf("--to %s is not after --from %s", x.To, x.From))
		}
		if err := books.TestWindow(call.Ctx, x.of("alert window"), line, wire.TimeOf(from), wire.TimeOf(to), x.Reason); err != nil {
			return err
		}
		_, err = fmt.Fprintf(call.Stdout, "%s: a test from %s to %s (%s)\n", line, from.Format(time.DateTime), to.Format(time.DateTime), zone)
		return err
	})
}

// findLine is the id of a line and where its clock is, by its id or number however that is spaced.
func (c *config) findLine(call *program.Call, books *ledger.Ledger, said string) (string, *time.Location, error) {
	lines, err := books.Lines(call.Ctx)
	if err != nil {
		return "", nil, err
	}
	digits := strings.NewReplacer(" ", "", ".", "", "-", "", "\u00a0", "").Replace(said)
	for i := range lines {
		if l := &lines[i]; l.ID == said || l.ID == digits || l.Number != "" && l.Number == digits {
			if l.Zone != nil {
				return l.ID, l.Zone, nil
			}
			return l.ID, c.location, nil
		}
	}
	return "", nil, fmt.Errorf("no line %q; export lines shows which there are", said)
}

// siteTime reads a time by a site's clock; where only the time of day is said, the day is that of another time.
func siteTime(flag, text string, zone *time.Location, day time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.In(zone), nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "02/01/2006 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse("15:04", text); err == nil && !day.IsZero() {
		return time.Date(day.Year(), day.Month(), day.Day(), t.Hour(), t.Minute(), 0, 0, zone), nil
	}
	return time.Time{}, fmt.Errorf("%s %q; want a time such as 2026-11-23T14:00", flag, text)
}
