package ledger_test

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestWeeksBeginOnMondays(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at     time.Time
		monday ledger.Day
	}{
		{time.Date(2026, 11, 23, 0, 0, 0, 0, paris), "2026-11-23"},
		{time.Date(2026, 11, 22, 23, 59, 0, 0, paris), "2026-11-16"},
		{time.Date(2026, 3, 29, 12, 0, 0, 0, paris), "2026-03-23"}, // the clock went forward that night
		{time.Date(1970, 1, 4, 12, 0, 0, 0, paris), "1969-12-29"},
	} {
		w := ledger.WeekOf(wire.TimeOf(c.at), paris)
		if w.Monday() != c.monday {
			t.Errorf("%s lies in the week of %s, want %s", c.at, w.Monday(), c.monday)
		}
		if want := c.monday.In(paris); w.In(paris) != want {
			t.Errorf("the week of %s begins at %s, want %s", c.monday, w.In(paris), want)
		}
	}
}
