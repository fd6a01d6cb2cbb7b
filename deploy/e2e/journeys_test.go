//go:build e2e

package e2e

import (
	"log/slog"
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
	browse(t, "collector/internal/web/browser/journeys.mjs", s.CollectorURL())
}
