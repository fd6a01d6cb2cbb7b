package ledger_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// replan changes a plan and returns what stands then.
func replan(t *testing.T, l *ledger.Ledger, change func(*ledger.Plan)) (ledger.Plan, error) {
	t.Helper()
	err := l.DeclarePlan(t.Context(), ledger.Author{Who: "anne"}, func(_ ledger.Register, p ledger.Plan) (ledger.Plan, error) {
		change(&p)
		return p, nil
	})
	p, readErr := l.Plan(t.Context())
	if readErr != nil {
		t.Fatal(readErr)
	}
	return p, err
}

func TestAPlanOfWavesAndMilestonesIsKeptAndAudited(t *testing.T) {
	now := time.Date(2026, 9, 30, 9, 0, 0, 0, time.UTC)
	l := twoServices(t, &now)
	p, err := replan(t, l, func(p *ledger.Plan) {
		p.Waves = []ledger.Wave{{Name: "Pilote", Cutoff: "2027-01-11", Services: []string{"saas", "onco"}}, {Name: "Reste"}}
	})
	if err != nil || len(p.Waves) != 2 || p.Waves[0].Number != 1 || p.Waves[1].Number != 2 || p.Waves[0].Services[0] != "onco" {
		t.Fatalf("got %+v, %v, want waves 1 and 2, services in order", p.Waves, err)
	}
	if p.Waves[0].UID == "" || p.Waves[0].UID == p.Waves[1].UID || p.Waves[0].Revision != 0 {
		t.Errorf("got %+v, want appointments of their own", p.Waves)
	}
	first := p.Waves[0].Appointment
	now = now.Add(time.Hour)
	p, err = replan(t, l, func(p *ledger.Plan) {
		p.Waves[0].Cutoff = "2027-01-18"
		p.Milestones = []ledger.Milestone{
			{Wave: 2, Kind: ledger.Trained, Day: "2026-12-01"}, {Wave: 1, Title: "Réunion", Day: "2026-11-02"}, {Title: "0 fax", Day: "2027-06-30"},
		}
	})
	if err != nil || len(p.Milestones) != 3 || p.Milestones[0].Title != "Réunion" || p.Milestones[0].ID == p.Milestones[1].ID {
		t.Fatalf("got %+v, %v, want three milestones by day", p.Milestones, err)
	}
	if got := p.Waves[0].Appointment; got.UID != first.UID || got.Revision != 1 || got.ChangedAt != wire.TimeOf(now) {
		t.Errorf("got %+v, want the next version of %+v", got, first)
	}
	if p.Waves[1].Revision != 0 {
		t.Errorf("got version %d of a wave that nobody touched", p.Waves[1].Revision)
	}
	if got, want := audited(t, l, "waves 1"), "anne number: →1; anne name: →Pilote; anne cutoff: →2027-01-11; anne services: →onco saas; anne cutoff: 2027-01-11→2027-01-18"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	old := p.Milestones[0].ID
	p, err = replan(t, l, func(p *ledger.Plan) { p.Waves = p.Waves[1:] })
	if err != nil || len(p.Waves) != 1 || len(p.Milestones) != 2 || p.Milestones[0].Kind != ledger.Trained {
		t.Errorf("got %+v, %v, want wave 1 to be gone with its milestone", p, err)
	}
	p, err = replan(t, l, func(p *ledger.Plan) {
		p.Milestones = append(p.Milestones, ledger.Milestone{Title: "Bilan", Day: "2027-07-01"})
	})
	if m := p.Milestones[len(p.Milestones)-1]; err != nil || m.ID <= old || m.Title != "Bilan" {
		t.Errorf("got %+v, %v, want an id that none had before", m, err)
	}
}

func TestPlansThatCantBeAreRefused(t *testing.T) {
	now := time.Date(2026, 9, 30, 9, 0, 0, 0, time.UTC)
	l := twoServices(t, &now)
	for name, x := range map[string]struct {
		change func(*ledger.Plan)
		want   error
	}{
		"a service in two waves": {func(p *ledger.Plan) {
			p.Waves = []ledger.Wave{{Services: []string{"onco"}}, {Services: []string{"onco"}}}
		}, ledger.ErrWave},
		"a service that isn't":    {func(p *ledger.Plan) { p.Waves = []ledger.Wave{{Services: []string{"cuisine"}}} }, ledger.ErrNoService},
		"no day":                  {func(p *ledger.Plan) { p.Waves = []ledger.Wave{{Cutoff: "2027-02-30"}} }, ledger.ErrWave},
		"two of a number":         {func(p *ledger.Plan) { p.Waves = []ledger.Wave{{Number: 3}, {Number: 3}} }, ledger.ErrWave},
		"a milestone without day": {func(p *ledger.Plan) { p.Milestones = []ledger.Milestone{{Title: "Bilan"}} }, ledger.ErrWave},
		"one of no kind":          {func(p *ledger.Plan) { p.Milestones = []ledger.Milestone{{Kind: "party", Day: "2027-01-01"}} }, ledger.ErrWave},
		"one without title":       {func(p *ledger.Plan) { p.Milestones = []ledger.Milestone{{Day: "2027-01-01"}} }, ledger.ErrWave},
	} {
		p, err := replan(t, l, x.change)
		if !errors.Is(err, x.want) || len(p.Waves)+len(p.Milestones) != 0 {
			t.Errorf("%s: got %v and %+v, want %v and nothing", name, err, p, x.want)
		}
	}
	if got := audited(t, l, "waves") + audited(t, l, "milestones"); got != "" {
		t.Errorf("got %s in the audit log, want nothing", got)
	}
}

func TestAServiceThatLeftTheRegisterStaysInItsWave(t *testing.T) {
	now := time.Date(2026, 9, 30, 9, 0, 0, 0, time.UTC)
	l := twoServices(t, &now)
	if _, err := replan(t, l, func(p *ledger.Plan) { p.Waves = []ledger.Wave{{Services: []string{"onco", "saas"}}} }); err != nil {
		t.Fatal(err)
	}
	if err := l.Declare(t.Context(), ledger.Author{Who: "anne"}, func(r ledger.Register) (ledger.Register, error) {
		delete(r.Services, "saas")
		return r, nil
	}); err != nil {
		t.Fatal(err)
	}
	p, err := replan(t, l, func(p *ledger.Plan) { p.Waves[0].Name = "Pilote" })
	if err != nil || !slices.Equal(p.Waves[0].Services, []string{"onco", "saas"}) || p.Waves[0].Name != "Pilote" {
		t.Errorf("got %+v, %v, want the wave's name to be changed", p.Waves, err)
	}
}

func TestWhatIsNotedOfAServiceMayStayUnknown(t *testing.T) {
	now := time.Date(2026, 9, 30, 9, 0, 0, 0, time.UTC)
	l := twoServices(t, &now)
	note := func(service string, n ledger.ServiceNote) error {
		return l.DeclareServiceNote(t.Context(), ledger.Author{Who: "anne"}, service, func(_ ledger.Register, was ledger.ServiceNote) (ledger.ServiceNote, error) {
			return n, nil
		})
	}
	if err := note("onco", ledger.ServiceNote{Urgency: 3, Motivated: wire.Yes}); err != nil {
		t.Fatal(err)
	}
	notes, err := l.ServiceNotes(t.Context())
	if got, want := notes["onco"], (ledger.ServiceNote{Service: "onco", Urgency: 3, Motivated: wire.Yes}); err != nil || got != want || len(notes) != 1 {
		t.Errorf("got %+v, %v, want %+v and nothing of the other", notes, err, want)
	}
	if err := note("onco", ledger.ServiceNote{Urgency: 5}); err == nil || !strings.Contains(err.Error(), "want 1 to 4") {
		t.Errorf("urgency 5: got %v", err)
	}
	if err := note("onco", ledger.ServiceNote{Motivated: "maybe"}); err == nil || !strings.Contains(err.Error(), "want yes, no") {
		t.Errorf("maybe: got %v", err)
	}
	if err := note("cuisine", ledger.ServiceNote{}); !errors.Is(err, ledger.ErrNoService) {
		t.Errorf("no service: got %v", err)
	}
	if got, want := audited(t, l, "service_notes onco"), "anne urgency: →3; anne motivated: →yes"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
