package ledger

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

func instant(t *testing.T, text string) wire.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return wire.TimeOf(at)
}

func TestCutoffInstant(t *testing.T) {
	for _, c := range []struct {
		name, zone    string
		cutoff, cutOn Day
		kept          string
		removed       bool
		planned, at   string
	}{
		{name: "the planned day begins at midnight in winter", zone: "Europe/Paris", cutoff: "2026-11-30", at: "2026-11-29T23:00:00Z"},
		{name: "in summer", zone: "Europe/Paris", cutoff: "2026-07-01", at: "2026-06-30T22:00:00Z"},
		{name: "on the day on which summer time ends", zone: "Europe/Paris", cutoff: "2026-10-25", at: "2026-10-24T22:00:00Z"},
		{name: "and the day after", zone: "Europe/Paris", cutoff: "2026-10-26", at: "2026-10-25T23:00:00Z"},
		{name: "the real cut is the end of its day: 25 hours long", zone: "Europe/Paris", cutOn: "2026-10-25", at: "2026-10-25T23:00:00Z"},
		{name: "or 23", zone: "Europe/Paris", cutOn: "2026-03-29", at: "2026-03-29T22:00:00Z"},
		{name: "cut earlier than planned", zone: "Europe/Paris", cutoff: "2026-12-31", cutOn: "2026-12-14", at: "2026-12-14T23:00:00Z"},
		{name: "cut later than planned", zone: "Europe/Paris", cutoff: "2026-12-01", cutOn: "2026-12-14", at: "2026-11-30T23:00:00Z"},
		{name: "cut on the planned day", zone: "Europe/Paris", cutoff: "2026-12-01", cutOn: "2026-12-01", at: "2026-11-30T23:00:00Z"},
		{name: "an exception has none", zone: "Europe/Paris", cutoff: "2026-12-01", kept: "SAMU"},
		{name: "nothing declared", zone: "Europe/Paris"},
		{name: "a removed line keeps its date", zone: "Europe/Paris", cutoff: "2026-12-01", removed: true, at: "2026-11-30T23:00:00Z"},
		{name: "Guadeloupe", zone: "America/Guadeloupe", cutoff: "2026-12-01", at: "2026-12-01T04:00:00Z"},
		{name: "Martinique", zone: "America/Martinique", cutoff: "2026-12-01", at: "2026-12-01T04:00:00Z"},
		{name: "Guyane", zone: "America/Cayenne", cutoff: "2026-12-01", at: "2026-12-01T03:00:00Z"},
		{name: "Réunion", zone: "Indian/Reunion", cutoff: "2026-12-01", at: "2026-11-30T20:00:00Z"},
		{name: "Mayotte", zone: "Indian/Mayotte", cutoff: "2026-12-01", at: "2026-11-30T21:00:00Z"},
		{name: "Saint-Pierre-et-Miquelon", zone: "America/Miquelon", cutoff: "2026-12-01", at: "2026-12-01T03:00:00Z"},
		{name: "Saint-Pierre-et-Miquelon in summer", zone: "America/Miquelon", cutoff: "2026-07-01", at: "2026-07-01T02:00:00Z"},
		{name: "Saint-Barthélemy", zone: "America/St_Barthelemy", cutoff: "2026-12-01", at: "2026-12-01T04:00:00Z"},
		{name: "Saint-Martin", zone: "America/Marigot", cutoff: "2026-12-01", at: "2026-12-01T04:00:00Z"},
		{name: "Nouvelle-Calédonie", zone: "Pacific/Noumea", cutoff: "2026-12-01", at: "2026-11-30T13:00:00Z"},
		{name: "Tahiti", zone: "Pacific/Tahiti", cutoff: "2026-12-01", at: "2026-12-01T10:00:00Z"},
		{name: "Marquises", zone: "Pacific/Marquesas", cutoff: "2026-12-01", at: "2026-12-01T09:30:00Z"},
		{name: "Gambier", zone: "Pacific/Gambier", cutoff: "2026-12-01", at: "2026-12-01T09:00:00Z"},
		{name: "Wallis-et-Futuna", zone: "Pacific/Wallis", cutoff: "2026-12-01", at: "2026-11-30T12:00:00Z"},
		{name: "a zone that nobody knows is the collector's", zone: "Europe/Lutetia", cutoff: "2026-12-01", at: "2026-12-01T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			versions := []Declaration{{Line: "x", Cutoff: "2020-01-01"}, {Line: "x", From: 1, Cutoff: c.cutoff, CutOn: c.cutOn, KeptReason: c.kept}}
			if c.removed {
				versions = append(versions, Declaration{Line: "x", From: 2, Removed: true})
			}
			got, want := CutoffOf(versions, NewZones(time.UTC).Of(c.zone)).At(), wire.Time(0)
			if c.at != "" {
				want = instant(t, c.at)
			}
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestHowSureItIsThatSomethingIsAfterTheCutoff(t *testing.T) {
	const cut = wire.Time(1_800_000_000_000)
	minute, sec, ms := wire.Time(60_000), wire.Time(1000), wire.Time(1)
	late := cut.Add(24 * time.Hour)
	for _, c := range []struct {
		name     string
		from, to wire.Time
		slack    time.Duration
		measure  wire.Measure
		reset    bool
		at       wire.Time
		want     judgement
	}{
		{name: "well before", from: cut - 10*minute, to: cut - 5*minute},
		{name: "the second look is at the cut-off", from: cut - 5*minute, to: cut},
		{name: "a millisecond after it", from: cut - 5*minute, to: cut + ms, want: judgement{Unsure, Straddles}},
		{name: "between two looks", from: cut - minute, to: cut + minute, want: judgement{Unsure, Straddles}},
		{name: "the first look is a millisecond before", from: cut - ms, to: cut + minute, want: judgement{Unsure, Straddles}},
		{name: "the first look is at the cut-off", from: cut, to: cut + minute, want: judgement{Certain, NoDoubt}},
		{name: "well after", from: cut + minute, to: cut + 2*minute, want: judgement{Certain, NoDoubt}},
		{name: "printed at once", measure: wire.FaxPrintedPages, from: cut, to: cut + minute, want: judgement{Probable, NoDoubt}},
		{name: "printed just within a day", measure: wire.FaxPrintedPages, from: late - ms, to: late + minute, want: judgement{Probable, NoDoubt}},
		{name: "printed a day after", measure: wire.FaxPrintedPages, from: late, to: late + minute, want: judgement{Certain, NoDoubt}},
		{name: "printed between two looks", measure: wire.FaxPrintedPages, from: cut - ms, to: late + minute, want: judgement{Unsure, Straddles}},
		{name: "nobody looked for a week", from: cut.Add(-3 * day), to: cut.Add(4 * day), want: judgement{Unsure, Straddles}},
		{name: "clocks were wrong by more than the distance", from: cut + minute, to: cut + 2*minute, slack: 61 * time.Second, want: judgement{Unsure, ClocksOff}},
		{name: "by just that", from: cut + minute, to: cut + 2*minute, slack: time.Minute, want: judgement{Certain, NoDoubt}},
		{name: "it seems to be before, but the clocks were wrong", from: cut - 2*minute, to: cut - minute, slack: 61 * time.Second, want: judgement{Unsure, ClocksOff}},
		{name: "by just that, before", from: cut - 2*minute, to: cut - minute, slack: time.Minute},
		{name: "printed, and a day after only if the clock was right", measure: wire.FaxPrintedPages, from: late + sec, to: late + minute, slack: 2 * time.Second, want: judgement{Probable, NoDoubt}},
		{name: "the counter began anew before", reset: true, from: cut - 2*minute, to: cut},
		{name: "began anew after", reset: true, from: cut + minute, to: cut + 2*minute, want: judgement{Unsure, BeganAnew}},
		{name: "began anew between two looks", reset: true, from: cut - minute, to: cut + minute, want: judgement{Unsure, BeganAnew}},
		{name: "no cut-off", from: cut, to: cut + minute, at: -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := growth{activity: 1, measure: c.measure, from: c.from, to: c.to, slack: c.slack}
			if c.measure == "" {
				g.measure = wire.FaxReceivedPages
			}
			if c.reset {
				g.activity, g.anomaly = 0, 1
			}
			at := cut
			if c.at == -1 {
				at = 0
			}
			if got := g.after(at); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestWhatIsFaxedInATestWindowIsNone(t *testing.T) {
	w := window{from: 1000, to: 2000}
	sure := judgement{Certain, NoDoubt}
	for _, c := range []struct {
		name     string
		from, to wire.Time
		slack    time.Duration
		before   judgement
		want     judgement
	}{
		{"within", 1100, 1200, 0, sure, judgement{Certainty: Test}},
		{"all of it", 1000, 2000, 0, sure, judgement{Certainty: Test}},
		{"it may have begun before", 999, 1200, 0, sure, judgement{Unsure, InWindow}},
		{"it may have ended after", 1100, 2001, 0, sure, judgement{Unsure, InWindow}},
		{"before", 900, 1000, 0, sure, sure},
		{"after", 2000, 2100, 0, sure, sure},
		{"within, but the clocks were wrong", 1100, 1200, 200 * time.Millisecond, sure, judgement{Unsure, InWindow}},
		{"unsure and within", 1100, 1200, 0, judgement{Unsure, Straddles}, judgement{Certainty: Test}},
		{"unsure for another reason", 900, 1200, 0, judgement{Unsure, Straddles}, judgement{Unsure, Straddles}},
		{"not after the cut-off at all", 1100, 1200, 0, judgement{}, judgement{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := growth{from: c.from, to: c.to, slack: c.slack}
			if got := c.before.tested(&g, w); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestALineThatEndsLast(t *testing.T) {
	deadlines := map[string]deadline{
		"a": {Cutoff: Cutoff{Planned: 100}}, "b": {Cutoff: Cutoff{Planned: 200}}, "c": {Cutoff: Cutoff{Planned: 200}},
		"kept": {Cutoff: Cutoff{Planned: 100, Kept: true}, copper: 500},
	}
	for _, c := range []struct {
		name  string
		lines []string
		line  string
		at    wire.Time
	}{
		{"one", []string{"a"}, "a", 100},
		{"the later of two", []string{"b", "a"}, "b", 200},
		{"of two at once the one whose id comes first", []string{"c", "a", "b"}, "b", 200},
		{"one of them is an exception", []string{"a", "kept"}, "", 0},
		{"one of them has no date", []string{"a", "other"}, "", 0},
		{"none", nil, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if line, at := lastEnding(AfterCutoff, c.lines, deadlines); line != c.line || at != c.at {
				t.Errorf("got %q at %d, want %q at %d", line, at, c.line, c.at)
			}
		})
	}
	if line, at := lastEnding(AfterCopper, []string{"kept"}, deadlines); line != "kept" || at != 500 {
		t.Errorf("copper: got %q at %d, want the exception too", line, at)
	}
}

func TestClockErrorIsInWholeMinutes(t *testing.T) {
	for offset, want := range map[time.Duration]time.Duration{
		0: 0, 2 * time.Second: 0, -2 * time.Second: 0, 2001 * time.Millisecond: time.Minute, -30 * time.Second: time.Minute,
		time.Minute: time.Minute, 61 * time.Second: 2 * time.Minute, -10 * year: day,
	} {
		if got := clockError(offset); got != want {
			t.Errorf("%s: got %s, want %s", offset, got, want)
		}
	}
}
