package ingest

import (
	"sync"

	"github.com/zerofax/zerofax/agent/wire"
)

// acks holds what is to be told to agents: of each only the latest, since an ack speaks
// for all before it. While the link is down they wait here.
type acks struct {
	mu     sync.Mutex
	latest map[string]wire.Ack
	wake   chan struct{} // holds one token while there may be something to take
}

func newAcks() *acks {
	return &acks{latest: map[string]wire.Ack{}, wake: make(chan struct{}, 1)}
}

func (a *acks) put(agent string, ack wire.Ack) {
	a.mu.Lock()
	a.latest[agent] = ack
	a.mu.Unlock()
	a.nudge()
}

// take empties it.
func (a *acks) take() map[string]wire.Ack {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.latest
	a.latest = make(map[string]wire.Ack, len(all))
	return all
}

func (a *acks) nudge() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}
