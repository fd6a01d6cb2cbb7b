package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// planned is two hospitals with a wave each.
func planned(t *testing.T) *ledger.Ledger {
	t.Helper()
	books := twoHospitals(t)
	by := ledger.Author{Who: "anne"}
	if err := books.Declare(t.Context(), by, func(r ledger.Register) (ledger.Register, error) {
		for _, id := range []string{"chu-cardio", "chu-radio"} {
			r.Services[id] = ledger.Service{ID: id, Establishment: "chu", Pole: "chu-pole", Name: id}
		}
		for i, x := range []ledger.Declaration{
			{Place: ledger.Place{Service: "chu-cardio"}, Support: "sip"},
			{Place: ledger.Place{Service: "chu-cardio"}, CutOn: "2026-09-01"},
			{Place: ledger.Place{Service: "chu-radio"}, Cutoff: "2027-03-01"},
			{Place: ledger.Place{Service: "chu-radio"}, KeptReason: "secours"},
		} {
			x.Line = fmt.Sprintf("024136000%d", i)
			x.Number, x.Establishment, x.Site, x.Pole = x.Line, "chu", "chu-site", "chu-pole"
			r.Lines[x.Line] = []ledger.Declaration{x}
		}
		return r, nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := books.DeclarePlan(t.Context(), by, func(_ ledger.Register, p ledger.Plan) (ledger.Plan, error) {
		p.Waves = []ledger.Wave{
			{Number: 1, Name: "Pilote", Cutoff: "2027-01-11", Services: []string{"chu-cardio", "chu-radio"}},
			{Number: 2, Name: "wave of secret", Cutoff: "2027-04-12", Services: []string{"secret-saas"}, Note: "note of secret"},
			{Number: 3, Name: "Mixte", Services: []string{"chu-saas"}},
		}
		p.Milestones = []ledger.Milestone{{Wave: 2, Title: "step of secret", Day: "2027-03-01"}, {Title: "Lancement", Day: "2026-11-02"}}
		return p, nil
	}); err != nil {
		t.Fatal(err)
	}
	return books
}

func planOf(t *testing.T, books *ledger.Ledger) ledger.Plan {
	t.Helper()
	p, err := books.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWavesAreListedPlannedAndPrinted(t *testing.T) {
	books := planned(t)
	v := visit(t, books)
	wantIn(t, "the list", bare(v.page("/waves")), "Vague 1 – Pilote 11/01/2027, dans 102 jours 2 2 sur 4 2 sans la date de la vague aucune fermeture connue avant aucun", "Vague 3 – Mixte sans date")
	if w := v.send(http.MethodPost, "/waves/1/backward", url.Values{"action": {"complete"}}); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, bare(w.Body.String()))
	}
	p := planOf(t, books)
	if n := len(p.Milestones); n != 2+len(ledger.MilestoneKinds()) {
		t.Fatalf("got %d milestones, want the backward plan's beside the two", n)
	}
	wantIn(t, "the plan by days", bare(v.page("/waves/planning?wave=1")), "Lancement 02/11/2026", "Communication externe : partenaires prévenus (mailing, signature, site) 27/11/2026",
		"Coupure : Vague 1 – Pilote chu-cardio, chu-radio 11/01/2027", "Listes de sortie complètes 10/02/2027")
	wantIn(t, "the list then", bare(v.page("/waves")), "faits : 0 sur 10 Prochain : 13/10/2026 · Procédures écrites et validées")
	w := v.send(http.MethodGet, "/waves/planning.ics", nil)
	file := strings.ReplaceAll(w.Body.String(), "\r\n ", "")
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/calendar") || strings.Count(file, "BEGIN:VEVENT") != 2+len(p.Milestones) ||
		!strings.Contains(file, "SUMMARY:Zéro fax – Coupure\u00a0: Vague 1 – Pilote\r\n") || !strings.Contains(file, "UID:"+p.Waves[0].UID+"@zerofax\r\n") {
		t.Errorf("got %s %s, want the two cut-offs and all milestones", got, file)
	}
	wantIn(t, "the committee's page", bare(v.page("/committee")), "Prochaines vagues Vague 1 – Pilote : 11/01/2027, dans 102 jours, 2 services, 2 lignes à couper")
}

func TestTwoWhoEditAWaveLearnOfEachOther(t *testing.T) {
	books := planned(t)
	v := visit(t, books)
	first := v.filled("/waves/1/edit", "name", "Pilotes", "cutoff", "2027-01-11", "service", "chu-cardio")
	first.Add("service", "chu-saas")
	second := v.filled("/waves/1/edit", "name", "Autre", "cutoff", "2027-02-30", "service", "chu-cardio")
	if w := v.send(http.MethodPost, "/waves/1/edit", first); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, bare(w.Body.String()))
	}
	if p := planOf(t, books); p.Waves[0].Name != "Pilotes" || !slices.Equal(p.Waves[0].Services, []string{"chu-cardio", "chu-saas"}) || len(p.Waves[2].Services) != 0 {
		t.Errorf("got %+v, want chu-saas to have left wave 3", p.Waves)
	}
	if w := v.send(http.MethodPost, "/waves/1/edit", second); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `id="cutoff-fault"`) {
		t.Errorf("no day: got %d, want 422 at the day", w.Code)
	}
	second.Set("cutoff", "2027-02-01")
	w := v.send(http.MethodPost, "/waves/1/edit", second)
	if got := bare(html.UnescapeString(w.Body.String())); w.Code != http.StatusConflict || !strings.Contains(got, "Nom Autre Pilotes") || !strings.Contains(got, "chu-cardio, service of chu") {
		t.Errorf("who was second: got %d %s, want 409 and both", w.Code, got)
	}
	if w := v.send(http.MethodPost, "/waves/1/remove", second); !strings.Contains(w.Header().Get("Location"), "done=changed") {
		t.Errorf("removing what somebody else changed: got %d to %s", w.Code, w.Header().Get("Location"))
	}
	if w := v.send(http.MethodPost, "/waves/1/remove", v.filled("/waves/1/edit")); !strings.Contains(w.Header().Get("Location"), "done=removed") || len(planOf(t, books).Waves) != 2 {
		t.Errorf("got %d to %s, want it removed", w.Code, w.Header().Get("Location"))
	}
}

func TestAWavesDayIsGivenToItsLinesButToThoseThatAreCutOrKept(t *testing.T) {
	books := planned(t)
	v := visit(t, books)
	wantIn(t, "the preview", bare(v.page("/waves/1/lines")), "Lignes qui changent (2)", "0241360000 chu-cardio sans date", "0241360002 chu-radio 01/03/2027",
		"Lignes laissées telles quelles (2)", "0241360001 chu-cardio coupée le 01/09/2026", "0241360003 chu-radio conservée : secours")
	stale, form := v.filled("/waves/1/lines"), v.filled("/waves/1/lines")
	if w := v.send(http.MethodPost, "/waves/1/lines", form); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, bare(w.Body.String()))
	}
	r, err := books.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]ledger.Day{"0241360000": "2027-01-11", "0241360001": "", "0241360002": "2027-01-11", "0241360003": ""} {
		if x, _ := ledger.Present(r.Lines[line]); x.Cutoff != want {
			t.Errorf("%s: got %q, want %q", line, x.Cutoff, want)
		}
	}
	if w := v.send(http.MethodPost, "/waves/1/lines", stale); w.Code != http.StatusConflict || !strings.Contains(bare(w.Body.String()), "ont déjà cette date") {
		t.Errorf("as of a page that is out of date: got %d, want 409 and what would change now", w.Code)
	}
	wantIn(t, "a wave without a day", bare(v.page("/waves/3/lines")), "n’a pas de date de coupure")
}

func TestProposalsSayWhatTheyCannotTell(t *testing.T) {
	books := planned(t)
	v := visit(t, books)
	wantIn(t, "without any note", bare(v.page("/waves/proposals?by=urgency")), "Aucun service ne peut être placé", "Indécidable (4 services) 4 sans note d’urgence vitale")
	wantIn(t, "without any journal", bare(v.page("/waves/proposals?by=exchanges")), "4 dont aucun journal ne dit à qui ils faxent", "chu-cardio : Interdépendance")
	for id, urgency := range map[string]string{"chu-cardio": "4", "chu-radio": "2", "secret-saas": "1"} {
		if w := v.send(http.MethodPost, "/services/"+id+"/planning", v.filled("/services/"+id+"/planning", "urgency", urgency, "motivated", "yes")); w.Code != http.StatusSeeOther {
			t.Fatalf("got %d %s", w.Code, bare(w.Body.String()))
		}
	}
	got := bare(v.page("/waves/proposals?by=urgency&n=3"))
	wantIn(t, "with notes of three", got, "Échanges entre services : indécidable", "Vague 1 : 1 service", "service of secret", "Vague 3 : 1 service, 1 ligne", "Indécidable (1 service) 1 sans note d’urgence vitale", "service of chu : Urgence vitale")
	form := v.filled("/waves/proposals?by=urgency&n=3", "by", "urgency", "n", "3")
	if w := v.send(http.MethodPost, "/waves/proposals", form); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, bare(w.Body.String()))
	}
	var waves []string
	for _, w := range planOf(t, books).Waves {
		waves = append(waves, fmt.Sprint(w.Number, " ", w.Name, " ", w.Cutoff, " ", w.Services))
	}
	if want := []string{"1 Pilote 2027-01-11 [secret-saas]", "2 wave of secret 2027-04-12 [chu-radio]", "3 Mixte  [chu-cardio chu-saas]"}; !slices.Equal(waves, want) {
		t.Errorf("got %q, want %q", waves, want)
	}
	if w := v.send(http.MethodPost, "/waves/proposals", form); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("as of the plan before: got %d, want to be shown the present proposal", w.Code)
	}
	wantIn(t, "pilots", bare(v.page("/waves/pilot")), "service of secret Vague 1 – Pilote indécidable manque : disponibilité, freins techniques 1 – administratif oui / inconnu", "chu-cardio Vague 3 – Mixte ne convient pas urgence vitale trop haute")
}

func TestAServiceIsMovedToAnotherWave(t *testing.T) {
	books := planned(t)
	v := visit(t, books)
	page := "/waves/whatif?service=chu-radio&to=3"
	wantIn(t, "the page", bare(v.page(page)), "chu-radio : de « Vague 1 – Pilote » vers « Vague 3 – Mixte »", "Indécidable : aucun journal ne dit à qui ce service faxe")
	form := v.filled(page, "service", "chu-radio", "to", "3")
	if w := v.send(http.MethodPost, "/waves/whatif", form); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, bare(w.Body.String()))
	}
	if p := planOf(t, books); !slices.Equal(p.Waves[2].Services, []string{"chu-radio", "chu-saas"}) || !slices.Equal(p.Waves[0].Services, []string{"chu-cardio"}) {
		t.Errorf("got %+v, want chu-radio in wave 3", p.Waves)
	}
	if w := v.send(http.MethodPost, "/waves/whatif", form); !strings.Contains(w.Header().Get("Location"), "done=changed") {
		t.Errorf("as of the plan before: got %d to %s", w.Code, w.Header().Get("Location"))
	}
}

func TestAMilestoneIsAddedDoneAndRemoved(t *testing.T) {
	books := planned(t)
	v := visit(t, books)
	wantIn(t, "the form in the other language", html.UnescapeString(v.page("/milestones/new?wave=1")), `href="/milestones/new?lang=en&wave=1"`)
	if w := v.send(http.MethodPost, "/milestones/new", url.Values{"title": {"Réunion"}, "wave": {"1"}, "day": {"15/12/2026"}}); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, bare(w.Body.String()))
	}
	all := planOf(t, books).Milestones
	m := all[slices.IndexFunc(all, func(m ledger.Milestone) bool { return m.Title == "Réunion" })]
	page := fmt.Sprint("/milestones/", m.ID)
	first, second := v.filled(page, "title", "Réunion", "wave", "1", "day", "2026-12-15", "done", "2026-12-14"), v.filled(page, "title", "Bilan", "wave", "1", "day", "2026-12-15")
	if w := v.send(http.MethodPost, page, first); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, bare(w.Body.String()))
	}
	wantIn(t, "the plan", bare(v.page("/waves/planning")), "Réunion 15/12/2026 décembre 2026 Vague 1 – Pilote fait le 14/12/2026")
	if w := v.send(http.MethodPost, page, second); w.Code != http.StatusConflict {
		t.Errorf("who was second: got %d, want 409", w.Code)
	}
	if w := v.send(http.MethodPost, "/milestones/new", url.Values{"wave": {"9"}}); w.Code != http.StatusUnprocessableEntity || strings.Count(w.Body.String(), `-fault" class="bad"`) != 3 {
		t.Errorf("nothing typed: got %d %s, want three faults", w.Code, bare(w.Body.String()))
	}
	if w := v.send(http.MethodPost, page+"/remove", v.filled(page)); !strings.Contains(w.Header().Get("Location"), "done=removed") || len(planOf(t, books).Milestones) != 2 {
		t.Errorf("got %d to %s, want it removed", w.Code, w.Header().Get("Location"))
	}
}

func TestAReaderOfOneHospitalSeesAndChangesItsWavesOnly(t *testing.T) {
	books := planned(t)
	if err := books.DeclarePlan(t.Context(), ledger.Author{}, func(_ ledger.Register, p ledger.Plan) (ledger.Plan, error) {
		p.Waves = append(p.Waves, ledger.Wave{Number: 4, Name: "Commune", Note: "note of secret"})
		p.Waves[1].Services, p.Waves[3].Services = nil, []string{"secret-saas", "chu-saas"}
		p.Waves[2].Services = nil
		return p, nil
	}); err != nil {
		t.Fatal(err)
	}
	before := planOf(t, books)
	v := visit(t, books).as(reader{Name: "bruno", Role: ledger.EditorRole, Establishments: []string{"chu"}})
	for _, page := range []string{"/waves", "/waves/1", "/waves/4", "/waves/planning", "/waves/pilot", "/waves/proposals", "/waves/whatif?service=chu-cardio&to=4", "/waves/new", "/waves/planning.ics", "/committee"} {
		if got := v.page(page); strings.Contains(got, "secret") {
			t.Errorf("%s tells of the other hospital", page)
		}
	}
	for _, page := range []string{"/waves/2", "/waves/3", "/waves/4/edit", "/waves/4/lines", "/services/secret-saas/planning"} {
		if w := v.send(http.MethodGet, page, nil); w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", page, w.Code)
		}
	}
	for _, form := range []struct {
		path   string
		values url.Values
		want   int
	}{
		{"/waves/4/edit", url.Values{"name": {"x"}, "service": {"chu-saas"}}, http.StatusNotFound},
		{"/waves/2/remove", nil, http.StatusNotFound},
		{"/waves/new", url.Values{"name": {"x"}}, http.StatusUnprocessableEntity},
		{"/waves/new", url.Values{"name": {"x"}, "service": {"secret-saas"}}, http.StatusUnprocessableEntity},
		{"/waves/new", url.Values{"name": {"x"}, "service": {"chu-saas"}}, http.StatusForbidden}, // which is in the common wave
		{"/milestones/new", url.Values{"title": {"x"}, "day": {"2027-01-01"}, "wave": {"0"}}, http.StatusUnprocessableEntity},
		{"/milestones/new", url.Values{"title": {"x"}, "day": {"2027-01-01"}, "wave": {"4"}}, http.StatusUnprocessableEntity},
		{"/waves/4/backward", nil, http.StatusNotFound},
		{"/services/secret-saas/planning", url.Values{"urgency": {"4"}}, http.StatusNotFound},
		{"/waves/whatif", url.Values{"service": {"secret-saas"}, "to": {"1"}}, http.StatusNotFound},
		{"/waves/proposals", url.Values{"by": {"urgency"}}, http.StatusForbidden},
	} {
		if w := v.send(http.MethodPost, form.path, form.values); w.Code != form.want {
			t.Errorf("%s %v: got %d %s, want %d", form.path, form.values, w.Code, bare(w.Body.String()), form.want)
		}
	}
	if got := planOf(t, books); !reflect.DeepEqual(got, before) {
		t.Errorf("got %+v, want it as it was: %+v", got, before)
	}
	if w := v.send(http.MethodPost, "/waves/1/edit", v.filled("/waves/1/edit", "name", "À nous", "service", "chu-cardio")); w.Code != http.StatusSeeOther {
		t.Errorf("their own wave: got %d %s, want it changed", w.Code, bare(w.Body.String()))
	}
	if got := planOf(t, books).Waves; got[0].Name != "À nous" || len(got) != 4 || got[3].Note != "note of secret" || len(got[3].Services) != 2 {
		t.Errorf("got %+v, want only wave 1 changed", got)
	}
}

func TestReadersOnlyLookAtWaves(t *testing.T) {
	v := visit(t, planned(t)).as(reader{Role: ledger.ReaderRole})
	for _, page := range []string{"/waves", "/waves/1", "/waves/planning?wave=1", "/waves/pilot", "/waves/proposals?by=faxes", "/waves/whatif?service=chu-radio&to=3"} {
		if got := v.page(page); strings.Contains(got, `method="post"`) || strings.Contains(got, "/new?") {
			t.Errorf("%s offers to change something", page)
		}
	}
	for _, page := range []string{"/waves/new", "/milestones/new"} {
		if w := v.send(http.MethodGet, page, nil); w.Code != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403", page, w.Code)
		}
	}
	if w := v.send(http.MethodPost, "/waves/1/remove", nil); w.Code != http.StatusForbidden {
		t.Errorf("removing: got %d, want 403", w.Code)
	}
}

func TestCopperThatClosesBeforeAWaveIsShown(t *testing.T) {
	b := hospital()
	var service string
	for i := range b.snapshot.Lines {
		if l := &b.snapshot.Lines[i]; l.Service != "" && service == "" {
			service, l.State, l.Support, l.Cutoff, l.CutOn = l.Service, ledger.Active, "analogique", "", ""
			l.Copper = &ledger.LineCopper{Technical: "2027-01-31", Warning: ledger.CopperHalf}
		}
	}
	b.plan = ledger.Plan{Waves: []ledger.Wave{{Number: 1, Cutoff: "2027-04-12", Services: []string{service}}}}
	got := bare(ask(newSite(t, b), http.MethodGet, "/waves/1?lang=fr").Body.String())
	wantIn(t, "the wave", got, "31/01/2027 12/04/2027 avant la coupure dans les 6 mois")
	wantIn(t, "the list", bare(ask(newSite(t, b), http.MethodGet, "/waves?lang=fr").Body.String()), "1 ligne dont le cuivre ferme avant")
}

func TestAProposalKeepsTogetherWhoFaxesEachOtherByTheirJournals(t *testing.T) {
	b := hospital()
	b.snapshot.Register.Services = map[string]ledger.Service{}
	b.snapshot.Lines, b.snapshot.Devices = nil, nil
	names := []string{"cardio", "radio", "pharma", "labo", "muet"}
	for i, id := range names {
		b.snapshot.Register.Services[id] = ledger.Service{ID: id, Establishment: "chu", Name: id}
		b.snapshot.Lines = append(b.snapshot.Lines, ledger.Line{ID: fmt.Sprint("l", i), Service: id, Establishment: "chu", State: ledger.Active, Declared: true, Zone: time.UTC})
	}
	flow := func(from, to string, n int64) ledger.FlowSum {
		return ledger.FlowSum{Month: 202609, Unit: wire.Message, From: from, To: to, Count: n}
	}
	b.flows = []ledger.FlowSum{flow("l0", "l1", 600), flow("l1", "l0", 240), flow("l2", "l3", 120), flow("l0", "l2", 12)} // a year's
	b.coverage = []ledger.JournalSpan{{Journal: "hylafax", Unit: wire.Message, From: "2025-10-01", To: "2026-09-30", Lines: []string{"l0", "l1", "l2", "l3"}}}
	b.plan = ledger.Plan{Waves: []ledger.Wave{{Number: 1, Cutoff: "2027-01-11", Services: []string{"cardio"}}, {Number: 2, Cutoff: "2027-04-12", Services: []string{"radio", "pharma"}}}}
	site := newSite(t, b)
	page := func(path string) string {
		return bare(html.UnescapeString(ask(site, http.MethodGet, path).Body.String()))
	}
	wantIn(t, "the proposal", page("/waves/proposals?by=exchanges&n=2&lang=en"), "Faxes a month between departments of different waves: 1, of 81 between all these departments",
		"Wave 1: 2 departments, 2 lines", "cardio 1 mostly radio: 70 a month Wave 1", "radio 1 mostly cardio: 70 a month Wave 2", "Wave 2: 2 departments, 2 lines", "Cannot tell (1 department) 1 of which no journal says whom they fax", "muet : Interdependence")
	wantIn(t, "by partners", page("/waves/proposals?by=partners&n=2&lang=en"), "Cannot tell (1 department) 1 of which no journal tells the correspondents")
	wantIn(t, "the wave", page("/waves/1?lang=en"), "3 flows cut, 71 faxes a month", "cardio → radio: 50 a month; cardio has no fax from 11 Jan 2027 to 12 Apr 2027: about 150 faxes")
	b.plan.Milestones = []ledger.Milestone{{ID: 1, Wave: 1, Kind: ledger.MilestoneKinds()[0], Day: "2026-10-01", Done: "2026-09-30"}}
	if got := ask(site, http.MethodGet, "/waves/1").Body.String(); strings.Contains(got, `id="done"`) || !strings.Contains(got, `<a href="/waves/1?lang=en" lang="en"`) {
		t.Error("the page of a wave, of which a milestone is done and lines have other dates, says that something was saved, or leads to no other language")
	}
	wantIn(t, "what if", page("/waves/whatif?service=cardio&to=2&lang=en"), "Now 4 flows cut, 81 faxes a month, about 212 faxes between the dates (and 1 flow of which a date is missing)", "Then 1 flow cut, 10 faxes a month; a date of it is missing", "Exchanges that are no more cut (3)")
	b.snapshot.Lines = append(b.snapshot.Lines, ledger.Line{ID: "l9", Service: "radio", Establishment: "chu", State: ledger.Active, Declared: true, Zone: time.UTC})
	wantIn(t, "the proposal where a line isn't told of", page("/waves/proposals?by=exchanges&n=2&lang=en"), "Journals don’t cover all lines of 1 department:")
	wantIn(t, "the wave where a line isn't told of", page("/waves/2?lang=en"), "A minimum for: radio", "Automatic replies and posters (ZIP)", "Correspondents to warn (CSV)")
	wantIn(t, "what if of one that no journal tells of", page("/waves/whatif?service=muet&to=2&lang=en"), "Cannot tell: no journal says whom this department faxes")
}
