package poll

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// maxBatch is enough for a second of a thousand devices, and lets spooled batches be folded
// several into one envelope.
const maxBatch = wire.MaxEnvelope / 4

// batch gathers readings as the JSON array that an envelope carries.
type batch struct {
	put func(payload []byte, records int) error
	log *slog.Logger

	mu      sync.Mutex // also held while put writes: who comes then waits, and memory stays flat
	buf     bytes.Buffer
	one     bytes.Buffer  // the reading just added
	encoder *json.Encoder // into one
	records int
	lost    int // readings that put couldn't keep since it last could
}

func (b *batch) init(put func([]byte, int) error, log *slog.Logger) {
	b.put, b.log = put, log
	b.encoder = json.NewEncoder(&b.one)
	b.encoder.SetEscapeHTML(false)
}

// add takes a reading that Check found right.
func (b *batch) add(r *wire.Reading) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.one.Reset()
	err := b.encoder.Encode(r)
	text := bytes.TrimRight(b.one.Bytes(), "\n")
	if err == nil && len(text)+len("[]") > wire.MaxEnvelope-wire.Overhead {
		err = fmt.Errorf("%d bytes don't fit into an envelope", len(text))
	}
	if err != nil {
		b.log.Error("reading can't be sent", "device", r.Device, "error", err)
		return
	}
	if b.records > 0 && b.buf.Len()+len(text) > maxBatch {
		b.flushLocked()
	}
	if b.records == 0 {
		b.buf.WriteByte('[')
	} else {
		b.buf.WriteByte(',')
	}
	b.buf.Write(text)
	b.records++
}

func (b *batch) flushEvery(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			b.flush()
		}
	}
}

func (b *batch) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flushLocked()
}

// flushLocked gives up readings that can't be kept: counters are cumulative, so the next
// reading tells what these would have told.
func (b *batch) flushLocked() {
	if b.records == 0 {
		return
	}
	b.buf.WriteByte(']')
	err := b.put(b.buf.Bytes(), b.records)
	switch {
	case err != nil && b.lost == 0:
		b.log.Error("readings can't be kept; polling goes on", "error", err)
	case err == nil && b.lost > 0:
		b.log.Info("readings are kept again", "lost", b.lost)
		b.lost = 0
	}
	if err != nil {
		b.lost += b.records
	}
	b.buf.Reset()
	b.records = 0
}
