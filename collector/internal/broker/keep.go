package broker

import (
	"context"
	"time"
)

const (
	probeEvery = 15 * time.Second
	probeLimit = 10 * time.Second
)

// Keep looks until ctx ends whether the broker still takes messages, and starts it anew when it
// twice didn't. After one failed write, on a full disk say, nats-server's store refuses all others for as
// long as it runs.
func (b *Broker) Keep(ctx context.Context) {
	ticker := time.NewTicker(b.options.ProbeEvery)
	defer ticker.Stop()
	for failed, told := 0, false; ; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		err := b.probe(ctx)
		if err != nil {
			failed++
		} else {
			failed, told = 0, false
		}
		if failed < 2 || ctx.Err() != nil {
			continue
		}
		if !told {
			b.options.Log.Error("broker: it takes no messages any more and is started anew; agents will say again what matters", "error", err)
			told = true
		}
		if err := b.again(ctx); err == nil {
			b.options.Log.Info("broker: it takes messages again")
			failed, told = 0, false
		}
	}
}

func (b *Broker) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	return roundTrip(ctx, b.URL())
}

// again starts the broker anew, where it was.
func (b *Broker) again(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.stop(); err != nil {
		return err
	}
	o := b.options
	o.Listen = b.addr
	next, err := Start(ctx, o)
	if err != nil {
		return err
	}
	b.server = next.server
	return nil
}
