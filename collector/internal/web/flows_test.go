package web

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// exchange is the hospital with journals: 40 faxes from outside to its emergency ward, 12 to outside, 9 from there to the
// archives, 2 back, 1 to a machine that nobody assigned; and the exchange's calls.
func exchange() *books {
	b := hospital()
	sum := func(unit wire.EventUnit, month ledger.Month, from, to string, count int64) ledger.FlowSum {
		return ledger.FlowSum{Month: month, Unit: unit, From: from, To: to, Count: count, Failed: count / 8, Pages: 3 * count, Paged: count}
	}
	for i := range b.snapshot.Lines {
		l := &b.snapshot.Lines[i]
		l.History = []ledger.Stretch{{Span: ledger.Span{To: noon}, Place: ledger.Place{Establishment: l.Establishment, Pole: l.Pole, Service: l.Service}}}
	}
	const saas, archives = "0241354000", "0241354001"
	b.flows = []ledger.FlowSum{
		sum(wire.Message, 202608, saas, archives, 4),
		sum(wire.Call, 202609, "", saas, 700),
		sum(wire.Message, 202609, "", saas, 40), sum(wire.Message, 202609, saas, "", 12), sum(wire.Message, 202609, saas, archives, 5),
		sum(wire.Message, 202609, archives, saas, 2), sum(wire.Message, 202609, saas, "kyocera-vcf1234567", 1),
	}
	b.coverage = []ledger.JournalSpan{
		{Journal: "serveur-fax", Unit: wire.Message, From: "2026-08-01", To: "2026-09-30", Lines: []string{saas, archives}},
		{Journal: "pabx", Unit: wire.Call, From: "2026-09-01", To: "2026-09-30", Lines: []string{saas}},
	}
	b.partners = []ledger.Correspondent{
		{ID: 1, Masked: "02 41 •• •• 12", Name: "Clinique de l’Anjou", Unit: wire.Message, Sent: 8, Received: 30, Lines: 1, Last: noon},
		{ID: 2, Masked: "06 •• •• •• 78", Unit: wire.Message, Sent: 4, Received: 10, Lines: 1},
	}
	return b
}

func TestTheFlowsPageTellsWhoFaxesWhom(t *testing.T) {
	got := plain(shown(t, exchange(), "/flows"))
	text := regexp.MustCompile(`\s+`).ReplaceAllString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(got, " "), " ")
	for _, want := range []string{
		"De novembre 2025 à octobre 2026", "40 Reçus de l’extérieur", "12 Émis vers l’extérieur", "12 Internes", "64 En tout (messages)",
		"Source : les journaux. Ils couvrent 2 lignes sur 8, et 4 % des jours de l’ensemble. Chaque nombre est donc un minimum.", "Échecs, non comptés : 6.",
		"Accueil & soins urgents Urgences · CHU d’Angers 22 10 12", // sent: in all, internal, to outside
		"Accueil & soins urgents Urgences · CHU d’Angers 42 2 40",
		"Extérieur 40", "Clinique de l’Anjou 02 41 •• •• 12", "serveur-fax 01/08/2026 30/09/2026 2",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "700") {
		t.Error("calls stand among messages")
	}
	if t.Failed() {
		t.Log(text)
	}
	if calls := plain(shown(t, exchange(), "/flows?unit=call")); !strings.Contains(calls, "<strong>700</strong>") || strings.Contains(calls, "<strong>40</strong>") {
		t.Error("the page of calls doesn't tell them, and them only")
	}
}

func TestTheMonthsOfFlowsThatNoJournalTellsOfAreUnknown(t *testing.T) {
	got := plain(shown(t, exchange(), "/flows?from=2026-07&to=2026-09&service=archives"))
	cells := regexp.MustCompile(`<t[hd][^>]*>([^<]*)</t[hd]>`).FindAllStringSubmatch(got[strings.Index(got, `id="trend-data"`):], 20)
	var row []string
	for _, c := range cells {
		row = append(row, strings.TrimSpace(c[1]))
	}
	if text := strings.Join(row, " "); !strings.Contains(text, "inconnu inconnu inconnu") || !strings.Contains(text, "0 0 7") {
		t.Errorf("got %s, want July unknown and September with 7 internal faxes", text)
	}
}

func TestPagesOfFlowsWithoutAnySayWhy(t *testing.T) {
	for target, c := range map[string]struct {
		b    *books
		want string
	}{
		"/flows":                            {hospital(), "Aucun journal n’a encore été lu"},
		"/flows?from=2025-01&to=2025-02":    {exchange(), "Ce n’est pas zéro : ce n’est pas connu."},
		"/flows?unit=call&service=archives": {exchange(), "Ce n’est pas zéro : ce n’est pas connu."},
	} {
		if got := shown(t, c.b, target); !strings.Contains(got, c.want) {
			t.Errorf("%s: the page lacks %q", target, c.want)
		}
	}
}

func TestAReaderOfSomeEstablishmentsSeesOnlyFlowsThatTouchThem(t *testing.T) {
	b := exchange()
	b.snapshot.Register.Establishments["ch"] = ledger.Establishment{ID: "ch", Name: "CH de Cholet"}
	b.snapshot.Register.Services["archives"] = ledger.Service{ID: "archives", Establishment: "ch", Name: "Archives de Cholet"}
	b.snapshot.Lines[1].Establishment, b.snapshot.Lines[1].History[0].Establishment = "ch", "ch"
	ch := scope{b, reader{Role: ledger.ReaderRole, Establishments: []string{"ch"}}}
	flows, err := ch.Flows(t.Context(), 202609, 202609)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range flows {
		got = append(got, fmt.Sprintf("%q→%q %d", f.From, f.To, f.Count))
	}
	if want := `"\x00elsewhere"→"0241354001" 5, "0241354001"→"\x00elsewhere" 2`; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	j, err := ch.Journals(t.Context(), 202609, 202609)
	if err != nil || len(j.Messages) != 1 || j.Messages[0].InternalSent != 2 || len(j.Coverage) != 1 || len(j.Coverage[0].Lines) != 1 {
		t.Errorf("got %+v, %v; want what journals tell of the line of Cholet only", j, err)
	}
}

func TestTheFilesOfFlowsHoldWhatThePageShows(t *testing.T) {
	b := exchange()
	w := ask(newSite(t, b), http.MethodGet, "/flows.csv?from=2026-09&to=2026-09&lang=fr")
	want := "\ufeffmois;unité;sens;de;pôle et établissement (de);vers;pôle et établissement (vers);nombre;échecs;pages connues\r\n" +
		"2026-09;messages;interne;Archives;CHU d’Angers;Accueil & soins urgents;Urgences · CHU d’Angers;2;0;6\r\n"
	if got := w.Body.String(); !strings.HasPrefix(got, want) || strings.Count(got, "\r\n") != 6 {
		t.Errorf("got %s, want it to begin with %s and to have 5 flows", got, want)
	}
	w = ask(newSite(t, b), http.MethodGet, "/flows.xlsx?from=2026-09&to=2026-09&lang=fr")
	book, err := excelize.OpenReader(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if got, want := fmt.Sprint(book.GetSheetList()), "[Lisez-moi Données Croisé Matrice Services Évolution Correspondants]"; got != want {
		t.Errorf("got sheets %s, want %s", got, want)
	}
	rows, err := book.GetRows("Données")
	var sum int
	for _, row := range rows[1:] {
		var n int
		fmt.Sscan(row[7], &n)
		sum += n
	}
	if err != nil || sum != 60 {
		t.Errorf("got %d messages, %v; want all 60 of the month", sum, err)
	}
	if tables, err := book.GetTables("Données"); err != nil || len(tables) != 1 {
		t.Errorf("got %v, %v; want the data as a table", tables, err)
	}
	if pivots, err := book.GetPivotTables("Croisé"); err != nil || len(pivots) != 1 {
		t.Errorf("got %v, %v; want a pivot table", pivots, err)
	}
}

func TestTheAPITellsFlows(t *testing.T) {
	w := ask(newSite(t, exchange()), http.MethodGet, "/api/v1/flows?month=2026-09&unit=message&by=whole")
	for _, want := range []string{
		`{"from":"2026-09","to":"2026-09","unit":"message","source":{"kind":"inside","establishment":"","name":""},"destination":{"kind":"inside","establishment":"","name":""},"internal":true,"count":8,"failed":0,"pages":24}`,
		`"source":{"kind":"outside","establishment":"","name":""},"destination":{"kind":"inside","establishment":"","name":""},"internal":false,"count":40,"failed":5,"pages":120}`,
	} {
		if got := w.Body.String(); !strings.Contains(got, want) {
			t.Errorf("got %s, want in it %s", got, want)
		}
	}
	if w := ask(newSite(t, exchange()), http.MethodGet, "/api/v1/flows?month=2026-09&unit=pages"); w.Code != http.StatusBadRequest {
		t.Errorf("pages: got %d, want 400", w.Code)
	}
}
