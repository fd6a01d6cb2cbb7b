//go:build !testclock

package main

import "time"

// clock is the agent's clock. Programs built for tests (tag testclock) have one that can be turned.
func clock() time.Time { return time.Now() }
