package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

var agentConfigsTable = table{"agent_configs", "agent, revision, config, changed_at, changed_by", 1, false}

// AgentConfig is what an agent should poll, as people declared it here.
type AgentConfig struct {
	Agent     string
	Revision  int64  // grows with every change; see wire.AgentConfig
	Config    string // YAML with the keys targets, poll and discovery; empty: not declared any more, the agent's own file holds
	ChangedAt wire.Time
	ChangedBy string
}

// AgentChange declares an agent's configuration anew. Fields are what is another, for the audit log.
type AgentChange struct {
	Agent  string
	Config string // empty: the agent's own file holds again
	Fields []FieldChange
}

// FieldChange is what happened to a field, in words.
type FieldChange struct {
	Field, Before, After string
}

// ConfigStanding is what became of an agent's configuration.
type ConfigStanding string

// The standings.
const (
	ConfigOwn     ConfigStanding = "own"     // its own file holds, and nothing else is declared
	ConfigCurrent ConfigStanding = "current" // it polls as declared
	ConfigPending ConfigStanding = "pending" // it has not said yet that it took what is declared
	ConfigRefused ConfigStanding = "refused" // it can't take what is declared, and says why
	ConfigUnable  ConfigStanding = "unable"  // it takes none: its agent.yml names no authority, or it is too old
	ConfigAstray  ConfigStanding = "astray"  // it follows one that these books don't know
)

// ConfigView is an agent's configuration as declared and as it answers to that.
type ConfigView struct {
	Standing  ConfigStanding `json:"standing"`
	Declared  bool           `json:"declared"`           // else its own file holds, or should
	Revision  int64          `json:"revision,omitempty"` // of what is declared, or of the end of that
	Runs      int64          `json:"runs,omitempty"`     // the one that it follows, as it says
	Refused   int64          `json:"refused,omitempty"`  // the newest one that it can't take, as it says
	Error     string         `json:"error,omitempty"`    // why not; without Refused: what came wasn't the collector's
	ChangedAt wire.Time      `json:"changed_at,omitempty"`
	ChangedBy string         `json:"changed_by,omitempty"`
}

// standing judges what an agent tells against what is declared; told is nil where it tells nothing.
func standing(c AgentConfig, told *wire.ConfigState, heard bool) ConfigView {
	v := ConfigView{Declared: c.Config != "", Revision: c.Revision, ChangedAt: c.ChangedAt, ChangedBy: c.ChangedBy}
	if told == nil {
		told = new(wire.ConfigState)
		if heard && v.Declared {
			v.Standing = ConfigUnable
			return v
		}
	}
	v.Runs, v.Refused, v.Error = told.Revision, told.Refused, told.Error
	switch {
	case told.Revision == c.Revision && v.Declared:
		v.Standing = ConfigCurrent
	case told.Revision == c.Revision || !v.Declared && told.Revision == 0:
		v.Standing = ConfigOwn
	case c.Revision == 0:
		v.Standing = ConfigAstray
	case told.Refused == c.Revision || told.Refused == 0 && told.Error != "":
		v.Standing = ConfigRefused
	default:
		v.Standing = ConfigPending
	}
	return v
}

// AgentConfigs are all configurations that were ever declared here, by agent.
func (l *Ledger) AgentConfigs(ctx context.Context) (all []AgentConfig, err error) {
	err = l.read(ctx, "agent configurations", func(q querier, _ wire.Time) error {
		all, err = readAgentConfigs(ctx, q, "TRUE")
		return err
	})
	return all, err
}

// AgentConfig is an agent's configuration; without a revision none was ever declared.
func (l *Ledger) AgentConfig(ctx context.Context, agent string) (c AgentConfig, err error) {
	err = l.read(ctx, "agent configuration", func(q querier, _ wire.Time) error {
		all, err := readAgentConfigs(ctx, q, "agent = ?", agent)
		if len(all) > 0 {
			c = all[0]
		}
		return err
	})
	return c, err
}

// AgentStanding is what became of the configuration of an agent for which one was ever declared.
type AgentStanding struct {
	Agent    string
	LastSeen wire.Time // 0: never
	ConfigView
}

// AgentStandings are those of all such agents, in no order.
func (l *Ledger) AgentStandings(ctx context.Context) (all []AgentStanding, err error) {
	err = l.read(ctx, "agent configurations", func(q querier, _ wire.Time) error {
		configs, err := readRevisions(ctx, q)
		if err != nil {
			return err
		}
		const query = "SELECT agents.id, last_seen, agents.config FROM agents JOIN agent_configs ON agent_configs.agent = agents.id"
		err = each(ctx, q, query, func(read func(...any) error) error {
			var x AgentStanding
			var text string
			var told *wire.ConfigState
			if err := read(&x.Agent, &x.LastSeen, &text); err != nil {
				return err
			}
			if err := decodeOptional(text, &told); err != nil {
				return err
			}
			x.ConfigView = standing(configs[x.Agent], told, true)
			all = append(all, x)
			delete(configs, x.Agent)
			return nil
		})
		for agent, c := range configs {
			all = append(all, AgentStanding{Agent: agent, ConfigView: standing(c, nil, false)})
		}
		return err
	})
	return all, err
}

// readRevisions are the configurations by agent; of what is in them only whether there is something.
func readRevisions(ctx context.Context, q querier) (map[string]AgentConfig, error) {
	all := make(map[string]AgentConfig)
	const query = "SELECT agent, revision, SUBSTR(config, 1, 1), changed_at, changed_by FROM agent_configs"
	return all, each(ctx, q, query, func(read func(...any) error) error {
		var c AgentConfig
		err := read(&c.Agent, &c.Revision, &c.Config, &c.ChangedAt, &c.ChangedBy)
		all[c.Agent] = c
		return err
	})
}

func readAgentConfigs(ctx context.Context, q querier, where string, args ...any) (all []AgentConfig, err error) {
	err = each(ctx, q, "SELECT "+agentConfigsTable.columns+" FROM agent_configs WHERE "+where+" ORDER BY agent", func(read func(...any) error) error {
		var c AgentConfig
		err := read(&c.Agent, &c.Revision, &c.Config, &c.ChangedAt, &c.ChangedBy)
		all = append(all, c)
		return err
	}, args...)
	return all, err
}

// DeclareAgents lets change say what agents should poll, in one transaction with the audit log.
// change is handed what is declared, and must not touch the ledger. On its error nothing happens,
// and that error is returned, wrapped.
func (l *Ledger) DeclareAgents(ctx context.Context, by Author, change func([]AgentConfig) ([]AgentChange, error)) error {
	return l.transact(ctx, func(b *books) error {
		now, err := readAgentConfigs(ctx, l.store.conn, "TRUE")
		if err != nil {
			return err
		}
		changes, err := change(now)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if !wire.ValidAgent(c.Agent) {
				return fmt.Errorf("declare agents: %q can't be an agent", c.Agent)
			}
			b.declareAgent(c, by)
		}
		return nil
	})
}

func (b *books) declareAgent(c AgentChange, by Author) {
	known := b.revisions[c.Agent]
	if a := b.agents[c.Agent]; a != nil && a.state.Config != nil {
		known = max(known, credible(a.state.Config.Revision), credible(a.state.Config.Refused))
	}
	now := wire.TimeOf(b.now())
	next := AgentConfig{Agent: c.Agent, Revision: max(int64(now), known+1), Config: c.Config, ChangedAt: now, ChangedBy: by.Who}
	b.revisions[c.Agent] = next.Revision
	b.changes.configs = append(b.changes.configs, next)
	for _, f := range c.Fields {
		b.log(by, agentConfigsTable.name+" "+c.Agent, f.Field, f.Before, f.After)
	}
}

// farthest is the last millisecond of the year 9999. A revision beyond it is no time, and nothing
// could come after it.
const farthest = 253_402_300_799_999

func credible(revision int64) int64 {
	if revision > farthest {
		return 0
	}
	return revision
}

const outrunEvery = 10 * time.Minute

// outrun gives an agent's configuration a later number where the agent follows a later one than the
// books know: they were restored from an older backup, and the agent takes nothing older. Where it
// follows the like of these books as well, a copy of them that somebody tries, both go ahead in turn:
// then not so often that it does nothing but begin anew.
func (b *books) outrun(a *agent) {
	known, now := b.revisions[a.id], wire.TimeOf(b.now())
	if known == 0 || a.state.Config == nil || credible(a.state.Config.Revision) <= known {
		return
	}
	if age := now.Sub(wire.Time(known)); 0 <= age && age < outrunEvery {
		return
	}
	next := max(int64(now), a.state.Config.Revision+1)
	b.revisions[a.id], b.changes.outrun[a.id] = next, next
}

func (s *store) writeAgentConfigs(ctx context.Context, c *changes) error {
	err := s.write(ctx, agentConfigsTable, len(c.configs), func(i int, to []any) []any {
		x := &c.configs[i]
		return append(to, x.Agent, x.Revision, x.Config, int64(x.ChangedAt), x.ChangedBy)
	})
	for _, agent := range slices.Sorted(maps.Keys(c.outrun)) {
		err = errors.Join(err, s.exec(ctx, "UPDATE agent_configs SET revision = ? WHERE agent = ?", c.outrun[agent], agent))
	}
	return err
}

func (s *store) loadRevisions(ctx context.Context, b *books) error {
	return each(ctx, s.conn, "SELECT agent, revision FROM agent_configs", func(read func(...any) error) error {
		var agent string
		var revision int64
		err := read(&agent, &revision)
		b.revisions[agent] = revision
		return err
	})
}
