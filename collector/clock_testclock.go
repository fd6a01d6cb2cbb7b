//go:build testclock

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The file that ZEROFAX_TIME_FILE names says what time it is, which round is due, and of which
// loops: "2026-10-25T00:30:00Z 17 mail webhook". A test replaces it, whole, by renaming. A loop
// that is named makes a round when that number is a new one, and then writes it into a file beside
// it: time.mail. So a year can pass in minutes, in a fixed order, and a test knows when all that
// follows from an instant is done. Without the variable time is as usual.

func timeFile() string { return os.Getenv("ZEROFAX_TIME_FILE") }

func clock() time.Time {
	if timeFile() == "" {
		return time.Now()
	}
	t, _, _ := told()
	return t
}

// told is what the file says.
func told() (t time.Time, round int64, loops []string) {
	data, err := os.ReadFile(timeFile())
	words := strings.Fields(string(data))
	if err == nil && len(words) < 2 {
		err = fmt.Errorf("%q", data)
	}
	if err == nil {
		t, err = time.Parse(time.RFC3339Nano, words[0])
	}
	if err == nil {
		round, err = strconv.ParseInt(words[1], 10, 64)
	}
	if err != nil {
		panic(fmt.Sprintf("ZEROFAX_TIME_FILE: %v", err)) // a test's own fault
	}
	return t, round, words[2:]
}

// beat says when it is time for the next round of a loop.
type beat struct {
	*time.Ticker
	loop  string
	begun bool
	round int64 // 0: none yet
}

func newBeat(loop string, each time.Duration) *beat {
	if timeFile() != "" {
		each = time.Millisecond
	}
	return &beat{Ticker: time.NewTicker(each), loop: loop}
}

// next waits for the next round; the first one is at once unless a test says when. It is false
// when ctx ended.
func (b *beat) next(ctx context.Context) bool {
	scripted := timeFile() != ""
	if scripted && b.round > 0 {
		b.done()
	}
	if !scripted && !b.begun {
		b.begun = true
		return ctx.Err() == nil
	}
	for {
		select {
		case <-b.C:
		case <-ctx.Done():
			return false
		}
		if !scripted {
			return true
		}
		if _, round, loops := told(); round != b.round && slices.Contains(loops, b.loop) {
			b.round = round
			return true
		}
	}
}

// done tells the test that the round is made.
func (b *beat) done() {
	path := timeFile() + "." + b.loop
	err := os.WriteFile(path+".new", strconv.AppendInt(nil, b.round, 10), 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		panic(fmt.Sprintf("ZEROFAX_TIME_FILE: %v", err))
	}
}
