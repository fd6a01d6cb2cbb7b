package journal

import (
	"testing"
	"time"
)

func TestZonesByTheirRulesAreThoseOfTheDatabase(t *testing.T) {
	t.Parallel()
	for name, rule := range zoneRules {
		want, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ruled(name, rule)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for at := time.Date(2015, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2035; at = at.Add(time.Hour) {
			if at.In(got).Format(time.DateTime) != at.In(want).Format(time.DateTime) {
				t.Errorf("%s at %s: got %s, want %s", name, at, at.In(got), at.In(want))
				break
			}
		}
	}
	if _, err := Zone("Europe/Angers"); err == nil {
		t.Error("Europe/Angers: got no error")
	}
}
