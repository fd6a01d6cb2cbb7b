package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// twoHospitals are books of two establishments that share an agent. Whatever is the second one's has "secret"
// in its name, or is the number 0299…; what nobody assigned is called "stray".
func twoHospitals(t *testing.T) *ledger.Ledger {
	t.Helper()
	ctx := t.Context()
	books, err := ledger.Open(ctx, filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{
		Now: noon.Std, Zone: time.UTC, ActiveWindow: 30 * 24 * time.Hour, BlindAfter: 72 * time.Hour, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = books.Close() })
	by := ledger.Author{Who: "anne", Source: "a test"}
	if err := books.Declare(ctx, by, func(r ledger.Register) (ledger.Register, error) {
		for i, e := range []string{"chu", "secret"} {
			declareHospital(&r, e, fmt.Sprintf("02%d1", 4+5*i))
		}
		return r, nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := books.DeclareMailboxes(ctx, by, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) {
		return []ledger.Mailbox{
			{Address: "saas@chu.mssante.fr", Establishment: "chu", Service: "chu-saas", State: ledger.MailboxUsed},
			{Address: "saas@secret.mssante.fr", Establishment: "secret", Service: "secret-saas", State: ledger.MailboxUsed},
		}, nil
	}); err != nil {
		t.Fatal(err)
	}
	deliver(t, books, "chu-1", "secret-1", "stray-1")
	return books
}

func declareHospital(r *ledger.Register, e, prefix string) {
	place := ledger.Place{Establishment: e, Site: e + "-site", Pole: e + "-pole", Service: e + "-saas"}
	r.Establishments[e] = ledger.Establishment{ID: e, Name: "name of " + e}
	r.Sites[place.Site] = ledger.Site{ID: place.Site, Establishment: e, Name: "site of " + e}
	r.Poles[place.Pole] = ledger.Pole{ID: place.Pole, Establishment: e, Name: "pôle of " + e}
	r.Services[place.Service] = ledger.Service{ID: place.Service, Establishment: e, Pole: place.Pole, Name: "service of " + e}
	number := prefix + "354000"
	r.Lines[number] = []ledger.Declaration{{Line: number, Number: number, Device: e + "-1", Place: place, Cutoff: "2026-09-01", Contact: "contact of " + e}}
	r.Lines[prefix+"354001"] = []ledger.Declaration{{Line: prefix + "354001", Number: prefix + "354001", Place: place, KeptReason: "reason of " + e}}
	r.Devices[e+"-2"] = []ledger.DeclaredDevice{{Device: e + "-2", Place: place, Name: "machine of " + e}}
	key := ledger.TargetKey{Indicator: "active_lines", Establishment: e}
	r.Targets[key] = []ledger.Target{{Indicator: key.Indicator, Establishment: e, From: 202601, Value: 4}}
}

// deliver lets one agent read machines that fax after a cut-off, one of which jumps.
func deliver(t *testing.T, books *ledger.Ledger, devices ...string) {
	t.Helper()
	for seq := uint64(1); seq <= 3; seq++ {
		at := noon.Add(time.Duration(seq)*time.Minute - time.Hour)
		readings := make([]wire.Reading, len(devices))
		for i, d := range devices {
			readings[i] = wire.Reading{
				Device: d, At: at, OK: true, Identity: &wire.Identity{Serial: d + "-serial", Vendor: "kyocera", Model: "model of " + d, Address: "address-" + d},
				Counters: []wire.Counter{{Measure: wire.FaxSentPages, Unit: "pages", Rule: "sent", Value: int64(seq * seq * seq * 100)}},
			}
		}
		if _, err := books.Apply(context.Background(), []ledger.Delivery{{
			Agent: "ps-01", ReceivedAt: at.Std(), Envelope: wire.Envelope{
				Header: wire.Header{Agent: "ps-01", Stream: "s", First: seq, Seq: seq, Oldest: seq, SentAt: at}, CRC: uint32(seq), Readings: readings,
			},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	state := wire.AgentState{Session: "s", Online: true, Silent: []wire.Silent{{Address: "secret-address", Error: "timeout"}}}
	if err := books.AgentState(context.Background(), "ps-01", state, noon.Std()); err != nil {
		t.Fatal(err)
	}
}

// everywhere are requests that reach each page and list, by what its pattern says, for each id.
func everywhere(patterns []string, ids []string) (targets []string) {
	for _, p := range patterns {
		method, path, found := strings.Cut(p, " ")
		if !found {
			path = method
		} else if method != http.MethodGet {
			continue
		}
		path = strings.TrimSuffix(path, "{$}")
		path += map[bool]string{true: "?month=2026-10", false: "?from=2026-09&to=2026-10"}[len(targets)%2 == 0]
		if !strings.Contains(path, "{") {
			targets = append(targets, path)
			continue
		}
		for _, id := range ids {
			targets = append(targets, regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, id))
		}
	}
	return targets
}

// tells tells whether an answer names what is the second hospital's, or nobody's.
func tells(answer string) bool {
	answer = strings.ToLower(answer)
	return strings.Contains(answer, "secret") || strings.Contains(answer, "0291") || strings.Contains(answer, "stray")
}

func TestAReaderOfOneHospitalLearnsNothingOfAnotherAnywhere(t *testing.T) {
	books := twoHospitals(t)
	s, err := newPages(Options{
		Books: books, Language: "fr", Location: time.UTC, Version: "0.1.0", Ready: func() error { return nil },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "secret") }), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	routes := s.routes(func(h http.Handler) http.HandlerFunc { return h.ServeHTTP })
	ask := func(target string, who reader) string {
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, as(httptest.NewRequest(http.MethodGet, target, nil), who))
		return w.Body.String()
	}
	ids := []string{"secret", "secret-saas", "secret-pole", "secret-1", "0291354000", "1", "2", "3", "4"}
	told := 0
	for _, target := range everywhere(routes.patterns, ids) {
		answer := ask(target, reader{Role: ledger.EditorRole, Establishments: []string{"chu"}})
		for _, id := range ids { // what was asked for may be said again
			if strings.Contains(target, id) {
				answer = strings.ReplaceAll(answer, id, "")
			}
		}
		if tells(answer) {
			t.Errorf("GET %s tells a reader of chu: …%s…", target, regexp.MustCompile(`(?i).{0,80}(secret|0291|stray).{0,40}`).FindString(answer))
		}
		if tells(ask(target, reader{Role: ledger.ReaderRole})) {
			told++
		}
	}
	if told < 8 {
		t.Errorf("the test proves nothing: only %d answers tell one who sees all of the other hospital", told)
	}
	for _, target := range []string{"/lines", "/api/v1/lines", "/services", "/machines", "/api/v1/devices", "/api/v1/alerts", "/api/v1/agents"} {
		if got := ask(target, reader{Role: ledger.ReaderRole, Establishments: []string{"chu"}}); !strings.Contains(got, "chu") && !strings.Contains(got, "ps-01") {
			t.Errorf("GET %s doesn't tell a reader of chu of chu", target)
		}
	}
}

func TestWhatIsOfNoHospitalIsForThoseWhoSeeAll(t *testing.T) {
	books := twoHospitals(t)
	all, err := books.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	of := func(who ...string) (lines []string) {
		s, err := scoped(books, reader{Role: ledger.ReaderRole, Establishments: who}).Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range s.Lines {
			lines = append(lines, l.ID)
		}
		return lines
	}
	if got, want := len(of()), len(all.Lines); got != want {
		t.Errorf("who sees all sees %d lines, want %d", got, want)
	}
	if got, want := of("chu", "secret"), []string{"0241354000", "0241354001", "0291354000", "0291354001"}; !slices.Equal(got, want) {
		t.Errorf("who sees both hospitals sees %v, want %v", got, want)
	}
	if s, err := scoped(books, reader{}).Snapshot(t.Context()); err != nil || len(s.Lines)+len(s.Devices)+len(s.Register.Services) != 0 {
		t.Errorf("nobody in particular sees %v %v, want nothing", s, err)
	}
	if got := of("elsewhere"); len(got) != 0 {
		t.Errorf("who sees another hospital sees %v, want nothing", got)
	}
}

// A page that took the books past the reader would show everything to everybody.
func TestNoPageTakesTheBooksPastItsReader(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") && file != "scope.go" && regexp.MustCompile(`\bs\.Books\b`).Match(text) {
			t.Errorf("%s uses s.Books; want s.books(r)", file)
		}
	}
}
