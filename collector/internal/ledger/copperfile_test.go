package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func (c *collector) copper(day ledger.Day, communes ...ledger.Copper) ledger.CopperNews {
	c.Helper()
	n, err := c.DeclareCopper(context.Background(), ledger.Author{Who: "anne"}, ledger.CopperFile{Name: "cuivre.csv", Day: day}, communes)
	if err != nil {
		c.Fatal(err)
	}
	return n
}

func (c *collector) copperAt(commune string) ledger.Copper {
	c.Helper()
	r, err := c.Register(context.Background())
	if err != nil {
		c.Fatal(err)
	}
	return r.Copper[commune]
}

func TestCopperDatesAreThoseOfTheNewestFileThatNamesTheCommune(t *testing.T) {
	c := newCollector(t)
	c.declare(func(r *ledger.Register) {
		r.Sites["larrey"] = ledger.Site{ID: "larrey", Commune: "49007"}
	})
	angers := ledger.Copper{Commune: "49007", Name: "Angers", Commercial: "2026-01-31", Technical: "2029-01-31", Lot: "4"}
	paris := ledger.Copper{Commune: "75056", Name: "Paris", Technical: "2030-11-30"}
	if n := c.copper("2025-12-19", angers, paris); len(n.Moves) != 2 || fmt.Sprint(n.Moves[0].Sites) != "[larrey]" || n.Moves[0].Before.Commune != "" {
		t.Errorf("first file: got %+v, want two communes, one of them ours", n)
	}
	moved := angers
	moved.Technical = "2030-01-31"
	n := c.copper("2026-02-01", moved)
	if len(n.Moves) != 1 || n.Moves[0].Before.Technical != "2029-01-31" || n.Absent != 1 || n.Latest.Day != "2025-12-19" {
		t.Errorf("second file: got %+v, want Angers moved and Paris absent", n)
	}
	want := moved
	want.File, want.FileDay = "cuivre.csv", "2026-02-01"
	if got := c.copperAt("49007"); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if n := c.copper("2026-02-01", moved); len(n.Moves) != 0 {
		t.Errorf("said again: got %+v, want nothing", n)
	}
	_, err := c.DeclareCopper(context.Background(), ledger.Author{}, ledger.CopperFile{Day: "2025-12-31"}, []ledger.Copper{angers})
	if !errors.Is(err, ledger.ErrOlderFile) {
		t.Errorf("an older file: got %v, want it refused", err)
	}
	c.declare(func(r *ledger.Register) { r.Sites["paris"] = ledger.Site{ID: "paris", Commune: "75113"} })
	if got := c.copperAt("75113"); got.Name != "Paris" {
		t.Errorf("a site in an arrondissement: got %+v, want Paris", got)
	}
	c.declare(func(r *ledger.Register) { // what is in memory is what is in the file
		if r.Copper["49007"] != want || r.Copper["75113"].Name != "Paris" {
			t.Errorf("in memory: got %+v", r.Copper)
		}
	})
}

func TestTheListOfAllFrenchCommunesIsTakenIn(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	communes := make([]ledger.Copper, 35_305)
	for i := range communes {
		communes[i] = ledger.Copper{Commune: fmt.Sprintf("%05d", i), Name: fmt.Sprint("Commune ", i), Technical: "2030-01-31"}
	}
	begin := time.Now()
	c.copper("2026-01-01", communes...)
	for i := range 8095 {
		communes[i].Technical = "2031-01-31"
	}
	if n := c.copper("2026-02-01", communes...); len(n.Moves) != 8095 {
		t.Errorf("got %d moves, want 8095", len(n.Moves))
	}
	t.Logf("took %s", time.Since(begin))
}

func TestTheAuditLogComparesANewVersionWithTheOneBefore(t *testing.T) {
	c := newCollector(t)
	line := ledger.Declaration{Line: "0241354000", Number: "0241354000", Cutoff: "2026-12-01", Contact: "anne"}
	c.declare(func(r *ledger.Register) { r.Lines[line.Line] = []ledger.Declaration{line} })
	moved := line
	moved.From, moved.Cutoff = 1000, "2027-01-01"
	c.declare(func(r *ledger.Register) { r.Lines[line.Line] = append(r.Lines[line.Line], moved) })
	entries, err := c.Audit(context.Background(), 1)
	if err != nil || len(entries) != 1 {
		t.Fatalf("got %v, %v", entries, err)
	}
	if e := entries[0]; e.Field != "cutoff" || e.Before != "2026-12-01" || e.After != "2027-01-01" {
		t.Errorf("got %+v, want the cut-off before and after", e)
	}
	entries, _ = c.Audit(context.Background(), 100)
	if len(entries) != 5 { // number, cut-off, contact; cut-off
		t.Errorf("got %+v, want only what changed", entries)
	}
}
