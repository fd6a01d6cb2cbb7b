//go:build !testclock

package main

import (
	"context"
	"time"
)

// clock is the collector's clock. Programs built for tests (tag testclock) have one that a test sets.
func clock() time.Time { return time.Now() }

// beat says when it is time for the next round of a loop.
type beat struct {
	*time.Ticker
	begun bool
}

func newBeat(_ string, each time.Duration) *beat { return &beat{Ticker: time.NewTicker(each)} }

// next waits for the next round; the first one is at once. It is false when ctx ended.
func (b *beat) next(ctx context.Context) bool {
	if !b.begun {
		b.begun = true
		return ctx.Err() == nil
	}
	select {
	case <-b.C:
		return true
	case <-ctx.Done():
		return false
	}
}
