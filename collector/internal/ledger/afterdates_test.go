package ledger_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestWhatIsNotKnownOfFaxesAfterADateStandsBesideWhatIs(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-09 20:00", wire.FaxSentPages, 100))
	c.at(counted("2026-10-10 06:00", wire.FaxSentPages, 103)) // before the date or after
	c.at(counted("2026-10-11 06:00", wire.FaxSentPages, 4))   // began anew
	sums, err := c.AfterDates(context.Background(), 202610)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sums {
		got = append(got, fmt.Sprint(s.Certainty, " ", s.Count))
	}
	if want := "[unsure 3 unsure 0]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
