package ledger

import (
	"fmt"
	"strings"
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
	on := func(name string, fax wire.Answer, status wire.LineStatus) *port {
		return &port{Line: wire.Line{Port: name, Fax: fax, Status: status}}
	}
	gone := on("1", wire.Yes, wire.LineIdle)
	gone.goneAt = t0
	for _, c := range []struct {
		name  string
		d     device
		lines map[string]wire.LineStatus
	}{
		{"a printer has none", device{id: "hp-1"}, nil},
		{"a fax machine is one", device{id: "xerox-1", fax: wire.Yes}, map[string]wire.LineStatus{"xerox-1": wire.LineUnknown}},
		{
			"a machine that tells its line",
			device{id: "lexmark-1", fax: wire.Yes, ports: []*port{on("fax", wire.Unknown, wire.LineDown)}},
			map[string]wire.LineStatus{"lexmark-1": wire.LineDown},
		},
		{
			"a gateway has one for each port that is labelled fax",
			device{id: "grandstream-1", ports: []*port{
				on("1", wire.Yes, wire.LineIdle), on("2", wire.Unknown, wire.LineIdle), on("3", wire.Yes, wire.LineBusy), on("4", wire.No, wire.LineIdle),
			}},
			map[string]wire.LineStatus{"grandstream-1:1": wire.LineIdle, "grandstream-1:3": wire.LineBusy},
		},
		{
			"a port that its gateway doesn't name any more",
			device{id: "grandstream-1", ports: []*port{gone, on("2", wire.Yes, wire.LineIdle)}},
			map[string]wire.LineStatus{"grandstream-1:1": wire.LineUnknown, "grandstream-1:2": wire.LineIdle},
		},
		{
			"a gateway of which nobody says that it faxes has none",
			device{id: "grandstream-2", ports: []*port{on("1", wire.Unknown, wire.LineIdle)}},
			nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := stood(Register{}, &c.d)
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
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	now := t0
	ago := func(days float64) wire.Time { return now.Add(-time.Duration(days * float64(day))) }
	dayOf := func(t wire.Time) Day { return Day(t.Std().In(paris).Format(time.DateOnly)) }
	// counted is a line whose machine counts, known and read so many days ago.
	counted := func(known, read, fax float64) Line {
		l := Line{FirstSeen: ago(known), LastReading: ago(read), Sharing: 1, counted: ago(read), Status: wire.LineUnknown}
		l.History = []Stretch{{Span: Span{0, now}, Watched: []Span{{ago(known), ago(read)}}}}
		if fax != 0 {
			l.life, l.lastFax = ago(fax), ago(fax)
		}
		return l
	}
	// port is a line of which only a gateway's port tells.
	port := func(status wire.LineStatus, since float64) Line {
		return Line{FirstSeen: ago(400), LastReading: now, told: now, Status: status, StatusSince: ago(since)}
	}
	with := func(l Line, change func(*Line)) Line { change(&l); return l }
	for _, c := range []struct {
		name  string
		line  Line
		want  LineState
		isNew bool
		facts string
	}{
		{"known since yesterday, no fax yet", counted(1, 0, 0), Active, true, "no_fax last_reading watched=1.0/30.0"},
		{"faxed last week", counted(400, 0, 7), Active, false, "last_fax last_reading watched=30.0/30.0"},
		{"faxed last week, read two days ago", counted(400, 2, 7), Active, false, "last_fax last_reading watched=28.0/30.0"},
		{"no fax for 31 days", counted(400, 0, 31), Quiet, false, "last_fax last_reading watched=31.0/31.0"},
		{"no fax since it is known, 31 days", counted(31, 0, 0), Quiet, false, "no_fax last_reading watched=31.0/31.0"},
		{"no fax for 91 days", counted(400, 0, 91), Dormant, false, "last_fax last_reading watched=91.0/91.0"},
		{"no fax for 91 days, but only 89 were watched", counted(400, 2, 91), Quiet, false, "last_fax last_reading watched=89.0/91.0"},
		{"no fax for 91 days, but a reset hides two of them", with(counted(400, 0, 91), func(l *Line) {
			l.History[0].Watched = Span{ago(400), now}.without([]Span{{ago(50), ago(48)}})
		}), Quiet, false, "last_fax last_reading watched=89.0/91.0"},
		{"a registered line without a fax for 91 days is dormant all the same", with(counted(400, 0, 91), func(l *Line) {
			l.Status, l.StatusSince, l.told = wire.LineIdle, ago(200), now
		}), Dormant, false, "last_fax idle last_reading watched=91.0/91.0"},
		{"off hook at its gateway, although its machine is silent", with(counted(400, 0, 91), func(l *Line) {
			l.Status, l.StatusSince, l.told = wire.LineBusy, now, now
		}), Active, false, "last_fax busy last_reading watched=30.0/30.0"},
		{"one of three on a machine that faxed", with(counted(400, 0, 7), func(l *Line) { l.Sharing = 3 }), Active, false, "shared_fax last_reading watched=30.0/30.0"},
		{"one of three on a machine that is silent", with(counted(400, 0, 91), func(l *Line) { l.Sharing = 3 }), Dormant, false, "shared_fax last_reading watched=91.0/91.0"},
		{"nobody could look for 4 days", counted(400, 4, 5), Blind, false, "last_fax last_reading"},
		{"nobody could look for 4 days, but its gateway's port is idle", with(counted(400, 4, 5), func(l *Line) {
			l.Status, l.StatusSince, l.told, l.LastReading = wire.LineIdle, ago(200), now, now
		}), Active, false, "uncounted idle last_reading"},
		{"nobody could ever look", Line{FirstSeen: ago(4)}, Blind, true, "never_read"},
		{"no machine is known", Line{Why: []Fact{{Code: FactNoMachine}}}, Blind, false, "no_machine"},
		{"nothing counts and nothing tells the status", Line{FirstSeen: ago(400), LastReading: now}, Blind, false, "unwatched last_reading"},
		{"switched off over the weekend", counted(400, 2.6, 5), Active, false, "last_fax last_reading watched=27.4/30.0"},
		{"a gateway's port that is idle", port(wire.LineIdle, 200), Active, false, "uncounted idle last_reading"},
		{"a gateway's port that is down for 40 days", port(wire.LineDown, 40), Quiet, false, "uncounted down last_reading watched=40.0/40.0"},
		{"a gateway's port that is down for 100 days", port(wire.LineDown, 100), Dormant, false, "uncounted down last_reading watched=100.0/100.0"},

		{"to be cut tomorrow", with(counted(400, 0, 7), func(l *Line) { l.Cutoff = dayOf(now.Add(day)) }), Active, false, "cutoff_ahead last_fax last_reading watched=30.0/30.0"},
		{"to be cut today", with(counted(400, 0, 7), func(l *Line) { l.Cutoff = dayOf(now) }), Overdue, false, "cutoff_passed last_fax last_reading watched=30.0/30.0"},
		{"overdue and blind", with(counted(400, 4, 5), func(l *Line) { l.Cutoff = dayOf(now) }), Overdue, false, "cutoff_passed last_fax last_reading"},
		{"overdue, to be cut tomorrow", with(counted(400, 0, 91), func(l *Line) {
			l.Cutoff, l.CutOn = dayOf(now), dayOf(now.Add(day))
		}), Overdue, false, "cutoff_passed cut_ahead last_fax last_reading watched=91.0/91.0"},
		{"cut today", with(counted(400, 0, 91), func(l *Line) { l.Cutoff, l.CutOn = dayOf(now), dayOf(now) }), Cut, false, "cut last_fax last_reading watched=91.0/91.0"},
		{"kept, whatever its dates", with(counted(400, 0, 7), func(l *Line) {
			l.Cutoff, l.CutOn, l.KeptReason, l.KeptUntil = dayOf(now), dayOf(now), "SAMU", "2099-01-01"
		}), Kept, false, "kept last_fax last_reading watched=30.0/30.0"},
		{"kept beyond its review", with(counted(400, 0, 7), func(l *Line) { l.KeptReason, l.KeptUntil = "SAMU", dayOf(now) }), Kept, false, "kept review_passed last_fax last_reading watched=30.0/30.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := c.line
			l.Zone = paris
			l.stand(now, windows{30 * day, 3 * day})
			if l.State != c.want || l.New != c.isNew {
				t.Errorf("got %s (%+v), new %v, want %s, new %v", l.State, l.Why, l.New, c.want, c.isNew)
			}
			if got := summary(l.Why); got != c.facts {
				t.Errorf("got the evidence %s, want %s", got, c.facts)
			}
		})
	}
}

// summary is evidence in short.
func summary(facts []Fact) string {
	var words []string
	for _, f := range facts {
		word := string(f.Code)
		if f.Code == FactWatched {
			word += fmt.Sprintf("=%.1f/%.1f", f.Days, f.Of)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestACutOffBeginsAtMidnightOfItsZone(t *testing.T) {
	for name, c := range map[string]struct {
		zone string
		d    Declaration
		want string
	}{
		"planned":               {"Europe/Paris", Declaration{Cutoff: "2026-11-01"}, "2026-10-31T23:00:00.000Z"},
		"planned overseas":      {"Indian/Reunion", Declaration{Cutoff: "2026-11-01"}, "2026-10-31T20:00:00.000Z"},
		"cut, that day's end":   {"Europe/Paris", Declaration{CutOn: "2026-10-24"}, "2026-10-24T22:00:00.000Z"},
		"the day clocks change": {"Europe/Paris", Declaration{CutOn: "2026-10-25"}, "2026-10-25T23:00:00.000Z"},
		"cut before planned":    {"Europe/Paris", Declaration{Cutoff: "2026-11-01", CutOn: "2026-10-26"}, "2026-10-26T23:00:00.000Z"},
		"cut later than that":   {"Europe/Paris", Declaration{Cutoff: "2026-11-01", CutOn: "2026-11-20"}, "2026-10-31T23:00:00.000Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := CutoffOf([]Declaration{c.d}, zone).At(); got.String() != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	if got := CutoffOf([]Declaration{{Cutoff: "2026-11-01", KeptReason: "SAMU"}}, time.UTC).At(); got != 0 {
		t.Errorf("kept: got %s, want none", got)
	}
}

func TestALineThatLivesIsActiveWhateverWasPlannedOrAllowed(t *testing.T) {
	for _, c := range []struct {
		state, observed LineState
		active, unseen  bool
	}{
		{Active, Active, true, false},
		{Overdue, Active, true, false},
		{Kept, Active, true, false},
		{Cut, Active, false, false},
		{Overdue, Quiet, false, false},
		{Kept, Blind, false, true},
		{Blind, Blind, false, true},
		{Cut, Blind, false, false},
	} {
		l := Line{State: c.state, Observed: c.observed}
		if l.Active() != c.active || l.Unseen() != c.unseen {
			t.Errorf("%s, seen as %s: got active %t, unseen %t; want %t, %t", c.state, c.observed, l.Active(), l.Unseen(), c.active, c.unseen)
		}
	}
}
