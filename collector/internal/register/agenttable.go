package register

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/zerofax/zerofax/agent/polling"
	"github.com/zerofax/zerofax/agent/wire"
)

// AgentsOf makes of a table what agents should poll: a row is a machine or a range. How often,
// and when ranges are swept, stays as it is declared. The error is Faults.
func AgentsOf(t *Table) (Agents, error) {
	var faults Faults
	if !t.has("agent") || !t.has("host") && !t.has("range") {
		return Agents{}, Faults{t.note(Row{Number: 1}, "", "want columns agent, host (adresse) or range (plage), and maybe port, credentials (accès)")}
	}
	rows := make(map[string][]Row)
	for _, row := range t.Rows {
		agent, _ := t.get(row, "agent")
		if agent = strings.ToLower(agent); !wire.ValidAgent(agent) {
			faults = append(faults, t.note(row, "agent", "%q; want an agent's name: 1 to 63 of a-z, 0-9 and -", agent))
			continue
		}
		rows[agent] = append(rows[agent], row)
	}
	a := Agents{Configs: make(map[string]string), onlyTargets: true}
	for _, agent := range slices.Sorted(maps.Keys(rows)) {
		k := targetRows{t: t, rows: rows[agent], faults: &faults}
		c := polling.Defaults()
		c.Targets = k.targets()
		c.Check(&k, nil, nil)
		a.Configs[agent] = k.text()
	}
	slices.SortStableFunc(faults, func(a, b Note) int { return a.Row - b.Row })
	return a, faults.err()
}

// targetRows are the rows of one agent, as a file in which polling finds faults.
type targetRows struct {
	t      *Table
	rows   []Row
	faults *Faults
}

func (k *targetRows) cell(row Row, column string) string {
	text, _ := k.t.get(row, column)
	return text
}

func (k *targetRows) targets() []polling.Target {
	all := make([]polling.Target, len(k.rows))
	for i, row := range k.rows {
		all[i] = polling.Target{Host: k.cell(row, "host"), Range: k.cell(row, "range"), Credentials: k.credentials(row)}
		if port := k.cell(row, "port"); port != "" {
			n, err := strconv.Atoi(port)
			if err != nil {
				k.Fault([]any{"targets", i, "port"}, "%q; want a number", port)
				n = polling.SNMPPort
			}
			all[i].Port = n
		}
	}
	return all
}

// credentials may be several, with spaces or commas between them.
func (k *targetRows) credentials(row Row) []string {
	return strings.FieldsFunc(k.cell(row, "credentials"), func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '/' })
}

// Fault implements polling.File: where is targets, a row, and maybe a column.
func (k *targetRows) Fault(where []any, format string, args ...any) {
	row, column := k.rows[where[1].(int)], ""
	if len(where) > 2 {
		column = where[2].(string)
	}
	*k.faults = append(*k.faults, k.t.note(row, column, format, args...))
}

// Has implements polling.File.
func (k *targetRows) Has(where ...any) bool {
	return k.cell(k.rows[where[1].(int)], where[2].(string)) != ""
}

// text is the targets as people would write them in YAML.
func (k *targetRows) text() string {
	var text strings.Builder
	text.WriteString("targets:\n")
	for _, row := range k.rows {
		var parts []string
		for _, column := range []string{"host", "range", "port"} {
			if value := k.cell(row, column); value != "" {
				parts = append(parts, column+": "+scalar(value))
			}
		}
		switch names := k.credentials(row); len(names) {
		case 0:
		case 1:
			parts = append(parts, "credentials: "+scalar(names[0]))
		default:
			for i := range names {
				names[i] = scalar(names[i])
			}
			parts = append(parts, "credentials: ["+strings.Join(names, ", ")+"]")
		}
		fmt.Fprintf(&text, "  - {%s}", strings.Join(parts, ", "))
		if comment := k.cell(row, "comment"); comment != "" {
			text.WriteString(" # " + comment)
		}
		text.WriteString("\n")
	}
	return text.String()
}

// scalar is a text within [] or {}, in quotation marks where it could be something else.
func scalar(text string) string {
	node := yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}}}
	if _, err := strconv.Atoi(text); err == nil {
		return text
	}
	out, err := encoded(&node)
	if err != nil {
		return strconv.Quote(text)
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(out), "["), "]")
}

// withTargets is a configuration with other targets, which a text has.
func withTargets(before, targets string) string {
	var old yaml.Node
	if yaml.Unmarshal([]byte(before), &old) != nil || old.Kind != yaml.DocumentNode {
		return targets
	}
	kept := alone(old.Content[0])
	for i := 0; i+1 < len(kept.Content); i += 2 {
		if kept.Content[i].Value == "targets" {
			kept.Content = slices.Delete(kept.Content, i, i+2)
			break
		}
	}
	if len(kept.Content) == 0 {
		return targets
	}
	rest, err := encoded(kept)
	if err != nil {
		return targets
	}
	return targets + rest
}
