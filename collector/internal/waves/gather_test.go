package waves_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/waves"
)

// books of a hospital of which half is known: cardio and radio journal their faxes, pharma's machine only counts
// pages, archives is cut, and cuisine has no line.
func books() waves.Books {
	value := func(n int64) *int64 { return &n }
	pages := func(service string, n *int64, watched float64) indicators.Figure {
		return indicators.Figure{
			Scope: indicators.Scope{Service: service}, Indicator: indicators.FaxSent, Of: "pages", Value: n,
			Completeness: indicators.Completeness{Watched: watched, Days: 61},
		}
	}
	services := map[string]ledger.Service{}
	for _, id := range []string{"cardio", "radio", "pharma", "archives", "cuisine"} {
		services[id] = ledger.Service{ID: id, Establishment: "chu"}
	}
	line := func(id, service, device string, state ledger.LineState) ledger.Line {
		return ledger.Line{ID: id, Establishment: "chu", Service: service, Device: device, State: state}
	}
	return waves.Books{
		Register: &ledger.Register{Services: services, Devices: map[string][]ledger.DeclaredDevice{
			"serial-2": {{Device: "serial-2", Location: "larrey > Bât A >  niveau 2 > bureau 12"}},
		}},
		Lines: []ledger.Line{
			line("c1", "cardio", "d1", ledger.Active), line("c2", "cardio", "d1", ledger.Kept), line("r1", "radio", "d2", ledger.Overdue),
			line("p1", "pharma", "", ledger.Blind), line("a1", "archives", "", ledger.Cut),
		},
		Devices: []ledger.Device{{ID: "d1", Location: "Larrey > Bât A > Niveau 2"}, {ID: "d2", Serial: "SERIAL-2", Location: "unknown"}},
		Notes:   map[string]ledger.ServiceNote{"radio": {Service: "radio", Urgency: 3}},
		Figures: []indicators.Figure{pages("cardio", value(61), 61), pages("radio", nil, 0), pages("pharma", value(900), 3)},
		Flows: []ledger.FlowSum{
			{Month: 202609, Unit: wire.Message, From: "c1", To: "r1", Count: 10},
			{Month: 202610, Unit: wire.Message, From: "c2", To: "r1", Count: 4},
			{Month: 202610, Unit: wire.Call, From: "c1", To: "r1", Count: 99},
			{Month: 202610, Unit: wire.Message, From: "c1", To: "c2", Count: 7},
			{Month: 202610, Unit: wire.Message, From: "c1", Count: 50},
			{Month: 202608, Unit: wire.Message, From: "r1", To: "c1", Count: 50},
		},
		Told: []ledger.JournalSpan{
			{Unit: wire.Message, From: "2026-09-01", To: "2026-10-31", Lines: []string{"c1", "r1"}},
			{Unit: wire.Call, From: "2026-09-01", To: "2026-10-31", Lines: []string{"c1"}},
			{Unit: wire.Message, From: "2026-01-01", To: "2026-01-31", Lines: []string{"p1"}},
		},
		Partners: map[string][]int64{"c1": {1, 2, 3}, "c2": {3, 4}, "p1": {5}},
		From:     202609, To: 202610,
	}
}

// fourteen faxes in 61 days, a month.
var fourteen = monthly(10) + monthly(4) // of two lines

func monthly(n float64) float64 { return n / 61 * (365.25 / 12) }

func TestWhatIsKnownOfAHospitalIsTakenAndTheRestIsUnknown(t *testing.T) {
	h := waves.Gather(books())
	floor := []string{"chu > Larrey > Bât A > Niveau 2"}
	want := []waves.Service{
		{ID: "cardio", Size: 1, Faxes: waves.Known(30.4375), Places: floor, Partners: waves.Known(4), Told: true},
		{ID: "pharma", Size: 1},
		{ID: "radio", Size: 1, Urgency: 3, Places: floor, Partners: waves.Known(0), Told: true},
	}
	if !reflect.DeepEqual(h.Services, want) {
		t.Errorf("got  %+v\nwant %+v", h.Services, want)
	}
	if want := []waves.Flow{{"cardio", "radio", fourteen}}; !reflect.DeepEqual(h.Flows, want) || h.Unit != wire.Message || h.Months != 2 {
		t.Errorf("got %+v of %s in %d months, want %+v", h.Flows, h.Unit, h.Months, want)
	}
	if !slices.Equal(h.Silent, []string{"pharma"}) || !slices.Equal(h.Done, []string{"archives"}) || h.Counted != "pages" {
		t.Errorf("got %q silent, %q done, counted in %q; want pharma, archives, pages", h.Silent, h.Done, h.Counted)
	}
}

func TestAMonthsMeanIsOfTheDaysThatJournalsTellOf(t *testing.T) {
	b := books()
	b.From = 202511 // a year, of which the journal tells two months
	b.Told = b.Told[:1]
	b.Flows = b.Flows[:5]
	if want, got := []waves.Flow{{"cardio", "radio", fourteen}}, waves.Gather(b).Flows[:1]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v: nothing is known of the other months", got, want)
	}
	b.Told[0].From = "2026-10-30"
	if h := waves.Gather(b); !slices.Contains(h.Silent, "cardio") || h.Flows != nil {
		t.Errorf("got %q silent and %+v, want two days to tell nothing of a month", h.Silent, h.Flows)
	}
}

func TestItDoesNotMatterInWhichOrderFlowsCome(t *testing.T) {
	b := books()
	want := waves.Gather(b).Flows
	for i := range b.Flows {
		b.Flows = append(b.Flows[1:], b.Flows[0])
		if got := waves.Gather(b).Flows; len(got) == 0 || !slices.Equal(got, want) {
			t.Errorf("turned by %d: got %v, want %v", i+1, got, want)
		}
	}
}

func TestWhereJournalsTellSomeLinesOfAServiceItIsSaid(t *testing.T) {
	b := books()
	if got := waves.Gather(b).Partly; got != nil {
		t.Errorf("got %q, want none: c2 is kept", got)
	}
	b.Lines[1].State = ledger.Active
	if got := waves.Gather(b).Partly; !slices.Equal(got, []string{"cardio"}) {
		t.Errorf("got %q, want cardio, of whose two lines a journal tells one", got)
	}
}

func TestAFaxFromAnotherServiceCountsForTheOneThatGetsIt(t *testing.T) {
	b := books()
	for i := range b.Figures {
		b.Figures[i].Of = "faxes"
	}
	none := int64(0)
	b.Figures[1].Value, b.Figures[1].Completeness.Watched = &none, 61
	for _, s := range waves.Gather(b).Services {
		if want := fourteen; s.ID == "radio" && s.Faxes != waves.Known(want) {
			t.Errorf("got %+v a month, want the %.1f that cardio sends it", s.Faxes, want)
		}
		if s.ID == "cardio" && s.Faxes != waves.Known(30.4375) {
			t.Errorf("got %+v a month, want what it sent once", s.Faxes)
		}
	}
}

func TestWithoutJournalsNobodysExchangesAreKnown(t *testing.T) {
	b := books()
	b.Told, b.Flows, b.Figures = nil, nil, nil
	h := waves.Gather(b)
	if h.Unit != "" || len(h.Flows) != 0 || len(h.Silent) != 3 || h.Counted != "" {
		t.Errorf("got %+v, want nothing to be known of exchanges and faxes", h)
	}
	for _, s := range h.Services {
		if s.Told || s.Partners.Known || s.Faxes.Known {
			t.Errorf("got %+v, want its partners and faxes to be unknown, not none", s)
		}
	}
}

func TestALocationIsReadDownToItsFloor(t *testing.T) {
	for location, want := range map[string]string{
		"Larrey > Bât A > Niveau 2 > Bureau 12": "Larrey > Bât A > Niveau 2", "Larrey>Bât A>  Niveau  2": "Larrey > Bât A > Niveau 2", "2e étage": "2e étage", " ": "",
	} {
		if got := waves.Floor(location); got != want {
			t.Errorf("%q: got %q, want %q", location, got, want)
		}
	}
}
