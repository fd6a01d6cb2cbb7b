package ledger_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var anne = ledger.Author{Who: "anne", Source: "anomaly accept"}

// jump is the newest jump.
func (c *collector) jump() int64 {
	c.Helper()
	list, err := c.Anomalies(context.Background(), 100)
	if err != nil {
		c.Fatal(err)
	}
	for _, x := range list {
		if x.Kind == ledger.Jump {
			return x.ID
		}
	}
	c.Fatal("no counter jumped")
	return 0
}

func (c *collector) accept(id, wantBooked int64) {
	c.Helper()
	_, booked, err := c.Accept(context.Background(), anne, id, "a mailing")
	if err != nil || booked != wantBooked {
		c.Errorf("accept: got %d, %v, want %d booked", booked, err, wantBooked)
	}
	c.balanced()
}

func (c *collector) reject(id int64) {
	c.Helper()
	if _, err := c.Reject(context.Background(), anne, id, "replaced board"); err != nil {
		c.Error(err)
	}
	c.balanced()
}

// refused wants that nothing can be decided any more.
func (c *collector) refused(id int64, because string) {
	c.Helper()
	_, _, accepted := c.Accept(context.Background(), anne, id, "")
	_, rejected := c.Reject(context.Background(), anne, id, "")
	for _, err := range []error{accepted, rejected} {
		if err == nil || !strings.Contains(err.Error(), because) {
			c.Errorf("got %v, want a refusal: %s", err, because)
		}
	}
	c.balanced()
}

func (c *collector) wantAnomalies(want string) {
	c.Helper()
	if got := c.anomalies(); got != want {
		c.Errorf("anomalies: got %s, want %s", got, want)
	}
}

func TestAcceptedJump(t *testing.T) {
	t.Parallel()
	const days = 24 * time.Hour
	for _, x := range []struct {
		name      string
		story     func(c *collector)
		sent      int64
		anomalies string
	}{
		{"counts, and what comes later too", func(c *collector) {
			c.say("ps-01", sent(5000))
			c.accept(c.jump(), 4900)
			c.say("ps-01", sent(5002))
		}, 4902, "jump accepted"},
		{"counts when it had lasted for days", func(c *collector) {
			c.say("ps-01", sent(5000))
			c.now = c.now.Add(3 * days)
			c.say("ps-01", sent(5002))
			c.now = c.now.Add(3 * days)
			c.say("ps-01", sent(5003))
			c.accept(c.jump(), 4900)
			c.say("ps-01", sent(5004))
		}, 4904, "jump accepted"},
		{"stays when the counter falls back after all", func(c *collector) {
			c.say("ps-01", sent(5000))
			c.accept(c.jump(), 4900)
			c.say("ps-01", sent(101)) // a fall like any other: nothing is invented
			c.say("ps-01", sent(104))
		}, 4903, "jump accepted, reset"},
		{"isn't booked again when the counter falls back and returns", func(c *collector) {
			c.say("ps-01", sent(5000))
			c.accept(c.jump(), 4900)
			c.say("ps-01", sent(0))
			c.say("ps-01", sent(5001))
			c.now = c.now.Add(3 * days)
			c.say("ps-01", sent(5002))
		}, 4902, "jump accepted, reset glitch"},
		{"counts under a second one that proves to be a glitch", func(c *collector) {
			c.say("ps-01", sent(5000))
			first := c.jump()
			c.say("ps-01", sent(9000))
			c.accept(first, 4900)
			c.say("ps-01", sent(5001))
			c.refused(c.jump(), "the counter came back")
			c.say("ps-01", sent(9000))
			c.accept(c.jump(), 3999)
		}, 8900, "jump accepted, jump glitch, jump accepted"},
		{"makes true the fall from which it rose", func(c *collector) {
			c.say("ps-01", sent(400))
			c.say("ps-01", sent(800))
			c.say("ps-01", sent(3))
			c.say("ps-01", sent(700))
			c.accept(c.jump(), 697)
			c.say("ps-01", sent(803))
		}, 1500, "reset settled, jump accepted"},
		{"counts for the rule under which it happened", func(c *collector) {
			c.say("ps-01", sent(5000))
			c.say("ps-01", ruled(7))
			c.accept(c.jump(), 4900)
			c.say("ps-01", ruled(9))
			c.say("ps-01", sent(6000)) // back to the old rule: a baseline
			c.say("ps-01", sent(6001))
		}, 4903, "jump accepted, rule_changed noted, rule_changed noted"},
		{"counts beside a second one", func(c *collector) {
			c.say("ps-01", sent(5000))
			first := c.jump()
			c.say("ps-01", sent(9000))
			c.accept(c.jump(), 4000)
			c.accept(first, 4900)
			c.say("ps-01", sent(9001))
		}, 8901, "jump accepted, jump accepted"},
		{"pays for what a glitch brought the books ahead", func(c *collector) {
			c.say("ps-01", sent(0))
			c.say("ps-01", sent(40)) // booked, since it may be a real reset
			c.say("ps-01", sent(100))
			c.say("ps-01", sent(5000))
			c.accept(c.jump(), 4860)
		}, 4900, "reset glitch, jump accepted"},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := newCollector(t)
			c.say("ps-01", sent(100))
			x.story(c)
			c.wantSent(x.sent)
			c.wantAnomalies(x.anomalies)
			c.reopen()
			c.wantSent(x.sent)
			c.balanced()
			c.refused(c.jump(), "was closed at")
		})
	}
}

// ruled is told under another rule.
func ruled(pages int64) wire.Reading {
	r := sent(pages)
	r.Counters[0].Rule = "kyocera/other"
	return r
}

func TestRejectedJump(t *testing.T) {
	for _, x := range []struct {
		name      string
		story     func(c *collector)
		sent      int64
		anomalies string
	}{
		{"isn't counted, what comes later is", func(c *collector) {
			c.say("ps-01", sent(5000))
			c.reject(c.jump())
			c.say("ps-01", sent(5002))
		}, 2, "jump rejected"},
		{"leaves the way back to the true count", func(c *collector) {
			c.say("ps-01", sent(5000))
			c.reject(c.jump())
			c.say("ps-01", sent(103))
		}, 3, "jump rejected"},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := newCollector(t)
			c.say("ps-01", sent(100))
			x.story(c)
			c.wantSent(x.sent)
			c.wantAnomalies(x.anomalies)
			c.refused(c.jump(), "was closed at")
		})
	}
}

func TestOnlyWhatAPersonMustJudgeCanBeDecided(t *testing.T) {
	c := newCollector(t)
	c.refused(1, "there is no anomaly 1")
	c.say("ps-01", sent(100))
	c.say("ps-01", sent(3))
	c.refused(1, "whether it was a glitch the counter itself shows within a day")
	c.say("ps-01", sent(100))
	c.say("ps-01", sent(5000))
	c.say("ps-01", sent(103))
	c.refused(c.jump(), "the counter came back")
	c.say("ps-01", sent(1<<41))
	if _, _, err := c.Accept(context.Background(), anne, c.jump(), ""); err == nil || !strings.Contains(err.Error(), "no machine faxes") {
		t.Errorf("got %v, want a refusal", err)
	}
	c.reject(c.jump())
	c.wantSent(3)
}

func TestADecisionIsInTheAuditLog(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(100))
	c.say("ps-01", sent(5000))
	c.accept(c.jump(), 4900)
	log, err := c.Audit(context.Background(), 10)
	if err != nil || len(log) != 2 || log[1].Who != "anne" || log[1].Subject != "anomalies 1" || log[1].After != "accepted" || log[0].After != "a mailing" {
		t.Errorf("got %+v, %v, want who decided what, and why", log, err)
	}
}

// The faxes of an accepted jump happened when it did, not when somebody said so.
func TestAnAcceptedJumpIsBookedOverItsOwnInterval(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(100))
	c.say("ps-01", sent(5000))
	at := wire.TimeOf(c.now)
	c.now = c.now.AddDate(0, 2, 0)
	c.accept(c.jump(), 4900)
	if got := c.device(kyocera).LastFax; got != at {
		t.Errorf("last fax: got %s, want %s", got, at)
	}
}
