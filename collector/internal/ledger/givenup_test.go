package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// verify lets the auditor compare all books.
func (c *collector) verify() {
	c.Helper()
	b, err := ledger.Verify(context.Background(), c.path)
	if err == nil {
		err = b.Err()
	}
	if err != nil {
		c.Errorf("verify: %v", err)
	}
}

// giveUp gives up the details of what happened before an instant.
func (c *collector) giveUp(before time.Time) {
	c.Helper()
	if _, err := c.Purge(context.Background(), before, ledger.Outlets{}); err != nil {
		c.Fatal(err)
	}
	c.verify()
}

// The first faxes of a month may be given up in one zone, and be of the month before in the next.
func TestBooksBalanceThoughAZoneChangesAfterDetailsWereGivenUp(t *testing.T) {
	for _, zones := range [][2]string{
		{"Indian/Reunion", "America/Martinique"},
		{"America/Martinique", "Indian/Reunion"},
		{"Pacific/Noumea", ""},
	} {
		t.Run(zones[0]+" to "+zones[1], func(t *testing.T) {
			c := newCollector(t)
			site := func(zone string) {
				t.Helper()
				c.declare(func(r *ledger.Register) { r.Sites["x"] = ledger.Site{ID: "x", TimeZone: zone} })
				c.verify()
			}
			c.declare(func(r *ledger.Register) {
				line(r, ledger.Declaration{Line: "0262905000", Device: kyocera, Place: ledger.Place{Site: "x"}})
			})
			site(zones[0])
			c.now = time.Date(2026, 10, 31, 6, 30, 0, 0, time.UTC)
			for hour := range int64(24) {
				c.say("ps-01", sent(500+hour))
				c.now = c.now.Add(59 * time.Minute)
			}
			for _, hour := range []int{13, 20, 24, 28} {
				c.giveUp(time.Date(2026, 10, 31, hour, 0, 0, 0, time.UTC))
				site(zones[1])
				site(zones[0])
			}
		})
	}
}

// What is given up stays where it counted; what comes later goes where it belongs, by new numbers.
func TestAnAssignmentReachesBackToWhatIsGivenUp(t *testing.T) {
	c := newCollector(t)
	newest := func() int64 {
		t.Helper()
		posting, _, err := c.Newest(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return posting
	}
	c.say("ps-01", sent(500))
	c.say("ps-01", sent(501))
	c.now = c.now.Add(5 * time.Hour)
	c.say("ps-01", sent(503))
	c.giveUp(c.now.Add(-2 * time.Hour))
	c.declare(func(r *ledger.Register) {
		line(r, ledger.Declaration{Line: "0241354000", Device: kyocera, Place: ledger.Place{Service: "oncologie"}})
	})
	c.wantWhere(kyocera + " sent 1, oncologie 0241354000 sent 2")

	last := newest()
	c.giveUp(c.now.Add(48 * time.Hour))
	c.reopen()
	c.declare(func(r *ledger.Register) { r.Lines["0241354000"][0].Service = "urgences" })
	c.verify()
	c.wantWhere(kyocera + " sent 1, oncologie 0241354000 sent 2")
	if got := newest(); got != last {
		t.Errorf("all is given up: got posting %d as the newest, want %d", got, last)
	}
	c.now = c.now.Add(50 * time.Hour)
	c.say("ps-01", sent(507))
	c.verify()
	c.wantWhere(kyocera + " sent 1, oncologie 0241354000 sent 2, urgences 0241354000 sent 4")
	if got := newest(); got != last+1 {
		t.Errorf("got posting %d, want %d", got, last+1)
	}
}
