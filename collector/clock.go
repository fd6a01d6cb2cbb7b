//go:build !testclock

package main

import (
	"context"
	"time"
)

// clock is the collector's clock. Programs built for tests (tag testclock) have one that a test sets.
func clock() time.Time { return time.Now() }

// beat says when it is time for the next round of a loop.
type beat struct{ *time.Ticker }

func newBeat(_ string, each time.Duration) beat { return beat{time.NewTicker(each)} }

// next waits for the next round. It is false when ctx ended first.
func (b beat) next(ctx context.Context) bool {
	select {
	case <-b.C:
		return true
	case <-ctx.Done():
		return false
	}
}
