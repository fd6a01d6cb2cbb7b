package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/alert"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
	"github.com/zerofax/zerofax/deploy/year"
)

// yearRun plays a scripted year on the parts of a collector, in this process.
type yearRun struct {
	*testing.T
	dir    string
	now    time.Time
	books  *ledger.Ledger
	alerts *alert.Alerts // whose messages stay in the outbox
	office year.Office
	truth  *year.Truth
	spools map[string]*year.Spool
	heard  map[string]time.Time // of each agent, when last

	disorder *rand.Rand
}

func newYearRun(t *testing.T, s *year.Script, disorder uint64) *yearRun {
	r := &yearRun{
		T: t, dir: t.TempDir(), now: s.From, office: s.Office, truth: year.NewTruth(s.Hospital, s.Office), spools: map[string]*year.Spool{},
		heard: map[string]time.Time{}, disorder: rand.New(rand.NewPCG(disorder, 1)),
	}
	r.open()
	t.Cleanup(func() { r.books.Close() })
	for _, a := range s.Agents {
		r.spools[a.ID] = year.NewSpool(a.ID, s.From)
	}
	return r
}

func (r *yearRun) open() {
	var err error
	r.books, err = ledger.Open(r.Context(), filepath.Join(r.dir, "ledger.db"), ledger.Options{Now: func() time.Time { return r.now }})
	if err != nil {
		r.Fatal(err)
	}
	quiet, err := alert.ParseHours(fmt.Sprintf("%02d:00-%02d:00", r.office.QuietFrom, r.office.QuietTo))
	if err != nil {
		r.Fatal(err)
	}
	r.alerts = alert.New(alert.Options{
		Books: r.books, Outbox: r.books, Email: &alert.Email{}, Webhook: &alert.Webhook{}, Everyone: r.office.Everyone,
		Recipients: r.office.Recipients, Quiet: quiet, Language: "fr", Location: r.office.Zone,
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return r.now },
	})
}

// step lets the collector live through a step.
func (r *yearRun) step(s *year.Step) {
	r.now = s.At
	if s.Killed == year.KilledFirst {
		r.restart()
	}
	for _, i := range s.Imports {
		r.declare(i)
	}
	if len(s.Copper) > 0 {
		r.copper(s.Copper)
	}
	for _, w := range s.Windows {
		if err := r.books.TestWindow(r.Context(), somebody, w.Line.Number, wire.TimeOf(w.From), wire.TimeOf(w.To), w.Reason); err != nil {
			r.Fatal(err)
		}
	}
	for _, b := range s.Wrote {
		if err := r.spools[b.Agent].Write(b); err != nil {
			r.Fatalf("%s: %v", s.At, err)
		}
	}
	for agent, n := range s.GaveUp {
		r.spools[agent].GiveUp(n)
	}
	for _, agent := range s.Linked {
		spool := r.spools[agent]
		if s.GaveUp[agent] > 0 || spool.Held() == 0 && s.At.Sub(r.heard[agent]) > 10*time.Minute {
			r.lives(spool)
			r.heard[agent] = s.At
		}
		if spool.Held() > 0 {
			r.send(spool)
			r.heard[agent] = s.At
		}
	}
	for _, j := range s.Judged {
		r.judge(j)
	}
	for line, reason := range s.Closed {
		r.close(line, reason)
	}
	r.rounds()
	if s.Killed != year.NotKilled && s.Killed != year.KilledFirst {
		r.restart()
		r.rounds()
	}
	r.truth.Step(s)
}

// rounds lets every loop make a round.
func (r *yearRun) rounds() {
	if err := errors.Join(r.books.Watchdog(r.Context(), true), r.alerts.Plan(r.Context())); err != nil {
		r.Fatal(err)
	}
}

// restart is what a killed collector does next.
func (r *yearRun) restart() {
	if err := r.books.Close(); err != nil {
		r.Fatal(err)
	}
	r.open()
}

var somebody = ledger.Author{Who: "anne", Source: "test"}

// declare imports a file of lines, as `import lines` does.
func (r *yearRun) declare(i year.Import) {
	path := filepath.Join(r.dir, "lines.csv")
	if err := os.WriteFile(path, i.CSV(), 0o600); err != nil {
		r.Fatal(err)
	}
	table, err := register.Read(path, "", register.Lines)
	if err != nil {
		r.Fatal(err)
	}
	since, err := register.ReadSince(i.Since, r.now, r.office.Zone)
	if err != nil {
		r.Fatal(err)
	}
	devices, err := r.books.Devices(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	err = r.books.Declare(r.Context(), somebody, func(before ledger.Register) (ledger.Register, error) {
		plan, err := register.PlanLines(before, table, register.Options{Now: r.now, Zone: r.office.Zone, Since: since, Devices: devices})
		return plan.Register, err
	})
	if err != nil {
		r.Fatal(err)
	}
}

// copper declares the days on which copper closes.
func (r *yearRun) copper(days map[string]string) {
	var communes []ledger.Copper
	for commune, day := range days {
		communes = append(communes, ledger.Copper{Commune: commune, Technical: ledger.Day(day)})
	}
	file := ledger.CopperFile{Name: "copper.csv", Day: ledger.Day(r.now.Format(time.DateOnly))}
	if _, err := r.books.DeclareCopper(r.Context(), somebody, file, communes); err != nil {
		r.Fatal(err)
	}
}

// judge accepts or rejects all that a device's counters hold back.
func (r *yearRun) judge(j year.Judgement) {
	open, err := r.books.Watch(r.Context(), 1000)
	if err != nil {
		r.Fatal(err)
	}
	for _, x := range open.Open {
		if x.Kind != ledger.Jump || x.Device != j.Device {
			continue
		}
		if j.Accept {
			_, _, err = r.books.Accept(r.Context(), somebody, x.ID, "vu sur place")
		} else {
			_, err = r.books.Reject(r.Context(), somebody, x.ID, "carte changée")
		}
		if err != nil {
			r.Fatal(err)
		}
	}
}

// close closes the open episode after a line's cut-off.
func (r *yearRun) close(line, reason string) {
	open, err := r.books.Episodes(r.Context(), ledger.EpisodeFilter{Open: true})
	if err != nil {
		r.Fatal(err)
	}
	for _, e := range open {
		if e.Kind == ledger.AfterCutoff && e.Line == line {
			if err := r.books.CloseEpisode(r.Context(), somebody, e.ID, reason); err != nil {
				r.Fatal(err)
			}
		}
	}
}

// lives lets an agent say that it lives.
func (r *yearRun) lives(s *year.Spool) {
	if err := r.books.AgentState(r.Context(), s.Agent, s.State(r.now), r.now); err != nil {
		r.Fatal(err)
	}
}

// send delivers what a spool holds, as agents may: in whatever order, some of it twice, some acks
// lost, some of it folded, until it is all acknowledged.
func (r *yearRun) send(s *year.Spool) {
	for range 100 {
		if s.Held() == 0 {
			return
		}
		var order []int
		for i := range s.Held() {
			if r.disorder.IntN(4) == 0 {
				s.Fold(i)
			}
		}
		for i := range s.Held() {
			order = append(order, i)
			if r.disorder.IntN(4) == 0 {
				order = append(order, r.disorder.IntN(s.Held()))
			}
		}
		if r.disorder.IntN(3) == 0 {
			r.disorder.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		var deliveries []ledger.Delivery
		for _, i := range order {
			payload := s.Envelope(i, r.now)
			env, err := wire.DecodeEnvelope(payload)
			deliveries = append(deliveries, ledger.Delivery{Agent: s.Agent, Envelope: env, Err: err, Payload: payload, ReceivedAt: r.now})
		}
		results, err := r.books.Apply(r.Context(), deliveries)
		if err != nil {
			r.Fatal(err)
		}
		for _, result := range results {
			if result.Send && r.disorder.IntN(5) > 0 {
				s.Ack(result.Message())
			}
		}
	}
	r.Fatalf("%s: %d batches of %s are never acknowledged", r.now, s.Held(), s.Agent)
}

func TestAScriptedYearEqualsItsOwnTruth(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	seeds, size, days := uint64(3), 60, 365
	switch {
	case raced: // SQLite takes ten times as long
		seeds, size, days = 1, 40, 160
	case testing.Short():
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			s := year.Write(year.Plan{
				Seed: seed, Size: size, Every: 24 * time.Hour, From: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Days: days,
				Office: year.Office{
					Everyone: []string{"qualite@chu.test"}, Zone: paris, QuietFrom: 20, QuietTo: 7,
					Recipients: map[string][]string{"service-101": {"urgences@chu.test", "qualite@chu.test"}},
				},
			})
			r := newYearRun(t, s, seed)
			for i, step := range s.Steps {
				if r.step(step); i%400 == 0 {
					r.wantAll()
				}
			}
			r.wantAll()
		})
	}
}

// wantAll compares all that there is.
func (r *yearRun) wantAll() {
	r.Helper()
	ctx := r.Context()
	books, err := r.books.Snapshot(ctx)
	if err != nil {
		r.Fatal(err)
	}
	episodes, err := r.books.Episodes(ctx, ledger.EpisodeFilter{})
	if err != nil {
		r.Fatal(err)
	}
	sums := map[year.Account]int64{}
	for _, s := range books.Sums {
		sums[accountOf(s.Account, s.Measure, s.Unit)] += s.Count
	}
	r.same("sums", year.SaySums(sums), r.truth.SaySums())
	months, err := r.books.Months(ctx, 0, 999999)
	if err != nil {
		r.Fatal(err)
	}
	monthly := map[year.Monthly]int64{}
	for _, m := range months {
		if m.Line != m.Device {
			monthly[year.Monthly{Account: accountOf(m.Account, m.Measure, m.Unit), Month: int(m.Month)}] += m.Count
		}
	}
	r.same("months", year.SaySums(monthly), year.SaySums(r.truth.Months()))
	var saidEpisodes, saidEvents []string
	named := map[int64]string{}
	for i := range episodes {
		e := &episodes[i]
		x := year.Episode{
			Kind: string(e.Kind), Line: e.Line, Agent: e.Agent, Machine: e.Device, Opened: e.OpenedAt.Std(), Closed: e.ClosedAt.Std(), Why: e.Reason,
		}
		for j := range e.Events {
			event := eventOf(x.Kind, &e.Events[j])
			x.Events = append(x.Events, event)
			saidEvents = append(saidEvents, event.Say())
		}
		named[e.ID] = x.Name()
		saidEpisodes = append(saidEpisodes, x.Say())
	}
	r.same("episodes", saidEpisodes, r.truth.SayEpisodes())
	r.same("events", saidEvents, r.truth.SayEvents())
	mails, hooks := r.said(named)
	r.same("mails", mails, r.truth.SayMails())
	r.same("messages to programs", hooks, r.truth.SayHooks())
	pages, faxes := r.truth.After()
	after := map[string]int64{}
	for i := range books.Lines {
		l := &books.Lines[i]
		after[l.ID+" pages"], after[l.ID+" faxes"] = l.AfterCutoff.Pages, l.AfterCutoff.Faxes
	}
	want := map[string]int64{}
	for line, count := range pages {
		want[line+" pages"] = count
	}
	for line, count := range faxes {
		want[line+" faxes"] = count
	}
	r.same("totals after the cut-off", year.SaySums(after), year.SaySums(want))
}

// said are the messages in the outbox; named are the episodes by number.
func (r *yearRun) said(named map[int64]string) (mails, hooks []string) {
	messages, err := r.books.Messages(r.Context(), false, 100_000)
	if err != nil {
		r.Fatal(err)
	}
	for _, m := range messages {
		if m.Channel == "webhook" {
			id, rest, _ := strings.Cut(m.Name, "/")
			status, _, _ := strings.Cut(rest, "/")
			number, _ := strconv.ParseInt(id, 10, 64)
			hooks = append(hooks, year.SayHook(m.CreatedAt.Std(), status, named[number]))
			continue
		}
		var letter struct {
			Subject  string
			Sections []struct{ Facts [][2]string }
		}
		if err := json.Unmarshal([]byte(m.Payload), &letter); err != nil {
			r.Fatal(err)
		}
		var about []string
		for _, section := range letter.Sections {
			for _, fact := range section.Facts {
				if strings.HasPrefix(fact[0], "Alerte") {
					number, _ := strconv.ParseInt(fact[1], 10, 64)
					about = append(about, named[number])
				}
			}
		}
		mails = append(mails, year.SayMail(m.CreatedAt.Std(), letter.Subject, m.Recipient, about))
	}
	return mails, hooks
}

func accountOf(a ledger.Account, m wire.Measure, unit string) year.Account {
	return year.Account{
		Establishment: a.Establishment, Site: a.Site, Pole: a.Pole, Service: a.Service,
		Machine: a.Device, Line: a.Line, Evidence: a.Evidence, Measure: m, Unit: unit,
	}
}

func eventOf(kind string, e *ledger.Event) *year.Event {
	return &year.Event{
		Activity: &year.Activity{
			Machine: &year.Machine{ID: e.Device}, Measure: e.Measure, Unit: e.Unit, From: e.From.Std(), To: e.To.Std(), Count: e.Count,
		},
		Kind: kind, Line: e.Line, Certainty: string(e.Certainty), Noticed: e.NoticedAt.Std(),
	}
}

func (r *yearRun) same(what string, got, want []string) {
	r.Helper()
	if d := year.Difference(got, want); d != "" {
		r.Errorf("%s: + is said, - is true\n%s", what, d)
	}
}
