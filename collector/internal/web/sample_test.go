package web

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var noon = wire.TimeOf(time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC))

// books is a ledger that says what a test wants.
type books struct {
	registerBooks // that of tests which change something is a real ledger
	snapshot      ledger.Snapshot
	watch         ledger.Watch
	err           error
	stopped       error // why nothing is booked

	anomalies []ledger.Anomaly
	episodes  []ledger.Episode
	months    []ledger.MonthSum
	weeks     []ledger.WeekSum
	mssante   ledger.MSSante
	story     ledger.Story
	mailboxes []ledger.Mailbox
	waves     []ledger.Wave
	flows     []ledger.FlowSum
	coverage  []ledger.JournalSpan
	partners  []ledger.Correspondent
	mssanteBooks
	journalBooks
	imports []ledger.Import
	planBooks
	plan ledger.Plan
	directoryBooks
}

func (b *books) Imports(context.Context) ([]ledger.Import, error) { return b.imports, b.err }

func (b *books) JournalProfiles(context.Context) ([]ledger.JournalProfile, error) { return nil, b.err }

func (b *books) Rejects(context.Context, int64) ([]ledger.Reject, error) { return nil, b.err }

func (b *books) Register(context.Context) (ledger.Register, error) {
	return b.snapshot.Register, b.err
}

func (b *books) Story(context.Context, string, int) (ledger.Story, error) { return b.story, b.err }

func (b *books) AnomaliesOf(_ context.Context, device string, _ int) ([]ledger.Anomaly, error) {
	return slices.DeleteFunc(slices.Clone(b.anomalies), func(x ledger.Anomaly) bool { return x.Device != device }), b.err
}

func (b *books) MailboxVolumes(context.Context, ledger.Month, ledger.Month) ([]ledger.MailboxVolume, error) {
	return nil, b.err
}

func (b *books) Listing(context.Context) (ledger.Listing, error) { return ledger.Listing{}, b.err }

func (b *books) MSSanteProfiles(context.Context) ([]ledger.MSSanteProfile, error) { return nil, b.err }

func (b *books) Known(context.Context, []int64) (map[int64]ledger.Known, error) { return nil, b.err }

func (b *books) PartiesOf(context.Context, []string) (map[string]int64, error) { return nil, b.err }

func (b *books) PublicFiles(context.Context) ([]ledger.PublicFile, error) {
	return []ledger.PublicFile{{Source: ledger.Mailboxes}}, b.err
}

func (b *books) Waves(context.Context) ([]ledger.Wave, error) { return b.waves, b.err }

func (b *books) Mailboxes(context.Context) ([]ledger.Mailbox, error) { return b.mailboxes, b.err }

func (b *books) Snapshot(context.Context) (ledger.Snapshot, error) { return b.snapshot, b.err }

func (b *books) Agents(context.Context) ([]ledger.Agent, error) { return b.snapshot.Agents, b.err }

func (b *books) Anomalies(context.Context, int) ([]ledger.Anomaly, error) { return b.anomalies, b.err }

func (b *books) Episodes(_ context.Context, f ledger.EpisodeFilter) ([]ledger.Episode, error) {
	return slices.DeleteFunc(slices.Clone(b.episodes), func(e ledger.Episode) bool { return f.Open && e.ClosedAt != 0 }), b.err
}

func (b *books) Months(context.Context, ledger.Month, ledger.Month) ([]ledger.MonthSum, error) {
	return b.months, b.err
}

func (b *books) Period(ctx context.Context, from, to ledger.Month) ([]ledger.MonthSum, error) {
	return b.Months(ctx, from, to)
}

func (b *books) Plan(context.Context) (ledger.Plan, error) { return b.plan, b.err }

func (b *books) ServiceNotes(context.Context) (map[string]ledger.ServiceNote, error) {
	return nil, b.err
}

func (b *books) MSSante(context.Context, ledger.Month, ledger.Month) (ledger.MSSante, error) {
	return b.mssante, b.err
}

func (b *books) Flows(_ context.Context, from, to ledger.Month) ([]ledger.FlowSum, error) {
	return keep(b.flows, func(x *ledger.FlowSum) bool { return from <= x.Month && x.Month <= to }), b.err
}

func (b *books) FlowsOf(ctx context.Context, line string, from, to ledger.Month) ([]ledger.FlowSum, error) {
	all, err := b.Flows(ctx, from, to)
	return keep(all, func(x *ledger.FlowSum) bool { return x.From == line || x.To == line }), err
}

func (b *books) Journals(ctx context.Context, from, to ledger.Month) (ledger.Journals, error) {
	flows, err := b.Flows(ctx, from, to)
	return ledger.Journals{Messages: ledger.ByLine(flows), Coverage: b.coverage}, err
}

func (b *books) Coverage(context.Context) ([]ledger.JournalSpan, error) { return b.coverage, b.err }

func (b *books) Correspondents(_ context.Context, _, _ ledger.Month, _ wire.EventUnit, line string, _ int) ([]ledger.Correspondent, error) {
	if line != "" {
		return nil, b.err
	}
	return b.partners, b.err
}

func (b *books) Weeks(context.Context, ledger.Week, ledger.Week, *time.Location) ([]ledger.WeekSum, error) {
	return b.weeks, b.err
}

func (b *books) Watch(context.Context, int) (ledger.Watch, error) { return b.watch, b.err }

// ward is a fleet with one of each kind of machine and agent.
func ward() *books {
	device := func(id, vendor, model string, totals map[wire.Measure]int64) ledger.Device {
		d := ledger.Device{
			ID: id, Vendor: vendor, Model: model, Address: "10.12.4.20", Agent: "ps-01", FaxCapable: true, Fax: wire.Yes,
			FaxService: wire.ServiceReady, Up: true, FirstSeen: noon.Add(-40 * 24 * time.Hour),
			LastReading: noon.Add(-42 * time.Second), LastLook: noon.Add(-42 * time.Second), Totals: totals,
		}
		for measure, total := range totals {
			unit := "pages"
			if measure == wire.FaxSent || measure == wire.FaxReceived {
				unit = "faxes"
			}
			d.Counters = append(d.Counters, ledger.Counter{Measure: measure, Unit: unit, Rule: "r", Current: true, Total: total})
		}
		return d
	}
	line := func(device string, status wire.LineStatus) ledger.Line {
		return ledger.Line{
			ID: device, Device: device, Status: status, State: ledger.Active, New: true, FirstSeen: noon.Add(-24 * time.Hour),
			Evidence: "evidence of " + string(status), Why: []ledger.Fact{
				{Code: ledger.FactNoFax, At: noon.Add(-24 * time.Hour)},
				{Code: ledger.FactLastReading, At: noon.Add(-2 * time.Minute)},
				{Code: ledger.FactWatched, Days: 29.86, Of: 30},
			}, Totals: map[wire.Measure]int64{wire.FaxSentPages: 1},
		}
	}

	kyocera := device("kyocera-vcf1234567", "kyocera", "TASKalfa 3253ci", map[wire.Measure]int64{wire.FaxSentPages: 12345, wire.FaxReceivedPages: 1})
	kyocera.Name, kyocera.Location = "COP-URG-02", "Urgences, poste de soins"
	xerox := device("xerox-3359876543", "xerox", "Xerox AltaLink C8055", map[wire.Measure]int64{wire.FaxSentPages: 0, wire.FaxPrintedPages: 88, wire.FaxSent: 31, wire.FaxReceived: 40})
	xerox.Anomalies = map[ledger.AnomalyKind]int64{ledger.Reset: 2}
	xerox.Claims = []ledger.Claim{{Agent: "ps-02", Last: noon}}
	xerox.FaxService = wire.ServiceAttention
	for i := range xerox.Counters {
		if xerox.Counters[i].Measure == wire.FaxSentPages {
			xerox.Counters[i].Unit = "images"
		}
	}
	lexmark := device("lexmark-7016abcdef", "lexmark", "MX622ade", map[wire.Measure]int64{wire.FaxPages: 250})
	lexmark.Agent = "ps-dead"
	lexmark.Up, lexmark.Error = false, "no answer within 2s"
	lexmark.FaxService, lexmark.LastReading = wire.ServiceUnavailable, noon.Add(-3*24*time.Hour)
	ricoh := device("ricoh-w123p400500", "ricoh", "IM C3000", map[wire.Measure]int64{})
	ricoh.FaxService = wire.ServiceUnknown
	ricoh.Name = "un-nom-de-machine-donne-par-un-technicien-qui-n-a-mis-aucune-espace-dans-ce-nom-tres-tres-long"
	ricoh.Location = "Bâtiment Françoise Dolto, niveau −1, couloir des archives médicales, près de l’ascenseur monte-charge"
	grandstream := device("grandstream-000b82aabbcc", "grandstream", "HT814", map[wire.Measure]int64{})
	printer := device("hp-cnb1234567", "hp", "HP LaserJet M404", map[wire.Measure]int64{})
	printer.FaxCapable, printer.Fax = false, wire.No

	unproven := device("brother-e71234", "brother", "MFC-L2710DW", map[wire.Measure]int64{wire.FaxPrintedPages: 0})
	unproven.FaxCapable, unproven.Fax = false, wire.Unknown
	undeclared := device("grandstream-000b82000001", "grandstream", "HT802", nil)
	undeclared.FaxCapable, undeclared.Fax = false, wire.Unknown
	undeclared.Ports = []ledger.Port{{Port: "1", Status: wire.LineIdle, Fax: wire.Unknown}, {Port: "2", Status: wire.LineDown, Fax: wire.Unknown}}

	down := line(grandstream.ID, wire.LineDown)
	down.ID, down.Port, down.State = grandstream.ID+":fxs2", "FXS2", ledger.Blind
	down.Why = []ledger.Fact{{Code: ledger.FactNeverRead}}
	busy := line(grandstream.ID, wire.LineBusy)
	busy.ID, busy.Port, busy.Totals = grandstream.ID+":fxs1", "FXS1", nil
	busy.Why = []ledger.Fact{{Code: ledger.FactUncounted}, {Code: ledger.FactBusy, At: noon}}
	quiet := line(ricoh.ID, wire.LineUnknown)
	quiet.State, quiet.New, quiet.LastFax = ledger.Quiet, false, noon.Add(-41*24*time.Hour)
	quiet.Why = []ledger.Fact{{Code: ledger.FactLastFax, At: quiet.LastFax}}

	return &books{
		snapshot: ledger.Snapshot{
			At:      noon,
			Devices: []ledger.Device{unproven, undeclared, grandstream, printer, kyocera, lexmark, ricoh, xerox},
			Lines: []ledger.Line{
				busy, down, line(kyocera.ID, wire.LineIdle), line(lexmark.ID, wire.LineUnknown), quiet, line(xerox.ID, wire.LineUnknown),
			},
			Agents: []ledger.Agent{
				{
					ID: "ps-01", Session: "s", Up: true, Online: true, StartedAt: noon.Add(-time.Hour), LastSeen: noon.Add(-3 * time.Second),
					Version: "0.1.0", OS: "linux/amd64", Targets: 7, Devices: 5, Silent: []wire.Silent{{Address: "10.12.4.99:161", Error: "timeout"}},
				},
				{
					ID: "ps-dead", Session: "s", Online: true, LastSeen: noon.Add(-3 * 24 * time.Hour), Version: "0.1.0", OS: "windows/amd64",
					Targets: 1, Devices: 1, Dropped: 1234, ClockWrong: true, ClockFixed: true, ClockMS: -7_200_000,
					Spool: wire.SpoolState{Envelopes: 412, Oldest: noon.Add(-3 * 24 * time.Hour), Error: "no space left on device"},
				},
				{ID: "ps-off", Session: "s", LastSeen: noon.Add(-time.Hour), Version: "0.1.0", OS: "linux/arm64"},
				{ID: "ps-wordless", Up: true, LastSeen: noon.Add(-time.Second), Devices: 1}, // readings came, but no state yet
			},
			Envelopes: map[ledger.Verdict]int64{},
		},
		watch: ledger.Watch{
			OpenCount: 12, Open: []ledger.Anomaly{
				{ID: 2, Kind: ledger.Jump, Device: xerox.ID, Measure: wire.FaxSentPages, Unit: "images", Before: 10, After: 90010, Amount: 90000, OpenedAt: noon.Add(-time.Hour)},
			},
			Refused:     1,
			Quarantined: []ledger.Quarantine{{ID: 1, Agent: "ps-02", Stream: "s", Seq: 7, Index: 3, Reason: `device "": want [a-z0-9-]{1,128}`, ReceivedAt: noon.Add(-time.Minute)}},
		},
	}
}

func newSite(t *testing.T, b *books) http.Handler {
	t.Helper()
	return siteReady(t, b, func() error { return cmp.Or(b.err, b.stopped) })
}

// siteOf is a site over any books.
func siteOf(t *testing.T, b Books) http.Handler {
	t.Helper()
	return siteReady(t, b, func() error { return nil })
}

func siteReady(t *testing.T, b Books, ready func() error) http.Handler {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	handler, err := New(Options{
		Books: b, Language: "fr", Location: paris, MQTT: "mqtt://127.0.0.1:1883", Version: "0.1.0",
		Ready:   ready,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("metrics")) }),
		Label:   func(l *ledger.Line) string { return "label-of-" + l.Number },
		Log:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// ask sends a request; headers are pairs of name and value.
func ask(handler http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

var errBooks = errors.New("disk on fire")

func (b *books) AfterDates(context.Context, ledger.Month) ([]ledger.AfterSum, error) {
	return nil, b.err
}

func (b *books) Closed(context.Context, ledger.Month, ledger.Month, string) ([]ledger.Closing, error) {
	return nil, b.err
}

func (b *books) Acquainted(context.Context, ledger.Month, ledger.Month, wire.EventUnit) (map[string][]int64, error) {
	return map[string][]int64{}, b.err
}
