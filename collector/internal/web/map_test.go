package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"html"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// house is a site on books of its own.
type house struct {
	t     *testing.T
	books *ledger.Ledger
	paris *time.Location
	log   *slog.Logger
	http.Handler
}

const houseLines = `numéro;machine;port;établissement;site;pôle;service;uf;coupure prévue;coupure réelle;motif de maintien;à revoir le
0241354000;xerox-1;;CHU d'Angers;Larrey;Urgences;Accueil;0101;01/12/2026;;;
0241354001;xerox-2;;CHU d'Angers;Larrey;Urgences;Accueil;;;01/09/2026;;
0241354002;;;CHU d'Angers;Larrey;Urgences;SAMU;;;;ligne d'astreinte;01/12/2026
0241354003;audiocodes-1;3;CHU d'Angers;Larrey;Biologie;Hémostase;;;;;
0241354004;audiocodes-1;3;CHU d'Angers;Larrey;Biologie;Hémostase;;;;;
0243660001;;;CH de Laval;Laval;;Standard;;;;;
`

// newHouse has the lines of two hospitals in its books.
func newHouse(t *testing.T) *house {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, paris: paris, log: log}
	h.books, err = ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{Log: log, Now: func() time.Time { return noon.Std() }, Zone: paris})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.books.Close(); err != nil {
			t.Error(err)
		}
	})
	h.Handler, err = New(Options{
		Books: h.books, Language: "fr", Location: paris, MQTT: "mqtt://127.0.0.1:1883", Version: "0.1.0", Log: log,
		Ready: func() error { return nil }, Metrics: http.NotFoundHandler(), Publish: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.take(register.Lines, register.PlanLines, houseLines)
	return h
}

// take changes the books by a table, as the import commands do.
func (h *house) take(schema *register.Schema, plan func(ledger.Register, *register.Table, register.Options) (register.Plan, error), text string) {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "table.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	table, err := register.Read(path, "", schema)
	if err != nil {
		h.t.Fatal(err)
	}
	err = h.books.Declare(context.Background(), ledger.Author{Who: "test", Source: "table.csv"}, func(r ledger.Register) (ledger.Register, error) {
		done, err := plan(r, table, register.Options{Now: noon.Std().Add(-30 * 24 * time.Hour), Zone: time.UTC})
		return done.Register, err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// page is one that is there, without markup's escapes.
func (h *house) page(target string) string {
	h.t.Helper()
	w := ask(h, http.MethodGet, target)
	if w.Code != http.StatusOK {
		h.t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
	}
	return plain(html.UnescapeString(w.Body.String()))
}

func TestTheMapHasEveryLineUnderItsServicePoleAndStructure(t *testing.T) {
	h := newHouse(t)
	got := h.page("/map")
	for id, want := range map[string]string{
		"structure-chu-d-angers": "CHU d'Angers 5 1 0 inconnu",
		"pole-urgences":          "Urgences 3 1 0 inconnu",
		"service-accueil":        "Accueil 2 1 0 inconnu inconnu inconnu inconnu",
		"service-standard":       "Standard 1 0 0 inconnu",
		"whole-":                 "Total général 6 1 0 inconnu",
	} {
		if text := row(t, got, id); !strings.Contains(text, want) {
			t.Errorf("%s: got %q, want in it %q", id, text, want)
		}
	}
	for query, want := range map[string]string{
		"?establishment=ch-de-laval": "Total général 1 0", "?state=kept": "Total général 1 0", "?q=0241354003": "Total général 2 0", "?q=samu": "Total général 1 0", "?pole=urgences": "Total général 3 1",
	} {
		if text := row(t, h.page("/map"+query), "whole-"); !strings.Contains(text, want) {
			t.Errorf("%s: got %q, want %q", query, text, want)
		}
	}
	for target, want := range map[string]string{
		"/map?service=accueil": "0241354000", "/map?service=hemostase": "audiocodes-1 3", "/map?q=0241354003": `/lines/0241354003?lang=fr`, "/map?q=nothing": "0 service trouvé",
	} {
		if got := h.page(target); !strings.Contains(got, want) {
			t.Errorf("%s lacks %q", target, want)
		}
	}
}

func TestTheKitsTableAddsUpToTheLedger(t *testing.T) {
	h := newHouse(t)
	books, err := h.books.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all, cut int64
	for _, l := range books.Lines {
		all++
		if l.State == ledger.Cut {
			cut++
		}
	}
	for _, by := range []string{"service", "pole"} {
		csvOf := ask(h, http.MethodGet, "/map/table.csv?by="+by)
		table := csv.NewReader(strings.NewReader(strings.TrimPrefix(csvOf.Body.String(), "\ufeff")))
		table.Comma = ';'
		rows, err := table.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		book, err := excelize.OpenReader(bytes.NewReader(ask(h, http.MethodGet, "/map/table.xlsx?by="+by).Body.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		sheet, err := book.GetRows("Sheet1")
		if err != nil {
			t.Fatal(err)
		}
		for kind, rows := range map[string][][]string{"CSV": rows, "XLSX": sheet} {
			var sum [2]int64
			for _, row := range rows[1 : len(rows)-1] {
				for i := range sum {
					n, err := strconv.ParseInt(row[2+i], 10, 64)
					if err != nil {
						t.Fatal(err)
					}
					sum[i] += n
				}
			}
			last := rows[len(rows)-1]
			if sum != [2]int64{all, cut} || last[2] != strconv.FormatInt(all, 10) || last[3] != strconv.FormatInt(cut, 10) {
				t.Errorf("%s by %s: rows add up to %v, the last row says %v; want %d lines, %d cut", kind, by, sum, last, all, cut)
			}
		}
		if text := row(t, h.page("/map/table?by="+by), "total"); !strings.HasPrefix(text, "> Total général 6 1 16,7 %") {
			t.Errorf("by %s: got the total %q", by, text)
		}
	}
}

func TestTheReconciliationFindsEachKindOfGap(t *testing.T) {
	h := newHouse(t)
	for kind, want := range map[string][]string{
		"unseen": {"0241354000", "0241354002", "0241354003", "0243660001"}, "twice": {"0241354003", "0241354004", "sur le même port que"},
		"undated": {"0241354003", "0243660001"}, "kept": {"0241354002"}, "dormant": {"Rien à signaler"}, "undeclared": {"Rien à signaler"}, "port": {"Rien à signaler"},
	} {
		got := h.page("/map/gaps?what=" + kind)
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%s lacks %q", kind, text)
			}
		}
		if strings.Contains(got, "0241354001") {
			t.Errorf("%s names a line that is cut", kind)
		}
	}
	seen := shown(t, hospital(), "/map/gaps")
	if !strings.Contains(seen, `id="line-kyocera-vcf1234567"`) {
		t.Error("a machine that can fax isn't told to be without a declared line")
	}
	if got := shown(t, hospital(), "/map/gaps?what=port"); !strings.Contains(got, "/lines/new?device=grandstream-000b82000001&lang=fr&port=1") {
		t.Error("a port of which nobody knows whether it carries a fax can't be declared")
	}
}

func TestALinesPageTellsItsWholeStory(t *testing.T) {
	h := newHouse(t)
	for target, want := range map[string][]string{
		"/lines/0241354000": {"Ligne 0241354000", "Accueil", "coupure prévue le 01/12/2026", "Qui a changé quoi", "table.csv", "aucune adresse connue"},
		"/lines/0241354002": {"maintenue", "ligne d'astreinte", "01/12/2026"},
	} {
		got := h.page(target)
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%s lacks %q", target, text)
			}
		}
	}
	if w := ask(h, http.MethodGet, "/lines/0999999999"); w.Code != http.StatusNotFound {
		t.Errorf("a line that is none: got %d, want 404", w.Code)
	}
	b := hospital()
	b.months[0].Line = "0241354000"
	b.story.Months = b.months
	got := shown(t, b, "/lines/0241354000")
	for _, want := range []string{"septembre 2026", "7 pages", "fax après la coupure", "fin du cuivre le 31/01/2027"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestAVolumeSaysInWhatPartOfTheTimeItWasWatched(t *testing.T) {
	pages := int64(0)
	figure := func(value *int64, watched float64) indicators.Figure {
		return indicators.Figure{Indicator: indicators.FaxSent, Of: "pages", Unit: "pages", Value: value, Completeness: indicators.Completeness{Watched: watched, Days: 30}}
	}
	var nothing, little, all, both volumes
	nothing.take(figure(nil, 0), 2)
	little.take(figure(&pages, 3), 2)
	all.take(figure(&pages, 30), 2)
	both.add(little)
	both.add(all)
	for name, c := range map[string]struct {
		of   volume
		want int64
	}{"never": {nothing.Sent, 0}, "3 days of 30": {little.Sent, 10}, "always": {all.Sent, 0}, "half of it always, half 3 days": {both.Sent, 55}} {
		if got := c.of.Partly(); got != c.want {
			t.Errorf("%s: got %d %%, want %d", name, got, c.want)
		}
	}
}
