package main

import (
	"context"
	"log/slog"
	"time"
)

// every makes one round of a loop at once and then one each so often, until ctx ends. All loops
// that depend on time are made of it, and take the time from clock, so that a test can let a year
// pass (build tag testclock): a part offers a method that makes one round, and keeps no timer of
// its own. That a round fails is logged when it begins, and when it works again.
func every(ctx context.Context, loop string, often time.Duration, log *slog.Logger, round func(context.Context) error) {
	beat := newBeat(loop, often)
	defer beat.Stop()
	failing := false
	for beat.next(ctx) {
		err := round(ctx)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil && !failing:
			log.Warn(loop+" doesn't work; trying on", "error", err)
		case err == nil && failing:
			log.Info(loop + " works again")
		}
		failing = err != nil
	}
}
