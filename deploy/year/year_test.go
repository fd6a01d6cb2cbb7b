package year_test

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/deploy/year"
)

func TestTheScriptHasAllThatCanHappen(t *testing.T) {
	s := year.Write(year.Plan{Seed: 1, Size: 500, Every: 12 * time.Hour, From: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Days: 365})
	truth := year.NewTruth(s.Hospital)
	for _, step := range s.Steps {
		truth.Step(step)
	}
	got := map[string]int{"steps": len(s.Steps), "lines": len(s.Lines), "machines": len(s.Machines), "activities": len(truth.Activities)}
	imports := 0
	for _, step := range s.Steps {
		imports += len(step.Imports)
	}
	got["imports"] = imports
	for _, e := range truth.Events {
		got[e.Certainty]++
	}
	for _, x := range truth.Episodes {
		got[x.Kind]++
		got["closed: "+x.Why]++
	}
	t.Log(got)
	for _, what := range []string{"certain", "probable", "unsure", "test", "withdrawn", "closed: quiet", "closed: withdrawn", "closed: essai du technicien"} {
		if got[what] == 0 {
			t.Errorf("nothing is %s", what)
		}
	}
}
