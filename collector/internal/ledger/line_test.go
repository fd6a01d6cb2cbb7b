package ledger

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

func TestFaxCapable(t *testing.T) {
	for _, c := range []struct {
		name  string
		fax   wire.Answer
		faxed bool
		port  wire.Answer
		want  bool
	}{
		{"it says yes", wire.Yes, false, "", true},
		{"nothing is known", wire.Unknown, false, "", false},
		{"it faxed once", wire.Unknown, true, "", true},
		{"a counter moved but it says no", wire.No, true, "", false},
		{"a port is labelled fax", wire.Unknown, false, wire.Yes, true},
		{"a port of which nobody knows", wire.Unknown, false, wire.Unknown, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ports []Port
			if c.port != "" {
				ports = []Port{{Port: "1", Fax: c.port}}
			}
			if got := faxCapable(c.fax, c.faxed, ports); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestLinesUntilSomeoneDeclaresThem(t *testing.T) {
	port := func(name string, fax wire.Answer, status wire.LineStatus) Port {
		return Port{Port: name, Fax: fax, Status: status}
	}
	for _, c := range []struct {
		name  string
		d     Device
		lines map[string]wire.LineStatus
	}{
		{"a printer has none", Device{ID: "hp-1"}, nil},
		{"a fax machine is one", Device{ID: "xerox-1", FaxCapable: true}, map[string]wire.LineStatus{"xerox-1": wire.LineUnknown}},
		{
			"a machine that tells its line",
			Device{ID: "lexmark-1", FaxCapable: true, Ports: []Port{port("fax", wire.Unknown, wire.LineDown)}},
			map[string]wire.LineStatus{"lexmark-1": wire.LineDown},
		},
		{
			"a gateway has one for each port that is labelled fax",
			Device{ID: "grandstream-1", FaxCapable: true, Ports: []Port{
				port("1", wire.Yes, wire.LineIdle), port("2", wire.Unknown, wire.LineIdle), port("3", wire.Yes, wire.LineBusy), port("4", wire.No, wire.LineIdle),
			}},
			map[string]wire.LineStatus{"grandstream-1:1": wire.LineIdle, "grandstream-1:3": wire.LineBusy},
		},
		{
			"a port that its gateway doesn't name any more",
			Device{ID: "grandstream-1", FaxCapable: true, Ports: []Port{
				{Port: "1", Fax: wire.Yes, Status: wire.LineIdle, Gone: true}, port("2", wire.Yes, wire.LineIdle),
			}},
			map[string]wire.LineStatus{"grandstream-1:1": wire.LineUnknown, "grandstream-1:2": wire.LineIdle},
		},
		{
			"a gateway of which nobody says that it faxes has none",
			Device{ID: "grandstream-2", Ports: []Port{port("1", wire.Unknown, wire.LineIdle)}},
			nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := linesOf(&c.d)
			if len(lines) != len(c.lines) {
				t.Errorf("got %d lines, want %d: %+v", len(lines), len(c.lines), lines)
			}
			for _, l := range lines {
				if want, ok := c.lines[l.ID]; !ok || l.Status != want {
					t.Errorf("line %s: got %s, want %s", l.ID, l.Status, want)
				}
			}
		})
	}
}

func TestLineState(t *testing.T) {
	now := t0
	ago := func(days float64) wire.Time { return now.Add(-time.Duration(days * float64(day))) }
	counts := map[wire.Measure]int64{wire.FaxSentPages: 1}
	for _, c := range []struct {
		name  string
		line  Line
		want  LineState
		isNew bool
	}{
		{"known since yesterday, no fax yet", Line{FirstSeen: ago(1), LastReading: now, Totals: counts}, Active, true},
		{"faxed last week", Line{FirstSeen: ago(400), LastFax: ago(7), LastReading: now, Totals: counts}, Active, false},
		{"no fax for 31 days", Line{FirstSeen: ago(400), LastFax: ago(31), LastReading: now, Totals: counts}, Quiet, false},
		{"no fax since it is known, 31 days", Line{FirstSeen: ago(31), LastReading: now, Totals: counts}, Quiet, false},
		{"no fax for 91 days", Line{FirstSeen: ago(400), LastFax: ago(91), LastReading: now, Totals: counts}, Dormant, false},
		{"no fax for 91 days, but only 89 were watched", Line{FirstSeen: ago(400), LastFax: ago(91), LastReading: ago(2), Totals: counts}, Quiet, false},
		{"a registered line without a fax for 91 days is dormant all the same", Line{FirstSeen: ago(400), LastFax: ago(91), LastReading: now, Totals: counts, Status: wire.LineIdle}, Dormant, false},
		{"nobody could look for 4 days", Line{FirstSeen: ago(400), LastFax: ago(5), LastReading: ago(4), Totals: counts}, Blind, false},
		{"nobody could ever look", Line{FirstSeen: ago(4)}, Blind, true},
		{"switched off over the weekend", Line{FirstSeen: ago(400), LastFax: ago(5), LastReading: ago(2.6), Totals: counts}, Active, false},
		{"a gateway's port that is idle", Line{FirstSeen: ago(400), LastReading: now, Status: wire.LineIdle, StatusSince: ago(200)}, Active, false},
		{"a gateway's port that is down for 40 days", Line{FirstSeen: ago(400), LastReading: now, Status: wire.LineDown, StatusSince: ago(40)}, Quiet, false},
		{"a gateway's port that is down for 100 days", Line{FirstSeen: ago(400), LastReading: now, Status: wire.LineDown, StatusSince: ago(100)}, Dormant, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := c.line
			l.stand(now, 30*day, 3*day)
			if l.State != c.want || l.New != c.isNew {
				t.Errorf("got %s (%s), new %v, want %s, new %v", l.State, l.Why, l.New, c.want, c.isNew)
			}
			if l.Why == "" {
				t.Error("no evidence")
			}
		})
	}
}
