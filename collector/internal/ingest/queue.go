package ingest

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// What waits for the books, at most.
const (
	queueMessages = 8192
	queueBytes    = 64 << 20
)

// What goes into one commit, at most. A full group takes some 0.3 s: ends of power and
// program lose no more than that, and an agent repeats itself only after 5 s.
const (
	groupMessages = 256
	groupBytes    = 4 << 20
)

type message struct {
	agent   string // of the topic
	kind    wire.Kind
	payload []byte
	at      time.Time // of receipt
}

// queue is bounded by number and by bytes. When it is full new messages are dropped, not
// old ones: of one agent the first missing envelope makes all later ones too early.
type queue struct {
	log      *slog.Logger
	messages chan message
	bytes    atomic.Int64
	dropped  atomic.Int64
	full     atomic.Bool // said so; until half of it is free again
}

func newQueue(log *slog.Logger) *queue {
	return &queue{log: log, messages: make(chan message, queueMessages)}
}

// offer never waits.
func (q *queue) offer(m message) {
	size := int64(len(m.payload))
	if q.bytes.Add(size) <= queueBytes {
		select {
		case q.messages <- m:
			if len(q.messages) < queueMessages/2 {
				q.full.Store(false)
			}
			return
		default:
		}
	}
	q.bytes.Add(-size)
	q.dropped.Add(1)
	if !q.full.Swap(true) {
		q.log.Warn("the books can't keep up: messages are dropped until there is room; agents will say them again",
			"agent", m.agent)
	}
}

// group waits for a message and takes what else is there, up to the limits of a commit. It
// is empty when ctx has ended.
func (q *queue) group(ctx context.Context) []message {
	var group []message
	var size int64
	select {
	case m := <-q.messages:
		group, size = append(group, m), int64(len(m.payload))
	case <-ctx.Done():
		return nil
	}
	for len(group) < groupMessages && size < groupBytes {
		select {
		case m := <-q.messages:
			group, size = append(group, m), size+int64(len(m.payload))
			continue
		default:
		}
		break
	}
	q.bytes.Add(-size)
	return group
}
