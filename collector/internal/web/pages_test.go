package web

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func plain(text string) string {
	return strings.NewReplacer("\u202f", " ", "\u00a0", " ").Replace(text)
}

func TestTheLinesPageSaysWhereEachLineStandsAndWhy(t *testing.T) {
	got := shown(t, hospital(), "/lines")
	for id, want := range map[string]string{
		"line-0241354000": "0241354000 analogique xerox-3359876543 1 alerte ouverte Accueil & soins urgents Urgences · CHU d’Angers coupure dépassée encore active " +
			"coupure prévue le 01/09/2026, pas encore déclarée faite dernier fax le 30/09/2026 dernière lecture il y a 2 min observée 29,8 jours sur 30 " +
			"01/09/2026 fin du cuivre le 31/01/2027 12 pages 88 images",
		"line-0241354001": "0241354001 canon-never Archives CHU d’Angers maintenue sans lecture maintenue : ligne d’astreinte, à revoir le 15/09/2026 " +
			"révision prévue le 15/09/2026, dépassée la machine déclarée, canon-never, n’a jamais été vue — inconnu inconnu",
	} {
		if text := plain(row(t, got, id)); !strings.Contains(text, want) {
			t.Errorf("%s: got %q, want in it %q", id, text, want)
		}
	}
	order := regexp.MustCompile(`id="line-([^"]+)"`).FindAllStringSubmatch(got, -1)
	if len(order) != 8 || order[0][1] != "0241354000" || order[1][1] != "grandstream-000b82aabbcc:fxs2" {
		t.Errorf("got the order %v, want the line with an alert first, then the one that nobody can see", order)
	}
	for _, want := range []string{"1 à coupure dépassée", "4 actives", "1 maintenue", "non affectée"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestLinesAreFoundByStateNumberAndService(t *testing.T) {
	for query, want := range map[string]int{
		"?state=overdue": 1, "?state=kept&q=archives": 1, "?q=0241354": 2, "?q=urgents": 1, "?q=non+affectée": 6, "?q=nothing": 0, "?q=label-of-0241354000": 1, "?state=nonsense": 8,
	} {
		got := shown(t, hospital(), "/lines"+query)
		if n := strings.Count(got, `id="line-`); n != want {
			t.Errorf("%s: got %d lines, want %d", query, n, want)
		}
		if want == 0 && !strings.Contains(got, "0 ligne trouvée.") {
			t.Errorf("%s: the page doesn't say that nothing was found", query)
		}
	}
}

func TestTheServicesPageHasAllServices(t *testing.T) {
	got := shown(t, hospital(), "/services")
	for id, want := range map[string]string{
		"service-saas":     "Accueil & soins urgents Urgences · CHU d’Angers — 0 sur 8 1 1 1 à coupure dépassée 12 pages 88 images",
		"service-archives": "Archives CHU d’Angers — 0 sur 8 1 0 1 maintenue inconnu inconnu",
		"service-":         "non affectée — — 6 4 1 sans lecture 1 calme inconnu inconnu 250 pages, sens inconnu",
	} {
		if text := plain(row(t, got, id)); !strings.Contains(text, want) {
			t.Errorf("%s: got %q, want in it %q", id, text, want)
		}
	}
}

func TestTheAlertsPageShowsWhatIsOpenAndWhatWas(t *testing.T) {
	got := plain(shown(t, hospital(), "/alerts"))
	for _, want := range []string{
		"2 alertes ouvertes", "fax après la coupure · 0241354000, Accueil & soins urgents", "<strong>3 pages</strong>, en émission · certain",
		"agent muet · ps-dead", `alert close 12 --reason`, "Alertes closes", "essai du technicien", "ligne coupée qui revit",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, target := range []string{"/machines", "/lines", "/services"} {
		if got := plain(shown(t, hospital(), target)); !strings.Contains(got, "2 alertes ouvertes") || !strings.Contains(got, "fax après la coupure") {
			t.Errorf("%s doesn't show the alerts on top", target)
		}
	}
	calm := hospital()
	calm.episodes = calm.episodes[2:]
	for target, want := range map[string]string{"/machines": "Aucune alerte ouverte.", "/alerts": "Rien à signaler"} {
		if got := shown(t, calm, target); !strings.Contains(got, want) {
			t.Errorf("%s: no calm word where nothing is open", target)
		}
	}
}

func TestEveryPageSaysWhenTheBooksCannotBeRead(t *testing.T) {
	b := hospital()
	b.err = errBooks
	for _, target := range []string{"/machines", "/lines", "/services", "/alerts"} {
		w := ask(newSite(t, b), http.MethodGet, target)
		if got := w.Body.String(); w.Code != http.StatusInternalServerError || !strings.Contains(got, "Les comptes ne peuvent pas être lus") || strings.Contains(got, "fire") {
			t.Errorf("%s: got %d %s, want 500 and that the books can't be read", target, w.Code, got)
		}
	}
}

func TestPagesWithoutLinesSayHowToDeclareThem(t *testing.T) {
	got := shown(t, &books{snapshot: ledger.Snapshot{At: noon}}, "/lines")
	if !strings.Contains(got, "Aucune ligne pour l’instant") || !strings.Contains(got, "import lines --dry-run") {
		t.Errorf("got %s, want how to declare lines", got)
	}
}

func TestWhatPeopleDeclareCannotBecomeMarkup(t *testing.T) {
	b := hospital()
	const attack = `"><script>alert(1)</script>`
	for i := range b.snapshot.Lines {
		l := &b.snapshot.Lines[i]
		l.Number, l.Extension, l.Support, l.Gateway, l.Service, l.UF = attack, attack, attack, attack, attack, attack
		l.Why = []ledger.Fact{{Code: ledger.FactKept, Text: attack, Day: attack}}
		l.Totals = map[wire.Measure]int64{}
	}
	for i := range b.episodes {
		b.episodes[i].Number, b.episodes[i].Device, b.episodes[i].Reason, b.episodes[i].ClosedBy = attack, attack, attack, attack
	}
	for _, target := range []string{"/lines", "/services", "/alerts"} {
		w := ask(newSite(t, b), http.MethodGet, target+"?q=script")
		if got := w.Body.String(); w.Code != http.StatusOK || strings.Contains(got, "<script>") || !strings.Contains(got, "&lt;script&gt;") {
			t.Errorf("%s: got %d; a script got through, or nothing is shown", target, w.Code)
		}
	}
}

func TestTheLinesPageSaysWhatWasFaxedAfterTheCutoffAndInNoKnownDirection(t *testing.T) {
	b := hospital()
	b.snapshot.Lines[0].AfterCutoff = ledger.AfterTotals{Faxes: 2}
	b.snapshot.Lines[1].AfterCutoff = ledger.AfterTotals{Pages: 1}
	b.snapshot.Sums = append(b.snapshot.Sums, ledger.Sum{Account: ledger.Account{Service: "archives", Line: "0241354001"}, Measure: wire.FaxPages, Unit: "pages", Count: 3})
	got := shown(t, b, "/lines")
	for id, want := range map[string]string{"line-0241354000": "2 fax après la coupure", "line-0241354001": "3 pages, sens inconnu 1 page après la coupure"} {
		if text := plain(row(t, got, id)); !strings.Contains(text, want) {
			t.Errorf("%s: got %q, want in it %q", id, text, want)
		}
	}
}

func TestDaysAreSaidInTheRightNumber(t *testing.T) {
	for _, c := range []struct {
		days            float64
		french, english string
	}{
		{0, "observée 0 jour sur 30", "watched 0 days of 30"},
		{1, "observée 1 jour sur 30", "watched 1 day of 30"},
		{1.99, "observée 1,9 jour sur 30", "watched 1.9 days of 30"},
		{2, "observée 2 jours sur 30", "watched 2 days of 30"},
	} {
		for lang, want := range map[string]string{"fr": c.french, "en": c.english} {
			s := speech{texts.Speech(httptest.NewRequest(http.MethodGet, "/machines?lang="+lang, nil), "fr", time.UTC, noon)}
			if got, err := s.fact(ledger.Fact{Code: ledger.FactWatched, Days: c.days, Of: 30}); err != nil || plain(got) != want {
				t.Errorf("%v days: got %q, %v, want %q", c.days, got, err, want)
			}
		}
	}
}
