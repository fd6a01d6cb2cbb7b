package web

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// hospital is a ward whose lines people declared, with what was faxed, and with alerts.
func hospital() *books {
	b := ward()
	b.snapshot.Register = ledger.Register{
		Establishments: map[string]ledger.Establishment{"chu": {ID: "chu", Name: "CHU d’Angers"}},
		Poles:          map[string]ledger.Pole{"urgences": {ID: "urgences", Establishment: "chu", Name: "Urgences"}},
		Services: map[string]ledger.Service{
			"saas":     {ID: "saas", Establishment: "chu", Pole: "urgences", Name: "Accueil & soins urgents"},
			"archives": {ID: "archives", Establishment: "chu", Name: "Archives"},
		},
	}
	day := 24 * time.Hour
	b.snapshot.Lines = append([]ledger.Line{
		{
			ID: "0241354000", Declared: true, Number: "0241354000", Device: "xerox-3359876543", Establishment: "chu", Pole: "urgences", Service: "saas",
			Support: "analogique", State: ledger.Overdue, Observed: ledger.Active, Status: wire.LineUnknown, Cutoff: "2026-09-01", CutoffAt: noon.Add(-30 * day),
			Why: []ledger.Fact{
				{Code: ledger.FactCutoffPassed, Day: "2026-09-01"},
				{Code: ledger.FactLastFax, At: noon.Add(-day)},
				{Code: ledger.FactLastReading, At: noon.Add(-2 * time.Minute)},
				{Code: ledger.FactWatched, Days: 29.86, Of: 30},
			},
			LastFax: noon.Add(-day), LastReading: noon.Add(-2 * time.Minute), FirstSeen: noon.Add(-400 * day), Sharing: 1,
			Totals: map[wire.Measure]int64{wire.FaxSentPages: 12, wire.FaxPrintedPages: 88},
			Copper: &ledger.LineCopper{Commune: "49007", Name: "Angers", Commercial: "2026-01-31", Technical: "2027-01-31", Warning: ledger.CopperHalf},
		},
		{
			ID: "0241354001", Declared: true, Number: "0241354001", Device: "canon-never", Establishment: "chu", Service: "archives",
			State: ledger.Kept, Observed: ledger.Blind, Status: wire.LineUnknown, KeptReason: "ligne d’astreinte", KeptUntil: "2026-09-15",
			Why: []ledger.Fact{
				{Code: ledger.FactKept, Text: "ligne d’astreinte", Day: "2026-09-15"},
				{Code: ledger.FactReviewPassed, Day: "2026-09-15"},
				{Code: ledger.FactMachineUnseen, Text: "canon-never"},
			},
			Totals: map[wire.Measure]int64{},
		},
	}, b.snapshot.Lines...)
	for i := range b.snapshot.Lines {
		l := &b.snapshot.Lines[i]
		l.Zone, l.Observed = time.UTC, cmp.Or(l.Observed, l.State)
	}
	account := ledger.Account{Establishment: "chu", Pole: "urgences", Service: "saas", Device: "xerox-3359876543", Line: "0241354000"}
	evidence := account
	evidence.Evidence = true
	b.snapshot.Sums = []ledger.Sum{
		{Account: account, Measure: wire.FaxSentPages, Unit: "pages", Count: 12},
		{Account: account, Measure: wire.FaxPrintedPages, Unit: "images", Count: 88},
		{Account: evidence, Measure: wire.FaxPrintedPages, Unit: "images", Count: 1000},
		{Account: ledger.Account{Device: "lexmark-7016abcdef"}, Measure: wire.FaxPages, Unit: "pages", Count: 250},
	}
	b.months = []ledger.MonthSum{{Account: account, Month: 202609, Measure: wire.FaxSentPages, Unit: "pages", Count: 7, Straddling: 2}}
	b.episodes = []ledger.Episode{
		{
			ID: 12, Kind: ledger.AfterCutoff, Line: "0241354000", Number: "0241354000", Device: "xerox-3359876543", Service: "saas",
			OpenedAt: noon.Add(-day), FirstAt: noon.Add(-day), LastAt: noon.Add(-time.Hour), Count: 3, Unit: "pages", Direction: ledger.Sent, Certainty: ledger.Certain,
			Evidence: []ledger.Evidence{{Kind: "some"}},
		},
		{ID: 11, Kind: ledger.AgentSilent, Agent: "ps-dead", OpenedAt: noon.Add(-3 * day), FirstAt: noon.Add(-3 * day), LastAt: noon.Add(-3 * day)},
		{
			ID: 7, Kind: ledger.LineReappeared, Line: "0241354009", Number: "0241354009", OpenedAt: noon.Add(-9 * day), LastAt: noon.Add(-9 * day),
			ClosedAt: noon.Add(-8 * day), ClosedBy: "j.martin", Reason: "essai du technicien",
		},
	}
	b.anomalies = append([]ledger.Anomaly{{ID: 9, Kind: ledger.Reset, Device: "xerox-3359876543", ClosedAt: noon, Outcome: ledger.Settled}}, b.watch.Open...)
	return b
}

// data is the list that the API answers.
func data(t *testing.T, b *books, target string, headers ...string) []map[string]any {
	t.Helper()
	w := ask(newSite(t, b), http.MethodGet, target, headers...)
	var body struct{ Data []map[string]any }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusOK || body.Data == nil {
		t.Fatalf("GET %s: got %d %s, %v; want a list", target, w.Code, w.Body, err)
	}
	return body.Data
}

func TestTheAPITellsOfLinesWithTheirEvidenceInTheReadersLanguage(t *testing.T) {
	lines := data(t, hospital(), "/api/v1/lines")
	if len(lines) != 8 {
		t.Fatalf("got %d lines, want 8", len(lines))
	}
	l := lines[0]
	for key, want := range map[string]any{
		"id": "0241354000", "number": "0241354000", "state": "overdue", "observed": "active", "status": "unknown", "cutoff": "2026-09-01", "service_name": "Accueil & soins urgents",
		"establishment_name": "CHU d’Angers", "last_reading": "2026-10-01T11:58:00.000Z",
		"why": "coupure prévue le 01/09/2026, pas encore déclarée faite, dernier fax le 30/09/2026, dernière lecture il y a 2\u00a0min, observée 29,8 jours sur 30",
	} {
		if l[key] != want {
			t.Errorf("%s: got %v, want %v", key, l[key], want)
		}
	}
	if got := l["totals"].(map[string]any)["fax_printed_pages"]; got != 88.0 {
		t.Errorf("totals: got %v, want 88 printed", l["totals"])
	}
	if got := l["evidence"].([]any)[0].(map[string]any); got["code"] != "cutoff_passed" || got["day"] != "2026-09-01" {
		t.Errorf("evidence: got %v, want its code and values", got)
	}
	english := data(t, hospital(), "/api/v1/lines", "Accept-Language", "en")[0]["why"].(string)
	if !strings.HasPrefix(english, "cut-off planned for 1 Sep 2026, not declared done yet, last fax on 30 Sep 2026") {
		t.Errorf("got %q, want it in English", english)
	}
}

func TestTheAPITellsOfServicesAndTheUnassigned(t *testing.T) {
	services := data(t, hospital(), "/api/v1/services")
	if len(services) != 3 || services[0]["id"] != "" || services[2]["id"] != "saas" {
		t.Fatalf("got %v, want what is unassigned, the archives and saas", services)
	}
	saas := services[2]
	if saas["lines"].(map[string]any)["overdue"] != 1.0 || saas["lines"].(map[string]any)["active"] != 0.0 || saas["active_lines"] != 1.0 || saas["pole_name"] != "Urgences" {
		t.Errorf("got %v, want one overdue line of the pole Urgences, still active", saas)
	}
	if pages := saas["pages"].(map[string]any); pages["sent"] != 12.0 || pages["received"] != 88.0 || len(pages) != 2 {
		t.Errorf("got the pages %v, want 12 sent, 88 received, none counted twice", pages)
	}
	if totals := saas["totals"].([]any); len(totals) != 2 || totals[1].(map[string]any)["unit"] != "images" {
		t.Errorf("got the totals %v, want each measure with its unit", totals)
	}
	if pages := services[1]["pages"].(map[string]any); len(pages) != 0 {
		t.Errorf("got %v for a service of which nothing is known, want nothing", pages)
	}
}

func TestTheAPITellsOfAlerts(t *testing.T) {
	for query, want := range map[string]string{
		"": "12 11 7", "?open=true": "12 11", "?open=false": "7", "?kind=agent_silent": "11", "?line=0241354000": "12", "?open=1&kind=line_reappeared": "",
	} {
		var ids []string
		for _, a := range data(t, hospital(), "/api/v1/alerts"+query) {
			id, _ := json.Marshal(a["id"])
			ids = append(ids, string(id))
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
	a := data(t, hospital(), "/api/v1/alerts?lang=en")[0]
	for key, want := range map[string]any{
		"kind": "after_cutoff", "what": "fax after the cut-off", "line": "0241354000", "service": "saas", "count": 3.0, "unit": "pages",
		"direction": "sent", "certainty": "certain", "opened_at": "2026-09-30T12:00:00.000Z", "closed_at": nil,
	} {
		if a[key] != want {
			t.Errorf("%s: got %v, want %v", key, a[key], want)
		}
	}
	if evidence, ok := a["evidence"].([]any); !ok || len(evidence) != 1 {
		t.Errorf("got the evidence %v, want texts", a["evidence"])
	}
}

func TestTheAPITellsOfAnomalies(t *testing.T) {
	for query, want := range map[string]int{"": 2, "?open=true": 1, "?open=false": 1} {
		if got := data(t, hospital(), "/api/v1/anomalies"+query); len(got) != want {
			t.Errorf("%q: got %v, want %d", query, got, want)
		}
	}
}

func TestTheAPITellsIndicatorsAndNeverZeroForWhatIsUnknown(t *testing.T) {
	var sent map[string]any
	figures := data(t, hospital(), "/api/v1/indicators?month=2026-09&by=service")
	for _, f := range figures {
		scope := f["scope"].(map[string]any)
		if strings.HasPrefix(f["indicator"].(string), "mssante") && f["value"] != nil {
			t.Errorf("got %v, want null: nothing tells it", f)
		}
		if scope["service"] == "saas" && f["indicator"] == "fax_sent" {
			sent = f
		}
	}
	if sent["value"] != 7.0 || sent["straddling"] != 2.0 || sent["unit"] != "pages" || sent["target"] != nil || sent["from"] != "2026-09" {
		t.Errorf("got %v, want 7 pages sent by saas in September, of which 2 may be August's", sent)
	}
	year := data(t, hospital(), "/api/v1/indicators?from=2026-01&to=2026-12")
	each := data(t, hospital(), "/api/v1/indicators?from=2026-01&to=2026-12&per=month")
	months := map[any]bool{}
	for _, f := range each {
		months[f["from"]] = true
	}
	if len(months) != 12 || year[0]["from"] != "2026-01" || year[0]["to"] != "2026-12" {
		t.Errorf("got figures from %v to %v, by month of %v; want those of the year and of its 12 months", year[0]["from"], year[0]["to"], months)
	}
}

func TestTheAPISaysWhatWouldBeRight(t *testing.T) {
	for target, want := range map[string]string{
		"/api/v1/alerts?open=maybe":                         "open=maybe; want true or false",
		"/api/v1/alerts?kind=fire":                          "kind=fire; want after_cutoff, after_copper",
		"/api/v1/alerts?open=%zz":                           "query: invalid URL escape",
		"/api/v1/anomalies?open=true;kind=jump":             "query: invalid semicolon separator",
		"/api/v1/anomalies?open=2":                          "open=2; want true or false",
		"/api/v1/indicators":                                "want a month such as 2026-10",
		"/api/v1/indicators?month=2026-13":                  "month=2026-13; want a month such as 2026-10",
		"/api/v1/indicators?month=2026-10&from=2026-01":     "either month or from and to",
		"/api/v1/indicators?from=2026-10":                   "to=; want a month such as 2026-10",
		"/api/v1/indicators?from=2026-10&to=2026-09":        "from=2026-10; want a month that is not after to=2026-09",
		"/api/v1/indicators?from=2000-01&to=2026-09":        "at most 120 months",
		"/api/v1/indicators?month=2026-10&by=bed":           "by=bed; want whole, structure, pole, service",
		"/api/v1/indicators?month=2026-10&per=day":          "per=day; want month",
		"/api/v1/indicators?month=2026-10&by=service&per=0": "per=0; want month",
	} {
		w := ask(newSite(t, hospital()), http.MethodGet, target)
		var problem struct{ Detail string }
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != http.StatusBadRequest ||
			w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(problem.Detail, want) {
			t.Errorf("%s: got %d %s, want 400 and %q", target, w.Code, w.Body, want)
		}
	}
}

func TestTheAPIFailsAsAWholeWhenTheBooksCannotBeRead(t *testing.T) {
	b := hospital()
	b.err = errBooks
	for _, target := range []string{"lines", "services", "alerts", "anomalies", "indicators?month=2026-10"} {
		w := ask(newSite(t, b), http.MethodGet, "/api/v1/"+target)
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "fire") {
			t.Errorf("%s: got %d %s, want 500 without the reason, which the log has", target, w.Code, w.Body)
		}
	}
}
