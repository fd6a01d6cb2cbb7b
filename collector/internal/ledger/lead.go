package ledger

import (
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

const (
	shortestPoll = time.Minute
	longestPoll  = time.Hour // an outage is no poll interval
	missedPolls  = 3
)

// pollInterval estimates how often an agent looks at a device from its last two looks.
func pollInterval(previous, at wire.Time) time.Duration {
	if previous == 0 {
		return shortestPoll
	}
	return min(max(at.Sub(previous), shortestPoll), longestPoll)
}

// takesOver tells whether another agent's successful reading ends the lead of the agent that read
// the device last at lastRead, every interval: it missed 3 polls.
func takesOver(at, lastRead wire.Time, interval time.Duration) bool {
	return at.Sub(lastRead) > missedPolls*interval
}

// up tells whether a device is up at now: the last look at it succeeded, and was taken within 3
// polls, at least 3 minutes, so that a device is not up for longer than its agent can say so.
func up(now, lastLook wire.Time, interval time.Duration, failure string) bool {
	return lastLook != 0 && failure == "" && now.Sub(lastLook) <= max(missedPolls*interval, agentSilence)
}
