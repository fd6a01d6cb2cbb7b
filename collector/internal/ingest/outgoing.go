package ingest

import "sync"

// outgoing holds what is to be told to agents: on each topic only the latest, which speaks for all
// before it. While the link is down it waits here.
type outgoing struct {
	mu     sync.Mutex
	latest map[string][]byte // payload by topic
	wake   chan struct{}     // holds one token while there may be something to take
}

func newOutgoing() *outgoing {
	return &outgoing{latest: map[string][]byte{}, wake: make(chan struct{}, 1)}
}

func (o *outgoing) put(topic string, payload []byte) {
	o.mu.Lock()
	o.latest[topic] = payload
	o.mu.Unlock()
	o.nudge()
}

// take empties it.
func (o *outgoing) take() map[string][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := o.latest
	o.latest = make(map[string][]byte, len(all))
	return all
}

func (o *outgoing) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}
