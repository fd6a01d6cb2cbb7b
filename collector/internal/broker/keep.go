package broker

import (
	"context"
	"sync"
	"time"
)

const (
	probeEvery = 15 * time.Second
	probeLimit = 10 * time.Second
)

// Keep looks until ctx ends whether the broker still takes messages, and starts it anew when it
// twice didn't. After one failed write, on a full disk say, nats-server's store refuses all others for as
// long as it runs. Who may not stay any more is put out within seconds.
func (b *Broker) Keep(ctx context.Context) {
	var doorman sync.WaitGroup
	defer doorman.Wait()
	if b.options.Guard != nil {
		doorman.Go(func() { b.mindDoor(ctx) })
	}
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
	return b.roundTrip(ctx)
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
	b.server, b.door = next.server, next.door
	return nil
}

// mindDoor sweeps until ctx ends.
func (b *Broker) mindDoor(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for told := false; ; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		b.mu.Lock()
		door := b.door
		b.mu.Unlock()
		err := door.sweep(ctx)
		if err != nil && !told && ctx.Err() == nil {
			b.options.Log.Error("broker: nobody knows whose certificate is revoked; trying on", "error", err)
		}
		told = err != nil
	}
}
