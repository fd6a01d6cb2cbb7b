package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/mattn/go-isatty"

	"github.com/zerofax/zerofax/agent/internal/discover"
	"github.com/zerofax/zerofax/agent/polling"
	"github.com/zerofax/zerofax/agent/wire"
)

// report is what a sweep found, to be printed.
type report struct {
	found    []discover.Found
	progress discover.Progress
	complete bool
	all      bool
	lack     map[string]string // versions of credentials, by name, that no configuration has
}

func (r *report) print(out io.Writer, format string) error {
	switch format {
	case "json":
		return r.printJSON(out)
	case "yaml":
		return r.printYAML(out)
	}
	return r.printTable(out)
}

// split tells what is to be polled from the rest.
func (r *report) split() (targets, others []discover.Found) {
	for _, f := range r.found {
		if f.Refused == "" {
			targets = append(targets, f)
		} else {
			others = append(others, f)
		}
	}
	return targets, others
}

// summary says in a sentence how it went.
func (r *report) summary() string {
	targets, others := r.split()
	text := fmt.Sprintf("%d to poll, %d others answered, of %d addresses", len(targets), len(others), r.progress.Done)
	if r.progress.Known > 0 {
		text += fmt.Sprintf(" (%d of them are targets already)", r.progress.Known)
	}
	if !r.complete {
		text += fmt.Sprintf("; interrupted, there are %d", r.progress.Of)
	}
	return text
}

func (r *report) printTable(out io.Writer) error {
	targets, others := r.split()
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	if len(targets) > 0 {
		_, _ = fmt.Fprintln(table, "ADDRESS\tDEVICE\tMODEL\tLOCATION\tFAX\tCREDENTIALS")
	}
	for _, f := range targets {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", addressOf(f.At), f.Device, plain(f.Model), plain(f.Location), f.Fax, f.Credentials)
	}
	_ = table.Flush() // to a strings.Builder
	if r.all && len(others) > 0 {
		if len(targets) > 0 {
			text.WriteString("\n")
		}
		text.WriteString("Not to be polled:\n")
		for _, f := range others {
			fmt.Fprintf(&text, "  %s  %s\n", addressOf(f.At), plain(cmp.Or(f.Model, f.Vendor, "?")))
			for _, line := range wrap(plain(f.Refused), width-len("    ")) {
				fmt.Fprintf(&text, "    %s\n", line)
			}
		}
	}
	if text.Len() > 0 {
		text.WriteString("\n")
	}
	text.WriteString(r.summary())
	switch {
	case len(r.found) == 0 && r.complete:
		text.WriteString("\nNobody answered. Is SNMP switched on in the machines, is the community right, and does every firewall on the way let UDP pass?")
	case len(others) > 0 && !r.all:
		text.WriteString("; --all lists them")
	}
	_, err := fmt.Fprintln(out, text.String())
	return err
}

// discoverJSON is what `discover --format json` prints; other programs rely on it.
type discoverJSON struct {
	Addresses uint64      `json:"addresses"` // in all
	Done      uint64      `json:"done"`      // asked, or targets already
	Known     uint64      `json:"known"`     // targets already
	Complete  bool        `json:"complete"`
	Targets   []foundJSON `json:"targets"`
	Others    []foundJSON `json:"others"` // not to be polled
}

type foundJSON struct {
	Host        string `json:"host"`
	Port        uint16 `json:"port"`
	Range       string `json:"range"`
	Credentials string `json:"credentials"`
	probeDevice
	Fax     wire.Answer `json:"fax"`
	Refused string      `json:"refused,omitempty"` // why it is not to be polled
}

func (r *report) printJSON(out io.Writer) error {
	targets, others := r.split()
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(discoverJSON{
		Addresses: r.progress.Of, Done: r.progress.Done, Known: r.progress.Known, Complete: r.complete,
		Targets: inJSON(targets), Others: inJSON(others),
	})
}

func inJSON(found []discover.Found) []foundJSON {
	all := []foundJSON{}
	for _, f := range found {
		all = append(all, foundJSON{
			f.At.Addr().String(), f.At.Port(), f.Range.String(), f.Credentials,
			probeDevice{f.Device, f.Vendor, f.Model, f.Serial, f.Name, f.Location, f.Profile, f.Why},
			cmp.Or(f.Fax, wire.Unknown), f.Refused,
		})
	}
	return all
}

// printYAML prints targets as agent.yml has them.
func (r *report) printYAML(out io.Writer) error {
	targets, others := r.split()
	var text strings.Builder
	fmt.Fprintf(&text, "# %s\n", r.summary())
	text.WriteString(r.lacking(targets))
	if len(targets) == 0 {
		text.WriteString("targets: []\n")
	} else {
		text.WriteString("targets:\n")
	}
	for _, f := range targets {
		port := ""
		if f.At.Port() != polling.SNMPPort {
			port = fmt.Sprintf(", port: %d", f.At.Port())
		}
		about := slices.DeleteFunc([]string{f.Device, plain(f.Model), plain(f.Name), plain(f.Location)}, func(s string) bool { return s == "" })
		fmt.Fprintf(&text, "  - {host: %s%s, credentials: %s}  # %s\n", inYAML(f.At.Addr().String()), port, inYAML(f.Credentials), strings.Join(about, ", "))
	}
	if r.all && len(others) > 0 {
		text.WriteString("# not to be polled:\n")
		for _, f := range others {
			fmt.Fprintf(&text, "#   %s  %s: %s\n", addressOf(f.At), plain(cmp.Or(f.Model, f.Vendor, "?")), plain(f.Refused))
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// lacking are the credentials that targets want and no configuration has, without their secrets.
func (r *report) lacking(targets []discover.Found) string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(r.lack)) {
		if slices.ContainsFunc(targets, func(f discover.Found) bool { return f.Credentials == name }) {
			text += fmt.Sprintf("#     - {name: %s, version: %s, community: …}\n", name, r.lack[name])
		}
	}
	if text != "" {
		text = "# These targets want in the same file:\n# snmp:\n#   credentials:\n" + text
	}
	return text
}

// unquoted is what YAML takes for a text as it stands.
var unquoted = regexp.MustCompile(`^([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[a-z][a-z0-9_-]*)$`)

func inYAML(text string) string {
	if unquoted.MatchString(text) && !slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}, text) {
		return text
	}
	return strconv.Quote(text)
}

// plain is a machine's own words without what would break a line or a terminal.
func plain(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) }), " ")
}

// foretell says what a sweep would do.
func (c *discoverCommand) foretell(out io.Writer, config *config, o discover.Options, configured map[netip.AddrPort]string) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, r := range o.Ranges {
		var names []string
		for _, i := range r.Credentials {
			names = append(names, fmt.Sprintf("%s (version %s)", config.SNMP.Credentials[i].Name, config.SNMP.Credentials[i].Version))
		}
		_, _ = fmt.Fprintf(table, "range\t%s, port %d, with %s\n", r.Prefix, r.Port, strings.Join(names, ", then "))
	}
	known := 0
	for at := range configured {
		if slices.ContainsFunc(o.Ranges, func(r discover.Range) bool { return r.Port == at.Port() && r.Prefix.Contains(at.Addr()) }) {
			known++
		}
	}
	_, _ = fmt.Fprintf(table, "sends\t%s\n", o.Forecast())
	_, _ = fmt.Fprintf(table, "rate\t%d addresses a second; who answers is asked who it is, %d at the same time\n", o.Rate, o.AtOnce)
	if known > 0 {
		_, _ = fmt.Fprintf(table, "leaves out\t%d addresses that are targets already\n", known)
	}
	switch now := clock(); {
	case o.Window.Always():
		_, _ = fmt.Fprint(table, "begins\tat once\n")
	case o.Window.Open(now):
		_, _ = fmt.Fprintf(table, "begins\tat once, its window %s is open\n", o.Window)
	default:
		_, _ = fmt.Fprintf(table, "begins\t%s, when its window %s opens\n", o.Window.Opens(now).Format(time.RFC3339), o.Window)
	}
	_ = table.Flush() // to a strings.Builder
	_, err := fmt.Fprintf(out, "%sNothing was sent.\n", text.String())
	return err
}

// bar shows on a terminal how far a sweep is.
type bar struct {
	out  io.Writer // nil if that is no terminal
	o    discover.Options
	long int // characters drawn last
}

func newBar(out io.Writer, o discover.Options) *bar {
	if file, ok := out.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		return &bar{out: out, o: o}
	}
	return &bar{}
}

func (b *bar) draw(p discover.Progress) {
	if b.out == nil || p.Of == 0 {
		return
	}
	const cells = 20 // with the text at most 79 characters: whatever is wrapped can't be drawn again
	full := int(p.Done * cells / p.Of)
	left := time.Duration(p.Of-p.Done) * time.Second / time.Duration(b.o.Rate)
	next := left.Round(time.Second).String() + " left"
	if now := clock(); !b.o.Window.Open(now) {
		next = "waits for " + b.o.Window.Opens(now).Format("15:04")
	}
	text := fmt.Sprintf("[%s%s] %d of %d addresses, %d found, %s",
		strings.Repeat("#", full), strings.Repeat(".", cells-full), p.Done, p.Of, p.Found, next)
	_, _ = fmt.Fprintf(b.out, "\r%-*s", b.long, text)
	b.long = len(text)
}

func (b *bar) clear() {
	if b.out != nil && b.long > 0 {
		_, _ = fmt.Fprintf(b.out, "\r%*s\r", b.long, "")
	}
}
