package ledger_test

import (
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// In the order of their instants the postings of what moved again and again don't tell where it came to rest.
func TestActivityThatMovesAgainAndAgainIsFoundWhereItIs(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(100))
	c.say("ps-01", sent(103))
	for _, service := range []string{"a", "b", "c", "b", "a", "d", "a", "c"} {
		c.cutLine(faxline, func(d *ledger.Declaration) { d.Service = service })
		c.balanced()
	}
}
