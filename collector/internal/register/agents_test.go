package register

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const agentsYML = `# What our agents poll.
agents:
  # Bâtiment A
  ps-01:
    targets:
      - {host: 10.12.4.20, credentials: v3}  # urgences
      - {range: 10.12.5.0/24, credentials: [v3, legacy]}
    poll: {lines: 1m, counters: 5m}
    discovery:
      every: 24h
      window: "22:00-05:00"
  "007": {}
  ps-02:
    targets: [{host: copier-3.example.org, port: 1161}]
`

func read(t *testing.T, text string) Agents {
	t.Helper()
	a, err := ReadAgents("agents.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// declared is what the books have once a file was taken.
func declared(configs map[string]string) (all []ledger.AgentConfig) {
	for _, agent := range slices.Sorted(maps.Keys(configs)) {
		all = append(all, ledger.AgentConfig{Agent: agent, Revision: 1, Config: configs[agent]})
	}
	return all
}

func TestWhatIsExportedIsImportedAsItWas(t *testing.T) {
	a := read(t, agentsYML)
	if len(a.Configs) != 3 {
		t.Fatalf("got %d agents, want 3", len(a.Configs))
	}
	text := string(ExportAgents(declared(a.Configs)))
	for _, want := range []string{"  ps-01:\n", "# urgences", "# Bâtiment A", `  "007": {}`, "      - {range: 10.12.5.0/24, credentials: [v3, legacy]}\n", "      window: \"22:00-05:00\"\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	again := read(t, text)
	if !maps.Equal(a.Configs, again.Configs) {
		t.Errorf("got  %q\nwant %q", again.Configs, a.Configs)
	}
	if next := string(ExportAgents(declared(again.Configs))); next != text {
		t.Errorf("got\n%s\nwant\n%s", next, text)
	}
	p, err := PlanAgents(declared(a.Configs), again, true)
	if err != nil || len(p.Changes) != 0 || p.Unchanged != 3 {
		t.Errorf("got %+v, %v, want nothing to change", p.Changes, err)
	}
}

func TestAnyFileThatIsTakenIsExportedAndTakenAgainWithoutAChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyFile(t)
		a, err := ReadAgents("agents.yml", []byte(text))
		if err != nil {
			return
		}
		first := string(ExportAgents(declared(a.Configs)))
		again, err := ReadAgents("again.yml", []byte(first))
		if err != nil {
			t.Fatalf("%v\nin what was exported:\n%s\nof:\n%s", err, first, text)
		}
		if second := string(ExportAgents(declared(again.Configs))); second != first {
			t.Fatalf("exported:\n%s\nand of that:\n%s\nfirst it was:\n%s", first, second, text)
		}
		for agent, config := range a.Configs {
			if fields := changedFieldsOf(config, again.Configs[agent]); len(fields) > 0 {
				t.Fatalf("%s means something else: %v", agent, fields)
			}
		}
	})
}

// anyFile is what people may write, in all layouts.
func anyFile(t *rapid.T) string {
	maybe := func(text string) string {
		if rapid.Bool().Draw(t, "maybe") {
			return text
		}
		return ""
	}
	var text strings.Builder
	text.WriteString(maybe("# top\n") + maybe("\n") + "agents:" + maybe(" # all") + "\n")
	for i := range rapid.IntRange(1, 3).Draw(t, "agents") {
		text.WriteString(maybe("  # above\n") + maybe("\n"))
		if rapid.IntRange(0, 3).Draw(t, "flow") == 0 {
			fmt.Fprintf(&text, "  ps-%d: {poll: {lines: 1m}, targets: [{host: a%d}]}%s\n", i, i, maybe(" # aside"))
			continue
		}
		fmt.Fprintf(&text, "  ps-%d:%s\n", i, maybe(" # beside"))
		text.WriteString(maybe("    # first\n") + "    targets:" + maybe(" # list") + "\n")
		for j := range rapid.IntRange(1, 3).Draw(t, "targets") {
			text.WriteString(maybe("      # target\n") + maybe("\n"))
			if rapid.Bool().Draw(t, "block") {
				fmt.Fprintf(&text, "      - host: h%d%s\n%s        credentials: [\"v 3\", 'x']\n", j, maybe(" # name"), maybe("        port: 1161 # odd\n"))
				continue
			}
			fmt.Fprintf(&text, "      - {range: 10.0.%d.0/24%s}%s\n", j, maybe(", credentials: v3"), maybe(" # range"))
		}
		text.WriteString(maybe("\n    # how often\n") + maybe("    poll: {lines: 1m, counters: 5m}\n") + maybe("    discovery:\n      every: 24h\n      # at night\n      window: \"22:00-05:00\"\n") + maybe("    # last\n"))
	}
	return text.String() + maybe("# end\n")
}

func TestAllFaultsOfAFileOfAgentsAreToldWithTheirLines(t *testing.T) {
	_, err := ReadAgents("agents.yml", []byte(`agents:
  PS 01: {}
  ps-02:
  ps-03:
    targets:
      - {host: 10.0.0.256}
      - {host: a, credentials: [b, c]}
      - {host: d}
      - {host: d, port: 161}
    pull: {lines: 1m}
    poll: {lines: 10ms, counters: x}
  ps-02: {}
`))
	want := `agents.yml:2: PS 01: want an agent's name: 1 to 63 of a-z, 0-9 and -
agents.yml:3: ps-02: is empty; want targets, poll and discovery, or {} for an agent that polls nothing. --replace ends what the file doesn't name
agents.yml:6: host: "10.0.0.256"; want a host name or an address, its port in port:
agents.yml:7: credentials: a host has one; want one of: b, c
agents.yml:9: host: d is there already; want each machine once
agents.yml:10: unknown key "pull"; known here: targets, poll, discovery
agents.yml:11: counters: "x"; want a duration such as 30s, 5m or 24h
agents.yml:11: lines: 10ms; want 1s to 24h
agents.yml:12: key "ps-02" stands here twice`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	for text, want := range map[string]string{
		"":                         "agents.yml:1: agents is missing; want agents: {NAME: {targets: […]}}, as export agents writes it",
		"targets: []\n":            "agents.yml:1: unknown key \"targets\"; known here: agents\nagents.yml:1: agents is missing; want agents: {NAME: {targets: […]}}, as export agents writes it",
		"agents: {a: {targets: \n": "agents.yml:1: not YAML: did not find expected node content",
	} {
		if _, err := ReadAgents("agents.yml", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got\n%v\nwant\n%s", text, err, want)
		}
	}
}

func TestWhatIsTooLongToBeSentIsRefusedWithItsSize(t *testing.T) {
	var text strings.Builder
	text.WriteString("agents:\n  ps-01:\n    targets:\n")
	for i := range 6000 {
		fmt.Fprintf(&text, "      - {host: 10.%d.%d.%d, credentials: legacy}\n", i/62500, i/250%250, i%250+1)
	}
	_, err := ReadAgents("agents.yml", []byte(text.String()))
	if want := "makes a message of 352 kB; want 256 kB at most"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestADiffOfAgentsSaysWhatIsAnother(t *testing.T) {
	now := declared(read(t, agentsYML).Configs)
	now = append(now, ledger.AgentConfig{Agent: "ps-09", Config: "targets: [{host: z}]\n"}, ledger.AgentConfig{Agent: "ps-10", Revision: 3})
	file := read(t, `agents:
  ps-01:
    targets:
      - {host: 10.12.4.20, credentials: legacy}
      - {host: 10.12.4.22, credentials: v3}
      - {range: 10.12.5.0/24, credentials: [v3, legacy]}
    poll: {lines: 30s, counters: 5m}
    discovery: {every: 24h}
  ps-02: # Bâtiment B
    targets: [{host: copier-3.example.org, port: 1161}]
  ps-03: {targets: [{host: 10.12.4.22, credentials: v3}], poll: {lines: 10s}}
`)
	p, err := PlanAgents(now, file, true)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := p.Print(&text); err != nil {
		t.Fatal(err)
	}
	want := `changed  agent  ps-01  target 10.12.4.20: credentials v3 → credentials legacy
                       target 10.12.4.22: (none) → credentials v3
                       poll.lines: 1m0s → 30s
                       discovery.window: 22:00-05:00 → (none)
changed  agent  ps-02  layout: (as before) → (as in the file)
new      agent  ps-03  machines: 1, ranges: 0, lines each 10s, counters each 5m0s
removed  agent  007    its own file holds again
removed  agent  ps-09  its own file holds again
agents: 1 new, 2 changed, 2 removed, 0 unchanged
`
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
	wantWarnings := []string{
		"ps-03: poll.lines is 10s: fast polling has crashed printers; 30s or more is safe",
		"10.12.4.22 is polled by ps-01 and ps-03; one of them is enough",
	}
	if !slices.Equal(p.Warnings, wantWarnings) {
		t.Errorf("got  %q\nwant %q", p.Warnings, wantWarnings)
	}
	if p, err = PlanAgents(now, file, false); err != nil || len(p.Changes) != 3 {
		t.Errorf("without --replace: got %v, %v, want the others left alone", p.Changes, err)
	}
}

func TestATableOfMachinesChangesOnlyTargets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "machines.csv")
	table := func(text string) (Agents, error) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		rows, err := Read(path, "", AgentTargets)
		if err != nil {
			t.Fatal(err)
		}
		return AgentsOf(rows)
	}
	a, err := table("Serveur;Adresse IP;Plage;Port SNMP;Accès;Lieu\nPS-01;10.12.4.20;;;v3;Urgences : rez-de-chaussée\nps-01;copier-3;;1161;;\nps-02;;10.12.5.0/24;;v3, legacy;\n")
	if err != nil {
		t.Fatal(err)
	}
	p, err := PlanAgents(declared(read(t, agentsYML).Configs), a, false)
	if err != nil {
		t.Fatal(err)
	}
	want := `agents:
  ps-01:
    targets:
      - {host: 10.12.4.20, credentials: v3} # Urgences : rez-de-chaussée
      - {host: copier-3, port: 1161}
    poll: {lines: 1m, counters: 5m}
    discovery:
      every: 24h
      window: "22:00-05:00"
  ps-02:
    targets:
      - {range: 10.12.5.0/24, credentials: [v3, legacy]}
`
	after := map[string]string{}
	for _, c := range p.Changes {
		after[c.Agent] = c.Config
	}
	if got := string(ExportAgents(declared(after))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	_, err = table("agent;host;range;port;credentials\nPS 01;h;;;\nps-02;10.0.0.256;;x;\nps-02;;;;\nps-02;h;10.0.0.0/24;;\nps-02;k;;;a b\n")
	wantErr := `machines.csv:2: agent: "ps 01"; want an agent's name: 1 to 63 of a-z, 0-9 and -
machines.csv:3: port: "x"; want a number
machines.csv:3: host: "10.0.0.256"; want a host name or an address, its port in port:
machines.csv:4: host is missing; want host or range
machines.csv:5: range: stands beside host; want one of them
machines.csv:6: credentials: a host has one; want one of: a, b`
	if err == nil || err.Error() != wantErr {
		t.Errorf("got\n%v\nwant\n%s", err, wantErr)
	}
}
