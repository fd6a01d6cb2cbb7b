package central_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/central"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// books are what is declared and what agents answered, as a test has it.
type books struct {
	standings []ledger.AgentStanding
	err       error
}

func (b *books) AgentStandings(context.Context) ([]ledger.AgentStanding, error) {
	return b.standings, b.err
}

func (b *books) AgentConfig(_ context.Context, agent string) (ledger.AgentConfig, error) {
	for _, x := range b.standings {
		if x.Agent == agent {
			return ledger.AgentConfig{Agent: agent, Revision: x.Revision, Config: "targets: []\n"}, nil
		}
	}
	return ledger.AgentConfig{}, errors.New("not declared")
}

// publisher is one whose time and link a test decides on.
type publisher struct {
	*testing.T
	*central.Publisher
	books
	key  *ecdsa.PrivateKey
	now  time.Time
	link int64
	said []string
}

func newPublisher(t *testing.T) *publisher {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{T: t, key: key, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	p.Publisher = central.New(central.Options{
		Books: &p.books, Signer: func(context.Context) (crypto.Signer, error) { return key, nil }, Link: func() int64 { return p.link },
		Publish: p.publish, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return p.now },
	})
	return p
}

func (p *publisher) publish(agent string, payload []byte) {
	c, err := wire.OpenConfig(payload, agent, &p.key.PublicKey)
	if err != nil {
		p.Error(err)
	}
	p.said = append(p.said, agent+" "+wire.Time(c.Revision).String()[17:])
}

// wants makes a round, and wants that said.
func (p *publisher) wants(when string, want ...string) {
	p.Helper()
	p.said = nil
	if err := p.Round(context.Background()); err != nil {
		p.Fatal(err)
	}
	if !slices.Equal(p.said, want) {
		p.Errorf("%s: said %q, want %q", when, p.said, want)
	}
}

func (p *publisher) declare(agent string, standing ledger.ConfigStanding, revision int64) {
	p.standings = slices.DeleteFunc(p.standings, func(x ledger.AgentStanding) bool { return x.Agent == agent })
	p.standings = append(p.standings, ledger.AgentStanding{Agent: agent, ConfigView: ledger.ConfigView{Standing: standing, Declared: true, Revision: revision}})
}

func TestEveryAgentIsToldOnEveryLinkAndOnEveryChange(t *testing.T) {
	p := newPublisher(t)
	p.declare("ps-01", ledger.ConfigCurrent, 1000)
	p.declare("ps-02", ledger.ConfigRefused, 2000)
	p.standings[1].Refused = 2000
	p.wants("without a link")
	p.link = 1
	p.wants("on a link", "ps-01 01.000Z", "ps-02 02.000Z")
	p.wants("a second later")
	p.declare("ps-01", ledger.ConfigPending, 3000)
	p.wants("on a change", "ps-01 03.000Z")
	p.link = 2
	p.wants("on the next link", "ps-02 02.000Z", "ps-01 03.000Z")
	p.now = p.now.Add(time.Hour)
	p.wants("an hour later, nobody having been heard")
}

func TestAnAgentThatTellsAnotherRevisionIsToldAgainButNotAllTheTime(t *testing.T) {
	p := newPublisher(t)
	p.link = 1
	p.declare("ps-01", ledger.ConfigPending, 1000)
	p.wants("at first", "ps-01 01.000Z")
	said := 0
	for range 300 {
		p.now = p.now.Add(time.Second)
		p.standings[0].LastSeen = wire.TimeOf(p.now)
		p.said = nil
		if err := p.Round(context.Background()); err != nil {
			t.Fatal(err)
		}
		said += len(p.said)
	}
	if said != 10 {
		t.Errorf("said %d times in 5 minutes, want 10", said)
	}
}

func TestTroubleWithTheBooksIsToldAndTriedAgain(t *testing.T) {
	p := newPublisher(t)
	p.link = 1
	p.declare("ps-01", ledger.ConfigPending, 1000)
	p.err = errors.New("no room left")
	if err := p.Round(context.Background()); !errors.Is(err, p.err) {
		t.Errorf("got %v, want %v", err, p.err)
	}
	p.err = nil
	p.wants("once the books can be read", "ps-01 01.000Z")
}
