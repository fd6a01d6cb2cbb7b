package ledger_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
)

// An open anomaly must not be lost from sight behind newer ones that are closed.
func TestWatchCountsAllThatIsOpenHoweverOld(t *testing.T) {
	c := newCollector(t)
	told := func(rule string, value int64) wire.Reading {
		return wire.Reading{Device: "xerox-1", OK: true, Counters: []wire.Counter{
			{Measure: wire.FaxSentPages, Unit: "pages", Rule: rule, Value: value},
		}}
	}
	c.say("ps-01", told("r", 10))
	c.say("ps-01", told("r", 90_000)) // a jump, open until a person decides
	for i := range 12 {
		c.say("ps-01", told(fmt.Sprint("r", i), 90_000)) // closed at once
	}
	bad := c.envelope("ps-01", wire.Reading{Device: "no device", At: wire.TimeOf(c.now), OK: true})
	c.apply(c.receive("ps-01", bad))

	got, err := c.Watch(context.Background(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if got.OpenCount != 1 || len(got.Open) != 1 || got.Open[0].Amount != 89_990 {
		t.Errorf("got %d open: %+v, want the jump by 89990", got.OpenCount, got.Open)
	}
	if got.Refused != 1 || len(got.Quarantined) != 1 || got.Quarantined[0].Agent != "ps-01" || got.Quarantined[0].Payload != nil {
		t.Errorf("got %d refused: %+v, want the one of ps-01 without its payload", got.Refused, got.Quarantined)
	}
}
