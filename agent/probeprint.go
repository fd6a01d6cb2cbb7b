package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
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
		out.Measures = append(out.Measures, probeMeasure{m.Measure, m.Value, m.Unit, m.OID, m.Certainty})
	}
	for _, l := range r.Lines {
		out.Lines = append(out.Lines, probeLine{
			Port: l.Port, Status: l.Status, Evidence: l.Evidence, Fax: cmp.Or(l.Fax, wire.Unknown),
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
		if value != "" {
			_, _ = fmt.Fprintf(table, "  %s\t%s\n", name, value)
		}
	}
	row("device", cmp.Or(d.ID, "unidentified: no serial number and no MAC address to know it by"))
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
		_, _ = fmt.Fprintf(table, "  %s\t%d\t%s\t%s\t%s\n", m.Measure, m.Value, m.Unit, m.Certainty, m.OID)
	}
	_ = table.Flush()
	for _, m := range measures {
		if m.Note != "" {
			fmt.Fprintf(out, "  %s: %s\n", m.Measure, m.Note)
		}
	}
}

func (s *probed) writeLines(out *strings.Builder) {
	if len(s.result.Reading.Lines) == 0 {
		return
	}
	out.WriteString("\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "  LINE\tSTATUS\tFAX\tEVIDENCE")
	for _, l := range s.result.Reading.Lines {
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", cmp.Or(l.Port, "(only one)"), l.Status, cmp.Or(l.Fax, wire.Unknown), l.Evidence)
	}
	_ = table.Flush()
}

func writeList(out *strings.Builder, title string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s:\n", title)
	for _, item := range items {
		fmt.Fprintf(out, "  - %s\n", item)
	}
}
