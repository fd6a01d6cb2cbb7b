//go:build e2e

package e2e

import (
	"log/slog"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/zerofax/zerofax/deploy/stage"
)

// TestWhatAChefDeProjetDoes has a browser do it, on a collector that has lived through a year.
func TestWhatAChefDeProjetDoes(t *testing.T) {
	t.Parallel()
	o := stage.Options{
		Mode: stage.Full, Seed: 2026, Months: 13, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler),
		Collector: filepath.Join(bin, "zerofax-collector"),
	}
	s, err := stage.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	browse(t, "collector/internal/web/browser/journeys.mjs", s.CollectorURL(), s.Extraction())

	const password = "sept barques au ponton"
	writeFile(t, filepath.Join(s.Dir, "password"), password+"\n")
	for _, user := range [][]string{
		{"admin.exemple", "--role", "admin"},
		{"editrice.iles", "--role", "editor", "--establishment", "ch-iles"},
	} {
		cmd := exec.Command(o.Collector, append([]string{"user", "add", "--password-file", "password", "--config", "collector.yml"}, user...)...)
		cmd.Dir = s.Dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
	}
	browse(t, "collector/internal/web/browser/editor.mjs", s.CollectorURL(), "editrice.iles", password)
}
