package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// probeJSON is what `probe --json` prints; other programs rely on it.
type probeJSON struct {
	Device     probeDevice     `json:"device"`
	Measures   []probeMeasure  `json:"measures"` // only what the device told
	Lines      []probeLine     `json:"lines"`
	FaxService wire.FaxService `json:"fax_service"`
	Unknown    []string        `json:"unknown"` // what it can't tell
	Warnings   []string        `json:"warnings"`
}

type probeDevice struct {
	ID       string `json:"id"`
	Vendor   string `json:"vendor"`
	Model    string `json:"model"`
	Serial   string `json:"serial"`
	Name     string `json:"name"`
	Location string `json:"location"`
	Profile  string `json:"profile"`
	Why      string `json:"why"`
}

type probeMeasure struct {
	Measure   wire.Measure `json:"measure"`
	Value     int64        `json:"value"`
	Unit      string       `json:"unit"`
	OID       string       `json:"oid"`
	Certainty string       `json:"certainty"`
	Note      string       `json:"note,omitempty"` // what else to know
}

type probeLine struct {
	Port     string          `json:"port"`
	Number   string          `json:"number"`
	Status   wire.LineStatus `json:"status"`
	Evidence string          `json:"evidence"`
	Fax      wire.Answer     `json:"fax"`
}

func (s *probed) json() probeJSON {
	d, r := s.device, s.result.Reading
	out := probeJSON{
		Device: probeDevice{
			d.ID, d.Identity.Vendor, d.Identity.Model, d.Identity.Serial, d.Identity.Name, d.Identity.Location, d.Profile, d.Why,
		},
		Measures:   []probeMeasure{},
		Lines:      []probeLine{},
		FaxService: cmp.Or(r.FaxService, wire.ServiceUnknown),
		Unknown:    append([]string{}, s.result.Unknown...),
		Warnings:   append([]string{}, s.result.Warnings...),
	}
	for _, m := range s.device.Measures(r) {
		out.Measures = append(out.Measures, probeMeasure{m.Measure, m.Value, m.Unit, m.OID, m.Certainty, m.Note})
	}
	for _, l := range r.Lines {
		out.Lines = append(out.Lines, probeLine{
			Port: l.Port, Number: string(l.Number), Status: l.Status, Evidence: l.Evidence, Fax: cmp.Or(l.Fax, wire.Unknown),
		})
	}
	return out
}

func (s *probed) printJSON(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(s.json())
}

func (s *probed) printText(out io.Writer) error {
	var text strings.Builder
	s.writeDevice(&text)
	s.writeMeasures(&text)
	s.writeLines(&text)
	writeList(&text, "To know", notes(s.device.Measures(s.result.Reading)))
	writeList(&text, "It can't tell", s.result.Unknown)
	writeList(&text, "Warnings", s.result.Warnings)
	_, err := io.WriteString(out, text.String())
	return err
}

func (s *probed) writeDevice(out *strings.Builder) {
	d := s.device
	fmt.Fprintf(out, "%s\n\n", s.where)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		for _, part := range wrap(value, width-len("  fax service  ")) {
			_, _ = fmt.Fprintf(table, "  %s\t%s\n", name, part)
			name = ""
		}
	}
	row("device", s.id())
	row("vendor", d.Identity.Vendor)
	row("model", d.Identity.Model)
	row("serial", d.Identity.Serial)
	row("name", d.Identity.Name)
	row("location", d.Identity.Location)
	if up := s.result.Reading.UptimeMS; up > 0 {
		row("up for", (time.Duration(up) * time.Millisecond).Round(time.Second).String())
	}
	row("profile", cmp.Or(d.Profile, "none"))
	row("why", d.Why)
	row("can fax", s.canFax())
	row("fax service", string(s.result.Reading.FaxService))
	_ = table.Flush() // to a strings.Builder
}

// id says who it is, or why run would not poll it.
func (s *probed) id() string {
	switch {
	case s.device.Profile == "":
		return "unknown to zerofax: run would not poll it"
	case s.device.ID == "":
		return "no serial number and no MAC address to know it by: run would not poll it"
	}
	return s.device.ID
}

func (s *probed) canFax() string {
	fax := cmp.Or(s.result.Reading.Fax, wire.Unknown)
	if why := s.device.FaxWhy; why != "" {
		return string(fax) + ": " + why
	}
	return string(fax)
}

func (s *probed) writeMeasures(out *strings.Builder) {
	measures := s.device.Measures(s.result.Reading)
	if len(measures) == 0 {
		return
	}
	out.WriteString("\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "  MEASURE\tVALUE\tUNIT\tCERTAINTY\tOID")
	for _, m := range measures {
		_, _ = fmt.Fprintf(table, "  %s\t%d\t%s\t%s\t%s\n",
			m.Measure, m.Value, m.Unit, m.Certainty, strings.ReplaceAll(m.OID, " + ", "\n  \t\t\t\t+ "))
	}
	_ = table.Flush()
}

// certainties say where a profile has an OID's meaning from.
var certainties = map[string]string{
	"mib+walk":   "the maker's MIB says so, and real machines answer like that",
	"mib":        "the maker's MIB says so",
	"walk":       "real machines answer like that",
	"tool":       "other programs read it so",
	"unverified": "nobody has checked it yet",
}

// notes are what to know of the measures, each said once.
func notes(measures []mibs.Measured) []string {
	var texts, certain []string
	of := map[string][]string{} // text → measures
	for _, m := range measures {
		if m.Note != "" && of[m.Note] == nil {
			texts = append(texts, m.Note)
		}
		of[m.Note] = append(of[m.Note], string(m.Measure))
		if text := fmt.Sprintf("certainty %s: %s", m.Certainty, certainties[m.Certainty]); !slices.Contains(certain, text) {
			certain = append(certain, text)
		}
	}
	for i, text := range texts {
		texts[i] = strings.Join(of[text], ", ") + ": " + text
	}
	return append(texts, certain...)
}

func (s *probed) writeLines(out *strings.Builder) {
	if len(s.result.Reading.Lines) == 0 {
		return
	}
	out.WriteString("\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "  LINE\tNUMBER\tSTATUS\tFAX\tEVIDENCE")
	for _, l := range s.result.Reading.Lines {
		evidence := strings.Join(wrap(l.Evidence, width-len("  (only one)  02 41 35 40 00  unknown  unknown  ")), "\n  \t\t\t\t")
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n",
			cmp.Or(l.Port, "(only one)"), cmp.Or(l.Number, "-"), l.Status, cmp.Or(l.Fax, wire.Unknown), evidence)
	}
	_ = table.Flush()
}

func writeList(out *strings.Builder, title string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s:\n", title)
	for _, item := range items {
		fmt.Fprintf(out, "  - %s\n", strings.Join(wrap(item, width-len("  - ")), "\n    "))
	}
}

// width of a terminal that text is written for.
const width = 100

// wrap breaks text into lines of so many characters at most, where a word isn't longer than that.
func wrap(text string, most int) []string {
	var lines []string
	length := most
	for _, word := range strings.Fields(text) {
		long := utf8.RuneCountInString(word)
		if length+1+long > most {
			lines, length = append(lines, word), long
			continue
		}
		lines[len(lines)-1] += " " + word
		length += 1 + long
	}
	return lines
}
