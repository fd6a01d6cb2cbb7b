package mibs_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

const all = mibs.Lines | mibs.Counters

var now = wire.TimeOf(time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC))

func builtin(t testing.TB) *mibs.Set {
	t.Helper()
	set, err := mibs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// readRecording identifies a recorded device and polls it once.
func readRecording(t testing.TB, set *mibs.Set, asker mibs.Asker) (*mibs.Device, mibs.Result) {
	t.Helper()
	d, err := set.Identify(context.Background(), asker)
	if err != nil {
		t.Fatal(err)
	}
	return d, poll(t, d, asker)
}

// poll asks a device in one request for all it can tell, and checks that a reading of it may be sent.
func poll(t testing.TB, d *mibs.Device, asker mibs.Asker) mibs.Result {
	t.Helper()
	answers, err := asker.Get(context.Background(), d.OIDs(all))
	if err != nil {
		t.Fatal(err)
	}
	r := d.Read(now, all, answers)
	if d.ID != "" && !r.Stranger {
		if err := r.Reading.Check(); err != nil {
			t.Errorf("the reading can't be sent: %v", err)
		}
	}
	return r
}

func expectedOf(d *mibs.Device, r mibs.Result) expected {
	e := expected{profile: d.Profile, id: d.ID, fax: r.Reading.Fax, service: r.Reading.FaxService}
	for _, c := range r.Reading.Counters {
		e.counters = append(e.counters, fmt.Sprintf("%s %d %s", c.Measure, c.Value, c.Unit))
	}
	for _, l := range r.Reading.Lines {
		e.lines = append(e.lines, fmt.Sprintf("%s %s", l.Port, l.Status))
	}
	slices.Sort(e.lines)
	return e
}
