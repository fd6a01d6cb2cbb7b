package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func (c *collector) declare(change func(*ledger.Register)) {
	c.Helper()
	by := ledger.Author{Who: "anne", Source: "lines.csv"}
	err := c.Declare(context.Background(), by, func(r ledger.Register) (ledger.Register, error) { change(&r); return r, nil })
	if err != nil {
		c.Fatal(err)
	}
}

func TestWhatIsDeclaredIsKeptAndAudited(t *testing.T) {
	c := newCollector(t)
	line := ledger.Declaration{Line: "0241354000", Number: "0241354000", Device: "kyocera-1", Cutoff: "2026-12-01"}
	c.declare(func(r *ledger.Register) {
		r.Services["oncologie"] = ledger.Service{ID: "oncologie", Name: "Oncologie"}
		r.Lines[line.Line] = []ledger.Declaration{line}
	})
	moved := line
	moved.From, moved.Cutoff, moved.Service = wire.TimeOf(c.now), "2027-01-01", "oncologie"
	c.reopen()
	c.declare(func(r *ledger.Register) { r.Lines[line.Line] = append(r.Lines[line.Line], moved) })
	c.reopen()
	r, err := c.Register(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(r.Lines[line.Line]); got != fmt.Sprint([]ledger.Declaration{line, moved}) {
		t.Errorf("versions: got %v, want both", got)
	}
	if now, ok := ledger.ValidAt(r.Lines[line.Line], wire.TimeOf(c.now)-1); !ok || now.Cutoff != "2026-12-01" {
		t.Errorf("before the change: got %+v, want the first version", now)
	}
	log, err := c.Audit(context.Background(), 100)
	if err != nil {
		t.Fatal(err)
	}
	var found bool
	for _, e := range log {
		found = found || e.Who == "anne" && e.Source == "lines.csv" && e.Field == "cutoff" && e.After == "2027-01-01" &&
			strings.HasPrefix(e.Subject, "declared_lines 0241354000")
	}
	if !found {
		t.Errorf("audit: got %+v, want who moved the cut-off", log)
	}
}

func TestRefusedDeclarationChangesNothing(t *testing.T) {
	c := newCollector(t)
	refusal := errors.New("row 3: no such service")
	err := c.Declare(context.Background(), ledger.Author{Who: "anne"}, func(r ledger.Register) (ledger.Register, error) {
		r.Services["x"] = ledger.Service{ID: "x"}
		return r, refusal
	})
	if !errors.Is(err, refusal) {
		t.Errorf("got %v, want %v", err, refusal)
	}
	c.declare(func(r *ledger.Register) {
		if len(r.Services) != 0 {
			t.Errorf("services: got %v, want none", r.Services)
		}
	})
}
