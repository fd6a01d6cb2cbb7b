package ledger_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// lead declares what an agent should poll; nothing means its own file.
func (c *collector) lead(agent, config string) (revision int64) {
	c.Helper()
	by := ledger.Author{Who: "anne", Source: "agents.yml"}
	err := c.DeclareAgents(context.Background(), by, func([]ledger.AgentConfig) ([]ledger.AgentChange, error) {
		return []ledger.AgentChange{{Agent: agent, Config: config, Fields: []ledger.FieldChange{{Field: "target a", After: config}}}}, nil
	})
	if err != nil {
		c.Fatal(err)
	}
	x, err := c.AgentConfig(context.Background(), agent)
	if err != nil || x.Config != config {
		c.Fatalf("got %+v, %v, want %q declared", x, err, config)
	}
	return x.Revision
}

// answers lets the agent say what it follows.
func (c *collector) answers(agent string, told *wire.ConfigState) {
	c.Helper()
	c.now = c.now.Add(time.Second)
	s := c.alive("one", start, 0)
	s.Config = told
	c.state(agent, s)
}

func (c *collector) stands(agent string, want ledger.ConfigStanding) {
	c.Helper()
	if got := c.agent(agent).Config.Standing; got != want {
		c.Errorf("%s: got %s, want %s", agent, got, want)
	}
	all, err := c.AgentStandings(context.Background())
	i := slices.IndexFunc(all, func(x ledger.AgentStanding) bool { return x.Agent == agent })
	if err != nil || i >= 0 && all[i].Standing != want {
		c.Errorf("%s: got %+v, %v, want the same, %s", agent, all, err, want)
	}
}

func TestWhatAnAgentAnswersToItsConfigurationIsKept(t *testing.T) {
	c := newCollector(t)
	c.answers("ps-01", nil)
	c.stands("ps-01", ledger.ConfigOwn)
	first := c.lead("ps-01", "targets: []\n")
	c.stands("ps-01", ledger.ConfigUnable)
	c.answers("ps-01", &wire.ConfigState{})
	c.stands("ps-01", ledger.ConfigPending)
	c.answers("ps-01", &wire.ConfigState{Error: "not signed by this agent's authority"})
	c.stands("ps-01", ledger.ConfigRefused)
	c.answers("ps-01", &wire.ConfigState{Revision: first})
	c.stands("ps-01", ledger.ConfigCurrent)
	second := c.lead("ps-01", "poll: {}\n")
	if second <= first {
		t.Errorf("revisions: got %d after %d, want them to grow", second, first)
	}
	c.stands("ps-01", ledger.ConfigPending)
	c.answers("ps-01", &wire.ConfigState{Revision: first, Refused: second, Error: "line 3"})
	c.reopen()
	c.stands("ps-01", ledger.ConfigRefused)
	if a := c.agent("ps-01"); a.Config.Error != "line 3" || a.Config.ChangedBy != "anne" || a.Config.Runs != first {
		t.Errorf("got %+v, want the reason, the author and what it runs", a.Config)
	}
	end := c.lead("ps-01", "")
	c.stands("ps-01", ledger.ConfigPending)
	c.answers("ps-01", &wire.ConfigState{Revision: end})
	c.stands("ps-01", ledger.ConfigOwn)

	log, err := c.Audit(context.Background(), 10)
	if err != nil || len(log) != 2 || log[0].Subject != "agent_configs ps-01" || log[0].After != "poll: {}\n" || log[0].Who != "anne" {
		t.Errorf("audit: got %+v, %v, want who declared what", log, err)
	}
}

func TestAnAgentThatWasNeverHeardIsListedOnceItIsDeclared(t *testing.T) {
	c := newCollector(t)
	c.lead("ps-09", "targets: []\n")
	c.stands("ps-09", ledger.ConfigPending)
	if a := c.agent("ps-09"); a.Up || a.Online || a.FirstSeen != 0 {
		t.Errorf("got %+v, want it unheard", a)
	}
	c.lead("ps-09", "")
	if agents, err := c.Agents(context.Background()); err != nil || len(agents) != 0 {
		t.Errorf("got %+v, %v, want nobody left", agents, err)
	}
}

func TestWhateverTheClockSaysRevisionsGrow(t *testing.T) {
	c := newCollector(t)
	last := c.lead("ps-01", "targets: []\n")
	for range 5 {
		c.now = c.now.Add(-time.Hour)
		next := c.lead("ps-01", "targets: []\n")
		if next <= last {
			t.Fatalf("got %d after %d", next, last)
		}
		last = next
	}
	told := last + 1_000_000
	c.answers("ps-01", &wire.ConfigState{Refused: told})
	if next := c.lead("ps-01", "poll: {}\n"); next <= told {
		t.Errorf("got %d, the agent knows %d already", next, told)
	}
}

func TestBooksFromAnOlderBackupGetAheadOfTheAgentAgain(t *testing.T) {
	c := newCollector(t)
	c.answers("ps-01", &wire.ConfigState{})
	old := c.lead("ps-01", "targets: [old]\n")
	backup := filepath.Join(t.TempDir(), "monday.db")
	if _, err := ledger.Backup(context.Background(), c.path, backup, false); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(time.Hour)
	newer := c.lead("ps-01", "targets: [newer]\n")
	c.answers("ps-01", &wire.ConfigState{Revision: newer})
	c.Close()
	if _, _, err := restore(c.path, backup); err != nil {
		t.Fatal(err)
	}
	c.Ledger = c.open()
	if x, err := c.AgentConfig(context.Background(), "ps-01"); err != nil || x.Revision != old {
		t.Fatalf("got %+v, %v, want the books of monday", x, err)
	}
	c.answers("ps-01", &wire.ConfigState{Revision: newer})
	x, err := c.AgentConfig(context.Background(), "ps-01")
	if err != nil || x.Revision <= newer || x.Config != "targets: [old]\n" {
		t.Errorf("got %+v, %v, want what is declared beyond %d, which the agent follows", x, err, newer)
	}
	c.stands("ps-01", ledger.ConfigPending)

	c.answers("ps-01", &wire.ConfigState{Revision: math.MaxInt64}) // nothing could come after that
	if again, err := c.AgentConfig(context.Background(), "ps-01"); err != nil || again.Revision != x.Revision {
		t.Errorf("got %+v, %v, want %d unmoved by a revision that can't be", again, err, x.Revision)
	}
	c.answers("ps-02", &wire.ConfigState{Revision: 5})
	c.stands("ps-02", ledger.ConfigAstray)
}

// Whoever tries a copy of the books against the same broker must not have the agent change to and fro.
func TestTwoCollectorsDoNotOutrunEachOtherAllTheTime(t *testing.T) {
	c := newCollector(t)
	c.answers("ps-01", &wire.ConfigState{})
	c.lead("ps-01", "targets: [a]\n")
	c.now = c.now.Add(time.Hour)
	moved := 0
	for range 360 {
		c.now = c.now.Add(9 * time.Second)
		x, err := c.AgentConfig(context.Background(), "ps-01")
		if err != nil {
			t.Fatal(err)
		}
		c.answers("ps-01", &wire.ConfigState{Revision: max(x.Revision, int64(wire.TimeOf(c.now))) + 1}) // of the other one
		if again, err := c.AgentConfig(context.Background(), "ps-01"); err != nil || again.Revision != x.Revision {
			moved++
		}
	}
	if moved < 1 || moved > 6 {
		t.Errorf("the configuration got ahead %d times in an hour, want it now and then only", moved)
	}
}

func TestARefusedDeclarationOfAgentsChangesNothing(t *testing.T) {
	c := newCollector(t)
	refusal := errors.New("line 3")
	for _, change := range []func([]ledger.AgentConfig) ([]ledger.AgentChange, error){
		func([]ledger.AgentConfig) ([]ledger.AgentChange, error) { return nil, refusal },
		func([]ledger.AgentConfig) ([]ledger.AgentChange, error) {
			return []ledger.AgentChange{{Agent: "ps-01", Config: "{}\n"}, {Agent: "../x", Config: "{}\n"}}, nil
		},
	} {
		if err := c.DeclareAgents(context.Background(), ledger.Author{Who: "anne"}, change); err == nil {
			t.Error("got no error")
		}
		if all, err := c.AgentConfigs(context.Background()); err != nil || len(all) != 0 {
			t.Errorf("got %+v, %v, want nothing declared", all, err)
		}
	}
}
