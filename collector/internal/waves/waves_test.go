package waves_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/waves"
)

// hospital is a scripted one: circles of services that fax each other daily, and others' hardly ever. Each circle has a
// floor of its own, services of the same rank fax as much, and a service's name says where it belongs: "b3" is the
// third of circle b.
func hospital(circles, services int) (all []waves.Service, flows []waves.Flow) {
	name := func(circle, i int) string { return fmt.Sprintf("%c%d", 'a'+circle, i) }
	for c := range circles {
		for i := range services {
			all = append(all, waves.Service{
				ID: name(c, i), Size: 2, Faxes: waves.Known(float64(10 * i)), Urgency: int64(1 + i%4), Partners: waves.Known(float64(100 - i)),
				Places: []string{fmt.Sprintf("chu > Larrey > A > Niveau %d", c)}, Told: true,
			})
			for j := range services {
				if i != j {
					flows = append(flows, waves.Flow{From: name(c, i), To: name(c, j), Count: 20})
				}
			}
			flows = append(flows, waves.Flow{From: name(c, i), To: name((c+1)%circles, i), Count: 1})
		}
	}
	return all, flows
}

// names are the services of each group, in order.
func names(p waves.Proposal) (groups []string) {
	for _, g := range p.Groups {
		var ids []string
		for _, s := range g {
			ids = append(ids, s.ID)
		}
		slices.Sort(ids)
		groups = append(groups, strings.Join(ids, " "))
	}
	return groups
}

func shuffled[T any](r *rand.Rand, all []T) []T {
	all = slices.Clone(all)
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func TestServicesThatFaxEachOtherGoTogether(t *testing.T) {
	services, flows := hospital(4, 6)
	want := []string{"a0 a1 a2 a3 a4 a5", "b0 b1 b2 b3 b4 b5", "c0 c1 c2 c3 c4 c5", "d0 d1 d2 d3 d4 d5"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		p := waves.Propose(shuffled(r, services), shuffled(r, flows), waves.Alone(waves.Exchanges), 4)
		if got := names(p); !slices.Equal(got, want) {
			t.Fatalf("got %q, want the four circles whatever order they come in: %q", got, want)
		}
		if p.Between != 4*6*5*20+24 || p.Torn != 24 {
			t.Fatalf("got %v of %v faxes torn, want 24 of 2424", p.Torn, p.Between)
		}
	}
	if got := names(waves.Propose(services, flows, waves.Alone(waves.Exchanges), 2)); len(got) != 2 || len(got[0]) != len(got[1]) {
		t.Errorf("got %q, want two waves of two circles each", got)
	}
	if got := waves.Propose(services, flows, waves.Alone(waves.Exchanges), 9); len(got.Groups) != 4 {
		t.Errorf("got %d waves, want 4 of the 9 that were asked for: circles aren't torn", len(got.Groups))
	}
}

func TestServicesOfOneFloorGoTogether(t *testing.T) {
	services, flows := hospital(4, 6)
	got := names(waves.Propose(services, flows, waves.Alone(waves.Neighbours), 2))
	want := []string{"a0 a1 a2 a3 a4 a5 b0 b1 b2 b3 b4 b5", "c0 c1 c2 c3 c4 c5 d0 d1 d2 d3 d4 d5"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestServicesThatFaxLittleOrWorkLessVitallyOrHaveFewPartnersGoFirst(t *testing.T) {
	services, flows := hospital(2, 4) // faxes grow with the service's number, and partners get fewer
	for criterion, want := range map[waves.Criterion][]string{
		waves.Faxes:    {"a0 b0", "a1 b1", "a2 b2", "a3 b3"},
		waves.Urgency:  {"a0 b0", "a1 b1", "a2 b2", "a3 b3"},
		waves.Partners: {"a3 b3", "a2 b2", "a1 b1", "a0 b0"},
	} {
		p := waves.Propose(services, flows, waves.Alone(criterion), 4)
		if got := names(p); !slices.Equal(got, want) {
			t.Errorf("by %s: got %q, want %q", criterion, got, want)
		}
		if first, last := p.Groups[0][0], p.Groups[3][1]; first.Score >= last.Score || first.Parts[criterion] != first.Score {
			t.Errorf("by %s: got %v and %v, want the first to score less, by this alone", criterion, first, last)
		}
	}
}

func TestWavesAreOfTheSameSizeInLines(t *testing.T) {
	var services []waves.Service
	for i, size := range []int64{1, 1, 1, 1, 1, 1, 3, 3, 6, 6} {
		services = append(services, waves.Service{ID: fmt.Sprint(i), Size: size, Faxes: waves.Known(float64(i))})
	}
	p := waves.Propose(services, nil, waves.Alone(waves.Faxes), 4)
	if got, want := names(p), []string{"0 1 2 3 4 5", "6 7", "8", "9"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want six lines each: %q", got, want)
	}
}

func TestAMixKeepsCirclesWholeAndPutsThoseThatFaxLittleFirst(t *testing.T) {
	services, flows := hospital(3, 5)
	for i := range services {
		services[i].Faxes = waves.Known(map[byte]float64{'a': 50, 'b': 5, 'c': 20}[services[i].ID[0]])
	}
	p := waves.Propose(services, flows, waves.Weights{waves.Exchanges: 1, waves.Faxes: 2}, 3)
	if got, want := names(p), []string{"b0 b1 b2 b3 b4", "c0 c1 c2 c3 c4", "a0 a1 a2 a3 a4"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatIsNotKnownIsSaidAndNotGuessed(t *testing.T) {
	services, flows := hospital(2, 3)
	services[0].Faxes = waves.Amount{}
	services[1].Urgency = 0
	services[2].Places = nil
	services[3].Partners = waves.Amount{}
	services[4].Told = false
	all := waves.Weights{waves.Faxes: 1, waves.Urgency: 1, waves.Neighbours: 1, waves.Partners: 1, waves.Exchanges: 1}
	p := waves.Propose(services, flows, all, 2)
	want := []waves.Missing{
		{"a0", []waves.Criterion{waves.Faxes}},
		{"a1", []waves.Criterion{waves.Urgency}},
		{"a2", []waves.Criterion{waves.Neighbours}},
		{"b0", []waves.Criterion{waves.Partners}},
		{"b1", []waves.Criterion{waves.Exchanges}},
	}
	if !reflect.DeepEqual(p.Unknown, want) || !slices.Equal(names(p), []string{"b2"}) {
		t.Errorf("got %v and %q, want %v and b2 alone", p.Unknown, names(p), want)
	}
	if p = waves.Propose(services, flows, waves.Alone(waves.Urgency), 2); len(p.Unknown) != 1 || p.Unknown[0].ID != "a1" {
		t.Errorf("by urgency: got %v, want only what doesn't have it to be unknown", p.Unknown)
	}
	for i := range services {
		services[i].Told = false
	}
	if p = waves.Propose(services, nil, waves.Alone(waves.Exchanges), 2); len(p.Groups) != 0 || len(p.Unknown) != len(services) {
		t.Errorf("without a journal: got %q and %d unknown, want no wave at all", names(p), len(p.Unknown))
	}
}

func TestJournalsWithoutAnyFaxBetweenServicesTieNone(t *testing.T) {
	services, _ := hospital(2, 3)
	p := waves.Propose(services, nil, waves.Alone(waves.Exchanges), 3)
	if got := names(p); len(got) != 3 || p.Between != 0 {
		t.Errorf("got %q, want three waves of services that nothing ties", got)
	}
	if p = waves.Propose(nil, nil, waves.Alone(waves.Faxes), 3); len(p.Groups)+len(p.Unknown) != 0 {
		t.Errorf("of nobody: got %+v", p)
	}
}

// plan has radio and urgences in wave 1, cardio in wave 2 three months later, and pharma in none.
func plan() ([]waves.Flow, waves.Turns, []ledger.Wave) {
	flows := []waves.Flow{
		{"cardio", "radio", 30}, {"radio", "cardio", 6}, {"cardio", "pharma", 9}, {"radio", "urgences", 100}, {"pharma", "pharma", 1},
	}
	all := []ledger.Wave{
		{Number: 1, Cutoff: "2027-01-11", Services: []string{"radio", "urgences"}},
		{Number: 2, Cutoff: "2027-04-12", Services: []string{"cardio"}},
		{Number: 3},
	}
	return flows, waves.TurnsOf(all), all
}

func TestAnOrderCutsWhatServicesOfOtherWavesFaxEachOther(t *testing.T) {
	flows, turns, _ := plan()
	cuts := waves.Cuts(flows, turns)
	if len(cuts) != 3 {
		t.Fatalf("got %+v, want cardio's two with radio and the one to pharma", cuts)
	}
	c := cuts[0]
	if c.From != "cardio" || c.To != "radio" || c.First != "radio" || c.Since != "2027-01-11" || c.Until != "2027-04-12" || c.Days != 91 || int(c.Lost.Value) != 89 {
		t.Errorf("got %+v, want 30 a month for 91 days since radio has no fax: about 89", c)
	}
	if c = cuts[2]; c.To != "pharma" || c.First != "cardio" || c.Until != "" || c.Lost.Known {
		t.Errorf("got %+v, want it to last for nobody knows how long", c)
	}
	if s := waves.SumOf(cuts); s.Flows != 3 || s.Month != 45 || s.Undated != 1 || int(s.Lost) != 107 {
		t.Errorf("got %+v, want 45 a month, about 107 of them known to be lost", s)
	}
}

func TestWhatIfTellsWhatAMoveMendsAndTears(t *testing.T) {
	flows, turns, all := plan()
	cardio := waves.Service{ID: "cardio", Told: true}
	m := waves.WhatIf(cardio, all[0], flows, turns)
	if len(m.Mended) != 2 || len(m.Torn) != 0 || len(m.Others) != 1 || m.After.Flows != 1 || m.Before.Flows != 3 || !m.Told {
		t.Errorf("to wave 1: got %+v, want both flows with radio mended", m)
	}
	m = waves.WhatIf(waves.Service{ID: "urgences"}, all[1], flows, turns)
	if len(m.Torn) != 1 || m.Torn[0].From != "radio" || len(m.Mended) != 0 || m.Told {
		t.Errorf("urgences to wave 2: got %+v, want radio's flow torn, and that its journals don't tell", m)
	}
	if m = waves.WhatIf(cardio, ledger.Wave{}, flows, turns); m.After.Undated != 2 || len(m.Mended) != 1 {
		t.Errorf("to no wave: got %+v, want its flows with radio to end at no day", m)
	}
	if turns["cardio"].Number != 2 {
		t.Error("the turns themselves were changed")
	}
}

func TestAPilotIsLittleVitalMotivatedAvailableAndNotBlocked(t *testing.T) {
	good := ledger.ServiceNote{Urgency: 1, Motivated: wire.Yes, Available: wire.Yes, Blocked: wire.No}
	with := func(change func(*ledger.ServiceNote)) ledger.ServiceNote { n := good; change(&n); return n }
	services := []waves.Service{
		{ID: "busy"}, {ID: "blocked"}, {ID: "vital"}, {ID: "unsaid"}, {ID: "nothing"}, {ID: "much", Faxes: waves.Known(90)}, {ID: "little", Faxes: waves.Known(4)}, {ID: "second"},
	}
	notes := map[string]ledger.ServiceNote{
		"much": good, "little": good,
		"second":  with(func(n *ledger.ServiceNote) { n.Urgency = 2 }),
		"vital":   with(func(n *ledger.ServiceNote) { n.Urgency = 4 }),
		"busy":    with(func(n *ledger.ServiceNote) { n.Available = wire.No; n.Motivated = wire.No }),
		"blocked": with(func(n *ledger.ServiceNote) { n.Blocked = wire.Yes; n.Motivated = "" }),
		"unsaid":  with(func(n *ledger.ServiceNote) { n.Blocked = "" }),
	}
	var got []string
	for _, c := range waves.Pilots(services, notes) {
		got = append(got, fmt.Sprint(c.ID, " ", c.Suits, c.Against, c.Lacks))
	}
	want := []string{
		"little yes[] []", "much yes[] []", "second yes[] []", "unsaid unknown[] [blocked]", "nothing unknown[] [urgency motivated available blocked]",
		"vital no[urgency] []", "blocked no[blocked] [motivated]", "busy no[motivated available] []",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestABackwardPlanLeadsToTheDayAndSparesWeekends(t *testing.T) {
	plan := waves.Backward(2, "2027-04-12") // a Monday
	days := map[ledger.MilestoneKind]ledger.Day{}
	for i, m := range plan {
		if days[m.Kind] = m.Day; m.Wave != 2 || i > 0 && plan[i-1].Day > m.Day {
			t.Errorf("got %+v at %d, want wave 2 in the order of days", m, i)
		}
	}
	for kind, want := range map[ledger.MilestoneKind]ledger.Day{
		ledger.ProceduresReady: "2027-01-12", ledger.LastCheck: "2027-04-05", ledger.CheckAfter: "2027-04-19",
		ledger.ToldOutside: "2027-02-26", // the 26th is the Friday before
	} {
		if days[kind] != want {
			t.Errorf("%s: got %s, want %s", kind, days[kind], want)
		}
	}
	if len(days) != len(ledger.MilestoneKinds()) {
		t.Errorf("got %d kinds, want each of %d once", len(days), len(ledger.MilestoneKinds()))
	}
	if got := waves.Backward(1, ""); got != nil {
		t.Errorf("without a day: got %v", got)
	}
}

func TestAPlanIsCompletedAndMovedWithoutTouchingWhatIsDone(t *testing.T) {
	all := []ledger.Milestone{
		{ID: 1, Wave: 2, Kind: ledger.ProceduresReady, Day: "2027-01-20", Done: "2027-01-19"},
		{ID: 2, Wave: 2, Kind: ledger.Trained, Day: "2027-03-30"},
		{ID: 3, Wave: 2, Title: "Réunion", Day: "2027-02-01"},
		{ID: 4, Wave: 1, Kind: ledger.LastCheck, Day: "2027-01-04"},
	}
	of := func(all []ledger.Milestone, id int64) ledger.Day {
		return all[slices.IndexFunc(all, func(m ledger.Milestone) bool { return m.ID == id })].Day
	}
	got := waves.Complete(slices.Clone(all), 2, "2027-04-12")
	if len(got) != 4+len(ledger.MilestoneKinds())-2 || of(got, 2) != "2027-03-30" {
		t.Errorf("got %d, %s; want those that are missing, and no day changed", len(got), of(got, 2))
	}
	got = waves.Again(slices.Clone(all), 2, "2027-05-10")
	if of(got, 2) != "2027-04-09" || of(got, 1) != "2027-01-20" || of(got, 3) != "2027-02-01" || of(got, 4) != "2027-01-04" {
		t.Errorf("got %+v, want only what isn't done and has a kind to move", got)
	}
}

func TestCopperThatClosesBeforeItsTurnIsTold(t *testing.T) {
	line := func(id, support string, copper *ledger.LineCopper, change func(*ledger.Line)) *ledger.Line {
		l := &ledger.Line{ID: id, Support: support, Copper: copper}
		if change != nil {
			change(l)
		}
		return l
	}
	ends := func(day ledger.Day, w ledger.CopperWarning) *ledger.LineCopper {
		return &ledger.LineCopper{Technical: day, Warning: w}
	}
	c := waves.Copper([]*ledger.Line{
		line("before", "analogique", ends("2027-01-31", ledger.CopperFar), nil),
		line("own", "T0", ends("2027-01-31", ledger.CopperHalf), func(l *ledger.Line) { l.Cutoff = "2026-12-01" }),
		line("soon", "T2", ends("2027-09-30", ledger.CopperYear), nil),
		line("far", "analogique", ends("2029-01-31", ledger.CopperFar), nil),
		line("undated", "analogique", &ledger.LineCopper{}, nil),
		line("nowhere", "analogique", nil, nil),
		line("sip", "sip", nil, nil),
		line("unsaid", "", nil, nil),
		line("cut", "analogique", ends("2026-01-31", ledger.CopperClosed), func(l *ledger.Line) { l.State = ledger.Cut }),
		line("kept", "analogique", ends("2026-01-31", ledger.CopperClosed), func(l *ledger.Line) { l.State = ledger.Kept }),
	}, "2027-04-12")
	var got []string
	for _, x := range c.Near {
		got = append(got, fmt.Sprint(x.Line.ID, " ", x.Before))
	}
	if want := []string{"before true", "own false", "soon false"}; !slices.Equal(got, want) || c.Far != 1 || len(c.Unknown) != 2 || len(c.Unsaid) != 1 {
		t.Errorf("got %q, %d far, %d unknown, %d unsaid; want %q, 1, 2, 1", got, c.Far, len(c.Unknown), len(c.Unsaid), want)
	}
}
