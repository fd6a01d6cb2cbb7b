package ledger_test

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestALineIsAcquaintedOnceWithEachNumberOutsideWithWhichItFaxed(t *testing.T) {
	c := newCollector(t)
	c.now = time.Date(2026, 10, 12, 8, 0, 0, 0, time.UTC)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Device = "" })
	failed := journaled("2026-10-12 08:00", faxline, "0145454547", wire.Message, wire.Sender)
	failed.Result = wire.Failed
	c.imports(
		journaled("2026-10-09 23:59", outside, faxline, wire.Message, wire.Receiver),
		journaled("2026-10-11 08:00", faxline, outside, wire.Message, wire.Sender),
		journaled("2026-10-11 09:00", faxline, "0145454546", wire.Message, wire.Sender),
		journaled("2026-10-11 10:00", faxline, "0145454548", wire.Call, wire.Exchange),
		journaled("2026-08-11 10:00", faxline, "0145454549", wire.Message, wire.Sender),
		failed,
	)
	known, err := c.Acquainted(t.Context(), 202609, 202610, wire.Message)
	if err != nil || len(known) != 1 || len(known[faxline]) != 2 {
		t.Errorf("got %v, %v, want two numbers: not those of a call, of another time, or that it didn't reach", known, err)
	}
	if known, err = c.Acquainted(t.Context(), 202609, 202610, wire.Call); err != nil || len(known[faxline]) != 1 {
		t.Errorf("of calls: got %v, %v, want one", known, err)
	}
}
