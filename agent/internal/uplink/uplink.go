// Package uplink brings what the spool holds to the collector over MQTT, and tells it how
// the agent is. It takes no promise from broker or client library: a batch is forgotten
// only by the collector's own ack, and said again until then.
//
// Every connection has a client of its own, which is never reconnected: an automatic
// reconnect would leave the old session's will with the broker, and its tokens lie.
package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"sync"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Spool is where batches come from and acks go.
type Spool interface {
	// Next gives the oldest batch with a number beyond after; false if there is none to send.
	Next(after uint64) (Batch, bool, error)
	// Ack forgets batches. After an error the sender begins again with Next(0): a new stream
	// may have begun, as it does nowhere else.
	Ack(stream string, seq uint64, crc uint32) error
	// Changed receives when there may be something new to send.
	Changed() <-chan struct{}
}

// Identity is how agent and broker know each other where the link is encrypted.
type Identity interface {
	// TLS is for one connection. The broker's name is seen to here.
	TLS() (*tls.Config, error)
	// Request is a message to send now to get the next certificate, nil most of the time.
	Request() []byte
	// Take is told the answer, and tells whether to connect anew with another certificate.
	Take(answer []byte) bool
}

// Batch is what the spool gives to send. Its fields are those of wire.Header.
type Batch struct {
	Stream  string
	First   uint64
	Seq     uint64
	Oldest  uint64
	Lost    int64
	Payload []byte // wire.EncodeReadings made it
	CRC     uint32
}

// Options of an uplink. The intervals are defaults for zero, and there for tests.
type Options struct {
	Agent    string
	URL      string // mqtt://host:1883 or mqtts://host:8883
	Username string
	Password string
	Identity Identity // nil: the system's authorities, and nothing to show

	Spool  Spool
	State  func() wire.AgentState // V, Online, Session and SentAt are set here
	Config func(payload []byte)   // what the collector wants polled; nil = nobody asks. Must not block
	News   <-chan struct{}        // receives when State should be told at once; nil = never
	Log    *slog.Logger           // nil = silent
	Now    func() time.Time       // nil = time.Now

	Window        int           // 16 envelopes under way beyond the last ack
	Resend        time.Duration // 5 s without progress: again from the oldest
	ResendOffline time.Duration // 30 s between envelopes while the collector seems offline
	Presence      time.Duration // 60 s between states
	FirstRetry    time.Duration // 1 s at most before a lost link is tried again
	LastRetry     time.Duration // 10 s at most between any two tries
	WriteTimeout  time.Duration // 10 s until a link that takes no bytes is given up
	KeepAlive     time.Duration // 30 s
}

func (o *Options) setDefaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.State == nil {
		o.State = func() wire.AgentState { return wire.AgentState{} }
	}
	if o.Config == nil {
		o.Config = func([]byte) {}
	}
	if o.Window == 0 {
		o.Window = 16
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.Resend, 5 * time.Second},
		{&o.ResendOffline, 30 * time.Second},
		{&o.Presence, time.Minute},
		{&o.FirstRetry, time.Second},
		{&o.LastRetry, 10 * time.Second},
		{&o.WriteTimeout, 10 * time.Second},
		{&o.KeepAlive, 30 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
}

// Uplink is the way to the collector.
type Uplink struct {
	opts Options

	mu    sync.Mutex
	state State
}

// State is how an uplink is at one moment.
type State struct {
	Connected time.Time // to the broker, since then; zero = not at present
	Error     string    // why there is no link, or why the last one ended
	LastAck   time.Time // what the collector said last; zero = never, by this process
	Acks      int64     // said by the collector
	Sent      int64     // envelopes handed to the broker, those said again too
	Offline   bool      // the collector said so of itself
	Events    bool      // it takes events; as it said last
	Books     wire.Time // since when it has its books, likewise; 0: it doesn't say
}

// New makes an uplink; Run starts it.
func New(o Options) *Uplink {
	o.setDefaults()
	return &Uplink{opts: o}
}

// State tells how the uplink is.
func (u *Uplink) State() State {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state
}

// note changes what State tells.
func (u *Uplink) note(change func(*State)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.state)
}

// Run sends until ctx ends, then says goodbye and returns nil. It returns an error only at
// once, where the options can't work; a link that is away is tried again for ever.
func (u *Uplink) Run(ctx context.Context) error {
	o := &u.opts
	if !wire.ValidAgent(o.Agent) {
		return fmt.Errorf("uplink: agent %q: want [a-z0-9-]{1,63}", o.Agent)
	}
	if _, err := o.broker(); err != nil {
		return fmt.Errorf("uplink: %w", err)
	}
	failures, told := 0, ""
	for {
		begun := time.Now()
		answered, err := u.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errRenewed) {
			failures, told = 0, ""
			continue
		}
		u.note(func(s *State) { s.Connected, s.Error, s.Offline = time.Time{}, err.Error(), false })
		if answered || time.Since(begun) > o.LastRetry {
			failures, told = 0, ""
		}
		if same := ownAddress.ReplaceAllString(err.Error(), ""); told != same {
			o.Log.Warn("no link to the broker", "url", o.URL, "error", err)
			told = same
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(o.pause(failures)):
		}
		failures++
	}
}

// ownAddress stands in errors of net, and is another for each connection.
var ownAddress = regexp.MustCompile(`\S+->`)

// pause is how long to wait before the next try: up to FirstRetry at first, twice that
// after each failure; by chance between half and all of it, so that the agents of a
// hospital don't come back at one moment. With connectLimit it makes LastRetry.
func (o *Options) pause(failures int) time.Duration {
	most := o.LastRetry / 2
	if failures < 10 {
		most = min(most, o.FirstRetry<<failures)
	}
	return most/2 + rand.N(most/2+1)
}

// connectLimit is how long connecting may take.
func (o *Options) connectLimit() time.Duration { return o.LastRetry / 2 }
