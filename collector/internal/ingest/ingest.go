// Package ingest takes what agents publish over MQTT, hands it to the ledger in groups and
// in order, and publishes the acks once a group is on disk. It decides nothing: what is
// accepted, and what is acknowledged, is the ledger's business. Whatever it can't cope
// with at once it drops, since agents say again all that isn't acknowledged.
//
//	broker ─▶ receive ─▶ queue ─▶ book: decode, Apply (one commit) ─▶ acks ─▶ link ─▶ broker
//	          never waits  bounded   a group of what has gathered      latest     never waited for
//	                                                                   a topic
package ingest

import (
	"context"
	"crypto/tls"
	"log/slog"
	"slices"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Books is what ingest needs of the ledger.
type Books interface {
	Apply(ctx context.Context, deliveries []ledger.Delivery) ([]ledger.Result, error)
	AgentState(ctx context.Context, agent string, s wire.AgentState, receivedAt time.Time) error
}

// Options of an Ingest.
type Options struct {
	URL      string      // mqtt://host:port or mqtts://host:port
	TLS      *tls.Config // for mqtts; nil = the system's
	Username string
	Password string
	Books    Books
	Observe  func(waited time.Duration) // from an envelope's arrival to its commit; may be nil
	// Certify answers an agent that asks for a certificate. On an error it gets no answer, and asks again.
	Certify func(ctx context.Context, agent string, r wire.CertificateRequest) (wire.CertificateAnswer, error)
	// Since is since when these are the books: agents that told others read journals again.
	Since wire.Time
	Log   *slog.Logger
	Now   func() time.Time
}

// Ingest is the way from the broker into the books.
type Ingest struct {
	options Options
	queue   *queue
	out     *outgoing
	health  health
	present present
	told    map[string]bool // trouble with agents' messages that was logged; only the book loop's
}

// New is an Ingest that does nothing yet.
func New(o Options) *Ingest {
	if o.Observe == nil {
		o.Observe = func(time.Duration) {}
	}
	in := &Ingest{options: o, queue: newQueue(o.Log), out: newOutgoing(), told: map[string]bool{}}
	in.health.link = errNotYet
	return in
}

// Run works until ctx ends; it goes on through every failure of the broker or the ledger.
func (in *Ingest) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { in.bookAll(ctx); return nil })
	group.Go(func() error { in.keepLink(ctx); return nil })
	return group.Wait()
}

// Dropped is how many messages found the queue full since the program started.
func (in *Ingest) Dropped() int64 { return in.queue.dropped.Load() }

// Ready is nil while messages can come in and be booked, else why not.
func (in *Ingest) Ready() error { return in.health.err() }

// receive runs in the MQTT client's only reading goroutine: it must not wait for anything.
func (in *Ingest) receive(_ mqtt.Client, m mqtt.Message) {
	agent, kind, ok := wire.ParseTopic(m.Topic())
	if !ok || !slices.Contains(wire.FromAgent(), kind) {
		return // an agent's name that can't be one; nothing could be answered to it either
	}
	in.queue.offer(message{agent: agent, kind: kind, payload: m.Payload(), at: in.options.Now()})
}

// health is what Ready tells: set by the loops, read by whoever asks.
type health struct {
	mu          sync.Mutex
	link, books error
}

func (h *health) set(which *error, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*which = err
}

func (h *health) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.books != nil {
		return h.books
	}
	return h.link
}
