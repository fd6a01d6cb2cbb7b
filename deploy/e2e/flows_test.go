//go:build e2e

package e2e

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/deploy/stage"
)

// flowEnd is an end of a flow, as the API tells it.
type flowEnd struct{ Kind, Service string }

type flow struct {
	From                string
	Source, Destination flowEnd
	Count               int64
}

// flowsEnd is when that history ends. What it throws dice for depends on that, and one cut in a hundred may be taken for a
// displacement by chance: so it is always the same. At this instant one was that is none: its neighbours' faxes had fallen,
// and fell no more.
var flowsEnd = time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC)

// Journals that overlap, each with retries, tell of each fax once; a displacement that happened is found, and no other.
func TestFlowsAndNeighboursOverAScriptedHistory(t *testing.T) {
	t.Parallel()
	s, err := stage.Open(t.Context(), stage.Options{
		Mode: stage.Full, Flows: true, Seed: 2026, Months: 13, Ends: flowsEnd, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler),
		Collector: filepath.Join(bin, "zerofax-collector"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	t.Run("what the demo's agent follows begins with what was imported, and counts once", func(t *testing.T) { importedAgain(t, s) })
	t.Run("messages are true", func(t *testing.T) { exchangedAsTold(t, s, "message", s.Truth.Exchanged) })
	t.Run("so are calls", func(t *testing.T) { exchangedAsTold(t, s, "call", s.Truth.Called) })
	t.Run("one service went next door, the others didn't", func(t *testing.T) { wentNextDoor(t, s) })
	t.Run("correspondents and their MSSanté", func(t *testing.T) { equipped(t, s) })
	t.Run("the pages in a browser", func(t *testing.T) {
		browse(t, "collector/internal/web/browser/flows.mjs", s.CollectorURL(), s.Truth.Borrowed.Number)
	})
}

// importedAgain reads the beginning of the journal that goes on, all of which the books have.
func importedAgain(t *testing.T, s *stage.Stage) {
	path := filepath.Join(t.TempDir(), "xferfaxlog")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Journal(ctx, path, time.Hour); err != nil {
		t.Fatal(err)
	}
	args := []string{"ZEROFAX_TIME_FILE=" + filepath.Join(s.Dir, "time"), filepath.Join(bin, "zerofax-collector"), "import", "journal", "--profile", "hylafax", "--journal", stage.FaxServer, "--config", filepath.Join(s.Dir, "collector.yml")}
	for _, m := range s.Modems() {
		args = append(args, "--line", m[0]+"="+m[1])
	}
	stdout, stderr, code := run(t, "env", append(args, path)...)
	if code != 0 || !strings.Contains(stdout, " 0 new,") || strings.Contains(stdout, " 0 known,") {
		t.Errorf("exit %d, got %s%s, want nothing new, and some known", code, stdout, stderr)
	}
}

// equipped looks whom the page of flows says to have MSSanté, by the public files.
func equipped(t *testing.T, s *stage.Stage) {
	page := get(s.CollectorURL() + "/flows?lang=en")
	for name, want := range map[string]string{
		"Laboratoire des Tilleuls": "Yes", "DR EXEMPLE Jeanne": "Yes", "Clinique imaginaire": "Not published (or unlisted)", "02 61 •• •• 06": "Unknown",
	} {
		_, rest, _ := strings.Cut(page[strings.Index(page, "Correspondents"):], name)
		row, _, _ := strings.Cut(rest, "</tr>")
		if !strings.Contains(row, ">"+want) {
			t.Errorf("%s: got %q, want %q", name, row, want)
		}
	}
}

// exchangedAsTold compares what the API tells of each month between services with what the script had happen.
func exchangedAsTold(t *testing.T, s *stage.Stage, unit string, truth map[stage.Flowing]int64) {
	services := map[string]string{"": ""}
	for _, l := range s.Truth.Lines {
		services[l.Number] = l.Service.ID
	}
	want := map[stage.Flowing]int64{}
	for f, count := range truth {
		want[stage.Flowing{Month: f.Month, From: services[f.From], To: services[f.To]}] += count
	}
	from, to := s.Truth.Begins.Format("2006-01"), s.Truth.Now.Format("2006-01")
	got := map[stage.Flowing]int64{}
	for _, f := range list[flow](s.CollectorURL() + "/api/v1/flows?per=month&by=service&unit=" + unit + "&from=" + from + "&to=" + to) {
		if f.Count > 0 {
			got[stage.Flowing{Month: f.From, From: f.Source.Service, To: f.Destination.Service}] += f.Count
		}
	}
	if len(want) < 50 {
		t.Errorf("the script has only %d flows", len(want))
	}
	if maps.Equal(got, want) {
		return
	}
	for f, count := range want {
		if got[f] != count {
			t.Errorf("%s %q → %q: got %d, want %d", f.Month, f.From, f.To, got[f], count)
		}
	}
	for f, count := range got {
		if _, known := want[f]; !known {
			t.Errorf("%s %q → %q: got %d, want none", f.Month, f.From, f.To, count)
		}
	}
}

type displacement struct {
	Line, Finding, Doubt string
	Machines             []struct {
		Device   string
		Evidence *struct {
			After, Expected float64
			Risen           bool
		}
	}
}

func wentNextDoor(t *testing.T, s *stage.Stage) {
	findings := map[string]int{}
	for _, d := range list[displacement](s.CollectorURL() + "/api/v1/neighbours") {
		findings[d.Finding]++
		if d.Line != s.Truth.Borrowed.Number {
			if d.Finding == "displaced" {
				t.Errorf("the faxes of %s are said to have gone to its neighbours", d.Line)
			}
			continue
		}
		if d.Finding != "displaced" {
			t.Errorf("%s: got %s %s, want displaced", d.Line, d.Finding, d.Doubt)
		}
		for _, m := range d.Machines {
			if risen := m.Evidence != nil && m.Evidence.Risen; risen != (m.Device == s.Truth.Borrowing.ID) {
				t.Errorf("%s: had more is %t, want it of %s alone", m.Device, risen, s.Truth.Borrowing.ID)
			}
		}
	}
	for _, finding := range []string{"displaced", "stayed", "cannot_tell"} {
		if findings[finding] == 0 {
			t.Errorf("no cut is %q: %v", finding, findings)
		}
	}
}
