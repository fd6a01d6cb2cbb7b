package ledger

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// site is a hospital with two services, a machine that counts, one that doesn't, and a gateway.
func site() (Register, []*device) {
	r := Register{
		Sites:    map[string]Site{"nord": {ID: "nord", Establishment: "chu", Commune: "49007"}, "sud": {ID: "sud", Establishment: "chu", Commune: "97411", TimeZone: "Indian/Reunion"}},
		Poles:    map[string]Pole{"urgences": {ID: "urgences", Establishment: "chu"}},
		Services: map[string]Service{"saas": {ID: "saas", Pole: "urgences", Establishment: "chu"}, "onco": {ID: "onco", Pole: "medecine", Establishment: "chu"}},
		Copper:   map[string]Copper{"49007": {Commune: "49007", Name: "Angers", Commercial: "2026-01-31", Technical: "2027-01-31"}},
		Lines:    map[string][]Declaration{},
	}
	since := t0.Add(-400 * day)
	counting := func(id, serial string) *device {
		d := &device{id: id, fax: wire.Yes, firstSeen: since, countsFrom: since, readAt: t0, countersAt: t0}
		d.identity.Serial = serial
		d.counters = []*counter{{device: d, measure: wire.FaxSentPages, unit: "pages", present: true, lastAt: t0.Add(-day)}}
		return d
	}
	ricoh := counting("ricoh-w1", "W1")
	ricoh.counters, ricoh.countersAt = nil, 0
	on := func(name string, fax wire.Answer, status wire.LineStatus, days int) *port {
		return &port{Line: wire.Line{Port: name, Fax: fax, Status: status}, firstSeen: since, since: t0.Add(-time.Duration(days) * day)}
	}
	return r, []*device{
		counting("kyocera-vcg1", "VCG1"), counting("xerox-33", "33"), ricoh,
		{id: "grandstream-00", firstSeen: since, readAt: t0, linesAt: t0, ports: []*port{
			on("1", wire.Yes, wire.LineIdle, 400), on("2", wire.Yes, wire.LineDown, 40), on("3", wire.Unknown, wire.LineUnknown, 400),
		}},
	}
}

func (r Register) with(lines ...Declaration) Register {
	for _, d := range lines {
		r.Lines[d.Line] = append(r.Lines[d.Line], d)
	}
	return r
}

func TestDeclaredLinesTakeThePlaceOfThoseThatMachinesShow(t *testing.T) {
	const all = "grandstream-00:1=active grandstream-00:2=quiet kyocera-vcg1=active ricoh-w1=blind xerox-33=active"
	for name, c := range map[string]struct {
		lines []Declaration
		want  string
	}{
		"none declared":              {nil, all},
		"by its machine's serial":    {[]Declaration{{Line: "0241354000", Device: "vcg1"}}, "0241354000=active grandstream-00:1=active grandstream-00:2=quiet ricoh-w1=blind xerox-33=active"},
		"by its machine's id":        {[]Declaration{{Line: "0241354000", Device: "XEROX-33"}}, "0241354000=active grandstream-00:1=active grandstream-00:2=quiet kyocera-vcg1=active ricoh-w1=blind"},
		"of a gateway, only a port":  {[]Declaration{{Line: "0241354000", Gateway: "grandstream-00", GatewayPort: "2"}}, "0241354000=quiet grandstream-00:1=active kyocera-vcg1=active ricoh-w1=blind xerox-33=active"},
		"a port nobody labelled fax": {[]Declaration{{Line: "0241354000", Gateway: "grandstream-00", GatewayPort: "3"}}, "0241354000=blind " + all},
		"a machine never seen":       {[]Declaration{{Line: "0241354000", Device: "canon-9"}}, "0241354000=blind " + all},
		"without a machine":          {[]Declaration{{Line: "0241354000"}}, "0241354000=blind " + all},
		"removed again":              {[]Declaration{{Line: "0241354000", Device: "vcg1"}, {Line: "0241354000", From: t0.Add(-day), Removed: true}}, all},
		"not removed yet":            {[]Declaration{{Line: "0241354000", Device: "vcg1"}, {Line: "0241354000", From: t0.Add(day), Removed: true}}, "0241354000=active grandstream-00:1=active grandstream-00:2=quiet ricoh-w1=blind xerox-33=active"},
		"machine silent, port idle": {
			[]Declaration{{Line: "0241354000", Device: "ricoh-w1", Gateway: "grandstream-00", GatewayPort: "1"}},
			"0241354000=active grandstream-00:2=quiet kyocera-vcg1=active xerox-33=active",
		},
		"port down, machine faxes": {
			[]Declaration{{Line: "0241354000", Device: "vcg1", Gateway: "grandstream-00", GatewayPort: "2"}},
			"0241354000=active grandstream-00:1=active ricoh-w1=blind xerox-33=active",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, devices := site()
			var got []string
			for _, l := range stood(r.with(c.lines...), devices...) {
				got = append(got, l.ID+"="+string(l.State))
			}
			if want := strings.Fields(c.want); !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// stood are the lines of a register and devices at t0.
func stood(r Register, devices ...*device) []Line {
	l := &Ledger{zone: time.UTC, activeWindow: 30 * day, blindAfter: 3 * day}
	s := Snapshot{At: t0, Register: r}
	for _, d := range devices {
		s.Devices = append(s.Devices, d.view(t0, nil))
	}
	return l.lines(&s, devices, nil, nil)
}

func one(t *testing.T, lines []Line, id string) Line {
	t.Helper()
	i := slices.IndexFunc(lines, func(l Line) bool { return l.ID == id })
	if i < 0 {
		t.Fatalf("no line %s among %d", id, len(lines))
	}
	return lines[i]
}

func TestWhatIsMissingOfADeclaredLineIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		d    Declaration
		want string
	}{
		"no machine":          {Declaration{}, "no_machine"},
		"never seen":          {Declaration{Device: "canon-9"}, "machine_unseen"},
		"two fit":             {Declaration{Device: "same"}, "machine_ambiguous"},
		"counts nothing":      {Declaration{Device: "ricoh-w1"}, "unwatched last_reading"},
		"no such port":        {Declaration{Gateway: "grandstream-00", GatewayPort: "9"}, "port_unseen unwatched last_reading"},
		"a port that is mute": {Declaration{Gateway: "grandstream-00", GatewayPort: "3"}, "unwatched last_reading"},
	} {
		r, devices := site()
		for i, id := range []string{"a-same", "b-same"} {
			d := &device{id: id, fax: wire.No}
			d.identity.Serial = []string{"same", "SAME"}[i]
			devices = append(devices, d)
		}
		c.d.Line = "0241354000"
		l := one(t, stood(r.with(c.d), devices...), "0241354000")
		if got := summary(l.Why); l.State != Blind || got != c.want {
			t.Errorf("%s: got %s because %s, want blind because %s", name, l.State, got, c.want)
		}
	}
}

func TestALineBelongsWhereItIsDeclaredNow(t *testing.T) {
	r, devices := site()
	r = r.with(
		Declaration{Line: "0241354000", Device: "vcg1", Place: Place{Service: "onco"}, Cutoff: "2026-01-01"},
		Declaration{Line: "0241354000", From: t0.Add(-10 * day), Device: "33", Place: Place{Site: "sud", Service: "saas"}, Support: "T0", Cutoff: "2027-01-01"},
		Declaration{Line: "0241354001", From: 0, Place: Place{Site: "nord"}, Support: "analogique"},
	)
	l := one(t, stood(r, devices...), "0241354000")
	if l.Service != "saas" || l.Pole != "urgences" || l.Establishment != "chu" || l.Device != "xerox-33" || l.Zone.String() != "Indian/Reunion" {
		t.Errorf("got %+v, want saas of urgences of chu, on xerox-33, in Réunion", l)
	}
	if want := "2026-12-31T20:00:00.000Z"; l.CutoffAt.String() != want || l.Copper != nil {
		t.Errorf("got the cut-off %s, copper %+v; want %s and none known", l.CutoffAt, l.Copper, want)
	}
	if len(l.History) != 2 || l.History[0].Service != "onco" || l.History[0].Device != "kyocera-vcg1" || l.History[1].From != t0.Add(-10*day) {
		t.Errorf("got the history %+v, want onco on the kyocera, then saas", l.History)
	}
	if got := Watched(l.watched(), Span{t0.Add(-20 * day), t0}); got != 20*day {
		t.Errorf("watched %v of 20 days, want all: a swap of machines opens no gap by itself", got)
	}
	if l.LastFax != t0.Add(-day) {
		t.Errorf("last fax: got %s, want the xerox's; the kyocera faxes for others now", l.LastFax)
	}
	copper := one(t, stood(r, devices...), "0241354001").Copper
	if copper == nil || copper.Technical != "2027-01-31" || copper.Warning != CopperHalf {
		t.Errorf("got the copper %+v, want its end in January, within 6 months", copper)
	}
}

func TestAMachineOfSeveralLinesCountsForNoneOfThem(t *testing.T) {
	r, devices := site()
	r = r.with(Declaration{Line: "0241354000", Device: "vcg1"}, Declaration{Line: "0241354001", Device: "VCG1"})
	lines := stood(r, devices...)
	for _, id := range []string{"0241354000", "0241354001"} {
		l := one(t, lines, id)
		if l.LastFax != 0 || l.State != Active || !strings.HasPrefix(summary(l.Why), "shared_fax") || l.Why[0].Count != 2 {
			t.Errorf("%s: got last fax %s, %s because %+v; want none known, active since one of the two faxed", id, l.LastFax, l.State, l.Why)
		}
	}
}

func TestCopperWarnsInTime(t *testing.T) {
	now := wire.TimeOf(time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC))
	for end, want := range map[Day]CopperWarning{
		"": CopperFar, "2027-10-02": CopperFar, "2027-10-01": CopperYear, "2027-04-02": CopperYear, "2027-04-01": CopperHalf, "2026-10-01": CopperClosed,
	} {
		if got := copperWarning(end.In(time.UTC), now, time.UTC); got != want {
			t.Errorf("%q: got %q, want %q", end, got, want)
		}
	}
}

func TestWhereItsMachineCountsNothingALinesGatewayTellsOfItsFaxes(t *testing.T) {
	for name, machine := range map[string]string{"a machine that counts nothing": "ricoh-w1", "a machine never seen": "canon-9", "no machine": ""} {
		r, devices := site()
		gateway := devices[3]
		gateway.ports, gateway.countsFrom, gateway.countersAt = nil, t0.Add(-100*day), t0
		gateway.counters = []*counter{{device: gateway, measure: wire.FaxSentPages, unit: "pages", present: true, lastAt: t0.Add(-40 * day)}}
		l := one(t, stood(r.with(Declaration{Line: "0241354000", Device: machine, Gateway: "grandstream-00"}), devices...), "0241354000")
		if l.LastFax != t0.Add(-40*day) || l.Observed != Quiet || Watched(l.watched(), Span{0, t0}) != 100*day {
			t.Errorf("%s: got the last fax %s, %s, watched %v; want the gateway's, 40 days ago: quiet, watched 100 days",
				name, l.LastFax, l.Observed, Watched(l.watched(), Span{0, t0}))
		}
	}
}
