package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

func (c *collector) state(agent string, s wire.AgentState) {
	c.Helper()
	if err := c.AgentState(context.Background(), agent, s, c.now); err != nil {
		c.Fatal(err)
	}
}

func (c *collector) alive(session string, startedAt time.Time, dropped int64) wire.AgentState {
	return wire.AgentState{
		V: 1, Online: true, Session: session, StartedAt: wire.TimeOf(startedAt), SentAt: wire.TimeOf(c.now), Version: "1.0", OS: "linux/amd64",
		Spool: wire.SpoolState{Envelopes: 3, Dropped: dropped}, Silent: []wire.Silent{{Address: "10.0.0.9", Error: "timeout"}},
	}
}

func will(session string) wire.AgentState { return wire.AgentState{V: 1, Session: session} }

func TestAgentIsUpWhileItIsHeard(t *testing.T) {
	c := newCollector(t)
	birth := c.alive("one", start, 0)
	c.state("ps-01", birth)
	if a := c.agent("ps-01"); !a.Up || a.Version != "1.0" || a.Spool.Envelopes != 3 || len(a.Silent) != 1 {
		t.Errorf("after its birth: got %+v, want it up", a)
	}
	c.now = c.now.Add(4 * time.Minute)
	if c.agent("ps-01").Up {
		t.Error("up after 4 minutes of silence")
	}
	c.reopen()
	c.state("ps-01", birth)
	if c.agent("ps-01").Up {
		t.Error("up since the broker said its old birth again")
	}
	c.say("ps-01", sent(1))
	if !c.agent("ps-01").Up {
		t.Error("not up although it sends readings")
	}
}

func TestHowFarAnAgentFollowsJournalsOutlivesARestart(t *testing.T) {
	c := newCollector(t)
	birth := c.alive("one", start, 0)
	birth.Journals = []wire.JournalState{{Name: "hylafax", Files: 1, Read: 40, Size: 50, Last: wire.TimeOf(c.now), Events: 3, Rejected: 1, Error: "denied"}}
	c.state("ps-01", birth)
	c.reopen()
	if a := c.agent("ps-01"); len(a.Journals) != 1 || a.Journals[0] != birth.Journals[0] {
		t.Errorf("got %+v, want %+v", a.Journals, birth.Journals)
	}
}

func TestWillCountsOnlyForTheLastBornSession(t *testing.T) {
	c := newCollector(t)
	c.state("ps-01", c.alive("one", start, 0))
	c.now = c.now.Add(time.Second)
	c.state("ps-01", c.alive("two", start, 0))
	c.state("ps-01", will("one"))
	if !c.agent("ps-01").Up {
		t.Error("the will of an older session took it down")
	}
	c.state("ps-01", will("two"))
	a := c.agent("ps-01")
	if a.Up || a.Online {
		t.Error("up after the will of its last session")
	}
	if a.Version != "1.0" {
		t.Errorf("version after the will: got %q, want what was known", a.Version)
	}
}

func TestOlderBirthDoesNotBeatANewerOne(t *testing.T) {
	c := newCollector(t)
	old := c.alive("one", start, 0)
	c.now = c.now.Add(time.Second)
	c.state("ps-01", c.alive("two", start.Add(time.Second), 0))
	c.state("ps-01", old)
	if got := c.agent("ps-01").Session; got != "two" {
		t.Errorf("session: got %s, want two", got)
	}
	c.now = c.now.Add(10 * time.Minute)
	c.state("ps-01", c.alive("three", start.Add(-9*365*24*time.Hour), 0))
	if a := c.agent("ps-01"); a.Session != "three" || !a.Up {
		t.Errorf("its clock was set back and the other session is silent: got %+v, want three, up", a)
	}
}

func TestAgentWhoseClockWasSetBackIsUpAgain(t *testing.T) {
	for name, old := range map[string]func(c *collector){
		"the will of the old session came":     func(c *collector) { c.state("ps-01", will("one")) },
		"the old session ended without a word": func(*collector) {},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t)
			c.state("ps-01", c.alive("one", start.Add(4*365*24*time.Hour), 0))
			old(c)
			for i := range 5 { // it goes on sending readings, which proves nothing of the old session
				c.now = c.now.Add(time.Minute)
				c.say("ps-01", sent(int64(i)))
				c.state("ps-01", c.alive("two", start, 0))
			}
			if a := c.agent("ps-01"); a.Session != "two" || !a.Up {
				t.Errorf("got session %s, up %t, want two, up", a.Session, a.Up)
			}
		})
	}
}

func TestDroppedReadingsNeverFall(t *testing.T) {
	c := newCollector(t)
	for _, dropped := range []int64{5, 8, 0, 2} { // 0: installed anew
		c.now = c.now.Add(time.Minute)
		c.state("ps-01", c.alive("one", start, dropped))
	}
	if got := c.agent("ps-01").Dropped; got != 10 {
		t.Errorf("got %d, want 5 + 3 + 2", got)
	}
}
