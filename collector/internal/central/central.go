// Package central sees to it that every agent learns what people declared that it should poll: it
// signs that, and says it on the agent's retained topic. It keeps nothing but when it said what;
// the books know what is declared, and what each agent answered.
package central

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Books is where it is declared.
type Books interface {
	AgentStandings(ctx context.Context) ([]ledger.AgentStanding, error)
	AgentConfig(ctx context.Context, agent string) (ledger.AgentConfig, error)
}

// Options of a Publisher.
type Options struct {
	Books   Books
	Signer  func(ctx context.Context) (crypto.Signer, error) // whom agents believe
	Link    func() int64                                     // the number of the link to the broker, another one each time; 0 = there is none
	Publish func(agent string, payload []byte)               // as the retained message of its config topic
	Log     *slog.Logger
	Now     func() time.Time
}

// Publisher says it. Its rounds are made one after the other.
type Publisher struct {
	Options
	said map[string]saying
}

// saying is what was said to an agent last.
type saying struct {
	revision int64
	link     int64
	at       time.Time
}

// New is a publisher that has said nothing yet.
func New(o Options) *Publisher { return &Publisher{Options: o, said: make(map[string]saying)} }

// again is how long it takes at least until the same is said once more to an agent that was heard
// since, and didn't take it: a broker may acknowledge a retained message and then not deliver it.
const again = 30 * time.Second

// due tells whether something has to be said to an agent: on every new link, on every change, and
// where it doesn't know it although it should.
func due(x ledger.AgentStanding, last saying, link int64, now time.Time) bool {
	switch {
	case last.link != link || last.revision != x.Revision:
		return true
	case x.Standing == ledger.ConfigPending, x.Standing == ledger.ConfigRefused && x.Refused != x.Revision:
		return now.Sub(last.at) >= again && x.LastSeen > wire.TimeOf(last.at)
	}
	return false
}

// Round says what is due.
func (p *Publisher) Round(ctx context.Context) error {
	link := p.Link()
	if link == 0 {
		return nil
	}
	all, err := p.Books.AgentStandings(ctx)
	if err != nil {
		return err
	}
	var signer crypto.Signer
	var faults []error
	for _, x := range all {
		now := p.Now()
		if !due(x, p.said[x.Agent], link, now) {
			continue
		}
		if signer == nil {
			if signer, err = p.Signer(ctx); err != nil {
				return fmt.Errorf("sign configurations: %w", err)
			}
		}
		revision, err := p.say(ctx, x.Agent, signer)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		p.said[x.Agent] = saying{revision, link, now}
	}
	return errors.Join(faults...)
}

func (p *Publisher) say(ctx context.Context, agent string, signer crypto.Signer) (revision int64, err error) {
	c, err := p.Books.AgentConfig(ctx, agent)
	if err != nil {
		return 0, err
	}
	payload, err := wire.SignConfig(wire.AgentConfig{Agent: agent, Revision: c.Revision, Config: c.Config}, signer)
	if err != nil {
		return 0, err
	}
	p.Publish(agent, payload)
	p.Log.Info("told an agent what to poll", "agent", agent, "revision", wire.Time(c.Revision), "own", c.Config == "")
	return c.Revision, nil
}
