package alert

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var update = flag.Bool("update", false, "write the golden files; read the difference")

func stamp(zone *time.Location, day, hour, minute int) wire.Time {
	return wire.TimeOf(time.Date(2026, 11, day, hour, minute, 0, 0, zone))
}

var reunion = time.FixedZone("+04", 4*3600)

// hospital is what the books know where the sample news happens.
func hospital() ledger.Snapshot {
	return ledger.Snapshot{
		At: stamp(paris, 23, 10, 8),
		Devices: []ledger.Device{
			{
				ID: "kyocera-vcf1234567", Vendor: "kyocera", Model: "TASKalfa 3253ci", Serial: "VCF1234567", Location: "Bat. B",
				Counters: []ledger.Counter{{Measure: wire.FaxSentPages, Unit: "pages", Rule: "kyocera-originals", Current: true}},
			},
			{ID: "xerox-3320911", Vendor: "xerox", Model: "Xerox VersaLink C405", Serial: "3320911", Location: "Accueil"},
		},
		Lines: []ledger.Line{
			{
				ID: "0241354000", Number: "0241354000", Extension: "4512", Device: "kyocera-vcf1234567", Establishment: "ch", Site: "nord", Pole: "cancer",
				Service: "oncologie", Cutoff: "2026-11-01", CutOn: "2026-11-04", Zone: paris,
			},
			{ID: "sud:4513", Extension: "4513", Device: "xerox-3320911", Establishment: "ch", Site: "sud", Cutoff: "2026-11-01", Zone: paris},
			{
				ID: "0262905000", Number: "0262905000", Device: "xerox-3320911", Establishment: "ch", Site: "reunion", Service: "urgences",
				Cutoff: "2026-11-20", Zone: reunion,
			},
		},
		Register: ledger.Register{
			Establishments: map[string]ledger.Establishment{"ch": {ID: "ch", Name: "CH de l’Exemple"}},
			Sites: map[string]ledger.Site{
				"nord": {ID: "nord", Name: "Hôpital Nord"}, "sud": {ID: "sud", Name: "Hôpital Sud"}, "reunion": {ID: "reunion", Name: "Saint-Denis"},
			},
			Poles:    map[string]ledger.Pole{"cancer": {ID: "cancer", Name: "Cancérologie"}},
			Services: map[string]ledger.Service{"oncologie": {ID: "oncologie", Name: "Oncologie", Pole: "cancer"}, "urgences": {ID: "urgences", Name: "Urgences"}},
			Devices: map[string][]ledger.DeclaredDevice{
				"vcf1234567": {{Device: "VCF1234567", Name: "secrétariat", Location: "bâtiment B, 2e étage"}},
			},
		},
	}
}

func event(id int64, measure wire.Measure, count int64, from, to wire.Time, certainty ledger.Certainty) ledger.Event {
	return ledger.Event{
		ID: id, Line: "0241354000", Device: "kyocera-vcf1234567", Measure: measure, Unit: "pages", From: from, To: to, NoticedAt: to + 2000,
		Count: count, Certainty: certainty,
	}
}

func afterCutoff(certainty ledger.Certainty, events ...ledger.Event) *ledger.Episode {
	e := &ledger.Episode{
		ID: 1204, Kind: ledger.AfterCutoff, Line: "0241354000", Number: "0241354000", Device: "kyocera-vcf1234567", Service: "oncologie",
		OpenedAt: stamp(paris, 23, 10, 7), Unit: "pages", Direction: ledger.Received, Certainty: certainty, Events: events, Zone: paris,
	}
	for _, x := range events {
		e.Count += x.Count
	}
	return e
}

func told(e *ledger.Episode, what what) news { return news{Episode: e, What: what, Events: e.Events} }

func about(kind ledger.EpisodeKind, id int64, change func(e *ledger.Episode)) *ledger.Episode {
	e := &ledger.Episode{ID: id, Kind: kind, OpenedAt: stamp(paris, 23, 9, 30)}
	change(e)
	return e
}

func line4000(e *ledger.Episode) {
	e.Line, e.Number, e.Device, e.Service = "0241354000", "0241354000", "kyocera-vcf1234567", "oncologie"
}

// samples are one mail of each kind.
func samples() map[string]mail {
	certain := afterCutoff(ledger.Certain, event(1, wire.FaxPrintedPages, 3, stamp(paris, 23, 10, 2), stamp(paris, 23, 10, 7), ledger.Certain))
	sent := afterCutoff(ledger.Certain, event(1, wire.FaxSentPages, 1, stamp(paris, 23, 10, 2), stamp(paris, 23, 10, 7), ledger.Certain))
	probable := afterCutoff(ledger.Probable, event(1, wire.FaxPrintedPages, 1, stamp(paris, 22, 23, 58), stamp(paris, 23, 0, 3), ledger.Probable))
	unsure := afterCutoff(ledger.Unsure, event(1, wire.FaxReceivedPages, 1234, stamp(paris, 20, 18, 0), stamp(paris, 23, 7, 30), ledger.Unsure),
		event(2, wire.FaxReceivedPages, 0, stamp(paris, 23, 7, 30), stamp(paris, 23, 7, 35), ledger.Unsure))
	unsure.Events[0].Doubt, unsure.Events[1].Doubt = ledger.Straddles, ledger.BeganAnew
	away := afterCutoff(ledger.Certain, event(1, wire.FaxReceivedPages, 2, stamp(reunion, 23, 13, 2), stamp(reunion, 23, 13, 7), ledger.Certain))
	away.Line, away.Number, away.Device, away.Service, away.Zone = "0262905000", "0262905000", "xerox-3320911", "urgences", reunion
	closedByPerson := afterCutoff(ledger.Certain)
	closedByPerson.Count, closedByPerson.ClosedAt, closedByPerson.ClosedBy, closedByPerson.Reason = 1, stamp(paris, 23, 11, 0), "m.durand", "essai du technicien"
	closedQuiet := afterCutoff(ledger.Certain)
	closedQuiet.Count, closedQuiet.ClosedAt, closedQuiet.Reason = 4, stamp(paris, 23, 11, 0), "quiet"
	silent := func(id int64, agent string) news {
		return told(about(ledger.AgentSilent, id, func(e *ledger.Episode) { e.Agent = agent }), beginning)
	}
	over := about(ledger.AgentSilent, 7, func(e *ledger.Episode) { e.Agent, e.ClosedAt, e.Reason = "ps-07", stamp(paris, 23, 9, 50), "over" })
	fault := func(kind ledger.EpisodeKind, change func(e *ledger.Episode)) mail {
		return mail{Kind: faultMail, News: []news{told(about(kind, 31, change), beginning)}}
	}
	var many []news
	for i := range int64(50) {
		many = append(many, silent(100+i, fmt.Sprintf("ps-%02d", i)))
	}
	return map[string]mail{
		"fax-certain":   {Kind: faxMail, News: []news{told(certain, beginning)}},
		"fax-sent":      {Kind: faxMail, News: []news{told(sent, beginning)}},
		"fax-probable":  {Kind: faxMail, News: []news{told(probable, beginning)}},
		"fax-two-lines": {Kind: faxMail, News: []news{told(certain, beginning), told(away, beginning)}},
		"agent-silent":  {Kind: faultMail, News: []news{silent(31, "ps-01")}},
		"agents-silent": {Kind: faultMail, News: many},
		"blind":         fault(ledger.BlindLine, func(e *ledger.Episode) { e.Line, e.Device = "sud:4513", "xerox-3320911" }),
		"line-reappeared": fault(ledger.LineReappeared, func(e *ledger.Episode) {
			line4000(e)
			e.Evidence = []ledger.Evidence{
				{Kind: ledger.EvidenceCut, Day: "2026-11-04"},
				{Kind: ledger.EvidencePort, Subject: "audiocodes-77", Port: "3", Status: wire.LineIdle, From: stamp(paris, 23, 9, 29)},
			}
		}),
		"device-changed": fault(ledger.DeviceReplaced, func(e *ledger.Episode) { e.Device, e.Agent = "xerox-3320911", "ps-01" }),
		"spool-dropping": fault(ledger.SpoolDropping, func(e *ledger.Episode) {
			e.Agent, e.Count, e.Unit = "ps-01", 120, "readings"
			e.Evidence = []ledger.Evidence{{Kind: ledger.EvidenceDropped, Subject: "ps-01", Count: 120}}
		}),
		"clock": fault(ledger.ClockOff, func(e *ledger.Episode) { e.Agent = "ps-01" }),
		"hole":  fault(ledger.Hole, func(e *ledger.Episode) { e.Agent = "ps-01" }),
		"mixed": {Kind: faultMail, News: []news{silent(31, "ps-01"), told(about(ledger.LineReappeared, 32, line4000), beginning)}},
		"digest": {Kind: digestMail, News: []news{
			told(unsure, beginning), told(certain, more), told(closedByPerson, ending), told(closedQuiet, ending),
			told(about(ledger.AfterCopper, 33, line4000), beginning), told(over, passing),
			told(about(ledger.AnomalyToJudge, 34, func(e *ledger.Episode) { e.Device, e.Agent = "xerox-3320911", "ps-01" }), beginning),
		}},
	}
}

func TestMailsReadAsPeopleAgreedThatTheyShould(t *testing.T) {
	books := hospital()
	for _, language := range []string{"fr", "en"} {
		w := newWriter(&books, language, paris, "https://zerofax.ch-exemple.fr/")
		for name, m := range samples() {
			l := w.letter(&m)
			golden(t, filepath.Join(language, name+".txt"), "Subject: "+l.Subject+"\n\n"+l.text())
		}
		l := w.test()
		golden(t, filepath.Join(language, "test.txt"), "Subject: "+l.Subject+"\n\n"+l.text())
		fax := samples()["fax-certain"]
		l = w.letter(&fax)
		html, err := l.html()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join(language, "fax-certain.html"), html)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func TestEveryTextIsSaidInBothLanguages(t *testing.T) {
	for key, both := range texts {
		if both[0] == "" || both[1] == "" || strings.Count(both[0], "%") != strings.Count(both[1], "%") {
			t.Errorf("%s: got %q", key, both)
		}
	}
	for _, kind := range ledger.EpisodeKinds() {
		for _, key := range []string{"title.", "lead.", "advice."} {
			if _, ok := texts[key+string(kind)]; !ok {
				t.Errorf("no text %s%s", key, kind)
			}
		}
		if alertNames[kind] == "" {
			t.Errorf("%s: no alert name", kind)
		}
	}
	for _, certainty := range []ledger.Certainty{ledger.Certain, ledger.Probable, ledger.Unsure, ledger.Test, ledger.Withdrawn} {
		if _, ok := texts[string(certainty)]; !ok {
			t.Errorf("no text %s", certainty)
		}
	}
	for _, measure := range wire.Measures() {
		if _, ok := texts["measure."+string(measure)]; !ok {
			t.Errorf("no text measure.%s", measure)
		}
	}
}

func TestNoNameBreaksALineOrAHeader(t *testing.T) {
	books := hospital()
	service := books.Register.Services["oncologie"]
	service.Name = "Onco\r\nBcc: x@evil.example\u2028\u202elogie\x00"
	books.Register.Services["oncologie"] = service
	w := newWriter(&books, "fr", paris, "")
	m := samples()["fax-certain"]
	l := w.letter(&m)
	if strings.ContainsAny(l.Subject, "\r\n\x00\u2028\u202e") {
		t.Errorf("subject: got %q", l.Subject)
	}
	for _, f := range l.Sections[0].Facts {
		if strings.ContainsAny(f[1], "\r\n\x00\u2028\u202e") {
			t.Errorf("%s: got %q", f[0], f[1])
		}
	}
}

func TestOneMoreIsNotSeveral(t *testing.T) {
	books := hospital()
	w := newWriter(&books, "fr", paris, "")
	var all []news
	for i := range int64(maxSections + 1) {
		all = append(all, told(about(ledger.AgentSilent, i, func(e *ledger.Episode) { e.Agent = fmt.Sprintf("ps-%02d", i) }), beginning))
	}
	m := mail{Kind: faultMail, News: all}
	if got := w.letter(&m).More; !strings.HasPrefix(got, "… et 1 autre, sans détail ici") || !strings.Contains(got, "ps-40") {
		t.Errorf("got %q", got)
	}
	m.News = all[:4]
	if got := w.letter(&m).Subject; !strings.HasSuffix(got, " et 1 autre") {
		t.Errorf("subject: got %q", got)
	}
}

func TestAMailIsNoSurerThanWhatItTells(t *testing.T) {
	books := hospital()
	w := newWriter(&books, "fr", paris, "")
	unsure := afterCutoff(ledger.Unsure, event(1, wire.FaxReceivedPages, 2, stamp(paris, 20, 18, 0), stamp(paris, 23, 7, 30), ledger.Unsure))
	m := mail{Kind: digestMail, News: []news{told(unsure, beginning)}}
	l := w.letter(&m)
	if !strings.Contains(l.Subject, "peut-être") || !strings.Contains(l.Sections[0].Title, "peut-être") {
		t.Errorf("got %q and %q, want both to doubt", l.Subject, l.Sections[0].Title)
	}
	unsure.Certainty = ledger.Certain // for another fax, that was told before
	l = w.letter(&m)
	if text := l.text(); strings.Contains(text, "tout l’intervalle vient après") {
		t.Errorf("it says that an unsure fax is certain:\n%s", text)
	}
	m = samples()["fax-probable"]
	if got := w.letter(&m).Lead[0]; !strings.Contains(got, "sans doute") {
		t.Errorf("got %q, want it to say probable", got)
	}
}
