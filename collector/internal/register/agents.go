package register

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/zerofax/zerofax/agent/polling"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/agent/yamlfile"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Agents is what a file says that agents should poll: by agent, YAML with the keys targets, poll
// and discovery of agent.yml. A file of YAML says all of it; a table only the targets.
type Agents struct {
	Configs     map[string]string
	Warnings    []string // what is allowed, but better not
	onlyTargets bool
}

// agentsFile is the file: {agents: {ps-01: {targets: […], poll: {…}, discovery: {…}}}}.
type agentsFile struct {
	Agents map[string]polling.Config `yaml:"agents"`
}

// ReadAgents reads a file of YAML by the rules of agent.yml. Only which credentials an agent has is
// unknown here. The error has all faults with their lines.
func ReadAgents(name string, data []byte) (Agents, error) {
	var file agentsFile
	doc := yamlfile.Decode(name, data, &file)
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return Agents{}, cmp.Or(doc.Err(), err)
	}
	a := Agents{Configs: make(map[string]string)}
	if !doc.Has("agents") {
		doc.Fault(nil, `agents is missing; want agents: {NAME: {targets: […]}}, as export agents writes it`)
	}
	lines := strings.Split(strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n"), "\n")
	if end := slices.Index(lines, "..."); end >= 0 {
		lines = lines[:end]
	}
	agents := sections(&root)
	for i := 0; i+1 < len(agents); i += 2 {
		key, section, next := agents[i], real(agents[i+1]), len(lines)
		if i+2 < len(agents) {
			next = agents[i+2].Line - 1
		}
		id, where := key.Value, []any{"agents", key.Value}
		if !wire.ValidAgent(id) {
			doc.Fault(where, "want an agent's name: 1 to 63 of a-z, 0-9 and -")
		}
		if section.Kind != yaml.MappingNode {
			doc.Fault(where, "is empty; want targets, poll and discovery, or {} for an agent that polls nothing. --replace ends what the file doesn't name")
			continue
		}
		c := file.Agents[id]
		a.warn(id, c.Check(doc, where, nil))
		if len(c.Targets) == 0 {
			a.warn(id, []string{"no targets: it will poll nothing"})
		}
		text, err := textOf(lines, key, section, next)
		if err != nil {
			return Agents{}, fmt.Errorf("%s:%d: %w", name, key.Line, err)
		}
		if err := fits(id, text); err != nil {
			doc.Fault(where, "%v", err)
		}
		a.Configs[id] = text
	}
	return a, doc.Err()
}

func (a *Agents) warn(agent string, texts []string) {
	for _, text := range texts {
		a.Warnings = append(a.Warnings, agent+": "+text)
	}
}

// fits is nil if a configuration can be sent to its agent.
func fits(agent, text string) error {
	if size := wire.ConfigSize(wire.AgentConfig{Agent: agent, Config: text}); size > wire.MaxEnvelope {
		return fmt.Errorf("makes a message of %d kB; want %d kB at most: ranges instead of single machines, or several agents", size/1024, wire.MaxEnvelope/1024)
	}
	return nil
}

// sections are the agents of a file and what it says of each, by turns.
func sections(root *yaml.Node) []*yaml.Node {
	if root.Kind != yaml.DocumentNode {
		return nil
	}
	if agents := within(real(root.Content[0]), "agents"); agents != nil && agents.Kind == yaml.MappingNode {
		return agents.Content
	}
	return nil
}

func within(mapping *yaml.Node, key string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return real(mapping.Content[i+1])
		}
	}
	return nil
}

func real(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// textOf is an agent's section as a text of its own: line by line as people wrote it, with their
// comments, wherever that says the same; else written anew.
func textOf(lines []string, key, section *yaml.Node, next int) (string, error) {
	anew, err := encoded(alone(section))
	if err != nil || section.Line <= key.Line || section.Style&yaml.FlowStyle != 0 {
		return anew, err
	}
	text := cutOut(lines, key, section, next)
	if yamlfile.Decode("", []byte(text), new(polling.Config)).Err() != nil || len(changedFieldsOf(anew, text)) > 0 {
		return anew, nil
	}
	return text, nil
}

// cutOut gives the lines from an agent's name to the next one's, moved to the left. What stands
// above a name belongs to it.
func cutOut(lines []string, key, section *yaml.Node, next int) string {
	var text []string
	above := key.Line - 2
	for ; above >= 0 && loose(lines[above], key.Column); above-- {
	}
	for _, line := range lines[above+1 : key.Line-1] {
		text = append(text, strings.TrimSpace(line))
	}
	if _, beside, ok := strings.Cut(lines[key.Line-1], " #"); ok {
		text = append(text, "#"+strings.TrimRight(beside, " "))
	}
	end := next
	for ; end > key.Line && loose(lines[end-1], key.Column); end-- {
	}
	for _, line := range lines[key.Line:end] {
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		text = append(text, strings.TrimRight(line[min(indent, section.Column-1):], " \t"))
	}
	return strings.Trim(strings.Join(text, "\n"), "\n") + "\n"
}

// loose tells whether a line between two agents, whose names begin in a column, belongs to the second one.
func loose(line string, column int) bool {
	text := strings.TrimLeft(line, " \t")
	return text == "" || text[0] == '#' && len(line)-len(text) < column
}

// encoded is a mapping as text, its keys one below the other.
func encoded(node *yaml.Node) (string, error) {
	if node.Kind == yaml.MappingNode && len(node.Content) > 0 {
		node.Style &^= yaml.FlowStyle
	}
	var text bytes.Buffer
	e := yaml.NewEncoder(&text)
	e.SetIndent(2)
	err := errors.Join(e.Encode(node), e.Close())
	return text.String(), err
}

// alone is a copy in a plain layout that refers to nothing else: what another place of the file
// lends it (an alias) is written out, and comments are left out.
func alone(node *yaml.Node) *yaml.Node {
	one := *real(node)
	one.Anchor, one.HeadComment, one.LineComment, one.FootComment = "", "", "", ""
	one.Content = nil
	for _, part := range real(node).Content {
		one.Content = append(one.Content, alone(part))
	}
	return &one
}

// ExportAgents writes what is declared, as ReadAgents takes it.
func ExportAgents(declared []ledger.AgentConfig) []byte {
	var text strings.Builder
	text.WriteString("agents:")
	none := true
	for _, c := range declared {
		if c.Config == "" {
			continue
		}
		if none = false; c.Config == "{}\n" {
			fmt.Fprintf(&text, "\n  %s: {}", inYAML(c.Agent))
			continue
		}
		fmt.Fprintf(&text, "\n  %s:", inYAML(c.Agent))
		for line := range strings.Lines(c.Config) {
			text.WriteString("\n")
			if line = strings.TrimRight(line, "\n"); line != "" {
				text.WriteString("    " + line)
			}
		}
	}
	if none {
		text.WriteString(" {}")
	}
	text.WriteString("\n")
	return []byte(text.String())
}

// inYAML is an agent's name as a key: 007 and 1e3 would be numbers.
func inYAML(agent string) string {
	text, err := yaml.Marshal(agent)
	if err != nil {
		return agent
	}
	return strings.TrimSpace(string(text))
}

// AgentsPlan is what a file changes.
type AgentsPlan struct {
	Changes   []ledger.AgentChange
	Unchanged int
	Warnings  []string

	seen []Change // as people see them
}

// PlanAgents says what a file changes. Agents that it doesn't name stay as they are; with replace
// they are declared no more.
func PlanAgents(now []ledger.AgentConfig, file Agents, replace bool) (AgentsPlan, error) {
	p := AgentsPlan{Warnings: file.Warnings}
	before := make(map[string]string)
	for _, c := range now {
		before[c.Agent] = c.Config
	}
	for _, agent := range slices.Sorted(maps.Keys(file.Configs)) {
		after := file.Configs[agent]
		if file.onlyTargets {
			after = withTargets(before[agent], after)
			if err := fits(agent, after); err != nil {
				return p, Faults{{Text: agent + ": " + err.Error()}}
			}
		}
		p.change(agent, before[agent], after)
	}
	for _, c := range now {
		if _, still := file.Configs[c.Agent]; replace && !still && c.Config != "" {
			p.change(c.Agent, c.Config, "")
		}
	}
	p.Warnings = append(p.Warnings, p.shared(now, file)...)
	return p, nil
}

func (p *AgentsPlan) change(agent, before, after string) {
	if before == after {
		p.Unchanged++
		return
	}
	c := Change{Done: "changed", What: "agent", ID: agent}
	fields := changedFieldsOf(before, after)
	if len(fields) == 0 {
		fields = []ledger.FieldChange{{Field: "layout", Before: "(as before)", After: "(as in the file)"}}
	}
	p.Changes = append(p.Changes, ledger.AgentChange{Agent: agent, Config: after, Fields: fields})
	switch {
	case after == "":
		c.Done = "removed"
		c.Fields = []FieldChange{{After: "its own file holds again"}}
	case before == "":
		c.Done = "new"
		c.Fields = []FieldChange{{After: summaryOf(after)}}
	default:
		for _, f := range fields {
			c.Fields = append(c.Fields, FieldChange{f.Field, cmp.Or(f.Before, "(none)"), cmp.Or(f.After, "(none)")})
		}
	}
	p.seen = append(p.seen, c)
}

// Print writes what is another for people to read.
func (p *AgentsPlan) Print(w io.Writer) error {
	if err := printChanges(w, p.seen); err != nil {
		return err
	}
	counts := make(map[string]int)
	for _, c := range p.seen {
		counts[c.Done]++
	}
	_, err := fmt.Fprintf(w, "agents: %d new, %d changed, %d removed, %d unchanged\n", counts["new"], counts["changed"], counts["removed"], p.Unchanged)
	return err
}

// configOf reads what ReadAgents wrote.
func configOf(text string) polling.Config {
	c := polling.Defaults()
	c.Check(yamlfile.Decode("", []byte(text), &c), nil, nil)
	return c
}

// traits are what a configuration says, by field, in the order in which people read it.
func traits(text string) (names []string, values map[string]string) {
	values = make(map[string]string)
	if text == "" {
		return nil, values
	}
	add := func(name, value string) {
		names = append(names, name)
		values[name] = value
	}
	c := configOf(text)
	for _, t := range c.Targets {
		with := orEmpty(strings.Join(t.Credentials, ", "))
		if len(t.Credentials) == 0 {
			with = "the agent's own"
		}
		add("target "+nameOf(&t), "credentials "+with)
	}
	add("poll.lines", c.Poll.Lines.String())
	add("poll.counters", c.Poll.Counters.String())
	add("discovery.every", c.Discovery.Every.String())
	add("discovery.rate", fmt.Sprint(c.Discovery.Rate))
	add("discovery.window", c.Discovery.Window)
	return names, values
}

func nameOf(t *polling.Target) string {
	if t.Range == "" {
		return t.Address()
	}
	if t.Port != polling.SNMPPort {
		return fmt.Sprintf("%s port %d", t.Range, t.Port)
	}
	return t.Range
}

func changedFieldsOf(before, after string) (fields []ledger.FieldChange) {
	wasNames, was := traits(before)
	nowNames, now := traits(after)
	for _, name := range nowNames {
		if was[name] != now[name] {
			fields = append(fields, ledger.FieldChange{Field: name, Before: was[name], After: now[name]})
		}
	}
	for _, name := range wasNames {
		if _, still := now[name]; !still {
			fields = append(fields, ledger.FieldChange{Field: name, Before: was[name]})
		}
	}
	return fields
}

func summaryOf(text string) string {
	c := configOf(text)
	return fmt.Sprintf("machines: %d, ranges: %d, lines each %s, counters each %s", len(c.Hosts()), len(c.Ranges()), c.Poll.Lines, c.Poll.Counters)
}

// shared warns of machines that several agents would poll.
func (p *AgentsPlan) shared(now []ledger.AgentConfig, file Agents) (warnings []string) {
	after := make(map[string]string)
	for _, c := range now {
		after[c.Agent] = c.Config
	}
	for _, c := range p.Changes {
		after[c.Agent] = c.Config
	}
	by := make(map[string][]string)
	for _, agent := range slices.Sorted(maps.Keys(after)) {
		if after[agent] == "" {
			continue
		}
		c := configOf(after[agent])
		for _, t := range c.Targets {
			by[nameOf(&t)] = append(by[nameOf(&t)], agent)
		}
	}
	for _, target := range slices.Sorted(maps.Keys(by)) {
		_, named := file.Configs[by[target][0]]
		if len(by[target]) > 1 && (named || len(p.Changes) > 0) {
			warnings = append(warnings, fmt.Sprintf("%s is polled by %s; one of them is enough", target, strings.Join(by[target], " and ")))
		}
	}
	return warnings
}
