package year_test

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/deploy/year"
)

// What the script doesn't contain proves nothing.
func TestTheScriptHasAllThatCanHappen(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	s := year.Write(year.Plan{
		Seed: 2026, Size: 500, Every: 24 * time.Hour, From: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Days: 365,
		Office: year.Office{Everyone: []string{"qualite@chu.test"}, Zone: paris},
	})
	truth := year.NewTruth(s.Hospital, s.Office)
	got := map[string]int{}
	for _, step := range s.Steps {
		truth.Step(step)
		got["imports"] += len(step.Imports)
		got["killed "+string(step.Killed)]++
	}
	for _, l := range s.Lines {
		got["zone "+l.Site.Zone.String()]++
	}
	for _, e := range truth.Events {
		got[e.Certainty]++
		if e.Noticed.Sub(e.To) > time.Hour {
			got["told late"]++
		}
		if e.Error > 0 && e.Certainty == "unsure" {
			got["clock error at the cut-off"]++
		}
		if e.Reset > 0 {
			got["reset after the cut-off"]++
		}
	}
	for _, x := range truth.Episodes {
		got[x.Kind]++
		got["closed: "+x.Why]++
	}
	for _, m := range truth.Mails {
		got["mail: "+m.Kind]++
	}
	t.Log(len(s.Steps), "steps", got)
	for _, what := range []string{
		"zone Europe/Paris", "zone Indian/Reunion", "zone America/Martinique", "zone America/Miquelon",
		"killed first", "killed reading", "killed mailing", "killed mailed",
		"certain", "probable", "unsure", "test", "withdrawn", "told late", "clock error at the cut-off", "reset after the cut-off",
		"after_cutoff", "after_copper", "blind", "line_reappeared", "agent_silent", "spool_dropping", "hole", "clock", "anomaly", "device_changed",
		"closed: quiet", "closed: withdrawn", "closed: over", "closed: essai du technicien", "mail: fax", "mail: fault", "mail: digest",
	} {
		if got[what] == 0 {
			t.Errorf("the year has no %q", what)
		}
	}
	if night := s.CutInNightsOfClockChange(); night < 20 {
		t.Errorf("%d lines are cut in nights in which clocks change, want 20 or more", night)
	}
	if offline := s.CutWhileOffline(); offline < 20 {
		t.Errorf("%d lines are cut while their agent is offline, want 20 or more", offline)
	}
}
