//go:build testclock

package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// The file that ZEROFAX_TIME_FILE names holds the time and a number, "2026-10-25T00:30:00Z 17".
// A test replaces it, whole, by renaming. Whenever the number changes every loop makes one
// round, and then writes that number into a file beside it, named after the loop: time.watchdog.
// So a year can pass in minutes, and a test knows when all that follows from an instant is done.
// Without the variable time is as usual.

func timeFile() string { return os.Getenv("ZEROFAX_TIME_FILE") }

func clock() time.Time {
	t, _ := told()
	return t
}

// told is the time and the number of rounds.
func told() (t time.Time, rounds int64) {
	if timeFile() == "" {
		return time.Now(), 0
	}
	data, err := os.ReadFile(timeFile())
	if err == nil {
		var stamp string
		if _, err = fmt.Sscan(string(data), &stamp, &rounds); err == nil {
			t, err = time.Parse(time.RFC3339Nano, stamp)
		}
	}
	if err != nil {
		panic(fmt.Sprintf("ZEROFAX_TIME_FILE: %v", err)) // a test's own fault
	}
	return t, rounds
}

// beat says when it is time for the next round of a loop.
type beat struct {
	*time.Ticker
	loop   string
	rounds int64
}

func newBeat(loop string, each time.Duration) *beat {
	if timeFile() == "" {
		return &beat{Ticker: time.NewTicker(each)}
	}
	_, rounds := told()
	return &beat{Ticker: time.NewTicker(2 * time.Millisecond), loop: loop, rounds: rounds}
}

// next waits for the next round. It is false when ctx ended first.
func (b *beat) next(ctx context.Context) bool {
	if b.loop != "" {
		b.done()
	}
	for {
		select {
		case <-b.C:
		case <-ctx.Done():
			return false
		}
		if b.loop == "" {
			return true
		}
		if _, rounds := told(); rounds != b.rounds {
			b.rounds = rounds
			return true
		}
	}
}

func (b *beat) done() {
	path := timeFile() + "." + b.loop
	err := os.WriteFile(path+".new", strconv.AppendInt(nil, b.rounds, 10), 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		panic(fmt.Sprintf("ZEROFAX_TIME_FILE: %v", err))
	}
}
