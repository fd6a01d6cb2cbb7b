//go:build e2e

package web

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/waves"
)

// switching is a hospital of 40 services with three waves, journals of half of them, and long names.
func switching() *books {
	b := full()
	b.plan.Waves = []ledger.Wave{
		{Number: 1, Name: "Pilote", Cutoff: "2027-01-11", Note: "avec les secrétariats"},
		{Number: 2, Name: strings.TrimSpace(strings.Repeat("services de médecine et de soins de suite ", 4)), Cutoff: "2027-04-12"},
		{Number: 3},
	}
	covered := ledger.JournalSpan{Journal: "hylafax", Unit: wire.Message, From: "2025-10-01", To: "2026-09-30"}
	of := map[string]string{}
	for i := range b.snapshot.Lines {
		if l := &b.snapshot.Lines[i]; strings.HasPrefix(l.Service, "service-") && l.Service < "service-20" && of[l.Service] == "" {
			of[l.Service] = l.ID
			covered.Lines = append(covered.Lines, l.ID)
		}
	}
	slices.Sort(covered.Lines)
	b.coverage = []ledger.JournalSpan{covered}
	for i := range 40 {
		id := fmt.Sprintf("service-%02d", i)
		b.plan.Waves[i%2].Services = append(b.plan.Waves[i%2].Services, id)
		if from, to := of[id], of[fmt.Sprintf("service-%02d", (i+1)%20)]; from != "" && to != "" {
			b.flows = append(b.flows, ledger.FlowSum{Month: 202609, Unit: wire.Message, From: from, To: to, Count: int64(10 * (i + 1))})
		}
	}
	for _, w := range b.plan.Waves {
		b.plan.Milestones = append(b.plan.Milestones, waves.Backward(w.Number, w.Cutoff)...)
	}
	for i := range b.plan.Milestones {
		b.plan.Milestones[i].ID = int64(i + 1)
	}
	b.plan.Milestones = append(b.plan.Milestones, ledger.Milestone{ID: 99, Title: "Objectif 0 fax", Day: "2027-06-30"})
	b.plan.Milestones[0].Done = "2026-09-30"
	slices.SortFunc(b.plan.Milestones, ledger.Milestone.Compare)
	return b
}

// TestWavesInABrowser looks at the pages of waves, with nothing on them and with much.
func TestWavesInABrowser(t *testing.T) {
	t.Parallel()
	shots := os.Getenv("SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	for name, b := range map[string]*books{"full": switching(), "empty": {snapshot: ledger.Snapshot{At: noon}}} {
		server := httptest.NewServer(newSite(t, b))
		defer server.Close()
		if out, err := exec.Command("node", "browser/waves.mjs", server.URL, shots, name, "service-03").CombinedOutput(); err != nil {
			t.Errorf("%s: %v:\n%s", name, err, out)
		}
	}
}
