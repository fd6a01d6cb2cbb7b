package boards_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zerofax/zerofax/dashboards/boards"
)

// committed is where the dashboards lie that people import.
const committed = "../grafana"

func TestTheCommittedDashboardsAreUpToDate(t *testing.T) {
	var files []string
	for _, b := range boards.All() {
		files = append(files, b.File())
		want, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(committed, b.File()))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is out of date (%v): make dashboards", b.File(), err)
		}
	}
	entries, err := os.ReadDir(committed)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(files, e.Name()) {
			t.Errorf("%s is nobody's: remove it", e.Name())
		}
	}
}

func TestNoTwoDashboardsShareUIDOrTitle(t *testing.T) {
	seen := map[string]string{}
	for _, b := range boards.All() {
		for _, name := range []string{b.UID, b.Title} {
			if other := seen[name]; other != "" {
				t.Errorf("%q is both %s's and %s's", name, other, b.File())
			}
			seen[name] = b.File()
		}
		if b.ID != nil {
			t.Errorf("%s: got id %d, want null", b.File(), *b.ID)
		}
	}
}
