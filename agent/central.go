package main

import (
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/internal/status"
	"github.com/zerofax/zerofax/agent/internal/wholefile"
	"github.com/zerofax/zerofax/agent/polling"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/agent/yamlfile"
)

// centralConfig is the key central of agent.yml: whom to believe what is to be polled.
type centralConfig struct {
	AuthorityFile string `yaml:"authority_file"`

	authority *x509.Certificate // of AuthorityFile, with a key of ECDSA; nil = nobody: the file itself says it
}

func (c *centralConfig) check(f *configfile.File) {
	if c.AuthorityFile = f.Path(c.AuthorityFile); c.AuthorityFile == "" {
		return
	}
	text, err := os.ReadFile(c.AuthorityFile)
	if err == nil {
		c.authority, err = bundle.ParseAuthority(text)
	}
	if err != nil {
		f.Fault(at("central", "authority_file"), "%v", err)
	}
}

// key is the authority's, where there is one.
func (c *centralConfig) key() *ecdsa.PublicKey { return c.authority.PublicKey.(*ecdsa.PublicKey) }

// refusal is why a configuration that the collector's authority did sign can't be taken.
type refusal struct {
	revision int64
	error
}

func (r refusal) Unwrap() error { return r.error }

// under is the settings as a central configuration wants them: all of targets, poll and
// discovery is its. An empty one ends that, and those of the file hold again.
func (s *settings) under(told wire.AgentConfig, payload []byte) (*settings, error) {
	next, c := *s, *s.file
	next.config, next.central, next.payload = &c, told, payload
	if told.Config == "" {
		return &next, nil
	}
	c.Config = polling.Defaults()
	doc := yamlfile.Decode("central configuration", []byte(told.Config), &c.Config)
	c.pollWarnings = c.Config.Check(doc, nil, c.SNMP.names())
	if err := doc.Err(); err != nil {
		return nil, refusal{told.Revision, err}
	}
	return &next, nil
}

// opened is the settings as a signed configuration wants them.
func (s *settings) opened(payload []byte) (*settings, error) {
	told, err := wire.OpenConfig(payload, s.Agent, s.Central.key())
	if err != nil {
		return nil, err
	}
	return s.under(told, payload)
}

// keptAs is where the configuration in force outlives restarts.
func (c *config) keptAs() string { return filepath.Join(c.Spool.Dir, "central.json") }

// recalled is the settings as the configuration wants them that was in force when the agent ran
// last. If there is an error the file's own hold.
func (s *settings) recalled() (*settings, error) {
	if s.Central.authority == nil {
		return s, nil
	}
	payload, err := os.ReadFile(s.keptAs())
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read what the collector wants polled: %w", err)
	}
	next, err := s.opened(payload)
	if err != nil {
		return s, fmt.Errorf("%s: %w", s.keptAs(), err)
	}
	return next, nil
}

// after is the settings of a file that was read again: what the collector wants polled stays in
// force, and an error says that it no longer can.
func (s *settings) after(before *settings) (*settings, error) {
	if s.Central.authority == nil || before.payload == nil {
		return s.recalled()
	}
	next, err := s.opened(before.payload)
	if errors.As(err, new(refusal)) || err == nil {
		return next, err
	}
	return s.recalled() // it was for another agent, or of another authority
}

// keep writes down what is in force. Without it the next start waits for the collector.
func (s *settings) keep() error {
	if s.payload == nil {
		return nil
	}
	if kept, err := os.ReadFile(s.keptAs()); err == nil && string(kept) == string(s.payload) {
		return nil
	}
	if err := wholefile.Write(s.keptAs(), s.payload); err != nil {
		return fmt.Errorf("keep what the collector wants polled: %w", err)
	}
	return nil
}

// central is the way of configurations from the uplink to the runner, and of its answer back.
type central struct {
	log     *slog.Logger
	came    chan []byte   // what doesn't fit is dropped: the collector says the newest again
	changed chan struct{} // receives when state has something new to tell

	refused map[int64]bool // since the file was read last; only the runner's
	doubted bool           // only the runner's

	mu    sync.Mutex
	state *wire.ConfigState // nil: agent.yml names no authority
	own   bool              // the collector says that the file's own targets hold
}

func newCentral(log *slog.Logger) *central {
	return &central{log: log, came: make(chan []byte, 16), changed: make(chan struct{}, 1), refused: map[int64]bool{}}
}

// take is called by the uplink, and never waits. An empty message only says that somebody
// took the retained one away: what is in force stays.
func (c *central) take(payload []byte) {
	if len(payload) == 0 {
		return
	}
	select {
	case c.came <- payload:
	default:
	}
}

// tell is what the collector should know.
func (c *central) tell() *wire.ConfigState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == nil {
		return nil
	}
	state := *c.state
	return &state
}

// show is the same for people at this machine.
func (c *central) show() status.Central {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == nil {
		return status.Central{}
	}
	return status.Central{
		Followed: true, Own: c.own || c.state.Revision == 0, Revision: wire.Time(c.state.Revision), Refused: wire.Time(c.state.Refused), Error: c.state.Error,
	}
}

func (c *central) note(change func(*wire.ConfigState)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == nil {
		return
	}
	before := *c.state
	if change(c.state); *c.state == before {
		return
	}
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// follows notes what is in force from now on.
func (c *central) follows(s *settings) {
	c.mu.Lock()
	c.own = s.central.Config == ""
	switch {
	case s.Central.authority == nil:
		c.state = nil
	case c.state == nil:
		c.state = new(wire.ConfigState)
	}
	c.mu.Unlock()
	c.note(func(state *wire.ConfigState) {
		state.Revision = s.central.Revision
		if state.Refused <= state.Revision {
			state.Refused, state.Error = 0, ""
		}
	})
}

// forgive notes that a file was read again, by which what was refused may do now.
func (c *central) forgive() {
	clear(c.refused)
	c.note(func(state *wire.ConfigState) { state.Refused, state.Error = 0, "" })
}

// offered gives the settings that a message makes of those in force; nil: nothing changes.
// It doesn't matter in which order messages come: the newest valid one wins.
func (c *central) offered(now *settings, payload []byte) *settings {
	if now.Central.authority == nil { // it came before the file was read again
		return nil
	}
	told, err := wire.OpenConfig(payload, now.Agent, now.Central.key())
	if err != nil {
		c.doubt(err)
		return nil
	}
	c.trust()
	if told.Revision <= now.central.Revision || c.refused[told.Revision] {
		return nil
	}
	if now.central.Revision > 0 && told.Config == now.central.Config { // only its number is new
		now.central, now.payload = told, payload
		c.follows(now)
		c.keep(now)
		return nil
	}
	next, err := now.under(told, payload)
	if err != nil {
		c.refuse(err)
		return nil
	}
	c.log.Info("new central configuration", "revision", wire.Time(told.Revision), "targets", len(next.Targets))
	return next
}

func (c *central) keep(s *settings) {
	if err := s.keep(); err != nil {
		c.log.Error("the central configuration would not survive a restart", "error", err)
	}
}

// refuse notes why a configuration isn't taken, and tells it.
func (c *central) refuse(err error) {
	var r refusal
	if !errors.As(err, &r) {
		c.doubt(err)
		return
	}
	faults := strings.Split(r.Error(), "\n")
	for _, fault := range faults {
		c.log.Error("central configuration refused, the old one goes on", "revision", wire.Time(r.revision), "fault", fault)
	}
	c.refused[r.revision] = true
	text := faults[0]
	if more := len(faults) - 1; more > 0 {
		text = fmt.Sprintf("%.*s (and %d more)", wire.MaxText-20, text, more)
	}
	c.note(func(state *wire.ConfigState) {
		if r.revision > state.Refused {
			state.Refused, state.Error = r.revision, wire.Shorten(text)
		}
	})
}

// doubt notes a message that isn't the collector's, as far as this agent can tell: told once
// until a good one comes, or who sends them could fill the log.
func (c *central) doubt(err error) {
	if c.doubted {
		return
	}
	c.doubted = true
	c.log.Warn("no central configuration to take, the old one goes on", "error", err)
	c.note(func(state *wire.ConfigState) {
		if state.Refused == 0 {
			state.Error = wire.Shorten(err.Error())
		}
	})
}

func (c *central) trust() {
	if !c.doubted {
		return
	}
	c.doubted = false
	c.note(func(state *wire.ConfigState) {
		if state.Refused == 0 {
			state.Error = ""
		}
	})
}
