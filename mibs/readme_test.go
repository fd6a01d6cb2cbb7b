package mibs_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/mibs"
)

// README.md is made of the profiles, so that it says what they do.
func TestTheReadmeSaysWhatTheProfilesTell(t *testing.T) {
	checkGolden(t, "README.md", []byte(readme(builtin(t).Profiles())))
}

const readmeHead = `<!-- Made of profiles/*.yml by: go test ./mibs -run Readme -update -->
# What zerofax reads from which device

Machines differ widely in what they tell of their faxes over SNMP. This page says, for each family, what zerofax reads, in which
unit, and how sure that is. What a machine doesn't tell is shown as *unknown*, never as zero; nothing is estimated, and pages
received and pages printed are never added.

- **sent**, **received**: pages that went and came over the phone line.
- **printed**: pages put on paper because a fax came in. It misses faxes that are stored or forwarded; for most machines it is the
  only trace of receiving.
- **messages**: faxes counted as such, whatever their pages.
- **line**: states of the phone line itself. No multifunction printer shows its line; gateways show their ports.
- **fax service**: what the machine says of its own fax function. Never taken for the state of a line.

| certainty | means |
|---|---|
| mib+walk | the maker's MIB file says so, and real machines answer like that |
| mib | the maker's MIB file says so; no real machine's answer was seen |
| walk | no public MIB file; seen on real machines, and checked by sums or against the machine's own page |
| tool | other inventory programs read it so; nobody of zerofax has seen it |
| unverified | a guess, or one weak source: compare with the machine's own page before you rely on it |

If yours is missing or reads wrong: ` + "`zerofax-agent capture HOST -o x.snmprec`" + ` makes a recording without private values for a report;
[CONTRIBUTING.md](../CONTRIBUTING.md) shows how to add a device with three files and no program code.

`

func readme(profiles []mibs.Profile) string {
	var b strings.Builder
	b.WriteString(readmeHead)
	b.WriteString("| family | sent | received | printed | messages | line | fax service |\n|---|---|---|---|---|---|---|\n")
	for i := range profiles {
		p := &profiles[i]
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s | %s | %s |\n", p.Title, anchor(p.Title),
			cell(p, "fax_sent_pages"), cell(p, "fax_received_pages"), cell(p, "fax_printed_pages"), cell(p, "fax_sent", "fax_received", "fax_pages"),
			statesCell(p.Lines), statesCell(p.FaxService))
	}
	for i := range profiles {
		section(&b, &profiles[i])
	}
	return b.String()
}

// anchor is how GitHub links to a heading.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', r >= 'a' && r <= 'z', r >= '0' && r <= '9', r > 127:
			return r
		}
		return -1
	}, strings.ToLower(title))
}

func cell(p *mibs.Profile, measures ...string) string {
	var said []string
	for _, m := range p.Measures {
		if !slices.Contains(measures, m.What) {
			continue
		}
		text := strings.Join(m.Units, " or ") + " (" + m.Certainty + ")"
		switch m.What {
		case "fax_sent":
			text = "sent (" + m.Certainty + ")"
		case "fax_received":
			text = "received (" + m.Certainty + ")"
		case "fax_pages":
			text = "pages, direction unknown (" + m.Certainty + ")"
		}
		if !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	return cmp.Or(strings.Join(said, ", "), "–")
}

func statesCell(claims []mibs.Claim) string {
	var said []string
	for _, state := range []string{"idle", "busy", "down", "ready", "attention", "unavailable"} {
		if slices.ContainsFunc(claims, func(c mibs.Claim) bool { return slices.Contains(c.States, state) }) {
			said = append(said, state)
		}
	}
	return cmp.Or(strings.Join(said, ", "), "–")
}

func section(b *strings.Builder, p *mibs.Profile) {
	fmt.Fprintf(b, "\n## %s\n\n", p.Title)
	about := "Vendor `" + p.Vendor + "`, profile"
	if p.Vendor == "" {
		about = "Adds to all of the above; profile"
	}
	fmt.Fprintf(b, "%s [`%s`](profiles/%[2]s.yml). Fits %s.\n", about, p.Name, fits(p))
	if len(p.Measures) == 0 && len(p.Lines) == 0 && p.Vendor != "" {
		b.WriteString("\n**No fax counter known.** zerofax says who the machine is, and that it can't tell its faxes.\n")
	}
	if len(p.Measures) > 0 {
		b.WriteString("\n| measure | unit | certainty | known from | to know |\n|---|---|---|---|---|\n")
		for i, m := range p.Measures {
			if i > 0 && p.Measures[i-1].What == m.What {
				m.Note = strings.TrimSuffix("where the one above isn't told; "+m.Note, "; ")
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", m.What, strings.Join(m.Units, " or "), m.Certainty, plain(m.Source), plain(m.Note))
		}
	}
	list(b, "Line", p.Lines)
	list(b, "Fax service", p.FaxService)
	if len(p.Fax) > 0 {
		b.WriteString("\nWhether it can fax:\n\n")
		for _, f := range p.Fax {
			fmt.Fprintf(b, "- %s, when %s (%s)\n", f.What, plain(f.Note), plain(f.Source))
		}
	}
	if p.Identity != "" {
		fmt.Fprintf(b, "\nSerial, model and name: %s.\n", plain(p.Identity))
	}
	if len(p.CannotTell) > 0 {
		fmt.Fprintf(b, "\nIt can't tell: %s.\n", plain(strings.Join(p.CannotTell, "; ")))
	}
}

func fits(p *mibs.Profile) string {
	var says []string
	if len(p.ObjectIDs) > 0 {
		says = append(says, "sysObjectID `"+strings.Join(p.ObjectIDs, "`, `")+"`")
	}
	if p.Descr != "" {
		says = append(says, "sysDescr like `"+strings.ReplaceAll(p.Descr, "|", `\|`)+"`")
	}
	if p.OrDescr != "" {
		says = []string{strings.Join(append(says, "sysDescr like `"+strings.ReplaceAll(p.OrDescr, "|", `\|`)+"`"), ", or else ")}
	}
	if len(says) == 0 {
		return "any device that answers the standard's objects"
	}
	return strings.Join(says, " and ") + ", proved by an object that only such a device has"
}

func list(b *strings.Builder, title string, claims []mibs.Claim) {
	if len(claims) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n\n", title)
	for _, c := range claims {
		fmt.Fprintf(b, "- %s: %s (%s)\n", cmp.Or(plain(c.What), "state"), cmp.Or(strings.Join(c.States, ", "), plain(c.Note)), plain(c.Source))
	}
}

// plain keeps a text of a profile from becoming Markdown.
func plain(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "\n", " ").Replace(text)
}
