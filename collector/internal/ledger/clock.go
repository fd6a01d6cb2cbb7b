package ledger

import (
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

const (
	clockWindow  = 10 * time.Minute
	clockShown   = 2 * time.Second // an error beyond it is shown
	clockTrusted = time.Minute     // an error beyond it is corrected
	clockJump    = time.Hour       // no message is under way for so long: the clock was set
	oldest       = 400 * 24 * time.Hour
)

// clock measures how far an agent's clock is behind ours: the least of receipt − sent_at in the
// last 10 minutes, since whatever lies above the least is time spent on the way.
type clock struct {
	samples []sample // growing offsets: the first is the least
}

type sample struct {
	at     wire.Time // receipt
	offset time.Duration
}

// observe takes in a message.
func (c *clock) observe(receipt, sent wire.Time) {
	s := sample{receipt, receipt.Sub(sent)}
	if len(c.samples) > 0 && s.offset-c.samples[0].offset > clockJump {
		c.samples = c.samples[:0]
	}
	keep := c.samples[:0]
	for _, old := range c.samples {
		age := receipt.Sub(old.at)
		if old.offset < s.offset && age >= 0 && age <= clockWindow {
			keep = append(keep, old)
		}
	}
	c.samples = append(keep, s)
}

// offset is what to add to the agent's times.
func (c *clock) offset() time.Duration {
	if len(c.samples) == 0 {
		return 0
	}
	return c.samples[0].offset
}

// stamp corrects an agent's time. A time that can't be (it lies after its receipt, or more than
// 400 days before it) is not trusted and becomes its receipt: nothing in the books lies in the future.
func stamp(raw wire.Time, offset time.Duration, receipt wire.Time) (at wire.Time, trusted, corrected bool) {
	at = raw
	if offset.Abs() > clockTrusted {
		at, corrected = raw.Add(offset), true
	}
	if at > receipt.Add(clockTrusted) || at < receipt.Add(-oldest) {
		return receipt, false, true
	}
	return min(at, receipt), true, corrected
}
