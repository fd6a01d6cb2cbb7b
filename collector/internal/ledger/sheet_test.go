package ledger_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var errTooLate = errors.New("somebody else was first")

// twoServices is a ledger whose clock stands at *now.
func twoServices(t *testing.T, now *time.Time) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := l.Declare(t.Context(), ledger.Author{Who: "anne"}, func(r ledger.Register) (ledger.Register, error) {
		r.Establishments["chu"] = ledger.Establishment{ID: "chu", Name: "CHU"}
		for _, id := range []string{"onco", "saas"} {
			r.Services[id] = ledger.Service{ID: id, Establishment: "chu", Name: id}
		}
		return r, nil
	}); err != nil {
		t.Fatal(err)
	}
	return l
}

// audited are the newest entries of the audit log, oldest first.
func audited(t *testing.T, l *ledger.Ledger, subject string) string {
	t.Helper()
	log, err := l.Audit(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, x := range log {
		if strings.HasPrefix(x.Subject, subject) {
			words = append([]string{fmt.Sprintf("%s %s: %s→%s", x.Who, x.Field, x.Before, x.After)}, words...)
		}
	}
	return strings.Join(words, "; ")
}

func TestASheetKeepsWhatWasSaidOnEachDay(t *testing.T) {
	now := time.Date(2026, 9, 30, 9, 0, 0, 0, time.UTC)
	l := twoServices(t, &now)
	say := func(who string, day ledger.Day, weather ledger.Weather, text string) {
		t.Helper()
		if err := l.DeclareSheet(t.Context(), ledger.Author{Who: who}, "saas", day, func(_ ledger.Register, s ledger.Sheet) (ledger.Sheet, error) {
			s.Weather, s.Highlights = weather, text
			s.Points = []ledger.WatchPoint{{Text: "partners without MSSanté", Risk: ledger.MinorRisk}, {Text: "no phone", Risk: ledger.MajorRisk, Mitigation: "a phone"}}
			return s, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	say("anne", "2026-09-30", ledger.Stormy, "first")
	say("anne", "2026-10-14", ledger.Cloudy, "second")
	now = now.Add(time.Hour)
	say("bruno", "2026-10-14", ledger.Sunny, "second, corrected")

	history, err := l.SheetHistory(t.Context(), "saas")
	if err != nil || len(history) != 2 {
		t.Fatalf("got %+v, %v, want a version for each of two days", history, err)
	}
	if s := history[0]; s.Day != "2026-10-14" || s.Highlights != "second, corrected" || s.SavedBy != "bruno" || s.SavedAt != wire.TimeOf(now) || s.Risk() != ledger.MajorRisk || len(s.Points) != 2 {
		t.Errorf("got %+v, want what Bruno said of 14 October, with its two points", s)
	}
	for at, want := range map[ledger.Day]string{"": "second, corrected", "2026-10-13": "first", "2026-09-30": "first", "2026-09-29": ""} {
		sheets, err := l.Sheets(t.Context(), at)
		got := ""
		for _, s := range sheets {
			got += s.Highlights
		}
		if err != nil || got != want {
			t.Errorf("as of %q: got %q, %v, want %q", at, got, err, want)
		}
	}
	if got, want := audited(t, l, "sheets saas 2026-10-14"), "anne weather: stormy→cloudy; anne highlights: first→second; "+
		"bruno weather: cloudy→sunny; bruno highlights: second→second, corrected"; got != want {
		t.Errorf("audit log: got %s, want %s", got, want)
	}
}

func TestASheetThatIsRefusedChangesNothing(t *testing.T) {
	now := time.Date(2026, 9, 30, 9, 0, 0, 0, time.UTC)
	l := twoServices(t, &now)
	for name, c := range map[string]struct {
		service string
		day     ledger.Day
		change  func(ledger.Register, ledger.Sheet) (ledger.Sheet, error)
		want    error
	}{
		"somebody else was first": {"saas", "2026-09-30", func(_ ledger.Register, s ledger.Sheet) (ledger.Sheet, error) { return s, errTooLate }, errTooLate},
		"an unknown service":      {"none", "2026-09-30", func(_ ledger.Register, s ledger.Sheet) (ledger.Sheet, error) { return s, nil }, ledger.ErrNoService},
		"no day":                  {"saas", "30/09/2026", func(_ ledger.Register, s ledger.Sheet) (ledger.Sheet, error) { return s, nil }, nil},
		"an unknown weather": {"saas", "2026-09-30", func(_ ledger.Register, s ledger.Sheet) (ledger.Sheet, error) {
			s.Weather = "fog"
			return s, nil
		}, nil},
	} {
		err := l.DeclareSheet(t.Context(), ledger.Author{Who: "anne"}, c.service, c.day, c.change)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if sheets, err := l.Sheets(t.Context(), ""); err != nil || len(sheets) != 0 || audited(t, l, "sheets") != "" {
		t.Errorf("got %+v, %v, want none", sheets, err)
	}
}

func TestTheChecklistSaysWhoTickedWhatAndWhen(t *testing.T) {
	now := time.Date(2026, 9, 30, 9, 0, 0, 0, time.UTC)
	l := twoServices(t, &now)
	tick := func(who string, ticks ...ledger.Tick) error {
		return l.DeclareTicks(t.Context(), ledger.Author{Who: who}, "saas", func(ledger.Register, []ledger.Tick) ([]ledger.Tick, error) { return ticks, nil })
	}
	access := ledger.Tick{Item: ledger.AccessWorks, Done: true}
	if err := tick("anne", access, ledger.Tick{Item: ledger.LettersChanged, Note: "half of them"}); err != nil {
		t.Fatal(err)
	}
	first := now
	now = now.Add(24 * time.Hour)
	exception := ledger.Tick{Item: ledger.NoFaxReceived, Done: true}
	if err := tick("bruno", access, exception); err == nil || !strings.Contains(err.Error(), "needs a note") {
		t.Errorf("an exception without a reason: got %v, want that it needs a note", err)
	}
	exception.Note = "the machine is scrapped"
	if err := tick("bruno", access, exception); err != nil {
		t.Fatal(err)
	}
	ticks, err := l.Ticks(t.Context())
	if err != nil || len(ticks) != 2 {
		t.Fatalf("got %+v, %v, want two", ticks, err)
	}
	if x := ticks[0]; x.Item != ledger.AccessWorks || !x.Done || x.Who != "anne" || x.At != wire.TimeOf(first) {
		t.Errorf("got %+v, want Anne's tick of the day before, which Bruno left alone", x)
	}
	if x := ticks[1]; x.Item != ledger.NoFaxReceived || !x.Done || x.Who != "bruno" || x.Note != "the machine is scrapped" {
		t.Errorf("got %+v, want Bruno's exception", x)
	}
	if got, want := audited(t, l, "checklist saas letters"), "anne note: →half of them; bruno note: half of them→"; got != want {
		t.Errorf("audit log: got %s, want %s", got, want)
	}
}

func TestFollowupsAreNotedChangedAndRemoved(t *testing.T) {
	now := time.Date(2026, 9, 30, 9, 0, 0, 0, time.UTC)
	l := twoServices(t, &now)
	declare := func(change func([]ledger.Followup) []ledger.Followup) {
		t.Helper()
		if err := l.DeclareFollowups(t.Context(), ledger.Author{Who: "anne"}, func(_ ledger.Register, all []ledger.Followup) ([]ledger.Followup, error) {
			return change(all), nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	none := int64(0)
	declare(func(all []ledger.Followup) []ledger.Followup {
		return append(all,
			ledger.Followup{Kind: ledger.Training, Establishment: "chu", Services: []string{"onco", "saas"}, Subject: "what", Day: "2026-09-29", Attendance: &none},
			ledger.Followup{Kind: ledger.Partner, Establishment: "chu", Who: "Laboratoire du Lac", Contact: "02 41 00 12 34", Equipped: wire.No})
	})
	all, err := l.Followups(t.Context())
	if err != nil || len(all) != 2 || all[0].ID == 0 || all[0].ID == all[1].ID {
		t.Fatalf("got %+v, %v, want two with numbers of their own", all, err)
	}
	training, partner := all[0], all[1]
	if !training.Concerns("chu", "onco") || training.Concerns("chu", "geri") || !partner.Concerns("chu", "geri") || partner.Concerns("chl", "x") {
		t.Error("a training of two services concerns these, a partner of an establishment all of it")
	}
	if training.Attendance == nil || *training.Attendance != 0 || partner.Attendance != nil {
		t.Errorf("got attendance %v and %v, want 0, and unknown", training.Attendance, partner.Attendance)
	}
	declare(func(all []ledger.Followup) []ledger.Followup {
		all[1].Contact = "02 41 00 99 34"
		return all[1:]
	})
	declare(func(all []ledger.Followup) []ledger.Followup {
		return append(all, ledger.Followup{Kind: ledger.Visit, Subject: "visit"})
	})
	all, err = l.Followups(t.Context())
	if err != nil || len(all) != 2 || all[0].Contact != "02 41 00 99 34" || all[1].ID <= max(training.ID, partner.ID) {
		t.Errorf("got %+v, %v, want the partner's new number, and a visit with a number that nothing had before", all, err)
	}
	if got := audited(t, l, "followups"); strings.Contains(got, "00 12") || !strings.Contains(got, "anne contact: →•• •• •• •• 34; ") || !strings.Contains(got, "kind: training→") {
		t.Errorf("audit log: got %s, want the training's removal, the changed number, and no number that can be read", got)
	}
}
